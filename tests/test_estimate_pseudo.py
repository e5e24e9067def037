import csv
import json
from pathlib import Path

import numpy as np
import pytest

from standoff.estimate import pseudo
from standoff.estimate.covariance import sandwich
from standoff.estimate.equilibria import enumerate_all
from standoff.estimate.estimation import Settings, estimate_design
from standoff.estimate.first_stage import first_stage
from standoff.estimate.formulas import COUNTS, PAYOFFS, Design, Formulas, build
from standoff.estimate.table import as_table, read_table

SIGINT = Path(__file__).parents[2] / "shared" / "reference" / "sigint"
SIMPLE = {"SA": "0", "VA": "1", "CB": "0", "barWA": "1", "barWB": "1 + x", "bara": "1", "VB": "1"}
TRUTH = np.array([1.0, -1.8, -2.45, 0.1, -1.2, 1.0])


def reference(name):
    path = SIGINT / name
    if not path.is_file():
        pytest.skip("the reference fits are not beside the repository (../shared/reference/sigint)")
    return path


def peer():
    return json.loads(reference("peer_fits.json").read_text())


def sanctions(specification):
    told = peer()["specifications"][specification]
    return build(read_table(reference("sanctions_data_to1989.csv")), Formulas({k: told[k] for k in PAYOFFS}))


def guesses(design, names=("PRhat", "PFhat")):
    return tuple(design.table.numbers(name) for name in names)


def simulated(games=80, plays=200, seed=5, truth=TRUTH):
    """Games played from their only equilibrium."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(size=games)
    empty = {name: np.zeros(games) for name in COUNTS}
    design = build(as_table({"x": x, **empty}), Formulas(SIMPLE), with_counts=False)
    payoffs = design.payoffs(truth)
    found = enumerate_all(payoffs)
    from standoff.estimate.played import log_chances

    chances = np.exp(log_chances(payoffs, found.probit))[:, 0]
    counts = np.stack([rng.multinomial(plays, p / p.sum()) for p in chances])
    return build(as_table({"x": x, **{n: counts[:, k] for k, n in enumerate(COUNTS)}}), Formulas(SIMPLE))


def point(many=6, seed=3):
    """Payoffs and guesses of some games."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(many, 7)), rng.uniform(0.1, 0.9, (many, 2)), rng.integers(0, 9, (many, 4)).astype(float)


def slopes(function, at, step=1e-6):
    """Central differences along the last axis of `at` [game, entry]: [game, ..., entry]."""
    found = []
    for k in range(at.shape[1]):
        up, down = at.copy(), at.copy()
        up[:, k] += step
        down[:, k] -= step
        found.append((function(up) - function(down)) / (2 * step))
    return np.stack(found, axis=-1)


@pytest.mark.parametrize("specification", ["main", "s2", "s5"])
def test_pl_is_the_peers(specification):
    design, told = sanctions(specification), peer()["fits"][f"{specification}_pl"]
    found = pseudo.pseudo_likelihood(design, *guesses(design))
    assert found.settled
    assert found.value == pytest.approx(told["loglik"], abs=1e-6)
    assert found.theta == pytest.approx(list(told["coefficients"].values()), abs=1e-6)  # of both optimisers' tolerance


def test_npl_is_the_peers_but_for_its_transposed_standard_errors():
    design, told = sanctions("main"), peer()["fits"]["main_npl"]
    found = pseudo.nested(design, *guesses(design))
    assert found.settled
    assert found.value == pytest.approx(told["loglik"], abs=1e-4)  # the peer stops at a change of 5e-8
    assert found.theta == pytest.approx(list(told["coefficients"].values()), abs=1e-5)
    se = np.sqrt(np.diag(sandwich(found.derivative, found.scores)))
    rows = list(csv.DictReader(reference("npl_standard_error_check.csv").read_text().splitlines()))
    assert se == pytest.approx([float(row["se_J_not_transposed"]) for row in rows], abs=1e-5)
    assert np.abs(se - [float(row["se_package"]) for row in rows]).max() > 0.1


