"""Economy: the known path, exact balances, limits and signs of the module."""

import csv
import dataclasses
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from standoff.world import economy as purse
from standoff.world.economy import EconomyInput, EconomyNoise, EconomyParameters

KNOWN = pathlib.Path(__file__).parent / "known" / "world"
QUIET = EconomyNoise(0.0, 0.0)
# Levels of the shipped case, as in the known path.
PAR = EconomyParameters(
    output_norm=1150.0,
    home_use=200.0,
    stock_norm=22.0,
    stock_capacity=60.0,
    discount_norm=21.0,
    discount_risk=4.0,
    price_norm=64.0,
    other_income=0.03,
    usable_reserves=1.2,
    gap_norm=0.37,
)
STEP, ADVANCE = jax.jit(purse.step), jax.jit(purse.advance)


def change(par=PAR, **values):
    return dataclasses.replace(par, **values)


def arrays(struct):
    return jax.tree.map(jnp.asarray, struct)


def walk(quarantine, par=PAR, *, exempt=150.0, brent=63.0, relief=0.0, eased=0.0, key=None):
    """States and infos of the weeks; noiseless without a key."""
    par = arrays(par if key is not None else change(par, noise=0.0))
    state, found = purse.norm_state(par), []
    for week, value in enumerate(quarantine):
        given = arrays(EconomyInput(float(value), exempt, brent, relief, eased))
        if key is None:
            state, info = ADVANCE(arrays(QUIET), state, given, par)
        else:
            state, info = STEP(jax.random.fold_in(key, week), state, given, par)
        found.append((state, info))
    return found


def series(found, name):
    return np.array([getattr(info if hasattr(info, name) else state, name) for state, info in found])


def test_known_path():
    rows = list(csv.DictReader((KNOWN / "economy_path.csv").read_text().splitlines()))
    found = walk([float(row["quarantine"]) for row in rows])
    columns = {
        "exports_kbd": "exports",
        "output_kbd": "output",
        "stock_mb": "stock",
        "income_bnusd_week": "income",
        "reserves_bnusd": "reserves",
        "cash_ratio": "cash_ratio",
        "patronage": "patronage",
        "fx_ratio": "fx_ratio",
        "log_gap": "log_gap",
        "shortfall": "shortfall",
    }
    for column, name in columns.items():
        printed = np.array([float(row[column]) for row in rows])
        np.testing.assert_allclose(series(found, name), printed, atol=5.001e-6, err_msg=column)  # five decimals


