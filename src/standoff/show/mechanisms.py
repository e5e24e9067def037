"""Effects of mechanisms and levers, as they are printed and kept beside a run."""

from typing import Any

import xarray as xr

from standoff.simulate.ending import ENDING_TITLES
from standoff.simulate.sequel import EXITS

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
    found_after = {
        str(exit): {key: float(row[f"fights_{key}"].sel(exit=exit)) for key in ("mean", "low", "high")}
        for exit in (row["exit"].values if acts_after(row) else ())
    }
    after = {"fights": found_after, "fights_asserted": str(row["fights_asserted"].item())} if found_after else {}
    return {"id": name, "name": str(row["name"].item()), **words, "effect": effect, **after}


def acts_after(row: xr.Dataset) -> bool:
    """Whether a mechanism is measured after an ending, too."""
    return "fights_mean" in row and bool(row["fights_mean"].notnull().all())


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
    out += _after(found)
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


def _after(found: xr.Dataset) -> list[str]:
    """What follows the ending: the chance that somebody left out fights, by exit."""
    acting = [str(m) for m in found["mechanism"].values if acts_after(found.sel(mechanism=m))]
    if not acting:
        return []
    exits = [str(exit) for exit in found["exit"].values]
    heads = "".join(f"{exit_title(exit):>26}" for exit in exits)
    out = ["", f"{'Somebody left out fights, points, after':<44}{heads}"]
    for name in acting:
        row = found.sel(mechanism=name)
        cells = "".join(
            f"{_cell(row.sel(exit=exit), 'fights_', str(row['fights_asserted'].item())):>26}" for exit in exits
        )
        title = f"  {name:<4}{row['name'].item()}"
        out.append(f"{title:<44}{cells}")
    return out


def exit_title(exit: str) -> str:
    """An exit in words; capture and death by force have one sequel."""
    return "capture or death by force" if exit == "captured" else EXITS[exit]


def _cell(one: xr.Dataset, prefix: str, said: str) -> str:
    """Mean and interval in points, marked where the interval goes against what is asserted."""
    mean, low, high = (100 * float(one[f"{prefix}{key}"]) for key in ("mean", "low", "high"))
    mark = "!" if (said == "+" and high < 0) or (said == "-" and low > 0) else ""
    return f"{mean:+.1f} [{low:+.1f}, {high:+.1f}]{mark}".replace("-", chr(0x2212))


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
