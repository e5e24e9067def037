"""Reads a mapping file, the user's or a shipped one, and tells every problem with its line and a remedy."""

import hashlib
import json
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from standoff.backtest.mapping import Mapping, Misplaced
from standoff.case.explain import nearest, shown, suggestion
from standoff.case.place import Sources, parse
from standoff.errors import CaseError, Problem

FILE_LIMIT = 2**20
"""Bytes that a mapping may hold."""
STUDIES = Path(__file__).parent / "studies"


@dataclass(frozen=True)
class Study:
    """A mapping that was read, with where from."""

    mapping: Mapping
    place: str

    @cached_property
    def digest(self) -> str:
        """SHA-256 of what it says, whatever its comments and order of keys."""
        text = json.dumps(self.mapping.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def shipped() -> list[str]:
    """Names of the studies that come with the library."""
    return sorted(path.stem for path in STUDIES.glob("*.yaml"))


def read(name: str | Path) -> Study:
    """Read a mapping: a file, or the name of a study that comes with the library.

    Raises:
        CaseError: with everything that is wrong, each with its line.
    """
    path = Path(name)
    if str(name) in shipped():
        path = STUDIES / f"{name}.yaml"
    elif not path.is_file():
        close = nearest(str(name), shipped())
        remedy = f"Did you mean '{close}'?" if close else f"Name a mapping file or one of: {', '.join(shipped())}."
        raise CaseError([Problem(str(name), "there is no such mapping file or study", remedy, "file")])
    try:
        content = path.read_bytes()[: FILE_LIMIT + 1]
        text = content.decode("utf-8-sig")
    except OSError as error:
        raise CaseError([Problem(path.name, f"it cannot be read: {error.strerror}", kind="file")]) from None
    except UnicodeDecodeError:
        raise CaseError([Problem(path.name, "it is not UTF-8", "Save it as UTF-8.", "file")]) from None
    if len(content) > FILE_LIMIT:
        raise CaseError([Problem(path.name, "a mapping is smaller than 1 MiB", "Is this the table?", "file")])
    parsed = parse(text, path.name)
    if parsed.problems:
        raise CaseError(parsed.problems)
    if not isinstance(parsed.data, dict):
        raise CaseError([Problem(path.name, "this is no mapping of keys", "Begin with 'study: NAME'.", "syntax")])
    sources = Sources(path.name, parsed.data, parsed.keys, parsed.values)
    try:
        return Study(Mapping.model_validate(parsed.data), str(path))
    except ValidationError as error:
        raise CaseError(list(_problems(error, sources))) from None


def _problems(error: ValidationError, sources: Sources) -> Iterator[Problem]:
    seen = set()
    for item in error.errors(include_url=False):
        path = sources.follow(tuple(step for step in item["loc"] if isinstance(step, str | int)))
        kind, last = item["type"], str(item["loc"][-1]) if item["loc"] else ""
        if kind == "extra_forbidden":
            fields = _fields(item["loc"][:-1])
            problem = Problem(sources.key_at(path), f"the key '{last}' is not known here", suggestion(last, fields))
        elif kind == "missing":
            problem = Problem(sources.at(path), f"'{last}' is missing here", f"Add '{last}:'.")
        elif kind == "string_pattern_mismatch":
            value = shown(sources.get(path))
            problem = Problem(sources.at(path), f"{value} is no fit name here", _NAMES)
        elif kind == "value_error":
            message = str(item["msg"]).removeprefix("Value error, ")
            error_ = item.get("ctx", {}).get("error")
            where = sources.follow((*path, *error_.path)) if isinstance(error_, Misplaced) else path
            problem = Problem(sources.at(where), message)
        else:
            message = str(item["msg"])
            problem = Problem(sources.at(path), f"{message[:1].lower()}{message[1:]}, not {shown(sources.get(path))}")
        if problem.place not in seen:
            seen.add(problem.place)
            yield problem


_NAMES = (
    "Names of columns and files begin with a letter and hold letters, digits, _ (files also . and -); ids of tables, "
    "splits and questions are lower-case with hyphens; addresses begin with https://."
)


def _fields(loc: tuple[Any, ...]) -> set[str]:
    """Keys that are known at a place, by the annotations on the way to it."""
    here: list[Any] = [Mapping]
    for step in loc:
        here = [inner for kind in here for inner in _inside(kind, step)] or here
    return {
        field.alias or name
        for kind in here if isinstance(kind, type) and issubclass(kind, BaseModel)
        for name, field in kind.model_fields.items()
    }  # fmt: skip


def _inside(kind: Any, step: str | int) -> list[Any]:  # noqa: ANN401 (an annotation)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return [a for n, f in kind.model_fields.items() if step in (n, f.alias) for a in _flat(f.annotation)]
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is dict:
        return _flat(arguments[1])
    return _flat(arguments[0]) if origin is tuple else []


def _flat(kind: Any) -> list[Any]:  # noqa: ANN401 (an annotation)
    if typing.get_origin(kind) is typing.Annotated:
        return _flat(typing.get_args(kind)[0])
    arguments = typing.get_args(kind)
    if type(None) in arguments or str(typing.get_origin(kind)) in ("typing.Union", "<class 'types.UnionType'>"):
        return [inner for part in arguments for inner in _flat(part)]
    return [kind]
