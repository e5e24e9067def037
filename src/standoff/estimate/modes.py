"""Modes of a posterior of the signaling game: where they are, and how much of the mass each carries.

The likelihood has maxima far apart (worlds with one equilibrium and worlds with three), between which no chain of draws
leads in reasonable time. So they are looked for before anything is drawn: the maximiser of the exact likelihood
(`maximum`), which searches all that B might reply, gives the optimum of each of its starts; points drawn from the prior
give others. From each the posterior's density is climbed. By Laplace's approximation a mode of density p(m) with
curvature H carries, up to a constant,

    p(m) |H|^(-1/2)

in the coordinates of `walk`. Modes whose typical draws overlap count as one.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np
from scipy import linalg, optimize  # type: ignore[import-untyped]

from standoff.errors import UserError
from standoff.estimate.density import Model
from standoff.estimate.fit import Progress
from standoff.estimate.likelihood import BY_COUNTS
from standoff.estimate.maximum import maximise
from standoff.estimate.search import IMPOSSIBLE
from standoff.estimate.walk import Walk, walk

if TYPE_CHECKING:
    from standoff.estimate.estimation import Settings

WEAK = 5.0
"""Prior sd (in the place of none) with which the exact likelihood is climbed."""
STARTS, DRAWN = 2, 2
"""Starts of the maximiser if nothing else is asked for, and points drawn from the prior."""
NARROW = 0.5
"""Of the prior's spread, for these points: far out nearly every play is impossible."""
STEP = 1e-5
"""For second derivatives, in prior sd."""
LEAST, MOST = 0.05, 1e12
"""Curvature is kept between these; the prior's own is 1."""
WALL = 1e12


@dataclass(frozen=True, eq=False)
class Mode:
    """A mode.

    `point`: where, in the coordinates of `walk`; `root`: the curvature is (root root')⁻¹, so that root z is of
    the posterior's spread if z is standard normal; `level`: log density; `weight`: share of the mass of
    all modes found.
    """

    point: np.ndarray
    root: np.ndarray
    level: float
    weight: float = 1.0

    @property
    def log_mass(self) -> float:
        """Log of the mass by Laplace's approximation, up to a constant."""
        return self.level + float(np.linalg.slogdet(self.root)[1])

    def far(self, q: np.ndarray) -> np.ndarray:
        """Squared distance of points […, number] in units of the spread: that of a draw is about their length."""
        apart = (q - self.point).reshape(-1, len(self.point)).T
        return np.asarray((linalg.solve(self.root, apart) ** 2).sum(axis=0).reshape(q.shape[:-1]))


class Climb:
    """The potential and its gradient, compiled once, for climbing to modes."""

    def __init__(self, density: Model | Walk) -> None:
        self._slope = jax.jit(jax.value_and_grad(density.potential))

    def both(self, q: np.ndarray) -> tuple[float, np.ndarray]:
        """The potential and its gradient; a wall where it is not finite."""
        value, gradient = self._slope(jnp.asarray(q))
        if not np.isfinite(value) or value > -IMPOSSIBLE / 2:
            return WALL, np.zeros_like(q)
        return float(value), np.nan_to_num(np.asarray(gradient))

    def curvature(self, q: np.ndarray) -> np.ndarray:
        """Second derivatives at a point, made positive definite."""
        rows = [(self.both(q + step)[1] - self.both(q - step)[1]) / (2 * STEP) for step in STEP * np.eye(len(q))]
        value, axis = np.linalg.eigh((np.array(rows) + np.array(rows).T) / 2)
        return np.asarray((axis * np.clip(value, LEAST, MOST)) @ axis.T)

    def __call__(self, q: np.ndarray) -> Mode | None:
        """The mode that is reached from a point; none where plays are impossible."""
        found = optimize.minimize(self.both, q, jac=True, method="L-BFGS-B", options={"maxiter": 500})
        value, q = float(found.fun), np.asarray(found.x)
        if value >= WALL:
            return None
        curvature = self.curvature(q)
        for _ in range(3):  # the last digits
            new = q - np.linalg.solve(curvature, self.both(q)[1])
            there = self.both(new)[0]
            if not there < value - 1e-9:
                break
            value, q = there, new
            curvature = self.curvature(q)
        return Mode(q, np.linalg.inv(np.linalg.cholesky(curvature)).T, -value)


