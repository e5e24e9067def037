"""Models that know no game: the base rate, a logistic regression, boosted trees, and an average of two models.

A model learns from a `Lesson` (training cases and their answers) and then sees of a tested case only what was known at
its start (`Known`): it cannot see more, whatever it would like to.
"""

from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import numpy as np
from scipy import special  # type: ignore[import-untyped]

from standoff.backtest.features import as_given, encoder
from standoff.backtest.table import Known
from standoff.errors import Failure

STRENGTHS = tuple(10.0 ** np.arange(-3.5, 1.6, 0.5))
"""Inverse strengths of the ridge among which the training cases choose."""
INNER = 5
"""Folds of training crises by which they choose."""


@dataclass(frozen=True, eq=False)
class Lesson:
    """Training cases: what was known, the answer (0, 1), the ending (index, -1 not known), and the crisis."""

    known: Known
    answer: np.ndarray
    ending: np.ndarray
    group: np.ndarray

    def __len__(self) -> int:
        return len(self.answer)

    def take(self, rows: np.ndarray) -> "Lesson":
        """Some of the cases, by index or mask."""
        return replace(
            self, known=self.known.take(rows), answer=self.answer[rows], ending=self.ending[rows],
            group=self.group[rows],
        )  # fmt: skip


@runtime_checkable
class Fitted(Protocol):
    """A model that has learnt."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What should be known of the fit, in words."""
        ...

    def predict(self, known: Known) -> np.ndarray:
        """Chance of a yes, by case."""
        ...


@runtime_checkable
class Model(Protocol):
    """A way to forecast."""

    @property
    def name(self) -> str:
        """One word for scripts."""
        ...

    @property
    def title(self) -> str:
        """A few words for readers."""
        ...

    def fit(self, lesson: Lesson) -> Fitted:
        """Learn from past cases."""
        ...


@dataclass(frozen=True)
class Rate:
    """The same chance for everybody."""

    chance: float
    notes: tuple[str, ...] = ()

    def predict(self, known: Known) -> np.ndarray:
        """The chance, for each case."""
        return np.full(len(known), self.chance)


@dataclass(frozen=True)
class Climatology:
    """The share of yes among the training cases."""

    name: str = "climatology"
    title: str = "Base rate"

    def fit(self, lesson: Lesson) -> Rate:
        """Count."""
        return Rate(float(lesson.answer.mean()))


@dataclass(frozen=True, eq=False)
class Regressed:
    """A fitted logistic regression."""

    encode: object
    weight: np.ndarray
    constant: float
    strength: float
    notes: tuple[str, ...] = ()

    def predict(self, known: Known) -> np.ndarray:
        """Chance of a yes."""
        return np.asarray(special.expit(self.encode(known) @ self.weight + self.constant))  # type: ignore[operator]


@dataclass(frozen=True)
class Logistic:
    """Logistic regression on all known columns, ridge chosen by crises left out of the training cases (log score)."""

    name: str = "logistic"
    title: str = "Logistic regression"

    def fit(self, lesson: Lesson) -> Regressed:
        """Choose the ridge, then fit to all training cases."""
        strength = chosen_ridge(lesson)
        encode = encoder(lesson.known)
        weight, constant = ridge_fit(encode(lesson.known), lesson.answer, strength)
        return Regressed(encode, weight, constant, strength, (f"ridge 1/{1 / strength:.3g}",))


def ridge_fit(x: np.ndarray, y: np.ndarray, strength: float) -> tuple[np.ndarray, float]:
    """Weights and constant at which the penalised likelihood is largest."""
    from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]

    if not x.shape[1]:
        return np.zeros(0), float(special.logit(y.mean()))
    found = LogisticRegression(C=strength, max_iter=5000, tol=1e-6).fit(x, y)
    return np.asarray(found.coef_[0]), float(found.intercept_[0])


def chosen_ridge(lesson: Lesson) -> float:
    """The strength with the best log score on training crises that were left out."""
    parts = inner_folds(lesson)
    if parts is None:
        return 0.1
    loss = np.zeros(len(STRENGTHS))
    for out in parts:
        rest = lesson.take(~out)
        encode = encoder(rest.known)
        x, test, y = encode(rest.known), encode(lesson.known.take(out)), lesson.answer[out]
        for k, strength in enumerate(STRENGTHS):
            weight, constant = ridge_fit(x, rest.answer, strength)
            loss[k] += np.logaddexp(0, np.where(y > 0, -1, 1) * (test @ weight + constant)).sum()
    return float(STRENGTHS[int(np.argmin(loss))])


