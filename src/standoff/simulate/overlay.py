"""What a counterfactual changes, from words: numbers of truth or of a view, a misreading corrected, a move.

| written | meaning |
|---|---|
| `PATH=VALUE`, `truth.PATH=VALUE` | a number of the base, and hence of every view, before the view's own differences |
| `views.VIEW.PATH=VALUE` | a number of one view, after its differences; VIEW is its id or the side that holds it |
| `views.VIEW.DIFFERENCE=off` | that difference of the view is corrected |
| `moves.SIDE.DATE=CLASS[:DETAIL]` | a move made in the round of that date; DETAIL is a rung or a package |

A path may be shortened to its end where that is unique. VALUE is a number, `+x` (added; `+-x` taken away) or `*x` (a
factor).
"""

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np
from pydantic import ValidationError

from standoff.case.bounds import bounds
from standoff.case.crisis import Case, View
from standoff.case.evidence import CoercerClass, Move, TargetClass
from standoff.case.explain import suggestion
from standoff.case.number import Shift
from standoff.errors import CaseError, UserError
from standoff.simulate import draws as drawing
from standoff.simulate.payoffs import playable
from standoff.simulate.record import round_of
from standoff.simulate.setup import SIDES, TRUTH

CLASSES = {"coercer": get_args(CoercerClass), "target": get_args(TargetClass)}
FILE_LIMIT = 2**20
"""Bytes that a file of counterfactuals may have."""
PLUS_UNQUOTED = re.compile(r"^[^#\"']*:\s*\+\s*[0-9.]", re.MULTILINE)


@dataclass(frozen=True)
class Made:
    """A move that a counterfactual makes in a round (from 0)."""

    side: str
    round: int
    move: Move


@dataclass(frozen=True)
class Counterfactual:
    """Everything that is otherwise in one counterfactual; `asked` in the user's words."""

    name: str
    asked: tuple[str, ...]
    shifts: Mapping[str, Mapping[str, Shift]]
    off: Mapping[str, tuple[str, ...]]
    moves: tuple[Made, ...]


def counterfactual(case: Case, name: str, settings: Sequence[tuple[str, Any]]) -> Counterfactual:
    """Read the settings of a counterfactual; a mistake in one is a `UserError` that names it."""
    if not settings:
        raise UserError(f"'{name}': a counterfactual changes something. Write at least one PATH=VALUE.")
    shifts: dict[str, dict[str, Shift]] = {}
    off: dict[str, tuple[str, ...]] = {}
    moves: list[Made] = []
    for path, value in settings:
        head, _, rest = path.partition(".")
        if head == "moves":
            moves.append(_move(case, path, str(value)))
            continue
        view = None
        if head == "views":
            word, _, rest = rest.partition(".")
            view = _view(case, path, word)
            if str(value).strip() == "off":
                _difference(case, view, path, rest)
                off[view.holder] = (*off.get(view.holder, ()), rest)
                continue
        elif head != TRUTH:
            rest = path
        number = resolve(case, path, rest)
        place = shifts.setdefault(view.id if view else TRUTH, {})
        if number in place:
            raise UserError(f"{path}: this number is changed twice. Leave one.")
        place[number] = _shift(case, view, path, number, value)
    twice = {(m.side, m.round) for m in moves}
    if len(twice) < len(moves):
        raise UserError(f"'{name}': two moves of one side fall in the same round. A round has one; leave one.")
    asked = tuple(f"{path}={_words(value)}" for path, value in settings)
    return Counterfactual(name, asked, shifts, off, tuple(moves))


def split(text: str) -> tuple[str, str]:
    """`PATH=VALUE` as its two parts."""
    path, sign, value = text.partition("=")
    if not sign or not path.strip() or not value.strip():
        raise UserError(f"'{text}': write PATH=VALUE, such as views.target.force.success=0.9.")
    return path.strip(), value.strip()


