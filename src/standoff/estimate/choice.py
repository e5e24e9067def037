"""How likely counts are if which equilibrium a game plays is drawn by chances that may depend on the game's columns.

A game's likeliest equilibrium may be chosen after its counts are seen, by the counts. What that freedom is worth is
what a model of the choice says: of its equilibria a game plays the smallest, a middle or the largest with chances

    π_k ∝ exp(x γ_k),     γ_smallest = 0,     γ ~ N(0, 2.5²)

x being a constant and the standardised columns (selection that depends on covariates, as in Bajari, Hong & Ryan 2010,
Econometrica 78:1529-1568). The evidence is that of the counts over γ, by Laplace's method at the mode, to
which Newton steps lead. Where the choice follows from the columns it is close to the likelihood of the likeliest
equilibria; where it follows from nothing, log 3 a game below.

Where counts say little of what is played Laplace's method is low, by up to about 1 in a table of 20 games: maxima whose
evidence differs by less are as good as each other. The curvature is held to the prior's at least, and the mode is the
one that is reached from γ = 0.
"""

import numpy as np
from jaxtyping import Float, Int

WIDTH = 2.5
"""Prior standard deviation of γ by standardised column (Gelman et al. 2008, Ann. Appl. Stat. 2:1360-1383)."""
STEPS, SETTLED = 60, 1e-6
"""Steps to the mode at most, and the gain of log-likelihood below which it is reached."""


def regressors(blocks: tuple[np.ndarray, ...]) -> Float[np.ndarray, "game column"]:
    """A constant and the different columns of all blocks, standardised; what does not vary is left out."""
    columns = np.concatenate(blocks, axis=1)
    found = [np.ones(len(columns))]
    for column in columns.T:
        spread = column.std()
        if not spread > 1e-9 * float(np.abs(column).max()):
            continue
        one = (column - column.mean()) / spread
        if all(abs(float(np.mean(one * other))) < 1 - 1e-9 for other in found[1:]):
            found.append(one)
    return np.stack(found, axis=1)


def evidence(
    values: Float[np.ndarray, "game root"], place: Int[np.ndarray, "game root"], share: Float[np.ndarray, "game root"],
    x: Float[np.ndarray, "game column"],
) -> float:  # fmt: skip
    """Log-evidence of the counts of games with several equilibria.

    Args:
        values: Log-likelihood of each game in each of its equilibria, −inf where there is none.
        place: Whether each is the smallest (0), a middle (1) or the largest (2).
        share: Of that chance, where several are in the middle; 0 where there is no equilibrium.
        x: `regressors`.
    """
    many = x.shape[1]
    gamma = np.zeros(2 * many)
    with np.errstate(divide="ignore"):
        base = np.log(share)
    one = np.stack([place == 1, place == 2], axis=2) & (share > 0)[:, :, None]
    outer = np.einsum("na,nb->nab", x, x)
    before, after, level = _chances(values, base, one, x, gamma)
    for _ in range(STEPS):
        slope = np.einsum("nk,na->ka", np.einsum("nr,nrk->nk", after - before, one), x).ravel() - gamma / WIDTH**2
        curve, axis = np.linalg.eigh(_information(_spread(before, one) - _spread(after, one), outer))
        step = axis @ ((axis.T @ slope) / np.maximum(curve, WIDTH**-2.0))
        while True:
            new = gamma + step
            chances = _chances(values, base, one, x, new)
            gain = chances[2] - np.sum(new**2) / 2 / WIDTH**2 - level + np.sum(gamma**2) / 2 / WIDTH**2
            if gain > -1e-9 or np.abs(step).max() < 1e-6:
                break
            step = step / 2
        gamma, (before, after, level) = new, chances
        if gain < SETTLED:
            break
    seen = _information(_spread(before, one) - _spread(after, one), outer)
    curve = np.maximum(np.linalg.eigvalsh(seen), WIDTH**-2.0)
    return float(level - np.sum(gamma**2) / 2 / WIDTH**2 - 0.5 * np.log(curve * WIDTH**2).sum())


def _chances(
    values: np.ndarray, base: np.ndarray, one: np.ndarray, x: np.ndarray, gamma: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float]:
    """Chances of each equilibrium before and after the counts are seen, and the log-likelihood."""
    logs = base + np.einsum("nrk,nk->nr", one, x @ gamma.reshape(2, -1).T)
    before = np.exp(logs - logs.max(axis=1, keepdims=True))
    whole = before.sum(axis=1, keepdims=True)
    logs = logs - logs.max(axis=1, keepdims=True) - np.log(whole) + values
    top = logs.max(axis=1, keepdims=True)
    after = np.exp(logs - top)
    total = after.sum(axis=1, keepdims=True)
    return before / whole, after / total, float((top + np.log(total)).sum())


def _spread(weight: np.ndarray, one: np.ndarray) -> np.ndarray:
    """Covariance of which of middle and largest is played, by game."""
    mean = np.einsum("nr,nrk->nk", weight, one)
    return np.asarray(np.einsum("nr,nrk,nrl->nkl", weight, one, one) - mean[:, :, None] * mean[:, None, :])


def _information(spread: np.ndarray, outer: np.ndarray) -> np.ndarray:
    """Information on γ, with that of the prior."""
    many = outer.shape[1]
    found = np.einsum("nkl,nab->kalb", spread, outer).reshape(2 * many, 2 * many)
    return np.asarray(found + np.eye(2 * many) / WIDTH**2)
