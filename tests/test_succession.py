"""Succession: contests, ruling coalitions, base rates by mode of exit, draws against chances, limits and signs."""

import csv
import dataclasses
import json
import pathlib
import time

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from standoff.world import aftermath as after
from standoff.world import contest as rivals
from standoff.world import exit_mode as modes
from standoff.world import succession
from standoff.world.succession import SuccessionInput, SuccessionParameters

KNOWN = pathlib.Path(__file__).parent / "known" / "world" / "known_points_succession.csv"
ROWS = list(csv.DictReader(KNOWN.read_text().splitlines()))
RATES = pathlib.Path(__file__).parents[2] / "shared" / "reference" / "world" / "base_rates.csv"
COALITION, STRUGGLE = jax.jit(rivals.ruling_coalition), jax.jit(rivals.struggle)
COUNT, DRAWS = 4, 20_000
# A deputy with the law, a man in arms, a financier, and an opposition leader with friends abroad.
PEOPLE = {
    "force": [0.2, 0.7, 0.3, 0.2],
    "legal": [0.8, 0.2, 0.3, 0.5],
    "backing": [0.3, 0.2, 0.2, 0.8],
    "purse": [0.5, 0.5, 0.7, 0.2],
    "insider": [1, 1, 1, 0],
}
PAR = SuccessionParameters()
DRAW, CHANCES, BEGIN, ADVANCE = (
    jax.jit(f) for f in (after.aftermath, after.expected, after.open_contest, succession.advance)
)

ORDER, ATTEMPT, TENURE = (jax.jit(f) for f in (succession.order_chance, succession.attempt_chance, succession.tenure))


def arrays(struct):
    return jax.tree.map(lambda x: jnp.asarray(x, dtype=float), struct)


def change(**values):
    return arrays(dataclasses.replace(PAR, **values))


FLAT = {"order_tilt": 0.0, "coup_tilt": 0.0, "fall_tilt": 0.0, "officer_weight": 0.0}


def case(mode="captured", **values):
    weights = modes.modes_of(mode) if isinstance(mode, str) else jnp.asarray(mode)
    count = len(values.get("force", PEOPLE["force"]))
    rest = dict.fromkeys(("military", "rival_backing", "exposure"), np.zeros(count)) | {"present": np.ones(count)}
    full = {"mode": weights, **PEOPLE, **rest} | values
    return arrays(SuccessionInput(**{name: jnp.asarray(x, dtype=float) for name, x in full.items()}))


def one_mode(index):
    return np.eye(len(modes.MODES))[index]


NOISE = after.draw_event_noise(jax.random.key(7), COUNT, (DRAWS,))


def all_equal(count):
    return jnp.zeros(count), jnp.ones(count, dtype=bool)


# --- contests


@pytest.mark.parametrize("row", [r for r in ROWS if r["quantity"] == "contest"], ids=lambda r: r["inputs"])
def test_contest_known(row):
    given_, printed = json.loads(row["inputs"]), json.loads(row["outputs"])["chance"]
    found = rivals.contest(jnp.log(jnp.array(given_["strength"], dtype=float)), all_equal(3)[1], given_["decisiveness"])
    np.testing.assert_allclose(found, printed, atol=float(row["tolerance"]))


@pytest.mark.parametrize("row", [r for r in ROWS if r["quantity"] == "ruling coalition"], ids=lambda r: r["inputs"])
def test_ruling_coalition_known(row):
    given_ = json.loads(row["inputs"])
    power = jnp.array(given_["power"], dtype=float)
    member = COALITION(power, jnp.ones(power.shape, dtype=bool), given_["winning_share"])
    assert sorted(np.asarray(power)[np.asarray(member)].tolist()) == json.loads(row["outputs"])["members"]


def recursion(power, members, share):
    """The ruling coalition by its own definition, for the set of all."""
    best, total = members, sum(power[i] for i in members)
    weight = np.inf
    for mask in range(1, 2 ** len(members) - 1):
        part = tuple(m for i, m in enumerate(members) if mask >> i & 1)
        p = sum(power[i] for i in part)
        if share * total < p < weight and recursion(power, part, share) == part:
            best, weight = part, p
    return best


