"""What is sent to the API of played games and what comes back, as models: unknown fields are refused."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from standoff.play.room import DRAFT, TEXT
from standoff.play.seats import LASTS, LONGEST
from standoff.play.sight import FacilitatorSight, PlayerSight, Public

Key = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,64}$")]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{1,48}$")]
Seconds = Annotated[float, Field(ge=1, le=7 * 86400, allow_inf_nan=False)]
Precision = Annotated[float, Field(ge=0.01, le=50, allow_inf_nan=False)]
Side = Literal["coercer", "target"]


class Asked(BaseModel):
    """Base of what is sent here: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


class MoveAsked(Asked):
    """A move. `key` names this request: sent again, it gets the same answer and does nothing."""

    key: Key
    turn: Annotated[int, Field(ge=0, le=10_000, description="The turn it is meant for, as last seen.")]
    move: Name
    rung: Name | None = None
    package: Name | None = None


class MessageAsked(Asked):
    """A cable, or a message of the facilitator."""

    key: Key
    to: Literal["coercer", "target", "facilitator", "all"]
    text: Annotated[str, StringConstraints(min_length=1, max_length=TEXT)]


class DraftAsked(Asked):
    """What a player has not sent yet; nothing clears it."""

    text: Annotated[str, StringConstraints(max_length=DRAFT)] | None = None


class NewsAsked(Asked):
    """Something that happens and changes nothing in the game; to all, or to one seat."""

    what: Literal["news"]
    text: Annotated[str, StringConstraints(min_length=1, max_length=600)]
    side: Literal["nature", "third"] = "third"
    to: Literal["coercer", "target", "all"] = "all"


class SceneAsked(Asked):
    """A scene that one seat sees: a log-likelihood ratio for the other side being firm moves its adviser."""

    what: Literal["scene"]
    to: Side
    ratio: Annotated[float, Field(ge=-10, le=10, allow_inf_nan=False)]
    text: Annotated[str, StringConstraints(max_length=600)] = ""


class LevelsAsked(Asked):
    """Squeeze and cohesion are set to levels that the crisis can come to."""

    what: Literal["levels"]
    squeeze: Annotated[int, Field(ge=0, le=20)]
    cohesion: Annotated[int, Field(ge=0, le=20)]


class EndAsked(Asked):
    """The leader is removed from within, or the game is stopped."""

    what: Literal["removal", "stop"]


class InjectionAsked(Asked):
    """What the facilitator brings about."""

    key: Key
    injection: Annotated[NewsAsked | SceneAsked | LevelsAsked | EndAsked, Field(discriminator="what")]


class SeatAsked(Asked):
    """Who plays a side, and the view and precision of its mind (the case's own where none is given)."""

    player: Literal["person", "strategy"] = "person"
    view: Name | None = None
    precision: Precision | None = None


class ClockAsked(Asked):
    """Whether the game runs, and the seconds for a move (none: no clock)."""

    running: bool
    seconds: Seconds | None = None


class LinkAsked(Asked):
    """A new secret link to the game."""

    role: Literal["facilitator", "coercer", "target", "observer"]
    label: Annotated[str, StringConstraints(max_length=100)] = ""
    lasts: Annotated[float, Field(ge=1, le=LONGEST, allow_inf_nan=False)] = LASTS


class GameAsked(Asked):
    """A new game. `types` are 0 (yielding) or 1 (firm); drawn by the seed, as the seed is, where not given."""

    title: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    coercer: SeatAsked = SeatAsked()
    target: SeatAsked = SeatAsked()
    seed: Annotated[int, Field(ge=0, lt=2**63)] | None = None
    types: tuple[Annotated[int, Field(ge=0, le=1)], Annotated[int, Field(ge=0, le=1)]] | None = None
    seconds: Seconds | None = None
    paused: bool = False
    debrief: Literal["end", "facilitator"] = "end"
    lasts: Annotated[float, Field(ge=1, le=LONGEST, allow_inf_nan=False)] = LASTS


class Look(BaseModel):
    """What a caller sees, and a digest of it that changes only with it."""

    version: str
    sight: FacilitatorSight | PlayerSight | Public


class Accepted(BaseModel):
    """What was done; a repeated request gets the same."""

    accepted: dict[str, Any]


class Opened(BaseModel):
    """A game, and the token of one secret link for each role; these are told once."""

    game: str
    links: dict[str, str]


class Said(BaseModel):
    """Why something is refused."""

    detail: str
