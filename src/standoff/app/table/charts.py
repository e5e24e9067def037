"""Charts of the debrief: what each side believed by round, and how far what it expected was from what came."""

from collections.abc import Sequence

from standoff.app.charts.look import (
    BASE,
    INK,
    OWN,
    PAPER,
    PERCENT,
    SOFT,
    Options,
    axis,
    chances,
    chart,
    grid,
    line,
)
from standoff.app.table.words import Words, chance
from standoff.play.debrief import Belief, Debrief, Decision

SIDES = ("coercer", "target")
EXPECTED, SOLUTION = ("circle", OWN, True), ("diamond", BASE, False)
"""Marker, colour and filling of what was expected, and of the mover's own solution."""
WHOLE = "v => Number.isInteger(v) ? v : ''"
LABELS = 12
"""Rounds that are labelled, at most."""


def _rounds(last: int, title: str, more: int = 0) -> Options:
    """An axis of whole rounds, with room for `more` after the last."""
    return axis("value", title, min=0, max=last + 1 + more, interval=max(1, -(-last // LABELS)), nameGap=22,
                axisLabel={":formatter": WHOLE, "showMinLabel": False, "showMaxLabel": False},
                splitLine={"show": False}, axisTick={"show": False})  # fmt: skip


def _last(found: Debrief) -> int:
    return max([2, *(one.round for one in found.beliefs), *(one.round for one in found.decisions)])


def _of(belief: Belief, side: str, about: int) -> float | None:
    both = belief.coercer if side == "coercer" else belief.target
    return None if both is None else both[about]


def belief(words: Words, found: Debrief, side: str) -> Options:
    """What a side believed of the other's type, what the other took it to believe, and the truth."""
    other = words.other(side)
    about, name, his, end = SIDES.index(other), words.name(side), words.name(other), _last(found)
    truth = next(one for one in found.sides if one.side == side).other_firm
    moves = {d.round: words.label(d.move) for d in found.decisions if d.side == other}
    every = [*((one.round, one) for one in found.beliefs), (end + 1, found.last)]
    series: list[Options] = []
    ends: list[str] = []
    for label, who, dash, (symbol, colour, filled) in (
        (f"{name} believed", side, "solid", EXPECTED), (f"as {his} supposed it", other, [6, 4], SOLUTION),
    ):  # fmt: skip
        known = [(n, share) for n, one in every if (share := _of(one, who, about)) is not None]
        told = [
            (f"at the beginning of round {n}" if n <= end else "at the end")
            + f"\n{label}: {chance(share)} firm"
            + (f"\nbefore: {his}, {moves[n - 1]}" if n - 1 in moves else "")
            for n, share in known
        ]
        series.append(line(label, [n for n, _ in known], [share for _, share in known], colour, dash=dash,
                           symbol=symbol, filled=filled, said=told))  # fmt: skip
        ends += [chance(known[0][1]), chance(known[-1][1])] if known else ["unknown", "unknown"]
    series[0]["markLine"] = {
        "symbol": "none", "silent": True, "animation": False, "data": [{"yAxis": 1.0 if truth else 0.0}],
        "lineStyle": {"color": INK, "type": "dotted", "width": 2}, "label": {"show": False},
    }  # fmt: skip
    return chart(
        f"Chance that {his} is firm, as {name} believed by round: from {ends[0]} to {ends[1]} at the end; as {his} "
        f"supposed it: from {ends[2]} to {ends[3]}. In truth {his} was {'firm' if truth else 'yielding'}.",
        grid=grid(left=46, right=14, top=10, bottom=38),
        xAxis=_rounds(end, "beginning of round; the last point: at the end", 1),
        yAxis=chances("chance, %", gap=30), series=series,
    )  # fmt: skip


def misread(words: Words, found: Debrief, side: str) -> Options:
    """The other's moves: the chance that a side gave the move that was made, and that of the mover's own solution."""
    other = words.other(side)
    name, his = words.name(side), words.name(other)
    theirs = [one for one in found.decisions if one.side == other]
    gaps: list[list[float | None]] = []
    for one in theirs:
        if one.expected is not None and one.solution is not None:
            gaps += [[one.round, one.expected], [one.round, one.solution], [None, None]]
    series: list[Options] = [
        {"type": "line", "symbol": "none", "silent": True, "data": gaps, "z": 2, "emphasis": {"disabled": True},
         "lineStyle": {"color": SOFT, "width": 1.4, "type": "solid"}, "connectNulls": False,
         "tooltip": {"show": False}},
        _marks(words, f"expected by {name}", theirs, "expected", EXPECTED),
        _marks(words, f"{his}’s own solution", theirs, "solution", SOLUTION),
        _departures(words, theirs),
    ]  # fmt: skip
    mean = [one.gap for one in theirs if one.gap is not None]
    told = f" Mean gap over all moves {sum(mean) / len(mean):.2f} (0 to 1)." if mean else ""
    return chart(
        f"Chance of each move that {his} made, as {name} expected it and by {his}’s own solution.{told}",
        grid=grid(left=46, right=14, top=10, bottom=38), xAxis=_rounds(_last(found), "round"),
        yAxis=chances("chance of that move, %", gap=30, axisLabel={":formatter": PERCENT}), series=series,
    )  # fmt: skip


def _said(words: Words, one: Decision) -> str:
    parts = [f"round {one.round}: {words.label(one.move)}"]
    if one.expected is not None:
        parts.append(f"expected with {chance(one.expected)}")
    if one.solution is not None:
        parts.append(f"own solution {chance(one.solution)}")
    if one.best is not None:
        parts.append(f"likeliest by the solution: {words.label(one.best)}")
    return "\n".join(parts)


def _marks(words: Words, name: str, decisions: Sequence[Decision], what: str, look: tuple[str, str, bool]) -> Options:
    symbol, colour, filled = look
    points = [
        {"value": [one.round, share], "said": _said(words, one)}
        for one in decisions if (share := getattr(one, what)) is not None
    ]  # fmt: skip
    return {
        "type": "scatter", "name": name, "data": points, "symbol": symbol, "symbolSize": 11 if filled else 9, "z": 5,
        "emphasis": {"disabled": True},
        "itemStyle": {"color": colour if filled else PAPER, "borderColor": colour, "borderWidth": 2, "opacity": 1},
    }  # fmt: skip


def _departures(words: Words, decisions: Sequence[Decision]) -> Options:
    """A triangle above each move that the mover's own solution hardly makes."""
    points = [
        {"value": [one.round, min(0.97, max(one.expected or 0.0, one.solution or 0.0) + 0.11)],
         "said": _said(words, one)}
        for one in decisions if one.departs
    ]  # fmt: skip
    return {
        "type": "scatter", "name": "departs from it", "data": points, "symbol": "triangle", "symbolSize": 10, "z": 5,
        "emphasis": {"disabled": True}, "symbolRotate": 180, "itemStyle": {"color": INK, "opacity": 1},
    }  # fmt: skip
