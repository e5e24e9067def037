"""What an estimation gives: coefficients with their covariance, how it went, and everything that can be asked of it.

A fit says in `status` whether it may be used, and in `warnings` what is to be known of it, as sentences. A
coefficient that the data do not determine has no standard error, rather than a number without meaning.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats  # type: ignore[import-untyped]

from standoff.errors import UserError
from standoff.estimate.formulas import Design

if TYPE_CHECKING:
    from standoff.estimate.effects import Effects, Predicted, Statics
    from standoff.estimate.private import PrivateTypes
    from standoff.estimate.table import Table

CONVERGED, NOT_CONVERGED, UNIDENTIFIED = "converged", "not converged", "unidentified"
"""Statuses: it may be used; the optimum was not reached; the data leave some coefficient undetermined."""

Probabilities = Callable[[Design, np.ndarray], Mapping[str, np.ndarray]]
"""From a design and coefficients to probabilities by name, each [game]: of outcomes, or of choices."""
Progress = Callable[[str, float], None]
"""Told the stage in words and the share done."""
Refit = Callable[[Design, np.ndarray], tuple[np.ndarray, bool]]
"""From a design of other games and start values to coefficients, and whether the fit converged (for the bootstrap)."""


@dataclass(frozen=True, eq=False)
class Fit:
    """An estimated model.

    `model`: its name; `method`: ml, pl, npl or bayes; `names`, `estimate` [coefficient], `covariance` [coefficient,
    coefficient]; `log_likelihood`: at the estimate, of that which `method` maximises; `n`: games (rows);
    `observations`: plays in all games; `equilibria`: how many there are at the estimate, and which are played;
    `scores` [game, coefficient]: derivatives of each game's log-likelihood; `hessian`: of the log-likelihood;
    `covariance_kind`: in words; `selection`: rule that chooses among equilibria; `probabilities`: what the model
    predicts; `draws` [draw, coefficient]: of the posterior, or of the bootstrap; `options`: what the fit was asked
    for; `weighed`: log-likelihood if which equilibrium a game plays were drawn, and not chosen by the counts
    (`choice`), none where there is nothing to choose.
    """

    model: str
    method: str
    names: tuple[str, ...]
    estimate: np.ndarray
    covariance: np.ndarray
    log_likelihood: float
    n: int
    status: str = CONVERGED
    warnings: tuple[str, ...] = ()
    equilibria: Mapping[str, Any] = field(default_factory=dict)
    scores: np.ndarray | None = None
    hessian: np.ndarray | None = None
    design: Design | None = None
    observations: int | None = None
    covariance_kind: str = "inverse Hessian"
    selection: str = ""
    probabilities: Probabilities | None = None
    refit: Refit | None = None
    draws: np.ndarray | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    weighed: float | None = None

    @property
    def se(self) -> np.ndarray:
        """Standard errors; nan where the data do not determine a coefficient."""
        variance = np.diag(self.covariance).copy()
        variance[~(variance > 0)] = np.nan
        return np.asarray(np.sqrt(variance))

    @property
    def z(self) -> np.ndarray:
        """Estimates over standard errors."""
        return np.asarray(self.estimate / self.se)

    @property
    def p(self) -> np.ndarray:
        """Chance of an estimate so far from 0 either way, if it were 0 in truth (normal approximation)."""
        return np.asarray(2 * stats.norm.sf(np.abs(self.z)))

    @property
    def coefficients(self) -> dict[str, float]:
        """Estimates by name."""
        return dict(zip(self.names, self.estimate.tolist(), strict=True))

    @property
    def parameters(self) -> int:
        """Directions that the data speak of: coefficients, less those held at 0 and less flat directions."""
        from standoff.estimate.checks import flat_directions

        held = int(((self.estimate == 0) & ~np.isfinite(self.se)).sum())
        return len(self.names) - (held if self.hessian is None else max(held, flat_directions(self.hessian)))

    @property
    def aic(self) -> float:
        """Akaike's criterion, 2 k - 2 log L, with k the `parameters`: smaller is better."""
        return 2.0 * self.parameters - 2.0 * self.log_likelihood

    @property
    def bic(self) -> float:
        """Schwarz's criterion, k ln n - 2 log L, with k the `parameters` and n the games: smaller is better."""
        return self.parameters * float(np.log(self.n)) - 2.0 * self.log_likelihood

    def interval(self, level: float = 0.95) -> np.ndarray:
        """Intervals [coefficient, (low, high)]: normal, or of the draws of a posterior."""
        require_level(level)
        if self.draws is not None and self.method == "bayes":
            half = (1 - level) / 2
            return np.asarray(np.quantile(self.draws, (half, 1 - half), axis=0).T)
        reach = float(stats.norm.ppf((1 + level) / 2)) * self.se
        return np.stack([self.estimate - reach, self.estimate + reach], axis=1)

    def warn(self, *sentences: str) -> "Fit":
        """The fit with more to be known of it."""
        return replace(self, warnings=(*self.warnings, *(s for s in sentences if s not in self.warnings)))

    def with_covariance(self, kind: str, *, seed: int = 1, **options: Any) -> "Fit":  # noqa: ANN401
        """The fit with another covariance: `hessian`, `opg`, `robust`, `cluster:COLUMN` or `bootstrap:N`."""
        from standoff.estimate.covariance import with_covariance

        return with_covariance(self, kind, seed=seed, **options)

    def predict(self, table: "Table | Any | None" = None, **options: Any) -> "Predicted":  # noqa: ANN401
        """Probabilities in the games of the fit, or of another table."""
        from standoff.estimate.effects import predict

        return predict(self, table, **options)

    def marginal_effects(self, column: str, **options: Any) -> "Effects":  # noqa: ANN401
        """What a small change of a column does to the probabilities, on average over the games, with intervals."""
        from standoff.estimate.effects import marginal_effects

        return marginal_effects(self, column, **options)

    def counterfactual(self, **options: Any) -> "Effects":  # noqa: ANN401
        """Probabilities with columns (or payoffs) set to other values, beside those as they were."""
        from standoff.estimate.effects import counterfactual

        return counterfactual(self, **options)

    def comparative_statics(self, column: str, **options: Any) -> "Statics":  # noqa: ANN401
        """Every equilibrium of a typical game as a column moves."""
        from standoff.estimate.effects import comparative_statics

        return comparative_statics(self, column, **options)

    def private_types(self) -> "PrivateTypes":
        """What the outcomes say of the private information of each game's two sides."""
        from standoff.estimate.private import private_types

        return private_types(self)

    def summary(self) -> str:
        """The fit in lines of text."""
        from standoff.estimate.tables import summary

        return summary(self)

    def to_markdown(self) -> str:
        """A table of coefficients for Markdown."""
        from standoff.estimate.tables import to_markdown

        return to_markdown([self])

    def to_latex(self) -> str:
        """A table of coefficients for LaTeX (booktabs)."""
        from standoff.estimate.tables import to_latex

        return to_latex([self])

    def as_dict(self) -> dict[str, Any]:
        """The fit for scripts: coefficients, log-likelihood, how it went."""
        each = zip(self.names, self.estimate.tolist(), self.se.tolist(), strict=True)
        return {
            "model": self.model,
            "method": self.method,
            "coefficients": {name: {"estimate": value, "se": number(se)} for name, value, se in each},
            "loglik": number(self.log_likelihood),
            "aic": number(self.aic),
            "bic": number(self.bic),
            "n": self.n,
            "observations": self.observations,
            "selection": self.selection,
            "covariance": self.covariance_kind,
            "equilibria": plain(self.equilibria),
            "status": self.status,
            "warnings": list(self.warnings),
        } | ({} if self.weighed is None else {"weighed": number(self.weighed)})

    def save(self, path: Path | str, at: Mapping[str, Any] | None = None) -> Path:
        """Write the fit to a JSON file, for `load` and for `priors: from:` of a case, whose columns `at` holds."""
        from standoff.estimate.store import save

        return save(self, Path(path), at)

    @staticmethod
    def load(path: Path | str) -> "Fit":
        """Read a fit that `save` wrote."""
        from standoff.estimate.store import load

        return load(Path(path))

    def __str__(self) -> str:
        return self.summary()


def require_level(level: float) -> None:
    """Refuse a level of intervals that is no share.

    Raises:
        UserError: it is not between 0 and 1.
    """
    if not 0 < level < 1:
        raise UserError(f"A level of {level:g} is no share of all intervals. Give a number between 0 and 1: 0.95.")


def number(value: float) -> float | None:
    """A number for JSON: none if it is not finite."""
    return float(value) if np.isfinite(value) else None


def plain(content: Any) -> Any:  # noqa: ANN401 (whatever JSON can hold)
    """Content for JSON: arrays as lists, numbers of Python, none for those that are not finite."""
    if isinstance(content, Mapping):
        return {str(key): plain(value) for key, value in content.items()}
    if isinstance(content, np.ndarray):
        return plain(content.tolist())
    if isinstance(content, list | tuple):
        return [plain(value) for value in content]
    if isinstance(content, np.generic):
        content = content.item()
    return number(content) if isinstance(content, float) else content


def dumps(content: object) -> str:
    """JSON as it is written to files: no number that JSON does not know."""
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
