"""The crisis itself: calendar, actors, ladder, what is bargained over, channels, views, world.

Types: each side has two (or three) private types. The first-named is the yielding one, the last the firm.
"""

import datetime as dt
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from standoff.case.evidence import CoercerClass, TargetClass
from standoff.case.fitted import Priors
from standoff.case.inference import Inference
from standoff.case.number import (
    Chance,
    Cost,
    Day,
    Id,
    Loss,
    Model,
    Office,
    Positive,
    Prize,
    Reasons,
    Share,
    Shift,
    Words,
)
from standoff.case.world import World


class Crisis(Model):
    """Title, calendar, and what the two units of the game stand for."""

    id: Id
    title: Words
    summary: Words
    demand: Words
    prize: Words = Field(description="What 1 prize is: the coercer's demand met.")
    office: Words = Field(description="What 1 office is: the target's keeping office for good.")
    starts: Day
    round_days: Annotated[int, Field(ge=1, le=92)] = 14
    rounds: Annotated[int, Field(ge=1, le=60)]
    start_rung: Id
    ultimatum_rounds: Annotated[int, Field(ge=1, le=4)] = 1

    @property
    def ends(self) -> dt.date:
        """Last day of the last round."""
        return self.starts + dt.timedelta(days=self.round_days * self.rounds - 1)


class Actor(Model):
    """A person or body. The coercer and the target decide; others are parts of the world."""

    id: Id
    name: Words
    role: Literal[
        "coercer", "target", "circle", "deputy", "faction", "intermediary", "patron", "armed-group",
        "neighbour", "court", "legislature", "public", "opposition", "market", "other",
    ]  # fmt: skip
    office: Words | None = None
    state: Words | None = None
    types: Annotated[list[Id], Field(max_length=3)] = Field(default_factory=list)
    type_titles: dict[Id, Words] = Field(default_factory=dict)
    note: Words | None = None
    because: Reasons = Field(default_factory=list)


class Rung(Model):
    """A step of the escalation ladder, lowest first."""

    id: Id
    title: Words
    running_cost: Cost = Field(description="What standing here costs the coercer, prizes a week.")
    pressure: Loss = Field(description="What it costs the target beside the economy, offices a week.")
    sunk: Cost = Field(description="What climbing here costs the coercer once, prizes.")
    audience: Cost | None = Field(None, description="Backing down from here, prizes; else from the slope.")
    strike: bool = False
    ultimatum: bool = False
    quarantine: Share | None = Field(None, description="Share of exports that the step tries to stop.")
    courts: Share | None = Field(None, description="Exposure of the circle to courts, 0 to 1.")
    public_from: dt.date | None = Field(None, description="Day from which such a step was spoken of in public.")
    because: Reasons = Field(default_factory=list)


class Term(Model):
    """One way in which an issue can be settled, against the demand as it stands."""

    id: Id
    title: Words
    gain: Office = Field(description="What it is worth to the target above the demand, offices.")
    price: Prize = Field(description="What it costs the coercer below the demand, prizes.")
    leader_stays: bool = False


class Issue(Model):
    """Something bargained over. Its first term is what the demand asks (gain and price 0)."""

    id: Id
    title: Words
    terms: Annotated[list[Term], Field(min_length=2)]


class Package(Model):
    """A bundle of terms, one an issue; an issue not named is settled as demanded."""

    id: Id
    title: Words
    offered_by: Literal["coercer", "target"]
    terms: dict[Id, Id]
    kept: Chance = Field(description="Chance that what it promises the target is kept.")
    covers: Positive | None = Field(None, description="Members of the circle whom it covers; else those of the demand.")
    playable: bool = Field(True, description="Whether it is a move of the game or for the record only.")
    public_from: dt.date | None = Field(None, description="Day from which its terms were public.")
    because: Reasons = Field(default_factory=list)