def from_file(case: Case, path: Path) -> tuple[list[Counterfactual], dt.date | None]:
    """Named counterfactuals of a YAML file, and its date, if it has one.

    The file holds `counterfactuals`, a mapping from name to a mapping from path to value, and perhaps `from`.
    """
    from standoff.case.place import parse

    text = _read(path)
    unquoted = PLUS_UNQUOTED.search(text)
    if unquoted:
        line = text[: unquoted.end()].count("\n") + 1
        raise UserError(f"{path}:{line}: '+x' without quotes is a plain number in YAML. Write {{plus: x}} or \"+x\".")
    parsed = parse(text, str(path))
    if parsed.problems:
        raise CaseError(parsed.problems)
    data = parsed.data
    listed = data.get("counterfactuals") if isinstance(data, dict) else None
    if not isinstance(data, dict) or not isinstance(listed, dict):
        raise UserError(f"{path}: write 'counterfactuals:' and below it, by name, paths with values.")
    for word in set(data) - {"counterfactuals", "from"}:
        raise UserError(f"{path}: '{word}' is not a key here. {suggestion(word, ['counterfactuals', 'from'])}")
    when = data.get("from")
    if when is not None and not isinstance(when, dt.date):
        raise UserError(f"{path}: 'from' is a date, year-month-day.")
    if not listed:
        raise UserError(f"{path}: there is no counterfactual in it. Write a name, and below it paths with values.")
    found = []
    for name, settings in listed.items():
        if not isinstance(settings, dict):
            raise UserError(f"{path}: '{name}' needs paths with values below it.")
        found.append(counterfactual(case, name, list(settings.items())))
    return found, when


def _read(path: Path) -> str:
    """Text of a file of counterfactuals."""
    try:
        if path.exists() and not path.is_file():
            raise UserError(f"{path}: this is no file. Name one with counterfactuals.")
        with path.open("rb") as stream:
            content = stream.read(FILE_LIMIT + 1)
        if len(content) > FILE_LIMIT:
            large = f"this file is larger than {FILE_LIMIT // 2**20} MiB"
            raise UserError(f"{path}: {large}. Name one with counterfactuals.")
        return content.decode("utf-8")
    except OSError as error:
        raise UserError(f"{path}: it cannot be read: {error.strerror}. Check its name, and who may read it.") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: it is not UTF-8. Save it as UTF-8.") from error


def resolve(case: Case, said: str, word: str) -> str:
    """The full path of a number, from its end; `said` is what the user wrote."""
    known = list(drawing.numbers(case))
    if word in known:
        return word
    ends = [path for path in known if path.endswith(f".{word}")] if word else []
    if len(ends) == 1:
        return ends[0]
    if ends:
        more = f" and {len(ends) - 6} more" if len(ends) > 6 else ""
        raise UserError(f"{said}: this may be {', '.join(ends[:6])}{more}. Write more of the path.")
    depth = word.count(".") + 1
    near = suggestion(word, {".".join(path.split(".")[-depth:]) for path in known} | set(known))
    raise UserError(f"{said}: this case has no number '{word}'. {near}")


def _view(case: Case, said: str, word: str) -> View:
    held = {side: case.view_of(side) for side in SIDES}  # type: ignore[arg-type]
    names = {view.id: view for view in case.views} | {side: view for side, view in held.items() if view}
    if word in names:
        return names[word]
    if word in SIDES:
        raise UserError(f"{said}: the {word} has no view of its own; it holds the base. Write truth.PATH instead.")
    raise UserError(f"{said}: there is no view '{word}'. {suggestion(word, names)}")


def _difference(case: Case, view: View, said: str, word: str) -> None:
    if case.view_of(view.holder) != view:
        raise UserError(f"{said}=off: no side acts on view '{view.id}'. Set its numbers one by one instead.")
    names = [difference.id for difference in view.differences]
    if word not in names:
        raise UserError(f"{said}=off: view '{view.id}' has no difference '{word}'. {suggestion(word, names)}")


