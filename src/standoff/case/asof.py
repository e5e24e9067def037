"""A case as it could be known by the end of a day: what a forecast of that day may use, and nothing else.

What goes, by `public_from` (of an event without one, the last day on which it can have happened):

- documents, claims, events, forecasts, packages, differences of views, destinations, scenes, votes, patrons, mediators
  and contenders that were not public by then, and the origins and questions that nothing else names any more. A day
  that is `unknown` counts as later: what cannot be shown to have been public is not used. A claim without a day is as
  old as the first document of its chain. An event without a `public_from` of its own goes
  with its reports, if all are of a later day. Retrospective claims go whatever their day.
- accounts of an event whose claims are all of a later day, or that name a package not yet known. Their weight falls to
  "none of them"; with no account left, the event's own `move` stands, or it is a signal.
- how a forecast was resolved, unless its question had closed by then; the summary of the crisis, for which the demand
  stands in, because it is written with the ending known.

A number that was not public yet gives way to the generic prior of the library (`world/priors.csv`, `case.parameters`,
or what a module takes where a case says nothing); in a view it is left out, so that the base holds there. Where there
is no such prior, as for levels in barrels or dollars, the number is used and told: the forecast is made *with
hindsight*. So are rungs of the ladder: the game needs its steps, also those that came up later.

A public source without a `public_from` of its own is taken to be as old as what it backs.
"""

import csv
import datetime as dt
import functools
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from standoff.case.crisis import Case, Rung, View
from standoff.case.evidence import Account, Claim, Document, Event, Forecast
from standoff.case.generic import with_generic_numbers
from standoff.case.number import Number, Source, walk
from standoff.case.parameters import Parameters
from standoff.case.place import Sources
from standoff.case.world import Scene, Vote

PRIORS = Path(__file__).resolve().parents[1] / "world" / "priors.csv"
NORMS: dict[str, float] = {
    "force.readiness": 0.5, "force.intelligence": 0.5, "force.moves_about": 0.5, "force.surprise": 0.5,
    "force.losses": 1.0, "force.ground_difficulty": 0.0, "force.air_defence": 1.0, "exit.warrant": 0.0,
    "exit.safe_conduct": 1.0, "exit.horizon": 4.0, "succession.personal": 0.5, "succession.opposition": 0.5,
    "succession.split": 0.5, "succession.aim": 0.5, "succession.guarantor": 0.0,
    "domestic.vote_support": -1.0, "domestic.vote_force": 0.0, "domestic.vote_noise": 2.0,
}  # fmt: skip
"""What a module of the world takes where a case says nothing, by path below `world`."""
NAMED = {
    "domestic.support": "domestic.support_norm", "exit.guarantee_credibility": "exits.guarantee_credibility",
    "coalition.factions.*.patronage_weight": "coalition.patronage_weight",
    "coalition.factions.*.punishment": "coalition.punishment", "patrons.*.fights": "patrons.fights",
    "patrons.*.arms": "patrons.arms",
}  # fmt: skip
"""Numbers of a case that have a generic prior under another name."""
UNREAD = ("world.force.aircraft",)
"""Optional numbers for the record only."""
T = TypeVar("T")


def as_of(case: Case, day: dt.date) -> tuple[Case, list[str]]:
    """The case as it could be known by the end of a day.

    Args:
        case: The case, as written with everything that is known today.
        day: The last day that is known.

    Returns:
        The case, and a line for each thing that is used although it was not public yet: its path and its day.
    """
    return _Cut(case, day).case()


def public_day(public: dt.date | str | None, latest: dt.date | None = None) -> dt.date:
    """The day from which something counts as known: as written, else `latest`; the last day of all if unknown."""
    if isinstance(public, dt.date):
        return public
    return latest if public is None and latest is not None else dt.date.max


def document_day(document: Document) -> dt.date:
    """The day from which a document is known; unknown counts as never."""
    return public_day(document.public_from)


def claim_day(claim: Claim, documents: dict[str, Document]) -> dt.date:
    """The day from which a claim is known: its own, else that of the first document of its chain."""
    if isinstance(claim.public_from, dt.date):
        return claim.public_from
    first = documents.get(claim.chain[0])
    return document_day(first) if first is not None else dt.date.max


def event_day(event: Event) -> dt.date:
    """The day from which an event is known: its `public_from`, else the last day on which it can have happened."""
    known = public_day(event.public_from, event.date.latest)
    return max(known, event.date.earliest) if event.date.earliest is not None else known


