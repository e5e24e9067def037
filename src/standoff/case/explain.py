"""From pydantic's errors to problems with a place, plain words, a remedy and the nearest allowed word."""

import re
import types
import typing
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from standoff.case.crisis import Case
from standoff.case.number import Number, Shift
from standoff.case.place import Path, Sources, Tree
from standoff.errors import Problem

_TYPE_ERRORS = {
    "string_type": "text",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "dict_type": "a mapping",
    "list_type": "a list",
    "tuple_type": "a list",
    "float_type": "a number",
    "float_parsing": "a number",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing_size": "a smaller whole number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "date_type": "a date such as 2031-05-17",
    "date_parsing": "a date such as 2031-05-17",
    "date_from_datetime_parsing": "a date such as 2031-05-17",
    "date_from_datetime_inexact": "a date such as 2031-05-17",
}
_QUOTED = re.compile(r"'([^']*)'")


_RANGES = {
    "between 0 and 1": "Write a number from 0 to 1.",
    "a cost of 0 or more": "Write a number of 0 or more: costs have no sign, they are taken off.",
    "a loss of 0 or more": "Write a number of 0 or more: losses have no sign, they are taken off.",
    "0 or more": "Write a number of 0 or more.",
    "is not above 0": "Write a number above 0.",
}
"""How a message about the range of a number ends, and the remedy."""

_FORMS = {
    "normal": "[mean, sd]", "lognormal": "[median, sd of log]", "beta": "[a, b]", "uniform": "[low, high]",
    "range": "[low, mode, high]",
}  # fmt: skip
"""Arguments of a distribution."""

MOST_WORDS = 5000
"""Allowed words beyond which the nearest is not searched."""


def nearest(word: str, allowed: Iterable[str]) -> str | None:
    """The allowed word that takes the fewest slips to reach, if it is near at all."""
    from rapidfuzz import process
    from rapidfuzz.distance import OSA

    words = sorted(allowed)
    if len(words) > MOST_WORDS:
        return None
    found = process.extractOne(word, words, scorer=OSA.normalized_similarity, score_cutoff=0.6)
    return str(found[0]) if found else None


def suggestion(word: str, allowed: Iterable[str], *, many: int = 12) -> str:
    """A remedy: the nearest allowed word, else all of them where they are few."""
    words = sorted(set(allowed))
    close = nearest(word, words)
    if close is not None:
        return f"Did you mean '{close}'?"
    if not words:
        return ""
    if len(words) <= many:
        return f"Allowed: {', '.join(words)}."
    return f"Allowed are {len(words)} words, such as {', '.join(words[:5])}."


def shown(value: object) -> str:
    """A value as a short phrase for a message."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    text = " ".join(str(value).split())
    return f"'{text[:60]}…'" if len(text) > 61 else f"'{text}'"


@dataclass(frozen=True)
class Finding:
    """A problem with the path in the files that it is about, and the key that was meant by an unknown one."""

    path: Path
    problem: Problem
    meant: str | None = None
    unknown: bool = False


def explain(error: ValidationError, sources: Sources) -> list[Finding]:
    """Each thing wrong once; of the branches of a choice the apt one is kept.

    A key that is lacking because it is misspelt is told once, as misspelt.
    """
    at: dict[Path, list[dict[str, Any]]] = {}
    for details in error.errors(include_url=False):
        item = dict(details)
        at.setdefault(_raw_path(item, sources), []).append(item)
    found = []
    for path, items in at.items():
        below = any(len(other) > len(path) and other[: len(path)] == path for other in at)
        apt = [item for item in items if item["type"] not in _TYPE_ERRORS and item["type"] != "literal_error"]
        if below and not apt:
            continue  # a branch of a choice that was not meant
        unknown = (apt or items)[0]["type"] == "extra_forbidden"
        meant = nearest(str(path[-1]), _fields(items[0]["loc"][:-1])) if unknown else None
        found.append(Finding(path, _problem(path, items, apt, sources), meant, unknown))
    misspelt = {(*finding.path[:-1], finding.meant) for finding in found if finding.meant is not None}
    return [finding for finding in found if finding.path not in misspelt]


def _raw_path(item: dict[str, Any], sources: Sources) -> Path:
    """The part of pydantic's location that stands in the files: no names of branches, no implied keys."""
    here: Tree = sources.data
    path: list[str | int] = []
    loc = [step for step in item["loc"] if step != "[key]"]
    for position, step in enumerate(loc):
        if (isinstance(here, dict) and step in here) or (
            isinstance(here, list) and isinstance(step, int) and step < len(here)
        ):
            here = here[step]
            path.append(step)
        elif item["type"] == "missing" and position == len(loc) - 1:
            path.append(step)
    return tuple(path)


