"""All rounds, backwards: values and strategies of every stage on the grid of public beliefs.

Values are kept per player and *own* type, as expectations over the other's type at the belief of the grid
point, which closes the recursion: with b the belief of player j about the mover and p' the public belief
after the move,

    V_i(type) = sum_a pi_type(a) Q_type(a; p'(a)),      V_j(type) = sum_a [b pi_1(a) + (1-b) pi_0(a)] W_j(a; p'(a)).

One round is compiled once and called for every round, so that changing the number of rounds costs nothing.
Within a round the states of a stage are worked through in pieces of `PIECE` that fit in cache (`lax.map`).

Where a decision has several answers, which one is taken decides which equilibrium of the whole game is found. With
`shares` of more than one entry the whole game is continued: it is solved at each share of the precision in turn,
and every point begins from its own answers at the shares before (Turocy 2005 follows the same branch on a tree).
A point that folds or jumps on the way takes the nearest answer there is, and is flagged for good.
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import pairwise

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from standoff.errors import UserError
from standoff.game.form import COERCER, Form, Payoffs, Stage
from standoff.game.interpolate import slopes
from standoff.game.response import Response, Tables, answered, lay_out, posterior

RESIDUAL = 1e-9
PIECE = 8
JUMP = 1.0
STEP = 5.0
MOST = 8
Answering = Callable[[Tables, Tables, Array, Array], tuple[Response, Array]]
Ratios = tuple[Float[Array, "_piece _going point"], ...]
"""Log-likelihood ratios of the moves that go on, by stage."""
Values = tuple[Float[Array, "2 2 _state p q"], ...]
"""Worth of the game to each type of each player at the stages of a round, nature's last."""


class Quality(eqx.Module):
    """How well the points of a round were solved: largest residual and points unsettled."""

    residual: Float[Array, ""]
    unsettled: Array


class Round(eqx.Module):
    """One solved round, in single precision (what is stored, not what is solved with).

    `flagged[s]`: where more than one answer is possible (a fold, a jump, a determinant of 0 or less).
    """

    log_pi: tuple[Float[Array, "_state p q 2 _move"], ...]
    value: Float[Array, "2 2 first p q"]
    flagged: tuple[Bool[Array, "_state p q"], ...]


@dataclass(frozen=True, eq=False)
class Step:
    """What a round was solved from and what was found, in double precision: next round's start, values, ratios."""

    start: Float[Array, "2 2 first p q"]
    values: Values
    ratios: Ratios


