"""What a game's outcome says of the private information of its two sides.

Each play of a game draws e_A and e_a (A's value of standing firm, and of backing down) and e_B (B's of war), normal and
independent. Seen outcomes bound them, with c what A expects from a challenge at the least and t = Φ^-1(p_R):

    no challenge  W_A + e_A < c and a + e_a < c            nothing of e_B
    concession    W_A + e_A > c or a + e_a > c             e_B < -t
    stand firm    W_A + e_A > max(c, a + e_a)              e_B > -t
    back down     a + e_a > max(c, W_A + e_A)              e_B > -t

Where a game has several plays, a row's posterior is that of a play drawn from it at random. Values are in standard
deviations of private information.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import log_ndtr, ndtr  # type: ignore[import-untyped]

from standoff.errors import UserError
from standoff.estimate.formulas import COUNTS, PAYOFFS

if TYPE_CHECKING:
    from standoff.estimate.fit import Fit

TYPES = ("W_A", "a", "W_B")
"""A's value of standing firm, of backing down, and B's of being stood up to; each its mean plus the private part."""
COARSE = np.linspace(-40.0, 40.0, 1601)
FINE = 401
"""Points at which a density is first looked at, and then within where it is not nil."""
DEEP = 40.0
"""Log density below its top from which on it is nil."""
BLOCK = 200
"""Games at a time."""


@dataclass(frozen=True, eq=False)
class PrivateTypes:
    """Posterior of private values: mean, low and high (5% and 95%).

    `row`: of all plays of a game [game, type, (mean, low, high)]; `outcome`: after each outcome [game, outcome, type,
    ...]; nan where a game has no such play possible; `games`: rows of the table.
    """

    games: np.ndarray
    row: np.ndarray
    outcome: np.ndarray
    types: tuple[str, ...] = TYPES

    def as_columns(self) -> dict[str, np.ndarray]:
        """Columns `W_A_mean`, `W_A_low`, ... by game."""
        found: dict[str, np.ndarray] = {"row": self.games}
        for k, name in enumerate(self.types):
            for j, which in enumerate(("mean", "low", "high")):
                found[f"{name}_{which}"] = self.row[:, k, j]
        return found


def private_types(fit: "Fit", low: float = 0.05, high: float = 0.95) -> PrivateTypes:
    """Posterior of the private values in the games of a fit, at its estimate and the equilibrium that is played.

    Of a mixture that is the equilibrium which is likeliest once the game's counts are seen.

    Args:
        fit: Of the signaling game.
        low: Lower end of the interval.
        high: Upper end.

    Raises:
        UserError: the fit holds no table, or the ends are no shares.
    """
    from standoff.estimate.played import Chances

    if not 0 < low < high < 1:
        raise UserError(f"The interval from {low:g} to {high:g} is none: give two shares, such as 0.05 and 0.95.")
    if fit.model != "signaling" or fit.design is None or not isinstance(fit.probabilities, Chances):
        raise UserError("Private types are known of the signaling game, from a fit that holds its table.")
    design = fit.design
    payoffs = design.payoffs(fit.estimate[: len(design.names)])
    chances = fit.probabilities
    mixed = chances.selection == "mixture"
    probit = chances.probit if mixed else chances.play(design, fit.estimate).probit
    each = [
        _posterior(payoffs[i : i + BLOCK], probit[i : i + BLOCK], design.counts[i : i + BLOCK], (low, high))
        for i in range(0, len(payoffs), BLOCK)
    ]
    return PrivateTypes(design.rows, np.concatenate([e[0] for e in each]), np.concatenate([e[1] for e in each]))


def densities(payoffs: np.ndarray, probit: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Log density, unnormalised, of each private part after each outcome.

    Args:
        payoffs: [game, payoff].
        probit: Φ^-1(p_R) [game].
        at: Values of the private part [..., point], broadcast to [game, outcome, type, point].
    """
    value = dict(zip(PAYOFFS, payoffs.T[:, :, None, None], strict=True))
    t = probit[:, None, None]
    stake = value["SA"] - value["VA"]
    least = value["VA"] + np.where(stake == 0, 0.0, stake / ndtr(t))
    stand, back = least - value["barWA"], least - value["bara"]
    gap = value["barWA"] - value["bara"]
    at = np.broadcast_to(at, (len(payoffs), 4, 3, at.shape[-1]))
    nothing = np.full(at[:, 0, 0].shape, -np.inf)[:, None]

    def outcome(k: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        firm, soft = at[:, k : k + 1, 0], at[:, k : k + 1, 1]
        above, over = firm > stand, soft > back
        if k == 0:
            return np.where(above, nothing, 0.0), np.where(over, nothing, 0.0), np.zeros_like(nothing)
        if k == 1:
            return (
                np.where(above, 0.0, log_ndtr(-back)), np.where(over, 0.0, log_ndtr(-stand)),
                np.where(at[:, k : k + 1, 2] < -t, 0.0, nothing),
            )  # fmt: skip
        resist = np.where(at[:, k : k + 1, 2] > -t, 0.0, nothing)
        if k == 2:
            return np.where(above, log_ndtr(gap + firm), nothing), log_ndtr(-np.maximum(stand, soft - gap)), resist
        return log_ndtr(-np.maximum(back, firm + gap)), np.where(over, log_ndtr(soft - gap), nothing), resist

    logs = np.concatenate([np.stack(outcome(k), axis=2) for k in range(len(COUNTS))], axis=1)
    return np.asarray(logs - 0.5 * at**2)


def _posterior(
    payoffs: np.ndarray, probit: np.ndarray, counts: np.ndarray, bounds: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray]:
    corner = np.isnan(probit)
    mean = payoffs[:, [PAYOFFS.index("barWA"), PAYOFFS.index("bara"), PAYOFFS.index("barWB")]]
    here = np.where(corner, -8.0, probit)
    with np.errstate(all="ignore"):
        coarse = densities(payoffs, here, COARSE)
        top = coarse.max(axis=-1, keepdims=True)
        inside = coarse > top - DEEP
        first = COARSE[np.argmax(inside, axis=-1)]
        last = COARSE[len(COARSE) - 1 - np.argmax(inside[..., ::-1], axis=-1)]
        gap = COARSE[1] - COARSE[0]
        at = np.linspace(0, 1, FINE) * (last - first + 2 * gap)[..., None] + (first - gap)[..., None]
        fine = densities(payoffs, here, at)
        mass = np.exp(fine - fine.max(axis=-1, keepdims=True))
        mass /= mass.sum(axis=-1, keepdims=True)
    mass[corner, 1:] = np.nan
    outcome = (
        np.stack([(mass * at).sum(-1), *(_quantile(at, mass, q) for q in bounds)], axis=-1) + mean[:, None, :, None]
    )
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    row = np.full((len(payoffs), 3, 3), np.nan)
    for i in np.flatnonzero(counts.sum(axis=1) > 0):
        some = np.flatnonzero(share[i] > 0)
        for k in range(3):
            points, parts = at[i, some, k].ravel(), (share[i, some, None] * mass[i, some, k]).ravel()
            order = np.argsort(points)
            points, parts = points[order][None], parts[order][None]
            row[i, k] = [float((points * parts).sum()), *(float(_quantile(points, parts, q)[0]) for q in bounds)]
            row[i, k] += mean[i, k]
    return row, outcome


def _quantile(at: np.ndarray, mass: np.ndarray, q: float) -> np.ndarray:
    """The point below which a share q of the mass lies [..., point]."""
    total = np.cumsum(mass, axis=-1)
    index = np.minimum((total < q).sum(axis=-1), at.shape[-1] - 1)
    return np.take_along_axis(at, index[..., None], axis=-1)[..., 0]
