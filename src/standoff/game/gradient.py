"""How the solution of a view moves with its payoffs, its precision and the link between the types.

Each round is differentiated at the answers found (`response.frozen`), and the rounds are joined backwards: with z the
values at a round's start and s the strategies, a cotangent on (z, s) of round n gives one on the payoffs and on z of
round n + 1. No decision is solved anew; the derivative of a decision is that of the implicit function theorem. At a
fold or a jump there is none: `Gradient.status` says whether such points were there and how many.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from standoff.errors import Failure
from standoff.game.board import Rows, pieces
from standoff.game.form import Form, Payoffs
from standoff.game.outcomes import Labels, at_beliefs, chances
from standoff.game.response import frozen
from standoff.game.sweep import Quality, Solution, Step, leads, mixed, stage_back

LogPi = tuple[Float[Array, "round _state p q 2 _move"], ...]
Pull = Callable[[Payoffs, Step, Array, tuple[Array, ...], Payoffs], tuple[Payoffs, Array]]


@dataclass(frozen=True)
class Gradient:
    """A number read off a solution, and its derivative with respect to everything in `Payoffs`.

    `payoffs` has the shapes of `Payoffs`: each entry is the change of `value` per unit of that entry, both sides'
    precisions, the chances of nature and the tilts of the types among them. `prior` is the derivative in the chances
    that coercer and target are firm, where the number depends on them. `status` is empty where the derivative exists.
    """

    value: float
    payoffs: Payoffs
    prior: tuple[float, float] | None
    status: str


@lru_cache(maxsize=8)
def _compiled(form: Form) -> Pull:
    """One round's share of the derivative: from its start and strategies to payoffs and the next round's start."""
    never = jnp.asarray(jnp.inf)

    def pull(
        payoffs: Payoffs, start: Array, values: tuple[Array, ...], ratios: tuple[Array, ...], on_value: Array,
        on_log_pi: tuple[Array, ...], total: Payoffs,
    ) -> tuple[Payoffs, Array]:  # fmt: skip
        on: dict[int, Array] = {index: jnp.zeros_like(table) for index, table in enumerate(values)} | {0: on_value}
        for index, stage in enumerate(form.stages):

            def forward(payoffs: Payoffs, plain: dict[int, Array], index: int = index) -> tuple[Array, Array]:
                value, log_pi, *_ = _one_stage(form, index, payoffs, plain, ratios[index], never)
                return value, log_pi

            _, back = jax.vjp(forward, payoffs, {lead: values[lead] for lead in leads(stage)})
            part, before = back((on[index], on_log_pi[index]))
            total = jax.tree.map(jnp.add, total, part)
            on |= {lead: on[lead] + table for lead, table in before.items()}
        _, back = jax.vjp(lambda p, s: _nature(form, p, s), payoffs, start)
        part, earlier = back(on[form.nature])
        return jax.tree.map(jnp.add, total, part), earlier

    run = jax.jit(pull)
    return lambda payoffs, step, on_value, on_log_pi, total: run(
        payoffs, step.start, step.values, step.ratios, on_value, on_log_pi, total
    )


def _one_stage(
    form: Form,
    index: int,
    payoffs: Payoffs,
    plain: dict[int, Array],
    guess: Float[Array, "piece going point"],
    jump: Float[Array, ""],
) -> tuple[Array, Array, Array, Array, Quality]:
    """One stage of a round from the values `plain` of the stages it leads to: values, log chances, flags, ratios."""
    stage = form.stages[index]
    follow, mask = jnp.asarray(np.maximum(stage.follow, 0)), jnp.asarray(stage.mask)
    at = pieces(len(stage.states))
    rows = Rows(follow[at], mask[at], jnp.moveaxis(payoffs.moves[index][:, :, at], 2, 0))
    mix, precision = mixed(next(iter(plain.values())).shape[-1], payoffs.tilt[1 - stage.mover]), payoffs.precision
    found, log_pi, flagged, d, quality = stage_back(stage.kind, rows, plain, mix, precision, guess, jump, None, frozen)
    count = len(stage.states)
    return found[:, :, :count], log_pi[:count], flagged[:count], d, quality


def _nature(form: Form, payoffs: Payoffs, start: Array) -> Array:
    """Value after the target's move: flow, then the levels move, removal from within, and the next round."""
    then = jnp.asarray(np.maximum(form.branch, 0))
    chance = jnp.where(jnp.asarray(form.branch >= 0), payoffs.chance, 0.0)
    survive = chance * (1 - payoffs.hazard) * payoffs.discount
    removed = (chance * payoffs.hazard).sum(-1)
    later = sum(survive[None, None, :, b, None, None] * start[:, :, then[:, b]] for b in range(form.branch.shape[1]))
    gone = payoffs.removed[..., None] * removed[None, None]
    return later + (payoffs.flow + gone)[..., None, None]


