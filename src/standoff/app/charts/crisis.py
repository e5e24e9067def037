"""Charts of the Crisis page: events on the ladder, and who repeats whom."""

import datetime as dt
import re
from collections.abc import Sequence

from standoff.app.charts.look import (
    COERCER,
    FONT,
    INK,
    PAPER,
    SOFT,
    TARGET,
    Options,
    at,
    axis,
    chart,
    dates,
    grid,
    narrow,
)
from standoff.app.events import Happening
from standoff.app.repeats import Repeats, Speaker

MARKS = {
    "coercer": ("circle", COERCER), "target": ("diamond", TARGET), "third": ("triangle", "var(--ink)"),
    "nature": ("rect", "var(--grey)"),
}  # fmt: skip
"""Marker and colour of an event, by whose it is."""
ROOM = (22, 34, 24)
"""Letters of a name in the first, second and later layers of the graph."""
WIDE, LETTER = 900, 6.5
"""Pixels of the time axis, and of a letter, by which labels are kept apart."""
LANES = ("third", "target")
"""Lanes beneath the ladder, from the bottom; nature shares that of third parties."""


def ladder(
    events: Sequence[Happening], steps: Sequence[tuple[dt.date, int]], rungs: Sequence[str],
    span: tuple[dt.date, dt.date],
    names: dict[str, str], chosen: str = "",
) -> Options:  # fmt: skip
    """Events by day: the coercer's on the rung that it stood on, the others' in lanes beneath; moves filled.

    Args:
        events: Events with a day; those outside the span are left out.
        steps: Days on which the rung changed, with the rung from 0.
        rungs: Short names of the rungs, lowest first.
        span: First and last day that are shown.
        names: What the lanes and sides are called (coercer, target, third).
        chosen: Id of the event that is marked.
    """
    shown = [e for e in events if e.day is not None and span[0] <= e.day <= span[1]]
    rows = [names["third"], names["target"], *rungs]
    stairs: list[tuple[dt.date, int]] = []
    for day, rung in [*((max(day, span[0]), rung) for day, rung in steps), (span[1], steps[-1][1])]:
        stairs += [(day, stairs[-1][1]), (day, rung)] if stairs else [(day, rung)]
    series: list[Options] = [
        {
            "type": "line", "symbol": "none", "silent": True, "z": 2, "emphasis": {"disabled": True},
            "lineStyle": {"color": COERCER, "width": 5, "opacity": 0.35},
            "data": [[at(day), rung + len(LANES)] for day, rung in stairs],
        }
    ]  # fmt: skip
    below = _below(shown, span)
    for side, (symbol, colour) in MARKS.items():
        mine = [e for e in shown if e.side == side]
        if mine:
            series.append({
                "id": side, "type": "scatter", "name": names.get(side, side), "symbol": symbol, "z": 5,
                "cursor": "pointer",
                "emphasis": {"disabled": True}, "labelLayout": {"hideOverlap": True},
                "data": [_mark(e, symbol, colour, chosen, e.id in below) for e in mine],
            })  # fmt: skip
    moves = [e for e in shown if e.counts]
    words = "; ".join(f"{e.when}: {e.title}" for e in moves[:24])
    return narrow(chart(
        f"Events on the ladder, {len(shown)} of them, of which {len(moves)} are moves of the game. {words}.",
        grid=grid(left=4, right=24, top=16, bottom=4, containLabel=True),
        xAxis=dates("", min=at(span[0]), max=at(span[1]), splitLine={"show": True}),
        yAxis=axis(
            "category", "", data=rows, axisTick={"show": False}, axisLine={"show": False},
            splitLine={"show": True}, splitArea={"show": False},
            axisLabel={"width": 190, "overflow": "truncate", "interval": 0},
        ),
        series=series,
    ), yAxis={"axisLabel": {"width": 92, "overflow": "break", "fontSize": FONT - 1, "lineHeight": 12}})  # fmt: skip


def _row(event: Happening) -> int:
    return (
        LANES.index("target") if event.side == "target" else 0 if event.side != "coercer" else event.rung + len(LANES)
    )


def _below(events: Sequence[Happening], span: tuple[dt.date, dt.date]) -> set[str]:
    """Events whose label stands below its mark, because the one before it in the row would touch it."""
    found, ends = set(), dict[tuple[int, bool], float]()
    for event in sorted((e for e in events if e.label and e.day is not None), key=lambda e: (e.day, e.id)):
        middle = ((event.day or span[0]) - span[0]).days / max((span[1] - span[0]).days, 1) * WIDE
        half = len(event.label) * LETTER / 2 + 2
        place = next((low for low in (False, True) if middle - half >= ends.get((_row(event), low), -WIDE)), False)
        ends[_row(event), place] = middle + half
        if place:
            found.add(event.id)
    return found


