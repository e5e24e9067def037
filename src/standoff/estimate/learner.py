"""The signaling game as a classifier of scikit-learn: `SignalingGame(formulas).fit(X, y).predict_proba(X)`.

X is a frame of polars or pandas with the columns that the formulas name; an array has columns x0, x1 ... y holds an
outcome a row, `sq`, `cd`, `sf`, `bd` (or their places 0 to 3), or counts of the four [row, outcome]. It can be
cloned, searched and cross-validated like any other.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
from sklearn.base import BaseEstimator, ClassifierMixin  # type: ignore[import-untyped]
from sklearn.utils.validation import check_is_fitted  # type: ignore[import-untyped]

from standoff.errors import UserError
from standoff.estimate.fit import Fit
from standoff.estimate.formulas import COUNTS, PAYOFFS, Formulas
from standoff.estimate.table import Table, as_table

TINY = 1e-15
"""Chances are held so far from 0 in the score of counts."""


class SignalingGame(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """The crisis-signaling game of Lewis & Schultz (2003), estimated on outcomes.

    Args:
        formulas: Payoff to formula; payoffs that are left out are 0.
        method: ml, npl or pl.
        selection: Which equilibrium is played, of ml: smallest, largest, mixture, likely or weighed. The last two
            choose by a row's own outcomes, which new rows do not have, so they are no good for rows of single plays.
        penalty: Standard deviation of a normal prior around 0 on all coefficients; None for none.
        given_challenge: Whether rows are challenges only, so that the chances are those of cd, sf and bd.
        starts: Points to climb from; None for the method's own number.
        seed: Of all that is random.
    """

    def __init__(
        self, formulas: Mapping[str, str] | None = None, *, method: str = "ml", selection: str = "largest",
        penalty: float | None = None, given_challenge: bool = False, starts: int | None = None, seed: int = 1,
    ) -> None:  # fmt: skip
        self.formulas = formulas
        self.method = method
        self.selection = selection
        self.penalty = penalty
        self.given_challenge = given_challenge
        self.starts = starts
        self.seed = seed

    def fit(self, X: Any, y: Any) -> "SignalingGame":  # noqa: ANN401
        """Estimate the game.

        Args:
            X: Columns by name.
            y: Outcomes [row], or counts [row, outcome].
        """
        from standoff.estimate.estimation import estimate

        counts, self.classes_ = self._counts(y)
        table = self._table(X)
        if len(table) != len(counts):
            raise UserError(f"X has {len(table)} rows and y {len(counts)}. Give one outcome for each row.")
        frame = table.frame.with_columns(**{name: pl.Series(counts[:, k]) for k, name in enumerate(self._hidden())})
        self.fit_: Fit = estimate(
            Table(frame, "X"), self._formulas(), method=self.method,
            selection=self.selection if self.method == "ml" else None, penalty=self.penalty,
            given_challenge=self.given_challenge, starts=self.starts, seed=self.seed,
        )  # fmt: skip
        self.n_features_in_ = len(table.columns)
        return self

    def predict_proba(self, X: Any) -> np.ndarray:  # noqa: ANN401
        """Chance of each outcome [row, class], in the order of `classes_`."""
        check_is_fitted(self)
        chances = self.fit_.predict(self._table(X)).chances
        found = np.stack([chances[name] for name in COUNTS], axis=1)
        if self.given_challenge:
            found[:, 0] = 0.0
        found = found / found.sum(axis=1, keepdims=True)
        return np.asarray(found[:, self._places()])

    def predict(self, X: Any) -> np.ndarray:  # noqa: ANN401
        """The likeliest outcome of each row."""
        return np.asarray(self.classes_[np.argmax(self.predict_proba(X), axis=1)])

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:  # noqa: ANN401
        """Share of rows whose outcome was the likeliest; with counts, the mean log-likelihood of a play."""
        if np.ndim(y) == 2:
            chances = np.log(np.maximum(self.predict_proba(X)[:, np.argsort(self._places())], TINY))
            counts = np.asarray(y, dtype=float)
            return float((counts * chances).sum() / counts.sum())
        return float(super().score(X, y, sample_weight))

    def _places(self) -> np.ndarray:
        """Place of each class among the four outcomes."""
        return np.array([COUNTS.index(str(c)) if str(c) in COUNTS else int(c) for c in self.classes_])

    @staticmethod
    def _hidden() -> tuple[str, ...]:
        """Columns of the counts, by names that no user's column has."""
        return tuple(f"count of {name}" for name in COUNTS)

    def _formulas(self) -> Formulas:
        given = dict(self.formulas or {})
        for key in given:
            if key not in PAYOFFS:
                raise UserError(f"'{key}' is no payoff. The signaling game has {', '.join(PAYOFFS)}.")
        counts = dict(zip(COUNTS, self._hidden(), strict=True))
        return Formulas({key: str(given.get(key, "0")) for key in PAYOFFS}, counts)

    @staticmethod
    def _table(X: Any) -> Table:  # noqa: ANN401
        if isinstance(X, np.ndarray | list):
            array = np.asarray(X)
            if array.ndim != 2:
                raise UserError("X is a frame with columns by name, or an array [row, column].")
            return as_table({f"x{k}": array[:, k] for k in range(array.shape[1])}, "X")
        return as_table(X, "X")

    @staticmethod
    def _counts(y: Any) -> tuple[np.ndarray, np.ndarray]:  # noqa: ANN401
        """Counts [row, outcome] and the classes, sorted as scikit-learn has them."""
        values = np.asarray(y)
        if values.ndim == 2:
            if values.shape[1] != len(COUNTS):
                raise UserError(f"Counts have four columns: {', '.join(COUNTS)}.")
            return values.astype(float), np.arange(len(COUNTS))
        text = values.dtype.kind in "OUS"
        known: list[Any] = list(COUNTS) if text else list(range(len(COUNTS)))
        for value in values.tolist():
            if value not in known:
                raise UserError(f"'{value}' is no outcome. Outcomes are {', '.join(COUNTS)}, or 0 to 3.")
        place = np.array([known.index(value) for value in values.tolist()])
        return np.eye(len(COUNTS))[place], np.array(sorted(known))
