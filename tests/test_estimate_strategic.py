"""Strategic models without learning: chances known by hand and by simulation, fits known in closed form, the fits of
the R package games where its data are at hand, then faults."""

import json
import re
from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats
from scipy.optimize import minimize_scalar

from standoff.errors import UserError
from standoff.estimate.fit import CONVERGED, NOT_CONVERGED, UNIDENTIFIED
from standoff.estimate.formulas import Formulas
from standoff.estimate.strategic import fit
from standoff.estimate.strategic.climb import climb
from standoff.estimate.strategic.compare import compare
from standoff.estimate.strategic.estimate import likelihood, likelihood_of
from standoff.estimate.strategic.file import ask, read
from standoff.estimate.strategic.games import GAMES, Choices
from standoff.estimate.strategic.starts import stepwise
from standoff.estimate.strategic.ultimatum import Ultimatum
from standoff.estimate.table import Table, as_table, read_table

GAMES_DATA = Path(__file__).resolve().parents[2] / "shared" / "reference" / "games"
WAR = {"actions": ["esc", "war"]}


def formulas(terms, **options):
    return Formulas(terms, options=options, name="formulas.yaml")


def data(name):
    path = GAMES_DATA / name
    if not path.is_file():
        pytest.skip("the data of the R package games are not beside the repository (../shared/reference/games)")
    return read_table(path)


# Chances: against shocks that are drawn one by one, in numpy, by the words of the model.


def draw(game, utility, uncertainty, rng, many):
    """Shares of the outcomes when every player knows his own shocks and the chances of the others."""
    chances = {}

    def value(node, player, payoff):
        if isinstance(node, int):
            return payoff[(player, node)]
        act = chances[id(node)]
        return (1 - act) * value(node.out, player, payoff) + act * value(node.act, player, payoff)

    outcomes = GAMES[game].outcomes
    shocked = {}
    for player in range(1, GAMES[game].players + 1):
        for outcome in outcomes:
            shock = rng.normal(size=many) if uncertainty == "private" else 0.0
            shocked[(player, outcome)] = utility.get((player, outcome), 0.0) + shock

    acts = {}

    def choose(node):
        if isinstance(node, int):
            return
        choose(node.out)
        choose(node.act)
        gain = value(node.act, node.player, shocked) - value(node.out, node.player, shocked)
        if uncertainty == "agent":
            gain = gain + rng.normal(size=many) - rng.normal(size=many)
        acts[id(node)] = gain > 0
        chances[id(node)] = acts[id(node)].mean()

    choose(GAMES[game].tree)
    share = {}

    def walk(node, here):
        if isinstance(node, int):
            share[node] = here.mean()
        else:
            walk(node.out, here & ~acts[id(node)])
            walk(node.act, here & acts[id(node)])

    walk(GAMES[game].tree, np.ones(many, dtype=bool))
    return np.array([share[outcome] for outcome in outcomes])


@pytest.mark.parametrize("uncertainty", ["agent", "private"])
@pytest.mark.parametrize("game", list(GAMES))
def test_chances_are_those_of_players_with_shocks(game, uncertainty):
    rng = np.random.default_rng(3)
    law = Choices(game, "probit", uncertainty)
    number = np.zeros(len(law.keys))
    number[: len(GAMES[game].utilities)] = rng.normal(size=len(GAMES[game].utilities))
    utility = dict(zip(GAMES[game].utilities, number, strict=False))
    many = 200_000
    told = np.exp(np.asarray(law.log_outcomes(jnp.asarray(number))))
    # The chances of later moves, by which earlier ones are weighed, are drawn too: six standard errors.
    assert draw(game, utility, uncertainty, rng, many) == pytest.approx(told, abs=6 * 0.5 / np.sqrt(many))
    assert told.sum() == pytest.approx(1.0, abs=1e-14)


