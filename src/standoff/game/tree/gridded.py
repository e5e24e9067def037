"""What the grid solver plays at the information sets of the same game written out as a tree.

Along every public history both public beliefs are updated by Bayes with the grid's own strategies, and the strategies
are looked up there: what a grid too coarse does to a game shows as a difference from the tree's own solution.
"""

import jax
import jax.numpy as jnp
import numpy as np

from standoff.game.lookup import lookup
from standoff.game.response import posterior
from standoff.game.sweep import Solution
from standoff.game.tree.unroll import Game, Turn, label, turns

BATCH = 64
"""Histories looked up at once; a fixed number, so that one compiled function serves all."""

_lookup = jax.jit(lookup)


def gridded(game: Game, solution: Solution) -> dict[str, dict[str, float]]:
    """Chance of every action of the tree's information sets, by label, as the grid's solution plays there.

    Args:
        game: what the tree is unrolled from (`unroll.unroll` with the same parts).
        solution: its solution on the grid, for as many rounds.

    Returns:
        As `Point.strategy` of the tree's own solution.
    """
    every = list(turns(game))
    belief = np.empty((len(every), 2))
    log_pi: list[np.ndarray] = [np.empty(0)] * len(every)
    order = sorted(range(len(every)), key=lambda i: (every[i].round, every[i].stage))
    at = 0
    while at < len(order):
        first = every[order[at]]
        here = [i for i in order[at:] if (every[i].round, every[i].stage) == (first.round, first.stage)]
        at += len(here)
        for i in here:
            belief[i] = _belief(game, every, belief, log_pi, every[i])
        for i, row in zip(
            here, _strategies(solution, first, [every[i].state for i in here], belief[here]), strict=True
        ):
            log_pi[i] = row
    found = {}
    for turn, row in zip(every, log_pi, strict=True):
        stage = game.form.stages[turn.stage]
        open_ = [m for m in range(len(stage.moves)) if stage.mask[turn.state, m]]
        for kind in range(2):
            chances = np.exp(row[kind, open_])
            total = float(chances.sum())
            found[label(game, turn, kind)] = {
                stage.moves[m]: float(c) / total for m, c in zip(open_, chances, strict=True)
            }
    return found


def _belief(game: Game, every: list[Turn], belief: np.ndarray, log_pi: list[np.ndarray], turn: Turn) -> np.ndarray:
    """Both public beliefs at a turn, from those at the turn before."""
    if turn.parent < 0:
        return np.array(game.prior)
    mover = game.form.stages[every[turn.parent].stage].mover
    found: np.ndarray = belief[turn.parent].copy()
    row = log_pi[turn.parent][:, turn.move]
    found[mover] = float(posterior(jnp.asarray(found[mover]), jnp.asarray(row[1] - row[0])))
    return found


def _strategies(solution: Solution, turn: Turn, states: list[int], belief: np.ndarray) -> np.ndarray:
    """Log chances of the moves: axes history, type, move."""
    found = []
    for start in range(0, len(states), BATCH):
        part = np.minimum(np.arange(start, start + BATCH), len(states) - 1)
        p, q = (jnp.asarray(belief[part, axis]) for axis in range(2))
        state = jnp.asarray(np.array(states)[part], jnp.int32)
        found.append(np.asarray(_lookup(solution.log_pi[turn.stage], jnp.asarray(turn.round, jnp.int32), state, p, q)))
    return np.concatenate(found)[: len(states)]
