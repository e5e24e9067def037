"""What follows an ending: who leads, which order, and paths of oil, people and the ally."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from standoff.show.figures.drawing import BLACK, BLUE, GREY, VERMILION, Drawing, new, percent_axis, plain_left, wrapped
from standoff.show.figures.endings import LINES
from standoff.show.words import percent

ENDING_OF = {"agreed_exit": "agreed-exit", "flight": "flight", "captured": "force", "killed": "force",
             "coup": "removed-within"}  # fmt: skip
"""Ending whose line and colour an exit has."""
ORDER_LOOK = {
    "same_regime": ("#4d4d4d", ""), "new_autocracy": ("#9a9a9a", "///"), "democracy": ("#dcecf7", ""),
    "nobody": ("white", "xxx"),
}  # fmt: skip
ORDER_TITLES = {
    "same_regime": "same regime", "new_autocracy": "another autocracy", "democracy": "democracy",
    "nobody": "occupied or no centre",
}  # fmt: skip


@dataclass(frozen=True)
class Curve:
    """One exit's course: its id, its title, and values by month and path."""

    exit: str
    title: str
    values: np.ndarray


@dataclass(frozen=True)
class Course:
    """A quantity by month: title, unit, one curve an exit, and where nothing changes."""

    title: str
    unit: str
    curves: tuple[Curve, ...]
    still: float | None = None
    share: bool = False


def leads(names: Sequence[str], panels: Sequence[tuple[str, np.ndarray]], days: Sequence[int]) -> Drawing:
    """Who leads: one panel an exit (title, chances by horizon, leader and draw); a row for each who may lead."""
    figure = new(7.2, 0.25 * len(names) + 1.0)
    axes = figure.subplots(1, len(panels), sharey=True, sharex=True, squeeze=False)[0]
    top = max(0.1, *(float(np.quantile(chances, 0.95, axis=-1).max()) for _, chances in panels))
    for ax, (title, chances) in zip(axes, panels, strict=True):
        for at, dy, colour, marker, face in ((0, 0.17, BLUE, "o", BLUE), (-1, -0.17, VERMILION, "D", "white")):
            low, high = np.quantile(chances[at], [0.05, 0.95], axis=-1)
            for k in range(len(names)):
                y = -k + dy
                ax.plot([low[k], high[k]], [y, y], color=colour, linewidth=1.3, solid_capstyle="butt")
                ax.plot(
                    chances[at, k].mean(), y, marker, color=colour, markerfacecolor=face, markersize=5,
                    markeredgewidth=1.3, clip_on=False,
                )  # fmt: skip
        ax.set_title(wrapped(title, 16, 2), fontsize=8.5)
        ax.set_xlim(0, top * 1.04)
        ax.grid(axis="x")
        ax.set_axisbelow(True)
        plain_left(ax)
        percent_axis(ax.xaxis, "chance, %")
    axes[0].set_yticks([-k for k in range(len(names))], [wrapped(name, 24, 1) for name in names], fontsize=8)
    axes[0].set_ylim(-len(names) + 0.45, 0.55)
    words = "; ".join(
        f"{title}: "
        + ", ".join(
            f"{name} {percent(float(c[0, k].mean()))}, then {percent(float(c[-1, k].mean()))}"
            for k, name in enumerate(names)
        )
        for title, c in panels
    )
    first, last = days[0], days[-1]
    return Drawing(
        "leads",
        figure,
        f"Chance of leading {first} and {last} days after each exit. {words}.",
        f"Who leads, given the exit. Dot: {first} days after it, open diamond: {last} days; line: 5% to 95% over the "
        "parameters.",
    )