def inner_folds(lesson: Lesson, many: int = INNER) -> list[np.ndarray] | None:
    """Masks of training crises to leave out in turn; none where an answer would be missing from the rest."""
    names, at = np.unique(lesson.group, return_inverse=True)
    if len(names) < 2 * many:
        return None
    dealt = np.random.default_rng(6).permutation(len(names)) % many
    parts = [dealt[at] == k for k in range(many)]
    if any(len(np.unique(lesson.answer[~out])) < 2 or not out.any() for out in parts):
        return None
    return parts


@dataclass(frozen=True, eq=False)
class Grown:
    """Fitted trees."""

    trees: object
    levels: dict[str, tuple[str, ...]]
    held: np.ndarray
    """Columns of which some training case holds a value; trees see no others."""
    notes: tuple[str, ...] = ()

    def columns(self, known: Known) -> np.ndarray:
        """Axes case, column."""
        return as_given(known, self.levels)[:, self.held]

    def predict(self, known: Known) -> np.ndarray:
        """Chance of a yes."""
        return np.asarray(self.trees.predict_proba(self.columns(known))[:, 1])  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Boosting:
    """Gradient-boosted trees (scikit-learn's histogram kind), small, slow, and stopped by a part of the training cases.

    The number of rounds is the best on training crises left out, among `rounds`.
    """

    name: str = "boosting"
    title: str = "Boosted trees"
    rounds: tuple[int, ...] = (10, 20, 40, 80)

    def fit(self, lesson: Lesson) -> Grown:
        """Choose the number of rounds, then grow on all training cases."""
        best = self._chosen(lesson)
        return replace(self._grow(lesson, best), notes=(f"{best} rounds",))

    def _grow(self, lesson: Lesson, rounds: int) -> Grown:
        from sklearn.ensemble import HistGradientBoostingClassifier  # type: ignore[import-untyped]
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

        levels = {
            name: tuple(sorted({str(v) for v in lesson.known.frame[name].drop_nulls().to_list()})[:250])
            for name, kind in lesson.known.kinds.items() if kind == "category"
        }  # fmt: skip
        given = as_given(lesson.known, levels)
        held = np.isfinite(given).any(axis=0)
        if not held.any():
            raise Failure("No training case holds anything that was known at the start.")
        mask = np.array([kind == "category" for kind in lesson.known.kinds.values()])[held]
        trees = HistGradientBoostingClassifier(
            learning_rate=0.05, max_iter=rounds, max_leaf_nodes=8, min_samples_leaf=15, l2_regularization=1.0,
            early_stopping=False, categorical_features=mask if mask.any() else None, random_state=6,
        )  # fmt: skip
        with threadpool_limits(1):  # small tables: threads would wait for one another
            return Grown(trees.fit(given[:, held], lesson.answer), levels, held)

    def _chosen(self, lesson: Lesson) -> int:
        parts = inner_folds(lesson, 3)
        if parts is None:
            return self.rounds[1]
        loss = np.zeros(max(self.rounds))
        for out in parts:
            grown = self._grow(lesson.take(~out), max(self.rounds))
            y = lesson.answer[out]
            staged = grown.trees.staged_predict_proba(grown.columns(lesson.known.take(out)))  # type: ignore[attr-defined]
            for k, chance in enumerate(staged):
                p = np.clip(chance[:, 1], 1e-6, 1 - 1e-6)
                loss[k] -= np.where(y > 0, np.log(p), np.log1p(-p)).sum()
        return min(self.rounds, key=lambda n: loss[n - 1])


def average(chances: list[np.ndarray]) -> np.ndarray:
    """Mean of log odds, as chances; a chance of 0 or 1 counts as a ten-thousandth from it."""
    odds = [special.logit(np.clip(p, 1e-4, 1 - 1e-4)) for p in chances]
    return np.asarray(special.expit(np.mean(odds, axis=0)))
