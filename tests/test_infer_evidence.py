"""From reports to tellings: reliabilities, dates, accounts, and the record that is played."""

import datetime as dt

import numpy as np
import pytest

from standoff.case.load import load_case
from standoff.errors import UserError
from standoff.infer.evidence import RELIABILITY, Evidence, Telling, Without

COUNT = 250


@pytest.fixture(scope="module")
def case():
    return load_case("venezuela-2025").case


def one_event(case, **change):
    event = next(e for e in case.events if e.id == "destroyers").model_copy(update=change)
    return case.model_copy(update={"events": [event]})


def share_real(case, **change):
    told = Evidence(one_event(case, **change)).tellings(COUNT, 1)
    return np.mean([bool(t.real) for t in told])


def test_one_report_is_as_good_as_its_origin(case):
    from standoff.case.number import Source

    a, b = RELIABILITY["outlet"]
    found = share_real(case, because=[Source(source="One paper")])
    assert abs(found - a / (a + b)) < 4 * np.sqrt(a * b / (a + b) ** 2 / COUNT)


def test_two_anonymous_origins_are_worth_their_odds(case):
    claims = [c.model_copy(update={"id": f"c{k}", "chain": [f"o{k}"]}) for k, c in enumerate(case.claims[:2])]
    origins = [case.origins[0].model_copy(update={"id": f"o{k}", "kind": "anonymous"}) for k in range(2)]
    changed = case.model_copy(update={"claims": claims, "origins": origins})
    one, two = share_real(changed, because=["c0"]), share_real(changed, because=["c0", "c1"])
    r = np.random.default_rng(0).beta(*RELIABILITY["anonymous"], size=(2, 200_000))
    exact = (r.prod(0) / (r.prod(0) + (1 - r).prod(0))).mean()
    assert abs(one - 0.6) < 0.1
    assert abs(two - exact) < 0.1
    assert two > one


def test_a_relay_adds_nothing(case):
    first = next(c for c in case.claims if c.id == "d1-deployment-drugs")
    again = first.model_copy(update={"id": "relayed", "chain": ["d0", *first.chain]})
    changed = case.model_copy(update={"claims": [*case.claims, again]})
    one = Evidence(one_event(changed, because=[first.id])).tellings(50, 1)
    two = Evidence(one_event(changed, because=[first.id, "relayed"])).tellings(50, 1)
    assert one == two


def test_draws_of_an_event_do_not_depend_on_the_others(case):
    whole = Evidence(case).tellings(20, 1)
    less = Evidence(case, None, Without(events=frozenset(["militia-plan"]))).tellings(20, 1)
    for a, b in zip(whole, less, strict=True):
        assert b.real <= a.real
        assert "militia-plan" not in b.real


def test_a_date_known_to_the_month_falls_in_any_of_its_rounds(case):
    from standoff.case.evidence import When

    when = When(on=dt.date(2025, 10, 15), precision="month")
    told = Evidence(one_event(case, date=when, public_from=None)).tellings(COUNT, 1)
    rounds = [next(k for k, s in enumerate(t.steps) if s["coercer"] and s["coercer"].event) for t in told if t.real]
    days = [dt.date(2025, 10, 1) + dt.timedelta(days=k) for k in range(31)]
    index = [(day - case.crisis.starts).days // case.crisis.round_days for day in days]
    for k in set(index):
        share = index.count(k) / len(index)
        assert abs(np.mean(np.array(rounds) == k) - share) < 4 * np.sqrt(share * (1 - share) / len(rounds))


def test_accounts_hold_by_their_weights_and_together(case):
    told = Evidence(case).tellings(COUNT, 1)
    index = (dt.date(2025, 11, 21) - case.crisis.starts).days // case.crisis.round_days
    coercer = [t.steps[index]["coercer"].move.move for t in told]
    target = [t.steps[index]["target"].move.move for t in told]
    share = np.mean([move == "ultimatum" for move in coercer])
    assert abs(share - 0.55) < 0.1
    listed = [t for t, c in zip(target, coercer, strict=True) if c == "ultimatum"]
    assert np.mean([move == "offer" for move in listed]) > 0.8  # the same account tells of both
    assert not any(t == "offer" for t, c in zip(target, coercer, strict=True) if c == "hold")


def test_without_the_source_of_an_account_its_weight_falls_to_none_of_them(case):
    names = frozenset(o.id for o in case.origins)
    event = next(e for e in case.events if e.id == "call")
    other = {c.id: c.origin for c in case.claims}
    cordial = {other[r] for r in event.accounts[1].because if isinstance(r, str)}
    cordial |= {f"source: {r.source}" for r in event.accounts[1].because if not isinstance(r, str)}
    assert cordial & names
    found = Evidence(case, None, Without(origins=frozenset(cordial)))
    account = [found._account(event, other, [1, k, 0]) for k in range(COUNT)]
    assert {a.id for a in account if a is not None} == {"ultimatum", "jokes"}
    assert abs(np.mean([a is None for a in account]) - 0.2) < 0.08


def test_later_events_are_not_told(case):
    day = dt.date(2025, 11, 25)
    told = Evidence(case, day).tellings(20, 1)
    late = {e.id for e in case.events if e.date.on and e.date.on > day}
    assert not any(t.real & late for t in told)
    assert "call" not in told[0].real  # it happened by then, and was not public
    assert all(t.cut == 8 for t in told)
    assert all(len(t.steps) <= 9 for t in told)


def test_a_round_that_is_not_over_leaves_silent_sides_free(case):
    told = Evidence(case, case.crisis.starts + dt.timedelta(days=4)).tellings(10, 1)
    assert all(t.cut == 0 for t in told)
    for t in told:
        assert all(step is None or step.event for both in t.steps for step in both.values())


def test_a_record_that_contradicts_itself_is_refused(case):
    strike = next(e for e in case.events if e.move and e.move.move == "strike")
    alone = case.model_copy(update={"events": [strike]})
    low = alone.model_copy(update={"ladder": [r.model_copy(update={"strike": False}) for r in case.ladder]})
    with pytest.raises(UserError, match="strike is not possible"):
        Evidence(low).tellings(1, 1)


def test_the_same_seed_tells_the_same(case):
    one, two = (Evidence(case).tellings(5, 7) for _ in range(2))
    assert one == two
    assert isinstance(one[0], Telling)
    assert one != Evidence(case).tellings(5, 8)
