"""One decision on the belief grid in plain numpy, vectorised over states and beliefs: a bound to compare with.

The equations are those of `standoff.game.response`: Newton's method from likelihood ratios 0, with the rank one
Jacobian solved by Sherman and Morrison; written anew, without what catches points that do not settle.
"""

import numpy as np

STEPS = 40
TOLERANCE = 1e-10


def slopes_plain(value: np.ndarray) -> np.ndarray:
    """Slopes of the monotone cubic along the last axis (Fritsch & Butland 1984)."""
    secant = np.diff(value, axis=-1)
    left, right = secant[..., :-1], secant[..., 1:]
    agree = left * right > 0
    inner = np.where(agree, 2 * left * right / np.where(agree, left + right, 1.0), 0.0)

    def end(near: np.ndarray, far: np.ndarray) -> np.ndarray:
        slope = 1.5 * near - 0.5 * far
        slope = np.where(slope * near <= 0, 0.0, slope)
        return np.where((near * far <= 0) & (np.abs(slope) > 3 * np.abs(near)), 3 * near, slope)

    first, last = end(secant[..., :1], secant[..., 1:2]), end(secant[..., -1:], secant[..., -2:-1])
    return np.concatenate([first, inner, last], axis=-1)


def _curve(value: np.ndarray, slope: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    cells = value.shape[-1] - 1
    x = at * cells
    cell = np.clip(x.astype(np.int64), 0, cells - 1)
    t = x - cell
    v0, v1 = np.take_along_axis(value, cell, -1), np.take_along_axis(value, cell + 1, -1)
    s0, s1 = np.take_along_axis(slope, cell, -1), np.take_along_axis(slope, cell + 1, -1)
    c2, c3 = 3 * (v1 - v0) - 2 * s0 - s1, 2 * (v0 - v1) + s0 + s1
    return v0 + t * (s0 + t * (c2 + t * c3)), (s0 + t * (2 * c2 + 3 * t * c3)) * cells


def respond_plain(
    value: np.ndarray, flow: np.ndarray, end: np.ndarray, can_go: np.ndarray, can_end: np.ndarray, precision: float
) -> np.ndarray:
    """Log-likelihood ratios of the moves that go on: axes move, state, other's belief, own belief."""
    slope = slopes_plain(value)
    d = np.zeros(value.shape[1:])
    prior = np.broadcast_to(np.linspace(0, 1, d.shape[-1]), d.shape)
    can = can_go[..., None, None]
    stop = np.where(can_end[..., None, None], precision * end[..., None, None], -np.inf)
    for _ in range(STEPS):
        odds = prior * np.exp(d)
        after = odds / (1 - prior + odds)
        worth, gradient = _curve(value, slope, np.broadcast_to(after, value.shape))
        go = np.where(can, precision * (worth + flow[..., None, None]), -np.inf)
        top = np.maximum(go.max(1), stop.max(1))
        lift = np.exp(go - top[:, None])
        total = lift.sum(1) + np.exp(stop - top[:, None]).sum(1)
        log_total = np.log(total) + top
        with np.errstate(invalid="ignore"):
            error = np.where(can, d - (go[1] - go[0]) + log_total[1] - log_total[0], 0.0)
        if np.abs(error).max() <= TOLERANCE:
            break
        change = gradient * precision * after * (1 - after)
        diagonal = np.where(can, 1 - (change[1] - change[0]), 1.0)
        row = lift[1] / total[1] * change[1] - lift[0] / total[0] * change[0]
        d = d - (error - (row / diagonal * error).sum(0) / (1 + (row / diagonal).sum(0))) / diagonal
    return d
