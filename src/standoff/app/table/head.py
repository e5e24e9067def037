"""The head of a seat's pages: what it is about now, round and date, the clock, the way to the debrief."""

from collections.abc import Callable
from typing import Any

from nicegui import ui

from standoff.app.blocks import tag, text
from standoff.app.table import standing
from standoff.app.table.frame import clock
from standoff.app.table.visit import Visit
from standoff.play.sight import Public


def pages(visit: Visit) -> list[tuple[str, str]]:
    """The pages of a seat, for the bar."""
    return [("Game", visit.path), ("Debrief", f"{visit.path}/debrief")]


def header(visit: Visit, title: Callable[[Any], str]) -> None:
    """The head of a page: what it is about now, round and date, the clock, the way to the debrief."""
    words = visit.words
    with tag("div", "head game") as place:

        def draw(sight: Public) -> None:
            ui.page_title(f"{title(sight)} · {sight.title}")
            with tag("div", "now"):
                text("h1", title(sight))
                clock(visit)
            with tag("p", "answer"):
                text("span", standing.heading(words, sight))
                if sight.ending is not None:
                    text("b", f" {words.ending(sight.ending)}.")
                if sight.debrief:
                    link = text("a", "Read the debrief.")
                    link.props["href"] = f"{visit.path}/debrief"

        visit.part(
            place,
            lambda sight: (title(sight), sight.round, sight.to_move, sight.status, sight.deadline, sight.turn,
                           sight.debrief),
            draw,
        )  # fmt: skip
    place.props("aria-live=polite")
