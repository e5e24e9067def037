r"""One decision on the belief grid: the logit response of both types and the belief that it induces.

A mover of type i plays move a with chance proportional to exp(lambda Q_i(a)). Moves that go on are worth what
follows at the *updated* public belief, which the strategy itself determines: with x the log-odds of the firm
type and d_a = ln pi_1(a) - ln pi_0(a),

    d_a = lambda [Q_1(a; x + d_a) - Q_0(a; x + d_a)] - s,      s = Z_1 - Z_0,     Z_i = ln sum_a exp(lambda Q_i(a))

(agent logit quantal response equilibrium, McKelvey & Palfrey 1998, in likelihood ratios). The Jacobian of
F_a(d) = d_a - lambda Delta_a(x + d_a) + s(d) is diagonal plus the rank one matrix 1 g', so a Newton step is the
Sherman-Morrison formula and costs as much as there are moves. Points that plain Newton does not settle are
continued from lambda = 0. Nothing is capped in silence: what does not settle is returned as such.

Inside, states and beliefs are laid out as one axis of *points*, which the compiler turns into plain loops.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from standoff.game.interpolate import along, along_all

TOLERANCE = 1e-10
MAX_NEWTON = 14
RAMP = 24
RAMP_TRIES = 6
LAST_TRIES = 40
RESTARTS = 40
NEAR = 0.05
FEW = 4
STEP_LIMIT = 3.0
MOST_RATIO = 700.0
"""Log-likelihood ratio whose exponential is still a number; beyond it a posterior is 0 or 1 to rounding anyway."""


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


class Decision(eqx.Module):
    """A decision at points: where each point's tables begin, its belief, what its moves add and whether they exist."""

    value: Float[Array, " entry"]
    slope: Float[Array, " entry"]
    base: Int[Array, "2 going point"]
    belief: Float[Array, " point"]
    flow: Float[Array, "2 going point"]
    end: Float[Array, "2 ending point"]
    can_go: Bool[Array, "going point"]
    can_end: Bool[Array, "ending point"]
    nodes: int = eqx.field(static=True)


class Point(eqx.Module):
    """State of the iteration: likelihood ratios, Newton's step and a cautious one, residual, det of the Jacobian.

    `worth` is that of the moves that go on, in the mover's unit, `total` the log of the summed weight of all moves.
    """

    d: Float[Array, "going ..."]
    step: Float[Array, "going ..."]
    cautious: Float[Array, "going ..."]
    residual: Float[Array, "..."]
    det: Float[Array, "..."]
    worth: Float[Array, "2 going ..."]
    total: Float[Array, "2 ..."]


class Response(eqx.Module):
    """A solved decision: chances of the moves that go on and of those that end the game, and beliefs after the former.

    Its axis `point` runs over states, the other's beliefs and the nodes of the own belief, in this order.
    """

    point: Point
    settled: Bool[Array, " point"]
    flagged: Bool[Array, " point"]
    log_pi_go: Float[Array, "2 going point"]
    log_pi_end: Float[Array, "2 ending point"]
    after: Float[Array, "going point"]


def posterior(prior: Float[Array, "*any"], d: Float[Array, "*any"]) -> Float[Array, "*any"]:
    """Bayes: chance of the firm type after a move with log-likelihood ratio d; 0 and 1 stay as they are."""
    odds = prior * jnp.exp(jnp.clip(d, -MOST_RATIO, MOST_RATIO))
    return odds / (1 - prior + odds)


def lay_out(tables: Tables) -> Decision:
    """The decision at every state, other's belief and node of the own belief, as points in this order."""
    _, going, states, others, nodes = tables.value.shape
    each = others * nodes
    rows = np.arange(2 * going * states * others, dtype=np.int32).reshape(2, going, states * others)
    return Decision(
        tables.value.reshape(-1),
        tables.slope.reshape(-1),
        jnp.asarray(np.repeat(rows * nodes, nodes, axis=-1)),
        jnp.tile(jnp.linspace(0.0, 1.0, nodes), states * others),
        jnp.repeat(tables.flow, each, axis=-1),
        jnp.repeat(tables.end, each, axis=-1),
        jnp.repeat(tables.can_go, each, axis=-1),
        jnp.repeat(tables.can_end, each, axis=-1),
        nodes,
    )


