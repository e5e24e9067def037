"""Coalition: known thresholds, base rates at the norm, limits, signs, events."""

import csv
import dataclasses
import json
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.scipy.special import ndtr

from standoff.world import coalition as circle
from standoff.world import economy as purse
from standoff.world.coalition import CoalitionInput, CoalitionNoise, CoalitionParameters
from standoff.world.threshold import diffuse_threshold, threshold_with_public_signal

KNOWN = pathlib.Path(__file__).parent / "known" / "world"
ROWS = list(csv.DictReader((KNOWN / "known_points_coalition.csv").read_text().splitlines()))
# Four factions, as in the known points.
PAR = CoalitionParameters(
    weight=jnp.array([0.3, 0.25, 0.25, 0.2]),
    outside=jnp.array([0.35, 0.45, 0.4, 0.55]),
    loyalty=jnp.array([0.55, 0.35, 0.4, 0.25]),
    patronage_weight=jnp.array([0.35, 0.45, 0.45, 0.35]),
    punishment=jnp.array([0.9, 0.8, 0.7, 0.6]),
)
CALM = CoalitionNoise(1.0, 0.0)


def arrays(struct):
    return jax.tree.map(jnp.asarray, struct)


DRIFT, STEP, ADVANCE = jax.jit(circle.drift), jax.jit(circle.step), jax.jit(circle.advance)


def change(par=PAR, **values):
    return dataclasses.replace(par, **values)


def risk(patronage=1.0, par=PAR, solved=None, state=None, **given):
    """Risk of a week with patronage at a level for long."""
    start = dataclasses.replace(
        circle.norm_state(arrays(par)),
        patronage=jnp.full(par.weight.shape, patronage),
        **{name: jnp.asarray(value) for name, value in (state or {}).items()},
    )
    solved = circle.calibrate(par) if solved is None else solved
    given = arrays(CoalitionInput(**{"patronage": float(patronage), **given}))
    return DRIFT(start, given, arrays(par), solved)[1]


@pytest.mark.parametrize(
    "row", [r for r in ROWS if r["quantity"].startswith("threshold with")], ids=lambda r: r["inputs"][:40]
)
def test_public_threshold_known(row):
    found = threshold_with_public_signal(**json.loads(row["inputs"]))
    printed = json.loads(row["outputs"])
    assert float(found.threshold) == pytest.approx(printed["threshold"], abs=float(row["tolerance"]))
    assert float(found.cutoff) == pytest.approx(printed["cutoff"], abs=float(row["tolerance"]))
    assert bool(found.unique)


@pytest.mark.parametrize("row", [r for r in ROWS if "unequal" in r["quantity"]], ids=lambda r: r["inputs"][:40])
def test_diffuse_threshold_known(row):
    given = json.loads(row["inputs"])
    found = diffuse_threshold(jnp.array(given["weight"]), jnp.array(given["temptation"]))
    assert float(found) == pytest.approx(json.loads(row["outputs"])["threshold"], abs=float(row["tolerance"]))


@pytest.mark.parametrize("row", [r for r in ROWS if r["quantity"] == "four factions"], ids=lambda r: r["inputs"][:40])
def test_four_factions_known(row):
    given, printed = json.loads(row["inputs"]), json.loads(row["outputs"])
    names = {"w": "weight", "o": "outside", "l": "loyalty", "rho": "patronage_weight", "k": "punishment"}
    par = CoalitionParameters(
        **{full: jnp.array(given[short]) for short, full in names.items()},
        temptation_softness=given["tau"],
        threshold_sd=given["sd"],
        removal_hazard_norm=given["h"],
    )
    shifted = change(par, outside=par.outside + given["outside_shift"])
    found = risk(given["patronage"], shifted, circle.calibrate(par))
    assert float(found.threshold) == pytest.approx(printed["threshold"], abs=1e-6)
    assert float(found.cohesion) == pytest.approx(printed["z"], abs=1e-6)
    assert float(found.removal) == pytest.approx(printed["weekly"], abs=1e-6)


