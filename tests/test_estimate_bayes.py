"""The signaling game with priors: the search beside the enumeration, the density by hand, then draws and faults."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats
from tests.test_estimate_likelihood import MULTIPLE, drawn, played_by_thirds

from standoff.errors import UserError
from standoff.estimate.bayes import Posterior, as_fit, missed, posterior, sample
from standoff.estimate.chains import Chains
from standoff.estimate.density import Priors, Sampling, model, read_options
from standoff.estimate.equilibria import enumerate_all
from standoff.estimate.estimation import Settings
from standoff.estimate.fit import CONVERGED
from standoff.estimate.formulas import Formulas, build
from standoff.estimate.likelihood import Exact
from standoff.estimate.modes import Mode, shared, weighed
from standoff.estimate.search import log_likelihood, roots
from standoff.estimate.table import as_table
from standoff.estimate.walk import walk

TERMS = {"SA": "0", "VA": "1", "CB": "0", "barWA": "1", "barWB": "1", "bara": "1", "VB": "1"}
TRUTH = np.array([1.0, -1.8, -2.4, -1.2, 1.0])
"""VA, barWA, barWB, bara, VB."""
SIZE = 256


def points(seed=0, many=SIZE):
    """Payoffs of which many have three equilibria: a challenge pays, bluffs occur, and B likes them called."""
    rng = np.random.default_rng(seed)
    found = rng.normal(size=(many, 7)) * 1.5
    found[:, 1] = found[:, 0] + np.abs(found[:, 1])
    found[:, 5] = found[:, 3] + np.abs(found[:, 5])
    found[:, 6] = found[:, 2] + np.abs(found[:, 6]) + 2
    found[:, 4] -= 5
    return found


def test_the_search_finds_the_roots_of_the_enumeration():
    payoffs = points()
    exact = enumerate_all(payoffs)
    found, there = (np.asarray(x) for x in jax.jit(roots)(jnp.asarray(payoffs)))
    assert (exact.count == 3).sum() >= 4
    assert there.sum(axis=1).tolist() == exact.count.tolist()
    known = np.isfinite(exact.probit)
    assert found[:, : known.shape[1]][known] == pytest.approx(exact.probit[known], rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(
    ("selection", "given"),
    [("likely", False)]
    + [
        pytest.param(s, g, marks=pytest.mark.slow)
        for s, g in (("mixture", True), ("smallest", False), ("largest", True), ("mixture", False))
    ],
)
def test_likelihood_and_gradient_are_those_of_the_exact_one(selection, given):
    payoffs = points()
    counts = np.random.default_rng(1).integers(0, 4, size=(SIZE, 4)).astype(float)
    mixing = jnp.array([0.3, -0.4])

    def total(p):
        each = log_likelihood(p, jnp.asarray(counts), selection, mixing, given_challenge=given)
        return each.sum(), each

    (_, each), slope = jax.jit(jax.value_and_grad(total, has_aux=True))(jnp.asarray(payoffs))
    terms = Exact(counts, selection, given).terms(payoffs, np.asarray(mixing), hessian=False)
    value, gradient = terms.value, terms.gradient
    assert np.asarray(each) == pytest.approx(value, rel=1e-7, abs=1e-7)
    plain = value > -1e4
    assert plain.sum() > 200
    assert np.asarray(slope)[plain] == pytest.approx(gradient[plain, :7], rel=1e-4, abs=1e-5)


def table(games=6, plays=40, seed=0, groups=0):
    """Games with the same payoffs but for groups, whose A minds backing down more or less."""
    rng = np.random.default_rng(seed)
    payoffs = np.zeros((games, 7))
    payoffs[:, [1, 3, 4, 5, 6]] = TRUTH
    group = np.arange(games) % max(groups, 1)
    payoffs[:, 5] += 0.6 * rng.normal(size=max(groups, 1))[group] if groups else 0.0
    found = enumerate_all(payoffs)
    from standoff.estimate.signaling import log_outcomes

    chances = np.exp(np.asarray(log_outcomes(jnp.asarray(payoffs), jnp.asarray(found.probit[:, 0]))))
    counts = np.stack([rng.multinomial(plays, p / p.sum()) for p in chances])
    columns = dict(zip(("sq", "cd", "sf", "bd"), counts.T, strict=True))
    return as_table(columns | {"region": [f"r{g}" for g in group], "x": rng.normal(size=games)})


def design(groups=0, **more):
    return build(table(groups=groups, **more), Formulas(TERMS))


def test_the_prior_is_the_one_that_is_stated():
    density = model(design(), Settings(method="bayes", selection="likely"), Sampling())
    assert density.unit == pytest.approx(np.full(5, 2.5))
    q = np.random.default_rng(0).normal(size=density.size)
    assert density.told(q[None])[0] == pytest.approx(2.5 * q)
    zero = float(density.log_prior(jnp.zeros(5)))
    assert float(density.log_prior(jnp.asarray(q))) - zero == pytest.approx(
        (stats.norm.logpdf(q) - stats.norm.logpdf(0)).sum()
    )
    slopes = Formulas(TERMS | {"barWB": "x"})
    wide = build(table(), slopes)
    spread = wide.blocks[4][:, 1].std()
    found = model(wide, Settings(method="bayes", selection="likely"), Sampling(priors=Priors(constant=1.0, slope=2.0)))
    assert found.unit[found.names.index("barWB:x")] == pytest.approx(2.0 / spread)
    assert found.unit[found.names.index("VA:(Intercept)")] == pytest.approx(1.0)
    held = model(wide, Settings(method="bayes", selection="likely", penalty=3.0), Sampling())
    assert held.unit == pytest.approx(np.full(6, 3.0))
    # Of a column of zeros nothing is learnt: its coefficient keeps a prior that is a number.
    empty = build(table().with_column("ally", 0), Formulas(TERMS | {"SA": "0 + ally"}))
    assert model(empty, Settings(method="bayes"), Sampling()).unit == pytest.approx(np.full(6, 2.5))


def test_groups_move_their_payoff_alone():
    sampling = Sampling(group="region", payoffs=("bara",))
    density = model(design(groups=3), Settings(method="bayes", selection="likely"), sampling)
    assert density.names[-1] == "sd:bara"
    assert density.size == 5 + 1 + 3
    q = np.zeros(density.size)
    q[5], q[6:] = np.log(0.5), (1.0, -1.0, 2.0)
    blocks = tuple(jnp.asarray(b) for b in density.design.blocks)
    moved = np.asarray(density.payoffs(jnp.asarray(q), blocks))
    assert moved[:, 5] == pytest.approx([0.5, -0.5, 1.0, 0.5, -0.5, 1.0])
    assert not np.delete(moved, 5, axis=1).any()
    # Half-normal σ of sd 1, with the derivative of its logarithm: -σ²/2 + log σ; u standard normal.
    base = q.copy()
    base[5] = 0.0
    gap = float(density.log_prior(jnp.asarray(q)) - density.log_prior(jnp.asarray(base)))
    assert gap == pytest.approx(-0.125 + np.log(0.5) + 0.5)


@pytest.mark.slow
def test_a_walk_goes_there_and_back_with_its_jacobian():
    how = Settings(method="bayes", selection="likely")
    density = model(design(), how, Sampling())
    q = TRUTH / 2.5
    # All games are alike here, so that only one of them can stand for W_B or V_B: the other stays as it is.
    alike = walk(density, q)
    assert len(alike.games) == 1
    assert np.asarray(alike.model(jnp.asarray(alike.back(q)))[0]) == pytest.approx(q, abs=1e-9)
    wide = model(build(table(), Formulas(TERMS | {"VB": "0 + x"})), how, Sampling())
    q = np.append(TRUTH[:4], 0.1) / wide.unit
    place = walk(wide, q)
    assert len(place.games) == 2
    inverts(place, q)


def inverts(place, q):
    y = place.back(q)
    at = jax.jit(place.model)
    found, size = at(jnp.asarray(y))
    assert np.asarray(found) == pytest.approx(q, abs=1e-9)
    steps = 1e-5 * np.eye(len(y))
    jacobian = np.stack([np.asarray(at(jnp.asarray(y + h))[0] - at(jnp.asarray(y - h))[0]) / 2e-5 for h in steps], 1)
    assert float(size) == pytest.approx(np.linalg.slogdet(jacobian)[1], abs=1e-6)  # one equilibrium in each game


def test_modes_are_told_apart_and_shared_by_mass():
    wide, narrow = (Mode(np.full(2, x), s * np.eye(2), lp) for x, s, lp in ((0.0, 1.0, -1.0), (9.0, 0.5, 0.0)))
    found = weighed([narrow, wide, Mode(np.array([0.5, 0.0]), np.eye(2), -1.2)])
    assert [mode.point[0] for mode in found] == [0.0, 9.0]
    assert found[0].weight == pytest.approx(1 / (1 + 0.25 * np.e))
    assert shared(found, 4) == [0, 0, 1, 1]  # 2.38 and 1.62 chains
    assert shared(found, 100).count(1) == round(100 * found[1].weight)


FAULTS = [
    (3, "maps options to values"),
    ({"draw": 5}, "'draw' is none of them"),
    ({"draws": 0}, "whole number"),
    ({"draws": 2}, "at least 4"),
    ({"chains": 1}, "at least 2"),
    ({"constant": -1}, "above 0"),
    ({"group": "region"}, "both or neither"),
    ({"group": "region", "payoffs": ["W"]}, "payoffs is a list"),
    ({"group": "region", "payoffs": 3}, "payoffs is a list"),
    ({"slope": float("inf")}, "slope is a standard deviation"),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f[1])
def test_faults_of_the_options_are_told(fault):
    given, words = fault
    with pytest.raises(UserError, match=words):
        read_options(given)


def test_options_are_read():
    found = read_options({"draws": 50, "group": "region", "payoffs": ["SA"], "slope": 1, "group_sd": 0.5})
    assert found == Sampling(draws=50, group="region", payoffs=("SA",), priors=Priors(slope=1.0, group=0.5))


def test_modes_that_no_chain_visits_are_told_for_what_they_are():
    most, other = (Mode(np.zeros(2), np.eye(2), level, weight) for level, weight in ((-5.0, 0.7), (-6.0, 0.3)))
    assert "30% of the mass" in missed(other, [most, other], -5.2)
    assert "mode of most mass has -5.0" in missed(other, [most, other], -5.2)
    assert "highest of a draw is -9.0" in missed(most, [most], -9.0)
    assert "ended below where the chains have been" in missed(most, [most, other], -3.0)


def test_a_fit_of_draws_plays_what_the_counts_speak_for():
    """A mixture says what is likely before the counts are seen, and its games what is likely after."""
    made = played_by_thirds(3, 12, 100)
    density = model(made, Settings(method="bayes"), Sampling())
    q = np.broadcast_to(np.append(MULTIPLE / density.unit, [-1.0, -1.0]), (2, 4, 8))
    stats = {name: np.zeros((2, 4)) for name in ("diverging", "lp", "n_steps", "acceptance_rate")}
    mode = Mode(q[0, 0], np.eye(8), 0.0)
    values = np.stack([density.told(chain) for chain in q])
    found = Posterior(density, [mode], Chains(q, stats), q, values, np.ones(8), np.full(8, 1e3), (0.0, 0), Sampling())
    fit = as_fit(found, Settings(method="bayes"))
    terms = Exact(made.counts, "mixture").terms(made.payoffs(MULTIPLE), np.full(2, -1.5), hessian=False)
    assert fit.log_likelihood == pytest.approx(terms.value.sum())
    assert set(terms.chosen.tolist()) == {0, 1, 2}
    assert fit.probabilities.probit == pytest.approx(terms.probit, abs=1e-9)


def test_a_column_of_groups_must_hold_groups():
    for column, words in (("nowhere", "no column"), ("one", "one group only")):
        whole = table().with_column("one", "a")
        made = build(whole, Formulas(TERMS))
        with pytest.raises(UserError, match=words):
            model(made, Settings(method="bayes"), Sampling(group=column, payoffs=("SA",)))


@pytest.mark.slow
def test_draws_agree_with_importance_sampling():
    """Against draws from Student kernels about some of them, weighted by the exact likelihood of the enumeration."""
    made = drawn(np.random.default_rng(6), 40, 60)
    found = sample(
        made, Settings(method="bayes", seed=3, selection="mixture"), Sampling(draws=400, warmup=200, chains=2)
    )
    assert found.exact[1] == 0
    assert found.rhat.max() < 1.05
    q = found.q.reshape(-1, found.q.shape[-1])
    many, k = q.shape[-1], len(made.names)
    rng = np.random.default_rng(0)
    centre = q[rng.choice(len(q), 300, replace=False)]
    root = 0.5 * np.linalg.cholesky(np.cov(q, rowvar=False))
    raw = rng.normal(size=(30_000, many)) / np.sqrt(rng.chisquare(6, (30_000, 1)) / 6)
    tried = centre[rng.integers(0, len(centre), len(raw))] + raw @ root.T
    there, here = (np.linalg.solve(root, x.T).T for x in (centre, tried))
    apart = (here**2).sum(axis=1)[:, None] + (there**2).sum(axis=1)[None] - 2 * here @ there.T
    away = np.log(((1 + apart / 6) ** (-0.5 * (6 + many))).mean(axis=1))
    exact = Exact(made.counts, "mixture")
    unit, odds = found.density.unit, found.density.priors.mixture
    level = np.array([exact.terms(made.payoffs(unit * x[:k]), odds * x[k:], hessian=False).value.sum() for x in tried])
    log = level - 0.5 * (tried**2).sum(axis=1) - away
    weight = np.exp(log - log.max())
    weight /= weight.sum()
    size = 1 / (weight**2).sum()
    mean = weight @ tried
    spread = np.sqrt(weight @ (tried - mean) ** 2)
    assert size > 100
    error = spread * np.sqrt(1 / size + 1 / found.ess.min())
    assert (np.abs(q.mean(axis=0) - mean) < 4 * error).all()
    assert q.std(axis=0) == pytest.approx(spread, rel=0.3)


@pytest.mark.slow
def test_a_fit_by_groups_has_everything(monkeypatch):
    made = design(groups=3, games=9, plays=60)
    sampling = Sampling(draws=150, warmup=150, chains=2, group="region", payoffs=("bara",))
    found = sample(made, Settings(method="bayes"), sampling)
    tree = found.tree()
    assert set(tree.children) == {"posterior", "sample_stats", "log_likelihood", "observed_data", "diagnostics"}
    assert tree["posterior"]["group_effect"].dims == ("chain", "draw", "group", "payoff")
    assert tree["log_likelihood"]["counts"].shape == (2, 150, 9)
    fit = posterior(made, Settings(method="bayes"), sampling=sampling)
    assert fit.names[-1] == "sd:bara"
    assert fit.draws.shape == (300, 8)  # five coefficients, two log-odds of a mixture, σ
    assert (fit.draws[:, -1] > 0).all()
    assert fit.method == "bayes"
    assert fit.status != CONVERGED  # 300 draws are too few
    assert any("Few draws count" in w for w in fit.warnings)
    assert np.isfinite(fit.predict()["p_C"]).all()