def test_two_moves_by_hand():
    """u11 = 0.3, u13 = -0.2, u14 = 0.5, u24 = 0.4: p4 = Φ(0.4/√2), p_act = Φ((p4 0.5 - (1 - p4) 0.2 - 0.3)/√2)."""
    number = jnp.array([0.3, -0.2, 0.5, 0.4, 0.0, 0.0, 0.0])
    p4 = stats.norm.cdf(0.4 / 2**0.5)
    gain = p4 * 0.5 - (1 - p4) * 0.2 - 0.3
    agent, private = stats.norm.cdf(gain / 2**0.5), stats.norm.cdf(gain / np.sqrt(1 + p4**2 + (1 - p4) ** 2))
    for act, law in ((agent, Choices("egame12")), (private, Choices("egame12", "probit", "private"))):
        told = np.exp(np.asarray(law.log_outcomes(number)))
        assert told == pytest.approx([1 - act, act * (1 - p4), act * p4], abs=1e-15)
    logit = np.exp(np.asarray(Choices("egame12", "logit").log_outcomes(number)))
    p4 = stats.logistic.cdf(0.4 / 2**0.5)
    act = stats.logistic.cdf((p4 * 0.5 - (1 - p4) * 0.2 - 0.3) / 2**0.5)
    assert logit == pytest.approx([1 - act, act * (1 - p4), act * p4], abs=1e-15)


def test_no_tail_underflows():
    for link in ("probit", "logit"):
        law = Choices("egame12", link)
        number = jnp.array([400.0, 0.0, 0.0, -300.0, 0.0, 0.0, 0.0])
        logs = law.log_outcomes(number)
        tail = stats.norm.logcdf if link == "probit" else stats.logistic.logcdf
        assert float(logs[2]) == pytest.approx(tail(-400 / 2**0.5) + tail(-300 / 2**0.5), rel=1e-12)
        slope = jax.grad(law.log_likelihood)(number, jnp.array([0.0, 0.0, 1.0]), jnp.ones(2))
        assert np.isfinite(np.asarray(slope)).all()


@pytest.mark.parametrize("law", [Choices("egame123", "probit", "private"), Choices("egame122", "logit")], ids=str)
def test_a_common_number_added_to_a_players_utilities_changes_nothing(law):
    rng = np.random.default_rng(1)
    number = rng.normal(size=len(law.keys))
    moved = number + np.array([key.startswith("u1") for key in law.keys])
    here, there = (np.asarray(law.log_outcomes(jnp.asarray(x))) for x in (number, moved))
    assert there == pytest.approx(here, abs=1e-12)
    wide = GAMES[law.game].differences()
    shift = np.array([player == 1 for player, _ in GAMES[law.game].utilities], dtype=float)
    assert not (wide @ shift).any()


# The ultimatum game.

CASES = [(8.0, 9.0, 1.5, 0.2), (2.0, 4.0, -0.5, 1.0), (14.0, 12.0, 0.5, -0.5)]
"""R1, R2, log s1, log s2; the prize is 15."""


@pytest.mark.parametrize("link", ["logit", "probit"])
@pytest.mark.parametrize("case", CASES)
def test_offers_have_chances_that_sum_to_one_and_expectations_known_by_drawing(case, link):
    law, number = Ultimatum(15.0, link, answers=False), jnp.array(case)
    shocks = stats.logistic if link == "logit" else stats.norm
    seen = jax.jit(jax.vmap(lambda y: law.log_likelihood(number, jnp.stack([y, 0.0 * y]), jnp.ones(2))))
    grid = np.linspace(0, 15, 3_001)
    inside = np.exp(np.asarray(seen(jnp.asarray(grid[1:-1]))))
    edges = np.exp(np.asarray(seen(jnp.array([0.0, 15.0]))))
    total = (inside.sum() - 0.5 * (inside[0] + inside[-1])) * (grid[1] - grid[0]) + edges.sum()
    assert total == pytest.approx(1.0, abs=1e-2)  # the trapezium lacks half a panel at each end

    e = shocks.ppf((np.arange(1000) + 0.5) / 1000)
    r1, r2, s1, s2 = case[0], case[1], np.exp(case[2]), np.exp(case[3])
    accepted = shocks.cdf((grid - r2) / s2)
    worth = accepted[None] * (15.0 - grid - (r1 + s1 * e[:, None]))  # over what is had without a deal
    best = grid[worth.argmax(axis=1)]
    told = law.expected(np.array([case]))[0]
    assert told == pytest.approx([best.mean(), shocks.cdf((best - r2) / s2).mean()], abs=4e-3)


