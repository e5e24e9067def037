"""Finds candidate events in event tables: reads, keeps what is between the two sides, collapses, filters, ranks."""

import datetime as dt
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from standoff.case.evidence import CoercerClass, TargetClass
from standoff.case.explain import suggestion
from standoff.errors import UserError
from standoff.events import gdelt, named, plover
from standoff.events.codes import HIGHEST, LOWEST, SIGNAL, acts, is_cameo, matches
from standoff.events.collapse import Candidate, Group, Key, told_apart
from standoff.events.parties import Party
from standoff.events.report import Faults, Report
from standoff.events.stream import Table, readable, tables

Format = Literal["auto", "gdelt", "icews", "polecat", "plover"]
Also = Literal["alone", "third", "nature"]
FORMATS: tuple[str, ...] = get_args(Format)
ALSO: tuple[str, ...] = get_args(Also)
CLASSES = tuple(dict.fromkeys((*get_args(CoercerClass), *get_args(TargetClass), SIGNAL)))
MOST = 1500
"""Candidates that one file may hold."""
_OTHERS = {3: "numbers of mentions by article", 16: "mentions", 27: "its knowledge graph", 57: "version 1",
           58: "version 1"}  # fmt: skip
"""Tables of GDELT that are no event tables of version 2, by their number of fields."""


@dataclass(frozen=True)
class Wanted:
    """What an analyst looks for.

    Attributes:
        coercer: The first side.
        target: The second.
        begins: First day of the acts; none for any.
        ends: Last day.
        also: Acts beside those of one side on the other: `alone` (a side acts, and the table names no recipient),
            `third` (somebody else acts on a side), `nature` (within the target).
        lowest: Least Goldstein score.
        highest: Greatest Goldstein score.
        classes: Moves suggested, or `signal`; none for all.
        codes: Codes of CAMEO or kinds of PLOVER under which an act must fall; none for all.
        sources: Least number of different sources.
        most: Candidates kept at most, those with most sources first.
    """

    coercer: Party
    target: Party
    begins: dt.date | None = None
    ends: dt.date | None = None
    also: tuple[str, ...] = ()
    lowest: float | None = None
    highest: float | None = None
    classes: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    sources: int = 1
    most: int = 500

    def __post_init__(self) -> None:
        """Refuse what cannot be looked for."""
        if self.coercer.overlaps(self.target):
            raise UserError(
                f"--between: '{self.coercer.said}' and '{self.target.said}' share actors, so nobody could tell whose "
                "act is whose. Name two countries, or roles that part them, such as VENGOV VENOPP."
            )
        for option, limit in (("--min-goldstein", self.lowest), ("--max-goldstein", self.highest)):
            if limit is not None and not LOWEST <= limit <= HIGHEST:
                raise UserError(
                    f"{option}: {limit:g} is not between {LOWEST:g} and {HIGHEST:g}, the ends of the scale."
                )
        if self.sources < 1:
            raise UserError(f"--min-sources: {self.sources} is below 1, and every act has a source.")
        if self.begins and self.ends and self.begins > self.ends:
            raise UserError(f"The window ends on {self.ends}, before it begins, {self.begins}. Exchange the two.")
        if self.lowest is not None and self.highest is not None and self.lowest > self.highest:
            raise UserError("--min-goldstein is above --max-goldstein. Exchange the two.")
        if not 1 <= self.most <= MOST:
            raise UserError(f"--most: {self.most} is not between 1 and {MOST}, which is as many as one can answer.")
        for name, given, allowed in (("--classes", self.classes, CLASSES), ("--also", self.also, ALSO)):
            for word in given:
                if word not in allowed:
                    raise UserError(f"{name}: there is no '{word}'. {suggestion(word, allowed)}")
        for code in self.codes:
            known = is_cameo(code) if code[:1].isdigit() else any(matches(name, code) for name in acts())
            if not known:
                raise UserError(
                    f"--codes: '{code}' is no code of CAMEO and no kind of PLOVER, such as 163 or SANCTION."
                )

    def side(self, report: Report) -> Key | None:
        """What act a row is of; none if it is not looked for."""
        date = report.date
        if (self.begins and date < self.begins) or (self.ends and date > self.ends):
            return None
        by = self.coercer.holds(report.actor), self.target.holds(report.actor)
        on = self.coercer.holds(report.recipient), self.target.holds(report.recipient)
        if by[0] and on[1]:
            return Key(date, "coercer", report.code)
        if by[1] and on[0]:
            return Key(date, "target", report.code)
        if "nature" in self.also and by[1] and on[1]:
            return Key(date, "nature", report.code)
        if "alone" in self.also and not report.recipient.name and any(by):
            return Key(date, "coercer" if by[0] else "target", report.code, alone=True)
        if "third" in self.also and any(on) and not any(by) and report.actor.name:
            who = report.actor.countries[0] if report.actor.countries else report.actor.name[:60]
            return Key(date, "third", report.code, who=f"{who} on the {'coercer' if on[0] else 'target'}")
        return None

    def keeps(self, found: Candidate) -> bool:
        """Whether a candidate passes the filters."""
        if found.goldstein is not None:
            if self.lowest is not None and found.goldstein[1] < self.lowest:
                return False
            if self.highest is not None and found.goldstein[0] > self.highest:
                return False
        elif self.lowest is not None or self.highest is not None:
            return False
        return (
            found.sources >= self.sources
            and (not self.classes or found.move in self.classes)
            and (not self.codes or any(matches(found.key.code, code) for code in self.codes))
        )

    @property
    def letters(self) -> list[tuple[bytes, ...]]:
        """What a line of GDELT must hold: letters of both sides, or of either where one suffices."""
        both = [self.coercer.letters, self.target.letters]
        return [both[0] + both[1]] if self.also else both


