"""A mixture of Student's t fitted to weighted draws, the proposal of the sampler.

Weighted EM of normal mixtures with 1 to `MODES` components; how many is chosen by BIC with the effective number of
draws in the place of the number. Covariances are shrunk to that of all draws (by as much as a component lacks draws).
Components then get the tails of Student's t with `FREEDOM` degrees, and `WIDER` times the covariance: a proposal should
be wider than its target.
"""

from dataclasses import dataclass

import numpy as np
from scipy import special, stats  # type: ignore[import-untyped]

MODES = 4
FREEDOM = 30.0
WIDER = 1.1
STEPS = 30
STARTS = 2
COUNTED = 0.999
"""Share of the weight that a fit looks at: the heaviest draws."""
SMALL = 0.03
"""Least share of a component: smaller ones are left out."""
RIDGE = 1e-4


@dataclass(frozen=True, eq=False)
class Component:
    """A normal distribution (`freedom` None) or Student's t, with location and scale matrix."""

    mean: np.ndarray
    scale: np.ndarray
    freedom: float | None = FREEDOM

    @property
    def is_prior(self) -> bool:
        """Whether it is the standard normal of the prior."""
        return self.freedom is None

    def log_density(self, z: np.ndarray) -> np.ndarray:
        """Log density at points (axes draw, parameter)."""
        dim = len(self.mean)
        root = np.linalg.cholesky(self.scale)
        far = (_turned(np.linalg.inv(root), z - self.mean) ** 2).sum(axis=1)
        level = -np.log(np.diag(root)).sum()
        if self.freedom is None:
            return np.asarray(level - 0.5 * (dim * np.log(2 * np.pi) + far))
        nu = self.freedom
        level += special.gammaln((nu + dim) / 2) - special.gammaln(nu / 2) - 0.5 * dim * np.log(nu * np.pi)
        return np.asarray(level - 0.5 * (nu + dim) * np.log1p(far / nu))

    def at(self, points: np.ndarray) -> np.ndarray:
        """Draws from points of the unit cube, one coordinate for each parameter and one for the tails."""
        normal = _turned(np.linalg.cholesky(self.scale), special.ndtri(points[:, :-1]))
        if self.freedom is None:
            return np.asarray(self.mean + normal)
        tail = np.sqrt(self.freedom / stats.chi2.ppf(points[:, -1], self.freedom))
        return np.asarray(self.mean + normal * tail[:, None])


def _turned(matrix: np.ndarray, z: np.ndarray) -> np.ndarray:
    """A matrix times every draw; `einsum` adds in one order, whatever the number of threads."""
    return np.asarray(np.einsum("ij,nj->ni", matrix, z))


def fit(z: np.ndarray, log_weight: np.ndarray, rng: np.random.Generator) -> list[tuple[float, Component]]:
    """Shares and components of a mixture fitted to weighted draws.

    Args:
        z: Draws (axes draw, parameter).
        log_weight: Their normalised log weights.
        rng: For where EM begins.

    Returns:
        Shares, which sum to 1, and Student's t distributions.
    """
    weight = np.exp(log_weight)
    order = np.argsort(-weight, kind="stable")
    kept = order[: int(np.searchsorted(np.cumsum(weight[order]), COUNTED * weight.sum())) + 1]
    z, weight = z[kept], weight[kept] / weight[kept].sum()
    dim, size = z.shape[1], 1 / (weight**2).sum()
    whole = _moments(z, weight)
    best: tuple[float, np.ndarray] | None = None
    for count in range(1, MODES + 1):
        free = count - 1 + count * dim * (dim + 3) / 2
        if count > 1 and size < 3 * count * (dim + 1):
            break
        resp, score = _em(z, weight, whole[1], size, count, rng)
        cost = -2 * size * score + free * np.log(max(size, 2.0))
        if best is None or cost < best[0]:
            best = (cost, resp)
    if best is None:
        raise ValueError("no draw has any weight")
    shares, parts = [], []
    for mass in (best[1] * weight[:, None]).T:
        if mass.sum() > SMALL:
            mean, scale = _shrunk(z, mass, whole[1], size)
            shares.append(float(mass.sum()))
            parts.append(Component(mean, WIDER * scale))
    total = sum(shares)
    return [(share / total, part) for share, part in zip(shares, parts, strict=True)]


def _moments(z: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    share = weight / weight.sum()
    mean = np.einsum("n,ni->i", share, z)
    away = z - mean
    return mean, np.einsum("ni,nj->ij", away * share[:, None], away) + RIDGE * np.eye(z.shape[1])


def _shrunk(z: np.ndarray, mass: np.ndarray, whole: np.ndarray, size: float) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance of a component; the less it has to go by, the nearer its covariance to the whole one."""
    mean, own = _moments(z, mass)
    count, dim = size * mass.sum(), z.shape[1]
    spare = (dim + 1) / (dim + 1 + count)
    return mean, (1 - spare) * own + spare * whole


def _em(
    z: np.ndarray, weight: np.ndarray, whole: np.ndarray, size: float, count: int, rng: np.random.Generator
) -> tuple[np.ndarray, float]:
    """Responsibilities (axes draw, component) and mean log density of a normal mixture, the best of `STARTS`."""
    best: tuple[float, np.ndarray] | None = None
    for _ in range(1 if count == 1 else STARTS):
        resp = _seeded(z, weight, count, rng)
        score = -np.inf
        for _ in range(STEPS):
            levels = []
            for k in range(count):
                mean, scale = _shrunk(z, weight * resp[:, k], whole, size)
                share = max(float((weight * resp[:, k]).sum()), 1e-12)
                levels.append(np.log(share) + Component(mean, scale, None).log_density(z))
            level = np.stack(levels, axis=1)
            total = special.logsumexp(level, axis=1)
            resp = np.exp(level - total[:, None])
            before, score = score, float((weight * total).sum())
            if score - before < 1e-4:
                break
        if best is None or score > best[0]:
            best = (score, resp)
    if best is None:
        raise ValueError("EM made no start")
    return best[1], best[0]


def _seeded(z: np.ndarray, weight: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Hard assignment to centres that k-means++ picks from the weighted draws."""
    centres = z[rng.choice(len(z), p=weight)][None]
    for _ in range(count - 1):
        near = ((z[:, None] - centres[None]) ** 2).sum(-1).min(axis=1)
        chance = weight * near
        chance = chance / chance.sum() if chance.sum() > 0 else weight
        centres = np.concatenate([centres, z[rng.choice(len(z), p=chance)][None]])
    for _ in range(10):
        nearest = ((z[:, None] - centres[None]) ** 2).sum(-1).argmin(axis=1)
        for k in range(count):
            mine = nearest == k
            if weight[mine].sum() > 0:
                centres[k] = np.average(z[mine], axis=0, weights=weight[mine])
    resp: np.ndarray = np.eye(count)[((z[:, None] - centres[None]) ** 2).sum(-1).argmin(axis=1)]
    return 0.98 * resp + 0.02 / count
