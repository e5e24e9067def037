"""The coordinates in which chains walk: B's coefficients are given by the resistance that a few games play.

Near a fold, where two equilibria are about to meet or a unique one is about to split, resistance t answers payoffs with
a slope that knows no bound, and the likelihood has cliffs. The other way round there is none: what B must be for some
games to play t is linear,

    t = (W_B − C_B) + (V_B − C_B) r(c(t))      r = B/F (`signaling`)

With as many games as B has coefficients, their t stand for the coefficients. The density changes by

    |dβ/dt| = Π |1 − s| / |det M|,      M: row by game, column x (height + slope r);  s: slope of the reply

Where such a game has several equilibria, several t stand for one β. They share its density equally: it is divided by
the number of equilibria of each such game.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from scipy import linalg  # type: ignore[import-untyped]

from standoff.estimate.density import Data, Model
from standoff.estimate.likelihood import Exact
from standoff.estimate.search import roots
from standoff.estimate.signaling import reply

CONCEDE, RESIST, BACK = 2, 4, 6
"""Payoffs of B: C_B, W_B, V_B."""
FOLD = 1e-9
"""Least |1 − s|."""
FAR, ALIKE = 6.0, 0.1
"""Largest |t| of a game that stands for a coefficient, and by how much its t must differ from what the games before it
tell, by prior standard deviation of B's coefficients."""


@dataclass(frozen=True, eq=False)
class Walk:
    """The posterior's density at y: the model's numbers, but with t of some games in the place of B's coefficients.

    `games` [of B]: places of the games in the design; `own` [of B]: places of B's coefficients.
    """

    density: Model
    games: np.ndarray
    own: np.ndarray

    @property
    def size(self) -> int:
        """Length of the vector."""
        return self.density.size

    def model(self, y: jax.Array) -> tuple[jax.Array, jax.Array]:
        """The model's numbers, and the log of |dβ/dt| over the number of equilibria."""
        if not len(self.own):
            return y, jnp.zeros(())
        some = self.density.some(self.games)
        t = y[self.own]
        bare = some.payoffs(y.at[self.own].set(0.0), some.data()[0])
        odds, turn = jax.jvp(lambda x: _odds(bare, x), (t,), (jnp.ones_like(t),))
        matrix = self._columns(odds)
        fixed = bare[:, RESIST] - bare[:, CONCEDE] + (bare[:, BACK] - bare[:, CONCEDE]) * odds
        q = y.at[self.own].set(jnp.linalg.solve(matrix, t - fixed))
        full = some.payoffs(q, some.data()[0])
        flat = 1 - (full[:, BACK] - full[:, CONCEDE]) * turn
        count = jnp.maximum(roots(jax.lax.stop_gradient(full))[1].sum(axis=1), 1)
        size = jnp.log(jnp.maximum(jnp.abs(flat), FOLD)).sum() - jnp.linalg.slogdet(matrix)[1]
        return q, size - jnp.log(count.astype(y.dtype)).sum()

    def models(self, y: np.ndarray) -> np.ndarray:
        """The model's numbers at points [chain, draw, number]."""
        flat = jnp.asarray(y.reshape(-1, self.size))
        found = jax.jit(lambda each: jax.lax.map(lambda one: self.model(one)[0], each))(flat)
        return np.asarray(found).reshape(y.shape)

    def _columns(self, odds: jax.Array) -> jax.Array:
        """Derivative of the reply of the games by the standardised coefficients of B that are replaced, at odds r."""
        rows = []
        for payoff in (CONCEDE, RESIST, BACK):
            share = (payoff == RESIST) - (payoff == CONCEDE) + ((payoff == BACK) - (payoff == CONCEDE)) * odds
            rows.append(jnp.asarray(self.density.design.blocks[payoff][self.games]) * share[:, None])
        some = np.searchsorted(of_b(self.density), self.own)
        return jnp.concatenate(rows, axis=1)[:, some] * jnp.asarray(self.density.unit[self.own])[None, :]

    def potential(self, y: jax.Array, data: Data | None = None) -> jax.Array:
        """Minus the log of the density, up to a constant."""
        q, size = self.model(y)
        return self.density.potential(q, data) - size

    def back(self, q: np.ndarray) -> np.ndarray:
        """From the model's numbers to y, with the equilibria that the counts speak for."""
        t = _played(self.density, q)[0][self.games]
        y = np.array(q)
        y[self.own] = t
        return y


def _odds(payoffs: jax.Array, t: jax.Array) -> jax.Array:
    """Odds r = B/F of backing down."""
    plain = payoffs.at[:, CONCEDE].set(0.0).at[:, RESIST].set(0.0).at[:, BACK].set(1.0)
    return reply(plain, t)


def _played(density: Model, q: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Resistance that each game plays, its payoffs, and the slope of its reply."""
    payoffs = np.asarray(density.payoffs(jnp.asarray(q), density.data()[0]))
    mixing = density.split(jnp.asarray(q))[1]
    exact = Exact(np.asarray(density.design.counts, dtype=float), density.selection, density.given_challenge)
    terms = exact.terms(payoffs, None if mixing is None else np.asarray(mixing), hessian=False)
    rows, one = np.arange(len(payoffs)), np.maximum(terms.chosen, 0)
    return terms.probit, payoffs, terms.equilibria.slope[rows, one]


def of_b(density: Model) -> np.ndarray:
    """Places of B's coefficients."""
    edges = density.design.edges
    return np.concatenate([np.arange(edges[k], edges[k + 1]) for k in (CONCEDE, RESIST, BACK)])


def walk(density: Model, q: np.ndarray) -> Walk:
    """Coordinates for a posterior that is at its highest near `q`: games in which t says most of B's coefficients.

    Where games are too alike to stand for all of them, the rest stay as they are.
    """
    own = of_b(density)
    t, payoffs, _ = _played(density, q)
    good = np.flatnonzero(np.isfinite(t) & (np.abs(t) < FAR))
    if not len(own) or not len(good):
        return Walk(density, good[:0], own[:0])
    every = Walk(density, np.arange(len(density.design)), own)
    rows = np.asarray(every._columns(_odds(jnp.asarray(payoffs), jnp.asarray(np.nan_to_num(t)))))[good]
    _, triangle, game = linalg.qr(rows.T, mode="economic", pivoting=True)
    size = np.abs(np.diag(triangle))
    rank = int((size > ALIKE).sum())
    _, _, column = linalg.qr(rows[game[:rank]], mode="economic", pivoting=True)
    return Walk(density, good[game[:rank]], np.sort(own[column[:rank]]))
