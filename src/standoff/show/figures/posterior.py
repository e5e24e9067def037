"""What the record says of beliefs, misperceptions, views, deals and numbers, with bands.

Bands hold the 5th to 95th and the 25th to 75th percentile over the posterior; the line is the median.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from standoff.show.figures.drawing import (
    BASE,
    BLACK,
    GREY,
    OWN,
    Drawing,
    at,
    date_axis,
    new,
    percent_axis,
    plain_left,
    spread_labels,
    wrapped,
)
from standoff.show.figures.lanes import fitted, moves_beneath

SHADED = "Line: median; dark and light: 25th to 75th and 5th to 95th percentile of the posterior."


@dataclass(frozen=True)
class Bands:
    """A quantity by round: `own` holds the percentiles 5, 25, 50, 75, 95 (axes percentile, round), `base` medians."""

    title: str
    own: np.ndarray
    base: np.ndarray | None = None


@dataclass(frozen=True)
class Hold:
    """Chances after 0, 1, ... rounds that a side holds its own view, and by round that it has become untenable."""

    title: str
    own_view: np.ndarray
    untenable: np.ndarray
    moment: tuple[dt.date, str] | None = None


@dataclass(frozen=True)
class Interval:
    """A number's prior and posterior (percentiles 5, 25, 50, 75, 95), in its own unit; what the record taught of it."""

    label: str
    prior: np.ndarray
    posterior: np.ndarray
    said: str
    taught: bool = True


def _shade(ax: Axes, x: np.ndarray, bands: np.ndarray, colour: str) -> None:
    ax.fill_between(x, bands[0], bands[4], color=colour, alpha=0.15, linewidth=0)
    ax.fill_between(x, bands[1], bands[3], color=colour, alpha=0.28, linewidth=0)
    for edge in (bands[0], bands[4]):
        ax.plot(x, edge, color=colour, linewidth=0.5, alpha=0.7)


def _beside(ax: Axes, ends: Sequence[tuple[float, str, str]], size: float = 8.0) -> None:
    """Names lines beside their ends (height, words, colour), apart from one another."""
    low, high = ax.get_ylim()
    gap = 0.17 * (high - low) * max(text.count("\n") + 1 for _, text, _ in ends)
    heights = spread_labels([y for y, _, _ in ends], gap, low + gap / 3, high - gap / 3)
    for y, (_, text, colour) in zip(heights, ends, strict=True):
        ax.annotate(
            text, (1.015, y), xycoords=("axes fraction", "data"), color=colour, va="center", fontsize=size,
            fontweight="bold", annotation_clip=False,
        )  # fmt: skip


def _span(ax: Axes, x: np.ndarray) -> None:
    step = float(x[1] - x[0]) if len(x) > 1 else 14.0
    ax.set_xlim(x[0] - step / 2, x[-1] + step / 2)


def beliefs(starts: Sequence[dt.date], minds: Sequence[Bands], lanes: Sequence[tuple[str, Sequence[str]]]) -> Drawing:
    """What each believed, in its own view with bands and in the base dashed; the moves on record beneath."""
    figure = new(7.2, 1.75 * len(minds) + 1.65)
    axes = figure.subplots(len(minds) + 1, 1, sharex=True, height_ratios=[*([3.0] * len(minds)), 2.1])
    x = at(starts)
    for ax, mind in zip(axes, minds, strict=False):
        _shade(ax, x, mind.own, OWN)
        ends = [(float(mind.own[2, -1]), "own view", OWN)]
        if mind.base is not None:
            ax.plot(x, mind.base, color=BASE, linestyle="--", marker="D", markersize=4, markerfacecolor="white")
            ends.append((float(mind.base[-1]), "base view", BASE))
        ax.plot(x, mind.own[2], color=OWN, marker="o", markersize=4.5)
        ax.set_ylim(0, 1)
        ax.set_title(wrapped(mind.title, 84))
        ax.grid(axis="y")
        percent_axis(ax.yaxis, "chance, %")
        _beside(ax, ends)
    words_of = moves_beneath(axes[-1], x, lanes)
    _span(axes[-1], x)
    date_axis(axes[-1], "round beginning (date)")
    fitted(words_of)
    words = "; ".join(
        f"{m.title}: from {m.own[2, 0]:.0%} to {m.own[2, -1]:.0%} (5th to 95th percentile at last {m.own[0, -1]:.0%} "
        f"to {m.own[4, -1]:.0%})" + (f", base view {m.base[0]:.0%} to {m.base[-1]:.0%}" if m.base is not None else "")
        for m in minds
    )
    return Drawing(
        "posterior-beliefs", figure, f"Beliefs by round given the record. {words}.",
        f"Before the moves of the round, in the light of the whole record. {SHADED} Dashed: with both sides in the "
        "base view. Beneath: the moves on record; a dot is a round without one.",
    )  # fmt: skip


