"""Codes as they stand in files, made comparable, and conditions on them. Everything is read as text first."""

import datetime as dt
import re
from collections.abc import Iterable

import numpy as np
import polars as pl

from standoff.backtest.mapping import Condition, Conditions
from standoff.errors import UserError

EMPTY = ("", "NA", "N/A", "NaN", "nan", "null", ".")
"""What stands for an empty field."""
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d{1,3})?")
_DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_YEAR = re.compile(r"[12]\d{3}(\.0+)?")


def code(value: object) -> str:
    """A code as text, the same for 3, '3', '03' and 3.0; true and false are 1 and 0."""
    if isinstance(value, bool):
        return str(int(value))
    text = str(value).strip()
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
        day = _DAY.fullmatch(value)
        if _YEAR.fullmatch(value):
            found[i] = float(value) + (366 / 367 if end else 0.0)
            continue
        try:
            date = dt.date(*map(int, day.groups())) if day else None
        except ValueError:
            date = None
        if date is None:
            raise UserError(
                f"{place}: column '{column.name}' holds '{value[:40]}' in row {i + 2}, which is no date. "
                "Write a year (1962) or a day (1962-10-16)."
            )
        found[i] = date.year + (date.timetuple().tm_yday - 1) / 367
    return found


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
