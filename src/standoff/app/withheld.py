"""What changes if a source is not believed: claims that fall away, events and numbers that nothing then backs.

A source is a document or a first source. A claim falls away if its chain passes through one that is switched off: who
repeats it elsewhere has claims of his own. What the posterior without a source is, was computed one source at a time
(`standoff infer --pieces`).
"""

from collections.abc import Collection
from dataclasses import dataclass

from standoff.app.data import Desk
from standoff.case.crisis import Case
from standoff.case.number import Source, walk
from standoff.case.relay import contradictions
from standoff.show import pieces as read
from standoff.show.pieces import Piece

PUBLIC = "public-sources"
"""Id of all public sources that are no document of the case, as the posterior's pieces have it."""


@dataclass(frozen=True)
class Switch:
    """A source that can be switched off: its name, whether it is a document, and how many claims pass through it."""

    id: str
    name: str
    document: bool
    anonymous: bool
    claims: int


@dataclass(frozen=True)
class Left:
    """What is lost without some sources: claims, events and numbers without any other reason, open contradictions."""

    claims: tuple[str, ...]
    events: tuple[str, ...]
    moves: tuple[str, ...]
    numbers: tuple[str, ...]
    origins: tuple[str, ...]
    settled: tuple[str, ...]


def switches(desk: Desk) -> list[Switch]:
    """Documents, then first sources and those who pass them on; those with most claims first."""
    from standoff.app.events import link

    case = desk.loaded.case
    passing: dict[str, int] = {}
    for claim in case.claims:
        for name in dict.fromkeys(claim.chain):
            passing[name] = passing.get(name, 0) + 1
    found = [Switch(one.id, one.name, one.document, one.anonymous, n)
             for name, n in passing.items() for one in (link(desk, name),)]  # fmt: skip
    found.sort(key=lambda s: (not s.document, -s.claims, s.name))
    public = sum(isinstance(r, Source) for e in case.events for r in e.because)
    return (
        [*found, Switch(PUBLIC, "Public sources that are no document of the case", False, False, 0)]
        if public
        else found
    )


def without(desk: Desk, off: Collection[str]) -> Left:
    """What the case loses if some sources are not believed."""
    case = desk.loaded.case
    lost = {claim.id for claim in case.claims if set(claim.chain) & set(off)}
    public = PUBLIC in off

    def gone(reason: str | Source) -> bool:
        return public if isinstance(reason, Source) else reason in lost

    events, moves = [], []
    for event in case.events:
        reasons = [*event.because, *(r for account in event.accounts for r in account.because)]
        if reasons and all(gone(reason) for reason in reasons):
            events.append(event.title)
            if event.move is not None or any(account.move for account in event.accounts):
                moves.append(event.title)
    numbers = [
        path for path, number in walk(case)
        if number.because and not number.judgement and all(gone(reason) for reason in number.because)
    ]  # fmt: skip
    before = {claim.origin for claim in case.claims}
    after = {claim.origin for claim in case.claims if claim.id not in lost}
    kept = case.model_copy(update={"claims": [c for c in case.claims if c.id not in lost]})
    open_ = {c.text for c in contradictions(_loose(kept))} if lost else {c.text for c in desk.audit.contradictions}
    settled = [c.text for c in desk.audit.contradictions if c.text not in open_]
    return Left(tuple(sorted(lost)), tuple(events), tuple(moves), tuple(numbers), tuple(sorted(before - after)),
                tuple(settled))  # fmt: skip


def _loose(case: Case) -> Case:
    """The case without links to claims that are no longer in it."""
    names = {claim.id for claim in case.claims}
    claims = [
        claim.model_copy(update={"contradicts": [n for n in claim.contradicts if n in names]}) for claim in case.claims
    ]
    return case.model_copy(update={"claims": claims})


def carried(desk: Desk) -> dict[str, Piece]:
    """What leaving out each source changes in the posterior, by the source's id; empty where nobody asked."""
    return desk.keep("carried", lambda: _carried(desk))


def _carried(desk: Desk) -> dict[str, Piece]:
    tree = desk.posterior
    if tree is None or "pieces" not in tree.children:
        return {}
    data = tree["pieces"].to_dataset()
    data = read.with_errors(tree, data)
    by_title = {(piece.kind, piece.title): piece for piece in read.pieces(data)}
    found = {}
    for k, name in enumerate(str(p) for p in data["piece"].values):
        kind, _, source = name.partition(" ")
        if kind == "source":
            found[source] = by_title[kind, str(data["title"].values[k])]
    return found
