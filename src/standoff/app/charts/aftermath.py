"""Charts of the Aftermath page: who leads, which order stands, and the region's course."""

from collections.abc import Sequence

import numpy as np

from standoff.app.charts.look import (
    BASE,
    ENDING_LOOK,
    FONT,
    INK,
    OWN,
    PAPER,
    PERCENT,
    PLAIN,
    PLAIN_FACE,
    Options,
    axis,
    band,
    bars,
    chart,
    grid,
    hatch,
    line,
    narrow,
    words_at,
)
from standoff.show.figures.aftermath import ENDING_OF, ORDER_TITLES, Course
from standoff.show.words import percent

ORDER_LOOK = {
    "same_regime": ("#4d4d4d", PLAIN_FACE),
    "new_autocracy": ("#a5a5a5", hatch(2, 4, 0.785, "rgba(0,0,0,.6)")),
    "democracy": ("#cfe6f5", PLAIN_FACE),
    "nobody": ("#ffffff", {"symbol": "circle", "dashArrayX": [[4, 5], [0, 5, 4, 0]], "dashArrayY": [4, 0],
                           "symbolSize": 0.5, "color": "rgba(0,0,0,.55)"}),
}  # fmt: skip


def leads(names: Sequence[str], title: str, values: np.ndarray, days: Sequence[int]) -> Options:
    """Who leads after one exit: chances (horizon, leader, draw) on the first and the last day."""
    places = [float(k) for k in range(len(names))][::-1]
    top = round(min(1.0, max(0.1, float(np.quantile(values[[0, -1]], 0.95, axis=-1).max())) * 1.04), 3)
    series: list[Options] = []
    for k, up, colour, symbol, filled in ((0, 0.17, BASE, "circle", True), (-1, -0.17, OWN, "diamond", False)):
        low, high = np.quantile(values[k], [0.05, 0.95], axis=-1)
        mean = values[k].mean(-1)
        series.append(bars(list(low), list(high), places, up, colour, 1.6, 1.0))
        series.append({
            "type": "scatter", "symbol": symbol, "symbolSize": 9, "z": 5, "emphasis": {"disabled": True},
            "itemStyle": {"color": colour if filled else PAPER, "borderColor": colour, "borderWidth": 2, "opacity": 1},
            "data": [
                {"value": [round(float(m), 4), y + up],
                 "said": f"{name}, {days[k]} days after {title}\n{percent(float(m))} ({a:.0%} to {b:.0%})"}
                for name, m, a, b, y in zip(names, mean, low, high, places, strict=True)
            ],
        })  # fmt: skip
        told = [(top, y + up, percent(float(m)), False) for m, y in zip(mean, places, strict=True)]
        series.append(words_at(told, "right", colour))
    rows = [(0.0, y, name, False) for name, y in zip(names, places, strict=True)]
    words = ", ".join(f"{name} {percent(float(a))}, then {percent(float(b))}"
                      for name, a, b in zip(names, values[0].mean(-1), values[-1].mean(-1), strict=True))  # fmt: skip
    return narrow(chart(
        f"Chance of leading {days[0]} and {days[-1]} days after {title}: {words}.",
        grid=grid(left=178, right=62, top=2, bottom=36),
        xAxis=axis("value", "chance of leading, %", min=0, max=top, nameGap=21,
                   axisLabel={":formatter": PERCENT, "showMaxLabel": False}, axisLine={"onZero": False}),
        yAxis=axis("value", "", min=-0.6, max=len(names) - 0.4, show=False),
        series=[*series, words_at(rows, "left", INK, "names", width=168, overflow="truncate")],
    ), grid={"left": 116}, series={"names": {"label": {"width": 106, "overflow": "break", "lineHeight": 13}}},
    )  # fmt: skip


