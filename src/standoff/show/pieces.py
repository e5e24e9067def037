"""What each event and each source carries, in words: the posterior without it (`standoff.infer.leave_out`).

A change is a difference of means over the same draws with other weights w. Were the weights unrelated to a quantity of
standard deviation s, its standard error would be about s sqrt(sum_d (w_d - 1/D)^2) = s sqrt(1/E - 1/D), with D draws, E
effective ones. Changes within two of these are grey, and the table states how many would lie beyond them by chance.
"""

from dataclasses import dataclass

import numpy as np
import xarray as xr

from standoff.show.figures.pieces import Bar, Panel
from standoff.show.words import Names, listed

SIDES = ("coercer", "target")
CHANCES = ("firm", "own_view", "believes")
WIDE = 3.29
"""Standard deviations of a normal distribution between its 5th and 95th percentile."""
SCALE = 0.34
"""Change of a chance that counts as much as one prior standard deviation of a number (from the median: 0.5 to 0.84)."""
FALSE, LEAST = 0.05, 0.0005


@dataclass(frozen=True)
class Piece:
    """A piece and what leaving it out changes: chances by quantity and side, the number most shifted, ln evidence."""

    title: str
    kind: str
    chances: dict[str, tuple[Bar, Bar]]
    number: str
    shift: Bar
    evidence: float
    effective: float
    rough: bool

    @property
    def size(self) -> float:
        """The largest change, of a chance or of a number on the same footing."""
        return max(*(abs(bar.value) for pair in self.chances.values() for bar in pair), SCALE * abs(self.shift.value))


def with_errors(tree: xr.DataTree, left: xr.Dataset) -> xr.Dataset:
    """The dataset of pieces with standard errors of its changes (`shift_error`, `firm_error`, ...), if it has none."""
    if "shift_error" in left:
        return left
    draws = int(left.attrs["draws"])
    noise = np.sqrt(np.maximum(1 / np.asarray(left["effective"]) - 1 / draws, 0.0))[:, None]
    data, numbers = tree["posterior"].ds, tree["numbers"].ds.sel(number=left["number"].values)
    spread = {name: np.array([float(data[f"{side}_{name}"].std()) for side in SIDES]) for name in ("firm", "own_view")}
    minds = tree["minds"].ds["belief"].sel(setting="own").isel(round=-1)
    bands = [np.asarray(minds.sel(mind=side, about=other)) for side, other in (SIDES, SIDES[::-1])]
    spread["believes"] = np.array([(band[-1] - band[0]) / WIDE for band in bands])
    ratio = np.asarray(numbers["sd"] / numbers["prior_sd"])
    errors = {f"{name}_error": (("piece", "side"), noise * each[None]) for name, each in spread.items()}
    return left.assign(errors | {"shift_error": (("piece", "number"), noise * ratio[None])})


def pieces(data: xr.Dataset) -> list[Piece]:
    """All pieces, the largest first."""
    found = []
    for k in range(data.sizes["piece"]):
        one = data.isel(piece=k)
        chances = {name: (_bar(one, name, "coercer"), _bar(one, name, "target")) for name in CHANCES}
        n = int(np.abs(np.asarray(one["shift"])).argmax())
        shift = Bar(float(one["shift"][n]), 2 * float(one["shift_error"][n]))
        effective = float(one["effective"])
        found.append(
            Piece(
                str(one["title"].item()), str(one["kind"].item()), chances, str(data["number"].values[n]), shift,
                float(one["evidence"]), effective, effective < float(data.attrs["rough"]),
            )
        )  # fmt: skip
    return sorted(found, key=lambda piece: -piece.size)


def _bar(one: xr.Dataset, name: str, side: str) -> Bar:
    return Bar(float(one[name].sel(side=side)), 2 * float(one[f"{name}_error"].sel(side=side)), side)


def panels(found: list[Piece]) -> list[Panel]:
    """The quantities of the figure: types, views, what each believes at last; chances in points."""
    titles = {"firm": "of the firm type", "own_view": "holds its own view", "believes": "what it believes at last"}
    return [
        Panel(
            titles[name], "change, points",
            [[Bar(100 * b.value, 100 * b.error, b.side) for b in piece.chances[name]] for piece in found],
        )
        for name in CHANCES
    ]  # fmt: skip


def clear(bar: Bar) -> bool:
    """Whether a change is beyond two standard errors, and large enough to be shown."""
    return abs(bar.value) > max(bar.error, LEAST)


def label(piece: Piece) -> str:
    """Its title, with what it is where that is not plain."""
    return piece.title if piece.kind == "event" else f"Source: {piece.title}"


def alarms(data: xr.Dataset) -> str:
    """How many changes are compared at once, and what that means."""
    quantities = len(CHANCES) * len(SIDES) + data.sizes["number"]
    count = data.sizes["piece"] * quantities
    return (
        f"{data.sizes['piece']} pieces and {quantities} quantities make {count} changes: were none of them real, about "
        f"{FALSE * count:.0f} would still lie beyond two standard errors, and the largest of a row is picked for its "
        f"size.{unplayable(data)}"
    )


def unplayable(data: xr.Dataset) -> str:
    """Which pieces could not be left out, since the rest of the record cannot be played without them."""
    left = [str(title) for title in np.atleast_1d(data.attrs.get("impossible", []))]
    if not left:
        return ""
    return f" Not left out, since the rest of the record cannot be played without: {listed([f'“{t}”' for t in left])}."


def said(names: Names, name: str, side: str) -> str:
    """A quantity in words."""
    who, other = names.side(side), names.other(side)
    about = "target" if side == "coercer" else "coercer"
    return {
        "firm": f"that {who} is “{names.firm[side]}”",
        "own_view": f"that {who} held its own view",
        "believes": f"that {who} sees, at last, for {other} being “{names.firm[about]}”",
    }[name]
