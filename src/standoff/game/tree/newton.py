"""One look at the logit equations of a whole game: values, residuals and Newton's step, block by block.

Unknown are the log-odds y_a of every action a against the first action b of its set. With lambda = t w_i for the
mover i (w: `weights`),

    f_a(y, t) = y_a - t w_i (u_a - u_b),        u_a = sum_z w_az U_iz,        w_az = exp(l_z) / sum_z exp(l_z)

over the exits z of the block behind a; l_z = r + sum of log p on the way is the log reach of z (r: of the entry), so
that beliefs are formed in logs and exist off the path. U_z is the payoff at an end and the worth v of the entry of
the block below. Then

    du_a = sum_z w_az [(U_iz - u_a) dl_z + dU_iz],     dl_z = dr + sum_c (chosen - passed p_c) dy_c,     dv = A dr + b.

From the bottom up each block solves for its own dy as K dr + k, which turns dv of its entries into A dr + b; from the
top down dr is put in (block elimination on the public tree, exact). The determinant of the whole Jacobian is the
product of the blocks'. Two right sides are carried: -f (Newton) and w (u_a - u_b) (the tangent dy/dt).
Units: y, f, l in log-odds; U, u in `Layout.unit` of the player, from `Layout.middle`; t w per such a unit.

McKelvey & Palfrey (1998), Experimental Economics 1, 9-41 (agent form); Turocy (2010), Economic Theory 42, 255-269.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, runtime_checkable

import numpy as np

from standoff.game.tree.blocks import Blocks, Group

DEEP = -250.0  # below this log reach, relative to the block's largest, every set gets a scale of its own
RIGHT = 2  # right sides: Newton and tangent


@dataclass(frozen=True)
class Look:
    """The equations at a point. Axes: `unknown` and `action` in the order of `Blocks`."""

    error: np.ndarray  # f [unknown]
    step: np.ndarray  # -J^-1 f [unknown]
    slope: np.ndarray  # dy/dt on the curve f = const [unknown]
    sign: float  # of the determinant of J


@dataclass(frozen=True)
class Values:
    """What a profile is worth. Axes: `action` in the order of `Blocks`."""

    log_p: np.ndarray  # [action]
    worth: np.ndarray  # of the action to its mover, given its set [action]
    reach: np.ndarray  # log chance of the set [set]
    payoffs: np.ndarray  # expected, at the root [player]
    error: np.ndarray  # f [unknown]


@dataclass
class _Local:
    """A group at a point: entry reach (largest is 0), exits, beliefs, worth of actions and entries."""

    scale: np.ndarray  # what was taken off the log reach [block]
    log: np.ndarray  # log reach of exits [block, exit]
    p: np.ndarray  # [block, action]
    share: np.ndarray  # w, actions then entries [block, action + entry, exit]
    worth: np.ndarray  # of those, for each player [block, action + entry, player]


@runtime_checkable
class System(Protocol):
    """The logit equations of a game, however they are evaluated."""

    action: np.ndarray  # number in `Layout` of every action [action]
    starts: np.ndarray  # where each set begins among the actions [set]
    weight: np.ndarray  # w of the mover [unknown]
    mover: np.ndarray  # player [unknown]

    @property
    def size(self) -> int:
        """Number of unknowns."""

    def values(self, y: np.ndarray, t: float) -> Values:
        """Worth, reach and residual of a profile, without Newton's step."""

    def look(self, y: np.ndarray, t: float, signed: bool = True) -> Look:
        """The residual, Newton's step, the tangent and (where asked for) the sign of the determinant at a point."""