def orders(rows: Sequence[tuple[str, np.ndarray, np.ndarray]], order: Sequence[str], days: Sequence[int]) -> Options:
    """Orders as stacked bars: by exit (title, mean chance by day and order, base rate by order)."""
    names, values = [], []
    for title, chances, base in rows:
        for day, chance in zip(days, chances, strict=True):
            names.append(f"{title}, {day} days")
            values.append(chance)
        names.append("    base rate")
        values.append(base)
    series: list[Options] = []
    for k, one in enumerate(order):
        colour, decal = ORDER_LOOK[one]
        series.append({
            "type": "bar", "name": ORDER_TITLES[one], "stack": "all", "barCategoryGap": "18%",
            "emphasis": {"disabled": True},
            "itemStyle": {"color": colour, "borderColor": "#333", "borderWidth": 0.7, "decal": decal},
            "data": [
                {"value": round(float(v[k]), 4), "said": f"{n.strip()}\n{ORDER_TITLES[one]}: {percent(float(v[k]))}",
                 "label": {"show": float(v[k]) >= 0.07, "formatter": f"{100 * float(v[k]):.0f}"}}
                for n, v in zip(names, values, strict=True)
            ],
            "label": {"position": "inside", "fontSize": FONT - 1.5, "color": "#fff" if one == "same_regime" else "#111",
                      "backgroundColor": "transparent" if decal is PLAIN_FACE else "#fff", "padding": [1, 2],
                      "lineHeight": FONT - 1},
        })  # fmt: skip
    words = "; ".join(f"{n.strip()}: " + ", ".join(f"{ORDER_TITLES[o]} {percent(float(v[k]))}"
                                                   for k, o in enumerate(order))
                      for n, v in zip(names, values, strict=True))  # fmt: skip
    found = chart(
        f"Which order stands after each exit. {words}.",
        grid=grid(left=4, right=16, top=24, bottom=20, containLabel=True),
        legend={"top": 0, "left": 0, "itemWidth": 18, "itemHeight": 12, "itemGap": 14, "selectedMode": False,
                "textStyle": {"color": INK, "fontSize": FONT - 1}, "itemStyle": {"borderWidth": 0.7}},
        xAxis=axis("value", "chance, %", min=0, max=1, nameGap=18, axisLabel={":formatter": PERCENT}),
        yAxis=axis("category", "", data=names, inverse=True, axisTick={"show": False}, axisLine={"show": False},
                   axisLabel={"interval": 0, "fontSize": FONT - 1}),
        series=series,
    )  # fmt: skip
    found["aria"]["decal"] = {"show": True}
    return narrow(found, grid={"top": 46})


def region(course: Course, marked: str) -> Options:
    """One quantity by month: mean by exit, and the band of the exit that is marked."""
    months = list(range(1, len(course.curves[0].values) + 1))
    series: list[Options] = []
    for curve in course.curves:
        dash, colour = ENDING_LOOK[ENDING_OF[curve.exit]]
        if curve.exit == marked:
            low, high = np.quantile(curve.values, [0.05, 0.95], axis=1)
            series += band("marked", months, low, high, colour)
        mean = curve.values.mean(1)
        told = [f"{curve.title}, month {m}\n{course.title}: {_value(float(v), course)}"
                for m, v in zip(months, mean, strict=True)]  # fmt: skip
        series.append(line(curve.title, months, mean, colour, dash=dash, width=2.0, said=told) | {"symbolSize": 5})
    if course.still is not None:
        series[-1]["markLine"] = {
            "symbol": "none", "silent": True, "data": [{"yAxis": course.still}], "label": {"show": False},
            "lineStyle": {"color": INK, "type": "solid", "width": 0.8},
        }  # fmt: skip
    words = ", ".join(f"{c.title} {_value(float(c.values[0].mean()), course)}, after a year "
                      f"{_value(float(c.values[-1].mean()), course)}" for c in course.curves)  # fmt: skip
    vertical = axis("value", course.unit, nameGap=38, scale=not course.share,
                    axisLabel={":formatter": PERCENT if course.share else PLAIN, "fontSize": FONT - 1},
                    axisLine={"show": False}, axisTick={"show": False}, splitNumber=4)  # fmt: skip
    return chart(
        f"{course.title} ({course.unit}): {words}.",
        grid=grid(left=54, right=8, top=8, bottom=34),
        xAxis=axis("value", "months after the ending", min=1, max=months[-1], interval=1, nameGap=20,
                   axisLabel={"fontSize": FONT - 1, "hideOverlap": True}, splitLine={"show": False},
                   axisLine={"onZero": False}),
        yAxis=vertical, series=series,
    )  # fmt: skip


def _value(value: float, course: Course) -> str:
    return percent(value) if course.share else f"{value:.3g}".replace("-", "−")