@pytest.mark.parametrize(
    ("data", "stage"),
    [
        ("sim_unique_a", "freq"),
        pytest.param("sim_unique_a", "true", marks=pytest.mark.slow),
        pytest.param("sim_multiple_a", "freq", marks=pytest.mark.slow),
        ("sim_multiple_a", "true"),
    ],
)
def test_simulated_games_as_the_peer_has_them(data, stage):
    told = json.loads(reference("sim_a.json").read_text())
    design = build(read_table(reference(f"{data}.csv")), Formulas({k: told["formula"][k] for k in PAYOFFS}))
    first = guesses(design, ("PRhat", "PFhat") if stage == "freq" else ("true_pr", "true_pf"))
    one, two = (told["peer_fits"][f"{data}_{method}_{stage}"] for method in ("pl", "npl"))
    assert pseudo.pseudo_likelihood(design, *first).value == pytest.approx(one["loglik"], abs=1e-5)
    found = pseudo.nested(design, *first, rounds=120)
    assert found.value == pytest.approx(two["loglik"], abs=1e-3)  # the peer stops at 1e-7, and the way there is long


def test_npl_leaves_the_unstable_equilibria_that_were_played():
    told = json.loads(reference("sim_a.json").read_text())
    design = build(read_table(reference("sim_multiple_a.csv")), Formulas({k: told["formula"][k] for k in PAYOFFS}))
    truth = told["designs"]["sim_multiple_a"]
    fit = estimate_design(design, Settings(method="npl"))
    assert fit.log_likelihood < truth["mle_loglik"] - 200
    assert fit.equilibria["unstable_played"] == 0
    payoffs = design.payoffs(np.array(truth["mle"]))
    played = np.stack(guesses(design, ("true_pr", "true_pf")), axis=1)
    assert (np.abs(pseudo.slope(payoffs, played)) > 1).sum() > 20


def test_derivatives_are_those_of_the_value():
    payoffs, start, counts = point()

    def value(u):
        return pseudo.value_of(pseudo.known(u, *start.T), counts)

    def gradient(u):
        at = pseudo.known(u, *start.T)
        return np.einsum("nk,nkp->np", pseudo.derivatives(at, counts)[0], pseudo.linear(at))

    at = pseudo.known(payoffs, *start.T)
    lines = pseudo.linear(at)
    curve = np.einsum("nkp,nkl,nlq->npq", lines, pseudo.derivatives(at, counts)[1], lines)
    assert gradient(payoffs) == pytest.approx(slopes(value, payoffs), rel=1e-6, abs=1e-6)
    assert curve == pytest.approx(slopes(gradient, payoffs), rel=1e-6, abs=1e-6)


def test_derivatives_hold_where_a_challenge_is_rare():
    payoffs, start, counts = point()
    payoffs[:, [3, 5]] -= 18  # chances of a challenge below 1e-17
    at = pseudo.known(payoffs, *start.T)
    assert at.logs[:, 1].max() < -40
    gradient = np.einsum("nk,nkp->np", pseudo.derivatives(at, counts)[0], pseudo.linear(at))
    value = slopes(lambda u: pseudo.value_of(pseudo.known(u, *start.T), counts), payoffs)
    assert gradient == pytest.approx(value, rel=1e-5, abs=1e-4)


def test_best_responses_have_the_derivatives_told():
    payoffs, start, _ = point()
    _, by_payoff, by_guess = pseudo.respond(payoffs, start)
    assert by_payoff == pytest.approx(slopes(lambda u: pseudo.respond(u, start)[0], payoffs), abs=1e-7)
    assert by_guess == pytest.approx(slopes(lambda p: pseudo.respond(payoffs, p)[0], start), abs=1e-7)


def test_an_equilibrium_follows_the_coefficients_as_told():
    design = simulated(12)

    def equilibrium(theta):
        payoffs = design.payoffs(theta)
        probit = enumerate_all(payoffs).probit[:, 0]
        firm = pseudo.respond(payoffs, np.stack([pseudo.ndtr(probit), np.full(12, 0.5)], axis=1))[0][:, 1]
        return np.stack([pseudo.ndtr(probit), firm], axis=1)

    at = equilibrium(TRUTH)
    assert pseudo.respond(design.payoffs(TRUTH), at)[0] == pytest.approx(at, abs=1e-9)
    found = pseudo.follow(design.payoffs(TRUTH), at, design.matrix())
    step = 1e-5
    for k in range(len(TRUTH)):
        change = np.zeros(len(TRUTH))
        change[k] = step
        numeric = (equilibrium(TRUTH + change) - equilibrium(TRUTH - change)) / (2 * step)
        assert found[:, :, k] == pytest.approx(numeric, rel=1e-4, abs=1e-6)


