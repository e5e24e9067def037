"""Analogy: chances believed because of a case that is cited.

    p ~ sum_a w_a Beta(k_a + 1/2, n_a - k_a + 1/2)            w_a proportional to base_a + sum_i authority_i cites_ia
    marginal_a(s, t) = C(t, s) B(k_a + 1/2 + s, n_a - k_a + 1/2 + t - s) / B(k_a + 1/2, n_a - k_a + 1/2)
    w_a' proportional to w_a marginal_a(s, t)                 k_a' = k_a + s,  n_a' = n_a + t
    w_view = w_base + reliance (w_own - w_base)               mean over classes of any value: sum_a w_a value_a

a reference class or cited case with k_a successes in n_a trials (counts), w_a weight (shares, sum 1), p chance
of success of force, s successes in t trials now seen (counts), cites_ia whether person i cites a, authority_i
his say (weight), B the beta function. 1/2 is Jeffreys' prior. Chances are per use of force.

Switches: `reliance` 0 leaves the weights that the world itself has (M6), `learning` 0 leaves weights and
counts as they were, exactly.

Reference: Khong (1992), Analogies at War, for the use of analogies; the mixture is textbook Bayes (Gelman et
al. 2013, Bayesian Data Analysis, chapter 2). Saliences are judgement.
"""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.scipy.special import betainc, gammaln
from jaxtyping import Array, Float, Int, PRNGKeyArray

from standoff.world.noise import named_keys

Number = Float[Array, "*#draw"] | float
OfClasses = Float[Array, "analogy *draw"]
Classes = Float[Array, "analogy *#draw"]
NOISES = ("chance",)
HALVINGS = 40  # of the interval from 0 to 1: 1e-12
JEFFREYS = 0.5


class AnalogyParameters(eqx.Module):
    """How experience moves an observer from one analogy to another."""

    learning: Number = 1.0  # share of the Bayesian step that is made; 0: none


class AnalogyState(eqx.Module):
    """What next week needs of this one."""

    weight: OfClasses  # w_a, share
    successes: OfClasses  # k_a, count
    trials: OfClasses  # n_a, count


class AnalogyInput(eqx.Module):
    """Uses of force seen this week."""

    successes: Number = 0.0  # s, count
    trials: Number = 0.0  # t, count


class AnalogyNoise(eqx.Module):
    """Uniform noise: the place of the chance in its law."""

    chance: Number


class AnalogyInfo(eqx.Module):
    """What a reader of the run needs."""

    mean: Float[Array, "*draw"]  # mean chance of success
    drawn: Float[Array, "*draw"]  # a chance from the mixture
    seen_chance: Float[Array, "*draw"]  # chance of what was seen, before it was seen


def citation_weight(base: Classes, cites: Float[Array, "person analogy"], authority: Float[Array, " person"]) -> Array:
    """Weight of each analogy by who cites it.

    Args:
        base: weight without any citation, 0 or more.
        cites: 1 where a person cites an analogy, or how strongly.
        authority: say of each person, 0 or more.

    Returns:
        Shares that sum to 1; not a number if nothing has weight.
    """
    cited = jnp.sum(cites * authority[:, None], axis=0)
    total = base + cited.reshape(cited.shape + (1,) * (base.ndim - 1))
    return total / jnp.sum(total, axis=0, keepdims=True)


def lean(base: Classes, own: Classes, reliance: Number) -> OfClasses:
    """Weights of a view: the world's own, drawn towards the analogies cited; reliance 0 to 1."""
    share = reliance if jnp.ndim(reliance) == 0 else jnp.asarray(reliance)[None]
    return jnp.asarray(base + share * (own - base))


def class_mean(successes: Classes, trials: Classes) -> OfClasses:
    """Mean chance in each class, (k + 1/2)/(n + 1)."""
    return jnp.asarray((successes + JEFFREYS) / (trials + 2.0 * JEFFREYS))


def mean_over(weight: Classes, value: Classes) -> Float[Array, "*draw"]:
    """Mean over the classes of a chance, a cost or a count of dead."""
    return jnp.sum(weight * value, axis=0)


def mixture_mean(weight: Classes, successes: Classes, trials: Classes) -> Float[Array, "*draw"]:
    """Mean chance of success in the mixture."""
    return mean_over(weight, class_mean(successes, trials))


def mixture_variance(weight: Classes, successes: Classes, trials: Classes) -> Float[Array, "*draw"]:
    """Variance of the chance: within classes and between them."""
    mean = class_mean(successes, trials)
    within = mean * (1.0 - mean) / (trials + 2.0 * JEFFREYS + 1.0)
    return mean_over(weight, within + (mean - mean_over(weight, mean)[None]) ** 2)


def mixture_below(chance: Number, weight: Classes, successes: Classes, trials: Classes) -> Float[Array, "*draw"]:
    """Probability that the chance of success lies below a value."""
    value = jnp.asarray(chance, dtype=float)
    place = value if value.ndim == 0 else value[None]
    return mean_over(weight, betainc(successes + JEFFREYS, trials - successes + JEFFREYS, place))


