"""The facilitator's page: both sides with what they hold, the whole record, links, events and messages, the clock."""

from nicegui import ui

from standoff.app.blocks import card, column, columns, facts, scroll, tag, text
from standoff.app.table import cables, record, seats, standing
from standoff.app.table.files import files
from standoff.app.table.frame import frame
from standoff.app.table.head import header, pages
from standoff.app.table.inject import Clock, Inject
from standoff.app.table.links import Links
from standoff.app.table.visit import Visit


def build(visit: Visit) -> None:
    """The whole game."""
    words = visit.words
    with frame(visit, visit.sight.title, pages(visit)):
        header(visit, lambda sight: "You run this game")
        with tag("div", "game-bar"):
            Clock(visit)
        with columns("0.95fr 1.1fr 1fr"):
            with column():
                with card("Where it stands", size="shrink"), scroll("Where it stands"):
                    visit.part(tag("div"), standing.key, lambda sight: standing.draw(words, sight))
                    standing.briefing(words)
                with card("The whole record, latest first"), scroll("The whole record") as told:
                    visit.part(told, record.key, lambda sight: record.draw(words, sight, inside=True))
            with column():
                for side in ("coercer", "target"):
                    with card(f"{words.name(side)} ({side})"), scroll(words.name(side)):
                        seats.build(visit, side)
            with column(), card("Run it"):
                _tabs(visit)


def _tabs(visit: Visit) -> None:
    with ui.tabs().props("dense no-caps inline-label align=left") as tabs:
        one, two, three, four = (ui.tab(name) for name in ("Links", "Bring about", "Cables", "Files"))
    with ui.tab_panels(tabs, value=one).classes("panels").props("keep-alive"):
        with ui.tab_panel(one):
            links = Links(visit)
        with ui.tab_panel(two), scroll("Bring something about"):
            Inject(visit)
        with ui.tab_panel(three):
            cables.build(visit)
        with ui.tab_panel(four), scroll("Files"):
            _files(visit)
    ui.timer(0.05, links.refresh, once=True)


def _files(visit: Visit) -> None:
    files(visit)
    text("p", "The debrief is there once the game is over; the event file at any time.", "note")
    facts([
        ("Seed of the game’s chance (secret)", str(visit.sight.seed)),
        ("Game", visit.sight.game),
    ])  # fmt: skip
