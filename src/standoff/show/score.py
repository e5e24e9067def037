"""Scores, printed or written: lines for a terminal, JSON for scripts, CSV for a table program, and a page.

The tables are those of the report's screen (`screens.scores`), so that all of them say the same.
"""

import csv
import io
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from standoff.forecast.climatology import classes
from standoff.forecast.score import BOUNDS, count, mean, scored, skill
from standoff.show.answer import write_answer
from standoff.show.ask import folded
from standoff.show.screens.scores import (
    FORECASTERS,
    WARNING,
    answer,
    each,
    everyone,
    headline,
    moved,
    note,
    paired,
    present,
    references,
    rows_of,
    screen,
    spoken,
)
from standoff.show.screens.screen import Table

WIDTH = 100
"""Columns of a line."""
RULES = ("brier", "log")


def lines(data: xr.Dataset) -> list[str]:
    """For a terminal: the answer, the tables, each forecast, and what the scores cannot say."""
    out = [*folded(f"{data.attrs['title']}: who saw it coming"), "", *folded(answer(data)), *folded(WARNING)]
    for table in (headline(data), *paired(data, bands=False)):
        out += ["", *_table(table)]
    out += ["", *folded(" ".join(moved(data).paragraphs)), "", *_each(data)]
    for table in (everyone(data), references(data, bands=False)):
        out += ["", *_table(table)]
    return [*out, "", *folded(note(data).removeprefix(WARNING).strip())]


def _table(table: Table) -> list[str]:
    """A table in columns: words to the left and folded, numbers to the right."""
    cells = [[cell.text for cell in row] for row in table.rows]
    heads = [str(head) for head in table.head]
    widths = [max([_wide(head), *(len(row[k]) for row in cells)]) for k, head in enumerate(heads)]
    widths[0] = min(widths[0], max(14, WIDTH - sum(widths[1:]) - 2 * len(widths)))
    out = [table.title]
    tall = [_fold(head, width) for head, width in zip(heads, widths, strict=True)]
    for k in range(max(map(len, tall))):
        out.append(_line([part[k] if k < len(part) else "" for part in tall], widths))
    for row in cells:
        first, *more = _fold(row[0], widths[0])
        out.append(_line([first, *row[1:]], widths))
        out += [f"    {text}" for text in more]
    return out + folded(table.note) if table.note else out


def _wide(head: str) -> int:
    return max((len(word) for word in head.split()), default=0)


def _fold(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, max(width, 1), break_long_words=False) or [""]


def _line(texts: list[str], widths: list[int]) -> str:
    first, *rest = texts
    cells = [f"  {text:>{width}}" for text, width in zip(rest, widths[1:], strict=True)]
    return f"  {first:<{widths[0]}}{''.join(cells)}".rstrip()


def _each(data: xr.Dataset) -> list[str]:
    """Each scored forecast, oldest first: when, what of, what was said, and what came of it."""
    out = ["Each forecast that was scored (chance of a yes; Brier score)"]
    for i in np.flatnonzero(scored(data)):
        one = data.isel(forecast=int(i))
        said = one["chance"].sel(forecaster="said").values
        words = f"“{one['words'].item()}”, " if one["words"].item() else ""
        chance = f"{said[1]:.0%}" if said[0] == said[2] else f"{said[0]:.0%} to {said[2]:.0%}"
        came = "yes" if one["observed"] == 1 else "no"
        who = f"{one['made'].item() or 'undated'}  {one['name'].item()}"
        out += _indented(f"{who}: {one['question'].item()}", 2)
        score = one["brier"].sel(forecaster="said").values
        told = f"{words}{chance}; {came}; {_plain(score[0])} to {_plain(score[2])}"
        told = told if score[0] != score[2] else f"{words}{chance}; {came}; {_plain(score[1])}"
        for name in ("model-generic", "model-case"):
            p, b = (float(one[v].sel(forecaster=name, bound="mid")) for v in ("chance", "brier"))
            if np.isfinite(p):
                told += f". {FORECASTERS[name]} {p:.0%}; {_plain(b)}"
        past = one["chance"].sel(forecaster=list(classes()), bound="mid").values
        past = past[np.isfinite(past)]
        if len(past):
            told += f". Past cases {past.min():.2%} to {past.max():.0%}"
        out += _indented(told, 6)
    return out


def _indented(text: str, by: int) -> list[str]:
    return [" " * by + line for line in _fold(text, WIDTH - by)]


