"""Fits by pseudo-likelihood: PL and NPL with their first stage, what they reached, and what is to be known of it."""

from typing import TYPE_CHECKING, Any

import numpy as np

from standoff.errors import UserError
from standoff.estimate import checks, pseudo
from standoff.estimate.covariance import sandwich
from standoff.estimate.first_stage import first_stage
from standoff.estimate.fit import CONVERGED, NOT_CONVERGED, UNIDENTIFIED, Fit, Progress, Refit
from standoff.estimate.formulas import Design
from standoff.estimate.played import Chances, Played, equilibria_told, exact_log_likelihood, play

if TYPE_CHECKING:
    from standoff.estimate.estimation import Settings

FIRST_STAGE = "first_stage"
"""Key of the formula file with the columns of the first stage: `{resist: PRhat, firm: PFhat}`."""
STARTS = 4
GAP = 1e-4
"""Gap between a guess and its best response from which on PL is told to be off equilibrium."""


def fit_pseudo(design: Design, how: "Settings", progress: Progress) -> Fit:
    """Fit by PL or NPL.

    Args:
        design: The games, all coefficients of which are determined.
        how: Method, starts, seed, first stage, rounds.
        progress: Told the stage and the share done.
    """
    progress("first stage", 0.05)
    columns = None
    if design.formulas is not None and (given := design.formulas.options.get(FIRST_STAGE)) is not None:
        columns = _columns(given, design.formulas.name)
    resist, firm, source = first_stage(design, how.first_stage, columns, how.seed)
    progress("PL", 0.1)
    count = how.starts or STARTS
    if how.method == "pl":
        found = pseudo.pseudo_likelihood(design, resist, firm, count=count, seed=how.seed)
        covariance, kind, warnings, lost = _of_pl(design, found, source)
    else:
        found = pseudo.nested(design, resist, firm, count=count, seed=how.seed, rounds=how.rounds, progress=progress)
        covariance, kind, warnings, lost = _of_npl(design, found)
    progress("equilibria at the estimate", 0.96)
    payoffs = design.payoffs(found.theta)
    likely = play(payoffs, "likely", design.counts)
    chances = Chances("likely", design.mark, likely.probit if how.method == "pl" else pseudo.probit(found.resist))
    played = chances.play(design, found.theta)
    told, more = _equilibria(design, found, played, how.method)
    status = CONVERGED if found.settled and np.isfinite(found.value) else NOT_CONVERGED
    if status == CONVERGED and lost:
        status = UNIDENTIFIED
    fit = Fit(
        "signaling", how.method, design.names, found.theta, covariance, found.value, len(design),
        status, (*warnings, *more), told,
        found.scores, found.hessian if found.derivative is None else found.derivative, design,
        int(np.nansum(design.counts)), kind, "likely", chances, _refit(how, columns),
        options={"seed": how.seed, "starts": count, "first_stage": source, "rounds": found.rounds},
    )  # fmt: skip
    return fit.warn(*checks.after(design, fit.estimate, fit.se))


def _of_pl(
    design: Design, found: pseudo.Pseudo, source: str
) -> tuple[np.ndarray, str, tuple[str, ...], tuple[str, ...]]:
    """Covariance of PL, what it is, warnings, and coefficients that are not identified."""
    covariance, lost, warnings = checks.information(found.hessian, design.names)
    warnings += (
        f"The first stage ({source}) is taken as known, so standard errors are too small if it was estimated. A "
        "bootstrap estimates it anew, unless it stands in columns.",
    )
    if not found.settled:
        warnings += ("No maximum of the pseudo-likelihood was reached. Use more --starts, or a simpler formula.",)
    return covariance, "inverse Hessian, the first stage taken as known", warnings, lost


def _of_npl(design: Design, found: pseudo.Pseudo) -> tuple[np.ndarray, str, tuple[str, ...], tuple[str, ...]]:
    """Covariance of NPL, what it is, warnings, and coefficients that are not identified."""
    many = len(design.names)
    lost: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    try:
        covariance = np.full((many, many), np.nan)
        if found.derivative is not None:
            covariance = sandwich(found.derivative, found.scores)
    except np.linalg.LinAlgError:
        covariance, lost = np.full((many, many), np.nan), design.names
        warnings += ("The derivative of the pseudo-scores cannot be inverted, so there are no standard errors.",)
    if not found.settled:
        warnings += (
            f"NPL had not settled after {found.rounds} rounds (the last moved it by {found.change:.1g}). Where the "
            "equilibrium that is played is unstable under best response it never does; use --method ml. There are no "
            "standard errors.",
        )
    return covariance, "NPL, corrected (Aguirregabiria & Mira 2007)", warnings, lost


def _equilibria(
    design: Design, found: pseudo.Pseudo, played: Played, method: str
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """What equilibria there are at the estimate, and warnings."""
    payoffs = design.payoffs(found.theta)
    told = equilibria_told(played)
    exact = told["exact_loglik"] = exact_log_likelihood(payoffs, design.counts)
    gap = told["largest_violation"] = float(np.abs(found.resist - played.chances["p_R"]).max())
    warnings: tuple[str, ...] = ()
    if method == "pl" and gap > GAP:
        warnings += (
            f"The guesses of the first stage are no equilibrium at the estimate (p_R is off by up to {gap:.2g}). By "
            f"the game itself the log-likelihood there is {exact:.3f}; compare --method ml.",
        )
    if method == "npl":
        steep = int((np.abs(pseudo.slope(payoffs, np.stack([found.resist, found.firm], axis=1))) > 1).sum())
        told["unstable_played"] = steep
        if steep:
            warnings += (
                f"In {steep} games the equilibrium at the estimate is unstable under best response; NPL does not stay "
                "there. Compare --method ml.",
            )
    if several := int((played.count > 1).sum()):
        warnings += (
            f"At the estimate {several} games have several equilibria. NPL and PL do not compare them; exact maximum "
            "likelihood (--method ml) does.",
        )
    return told, warnings


def _columns(given: Any, name: str) -> tuple[str, str]:  # noqa: ANN401 (what a file says)
    try:
        found = (given["resist"], given["firm"])
    except (KeyError, TypeError):
        found = (None, None)
    if not all(isinstance(one, str) for one in found):
        raise UserError(f"{name}: {FIRST_STAGE} names two columns: {FIRST_STAGE}: {{resist: PRhat, firm: PFhat}}.")
    return str(found[0]), str(found[1])


def _refit(how: "Settings", columns: tuple[str, str] | None) -> Refit:
    """Estimates on other games, their first stage too."""

    def refit(design: Design, start: np.ndarray) -> tuple[np.ndarray, bool]:
        resist, firm, _ = first_stage(design, how.first_stage, columns, how.seed)
        if how.method == "pl":
            found = pseudo.pseudo_likelihood(design, resist, firm, start=[start])
        else:
            found = pseudo.nested(design, resist, firm, start=[start], rounds=how.rounds)
        return found.theta, found.settled

    return refit
