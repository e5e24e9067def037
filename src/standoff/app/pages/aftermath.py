"""Aftermath: who leads once the leader is gone, which order stands, and what comes over the region."""

from collections.abc import Callable, Sequence

import numpy as np
from nicegui import ui

from standoff.app import blocks
from standoff.app.charts import aftermath as charts
from standoff.app.charts.look import ENDING_LOOK
from standoff.app.data import Desk
from standoff.app.shell import Page, State
from standoff.show.figures.aftermath import ENDING_OF, Course
from standoff.show.screens import aftermath as screen
from standoff.show.screens.screen import Table

RATES = "Means over draws. Base rate: counted after exits of that mixture of modes, without the case."
QUESTION = "Who leads once the leader is gone, and what of the region?"


def build(desk: Desk, state: State) -> None:
    """Leaders and orders on the left; the region's course and the chances of events on the right."""
    found = desk.findings
    if found is None:
        blocks.head(QUESTION)
        blocks.missing(desk, "run", "What follows an ending is computed with a run of the case.")
        return
    data = found.group("aftermath")
    if data is None:
        blocks.head(screen.QUESTION, "The case names no contenders: nothing is said on what follows the ending.")
        return
    exits = screen.exits_of(data)
    who = [screen.leader_name(found, str(one)) for one in data["leader"].values]
    days = [int(day) for day in data["horizon"].values]
    ids = [exit for exit, _ in exits]
    likeliest = screen.likeliest_exit(data, exits)
    wide = found.group("cascade")
    blocks.head(QUESTION if wide is not None else screen.QUESTION, screen.answer(found, data, who, exits))
    with blocks.columns():
        with blocks.column():
            with blocks.card("Who leads", weight=1.0):

                @ui.refreshable
                def leaders() -> None:
                    exit = state.chosen("exit", ids, likeliest)
                    values = np.asarray(data["leads"].sel(exit=exit))
                    blocks.chart(charts.leads(who, dict(exits)[exit], values, days), tall=360)

                _choice(state, "exit", {e: f"after {title}" for e, title in exits}, likeliest, "After which exit",
                        leaders.refresh)  # fmt: skip
                blocks.legend((("●", f"{days[0]} days after"), ("◇", f"{days[-1]} days after"),
                               ("line", "5% to 95% over the numbers")))  # fmt: skip
                leaders()
            with blocks.card("Which order stands", weight=1.15, note=RATES):
                rows = [
                    (title, np.asarray(data["next_order"].sel(exit=exit).mean("draw").isel(horizon=screen.ENDS)),
                     np.asarray(data["base_order"].sel(exit=exit))) for exit, title in exits
                ]  # fmt: skip
                names = [str(one) for one in data["order"].values]
                blocks.chart(charts.orders(rows, names, [days[k] for k in screen.ENDS]), tall=460)
        with blocks.column():
            if wide is not None:
                _region(state, screen.courses(found, wide, exits), dict(exits), likeliest)
            with blocks.card("", weight=1.15), blocks.scroll("Chances after each exit, and the region"):
                blocks.table(screen.events(data, wide, exits))
                if wide is not None:
                    table = screen.region_table(found, wide, exits)
                    if isinstance(table, Table):
                        blocks.table(table)
                    else:
                        blocks.words(table)
                blocks.text("p", screen.note_of(found), "note")


def _choice(
    state: State, key: str, options: dict[str, str], default: str, label: str, then: Callable[[], object]
) -> None:
    with blocks.tag("div", "controls beside"):
        ui.select(
            options, value=state.chosen(key, list(options), default),
            on_change=lambda e: state.set(then, **{key: e.value}),
        ).props(f'dense borderless options-dense aria-label="{label}"')  # fmt: skip


def _region(state: State, courses: Sequence[Course], exits: dict[str, str], marked: str) -> None:
    titles = {str(k): course.title for k, course in enumerate(courses)}
    shown = next((str(k) for k, c in enumerate(courses) if c.title.startswith("People")), "0")
    with blocks.card("The region’s course"):

        @ui.refreshable
        def course() -> None:
            blocks.chart(charts.region(courses[int(state.chosen("course", list(titles), shown))], marked), tall=320)

        _choice(state, "course", titles, shown, "Quantity", course.refresh)
        blocks.dashes([(*ENDING_LOOK[ENDING_OF[e]], title) for e, title in exits.items()])
        course()
        blocks.text(
            "p", f"Mean by exit, same noise for all. Shaded: 5% to 95% of the paths after {exits[marked]}.", "note"
        )


PAGE = Page("/aftermath", "Aftermath", build)