def test_pl_at_the_truth_and_npl_find_the_truth_again():
    design = simulated(200, 2000, seed=8)
    fit = estimate_design(design, Settings(method="npl", first_stage="frequencies"))
    assert fit.status == "converged"
    assert np.all(np.abs((fit.estimate - TRUTH) / fit.se) < 4)
    assert fit.log_likelihood == pytest.approx(fit.equilibria["exact_loglik"], abs=1e-4)
    assert fit.equilibria["games_by_number"] == {"1": 200}


def test_npl_that_has_not_settled_says_so():
    fit = estimate_design(simulated(), Settings(method="npl", first_stage="frequencies", rounds=3))
    assert fit.status == "not converged"
    assert any("had not settled after 3 rounds" in sentence for sentence in fit.warnings)


def test_newton_climbs_out_of_a_region_that_is_not_concave():
    def bell(x):
        value = float(np.exp(-0.5 * x @ x))
        return value, -x * value, (np.outer(x, x) - np.eye(2)) * value

    theta, value, good = pseudo.newton(bell, np.array([1.8, -1.1]))
    assert good
    assert theta == pytest.approx([0, 0], abs=1e-6)
    assert value == pytest.approx(1)


def test_newton_does_not_call_a_rising_line_a_maximum():
    _, _, good = pseudo.newton(lambda x: (float(-np.exp(-x[0])), np.exp(-x), -np.diag(np.exp(-x))), np.array([0.0]), 20)
    assert not good


def test_first_stages():
    design = simulated(60, 100)
    _, concede, stand, back = design.counts.T
    for how in ("frequencies", "forest", "boosting"):
        resist, firm, words = first_stage(design, how)
        assert how in words
        for found, part, whole in ((resist, stand + back, concede + stand + back), (firm, stand, stand + back)):
            assert ((found > 0) & (found < 1)).all()
            assert (found * whole).sum() == pytest.approx(part.sum(), rel=0.1)


def test_a_first_stage_from_columns_needs_chances():
    design = simulated(10)
    table = design.table.with_column("PRhat", np.full(10, 0.5)).with_column("PFhat", np.linspace(0, 0.9, 10))
    design = build(table, Formulas(SIMPLE))
    with pytest.raises(Exception, match=r"row 1, column 'PFhat': 0 is no chance"):
        first_stage(design)


def test_a_design_of_no_formula_has_frequencies_alone():
    design = simulated(10)
    bare = Design(design.names, design.blocks, design.counts, design.rows)
    assert len(first_stage(bare, "frequencies")[0]) == 10
    with pytest.raises(Exception, match="needs the table"):
        first_stage(bare, "forest")


def test_newton_gives_up_where_there_is_no_number():
    nan = np.full((2, 2), np.nan)
    _, _, good = pseudo.newton(lambda x: (1.0, nan[0], nan), np.zeros(2))
    assert not good


def test_npl_that_runs_away_ends_without_a_number_that_looks_like_one():
    fit = estimate_design(sanctions("s5"), Settings(method="npl"))
    assert fit.status == "not converged"


def test_a_small_gap_is_told_as_it_is():
    """One game: its guesses are nearly an equilibrium, but for the one observation by which they are drawn."""
    columns = {"sq": [9], "cd": [2], "sf": [7], "bd": [8]}
    design = build(as_table(columns), Formulas(SIMPLE | {"barWB": "1"}))
    fit = estimate_design(design, Settings(method="pl", first_stage="frequencies"))
    gap = fit.equilibria["largest_violation"]
    told = next(said for said in fit.warnings if "off by up to" in said)
    assert float(told.split("off by up to ")[1].split(")")[0]) == pytest.approx(gap, rel=0.1)
