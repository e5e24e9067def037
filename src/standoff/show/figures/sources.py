"""What a case rests on: documents by origin, and numbers by the kind of their reason."""

from collections.abc import Sequence

from matplotlib.patches import Patch

from standoff.show.figures.drawing import (
    BLACK,
    BLUE,
    GREEN,
    ORANGE,
    SKY,
    VERMILION,
    Drawing,
    new,
    plain_left,
    wrapped,
)
from standoff.show.words import count, listed

KINDS = (
    ("source", "a source named", GREEN, ""),
    ("both", "judgement, with a source", SKY, "///"),
    ("judgement", "judgement alone", ORANGE, "..."),
    ("generic", "generic prior (judgement)", "#dddddd", "xxx"),
    ("item", "reason given with its item", BLUE, "---"),
    ("none", "no reason", VERMILION, ""),
)

ACROSS = 60
"""Letters that stand side by side above a matrix; more are slanted."""


def documents(
    columns: Sequence[str], rows: Sequence[tuple[str, bool, Sequence[int]]], more: int, apart: int = 0
) -> Drawing:
    """Claims by origin (row) and document (column); anonymous origins open, named ones filled.

    `more` origins and `apart` documents, those with fewest claims, are left out.
    """
    widest = max((len(column) for column in columns), default=0)
    slanted = widest * len(columns) > ACROSS
    figure = new(6.9, 0.235 * len(rows) + (0.75 if not slanted else 0.55 + 0.045 * widest))
    ax = figure.subplots()
    for k, (_, anonymous, counts) in enumerate(rows):
        several = [i for i, number in enumerate(counts) if number]
        if len(several) > 1:
            ax.plot([several[0], several[-1]], [-k, -k], color=BLACK, linewidth=2.2, zorder=1)
        for i, number in enumerate(counts):
            if number:
                ax.scatter(
                    i,
                    -k,
                    s=115 + 6 * min(number, 30),
                    marker="o",
                    zorder=2,
                    linewidth=1.3,
                    facecolor="white" if anonymous else BLUE,
                    edgecolor=VERMILION if anonymous else BLUE,
                )
                ax.annotate(
                    str(number),
                    (i, -k),
                    (0, 0),
                    textcoords="offset points",
                    va="center",
                    ha="center",
                    fontsize=7.2,
                    color=BLACK if anonymous else "white",
                    fontweight="bold",
                )
    if slanted:
        ax.set_xticks(range(len(columns)), list(columns), rotation=40, ha="left", rotation_mode="anchor", fontsize=7.5)
    else:
        ax.set_xticks(range(len(columns)), [wrapped(c, max(10, 60 // max(len(columns), 1)), 2) for c in columns])
    ax.set_yticks([-k for k in range(len(rows))], [wrapped(name, 64, 1) for name, _, _ in rows])
    for label, row in zip(ax.get_yticklabels(), rows, strict=True):
        label.set_fontsize(7.8)
        label.set_fontstyle("italic" if row[1] else "normal")
        label.set_color(VERMILION if row[1] else BLACK)
    ax.xaxis.set_ticks_position("top")
    ax.set_xlim(-0.5, max(len(columns) - 0.4, 0.6))
    ax.set_ylim(-len(rows) + 0.4, 0.6)
    ax.tick_params(axis="x", length=0)
    ax.grid(axis="y", color="#eeeeee")
    ax.set_axisbelow(True)
    plain_left(ax)
    for side in ("bottom", "top"):
        ax.spines[side].set_visible(False)
    words = "; ".join(f"{name}{' (anonymous)' if a else ''}: {sum(n)}" for name, a, n in rows)
    left = [count(n, f"more {what}") for n, what in ((more, "origin"), (apart, "document")) if n]
    rest = f" Not shown: {listed(left)}." if left else ""
    return Drawing(
        "sources",
        figure,
        f"Number of claims by origin and document. {words}.{rest}",
        "Rows: first sources; columns: documents; in each mark the number of claims. Open, in italics: anonymous. "
        f"A thick line joins documents that share an origin.{rest}",
    )


def reasons(rows: Sequence[tuple[str, dict[str, int]]]) -> Drawing:
    """Numbers of the case by part and kind of reason."""
    figure = new(6.9, 0.25 * len(rows) + 1.15)
    ax = figure.subplots()
    for k, (_, counts) in enumerate(rows):
        left = 0
        for key, _, colour, hatch in KINDS:
            number = counts.get(key, 0)
            if number:
                ax.barh(
                    -k, number, left=left, color=colour, hatch=hatch, edgecolor="#333333", linewidth=0.6, height=0.68
                )
                left += number
        ax.annotate(str(left), (left, -k), (5, 0), textcoords="offset points", va="center", fontsize=8)
    ax.set_yticks([-k for k in range(len(rows))], [name for name, _ in rows])
    ax.set_xlabel("numbers in the case, count")
    ax.grid(axis="x")
    ax.set_axisbelow(True)
    plain_left(ax)
    used = [kind for kind in KINDS if any(counts.get(kind[0]) for _, counts in rows)]
    handles = [Patch(facecolor=c, hatch=h, edgecolor="#333333", linewidth=0.6) for _, _, c, h in used]
    figure.legend(
        handles,
        [words for _, words, _, _ in used],
        loc="outside upper left",
        ncols=3,
        fontsize=7.5,
        frameon=False,
        handlelength=1.6,
        columnspacing=1.2,
    )
    words = "; ".join(
        f"{name}: {sum(c.values())}, of which with a source alone {c.get('source', 0)}" for name, c in rows
    )
    return Drawing(
        "reasons",
        figure,
        f"Numbers of the case by part and by kind of reason. {words}.",
        "How the numbers of the case are backed, by part.",
    )
