"""What the freedom to choose an equilibrium after the counts are seen is worth."""

import numpy as np
import pytest
from scipy import optimize
from tests.test_estimate_likelihood import MULTIPLE, design_of, drawn, played_by_thirds

from standoff.estimate.choice import WIDTH, evidence, regressors
from standoff.estimate.equilibria import enumerate_all
from standoff.estimate.estimation import Settings, estimate_design
from standoff.estimate.fit import Fit
from standoff.estimate.formulas import Design
from standoff.estimate.likelihood import Exact, places
from standoff.estimate.maximum import maximise
from standoff.estimate.played import log_chances


def three(rng, games, roots=3, plays=3.0):
    """Games whose counts speak for one equilibrium by up to `plays` of log-likelihood."""
    return -plays * rng.random((games, roots)), *places(np.full(games, roots), roots)


def height(gamma, values, place, share):
    """Log of counts' chance times prior at γ [middle or largest, …], for a constant alone."""
    odds = np.stack([np.zeros_like(gamma[0]), *gamma])
    total = -(gamma**2).sum(axis=0) / 2 / WIDTH**2 - np.log(2 * np.pi * WIDTH**2)
    for one, where, part in zip(values, place, share, strict=True):
        shape = (len(one),) + (1,) * (gamma.ndim - 1)
        weight = part.reshape(shape) * np.exp(odds[where])
        total += np.log((weight * np.exp(one).reshape(shape)).sum(axis=0) / weight.sum(axis=0))
    return total


@pytest.mark.parametrize(("games", "roots"), [(60, 3), (60, 2), (40, 5)])
def test_evidence_is_that_of_laplace(games, roots):
    """Mode and curvature by a search that knows no derivatives."""
    made = three(np.random.default_rng(roots), games, roots)
    found = optimize.minimize(
        lambda g: -height(g, *made), np.zeros(2), method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12}
    )
    step = 1e-3 * np.eye(2)
    curve = np.array([
        [
            sum(a * b * height(found.x + a * p + b * q, *made) for a in (1, -1) for b in (1, -1)) / 4e-6
            for p in step
        ]
        for q in step
    ])  # fmt: skip
    laplace = -found.fun + np.log(2 * np.pi) - 0.5 * np.log(np.linalg.det(-curve))
    assert evidence(*made, np.ones((games, 1))) == pytest.approx(laplace, abs=2e-3)


@pytest.mark.parametrize(("games", "roots"), [(100, 3), (200, 5)])
def test_evidence_is_close_to_the_integral_over_chances(games, roots):
    made = three(np.random.default_rng(roots), games, roots, plays=30.0)
    grid = np.linspace(-3 * WIDTH, 3 * WIDTH, 601)
    total = height(np.stack(np.meshgrid(grid, grid, indexing="ij")), *made)
    integral = total.max() + np.log(np.exp(total - total.max()).sum() * (grid[1] - grid[0]) ** 2)
    assert evidence(*made, np.ones((games, 1))) == pytest.approx(integral, abs=0.03)


def test_a_choice_that_follows_a_column_costs_little_and_one_that_follows_nothing_costs_log_three():
    rng = np.random.default_rng(4)
    games = 300
    x = rng.random(games)
    _, place, share = three(rng, games)
    columns = regressors((x[:, None],))
    third = np.minimum((3 * x).astype(int), 2)
    for played, low, high in ((third, -0.4, 0.0), (rng.integers(0, 3, games), -1.2, -1.0)):
        values = np.full((games, 3), -50.0)
        values[np.arange(games), played] = 0.0
        assert low < evidence(values, place, share, columns) / games < high