def orders(rows: Sequence[tuple[str, np.ndarray, np.ndarray]], order: Sequence[str], days: Sequence[int]) -> Drawing:
    """Orders as stacked bars: by exit (title, mean chance by day and order, base rate by order)."""
    from matplotlib.patches import Patch

    figure = new(7.2, 0.165 * (len(days) + 1) * len(rows) + 0.13 * len(rows) + 0.7)
    ax = figure.subplots()
    ticks, labels, y = [], [], 0.0
    for title, chances, base in rows:
        bars = [(f"{day} days", chance) for day, chance in zip(days, chances, strict=True)] + [("base rate", base)]
        middle = y - (len(bars) - 1) / 2
        ax.annotate(
            wrapped(title, 20, 3), (-0.115, middle), xycoords=("axes fraction", "data"), ha="right", va="center",
            fontsize=8.3, fontweight="bold", annotation_clip=False,
        )  # fmt: skip
        for label, chance in bars:
            left = 0.0
            for name, part in zip(order, chance, strict=True):
                colour, hatch = ORDER_LOOK[name]
                edge = BLACK if label == "base rate" else "white" if colour == "#4d4d4d" else "#555555"
                ax.barh(y, part, left=left, height=0.8, color=colour, hatch=hatch, edgecolor=edge, linewidth=0.6)
                if part >= 0.06:
                    ax.text(
                        left + part / 2, y, f"{100 * part:.0f}", ha="center", va="center", fontsize=7,
                        color="white" if colour == "#4d4d4d" else BLACK,
                        bbox=None if not hatch else {"facecolor": "white", "edgecolor": "none", "pad": 0.6},
                    )  # fmt: skip
                left += float(part)
            ticks.append(y)
            labels.append(label)
            y -= 1.0
        y -= 0.6
    ax.set_yticks(ticks, labels, fontsize=7)
    for text in ax.get_yticklabels():
        text.set_fontstyle("italic" if text.get_text() == "base rate" else "normal")
    ax.set_xlim(0, 1)
    ax.set_ylim(y + 1.2, 0.6)
    plain_left(ax)
    percent_axis(ax.xaxis, "chance, %")
    handles = [Patch(facecolor=c, hatch=h, edgecolor="#555555", linewidth=0.6) for c, h in ORDER_LOOK.values()]
    names = [ORDER_TITLES[name] for name in ORDER_LOOK]
    figure.legend(handles, names, loc="outside upper left", ncols=4, fontsize=7.8, frameon=False)
    words = "; ".join(
        f"{title}: " + ", ".join(
            f"{ORDER_TITLES[n]} {percent(float(c[0, k]))}, then {percent(float(c[-1, k]))} (base rate "
            f"{percent(float(b[k]))})" for k, n in enumerate(order)
        ) for title, c, b in rows
    )  # fmt: skip
    return Drawing(
        "orders", figure, f"Next order {days[0]} to {days[-1]} days after each exit. {words}.",
        "Which order stands, given the exit: means over draws. Base rate: the next order after exits of that mixture "
        "of modes, as counted, without the case.",
    )  # fmt: skip


def region(courses: Sequence[Course], marked: str) -> Drawing:
    """Small panels, one a quantity: mean by exit, and the band of the exit that is marked."""
    from matplotlib.lines import Line2D

    columns = 3
    rows = -(-len(courses) // columns)
    figure = new(7.2, 1.35 * rows + 0.5)
    axes = figure.subplots(rows, columns, squeeze=False).reshape(-1)
    for ax, course in zip(axes, courses, strict=False):
        for curve in course.curves:
            style, colour = LINES[ENDING_OF[curve.exit]]
            months = np.arange(1, len(curve.values) + 1)
            if curve.exit == marked:
                low, high = np.quantile(curve.values, [0.05, 0.95], axis=1)
                ax.fill_between(months, low, high, color=colour, alpha=0.16, linewidth=0)
            ax.plot(months, curve.values.mean(1), linestyle=style, color=colour, linewidth=1.7)
        if course.still is not None:
            ax.axhline(course.still, color=GREY, linewidth=0.8)
        ax.set_title(course.title, fontsize=8.3)
        ax.set_ylabel(course.unit, fontsize=7.5)
        ax.set_xlim(1, len(months))
        ax.set_xticks([1, 3, 6, 9, 12])
        ax.tick_params(labelsize=7.5)
        ax.grid(axis="y")
        ax.set_axisbelow(True)
        if course.share:
            percent_axis(ax.yaxis, course.unit)
            ax.set_ylim(bottom=0)
    for ax in axes[len(courses) :]:
        ax.set_visible(False)
    shown = axes[: len(courses)]
    for ax in shown[-columns:]:
        ax.set_xlabel("months after the ending", fontsize=7.5)
    first = courses[0].curves
    handles: list[Any] = [
        Line2D([], [], linestyle=LINES[ENDING_OF[c.exit]][0], color=LINES[ENDING_OF[c.exit]][1], linewidth=1.7)
        for c in first
    ]
    figure.legend(
        handles, [c.title for c in first], loc="outside upper left", ncols=4, fontsize=7.5, frameon=False,
        handlelength=2.6, columnspacing=1.2,
    )  # fmt: skip
    words = "; ".join(
        f"{course.title} ({course.unit}): " + ", ".join(
            f"{c.title} {c.values[0].mean():.3g}, after a year {c.values[-1].mean():.3g}" for c in course.curves
        ) for course in courses
    )  # fmt: skip
    title = next(c.title for c in first if c.exit == marked)
    return Drawing(
        "region", figure, f"Paths of the year after each exit. {words}.",
        f"Mean by exit, with the same noise for all. Shaded: 5% to 95% of the paths after {title}.",
    )  # fmt: skip
