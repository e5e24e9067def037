"""The file of candidates: written for an analyst, who answers each with yes or no, and read back.

It holds, for each candidate, what was found, an event as a case has it, and stubs of the evidence for it: a document
for each text (its address, outlet unknown), the unknown first source of that text, and a claim that says what a machine
read there. An event has no `move` until the analyst writes one: what the code suggests stands beside it.
"""

import datetime as dt
import json
import os
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from standoff.case.evidence import Claim, Document, Event, Origin
from standoff.case.number import Model
from standoff.case.place import Parsed, parse
from standoff.errors import CaseError, Problem, UserError
from standoff.events.codes import act
from standoff.events.collapse import Candidate, Key, Story, hashed
from standoff.events.find import Found

SCHEMA = "standoff-candidates/1"
TEXTS = 3
"""Texts of a candidate that become documents."""
ANSWERS = ("yes", "no", "undecided")
Answer = Literal["yes", "no", "undecided"]
PARTS = ("origins", "documents", "claims", "events")
"""Parts of a case that a candidate adds to, in the order in which they are written."""
LIMIT = 32 * 2**20
"""Bytes that a file of candidates may hold."""
_MODELS: dict[str, type[Model]] = {"origins": Origin, "documents": Document, "claims": Claim, "events": Event}
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*")
_WORDS = ("true", "false", "null", "True", "False", "Null", "TRUE", "FALSE", "NULL", "y", "n", "on", "off")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029\ufffe\uffff]+")