@pytest.mark.parametrize("link", ["logit", "probit"])
def test_the_best_offer_tells_the_proposers_shock(link):
    law, number = Ultimatum(15.0, link), np.array([6.0, 8.0, 0.7, 0.3])
    cdf = stats.logistic.cdf if link == "logit" else stats.norm.cdf
    for e in (-1.5, 0.0, 1.0):
        reserve = number[0] + np.exp(number[2]) * e

        def loss(y, reserve=reserve):
            p = cdf((y - number[1]) / np.exp(number[3]))
            return -(p * (15 - y) + (1 - p) * reserve)

        best = minimize_scalar(loss, bounds=(0, 15), method="bounded", options={"xatol": 1e-9}).x
        assert float(law.shock(jnp.asarray(number), jnp.asarray(best))) == pytest.approx(e, abs=1e-5)


# Fits known in closed form.


def counted(quiet, gave, fought):
    acts = [(0, 0)] * quiet + [(1, 0)] * gave + [(1, 1)] * fought
    return as_table({"esc": [a for a, _ in acts], "war": [b for _, b in acts]})


CONSTANT = {"u11": "1", "u13": "0", "u14": "0", "u24": "1"}


def test_constants_fit_shares_exactly():
    found = fit("egame12", counted(50, 30, 20), formulas(CONSTANT, **WAR))
    share = np.array([0.5, 0.3, 0.2])
    assert found.status == CONVERGED
    assert found.names == ("u11:(Intercept)", "u24:(Intercept)")
    assert found.log_likelihood == pytest.approx(100 * (share * np.log(share)).sum(), abs=1e-9)
    # u11 = -√2 Φ^-1(0.5), u24 = √2 Φ^-1(0.4); variance of a share p of n over the squared slope.
    normal = stats.norm.ppf([0.5, 0.4])
    assert found.estimate == pytest.approx(np.sqrt(2) * normal * [-1, 1], abs=1e-7)
    se = np.sqrt(2 * np.array([0.25 / 100, 0.24 / 50])) / stats.norm.pdf(normal)
    assert found.se == pytest.approx(se, rel=1e-6)
    assert np.abs(found.scores.sum(axis=0)).max() < 1e-6
    chance = found.predict()
    assert [float(chance[f"outcome {k}"][0]) for k in (1, 3, 4)] == pytest.approx(share.tolist(), abs=1e-8)
    private = fit("egame12", counted(50, 30, 20), formulas(CONSTANT, **WAR), uncertainty="private", starts=2)
    assert private.log_likelihood == pytest.approx(found.log_likelihood, abs=1e-9)


def test_fixed_utilities_leave_the_scale():
    """u24 fixed and a share of 0.4 of war: no single σ meets both shares; the best compromise is found by scan."""
    table = counted(60, 24, 16)
    zero = dict.fromkeys(CONSTANT, "0")
    fixed = {"u11": 0.2, "u13": -0.1, "u24": -0.6}
    found = fit("egame12", table, formulas(zero, **WAR, log_sd="1", fixed=fixed), starts=3)
    like = likelihood_of(found)
    best = minimize_scalar(lambda x: -like.value(np.array([x])), bounds=(-3, 3), method="bounded")
    assert found.names == ("log_sd:(Intercept)",)
    assert found.estimate[0] == pytest.approx(best.x, abs=1e-4)
    each = fit("egame12", table, formulas(zero, **WAR, log_sd1="1", log_sd2="1", fixed=fixed), starts=3)
    # With a scale for each player both shares are met: Φ(-0.6 / (√2 σ2)) = 0.4.
    assert each.log_likelihood == pytest.approx(100 * sum(p * np.log(p) for p in (0.6, 0.24, 0.16)), abs=1e-8)
    assert np.exp(each.coefficients["log_sd2:(Intercept)"]) == pytest.approx(-0.6 / 2**0.5 / stats.norm.ppf(0.4))


