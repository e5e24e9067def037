"""Codes of events: CAMEO, its Goldstein scores, PLOVER, and the move of the game that a code suggests.

CAMEO codes (Schrodt 2012) are text of two to four digits, a leading zero included; the first two are the root. PLOVER
(Open Event Data Alliance) has sixteen kinds of event, most with a mode; here `KIND` or `KIND/mode`. The Goldstein score
(Goldstein 1992) runs from -10 (most conflictual) to +10 (most cooperative). The tables and their sources are in
`tables/`; a code that a table lacks takes what its parent has.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from standoff.errors import UserError

TABLES = Path(__file__).with_name("tables")
Scale = Literal["gdelt", "icews"]
LOWEST, HIGHEST = -10.0, 10.0
"""Ends of the Goldstein scale."""
SIGNAL = "signal"
"""The class of what is no move."""

OLDER = {"DEMAND": "REQUEST", "DISAPPROVE": "ACCUSE", "INVESTIGATE": "ACCUSE", "FIGHT": "ASSAULT"}
"""Kinds of PLOVER before its table of 2021, and where they went."""
OLDER_MODES = {
    "demo-org": "demo", "demo-spon": "demo", "riot-org": "riot", "riot-spon": "riot", "strike-hun": "hunger",
    "strike-gen": "strike", "host": "visit", "confiscate": "seize", "detain": "arrest",
}  # fmt: skip
"""Modes of before that have another name now."""


@dataclass(frozen=True)
class Plover:
    """Kind of event, mode and context in PLOVER; empty where there is none."""

    event: str = ""
    mode: str = ""
    context: str = ""

    @property
    def code(self) -> str:
        """`KIND/mode`, or `KIND`."""
        return f"{self.event}/{self.mode}" if self.mode else self.event


@dataclass(frozen=True)
class Act:
    """Words for what a code stands for, and the moves that it suggests; an empty move is a signal."""

    words: str
    coercer: str
    target: str

    def move(self, side: str) -> str:
        """The move suggested for a side; `signal` for one that is none, and for others than the two leaders."""
        return {"coercer": self.coercer, "target": self.target}.get(side, "") or SIGNAL


def table(name: str) -> Iterator[dict[str, str]]:
    """Rows of a table that travels with the library."""
    with (TABLES / f"{name}.csv").open(encoding="utf-8", newline="") as stream:
        yield from csv.DictReader(stream)


@cache
def scores(scale: Scale) -> dict[str, float]:
    """Goldstein score of each CAMEO code, as a data set uses it."""
    return {row["code"]: float(row[scale]) for row in table("goldstein") if row[scale]}


@cache
def _plover() -> dict[str, Plover]:
    return {row["cameo"]: Plover(row["event"], row["mode"], row["context"]) for row in table("plover")}


@cache
def acts() -> dict[str, Act]:
    """Every act that the library has words for, by code."""
    return {row["code"]: Act(row["words"], row["coercer"], row["target"]) for row in table("acts")}


@cache
def is_cameo(code: str) -> bool:
    """Whether a text is a code of CAMEO: one of the tables, or a finer one below it."""
    known = scores("icews").keys() | scores("gdelt").keys()
    return 2 <= len(code) <= 4 and code.isascii() and code.isdigit() and (code in known or code[:3] in known)


def kinds() -> frozenset[str]:
    """The kinds of event in PLOVER."""
    return frozenset(name for name in acts() if name.isalpha())


def goldstein(code: str, scale: Scale = "icews") -> float | None:
    """Goldstein score of a CAMEO code, or of its nearest parent; none for a code of PLOVER."""
    found = scores(scale)
    return next((found[code[:size]] for size in range(len(code), 1, -1) if code[:size] in found), None)


@cache
def to_plover(code: str) -> Plover:
    """PLOVER for a CAMEO code (statements and appeals, 01 and 02, have none) or for `KIND/mode`."""
    if not code[:1].isdigit():
        event, _, mode = code.partition("/")
        return Plover(OLDER.get(event, event), OLDER_MODES.get(mode, mode))
    found = _plover()
    return next((found[code[:size]] for size in range(len(code), 1, -1) if code[:size] in found), Plover())


@cache
def act(code: str) -> Act:
    """Words and moves for a code of CAMEO or PLOVER."""
    known = acts()
    if code[:1].isdigit():
        name = next((code[:size] for size in range(len(code), 1, -1) if code[:size] in known), "")
    else:
        plover = to_plover(code)
        name = plover.code if plover.code in known else plover.event
    if name not in known:
        raise UserError(f"'{code}' is a code neither of CAMEO nor of PLOVER. Write one such as 138 or THREATEN.")
    return known[name]


def matches(code: str, wanted: str) -> bool:
    """Whether a code lies below a CAMEO code or root (`13` holds 1384), or is of a PLOVER kind or `KIND/mode`."""
    if wanted[:1].isdigit():
        return code.startswith(wanted)
    found = to_plover(code)
    return wanted.upper() == found.event or wanted.casefold() == found.code.casefold()
