"""What mechanisms and levers do to the endings: dots with intervals, a column an ending."""

from collections.abc import Sequence
from dataclasses import dataclass

from standoff.show.figures.drawing import BLACK, BLUE, GREY, VERMILION, Drawing, new, percent_axis, plain_left, wrapped

COLOURS = {"force": VERMILION, "agreed-exit": BLUE, "removed-within": BLACK}
MARKERS = {"force": "s", "agreed-exit": "o", "removed-within": "^"}


@dataclass(frozen=True)
class Effect:
    """Change of an ending's chance: mean, interval, and the sign that is asserted ('+', '-' or none)."""

    mean: float
    low: float
    high: float
    asserted: str = ""

    @property
    def covers(self) -> bool:
        """Whether the interval holds 0."""
        return self.low <= 0 <= self.high

    @property
    def against(self) -> bool:
        """Whether the whole interval lies on the other side than is asserted."""
        return (self.asserted == "+" and self.high < 0) or (self.asserted == "-" and self.low > 0)

    def __str__(self) -> str:
        return f"{100 * self.mean:+.1f} ({100 * self.low:+.1f} to {100 * self.high:+.1f})".replace("-", "−")


def effects(
    name: str, rows: Sequence[tuple[str, dict[str, Effect]]], endings: Sequence[tuple[str, str]], what: str
) -> Drawing:
    """Rows (title, effect by ending) in columns of endings (id, title)."""
    figure = new(7.2, 0.29 * len(rows) + 0.95)
    axes = figure.subplots(1, len(endings), sharey=True, squeeze=False)[0]
    for ax, (key, title) in zip(axes, endings, strict=True):
        ax.axvline(0, color=BLACK, linewidth=0.9)
        for k, (_, row) in enumerate(rows):
            one = row[key]
            colour = GREY if one.covers else COLOURS.get(key, BLACK)
            ax.plot([one.low, one.high], [-k, -k], color=colour, linewidth=1.8, solid_capstyle="butt")
            ax.plot(
                one.mean, -k, MARKERS.get(key, "o"), color=colour, markersize=5.2,
                markerfacecolor="white" if one.covers else colour,
            )  # fmt: skip
            sign = {"+": "+", "-": "−"}.get(one.asserted, "") + ("  !" if one.against else "")
            ax.text(
                1.02, -k, sign, transform=ax.get_yaxis_transform(), va="center", fontsize=8.5,
                fontweight="bold" if one.against else "normal", color=BLACK if one.against else "#555555",
            )  # fmt: skip
        reach = max(0.005, *(max(abs(row[key].low), abs(row[key].high)) for _, row in rows)) * 1.08
        ax.set_xlim(-reach, reach)
        ax.set_title(title, fontsize=9)
        ax.grid(axis="x")
        ax.set_axisbelow(True)
        plain_left(ax)
        percent_axis(ax.xaxis, "change, points")
    axes[0].set_yticks([-k for k in range(len(rows))], [wrapped(title, 32, 2) for title, _ in rows], fontsize=7.6)
    axes[0].set_ylim(-len(rows) + 0.5, 0.5)
    words = "; ".join(f"{title}: " + ", ".join(f"{n} {row[key]}" for key, n in endings) for title, row in rows)
    return Drawing(
        name,
        figure,
        f"{what} Change of the chance of each ending, in points. {words}.",
        f"{what} Bar: 95% interval over the draws; open and grey: it holds 0. Beside it the sign that is asserted; "
        "“!” where the whole bar lies on the other side.",
    )
