"""Scores of chances against answers, and differences between models with intervals.

    Brier   mean of (p - y)²
    log     mean of -ln p if y = 1, else -ln(1 - p), p held within [CLIP, 1 - CLIP]; how many were held is told
    AUC     chance that a random yes got a higher p than a random no, ties half (Mann and Whitney)
    skill   1 - Brier / Brier of the base rate
    calibration   slope b and intercept a of logit P(y = 1) = a + b logit p (Cox 1958, Biometrika 45:562); best 1 and 0

Intervals are percentiles over `RESAMPLES` bootstrap samples of whole crises, the same samples for all models, so that
differences are paired. They say what other crises would have brought; the training cases are taken as they are.
There are none from fewer than `LEAST` crises.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special  # type: ignore[import-untyped]

CLIP = 0.005
RESAMPLES = 2000
LEVEL = 0.95
LEAST = 10
"""Crises under which there is no interval: samples of so few are nearly all alike."""
TINY = 1e-9
"""A difference that is only of rounding is not clear."""
CHUNK = 2**22
"""Numbers that are held at a time."""
BINS = 8
"""Classes of chance in a reliability figure, of about as many cases each."""


@dataclass(frozen=True)
class Interval:
    """A number with the 2.5 and 97.5 percentiles of its bootstrap samples; none where there are too few crises."""

    value: float
    low: float
    high: float

    @property
    def clear(self) -> int:
        """1 if all of the interval is above 0, -1 if all of it is below, else 0."""
        return int(self.low > TINY) - int(self.high < -TINY)


@dataclass(frozen=True)
class Scores:
    """Scores of one model on one question."""

    brier: Interval
    log: Interval
    auc: Interval
    skill: Interval
    slope: float
    intercept: float
    held: int
    """Chances that the log score held away from 0 or 1."""


def brier(chance: np.ndarray, answer: np.ndarray) -> np.ndarray:
    """Squared error by case."""
    return np.asarray((chance - answer) ** 2)


def log_score(chance: np.ndarray, answer: np.ndarray) -> np.ndarray:
    """Surprise by case, in nats."""
    held = np.clip(chance, CLIP, 1 - CLIP)
    return np.asarray(-np.where(answer > 0, np.log(held), np.log1p(-held)))


def auc(chance: np.ndarray, answer: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
    """Area under the curve, for weights with axes sample, case (or none, and one number); nan without both answers."""
    w = np.ones((1, len(answer))) if weight is None else np.atleast_2d(weight)
    values, at = np.unique(chance, return_inverse=True)
    yes, no = (np.zeros((len(w), len(values))) for _ in range(2))
    order = np.argsort(at, kind="stable")
    edges = np.searchsorted(at[order], np.arange(len(values)))
    yes = np.add.reduceat((w * answer)[:, order], edges, axis=1)
    no = np.add.reduceat((w * (1 - answer))[:, order], edges, axis=1)
    below = np.cumsum(no, axis=1) - no
    total = yes.sum(axis=1) * no.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(total > 0, (yes * (below + no / 2)).sum(axis=1) / total, np.nan))


def calibration(chance: np.ndarray, answer: np.ndarray) -> tuple[float, float]:
    """Slope and intercept; the slope is nan where all chances are the same, both where the chances part the answers."""
    x = special.logit(np.clip(chance, CLIP, 1 - CLIP))
    if np.ptp(x) < 1e-9:
        return float("nan"), float(special.logit(answer.mean()) - x.mean()) if 0 < answer.mean() < 1 else float("nan")
    beta = np.zeros(2)
    design = np.column_stack([np.ones_like(x), x])
    for _ in range(50):
        p = special.expit(design @ beta)
        step = np.linalg.lstsq((design * (p * (1 - p))[:, None]).T @ design, design.T @ (answer - p), rcond=None)[0]
        beta = beta + np.clip(step, -4, 4)
        if np.abs(beta).max() > 30:
            return float("nan"), float("nan")
        if np.abs(step).max() < 1e-10:
            break
    return float(beta[1]), float(beta[0])


def reliability(chance: np.ndarray, answer: np.ndarray, bins: int | None = None) -> list[tuple[float, float, int]]:
    """Mean chance, share of yes and cases in classes of about as many cases each; equal chances stay together.

    By default as many classes, from 4 to `BINS`, as leave 50 cases in each.
    """
    bins = min(BINS, max(4, len(chance) // 50)) if bins is None else bins
    order = np.argsort(chance, kind="stable")
    edges = [round(len(order) * k / bins) for k in range(1, bins)]
    cuts = np.unique([chance[order[e]] for e in edges if 0 < e < len(order)])
    which = np.searchsorted(cuts, chance, side="right")
    return [
        (float(chance[which == k].mean()), float(answer[which == k].mean()), int((which == k).sum()))
        for k in np.unique(which)
    ]


@dataclass(frozen=True, eq=False)
class Samples:
    """Bootstrap samples of whole crises.

    `drawn`: how often each crisis is in each sample [sample, crisis]; `at`: the crisis of each case [case].
    """

    drawn: np.ndarray
    at: np.ndarray

    def sums(self, value: np.ndarray) -> np.ndarray:
        """Sums over the cases of each sample [sample, ...] of a value by case [case, ...]."""
        whole = np.zeros((self.drawn.shape[1], *value.shape[1:]))
        np.add.at(whole, self.at, value)
        return np.concatenate([part @ whole for part in self._parts(self.drawn.shape[1])])

    def weights(self) -> Iterator[np.ndarray]:
        """How often each case is in each sample [sample, case], some samples at a time."""
        for part in self._parts(len(self.at)):
            yield part[:, self.at]

    def _parts(self, wide: int) -> Iterator[np.ndarray]:
        step = max(1, CHUNK // wide)
        for k in range(0, max(len(self.drawn), 1), step):
            yield self.drawn[k : k + step].astype(float)


def resamples(group: np.ndarray, *, seed: int, many: int = RESAMPLES, least: int = LEAST) -> Samples:
    """Bootstrap samples of whole crises; none where there are fewer crises than `least`."""
    names, at = np.unique(group, return_inverse=True)
    rng, share = np.random.default_rng(seed), np.full(len(names), 1 / len(names))
    many = many if len(names) >= least else 0
    drawn = np.zeros((many, len(names)), np.uint32)
    step = max(1, CHUNK // len(names))
    for k in range(0, many, step):
        drawn[k : k + step] = rng.multinomial(len(names), share, size=min(step, many - k))
    return Samples(drawn, at)


def mean(value: np.ndarray, weight: np.ndarray, samples: Samples) -> Interval:
    """Weighted mean by case, with its interval."""
    found = samples.sums(weight * value) / samples.sums(weight)
    return interval(float((weight @ value) / weight.sum()), found)


def interval(value: float, drawn: np.ndarray) -> Interval:
    """A value and the percentiles of its draws."""
    drawn = drawn[np.isfinite(drawn)]
    if len(drawn) < RESAMPLES // 4:
        return Interval(value, float("nan"), float("nan"))
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(value, float(low), float(high))


def score(
    chance: np.ndarray, answer: np.ndarray, base: np.ndarray, samples: Samples, weight: np.ndarray | None = None
) -> Scores:
    """All scores of a model.

    Args:
        chance: Of a yes, by case.
        answer: 1 or 0.
        base: Chances of the base rate, for the skill.
        samples: Bootstrap samples (`resamples`).
        weight: Weights of the cases (inverse chances of being coded); equal by default.
    """
    w = np.ones(len(answer)) if weight is None else weight
    own, flat = brier(chance, answer), brier(base, answer)
    curve = auc(chance, answer, w[None, :])[0]
    curves = np.concatenate([auc(chance, answer, part * w) for part in samples.weights()])
    with np.errstate(invalid="ignore", divide="ignore"):
        skill = 1 - samples.sums(w * own) / samples.sums(w * flat)
    slope, intercept = calibration(chance, answer)
    return Scores(
        mean(own, w, samples), mean(log_score(chance, answer), w, samples),
        interval(float(curve), curves),
        interval(float(1 - (w @ own) / (w @ flat)), skill),
        slope, intercept, int(((chance < CLIP) | (chance > 1 - CLIP)).sum()),
    )  # fmt: skip


def difference(
    one: np.ndarray, other: np.ndarray, answer: np.ndarray, samples: Samples, rule: str = "brier"
) -> Interval:
    """Mean score of one model minus that of another, paired case by case: below 0 the one is better."""
    by = {"brier": brier, "log": log_score}[rule]
    return mean(by(one, answer) - by(other, answer), np.ones(len(answer)), samples)


def encompassing(one: np.ndarray, other: np.ndarray, answer: np.ndarray, samples: Samples) -> Interval:
    """What one model adds to another: the weight w that makes (1 - w) logit q + w logit p most likely.

    0: nothing; 1: the other adds nothing. `one` is p, `other` is q. A single weight, within -1 and 2.
    """
    grid = np.linspace(-1, 2, 121)
    p, q = (special.logit(np.clip(c, CLIP, 1 - CLIP)) for c in (one, other))
    mixed = q[:, None] + (p - q)[:, None] * grid
    loss = np.logaddexp(0, np.where(answer > 0, -1, 1)[:, None] * mixed)
    best = grid[np.argmin(loss.sum(axis=0))]
    return interval(float(best), grid[np.argmin(samples.sums(loss), axis=1)])


def verdict(found: Sequence[Interval]) -> tuple[int, int, int]:
    """How many differences are clearly below 0, clearly above, and neither."""
    below = sum(d.clear < 0 for d in found)
    above = sum(d.clear > 0 for d in found)
    return below, above, len(found) - below - above
