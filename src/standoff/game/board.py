"""A game laid out for the sweep: states in rows of `PIECE` places, with where each move leads and what it pays.

What differs between two games of one kind and size are arrays here, so that what is compiled for one serves the other.
Where only some states are `reached`, they stand first, and the rows behind them are not worked through.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from standoff.game.form import Form, Payoffs
from standoff.game.reach import Reached

PIECE = 8
Found = TypeVar("Found")


class Rows(eqx.Module):
    """A stage by rows: the place in the next stage to which each move leads, whether it can be played, what it pays."""

    follow: Int[Array, "_row piece _move"]
    mask: Bool[Array, "_row piece _move"]
    pays: Float[Array, "_row 2 2 piece _move"]


class Board(eqx.Module):
    """A game by rows; `many` rows of each stage, nature's last, are worked through.

    `branch`, `chance` and `hazard` are nature's, those branches with any chance first; no state has more than `wide` of
    them. `states` are those that stand in the rows. The rest is that of `Payoffs`.
    """

    stages: tuple[Rows, ...]
    branch: Int[Array, "row piece branch"]
    chance: Float[Array, "row piece branch"]
    hazard: Float[Array, "row piece branch"]
    flow: Float[Array, "row 2 2 piece"]
    horizon: Float[Array, "2 2 first"]
    removed: Float[Array, "2 2"]
    precision: Float[Array, "2"]
    tilt: Float[Array, "2 2"]
    discount: Float[Array, ""]
    many: Int[Array, " stage"]
    wide: Int[Array, ""]
    states: tuple[Int[Array, "_row piece"], ...]


def pieces(count: int) -> np.ndarray:
    """State indices of a stage in rows of `PIECE`; the last row is filled up with its last state."""
    rows = -(-count // PIECE)
    return np.minimum(np.arange(rows * PIECE), count - 1).reshape(rows, PIECE)


def board(form: Form, payoffs: Payoffs, reached: Reached | None = None) -> Board:
    """Lay a game out, with the states that are reached first (all, in their order, where none are named)."""
    counts = [*(len(stage.states) for stage in form.stages), len(form.nature_states)]
    states = [np.arange(count) for count in counts] if reached is None else list(reached.states)
    at = [_filled(each, count) for each, count in zip(states, counts, strict=True)]
    place = [_places(each, count) for each, count in zip(states, counts, strict=True)]
    follow = []
    for index, stage in enumerate(form.stages):
        leads = [place[lead][np.maximum(stage.follow[:, m], 0)] if lead >= 0 else np.zeros(counts[index], np.int32)
                 for m, lead in enumerate(stage.leads)]  # fmt: skip
        follow.append(np.stack(leads, axis=1)[at[index]])
    mask = [stage.mask[here] for stage, here in zip(form.stages, at, strict=False)]
    branch = place[0][np.maximum(form.branch, 0)]
    many = np.array([-(-len(each) // PIECE) for each in states], np.int32)
    found: Board = _lay_out(payoffs, tuple(at), tuple(follow), tuple(mask), branch, form.branch >= 0, many)
    return found


def _filled(states: np.ndarray, count: int) -> np.ndarray:
    """States in rows for `count` of them, filled up with the last (with state 0 where there is none)."""
    some = states if len(states) else np.zeros(1, int)
    return np.asarray(some[np.minimum(pieces(count), len(some) - 1)])


def _places(states: np.ndarray, count: int) -> np.ndarray:
    """Place of each state; 0 for those that have none."""
    found = np.zeros(count, np.int32)
    found[states] = np.arange(len(states), dtype=np.int32)
    return found


@jax.jit
def _lay_out(
    payoffs: Payoffs, at: tuple[Array, ...], follow: tuple[Array, ...], mask: tuple[Array, ...], branch: Array,
    open_: Array, many: Array,
) -> Board:  # fmt: skip
    stages = [
        Rows(then, can, jnp.moveaxis(pays[:, :, here], 2, 0))
        for then, can, pays, here in zip(follow, mask, payoffs.moves, at, strict=False)
    ]
    chance = jnp.where(open_, payoffs.chance, 0.0)
    order = jnp.argsort(chance <= 0.0, axis=-1, stable=True)
    branch, chance, hazard = (jnp.take_along_axis(a, order, -1)[at[-1]] for a in (branch, chance, payoffs.hazard))
    return Board(
        tuple(stages), branch, chance, hazard, jnp.moveaxis(payoffs.flow[:, :, at[-1]], 2, 0),
        payoffs.horizon[:, :, at[0].reshape(-1)], payoffs.removed, payoffs.precision, payoffs.tilt, payoffs.discount,
        many, (chance > 0).sum(-1).max(), at,
    )  # fmt: skip


def through(one: Callable[[Any], Found], rows: Any, many: Array | None) -> Found:  # noqa: ANN401
    """What `one` gives in each row; with `many`, in the first so many, and 0 in the others."""
    if many is None:
        every: Found = jax.lax.map(one, rows)
        return every

    def row(index: Array | int) -> Any:  # noqa: ANN401
        return jax.tree.map(lambda table: table[index], rows)

    count = len(jax.tree.leaves(rows)[0])
    shapes = jax.eval_shape(one, row(0))
    blank: Found = jax.tree.map(lambda shape: jnp.zeros((count, *shape.shape), shape.dtype), shapes)

    def again(index: Array, found: Found) -> Found:
        put = jax.lax.dynamic_update_index_in_dim
        new: Found = jax.tree.map(lambda table, here: put(table, here, index, 0), found, one(row(index)))
        return new

    done: Found = jax.lax.fori_loop(0, many, again, blank)
    return done


def spread(form: Form, rounds: Sequence[tuple[Array, ...]], reached: Reached | None, axis: int) -> tuple[Array, ...]:
    """Tables of the stages' places (on `axis`), by round, as tables of their states (`by_state`)."""
    sizes = [len(form.stages[index].states) for index in range(len(rounds[0]))]
    states = [np.arange(size) for size in sizes] if reached is None else reached.states
    at = tuple(_places(each, size) for each, size in zip(states, sizes, strict=False))
    seen = tuple(np.isin(np.arange(size), each) for each, size in zip(states, sizes, strict=False))
    found: tuple[Array, ...] = _spread(tuple(rounds), at, seen, axis)
    return found


@partial(jax.jit, static_argnums=3)
def _spread(
    rounds: tuple[tuple[Array, ...], ...], at: tuple[Array, ...], seen: tuple[Array, ...], axis: int
) -> tuple[Array, ...]:
    every = enumerate(zip(at, seen, strict=True))
    return tuple(jnp.stack([_by_state(one[k], here, known, axis) for one in rounds]) for k, (here, known) in every)


def by_state(form: Form, stage: int, table: Array, reached: Reached | None, axis: int) -> Array:
    """A table of a stage's places (on `axis`) as one of its states; not a number, or False, where one was not reached.

    Whoever asks there all the same is not given a number to go on with (`play` refuses it).
    """
    count = len(form.stages[stage].states)
    states = np.arange(count) if reached is None else reached.states[stage]
    found: Array = _by_state(table, _places(states, count), np.isin(np.arange(count), states), axis)
    return found


@partial(jax.jit, static_argnums=3)
def _by_state(table: Array, at: Array, seen: Array, axis: int) -> Array:
    seen = seen.reshape([-1 if k == axis else 1 for k in range(table.ndim)])
    blank = jnp.full((), False if table.dtype == bool else jnp.nan, table.dtype)
    return jnp.where(seen, jnp.take(table, at, axis=axis, mode="clip"), blank)
