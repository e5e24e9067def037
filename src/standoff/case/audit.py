"""What a case rests on, and how thin that is: the evidence audit behind `standoff check`.

Nothing of a source is in it, unless quotations are asked for and the analyst's copies are at hand.
"""

import dataclasses
import datetime as dt
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

from standoff.case.anchor import AnchorCheck, check_anchors
from standoff.case.copies import Copy, NearDuplicate, copies, near_duplicates
from standoff.case.crisis import Case
from standoff.case.load import LoadedCase
from standoff.case.reason import BareNumber, number_reasons
from standoff.case.relay import (
    Contradiction,
    OriginRow,
    Shared,
    Thin,
    contradictions,
    origin_rows,
    origins_carried,
    repeated_from,
    shared_origins,
    thin_claims,
)
from standoff.errors import Problem


@dataclass(frozen=True)
class DocumentRow:
    """A document: what is known of it, what it carries, and whether the analyst's copy was found.

    `copy` is one of: not checked, found, found by name (its bytes are not those on record), missing.
    """

    id: str
    about: str
    outlet: str
    author: str
    date: str
    public_from: str
    digest_known: bool
    relays: tuple[str, ...]
    claims: int
    origins: tuple[str, ...]
    shares: tuple[Shared, ...]
    repeats: tuple[str, ...]
    copy: str
    file: str | None
    copy_sha256: str | None


@dataclass(frozen=True)
class ClaimRow:
    """A claim with its chain from the document down to the origin."""

    id: str
    says: str
    chain: tuple[str, ...]
    origin: str
    date: str
    public_from: str
    question: str | None
    answer: str | None
    anchored: bool
    retrospective: bool
    allegation: bool


@dataclass(frozen=True)
class AccountRow:
    """One account of an event."""

    id: str
    says: str
    weight: float
    move: str | None
    because: tuple[str, ...]


@dataclass(frozen=True)
class EventRow:
    """An event; it is uncertain where its day is not known or where accounts of it differ."""

    id: str
    title: str
    date: str
    certain: bool
    side: str
    move: str | None
    accounts: tuple[AccountRow, ...]
    because: tuple[str, ...]

    @property
    def uncertain(self) -> bool:
        """Whether its date or its reading is open."""
        return not self.certain or len(self.accounts) > 1


@dataclass(frozen=True)
class ForecastRow:
    """A forecast as a question, and how it was resolved."""

    id: str
    by: str
    made: str
    question: str
    until: str | None
    said: str
    resolved: str


@dataclass(frozen=True)
class PackageRow:
    """A package: who offers what."""

    id: str
    title: str
    offered_by: str
    terms: dict[str, str]
    playable: bool


@dataclass(frozen=True)
class Audit:
    """The whole of it; `as_dict` is what `standoff check --json` prints."""

    case: str
    title: str
    digest: str
    documents: tuple[DocumentRow, ...]
    origins: tuple[OriginRow, ...]
    claims: tuple[ClaimRow, ...]
    thin: tuple[Thin, ...]
    contradictions: tuple[Contradiction, ...]
    events: tuple[EventRow, ...]
    forecasts: tuple[ForecastRow, ...]
    packages: tuple[PackageRow, ...]
    near_duplicates: tuple[NearDuplicate, ...] | None
    anchors: tuple[AnchorCheck, ...]
    numbers_without_reason: tuple[BareNumber, ...]
    numbers: dict[str, int]
    problems: tuple[Problem, ...]

    @property
    def summary(self) -> dict[str, int]:
        """The counts that the audit opens with."""
        used = [row for row in self.origins if row.claims]
        documents = {row.id for row in self.documents}
        states = [check.state for check in self.anchors]
        return {
            "documents": len(self.documents),
            "documents_that_merely_repeat": sum(bool(row.repeats) for row in self.documents),
            "claims": len(self.claims),
            "claims_in_no_document": sum(documents.isdisjoint(row.chain) for row in self.claims),
            "claims_without_anchor": sum(not row.anchored for row in self.claims),
            "claims_on_one_anonymous_origin": len(self.thin),
            "origins": len(used),
            "origins_with_a_name": sum(not row.anonymous for row in used),
            "origins_in_several_documents": sum(len(row.documents) > 1 for row in used),
            "origins_anonymous": sum(row.anonymous for row in used),
            "contradictions": len(self.contradictions),
            "events": len(self.events),
            "events_uncertain": sum(row.uncertain for row in self.events),
            "forecasts": len(self.forecasts),
            "packages": len(self.packages),
            "anchors": len(states),
            "anchors_verified": states.count("verified"),
            "anchors_not_matching": states.count("not matching"),
            "anchors_not_checked": sum(s in ("not checked", "document missing", "no text") for s in states),
            "numbers": sum(self.numbers.values()),
            "numbers_judgement": self.numbers["judgement"],
            "numbers_generic": self.numbers["generic"],
            "numbers_without_reason": len(self.numbers_without_reason),
            "warnings": len(self.problems),
        }

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        content = {
            field.name: _plain(getattr(self, field.name))
            for field in dataclasses.fields(self)
            if field.name != "problems"
        }
        for row, source in zip(content["events"], self.events, strict=True):
            row["uncertain"] = source.uncertain
        for anchor in content["anchors"]:
            if anchor["quotation"] is None:
                del anchor["quotation"]
        problems = [{**problem.as_dict(), "severity": "warning"} for problem in self.problems]
        return {"summary": self.summary, **content, "problems": problems}


