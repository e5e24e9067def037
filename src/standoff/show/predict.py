"""What the numbers predict before the record is seen, printed: by round, with the record beside it."""

import math
from typing import Any

import numpy as np
import xarray as xr

from standoff.show.ask import folded, head
from standoff.simulate.results import ENDING_TITLES

FAR = 0.05
"""Share below which the record's place is called far out."""


def lines(found: xr.Dataset) -> list[str]:
    """A table by round and what it says."""
    a = found.attrs
    priors = "generic priors" if a.get("priors") == "generic" else "the case's numbers"
    out = [*head(found, f"before the record is seen, on {priors}"), ""]
    heads = (("round", 7), ("from", 12), ("going on", 9), ("rung: 5-50-95%", 16), ("on record", 11), ("as high", 9))
    out.append("".join(f"{word:>{width}}" for word, width in heads) + f"{'as low':>8}")
    for n in range(found.sizes["round"]):
        row = found.isel(round=n)
        bands = [row["rung"].sel(band_at=q) for q in (0.05, 0.5, 0.95)]
        rung = "-".join(f"{float(b):.0f}" for b in bands) if math.isfinite(float(bands[0])) else ""
        begins = f"{int(row['round']):>7}{str(row['day'].values)[:10]:>12}{float(row['going']):>9.0%}{rung:>16}"
        beside = (("rung_record", ".0f", 11), ("at_least", ".0%", 9), ("at_most", ".0%", 8))
        out.append((begins + "".join(f"{_cell(row[name], form):>{width}}" for name, form, width in beside)).rstrip())
    out.append("")
    over = found["over"].isel(round=-1)
    ends = sorted(over["ending"].values, key=lambda e: -float(over.sel(ending=e)))
    shares = ", ".join(f"{ENDING_TITLES[e]} {float(over.sel(ending=e)):.0%}" for e in ends)
    out += folded(f"Endings by the horizon: {shares}.")
    out += folded(_surprise(found))
    return out + folded(
        "Rungs count from 0, the lowest; 'as high' and 'as low' are shares of the simulated crises still going on at "
        "the beginning of the round that stand at least as high, or as low, as the record."
    )


def _surprise(found: xr.Dataset) -> str:
    last = int(found.attrs["record_rounds"])
    if not last:
        return "The record holds no round yet."
    still = float(found["going"].isel(round=last - 1))
    low = np.fmin(found["at_least"].values, found["at_most"].values)
    out = [int(n) + 1 for n in np.flatnonzero(low < FAR)]
    where = f" In rounds {', '.join(map(str, out))} the record stands where under {FAR:.0%} of them do." if out else ""
    far = " That alone is far out." if still < FAR else ""
    return f"The record goes on to round {last}; {still:.0%} of the simulated crises do.{far}{where}"


def as_dict(found: xr.Dataset) -> dict[str, Any]:
    """The same for scripts."""
    rounds = []
    for n in range(found.sizes["round"]):
        row = found.isel(round=n)
        rounds.append(
            {"round": int(row["round"]), "from": str(row["day"].values)[:10]}
            | {
                name: _plain(row[name])
                for name in ("going", "ultimatum", "offer", "rung_record", "at_least", "at_most")
            }
            | {"rung": {f"{q:g}": _plain(row["rung"].sel(band_at=q)) for q in found["band_at"].values}}
            | {"over": {str(e): _plain(row["over"].sel(ending=e)) for e in found["ending"].values}}
        )
    about = (
        "schema",
        "case",
        "digest",
        "version",
        "seed",
        "draws",
        "replications",
        "priors",
        "record_rounds",
        "ladder",
    )
    return {name: found.attrs[name] for name in about if name in found.attrs} | {"rounds": rounds}


def _cell(value: xr.DataArray, form: str) -> str:
    return format(float(value), form) if math.isfinite(float(value)) else ""


def _plain(value: xr.DataArray) -> float | None:
    number = float(value)
    return round(number, 6) if math.isfinite(number) else None
