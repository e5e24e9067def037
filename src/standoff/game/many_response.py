r"""One decision of a mover with K types: logit responses and the belief that they induce, at every grid point.

With x the public belief about the mover, d_k(a) = ln pi_k(a) - ln pi_0(a) for moves a that go on (d_0 = 0) and

    x'_k(a) = x_k exp(d_k(a)) / sum_l x_l exp(d_l(a)),      Z_k = ln sum_a exp(lambda Q_k(a)),

the agent logit quantal response equilibrium (McKelvey & Palfrey 1998) solves

    F_k(a) = d_k(a) - lambda [Q_k(a; x'(a)) - Q_0(a; x'(a))] + Z_k - Z_0 = 0,      k = 1 .. K-1.

The Jacobian is block diagonal by move, B_a, plus the rank K-1 coupling through Z: row block R_a repeated. A Newton
step solves s = sum_a R_a B_a^{-1} (F_a - s), then B_a step_a = F_a - s: systems of size K-1 only, whatever the number
of moves, and det J = prod_a det B_a det(I + sum_a R_a B_a^{-1}). As Q is piecewise linear in x', F has kinks: what
plain Newton does not settle goes to a search that shortens the step until the residual falls.

Axes inside: type, (ratio), move, *point* (states, the other's beliefs, own beliefs, in this order).
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from standoff.game.simplex import Simplex, Spot, by_ratios, read

TOLERANCE = 1e-10
MAX_NEWTON = 14
STEP_LIMIT = 3.0
FEW = 8
SHORTEST = 0.5**8
RAMP = 24
RAMP_TRIES = 10
LAST_TRIES = 80
PIECE_TRIES = 10
WIDE = 40
EDGE = 1e-3
MOST = 4500
NEAR = 0.05


class Decision(eqx.Module):
    """A decision at points: the flat table of what follows, where each point's tables begin, what moves add.

    `belief` is the log of the public belief about the mover (minus infinity for types ruled out).
    """

    value: Float[Array, " entry"]
    base: Int[Array, "type going point"]
    belief: Float[Array, "type point"]
    flow: Float[Array, "type going point"]
    end: Float[Array, "type ending point"]
    can_go: Bool[Array, "going point"]
    can_end: Bool[Array, "ending point"]
    grid: Simplex = eqx.field(static=True)


class Balance(eqx.Module):
    """The equations at ratios d: beliefs after the moves, their worth, log weight of all moves, error, Newton's step.

    `slow` is half a best-response step over the summed size of a row of the Jacobian, where that is above 1; `residual`
    is the largest error of a point, `det` the determinant of the Jacobian.
    """

    after: Float[Array, "type going point"]
    worth: Float[Array, "type going point"]
    total: Float[Array, "type point"]
    error: Float[Array, "_ratio going point"]
    step: Float[Array, "_ratio going point"]
    slow: Float[Array, "_ratio going point"]
    residual: Float[Array, " point"]
    det: Float[Array, " point"]


class Response(eqx.Module):
    """A solved decision: ratios, how well, where more than one answer is possible, the strategy in log chances."""

    d: Float[Array, "_ratio going point"]
    balance: Balance
    flagged: Bool[Array, " point"]
    log_pi_go: Float[Array, "type going point"]
    log_pi_end: Float[Array, "type ending point"]


def ends(decision: Decision, precision: Float[Array, " point"]) -> Float[Array, "type ending point"]:
    """Precision times payoff of the moves that end the game, minus infinity where they cannot be played."""
    return jnp.where(decision.can_end[None], precision[None, None] * decision.end, -jnp.inf)


def posterior(belief: Float[Array, "type point"], d: Float[Array, "_ratio going point"]) -> Float[Array, "..."]:
    """Bayes: public belief after each move, from the log of the belief before it."""
    odds = jnp.concatenate([jnp.zeros_like(d[:1]), d]) + belief[:, None]
    return jax.nn.softmax(odds, axis=0)


def _invert(matrix: Float[Array, "r r ..."]) -> tuple[Float[Array, "r r ..."], Float[Array, "..."]]:
    """Inverse and determinant over the first two axes; where the matrix is singular the inverse is not finite."""
    if len(matrix) == 1:
        return 1 / matrix, matrix[0, 0]
    if len(matrix) == 2:
        (a, b), (c, d) = matrix
        det = a * d - b * c
        return jnp.stack([jnp.stack([d, -b]), jnp.stack([-c, a])]) / det[None, None], det
    last = jnp.moveaxis(matrix, (0, 1), (-2, -1))
    return jnp.moveaxis(jnp.linalg.inv(last), (-2, -1), (0, 1)), jnp.linalg.det(last)


def _times(matrix: Float[Array, "i j ..."], vector: Float[Array, "j ..."]) -> Float[Array, "i ..."]:
    return (matrix * vector[None]).sum(1)


def _product(a: Float[Array, "i j ..."], b: Float[Array, "j k ..."]) -> Float[Array, "i k ..."]:
    return (a[:, :, None] * b[None]).sum(1)


def weigh(
    decision: Decision,
    precision: Float[Array, " point"],
    d: Float[Array, "_ratio going point"],
    cell: Float[Array, "_ratio going point"] | None = None,
) -> Balance:
    """Evaluate the equations and Newton's step at ratios d, on the prolonged piece around ratios `cell` if given."""
    less, going, _ = d.shape
    after = posterior(decision.belief, d)
    spot = Spot(decision.grid, after, None if cell is None else posterior(decision.belief, cell))
    worths, steeps = [], []
    for k in range(less + 1):
        worth, steep = read(spot, decision.value, decision.base[k])
        worths.append(worth + decision.flow[k])
        steeps.append(jnp.stack(by_ratios(spot, after, steep)))
    worth = jnp.stack(worths)
    change = jnp.stack(steeps) * precision[None, None, None]  # type, ratio, move, point
    weight = jnp.concatenate(
        [jnp.where(decision.can_go[None], precision[None, None] * worth, -jnp.inf), ends(decision, precision)], axis=1
    )
    top = weight.max(1)
    lift = jnp.exp(weight - top[:, None])
    mass = lift.sum(1)
    total = jnp.log(mass) + top
    share = (lift / mass[:, None])[:, :going]
    difference = precision[None, None] * (worth[1:] - worth[:1])
    error = jnp.where(decision.can_go[None], d - difference + (total[1:] - total[:1])[:, None], 0.0)
    eye = jnp.eye(less)[:, :, None, None]
    block = jnp.where(decision.can_go[None, None], eye - (change[1:] - change[:1]), eye)
    inverse, minors = _invert(block)
    row = share[1:, None] * change[1:] - share[:1, None] * change[:1]
    across = _product(row, inverse)
    core, det = _invert(jnp.eye(less)[:, :, None] + across.sum(2))
    common = _times(core, _times(across, error).sum(1))
    step = jnp.where(decision.can_go[None], _times(inverse, error - common[:, None]), 0.0)
    size = jnp.abs(block).sum(1) + jnp.abs(row).sum((1, 2))[:, None]
    slow = 0.5 * error / jnp.maximum(size, 1.0)
    return Balance(after, worth, total, error, step, slow, jnp.abs(error).max((0, 1)), det * jnp.prod(minors, axis=0))


