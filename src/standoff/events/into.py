"""Accepted candidates enter a case: checked first, written whole or not at all, and nothing that is there is changed.

In a folder they go to a file of their own, `events-found.yaml`, since the lists of a case may be spread over files. A
case that is one file gets them at the end of its lists. What has an id that the case already has is left out.
"""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from standoff.case.crisis import Case
from standoff.case.evidence import Event, When
from standoff.case.load import FILE_LIMIT, SHIPPED, SUFFIXES, load_case, shipped_cases
from standoff.errors import CaseError, UserError
from standoff.events.candidates import PARTS, Read, listed, replace_text, text_of
from standoff.events.splice import splice

FILE = "events-found.yaml"
_HEAD = "# Events from event tables that the analyst has accepted, and stubs of the evidence for them.\n"


@dataclass(frozen=True)
class Entered:
    """What came of it.

    Attributes:
        file: Where they were written.
        added: Events that entered.
        there: Accepted events that the case had already.
        beside: Events that entered, each with those that the case had of the same day and side: perhaps the same act.
        warnings: What the check of the case says now and did not say before.
    """

    file: Path
    added: tuple[str, ...]
    there: tuple[str, ...]
    beside: dict[str, tuple[str, ...]]
    warnings: tuple[str, ...]


def enter(candidates: list[Read], case: Path) -> Entered:
    """Add the accepted candidates to a case, which passes its check afterwards.

    Args:
        candidates: All of them; only those with the answer yes are added.
        case: A folder of YAML files, or one YAML file.
    """
    if not case.exists():
        hint = f" Copy the shipped case first: cp -r {SHIPPED / str(case)} DIR." if str(case) in shipped_cases() else ""
        raise UserError(f"{case}: there is no such case.{hint or ' Name its folder.'}")
    if case.resolve().is_relative_to(SHIPPED):
        raise UserError(f"{case}: this case comes with standoff and stays as it is. Copy it, and name the copy.")
    loaded = load_case(case)
    known = {part: {item.id for item in getattr(loaded.case, part)} for part in PARTS}
    known["documents"] |= known["origins"]
    known["origins"] |= known["documents"]
    added: dict[str, list[dict[str, Any]]] = {part: [] for part in PARTS}
    there = []
    for candidate in candidates:
        if candidate.answer != "yes":
            continue
        if candidate.event["id"] in known["events"]:
            there.append(candidate.event["id"])
            continue
        for part in PARTS:
            for item in candidate.parts[part]:
                if item["id"] not in known[part]:
                    known[part].add(item["id"])
                    added[part].append(item)
    file = case / FILE if case.is_dir() else case
    if added["events"]:
        text = text_of(file, FILE_LIMIT) if file.exists() else ""
        new = splice(text or _HEAD, added, file.name, listed)
        warned = _checked(case, file, new)
        if (text_of(file, FILE_LIMIT) if file.exists() else "") != text:
            raise UserError(f"{file}: it was changed meanwhile, so nothing was written. Try again.")
        replace_text(file, new)
        before = {(p.problem, p.kind) for p in loaded.problems}
        warnings = tuple(str(p) for p in warned if (p.problem, p.kind) not in before)
    else:
        warnings = ()
    names = tuple(event["id"] for event in added["events"])
    return Entered(file, names, tuple(there), _beside(loaded.case, added["events"]), warnings)


def _beside(case: Case, added: list[dict[str, Any]]) -> dict[str, tuple[str, ...]]:
    """Events of the case on the day and of the side of those that enter."""
    found = {}
    for item in added:
        event = Event.model_validate(item)
        near = tuple(e.id for e in case.events if e.side == event.side and _same_day(e.date, event.date))
        if near:
            found[event.id] = near
    return found


def _same_day(one: When, other: When) -> bool:
    return one.on is not None and one.certain and other.certain and one.on == other.on


def _checked(case: Path, file: Path, text: str) -> tuple[Any, ...]:
    """Warnings of the case as it would be; refused if it would not pass its check."""
    with tempfile.TemporaryDirectory(prefix="standoff-") as name:
        copy = Path(name) / (case.resolve().name or "case")
        if case.is_dir():
            copy.mkdir()
            for one in case.iterdir():
                if one.suffix in (*SUFFIXES, ".json") and one.is_file() and not one.name.startswith("."):
                    shutil.copyfile(one, copy / one.name)
            (copy / file.name).write_text(text, encoding="utf-8", newline="")
        else:
            copy.write_text(text, encoding="utf-8", newline="")
        try:
            return load_case(copy).problems
        except CaseError as error:
            problems = "\n".join(str(problem) for problem in error.problems)
            raise UserError(
                f"With these events the case would not pass its check, so nothing was written. Places are those in "
                f"{file.name} as it would be:\n{problems}"
            ) from None
