"""Sources: what rests on whom, how thin that is, and what changes if a source is not believed."""

from collections.abc import Callable
from html import escape

from nicegui import ui

from standoff.app import blocks
from standoff.app.charts import sources as charts
from standoff.app.data import Desk
from standoff.app.shell import Page, State
from standoff.app.withheld import Switch, carried, switches, without
from standoff.show.pieces import CHANCES, Piece, clear, said
from standoff.show.posterior import signed
from standoff.show.screens import evidence
from standoff.show.screens.screen import Words
from standoff.show.words import count

QUESTION = "What rests on which sources, how thin are they, and what if one is not believed?"
MARKS = "Open, italic: anonymous. A line joins documents that share a first source."
ROWS, COLUMNS, NAMED = 16, 12, 5


def build(desk: Desk, state: State) -> None:
    """The audit on the left; the switches and what they change on the right."""
    blocks.head(QUESTION, evidence.answer_of(desk.bare))
    every = switches(desk)
    known = {one.id for one in every}
    off = {name for name in state.get("off").split(",") if name in known}
    with blocks.columns("1fr 1fr"):
        with blocks.column():
            with blocks.card("Claims by first source and document", weight=1.25, note=MARKS):

                @ui.refreshable
                def matrix() -> None:
                    _matrix(desk, off)

                matrix()
            with blocks.card("How the numbers of the case are backed", weight=0.85):
                blocks.chart(charts.reasons(evidence.numbers(desk.bare)), tall=340)
        with blocks.column():
            with blocks.card("Switch a source off, and see what changes", weight=1.2):

                @ui.refreshable
                def changes() -> None:
                    _changes(desk, every, off)

                def switch(name: str, on: bool) -> None:
                    off.discard(name) if on else off.add(name)
                    state.set(off=",".join(sorted(off)))
                    changes.refresh()
                    matrix.refresh()

                with blocks.tag("div", "columns").style("--split: 0.85fr 1fr"):
                    with blocks.scroll("Sources that can be switched off"):
                        for one in every:
                            _switch(one, off, switch)
                    with blocks.scroll("What changes without them"):
                        changes()
            with blocks.card("", weight=1.0), blocks.scroll("Contradictions, documents and anchors"):
                if desk.audit.contradictions:
                    blocks.table(evidence.contradictions(desk.bare, 1000))
                if desk.audit.documents:
                    blocks.text("h3", "The documents")
                    blocks.table(evidence.documents_of(desk.bare))
                blocks.words(evidence.hindsight_of(desk.bare))
                blocks.text("p", evidence.note_of(desk.bare), "note")


def _switch(one: Switch, off: set[str], switch: Callable[[str, bool], None]) -> None:
    hidden = ", anonymous" if one.anonymous else ""
    label = f"{one.name} ({count(one.claims, 'claim')}{hidden})" if one.claims else one.name
    ui.checkbox(label, value=one.id not in off, on_change=lambda e: switch(one.id, bool(e.value))).props(
        "dense size=sm"
    ).style("display: flex; padding: 2px 0; font-size: 12.5px" + ("; font-weight: 700" if one.document else ""))


def _matrix(desk: Desk, off: set[str]) -> None:
    case, audit = desk.loaded.case, desk.audit
    ids = [d.id for d in sorted(audit.documents, key=lambda d: -d.claims)[:COLUMNS]]
    ids = [d.id for d in audit.documents if d.id in ids]
    gone = {claim.id for claim in case.claims if set(claim.chain) & off}
    rows, faint = [], []
    for origin in (o for o in audit.origins if o.claims):
        claims = [c for c in case.claims if c.origin == origin.id]
        counts = [sum(i in c.chain for c in claims) for i in ids]
        if any(counts):
            rows.append((origin.name, origin.anonymous, counts))
            faint.append(all(c.id in gone for c in claims))
    if not rows:
        blocks.text("p", "The case holds no claim: nothing in it can be traced to a source.")
        return
    names = [evidence.label_of(desk.bare, i) for i in ids]
    blocks.chart(charts.matrix(names, rows[:ROWS], faint), tall=460)
    if len(rows) > ROWS:
        more = f"Not shown: {count(len(rows) - ROWS, 'more first source')}"
        outside = len([o for o in audit.origins if o.claims]) - len(rows)
        blocks.text("p", f"{more}{f', and {outside} that no document carries' if outside else ''}.", "note")


