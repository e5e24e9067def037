"""Screen: which misreading cost most? Shown only if `standoff attribute` was run for this case."""

import numpy as np
import xarray as xr

from standoff.show.figures.drawing import Drawing
from standoff.show.figures.shares import bars
from standoff.show.screens.screen import Block, Findings, Picture, Screen, Words
from standoff.show.summary import Chance
from standoff.show.words import clear, count, listed, percent, points

QUESTION = "Which misreading cost most?"
SHOWN = ("force", "agreed-exit")


def attribution(found: Findings) -> Screen | None:
    """Shapley shares of the misreadings in the change of force and of agreed exits."""
    data = found.group("attribution")
    if data is None:
        return None
    columns: list[tuple[Block, ...]] = []
    for key in SHOWN:
        one = data.sel(ending=key)
        columns.append((Picture(_drawing(found, one, key)), Words((sum_told(found, one, key),))))
    return Screen("attribution", QUESTION, answer_of(found, data), columns[0], columns[1], note=note_of(data))


def total_of(one: xr.Dataset) -> Chance:
    """The whole change of an ending with all misreadings corrected."""
    return Chance(float(one["total"]), float(one["total_error"]), 0.0, 0.0)


def shares_of(one: xr.Dataset) -> list[tuple[str, str, Chance]]:
    """Title, holder and share of each misreading, the largest in the direction of the whole change first."""
    sign = -1.0 if float(one["total"]) < 0 else 1.0
    order = np.argsort(-sign * one["share"].values, kind="stable")
    rows = []
    for i in order:
        row = one.isel(difference=int(i))
        share = Chance(float(row["share"]), float(row["error"]), 0.0, 0.0)
        rows.append((str(row["title"].item()), str(row["holder"].item()), share))
    return rows


def answer_of(found: Findings, data: xr.Dataset) -> str:
    """The answer in words."""
    texts = []
    for key in SHOWN:
        one = data.sel(ending=key)
        total, rows = total_of(one), shares_of(one)
        name = "force" if key == "force" else "agreed exits"
        text = f"Of the change of {name} with all misreadings corrected ({points(total)} points), "
        sure = [(title, share) for title, _, share in rows if clear(share) and share.mean * total.mean > 0]
        if sure:
            title, share = sure[0]
            text += f"most is owed to “{title}” ({points(share)})"
            held = {s: sum(c.mean for _, holder, c in rows if holder == s) for s in ("coercer", "target")}
            parts = [f"{points(Chance(v, 0.0, 0.0, 0.0)).split()[0]} to {found.names.side(s)}" for s, v in held.items()]
            text += f"; by holder: {listed(parts)}"
        else:
            text += "no single misreading’s share is clear of its error"
        texts.append(text + ".")
    return " ".join(texts)


def _drawing(found: Findings, one: xr.Dataset, key: str) -> Drawing:
    legend = {side: f"misreading of {found.names.side(side)}" for side in ("coercer", "target")}
    rows = [(title, holder, 100 * c.mean, 100 * c.error) for title, holder, c in shares_of(one)]
    name = found.names.ending(key)
    return bars(
        f"attribution-{key}", rows, axis=f"share in the change of “{name}”, points", legend=legend,
        caption=f"What correcting each misreading adds to the chance of “{name}”, mean over orders of correcting "
        "(Shapley share), with two standard errors.",
    )  # fmt: skip


def sum_told(found: Findings, one: xr.Dataset, key: str) -> str:
    """What the shares of an ending sum to, in words."""
    shares = float(one["share"].sum())
    return (
        f"{found.names.ending(key).capitalize()}: {percent(float(one['before']))} in own views, "
        f"{percent(float(one['after']))} with all corrected; the shares sum to {100 * shares:+.1f} points, the whole "
        f"change is {100 * float(one['total']):+.1f}."
    ).replace("-", "−")


def note_of(data: xr.Dataset) -> str:
    """How it was computed."""
    a = data.attrs
    worst = 100 * float(data["monte_carlo"].sel(ending=list(SHOWN)).max())
    how = "over all orders of correcting" if not int(a["orders"]) else f"over {a['orders']} orders a draw"
    return (
        f"{count(int(a['draws']), 'draw')}, {a['replications']} crises each; shares {how}, so that they sum to the "
        f"whole change. ± two standard errors over the draws; drawing orders adds at most {worst:.1f} points to that. "
        f"A share is no cause by itself: what one misreading does hangs on the others. {a['status']}"
    )