@settings(max_examples=25)
@given(st.lists(st.floats(0.1, 10), min_size=6, max_size=6), st.lists(st.booleans(), min_size=6, max_size=6))
def test_ruling_coalition_is_the_recursion(power, eligible):
    named = tuple(i for i in range(6) if eligible[i])
    member = COALITION(jnp.array(power), jnp.array(eligible))
    assert tuple(np.flatnonzero(np.asarray(member)).tolist()) == (recursion(power, named, 0.5) if named else ())


def test_ruling_coalition_refuses_too_many():
    with pytest.raises(ValueError, match="merge the weakest"):
        rivals.ruling_coalition(jnp.ones(7), jnp.ones(7, dtype=bool))


def test_equal_contenders_split_evenly_and_a_decisive_contest_takes_the_strongest():
    power, eligible = all_equal(5)
    np.testing.assert_allclose(rivals.contest(power, eligible, 1.5), 0.2)
    sharp = rivals.contest(jnp.array([0.1, 0.2, 0.0]), eligible[:3], 1e4)
    np.testing.assert_array_equal(sharp, [0.0, 1.0, 0.0])
    alone = rivals.contest(power, jnp.arange(5) == 3)
    np.testing.assert_array_equal(alone, [0.0, 0.0, 0.0, 1.0, 0.0])
    np.testing.assert_array_equal(rivals.contest(power, jnp.zeros(5, dtype=bool)), np.zeros(5))


@pytest.mark.parametrize(("count", "share"), [(3, 0.12), (4, 0.39), (5, 0.46)])
def test_share_of_fights_when_nothing_is_believed(count, share):
    # The design says 12 to 44% for three to five contenders of random strength, sd 0.6.
    power = 0.6 * jax.random.normal(jax.random.key(count), (count, DRAWS))
    found = STRUGGLE(power, jnp.ones(power.shape, dtype=bool))
    assert float(jnp.any(found.fights, axis=0).mean(dtype=float)) == pytest.approx(share, abs=0.02)


def test_nobody_fights_at_a_cost_of_one():
    power = jax.random.normal(jax.random.key(1), (5, 500))
    found = STRUGGLE(power, jnp.ones(power.shape, dtype=bool), fight_cost=1.0)
    np.testing.assert_array_equal(found.fragmentation, np.zeros(500))


# --- base rates


def shared_rates():
    if not RATES.exists():
        pytest.skip("the shared rates are not beside the repository")
    return {row["id"]: row for row in csv.DictReader(RATES.read_text().splitlines())}


def test_tables_agree_with_the_shared_rates():
    rows = shared_rates()
    orders = {"same_regime": "same_regime", "new_autocracy": "new_autocracy", "democracy": "democracy"}
    base = modes.base_rates()
    left = np.exp(-np.cumsum(np.asarray(base.hazard), axis=1))
    for m, mode in enumerate(modes.MODES):
        for s, order in enumerate(modes.ORDERS):
            row = rows[f"next_{mode}_{orders.get(order, 'none')}"]
            assert (int(row["k"]), int(row["n"])) == (modes.FOLLOWS[m][s], sum(modes.FOLLOWS[m]))
        officer = rows[f"next_{mode}_military_man"]
        assert (int(officer["k"]), int(officer["n"])) == modes.OFFICER[m]
        if f"regime_alive_{mode}_365" in rows:
            alive = rows[f"regime_alive_{mode}_365"]
            assert (int(alive["k"]), int(alive["n"])) == modes.ALIVE[m]
        for days in (30, 90):
            attempt = rows[f"coup_after_{mode}_{days}"]
            assert (int(attempt["k"]), int(attempt["n"])) == (modes.ATTEMPT_30, modes.ATTEMPT_90)[days == 90][m]
        for days in (30, 90, 180):
            printed = float(rows[f"succ_surv_{mode}_{days}"]["estimate"])
            assert left[m, modes.BREAKS.index(days)] == pytest.approx(printed, abs=1e-4)


def test_survival_from_pooled_hazards_known():
    row = next(r for r in ROWS if r["quantity"].startswith("survival"))
    given_, printed = json.loads(row["inputs"]), json.loads(row["outputs"])
    weekly = np.repeat(given_["weekly"], [4, 1, 1, 1])
    hazard = jnp.asarray(weekly * (np.array(modes.BREAKS) - np.array(modes.STARTS)) / 7.0)
    left = np.asarray(modes.stays(hazard))
    assert left[3] == pytest.approx(printed["s30"], abs=float(row["tolerance"]))
    assert left[-1] == pytest.approx(printed["s365"], abs=float(row["tolerance"]))


