"""What must hold between the parts of a case that the schema cannot say: dates, sums, moves, views."""

import datetime as dt
from collections.abc import Callable, Iterator
from itertools import pairwise

from standoff.case.crisis import Case, View
from standoff.case.evidence import When
from standoff.case.explain import suggestion
from standoff.case.impossible import SETTABLE, gains, module_numbers, shifts
from standoff.case.move import CLASSES, moves
from standoff.case.number import walk
from standoff.case.place import Sources
from standoff.case.reference import BASE
from standoff.errors import Problem

SUM_TOLERANCE = 0.005
"""How far the weights of factions may be from 1: they are written with two or three digits."""

Check = Callable[[Case, Sources], Iterator[Problem]]


def check(case: Case, sources: Sources, broken: set[str]) -> tuple[list[Problem], list[Problem]]:
    """Errors and warnings; a check that reads a part from which something was left out is skipped.

    Args:
        case: The case, or what could be saved of it.
        sources: Where each thing was written.
        broken: Parts from which items with errors were left out.
    """
    errors: list[Problem] = []
    warnings: list[Problem] = []
    for run, reads in _ERRORS:
        if not broken & reads:
            errors += run(case, sources)
    for run, reads in _WARNINGS:
        if not broken & reads:
            warnings += run(case, sources)
    if not broken & {"events", "ladder", "packages", "crisis"}:
        more_errors, more_warnings = moves(case, sources)
        errors += more_errors
        warnings += more_warnings
    return errors, warnings


def _early(public: dt.date | str | None, date: When) -> bool:
    """Whether something is said to have been public before it can have happened."""
    return isinstance(public, dt.date) and date.earliest is not None and public < date.earliest


def _dates(case: Case, sources: Sources) -> Iterator[Problem]:
    for document in case.documents:
        if _early(document.public_from, document.date):
            problem = f"'{document.id}' is public from {document.public_from}, before its date, {document.date}"
            yield Problem(sources.at(("documents", document.id, "public_from")), problem, _DATES, "date")
    for event in case.events:
        if _early(event.public_from, event.date):
            problem = f"'{event.id}' is public from {event.public_from}, before it happened, {event.date}"
            yield Problem(sources.at(("events", event.id, "public_from")), problem, _DATES, "date")
    for claim in case.claims:
        public, date = claim.public_from, claim.date
        if claim.retrospective and isinstance(public, dt.date) and date.on is not None and public < date.on:
            problem = f"'{claim.id}' is retrospective, but is public from {public}, before what it is about, {date}"
            remedy = "Correct a date, or remove 'retrospective'."
            yield Problem(sources.at(("claims", claim.id, "public_from")), problem, remedy, "date")
    for forecast in case.forecasts:
        made = forecast.made.earliest
        if forecast.until is not None and made is not None and made > forecast.until:
            problem = f"'{forecast.id}' was made on {forecast.made}, after its question closed, {forecast.until}"
            yield Problem(sources.at(("forecasts", forecast.id, "made")), problem, _DATES, "date")
        if _early(forecast.public_from, forecast.made):
            problem = f"'{forecast.id}' is public from {forecast.public_from}, before it was made, {forecast.made}"
            yield Problem(sources.at(("forecasts", forecast.id, "public_from")), problem, _DATES, "date")


_DATES = "Correct one of the two dates."


def _public(case: Case, sources: Sources) -> Iterator[Problem]:
    """What cannot have been public before it happened, or not yet when it was seen."""
    for part, items in (("scenes", case.world.scenes), ("votes", case.world.domestic and case.world.domestic.votes)):
        for item in items or ():
            if item.public_from is not None and item.public_from < item.date:
                path = ("world", *(("domestic",) if part == "votes" else ()), part, item.id, "public_from")
                problem = f"'{item.id}' is public from {item.public_from}, before it happened, {item.date}"
                yield Problem(sources.at(path), problem, _DATES, "date")
    known = {("packages", p.id): p.public_from for p in case.packages}
    known |= {("ladder", r.id): r.public_from for r in case.ladder}
    for event in case.events:
        seen = event.public_from if isinstance(event.public_from, dt.date) else event.date.latest
        if event.public_from == "unknown" or seen is None or event.move is None:
            continue
        for part, name in (("packages", event.move.package), ("ladder", event.move.rung)):
            since = known.get((part, name or ""))
            if since is not None and since > seen:
                problem = f"'{name}' is public from {since}, but event '{event.id}' showed it by {seen}"
                remedy = "Correct one of the two dates: a public event shows what it offers or climbs to."
                yield Problem(sources.at((part, str(name), "public_from")), problem, remedy, "date")


