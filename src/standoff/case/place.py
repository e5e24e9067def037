"""YAML text to plain data in which every key and value remembers where it stands.

Only what a case needs of YAML 1.2 is read: mappings, lists, texts, numbers, dates, true/false, null. Tags,
anchors, aliases and merge keys are refused, so that no file can run anything or grow while it is read.
"""

import datetime as dt
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from ruamel.yaml import YAML, events
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from standoff.errors import Problem

if TYPE_CHECKING:
    Tree: TypeAlias = "dict[str, Tree] | list[Tree] | str | int | float | bool | dt.date | None"
    """Plain data, as YAML holds it."""
else:
    Tree = Any  # run-time checkers of types do not follow a type into itself

Path = tuple[str | int, ...]
"""Where in a case: names of keys, and positions (or ids) of items."""

DEPTH = 24
"""How deep mappings and lists may be nested."""
VALUES_LIMIT = 200_000
"""Values that one file may hold."""
LINE_LIMIT = 10_000
"""Characters that a line may hold."""
PROBLEMS_LIMIT = 200
"""Problems after which the rest of a file is not read."""

_INT = re.compile(r"[-+]?[0-9]{1,18}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_WORDS = {"": None, "~": None, "null": None, "Null": None, "NULL": None}
_FLAGS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, order=True)
class Place:
    """A point in a file; lines and columns count from 1."""

    file: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass
class Sources:
    """The content of a case as plain data, with the place of every key and value."""

    name: str
    data: dict[str, Tree] = field(default_factory=dict)
    keys: dict[Path, Place] = field(default_factory=dict)
    values: dict[Path, Place] = field(default_factory=dict)

    def follow(self, path: Path) -> Path:
        """The longest part of a path that the files hold, with ids of items turned into positions."""
        here: Tree = self.data
        found: list[str | int] = []
        left = list(path)
        while left:
            step, used = left[0], 1
            if isinstance(here, list):
                index = step if isinstance(step, int) else _position(here, step)
                if index is None or index >= len(here):
                    break
                here, step = here[index], index
            elif isinstance(here, dict):
                step, used = _key(here, left)
                if not used:
                    break
                here = here[str(step)]
            else:
                break
            found.append(step)
            del left[:used]
        return tuple(found)

    def at(self, path: Path) -> str:
        """Place of the value at a path, or of the nearest thing around it."""
        found = self.follow(path)
        while found and found not in self.values:
            found = found[:-1]
        return str(self.values[found]) if found else self.name

    def key_at(self, path: Path) -> str:
        """Place of the key that ends a path; of the value where it is an item of a list."""
        found = self.follow(path)
        return str(self.keys[found]) if found in self.keys else self.at(path)

    def get(self, path: Path) -> Tree:
        """The value at a path; none where the files do not hold it."""
        found = self.follow(path)
        return _down(self.data, found) if len(found) == len(path) else None

    def leaves(self) -> Iterator[tuple[Path, Tree]]:
        """Every value that is neither mapping nor list."""
        yield from _leaves(self.data, ())


def _key(here: dict[str, Tree], left: list[str | int]) -> tuple[str, int]:
    """The key that the next steps name (keys may hold dots), and how many steps that takes."""
    names = (".".join(map(str, left[:used])) for used in range(1, len(left) + 1))
    return next(((name, used) for used, name in enumerate(names, 1) if name in here), ("", 0))


def _down(here: Tree, path: Path) -> Tree:
    for step in path:
        if isinstance(here, dict):
            here = here[str(step)]
        elif isinstance(here, list):
            here = here[int(step)]
    return here


def _position(items: list[Tree], name: str) -> int | None:
    for index, item in enumerate(items):
        if isinstance(item, dict) and item.get("id") == name:
            return index
    return int(name) if name.isdecimal() and len(name) < 9 else None


def _leaves(here: Tree, path: Path) -> Iterator[tuple[Path, Tree]]:
    if isinstance(here, dict):
        for key, item in here.items():
            yield from _leaves(item, (*path, key))
    elif isinstance(here, list):
        for index, item in enumerate(here):
            yield from _leaves(item, (*path, index))
    else:
        yield path, here


@dataclass
class Parsed:
    """One file: its data (none if it could not be read to the end), places and problems."""

    data: Tree = None
    keys: dict[Path, Place] = field(default_factory=dict)
    values: dict[Path, Place] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    whole: bool = True


def parse(text: str, file: str) -> Parsed:
    """Read one file of YAML."""
    bad = _CONTROL.search(text)
    if bad:
        before = text[: bad.start()]
        place = Place(file, before.count("\n") + 1, bad.start() - before.rfind("\n"))
        character = f"U+{ord(bad.group()):04X}"
        problem = Problem(str(place), f"the control character {character} is not allowed", "Remove it.", "syntax")
        return Parsed(problems=[problem], whole=False)
    long = next((number for number, line in enumerate(text.splitlines(), 1) if len(line) > LINE_LIMIT), None)
    if long is not None:
        what = f"this line is longer than {LINE_LIMIT} characters"
        problem = Problem(str(Place(file, long)), what, "Break it.", "syntax")
        return Parsed(problems=[problem], whole=False)
    return _Reader(file).read(text)


class _Stop(Exception):
    """The rest of the file cannot be made sense of; the problem is noted."""


