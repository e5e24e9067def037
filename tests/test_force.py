"""Force: the known lottery, limits, signs, events, and three past crises with their own inputs."""

import csv
import dataclasses
import functools
import json
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from standoff.errors import UserError
from standoff.world import force, reference_class
from standoff.world.force import CAPTURED, NO_STRIKE, QUAGMIRE, SURVIVED, ForceInput, ForceNoise, ForceState, View

TESTS = pathlib.Path(__file__).parent
ROWS = list(csv.DictReader((TESTS / "known" / "world" / "known_points_force.csv").read_text().splitlines()))
SHARED = TESTS.parents[1] / "shared"
LOTTERY, CASUALTIES = jax.jit(force.lottery), jax.jit(force.casualties)
STEP, ADVANCE, PERCEIVE = jax.jit(force.step), jax.jit(force.advance), jax.jit(force.perceive)
SURPRISE_AFTER = jax.jit(force.surprise_after)
RAID = force.of_kind("raid")
SIDES = ForceInput(assault=2.0, troops=3.0)
COUNT = 20_000
NAMES = tuple(one.name for one in reference_class.LEADER_CLASSES)


def arrays(struct):
    return jax.tree.map(jnp.asarray, struct)


def change(struct, **values):
    return dataclasses.replace(struct, **values)


def only(name):
    return jnp.array([float(one == name) for one in NAMES])


def chances(surprise=0.5, inputs=SIDES, par=RAID, **values):
    return LOTTERY(jnp.asarray(surprise), arrays(change(inputs, **values)), arrays(par))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["inputs"])
def test_staged_lottery_known(row):
    at, printed = json.loads(row["inputs"]), json.loads(row["outputs"])
    par = change(RAID, find_norm=at["find"], reach_norm=at["reach"], quagmire_norm=at["quagmire"], class_share=0.0)
    par = change(par, find_intel=0.0, find_moves=0.0, reach_ratio=0.0, reach_surprise=0.0)
    found = chances(par=par)
    for name, value in printed.items():
        assert float(getattr(found, name)) == pytest.approx(value, abs=float(row["tolerance"]))


def test_stages_are_the_logits_of_the_page():
    inputs = ForceInput(
        27.0, 16.0, readiness=0.3, guards=1.0, insulation=0.8, air_left=0.7, intelligence=0.9, moves=0.2
    )
    found = chances(0.6, inputs)
    defence = (16.0 * 0.3 * (1.0 - 0.25 * 0.8) + 1.0) * 0.7
    assert float(force.readiness(inputs, RAID)) == pytest.approx(defence, rel=1e-12)
    find = 1.0 / (1.0 + np.exp(-(0.6 + 1.5 * 0.9 - 1.5 * 0.2)))
    reach = 1.0 / (1.0 + np.exp(-(0.6 * np.log(27.0 / defence) + 0.8 * 0.6)))
    logits = [np.log(x / (1.0 - x)) for x in (find * reach, float(np.mean(reference_class.class_means())))]
    assert float(found.structure) == pytest.approx(find * reach, rel=1e-12)
    assert float(found.success) == pytest.approx(1.0 / (1.0 + np.exp(-np.mean(logits))), rel=1e-12)


def test_middling_raid_is_near_two_in_five():
    # The page says "near 0.4" and leaves the inputs open: level forces at half surprise, then better ones.
    level = chances(0.5, ForceInput(assault=1.0, troops=2.0))
    better = chances(0.75, ForceInput(assault=3.0, troops=2.0, moves=0.3))
    assert float(level.success) == pytest.approx(0.36, abs=0.005)
    assert float(better.success) == pytest.approx(0.44, abs=0.005)


def test_no_assault_means_survived():
    found = chances(assault=0.0)
    assert float(found.success) == 0.0
    assert float(found.survived) == 1.0 - float(found.quagmire)
    assert float(chances(troops=0.0).reach) == 1.0


def test_certain_quagmire():
    found = chances(par=change(RAID, quagmire_norm=1.0))
    assert (float(found.captured), float(found.survived), float(found.quagmire)) == (0.0, 0.0, 1.0)