def test_first_days_after_forced_exits():
    # Pooled over forced modes by their number: 98, 92, 89, 84, 77, 69, 57% after 2 to 365 days.
    base = np.exp(-np.cumsum(np.asarray(modes.base_rates().hazard), axis=1))
    weight = np.array(modes.CASES[2:]) / sum(modes.CASES[2:])
    np.testing.assert_allclose(weight @ base[2:], [0.98, 0.92, 0.89, 0.84, 0.77, 0.69, 0.57], atol=0.008)


@pytest.mark.parametrize("m", range(len(modes.MODES)), ids=modes.MODES)
def test_no_tilt_returns_the_base_rates_exactly(m):
    base, par = modes.base_rates(), change(**FLAT)
    given_ = case(one_mode(m), opposition=0.9, split=0.1, aim=1.0)
    hot = jnp.asarray(one_mode(m))
    np.testing.assert_array_equal(ORDER(hot, given_, par), base.order[m])
    assert float(ATTEMPT(hot, given_, par)) == float(base.attempt[m])
    first = jnp.array([0.0, 1.0, 0.0, 0.0])
    hazard, _ = TENURE(hot, first, jnp.ones(4, dtype=bool), 0.0, jnp.zeros(4), given_, par)
    np.testing.assert_array_equal(hazard, base.hazard[m])


def test_average_case_returns_the_orders_exactly():
    base = modes.base_rates()
    for m in range(len(modes.MODES)):
        np.testing.assert_array_equal(ORDER(jnp.asarray(one_mode(m)), case(), arrays(PAR)), base.order[m])


def test_coded_exits_recover_the_tables():
    """605 exits by their modes, many times over: orders at day 30, regimes alive a year on, falls, attempts."""
    shares = np.array([sum(row) for row in modes.FOLLOWS]) / 579.0
    found = jax.device_get(DRAW(NOISE, case(shares, present=np.zeros(COUNT)), change(**FLAT)))
    base = modes.base_rates()
    left = np.exp(-np.cumsum(np.asarray(base.hazard), axis=1))
    for m in range(len(modes.MODES)):
        here = found.mode == m
        tol = 4.0 * 0.5 / np.sqrt(here.sum())  # four standard errors of a half, seven modes
        assert here.mean() == pytest.approx(shares[m], abs=0.015)
        seen = np.bincount(found.order[0][here], minlength=4) / here.sum()
        np.testing.assert_allclose(seen, base.order[m], atol=tol)
        same = here & (found.order[0] == 0)
        assert (found.order[2][same] == 0).mean() == pytest.approx(
            float(base.alive[m]), abs=4 * 0.5 / same.sum() ** 0.5
        )
        for h, day in enumerate(modes.HORIZONS):
            assert (found.fall_day[here] > day).mean() == pytest.approx(left[m, modes.HORIZON_BREAKS[h]], abs=tol)
        assert found.attempted[here].mean() == pytest.approx(float(base.attempt[m]), abs=tol)
    assert np.isin(found.leader, [COUNT, COUNT + 1]).all()


@pytest.mark.parametrize("m", range(len(modes.MODES)), ids=modes.MODES)
def test_expected_recovers_the_tables(m):
    base = modes.base_rates()
    found = CHANCES(case(one_mode(m), present=np.zeros(COUNT)), change(**FLAT))
    np.testing.assert_allclose(found.order[0], base.order[m], rtol=1e-12)
    kept = float(found.order[2, 0] / found.order[0, 0])
    assert kept == pytest.approx(float(base.alive[m]), rel=1e-9)
    assert float(found.officer) == pytest.approx(float(base.officer[m]), rel=1e-12)
    assert float(found.attempt) == pytest.approx(float(base.attempt[m]), abs=1e-15)
    left = np.exp(-np.sum(np.asarray(base.hazard[m])))
    assert float(found.fall.sum()) == pytest.approx(1.0 - left, abs=0.002)  # week 52 ends on day 364
    np.testing.assert_allclose(np.asarray(found.leader).sum(1), 1.0)


