"""Tables of past crises: CSV, TSV or parquet, read by polars; mistakes are told by file, line and column.

A table has a header and a row for each game or observation. Empty cells and `NA`, `NaN`, `.` are missing values. Rows
are counted from 0 within the library, and told as lines of the file, the header being line 1.
"""

import csv
import difflib
import re
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from standoff.case.packed import HEAD, require_plain
from standoff.errors import UserError

LIMIT = 512 * 2**20
"""Bytes that a table may hold."""
LARGEST = 1e100
"""The largest number that a cell of a text file may hold, whatever its sign."""
MISSING = ["", "NA", "N/A", "NaN", "nan", ".", "NULL", "null"]
"""What stands for a missing value."""
TAIL = 2**16
"""Bytes at the end of a table in which its last line is looked for."""
_MARKS = {",": "commas", "\t": "tabs", ";": "semicolons", "|": "bars"}
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
            UserError: a cell holds no number, or one too large; its place is told.
        """
        series = self.frame[self.require(column, why)]
        if _numeric(series.dtype):
            found = np.asarray(series.cast(pl.Float64).fill_null(np.nan).to_numpy(), dtype=float)
        else:
            cells = series.to_list()
            read = [np.nan if x is None else _number(x) for x in cells]
            if None in read:
                bad = read.index(None)
                raise UserError(
                    f"{self.place(bad, column)}: '{_shown(cells[bad])}' is no number. Correct the cell, or leave it "
                    "empty if the value is missing."
                )
            found = np.asarray(read, dtype=float)
        large = np.isfinite(found) & (np.abs(found) > LARGEST) if self.file else np.zeros(1, dtype=bool)
        if large.any():
            bad = int(np.argmax(large))
            raise UserError(
                f"{self.place(bad, column)}: {found[bad]:g} is larger than {LARGEST:g}, and its square cannot be "
                "computed with. Correct the cell, or rescale the column."
            )
        return found

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
    try:
        info = path.stat()
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: it cannot be read: {_reason(error)}. Check the path.") from error
    if not stat.S_ISREG(info.st_mode):
        raise UserError(f"{path}: this is not a plain file. Name a table.")
    if info.st_size > LIMIT:
        raise UserError(f"{path}: it is larger than {LIMIT // 2**20} MiB. Keep the columns that are used, as parquet.")
    if info.st_size == 0:
        raise UserError(f"{path}: the file is empty. A table has a header and rows.")
    require_plain(path, _head(path))
    if suffix not in SEPARATORS and suffix not in PARQUET:
        raise UserError(f"{path}: a table is CSV, TSV or parquet. Name it .csv, .tsv or .parquet.")
    try:
        if suffix in PARQUET:
            frame = pl.read_parquet(path, use_pyarrow=False)
        else:
            _require_whole(path, _require_header(path, SEPARATORS[suffix]), SEPARATORS[suffix])
            frame = pl.read_csv(
                path, separator=SEPARATORS[suffix], infer_schema_length=None, null_values=MISSING, try_parse_dates=False
            )
            frame = frame.with_columns([_unpadded(column) for column in frame if column.dtype == pl.String])
    except OSError as error:
        raise UserError(f"{path}: it cannot be read: {error.strerror or error}.") from error
    except pl.exceptions.PolarsError as error:
        reason = re.split(r"\s*(?:Consider|You might|The current offset)", " ".join(str(error).split()))[0][:160]
        remedy = (
            "Every line must have as many cells as the header, and quotes must be closed."
            if suffix in SEPARATORS
            else "Write it anew as parquet, or save it as CSV."
        )
        raise UserError(f"{path}: this cannot be read as a table ({reason}). {remedy}") from error
    if frame.height == 0:
        raise UserError(f"{path}: the table has a header but no row.")
    return Table(frame, str(path), suffix in SEPARATORS)


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(HEAD)
    except OSError as error:
        raise UserError(f"{path}: it cannot be read: {_reason(error)}. Check who may read it.") from error


def _reason(error: OSError | ValueError) -> str:
    return getattr(error, "strerror", None) or str(error)


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


def _require_header(path: Path, separator: str) -> list[str]:
    """The header; refuses one with the same name twice, with none, or of another separator."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            header = next(csv.reader(stream, delimiter=separator), [])
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: the text is not UTF-8. Save the table as UTF-8.") from error
    except csv.Error as error:
        raise UserError(f"{path}:1: the header cannot be read ({error}). Write column names, once each.") from error
    other = (
        next((mark for mark in _MARKS if mark != separator and mark in header[0]), None) if len(header) == 1 else None
    )
    if other is not None:
        raise UserError(f"{path}:1: its cells are parted by {_MARKS[other]}. Save it with {_MARKS[separator]}.")
    seen: set[str] = set()
    for place, name in enumerate(header):
        if not name.strip():
            raise UserError(f"{path}:1: column {place + 1} has no name. Name it in the header.")
        if name in seen:
            raise UserError(f"{path}:1: there are two columns '{name}'. Rename one of them.")
        seen.add(name)
    return header


def _require_whole(path: Path, header: Sequence[str], separator: str) -> None:
    """Refuse a table whose last line breaks off."""
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - TAIL))
        tail = stream.read().rstrip(b"\r\n")
    last = tail[max(tail.rfind(b"\n"), tail.rfind(b"\r")) + 1 :].decode("utf-8", "replace")
    if len(tail) == len(last) or '"' in last:
        return
    cells = next(csv.reader([last], delimiter=separator), [])
    if 0 < len(cells) < len(header):
        raise UserError(
            f"{path}: its last line has {len(cells)} of {len(header)} cells, so the file may have been cut off. "
            "Get it whole, or complete the line."
        )


def _shown(cell: object) -> str:
    """A cell as it can stand in a message."""
    text = "".join(letter if letter.isprintable() else "?" for letter in str(cell))
    return f"{text[:40]}…" if len(text) > 40 else text


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
