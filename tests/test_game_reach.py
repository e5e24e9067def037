"""States that cannot be come to are left out of a solution, and what is solved is the same to the last bit."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from standoff.errors import Failure
from standoff.game.against import answer
from standoff.game.form import Form, Payoffs
from standoff.game.ladder import Ladder, build
from standoff.game.reach import Reached, reached
from standoff.game.sweep import solve

ROUNDS, NODES = 3, 5


def form(levels: int = 3) -> Form:
    """Two rungs and no offers; any level of cohesion may follow any other."""
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
            assert not other[:, left].any()
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
