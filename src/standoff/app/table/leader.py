"""A leader's page: his type, his moves with their meaning, his adviser, the public record, his cables, the clock."""

from nicegui import ui

from standoff.app.blocks import card, column, columns, facts, scroll, tag, text
from standoff.app.table import advice, cables, record, standing
from standoff.app.table.frame import frame
from standoff.app.table.head import header, pages
from standoff.app.table.moves import Moves
from standoff.app.table.visit import Visit
from standoff.app.table.words import Words, sentence, worth
from standoff.play.sight import PlayerSight

PAYS = {
    "concession": "the demand is met", "flight": "the leader flees", "coup": "the leader is removed from within",
    "force": "force is used",
}  # fmt: skip


def build(visit: Visit) -> None:
    """The page of one side."""
    words = visit.words
    with frame(visit, visit.sight.title, pages(visit)):
        header(visit, lambda sight: _title(words, sight))
        with columns("1fr 1.2fr 1fr"):
            with column():
                with card("Where it stands", size="shrink"), scroll("Where it stands"):
                    visit.part(tag("div"), standing.key, lambda sight: standing.draw(words, sight))
                    standing.briefing(words)
                with card("You (nobody else sees this)"), scroll("You") as mine:
                    visit.part(mine, lambda sight: (sight.mine.pays, sight.mine.paid, sight.mine.advice),
                               lambda sight: _you(words, sight))  # fmt: skip
            with column(), card("This turn") as turn:
                turn.classes("turn")
                Moves(visit)
            with column():
                with card("What happened, latest first"), scroll("What happened") as told:
                    visit.part(told, record.key, lambda sight: record.draw(words, sight))
                with card("Cables"):
                    cables.build(visit)


def _title(words: Words, sight: PlayerSight) -> str:
    you = f"{words.name(sight.mine.side)} ({sight.mine.side})"
    if sight.ending is not None:
        return f"You were {you}"
    return f"You are {you}: {'your move' if sight.to_move == sight.mine.side else 'wait'}"


def _you(words: Words, sight: PlayerSight) -> None:
    mine = sight.mine
    stake = words.rules.prize if mine.side == "coercer" else words.rules.office
    text("p", f"Your type: “{mine.type_title}”", "big")
    advised = mine.advice
    unit = "prize" if mine.side == "coercer" else "office"
    rows = [("Paid so far", f"{worth(mine.paid)} (1 = {unit})")]
    if advised is not None and advised.worth is not None:
        rows.append(("Going on is worth", f"{worth(advised.worth)} (1 = {unit})"))
    facts(rows)
    advice.beliefs(words, sight)
    with ui.expansion("What endings pay you, in your view").props("dense").classes("setting"):
        facts([(sentence(_named(words, name)), worth(value)) for name, value in _pays(words, mine.pays)])
        text("p", f"1 = {stake[:1].lower()}{stake[1:]} Discounted to the first day; if nobody stops it.", "note")


def _pays(words: Words, pays: dict[str, float]) -> list[tuple[str, float]]:
    """Endings, then the packages that can be offered, best first."""
    ends = [(name, value) for name, value in pays.items() if name in PAYS]
    deals = [(name, value) for name, value in pays.items() if name in words.packages]
    return sorted(ends, key=lambda e: -e[1]) + sorted(deals, key=lambda e: -e[1])


def _named(words: Words, name: str) -> str:
    return PAYS.get(name) or f"deal: {words.package(name)}"