@pytest.mark.parametrize("name", NAMES)
def test_class_means_are_returned_without_structure(name):
    found = chances(assault=0.0, par=change(RAID, class_weight=only(name), class_share=1.0))
    assert float(found.success) == pytest.approx(reference_class.find(name).mean, rel=1e-12)


@pytest.mark.parametrize(
    ("name", "hits", "tries", "event"),
    [
        ("standoff_attack", 0, 7, "leader"),
        ("manhunt", 6, 8, "leader"),
        ("capture_30d", 1, 4, "leader"),
        ("assassination", 59, 251, "leader"),
        ("takedown", 6, 6, "office"),
        ("forced_year", 9, 87, "office"),
        ("air_coercion", 19, 53, "demand"),
        ("covert", 24, 63, "regime"),
    ],
)
def test_classes_are_counts_plus_one_half(name, hits, tries, event):
    one = reference_class.find(name)
    assert one.mean == pytest.approx((hits + 0.5) / (tries + 1.0), rel=1e-12)
    assert one.event == event
    assert (one in reference_class.LEADER_CLASSES) == (event == "leader")


def test_unknown_class_is_refused():
    with pytest.raises(UserError, match="known are"):
        reference_class.find("luck")


def test_class_draws_have_the_moments_of_their_betas():
    drawn = reference_class.draw_classes(jax.random.key(1), (5_000,))
    for one, found in zip(reference_class.LEADER_CLASSES, np.asarray(drawn), strict=True):
        total = one.successes + one.failures
        sd = np.sqrt(one.mean * (1.0 - one.mean) / (total + 1.0))
        # four sd: false alarm about 1 in 15,000, and the key is fixed
        assert found.mean() == pytest.approx(one.mean, abs=4.0 * sd / np.sqrt(5_000))
        assert found.std() == pytest.approx(sd, rel=0.1)
    # draws of a class do not depend on which others are drawn
    alone = reference_class.draw_classes(jax.random.key(1), (5_000,), reference_class.LEADER_CLASSES[1:2])
    np.testing.assert_array_equal(drawn[1:2], alone)


SIGNS = [
    ("intelligence", 1),
    ("assault", 1),
    ("air_left", -1),
    ("moves", -1),
    ("troops", -1),
    ("readiness", -1),
    ("guards", -1),
    ("insulation", 1),
]


@pytest.mark.parametrize(("name", "sign"), SIGNS)
def test_signs_of_inputs(name, sign):
    low, high = (chances(**{name: value}) for value in (0.2, 0.9))
    assert sign * float(high.captured - low.captured) > 0.0
    assert float(high.quagmire) == float(low.quagmire)
    assert float(chances(0.9).captured) > float(chances(0.1).captured)  # surprise


def test_ground_raises_quagmire_only():
    flat, rough = (chances(ground=x, par=force.of_kind("invasion")) for x in (0.0, 1.0))
    assert float(rough.quagmire) == pytest.approx(1.0 / (1.0 + np.exp(-0.8)), rel=1e-12)
    assert float(flat.quagmire) == pytest.approx(0.5, rel=1e-12)
    assert float(rough.success) == float(flat.success)
    # an endless war worth less than failure lowers the coercer's worth of invading
    worth = [float(force.strike_worth(x, 1.0, -0.2, -0.7)) for x in (flat, rough)]
    assert worth[1] < worth[0]


def test_ground_switch_is_exact():
    par = force.of_kind("invasion", quagmire_ground=0.0)
    np.testing.assert_array_equal(chances(ground=2.0, par=par).quagmire, chances(ground=0.0, par=par).quagmire)


def test_public_deadline_lowers_surprise_which_returns():
    par = arrays(RAID)
    after = SURPRISE_AFTER(jnp.asarray(1.0), jnp.asarray(1.0), par)
    assert float(after) == pytest.approx(2.0 / 3.0, rel=1e-12)
    later = SURPRISE_AFTER(after, jnp.asarray(0.0), par)
    assert float(later) == pytest.approx(2.0 / 3.0 + 1.0 / 24.0, rel=1e-12)
    off = arrays(change(RAID, surprise_loss=0.0))
    assert float(SURPRISE_AFTER(jnp.asarray(0.5), jnp.asarray(1.0), off)) == float(
        SURPRISE_AFTER(jnp.asarray(0.5), jnp.asarray(0.0), off)
    )


