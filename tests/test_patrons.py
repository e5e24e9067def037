"""Patrons: base rates returned, beliefs in promises, delays, waiting, mediators."""

import csv
import dataclasses
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from standoff.world import patrons
from standoff.world.patrons import PatronInput, PatronNoise, PatronParameters

SHARED = pathlib.Path(__file__).parents[2] / "shared"
PAR = PatronParameters()
ADVANCE, STEP = jax.jit(patrons.advance), jax.jit(patrons.step)
CHANCE = jax.jit(patrons.reply_chance)
CALM = PatronNoise(jnp.zeros(1), jnp.zeros(1), jnp.asarray(1.0))


def arrays(struct):
    return jax.tree.map(lambda x: jnp.asarray(x, dtype=float), struct)


def change(**values):
    return dataclasses.replace(PAR, **values)


def weeks(inputs, noises=None, par=PAR, state=None):
    state, found = patrons.norm_state(1) if state is None else state, []
    for week, values in enumerate(inputs):
        noise = CALM if noises is None else noises[week]
        state, info = ADVANCE(noise, state, arrays(PatronInput(**values)), arrays(par))
        found.append((state, info))
    return found


def drawn(reply=0.0, delay=0.0, government=1.0):
    return PatronNoise(jnp.full(1, reply), jnp.full(1, delay), jnp.asarray(government))


# Where the chances of no reply, words, arms end: 29/75, 52/75, 72/75.
SENDS = {"none": 0.1, "words": 0.5, "arms": 0.8, "troops": 0.99}


def test_average_case_returns_base_rates_exactly():
    chance = np.asarray(CHANCE(PatronInput(), PAR))[:, 0]
    np.testing.assert_array_equal(chance, np.array([29, 23, 20, 3]) / 75)
    tied = PatronInput(pact=jnp.ones(1), border=jnp.ones(1), stake=jnp.ones(1))
    np.testing.assert_array_equal(np.asarray(CHANCE(tied, change(reply_tilt=0.0)))[:, 0], chance)


def test_published_shares_of_fighters():
    pact = CHANCE(PatronInput(pact=jnp.ones(1)), PAR)[3, 0]
    line = CHANCE(PatronInput(stake=jnp.ones(1)), PAR)[3, 0]
    assert float(pact) == pytest.approx(0.22, abs=0.01)  # Berkemeier & Fuhrmann (2018): pacts kept since 1945
    assert float(line) == pytest.approx(14 / 24, abs=0.01)  # Huth (1988): defenders who had drawn the line


def test_replies_over_75_crises_reproduce_the_counts():
    draws = 4_000
    noise = jax.random.uniform(jax.random.key(5), (75, draws))
    answer = np.asarray(patrons.reply(noise, PatronInput(jump=1.0), PAR))
    counts = np.stack([(answer == r).sum(0) for r in range(4)])
    np.testing.assert_allclose(counts.mean(1), [29, 23, 20, 3], atol=0.3)  # four standard errors
    low, high = np.quantile(counts, [0.05, 0.95], axis=1)
    assert np.all((low < [29, 23, 20, 3]) & (high > [29, 23, 20, 3]))


def test_counts_are_those_of_the_shared_data():
    path = SHARED / "data" / "icb" / "icb2_v14_actor.csv"
    if not path.exists():
        pytest.skip("the shared ICB table is not beside the repository")
    others = {"2": ("suinv", "sufavr"), "365": ("usinv", "usfavr")}  # the rival of each superpower
    found = []
    for row in csv.DictReader(path.read_text().splitlines()):
        rival = others.get(row["southv"])
        if rival and row["yrtrig"] and int(row["yrtrig"]) >= 1945 and row["cracid"] not in others:
            found.append((row[rival[0]], row[rival[1]]))
    favourable = [int(kind) for kind, favour in found if favour in FAVOURABLE and kind]
    assert len(found) == 75
    assert sum(kind == 8 for kind in favourable) == 3
    assert sum(kind == 7 for kind in favourable) == 20
    assert sum(3 <= kind <= 6 for kind in favourable) == 23


FAVOURABLE = ("1",)


