"""Every equilibrium of the crisis-signaling game, by narrowing intervals, so that none is lost and none invented.

With the unknown t = Φ⁻¹(p_R), an equilibrium is a root of f(t) = g(t) − t, g being B's best reply
(`signaling.reply`). g is monotone. Where it does not rise there is one root. Where it rises, all roots lie between
its limits, and an interval [l, u] is treated as follows (interval Newton: Moore, Kearfott & Cloud 2009, Introduction
to Interval Analysis, ch. 8).

1. The slope is |V_B − C_B| r |d log r/dc| |dc/dt|, where d log r/dc is the difference of the hazards of F and B at c.
   Each of r, both hazards and dc/dt is monotone in t, so their ends bound the slope on the interval: m ≤ g' ≤ M.
2. From an end at which f is not 0 no root is nearer than |f| / |slope − 1| at its fastest: the end moves inward by
   that. If the ends cross there is no root.
3. If M < 1 or m > 1, f is monotone: the signs at the ends say whether there is one root or none.
4. Otherwise the interval is cut in two.

Roots that are alone in their interval are polished by Newton steps that may not leave it. Intervals that rounding
forbids to decide hold roots closer than about 1e-7 to each other, or one that touches: they are told as one root
`on_edge`.

Stable means stable under best response: |d reply of p_R / d p_R| < 1, which at a root is |g'|. If S_A > V_A, W_A < a
and V_B < C_B, "no challenge, no resistance" also holds (`corner`): the rarer a challenge, the surer is a bluff, and
B's best reply to bluffs is to resist even less... in the limit p_F → 0 B concedes for certain, and A does not
challenge. Interior roots are then 0 or 2, where otherwise they are odd.
"""

from collections.abc import Callable
from dataclasses import dataclass

import jax
import numpy as np
from jaxtyping import Bool, Float, Int
from scipy import special  # type: ignore[import-untyped]

from standoff.errors import Failure
from standoff.estimate.signaling import MOST, log_chances, pieces

HIGH, LOW = 60.0, -80.0
"""Probits at which c is S_A to the last digit, and at which it is as far as it gets."""
TINY = 1e-100
"""Payoffs smaller than this count as 0."""
SIZES = (512, 8192)
"""Numbers of points that a compiled call works at; longer lists are cut, shorter ones filled up."""
NARROW = 1e-3
ROUNDS = 400
SAME = 1e-9
EDGE = 1e-6
"""Slopes this near 1 are on the edge: two roots are about to meet."""
NOISE = 4e-15


@dataclass(frozen=True, eq=False)
class Equilibria:
    """Equilibria of games, ascending in p_R, padded with nan.

    `probit` [game, root]: Φ⁻¹(p_R); `count` [game]; `slope` [game, root]: of the reply; `stable`, `on_edge` [game,
    root];
    `log_challenge`, `log_firm` [game, root]: logs of p_C and p_F; `corner` [game]: no challenge, no resistance also
    holds.
    """

    probit: Float[np.ndarray, "game root"]
    count: Int[np.ndarray, " game"]
    slope: Float[np.ndarray, "game root"]
    stable: Bool[np.ndarray, "game root"]
    on_edge: Bool[np.ndarray, "game root"]
    log_challenge: Float[np.ndarray, "game root"]
    log_firm: Float[np.ndarray, "game root"]
    corner: Bool[np.ndarray, " game"]

    def __len__(self) -> int:
        return len(self.count)


NAMES = ("reply", "slope", "odds", "firm", "back", "pull")


@jax.jit
def _kernel(payoffs: jax.Array, probit: jax.Array) -> tuple[jax.Array, ...]:
    found = pieces(payoffs, probit)
    return tuple(found[name] for name in NAMES)


@jax.jit
def _chances(payoffs: jax.Array, probit: jax.Array) -> tuple[jax.Array, ...]:
    return log_chances(payoffs, probit)


def in_sizes(
    kernel: Callable[..., tuple[jax.Array, ...]], payoffs: np.ndarray, probit: np.ndarray, rows: int
) -> np.ndarray:
    """Values of a compiled function [row, point], called with few different lengths so that it is compiled seldom."""
    found = np.zeros((rows, len(probit)))
    for start in range(0, len(probit), SIZES[-1]):
        p, t = payoffs[start : start + SIZES[-1]], probit[start : start + SIZES[-1]]
        size = next(s for s in SIZES if s >= len(t))
        filled, points = np.zeros((size, p.shape[1])), np.zeros(size)
        filled[: len(t)], points[: len(t)] = p, t
        for row, values in enumerate(kernel(filled, points)):
            found[row, start : start + len(t)] = np.asarray(values)[: len(t)]
    return found


