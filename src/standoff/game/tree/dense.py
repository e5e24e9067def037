"""One look at the logit equations of a small game, end by end: the whole Jacobian at once.

The equations of `newton`, written over the ends z of the game. With l_z the log chance of the way to z, e_z = exp(l_z)
and U_iz what the mover i gets there,

    u_a = sum_(z behind a) e_z U_iz / sum_(z behind a) e_z,
    du_a / dy_c = sum_(z behind a) e_z (U_iz - u_a) ([c taken] - [set of c passed] p_c) / sum_(z behind a) e_z.

Own earlier moves drop out (perfect recall: they lie on the way to all z behind a). What is left are some dozen products
for every end, listed once for a game and summed by one `bincount`. Beside `newton` this takes half the time for up to
ninety unknowns, and it checks that one in the tests. Where chances become small, `newton` takes over: it forms
beliefs in logs. Units as there.
"""

from functools import cached_property

import numpy as np

from standoff.game.tree.blocks import cut
from standoff.game.tree.newton import RIGHT, Equations, Look, Values
from standoff.game.tree.tree import Tree

MOST = 90  # unknowns up to which a game is small; larger systems wake the threads of BLAS
MOST_PRODUCTS = 40_000  # ends times squared depth up to which it is
DEEP = -150.0  # log chance of an end below which `newton` takes over


