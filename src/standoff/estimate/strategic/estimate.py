"""Fit a game of this family to a table by maximum likelihood, and what the fit predicts."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from standoff.errors import UserError
from standoff.estimate.checks import after, before, information
from standoff.estimate.fit import CONVERGED, NOT_CONVERGED, UNIDENTIFIED, Fit, Probabilities
from standoff.estimate.formulas import Design, Formulas
from standoff.estimate.strategic.climb import Climb, Likelihood, climb
from standoff.estimate.strategic.file import Asked, Law, ask, read
from standoff.estimate.strategic.games import GAMES, Choices
from standoff.estimate.strategic.starts import starts as make_starts
from standoff.estimate.strategic.ultimatum import Ultimatum
from standoff.estimate.table import as_table

STARTS = 8
SAME = 1e-4
"""Log-likelihoods that are so near are one optimum."""
AWAY = 30.0
"""Size of a term, in shocks' standard deviations, from which it is said to run away where no climb arrives."""


def fit(
    model: str,
    table: Any,  # noqa: ANN401 (a frame of any library)
    formulas: Formulas | Path | str,
    *,
    link: str | None = None,
    uncertainty: str | None = None,
    floor: float | None = None,
    starts: int = STARTS,
    seed: int = 1,
) -> Fit:
    """Fit a strategic model by maximum likelihood.

    Args:
        model: `egame12`, `egame122`, `egame123` or `ultimatum`.
        table: A `Table`, a polars or pandas frame, or columns by name.
        formulas: A formula file, or one that was read (`file` describes the keys).
        link: `probit` or `logit`; by default what the file says, or probit (the ultimatum game: logit).
        uncertainty: `agent` or `private`; by default what the file says, or agent.
        floor: The ultimatum game: bound each chance from below. The default, 0, is the likelihood.
        starts: Points from which to climb.
        seed: Of those that are random.

    Returns:
        The best optimum that was reached.

    Raises:
        UserError: a key, column or cell does not fit; its place is told.
    """
    if jnp.zeros(0).dtype != jnp.float64:
        raise UserError("Estimation needs 64 bits: jax.config.update('jax_enable_x64', True) before anything else.")
    if starts < 1:
        raise UserError("A fit needs at least one start.")
    said = formulas if isinstance(formulas, Formulas) else read(model, formulas)
    asked = ask(model, as_table(table), said, link=link, uncertainty=uncertainty, floor=floor)
    like = likelihood(asked)
    if not asked.design.names:
        raise UserError(f"{said.name}: no formula has a term, so there is nothing to estimate.")
    return _fitted(model, like, [climb(like, start) for start in make_starts(like, starts, seed)], seed)


def likelihood(asked: Asked) -> Likelihood:
    """The log-likelihood of what was asked, each game counting once."""
    players = GAMES[asked.law.game].players if isinstance(asked.law, Choices) else 2
    return Likelihood(asked.law, asked.design, asked.offset, np.ones(len(asked.design)), np.ones(players))


def likelihood_of(fitted: Fit) -> Likelihood:
    """The log-likelihood of a fit of this family.

    Raises:
        UserError: the fit is of another family, or holds no data.
    """
    like = getattr(fitted.refit, "args", (None,))[0]
    if not isinstance(like, Likelihood):
        raise UserError("This fit holds no data of a game of this family. Fit the table anew.")
    return like


def _fitted(model: str, like: Likelihood, climbs: list[Climb], seed: int) -> Fit:
    best = max(climbs, key=lambda c: (c.value, c.arrived))
    if not np.isfinite(best.value):
        raise UserError(
            "The likelihood is 0 at every start. Check the units of the columns: do some reach into the thousands?"
        )
    law, slope = like.law, like.slope(best.theta)
    lost, warnings = before(like.design, _differences(law))
    covariance, dark, more = information(slope.hessian, like.design.names)
    warnings = (*like.design.notes, *warnings, *more)
    if not best.arrived:
        far = [n for n, x in zip(like.design.names, np.abs(best.theta / like.unit), strict=True) if x > AWAY]
        where = f" as {', '.join(far)} grow without bound" if far and isinstance(law, Choices) else ""
        warnings += (
            f"No climb reached a maximum: the log-likelihood still rises{where}. Leave out a term, or have more data.",
        )
    below = sorted({round(c.value, 3) for c in climbs if c.arrived and c.value < best.value - SAME}, reverse=True)
    if below:
        listed = ", ".join(f"{value:.3f}" for value in below[:3])
        warnings += (f"There are local maxima below the one reported: log-likelihood {listed}.",)
    if isinstance(law, Ultimatum):
        if law.floor > 0:
            warnings += (
                f"No chance is taken to be below {law.floor:.3g}, so what is called log-likelihood is none. With true "
                f"chances it is {replace(like, law=replace(law, floor=0.0)).value(best.theta):.6g} here.",
            )
    elif best.arrived:
        error = np.sqrt(np.abs(np.diag(covariance)))
        warnings += after(like.design, best.theta, error, "Leave the term out, or have more data.")
    status = NOT_CONVERGED if not best.arrived else UNIDENTIFIED if lost or dark else CONVERGED
    return Fit(
        model, "ml", like.design.names, best.theta, covariance, best.value, len(like.design), status, warnings,
        equilibria={"several": 0, "note": "Nobody learns from a move, so every game has one equilibrium."},
        scores=slope.scores, hessian=slope.hessian, design=like.design, observations=len(like.design),
        probabilities=probabilities(law, like.offset), refit=partial(_refit, like),
        options={
            "link": law.link, "uncertainty": law.uncertainty, "starts": len(climbs), "seed": seed,
            "starts_at_best": sum(c.value > best.value - SAME for c in climbs),
            "start_values": [c.value for c in climbs], "floor": getattr(law, "floor", 0.0),
        },
    )  # fmt: skip


def _differences(law: Law) -> np.ndarray:
    """What the chances depend on, in the numbers of a game: utilities by their differences, scales each."""
    many = len(law.keys)
    if isinstance(law, Ultimatum):
        return np.eye(many)
    own = GAMES[law.game].differences()
    found = np.eye(many)[own.shape[1] - len(own) :]
    found[: len(own)] = np.pad(own, ((0, 0), (0, many - own.shape[1])))
    return found


def _refit(like: Likelihood, design: Design, start: np.ndarray) -> tuple[np.ndarray, bool]:
    """Coefficients on other games, and whether a maximum was reached: from the estimate and from plain guesses."""
    again = replace(like, design=design, weight=np.ones(len(design)))
    best = max((climb(again, x) for x in (start, *make_starts(again, 1, 1))), key=lambda c: c.value)
    return best.theta, best.arrived


def _log_outcomes(law: Choices, number: np.ndarray) -> np.ndarray:
    return np.asarray(_outcomes(law, jnp.asarray(number)))


_outcomes = jax.jit(jax.vmap(Choices.log_outcomes, in_axes=(None, 0)))


def probabilities(law: Law, offset: np.ndarray) -> Probabilities:
    """What the model predicts: from a design and coefficients to values by name, each [game]."""

    def found(design: Design, theta: np.ndarray) -> Mapping[str, np.ndarray]:
        number = design.payoffs(theta) + offset
        if isinstance(law, Ultimatum):
            both = law.expected(number)
            return {"offer": both[:, 0], "accept": both[:, 1]}
        chance = np.exp(_log_outcomes(law, number))
        return {f"outcome {k}": chance[:, i] for i, k in enumerate(GAMES[law.game].outcomes)}

    return found
