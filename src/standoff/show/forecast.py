"""The model's forecasts for a terminal, for scripts, as a page and on disk, generic priors first.

Beside them stands what people and markets said of the same endings, each at its date: a range where words were used.
"""

import csv
import datetime as dt
import io
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from standoff.case.crisis import Case
from standoff.forecast.model import frame
from standoff.forecast.questions import ENDINGS_OF, OFFICE, OUT, Question
from standoff.show.answer import write_answer
from standoff.show.ask import folded
from standoff.show.figures.drawing import Drawing
from standoff.show.figures.forecast import Panel, forecasts
from standoff.show.said import mark, said_of
from standoff.show.said import table as said_table
from standoff.show.screens.screen import Block, Cell, Picture, Screen, Table, Words, row
from standoff.show.words import LANE, Names, count, day, ending_of, listed, names, percent
from standoff.simulate.ending import ENDINGS
from standoff.simulate.record import event_day, record

ATTRS = (
    "schema", "case", "title", "digest", "version", "seed", "draws", "tellings", "nodes", "hindsight", "solved",
)  # fmt: skip
SHORT = {
    "agreed-exit": "agreed", "deal-he-stays": "deal", "flight": "flight", "force": "force",
    "removed-within": "removed", "back-down": "back-down", "stalemate": "stalemate", "exit-blocked": "blocked",
}  # fmt: skip
SMALL, ROUGH, ROWS = 0.05, 20.0, 12
"""Chance below which an ending has no panel; effective draws or crises below which a row is rough; rows of a table."""
PRIORS = {"generic": "generic priors", "case": "the case’s numbers"}


def by_horizon(found: xr.Dataset, weeks: int | None = None, name: str = "chance") -> xr.DataArray:
    """Chance that the crisis is over with each ending so many weeks after a forecast (priors, as_of, ending).

    A horizon counts whole rounds, as far as it reaches; none is the end of the calendar.
    """
    if weeks is None:
        return found[name].isel(by=-1, drop=True)
    last = found["by"].values
    picked = []
    for day_ in found["as_of"].values:
        within = np.flatnonzero(last <= day_ + np.timedelta64(7 * weeks, "D"))
        here = found[name].sel(as_of=day_)
        none = len(within) == 0 or last[within[-1]] <= day_
        picked.append(xr.zeros_like(here.isel(by=0, drop=True)) if none else here.isel(by=int(within[-1]), drop=True))
    return xr.concat(picked, dim=found["as_of"]).transpose("priors", "as_of", "ending")


def _priors(found: xr.Dataset) -> list[str]:
    """Sets of priors, generic ones first."""
    return sorted((str(p) for p in found["priors"].values), key=lambda p: p != "generic")


def _days(found: xr.Dataset, name: str = "as_of") -> list[dt.date]:
    return [dt.date.fromisoformat(str(each)[:10]) for each in found[name].values]


