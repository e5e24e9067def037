"""Cascade: known points, limits, signs, interventions, counterfactuals on the same noises, data checks."""

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

from standoff.world import ally, conflict
from standoff.world import cascade as region
from standoff.world import economy as purse
from standoff.world.cascade import CascadeInput, CascadeNoise, CascadeParameters, Do, Intervention
from standoff.world.coalition import CoalitionParameters

ROOT = pathlib.Path(__file__).resolve().parents[1]
KNOWN = pathlib.Path(__file__).parent / "known" / "world"
SHARED = ROOT.parent / "shared"
ROWS = list(csv.DictReader((KNOWN / "known_points_cascade.csv").read_text().splitlines()))
QUIET = CascadeNoise(1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0)
# Levels of an exporter of oil with three hosts and an ally; all else by default.
PAR = CascadeParameters(
    host_stock=jnp.array([2.8e6, 1.6e6, 0.4e6]),
    outflow_norm=10_000.0,
    exports_norm=900.0,
    oil_share=0.85,
    ally_own=40.0,
    ally_imports=45.4,
    ally_supplied=27.4,
    ally_stock=0.0,
)
NOISELESS = dataclasses.replace(PAR, noise=0.0, events=0.0)
CALM = CascadeInput(fragmentation=0.0, insider=1.0, exports=900.0)


def arrays(struct):
    return jax.tree.map(jnp.asarray, struct)


def change(struct, **values):
    return dataclasses.replace(struct, **values)


MONTHS, DRAWS = 12, 64
STEP, ADVANCE, PREDICT = jax.jit(region.step), jax.jit(region.advance), jax.jit(region.predict)
COUNTERFACTUAL = jax.jit(region.counterfactual)


def month(inputs=CALM, par=NOISELESS, noise=QUIET, state=None):
    state = region.norm_state(arrays(par)) if state is None else state
    return ADVANCE(arrays(noise), state, arrays(inputs), arrays(par))


def lifted(par=PAR):
    """Parameters with an axis for draws where hosts have one."""
    return change(arrays(par), host_stock=par.host_stock[:, None])


def start(par):
    """Norm state of every draw."""
    return region.norm_state(change(par, noise=jnp.full(DRAWS, par.noise)))


def over(inputs):
    return region.over_months(inputs, MONTHS, (DRAWS,))


def run(inputs=CALM, par=PAR, *, key=0):
    """Infos of all months, with common noises for every call of the same key."""
    noise = region.draw_noise(jax.random.key(key), (MONTHS, DRAWS))
    par = lifted(par)
    return PREDICT(noise, start(par), over(inputs), par)[1]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["inputs"][:60])
def test_known_point(row):
    given, printed = json.loads(row["inputs"]), json.loads(row["outputs"])
    if row["quantity"] == "first-month price response":
        par = change(
            NOISELESS,
            oil_supply_elasticity=given["supply_elasticity"],
            oil_demand_elasticity=given["demand_elasticity"],
            buffer=given["buffer"],
            world_oil=given["world_mbd"],
            exports_norm=1000.0 * given["loss_mbd"],
        )
        info = month(change(CALM, exports=0.0), par)[1]
        found = {"log_price": region.price_response(given["loss_mbd"], par)}
        assert float(info.price_effect) == pytest.approx(printed["log_price"], abs=float(row["tolerance"]))
    else:
        lost = ally.energy_lost(given["lost"], given["substitution"], given["own"], given["imports"])
        found = {"loss_share": lost, "log_output": ally.log_output(lost, given["elasticity"])}
        # an ally with an empty tank reaches the same after the substitute has been found
        par = change(NOISELESS, ally_substitution=given["substitution"], energy_output_elasticity=given["elasticity"])
        infos = run(change(CALM, exports=0.0), par)
        assert float(infos.ally_lost[-1, 0]) == pytest.approx(printed["loss_share"], abs=float(row["tolerance"]))
    for name, value in printed.items():
        assert float(found[name]) == pytest.approx(value, abs=float(row["tolerance"])), name


def test_published_pairs_of_elasticities():
    third = jnp.array([0.0, 0.4, 0.99, 1.0])
    supply, demand = region.elasticity_pair(third)
    np.testing.assert_array_equal(supply, [0.11, 0.15, 0.015, 0.015])
    np.testing.assert_array_equal(demand, [-0.13, -0.35, -0.26, -0.26])
    par = change(NOISELESS, buffer=0.0, oil_supply_elasticity=supply[:3], oil_demand_elasticity=demand[:3])
    # per cent, as printed on the world page for a loss of 0.9 mb/d
    np.testing.assert_allclose(100.0 * region.price_response(0.9, par), [3.6, 1.7, 3.1], atol=0.051)


