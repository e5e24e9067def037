"""The common look of the app's charts: colours that follow the page's light or dark, lines that greyscale keeps apart.

Colours are CSS variables of the page (`static/desk.css`), so that a chart follows the switch between light and dark
without being drawn anew; what colours tell apart, dashes, markers or hatching tell apart too, as in the report's
figures. Text of a case stands in values and names only, never where ECharts reads a script: keys that begin with a
colon hold scripts, and all of them are written here.
"""

import datetime as dt
from collections.abc import Sequence
from typing import Any

import numpy as np

Options = dict[str, Any]
INK, SOFT, LINE, GRID, PAPER = "var(--ink)", "var(--soft)", "var(--line)", "var(--grid)", "var(--paper)"
OWN, BASE, COERCER, TARGET = "var(--own)", "var(--base)", "var(--coercer)", "var(--target)"
ENDING_LOOK: dict[str, tuple[Any, str]] = {
    "force": ("solid", "var(--vermilion)"),
    "agreed-exit": ([7, 4], "var(--blue)"),
    "deal-he-stays": ([7, 3, 2, 3], "var(--green)"),
    "flight": ([2, 3], "var(--purple)"),
    "back-down": ([8, 2, 2, 2, 2, 2], "var(--ochre)"),
    "removed-within": ([2, 5], "var(--ink)"),
    "stalemate": ([12, 4], "var(--grey)"),
    "exit-blocked": ([5, 2, 2, 2], "var(--teal)"),
}
"""Line and colour of each ending, those of the report."""
FONT = 12
NARROW = 560
"""Pixels of width below which a chart has its narrow form."""
PLAIN_FACE: Options = {"symbol": "rect", "color": "rgba(0,0,0,0)", "dashArrayX": [1, 0], "dashArrayY": [1, 9]}
"""Hatching that is not seen, where ECharts would choose one of its own."""
PERCENT = "v => (Math.round(v * 1000) / 10).toString().replace('-', '−')"
PLAIN = "v => (Math.round(v * 1e6) / 1e6).toString().replace('-', '−')"
TOLD = (
    "p => { const one = Array.isArray(p) ? p[0] : p; const box = document.createElement('div');"
    " box.style.cssText = 'max-width:300px;white-space:pre-line;font-size:13px';"
    " const said = one.data && one.data.said; box.textContent = said || one.name || ''; return box; }"
)
"""A tooltip that shows an item's `said` as text, whatever it holds."""


def chart(description: str, **options: Any) -> Options:  # noqa: ANN401 (ECharts options)
    """Options that every chart shares; `description` is what it shows, for those who do not see it."""
    return {
        "animation": False,
        "useUTC": True,
        "aria": {"enabled": True, "label": {"description": description}},
        "textStyle": {"color": INK, "fontSize": FONT, "fontFamily": "Roboto, sans-serif"},
        "tooltip": {
            "confine": True, "backgroundColor": PAPER, "borderColor": LINE, "textStyle": {"color": INK},
            ":formatter": TOLD,
        },
        **options,
    }  # fmt: skip


def grid(left: int = 48, right: int = 16, top: int = 24, bottom: int = 40, **more: Any) -> Options:  # noqa: ANN401
    """Room around the axes, pixels."""
    return {"left": left, "right": right, "top": top, "bottom": bottom, **more}


def axis(kind: str, title: str = "", **more: Any) -> Options:  # noqa: ANN401 (ECharts options)
    """An axis with its title and quiet lines."""
    found: Options = {
        "type": kind, "name": title, "nameLocation": "middle", "nameTextStyle": {"color": SOFT, "fontSize": FONT},
        "axisLine": {"show": True, "lineStyle": {"color": LINE}}, "axisTick": {"lineStyle": {"color": LINE}},
        "axisLabel": {"color": INK, "fontSize": FONT}, "splitLine": {"lineStyle": {"color": GRID}},
    }  # fmt: skip
    return _merged(found, more)


