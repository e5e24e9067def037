"""Reading: reference points of confirmatory bias, channels, insulation, documents, deciders."""

import csv
import itertools
import json
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from standoff.world import reading

KNOWN = pathlib.Path(__file__).parent / "known"
ROWS = {
    row["quantity"]: row
    for row in csv.DictReader((KNOWN / "world" / "known_points_perception.csv").read_text().splitlines())
}
BIAS = next(
    entry
    for entry in json.loads((KNOWN / "theory" / "results.json").read_text())["results"]
    if entry["id"] == "rabin_schrag_confirmatory_bias"
)["cases"]
# Moves: hold, offer, climb, deadline, strike; the last three can be taken for an offer.
TAKEN = jnp.array([[1.0, 0, 0, 0, 0], [0, 1, 0, 0, 0], [0, 1, 0, 0, 0], [0, 1, 0, 0, 0], [0, 1, 0, 0, 0]])
RESOLVED = jnp.array([0.15, 0.15, 0.3, 0.25, 0.15])
BLUFFER = jnp.array([0.35, 0.35, 0.2, 0.08, 0.02])
COUNT = 40_000
WEIGHT = st.floats(-3, 3, allow_subnormal=False)  # the compiler takes subnormals for 0
ARRIVAL, FLIP = jax.jit(reading.arrival), jax.jit(reading.flip)
ROW, READ = jax.jit(jax.vmap(reading.reading_chance, (None, 0))), jax.jit(jax.vmap(reading.read))
ARRIVED_BY, CHANNEL, MISREAD = (jax.jit(f) for f in (reading.arrived_by, reading.channel, reading.misread))


def known(quantity):
    row = ROWS[quantity]
    return json.loads(row["inputs"]), json.loads(row["outputs"]), float(row["tolerance"])


def test_document_known():
    given_, printed, tol = known("document of doubtful origin")
    assert float(reading.document_ratio(**given_)) == pytest.approx(printed["likelihood_ratio"], abs=tol)


def test_kappa_known():
    given_, printed, tol = known("mean weight of contrary news")
    assert float(reading.kappa(given_["bias"])) == pytest.approx(printed["kappa"], abs=tol)


def finite(accuracy, bias, count):
    """Law of (perceived for minus against) after some signals, from `flip` itself."""
    lead = jnp.arange(-count, count + 1, dtype=float)
    law = np.zeros(2 * count + 1)
    law[count] = 1.0
    for _ in range(count):
        after = np.zeros_like(law)
        for signal, chance in ((1.0, accuracy), (-1.0, 1.0 - accuracy)):
            for uniform, share in ((0.0, bias), (1.0 - 1e-12, 1.0 - bias)):
                move = np.asarray(FLIP(jnp.full_like(lead, signal), lead, bias, uniform)).astype(int)
                held = np.flatnonzero(law)
                np.add.at(after, held + move[held], law[held] * chance * share)
        law = after
    return law


@pytest.mark.parametrize("case", BIAS, ids=lambda case: str(case["inputs"]))
def test_rabin_schrag(case):
    """Model and critical bias are published; chances were worked out and simulated by the project."""
    accuracy, bias, count = (case["inputs"][name] for name in ("theta", "q", "n"))
    printed, tol = case["expected"], case["abs_tol"]
    assert float(reading.lock_in_bias(accuracy)) == pytest.approx(printed["critical_bias"], abs=tol)
    assert float(reading.wrong_for_ever(accuracy, bias)) == pytest.approx(printed["prob_wrong_forever"], abs=tol)
    law = finite(accuracy, bias, count)
    assert law[:count].sum() == pytest.approx(printed["prob_wrong_after_n"], abs=tol)
    assert law[count] == pytest.approx(printed["prob_tied_after_n"], abs=tol)
    assert law[count + 1 :].sum() == pytest.approx(printed["prob_right_after_n"], abs=tol)


def test_lock_in_limits():
    accuracy = jnp.linspace(0.55, 0.95, 9)
    np.testing.assert_array_equal(reading.wrong_for_ever(accuracy, 0.0), 0.0)
    np.testing.assert_allclose(reading.wrong_for_ever(accuracy, 1.0), 1.0 - accuracy, rtol=1e-12)
    at = reading.lock_in_bias(accuracy)
    np.testing.assert_allclose(reading.wrong_for_ever(accuracy, at), 0.0, atol=1e-12)
    assert np.all(reading.wrong_for_ever(accuracy, at + 0.02) > 0.0)


def test_clear_channels_are_the_identity_exactly():
    noisy = CHANNEL(TAKEN, 0.4)
    np.testing.assert_array_equal(CHANNEL(TAKEN, 0.0), np.eye(5))
    np.testing.assert_array_equal(MISREAD(noisy, 1.0), np.eye(5))
    np.testing.assert_array_equal(MISREAD(noisy, 0.0), noisy)
    np.testing.assert_allclose(MISREAD(noisy, 0.5), CHANNEL(TAKEN, 0.2), atol=1e-15)
    np.testing.assert_array_equal(
        reading.aware_ratio(RESOLVED, BLUFFER, CHANNEL(TAKEN, 0.0)), reading.naive_ratio(RESOLVED, BLUFFER)
    )


