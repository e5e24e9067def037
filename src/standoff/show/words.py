"""How the report says things: the names of a case, and chances, differences and dates in plain words."""

import datetime as dt
import math
from dataclasses import dataclass

from standoff.case.crisis import Case
from standoff.case.evidence import Event
from standoff.show.summary import Chance
from standoff.simulate.payoffs import leaves
from standoff.simulate.results import ENDING_TITLES

MOVES = {
    "back-down": "back down",
    "hold": "wait",
    "climb": "climb a step",
    "ultimatum": "set a deadline",
    "offer": "make an offer",
    "accept": "accept what is on the table",
    "strike": "use force",
    "concede": "give in",
    "defy": "refuse and wait",
    "flee": "flee",
    "display": "show strength",
}
LANE = {
    "back-down": "backs down",
    "climb": "climb",
    "ultimatum": "deadline",
    "offer": "offer",
    "accept": "accepts",
    "strike": "force",
    "concede": "gives in",
    "flee": "flees",
    "display": "display",
}
_ENDS = {
    "back-down": "back-down",
    "concession": "agreed-exit",
    "flight": "flight",
    "force": "force",
    "coup": "removed-within",
    "stalemate": "stalemate",
}


@dataclass(frozen=True)
class Names:
    """What a case calls its two sides, their types, the endings and the scenarios."""

    coercer: str
    target: str
    firm: dict[str, str]
    firm_words: dict[str, str]
    yielding: dict[str, str]

    def side(self, side: str) -> str:
        """Name of the leader who decides for a side."""
        return self.coercer if side == "coercer" else self.target

    def other(self, side: str) -> str:
        """Name of the other leader."""
        return self.target if side == "coercer" else self.coercer

    def ending(self, key: str) -> str:
        """An ending in words."""
        special = {"deal-he-stays": "deal, the leader stays", "back-down": f"{self.coercer} backs down"}
        return special.get(key, ENDING_TITLES[key])

    def scenario(self, key: str) -> str:
        """A scenario in words."""
        return {
            "views": "Each in their own view",
            "base": "Both in the base view",
            "coercer-view": f"Both in the view of {self.coercer}",
            "target-view": f"Both in the view of {self.target}",
            "swapped": "Each in the other’s view",
            "coercer-base": f"Only {self.coercer} corrected",
            "target-base": f"Only {self.target} corrected",
            "known": "Base view, types known to both",
        }.get(key, key)


def names(case: Case) -> Names:
    """The names of a case."""
    sides = {"coercer": case.leader("coercer"), "target": case.leader("target")}
    firm = {side: actor.types[-1] for side, actor in sides.items()}
    words = {side: actor.type_titles.get(firm[side], firm[side]) for side, actor in sides.items()}
    first = {side: actor.types[0] for side, actor in sides.items()}
    return Names(sides["coercer"].name, sides["target"].name, firm, words, first)


def ending_of(case: Case, event: Event | None) -> str | None:
    """Which of the endings the record's last event is; none if it has none or cannot be told."""
    if event is None or event.ends is None:
        return None
    if event.ends == "settlement":
        package = next((p for p in case.packages if event.move and p.id == event.move.package), None)
        return "agreed-exit" if package is None or leaves(case, package) else "deal-he-stays"
    return _ENDS[event.ends]


def percent(share: float) -> str:
    """A chance in whole per cent, without claiming an exact 0 or 1."""
    text = f"{share:.0%}"
    if text == "0%" and share > 0:
        return "under 1%"
    return "over 99%" if text == "100%" and share < 1 else text


def give_or_take(error: float) -> str:
    """Two standard errors of a chance, in points; fine ones with a decimal."""
    points = 100 * error
    return f"±{points:.0f}" if points >= 0.95 or points == 0 else f"±{points:.1f}"


def said(c: Chance) -> str:
    """A chance with both of its uncertainties."""
    return f"{percent(c.mean)} {give_or_take(c.error)}, {c.low:.0%} to {c.high:.0%}"


def points(c: Chance) -> str:
    """A difference of chances, in points, with its error."""
    value = 100 * c.mean
    digits = 1 if abs(value) < 9.95 else 0
    sign = "" if round(abs(value), digits) == 0 else "+" if value > 0 else "−"
    return f"{sign}{abs(value):.{digits}f} ±{100 * c.error:.{digits}f}"


def clear(c: Chance) -> bool:
    """Whether a difference is more than two standard errors from 0."""
    return abs(c.mean) > c.error


def moved(c: Chance, what: str) -> str:
    """A difference as a clause: what would rise, fall or cannot be told from unchanged."""
    if not clear(c):
        return f"{what} would not change by more than the error ({points(c)} points)"
    size = f"{abs(100 * c.mean):.0f}" if abs(c.mean) >= 0.00995 else f"{abs(100 * c.mean):.1f}"
    return f"{what} would {'rise' if c.mean > 0 else 'fall'} by {size} points ({give_or_take(c.error)})"


def day(when: dt.date) -> str:
    """A date as one writes it."""
    return f"{when.day} {when:%B %Y}"


def listed(parts: list[str], last: str = "and") -> str:
    """Words in a row: a, b and c."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} {last} {parts[-1]}" if parts else ""


def count(number: int, one: str, many: str | None = None) -> str:
    """A number with its noun."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def sentence(text: str) -> str:
    """With a capital letter at the beginning."""
    return text[:1].upper() + text[1:]


def false_alarm(draws: int) -> float:
    """Chance that an interval of two standard errors from so many draws misses a true 0 (Student's t)."""
    if draws < 2:
        return 1.0
    nu, steps = draws - 1, 20_000
    c = math.exp(math.lgamma((nu + 1) / 2) - math.lgamma(nu / 2)) / math.sqrt(nu * math.pi)
    h = 2 / steps
    inside: float = sum(c * (1 + ((i + 0.5) * h) ** 2 / nu) ** (-(nu + 1) / 2) for i in range(steps)) * h
    return 1 - 2 * inside