class _Games:
    """Payoffs, with what decides the shape of each game."""

    def __init__(self, payoffs: np.ndarray) -> None:
        p = self.payoffs = np.where(np.abs(payoffs) < TINY, 0.0, payoffs)
        self.stake, self.weight, self.apart = p[:, 0] - p[:, 1], p[:, 6] - p[:, 2], p[:, 3] - p[:, 5]
        self.shape = np.sign(self.stake) * np.sign(self.weight) * np.sign(self.apart)
        self.corner = (self.stake > 0) & (self.weight < 0) & (self.apart < 0)
        self.scale = np.abs(p[:, 4]) + np.abs(p[:, 2])
        self.prize = np.abs(p[:, 1])
        with np.errstate(divide="ignore"):
            self.log_weight = np.log(np.abs(self.weight))

    def at(self, game: np.ndarray, t: np.ndarray) -> "_Points":
        """Everything about the reply at some points."""
        reply, slope, odds, firm, back, pull = in_sizes(_kernel, self.payoffs[game], np.clip(t, LOW, HIGH), len(NAMES))
        size = np.abs(self.weight[game]) * np.exp(odds)
        c = self.prize[game] + np.abs(self.stake[game]) / special.ndtr(np.maximum(t, -19.0))
        turn = np.minimum(np.abs(np.exp(firm) - np.exp(back)), 1e60) * c
        noise = NOISE * (self.scale[game] + np.abs(t)) + size * np.minimum(NOISE * (1 + np.abs(odds) + turn), 0.5)
        return _Points(t, reply - t, slope, odds, firm, back, pull, noise)

    def slopes(self, game: np.ndarray, low: "_Points", high: "_Points") -> tuple[np.ndarray, np.ndarray]:
        """Least and largest slope of a rising reply between two points."""
        rises = self.stake[game] < 0  # c with t
        bluff = self.apart[game] < 0  # hazard of F is the larger
        larger = [np.where(bluff, p.firm, p.back) for p in (low, high)]
        smaller = [np.where(bluff, p.back, p.firm) for p in (low, high)]
        large = [np.where(rises, a, b) for a, b in (larger, larger[::-1])]
        small = [np.where(rises, a, b) for a, b in (smaller, smaller[::-1])]
        with np.errstate(divide="ignore", invalid="ignore"):
            turn = [
                np.log(np.maximum(_exp(large[0], -1) - _exp(small[1], 1), 0.0)),
                np.log(np.maximum(_exp(large[1], 1) - _exp(small[0], -1), 0.0)),
            ]
        odds = np.minimum(low.odds, high.odds), np.maximum(low.odds, high.odds)
        least = np.where(
            (odds[0] > -MOST) & (odds[1] < MOST), self.log_weight[game] + odds[0] + high.pull + turn[0], -np.inf
        )
        most = np.where(
            (odds[1] > -MOST) & (odds[0] < MOST), self.log_weight[game] + odds[1] + low.pull + turn[1], -np.inf
        )
        return np.exp(np.minimum(least, 690.0)) * (1 - SAME), np.exp(np.minimum(most, 690.0)) * (1 + SAME)


def _exp(log: np.ndarray, way: int) -> np.ndarray:
    """The exponential, moved up or down by what rounding may have done to it."""
    return np.asarray(np.exp(log) * (1 + way * NOISE * (1 + np.where(np.isfinite(log), np.abs(log), 0.0))))


@dataclass
class _Points:
    """Probits, f there, and the pieces of the slope."""

    t: np.ndarray
    f: np.ndarray
    slope: np.ndarray
    odds: np.ndarray
    firm: np.ndarray
    back: np.ndarray
    pull: np.ndarray
    noise: np.ndarray

    def take(self, some: np.ndarray) -> "_Points":
        return _Points(*(getattr(self, name)[some] for name in self.__dataclass_fields__))

    def put(self, some: np.ndarray, points: "_Points") -> None:
        for name in self.__dataclass_fields__:
            getattr(self, name)[some] = getattr(points, name)


