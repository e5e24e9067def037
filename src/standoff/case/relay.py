"""Who said it first, who merely repeats it, and who says otherwise.

All claims of one origin about one thing are one piece of evidence, however many documents carry them. A
document *carries* a claim if it is a link of the claim's chain. It *merely repeats* if every claim that it
carries goes back, beyond it, to an origin that an earlier document of the case carries too, or reaches us
through another document.
"""

import datetime as dt
from dataclasses import dataclass

from standoff.case.crisis import Case
from standoff.case.evidence import Claim, Document

ANONYMOUS = ("anonymous", "unknown")
"""Kinds of origin of whom nobody can be asked."""


@dataclass(frozen=True)
class OriginRow:
    """A first source: what goes back to it, and which documents pass it on (earliest first).

    `relays` are claims and forecasts in whose chain it stands without being their first source.
    """

    id: str
    name: str
    kind: str
    anonymous: bool
    claims: tuple[str, ...]
    documents: tuple[str, ...]
    relays: tuple[str, ...]


@dataclass(frozen=True)
class Shared:
    """An origin that speaks through a document and through others too; `claims` are those of the former."""

    origin: str
    documents: tuple[str, ...]
    claims: tuple[str, ...]


@dataclass(frozen=True)
class Saying:
    """One claim within a contradiction, with the chain through which it reached us."""

    claim: str
    says: str
    origin: str
    origin_name: str
    anonymous: bool
    chain: tuple[str, ...]


@dataclass(frozen=True)
class Answer:
    """One answer to a question, and all claims that give it."""

    answer: str
    sayings: tuple[Saying, ...]


@dataclass(frozen=True)
class Contradiction:
    """Claims that cannot all be true. `question` is none where only a `contradicts` link says so."""

    question: str | None
    text: str
    answers: tuple[Answer, ...]


@dataclass(frozen=True)
class Thin:
    """A claim that one anonymous origin alone bears."""

    claim: str
    says: str
    origin: str
    documents: tuple[str, ...]


def carriers(case: Case, claim: Claim) -> tuple[str, ...]:
    """The documents of a chain, in its order."""
    documents = {document.id for document in case.documents}
    return tuple(link for link in claim.chain if link in documents)


def origin_rows(case: Case) -> list[OriginRow]:
    """Every declared origin, those with most claims first."""
    dates = {document.id: _day(document) for document in case.documents}
    rows = []
    for origin in case.origins:
        claims = [claim for claim in case.claims if claim.origin == origin.id]
        documents = {link for claim in claims for link in carriers(case, claim)}
        in_order = tuple(sorted(documents, key=lambda name: (dates[name] or dt.date.max, name)))
        relays = [claim.id for claim in case.claims if origin.id in claim.chain[:-1]]
        relays += [forecast.id for forecast in case.forecasts if forecast.by == origin.id]
        rows.append(
            OriginRow(
                id=origin.id,
                name=origin.name,
                kind=origin.kind,
                anonymous=origin.kind in ANONYMOUS,
                claims=tuple(claim.id for claim in claims),
                documents=in_order,
                relays=tuple(relays),
            )
        )
    return sorted(rows, key=lambda row: -len(row.claims))


def _day(document: Document) -> dt.date | None:
    if document.date.on is not None:
        return document.date.on
    return document.public_from if isinstance(document.public_from, dt.date) else None


def origins_carried(case: Case, document: str) -> tuple[str, ...]:
    """The origins of all claims that a document carries."""
    found = {claim.origin: None for claim in case.claims if document in claim.chain}
    return tuple(found)


def repeated_from(case: Case, document: Document) -> tuple[str, ...]:
    """The documents whose reporting this one merely repeats; empty if anything in it is its own."""
    carried = [claim for claim in case.claims if document.id in claim.chain]
    mine = _day(document)
    before = [other for other in case.documents if other.id != document.id and _before(_day(other), mine)]
    theirs = {other.id: set(origins_carried(case, other.id)) for other in before} if carried else {}
    sources: dict[str, None] = {}
    for claim in carried:
        beyond = claim.chain[claim.chain.index(document.id) + 1 :]
        through = [link for link in beyond if any(link == other.id for other in case.documents)]
        earlier = [name for name, origins in theirs.items() if claim.origin in origins]
        if not through and not earlier:
            return ()
        sources |= dict.fromkeys(through or earlier)
    return tuple(sources)


