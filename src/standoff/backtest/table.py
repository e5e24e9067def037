"""From files to rows of past cases: what was known of each at its start, kept apart from how it ended.

`Rows.known` is all that a forecast may use. Outcomes and endings are only made from the raw columns when a question is
asked (`ask`); files are read column by column, so that what a mapping does not name is never in memory.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from standoff.backtest.conditions import after, among, codes, hold, moments, numbers
from standoff.backtest.files import MOST, MOST_BESIDE, columns, digest, file_of, found, require
from standoff.backtest.mapping import ENDINGS, TITLES, Column, Conditions, Game, Join, Question, Resolved, Table
from standoff.backtest.study import Study
from standoff.errors import UserError

LEAST = 30
"""Rows with a known answer under which a question is not asked."""


@dataclass(frozen=True, eq=False)
class Known:
    """What was known at the start of some cases: a column each, numbers and flags as floats, categories as text."""

    frame: pl.DataFrame
    kinds: dict[str, str]
    started: np.ndarray
    """By case, the ending in which it is sure to be from the start (index into `ENDINGS`), or -1."""

    def __len__(self) -> int:
        return self.frame.height

    def take(self, rows: np.ndarray) -> "Known":
        """Some of the cases."""
        return Known(self.frame[np.flatnonzero(rows) if rows.dtype == bool else rows], self.kinds, self.started[rows])


@dataclass(frozen=True, eq=False)
class Rows:
    """A table: what was known, when each case began, the crisis it belongs to, and raw columns for questions.

    `row`: where each case stands in the file, from 0; `raw` has all rows of the file.
    """

    known: Known
    year: np.ndarray
    moment: np.ndarray
    group: np.ndarray
    row: np.ndarray
    raw: pl.DataFrame
    place: str
    digest: str
    left_out: int
    """Rows of the file without a date or a crisis."""
    table: Table


@dataclass(frozen=True, eq=False)
class Cases:
    """A question asked of a table, by case: the answer (1, 0, or not a number where nobody coded it) and more.

    `resolved`: when the answer was known, in years; `ending`: index into `ENDINGS`, -1 where the codes do not say;
    `row`: the row of the file (counted from 0, without the header).
    """

    known: Known
    answer: np.ndarray
    ending: np.ndarray
    year: np.ndarray
    resolved: np.ndarray
    group: np.ndarray
    row: np.ndarray

    @property
    def coded(self) -> np.ndarray:
        """Cases whose answer somebody coded."""
        return np.asarray(np.isfinite(self.answer))

    def __len__(self) -> int:
        return len(self.row)


def load(study: Study, name: str, data: Path) -> Rows:
    """Read a table of a study.

    Args:
        study: The mapping.
        name: Of the table.
        data: A folder in which its files are looked for; for a table without `files` the file itself.

    Raises:
        UserError: a file or column that is not there, or a field that cannot be read.
    """
    table = study.mapping.tables[name]
    if not data.exists():
        raise UserError(f"{data}: there is no such folder or file of data. Name it with --data.")
    path = file_of(table, data, study)
    wanted = _raw(table, study, name)
    joined = {new for join in table.joins for new in join.columns}
    raw = columns(path, sorted(wanted - joined), MOST)
    files = [path]
    for join in table.joins:
        other = found(join.files, data if data.is_dir() else data.parent, study)
        raw = _joined(raw, join, other)
        files.append(other)
    moment = moments(raw[table.date], path.name)
    parts = [codes(raw[column]) for column in table.group]
    whole = np.isfinite(moment)
    for part in parts:
        whole &= np.array([value is not None for value in part], dtype=bool)
    names = [" / ".join(str(part[i]) for part in parts) for i in range(raw.height)]
    keep = np.flatnonzero(whole)
    if not len(keep):
        raise UserError(
            f"{path.name}: no row has a date ('{table.date}') and a crisis ({', '.join(table.group)}). "
            "Is the table empty, or the mapping of another one?"
        )
    known = _known(table, raw, path.name).take(keep)
    mark = hashlib.sha256("".join(digest(file) for file in files).encode()).hexdigest()
    year = np.floor(moment[keep] + 1e-9).astype(int)
    group = np.array([names[i] for i in keep])
    return Rows(known, year, moment[keep], group, keep, raw, path.name, mark, len(names) - len(keep), table)


def ask(rows: Rows, name: str, question: Question) -> Cases:
    """The answers to a question, of the rows that it is about.

    Raises:
        UserError: a code that the mapping does not declare, one class only, or too few answers.
    """
    keep = np.flatnonzero(hold(rows.raw, question.rows, rows.place)[rows.row])
    at = rows.row[keep]
    answer = _answer(rows.raw[at], name, question, rows)
    coded = np.isfinite(answer)
    if coded.sum() < LEAST:
        raise UserError(
            f"{rows.place}: '{name}' has {coded.sum()} rows with an answer; {LEAST} are the least. "
            "Check its 'rows' and codes."
        )
    for value, word in ((1.0, "yes"), (0.0, "no")):
        if not (answer == value).any():
            raise UserError(
                f"{rows.place}: no row answers '{name}' with {word}: there is nothing to tell apart. "
                f"Check the codes of '{question.outcome.column}'."
            )
    game = rows.table.game
    ending = np.full(len(at), -1) if game is None else _endings(game, rows.raw, rows.place)[at]
    when = question.resolved or rows.table.resolved
    known_by = rows.moment[keep] if when is None else _resolved(when, rows)[at]
    return Cases(rows.known.take(keep), answer, ending, rows.year[keep], known_by, rows.group[keep], at)


def _answer(raw: pl.DataFrame, name: str, question: Question, rows: Rows) -> np.ndarray:
    outcome = question.outcome
    said = codes(raw[outcome.column])
    yes, no = among(said, outcome.yes), among(said, outcome.no)
    uncoded = among(said, outcome.uncoded or ()) | np.array([value is None for value in said], dtype=bool)
    if (yes & no).any():
        both = said[yes & no][0]
        raise UserError(f"'{name}': the code '{both}' of '{outcome.column}' means both yes and no. Remove it from one.")
    other = sorted({str(value) for value in said[~(yes | no | uncoded)]})
    if other:
        raise UserError(
            f"{rows.place}: column '{outcome.column}' holds the code{'s' if len(other) > 1 else ''} "
            f"{', '.join(repr(v[:30]) for v in other[:5])}, of which '{name}' does not say what it means. "
            "Add it to 'yes', 'no' or 'uncoded'."
        )
    return np.where(yes, 1.0, np.where(no, 0.0, np.nan))


def _endings(game: Game, raw: pl.DataFrame, place: str) -> np.ndarray:
    """The first ending whose conditions hold, in the order of the mapping; each must occur."""
    ending = np.full(raw.height, -1)
    for name, choices in game.endings.items():
        for conditions in choices:
            ending = np.where((ending < 0) & hold(raw, conditions, place), ENDINGS.index(name), ending)
        if not (ending == ENDINGS.index(name)).any():
            raise UserError(
                f"{place}: no row ends in '{name}' ({game.meaning.get(name, TITLES[name])}). "
                "Check the codes under 'endings', and their order: the first that fits counts."
            )
    return ending


def _resolved(when: Resolved, rows: Rows) -> np.ndarray:
    """When the answer was known, by row of the file; infinite where the file does not say when a case ended."""
    latest = np.full(rows.raw.height, -np.inf)
    if when.column is not None:
        end = moments(rows.raw[when.column], rows.place, end=True)
        latest = np.where(np.isfinite(end), end, np.inf)
    for days in when.days or ():
        many = numbers(rows.raw[days], rows.place) if isinstance(days, str) else np.full(len(latest), float(days))
        latest = np.maximum(latest, after(rows.raw[rows.table.date], many, rows.place))
    return np.asarray(latest)


def _raw(table: Table, study: Study, name: str) -> set[str]:
    """Columns of the file that the mapping names for this table."""
    wanted = {raw for column in table.known for raw in column.raw} | {table.date, *table.group}
    wanted |= {left for join in table.joins for left in join.on}
    whens = [table.resolved]
    for question in study.mapping.questions.values():
        if question.table == name:
            wanted |= {question.outcome.column, *question.rows}
            whens.append(question.resolved)
    wanted |= {raw for when in whens if when is not None for raw in when.raw}
    if table.game is not None:
        every: list[Conditions] = [*table.game.starts.values()]
        every += [conditions for choices in table.game.endings.values() for conditions in choices]
        wanted |= {raw for conditions in every for raw in conditions}
    return wanted


def _joined(raw: pl.DataFrame, join: Join, path: Path) -> pl.DataFrame:
    """The table with columns of another file beside it; a row for each row as before."""
    right = columns(path, dict.fromkeys([*join.on.values(), *join.columns.values(), *join.first_by]), MOST_BESIDE)
    if join.first_by:
        order = [pl.Series(f"_{k}", numbers(right[name], path.name)) for k, name in enumerate(join.first_by)]
        right = right.with_columns(order).sort([f"_{k}" for k in range(len(order))], nulls_last=True)
    require(join.on, raw.columns, path)
    keys = {}
    for left in join.on:
        mine, shift = codes(raw[left]), join.earlier.get(left, 0)
        if shift:
            at = np.floor(moments(raw[left], path.name)) - shift
            mine = np.array([None if np.isnan(v) else str(int(v)) for v in at], dtype=object)
        keys[left] = mine
    theirs = list(zip(*(codes(right[name]) for name in join.on.values()), strict=True))
    first: dict[tuple[object, ...], int] = {}
    for i, key in enumerate(theirs):
        if key in first and not join.first_by:
            raise UserError(
                f"{path.name}: several rows have {', '.join(join.on.values())} = {', '.join(map(str, key))}. "
                "Say with 'first_by' which is meant."
            )
        first.setdefault(key, i)
    at = [first.get(key) for key in zip(*keys.values(), strict=True)]
    beside = []
    for new, old in join.columns.items():
        values = right[old].to_list()
        beside.append(pl.Series(new, [None if i is None else values[i] for i in at], dtype=pl.String))
    return raw.with_columns(beside)


def _known(table: Table, raw: pl.DataFrame, place: str) -> Known:
    made = [pl.Series(column.name, _column(column, raw, place), dtype=pl.String if column.kind == "category" else
            pl.Float64) for column in table.known]  # fmt: skip
    started = np.full(raw.height, -1)
    if table.game is not None:
        for ending, conditions in table.game.starts.items():
            started[hold(raw, conditions, place)] = ENDINGS.index(ending)
    return Known(pl.DataFrame(made), {column.name: column.kind for column in table.known}, started)


def _column(column: Column, raw: pl.DataFrame, place: str) -> list[object]:
    """Values of a known column; None where nothing is known."""
    if column.since is not None:
        start, end = (moments(raw[name], place) for name in column.raw)
        return _plain((end - start) if column.transform is None else _transformed(column, end - start, place))
    every = [codes(raw[name]) for name in column.raw]
    lost = [among(found, column.missing or ()) | np.array([v is None for v in found], dtype=bool) for found in every]
    if column.kind == "category":
        return [None if lost[0][i] else str(value) for i, value in enumerate(every[0])]
    if column.codes is not None:
        hit = np.logical_or.reduce([among(found, column.codes) for found in every])
        return _plain(np.where(np.logical_and.reduce(lost), np.nan, hit.astype(float)))
    kept = pl.Series(column.raw[0], [None if lost[0][i] else v for i, v in enumerate(every[0])], dtype=pl.String)
    value = numbers(kept, place)
    if column.kind == "flag" and not np.isin(value[np.isfinite(value)], (0.0, 1.0)).all():
        other = value[np.isfinite(value) & ~np.isin(value, (0.0, 1.0))][0]
        raise UserError(
            f"{place}: column '{column.raw[0]}' holds {other:g}, where a flag holds 0 or 1. "
            "Give its 'codes', or add it to 'missing'."
        )
    return _plain(_transformed(column, value, place))


def _transformed(column: Column, value: np.ndarray, place: str) -> np.ndarray:
    if column.transform is None:
        return value
    low = {"log": 0.0, "log1p": -1.0, "sqrt": -1e-300, "logit": 0.0}[column.transform]
    wrong = np.isfinite(value) & ((value <= low) | ((column.transform == "logit") & (value >= 1)))
    if wrong.any():
        raise UserError(
            f"{place}: column '{column.raw[0]}' holds {value[wrong][0]:g}, of which there is no {column.transform}. "
            "Add the code to 'missing', or take another transform."
        )
    with np.errstate(invalid="ignore"):
        if column.transform == "logit":
            return np.asarray(np.log(value) - np.log1p(-value))
        return np.asarray({"log": np.log, "log1p": np.log1p, "sqrt": np.sqrt}[column.transform](value))


def _plain(values: np.ndarray) -> list[object]:
    return [None if np.isnan(v) else float(v) for v in values]
