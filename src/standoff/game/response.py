r"""One decision on the belief grid: the logit response of both types and the belief that it induces.

A mover of type i plays move a with chance proportional to exp(lambda Q_i(a)). Moves that go on are worth what
follows at the *updated* public belief, which the strategy itself determines: with x the log-odds of the firm
type and d_a = ln pi_1(a) - ln pi_0(a),

    d_a = lambda [Q_1(a; x + d_a) - Q_0(a; x + d_a)] - s,      s = Z_1 - Z_0,     Z_i = ln sum_a exp(lambda Q_i(a))

(agent logit quantal response equilibrium, McKelvey & Palfrey 1998, in likelihood ratios). The Jacobian of
F_a(d) = d_a - lambda Delta_a(x + d_a) + s(d) is diagonal plus the rank one matrix 1 g', so a Newton step is the
Sherman-Morrison formula and costs as much as there are moves. Points that plain Newton does not settle are
continued from lambda = 0. Nothing is capped in silence: what does not settle is returned as such.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from standoff.game.interpolate import evaluate

TOLERANCE = 1e-10
MAX_NEWTON = 14
RAMP = 24
RAMP_TRIES = 6
LAST_TRIES = 40
RESTARTS = 40
NEAR = 0.05
FEW = 4
STEP_LIMIT = 3.0


class Tables(eqx.Module):
    """What a mover knows of one decision: axes `type`, `move`, then state, other's belief, own belief.

    `value`, `slope`: worth of what follows at the nodes of the own belief, for moves that go on; `flow` is added
    to it. `end` is the payoff of the moves that end the game. Masks say what can be played.
    """

    value: Float[Array, "2 going state other node"]
    slope: Float[Array, "2 going state other node"]
    flow: Float[Array, "2 going state"]
    end: Float[Array, "2 ending state"]
    can_go: Bool[Array, "going state"]
    can_end: Bool[Array, "ending state"]


class Point(eqx.Module):
    """State of the iteration: likelihood ratios, Newton's step and a cautious one, residual, det of the Jacobian."""

    d: Float[Array, "going state other point"]
    step: Float[Array, "going state other point"]
    cautious: Float[Array, "going state other point"]
    residual: Float[Array, "state other point"]
    det: Float[Array, "state other point"]
    worth: Float[Array, "2 going state other point"]


class Response(eqx.Module):
    """A solved decision: chances of the moves that go on and of those that end the game, and their worth."""

    point: Point
    settled: Bool[Array, "state other node"]
    flagged: Bool[Array, "state other node"]
    log_pi_go: Float[Array, "2 going state other node"]
    log_pi_end: Float[Array, "2 ending state other node"]
    worth: Float[Array, "2 going state other node"]
    after: Float[Array, "going state other node"]


def posterior(prior: Float[Array, "*any"], d: Float[Array, "*any"]) -> Float[Array, "*any"]:
    """Bayes: chance of the firm type after a move with log-likelihood ratio d; 0 and 1 stay as they are."""
    odds = prior * jnp.exp(d)
    return odds / (1 - prior + odds)


def _worth(
    tables: Tables, belief: Float[Array, "state other point"], d: Float[Array, "going state other point"]
) -> tuple[Float[Array, "going state other point"], Array, Array]:
    after = posterior(jnp.broadcast_to(belief, d.shape), d)
    worth, gradient = evaluate(tables.value, tables.slope, jnp.broadcast_to(after, (2, *d.shape)))
    return after, worth + tables.flow[..., None, None], gradient