def _limited(step: Float[Array, "_ratio going point"]) -> Float[Array, "_ratio going point"]:
    """A step of at most `STEP_LIMIT`; none where it is not finite."""
    step = jnp.where(jnp.isfinite(step), step, 0.0)
    largest = jnp.abs(step).max((0, 1))
    return step * jnp.minimum(1.0, STEP_LIMIT / jnp.maximum(largest, 1e-30))[None, None]


class Search(eqx.Module):
    """State of the rescue: evaluations in all and since a change, share of the precision, restarts, the best point.

    `step` times `length` leads from the point `d`, of that `error` and `residual` (infinite: the next one is taken);
    `least` is the residual at `best`.
    """

    count: Array
    tries: Array
    share: Float[Array, " point"]
    restarts: Array
    d: Float[Array, "_ratio going point"]
    error: Float[Array, "_ratio going point"]
    slow: Float[Array, "_ratio going point"]
    step: Float[Array, "_ratio going point"]
    residual: Float[Array, " point"]
    length: Float[Array, " point"]
    cell: Float[Array, "_ratio going point"]
    best: Float[Array, "_ratio going point"]
    least: Float[Array, " point"]


def _on_piece(restarts: Array) -> Array:
    """Restarts that solve the equations on one prolonged piece, free of kinks: near the best point or anywhere."""
    return (restarts > 1) & ((restarts % 2 == 1) | (restarts % 4 == 0) | (restarts > WIDE))


