"""Exact maximum likelihood of the signaling game, from many starts.

The exact likelihood has kinks where the equilibrium that explains a game best changes, steps where one vanishes, and
infinite slopes just before. Climbing it from anywhere ends at a step as often as not. Each start therefore goes four
ways in turn:

1. **Guessed resistance.** From a start value, the pseudo-likelihood at guesses of p_R and p_F (a game's frequencies,
   drawn towards those of all games) is maximised. It has no equilibria, no steps, and hardly ever more than one
   maximum.
2. **Loose equilibrium.** Resistance t of each game becomes an unknown of its own that pays for being off its best
reply:

       Σ L(π, t) − (μ/2) Σ (t − g(π, t))²,      μ = 1, 10, 100

   is climbed in coefficients and t at once (Newton steps; t is eliminated game by game, as each t touches its own
   game only). Where Su & Judd (2012, Econometrica 80:2213-2230) hold the constraint t = g from the first step, here
   it tightens slowly, so that a game finds the equilibrium its counts speak for, stable or not, before there is any
   step to fall from.
3. **Exact.** The exact likelihood is climbed by trust-region Newton steps with its exact Hessian.
4. **Other replies.** Beside A's payoffs found, all that B might reply is searched (`reply_search`); the best go through
   stages 2 and 3, as long as that leads higher. Worlds with one equilibrium and worlds with three are maxima far apart,
   between which no climb leads.

Start values and guesses differ by start. The best optimum is then shaken: starts near it, with its own covariance, go
straight to the third stage; a better one found takes its place. No start knows the truth.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from scipy import special  # type: ignore[import-untyped]

from standoff.errors import UserError
from standoff.estimate.climbing import NEAR, Point, Problem, Start, climb, newton_step
from standoff.estimate.derivatives import log_likelihood, parts, second
from standoff.estimate.formulas import Design
from standoff.estimate.likelihood import Exact
from standoff.estimate.pseudo import pseudo_likelihood
from standoff.estimate.reply_search import search

TIGHTER = (1.0, 10.0, 100.0)
"""Weights μ of a reply that is off by one, in units of log-likelihood."""
PRIORS = (1.0, 5.0, 20.0)
"""Observations by which the frequencies of a game are drawn towards those of all games, start by start."""
SPREAD = 0.05
"""Standard deviation of start values after the first, which is zero."""
STARTS, SHAKES = 2, 1
ROUNDS, CLIMBED, MISSES = 8, 2, 1
"""Searches of B's replies by start, how many of what each finds are climbed from, and how many more searches it takes
that find nothing better."""
LOOSE_STEPS = 12
FAR = 1e-3
"""Guesses keep this distance from 0 and 1."""


@dataclass(frozen=True, eq=False)
class Optimum:
    """The best optimum found.

    `theta` [coefficient]: and a mixture's log-odds; `value`: its log-likelihood, without penalty; `gradient`,
    `hessian`: of what was maximised, with penalty; `scores` [game, coefficient]: derivatives of each game's
    log-likelihood; `starts`: all of them; `seconds`: of wall time; `converged`: the gradient vanishes and the Hessian
    is negative definite.
    """

    theta: Float[np.ndarray, " coefficient"]
    value: float
    gradient: Float[np.ndarray, " coefficient"]
    hessian: Float[np.ndarray, "coefficient coefficient"]
    scores: Float[np.ndarray, "game coefficient"]
    starts: tuple[Start, ...]
    seconds: float
    converged: bool

    @property
    def values(self) -> list[float]:
        """What each start reached, as optima are compared."""
        return [start.rank for start in self.starts]

    @property
    def share(self) -> float:
        """Share of the starts that reached the best optimum."""
        best = max(self.values)
        return float(np.mean([value > best - NEAR for value in self.values]))


def maximise(
    design: Design, *, selection: str = "likely", given_challenge: bool = False,
    starts: int | Sequence[np.ndarray] | np.ndarray | None = None, seed: int = 1, penalty: float | None = None,
    shakes: int = SHAKES, progress: Callable[[str, float], None] = lambda stage, share: None,
) -> Optimum:  # fmt: skip
    """Maximise the exact likelihood.

    Args:
        design: Columns by payoff, and counts.
        selection: Which equilibrium is played; see `likelihood`.
        given_challenge: The table holds only games in which A challenged.
        starts: How many start values, or which (axes start, coefficient). One of these that is already higher than what
            stages 1 and 2 make of it goes straight to the third.
        seed: Of start values, guesses and shakes.
        penalty: Standard deviation of a normal prior around 0 on every coefficient; none for none.
        shakes: Starts near the best optimum.
        progress: Told the stage and the share done.

    Raises:
        UserError: no start reached a point at which the counts are possible.
    """
    begun = time.perf_counter()
    exact = Exact(np.asarray(design.counts, dtype=float), selection, given_challenge)
    problem = Problem(design, exact, 0.0 if penalty is None else 1 / penalty**2)
    rng = np.random.default_rng(seed)
    found: list[tuple[Start, Point]] = []
    climbed: list[float] = []
    for kind, theta, guess in _begin(problem, starts, rng):
        progress(kind, len(found) / (len(found) + 3))
        places = _approach(problem, theta[: problem.many], guess)
        if kind.startswith("given") and len(theta) == len(places[0]):
            places.append(theta)
        one = _best([climb(problem, kind, place) for place in _highest(problem, places)])
        same = next((k for k, value in enumerate(climbed) if abs(value - one[0].rank) < NEAR), None)
        climbed.append(one[0].rank)
        if same is None:
            found.append(_widen(problem, *one, rng))
        else:
            found.append((replace(found[same][0], kind=kind), found[same][1]))
    best = _best(found)
    for k in range(shakes):
        if not np.isfinite(best[0].value):
            break
        found.append(climb(problem, f"near the best, {k + 1}", _near(best[1], rng)))
        best = _best([best, found[-1]])
    if not np.isfinite(best[0].value):
        raise UserError(
            "At none of the starts are all counts possible: the formulas make some outcome certain not to happen. "
            "Simplify them, scale columns to around 1, or set a penalty."
        )
    point = best[1]
    terms = exact.terms(design.payoffs(point.theta[: problem.many]), point.theta[problem.many :], hessian=False)
    return Optimum(
        theta=point.theta, value=float(terms.value.sum()), gradient=point.gradient, hessian=point.hessian,
        scores=problem.pull(terms.gradient), starts=tuple(one[0] for one in found), seconds=time.perf_counter() - begun,
        converged=best[0].status == "reached",
    )  # fmt: skip


def _best(ends: list[tuple[Start, Point]]) -> tuple[Start, Point]:
    """The end of highest rank; of those that are the same, a maximum rather than where a climb got stuck."""
    top = max(start.rank for start, _ in ends)
    same = [end for end in ends if end[0].rank >= top - NEAR]
    return max(same, key=lambda end: (end[0].status == "reached", end[0].rank))


def _begin(
    problem: Problem, starts: int | Sequence[np.ndarray] | np.ndarray | None, rng: np.random.Generator
) -> Iterable[tuple[str, np.ndarray, tuple[np.ndarray, np.ndarray]]]:
    """Start values with guesses: the first three at frequencies, later ones at draws around them."""
    given = None if starts is None or isinstance(starts, int) else [np.asarray(one, dtype=float) for one in starts]
    count = len(given) if given is not None else STARTS if not isinstance(starts, int) else starts
    for k in range(max(count, 1)):
        if given is not None:
            theta, kind = given[k], "given"
        else:
            theta = SPREAD * rng.standard_normal(problem.many) if k else np.zeros(problem.many)
            kind = "random values" if k else "zero"
        prior = PRIORS[k % len(PRIORS)] if given is None else PRIORS[0]
        drawn = given is None and k >= len(PRIORS)
        yield (
            f"{kind}, guesses {'drawn' if drawn else 'from frequencies'}",
            theta,
            _guess(problem, prior, rng if drawn else None),
        )


def _guess(problem: Problem, prior: float, rng: np.random.Generator | None) -> tuple[np.ndarray, np.ndarray]:
    """Guesses of p_R and p_F: frequencies drawn towards those of all games, or draws of their posterior."""
    _, concede, firm, back = problem.exact.counts.T
    resist = firm + back
    found = []
    for part, rest in ((resist, concede), (firm, back)):
        middle = (part.sum() + 0.5) / (part.sum() + rest.sum() + 1)
        up, down = part + prior * middle, rest + prior * (1 - middle)
        value = up / (up + down) if rng is None else rng.beta(up, down)
        found.append(np.clip(value, FAR, 1 - FAR))
    return found[0], found[1]


def _highest(problem: Problem, places: list[np.ndarray]) -> list[np.ndarray]:
    """The place of highest likelihood; where counts are impossible in all, the first, drawn to 0 until they are not.

    Where optima are weighed, the highest place may lead to one of less weight: all are climbed from.
    """
    if problem.exact.selection == "weighed":
        possible = [place for place in places if np.isfinite(problem.at(place).value)]
        if possible:
            return possible
    best = max(places, key=lambda place: problem.at(place).value)
    for share in (1.0, 0.7, 0.4, 0.2, 0.1, 0.0):
        if np.isfinite(problem.at(share * best).value):
            return [share * best]
    return [best]


def _approach(problem: Problem, theta: np.ndarray, guess: tuple[np.ndarray, np.ndarray]) -> list[np.ndarray]:
    """Stages 1 and 2: where each of them ends, the second first."""
    design = problem.design
    if problem.exact.given_challenge:  # how rare a challenge is is not known; half will do for a start
        counts = design.counts.copy()
        counts[:, 0] = counts[:, 1:].sum(axis=1)
        design = replace(design, counts=counts)
    with np.errstate(all="ignore"):
        near = _guessed(design, theta, guess)
        ends = [_loose(problem, near, special.ndtri(guess[0])), near]
    return [np.concatenate([end, np.zeros(problem.exact.mixing)]) for end in ends]


def _guessed(design: Design, theta: np.ndarray, guess: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Stage 1: the maximum at guesses; a start value so far off that none is reached is drawn to 0."""
    best, near = -np.inf, np.zeros_like(theta)
    for shrink in (1.0, 0.3, 0.1, 0.0) if theta.any() else (1.0,):
        try:
            one = pseudo_likelihood(design, *guess, start=[shrink * theta])
        except np.linalg.LinAlgError:
            continue
        if np.isfinite(one.theta).all() and one.value > best:
            best, near = one.value, one.theta
        if one.settled:
            break
    return near


