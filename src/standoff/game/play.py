"""Forwards: two minds, each with its own solved view, meet in the world as it is.

A *mind* is the solution of a view with the two public beliefs that its holder carries: what he believes of the
other, and what he thinks the other believes of him. Both are updated by Bayes with the strategies of *his* view.
What he sees of the other's moves passes through a channel: with some chance a move is read as another one (over
the moves feasible there), and then its detail, rung or package, teaches nothing. Rung, clock and offers are seen
as they are. A move that is given (a record) is played whatever the strategies say; its ratio can be tempered.

All paths go through the stages of a round together; random numbers belong to path, round and stage, so that
scenarios with the same key are paired.
"""

from collections.abc import Callable
from functools import lru_cache

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from standoff.game.form import OUTCOME, Form, Payoffs
from standoff.game.interpolate import local
from standoff.game.response import posterior

CHUNK = 64
Played = tuple[tuple[Array, ...], tuple[Array, ...]]


class Mind(eqx.Module):
    """A solved view and how its holder reads the other side's moves.

    `log_pi[s]`: log chances at stage s, axes round, state, p, q, type, move. `read[s]`: row-stochastic, chance
    that a move at stage s is read as another one; identity where nothing is misread.
    """

    log_pi: tuple[Float[Array, "round _state p q 2 _move"], ...]
    read: tuple[Float[Array, "_move _move"], ...]


class Paths(eqx.Module):
    """Where each path begins: round, state of the first stage, the two types, and both minds' beliefs.

    `belief[mind, axis]`: mind 0 is the coercer's; axis 0 the chance that the coercer is firm, 1 the target.
    """

    start: Int[Array, " path"]
    state: Int[Array, " path"]
    types: Int[Array, "2 path"]
    belief: Float[Array, "2 2 path"]


class Given(eqx.Module):
    """Moves of a record: `move[round, stage]`, -1 where none is given, and the weight of what it teaches."""

    move: Int[Array, "round stage path"]
    read: Int[Array, "round stage path"]
    weight: Float[Array, "round stage path"]


class Ended(eqx.Module):
    """How each path ended: outcome code, round (from 0), package and discounted payoffs.

    `package` is what was pending when it ended: k for the target's k-th, -k for the coercer's, 0 for none.
    """

    outcome: Int[Array, " path"]
    round: Int[Array, " path"]
    package: Int[Array, " path"]
    payoff: Float[Array, "2 path"]


class Seen(eqx.Module):
    """What a reader of the run needs, by round: beliefs before each stage and chances of the moves.

    `belief[round, mind, axis, path]` before the round; `expected[round, s][path, move]`: what the *other* side's
    mind expects at stage s; `own[...]`: what the mover's own strategy does, per type.
    """

    belief: Float[Array, "round 2 2 path"]
    state: Int[Array, "round path"]
    expected: tuple[Float[Array, "round path _move"], ...]
    own: tuple[Float[Array, "round path 2 _move"], ...]


def lookup(
    table: Float[Array, "round state p q 2 move"],
    n: Int[Array, ""],
    state: Int[Array, " path"],
    p: Float[Array, " path"],
    q: Float[Array, " path"],
) -> Float[Array, "path 2 move"]:
    """Log chances in round n between the nodes: monotone cubic in q, then in p, then scaled to sum to 1."""
    nodes = table.shape[2]

    def cell(x: Array) -> tuple[Array, Array, Array, Array]:
        at = x * (nodes - 1)
        index = jnp.clip(at.astype(jnp.int32), 0, nodes - 2)
        offsets = index[None] + jnp.arange(-1, 3, dtype=jnp.int32)[:, None]
        return jnp.clip(offsets, 0, nodes - 1), at - index.astype(at.dtype), index == 0, index == nodes - 2

    rows, t, low, high = cell(p)
    columns, u, left, right = cell(q)
    near = table[n, state, rows[:, None], columns[None, :]]
    floor = jnp.maximum(near, jnp.asarray(-100.0, near.dtype))

    def tail(x: Array) -> Array:
        return x[:, None, None]

    t, u = (x.astype(near.dtype) for x in (t, u))
    along_q = jax.vmap(lambda row: local(row, tail(u), tail(left), tail(right)))(floor)
    found = local(along_q, tail(t), tail(low), tail(high)).astype(p.dtype)
    return found - jax.nn.logsumexp(found, axis=-1, keepdims=True)


