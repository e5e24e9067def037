"""The moves on record beneath a figure of beliefs, a lane a side."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.text import Text

from standoff.show.figures.drawing import GREY, wrapped

FEW = 13
"""Rounds up to which a move stands upright, with its rung or package."""
SIZE, SMALLEST, APART = 7.0, 4.0, 3.0
"""Points of a move's words, at most and at least, and between two moves."""


def moves_beneath(ax: Axes, x: np.ndarray, lanes: Sequence[tuple[str, Sequence[str]]]) -> list[list[Text]]:
    """The moves on record, a lane a side; a dot is a round without one. Words of each lane, for `fitted`."""
    ax.set_ylim(-len(lanes) + 0.4, 0.6)
    ax.set_yticks([-k for k in range(len(lanes))], [wrapped(name, 16) for name, _ in lanes], fontsize=7.5)
    few = len(x) <= FEW
    found: list[list[Text]] = []
    for k, (_, words) in enumerate(lanes):
        ax.axhline(-k, color="#cccccc", linewidth=0.8, zorder=0)
        found.append([])
        for place, word in zip(x, words, strict=True):
            if not word:
                ax.plot(place, -k, ".", color=GREY, markersize=4)
                continue
            found[-1].append(ax.text(
                place, -k, word if few else word.split("\n")[0], ha="center", va="center", fontsize=SIZE,
                rotation=0 if few else 60,
                bbox={"facecolor": "white", "edgecolor": GREY, "boxstyle": "round,pad=0.15", "linewidth": 0.6},
            ))  # fmt: skip
    ax.spines["left"].set_visible(False)
    ax.tick_params(axis="y", length=0)
    return found


def fitted(words: Sequence[Sequence[Text]]) -> None:
    """Set the words so small that no move touches the next one; call it when the figure has all else."""
    texts = [text for lane in words for text in lane]
    if not texts:
        return
    figure = texts[0].get_figure(root=True)
    assert figure is not None
    figure.draw_without_rendering()
    gap = APART * figure.dpi / 72
    share = 1.0
    for lane in words:
        boxes = [text.get_bbox_patch() for text in lane]
        spans = [box.get_window_extent() for box in boxes if box is not None]
        angle = np.deg2rad(lane[0].get_rotation()) if lane else 0.0
        for a, b in pairwise(spans):
            apart = (b.x0 + b.x1 - a.x0 - a.x1) / 2
            along, across = np.mean([_sides(span.width, span.height, angle) for span in (a, b)], axis=0)
            # Boxes that stand aslant alike are apart if they are so along their words or across them.
            share = min(share, max((apart * np.cos(angle) - gap) / along, (apart * np.sin(angle) - gap) / across))
    size = max(SMALLEST, SIZE * share)
    for text in texts:
        text.set_fontsize(size)


def _sides(width: float, height: float, angle: float) -> tuple[float, float]:
    """Sides of a box that stands at an angle (radians, not 45 degrees), from what it fills upright."""
    c, s = np.cos(angle), np.sin(angle)
    return (width * c - height * s) / (c * c - s * s), (height * c - width * s) / (c * c - s * s)
