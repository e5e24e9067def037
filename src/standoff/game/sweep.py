"""All rounds, backwards: values and strategies of every stage on the grid of public beliefs.

Values are kept per player and *own* type, as expectations over the other's type at the belief of the grid
point, which closes the recursion: with b the belief of player j about the mover and p' the public belief
after the move,

    V_i(type) = sum_a pi_type(a) Q_type(a; p'(a)),      V_j(type) = sum_a [b pi_1(a) + (1-b) pi_0(a)] W_j(a; p'(a)).

One round is compiled once and called for every round, so that changing the number of rounds costs nothing; games of
one kind and size share what is compiled (`board`). Within a round the states of a stage are worked through in pieces
of `PIECE` that fit in cache. With `reached`, states that cannot be come to are left out.

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

from standoff.errors import Failure, UserError
from standoff.game.board import PIECE, Board, Rows, board, spread, through
from standoff.game.form import COERCER, Form, Kind, Payoffs, Stage
from standoff.game.interpolate import slopes
from standoff.game.reach import Reached
from standoff.game.response import Response, Tables, answered, lay_out, posterior

RESIDUAL = 1e-9
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


def mixed(nodes: int, tilt: Float[Array, " type"]) -> Float[Array, "type node"]:
    """Belief of each type of the other player that the mover is firm, at the nodes of the public belief."""
    node = jnp.linspace(0.0, 1.0, nodes)
    return jnp.stack([posterior(node, jnp.full_like(node, tilt[0])), posterior(node, jnp.full_like(node, tilt[1]))])


def _solve_stage(
    stage: Kind,
    rows: Rows,
    after: dict[int, tuple[Array, Array]],
    precision: Float[Array, ""],
    mix: Float[Array, "type node"],
    guess: Float[Array, "piece going point"],
    jump: Float[Array, ""],
    many: Array | None,
    answering: Answering = answered,
) -> tuple[Array, Array, Array, Array, Quality]:
    """Solve one stage in the states of its first `many` pieces (none: of all), the others being left 0.

    Each decision is solved by `answering`: `answered`, or `frozen` at known ratios. `after[s]` holds values of stage s
    and their slopes, own-belief axis last: [player, type, state, other, node]. Returns values in the same layout,
    log-probabilities [state, p, q, type, move], flags [state, p, q], ratios, quality; states are those of all pieces. A
    ratio that ends further than `jump` from its guess is flagged.
    """
    mover, other = stage.mover, 1 - stage.mover
    going, ending = np.array(stage.going, dtype=int), np.array(stage.ending, dtype=int)
    order = np.argsort(np.concatenate([going, ending]))
    nodes = mix.shape[-1]
    points = PIECE * nodes * nodes

    def one(piece: tuple[Array, ...]) -> tuple[Array, Array, Array, Array, Array, Array]:
        then, can, pay, start = piece
        leads = [(after[stage.leads[m]], then[:, m]) for m in stage.going]
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
    every = (rows.follow, rows.mask, rows.pays, guess)
    both, log_pi, flagged, d, residual, unsettled = through(run, every, many)
    both = jnp.moveaxis(both, 0, 2).reshape(2, 2, -1, nodes, nodes)
    log_pi = log_pi.reshape(-1, *log_pi.shape[2:])
    return both, log_pi, flagged.reshape(-1, nodes, nodes), d, Quality(residual.max(), unsettled.sum())


def _nature(board: Board, start: Array) -> Array:
    """Value after the target's move: flow, then the levels move, removal from within, and the next round.

    By rows of nature's states; a state's branches with no chance stand last and are left out.
    """

    def one(row: tuple[Array, ...]) -> Array:
        then, chance, hazard, flow = row
        survive = chance * (1 - hazard) * board.discount
        removed = (chance * hazard).sum(-1)

        def add(b: Array, later: Array) -> Array:
            return later + survive[None, None, :, b, None, None] * start[:, :, then[:, b]]

        shape = (*flow.shape, *start.shape[-2:])
        later: Array = jax.lax.fori_loop(0, board.wide, add, jnp.zeros(shape, start.dtype))
        gone = board.removed[..., None] * removed[None, None]
        return later + (flow + gone)[..., None, None]

    found = through(one, (board.branch, board.chance, board.hazard, board.flow), board.many[-1])
    return jnp.moveaxis(found, 0, 2).reshape(2, 2, -1, *start.shape[-2:])


Back = Callable[[Board, Array, Ratios, Array], tuple[Values, Ratios, Round, Quality]]


def stage_back(
    stage: Kind, rows: Rows, plain: dict[int, Array], mix: Array, precision: Array, guess: Array, jump: Array,
    many: Array | None, answering: Answering = answered,
) -> tuple[Array, Array, Array, Array, Quality]:  # fmt: skip
    """One stage of a round from the values `plain` of the stages it leads to: values, log chances, flags, ratios."""
    after = {lead: (value := turn(stage, plain[lead]), slopes(value)) for lead in leads(stage)}
    both, log_pi, flagged, d, quality = _solve_stage(
        stage, rows, after, precision[stage.mover], mix, guess, jump, many, answering
    )
    return turn(stage, both), log_pi, flagged, d, quality


def leads(stage: Stage | Kind) -> list[int]:
    """The stages, nature's among them, to which moves of a stage lead."""
    return sorted({stage.leads[m] for m in stage.going})