def simulated(n=1500, seed=0):
    """egame12, private: truth of (u11: 1, x; u14: 1, x; u24: 1, z)."""
    rng = np.random.default_rng(seed)
    x, z = rng.normal(size=(2, n))
    truth = np.array([0.4, 0.8, -0.5, 0.6, 0.3, -1.0])
    p4 = stats.norm.cdf((truth[4] + truth[5] * z) / 2**0.5)
    gain = p4 * (truth[2] + truth[3] * x) - truth[0] - truth[1] * x
    act = rng.uniform(size=n) < stats.norm.cdf(gain / np.sqrt(1 + p4**2 + (1 - p4) ** 2))
    war = rng.uniform(size=n) < p4
    return as_table({"x": x, "z": z, "esc": act.astype(int), "war": war.astype(int)}), truth


TERMS = {"u11": "x", "u13": "0", "u14": "x", "u24": "z"}


@pytest.fixture(scope="module")
def recovered():
    table, truth = simulated()
    return fit("egame12", table, formulas(TERMS, **WAR), uncertainty="private", starts=3), truth


def test_simulated_truth_is_recovered(recovered):
    found, truth = recovered
    assert found.status == CONVERGED
    assert (np.abs(found.estimate - truth) < 4 * found.se).all()
    assert np.median(found.se) < 0.2
    assert found.options["starts_at_best"] == 3


def test_derivatives_are_those_of_differences(recovered):
    found, _ = recovered
    like = likelihood_of(found)
    theta = found.estimate + 0.1
    at, step = like.slope(theta), 1e-5
    for k in range(len(theta)):
        up, down = theta.copy(), theta.copy()
        up[k], down[k] = up[k] + step, down[k] - step
        assert at.scores[:, k] == pytest.approx((like.each(up) - like.each(down)) / (2 * step), abs=1e-7)
        bend = (like.slope(up).scores.sum(0) - like.slope(down).scores.sum(0)) / (2 * step)
        assert at.hessian[:, k] == pytest.approx(bend, abs=1e-4)


def test_other_covariances_and_other_tables(recovered):
    found, _ = recovered
    robust = found.with_covariance("robust")
    assert robust.se == pytest.approx(found.se, rel=0.15)  # the model is true
    boot = found.with_covariance("bootstrap:20", seed=2)
    assert boot.se == pytest.approx(found.se, rel=0.6)  # 20 draws: a standard error within 16% (1 sd)
    other = found.predict(as_table({"x": [0.0], "z": [50.0]}))
    total = sum(float(other[f"outcome {k}"][0]) for k in (1, 3, 4))
    assert total == pytest.approx(1.0)
    assert float(other["outcome 3"][0]) == pytest.approx(1.0 - float(other["outcome 1"][0]), abs=1e-12)


def test_backward_induction_ends_with_the_last_movers_own_probit(recovered):
    found, _ = recovered
    like = likelihood_of(found)
    theta = stepwise(like)
    acted = like.design.counts[:, 0] == 0
    z, war = like.design.blocks[3][acted, 1], like.design.counts[acted, 2]
    fitted = stats.norm.cdf((theta[4] + theta[5] * z) / 2**0.5)
    weight = stats.norm.pdf(stats.norm.ppf(fitted)) / (fitted * (1 - fitted))
    assert abs(((war - fitted) * weight).sum()) < 1e-6
    assert abs(((war - fitted) * weight * z).sum()) < 1e-6
    assert found.log_likelihood >= like.value(theta)


def test_constants_everywhere_are_told_apart_by_no_data():
    table, _ = simulated(300)
    wide = formulas({"u11": "x", "u13": "1", "u14": "1", "u24": "z"}, **WAR)
    found = fit("egame12", table, wide, starts=2)
    assert found.status == UNIDENTIFIED
    assert any("u11:(Intercept)" in w and "u13:(Intercept)" in w for w in found.warnings)
    assert np.isnan(found.se[found.names.index("u13:(Intercept)")])
    assert np.isfinite(found.se[found.names.index("u24:z")])


def test_outcomes_that_separate_are_no_convergence():
    x = np.linspace(-1, 1, 40)
    table = as_table({"x": x, "esc": (x > 0).astype(int), "war": np.arange(40) % 2})
    found = fit("egame12", table, formulas({"u11": "x", "u13": "0", "u14": "0", "u24": "1"}, **WAR), starts=2)
    assert found.status != CONVERGED or any("separation" in w for w in found.warnings)
    assert not any("penalty" in w for w in found.warnings)  # which these models do not take


