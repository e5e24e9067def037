"""Charts of the Mechanisms page: shares of misreadings as bars, effects of mechanisms as dots with intervals."""

from collections.abc import Sequence

from standoff.app.charts.look import (
    COERCER,
    FONT,
    INK,
    PAPER,
    PLAIN_FACE,
    SOFT,
    TARGET,
    Options,
    axis,
    bars,
    chart,
    grid,
    hatch,
    narrow,
    plain,
    words_at,
)
from standoff.app.mechanisms import Moved, Shares

POINTS = "v => (Math.round(v * 1000) / 10).toString().replace('-', '−')"
MOST = 92
"""Letters of a row's name."""
FEW, LINE = 12, 60
"""Rows up to which names are written in full size, and letters that a line of one holds."""
LEAST = 0.005
"""Half the width of an axis of changes, at least."""


def signed(value: float) -> str:
    """A change of a chance in points, with its sign."""
    told = f"{100 * value:+.1f}".replace("-", "−")
    return "0.0" if told[1:] == "0.0" else told


def _reach(values: Sequence[float]) -> float:
    return round(max([LEAST, *(abs(value) for value in values)]) * 1.08, 4)


def _rows(names: Sequence[tuple[str, bool]], reach: float, width: int) -> Options:
    """Names at the left of their rows, in two lines at most; some in bold."""
    places = [(-reach, float(k), _short(name), bold) for k, (name, bold) in enumerate(names)]
    small = len(names) > FEW and any(len(name) > LINE for name, _ in names)  # two lines fit into a row
    look = {"width": width, "overflow": "break", "lineHeight": 10 if small else 12, "fontSize": FONT - 1 - small}
    return words_at(places, "left", INK, "names", **look)


def _short(name: str) -> str:
    """A name that two lines hold; the whole of it stands in what its mark tells."""
    return name if len(name) <= MOST else f"{name[: MOST - 1].rsplit(' ', 1)[0].rstrip(',;:')} …"


def _changes(reach: float, rows: int, title: str) -> Options:
    """Axes of changes in points, and of so many rows, the first on top."""
    return {
        "xAxis": axis("value", title, min=-reach, max=reach, nameGap=21, axisLine={"onZero": False},
                      axisLabel={":formatter": POINTS, "showMinLabel": False, "showMaxLabel": False}),
        "yAxis": axis("category", "", data=[str(k) for k in range(rows)], inverse=True, show=False),
    }  # fmt: skip


def _zero() -> Options:
    """The line of no change."""
    return {"symbol": "none", "silent": True, "animation": False, "data": [{"xAxis": 0}], "label": {"show": False},
            "lineStyle": {"color": INK, "type": "solid", "width": 1}}  # fmt: skip


def shares(found: Shares, ending: str, names: dict[str, str]) -> Options:
    """Bars of the misreadings' shares with two standard errors; `names` by side. Hatched: the target's."""
    rows = found.rows
    reach = _reach([c.mean + sign * c.error for _, _, c in rows for sign in (-1, 1)])
    places = [float(k) for k in range(len(rows))]
    series: list[Options] = []
    for side, colour in (("coercer", COERCER), ("target", TARGET)):
        series.append({
            "type": "bar", "name": f"misreading of {names[side]}", "barWidth": 11, "barGap": "-100%",
            "emphasis": {"disabled": True},
            "itemStyle": {"color": colour if side == "coercer" else PAPER, "borderColor": colour, "borderWidth": 1.2,
                          "decal": PLAIN_FACE if side == "coercer" else hatch(2, 3, 0.785, colour)},
            "data": [
                {"value": [round(c.mean, 5), y], "said": f"{title}\nmisreading of {names[holder]}\n"
                 f"{signed(c.mean)} ± {100 * c.error:.1f} points"}
                for (title, holder, c), y in zip(rows, places, strict=True) if holder == side
            ],
        })  # fmt: skip
    low, high = [c.mean - c.error for *_, c in rows], [c.mean + c.error for *_, c in rows]
    series.append(bars(low, high, places, 0.0, INK, 1.6, 1.0) | {"markLine": _zero(), "z": 6})
    told = [(reach, y, signed(c.mean), abs(c.mean) > c.error) for (*_, c), y in zip(rows, places, strict=True)]
    series += [words_at(told, "right", INK), _rows([(title, False) for title, *_ in rows], reach, 284)]
    words = "; ".join(f"{title} ({names[holder]}) {signed(c.mean)} ± {100 * c.error:.1f}" for title, holder, c in rows)
    return _held(chart(
        f"Share of each misreading in the change of “{ending}” if all are corrected, points. {words}.",
        grid=grid(left=300, right=48, top=2, bottom=36), series=series,
        **_changes(reach, len(rows), f"share in the change of “{plain(ending)}”, points"),
    ))  # fmt: skip