def test_tables_agree_with_the_shared_rates():
    path = SHARED / "reference" / "world" / "base_rates.csv"
    if not path.exists():
        pytest.skip("the shared rates are not beside the repository")
    rows = {row["id"]: row for row in csv.DictReader(path.read_text().splitlines())}
    for name, at in (("patron_words", 1), ("patron_arms", 2), ("patron_direct", 3)):
        assert int(rows[name]["n"]) == 75
        assert int(rows[name]["k"]) == patrons.COUNTS[at]


def test_nothing_is_sent_without_a_jump():
    found = weeks([{}], [drawn(reply=0.99)])
    assert int(found[0][1].reply[0]) == 0
    assert float(found[0][0].way.sum()) == 0.0


@pytest.mark.parametrize(("delay", "expected"), [(0.0, 4), (0.999, 8)])
def test_arms_raise_defence_only_after_their_delay(delay, expected):
    noises = [drawn(SENDS["arms"], delay)] + [drawn()] * 12
    found = weeks([{"jump": 1.0}] + [{}] * 12, noises)
    defence = np.array([float(info.defence) for _, info in found])
    assert np.all(defence[:expected] == 0.0)
    np.testing.assert_allclose(defence[expected:], PAR.arms_size)


def test_troops_come_within_a_week_and_words_lift_legitimacy():
    found = weeks([{"jump": 1.0}, {}], [drawn(SENDS["troops"]), drawn()])
    assert float(found[1][1].defence) == PAR.troops_size
    found = weeks([{"jump": 1.0}], [drawn(SENDS["words"])])
    assert float(found[0][1].legitimacy) == PAR.words_gain
    assert float(found[0][1].money) == 0.0
    paid = weeks([{"jump": 1.0}], [drawn(SENDS["arms"])], change(money=0.02))
    assert float(paid[0][1].money) == 0.02


def test_a_broken_promise_lowers_belief_and_a_kept_one_raises_it():
    given_ = {"jump": 1.0, "promise": jnp.full(1, 2.0)}
    broken = weeks([given_], [drawn(SENDS["words"])])[0][1]
    kept = weeks([given_], [drawn(SENDS["arms"])])[0][1]
    assert float(broken.broken[0]) == 1.0
    assert float(broken.kept_chance[0]) == pytest.approx(2.2 / 11)
    assert float(kept.kept_chance[0]) == pytest.approx(3.2 / 11)
    assert float(broken.kept_chance[0]) < PAR.kept_norm < float(kept.kept_chance[0])


def test_learning_and_teaching_switches():
    off = change(learn=0.0, teach=0.0)
    assert float(patrons.kept_belief(jnp.full(1, 3.0), jnp.full(1, 7.0), off)[0]) == PAR.kept_norm
    assert float(patrons.reversal(4.0, 9.0, off)) == PAR.reversal_norm


def test_steps_once_undone_teach_patience():  # M13
    plain, taught = (patrons.reversal(undone, 8.0, PAR) for undone in (0.0, 2.0))
    assert float(plain) < PAR.reversal_norm < float(taught)
    assert float(taught) == pytest.approx((3 + 2) / (25 + 8))
    gains = [float(patrons.waiting_gain(0.9, 3.0, rev, 0.5)) for rev in (plain, taught)]
    assert gains[0] < gains[1]


def test_waiting():  # M9
    assert float(patrons.waiting_gain(0.9, 3.0, 0.0, 0.5)) == 0.0
    assert float(patrons.waiting_gain(0.9, 3.0, 0.12, 0.5, patience=0.0)) == 0.0
    assert float(patrons.waiting_gain(0.9, 2.0, 0.12, 0.5)) == pytest.approx(0.81 * (1 - 0.88**2) * 0.5)
    assert float(patrons.weekly(0.12)) == pytest.approx(1 - 0.88 ** (1 / 52))


def test_a_new_government_stops_relief():
    found = weeks([{"freed": 0.1}] * 6, [drawn()] * 5 + [drawn(government=0.0)])
    relief = [float(info.relief) for _, info in found]
    assert np.all(np.diff(relief[:5]) > 0.0)
    assert relief[0] == pytest.approx(0.1 * (1 - 0.7 ** (12 / 52)))
    assert bool(found[5][1].reversed)
    assert relief[5] == 0.0
    assert float(found[5][0].undone) == 1.0
    safe = weeks([{"freed": 0.1}], [drawn(government=0.0)], change(events=0.0))
    assert not bool(safe[0][1].reversed)