def chances(title: str, *, high: float = 1.0, gap: int = 34, **more: Any) -> Options:  # noqa: ANN401
    """A vertical axis of chances between 0 and 1, labelled in per cent."""
    found = axis("value", title, min=0, max=round(high, 4), nameGap=gap, axisLabel={":formatter": PERCENT},
                 axisLine={"show": False}, axisTick={"show": False})  # fmt: skip
    return _merged(found, more)


def dates(title: str = "", **more: Any) -> Options:  # noqa: ANN401 (ECharts options)
    """A horizontal axis of dates."""
    label = {
        "hideOverlap": True, "showMinLabel": True, "alignMinLabel": "left", "alignMaxLabel": "right",
        "formatter": {"year": "{MMM} {yyyy}", "month": "{MMM}", "day": "{d} {MMM}", "none": "{d} {MMM}"},
    }  # fmt: skip
    found = axis("time", title, nameGap=26, axisLabel=label, splitLine={"show": False}, splitNumber=5)
    return _merged(found, more)


def _merged(found: Options, more: Options) -> Options:
    for key, value in more.items():
        old = found.get(key)
        found[key] = {**old, **value} if isinstance(old, dict) and isinstance(value, dict) else value
    return found


def at(day: dt.date) -> int:
    """A day as ECharts counts it: milliseconds since 1970, midnight in UTC."""
    return int(dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC).timestamp() * 1000)


def line(
    name: str, x: Sequence[int], y: Sequence[float] | np.ndarray, colour: str, *, dash: Any = "solid",  # noqa: ANN401
    symbol: str = "circle", filled: bool = True, width: float = 2.2, said: Sequence[str] | None = None, **more: Any,  # noqa: ANN401
) -> Options:  # fmt: skip
    """A line with its markers; `said` is what each point tells."""
    points = [
        {"value": [a, round(float(b), 5)], **({"said": said[k]} if said is not None else {})}
        for k, (a, b) in enumerate(zip(x, y, strict=True))
    ]
    return {
        "type": "line", "name": name, "data": points, "symbol": symbol, "symbolSize": 7 if symbol != "none" else 0,
        "lineStyle": {"color": colour, "type": dash, "width": width}, "emphasis": {"disabled": True},
        "itemStyle": {"color": colour if filled else PAPER, "borderColor": colour, "borderWidth": 1.6}, "z": 4, **more,
    }  # fmt: skip


def band(
    key: str, x: Sequence[int], low: Sequence[float] | np.ndarray, high: Sequence[float] | np.ndarray, colour: str,
    opacity: float = 0.16, **more: Any,  # noqa: ANN401 (ECharts options)
) -> list[Options]:  # fmt: skip
    """A shaded band between two lines; `key` must be its own within the chart."""
    quiet = {
        "type": "line", "symbol": "none", "silent": True, "stack": key, "stackStrategy": "all",
        "emphasis": {"disabled": True}, "tooltip": {"show": False}, "z": 2, **more,
    }  # fmt: skip
    edge = {"color": colour, "width": 0.6, "opacity": 0.7}
    lower = [[a, round(float(b), 5)] for a, b in zip(x, low, strict=True)]
    width = [[a, round(float(c) - float(b), 5)] for a, b, c in zip(x, low, high, strict=True)]
    return [
        {**quiet, "data": lower, "lineStyle": edge, "areaStyle": {"opacity": 0}},
        {**quiet, "data": width, "lineStyle": edge, "areaStyle": {"color": colour, "opacity": opacity}},
    ]


def end_label(text: str, colour: str, shift: float = 0.0, *, bold: bool = True) -> Options:
    """A name beside the end of a line, moved down by so many pixels (see `apart`)."""
    return {
        "endLabel": {
            "show": True, "formatter": plain(text), "color": colour, "fontSize": FONT, "distance": 6,
            "fontWeight": "bold" if bold else "normal", "offset": [0, round(shift, 1)],
        }
    }  # fmt: skip


