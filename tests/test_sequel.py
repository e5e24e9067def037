"""What follows an ending: chances that are whole, counts beside them, and paths that share their noise."""

import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

from standoff.case.load import load_case
from standoff.case.new import TEMPLATE
from standoff.simulate import draws, sequel
from standoff.simulate.ending import ENDINGS, MODES
from standoff.simulate.sequel import EXITS
from standoff.world.aftermath import WEEKS, Expected
from standoff.world.exit_mode import FOLLOWS, STAYS

COUNT = 3


def crises(rows):
    """Simulated crises of one scenario and draw, given as (ending, mode)."""
    code = np.array([[[ENDINGS.index(ending) for ending, _ in rows]] * COUNT])
    mode = np.array([[[MODES.index(how) for _, how in rows]] * COUNT])
    axes = ("scenario", "draw", "replication")
    return xr.Dataset({"ending": (axes, code), "mode": (axes, mode)}, {"scenario": ["views"], "draw": np.arange(COUNT)})


ROWS = [
    ("agreed-exit", ""), ("flight", ""), ("force", "escaped"), ("force", "captured"), ("force", "killed"),
    ("force", "in-office"), ("force", "quagmire"), ("removed-within", ""), ("exit-blocked", ""), ("back-down", ""),
]  # fmt: skip


@pytest.fixture(scope="module")
def case():
    return load_case("venezuela-2025").case


@pytest.fixture(scope="module")
def values(case):
    return draws.base(case, seed=1, count=COUNT)


def some(case, seed):
    """A succession of random chances (the true one takes long to compile)."""
    rng, leaders = np.random.default_rng(seed), len(case.world.successors) + 2

    def chances(*shape):
        raw = rng.random((*shape, COUNT))
        return jnp.asarray(raw / raw.sum(1, keepdims=True))

    def one(scale=1.0):
        return jnp.asarray(scale * rng.random(COUNT))

    return Expected(
        order=chances(3, 4), leader=chances(3, leaders), officer=one(), commitment=one(), conflict=one(0.1),
        aligned=jnp.asarray(np.sort(rng.random((3, COUNT)), axis=0)), fragmentation=one(0.1), attempt=one(0.02),
        fall=jnp.asarray(rng.random((WEEKS, COUNT)) / 100),
    )  # fmt: skip


@pytest.fixture(scope="module")
def after(case):
    taken = some(case, 2)
    return {exit: taken if exit in ("captured", "killed") else some(case, 3 + k) for k, exit in enumerate(EXITS)}


@pytest.fixture(scope="module")
def found(case, after):
    return sequel.aftermath(case, after, crises(ROWS))


@pytest.fixture(scope="module")
def wide(case, values, after):
    return sequel.cascade(case, values, after, seed=1)


def test_shares_count_who_goes_and_how():
    share = sequel.shares(crises(ROWS)).sel(scenario="views", draw=0)
    assert dict(zip(EXITS, share.values, strict=True)) == pytest.approx(
        {"agreed_exit": 0.1, "flight": 0.2, "captured": 0.1, "killed": 0.1, "coup": 0.1}
    )


def test_chances_are_whole(found):
    assert found["leads"].sum("leader").values == pytest.approx(1.0)
    assert found["next_order"].sum("order").values == pytest.approx(1.0)
    assert found["stays"].values == pytest.approx(0.4)
    for name, dim in (("mixed_leads", "leader"), ("mixed_order", "order")):
        assert (found[name].sum(dim) + found["stays"]).values == pytest.approx(1.0)
    assert (found["survival"].diff("week") <= 0).all()


def test_a_mixture_of_one_exit_is_that_exit(case, after):
    alone = sequel.aftermath(case, after, crises([("removed-within", "")] * 4))
    assert (alone["mixed_leads"].sel(scenario="views") == alone["leads"].sel(exit="coup")).all()