def test_relief_by_hand():
    assert float(patrons.relief(0.1, 52.0, 0.3, 0.12)) == pytest.approx(0.1 * (1 - 0.7**12) * 0.88)
    assert float(patrons.relief(0.1, 0.0, 0.3, 0.12)) == 0.0
    assert float(patrons.relief(0.1, 26.0, 0.3, 0.2)) < float(patrons.relief(0.1, 26.0, 0.3, 0.0))


def test_a_lonely_target_believes_in_its_own_defence():
    assert float(patrons.believed_defence(0.7, jnp.array([0.2, 0.5]), jnp.zeros(2))) == 0.7
    assert float(patrons.believed_defence(0.7, jnp.array([0.2, 0.5]), jnp.array([0.5, 0.1]))) == pytest.approx(0.85)


def test_mediators_clear_the_channel():
    channel = jnp.array([[0.6, 0.4], [0.1, 0.9]])
    full = patrons.clarity(jnp.ones(1), jnp.ones(1), 1.0)
    np.testing.assert_array_equal(patrons.cleared(channel, full), np.eye(2))
    blind = patrons.clarity(jnp.ones(2), jnp.zeros(2), 0.3)
    np.testing.assert_array_equal(patrons.cleared(channel, blind), channel)
    two = patrons.clarity(jnp.ones(2), jnp.ones(2), 0.3)
    assert float(two) == pytest.approx(1 - 0.49)
    shorter = patrons.cleared(channel, two)
    assert float(shorter[0, 1]) < float(channel[0, 1])
    np.testing.assert_allclose(shorter.sum(1), 1.0)


def test_mediated_terms_break_more():
    assert float(patrons.break_rate(0.1, 0.0, PAR)) == 0.1
    assert float(patrons.break_rate(0.1, 1.0, PAR)) == pytest.approx(0.13)


def test_outside_powers_move_into_the_gap():  # M18
    chance = CHANCE(PatronInput(pact=jnp.array([0.0, 1.0])), PAR)
    favours = jnp.array([[1.0, 0.0, 0.2], [0.5, 0.0, 0.0]])
    backing = patrons.rival_backing(chance, favours, PAR)
    help_ = np.asarray(jnp.sum(jnp.arange(4.0)[:, None] / 3.0 * chance, axis=0))
    np.testing.assert_allclose(backing, np.minimum(1.0, [help_[0] + 0.5 * help_[1], 0.0, 0.2 * help_[0]]))
    assert float(patrons.rival_backing(chance, favours, change(gap_weight=0.0)).sum()) == 0.0


@settings(max_examples=20)
@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0.01, 1))
def test_stronger_ties_never_make_troops_less_likely(pact, border, stake, more):
    low = CHANCE(arrays(PatronInput(pact=jnp.full(1, pact), border=jnp.full(1, border), stake=jnp.full(1, stake))), PAR)
    high = CHANCE(
        arrays(PatronInput(pact=jnp.full(1, pact + more), border=jnp.full(1, border), stake=jnp.full(1, stake))), PAR
    )
    assert float(low[:, 0].sum()) == pytest.approx(1.0)
    assert float(low[3, 0]) < float(high[3, 0])
    assert float(low[0, 0]) > float(high[0, 0])


def test_draws_stand_last_and_keys_repeat():
    par = arrays(change(arms_size=jnp.full(300, 0.2)))
    state = patrons.norm_state(2, (300,))
    inputs = PatronInput(jump=jnp.ones(300), promise=jnp.full((2, 1), 2.0), pact=jnp.array([[0.0], [1.0]]))
    after, info = STEP(jax.random.key(2), state, inputs, par)
    again, _ = STEP(jax.random.key(2), state, inputs, par)
    np.testing.assert_array_equal(after.way, again.way)
    assert info.reply.shape == (2, 300)
    assert info.reversal_chance.shape == (300,)
    seen = np.asarray(info.reply == 3).mean(1)
    # four standard errors of a share near 0.04 and 0.22 in 300
    np.testing.assert_allclose(seen, np.asarray(info.reply_chance[3, :, 0]), atol=0.1)
    silent, quiet = STEP(jax.random.key(2), state, inputs, arrays(change(events=0.0)))
    assert float(silent.way.sum()) == 0.0
    assert not np.asarray(quiet.reversed).any()