def _problem(path: Path, items: list[dict[str, Any]], apt: list[dict[str, Any]], sources: Sources) -> Problem:
    item = (apt or items)[0]
    name = str(path[-1])[:60] if path else "the case"
    if item["type"] == "extra_forbidden":
        fields = _fields(item["loc"][:-1])
        return Problem(sources.key_at(path), f"the key '{name}' is not known here", suggestion(name, fields))
    if item["type"] == "missing" and len(path) > 1 and isinstance(path[-1], int):
        form = _FORMS.get(str(path[-2]))
        remedy = f"Write {path[-2]}: {form}." if form else "Write one for each."
        return Problem(sources.at(path[:-1]), f"'{path[-2]}' lacks a number", remedy)
    if item["type"] == "missing":
        around = _whose(path[:-1], sources)
        return Problem(sources.at(path[:-1]), f"{around} lacks '{name}'", _missing_remedy(item["loc"], name))
    if item["loc"][-1:] == ("[key]",):
        remedy = "Ids are of lower-case letters, digits, - and _, and begin with a letter."
        return Problem(sources.key_at(path), f"the key '{name}' is not an id", remedy)
    if not path:
        return _of_whole(str(item["msg"]), sources)
    place = sources.at(path)
    value = sources.get(path)
    literals = [word for one in items if one["type"] == "literal_error" for word in _words(one)]
    kinds = list(dict.fromkeys(_TYPE_ERRORS[one["type"]] for one in items if one["type"] in _TYPE_ERRORS))
    field_name = next((str(step) for step in reversed(path) if isinstance(step, str)), name)
    whose = f"'{field_name}'" if path[-1] == field_name else f"an item of '{field_name}'"
    if apt:
        return Problem(place, *_said(item, value, field_name))
    if isinstance(value, str) and literals and not kinds:
        return Problem(place, f"{shown(value)} is not allowed for '{field_name}'", suggestion(value, literals, many=20))
    if {Number, Shift} & set(_models(item["loc"])):
        kinds = ["a number, or a mapping such as {beta: [2, 5]}"]
    wanted = " or ".join([*kinds, *literals[:3]])
    if kinds == ["text"] and isinstance(value, int | float | bool):
        return Problem(place, f"{whose} takes text, not {shown(value)}", "Put it in quotes.")
    remedy = f"Write {wanted}." if value is not None else f"Write {wanted}, or remove the key."
    return Problem(place, f"{whose} takes {wanted}, not {shown(value)}", remedy)


