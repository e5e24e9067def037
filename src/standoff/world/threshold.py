"""Threshold: when enough of the circle defects at once.

A member who defects gains b if the leader falls and loses c if not, so he needs a chance of success of 1 -
s with temptation s = b/(b + c). The leader falls when the weight of defectors exceeds his hidden strength
theta, which each member sees with private noise. He falls below the threshold

    theta* = sum_j w_j s_j                                        diffuse prior, any private noise
    theta* = Phi( alpha/sqrt(beta) (theta* - y) + sqrt((alpha + beta)/beta) invPhi(s) )       public signal y
    x* = theta* + invPhi(theta*)/sqrt(beta)                       private signal below which a member defects

w_j weight of faction j (shares, sum 1), s_j temptation (0 to 1), alpha precision of the public signal and
beta of the private one (per squared share of weight), Phi the standard normal distribution. The second has
one solution if alpha <= sqrt(2 pi beta).

Reference: Morris & Shin (2003), Global Games: Theory and Applications, section 3; unequal factions as in
Frankel, Morris & Pauzner (2003), Equilibrium Selection in Global Games with Strategic Complementarities.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.scipy.special import ndtr, ndtri
from jax.scipy.stats import norm
from jaxtyping import Array, Bool, Float, Int

Number = Float[Array, "*#draw"] | float
HALVINGS = 55  # of an interval of length 1: below the spacing of doubles


class PublicThreshold(eqx.Module):
    """Threshold with a public signal of strength."""

    threshold: Float[Array, "*draw"]  # theta*, share of weight
    cutoff: Float[Array, "*draw"]  # x*, private signal, share of weight
    unique: Bool[Array, "*draw"]  # whether no other threshold can be an equilibrium


def diffuse_threshold(
    weight: Float[Array, "faction *#draw"], temptation: Float[Array, "faction *#draw"]
) -> Float[Array, "*draw"]:
    """Strength below which the leader falls when nothing public is known of it: the weighted temptation."""
    return jnp.sum(weight * temptation, axis=0)


def threshold_with_public_signal(
    temptation: Number, public_mean: Number, public_precision: Number, private_precision: Number
) -> PublicThreshold:
    """Strength below which the leader falls when all have seen a signal of it.

    Args:
        temptation: s, strictly between 0 and 1.
        public_mean: y, share of weight.
        public_precision: alpha, 0 or more.
        private_precision: beta, above 0.

    Returns:
        Threshold, cutoff of the private signal, and whether they are unique. Where they are not, the
        threshold is one of the equilibria.
    """
    alpha, beta = jnp.asarray(public_precision, dtype=float), jnp.asarray(private_precision, dtype=float)
    slope = alpha / jnp.sqrt(beta)
    push = jnp.sqrt((alpha + beta) / beta) * ndtri(jnp.asarray(temptation, dtype=float)) - slope * public_mean

    def halve(_: Int[Array, ""] | int, bounds: tuple[Array, Array]) -> tuple[Array, Array]:
        low, high = bounds
        middle = 0.5 * (low + high)
        below = middle < ndtr(slope * middle + push)
        return jnp.where(below, middle, low), jnp.where(below, high, middle)

    low, high = jax.lax.fori_loop(0, HALVINGS, halve, (jnp.zeros_like(push), jnp.ones_like(push)))
    root = jax.lax.stop_gradient(0.5 * (low + high))
    # One Newton step leaves the value and restores the gradient, which halving loses.
    inner = slope * root + push
    threshold = root - (root - ndtr(inner)) / (1.0 - slope * norm.pdf(inner))
    cutoff = threshold + ndtri(threshold) / jnp.sqrt(beta)
    unique = jnp.broadcast_to(alpha <= jnp.sqrt(2.0 * jnp.pi * beta), push.shape)
    return PublicThreshold(threshold, cutoff, unique)