def test_offers_and_courts_shift_the_outside_option():
    # weight 0.15 each: the shifts of the known points
    assert float(risk(0.6, amnesty=1.0).cohesion) == pytest.approx(1.93711551, abs=1e-6)
    assert float(risk(0.6, courts=1.0).cohesion) == pytest.approx(3.3759118, abs=1e-6)


@pytest.mark.parametrize("rate", [0.017, 0.02, 0.047, 0.054])
def test_norm_returns_base_rates(rate):
    par = change(removal_hazard_norm=rate)
    state = circle.norm_state(arrays(par))
    _, info = ADVANCE(arrays(CALM), state, arrays(CoalitionInput(patronage=1.0)), arrays(par))
    assert float(info.removal) == pytest.approx(rate / 52.0, rel=1e-9)
    assert float(info.success) == pytest.approx(par.attempt_success, rel=1e-9)
    assert float(info.attempt) * 52.0 == pytest.approx(rate / par.attempt_success, rel=1e-9)


def test_hazard_is_convex_in_lost_patronage():
    levels = (1.0, 0.8, 0.6, 0.4)
    yearly = [1.0 - (1.0 - float(risk(a).removal)) ** 52 for a in levels]
    np.testing.assert_allclose(yearly, [0.02, 0.04, 0.11, 0.33], atol=0.005)
    assert np.all(np.diff(yearly, 2) > 0.0)


def test_a_tenth_less_patronage():
    assert float(risk(0.9).removal / risk(1.0).removal) == pytest.approx(1.4, abs=0.05)


@pytest.mark.parametrize(("z", "weekly"), [(3.36, 0.0004), (2.5, 0.006), (1.5, 0.067), (0.5, 0.31)])
def test_weekly_removal_by_cohesion(z, weekly):
    assert float(ndtr(jnp.asarray(-z))) == pytest.approx(weekly, rel=0.05)


def test_no_temptation_leaves_the_floor():
    solved = circle.calibrate(PAR)
    found = risk(0.5, change(outside=jnp.full(4, -30.0)), solved)
    np.testing.assert_allclose(found.temptation, 0.0, atol=1e-12)
    assert float(found.removal) == pytest.approx(float(ndtr(-solved.strength / 0.05)), rel=1e-9)


def test_one_faction_is_a_principal():
    one = {name: jnp.array([value]) for name, value in (("weight", 1.0), ("outside", 0.4), ("loyalty", 0.3))}
    par = CoalitionParameters(**one)
    found = risk(0.7, par)
    gain = 0.1 * np.log1p(np.exp((0.4 - (0.3 + 0.4 * 0.7)) / 0.1))
    assert float(found.threshold) == pytest.approx(gain / (gain + 0.75), rel=1e-9)


def test_vague_public_signal_is_none():
    for s in (0.1, 0.3, 0.8):
        found = threshold_with_public_signal(s, 0.5, 1e-12, 4.0)
        assert float(found.threshold) == pytest.approx(s, abs=1e-6)


def test_public_threshold_solves_its_equation_and_says_when_it_is_alone():
    alpha = jnp.array([0.5, 2.0, 8.0])
    found = threshold_with_public_signal(0.35, 0.45, alpha, 4.0)
    inner = alpha / 2.0 * (found.threshold - 0.45) + jnp.sqrt((alpha + 4.0) / 4.0) * jax.scipy.special.ndtri(
        jnp.asarray(0.35)
    )
    np.testing.assert_allclose(found.threshold, ndtr(inner), atol=1e-12)
    np.testing.assert_array_equal(found.unique, [True, True, False])  # sqrt(2 pi 4) is 5.01


def test_public_threshold_has_a_gradient():
    def threshold(y):
        return threshold_with_public_signal(0.3, y, 1.0, 4.0).threshold

    slope = float(jax.grad(threshold)(0.5))
    assert slope == pytest.approx(float(threshold(0.501) - threshold(0.499)) / 0.002, rel=1e-4)
    assert slope < 0.0  # the stronger he is thought, the fewer defect


def test_little_noise_makes_the_fall_a_step():
    par = change(threshold_sd=1e-5)
    assert float(risk(0.99, par).removal) == pytest.approx(1.0)
    better = risk(1.0, par, courts=0.1)
    assert float(better.removal) == pytest.approx(0.0, abs=1e-12)