def _accounts(case: Case, sources: Sources) -> Iterator[Problem]:
    for event in case.events:
        total = sum(account.weight.centre for account in event.accounts)
        if total > 1 + SUM_TOLERANCE:
            problem = f"the weights of the accounts of '{event.id}' sum to {total:.3g}, more than 1"
            remedy = "Lower them; what is left below 1 is the chance of none of them."
            yield Problem(sources.key_at(("events", event.id, "accounts")), problem, remedy, "sum")


def _factions(case: Case, sources: Sources) -> Iterator[Problem]:
    if case.world.coalition is None:
        return
    total = sum(faction.weight.centre for faction in case.world.coalition.factions)
    if abs(total - 1) > SUM_TOLERANCE:
        problem = f"the weights of the factions sum to {total:.3g}, not 1"
        remedy = "They are shares of the whole circle: correct them, or add the rest as a faction."
        yield Problem(sources.key_at(("world", "coalition", "factions")), problem, remedy, "sum")


def _first_terms(case: Case, sources: Sources) -> Iterator[Problem]:
    for issue in case.issues:
        first = issue.terms[0]
        for name in ("gain", "price"):
            number = getattr(first, name)
            if number.shape != "value" or number.centre != 0:
                place = sources.at(("issues", issue.id, "terms", 0, name))
                problem = f"'{first.id}' is what the demand asks on '{issue.id}', so its {name} is 0"
                remedy = "Put the term that the demand asks first, or write 0."
                yield Problem(place, problem, remedy, "terms")


def _channels(case: Case, sources: Sources) -> Iterator[Problem]:
    for channel in case.channels:
        for name in ("moves", "read_as"):
            for index, word in enumerate(getattr(channel, name)):
                if word not in CLASSES[channel.sender]:
                    place = sources.at(("channels", channel.id, name, index))
                    problem = f"the {channel.sender} has no move '{word}'"
                    yield Problem(place, problem, suggestion(word, CLASSES[channel.sender]), "move")


def _chains(case: Case, sources: Sources) -> Iterator[Problem]:
    documents = {document.id for document in case.documents}
    origins = {origin.id for origin in case.origins}
    for claim in case.claims:
        path = ("claims", claim.id, "chain")
        doubled = next((link for link in claim.chain if claim.chain.count(link) > 1), None)
        if doubled is not None:
            problem = f"'{doubled}' stands twice in the chain of '{claim.id}'"
            yield Problem(sources.at(path), problem, "A chain goes down to its origin without turning back.", "chain")
        elif claim.origin in documents:
            place = sources.at((*path, len(claim.chain) - 1))
            problem = f"the chain of '{claim.id}' ends in a document, not in an origin"
            remedy = "End it with the person, office or outlet that first said it, declared under 'origins:'."
            yield Problem(place, problem, remedy, "chain")
        for index, link in enumerate(claim.chain[:-1]):
            if link in origins and claim.chain[index + 1] in documents:
                late = claim.chain[index + 1]
                problem = f"in the chain of '{claim.id}' the document '{late}' comes after an origin"
                remedy = "Write the document that you hold first, then whom it relays, last the origin."
                yield Problem(sources.at((*path, index + 1)), problem, remedy, "chain")


def _views(case: Case, sources: Sources) -> Iterator[Problem]:
    yield from shifts(case, sources)
    for view in case.views:
        yield from _nested(case, view, sources)
        yield from _alternative(case, view, sources)
    for side in ("coercer", "target"):
        outer = [view.id for view in case.views if view.holder == side and view.inside is None]
        for extra in outer[1:]:
            problem = f"the {side} already holds the view '{outer[0]}'"
            remedy = "A side holds one view; write 'inside:' where this one is held in another view."
            yield Problem(sources.at(("views", extra, "holder")), problem, remedy, "view")


