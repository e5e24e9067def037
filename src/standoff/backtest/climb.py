"""The most likely coefficients of a game under a prior: designs in units of the training cases, and a climb.

Columns are centred and scaled to a standard deviation of 1 over the training cases. Coefficients have a normal prior
around 0, `WIDE` times wider for constants, whose standard deviation the training crises choose (`chosen_prior`).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from standoff.backtest.features import Encoder, encoder
from standoff.backtest.mapping import ENDINGS
from standoff.backtest.models import INNER, Lesson
from standoff.backtest.table import Known
from standoff.errors import Failure, UserError
from standoff.estimate.formulas import Design, Formulas, build
from standoff.estimate.table import Table

WIDE = 3.0
"""How much wider the prior of a constant is than that of a slope."""
PRIORS = (0.03, 0.1, 0.3, 1.0)
"""Standard deviations of the prior of a slope among which the training crises choose."""
PARTS = 2
"""Parts of the training crises by which they choose."""
STEPS, LONGEST, SETTLED = 100, 2.0, 1e-3
"""Steps of a climb, length of one at most, and the gain at which it has arrived."""
Law = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray]]
"""From payoffs [game, payoff] to the log-likelihood of each game, and its first and second derivatives."""


@dataclass(frozen=True, eq=False)
class Scaled:
    """A design whose columns are scaled by the training cases, and can be made of other cases.

    Columns are centred where their payoff has a constant; a constant counts `WIDE`, so that its prior is wider.
    """

    encode: Encoder
    formulas: Formulas
    design: Design
    centre: tuple[np.ndarray, ...]
    scale: tuple[np.ndarray, ...]

    def of(self, known: Known) -> Design:
        """The scaled design of other cases, without outcomes."""
        frame = _named(self.encode, self.formulas, known)
        return _scale(self.design.on(Table(frame, "the tested cases")), self.centre, self.scale)


def scaled(lesson: Lesson, formulas: Formulas, counts: np.ndarray) -> tuple[Scaled, Design]:
    """The design of training cases, with counts of the outcomes [case, outcome]."""
    encode = encoder(lesson.known)
    _require(formulas, encode, lesson.known)
    raw = build(Table(_named(encode, formulas, lesson.known), "the training cases"), formulas, with_counts=False)
    if not raw.names:
        raise UserError(
            "The payoffs of the mapping hold no term, so there is nothing to estimate. Write 1 for a constant."
        )
    if len(raw) != len(lesson):
        raise Failure("A formula makes a number that is not finite of some training cases.")
    centre, scale = [], []
    for block, first in zip(raw.blocks, raw.edges[:-1], strict=True):
        names = raw.names[first : first + block.shape[1]]
        constant = np.array([name.endswith("(Intercept)") for name in names], dtype=bool)
        spread = block.std(axis=0)
        centre.append(np.where(constant, 0.0, block.mean(axis=0)) if constant.any() else np.zeros(block.shape[1]))
        scale.append(np.where(constant, 1 / WIDE, np.where(spread > 1e-9, spread, 1.0)))
    made = Scaled(encode, formulas, raw, tuple(centre), tuple(scale))
    return made, replace(_scale(raw, made.centre, made.scale), counts=counts)


def _scale(design: Design, centre: tuple[np.ndarray, ...], scale: tuple[np.ndarray, ...]) -> Design:
    blocks = tuple((b - c) / s for b, c, s in zip(design.blocks, centre, scale, strict=True))
    return replace(design, blocks=blocks)


def _named(encode: Encoder, formulas: Formulas, known: Known) -> pl.DataFrame:
    """Columns by name; a code of a category that too few training cases hold, or a mark of missing, is 0."""
    frame = encode.named(known)
    return frame.with_columns(pl.lit(0.0).alias(n) for n in formulas.columns() if n not in frame.columns)


def _require(formulas: Formulas, encode: Encoder, known: Known) -> None:
    """Every column of the formulas must be a known one, `NAME_missing`, or `CATEGORY_code`."""
    for name in formulas.columns():
        stems = [kind for kind in known.kinds if name == kind or name.startswith(f"{kind}_")]
        if not stems or (name in known.kinds and known.kinds[name] == "category"):
            raise UserError(
                f"The payoffs use '{name}', which is not among what is known at the start. "
                f"Known are {', '.join(encode.names[:30])}."
            )


@dataclass(frozen=True, eq=False)
class Climb:
    """Coefficients, the negative log of likelihood times prior there, and whether the climb had arrived."""

    theta: np.ndarray
    loss: float
    settled: bool = True

    @property
    def notes(self) -> tuple[str, ...]:
        """What should be known of it, in words."""
        return () if self.settled else (f"stopped after {STEPS} steps, still gaining",)


def climb(law: Law, design: Design, prior: float, start: np.ndarray) -> Climb:
    """Climb by damped Newton steps to a maximum of likelihood times prior.

    Where the equilibria of a game change in number the likelihood has an edge; a step that does not gain is shortened
    until it does, or until it is too short to matter.

    Args:
        law: From payoffs [game, payoff] to the log-likelihood of each game, and its first and second derivatives.
        design: The scaled design.
        prior: Standard deviation of a slope.
        start: Coefficients to begin with.
    """
    matrix, many = design.matrix(), len(start)
    ridge = np.eye(many) / prior**2

    def at(theta: np.ndarray) -> tuple[float, np.ndarray, np.ndarray] | None:
        with np.errstate(all="ignore"):
            value, slope, curve = law(design.payoffs(theta))
            loss = float(-value.sum() + 0.5 * theta @ ridge @ theta)
            gradient = ridge @ theta - design.pull(slope).sum(axis=0)
            bend = np.einsum("nij,njk->nik", curve, matrix).reshape(-1, many)
            curved = ridge - matrix.reshape(-1, many).T @ bend
        whole = np.isfinite(loss) and np.isfinite(gradient).all() and np.isfinite(curved).all()
        return (loss, gradient, (curved + curved.T) / 2) if whole else None

    theta, here, damp = start, at(start), 0.1
    if here is None:
        return Climb(start, np.inf)
    for _ in range(STEPS):
        loss, gradient, curved = here
        size, axis = np.linalg.eigh(curved)
        along = axis.T @ gradient
        while damp < 1e10:
            step = -axis @ (along / (np.maximum(np.abs(size), 1e-8) + damp))
            step *= LONGEST / max(LONGEST, float(np.linalg.norm(step)))
            there = at(theta + step)
            if there is not None and there[0] < loss:
                break
            damp *= 8
        else:
            break
        theta, here, damp = theta + step, there, max(damp / 4, 1e-6)
        if loss - here[0] < SETTLED:
            break
    else:
        return Climb(theta, here[0], settled=False)
    return Climb(theta, here[0])


def best(climbs: list[Climb]) -> Climb:
    """The climb that got highest.

    Raises:
        Failure: none of them found a finite likelihood.
    """
    found = min(climbs, key=lambda one: one.loss)
    if not np.isfinite(found.loss):
        raise Failure("No maximum of the game's likelihood was found.")
    return found


def chosen_prior(lesson: Lesson, fit: Any, priors: tuple[float, ...]) -> float:  # noqa: ANN401 (a method)
    """The prior under which endings of training crises left out are likeliest."""
    names, at = np.unique(lesson.group, return_inverse=True)
    middle = priors[len(priors) // 2]
    if len(priors) == 1 or len(names) < 4 * INNER:
        return middle
    dealt = np.random.default_rng(6).permutation(len(names)) % PARTS
    loss = np.zeros(len(priors))
    for k in range(PARTS):
        out = dealt[at] == k
        rest, test = lesson.take(~out), lesson.take(out)
        if len(np.unique(rest.ending)) < len(ENDINGS):
            return middle
        for j, prior in enumerate(priors):
            chance = fit(rest, prior)(test.known)[np.arange(len(test)), test.ending]
            loss[j] -= np.log(np.clip(chance, 1e-4, 1)).sum()
    return priors[int(np.argmin(loss))]
