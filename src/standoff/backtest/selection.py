"""Outcomes that nobody coded: who they are, and what they could change.

A case without a coded outcome is forecast like any other and cannot be scored. That is a selection: coders left out
what was hard to find or hard to judge. Three things are told: how well being coded can be foretold from what was known
at the start (an AUC of 0.5: not at all); the scores again with each coded case weighted by one over its chance of being
coded, which mends as much of the selection as the known columns tell of; and between which bounds the share of yes
lies whatever the uncoded cases were (Manski 1989, J. Hum. Resour. 24:343-360).
"""

from dataclasses import dataclass

import numpy as np

from standoff.backtest.models import Lesson, Logistic, inner_folds
from standoff.backtest.scores import auc
from standoff.backtest.table import Cases

LEAST_CHANCE = 0.1
"""Chance of being coded below which a weight grows no more."""
FEW = 10
"""Uncoded cases under which nothing is weighted."""


@dataclass(frozen=True, eq=False)
class Selection:
    """What is known of the uncoded among tested cases.

    `coded`, `uncoded`: cases; `auc`: of being coded, out of sample; `low`, `high`: bounds of the share of yes;
    `weight`: of the tested cases that are coded, mean 1; none where too few are uncoded.
    """

    coded: int
    uncoded: int
    auc: float
    low: float
    high: float
    weight: np.ndarray | None


def selection(cases: Cases, tested: np.ndarray) -> Selection:
    """Describe the selection among some tested cases (indices, coded or not)."""
    coded = cases.coded[tested]
    yes = float(np.nansum(cases.answer[tested]))
    many, lost = int(coded.sum()), int((~coded).sum())
    bounds = (yes / len(tested), (yes + lost) / len(tested))
    if min(many, lost) < FEW:
        return Selection(many, lost, float("nan"), *bounds, None)
    lesson = Lesson(cases.known.take(tested), coded.astype(float), cases.ending[tested], cases.group[tested])
    parts = inner_folds(lesson)
    if parts is None:
        return Selection(many, lost, float("nan"), *bounds, None)
    chance = np.empty(len(tested))
    for out in parts:
        rest = lesson.take(~out)
        chance[out] = Logistic().fit(rest).predict(lesson.known.take(out))
    weight = 1 / np.maximum(chance[coded], LEAST_CHANCE)
    return Selection(many, lost, float(auc(chance, lesson.answer)[0]), *bounds, np.asarray(weight / weight.mean()))