def _inferred(case: Case, sources: Sources) -> Iterator[Problem]:
    """Paths of the numbers to be inferred: they must exist and be uncertain."""
    if case.inference is None:
        return
    known = {path: number for part in SETTABLE for path, number in walk(getattr(case, part), part)}
    for view in case.views:
        for difference in view.differences:
            at = f"views.{view.id}.{difference.id}"
            known |= {f"{at}.{path}": shift.number for path, shift in difference.set.items()}
    for name, paths in case.inference.over.items():
        for path in paths:
            place = sources.at(("inference", "over", name))
            if path not in known and not path.startswith("world.priors."):
                problem = f"'{path}' names no number of this case"
                yield Problem(place, problem, suggestion(path, known, many=0), "reference")
            elif path in known and known[path].shape == "value":
                remedy = "Write a distribution for it, or leave it out here."
                yield Problem(place, f"'{path}' is known, so there is nothing to infer", remedy, "reference")


def _nested(case: Case, view: View, sources: Sources) -> Iterator[Problem]:
    by_id = {item.id: item for item in case.views}
    other = by_id.get(view.other or "")
    if other is not None and other.holder == view.holder:
        place = sources.at(("views", view.id, "other"))
        remedy = "'other' names the view that the holder thinks the other side holds."
        yield Problem(place, f"'{other.id}' is held by the {view.holder} too", remedy, "view")
    if other is not None and other.inside != view.id:
        remedy = f"Write 'inside: {view.id}' in '{other.id}', or a view of its own."
        problem = f"'{other.id}' is not held inside '{view.id}'"
        yield Problem(sources.at(("views", view.id, "other")), problem, remedy, "view")
    for name in ("other", "inside"):
        seen = [view.id]
        step: View | None = view
        while step is not None and len(seen) <= len(by_id) + 1:
            step = by_id.get(getattr(step, name) or "")
            if step is not None and step.id in seen:
                if step.id == view.id:
                    problem = f"the views {', '.join(seen)} name each other in a circle by '{name}'"
                    remedy = "Let the innermost view end the nesting."
                    yield Problem(sources.at(("views", view.id, name)), problem, remedy, "view")
                break
            if step is not None:
                seen.append(step.id)


def _alternative(case: Case, view: View, sources: Sources) -> Iterator[Problem]:
    """What a view is dropped for: the base, or a view of the same holder that stands by inside it."""
    if view.alternative is None:
        return
    place = sources.at(("views", view.id, "alternative"))
    found = next((other for other in case.views if other.id == view.alternative), None)
    if found is None and view.alternative != BASE:
        return  # told as a reference to nothing
    if view.inside is not None:
        problem = f"'{view.id}' is held inside '{view.inside}', and only a view that a side acts on is dropped"
        yield Problem(place, problem, "Remove 'alternative', or move it to the outer view.", "view")
    elif found is view:
        yield Problem(place, f"'{view.id}' is its own alternative", "Name another view, or base.", "view")
    elif found is not None and found.holder != view.holder:
        problem = f"'{found.id}' is held by the {found.holder}, so the {view.holder} cannot turn to it"
        yield Problem(place, problem, "Name a view of the same holder, or base.", "view")
    elif found is not None and found.inside != view.id:
        remedy = f"Write 'inside: {view.id}' in '{found.id}'."
        problem = f"'{found.id}' does not stand by inside '{view.id}'"
        yield Problem(place, problem, remedy, "view")
    elif getattr(case.world.perception, view.holder).threshold is None:
        problem = f"'{view.id}' has an alternative, but no threshold at which it is dropped"
        remedy = f"Add world.perception.{view.holder}.threshold, a Bayes factor such as 20."
        yield Problem(place, problem, remedy, "view")


def _scenes(case: Case, sources: Sources) -> Iterator[Problem]:
    for scene in case.world.scenes:
        if not case.crisis.starts <= scene.date <= case.crisis.ends:
            problem = f"the scene '{scene.id}' lies outside the rounds, {case.crisis.starts} to {case.crisis.ends}"
            remedy = "It is seen in no round; move it, or leave it to the prior."
            yield Problem(sources.at(("world", "scenes", scene.id, "date")), problem, remedy, "date")


