"""Who said what, through whom, and when it could be known: documents, origins, claims, events, forecasts.

No sentence of a source is kept. A claim is a paraphrase with an anchor: document, character span (Unicode
code points from 0, end excluded) and the SHA-256 of the UTF-8 bytes of that span.
"""

import datetime as dt
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from standoff.case.number import Chance, Day, Id, Model, Reasons, Words

Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Precision = Literal["day", "week", "month", "before", "after", "unknown"]
Unknown = Literal["unknown"]


class When(Model):
    """A date as well as it is known. Plain `2025-11-21` means that day; `unknown` is allowed."""

    on: Day | None = None
    precision: Precision = "day"

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, data: object) -> object:
        if data == "unknown":
            return {"on": None, "precision": "unknown"}
        return {"on": data} if isinstance(data, str | dt.date) else data

    @model_validator(mode="after")
    def _dated(self) -> "When":
        if (self.on is None) != (self.precision == "unknown"):
            raise ValueError("a date is needed, unless its precision is unknown; write one, or precision: unknown")
        return self

    @property
    def certain(self) -> bool:
        """Whether the day is known."""
        return self.precision == "day"

    @property
    def earliest(self) -> dt.date | None:
        """First day it can have been; none where open-ended."""
        if self.on is None or self.precision == "before":
            return None
        if self.precision == "week":
            return self.on - dt.timedelta(days=3)
        return self.on.replace(day=1) if self.precision == "month" else self.on

    @property
    def latest(self) -> dt.date | None:
        """Last day it can have been; none where open-ended."""
        if self.on is None or self.precision == "after":
            return None
        if self.precision == "week":
            return self.on + dt.timedelta(days=3)
        if self.precision == "month":
            return (self.on.replace(day=1) + dt.timedelta(days=31)).replace(day=1) - dt.timedelta(days=1)
        return self.on

    def __str__(self) -> str:
        if self.on is None:
            return "date unknown"
        prefix = {"day": "", "week": "about ", "month": "", "before": "before ", "after": "after "}[self.precision]
        return prefix + (f"{self.on:%B %Y}" if self.precision == "month" else f"{self.on.day} {self.on:%B %Y}")


class Origin(Model):
    """The first source of a chain. Two claims with one origin are one piece of evidence."""

    id: Id
    name: Words
    kind: Literal["person", "office", "anonymous", "outlet", "poll", "market", "record", "unknown"]
    reliability: Chance | None = None


class Document(Model):
    """A text that the case rests on, held by the analyst, not by the case."""

    id: Id
    about: Words
    outlet: Words | Unknown = "unknown"
    author: Words | Unknown = "unknown"
    date: When = Field(default_factory=lambda: When.model_validate("unknown"))
    public_from: dt.date | Unknown = "unknown"
    sha256: Digest | None = None
    relays: Annotated[list[Id], BeforeValidator(lambda v: [v] if isinstance(v, str) else v)] = Field(
        default_factory=list, description="Origins or documents whose reporting it passes on."
    )


class Anchor(Model):
    """Where in a document a claim stands: a span in characters and the digest of that span."""

    document: Id
    start: Annotated[int, Field(ge=0)]
    end: Annotated[int, Field(gt=0)]
    sha256: Digest

    @model_validator(mode="after")
    def _ordered(self) -> "Anchor":
        if self.end <= self.start:
            raise ValueError("end must come after start; exchange them, or leave out end")
        return self


class Question(Model):
    """A question to which claims give answers, so that contradictions can be seen."""

    id: Id
    text: Words
    exclusive: bool = Field(True, description="Whether different answers contradict each other.")


class Claim(Model):
    """What somebody said happened or will, in our words, with its chain down to the origin."""

    id: Id
    says: Words
    chain: Annotated[list[Id], Field(min_length=1)] = Field(
        description="From the document that we hold down to the origin; the last is the origin."
    )
    date: When = Field(default_factory=lambda: When.model_validate("unknown"), description="Of what is claimed.")
    public_from: dt.date | Unknown = "unknown"
    question: Id | None = None
    answer: Words | None = None
    supports: list[Id] = Field(default_factory=list)
    contradicts: list[Id] = Field(default_factory=list)
    anchor: Anchor | None = None
    retrospective: bool = False
    allegation: bool = False
    tags: list[Id] = Field(default_factory=list)

    @model_validator(mode="after")
    def _answered(self) -> "Claim":
        if (self.question is None) != (self.answer is None):
            raise ValueError("question and answer go together; write both, or neither")
        return self

    @property
    def origin(self) -> str:
        """The first source: the last link of the chain."""
        return self.chain[-1]


CoercerClass = Literal["back-down", "hold", "climb", "ultimatum", "offer", "accept", "strike"]
TargetClass = Literal["concede", "offer", "accept", "defy", "flee", "display"]


class Move(Model):
    """A move of the game: its class and, where the class has them, rung or package."""

    move: CoercerClass | TargetClass
    rung: Id | None = None
    package: Id | None = None

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, data: object) -> object:
        return {"move": data} if isinstance(data, str) else data

    @model_validator(mode="after")
    def _detailed(self) -> "Move":
        if self.move == "climb" and self.rung is None:
            raise ValueError("a climb names a rung; write {move: climb, rung: RUNG}")
        if self.rung is not None and self.move != "climb":
            raise ValueError("only a climb names a rung; leave out 'rung', or write move: climb")
        if self.package is not None and self.move not in ("offer", "accept"):
            raise ValueError("only offer and accept name a package; leave out 'package'")
        if self.move == "offer" and self.package is None:
            raise ValueError("an offer names a package; write {move: offer, package: PACKAGE}")
        return self


class Account(Model):
    """One of several incompatible accounts of an event: what it then was, and how much we trust it."""

    id: Id
    says: Words
    weight: Chance
    move: Move | None = None
    read_as: Move | None = Field(None, description="What the other side took it for, on this account.")
    because: Reasons = Field(default_factory=list)


class Event(Model):
    """A dated public act, backed by claims or a public source. Without `move` it is a signal or context."""

    id: Id
    title: Words
    date: When
    side: Literal["coercer", "target", "nature", "third"]
    who: Id | None = None
    move: Move | None = None
    half_round_before: bool = False
    accounts: list[Account] = Field(default_factory=list)
    because: Reasons = Field(default_factory=list)
    public_from: dt.date | Unknown | None = None
    ends: Literal["back-down", "concession", "settlement", "flight", "force", "coup", "stalemate"] | None = None
    mode: Words | None = None


class Forecast(Model):
    """A forecast that somebody made, as a question that can be resolved, and how it was."""

    id: Id
    by: Id
    made: When
    question: Words
    until: dt.date | None = None
    probability: Annotated[float, Field(ge=0, le=1)] | None = None
    words: Words | None = Field(None, description="The verbal probability, one or two words of the field.")
    condition: Words | None = None
    resolved: Literal["yes", "no", "void", "open", "disputed"]
    resolution: Words
    outcome: Literal["force", "agreed-exit", "flight", "coup", "back-down", "in-office", "out-of-office", "other"] = (
        "other"
    )
    because: Reasons = Field(default_factory=list)
    public_from: dt.date | Unknown = "unknown"

    @model_validator(mode="after")
    def _said(self) -> "Forecast":
        if self.probability is None and self.words is None:
            raise ValueError("write probability or words")
        return self