def test_less_patronage_lowers_cohesion():
    assert float(risk(0.8).cohesion) < float(risk(1.0).cohesion)


def test_less_legitimacy_lowers_cohesion():
    lost = float(risk(1.0).cohesion - risk(1.0, state={"legitimacy": 0.3}).cohesion)
    assert lost == pytest.approx(0.1 * 0.2 / 0.05, rel=1e-9)


def test_better_outside_options_lower_cohesion():
    solved = circle.calibrate(PAR)
    better = risk(1.0, change(outside=PAR.outside + 0.1), solved)
    assert float(better.cohesion) < float(risk(1.0).cohesion)


def test_punishment_raises_cohesion():
    solved = circle.calibrate(PAR)
    heavier = risk(0.6, change(punishment=PAR.punishment * 2.0), solved)
    assert float(heavier.cohesion) > float(risk(0.6).cohesion)


def test_courts_raise_and_amnesty_lowers_safety():
    plain = float(risk(0.7).removal)
    assert float(risk(0.7, courts=1.0).removal) < plain < float(risk(0.7, amnesty=1.0).removal)


def test_insulation_lowers_removal_alone():
    bare, guarded = (risk(0.6, state={"insulation": i}) for i in (0.2, 0.9))
    assert float(guarded.removal) < float(bare.removal)
    assert float(guarded.cohesion) == float(bare.cohesion)


def test_threat_is_off_by_default():
    assert float(risk(0.7, threat=1.0).cohesion) == float(risk(0.7).cohesion)
    rally = change(threat_weight=0.01)
    assert float(risk(0.7, rally, threat=1.0).cohesion) > float(risk(0.7, rally).cohesion)


def states(inputs, par=PAR):
    state, found = circle.norm_state(arrays(par)), []
    for given in inputs:
        state, info = ADVANCE(arrays(CALM), state, arrays(CoalitionInput(**given)), arrays(par))
        found.append((state, info))
    return found


def test_patronage_is_remembered_for_eight_weeks():
    found = states([{"patronage": 0.0}] * 8)
    kept = (1.0 - 1.0 / 8.0) ** np.arange(1, 9)
    np.testing.assert_allclose([state.patronage[0] for state, _ in found], kept, rtol=1e-12)


def test_disputed_vote_drains_legitimacy_which_returns():
    found = states([{"patronage": 1.0, "vote": float(week == 0)} for week in range(60)])
    legitimacy = [float(state.legitimacy) for state, _ in found]
    assert legitimacy[0] == pytest.approx(0.2, abs=1e-12)
    assert legitimacy[36] - 0.2 == pytest.approx(0.15, abs=0.005)  # half of it in about nine months
    off = states([{"patronage": 1.0, "vote": 1.0}], change(fraud_shock=0.0))
    assert float(off[0][0].legitimacy) == 0.5


def test_display_lifts_legitimacy_and_fades_by_half_in_two_weeks():
    found = states([{"patronage": 1.0, "display": float(week == 0)} for week in range(4)])
    display = [float(state.display) for state, _ in found]
    assert display[2] == pytest.approx(0.5 * display[0], rel=1e-12)
    assert float(found[1][0].legitimacy) == pytest.approx(0.52, abs=1e-12)
    off = states([{"patronage": 1.0, "display": 1.0}] * 3, change(display_gain=0.0))
    assert float(off[-1][0].legitimacy) == 0.5


def test_legitimacy_stays_within_bounds():
    low = states([{"patronage": 1.0, "vote": 1.0}] * 5)
    high = states([{"patronage": 1.0, "display": 1.0}] * 40, change(display_gain=0.2))
    assert float(low[-1][0].legitimacy) == 0.0
    assert float(high[-1][0].legitimacy) == 1.0


# A circle that is tried often, with a draw axis.
COUNT = 20_000
SHAKY = jax.tree.map(lambda x: jnp.broadcast_to(x[..., None], (*x.shape, 1)), arrays(PAR))