@dataclass(frozen=True)
class Found:
    """What was found, and in what.

    Attributes:
        wanted: What was looked for.
        candidates: In order of date; those left out for being beyond `most` are counted in `more`.
        more: Candidates that passed the filters and are not among `candidates`.
        formats: Each file with the kind of table that it is.
        rows: Rows of all tables, faulty ones included.
        between: Rows of acts that were looked for, before the filters.
        faults: Lines that could not be read.
    """

    wanted: Wanted
    candidates: tuple[Candidate, ...]
    more: int
    formats: dict[str, str]
    rows: int
    between: int
    faults: Faults = field(default_factory=Faults)


def find(
    files: Sequence[Path], wanted: Wanted, *, form: str = "auto", progress: Callable[[str, float], None] | None = None
) -> Found:
    """Read event tables from first to last, and give the acts between two sides.

    Args:
        files: Tables, plain or packed.
        wanted: What is looked for.
        form: Kind of the tables; `auto` tells it by their first lines.
        progress: Told the stage and the share done.
    """
    if form not in FORMATS:
        raise UserError(f"--format: there is no '{form}'. {suggestion(form, FORMATS)}")
    sizes = [_size(file) for file in files]
    _once(files)
    whole, done = max(sum(sizes), 1), 0
    faults, groups = Faults(), dict[Key, Group]()
    formats: dict[str, str] = {}
    rows = between = 0
    for number, (file, size) in enumerate(zip(files, sizes, strict=True), 1):

        def told(read: int, done: int = done, number: int = number) -> None:
            if progress is not None:
                progress(f"reading (file {number} of {len(files)})", (done + read) / whole)

        told(0)
        held = len(formats)
        with readable(file):
            for table in tables(file, faults, told):
                before, kind = faults.count, form if form != "auto" else _kind(table)
                _require(table, kind)
                formats[_fresh(table.label, formats)] = kind
                for report in _reports(table, kind, wanted):
                    key = wanted.side(report)
                    if key is not None:
                        between += 1
                        if key not in groups:
                            groups[key] = Group(key)
                        groups[key].add(report)
                rows += table.rows
                if table.rows and faults.count - before >= table.rows:
                    raise UserError(f"{file}: none of its rows can be read as {_name(kind)}. {faults.first[0]}.")
        done += size
        if len(formats) == held:
            raise UserError(f"{file}: there is no table in it. Download it again, or leave it out.")
    return _ranked(groups, wanted, formats, rows, between, faults)


