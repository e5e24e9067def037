"""Reads tab-separated event tables whose first line names the columns: ICEWS and POLECAT.

ICEWS codes in CAMEO, with the day of the story as its date; it has no addresses, so a story is known by its id and its
publisher. POLECAT codes in PLOVER (kind and mode) and says when a text was published.
"""

from collections.abc import Callable, Iterator

from standoff.errors import UserError
from standoff.events.codes import OLDER, is_cameo, kinds
from standoff.events.collapse import hashed
from standoff.events.parties import NOBODY, Actor, country, roles_of
from standoff.events.report import Fault, Report, day, score
from standoff.events.stream import Table

Row = dict[str, str]
_NOTHING = ("", "NA", "None", "nan", "NULL")

COLUMNS = {
    "icews": ("Event ID", "Event Date", "Source Name", "Source Country", "CAMEO Code", "Target Name", "Target Country"),
    "polecat": ("Event ID", "Event Date", "Event Type", "Actor Name", "Actor Country", "Recipient Name",
                "Recipient Country"),
}  # fmt: skip
"""Columns without which a table is not of its kind."""


def looks(lines: list[bytes], kind: str) -> bool:
    """Whether the first line names the columns of that kind."""
    head = _split(lines[0].decode("utf-8", "replace")) if lines else []
    return set(COLUMNS[kind]) <= set(head)


def _split(line: str) -> list[str]:
    fields = line.rstrip("\r\n").split("\t")
    return [field[1:-1] if len(field) > 1 and field[0] == field[-1] == '"' else field for field in fields]


def read(table: Table, kind: str) -> Iterator[Report]:
    """All rows; faulty lines are noted.

    Args:
        table: An open table.
        kind: icews or polecat.
    """
    make: Callable[[Row], Report] = {"icews": _icews, "polecat": _polecat}[kind]
    head: list[str] = []
    for number, line in table.lines():
        fields = _split(line.decode("utf-8-sig" if number == 1 else "utf-8", "replace"))
        if not head:
            head = fields
            lacking = [name for name in COLUMNS[kind] if name not in head]
            if lacking:
                problem = (
                    f"the first line of a table of {kind.upper()} names its columns, and there is no '{lacking[0]}'"
                )
                raise UserError(f"{table.label}:1: {problem}. Name the file as it was downloaded.")
            continue
        table.rows += 1
        if len(fields) != len(head):
            table.fault(number, f"{len(fields)} fields, not {len(head)}")
            continue
        try:
            yield make({name: "" if text in _NOTHING else text for name, text in zip(head, fields, strict=True)})
        except Fault as fault:
            table.fault(number, str(fault))


def _icews(row: Row) -> Report:
    date, code = day(row["Event Date"][:10]), row["CAMEO Code"]
    if not is_cameo(code):
        why = " (its leading zero is lost)" if is_cameo(f"0{code}") else ""
        raise Fault(f"'{code[:24]}' is no code of CAMEO{why}")
    story, publisher = row.get("Story ID", ""), row.get("Publisher", "")
    return Report(
        row["Event ID"], date, date, _actor(row, "Source", "Sectors"), _actor(row, "Target", "Sectors"), code,
        score(row.get("Intensity", "")), f"story {story}" if story else "", publisher, "",
    )  # fmt: skip


def _polecat(row: Row) -> Report:
    date = day(row["Event Date"][:10])
    published = row.get("Publication Date", "")
    added = day(published[:10], "the day of publication") if published else None
    kind, mode = row["Event Type"].upper(), row.get("Event Mode", "").casefold()
    if OLDER.get(kind, kind) not in kinds():
        raise Fault(f"'{kind[:24]}' is no kind of event in PLOVER")
    text = row.get("Headline", "")
    source = row.get("Source", "")
    story = f"text {hashed(f'{source} {published} {text}'):016x}" if text else f"event {row['Event ID']}"
    return Report(
        row["Event ID"], date, added, _actor(row, "Actor", "Sectors"), _actor(row, "Recipient", "Sectors"),
        f"{kind}/{mode}" if mode else kind, score(row.get("Intensity", row.get("Event Intensity", ""))),
        story, source, text,
    )  # fmt: skip


def _actor(row: Row, side: str, sectors: str) -> Actor:
    name, where = row[f"{side} Name"], row[f"{side} Country"]
    if not name and not where:
        return NOBODY
    found = [country(part) for part in where.replace(",", ";").split(";")] if not country(where) else [country(where)]
    found = [iso for iso in found if iso] or [iso for iso in [country(row.get(f"{side} COW", ""))] if iso]
    said = ",".join(row.get(key, "") for key in (f"{side} {sectors}", f"Primary {side} Sector"))
    return Actor(name or where, tuple(found), roles_of(said))