def _shown(found: xr.Dataset) -> list[int]:
    """Days that a table has room for, the first and the last among them."""
    days = found.sizes["as_of"]
    return sorted({*range(0, days, -(-days // ROWS)), days - 1})


def _rough(found: xr.Dataset, prior: str, n: int) -> bool:
    here = found.sel(priors=prior).isel(as_of=n)
    return min(float(here["effective"]), float(here["paths"])) < ROUGH or float(here["pareto_k"]) > 0.7


def _ahead(found: xr.Dataset, horizon: int | None) -> str:
    if horizon is not None:
        return f"within {count(horizon, 'week')}"
    return f"by {day(_days(found, 'by')[-1])}"


def lines(found: xr.Dataset, horizon: int | None = None) -> list[str]:
    """Chances of the endings as of each day, a table for each set of priors."""
    a = found.attrs
    chance = by_horizon(found, horizon)
    endings = [e for e in ENDINGS if float(chance.sel(ending=e).max()) >= 0.005] or list(ENDINGS)
    text = folded(
        f"{a['title']}: how it ends {_ahead(found, horizon)}, from what was public as of each day; {a['draws']} draws, "
        f"{a['tellings']} crises played on from each, seed {a['seed']}"
    )
    if wrong := alarm(found):
        text += ["", *folded(f"NOT TO BE TRUSTED. {wrong}")]
    for prior in _priors(found):
        what = "the library’s, without any case in view" if prior == "generic" else "written with hindsight"
        text += ["", f"{PRIORS.get(prior, prior).capitalize()} ({what}), %"]
        text.append(f"  {'as of':<10}" + "".join(f"{SHORT[e]:>10}" for e in endings) + f"{'open':>7}")
        for n in _shown(found):
            here = chance.sel(priors=prior).isel(as_of=n)
            cells = "".join(f"{100 * float(here.sel(ending=e)):>10.0f}" for e in endings)
            left = 100 * max(1 - float(here.sum()), 0.0)
            text.append(f"  {_days(found)[n]!s:<10}{cells}{left:>7.0f}{'~' if _rough(found, prior, n) else ''}")
    few = len(_shown(found)) < found.sizes["as_of"]
    key = "deal: he stays; open: not over. " + ("Some of the days; --json and --out hold all." if few else "")
    return [
        *text,
        "",
        *folded(key.strip()),
        *folded(_quality(found)),
        *folded(_hindsight(found)),
        *folded(str(a["solved"])),
    ]


def alarm(found: xr.Dataset) -> str:
    """What is wrong where most forecasts rest on too little; nothing otherwise."""
    every = [_rough(found, p, n) for p in _priors(found) for n in range(found.sizes["as_of"])]
    few = f"{sum(every)} of {count(len(every), 'forecast')} rest on too few draws or crises: raise both."
    return few if 2 * sum(every) > len(every) else ""


def _quality(found: xr.Dataset) -> str:
    low, high = float(found["effective"].min()), float(found["effective"].max())
    few, many = float(found["paths"].min()), float(found["paths"].max())
    rough = sum(_rough(found, p, n) for p in _priors(found) for n in range(found.sizes["as_of"]))
    text = f"Effective draws {low:.0f} to {high:.0f}, effective crises a draw {few:.0f} to {many:.0f}. "
    if rough:
        text += (
            f"{count(rough, 'forecast')} rough (grey, or ~): fewer than {ROUGH:.0f} of either, or a Pareto k over "
            "0.7; more draws or tellings make them better. "
        )
    return text + "Each side is in its own view; a forecast is one probability, and one case cannot say how good it is."


def _told(found: xr.Dataset) -> list[str]:
    told = found.attrs.get("hindsight", [])
    return [str(told)] if isinstance(told, str) else [str(each) for each in told]


def _hindsight(found: xr.Dataset) -> str:
    told = _told(found)
    if not told:
        return "No number was used that was not public by then."
    shown = "; ".join(told[:2]) + (f"; and {len(told) - 2} more" if len(told) > 2 else "")
    return f"With hindsight: {shown}."


def as_dict(found: xr.Dataset) -> dict[str, Any]:
    """For scripts: every chance by day, priors, ending and end of round, with the effective draws behind it."""
    about = {name: found.attrs[name] for name in ATTRS if name in found.attrs} | {"hindsight": _told(found)}
    about = {name: value.item() if isinstance(value, np.generic) else value for name, value in about.items()}
    behind = [
        {"priors": prior, "as_of": str(when), "rough": _rough(found, prior, n)}
        | {k: _plain(float(found[k].sel(priors=prior)[n])) for k in ("effective", "pareto_k", "paths")}
        for prior in _priors(found) for n, when in enumerate(_days(found))
    ]  # fmt: skip
    order = _priors(found)
    rows = sorted(frame(found), key=lambda one: order.index(one["priors"]))
    base = frame(found.assign(chance=found["chance_base"]))
    both = {(one["priors"], one["as_of"], one["ending"]): one["chance"] for one in base}
    for one in rows:
        one["chance"] = {k: _plain(v) for k, v in one["chance"].items()}
        one["chance_base"] = {k: _plain(v) for k, v in both[one["priors"], one["as_of"], one["ending"]].items()}
    return about | {"behind": behind, "forecasts": rows}


def _plain(value: float) -> float | None:
    return round(value, 6) if np.isfinite(value) else None


def write_page(
    case: Case, found: xr.Dataset, out: Path, lines: list[str], content: dict[str, Any], horizon: int | None = None
) -> Path:
    """Write `forecast.html` with its figure, `forecast.json` and `forecast.csv` into a folder."""
    return write_answer(
        out, "forecast", head=_head(case, found), screens=lambda: [screen_of(case, found, horizon)],
        appendix=_appendix(found, names(case), horizon), lines=lines, content=content, table=_csv(content),
    )  # fmt: skip


def screen_of(case: Case, found: xr.Dataset, horizon: int | None = None) -> Screen:
    """The picture, what was said beside it, and the answer in a sentence."""
    who = names(case)
    asked = said_of(case)
    left: tuple[Block, ...] = (Picture(_drawing(case, found, who, asked, horizon)),)
    right: list[Block] = [_table(found, who, horizon)]
    right.append(Words((_quality(found), _hindsight(found))))
    return Screen(
        "forecast",
        "How was it going to end, as of each day?",
        _answer(case, found, who, horizon),
        left,
        tuple(right),
        (said_table(asked),) if asked else (),
    )


def _drawing(
    case: Case, found: xr.Dataset, who: Names, asked: list[tuple[str, Question]], horizon: int | None
) -> Drawing:
    along = record(case)
    ended = along.ending.date.on if along.ending is not None else None
    kind = ending_of(case, along.ending)
    single = found.sizes["as_of"] == 1
    own, base = (
        found[name].isel(as_of=0) if single else by_horizon(found, horizon, name) for name in ("chance", "chance_base")
    )
    days = _days(found, "by" if single else "as_of")
    ahead = [n for n, when in enumerate(days) if not single or when > _days(found)[0]]
    along_axis = "by" if single else "as_of"
    own, base, days = own.isel({along_axis: ahead}), base.isel({along_axis: ahead}), [days[n] for n in ahead]
    panels = []
    for ending in ENDINGS:
        said = [] if single else [mark(a, q) for a, q in asked if ending in ENDINGS_OF.get(q.outcome, ())]
        if float(own.sel(ending=ending).max()) < SMALL and not said and ending != kind:
            continue
        title = who.ending(ending)
        drawn = _lines(found, own.sel(ending=ending), base.sel(ending=ending))
        panels.append(Panel(title[:1].upper() + title[1:], drawn, said, ending == kind))
    panels.sort(key=lambda p: (not p.happened, -max(float(np.nanmax(line)) for line in p.lines.values())))
    office = [] if single else [mark(a, q) for a, q in asked if q.outcome in OFFICE]
    if office:
        low = own.sel(ending=list(OUT)).sum("ending")
        high = low + own.sel(ending="force")
        both = {p: np.stack([low.sel(priors=p).values, high.sel(priors=p).values]) for p in _priors(found)}
        panels.append(Panel(f"{who.target} out of office (band: force does not, or does remove)", both, office))
    span = (min(days) - dt.timedelta(days=case.crisis.round_days), max(days))
    events = []
    for turn in along.turns:
        for side, half in turn.halves.items():
            when = event_day(half.event) if half.event is not None else None
            move = next((o.move for o in half.options if o.move.move in LANE), None)
            if move is not None and when is not None and (single is False) and span[0] <= when <= span[1]:
                title = (move.rung or LANE[move.move]).replace("-", " ").replace("_", " ")
                events.append((when, who.side(side), title))
    how = who.ending(kind) if kind is not None else "ended"
    return forecasts(
        days, panels, events, (ended, f"{how}, {ended.day} {ended:%b}") if ended is not None else None,
        "the crisis is over by (date)" if single else "as of (date)",
        f"Chance that the crisis is over with the ending {_ahead(found, None if single else horizon)}, with what was "
        "public by the day, each side in its own view. Marks: what was said then, a bar where words leave a range; "
        "letters as in the table; each to its own deadline."
        if asked and not single
        else f"Chance that the crisis is over with the ending by the date, as of {day(_days(found)[0])}."
        if single
        else f"Chance that the crisis is over with the ending {_ahead(found, horizon)}, from what was public by then.",
    )  # fmt: skip


def _lines(found: xr.Dataset, own: xr.DataArray, base: xr.DataArray) -> dict[str, np.ndarray]:
    drawn = {p: np.asarray(own.sel(priors=p)) for p in _priors(found)}
    first = _priors(found)[0]
    return drawn | ({"base": np.asarray(base.sel(priors=first))} if first == "generic" else {})


def _table(found: xr.Dataset, who: Names, horizon: int | None) -> Table:
    """Chances as of each day (or of some of them), generic priors first."""
    chance = by_horizon(found, horizon)
    endings = sorted(ENDINGS, key=lambda e: -float(chance.sel(ending=e).max()))[:4]
    endings = [e for e in endings if float(chance.sel(ending=e).max()) >= SMALL] or endings[:1]
    days = _days(found)
    rows = []
    for prior in _priors(found):
        for n in _shown(found):
            rough = _rough(found, prior, n)
            here = chance.sel(priors=prior).isel(as_of=n)
            cells = [Cell(percent(float(here.sel(ending=e))), faint=rough) for e in endings]
            if horizon is not None:
                cells.append(Cell(percent(max(1 - float(here.sum()), 0.0)), faint=rough))
            rows.append(row(prior, str(days[n]), *cells))
    return Table(
        f"Chances {_ahead(found, horizon)}",
        ("Priors", "As of", *(who.ending(e) for e in endings), *(["not over"] if horizon is not None else [])),
        tuple(rows), "grey: rough, few draws or crises stand behind it",
    )  # fmt: skip


def _answer(case: Case, found: xr.Dataset, who: Names, horizon: int | None) -> str:
    """What the model said first and last, and how it ended, in sentences."""
    chance, days = by_horizon(found, horizon), _days(found)
    parts = []
    for prior in _priors(found):
        here = chance.sel(priors=prior)
        said = []
        for n in sorted({0, len(days) - 1}):
            top = np.argsort(-here.isel(as_of=n).values)[:2]
            each = [f"{who.ending(ENDINGS[k])} {percent(float(here.isel(as_of=n)[int(k)]))}" for k in top]
            said.append(f"as of {day(days[n])} {listed(each)}")
        parts.append(f"On {PRIORS.get(prior, prior)}, likeliest {'; '.join(said)}.")
    ending = record(case).ending
    kind = ending_of(case, ending)
    if kind is not None and ending is not None and ending.date.on is not None:
        last = [
            f"{percent(float(chance.sel(priors=p, ending=kind)[-1]))} on {PRIORS.get(p, p)}" for p in _priors(found)
        ]
        parts.append(
            f"It ended by {who.ending(kind)} on {day(ending.date.on)}, which on the last day had {listed(last)}."
            if kind != "back-down"
            else f"{who.coercer} backed down on {day(ending.date.on)}, which on the last day had {listed(last)}."
        )
    return " ".join(parts)


def _head(case: Case, found: xr.Dataset) -> dict[str, Any]:
    a = found.attrs
    marks = []
    if "case" in _priors(found):
        marks.append("The case’s numbers were written with hindsight")
    if _told(found):
        marks.append(f"With hindsight: {count(len(_told(found)), 'number')} not public by then")
    unsolved = "" if str(a["solved"]).startswith("All") else str(a["solved"])
    return {
        "title": f"{case.crisis.title}: forecasts",
        "lead": "How the crisis was going to end, from what was public as of each day.",
        "alarm": " ".join(filter(None, [unsolved, alarm(found)])),
        "marks": marks,
        "facts": [
            ("As of", listed(sorted({str(_days(found)[0]), str(_days(found)[-1])}, key=str), "to")
             + f" ({count(found.sizes['as_of'], 'day')})"),
            ("Priors", "; ".join(PRIORS.get(p, p) for p in _priors(found))),
            ("Computed", f"{a['draws']} draws of the numbers, {a['tellings']} crises played on from each day and draw, "
             f"seed {a['seed']}"),
            ("Solved", str(a["solved"])), ("Made by", f"standoff {a['version']}, case {str(a['digest'])[:12]}"),
        ],
    }  # fmt: skip


def _appendix(found: xr.Dataset, who: Names, horizon: int | None) -> list[Table]:
    """All endings on all days, in own views and in the base, with what stands behind each row."""
    own, base = by_horizon(found, horizon), by_horizon(found, horizon, "chance_base")
    rows = []
    for prior in _priors(found):
        for n, when in enumerate(_days(found)):
            here = found.sel(priors=prior).isel(as_of=n)
            for views, chance in (("own views", own), ("base view", base)):
                cells = [percent(float(chance.sel(priors=prior, ending=e)[n])) for e in ENDINGS]
                behind = (f"{float(here[k]):.0f}" for k in ("effective", "paths"))
                k = f"{float(here['pareto_k']):.2f}".replace("-", "−")
                rows.append(row(prior, str(when), views, *cells, *behind, k))
    heads = ("Priors", "As of", "Each in", *(who.ending(e) for e in ENDINGS), "Effective draws", "crises", "Pareto k")
    return [Table(f"Chances {_ahead(found, horizon)}", heads, tuple(rows), wordy=(2,))]


def _csv(content: dict[str, Any]) -> str:
    """A row for each priors, day, ending and end of round."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["priors", "as_of", "ending", "by", "chance", "chance_base"])
    for one in content["forecasts"]:
        for by, chance in one["chance"].items():
            writer.writerow([one["priors"], one["as_of"], one["ending"], by, chance, one["chance_base"][by]])
    return text.getvalue()
