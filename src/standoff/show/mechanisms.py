"""Effects of mechanisms and levers, as they are printed and kept beside a run."""

from typing import Any

import xarray as xr

from standoff.simulate.ending import ENDING_TITLES

SHOWN = ("force", "agreed-exit", "removed-within")
PROVENANCE = ("case", "digest", "version", "seed", "draws", "replications", "status", "intervals", "false_alarms")


def as_dict(found: xr.Dataset) -> dict[str, Any]:
    """For scripts: every mechanism that the case has, with its effect on every ending."""
    return {
        "mechanisms": [_row(found, name) for name in _ids(found, lever=False)],
        "levers": [_row(found, name) for name in _ids(found, lever=True)],
        "absent": [str(m) for m in found["mechanism"].values if not bool(found["present"].sel(mechanism=m))],
        **{key: _plain(found.attrs[key]) for key in PROVENANCE},
    }


def _ids(found: xr.Dataset, *, lever: bool) -> list[str]:
    return [
        str(m)
        for m, there, pull, note in zip(
            found["mechanism"].values, found["present"].values, found["lever"].values, found["note"].values, strict=True
        )
        if bool(pull) == lever and (bool(there) or note)
    ]


def _row(found: xr.Dataset, name: str) -> dict[str, Any]:
    row = found.sel(mechanism=name)
    effect = {
        str(ending): {
            "difference": float(row["mean"].sel(ending=ending)),
            "low": float(row["low"].sel(ending=ending)),
            "high": float(row["high"].sel(ending=ending)),
            "clear": bool(row["clear"].sel(ending=ending)),
            "asserted": str(row["asserted"].sel(ending=ending).item()),
        }
        for ending in found["ending"].values
    }
    words = {key: str(row[key].item()) for key in ("claim", "source", "note")}
    return {"id": name, "name": str(row["name"].item()), **words, "effect": effect}


def _plain(value: Any) -> Any:  # noqa: ANN401 (an attribute)
    return value.item() if hasattr(value, "item") else value


def lines(found: xr.Dataset) -> list[str]:
    """A table for a terminal."""
    attrs = found.attrs
    heads = "".join(f"{ENDING_TITLES[name]:>22}" for name in SHOWN)
    out = [
        f"{attrs['title']}: what each mechanism does, each side in its own view; {attrs['draws']} draws x "
        f"{attrs['replications']} crises, seed {attrs['seed']}",
        "",
        f"{'Mechanism: on against off, points':<44}{heads}",
    ]
    for lever in (False, True):
        if lever:
            out += ["", f"{'Lever: with it against without, points':<44}{heads}"]
        out += [_line(found, name) for name in _ids(found, lever=lever)]
    absent = [str(m) for m in found["mechanism"].values if not bool(found["present"].sel(mechanism=m))]
    absent = [name for name in absent if not str(found["note"].sel(mechanism=name).item())]
    out += [
        "",
        "  (mean [95% interval over the draws]; * clear of the whole table's errors; ! against what is asserted)",
        f"If nothing mattered, about {attrs['false_alarms']:.0f} of these {attrs['intervals']} intervals would "
        "exclude 0.",
    ]
    if absent:
        out.append(f"Not in this case: {', '.join(absent)}.")
    return [*out, str(attrs["status"])]


def _line(found: xr.Dataset, name: str) -> str:
    row = found.sel(mechanism=name)
    title = f"  {name:<4}{row['name'].item()}"
    if str(row["note"].item()):
        return f"{title:<44}  {row['note'].item()}"
    cells = []
    for ending in SHOWN:
        one = row.sel(ending=ending)
        mean, low, high = (100 * float(one[key]) for key in ("mean", "low", "high"))
        said = str(one["asserted"].item())
        against = (said == "+" and high < 0) or (said == "-" and low > 0)
        mark = ("*" if bool(one["clear"]) else "") + ("!" if against else "")
        cells.append(f"{f'{mean:+.1f} [{low:+.1f}, {high:+.1f}]{mark}'.replace('-', chr(0x2212)):>22}")
    return f"{title:<44}" + "".join(cells)
