"""Climbing the exact likelihood of the signaling game from one place.

Trust-region Newton steps (Moré & Sorensen 1983, SIAM J. Sci. Stat. Comput. 4:553-572) with exact derivatives. The
likeliest equilibria make an upper envelope of branches of equilibria; it has no maximum where it changes from one to
another. So the branches that are likeliest at the start are followed to a maximum, and only there is it asked whether
others do better: all equilibria are enumerated a few times and not at every step.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from standoff.estimate.choice import regressors
from standoff.estimate.formulas import Design
from standoff.estimate.likelihood import BY_COUNTS, Exact

STEPS, PATIENCE, SWITCHES = 100, 25, 20
"""Steps of a climb; after so many that gain next to nothing it is over; changes of branches."""
NEAR = 1e-3
"""Log-likelihood within which two optima are the same."""
DECREMENT, ROUNDING = 1e-9, 1e-12
"""A maximum is reached if a Newton step promises less than this of log-likelihood, and the surface, scaled to curvature
1 by each coefficient, turns up nowhere by more than this: where it is flat rounding alone says which way."""


@dataclass(frozen=True, eq=False)
class Start:
    """One start: its `kind` in words, the optimum it reached, and where.

    `value`: of what is maximised; `rank`: by what optima are compared, which is the value but where they are weighed;
    `status`: reached, stuck or impossible; `theta` [coefficient].
    """

    kind: str
    value: float
    rank: float
    status: str
    theta: Float[np.ndarray, " coefficient"]


@dataclass(frozen=True, eq=False)
class Point:
    """Coefficients, the penalised log-likelihood there, and its derivatives; the value −inf where it cannot be."""

    theta: np.ndarray
    value: float
    gradient: np.ndarray
    hessian: np.ndarray


class Problem:
    """The penalised log-likelihood as a function of the coefficients."""

    def __init__(self, design: Design, exact: Exact, precision: float) -> None:
        self.design, self.exact, self.precision = design, exact, precision
        self.columns = np.concatenate(design.blocks, axis=1)
        self.payoff = np.concatenate([np.full(b.shape[1], k) for k, b in enumerate(design.blocks)]).astype(int)
        self.many = len(self.payoff)
        size = np.sqrt(np.mean(self.columns**2, axis=0))
        self.choosing = regressors(design.blocks) if exact.selection == "weighed" else np.ones((len(design), 1))
        self.size = np.concatenate([np.where(size > 0, size, 1.0), np.ones(exact.mixing)])

    def pull(self, gradient: np.ndarray) -> np.ndarray:
        """From derivatives by payoff (and log-odds) to derivatives by coefficient, game by game."""
        return np.concatenate([gradient[:, self.payoff] * self.columns, gradient[:, 7:]], axis=1)

    def curve(self, hessian: np.ndarray) -> np.ndarray:
        """Sum over games of second derivatives by coefficient."""
        own = np.concatenate([self.payoff, np.arange(7, hessian.shape[1])])
        columns = np.concatenate([self.columns, np.ones((len(hessian), hessian.shape[1] - 7))], axis=1)
        spread = hessian[:, own[:, None], own[None, :]]
        return np.asarray(np.einsum("nab,na,nb->ab", spread, columns, columns))

    def felt(self, curve: np.ndarray) -> np.ndarray:
        """The Hessian, without those of a mixture's log-odds that no game has the equilibria to feel."""
        felt = np.flatnonzero((np.arange(len(curve)) < self.many) | curve.any(axis=1))
        return np.asarray(curve[np.ix_(felt, felt)])

    def penalty(self, theta: np.ndarray) -> float:
        """Log-density of the prior, up to a constant."""
        return float(-0.5 * self.precision * np.sum(theta[: self.many] ** 2))

    def rank(self, point: Point) -> float:
        """By what optima are compared: the value, or if they are weighed, what it would be without choice."""
        if self.exact.selection != "weighed" or not np.isfinite(point.value):
            return point.value
        theta = point.theta[: self.many]
        with np.errstate(all="ignore"):
            return self.exact.weight(self.design.payoffs(theta), self.choosing) + self.penalty(theta)

    def at(self, theta: np.ndarray) -> Point:
        """Value, gradient and Hessian; the value −inf where counts are impossible."""
        with np.errstate(all="ignore"):
            terms = self.exact.terms(self.design.payoffs(theta[: self.many]), theta[self.many :])
            assert terms.hessian is not None
            return self.point(theta, terms.value, terms.gradient, terms.hessian)

    def point(self, theta: np.ndarray, values: np.ndarray, slopes: np.ndarray, curves: np.ndarray) -> Point:
        """From the log-likelihoods of games to a point."""
        value = float(values.sum()) + self.penalty(theta)
        gradient, hessian = self.pull(slopes).sum(axis=0), self.curve(curves)
        gradient[: self.many] -= self.precision * theta[: self.many]
        hessian[np.arange(self.many), np.arange(self.many)] -= self.precision
        good = np.isfinite(value) and np.isfinite(gradient).all() and np.isfinite(hessian).all()
        return Point(theta, value if good else -np.inf, gradient, hessian)