@pytest.mark.slow
def test_drawn_rates_have_the_mean_of_the_counts():
    rates = modes.draw_rates(jax.random.key(1), 1_000)
    wanted = (np.array(modes.FOLLOWS) + 0.5) / (np.array(modes.FOLLOWS).sum(1, keepdims=True) + 2.0)
    np.testing.assert_allclose(np.asarray(rates.order).mean(-1), wanted, atol=0.01)
    left = np.exp(-np.cumsum(np.asarray(rates.hazard), axis=1)).mean(-1)
    np.testing.assert_allclose(left[:, 3:], np.array(modes.STAYS), atol=0.03)


def test_endings_of_the_game():
    assert {e: float(modes.modes_of(e).sum()) for e in modes.ENDINGS} == pytest.approx(
        dict.fromkeys(modes.ENDINGS, 1.0)
    )
    for ending in ("back_down", "stalemate", "survived", "quagmire"):
        assert float(modes.modes_of(ending).sum()) == 0.0
    mixed = modes.modes_of_endings(jnp.array([[0.2], [0.3], [0.5]]), ("agreed_exit", "captured", "stalemate"))
    np.testing.assert_allclose(mixed[:, 0], [0.2, 0.15, 0.0, 0.0, 0.0, 0.0, 0.15])


@pytest.mark.slow
def test_commitment_near_four_fifths_returns_the_fights_after_forced_exits():
    """Design: at personal rule 0.5, c near 0.8, and 5 to 8% of forced exits meet an attempt or a new conflict."""
    assert float(succession.commitment(case(), PAR)) == pytest.approx(0.8, abs=0.02)
    forced = np.array([0, 0, 43, 150, 23, 25, 17]) / 258.0
    share = []
    for count in (3, 4, 5):
        # contenders of random strength: sd 0.6, all of it luck
        people = {name: np.zeros(count) for name in ("force", "legal", "backing", "purse", "military")}
        noise = after.draw_event_noise(jax.random.key(count), count, (DRAWS,))
        found = DRAW(noise, case(forced, insider=np.ones(count), **people), change(first_noise=0.6))
        share.append(float(jnp.mean(found.opening.conflict | found.attempted, dtype=float)))
    assert min(share) > 0.02
    assert max(share) < 0.12
    assert 0.05 < np.mean(share) < 0.08


# --- draws against chances


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["captured", "agreed_exit", "coup"])
def test_draws_have_the_expected_chances(ending):
    given_ = case(ending, leverage=0.6, split=0.8, rival_backing=np.array([0.0, 0.2, 0.0, 0.0]))
    found, chance = jax.device_get((DRAW(NOISE, given_, arrays(PAR)), CHANCES128(given_, arrays(PAR))))
    tol = 0.015  # four standard errors of a half in 20,000, and the points of the luck
    for h in range(3):
        np.testing.assert_allclose(np.bincount(found.order[h], minlength=4) / DRAWS, chance.order[h], atol=tol)
        np.testing.assert_allclose(np.bincount(found.leader[h], minlength=6) / DRAWS, chance.leader[h], atol=tol)
        assert found.aligned[h].mean() == pytest.approx(chance.aligned[h], abs=tol)
    assert found.attempted.mean() == pytest.approx(chance.attempt, abs=0.005)
    assert found.opening.conflict.mean() == pytest.approx(chance.conflict, abs=0.01)
    assert found.opening.fragmentation.mean() == pytest.approx(chance.fragmentation, abs=0.01)
    assert (found.fall_day <= 28.0).mean() == pytest.approx(chance.fall[:4].sum(), abs=tol)


CHANCES128 = jax.jit(lambda inputs, par: after.expected(inputs, par, 128))


@pytest.mark.slow
def test_weeks_agree_with_the_year_drawn_at_once():
    given_, par = case("coup"), arrays(PAR)
    found = DRAW(NOISE, given_, par)
    state, _ = BEGIN(NOISE, given_, par)
    fell = np.full(DRAWS, np.inf)
    for week in range(52):
        noise = succession.draw_noise(jax.random.key(week), (DRAWS,))
        state, info = ADVANCE(noise, state, given_, par)
        fell = np.where(np.isinf(fell) & np.asarray(info.fallen), week + 1.0, fell)
    at_once = np.ceil(np.asarray(found.fall_day) / 7.0)
    np.testing.assert_array_equal(fell, np.where(at_once <= 52, at_once, np.inf))


