"""What a screen of the report is made of, and what every screen is told."""

from dataclasses import dataclass

import xarray as xr

from standoff.case.audit import Audit
from standoff.case.load import LoadedCase
from standoff.show.figures.drawing import Drawing
from standoff.show.words import Names
from standoff.simulate.record import Record


@dataclass(frozen=True)
class Findings:
    """Everything that a screen may draw on. `documents` says whether the analyst's copies were at hand."""

    loaded: LoadedCase
    tree: xr.DataTree
    evidence: Audit
    record: Record
    names: Names
    documents: bool

    def group(self, name: str) -> xr.Dataset | None:
        """A group of the results; none if it is missing or empty."""
        if name not in self.tree.children:
            return None
        found = self.tree[name].ds
        return found if found.data_vars else None


@dataclass(frozen=True)
class Cell:
    """A cell of a table: text, and whether it is judgement, not established, or to stand out."""

    text: str
    judgement: bool = False
    faint: bool = False
    strong: bool = False


@dataclass(frozen=True)
class Table:
    """A small table: heading row, rows, and what its numbers are."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""
    judgement: bool = False
    wordy: tuple[int, ...] = ()
    kind: str = "table"


@dataclass(frozen=True)
class Words:
    """Paragraphs, one of which may be marked as judgement."""

    paragraphs: tuple[str, ...]
    title: str = ""
    judgement: bool = False
    kind: str = "words"


@dataclass(frozen=True)
class Picture:
    """A place for a figure."""

    drawing: Drawing
    kind: str = "picture"


Block = Table | Words | Picture


@dataclass(frozen=True)
class Screen:
    """One screen: question, answer, two columns, what stands below them, and the note on uncertainty."""

    id: str
    question: str
    answer: str
    left: tuple[Block, ...] = ()
    right: tuple[Block, ...] = ()
    below: tuple[Block, ...] = ()
    note: str = ""

    @property
    def drawings(self) -> list[Drawing]:
        """Its figures."""
        return [b.drawing for b in (*self.left, *self.right, *self.below) if isinstance(b, Picture)]


def row(*texts: str | Cell) -> tuple[Cell, ...]:
    """A row of a table."""
    return tuple(text if isinstance(text, Cell) else Cell(text) for text in texts)
