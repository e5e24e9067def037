"""Files of any size, plain or packed (gzip, zip), read as a stream of bytes; memory does not grow with them."""

import gzip
import io
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from standoff.case.packed import HEAD, packing, require_as_named
from standoff.errors import UserError
from standoff.events.report import Faults

LINE_LIMIT = 2**20
"""Bytes that a line may hold."""
BUFFER = 2**18
"""Bytes read at a time."""
OFTEN = 20_000
"""Lines after which progress is told."""
_BROKEN = (EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile, NotImplementedError)


@dataclass
class Table:
    """An open table: its name for places, its bytes, how far the file on disk has been read, and its faults."""

    label: str
    stream: io.BufferedReader
    faults: Faults
    told: Callable[[], None] = lambda: None
    rows: int = 0

    def first(self) -> list[bytes]:
        """The first lines, without taking them away."""
        return self.stream.peek(BUFFER)[:BUFFER].removeprefix(b"\xef\xbb\xbf").splitlines()[:20]

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """Each line with its number; one that is too long is a fault."""
        read = self.stream.readline
        number = 0
        while line := read(LINE_LIMIT):
            number += 1
            if number % OFTEN == 0:
                self.told()
            if len(line) == LINE_LIMIT and not line.endswith(b"\n"):
                self.fault(number, f"it is longer than {LINE_LIMIT // 2**20} MiB")
                while (line := read(LINE_LIMIT)) and not line.endswith(b"\n"):
                    pass
                continue
            yield number, line

    def fault(self, number: int, why: str) -> None:
        """Note a line that could not be read."""
        self.faults.add(f"{self.label}:{number}", why)


def tables(file: Path, faults: Faults, told: Callable[[int], None] = lambda read: None) -> Iterator[Table]:
    """The tables of a file: one, or each member of a zip archive.

    Args:
        file: A table, plain or packed.
        faults: Where faulty lines are noted.
        told: Called now and then with the bytes of the file that have been read.
    """
    with _opened(file) as raw:
        head = raw.peek(HEAD)[:HEAD]
        if not head:
            raise UserError(f"{file}: this file is empty. Download it again, or leave it out.")
        require_as_named(file, head)
        if packing(head) not in (None, "gzip", "zip"):
            raise UserError(f"{file}: it is packed with {packing(head)}. Unpack it first, or pack it with gzip.")
        if head.startswith(b"PK"):
            with zipfile.ZipFile(raw) as archive:
                for member in archive.infolist():
                    if member.is_dir() or member.filename.startswith("__MACOSX/"):
                        continue
                    if member.flag_bits & 1:
                        raise UserError(f"{file}: '{member.filename}' in it is encrypted. Unpack it first.")
                    with archive.open(member) as stream:
                        label = f"{file.name}/{member.filename}"
                        yield Table(label, _buffered(stream), faults, lambda: told(raw.tell()))
        elif head.startswith(b"\x1f\x8b"):
            with gzip.GzipFile(fileobj=raw) as stream:
                yield Table(file.name, _buffered(stream), faults, lambda: told(raw.tell()))
        else:
            yield Table(file.name, raw, faults, lambda: told(raw.tell()))


@contextmanager
def readable(file: Path) -> Iterator[None]:
    """Tells in a sentence what goes wrong while a file is read."""
    try:
        yield
    except _BROKEN as error:
        what = "it ends too early" if isinstance(error, EOFError) else "it is damaged, or packed in another way"
        raise UserError(f"{file}: this packed file cannot be read: {what}. Download it again.") from error
    except OSError as error:
        raise UserError(
            f"{file}: it cannot be read: {error.strerror or error}. Check the path, and who may read it."
        ) from error


@contextmanager
def _opened(file: Path) -> Iterator[Any]:
    if file.is_dir():
        raise UserError(f"{file}: this is a folder. Name the files in it, such as {file}/*.")
    if not stat.S_ISREG(file.stat().st_mode):
        raise UserError(f"{file}: this is not a plain file. Name an event table.")
    with io.BufferedReader(io.FileIO(file), BUFFER) as raw:
        yield raw


def _buffered(stream: Any) -> io.BufferedReader:  # noqa: ANN401 (gzip and zip have no type in common)
    return io.BufferedReader(stream, BUFFER)
