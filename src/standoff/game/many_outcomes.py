"""How a game with K types a side ends when both sides play its solution: exact chances, propagated backwards.

As `outcomes`, read by straight lines on the simplex, so that chances of all endings sum to one to rounding.
"""

from collections.abc import Callable
from functools import lru_cache

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from standoff.game.form import COERCER, OUTCOME, OUTCOMES, Form, Stage
from standoff.game.many import Payoffs, Solution, odds, pieces
from standoff.game.many_response import posterior
from standoff.game.simplex import Simplex, Spot, weights
from standoff.game.sweep import leads, turn


def joint(
    prior: Float[Array, "type type"], p: Float[np.ndarray, " type"], q: Float[np.ndarray, " type"]
) -> Float[np.ndarray, "type type"]:
    """Chances of the pairs of types at public beliefs about coercer and target."""
    found = np.asarray(odds(prior)) * p[:, None] * q[None]
    return np.asarray(found / found.sum())


def _stage_chances(
    stage: Stage, grid: Simplex, after: dict[int, Array], log_pi: Float[Array, "state p q type move"]
) -> Float[Array, "c t ending state other node"]:
    """Chances of endings one stage backwards, the mover's belief as last axis."""
    types, nodes, count = grid.types, grid.count, len(OUTCOMES)
    turned = jnp.transpose(log_pi, (0, 2, 1, 3, 4) if stage.mover == COERCER else (0, 1, 2, 3, 4))
    index = pieces(len(stage.states), nodes)
    points = index.shape[1] * nodes**2
    tables = {lead: jnp.moveaxis(table.reshape(types, types, count, -1), -1, 0) for lead, table in after.items()}
    with np.errstate(divide="ignore"):
        belief = jnp.tile(jnp.asarray(np.log(grid.nodes())), (1, points // nodes))
    other = jnp.asarray(np.tile(np.repeat(np.arange(nodes, dtype=np.int32), nodes), index.shape[1]))
    ends = jnp.asarray(stage.outcome[..., None] == np.arange(count), log_pi.dtype)

    def one(at: Array) -> Array:
        strategy = turned[at].reshape(points, types, -1)
        chance = jnp.exp(strategy)
        chance = chance[:, :, None] if stage.mover == COERCER else chance[:, None]
        found = jnp.zeros((points, types, types, count))
        for m in stage.ending:
            ending = jnp.repeat(ends[at, m], nodes**2, axis=0)[:, None, None]
            found = found + chance[..., m, None] * ending
        for m in stage.going:
            ratio = (strategy[:, 1:, m] - strategy[:, :1, m]).T
            x = posterior(belief, jnp.where(jnp.isfinite(ratio), ratio, 0.0)[:, None])[:, 0]
            spot = Spot(grid, x)
            to = jnp.asarray(np.maximum(stage.follow[:, m], 0), jnp.int32)[at]
            row = (jnp.repeat(to, nodes**2) * nodes + other) * nodes
            for node, weight in zip(spot.nodes, spot.weights, strict=True):
                worth = tables[stage.leads[m]].at[row + node].get(mode="promise_in_bounds")
                found = found + (chance[..., m] * weight[:, None, None])[..., None] * worth
        return found

    done = jax.lax.map(one, jnp.asarray(index)).reshape(-1, nodes, nodes, types, types, count)[: len(stage.states)]
    return jnp.transpose(done, (3, 4, 5, 0, 1, 2))


@lru_cache(maxsize=8)
def _chances_back(form: Form, grid: Simplex) -> Callable[[Payoffs, tuple[Array, ...], Array], Array]:
    def back(payoffs: Payoffs, log_pi: tuple[Array, ...], start: Array) -> Array:
        then = jnp.asarray(np.maximum(form.branch, 0))
        chance = jnp.where(jnp.asarray(form.branch >= 0), payoffs.chance, 0.0)
        stays, removed = chance * (1 - payoffs.hazard), (chance * payoffs.hazard).sum(-1)
        shape = (*start.shape[:3], len(then), *start.shape[4:])
        nature = jnp.zeros(shape).at[:, :, OUTCOME["coup"]].add(removed[None, None, :, None, None])
        for b in range(then.shape[1]):
            nature = nature + stays[None, None, None, :, b, None, None] * start[:, :, :, then[:, b]]
        plain = {form.nature: nature}
        for index in reversed(range(len(form.stages))):
            stage = form.stages[index]
            after = {lead: turn(stage, plain[lead]) for lead in leads(stage)}
            plain[index] = turn(stage, _stage_chances(stage, grid, after, log_pi[index]))
        return plain[0]

    return jax.jit(back)


def chances(solution: Solution, payoffs: Payoffs) -> Float[Array, "c t ending first p q"]:
    """Chance of every ending (`OUTCOMES`) at the start of round 0, by types of coercer and target, state and beliefs.

    Both sides play the solution (`outcomes` has the equation).
    """
    form, grid = solution.form, solution.grid
    back = _chances_back(form, grid)
    table = jnp.zeros((grid.types, grid.types, len(OUTCOMES), len(form.stages[0].states), grid.count, grid.count))
    table = table.at[:, :, OUTCOME["stalemate"]].set(1.0)
    for n in reversed(range(len(solution.value))):
        table = back(payoffs, tuple(rows[n] for rows in solution.log_pi), table)
    return table


def at_beliefs(
    table: Float[Array, "*any first p q"],
    state: int,
    p: Float[np.ndarray, " type"],
    q: Float[np.ndarray, " type"],
    grid: Simplex,
) -> Float[np.ndarray, "*any"]:
    """A table of the first stage (chances, or `Solution.value[0]`) at a state and public beliefs, piecewise linear."""
    rows = np.asarray(table)[..., state, :, :]
    return np.asarray((rows @ weights(grid, q)) @ weights(grid, p))