def test_dead_follow_defence_and_surprise():
    zero = jnp.asarray(0.0)
    norm = change(SIDES, troops=2.0, insulation=0.0)
    found = CASUALTIES(zero, zero, zero, arrays(norm), arrays(RAID))
    assert (float(found.coercer), float(found.target)) == pytest.approx((5.0, 40.0), rel=1e-12)
    tenfold = CASUALTIES(zero, zero, zero, arrays(change(norm, troops=20.0)), arrays(RAID))
    assert float(tenfold.coercer) == pytest.approx(5.0 * 10.0**0.3, rel=1e-12)
    surprised = CASUALTIES(zero, zero, jnp.asarray(1.0), arrays(norm), arrays(RAID))
    assert float(surprised.target) == pytest.approx(20.0, rel=1e-12)
    flat = arrays(change(RAID, dead_defence=0.0, dead_surprise=0.0))
    np.testing.assert_array_equal(CASUALTIES(zero, zero, jnp.asarray(0.7), arrays(norm), flat).target, 40.0)


def costly(trust=1.0, **values):
    """A view that has attacks from afar in mind, which have never hit their man."""
    return View(analogy=only("standoff_attack"), analogy_trust=trust, **values)


def test_trust_in_the_costly_analogy_raises_the_worth_of_resisting():
    worth = []
    for trust in (0.0, 0.5, 1.0):
        inputs, par = PERCEIVE(arrays(costly(trust)), arrays(SIDES), arrays(RAID))
        # in offices: in hand 1 - 1.3, beaten but in office 1 - 0.15, endless war 1 - 0.9
        worth.append(float(force.strike_worth(LOTTERY(jnp.asarray(0.5), inputs, par), -0.3, 0.85, 0.1)))
    assert worth[0] < worth[1] < worth[2]


def test_trust_in_own_arms_and_in_fear_of_losses():
    zero, half = jnp.asarray(0.0), jnp.asarray(0.5)
    bent = View(analogy=RAID.class_weight, defence_factor=4.0, assault_factor=0.5, dead_factor=10.0)
    inputs, par = PERCEIVE(arrays(bent), arrays(SIDES), arrays(RAID))
    assert float(LOTTERY(half, inputs, par).captured) < float(chances().captured)
    dead, true = (CASUALTIES(zero, zero, half, *pair) for pair in ((inputs, par), (arrays(SIDES), arrays(RAID))))
    assert float(dead.coercer) == pytest.approx(10.0 * 4.0**0.3 * float(true.coercer), rel=1e-12)


def test_view_off_is_the_world_exactly():
    par = change(RAID, class_weight=jnp.array([0.1, 0.2, 0.3, 0.7]))
    off = costly(0.7, on=0.0, defence_factor=3.0, assault_factor=0.3, dead_factor=7.0, class_share=0.9)
    for found, true in zip(PERCEIVE(arrays(off), arrays(SIDES), arrays(par)), (SIDES, par), strict=True):
        for name, value in vars(true).items():
            np.testing.assert_array_equal(getattr(found, name), value, err_msg=name)


SHARE = st.floats(0.0, 1.0)


@settings(max_examples=25)
@given(SHARE, st.floats(0.0, 50.0), st.floats(0.01, 50.0), SHARE, SHARE, SHARE, st.floats(-2.0, 2.0), SHARE)
def test_chances_sum_to_one(surprise, assault, troops, ready, intel, moves, ground, share):
    inputs = ForceInput(assault, troops, readiness=ready, intelligence=intel, moves=moves, ground=ground)
    found = chances(surprise, inputs, change(RAID, class_share=share))
    parts = np.array([found.captured, found.survived, found.quagmire])
    assert np.all(parts >= 0.0)
    assert parts.sum() == pytest.approx(1.0, abs=1e-12)


def week(strike=1.0, kind="invasion", quagmire=0.0, **values):
    par = jax.tree.map(lambda x: x[..., None], arrays(force.of_kind(kind, **values)))
    inputs = jax.tree.map(lambda x: x[None], arrays(change(SIDES, strike=strike, deadlines=1.0)))
    state = ForceState(jnp.full(COUNT, 0.5), jnp.full(COUNT, quagmire))
    return STEP(jax.random.key(4), state, inputs, par)