class Dense:
    """The logit equations of a game, ready to be looked at; actions and unknowns in the order of `Layout`."""

    def __init__(self, tree: Tree, weights: np.ndarray) -> None:
        layout = tree.layout
        alive = np.isfinite(layout.chance)
        self.tree, self.weights = tree, weights
        self.path, self.chance, self.payoffs = layout.path[alive], layout.chance[alive], layout.scaled[alive]
        self.action = np.arange(len(layout.owner))
        lowest = layout.first[layout.owner]
        self.owner = np.unique(layout.owner, return_inverse=True)[1]
        self.starts = np.flatnonzero(lowest == self.action)
        self.unknown = np.flatnonzero(lowest != self.action)
        self.first, self.mover = lowest[self.unknown], layout.mover[self.unknown]
        self.weight = weights[self.mover]
        self.end, depth = np.nonzero(self.path >= 0)
        self.taken = self.path[self.end, depth]
        self.gets = self.payoffs[self.end, layout.mover[self.taken]]
        self._list(depth, layout.mover)

    @property
    def size(self) -> int:
        """Number of unknowns."""
        return len(self.unknown)

    @cached_property
    def deep(self) -> tuple[Equations, np.ndarray]:
        """The same equations block by block, and our number of each of its unknowns."""
        blocks = cut(self.tree)
        return Equations(blocks, self.weights), np.searchsorted(self.unknown, blocks.action[blocks.unknown])

    def _list(self, depth: np.ndarray, mover: np.ndarray) -> None:
        """List the products: a row (whose gain moves at an end) with a column (by which the end's chance moves)."""
        many = np.diff(np.append(self.starts, len(self.action)))[self.owner] - 1  # unknowns of an action's set
        place = np.searchsorted(self.unknown, self.action)  # of an action among unknowns; of a first one, the next
        low = np.isin(self.taken, self.starts)
        count = np.where(low, many[self.taken], 1)
        self.row = np.repeat(np.arange(len(self.taken)), count)
        self.sign = np.where(low, -1.0, 1.0)[self.row]
        row_unknown = place[self.taken][self.row] + _within(count) * low[self.row]
        count = many[self.taken]
        column = np.repeat(np.arange(len(self.taken)), count)
        lowest = self.starts[self.owner[self.taken]]
        column_unknown = place[lowest][column] + _within(count)
        self.column = self.unknown[column_unknown]
        self.chosen = (self.column == self.taken[column]).astype(float)
        ends = self.end[column]
        begin, stop = np.searchsorted(ends, self.end[self.row]), np.searchsorted(ends, self.end[self.row], "right")
        left = np.repeat(np.arange(len(self.row)), stop - begin)
        right = np.repeat(begin, stop - begin) + _within(stop - begin)
        row_at, column_at = self.row[left], column[right]
        own = mover[self.taken[row_at]] == mover[self.taken[column_at]]
        kept = ~(own & (depth[column_at] <= depth[row_at]))
        self.left, self.right = left[kept], right[kept]
        self.cell = row_unknown[self.left] * self.size + column_unknown[self.right]

    def _chances(self, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Log chance of every action and of every end."""
        odds = np.zeros(len(self.action))
        odds[self.unknown] = y
        if len(odds):
            odds -= np.maximum.reduceat(odds, self.starts).take(self.owner)
            odds -= np.log(np.add.reduceat(np.exp(odds), self.starts)).take(self.owner)
        return odds, self.chance + np.append(odds, 0.0).take(self.path).sum(1)

    def values(self, y: np.ndarray, t: float) -> Values:
        """Worth, reach and residual of a profile, without Newton's step."""
        log_p, log = self._chances(y)
        if log.min() < DEEP:
            equations, ours = self.deep
            found, blocks = equations.values(y[ours], t), equations.blocks
            worth, error, reach = np.empty(len(log_p)), np.empty(self.size), np.empty(len(self.starts))
            worth[blocks.action], error[ours] = found.worth, found.error
            reach[self.owner[blocks.action[blocks.starts]]] = found.reach
            return Values(log_p, worth, reach, found.payoffs, error)
        end = np.exp(log)
        here = end.take(self.end)
        total = np.bincount(self.taken, here, len(log_p))
        worth = np.bincount(self.taken, here * self.gets, len(log_p)) / total
        error = y - t * self.weight * (worth[self.unknown] - worth[self.first])
        return Values(log_p, worth, (np.log(total) - log_p)[self.starts], end @ self.payoffs, error)

    def look(self, y: np.ndarray, t: float, signed: bool = True) -> Look:
        """The residual, Newton's step, the tangent and (where asked for) the sign of the determinant at a point.

        Raises:
            LinAlgError: The Jacobian is exactly singular.
        """
        log_p, log = self._chances(y)
        if log.min() < DEEP:
            equations, ours = self.deep
            found = equations.look(y[ours], t, signed)
            back = np.argsort(ours)
            return Look(found.error[back], found.step[back], found.slope[back], found.sign)
        n = self.size
        share = np.exp(log).take(self.end)
        total = np.bincount(self.taken, share, len(log_p))
        share /= total.take(self.taken)
        worth = np.bincount(self.taken, share * self.gets, len(log_p))
        gain = worth.take(self.unknown) - worth.take(self.first)
        precision = t * self.weight
        error = y - precision * gain
        share *= self.gets - worth.take(self.taken)
        rows = share.take(self.row)
        rows *= self.sign
        columns = self.chosen - np.exp(log_p).take(self.column)
        products = rows.take(self.left)
        products *= columns.take(self.right)
        matrix = np.bincount(self.cell, products, n * n).astype(float, copy=False).reshape(n, n)
        matrix *= -precision[:, None]
        matrix.flat[:: n + 1] += 1.0
        right = np.empty((n, RIGHT))
        right[:, 0] = -error
        right[:, 1] = self.weight * gain
        moves = np.linalg.solve(matrix, right)
        sign = float(np.linalg.slogdet(matrix)[0]) if signed else 1.0
        return Look(error, moves[:, 0], moves[:, 1], sign)


def small(tree: Tree) -> bool:
    """Whether a game is small enough for this, and every set within reach of nature."""
    layout = tree.layout
    sets = int((layout.first >= 0).sum())
    if len(layout.owner) - sets > MOST or not len(layout.owner):
        return False
    alive = layout.path[np.isfinite(layout.chance)]
    if alive.shape[0] * alive.shape[1] ** 2 > MOST_PRODUCTS:
        return False
    return len(np.unique(alive[alive >= 0])) == len(layout.owner)


def _within(count: np.ndarray) -> np.ndarray:
    """0, 1, ... within every run of so many."""
    total = np.cumsum(count)
    within: np.ndarray = np.arange(total[-1] if len(total) else 0) - np.repeat(total - count, count)
    return within
