"""Equilibria of the signaling game by other means than the library's, to check it by.

The chances that A stands firm and backs down are integrals over what A sees, here by Gauss-Legendre in scipy's
functions; the library takes them from an integral over the correlation. Roots are looked for by halving: on a piece
[a, b] a rising reply g can have a fixed point only if g(a) ≤ b and g(b) ≥ a. No derivative is used. What is left at
the end is counted by signs.
"""

import numpy as np
from scipy import special

POINTS, WEIGHTS = np.polynomial.legendre.leggauss(40)
DEEP = 345.0


def log_integral(h, j):
    """Log of ∫_0^∞ exp(-h x - x²/2) Φ(j + x) dx, with j - h = W_A - a known to be exact."""
    d = j - h
    middle = np.exp(-d * d / 4 - special.log_ndtr(d / np.sqrt(2))) / np.sqrt(2 * np.pi) / np.sqrt(2)
    peak = np.maximum(middle - h, 0.0)
    rate = np.exp(-((j + peak) ** 2) / 2 - special.log_ndtr(j + peak)) / np.sqrt(2 * np.pi)
    slope = np.maximum(h + peak - rate, 0.0)
    reach = 90 / (slope + np.sqrt(slope * slope + 90))
    total = np.full(h.shape, -np.inf)
    for low, high in ((np.maximum(peak - 9.5, 0.0), peak), (peak, peak + reach)):
        x = low[..., None] + (high - low)[..., None] * (POINTS + 1) / 2
        log = -h[..., None] * x - x * x / 2 + special.log_ndtr(j[..., None] + x)
        with np.errstate(divide="ignore"):
            part = special.logsumexp(log, b=WEIGHTS / 2, axis=-1) + np.log(high - low)
        total = np.logaddexp(total, part)
    return total


def reply(payoffs, t):
    """B's best reply as a probit; r = B/F is kept within e^±345, as the library has it."""
    sa, va, cb, wa, wb, a, vb = payoffs.T
    with np.errstate(over="ignore", invalid="ignore"):
        c = va + np.where(sa == va, 0.0, (sa - va) * np.exp(np.minimum(-special.log_ndtr(t), 700.0)))
    c = np.clip(c, -1e12, 1e12)
    h, j = c - wa, c - a
    gone = (h < -45) & (j < -45)
    low = special.log_ndtr((a - wa) / np.sqrt(2)) - special.log_ndtr((wa - a) / np.sqrt(2))
    h, j = np.where(gone, 0.0, h), np.where(gone, 0.0, j)
    j = np.where(gone, j, h + (wa - a))
    with np.errstate(over="ignore", invalid="ignore"):
        odds = (a - wa) * (h + j) / 2 + log_integral(j, h) - log_integral(h, j)
    odds = np.clip(np.where(gone, low, odds), -DEEP, DEEP)
    return (wb - cb) + (vb - cb) * np.exp(odds)


def scan(payoffs, width=1e-7):
    """Number of roots of each game, and whether it is in doubt (two roots, or a near miss, within the resolution)."""
    n = len(payoffs)
    sa, va, cb, wa, _, a, vb = payoffs.T
    rising = (sa - va) * (vb - cb) * (wa - a) > 0
    every = np.arange(n)
    ends = np.sort(np.stack([reply(payoffs, np.full(n, 60.0)), reply(payoffs, np.full(n, -80.0))]), axis=0)
    slack = 1e-9 * (1 + np.abs(ends))
    low = np.where((sa > va) & (vb < cb) & (wa < a), np.maximum(ends[0], -80.0), ends[0]) - slack[0]
    high = ends[1] + slack[1]
    game = every[high >= low]
    low, high = low[game], high[game]
    left = []
    for _ in range(400):
        if not len(game):
            break
        p = payoffs[game]
        at_low, at_high = reply(p, np.maximum(low, -80.0)), reply(p, np.clip(high, -80.0, 60.0))
        up = rising[game]
        possible = np.where(up, (at_low <= high) & (at_high >= low), (at_low >= low) & (at_high <= high))
        small = high - low <= width * (1 + np.abs(low))
        done = possible & small
        left.append((game[done], low[done], high[done], at_low[done] - low[done], at_high[done] - high[done]))
        keep = possible & ~small
        game, low, high = game[keep], low[keep], high[keep]
        middle = np.sinh(np.arcsinh(low) * 0.493 + np.arcsinh(high) * 0.507)
        game, low, high = np.concatenate([game, game]), np.concatenate([low, middle]), np.concatenate([middle, high])
    game, low, high, f_low, f_high = (np.concatenate(part) for part in zip(*left, strict=True))
    order = np.lexsort((low, game))
    game, low, high, f_low, f_high = game[order], low[order], high[order], f_low[order], f_high[order]
    count = np.bincount(game, weights=(f_low > 0) != (f_high > 0), minlength=n).astype(int)
    # Neighbouring pieces are one place; a place without a change of sign is a near miss.
    new = np.concatenate([[True], (np.diff(game) != 0) | (low[1:] > high[:-1] + width * (1 + np.abs(low[1:])))])
    place = np.cumsum(new) - 1
    changes = np.bincount(place, weights=(f_low > 0) != (f_high > 0))
    doubt = np.zeros(n, dtype=bool)
    doubt[game[new][changes != 1]] = True
    return count, doubt


def families(rng, count):
    """Random payoffs of several kinds, far tails among them: name and payoffs [game, payoff]."""
    published = np.array([0, 1, 0, -1.9, -2.9, -1.2, 1.0])
    near_ties = rng.normal(0, 1.5, (count, 7))
    near_ties[:, 1] = near_ties[:, 0] + rng.normal(0, 1, count) * 10.0 ** rng.uniform(-6, 0, count)
    near_ties[:, 5] = near_ties[:, 3] + rng.normal(0, 1, count) * 10.0 ** rng.uniform(-6, 0, count)
    rare = rng.normal(0, 1, (count, 7)) + np.array([6, -2, 0, -8, 0, -6, 0])
    return {
        "around the published design": published + rng.normal(0, 0.4, (count, 7)),
        "normal, spread 1": rng.normal(0, 1, (count, 7)),
        "normal, spread 3": rng.normal(0, 3, (count, 7)),
        "normal, spread 10": rng.normal(0, 10, (count, 7)),
        "Cauchy, to 100": np.clip(rng.standard_cauchy((count, 7)), -100, 100),
        "challenges of chance 1e-10 to 1e-300": rare * rng.uniform(0.7, 3, (count, 1)),
        "near ties": near_ties,
        "several equilibria": several(rng, count),
    }


def several(rng, count):
    """Games drawn near ones with several equilibria: two that rest on bluffs, called or not."""
    sa, va = rng.normal(0, 0.3, count), 1 + rng.normal(0, 0.4, count)
    cb, vb = rng.normal(0, 0.3, count), 1 + rng.normal(0, 0.3, count)
    wa, a = -1.9 + rng.normal(0, 0.2, count), -1.2 + rng.normal(0, 0.2, count)
    wb = -2.9 + rng.normal(0, 0.25, count)
    return np.stack([sa, va, cb, wa, wb, a, vb], axis=1)