@settings(max_examples=20)
@given(st.floats(0, 1), st.floats(0, 1))
def test_channels_stay_chances(misreading, clarity):
    matrix = MISREAD(CHANNEL(TAKEN, misreading), clarity)
    np.testing.assert_allclose(matrix.sum(1), 1.0, atol=1e-12)
    assert float(matrix.min()) >= 0.0


def test_channels_take_draws_behind():
    matrix = MISREAD(CHANNEL(TAKEN, jnp.array([0.0, 0.4])), jnp.array([0.0, 0.5]))
    assert matrix.shape == (5, 5, 2)
    np.testing.assert_array_equal(matrix[..., 0], np.eye(5))
    np.testing.assert_allclose(matrix[..., 1], CHANNEL(TAKEN, 0.2), atol=1e-15)


def test_readings_come_with_their_chances():
    chance = reading.reading_chance(CHANNEL(TAKEN, 0.4), jnp.full((COUNT,), 3))
    uniform = jax.random.uniform(jax.random.key(1), (COUNT,))
    seen = np.bincount(reading.read(chance, uniform), minlength=5) / COUNT
    np.testing.assert_allclose(seen, [0, 0.4, 0, 0.6, 0], atol=4 * 0.5 / np.sqrt(COUNT))  # four sd
    assert np.all(np.asarray(reading.read(chance, jnp.zeros(COUNT))) == 1)


def test_impossible_alike_tells_nothing():
    found = reading.log_ratio(jnp.array([0.0, 0.2, 0.0, 0.4]), jnp.array([0.0, 0.2, 0.5, 0.0]))
    np.testing.assert_array_equal(found, [0.0, 0.0, -np.inf, np.inf])


def mean_read(misreading, move=3, aware=False):
    """Mean LLR that a move carries to the other side."""
    matrix = CHANNEL(TAKEN, misreading)
    ratio = reading.aware_ratio(RESOLVED, BLUFFER, matrix) if aware else reading.naive_ratio(RESOLVED, BLUFFER)
    return float(jnp.sum(reading.reading_chance(matrix, jnp.asarray(move)) * ratio))


@pytest.mark.parametrize("aware", [False, True])
def test_misread_steps_carry_less(aware):
    """A climb, a deadline or a strike taken for bargaining moves belief less towards force."""
    found = [mean_read(eps, aware=aware) for eps in (0.0, 0.2, 0.4, 0.7)]
    assert np.all(np.diff(found) < 0.0)


def test_a_naive_reader_learns_less_than_an_aware_one_of_what_he_was_sent():
    """Mean gain of a true type: no processing of the reading beats Bayes on it."""
    matrix = CHANNEL(TAKEN, 0.4)
    law = reading.through(RESOLVED, matrix)
    aware, naive = reading.aware_ratio(RESOLVED, BLUFFER, matrix), reading.naive_ratio(RESOLVED, BLUFFER)
    assert float(jnp.sum(law * aware)) > 0.0
    assert float(jnp.sum(law * aware)) > float(jnp.sum(law * naive))


def test_one_call_leaves_both_surer_of_opposite_things():
    """Two accounts of one talk: message 0 opens a door, 1 demands that he go."""
    message, demanding, open_ = 1, jnp.array([0.2, 0.8]), jnp.array([0.8, 0.2])
    caller, called = jnp.array([[0.9, 0.1], [0.1, 0.9]]), jnp.array([[0.95, 0.05], [0.6, 0.4]])
    clear = reading.naive_ratio(demanding, open_)
    sides = [jnp.sum(reading.reading_chance(c, jnp.asarray(message)) * clear) for c in (caller, called)]
    assert float(sides[0]) > 0.0 > float(sides[1])
    healed = [jnp.sum(reading.reading_chance(MISREAD(c, 1.0), jnp.asarray(1)) * clear) for c in (caller, called)]
    assert float(healed[0]) == float(healed[1])


@settings(max_examples=30)
@given(WEIGHT, WEIGHT, st.floats(0, 1), st.floats(0, 0.999))
def test_flips_turn_contrary_news_only(llr, favoured, bias, uniform):
    found = float(FLIP(llr, favoured, bias, uniform))
    assert abs(found) == abs(llr)
    if llr * np.sign(favoured) >= 0.0 or uniform >= bias:
        assert found == llr
    else:
        assert found == -llr
    assert float(reading.discount(llr, favoured, 1.0)) == llr


def test_kappa_is_the_mean_of_flips():
    uniform = jax.random.uniform(jax.random.key(2), (40_000,))
    drawn = FLIP(jnp.full(40_000, -1.0), 0.5, 0.3, uniform).mean()
    assert float(drawn) == pytest.approx(float(reading.discount(-1.0, 0.5, reading.kappa(0.3))), abs=4 / 200)
    np.testing.assert_array_equal(reading.kappa(jnp.array([0.0, 0.5, 0.9])), [1.0, 0.0, 0.0])


