"""Log chances of a solved view between the nodes of its grid, for many paths at once."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from standoff.game.interpolate import local

CHUNK = 64
"""Paths that are looked up at a time."""


def lookup(
    table: Float[Array, "round state p q 2 move"],
    n: Int[Array, ""],
    state: Int[Array, " path"],
    p: Float[Array, " path"],
    q: Float[Array, " path"],
) -> Float[Array, "path 2 move"]:
    """Log chances in round n between the nodes: monotone cubic in q, then in p, then scaled to sum to 1."""
    nodes = table.shape[2]

    def cell(x: Array) -> tuple[Array, Array, Array, Array]:
        at = x * (nodes - 1)
        index = jnp.clip(at.astype(jnp.int32), 0, nodes - 2)
        offsets = index[None] + jnp.arange(-1, 3, dtype=jnp.int32)[:, None]
        return jnp.clip(offsets, 0, nodes - 1), at - index.astype(at.dtype), index == 0, index == nodes - 2

    rows, t, low, high = cell(p)
    columns, u, left, right = cell(q)
    near = table[n, state, rows[:, None], columns[None, :]]
    floor = jnp.maximum(near, jnp.asarray(-100.0, near.dtype))

    def tail(x: Array) -> Array:
        return x[:, None, None]

    t, u = (x.astype(near.dtype) for x in (t, u))
    along_q = jax.vmap(lambda row: local(row, tail(u), tail(left), tail(right)))(floor)
    found = local(along_q, tail(t), tail(low), tail(high)).astype(p.dtype)
    return found - jax.nn.logsumexp(found, axis=-1, keepdims=True)


Asked = tuple[tuple[Array, Array], ...]
"""Tables of log chances, each with the beliefs at which it is asked."""


def look_where(
    asked: Asked, n: Int[Array, ""], where: Bool[Array, " path"], state: Int[Array, " path"]
) -> tuple[Array, ...]:
    """Log chances from several tables for the paths that are there, `CHUNK` at a time; 0 elsewhere."""
    count, size = len(state), min(CHUNK, len(state))
    moves = asked[0][0].shape[-1]

    def more(carry: tuple[Array, ...]) -> Array:
        return carry[0].any()

    def again(carry: tuple[Array, ...]) -> tuple[Array, ...]:
        waiting, *found = carry
        at = jnp.nonzero(waiting, size=size, fill_value=0)[0]
        picked = waiting[at][:, None, None]
        for i, (table, belief) in enumerate(asked):
            new = lookup(table, n, state[at], belief[0, at], belief[1, at])
            found[i] = found[i].at[at].set(jnp.where(picked, new, found[i][at]))
        return waiting.at[at].set(False), *found

    zero = jnp.zeros((count, 2, moves))
    return jax.lax.while_loop(more, again, (where, *(zero for _ in asked)))[1:]