def _ending(decision: Decision, precision: Float[Array, " point"]) -> Float[Array, "2 ending point"]:
    return jnp.where(decision.can_end[None], precision[None, None] * decision.end, -jnp.inf)


def ending_weight(decision: Decision, precision: Float[Array, " point"]) -> Float[Array, "2 point"]:
    """Log of the summed weight of the moves that end the game."""
    if not decision.end.shape[1]:
        return jnp.full((2, *precision.shape), -jnp.inf)
    return jax.nn.logsumexp(_ending(decision, precision), axis=1)


class Balance(eqx.Module):
    """The equations at ratios d: beliefs after the moves, worth, its derivative in d, total log weight, the error."""

    after: Float[Array, "going point"]
    worth: Float[Array, "2 going point"]
    steep: Float[Array, "2 going point"]
    share: Float[Array, "2 going point"]
    total: Float[Array, "2 point"]
    error: Float[Array, "going point"]


def weigh(
    decision: Decision,
    precision: Float[Array, " point"],
    ends: Float[Array, "2 point"],
    d: Float[Array, "going point"],
) -> Balance:
    """Evaluate the equations at ratios d; `ends` is `ending_weight` at this precision."""
    after = posterior(jnp.broadcast_to(decision.belief[None], d.shape), d)
    worth, gradient = along(
        decision.value, decision.slope, decision.base, jnp.broadcast_to(after[None], (2, *d.shape)), decision.nodes
    )
    return _balance(decision, precision, ends, d, after, worth, gradient)


def _balance(
    decision: Decision, precision: Array, ends: Array, d: Array, after: Array, worth: Array, gradient: Array
) -> Balance:
    worth = worth + decision.flow
    go = jnp.where(decision.can_go[None], precision[None, None] * worth, -jnp.inf)
    top = jnp.maximum(go.max(1), ends)
    lift = jnp.exp(go - top[:, None])
    weight = lift.sum(1) + jnp.exp(ends - top)
    total = jnp.log(weight) + top
    error = jnp.where(decision.can_go, d - (go[1] - go[0]) + (total[1] - total[0])[None], 0.0)
    return Balance(after, worth, gradient * (after * (1 - after))[None], lift * (1 / weight)[:, None], total, error)


def look(
    decision: Decision,
    precision: Float[Array, " point"],
    ends: Float[Array, "2 point"],
    d: Float[Array, "going point"],
    *,
    careful: bool = False,
) -> Point:
    """Evaluate the equations at ratios d, and find the Newton step and, if `careful`, a cautious one."""
    here = weigh(decision, precision, ends, d)
    error = here.error
    change = here.steep * precision[None, None]
    diagonal = jnp.where(decision.can_go, 1 - (change[1] - change[0]), 1.0)
    inverse = 1 / diagonal
    row = here.share[1] * change[1] - here.share[0] * change[0]
    bordered = 1 + (row * inverse).sum(0)
    step = inverse * (error - ((row * inverse * error).sum(0) / bordered)[None])
    step = jnp.where(decision.can_go, step, 0.0)
    cautious = step
    if careful:
        safe = 1 / jnp.maximum(diagonal, 1.0)
        damped = (row * safe * error).sum(0) / jnp.maximum(1 + (row * safe).sum(0), 1.0)
        cautious = jnp.where(decision.can_go, 0.5 * safe * (error - damped[None]), 0.0)
    det = bordered * jnp.prod(diagonal, axis=0)
    return Point(d, step, cautious, jnp.abs(error).max(0), det, here.worth, here.total)


