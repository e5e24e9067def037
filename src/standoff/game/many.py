r"""Games with K persistent private types a side, K >= 2, on a grid of public beliefs over the simplex.

The form is that of `form` (public stages and states); with K = 2 `sweep` solves the same game with cubics.
With J(c, t) the joint prior of the types, m its marginals and R(c, t) = J(c, t) / (m(c) m(t)), the public belief about
a side is x(k) proportional to m(k) times the likelihood of its public record if it were of type k. Moves shift only the
mover's x, and the chances of pairs of types after any record are exactly

    P(c, t) = R(c, t) x_C(c) x_T(t) / sum,

and a type i of one side believes of the other b_i(k) = R(i, k) x(k) / sum_l R(i, l) x(l),

so that correlated types need no further state. Values are kept by player and own type, backwards,

    V_i(k) = sum_a pi_k(a) Q_k(a; x'(a)),      V_j(t) = sum_a [sum_k b_t(k) pi_k(a)] W_t(a; x'(a)),

and each point's strategy is the fixed point of `many_response`. Tables are read between nodes by straight lines on
Kuhn's triangulation (`simplex`): order 2 in 1 / cells. A grid of n cells has (n+K-1 choose K-1) nodes a side and
their square a state: at n = 8, K = 3 takes about 40 times the CPU time of K = 2 (25 times the points;
`test_time_of_two_and_three_types` prints it).
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from standoff.errors import UserError
from standoff.game.form import COERCER, Form, Stage
from standoff.game.many_response import Decision, lay_out, respond
from standoff.game.simplex import Simplex, Spot, read
from standoff.game.sweep import RESIDUAL, leads, rising, turn

POINTS = 2400
"""Points worked through at once (`pieces`), so that a piece stays in cache."""
Ratios = tuple[Float[Array, "_piece _ratio _going _point"], ...]


class Payoffs(eqx.Module):
    """As `form.Payoffs`, with K types a side: `moves[s][player, type, state, move]`, each side in its own unit.

    `prior[c, t]` is the joint chance of the types; `precision` is each player's lambda, `discount` is per round.
    """

    moves: tuple[Float[Array, "2 type _state _move"], ...]
    flow: Float[Array, "2 type nature"]
    chance: Float[Array, "nature branch"]
    hazard: Float[Array, "nature branch"]
    removed: Float[Array, "2 type"]
    horizon: Float[Array, "2 type first"]
    precision: Float[Array, "2"]
    prior: Float[Array, "type type"]
    discount: Float[Array, ""]


class Round(eqx.Module):
    """One solved round, in double precision; residual and unsettled points over all stages."""

    log_pi: tuple[Float[Array, "_state p q type _move"], ...]
    value: Float[Array, "2 type first p q"]
    flagged: tuple[Bool[Array, "_state p q"], ...]
    residual: Float[Array, ""]
    unsettled: Array


@dataclass(frozen=True)
class Solution:
    """A game with K types a side, solved.

    `log_pi[s]` at stage s, `flagged[s]` and `value` at the beginning of a round are stacked over rounds; axes `p` and
    `q` are the nodes of the public beliefs about coercer and target (`grid.nodes()`). `residual` is the largest
    violation of the equilibrium equations in log-likelihood; `unsettled` and `folded` are shares of points, the
    latter of those that Newton's method did not settle from its guess or whose Jacobian has a determinant of 0 or
    less, at any of `shares`.
    """

    form: Form
    grid: Simplex
    log_pi: tuple[Float[Array, "round _state p q type _move"], ...]
    value: Float[Array, "round 2 type first p q"]
    flagged: tuple[Bool[Array, "round _state p q"], ...]
    residual: float
    unsettled: float
    folded: float
    seconds: float
    shares: tuple[float, ...]
    status: str = field(default="ok")

    @property
    def ok(self) -> bool:
        """Whether every point settled to `RESIDUAL`."""
        return self.status == "ok"


def marginals(prior: Float[Array, "type type"]) -> tuple[Float[Array, " type"], Float[Array, " type"]]:
    """Public beliefs about coercer and target before anybody has moved."""
    return prior.sum(1), prior.sum(0)


def odds(prior: Float[Array, "type type"]) -> Float[Array, "type type"]:
    """R(c, t): joint prior against the product of its marginals; 1 for types of no weight."""
    coercer, target = marginals(prior)
    product = coercer[:, None] * target[None]
    return jnp.where(product > 0, prior / jnp.where(product > 0, product, 1.0), 1.0)


def _mix(grid: Simplex, ratio: Float[Array, "own type"]) -> Float[Array, "own type node"]:
    """What each type of the other player believes of the mover, at the nodes of the public belief."""
    weight = ratio[..., None] * jnp.asarray(grid.nodes())[None]
    return weight / weight.sum(1, keepdims=True)


def pieces(count: int, nodes: int) -> np.ndarray:
    """State indices of a stage in rows of about `POINTS` points; the last row is filled up with its last state."""
    size = min(max(POINTS // nodes**2, 1), 8, count)
    rows = -(-count // size)
    return np.minimum(np.arange(rows * size), count - 1).reshape(rows, size)


def _nature(form: Form, payoffs: Payoffs, start: Array) -> Array:
    """Value after the target's move: flow, then the levels move, removal from within, and the next round."""
    then = jnp.asarray(np.maximum(form.branch, 0))
    chance = jnp.where(jnp.asarray(form.branch >= 0), payoffs.chance, 0.0)
    survive = chance * (1 - payoffs.hazard) * payoffs.discount
    gone = payoffs.removed[..., None] * (chance * payoffs.hazard).sum(-1)[None, None]
    later = (payoffs.flow + gone)[..., None, None]
    for b in range(form.branch.shape[1]):
        later = later + survive[None, None, :, b, None, None] * start[:, :, then[:, b]]
    return later