def test_warnings_do_not_speak_of_another_game():
    """Four outcomes, as the signaling game has, one of which never occurs."""
    table = as_table({"x": np.linspace(-1, 1, 40), "o": np.arange(40) % 3 + 1})
    terms = {"u11": "0", "u12": "1", "u13": "0", "u14": "x", "u22": "1", "u24": "1"}
    found = fit("egame122", table, formulas(terms, outcome="o", values=[1, 2, 3, 4]), starts=1)
    assert not any("concession" in w or "challenge" in w or "backing down" in w for w in found.warnings)


def test_comparing_is_antisymmetric_and_wants_the_same_games(recovered):
    found, _ = recovered
    table, _ = simulated()
    small = fit("egame12", table, formulas(TERMS | {"u14": "1"}, **WAR), uncertainty="private", starts=2)
    one, two = compare(found, small), compare(small, found)
    assert one.vuong == pytest.approx(-two.vuong)
    assert one.clarke == one.n - two.clarke
    assert one.vuong > 0
    with pytest.raises(UserError, match="same of every game"):
        compare(found, found)
    fewer = fit("egame12", table.take(np.arange(1499)), formulas(TERMS, **WAR), uncertainty="private", starts=1)
    with pytest.raises(UserError, match="not the same"):
        compare(found, fewer)


def test_several_local_maxima_are_told_and_the_best_is_reported():
    """Bounded from below, the criterion of offers has many local maxima; the likelihood has one."""
    offers = [20, 49, 10, 1, 21, 50, 50, 0, 15, 20, 1, 21, 5, 0, 22, 20]
    accept = [0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 0, 1, 1, 1]
    table = as_table({"offer": offers, "accept": accept})
    asked = formulas({"R1": "1", "R2": "1"}, offer="offer", accept="accept", largest=100, fixed={"s2": 1})
    plain = fit("ultimatum", table, asked)
    assert plain.status == CONVERGED
    assert plain.options["starts_at_best"] == 8
    bounded = fit("ultimatum", table, asked, floor=float(np.finfo(float).eps))
    assert any("called log-likelihood is none" in w for w in bounded.warnings)
    assert bounded.log_likelihood > plain.log_likelihood
    assert likelihood_of(plain).value(bounded.estimate) <= plain.log_likelihood


# The fits of the R package games.

EPS = float(np.finfo(float).eps)
F1 = {"u11": "s_wt_re1 + revis1", "u13": "0", "u14": "C(regime1)", "u24": "balanc + C(regime2)"}
UTILS = {"fixed": {"u11": -1, "u13": 0, "u14": -1.4, "u24": 0.1}}
ZERO = dict.fromkeys(F1, "0")
LEBLANG = {
    "u11": "0 + capcont + lreserves + overval + creditgrow + USinterest + service + contagion + prioratt",
    "u13": "1", "u14": "1",
    "u24": "unifgov + lexports + preelec + postelec + rightgov + realinterest + capcont + lreserves",
}  # fmt: skip
ENDED = {"outcome": "outcome", "values": ["no attack", "devaluation", "defense"]}
F122 = {"u11": "x1 + x2", "u12": "x3 + C(f1)", "u13": "0", "u14": "x4 + x5", "u22": "z1 + z2", "u24": "z3 + C(f2)"}
F123 = {
    "u11": "x1 + x2", "u13": "0", "u15": "x3", "u16": "x4 + x5", "u23": "0", "u25": "x6", "u26": "x7", "u36": "x8",
}  # fmt: skip
Y122, Y123 = {"outcome": "y", "values": ["LL", "LR", "RL", "RR"]}, {"outcome": "y", "values": [1, 3, 5, 6]}
FU = {"R1": "x1 + x2 + x3 + x4 + w1 + w2", "R2": "z1 + z2 + z3 + z4 + w1 + w2"}
OFFER = {"offer": "offer", "largest": 15}
BOTH = OFFER | {"accept": "accept"}
PEER = [
    ("egame12_war1800_probit_agent", "egame12", "war1800", F1, WAR, {}),
    ("egame12_war1800_logit_agent", "egame12", "war1800", F1, WAR, {"link": "logit"}),
    ("egame12_war1800_probit_private", "egame12", "war1800", F1, WAR, {"uncertainty": "private"}),
    ("egame12_war1800_from1850", "egame12", "war1850", F1, WAR, {}),
    ("egame12_fixed_utils", "egame12", "war1800", ZERO, WAR | UTILS | {"log_sd": "1"}, {}),
    ("egame12_fixed_utils_by_player", "egame12", "war1800", ZERO, WAR | UTILS | {"log_sd1": "1", "log_sd2": "1"}, {}),
    ("egame12_sdformula", "egame12", "war1800", F1, WAR | {"log_sd": "0 + balanc"}, {}),
    ("leblang_probit_private", "egame12", "leblang2003", LEBLANG, ENDED, {"uncertainty": "private"}),
    ("leblang_probit_agent", "egame12", "leblang2003", LEBLANG, ENDED, {}),
    ("egame122_probit_agent", "egame122", "data_122", F122, Y122, {}),
    ("egame122_logit_agent", "egame122", "data_122", F122, Y122, {"link": "logit"}),
    ("egame123_probit_private", "egame123", "data_123", F123, Y123, {"uncertainty": "private"}),
    ("egame123_probit_agent", "egame123", "data_123", F123, Y123, {}),
    ("ultimatum_data_ult", "ultimatum", "data_ult", FU, BOTH, {}),
    ("ultimatum_offer_only", "ultimatum", "data_ult", FU, OFFER, {}),
    ("ultimatum_fixed_scales", "ultimatum", "data_ult", FU, BOTH | {"fixed": {"s1": 5, "s2": 1}}, {}),
]
FAST = PEER[0][0]
NUMERIC = ("egame12_fixed_utils", "egame12_fixed_utils_by_player", "egame12_sdformula")
"""Fits whose standard errors rest on the peer's numerical derivatives; `test_derivatives` holds ours to differences."""


