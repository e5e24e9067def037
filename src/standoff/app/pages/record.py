"""Record: everybody's forecasts on the same questions, what came about, and what that is worth."""

import datetime as dt

import numpy as np
import xarray as xr
from nicegui import ui

from standoff.app import blocks
from standoff.app.charts import record as charts
from standoff.app.data import Desk
from standoff.app.shell import Page, State
from standoff.forecast.climatology import classes
from standoff.forecast.score import comparable, scored
from standoff.forecast.words import Range
from standoff.show.figures.scores import MARKS, Answered
from standoff.show.screens import scores as screen
from standoff.show.screens.screen import Table
from standoff.show.words import day, ending_of
from standoff.simulate.record import event_day
from standoff.simulate.results import ENDINGS

QUESTION = screen.QUESTION
SIGNS = {"model-generic": "●", "model-case": "○", "person": "■", "market": "◆"}
PRIORS = {"generic": "on generic priors", "case": "on the case’s numbers (hindsight)"}
LEAST, MOST = 0.02, 6


def build(desk: Desk, state: State) -> None:
    """Every scored forecast and the model's own by day on the left, scores on the right."""
    data = desk.data("scores")
    blocks.head(QUESTION, screen.answer(data) if data is not None else "")
    with blocks.columns("1.05fr 1fr"):
        with blocks.column():
            if data is not None and scored(data).any():
                rows, split = asked(data)
                with blocks.card("What was said, and what came about", weight=1.7,
                                 note="Above the line: on the ending; below: on other things."):  # fmt: skip
                    used = [key for key in MARKS if any(key in row.given for row in rows)]
                    blocks.legend([*((SIGNS[key], MARKS[key][3]) for key in used),
                                   ("grey", "past cases, lowest to highest class"), ("▶ ◀", "the answer")])  # fmt: skip
                    blocks.chart(charts.answers(rows, split), tall=520)
            _forecasts(desk, state)
        with blocks.column():
            if data is None:
                with blocks.card("Scores"):
                    if desk.run is None:
                        blocks.missing(desk, "run", "Scores are kept with a run of the case.")
                    else:
                        blocks.missing(desk, "scores")
            else:
                tables = desk.keep("record tables", lambda: _tables(data))
                with blocks.card(""), blocks.scroll("Scores on the ending"):
                    blocks.table(tables[0])
                    blocks.words(screen.moved(data))
                    for table in tables[1]:
                        blocks.table(table)
                with blocks.card(""), blocks.scroll("Who said it, past cases, and what words were taken to mean"):
                    for table in tables[2]:
                        blocks.table(table)
                    blocks.text("p", screen.note(data), "note")


def _tables(data: xr.Dataset) -> tuple[Table, list[Table], list[Table]]:
    """Scores on the ending; skill in pairs; who said it, past cases, each forecast, and words."""
    rest = [screen.everyone(data), screen.references(data, bands=False), screen.each(data), screen.spoken(data)]
    return screen.headline(data), screen.paired(data, bands=False), rest


def asked(data: xr.Dataset) -> tuple[list[Answered], int]:
    """Every scored forecast as a row, those on the ending first, and how many these are."""
    on_ending, every = comparable(data), scored(data)
    order = [int(i) for i in (*np.flatnonzero(on_ending), *np.flatnonzero(every & ~on_ending))]
    rows = []
    for i in order:
        one = data.isel(forecast=i)
        given = {str(one["kind"].item()): screen.range_of(one, "said")}
        for name in ("model-generic", "model-case"):
            if np.isfinite(one["chance"].sel(forecaster=name).values).all():
                given[name] = screen.range_of(one, name)
        past = one["chance"].sel(forecaster=list(classes()), bound="mid").values
        past = past[np.isfinite(past)]
        made = dt.date.fromisoformat(str(one["made"].item())) if one["made"].item() else None
        when = f"{made.day} {made:%b}" if made else "undated"
        band = Range(float(past.min()), float(np.median(past)), float(past.max())) if len(past) else None
        rows.append(Answered(f"{when}. {one['question'].item()}", bool(one["observed"] == 1), given, band))
    return rows, int(on_ending.sum())


def _forecasts(desk: Desk, state: State) -> None:
    data = desk.data("forecast")
    with blocks.card("What the model forecast, as of each day"):
        if data is None:
            if desk.run is not None:
                blocks.missing(desk, "forecast")
            else:
                blocks.text("p", "Not computed yet.")
            return
        options = {name: PRIORS[name] for name in (str(p) for p in data["priors"].values) if name in PRIORS}
        default = next(iter(options))

        @ui.refreshable
        def curves() -> None:
            found = by_day(desk, data, state.chosen("priors", list(options), default))
            blocks.chart(charts.forecasts(*found), tall=300)

        with blocks.tag("div", "controls beside"):
            ui.select(
                options, value=state.chosen("priors", list(options), default),
                on_change=lambda e: state.set(curves.refresh, priors="" if e.value == default else e.value),
            ).props('dense borderless options-dense aria-label="Whose numbers"')  # fmt: skip
        curves()
        blocks.text("p", "Chance of each ending by the end of the last round, from what was public on the day.", "note")


def by_day(
    desk: Desk, data: xr.Dataset, priors: str
) -> tuple[list[dt.date], list[tuple[str, str, np.ndarray]], tuple[dt.date, str] | None]:
    """The chances of the likeliest endings, and of what happened, by the end of the crisis as of each day."""
    last = data["chance"].sel(priors=priors).isel(by=-1)
    days = [dt.date.fromisoformat(str(d)[:10]) for d in data["as_of"].values]
    event = desk.along.ending
    real = ending_of(desk.loaded.case, event)
    curves = [(key, desk.names.ending(key), np.asarray(last.sel(ending=key))) for key in ENDINGS]
    order = sorted((c for c in curves if np.nanmax(c[2]) > LEAST), key=lambda c: -float(np.nanmax(c[2])))[:MOST]
    order += [c for c in curves if c[0] == real and all(c[0] != o[0] for o in order)]
    date = event_day(event) if event else None
    return days, order, (date, f"{desk.names.ending(real)}, {day(date)}") if real and date else None


PAGE = Page("/record", "Record", build)
