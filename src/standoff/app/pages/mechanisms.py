"""Mechanisms: which misreading cost most, what each mechanism and lever does, and whether it is what is asserted."""

from collections.abc import Callable
from html import escape

from nicegui import ui

from standoff.app import blocks
from standoff.app.charts import mechanisms as charts
from standoff.app.data import COMMANDS, Desk
from standoff.app.jobs import Control
from standoff.app.mechanisms import Told, arrived, asserted, misreadings, moved, shares
from standoff.app.shell import Page, State
from standoff.show.screens.screen import Table

QUESTION = "What moved the ending: which misreading cost most, and what does each mechanism do?"
MISSING = {
    "attribution": "Corrects the misreadings one by one, in many orders; the share of each is what that changes.",
    "mechanisms": "Switches every mechanism off in turn, and every lever on, in the same crises.",
}
"""What is computed where a part is not there yet."""
TAKES = {"attribution": "up to 5 minutes", "mechanisms": "up to 3 minutes"}
"""How long a part takes on two cores; the most is that of the largest shipped case."""


def build(desk: Desk, state: State) -> None:
    """Shares of the misreadings and the verdicts on the left; what mechanisms and levers do on the right."""
    if desk.findings is None:
        blocks.head(QUESTION)
        blocks.missing(desk, "run", "What moved the ending is asked beside a run of the case.")
        return
    if any(arrived(desk, name) for name in MISSING):
        desk.look_again()

    @ui.refreshable
    def whole() -> None:
        _draw(desk, state, whole.refresh)

    whole()


def _draw(desk: Desk, state: State, again: Callable[[], object]) -> None:
    """What is kept beside the run; for what is not, a button that computes it and then draws all `again`."""
    cost, told = misreadings(desk), asserted(desk)
    blocks.head(QUESTION, " ".join(one.answer for one in (cost, told) if one is not None))
    with blocks.columns("1fr 1fr"):
        with blocks.column():
            if cost is None:
                _missing(desk, "attribution", again)
            else:
                _cost(desk, state, cost)
            if told is not None:
                with (
                    blocks.card("Asserted, and found", weight=0.75),
                    blocks.scroll("What is asserted, and what is found"),
                ):
                    for part in told.parts:
                        blocks.table(part) if isinstance(part, Table) else blocks.words(part)
                    blocks.text("p", told.note, "note")
        with blocks.column():
            if told is None:
                _missing(desk, "mechanisms", again)
            else:
                _effects(desk, state, told)


def _missing(desk: Desk, name: str, again: Callable[[], object]) -> None:
    """A part that is not computed yet, the button that computes it, and the command that does the same."""
    with blocks.tag("div", "missing"):
        blocks.text("p", f"{COMMANDS[name].what}: not computed yet. {MISSING[name]}")
        Control(desk, name, f"Compute it ({TAKES[name]})", again, lambda: arrived(desk, name))
        typed = f"The same in a terminal: <code>{escape(desk.command(name))}</code>"
        blocks.raw("p", typed, "note").style("margin-top: 8px")


def _cost(desk: Desk, state: State, told: Told) -> None:
    sides = {side: desk.names.side(side) for side in ("coercer", "target")}
    with blocks.card("Which misreading cost most?", weight=1.5):

        def draw(ending: str) -> None:
            found = shares(desk, ending)
            blocks.chart(charts.shares(found, desk.names.ending(ending), sides), tall=46 * len(found.rows) + 60)
            blocks.text("p", found.words, "note")

        marks = [("■", f"misreading of {sides['coercer']}"), ("▨", f"of {sides['target']}"), ("line", "± 2 errors")]
        _by_ending(state, "cost", told, draw, marks)
        with blocks.tag("details", "note"):
            blocks.text("summary", "How it was computed")
            blocks.text("span", told.note)


def _effects(desk: Desk, state: State, told: Told) -> None:
    with blocks.card("What each mechanism does"):

        def draw(ending: str) -> None:
            rows = moved(desk, ending)
            if not rows:
                blocks.text("p", "The case has none of the mechanisms.")
                return
            blocks.chart(charts.effects(rows, desk.names.ending(ending)), tall=30 * len(rows) + 60)

        marks = [("●", "95% interval without 0"), ("○", "with 0"), ("(+) (−)", "asserted"), ("!", "goes the other way")]
        _by_ending(state, "moved", told, draw, marks)


def _by_ending(
    state: State, key: str, told: Told, draw: Callable[[str], None], marks: list[tuple[str, str]]
) -> None:  # fmt: skip
    """A part that is drawn for an ending, and the choice of it."""
    first = next(iter(told.endings))
    label = "Ending whose change is shared out" if key == "cost" else "Ending that is moved"

    @ui.refreshable
    def part() -> None:
        draw(state.chosen(key, list(told.endings), first))

    with blocks.tag("div", "controls beside"):
        ui.select(
            told.endings, value=state.chosen(key, list(told.endings), first),
            on_change=lambda e: state.set(part.refresh, **{key: "" if e.value == first else e.value}),
        ).props(f'dense borderless options-dense aria-label="{label}"')  # fmt: skip
    blocks.legend(marks)
    part()


PAGE = Page("/mechanisms", "Mechanisms", build)
