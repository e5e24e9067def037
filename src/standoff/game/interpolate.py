"""Monotone cubic interpolation on evenly spaced nodes of a probability (Fritsch & Butland 1984).

Nodes are 0, 1/(n-1), ..., 1. Slopes are the harmonic mean of neighbouring secants where these agree in
sign and 0 elsewhere; a cubic with them never overshoots the data (Fritsch & Carlson 1980), which matters
because values of a game jump. The end slopes are the three-point formula, limited in the same way.
"""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int


def slopes(value: Float[Array, "*batch node"]) -> Float[Array, "*batch node"]:
    """Slopes of the monotone cubic, per node step (not per unit of probability)."""
    secant = value[..., 1:] - value[..., :-1]
    left, right = secant[..., :-1], secant[..., 1:]
    agree = left * right > 0
    inner = jnp.where(agree, 2 * left * right / jnp.where(agree, left + right, 1.0), 0.0)

    def end(near: Float[Array, "*batch 1"], next_: Float[Array, "*batch 1"]) -> Float[Array, "*batch 1"]:
        slope = 1.5 * near - 0.5 * next_
        slope = jnp.where(slope * near <= 0, 0.0, slope)
        return jnp.where((near * next_ <= 0) & (jnp.abs(slope) > 3 * jnp.abs(near)), 3 * near, slope)

    first = end(secant[..., :1], secant[..., 1:2])
    last = end(secant[..., -1:], secant[..., -2:-1])
    return jnp.concatenate([first, inner, last], axis=-1)


def along(
    value: Float[Array, " entry"],
    slope: Float[Array, " entry"],
    base: Int[Array, "*any"],
    at: Float[Array, "*any"],
    nodes: int,
) -> tuple[Float[Array, "*any"], Float[Array, "*any"]]:
    """Value of the cubic and its derivative per unit of probability, from tables laid out flat.

    A table's nodes begin at entry `base`. One flat index makes the look-up four times as fast as one with axes.
    """
    cells = nodes - 1
    x = at * cells
    cell = jnp.clip(x.astype(jnp.int32), 0, cells - 1)
    t = x - cell.astype(x.dtype)
    index = base + cell

    def pick(table: Float[Array, " entry"], entry: Int[Array, "*any"]) -> Float[Array, "*any"]:
        return table.at[entry].get(mode="promise_in_bounds")

    v0, v1 = pick(value, index), pick(value, index + 1)
    s0, s1 = pick(slope, index), pick(slope, index + 1)
    c2 = 3 * (v1 - v0) - 2 * s0 - s1
    c3 = 2 * (v0 - v1) + s0 + s1
    return v0 + t * (s0 + t * (c2 + t * c3)), (s0 + t * (2 * c2 + 3 * t * c3)) * cells


def along_all(
    value: Float[Array, "table row node"], slope: Float[Array, "table row node"], at: Float[Array, "row point"]
) -> tuple[Float[Array, "table row point"], Float[Array, "table row point"]]:
    """Value and derivative of several tables at the same probabilities; what is read at one lies side by side.

    Slower than `along` for one table, and several times faster for its derivative in four.
    """
    count, rows, nodes = value.shape
    cells = nodes - 1
    side_by_side = jnp.concatenate([value, slope]).reshape(2 * count, rows * nodes).T
    x = at * cells
    cell = jnp.clip(x.astype(jnp.int32), 0, cells - 1)
    t = (x - cell.astype(x.dtype))[..., None]
    entry = cell + np.arange(rows, dtype=np.int32)[:, None] * nodes
    low = side_by_side.at[entry].get(mode="promise_in_bounds")
    high = side_by_side.at[entry + 1].get(mode="promise_in_bounds")
    v0, s0, v1, s1 = low[..., :count], low[..., count:], high[..., :count], high[..., count:]
    c2 = 3 * (v1 - v0) - 2 * s0 - s1
    c3 = 2 * (v0 - v1) + s0 + s1
    worth, gradient = v0 + t * (s0 + t * (c2 + t * c3)), (s0 + t * (2 * c2 + 3 * t * c3)) * cells
    return jnp.moveaxis(worth, -1, 0), jnp.moveaxis(gradient, -1, 0)


def evaluate(
    value: Float[Array, "*batch node"], slope: Float[Array, "*batch node"], at: Float[Array, "*batch point"]
) -> tuple[Float[Array, "*batch point"], Float[Array, "*batch point"]]:
    """Value of the cubic at probabilities `at`, and its derivative per unit of probability."""
    nodes = value.shape[-1]
    rows = at.size // at.shape[-1]
    base = np.repeat(np.arange(rows, dtype=np.int32) * nodes, at.shape[-1])
    worth, gradient = along(value.reshape(-1), slope.reshape(-1), jnp.asarray(base), at.reshape(-1), nodes)
    return worth.reshape(at.shape), gradient.reshape(at.shape)


def local(value: Float[Array, "4 ..."], t: Float[Array, "..."], low: Array, high: Array) -> Float[Array, "..."]:
    """The same cubic from the four nodes around a cell, at fraction `t` of it.

    `low` (`high`) marks points in the first (last) cell, where the outer node stands in for a missing one and
    is not used. Slopes at inner nodes are the harmonic mean; at an end they are the limited three-point formula.
    """
    before, here, after = value[1] - value[0], value[2] - value[1], value[3] - value[2]

    def harmonic(a: Float[Array, "..."], b: Float[Array, "..."]) -> Float[Array, "..."]:
        agree = a * b > 0
        return jnp.where(agree, 2 * a * b / jnp.where(agree, a + b, 1.0), 0.0)

    def end(near: Float[Array, "..."], next_: Float[Array, "..."]) -> Float[Array, "..."]:
        slope = 1.5 * near - 0.5 * next_
        slope = jnp.where(slope * near <= 0, 0.0, slope)
        return jnp.where((near * next_ <= 0) & (jnp.abs(slope) > 3 * jnp.abs(near)), 3 * near, slope)

    s0 = jnp.where(low, end(here, after), harmonic(before, here))
    s1 = jnp.where(high, end(here, before), harmonic(here, after))
    c2 = 3 * here - 2 * s0 - s1
    c3 = -2 * here + s0 + s1
    return value[1] + t * (s0 + t * (c2 + t * c3))
