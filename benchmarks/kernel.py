"""The loops behind `benchmarks.loop`, compiled by numba: one function for one step of the sweep.

`locate` says where a belief falls between the nodes after a move, `read` what a table is worth there; both are compiled
into the loops. The rest is as in `benchmarks.loop`.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from benchmarks.curves import inlined, njit, row_slopes

TOLERANCE, MAX_NEWTON, STEP_LIMIT, NEAR = 1e-10, 14, 3.0, 0.05
RAMP, RAMP_TRIES, LAST_TRIES, RESTARTS = 24, 6, 40, 40
MOST_COUNT = RAMP * RAMP_TRIES + LAST_TRIES * (RESTARTS + 2)
Reader = Callable[..., Any]


class Pack(NamedTuple):
    """A form and its payoffs as flat arrays; moves that a state does not have are left out.

    State g of mover `mover[g]` has moves that go on `go[g] : go[g + 1]`, to state `to`, and moves that end the game
    `end[g] : end[g + 1]`; `column` is their place in the stage's table, `rank` their place among those that go on.
    """

    mover: np.ndarray
    go: np.ndarray
    to: np.ndarray
    go_pay: np.ndarray
    go_column: np.ndarray
    rank: np.ndarray
    end: np.ndarray
    end_pay: np.ndarray
    end_column: np.ndarray
    end_code: np.ndarray
    out: np.ndarray
    width: np.ndarray
    branch: np.ndarray
    stay: np.ndarray
    gone: np.ndarray
    flow: np.ndarray
    horizon: np.ndarray
    removed: np.ndarray
    precision: np.ndarray
    tilt: np.ndarray
    discount: float


class Grid(NamedTuple):
    """Beliefs at the nodes, tables and what is known of the point at hand.

    Tables are flat, entry of (player, plane, state, other's belief, own belief), with `plane` entries a plane; the
    first half has the coercer's belief last, the second the target's. `d` are ratios, `new` where to look next, `guess`
    where to begin. Rows of `work`: Newton's step and the cautious one (0, 1), worth to the two types (2, 3), its
    derivative (4, 5), chances (6, 7), the rank one row (8), weight of the endings (9).
    """

    belief: np.ndarray
    scale: float
    smooth: bool
    value: np.ndarray
    slope: np.ndarray
    plane: int
    d: np.ndarray
    new: np.ndarray
    guess: np.ndarray
    work: np.ndarray


class Found(NamedTuple):
    """What is kept of every round: log chances, ratios, flags, and looks at the equations by round, state and point."""

    log_pi: np.ndarray
    ratios: np.ndarray
    flagged: np.ndarray
    looks: np.ndarray


@njit
def keep(grid: Grid, plane: int, g: int, mover: int) -> None:
    """The other order, and slopes, of state g in a plane, from the table with the mover's belief last."""
    nodes = len(grid.belief)
    begin = plane * grid.plane + g * nodes * nodes
    value, half = grid.value, len(grid.value) // 2
    mine, theirs = mover * half + begin, (1 - mover) * half + begin
    for o in range(nodes):
        for k in range(nodes):
            value[theirs + k * nodes + o] = value[mine + o * nodes + k]
    if grid.smooth:
        for o in range(nodes):
            row_slopes(value, grid.slope, mine + o * nodes, nodes)
            row_slopes(value, grid.slope, theirs + o * nodes, nodes)


@inlined
def worths(locate: Reader, read: Reader, pack: Pack, grid: Grid, g: int, sharp: float, o: int, k: int) -> None:
    """Worth of the moves that go on at ratios `new`, and its derivative, times precision, in them."""
    mover, work, nodes, first = pack.mover[g], grid.work, len(grid.belief), pack.go[g]
    value, slope, plane, prior, scale = grid.value, grid.slope, grid.plane, grid.belief[k], grid.scale
    begin = mover * (len(value) // 2) + 2 * mover * plane + o * nodes
    for a in range(pack.go[g + 1] - first):
        cell, t, weight = locate(k, prior, grid.new[a], nodes, scale)
        at = begin + pack.to[first + a] * nodes * nodes + cell
        w0, g0 = read(value, slope, at, t)
        w1, g1 = read(value, slope, at + plane, t)
        work[2, a] = w0 + pack.go_pay[first + a, mover, 0]
        work[3, a] = w1 + pack.go_pay[first + a, mover, 1]
        work[4, a], work[5, a] = g0 * sharp * weight, g1 * sharp * weight


@inlined
def shares(work: np.ndarray, m: int, sharp: float) -> tuple[float, float]:
    """Chances of the moves that go on, and the log of the summed weight of all moves, by type."""
    top0, top1 = work[9, 0], work[9, 1]
    for a in range(m):
        top0, top1 = max(top0, sharp * work[2, a]), max(top1, sharp * work[3, a])
    total0, total1 = np.exp(work[9, 0] - top0), np.exp(work[9, 1] - top1)
    for a in range(m):
        work[6, a], work[7, a] = np.exp(sharp * work[2, a] - top0), np.exp(sharp * work[3, a] - top1)
        total0, total1 = total0 + work[6, a], total1 + work[7, a]
    part0, part1 = 1 / total0, 1 / total1
    for a in range(m):
        work[6, a], work[7, a] = work[6, a] * part0, work[7, a] * part1
    return np.log(total0) + top0, np.log(total1) + top1


@inlined
def look(
    locate: Reader, read: Reader, pack: Pack, grid: Grid, g: int, share: float, o: int, k: int, careful: bool
) -> tuple[float, float, float, float]:
    """The equations at ratios `new`: residual, determinant and log weights; steps from there in `work`."""
    m, work, d, new = pack.go[g + 1] - pack.go[g], grid.work, grid.d, grid.new
    sharp = pack.precision[pack.mover[g]] * share
    worths(locate, read, pack, grid, g, sharp, o, k)
    log0, log1 = shares(work, m, sharp)
    residual, bordered, product, det = 0.0, 1.0, 0.0, 1.0
    for a in range(m):
        error = new[a] - sharp * (work[3, a] - work[2, a]) + log1 - log0
        diagonal = 1 - (work[5, a] - work[4, a])
        weight = work[7, a] * work[5, a] - work[6, a] * work[4, a]
        scaled = weight / diagonal
        bordered += scaled
        product += scaled * error
        det *= diagonal
        work[0, a], work[1, a], work[8, a] = error, diagonal, weight
        residual = max(residual, abs(error)) if error == error else np.inf
    shift, damped, sum_ = product / bordered, 0.0, 1.0
    if careful:
        for a in range(m):
            safe = 1 / max(work[1, a], 1.0)
            sum_ += work[8, a] * safe
            damped += work[8, a] * safe * work[0, a]
        damped /= max(sum_, 1.0)
    for a in range(m):
        error, diagonal = work[0, a], work[1, a]
        d[a] = new[a]
        work[0, a] = (error - shift) / diagonal
        work[1, a] = 0.5 / max(diagonal, 1.0) * (error - damped) if careful else work[0, a]
    return residual, bordered * det, log0, log1


@njit
def ending(pack: Pack, grid: Grid, g: int, share: float) -> None:
    """Log of the summed weight of the moves that end the game, by type, in `work`."""
    mover = pack.mover[g]
    sharp = pack.precision[mover] * share
    for kind in range(2):
        top, total = -np.inf, 0.0
        for e in range(pack.end[g], pack.end[g + 1]):
            top = max(top, sharp * pack.end_pay[e, mover, kind])
        for e in range(pack.end[g], pack.end[g + 1]):
            total += np.exp(sharp * pack.end_pay[e, mover, kind] - top)
        grid.work[9, kind] = np.log(total) + top if total > 0 else -np.inf


@inlined
def advance(grid: Grid, m: int, careful: bool) -> None:
    """Where to look next, from d: Newton's step or the cautious one, limited in length."""
    work, bad = grid.work, careful
    for a in range(m):
        bad = bad or not np.isfinite(work[0, a])
    largest = 1e-30
    for a in range(m):
        step = work[1, a] if bad else work[0, a]
        work[0, a] = step if np.isfinite(step) else 0.0
        largest = max(largest, abs(work[0, a]))
    shrink = min(1.0, STEP_LIMIT / largest)
    for a in range(m):
        grid.new[a] = grid.d[a] - work[0, a] * shrink


@njit
def rescue(
    locate: Reader, read: Reader, pack: Pack, grid: Grid, g: int, o: int, k: int
) -> tuple[float, float, float, float, int]:
    """A stubborn point: with care from the guess, raised from precision 0, then from other starts."""
    m, first, new = pack.go[g + 1] - pack.go[g], pack.go[g], grid.new
    share, tries, restarts, count = 1.0, 0, 0, 0
    residual, det, log0, log1 = np.inf, 1.0, 0.0, 0.0
    for a in range(m):
        grid.d[a] = grid.guess[a]
    while count < MOST_COUNT and not (share >= 1 and residual <= TOLERANCE):
        before = restarts
        begin = share >= 1 and tries >= LAST_TRIES
        restarts += begin
        rise = share < 1 and (residual <= 1e-6 or tries >= RAMP_TRIES)
        share = share + 1 / RAMP if rise else share
        share = 1.0 if share > 1 - 0.5 / RAMP else share
        share = 1 / RAMP if begin and restarts == 1 else share
        if begin:
            for a in range(m):
                turn = restarts * (pack.rank[first + a] + 1.0)
                spread = (turn * 0.6180339887498949 + 0.25 * turn**2 * 0.7548776662466927) % 1.0
                new[a] = 0.0 if restarts <= 2 else (2 * spread - 1) * (1 + restarts / 6)
        elif count:
            advance(grid, m, before <= 2 and (residual > NEAR or not det > 0))
        else:
            for a in range(m):
                new[a] = grid.guess[a]
        tries = 0 if begin or rise else tries + 1
        ending(pack, grid, g, share)
        residual, det, log0, log1 = look(locate, read, pack, grid, g, share, o, k, True)
        count += 1
    ending(pack, grid, g, 1.0)
    return residual, det, log0, log1, count


@inlined
def finish(
    locate: Reader, read: Reader, pack: Pack, grid: Grid, g: int, o: int, k: int, log0: float, log1: float,
    log_pi: np.ndarray,
) -> None:  # fmt: skip
    """Strategies, and values of both players, at a point."""
    mover, first, work, nodes = pack.mover[g], pack.go[g], grid.work, len(grid.belief)
    other, sharp, width, prior = 1 - mover, pack.precision[mover], pack.width[g], grid.belief[k]
    value, slope, plane, half = grid.value, grid.slope, grid.plane, mover * (len(grid.value) // 2)
    p, q = (k, o) if mover == 0 else (o, k)
    own0 = own1 = their0 = their1 = 0.0
    b0, b1 = prior * np.exp(pack.tilt[other, 0]), prior * np.exp(pack.tilt[other, 1])
    b0, b1 = b0 / (1 - prior + b0), b1 / (1 - prior + b1)
    place = pack.out[g] * nodes * nodes + (p * nodes + q) * 2 * width
    for a in range(pack.go[g + 1] - first):
        pi0, pi1 = work[6, a], work[7, a]
        own0, own1 = own0 + pi0 * work[2, a], own1 + pi1 * work[3, a]
        cell, t, _ = locate(k, prior, grid.d[a], nodes, grid.scale)
        at = half + 2 * other * plane + (pack.to[first + a] * nodes + o) * nodes + cell
        w0, _ = read(value, slope, at, t)
        w1, _ = read(value, slope, at + plane, t)
        their0 += (b0 * pi1 + (1 - b0) * pi0) * (w0 + pack.go_pay[first + a, other, 0])
        their1 += (b1 * pi1 + (1 - b1) * pi0) * (w1 + pack.go_pay[first + a, other, 1])
        log_pi[place + pack.go_column[first + a]] = sharp * work[2, a] - log0
        log_pi[place + width + pack.go_column[first + a]] = sharp * work[3, a] - log1
    for e in range(pack.end[g], pack.end[g + 1]):
        l0, l1 = sharp * pack.end_pay[e, mover, 0] - log0, sharp * pack.end_pay[e, mover, 1] - log1
        pi0, pi1 = np.exp(l0), np.exp(l1)
        own0, own1 = own0 + pi0 * pack.end_pay[e, mover, 0], own1 + pi1 * pack.end_pay[e, mover, 1]
        their0 += (b0 * pi1 + (1 - b0) * pi0) * pack.end_pay[e, other, 0]
        their1 += (b1 * pi1 + (1 - b1) * pi0) * pack.end_pay[e, other, 1]
        log_pi[place + pack.end_column[e]], log_pi[place + width + pack.end_column[e]] = l0, l1
    at = half + (g * nodes + o) * nodes + k
    value[2 * mover * plane + at], value[(2 * mover + 1) * plane + at] = own0, own1
    value[2 * other * plane + at], value[(2 * other + 1) * plane + at] = their0, their1


@njit
def nature(pack: Pack, grid: Grid) -> None:
    """Values after the target's move: flow, removal from within, the levels of the next round."""
    first, square, value = len(pack.mover), len(grid.belief) ** 2, grid.value[len(grid.value) // 2 :]
    for s in range(len(pack.branch)):
        for i in range(4):
            to = i * grid.plane + (first + s) * square
            value[to : to + square] = pack.flow[i // 2, i % 2, s] + pack.removed[i // 2, i % 2] * pack.gone[s]
            for b in range(pack.branch.shape[1]):
                weight = pack.stay[s, b] * pack.discount
                if weight != 0.0:
                    begin = i * grid.plane + pack.branch[s, b] * square
                    for x in range(square):
                        value[to + x] += weight * value[begin + x]
            keep(grid, i, first + s, 1)


@inlined
def one_point(locate: Reader, read: Reader, pack: Pack, grid: Grid, found: Found, n: int, g: int, point: int) -> float:
    """Solve a point, write what was found, and return its residual."""
    nodes, first, m, rounds = len(grid.belief), pack.go[g], pack.go[g + 1] - pack.go[g], len(found.log_pi)
    o, k, ratios = point // nodes, point % nodes, found.ratios
    for a in range(m):
        grid.guess[a] = 0.0
        if n + 2 < rounds:
            grid.guess[a] = 2 * ratios[n + 1, first + a, point] - ratios[n + 2, first + a, point]
        elif n + 1 < rounds:
            grid.guess[a] = ratios[n + 1, first + a, point]
        grid.new[a] = grid.guess[a]
    residual, det, log0, log1 = look(locate, read, pack, grid, g, 1.0, o, k, False)
    count = 1
    while residual > TOLERANCE and count <= MAX_NEWTON:
        advance(grid, m, False)
        residual, det, log0, log1 = look(locate, read, pack, grid, g, 1.0, o, k, False)
        count += 1
    stuck = residual > TOLERANCE
    if stuck:
        residual, det, log0, log1, more = rescue(locate, read, pack, grid, g, o, k)
        count += more
    for a in range(m):
        ratios[n, first + a, point] = grid.d[a]
    found.flagged[n, g, point], found.looks[n, g, point] = stuck or not det > 0, count
    finish(locate, read, pack, grid, g, o, k, log0, log1, found.log_pi[n])
    return residual


@njit
def sweep(locate: Reader, read: Reader, pack: Pack, grid: Grid, found: Found) -> float:
    """All rounds backwards; the largest residual."""
    rounds, square, worst = len(found.log_pi), len(grid.belief) ** 2, 0.0
    for s in range(pack.horizon.shape[2]):
        for i in range(4):
            at = len(grid.value) // 2 + i * grid.plane + s * square
            grid.value[at : at + square] = pack.horizon[i // 2, i % 2, s]
    for n in range(rounds - 1, -1, -1):
        nature(pack, grid)
        for g in range(len(pack.mover) - 1, -1, -1):
            ending(pack, grid, g, 1.0)
            for point in range(square):
                worst = max(worst, one_point(locate, read, pack, grid, found, n, g, point))
            for i in range(4):
                keep(grid, i, g, pack.mover[g])
    return worst


@njit
def chances_after(pack: Pack, grid: Grid, endings: int, coup: int) -> None:
    """Chances of the endings at nature's states; `coup` is removal from within."""
    first, square, table = len(pack.mover), len(grid.belief) ** 2, grid.value[len(grid.value) // 2 :]
    for s in range(len(pack.branch)):
        for i in range(4 * endings):
            to = i * grid.plane + (first + s) * square
            table[to : to + square] = pack.gone[s] if i % endings == coup else 0.0
            for b in range(pack.branch.shape[1]):
                if pack.stay[s, b] != 0.0:
                    begin = i * grid.plane + pack.branch[s, b] * square
                    for x in range(square):
                        table[to + x] += pack.stay[s, b] * table[begin + x]
            keep(grid, i, first + s, 1)


@njit
def chances_at(
    locate: Reader, read: Reader, pack: Pack, grid: Grid, found: Found, endings: int, n: int, g: int, point: int
) -> None:
    """Chances of the endings at a point, by pair of types."""
    nodes, mover, width = len(grid.belief), pack.mover[g], pack.width[g]
    o, k, table, log_pi = point // nodes, point % nodes, grid.value, found.log_pi
    p, q = (k, o) if mover == 0 else (o, k)
    to = g * nodes * nodes + point
    for pair in range(4):
        kind = pair // 2 if mover == 0 else pair % 2
        place = pack.out[g] * nodes * nodes + ((p * nodes + q) * 2 + kind) * width
        base = mover * (len(table) // 2) + pair * endings * grid.plane
        for i in range(endings):
            table[base + i * grid.plane + to] = 0.0
        for e in range(pack.end[g], pack.end[g + 1]):
            table[base + pack.end_code[e] * grid.plane + to] += np.exp(log_pi[n, place + pack.end_column[e]])
        for a in range(pack.go[g], pack.go[g + 1]):
            chance = np.exp(log_pi[n, place + pack.go_column[a]])
            cell, t, _ = locate(k, grid.belief[k], found.ratios[n, a, point], nodes, grid.scale)
            at = (pack.to[a] * nodes + o) * nodes + cell
            for i in range(endings):
                worth, _ = read(table, grid.slope, base + i * grid.plane + at, t)
                table[base + i * grid.plane + to] += chance * worth


@njit
def propagate(
    locate: Reader, read: Reader, pack: Pack, grid: Grid, found: Found, endings: int, coup: int, last: int
) -> None:
    """Chances of the endings at the start of round 0, in `grid.value`; `last` is what the last round ends in."""
    rounds, square = len(found.log_pi), len(grid.belief) ** 2
    for s in range(pack.horizon.shape[2]):
        for pair in range(4):
            begin = (pair * endings + last) * grid.plane + s * square
            begin += len(grid.value) // 2
            grid.value[begin : begin + square] = 1.0
    for n in range(rounds - 1, -1, -1):
        chances_after(pack, grid, endings, coup)
        for g in range(len(pack.mover) - 1, -1, -1):
            for point in range(square):
                chances_at(locate, read, pack, grid, found, endings, n, g, point)
            for i in range(4 * endings):
                keep(grid, i, g, pack.mover[g])