def _computed(case: Case, sources: Sources) -> Iterator[Problem]:
    """Numbers that are written, but computed from the world instead."""
    world, force = case.world, case.world.force
    forces = force is not None and (force.ratio is not None or bool(force.troops_by_rung and force.defenders))
    by: list[tuple[str, bool, tuple[str, ...]]] = [
        ("world.force", forces, ("force.success", "force.quagmire")),
        (
            "world.domestic.support",
            world.domestic is not None and world.domestic.support is not None,
            ("coercer.audience_top", "coercer.audience_slope", "coercer.quagmire"),
        ),
        ("world.exit.destinations", world.exit is not None and bool(world.exit.destinations), ("target.flight_loss",)),
        ("world.successors", bool(world.successors), ("coercer.captured", "coercer.flight", "coercer.coup")),
    ]
    for source, used, names in by:
        for name in names:
            path = ("parameters", *name.split("."))
            if used and sources.get(path) is not None:
                problem = f"'parameters.{name}' is not read: it is computed from '{source}'"
                remedy = "Remove it; a view may still set it on purpose."
                yield Problem(sources.key_at(path), problem, remedy, "computed")
    if force is not None and not forces and (force.intelligence is not None or force.surprise is not None):
        problem = "what a strike brings is not computed: the forces lack their relation"
        remedy = "Add 'ratio', or both 'troops_by_rung' and 'defenders'."
        yield Problem(sources.key_at(("world", "force")), problem, remedy, "computed")


def _late_events(case: Case, sources: Sources) -> Iterator[Problem]:
    for event in case.events:
        if event.date.on is not None and event.date.on > case.crisis.ends:
            problem = f"'{event.id}' comes after the last round, which ends on {case.crisis.ends}"
            remedy = "It is kept for the record and played in no round; add rounds if it should be."
            yield Problem(sources.at(("events", event.id, "date")), problem, remedy, "date")


def _loose_chains(case: Case, sources: Sources) -> Iterator[Problem]:
    documents = {document.id for document in case.documents}
    for claim in case.claims:
        if claim.chain[0] not in documents:
            problem = f"the chain of '{claim.id}' does not begin with a document that you hold"
            yield Problem(
                sources.at(("claims", claim.id, "chain", 0)),
                problem,
                "Add the document if there is one.",
                "chain",
            )
        elif claim.anchor is not None and claim.anchor.document != claim.chain[0]:
            problem = f"'{claim.id}' is anchored in '{claim.anchor.document}', but comes from '{claim.chain[0]}'"
            place = sources.at(("claims", claim.id, "anchor", "document"))
            yield Problem(place, problem, "Anchor it in the first document of its chain.", "chain")


def _hindsight(case: Case, sources: Sources) -> Iterator[Problem]:
    """A claim made after the ending about what came before it, and not marked so."""
    endings = [event.date.on for event in case.events if event.ends is not None and event.date.on is not None]
    if not endings:
        return
    end = min(endings)
    for claim in case.claims:
        public, about = claim.public_from, claim.date.on
        if (
            isinstance(public, dt.date)
            and public > end
            and about is not None
            and about < end
            and not claim.retrospective
        ):
            problem = f"'{claim.id}' became public after the ending, {end}, and is about a time before it"
            remedy = "Write 'retrospective: true' if it was told with the ending known."
            yield Problem(sources.at(("claims", claim.id)), problem, remedy, "date")


def _ladder(case: Case, sources: Sources) -> Iterator[Problem]:
    for low, high in pairwise(case.ladder):
        if high.pressure.centre < low.pressure.centre:
            problem = f"'{high.id}' presses the target less than '{low.id}' below it"
            yield Problem(sources.at(("ladder", high.id, "pressure")), problem, "Is the ladder in order?", "ladder")


_ERRORS: tuple[tuple[Check, frozenset[str]], ...] = (
    (_dates, frozenset()),
    (_public, frozenset({"events", "packages", "ladder", "world"})),
    (_accounts, frozenset({"events"})),
    (_factions, frozenset({"world"})),
    (_first_terms, frozenset({"issues"})),
    (_channels, frozenset()),
    (_chains, frozenset({"documents", "origins"})),
    (_views, frozenset({"views", *SETTABLE, "actors"})),
    (module_numbers, frozenset({"world"})),
    (_inferred, frozenset({"inference", "views", *SETTABLE})),
)
_WARNINGS: tuple[tuple[Check, frozenset[str]], ...] = (
    (_late_events, frozenset()),
    (_loose_chains, frozenset({"documents"})),
    (_hindsight, frozenset({"events"})),
    (_ladder, frozenset({"ladder"})),
    (_scenes, frozenset({"world", "crisis"})),
    (_computed, frozenset({"world", "parameters"})),
    (gains, frozenset({"parameters"})),
)
"""Each check with the parts that it needs whole."""