def test_norm_is_at_rest():
    infos = run(CALM, NOISELESS)
    for name in ("violence", "loss", "price_effect", "ally_lost", "ally_output"):
        np.testing.assert_array_equal(getattr(infos, name), 0.0, err_msg=name)
    np.testing.assert_allclose(infos.shortfall, 0.0, atol=1e-15)
    np.testing.assert_allclose(infos.outflow, NOISELESS.outflow_norm, rtol=1e-14)
    np.testing.assert_allclose(infos.price_ratio, 1.0, rtol=1e-15)


def test_price_effect_of_a_lasting_loss_is_full_at_first_and_fades():
    infos = run(change(CALM, exports=0.0), NOISELESS)
    first = float(region.price_response(0.9, NOISELESS))
    np.testing.assert_allclose(infos.price_effect[:, 0], first * 0.8 ** np.arange(MONTHS), rtol=1e-12)


def test_arrivals_add_up_and_follow_stocks():
    infos = run(change(CALM, fragmentation=0.4), PAR)
    np.testing.assert_allclose(infos.arrivals.sum(1), infos.outflow, rtol=1e-12)
    assert np.all(infos.arrivals[:, 0] > infos.arrivals[:, 1])
    pull = np.asarray(PAR.host_stock) ** 0.7
    share = infos.arrivals[0] / infos.outflow[:1]
    np.testing.assert_allclose(share, np.broadcast_to((pull / pull.sum())[:, None], share.shape), rtol=1e-12)


def test_closed_border_stops_everybody():
    infos = run(change(CALM, border=1.0))
    np.testing.assert_array_equal(infos.outflow, 0.0)
    np.testing.assert_array_equal(infos.arrivals, 0.0)


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"buffer": 1.0}, "price_effect"),
        ({"energy_output_elasticity": 0.0, "ally_noise": 0.0}, "ally_output"),
        ({"ally_supplied": 0.0, "ally_noise": 0.0}, "ally_output"),
        ({"outflow_norm": 0.0}, "outflow"),
    ],
)
def test_switch_takes_the_term_out_exactly(values, name):
    infos = run(change(CALM, exports=0.0, fragmentation=0.6, insider=0.0), change(PAR, **values))
    np.testing.assert_array_equal(getattr(infos, name), 0.0)


def test_switches_of_command_and_of_wishes_are_exact():
    held = change(PAR, command_fragment=0.0, command_insider=0.0)
    one, other = (run(change(CALM, fragmentation=f, insider=i), held) for f, i in ((0.0, 1.0), (0.9, 0.0)))
    np.testing.assert_array_equal(one.breakdown, other.breakdown)
    held = change(PAR, outflow_shortage=0.0, outflow_violence=0.0)
    one, other = (run(change(CALM, fragmentation=f, exports=x), held) for f, x in ((0.0, 900.0), (0.9, 0.0)))
    np.testing.assert_array_equal(one.outflow, other.outflow)


def test_events_and_noise_off_draw_nothing():
    infos = run(change(CALM, fragmentation=1.0, insider=0.0, conflict_ratio=9.0), change(PAR, events=0.0))
    assert not np.any(infos.broken)
    assert not np.any(infos.conflict_begins)
    assert np.all(infos.breakdown > 0.0)
    infos = run(change(CALM, fragmentation=0.5), NOISELESS)
    for name in ("violence", "exports", "price_ratio", "outflow", "ally_output"):
        found = np.asarray(getattr(infos, name))
        np.testing.assert_array_equal(found, np.broadcast_to(found[:, :1], found.shape), err_msg=name)


