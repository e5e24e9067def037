"""The same sweep as `standoff.game.sweep` as one plain loop, compiled by numba: the bound to compare with.

Equations, grid, interpolation, warm starts, tolerances and the rescue of stubborn points are those of
`standoff.game`, written anew, point by point, on one thread: a move that a state does not have costs nothing, a point
that has settled is left at once, nothing is allocated inside. `Curve` says how a grid is laid out and read between
its nodes, so that other grids can be compared by the same loop (`benchmarks.interpolation`).

Tables are [plane, state, other's belief, own belief], states numbered through the stages and nature's at the end;
they are kept twice, with the coercer's belief last (0) and with the target's (1). A *plane* is a player and its type
for values, a pair of types and an ending for chances. Needs numba (`make bench`).
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from benchmarks.curves import locate_cubic, locate_log_odds, read_cubic, read_linear
from benchmarks.kernel import Found, Grid, Pack, propagate, sweep

from standoff.game.form import OUTCOME, OUTCOMES, Form, Payoffs


@dataclass(frozen=True)
class Curve:
    """A grid of beliefs: the belief at its nodes, and the two compiled functions that read tables between them."""

    name: str
    belief: np.ndarray
    locate: Callable[..., Any]
    read: Callable[..., Any]
    smooth: bool
    scale: float


@dataclass(frozen=True, eq=False)
class Looped:
    """What the loop found; `found` is flat over states and moves, `grid` holds the values of round 0."""

    pack: Pack
    found: Found
    grid: Grid
    residual: float
    seconds: float


def cubic(nodes: int) -> Curve:
    """Nodes evenly spaced in probability, monotone cubic between them: the solver's own."""
    return Curve("probability, cubic", np.linspace(0.0, 1.0, nodes), locate_cubic, read_cubic, True, 0.0)


def log_odds(nodes: int, reach: float) -> Curve:
    """Nodes evenly spaced in log-odds from -reach to reach, linear between them, constant beyond."""
    at = np.linspace(-reach, reach, nodes)
    return Curve(
        "log-odds, linear", 1 / (1 + np.exp(-at)), locate_log_odds, read_linear, False, (nodes - 1) / (2 * reach)
    )


def pack_up(form: Form, payoffs: Payoffs) -> Pack:
    """A game as the loop wants it."""
    begin = np.cumsum([0, *(len(stage.states) for stage in form.stages)])
    mover: list[int] = []
    go, end, out, width = [0], [0], [0], []
    moves: list[tuple[Any, ...]] = []
    ends: list[tuple[Any, ...]] = []
    for stage, pay in zip(form.stages, map(np.asarray, payoffs.moves), strict=True):
        for s in range(len(stage.states)):
            for m, lead in enumerate(stage.leads):
                if stage.mask[s, m] and lead >= 0:
                    moves.append((begin[lead] + stage.follow[s, m], pay[:, :, s, m], m, stage.going.index(m)))
                elif stage.mask[s, m]:
                    ends.append((pay[:, :, s, m], m, stage.outcome[s, m]))
            mover.append(stage.mover)
            go.append(len(moves))
            end.append(len(ends))
            width.append(len(stage.moves))
            out.append(out[-1] + 2 * len(stage.moves))
    chance, hazard = np.where(form.branch >= 0, np.asarray(payoffs.chance), 0.0), np.asarray(payoffs.hazard)

    def whole(values: Sequence[Any] | np.ndarray) -> np.ndarray:
        return np.array(values, np.int64)

    def table(values: Sequence[Any], *shape: int) -> np.ndarray:
        return np.ascontiguousarray(np.array(values, float).reshape(-1, *shape))

    return Pack(
        whole(mover), whole(go), whole([x[0] for x in moves]), table([x[1] for x in moves], 2, 2),
        whole([x[2] for x in moves]), whole([x[3] for x in moves]), whole(end), table([x[0] for x in ends], 2, 2),
        whole([x[1] for x in ends]), whole([x[2] for x in ends]), whole(out), whole(width),
        whole(np.maximum(form.branch, 0)), chance * (1 - hazard), (chance * hazard).sum(-1),
        np.asarray(payoffs.flow, float), np.asarray(payoffs.horizon, float), np.asarray(payoffs.removed, float),
        np.asarray(payoffs.precision, float), np.asarray(payoffs.tilt, float), float(payoffs.discount),
    )  # fmt: skip


def _grid(pack: Pack, curve: Curve, planes: int) -> Grid:
    """Tables for so many planes, and room for one point."""
    nodes, states = len(curve.belief), len(pack.mover) + len(pack.branch)
    most = max(2, int(np.diff(pack.go).max()))
    plane = states * nodes**2
    value, slope = np.zeros((2, 2 * planes * plane))
    d, new, guess = np.empty((3, most))
    return Grid(curve.belief, curve.scale, curve.smooth, value, slope, plane, d, new, guess, np.empty((10, most)))


def run(pack: Pack, rounds: int, curve: Curve) -> Looped:
    """Solve a game; `seconds` is the CPU time of the loop with what it writes, without packing."""
    start = time.process_time()
    nodes, states = len(curve.belief), len(pack.mover)
    grid = _grid(pack, curve, 4)
    found = Found(
        np.full((rounds, int(pack.out[-1]) * nodes**2), -np.inf, np.float32),
        np.empty((rounds, len(pack.to), nodes**2)),
        np.empty((rounds, states, nodes**2), bool),
        np.empty((rounds, states, nodes**2), np.int32),
    )
    residual = sweep(curve.locate, curve.read, pack, grid, found)
    return Looped(pack, found, grid, residual, time.process_time() - start)


def endings(solved: Looped, curve: Curve) -> np.ndarray:
    """Chances of `OUTCOMES` at the start of round 0: axes pair, ending, first state, p, q."""
    pack, nodes, count = solved.pack, len(curve.belief), len(OUTCOMES)
    grid = _grid(pack, curve, 4 * count)
    propagate(
        curve.locate, curve.read, pack, grid, solved.found, count, OUTCOME["coup"], OUTCOME["stalemate"]
    )  # fmt: skip
    return grid.value.reshape(2, 4, count, -1, nodes, nodes)[1, :, :, : pack.horizon.shape[2]]


def stages_of(form: Form, solved: Looped) -> list[np.ndarray]:
    """Log chances by stage as the solver has them: axes round, state, p, q, type, move."""
    nodes, flat, done = len(solved.grid.belief), solved.found.log_pi, 0
    tables = []
    for stage in form.stages:
        shape = (len(stage.states), nodes, nodes, 2, len(stage.moves))
        size = int(np.prod(shape))
        tables.append(flat[:, done : done + size].reshape(len(flat), *shape))
        done += size
    return tables
