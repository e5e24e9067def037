"""The crisis-signaling game of Lewis & Schultz (2003, Political Analysis 11:345-367): chances of its four outcomes.

A leaves the status quo (A gets S_A, B 0) or challenges. B concedes (A gets V_A, B C_B) or resists. A then stands firm
(W_A + e_A, W_B + e_B) or backs down (a + e_a, V_B). A alone sees e_A and e_a, B alone e_B; all are standard normal and
independent. With p_R the chance that B resists, A challenges if the better of its two last moves passes

    c = V_A + (S_A − V_A) / p_R

Let h = c − W_A, j = c − a and F, B the chances that A challenges and then stands firm or backs down:

    F = P(e_A > h, e_a < e_A + W_A − a),    B = P(e_a > j, e_A < e_a + a − W_A),    sq = Φ(h)Φ(j),    p_C = F + B
    p_F = F / (F + B),    cd = p_C (1 − p_R),    sf = p_R F,    bd = p_R B

so that no chance is a difference. B resists if p_F (W_B + e_B) + (1 − p_F) V_B > C_B. With t = Φ⁻¹(p_R), the one
unknown of a game, and r = B/F, the odds against standing firm, an equilibrium solves

    t = (W_B − C_B) + (V_B − C_B) r(c(t))

c rises or falls with t throughout, and r with c: A's two last moves have monotone likelihood ratio λ(x − W_A)/λ(x − a),
λ = φ/Φ. The right side, B's best reply, is therefore monotone in t. `equilibria` rests on that.

Numbers beyond `LIMIT` are kept at it (a threshold of 1e150 is never passed), and odds beyond e^±345.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from standoff.estimate.normal import hazard, known_wedge, log_cdf, log_edge, log_wedge

LIMIT = 1e150
MOST = 345.0
"""Odds r beyond e^±345 count as that."""

Payoffs = Float[Array, "*n payoff"] | Float[np.ndarray, "*n payoff"]
Probit = Float[Array, "*n"] | Float[np.ndarray, "*n"]
Wedges = tuple[Float[Array, "*n"], Float[Array, "*n"]]


def threshold(payoffs: Payoffs, probit: Probit) -> Float[Array, "*n"]:
    """What the better of A's last moves must pass for a challenge, c; `probit` is Φ⁻¹(p_R)."""
    prize, stake = payoffs[..., 1], payoffs[..., 0] - payoffs[..., 1]
    log_stake = jnp.log(jnp.where(stake == 0, 1.0, jnp.abs(stake)))
    far = jnp.where(stake == 0, 0.0, jnp.minimum(-log_cdf(jnp.clip(probit, -LIMIT, LIMIT)), MOST - log_stake))
    return jnp.asarray(prize + stake * jnp.exp(far))


def wedges(payoffs: Payoffs, c: Float[Array, "*n"]) -> tuple[Float[Array, "*n"], Float[Array, "*n"]]:
    """Logs of F and B at threshold c, scaled as in `normal.log_wedge`: all that takes time to compute."""
    apart = payoffs[..., 3] - payoffs[..., 5]
    ends = jnp.stack([c - payoffs[..., 3], c - payoffs[..., 5]]), jnp.stack([apart, -apart])
    firm, back = jax.lax.map(
        lambda end: log_wedge(*end), ends
    )  # a loop, so that the compiler does not repeat it by use
    return firm, back


def _log_firm_back(payoffs: Payoffs, c: Float[Array, "*n"], known: Wedges | None) -> tuple[Array, ...]:
    """Scaled logs of F and B, what they are scaled by, and log B/F without cancellation."""
    apart = payoffs[..., 3] - payoffs[..., 5]
    h, j = c - payoffs[..., 3], c - payoffs[..., 5]
    if known is None:
        firm, back = wedges(payoffs, c)
    else:
        firm, back = known_wedge(h, apart, known[0]), known_wedge(j, -apart, known[1])
    over_h, over_j = jnp.maximum(h, 0.0), jnp.maximum(j, 0.0)
    gap = jnp.where((h > 0) & (j > 0), -apart, over_h - over_j)
    return firm, back, over_h, over_j, gap * (over_h + over_j) / 2 + back - firm


