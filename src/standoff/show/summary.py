"""Numbers of a run, said in words: chances with their uncertainty, and what the run makes of the thesis.

Two uncertainties stand beside every chance: over the parameters (5th to 95th percentile of the draws' chances) and
of the mean (two standard errors between draws, which hold the Monte Carlo error of the replications).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from standoff.simulate.results import ENDINGS

HEADLINES = ("agreed-exit", "force")
MATERIAL = 0.05
"""The least change of a chance that the thesis needs: what is smaller cannot be why it ended so."""


@dataclass(frozen=True)
class Chance:
    """A chance: mean over draws, two standard errors of that mean, and the 5-95% range over the parameters."""

    mean: float
    error: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:.0%} (±{self.error * 100:.0f}; {self.low:.0%} to {self.high:.0%} over the parameters)"

    def as_dict(self) -> dict[str, float]:
        """As a plain mapping, rounded far below the Monte Carlo error."""
        return {k: round(float(getattr(self, k)), 6) for k in ("mean", "error", "low", "high")}


def chance(by_draw: np.ndarray) -> Chance:
    """Sum up the chances of one event over draws (last axis)."""
    spread = by_draw.std(ddof=1) / np.sqrt(len(by_draw)) if len(by_draw) > 1 else 0.0
    low, high = np.quantile(by_draw, [0.05, 0.95])
    return Chance(float(by_draw.mean()), float(2 * spread), float(low), float(high))


def by_draw(endings: xr.DataArray, name: str) -> np.ndarray:
    """Chance of an ending in each draw, from the simulated crises (draw, replication)."""
    return np.asarray((endings == ENDINGS.index(name)).mean("replication"))


def table(tree: xr.DataTree) -> dict[str, dict[str, Chance]]:
    """Chances of all endings by scenario."""
    found = tree["endings"].ds
    return {
        str(s): {name: chance(by_draw(found["ending"].sel(scenario=s), name)) for name in ENDINGS}
        for s in found["scenario"].values
    }


def paired(tree: xr.DataTree, name: str, one: str, other: str) -> Chance:
    """Difference of an ending's chance between two scenarios (one minus other), draw by draw."""
    found = tree["endings"].ds["ending"]
    return chance(by_draw(found.sel(scenario=one), name) - by_draw(found.sel(scenario=other), name))


def correction_effects(tree: xr.DataTree) -> list[dict[str, Any]]:
    """What correcting each single misreading changes, against both own views, on the same draws."""
    if "corrections" not in tree.children or not tree["corrections"].ds:
        return []
    found, base = tree["corrections"].ds, tree["endings"].ds
    own = base["ending"].sel(scenario="views", draw=found["draw"].values)
    rows = []
    for d in found["difference"].values:
        item = found.sel(difference=d)
        effect = {n: chance(by_draw(item["ending"], n) - by_draw(own, n)) for n in ENDINGS}
        rows.append(
            {
                "difference": str(d),
                "holder": str(item["holder"].item()),
                "title": str(item["title"].item()),
                "effect": effect,
            }
        )
    return sorted(rows, key=lambda row: row["effect"]["force"].mean)


def lowers_most(effects: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """Of corrections that clearly lower force, beyond two standard errors, the one that does so most."""
    sure = [row for row in effects if row["effect"]["force"].mean < -row["effect"]["force"].error]
    return min(sure, key=lambda row: row["effect"]["force"].mean, default=None)


@dataclass(frozen=True)
class Flip:
    """A setting in which the change of an ending's chance does not have the sign of the thesis."""

    setting: str
    ending: str
    change: Chance

    def __str__(self) -> str:
        size = f"{self.change.mean * 100:+.1f} points ±{self.change.error * 100:.1f}".replace("-", "−")
        return f"{self.setting} the change of {self.ending} is {size}"


@dataclass(frozen=True)
class Thesis:
    """Whether misreadings rather than interests made it end by force, by the run's own rule.

    The rule, the same for every case: correcting all misreadings (both sides in the base view) must lower force and
    raise agreed exits, each by more than two standard errors, in the main ensemble and, in sign, at every precision
    and pace tried. It is `established` only then; `direction` says whether the main ensemble has the two signs.
    """

    force: Chance
    agreed: Chance
    direction: bool
    established: bool
    flips: tuple[Flip, ...]
    sentence: str


def thesis(tree: xr.DataTree) -> Thesis:
    """Judge the thesis that misreadings, not interests, made it end so."""
    force = paired(tree, "force", "base", "views")
    agreed = paired(tree, "agreed-exit", "base", "views")
    flips = []
    if "robust" in tree.children and tree["robust"].ds:
        found = tree["robust"].ds["chance"]
        for s in found["setting"].values:
            d = found.sel(setting=s, scenario="base") - found.sel(setting=s, scenario="views")
            for ending, what, sign in (("force", "force", -1), ("agreed-exit", "agreed exits", 1)):
                change = chance(np.asarray(d.sel(ending=ending)))
                if change.mean * sign <= 0:
                    flips.append(Flip(str(s), what, change))
    direction = force.mean < 0 < agreed.mean
    clear = force.mean + force.error < 0 < agreed.mean - agreed.error
    large = min(-force.mean, agreed.mean) >= MATERIAL
    established = clear and large and not flips
    main = f"With all misreadings corrected, {_moves('force', force)} and {_moves('agreed exits', agreed, plural=True)}"
    if established:
        verdict = "the thesis that misreadings made it end by force holds over all settings tried"
    elif direction and flips:
        verdict = f"but at {' and at '.join(map(str, flips))}: the thesis is not established"
    elif direction and not clear:
        verdict = "but not by more than the error of the means: the thesis is not established"
    elif direction:
        own = chance(by_draw(tree["endings"].ds["ending"].sel(scenario="views"), "force"))
        verdict = (
            f"but one of the two by less than {MATERIAL * 100:.0f} points, and force is {own.mean:.0%} with every "
            "misreading: the thesis is not established"
        )
    else:
        verdict = "the thesis that misreadings made it end by force is not borne out with these numbers"
    return Thesis(force, agreed, direction, established, tuple(flips), f"{main}; {verdict}.")


def _moves(what: str, change: Chance, *, plural: bool = False) -> str:
    """A change in words, in points of chance."""
    points = abs(change.mean) * 100
    if points < 0.5:
        return f"{what} {'move' if plural else 'moves'} by less than one point"
    verb = ("rise" if change.mean > 0 else "fall") + ("" if plural else "s")
    return f"{what} {verb} by {points:.0f} {'point' if round(points) == 1 else 'points'}"


def median_round(tree: xr.DataTree, scenario: str, ending: str | None = None) -> float:
    """Median round (from 1) of the endings of a scenario."""
    found = tree["endings"].ds.sel(scenario=scenario)
    when = found["round"].where(found["ending"] == ENDINGS.index(ending)) if ending else found["round"]
    values = np.asarray(when, dtype=float)
    values = values[np.isfinite(values)]
    return float(np.median(values)) + 1 if values.size else float("nan")
