"""Chains: laws of every compilation, the noiseless path, distance, modules switched off."""

import dataclasses
import functools
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.scipy.special import ndtr

from standoff.errors import UserError
from standoff.world import chain, level
from standoff.world import coalition as circle
from standoff.world import economy as purse

DRAWS, WEEKS, ROUNDS, PATHS = 3, 2, 17, 48
ECONOMY = purse.EconomyParameters(
    output_norm=1150.0,
    home_use=200.0,
    stock_norm=22.0,
    stock_capacity=60.0,
    discount_norm=21.0,
    discount_risk=4.0,
    price_norm=64.0,
    other_income=0.03,
    usable_reserves=jnp.array([0.2, 1.2, 3.0]),
    gap_norm=0.37,
    patronage_priority=jnp.array([0.8, 0.5, 0.5]),
)
COALITION = circle.CoalitionParameters(
    weight=jnp.array([0.3, 0.25, 0.25, 0.2]),
    outside=jnp.array([0.35, 0.45, 0.4, 0.55]),
    loyalty=jnp.array([0.55, 0.35, 0.4, 0.25]),
    patronage_weight=jnp.array([0.35, 0.45, 0.45, 0.35]),
    punishment=jnp.array([0.9, 0.8, 0.7, 0.6]),
    threshold_sd=jnp.array([0.03, 0.05, 0.05]),
)
RUNGS = chain.RungInputs(
    quarantine=jnp.array([0.0, 1.0]),
    exempt=jnp.array([150.0, 150.0]),
    courts=jnp.zeros(2),
    threat=jnp.zeros(2),
    brent_start=64.0,
    brent_sd=0.043,
)
QUIET = dataclasses.replace(ECONOMY, noise=0.0)
CALM = dataclasses.replace(RUNGS, brent_sd=0.0)


@functools.cache
def compiled(seed=0, *, economy=True, coalition=True, quiet=False, min_count=20):
    money = (QUIET if quiet else ECONOMY) if economy else None
    rungs = CALM if quiet else RUNGS
    return chain.compile_chains(
        jax.random.key(seed),
        money,
        COALITION if coalition else None,
        rungs,
        weeks_per_round=WEEKS,
        rounds=ROUNDS,
        paths=PATHS,
        min_count=min_count,
    )


@functools.cache
def path(rung):
    """Noiseless levels at the ends of rounds (start first), weekly levels and hazards, missing patronage."""
    money_par = jax.tree.map(lambda x: jnp.broadcast_to(jnp.asarray(x), (DRAWS,)), QUIET)
    fields = {}
    for name, value in vars(COALITION).items():
        shape = (4, DRAWS) if name in chain.BY_FACTION else (DRAWS,)
        array = jnp.asarray(value)
        fields[name] = jnp.broadcast_to(array[:, None] if name in chain.BY_FACTION else array, shape)
    circle_par = circle.CoalitionParameters(**fields)
    money, people, smoothed = purse.norm_state(money_par), circle.norm_state(circle_par), jnp.ones(DRAWS)
    solved = circle.calibrate(circle_par)
    drift, advance = jax.jit(circle.drift), jax.jit(purse.advance)
    noise = purse.EconomyNoise(jnp.zeros(DRAWS), jnp.zeros(DRAWS))
    given = purse.EconomyInput(jnp.full(DRAWS, CALM.quarantine[rung]), jnp.full(DRAWS, 150.0), jnp.full(DRAWS, 64.0))
    z_start = jnp.full(DRAWS, -jax.scipy.special.ndtri(jnp.asarray(0.02 / 52.0)))
    squeeze, cohesion = jnp.asarray(level.SQUEEZE_EDGES), jnp.asarray(level.COHESION_EDGES)
    levels = [(level.level(smoothed, squeeze), level.level(z_start, cohesion))]
    hazards, missing = [], []
    for week in range(WEEKS * ROUNDS):
        money, flows = advance(noise, money, given, money_par)
        smoothed = smoothed + 0.125 * (flows.patronage - smoothed)
        people, risk = drift(people, circle.CoalitionInput(patronage=flows.patronage), circle_par, solved)
        at = level.level(risk.cohesion, cohesion)
        hazards.append((at, risk.removal))
        if (week + 1) % WEEKS == 0:
            levels.append((level.level(smoothed, squeeze), at))
            missing.append((levels[-1][0], 1.0 - smoothed))
    return [np.asarray(x) for x in (levels, hazards, missing)]


