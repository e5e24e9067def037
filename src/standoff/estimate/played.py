"""Which equilibrium of the signaling game is played, and the chances of its moves and outcomes.

A rule of selection picks from the equilibria of a game: the smallest or the largest p_R, or the one under which the
game's own counts are likeliest (`likely`, `weighed`). Where a game has no counts, these can choose none: its stable
equilibria then count alike, which is a forecast under ignorance of which is played, and the games are told. `mixture`
weighs the smallest, the middle ones and the largest by shares. In a game without any equilibrium within, nobody
challenges and B never resists.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import jax
import numpy as np
from scipy.special import ndtr, softmax  # type: ignore[import-untyped]

from standoff.estimate.equilibria import Equilibria, enumerate_all
from standoff.estimate.formulas import Design
from standoff.estimate.likelihood import BY_COUNTS, MIXING
from standoff.estimate.signaling import log_outcomes

QUANTITIES = ("p_C", "p_R", "p_F", "sq", "cd", "sf", "bd")
"""Chances of challenge, resistance and standing firm, each once its turn comes, and of the four outcomes."""


@cache
def _compiled() -> Any:  # noqa: ANN401 (a compiled function)
    return jax.jit(log_outcomes)


def outcomes_at(payoffs: np.ndarray, probit: np.ndarray) -> np.ndarray:
    """Log chances of the outcomes [game, outcome] where B resists with chance Φ(probit).

    The compiled function is called at few different lengths, since each is compiled anew.
    """
    many = len(probit)
    size = next(s for s in (256 * 4**k for k in range(32)) if s >= many)
    filled = np.zeros((size, payoffs.shape[1]))
    filled[:many] = payoffs
    return np.asarray(_compiled()(filled, np.concatenate([probit, np.zeros(size - many)])))[:many]


def log_chances(payoffs: np.ndarray, probit: np.ndarray) -> np.ndarray:
    """Log chances of the outcomes [game, equilibrium, outcome]; in the corner (nan) no challenge for certain."""
    known = np.isfinite(probit)
    games = np.broadcast_to(np.arange(len(probit))[:, None], probit.shape)[known]
    found = np.full((*probit.shape, 4), -np.inf)
    found[..., 0] = 0.0
    found[known] = outcomes_at(payoffs[games], probit[known])
    return found


def weights(
    payoffs: np.ndarray, found: Equilibria, selection: str, counts: np.ndarray | None = None,
    shares: np.ndarray | None = None,
) -> np.ndarray:  # fmt: skip
    """Chance that each equilibrium is played [game, equilibrium]; all 0 where a game has none within.

    Args:
        payoffs: By game.
        found: The equilibria.
        selection: One of `likelihood.SELECTIONS`.
        counts: Outcomes of the games, for `likely` and `weighed`.
        shares: Of the smallest, middle and largest, for `mixture`.
    """
    probit = np.asarray(found.probit)
    there = np.isfinite(probit)
    count = np.asarray(found.count)
    weight = np.zeros(probit.shape)
    rows = np.flatnonzero(count > 0)
    last = np.maximum(count - 1, 0)
    if selection == "smallest":
        weight[rows, 0] = 1
    elif selection == "largest":
        weight[rows, last[rows]] = 1
    elif selection == "mixture" and shares is not None:
        for row in rows:
            many = int(count[row])
            if many == 1:
                weight[row, 0] = 1
            elif many == 2:
                weight[row, [0, 1]] = np.array([shares[0], shares[-1]]) / (shares[0] + shares[-1])
            else:
                weight[row, 0], weight[row, many - 1] = shares[0], shares[-1]
                weight[row, 1 : many - 1] = shares[1] / (many - 2)
    elif counts is not None and np.isfinite(counts).all():
        logs = log_chances(payoffs, probit)
        with np.errstate(invalid="ignore"):
            value = np.where(counts[:, None, :] > 0, counts[:, None, :] * logs, 0.0).sum(-1)
        best = np.argmax(np.where(there, value, -np.inf), axis=1)
        weight[rows, best[rows]] = 1
    else:
        stable = np.asarray(found.stable, dtype=bool) & there
        stable = np.where(stable.any(axis=1, keepdims=True), stable, there)
        weight = stable / np.maximum(stable.sum(axis=1, keepdims=True), 1)
    return weight


@dataclass(frozen=True, eq=False)
class Played:
    """Chances in each game [game], and what equilibria there are.

    `chances`: by name, see `QUANTITIES`; `probit` [game]: Φ^-1(p_R) of the likeliest equilibrium, nan in the corner;
    `count`: equilibria of each game; `unstable` [game]: whether the one that is played is unstable under best
    response.
    """

    chances: dict[str, np.ndarray]
    probit: np.ndarray
    count: np.ndarray
    unstable: np.ndarray
    corner: np.ndarray


def play(
    payoffs: np.ndarray, selection: str, counts: np.ndarray | None = None, shares: np.ndarray | None = None,
    near: np.ndarray | None = None,
) -> Played:  # fmt: skip
    """Enumerate the equilibria, choose, and say the chances.

    Args:
        payoffs: By game [game, payoff].
        selection: The rule.
        counts: Outcomes, for `likely`.
        shares: For `mixture`.
        near: Φ^-1(p_R) of an equilibrium of nearly the same game, whose neighbour is taken whatever the rule.
    """
    found = enumerate_all(payoffs)
    probit = np.asarray(found.probit, dtype=float)
    count = np.asarray(found.count)
    weight = weights(payoffs, found, selection, counts, shares)
    if near is not None:
        gap = np.where(np.isfinite(probit), np.abs(probit - near[:, None]), np.inf)
        rows = np.flatnonzero((count > 0) & np.isfinite(near))
        weight[rows] = 0
        weight[rows, np.argmin(gap, axis=1)[rows]] = 1
    logs = log_chances(payoffs, probit)
    outcomes = np.einsum("nm,nmk->nk", weight, np.exp(logs))
    corner = count == 0
    outcomes[corner] = (1.0, 0.0, 0.0, 0.0)
    sq, cd, sf, bd = outcomes.T
    rows = np.arange(len(count))
    best = np.argmax(weight, axis=1)
    single = weight.max(axis=1) > 1 - 1e-12
    stand, back = logs[rows, best, 2], logs[rows, best, 3]
    with np.errstate(all="ignore"):
        resist = np.where(single, ndtr(probit[rows, best]), (sf + bd) / (cd + sf + bd))
        firm = np.where(single, np.exp(stand - np.logaddexp(stand, back)), sf / (sf + bd))
    chances = {"p_C": cd + sf + bd, "p_R": np.where(corner, 0.0, resist), "p_F": np.where(corner, np.nan, firm)}
    chances |= {"sq": sq, "cd": cd, "sf": sf, "bd": bd}
    unstable = ~np.asarray(found.stable, dtype=bool)[rows, best] & ~corner & single
    also = np.asarray(found.corner, dtype=bool) | corner
    return Played(chances, np.where(corner, np.nan, probit[rows, best]), count, unstable, also)


@dataclass(frozen=True, eq=False)
class Chances:
    """What a fit of the signaling game predicts: called with a design and coefficients.

    Games of the fit (those of the design with its `mark`) keep to their equilibrium, `probit`, as coefficients or
    columns move a little, where it was chosen by their counts; other games are played by the rule. `shares` are those
    of `mixture`, if the coefficients do not end with its log-odds.
    """

    selection: str
    mark: object
    probit: np.ndarray
    shares: np.ndarray | None = None

    def __call__(self, design: Design, theta: np.ndarray) -> Mapping[str, np.ndarray]:
        """Chances by name, each [game]."""
        return self.play(design, theta).chances

    def play(self, design: Design, theta: np.ndarray) -> Played:
        """Chances, and the equilibria behind them."""
        follow = self.mark is not None and design.mark is self.mark and self.selection in BY_COUNTS
        payoffs, odds = design.payoffs(theta[: len(design.names)]), theta[len(design.names) :]
        shares = self.shares
        if self.selection == "mixture" and len(odds) >= len(MIXING):
            shares = softmax(np.concatenate([[0.0], odds[: len(MIXING)]]))
        return play(payoffs, self.selection, None, shares, self.probit if follow else None)


def equilibria_told(played: Played) -> dict[str, Any]:
    """How many games have how many equilibria, and in how many an unstable one is played."""
    number, many = np.unique(played.count, return_counts=True)
    return {
        "games_by_number": {str(int(k)): int(m) for k, m in zip(number, many, strict=True)},
        "unstable_played": int(played.unstable.sum()),
        "corner": int(played.corner.sum()),
    }


def exact_log_likelihood(payoffs: np.ndarray, counts: np.ndarray) -> float:
    """Exact log-likelihood, the likeliest equilibrium being played in each game."""
    probit = np.asarray(enumerate_all(payoffs).probit, dtype=float)
    probit = np.where(np.isfinite(probit).any(axis=1, keepdims=True) & ~np.isfinite(probit), probit[:, :1], probit)
    logs = log_chances(payoffs, probit)
    with np.errstate(invalid="ignore"):
        value = np.where(counts[:, None, :] > 0, counts[:, None, :] * logs, 0.0).sum(-1)
    return float(value.max(axis=1).sum())
