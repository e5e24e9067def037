"""How the report was computed and what it leaves out, and the numbers in full."""

import numpy as np

from standoff.show import summary
from standoff.show.screens.aftermath import sequels
from standoff.show.screens.belief import moves
from standoff.show.screens.evidence import contradictions
from standoff.show.screens.screen import Block, Cell, Findings, Table, Words, row
from standoff.show.words import count, give_or_take, percent, points, sentence
from standoff.simulate.results import ENDINGS


def method(found: Findings) -> tuple[Block, ...]:
    """The model in short, its approximations, how well it was solved."""
    case, attrs = found.loaded.case, found.tree.attrs
    n = found.names
    model = Words(
        (
            f"Two sides, {n.coercer} and {n.target}, move in turn in each of {attrs['rounds']} rounds of "
            f"{case.crisis.round_days} days; each has two types that only it knows.",
            f"The state is the rung of a ladder of {count(len(case.ladder), 'step')}, a running deadline, a "
            f"pending offer, and (where the case has them) levels of squeeze and of cohesion: {attrs['states']} "
            "states.",
            "Each side solves the whole game as its own view has it: better moves are played more often, none with "
            "certainty (logit quantal response), and beliefs follow from strategies by Bayes’ rule.",
            "The two solutions then meet in the world as the base numbers have it; each side reads the other’s "
            "moves through its own view.",
            "All uncertain numbers are drawn anew for each draw; scenarios share draws and random numbers, so that "
            "their differences are paired.",
            f"{attrs['draws']} draws, {attrs['replications']} crises each, seed {attrs['seed']}. {attrs['status']}",
        ),
        "The model in six lines",
    )
    return model, Words(tuple(_leaves_out(found)), "What it leaves out")


def _leaves_out(found: Findings) -> list[str]:
    data = found.tree["quality"].ds
    distance = np.asarray(data["chain_distance"], dtype=float)
    flagged = float(np.max(np.asarray(data["flagged"])))
    folded = float(found.tree.attrs.get("folded", 0.0))

    def most(name: str) -> float:
        return float(np.max(np.asarray(data[name])))

    said = [
        "Misread moves: a view changes only how likely a move is to be taken for another of the moves possible there.",
        "Beliefs about beliefs: each side acts as if its own belief, and what it thinks the other believes, were "
        f"known to both; {_nested(found)}.",
        *_chains(found, distance),
        f"At most {flagged:.2%} of the points of one solution are near a fold, where more than one answer is "
        f"possible; play comes to one with chance {most('flagged_met'):.2%} at most. What is taken is the answer "
        f"reached from the one of the round after it; following the whole game from precision 0 instead moves a "
        f"chance by at most {100 * most('selection'):.2f} points.",
        f"The grid of beliefs: on twice the cells a chance of an ending moves by at most "
        f"{100 * most('grid_error'):.2f} points for a pair of types, {100 * most('grid_error_mean'):.2f} on average "
        "(the last two lines: base and both views, each in the draw with the sharpest decisions).",
    ]
    if folded:
        said.append(
            "Changes of a level that are rarer than 2% a round count as staying; at most "
            f"{percent(folded)} of a row was counted so."
        )
    said.append("The numbers are those of the case, with their spread; they are not fitted to the record.")
    if found.group("aftermath") is None:
        said.append("Nothing is said on what follows the ending.")
    else:
        said.append(
            "What follows an ending moves no choice but by the coercer’s worth of it; a second fall of a leader within "
            "the year, and the leader who stayed, are not followed."
        )
    return said


def _nested(found: Findings) -> str:
    views = found.loaded.case.views
    if any(view.other is not None for view in views):
        return "views within views are those that the case writes down, and where they end the rest is taken for shared"
    return "a side thinks that the other shares its view"


def _chains(found: Findings, distance: np.ndarray) -> list[str]:
    """How well the levels stand for the world, where the case has an economy or a coalition."""
    if found.loaded.case.world.economy is None and found.loaded.case.world.coalition is None:
        return []
    return [
        "The world’s smooth course is stood for by a few levels. By the end, the law of the levels differs "
        f"from that of the full model by {distance.mean():.2f} on average and {distance.max():.2f} at most "
        f"over draws (0: the same, 1: nothing in common), which is {_how(float(distance.mean()))}."
    ]


def _how(distance: float) -> str:
    return (
        "close"
        if distance < 0.1
        else "a moderate difference"
        if distance < 0.3
        else "a large difference: what depends on their timing is rough"
    )


def appendix(found: Findings) -> tuple[Table, ...]:
    """The numbers in full: all endings by scenario, all corrections, all contradictions."""
    n, chances = found.names, summary.table(found.tree)
    rows = [
        row(
            n.scenario(s),
            *(
                f"{percent(c[k].mean)} {give_or_take(c[k].error)} ({100 * c[k].low:.0f}–{100 * c[k].high:.0f})"
                for k in ENDINGS
            ),
        )
        for s, c in chances.items()
    ]
    tables = [
        Table(
            "Chance of each ending by scenario, % of simulated crises",
            ("Scenario", *(sentence(n.ending(k)) for k in ENDINGS)),
            tuple(rows),
            "mean ± two standard errors (5% to 95% over the parameters)",
        )
    ]
    effects = summary.correction_effects(found.tree)
    if effects:
        keys = ("force", "agreed-exit", "deal-he-stays", "flight", "back-down")
        rows = [
            row(
                f"{n.side(e['holder'])}: {e['title']}",
                *(Cell(points(e["effect"][k]), faint=abs(e["effect"][k].mean) <= e["effect"][k].error) for k in keys),
            )
            for e in effects
        ]
        tables.append(
            Table(
                "What correcting one misreading changes, points",
                ("Misreading", *(sentence(n.ending(k)) for k in keys)),
                tuple(rows),
                "± two standard errors; grey: within its error, not established",
            )
        )
    tables += sequels(found)
    if found.record.turns:
        tables.append(moves(found))
    if found.evidence.contradictions:
        tables.append(contradictions(found, 1000))
    return tuple(tables)