def turn(stage: Stage | Kind, table: Array) -> Array:
    """The mover's belief as last axis, and back."""
    return jnp.swapaxes(table, -1, -2) if stage.mover == COERCER else table


@lru_cache(maxsize=8)
def compiled(kinds: tuple[Kind, ...]) -> Back:
    """One round of games of a kind: values, ratios, what is kept of them, and how well they were solved.

    It takes a game (`board`), the values at the beginning of the next round, ratios to begin from and the `jump` of a
    ratio beyond which a point is flagged.
    """

    def back(game: Board, start: Array, guess: Ratios, jump: Array) -> tuple[Values, Ratios, Round, Quality]:
        plain: dict[int, Array] = {len(kinds): _nature(game, start)}
        blank = jnp.zeros(())
        ratios, log_pis, flags = ([blank] * len(kinds) for _ in range(3))
        quality: list[Quality] = []
        for index, kind in reversed(list(enumerate(kinds))):
            mix = mixed(start.shape[-1], game.tilt[1 - kind.mover])
            plain[index], log_pis[index], flags[index], ratios[index], good = stage_back(
                kind, game.stages[index], plain, mix, game.precision, guess[index], jump, game.many[index]
            )
            quality.append(good)
        total = Quality(jnp.stack([q.residual for q in quality]).max(), jnp.stack([q.unsettled for q in quality]).sum())
        values = tuple(plain[index] for index in range(len(kinds) + 1))
        return values, tuple(ratios), Round(tuple(log_pis), plain[0].astype(jnp.float32), tuple(flags)), total

    return jax.jit(back)


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
    form: Form,
    payoffs: Payoffs,
    *,
    rounds: int,
    nodes: int,
    shares: Sequence[float] = (1.0,),
    trail: bool = False,
    reached: Reached | None = None,
) -> Solution:
    """Solve a view: logit quantal response equilibrium, Markov in public state and public beliefs.

    `nodes` is the number of grid nodes per belief axis, 0 and 1 among them. `shares`, rising to 1, are shares of the
    precision at which the whole game is solved in turn (`default_shares`); with 1 alone every point begins from the
    answer of the next round. Points are solved to a residual of `RESIDUAL`; where one is not, the status says so in
    words and the solution must not be called an equilibrium. With `reached` only those states are solved, which hold
    what they hold without it; the other rows of the solution are not numbers, and `play` refuses a crisis that asks
    there.

    Raises:
        UserError: shares that do not rise to 1, no rounds, fewer than 3 nodes, or payoffs that are not finite.
        Failure: a trail of a part of the states.
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
    if trail and reached is not None:
        raise Failure("A trail takes all states. Leave out `reached`.")
    back, game = compiled(tuple(stage.kind for stage in form.stages)), board(form, payoffs, reached)
    nothing = tuple(
        jnp.zeros((len(rows.follow), len(stage.going), PIECE * nodes**2))
        for rows, stage in zip(game.stages, form.stages, strict=True)
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
        here = eqx.tree_at(lambda p: p.precision, game, game.precision * share)
        start = jnp.broadcast_to(game.horizon[..., None, None], (*game.horizon.shape, nodes, nodes))
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
            if trail:
                ways.append(cut(form, Step(start, values, ratios)))
            start = values[0]
            solved.append(done)
            quality.append(good)
        far, near = near, found
        flags = [done.flagged for done in solved]
        marks = [jax.tree.map(jnp.logical_or, a, b) for a, b in zip(marks, flags, strict=True)] if k else flags
    solution = _collect(form, payoffs, solved, quality, marks, shares, nodes, reached, time.perf_counter() - began)
    return replace(solution, trail=tuple(reversed(ways))) if trail else solution


def cut(form: Form, step: Step) -> Step:
    """A step of a game in which every state was solved, without the places that fill up the last pieces."""
    sizes = [*(len(stage.states) for stage in form.stages), len(form.nature_states)]
    values = tuple(table[:, :, :size] for table, size in zip(step.values, sizes, strict=True))
    return Step(step.start[:, :, : sizes[0]], values, step.ratios)


def _collect(
    form: Form, payoffs: Payoffs, solved: list[Round], quality: list[Quality], marks: list[tuple[Array, ...]],
    shares: tuple[float, ...], nodes: int, reached: Reached | None, seconds: float,
) -> Solution:  # fmt: skip
    log_pi = spread(form, [done.log_pi for done in reversed(solved)], reached, axis=0)
    flagged = spread(form, list(reversed(marks)), reached, axis=0)
    (value,) = spread(form, [(done.value,) for done in reversed(solved)], reached, axis=2)
    residual = float(np.max([float(q.residual) for q in quality]))  # not a number if one is not
    states = form.size if reached is None else sum(len(one) for one in reached.states[:-1])
    points = len(solved) * states * nodes**2
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
