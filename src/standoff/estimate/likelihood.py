"""Exact likelihood of the crisis-signaling game, with derivatives through the equilibrium.

A game with payoffs π has counts n of its four outcomes and an equilibrium t(π), a root of G(π, t) = g(π, t) − t. Its
log-likelihood is L(π, t) = Σ n log(chance). By the implicit function theorem, with subscripts for derivatives,

    t_π = −G_π / G_t,    dL/dπ = L_π + L_t t_π
    d²L/dπ² = L_ππ + L_πt t_π' + t_π L_tπ + L_tt t_π t_π' + L_t t_ππ
    t_ππ = −(G_ππ + G_πt t_π' + t_π G_tπ + G_tt t_π t_π') / G_t

(`derivatives` has those of L and G). Where a game has several equilibria, which one was played is a matter of
selection:

- `likely`: the one under which its counts are likeliest, game by game: the upper envelope of the likelihoods.
- `weighed`: as `likely`, but of several maxima the one is taken at which the counts are likeliest if which equilibrium
  is played is drawn by chances that depend on the columns (`choice`). A maximum that is high only because each game
  may choose, after its counts are seen, between three equilibria is then no better than one without a choice.
- `smallest`, `largest`: by p_R, in every game.
- `mixture`: drawn game by game, with chances for the smallest, the middle and the largest that are estimated too, as
  two log-odds against the smallest. Where there are two, the chances of smallest and largest are scaled to sum to 1;
  where more than three, those in between share the middle's chance.

The corner "no challenge, no resistance" is played only where there is no other equilibrium: such a game is sure to stay
quiet, and other counts have chance 0.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from standoff.estimate.choice import evidence
from standoff.estimate.derivatives import follow, log_likelihood, parts, second
from standoff.estimate.equilibria import Equilibria, enumerate_all

FOUND = 1e-10
"""An equilibrium is found if a Newton step from it is shorter."""
SELECTIONS = ("likely", "weighed", "smallest", "largest", "mixture")
BY_COUNTS = ("likely", "weighed")
"""Those by which a game plays the equilibrium that its counts speak for."""
MIXING = ("mixture:middle", "mixture:largest")
"""Names of a mixture's log-odds, which follow the coefficients."""


@dataclass(frozen=True, eq=False)
class Terms:
    """The log-likelihood of each game, its derivatives by payoff (and log-odds of a mixture), and what they stand on.

    `value` [game]; `gradient` [game, payoff]; `hessian` [game, payoff, payoff], if asked for; `chosen` [game]: the
    equilibrium that was taken, −1 for the corner (for a mixture the likeliest).
    """

    value: Float[np.ndarray, " game"]
    gradient: Float[np.ndarray, "game payoff"]
    hessian: Float[np.ndarray, "game payoff payoff"] | None
    chosen: Int[np.ndarray, " game"]
    equilibria: Equilibria

    @property
    def probit(self) -> Float[np.ndarray, " game"]:
        """Φ⁻¹(p_R) of the equilibrium that was taken; nan in the corner."""
        taken = self.equilibria.probit[np.arange(len(self.chosen)), np.maximum(self.chosen, 0)]
        return np.where(self.chosen < 0, np.nan, taken)


