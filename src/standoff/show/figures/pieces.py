"""How much each event and source carries: bars for what the posterior is without it, a panel a quantity."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.patches import Patch

from standoff.show.figures.drawing import BLACK, BLUE, GREY, VERMILION, Drawing, new, plain_left, wrapped

COLOURS = {"coercer": BLUE, "target": VERMILION}
HATCHES = {"coercer": "", "target": "////"}
ROUGH = "#cfcfcf"


@dataclass(frozen=True)
class Bar:
    """A change with two standard errors, of one side or of none."""

    value: float
    error: float
    side: str = ""


@dataclass(frozen=True)
class Panel:
    """A quantity: its title, the axis in words, and the bars of every row (one, or one a side)."""

    title: str
    axis: str
    bars: Sequence[Sequence[Bar]]


def pieces(rows: Sequence[tuple[str, bool]], panels: Sequence[Panel], sides: dict[str, str]) -> Drawing:
    """Bars of the changes when a piece is left out.

    Args:
        rows: Title of each piece, and whether its row is rough, the largest first.
        panels: The quantities.
        sides: Names of the two sides.
    """
    figure = new(7.2, 0.36 * len(rows) + 1.15)
    axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for ax, panel in zip(axes, panels, strict=True):
        reach = 0.0
        for k, ((_, rough), bars) in enumerate(zip(rows, panel.bars, strict=True)):
            height = 0.72 / len(bars)
            for j, bar in enumerate(bars):
                y = -k + (len(bars) - 1) * height / 2 - j * height
                ax.barh(
                    y, bar.value, height=0.9 * height, color=ROUGH if rough else COLOURS.get(bar.side, "#8a8a8a"),
                    hatch=HATCHES.get(bar.side, ""), edgecolor=GREY if rough else "#333333", linewidth=0.6,
                )  # fmt: skip
                ax.plot(
                    [bar.value - bar.error, bar.value + bar.error], [y, y], color=GREY if rough else BLACK,
                    linewidth=0.9, solid_capstyle="butt",
                )  # fmt: skip
                reach = max(reach, abs(bar.value) + bar.error)
        reach = max(reach, 1e-3) * 1.06
        ax.axvline(0, color=BLACK, linewidth=0.9)
        ax.set_xlim(-reach, reach)
        ax.set_title(panel.title, fontsize=8.6)
        ax.set_xlabel(panel.axis, fontsize=8)
        ax.xaxis.set_major_formatter(lambda value, _at: f"{round(value, 6) + 0.0:g}".replace("-", "−"))
        ax.locator_params(axis="x", nbins=5)
        ax.grid(axis="x")
        ax.set_axisbelow(True)
        plain_left(ax)
    axes[0].set_yticks([-k for k in range(len(rows))], [wrapped(title, 34, 2) for title, _ in rows], fontsize=7.3)
    for label, (_, rough) in zip(axes[0].get_yticklabels(), rows, strict=True):
        label.set_color(GREY if rough else BLACK)
    axes[0].set_ylim(-len(rows) + 0.45, 0.55)
    handles = [
        Patch(facecolor=COLOURS[side], hatch=HATCHES[side], edgecolor="#333333", linewidth=0.6) for side in sides
    ]
    figure.legend(
        handles, [f"of {name}" for name in sides.values()], loc="outside upper left", ncols=2, fontsize=7.5,
        frameon=False,
    )  # fmt: skip
    words = "; ".join(
        f"{title}: " + ", ".join(
            f"{panel.title} " + " and ".join(
                (f"{sides[bar.side]} " if bar.side else "") + f"{bar.value:+.2f}" for bar in panel.bars[k]
            ) for panel in panels
        ) for k, (title, _) in enumerate(rows)
    ).replace("-", "−")  # fmt: skip
    return Drawing(
        "posterior-pieces", figure, f"What leaving out each event or source changes. {words}.",
        "Change when the event, or all that the source reports, is left out of the record; whiskers: two standard "
        "errors. "
        "Grey: few draws carry the weight, so the row is rough.",
    )  # fmt: skip