def test_norm_is_at_rest():
    found = walk([0.0] * 30, brent=64.0)
    start = purse.norm_state(PAR)
    for name in ("output", "stock", "bite", "reserves", "log_gap"):
        np.testing.assert_allclose(series(found, name), float(getattr(start, name)), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(series(found, "patronage"), 1.0, rtol=1e-12)
    np.testing.assert_allclose(series(found, "shortfall"), 0.0, atol=1e-12)


def test_norm_cash_known():
    assert float(purse.norm_cash(PAR)) == pytest.approx(0.20157, abs=1e-12)  # printed with the known path


def test_full_quarantine_leaves_other_income_and_reserves_run_out():
    found = walk([1.0] * 400, exempt=0.0)
    assert series(found, "income")[-1] == pytest.approx(PAR.other_income, abs=1e-9)
    assert series(found, "reserves")[-1] < 1e-9
    floor = (PAR.other_income / float(purse.norm_cash(PAR))) ** PAR.patronage_priority
    assert series(found, "patronage")[-1] == pytest.approx(floor, abs=1e-6)
    assert series(found, "output")[-1] == pytest.approx(PAR.home_use, abs=1e-3)


def test_patronage_without_priority_limit_is_cash_over_its_share():
    found = walk([1.0] * 60, change(patronage_priority=0.0, other_income=0.001), exempt=0.0)
    ratio = series(found, "cash_ratio")
    np.testing.assert_allclose(series(found, "patronage"), np.minimum(1.0, ratio / PAR.patronage_share), rtol=1e-12)
    assert series(found, "patronage")[-1] < 0.5  # the limit binds somewhere


def test_large_reserves_keep_patronage_whole():
    np.testing.assert_allclose(series(walk([1.0] * 30, change(usable_reserves=1e3)), "patronage"), 1.0)


def test_oil_balance_is_exact():
    found = walk([0, 0.5, 1, 1, 1, 0.3, 0, 0, 0], key=jax.random.key(1))
    stock = np.append(PAR.stock_norm, series(found, "stock"))
    output = np.append(PAR.output_norm, series(found, "output"))[:-1]
    flow = 7.0 * (output - PAR.home_use - series(found, "exports")) / 1000.0
    np.testing.assert_allclose(np.diff(stock), flow, atol=1e-12)


def test_exports_never_exceed_what_there_is():
    par = change(export_noise=2.0, stock_norm=1.0)
    found = walk([0.0] * 60, par, key=jax.random.key(2))
    assert series(found, "stock").min() >= 0.0
    assert series(found, "stock").min() < 1e-9  # tanks do run empty
    stock = np.append(par.stock_norm, series(found, "stock"))[:-1]
    output = np.append(par.output_norm, series(found, "output"))[:-1]
    assert np.all(series(found, "exports") <= output - par.home_use + stock * 1000.0 / 7.0 + 1e-9)


@pytest.mark.parametrize("saved", [0.0, 0.4, 1.0])
def test_money_balance_is_exact(saved):
    par = change(windfall_saved=saved)
    found = walk([0, 0, 1, 1, 1, 0, 0], par, brent=75.0, key=jax.random.key(3))
    income = series(found, "income")
    assert income.max() > float(purse.norm_cash(par)) > income.min()
    reserves = np.append(par.usable_reserves, series(found, "reserves"))
    np.testing.assert_allclose(np.diff(reserves), series(found, "saved") - series(found, "drawn"), atol=1e-12)
    # what came in is spent or saved, once
    np.testing.assert_allclose(income, series(found, "cash") + np.diff(reserves), atol=1e-12)


def test_cash_pays_supporters_and_the_rest():
    found = walk([0, 1, 1, 1])
    norm = float(purse.norm_cash(PAR))
    supporters = PAR.patronage_share * norm * series(found, "patronage")
    rest = series(found, "dollars_sold") / PAR.fx_share
    np.testing.assert_allclose(supporters + rest, series(found, "cash"), atol=1e-12)


def last(name, quarantine=(1.0,) * 8, **kwargs):
    par = change(**{k: kwargs.pop(k) for k in list(kwargs) if k in {f.name for f in dataclasses.fields(PAR)}})
    return series(walk(quarantine, par, **kwargs), name)[-1]


@pytest.mark.parametrize(("name", "sign"), [("exports", -1), ("income", -1), ("patronage", -1), ("log_gap", 1)])
def test_sign_of_quarantine(name, sign):
    weak, strong = (last(name, (b,) * 8) for b in (0.3, 0.9))
    assert sign * (strong - weak) > 1e-3


def test_output_falls_later_than_exports():
    found = walk([1.0] * 20)
    exports, output = series(found, "exports"), series(found, "output")
    assert np.argmax(exports < 0.9 * 950.0) + 2 < np.argmax(output < 0.9 * 1150.0)


def test_more_reserves_delay_the_fall():
    poor, rich = (series(walk([1.0] * 60, change(usable_reserves=r)), "patronage") for r in (0.6, 2.4))
    assert np.all(rich >= poor - 1e-12)
    assert np.argmax(rich < 0.7) > np.argmax(poor < 0.7) > 0


def test_price_helps_in_proportion_to_exports():
    cheap, dear = (walk([0.5] * 5, brent=p) for p in (60.0, 61.0))
    gain = series(dear, "income") - series(cheap, "income")
    np.testing.assert_allclose(gain, PAR.cash_share * series(dear, "exports") * 7e-6, rtol=1e-9)


def test_priority_exponent_lowers_patronage():
    assert last("patronage", patronage_priority=0.8) < last("patronage", patronage_priority=0.2) - 0.05


def test_relief_adds_income_and_easing_lowers_bite():
    assert last("income", relief=0.02) == pytest.approx(last("income") + 0.02, abs=1e-12)
    assert last("bite", eased=0.5) == pytest.approx(0.5 * last("bite"), abs=1e-12)


def test_flows_return_slower_than_they_stop():
    bite = series(walk([1.0, 1.0, 0.0, 0.0]), "bite")
    np.testing.assert_allclose(bite, [0.6, 0.84, 0.84 * 0.75, 0.84 * 0.75**2], rtol=1e-12)


def test_excess_stock_is_sold_when_the_way_is_free():
    found = walk([1.0] * 6 + [0.0] * 60)
    exports, stock = series(found, "exports"), series(found, "stock")
    assert exports[10:30].max() > 950.0
    assert stock[5] > stock[-1] > PAR.stock_norm  # back towards the norm, from above


def test_noise_switch_silences_exactly():
    one, other = (walk([0.5] * 4, change(noise=0.0), key=jax.random.key(k)) for k in (5, 6))
    still = walk([0.5] * 4)
    for name in ("exports", "log_gap", "patronage"):
        np.testing.assert_array_equal(series(one, name), series(other, name))
        np.testing.assert_allclose(series(one, name), series(still, name), rtol=1e-14)  # compiled without noise


def test_loading_noise_has_mean_one():
    par = arrays(change(export_noise=0.3))
    state = jax.tree.map(lambda x: jnp.broadcast_to(x, (40_000,)), purse.norm_state(par))
    _, info = STEP(jax.random.key(6), state, arrays(EconomyInput(0.0, 150.0, 63.0)), par)
    # sd of the mean 0.3/200; the cap on exports is far away
    assert float(info.exports.mean()) / 950.0 == pytest.approx(1.0, abs=4 * 0.3 / 200)


def test_draws_stand_on_the_last_axis_and_keys_decide():
    par = arrays(change(cash_share=jnp.linspace(0.4, 0.8, 5)))
    state = purse.norm_state(par)
    assert state.output.shape == (5,)
    given = arrays(EconomyInput(1.0, 150.0, 63.0))
    first, again = (STEP(jax.random.key(7), state, given, par)[1].exports for _ in range(2))
    other = STEP(jax.random.key(8), state, given, par)[1].exports
    np.testing.assert_array_equal(first, again)
    assert np.all(np.asarray(first) != np.asarray(other))
    assert len(set(np.asarray(first).tolist())) == 5  # a noise for each draw


def test_noises_differ_by_name():
    noise = purse.draw_noise(jax.random.key(9), (4,))
    assert not np.any(np.asarray(noise.loading) == np.asarray(noise.currency))


def test_gradient_is_finite():
    def patronage(reserves):
        par = change(usable_reserves=reserves)
        state, _ = purse.advance(QUIET, purse.norm_state(par), EconomyInput(1.0, 150.0, 63.0), par)
        return purse.advance(QUIET, state, EconomyInput(1.0, 150.0, 63.0), par)[1].patronage

    assert float(jax.grad(patronage)(0.5)) > 0.0


# The record that tuned the defaults: a fit, not a test of foresight. Weeks from 24 November 2025.
RECORD = [0.0, 0.0, 0.5] + [1.0] * 11


def test_december_exports_and_output():
    found = walk(RECORD)
    assert series(found, "exports")[1:6].mean() == pytest.approx(492.0, abs=1.0)
    assert 1.0 - series(found, "output")[1:6].mean() / 1150.0 == pytest.approx(0.03, abs=0.005)


def test_output_and_gap_in_january():
    found = walk(RECORD)
    assert series(found, "output")[7] == pytest.approx(830.0, abs=1.0)
    gap = np.expm1(series(found, "log_gap"))
    assert gap[5] == pytest.approx(0.90, abs=0.01)
    assert gap[7] == pytest.approx(1.28, abs=0.01)
    assert series(found, "patronage")[7] == pytest.approx(0.73, abs=0.005)


def test_norm_sales_lie_between_reported_figures():
    sold = last("dollars_sold", (0.0,), brent=64.0)
    assert sold == pytest.approx(0.079, abs=5e-4)
    assert 0.070 < sold < 0.096