def _loose(problem: Problem, theta: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Climb with equilibria that tighten, from coefficients and resistances."""
    size = problem.size[: problem.many]
    for weight in TIGHTER:
        here = _loose_at(problem, theta, t, weight)
        radius = 1.0
        for _ in range(LOOSE_STEPS):
            value, gradient, hessian = here
            own = -np.maximum(np.abs(hessian[:, 7, 7]), 1e-3)  # curvature by t, made that of a maximum
            across = hessian[:, problem.payoff, 7] * problem.columns
            curve = problem.curve(hessian[:, :7, :7]) - (across / own[:, None]).T @ across
            slope = problem.pull(gradient[:, :7]).sum(axis=0) - (across / own[:, None]).T @ gradient[:, 7]
            curve[np.diag_indices(problem.many)] -= problem.precision
            slope = slope - problem.precision * theta
            if not (np.isfinite(curve).all() and np.isfinite(slope).all()):
                return theta
            step = newton_step(slope / size, curve / np.outer(size, size), radius) / size
            move = np.clip(-(gradient[:, 7] + across @ step) / own, -2.0, 2.0)
            new = _loose_at(problem, theta + step, t + move, weight)
            if np.isfinite(new[0]) and new[0] > value:
                theta, t, here, radius = theta + step, t + move, new, min(2 * radius, 5.0)
                if new[0] - value < NEAR:
                    break
            else:
                radius /= 4
                if radius < 1e-5:
                    break
    return theta


def _loose_at(
    problem: Problem, theta: np.ndarray, t: np.ndarray, weight: float
) -> tuple[float, np.ndarray, np.ndarray]:
    """Value, gradient and Hessian by payoffs and t of the loose likelihood."""
    payoffs, counts, given = problem.design.payoffs(theta), problem.exact.counts, problem.exact.given_challenge
    piece = parts(payoffs, t)
    ell, reply = second(piece, payoffs, counts, given, True)
    gap = (payoffs[:, 4] - payoffs[:, 2]) + (payoffs[:, 6] - payoffs[:, 2]) * np.exp(piece["odds"]) - t
    value = float(log_likelihood(piece, counts, given).sum() - weight / 2 * np.sum(gap**2)) + problem.penalty(theta)
    gradient = ell.gradient - weight * gap[:, None] * reply.gradient
    square = reply.gradient[:, :, None] * reply.gradient[:, None, :]
    return value, gradient, ell.hessian - weight * (square + gap[:, None, None] * reply.hessian)


def _widen(problem: Problem, start: Start, point: Point, rng: np.random.Generator) -> tuple[Start, Point]:
    """Stage 4: from one optimum to better ones with other replies of B; where there is none, beside an A close by.

    If optima are weighed, replies are sought with and without a choice of the likeliest equilibria.
    """
    missed = 0
    by: tuple[Exact, ...] = (problem.exact,)
    if problem.exact.selection == "weighed":
        by = (replace(problem.exact, selection="likely"), replace(problem.exact, selection="mixture"))
    for _ in range(ROUNDS if np.isfinite(start.value) else 0):
        held = _near(point, rng) if missed else point.theta
        places: list[np.ndarray] = []
        for exact in by:
            places += _replies(problem, exact, point, held, rng)
        best = _best([climb(problem, start.kind, place) for place in places])
        if best[0].rank > start.rank + NEAR:
            (start, point), missed = best, 0
        elif missed == MISSES:
            break
        else:
            missed += 1
    return start, point


def _replies(
    problem: Problem, exact: Exact, point: Point, held: np.ndarray, rng: np.random.Generator
) -> list[np.ndarray]:
    """The best places to climb from with other replies of B beside the A of `held`."""
    others = search(problem.design, exact, held[: problem.many], rng, precision=problem.precision, best=CLIMBED)
    places = []
    for theta, t in zip(others.theta, others.t, strict=True):
        with np.errstate(all="ignore"):
            ends = (_loose(problem, theta, t), theta)
        places += [np.concatenate([end, point.theta[problem.many :]]) for end in ends]
    places.sort(key=lambda place: -problem.at(place).value)
    return places[:CLIMBED]


def _near(point: Point, rng: np.random.Generator) -> np.ndarray:
    """A draw from twice the spread that the curvature at a point gives, the spread being kept to 1 at most."""
    value, vector = np.linalg.eigh(-point.hessian)
    spread = 1 / np.sqrt(np.maximum(value, 1.0))
    return np.asarray(point.theta + 2 * vector @ (spread * rng.standard_normal(len(value))))
