"""How a solved game ends when both sides play it: exact chances on the belief grid, propagated backwards.

With pi the strategy of the mover's own type, p' the public belief after a move and P the chance of an ending for a
pair of types (c, t),

    P_stage(c, t; p, q) = sum_a pi_own(a; p, q) P_next(c, t; p'(a), q),

so that no path is drawn. It holds where both sides act on one view and read each other's moves right; where they do
not, play is followed forwards (`play`). Chances between nodes are those of the monotone cubic of the solver.
"""

from collections.abc import Callable
from functools import lru_cache

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from standoff.game.board import PIECE, pieces
from standoff.game.form import COERCER, OUTCOME, OUTCOMES, Form, Payoffs, Stage
from standoff.game.interpolate import evaluate, slopes
from standoff.game.response import posterior
from standoff.game.sweep import Solution, leads, turn

Labels = tuple[Int[np.ndarray, "_state _move"], ...]
PAIRS = ((0, 0), (0, 1), (1, 0), (1, 1))
"""Types of coercer and target, 0 yielding and 1 firm, in the order of the axis `pair`."""


def plain_labels(form: Form) -> Labels:
    """Every ending under its outcome code, whatever package was pending."""
    return tuple(np.asarray(stage.outcome) for stage in form.stages)


def _stage_chances(
    stage: Stage,
    label: np.ndarray,
    count: int,
    after: dict[int, tuple[Array, Array]],
    log_pi: Float[Array, "state p q 2 move"],
) -> Float[Array, "4 ending state other node"]:
    """One stage backwards; tables have the mover's belief as last axis: [pair, ending, state, other, node].

    Inside, pairs and endings come last, so that what is read at one belief lies side by side and one set of weights
    of the cubic serves all of it.
    """
    index = pieces(len(stage.states))
    nodes = log_pi.shape[1]
    each, points = nodes * nodes, PIECE * nodes * nodes
    own = np.array([pair[stage.mover] for pair in PAIRS])
    turned = jnp.transpose(log_pi, (0, 2, 1, 3, 4) if stage.mover == COERCER else (0, 1, 2, 3, 4))
    belief = jnp.tile(jnp.linspace(0.0, 1.0, nodes), PIECE * nodes)
    other = np.tile(np.repeat(np.arange(nodes, dtype=np.int32), nodes), PIECE)
    rows = {lead: tuple(table.reshape(4 * count, -1).T for table in tables) for lead, tables in after.items()}
    given = {m: jnp.asarray(label[:, m, None] == np.arange(count), log_pi.dtype) for m in stage.ending}

    def one(at: Array) -> Array:
        strategy = turned[at].reshape(points, 2, -1)
        chance = jnp.exp(strategy)[:, own]  # point, pair, move
        found = jnp.zeros((points, 4, count), log_pi.dtype)
        for m in stage.ending:
            found = found + chance[:, :, m, None] * jnp.repeat(given[m][at], each, axis=0)[:, None]
        for m in stage.going:
            ratio = strategy[:, 1, m] - strategy[:, 0, m]
            x = posterior(belief, jnp.where(jnp.isfinite(ratio), ratio, 0.0)) * (nodes - 1)
            cell = jnp.clip(x.astype(jnp.int32), 0, nodes - 2)
            t = (x - cell.astype(x.dtype))[:, None]
            to = jnp.asarray(np.maximum(stage.follow[:, m], 0), jnp.int32)[at]
            row = (jnp.repeat(to, each) * nodes + other) * nodes + cell
            value, slope = rows[stage.leads[m]]
            worth = (
                _rows(value, row) * (1 - t) ** 2 * (1 + 2 * t) + _rows(value, row + 1) * t * t * (3 - 2 * t)
                + _rows(slope, row) * t * (1 - t) ** 2 - _rows(slope, row + 1) * t * t * (1 - t)
            )  # fmt: skip
            found = found + chance[:, :, m, None] * worth.reshape(points, 4, count)
        return found

    done = jax.lax.map(one, jnp.asarray(index)).reshape(-1, nodes, nodes, 4, count)[: len(stage.states)]
    return jnp.transpose(done, (3, 4, 0, 1, 2))


def _rows(table: Float[Array, "row plane"], row: Int[Array, " point"]) -> Float[Array, "point plane"]:
    return table.at[row].get(mode="promise_in_bounds")


Back = Callable[[Payoffs, tuple[Array, ...], Array, tuple[Array, ...]], Array]