SIGNS = [
    ("breakdown", CALM, change(CALM, fragmentation=0.5), PAR, PAR),
    ("violence", CALM, change(CALM, fragmentation=0.5), PAR, PAR),
    ("outflow", CALM, change(CALM, fragmentation=0.5), PAR, PAR),
    ("breakdown", CALM, change(CALM, insider=0.0), PAR, PAR),
    ("violence", CALM, change(CALM, quagmire=1.0), PAR, PAR),
    ("outflow", CALM, change(CALM, exports=300.0), PAR, PAR),
    ("shortfall", CALM, change(CALM, exports=300.0), PAR, PAR),
    ("price_effect", CALM, change(CALM, exports=300.0), NOISELESS, NOISELESS),
    ("conflict_chance", CALM, change(CALM, imposed=1.0), PAR, PAR),
    ("conflict_chance", change(CALM, imposed=1.0), change(CALM, imposed=1.0, leader_only=1.0), PAR, PAR),
]
CUT = change(CALM, exports=200.0)
SIGNS += [
    ("price_effect", CUT, CUT, change(PAR, oil_supply_elasticity=0.4), PAR),  # elastic markets: less
    ("price_effect", CUT, CUT, change(PAR, oil_demand_elasticity=-0.9), PAR),
    ("price_effect", CUT, CUT, change(PAR, buffer=0.9), PAR),
    ("ally_lost", CUT, CUT, change(PAR, ally_substitution=0.9), PAR),  # substitutes spare the ally
    ("ally_lost", CALM, CUT, PAR, PAR),
    ("ally_output", CUT, CUT, PAR, change(PAR, ally_substitution=0.9)),
]


@pytest.mark.parametrize(("name", "low", "high", "low_par", "high_par"), SIGNS)
def test_sign(name, low, high, low_par, high_par):
    """No lower anywhere on the same noises once conflicts are kept out, and higher somewhere."""
    one, other = (
        np.asarray(getattr(run(inputs, change(par, events=0.0)), name))
        for inputs, par in ((low, low_par), (high, high_par))
    )
    assert np.all(other >= one - 1e-15)
    assert np.any(other > one)


def test_armed_groups_make_a_breakdown_worse():
    broken = change(QUIET, command=0.0)
    par = change(PAR, noise=0.0)
    few, many = (float(month(change(CALM, groups=g), par, broken)[1].violence) for g in (0.0, 1.0))
    assert few == 0.0
    assert many == pytest.approx(0.2 * 0.3, rel=1e-12)


def test_do_cuts_a_variable_off_from_its_causes():
    fixed = change(CALM, do=Do(exports=Intervention(500.0, 1.0), ally_supply=Intervention(27.4, 1.0)))
    infos = run(fixed)
    np.testing.assert_array_equal(infos.exports, 500.0)
    np.testing.assert_array_equal(infos.ally_lost, 0.0)
    other = run(change(fixed, exports=0.0))
    for name in ("exports", "price_ratio", "outflow", "ally_output"):
        np.testing.assert_array_equal(getattr(infos, name), getattr(other, name), err_msg=name)


def test_do_leaves_what_lies_before_as_it_was():
    base, cut = run(), run(change(CALM, do=Do(exports=Intervention(0.0, 1.0))))
    for name in ("breakdown", "violence", "conflict_chance"):
        np.testing.assert_array_equal(getattr(base, name), getattr(cut, name), err_msg=name)
    assert np.all(cut.price_effect[0] > base.price_effect[0])
    assert np.all(cut.outflow > base.outflow)
    shut = run(change(CALM, do=Do(border=Intervention(1.0, 1.0))))
    np.testing.assert_array_equal(shut.outflow, 0.0)
    np.testing.assert_array_equal(shut.price_ratio, base.price_ratio)
    named = run(change(CALM, do=Do(insider=Intervention(0.0, 1.0), fragmentation=Intervention(0.7, 1.0))))
    meant = run(change(CALM, insider=0.0, fragmentation=0.7))
    np.testing.assert_array_equal(named.outflow, meant.outflow)


def test_counterfactual_keeps_the_noises():
    par = lifted()
    noise = region.draw_noise(jax.random.key(7), (MONTHS, DRAWS))
    facts = over(change(CALM, exports=300.0, fragmentation=0.4))
    factual = PREDICT(noise, start(par), facts, par)[1]
    same = COUNTERFACTUAL(factual, start(par), facts, par)[1]
    jax.tree.map(np.testing.assert_array_equal, factual, same)
    other = COUNTERFACTUAL(factual, start(par), over(change(CALM, exports=900.0, fragmentation=0.4)), par)[1]
    np.testing.assert_array_equal(other.broken, factual.broken)
    np.testing.assert_array_equal(other.violence, factual.violence)
    assert np.all(other.outflow < factual.outflow)


def test_units_are_told_for_every_result():
    told = {field.name for field in dataclasses.fields(region.CascadeInfo)}
    assert set(region.UNITS) == told - {"noise"}


