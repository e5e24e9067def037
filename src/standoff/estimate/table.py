"""Tables of past crises: CSV, TSV or parquet, read by polars; mistakes are told by file, line and column.

A table has a header and a row for each game or observation. Empty cells and `NA`, `NaN`, `.` are missing values. Rows
are counted from 0 within the library, and told as lines of the file, the header being line 1.
"""

import difflib
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from standoff.errors import UserError

LIMIT = 512 * 2**20
"""Bytes that a table may hold."""
MISSING = ["", "NA", "N/A", "NaN", "nan", ".", "NULL", "null"]
"""What stands for a missing value."""
SEPARATORS = {".csv": ",", ".tsv": "\t", ".tab": "\t", ".txt": "\t"}
PARQUET = (".parquet", ".pq")


@dataclass(frozen=True, eq=False)
class Table:
    """A table and where it came from.

    `frame`: the columns; `name`: the file, or what it is called; `file`: whether rows are lines of a text file.
    """

    frame: pl.DataFrame
    name: str = "the table"
    file: bool = False

    def __len__(self) -> int:
        return self.frame.height

    @property
    def columns(self) -> list[str]:
        """Names of the columns."""
        return self.frame.columns

    def place(self, row: int, column: str = "") -> str:
        """Where a cell is: `file:line, column 'x'`."""
        where = f"{self.name}:{row + 2}" if self.file else f"{self.name}, row {row + 1}"
        return f"{where}, column '{column}'" if column else where

    def require(self, column: str, why: str = "") -> str:
        """The name of a column that must be there.

        Raises:
            UserError: there is none; names that resemble it are told.
        """
        if column in self.frame.columns:
            return column
        near = difflib.get_close_matches(column, self.frame.columns, n=3)
        remedy = f"Did you mean {' or '.join(near)}?" if near else f"It has {_listed(self.frame.columns)}."
        reason = f" ({why})" if why else ""
        raise UserError(f"{self.name}: there is no column '{column}'{reason}. {remedy}")

    def text(self, column: str) -> bool:
        """Whether a column holds text rather than numbers."""
        return not _numeric(self.frame[self.require(column)].dtype)

    def numbers(self, column: str, why: str = "") -> np.ndarray:
        """A column as float64, nan where a value is missing.

        Raises:
            UserError: a cell holds no number; its place is told.
        """
        series = self.frame[self.require(column, why)]
        if not _numeric(series.dtype):
            cells = series.to_list()
            found = [np.nan if x is None else _number(x) for x in cells]
            if None in found:
                bad = found.index(None)
                raise UserError(
                    f"{self.place(bad, column)}: '{cells[bad]}' is no number. Correct the cell, or leave it empty if "
                    "the value is missing."
                )
            return np.asarray(found, dtype=float)
        return np.asarray(series.cast(pl.Float64).fill_null(np.nan).to_numpy(), dtype=float)

    def values(self, column: str) -> list[Any]:
        """A column as plain values, None where one is missing."""
        return self.frame[self.require(column)].to_list()

    def take(self, rows: np.ndarray | Sequence[int]) -> "Table":
        """Some rows of the table; their places are no longer those of the file."""
        return Table(self.frame[np.asarray(rows, dtype=np.int64)], self.name, False)

    def with_column(self, column: str, value: Any) -> "Table":  # noqa: ANN401 (a number, text or array)
        """The table with a column set to a value, or to an array of values."""
        if isinstance(value, np.ndarray):
            return Table(self.frame.with_columns(pl.Series(column, value)), self.name, self.file)
        return Table(self.frame.with_columns(pl.lit(value).alias(column)), self.name, self.file)


