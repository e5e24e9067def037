"""Results as labelled arrays: one tree, saved as Zarr, with the case's digest, seed and options on it.

| group | what |
|---|---|
| endings | every simulated crisis of every scenario: ending, round, discounted payoffs, true types |
| corrections | the same with one named difference of one view corrected |
| record | along the real record: beliefs, what each side expected, what the other would have done |
| worth | what each ending and package pays each side and type, in the base and in each view |
| robust | chances of the endings at other precisions and lengths of a round |
| quality | how well each view was solved, how well the chains stand for the world, errors of the grid |
| aftermath, cascade | who leads and how after 30, 90 and 365 days, and the region by month (`sequel`) |
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from standoff.simulate.accuracy import Accuracy
from standoff.simulate.ending import ENDING_TITLES as ENDING_TITLES
from standoff.simulate.ending import ENDINGS as ENDINGS
from standoff.simulate.ending import MODES as MODES
from standoff.simulate.ensemble import SCENARIOS, DrawResult, Scenario
from standoff.simulate.record import Record
from standoff.simulate.setup import SIDES, Plan

VIEWS = ("base", *SIDES)
TYPES = ("yielding", "firm")
AGAINST = "log Bayes factor of the alternative view against the one held"
ERRORS = ("flagged_met", "selection", "grid_error", "grid_error_mean")


def _flags(values: Sequence[str], what: str) -> dict[str, object]:
    """Attributes of a variable of codes: what they count, and what each means (CF conventions 1.11, section 3.5)."""
    return {
        "long_name": what, "flag_values": list(range(len(values))),
        "flag_meanings": " ".join(value.replace(" ", "_") or "none" for value in values),
    }  # fmt: skip


def _text(values: Sequence[str]) -> np.ndarray:
    return np.array(list(values), dtype=object)


def _stack(results: list[DrawResult], name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    code = np.stack([r.ended[name]["ending"] for r in results])
    return (
        code,
        np.stack([r.ended[name]["round"] for r in results]),
        np.stack([r.ended[name]["payoff"] for r in results]),
    )


def endings(results: list[DrawResult], scenarios: Sequence[Scenario] = SCENARIOS) -> xr.Dataset:
    """Every simulated crisis: dims scenario, draw, replication (and side)."""
    code, when, payoff = (np.stack(part) for part in zip(*(_stack(results, s.id) for s in scenarios), strict=True))

    def every(name: str) -> np.ndarray:
        return np.stack([np.stack([r.ended[s.id][name] for r in results]) for s in scenarios])

    return xr.Dataset(
        {
            "ending": (("scenario", "draw", "replication"), code, _flags(ENDINGS, "how it ended")),
            "round": (("scenario", "draw", "replication"), when, {"long_name": "round of the ending, from 0"}),
            "payoff": (("scenario", "draw", "side", "replication"), payoff, {"units": "own stake"}),
            "mode": (("scenario", "draw", "replication"), every("mode"), _flags(MODES, "how force ended")),
            "package": (("scenario", "draw", "replication"), every("package"), {"long_name": "what was pending"}),
            "dropped": (("scenario", "draw", "side", "replication"), every("dropped")),
            "type": (("draw", "side", "replication"), np.stack([r.types for r in results]).astype(np.int8),
                     _flags(TYPES, "private type, the yielding one first")),
        },
        coords={
            "scenario": _text([s.id for s in scenarios]), "draw": [r.draw for r in results], "side": _text(SIDES),
            "title": ("scenario", _text([s.title for s in scenarios])),
        },
        attrs={"endings": list(ENDINGS), "types": list(TYPES), "modes": list(MODES)},
    )  # fmt: skip


def corrections(plan: Plan, results: list[DrawResult], pairs: Sequence[tuple[str, str]]) -> xr.Dataset:
    """The same with one difference corrected: dims difference, draw, replication."""
    if not pairs:
        return xr.Dataset()
    code, when, _ = (
        np.stack(part) for part in zip(*(_stack(results, f"without:{s}:{d}") for s, d in pairs), strict=True)
    )
    titles = {(side, d.id): d.title for side in SIDES if (view := plan.view(side)) for d in view.differences}
    return xr.Dataset(
        {
            "ending": (("difference", "draw", "replication"), code, _flags(ENDINGS, "how it ended")),
            "round": (("difference", "draw", "replication"), when, {"long_name": "round of the ending, from 0"}),
        },
        coords={
            "difference": _text([d for _, d in pairs]), "draw": [r.draw for r in results],
            "holder": ("difference", _text([s for s, _ in pairs])),
            "title": ("difference", _text([titles[pair] for pair in pairs])),
        },
    )  # fmt: skip


def record(plan: Plan, results: list[DrawResult], found: Record) -> xr.Dataset:
    """Along the real record, for minds in their own views and for minds that share the base: by round and draw."""
    if not found.turns:
        return xr.Dataset()
    settings = ("views", "base")

    def every(pick: str, key: str | None = None) -> np.ndarray:
        rows = []
        for setting in settings:
            told = [getattr(r.told[setting], pick) for r in results]
            rows.append(np.stack([t if key is None else t[key] for t in told], axis=-1))
        return np.stack(rows)

    data: dict[str, Any] = {
        "belief": (("setting", "round", "mind", "about", "draw"), every("belief")),
        "belief_spread": (("setting", "round", "mind", "about", "draw"), every("spread")),
        "going_on": (("setting", "round", "side", "type", "draw"), every("stay"), {"units": "own stake"}),
    }
    coords = {}
    for side in SIDES:
        move = f"{side}_move"
        coords[move] = _text(plan.form.stages[plan.form.stage(side)].moves)
        data[f"expected_{side}"] = (("setting", "round", move, "draw"), every("expected", side))
        data[f"own_{side}"] = (("setting", "round", move, "draw"), every("own", side))
    ahead = np.stack([every("ahead", side) for side in SIDES], axis=1)
    data["ahead"] = (("setting", "mind", "round", "ending", "draw"), ahead)
    data["against"] = (("setting", "round", "side", "draw"), every("against"), {"long_name": AGAINST})
    data["dropped"] = (("setting", "round", "side", "draw"), every("dropped"), {"units": "probability"})
    return xr.Dataset(
        data,
        coords=coords | {
            "setting": _text(settings), "round": [turn.index + 1 for turn in found.turns],
            "start": ("round", _text([turn.start.isoformat() for turn in found.turns])),
            "mind": _text(SIDES), "about": _text(SIDES), "side": _text(SIDES), "type": _text(TYPES),
            "ending": _text(ENDINGS), "draw": [r.draw for r in results],
        },
    )  # fmt: skip


def worth(results: list[DrawResult]) -> xr.Dataset:
    """What endings and packages pay: dims view, item, side, type, draw (own units)."""
    items = list(results[0].worth["base"])
    data = np.array([[[r.worth[view][item].reshape(2, 2) for r in results] for item in items] for view in VIEWS])
    return xr.Dataset(
        {"worth": (("view", "item", "side", "type", "draw"), np.moveaxis(data, 2, -1), {"units": "own stake"})},
        coords={
            "view": _text(VIEWS), "item": _text(items), "side": _text(SIDES), "type": _text(TYPES),
            "draw": [r.draw for r in results],
        },
    )  # fmt: skip


def robust(settings: dict[str, list[DrawResult]], scenarios: Sequence[Scenario]) -> xr.Dataset:
    """Chances of the endings under other precisions and paces: dims setting, scenario, ending, draw."""
    if not settings:
        return xr.Dataset()
    rows = []
    for results in settings.values():
        codes = [_stack(results, s.id)[0] for s in scenarios]
        rows.append([[(code == k).mean(-1) for k in range(len(ENDINGS))] for code in codes])
    return xr.Dataset(
        {"chance": (("setting", "scenario", "ending", "draw"), np.array(rows), {"units": "probability"})},
        coords={
            "setting": _text(list(settings)),
            "scenario": _text([s.id for s in scenarios]),
            "ending": _text(ENDINGS),
        },
    )


def quality(plan: Plan, results: list[DrawResult], errors: dict[str, Accuracy]) -> xr.Dataset:
    """Residuals, shares of unsettled and flagged points, seconds, chain distances, errors: dims view, draw."""
    table = np.array([[r.quality[view] for r in results] for view in VIEWS])
    names = ("residual", "unsettled", "flagged", "seconds")
    distance = plan.sheet(None).levels.distance[[r.draw for r in results]]
    return xr.Dataset(
        {name: (("view", "draw"), table[..., i]) for i, name in enumerate(names)}
        | {name: ("view", [getattr(errors[view], name) for view in VIEWS], {"units": "probability"}) for name in ERRORS}
        | {"chain_distance": ("draw", distance, {"long_name": "total variation of the squeeze level's law"})},
        coords={"view": _text(VIEWS), "draw": [r.draw for r in results]},
    )