def _mark(event: Happening, symbol: str, colour: str, chosen: str, below: bool) -> Options:
    row = _row(event)
    mine = event.id == chosen
    found: Options = {
        "name": event.id, "value": [at(event.day) if event.day else 0, row], "symbol": symbol,
        "said": f"{event.when}\n{event.title}" + (f"\n{event.move}" if event.move else ""),
        "symbolSize": 19 if mine else 12 if event.counts else 8,
        "itemStyle": {"color": colour if event.counts else PAPER, "borderColor": INK if mine else colour,
                      "borderWidth": 3 if mine else 1.5,
                      "opacity": 1},
    }  # fmt: skip
    if event.label or mine:
        found["label"] = {
            "show": True, "position": "bottom" if below else "top", "distance": 5, "color": INK, "fontSize": FONT - 1,
            "minMargin": 6,
            "formatter": event.label + ("" if event.certain else "?") if event.label else "●",
        }  # fmt: skip
    return found


def span(events: Sequence[Happening], starts: dt.date, ends: dt.date) -> tuple[dt.date, dt.date]:
    """From three weeks before the first round to the last event of the crisis, or its last round if sooner."""
    last = max([e.day for e in events if e.day is not None and e.day <= ends], default=ends)
    end = max((e.day for e in events if e.ends and e.day is not None), default=last)
    return starts - dt.timedelta(days=21), min(max(end, starts) + dt.timedelta(days=14), max(ends, end))


def short(title: str, most: int = 34) -> str:
    """The first words of a title, without what stands in brackets or after a comma."""
    words = re.split(r" \(|,\s", title)[0].strip()
    return words if len(words) <= most else words[: most - 1].rstrip() + "…"


def repeated(graph: Repeats) -> Options:
    """Documents on the left, first sources on the right; width of a line: claims; open marks: anonymous."""
    layers = 1 + max((s.layer for s in graph.speakers), default=0)
    sizes = [sum(s.layer == k for s in graph.speakers) for k in range(layers)]
    height = max(sizes, default=1)
    place = {s.link.id: (s.layer, 1 - (s.row + 0.5) / sizes[s.layer]) for s in graph.speakers}
    series: list[Options] = []
    for a, b, claims in graph.links:
        series.append({
            "type": "line", "smooth": 0.4, "symbol": "none", "silent": True, "z": 1, "emphasis": {"disabled": True},
            "lineStyle": {"color": SOFT, "width": min(1.0 + 0.8 * claims, 12), "opacity": 0.35},
            "data": [list(place[a]), list(place[b])],
        })  # fmt: skip
    series.append({
        "type": "scatter", "z": 5, "emphasis": {"disabled": True},
        "data": [_speaker(s, place[s.link.id]) for s in graph.speakers],
    })  # fmt: skip
    words = "; ".join(f"{s.link.name}: {s.claims} claims" for s in graph.speakers)
    return chart(
        f"Who repeats whom, {height} rows at most. {words}.",
        grid=grid(left=8, right=8, top=8, bottom=6),
        xAxis={"type": "value", "min": -0.68, "max": layers - 0.2, "show": False},
        yAxis={"type": "value", "min": 0, "max": 1, "show": False},
        series=series,
    )


def _speaker(speaker: Speaker, place: tuple[int, float]) -> Options:
    colour = "var(--vermilion)" if speaker.link.anonymous else COERCER if not speaker.link.document else INK
    side = "left" if speaker.layer == 0 else "right"
    return {
        "name": speaker.link.id, "value": list(place), "symbol": "rect" if speaker.link.document else "circle",
        "said": f"{speaker.link.name}\n{speaker.claims} claims pass through it"
        + ("\nanonymous" if speaker.link.anonymous else ""),
        "symbolSize": min(7 + 0.4 * speaker.claims, 16),
        "itemStyle": {"color": PAPER if speaker.link.anonymous else colour, "borderColor": colour, "borderWidth": 2,
                      "opacity": 1},
        "label": {
            "show": True, "position": side, "color": INK, "fontSize": FONT - 1, "distance": 6,
            "formatter": _cut(speaker.link.name, ROOM[min(speaker.layer, 2)]) + f" · {speaker.claims}",
            "fontStyle": "italic" if speaker.link.anonymous else "normal",
        },
    }  # fmt: skip


def _cut(text: str, most: int) -> str:
    text = text.replace("{", "(").replace("}", ")")
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"