def test_conflict_comes_back_at_its_base_rates():
    chance = float(region.CascadeParameters(PAR.host_stock).conflict_year)
    for mode, (k, n) in conflict.CONFLICT_COUNTS.items():
        ratio = conflict.conflict_ratio(mode)
        monthly = float(conflict.conflict_chance(chance, ratio, 0.0, 0.0, 2.2, 3.0))
        year = 1.0 - (1.0 - monthly) ** 12
        counts = (k + 0.5) / (n + 1.0)
        assert year == pytest.approx(counts * 0.0355 / (157.5 / 4427.0), rel=1e-12), mode
    ten_years = [
        1.0 - (1.0 - float(conflict.conflict_chance(0.0355, 1.0, imposed, alone, 2.2, 3.0))) ** 120
        for imposed, alone in ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0))
    ]
    twice = conflict.conflict_chance(0.0355, conflict.conflict_ratio("foreign"), 1.0, 0.0, 2.2, 3.0)
    assert 1.0 - (1.0 - float(twice)) ** 120 == pytest.approx(ten_years[1], rel=1e-12)  # counted once
    rates = -np.log1p(-np.array(ten_years))
    np.testing.assert_allclose(rates[1:] / rates[0], [2.2, 3.0], rtol=1e-12)


def test_conflict_begins_once_and_at_the_chance_told():
    infos = run(change(CALM, conflict_ratio=8.0, imposed=1.0))
    begins = np.asarray(infos.conflict_begins)
    assert begins.sum(0).max() == 1
    after = np.cumsum(begins, axis=0) - begins > 0
    assert np.all(np.asarray(infos.conflict_chance)[after] == 0.0)
    # 4 standard errors: a false alarm in 1 of 16,000
    expected = 1.0 - (1.0 - float(infos.conflict_chance[0, 0])) ** MONTHS
    found = begins.any(0).mean()
    assert abs(found - expected) < 4.0 * np.sqrt(expected * (1.0 - expected) / DRAWS)


def test_shortfall_is_that_of_the_economy_without_reserves():
    rich = purse.EconomyParameters(
        output_norm=1100.0,
        home_use=200.0,
        stock_norm=22.0,
        stock_capacity=60.0,
        discount_norm=21.0,
        discount_risk=0.0,
        price_norm=64.0,
        other_income=0.03,
        usable_reserves=0.0,
        gap_norm=0.37,
        bite_speed=1.0,
        noise=0.0,
    )
    given = purse.EconomyInput(quarantine=1.0, exempt=300.0, brent=64.0)
    info = jax.jit(purse.advance)(
        purse.EconomyNoise(jnp.zeros(()), jnp.zeros(())), purse.norm_state(arrays(rich)), arrays(given), arrays(rich)
    )[1]
    share = 1.0 - rich.other_income / float(purse.norm_cash(rich))
    par = change(NOISELESS, oil_share=share, buffer=1.0)
    assert float(month(change(CALM, exports=300.0), par)[1].shortfall) == pytest.approx(
        float(info.shortfall), rel=1e-12
    )


def test_tank_of_the_ally_runs_out():
    par = change(NOISELESS, ally_stock=0.46, ally_substitution=0.0)
    infos = run(change(CALM, do=Do(ally_supply=Intervention(0.0, 1.0))), par)
    full = 27.4 / (40.0 + 45.4)
    days = 0.46 * 1000.0 / 27.4
    assert 15.0 < days < 20.0  # as reported: 15 to 20 days
    np.testing.assert_allclose(
        infos.ally_lost[:, 0], [full * (1.0 - days / ally.DAYS)] + [full] * (MONTHS - 1), rtol=1e-12
    )


def test_a_poorer_ally_is_likelier_to_lose_its_leader():
    circle = CoalitionParameters(
        weight=jnp.array([0.6, 0.4]), loyalty=jnp.array([0.5, 0.4]), outside=jnp.array([0.4, 0.5])
    )
    chances = [float(ally.removal(a, circle)) for a in (1.0, 0.9, 0.7)]
    assert chances[0] == pytest.approx(0.02 / 52.0, rel=1e-9)
    assert chances[0] < chances[1] < chances[2]