def flow(value: object) -> str:
    """A value on one line of YAML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(flow(item) for item in value)}]"
    if value is None or isinstance(value, bool | int | float):
        return json.dumps(value)
    if isinstance(value, dt.date):
        return value.isoformat()
    text = str(value)
    return text if _PLAIN.fullmatch(text) and text not in _WORDS else json.dumps(text, ensure_ascii=False)


def _clean(text: str, most: int = 400) -> str:
    text = " ".join(_CONTROL.sub(" ", text).split())
    return text if len(text) <= most else f"{text[: most - 2].rstrip()} …"


def title(found: Candidate, found_in: Found) -> str:
    """The act in a few words: who, does what, to whom."""
    names = {"coercer": found_in.wanted.coercer.said, "target": found_in.wanted.target.said}
    key, words = found.key, act(found.key.code).words
    if key.side == "nature":
        return f"Within {names['target']}: {names['target']} {words} {names['target']}"
    if key.side == "third":
        who, _, on = key.who.rpartition(" on the ")
        return f"{who} {words} {names[on]}"
    other = names["target" if key.side == "coercer" else "coercer"]
    return f"{names[key.side]} {words} {'somebody not named' if key.alone else other}"


def name_of(key: Key, form: str) -> str:
    """Id of the event: the table, the day, the code and the side."""
    code = re.sub(r"[^a-z0-9]+", "-", key.code.casefold()).strip("-")[:20]
    side = {"coercer": "c", "target": "t", "nature": "n", "third": "o"}[key.side] + ("a" if key.alone else "")
    more = f"-{hashed(key.who):016x}"[:5] if key.who else ""
    return f"{form}-{key.date:%Y%m%d}-{code}-{side}{more}"


def stubs(found: Candidate, found_in: Found) -> dict[str, list[dict[str, Any]]]:
    """What a candidate adds to a case: origins, documents, claims, and its event last."""
    form = _form(found_in)
    name, words = name_of(found.key, form), _clean(title(found, found_in))
    parts: dict[str, list[dict[str, Any]]] = {part: [] for part in PARTS}
    for number, story in enumerate(_spread(found.stories), 1):
        at = f"{hashed(story.story or story.name):016x}"[:10]
        public = story.added if story.added != dt.date.max else "unknown"
        where = _clean(story.outlet, 80) or "an outlet that the table does not name"
        parts["origins"].append(
            {"id": f"src-{at}", "name": f"Whoever first told what {where} printed", "kind": "unknown"}
        )
        address = story.story if story.story.startswith("http") else f"{form.upper()}, {story.story or story.name}"
        about = f"A text that a machine has coded and nobody has read for this case ({_clean(address)})"
        named = _clean(story.outlet, 80) if story.outlet and not story.story.startswith("http") else "unknown"
        document = {"id": f"doc-{at}", "about": about, "outlet": named}
        parts["documents"].append(document | {"public_from": public, "relays": [f"src-{at}"]})
        parts["claims"].append(
            {"id": f"{name}-{number}", "says": f"As read by a machine: {words}.", "chain": [f"doc-{at}", f"src-{at}"],
             "date": found.key.date, "public_from": public, "tags": ["machine-coded"]}
        )  # fmt: skip
    event = {"id": name, "title": words, "date": found.key.date, "side": found.key.side}
    public = "unknown" if found.added is None else max(found.added, found.key.date)
    event |= {"public_from": public, "because": [claim["id"] for claim in parts["claims"]]}
    parts["events"].append(event)
    return parts


def _form(found: Found) -> str:
    kinds = sorted(set(found.formats.values()))
    return kinds[0] if len(kinds) == 1 else "tables"


def _spread(stories: tuple[Story, ...]) -> list[Story]:
    """The first stories, from different outlets as far as there are."""
    seen: set[str] = set()
    fresh = []
    for story in stories:
        if story.outlet not in seen:
            fresh.append(story)
        seen.add(story.outlet)
    return [*fresh, *(story for story in stories if story not in fresh)][:TEXTS]


def facts(found: Candidate, found_in: Found) -> dict[str, Any]:
    """What was found, in numbers and codes; for the file, for JSON and for the terminal."""
    low = None if found.goldstein is None else found.goldstein[0]
    return {
        "code": found.key.code, "plover": found.plover.code or None, "context": found.plover.context or None,
        "goldstein": low, "rows": found.rows, "reports": found.reports, "sources": found.sources,
        "texts": found.texts, "exact": found.exact, "articles": found.articles,
        "actors": [f"{_clean(a, 60)} > {_clean(b, 60) or '-'} ({n})" for a, b, n in found.pairs[:3]],
    }  # fmt: skip


_HEAD = """\
# Candidate events, written by standoff {version} from {tables}.
# Answer each with accept: yes, no or undecided, or be asked: standoff events FILE --review
# Then: standoff events FILE --into CASE
# An accepted event enters as a signal. If it was a move of the game, write one in its event: move: display, or
# move: {{move: climb, rung: RUNG}}, or move: {{move: offer, package: PACKAGE}}. Title and claims are yours to correct.
"""


def require_new(file: Path) -> None:
    """Refuse a file that is there, or whose folder is not, before hours are spent on what should go there.

    Raises:
        UserError: it is there already, or its folder is not.
    """
    if file.exists():
        raise UserError(f"{file}: this file is there already, perhaps with answers. Name another with --out.")
    if not file.parent.is_dir():
        raise UserError(f"{file}: there is no folder '{file.parent}'. Make it first, or name another with --out.")


def write(found: Found, file: Path) -> None:
    """Write the candidates, all undecided, to a new file."""
    require_new(file)
    from standoff import __version__

    wanted = found.wanted
    labels = ", ".join(_clean(label, 80) for label in list(found.formats)[:3])
    more = f" and {len(found.formats) - 3} more" if len(found.formats) > 3 else ""
    window = {"from": wanted.begins, "to": wanted.ends}
    lines = [
        *_HEAD.format(version=__version__, tables=labels + more).splitlines(),
        f"schema: {SCHEMA}",
        f"between: {flow({'coercer': wanted.coercer.said, 'target': wanted.target.said})}",
        f"window: {flow(window)}",
        "candidates:" if found.candidates else "candidates: []",
    ]
    for candidate in found.candidates:
        lines += ["  - accept: undecided", f"    suggests: {candidate.move}"]
        lines.append(f"    found: {flow(facts(candidate, found))}")
        for part, items in reversed(stubs(candidate, found).items()):
            lines.append(f"    {part}:")
            for item in items:
                lines += ["      " + line for line in listed(item, part)]
    replace_text(file, "\n".join(lines) + "\n")


def listed(item: dict[str, Any], part: str) -> list[str]:
    """An item of a list, as a case has it: events and claims a line a key, the rest on one line."""
    if part in ("events", "claims"):
        lines = [f"{key}: {flow(value)}" for key, value in item.items()]
        return [f"- {lines[0]}", *(f"  {line}" for line in lines[1:])]
    return [f"- {flow(item)}"]


def replace_text(file: Path, text: str) -> None:
    """Write a file whole or not at all."""
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(dir=file.parent or Path(), prefix=f".{file.name}-")
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as stream:
            stream.write(text)
        mode = file.stat().st_mode & 0o777 if file.exists() else 0o666 & ~_umask()
        os.chmod(temporary, mode)
        os.replace(temporary, file)
    except OSError as error:
        raise UserError(f"{file}: it cannot be written: {error.strerror}.") from error
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@dataclass(frozen=True)
class Read:
    """A candidate as it stands in the file."""

    answer: Answer
    suggests: str
    found: dict[str, Any]
    parts: dict[str, list[dict[str, Any]]]
    line: int

    @property
    def event(self) -> dict[str, Any]:
        """The event that it would add."""
        return self.parts["events"][0]


def read(file: Path) -> list[Read]:
    """The candidates of a file with their answers; all that is wrong with it is told at once."""
    text = text_of(file, LIMIT)
    parsed = parse(text, file.name)
    problems = list(parsed.problems)
    data: dict[str, Any] = parsed.data if isinstance(parsed.data, dict) else {}
    good = data.get("schema") == SCHEMA and isinstance(data.get("candidates"), list)
    if not good and (not problems or SCHEMA not in text):
        raise UserError(f"{file}: this is no file of candidates. Write one with standoff events TABLE... --out FILE.")
    found = []
    for number, item in enumerate(data.get("candidates") or [] if not problems else []):
        wrong = list(_wrong(item, number, parsed))
        problems += wrong
        if not wrong and isinstance(item, dict):
            said = item["accept"]
            given: Answer = ("yes" if said else "no") if isinstance(said, bool) else said
            line = parsed.values["candidates", number, "accept"].line
            parts = {part: item.get(part) or [] for part in PARTS}
            found.append(Read(given, str(item.get("suggests", "")), item.get("found") or {}, parts, line))
    if problems:
        raise CaseError(problems)
    return found


def text_of(file: Path, limit: int) -> str:
    """Text of a file in UTF-8."""
    try:
        if not file.is_file():
            raise UserError(f"{file}: there is no such file. Name one that --out wrote.")
        with file.open("rb") as stream:
            content = stream.read(limit + 1)
        if len(content) > limit:
            raise UserError(f"{file}: this file is larger than {limit // 2**20} MiB. Name one that --out wrote.")
        return content.decode("utf-8")
    except OSError as error:
        raise UserError(f"{file}: it cannot be read: {error.strerror}. Check who may read it.") from error
    except UnicodeDecodeError as error:
        raise UserError(
            f"{file}: this is no text in UTF-8. Name a file that --out wrote, and save it as UTF-8."
        ) from error


def _wrong(item: Any, number: int, parsed: Parsed) -> Iterator[Problem]:  # noqa: ANN401
    """What is wrong with a candidate."""

    def place(*path: str | int) -> str:
        whole = ("candidates", number, *path)
        while whole not in parsed.values and len(whole) > 1:
            whole = whole[:-1]
        return str(parsed.values.get(whole, ""))

    if not isinstance(item, dict):
        yield Problem(place(), "a candidate is a mapping", "Begin it with 'accept:'.")
        return
    answer: Any = item.get("accept")
    if not isinstance(answer, bool) and answer not in ANSWERS:
        yield Problem(place("accept"), f"'{answer}' is no answer", f"Write {', '.join(ANSWERS[:2])} or {ANSWERS[2]}.")
    events = item.get("events")
    if not isinstance(events, list) or len(events) != 1:
        yield Problem(place("events"), "a candidate has one event", "Keep one item under 'events:'.")
    for part in PARTS:
        for position, one in enumerate(item.get(part) or []):
            try:
                _MODELS[part].model_validate(one)
            except ValidationError as error:
                for each in error.errors():
                    where = place(part, position, *each["loc"])
                    yield Problem(where, each["msg"].removeprefix("Value error, "), "See docs/case-format.md.")


def answer(file: Path, candidate: Read, said: Answer) -> None:
    """Write the answer for a candidate into the file, and change nothing else."""
    lines = text_of(file, LIMIT).splitlines(keepends=True)
    line = lines[candidate.line - 1]
    changed = re.sub(r"(accept:\s*)(['\"]?)[A-Za-z]+\2", rf"\g<1>{said}", line, count=1)
    if not re.search(r"accept:", line):
        raise UserError(f"{file}: it was changed while you were asked. Begin again: what you answered is kept.")
    lines[candidate.line - 1] = changed
    replace_text(file, "".join(lines))
