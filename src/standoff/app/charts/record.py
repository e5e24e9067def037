"""Charts of the Record page: what was said of each question, and the model's forecasts by day."""

import datetime as dt
from collections.abc import Sequence

import numpy as np

from standoff.app.charts.look import (
    BASE,
    ENDING_LOOK,
    FONT,
    INK,
    OWN,
    PAPER,
    Options,
    apart,
    at,
    axis,
    chances,
    chart,
    dates,
    end_label,
    grid,
    line,
    narrow,
    words_at,
)
from standoff.show.figures.scores import MARKS, Answered
from standoff.show.words import percent

LOOK = {
    "model-generic": ("circle", BASE, True), "model-case": ("circle", BASE, False), "person": ("rect", OWN, True),
    "market": ("diamond", "var(--purple)", True),
}  # fmt: skip
"""Marker, colour and filling of whoever said something."""


def answers(rows: Sequence[Answered], split: int) -> Options:
    """A row a question: past cases grey, ranges and marks of who said what, and a triangle where the answer was."""
    places = [float(k) for k in range(len(rows))][::-1]
    series: list[Options] = [_past(rows, places)]
    for key, (symbol, colour, filled) in LOOK.items():
        points, broken = [], []
        for row, y in zip(rows, places, strict=True):
            if key not in row.given:
                continue
            keys = list(row.given)
            up = 0.2 * ((len(keys) - 1) / 2 - keys.index(key))
            r = row.given[key]
            broken += [[r.low, y + up], [r.high, y + up], [None, None]]
            points.append({"value": [round(r.mid, 4), y + up],
                           "said": f"{row.title}\n{MARKS[key][3]}: {r.low:.0%} to {r.high:.0%}"})  # fmt: skip
        if points:
            series += [
                {"type": "line", "symbol": "none", "silent": True, "data": broken, "z": 3,
                 "emphasis": {"disabled": True},
                 "lineStyle": {"color": colour, "width": 3.5, "opacity": 0.45}},
                {"type": "scatter", "name": MARKS[key][3], "symbol": symbol, "symbolSize": 9, "z": 5, "data": points,
                 "emphasis": {"disabled": True},
                 "itemStyle": {"color": colour if filled else PAPER, "borderColor": colour, "borderWidth": 2,
                               "opacity": 1}},
            ]  # fmt: skip
    ends = [{"value": [1.04 if row.observed else -0.04, y], "symbolRotate": 90 if row.observed else -90,
             "said": f"{row.title}\n{'it came about' if row.observed else 'it did not come about'}"}
            for row, y in zip(rows, places, strict=True)]  # fmt: skip
    series.append({"type": "scatter", "symbol": "triangle", "symbolSize": 10, "data": ends, "z": 6,
                   "emphasis": {"disabled": True}, "itemStyle": {"color": INK, "opacity": 1}})  # fmt: skip
    if 0 < split < len(rows):
        series[0]["markLine"] = {
            "symbol": "none", "silent": True, "data": [{"yAxis": len(rows) - split - 0.5}],
            "lineStyle": {"color": INK, "type": "solid", "width": 1},
            "label": {"show": False},
        }  # fmt: skip
    names = [(-0.08, y, row.title, False) for row, y in zip(rows, places, strict=True)]
    words = "; ".join(f"{r.title}: {'yes' if r.observed else 'no'}" for r in rows)
    return narrow(chart(
        f"Chances given to each question, and what happened. {words}.",
        grid=grid(left=322, right=12, top=2, bottom=36),
        xAxis=axis("value", "chance of a yes, %", min=-0.08, max=1.08, interval=0.25, nameGap=20, splitNumber=4,
                   axisLabel={":formatter": "v => ''"}, splitLine={"show": False}, axisLine={"onZero": False}),
        yAxis=axis("value", "", min=-0.6, max=len(rows) - 0.4, show=False),
        series=[*series, _scale(), words_at(names, "left", INK, "names", width=306, overflow="truncate",
                                               fontSize=FONT - 1)],
    ), grid={"left": 146}, series={"names": {"label": {"width": 134}}})  # fmt: skip


def _scale() -> Options:
    """Grid lines and numbers of the axis at the quarters, which begin before 0."""
    marks = [{"xAxis": v, "label": {"formatter": f"{100 * v:.0f}"}} for v in (0, 0.25, 0.5, 0.75, 1)]
    return {
        "type": "scatter", "data": [],
        "markLine": {"symbol": "none", "silent": True, "animation": False, "data": marks, "z": 1,
                     "lineStyle": {"color": "var(--grid)", "type": "solid", "width": 1},
                     "label": {"position": "start", "color": INK, "fontSize": FONT, "distance": 4}},
    }  # fmt: skip


def _past(rows: Sequence[Answered], places: Sequence[float]) -> Options:
    broken: list[list[object]] = []
    for row, y in zip(rows, places, strict=True):
        if row.past is not None:
            broken += [[row.past.low, y], [max(row.past.high, row.past.low + 0.004), y], [None, None]]
    return {"type": "line", "symbol": "none", "silent": True, "data": broken, "z": 2, "emphasis": {"disabled": True},
            "lineStyle": {"color": "var(--line)", "width": 13, "opacity": 0.45}}  # fmt: skip


def forecasts(
    days: Sequence[dt.date], curves: Sequence[tuple[str, str, np.ndarray]], happened: tuple[dt.date, str] | None
) -> Options:
    """The model's chances of the endings by the end of the crisis, as of each day: (ending, title, chances)."""
    x = [at(day) for day in days]
    top = min(1.0, max([0.1, *(float(c.max()) for _, _, c in curves)]) * 1.08)
    shift = apart([float(c[-1]) for _, _, c in curves], 0.0, top, 130.0)
    series: list[Options] = []
    for (key, title, values), down in zip(curves, shift, strict=True):
        dash, colour = ENDING_LOOK[key]
        told = [f"as of {d.day} {d:%b %Y}\n{title}: {percent(float(v))}" for d, v in zip(days, values, strict=True)]
        series.append(line(title, x, values, colour, dash=dash, said=told,
                           **end_label(f"{percent(float(values[-1]))} {title}", colour, down, bold=False)))  # fmt: skip
    words = "; ".join(f"{t}: {percent(float(c[0]))} at first, {percent(float(c[-1]))} at last" for _, t, c in curves)
    ended = f" What happened: {happened[1]}." if happened else ""
    return narrow(chart(
        f"The model’s forecasts of the ending, as of each day. {words}.{ended}",
        grid=grid(left=46, right=196, top=8, bottom=34), xAxis=dates("as of (date)", nameGap=20),
        yAxis=chances("chance by the end, %", high=top, gap=30, axisLabel={"showMaxLabel": False}),
        series=series,
    ), grid={"right": 132})  # fmt: skip