def test_a_week_tells_its_chances():
    given_, par = case("coup"), arrays(PAR)
    state, _ = BEGIN(NOISE, given_, par)
    after_, info = ADVANCE(succession.draw_noise(jax.random.key(1), (DRAWS,)), state, given_, par)
    assert float(info.fallen.mean(dtype=float)) == pytest.approx(float(info.fall.mean()), abs=0.008)
    changed = np.asarray(after_.leader != state.leader)
    assert not changed[~np.asarray(info.fallen)].any()
    named = np.asarray(info.fallen & (state.leader < COUNT))
    assert changed[named].all()


# --- limits and signs


def test_believed_shares_leave_no_fragmentation():
    found = DRAW(NOISE, case(), change(commit_norm=jnp.inf))
    assert not np.asarray(found.opening.conflict).any()
    assert float(CHANCES(case(), change(commit_norm=jnp.inf)).fragmentation) == 0.0
    dear = CHANCES(case(), change(fight_cost=1.0))
    assert float(dear.fragmentation) == float(dear.conflict) == 0.0


def test_one_contender_leads():
    alone = case(one_mode(1), present=np.array([0.0, 1.0, 0.0, 0.0]))
    found = CHANCES(alone, change(fall_tilt=0.0))
    assert float(found.leader[0, 1]) == pytest.approx(float(np.exp(-modes.base_rates().hazard[1, :4].sum())), abs=0.02)
    assert float(found.conflict) == 0.0


def test_the_referee():  # M17
    there, gone = (CHANCES(case(gone=g), arrays(PAR)) for g in (0.0, 1.0))
    backed = CHANCES(case(guarantor=1.0), arrays(PAR))
    assert float(there.fragmentation) < float(gone.fragmentation)
    assert float(backed.fragmentation) < float(gone.fragmentation)
    off = change(commit_leader_gone=0.0, commit_guarantor=0.0)
    assert float(succession.commitment(case(guarantor=1.0), off)) == float(succession.commitment(case(gone=0.0), off))


def test_arms_without_claim_raise_the_coup():  # M17
    armed, lawful = (CHANCES(case("coup", force=np.full(COUNT, f)), arrays(PAR)) for f in (0.9, 0.1))
    assert float(armed.attempt) > float(lawful.attempt)


def test_first_hours():  # M21
    early, late = (CHANCES(case("agreed_exit", backing_day=d), arrays(PAR)) for d in (0.0, 20.0))
    deputy = case("agreed_exit", backing=np.array([0.9, 0.0, 0.0, 0.0]))
    first = CHANCES(deputy, arrays(PAR)).leader[0, 0]
    delayed = case("agreed_exit", backing=np.array([0.9, 0.0, 0.0, 0.0]), backing_day=20.0)
    later = CHANCES(delayed, arrays(PAR)).leader[0, 0]
    assert float(first) > float(later)
    assert float(early.leader[0].sum()) == pytest.approx(float(late.leader[0].sum()))
    hot, luck = jnp.asarray(one_mode(0)), jnp.array([0.5, 0.0, 0.0, 0.0])
    day1, day60 = (succession.log_power(d, luck, hot, deputy, PAR) for d in (1.0, 60.0))
    assert float(day1[0] - day1[1]) > float(day60[0] - day60[1])
    off = change(first_noise=0.0, first_days=jnp.inf)
    first, later = (succession.log_power(d, luck, hot, deputy, off) for d in (0.0, 60.0))
    np.testing.assert_array_equal(first, later)


def test_law_raises_the_deputy():
    low, high = (
        CHANCES(case("agreed_exit", legal=np.array([x, 0.2, 0.3, 0.5])), arrays(PAR)).leader[0, 0] for x in (0.3, 0.9)
    )
    assert float(low) < float(high)


