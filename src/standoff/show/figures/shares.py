"""Horizontal bars with errors: shares of misreadings, and what the endings hang on."""

from collections.abc import Sequence

from standoff.show.figures.drawing import BLACK, BLUE, VERMILION, Drawing, new, plain_left, wrapped

COLOURS = {"coercer": BLUE, "target": VERMILION, "base": "#bbbbbb"}
HATCHES = {"coercer": "", "target": "///", "base": "..."}


def bars(
    name: str, rows: Sequence[tuple[str, str, float, float]], *, axis: str, legend: dict[str, str], caption: str
) -> Drawing:
    """A bar for each row (label, kind, value, error), in the rows' order; values in points or shares as `axis` says."""
    from matplotlib.patches import Patch

    figure = new(6.9, 0.34 * len(rows) + 1.2)
    ax = figure.subplots()
    for k, (_, kind, value, error) in enumerate(rows):
        ax.barh(
            -k, value, xerr=error, height=0.66, color=COLOURS.get(kind, "#bbbbbb"), hatch=HATCHES.get(kind, ""),
            edgecolor="#333333", linewidth=0.6, error_kw={"elinewidth": 1.1, "ecolor": BLACK, "capsize": 2.5},
        )  # fmt: skip
    ax.axvline(0, color=BLACK, linewidth=0.9)
    ax.set_yticks([-k for k in range(len(rows))], [wrapped(label, 44, 2) for label, *_ in rows], fontsize=7.8)
    ax.set_ylim(-len(rows) + 0.4, 0.6)
    ax.set_xlabel(axis)
    ax.grid(axis="x")
    ax.set_axisbelow(True)
    plain_left(ax)
    used = [kind for kind in legend if any(row[1] == kind for row in rows)]
    if used:
        handles = [
            Patch(facecolor=COLOURS[kind], hatch=HATCHES[kind], edgecolor="#333333", linewidth=0.6) for kind in used
        ]
        figure.legend(
            handles, [legend[kind] for kind in used], loc="outside upper left", ncols=3, fontsize=7.5, frameon=False
        )
    words = "; ".join(f"{label}: {value:+.2f} ± {error:.2f}".replace("-", "−") for label, _, value, error in rows)
    return Drawing(name, figure, f"{caption} {axis}. {words}.", caption)
