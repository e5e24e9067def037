"""The events of a case as the Crisis page shows them: on the ladder, with claims, chains and quotations in place."""

import datetime as dt
from dataclasses import dataclass

from standoff.app.data import Desk
from standoff.case.evidence import Claim, Event, Move
from standoff.case.number import Source
from standoff.case.relay import ANONYMOUS
from standoff.show.words import LANE, MOVES, percent
from standoff.simulate.record import event_day

AROUND = 220
"""Characters of a document that are shown on either side of a quotation."""


@dataclass(frozen=True)
class Link:
    """A link of a chain: a document that we hold, or somebody who said it."""

    id: str
    name: str
    document: bool
    anonymous: bool


@dataclass(frozen=True)
class Quotation:
    """A passage of the user's copy, with what stands around it."""

    before: str
    text: str
    after: str


@dataclass(frozen=True)
class Backing:
    """A claim behind an event: what it says, through whom it came, and the passage where it stands."""

    id: str
    says: str
    chain: tuple[Link, ...]
    when: str
    marks: tuple[str, ...]
    quotation: Quotation | None
    anchor: str


@dataclass(frozen=True)
class Reading:
    """One account of an event, with its weight and the move that it then was."""

    says: str
    weight: str
    move: str


@dataclass(frozen=True)
class Happening:
    """An event: when, whose, what move it was, where on the ladder it stands (from 0), and what backs it."""

    id: str
    title: str
    day: dt.date | None
    when: str
    side: str
    move: str
    label: str
    rung: int
    readings: tuple[Reading, ...]
    backing: tuple[Backing, ...]
    sources: tuple[tuple[str, str], ...]
    certain: bool
    ends: bool

    @property
    def counts(self) -> bool:
        """Whether it is a move of the game."""
        return bool(self.move)


def happenings(desk: Desk) -> tuple[Happening, ...]:
    """All events of the case in order of their days; those without a day come last."""
    return desk.keep("happenings", lambda: tuple(_happenings(desk)))


def climbs(desk: Desk) -> list[tuple[dt.date, int]]:
    """Days on which the rung changed, with the rung (from 0), beginning with the first day of the crisis."""
    case = desk.loaded.case
    rungs = [rung.id for rung in case.ladder]
    found = [(case.crisis.starts, rungs.index(case.crisis.start_rung))]
    for event in sorted(case.events, key=lambda e: event_day(e) or dt.date.max):
        day, to = event_day(event), _rung(event, rungs)
        if day is not None and to is not None and day >= case.crisis.starts and to > found[-1][1]:
            found.append((day, to))
    return found


def main_move(event: Event) -> Move | None:
    """The move that an event was, on the account that weighs most."""
    moves = [(account.weight.centre, account.move) for account in event.accounts if account.move is not None]
    return event.move or (max(moves, key=lambda item: item[0])[1] if moves else None)


def _rung(event: Event, rungs: list[str]) -> int | None:
    move = main_move(event)
    return rungs.index(move.rung) if move is not None and move.rung in rungs else None


def _happenings(desk: Desk) -> list[Happening]:
    steps = climbs(desk)
    events = sorted(desk.loaded.case.events, key=lambda e: (event_day(e) or dt.date.max, e.id))
    claims = {claim.id: claim for claim in desk.loaded.case.claims}
    return [_happening(desk, event, steps, claims) for event in events]


def _happening(desk: Desk, event: Event, steps: list[tuple[dt.date, int]], claims: dict[str, Claim]) -> Happening:
    day, move = event_day(event), main_move(event)
    rung = next((to for when, to in reversed(steps) if day is not None and when <= day), steps[0][1])
    reasons = [*event.because, *(reason for account in event.accounts for reason in account.because)]
    named = list(dict.fromkeys(reason for reason in reasons if isinstance(reason, str)))
    sources = dict.fromkeys((r.source, r.url or "") for r in reasons if isinstance(r, Source))
    readings = tuple(
        Reading(a.says, percent(a.weight.centre), "" if a.move is None else in_words(desk, a.move))
        for a in event.accounts
    )
    return Happening(
        event.id, event.title, day, str(event.date), event.side, "" if move is None else in_words(desk, move),
        "" if move is None else LANE.get(move.move, ""), rung, readings,
        tuple(backing(desk, claims[name]) for name in named), tuple(sources),
        event.date.certain and len(event.accounts) < 2, event.ends is not None,
    )  # fmt: skip


def in_words(desk: Desk, move: Move) -> str:
    """A move in words, with its rung or package."""
    case = desk.loaded.case
    detail = next((r.title for r in case.ladder if r.id == move.rung), "")
    detail = detail or next((p.title for p in case.packages if p.id == move.package), "")
    return MOVES[move.move] + (f": {detail}" if detail else "")


def link(desk: Desk, name: str) -> Link:
    """A document or an origin as a link of a chain."""
    case = desk.loaded.case
    document = next((d for d in case.documents if d.id == name), None)
    if document is not None:
        by = next((x for x in (document.outlet, document.author) if x != "unknown"), "outlet unknown")
        return Link(name, f"{name}: {by}", True, False)
    origin = next((o for o in case.origins if o.id == name), None)
    return Link(name, origin.name if origin else name, False, origin is not None and origin.kind in ANONYMOUS)


def backing(desk: Desk, claim: Claim) -> Backing:
    """A claim with its chain from the document down to the first source, and the passage where it stands."""
    marks = [word for word, on in (("allegation", claim.allegation), ("told afterwards", claim.retrospective)) if on]
    quotation, anchor = quoted(desk, claim)
    chain = tuple(link(desk, name) for name in claim.chain)
    return Backing(claim.id, claim.says, chain, str(claim.date), tuple(marks), quotation, anchor)


def quoted(desk: Desk, claim: Claim) -> tuple[Quotation | None, str]:
    """The passage of the user's copy where its anchor is verified; else why there is none."""
    if claim.anchor is None:
        return None, "no anchor: the source is named, not held"
    check = desk.keep("checks", lambda: {one.claim: one for one in desk.audit.anchors})[claim.id]
    text = held.text if (held := desk.copies.get(claim.anchor.document)) is not None else None
    if check.state != "verified" or text is None:
        why = {
            "not checked": "passage not shown: name your copies with --documents DIR",
            "document missing": "passage not shown: your folder holds no copy of this document",
            "no text": "passage not shown: your copy is no plain text",
        }
        return None, why.get(check.state, "your copy does not hold this passage at its anchor")
    start, end = claim.anchor.start, claim.anchor.end
    before, after = text[max(0, start - AROUND) : start], text[end : end + AROUND]
    return Quotation(
        ("…" if start > AROUND else "") + before, text[start:end], after + ("…" if end + AROUND < len(text) else "")
    ), f"{claim.anchor.document}, characters {start} to {end}, verified"
