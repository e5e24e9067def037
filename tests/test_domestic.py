"""Domestic politics: known points, limits, signs, and the record of polls and votes."""

import csv
import dataclasses
import json
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from standoff.world import domestic as home
from standoff.world.domestic import DomesticInput, DomesticNoise, DomesticParameters

TESTS = pathlib.Path(__file__).parent
ROWS = {
    row["quantity"]: row
    for row in csv.DictReader((TESTS / "known" / "world" / "known_points_domestic.csv").read_text().splitlines())
}
# Levels of the shipped case.
PAR = DomesticParameters(
    support_norm=0.22, approval_norm=40.0, vote_norm=-2.0, vote_support=-1.0, vote_force=3.0, vote_noise=2.0
)
QUIET = DomesticNoise(0.0, 0.0, 0.0, 0.0)
STEP, ADVANCE = jax.jit(home.step), jax.jit(home.advance)


def change(par=PAR, **values):
    return dataclasses.replace(par, **values)


def arrays(struct):
    return jax.tree.map(jnp.asarray, struct)


def walk(weeks, par=PAR, noise=QUIET):
    state, found = home.norm_state(arrays(par)), []
    for values in weeks:
        state, info = ADVANCE(arrays(noise), state, arrays(DomesticInput(**values)), arrays(par))
        found.append((state, info))
    return found


def series(found, name):
    return np.array([getattr(info if hasattr(info, name) else state, name) for state, info in found])


def known(quantity):
    row = ROWS[quantity]
    given_ = json.loads(row["inputs"])
    par = change(support_norm=given_["support"], support_success=given_["success"], support_dead=given_["per_tenfold"])
    return given_, json.loads(row["outputs"]), float(row["tolerance"]), par


def test_support_known():
    given_, printed, tol, par = known("support after success and dead")
    assert float(home.support(given_["dead"], 1.0, 0.0, par)) == pytest.approx(printed["support"], abs=tol)


def test_dead_to_floor_known():
    given_, printed, tol, par = known("dead that bring support to a floor")
    found = float(home.dead_to_floor(given_["floor"], 1.0, par))
    assert found == pytest.approx(printed["dead"], abs=tol)
    assert float(home.support(found, 1.0, 0.0, par)) == pytest.approx(given_["floor"], abs=1e-9)


def test_middle_of_the_ladder_pays_the_mean():
    assert float(home.audience_cost(0.5, PAR)) == pytest.approx(0.16)
    assert float(home.audience_cost(1.0, PAR) / home.audience_cost(0.0, PAR)) == pytest.approx(1.5)


def test_worthless_approval_makes_retreat_free():
    par = change(approval_value=0.0)
    np.testing.assert_array_equal(home.audience_cost(jnp.linspace(0.0, 1.0, 7), par), 0.0)
    assert series(walk([{"rung_share": 1.0, "backs_down": 1.0}], par), "charged")[0] == 0.0


def test_no_dead_and_no_success_leave_support():
    assert float(home.support(0.0, 0.0, 0.0, PAR)) == pytest.approx(0.22, abs=1e-15)
    off = change(support_success=0.0, support_dead=0.0)
    assert float(home.support(500.0, 1.0, 1.0, off)) == float(home.support(0.0, 0.0, 0.0, PAR))


def test_floor_above_the_start_needs_no_dead():
    assert float(home.dead_to_floor(0.9, 1.0, PAR)) == 0.0


@settings(max_examples=20)
@given(st.floats(0, 1), st.floats(0, 1), st.floats(1.0, 3.0))
def test_higher_rung_dearer_retreat(first, second, slope):
    low, high = (float(home.audience_cost(r, change(audience_slope=slope))) for r in sorted((first, second)))
    assert low <= high


def test_dead_lower_support_and_raise_votes():
    dead = jnp.array([0.0, 3.0, 40.0, 500.0])
    support = home.support(dead, 0.0, 0.0, PAR)
    assert np.all(np.diff(support) < 0.0)
    assert np.all(np.diff(home.votes(support, 1.0, PAR)) > 0.0)
    assert np.all(np.diff(home.expected_cost_of_force(dead, 0.0, 0.0, 0.0, 0.0, PAR)) > 0.0)


