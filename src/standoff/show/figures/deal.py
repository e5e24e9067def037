"""Packages by what they are worth to the two sides, beside what happened and what each expected of going on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from standoff.show.figures.drawing import BLACK, BLUE, GREEN, GREY, VERMILION, Drawing, new, wrapped

BOX: Any = {"facecolor": "white", "edgecolor": "none", "pad": 1.2, "alpha": 0.85}
"""Behind words that may lie on lines."""


@dataclass(frozen=True)
class Spot:
    """A package or ending: label, title, mean worth to the coercer and the target, and their spans over types."""

    label: str
    title: str
    x: float
    y: float
    across: tuple[float, float]
    up: tuple[float, float]
    by: str


def deal(
    spots: Sequence[Spot], happened: Spot, going_on: tuple[float, float] | None, labels: dict[str, str]
) -> Drawing:
    """A map of packages: x worth to the coercer, y worth to the target."""
    figure = new(7.0, 3.9)
    ax = figure.subplots()
    xs = [s.x for s in spots] + [happened.x, *happened.across, *([going_on[0]] if going_on else [])]
    ys = (
        [s.y for s in spots]
        + [v for s in spots for v in s.up]
        + [happened.y, *happened.up, *([going_on[1]] if going_on else [])]
    )
    px, py = 0.1 * (max(xs) - min(xs) + 0.1), 0.1 * (max(ys) - min(ys) + 0.1)
    left, right, low, high = min(xs) - px, max(xs) + px, min(ys) - py, max(ys) + py
    ax.set_xlim(left, right)
    ax.set_ylim(low, high)
    ax.fill_between([happened.x, right], happened.y, high, color=GREEN, alpha=0.10, linewidth=0)
    if going_on is not None:
        _expected(ax, going_on, (left, right, low, high), labels)
    corner = _free((max(happened.x, left), right, happened.y, high), (left, right, low, high), spots, going_on)
    ax.text(corner[0], corner[1], labels["zone"], color="#00654a", fontsize=8, va=corner[2], ha=corner[3], bbox=BOX)
    for spot in spots:
        if spot.up[1] - spot.up[0] > 1e-6:
            ax.plot([spot.x, spot.x], spot.up, color=GREY, linewidth=0.9, zorder=2)
        ax.plot(
            spot.x,
            spot.y,
            "o" if spot.by == "coercer" else "s",
            color=BLUE if spot.by == "coercer" else VERMILION,
            markersize=12,
            markerfacecolor="white",
            markeredgewidth=1.3,
            zorder=3,
        )
    for (x, y), spot in zip(_apart([(s.x, s.y) for s in spots], px, py), spots, strict=True):
        if (x, y) != (spot.x, spot.y):
            ax.plot([spot.x, x], [spot.y, y], color=GREY, linewidth=0.6, zorder=3)
        ax.text(x, y, spot.label, ha="center", va="center_baseline", fontsize=8, fontweight="bold", zorder=4)
    ax.plot(happened.across, [happened.y, happened.y], color=BLACK, linewidth=0.9)
    ax.plot([happened.x, happened.x], happened.up, color=BLACK, linewidth=0.9)
    ax.plot(happened.x, happened.y, "X", color=BLACK, markersize=10)
    ax.annotate(
        happened.title,
        (happened.x, happened.y),
        (0, -9),
        textcoords="offset points",
        ha="center",
        va="top",
        fontsize=8.5,
        fontweight="bold",
        bbox=BOX,
    )
    ax.set_xlabel(labels["x"])
    ax.set_ylabel(labels["y"] if len(labels["y"]) <= 44 else labels["y"].replace(" (", "\n("))
    ax.grid(alpha=0.5)
    ax.set_axisbelow(True)
    words = "; ".join(f"{s.label} {s.title}: {s.x:.2f} and {s.y:.2f}" for s in spots)
    return Drawing(
        "deal",
        figure,
        f"Worth of each package to the two sides in the base view. {words}. {happened.title}: {happened.x:.2f} and "
        f"{happened.y:.2f}. "
        + (f"Going on was expected to be worth {going_on[0]:.2f} and {going_on[1]:.2f}." if going_on else ""),
        "Means over draws and types, base view; lines through marks span the means of the two types. Circles: "
        "offered by "
        f"{labels['coercer_name']}; squares: by {labels['target_name']}. Hatched: worth more to each than what it "
        "expected of going on.",
    )


def _expected(
    ax: Axes, going_on: tuple[float, float], frame: tuple[float, float, float, float], labels: dict[str, str]
) -> None:
    """What going on was worth to each, as lines, and the zone that is worth more to both."""
    left, right, low, high = frame
    ax.fill_between(
        [going_on[0], right], going_on[1], high, facecolor="none", edgecolor=GREEN, hatch="///", linewidth=0
    )
    ax.axvline(going_on[0], color=BLUE, linestyle="--", linewidth=1.3)
    ax.axhline(going_on[1], color=VERMILION, linestyle="-.", linewidth=1.3)
    ax.annotate(
        wrapped(labels["coercer"], 22, 4),
        (going_on[0], low),
        (-4 if going_on[0] > (left + right) / 2 else 4, 4),
        textcoords="offset points",
        color=BLUE,
        fontsize=8,
        va="bottom",
        ha="right" if going_on[0] > (left + right) / 2 else "left",
        bbox=BOX,
    )
    ax.annotate(
        wrapped(labels["target"], 40, 3),
        (left, going_on[1]),
        (4, 4),
        textcoords="offset points",
        color=VERMILION,
        fontsize=8,
        va="bottom",
        ha="left",
        bbox=BOX,
    )


def _free(
    zone: tuple[float, float, float, float], frame: tuple[float, float, float, float], spots: Sequence[Spot],
    going_on: tuple[float, float] | None,
) -> tuple[float, float, str, str]:  # fmt: skip
    """Where in the zone its name covers no mark: the first free one of its corners (x, y, and how the text lies)."""
    wide, tall = frame[1] - frame[0], frame[3] - frame[2]
    dx, dy = 0.015 * wide, 0.015 * tall
    across, up = 0.34 * wide, 0.05 * tall
    found: list[tuple[int, int, tuple[float, float, str, str]]] = []
    for x, ha in ((zone[0] + dx, "left"), (zone[1] - dx, "right")):
        for y, va in ((zone[2] + dy, "bottom"), (zone[3] - dy, "top")):
            a, b = (x, x + across) if ha == "left" else (x - across, x)
            c, d = (y, y + up) if va == "bottom" else (y - up, y)
            hit = sum(a - dx < s.x < b + dx and c < s.up[1] + 2 * dy and s.up[0] - 2 * dy < d for s in spots)
            line = going_on is not None and c < going_on[1] + 4 * dy and going_on[1] - dy < d
            outside = a < frame[0] or b > frame[1]
            found.append((hit + line + 9 * outside, len(found), (x, y, va, ha)))
    return min(found)[2]


def _apart(at: list[tuple[float, float]], px: float, py: float) -> list[tuple[float, float]]:
    """Places for the labels: in their marks, or beside one another where marks fall together."""
    placed: list[tuple[float, float]] = []
    for x, y in at:
        here = (x, y)
        ring = 0
        while any(abs(here[0] - u) < 0.32 * px and abs(here[1] - v) < 0.5 * py for u, v in placed):
            ring += 1
            angle = ring * 2.4
            reach = 0.55 + 0.06 * ring
            here = (x + px * reach * float(np.cos(angle)), y + py * reach * float(np.sin(angle)))
            if ring > 60:
                break
        placed.append(here)
    return placed
