"""Games given by their payoffs: rows of a table with the columns case, SA, VA, CB, barWA, barWB, bara, VB."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from standoff.errors import UserError
from standoff.estimate.formulas import PAYOFFS
from standoff.estimate.table import Table

CASE = "case"
MOST = 1e6
"""Payoffs are in standard deviations of what is private; larger ones are mistakes."""
WHY = "a game's payoffs are SA, VA, CB, barWA, barWB, bara and VB"


@dataclass(frozen=True, eq=False)
class PayoffPoints:
    """Games by name: `cases`, and `payoffs` [game, payoff] in the order of `formulas.PAYOFFS`."""

    cases: tuple[Any, ...]
    payoffs: np.ndarray


def payoff_points(table: Table) -> PayoffPoints:
    """The games of a table, each case once; other columns are ignored.

    Raises:
        UserError: a column is lacking; a cell is empty, no number or absurd; a case has two sets of payoffs.
    """
    table.require(CASE, "the name of each game")
    for name in PAYOFFS:
        table.require(name, WHY)
    columns = [_checked(table, name) for name in PAYOFFS]
    payoffs = np.stack(columns, axis=1)
    first: dict[Any, int] = {}
    for row, case in enumerate(table.values(CASE)):
        if case is None or case != case or (isinstance(case, str) and not case.strip()):
            raise UserError(f"{table.place(row, CASE)}: this game has no name. Give each game a case.")
        if not isinstance(case, str | int | float):
            raise UserError(f"{table.place(row, CASE)}: this is no name of a game. Write a word or a number.")
        before = first.setdefault(case, row)
        if not np.array_equal(payoffs[row], payoffs[before]):
            name = PAYOFFS[int(np.flatnonzero(payoffs[row] != payoffs[before])[0])]
            raise UserError(
                f"{table.place(row, name)}: case {case} has other payoffs than in {table.place(before)}. Rename "
                "one of them; rows of the same case must say the same."
            )
    return PayoffPoints(tuple(first), payoffs[list(first.values())])


def _checked(table: Table, name: str) -> np.ndarray:
    values = table.numbers(name, WHY)
    empty = np.isnan(values)
    if empty.any():
        place = table.place(int(np.flatnonzero(empty)[0]), name)
        raise UserError(f"{place}: there is no number. Every payoff of a game must be given.")
    bad = ~(np.abs(values) <= MOST)
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        value = values[row]
        raise UserError(
            f"{table.place(row, name)}: {value:g} is no payoff: they are in standard deviations of what is private, "
            f"at most {MOST:g} in size. Correct the cell."
        )
    return values
