"""A row of an event table, and what is wrong with a line that is none."""

import datetime as dt
from dataclasses import dataclass, field
from typing import NamedTuple

from standoff.events.parties import Actor

SHOWN = 5
"""Faulty lines that are shown."""
FIRST_YEAR = 1900
"""Events before this year are taken for mistakes: the oldest of the tables begins in 1979."""


class Report(NamedTuple):
    """One row: who did what to whom on which day, by which story.

    Attributes:
        name: Id of the row in its table.
        date: Day of the act, as the table has it.
        added: Day on which the table got it; none where it does not say.
        actor: Who acts.
        recipient: Whom it is done to; an empty one if the table names none.
        code: CAMEO code, or `KIND/mode` of PLOVER.
        goldstein: Score in the row, -10 to 10; none if it has none.
        story: Address or id of the text that was coded.
        outlet: Host or publisher of that text.
        text: Words by which copies of one text are known: headline, text, or what the address says.
        articles: How many articles the row itself counts.
    """

    name: str
    date: dt.date
    added: dt.date | None
    actor: Actor
    recipient: Actor
    code: str
    goldstein: float | None
    story: str
    outlet: str
    text: str
    articles: int = 1


class Fault(ValueError):
    """Why a line is not a row."""


@dataclass
class Faults:
    """Lines that could not be read: how many, and the first of them with their places."""

    count: int = 0
    first: list[str] = field(default_factory=list)

    def add(self, place: str, why: str) -> None:
        """Note a line."""
        self.count += 1
        if len(self.first) < SHOWN:
            self.first.append(f"{place}: {why}")


def day(text: str, what: str = "the date") -> dt.date:
    """A day written 2025-11-29, 20251129 or 20251129093000."""
    digits = text.replace("-", "")[:8] if text[4:5] == "-" else text[:8]
    try:
        if len(text) not in (8, 10, 14, 19) or not (digits.isascii() and digits.isdigit()):
            raise ValueError
        found = dt.date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        raise Fault(f"{what} '{text[:24]}' is not a day") from None
    if not FIRST_YEAR <= found.year <= dt.date.today().year + 1:
        raise Fault(f"{what} {found} cannot be right")
    return found


def score(text: str) -> float | None:
    """A Goldstein score; none if there is none."""
    if text in ("", "NA", "None"):
        return None
    try:
        found = float(text)
    except ValueError:
        raise Fault(f"the score '{text[:24]}' is not a number") from None
    if not -10 <= found <= 10:
        raise Fault(f"the score {text[:24]} is not between -10 and 10")
    return found