def test_leverage_raises_deals_and_outside_powers_lower_them():  # M18
    plain = CHANCES(case(), arrays(PAR)).aligned[1]
    held = CHANCES(case(leverage=1.0), arrays(PAR)).aligned[1]
    rival = CHANCES(case(rival_backing=np.array([0.3, 0.2, 0.2, 0.0])), arrays(PAR)).aligned[1]
    sought = CHANCES(case(exposure=np.ones(COUNT)), arrays(PAR)).aligned[1]
    assert float(rival) < float(plain) < float(held)
    assert float(sought) < float(plain)
    off = [
        CHANCES(case(rival_backing=np.full(COUNT, x)), change(deal_backing=0.0, w_backing=0.0)).aligned[1]
        for x in (0.0, 0.5)
    ]
    assert float(off[0]) == float(off[1])


def test_what_tilts_the_next_order():
    plain, split, rebels, aim = (
        np.asarray(CHANCES(case("coup", **given_), arrays(PAR)).order[0])
        for given_ in ({}, {"split": 1.0}, {"opposition": 1.0}, {"aim": 1.0})
    )
    assert split[1] > plain[1]
    assert rebels[2] > plain[2]
    assert aim[2] > plain[2]


def test_a_firm_leader_lasts_longer():
    hot, eligible = jnp.asarray(one_mode(3)), jnp.ones(COUNT, dtype=bool)
    total = []
    for force in (0.3, 0.9):
        given_ = case(force=np.array([0.2, force, 0.3, 0.2]))
        leader = jnp.array([0.0, 1.0, 0.0, 0.0])
        total.append(float(TENURE(hot, leader, eligible, 0.0, jnp.zeros(COUNT), given_, PAR)[0].sum()))
    assert total[1] < total[0]


def test_officers_lead_after_coups():
    officer = np.array([0.0, 1.0, 0.0, 0.0])
    coup, regular = (CHANCES(case(one_mode(m), military=officer), arrays(PAR)).officer for m in (3, 0))
    off = [CHANCES(case(one_mode(m), military=officer), change(officer_weight=0.0)).leader[0, 1] for m in (3, 3)]
    assert float(coup) > float(regular)
    assert float(off[0]) == float(off[1])


def test_worth_is_linear_in_its_prices():
    found = CHANCES(case(), arrays(PAR))
    only_order = after.worth(found, after.Prices(jnp.ones(4)))
    assert float(only_order) == pytest.approx(1.0)
    priced = after.Prices(jnp.array([0.3, 0.1, 1.0, -0.5]), aligned=0.4, conflict=-0.6)
    by_hand = -0.6 * found.conflict + sum(
        w * (np.asarray(found.order[h]) @ [0.3, 0.1, 1.0, -0.5] + 0.4 * found.aligned[h])
        for h, w in enumerate((0.1, 0.2, 0.7))
    )
    assert float(after.worth(found, priced)) == pytest.approx(float(by_hand))


@pytest.mark.slow
def test_draws_of_inputs_and_parameters_stand_last():
    draws = 6
    leverage = jnp.linspace(0.0, 1.0, draws)
    people = {name: np.repeat(np.array(x, dtype=float)[:, None], draws, 1) for name, x in PEOPLE.items()}
    people |= dict.fromkeys(("rival_backing", "exposure"), np.zeros((COUNT, draws))) | {
        "present": np.ones((COUNT, draws))
    }
    weights = np.repeat(np.asarray(modes.modes_of("captured"))[:, None], draws, 1)
    given_ = case(weights, leverage=leverage, military=np.zeros((COUNT, draws)), **people)
    par = change(w_force=jnp.linspace(0.5, 1.5, draws), rates=modes.draw_rates(jax.random.key(0), draws))
    found = CHANCES(given_, par)
    one = CHANCES(
        case(leverage=leverage[2]), change(w_force=par.w_force[2], rates=jax.tree.map(lambda x: x[..., 2], par.rates))
    )
    np.testing.assert_allclose(found.leader[..., 2], one.leader, rtol=1e-10)
    np.testing.assert_allclose(found.aligned[..., 2], one.aligned, rtol=1e-10)


def test_it_is_fast():
    """40 draws of 500 paths in well under a second (once compiled); the bound is loose for a busy machine."""
    DRAW(NOISE, case(), arrays(PAR)).fall_day.block_until_ready()
    start = time.perf_counter()
    DRAW(NOISE, case(), arrays(PAR)).fall_day.block_until_ready()
    assert time.perf_counter() - start < 1.0
