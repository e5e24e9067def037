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
from jaxtyping import Array, Float, Int

from standoff.game.form import COERCER, OUTCOME, OUTCOMES, Form, Payoffs, Stage
from standoff.game.interpolate import along, evaluate, slopes
from standoff.game.response import posterior
from standoff.game.sweep import PIECE, Solution, pieces

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
    """One stage backwards; tables have the mover's belief as last axis: [pair, ending, state, other, node]."""
    index = pieces(len(stage.states))
    nodes = log_pi.shape[1]
    points = PIECE * nodes * nodes
    own = np.array([pair[stage.mover] for pair in PAIRS])
    turned = jnp.transpose(log_pi, (0, 2, 1, 3, 4) if stage.mover == COERCER else (0, 1, 2, 3, 4))
    belief = jnp.tile(jnp.linspace(0.0, 1.0, nodes), PIECE * nodes)
    rows = np.arange(4 * count * PIECE * nodes, dtype=np.int32).reshape(4 * count, PIECE * nodes) * nodes
    base = jnp.asarray(np.repeat(rows, nodes, axis=-1))
    given = jnp.asarray(np.stack([label == k for k in range(count)]), log_pi.dtype)

    def one(at: Array) -> Array:
        strategy = turned[at].reshape(points, 2, -1)
        chance = jnp.exp(strategy)[:, own]  # point, pair, move
        ends = jnp.repeat(given[:, at], nodes * nodes, axis=1)  # ending, point, move
        found = (chance.transpose(1, 0, 2)[:, None] * ends[None]).sum(-1)
        for m in stage.going:
            ratio = strategy[:, 1, m] - strategy[:, 0, m]
            then = posterior(belief, jnp.where(jnp.isfinite(ratio), ratio, 0.0))
            table, slope = after[stage.leads[m]]
            to = jnp.asarray(np.maximum(stage.follow[:, m], 0))[at]
            spread = jnp.broadcast_to(then[None], base.shape)
            worth, _ = along(table[:, :, to].reshape(-1), slope[:, :, to].reshape(-1), base, spread, nodes)
            found = found + chance[:, :, m].T[:, None] * worth.reshape(4, count, points)
        return found

    done = jax.lax.map(one, jnp.asarray(index)).reshape(len(index), 4, count, PIECE, nodes, nodes)
    done = jnp.moveaxis(done, 0, 2).reshape(4, count, -1, nodes, nodes)
    return done[:, :, : len(stage.states)]


Back = Callable[[Payoffs, tuple[Array, ...], Array], Array]


@lru_cache(maxsize=8)
def _compiled(form: Form, key: tuple[bytes, ...], count: int) -> Back:
    labels = tuple(
        np.frombuffer(raw, np.int64).reshape(stage.mask.shape) for raw, stage in zip(key, form.stages, strict=True)
    )

    def back(payoffs: Payoffs, log_pi: tuple[Array, ...], start: Array) -> Array:
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
            last = (lambda a: jnp.swapaxes(a, -1, -2)) if stage.mover == COERCER else (lambda a: a)
            after = {}
            for lead in sorted({stage.leads[m] for m in stage.going}):
                table = last(plain[lead])
                after[lead] = (table, slopes(table))
            found = _stage_chances(stage, labels[index], count, after, log_pi[index].astype(start.dtype))
            plain[index] = last(found)
        return plain[0]

    return jax.jit(jax.checkpoint(back))


def chances(
    solution: Solution,
    payoffs: Payoffs,
    *,
    labels: Labels | None = None,
    count: int = len(OUTCOMES),
    log_pi: tuple[Float[Array, "round _state p q 2 _move"], ...] | None = None,
) -> Float[Array, "4 ending first p q"]:
    """Chance of every ending at the start of round 0, by pair of types, first state and public beliefs.

    `labels[stage][state, move]` tells the endings apart, -1 where the game goes on, `count` of them in all; by
    default they are `OUTCOMES`. Removal from within and the end of the last round keep their codes there. `log_pi`
    stands in for the solution's, to be differentiated.
    """
    form, nodes = solution.form, solution.nodes
    labels = plain_labels(form) if labels is None else labels
    back = _compiled(form, tuple(np.asarray(rows, np.int64).tobytes() for rows in labels), count)
    table = jnp.zeros((4, count, len(form.stages[0].states), nodes, nodes))
    table = table.at[:, OUTCOME["stalemate"]].set(1.0)
    strategies = solution.log_pi if log_pi is None else log_pi
    for n in reversed(range(strategies[0].shape[0])):
        table = back(payoffs, tuple(rows[n] for rows in strategies), table)
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


def joint(p: float, q: float, tilt: Float[Array, "2 2"]) -> np.ndarray:
    """Chances of the pairs of types from the marginals and the coercer's tilted odds about the target [pair].

    `tilt[0, c]` shifts the log-odds of a firm target for a coercer of type c (`Payoffs.tilt`).
    """
    odds = q * np.exp(np.asarray(tilt)[0])
    firm = odds / (1 - q + odds)
    return np.array([(1 - p) * (1 - firm[0]), (1 - p) * firm[0], p * (1 - firm[1]), p * firm[1]])
