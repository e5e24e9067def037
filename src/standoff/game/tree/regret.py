"""How far any strategy is from an equilibrium: the largest gain from another action at one information set.

With r(x) the chance of node x under the strategy and u(x·a) the mover's expected payoff after action a, everybody
following the strategy from there on,

    worth of a at s = Σ over x in s of r(x) u(x·a) / Σ r(x),    gain at s = max over a of worth − mean of worth.

By perfect recall the mover's own part of r(x) is the same for all x in s and cancels.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from standoff.errors import UserError
from standoff.game.tree.tree import CHANCE, Tree, action_names, set_names


@dataclass(frozen=True)
class Judged:
    """A strategy looked at: chance that each set is reached, and the gain there (nan where it is not) [set]."""

    reach: np.ndarray
    gains: np.ndarray
    payoffs: np.ndarray
    """Expected payoffs [player]."""

    @property
    def regret(self) -> float:
        """Largest gain at any set that is reached, in the mover's payoff."""
        return float(np.nanmax(self.gains, initial=0.0))


def judge(tree: Tree, chances: np.ndarray) -> Judged:
    """Reach, gains and payoffs of a strategy.

    Args:
        tree: the game.
        chances: of every action of every player, given its set [action].
    """
    parent = np.array([node.parent for node in tree.nodes])
    source = np.array([node.set for node in tree.nodes])
    branch = np.array([node.branch for node in tree.nodes])
    depth = np.zeros(len(parent), int)
    for i in range(1, len(parent)):
        depth[i] = depth[parent[i]] + 1
    first = tree.layout.first
    action = np.where(parent >= 0, first[source[parent]] + branch, -1)
    mine = (parent >= 0) & (first[source[parent]] >= 0)
    step = np.ones(len(parent))
    step[mine] = chances[action[mine]]
    for i in np.flatnonzero(~mine & (parent >= 0)).tolist():
        step[i] = float(tree.sets[source[parent[i]]].chances[branch[i]])
    levels = np.split(np.argsort(depth, kind="stable"), np.cumsum(np.bincount(depth))[:-1])
    reach, worth = np.ones(len(parent)), np.zeros((len(parent), len(tree.players)))
    worth[tree.layout.ends] = tree.layout.payoffs
    for level in levels[1:]:
        reach[level] = reach[parent[level]] * step[level]
    for level in reversed(levels[1:]):
        np.add.at(worth, parent[level], step[level, None] * worth[level])
    here = np.flatnonzero(mine)
    mover = tree.layout.mover[action[here]]
    size = len(tree.layout.owner)
    total = np.bincount(action[here], reach[parent[here]], size)
    value = np.bincount(action[here], reach[parent[here]] * worth[here, mover], size)
    return _gains(tree, chances, total, value, worth[0])


def _gains(tree: Tree, chances: np.ndarray, total: np.ndarray, value: np.ndarray, payoffs: np.ndarray) -> Judged:
    owner, sets = tree.layout.owner, len(tree.sets)
    value = np.divide(value, total, out=np.full(len(total), np.nan), where=total > 0)
    best = np.full(sets, -np.inf)
    np.fmax.at(best, owner, value)
    reach, gains = np.full(sets, np.nan), np.full(sets, np.nan)
    reach[owner] = total
    mean = np.bincount(owner, chances * np.where(total > 0, value, 0.0), sets)
    met = np.zeros(sets, bool)
    met[owner] = total > 0
    gains[met] = best[met] - mean[met]
    return Judged(reach, gains, payoffs)


def chances(tree: Tree, strategy: Mapping[str, Mapping[str, float]]) -> np.ndarray:
    """A strategy by the names of sets and actions as an array [action]; an action that is not named has chance 0.

    Raises:
        UserError: a set of a player is missing, or its chances do not sum to one.
    """
    found = np.zeros(len(tree.layout.owner))
    for s, (name, each) in enumerate(zip(set_names(tree), tree.sets, strict=True)):
        if each.player == CHANCE:
            continue
        if name not in strategy:
            raise UserError(f"The strategy says nothing of information set '{name}'. Give chances to its actions.")
        actions = action_names(each.actions)
        row = np.array([strategy[name].get(action, 0.0) for action in actions])
        if not abs(row.sum() - 1) <= 1e-9 or row.min() < 0 or set(strategy[name]) - set(actions):
            raise UserError(f"The chances at information set '{name}' do not sum to one over its actions.")
        found[tree.layout.first[s] : tree.layout.first[s] + len(row)] = row
    return found
