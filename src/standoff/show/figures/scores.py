"""Who saw it coming: what was said of each question, beside the model, past cases, and what happened."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from standoff.forecast.words import Range
from standoff.show.figures.drawing import BLACK, BLUE, GREY, PURPLE, VERMILION, Drawing, new, percent_axis, wrapped

MARKS = {
    "model-generic": (BLUE, "o", BLUE, "model, generic priors"),
    "model-case": (BLUE, "o", "white", "model, the case’s numbers (hindsight)"),
    "person": (VERMILION, "s", VERMILION, "person"),
    "market": (PURPLE, "D", PURPLE, "market"),
}
"""Colour, marker, face and title of who said something."""


@dataclass(frozen=True)
class Answered:
    """A question: who said it when, what of, whether it came about, and the chances that were given by whom."""

    title: str
    observed: bool
    given: dict[str, Range]
    past: Range | None = None


def answers(name: str, rows: Sequence[Answered], caption: str, split: int = 0) -> Drawing:
    """A row for each question: ranges of chance, and a triangle at the end where the answer was.

    The first `split` rows are on the ending, which the model can be asked too; a line parts them from the others.
    """
    figure = new(7.4, 0.36 * len(rows) + 1.25)
    ax = figure.subplots()
    used: dict[str, Any] = {}
    ax.axvline(0.5, color=GREY, linewidth=0.8, linestyle=":")
    if 0 < split < len(rows):
        ax.axhline(-split + 0.5, color=BLACK, linewidth=0.7)
        for text, up, side in (("on the ending", 2, "bottom"), ("on other things", -2, "top")):
            ax.annotate(text, (1.0, -split + 0.5), (0, up), textcoords="offset points", ha="right", va=side,
                        fontsize=7.2, color=GREY)  # fmt: skip
    for k, row in enumerate(rows):
        if row.past is not None:
            used["past"] = ax.barh(
                -k, max(row.past.high - row.past.low, 0.004), left=row.past.low, height=0.62, color="#e4e4e0", zorder=0
            )
        offsets = _offsets(len(row.given))
        for (key, chance), dy in zip(row.given.items(), offsets, strict=True):
            colour, marker, face, _ = MARKS[key]
            if chance.high > chance.low:
                ax.plot([chance.low, chance.high], [-k + dy, -k + dy], color=colour, linewidth=2.4, alpha=0.45,
                        solid_capstyle="butt", zorder=2)  # fmt: skip
            (used[key],) = ax.plot(
                chance.mid,
                -k + dy,
                marker,
                color=colour,
                markerfacecolor=face,
                markersize=5.4,
                linestyle="none",
                zorder=3,
            )
        edge = 1.035 if row.observed else -0.035
        (used["yes" if row.observed else "no"],) = ax.plot(
            edge, -k, "<" if row.observed else ">", color=BLACK, markersize=7, clip_on=False, zorder=4, linestyle="none"
        )
    ax.set_yticks([-k for k in range(len(rows))], [wrapped(row.title, 58, 2) for row in rows], fontsize=7.6)
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(-len(rows) + 0.45, 0.55)
    ax.set_xlim(-0.06, 1.06)
    ax.set_xticks([0, 0.25, 0.5, 0.75, 1])
    ax.spines["left"].set_visible(False)
    ax.grid(axis="x")
    ax.set_axisbelow(True)
    percent_axis(ax.xaxis, "chance of a yes, %")
    titles = {key: title for key, (_, _, _, title) in MARKS.items()}
    titles |= {"past": "past cases, lowest to highest class", "yes": "it came about (right)", "no": "it did not (left)"}
    order = [key for key in titles if key in used]
    figure.legend(
        [used[key] for key in order], [titles[key] for key in order], loc="outside upper left", ncols=3, fontsize=7.6,
        frameon=False, handlelength=1.6, columnspacing=1.4,
    )  # fmt: skip
    words = "; ".join(f"{r.title}: {'yes' if r.observed else 'no'}, {_said(r)}" for r in rows)
    return Drawing(name, figure, f"Chances given to each question, and what happened. {words}.", caption)


def _said(row: Answered) -> str:
    return ", ".join(f"{MARKS[key][3]} {100 * c.low:.0f} to {100 * c.high:.0f}%" for key, c in row.given.items())


def _offsets(many: int) -> list[float]:
    gap = 0.2
    return [gap * ((many - 1) / 2 - k) for k in range(many)]


def reliability(name: str, curve: Sequence[tuple[float, float, int]], caption: str) -> Drawing:
    """Share of yes by class of chance; on the line whoever means what he says."""
    figure = new(4.6, 4.2)
    ax = figure.subplots()
    ax.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=":")
    ax.plot([p for p, _, _ in curve], [y for _, y, _ in curve], "-s", color=VERMILION, markersize=5)
    for p, y, n in curve:
        ax.annotate(str(n), (p, y), (6, -4), textcoords="offset points", fontsize=8)
    ax.set_xlim(0, 1)
    ax.set_ylim(0, 1)
    ax.set_aspect("equal")
    ax.grid()
    percent_axis(ax.xaxis, "chance that was given, %")
    percent_axis(ax.yaxis, "of these came about, %")
    words = "; ".join(f"{100 * p:.0f}% said, {100 * y:.0f}% came about ({n})" for p, y, n in curve)
    return Drawing(name, figure, f"Calibration. {words}.", caption)
