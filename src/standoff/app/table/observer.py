"""The observer's page: what is public, and nothing else."""

from standoff.app.blocks import card, column, columns, scroll, tag
from standoff.app.table import cables, record, standing
from standoff.app.table.frame import frame
from standoff.app.table.head import header, pages
from standoff.app.table.visit import Visit


def build(visit: Visit) -> None:
    """State, record, messages to all."""
    words = visit.words
    with frame(visit, visit.sight.title, pages(visit)):
        header(visit, lambda sight: "You are looking on")
        with columns("1.15fr 1.3fr 0.9fr"):
            with column(), card("Where it stands"), scroll("Where it stands"):
                visit.part(tag("div"), standing.key, lambda sight: standing.draw(words, sight))
                standing.briefing(words)
            with column(), card("What happened, latest first"), scroll("What happened") as told:
                visit.part(told, record.key, lambda sight: record.draw(words, sight))
            with column(), card("Messages to all"):
                cables.build(visit)
