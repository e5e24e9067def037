"""Where the crisis stands: the ladder with the rung held, the deadline, the offer on the table, the levels."""

from html import escape

from nicegui import ui

from standoff.app.blocks import facts, raw, text
from standoff.app.table.words import COHESION, SQUEEZE, Words, count, level, sentence
from standoff.play.briefing import RulesInside
from standoff.play.sight import Public


def key(sight: Public) -> object:
    """What this part depends on."""
    return sight.where, sight.round, sight.to_move


def draw(words: Words, sight: Public) -> None:
    """The ladder, highest rung first, and the rest of the public state."""
    raw("ol", "".join(_rung(words, sight, name) for name in reversed(words.rungs)), "rungs")
    facts(_facts(words, sight))
    text("p", "“force”, “deadline”: possible from this rung on the coercer’s turn.", "note")


def _rung(words: Words, sight: Public, name: str) -> str:
    here = name == sight.where.rung
    marks = words.rung_marks(name)
    mark = f' <span class="marks">{escape(marks)}</span>' if marks else ""
    place = '<span class="here">now</span>' if here else ""
    current = ' class="current" aria-current="step"' if here else ""
    title = escape(words.rungs[name], quote=True)
    return f'<li{current} title="{title}"><span class="rung">{escape(words.rung(name))}</span>{mark}{place}</li>'


def _facts(words: Words, sight: Public) -> list[tuple[str, str]]:
    where = sight.where
    deadline = f"runs out in {count(where.clock, 'turn')} of {words.name('coercer')}" if where.clock else "none"
    offer = "none"
    if where.offer is not None:
        offer = f"{words.package(where.offer)}, offered by {words.name(where.offer_by)}. {words.terms(where.offer)}"
    return [
        ("Deadline", deadline),
        ("Offer on the table", offer),
        ("Patronage", f"{level(SQUEEZE, where.squeeze)} (squeeze {where.squeeze} of 0 to {len(SQUEEZE) - 1})"),
        ("Circle", f"{level(COHESION, where.cohesion)} (cohesion {where.cohesion} of 0 to {len(COHESION) - 1})"),
    ]


def briefing(words: Words) -> None:
    """The case in short, and what was public when it begins, folded in."""
    rules = words.rules
    with ui.expansion("The case in short").props("dense").classes("setting"):
        facts([
            ("Demand", rules.demand), ("Prize", rules.prize), ("Office", rules.office),
            ("Rounds", f"{rules.rounds} of {rules.round_days} days, from {rules.starts.day} {rules.starts:%B %Y}"),
        ])  # fmt: skip
    if rules.before:
        with ui.expansion("What happened before").props("dense").classes("setting"):
            facts([(sentence(one.date), one.title) for one in rules.before])
    if isinstance(rules, RulesInside):
        with ui.expansion("How it went in the case (players are not told)").props("dense").classes("setting"):
            text("p", rules.summary)


def heading(words: Words, sight: Public) -> str:
    """Round, date and whose turn it is."""
    day = sight.date
    when = f"Round {sight.round} of {sight.rounds}, from {day.day} {day:%B %Y}"
    if sight.ending is not None:
        return f"Over in round {sight.ending.round} of {sight.rounds}."
    return f"{when}. {words.name(sight.to_move)} to move{', the game is paused' if sight.status == 'paused' else ''}."