def peer(name):
    data("war1800.csv")
    return json.loads((GAMES_DATA / "peer_fits.json").read_text(encoding="utf-8"))[name]


def peer_table(name):
    if name != "war1850":
        return data(f"{name}.csv")
    whole = data("war1800.csv")
    return Table(whole.frame.filter(whole.frame["year"] >= 1850), "war1800.csv from 1850")


@pytest.mark.parametrize(
    "row", [pytest.param(r, marks=() if r[0] == FAST else pytest.mark.slow) for r in PEER], ids=lambda r: r[0]
)
def test_fits_of_the_peer(row):
    name, model, file, terms, options, asked = row
    printed = peer(name)
    found = fit(model, peer_table(file), formulas(terms, **options), **asked)
    assert found.status == CONVERGED
    assert found.n == printed["n_obs"]
    assert printed["loglik"] - 1e-7 < found.log_likelihood < printed["loglik"] + 1e-4
    line = f"| {name} | {found.n} | {len(found.names)} | {printed['loglik']:.4f} | {found.log_likelihood:.4f} |"
    assert line in PAGE.read_text(encoding="utf-8")
    errors = {key: se for key, se in printed["std_errors"].items() if se is not None}
    assert found.estimate == pytest.approx([printed["coefficients"][key] for key in errors], abs=3e-3)
    assert found.se == pytest.approx(list(errors.values()), abs=0.02 if name in NUMERIC else 1e-3)
    told = np.array(printed["predicted_first10"])
    here = np.stack(list(found.predict().chances.values()), axis=1)[:10]
    if model == "ultimatum":  # the peer's are means of 1,000 draws; an offer varies by at most half the prize
        assert (np.abs(here - told) < 4 * np.array([7.5, 0.5]) / np.sqrt(1000)).all()
    else:
        assert here == pytest.approx(told, abs=2e-4)


STUDENT = {"offer": "offer", "accept": "accept", "largest": 100, "fixed": {"s2": 1}}
STUDENTS = {"R1": "gender1", "R2": "gender2"}


