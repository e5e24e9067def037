"""The evidence audit as pages of text: sections and tables that fit 100 columns."""

from collections.abc import Iterable, Iterator

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from standoff.case.audit import Audit
from standoff.case.relay import Contradiction

MANY = 40
"""Rows after which a list that only points at places is cut; `--json` has all of them."""


def listing(audit: Audit) -> Iterator[RenderableType]:
    """The sections of an audit, in the order in which an analyst reads them."""
    yield Text(audit.title, style="bold")
    yield Text(f"{audit.case}, digest {audit.digest[:16]}", style="dim")
    yield from _summary(audit)
    for title, body in (
        ("Documents, and who merely repeats whom", _documents(audit)),
        ("Origins: the first sources", _origins(audit)),
        ("Claims that rest on one anonymous origin", _thin(audit)),
        ("Contradictions", _contradictions(audit.contradictions)),
        ("Events of uncertain date or reading", _events(audit)),
        ("Near-duplicate documents", _near(audit)),
        ("Anchors", _anchors(audit)),
        ("Forecasts on record", _forecasts(audit)),
        ("Packages", _packages(audit)),
        ("Numbers without a reason", _numbers(audit)),
        ("To look at", _problems(audit)),
    ):
        yield Text()
        yield Rule(Text(title, style="bold"), align="left", style="dim")
        yield Group(*body)


def _summary(audit: Audit) -> Iterator[RenderableType]:
    s = audit.summary
    repeating = _count(s["documents_that_merely_repeat"], "document", "repeats", "repeat")
    several = _count(s["origins_in_several_documents"], "origin", "speaks", "speak")
    thin = _count(s["claims_on_one_anonymous_origin"], "claim", "rests", "rest")
    backed = s["numbers"] - s["numbers_judgement"] - s["numbers_generic"] - s["numbers_without_reason"]
    yield Text()
    for line in (
        f"{_count(s['documents'], 'document')}, {_count(s['claims'], 'claim', 'goes', 'go')} back to "
        f"{_count(s['origins'], 'origin')}: {s['origins_with_a_name']} with a name, "
        f"{s['origins_anonymous']} anonymous.",
        f"{several} through several documents; {repeating} only what others said first; "
        f"{thin} on one anonymous origin.",
        f"{_count(s['contradictions'], 'contradiction')}; {_count(s['events'], 'event')}, "
        f"{s['events_uncertain']} of uncertain date or reading; {_count(s['forecasts'], 'forecast')}.",
        f"{_count(s['anchors'], 'anchor')}: {s['anchors_verified']} verified, "
        f"{s['anchors_not_matching']} not matching, {s['anchors_not_checked']} not checked.",
        f"{_count(s['numbers'], 'number')}: {backed} with a source or the reason of their item, "
        f"{s['numbers_judgement']} judgement alone, {s['numbers_generic']} generic priors, "
        f"{s['numbers_without_reason']} without a reason.",
    ):
        yield Text(line)


def _count(count: int, noun: str, verb: str = "", plural: str = "") -> str:
    return f"{count} {noun} {verb}".rstrip() if count == 1 else f"{count} {noun}s {plural}".rstrip()


