"""Search over all that B might reply, with A's payoffs held: where the exact likelihood has its many maxima.

B's payoffs enter a game only through the reply that an equilibrium solves,

    t = (W_B − C_B) + (V_B − C_B) B(c(t)) / F(c(t)),      t = Φ^-1(p_R)

which is linear in B's coefficients at given t. With A's coefficients held, the log-likelihood of a game is a function
of its t alone, and is laid in a table over a grid of t once. Any B then costs next to nothing: where its reply crosses
the diagonal between two points of the grid is an equilibrium, and the table says how well the counts speak for it. So
thousands of B can be tried, the like of which no climb would reach, since between two of them lie worlds with one
equilibrium and worlds with three.

What to try: a random part of the games, each at a resistance drawn from what its own counts say of it, determines B
by least squares (as in Fischler & Bolles 1981, Communications of the ACM 24:381-395); the best of these are parents of
more (differential evolution, Storn & Price 1997, Journal of Global Optimization 11:341-359).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from standoff.estimate.derivatives import log_likelihood, parts
from standoff.estimate.formulas import Design
from standoff.estimate.likelihood import Exact

GRID = np.concatenate([np.linspace(-6.0, -3.0, 7)[:-1], np.linspace(-3.0, 3.0, 37), np.linspace(3.0, 6.0, 7)[1:]])
"""Resistance t on which a game's likelihood is laid down."""
OF_B = (2, 4, 6)
"""Payoffs of B: C_B, W_B, V_B."""
DRAWN, PARENTS, GENERATIONS = 400, 40, 12
WEIGHT, CROSSING = 0.7, 0.8
CHUNK = 500_000
"""Numbers that are held at once."""
APART = 1e-2
"""Log-likelihood by which candidates differ."""
NONE = -700.0
"""Log-likelihood of a game whose reply crosses nowhere on the grid."""


@dataclass(frozen=True, eq=False)
class Found:
    """What B might be, best first.

    `theta` [candidate, coefficient]: all with the same A; `t` [candidate, game]: the resistance that each game plays;
    `value` [candidate]: log-likelihood by the table.
    """

    theta: Float[np.ndarray, "candidate coefficient"]
    t: Float[np.ndarray, "candidate game"]
    value: Float[np.ndarray, " candidate"]


