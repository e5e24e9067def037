"""Whether each claim stands where its anchor says, in the analyst's own copy of the document.

Exact or not at all: the SHA-256 of the UTF-8 bytes of `text[start:end]` (Unicode code points) must be the
one in the case. Where it is not, every span of that length in the document is tried, nearest first; one
that matches is suggested, and the anchor still counts as wrong.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from standoff.case.copies import Copy
from standoff.case.crisis import Case
from standoff.case.evidence import Anchor

State = Literal["verified", "not matching", "document missing", "no text", "not checked"]

TRIES = 400_000
"""Spans that are tried for one anchor."""
HASHED = 200_000_000
"""Bytes that are hashed at most in search of one anchor."""


@dataclass(frozen=True)
class AnchorCheck:
    """What became of one anchor. `moved_to` is where a span with its digest stands instead, if anywhere."""

    claim: str
    document: str
    start: int
    end: int
    state: State
    moved_to: tuple[int, int] | None = None
    quotation: str | None = None


def check_anchors(case: Case, held: dict[str, Copy] | None, *, quotes: bool = False) -> list[AnchorCheck]:
    """Every anchor of a case against the copies at hand; `held` is none where no folder was named."""
    checks = []
    for claim in case.claims:
        if claim.anchor is not None:
            checks.append(_check(claim.id, claim.anchor, held, quotes=quotes))
    return checks


def _check(claim: str, anchor: Anchor, held: dict[str, Copy] | None, *, quotes: bool) -> AnchorCheck:
    def said(state: State, moved_to: tuple[int, int] | None = None, quotation: str | None = None) -> AnchorCheck:
        return AnchorCheck(claim, anchor.document, anchor.start, anchor.end, state, moved_to, quotation)

    if held is None:
        return said("not checked")
    copy = held.get(anchor.document)
    if copy is None:
        return said("document missing")
    if copy.text is None:
        return said("no text")
    span = copy.text[anchor.start : anchor.end]
    if anchor.end <= len(copy.text) and _digest(span) == anchor.sha256:
        return said("verified", quotation=span if quotes else None)
    start = _search(copy.text, anchor)
    return said("not matching", None if start is None else (start, start + anchor.end - anchor.start))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", errors="surrogatepass")).hexdigest()


def _search(text: str, anchor: Anchor) -> int | None:
    length = anchor.end - anchor.start
    last = len(text) - length
    if last < 0:
        return None
    tries = min(TRIES, HASHED // length)
    for count, start in enumerate(_outwards(min(anchor.start, last), last)):
        if count >= tries:
            return None
        if _digest(text[start : start + length]) == anchor.sha256:
            return start
    return None


def _outwards(centre: int, last: int) -> Iterator[int]:
    yield centre
    for step in range(1, last + 1):
        if centre + step <= last:
            yield centre + step
        if centre - step >= 0:
            yield centre - step
        if centre + step > last and centre - step < 0:
            return
