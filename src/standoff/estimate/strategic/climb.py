"""Maximum likelihood by Newton's method within a trust region, from several honest starts.

Derivatives by the numbers of each game come from JAX and are exact; those by the coefficients follow by the formulas,
which are linear. Coefficients are measured in units in which their columns have mean square 1, so that columns of any
size are treated alike. A step maximises the quadratic model within a ball (its multiplier by bisection on the
eigenvalues), which handles saddles and ridges.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from standoff.estimate.formulas import Design
from standoff.estimate.strategic.file import Law

STEPS = 300
TOLERANCE = 1e-10
"""Half of the gain in log-likelihood that a full Newton step foresees, at which a climb has arrived."""
FLAT = 1e-9
"""Curvature over the largest (in units of the columns), below 0, that counts as none."""


ROWS = (128, 1024)
"""Games that are worked at together; so few sizes are compiled once for tables of any length."""


@partial(jax.jit, static_argnums=0)
def _derivatives(
    law: Law, number: Float[Array, "game key"], seen: Float[Array, "game seen"], part: Float[Array, " player"]
) -> tuple[Float[Array, " game"], Float[Array, "game key"], Float[Array, "game key key"]]:
    """Log-likelihood of each game, its gradient and its Hessian by the game's numbers."""

    def slope(x: Array, y: Array) -> tuple[Array, tuple[Array, Array]]:
        value, gradient = jax.value_and_grad(law.log_likelihood)(x, y, part)
        return gradient, (value, gradient)

    hessian, (value, gradient) = jax.vmap(jax.jacfwd(slope, has_aux=True))(number, seen)
    return value, gradient, hessian


@partial(jax.jit, static_argnums=0)
def _values(
    law: Law, number: Float[Array, "game key"], seen: Float[Array, "game seen"], part: Float[Array, " player"]
) -> tuple[Float[Array, " game"]]:
    """Log-likelihood of each game."""
    return (jax.vmap(law.log_likelihood, in_axes=(0, 0, None))(number, seen, part),)


def _by_rows(
    what: Callable[..., tuple[Array, ...]], law: Law, number: np.ndarray, seen: np.ndarray, part: np.ndarray
) -> list[np.ndarray]:
    """A function of games, so many at a time; the last ones are filled up with copies."""
    n = len(number)
    size = next((s for s in ROWS if n <= s), ROWS[-1])
    pieces = []
    for k in range(0, n, size):
        some = np.minimum(np.arange(k, k + size), n - 1)
        found = what(law, jnp.asarray(number[some]), jnp.asarray(seen[some]), jnp.asarray(part))
        pieces.append([np.asarray(x)[: n - k] for x in found])
    return [np.concatenate(x) for x in zip(*pieces, strict=True)]


@dataclass(frozen=True, eq=False)
class Slope:
    """Log-likelihood [game], gradient [game, coefficient], Hessian of the sum [coefficient, coefficient]."""

    value: np.ndarray
    scores: np.ndarray
    hessian: np.ndarray


@dataclass(frozen=True, eq=False)
class Likelihood:
    """Log-likelihood of coefficients.

    `offset` [key] is added to the formulas'; `weight` [game] counts games; `part` [player] the moves of each player,
    where they are reached (1, or 0 to leave them out).
    """

    law: Law
    design: Design
    offset: np.ndarray
    weight: np.ndarray
    part: np.ndarray

    def number(self, theta: np.ndarray) -> np.ndarray:
        """The numbers of every game [game, key]."""
        return np.asarray(self.design.payoffs(theta) + self.offset)

    def value(self, theta: np.ndarray) -> float:
        """The log-likelihood."""
        return float(self.weight @ self.each(theta))

    def each(self, theta: np.ndarray) -> np.ndarray:
        """That of each game [game]."""
        return _by_rows(_values, self.law, self.number(theta), self.design.counts, self.part)[0]

    def slope(self, theta: np.ndarray) -> Slope:
        """With derivatives by the coefficients."""
        found = _by_rows(_derivatives, self.law, self.number(theta), self.design.counts, self.part)
        value, gradient, bend = found
        blocks, edges = self.design.blocks, self.design.edges
        hessian = np.zeros((len(theta), len(theta)))
        for i, left in enumerate(blocks):
            for j in range(i, len(blocks)):
                right = blocks[j]
                if left.shape[1] and right.shape[1]:
                    part = left.T @ (right * (self.weight * bend[:, i, j])[:, None])
                    hessian[edges[i] : edges[i + 1], edges[j] : edges[j + 1]] = part
                    hessian[edges[j] : edges[j + 1], edges[i] : edges[i + 1]] = part.T
        return Slope(value, self.design.pull(gradient), hessian)

    @property
    def unit(self) -> np.ndarray:
        """Size of a coefficient of each column, 1 / its root mean square [coefficient]."""
        size = np.concatenate([np.sqrt((block**2).mean(axis=0)) for block in self.design.blocks])
        return np.asarray(1 / np.where(size > 0, size, 1.0))


