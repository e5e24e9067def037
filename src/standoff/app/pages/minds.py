"""Minds: what each side believed, how far off it was, and what each thought the game was; both side by side."""

from nicegui import ui

from standoff.app import blocks
from standoff.app.charts import minds as charts
from standoff.app.data import Desk
from standoff.app.minds import SIDES, answer, days, from_posterior, game_of, mind
from standoff.app.shell import Page, State
from standoff.show.words import MOVES, sentence

QUESTION = "What did each side believe, and what did each think the other’s game was?"


def build(desk: Desk, state: State) -> None:
    """A column a side: belief, misperception gap, its view of the game."""
    blocks.head(QUESTION, desk.keep("minds answer", lambda: answer(desk)))
    if not desk.along.turns:
        blocks.text("p", "The record holds no round yet, so there is nothing to follow.")
        return
    if desk.results is None and not from_posterior(desk):
        blocks.missing(desk, "run", "Beliefs come from a run of the case.")
    with blocks.columns():
        for side in SIDES:
            with blocks.column():
                _side(desk, state, side)
    if desk.results is not None and not from_posterior(desk):
        with blocks.tag("p", "note"):
            ui.label(
                "Beliefs of the run, at the case’s own numbers; lines: medians over its draws (the sentences above "
                "tell means); bands: 5% to 95% and 25% to 75%. In the light of the record: "
                f"{desk.command('posterior')}"
            )


def _side(desk: Desk, state: State, side: str) -> None:
    found, names = mind(desk, side), desk.names
    if found is not None:
        with blocks.card(found.belief.title, weight=1.0):
            blocks.chart(charts.belief(days(desk), found.belief, found.moves), tall=260)
        key = f"{side}-reads"
        moves = list(found.gaps)
        with blocks.card(f"How far {names.side(side)} misread {names.other(side)}", weight=0.95):

            @ui.refreshable
            def gap() -> None:
                move = state.chosen(key, moves, found.first)
                blocks.chart(charts.gap(days(desk), found.gaps[move]), tall=260)

            with blocks.tag("div", "controls beside"):
                ui.select(
                    {m: sentence(f"{MOVES[m]}") for m in moves}, value=state.chosen(key, moves, found.first),
                    on_change=lambda e: state.set(gap.refresh, **{key: e.value}),
                ).props(
                    f'dense borderless options-dense aria-label="Move of {names.other(side)} that was expected"'
                )  # fmt: skip
            gap()
            blocks.text("p", f"Chance seen in this move within the round, less that by {names.other(side)}’s strategy; "
                        "above 0: expected too much.", "note")  # fmt: skip
    with blocks.card(f"The game as {names.side(side)} saw it", weight=1.15):
        tables, words = game_of(desk, side)
        with blocks.scroll(f"The view of {names.side(side)}"):
            for table in tables:
                blocks.table(table)
            if words:
                blocks.text("p", words)


PAGE = Page("/minds", "Minds", build)
