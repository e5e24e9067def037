"""Pseudo-likelihood of the signaling game: PL in two steps, and NPL, its iteration.

With guesses (p_R, p_F) in the place of what each side expects of the other, c = V_A + (S_A - V_A)/p_R, the chances

    p_C = 1 - Φ(c - W_A) Φ(c - a)      p_F = Φ2((W_A - a)/√2, W_A - c; 1/√2) / p_C
    p_R' = Φ(W_B - V_B + (V_B - C_B)/p_F of the guess)

are explicit, so that each game has one value whatever its equilibria. PL maximises Σ counts · log(outcomes) once
(Hotz & Miller 1993). NPL puts Ψ(p) = (p_R', p_F) at the estimate in the place of the guesses, and repeats
(Aguirregabiria & Mira 2007, Econometrica 75:1-53; Crisman-Cox & Gibilisco 2021, Political Sci. Res. Methods
9:782-801). Its fixed points are equilibria, but an iteration holds none that is unstable under best response: it does
not settle, or settles elsewhere.

Covariance of NPL: with s the scores, D_θθ = Σ s s', D_θp = Σ s (∂l/∂p)', J = ∂Ψ/∂p and J_θ = ∂Ψ/∂θ,

    A = D_θθ + D_θp (I - J)^-1 J_θ,    V = A^-1 D_θθ A^-1'

PL's own curvature takes the guesses as known; where they are estimated its standard errors are too small.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import log_ndtr, ndtr  # type: ignore[import-untyped]
from scipy.special import ndtri as probit_of

from standoff.estimate.formulas import PAYOFFS, Design
from standoff.estimate.played import outcomes_at

EDGE = 1e-6
"""Guesses are held this far from 0 and 1."""
STEPS = 200
"""Newton steps at most."""
TOLERANCE = 1e-8
"""Change of any probability, and of any coefficient over 1 plus its size, at which NPL has settled."""
ROUNDS = 500
"""Rounds of NPL at most."""
SPREADS = (0.05, 0.3, 1.0)
"""Standard deviations of random starts of PL, in turn."""
DECREMENT = 1e-10
"""Newton decrement g' H^-1 g at which a maximum is reached, in units of log-likelihood."""
QUIET = np.errstate(all="ignore")
"""Values that run away are told by what is not finite, not by warnings of numpy."""
Objective = Callable[[np.ndarray], tuple[float, np.ndarray, np.ndarray]]


@dataclass(frozen=True, eq=False)
class Pseudo:
    """What PL or NPL found.

    `theta` [coefficient]; `value`: pseudo log-likelihood; `gradient`; `hessian`: of it; `scores` [game, coefficient];
    `resist`, `firm` [game]: guesses at the end; `settled`: whether the maximum (and, for NPL, the fixed point) was
    reached; `rounds`, `change`: of NPL; `derivative`: of the summed scores with the guesses following along (NPL), in
    the place of the Hessian.
    """

    theta: np.ndarray
    value: float
    gradient: np.ndarray
    hessian: np.ndarray
    scores: np.ndarray
    resist: np.ndarray
    firm: np.ndarray
    settled: bool
    rounds: int = 1
    change: float = 0.0
    derivative: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Known:
    """Games at their guesses: where the payoffs enter, and the logs of what A does.

    With guesses given, h = c - W_A, j = c - a and B's reply T are linear in the payoffs. `resist`, `firm`: the
    guesses; `h`, `j`, `reply` [game]; `logs` [game, 4]: of no challenge, challenge, and challenge with standing firm
    and with backing down at the end, were B to resist; `stake`: S_A - V_A; `gap`: V_B - C_B.
    """

    resist: np.ndarray
    firm: np.ndarray
    h: np.ndarray
    j: np.ndarray
    reply: np.ndarray
    logs: np.ndarray
    stake: np.ndarray
    gap: np.ndarray