def look(
    tables: Tables,
    belief: Float[Array, "state other point"],
    precision: Float[Array, "state other point"],
    d: Float[Array, "going state other point"],
) -> Point:
    """Evaluate the equations at ratios d and public beliefs `belief`, and find the Newton step."""
    after, worth, gradient = _worth(tables, belief, d)
    can = tables.can_go[..., None, None]
    sharp = precision[None, None]
    go = jnp.where(can, sharp * worth, -jnp.inf)
    end = jnp.where(tables.can_end[..., None, None], sharp * tables.end[..., None, None], -jnp.inf)
    top = jnp.maximum(go.max(1), end.max(1, initial=-jnp.inf))
    lift = jnp.exp(go - top[:, None])
    total = lift.sum(1) + jnp.exp(end - top[:, None]).sum(1)
    log_total = jnp.log(total) + top
    change = gradient * (precision[None] * after * (1 - after))[None]
    error = jnp.where(can, d - (go[1] - go[0]) + (log_total[1] - log_total[0])[None], 0.0)
    diagonal = jnp.where(can, 1 - (change[1] - change[0]), 1.0)
    inverse = 1 / diagonal
    row = lift[1] / total[1][None] * change[1] - lift[0] / total[0][None] * change[0]
    bordered = 1 + (row * inverse).sum(0)
    step = inverse * (error - ((row * inverse * error).sum(0) / bordered)[None])
    safe = 1 / jnp.maximum(diagonal, 1.0)
    damped = (row * safe * error).sum(0) / jnp.maximum(1 + (row * safe).sum(0), 1.0)
    cautious = 0.5 * safe * (error - damped[None])
    return Point(d, step, cautious, jnp.abs(error).max(0), bordered * jnp.prod(diagonal, axis=0), worth)


def play(tables: Tables, precision: Float[Array, ""], point: Point, settled: Array, flagged: Array) -> Response:
    """The strategy at a point, in log chances, with the worth of each move in the mover's unit."""
    after = posterior(jnp.broadcast_to(jnp.linspace(0.0, 1.0, point.d.shape[-1]), point.d.shape), point.d)
    worth = point.worth
    go = jnp.where(tables.can_go[..., None, None], precision * worth, -jnp.inf)
    end = jnp.where(tables.can_end, precision * tables.end, -jnp.inf)[..., None, None]
    end = jnp.broadcast_to(end, (*end.shape[:3], *point.d.shape[-2:]))
    total = jax.nn.logsumexp(jnp.concatenate([go, end], axis=1), axis=1)[:, None]
    return Response(point, settled, flagged, go - total, end - total, worth, after)


class Search(eqx.Module):
    """State of the rescue at its points: steps in all and at this stage, share of the precision, restarts, point."""

    count: Array
    tries: Array
    share: Float[Array, "state other point"]
    restarts: Array
    point: Point


def _advance(point: Point, careful: Array | bool) -> Float[Array, "going state other point"]:
    """Newton's step, limited in length; a cautious step where asked for, far from a root or where it points up."""
    far = careful & ((point.residual > NEAR) | (point.det <= 0))
    step = jnp.where(far[None] | ~jnp.isfinite(point.step), point.cautious, point.step)
    largest = jnp.abs(step).max(0)
    return point.d - step * jnp.minimum(1.0, STEP_LIMIT / jnp.maximum(largest, 1e-30))[None]


def _elsewhere(restarts: Array, moves: int) -> Float[Array, "going state other point"]:
    """Where a restart begins: 0 the first time, then points spread over a growing cube, the same in every run."""
    times = restarts.astype(jnp.float64)
    turn = times[None] * jnp.arange(1.0, moves + 1)[:, None, None, None]
    spread = jnp.modf(turn * 0.6180339887498949 + 0.25 * turn**2 * 0.7548776662466927)[0]
    return jnp.where(restarts <= 1, 0.0, (2 * spread - 1) * (1 + times[None] / 6))


