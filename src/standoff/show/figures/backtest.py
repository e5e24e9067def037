"""Backtests drawn: what each model loses or gains against the regression, and whether chances mean what they say."""

from collections.abc import Sequence
from dataclasses import dataclass

from standoff.backtest.scores import Interval
from standoff.show.figures.drawing import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
    Drawing,
    new,
    wrapped,
)

LOOKS = {
    "climatology": (GREY, "D"),
    "logistic": (BLUE, "o"),
    "boosting": (SKY, "v"),
    "signaling": (VERMILION, "s"),
    "signaling-within": (ORANGE, "P"),
    "strategic": (PURPLE, "^"),
    "endings": (BLACK, "p"),
    "average": (GREEN, "d"),
}
"""Colour and marker of each model."""
HEIGHT = 0.15
"""Inches that a model takes in a row."""


@dataclass(frozen=True)
class Row:
    """A question under a split, and each model's score less the regression's."""

    title: str
    less: dict[str, Interval]


def differences(name: str, rows: Sequence[Row], titles: dict[str, str], caption: str) -> Drawing:
    """A block for each question: models' Brier scores less the regression's, with 95% intervals."""
    models = [m for m in titles if any(m in row.less for row in rows)]
    each = len(models) + 1.2
    figure = new(8.2, HEIGHT * each * len(rows) + 1.3)
    ax = figure.subplots()
    ax.axvline(0, color=BLACK, linewidth=0.9)
    used = {}
    ticks = []
    for k, row in enumerate(rows):
        top = -k * each
        if k % 2 == 0:
            ax.axhspan(top - each + 1.1, top + 0.9, color="#f3f3ef", zorder=0, linewidth=0)
        ticks.append(top - (len(models) - 1) / 2)
        for j, model in enumerate(models):
            found = row.less.get(model)
            if found is None:
                continue
            colour, marker = LOOKS.get(model, (BLACK, "o"))
            ax.plot([found.low, found.high], [top - j] * 2, color=colour, linewidth=1.6, zorder=2)
            (used[model],) = ax.plot(
                found.value, top - j, marker, color=colour, markersize=5,
                markerfacecolor=colour if found.clear else "white", linestyle="none", zorder=3,
            )  # fmt: skip
    ax.set_yticks(ticks, [wrapped(row.title, 40, 3) for row in rows], fontsize=7.8)
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(-len(rows) * each + 1.0, 1.0)
    ax.spines["left"].set_visible(False)
    ax.grid(axis="x")
    ax.set_axisbelow(True)
    ax.set_xlabel("Brier score less that of the logistic regression  (left: better than it; right: worse)")
    figure.legend(
        [used[m] for m in models], [titles[m] for m in models], loc="outside upper left", ncols=3, fontsize=7.6,
        frameon=False, handlelength=1.2, columnspacing=1.4,
    )  # fmt: skip
    said = "; ".join(
        f"{row.title}: " + ", ".join(f"{titles[m]} {d.value:+.3f} ({d.low:+.3f} to {d.high:+.3f})"
                                     for m, d in row.less.items())
        for row in rows
    )  # fmt: skip
    return Drawing(name, figure, f"Brier scores less that of the logistic regression. {said}.", caption)


@dataclass(frozen=True)
class Curve:
    """Reliability of a model: mean chance, share of yes and cases by class of chance."""

    model: str
    points: Sequence[tuple[float, float, int]]


def reliability(
    name: str, panels: Sequence[tuple[str, Sequence[Curve]]], titles: dict[str, str], caption: str
) -> Drawing:
    """A panel for each question: share of yes against the chance given; on the line whoever means what he says."""
    wide = min(len(panels), 2)
    tall = -(-len(panels) // wide)
    figure = new(4.1 * wide, 3.55 * tall + 0.5)
    axes = figure.subplots(tall, wide, squeeze=False)
    used = {}
    for k, ax in enumerate(axes.ravel()):
        if k >= len(panels):
            ax.set_axis_off()
            continue
        title, curves = panels[k]
        every = [v for curve in curves for x, y, _ in curve.points for v in (x, y)]
        most = min(1.0, max(0.1, max(every, default=1.0) * 1.08))
        ax.plot([0, most], [0, most], color=GREY, linewidth=1, linestyle=":")
        for j, curve in enumerate(curves):
            colour, marker = LOOKS.get(curve.model, (BLACK, "o"))
            x, y = [p for p, _, _ in curve.points], [share for _, share, _ in curve.points]
            (used[curve.model],) = ax.plot(
                x, y, marker=marker, color=colour, markersize=4.5, linewidth=1.1,
                linestyle="-" if j == 0 else "--",
            )  # fmt: skip
        ax.set_xlim(0, most)
        ax.set_ylim(0, most)
        ax.set_aspect("equal")
        ax.grid()
        sizes = sorted({n for curve in curves for *_, n in curve.points})
        told = f"{sizes[0]}" if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}" if sizes else "no"
        ax.set_title(f"{wrapped(title, 46, 2)}\n{told} cases a point", fontsize=8)
        for axis, label in ((ax.xaxis, "chance that was given, %"), (ax.yaxis, "of these came about, %")):
            axis.set_major_formatter(lambda value, _at: f"{round(100 * value, 6) + 0.0:g}")
            axis.label.set_text(label)
    figure.legend(
        list(used.values()), [titles[m] for m in used], loc="outside upper left", ncols=3, fontsize=7.6, frameon=False
    )
    said = "; ".join(
        f"{title}, {titles[c.model]}: "
        + ", ".join(f"{100 * p:.0f}% said, {100 * y:.0f}% came about ({n})" for p, y, n in c.points)
        for title, curves in panels for c in curves
    )  # fmt: skip
    return Drawing(name, figure, f"Calibration. {said}.", caption)
