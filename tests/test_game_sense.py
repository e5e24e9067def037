"""How news moves a mind, and when a view is dropped: limits by hand, and Bayes where nothing distorts."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats
from tests.known.gambit import game

from standoff.game import sense as news
from standoff.game.play import Given, Mind, Paths, follow, plain_reading, play
from standoff.game.sense import Sense
from standoff.game.sweep import solve

FORM = game.form(2)
ROUNDS, COUNT = 3, 64
HOLD, CLIMB, RESIST = 1, 2, 1  # in this game a hold speaks for resolve, a climb against it


@pytest.fixture(scope="module")
def solution():
    return solve(FORM, game.payoffs("base", 2, 2.0), rounds=ROUNDS, nodes=9)


def sense(flip=0.0, lost=0.0, delay=(1.0, 0.0, 0.0), leader=1.0, scene=(0.0,) * ROUNDS):
    return Sense(*(jnp.asarray(x, jnp.float64) for x in (flip, lost, delay, leader, scene)))


def mind(solution, way="plain", threshold=None, log_pi=None):
    way = sense() if way == "plain" else way  # one structure for all, so that little is compiled
    plain = tuple(jnp.asarray(table) for table in plain_reading(FORM))
    limit = None if threshold is None else jnp.asarray(threshold)
    return Mind(solution.log_pi if log_pi is None else log_pi, plain, sense=way, threshold=limit)


def along(minds, moves=((HOLD, RESIST),) * 3, belief=0.4):
    """Follow a record and give what is seen; only the first round teaches."""
    move = np.full((ROUNDS, 2, COUNT), -1, np.int32)
    for n, pair in enumerate(moves):
        move[n] = np.array(pair)[:, None]
    weight = np.zeros(move.shape)
    weight[0] = 1.0
    zero = jnp.zeros(COUNT, jnp.int32)
    paths = Paths(zero, zero, jnp.ones((2, COUNT), jnp.int32), jnp.full((len(minds), 2, COUNT), belief))
    given = Given(jnp.asarray(move), jnp.full(move.shape, -1, jnp.int32), jnp.asarray(weight))
    return follow(jax.random.key(4), FORM, minds, game.payoffs("base", 2, 2.0), paths, given, rounds=ROUNDS)


def odds(p):
    return np.log(p) - np.log1p(-p)


def test_a_plain_sense_changes_nothing_at_all(solution):
    bare = along((mind(solution, None), mind(solution, None)))
    plain = along((mind(solution, news.plain(ROUNDS)), mind(solution, news.plain(ROUNDS))))
    for one, two in zip(jax.tree.leaves(bare), jax.tree.leaves(plain), strict=True):
        np.testing.assert_array_equal(one, two)


def test_an_institution_that_decides_is_bayes_whatever_the_leader_hears(solution):
    bare = along((mind(solution), mind(solution)))
    ruled = along((mind(solution), mind(solution, sense(flip=1.0, lost=1.0, leader=0.0))))
    np.testing.assert_allclose(ruled.belief, bare.belief, rtol=1e-12)


def test_a_hold_is_bad_news_and_lost_news_teaches_nothing(solution):
    bare = along((mind(solution), mind(solution)))
    deaf = along((mind(solution), mind(solution, sense(lost=1.0))))
    assert (np.asarray(bare.belief)[1, 1, 0] > 0.42).all()
    np.testing.assert_allclose(np.asarray(deaf.belief)[:, 1, 0], 0.4, rtol=1e-12)


def test_delayed_news_comes_a_round_late_and_whole(solution):
    bare = np.asarray(along((mind(solution), mind(solution))).belief)[:, 1, 0]
    late = np.asarray(along((mind(solution), mind(solution, sense(delay=(0.0, 1.0, 0.0))))).belief)[:, 1, 0]
    np.testing.assert_allclose(late[1], 0.4, rtol=1e-12)
    # What `follow` shows stands before the round: the news of round 0 comes in as round 1 begins.
    np.testing.assert_allclose(late[2], bare[1], rtol=1e-9)


def test_bias_turns_what_speaks_against_a_belief_round(solution):
    """A hold speaks for resolve. He who believes in a yielding other side (0.4 < 1/2) takes it the other way."""
    bare = np.asarray(along((mind(solution), mind(solution))).belief)[1, 1, 0]
    sure = np.asarray(along((mind(solution), mind(solution, sense(flip=1.0)))).belief)[1, 1, 0]
    np.testing.assert_allclose(odds(sure) - odds(0.4), -(odds(bare) - odds(0.4)), rtol=1e-9)
    with_it = np.asarray(along((mind(solution), mind(solution, sense(flip=1.0))), belief=0.6).belief)[1, 1, 0]
    plain = np.asarray(along((mind(solution), mind(solution)), belief=0.6).belief)[1, 1, 0]
    np.testing.assert_array_equal(with_it, plain)


def test_share_of_flips_lost_and_late_news():
    """Frequencies of 100,000 pieces of bad news; chance of a false alarm 1e-4 over the three."""
    count = 100_000
    way = sense(flip=0.3, lost=0.2, delay=(0.5, 0.3, 0.2))
    ratio, belief = jnp.full(count, 0.7), jnp.full(count, 0.3)
    now, waits = news.hear(way, news.fate(jax.random.key(5), count), ratio, belief, jnp.zeros((2, count)))
    now, waits = np.asarray(now), np.asarray(waits)
    found = {
        0.8 * 0.5 * 0.3: (now < 0).mean(), 0.8 * 0.5 * 0.7: (now > 0).mean(), 0.8 * 0.3: (waits[0] > 0).mean(),
        0.8 * 0.2: (waits[1] > 0).mean(), 0.2: ((now == 0) & (waits == 0).all(0)).mean(),
    }  # fmt: skip
    z = stats.norm.isf(1e-4 / 2 / len(found))
    for chance, share in found.items():
        assert abs(share - chance) < z * np.sqrt(chance * (1 - chance) / count)


def test_good_news_is_never_lost_or_late():
    way = sense(lost=1.0, delay=(0.0, 0.0, 1.0))
    ratio = jnp.full(8, -0.7)
    now, waits = news.hear(way, news.fate(jax.random.key(5), 8), ratio, jnp.full(8, 0.3), jnp.zeros((2, 8)))
    np.testing.assert_array_equal(now, ratio)
    assert not np.asarray(waits).any()


def test_a_scene_shifts_the_log_odds_by_its_ratio(solution):
    shift = (0.0, 0.9, 0.0)
    bare = np.asarray(along((mind(solution), mind(solution)), moves=()).belief)[:, 1, 0]
    shown = np.asarray(along((mind(solution), mind(solution, sense(scene=shift))), moves=()).belief)[:, 1, 0]
    np.testing.assert_array_equal(shown[:2], bare[:2])  # before round 1 begins


def tilted(solution, stage, move, weight):
    """The solved strategies with one move's odds raised for both types: a view that expects more of it."""
    found = list(solution.log_pi)
    mask = jnp.asarray(FORM.stages[stage].mask)[None, :, None, None, None]
    raised = found[stage].at[..., move].add(weight)
    raised = jnp.where(mask, raised, -jnp.inf)
    found[stage] = (raised - jax.nn.logsumexp(raised, axis=-1, keepdims=True)).astype(found[stage].dtype)
    return tuple(found)


