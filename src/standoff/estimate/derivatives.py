"""First and second derivatives of a game's log-likelihood and of B's reply, at given payoffs and resistance.

Of log F and log B by threshold and means all derivatives are closed (`normal`). With h = c − W_A, d = W_A − a, j = h
+ d, q = (h + j)/√2, hazard α = φ(h)Φ(j)/F, flux κ = φ(d/√2)Φ(−q)/(√2 F) and λ = φ/Φ,

    ∂ log F/∂h = −α,    ∂ log F/∂d = κ
    ∂α/∂h = α(α − h + λ(j)),    ∂α/∂d = α(λ(j) − κ),    ∂κ/∂d = κ(−d/2 − λ(−q)/√2 − κ)

and for B with j, −d and h in the places of h, d and j. The rest is the chain rule: c = V_A + (S_A − V_A)/p_R.
The arrays' last axes are the seven payoffs and the probit t.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from standoff.estimate.equilibria import in_sizes
from standoff.estimate.normal import ROOT, hazard, log_cdf, log_edge, log_flux
from standoff.estimate.signaling import MOST, log_challenge, slope, threshold, wedges

FOLLOWED, REACH = 8, 0.5
"""Newton steps that follow an equilibrium, and the longest of them."""

PIECES = (
    "log_resist", "log_concede", "rate_resist", "rate_concede", "quiet", "challenge", "firm", "back", "odds",
    "rate_h", "rate_j",
    "rate_middle", "edge_firm", "edge_back", "flux_firm", "flux_back", "h", "j",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Jet:
    """Derivatives by the seven payoffs and t: `gradient` [game, 8], `hessian` [game, 8, 8]."""

    gradient: np.ndarray
    hessian: np.ndarray


@jax.jit
def _parts(payoffs: jax.Array, t: jax.Array) -> tuple[jax.Array, ...]:
    c = threshold(payoffs, t)
    d = payoffs[..., 3] - payoffs[..., 5]
    h, j = c - payoffs[..., 3], c - payoffs[..., 5]
    firm, back = wedges(payoffs, c)
    over_h, over_j = jnp.maximum(h, 0.0), jnp.maximum(j, 0.0)
    gap = jnp.where((h > 0) & (j > 0), -d, over_h - over_j)
    odds = jnp.clip(gap * (over_h + over_j) / 2 + back - firm, -MOST, MOST)
    quiet = log_cdf(h) + log_cdf(j)
    plain = firm - over_h * over_h / 2, back - over_j * over_j / 2
    return (
        log_cdf(t), log_cdf(-t), hazard(t), hazard(-t), quiet, log_challenge(quiet, *plain), *plain, odds,
        hazard(h), hazard(j),
        hazard(-(h + j) * ROOT), jnp.exp(log_edge(h, d, firm)), jnp.exp(log_edge(j, -d, back)),
        jnp.exp(log_flux(h, d, firm)), jnp.exp(log_flux(j, -d, back)), h, j,
    )  # fmt: skip


def parts(payoffs: Float[np.ndarray, "game 7"], probit: Float[np.ndarray, " game"]) -> dict[str, np.ndarray]:
    """What log-likelihood and derivatives are made of, by name; one row a game."""
    return dict(zip(PIECES, in_sizes(_parts, payoffs, probit, len(PIECES)), strict=True)) | {"t": np.asarray(probit)}


@jax.jit
def _follow(payoffs: jax.Array, t: jax.Array) -> tuple[jax.Array, ...]:
    def step(_: jax.Array, at: tuple[jax.Array, jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array, jax.Array]:
        value, steep = slope(payoffs, at[0])
        move = (value - at[0]) / (1 - steep)
        return at[0] + jnp.clip(move, -REACH, REACH), jnp.abs(move), steep

    t, moved, steep = jax.lax.fori_loop(0, FOLLOWED, step, (t, jnp.zeros_like(t), jnp.zeros_like(t)))
    return t, moved, steep


def follow(
    payoffs: Float[np.ndarray, "game 7"], probit: Float[np.ndarray, " game"]
) -> tuple[Float[np.ndarray, " game"], Float[np.ndarray, " game"], Float[np.ndarray, " game"]]:
    """Equilibria by Newton steps from probits close by: where they end, the last step, and the slope of the reply."""
    t, moved, steep = in_sizes(_follow, payoffs, probit, 3)
    return t, moved, steep


def log_likelihood(piece: dict[str, np.ndarray], counts: np.ndarray, given_challenge: bool) -> np.ndarray:
    """Σ n log(chance) of each game."""
    quiet, concede, firm, back = counts.T
    with np.errstate(invalid="ignore"):
        total = np.where(concede > 0, concede * piece["log_concede"], 0.0)
        total += np.where(firm > 0, firm * (piece["log_resist"] + piece["firm"]), 0.0)
        total += np.where(back > 0, back * (piece["log_resist"] + piece["back"]), 0.0)
        if given_challenge:
            total -= np.where(firm + back > 0, (firm + back) * piece["challenge"], 0.0)
        else:
            total += np.where(concede > 0, concede * piece["challenge"], 0.0) + np.where(
                quiet > 0, quiet * piece["quiet"], 0.0
            )
    return np.where(np.isnan(total), -np.inf, total)


TO_FIRM = np.array([[1.0, -1.0, 0.0], [0.0, 1.0, -1.0]])
TO_BACK = np.array([[1.0, 0.0, -1.0], [0.0, -1.0, 1.0]])
"""From (c, W_A, a) to (h, d), and to (j, −d)."""


def second(
    piece: dict[str, np.ndarray], payoffs: np.ndarray, counts: np.ndarray, given_challenge: bool, hessian: bool
) -> tuple[Jet, Jet]:
    """Derivatives of L and of G = reply − t by payoffs and t."""
    quiet, concede, firm, back = counts.T
    resist = firm + back
    on_quiet, on_challenge = (np.zeros_like(quiet), -resist) if given_challenge else (quiet, concede)
    d = piece["h"] - piece["j"]
    f1, f2 = _wedge(
        piece["h"], -d, piece["edge_firm"], piece["flux_firm"], piece["rate_j"], piece["rate_middle"], TO_FIRM
    )
    b1, b2 = _wedge(
        piece["j"], d, piece["edge_back"], piece["flux_back"], piece["rate_h"], piece["rate_middle"], TO_BACK
    )
    share = 1 / (1 + np.exp(-piece["odds"]))  # of B in p_C
    apart = b1 - f1
    c1 = f1 + share[:, None] * apart
    c2 = f2 + share[:, None, None] * (b2 - f2) + (share * (1 - share))[:, None, None] * _outer(apart)
    low_h, low_j = piece["rate_h"], piece["rate_j"]
    q1 = np.stack([low_h + low_j, -low_h, -low_j], axis=1)
    bend_h, bend_j = -low_h * (low_h + piece["h"]), -low_j * (low_j + piece["j"])
    zero = np.zeros_like(bend_h)
    q2 = _matrix([[bend_h + bend_j, -bend_h, -bend_j], [-bend_h, bend_h, zero], [-bend_j, zero, bend_j]])
    y1 = sum(w[:, None] * x for w, x in ((on_quiet, q1), (on_challenge, c1), (firm, f1), (back, b1)))
    y2 = sum(w[:, None, None] * x for w, x in ((on_quiet, q2), (on_challenge, c2), (firm, f2), (back, b2)))
    t, up, down = piece["t"], piece["rate_resist"], piece["rate_concede"]
    t1 = resist * up - concede * down
    t2 = -resist * up * (up + t) - concede * down * (down - t)
    chain = _Chain(payoffs, piece)
    ell = chain.through(y1, y2, hessian)
    ell.gradient[:, 7] += t1
    ell.hessian[:, 7, 7] += t2
    odds = np.exp(piece["odds"])
    weight = payoffs[:, 6] - payoffs[:, 2]
    r1 = odds[:, None] * apart
    reply = chain.through(
        weight[:, None] * r1, weight[:, None, None] * (odds[:, None, None] * (b2 - f2 + _outer(apart))), hessian
    )
    reply.gradient[:, 7] -= 1
    reply.gradient[:, 4] += 1
    reply.gradient[:, 2] -= 1 + odds
    reply.gradient[:, 6] += odds
    if hessian:
        by = chain.first(r1)
        reply.hessian[:, 6, :] += by
        reply.hessian[:, :, 6] += by
        reply.hessian[:, 2, :] -= by
        reply.hessian[:, :, 2] -= by
    return ell, reply


def _wedge(
    h: np.ndarray,
    d: np.ndarray,
    edge: np.ndarray,
    flux: np.ndarray,
    rate: np.ndarray,
    middle: np.ndarray,
    to: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Derivatives of log F (or log B) by c, W_A and a."""
    cross = -edge * (rate - flux)
    bend = _matrix([[-edge * (edge - h + rate), cross], [cross, flux * (-d / 2 - middle * ROOT - flux)]])
    return np.stack([-edge, flux], axis=1) @ to, np.einsum("ai,nab,bj->nij", to, bend, to)