def _said(item: dict[str, Any], value: object, field_name: str) -> tuple[str, str]:
    """Problem and remedy of an error that is neither about a type nor about a key."""
    context = item.get("ctx", {})
    kind = item["type"]
    if kind == "string_pattern_mismatch":
        if "0-9a-f]{64}" in str(context.get("pattern")):
            return f"{shown(value)} is not a SHA-256", "Write 64 digits of 0-9 and a-f."
        if "https" in str(context.get("pattern")):
            return f"{shown(value)} is not a web address", "Begin it with https://."
        if r"\." in str(context.get("pattern")):
            return (
                f"{shown(value)} is not a path to a number",
                "Write it with dots: parameters.force.success.",
            )
        if field_name == "from":
            return f"{shown(value)} is no name of a file in the folder of the case", "Write a name, such as fit.json."
        remedy = "Ids are of lower-case letters, digits, - and _, and begin with a letter."
        return f"{shown(value)} is not an id", remedy
    if kind == "string_too_long":
        limit = context.get("max_length")
        return f"'{field_name}' is longer than {limit} characters", "Say it shorter, in your own words."
    if kind == "string_too_short":
        return f"'{field_name}' is empty", "Write it, or remove the key."
    if kind in ("too_short", "too_long"):
        bound = context.get("min_length" if kind == "too_short" else "max_length")
        word = "at least" if kind == "too_short" else "at most"
        noun = "item" if bound == 1 else "items"
        return f"'{field_name}' takes {word} {bound} {noun}, not {context.get('actual_length')}", ""
    limits = {"greater_than_equal": ("ge", "at least"), "less_than_equal": ("le", "at most")}
    limits |= {"greater_than": ("gt", "more than"), "less_than": ("lt", "less than")}
    if kind in limits:
        key, word = limits[kind]
        bound = context.get(key)
        if field_name == "probability":
            return f"{value} is not a probability between 0 and 1", "Write a number from 0 to 1."
        what = (
            f"{bound} or {'more' if kind == 'greater_than_equal' else 'less'}" if "equal" in kind else f"{word} {bound}"
        )
        return f"'{field_name}' takes {word} {bound}, not {value}", f"Write {what}."
    message = str(item["msg"]).removeprefix("Value error, ").rstrip(".")
    in_range = next((told for end, told in _RANGES.items() if message.endswith(end)), None)
    if in_range is not None:
        return message, in_range
    return message[:1].lower() + message[1:], ""


def _of_whole(message: str, sources: Sources) -> Problem:
    """A rule about the case as a whole: placed at the first id that it names, else at the actors."""
    message = message.removeprefix("Value error, ")
    named = _QUOTED.search(message)
    path: Path = ("actors", named.group(1)) if named else ("actors",)
    return Problem(sources.at(path), message, "See the comments of a case written by 'standoff new'.")


def _words(item: dict[str, Any]) -> list[str]:
    return _QUOTED.findall(str(item.get("ctx", {}).get("expected", "")))


def _whose(path: Path, sources: Sources) -> str:
    if not path:
        return "the case"
    value = sources.get(path)
    name = value.get("id") if isinstance(value, dict) else None
    if isinstance(name, str):
        part = next((step for step in reversed(path) if isinstance(step, str)), "item")
        return f"'{name}' in {part}"
    return f"'{path[-1]}'" if isinstance(path[-1], str) else f"item {int(path[-1]) + 1} of '{path[-2]}'"


def _missing_remedy(loc: tuple[str | int, ...], name: str) -> str:
    models = _models(loc[:-1])
    for model in models:
        if name in model.model_fields and model.model_fields[name].description:
            return f"Add '{name}:'. {model.model_fields[name].description}"
    return f"Add '{name}:'." if len(loc) > 1 else f"Add the part '{name}:' to one of the files."


def _fields(loc: tuple[str | int, ...]) -> set[str]:
    return {name for model in _models(loc) for name in model.model_fields}


def _models(loc: tuple[str | int, ...]) -> list[type[BaseModel]]:
    """The models that can stand at a location of pydantic's."""
    here: list[object] = [Case]
    for step in loc:
        inside = [inner for kind in here for inner in _inside(kind, step)]
        here = inside or here  # a step that names a branch of a choice leads nowhere
    return [kind for kind in here if isinstance(kind, type) and issubclass(kind, BaseModel)]


def _inside(kind: object, step: str | int) -> list[object]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return _flat(kind.model_fields[step].annotation) if step in kind.model_fields else []
    if get_origin(kind) is dict:
        return _flat(get_args(kind)[1])
    if get_origin(kind) in (list, tuple) and isinstance(step, int):
        return _flat(get_args(kind)[0])
    return []


def _flat(kind: object) -> list[object]:
    if get_origin(kind) is typing.Annotated:
        return _flat(get_args(kind)[0])
    if get_origin(kind) in (typing.Union, types.UnionType):
        return [inner for part in get_args(kind) for inner in _flat(part)]
    return [kind]