def _trail(solution: Solution) -> tuple[Step, ...]:
    if not solution.trail:
        raise Failure("This solution keeps no trail to differentiate along. Solve with trail=True.")
    return solution.trail


def pull_back(
    solution: Solution, payoffs: Payoffs, on_value: Float[Array, "2 2 first p q"], on_log_pi: LogPi | None = None
) -> Payoffs:
    """Derivative in all payoffs of a number whose derivatives in values at the start and in strategies are given.

    `on_value` belongs to the values at the beginning of round 0, `on_log_pi[s]` to the log chances at stage s in all
    rounds (none: they play no part). The solution must have been made with `trail=True`.
    """
    form = solution.form
    pull = _compiled(form)
    total: Payoffs = jax.tree.map(jnp.zeros_like, payoffs)
    none = tuple(jnp.zeros(rows.shape[1:]) for rows in solution.log_pi)
    last = len(solution.trail) - 1
    for n, step in enumerate(_trail(solution)):
        given = none if on_log_pi is None else tuple(rows[n].astype(on_value.dtype) for rows in on_log_pi)
        total, on_value = pull(payoffs, step, on_value, given, total)
        if n == last:
            at_horizon = on_value.sum((-1, -2))
            total = eqx.tree_at(lambda p: p.horizon, total, total.horizon + at_horizon)
    return total


def _status(solution: Solution) -> str:
    if not solution.ok:
        return f"No derivative: {solution.status}."
    if solution.folded:
        return (
            f"{solution.folded:.2%} of the points are at or past a fold or a jump; through these there is no "
            "derivative, and this one is that of the branch found."
        )
    return ""


@partial(jax.jit, static_argnums=(1, 2, 3))
@partial(jax.value_and_grad, argnums=(0, 4, 5))
def _read(value: Array, side: int, kind: int, state: int, p: Array, q: Array) -> Array:
    return at_beliefs(value[side, kind], state, p, q)


def value_gradient(solution: Solution, payoffs: Payoffs, side: int, kind: int, state: int, p: float, q: float
                   ) -> Gradient:  # fmt: skip
    """What the game is worth to a type of a side at the start, at public beliefs p and q, and its derivative."""
    value = _trail(solution)[0].values[0]
    number, (on_value, on_p, on_q) = _read(value, side, kind, state, jnp.asarray(p), jnp.asarray(q))
    found = pull_back(solution, payoffs, on_value)
    return Gradient(float(number), found, (float(on_p), float(on_q)), _status(solution))


def chance_gradient(
    solution: Solution,
    payoffs: Payoffs,
    weight: Float[Array, "4 ending"],
    state: int,
    p: float,
    q: float,
    labels: Labels | None = None,
) -> Gradient:
    """Weighted chance of endings at the start under a common view (`outcomes.chances`), and its derivative.

    `weight[pair, ending]` says what is summed: the chances of the pairs of types for one ending, for instance. The
    derivative in the prior is that of the beliefs alone; the weights are held.
    """

    def read(log_pi: LogPi, payoffs: Payoffs, p: Array, q: Array) -> Array:
        table = chances(solution, payoffs, labels=labels, count=weight.shape[1], log_pi=log_pi)
        return (weight * at_beliefs(table, state, p, q)).sum()

    number, (on_log_pi, direct, on_p, on_q) = jax.value_and_grad(read, argnums=(0, 1, 2, 3))(
        solution.log_pi, payoffs, jnp.asarray(p), jnp.asarray(q)
    )
    rest = pull_back(solution, payoffs, jnp.zeros_like(_trail(solution)[0].values[0]), on_log_pi)
    total = jax.tree.map(jnp.add, direct, rest)
    return Gradient(float(number), total, (float(on_p), float(on_q)), _status(solution))