def shaky_step(events=1.0):
    par = dataclasses.replace(SHAKY, events=jnp.array([events]))
    norm = circle.norm_state(par)
    start = jax.tree.map(lambda x: jnp.broadcast_to(x, (*x.shape[:-1], COUNT)), norm)
    start = dataclasses.replace(start, patronage=jnp.full((4, COUNT), 0.1))
    return start, *STEP(jax.random.key(3), start, arrays(CoalitionInput(patronage=0.1)), par)


def test_events_come_with_their_chances():
    _, _, info = shaky_step()
    for event, chance in ((info.removed, info.removal[0]), (info.attempted, info.attempt[0])):
        chance = float(chance)
        assert chance > 0.02
        # four sd: false alarm about 1 in 15,000, and the key is fixed
        assert float(event.mean()) == pytest.approx(chance, abs=4 * np.sqrt(chance * (1 - chance) / COUNT))
    assert not np.any(np.asarray(info.removed & ~info.attempted))


def test_plotters_are_drawn_by_tempted_weight():
    start, _, info = shaky_step()
    share = np.asarray(start.weight * info.temptation)[:, 0]
    seen = np.bincount(np.asarray(info.plotter), minlength=4) / COUNT
    np.testing.assert_allclose(seen, share / share.sum(), atol=4 * 0.5 / np.sqrt(COUNT))


def test_failed_attempt_guards_the_leader_and_cuts_the_plotters():
    start, after, info = shaky_step()
    failed = np.asarray(info.attempted & ~info.removed)
    assert failed.any()
    np.testing.assert_allclose(np.asarray(after.insulation - start.insulation)[failed], 0.1)
    np.testing.assert_array_equal(np.asarray(after.insulation)[~failed], np.asarray(start.insulation)[~failed])
    np.testing.assert_allclose(after.weight.sum(0), 1.0, rtol=1e-12)
    lost = np.asarray(start.weight - after.weight)[np.asarray(info.plotter), np.arange(COUNT)]
    assert np.all(lost[failed] > 0.0)
    np.testing.assert_allclose(lost[~failed], 0.0, atol=1e-12)


def test_events_switch():
    _, _, info = shaky_step(events=0.0)
    assert not np.asarray(info.attempted).any()
    assert float(info.removal[0]) > 0.0


def test_same_key_same_events():
    first, again = shaky_step()[2], shaky_step()[2]
    np.testing.assert_array_equal(first.plotter, again.plotter)


def test_selectorate_need():
    assert float(circle.selectorate_need(0.9, 0.1)) == pytest.approx(0.1 / 0.91)
    assert float(circle.selectorate_need(0.9, 1.0)) == pytest.approx(1.0)


def twelve_weeks(quarantine):
    """Chance of removal in twelve weeks, with the economy of the shipped case."""
    par = purse.EconomyParameters(
        noise=0.0, output_norm=1150.0, home_use=200.0, stock_norm=22.0, stock_capacity=60.0,
        discount_norm=21.0, discount_risk=4.0, price_norm=64.0, other_income=0.03,
        usable_reserves=1.2, gap_norm=0.37,
    )  # fmt: skip
    money, people, stays = purse.norm_state(par), circle.norm_state(arrays(PAR)), 1.0
    for week in range(12):
        given = purse.EconomyInput(quarantine[week], 150.0, 63.0)
        money, flows = purse.advance(purse.EconomyNoise(0.0, 0.0), money, given, par)
        people, info = ADVANCE(arrays(CALM), people, arrays(CoalitionInput(patronage=flows.patronage)), arrays(PAR))
        stays *= 1.0 - float(info.removal)
    return 1.0 - stays


def test_quarantine_of_twelve_weeks_leaves_the_circle_whole():
    # The design says 0.6% against 0.5%: that is the record's first twelve weeks, two of them without
    # quarantine. Twelve weeks of it in full give 0.75%.
    assert twelve_weeks([0.0] * 12) == pytest.approx(0.0046, abs=2e-4)
    assert twelve_weeks([0.0, 0.0, 0.5] + [1.0] * 9) == pytest.approx(0.0062, abs=3e-4)
    assert twelve_weeks([1.0] * 12) == pytest.approx(0.0075, abs=2e-4)
    assert twelve_weeks([1.0] * 12) < 0.01