def _shift(case: Case, view: View | None, said: str, number: str, value: object) -> Shift:
    text = str(value).strip() if isinstance(value, str | int | float) else ""
    try:
        if text[:1] in ("+", "*"):
            shift = Shift.model_validate({"plus" if text[0] == "+" else "times": _float(text[1:])})
        else:
            shift = Shift.model_validate(_float(text) if text else value)
    except ValidationError as error:
        wrong, first = _words(value), error.errors()[0]
        why = str(first["msg"]).removeprefix("Value error, ") if first["type"] == "value_error" else _no_number(wrong)
        raise UserError(f"{said}={wrong}: {why}. Write one number, +x, *x, or off.") from error
    except ValueError as error:
        wrong = _words(value)
        raise UserError(f"{said}={wrong}: {_no_number(wrong)}. Write one, +x, *x, or off.") from error
    low, high = bounds(case).get(number, (-np.inf, np.inf))
    least, most = _reach(case, view, number, shift)
    if least < low or most > high:
        top = "" if np.isinf(high) else f" and at most {high:g}"
        away = f"{least:g}" if least < low else f"{most:g}"
        relative = "" if shift.to is not None else ", counted from its central value"
        raise UserError(f"{said}={_words(value)}: {number} must be at least {low:g}{top}, not {away}{relative}.")
    return shift


def _no_number(text: str) -> str:
    return f"'{text}' is no number"


def _float(text: str) -> float:
    """A number as YAML has it: Python would read 1_0 and digits of other scripts as well."""
    if not text.isascii() or "_" in text:
        raise ValueError(text)
    return float(text)


def _reach(case: Case, view: View | None, number: str, shift: Shift) -> tuple[float, float]:
    """Lowest and highest value that a shift can bring: of relative ones, from the central value."""
    if shift.to is not None:
        return shift.to.reach
    centre = drawing.apply(case, view, drawing.base(case, seed=0, count=0), seed=0, count=0)[number][0]
    by = shift.number.centre
    there = float(centre * by if shift.times is not None else centre + by)
    return there, there


def _move(case: Case, said: str, value: str) -> Made:
    parts = said.split(".")
    if len(parts) != 3 or parts[1] not in SIDES:
        raise UserError(f"{said}: write moves.coercer.DATE or moves.target.DATE.")
    side = parts[1]
    try:
        day = dt.date.fromisoformat(parts[2])
    except ValueError as error:
        raise UserError(f"{said}: '{parts[2]}' is not a date. Write year-month-day.") from error
    word, _, detail = value.strip().partition(":")
    if word not in CLASSES[side]:
        raise UserError(f"{said}={value}: the {side} has no move '{word}'. {suggestion(word, CLASSES[side])}")
    round_ = require_round(case, said, day)
    if word == "climb":
        rungs = [rung.id for rung in case.ladder]
        if detail not in rungs[1:]:
            raise UserError(f"{said}={value}: a climb names a rung, climb:RUNG. {suggestion(detail, rungs[1:])}")
        return Made(side, round_, Move(move="climb", rung=detail))
    if word == "offer":
        ids = [package.id for package in playable(case, side)]
        if detail not in ids:
            near = suggestion(detail, ids) if ids else f"The {side} has none in this case."
            raise UserError(f"{said}={value}: an offer names a package of the {side}, offer:PACKAGE. {near}")
        return Made(side, round_, Move(move="offer", package=detail))
    if detail:
        raise UserError(f"{said}={value}: only a climb and an offer have a detail. Leave out ':{detail}'.")
    return Made(side, round_, Move(move=word))


def require_round(case: Case, said: str, day: dt.date) -> int:
    """The round (from 0) of a date within the crisis."""
    found = round_of(case, day)
    if not 0 <= found < case.crisis.rounds:
        crisis = case.crisis
        raise UserError(f"{said}: {day} is outside the crisis. Name a day from {crisis.starts} to {crisis.ends}.")
    return found


def _words(value: object) -> str:
    """A value as it would be written on the command line."""
    if isinstance(value, dict):
        signs = {"times": "*", "plus": "+"}
        parts = (f"{signs[k]}{_words(v)}" if k in signs else f"{k} {_words(v)}" for k, v in value.items())
        return ", ".join(parts)
    return str(value)
