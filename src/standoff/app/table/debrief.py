"""After the game: what each believed, what the solution would have done, who left it, what each misread."""

import math
from html import escape

from nicegui import ui

from standoff.app.blocks import card, chart, column, columns, raw, scroll, tag, text
from standoff.app.table import charts
from standoff.app.table.files import files
from standoff.app.table.frame import frame
from standoff.app.table.head import pages
from standoff.app.table.visit import Visit
from standoff.app.table.words import Words, chance, count, sentence, worth
from standoff.play.debrief import RARE, Debrief, Decision, SideSummary

LOOKS = {"●": "own-mark", "◇": "base-mark"}
CLEAR = 1.1
"""From which ratio of chances moves are said to speak for a type."""
QUESTION = "What did each believe, and what did each misread?"


def build(visit: Visit, found: Debrief | str) -> None:
    """The debrief, or why it cannot be read yet."""
    words = visit.words
    with frame(visit, visit.sight.title, pages(visit)):
        if isinstance(found, str):
            with tag("div", "head"):
                text("h1", "The debrief")
                text("p", found, "answer")
            return
        ui.page_title(f"Debrief · {visit.sight.title}")
        with tag("div", "head"):
            text("h1", QUESTION)
            text("p", _answer(words, found), "answer")
        with columns("1fr 1fr 1.3fr"):
            for side in found.sides:
                with column():
                    _side(words, found, side)
            with column():
                with card("In short", size="asis"):
                    raw("div", _short(words, found), "table-box")
                    text("p", f"As the case tells it: {found.real}", "note")
                with card("Every move"), scroll("Every move"):
                    raw("div", _table(words, found), "table-box")
                    text(
                        "p",
                        f"Chances in %. Marked: departures, which the own solution makes with under {RARE:.0%}.",
                        "note",
                    )
                with card("Cables and files" if found.cables else "Files", size="asis") as last:
                    last.classes("last")
                    files(visit)
                    if found.cables:
                        with scroll("Cables"):
                            raw("ol", "".join(_cable(words, one) for one in found.cables), "cables")


def _answer(words: Words, found: Debrief) -> str:
    ended = "" if found.ending is None else f"{words.ending(found.ending)}, in round {found.ending.round}. "
    parts = []
    for side in found.sides:
        if side.about_other is not None:
            name, his = words.name(side.side), words.name(words.other(side.side))
            truth = "firm" if side.other_firm else "yielding"
            parts.append(f"{name} at last held {his} to be firm with {chance(side.about_other)} (in truth {truth})")
    return f"{ended}{'; '.join(parts)}." if parts else ended


def _side(words: Words, found: Debrief, side: SideSummary) -> None:
    name, his = words.name(side.side), words.name(words.other(side.side))
    with card(f"What {name} believed of {his}: chance of being firm"):
        raw("div", _legend([("●", f"{name} believed"), ("◇", f"as {his} supposed it"), ("┄", "the truth")]),
            "legend")  # fmt: skip
        chart(charts.belief(words, found, side.side), tall=230)
    with card(f"How far {name} misread {his}"):
        raw("div", _legend([("●", f"expected by {name}"), ("◇", f"{his}’s own solution"), ("▼", "departs from it")]),
            "legend")  # fmt: skip
        chart(charts.misread(words, found, side.side), tall=230)


def _legend(entries: list[tuple[str, str]]) -> str:
    return "".join(
        f'<span><b class="{LOOKS.get(mark, "")}">{escape(mark)}</b> {escape(meaning)}</span>'
        for mark, meaning in entries
    )


def _short(words: Words, found: Debrief) -> str:
    """Both sides in short, beside one another."""
    heads = "".join(f'<th scope="col" class="text">{escape(words.name(side.side))}</th>' for side in found.sides)
    rows = [_facts(words, side) for side in found.sides]
    body = ""
    for name in rows[0]:
        if any(row[name] for row in rows):
            cells = "".join(f'<td class="text">{escape(row[name]) or "–"}</td>' for row in rows)
            body += f'<tr><th scope="row" class="text">{escape(name)}</th>{cells}</tr>'
    return f'<table class="facts short"><thead><tr><td></td>{heads}</tr></thead><tbody>{body}</tbody></table>'


def _facts(words: Words, side: SideSummary) -> dict[str, str]:
    """What is said of a side, by its name; nothing where there is nothing to say."""
    kinds = words.rules.types[side.side]
    unit = "prize" if side.side == "coercer" else "office"
    round_, _, move = (side.surprise or "").partition(": ")
    dropped = f", dropped in round {side.dropped_view}" if side.dropped_view is not None else ""
    return {
        "Type": kinds[-1] if side.firm else kinds[0],
        "View": "" if side.view is None else f"{side.view}, precision {side.precision:g}{dropped}",
        "Payoff, discounted": f"{worth(side.paid)} (1 = {unit})",
        "Departures from the own solution": f"{side.departures} of {count(side.moves, 'move')}",
        "Missed the clock": count(side.missed_clock, "time") if side.missed_clock else "",
        "Own moves spoke for": _spoke(side) if len(side.log_chance) == 2 else "",
        "Misperception gap (0 to 1)": ("" if side.mean_gap is None else f"{side.mean_gap:.2f} on average"),
        "Took for another": count(side.misread, "move") if side.misread else "",
        "Most surprised by": f"{words.label(move)} ({round_})" if move else "",
    }


def _spoke(side: SideSummary) -> str:
    """For which of its types a side's moves speak, by its own solution; the yielding one stands first."""
    yielding, firm = side.log_chance.values()
    ratio = math.exp(min(50.0, abs(firm - yielding)))
    return "neither type" if ratio < CLEAR else f"{'firm' if firm > yielding else 'yielding'}, {ratio:.1f} to 1"


def _table(words: Words, found: Debrief) -> str:
    heads = ("round", "who", "move", "expected", "solution", "its likeliest move")
    head = "".join(
        f'<th scope="col"{" class=text" if k in (1, 2, 5) else ""}>{name}</th>' for k, name in enumerate(heads)
    )
    return (
        f'<table class="facts decisions"><thead><tr>{head}</tr></thead><tbody>'
        + "".join(_row(words, one) for one in found.decisions)
        + "</tbody></table>"
    )


def _row(words: Words, one: Decision) -> str:
    notes = ["missed the clock"] if one.late else []
    if one.taken_for is not None:
        notes.append(f"taken for: {words.label(one.taken_for).lower()}")
    note = f' <span class="tag">{escape("; ".join(notes))}</span>' if notes else ""
    best = words.label(one.best) if one.best is not None and one.best != one.move else "this one" if one.best else ""
    share = ("–" if value is None else chance(value).rstrip("%") for value in (one.expected, one.solution))
    expected, solution = share
    marked = " class=judged" if one.departs else ""
    return (
        f"<tr{marked}><td>{one.round}</td><td class=text>{escape(one.side)}</td>"
        f"<td class=text>{escape(words.label(one.move))}{note}</td><td>{escape(expected)}</td>"
        f"<td>{escape(solution)}</td><td class=text>{escape(best)}</td></tr>"
    )


def _cable(words: Words, one: dict[str, object]) -> str:
    who = f"{sentence(words.name(str(one['sender'])))} to {words.name(str(one['to']))}, round {one['round']}"
    body = escape(str(one["text"]))
    return f'<li class="cable"><span class="day">{escape(who)}</span><span class="body">{body}</span></li>'
