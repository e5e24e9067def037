"""States that cannot be come to are left out of a solution, and what is solved is the same to the last bit."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from standoff.errors import Failure
from standoff.game.against import answer
from standoff.game.form import Form, Payoffs
from standoff.game.ladder import Ladder, build
from standoff.game.play import Mind, Minds, Paths, plain_reading, play
from standoff.game.reach import Reached, reached
from standoff.game.sweep import solve

ROUNDS, NODES = 3, 5
COUNT = 200


@cache
def form(levels: int = 3) -> Form:
    """Two rungs and no offers; any level of cohesion may follow any other. One form, so that it is compiled once."""
    return build(
        Ladder(
            strike=(False, True), ultimatum=(False, True), start_rung=0, patience=2, coercer_offers=0,
            target_offers=0, reach=np.ones((2, 2, 1, levels, 1, levels), bool), levels_start=((0, 0),),
        )
    )  # fmt: skip


def payoffs(shape: Form, chance: np.ndarray, seed: int = 3) -> Payoffs:
    """Made-up payoffs."""
    rng = np.random.default_rng(seed)

    def some(*axes: int) -> jax.Array:
        return jnp.asarray(rng.normal(0, 0.4, (2, 2, *axes)))

    states, first = len(shape.nature_states), len(shape.stages[0].states)
    return Payoffs(
        moves=tuple(some(*stage.mask.shape) for stage in shape.stages), flow=0.1 * some(states),
        chance=jnp.asarray(chance),
        hazard=jnp.full(chance.shape, 0.02), removed=some(), horizon=some(first), precision=jnp.array([3.0, 4.0]),
        tilt=jnp.zeros((2, 2)), discount=jnp.array(0.95),
    )  # fmt: skip


def staying(shape: Form, top: int) -> np.ndarray:
    """Chances of nature's branches: levels up to `top` are equally likely, the others never come."""
    levels = np.array([state[4] for state in shape.stages[0].states])
    can = levels[shape.branch] <= top
    return can / can.sum(1, keepdims=True)


@pytest.mark.parametrize("top", [0, 1, 2])
def test_states_are_those_of_the_levels_that_have_a_chance(top):
    shape = form()
    found = reached(shape, staying(shape, top) > 0, [0])
    for stage, states in zip(shape.stages, found.states, strict=False):
        assert {stage.states[s][4] for s in states} == set(range(top + 1))
    if top == 2:
        assert [len(states) for states in found.states] == [
            *(len(s.states) for s in shape.stages),
            len(shape.nature_states),
        ]
    assert found.name != reached(shape, staying(shape, (top + 1) % 3) > 0, [0]).name


def test_a_second_first_state_counts():
    shape = form()
    firm = next(s for s, state in enumerate(shape.stages[0].states) if state == (0, 0, 0, 0, 2))
    same = [shape.stages[0].states.index(state[:5]) for state in shape.nature_states]
    stays = shape.branch == np.array(same)[:, None]
    one, two = reached(shape, stays, [0]), reached(shape, stays, [0, firm])
    assert len(two.states[0]) == 2 * len(one.states[0])


@pytest.mark.slow
@pytest.mark.parametrize("top", [0, 1])
def test_what_is_solved_is_the_same_bit_for_bit(top):
    shape = form()
    game = payoffs(shape, staying(shape, top))
    among = reached(shape, np.asarray(game.chance) > 0, [0])
    whole = solve(shape, game, rounds=ROUNDS, nodes=NODES)
    part = solve(shape, game, rounds=ROUNDS, nodes=NODES, reached=among)
    answers = [answer(shape, game, whole.log_pi, 1), answer(shape, game, part.log_pi, 1, among)]
    for all_, some in ((whole, part), answers):
        for s, (one, other) in enumerate(zip(all_.log_pi, some.log_pi, strict=True)):
            one, other = np.asarray(one), np.asarray(other)
            assert (one[:, among.states[s]] == other[:, among.states[s]]).all()
            left = np.setdiff1d(np.arange(one.shape[1]), among.states[s])
            assert len(left)
            assert np.isnan(other[:, left]).all()
    first = among.states[0]
    assert (np.asarray(whole.value)[..., first, :, :] == np.asarray(part.value)[..., first, :, :]).all()
    assert (np.asarray(answers[0].value)[:, :, first] == np.asarray(answers[1].value)[:, :, first]).all()
    assert part.ok
    assert part.unsettled == 0


def test_all_states_named_or_none_is_the_same():
    shape = form()
    game = payoffs(shape, staying(shape, 2))
    every = Reached(tuple(np.arange(n) for n in (*(len(s.states) for s in shape.stages), len(shape.nature_states))))
    one, other = (solve(shape, game, rounds=2, nodes=NODES, reached=among) for among in (None, every))
    assert all((np.asarray(a) == np.asarray(b)).all() for a, b in zip(one.log_pi, other.log_pi, strict=True))
    assert one.residual == other.residual
    with pytest.raises(Failure, match="all states"):
        solve(shape, game, rounds=2, nodes=NODES, reached=every, trail=True)