def noises():
    first, second = jax.random.split(jax.random.key(3))
    wait = jnp.sum(jax.random.exponential(second, (2, 4, COUNT)), axis=0)  # Gamma(2, 1)
    return jax.random.uniform(first, (4, COUNT)), wait


def test_good_news_and_no_layers_pass_at_once():
    passage, wait = noises()
    for bad, layers in ((0.0, 4.0), (1.0, 0.0)):
        way = ARRIVAL(bad, layers, 0.3, 0.5, passage, wait)
        assert np.all(way.passes)
        np.testing.assert_array_equal(way.weeks, 0.0)
    free = ARRIVAL(1.0, 4.0, 0.0, 0.0, passage, wait)
    assert np.all(free.passes)
    np.testing.assert_array_equal(free.weeks, 0.0)


@pytest.mark.parametrize("layers", [1.0, 2.0, 4.0])
def test_arrivals_follow_their_law(layers):
    passage, wait = noises()
    way = ARRIVAL(1.0, layers, 0.3, 0.5, passage, wait)
    assert float(way.passes.mean()) == pytest.approx(0.7**layers, abs=4 * 0.5 / np.sqrt(COUNT))
    assert float(reading.arrival_chance(1.0, layers, 0.3)) == pytest.approx(0.7**layers)
    assert float(way.weeks.mean()) == pytest.approx(layers, abs=4 * np.sqrt(layers * 0.5 / COUNT))  # a week each
    for week in (1.0, 3.0):
        seen = np.mean(np.asarray(way.passes & (way.weeks <= week)))
        assert seen == pytest.approx(float(ARRIVED_BY(week, layers, 0.3, 0.5)), abs=4 * 0.5 / np.sqrt(COUNT))


def test_law_of_arrival_at_its_ends():
    assert float(ARRIVED_BY(0.0, 0.0, 0.3, 0.5)) == 1.0
    assert float(ARRIVED_BY(1e3, 3.0, 0.3, 0.5)) == pytest.approx(0.343)
    assert float(reading.arrival_chance(1.0, 200.0, 0.3)) < 1e-30


def test_one_layer_more_never_brings_news_sooner():
    passage, wait = noises()
    ways = [ARRIVAL(1.0, float(n), 0.3, 0.5, passage, wait) for n in range(5)]
    for fewer, more in itertools.pairwise(ways):
        assert not np.any(more.passes & ~fewer.passes)
        assert np.all(more.weeks >= fewer.weeks)


def test_misreading_delays_understanding():
    """Moves of a resolved coercer, seen through the channel by a naive reader who started out in doubt."""
    ratio, dates = reading.naive_ratio(RESOLVED, BLUFFER), []
    moves = jax.random.categorical(jax.random.key(5), jnp.log(RESOLVED), shape=(30, 4000))
    uniform = jax.random.uniform(jax.random.key(6), (30, 4000))
    for eps in (0.0, 0.4, 0.7):
        matrix = CHANNEL(TAKEN, eps)
        seen = READ(ROW(matrix, moves), uniform)
        above = np.cumsum(np.asarray(ratio)[np.asarray(seen)], axis=0) > 2.0
        dates.append(np.where(above.any(0), above.argmax(0), 30).mean())
    assert np.all(np.diff(dates) > 0.0)


def test_equals_divide_the_variance_and_a_leader_keeps_it():
    error = jax.random.normal(jax.random.key(7), (5, 1, 40_000))
    equal, leader, alone = (reading.pool(error, w) for w in (0.2, 0.9, 1.0))
    assert float(equal.var()) == pytest.approx(1.0 / 5.0, rel=0.05)
    assert float(leader.var()) == pytest.approx(0.81 + 0.01 / 4.0, rel=0.05)
    np.testing.assert_array_equal(alone, error[0])
    np.testing.assert_array_equal(reading.pool(error[:1], 0.3), error[0])


def test_no_trust_no_news():
    assert float(reading.document_ratio(0.0, 0.8, 0.2, 0.37)) == 1.0
    assert float(reading.welcomed(0.95, 1.0, 0.5, 0.9)) == 0.95  # never lowers trust


def test_a_show_of_strength_read_as_bluff_raises_readiness():
    """The coercer takes a display for a bluff where he reads it so; then belief in stubbornness falls."""
    stubborn, soft = jnp.array([0.5, 0.5]), jnp.array([0.8, 0.2])  # defy, display
    flinch = jnp.array([[1.0, 0.0], [1.0, 0.0]])  # a display taken for mere talk
    ratio = reading.naive_ratio(stubborn, soft)
    as_sent, as_bluff = (
        jnp.sum(reading.reading_chance(CHANNEL(flinch, eps), jnp.asarray(1)) * ratio) for eps in (0.0, 0.9)
    )
    assert float(as_sent) > 0.0 > float(as_bluff)