class Equations:
    """The logit equations of a game, block by block."""

    def __init__(self, blocks: Blocks, weights: np.ndarray) -> None:
        self.blocks = blocks
        self.players = blocks.payoffs.shape[1]
        self.action, self.starts = blocks.action, blocks.starts
        self.mover, self.weight = blocks.mover, weights[blocks.mover]
        self.mask = [_mask(group) for group in blocks.groups]
        self.hidden = [np.where(mask > 0, 0.0, -np.inf) for mask in self.mask]
        self.behind = [mask[len(group.taken) :].T for mask, group in zip(self.mask, blocks.groups, strict=True)]
        self.eye = [np.eye(len(group.high)) for group in blocks.groups]
        self.count = [np.arange(len(group.high)) for group in blocks.groups]
        self.action_player = np.zeros(len(blocks.action), int)
        self.action_player[blocks.unknown] = blocks.mover
        first = blocks.starts[blocks.owner[blocks.unknown]]
        self.action_player[first] = blocks.mover
        self.first = first

    @cached_property
    def size(self) -> int:
        """Number of unknowns."""
        return len(self.blocks.unknown)

    def log_p(self, y: np.ndarray) -> np.ndarray:
        """Log chance of every action from log-odds."""
        blocks = self.blocks
        odds = np.zeros(len(blocks.action))
        odds[blocks.unknown] = y
        if not len(odds):
            return odds
        odds -= np.maximum.reduceat(odds, blocks.starts)[blocks.owner]
        odds -= np.log(np.add.reduceat(np.exp(odds), blocks.starts))[blocks.owner]
        return odds

    def _down(self, y: np.ndarray) -> list[_Local]:
        """Log reach from the top down."""
        log_p = self.log_p(y)
        exits = np.empty(len(self.blocks.payoffs))
        found: list[_Local] = []
        for group in self.blocks.groups:
            own = log_p[group.actions].reshape(group.count, -1)
            reach = exits.take(group.source) if found else np.zeros((1, group.entries))
            scale = reach.max(1)
            log = (reach - scale[:, None]).take(group.entry, 1)
            log += group.chance
            log += own @ group.taken
            exits[group.exits] = log.ravel()
            found.append(_Local(scale, log, np.exp(own), log, log))
        return found

    def _up(self, at: int, here: _Local, worth: np.ndarray) -> np.ndarray:
        """Beliefs and worth of a group from those of what lies below; returns the worth of its exits."""
        group, log = self.blocks.groups[at], here.log
        if log.min() > DEEP:
            reach = np.exp(log)
            share = reach[:, None, :] * self.mask[at]
            share /= (reach @ self.mask[at].T)[..., None]
        else:
            hidden = log[:, None, :] + self.hidden[at]
            share = np.exp(hidden - hidden.max(-1, keepdims=True))
            share /= share.sum(-1, keepdims=True)
        after = worth[group.exits].reshape(group.count, -1, self.players)
        here.share, here.worth = share, share @ after
        if at:
            worth[group.source] = here.worth[:, -group.entries :]
        return after

    def values(self, y: np.ndarray, t: float) -> Values:
        """Worth, reach and residual of a profile, without Newton's step."""
        blocks = self.blocks
        found, after = self._down(y), blocks.payoffs.copy()
        log_p, scale = self.log_p(y), np.zeros(len(blocks.payoffs))
        worth, reach = np.empty(len(blocks.action)), np.empty(len(blocks.action))
        root = np.zeros(self.players)
        for at in reversed(range(len(found))):
            group, here = blocks.groups[at], found[at]
            self._up(at, here, after)
            many = group.taken.shape[0]
            who = self.action_player[group.actions].reshape(group.count, many)
            worth[group.actions] = np.take_along_axis(here.worth[:, :many], who[..., None], 2)[..., 0].ravel()
            if at == 0:
                root = here.worth[0, -1]
        for group, here, closed in zip(blocks.groups, found, self.hidden, strict=True):
            above = scale[group.source[:, 0]] if group.source[0, 0] >= 0 else np.zeros(1)
            total = above + here.scale
            scale[group.exits] = np.repeat(total, here.log.shape[1])
            hidden = here.log[:, None, :] + closed[: group.taken.shape[0]]
            top = hidden.max(-1, keepdims=True) if hidden.size else np.zeros((group.count, 0, 1))
            log = np.log(np.exp(hidden - top).sum(-1)) + top[..., 0] + total[:, None]
            reach[group.actions] = log.ravel()
        error = y - t * self.weight * (worth[blocks.unknown] - worth[self.first])
        return Values(log_p, worth, (reach - log_p)[blocks.starts], root, error)

    def look(self, y: np.ndarray, t: float, signed: bool = True) -> Look:
        """The residual, Newton's step, the tangent and (where asked for) the sign of the determinant at a point.

        Raises:
            LinAlgError: The Jacobian of some block is exactly singular.
        """
        blocks = self.blocks
        found, after = self._down(y), blocks.payoffs.copy()
        constant = np.empty((len(blocks.payoffs), RIGHT * self.players))
        stores = {m: np.empty((many, m, self.players * m)) for m, many in blocks.stores.items()}
        precision, error = t * self.weight, np.empty(self.size)
        parts, sign = [], 1.0
        for at in reversed(range(len(found))):
            group, here = blocks.groups[at], found[at]
            n, e, own = len(group.high), group.entries, group.unknowns
            exits = self._up(at, here, after)
            way = np.empty((group.count, len(group.entry), n + e))
            np.multiply(group.passed, -here.p.take(group.high, 1)[:, None], out=way[..., :n])
            way[..., :n] += group.chosen
            way[..., n:] = self.behind[at]
            gain, moved, given = self._slopes(at, here, exits, way, stores, constant)
            sharp = precision[own].reshape(group.count, n, 1)
            error[own] = y[own] - precision[own] * gain.ravel()
            top = moved[:, :n] * sharp
            matrix = self.eye[at] - top[..., :n]
            right = np.empty((group.count, n, e + RIGHT))
            right[..., :e] = top[..., n:]
            np.multiply(given[:, :n], sharp, out=right[..., e:])
            right[..., e] -= error[own].reshape(group.count, n)
            right[..., e + 1] += self.weight[own].reshape(group.count, n) * gain
            solved = right / matrix if n == 1 else np.linalg.solve(matrix, right)
            if signed:
                sign *= float(np.prod(np.sign(matrix) if n == 1 else np.linalg.slogdet(matrix)[0]))
            if at:
                change = moved[:, n:, :n] @ solved
                change[..., :e] += moved[:, n:, n:]
                change[..., e:] += given[:, n:]
                stores[e][group.row] = change[..., :e].reshape(group.count, e, -1)
                constant[group.source] = change[..., e:].reshape(group.count, e, -1)
            parts.append((way, solved))
        parts.reverse()
        moves = self._substitute(parts)
        return Look(error, moves[:, 0], moves[:, 1], sign)

    def _slopes(self, at: int, here: _Local, exits: np.ndarray, way: np.ndarray, stores: dict[int, np.ndarray],
                constant: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
        """What moves the gains u_a - u_b of a group's unknowns and the worth of its entries.

        Returns the gains [block, unknown], and for both, gains first: derivatives in the block's own unknowns and
        entry reach, and what comes from below whatever these do, by right side. Stores hold A of blocks below as
        [block, entry, player x entry], `constant` b as [exit, player x right side].
        """
        group, players = self.blocks.groups[at], self.players
        n, high, low, player, many = len(group.high), group.high, group.low, group.player, group.count
        e = group.entries if at else 0
        first, second = here.share.take(high, 1), here.share.take(low, 1)
        worth, transposed = here.worth.reshape(many, -1), exits.transpose(0, 2, 1)
        much, little = worth.take(high * players + player, 1), worth.take(low * players + player, 1)
        weight = np.empty((many, n + e, exits.shape[1]))
        slope = np.empty((many, n + e * players, exits.shape[1]))
        np.subtract(first, second, out=weight[:, :n])
        first *= much[..., None]
        second *= little[..., None]
        np.multiply(weight[:, :n], transposed.take(player, 1), out=slope[:, :n])
        slope[:, :n] -= first
        slope[:, :n] += second
        if e:
            weight[:, n:] = here.share[:, -e:]
            beyond = transposed[:, None] - here.worth[:, -e:, :, None]
            beyond *= weight[:, n:, None]
            slope[:, n:] = beyond.reshape(many, e * players, -1)
        for slot in group.slots:
            width, span = slot.many * slot.entries, slice(slot.start, slot.stop)
            part = weight[:, :, span].reshape(many, -1, slot.many, slot.entries).transpose(0, 2, 1, 3)
            passed = part @ stores[slot.entries].take(slot.children, 0)
            passed = passed.reshape(many, slot.many, -1, players, slot.entries).transpose(0, 2, 3, 1, 4)
            slope[:, :n, span] += passed[:, self.count[at], player].reshape(many, n, width)
            slope[:, n:, span] += passed[:, n:].reshape(many, e * players, width)
        given = np.zeros((many, n + e * players, RIGHT))
        if end := group.below:
            below = constant[group.exits].reshape(many, -1, players * RIGHT)[:, :end]
            passed = (weight[..., :end] @ below).reshape(many, -1, players, RIGHT)
            given[:, :n] = passed[:, self.count[at], player]
            given[:, n:] = passed[:, n:].reshape(many, e * players, RIGHT)
        return much - little, slope @ way, given

    def _substitute(self, parts: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
        """Moves of all unknowns [unknown, right side], from the top down."""
        blocks = self.blocks
        moves, change = np.empty((self.size, RIGHT)), np.empty((len(blocks.payoffs), RIGHT))
        for at, (group, (way, solved)) in enumerate(zip(blocks.groups, parts, strict=True)):
            e = group.entries
            enter = change.take(group.source, 0) if at else np.zeros((1, e, RIGHT))
            move = solved[..., e:] + solved[..., :e] @ enter if at else solved[..., e:]
            moves[group.unknowns] = move.reshape(-1, RIGHT)
            if group.slots:
                both = np.concatenate((move, enter), 1)
                change[group.exits].reshape(group.count, -1, RIGHT)[:, : group.below] = way[:, : group.below] @ both
        return moves


def _mask(group: Group) -> np.ndarray:
    """1.0 where the exit lies behind the action, or the entry: actions, then entries [action + entry, exit]."""
    return np.concatenate((group.taken, (np.arange(group.entries)[:, None] == group.entry).astype(float)))