def mixture_quantile(
    level: Float[Array, "*#draw"], weight: Classes, successes: Classes, trials: Classes
) -> Float[Array, "*draw"]:
    """Chance of success at a level (0 to 1) of its law, by halving: a uniform level gives a draw."""
    shape = jnp.broadcast_shapes(level.shape, *(x.shape[1:] for x in (weight, successes, trials)))
    low, high = jnp.zeros(shape), jnp.ones(shape)
    halve = functools.partial(_halve, level, weight, successes, trials)
    low, high = jax.lax.fori_loop(0, HALVINGS, halve, (low, high))
    return jnp.asarray(0.5 * (low + high))


def log_marginal(successes: Number, trials: Number, k: Classes, n: Classes) -> OfClasses:
    """Log chance of s successes in t trials under each class (beta-binomial)."""
    s, t = jnp.asarray(successes, dtype=float), jnp.asarray(trials, dtype=float)
    s, t = (x if x.ndim == 0 else x[None] for x in (s, t))
    ways = gammaln(t + 1.0) - gammaln(s + 1.0) - gammaln(t - s + 1.0)
    first, second = k + JEFFREYS, n - k + JEFFREYS
    return jnp.asarray(ways + _log_beta(first + s, second + t - s) - _log_beta(first, second))


def norm_state(weight: Classes, successes: Classes, trials: Classes) -> AnalogyState:
    """State before any force is seen."""
    shape = jnp.broadcast_shapes(weight.shape, successes.shape, trials.shape)
    return AnalogyState(*(jnp.broadcast_to(x, shape) for x in (weight, successes, trials)))


def draw_noise(key: PRNGKeyArray, shape: tuple[int, ...]) -> AnalogyNoise:
    """Draw the noise, from the part of the key that bears its name."""
    return AnalogyNoise(jax.random.uniform(named_keys(key, NOISES)["chance"], shape))


def step(
    key: PRNGKeyArray, state: AnalogyState, inputs: AnalogyInput, par: AnalogyParameters
) -> tuple[AnalogyState, AnalogyInfo]:
    """Advance a week: see force used or not, move weights and counts.

    Args:
        key: key of this module, this observer and this week.
        state: weights and counts at the start of the week.
        inputs: uses of force seen.
        par: parameters.

    Returns:
        State at the end of the week, and the chance as believed then.
    """
    return advance(draw_noise(key, state.weight.shape[1:]), state, inputs, par)


def advance(
    noise: AnalogyNoise, state: AnalogyState, inputs: AnalogyInput, par: AnalogyParameters
) -> tuple[AnalogyState, AnalogyInfo]:
    """Advance a week with the noise given, so that a counterfactual can keep it and change the input."""
    marginal = jnp.exp(log_marginal(inputs.successes, inputs.trials, state.successes, state.trials))
    after = update(state, inputs.successes, inputs.trials, par.learning)
    drawn = mixture_quantile(jnp.asarray(noise.chance, dtype=float), after.weight, after.successes, after.trials)
    mean = mixture_mean(after.weight, after.successes, after.trials)
    return after, AnalogyInfo(mean, drawn, mean_over(state.weight, marginal))


def update(state: AnalogyState, successes: Number, trials: Number, learning: Number) -> AnalogyState:
    """Weights and counts after s successes in t trials; `learning` 1 is Bayes, 0 none."""
    s, t, share = (_over_classes(x) for x in (successes, trials, learning))
    logs = jnp.log(state.weight) + log_marginal(successes, trials, state.successes, state.trials)
    posterior = jax.nn.softmax(logs, axis=0) * jnp.sum(state.weight, axis=0, keepdims=True)
    seen = jnp.where(t > 0.0, share, 0.0)  # without trials the weights stay, exactly
    return AnalogyState(
        weight=state.weight + seen * (posterior - state.weight),
        successes=state.successes + share * s,
        trials=state.trials + share * t,
    )


def _log_beta(first: Number, second: Number) -> Float[Array, "*draw"]:
    """Log of the beta function; that of JAX is exact to 1e-7 only."""
    return gammaln(first) + gammaln(second) - gammaln(first + second)


def _over_classes(value: Number) -> Float[Array, "..."]:
    """The same for every class: put the class axis in front, unless it is a scalar."""
    array = jnp.asarray(value, dtype=float)
    return array if array.ndim == 0 else array[None]


def _halve(
    level: Float[Array, "*#draw"],
    weight: Classes,
    successes: Classes,
    trials: Classes,
    _: Int[Array, ""] | int,
    bounds: tuple[Float[Array, "*draw"], Float[Array, "*draw"]],
) -> tuple[Float[Array, "*draw"], Float[Array, "*draw"]]:
    """Halve the interval in which the quantile lies."""
    low, high = bounds
    middle = 0.5 * (low + high)
    below = mixture_below(middle, weight, successes, trials) < level
    return jnp.where(below, middle, low), jnp.where(below, high, middle)