@pytest.mark.parametrize("quiet", [False, True])
def test_rows_sum_to_one(quiet):
    found = compiled(quiet=quiet)
    assert found.squeeze.shape == (DRAWS, 2, 4, 4)
    assert found.cohesion.shape == (DRAWS, 2, 4, 3, 3)
    for rows in (found.squeeze, found.cohesion):
        assert float(rows.min()) >= 0.0
        np.testing.assert_allclose(rows.sum(-1), 1.0, rtol=1e-12)
    for chance in (found.removal, found.shortage, found.distance):
        assert 0.0 <= float(chance.min()) <= float(chance.max()) <= 1.0


@pytest.mark.parametrize("rung", [0, 1])
def test_noiseless_chain_counts_the_path(rung):
    found = compiled(quiet=True, min_count=1)
    levels, hazards, missing = path(rung)
    for draw in range(DRAWS):
        squeeze, cohesion = levels[:, 0, draw], levels[:, 1, draw]
        moves, inner = np.zeros((4, 4)), np.zeros((4, 3, 3))
        np.add.at(moves, (squeeze[:-1], squeeze[1:]), 1.0)
        np.add.at(inner, (squeeze[1:], cohesion[:-1], cohesion[1:]), 1.0)
        for s in np.flatnonzero(moves.sum(1)):
            np.testing.assert_allclose(found.squeeze[draw, rung, s], moves[s] / moves[s].sum(), atol=1e-12)
            assert int(found.squeeze_source[draw, rung, s]) == chain.FROM_NORM
        for s, c in np.argwhere(inner.sum(2)):
            row = inner[s, c] / inner[s, c].sum()
            np.testing.assert_allclose(found.cohesion[draw, rung, s, c], row, atol=1e-12)
        for c in np.unique(hazards[:, 0, draw]):
            mean = hazards[hazards[:, 0, draw] == c, 1, draw].mean()
            assert float(found.removal[draw, rung, int(c)]) == pytest.approx(1 - (1 - mean) ** WEEKS, rel=1e-9)
        for s in np.unique(missing[:, 0, draw]):
            mean = missing[missing[:, 0, draw] == s, 1, draw].mean()
            assert float(found.shortage[draw, rung, int(s)]) == pytest.approx(mean, rel=1e-9, abs=1e-9)
    if rung:
        assert len(np.unique(levels[:, 0])) > 2  # the path does move


def test_distance_of_the_noiseless_path():
    found = compiled(quiet=True, min_count=1)
    levels, _, _ = path(1)
    for draw in range(DRAWS):
        squeeze, cohesion = np.asarray(found.squeeze[draw, 1]), np.asarray(found.cohesion[draw, 1])
        law, worst = np.zeros((4, 3)), 0.0
        law[tuple(levels[0, :, draw].astype(int))] = 1.0
        for s, c in levels[:, :, draw].astype(int):
            worst = max(worst, 1.0 - law[s, c])  # distance from a law that is sure of one cell
            law = np.einsum("sc,st,tce->te", law, squeeze, cohesion)
        assert float(found.distance[draw]) == pytest.approx(worst, abs=1e-12)
    assert float(found.distance.max()) > 0.3  # four levels do forget


def test_chain_law_on_a_toy():
    squeeze = jnp.array([[0.75, 0.25], [0.0, 1.0]])[None, None]
    law = chain.chain_law(squeeze, jnp.ones((1, 1, 2, 1, 1)), jnp.array([[0, 0]]), 2)
    np.testing.assert_allclose(law[:, 0, 0], [[1, 0], [0.75, 0.25], [0.5625, 0.4375]])
    inner = jnp.array([[[1.0, 0.0], [0.0, 1.0]], [[0.5, 0.5], [0.0, 1.0]]])[None, None]
    law = chain.chain_law(squeeze, inner, jnp.array([[0, 0]]), 1)
    np.testing.assert_allclose(law[1, 0, 0], [0.75, 0.0, 0.125, 0.125])