def _elsewhere(restarts: Array, shape: tuple[int, ...]) -> Float[Array, "_ratio going point"]:
    """Points spread over a cube from -1 to 1, the same in every run."""
    times = restarts.astype(jnp.float64)[None, None]
    number = jnp.arange(1.0, shape[0] * shape[1] + 1).reshape(*shape[:2], 1)
    turn = times * number
    spread = jnp.modf(turn * 0.6180339887498949 + 0.25 * turn**2 * 0.7548776662466927)[0]
    return 2 * spread - 1


def _turn(search: Search, decision: Decision) -> Search:
    """Before an evaluation: give up on a start or a part of the ramp, or on Newton's direction where it only rises."""
    shape, settled = search.d.shape, search.residual <= TOLERANCE
    limit = jnp.where(_on_piece(search.restarts), PIECE_TRIES + 2, LAST_TRIES)
    begin = (search.share >= 1) & (search.tries >= limit) & ~settled
    restarts = search.restarts + begin.astype(jnp.int32)
    rise = (search.share < 1) & ((search.residual <= 1e-6) | (search.tries >= RAMP_TRIES))
    share = jnp.where(rise, search.share + 1 / RAMP, search.share)
    share = jnp.where(share > 1 - 0.5 / RAMP, 1.0, share)
    share = jnp.where(begin & (restarts == 1), 1 / RAMP, share)
    fresh, lost = begin | rise, search.length < SHORTEST
    step = jnp.where(lost[None, None], search.slow, search.step)
    on_piece, spread = _on_piece(restarts), _elsewhere(restarts, shape)
    # the best response to beliefs drawn at random
    first = (restarts > 1) & ~on_piece & (search.tries == 0) & ~fresh & ~settled
    step = jnp.where(first[None, None], search.error, step)
    lost = lost | first
    near, here = on_piece & (restarts % 2 == 1), decision.belief - decision.belief[:1]
    prior = jnp.where(jnp.isfinite(here), here, 0.0)[1:, None]
    anywhere = jnp.log((1 + EDGE + spread) / (1 + EDGE - spread)) - prior
    wide = jnp.where((restarts <= 1)[None, None], 0.0, anywhere)
    start = jnp.where(near[None, None], search.best, wide)
    cell = jnp.where(near[None, None], search.best + spread * (2 / decision.grid.cells), anywhere)
    return Search(
        search.count + 1,
        jnp.where(fresh, 0, search.tries + 1),
        share,
        restarts,
        jnp.where(begin[None, None], jnp.where(decision.can_go[None], start, 0.0), search.d),
        search.error,
        search.slow,
        jnp.where(fresh[None, None], 0.0, step),
        jnp.where(fresh | lost, jnp.inf, search.residual),
        jnp.where(fresh | lost, 1.0, search.length),
        jnp.where(begin[None, None], cell, search.cell),
        search.best,
        search.least,
    )


def _rescue(decision: Decision, precision: Array, guess: Array) -> Array:
    """Answers at a few stubborn points: from the guess, raised from precision 0, then from other starts.

    Newton's step is halved until the residual falls; where it does not, a part of a best-response step is taken.
    Other starts are best responses to beliefs spread over the simplex, and single pieces of it, until a root is found
    or `MOST` evaluations are spent.
    """
    count = decision.can_go.shape[1]

    def done(search: Search) -> Array:
        return (search.share >= 1) & (search.residual <= TOLERANCE)

    def more(search: Search) -> Array:
        return (search.count < MOST) & ~done(search).all()

    def again(before: Search) -> Search:
        now = _turn(before, decision)
        tried = now.d - now.length[None, None] * now.step
        hold = _on_piece(now.restarts) & (now.tries < PIECE_TRIES)
        here = weigh(decision, precision * now.share, tried, jnp.where(hold[None, None], now.cell, tried))
        taken = (here.residual < now.residual) | ~(now.residual < jnp.inf)
        keep = done(before)
        careful = ((now.restarts == 0) | (now.restarts % 4 == 2)) & ((here.residual > NEAR) | ~(here.det > 0))
        step = jnp.where(careful[None, None], _limited(here.slow), _limited(here.step))
        blind = hold | (careful & (now.share >= 1))
        better = ~hold & ~keep & (now.share >= 1) & (here.residual < now.least)

        def pick(new: Array, old: Array, was: Array) -> Array:
            lead = (None,) * (new.ndim - 1)
            return jnp.where(keep[lead], was, jnp.where(taken[lead], new, old))

        return Search(
            now.count, now.tries, now.share, now.restarts, pick(tried, now.d, before.d),
            pick(here.error, now.error, before.error), pick(here.slow, now.slow, before.slow),
            pick(step, now.step, before.step),
            pick(jnp.where(blind, jnp.inf, here.residual), now.residual, before.residual),
            jnp.where(taken, 1.0, 0.5 * now.length), now.cell, jnp.where(better[None, None], tried, now.best),
            jnp.where(better, here.residual, now.least),
        )  # fmt: skip

    none, zero = jnp.zeros(count, jnp.int32), jnp.zeros_like(guess)
    worst = jnp.full(count, jnp.inf)
    start = Search(
        jnp.asarray(0),
        none,
        jnp.ones(count),
        none,
        guess,
        zero,
        zero,
        zero,
        worst,
        jnp.ones(count),
        guess,
        guess,
        worst,
    )
    return jax.lax.while_loop(more, again, start).best