@QUIET
def known(payoffs: np.ndarray, resist: np.ndarray, firm: np.ndarray) -> Known:
    """Games at guesses of p_R and p_F."""
    sa, va, cb, wa, wb, a, vb = payoffs.T
    least = va + (sa - va) / resist
    probit = probit_of(resist)
    quiet, concede, stand, back = outcomes_at(payoffs, probit).T
    here = log_ndtr(probit)
    logs = np.stack([quiet, concede - log_ndtr(-probit), stand - here, back - here], axis=1)
    return Known(resist, firm, least - wa, least - a, wb - vb + (vb - cb) / firm, logs, sa - va, vb - cb)


def linear(at: Known) -> np.ndarray:
    """Derivatives of h, j and B's reply by the payoffs [game, (h, j, reply), payoff]; constant, the guesses given."""
    found = np.zeros((len(at.h), 3, len(PAYOFFS)))
    found[:, :2, 0] = (1 / at.resist)[:, None]
    found[:, :2, 1] = (1 - 1 / at.resist)[:, None]
    found[:, 0, 3] = found[:, 1, 5] = -1
    found[:, 2, 4] = 1
    found[:, 2, 6] = 1 / at.firm - 1
    found[:, 2, 2] = -1 / at.firm
    return found


@QUIET
def value_of(at: Known, counts: np.ndarray) -> np.ndarray:
    """Pseudo log-likelihood of each game."""
    logs = at.logs.copy()
    logs[:, 1] += log_ndtr(-at.reply)
    logs[:, 2:] += log_ndtr(at.reply)[:, None]
    return np.asarray(np.where(counts > 0, counts * logs, 0.0).sum(axis=1))


@QUIET
def _slopes(at: Known) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Derivatives of `Known.logs` by (h, j): first [game, log, 2] and second [game, log, 2, 2]; and those of log p_F.

    With D = φ((j-h)/√2) Φ(-(h+j)/√2)/√2, the chances F and B of standing firm and backing down have F_h = -φ(h)Φ(j) -
    D, F_j = D, B_j = -φ(j)Φ(h) - D, B_h = D, and D_h = (j-h)/2 D - φ(h)φ(j)/2, D_j = -(j-h)/2 D - φ(h)φ(j)/2.
    """
    h, j = at.h, at.j
    half = (j - h) / 2
    log_d = _log_density((j - h) / np.sqrt(2)) - 0.5 * np.log(2) + log_ndtr(-(h + j) / np.sqrt(2))
    both = _log_density(h) + _log_density(j)
    edge_h, edge_j = _log_density(h) + log_ndtr(j), _log_density(j) + log_ndtr(h)
    first = np.empty((len(h), 4, 2))
    second = np.empty((len(h), 4, 2, 2))
    for k, x in enumerate((h, j)):
        mills = np.exp(_log_density(x) - log_ndtr(x))
        first[:, 0, k], second[:, 0, k, k] = mills, -mills * (x + mills)
    second[:, 0, 0, 1] = second[:, 0, 1, 0] = 0.0
    log_c, log_f, log_b = at.logs[:, 1:].T
    for row, log, drift, own in ((1, log_c, 0.0, (1, 1)), (2, log_f, 1.0, (1, 0)), (3, log_b, 1.0, (0, 1))):
        d, cross = np.exp(log_d - log), np.exp(both - log)
        d_h, d_j = half * d - cross / 2, -half * d - cross / 2
        e_h, e_j = np.exp(edge_h - log) * own[0], np.exp(edge_j - log) * own[1]
        side = (-1.0, 1.0) if row == 2 else (1.0, -1.0)
        first[:, row, 0] = -e_h + drift * side[0] * d
        first[:, row, 1] = -e_j + drift * side[1] * d
        second[:, row, 0, 0] = h * e_h + drift * side[0] * d_h
        second[:, row, 1, 1] = j * e_j + drift * side[1] * d_j
        mixed = -cross if row == 1 else (d_h if row == 2 else d_j)
        second[:, row, 0, 1] = second[:, row, 1, 0] = mixed
    second[:, 1:] -= first[:, 1:, :, None] * first[:, 1:, None, :]
    firm = np.exp(log_b - np.logaddexp(log_f, log_b))[:, None] * (first[:, 2] - first[:, 3])
    return first, second, firm


def _log_density(x: np.ndarray) -> np.ndarray:
    return np.asarray(-0.5 * x**2 - 0.5 * np.log(2 * np.pi))


@QUIET
def derivatives(at: Known, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First and second derivatives of each game's pseudo log-likelihood by (h, j, reply)."""
    first, second, _ = _slopes(at)
    told = np.where(counts > 0, counts, 0.0)
    gradient = np.zeros((len(counts), 3))
    curve = np.zeros((len(counts), 3, 3))
    with np.errstate(invalid="ignore"):
        gradient[:, :2] = np.where(told[..., None] > 0, told[..., None] * first, 0).sum(axis=1)
        curve[:, :2, :2] = np.where(told[..., None, None] > 0, told[..., None, None] * second, 0).sum(axis=1)
    for sign, many in ((-1.0, told[:, 1]), (1.0, told[:, 2] + told[:, 3])):
        x = sign * at.reply
        mills = np.exp(_log_density(x) - log_ndtr(x))
        gradient[:, 2] += sign * many * mills
        curve[:, 2, 2] -= many * mills * (x + mills)
    return gradient, curve


