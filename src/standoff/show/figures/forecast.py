"""Forecast chances of the endings over the days of the forecasts, with what was said on the same questions."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from standoff.show.figures.drawing import (
    BLACK,
    BLUE,
    GREY,
    PURPLE,
    VERMILION,
    Drawing,
    at,
    date_axis,
    new,
    percent_axis,
    wrapped,
)

LINES = {
    "generic": (BLACK, "-", "o", "model, generic priors"),
    "case": (BLUE, "--", "D", "model, the case’s numbers (hindsight)"),
    "base": (GREY, ":", "", "generic priors, both in the base view"),
}
"""Colour, line, marker and title of the forecasts; `base` is drawn faintly."""
MARKS = {"person": (VERMILION, "s", "what people said"), "market": (PURPLE, "^", "market")}
NEAR = 4.0
"""Days within which marks are drawn side by side."""


@dataclass(frozen=True)
class Said:
    """What somebody said of an ending on a day, as a range of chance; `letter` stands for who it was."""

    letter: str
    on: dt.date
    low: float
    middle: float
    high: float
    kind: str


@dataclass(frozen=True)
class Panel:
    """An ending (or several): its title, chances by priors (or a lowest and highest one), and what was said of it."""

    title: str
    lines: Mapping[str, np.ndarray]
    said: Sequence[Said] = ()
    happened: bool = False


def forecasts(
    days: Sequence[dt.date], panels: Sequence[Panel], events: Sequence[tuple[dt.date, str, str]],
    ended: tuple[dt.date, str] | None, axis: str, caption: str,
) -> Drawing:  # fmt: skip
    """A panel for each ending over the days of `axis`, and the events of the record beneath.

    Args:
        days: Places of the chances.
        panels: What is drawn, from top to bottom.
        events: Day, side and short title of each event.
        ended: The day on which the crisis ended, and how, if it is on record.
        axis: What the days are.
        caption: Which chance is shown.
    """
    lanes = list(dict.fromkeys(side for _, side, _ in events))
    heights = [1.0] * len(panels) + ([0.36 * len(lanes) + 0.25] if lanes else [])
    figure = new(7.2, 1.18 * sum(heights) + 0.95)
    axes = np.atleast_1d(figure.subplots(len(heights), 1, sharex=True, height_ratios=heights))
    x = at(days)
    used: dict[str, Line2D] = {}
    for ax, panel in zip(axes, panels, strict=False):
        _panel(ax, x, panel, used)
        if ended is not None:
            ax.axvline(at([ended[0]])[0], color=BLACK, linewidth=1.1)
    if lanes:
        _events(axes[-1], events, lanes)
        if ended is not None:
            axes[-1].axvline(at([ended[0]])[0], color=BLACK, linewidth=1.1)
    places = [*x, *([at([ended[0]])[0]] if ended is not None else [])]
    places += [at([one.on])[0] for panel in panels for one in panel.said]
    low, high = min(places), max(places)
    axes[-1].set_xlim(low - 0.03 * (high - low) - 3, high + 0.03 * (high - low) + 3)
    date_axis(axes[-1], axis)
    if ended is not None:
        axes[0].annotate(
            wrapped(ended[1], 18, 2), (at([ended[0]])[0], 1.0), xycoords=("data", "axes fraction"), xytext=(-4, -2),
            textcoords="offset points", ha="right", va="top", fontsize=7, color="#333333",
        )  # fmt: skip
    titles = {key: title for key, (_, _, _, title) in LINES.items()} | {k: t for k, (_, _, t) in MARKS.items()}
    shown = [key for key in titles if key in used]
    figure.legend(
        [used[key] for key in shown], [titles[key] for key in shown], loc="outside upper left", ncols=2, fontsize=7.5,
        frameon=False,
    )  # fmt: skip
    words = "; ".join(
        f"{panel.title}: " + ", ".join(
            f"{LINES[key][3]} from {line[..., 0].mean():.0%} to {line[..., -1].mean():.0%}"
            for key, line in panel.lines.items()
        )
        for panel in panels
    )  # fmt: skip
    return Drawing("forecast", figure, f"Forecast chances of the endings. {words}.", caption)


def _panel(ax: Axes, x: np.ndarray, panel: Panel, used: dict[str, Line2D]) -> None:
    top = 0.0
    for key in ("base", "case", "generic"):
        if key not in panel.lines:
            continue
        colour, style, marker, _ = LINES[key]
        line = panel.lines[key]
        if line.ndim == 2:  # lowest and highest
            ax.fill_between(x, line[0], line[1], color=colour, alpha=0.14, linewidth=0)
            line = line[1]
        few = len(x) <= 30
        (used[key],) = ax.plot(
            x, line, color=colour, linestyle=style, marker=marker if few else "", markersize=3.8,
            markerfacecolor=colour if key == "generic" else "white", linewidth=1.1 if key == "base" else 1.8,
        )  # fmt: skip
        top = max(top, float(np.nanmax(line)))
    places: list[tuple[float, int]] = []
    for one in sorted(panel.said, key=lambda each: each.on):
        colour, marker, _ = MARKS[one.kind]
        place = at([one.on])[0]
        beside = sum(abs(place - other) < NEAR for other, _ in places)
        places.append((place, beside))
        place += beside * 1.9
        ax.plot([place, place], [one.low, one.high], color=colour, linewidth=2.2, alpha=0.5, solid_capstyle="butt")
        (used[one.kind],) = ax.plot(
            place, one.middle, marker, color=colour, markersize=5.2, linestyle="none", markeredgecolor=BLACK,
            markeredgewidth=0.6,
        )  # fmt: skip
        ax.annotate(
            one.letter, (place, one.high), xytext=(0, 2), textcoords="offset points", ha="center", fontsize=7.2,
            fontweight="bold",
        )  # fmt: skip
        top = max(top, one.high + 0.04)
    ax.set_ylim(0, min(1.06, max(0.06, 1.14 * top)))
    ax.set_title(wrapped(panel.title, 80) + ("  ← what happened" if panel.happened else ""), fontsize=9)
    ax.grid(axis="y")
    percent_axis(ax.yaxis, "chance, %")


def _events(ax: Axes, events: Sequence[tuple[dt.date, str, str]], lanes: Sequence[str]) -> None:
    ax.set_ylim(-len(lanes) + 0.35, 0.65)
    ax.set_yticks([-k for k in range(len(lanes))], [wrapped(name, 14) for name in lanes], fontsize=7.5)
    for k, lane in enumerate(lanes):
        ax.axhline(-k, color="#cccccc", linewidth=0.8, zorder=0)
        mine = sorted((day, title) for day, side, title in events if side == lane)
        for n, (day, title) in enumerate(mine):
            place = at([day])[0]
            ax.plot(place, -k, "|", color=BLACK, markersize=7)
            ax.annotate(
                title, (place, -k), xytext=(0, 4 if n % 2 == 0 else -4), textcoords="offset points", ha="center",
                va="bottom" if n % 2 == 0 else "top", fontsize=6, color="#333333",
            )  # fmt: skip
    ax.spines["left"].set_visible(False)
    ax.tick_params(axis="y", length=0)
