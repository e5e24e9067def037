"""Reads event tables of GDELT 2: tab-separated, no header, 61 fields (`*.export.CSV`), positions as in its codebook.

A line in which no letters of a side stand cannot concern it, and only its number of fields is looked at.
"""

import re
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

from standoff.events.codes import is_cameo
from standoff.events.parties import NOBODY, Actor, country
from standoff.events.report import Fault, Report, day, score
from standoff.events.stream import Table

FIELDS = 61
NAME, DAY, CODE, GOLDSTEIN, ARTICLES, ADDED, ADDRESS = 0, 1, 26, 30, 33, 59, 60
ACTOR, RECIPIENT = 5, 15
"""Where the fields of an actor begin: code, name, country, four more codes, three roles."""
WORDS = 4
"""Words that an address must hold to tell its text from others."""
_SPLIT = re.compile(r"[\W_]+")


def looks(lines: list[bytes]) -> bool:
    """Whether these can be the first lines of such a table."""
    return any(len(fields) == FIELDS and fields[DAY].isdigit() for fields in (line.split(b"\t") for line in lines))


def read(table: Table, needed: list[tuple[bytes, ...]]) -> Iterator[Report]:
    """Rows that hold one of the words of each group; faulty lines are noted.

    Args:
        table: An open table.
        needed: Groups of letters, one a side; none means every row.
    """
    tabs = FIELDS - 1
    for number, line in table.lines():
        table.rows += 1
        if line.count(b"\t") != tabs:
            table.fault(number, f"{line.count(bytes([9])) + 1} fields, not {FIELDS}")
            continue
        if not _holds(line, needed):
            continue
        try:
            yield _report(line.decode("utf-8", "replace").rstrip("\r\n").split("\t"))
        except Fault as fault:
            table.fault(number, str(fault))


def _holds(line: bytes, needed: list[tuple[bytes, ...]]) -> bool:
    """Whether a line holds a word of each group."""
    for words in needed:
        for word in words:
            if word in line:
                break
        else:
            return False
    return True


def _report(fields: list[str]) -> Report:
    added, date = day(fields[ADDED], "the day of adding"), day(fields[DAY])
    if date > added:
        raise Fault(f"it is dated {date}, after it was added, {added}")
    code = fields[CODE]
    if not is_cameo(code):
        raise Fault(f"'{code[:24]}' is no code of CAMEO")
    address, articles = fields[ADDRESS], fields[ARTICLES]
    host, text = known_by(address)
    return Report(
        fields[NAME], date, added, _actor(fields, ACTOR), _actor(fields, RECIPIENT), code, score(fields[GOLDSTEIN]),
        address, host, text, int(articles) if articles.isdigit() else 1,
    )  # fmt: skip


def _actor(fields: list[str], at: int) -> Actor:
    code = fields[at]
    if not code:
        return NOBODY
    letters = fields[at + 2]
    roles = frozenset(role for role in fields[at + 7 : at + 10] if role)
    return Actor(code, (country(letters) or letters,) if letters else (), roles)


def known_by(address: str) -> tuple[str, str]:
    """Host of an address, and the words of its longest part if they are many: copies of a text share them."""
    if "://" not in address:
        return address, ""
    try:
        parts = urlsplit(address)
        host = (parts.hostname or "").removeprefix("www.")
    except ValueError:
        return address, ""
    slug = max(unquote(parts.path).split("/"), key=len, default="")
    words = [word.casefold() for word in _SPLIT.split(slug) if word.isalpha() and word not in ("html", "htm", "php")]
    return host, " ".join(words) if len(words) >= WORDS else ""