@QUIET
def respond(payoffs: np.ndarray, guesses: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ψ: best responses (p_R, p_F) to guesses, and their derivatives.

    Args:
        payoffs: [game, payoff].
        guesses: p_R and p_F [game, 2].

    Returns:
        Ψ [game, 2], its derivatives by the payoffs [game, 2, payoff], and by the guesses [game, 2, 2].
    """
    at = known(payoffs, guesses[:, 0], guesses[:, 1])
    _, _, slopes = _slopes(at)
    firm = np.exp(at.logs[:, 2] - np.logaddexp(at.logs[:, 2], at.logs[:, 3]))
    by = np.zeros((len(firm), 2, 3))
    by[:, 0, 2] = np.exp(_log_density(at.reply))
    by[:, 1, :2] = firm[:, None] * slopes
    moved = np.zeros((len(firm), 3, 2))
    moved[:, :2, 0] = (-at.stake / at.resist**2)[:, None]
    moved[:, 2, 1] = -at.gap / at.firm**2
    return np.stack([ndtr(at.reply), firm], axis=1), by @ linear(at), by @ moved


def newton(objective: Objective, start: np.ndarray, steps: int = STEPS) -> tuple[np.ndarray, float, bool]:
    """Climb by Newton steps, damped (Levenberg-Marquardt) wherever a step does not lead up.

    Args:
        objective: Value, gradient and Hessian at a point.
        start: Where to begin.
        steps: At most.

    Returns:
        The point, its value, and whether it is a maximum (the Newton decrement is below `DECREMENT`).
    """
    theta = start.copy()
    value, gradient, hessian = objective(theta)
    damp = 0.0
    for _ in range(steps):
        if not (np.isfinite(value) and np.isfinite(gradient).all() and np.isfinite(hessian).all()):
            return theta, value, False
        step, promised = _step(gradient, hessian, damp)
        if damp == 0.0 and promised < DECREMENT and _is_concave(hessian):
            return theta, value, True
        new = theta + step
        there = objective(new)
        if np.isfinite(there[0]) and there[0] >= value - 1e-12 * abs(value) and np.isfinite(there[2]).all():
            gain = there[0] - value
            theta, (value, gradient, hessian) = new, there
            damp = 0.0 if damp < 1e-8 or gain > 0.5 * promised else damp / 10
        else:
            damp = max(10 * damp, 1e-6)
            if damp > 1e12:
                return theta, value, False
    return theta, value, False


def _is_concave(hessian: np.ndarray) -> bool:
    size = np.sqrt(np.abs(np.diag(hessian)))
    size[size == 0] = 1.0
    return bool(np.linalg.eigvalsh(-hessian / np.outer(size, size))[0] > -1e-8)


def _step(gradient: np.ndarray, hessian: np.ndarray, damp: float) -> tuple[np.ndarray, float]:
    """A step up, and the rise that it promises; where the surface is not concave its curvature is turned."""
    size = np.sqrt(np.abs(np.diag(hessian)))
    size[size == 0] = 1.0
    value, vector = np.linalg.eigh(-hessian / np.outer(size, size))
    curve = np.abs(value)
    curve = np.where(curve < 1e-12 * max(curve.max(), 1e-300), np.inf, curve) + damp
    along = vector.T @ (gradient / size)
    return np.asarray(vector @ (along / curve) / size), float(0.5 * np.sum(along**2 / curve))


def _objective(design: Design, guesses: np.ndarray) -> Objective:
    matrix = design.matrix()

    def found(theta: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        with np.errstate(all="ignore"):
            at = known(design.payoffs(theta), guesses[:, 0], guesses[:, 1])
            value = float(value_of(at, design.counts).sum())
            gradient, curve = derivatives(at, design.counts)
            by = linear(at) @ matrix
            return (
                value,
                np.einsum("nk,nkp->p", gradient, by),
                np.einsum("nkp,nkl,nlq->pq", by, curve, by, optimize=True),
            )

    return found


def starts(many: int, count: int, seed: int) -> list[np.ndarray]:
    """Start values of PL: zero, then normal draws of several widths."""
    rng = np.random.default_rng(seed)
    return [np.zeros(many), *(SPREADS[k % len(SPREADS)] * rng.standard_normal(many) for k in range(count - 1))]


def pseudo_likelihood(
    design: Design, resist: np.ndarray, firm: np.ndarray, *, start: Sequence[np.ndarray] | None = None, count: int = 4,
    seed: int = 1,
) -> Pseudo:  # fmt: skip
    """PL: maximise the pseudo-likelihood at given guesses.

    Args:
        design: The games.
        resist: Guess of p_R [game].
        firm: Guess of p_F [game].
        start: Start values; by default `count` of `starts`.
        count: Number of them.
        seed: Of the random ones.
    """
    guesses = np.stack([np.clip(resist, EDGE, 1 - EDGE), np.clip(firm, EDGE, 1.0)], axis=1)
    objective = _objective(design, guesses)
    begun = starts(len(design.names), count, seed) if start is None else start
    tried = [newton(objective, np.asarray(one, dtype=float)) for one in begun]
    theta, value, good = max(tried, key=lambda one: (np.isfinite(one[1]), one[1] if np.isfinite(one[1]) else 0.0))
    return _result(design, guesses, theta, value, good)


def _result(design: Design, guesses: np.ndarray, theta: np.ndarray, value: float, good: bool) -> Pseudo:
    _, gradient, hessian = _objective(design, guesses)(theta)
    with np.errstate(all="ignore"):
        at = known(design.payoffs(theta), guesses[:, 0], guesses[:, 1])
        by_payoff = np.einsum("nk,nkp->np", derivatives(at, design.counts)[0], linear(at))
    return Pseudo(theta, value, gradient, hessian, design.pull(by_payoff), guesses[:, 0], guesses[:, 1], good)


def nested(
    design: Design, resist: np.ndarray, firm: np.ndarray, *, start: Sequence[np.ndarray] | None = None, count: int = 4,
    seed: int = 1, rounds: int = ROUNDS, tolerance: float = TOLERANCE,
    progress: Callable[[str, float], None] = lambda stage, share: None,
) -> Pseudo:  # fmt: skip
    """NPL: PL again and again, with the best responses at the estimate in the place of the guesses.

    Args:
        design: The games.
        resist: First guess of p_R [game].
        firm: First guess of p_F [game].
        start: Start values of the first PL.
        count: Number of random ones.
        seed: Of these.
        rounds: At most.
        tolerance: Change at which it has settled.
        progress: Told the stage and the share done.

    Returns:
        The last round; `settled` is false where it had not settled, or a PL had not.
    """
    found = pseudo_likelihood(design, resist, firm, start=start, count=count, seed=seed)
    change = np.inf
    done = 1
    for done in range(2, rounds + 1):
        progress(f"NPL (round {done})", min(0.95, done / rounds))
        with np.errstate(all="ignore"):
            guesses = _respond_in_turn(design, found)
        if not np.isfinite(guesses).all():
            change = np.inf
            break
        new = pseudo_likelihood(design, guesses[:, 0], guesses[:, 1], start=[found.theta])
        change = float(
            max(
                np.abs(new.resist - found.resist).max(), np.abs(new.firm - found.firm).max(),
                (np.abs(new.theta - found.theta) / (1 + np.abs(found.theta))).max(),
            )
        )  # fmt: skip
        found = new
        if change < tolerance or not np.isfinite(change):
            break
    settled = found.settled and change < tolerance
    return Pseudo(
        found.theta, found.value, found.gradient, found.hessian, found.scores, found.resist, found.firm, settled, done,
        change, _following(design, found),
    )  # fmt: skip


def _respond_in_turn(design: Design, found: Pseudo) -> np.ndarray:
    """A's best response to the guess of p_R, then B's to it: the fixed points of Ψ, in half as many rounds."""
    payoffs = design.payoffs(found.theta)
    firm = np.clip(respond(payoffs, np.stack([found.resist, found.firm], axis=1))[0][:, 1], EDGE, 1.0)
    resist = ndtr(payoffs[:, 4] - payoffs[:, 6] + (payoffs[:, 6] - payoffs[:, 2]) / firm)
    return np.stack([np.clip(resist, EDGE, 1 - EDGE), firm], axis=1)


def follow(payoffs: np.ndarray, guesses: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Derivative of an equilibrium (p_R, p_F) by the coefficients, (I - J)^-1 J_θ [game, 2, coefficient].

    Args:
        payoffs: [game, payoff].
        guesses: The equilibrium [game, 2].
        matrix: Derivative of the payoffs by the coefficients [game, payoff, coefficient].
    """
    _, by_payoff, jacobian = respond(payoffs, guesses)
    return np.asarray(np.linalg.solve(np.eye(2) - jacobian, by_payoff @ matrix))


def _following(design: Design, found: Pseudo) -> np.ndarray | None:
    """-A: derivative of the summed scores, with the probabilities following the coefficients."""
    if not found.settled:
        return None
    payoffs = design.payoffs(found.theta)
    at = known(payoffs, found.resist, found.firm)
    gradient = derivatives(at, design.counts)[0]
    by_guess = np.stack(
        [gradient[:, :2].sum(axis=1) * -at.stake / at.resist**2, gradient[:, 2] * -at.gap / at.firm**2], axis=1
    )
    try:
        moved = follow(payoffs, np.stack([found.resist, found.firm], axis=1), design.matrix())
    except np.linalg.LinAlgError:
        return None
    return np.asarray(-(found.scores.T @ found.scores + np.einsum("np,ni,niq->pq", found.scores, by_guess, moved)))


def slope(payoffs: np.ndarray, guesses: np.ndarray) -> np.ndarray:
    """Derivative of the best response to the best response, by game: beyond 1 in size an equilibrium is unstable."""
    jacobian = respond(payoffs, guesses)[2]
    return np.asarray(jacobian[:, 0, 1] * jacobian[:, 1, 0])


def probit(chance: np.ndarray) -> np.ndarray:
    """Φ^-1 of chances held within `EDGE`."""
    return np.asarray(probit_of(np.clip(chance, EDGE, 1 - EDGE)))