def apart(ends: Sequence[float], low: float, high: float, pixels: float = 120.0, gap: float = 15.0) -> list[float]:
    """By how many pixels the names of lines that end at these heights move down, so that none covers another.

    Args:
        ends: Heights of the ends.
        low: Lowest value of the axis.
        high: Highest value of the axis.
        pixels: Height of the axis, at least.
        gap: Pixels between two names.
    """
    from standoff.show.figures.drawing import spread_labels

    scale = pixels / max(high - low, 1e-9)
    wanted = [(value - low) * scale for value in ends]
    placed = spread_labels(wanted, gap, low=5.0)
    return [a - b for a, b in zip(wanted, placed, strict=True)]


def plain(text: str) -> str:
    """Text that ECharts must not read as a template."""
    return text.replace("{", "(").replace("}", ")")


def narrow(found: Options, *, series: dict[str, Options] | None = None, **more: Any) -> Options:  # noqa: ANN401
    """The same chart with other options where it is narrower than a hand: parts of it, and series by their `id`.

    Names at the ends of lines are cut to what room there is.
    """
    patches = [{"id": name, **patch} for name, patch in (series or {}).items()]
    room = more.get("grid", {}).get("right", 0)
    if room:
        for k, one in enumerate(found["series"]):
            if "endLabel" in one:
                one.setdefault("id", f"line {k}")
                patches.append({"id": one["id"], "endLabel": {"width": room - 10, "overflow": "truncate"}})
    option = {**more, **({"series": patches} if patches else {})}
    wide = {name: _before(part, found.get(name)) for name, part in more.items()}
    if patches:
        by_id = {one["id"]: one for one in found["series"] if "id" in one}
        wide["series"] = [{**_before(patch, by_id.get(patch["id"])), "id": patch["id"]} for patch in patches]
    return {**found, "media": [{"query": {"maxWidth": NARROW}, "option": option}, {"option": wide}]}


def _before(patch: Any, old: Any) -> Any:  # noqa: ANN401 (ECharts options)
    """What stood where a patch changes something, so that a chart that grows wide again has it back."""
    if not isinstance(patch, dict):
        return old
    held = old if isinstance(old, dict) else {}
    plainly = {name: name if name in held else name.removeprefix(":") for name in patch}  # a script, or none before
    return {plainly[name]: _before(part, held.get(plainly[name])) for name, part in patch.items()}


def words_at(
    places: Sequence[tuple[float, float, str, bool]], side: str, colour: str, key: str = "",
    **more: Any,  # noqa: ANN401 (ECharts options)
) -> Options:  # fmt: skip
    """Words beside places of a chart with value axes: (x, y, words, whether bold); `key` as its id."""
    return {
        **({"id": key} if key else {}), "type": "scatter", "symbolSize": 0, "silent": True, "z": 6,
        "itemStyle": {"opacity": 1},
        "tooltip": {"show": False},
        "data": [
            {"value": [x, y], "label": {"formatter": plain(word), "fontWeight": "bold" if bold else "normal"}}
            for x, y, word, bold in places
        ],
        "label": {"show": True, "position": side, "color": colour, "fontSize": FONT, "distance": 8, **more},
    }  # fmt: skip


def bars(
    low: Sequence[float], high: Sequence[float], places: Sequence[float], up: float, colour: str, width: float,
    opacity: float,
) -> Options:  # fmt: skip
    """Horizontal intervals as one broken line."""
    data: list[list[Any]] = []
    for a, b, y in zip(low, high, places, strict=True):
        data += [[round(a, 4), y + up], [round(b, 4), y + up], [None, None]]
    return {
        "type": "line", "symbol": "none", "silent": True, "data": data, "z": 3, "emphasis": {"disabled": True},
        "lineStyle": {"color": colour, "width": width, "opacity": opacity, "cap": "butt"}, "connectNulls": False,
    }  # fmt: skip


def hatch(line: int, gap: int, rotation: float, colour: str) -> Options:
    """Hatching of bars: lines so many pixels thick and apart, turned by an angle."""
    return {
        "symbol": "rect", "symbolSize": 1, "dashArrayX": [1, 0], "dashArrayY": [line, gap], "rotation": rotation,
        "color": colour,
    }  # fmt: skip