def test_total_variation_on_a_toy():
    found = chain.total_variation(jnp.array([0.5, 0.5, 0.0]), jnp.array([0.2, 0.5, 0.3]))
    assert float(found) == pytest.approx(0.3)


def test_chain_without_memory_has_no_distance():
    # at rest nothing moves, so the chain is exact
    assert float(compiled(quiet=True, min_count=1).distance_rung[:, 0].max()) == 0.0


def test_distance_is_of_the_rungs_with_a_quarantine():
    found = compiled()
    np.testing.assert_array_equal(found.distance, found.distance_rung[:, 1])
    assert np.all(found.distance_squeeze <= found.distance_rung + 1e-12)
    assert np.all(found.distance_mixture <= found.distance_rung.max(0) + 1e-12)


def test_never_seen_is_exactly_zero():
    found = compiled(quiet=True)
    np.testing.assert_array_equal(found.squeeze[:, 0, 0], np.eye(4)[0][None].repeat(DRAWS, 0))
    assert float(found.squeeze[:, 1, 0, 2:].max()) == 0.0  # no leap from normal to short in a round


def test_sources_are_told():
    found = compiled(quiet=True)
    assert np.all(np.asarray(found.squeeze_source[:, 0, 0]) == chain.FROM_NORM)
    assert np.all(np.asarray(found.squeeze_source[:, 0, 1:]) == chain.FROM_DEPLETED)
    no_cracks = dataclasses.replace(COALITION, legitimacy_weight=0.0, threshold_sd=0.5)
    still = chain.compile_chains(
        jax.random.key(0), QUIET, no_cracks, CALM, weeks_per_round=WEEKS, rounds=ROUNDS, paths=PATHS
    )
    assert np.all(np.asarray(still.removal_source[:, :, 2]) == chain.FILLED)
    middle = 1.0 - (1.0 - float(ndtr(jnp.asarray(-1.5)))) ** WEEKS
    np.testing.assert_allclose(still.removal[:, :, 2], middle, rtol=1e-12)
    np.testing.assert_array_equal(still.cohesion[0, 0, 0, 2], [0.0, 0.0, 1.0])  # stays where it is


def test_removal_lies_within_its_level_and_shortage_too():
    found = compiled()
    weekly = 1.0 - (1.0 - np.asarray(found.removal)) ** (1.0 / WEEKS)
    top = float(ndtr(jnp.asarray(-3.0)))
    low = float(ndtr(jnp.asarray(-2.0)))
    assert np.all(weekly[..., 0] < top)
    assert np.all((weekly[..., 1] > top) & (weekly[..., 1] < low))
    assert np.all(weekly[..., 2] > low)
    for index, (high, bottom) in enumerate(((1.0, 0.85), (0.85, 0.7), (0.7, 0.55), (0.55, 0.0))):
        here = 1.0 - np.asarray(found.shortage[..., index])
        assert np.all((here >= bottom - 1e-12) & (here <= high + 1e-12))


def test_removal_at_rest_is_the_base_rate():
    found = compiled(quiet=True)
    np.testing.assert_allclose(found.removal[:, 0, 0], 1.0 - (1.0 - 0.02 / 52.0) ** WEEKS, rtol=1e-9)
    np.testing.assert_array_equal(found.start, np.zeros((DRAWS, 2)))


def test_quarantine_squeezes():
    found = compiled()
    law = chain.chain_law(found.squeeze, found.cohesion, found.start, ROUNDS)[-1]
    squeezed = law.reshape(DRAWS, 2, 4, 3)[:, :, 1:].sum((2, 3))
    assert np.all(np.asarray(squeezed[:, 1]) > np.asarray(squeezed[:, 0]) + 0.3)


def test_same_key_same_numbers():
    first = compiled()
    again = chain.compile_chains(
        jax.random.key(0), ECONOMY, COALITION, RUNGS, weeks_per_round=WEEKS, rounds=ROUNDS, paths=PATHS
    )
    for one, two in zip(jax.tree.leaves(first), jax.tree.leaves(again), strict=True):
        np.testing.assert_array_equal(one, two)
    assert np.any(np.asarray(compiled(1).squeeze) != np.asarray(first.squeeze))