@lru_cache(maxsize=8)
def _compiled(form: Form, key: tuple[bytes, ...], count: int) -> Back:
    labels = tuple(
        np.frombuffer(raw, np.int64).reshape(stage.mask.shape) for raw, stage in zip(key, form.stages, strict=True)
    )

    def back(payoffs: Payoffs, log_pi: tuple[Array, ...], start: Array, stop: tuple[Array, ...]) -> Array:
        then = jnp.asarray(np.maximum(form.branch, 0))
        chance = jnp.where(jnp.asarray(form.branch >= 0), payoffs.chance, 0.0)
        stays = chance * (1 - payoffs.hazard)
        shape = (*start.shape[:2], len(then), *start.shape[3:])
        removed = (chance * payoffs.hazard).sum(-1)[None, :, None, None]
        nature = jnp.zeros(shape).at[:, OUTCOME["coup"]].set(jnp.broadcast_to(removed, (4, *shape[2:])))
        for b in range(then.shape[1]):
            nature = nature + stays[None, None, :, b, None, None] * start[:, :, then[:, b]]
        plain = {form.nature: nature}
        for index in reversed(range(len(form.stages))):
            stage = form.stages[index]
            after = {lead: (table := turn(stage, plain[lead]), slopes(table)) for lead in leads(stage)}
            found = _stage_chances(stage, labels[index], count, after, log_pi[index].astype(start.dtype))
            plain[index] = turn(stage, found)
            if stop:
                stopped = jnp.arange(count)[:, None, None, None] == count - 1
                plain[index] = jnp.where(stop[index][None, None], stopped[None].astype(start.dtype), plain[index])
        return plain[0]

    return jax.jit(jax.checkpoint(back))


def chances(
    solution: Solution,
    payoffs: Payoffs,
    *,
    labels: Labels | None = None,
    count: int = len(OUTCOMES),
    log_pi: tuple[Float[Array, "round _state p q 2 _move"], ...] | None = None,
    stop: tuple[Bool[Array, "round _state p q"], ...] = (),
) -> Float[Array, "4 ending first p q"]:
    """Chance of every ending at the start of round 0, by pair of types, first state and public beliefs.

    `labels[stage][state, move]` tells the endings apart, -1 where the game goes on, `count` of them in all; by
    default they are `OUTCOMES`. Removal from within and the end of the last round keep their codes there. `log_pi`
    stands in for the solution's, to be differentiated. With `stop`, play that comes to a point marked there ends at
    once, in one ending more, the last; with `Solution.flagged` it is the chance of ever coming to a flagged point.
    """
    form, nodes = solution.form, solution.nodes
    labels = plain_labels(form) if labels is None else labels
    count += bool(stop)
    back = _compiled(form, tuple(np.asarray(rows, np.int64).tobytes() for rows in labels), count)
    table = jnp.zeros((4, count, len(form.stages[0].states), nodes, nodes))
    table = table.at[:, OUTCOME["stalemate"]].set(1.0)
    strategies = solution.log_pi if log_pi is None else log_pi
    for n in reversed(range(strategies[0].shape[0])):
        table = back(payoffs, tuple(rows[n] for rows in strategies), table, tuple(rows[n] for rows in stop))
    return table


def at_beliefs(
    table: Float[Array, "*any first p q"], state: int, p: float | Array, q: float | Array
) -> Float[Array, "*any"]:
    """A table of the first stage at a state and at public beliefs: monotone cubic in q, then in p."""
    rows = table[..., state, :, :]
    along_q, _ = evaluate(rows, slopes(rows), jnp.full((*rows.shape[:-1], 1), q))
    column = along_q[..., 0]
    found, _ = evaluate(column, slopes(column), jnp.full((*column.shape[:-1], 1), p))
    return found[..., 0]


def joint(p: float, q: float, tilt: Float[Array, "2 2"] | np.ndarray) -> np.ndarray:
    """Chances of the pairs of types from the marginals and the coercer's tilted odds about the target [pair].

    `tilt[0, c]` shifts the log-odds of a firm target for a coercer of type c (`Payoffs.tilt`).
    """
    odds = q * np.exp(np.asarray(tilt)[0])
    firm = odds / (1 - q + odds)
    return np.array([(1 - p) * (1 - firm[0]), (1 - p) * firm[0], p * (1 - firm[1]), p * firm[1]])