def climb(problem: Problem, kind: str, theta: np.ndarray) -> tuple[Start, Point]:
    """Stage 3: trust-region Newton steps on the exact likelihood.

    The likeliest equilibria make an upper envelope of branches, which has no maximum where it changes from one to
    another. So the branches are followed to a maximum first, and only there is it asked whether others do better.
    """
    here, status = problem.at(theta), "impossible"
    if problem.exact.selection not in BY_COUNTS:
        if np.isfinite(here.value):
            status, here = _ascend(problem, here, problem.at)
        return Start(kind, here.value, problem.rank(here), status, here.theta), here
    for _ in range(SWITCHES):
        if not np.isfinite(here.value):
            break
        before = here.value
        status, here = _ascend(problem, here, _Branches(problem, here))
        there = problem.at(here.theta)
        better = there.value > here.value + NEAR / 10
        here = there if np.isfinite(there.value) else here
        if not better or here.value - before < NEAR / 10:
            break
    else:
        status = "stuck"  # other branches still do better
    return Start(kind, here.value, problem.rank(here), status, here.theta), here


class _Branches:
    """The log-likelihood along the branches of equilibria that are likeliest at one point."""

    def __init__(self, problem: Problem, point: Point) -> None:
        terms = problem.exact.terms(problem.design.payoffs(point.theta), hessian=False)
        rows, one = np.arange(len(terms.chosen)), np.maximum(terms.chosen, 0)
        corner = terms.chosen < 0
        self.problem = problem
        self.t = terms.probit
        self.slope = np.where(corner, 0.0, terms.equilibria.slope[rows, one])
        self.next = self.t, self.slope

    def __call__(self, theta: np.ndarray) -> Point:
        """Value, gradient and Hessian; what it finds of the branches counts once `accept` is called."""
        problem = self.problem
        payoffs = problem.design.payoffs(theta)
        with np.errstate(all="ignore"):
            value, gradient, hessian, t, slope = problem.exact.along(payoffs, self.t, self.slope)
            self.next = t, slope
            return problem.point(theta, value, gradient, hessian)

    def accept(self) -> None:
        """Follow from the last point on."""
        self.t, self.slope = self.next


def _ascend(problem: Problem, here: Point, at: Callable[[np.ndarray], Point]) -> tuple[str, Point]:
    """Steps to a maximum, or to where no step leads higher."""
    size, radius = problem.size, 1.0
    lately = [here.value]
    for _ in range(STEPS):
        slope, curve = here.gradient / size, here.hessian / np.outer(size, size)
        step = newton_step(slope, curve, radius)
        promised = float(slope @ step + step @ curve @ step / 2)
        inside = np.linalg.norm(step) < 0.99 * radius
        if promised < DECREMENT and inside and _turns_down(problem.felt(curve)):
            return "reached", here
        new = at(here.theta + step / size)
        gain = new.value - here.value
        if gain > 1e-4 * promised or (promised < 1e-6 and gain >= -1e-9 * max(1.0, abs(here.value))):
            radius = (
                min(2 * radius, 20.0) if gain > 0.75 * promised else radius if gain > 0.25 * promised else radius / 2
            )
            here = new
            if isinstance(at, _Branches):
                at.accept()
        else:
            radius = float(np.linalg.norm(step)) / 4
            if radius < 1e-9:
                break
        lately.append(here.value)
        if len(lately) > PATIENCE and lately[-1] - lately[-1 - PATIENCE] < NEAR / 10 and promised > DECREMENT * 1e3:
            break
    return "stuck", here


def _turns_down(curve: np.ndarray) -> bool:
    """Whether a surface of such second derivatives turns down everywhere, or is flat but for rounding."""
    size = np.sqrt(np.abs(np.diag(curve)))
    scale = np.where(size > 0, size, 1.0)
    bend = np.linalg.eigvalsh(-curve / np.outer(scale, scale))
    return bool(bend[0] > -ROUNDING * max(bend[-1], 1.0))


def newton_step(slope: np.ndarray, curve: np.ndarray, radius: float) -> np.ndarray:
    """The highest point of the quadratic model within a radius (Moré & Sorensen 1983)."""
    value, vector = np.linalg.eigh(-curve)
    along = vector.T @ slope
    if value[0] > 1e-12 * max(abs(value[-1]), 1e-300):
        step = along / value
        if np.linalg.norm(step) <= radius:
            return np.asarray(vector @ step)
    grain = 1e-14 * max(abs(value[0]), abs(value[-1]), 1.0)
    low = max(0.0, -value[0]) + grain
    high = low + max(float(np.linalg.norm(slope)) / radius, grain)
    while np.linalg.norm(along / (value + high)) > radius:
        high = low + 2 * (high - low)
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if np.linalg.norm(along / (value + middle)) > radius else (low, middle)
    return np.asarray(vector @ (along / (value + high)))
