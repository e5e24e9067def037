"""Reads events in PLOVER's own form: JSON records, one a line or in one list, as its specification has them.

A list is read piece by piece, so that memory does not grow with it. A record that names two actors and no target
stands for both directions.
"""

import codecs
import json
import re
from collections.abc import Iterator
from typing import Any

from standoff.events.codes import OLDER, kinds
from standoff.events.collapse import hashed
from standoff.events.parties import NOBODY, Actor, country, roles_of
from standoff.events.report import Fault, Report, day
from standoff.events.stream import BUFFER, Table

RECORD_LIMIT = 2**20
"""Characters that a record may hold."""
_NOTES = ("DOCUMENT",)
"""Kinds of record that document the file and are no events."""
_GAP = re.compile(r"[\[\],\s]*")


def looks(lines: list[bytes]) -> bool:
    """Whether these can be the first lines of such a file."""
    text = b"\n".join(lines).strip()
    return text[:1] == b"{" or (text[:1] == b"[" and text[1:].strip()[:1] in (b"{", b"]"))


def read(table: Table) -> Iterator[Report]:
    """All events; faulty records are noted with the line on which they begin."""
    for number, record in _records(table):
        if isinstance(record, dict) and record.get("event") in _NOTES:
            continue
        table.rows += 1
        try:
            yield from _reports(record)
        except Fault as fault:
            table.fault(number, str(fault))


def _records(table: Table) -> Iterator[tuple[int, Any]]:
    """Each record with its line, decoded from the stream without holding more than one and a buffer."""
    decode = codecs.getincrementaldecoder("utf-8-sig")("replace").decode
    take = json.JSONDecoder().raw_decode
    held, at, number, ended = "", 0, 1, False
    while True:
        start = _between(held, at)
        number, at = number + held.count("\n", at, start), start
        try:
            record, end = take(held, at)
        except ValueError as error:
            if not ended and len(held) - at < RECORD_LIMIT:
                piece = table.stream.read1(BUFFER)
                table.told()
                held, at, ended = held[at:] + decode(piece, final=not piece), 0, not piece
                continue
            if at == len(held):
                return
            table.rows += 1
            table.fault(number, f"this is not JSON: {getattr(error, 'msg', 'it is not understood')}")
            end = held.find("\n{", at + 1)
            end = end if end > 0 else len(held)
        else:
            yield number, record
        number, at = number + held.count("\n", at, end), end


def _between(held: str, at: int) -> int:
    """Where the next record begins: after brackets, commas and blanks."""
    found = _GAP.match(held, at)
    return found.end() if found else at


def _reports(record: Any) -> Iterator[Report]:  # noqa: ANN401 (anything that JSON holds)
    if not isinstance(record, dict):
        raise Fault("this record is not a mapping")
    kind, mode = str(record.get("event", "")).upper(), str(record.get("mode") or "").casefold()
    if OLDER.get(kind, kind) not in kinds():
        raise Fault(f"'{kind[:24]}' is no kind of event in PLOVER")
    date = day(str(record.get("date", ""))[:10])
    sources, targets = _actors(record.get("source")), _actors(record.get("target"))
    text, outlet = str(record.get("text") or ""), str(record.get("publication") or "")
    story = str(record.get("url") or f"record {record.get('id') or format(hashed(text), '016x')}")
    code = f"{kind}/{mode}" if mode else kind
    if not targets and len(sources) > 1:
        pairs = [(one, other) for one in sources for other in sources if one is not other]
    else:
        pairs = [(one, other) for one in sources or [NOBODY] for other in targets or [NOBODY]]
    for one, other in pairs:
        yield Report(str(record.get("id", "")), date, None, one, other, code, None, story, outlet, text)


def _actors(listed: Any) -> list[Actor]:  # noqa: ANN401
    found = []
    for item in listed if isinstance(listed, list) else [listed]:
        if isinstance(item, dict):
            code = str(item.get("code") or "")
            iso = country(code[:3]) or code[:3]
            roles = roles_of(str(item.get("sector") or "")) | roles_of(";".join(_threes(code[3:])))
            found.append(Actor(code or str(item.get("actorText") or ""), (iso,) if iso else (), roles))
    return found


def _threes(code: str) -> list[str]:
    return [code[at : at + 3] for at in range(0, len(code), 3)]