def test_endings_come_with_their_chances():
    _, info = week()
    for code, name in ((CAPTURED, "captured"), (SURVIVED, "survived"), (QUAGMIRE, "quagmire")):
        chance = float(getattr(info.lottery, name)[0])
        # four sd: false alarm about 1 in 15,000, and the key is fixed
        assert float((info.ending == code).mean()) == pytest.approx(chance, abs=4.0 * 0.5 / np.sqrt(COUNT))
    half, zero = jnp.asarray(0.5), jnp.asarray(0.0)
    expected = np.log(float(CASUALTIES(zero, zero, half, arrays(SIDES), arrays(force.of_kind("invasion"))).coercer))
    logs = np.log(np.asarray(info.dead.coercer))
    assert logs.mean() == pytest.approx(expected, abs=4.0 / np.sqrt(COUNT))
    assert logs.std() == pytest.approx(1.0, rel=0.03)


def test_quagmire_lasts_and_ends():
    after, info = week(strike=0.0, quagmire=1.0, quagmire_end=0.2)
    assert float(info.quagmire_end[0]) == pytest.approx(0.2)
    assert float(after.quagmire.mean()) == pytest.approx(0.8, abs=4.0 * 0.4 / np.sqrt(COUNT))
    begun, info = week()
    np.testing.assert_array_equal(begun.quagmire, info.ending == QUAGMIRE)


@pytest.mark.parametrize("off", [{"strike": 0.0}, {"events": 0.0}])
def test_without_strike_nothing_happens(off):
    after, info = week(**off)
    assert np.all(np.asarray(info.ending) == NO_STRIKE)
    assert np.all(np.asarray(info.dead.target) == 0.0)
    assert np.all(np.asarray(after.quagmire) == 0.0)
    assert float(info.lottery.captured[0]) > 0.0


def test_more_intelligence_with_the_same_noise_turns_survived_into_captured():
    noise = ForceNoise(jnp.linspace(0.0, 1.0, 99), jnp.zeros(99), jnp.zeros(99), jnp.ones(99))
    state = ForceState(jnp.full(99, 0.5), jnp.zeros(99))
    blind, seeing = (
        np.asarray(ADVANCE(noise, state, arrays(change(SIDES, strike=1.0, intelligence=x)), arrays(RAID))[1].ending)
        for x in (0.0, 1.0)
    )
    moved = blind != seeing
    assert moved.any()
    assert set(blind[moved]) == {SURVIVED}
    assert set(seeing[moved]) == {CAPTURED}


def test_success_has_a_gradient_in_every_input():
    def success(inputs):
        return force.lottery(0.5, inputs, RAID).success

    slopes = jax.jit(jax.grad(success))(arrays(change(SIDES, guards=0.1)))
    assert all(np.isfinite(x) for x in jax.tree.leaves(slopes))
    assert float(slopes.intelligence) > 0.0 > float(slopes.moves)


# Data checks: facts of three past crises as coded in the shared files, parameters drawn from their table.
# Forces are persons, combat-ready on the defender's side; D0 is the geometric mean of the ready defence in
# the invasions whose dead gave the medians (about 1.5, 4, 3.5 and 100 thousand): judgement. Intelligence, moves
# and insulation are middling, since nothing public told more at the time.
DEFENCE_NORM = 6_800.0
PAST = {
    # 16,000 of whom 4,000 combat troops; no public deadline
    "panama-1989": ForceInput(27_000.0, 16_000.0, readiness=0.25, guards=0.0, ground=0.0),
    # lightly armed soldiers and police; a public deadline three days ahead
    "haiti-1994": ForceInput(20_000.0, 7_000.0, readiness=0.5, ground=0.0),
    # 400,000 of low readiness under air supremacy; two public deadlines ten days apart
    "iraq-2003": ForceInput(250_000.0, 400_000.0, readiness=0.25, air_left=0.5, ground=1.0),
}
# The classes counted without the crisis that they are asked about. The medians of the dead still hold it.
WITHOUT = {
    "panama-1989": {"class_capture_30d": (0.5, 3.5), "class_manhunt": (5.5, 2.5)},
    "iraq-2003": {"class_capture_30d": (1.5, 2.5), "class_manhunt": (5.5, 2.5)},
}
DEADLINES = {"panama-1989": 0, "haiti-1994": 1, "iraq-2003": 2}


