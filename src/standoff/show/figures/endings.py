"""How it ends and when: chances of the endings, and their cumulative chances by date."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

import numpy as np

from standoff.show.figures.drawing import (
    BASE,
    BLACK,
    BLUE,
    GREEN,
    GREY,
    OWN,
    PURPLE,
    VERMILION,
    Drawing,
    at,
    date_axis,
    new,
    percent_axis,
    plain_left,
    spread_labels,
)
from standoff.show.summary import Chance
from standoff.show.words import give_or_take, percent

LINES: dict[str, tuple[Any, str]] = {
    "force": ("-", VERMILION),
    "agreed-exit": ("--", BLUE),
    "deal-he-stays": ("-.", GREEN),
    "flight": (":", PURPLE),
    "back-down": ((0, (5, 1, 1, 1, 1, 1)), "#8a6500"),
    "removed-within": ((0, (1, 2)), BLACK),
    "stalemate": ((0, (8, 2)), GREY),
    "exit-blocked": ((0, (3, 1, 1, 1)), "#006d77"),
}
"""Line and colour of each ending."""
MOST = 4


def endings(rows: Sequence[tuple[str, Chance, Chance, bool]]) -> Drawing:
    """Dots and intervals by ending: (title, own views, base, whether it is what happened), likeliest first."""
    figure = new(7.0, 0.62 * len(rows) + 1.0)
    ax = figure.subplots()
    for k, (_, own, base, _) in enumerate(rows):
        for c, dy, colour, marker, face in ((own, 0.16, OWN, "o", OWN), (base, -0.16, BASE, "D", "white")):
            y = -k + dy
            ax.plot([c.low, c.high], [y, y], color=colour, linewidth=1, solid_capstyle="butt")
            ax.plot([max(c.mean - c.error, 0), min(c.mean + c.error, 1)], [y, y], color=colour, linewidth=4, alpha=0.55)
            ax.plot(
                c.mean,
                y,
                marker,
                color=colour,
                markerfacecolor=face,
                markersize=6.5,
                markeredgewidth=1.5,
                clip_on=False,
            )
            ax.text(
                1.015,
                y,
                f"{percent(c.mean)} {give_or_take(c.error)}",
                va="center",
                fontsize=8.5,
                color=colour,
                transform=ax.get_yaxis_transform(),
            )
    ax.set_yticks(
        [-k for k in range(len(rows))], [f"{title}\n(what happened)" if real else title for title, _, _, real in rows]
    )
    for label, row in zip(ax.get_yticklabels(), rows, strict=True):
        label.set_fontweight("bold" if row[3] else "normal")
    ax.set_xlim(0, max(0.05, min(1.0, max(max(o.high, b.high) for _, o, b, _ in rows) * 1.06)))
    ax.set_ylim(-len(rows) + 0.45, 0.95)
    ax.grid(axis="x")
    ax.set_axisbelow(True)
    plain_left(ax)
    percent_axis(ax.xaxis, "chance of the ending, % of simulated crises")
    top = rows[0]
    ax.annotate(
        "own views",
        (top[1].mean, 0.16),
        (0, 8),
        textcoords="offset points",
        color=OWN,
        fontsize=8.5,
        ha="center",
        fontweight="bold",
    )
    ax.annotate(
        "base view",
        (top[2].mean, -0.16),
        (0, -14),
        textcoords="offset points",
        color=BASE,
        fontsize=8.5,
        ha="center",
        fontweight="bold",
    )
    words = "; ".join(f"{t}: own views {percent(o.mean)}, base view {percent(b.mean)}" for t, o, b, _ in rows)
    return Drawing(
        "endings",
        figure,
        f"Chance of each ending, with each side in its own view and with both in the base view. {words}.",
        "Dot: mean. Thick: ± two standard errors of the mean. Thin: 5% to 95% over the parameters.",
    )


def timing(
    days: Sequence[dt.date], curves: Sequence[tuple[str, str, np.ndarray, bool]], happened: tuple[dt.date, str] | None
) -> Drawing:
    """Cumulative chances by the end of each round: (ending, title, chances[round, draw], whether it happened)."""
    figure = new(7.0, 3.7)
    ax = figure.subplots()
    x = at(days)
    ends, labels = [], []
    for key, title, chances, real in curves:
        style, colour = LINES[key]
        mean = chances.mean(1)
        if real:
            low, high = np.quantile(chances, [0.05, 0.95], axis=1)
            ax.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)
        ax.plot(x, mean, linestyle=style, color=colour, linewidth=2.6 if real else 1.8)
        ends.append(float(mean[-1]))
        labels.append((title, colour, real))
    top = max(
        0.1,
        *(float(np.quantile(c, 0.95, axis=1).max()) if real else float(c.mean(1).max()) for _, _, c, real in curves),
    )
    ax.set_ylim(0, top * 1.12)
    for (title, colour, real), value, y in zip(
        labels, ends, spread_labels(ends, top * 0.085, low=top * 0.02), strict=True
    ):
        ax.annotate(
            f"{title} {percent(value)}",
            (1.01, y),
            xycoords=("axes fraction", "data"),
            color=colour,
            va="center",
            fontsize=8.5,
            fontweight="bold" if real else "normal",
            annotation_clip=False,
        )
    if happened is not None:
        when = float(at([happened[0]])[0])
        ax.axvline(when, color=BLACK, linewidth=1.2, linestyle=(0, (2, 2)))
        right = when > (x[0] + x[-1]) / 2
        ax.annotate(
            f"what happened:\n{happened[1]}",
            (when, top * 1.1),
            (-5 if right else 5, 0),
            textcoords="offset points",
            ha="right" if right else "left",
            va="top",
            fontsize=8.5,
            color=BLACK,
        )
    ax.set_xlim(x[0], x[-1])
    ax.grid(axis="y")
    percent_axis(ax.yaxis, "ended this way by then, % of crises")
    date_axis(ax, "end of the round")
    ax.xaxis.label.set_color(GREY)
    words = "; ".join(f"{title} reaches {percent(float(c.mean(1)[-1]))}" for _, title, c, _ in curves)
    ended = f" What happened: {happened[1]}." if happened else ""
    return Drawing(
        "timing",
        figure,
        f"Cumulative chance of the main endings by date, own views. {words}.{ended}",
        "Mean over draws of the parameters, each side in its own view."
        + (" Shaded: 5% to 95% over the parameters." if any(c[3] for c in curves) else ""),
    )