def _rescue(tables: Tables, belief: Array, precision: Array) -> Point:
    """Answers at a few stubborn points, each a state of its own: raised from precision 0, then from other starts."""
    moves = tables.value.shape[1]
    most = RAMP * RAMP_TRIES + LAST_TRIES * (RESTARTS + 1)

    def done(search: Search) -> Array:
        return (search.share >= 1) & (search.point.residual <= TOLERANCE)

    def more(search: Search) -> Array:
        return (search.count < most) & ~done(search).all()

    def again(search: Search) -> Search:
        point, settled = search.point, done(search)
        restart = (search.share >= 1) & (search.tries >= LAST_TRIES) & ~settled
        restarts = search.restarts + restart.astype(jnp.int32)
        rise = (search.share < 1) & ((point.residual <= 1e-6) | (search.tries >= RAMP_TRIES))
        share = jnp.where(rise, search.share + 1 / RAMP, search.share)
        share = jnp.where(share > 1 - 0.5 / RAMP, 1.0, share)
        d = jnp.where(settled | (search.count == 0), point.d, _advance(point, search.restarts == 1))
        d = jnp.where(restart, _elsewhere(restarts, moves), d)
        tries = jnp.where(restart | rise, 0, search.tries + 1)
        return Search(search.count + 1, tries, share, restarts, look(tables, belief, precision * share, d))

    shape = belief.shape
    zero = jnp.zeros((moves, *shape))
    blank = Point(zero, zero, zero, jnp.full(shape, jnp.inf), jnp.ones(shape), jnp.zeros((2, *zero.shape)))
    none = jnp.zeros(shape, jnp.int32)
    start = Search(jnp.asarray(0), none, jnp.full(shape, 1 / RAMP), none + 1, blank)
    return jax.lax.while_loop(more, again, start).point


def respond(tables: Tables, precision: Float[Array, ""], guess: Float[Array, "going state other node"]) -> Response:
    """Solve the decision at every belief; `guess` warms it.

    A node is settled when its residual, in log-likelihood, is at most `TOLERANCE`. Nodes that `MAX_NEWTON` steps
    from the guess do not settle are taken out, `FEW` at a time, so that a stuck one costs the others nothing. They
    begin again at precision 0, which is raised to its full height in `RAMP` parts, at most `RAMP_TRIES` steps on a
    part; far from a root or past a fold they take damped steps of the best-response dynamics, which leave an
    unstable branch for the nearest stable one. What is not settled `LAST_TRIES` steps later is started anew from up
    to `RESTARTS` other points. Nodes that needed any of this, or whose Jacobian has a determinant of 0 or less, are
    flagged: there more than one answer is possible. The rest is reported as unsettled.
    """
    shape = guess.shape[1:]
    belief = jnp.broadcast_to(jnp.linspace(0.0, 1.0, shape[-1]), shape)
    full = jnp.broadcast_to(precision, shape)

    def more(carry: tuple[Array, Point]) -> Array:
        return (carry[0] <= MAX_NEWTON) & (carry[1].residual > TOLERANCE).any()

    def again(carry: tuple[Array, Point]) -> tuple[Array, Point]:
        count, point = carry
        settled = (point.residual <= TOLERANCE) | (count == 0)
        return count + 1, look(tables, belief, full, jnp.where(settled, point.d, _advance(point, False)))

    zero = jnp.zeros_like(guess)
    blank = Point(guess, zero, zero, jnp.full(shape, jnp.inf), jnp.ones(shape), jnp.zeros((2, *zero.shape)))
    point = jax.lax.while_loop(more, again, (jnp.asarray(0), blank))[1]
    stuck = point.residual > TOLERANCE

    def mend(carry: tuple[Array, Point]) -> tuple[Array, Point]:
        waiting, point = carry
        s, o, n = jnp.nonzero(waiting, size=FEW, fill_value=0)
        rows = Tables(
            tables.value[:, :, s, o][:, :, :, None], tables.slope[:, :, s, o][:, :, :, None],
            tables.flow[:, :, s], tables.end[:, :, s], tables.can_go[:, s], tables.can_end[:, s],
        )  # fmt: skip
        one = (FEW, 1, 1)
        mended = _rescue(rows, belief[s, o, n].reshape(one), jnp.broadcast_to(precision, one))
        picked = waiting[s, o, n]

        def put(old: Array, new: Array) -> Array:
            return old.at[..., s, o, n].set(jnp.where(picked, new[..., 0, 0], old[..., s, o, n]))

        return waiting.at[s, o, n].set(False), jax.tree.map(put, point, mended)

    _, point = jax.lax.while_loop(lambda carry: carry[0].any(), mend, (stuck, point))
    return play(tables, precision, point, point.residual <= TOLERANCE, stuck | (point.det <= 0))