def wandering(shape: Form, rng: np.random.Generator) -> np.ndarray:
    """Chances of nature's branches of which many are 0, and none is left without one."""
    chance = rng.random(shape.branch.shape) * (rng.random(shape.branch.shape) < 0.4)
    chance[np.arange(len(chance)), rng.integers(0, chance.shape[1], len(chance))] += 0.1
    return chance / chance.sum(1, keepdims=True)


def walked(shape: Form, possible: np.ndarray, first: list[int]) -> list[set[int]]:
    """States that can be come to, one step after the other."""
    seen: list[set[int]] = [set() for _ in range(len(shape.stages) + 1)]
    queue = [(0, state) for state in first]
    while queue:
        index, state = queue.pop()
        if state in seen[index]:
            continue
        seen[index].add(state)
        if index == shape.nature:
            queue += [(0, int(to)) for to, can in zip(shape.branch[state], possible[state], strict=True) if can]
        else:
            stage = shape.stages[index]
            queue += [(stage.leads[m], int(stage.follow[state, m])) for m in stage.going if stage.mask[state, m]]
    return seen


def minds(*tables: tuple[tuple[jax.Array, ...], tuple[jax.Array, ...]]) -> Minds:
    """Minds by what each expects and what it does."""
    read = tuple(jnp.asarray(each) for each in plain_reading(form()))
    return tuple(Mind(log_pi, read, acts) for log_pi, acts in tables)


def beginnings(rng: np.random.Generator, first: list[int]) -> Paths:
    """Crises that begin in some states, with any types and beliefs."""
    belief = jnp.asarray(np.repeat(rng.random((2, 2, 1)), COUNT, axis=2))
    start = np.resize(np.array(first, np.int32), COUNT)
    types = rng.integers(0, 2, (2, COUNT)).astype(np.int32)
    return Paths(jnp.zeros(COUNT, jnp.int32), jnp.asarray(start), jnp.asarray(types), belief)


@given(st.integers(0, 10**6))
@example(1)  # begins at the top rung, from which nobody climbs: a stage to which no crisis comes
@settings(max_examples=6)
def test_crises_of_random_games_go_on_as_where_all_states_are_solved(seed):
    """A view, one that answers it, and a world, each with its own chances; every crisis is played to its end."""
    rng, shape = np.random.default_rng(seed), form()
    inner, outer, world = (payoffs(shape, wandering(shape, rng), int(rng.integers(10**6))) for _ in range(3))
    first = rng.choice(len(shape.stages[0].states), int(rng.integers(1, 3)), replace=False).tolist()
    possible = {name: np.asarray(one.chance) > 0 for name, one in (("i", inner), ("o", outer), ("w", world))}
    some = reached(shape, possible["o"] | possible["w"], first)  # where the answer is asked for
    more = reached(shape, possible["i"] | possible["o"] | possible["w"], first)
    for found, can in ((some, possible["o"] | possible["w"]), (more, possible["i"] | possible["o"] | possible["w"])):
        assert [set(map(int, states)) for states in found.states] == walked(shape, can, first)
    ended, paths = [], beginnings(rng, first)
    for one, other in ((None, None), (more, some)):
        held = solve(shape, inner, rounds=ROUNDS, nodes=NODES, reached=one)
        acts = answer(shape, outer, held.log_pi, 1, other)
        both = minds((held.log_pi, held.log_pi), (held.log_pi, acts.log_pi))
        ended.append(play(jax.random.key(seed), shape, both, world, paths, rounds=ROUNDS))
    for whole, part in zip(jax.tree.leaves(ended[0]), jax.tree.leaves(ended[1]), strict=True):
        np.testing.assert_array_equal(whole, part)


def test_a_crisis_that_comes_to_a_state_that_was_not_solved_is_refused():
    shape = form()
    stays, moves = payoffs(shape, staying(shape, 0)), payoffs(shape, staying(shape, 2))
    among = reached(shape, np.asarray(stays.chance) > 0, [0])
    held = solve(shape, stays, rounds=ROUNDS, nodes=NODES, reached=among).log_pi
    everywhere = solve(shape, stays, rounds=ROUNDS, nodes=NODES).log_pi
    rng = np.random.default_rng(2)
    paths = beginnings(rng, [0])
    play(jax.random.key(1), shape, minds((held, held), (held, held)), stays, paths, rounds=ROUNDS)
    for both in (((held, held), (everywhere, everywhere)), ((everywhere, everywhere), (everywhere, held))):
        with pytest.raises(Failure, match="a view was not solved"):
            play(jax.random.key(1), shape, minds(*both), moves, paths, rounds=ROUNDS)
