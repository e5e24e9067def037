"""Which misreading cost most: Shapley shares of the change of the endings from the views to the base.

The players are the named differences of both views. A coalition S is the set of those that are corrected, and its value
v(S) the chances of all endings when each side acts on its view without those of S, in the world as it is. The share of
difference i is its mean marginal contribution over all orders of correcting (Shapley 1953):

    share(i) = mean over orders of v(those before i and i) - v(those before i),

so that the shares of all sum to v(all corrected) - v(none). It is computed over all coalitions where these are few, or
else from random orders, each with its reverse (antithetic: Mitchell, Cooper, Frank & Holmes 2022); the sum then holds
exactly for every order. All coalitions of a draw share types and random numbers. A side's solution depends on the
corrections of its own view alone; each is solved once a draw, in the states that crises can come to.

Errors are two standard errors over the draws, which hold all that is random; `monte_carlo` is the part that comes from
drawing orders.
"""

import json
from collections.abc import Callable, Hashable, Sequence
from functools import lru_cache, partial
from itertools import combinations
from math import factorial
from typing import TypeVar

import numpy as np
import xarray as xr

from standoff import __version__
from standoff.case.load import LoadedCase
from standoff.errors import UserError
from standoff.simulate.arms import Kept, Progress, arm, chances, each, status
from standoff.simulate.ensemble import corrections
from standoff.simulate.results import ENDINGS
from standoff.simulate.setup import SIDES, Plan, plan

SCHEMA = "standoff-attribute/1"
MOST_EXACT = 6
"""Differences up to which all coalitions are played."""
DRAWS, PAIRS = 12, 6
Player = TypeVar("Player", bound=Hashable)
Value = Callable[[frozenset[Player]], np.ndarray]


def shapley(value: Value[Player], players: Sequence[Player]) -> np.ndarray:
    """Shapley shares from all coalitions: axes player, then those of a value.

    Args:
        value: Value of a coalition; asked 2^n times.
        players: Who may be in it.
    """
    n = len(players)
    worth = {frozenset(s): value(frozenset(s)) for k in range(n + 1) for s in combinations(players, k)}
    shares = []
    for player in players:
        rest = [other for other in players if other != player]
        total = np.zeros_like(worth[frozenset()])
        for k in range(n):
            weight = factorial(k) * factorial(n - k - 1) / factorial(n)
            for s in combinations(rest, k):
                total = total + weight * (worth[frozenset((*s, player))] - worth[frozenset(s)])
        shares.append(total)
    return np.array(shares)


def sampled(value: Value[Player], players: Sequence[Player], pairs: int, random: np.random.Generator) -> np.ndarray:
    """Shapley shares from random orders, each with its reverse: axes pair, player, then those of a value."""
    found = []
    for _ in range(pairs):
        order = [players[i] for i in random.permutation(len(players))]
        found.append((_walk(value, players, order) + _walk(value, players, order[::-1])) / 2)
    return np.array(found)


def _walk(value: Value[Player], players: Sequence[Player], order: Sequence[Player]) -> np.ndarray:
    """What each player adds in an order, in the order of `players`."""
    worth = [value(frozenset(order[:k])) for k in range(len(order) + 1)]
    return np.array([worth[order.index(p) + 1] - worth[order.index(p)] for p in players])