def enumerate_all(payoffs: Float[np.ndarray, "game payoff"]) -> Equilibria:
    """Every equilibrium of each game.

    Args:
        payoffs: In the order of `formulas.PAYOFFS`; finite, at most 1e6 in size.

    Raises:
        Failure: intervals did not come to an end (never seen).
    """
    games = _Games(np.asarray(payoffs, dtype=float))
    count = len(games.payoffs)
    every = np.arange(count)
    high = games.at(every, np.full(count, HIGH))
    low = games.at(every, np.full(count, LOW))
    top, bottom = high.f + HIGH, low.f + LOW
    one = games.shape <= 0
    alone: list[tuple[np.ndarray, ...]] = [
        (every[one], np.minimum(top, bottom)[one], np.maximum(top, bottom)[one], np.zeros(one.sum(), dtype=bool))
    ]
    close: list[tuple[np.ndarray, ...]] = []
    many = ~one & ~(games.corner & (top < LOW))
    if many.any():
        below = np.where(games.corner, np.maximum(bottom, LOW), bottom - 8 * low.noise)
        _narrow(games, every[many], below[many], (top + 8 * high.noise)[many], alone, close)
    game, lows, highs, rising = (np.concatenate(parts) for parts in zip(*alone, strict=True))
    t = _polish(games, game, lows, highs, rising)
    touching = np.zeros(len(t), dtype=bool)
    if close:
        others = [np.concatenate(parts) for parts in zip(*close, strict=True)]
        game, t = np.concatenate([game, others[0]]), np.concatenate([t, (others[1] + others[2]) / 2])
        touching = np.concatenate([touching, np.ones(len(others[0]), dtype=bool)])
    return _gather(games, game, t, touching)


def _narrow(
    games: _Games, game: np.ndarray, low: np.ndarray, high: np.ndarray, alone: list[tuple[np.ndarray, ...]],
    close: list[tuple[np.ndarray, ...]],
) -> None:  # fmt: skip
    """Narrow and cut intervals until each holds one root, or none, or cannot be decided."""
    ends = games.at(np.concatenate([game, game]), np.concatenate([low, high]))
    half = np.arange(len(game))
    lows, highs = ends.take(half), ends.take(half + len(game))
    for _ in range(ROUNDS):
        least, most = games.slopes(game, lows, highs)
        width = highs.t - lows.t
        low, empty_low = _inward(lows, least, most, 1.0)
        high, empty_high = _inward(highs, least, most, -1.0)
        empty = empty_low | empty_high | (low > high)
        falls, rises = most < 1, least > 1
        signs_fall = (lows.f >= -lows.noise) & (highs.f <= highs.noise)
        signs_rise = (lows.f <= lows.noise) & (highs.f >= -highs.noise)
        single = (falls & signs_fall) | (rises & signs_rise)
        done = empty | falls | rises
        single &= ~empty
        alone.append((game[single], lows.t[single], highs.t[single], rises[single]))
        flat = (np.abs(lows.f) <= 4 * lows.noise) & (np.abs(highs.f) <= 4 * highs.noise)
        thin = ~done & ~flat & (width <= 1e-12 * (1 + np.abs(lows.t)))
        crossing = thin & ((lows.f > 0) != (highs.f > 0))
        alone.append((game[crossing], lows.t[crossing], highs.t[crossing], lows.f[crossing] < 0))
        vague = (~done & flat & (width < NARROW)) | (thin & ~crossing)
        close.append((game[vague], lows.t[vague], highs.t[vague]))
        vague |= thin
        keep = ~(done | vague)
        if not keep.any():
            return
        game, low, high, width, lows, highs = (
            game[keep],
            low[keep],
            high[keep],
            width[keep],
            lows.take(keep),
            highs.take(keep),
        )
        cut = high - low > 0.5 * width
        middle = _middle(low, high)
        game_all = np.concatenate([game, game, game[cut]])
        ends = games.at(game_all, np.concatenate([low, high, middle[cut]]))
        m = np.arange(len(game))
        lows, highs, cuts = ends.take(m), ends.take(m + len(game)), ends.take(np.arange(2 * len(game), len(game_all)))
        right_game, right_highs = game[cut], highs.take(cut)
        highs.put(np.flatnonzero(cut), cuts)
        game = np.concatenate([game, right_game])
        lows = _joined(lows, cuts)
        highs = _joined(highs, right_highs)
    raise Failure(
        f"Equilibria of {len(np.unique(game))} games could not be told apart; first at {games.payoffs[game[0]]}."
    )


def _joined(first: _Points, second: _Points) -> _Points:
    return _Points(*(np.concatenate([getattr(first, n), getattr(second, n)]) for n in first.__dataclass_fields__))