class _Chain:
    """From derivatives by (c, W_A, a) to those by the seven payoffs and t."""

    def __init__(self, payoffs: np.ndarray, piece: dict[str, np.ndarray]) -> None:
        inverse = np.exp(np.minimum(-piece["log_resist"], MOST))
        stake, rate = payoffs[:, 0] - payoffs[:, 1], piece["rate_resist"]
        self.by_s, self.by_v, self.by_t = inverse, 1 - inverse, -stake * rate * inverse
        self.by_st, self.by_tt = -rate * inverse, stake * rate * (2 * rate + piece["t"]) * inverse
        self.to = np.zeros((len(payoffs), 3, 8))
        self.to[:, 0, 0], self.to[:, 0, 1], self.to[:, 0, 7] = self.by_s, self.by_v, self.by_t
        self.to[:, 1, 3] = self.to[:, 2, 5] = 1

    def first(self, y1: np.ndarray) -> np.ndarray:
        return np.asarray(np.einsum("na,nai->ni", y1, self.to))

    def through(self, y1: np.ndarray, y2: np.ndarray, hessian: bool) -> Jet:
        found = np.zeros((len(y1), 8, 8))
        if hessian:
            found = np.einsum("nai,nab,nbj->nij", self.to, y2, self.to, optimize=True)
            by_c = y1[:, 0]
            found[:, 7, 7] += by_c * self.by_tt
            for place, sign in ((0, 1), (1, -1)):
                found[:, place, 7] += sign * by_c * self.by_st
                found[:, 7, place] += sign * by_c * self.by_st
        return Jet(self.first(y1), found)


def _outer(x: np.ndarray) -> np.ndarray:
    return np.asarray(x[:, :, None] * x[:, None, :])


def _matrix(rows: list[list[np.ndarray]]) -> np.ndarray:
    return np.stack([np.stack(row, axis=1) for row in rows], axis=1)
