"""Candidate events, printed: lines for a terminal, JSON for scripts, and what an analyst is asked about each."""

import datetime as dt
import textwrap
from typing import Any

from standoff.events.candidates import Read, facts, stubs
from standoff.events.codes import act
from standoff.events.collapse import Candidate
from standoff.events.find import Found
from standoff.events.into import Entered

WIDTH = 100
"""Columns of a line."""
SHOWN = 20
"""Candidates shown, unless all are asked for: those with most sources."""


def folded(text: str) -> list[str]:
    """A sentence on as many lines as it takes; addresses stay whole."""
    return textwrap.wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False)


def lines(found: Found, *, every: bool = False) -> list[str]:
    """For a terminal: what was read, the candidates with most sources in order of date, and faulty lines."""
    wanted = found.wanted
    window = _window(wanted.begins, wanted.ends)
    out = folded(f"Acts between {wanted.coercer.said} (coercer) and {wanted.target.said} (target){window}")
    kinds = ", ".join(sorted(set(found.formats.values())))
    many = len(found.candidates) + found.more
    out += folded(
        f"{_count(len(found.formats), 'table')} ({kinds}), {_count(found.rows, 'row')}: {found.between:,} between "
        f"them, {_count(many, 'candidate')}."
    )
    if not many:
        why = "No row is between these two" if not found.between else "No act passes the filters"
        out += folded(f"{why}. Are the codes those of the table, and is the window right? --also widens what is taken.")
    else:
        out += ["", *_table(found, every=every)]
    return out + _faults(found)


def _table(found: Found, *, every: bool) -> list[str]:
    ranked = sorted(found.candidates, key=lambda c: (-c.sources, -c.reports, -c.rows))
    first = {one.key for one in (ranked if every else ranked[:SHOWN])}
    heads = f"{'score':>6}{'reports':>8}{'sources':>8}{'texts':>6}"
    out = [f"  {'day':<11}{'side':<9}{'code':<9}{'suggests':<10}{heads}  act"]
    for one in (c for c in found.candidates if c.key in first):
        score = "" if one.goldstein is None else f"{one.goldstein[0]:.1f}".replace("-", "−")
        about = "" if one.exact else "~"
        cells = f"{score:>6}{about + format(one.reports, ','):>8}{about + format(one.sources, ','):>8}{one.texts:>6}"
        code = one.key.code if len(one.key.code) < 9 else one.plover.event
        who = one.key.who.partition(" ")[0] + " " if one.key.who else ""
        row = f"  {one.key.date} {one.key.side:<9}{code:<9}{one.move:<10}{cells}  {who}{act(one.key.code).words}"
        out.append(row if len(row) <= WIDTH else f"{row[: WIDTH - 1].rstrip()}…")
    left = len(found.candidates) - len(first)
    if left:
        out += folded(f"{_count(left, 'candidate')} more with fewer sources; --all shows them.")
    if found.more:
        out += folded(f"{_count(found.more, 'candidate')} more, with fewer sources still, left out by --most.")
    return out


def _faults(found: Found) -> list[str]:
    faults = found.faults
    if not faults.count:
        return []
    out = ["", f"{_count(faults.count, 'line')} could not be read:", *(f"  {text}" for text in faults.first)]
    left = faults.count - len(faults.first)
    return [*out, f"  and {left:,} more"] if left else out


def _window(begins: dt.date | None, ends: dt.date | None) -> str:
    return (f" from {begins}" if begins else "") + (f" to {ends}" if ends else "")


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def as_dict(found: Found) -> dict[str, Any]:
    """The same for scripts."""
    wanted = found.wanted
    return {
        "between": {"coercer": wanted.coercer.said, "target": wanted.target.said},
        "window": {"from": _iso(wanted.begins), "to": _iso(wanted.ends)},
        "tables": found.formats,
        "rows": found.rows,
        "rows_between": found.between,
        "unreadable": {"lines": found.faults.count, "first": found.faults.first},
        "left_out": found.more,
        "candidates": [_one(candidate, found) for candidate in found.candidates],
    }


def _one(candidate: Candidate, found: Found) -> dict[str, Any]:
    event = stubs(candidate, found)["events"][0]
    stories = [
        {"story": s.story or s.name, "outlet": s.outlet, "added": _iso(None if s.added == dt.date.max else s.added)}
        for s in candidate.stories[:5]
    ]
    head = {"id": event["id"], "date": _iso(candidate.key.date), "side": candidate.key.side, "title": event["title"]}
    more = {"suggests": candidate.move, "public_from": str(event["public_from"]), "stories": stories}
    return head | facts(candidate, found) | more


def _iso(day: dt.date | None) -> str | None:
    return None if day is None else day.isoformat()


def asked(candidate: Read, number: int, of: int) -> list[str]:
    """What an analyst sees of a candidate before answering."""
    event, found = candidate.event, candidate.found
    out = ["", f"{number} of {of}", *folded(f"{event['date']}  {event['side']}: {event['title']}")]
    names = ("code", "plover", "goldstein", "reports", "sources", "texts")
    numbers = ", ".join(f"{name} {found[name]}" for name in names if found.get(name) is not None)
    out += folded(f"Suggests: {candidate.suggests or 'signal'}. {numbers}.")
    out += [f"  {text}" for actor in found.get("actors") or [] for text in folded(str(actor))]
    out += [f"  {text}" for document in candidate.parts["documents"] for text in folded(_source(document))]
    return out


def _source(document: dict[str, Any]) -> str:
    """The address in what is said of a document, or all of it."""
    about = str(document["about"])
    inner = about[about.find("(") + 1 : about.rfind(")")]
    return f"{inner or about}, public from {document.get('public_from', 'unknown')}"


def entered(result: Entered) -> list[str]:
    """What came of adding candidates to a case."""
    out = []
    if result.added:
        out += folded(f"{_count(len(result.added), 'event')} added in {result.file}: {', '.join(result.added)}")
    if result.there:
        out += folded(f"{_count(len(result.there), 'event')} were there already and stay: {', '.join(result.there)}")
    for name, near in result.beside.items():
        out += folded(f"{name} is of the day and side of {', '.join(near)}: perhaps the same act, told twice.")
    if not out:
        out += folded("Nothing is accepted, so nothing was added. Write accept: yes, or answer with --review.")
    return out + [text for warning in result.warnings for text in folded(warning)]


def entered_dict(result: Entered) -> dict[str, Any]:
    """The same for scripts."""
    return {"file": str(result.file), "added": list(result.added), "already_there": list(result.there),
            "beside": {name: list(near) for name, near in result.beside.items()},
            "warnings": list(result.warnings)}  # fmt: skip
