"""A view inside a view: one side's answer to a strategy that it thinks the other plays.

At level 1 a side assumes that the other shares its view, and both strategies are found together (`sweep`). Where it
thinks that the other holds another view, the other's strategy sigma and the way in which the other reads its own moves
are those of that inner view, solved before. Beliefs then move by sigma alone, so nothing is left to settle: with V the
worth to the side's own type, b its belief about the other and x' the public belief after a move,

    own decision     Q(a) = pay(a) + V(a; x'(a)),  pi = softmax(precision Q),  V = sum_a pi(a) Q(a)
    the other's      V = sum_a [b sigma_1(a) + (1-b) sigma_0(a)] (pay(a) + V(a; x'(a))).

The inner view may hold a third one, and so on: the strategy that is answered is whatever was solved there. Reference:
Bennett (1977), Toward a theory of hypergames (second-level hypergames).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from standoff.game.board import Board, Rows, board, by_state, through
from standoff.game.form import COERCER, Form, Kind, Payoffs
from standoff.game.interpolate import evaluate, slopes
from standoff.game.reach import Reached
from standoff.game.response import posterior
from standoff.game.sweep import leads, turn

Strategies = tuple[Float[Array, "round _state p q 2 _move"], ...]
Whole = Callable[[Board, tuple[Array, ...], Array], tuple[tuple[Array, ...], Array]]


@dataclass(frozen=True, eq=False)
class Answer:
    """What one side does against a given strategy, and what the crisis is then worth to its types.

    `log_pi[s]` is its own strategy at its stages and the given one at the other's, stacked over rounds; `value`
    has the axes round, own type, state of the first stage, p, q.
    """

    log_pi: Strategies
    value: Float[Array, "round 2 first p q"]


def _after(
    to: Float[Array, "2 _state x y"], belief: Float[Array, " node"], log_pi: Float[Array, "_state x y 2 move"], m: int
) -> Float[Array, "2 _state x y"]:
    """Worth after move m, from that in the states `to` which it leads, at the public belief that it leads to.

    The mover's axis is the last one.
    """
    ratio = log_pi[..., 1, m] - log_pi[..., 0, m]
    at = posterior(jnp.broadcast_to(belief, ratio.shape), jnp.where(jnp.isfinite(ratio), ratio, 0.0))
    found, _ = evaluate(to, slopes(to), jnp.broadcast_to(at[None], to.shape))
    return found


def _stage(
    stage: Kind, side: int, game: Board, rows: Rows, states: Array, plain: dict[int, Array], many: Array,
    log_pi: Float[Array, "state x y 2 move"],
) -> tuple[Float[Array, "2 place x y"], Float[Array, "place x y 2 move"] | None]:  # fmt: skip
    """One stage backwards: the worth to each own type, and the log chances of the side's own moves (if it is his)."""
    nodes, own = log_pi.shape[1], stage.mover == side
    belief = jnp.linspace(0.0, 1.0, nodes)

    def one(row: tuple[Array, ...]) -> tuple[Array, Array | None]:
        follow, can, pays, here = row
        given = log_pi[here].astype(pays.dtype)
        given = jnp.swapaxes(given, 1, 2) if stage.mover == COERCER else given
        worth = []
        for m, lead in enumerate(stage.leads):
            after = _after(plain[lead][:, follow[:, m]], belief, given, m) if lead >= 0 else 0.0
            worth.append(pays[side][:, :, m, None, None] + after)
        q = jnp.stack(jnp.broadcast_arrays(*worth), axis=-1)
        q = jnp.broadcast_to(q, (2, len(here), nodes, nodes, len(stage.leads)))
        mask = can[None, :, None, None]
        chosen = None
        if own:
            does = jax.nn.log_softmax(jnp.where(mask, game.precision[side] * q, -jnp.inf), axis=-1)
            chance = jnp.exp(does)
            does = jnp.swapaxes(does, 2, 3) if stage.mover == COERCER else does
            chosen = jnp.moveaxis(does, 0, 3).astype(log_pi.dtype)
        else:
            firm = jnp.stack([posterior(belief, jnp.full_like(belief, game.tilt[side, k])) for k in range(2)])
            b = firm[:, None, None, :, None]
            chance = b * jnp.exp(given[..., 1, :])[None] + (1 - b) * jnp.exp(given[..., 0, :])[None]
        return (chance * jnp.where(mask, q, 0.0)).sum(-1), chosen

    worth, chosen = through(one, (rows.follow, rows.mask, rows.pays, states), many)
    worth = jnp.moveaxis(worth, 0, 1).reshape(2, -1, nodes, nodes)
    return worth, None if chosen is None else chosen.reshape(-1, *chosen.shape[2:])


