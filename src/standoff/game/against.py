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
import numpy as np
from jaxtyping import Array, Float

from standoff.game.form import COERCER, Form, Payoffs, Stage
from standoff.game.interpolate import evaluate, slopes
from standoff.game.response import posterior

Strategies = tuple[Float[Array, "round _state p q 2 _move"], ...]
Whole = Callable[[Payoffs, tuple[Array, ...], Array], tuple[tuple[Array, ...], Array]]


@dataclass(frozen=True, eq=False)
class Answer:
    """What one side does against a given strategy, and what the crisis is then worth to its types.

    `log_pi[s]` is its own strategy at its stages and the given one at the other's, stacked over rounds; `value`
    has the axes round, own type, state of the first stage, p, q.
    """

    log_pi: Strategies
    value: Float[Array, "round 2 first p q"]


def _after(
    stage: Stage,
    m: int,
    plain: dict[int, Array],
    belief: Float[Array, " node"],
    log_pi: Float[Array, "state x y 2 move"],
) -> Float[Array, "2 state x y"]:
    """Worth after move m at the public belief that it leads to; the mover's axis is the last one."""
    table = plain[stage.leads[m]][:, np.maximum(stage.follow[:, m], 0)]
    ratio = log_pi[..., 1, m] - log_pi[..., 0, m]
    at = posterior(jnp.broadcast_to(belief, ratio.shape), jnp.where(jnp.isfinite(ratio), ratio, 0.0))
    found, _ = evaluate(table, slopes(table), jnp.broadcast_to(at[None], table.shape))
    return found


def _stage(
    stage: Stage, own: bool, payoffs: Payoffs, side: int, plain: dict[int, Array], pay: Float[Array, "2 state move"],
    log_pi: Float[Array, "state x y 2 move"],
) -> tuple[Float[Array, "2 state x y"], Float[Array, "2 state x y move"]]:  # fmt: skip
    """One stage backwards: the worth to each own type, and the log chances of the side's own moves (if it is his)."""
    nodes = log_pi.shape[1]
    belief = jnp.linspace(0.0, 1.0, nodes)
    worth = []
    for m, lead in enumerate(stage.leads):
        after = _after(stage, m, plain, belief, log_pi) if lead >= 0 else 0.0
        worth.append(pay[:, :, m, None, None] + after)
    q = jnp.stack(jnp.broadcast_arrays(*worth), axis=-1)
    q = jnp.broadcast_to(q, (2, len(stage.states), nodes, nodes, len(stage.moves)))
    if own:
        mask = jnp.asarray(stage.mask)[None, :, None, None]
        chosen = jax.nn.log_softmax(jnp.where(mask, payoffs.precision[side] * q, -jnp.inf), axis=-1)
        chance = jnp.exp(chosen)
    else:
        firm = jnp.stack([posterior(belief, jnp.full_like(belief, payoffs.tilt[side, k])) for k in range(2)])
        b = firm[:, None, None, :, None]
        chance = b * jnp.exp(log_pi[..., 1, :])[None] + (1 - b) * jnp.exp(log_pi[..., 0, :])[None]
        chosen = jnp.zeros_like(q)
    return (chance * jnp.where(jnp.asarray(stage.mask)[None, :, None, None], q, 0.0)).sum(-1), chosen


@lru_cache(maxsize=8)
def _compiled(form: Form, side: int) -> Whole:
    then, open_ = np.maximum(form.branch, 0), form.branch >= 0

    def back(payoffs: Payoffs, start: Array, given: tuple[Array, ...]) -> tuple[Array, tuple[tuple[Array, ...], Array]]:
        chance = jnp.where(jnp.asarray(open_), payoffs.chance, 0.0)
        stays = chance * (1 - payoffs.hazard) * payoffs.discount
        removed = (chance * payoffs.hazard).sum(-1)
        value = payoffs.flow[side] + payoffs.removed[side][:, None] * removed[None]
        nature = value[..., None, None] + sum(
            stays[None, :, b, None, None] * start[:, then[:, b]] for b in range(then.shape[1])
        )
        plain: dict[int, Array] = {form.nature: nature}
        found: list[Array] = list(given)
        for index in reversed(range(len(form.stages))):
            stage = form.stages[index]
            turned = stage.mover == COERCER
            tables = {k: jnp.swapaxes(v, -1, -2) if turned else v for k, v in plain.items()}
            log_pi = given[index].astype(start.dtype)
            log_pi = jnp.swapaxes(log_pi, 1, 2) if turned else log_pi
            own = stage.mover == side
            worth, chosen = _stage(stage, own, payoffs, side, tables, payoffs.moves[index][side], log_pi)
            plain[index] = jnp.swapaxes(worth, -1, -2) if turned else worth
            if own:
                chosen = jnp.swapaxes(chosen, 2, 3) if turned else chosen
                found[index] = jnp.moveaxis(chosen, 0, 3).astype(given[index].dtype)
        return plain[0], (tuple(found), plain[0])

    def whole(payoffs: Payoffs, given: tuple[Array, ...], start: Array) -> tuple[tuple[Array, ...], Array]:
        _, found = jax.lax.scan(lambda value, rows: back(payoffs, value, rows), start, given, reverse=True)
        log_pi, value = found
        return log_pi, value

    return jax.jit(whole)


def answer(form: Form, payoffs: Payoffs, given: Sequence[Array], side: int) -> Answer:
    """One side's logit answer, backwards from the horizon, to strategies that it takes as given.

    Args:
        form: The game's form.
        payoffs: Payoffs in the side's own view; its precision is the side's.
        given: At the other's stages what the side thinks the other plays; at its own stages what it thinks the other
            expects of it, by which the other's belief moves. Axes round, state, p, q, type, move; log chances.
        side: 0 the coercer, 1 the target.

    Returns:
        The side's strategy beside the given one, and the worth of the crisis to its types.
    """
    nodes = given[0].shape[2]
    start = jnp.broadcast_to(payoffs.horizon[side][..., None, None], (*payoffs.horizon[side].shape, nodes, nodes))
    return Answer(*_compiled(form, side)(payoffs, tuple(given), start))