@dataclass
class _Cut:
    """One cut: what is known by the day, and what had to be used although it was not."""

    whole: Case
    day: dt.date
    told: list[str] = field(default_factory=list)
    documents: frozenset[str] = frozenset()
    claims: frozenset[str] = frozenset()
    packages: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        by_id = {document.id: document for document in self.whole.documents}
        self.documents = frozenset(d.id for d in self.whole.documents if document_day(d) <= self.day)
        self.claims = frozenset(
            c.id for c in self.whole.claims if claim_day(c, by_id) <= self.day and not c.retrospective
        )
        self.packages = frozenset(p.id for p in self.whole.packages if public_day(p.public_from, self.day) <= self.day)

    def case(self) -> tuple[Case, list[str]]:
        case = self.whole
        claims = [self._claim(claim) for claim in case.claims if claim.id in self.claims]
        documents = [document for document in case.documents if document.id in self.documents]
        events = [self._event(event) for event in case.events if event_day(event) <= self.day]
        told = {event.id: event.because or any(account.because for account in event.accounts) for event in case.events}
        events = [
            e for e in events if e.public_from or not told[e.id] or e.because or any(a.because for a in e.accounts)
        ]
        forecasts = [self._forecast(one) for one in case.forecasts if self._made(one)]
        used = {link for claim in claims for link in claim.chain} | {link for d in documents for link in d.relays}
        used |= {forecast.by for forecast in forecasts}
        asked = {claim.question for claim in claims}
        kept: dict[str, Any] = {
            "crisis": case.crisis.model_copy(update={"summary": case.crisis.demand}),
            "actors": self._known(case.actors, "actors"),
            "ladder": [self._rung(rung) for rung in case.ladder],
            "issues": self._known(case.issues, "issues"),
            "packages": self._known(case.packages, "packages"),
            "channels": self._known(case.channels, "channels"),
            "parameters": self._known(case.parameters, "parameters"),
            "views": [self._view(view) for view in case.views],
            "world": self._known(case.world, "world"),
            "origins": [self._known(o, f"origins.{o.id}") for o in case.origins if o.id in used],
            "documents": [
                d.model_copy(update={"relays": [r for r in d.relays if r in self._links]}) for d in documents
            ],
            "questions": [question for question in case.questions if question.id in asked],
            "claims": claims,
            "events": events,
            "forecasts": forecasts,
        }
        found = case.model_copy(update=kept)
        return self._only_what_is_left(found), self.told

    @functools.cached_property
    def _links(self) -> frozenset[str]:
        """What a chain may name: documents that were public, and origins."""
        return self.documents | {origin.id for origin in self.whole.origins}

    def _claim(self, claim: Claim) -> Claim:
        anchor = claim.anchor if claim.anchor is not None and claim.anchor.document in self.documents else None
        chain = [link for link in claim.chain if link in self._links]
        return claim.model_copy(
            update={
                "anchor": anchor, "chain": chain or claim.chain[-1:],
                "supports": [c for c in claim.supports if c in self.claims],
                "contradicts": [c for c in claim.contradicts if c in self.claims],
            }
        )  # fmt: skip

    def _event(self, event: Event) -> Event:
        path = f"events.{event.id}"
        heard = [account for account in event.accounts if self._heard(account)]
        accounts = [self._known(account, f"{path}.accounts.{account.id}") for account in heard]
        update: dict[str, Any] = {"accounts": accounts, "because": self._reasons(event.because)}
        if event.move is not None and not self._possible(event.move.package):
            update["move"] = None
        return event.model_copy(update=update)

    def _heard(self, account: Account) -> bool:
        """Whether an account could be known: one of its claims was public, or it cites none."""
        cited = [reason for reason in account.because if isinstance(reason, str)]
        packages = [move.package for move in (account.move, account.read_as) if move is not None]
        return all(map(self._possible, packages)) and (not cited or any(reason in self.claims for reason in cited))

    def _possible(self, package: str | None) -> bool:
        return package is None or package in self.packages

    def _made(self, forecast: Forecast) -> bool:
        made = public_day(forecast.public_from)
        earliest = forecast.made.earliest
        return made <= self.day and (earliest is None or earliest <= self.day)

    def _forecast(self, forecast: Forecast) -> Forecast:
        update: dict[str, Any] = {"because": self._reasons(forecast.because)}
        if forecast.until is None or forecast.until > self.day:
            cited = [reason for reason in update["because"] if isinstance(reason, str)]
            update |= {"resolved": "open", "resolution": f"Not known by {self.day}.", "because": cited}
        return forecast.model_copy(update=update)

    def _rung(self, rung: Rung) -> Rung:
        if rung.public_from is not None and rung.public_from > self.day:
            self._tell(f"ladder.{rung.id}", rung.public_from)
        return self._known(rung, f"ladder.{rung.id}")

    def _view(self, view: View) -> View:
        differences = []
        for difference in view.differences:
            if public_day(difference.public_from, self.day) > self.day:
                continue
            held = {
                path: shift for path, shift in difference.set.items()
                if shift.number.public_from is None or shift.number.public_from <= self.day
            }  # fmt: skip
            if held:
                path = f"views.{view.id}.{difference.id}"
                differences.append(self._known(difference.model_copy(update={"set": held}), path))
        return view.model_copy(update={"differences": differences, "because": self._reasons(view.because)})

    def _known(self, part: T, path: str) -> T:
        """A part without what came later, number by number."""
        found: Any = part
        if isinstance(part, Number):
            found = self._number(part, path)
        elif isinstance(part, BaseModel):
            update: dict[str, Any] = {}
            for name in type(part).model_fields:
                value = getattr(part, name)
                new = self._reasons(value) if name == "because" else self._known(value, f"{path}.{name}")
                if new is not value:
                    update[name] = new
            found = part.model_copy(update=update) if update else part
        elif isinstance(part, dict):
            found = {key: new for key, v in part.items() if (new := self._known(v, f"{path}.{key}")) is not None}
            found = part if found == part else found
        elif isinstance(part, list):
            items = [item for item in part if self._item(item)]
            found = [self._known(item, f"{path}.{getattr(item, 'id', k)}") for k, item in enumerate(items)]
            found = part if found == part else found
        return found  # type: ignore[no-any-return]

    def _item(self, item: object) -> bool:
        """Whether an item of a list was known by the day."""
        day = public_day(getattr(item, "public_from", None), self.day)
        if isinstance(item, Scene | Vote):
            day = max(day, item.date)
        return day <= self.day

    def _number(self, number: Number, path: str) -> Number | None:
        if number.public_from is None or number.public_from <= self.day:
            because = self._reasons(number.because)
            return number if because is number.because else number.model_copy(update={"because": because})
        if path in UNREAD or path.startswith(("parameters.extra.", "world.priors.", "origins.")):
            return None
        generic = self._generic.get(path) or _of_the_world(path)
        if generic is None:
            self._tell(path, number.public_from)
            return number.model_copy(update={"because": self._reasons(number.because)})
        return generic

    @functools.cached_property
    def _generic(self) -> dict[str, Number]:
        """Generic numbers of the game, by path."""
        bare, _ = with_generic_numbers(self.whole.model_copy(update={"parameters": Parameters()}), Sources(""))
        return dict(walk(bare.parameters, "parameters"))

    def _reasons(self, because: Sequence[Any]) -> Sequence[Any]:
        """Reasons that were public: claims, and sources that do not say that they came later."""
        kept = [
            reason for reason in because
            if (public_day(reason.public_from, self.day) <= self.day if isinstance(reason, Source)
                else reason in self.claims)
        ]  # fmt: skip
        return because if len(kept) == len(because) else kept

    def _tell(self, path: str, since: dt.date) -> None:
        self.told.append(f"with hindsight: {path}, from {since}")

    def _only_what_is_left(self, case: Case) -> Case:
        """Without changes in views, and numbers to infer, of things that are not there."""
        numbers = {path for part in _SETTABLE for path, _ in walk(getattr(case, part), part)}
        views = []
        for view in case.views:
            differences = []
            for difference in view.differences:
                held = {path: shift for path, shift in difference.set.items() if path in numbers}
                if held:
                    differences.append(difference.model_copy(update={"set": held}))
                numbers |= {f"views.{view.id}.{difference.id}.{path}" for path in held}
            views.append(view.model_copy(update={"differences": differences}))
        inference = case.inference
        if inference is not None:
            left = {
                name: there for name, paths in inference.over.items()
                if (there := [p for p in paths if p in numbers or p.startswith("world.priors.")])
            }  # fmt: skip
            inference = inference.model_copy(update={"over": left}) if left else None
        return case.model_copy(update={"views": views, "inference": inference})


_SETTABLE = ("parameters", "ladder", "packages", "issues", "channels", "world")


def _of_the_world(path: str) -> Number | None:
    """The library's own number for one of the world's modules, if it has one."""
    part, _, name = path.partition(".")
    if part != "world":
        return None
    if name in NORMS:
        return Number.model_validate({"value": NORMS[name], "judgement": "what the module takes if nothing is said"})
    words = name.split(".")
    for_any = ".".join([*words[:-2], "*", words[-1]])
    return _priors().get(NAMED.get(name, NAMED.get(for_any, name)))


@functools.lru_cache(maxsize=1)
def _priors() -> dict[str, Number]:
    """Generic priors of the world's modules, by module and name."""
    with PRIORS.open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    found = {}
    for row in rows:
        args = [float(row[name]) for name in ("arg1", "arg2", "arg3") if row[name]]
        shape = row["distribution"]
        if shape in Number.model_fields:
            given: Any = args[0] if shape == "value" else args
            reason = f"generic prior ({row['source']})"[:600]
            found[f"{row['module']}.{row['parameter']}"] = Number.model_validate(
                {shape: given, "unit": row["unit"] or "none", "judgement": reason}
            )
    return found