def _plain(value: object) -> Any:  # noqa: ANN401 (plain data)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return round(value, 6) if isinstance(value, float) else value


def audit(loaded: LoadedCase, documents: FilePath | None = None, *, quotes: bool = False) -> Audit:
    """Look through the evidence of a case.

    Args:
        loaded: The case.
        documents: Folder with the analyst's own copies; without it no anchor is checked.
        quotes: Whether to put the quotations of verified anchors into the result.
    """
    case = loaded.case
    held = None if documents is None else copies(case.documents, documents)
    counts, bare = number_reasons(loaded)
    near = None if held is None else near_duplicates(held)
    return Audit(
        case=case.crisis.id,
        title=case.crisis.title,
        digest=loaded.digest,
        documents=tuple(_document_rows(case, held)),
        origins=tuple(origin_rows(case)),
        claims=tuple(_claim_rows(case)),
        thin=tuple(thin_claims(case)),
        contradictions=tuple(contradictions(case)),
        events=tuple(_event_rows(case)),
        forecasts=tuple(_forecast_rows(case)),
        packages=tuple(PackageRow(p.id, p.title, p.offered_by, dict(p.terms), p.playable) for p in case.packages),
        near_duplicates=None if near is None else tuple(near),
        anchors=tuple(check_anchors(case, held, quotes=quotes)),
        numbers_without_reason=tuple(bare),
        numbers=counts,
        problems=loaded.problems,
    )


def _document_rows(case: Case, held: dict[str, Copy] | None) -> list[DocumentRow]:
    rows = []
    for document in case.documents:
        copy = None if held is None else held.get(document.id)
        state = "not checked" if held is None else "missing"
        if copy is not None:
            state = "found" if copy.exact else "found by name"
        rows.append(
            DocumentRow(
                id=document.id,
                about=document.about,
                outlet=document.outlet,
                author=document.author,
                date=str(document.date),
                public_from=_day(document.public_from) or "unknown",
                digest_known=document.sha256 is not None,
                relays=tuple(document.relays),
                claims=sum(document.id in claim.chain for claim in case.claims),
                origins=origins_carried(case, document.id),
                shares=shared_origins(case, document.id),
                repeats=repeated_from(case, document),
                copy=state,
                file=copy.file if copy else None,
                copy_sha256=copy.sha256 if copy and not copy.exact else None,
            )
        )
    return rows


def _claim_rows(case: Case) -> list[ClaimRow]:
    return [
        ClaimRow(
            id=claim.id,
            says=claim.says,
            chain=tuple(claim.chain),
            origin=claim.origin,
            date=str(claim.date),
            public_from=_day(claim.public_from) or "unknown",
            question=claim.question,
            answer=claim.answer,
            anchored=claim.anchor is not None,
            retrospective=claim.retrospective,
            allegation=claim.allegation,
        )
        for claim in case.claims
    ]


def _event_rows(case: Case) -> list[EventRow]:
    return [
        EventRow(
            id=event.id,
            title=event.title,
            date=str(event.date),
            certain=event.date.certain,
            side=event.side,
            move=event.move.move if event.move else None,
            accounts=tuple(
                AccountRow(
                    id=account.id,
                    says=account.says,
                    weight=account.weight.centre,
                    move=account.move.move if account.move else None,
                    because=_reasons(account.because),
                )
                for account in event.accounts
            ),
            because=_reasons(event.because),
        )
        for event in case.events
    ]


def _forecast_rows(case: Case) -> list[ForecastRow]:
    return [
        ForecastRow(
            id=forecast.id,
            by=forecast.by,
            made=str(forecast.made),
            question=forecast.question,
            until=_day(forecast.until),
            said=f"{forecast.probability:.0%}" if forecast.probability is not None else str(forecast.words),
            resolved=forecast.resolved,
        )
        for forecast in case.forecasts
    ]


def _reasons(reasons: list[Any]) -> tuple[str, ...]:
    return tuple(reason if isinstance(reason, str) else reason.source for reason in reasons)


def _day(value: dt.date | str | None) -> str | None:
    return value.isoformat() if isinstance(value, dt.date) else value
