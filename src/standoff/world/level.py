"""Levels: the names under which the game sees squeeze and cohesion.

level(x) = number of edges at or above x, with edges falling: 0 is the best for the leader. Squeeze is named
by the smoothed patronage ratio A (0 to 1): normal above 0.85, tight to 0.70, short to 0.55, exhausted
below. Cohesion is named by z (spreads of hidden strength): firm above 3, strained to 2, cracking below.

Reference: the project's own names.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

SQUEEZE_EDGES = (0.85, 0.70, 0.55)  # smoothed A
SQUEEZE_NAMES = ("normal", "tight", "short", "exhausted")
COHESION_EDGES = (3.0, 2.0)  # z
COHESION_NAMES = ("firm", "strained", "cracking")


def level(value: Float[Array, "*cell"], edges: Float[Array, " edge"]) -> Int[Array, "*cell"]:
    """Index of the level in which a value lies; 0 is above every edge."""
    tops = edges.reshape((-1,) + (1,) * value.ndim)
    return jnp.sum(value[None] <= tops, axis=0, dtype=jnp.int32)


def squeeze_bounds(edges: Float[Array, " edge"]) -> Float[Array, " bound"]:
    """Upper and lower ends of the squeeze levels, from 1 down; the last is as wide as the one before."""
    tops = jnp.concatenate([jnp.ones(1), edges])
    width = tops[-2:-1] - tops[-1:] if edges.shape[0] else jnp.zeros(1)
    return jnp.concatenate([tops, jnp.maximum(0.0, tops[-1:] - width)])


def cohesion_bounds(edges: Float[Array, " edge"]) -> Float[Array, " bound"]:
    """Upper and lower ends of the cohesion levels, in z; the outer levels are taken to be 1 wide."""
    return jnp.concatenate([edges[:1] + 1.0, edges, edges[-1:] - 1.0])