def frozen(
    tables: Tables, other: Tables, precision: Float[Array, ""], solved: Float[Array, "going point"]
) -> tuple[Response, Float[Array, "2 going point"]]:
    """The decision at ratios that solve it, as a function that can be differentiated in tables and precision.

    One Newton step is taken from the solution, with solution and operator held fixed: the step is 0, its derivative
    is that of the solution by the implicit function theorem. Where the operator is singular (a fold) there is none.
    The second answer is the worth of the moves that go on to the types of the `other` player.
    """
    decision = lay_out(tables)
    full = jnp.broadcast_to(precision, decision.belief.shape)
    ends = ending_weight(decision, full)
    d = jax.lax.stop_gradient(solved)
    after = posterior(jnp.broadcast_to(decision.belief[None], d.shape), d)
    nodes = decision.nodes
    both = [
        jnp.concatenate([a, b]).reshape(4, -1, nodes)
        for a, b in ((tables.value, other.value), (tables.slope, other.slope))
    ]
    worths, gradients = along_all(both[0], both[1], after.reshape(-1, nodes))
    worths, gradients = (a.reshape(4, *d.shape) for a in (worths, gradients))
    gradients = jax.lax.stop_gradient(gradients)
    here = _balance(decision, full, ends, d, after, worths[:2], gradients[:2])
    steep, share = jax.lax.stop_gradient((here.steep, here.share))
    change = steep * jax.lax.stop_gradient(full)[None, None]
    diagonal = jnp.where(decision.can_go, 1 - (change[1] - change[0]), 1.0)
    row = (share[1] * change[1] - share[0] * change[0]) / diagonal
    step = (here.error - ((row * here.error).sum(0) / (1 + row.sum(0)))[None]) / diagonal
    worth = here.worth - steep * step[None]
    go = jnp.where(decision.can_go[None], full[None, None] * worth, -jnp.inf)
    end = _ending(decision, full)
    total = jax.nn.logsumexp(jnp.concatenate([go, ends[:, None]], axis=1), axis=1)
    zero, fine = jnp.zeros(decision.belief.shape), jnp.ones(decision.belief.shape, bool)
    point = Point(d, step, step, zero, zero + 1, worth, total)
    moved = after * (1 - after) * step
    answer = Response(point, fine, ~fine, go - total[:, None], end - total[:, None], after - moved)
    return answer, worths[2:] - gradients[2:] * moved[None]


def answered(
    tables: Tables, other: Tables, precision: Float[Array, ""], guess: Float[Array, "going point"]
) -> tuple[Response, Float[Array, "2 going point"]]:
    """The decision, solved, and the worth of the moves that go on to the types of the `other` player."""
    answer = respond(tables, precision, guess)
    reached = jnp.broadcast_to(answer.after[None], (2, *answer.after.shape))
    base = lay_out(tables).base
    seen, _ = along(other.value.reshape(-1), other.slope.reshape(-1), base, reached, other.value.shape[-1])
    return answer, seen


def play(decision: Decision, precision: Array, point: Point) -> tuple[Array, Array, Array]:
    """The strategy at a point, in log chances: moves that go on, moves that end the game; beliefs after the former."""
    after = posterior(jnp.broadcast_to(decision.belief[None], point.d.shape), point.d)
    total = point.total[:, None]
    go = jnp.where(decision.can_go[None], precision[None, None] * point.worth, -jnp.inf)
    return go - total, _ending(decision, precision) - total, after


class Search(eqx.Module):
    """State of the rescue at its points: steps in all and at this stage, share of the precision, restarts, point."""

    count: Array
    tries: Array
    share: Float[Array, " point"]
    restarts: Array
    point: Point


def _advance(point: Point, careful: Array | bool) -> Float[Array, "going point"]:
    """Newton's step, limited in length; a cautious step where asked for, far from a root or where it points up."""
    far = careful & ((point.residual > NEAR) | ~(point.det > 0))
    step = jnp.where(far[None] | ~jnp.isfinite(point.step), point.cautious, point.step)
    step = jnp.where(jnp.isfinite(step), step, 0.0)
    largest = jnp.abs(step).max(0)
    return point.d - step * jnp.minimum(1.0, STEP_LIMIT / jnp.maximum(largest, 1e-30))[None]


def _elsewhere(restarts: Array, moves: int) -> Float[Array, "going point"]:
    """Where a restart begins: 0 the first two times, then points spread over a growing cube, the same in every run."""
    times = restarts.astype(jnp.float64)
    turn = times[None] * jnp.arange(1.0, moves + 1)[:, None]
    spread = jnp.modf(turn * 0.6180339887498949 + 0.25 * turn**2 * 0.7548776662466927)[0]
    return jnp.where(restarts <= 2, 0.0, (2 * spread - 1) * (1 + times[None] / 6))


def _blank(decision: Decision, d: Float[Array, "going point"]) -> Point:
    zero, shape = jnp.zeros_like(d), decision.belief.shape
    return Point(
        d, zero, zero, jnp.full(shape, jnp.inf), jnp.ones(shape), jnp.zeros((2, *d.shape)), jnp.zeros((2, *shape))
    )  # fmt: skip