def _table(*columns: tuple[str, int | None]) -> Table:
    """A table without lines; a column with a width keeps it, the others share the rest."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", expand=False)
    for name, width in columns:
        table.add_column(Text(name), min_width=width, overflow="fold")
    return table


def _row(table: Table, *cells: object) -> None:
    table.add_row(*(cell if isinstance(cell, Text) else Text(str(cell)) for cell in cells))


def _bullet(text: str, *, style: str = "", indent: int = 0) -> RenderableType:
    """A paragraph with a hanging indent."""
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column(width=1)
    table.add_column(overflow="fold")
    table.add_row(Text("-"), Text(text, style=style))
    return Padding(table, (0, 0, 0, indent))


def _none(text: str) -> Text:
    return Text(text, style="dim")


def _documents(audit: Audit) -> Iterator[RenderableType]:
    if not audit.documents:
        yield _none("This case names no document.")
        return
    table = _table(("id", 12), ("outlet", None), ("date", None), ("public", 10), ("claims", 6), ("your copy", 9))
    for row in audit.documents:
        state = row.copy if row.digest_known or row.copy != "missing" else "no digest on record"
        _row(table, row.id, row.outlet, row.date, row.public_from, row.claims, state)
    yield table
    for row in audit.documents:
        if row.repeats:
            yield _bullet(f"{row.id} merely repeats {', '.join(row.repeats)}: no origin in it is its own.")
        elif row.claims:
            yield _bullet(f"{row.id} carries {_count(len(row.origins), 'origin')}: {_few(row.origins)}.")
        for shared in row.shares:
            part = f"{len(shared.claims)} of {_count(row.claims, 'claim')} of {row.id}"
            yield _bullet(f"{part} come from {shared.origin}, as in {', '.join(shared.documents)}.")
        if row.copy == "found by name":
            yield _bullet(f"{row.id}: {row.file} has the SHA-256 {row.copy_sha256}, not on record.", style="yellow")


def _few(names: Iterable[str], most: int = 8) -> str:
    listed = list(names)
    more = f" and {len(listed) - most} more" if len(listed) > most else ""
    return ", ".join(listed[:most]) + more


def _origins(audit: Audit) -> Iterator[RenderableType]:
    used = [row for row in audit.origins if row.claims]
    if not used:
        yield _none("No claim, so no origin.")
        return
    table = _table(("origin", 16), ("kind", 9), ("claims", 6), ("in documents, earliest first", None))
    for row in used:
        style = "yellow" if row.anonymous else ""
        _row(
            table,
            row.name,
            Text(row.kind, style=style),
            len(row.claims),
            ", ".join(row.documents) or "none held",
        )
    yield table
    unused = [row.id for row in audit.origins if not row.claims and not row.relays]
    if unused:
        yield _none(f"Declared, but nothing goes through them: {', '.join(unused)}.")


def _thin(audit: Audit) -> Iterator[RenderableType]:
    if not audit.thin:
        yield _none("None.")
    names = {row.id: row.name for row in audit.origins}
    for origin in dict.fromkeys(row.origin for row in audit.thin):
        rows = [row for row in audit.thin if row.origin == origin]
        documents = ", ".join(dict.fromkeys(name for row in rows for name in row.documents))
        yield Text(f"{names[origin]}{' through ' if documents else ''}{documents}", style="bold")
        for row in rows:
            yield _bullet(f"{row.claim}: {row.says}")


def _contradictions(found: tuple[Contradiction, ...]) -> Iterator[RenderableType]:
    yield _none("Each claim with its chain; read < as “has it from”." if found else "None.")
    for item in found:
        yield Text(item.text, style="bold")
        for answer in item.answers:
            yield _bullet(answer.answer)
            for saying in answer.sayings:
                yield Padding(Text(f"{saying.claim}: {' < '.join(saying.chain)}", style="dim"), (0, 0, 0, 4))


def _events(audit: Audit) -> Iterator[RenderableType]:
    found = [row for row in audit.events if row.uncertain]
    if not found:
        yield _none("None.")
    for row in found:
        yield _bullet(f"{row.id}, {row.date}: {row.title}")
        for account in row.accounts:
            read = account.move or "no move"
            said = f"{account.weight:.2f} {account.id} ({read}): {account.says}"
            yield Padding(Text(said, style="dim"), (0, 0, 0, 4))


def _near(audit: Audit) -> Iterator[RenderableType]:
    if audit.near_duplicates is None:
        yield _none("Not checked: name the folder of your copies with --documents DIR.")
    elif not audit.near_duplicates:
        yield _none("None among your copies.")
    else:
        for pair in audit.near_duplicates:
            yield _bullet(f"{pair.first} and {pair.second} share about {pair.share:.0%} of their text.")


def _anchors(audit: Audit) -> Iterator[RenderableType]:
    by_state: dict[str, int] = {}
    for check in audit.anchors:
        by_state[check.state] = by_state.get(check.state, 0) + 1
    if not by_state:
        yield _none("No claim has an anchor.")
        return
    if set(by_state) == {"not checked"}:
        yield _none(f"{by_state['not checked']} not checked: name the folder of your copies with --documents DIR.")
    else:
        yield Text(", ".join(f"{count} {state}" for state, count in by_state.items()) + ".")
    for check in audit.anchors:
        where = f"{check.claim}: {check.document}, characters {check.start} to {check.end}"
        if check.state == "not matching" and check.moved_to:
            start, end = check.moved_to
            found = f"that text stands at {start} to {end} in your copy; correct the anchor"
            yield _bullet(f"{where}: {found}.", style="red")
        elif check.state == "not matching":
            yield _bullet(f"{where}: your copy holds no span with that digest.", style="red")
        elif check.state in ("document missing", "no text"):
            why = "no copy of it was found" if check.state == "document missing" else "your copy is not a text in UTF-8"
            yield _bullet(f"{where}: {why}.", style="yellow")
        elif check.quotation is not None:
            yield _bullet(f"{check.claim} ({check.document}): “{' '.join(check.quotation.split())}”")


def _forecasts(audit: Audit) -> Iterator[RenderableType]:
    if not audit.forecasts:
        yield _none("None.")
        return
    table = _table(("by", 10), ("made", None), ("question", 30), ("said", None), ("resolved", 8))
    for row in audit.forecasts:
        _row(table, row.by, row.made, row.question, row.said, row.resolved)
    yield table


def _packages(audit: Audit) -> Iterator[RenderableType]:
    if not audit.packages:
        yield _none("None.")
        return
    table = _table(("id", 10), ("offered by", 10), ("title", None), ("terms beside the demand", None))
    for row in audit.packages:
        terms = ", ".join(f"{issue}: {term}" for issue, term in row.terms.items()) or "as demanded"
        _row(table, row.id, row.offered_by, row.title if row.playable else f"{row.title} (record only)", terms)
    yield table


def _numbers(audit: Audit) -> Iterator[RenderableType]:
    if not audit.numbers_without_reason:
        yield _none("None.")
    for row in audit.numbers_without_reason[:MANY]:
        yield _bullet(f"{row.place} {row.path}: {row.value}")
    if len(audit.numbers_without_reason) > MANY:
        yield _none(f"And {len(audit.numbers_without_reason) - MANY} more: --json lists all.")


def _problems(audit: Audit) -> Iterator[RenderableType]:
    if not audit.problems:
        yield _none("Nothing.")
    for problem in audit.problems:
        yield _bullet(str(problem))