def _inward(end: _Points, least: np.ndarray, most: np.ndarray, way: float) -> tuple[np.ndarray, np.ndarray]:
    """Where the nearest root may be, seen from an end, and where there can be none at all."""
    f = way * end.f
    size = np.maximum(np.abs(f) - end.noise, 0.0)
    speed = np.where(f > 0, 1 - least, most - 1)
    empty = (size > 0) & (speed <= 0)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        step = np.where(size > 0, size / np.where(speed > 0, speed, 1.0), 0.0)
    return end.t + way * step * (1 - SAME), empty


def _middle(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """A point between, in equal parts where numbers are small and equal ratios where they are large."""
    return np.asarray(np.clip(np.sinh(0.48 * np.arcsinh(low) + 0.52 * np.arcsinh(high)), low, high))


def _polish(games: _Games, game: np.ndarray, low: np.ndarray, high: np.ndarray, rising: np.ndarray) -> np.ndarray:
    """Roots, each alone in its interval, to the last digits: Newton steps that may not leave it."""
    low, high = low - 1e-12 * (1 + np.abs(low)), high + 1e-12 * (1 + np.abs(high))  # roots at an end, moved by rounding
    t = np.clip(np.where(np.abs(low) + np.abs(high) > 1e3, np.clip(0.0, low, high), (low + high) / 2), low, high)
    open_ = np.arange(len(t))
    before = np.full(len(t), np.inf)
    for _ in range(ROUNDS):
        if not len(open_):
            return np.asarray(t)
        here = games.at(game[open_], t[open_])
        up = (here.f < 0) == rising[open_]  # the root is above
        low[open_] = np.where(up, here.t, low[open_])
        high[open_] = np.where(up, high[open_], here.t)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            step = -here.f / (here.slope - 1)
        new = here.t + step
        out = ~((new >= low[open_]) & (new <= high[open_]))
        new = np.where(out, here.t + here.f, new)  # the reply itself, which overshoots less
        wild = ~((new >= low[open_]) & (new <= high[open_])) | (np.abs(here.f) > 0.5 * before[open_])
        new = np.where(wild, _middle(low[open_], high[open_]), new)
        moved = np.abs(new - here.t)
        before[open_] = np.abs(here.f)
        t[open_] = new
        size = np.maximum(np.abs(here.t), 1e-3)
        settled = (
            (np.abs(here.f) <= here.noise / 16)
            | (moved <= 4e-16 * size)
            | (~wild & (moved <= 1e-9 * size))
            | (high[open_] - low[open_] <= 4e-16 * size)
        )
        open_ = open_[~settled]
    raise Failure(f"A root of the game {games.payoffs[game[open_[0]]]} did not settle.")


def _gather(games: _Games, game: np.ndarray, t: np.ndarray, touching: np.ndarray) -> Equilibria:
    """Roots by game, ascending; those that are the same to rounding once."""
    order = np.lexsort((t, game))
    game, t, touching = game[order], t[order], touching[order]
    touching &= np.abs(games.at(game, t).slope - 1) < NARROW  # elsewhere the root is single, and narrowed to rounding
    gap = np.where(touching[1:] | touching[:-1], NARROW, SAME)
    same = (np.diff(game) == 0) & (np.diff(t) <= gap * (1 + np.abs(t[1:])))
    touching[:-1] |= same & (touching[1:] | touching[:-1])
    keep = np.concatenate([[True], ~same]) if len(t) else np.zeros(0, dtype=bool)
    game, t, touching = game[keep], t[keep], touching[keep]
    count = np.bincount(game, minlength=len(games.payoffs))
    place = np.arange(len(t)) - np.concatenate([[0], np.cumsum(count)])[game]
    shape = len(count), max(int(count.max(initial=1)), 1)
    chances = in_sizes(_chances, games.payoffs[game], t, 2)
    slope = games.at(game, t).slope

    def laid(values: np.ndarray, empty: float | bool) -> np.ndarray:
        found = np.full(shape, empty)
        found[game, place] = values
        return found

    on_edge = touching | (np.abs(slope - 1) < EDGE)
    return Equilibria(
        probit=laid(t, np.nan), count=count, slope=laid(slope, np.nan),
        stable=laid((np.abs(slope) < 1) & ~on_edge, False),
        on_edge=laid(on_edge, False), log_challenge=laid(chances[0], np.nan), log_firm=laid(chances[1], np.nan),
        corner=games.corner,
    )  # fmt: skip
