"""Forecasts of the model: nothing later than their day is used, and they agree with what was simulated."""

import datetime as dt
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import standoff.case
from standoff.case.evidence import Event, When
from standoff.case.load import load_case
from standoff.case.number import Number
from standoff.case.world import World
from standoff.errors import UserError
from standoff.forecast.model import _jobs, days, forecast, frame

TEMPLATE = Path(standoff.case.__file__).parent / "template"


@pytest.fixture(scope="module")
def real():
    return load_case("venezuela-2025")


def otherwise(case, day):
    """The case with everything changed that was not public by a day."""

    def late(event):
        if isinstance(event.public_from, dt.date) and event.public_from > day:
            return True
        return event.date.earliest is not None and event.date.earliest > day

    events = [
        e.model_copy(update={"title": "Something else", "move": None, "accounts": [], "ends": None}) if late(e) else e
        for e in case.events
    ]
    new = Event.model_validate(
        {"id": "never", "title": "Never", "date": str(day + dt.timedelta(days=1)), "side": "coercer",
         "move": "back-down", "because": {"source": "x"}}
    )  # fmt: skip
    claims = [c for c in case.claims if not (isinstance(c.public_from, dt.date) and c.public_from > day)]
    packages = [
        p.model_copy(update={"kept": Number(value=0.01)}) if p.public_from and p.public_from > day else p
        for p in case.packages
    ]
    forecasts = [f for f in case.forecasts if not (isinstance(f.public_from, dt.date) and f.public_from > day)]
    changed = {"events": [*events, new], "claims": claims, "packages": packages, "forecasts": forecasts}
    return case.model_copy(update=changed)


@pytest.mark.parametrize("step", [3, pytest.param(1, marks=pytest.mark.slow)])
def test_nothing_later_than_its_day_reaches_a_forecast(real, step):
    for day in days(real.case, "round")[::step]:
        later = replace(real, case=otherwise(real.case, day))
        for priors in (("generic",), ("case",)):
            (one,), told = _jobs(real, [day], priors, None, 1, 3)
            (two,), again = _jobs(later, [day], priors, None, 1, 3)
            assert one.groups == two.groups or [g.tellings for g in one.groups] == [g.tellings for g in two.groups], day
            a, b = (job.case.model_dump(mode="json") for job in (one, two))
            assert {k: v for k, v in a.items() if k != "inference"} == {k: v for k, v in b.items() if k != "inference"}
            assert told == again


def test_something_earlier_does(real):
    day = days(real.case, "week")[8]
    (one,), _ = _jobs(real, [day], ("case",), None, 1, 3)
    first = next(e for e in real.case.events if e.id == "destroyers")
    moved = first.model_copy(update={"date": When(on=dt.date(2025, 9, 3))})
    events = [moved if e.id == first.id else e for e in real.case.events]
    (two,), _ = _jobs(replace(real, case=real.case.model_copy(update={"events": events})), [day], ("case",), None, 1, 3)
    assert [g.tellings for g in one.groups] != [g.tellings for g in two.groups]


def test_days_stop_before_the_end(real):
    every = days(real.case, "round")
    assert every[0] == dt.date(2025, 8, 17)
    assert every[-1] == dt.date(2026, 1, 2)  # it ended on 3 January
    assert len(days(real.case, "week")) == 22
    with pytest.raises(UserError, match="week or round"):
        days(real.case, "month")


def test_days_after_the_end_are_refused(real):
    with pytest.raises(UserError, match="the crisis ended on 2026-01-03"):
        forecast(real, [dt.date(2026, 1, 3)])
    with pytest.raises(UserError, match="the last round ends"):
        forecast(real, [dt.date(2027, 1, 3)])


@pytest.fixture(scope="module")
def small():
    found = load_case(TEMPLATE)
    top = found.case.ladder[3]
    climb = Event.model_validate(
        {"id": "fleet", "title": "Fleet", "date": "2031-03-05", "side": "coercer",
         "move": {"move": "climb", "rung": top.id}, "because": {"source": "x"}}
    )  # fmt: skip
    case = found.case.model_copy(
        update={
            "ladder": [found.case.ladder[0], top], "packages": [], "world": World(), "events": [climb],
            "crisis": found.case.crisis.model_copy(update={"rounds": 2}),
        }
    )  # fmt: skip
    return replace(found, case=case)


@pytest.mark.slow
def test_a_small_case_to_its_end(small):
    over = ["parameters.precision.coercer"]
    when = [dt.date(2031, 3, 4), dt.date(2031, 3, 16)]
    found = forecast(small, when, over=over, draws=24, tellings=400, nodes=7)
    whole = found["chance"].isel(by=-1).sum("ending")
    assert np.abs(whole - 1).max() < 1e-9
    assert (found["chance"].diff("by") >= -1e-12).all()
    early, late = (found["chance"].sel(priors="case").isel(as_of=k) for k in (0, 1))
    assert float(late.isel(by=0).sum()) == 0  # the first round is over, and the crisis was not
    assert float(early.isel(by=0).sum()) > 0.1
    back = {str(e): float(early.isel(by=-1).sel(ending=e)) for e in found["ending"].values}
    assert back["back-down"] > 0
    rows = frame(found)
    assert len(rows) == 2 * 2 * found.sizes["ending"]