def test_a_view_is_dropped_once_the_record_is_likelier_elsewhere(solution):
    """The Bayes factor is what it is by hand, and the view falls when it passes the threshold, not before."""
    expects_more = tilted(solution, 0, HOLD, 2.0)
    pair = (mind(solution, None), mind(solution, None))
    shadows = (mind(solution, None, 1e9), mind(solution, None, 1.5, expects_more))
    seen = along((*pair, *shadows))
    factor = np.asarray(seen.factor)[:, 1]
    first = np.asarray(seen.expected[0])[0, :, HOLD]
    at = np.exp(np.asarray(expects_more[0])[0, 0, ..., HOLD].astype(float))
    p = np.full(2, 0.4) * 8
    near = at[int(p[0]), int(p[1])]  # close to the node: bounds only
    likelier = 0.4 * near[1] + 0.6 * near[0]
    assert factor[1] == pytest.approx(np.log(likelier / first), abs=0.05)
    dropped = np.asarray(seen.dropped)[:, 1]
    np.testing.assert_array_equal(dropped[1:], factor[1:] > np.log(1.5))
    assert not np.asarray(seen.dropped)[:, 0].any()
    assert dropped[1:].any()


@pytest.mark.slow
def test_a_shadow_that_is_the_same_view_never_takes_over_and_changes_nothing(solution):
    pair = (mind(solution, None), mind(solution, None))
    zero = jnp.zeros(COUNT, jnp.int32)
    types = jnp.asarray(np.arange(2 * COUNT).reshape(2, COUNT) % 2, jnp.int32)
    world = game.payoffs("base", 2, 2.0)
    plain = play(
        jax.random.key(1), FORM, pair, world, Paths(zero, zero, types, jnp.full((2, 2, COUNT), 0.4)), rounds=ROUNDS
    )
    shadows = (mind(solution, None, 1.01), mind(solution, None, 1.01))
    four = play(
        jax.random.key(1), FORM, (*pair, *shadows), world,
        Paths(zero, zero, types, jnp.full((4, 2, COUNT), 0.4)), rounds=ROUNDS,
    )  # fmt: skip
    for one, two in zip(jax.tree.leaves(plain), jax.tree.leaves(four), strict=True):
        np.testing.assert_array_equal(one, two)