def test_columns_that_say_the_same_count_once():
    rng = np.random.default_rng(0)
    x, one = rng.random((30, 1)), np.ones((30, 1))
    found = regressors((one, np.hstack([one, x]), 3 - 2 * x, rng.random((30, 1))))
    assert found.shape == (30, 3)
    np.testing.assert_allclose(found[:, 1:].mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(found[:, 1:].std(axis=0), 1)


def test_units_of_columns_do_not_matter():
    x = np.random.default_rng(0).random((30, 2))
    for unit in (1e-12, 1e12):
        np.testing.assert_allclose(regressors((x * [unit, 1.0], np.zeros((30, 1)))), regressors((x,)), rtol=1e-6)


@pytest.mark.parametrize("rule", ["likely", "weighed"])
def test_a_fit_tells_what_its_counts_are_worth_without_a_choice(rule, monkeypatch, tmp_path):
    """Of both rules that choose by the counts, where there is a choice; the climb is left out."""
    from standoff.estimate import maximum, maximum_fit

    design = played_by_thirds(3, 12, 100)
    exact = Exact(design.counts, rule)
    held = maximum.climb(maximum.Problem(design, exact, 0.0), "the truth", MULTIPLE)

    def found(design, **_):
        terms = exact.terms(design.payoffs(held[1].theta))
        return maximum.Optimum(
            held[1].theta, float(terms.value.sum()), held[1].gradient, held[1].hessian, design.pull(terms.gradient),
            (held[0],), 0.0, True,
        )  # fmt: skip

    monkeypatch.setattr(maximum_fit, "maximise", found)
    fit = estimate_design(design, Settings(selection=rule))
    assert fit.equilibria["games_by_number"] == {"3": 12}
    assert fit.weighed == exact.weight(design.payoffs(fit.estimate), regressors(design.blocks))
    assert fit.log_likelihood - 12 * np.log(3) - 6 < fit.weighed < fit.log_likelihood
    assert fit.as_dict()["weighed"] == fit.weighed
    told = " ".join(fit.summary().split())
    assert f"Weighed, the log-likelihood is {fit.weighed:.3f}" in told
    assert "to compare fits to these games, take the weighed one." in told
    assert Fit.load(fit.save(tmp_path / "fit.json")).weighed == fit.weighed
    # By a rule that asks no counts there is no choice to charge for.
    other = estimate_design(design, Settings(selection="largest"))
    assert other.weighed is None
    assert "weighed" not in other.as_dict()
    assert "Weighed" not in other.summary()


def test_weights_are_the_likelihood_where_no_game_has_a_choice():
    rng = np.random.default_rng(5)
    design = drawn(rng, 40, 10)
    exact = Exact(design.counts, "weighed")
    payoffs = design.payoffs(np.array([1, -1.8, -2.45, 0.1, -1.2, 1]))
    terms = exact.terms(payoffs, hessian=False)
    assert (terms.equilibria.count == 1).all()
    assert exact.weight(payoffs, regressors(design.blocks)) == pytest.approx(terms.value.sum(), abs=1e-9)


def test_weights_with_the_corner_and_with_a_choice():
    """Games without an equilibrium but the corner count as they are; those with three are charged."""
    quiet = np.array([2.0, 0.0, 0.0, -2.0, 0.0, -1.0, -1.0])
    several = np.array([0.0, 1.0, 0.0, -1.9, -2.9, -1.2, 1.0])
    counts = np.array([[5.0, 0, 0, 0], [3.0, 1, 1, 0], [3.0, 0, 1, 2]])
    payoffs = np.stack([quiet, several, several])
    exact = Exact(counts, "weighed")
    terms = exact.terms(payoffs, hessian=False)
    assert terms.equilibria.count.tolist() == [0, 3, 3]
    weight = exact.weight(payoffs, np.ones((3, 1)))
    assert terms.value.sum() - 2 * np.log(3) - 2 < weight < terms.value.sum()


@pytest.mark.slow
def test_noise_is_not_explained_by_equilibria_that_are_not_played():
    """A table in which every game has one equilibrium: `likely` prefers a world with three, `weighed` does not."""
    design: Design = drawn(np.random.default_rng(2), 40, 10)
    truth = np.array([1, -1.8, -2.45, 0.1, -1.2, 1])
    likely, weighed = (maximise(design, selection=rule, starts=1, shakes=0) for rule in ("likely", "weighed"))
    count = {
        name: Exact(design.counts).terms(design.payoffs(found.theta), hessian=False).equilibria.count
        for name, found in (("likely", likely), ("weighed", weighed))
    }
    assert likely.value > weighed.value + 1
    assert (count["likely"] == 3).mean() > 0.9
    assert (count["weighed"] == 1).mean() > 0.9
    assert weighed.converged
    assert np.linalg.norm(weighed.theta - truth) < np.linalg.norm(likely.theta - truth)


def test_equilibria_that_are_played_are_found():
    """A table in which every game has three, and x says which is played."""
    rng = np.random.default_rng(3)
    truth = np.array([1, -1.9, -2.9, 0.1, -1.2, 1])
    x = rng.random((60, 1))
    empty = design_of(x, np.zeros((60, 4)))
    found = enumerate_all(empty.payoffs(truth))
    assert (found.count == 3).all()
    chances = np.exp(log_chances(empty.payoffs(truth), found.probit[:, :3]))
    played = chances[np.arange(60), np.minimum((3 * x[:, 0]).astype(int), 2)]
    design = design_of(x, np.array([rng.multinomial(40, p / p.sum()) for p in played], dtype=float))
    fit = maximise(design, selection="weighed", starts=1, shakes=0)
    assert fit.converged
    assert np.linalg.norm(fit.theta - truth) < 0.8