def _lookup_where(
    minds: tuple[Mind, Mind],
    index: int,
    n: Int[Array, ""],
    where: Bool[Array, " path"],
    state: Int[Array, " path"],
    belief: Float[Array, "2 2 path"],
) -> tuple[Array, Array]:
    """Both minds' log chances at stage `index` for the paths that are there, `CHUNK` at a time; 0 elsewhere."""
    count, size = len(state), min(CHUNK, len(state))
    moves = minds[0].log_pi[index].shape[-1]

    def more(carry: tuple[Array, Array, Array]) -> Array:
        return carry[0].any()

    def again(carry: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        waiting, *found = carry
        at = jnp.nonzero(waiting, size=size, fill_value=0)[0]
        picked = waiting[at][:, None, None]
        for i in range(2):
            new = lookup(minds[i].log_pi[index], n, state[at], belief[i, 0, at], belief[i, 1, at])
            found[i] = found[i].at[at].set(jnp.where(picked, new, found[i][at]))
        return waiting.at[at].set(False), found[0], found[1]

    zero = jnp.zeros((count, 2, moves))
    _, first, second = jax.lax.while_loop(more, again, (where, zero, zero))
    return first, second


def _choose(log_pi: Float[Array, "path move"], uniform: Float[Array, " path"]) -> Int[Array, " path"]:
    chance = jnp.exp(log_pi - log_pi.max(-1, keepdims=True))
    level = jnp.cumsum(chance, axis=-1)
    return (uniform[:, None] * level[:, -1:] >= level).sum(-1).astype(jnp.int32)


def _read(row: Float[Array, "path move"], mask: Array, sent: Array, uniform: Array) -> Array:
    """The move as read: over the feasible ones; as sent where no other reading is feasible."""
    row = jnp.where(mask, row, 0.0)
    total = row.sum(-1, keepdims=True)
    row = jnp.where(total > 0, row, jax.nn.one_hot(sent, row.shape[-1]))
    return _choose(jnp.log(jnp.maximum(row, 1e-300)), uniform)


def _pick(table: Array, index: Array) -> Array:
    return jnp.take_along_axis(table, index[:, None], axis=-1)[:, 0]


class Carry(eqx.Module):
    """Where all paths stand between two rounds."""

    state: Int[Array, " path"]
    belief: Float[Array, "2 2 path"]
    outcome: Int[Array, " path"]
    round: Int[Array, " path"]
    package: Int[Array, " path"]
    payoff: Float[Array, "2 path"]
    factor: Float[Array, " path"]


def _one_round(form: Form, record: bool) -> Callable[..., tuple[Carry, Played | None]]:
    """One round of all paths, compiled once for every round."""

    def run(
        n: Array,
        key: PRNGKeyArray,
        minds: tuple[Mind, Mind],
        world: Payoffs,
        paths: Paths,
        given: tuple[Array, Array, Array] | None,
        carry: Carry,
    ) -> tuple[Carry, Played | None]:
        count = paths.state.shape[0]
        state, belief, outcome, at_round = carry.state, carry.belief, carry.outcome, carry.round
        package, payoff, factor = carry.package, carry.payoff, carry.factor
        begun = (n >= paths.start) & (outcome < 0)
        place = jnp.where(begun, 0, -1)
        clear = jnp.ones((2, count), bool)  # the last class was read as sent, by mind
        seen = []
        for index, stage in enumerate(form.stages):
            here = place == index
            use = jnp.where(here, state, 0)
            keys = jax.random.split(jax.random.fold_in(jax.random.fold_in(key, n), index), 2)
            log_pi = _lookup_where(minds, index, n, here | record, use, belief)
            own = log_pi[stage.mover]
            mine = jnp.take_along_axis(own, paths.types[stage.mover][:, None, None], axis=1)[:, 0]
            mask = jnp.asarray(stage.mask)[use]
            move = _choose(jnp.where(mask, mine, -jnp.inf), jax.random.uniform(keys[0], (count,)))
            weight = jnp.ones(count)
            if given is not None:
                told = given[0][index]
                move = jnp.where(told >= 0, told, move)
                weight = jnp.where(told >= 0, given[2][index], weight)
            row = minds[1 - stage.mover].read[index][move]
            read = _read(row, mask, move, jax.random.uniform(keys[1], (count,)))
            if given is not None:
                read = jnp.where(given[1][index] >= 0, given[1][index], read)
            updated = []
            detail = stage.name not in ("coercer", "target")
            for i in range(2):
                taken = move if i == stage.mover else read
                ratio = _pick(log_pi[i][:, 1], taken) - _pick(log_pi[i][:, 0], taken)
                learns = here & clear[i] if detail else here
                updated.append(posterior(belief[i, stage.mover], jnp.where(learns, weight * ratio, 0.0)))
                if not detail:
                    clear = clear.at[i].set(jnp.where(here, taken == move, clear[i]))
            if record:
                other = 1 - stage.mover
                b = belief[other, stage.mover][:, None]
                theirs = jnp.exp(log_pi[other])
                seen.append((b * theirs[:, 1] + (1 - b) * theirs[:, 0], jnp.exp(own)))
            belief = belief.at[:, stage.mover].set(jnp.stack(updated))
            pay = world.moves[index][:, paths.types, use[None], move[None]]  # player, owner of the type, path
            payoff = payoff + jnp.where(here, factor[None] * jnp.stack([pay[0, 0], pay[1, 1]]), 0.0)
            lead = jnp.asarray(stage.leads, jnp.int32)[move]
            ends = here & (lead < 0)
            outcome = jnp.where(ends, jnp.asarray(stage.outcome, jnp.int32)[use, move], outcome)
            at_round = jnp.where(ends, n, at_round)
            pending = jnp.asarray([s[2] for s in stage.states], dtype=jnp.int32)[use]
            package = jnp.where(ends, pending if stage.mover == 0 else -pending, package)
            state = jnp.where(here & ~ends, jnp.asarray(stage.follow, jnp.int32)[use, move], state)
            place = jnp.where(ends, -1, jnp.where(here, lead, place))
        here = place == form.nature
        use = jnp.where(here, state, 0)
        keys = jax.random.split(jax.random.fold_in(jax.random.fold_in(key, n), form.nature), 2)
        branch = _choose(jnp.log(jnp.maximum(world.chance[use], 1e-300)), jax.random.uniform(keys[0], (count,)))
        hit = jax.random.uniform(keys[1], (count,)) < _pick(world.hazard[use], branch)
        removed = here & hit
        flow, gone = world.flow[:, paths.types, use[None]], world.removed[:, paths.types]
        gain = jnp.stack([flow[i, i] + jnp.where(hit, gone[i, i], 0.0) for i in range(2)])
        payoff = payoff + jnp.where(here, factor[None] * gain, 0.0)
        after = Carry(
            jnp.where(here & ~removed, jnp.asarray(form.branch, jnp.int32)[use, branch], state),
            belief,
            jnp.where(removed, OUTCOME["coup"], outcome),
            jnp.where(removed, n, at_round),
            package,
            payoff,
            jnp.where(here, factor * world.discount, factor),
        )
        out = (tuple(s[0] for s in seen), tuple(s[1] for s in seen)) if record else None
        return after, out

    return jax.jit(run)


@lru_cache(maxsize=16)
def _compiled(form: Form, record: bool) -> Callable[..., tuple[Carry, Played | None]]:
    return _one_round(form, record)


def _run(
    key: PRNGKeyArray, form: Form, minds: tuple[Mind, Mind], world: Payoffs, paths: Paths, given: Given | None,
    rounds: int,
) -> tuple[Carry, list[tuple[Carry, Played]]]:  # fmt: skip
    one = _compiled(form, given is not None)
    count = paths.state.shape[0]
    nothing = jnp.full(count, -1, jnp.int32)
    carry = Carry(
        paths.state,
        paths.belief,
        nothing,
        nothing,
        jnp.zeros(count, jnp.int32),
        jnp.zeros((2, count)),
        jnp.ones(count),
    )
    seen = []
    record = tuple(np.asarray(a) for a in (given.move, given.read, given.weight)) if given is not None else ()
    for n in range(rounds):
        told = (record[0][n], record[1][n], record[2][n]) if record else None
        before = carry
        carry, out = one(jnp.asarray(n, jnp.int32), key, minds, world, paths, told, carry)
        if out is not None:
            seen.append((before, out))
    return carry, seen


def play(
    key: PRNGKeyArray, form: Form, minds: tuple[Mind, Mind], world: Payoffs, paths: Paths, *, rounds: int
) -> Ended:
    """Play out paths to their ends: `minds` are the coercer's and the target's, `world` what is the case."""
    last, _ = _run(key, form, minds, world, paths, None, rounds)
    done: Ended = _finish(world, paths, last, jnp.asarray(rounds - 1, jnp.int32))
    return done


@jax.jit
def _finish(world: Payoffs, paths: Paths, last: Carry, final: Array) -> Ended:
    """What the paths that reach the end of the last round are paid there."""
    still = last.outcome < 0
    end = world.horizon[:, paths.types, jnp.where(still, last.state, 0)[None]]
    payoff = last.payoff + jnp.where(still, last.factor[None] * jnp.stack([end[0, 0], end[1, 1]]), 0.0)
    outcome = jnp.where(still, jnp.int32(OUTCOME["stalemate"]), last.outcome)
    return Ended(outcome, jnp.where(still, final, last.round), last.package, payoff)


def follow(
    key: PRNGKeyArray,
    form: Form,
    minds: tuple[Mind, Mind],
    world: Payoffs,
    paths: Paths,
    given: Given,
    *,
    rounds: int,
) -> Seen:
    """Follow a record of moves: beliefs of both minds round by round, and what each expected of the other."""
    _, seen = _run(key, form, minds, world, paths, given, rounds)
    stages = range(len(form.stages))
    return Seen(
        jnp.stack([before.belief for before, _ in seen]),
        jnp.stack([before.state for before, _ in seen]),
        tuple(jnp.stack([out[0][s] for _, out in seen]) for s in stages),
        tuple(jnp.stack([out[1][s] for _, out in seen]) for s in stages),
    )


def plain_reading(form: Form) -> tuple[np.ndarray, ...]:
    """Readings that take every move as it was sent."""
    return tuple(np.eye(len(stage.moves)) for stage in form.stages)
