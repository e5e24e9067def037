"""Fits by exact maximum likelihood: covariance, the equilibria that are played, and what is to be known of them."""

from typing import TYPE_CHECKING, Any

import numpy as np

from standoff.estimate import checks
from standoff.estimate.choice import regressors
from standoff.estimate.climbing import NEAR
from standoff.estimate.fit import CONVERGED, NOT_CONVERGED, UNIDENTIFIED, Fit, Progress, Refit
from standoff.estimate.formulas import COUNTS, Design
from standoff.estimate.likelihood import BY_COUNTS, MIXING, Exact
from standoff.estimate.maximum import Optimum, maximise
from standoff.estimate.played import Chances, Played, equilibria_told

if TYPE_CHECKING:
    from standoff.estimate.estimation import Settings

PLAYS = 5
"""Plays of a game below which its counts say little of which equilibrium it plays."""
EDGE = 1e-4
"""Chance of an outcome, in every game, below which the fit is told to be at the edge."""


def fit_ml(design: Design, how: "Settings", progress: Progress) -> Fit:
    """Fit by exact maximum likelihood.

    Args:
        design: The games, all coefficients of which are determined.
        how: Selection, starts, seed, penalty, given_challenge.
        progress: Told the stage and the share done.
    """
    progress("exact likelihood", 0.1)
    found = maximise(
        design,
        selection=how.rule, given_challenge=how.given_challenge, starts=how.starts, seed=how.seed,
        penalty=how.penalty, progress=lambda stage, share: progress(f"exact likelihood: {stage}", 0.1 + 0.8 * share),
    )  # fmt: skip
    progress("equilibria at the estimate", 0.95)
    names = (*design.names, *(MIXING if how.rule == "mixture" else ()))
    covariance, lost, warnings = checks.information(found.hessian, names)
    status = CONVERGED if found.converged else NOT_CONVERGED
    if found.converged and not set(lost) <= set(MIXING):
        status = UNIDENTIFIED
    many = len(design.names)
    exact = Exact(design.counts, how.rule, how.given_challenge)
    mixing = found.theta[many:] if how.rule == "mixture" else None
    terms = exact.terms(design.payoffs(found.theta[:many]), mixing, hessian=False)
    shares = None
    if mixing is not None:
        odds = np.exp(np.concatenate([[0.0], mixing]))
        shares = odds / odds.sum()
    chances = Chances(how.rule, design.mark, terms.probit, shares)
    played = chances.play(design, found.theta)
    told = equilibria_told(played)
    if shares is not None:
        if not set(lost) & set(MIXING):
            told["shares"] = dict(zip(("smallest", "middle", "largest"), shares.tolist(), strict=True))
        if (played.count < 2).all():
            warnings += ("No game has several equilibria at the estimate, so which are played cannot be said.",)
    warnings += _starts(found)
    weighed = None
    if how.rule in BY_COUNTS and (terms.equilibria.count > 1).any():
        weighed = exact.weight(design.payoffs(found.theta), regressors(design.blocks))
    fit = Fit(
        "signaling", "ml", names, found.theta, covariance, found.value, len(design), status, warnings, told,
        found.scores, found.hessian, design, int(np.nansum(design.counts)), "inverse Hessian", how.rule, chances,
        _refit(how),
        options={
            "seed": how.seed, "given_challenge": how.given_challenge, "penalty": how.penalty,
            "starts": len(found.starts), "starts_at_best": round(found.share * len(found.starts)),
            "seconds": round(found.seconds, 3),
        },
        weighed=weighed,
    )  # fmt: skip
    return fit.warn(*_edges(design, how, played, told), *checks.after(design, fit.estimate, fit.se))


def _starts(found: Optimum) -> tuple[str, ...]:
    """How many starts reached the best optimum, and whether it is one."""
    own = [start.rank for start in found.starts if not start.kind.startswith("near")]
    reached, many = sum(value > max(found.values) - NEAR for value in own), len(own)
    told: tuple[str, ...] = ()
    if not found.converged:
        told += ("No maximum of the likelihood was reached. Use more --starts, a --penalty, or a simpler formula.",)
    elif many > 1 and reached <= 1:
        told += (f"Only {reached} of {many} starts reached this maximum; others may be higher. Use more --starts.",)
    return told


def _edges(design: Design, how: "Settings", played: Played, told: dict[str, Any]) -> tuple[str, ...]:
    """Games at the edge: corners, unstable equilibria, outcomes that the fit all but rules out."""
    found: tuple[str, ...] = ()
    none = int((played.count == 0).sum())
    if none:
        found += (
            f"In {none} games the fit has no equilibrium but 'no challenge, no resistance': they stay quiet for "
            "certain.",
        )
    several = played.count > 1
    if how.rule in BY_COUNTS and several.any() and float(np.median(design.counts[several].sum(axis=1))) < PLAYS:
        found += (
            f"{int(several.sum())} games with several equilibria have few plays, and the rule '{how.rule}' chooses by "
            "these very plays: the fit is better than a forecast can be. Compare --selection smallest or largest.",
        )
    if told["unstable_played"]:
        found += (
            f"In {told['unstable_played']} games the equilibrium that is played is unstable under best response: "
            "players who adjust to each other would leave it.",
        )
    chances = played.chances
    for name in COUNTS:
        with np.errstate(invalid="ignore"):
            chance = chances[name] / chances["p_C"] if how.given_challenge else chances[name]
        if float(np.max(chance, initial=0.0, where=np.isfinite(chance))) < EDGE and (
            design.counts[:, COUNTS.index(name)].sum() > 0
        ):
            found += (f"The fit puts the outcome {name} below {EDGE:g} in every game: estimates lie at the edge.",)
    return found


def _refit(how: "Settings") -> Refit:
    """Estimates on other games, from the estimate on these."""

    def refit(design: Design, start: np.ndarray) -> tuple[np.ndarray, bool]:
        found = maximise(
            design,
            selection=how.rule, given_challenge=how.given_challenge, starts=start[None],
            seed=how.seed, penalty=how.penalty, shakes=0,
        )  # fmt: skip
        return found.theta, found.converged

    return refit