@dataclass(frozen=True, eq=False)
class Exact:
    """The exact likelihood of a table of games.

    `counts` [game, outcome]: of sq, cd, sf, bd; `selection`: one of `SELECTIONS`; `given_challenge`: the table holds
    only games in which A challenged, so that the chances are those given a challenge, and sq is not used.
    """

    counts: Float[np.ndarray, "game 4"]
    selection: str = "likely"
    given_challenge: bool = False

    def __post_init__(self) -> None:
        if self.selection not in SELECTIONS:
            raise ValueError(f"selection is one of {', '.join(SELECTIONS)}, not {self.selection!r}")

    @property
    def mixing(self) -> int:
        """Number of log-odds that follow the coefficients."""
        return len(MIXING) if self.selection == "mixture" else 0

    def by_root(self, payoffs: np.ndarray, found: Equilibria | None = None) -> tuple[np.ndarray, Equilibria]:
        """Log-likelihood of each game in each of its equilibria [game, root], −inf where there is none."""
        found = enumerate_all(payoffs) if found is None else found
        game, root = np.nonzero(~np.isnan(found.probit))
        values = np.full(found.probit.shape, -np.inf)
        piece = parts(payoffs[game], found.probit[game, root])
        values[game, root] = log_likelihood(piece, self.counts[game], self.given_challenge)
        return values, found

    def terms(
        self,
        payoffs: Float[np.ndarray, "game 7"],
        mixing: Float[np.ndarray, " odds"] | None = None,
        *,
        hessian: bool = True,
    ) -> Terms:
        """Log-likelihood of each game with first and second derivatives."""
        payoffs = np.asarray(payoffs, dtype=float)
        values, found = self.by_root(payoffs)
        if self.selection == "mixture":
            return self._mixed(payoffs, np.zeros(2) if mixing is None else np.asarray(mixing), values, found, hessian)
        if self.selection in BY_COUNTS:
            chosen = np.argmax(values, axis=1)
        else:
            chosen = (
                np.zeros(len(payoffs), dtype=int) if self.selection == "smallest" else np.maximum(found.count - 1, 0)
            )
        none = found.count == 0
        value, gradient, curved = self._at(payoffs, found, np.flatnonzero(~none), chosen[~none], hessian)
        value[none] = self._corner()[none]
        return Terms(value, gradient, curved, np.where(none, -1, chosen), found)

    def weight(self, payoffs: Float[np.ndarray, "game 7"], x: Float[np.ndarray, "game column"]) -> float:
        """Log-likelihood of all counts if chances that depend on x say which equilibrium is played (`choice`)."""
        values, found = self.by_root(np.asarray(payoffs, dtype=float))
        each = np.where(found.count == 0, self._corner(), np.max(values, axis=1, initial=-np.inf))
        several = np.flatnonzero(found.count > 1)
        place, share = places(found.count[several], values.shape[1])
        drawn = evidence(values[several], place, share, x[several]) if len(several) else 0.0
        return drawn + float(np.delete(each, several).sum())

    def along(
        self,
        payoffs: Float[np.ndarray, "game 7"],
        probit: Float[np.ndarray, " game"],
        slope: Float[np.ndarray, " game"],
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """The log-likelihood if each game stays on its branch of equilibria, even where another explains it better.

        Args:
            payoffs: Payoffs close to those at which the branch was last met.
            probit: The equilibrium then; nan in the corner, which is a branch too, up to where there is another.
            slope: Slope of the reply then: beyond 1 another branch begins.

        Returns:
            Value, gradient and Hessian as in `Terms`, and the new probit and slope. The value is −inf where a branch
            has ended.
        """
        here, corner = np.flatnonzero(~np.isnan(probit)), np.flatnonzero(np.isnan(probit))
        t, steep = probit.copy(), slope.copy()
        t[here], moved, steep[here] = follow(payoffs[here], probit[here])
        same = (moved <= FOUND * (1 + np.abs(t[here]))) & ((steep[here] < 1) == (slope[here] < 1))
        value, gradient, curved = self._corner(), np.zeros((len(t), 7)), np.zeros((len(t), 7, 7))
        found = through(payoffs[here], t[here], self.counts[here], given_challenge=self.given_challenge)
        value[here], gradient[here], curved[here] = found
        value[here] = np.where(same, value[here], -np.inf)
        if len(corner):
            value[corner[enumerate_all(payoffs[corner]).count > 0]] = -np.inf
        return value, gradient, curved, t, steep

    def _corner(self) -> np.ndarray:
        """Log-likelihood of each game if A never challenges."""
        quiet = self.counts[:, 1:].sum(axis=1) == 0
        return np.where(quiet, 0.0, -np.inf)

    def _at(
        self, payoffs: np.ndarray, found: Equilibria, game: np.ndarray, root: np.ndarray, hessian: bool
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """Value and derivatives of some games in one equilibrium each; 0 for the rest."""
        n, k = len(payoffs), payoffs.shape[1]
        value, gradient = np.zeros(n), np.zeros((n, k))
        curved = np.zeros((n, k, k)) if hessian else None
        t = found.probit[game, root]
        found_value, found_gradient, found_hessian = through(
            payoffs[game], t, self.counts[game], given_challenge=self.given_challenge, hessian=hessian
        )
        value[game], gradient[game] = found_value, found_gradient
        if curved is not None:
            curved[game] = found_hessian
        return value, gradient, curved

    def _mixed(
        self, payoffs: np.ndarray, mixing: np.ndarray, values: np.ndarray, found: Equilibria, hessian: bool
    ) -> Terms:
        """The mixture: log Σ π_k exp L_k, with derivatives also by the log-odds."""
        n, roots = values.shape
        place, share = places(found.count, roots)  # which of the three each root is, and its share of that chance
        odds = np.concatenate([[0.0], mixing])
        log_weight = odds[place] + np.log(np.where(share > 0, share, 1.0))
        log_weight = np.where(share > 0, log_weight, -np.inf)
        whole = _logsumexp(log_weight)
        log_weight = log_weight - np.where(np.isfinite(whole), whole, 0.0)[:, None]
        total = _logsumexp(values + log_weight)
        with np.errstate(invalid="ignore"):
            after = np.nan_to_num(np.exp(values + log_weight - np.where(np.isfinite(total), total, 0.0)[:, None]))
        before = np.nan_to_num(np.exp(log_weight))
        k = payoffs.shape[1]
        size = k + len(mixing)
        gradient = np.zeros((n, size))
        curved = np.zeros((n, size, size)) if hessian else None
        one_hot = (place[:, :, None] == np.arange(1, 3)) & (share > 0)[:, :, None]
        for root in range(roots):
            game = np.flatnonzero(after[:, root] > 0)
            _, g, h = self._at(payoffs, found, game, np.full(len(game), root), hessian)
            full = np.concatenate([g, one_hot[:, root].astype(float)], axis=1)
            gradient += after[:, root, None] * full
            if curved is not None and h is not None:
                curved[:, :k, :k] += after[:, root, None, None] * h
                curved += after[:, root, None, None] * full[:, :, None] * full[:, None, :]
        if curved is not None:
            curved -= gradient[:, :, None] * gradient[:, None, :]
        expected = np.einsum("nr,nrk->nk", before, one_hot.astype(float))
        gradient[:, k:] -= expected
        if curved is not None:
            square = np.einsum("nr,nrk,nrl->nkl", before, one_hot.astype(float), one_hot.astype(float))
            curved[:, k:, k:] -= square - expected[:, :, None] * expected[:, None, :]
        none = found.count == 0
        total = np.where(none, self._corner(), total)
        return Terms(total, gradient, curved, np.where(none, -1, np.argmax(after, axis=1)), found)


def places(count: np.ndarray, roots: int) -> tuple[np.ndarray, np.ndarray]:
    """Which of smallest (0), middle (1), largest (2) each root is, and the share of its chance [game, root]."""
    rank = np.arange(roots)[None, :] + np.zeros((len(count), 1), dtype=int)
    last = count[:, None] - 1
    place = np.where(rank == 0, 0, np.where(rank == last, 2, 1))
    share = np.where(rank > last, 0.0, np.where(place == 1, 1 / np.maximum(count[:, None] - 2, 1), 1.0))
    return place, share


def through(
    payoffs: Float[np.ndarray, "game 7"], probit: Float[np.ndarray, " game"], counts: Float[np.ndarray, "game 4"], *,
    given_challenge: bool = False, hessian: bool = True,
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:  # fmt: skip
    """Log-likelihood at an equilibrium, with first and second derivatives by payoff along its branch."""
    piece = parts(payoffs, probit)
    value = log_likelihood(piece, counts, given_challenge)
    ell, reply = second(piece, payoffs, counts, given_challenge, hessian)
    turn = -reply.gradient[:, :7] / reply.gradient[:, 7:]
    gradient = ell.gradient[:, :7] + ell.gradient[:, 7:] * turn
    if not hessian:
        return value, gradient, None
    along = np.concatenate([np.broadcast_to(np.eye(7), (len(turn), 7, 7)), turn[:, :, None]], axis=2)  # dz/dπ
    bend = -np.einsum("nia,nab,njb->nij", along, reply.hessian, along) / reply.gradient[:, 7, None, None]
    curved = np.einsum("nia,nab,njb->nij", along, ell.hessian, along) + ell.gradient[:, 7, None, None] * bend
    return value, gradient, curved


def _logsumexp(values: np.ndarray) -> np.ndarray:
    top = np.max(values, axis=1)
    safe = np.where(np.isfinite(top), top, 0.0)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(np.sum(np.exp(values - safe[:, None]), axis=1)) + safe)