class _Reader:
    """Builds data from the events of ruamel's parser, without recursion."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.out = Parsed()
        self.stack: list[tuple[dict[str, Tree] | list[Tree], Path]] = []
        self.pending: list[str | None] = []
        self.documents = 0

    def read(self, text: str) -> Parsed:
        try:
            for event in YAML(typ="safe", pure=True).parse(text):
                self._take(event)
                if len(self.out.values) > VALUES_LIMIT:
                    place = Place(self.file, event.start_mark.line + 1, event.start_mark.column + 1)
                    remedy = "A case holds no data: keep those elsewhere."
                    self._note(place, f"this file holds more than {VALUES_LIMIT} values", remedy)
                    raise _Stop
                if len(self.out.problems) > PROBLEMS_LIMIT:
                    self.out.whole = False
                    raise _Stop
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            place = Place(self.file, mark.line + 1, mark.column + 1) if mark else Place(self.file)
            what = " ".join(str(error.problem or error.context or "it is not YAML").split())
            self._note(place, f"this is not YAML: {what}", _SYNTAX_REMEDY)
        except _Stop:
            pass
        except (YAMLError, ValueError, IndexError, AttributeError, AssertionError, TypeError) as error:
            # ruamel's parser breaks on some malformed input in ways of its own.
            what = " ".join(str(error).split())[:160] or type(error).__name__
            self._note(Place(self.file), f"this is not YAML: {what}", _SYNTAX_REMEDY)
        return self.out

    def _note(self, place: Place, problem: str, remedy: str, *, fatal: bool = True) -> None:
        self.out.problems.append(Problem(str(place), problem, remedy, "syntax"))
        self.out.whole = self.out.whole and not fatal

    def _take(self, event: events.Event) -> None:
        mark = event.start_mark
        place = Place(self.file, mark.line + 1, mark.column + 1)
        if isinstance(event, events.DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                self._note(place, "a second YAML document begins here", "Keep one a file: remove '---'.")
                raise _Stop
        elif isinstance(event, events.AliasEvent):
            self._note(place, f"the alias '*{event.anchor[:60]}' is not allowed", "Write the value out.", fatal=False)
            self._put(None, place)
        elif isinstance(event, events.NodeEvent):
            self._decorated(event, place)
            if isinstance(event, events.ScalarEvent):
                self._scalar(event, place)
            else:
                self._open({} if isinstance(event, events.MappingStartEvent) else [], place)
        elif isinstance(event, events.MappingEndEvent | events.SequenceEndEvent):
            self.stack.pop()
            self.pending.pop()

    def _decorated(self, event: events.NodeEvent, place: Place) -> None:
        if event.anchor is not None:
            self._note(place, f"the anchor '&{event.anchor[:60]}' is not allowed", "Remove it.", fatal=False)
        tag = getattr(event, "tag", None)
        if tag is not None:
            self._note(place, f"the tag '{str(tag)[:60]}' is not allowed", "Remove it.", fatal=False)

    def _scalar(self, event: events.ScalarEvent, place: Place) -> None:
        plain = event.style in (None, "")
        if self._wants_key():
            if plain and event.value == "<<":
                self._note(place, "the merge key '<<' is not allowed", "Write the keys out.", fatal=False)
                self.pending[-1] = "\0<<"
            else:
                self._key(event.value, place)
            return
        self._put(self._plain(event.value, place) if plain else self._text(event.value, place), place)

    def _text(self, text: str, place: Place) -> str:
        bad = _CONTROL.search(text)
        if bad:
            what = f"the text holds the control character U+{ord(bad.group()):04X}"
            self._note(place, what, "Remove it.", fatal=False)
            return _CONTROL.sub(" ", text)
        return text

    def _plain(self, text: str, place: Place) -> Tree:
        if text in _WORDS:
            return _WORDS[text]
        if text in _FLAGS:
            return _FLAGS[text]
        if _INT.fullmatch(text):
            return int(text)
        if _FLOAT.fullmatch(text):
            value = float(text)
            if math.isfinite(value):
                return value
        if _FLOAT.fullmatch(text) or _NOT_FINITE.fullmatch(text):
            self._note(place, f"'{text[:40]}' is not a finite number", "Write a finite number.", fatal=False)
            return 0.0
        if _DATE.fullmatch(text):
            try:
                return dt.date.fromisoformat(text)
            except ValueError:
                remedy = "Write a day that exists, as year-month-day."
                self._note(place, f"there is no day {text}", remedy, fatal=False)
                return "unknown"
        return text

    def _wants_key(self) -> bool:
        return bool(self.stack) and isinstance(self.stack[-1][0], dict) and self.pending[-1] is None

    def _key(self, name: str, place: Place) -> None:
        mapping, path = self.stack[-1]
        name = self._text(name, place)
        where = (*path, name)
        if name in mapping:
            first = self.out.keys[where]
            self._note(place, f"the key '{name[:60]}' stands here twice", f"It is already at {first}.", fatal=False)
            self.pending[-1] = f"\0{name}"  # keys that begin so are read on but not kept
        else:
            self.out.keys[where] = place
            self.pending[-1] = name

    def _put(self, value: Tree, place: Place) -> Path:
        if self._wants_key():  # a mapping, list or alias as a key
            self._note(place, "a key must be a word", "Put the word before the ':' in quotes.")
            raise _Stop
        path: Path = ()
        if not self.stack:
            self.out.data = value
        else:
            container, around = self.stack[-1]
            if isinstance(container, dict):
                key = self.pending[-1] or ""
                self.pending[-1] = None
                path = (*around, key)
                if not key.startswith("\0"):
                    container[key] = value
            else:
                path = (*around, len(container))
                container.append(value)
        self.out.values[path] = place
        return path

    def _open(self, container: dict[str, Tree] | list[Tree], place: Place) -> None:
        path = self._put(container, place)
        if len(self.stack) >= DEPTH:
            self._note(place, f"this is nested more than {DEPTH} deep", "A case needs less: flatten it.")
            raise _Stop
        self.stack.append((container, path))
        self.pending.append(None)


_SYNTAX_REMEDY = "Indent with spaces, and put text that holds ': ' or ' #' or starts with a sign in quotes."
