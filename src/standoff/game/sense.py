"""How news reaches a mind and moves it: filtered and delayed on its way, misjudged on arrival, pooled with others'.

With l the log-likelihood ratio of what was read, for the other side being firm (bad news where l > 0):

    bad news is lost with chance `lost`; what is not lost waits 0, 1, 2, ... rounds with chances `delay`;
    on arrival a ratio against what is now believed is flipped with chance `flip` (Rabin & Schrag 1999);
    log-odds of the mind = leader (what the leader was told and made of it) + (1 - leader) (the record as it is).

Good news arrives at once. `scene` holds ratios of scenes that are no move of the game, by round, as the mind takes
them: whatever distorts them is in the number. With flip = lost = 0, delay (1, 0, ...), leader 1 and no scenes, or with
`leader` 0, this is Bayes.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PRNGKeyArray

from standoff.game.response import posterior


class Sense(eqx.Module):
    """A mind's way with news about the other side. Chances are per piece of news."""

    flip: Float[Array, ""]
    lost: Float[Array, ""]
    delay: Float[Array, " later"]  # chances of 0, 1, ... rounds, sum 1
    leader: Float[Array, ""]  # weight of the leader in the log-odds
    scene: Float[Array, " round"]  # log-likelihood ratio for the other being firm


def plain(rounds: int) -> Sense:
    """A mind that takes everything as it comes."""
    zero = jnp.zeros(())
    return Sense(zero, zero, jnp.array([1.0, 0.0]), jnp.ones(()), jnp.zeros(rounds))


class Fate(eqx.Module):
    """Uniform noises of one round, by path: for passing, for waiting, for judging what comes now and what waited."""

    passing: Float[Array, " path"]
    waiting: Float[Array, " path"]
    judging: Float[Array, " path"]
    judging_late: Float[Array, " path"]


def fate(key: PRNGKeyArray, count: int, groups: int = 1) -> Fate:
    """Draw the noises of one round and mind."""
    return Fate(*jnp.tile(jax.random.uniform(key, (4, count // groups)), (1, groups)))


def _judged(ratio: Array, belief: Array, flip: Array, uniform: Array) -> Array:
    contrary = ratio * (belief - 0.5) < 0
    return jnp.where(contrary & (uniform < flip), -ratio, ratio)


def arrive(
    sense: Sense,
    noise: Fate,
    n: Array,
    belief: Float[Array, " path"],
    queue: Float[Array, "later path"],
    here: Bool[Array, " path"],
) -> tuple[Float[Array, " path"], Float[Array, "later path"]]:
    """Begin a round: news that waited comes in, scenes are seen. Returns belief and what still waits."""
    late = sense.leader * _judged(queue[0], belief, sense.flip, noise.judging_late)
    after = posterior(belief, jnp.where(here, late + sense.scene[n], 0.0))
    return after, jnp.concatenate([queue[1:], jnp.zeros_like(queue[:1])])


def hear(
    sense: Sense,
    noise: Fate,
    ratio: Float[Array, " path"],
    belief: Float[Array, " path"],
    queue: Float[Array, "later path"],
) -> tuple[Float[Array, " path"], Float[Array, "later path"]]:
    """A move was read, worth a log-likelihood ratio. Returns the change of log-odds now, and what waits."""
    bad = ratio > 0
    passed = ~bad | (noise.passing >= sense.lost)
    rounds = jnp.where(bad, (noise.waiting[None] >= jnp.cumsum(sense.delay)[:-1, None]).sum(0), 0)
    now = jnp.where(passed & (rounds == 0), _judged(ratio, belief, sense.flip, noise.judging), 0.0)
    place = jnp.arange(1, len(queue) + 1, dtype=rounds.dtype)[:, None] == rounds[None]
    waits = queue + jnp.where(place & passed[None], ratio[None], 0.0)
    return sense.leader * now + (1.0 - sense.leader) * ratio, waits
