"""The record: what happened, latest first, a block a round."""

from html import escape
from typing import Any

from standoff.app.blocks import raw, text
from standoff.app.table.words import Words
from standoff.play.sight import Public

BY = {"strategy": "by the strategy", "clock": "by the clock"}


def key(sight: Public) -> object:
    """What this part depends on."""
    return sight.record


def draw(words: Words, sight: Public, *, inside: bool = False) -> None:
    """The record; with `inside`, also what only the facilitator sees of it."""
    if not sight.record:
        text("p", "Nothing has happened yet.", "note")
        return
    found, last = [], None
    for line in reversed(sight.record):
        if line.round != last:
            last = line.round
            first = min(one.date for one in sight.record if one.round == last)
            found.append(f'<li class="round">Round {last}, from {first.day} {first:%b %Y}</li>')
        found.append(_line(words, line, inside=inside))
    raw("ol", "".join(found), "record")


def _line(words: Words, line: Any, *, inside: bool) -> str:  # noqa: ANN401 (a line, public or inside)
    who, what = words.line(line)
    hidden = _hidden(words, line) if inside else ""
    side = f" {line.side}" if line.kind == "move" else ""
    name = f"<b>{escape(who)}</b> " if who else ""
    told = f"<span>{name}{escape(what)}{hidden}</span>"
    return f'<li class="{escape(line.kind)}{side}">{told}</li>'


def _hidden(words: Words, line: Any) -> str:  # noqa: ANN401 (a line of the record as the facilitator sees it)
    notes = []
    if line.late:
        notes.append("missed the clock")
    elif line.by in BY:
        notes.append(BY[line.by])
    if line.to is not None and line.to != "all":
        notes.append(f"seen by {words.name(line.to)} alone")
    if line.ratio is not None:
        notes.append(f"log-likelihood ratio {line.ratio:+.1f}".replace("-", "−"))
    return f' <span class="tag">{escape("; ".join(notes))}</span>' if notes else ""