def read_table(path: Path | str) -> Table:
    """Read a table from a file.

    Args:
        path: CSV (`.csv`), tab-separated (`.tsv`, `.tab`, `.txt`) or parquet (`.parquet`).

    Raises:
        UserError: the file cannot be read as a table; the message says where and what to do.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in SEPARATORS and suffix not in PARQUET:
        raise UserError(f"{path}: a table is CSV, TSV or parquet. Name it .csv, .tsv or .parquet.")
    try:
        info = path.stat()
    except OSError as error:
        raise UserError(f"{path}: it cannot be read: {error.strerror}. Check the path.") from error
    if not stat.S_ISREG(info.st_mode):
        raise UserError(f"{path}: this is not a plain file. Name a table.")
    if info.st_size > LIMIT:
        raise UserError(f"{path}: it is larger than {LIMIT // 2**20} MiB. Keep the columns that are used, as parquet.")
    if info.st_size == 0:
        raise UserError(f"{path}: the file is empty. A table has a header and rows.")
    try:
        if suffix in PARQUET:
            frame = pl.read_parquet(path, use_pyarrow=False)
        else:
            _require_header(path, SEPARATORS[suffix])
            frame = pl.read_csv(
                path, separator=SEPARATORS[suffix], infer_schema_length=None, null_values=MISSING, try_parse_dates=False
            )
            frame = frame.with_columns([_unpadded(column) for column in frame if column.dtype == pl.String])
    except OSError as error:
        raise UserError(f"{path}: it cannot be read: {error.strerror or error}.") from error
    except pl.exceptions.PolarsError as error:
        reason = " ".join(str(error).split())[:200]
        raise UserError(
            f"{path}: this cannot be read as a table ({reason}). Every line must have as many cells as the header, and "
            "the text must be UTF-8."
        ) from error
    if frame.height == 0:
        raise UserError(f"{path}: the table has a header but no row.")
    return Table(frame, str(path), suffix in SEPARATORS)


def as_table(data: "Table | pl.DataFrame | Mapping[str, Any] | Any", name: str = "the table") -> Table:  # noqa: ANN401
    """A table from a polars or pandas frame, or from columns by name."""
    if isinstance(data, Table):
        return data
    if isinstance(data, pl.DataFrame):
        return Table(data, name)
    if isinstance(data, Mapping):
        return Table(pl.DataFrame({key: _plain(value) for key, value in data.items()}, strict=False), name)
    if hasattr(data, "columns") and hasattr(data, "to_dict"):
        return Table(pl.DataFrame({str(key): _plain(data[key]) for key in data.columns}, strict=False), name)
    raise UserError("A table is a polars or pandas frame, or columns by name.")


def _plain(value: Any) -> Any:  # noqa: ANN401 (a column of any library)
    array = np.asarray(value)
    return array if array.dtype.kind in "biuf" else [None if x is None or x != x else x for x in array.tolist()]


def _require_header(path: Path, separator: str) -> None:
    """Refuse a header with the same name twice, or with none."""
    import csv

    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            header = next(csv.reader(stream, delimiter=separator), [])
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: the text is not UTF-8. Save the table as UTF-8.") from error
    except csv.Error as error:
        raise UserError(f"{path}:1: the header cannot be read ({error}). Write column names, once each.") from error
    seen: set[str] = set()
    for place, name in enumerate(header):
        if not name.strip():
            raise UserError(f"{path}:1: column {place + 1} has no name. Name it in the header.")
        if name in seen:
            raise UserError(f"{path}:1: there are two columns '{name}'. Rename one of them.")
        seen.add(name)


def _unpadded(column: pl.Series) -> pl.Series:
    """A column of text as numbers, if it is text only for blanks around them."""
    cells = column.str.strip_chars()
    cells = cells.set(cells.is_in(MISSING), None)
    found = cells.cast(pl.Float64, strict=False)
    return found if found.null_count() == cells.null_count() else column


def _numeric(dtype: Any) -> bool:  # noqa: ANN401 (a data type of polars)
    return bool(dtype.is_numeric()) or dtype == pl.Boolean or dtype == pl.Null


def _number(value: object) -> float | None:
    """The number that a cell of text holds, blanks around it aside; none if it is no number."""
    text = str(value).strip()
    if text in MISSING:
        return np.nan
    try:
        return float(text) if "_" not in text else None
    except ValueError:
        return None


def _listed(names: Sequence[str], most: int = 12) -> str:
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown
