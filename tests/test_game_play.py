"""Two minds in the world: frequencies, Bayes by hand, misreading, known types, payoffs, keys."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats
from tests.known.gambit import game

from standoff.game.form import OUTCOME, OUTCOMES, Payoffs
from standoff.game.ladder import Ladder, build
from standoff.game.play import Given, Mind, Paths, follow, plain_reading, play
from standoff.game.sweep import solve

NODES = 21
COUNT = 4000  # every test has as many paths, so that little is compiled
FORM = game.form(1)
ROUNDS = 2
BACK, HOLD, CLIMB, STRIKE = range(4)
CONCEDE, RESIST = range(2)


@pytest.fixture(scope="module")
def solution():
    return solve(FORM, game.payoffs("base", 1, 2.0), rounds=ROUNDS, nodes=NODES)


def mind(log_pi, read=None):
    plain = [jnp.asarray(table) for table in plain_reading(FORM)]
    if read is not None:
        plain[0] = jnp.asarray(read)
    return Mind(log_pi, tuple(plain))


def begin(types, belief=(0.4, 0.4), count=COUNT):
    """Paths whose types are the given ones over and over."""
    types = jnp.asarray(np.resize(np.asarray(types).T, (count, 2)).T, jnp.int32)
    zero = jnp.zeros(count, jnp.int32)
    belief = jnp.broadcast_to(jnp.asarray(belief, jnp.float64)[None, :, None], (2, 2, count))
    return Paths(zero, zero, types, belief)


def always(*moves):
    """A strategy that makes the same move at a stage whatever the state, as a solved table; -1: any feasible."""
    tables = []
    for stage, move in zip(FORM.stages, moves, strict=True):
        table = np.full((ROUNDS, len(stage.states), NODES, NODES, 2, len(stage.moves)), -np.inf, np.float32)
        for s, mask in enumerate(stage.mask):
            chosen = move if mask[move] else int(np.flatnonzero(mask)[0])
            table[:, s, ..., chosen] = 0.0
        tables.append(jnp.asarray(table))
    return tuple(tables)


def nothing_given():
    shape = (ROUNDS, 2, COUNT)
    return np.full(shape, -1, np.int32), np.full(shape, -1, np.int32), np.ones(shape)


@pytest.mark.slow
def test_frequencies_are_those_of_gambit(solution):
    case = next(c for c in game.CASES if (c["variant"], c["periods"], c["lambda"]) == ("base", 1, 2.0))
    count = 200_000
    stream = np.random.default_rng(11)
    pair = stream.choice(4, size=count, p=game.prior("base").reshape(-1))
    both = mind(solution.log_pi)
    paths = begin(np.stack([pair // 2, pair % 2]), count=count)
    ended = play(jax.random.key(3), FORM, (both, both), game.payoffs("base", 1, 2.0), paths, rounds=ROUNDS)
    outcome, when = np.asarray(ended.outcome), np.asarray(ended.round)
    found = {
        "backdown@1": (outcome == OUTCOME["back-down"]) & (when == 0),
        "concede@1": outcome == OUTCOME["concession"],
        "strike": outcome == OUTCOME["force"],
        "backdown@deadline": (outcome == OUTCOME["back-down"]) & (when == 1),
    }
    assert set(found) == set(case["outcomes"])
    assert sum(x.sum() for x in found.values()) == count
    # Chance of a false alarm 1e-4 over the four and the two means; the grid's own error is 3e-6 here.
    z = stats.norm.isf(1e-4 / 2 / 6)
    for name, chance in case["outcomes"].items():
        assert abs(found[name].mean() - chance) < z * np.sqrt(chance * (1 - chance) / count) + 1e-5, name
    payoff = np.asarray(ended.payoff)
    for side, name in enumerate(("Coercer", "Target")):
        error = payoff[side].std() / np.sqrt(count)
        assert abs(payoff[side].mean() - case["payoffs"][name]) < z * error + 1e-5


def one_given(solution, read=None, told=(), belief=(0.4, 0.4), taken=None, weight=1.0):
    """Follow one record: `told` are (round, stage, move)."""
    move, as_read, heavy = nothing_given()
    for n, stage, m in told:
        move[n, stage] = m
        heavy[n, stage] = weight
    if taken is not None:
        as_read[0, 0] = taken
    pair = (mind(solution.log_pi), mind(solution.log_pi, read))
    record = Given(jnp.asarray(move), jnp.asarray(as_read), jnp.asarray(heavy))
    paths = begin(np.zeros((2, 1)), belief)
    world = game.payoffs("base", 1, 2.0)
    return follow(jax.random.key(0), FORM, pair, world, paths, record, rounds=ROUNDS)


def bayes(prior, firm, yielding):
    return prior * firm / (prior * firm + (1 - prior) * yielding)


def test_beliefs_along_a_record(solution):
    seen = one_given(solution, told=((0, 0, CLIMB), (0, 1, RESIST)))
    table = np.exp(np.asarray(solution.log_pi[0][0, 0, 8, 8], np.float64))  # the prior 0.4 is node 8
    p = bayes(0.4, table[1, CLIMB], table[0, CLIMB])
    answer = np.asarray(seen.own[1][0, 0])
    q = bayes(0.4, answer[1, RESIST], answer[0, RESIST])
    assert p > 0.41
    assert q > 0.41
    for holder in range(2):
        assert np.asarray(seen.belief[1, holder, :, 0]) == pytest.approx([p, q], abs=1e-7)
    # What the target expected is the mixture of both types at its belief.
    assert np.asarray(seen.expected[0][0, 0]) == pytest.approx(0.4 * table[1] + 0.6 * table[0], abs=1e-7)
    assert seen.state[1, 0] == FORM.stages[0].states.index((1, 1, 0))


def test_a_climb_read_as_hold(solution):
    read = np.eye(4)
    read[CLIMB] = read[HOLD]
    told = ((0, 0, CLIMB), (0, 1, RESIST))
    plain, misread = one_given(solution, told=told), one_given(solution, read, told)
    table = np.exp(np.asarray(solution.log_pi[0][0, 0, 8, 8], np.float64))
    assert float(misread.belief[1, 1, 0, 0]) == pytest.approx(bayes(0.4, table[1, HOLD], table[0, HOLD]), abs=1e-7)
    # The coercer thinks that it was read as sent, and the rung is seen as it is.
    assert float(misread.belief[1, 0, 0, 0]) == pytest.approx(float(plain.belief[1, 0, 0, 0]), abs=1e-12)
    assert int(misread.state[1, 0]) == int(plain.state[1, 0])
    # A reading on record overrides the channel.
    forced = one_given(solution, told=told, taken=HOLD)
    assert np.asarray(forced.belief[1]) == pytest.approx(np.asarray(misread.belief[1]), abs=1e-12)


def test_a_half_chance_channel_reads_half_of_them(solution):
    read = np.eye(4)
    read[CLIMB] = 0.5 * (read[CLIMB] + read[HOLD])
    seen = one_given(solution, read, ((0, 0, CLIMB), (0, 1, RESIST)))
    taken = np.asarray(seen.belief[1, 1, 0])
    low = taken < taken.mean()
    # Chance of a false alarm 1e-4.
    assert abs(low.mean() - 0.5) < stats.norm.isf(0.5e-4) * 0.5 / np.sqrt(COUNT)
    assert len(np.unique(np.round(taken, 9))) == 2


def test_no_reading_of_what_cannot_be_played(solution):
    """A strike exists only at the deadline: a channel that reads everything as a strike changes nothing before."""
    told = ((0, 0, CLIMB), (0, 1, RESIST))
    read = np.tile(np.eye(4)[STRIKE], (4, 1))
    assert np.asarray(one_given(solution, read, told).belief[1]) == pytest.approx(
        np.asarray(one_given(solution, told=told).belief[1]), abs=1e-12
    )


def test_weight_tempers_what_is_learnt(solution):
    told = ((0, 0, CLIMB), (0, 1, RESIST))
    full, none, half = (one_given(solution, told=told, weight=w).belief[1, 1, 0, 0] for w in (1.0, 0.0, 0.5))
    odds = [float(x / (1 - x)) for x in (full, none, half)]
    assert odds[1] == pytest.approx(2 / 3, abs=1e-12)
    assert odds[2] ** 2 == pytest.approx(odds[0] * odds[1], rel=1e-9)


@pytest.mark.parametrize("known", [(0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0)])
def test_known_types_stay_known(solution, known):
    seen = one_given(solution, told=((0, 0, CLIMB), (0, 1, RESIST)), belief=known)
    assert np.asarray(seen.belief[1, :, :, 0]).tolist() == [list(known)] * 2


def world(**changes):
    base = game.payoffs("base", 1, 2.0)
    return type(base)(**{**base.__dict__, **{k: jnp.asarray(v) for k, v in changes.items()}})


def played(pair, world, paths, *, of, rounds=ROUNDS):
    """How the first `of` paths end."""
    ended = play(jax.random.key(1), FORM, pair, world, paths, rounds=rounds)
    return jax.tree.map(lambda x: x[..., :of], ended)


def test_payoffs_add_up_with_discount():
    """Hold, resist, back down at the deadline: costs of the first round in full, the end discounted once."""
    pair = (mind(always(HOLD, RESIST)),) * 2
    ended = played(pair, world(discount=0.9), begin([[0, 1], [1, 0]]), of=2)
    assert [OUTCOMES[x] for x in ended.outcome] == ["back-down"] * 2
    assert np.asarray(ended.round).tolist() == [1, 1]
    # payoffs.json: a hold costs 0.05, backing down 0.2 at no rung; resisting costs 0.05, being left alone pays 0.3.
    assert np.asarray(ended.payoff) == pytest.approx(np.array([[-0.05 - 0.9 * 0.2] * 2, [-0.05 + 0.9 * 0.3] * 2]))


def test_payoffs_are_those_of_the_own_type():
    pair = (mind(always(CLIMB, CONCEDE)),) * 2
    ended = played(pair, world(discount=0.9), begin([[0, 1], [0, 1]]), of=2)
    assert np.asarray(ended.payoff) == pytest.approx(np.array([[2 - 0.15] * 2, [-1.0, -2.0]]))
    assert np.asarray(ended.round).tolist() == [0, 0]


def test_removal_from_within():
    pair = (mind(always(HOLD, RESIST)),) * 2
    removed = world(hazard=np.ones((2, 1)), removed=[[0.7, 0.8], [-0.3, -0.4]])
    ended = played(pair, removed, begin([[0, 1], [1, 0]]), of=2)
    assert [OUTCOMES[x] for x in ended.outcome] == ["coup"] * 2
    assert np.asarray(ended.payoff) == pytest.approx(np.array([[-0.05 + 0.7, -0.05 + 0.8], [-0.05 - 0.4, -0.05 - 0.3]]))


def test_the_horizon_pays_what_follows():
    pair = (mind(always(HOLD, RESIST)),) * 2
    horizon = np.zeros((2, 2, 3))
    horizon[0, :, 1] = [1.0, 2.0]  # state (1, 0, 0)
    far = world(discount=0.5, horizon=horizon)
    ended = played(pair, far, begin([[0, 1], [0, 1]]), of=2, rounds=1)
    assert [OUTCOMES[x] for x in ended.outcome] == ["stalemate"] * 2
    assert np.asarray(ended.payoff[0]) == pytest.approx([-0.05 + 0.5, -0.05 + 1.0])


def test_each_mind_plays_its_own_view():
    """The coercer's mind holds and would concede; the target's mind would strike and resists: hold, resist."""
    pair = (mind(always(HOLD, CONCEDE)), mind(always(CLIMB, RESIST)))
    ended = played(pair, world(), begin([[0], [0]]), of=1)
    assert np.asarray(ended.payoff[0]) == pytest.approx([-0.05 - 0.2])


def test_same_key_same_result(solution):
    both = mind(solution.log_pi)
    paths = begin(np.zeros((2, 1)))
    first, again, other = (
        play(jax.random.key(k), FORM, (both, both), world(), paths, rounds=ROUNDS) for k in (5, 5, 6)
    )
    assert (np.asarray(first.outcome) == np.asarray(again.outcome)).all()
    assert (np.asarray(first.payoff) == np.asarray(again.payoff)).all()
    assert (np.asarray(first.outcome) != np.asarray(other.outcome)).any()


def test_a_path_that_starts_later_does_not_play_before():
    pair = (mind(always(HOLD, RESIST)),) * 2
    late = begin([[0], [0]])
    late = Paths(jnp.ones(COUNT, jnp.int32), late.state, late.types, late.belief)
    ended = played(pair, world(discount=0.5), late, of=1)
    assert [OUTCOMES[x] for x in ended.outcome] == ["stalemate"]
    assert np.asarray(ended.payoff[0]) == pytest.approx([-0.05])


@pytest.mark.slow
def test_a_mover_knows_his_own_detail_whatever_he_misread_before():
    """The target takes a hold for a climb, then offers a package: both minds learn from which package it is."""
    form = build(Ladder((False, True), (False, True), 0, 1, 0, 2, np.ones((2, 2, 1, 1, 1, 1), bool), ((0, 0),)))
    stream = np.random.default_rng(0)
    tables = []
    for stage in form.stages:  # the same at every belief, so that minds differ by what they take in alone
        rows = np.log(stream.dirichlet(np.ones(len(stage.moves)), (1, len(stage.states), 1, 1, 2)))
        tables.append(jnp.asarray(np.broadcast_to(rows, (2, len(stage.states), 3, 3, *rows.shape[4:]))))
    names = [stage.name for stage in form.stages]
    move, as_read, weight = (np.full((2, len(names), 1), value) for value in (-1, -1, 1.0))
    told = {"coercer": "hold", "target": "offer", "target offer": "2"}
    for name, chosen in told.items():
        index = names.index(name)
        move[0, index] = form.stages[index].moves.index(chosen)
    as_read[0, names.index("coercer")] = form.stages[names.index("coercer")].moves.index("climb")
    states, kinds = len(form.stages[0].states), len(form.nature_states)
    nothing = Payoffs(
        tuple(jnp.zeros((2, 2, *stage.mask.shape)) for stage in form.stages), jnp.zeros((2, 2, kinds)),
        jnp.ones((kinds, 1)), jnp.zeros((kinds, 1)), jnp.zeros((2, 2)), jnp.zeros((2, 2, states)), jnp.ones(2),
        jnp.zeros((2, 2)), jnp.asarray(1.0),
    )  # fmt: skip
    given = Given(jnp.asarray(move, jnp.int32), jnp.asarray(as_read, jnp.int32), jnp.asarray(weight))
    pair = (Mind(tuple(tables), tuple(jnp.asarray(table) for table in plain_reading(form))),) * 2
    seen = follow(jax.random.key(0), form, pair, nothing, begin([[0], [0]], count=1), given, rounds=2)
    about_target = np.asarray(seen.belief[1, :, 1, 0])
    assert about_target[1] == pytest.approx(about_target[0], abs=1e-9)
    assert float(seen.belief[1, 0, 0, 0]) != pytest.approx(float(seen.belief[1, 1, 0, 0]), abs=1e-3)