def _ranked(
    groups: dict[Key, Group], wanted: Wanted, formats: dict[str, str], rows: int, between: int, faults: Faults
) -> Found:
    kept = [found for found in (group.candidate() for group in groups.values()) if wanted.keeps(found)]
    kept.sort(key=lambda c: (-c.sources, -c.reports, -c.rows, _order(c)))
    chosen = [told_apart(found) for found in sorted(kept[: wanted.most], key=_order)]
    return Found(wanted, tuple(chosen), len(kept) - len(chosen), formats, rows, between, faults)


def _order(found: Candidate) -> tuple[dt.date, str, str, bool, str]:
    key = found.key
    return key.date, key.side, key.code, key.alone, key.who


def _once(files: Sequence[Path]) -> None:
    """Refuse a file that is named twice: its rows would count twice."""
    seen: dict[Path, Path] = {}
    for file in files:
        if file.resolve() in seen:
            raise UserError(f"{file}: this file is named twice. Name it once.")
        seen[file.resolve()] = file


def _fresh(label: str, taken: dict[str, str]) -> str:
    """A label that no other table has, for files of one name in several folders."""
    names = (label if k == 1 else f"{label} ({k})" for k in itertools.count(1))
    return next(name for name in names if name not in taken)


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError as error:
        raise UserError(f"{file}: it cannot be read: {error.strerror}.") from error


def _reports(table: Table, kind: str, wanted: Wanted) -> Iterator[Report]:
    if kind == "gdelt":
        return gdelt.read(table, wanted.letters)
    return plover.read(table) if kind == "plover" else named.read(table, kind)


def _kind(table: Table) -> str:
    """The kind of a table by its first lines."""
    first = table.first()
    for kind in ("icews", "polecat"):
        if named.looks(first, kind):
            return kind
    if gdelt.looks(first):
        return "gdelt"
    if plover.looks(first):
        return "plover"
    raise UserError(
        f"{table.label}: this is no event table of a kind that is known. {_described(first)} "
        "Look into the file: is it the one that was meant?"
    )


def _require(table: Table, kind: str) -> None:
    """Refuse a table that is wholly of another kind than was said."""
    first = table.first()
    good = {"gdelt": gdelt.looks, "plover": plover.looks}.get(kind) or (lambda lines: named.looks(lines, kind))
    if not good(first):
        other = [k for k in ("icews", "polecat") if named.looks(first, k)]
        other += ["gdelt"] if gdelt.looks(first) else []
        other += ["plover"] if plover.looks(first) else []
        told = f"It looks like {_name(other[0])}: say --format {other[0]}." if other else _described(first)
        raise UserError(f"{table.label}: this is not {_name(kind)}. {told}")


def _name(kind: str) -> str:
    return {"gdelt": "an event table of GDELT 2", "icews": "a table of ICEWS", "polecat": "a table of POLECAT",
            "plover": "a file of PLOVER records"}[kind]  # fmt: skip


def _described(first: list[bytes]) -> str:
    """What the first line looks like, for a sentence."""
    if any(line.startswith(b"schema: standoff-candidates") for line in first):
        return "It is a file of candidates: answer them with --review, or add the accepted ones with --into CASE."
    tabs = first[0].count(b"\t") if first else 0
    if tabs + 1 in _OTHERS and tabs > 2:
        return (
            f"Lines of {tabs + 1} fields are a table of GDELT, but of {_OTHERS[tabs + 1]}: take the files that end in "
            f".export.CSV."
        )
    return (
        f"Its first line has {tabs + 1} tab-separated field{'s' if tabs else ''}; GDELT 2 has 61, ICEWS and POLECAT "
        "name their columns first, and PLOVER is JSON."
    )
