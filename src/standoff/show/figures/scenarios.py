"""What changes with the views: paired differences by scenario, single corrections, and other settings."""

from collections.abc import Sequence

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
    new,
    percent_axis,
    plain_left,
    wrapped,
)
from standoff.show.summary import Chance
from standoff.show.words import clear, percent, points

COLOURS = {"force": VERMILION, "agreed-exit": BLUE, "deal-he-stays": GREEN}
MARKERS = {"force": "s", "agreed-exit": "o", "deal-he-stays": "^"}


def scenarios(
    first: str, rows: Sequence[tuple[str, dict[str, Chance], dict[str, Chance]]], endings: Sequence[tuple[str, str]]
) -> Drawing:
    """By scenario: differences of some endings' chances against own views, and the chances; one column an ending."""
    figure = new(7.2, 0.34 * len(rows) + 1.15)
    axes = figure.subplots(1, len(endings), sharey=True)
    reach = max([0.02, *(abs(c.mean) + c.error for _, row, _ in rows for c in row.values())]) * 1.08
    for ax, (key, title) in zip(axes, endings, strict=True):
        ax.axvline(0, color=BLACK, linewidth=0.9)
        for k, (_, row, level) in enumerate(rows):
            c = row[key]
            sure = clear(c)
            colour = COLOURS.get(key, PURPLE) if sure else GREY
            ax.plot([c.mean - c.error, c.mean + c.error], [-k, -k], color=colour, linewidth=2)
            ax.plot(
                c.mean,
                -k,
                MARKERS.get(key, "o"),
                color=colour,
                markersize=6,
                markerfacecolor=colour if sure else "white",
            )
            ax.text(
                1.03,
                -k,
                percent(level[key].mean),
                transform=ax.get_yaxis_transform(),
                va="center",
                fontsize=8,
                color="#333333",
            )
        ax.set_xlim(-reach, reach)
        ax.set_title(title, fontsize=9)
        ax.grid(axis="x")
        ax.set_axisbelow(True)
        plain_left(ax)
        percent_axis(ax.xaxis, "change, points")
    axes[0].set_yticks([-k for k in range(len(rows))], [title for title, _, _ in rows])
    axes[0].set_ylim(-len(rows) + 0.5, 0.5)
    words = "; ".join(
        f"{title}: " + ", ".join(f"{name} {points(row[key])}, so {percent(level[key].mean)}" for key, name in endings)
        for title, row, level in rows
    )
    return Drawing(
        "scenarios",
        figure,
        f"Change of the chance of each ending against {first}, in points. {words}.",
        f"Change against “{first}” (same draws and random numbers); beside it the chance itself, in brackets that "
        "in own views. Bar: ± two standard errors. "
        "Open and grey: the bar holds 0, so not established.",
    )


def corrections(rows: Sequence[tuple[str, str, Chance, Chance]]) -> Drawing:
    """What correcting a single misreading does: (title, holder, change of force, change of agreed exits)."""
    figure = new(6.6, 0.315 * len(rows) + 0.85)
    axes = figure.subplots(1, 2, sharey=True)
    for ax, column, key, title in ((axes[0], 2, "force", "force"), (axes[1], 3, "agreed-exit", "agreed exit")):
        ax.axvline(0, color=BLACK, linewidth=0.9)
        every = [row[column] for row in rows]
        for k, c in enumerate(every):
            assert isinstance(c, Chance)
            sure = clear(c)
            colour = COLOURS[key] if sure else GREY
            ax.plot([c.mean - c.error, c.mean + c.error], [-k, -k], color=colour, linewidth=2)
            ax.plot(c.mean, -k, MARKERS[key], color=colour, markersize=5.5, markerfacecolor=colour if sure else "white")
        reach = max(0.01, *(abs(c.mean) + c.error for c in every if isinstance(c, Chance))) * 1.1
        ax.set_xlim(-reach, reach)
        ax.set_title(title)
        ax.grid(axis="x")
        ax.set_axisbelow(True)
        plain_left(ax)
        percent_axis(ax.xaxis, "change, points")
    axes[0].set_yticks(
        [-k for k in range(len(rows))], [wrapped(f"{holder}: {title}", 46) for title, holder, _, _ in rows]
    )
    axes[0].tick_params(axis="y", labelsize=7.8)
    for label, row in zip(axes[0].get_yticklabels(), rows, strict=True):
        label.set_color(BLACK if clear(row[2]) or clear(row[3]) else GREY)
    axes[0].set_ylim(-len(rows) + 0.5, 0.5)
    words = "; ".join(f"{holder}: {title}: force {points(f)}, agreed exit {points(a)}" for title, holder, f, a in rows)
    return Drawing(
        "corrections",
        figure,
        f"Change of the chances when one misreading is corrected, in points. {words}.",
        "Change when this one misreading is corrected and all others stay. Bar: ± two standard errors. "
        "Open and grey: the bar holds 0, so not established.",
    )


def robust(rows: Sequence[tuple[str, dict[str, tuple[float, float]]]]) -> Drawing:
    """Chances in own views and in the base, for force and agreed exits, at other precisions and paces."""
    figure = new(7.2, 0.34 * len(rows) + 1.2)
    axes = figure.subplots(1, 2, sharey=True)
    for ax, key, title in ((axes[0], "force", "force"), (axes[1], "agreed-exit", "agreed exit")):
        for k, (_, row) in enumerate(rows):
            own, base = row[key]
            ax.annotate(
                "",
                (base, -k),
                (own, -k),
                arrowprops={"arrowstyle": "->", "color": GREY, "linewidth": 1.2, "shrinkA": 4, "shrinkB": 4},
            )
            ax.plot(own, -k, "o", color=OWN, markersize=6.5)
            ax.plot(base, -k, "D", color=BASE, markersize=6, markerfacecolor="white", markeredgewidth=1.5)
        high = max(0.05, *(value for _, row in rows for value in row[key]))
        ax.set_xlim(-0.02 * high, high * 1.12)
        ax.set_title(title)
        ax.grid(axis="x")
        ax.set_axisbelow(True)
        plain_left(ax)
        percent_axis(ax.xaxis, "chance, % of simulated crises")
    own, base = rows[0][1]["agreed-exit"]
    left = own < base
    for value, word, colour, ha in (
        (own, "own views", OWN, "right" if left else "left"),
        (base, "base", BASE, "left" if left else "right"),
    ):
        axes[1].annotate(
            word,
            (value, 0),
            (-6 if ha == "right" else 6, 7),
            textcoords="offset points",
            ha=ha,
            fontsize=8,
            color=colour,
            fontweight="bold",
        )
    axes[0].set_yticks([-k for k in range(len(rows))], [title for title, _ in rows])
    axes[0].set_ylim(-len(rows) + 0.5, 0.75)
    words = "; ".join(
        f"{title}: force {percent(row['force'][0])} to {percent(row['force'][1])}, "
        f"agreed exit {percent(row['agreed-exit'][0])} to {percent(row['agreed-exit'][1])}"
        for title, row in rows
    )
    return Drawing(
        "robust",
        figure,
        f"From own views to the base view at other settings. {words}.",
        "From own views (dot) to both in the base view (diamond), over fewer draws.",
    )
