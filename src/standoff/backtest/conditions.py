"""Codes as they stand in files, made comparable, and conditions on them. Everything is read as text first."""

import contextlib
import datetime as dt
import math
import re
from collections.abc import Iterable

import numpy as np
import polars as pl

from standoff.backtest.mapping import Condition, Conditions
from standoff.errors import UserError

EMPTY = ("", "NA", "N/A", "NaN", "nan", "null", ".")
"""What stands for an empty field."""
LARGEST = 1e100
"""Numbers beyond this are refused: their squares could not be added up."""
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d{1,3})?")
_WHOLE = re.compile(r"[-+]?\d{1,100}")
_DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_YEAR = re.compile(r"[12]\d{3}(\.0+)?")


def code(value: object) -> str:
    """A code as text, the same for 3, '3', '03' and 3.0; true and false are 1 and 0, also as words."""
    text = str(value).strip()
    if text.casefold() in ("true", "false"):
        return str(int(text.casefold() == "true"))
    if _WHOLE.fullmatch(text):
        return str(int(text))  # however long: two ids must not become one
    if _NUMBER.fullmatch(text):
        number = float(text)
        return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)
    return text


def codes(column: pl.Series) -> np.ndarray:
    """Codes of a column of text; None where a field is empty."""
    known: dict[str, str | None] = {}
    found = np.empty(len(column), object)
    for i, value in enumerate(column.to_list()):
        if value is None:
            continue
        if value not in known:
            known[value] = None if value.strip() in EMPTY else code(value)
        found[i] = known[value]
    return found


def among(found: np.ndarray, wanted: Iterable[object]) -> np.ndarray:
    """Which codes are one of some."""
    these = {code(value) for value in wanted}
    return np.array([value is not None and value in these for value in found], dtype=bool)


def numbers(column: pl.Series, place: str) -> np.ndarray:
    """Numbers of a column of text; not a number where a field is empty."""
    found = np.full(len(column), np.nan)
    for i, value in enumerate(codes(column)):
        if value is None:
            continue
        if not _NUMBER.fullmatch(value):
            raise UserError(
                f"{place}: column '{column.name}' holds '{value[:40]}' in row {i + 2}, which is no number. "
                "Mend it, add it to 'missing', or declare 'kind: category'."
            )
        found[i] = float(value)
        if abs(found[i]) > LARGEST:
            raise UserError(
                f"{place}: column '{column.name}' holds {value[:40]} in row {i + 2}, which is too large a number. "
                "Mend it, or add it to 'missing'."
            )
    return found


def moments(column: pl.Series, place: str, *, end: bool = False) -> np.ndarray:
    """Dates as years with a fraction; not a number where empty. A bare year is its first day, or its last with `end`.

    Raises:
        UserError: a field that is neither a year nor a day.
    """
    found = np.full(len(column), np.nan)
    for i, value in enumerate(codes(column)):
        if value is None:
            continue
        if _YEAR.fullmatch(value):
            found[i] = float(value) + (366 / 367 if end else 0.0)
        else:
            found[i] = _moment(_date(value, column.name, i, place))
    return found


def after(column: pl.Series, days: np.ndarray, place: str) -> np.ndarray:
    """Dates, so many days later, as years with a fraction; infinite where a date or the days are not known.

    Days are counted in the calendar, and from the last day of a bare year.

    Raises:
        UserError: a field that is neither a year nor a day.
    """
    found = np.full(len(column), np.inf)
    for i, value in enumerate(codes(column)):
        if value is None or not days[i] >= 0:
            continue
        bare = _YEAR.fullmatch(value)
        date = dt.date(int(float(value)), 12, 31) if bare else _date(value, column.name, i, place)
        if date.toordinal() + days[i] < dt.date.max.toordinal():
            found[i] = _moment(date + dt.timedelta(days=math.ceil(days[i])))
    return found


def _date(value: str, name: str, at: int, place: str) -> dt.date:
    day = _DAY.fullmatch(value)
    with contextlib.suppress(ValueError):
        if day:
            return dt.date(*map(int, day.groups()))
    raise UserError(
        f"{place}: column '{name}' holds '{value[:40]}' in row {at + 2}, which is no date. "
        "Write a year (1962) or a day (1962-10-16)."
    )


def _moment(date: dt.date) -> float:
    return date.year + (date.timetuple().tm_yday - 1) / 367


def hold(raw: pl.DataFrame, conditions: Conditions, place: str) -> np.ndarray:
    """Rows in which all conditions hold; an empty field fulfils none but 'not'."""
    found = np.ones(raw.height, dtype=bool)
    for name, condition in conditions.items():
        found &= _one(raw[name], condition, place)
    return found


def _one(column: pl.Series, condition: Condition, place: str) -> np.ndarray:
    these = codes(column)
    found = np.ones(len(column), dtype=bool)
    if condition.among is not None:
        found &= among(these, condition.among)
    if condition.without is not None:
        found &= ~among(these, condition.without)
    if condition.low is not None or condition.high is not None:
        value = numbers(column, place)
        with np.errstate(invalid="ignore"):
            found &= np.isfinite(value)
            found &= value >= (condition.low if condition.low is not None else -np.inf)
            found &= value <= (condition.high if condition.high is not None else np.inf)
    return found
