"""How a grid of beliefs is read between its nodes: the small functions that numba puts into the loops of `kernel`.

Arrays are arguments and nothing is allocated, so that numba's counting of references is left out (`_nrt`).
"""

import numpy as np
from numba import njit as compiled

njit = compiled(error_model="numpy", fastmath={"contract", "arcp", "nsz"}, _nrt=False)
inlined = compiled(error_model="numpy", fastmath={"contract", "arcp", "nsz"}, _nrt=False, inline="always")


@njit
def locate_cubic(node: int, prior: float, ratio: float, nodes: int, scale: float) -> tuple[int, float, float]:
    """Cell, place in it, and its derivative in the ratio, on nodes of probability."""
    odds = prior * np.exp(ratio)
    after = odds / (1.0 - prior + odds)
    x = after * (nodes - 1)
    cell = min(int(x), nodes - 2)
    return cell, x - cell, after * (1.0 - after) * (nodes - 1)


@njit
def read_cubic(value: np.ndarray, slope: np.ndarray, at: int, t: float) -> tuple[float, float]:
    """The monotone cubic and its derivative per node step."""
    v0, v1, s0, s1 = value[at], value[at + 1], slope[at], slope[at + 1]
    c2 = 3 * (v1 - v0) - 2 * s0 - s1
    c3 = 2 * (v0 - v1) + s0 + s1
    return v0 + t * (s0 + t * (c2 + t * c3)), s0 + t * (2 * c2 + 3 * t * c3)


@njit
def locate_log_odds(node: int, prior: float, ratio: float, nodes: int, scale: float) -> tuple[int, float, float]:
    """The same on nodes of log-odds, `scale` of them a unit; beyond the ends nothing changes."""
    x = node + ratio * scale
    if x <= 0.0:
        return 0, 0.0, 0.0
    if x >= nodes - 1:
        return nodes - 2, 1.0, 0.0
    cell = min(int(x), nodes - 2)
    return cell, x - cell, scale


@njit
def read_linear(value: np.ndarray, slope: np.ndarray, at: int, t: float) -> tuple[float, float]:
    """The straight line between two nodes and its derivative per node step."""
    v0, v1 = value[at], value[at + 1]
    return v0 + t * (v1 - v0), v1 - v0


@njit
def end_slope(near: float, far: float) -> float:
    """Slope at an end from the two secants next to it, limited."""
    slope = 1.5 * near - 0.5 * far
    if slope * near <= 0:
        return 0.0
    if near * far <= 0 and abs(slope) > 3 * abs(near):
        return 3 * near
    return slope


@njit
def row_slopes(value: np.ndarray, slope: np.ndarray, row: int, nodes: int) -> None:
    """Slopes of one row of nodes, from entry `row`."""
    before = value[row + 1] - value[row]
    slope[row] = end_slope(before, value[row + 2] - value[row + 1])
    for k in range(1, nodes - 1):
        after = value[row + k + 1] - value[row + k]
        slope[row + k] = 2 * before * after / (before + after) if before * after > 0 else 0.0
        before = after
    last = row + nodes - 1
    slope[last] = end_slope(value[last] - value[last - 1], value[last - 1] - value[last - 2])