def reply(payoffs: Payoffs, probit: Probit, known: Wedges | None = None) -> Float[Array, "*n"]:
    """B's best reply, as a probit, to a game in which B is thought to resist with chance Φ(probit).

    Args:
        payoffs: In the order of `formulas.PAYOFFS`: S_A, V_A, C_B, W_A, W_B, a, V_B.
        probit: Φ⁻¹(p_R).
        known: `wedges` at the threshold, if they are known: derivatives are then computed without quadrature.
    """
    *_, odds = _log_firm_back(payoffs, threshold(payoffs, probit), known)
    odds = jnp.exp(jnp.clip(odds, -MOST, MOST))
    return jnp.asarray((payoffs[..., 4] - payoffs[..., 2]) + (payoffs[..., 6] - payoffs[..., 2]) * odds)


def slope(payoffs: Payoffs, probit: Probit) -> tuple[Float[Array, "*n"], Float[Array, "*n"]]:
    """B's best reply and its derivative by the probit."""
    probit = jnp.asarray(probit)
    value, tangent = jax.jvp(lambda t: reply(payoffs, t), (probit,), (jnp.ones_like(probit),))
    return value, tangent


def log_outcomes(payoffs: Payoffs, probit: Probit, known: Wedges | None = None) -> Float[Array, "*n outcome"]:
    """Log chances of sq, cd, sf and bd when B resists with chance Φ(probit); `known` as for `reply`."""
    c = threshold(payoffs, probit)
    firm, back, over_h, over_j, _ = _log_firm_back(payoffs, c, known)
    firm, back = firm - over_h * over_h / 2, back - over_j * over_j / 2
    quiet = log_cdf(c - payoffs[..., 3]) + log_cdf(c - payoffs[..., 5])
    resist, concede = log_cdf(jnp.asarray(probit)), log_cdf(-jnp.asarray(probit))
    return jnp.stack([quiet, log_challenge(quiet, firm, back) + concede, resist + firm, resist + back], axis=-1)


def log_challenge(quiet: Array, firm: Array, back: Array) -> Array:
    """Log p_C: from the larger of its two forms, which keeps the digits."""
    rare = quiet > -0.5
    return jnp.where(rare, jnp.logaddexp(firm, back), jnp.log1p(-jnp.exp(jnp.where(rare, -1.0, quiet))))


def log_chances(payoffs: Payoffs, probit: Probit) -> tuple[Float[Array, "*n"], Float[Array, "*n"]]:
    """Log p_C (A challenges) and log p_F (A stands firm, given a challenge that is resisted)."""
    c = threshold(payoffs, probit)
    firm, back, over_h, over_j, odds = _log_firm_back(payoffs, c, None)
    firm, back = firm - over_h * over_h / 2, back - over_j * over_j / 2
    quiet = log_cdf(c - payoffs[..., 3]) + log_cdf(c - payoffs[..., 5])
    return log_challenge(quiet, firm, back), -jnp.logaddexp(jnp.zeros_like(odds), odds)


def pieces(payoffs: Payoffs, probit: Probit) -> dict[str, Float[Array, "*n"]]:
    """What bounds of the reply's slope are made of; each is monotone in the probit.

    `reply`; `slope`; logs: `odds` r, `firm` and `back` (hazards of F and B at c), `pull` |dc/dt|.
    """
    probit, payoffs = jnp.asarray(probit), jnp.asarray(payoffs)
    stake = payoffs[..., 0] - payoffs[..., 1]
    c = threshold(payoffs, probit)
    apart = payoffs[..., 3] - payoffs[..., 5]
    h, j = c - payoffs[..., 3], c - payoffs[..., 5]
    firm, back, _, _, odds = _log_firm_back(payoffs, c, None)
    odds = jnp.clip(odds, -MOST, MOST)
    firm, back = log_edge(h, apart, firm), log_edge(j, -apart, back)
    size = jnp.log(jnp.where(stake == 0, 1.0, jnp.abs(stake)))
    pull = jnp.log(hazard(probit)) - log_cdf(probit) + size
    weight = payoffs[..., 6] - payoffs[..., 2]
    value = (payoffs[..., 4] - payoffs[..., 2]) + weight * jnp.exp(odds)
    turn = jnp.exp(firm) - jnp.exp(back)
    steep = (
        -jnp.sign(stake)
        * weight
        * turn
        * jnp.exp(jnp.where(jnp.abs(odds) < MOST, jnp.minimum(odds + pull, MOST), -jnp.inf))
    )
    return {"reply": value, "slope": steep, "odds": odds, "firm": firm, "back": back, "pull": pull}