@lru_cache(maxsize=8)
def _compiled(kinds: tuple[Kind, ...], side: int) -> Whole:
    def nature(game: Board, start: Array) -> Array:
        def one(row: tuple[Array, ...]) -> Array:
            then, chance, hazard, flow = row
            stays = chance * (1 - hazard) * game.discount
            removed = (chance * hazard).sum(-1)
            value = flow[side] + game.removed[side][:, None] * removed[None]

            def add(b: Array, later: Array) -> Array:
                return later + stays[None, :, b, None, None] * start[:, then[:, b]]

            blank = jnp.zeros((*value.shape, *start.shape[-2:]), start.dtype)
            later: Array = jax.lax.fori_loop(0, game.wide, add, blank)
            return value[..., None, None] + later

        found = through(one, (game.branch, game.chance, game.hazard, game.flow), game.many[-1])
        return jnp.moveaxis(found, 0, 1).reshape(2, -1, *start.shape[-2:])

    def back(game: Board, start: Array, given: tuple[Array, ...]) -> tuple[Array, tuple[tuple[Array, ...], Array]]:
        plain: dict[int, Array] = {len(kinds): nature(game, start)}
        acts: list[Array] = []
        for index, kind in reversed(list(enumerate(kinds))):
            tables = {lead: turn(kind, plain[lead]) for lead in leads(kind)}
            worth, chosen = _stage(
                kind, side, game, game.stages[index], game.states[index], tables, game.many[index], given[index]
            )
            plain[index] = turn(kind, worth)
            if chosen is not None:
                acts.insert(0, chosen)
        return plain[0], (tuple(acts), plain[0])

    def whole(game: Board, given: tuple[Array, ...], start: Array) -> tuple[tuple[Array, ...], Array]:
        _, found = jax.lax.scan(lambda value, rows: back(game, value, rows), start, given, reverse=True)
        acts, value = found
        return acts, value

    return jax.jit(whole)


def answer(
    form: Form, payoffs: Payoffs, given: Sequence[Array], side: int, reached: Reached | None = None
) -> Answer:  # fmt: skip
    """One side's logit answer, backwards from the horizon, to strategies that it takes as given.

    Args:
        form: The game's form.
        payoffs: Payoffs in the side's own view; its precision is the side's.
        given: At the other's stages what the side thinks the other plays; at its own stages what it thinks the other
            expects of it, by which the other's belief moves. Axes round, state, p, q, type, move; log chances.
        side: 0 the coercer, 1 the target.
        reached: States in which an answer is asked for; in others it is not a number.

    Returns:
        The side's strategy beside the given one, and the worth of the crisis to its types.
    """
    nodes = given[0].shape[2]
    game = board(form, payoffs, reached)
    start = jnp.broadcast_to(game.horizon[side][..., None, None], (*game.horizon[side].shape, nodes, nodes))
    acts, value = _compiled(tuple(stage.kind for stage in form.stages), side)(game, tuple(given), start)
    own = [index for index, stage in enumerate(form.stages) if stage.mover == side]
    log_pi = list(given)
    for index, table in zip(own, acts, strict=True):
        log_pi[index] = by_state(form, index, table, reached, axis=1)
    return Answer(tuple(log_pi), by_state(form, 0, value, reached, axis=2))