def shared_origins(case: Case, document: str) -> tuple[Shared, ...]:
    """The origins of a document that other documents carry as well."""
    found = []
    for origin in origins_carried(case, document):
        claims = [claim for claim in case.claims if claim.origin == origin]
        others = {link: None for claim in claims for link in carriers(case, claim) if link != document}
        if others:
            mine = tuple(claim.id for claim in claims if document in claim.chain)
            found.append(Shared(origin, tuple(others), mine))
    return tuple(found)


def _before(day: dt.date | None, mine: dt.date | None) -> bool:
    return day is not None and mine is not None and day < mine


def thin_claims(case: Case) -> list[Thin]:
    """Claims borne by one anonymous origin only.

    A claim is borne by its own origin, by those of claims that support it, and by those of claims that
    give the same answer to the same question.
    """
    anonymous = {origin.id for origin in case.origins if origin.kind in ANONYMOUS}
    found = []
    for claim in case.claims:
        bearing = {other.origin for other in case.claims if other.id == claim.id or _bears(other, claim)}
        if len(bearing) == 1 and bearing <= anonymous:
            found.append(Thin(claim.id, claim.says, claim.origin, carriers(case, claim)))
    return found


def _bears(other: Claim, claim: Claim) -> bool:
    if claim.id in other.supports:
        return True
    return claim.question is not None and claim.question == other.question and _same(claim.answer, other.answer)


def _same(first: str | None, second: str | None) -> bool:
    return _plain(first) == _plain(second)


def _plain(answer: str | None) -> str:
    return " ".join((answer or "").casefold().split())


def contradictions(case: Case) -> list[Contradiction]:
    """Claims that exclude each other, by question; those without a question by their links."""
    questions = {question.id: question for question in case.questions}
    claims = {claim.id: claim for claim in case.claims}
    by_question: dict[str, set[str]] = {}
    for question in case.questions:
        answering = [claim for claim in case.claims if claim.question == question.id]
        if question.exclusive and len({_plain(claim.answer) for claim in answering}) > 1:
            by_question[question.id] = {claim.id for claim in answering}
    loose: list[set[str]] = []
    for claim in case.claims:
        for name in claim.contradicts:
            pair = {claim.id, name}
            asked = claim.question or claims[name].question
            if asked is not None:
                by_question.setdefault(asked, set()).update(pair)
            else:
                touching = [group for group in loose if group & pair]
                loose = [group for group in loose if not group & pair] + [pair.union(*touching)]
    found = [
        Contradiction(name, questions[name].text, _answers(case, group))
        for name, group in sorted(by_question.items(), key=lambda item: list(questions).index(item[0]))
    ]
    order = list(claims)
    loose.sort(key=lambda group: min(order.index(name) for name in group))
    return found + [Contradiction(None, "Linked as contradicting each other", _answers(case, group)) for group in loose]


def _answers(case: Case, group: set[str]) -> tuple[Answer, ...]:
    origins = {origin.id: origin for origin in case.origins}
    by_answer: dict[str, list[Claim]] = {}
    for claim in case.claims:
        if claim.id in group:
            by_answer.setdefault(_plain(claim.answer) if claim.answer else claim.id, []).append(claim)
    return tuple(
        Answer(
            alike[0].answer or alike[0].says,
            tuple(
                Saying(
                    claim.id,
                    claim.says,
                    claim.origin,
                    origins[claim.origin].name,
                    origins[claim.origin].kind in ANONYMOUS,
                    tuple(claim.chain),
                )
                for claim in alike
            ),
        )
        for alike in by_answer.values()
    )