def test_students_the_peer_bounds_chances_and_stops_below_the_maximum():
    table = data("student_offers.csv")
    exact = ask("ultimatum", table, formulas(STUDENTS, **STUDENT))
    bounded = ask("ultimatum", table, formulas(STUDENTS, **STUDENT), floor=EPS)
    for name, level, true in (
        ("student_default", -663.4526, -698.7490),
        ("student_profile_restart", -662.9967, -698.2932),
    ):
        theta = np.array([v for k, v in peer(name)["coefficients"].items() if k != "log(s2)"])
        assert likelihood(bounded).value(theta) == pytest.approx(peer(name)["loglik"], abs=1e-9)
        assert likelihood(bounded).value(theta) == pytest.approx(level, abs=1e-4)
        assert likelihood(exact).value(theta) == pytest.approx(true, abs=1e-4)
    found = fit("ultimatum", table, formulas(STUDENTS, **STUDENT))
    assert found.status == CONVERGED
    assert found.options["starts_at_best"] == found.options["starts"]
    assert found.log_likelihood == pytest.approx(-696.80915, abs=1e-4)
    same = fit("ultimatum", table, formulas(STUDENTS, **STUDENT), floor=EPS)
    assert same.log_likelihood > -662.9967
    assert same.log_likelihood == pytest.approx(-505.34928, abs=1e-4)


def test_nonnested_the_peers_first_fit_is_its_start():
    """Vuong 1.71 and Clarke 158 are those of backward induction; from there the log-likelihood rises without end."""
    printed = peer("nonnested")
    whole = data("war1800.csv")
    table = Table(whole.frame.drop_nulls(["regime1", "regime2"]), "war1800.csv")
    first = {"u11": "balanc + s_wt_re1", "u13": "0", "u14": "balanc", "u24": "balanc + s_wt_re1"}
    second = {"u11": "C(regime1)", "u13": "0", "u14": "C(regime1) + C(regime2)", "u24": "C(regime1) + C(regime2)"}
    one, two = (fit("egame12", table, formulas(f, **WAR), starts=3) for f in (first, second))
    assert two.status == CONVERGED
    assert two.log_likelihood == pytest.approx(printed["loglik2"], abs=1.3e-3)
    assert two.log_likelihood > printed["loglik2"]
    assert one.status == NOT_CONVERGED
    assert one.log_likelihood > -288.7
    assert any("still rises as u11:(Intercept)" in w for w in one.warnings)
    begun = replace(one, estimate=stepwise(likelihood_of(one)))
    level = likelihood_of(one).value(begun.estimate)
    assert level == pytest.approx(printed["loglik1"], abs=2e-4)
    told = compare(begun, two)
    assert told.vuong == pytest.approx(printed["vuong_stat"], abs=5e-3)
    assert abs(told.clarke - printed["clarke_stat"]) <= 1


# The page.