def test_base_rates_are_the_counts(found):
    regular = np.array(FOLLOWS[0]) / sum(FOLLOWS[0])
    assert found["base_order"].sel(exit="agreed_exit").values == pytest.approx(regular)
    assert found["base_survival"].sel(exit="agreed_exit").values == pytest.approx([STAYS[0][k] for k in (0, 1, 3)])
    mixed = (np.array(FOLLOWS[1]) / sum(FOLLOWS[1]) + np.array(FOLLOWS[6]) / sum(FOLLOWS[6])) / 2
    assert found["base_order"].sel(exit="captured").values == pytest.approx(mixed)


def test_capture_and_death_have_the_same_sequel(found, wide):
    for data in (found["leads"], found["next_order"], wide["outflow"], wide["conflict"]):
        assert (data.sel(exit="captured").values == data.sel(exit="killed").values).all()


@pytest.mark.slow
def test_what_follows_is_computed_once_for_the_same_mixture(case, values):
    after = sequel.follow(case, values)
    assert list(after) == list(EXITS)
    assert after["captured"] is after["killed"]
    for one in after.values():
        assert np.asarray(one.leader.sum(1)) == pytest.approx(1.0)
        assert np.asarray(one.order.sum(1)) == pytest.approx(1.0)


def test_every_variable_has_its_unit(found, wide):
    for data in (found, wide):
        assert all(variable.attrs.get("units") for variable in data.data_vars.values())


def test_exits_share_their_noise(wide):
    news = np.log(wide["price_ratio"] / wide["oil_price"])
    assert news.values == pytest.approx(np.broadcast_to(news.isel(exit=0).values, news.shape), abs=1e-12)
    assert np.unique(news.isel(month=0, exit=0).values.round(9)).size == COUNT * sequel.PATHS


def test_arrivals_sum_to_the_outflow(wide):
    assert wide["arrivals"].sum("host").values == pytest.approx(wide["outflow"].values)


def test_conflict_over_a_year_is_the_counted_rate(values, after, wide):
    # An agreed exit is imposed by nobody: twelve months compound to the yearly rate of its mode.
    year = values["world.priors.cascade.conflict_year"] * sequel.mixed_ratio("agreed_exit")
    assert wide["conflict"].sel(exit="agreed_exit", month=12).values == pytest.approx(year)
    assert (wide["conflict"].sel(exit="captured") > wide["conflict"].sel(exit="agreed_exit")).all()


def test_no_quarantine_leaves_exports_as_they_were(case, values):
    none = {path: 0 * value if path.endswith(".quarantine") else value for path, value in values.items()}
    assert (sequel.exports_left(case, none) == 1.0).all()
    full = {path: 0 * v + 1 if path.endswith(".quarantine") else v for path, v in values.items()}
    full["world.economy.exempt_exports"] = np.zeros(COUNT)
    assert (sequel.exports_left(case, full) == 0.0).all()


def test_compliance_by_month_meets_the_horizons():
    aligned = np.array([[0.3], [0.6], [0.6]])
    months = sequel.by_month(aligned)[:, 0]
    assert months[0] == pytest.approx(0.3 * (365 / 24) / 30)  # the middle of the first month, from 0 on the first day
    assert months[3:] == pytest.approx(0.6)
    assert (np.diff(months) >= 0).all()


def test_share_of_oil_in_cash_by_hand(case, values):
    one = dict(values) | {
        f"world.economy.{name}": np.full(COUNT, value)
        for name, value in (("price_norm", 65.0), ("discount_norm", 15.0), ("cash_share", 0.5), ("other_income", 0.035))
    }
    one["world.cascade.exports"] = np.full(COUNT, 600.0)
    # 600 kb/d are 4.2 million barrels a week; at 50 dollars and half in cash 0.105 billion.
    assert np.asarray(sequel.oil_share(case, one)) == pytest.approx(0.105 / 0.14)


def test_no_contenders_no_numbers():
    case = load_case(TEMPLATE).case
    assert not case.world.successors
    assert not any(path.startswith("world.priors.cascade") for path in draws.numbers(case))
