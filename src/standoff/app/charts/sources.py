"""Charts of the Sources page: claims by first source and document, how numbers are backed, what a source carries."""

from collections.abc import Sequence

from standoff.app.charts.look import (
    BASE,
    FONT,
    GRID,
    INK,
    PAPER,
    PLAIN_FACE,
    Options,
    axis,
    chart,
    grid,
    hatch,
    narrow,
    plain,
)
from standoff.show.figures.sources import KINDS
from standoff.show.words import count

SHORT = "v => v.split(':')[0]"
ACROSS = 6
"""Documents that stand side by side with their outlets; more are slanted, by their ids."""
DECALS = {
    "source": PLAIN_FACE,
    "both": hatch(2, 6, -0.785, "rgba(0,0,0,.55)"),
    "judgement": {"symbol": "circle", "dashArrayX": [[4, 5], [0, 5, 4, 0]], "dashArrayY": [4, 0], "symbolSize": 0.5,
                  "color": "rgba(0,0,0,.55)"},
    "generic": hatch(3, 3, 0.785, "rgba(0,0,0,.45)"),
    "item": hatch(2, 4, 0.0, "rgba(255,255,255,.8)"),
    "none": PLAIN_FACE,
}  # fmt: skip
"""Hatching by kind of reason, so that greyscale tells them apart."""
COLOURS = {
    "source": "var(--green)", "both": "var(--sky)", "judgement": "var(--orange)", "generic": "#cfcfcf",
    "item": "var(--blue)", "none": "var(--vermilion)",
}  # fmt: skip


def matrix(
    columns: Sequence[str], rows: Sequence[tuple[str, bool, Sequence[int]]], off: Sequence[bool] = ()
) -> Options:
    """Claims by first source (row: name, anonymous, claims by column) and document; rows switched off are faint."""
    data: list[Options] = []
    spans: list[list[object]] = []
    for k, (name, anonymous, counts) in enumerate(rows):
        faint = 0.25 if k < len(off) and off[k] else 1.0
        held = [i for i, number in enumerate(counts) if number]
        if len(held) > 1:
            spans += [[held[0], k], [held[-1], k], [None, None]]
        for i in held:
            data.append({
                "value": [i, k, counts[i]], "symbolSize": min(15 + 0.35 * counts[i], 24),
                "said": f"{name}{' (anonymous)' if anonymous else ''}\n{columns[i]}: {count(counts[i], 'claim')}",
                "label": {"color": INK if anonymous else PAPER, "formatter": str(counts[i])},
                "itemStyle": {"color": PAPER if anonymous else BASE,
                              "borderColor": "var(--vermilion)" if anonymous else BASE, "opacity": faint},
            })  # fmt: skip
    words = "; ".join(f"{name}{' (anonymous)' if a else ''}: {sum(n)}" for name, a, n in rows)
    heads: Options = {"interval": 0, "fontSize": FONT - 1, "lineHeight": 13}
    if len(columns) <= ACROSS:
        heads |= {"width": 370 // max(len(columns), 1), "overflow": "break"}
    else:
        heads |= {"rotate": 40, ":formatter": SHORT}
    return narrow(chart(
        f"Number of claims by first source and document. {words}.",
        grid=grid(left=4, right=14, top=4, bottom=4, containLabel=True),
        xAxis=axis("category", "", data=list(columns), position="top", axisTick={"show": False},
                   axisLabel=heads, axisLine={"show": False}),
        yAxis=axis("category", "", inverse=True, axisTick={"show": False}, axisLine={"show": False},
                   data=[{"value": plain(name), "textStyle": {"fontStyle": "italic" if a else "normal"}}
                         for name, a, _ in rows],
                   splitLine={"show": True, "lineStyle": {"color": GRID}},
                   axisLabel={"interval": 0, "width": 250, "overflow": "truncate", "fontSize": FONT - 1}),
        series=[
            {"type": "line", "data": spans, "symbol": "none", "silent": True, "z": 1, "emphasis": {"disabled": True},
             "lineStyle": {"color": INK, "width": 2.4}},
            {"type": "scatter", "data": data, "z": 4, "emphasis": {"disabled": True},
             "itemStyle": {"borderWidth": 1.8},
             "label": {"show": True, "fontSize": FONT - 2, "fontWeight": "bold"}},
        ],
    ), xAxis={"axisLabel": {":formatter": SHORT}}, yAxis={"axisLabel": {"width": 130}})  # fmt: skip


def reasons(rows: Sequence[tuple[str, dict[str, int]]]) -> Options:
    """Numbers of the case by part and kind of reason, stacked."""
    names = [name for name, _ in rows]
    used = [kind for kind in KINDS if any(counts.get(kind[0]) for _, counts in rows)]
    series: list[Options] = []
    for key, title, _, _ in used:
        series.append({
            "type": "bar", "name": title, "stack": "all", "barCategoryGap": "28%", "emphasis": {"disabled": True},
            "itemStyle": {"color": COLOURS[key], "borderColor": INK, "borderWidth": 0.6, "decal": DECALS[key]},
            "data": [{"value": counts.get(key, 0), "said": f"{name}\n{title}: {counts.get(key, 0)}"}
                     for name, counts in rows],
        })  # fmt: skip
    totals = [sum(counts.values()) for _, counts in rows]
    if series:
        series[-1] = series[-1] | {"label": {"show": True, "position": "right", "color": INK, "fontSize": FONT - 1}}
        for item, total in zip(series[-1]["data"], totals, strict=True):
            item["label"] = {"formatter": str(total)}
    words = "; ".join(f"{n}: {sum(c.values())}, of which with a source alone {c.get('source', 0)}" for n, c in rows)
    found = chart(
        f"Numbers of the case by part and by kind of reason. {words}.",
        grid=grid(left=4, right=34, top=46, bottom=21, containLabel=True),
        legend={"top": 0, "left": 0, "itemWidth": 18, "itemHeight": 12, "itemGap": 12, "selectedMode": False,
                "itemStyle": {"borderWidth": 0.6},
                "textStyle": {"color": INK, "fontSize": FONT - 1}},
        xAxis=axis("value", "numbers in the case, count", nameGap=21, axisLabel={"fontSize": FONT - 1}),
        yAxis=axis("category", "", data=names, inverse=True, axisTick={"show": False}, axisLine={"show": False},
                   axisLabel={"interval": 0, "fontSize": FONT - 1}),
        series=series,
    )  # fmt: skip
    found["aria"]["decal"] = {"show": True}
    return found
