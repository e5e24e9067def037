"""What a study says in words: the first sentence answers its question, and says no where the answer is no.

The comparison was fixed beforehand: Brier score of the signaling game less that of the logistic regression, for every
question and every split that is not for comparison only. Clear is a difference whose interval excludes 0.
"""

import math
from collections.abc import Sequence

from standoff.backtest.run import BASE, MIXED, PLAIN, REGRESSION, STRUCTURE, Found, Report
from standoff.backtest.scores import LEAST, LEVEL, verdict


def counted(report: Report) -> list[Found]:
    """What the answer counts: every split but those for comparison, unless there is no other."""
    splits = report.study.mapping.splits
    return [one for one in report.found if not splits[one.split].comparison] or list(report.found)


def answer(report: Report) -> str:
    """The answer, in a few sentences."""
    found = counted(report)
    played = [one for one in found if ("brier", STRUCTURE, REGRESSION) in one.less]
    plain = f"The regression itself {_told(found, REGRESSION, BASE, 'the base rate')}."
    if not played:
        return f"No game forecast here, so nothing is said of structure. {plain}"
    few = [one for one in played if not math.isfinite(one.less["brier", STRUCTURE, REGRESSION].low)]
    if len(few) == len(played):
        return f"Fewer than {LEAST} crises are tested: too few for intervals, so nothing is said of structure."
    better, worse, _ = verdict([one.less["brier", STRUCTURE, REGRESSION] for one in played])
    hollow = sum(
        one.less["brier", STRUCTURE, REGRESSION].clear < 0 and one.less["brier", STRUCTURE, BASE].value >= 0
        for one in played
    )
    many = f"{len(played)} comparison{'s' if len(played) > 1 else ''}"
    but = f" in {hollow} of them the base rate, which knows nothing of a case, is better than both."
    if better == 0:
        text = (
            f"The structure does not forecast better than a regression: in none of {many} is the Brier score of the "
            f"signaling game clearly lower than that of logistic regression; in {_number(worse)} it is clearly higher."
        )
    elif better == hollow:
        text = (
            f"The structure does not forecast better than a regression that is worth having: of {many} the Brier "
            f"score of the signaling game is clearly lower in {better}, where the base rate, which knows nothing of a "
            f"case, is better than both; it is clearly higher in {_number(worse)}."
        )
    elif worse == 0:
        text = (
            f"The structure forecasts better than a regression in {better} of {many}: there the Brier score of the "
            "signaling game is clearly lower than that of logistic regression; nowhere is it clearly higher."
        )
        text += f" But{but}" if hollow else ""
    else:
        text = (
            f"Whether the structure forecasts better than a regression hangs on the question: of {many} the Brier "
            f"score of the signaling game is clearly lower in {better} and clearly higher in {worse}."
        )
        text += f" Of the former,{but}" if hollow else ""
    text += f" The signaling game {_told(played, STRUCTURE, BASE, 'the base rate')}."
    if any(("brier", STRUCTURE, PLAIN) in one.less for one in played):
        text += f" Beside a regression of the same endings, which knows no game, it {_told(played, STRUCTURE, PLAIN)}."
    text += f" Averaged with the regression, it {_told(played, MIXED, REGRESSION, 'the regression alone')}. {plain}"
    if few:
        text += f" In {len(few)} of them too few crises are tested for intervals."
    chance = f"{len(played) * (1 - LEVEL):.1g}"
    return f"{text} Between equals about {chance} of {many} would be called clear by chance."


def _told(found: Sequence[Found], one: str, other: str, whom: str = "that") -> str:
    every = [f.less["brier", one, other] for f in found if ("brier", one, other) in f.less]
    better, worse, _ = verdict(every)
    if better == worse == 0:
        return f"is nowhere clearly better or worse than {whom}"
    return f"is clearly better than {whom} in {_number(better)} of {len(every)} and clearly worse in {_number(worse)}"


def _number(value: int) -> str:
    return str(value) if value else "none"