def _rescue(decision: Decision, precision: Array, guess: Float[Array, "going point"]) -> Point:
    """Answers at a few stubborn points: with care from the guess, raised from precision 0, then from other starts."""
    moves, count = decision.can_go.shape
    most = RAMP * RAMP_TRIES + LAST_TRIES * (RESTARTS + 2)

    def done(search: Search) -> Array:
        return (search.share >= 1) & (search.point.residual <= TOLERANCE)

    def more(search: Search) -> Array:
        return (search.count < most) & ~done(search).all()

    def again(search: Search) -> Search:
        point, settled = search.point, done(search)
        begin = (search.share >= 1) & (search.tries >= LAST_TRIES) & ~settled
        restarts = search.restarts + begin.astype(jnp.int32)
        rise = (search.share < 1) & ((point.residual <= 1e-6) | (search.tries >= RAMP_TRIES))
        share = jnp.where(rise, search.share + 1 / RAMP, search.share)
        share = jnp.where(share > 1 - 0.5 / RAMP, 1.0, share)
        share = jnp.where(begin & (restarts == 1), 1 / RAMP, share)
        d = jnp.where(settled | (search.count == 0), point.d, _advance(point, search.restarts <= 2))
        d = jnp.where(begin[None] & decision.can_go, _elsewhere(restarts, moves), d)
        tries = jnp.where(begin | rise, 0, search.tries + 1)
        sharp = precision * share
        point = look(decision, sharp, ending_weight(decision, sharp), d, careful=True)
        return Search(search.count + 1, tries, share, restarts, point)

    none = jnp.zeros(count, jnp.int32)
    start = Search(jnp.asarray(0), none, jnp.ones(count), none, _blank(decision, guess))
    return jax.lax.while_loop(more, again, start).point


def respond(tables: Tables, precision: Float[Array, ""], guess: Float[Array, "going point"]) -> Response:
    """Solve the decision at every belief; `guess` warms it.

    A node is settled when its residual, in log-likelihood, is at most `TOLERANCE`. Nodes that `MAX_NEWTON` steps
    from the guess do not settle are taken out, `FEW` at a time, so that a stuck one costs the others nothing. They
    begin again from the guess; far from a root or past a fold they take damped steps of the best-response dynamics,
    which leave an unstable branch for the nearest stable one. What is not settled `LAST_TRIES` steps later begins at
    precision 0, which is raised to its full height in `RAMP` parts, at most `RAMP_TRIES` steps on a part, and then
    from up to `RESTARTS` other points. Nodes that needed any of this, or whose Jacobian has a determinant of 0 or less,
    are flagged: there more than one answer is possible. The rest is reported as unsettled.
    """
    decision = lay_out(tables)
    full = jnp.broadcast_to(precision, decision.belief.shape)
    ends = ending_weight(decision, full)

    def more(carry: tuple[Array, Point]) -> Array:
        return (carry[0] <= MAX_NEWTON) & ~(carry[1].residual <= TOLERANCE).all()

    def again(carry: tuple[Array, Point]) -> tuple[Array, Point]:
        count, point = carry
        settled = (point.residual <= TOLERANCE) | (count == 0)
        return count + 1, look(decision, full, ends, jnp.where(settled, point.d, _advance(point, False)))

    blank = _blank(decision, guess)
    point = jax.lax.while_loop(more, again, (jnp.asarray(0), blank))[1]
    stuck = ~(point.residual <= TOLERANCE)

    def mend(carry: tuple[Array, Point]) -> tuple[Array, Point]:
        waiting, point = carry
        at = jnp.nonzero(waiting, size=FEW, fill_value=0)[0]
        few = Decision(
            decision.value, decision.slope, decision.base[..., at], decision.belief[at], decision.flow[..., at],
            decision.end[..., at], decision.can_go[..., at], decision.can_end[..., at], decision.nodes,
        )  # fmt: skip
        mended = _rescue(few, full[at], guess[:, at])
        picked = waiting[at]

        def put(old: Array, new: Array) -> Array:
            return old.at[..., at].set(jnp.where(picked, new, old[..., at]))

        return waiting.at[at].set(False), jax.tree.map(put, point, mended)

    _, point = jax.lax.while_loop(lambda carry: carry[0].any(), mend, (stuck, point))
    go, end, after = play(decision, full, point)
    return Response(point, point.residual <= TOLERANCE, stuck | ~(point.det > 0), go, end, after)
