"""The questions of a case's forecasts: who was asked what and when, what was said, and what came of it.

A question is *scored* when it was resolved yes or no. Under a condition that is so only if the condition held: a case
resolves it as `void` where it did not, and nothing is learnt of who was right. `open` and `disputed` ones are listed
and not scored; nor are `late` ones, which are not shown to have been public before their answer was: who is quoted
afterwards was chosen afterwards. One origin that says the same of one question twice makes one entry in a mean, however
often, and through however many documents, it is told: its scores are averaged first.

A forecast dated to a week, a month or "before" a day is compared with what was known on the first of its days, so that
nobody it is compared with knew more.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Literal

from standoff.case.evidence import Forecast
from standoff.case.load import LoadedCase
from standoff.forecast.words import Range, Word, word_of

State = Literal["scored", "void", "open", "disputed", "late"]
Kind = Literal["person", "market"]
ENDINGS_OF = {
    "force": ("force",),
    "agreed-exit": ("agreed-exit",),
    "flight": ("flight",),
    "coup": ("removed-within",),
    "back-down": ("back-down",),
}
"""Endings of the model behind an outcome that a question is about."""
OFFICE = ("in-office", "out-of-office")
OUT = ("agreed-exit", "flight", "removed-within")
"""Endings in which the leader is out of office whatever their mode; force may leave him in it."""


@dataclass(frozen=True)
class Question:
    """A forecast as a question.

    `source`: the origin behind it; `kind`: a person (or office, outlet, unnamed people), or a market. `made`: the first
    day it can have been made, none if unknown; `said`: the chance, as a range where words were used; `group`: the same
    for forecasts of one origin on one question.
    """

    id: str
    source: str
    name: str
    kind: Kind
    text: str
    outcome: str
    made: dt.date | None
    until: dt.date | None
    said: Range
    words: Word | None
    condition: str | None
    state: State
    observed: bool | None
    resolution: str
    group: str

    @property
    def days(self) -> int | None:
        """Days from the forecast to its deadline, if both are known."""
        return None if self.made is None or self.until is None else (self.until - self.made).days

    @property
    def modelled(self) -> bool:
        """Whether the model can be asked: about an ending or the office, by a day, without a condition."""
        about = self.outcome in ENDINGS_OF or self.outcome in OFFICE
        return about and self.condition is None and self.until is not None and self.made is not None


def questions(loaded: LoadedCase) -> list[Question]:
    """All forecasts of a case as questions, oldest first; a word without a range is a mistake in the case."""
    found = [_question(loaded, forecast) for forecast in loaded.case.forecasts]
    return sorted(found, key=lambda q: (q.made or dt.date.max, q.id))


def _question(loaded: LoadedCase, forecast: Forecast) -> Question:
    word = None
    if forecast.probability is not None:
        said = Range.point(forecast.probability)
    elif forecast.words is not None:
        word = word_of(forecast.words, loaded.place(("forecasts", forecast.id, "words")))
        said = word.chance
    else:
        raise ValueError(f"{forecast.id}: neither probability nor words")
    source, name, kind = _source(loaded, forecast.by)
    asked = " ".join(forecast.question.lower().split())
    resolved = forecast.resolved
    state: State = "scored" if resolved == "yes" or resolved == "no" else resolved
    if state == "scored" and not _before(loaded, forecast):
        state = "late"
    return Question(
        id=forecast.id, source=source, name=name, kind=kind, text=forecast.question, outcome=forecast.outcome,
        made=forecast.made.earliest or forecast.made.on, until=forecast.until, said=said,
        words=word, condition=forecast.condition, state=state,
        observed=resolved == "yes" if state == "scored" else None, resolution=forecast.resolution,
        group=f"{source}|{asked}|{forecast.until}|{forecast.condition or ''}",
    )  # fmt: skip


def _before(loaded: LoadedCase, forecast: Forecast) -> bool:
    """Whether a forecast was public before its answer: by its deadline, and before an ending that answers it."""
    public = forecast.public_from
    if not isinstance(public, dt.date):
        return False
    ends = [event.date.on for event in loaded.case.events if event.ends is not None and event.date.on is not None]
    answered = ends if forecast.outcome in ENDINGS_OF or forecast.outcome in OFFICE else []
    limits = [*answered, *([forecast.until] if forecast.until is not None else [])]
    return all(public <= day for day in limits)


def _source(loaded: LoadedCase, by: str) -> tuple[str, str, Kind]:
    """Origin, name and kind behind `by`: an origin, an actor, or a document that relays one origin."""
    case = loaded.case
    origins = {origin.id: origin for origin in case.origins}
    document = next((d for d in case.documents if d.id == by), None)
    if document is not None:
        if len(document.relays) == 1 and document.relays[0] in origins:
            by = document.relays[0]
        else:
            return by, document.author if document.author != "unknown" else f"the author of {by}", "person"
    if by in origins:
        return by, origins[by].name, "market" if origins[by].kind == "market" else "person"
    actor = next(actor for actor in case.actors if actor.id == by)
    return by, actor.name, "market" if actor.role == "market" else "person"
