"""Forwards: two minds, each with its own solved view, meet in the world as it is.

A *mind* is the solution of a view with the two public beliefs that its holder carries: what he believes of the
other, and what he thinks the other believes of him. Both are updated by Bayes with the strategies of *his* view.
What he sees of the other's moves passes through a channel: with some chance a move is read as another one (over
the moves feasible there), and then its detail, rung or package, teaches nothing. Rung, clock and offers are seen
as they are. How news moves a mind is its `Sense`. A move that is given (a record) is played whatever the strategies
say; its ratio can be tempered.

A mind may have a shadow: the view that it would turn to. The shadow reads the same record in its own terms; once the
record is `threshold` times likelier there than in the view held, the view is dropped for good (Ortoleva 2012).

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

from standoff.errors import Failure
from standoff.game.form import OUTCOME, Form, Payoffs
from standoff.game.lookup import look_where
from standoff.game.response import posterior
from standoff.game.sense import Sense, arrive, fate, hear

Played = tuple[tuple[Array, ...], ...]


class Mind(eqx.Module):
    """A solved view and how its holder reads the other side's moves.

    `log_pi[s]`: log chances at stage s, axes round, state, p, q, type, move. `read[s]`: row-stochastic, chance
    that a move at stage s is read as another one; identity where nothing is misread. `acts[s]` is what the holder
    does where that is not what he thinks the other expects of him (`against`); None where it is. `threshold` is the
    Bayes factor at which a shadow takes over from the mind that holds it.
    """

    log_pi: tuple[Float[Array, "round _state p q 2 _move"], ...]
    read: tuple[Float[Array, "_move _move"], ...]
    acts: tuple[Float[Array, "round _state p q 2 _move"], ...] | None = None
    sense: Sense | None = None
    threshold: Float[Array, ""] | None = None


Minds = tuple[Mind, ...]
"""The coercer's, the target's; then, where one may be dropped, the coercer's and the target's shadow."""


class Paths(eqx.Module):
    """Where each path begins: round, state of the first stage, the two types, and both minds' beliefs.

    `belief[mind, axis]`: mind 0 is the coercer's; axis 0 the chance that the coercer is firm, 1 the target. Shadows
    come after the two minds.
    """

    start: Int[Array, " path"]
    state: Int[Array, " path"]
    types: Int[Array, "2 path"]
    belief: Float[Array, "mind 2 path"]


class Given(eqx.Module):
    """Moves of a record: `move[round, stage]`, -1 where none is given, and the weight of what it teaches."""

    move: Int[Array, "round stage path"]
    read: Int[Array, "round stage path"]
    weight: Float[Array, "round stage path"]


class Ended(eqx.Module):
    """How each path ended: outcome code, round (from 0), package and discounted payoffs.

    `package` is what was pending when it ended: k for the target's k-th, -k for the coercer's, 0 for none;
    `dropped` tells whether each side had dropped its view by then, `state` where at its last stage it stood.
    """

    outcome: Int[Array, " path"]
    round: Int[Array, " path"]
    package: Int[Array, " path"]
    payoff: Float[Array, "2 path"]
    dropped: Bool[Array, "2 path"]
    state: Int[Array, " path"]


class Seen(eqx.Module):
    """What a reader of the run needs, by round: beliefs before each stage and chances of the moves.

    `belief[round, mind, axis, path]` before the round; `expected[round, s][path, move]`: what the *other* side's
    mind expects at stage s; `own[...]`: what the mover's own strategy does, per type. `factor[round, side, path]`:
    log Bayes factor of the shadow against the view held, before the round; `dropped`: whether it has taken over;
    `moved[round, s]`: whether a path came to stage s at all.
    """

    belief: Float[Array, "round mind 2 path"]
    state: Int[Array, "round path"]
    expected: tuple[Float[Array, "round path _move"], ...]
    own: tuple[Float[Array, "round path 2 _move"], ...]
    factor: Float[Array, "round 2 path"]
    dropped: Bool[Array, "round 2 path"]
    moved: tuple[Bool[Array, "round path"], ...]


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
    belief: Float[Array, "mind 2 path"]
    outcome: Int[Array, " path"]
    round: Int[Array, " path"]
    package: Int[Array, " path"]
    payoff: Float[Array, "2 path"]
    discount: Float[Array, " path"]
    waiting: tuple[Float[Array, "later path"] | None, ...]  # news on its way, by mind
    factor: Float[Array, "2 path"]
    dropped: Bool[Array, "2 path"]
    lost: Bool[Array, " path"]  # came to where a mind holds no strategy


def _one_round(form: Form, record: bool, groups: int) -> Callable[..., tuple[Carry, Played | None]]:
    """One round of all paths, compiled once for every round."""

    def run(
        n: Array,
        key: PRNGKeyArray,
        minds: Minds,
        world: Payoffs,
        paths: Paths,
        given: tuple[Array, Array, Array] | None,
        carry: Carry,
    ) -> tuple[Carry, Played | None]:
        count = paths.state.shape[0]

        def draw(key: PRNGKeyArray) -> Array:
            return jnp.tile(jax.random.uniform(key, (count // groups,)), groups)

        state, belief, outcome, at_round = carry.state, carry.belief, carry.outcome, carry.round
        package, payoff, discount = carry.package, carry.payoff, carry.discount
        factor, dropped, waiting, lost = carry.factor, carry.dropped, list(carry.waiting), carry.lost
        begun = (n >= paths.start) & (outcome < 0)
        place = jnp.where(begun, 0, -1)
        everyone = range(len(minds))
        clear = jnp.ones((2, count), bool)  # the last class was read as sent, by side that reads
        seen = []
        noise = []
        for i in everyone:
            sense, queue = minds[i].sense, waiting[i]
            noise.append(fate(jax.random.fold_in(jax.random.fold_in(key, n), form.nature + 1 + i % 2), count, groups))
            if sense is not None and queue is not None:
                about, waiting[i] = arrive(sense, noise[i], n, belief[i, 1 - i % 2], queue, begun)
                belief = belief.at[i, 1 - i % 2].set(about)
        for index, stage in enumerate(form.stages):
            here = place == index
            use = jnp.where(here, state, 0)
            keys = jax.random.split(jax.random.fold_in(jax.random.fold_in(key, n), index), 2)
            movers = [i for i in everyone if i % 2 == stage.mover]
            acting = [(i, acts) for i in movers if (acts := minds[i].acts) is not None]
            asked = [(minds[i].log_pi[index], belief[i]) for i in everyone]
            asked += [(acts[index], belief[i]) for i, acts in acting]
            log_pi = look_where(tuple(asked), n, here | record, use)
            for table in log_pi:
                lost = lost | (here & jnp.isnan(table[:, 0, 0]))
            does = {i: log_pi[i] for i in movers} | {i: log_pi[len(minds) + k] for k, (i, _) in enumerate(acting)}
            own = does[stage.mover]
            for i in movers[1:]:
                own = jnp.where(dropped[stage.mover][:, None, None], does[i], own)
            mine = jnp.take_along_axis(own, paths.types[stage.mover][:, None, None], axis=1)[:, 0]
            mask = jnp.asarray(stage.mask)[use]
            move = _choose(jnp.where(mask, mine, -jnp.inf), draw(keys[0]))
            weight = jnp.ones(count)
            if given is not None:
                told = given[0][index]
                move = jnp.where(told >= 0, told, move)
                weight = jnp.where(told >= 0, given[2][index], weight)
            row = minds[1 - stage.mover].read[index][move]
            read = _read(row, mask, move, draw(keys[1]))
            if given is not None:
                read = jnp.where(given[1][index] >= 0, given[1][index], read)
            updated = []
            detail = stage.name not in ("coercer", "target")
            other = 1 - stage.mover
            expects = []
            for i in everyone:
                taken = move if i % 2 == stage.mover else read
                ratio = _pick(log_pi[i][:, 1], taken) - _pick(log_pi[i][:, 0], taken)
                learns = here & clear[other] if detail and i % 2 == other else here  # a mover knows his own detail
                change = jnp.where(learns, weight * ratio, 0.0)
                sense, queue = minds[i].sense, waiting[i]
                if i % 2 == other:
                    b = belief[i, stage.mover][:, None]
                    expects.append(b * jnp.exp(log_pi[i][:, 1]) + (1 - b) * jnp.exp(log_pi[i][:, 0]))
                    if sense is not None and queue is not None:
                        change, waiting[i] = hear(sense, noise[i], change, b[:, 0], queue)
                updated.append(posterior(belief[i, stage.mover], change))
            if len(expects) > 1:
                likelier = jnp.log(_pick(expects[1], read)) - jnp.log(_pick(expects[0], read))
                counts = here & clear[other] if detail else here
                factor = factor.at[other].add(jnp.where(counts, weight * likelier, 0.0))
            if record:
                seen.append((jnp.where(dropped[other][:, None], expects[-1], expects[0]), jnp.exp(own), here))
            if not detail:
                clear = clear.at[other].set(jnp.where(here, read == move, clear[other]))
            belief = belief.at[:, stage.mover].set(jnp.stack(updated))
            pay = world.moves[index][:, paths.types, use[None], move[None]]  # player, owner of the type, path
            payoff = payoff + jnp.where(here, discount[None] * jnp.stack([pay[0, 0], pay[1, 1]]), 0.0)
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
        branch = _choose(jnp.log(jnp.maximum(world.chance[use], 1e-300)), draw(keys[0]))
        hit = draw(keys[1]) < _pick(world.hazard[use], branch)
        removed = here & hit
        flow, gone = world.flow[:, paths.types, use[None]], world.removed[:, paths.types]
        gain = jnp.stack([flow[i, i] + jnp.where(hit, gone[i, i], 0.0) for i in range(2)])
        payoff = payoff + jnp.where(here, discount[None] * gain, 0.0)
        for i in range(2, len(minds)):
            limit = minds[i].threshold
            if limit is not None:
                dropped = dropped.at[i % 2].set(dropped[i % 2] | (begun & (factor[i % 2] > jnp.log(limit))))
        after = Carry(
            jnp.where(here & ~removed, jnp.asarray(form.branch, jnp.int32)[use, branch], state),
            belief,
            jnp.where(removed, OUTCOME["coup"], outcome),
            jnp.where(removed, n, at_round),
            package,
            payoff,
            jnp.where(here, discount * world.discount, discount),
            tuple(waiting),
            factor,
            dropped,
            lost,
        )
        out = tuple(tuple(s[k] for s in seen) for k in range(3)) if record else None
        return after, out

    return jax.jit(run)


@lru_cache(maxsize=16)
def _compiled(form: Form, record: bool, groups: int) -> Callable[..., tuple[Carry, Played | None]]:
    return _one_round(form, record, groups)


Later = tuple[tuple[int, Minds, Payoffs], ...]
"""From which round on other minds play in another world, in order."""


def _run(
    key: PRNGKeyArray, form: Form, minds: Minds, world: Payoffs, paths: Paths, given: Given | None, rounds: int,
    *, record: bool, later: Later = (), groups: int = 1,
) -> tuple[Carry, list[tuple[Carry, Played]]]:  # fmt: skip
    one = _compiled(form, record, groups)
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
        tuple(None if m.sense is None else jnp.zeros((len(m.sense.delay) - 1, count)) for m in minds),
        jnp.zeros((2, count)),
        jnp.zeros((2, count), bool),
        jnp.zeros(count, bool),
    )
    seen = []
    rows = tuple(np.asarray(a) for a in (given.move, given.read, given.weight)) if given is not None else ()
    for n in range(rounds):
        told = (rows[0][n], rows[1][n], rows[2][n]) if rows else None
        _, minds, world = next((turn for turn in reversed(later) if turn[0] <= n), (0, minds, world))
        before = carry
        carry, out = one(jnp.asarray(n, jnp.int32), key, minds, world, paths, told, carry)
        if out is not None:
            seen.append((before, out))
    if bool(carry.lost.any()):
        raise Failure(
            f"{int(carry.lost.sum())} of {count} crises came to a state in which a view was not solved. "
            "Solve the views in all states that crises can come to."
        )
    return carry, seen


def play(
    key: PRNGKeyArray, form: Form, minds: Minds, world: Payoffs, paths: Paths, *, rounds: int,
    given: Given | None = None, later: Later = (),
) -> Ended:  # fmt: skip
    """Play out paths to their ends.

    Args:
        key: Of all random numbers; they belong to path, round and stage.
        form: The game's form.
        minds: The coercer's, the target's and shadows.
        world: What is the case.
        paths: Where each path begins.
        rounds: Rounds until the horizon.
        given: Moves that are made whatever the minds would do; -1 leaves a move to them.
        later: From which round on other minds (as many) play, in another world.

    Returns:
        How each path ended.

    Raises:
        Failure: A path came to a state in which a mind holds no strategy (`sweep.solve` with `reached`).
    """
    last, _ = _run(key, form, minds, world, paths, given, rounds, record=False, later=later)
    world = later[-1][2] if later else world
    done: Ended = _finish(world, paths, last, jnp.asarray(rounds - 1, jnp.int32))
    return done


@jax.jit
def _finish(world: Payoffs, paths: Paths, last: Carry, final: Array) -> Ended:
    """What the paths that reach the end of the last round are paid there."""
    still = last.outcome < 0
    end = world.horizon[:, paths.types, jnp.where(still, last.state, 0)[None]]
    payoff = last.payoff + jnp.where(still, last.discount[None] * jnp.stack([end[0, 0], end[1, 1]]), 0.0)
    outcome = jnp.where(still, jnp.int32(OUTCOME["stalemate"]), last.outcome)
    return Ended(outcome, jnp.where(still, final, last.round), last.package, payoff, last.dropped, last.state)


def follow(
    key: PRNGKeyArray,
    form: Form,
    minds: Minds,
    world: Payoffs,
    paths: Paths,
    given: Given,
    *,
    rounds: int,
) -> Seen:
    """Follow a record of moves: beliefs of both minds round by round, and what each expected of the other."""
    return trace(key, form, minds, world, paths, given, rounds=rounds)[0]


def trace(
    key: PRNGKeyArray,
    form: Form,
    minds: Minds,
    world: Payoffs,
    paths: Paths,
    given: Given,
    *,
    rounds: int,
    groups: int = 1,
) -> tuple[Seen, Ended]:
    """Follow a record as far as moves are given and play on from there: what was seen on the way, and the ends.

    Paths come in so many groups of equal size; the k-th paths of all groups share their random numbers.
    """
    last, seen = _run(key, form, minds, world, paths, given, rounds, record=True, groups=groups)
    stages = range(len(form.stages))
    told = Seen(
        jnp.stack([before.belief for before, _ in seen]),
        jnp.stack([before.state for before, _ in seen]),
        tuple(jnp.stack([out[0][s] for _, out in seen]) for s in stages),
        tuple(jnp.stack([out[1][s] for _, out in seen]) for s in stages),
        jnp.stack([before.factor for before, _ in seen]),
        jnp.stack([before.dropped for before, _ in seen]),
        tuple(jnp.stack([out[2][s] for _, out in seen]) for s in stages),
    )
    return told, _finish(world, paths, last, jnp.asarray(rounds - 1, jnp.int32))


def plain_reading(form: Form) -> tuple[np.ndarray, ...]:
    """Readings that take every move as it was sent."""
    return tuple(np.eye(len(stage.moves)) for stage in form.stages)