class ReplyTable:
    """Likelihood of each game and odds B(c(t)) / F(c(t)) on the grid, at A's coefficients."""

    def __init__(self, design: Design, exact: Exact, theta: np.ndarray) -> None:
        games, points = len(design.counts), len(GRID)
        payoffs = np.repeat(design.payoffs(theta), points, axis=0)
        piece = parts(payoffs, np.tile(GRID, games))
        counts = np.repeat(exact.counts, points, axis=0)
        level = log_likelihood(piece, counts, exact.given_challenge).reshape(games, points)
        self.level = np.where(np.isfinite(level), level, NONE)
        payoff = np.concatenate([np.full(b.shape[1], k) for k, b in enumerate(design.blocks)]).astype(int)
        columns = np.concatenate(design.blocks, axis=1)
        self.own = np.flatnonzero(np.isin(payoff, OF_B))
        self.odds = np.exp(np.minimum(piece["odds"], 30.0)).reshape(games, points)
        offset = np.zeros(7) if design.offset is None else np.asarray(design.offset, dtype=float)
        concede, resist, back = OF_B
        self.columns = columns[:, self.own]
        of = payoff[self.own]
        self.height = (of == resist).astype(float) - (of == concede)  # a coefficient's share in W_B − C_B
        self.slope = (of == back).astype(float) - (of == concede)  # and in V_B − C_B
        self.fixed = float(offset[resist] - offset[concede]), float(offset[back] - offset[concede])
        self.selection = exact.selection

    def value(self, own: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Log-likelihood of candidates, and the t that each game plays."""
        size = max(1, CHUNK // self.level.size)
        made = [self._value(own[k : k + size]) for k in range(0, len(own), size)]
        return np.concatenate([one[0] for one in made]), np.concatenate([one[1] for one in made])

    def _value(self, own: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        height = (own * self.height) @ self.columns.T + self.fixed[0]
        slope = (own * self.slope) @ self.columns.T + self.fixed[1]
        above = slope[..., None] * self.odds
        above += height[..., None]
        above -= GRID
        sign = above >= 0
        games, points = self.level.shape
        crossing = np.flatnonzero(sign[..., 1:] != sign[..., :-1])
        owner, point = np.divmod(crossing, points - 1)  # owner: candidate and game
        here = owner * points + point
        low, high = above.reshape(-1)[here], above.reshape(-1)[here + 1]
        part = low / (low - high)
        place = (owner % games) * points + point
        level = self.level.reshape(-1)
        at = level[place] + part * (level[place + 1] - level[place])
        t = GRID[point] + part * (GRID[point + 1] - GRID[point])
        total, played = np.full(height.size, NONE), np.where(above[..., 0] < 0, GRID[0], GRID[-1]).reshape(-1)
        if len(owner):
            first = np.flatnonzero(np.diff(owner, prepend=-1))
            last = np.append(first[1:], len(owner)) - 1
            if self.selection == "smallest":
                one = first
            elif self.selection == "largest":
                one = last
            else:
                order = np.lexsort((at, owner))  # the likeliest of each comes last
                one = order[last]
            total[owner[first]], played[owner[first]] = at[one], t[one]
            if self.selection == "mixture":
                peak = total[owner]
                total[owner[first]] += np.log(np.add.reduceat(np.exp(at - peak), first) / (last - first + 1))
        return total.reshape(height.shape).sum(axis=1), played.reshape(height.shape)

    def draw(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Candidates from least squares on random parts of the games [candidate, of B]."""
        games, many = len(self.level), len(self.own)
        prior = self.level - 0.5 * (GRID / 2) ** 2 + np.log(np.gradient(GRID))
        chance = np.cumsum(np.exp(prior - prior.max(axis=1, keepdims=True)), axis=1)
        chance /= chance[:, -1:]
        found = np.zeros((count, many))
        least = min(many + 1, games)
        for k in range(count):
            size = round(float(np.exp(rng.uniform(np.log(least), np.log(games)))))
            part = rng.choice(games, size, replace=False)
            point = np.minimum((rng.random(size)[:, None] > chance[part]).sum(axis=1), len(GRID) - 1)
            odds = self.odds[part, point][:, None]
            x = self.columns[part] * (self.height + self.slope * odds)
            y = GRID[point] - self.fixed[0] - self.fixed[1] * odds[:, 0]
            ridge = 1e-6 * np.eye(many) * max(float(np.mean(x * x)), 1e-12) * size
            found[k] = np.linalg.solve(x.T @ x + ridge, x.T @ y)
        return found


def search(
    design: Design, exact: Exact, theta: Float[np.ndarray, " coefficient"], rng: np.random.Generator, *,
    precision: float = 0.0, best: int = 4,
) -> Found:  # fmt: skip
    """The B that explain the counts best beside the A of `theta`.

    Args:
        design: Columns by payoff.
        exact: Counts and selection; a mixture's equilibria are taken as equally likely.
        theta: Coefficients; those of A are held, those of B are the first candidate.
        rng: Of what is tried.
        precision: Of a normal prior around 0 on the coefficients.
        best: How many candidates to return.
    """
    table = ReplyTable(design, exact, theta)
    many = len(table.own)
    if not many:
        t = table.value(np.zeros((1, 0)))
        return Found(theta[None], t[1], t[0])

    def rate(own: np.ndarray) -> np.ndarray:
        return np.asarray(table.value(own)[0] - 0.5 * precision * np.sum(own**2, axis=1))

    tried = np.concatenate([theta[None, table.own], table.draw(DRAWN, rng)])
    value = rate(tried)
    order = np.argsort(-value, kind="stable")[:PARENTS]
    tried, value = tried[order], value[order]
    for _ in range(GENERATIONS):
        one, two, three = (rng.permutation(len(tried)) for _ in range(3))
        base = np.where(rng.random(len(tried))[:, None] < 0.5, tried[:1], tried[one])
        new = base + rng.normal(WEIGHT, 0.2, (len(tried), 1)) * (tried[two] - tried[three])
        new = np.where(rng.random(new.shape) < CROSSING, new, tried)
        rated = rate(new)
        better = rated > value
        tried, value = np.where(better[:, None], new, tried), np.where(better, rated, value)
    order = _apart(value)[:best]
    full = np.repeat(theta[None], len(order), axis=0)
    full[:, table.own] = tried[order]
    return Found(full, table.value(tried[order])[1], value[order])


def _apart(value: np.ndarray) -> np.ndarray:
    """Candidates from the best on, without those that are as good as one before: the same, as a rule."""
    order = np.argsort(-value, kind="stable")
    return order[np.diff(-value[order], prepend=-np.inf) > APART]
