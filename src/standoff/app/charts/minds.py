"""Charts of the Minds page: what each believed, and how far off what it expected was."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from standoff.app.charts.look import (
    BASE,
    INK,
    LINE,
    OWN,
    SOFT,
    Options,
    apart,
    at,
    axis,
    band,
    chances,
    chart,
    dates,
    end_label,
    grid,
    line,
    narrow,
    plain,
)

WIDTH, LETTER = 520.0, 6.0
"""Pixels of a belief's axis, about, and of a letter above it."""
TIER, TIERS = 11, 3
"""Height of a line of names of moves, pixels, and how many there may be."""
POINTS = "v => (Math.round(v * 1000) / 10).toString().replace('-', '−')"


@dataclass(frozen=True)
class Course:
    """A quantity by round: percentiles 5, 25, 50, 75, 95 (axes percentile, round) and the base's line."""

    title: str
    own: np.ndarray
    base: np.ndarray | None = None


def belief(days: Sequence[dt.date], course: Course, moves: Sequence[str] = ()) -> Options:
    """A belief by round in its own view with bands, and in the base view dashed; `moves`: the other's, by round."""
    x = [at(day) for day in days]
    said = _said(days, course, moves)
    ends = [course.own[2, -1], *([course.base[-1]] if course.base is not None else [])]
    shift = apart([float(e) for e in ends], 0.0, 1.0)
    series = [
        *band("wide", x, course.own[0], course.own[4], OWN),
        *band("narrow", x, course.own[1], course.own[3], OWN, 0.26),
        line("own view", x, course.own[2], OWN, said=said, id="own", **end_label("own view", OWN, shift[0])),
    ]  # fmt: skip
    if course.base is not None:
        series.append(line("base view", x, course.base, BASE, dash=[6, 4], symbol="diamond", filled=False, said=said,
                           **end_label("base view", BASE, shift[-1])))  # fmt: skip
    first, last = course.own[2, 0], course.own[2, -1]
    marks = _marks(x, moves)
    if marks:
        series[4]["markLine"] = {
            "symbol": "none", "silent": True, "data": marks, "animation": False,
            "lineStyle": {"color": LINE, "type": "dotted", "width": 1},
            "label": {"color": SOFT, "fontSize": 10.5, "rotate": 0, "position": "end"},
        }  # fmt: skip
    return narrow(chart(
        f"{course.title}: from {first:.0%} to {last:.0%} by round, 5th to 95th percentile at last "
        f"{course.own[0, -1]:.0%} to {course.own[4, -1]:.0%}.",
        grid=grid(right=76, top=13 + TIER * max(1, len({mark["label"]["distance"] for mark in marks})), bottom=34),
        xAxis=dates("round beginning (date)", nameGap=20), yAxis=chances("chance, %"), series=series,
        tooltip=_axis_tip(),
    ), series={"own": {"markLine": {"label": {"show": False}}}})  # fmt: skip


def _marks(x: Sequence[int], moves: Sequence[str]) -> list[Options]:
    """Lines that name the moves by round; names that would cover one another stand above one another."""
    span = max(x[-1] - x[0], 1)
    free = [-LETTER] * TIERS
    found: list[Options] = []
    for day, move in zip(x, moves, strict=False):
        if not move:
            continue
        middle, half = WIDTH * (day - x[0]) / span, LETTER * len(move) / 2
        left = not found and middle < half
        start, end = (middle, middle + 2 * half) if left else (middle - half, middle + half)
        tier = next((k for k in range(TIERS) if start > free[k]), min(range(TIERS), key=free.__getitem__))
        free[tier] = end + LETTER
        found.append({
            "xAxis": day, "label": {"formatter": plain(move), "distance": 3 + TIER * tier,
                                    **({"align": "left"} if left else {})},
        })  # fmt: skip
    return found


def gap(days: Sequence[dt.date], course: Course) -> Options:
    """What was expected of a move less what its mover would have done, by round."""
    x = [at(day) for day in days]
    said = _said(days, course, (), signed=True)
    every = [course.own] + ([course.base[None]] if course.base is not None else [])
    low, high = (min(float(e.min()) for e in every), max(float(e.max()) for e in every))
    reach = max(abs(low), abs(high), 0.02)
    bottom, top = min(low * 1.12, -0.25 * reach), max(high * 1.12, 0.25 * reach)
    ends = [course.own[2, -1], *([course.base[-1]] if course.base is not None else [])]
    shift = apart([float(e) for e in ends], bottom, top, 90.0)
    own = line("own views", x, course.own[2], OWN, said=said, **end_label("own views", OWN, shift[0]))
    own["markLine"] = {
        "symbol": "none", "silent": True, "data": [{"yAxis": 0}], "label": {"show": False},
        "lineStyle": {"color": INK, "type": "solid", "width": 1},
    }  # fmt: skip
    series = [*band("wide", x, course.own[0], course.own[4], OWN),
              *band("narrow", x, course.own[1], course.own[3], OWN, 0.26), own]  # fmt: skip
    if course.base is not None:
        series.append(line("both in base", x, course.base, BASE, dash=[6, 4], symbol="diamond", filled=False,
                           said=said, **end_label("both in base", BASE, shift[-1])))  # fmt: skip
    n = int(np.abs(course.own[2]).argmax())
    return chart(
        f"{course.title}: widest {100 * course.own[2, n]:+.1f} points in the round from {days[n]}.".replace("-", "−"),
        grid=grid(right=88, top=10, bottom=34),
        xAxis=dates("round beginning (date)", nameGap=20),
        yAxis=axis("value", "gap, points", nameGap=34, min=round(bottom, 3), max=round(top, 3),
                   axisLabel={":formatter": POINTS, "showMinLabel": False, "showMaxLabel": False},
                   axisLine={"show": False}, axisTick={"show": False}),
        series=series, tooltip=_axis_tip(),
    )  # fmt: skip


def _said(days: Sequence[dt.date], course: Course, moves: Sequence[str], *, signed: bool = False) -> list[str]:
    form = "{:+.1f}" if signed else "{:.0f}"
    found = []
    for k, day in enumerate(days):
        low, middle, high = (form.format(100 * course.own[p, k] + 0.0).replace("-", "−") for p in (0, 2, 4))
        text = f"{day.day} {day:%b %Y}\nown view {middle} ({low} to {high})"
        if course.base is not None:
            text += f"\nbase view {form.format(100 * course.base[k] + 0.0)}".replace("-", "−")
        if k < len(moves) and moves[k]:
            text += f"\nmove on record: {moves[k]}"
        found.append(text)
    return found


def _axis_tip() -> Options:
    from standoff.app.charts.look import LINE as border
    from standoff.app.charts.look import PAPER, TOLD

    script = TOLD.replace(
        "Array.isArray(p) ? p[0] : p", "Array.isArray(p) ? (p.find(q => q.data && q.data.said) || p[0]) : p"
    )
    return {"trigger": "axis", "confine": True, "backgroundColor": PAPER, "borderColor": border,
            "textStyle": {"color": INK}, ":formatter": script}  # fmt: skip
