"""Files of past cases: found in the user's folder, looked at, and read column by column as text."""

import csv
import hashlib
from collections.abc import Iterable
from pathlib import Path

import polars as pl

from standoff.backtest.mapping import Table
from standoff.backtest.study import Study
from standoff.case import packed
from standoff.case.explain import nearest
from standoff.case.packed import require_plain
from standoff.errors import UserError

MOST = 100_000
"""Rows that a table may have: all of it is held in memory, and each is forecast by every model."""
MOST_BESIDE = 2_000_000
"""Rows of a file whose columns are put beside those of a table."""
HEAD = 2**16
"""Bytes of a file that are looked at before it is read."""


def file_of(table: Table, data: Path, study: Study) -> Path:
    """The file of a table: `data` itself, or one in that folder.

    Raises:
        UserError: there is none.
    """
    if data.is_file():
        return data
    if table.files is None:
        raise UserError(f"{data}: this mapping reads one table. Name the file with --data, not its folder.")
    return found(table.files, data, study)


def found(names: Iterable[str], folder: Path, study: Study) -> Path:
    """The first of some names that is there.

    Raises:
        UserError: none of them is there.
    """
    names = tuple(names)
    for name in names:
        if (folder / name).is_file():
            return folder / name
    where = [s for s in study.mapping.sources if set(s.files) & set(names)]
    told = f" It is from {where[0].address}." if where else ""
    raise UserError(f"{folder}: there is no file called {' or '.join(names)}.{told} Put it there.")


def columns(path: Path, wanted: Iterable[str], most: int) -> pl.DataFrame:
    """Some columns of a file, as text; of `most` rows at most.

    Raises:
        UserError: a column that is not there, or there twice; a file that is no table, or too large a one.
    """
    names = list(wanted)
    try:
        with path.open("rb") as stream:
            require_plain(path, stream.read(packed.HEAD))
        if path.suffix == ".parquet":
            require(names, pl.read_parquet_schema(path), path)
            table = pl.read_parquet(path, columns=names, n_rows=most + 1).select(
                pl.col(name).cast(pl.String) for name in names
            )
        else:
            separator = "\t" if path.suffix in (".tsv", ".tab") else ","
            _require_once(names, _header(path, separator), path)
            table = pl.read_csv(
                path, columns=names, infer_schema=False, separator=separator, n_rows=most + 1
            ).select(names)  # fmt: skip
    except (pl.exceptions.PolarsError, UnicodeDecodeError) as error:
        what = " ".join(str(error).split())[:160]
        raise UserError(f"{path.name}: it cannot be read as a table: {what}. Save it as CSV in UTF-8.") from error
    except OSError as error:
        raise UserError(f"{path}: it cannot be read: {error.strerror}.") from error
    if table.height > most:
        raise UserError(
            f"{path.name}: it has more than {most:,} rows, which is as many as a backtest takes. "
            "Keep a sample of whole crises."
        )
    return table


def _header(path: Path, separator: str) -> list[str]:
    """Names of the columns, as they stand in the first line."""
    with path.open("rb") as stream:
        head = stream.read(HEAD)
    if b"\0" in head:
        raise UserError(f"{path.name}: this is no text in UTF-8. Save it as CSV in UTF-8.")
    names = pl.read_csv(path, n_rows=0, infer_schema=False, separator=separator).columns
    if len(names) == 1:
        other = next((mark for mark in ";\t|," if mark in names[0]), None)
        if other is not None:
            named = {"\t": "tabs", ";": "semicolons", ",": "commas"}.get(other, f"'{other}'")
            want = "tabs" if separator == "\t" else "commas"
            raise UserError(f"{path.name}: its fields are parted by {named}. Save it with {want} between them.")
    first = head.decode("utf-8-sig", "replace").splitlines()[:1]
    said = next(csv.reader(first, delimiter=separator), []) if first else []
    return said if len(said) == len(names) else names


def _require_once(names: Iterable[str], held: list[str], path: Path) -> None:
    require(names, held, path)
    for name in names:
        if held.count(name) > 1:
            raise UserError(f"{path.name}: two columns are called '{name}'. Rename the one that is not meant.")


def require(names: Iterable[str], held: Iterable[str], path: Path) -> None:
    """Refuse a file that lacks a column.

    Raises:
        UserError: with the name that is nearest.
    """
    have = set(held)
    for name in names:
        if name not in have:
            close = nearest(name, have)
            remedy = f"Did you mean '{close}'?" if close else "Rename it, or change the mapping."
            raise UserError(f"{path.name}: there is no column '{name}'. {remedy}")


def digest(path: Path) -> str:
    """SHA-256 of what a file holds."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