PAGE = Path(__file__).resolve().parents[1] / "docs" / "replications" / "strategic.md"
SHOWN = re.findall(r"```console\n\$ standoff (.*?)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """A folder with the data and with the files that the page shows."""
    data("war1800.csv")
    for file in GAMES_DATA.glob("*.csv"):
        (tmp_path / file.name).symlink_to(file)
    for name, text in re.findall(r"```yaml\n# (\S+)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL):
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(("command", "printed"), SHOWN, ids=lambda x: x.split()[-1][:24])
def test_the_commands_of_the_page_print_what_it_shows(desk, standoff, command, printed):
    code, out, err = standoff(*command.split(), "--quiet")
    assert code == 0, err
    assert out == printed


@pytest.mark.slow
def test_the_code_of_the_page_prints_what_it_shows(desk, capsys):
    code, printed = re.search(
        r"```python\n(.*?)```\n\n```text\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL
    ).groups()
    exec(code, {})
    assert capsys.readouterr().out == printed


def test_the_page_tells_every_fit_of_the_package():
    rows = re.findall(r"\| (\w+) \| (\d+) \| (\d+) \| (-[\d.]+) \| (-[\d.]+) \|", PAGE.read_text(encoding="utf-8"))
    assert [row[0] for row in rows] == [row[0] for row in PEER]
    assert all(float(here) >= float(there) - 1e-4 for *_, there, here in rows)


# Faults.


def written(tmp_path, text):
    path = tmp_path / "formulas.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_formula_file_is_read(tmp_path):
    path = written(tmp_path, 'u11: "1"\nu13: "0"\nu14: "0"\nu24: "1"\nactions: [esc, war]\nlink: logit\n')
    found = fit("egame12", counted(50, 30, 20), path, starts=1)
    assert found.options["link"] == "logit"
    assert read("egame12", path).terms["u24"] == "1"


FAULTS = [
    ("egame9", CONSTANT, WAR, {}, "no model of this family"),
    ("egame12", CONSTANT, {}, {}, "say what was done"),
    ("egame12", CONSTANT, WAR | {"outcome": "esc"}, {}, "say what was done"),
    ("egame12", CONSTANT, {"actions": ["esc"]}, {}, "actions is a list of 2"),
    ("egame12", CONSTANT, {"actions": ["esc", "many"]}, {}, "table, row 1, column 'many': 3 is neither 0"),
    ("egame12", CONSTANT, {"actions": ["esc", "ware"]}, {}, "no column 'ware'.*Did you mean war"),
    ("egame12", CONSTANT, {"outcome": "many", "values": [1, 2, 4]}, {}, "'3' is none of values: 1, 2, 4"),
    ("egame12", CONSTANT, WAR, {"link": "cauchit"}, "no link"),
    ("egame12", CONSTANT, WAR, {"uncertainty": "both"}, "no uncertainty"),
    ("egame12", CONSTANT, WAR, {"link": "logit", "uncertainty": "private"}, "takes link probit"),
    ("egame12", CONSTANT, WAR | {"log_sd": "1", "log_sd1": "1"}, {}, "one or the other"),
    ("egame12", CONSTANT, WAR | {"log_sd": 3}, {}, "log_sd is no formula"),
    ("egame12", CONSTANT, WAR | {"fixed": {"u99": 1}}, {}, "'u99' is none of"),
    ("egame12", CONSTANT, WAR | {"fixed": {"u11": "x"}}, {}, "u11 is no number"),
    ("egame12", CONSTANT, WAR | {"fixed": 3}, {}, "fixed maps utilities"),
    ("egame12", dict.fromkeys(CONSTANT, "0"), WAR, {}, "nothing to estimate"),
    ("egame12", CONSTANT | {"u11": "__import__('os')"}, WAR, {}, "may not stand in a formula"),
    ("egame12", CONSTANT, WAR, {"starts": 0}, "at least one start"),
    ("ultimatum", {"R1": "1", "R2": "1"}, {"offer": "many"}, {}, "needs the prize"),
    ("ultimatum", {"R1": "1", "R2": "1"}, {"largest": 5}, {}, "column of the offers"),
    ("ultimatum", {"R1": "1", "R2": "1"}, {"offer": "many", "largest": 2}, {}, "3 is no offer from 0 to the prize"),
    ("ultimatum", {"R1": "1", "R2": "1"}, {"offer": "many", "largest": "5"}, {}, "largest is a number"),
    ("ultimatum", {"R1": "1", "R2": "1"}, {"offer": "many", "largest": 5, "fixed": {"s2": -1}}, {}, "above 0"),
    ("ultimatum", {"R1": "1", "R2": "1"}, {"offer": "many", "largest": 5}, {"floor": 1.0}, "below 1"),
    ("ultimatum", {"R1": "1", "R2": "1"}, {"offer": "many", "largest": 5}, {"uncertainty": "agent"}, "Leave it out"),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f[4][:24])
def test_faults_are_told(fault):
    model, terms, options, asked, words = fault
    table = counted(3, 2, 1).with_column("many", 3)
    with pytest.raises(UserError, match=words):
        fit(model, table, formulas(terms, **options), **asked)


def test_rows_without_an_answer_are_left_out_and_told():
    table = as_table({"esc": [0, 1, 1, 1, None, 0], "war": [None, 0, 1, None, 1, 1]})
    asked = ask("egame12", table, formulas(CONSTANT, **WAR))
    assert len(asked.design) == 4  # without escalation it does not matter what 2 would have done
    assert asked.design.counts.sum(axis=0).tolist() == [2, 1, 1]
    assert "2 of 6 rows are left out" in asked.design.notes[-1]


def test_a_climb_stops_where_it_cannot_begin():
    asked = ask("egame12", counted(3, 2, 1), formulas(CONSTANT, **WAR))
    assert not climb(likelihood(asked), np.array([np.nan, 0.0])).arrived