def test_success_lowers_votes_against():
    without, with_ = (home.votes(home.support(5.0, s, 0.0, PAR), 1.0, PAR) for s in (0.0, 1.0))
    assert float(with_) < float(without)


def test_legal_steps_lower_the_cost_of_force():
    """M12: through the constraint and through those the public follows; each has its own switch."""
    bare = home.expected_cost_of_force(10.0, 1.0, 0.0, 0.0, 0.0, PAR)
    legal = home.expected_cost_of_force(10.0, 1.0, 0.0, 0.0, 1.0, PAR)
    cued = home.expected_cost_of_force(10.0, 1.0, 0.0, 1.0, 0.0, change(elite_cue=0.3))
    assert float(legal) < float(bare)
    assert float(cued) < float(bare)
    off = home.expected_cost_of_force(10.0, 1.0, 0.0, 1.0, 1.0, change(legal_relief=0.0))
    assert float(off) == float(bare)


def test_cost_of_force_term_by_term():
    found = home.cost_of_force(9.0, 0.5, 0.2, 1.5, 1.0, PAR)
    assert float(found) == pytest.approx(0.08 + 0.05 * 0.5 * 0.5 + 0.2 - 0.015)
    off = change(dead_cost=0.0, constraint_cost=0.0, occupation=0.0, approval_value=0.0)
    assert float(home.cost_of_force(9.0, 1.0, 1.0, 1.5, 0.0, off)) == 0.0


def test_a_deadline_let_pass_costs_once():
    """M14: charged in the first week that it stands; a new deadline can lapse again."""
    marks = [0.0, 1.0, 1.0, 1.0, 0.0, 1.0]
    charged = series(walk([{"rung_share": 0.5, "deadline_lapsed": m} for m in marks]), "charged")
    np.testing.assert_allclose(charged, [0.0, 0.16, 0.0, 0.0, 0.0, 0.16])
    off = walk([{"rung_share": 0.5, "deadline_lapsed": m} for m in marks], change(lapse_share=0.0))
    np.testing.assert_array_equal(series(off, "charged"), 0.0)
    np.testing.assert_array_equal(series(off, "approval"), 40.0)


def test_retreat_lowers_approval_which_returns():
    found = walk([{"rung_share": 0.5, "backs_down": float(week == 0)} for week in range(40)])
    np.testing.assert_allclose(40.0 - series(found, "approval"), 16.0 * 0.9 ** np.arange(40))
    np.testing.assert_allclose(series(found, "charged")[1:], 0.0)


def test_rally_fades_by_a_tenth_a_week():
    found = walk([{"force": float(week == 0)} for week in range(10)])
    np.testing.assert_allclose(series(found, "rally"), 1.5 * 0.9 ** np.arange(10))
    np.testing.assert_array_equal(series(walk([{"force": 1.0}], change(rally=0.0)), "approval"), 40.0)


def test_only_the_first_vote_after_force_is_about_it():
    found = walk([{"vote": 1.0}, {"force": 1.0, "dead": 0.0}, {"vote": 1.0}, {"vote": 1.0}])
    np.testing.assert_allclose(series(found, "net_votes"), [-2.0, 1.0, 1.0, -2.0])
    np.testing.assert_array_equal(series(found, "passed"), [False, False, True, False])
    np.testing.assert_array_equal(series(walk([{"force": 1.0}]), "passed"), False)  # nobody votes


def test_dead_add_up_and_success_lasts():
    found = walk([{"dead": 3.0}, {"success": 1.0}, {"dead": 4.0}, {}])
    np.testing.assert_array_equal(series(found, "dead"), [3.0, 3.0, 7.0, 7.0])
    np.testing.assert_array_equal(series(found, "success"), [0.0, 1.0, 1.0, 1.0])


