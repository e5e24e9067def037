"""Charts of the Endings page: chances of the endings, by which week, and the zone of agreement."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from standoff.app.charts.look import (
    BASE,
    COERCER,
    ENDING_LOOK,
    FONT,
    INK,
    OWN,
    PAPER,
    PERCENT,
    TARGET,
    Options,
    apart,
    at,
    axis,
    band,
    bars,
    chances,
    chart,
    dates,
    end_label,
    grid,
    line,
    narrow,
    plain,
    words_at,
)
from standoff.show.figures.deal import Spot
from standoff.show.summary import Chance
from standoff.show.words import give_or_take, percent, said

WORTH = "v => (Math.round(v * 100) / 100).toString().replace('-', '−')"


def endings(rows: Sequence[tuple[str, Chance, Chance, bool]]) -> Options:
    """Dots and intervals by ending, likeliest first: (title, own views, base view, whether it is what happened)."""
    places = [float(k) for k in range(len(rows))][::-1]
    high = round(min(1.0, max(max(own.high, base.high) for _, own, base, _ in rows) * 1.06 + 0.005), 3)
    series: list[Options] = []
    for title, pick, up, colour, symbol, filled in (
        ("own views", "own", 0.17, OWN, "circle", True), ("base view", "base", -0.17, BASE, "diamond", False),
    ):  # fmt: skip
        found = [own if pick == "own" else base for _, own, base, _ in rows]
        near = [(max(c.mean - c.error, 0.0), min(c.mean + c.error, 1.0)) for c in found]
        series += [bars([c.low for c in found], [c.high for c in found], places, up, colour, 1.2, 1.0),
                   bars([a for a, _ in near], [b for _, b in near], places, up, colour, 5.0, 0.5)]  # fmt: skip
        series.append({
            "type": "scatter", "name": title, "symbol": symbol, "symbolSize": 10, "z": 5,
            "emphasis": {"disabled": True},
            "data": [
                {"value": [round(c.mean, 4), y + up], "said": f"{row[0]}\n{title}: {said(c)} over the parameters",
                 }
                for row, c, y in zip(rows, found, places, strict=True)
            ],
            "itemStyle": {"color": colour if filled else PAPER, "borderColor": colour, "borderWidth": 2, "opacity": 1},
        })  # fmt: skip
        told = [(high, y + up, f"{percent(c.mean)} {give_or_take(c.error)}", False)
                for c, y in zip(found, places, strict=True)]  # fmt: skip
        series.append(words_at(told, "right", colour))
    words = "; ".join(f"{t}: own views {percent(o.mean)}, base view {percent(b.mean)}" for t, o, b, _ in rows)
    names = [(0.0, y, f"{'★ ' if row[3] else ''}{row[0]}", row[3]) for row, y in zip(rows, places, strict=True)]
    return narrow(chart(
        f"Chance of each ending, with each side in its own view and with both in the base view. {words}.",
        grid=grid(left=190, right=86, top=2, bottom=36),
        xAxis=axis("value", "chance of the ending, % of simulated crises", min=0, max=high, nameGap=21,
                   axisLabel={":formatter": PERCENT, "showMaxLabel": False}, axisLine={"onZero": False}),
        yAxis=axis("value", "", min=-0.6, max=len(rows) - 0.4, interval=1, axisTick={"show": False},
                   axisLine={"show": False}, splitLine={"show": False}, axisLabel={"show": False}),
        series=[*series, words_at(names, "left", INK, "names")],
    ), grid={"left": 116}, series={"names": {"label": {"width": 104, "overflow": "break", "lineHeight": 13}}},
    )  # fmt: skip


def timing(
    days: Sequence[dt.date], curves: Sequence[tuple[str, str, np.ndarray, bool]], happened: tuple[dt.date, str] | None
) -> Options:
    """Cumulative chances by the end of each round: (ending, title, chances[round, draw], whether it happened)."""
    x = [at(day) for day in days]
    tops = [float(np.quantile(c, 0.95, axis=1).max()) if real else float(c.mean(1).max()) for _, _, c, real in curves]
    top = min(1.0, max([0.1, *tops]) * 1.1)
    shift = apart([float(c.mean(1)[-1]) for _, _, c, _ in curves], 0.0, top, 170.0)
    series: list[Options] = []
    for (key, title, values, real), down in zip(curves, shift, strict=True):
        dash, colour = ENDING_LOOK[key]
        mean = values.mean(1)
        if real:
            low, high = np.quantile(values, [0.05, 0.95], axis=1)
            series += band("happened", x, low, high, colour)
        told = [f"by {d.day} {d:%b %Y}\n{title}: {percent(float(v))}" for d, v in zip(days, mean, strict=True)]
        name = f"{percent(float(mean[-1]))} {title}"
        series.append(line(title, x, mean, colour, dash=dash, symbol="circle", width=3.0 if real else 2.0, said=told,
                           **end_label(name, colour, down, bold=real)) | {"symbolSize": 4})  # fmt: skip
    if happened is not None and series:
        series[-1]["markLine"] = {
            "symbol": "none", "silent": True, "animation": False, "data": [{"xAxis": at(happened[0])}],
            "lineStyle": {"color": INK, "type": [2, 2], "width": 1.4},
            "label": {"formatter": plain(f"what happened: {happened[1]}"), "color": INK, "fontSize": FONT - 1,
                      "position": "end", "distance": 4},
        }  # fmt: skip
    words = "; ".join(f"{title} reaches {percent(float(c.mean(1)[-1]))}" for _, title, c, _ in curves)
    ended = f" What happened: {happened[1]}." if happened else ""
    return narrow(chart(
        f"Cumulative chance of the endings by date. {words}.{ended}",
        grid=grid(left=46, right=172, top=22, bottom=34), xAxis=dates("end of the round (date)", nameGap=20),
        yAxis=chances("ended so by then, %", high=top, gap=30, axisLabel={"showMaxLabel": False}), series=series,
    ), grid={"right": 132})  # fmt: skip


def deal(
    spots: Sequence[Spot], happened: Spot, going_on: tuple[float, float] | None, labels: dict[str, str]
) -> Options:
    """A map of packages: x worth to the coercer, y worth to the target; the zone that both prefer shaded.

    `labels`: x, y, coercer, target (what each expected of going on), zone.
    """
    xs = [s.x for s in spots] + [happened.x, *([going_on[0]] if going_on else [])]
    ys = [s.y for s in spots] + [happened.y, *happened.up, *([going_on[1]] if going_on else [])]
    px, py = 0.09 * (max(xs) - min(xs) + 0.1), 0.12 * (max(ys) - min(ys) + 0.1)
    frame = (min(xs) - px, max(xs) + px, min(ys) - py, max(ys) + py)
    series: list[Options] = [_zone(happened, going_on, frame, labels)]
    for side, symbol, colour in (("coercer", "circle", COERCER), ("target", "rect", TARGET)):
        mine = _together([s for s in spots if s.by == side], frame)
        if mine:
            series.append({
                "type": "scatter", "name": labels[f"by_{side}"], "symbol": symbol, "symbolSize": 19, "z": 5,
                "emphasis": {"disabled": True},
                "data": [
                    {"value": [round(s.x, 4), round(s.y, 4)], "name": s.label,
                     "said": f"{s.title}\nworth {s.x:.2f} and {s.y:.2f}".replace("-", "−"),
                     "label": {"formatter": s.label}} for s in mine
                ],
                "label": {"show": True, "color": INK, "fontSize": FONT - 1, "fontWeight": "bold"},
                "itemStyle": {"color": PAPER, "borderColor": colour, "borderWidth": 2, "opacity": 1},
            })  # fmt: skip
    series.append({
        "type": "scatter", "z": 6, "symbol": "path://M0,2 L2,0 L5,3 L8,0 L10,2 L7,5 L10,8 L8,10 L5,7 L2,10 L0,8 L3,5 Z",
        "symbolSize": 15, "itemStyle": {"color": INK, "opacity": 1}, "emphasis": {"disabled": True},
        "data": [{"value": [round(happened.x, 4), round(happened.y, 4)],
                  "said": f"{happened.title}\nworth {happened.x:.2f} and {happened.y:.2f}".replace("-", "−")}],
        "label": {"show": True, "position": "bottom", "formatter": plain(happened.title), "color": INK,
                  "fontWeight": "bold", "fontSize": FONT},
    })  # fmt: skip
    words = "; ".join(f"{s.label} {s.title}: {s.x:.2f} and {s.y:.2f}" for s in spots)
    tail = f" Going on was expected to be worth {going_on[0]:.2f} and {going_on[1]:.2f}." if going_on else ""
    return chart(
        f"Worth of each package to the two sides in the base view. {words}. {happened.title}: {happened.x:.2f} and "
        f"{happened.y:.2f}.{tail}",
        grid=grid(left=50, right=14, top=8, bottom=36),
        xAxis=axis("value", labels["x"], min=round(frame[0], 3), max=round(frame[1], 3), nameGap=21,
                   axisLabel={":formatter": WORTH, "showMinLabel": False, "showMaxLabel": False}),
        yAxis=axis("value", labels["y"], min=round(frame[2], 3), max=round(frame[3], 3), nameGap=34,
                   axisLabel={":formatter": WORTH, "showMinLabel": False, "showMaxLabel": False}),
        series=series,
    )  # fmt: skip


def _together(spots: Sequence[Spot], frame: tuple[float, float, float, float]) -> list[Spot]:
    """Packages of one side whose marks would cover each other, as one mark with both numbers."""
    found: list[Spot] = []
    for one in spots:
        title = f"{one.label}. {one.title}"
        near = next((k for k, s in enumerate(found) if abs(s.x - one.x) < 0.02 * (frame[1] - frame[0])
                     and abs(s.y - one.y) < 0.04 * (frame[3] - frame[2])), None)  # fmt: skip
        if near is None:
            found.append(replace(one, title=title))
        else:
            old = found[near]
            found[near] = replace(old, label=f"{old.label},{one.label}", title=f"{old.title}\n{title}")
    return found


def _zone(
    happened: Spot,
    going_on: tuple[float, float] | None,
    frame: tuple[float, float, float, float],
    labels: dict[str, str],
) -> Options:
    """Shaded: better for both than what happened; dashed lines: what each expected of going on."""
    marks: list[Options] = []
    if going_on is not None:
        marks = [
            {"xAxis": going_on[0], "lineStyle": {"color": COERCER, "type": [6, 4]},
             "label": {"formatter": plain(labels["coercer"]), "color": COERCER, "position": "insideStartTop"}},
            {"yAxis": going_on[1], "lineStyle": {"color": TARGET, "type": [8, 3, 2, 3]},
             "label": {"formatter": plain(labels["target"]), "color": TARGET, "position": "insideStartTop"}},
        ]  # fmt: skip
    return {
        "type": "scatter", "data": [], "z": 1,
        "markArea": {
            "silent": True, "itemStyle": {"color": "var(--green)", "opacity": 0.13},
            "label": {"color": "var(--green)", "position": "insideTopRight", "fontSize": FONT},
            "data": [[{"coord": [happened.x, happened.y], "name": plain(labels["zone"])},
                      {"coord": [frame[1], frame[3]]}]],
        },
        "markLine": {"silent": True, "symbol": "none", "animation": False, "data": marks,
                     "label": {"fontSize": FONT - 1}, "lineStyle": {"width": 1.5}},
    }  # fmt: skip