@dataclass(frozen=True)
class Solution:
    """A view, solved.

    `log_pi[s]` at stage s, `flagged[s]` and `value` at the beginning of a round are stacked over rounds; `residual`
    is the largest violation of the equilibrium equations in log-likelihood, `unsettled` and `folded` are shares of
    points; `shares` are those of the precision at which the whole game was solved in turn. `trail` is kept on
    request, by round (`gradient`).
    """

    form: Form
    log_pi: tuple[Float[Array, "round _state p q 2 _move"], ...]
    value: Float[Array, "round 2 2 first p q"]
    residual: float
    unsettled: float
    folded: float
    seconds: float
    nodes: int
    precision: tuple[float, float]
    status: str = field(default="ok")
    flagged: tuple[Bool[Array, "round _state p q"], ...] = ()
    shares: tuple[float, ...] = (1.0,)
    trail: tuple[Step, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether every point settled to `RESIDUAL`."""
        return self.status == "ok"


def _mix(nodes: int, tilt: Float[Array, " type"]) -> Float[Array, "type node"]:
    """Belief of each type of the other player that the mover is firm, at the nodes of the public belief."""
    node = jnp.linspace(0.0, 1.0, nodes)
    return jnp.stack([posterior(node, jnp.full_like(node, tilt[0])), posterior(node, jnp.full_like(node, tilt[1]))])


def pieces(count: int) -> np.ndarray:
    """State indices of a stage in rows of `PIECE`; the last row is filled up with its last state."""
    rows = -(-count // PIECE)
    return np.minimum(np.arange(rows * PIECE), count - 1).reshape(rows, PIECE)


def _solve_stage(
    stage: Stage,
    after: dict[int, tuple[Array, Array]],
    payoff: Float[Array, "2 2 state move"],
    precision: Float[Array, ""],
    mix: Float[Array, "type node"],
    guess: Float[Array, "piece going point"],
    jump: Float[Array, ""],
    answering: Answering = answered,
) -> tuple[Array, Array, Array, Array, Quality]:
    """Solve one stage in all its states (`answering` each decision: `answered`, or `frozen` at known ratios).

    `after[s]` holds values of stage s and their slopes, own-belief axis last: [player, type, state, other, node].
    Returns values in the same layout, log-probabilities [state, p, q, type, move], flags [state, p, q], ratios,
    quality. A ratio that ends further than `jump` from its guess is flagged.
    """
    mover, other = stage.mover, 1 - stage.mover
    going, ending = np.array(stage.going, dtype=int), np.array(stage.ending, dtype=int)
    index = pieces(len(stage.states))
    follow = jnp.asarray(np.maximum(stage.follow, 0)[index][..., going])
    mask = jnp.asarray(stage.mask[index])
    pays = jnp.moveaxis(payoff[:, :, index], 2, 0)
    order = np.argsort(np.concatenate([going, ending]))
    nodes = mix.shape[-1]
    points = PIECE * nodes * nodes

    def one(piece: tuple[Array, ...]) -> tuple[Array, Array, Array, Array, Array, Array]:
        then, can, pay, start = piece
        leads = [(after[stage.leads[m]], then[:, i]) for i, m in enumerate(stage.going)]
        value = jnp.stack([table[0][:, :, to] for table, to in leads], axis=2)
        slope = jnp.stack([table[1][:, :, to] for table, to in leads], axis=2)
        pay_go, pay_end = jnp.moveaxis(pay[..., going], -1, 2), jnp.moveaxis(pay[..., ending], -1, 2)
        can_go, can_end = can[:, going].T, can[:, ending].T
        tables = Tables(value[mover], slope[mover], pay_go[mover], pay_end[mover], can_go, can_end)
        others = Tables(value[other], slope[other], pay_go[other], pay_end[other], can_go, can_end)
        answer, seen = answering(tables, others, precision, start)
        pi_go, pi_end = jnp.exp(answer.log_pi_go), jnp.exp(answer.log_pi_end)
        decision = lay_out(tables)
        own = (pi_go * answer.point.worth).sum(1) + (pi_end * decision.end).sum(1)
        belief = jnp.tile(mix, points // nodes)[:, None]

        def expected(pi: Array, worth: Array) -> Array:
            return ((belief * pi[1][None] + (1 - belief) * pi[0][None]) * worth).sum(1)

        theirs = expected(pi_go, seen + jnp.repeat(pay_go[other], nodes * nodes, axis=-1))
        theirs = theirs + expected(pi_end, jnp.repeat(pay_end[other], nodes * nodes, axis=-1))
        both = jnp.stack([own, theirs] if mover == COERCER else [theirs, own])
        log_pi = jnp.concatenate([answer.log_pi_go, answer.log_pi_end], axis=1)[:, order]
        log_pi = log_pi.reshape(2, len(order), PIECE, nodes, nodes)
        log_pi = jnp.transpose(log_pi, (2, 4, 3, 0, 1) if mover == COERCER else (2, 3, 4, 0, 1))
        log_pi = log_pi.astype(jnp.float32) if answering is answered else log_pi
        point = answer.point
        moved = jnp.abs(point.d - start).max(0) > jump
        flagged = (answer.flagged | moved).reshape(PIECE, nodes, nodes)
        flagged = turn(stage, flagged)
        return both, log_pi, flagged, point.d, point.residual.max(), (~answer.settled).sum()

    run = one if answering is answered else jax.checkpoint(one)  # a derivative stores nothing of a piece
    both, log_pi, flagged, d, residual, unsettled = jax.lax.map(run, (follow, mask, pays, guess))
    count = len(stage.states)
    both = jnp.moveaxis(both, 0, 2).reshape(2, 2, -1, nodes, nodes)[:, :, :count]
    log_pi = log_pi.reshape(-1, *log_pi.shape[2:])[:count]
    flagged = flagged.reshape(-1, nodes, nodes)[:count]
    return both, log_pi, flagged, d, Quality(residual.max(), unsettled.sum())


def nature(form: Form, payoffs: Payoffs, start: Array) -> Array:
    """Value after the target's move: flow, then the levels move, removal from within, and the next round."""
    then = jnp.asarray(np.maximum(form.branch, 0))
    chance = jnp.where(jnp.asarray(form.branch >= 0), payoffs.chance, 0.0)
    survive = chance * (1 - payoffs.hazard) * payoffs.discount
    removed = (chance * payoffs.hazard).sum(-1)
    later = sum(survive[None, None, :, b, None, None] * start[:, :, then[:, b]] for b in range(form.branch.shape[1]))
    gone = payoffs.removed[..., None] * removed[None, None]
    return later + (payoffs.flow + gone)[..., None, None]


Back = Callable[[Payoffs, Array, Ratios, Array], tuple[Values, Ratios, Round, Quality]]


def one_stage(
    form: Form,
    index: int,
    payoffs: Payoffs,
    plain: dict[int, Array],
    guess: Float[Array, "piece going point"],
    jump: Float[Array, ""],
    answering: Answering = answered,
) -> tuple[Array, Array, Array, Array, Quality]:
    """One stage of a round from the values `plain` of the stages it leads to: values, log chances, flags, ratios."""
    stage = form.stages[index]
    after = {lead: (value := turn(stage, plain[lead]), slopes(value)) for lead in leads(stage)}
    nodes = next(iter(plain.values())).shape[-1]
    mix = _mix(nodes, payoffs.tilt[1 - stage.mover])
    precision = payoffs.precision[stage.mover]
    both, log_pi, flagged, d, quality = _solve_stage(
        stage, after, payoffs.moves[index], precision, mix, guess, jump, answering
    )
    return turn(stage, both), log_pi, flagged, d, quality


def leads(stage: Stage) -> list[int]:
    """The stages, nature's among them, to which moves of a stage lead."""
    return sorted({stage.leads[m] for m in stage.going})


def turn(stage: Stage, table: Array) -> Array:
    """The mover's belief as last axis, and back."""
    return jnp.swapaxes(table, -1, -2) if stage.mover == COERCER else table


def _round(form: Form) -> Back:
    def back(payoffs: Payoffs, start: Array, guess: Ratios, jump: Array) -> tuple[Values, Ratios, Round, Quality]:
        plain: dict[int, Array] = {form.nature: nature(form, payoffs, start)}
        blank = jnp.zeros(())
        ratios, log_pis, flags = ([blank] * len(form.stages) for _ in range(3))
        quality: list[Quality] = []
        for index in reversed(range(len(form.stages))):
            plain[index], log_pis[index], flags[index], ratios[index], good = one_stage(
                form, index, payoffs, plain, guess[index], jump
            )
            quality.append(good)
        total = Quality(jnp.stack([q.residual for q in quality]).max(), jnp.stack([q.unsettled for q in quality]).sum())
        values = tuple(plain[index] for index in range(len(form.stages) + 1))
        return values, tuple(ratios), Round(tuple(log_pis), plain[0].astype(jnp.float32), tuple(flags)), total

    return jax.jit(back)


@lru_cache(maxsize=8)
def _compiled(form: Form) -> Back:
    return _round(form)


@jax.jit
def _extrapolate(near: Ratios, far: Ratios, weight: Array) -> Ratios:
    found: Ratios = jax.tree.map(lambda a, b: a + weight * (a - b), near, far)
    return found


def sharpness(payoffs: Payoffs) -> float:
    """Precision times the largest difference between a player's payoffs: how sharp the sharpest decision can be."""
    found = 0.0
    for player in range(2):
        ends = [np.asarray(m)[player] for m in payoffs.moves] + [np.asarray(payoffs.horizon)[player]]
        spread = max(float(e.max()) for e in ends if e.size) - min(float(e.min()) for e in ends if e.size)
        found = max(found, float(payoffs.precision[player]) * spread)
    return found


def default_shares(payoffs: Payoffs) -> tuple[float, ...]:
    """Shares of the precision for continuing the whole game: even steps of `STEP` in `sharpness`, `MOST` at most."""
    steps = min(max(math.ceil(sharpness(payoffs) / STEP), 1), MOST)
    return tuple((k + 1) / steps for k in range(steps))


def rising(shares: Sequence[float]) -> tuple[float, ...]:
    """Shares of the precision as they are used; refused if they do not rise to 1."""
    found = tuple(float(share) for share in shares)
    if not found or found[-1] != 1.0 or any(a >= b for a, b in pairwise((0.0, *found))):
        raise UserError(f"shares {found}: give shares of the precision that rise to 1, such as (0.5, 1)")
    return found


def solve(
    form: Form, payoffs: Payoffs, *, rounds: int, nodes: int, shares: Sequence[float] = (1.0,), trail: bool = False
) -> Solution:
    """Solve a view: logit quantal response equilibrium, Markov in public state and public beliefs.

    `nodes` is the number of grid nodes per belief axis, 0 and 1 among them. `shares`, rising to 1, are shares of the
    precision at which the whole game is solved in turn (`default_shares`); with 1 alone every point begins from the
    answer of the next round. Points are solved to a residual of `RESIDUAL`; where one is not, the status says so in
    words and the solution must not be called an equilibrium.

    Raises:
        UserError: shares that do not rise to 1, no rounds, fewer than 3 nodes, or payoffs that are not finite.
    """
    began = time.perf_counter()
    shares = rising(shares)
    if rounds < 1 or nodes < 3:
        raise UserError(f"{rounds} rounds, {nodes} nodes: give at least 1 round and 3 nodes; 9 nodes are a start")
    if not all(np.isfinite(table).all() for table in jax.tree.leaves(payoffs)):
        raise UserError(
            "Some payoffs are not finite. Fill in those of masked moves too; if it is a tilt, a pair of types has "
            "chance 0, so that a belief can be ruled out by the prior itself: give it a small chance"
        )
    back = _compiled(form)
    nothing = tuple(
        jnp.zeros((len(pieces(len(stage.states))), len(stage.going), PIECE * nodes**2)) for stage in form.stages
    )
    far: list[Ratios] = [nothing] * rounds
    near: list[Ratios] = [nothing] * rounds
    marks: list[tuple[Array, ...]] = []
    solved: list[Round] = []
    quality: list[Quality] = []
    ways: list[Step] = []
    widest = sharpness(payoffs)
    for k, share in enumerate(shares):
        width = (share - (shares[k - 1] if k else 0.0)) * widest / STEP
        jump = jnp.asarray(JUMP * max(width, 1.0) if k else jnp.inf)
        here = eqx.tree_at(lambda p: p.precision, payoffs, payoffs.precision * share)
        start = jnp.broadcast_to(payoffs.horizon[..., None, None], (*payoffs.horizon.shape, nodes, nodes))
        solved, quality, ways = [], [], []
        found: list[Ratios] = []
        for index in range(rounds):
            if k == 0:  # from the answers of the two rounds that follow
                guess = _extrapolate(*(found[-1], found[-2] if index > 1 else found[-1], 1.0)) if index else nothing
            else:
                past = shares[k - 2] if k > 1 else 0.0
                guess = _extrapolate(near[index], far[index], (share - shares[k - 1]) / (shares[k - 1] - past))
            values, ratios, done, good = back(here, start, guess, jump)
            found.append(ratios)
            ways.append(Step(start, values, ratios))
            start = values[0]
            solved.append(done)
            quality.append(good)
        far, near = near, found
        flags = [done.flagged for done in solved]
        marks = [jax.tree.map(jnp.logical_or, a, b) for a, b in zip(marks, flags, strict=True)] if k else flags
    solution = _collect(form, payoffs, solved, quality, marks, shares, nodes, time.perf_counter() - began)
    return replace(solution, trail=tuple(reversed(ways))) if trail else solution


def _collect(
    form: Form, payoffs: Payoffs, solved: list[Round], quality: list[Quality], marks: list[tuple[Array, ...]],
    shares: tuple[float, ...], nodes: int, seconds: float,
) -> Solution:  # fmt: skip
    stages = range(len(form.stages))
    log_pi = tuple(jnp.stack([done.log_pi[s] for done in reversed(solved)]) for s in stages)
    flagged = tuple(jnp.stack([mark[s] for mark in reversed(marks)]) for s in stages)
    value = jnp.stack([done.value for done in reversed(solved)])
    residual = float(np.max([float(q.residual) for q in quality]))  # not a number if one is not
    points = sum(mark.size for mark in flagged)
    unsettled = sum(int(q.unsettled) for q in quality) / points
    folded = sum(int(mark.sum()) for mark in flagged) / points
    status = "ok"
    if not residual <= RESIDUAL:
        status = (
            f"{unsettled:.2%} of the points did not settle (largest residual {residual:.1e}); "
            "lower the precision or refine the grid"
        )
    return Solution(
        form, log_pi, value, residual, unsettled, folded, seconds, nodes,
        (float(payoffs.precision[0]), float(payoffs.precision[1])), status, flagged, shares,
    )  # fmt: skip