def gaps(starts: Sequence[dt.date], rows: Sequence[Bands]) -> Drawing:
    """What the other side expected of a move less what its mover would have done, by round."""
    figure = new(7.2, 1.55 * len(rows) + 0.5)
    axes = np.atleast_1d(figure.subplots(len(rows), 1, sharex=True))
    x = at(starts)
    for ax, one in zip(axes, rows, strict=True):
        _shade(ax, x, one.own, OWN)
        ax.axhline(0, color=BLACK, linewidth=0.9)
        ax.plot(x, one.own[2], color=OWN, marker="o", markersize=4.5)
        ends = [(float(one.own[2, -1]), "own views", OWN)]
        if one.base is not None:
            ax.plot(x, one.base, color=BASE, linestyle="--", marker="D", markersize=4, markerfacecolor="white")
            ends.append((float(one.base[-1]), "both in\nbase view", BASE))
        reach = max(0.02, float(np.abs(one.own).max()) * 1.12)
        low = min(float(one.own.min()), 0.0 if one.base is None else float(one.base.min()), 0.0)
        high = max(float(one.own.max()), 0.0 if one.base is None else float(one.base.max()), 0.0)
        pad = max(0.06 * reach, 0.004)
        ax.set_ylim(min(low - pad, -0.25 * reach), max(high + pad, 0.25 * reach))
        ax.set_title(wrapped(one.title, 84))
        ax.grid(axis="y")
        percent_axis(ax.yaxis, "gap, points")
        _beside(ax, ends)
    _span(axes[-1], x)
    date_axis(axes[-1], "round beginning (date)")
    words = []
    for one in rows:
        n = int(np.abs(one.own[2]).argmax())
        words.append(f"{one.title}: widest {100 * one.own[2, n]:+.1f} points in the round from {starts[n]}")
    return Drawing(
        "posterior-gaps", figure, f"Misperception gaps by round. {'; '.join(words)}.".replace("-", "−"),
        "Chance of the move in that round that the other side expected, less the chance by the mover’s own strategy: "
        f"above 0 it was expected too much, below 0 too little. {SHADED} Dashed: with both in the base view, where a "
        "gap remains because types are private.",
    )  # fmt: skip