def _changes(desk: Desk, every: list[Switch], off: set[str]) -> None:
    pieces = carried(desk)
    if not off:
        blocks.text("p", "All are believed. Switch one off: here you see which claims fall away, which events and "
                    "numbers nothing then backs, and what the record says without it.")  # fmt: skip
        blocks.words(_heaviest(desk, pieces))
        return
    left = without(desk, off)
    total = len(desk.loaded.case.claims)
    firsts = f", and with them {count(len(left.origins), 'first source')}" if left.origins else ""
    lines = [f"<p><b>{count(len(left.claims), 'claim')} of {total}</b> fall away{firsts}.</p>"]
    blocks.raw("div", "".join(lines), "words")
    _posterior(desk, every, off, pieces)
    lines = []
    for items, single, many in (
        (left.events, "event has nothing else behind it", "events have nothing else behind them"),
        (left.moves, "of these is a move of the game", "of these are moves of the game"),
        (left.numbers, "number has no other reason", "numbers have no other reason"),
        (left.settled, "question is no longer contested", "questions are no longer contested"),
    ):
        if items:
            named = "".join(f"<li>{escape(item)}</li>" for item in items[:NAMED])
            more = f"<li>and {len(items) - NAMED} more</li>" if len(items) > NAMED else ""
            lines.append(f"<p>{len(items)} {single if len(items) == 1 else many}:</p><ul>{named}{more}</ul>")
    if not lines:
        lines.append("<p>Every event and number that they back has another reason as well.</p>")
    blocks.raw("div", "".join(lines), "words")


def _posterior(desk: Desk, every: list[Switch], off: set[str], pieces: dict[str, Piece]) -> None:
    blocks.text("h3", "The posterior without it")
    if not pieces:
        blocks.text("p", "Not computed yet. What the record says without each source comes with", "note")
        blocks.raw("p", f"<code>{escape(desk.command('posterior'))}</code>")
        return
    for one in every:
        if one.id in off:
            _piece(desk, one, pieces.get(one.id))
    if len(off) > 1:
        words = "Each is left out by itself: changes of several together were not computed, and do not add up."
        blocks.text("p", words, "note")


def _piece(desk: Desk, one: Switch, piece: Piece | None) -> None:
    if piece is None:
        why = "no event on record that counts as a move rests on reports of it"
        blocks.raw("p", f"<b>{escape(one.name)}</b>: nothing changes; {why}." if not one.document else
                   f"<b>{escape(one.name)}</b>: computed for first sources, not for documents: switch off whom it "
                   "relays.")  # fmt: skip
        return
    body = []
    for name in CHANCES:
        for bar in piece.chances[name]:
            sure = clear(bar) and not piece.rough
            text = f"chance {said(desk.names, name, bar.side)}: {signed(bar.value)} points ±{100 * bar.error:.1f}"
            body.append(f"<li{'' if sure else ' class=faint'}>{escape(text)}</li>")
    rough = " (rough: few draws carry it)" if piece.rough else ""
    blocks.raw("div", f"<p><b>{escape(one.name)}</b>{rough}</p><ul>{''.join(body)}</ul>", "words")


def _heaviest(desk: Desk, pieces: dict[str, Piece]) -> Words:
    if not pieces:
        return Words(("What the record says without each source is not computed yet: " + desk.command("posterior"),))
    piece = max(pieces.values(), key=lambda p: 0.0 if p.rough else p.size)
    best = max((bar for name in CHANCES for bar in piece.chances[name]), key=lambda bar: abs(bar.value))
    name = next(name for name in CHANCES if best in piece.chances[name])
    return Words((f"By the posterior the source that carries most is “{piece.title}”: without it the chance "
                  f"{said(desk.names, name, best.side)} changes by {signed(best.value)} points.",))  # fmt: skip


PAGE = Page("/sources", "Sources", build)