def _plain(value: float) -> str:
    return f"{value:.2f}"


def as_dict(data: xr.Dataset) -> dict[str, Any]:
    """The same for scripts; scores of a range are low, mid, high."""
    attrs = ("schema", "case", "digest", "version", "clip", "hindsight", "later_classes")
    keys = present(data)
    return {name: data.attrs[name] for name in attrs} | {
        "warning": WARNING,
        "answer": answer(data),
        "scores": [_row(data, key) for key in keys],
        "skill": [found for key in keys for found in _skills(data, key)],
        "forecasts": [_one(data, i) for i in range(data.sizes["forecast"])],
    }


def _row(data: xr.Dataset, key: str) -> dict[str, Any]:
    name, mask = rows_of(data, key)
    found: dict[str, Any] = {"forecaster": key, "questions": count(data, name, mask)}
    for rule in RULES:
        m = mean(data, name, rule, mask)
        found[rule] = None if m is None else {b: _finite(getattr(m, b)) for b in BOUNDS}
    return found


def _skills(data: xr.Dataset, key: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if key in ("flat", *classes()):
        return found
    name, mask = rows_of(data, key)
    for reference in ("market", "flat", *classes()):
        value, many = skill(data, name, reference, mask)
        if many:
            told = None if value is None else {b: _finite(getattr(value, b)) for b in BOUNDS}
            found.append({"forecaster": key, "reference": reference, "questions": many, "skill": told})
    return found


def _one(data: xr.Dataset, i: int) -> dict[str, Any]:
    one = data.isel(forecast=i)
    texts = (
        "source", "name", "kind", "question", "outcome", "made", "until", "condition", "state", "words", "word_kind",
        "as_of", "resolution",
    )  # fmt: skip
    found: dict[str, Any] = {"id": str(one["forecast"].item())} | {n: str(one[n].item()) or None for n in texts}
    found["observed"] = None if np.isnan(one["observed"]) else bool(one["observed"] == 1)
    found["weight"] = _finite(float(one["weight"]))
    found["given"] = {}
    for name in (str(f) for f in data["forecaster"].values):
        here = one.sel(forecaster=name)
        if np.isfinite(here["chance"]).all():
            values = {"chance": here["chance"].values, "brier": here["brier"].values, "log": here["log"].values}
            found["given"][name] = {
                k: {b: _finite(float(x)) for b, x in zip(BOUNDS, v, strict=True)}
                for k, v in values.items() if np.isfinite(v).all()
            }  # fmt: skip
    return found


def _finite(value: float) -> float | None:
    return round(value, 6) if np.isfinite(value) else None


def as_csv(data: xr.Dataset) -> str:
    """A row for each forecast and forecaster that gave a chance."""
    text = io.StringIO()
    columns = ["id", "name", "kind", "question", "outcome", "made", "until", "state", "observed", "words", "forecaster"]
    columns += [f"{value}_{bound}" for value in ("chance", *RULES) for bound in BOUNDS]
    writer = csv.DictWriter(text, columns, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    for i in range(data.sizes["forecast"]):
        one = _one(data, i)
        for name, given in one["given"].items():
            numbers = {f"{value}_{b}": x for value, each in given.items() for b, x in each.items()}
            writer.writerow(one | {"forecaster": name} | numbers)
    return text.getvalue()


def write_page(data: xr.Dataset, out: Path) -> Path:
    """Write `score.html`, its figures, `score.json` and `score.csv` into a folder."""
    return write_answer(
        out, "score", head=_head(data), screens=lambda: [screen(data)], appendix=[each(data), spoken(data)],
        lines=lines(data), content=as_dict(data), table=as_csv(data),
    )  # fmt: skip


def _head(data: xr.Dataset) -> dict[str, Any]:
    asked = "the model has forecast" if data.attrs["modelled"] else "the model has not been asked"
    later = [FORECASTERS[name] for name in data.attrs["later_classes"]]
    facts = [("Made by", f"standoff {data.attrs['version']}, case {str(data.attrs['digest'])[:12]}; {asked}")]
    if later:
        facts.append(("Past cases", f"data go on after the crisis began in: {', '.join(later)}"))
    return {
        "title": f"{data.attrs['title']}: who saw it coming",
        "lead": "What was said of the crisis while it lasted, beside past cases, a market and the model.",
        "alarm": "", "marks": ["One case proves little", "Written with hindsight"], "facts": facts,
    }  # fmt: skip