def respond(decision: Decision, precision: Float[Array, ""], guess: Float[Array, "_ratio going point"]) -> Response:
    """Solve the decision at every point, warm from `guess`.

    A point is settled when its residual, in log-likelihood, is at most `TOLERANCE`. Those that `MAX_NEWTON` steps do
    not settle are taken out, `FEW` at a time, so that a stuck one costs the others nothing, and searched for with
    steps that lower the residual: from the guess, then from precision 0 upwards, then from many other starts.
    They and points whose Jacobian has a determinant of 0 or less are flagged. What is not settled keeps its residual.
    """
    full = jnp.broadcast_to(precision, decision.belief.shape[1:])

    def more(carry: tuple[Array, Array, Array, Array]) -> Array:
        return (carry[0] <= MAX_NEWTON) & (carry[3] > TOLERANCE).any()

    def again(carry: tuple[Array, Array, Array, Array]) -> tuple[Array, Array, Array, Array]:
        count, d, step, residual = carry
        d = jnp.where((residual <= TOLERANCE)[None, None], d, d - _limited(step))
        here = weigh(decision, full, d)
        return count + 1, d, here.step, here.residual

    worst = jnp.full(full.shape, jnp.inf)
    _, d, _, residual = jax.lax.while_loop(more, again, (jnp.asarray(0), guess, jnp.zeros_like(guess), worst))
    stuck = ~(residual <= TOLERANCE)

    def mend(carry: tuple[Array, Array]) -> tuple[Array, Array]:
        waiting, d = carry
        at = jnp.nonzero(waiting, size=FEW, fill_value=0)[0]
        few = Decision(
            decision.value, decision.base[..., at], decision.belief[:, at], decision.flow[..., at],
            decision.end[..., at], decision.can_go[..., at], decision.can_end[..., at], decision.grid,
        )  # fmt: skip
        mended = _rescue(few, full[at], guess[..., at])
        put = jnp.where(waiting[at][None, None], mended, d[..., at])
        return waiting.at[at].set(False), d.at[..., at].set(put)

    _, d = jax.lax.while_loop(lambda carry: carry[0].any(), mend, (stuck, d))
    balance = weigh(decision, full, d)
    go = jnp.where(decision.can_go[None], full[None, None] * balance.worth, -jnp.inf)
    total = balance.total[:, None]
    return Response(d, balance, stuck | ~(balance.det > 0), go - total, ends(decision, full) - total)


def lay_out(
    value: Float[Array, "type going state other node"],
    flow: Float[Array, "type going state"],
    end: Float[Array, "type ending state"],
    can_go: Bool[Array, "going state"],
    can_end: Bool[Array, "ending state"],
    grid: Simplex,
) -> Decision:
    """The decision at every state, other's belief and node of the own belief, as points in this order."""
    types, going, states, others, nodes = value.shape
    each = others * nodes
    rows = np.arange(types * going * states * others, dtype=np.int32).reshape(types, going, states * others)
    with np.errstate(divide="ignore"):
        belief = jnp.asarray(np.log(grid.nodes()))
    return Decision(
        value.reshape(-1),
        jnp.asarray(np.repeat(rows * nodes, nodes, axis=-1)),
        jnp.tile(belief, (1, states * others)),
        jnp.repeat(flow, each, axis=-1),
        jnp.repeat(end, each, axis=-1),
        jnp.repeat(can_go, each, axis=-1),
        jnp.repeat(can_end, each, axis=-1),
        grid,
    )