def attribute(
    loaded: LoadedCase,
    *,
    draws: int | None = None,
    replications: int | None = None,
    pairs: int | None = None,
    seed: int = 1,
    workers: int = 2,
    progress: Progress = lambda stage, share: None,
) -> xr.Dataset:
    """Shares of each named difference in the change of the chance of every ending.

    Args:
        loaded: The case.
        draws: Draws of the numbers (the first of the case's own draws); 12 by default.
        replications: Crises for each coalition and draw; by default the case's.
        pairs: Orders of correcting, each with its reverse, in each draw; where all coalitions are played, unused.
        seed: Of every draw.
        workers: Draws at a time.
        progress: Told the stage and the share that is done.

    Returns:
        `share`, `error`, `monte_carlo` by difference and ending, `share_by_draw`; `before`, `after`, `total` (with
        `total_error`) by ending.
    """
    case = loaded.case
    count = max(case.solver.draws, draws or 0)
    several = draws or min(DRAWS, count)
    size = replications or case.solver.replications
    progress("compiling the world's chains", 0.02)
    main = plan(case, seed=seed, count=count, keep=several)
    players = corrections(main)
    if not players:
        raise UserError(f"{loaded.name}: no view of this case differs from the base. There is nothing to attribute.")
    exact = len(players) <= MOST_EXACT
    main.sheet(None)
    for side in SIDES:
        main.sheet(main.view(side))
    caches = [Kept(narrow=True) for _ in range(several)]

    def work(draw: int) -> tuple[np.ndarray, np.ndarray]:
        value = lru_cache(maxsize=None)(partial(_value, main, draw, size, caches[draw]))
        if exact:
            shares = shapley(value, players)[None]
        else:
            random = np.random.default_rng(np.random.SeedSequence([seed, draw, 12]))
            shares = sampled(value, players, pairs or PAIRS, random)
        ends = np.stack([value(frozenset()), value(frozenset(players))])
        caches[draw].clear()
        return shares, ends

    rows = each(range(several), work, workers=workers, progress=progress, stage="playing coalitions", span=(0.1, 0.99))
    found = summary(np.stack([r[0] for r in rows]), np.stack([r[1] for r in rows]))
    titles = {(side, d.id): d.title for side in SIDES if (view := main.view(side)) for d in view.differences}
    held = {side: view.id for side in SIDES if (view := main.view(side))}
    found = found.assign_coords(
        difference=np.array([d for _, d in players], dtype=object),
        holder=("difference", np.array([s for s, _ in players], dtype=object)),
        view=("difference", np.array([held[s] for s, _ in players], dtype=object)),
        title=("difference", np.array([titles[p] for p in players], dtype=object)),
        draw=np.arange(several),
    )
    return found.assign_attrs(
        schema=SCHEMA, case=case.crisis.id, title=case.crisis.title, digest=loaded.digest, version=__version__,
        seed=seed, draws=several, replications=size, method="all coalitions" if exact else "random orders",
        orders=0 if exact else 2 * (pairs or PAIRS), status=status(caches),
        settings=json.dumps([f"{s}:{d}" for s, d in players]),
    )  # fmt: skip


def summary(shares: np.ndarray, ends: np.ndarray) -> xr.Dataset:
    """Means and errors from shares (axes draw, pair, difference, ending) and values (draw, none or all, ending)."""
    count, pairs = shares.shape[:2]
    by_draw = shares.mean(1)

    def error(values: np.ndarray) -> np.ndarray:
        return 2 * values.std(0, ddof=1) / np.sqrt(count) if count > 1 else np.full(values.shape[1:], np.nan)

    spread = shares.var(1, ddof=1) / pairs if pairs > 1 else np.zeros(by_draw.shape)
    noise = 2 * np.sqrt(spread.sum(0)) / count
    change = ends[:, 1] - ends[:, 0]
    axes, unit = ("difference", "ending"), {"units": "probability"}
    return xr.Dataset(
        {
            "share": (axes, by_draw.mean(0), unit), "error": (axes, error(by_draw), unit),
            "monte_carlo": (axes, noise, unit),
            "share_by_draw": (("draw", "difference", "ending"), by_draw, unit),
            "before": ("ending", ends[:, 0].mean(0), unit), "after": ("ending", ends[:, 1].mean(0), unit),
            "total": ("ending", change.mean(0), unit), "total_error": ("ending", error(change), unit),
        },
        coords={"ending": np.array(ENDINGS, dtype=object)},
    )  # fmt: skip


def _value(main: Plan, draw: int, size: int, kept: Kept, corrected: frozenset[tuple[str, str]]) -> np.ndarray:
    """Chances of all endings with some differences (side and id) corrected."""
    off = {side: tuple(sorted(name for s, name in corrected if s == side)) for side in SIDES}
    one = arm(main, draw, kept, off)
    return chances(one.codes(one.play(one.paths(size, draw), draw), draw))