def test_axis_of_draws_may_be_left_out_or_given():
    wide = dataclasses.replace(
        CALM,
        quarantine=jnp.broadcast_to(CALM.quarantine[:, None], (2, DRAWS)),
        brent_start=jnp.full(DRAWS, 64.0),
    )
    found = chain.compile_chains(
        jax.random.key(0), QUIET, COALITION, wide, weeks_per_round=WEEKS, rounds=ROUNDS, paths=PATHS
    )
    np.testing.assert_array_equal(found.squeeze, compiled(quiet=True).squeeze)


def test_without_coalition_one_cohesion_level():
    found = compiled(coalition=False)
    assert found.cohesion.shape == (DRAWS, 2, 4, 1, 1)
    np.testing.assert_array_equal(found.cohesion, np.ones((DRAWS, 2, 4, 1, 1)))
    np.testing.assert_allclose(found.removal, 1.0 - (1.0 - 0.02 / 52.0) ** WEEKS, rtol=1e-12)


def test_without_coalition_the_squeeze_is_the_same():
    np.testing.assert_allclose(compiled(coalition=False).squeeze[:, 1, 0], compiled().squeeze[:, 1, 0], atol=1e-12)


def test_without_economy_one_squeeze_level_and_courts_still_count():
    assert compiled(economy=False).squeeze.shape == (DRAWS, 2, 1, 1)
    tied = dataclasses.replace(RUNGS, courts=jnp.array([0.0, 1.0]))
    found = chain.compile_chains(
        jax.random.key(0), None, COALITION, tied, weeks_per_round=WEEKS, rounds=ROUNDS, paths=PATHS
    )
    assert np.all(np.asarray(found.shortage) == 0.0)
    assert np.all(np.asarray(found.removal[:, 1, 0]) < np.asarray(found.removal[:, 0, 0]))


def test_without_either_module():
    found = compiled(economy=False, coalition=False)
    assert found.squeeze.shape == (1, 2, 1, 1)
    assert float(found.distance[0]) == 0.0
    np.testing.assert_allclose(found.removal, 1.0 - (1.0 - 0.02 / 52.0) ** WEEKS, rtol=1e-12)


def test_reachable_levels():
    found = chain.reachable(compiled(economy=False, coalition=False))
    np.testing.assert_array_equal(found, [[True]])
    rest = dataclasses.replace(CALM, quarantine=jnp.zeros(2))
    still = chain.compile_chains(
        jax.random.key(0), QUIET, COALITION, rest, weeks_per_round=WEEKS, rounds=ROUNDS, paths=PATHS
    )
    alone = np.zeros((4, 3), dtype=bool)
    alone[0, 0] = True
    np.testing.assert_array_equal(chain.reachable(still), alone)
    assert chain.reachable(compiled()).sum() > 3


def test_levels_by_edges():
    edges = jnp.asarray(level.SQUEEZE_EDGES)
    found = level.level(jnp.array([1.0, 0.86, 0.84, 0.6, 0.5, 0.0]), edges)
    np.testing.assert_array_equal(found, [0, 0, 1, 2, 3, 3])
    assert len(level.SQUEEZE_NAMES) == len(level.SQUEEZE_EDGES) + 1
    assert len(level.COHESION_NAMES) == len(level.COHESION_EDGES) + 1


@pytest.mark.parametrize(
    "wrong",
    [{"rounds": 0}, {"paths": 0}, {"squeeze_edges": (0.5, 0.7)}, {"cohesion_edges": ()}],
    ids=str,
)
def test_mistakes_are_refused(wrong):
    sizes = {"weeks_per_round": WEEKS, "rounds": ROUNDS, "paths": PATHS} | wrong
    with pytest.raises(UserError, match=next(iter(wrong))):
        chain.compile_chains(jax.random.key(0), ECONOMY, COALITION, RUNGS, **sizes)


def test_import_allocates_nothing_and_changes_no_setting():
    code = (
        "import jax; before = dict(jax.config.values); import standoff.world.chain;"
        "assert not jax.live_arrays(); assert dict(jax.config.values) == before"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
