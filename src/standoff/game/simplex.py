r"""Beliefs over K types on a regular grid of the simplex, with piecewise linear interpolation.

Nodes are the points x of the simplex with coordinates j / n (n *cells*). With the tail sums

    y_j = n sum_{k >= j} x_k,      j = 1 .. K-1,      n >= y_1 >= ... >= y_{K-1} >= 0,

nodes are the non-increasing integer vectors, and the simplex of Freudenthal (1942) and Kuhn (1960) around y has the
vertices v_0 = floor(y), v_m = v_{m-1} + e_j for the j with the m-th largest fraction f_j = y_j - floor(y_j); the
weights are 1 - f_(1), f_(1) - f_(2), ..., f_(K-1). Weights are chances, so that what is read lies between the data
(monotone, no overshoot); the error is of order 2 in 1 / n where the data are smooth. For K = 2 these are the nodes of
`interpolate` with straight lines between; for K = 3 the triangulation is the same whatever the order of the types,
for K > 3 only under cyclic shifts and reversal of that order.
"""

import math
from dataclasses import dataclass
from itertools import combinations_with_replacement, pairwise

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int


@dataclass(frozen=True)
class Simplex:
    """The grid: `types` coordinates in steps of 1 / `cells`."""

    types: int
    cells: int

    @property
    def count(self) -> int:
        """Nodes in all."""
        return math.comb(self.cells + self.types - 1, self.types - 1)

    def nodes(self) -> Float[np.ndarray, "type node"]:
        """Belief at every node, in the order in which `rank` numbers them."""
        tails = np.array(list(combinations_with_replacement(range(self.cells + 1), self.types - 1))).T[::-1]
        tails = tails[:, np.argsort(rank(tails))]
        ends = np.ones((1, self.count), int)
        steps = np.concatenate([self.cells * ends, tails]) - np.concatenate([tails, 0 * ends])
        return np.asarray(steps / self.cells)


def rank(tails: np.ndarray) -> np.ndarray:
    """Number of the node with integer tail sums `tails` [tail, ...]: first by the first tail sum, then the next."""
    found = np.zeros(tails.shape[1:], int)
    last = len(tails) - 1
    for j, tail in enumerate(tails):
        part = np.ones_like(found)
        for i in range(last - j + 1):
            part = part * (tail + i)
        found = found + part // math.factorial(last - j + 1)
    return found


class Spot:
    """Where beliefs lie: numbers and weights of the vertices around them, and how the fractions are ranked."""

    def __init__(
        self, grid: Simplex, at: Float[Array, "type ..."], cell: Float[Array, "type ..."] | None = None
    ) -> None:
        """`cell`, if given, is a belief whose piece is used, prolonged to `at`; weights are then no chances."""
        y = _tails(grid, at)
        anchor = y if cell is None else _tails(grid, cell)
        less, cells = grid.types - 1, grid.cells
        base = [jnp.clip(each.astype(jnp.int32), 0, cells - 1) for each in anchor]
        floor_of = [floor.astype(each.dtype) for each, floor in zip(y, base, strict=True)]
        fraction = [each - floor for each, floor in zip(anchor, floor_of, strict=True)]
        self.order = [
            sum(
                (((fraction[i] >= fraction[j]) if i < j else (fraction[i] > fraction[j])).astype(jnp.int32)
                for i in range(less) if i != j), start=jnp.zeros_like(base[0]),
            )
            for j in range(less)
        ]  # fmt: skip
        zero = jnp.zeros_like(at[0])
        fraction = [each - floor for each, floor in zip(y, floor_of, strict=True)]
        ranked = [sum((jnp.where(self.order[j] == m, fraction[j], 0.0) for j in range(less)), start=zero)
                  for m in range(less)]  # fmt: skip
        self.weights = [a - b for a, b in zip([zero + 1, *ranked], [*ranked, zero], strict=True)]
        self.nodes = [
            _rank([floor + (place < m).astype(jnp.int32) for floor, place in zip(base, self.order, strict=True)])
            for m in range(less + 1)
        ]
        self.share = [each / cells for each in y]
        self.cells = cells


def _tails(grid: Simplex, at: Float[Array, "type ..."]) -> list[Float[Array, "..."]]:
    """Tail sums of a belief, as sums of numbers that are not negative, so that they never cross."""
    tail = grid.cells * at[grid.types - 1]
    tails = [tail]
    for k in range(grid.types - 2, 0, -1):
        tail = tail + grid.cells * at[k]
        tails.append(tail)
    return [jnp.minimum(tail, float(grid.cells)) for tail in reversed(tails)]


def _rank(tails: list[Int[Array, "..."]]) -> Int[Array, "..."]:
    """`rank` in JAX."""
    last = len(tails) - 1
    found = jnp.zeros_like(tails[0])
    for j, tail in enumerate(tails):
        part = tail
        for i in range(1, last - j + 1):
            part = part * (tail + i)
        found = found + part // math.factorial(last - j + 1)
    return found


def read(
    spot: Spot, value: Float[Array, " entry"], base: Int[Array, "..."]
) -> tuple[Float[Array, "..."], list[Float[Array, "..."]]]:
    """Value at a spot from tables laid out flat that begin at entry `base`, and its derivative by each tail sum y_j."""
    corner = [value.at[base + node].get(mode="promise_in_bounds") for node in spot.nodes]
    found = corner[0] * spot.weights[0]
    for weight, each in zip(spot.weights[1:], corner[1:], strict=True):
        found = found + weight * each
    rise = [b - a for a, b in pairwise(corner)]
    steep = []
    for place in spot.order:
        slope = rise[0]
        for m, each in enumerate(rise[1:], 1):
            slope = jnp.where(place == m, each, slope)
        steep.append(slope)
    return found, steep


def by_ratios(
    spot: Spot, after: Float[Array, "type ..."], steep: list[Float[Array, "..."]]
) -> list[Float[Array, "..."]]:
    r"""Derivative by the log-likelihood ratios d_1 .. d_{K-1} that led to the belief `after` at the spot.

    With dx_k/dd_l = x_k (1[k=l] - x_l): dv/dd_l = n x_l (sum_{j<=l} v_j - sum_j v_j y_j / n), v_j = dv/dy_j.
    """
    mean = steep[0] * spot.share[0]
    for slope, share in zip(steep[1:], spot.share[1:], strict=True):
        mean = mean + slope * share
    found = []
    total = jnp.zeros_like(mean)
    for k, slope in enumerate(steep, 1):
        total = total + slope
        found.append(spot.cells * after[k] * (total - mean))
    return found


def weights(grid: Simplex, at: Float[np.ndarray, " type"]) -> Float[np.ndarray, " node"]:
    """Weight of every node in what is read at one belief."""
    spot = Spot(grid, jnp.asarray(at, float)[:, None])
    found = np.zeros(grid.count)
    for node, weight in zip(spot.nodes, spot.weights, strict=True):
        found[int(node[0])] += float(weight[0])
    return found
