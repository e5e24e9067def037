"""Estimate the signaling game on a table: exact maximum likelihood, PL or NPL, with checks before and after.

Exact maximum likelihood enumerates all equilibria of each game and goes by a rule of selection (`likelihood`,
`maximum`). PL and NPL are there for comparison (`pseudo`).
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from standoff.errors import UserError
from standoff.estimate import checks
from standoff.estimate.covariance import clusters_by, require, with_covariance
from standoff.estimate.fit import CONVERGED, UNIDENTIFIED, Fit, Progress
from standoff.estimate.formulas import PAYOFFS, Design, Formulas, build
from standoff.estimate.table import Table, as_table

if TYPE_CHECKING:
    from pathlib import Path

METHODS = ("ml", "pl", "npl", "bayes")
SELECTIONS = ("weighed", "likely", "smallest", "largest", "mixture")
DEFAULT = {"ml": "weighed", "bayes": "mixture", "pl": "likely", "npl": "likely"}
"""Rule of selection by method; PL and NPL choose none, and their exact log-likelihood is that of the likeliest."""
BAYES = "bayes"
"""Key of the formula file with the priors of `bayes`."""


@dataclass(frozen=True)
class Settings:
    """How to estimate.

    `method`: ml, pl, npl or bayes; `selection`: rule of exact likelihood, none for the method's own (`DEFAULT`);
    `covariance`: as `covariance.with_covariance`, none for the method's own; `starts`: start values to climb from, none
    for the method's own number; `seed`: of all that is random; `given_challenge`: the table holds only what followed a
    challenge; `penalty`: standard deviation of a normal prior around 0 on all coefficients, none for none;
    `first_stage`: of PL and NPL; `rounds`: of NPL at most.
    """

    method: str = "ml"
    selection: str | None = None
    covariance: str | None = None
    starts: int | None = None
    seed: int = 1
    given_challenge: bool = False
    penalty: float | None = None
    first_stage: str | None = None
    rounds: int = 500

    @property
    def rule(self) -> str:
        """The rule of selection."""
        return self.selection or DEFAULT.get(self.method, "likely")


def estimate(
    data: Table | Any,  # noqa: ANN401 (a frame of any library)
    formulas: Formulas,
    settings: Settings | None = None,
    *,
    progress: Progress = lambda stage, share: None,
    keep: "Path | None" = None,
    **changes: Any,  # noqa: ANN401 (fields of Settings)
) -> Fit:
    """Estimate the signaling game.

    Args:
        data: A table.
        formulas: For the seven payoffs.
        settings: How; `changes` are fields of it.
        progress: Told the stage and the share done.
        keep: File in which a bootstrap keeps its draws, to go on from.
        **changes: Fields of `Settings` that are other than in `settings`.

    Returns:
        The fit. Where the design leaves coefficients undetermined its status is `unidentified`, and these have no
        standard error.

    Raises:
        UserError: table, formulas or settings cannot be used.
    """
    how = replace(settings or Settings(), **changes)
    _require(how)
    if tuple(formulas.keys) != PAYOFFS:
        raise UserError(f"The signaling game has the payoffs {', '.join(PAYOFFS)}; the formulas are of another model.")
    progress("reading the design", 0.02)
    table = as_table(data)
    if (column := clusters_by(how.covariance)) is not None:
        table.require(column, "to cluster by")
    design = build(table, formulas, given_challenge=how.given_challenge)
    if not design.names:
        raise UserError(
            f"{formulas.name}: all payoffs are 0, so there is nothing to estimate. Write a formula with terms."
        )
    return estimate_design(design, how, progress=progress, keep=keep)


def _require(how: Settings) -> None:
    for what, value, known in (
        ("method", how.method, METHODS), ("selection of equilibria", how.rule, SELECTIONS),
    ):  # fmt: skip
        if value not in known:
            raise UserError(f"'{value}' is no {what}. Known are {', '.join(known)}.")
    if how.covariance is not None:
        require(how.covariance, how.method)
    if how.penalty is not None and not 0 < how.penalty < np.inf:
        raise UserError(f"A penalty of {how.penalty:g} is no standard deviation. Give a finite number above 0.")
    if how.method in ("pl", "npl") and how.given_challenge:
        raise UserError("PL and NPL need the plays without a challenge too. Use --method ml with --given-challenge.")
    if how.method in ("pl", "npl") and how.penalty is not None:
        raise UserError("A penalty goes with --method ml. Leave it out, or use ml.")
    if how.method in ("pl", "npl") and how.selection is not None:
        raise UserError("PL and NPL select no equilibrium. Leave --selection out, or use --method ml.")
    if how.method in ("ml", "bayes") and how.first_stage is not None:
        raise UserError("A first stage goes with --method pl and npl. Leave it out, or use one of these.")
    if how.method == "bayes" and how.selection == "weighed":
        raise UserError(
            "'weighed' compares maxima, which a posterior has no need of. Use --selection mixture, likely, smallest or "
            "largest with --method bayes."
        )


def estimate_design(
    design: Design, how: Settings, *, progress: Progress = lambda stage, share: None, keep: "Path | None" = None
) -> Fit:
    """Estimate the signaling game on a design (see `estimate`)."""
    lost, warnings = checks.before(design, given_challenge=how.given_challenge)
    if how.method == "bayes":
        return _bayes(design, how, progress).warn(*design.notes, *warnings)
    kept = _without(design, lost)
    if not kept.names:
        raise UserError(f"No coefficient is identified. {' '.join(warnings)}")
    if how.method == "ml":
        from standoff.estimate.maximum_fit import fit_ml

        fit = fit_ml(kept, how, progress)
    else:
        from standoff.estimate.pseudo_fit import fit_pseudo

        fit = fit_pseudo(kept, how, progress)
    if how.covariance is not None and fit.status == CONVERGED:
        fit = with_covariance(fit, how.covariance, seed=how.seed, progress=progress, keep=keep)
    elif how.covariance is not None:
        fit = fit.warn(f"The covariance {how.covariance} was not computed, since the fit is {fit.status}.")
    fit = _whole(fit, design, lost)
    told = replace(fit, warnings=()).warn(*design.notes, *warnings, *fit.warnings)
    return replace(told, status=UNIDENTIFIED) if lost and told.status == CONVERGED else told


def _without(design: Design, lost: tuple[str, ...]) -> Design:
    """The design with one coefficient of each dependent set held at 0, so that the rest can be estimated."""
    if not lost:
        return design
    gone = set(_held(design, lost))
    edges = design.edges
    blocks = tuple(
        block[:, [k for k in range(block.shape[1]) if design.names[edges[b] + k] not in gone]]
        for b, block in enumerate(design.blocks)
    )
    return replace(design, blocks=blocks, names=tuple(name for name in design.names if name not in gone))


def _held(design: Design, lost: tuple[str, ...]) -> list[str]:
    """As few of the lost coefficients as make the others determined, later ones first."""
    weights = checks.contrast(design.keys)
    held: list[str] = []
    rest = list(design.names)
    matrix = np.einsum("dk,nkj->ndj", weights, design.matrix()).reshape(-1, len(rest))
    size = np.linalg.norm(matrix, axis=0)
    scaled = matrix / np.where(size > 0, size, 1)
    basis: list[np.ndarray] = []
    order = [k for k, name in enumerate(rest) if name not in lost] + [k for k, name in enumerate(rest) if name in lost]
    for k in order:
        left = scaled[:, k].copy()
        for _ in range(2):
            for one in basis:
                left -= (one @ left) * one
        length = float(np.linalg.norm(left))
        if length < 1e-7:
            held.append(rest[k])
        else:
            basis.append(left / length)
    return held


def _whole(fit: Fit, design: Design, lost: tuple[str, ...]) -> Fit:
    """The fit with the coefficients that were held at 0; those that are not determined have no standard errors."""
    if not lost:
        return fit
    extra = tuple(name for name in fit.names if name not in design.names)
    names = (*design.names, *extra)
    at = [names.index(name) for name in fit.names]
    theta = np.zeros(len(names))
    theta[at] = fit.estimate
    covariance = np.full((len(names), len(names)), np.nan)
    sure = np.array([name not in lost for name in fit.names])
    some = np.array(at)[sure]
    covariance[np.ix_(some, some)] = fit.covariance[np.ix_(sure, sure)]
    scores = None
    if fit.scores is not None:
        scores = np.zeros((len(fit.scores), len(names)))
        scores[:, at] = fit.scores
    draws = None
    if fit.draws is not None:
        draws = np.zeros((len(fit.draws), len(names)))
        draws[:, at] = fit.draws
    return replace(
        fit, names=names, estimate=theta, covariance=covariance, scores=scores, hessian=None, design=design,
        draws=draws, refit=None,
    )  # fmt: skip


def _bayes(design: Design, how: Settings, progress: Progress) -> Fit:
    """A posterior, by `bayes.posterior`."""
    from standoff.estimate.bayes import posterior

    return posterior(design, how, progress=progress)