@settings(max_examples=25)
@given(st.integers(0, 2**31 - 1))
def test_any_month_keeps_its_bounds(seed):
    rng = np.random.default_rng(seed)
    uniform = {name: float(rng.uniform()) for name in ("fragmentation", "insider", "border", "ally_kept", "imposed")}
    inputs = CascadeInput(**uniform, exports=float(rng.uniform(0, 1500)), quagmire=1.0, groups=float(rng.uniform(0, 3)))
    state, info = STEP(jax.random.key(seed), region.norm_state(arrays(PAR)), arrays(inputs), arrays(PAR))
    for name in ("breakdown", "conflict_chance", "shortfall", "ally_lost", "ally_patronage"):
        assert 0.0 <= float(getattr(info, name)) <= 1.0, name
    for name in ("violence", "exports", "outflow", "ally_supply", "price_ratio"):
        assert float(getattr(info, name)) >= 0.0, name
    assert float(state.host_stock.sum()) == pytest.approx(float(PAR.host_stock.sum() + info.outflow), rel=1e-12)
    assert all(bool(jnp.all(jnp.isfinite(leaf))) for leaf in jax.tree.leaves(state))


def base_rate(name):
    path = SHARED / "reference" / "world" / "base_rates.csv"
    if not path.exists():
        pytest.skip("the reference tables are not beside the repository (../shared/reference/world)")
    return next(row for row in csv.DictReader(path.read_text().splitlines()) if row["id"] == name)


def test_counts_of_conflicts_are_those_of_the_reference():
    for mode, counts in conflict.CONFLICT_COUNTS.items():
        row = base_rate("conflict_baseline_365" if mode in ("any", "rebels") else f"conflict_after_{mode}_365")
        assert (int(row["k"]), int(row["n"])) == counts, mode


def test_imposed_change_agrees_with_the_foreign_removals_counted():
    row = base_rate("conflict_after_foreign_365")
    year = 1.0 - (1.0 - float(conflict.conflict_chance(0.0355, 1.0, 1.0, 0.0, 2.2, 3.0))) ** 12
    assert float(row["low90"]) < year < float(row["high90"])


def band(path):
    """The 90% range of a lognormal row of the reference."""
    file = SHARED / "reference" / "world" / "parameters.csv"
    if not file.exists():
        pytest.skip("the reference tables are not beside the repository (../shared/reference/world)")
    row = next(r for r in csv.DictReader(file.read_text().splitlines()) if f"{r['module']}.{r['parameter']}" == path)
    median, spread = float(row["arg1"]), float(row["arg2"])
    return median * np.exp(-1.645 * spread), median * np.exp(1.645 * spread)


@pytest.mark.xfail(reason="finding: 2.9 thousand a month in 2025 lie just below the band that starts at 3.2")
def test_recorded_outflow_of_the_last_year_is_within_the_band():
    low, high = band("cascade.outflow_norm")
    assert low < float(base_rate("ven_abroad_change_2025")["estimate"]) / 12.0 < high


@pytest.mark.xfail(reason="finding: full shortage and violence give 16 times the norm, the peak was 8.4 times it")
def test_shortage_and_violence_at_one_span_norm_to_peak():
    low, high = band("cascade.outflow_peak")
    peak = 10_000.0 * np.exp(PAR.outflow_shortage + PAR.outflow_violence)
    assert low < peak < high


def test_price_of_the_first_trading_day_after_the_ending_has_the_size():
    path = SHARED / "data" / "oil_brent" / "brent_daily.csv"
    if not path.exists():
        pytest.skip("the price series is not beside the repository (../shared/data/oil_brent)")
    price = {row["Date"]: float(row["Price"]) for row in csv.DictReader(path.read_text().splitlines())}
    rise = np.log(price["2026-01-05"] / price["2026-01-02"])
    assert 100.0 * rise == pytest.approx(1.6, abs=0.1)
    effects = [
        float(region.price_response(0.9, change(PAR, oil_supply_elasticity=s, oil_demand_elasticity=d)))
        for s, d in region.ELASTICITY_PAIRS
    ]
    assert 0.0085 < min(effects) < max(effects) < 0.0185  # half offset: 0.9 to 1.8 per cent, printed with one digit
    assert min(effects) < rise < max(effects)


def test_a_chance_of_conflict_is_never_above_1():
    assert float(conflict.conflict_chance(0.3, 3.58, 0.0, 0.0, 2.2, 3.0)) == 1.0
    assert float(conflict.conflict_chance(0.2, 3.58, 0.0, 0.0, 2.2, 3.0)) < 1.0
