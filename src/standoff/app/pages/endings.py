"""Endings: how it ends and when, in own views and in one common view, and the agreement that was missed."""

from nicegui import ui

from standoff.app import blocks
from standoff.app.charts import endings as charts
from standoff.app.data import Desk
from standoff.app.endings import Course, agreement, course, outcomes
from standoff.app.shell import Page, State

QUESTION = "How does it end, by when, and was there a deal that both preferred?"


def build(desk: Desk, state: State) -> None:
    """Chances of the endings, their timing by scenario, the map of packages and why the best was missed."""
    if desk.findings is None:
        blocks.head(QUESTION)
        blocks.missing(desk, "run", "Endings come from a run of the case.")
        return
    found, deals = outcomes(desk), agreement(desk)
    blocks.head(QUESTION, found.answer)
    ended = any(real for *_, real in found.rows)
    with blocks.columns():
        with blocks.column():
            with blocks.card("Chance of each ending"):
                marks = [("●", "each in its own view"), ("◇", "both in the base view"), ("thick", "± 2 errors"),
                         ("thin", "5% to 95% over the numbers")]  # fmt: skip
                blocks.legend([*marks, ("★", "what happened")] if ended else marks)
                blocks.chart(charts.endings(found.rows), tall=430)
            with blocks.card("The zone of agreement", weight=1.0):
                cross = "what happened" if ended else "what is compared with"
                blocks.legend((("○", f"offered by {desk.names.coercer}"), ("□", f"by {desk.names.target}"),
                               ("✖", cross), ("shaded", deals.zone)))  # fmt: skip
                if deals.spots and deals.happened is not None:
                    blocks.chart(charts.deal(deals.spots, deals.happened, deals.going_on, deals.labels), tall=380)
                else:
                    blocks.text("p", "The case holds no package: nothing was on the table but the demand itself.")
        with blocks.column():
            _timing(desk, state)
            with (
                blocks.card("Was there a deal that both preferred?"),
                blocks.scroll("The deal, and what stood in its way"),
            ):
                blocks.text("p", deals.answer)
                for words in deals.why:
                    blocks.words(words)
                for table in deals.tables:
                    blocks.table(table)
                blocks.text("p", deals.note, "note")


def _timing(desk: Desk, state: State) -> None:
    found = outcomes(desk)
    options = dict(found.scenarios)

    def shown() -> Course:
        return course(desk, state.chosen("scenario", list(options), "views"))

    with blocks.card("Outcomes by week"):

        @ui.refreshable
        def curves() -> None:
            one = shown()
            blocks.chart(charts.timing(one.days, one.curves, one.happened), tall=340)

        with blocks.tag("div", "controls beside"):
            ui.select(
                options, value=state.chosen("scenario", list(options), "views"),
                on_change=lambda e: state.set(curves.refresh, scenario="" if e.value == "views" else e.value),
            ).props('dense borderless options-dense aria-label="Whose view"')  # fmt: skip
        curves()
        blocks.text("p", f"Mean over draws; shaded: 5% to 95% over the numbers. {found.note}", "note")


PAGE = Page("/endings", "Endings", build)
