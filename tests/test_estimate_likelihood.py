"""Exact likelihood of the signaling game and its maximum: known values, derivatives, simulated truth, starts."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from standoff.estimate import reply_search
from standoff.estimate.climbing import Point, Problem, Start, _ascend, climb
from standoff.estimate.equilibria import enumerate_all
from standoff.estimate.formulas import Design, build, read_formulas
from standoff.estimate.likelihood import MIXING, SELECTIONS, Exact
from standoff.estimate.maximum import _best, _guess, _guessed, maximise
from standoff.estimate.pseudo import pseudo_likelihood
from standoff.estimate.reply_search import search
from standoff.estimate.table import read_table

ROOT = Path(__file__).parent.parent
KNOWN = Path(__file__).parent / "known" / "sigint"
DATA = ROOT.parent / "shared" / "reference" / "sigint"
BASE = np.array([0, 1, 0, -1.9, -2.9, -1.2, 1.0])
MULTIPLE = np.array([1, -1.9, -2.9, 0.1, -1.2, 1.0])
SIM = ("VA:(Intercept)", "barWA:(Intercept)", "barWB:(Intercept)", "barWB:x", "bara:(Intercept)", "VB:(Intercept)")


def known(name):
    return json.loads((KNOWN / name).read_text())


@pytest.fixture(scope="module")
def sanctions():
    if not (DATA / "sanctions_data_to1989.csv").exists():
        pytest.skip("the table of sanctions is not beside the repository (../shared/reference/sigint)")
    formulas = read_formulas(ROOT / "docs" / "replications" / "signaling" / "main.yaml")
    return build(read_table(DATA / "sanctions_data_to1989.csv"), formulas)


def simulated(name):
    if not (DATA / f"{name}.csv").exists():
        pytest.skip("the simulated tables are not beside the repository (../shared/reference/sigint)")
    with (DATA / f"{name}.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    x = np.array([[float(row["x"])] for row in rows])
    counts = np.array([[float(row[c]) for c in ("sq", "cd", "sf", "bd")] for row in rows])
    return design_of(x, counts)


def design_of(x, counts):
    one, none = np.ones_like(x), np.zeros((len(x), 0))
    return Design(SIM, (none, one, none, one, np.hstack([one, x]), one, one), counts, np.arange(len(x)))


def drawn(rng, games, plays, truth=(1, -1.8, -2.45, 0.1, -1.2, 1)):
    from standoff.estimate.signaling import log_outcomes

    empty = design_of(rng.random((games, 1)), np.zeros((games, 4)))
    payoffs = empty.payoffs(np.array(truth, dtype=float))
    chances = np.exp(np.asarray(log_outcomes(payoffs, enumerate_all(payoffs).probit[:, 0])))
    counts = np.array([rng.multinomial(plays, p / p.sum()) for p in chances], dtype=float)
    return design_of(empty.blocks[4][:, 1:], counts)


def test_likelihood_known(sanctions):
    exact = Exact(sanctions.counts)
    for point in known("likelihood_points.json").values():
        theta = np.array([point["theta"][name] for name in sanctions.names])
        terms = exact.terms(sanctions.payoffs(theta), hessian=False)
        assert terms.value.sum() == pytest.approx(point["loglik_best_equilibrium"], rel=1e-12)
        numbers = np.bincount(terms.equilibria.count)
        assert {str(k): int(n) for k, n in enumerate(numbers) if n} == point["games_by_number_of_equilibria"]


@pytest.mark.parametrize("given", [False, True])
@pytest.mark.parametrize("selection", SELECTIONS)
def test_derivatives(selection, given):
    rng = np.random.default_rng(3)
    payoffs = BASE + rng.normal(0, 0.1, (40, 7))
    payoffs[:10] = rng.normal(0, 1, (10, 7))
    exact = Exact(rng.integers(0, 30, (40, 4)).astype(float), selection, given)
    mixing = np.array([0.3, -0.4]) if exact.mixing else np.zeros(0)
    terms = exact.terms(payoffs, mixing)
    smooth = np.isfinite(terms.value) & (np.abs(terms.equilibria.slope - 1) > 0.02).all(
        axis=1, where=~np.isnan(terms.equilibria.slope)
    )
    assert smooth.sum() > 30
    assert (terms.equilibria.count[smooth] == 3).any()
    step = 1e-5
    for k in range(7 + len(mixing)):
        ends = []
        for way in (step, -step):
            p, m = payoffs.copy(), mixing.copy()
            if k < 7:
                p[:, k] += way
            else:
                m[k - 7] += way
            ends.append(exact.terms(p, m))
        first = (ends[0].value[smooth] - ends[1].value[smooth]) / (2 * step)
        second = (ends[0].gradient - ends[1].gradient)[smooth] / (2 * step)
        np.testing.assert_allclose(terms.gradient[smooth, k], first, rtol=2e-5, atol=1e-4)
        curved = terms.hessian[smooth]
        size = np.abs(curved).max(axis=(1, 2))[:, None]  # entries that are differences of large ones lose digits
        assert (np.abs(curved[:, :, k] - second) < 1e-3 + 3e-5 * size + 2e-4 * np.abs(second)).all()


def test_selections_agree_where_there_is_one_equilibrium():
    payoffs = np.array([[0, 1, 0, -1.8, -2.4, -1.2, 1.0]])
    counts = np.array([[10.0, 3, 2, 5]])
    assert enumerate_all(payoffs).count[0] == 1
    values = [Exact(counts, selection).terms(payoffs, hessian=False).value[0] for selection in SELECTIONS]
    np.testing.assert_allclose(values, values[0], rtol=1e-14)


def test_mixture_is_the_weighted_sum():
    counts = np.array([[3.0, 2, 1, 4]])
    values, found = Exact(counts).by_root(BASE[None])
    mixing = np.log(np.array([0.5, 0.3]) / 0.2)
    terms = Exact(counts, "mixture").terms(BASE[None], mixing)
    assert found.count[0] == 3
    assert terms.value[0] == pytest.approx(np.log(np.exp(values[0]) @ [0.2, 0.5, 0.3]), rel=1e-13)
    assert terms.gradient.shape == (1, 7 + len(MIXING))
    likely = Exact(counts).terms(BASE[None])
    assert likely.value[0] == values[0].max()


def test_given_a_challenge_the_quiet_do_not_matter():
    one, other = np.array([[0.0, 4, 2, 3]]), np.array([[50.0, 4, 2, 3]])
    given = [Exact(counts, "smallest", given_challenge=True) for counts in (one, other)]
    values = [exact.terms(BASE[None], hessian=False).value[0] for exact in given]
    assert values[0] == values[1]
    found = enumerate_all(BASE[None])
    unconditional = Exact(one, "smallest").terms(BASE[None], hessian=False).value[0]
    assert values[0] == pytest.approx(unconditional - 9 * found.log_challenge[0, 0], rel=1e-12)


def test_corner_is_sure_to_stay_quiet():
    payoffs = np.array([[1, -1, 1, -1, -3, 0, 0.0]] * 2)
    assert enumerate_all(payoffs).count.tolist() == [0, 0]
    terms = Exact(np.array([[5.0, 0, 0, 0], [5.0, 1, 0, 0]])).terms(payoffs, hessian=False)
    assert terms.value.tolist() == [0.0, -np.inf]
    assert not terms.gradient.any()
    assert np.isnan(terms.probit).all()


@pytest.mark.slow
def test_maximum_of_simulated_games():
    design = drawn(np.random.default_rng(4), 60, 200)
    found = maximise(design, starts=2, shakes=1)
    assert found.converged
    assert abs(found.gradient / np.sqrt(np.diag(-found.hessian))).max() < 1e-4  # in standard errors
    error = np.sqrt(np.diag(np.linalg.inv(-found.hessian)))
    # Six estimates within 4 standard errors: by chance false once in 2,600 seeds; the seed is fixed.
    assert (np.abs(found.theta - [1, -1.8, -2.45, 0.1, -1.2, 1]) < 4 * error).all()
    np.testing.assert_allclose(found.scores.sum(axis=0), found.gradient, atol=1e-8)
    again = maximise(design, starts=[found.theta], shakes=0)
    assert again.value == pytest.approx(found.value, abs=1e-6)


def test_a_start_too_far_off_for_any_step_is_drawn_in():
    design = drawn(np.random.default_rng(4), 60, 20)
    guess = _guess(Problem(design, Exact(design.counts), 0.0), 1.0, None)
    best = pseudo_likelihood(design, *guess, start=[np.zeros(6)])
    far = np.random.default_rng(3).normal(0, 20, 6)
    with np.errstate(all="ignore"):
        assert not pseudo_likelihood(design, *guess, start=[far]).settled
        found = _guessed(design, far, guess)
    np.testing.assert_allclose(found, best.theta, atol=1e-6)


def test_of_ends_that_are_the_same_a_maximum_is_taken():
    def end(rank, status):
        here = Point(np.zeros(1), rank, np.zeros(1), -np.eye(1))
        return Start("given", rank, rank, status, here.theta), here

    stuck, reached, low = end(-10.0, "stuck"), end(-10.0 - 1e-7, "reached"), end(-11.0, "reached")
    assert _best([stuck, low, reached]) is reached
    assert _best([stuck, low]) is stuck  # not the same: higher, and told as no maximum
    nowhere = end(-np.inf, "impossible")
    assert _best([nowhere, nowhere])[0].status == "impossible"


def test_a_maximum_that_is_flat_but_for_rounding_is_reached():
    """A surface whose second direction is flat, with a curvature of either sign that is rounding."""

    class Flat(Problem):
        def __init__(self):
            self.size, self.many, self.asked = np.ones(2), 2, 0

        def at(self, theta):
            self.asked += 1
            curve = np.array([[4e-12, -4e-12], [-4e-12, 4e-12]]) - 1e4
            return Point(theta, -5e3 * theta.sum() ** 2, np.full(2, -1e4 * theta.sum()), curve)

    flat = Flat()
    status, end = _ascend(flat, flat.at(np.array([0.3, 0.2])), flat.at)
    assert status == "reached"
    assert flat.asked < 10
    across = np.array([1.0, -1.0])
    assert across @ -end.hessian @ across < 0  # turned up, by rounding
    assert end.theta.sum() == pytest.approx(0.0, abs=1e-9)  # where on the flat line it ends, rounding says
    assert abs(end.theta @ across) < 1


def played_by_thirds(seed, games, plays):
    """A table in which x decides which of three equilibria is played: the published design "multiple"."""
    from standoff.estimate.signaling import log_outcomes

    rng = np.random.default_rng(seed)
    empty = design_of(rng.random((games, 1)), np.zeros((games, 4)))
    payoffs = empty.payoffs(MULTIPLE)
    found = enumerate_all(payoffs)
    assert (found.count == 3).all()
    root = np.minimum((3 * empty.blocks[4][:, 1]).astype(int), 2)
    chances = np.exp(np.asarray(log_outcomes(payoffs, found.probit[np.arange(games), root])))
    counts = np.array([rng.multinomial(plays, p / p.sum()) for p in chances], dtype=float)
    return design_of(empty.blocks[4][:, 1:], counts)


@pytest.mark.parametrize(
    ("seed", "games", "plays"), [(1, 50, 25), pytest.param(2, 100, 5, marks=pytest.mark.slow), (3, 50, 25)]
)
def test_worlds_with_several_equilibria_are_found(seed, games, plays):
    """Not lower than what a climb from the truth reaches, which lies a long way from where guesses lead."""
    design = played_by_thirds(seed, games, plays)
    problem = Problem(design, Exact(design.counts), 0.0)
    truth = climb(problem, "the truth", MULTIPLE)[0]
    found = maximise(design, starts=1, shakes=0)
    assert found.value >= truth.value - 0.25
    assert climb(problem, "other replies left out", np.zeros(6))[0].value < truth.value - 5


@pytest.mark.parametrize("selection", SELECTIONS)
def test_table_of_replies_says_what_the_exact_likelihood_says(selection, monkeypatch):
    """Between points of the grid the table is interpolated: the error falls with the square of their distance."""
    design = played_by_thirds(4, 30, 20)
    exact = Exact(design.counts, selection)
    terms = exact.terms(design.payoffs(MULTIPLE), np.zeros(exact.mixing), hessian=False)
    off = []
    for points in (37, 73, 145):
        monkeypatch.setattr(reply_search, "GRID", np.linspace(-3, 3, points))
        value, t = reply_search.ReplyTable(design, exact, MULTIPLE).value(MULTIPLE[[2, 3, 5]][None])
        off.append(abs(value[0] - terms.value.sum()))
        if selection != "mixture":
            played = terms.equilibria.probit[np.arange(30), terms.chosen]
            np.testing.assert_allclose(t[0], played, atol=6 / (points - 1) / 4)
    assert off[2] < off[0] / 8


def test_search_of_replies_holds_what_a_wants_and_sorts_by_likelihood():
    design = played_by_thirds(4, 30, 20)
    exact = Exact(design.counts)
    wrong = MULTIPLE * [1, 1, 0.3, 20, 1, 0.2]
    found = search(design, exact, wrong, np.random.default_rng(1))
    assert (np.diff(found.value) < 0).all()
    assert (found.theta[:, [0, 1, 4]] == MULTIPLE[[0, 1, 4]]).all()
    truth, start = (exact.terms(design.payoffs(one), hessian=False).value.sum() for one in (MULTIPLE, wrong))
    assert found.value[0] > truth - 1.0 > start


def test_branches_are_followed_until_they_end():
    design = played_by_thirds(5, 20, 10)
    exact = Exact(design.counts)
    payoffs = design.payoffs(MULTIPLE)
    terms = exact.terms(payoffs)
    rows = np.arange(20)
    t, slope = terms.equilibria.probit[rows, terms.chosen], terms.equilibria.slope[rows, terms.chosen]
    value, gradient, hessian, *_ = exact.along(payoffs, t + 1e-3, slope)
    np.testing.assert_allclose(value, terms.value, rtol=1e-9)
    np.testing.assert_allclose(gradient, terms.gradient, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(hessian, terms.hessian, rtol=1e-5, atol=1e-6)
    one = design.payoffs(MULTIPLE * [1, 1, 0.5, 1, 1, 1])  # a world with one equilibrium
    assert (enumerate_all(one).count == 1).all()
    moved = exact.along(one, t, slope)[0]
    assert np.isneginf(moved[slope > 1]).all()  # the middle one is gone
    assert (slope > 1).any()


def test_the_corner_is_followed_until_there_is_another_equilibrium():
    payoffs = np.array([[2.0, 0.0, 0.0, -2.0, 0.0, -1.0, -1.0]])  # nobody challenges, since A would surely bluff
    exact = Exact(np.array([[5.0, 0, 0, 0]]))
    nan, none = np.full(1, np.nan), np.zeros(1)
    assert enumerate_all(payoffs).count.tolist() == [0]
    assert exact.along(payoffs, nan, none)[0].tolist() == [0.0]
    moved = payoffs + 2.0 * np.eye(7)[6]  # B would rather call a bluff than concede
    assert enumerate_all(moved).count.tolist() == [1]
    assert np.isneginf(exact.along(moved, nan, none)[0]).all()


@pytest.mark.slow
def test_mixture_settles_where_no_game_has_several_equilibria():
    design = drawn(np.random.default_rng(6), 40, 50)
    found = maximise(design, selection="mixture", starts=1, shakes=0)
    assert found.converged
    payoffs = design.payoffs(found.theta[:6])
    assert (enumerate_all(payoffs).count == 1).all()
    assert found.value == pytest.approx(Exact(design.counts).terms(payoffs, hessian=False).value.sum(), abs=1e-9)


@pytest.mark.slow
def test_penalty_draws_to_zero():
    design = drawn(np.random.default_rng(5), 40, 20)
    free, held = maximise(design, starts=1, shakes=0), maximise(design, starts=1, shakes=0, penalty=0.1)
    assert np.linalg.norm(held.theta) < np.linalg.norm(free.theta)
    assert held.value < free.value


@pytest.mark.slow
def test_exact_maximum_of_the_sanctions(sanctions):
    expected = known("exact_ml.json")["main"]
    found = maximise(sanctions)
    assert found.value >= -2143.260158
    assert found.converged
    np.testing.assert_allclose(found.theta, [expected["coefficients"][name] for name in sanctions.names], atol=2e-4)
    rng = np.random.default_rng(1)
    values = [maximise(sanctions, starts=rng.normal(0, s, (1, 18)), shakes=0).value for s in (0.05,) * 5 + (1.0,) * 5]
    assert np.mean(np.array(values) > -2143.2612) == 1


@pytest.mark.slow
@pytest.mark.parametrize("name", ["sim_unique_a", "sim_multiple_a"])
def test_exact_maximum_of_simulated_tables(name):
    design = simulated(name)
    stored = json.loads((DATA / "sim_a.json").read_text())["designs"][name]
    found = maximise(design)
    assert found.value >= stored["mle_loglik"] - 1e-6
    np.testing.assert_allclose(found.theta, stored["mle"], atol=1e-3)
    rng = np.random.default_rng(2)
    values = [maximise(design, starts=rng.normal(0, 0.05, (1, 6)), shakes=0).value for _ in range(5)]
    assert np.mean(np.array(values) > found.value - 1e-3) >= 0.9