@functools.cache
def drawn_invasion(name, count=4_000):
    path = SHARED / "reference" / "world" / "parameters.csv"
    if not path.exists():
        pytest.skip("the shared table of parameters is not beside the repository (../shared/reference/world)")
    rows = {r["parameter"]: r for r in csv.DictReader(path.read_text().splitlines()) if r["module"] == "force"}
    left_out = WITHOUT.get(name, {})
    rng = np.random.default_rng(5)
    draw = {
        "normal": lambda a, b: rng.normal(a, b, count),
        "beta": lambda a, b: rng.beta(a, b, count),
        "lognormal": lambda a, b: a * np.exp(b * rng.normal(size=count)),
    }

    def sample(name):
        row = rows[name]
        return jnp.asarray(draw[row["distribution"]](*left_out.get(name, (float(row["arg1"]), float(row["arg2"])))))

    same = ("find_norm", "find_intel", "find_moves", "reach_norm", "reach_ratio", "reach_surprise", "quagmire_ground")
    return force.of_kind(
        "invasion",
        class_weight=jnp.array(force.CLASS_WEIGHT["invasion"])[:, None],
        class_mean=jnp.stack([sample(f"class_{name}") for name in NAMES]),
        quagmire_norm=sample("quagmire_invasion"),
        class_share=sample("class_weight"),
        surprise_loss=sample("surprise_loss"),
        surprise_regain=sample("surprise_return"),
        defence_norm=DEFENCE_NORM,
        **{name: sample(name) for name in same},
    )


def past(name):
    """Draws of the lottery and of the dead in a past crisis."""
    par = drawn_invasion(name)
    surprise = jnp.ones(par.class_share.shape)
    for _ in range(DEADLINES[name]):
        surprise = SURPRISE_AFTER(surprise, jnp.asarray(1.0), arrays(par))
    noise = jax.random.normal(jax.random.key(6), (2, *surprise.shape))
    par, sides = arrays(par), arrays(PAST[name])
    return LOTTERY(surprise, sides, par), CASUALTIES(noise[0], noise[1], surprise, sides, par)


def inside(value, draws):
    low, _, high = band(draws)
    assert low < value < high


def band(draws):
    return tuple(float(x) for x in np.quantile(np.asarray(draws), [0.05, 0.5, 0.95]))


def test_panama_1989():
    found, dead = past("panama-1989")
    # He was in hand after two weeks and no long war came. An ending is no chance and cannot lie in a band of
    # chances; what can be asked is that p was not held to be small, nor quagmire to be sure.
    assert band(found.success) == pytest.approx((0.28, 0.46, 0.66), abs=0.05)
    assert float(found.captured.mean()) > 0.05
    inside(23.0, dead.coercer)
    inside(314.0 + 202.0, dead.target)


def test_iraq_2003():
    found, dead = past("iraq-2003")
    # Eight months in hiding while a war of years began: he survived the operation, and a quagmire.
    assert band(found.success) == pytest.approx((0.31, 0.50, 0.69), abs=0.05)
    assert float(found.quagmire.mean()) == pytest.approx(0.66, abs=0.03)
    inside(139.0, dead.coercer)
    inside(2_000.0, dead.target)  # "thousands"; counts above some 5,700 would lie outside


def test_haiti_1994_was_no_strike():
    found, dead = past("haiti-1994")
    # He had yielded with the force in the air; a strike would have had even chances.
    assert band(found.success) == pytest.approx((0.32, 0.51, 0.69), abs=0.05)
    # A landing by consent cost the coercer nobody and the target about ten: both below the band of a landing that
    # is fought for. The lottery has no unopposed landing, so the check of the design fails here.
    assert band(dead.coercer)[0] > 1.0
    assert band(dead.target)[0] > 10.0