def effects(rows: Sequence[Moved], ending: str) -> Options:
    """Dots with 95% intervals; open and grey where the interval holds 0; beside it what is asserted."""
    reach = _reach([end for one in rows for end in (one.effect.low, one.effect.high)])
    names, shown = _parted(rows)
    places = {one.id: float(k) for k, one in shown}
    series: list[Options] = []
    for covers, colour in ((False, INK), (True, SOFT)):
        mine = [one for one in rows if one.effect.covers == covers]
        at = [places[one.id] for one in mine]
        series.append(bars([o.effect.low for o in mine], [o.effect.high for o in mine], at, 0.0, colour, 2.0, 1.0))
        series.append({
            "type": "scatter", "symbol": "circle", "symbolSize": 8, "z": 5, "emphasis": {"disabled": True},
            "itemStyle": {"color": PAPER if covers else colour, "borderColor": colour, "borderWidth": 1.8,
                          "opacity": 1},
            "data": [
                {"value": [round(one.effect.mean, 5), y],
                 "said": f"{one.id} {one.title}\n{one.effect} points{_so(one)}"}
                for one, y in zip(mine, at, strict=True)
            ],
        })  # fmt: skip
    series[0]["markLine"] = _zero()
    told = [(reach, places[one.id], _mark(one), one.effect.against or not one.effect.covers) for one in rows]
    series += [words_at(told, "right", INK), _rows(names, reach, 228)]
    words = "; ".join(f"{one.id} {one.title} {one.effect}{_so(one)}" for one in rows)
    return _held(chart(
        f"Change of the chance of “{ending}” by each mechanism on against off and each lever, points. {words}.",
        grid=grid(left=246, right=64, top=2, bottom=36), series=series,
        **_changes(reach, len(names), f"change of the chance of “{plain(ending)}”, points"),
    ))  # fmt: skip


def _parted(rows: Sequence[Moved]) -> tuple[list[tuple[str, bool]], list[tuple[int, Moved]]]:
    """Names of all rows with a heading before the levers, and the row of each mechanism and lever."""
    names: list[tuple[str, bool]] = []
    shown = []
    for one in rows:
        if one.lever and not any(bold for _, bold in names):
            names.append(("Levers", True))
        shown.append((len(names), one))
        names.append((f"{one.id} {one.title}", False))
    return names, shown


def _mark(one: Moved) -> str:
    """The change, and the sign that is asserted; "!" where the whole interval lies on the other side."""
    sign = {"+": "+", "-": "−"}.get(one.effect.asserted, "")
    return " ".join(part for part in (signed(one.effect.mean), f"({sign})" if sign else "", _wrong(one)) if part)


def _wrong(one: Moved) -> str:
    return "!" if one.effect.against else ""


def _so(one: Moved) -> str:
    if not one.effect.asserted:
        return ""
    way = "rises" if one.effect.asserted == "+" else "falls"
    so = "goes the other way" if one.effect.against else "open" if one.effect.covers else "borne out"
    return f"; asserted that it {way}: {so}"


def _held(found: Options) -> Options:
    """The same, with its names broken where it is narrow."""
    found["aria"]["decal"] = {"show": True}
    label = {"width": 124, "fontSize": FONT - 2, "lineHeight": 11}
    return narrow(found, grid={"left": 136, "right": 58}, series={"names": {"label": label}})
