"""What words of chance mean: each as a range with a middle, from a standard or a survey, or by judgement.

`words.csv` holds a row for each word: `survey` (people were asked for a number: the median, and the range of the middle
80% of the answers), `standard` (no survey that we have asked for it; an authority says what it should mean: ICD 203 of
the US intelligence community, 2015), `judgement` (neither covers it: ours, `like` the nearest word that one does, and
wide), `assertion` (a bare "will" or "will not", which names no chance at all; ours).

Surveys: Mauboussin & Mauboussin 2018, "If you say something is likely, how likely do people think it is?" (Harvard
Business Review, 3 July 2018), answers at https://github.com/amauboussin/probability-survey, 1,976 respondents, of whom
about 1,860 answered for a word; zonination 2015, https://github.com/zonination/perceptions (46 respondents), for words
that the former did not ask. "Very" goes half of the way to the end of the scale (Mosteller & Youtz 1990).
"""

import csv
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Literal, cast, get_args

from standoff.case.explain import suggestion
from standoff.errors import UserError

Kind = Literal["standard", "survey", "judgement", "assertion"]


@dataclass(frozen=True)
class Range:
    """A chance, or what is computed from one, with its lowest and highest value."""

    low: float
    mid: float
    high: float

    @staticmethod
    def point(value: float) -> "Range":
        """A chance that was given as a number."""
        return Range(value, value, value)

    @property
    def complement(self) -> "Range":
        """The chance of the opposite."""
        return Range(1 - self.high, 1 - self.mid, 1 - self.low)


@dataclass(frozen=True)
class Word:
    """A word of chance: its range, where that is from, and the nearest word of a standard or survey."""

    word: str
    chance: Range
    kind: Kind
    like: str
    source: str
    note: str


@lru_cache(maxsize=1)
def words() -> dict[str, Word]:
    """All words that have a range, by the word."""
    text = files("standoff.forecast").joinpath("words.csv").read_text(encoding="utf-8")
    found = {}
    for row in csv.DictReader(text.splitlines()):
        chance = Range(float(row["low"]), float(row["mid"]), float(row["high"]))
        if row["kind"] not in get_args(Kind):
            raise ValueError(f"words.csv: '{row['kind']}' is no kind of word")
        kind = cast("Kind", row["kind"])
        found[row["word"]] = Word(row["word"], chance, kind, row["like"], row["source"], row["note"])
    return found


def word_of(said: str, place: str) -> Word:
    """The range of a word, whatever its letters and spaces.

    Args:
        said: The word as it stands in the case.
        place: Where, for the error message.
    """
    known = words()
    plain = " ".join(said.lower().split())
    if plain not in known:
        raise UserError(
            f"{place}: no range is known for the words '{said}'. {suggestion(plain, known)} Or write a `probability`, "
            "as the forecaster gave it."
        )
    return known[plain]
