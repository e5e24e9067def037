"""How heavy the tail of importance weights is, and weights with their tail smoothed (PSIS).

A generalised Pareto distribution is fitted to the largest ratios; its shape k says how many moments of the weights
exist: below 0.5 their variance, below 0.7 sums of them still settle at a practical rate (Vehtari, Simpson, Gelman, Yao
& Gabry 2024, J. Mach. Learn. Res. 25(72), sections 2 and 3; the fit is that of Zhang & Stephens 2009, Technometrics
51:316-325, with the weak prior of the former, appendix C).
"""

import numpy as np
from scipy import special  # type: ignore[import-untyped]

FEWEST = 5
"""Ratios in the tail below which nothing is fitted, and nothing smoothed."""


def limit(count: int) -> float:
    """Shape above which that many draws are too few: 0.7, less below 2,200 draws (Vehtari et al. 2024, eq. 13)."""
    return float(min(1 - 1 / np.log10(max(count, 11)), 0.7))


def smoothed(log_weights: np.ndarray) -> tuple[np.ndarray, float]:
    """Normalised log weights with the tail replaced by what the fit expects, and the shape k of the tail.

    Args:
        log_weights: One for each draw; minus infinity has no weight.

    Returns:
        Log weights whose exponentials sum to 1; k, minus infinity where all ratios of the tail are equal, plus infinity
        where there are too few to tell.
    """
    raw = np.asarray(log_weights, float) - special.logsumexp(log_weights)
    count = len(raw)
    size = int(np.ceil(min(0.2 * count, 3 * np.sqrt(count))))
    order = np.argsort(raw, kind="stable")
    if size < FEWEST or not np.isfinite(raw[order[-size - 1]]):
        return raw, float("inf")
    tail = order[-size:]
    top = raw[order[-1]]
    base = np.exp(raw[order[-size - 1]] - top)
    excess = np.exp(raw[tail] - top) - base
    if excess[-1] - excess[0] <= 1e-12 * max(excess[-1], 1e-300):
        return raw, float("-inf")
    k, sigma = _fit(np.maximum(excess, 1e-300))
    chance = (np.arange(size) + 0.5) / size
    quantile = sigma * (np.expm1(-k * np.log1p(-chance)) / k if abs(k) > 1e-12 else -np.log1p(-chance))
    found = raw.copy()
    found[tail] = np.minimum(np.log(base + quantile) + top, top)
    return np.asarray(found - special.logsumexp(found)), k


def _fit(x: np.ndarray) -> tuple[float, float]:
    """Shape and scale of a generalised Pareto distribution from sorted excesses."""
    n = len(x)
    m = 30 + int(np.sqrt(n))
    b = (1 - np.sqrt(m / (np.arange(1, m + 1) - 0.5))) / (3 * x[int(n / 4 + 0.5) - 1]) + 1 / x[-1]
    shape = np.log1p(-b[:, None] * x).mean(axis=1)
    level = n * (np.log(-(b / shape)) - shape - 1)
    weight = np.exp(level - special.logsumexp(level))
    b_mean = float((weight * b).sum())
    k = float(np.log1p(-b_mean * x).mean())
    sigma = -k / b_mean
    return (n * k + 10 * 0.5) / (n + 10), sigma
