"""What each side believed and expected along the real record, with the moves of the record beneath."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from standoff.show.figures.drawing import BASE, BLACK, OWN, Drawing, at, date_axis, new, percent_axis, wrapped
from standoff.show.figures.lanes import fitted, moves_beneath


@dataclass(frozen=True)
class Trace:
    """A quantity by round in two versions, each with axes round, draw."""

    title: str
    first: np.ndarray
    second: np.ndarray


def _band(ax: Axes, x: np.ndarray, values: np.ndarray, colour: str, style: str, marker: str, face: str) -> None:
    low, high = np.quantile(values, [0.05, 0.95], axis=1)
    ax.fill_between(x, low, high, color=colour, alpha=0.13, linewidth=0)
    ax.plot(x, low, color=colour, linewidth=0.5, linestyle=style, alpha=0.6)
    ax.plot(x, high, color=colour, linewidth=0.5, linestyle=style, alpha=0.6)
    ax.plot(x, values.mean(1), color=colour, linestyle=style, marker=marker, markersize=4.5, markerfacecolor=face)


def _mark(
    ax: Axes, x: np.ndarray, one: np.ndarray, other: np.ndarray, words: tuple[str, str], colours: tuple[str, str]
) -> None:
    """Names the two lines beside their ends, apart from one another."""
    a, b = float(one.mean(1)[-1]), float(other.mean(1)[-1])
    span = ax.get_ylim()[1] - ax.get_ylim()[0]
    gap = 0.125 * span * max(word.count("\n") + 1 for word in words)
    if abs(a - b) < gap:
        middle, sign = (a + b) / 2, 1 if a >= b else -1
        middle = max(middle, ax.get_ylim()[0] + 0.5 * gap)
        a, b = middle + sign * gap / 2, middle - sign * gap / 2
    for y, text, colour in ((a, words[0], colours[0]), (b, words[1], colours[1])):
        ax.annotate(
            text,
            (1.015, y),
            xycoords=("axes fraction", "data"),
            color=colour,
            va="center",
            fontsize=8.5,
            fontweight="bold",
            annotation_clip=False,
        )


def beliefs(
    starts: Sequence[dt.date], traces: Sequence[Trace], lanes: Sequence[tuple[str, Sequence[str]]], unit: str
) -> Drawing:
    """Belief traces in own views and in the base, one panel a mind, and the moves of the record beneath."""
    figure = new(7.2, 5.1)
    axes = figure.subplots(len(traces) + 1, 1, sharex=True, height_ratios=[*([3.0] * len(traces)), 2.0])
    x = at(starts)
    step = float(x[1] - x[0]) if len(x) > 1 else 14.0
    for ax, trace in zip(axes, traces, strict=False):
        _band(ax, x, trace.second, BASE, "--", "D", "white")
        _band(ax, x, trace.first, OWN, "-", "o", OWN)
        ax.set_ylim(0, 1)
        ax.set_title(wrapped(trace.title, 84))
        ax.grid(axis="y")
        percent_axis(ax.yaxis, unit)
        _mark(ax, x, trace.first, trace.second, ("own view", "base view"), (OWN, BASE))
    lane = axes[-1]
    moves = moves_beneath(lane, x, lanes)
    lane.set_xlim(x[0] - step / 2, x[-1] + step / 2)
    date_axis(lane, "round beginning (date)")
    fitted(moves)
    words = "; ".join(
        f"{t.title}: own view from {t.first.mean(1)[0]:.0%} to {t.first.mean(1)[-1]:.0%}, "
        f"base view from {t.second.mean(1)[0]:.0%} to {t.second.mean(1)[-1]:.0%}"
        for t in traces
    )
    return Drawing(
        "beliefs",
        figure,
        f"Beliefs by round along the record. {words}.",
        "Lines: mean over draws; shaded: 5% to 95% over the parameters. Beneath: the moves on record; a dot is a "
        "round "
        "without one; ? marks one of which accounts differ.",
    )


def expectations(starts: Sequence[dt.date], traces: Sequence[tuple[Trace, tuple[str, str]]], unit: str) -> Drawing:
    """What one side expected (open marks) beside what the comparison gives (filled marks)."""
    figure = new(6.6, 1.8 * len(traces) + 0.3)
    axes = np.atleast_1d(figure.subplots(len(traces), 1, sharex=True))
    x = at(starts)
    for ax, (trace, words) in zip(axes, traces, strict=True):
        _band(ax, x, trace.second, BLACK, "-", "s", BLACK)
        _band(ax, x, trace.first, OWN, "--", "o", "white")
        high = max(0.05, float(np.quantile(np.stack([trace.first, trace.second]), 0.95, axis=2).max()))
        ax.set_ylim(0, min(1.02, high * 1.1))
        ax.set_title(wrapped(trace.title, 78))
        ax.grid(axis="y")
        percent_axis(ax.yaxis, unit)
        _mark(ax, x, trace.first, trace.second, words, (OWN, BLACK))
    date_axis(axes[-1], "round beginning (date)")
    said = "; ".join(
        f"{t.title}: {w[0]} {t.first.mean():.0%} on average, {w[1]} {t.second.mean():.0%}".replace("\n", " ")
        for t, w in traces
    )
    return Drawing(
        "expectations",
        figure,
        f"Expectations of each side against what the other would have done. {said}.",
        "Lines: mean over draws; shaded: 5% to 95% over the parameters.",
    )
