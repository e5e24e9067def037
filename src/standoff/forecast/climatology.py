"""Climatologies: how often an ending comes about in a named class of past cases, as a chance by a deadline.

`climatology.csv` holds a row for each class and outcome: so many cases k of n (or k in n leader-years), the data and
the filter. The classes differ by one or two orders of magnitude, and each is right about something else: a leader-year
asks how often it happens to any ruler at all, a crisis how often once a great power presses, the last how often
among the few whom somebody told to leave under threat (chosen because they are known). None is the true one; a score
names the one that it is measured against.

With `h` days from the forecast to its deadline the chance is

    rate     1 - exp(-m h / 365.25)       m = (k + 1/2) / n a leader-year
    within   1 - (1 - p)^(h / days)       p = (k + 1/2) / (n + 1), observed over so many days
    crisis   1 - (1 - p)^(min(h, days) / days)    days: mean length of such a crisis, after which no more is added

the means of Jeffreys' posteriors, so that 0 of 4 is not never; low and high by its 90% interval.
"""

import csv
import math
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from scipy import stats  # type: ignore[import-untyped]

from standoff.forecast.words import Range

YEAR = 365.25
TITLES = {
    "all-autocracies": "any autocrat, 1946-2014",
    "autocracies-1990-2014": "any autocrat, 1990-2014",
    "pressed-by-a-great-power": "smaller state pressed by a great power",
    "another-regime-demanded": "dispute over who governs, to 1990",
    "sanctions-episodes": "sanctions threatened or imposed",
    "leader-told-to-leave": "leader told to leave under threat (4)",
}
"""Names of the classes, narrowest last."""


@dataclass(frozen=True)
class Rate:
    """How often an outcome came about in a class of cases.

    `kind`: `rate` (k in n leader-years), `within` (k of n within so many days), `crisis` (k of n crises, so long on
    average). `first`, `last`: years of the data.
    """

    id: str
    outcome: str
    k: int
    n: int
    kind: str
    days: float
    first: int
    last: int
    source: str
    filter: str
    note: str

    @property
    def estimate(self) -> Range:
        """Mean and 90% interval of Jeffreys' posterior: a year for a rate, over `days` for a share."""
        if self.kind == "rate":
            posterior = stats.gamma(self.k + 0.5, scale=1 / self.n)
        else:
            posterior = stats.beta(self.k + 0.5, self.n - self.k + 0.5)
        low, high = posterior.ppf([0.05, 0.95])
        return Range(float(low), float(posterior.mean()), float(high))

    def chance(self, days: float | int) -> Range:
        """Chance that the outcome comes about within so many days."""
        e = self.estimate
        return Range(*(self._by(value, max(float(days), 0.0)) for value in (e.low, e.mid, e.high)))

    def _by(self, value: float, days: float) -> float:
        if self.kind == "rate":
            return -math.expm1(-value * days / YEAR)
        share = days / self.days if self.kind == "within" else min(days / self.days, 1.0)
        return -math.expm1(share * math.log1p(-min(value, 1 - 1e-12)))


@lru_cache(maxsize=1)
def rates() -> dict[tuple[str, str], Rate]:
    """All rates, by class and outcome."""
    text = files("standoff.forecast").joinpath("climatology.csv").read_text(encoding="utf-8")
    found = {}
    for row in csv.DictReader(text.splitlines()):
        rate = Rate(
            row["id"], row["outcome"], int(row["k"]), int(row["n"]), row["kind"], float(row["days"]),
            int(row["first"]), int(row["last"]), row["source"], row["filter"], row["note"],
        )  # fmt: skip
        found[rate.id, rate.outcome] = rate
    return found


def classes() -> tuple[str, ...]:
    """Ids of the classes, widest first."""
    return tuple(dict.fromkeys(name for name, _ in rates()))


def climatology(name: str, outcome: str, days: float | int) -> Range | None:
    """Chance of an outcome within so many days in a class of cases; none where the class says nothing of it.

    Args:
        name: Id of the class.
        outcome: As in a case's forecasts; `in-office` is the opposite of `out-of-office`.
        days: From the day of the forecast to its deadline.
    """
    if outcome == "in-office":
        out = climatology(name, "out-of-office", days)
        return out.complement if out is not None else None
    rate = rates().get((name, outcome))
    return rate.chance(days) if rate is not None else None
