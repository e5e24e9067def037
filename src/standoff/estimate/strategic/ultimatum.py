"""The ultimatum game: 1 offers part of a prize, 2 accepts or not; each knows only his own reservation value.

Player 1 keeps Q - y of the prize Q if his offer y, within 0 and Q, is accepted, and has R1 + s1 e1 if not; player 2
has y, or R2 + s2 e2. With z = (y - R2)/s2 the offer is accepted with chance F(z), and the best offer solves

    s1 e1 = Q - y - R1 - s2 F(z)/f(z)                          (logit: F/f = 1 + exp z)

whose right side falls with y at rate 1 + (F/f)'(z), so an offer within the bounds tells e1 and has density f(e1) (1 +
(F/f)'(z)) / s1; offers of 0 and Q are those whose best offer lies beyond. No offer, however bad, has chance 0:
logarithms are taken throughout. `floor` bounds each chance and density from below, as other programs do at the
smallest step of a floating-point number; the bounded criterion is no likelihood, and serves comparison alone.

Ramsay & Signorino (2009, "A statistical model of the ultimatum game"); Kenkel & Signorino (2014, J. Stat. Softw.
56(8)).
"""

import math
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from standoff.estimate.strategic.links import (
    Number,
    below_over_density,
    log_below,
    log_density,
    slope_of_below_over_density,
)

PANELS = (64, 4096)
"""Fewest and most panels of the quadrature over offers."""


@dataclass(frozen=True)
class Ultimatum:
    """The law of offers and answers. `largest`: the prize Q, in units of offers; `answers`: whether they are seen."""

    largest: float
    link: str = "logit"
    answers: bool = True
    floor: float = 0.0
    uncertainty: str = "private"

    keys = ("R1", "R2", "log_s1", "log_s2")

    def shock(self, number: Float[Array, " key"], offer: Number) -> Number:
        """The shock e1 that makes an offer the best one."""
        z = (offer - number[1]) * jnp.exp(-number[3])
        rest = self.largest - offer - number[0] - jnp.exp(number[3]) * below_over_density(self.link, z)
        return rest * jnp.exp(-number[2])

    def log_likelihood(
        self, number: Float[Array, " key"], seen: Float[Array, " seen"], part: Float[Array, " 2"]
    ) -> Number:
        """Of an offer and its answer (1: accepted); `part`: how much offer and answer count."""
        offer = seen[0]
        z = (offer - number[1]) * jnp.exp(-number[3])
        e = self.shock(number, offer)
        inside = log_density(self.link, e) - number[2] + jnp.log1p(slope_of_below_over_density(self.link, z))
        edge = log_below(self.link, jnp.where(offer <= 0, -e, e))
        found = part[0] * self._bounded(jnp.where((offer > 0) & (offer < self.largest), inside, edge))
        if self.answers:
            found = found + part[1] * self._bounded(log_below(self.link, jnp.where(seen[1] > 0.5, z, -z)))
        return found

    def _bounded(self, log_chance: Number) -> Number:
        return jnp.maximum(log_chance, math.log(self.floor)) if self.floor > 0 else log_chance

    def expected(self, number: Float[np.ndarray, "game key"]) -> Float[np.ndarray, "game 2"]:
        """Expected offer and chance that it is accepted, in each game.

        E y = ∫ P(y > t) dt, and the chance of acceptance is F(z(0)) + ∫ P(y > t) dF(z(t)), over t from 0 to Q, by
        Gauss-Legendre quadrature on panels narrower than either shock.
        """
        least = float(np.exp(np.minimum(number[:, 2], number[:, 3])).min())
        panels = int(np.clip(math.ceil(2 * self.largest / max(least, 1e-9)), *PANELS))
        node, weight = np.polynomial.legendre.leggauss(8)
        width = self.largest / panels
        offers = ((np.arange(panels)[:, None] + (node + 1) / 2) * width).ravel()
        weights = np.tile(weight * width / 2, panels)
        return np.stack([np.asarray(_expected(self, jnp.asarray(row), jnp.asarray(offers), jnp.asarray(weights)))
                         for row in number])  # fmt: skip


@jax.jit
def _expected(
    law: Ultimatum, number: Float[Array, " key"], offers: Float[Array, " node"], weights: Float[Array, " node"]
) -> Float[Array, " 2"]:
    beyond = jnp.exp(jax.vmap(lambda t: log_below(law.link, law.shock(number, t)))(offers))
    z = (offers - number[1]) * jnp.exp(-number[3])
    density = jnp.exp(jax.vmap(lambda x: log_density(law.link, x))(z) - number[3])
    at_zero = jnp.exp(log_below(law.link, -number[1] * jnp.exp(-number[3])))
    return jnp.stack([(weights * beyond).sum(), at_zero + (weights * beyond * density).sum()])


jax.tree_util.register_static(Ultimatum)