def test_votes_come_with_their_chance():
    par = jax.tree.map(lambda x: jnp.full(1, x), arrays(change(vote_norm=0.5)))
    state = jax.tree.map(lambda x: jnp.broadcast_to(x, (20_000,)), home.norm_state(par))
    given_ = jax.tree.map(lambda x: jnp.full(1, x), arrays(DomesticInput(vote=1.0)))
    _, info = STEP(jax.random.key(1), state, given_, par)
    chance = float(info.pass_chance[0])
    assert chance == pytest.approx(0.598706, abs=1e-6)  # Phi(1/4)
    assert float(info.passed.mean()) == pytest.approx(chance, abs=4 * 0.5 / np.sqrt(20_000))
    assert float(info.net_votes_drawn.std()) == pytest.approx(2.0, rel=0.03)
    assert float(info.support_polled.std()) == pytest.approx(0.02, rel=0.03)
    assert float(info.approval_polled.std()) == pytest.approx(2.0, rel=0.03)
    again = STEP(jax.random.key(1), state, given_, par)[1]
    np.testing.assert_array_equal(info.net_votes_drawn, again.net_votes_drawn)


def test_noise_switch_silences_exactly():
    loud = DomesticNoise(1.3, -0.7, 0.4, 2.0)
    weeks = [{"force": 1.0, "vote": 1.0, "dead": 2.0}]
    still, silenced = walk(weeks), walk(weeks, change(noise=0.0, rally_noise=2.5), loud)
    for name in ("net_votes_drawn", "rally", "support_polled", "approval_polled"):
        np.testing.assert_array_equal(series(silenced, name), series(still, name))


def test_noises_differ_by_name():
    noise = home.draw_noise(jax.random.key(2), (4,))
    assert len({float(x[0]) for x in jax.tree.leaves(noise)}) == 4


def test_gradient_is_finite():
    slope = jax.grad(home.expected_cost_of_force)(0.0, 1.0, 0.1, 0.0, 0.5, PAR)
    assert float(slope) > 0.0


# The record of the shipped case: polls before and after, four votes.


def test_support_after_success_against_the_polls():
    """34 and 44% from 22 and 30%, against 33 to 43% seen: the second is a point above the polls."""
    found = [float(home.support(0.0, 1.0, 0.0, change(support_norm=a))) for a in (0.22, 0.30)]
    assert found == pytest.approx([0.3395, 0.4385], abs=5e-5)


def test_four_votes_on_the_mean_path():
    """-3, -2, +5 and -1 were seen. The third is above zero only while support stands at its norm.

    With the rise in support that a quick success brings, the same path puts the third at -0.2: the page of the
    world left that term out. Its chance of passing is then 0.46 instead of 0.69.
    """
    before = {"vote": 1.0}
    force = {"force": 1.0}
    unmoved = series(walk([before, before, force, before, before]), "net_votes")[[0, 1, 3, 4]]
    np.testing.assert_allclose(unmoved, [-2.0, -2.0, 1.0, -2.0], atol=1e-12)
    found = walk([before, before, force | {"success": 1.0}, before, before])
    moved, chance = series(found, "net_votes")[[0, 1, 3, 4]], series(found, "pass_chance")[3]
    np.testing.assert_allclose(moved, [-2.0, -2.0, -0.195, -3.195], atol=5e-4)
    assert chance == pytest.approx(0.461, abs=1e-3)


TABLE = TESTS.parents[1] / "shared" / "reference" / "world" / "parameters.csv"


def centre(row):
    """Mean of a Beta or a normal, median of a lognormal."""
    first, second = float(row["arg1"]), float(row["arg2"])
    return first / (first + second) if row["distribution"] == "beta" else first


def test_defaults_stand_at_the_centre_of_the_table():
    if not TABLE.is_file():
        pytest.skip("the table of parameters is not beside the repository (../shared/reference/world)")
    rows = [row for row in csv.DictReader(TABLE.read_text().splitlines()) if row["module"] == "domestic"]
    assert rows
    for row in rows:
        assert getattr(PAR, row["parameter"]) == pytest.approx(centre(row), abs=1e-9), row["parameter"]