def find_modes(
    density: Model, how: "Settings", rng: np.random.Generator, progress: Progress = lambda stage, share: None
) -> tuple[Walk, list[Mode]]:
    """Coordinates for chains, and the distinct modes that are reached from all starts, that of most mass first.

    Args:
        density: The posterior's density.
        how: `starts` of the maximiser, `seed`, `penalty`.
        rng: Of the points drawn from the prior.
        progress: Told the stage and the share done.

    Raises:
        UserError: everywhere that was tried some plays are impossible.
    """
    starts = _by_likelihood(density, how, progress)
    starts += [first(density, NARROW * rng.normal(size=density.size)) for _ in range(DRAWN)]
    progress("modes of the posterior", 0.06)
    climb = Climb(density)
    rough = sorted(filter(None, map(climb, starts)), key=lambda mode: -mode.level)
    if not rough:
        raise UserError(
            "At none of the starts are all counts possible: the formulas make some outcome certain not to happen. "
            "Simplify them, or scale columns to around 1."
        )
    place = walk(density, rough[0].point)
    again = Climb(place)
    found = []
    for k, mode in enumerate(weighed(rough)):
        progress("modes of the posterior", 0.07 + 0.02 * k / len(rough))
        y = place.back(mode.point)
        if np.isfinite(y).all() and (one := again(y)) is not None:
            found.append(one)
    if not found:  # the games that were to stand for B cannot: walk over the coefficients themselves
        return Walk(density, place.games[:0], place.own[:0]), weighed(rough)
    return place, weighed(found)


def weighed(found: list[Mode]) -> list[Mode]:
    """Distinct modes with their shares of the mass, that of most first."""
    kept: list[Mode] = []
    for mode in sorted(found, key=lambda one: -one.level):
        if all(one.far(mode.point) > len(mode.point) for one in kept):
            kept.append(mode)
    mass = np.array([mode.log_mass for mode in kept])
    weight = np.exp(mass - mass.max())
    weight /= weight.sum()
    order = np.argsort(-weight, kind="stable")
    return [Mode(kept[k].point, kept[k].root, kept[k].level, float(weight[k])) for k in order]


def shared(modes: list[Mode], chains: int) -> list[int]:
    """Mode of each chain, in proportion to the mass (by largest remainders)."""
    quota = chains * np.array([mode.weight for mode in modes])
    many = np.floor(quota + 1e-9).astype(int)
    for k in np.argsort(many - quota, kind="stable")[: chains - int(many.sum())]:
        many[k] += 1
    return [k for k, times in enumerate(many) for _ in range(times)]


def first(density: Model, q: np.ndarray) -> np.ndarray:
    """A start: σ of the groups begin at a third of their prior."""
    place, many = len(density.names) - len(density.varying), len(density.varying)
    q = q.copy()
    q[place : place + many] += np.log(density.priors.group / 3)
    return q


def _by_likelihood(density: Model, how: "Settings", progress: Progress) -> list[np.ndarray]:
    """Optima of the exact likelihood; where no rule says what is played, with and without a choice after the counts."""
    rules = BY_COUNTS if density.selection in (*BY_COUNTS, "mixture") else (density.selection,)
    found: list[np.ndarray] = []
    k = len(density.design.names)
    for at, rule in enumerate(rules):

        def tell(stage: str, share: float, at: int = at) -> None:
            progress(stage, 0.06 * (at + share) / len(rules))

        try:
            best = maximise(
                density.design, selection=rule, given_challenge=density.given_challenge, starts=how.starts or STARTS,
                seed=how.seed, penalty=how.penalty or WEAK, shakes=0, progress=tell,
            )  # fmt: skip
        except UserError:
            continue
        for start in best.starts:
            q = first(density, np.zeros(density.size))
            q[:k] = start.theta[:k] / density.unit
            if np.isfinite(start.value) and not any(np.allclose(q, other, atol=1e-3) for other in found):
                found.append(q)
    return found