def views(starts: Sequence[dt.date], ends: Sequence[dt.date], holds: Sequence[Hold], deal: Bands | None) -> Drawing:
    """How likely each side's own view is by the record, when it became untenable, and whether a deal existed.

    Args:
        starts: First days of the rounds.
        ends: The days at which `Hold.own_view` stands: before the record, and after each round.
        holds: The sides that have a view of their own.
        deal: The chance by round that some package was worth more to both than going on.
    """
    panels = len(holds) + (deal is not None)
    figure = new(7.2, 1.5 * panels + 0.55)
    axes = np.atleast_1d(figure.subplots(panels, 1, sharex=True))
    x, after = at(starts), at(ends)
    for ax, one in zip(axes, holds, strict=False):
        ax.plot(after, one.own_view, color=OWN, marker="o", markersize=4.5)
        ax.plot(x, one.untenable, color=BLACK, linestyle="--", marker="s", markersize=3.8, markerfacecolor="white")
        if one.moment is not None:
            place = at([one.moment[0]])[0]
            ax.axvline(place, color=GREY, linewidth=1.0, linestyle=":")
            ax.annotate(
                one.moment[1], (place, 0.97), xytext=(4, 0), textcoords="offset points", va="top", fontsize=7.2,
                color="#444444",
            )  # fmt: skip
        ax.set_ylim(-0.02, 1.02)
        ax.set_title(wrapped(one.title, 84))
        ax.grid(axis="y")
        percent_axis(ax.yaxis, "chance, %")
        tags = [(float(one.own_view[-1]), "holds it", OWN), (float(one.untenable[-1]), "untenable", BLACK)]
        _beside(ax, tags)
    if deal is not None:
        ax = axes[-1]
        _shade(ax, x, deal.own, OWN)
        ax.plot(x, deal.own[2], color=OWN, marker="o", markersize=4.5)
        tags = [(float(deal.own[2, -1]), "own views", OWN)]
        if deal.base is not None:
            ax.plot(x, deal.base, color=BASE, linestyle="--", marker="D", markersize=4, markerfacecolor="white")
            tags.append((float(deal.base[-1]), "base view", BASE))
        ax.set_ylim(-0.02, 1.02)
        ax.set_title(wrapped(deal.title, 84))
        ax.grid(axis="y")
        percent_axis(ax.yaxis, "chance, %")
        _beside(ax, tags)
    low, high = min(x[0], after[0]), max(x[-1], after[-1])
    axes[-1].set_xlim(low - 0.02 * (high - low + 1), high + 0.02 * (high - low + 1))
    date_axis(axes[-1], "date")
    words = [f"{h.title}: {h.own_view[0]:.0%} before the record, {h.own_view[-1]:.0%} after it" for h in holds]
    words += [f"{deal.title}: at most {deal.own[2].max():.0%}"] if deal is not None else []
    caption = (
        "Filled: chance, by the moves so far, that the side acted by its own view and not by the base. Open squares: "
        "chance that what it had seen was over ten times likelier under the alternative to its view. "
        if holds
        else ""
    )
    return Drawing(
        "posterior-views", figure, f"Views and deals by round. {'; '.join(words)}.",
        caption + (f"Last: {SHADED[0].lower()}{SHADED[1:]}" if deal is not None and holds else SHADED if deal else ""),
    )  # fmt: skip


def numbers(rows: Sequence[Interval]) -> Drawing:
    """Prior and posterior of every number, each scaled by the range of its prior."""
    figure = new(7.2, 0.4 * len(rows) + 0.95)
    ax = figure.subplots()
    for k, one in enumerate(rows):
        low, span = float(one.prior[0]), float(one.prior[4] - one.prior[0]) or 1.0
        prior, posterior = (one.prior - low) / span, (one.posterior - low) / span
        _bar(ax, -k + 0.17, prior, GREY, "|", filled=True)
        _bar(ax, -k - 0.17, posterior, OWN, "o", filled=one.taught)
        ax.text(1.2, -k, one.said, va="center", fontsize=7.2, color="#333333" if one.taught else GREY)
    ax.set_xlim(-0.18, 1.18)
    ax.set_xticks([0, 0.5, 1], ["prior’s 5th\npercentile", "half-way", "prior’s 95th\npercentile"])
    ax.set_yticks([-k for k in range(len(rows))], [wrapped(one.label, 30, 2) for one in rows], fontsize=7.6)
    ax.set_ylim(-len(rows) + 0.45, 0.55)
    ax.grid(axis="x")
    ax.set_axisbelow(True)
    plain_left(ax)
    words = "; ".join(f"{one.label}: {one.said}".replace("\n", ", ") for one in rows)
    return Drawing(
        "posterior-numbers", figure, f"Prior and posterior of the numbers. {words}.",
        "Grey above: prior; coloured below: posterior; thin 5th to 95th, thick 25th to 75th percentile, mark the "
        "median. Each row is scaled by its prior’s range; beside it median [5th, 95th] in its own unit. An open mark: "
        "the record taught nothing of it.",
    )  # fmt: skip


def _bar(ax: Axes, y: float, x: np.ndarray, colour: str, marker: str, *, filled: bool) -> None:
    shown = np.clip(x, -0.18, 1.18)
    ax.plot([shown[0], shown[4]], [y, y], color=colour, linewidth=1.2, solid_capstyle="butt")
    ax.plot([shown[1], shown[3]], [y, y], color=colour, linewidth=4.0, solid_capstyle="butt", alpha=0.75)
    ax.plot(
        shown[2], y, marker, color=BLACK if marker == "|" else colour, markersize=8 if marker == "|" else 6.0,
        markerfacecolor=colour if filled else "white", markeredgecolor=BLACK, markeredgewidth=1.0,
    )  # fmt: skip
