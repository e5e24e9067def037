"""Analogy: Beta mixtures against closed forms, updating, switches."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import betainc

from standoff.world import analogy
from standoff.world.analogy import AnalogyInput, AnalogyNoise, AnalogyParameters

# A quick success, a long failure, a mixed class.
HITS, TRIALS = jnp.array([1.0, 0.0, 8.0]), jnp.array([1.0, 3.0, 20.0])
EVEN = jnp.full(3, 1.0 / 3.0)
UPDATE, ADVANCE = jax.jit(analogy.update), jax.jit(analogy.advance)
COUNT = 2000


def state(weight=EVEN):
    return analogy.norm_state(weight, HITS, TRIALS)


def test_weights_follow_who_cites():
    cites, say = jnp.array([[1.0, 0.0, 0.0], [0.0, 1.0, 1.0]]), jnp.array([3.0, 1.0])
    np.testing.assert_allclose(analogy.citation_weight(jnp.ones(3), cites, say), np.array([4, 2, 2]) / 8)
    np.testing.assert_allclose(analogy.citation_weight(jnp.ones(3), cites, 0.0 * say), EVEN)
    by_draw = analogy.citation_weight(jnp.ones((3, 5)), cites, say)
    np.testing.assert_allclose(by_draw, np.repeat(np.array([[4], [2], [2]]) / 8, 5, 1))


def test_reliance_switch_is_exact():
    base, own = jnp.array([0.1, 0.2, 0.7]), jnp.array([0.8, 0.1, 0.1])
    np.testing.assert_array_equal(analogy.lean(base, own, 0.0), base)
    np.testing.assert_allclose(analogy.lean(base, own, 1.0), own)
    assert float(analogy.mixture_mean(analogy.lean(base, own, 0.5), HITS, TRIALS)) > float(
        analogy.mixture_mean(base, HITS, TRIALS)
    )


def test_means_are_jeffreys():
    np.testing.assert_allclose(analogy.class_mean(HITS, TRIALS), [0.75, 0.125, 8.5 / 21.0])
    assert float(analogy.mean_over(EVEN, jnp.array([1.0, 2.0, 6.0]))) == pytest.approx(3.0)


def test_one_trial_marginal_is_the_mean():
    np.testing.assert_allclose(jnp.exp(analogy.log_marginal(1.0, 1.0, HITS, TRIALS)), [0.75, 0.125, 8.5 / 21.0])
    total = sum(np.exp(analogy.log_marginal(float(s), 4.0, HITS, TRIALS)) for s in range(5))
    np.testing.assert_allclose(total, 1.0, rtol=1e-12)
    np.testing.assert_allclose(analogy.log_marginal(0.0, 0.0, HITS, TRIALS), 0.0, atol=1e-12)


def test_update_by_hand():
    after = UPDATE(state(), 1.0, 1.0, 1.0)
    marginal = np.array([0.75, 0.125, 8.5 / 21.0])
    np.testing.assert_allclose(after.weight, marginal / marginal.sum(), rtol=1e-12)
    np.testing.assert_array_equal(after.successes, HITS + 1.0)
    np.testing.assert_array_equal(after.trials, TRIALS + 1.0)


@pytest.mark.parametrize(("seen", "learning"), [((0.0, 0.0), 1.0), ((1.0, 1.0), 0.0)])
def test_nothing_seen_or_no_learning_changes_nothing(seen, learning):
    after = UPDATE(state(jnp.array([0.3, 0.3, 0.4])), *seen, learning)
    np.testing.assert_array_equal(after.weight, [0.3, 0.3, 0.4])
    np.testing.assert_array_equal(after.successes, HITS)
    np.testing.assert_array_equal(after.trials, TRIALS)


@settings(max_examples=15)
@given(st.integers(0, 4), st.integers(0, 4))
def test_order_of_what_is_seen_does_not_matter(first, second):
    """One step over all trials has the same weights, mean and counts as two steps."""
    once = UPDATE(state(), float(first + second), 8.0, 1.0)
    twice = UPDATE(UPDATE(state(), float(first), 4.0, 1.0), float(second), 4.0, 1.0)
    np.testing.assert_allclose(once.weight, twice.weight, rtol=1e-9)
    np.testing.assert_array_equal(once.successes, twice.successes)


def test_success_raises_and_failure_lowers_the_chance():
    before = float(analogy.mixture_mean(EVEN, HITS, TRIALS))
    won, lost = (UPDATE(state(), s, 1.0, 1.0) for s in (1.0, 0.0))
    up, down = (float(analogy.mixture_mean(x.weight, x.successes, x.trials)) for x in (won, lost))
    assert down < before < up
    assert float(won.weight[0]) > float(lost.weight[0])


def test_a_class_that_nobody_cites_never_gains_weight():
    after = UPDATE(state(jnp.array([0.5, 0.0, 0.5])), 3.0, 5.0, 1.0)
    assert float(after.weight[1]) == 0.0
    np.testing.assert_allclose(after.weight.sum(), 1.0)


def draws(level, seen):
    """State and info where each draw stands at a level of the law."""
    many = analogy.norm_state(jnp.full((3, COUNT), 1.0 / 3.0), HITS[:, None], TRIALS[:, None])
    given_ = AnalogyInput(jnp.asarray(seen[0]), jnp.asarray(seen[1]))
    return ADVANCE(AnalogyNoise(level), many, given_, AnalogyParameters(jnp.asarray(1.0)))


def test_quantiles_invert_the_law_and_give_its_moments():
    level = (jnp.arange(COUNT, dtype=float) + 0.5) / COUNT
    chance = draws(level, (0.0, 0.0))[1].drawn
    first, second = (np.asarray(x) + 0.5 for x in (HITS, TRIALS - HITS))
    below = np.mean(betainc(first[:, None], second[:, None], np.asarray(chance)), axis=0)
    np.testing.assert_allclose(below, level, atol=1e-5)  # the law is steep near 0 and 1
    assert float(chance.mean()) == pytest.approx(float(analogy.mixture_mean(EVEN, HITS, TRIALS)), abs=1e-3)
    assert float(chance.var()) == pytest.approx(float(analogy.mixture_variance(EVEN, HITS, TRIALS)), abs=1e-3)
    assert np.all(np.diff(chance) > 0.0)


def test_keys_decide_and_draws_stand_last():
    noise = analogy.draw_noise(jax.random.key(1), (COUNT,)).chance
    after, info = draws(noise, (1.0, 1.0))
    np.testing.assert_array_equal(info.drawn, draws(noise, (1.0, 1.0))[1].drawn)
    assert after.weight.shape == (3, COUNT)
    assert len(set(np.asarray(info.drawn).tolist())) == COUNT
    np.testing.assert_allclose(info.seen_chance, (0.75 + 0.125 + 8.5 / 21.0) / 3.0)
    np.testing.assert_allclose(info.mean, analogy.mixture_mean(after.weight, after.successes, after.trials))