def _expected(
    decision: Decision, value: Array, mix: Array, pi: Array, after: Array, flow: Array, end: Array
) -> Float[Array, "type point"]:
    """Worth of the decision to the types of the player who does not move.

    `pi` [type, move, point] has the moves that go on first, then the others, worth `end` [type, move, point].
    """
    points = pi.shape[-1]
    spot = Spot(decision.grid, after)
    found = []
    for t in range(len(mix)):
        worth, _ = read(spot, value.reshape(-1), decision.base[t])
        worth = jnp.concatenate([worth + flow[t], end[t]])
        belief = jnp.tile(mix[t], (1, points // mix.shape[-1]))
        found.append(((belief[:, None] * pi).sum(0) * worth).sum(0))
    return jnp.stack(found)


def _solve_stage(
    stage: Stage, after: dict[int, Array], payoff: Array, precision: Array, mix: Array, guess: Array, grid: Simplex
) -> tuple[Array, Array, Array, Array, Array, Array]:
    """Solve one stage in all its states.

    `after[s]` has the mover's belief as last axis: [player, type, state, other, node]. Returns values in the same
    layout, log-chances [state, p, q, type, move], flags [state, p, q], ratios, residual and number of unsettled points.
    """
    mover, other = stage.mover, 1 - stage.mover
    going, ending = np.array(stage.going, dtype=int), np.array(stage.ending, dtype=int)
    order = np.argsort(np.concatenate([going, ending]))
    types, nodes = grid.types, grid.count
    index = pieces(len(stage.states), nodes)
    size = index.shape[1]
    follow = jnp.asarray(np.maximum(stage.follow, 0)[index][..., going])
    mask = jnp.asarray(stage.mask[index])
    pays = jnp.moveaxis(payoff[:, :, index], 2, 0)

    def one(piece: tuple[Array, ...]) -> tuple[Array, ...]:
        then, can, pay, start = piece
        value = jnp.stack([after[stage.leads[m]][:, :, then[:, i]] for i, m in enumerate(stage.going)], axis=2)
        go, end = jnp.moveaxis(pay[..., going], -1, 2), jnp.moveaxis(pay[..., ending], -1, 2)
        decision = lay_out(value[mover], go[mover], end[mover], can[:, going].T, can[:, ending].T, grid)
        answer = respond(decision, precision, start)
        balance = answer.balance
        log_pi = jnp.concatenate([answer.log_pi_go, answer.log_pi_end], axis=1)
        pi = jnp.exp(log_pi)
        own = (pi * jnp.concatenate([balance.worth, decision.end], axis=1)).sum(1)
        flow, last = (jnp.repeat(each[other], nodes * nodes, axis=-1) for each in (go, end))
        theirs = _expected(decision, value[other], mix, pi, balance.after, flow, last)
        both = jnp.stack([own, theirs] if mover == COERCER else [theirs, own])
        shaped = log_pi[:, order].reshape(types, len(order), size, nodes, nodes)
        shaped = jnp.transpose(shaped, (2, 4, 3, 0, 1) if mover == COERCER else (2, 3, 4, 0, 1))
        flagged = answer.flagged.reshape(size, nodes, nodes)
        flagged = turn(stage, flagged)
        open_ = ~(balance.residual <= RESIDUAL)
        return both, shaped, flagged, answer.d, balance.residual.max(), open_.sum()

    both, log_pi, flagged, d, residual, unsettled = jax.lax.map(one, (follow, mask, pays, guess))
    count = len(stage.states)
    both = jnp.moveaxis(both, 0, 2).reshape(2, types, -1, nodes, nodes)[:, :, :count]
    log_pi = log_pi.reshape(-1, *log_pi.shape[2:])[:count]
    flagged = flagged.reshape(-1, nodes, nodes)[:count]
    return both, log_pi, flagged, d, residual.max(), unsettled.sum()


Back = Callable[[Payoffs, Array, Ratios], tuple[Ratios, Round]]


@lru_cache(maxsize=8)
def _compiled(form: Form, grid: Simplex) -> Back:
    def back(payoffs: Payoffs, start: Array, guess: Ratios) -> tuple[Ratios, Round]:
        plain: dict[int, Array] = {form.nature: _nature(form, payoffs, start)}
        count = len(form.stages)
        blank = jnp.zeros(())
        ratios, log_pis, flags, residuals, unsettled = ([blank] * count for _ in range(5))
        ratio = odds(payoffs.prior)
        for index in reversed(range(count)):
            stage = form.stages[index]
            after = {lead: turn(stage, plain[lead]) for lead in leads(stage)}
            mix = _mix(grid, ratio.T if stage.mover == COERCER else ratio)
            both, log_pis[index], flags[index], ratios[index], residuals[index], unsettled[index] = _solve_stage(
                stage, after, payoffs.moves[index], payoffs.precision[stage.mover], mix, guess[index], grid
            )
            plain[index] = turn(stage, both)
        done = Round(tuple(log_pis), plain[0], tuple(flags), jnp.stack(residuals).max(), jnp.stack(unsettled).sum())
        return tuple(ratios), done

    return jax.jit(back)


def _check(form: Form, payoffs: Payoffs, rounds: int, cells: int) -> None:
    prior = np.asarray(payoffs.prior)
    if rounds < 1:
        raise UserError(f"{rounds} rounds: give at least 1")
    if cells < 1:
        raise UserError(f"cells {cells}: a grid has at least 1 cell; 8 is a start for three types a side")
    if len(prior) < 2:
        raise UserError(f"{len(prior)} type a side: give at least 2 (a type of no weight will do)")
    if prior.min() < 0 or not math.isclose(prior.sum(), 1.0, abs_tol=1e-9):
        raise UserError(f"prior {prior.tolist()}: give chances of pairs of types, at least 0, that sum to 1")
    if ((prior.sum(1)[:, None] * prior.sum(0)[None] > 0) & (prior == 0)).any():
        raise UserError(
            f"prior {prior.tolist()}: a pair of types that both exist has chance 0, so that a belief can be ruled out "
            "by the prior itself; give every such pair a small chance"
        )
    if len(payoffs.moves) != len(form.stages):
        raise UserError(f"{len(payoffs.moves)} tables of payoffs for {len(form.stages)} stages: give one a stage")


def solve(form: Form, payoffs: Payoffs, *, rounds: int, cells: int, shares: Sequence[float] = (1.0,)) -> Solution:
    """Solve the game: logit quantal response equilibrium, Markov in public state and public beliefs.

    `cells` is the number of steps of a belief from 0 to 1. `shares`, rising to 1, are shares of the precision at which
    the whole game is solved in turn, each point warm from its own answer at the share before; with 1 alone every
    point begins from the answer of the next round. Points that do not settle to `RESIDUAL` are counted in `unsettled`
    and the status says so; such a solution must not be called an equilibrium.

    Raises:
        UserError: shares that do not rise to 1, no rounds, no cells, or a prior that is none or rules a pair of types
            out.
    """
    began = time.perf_counter()
    shares = rising(shares)
    _check(form, payoffs, rounds, cells)
    grid = Simplex(len(payoffs.prior), cells)
    back, nodes = _compiled(form, grid), grid.count
    nothing = []
    for stage in form.stages:
        rows, size = pieces(len(stage.states), nodes).shape
        nothing.append(jnp.zeros((rows, grid.types - 1, len(stage.going), size * nodes**2)))
    warm: list[Ratios] = [tuple(nothing)] * rounds
    done: list[Round] = []
    marks: list[tuple[Array, ...]] = []
    for k, share in enumerate(shares):
        here = eqx.tree_at(lambda p: p.precision, payoffs, payoffs.precision * share)
        start = jnp.broadcast_to(payoffs.horizon[..., None, None], (*payoffs.horizon.shape, nodes, nodes))
        done, found = [], list[Ratios]()
        for index in range(rounds):
            ratios, solved = back(here, start, warm[index] if k or not index else found[-1])
            found.append(ratios)
            done.append(solved)
            start = solved.value
        warm, flags = found, [each.flagged for each in done]
        marks = [jax.tree.map(jnp.logical_or, a, b) for a, b in zip(marks, flags, strict=True)] if k else flags
    return _collect(form, grid, done[::-1], marks[::-1], shares, time.perf_counter() - began)


def _collect(
    form: Form, grid: Simplex, done: list[Round], marks: list[tuple[Array, ...]], shares: tuple[float, ...],
    seconds: float,
) -> Solution:  # fmt: skip
    stages = range(len(form.stages))
    log_pi = tuple(jnp.stack([each.log_pi[s] for each in done]) for s in stages)
    flagged = tuple(jnp.stack([mark[s] for mark in marks]) for s in stages)
    residual = float(jnp.stack([each.residual for each in done]).max())
    points = sum(mark.size for mark in flagged)
    unsettled = sum(int(each.unsettled) for each in done) / points
    status = "ok"
    if unsettled > 0 or not residual <= RESIDUAL:
        status = (
            f"{unsettled:.2%} of the points did not settle (largest residual {residual:.1e}); "
            "lower the precision, raise it in shares, or refine the grid"
        )
    return Solution(
        form, grid, log_pi, jnp.stack([each.value for each in done]), flagged, residual, unsettled,
        sum(int(mark.sum()) for mark in flagged) / points, seconds, shares, status,
    )  # fmt: skip
