"""Whether each move on record could be made where the crisis then stood.

The walk starts at `crisis.start_rung` and takes the events in order of date (those of one day as written).
Events before the first round set the starting rung, so their climbs are not walked again; offers made then
stay on the table. Where accounts of an event differ, each is checked and none moves the crisis.
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import get_args

from standoff.case.crisis import Case
from standoff.case.evidence import CoercerClass, Event, Move, TargetClass
from standoff.case.explain import suggestion
from standoff.case.place import Path, Sources
from standoff.errors import Problem

CLASSES: dict[str, tuple[str, ...]] = {"coercer": get_args(CoercerClass), "target": get_args(TargetClass)}
_LAST = {"back-down", "accept", "strike", "concede", "flee"}


@dataclass
class _Walk:
    """Where the crisis stands."""

    rung: int
    offers: dict[str, set[str]] = field(default_factory=lambda: {"coercer": set(), "target": set()})
    ended: Event | None = None


def moves(case: Case, sources: Sources) -> tuple[list[Problem], list[Problem]]:
    """Errors and warnings about the moves of all events."""
    height = {rung.id: position for position, rung in enumerate(case.ladder)}
    walk = _Walk(height.get(case.crisis.start_rung, 0))
    errors: list[Problem] = []
    warnings: list[Problem] = []
    for event in _in_order(case.events):
        path: Path = ("events", event.id)
        if event.move is None and not any(account.move or account.read_as for account in event.accounts):
            continue
        place = sources.at((*path, "move"))
        if event.side not in CLASSES:
            problem = f"a move is made by the coercer or the target, and '{event.id}' is of side '{event.side}'"
            errors.append(Problem(sources.at((*path, "side")), problem, "Correct the side, or drop the move.", "move"))
            continue
        if event.half_round_before and event.side != "target":
            place = sources.at((*path, "half_round_before"))
            problem = "only a move of the target can belong to the half-round before"
            errors.append(Problem(place, problem, "Remove the key.", "move"))
        before = event.date.on is not None and event.date.on < case.crisis.starts
        if walk.ended is not None and event.move is not None:
            problem = f"this move comes after the crisis ended with '{walk.ended.id}'"
            remedy = "Check both dates, or write it as a signal, without 'move'."
            warnings.append(Problem(place, problem, remedy, "move"))
            continue
        for move, where in _all_moves(event, path):
            told = _class_error(event, move) or (None if before else _step_error(case, walk, event.side, move))
            if where[-1] == "read_as" and _class_error(event, move) is None:
                continue  # what it was taken for need not have been possible
            if told is not None:
                errors.append(Problem(sources.at(where), *told, "move"))
        _go(walk, event, height, before=before)
    return errors, warnings


def _in_order(events: list[Event]) -> list[Event]:
    dated = [event for event in events if event.date.on is not None]
    return sorted(dated, key=lambda event: event.date.on or dt.date.max)


def _all_moves(event: Event, path: Path) -> Iterator[tuple[Move, Path]]:
    if event.move is not None:
        yield event.move, (*path, "move")
    for account in event.accounts:
        if account.move is not None:
            yield account.move, (*path, "accounts", account.id, "move")
        if account.read_as is not None:
            yield account.read_as, (*path, "accounts", account.id, "read_as")


def _class_error(event: Event, move: Move) -> tuple[str, str] | None:
    allowed = CLASSES[event.side]
    if move.move in allowed:
        return None
    return f"the {event.side} has no move '{move.move}'", suggestion(move.move, allowed)


def _step_error(case: Case, walk: _Walk, side: str, move: Move) -> tuple[str, str] | None:
    """What forbids a move at this point: problem and remedy."""
    here = case.ladder[walk.rung]
    if move.move == "climb":
        height = next((index for index, rung in enumerate(case.ladder) if rung.id == move.rung), None)
        if height is not None and height <= walk.rung:
            problem = f"a climb to '{move.rung}' from '{here.id}' does not go up"
            higher = ", ".join(rung.id for rung in case.ladder[walk.rung + 1 :]) or "none"
            return problem, f"Higher rungs: {higher}. Within a rung a step is a signal: remove 'move'."
    for name, allowed in (("strike", here.strike), ("ultimatum", here.ultimatum)):
        if move.move == name and not allowed:
            article = "an" if name[0] in "aeiou" else "a"
            problem = f"{article} {name} is not allowed at the rung '{here.id}', where the crisis then stands"
            rungs = ", ".join(rung.id for rung in case.ladder if getattr(rung, name)) or "none"
            return problem, f"Rungs with '{name}: true': {rungs}. Is a climb missing before it?"
    package = next((item for item in case.packages if item.id == move.package), None)
    if move.move == "offer" and package is not None:
        if package.offered_by != side:
            problem = f"'{package.id}' is a package that the {package.offered_by} offers, not the {side}"
            mine = [item.id for item in case.packages if item.offered_by == side]
            return problem, suggestion(package.id, mine) or f"Add a package with 'offered_by: {side}'."
        if not package.playable:
            return f"'{package.id}' is marked 'playable: false'", "Make it playable, or remove 'move'."
    if move.move == "accept":
        pending = walk.offers["target" if side == "coercer" else "coercer"]
        if not pending or (move.package is not None and move.package not in pending):
            what = f"'{move.package}'" if move.package else "a package"
            problem = f"the other side has not offered {what} before this"
            return problem, f"On the table: {', '.join(sorted(pending)) or 'nothing'}."
    return None


def _go(walk: _Walk, event: Event, height: dict[str, int], *, before: bool) -> None:
    move = event.move
    if event.ends is not None:
        walk.ended = event
    if move is None:
        for account in event.accounts:  # on one account the offer was made
            if account.move is not None and account.move.move == "offer" and account.move.package:
                walk.offers[event.side].add(account.move.package)
        return
    if move.move == "climb" and move.rung in height and not before:
        walk.rung = max(walk.rung, height[move.rung])
    if move.move == "offer" and move.package:
        walk.offers[event.side].add(move.package)
    if move.move in _LAST and not before:
        walk.ended = event