class Channel(Model):
    """How moves of one side are read by the other: with `chance`, a move is taken for another.

    It changes only the likelihood with which the move is read, over the moves feasible at that point.
    In the base the chance is usually 0; a view raises it.
    """

    id: Id
    title: Words
    sender: Literal["coercer", "target"]
    moves: Annotated[list[CoercerClass | TargetClass], Field(min_length=1)]
    read_as: Annotated[list[CoercerClass | TargetClass], Field(min_length=1)]
    chance: Chance
    because: Reasons = Field(default_factory=list)


Path = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]+(\.[a-z0-9_-]+)+$", max_length=120)]


class Difference(Model):
    """One named way in which a view departs from the base: a misreading, if the base is right."""

    id: Id
    title: Words
    set: Annotated[dict[Path, Shift], Field(min_length=1)]
    because: Reasons = Field(default_factory=list)
    judgement: bool | Words = False
    public_from: dt.date | None = Field(None, description="Day from which it could be known that he sees it so.")


class View(Model):
    """The game as one side believes it to be: the base with named differences.

    `other` names the view that the holder thinks the other side holds (a view inside a view); without
    it the holder thinks that the other shares his view (level 1).
    """

    id: Id
    title: Words
    holder: Literal["coercer", "target"]
    differences: list[Difference] = Field(default_factory=list)
    other: Id | None = None
    inside: Id | None = Field(None, description="The view in which this one is held, if it is nested.")
    alternative: Id | None = Field(
        None, description="What its holder turns to if the record speaks too much against it: a view, or 'base'."
    )
    because: Reasons = Field(default_factory=list)


class Solver(Model):
    """How finely the case is solved, and how many crises an ensemble holds."""

    nodes: Annotated[int, Field(ge=5, le=41)] = 9
    draws: Annotated[int, Field(ge=2, le=2000)] = 40
    replications: Annotated[int, Field(ge=10, le=100000)] = 500
    chain_paths: Annotated[int, Field(ge=50, le=20000)] = 200


class Case(Model):
    """Everything that an analyst wrote down about a crisis."""

    crisis: Crisis
    actors: list[Actor]
    ladder: Annotated[list[Rung], Field(min_length=1, max_length=12)]
    issues: list[Issue] = Field(default_factory=list)
    packages: list[Package] = Field(default_factory=list)
    channels: list[Channel] = Field(default_factory=list)
    parameters: "Parameters"
    views: list[View] = Field(default_factory=list)
    world: World = Field(default_factory=World)
    origins: list["Origin"] = Field(default_factory=list)
    documents: list["Document"] = Field(default_factory=list)
    questions: list["Question"] = Field(default_factory=list)
    claims: list["Claim"] = Field(default_factory=list)
    events: list["Event"] = Field(default_factory=list)
    forecasts: list["Forecast"] = Field(default_factory=list)
    inference: Inference | None = None
    priors: Priors | None = Field(None, description="A fit to past crises in the place of the generic numbers.")
    solver: Solver = Field(default_factory=Solver)

    @model_validator(mode="after")
    def _leaders(self) -> "Case":
        for role in ("coercer", "target"):
            found = [actor for actor in self.actors if actor.role == role]
            if len(found) != 1:
                raise ValueError(f"exactly one actor has the role {role}, not {len(found)}")
            if len(found[0].types) < 2:
                raise ValueError(f"actor '{found[0].id}' needs two or three types, the yielding one first")
        return self

    def leader(self, side: Literal["coercer", "target"]) -> Actor:
        """The actor that decides for a side."""
        return next(actor for actor in self.actors if actor.role == side)

    def view_of(self, side: Literal["coercer", "target"]) -> View | None:
        """The outermost view that a side holds; none if it holds the base."""
        return next((v for v in self.views if v.holder == side and v.inside is None), None)


from standoff.case.evidence import Claim, Document, Event, Forecast, Origin, Question  # noqa: E402
from standoff.case.parameters import Parameters  # noqa: E402

Case.model_rebuild()