@dataclass(frozen=True, eq=False)
class Climb:
    """Where a climb ended: coefficients, log-likelihood, steps, and whether it arrived."""

    theta: np.ndarray
    value: float
    steps: int
    arrived: bool


def climb(
    like: Likelihood, start: np.ndarray, *, free: np.ndarray | None = None, radius: float = 1.0, steps: int = STEPS
) -> Climb:
    """Climb from a start to a local maximum.

    Args:
        like: The log-likelihood.
        start: Coefficients to begin with.
        free: Which may move (all by default).
        radius: Of the first step, in units of the columns.
        steps: At most.
    """
    held = np.zeros(len(start), dtype=bool) if free is None else ~free
    unit, x = like.unit, np.asarray(start, dtype=float)
    at = like.slope(x)
    value = float(like.weight @ at.value)
    if not np.isfinite(value) or not np.isfinite(at.hessian).all():
        return Climb(x, -np.inf, 0, False)
    for step in range(steps):
        g = np.where(held, 0.0, (like.weight @ at.scores) * unit)
        bend = np.where(held[:, None] | held, 0.0, at.hessian * np.outer(unit, unit))
        bend[held, held] = -max(float(np.abs(bend).max()), 1.0)
        move, gain, arrived = _step(g, bend, radius)
        if arrived and gain <= TOLERANCE * max(1.0, abs(value) * 1e-4):
            return Climb(x, value, step, True)
        new = x + unit * move
        found = like.slope(new)
        there = float(like.weight @ found.value)
        usable = np.isfinite(there) and np.isfinite(found.hessian).all()
        ratio = (there - value) / gain if usable else -1.0
        length = float(np.linalg.norm(move))
        if ratio < 0.25:
            radius = 0.25 * length
        elif ratio > 0.75 and length > 0.9 * radius:
            radius = min(2 * radius, 1e4)
        if ratio > 1e-4:
            x, value, at = new, there, found
        elif radius < 1e-11:
            return Climb(x, value, step, gain < 1e-6)
    return Climb(x, value, steps, False)


def _step(g: np.ndarray, hessian: np.ndarray, radius: float) -> tuple[np.ndarray, float, bool]:
    """The step that gains most by the quadratic model within a ball, what it gains, and whether it is Newton's."""
    curve, axis = np.linalg.eigh(-hessian)
    along = axis.T @ g
    top = max(float(np.abs(curve).max()), 1e-300)
    if curve[0] > FLAT * FLAT * top:
        newton = along / curve
        if np.linalg.norm(newton) <= radius:
            return axis @ newton, float(0.5 * along @ newton), True
    low = max(0.0, -float(curve[0])) + 1e-14 * top
    high = low + float(np.linalg.norm(along)) / radius + 1e-14 * top
    for _ in range(100):
        middle = 0.5 * (low + high)
        if np.linalg.norm(along / (curve + middle)) > radius:
            low = middle
        else:
            high = middle
    move = along / (curve + high)
    short = radius**2 - float(move @ move)
    if curve[0] < 0 and short > 0:
        move[0] += np.copysign(np.sqrt(short), move[0])
    gain = float(along @ move - 0.5 * (curve * move) @ move)
    roomy = radius >= 1e-2 or float(np.linalg.norm(move)) < 0.99 * radius
    return axis @ move, gain, bool(curve[0] > -FLAT * top and roomy)
