"""Fits as pictures: coefficients with intervals, chances beside what happened, every equilibrium as a column moves."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.lines import Line2D

from standoff.show.figures.drawing import BLACK, BLUE, GREY, VERMILION, Drawing, new, percent_axis, plain_left

PANELS = (("p_C", "A challenges"), ("p_R", "B resists a challenge"), ("p_F", "A stands firm when resisted"))
"""The moves of the signaling game."""
PER_PAGE = 40
"""Coefficients that a picture holds."""


@dataclass(frozen=True)
class Coefficient:
    """A row: name, value with its interval, and the factor that it is shown by (1 for constants)."""

    name: str
    value: float
    low: float
    high: float
    factor: float
    constant: bool


def coefficients(name: str, rows: Sequence[Coefficient], unit: str) -> Drawing:
    """A dot and a 95% interval for each coefficient: constants apart, others by a standard deviation of their term.

    Args:
        name: Of the figure.
        rows: The coefficients, in order.
        unit: Of payoffs, in words.
    """
    rows = rows[:PER_PAGE]
    parts = [[r for r in rows if r.constant], [r for r in rows if not r.constant]]
    shown = [(title, part) for title, part in zip(("constants", "per sd of the term"), parts, strict=True) if part]
    figure = new(7.2, 0.24 * len(rows) + 0.62 * len(shown) + 0.45)
    axes = figure.subplots(len(shown), 1, squeeze=False, height_ratios=[len(part) + 0.8 for _, part in shown])[:, 0]
    for ax, (title, part) in zip(axes, shown, strict=True):
        for k, row in enumerate(part):
            known = np.isfinite(row.low) and np.isfinite(row.high)
            clear = known and (row.low > 0 or row.high < 0)
            if known:
                ax.plot([row.low * row.factor, row.high * row.factor], [-k, -k], color=BLUE, linewidth=1.5)
            face = BLUE if clear else "white"
            ax.plot(
                row.value * row.factor, -k, "o" if known else "x", color=BLUE if known else GREY, markerfacecolor=face,
                markersize=5,
            )  # fmt: skip
        ax.axvline(0, color=BLACK, linewidth=0.8)
        ax.set_yticks([-k for k in range(len(part))], [row.name for row in part], fontsize=7.6)
        ax.set_ylim(-len(part) + 0.4, 0.6)
        ax.set_title(title, fontsize=8.6)
        ax.grid(axis="x")
        ax.set_axisbelow(True)
        plain_left(ax)
        ax.set_xlabel(unit if title == "constants" else f"{unit}, per standard deviation of the term")
    handles = [
        Line2D([], [], marker="o", color=BLUE, markerfacecolor=BLUE, linewidth=1.5, markersize=5),
        Line2D([], [], marker="o", color=BLUE, markerfacecolor="white", linewidth=1.5, markersize=5),
    ]
    labels = ["95% interval without 0", "95% interval with 0"]
    if any(not np.isfinite(row.low) for row in rows):
        handles.append(Line2D([], [], marker="x", color=GREY, linestyle="none", markersize=5))
        labels.append("not identified")
    figure.legend(handles, labels, loc="outside upper left", ncols=3, fontsize=7.6, frameon=False)
    words = "; ".join(f"{row.name} {row.value:.3g} ({row.low:.3g} to {row.high:.3g})" for row in rows)
    return Drawing(
        name, figure, f"Coefficients with 95% intervals. {words}.".replace("-", "−"),
        "Coefficients with 95% intervals. Those of columns are for a change of one standard deviation of the term.",
    )  # fmt: skip


@dataclass(frozen=True)
class Class:
    """Games of like chance: the mean chance, the share that came about with its interval, and of how many."""

    chance: float
    share: float
    low: float
    high: float
    many: int


def beside_outcomes(name: str, panels: Sequence[tuple[str, Sequence[Class]]]) -> Drawing:
    """For each move, the share that made it by class of chance: on the line where the model is right.

    Args:
        name: Of the figure.
        panels: Title of the move, and the classes.
    """
    figure = new(7.4, 3.0)
    axes = figure.subplots(1, len(panels), squeeze=False)[0]
    told = []
    for ax, (title, classes) in zip(axes, panels, strict=True):
        ends = [x for c in classes for x in (c.chance, c.low, c.high)]
        low, high = (max(0.0, min(ends) - 0.02), min(1.0, max(ends) + 0.02)) if ends else (0.0, 1.0)
        ax.plot([low, high], [low, high], color=GREY, linewidth=1, linestyle=":")
        for c in classes:
            ax.plot([c.chance, c.chance], [c.low, c.high], color=VERMILION, linewidth=1.3)
            ax.plot(c.chance, c.share, "s", color=VERMILION, markersize=4.5)
        ax.set_xlim(low, high)
        ax.set_ylim(low, high)
        ax.set_title(title, fontsize=8.6)
        ax.grid()
        ax.set_axisbelow(True)
        percent_axis(ax.xaxis, "chance by the fit, %")
        percent_axis(ax.yaxis, "of these it happened in, %" if ax is axes[0] else "")
        each = ", ".join(f"{100 * c.chance:.1f}% by the fit, {100 * c.share:.1f}% ({c.many})" for c in classes)
        told.append(f"{title}: {each}")
    return Drawing(
        name, figure, f"Chances by the fit and shares that came about. {'; '.join(told)}.",
        "Games by class of chance, in which the fit itself was made; whiskers: 95% intervals (Wilson). On the dotted "
        "line the fit says what happened. It is no test on other games.",
    )  # fmt: skip


def statics(
    name: str, column: str, values: np.ndarray, count: np.ndarray, stable: np.ndarray,
    panels: Sequence[tuple[str, np.ndarray]], where: str,
) -> Drawing:  # fmt: skip
    """Every equilibrium of a game as a column moves: stable ones solid, unstable ones dashed.

    Args:
        name: Of the figure.
        column: What moves.
        values: Its values.
        count: Equilibria at each.
        stable: Which of them are stable [value, equilibrium].
        panels: Title of a move and its chance [value, equilibrium].
        where: The other columns, in words.
    """
    figure = new(7.4, 3.1)
    axes = figure.subplots(1, len(panels), squeeze=False)[0]
    edges = np.flatnonzero(np.diff(count)) + 1
    runs = np.split(np.arange(len(values)), edges)
    for ax, (title, chance) in zip(axes, panels, strict=True):
        for run in runs:
            for k in range(int(count[run[0]])):
                solid = bool(stable[run, k].mean() >= 0.5)
                ax.plot(
                    values[run], chance[run, k], color=BLUE if solid else VERMILION, linestyle="-" if solid else "--",
                    marker="" if len(run) > 1 else ".", linewidth=1.8,
                )  # fmt: skip
        ax.set_xlabel(column)
        ax.set_title(title, fontsize=8.6)
        ax.set_ylim(0, min(1.03, 1.08 * float(np.nanmax(chance))) if np.isfinite(chance).any() else 1)
        ax.grid()
        ax.set_axisbelow(True)
        percent_axis(ax.yaxis, "chance, %" if ax is axes[0] else "")
    handles = [Line2D([], [], color=BLUE, linewidth=1.8)]
    labels = ["stable equilibrium"]
    if (np.arange(stable.shape[1])[None, :] < count[:, None])[~stable].any():
        handles.append(Line2D([], [], color=VERMILION, linewidth=1.8, linestyle="--"))
        labels.append("unstable equilibrium")
    figure.legend(handles, labels, loc="outside upper left", ncols=2, fontsize=7.6, frameon=False)
    most = int(count.max())
    several = values[count > 1]
    told = f"between {several.min():.3g} and {several.max():.3g} there are up to {most}" if len(several) else "one each"
    ends = "; ".join(
        f"{title}: {_ends(chance[0])} at {values[0]:.3g}, {_ends(chance[-1])} at {values[-1]:.3g}"
        for title, chance in panels
    )
    return Drawing(
        name, figure, f"Equilibria as {column} moves: {told}. {ends}.",
        f"All equilibria of one game as {column} moves ({told}). Other columns: {where}.",
    )  # fmt: skip


def _ends(chances: np.ndarray) -> str:
    return " or ".join(f"{100 * x:.1f}%" for x in chances[np.isfinite(chances)]) or "none"
