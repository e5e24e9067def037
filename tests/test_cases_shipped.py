"""Every shipped case: loads, reasoned, sourced, neutral, and its record can be played. Nothing is solved here.

One set of priors serves all cases: numbers that no fact of a case speaks to are the library's own, unchanged.
"""

import datetime as dt
import re

import pytest

from standoff.case.crisis import Case
from standoff.case.load import SHIPPED, LoadedCase, load_case, shipped_cases
from standoff.case.number import Number, walk
from standoff.case.parameters import Parameters
from standoff.case.reason import number_reasons
from standoff.simulate.record import QUIET, Record, record, require_playable, round_of

ENDINGS = {
    "haiti-1994": ("1994-09-18", "settlement"),
    "panama-1989": ("1989-12-20", "force"),
    "venezuela-2025": ("2026-01-03", "force"),
}
PAST = ("haiti-1994", "panama-1989")
"""Cases whose base numbers are all generic: only levels of the country are their own."""
MODEL = ("ladder", "issues", "packages", "channels", "parameters", "views", "world", "events")
DIMENSIONLESS = (
    "attempt_success", "threshold_sd", "temptation_softness", "patronage_memory", "legitimacy_weight",
    "legitimacy_return", "courts_weight", "display_gain",
)  # fmt: skip
EPITHETS = re.compile(
    r"dictator|strongm[ae]n|\bthugs?\b|henchm[ae]n|narco-?(state|terror|regime|traffi)|tyrant|despot|\bregime\b"
    r"|puppet|warlord|\bkingpin|\bcrony|\bcronies|\bclan\b|\brogue\b|\bjunta\b",
    re.IGNORECASE,
)
ALL = pytest.mark.parametrize("name", sorted(ENDINGS))
OLD = pytest.mark.parametrize("name", PAST)

_loaded: dict[str, LoadedCase] = {}


def shipped(name: str) -> LoadedCase:
    if name not in _loaded:
        _loaded[name] = load_case(name)
    return _loaded[name]


def case_of(name: str) -> Case:
    return shipped(name).case


def played(name: str) -> Record:
    return record(case_of(name))


def shape(number: Number) -> tuple[str, tuple[float, ...]]:
    return number.shape, number.arguments


def test_which_cases_are_shipped() -> None:
    assert shipped_cases() == sorted(ENDINGS)


@ALL
def test_it_loads_under_its_own_name(name: str) -> None:
    case = case_of(name)  # what `check` calls an error would raise here
    assert case.crisis.id == name
    assert case.claims
    assert case.forecasts


@ALL
def test_what_is_warned_of_is_the_record_outside_the_calendar_or_a_page_nobody_held(name: str) -> None:
    assert {problem.kind for problem in shipped(name).problems} <= {"chain", "date"}


@ALL
def test_every_number_has_a_unit_and_a_reason(name: str) -> None:
    case = case_of(name)
    assert number_reasons(shipped(name))[1] == []
    bare = [path for part in MODEL for path, number in walk(getattr(case, part), part) if not number.unit]
    assert bare == []


@ALL
def test_views_and_events_are_backed(name: str) -> None:
    case = case_of(name)
    assert [d.id for view in case.views for d in view.differences if not d.because] == []
    assert [e.id for e in case.events if not e.because and not e.accounts] == []
    assert [a.id for e in case.events for a in e.accounts if not a.because and not e.because] == []
    for side in ("coercer", "target"):
        view = case.view_of(side)
        assert view is not None
        assert 3 <= len(view.differences) <= 10


@ALL
def test_few_enough_differences_to_correct_one_by_one(name: str) -> None:
    views = [case_of(name).view_of("coercer"), case_of(name).view_of("target")]
    assert sum(len(view.differences) for view in views if view) <= 15


@ALL
def test_nothing_is_typed_that_the_world_computes(name: str) -> None:
    world = case_of(name).world
    assert world.force is not None
    assert world.force.ratio or (world.force.troops_by_rung and world.force.defenders)
    assert world.exit is not None
    assert world.exit.destinations
    assert world.successors
    assert "computed" not in {problem.kind for problem in shipped(name).problems}


@OLD
def test_reference_classes_leave_out_the_case_itself(name: str) -> None:
    priors = case_of(name).world.priors["force"]
    assert shape(priors["quagmire_invasion"]) == ("beta", (3.5, 2.5))
    if name == "panama-1989":
        assert shape(priors["class_capture_30d"]) == ("beta", (0.5, 3.5))
        assert shape(priors["class_manhunt"]) == ("beta", (5.5, 2.5))


@ALL
def test_size(name: str) -> None:
    case = case_of(name)
    assert case.crisis.round_days in (7, 14)
    assert 10 <= case.crisis.rounds <= 20
    assert len(case.ladder) <= 8
    for side in ("coercer", "target"):
        playable = [package for package in case.packages if package.playable and package.offered_by == side]
        assert 1 <= len(playable) <= 3


@ALL
def test_the_record_can_be_played(name: str) -> None:
    found = played(name)
    require_playable(case_of(name), found)
    for side in ("coercer", "target"):
        moves = [half.options for turn in found.turns for half in [turn.halves[side]] if not half.silent]
        assert moves
        assert any(option.move != QUIET[side] for options in moves for option in options)


@ALL
def test_how_it_ended(name: str) -> None:
    case = case_of(name)
    ending = played(name).ending
    assert ending is not None
    assert ending.date.on is not None
    assert (ending.date.on.isoformat(), ending.ends) == ENDINGS[name]
    assert ending.move is not None
    assert ending.move.move == {"settlement": "accept", "force": "strike"}[ENDINGS[name][1]]
    assert 0 <= round_of(case, ending.date.on) < case.crisis.rounds


@OLD
def test_the_decisive_weeks_are_the_last(name: str) -> None:
    case = case_of(name)
    assert played(name).turns[-1].index >= case.crisis.rounds - 2


@pytest.mark.parametrize(
    ("name", "day"), [("haiti-1994", dt.date(1994, 9, 15)), ("panama-1989", dt.date(1989, 12, 15))]
)
def test_nothing_public_before_a_day_tells_the_ending(name: str, day: dt.date) -> None:
    found = record(case_of(name), until=day)
    assert found.ending is None
    require_playable(case_of(name), found)


@OLD
def test_base_numbers_are_the_generic_ones(name: str) -> None:
    parameters = case_of(name).parameters
    default = dict(walk(Parameters()))
    own = dict(walk(parameters))
    assert [path for path, number in default.items() if shape(own[path]) != shape(number)] == []
    reasons = {str(number.judgement) for path, number in own.items() if not path.startswith("extra.")}
    assert reasons == {"generic prior"}


@OLD
def test_dimensionless_numbers_of_the_world_are_those_of_every_case(name: str) -> None:
    mine, other = case_of(name).world.coalition, case_of("venezuela-2025").world.coalition
    assert mine is not None
    assert other is not None
    assert [n for n in DIMENSIONLESS if shape(getattr(mine, n)) != shape(getattr(other, n))] == []
    for faction in mine.factions:
        assert shape(faction.patronage_weight) == shape(other.factions[0].patronage_weight)
        assert shape(faction.punishment) == shape(other.factions[0].punishment)


@OLD
def test_hindsight_in_a_view_is_dated(name: str) -> None:
    case = case_of(name)
    late = {claim.id for claim in case.claims if claim.retrospective}
    undated = [
        f"{view.id}.{difference.id}"
        for view in case.views
        for difference in view.differences
        for shift in difference.set.values()
        if late & {why for why in shift.number.because if isinstance(why, str)} and shift.number.public_from is None
    ]
    assert undated == []


@OLD
def test_both_kinds_of_evidence_on_signals_are_tagged(name: str) -> None:
    tags = {tag for claim in case_of(name).claims for tag in claim.tags}
    assert {"grade-a", "grade-b", "grade-c"} <= tags


@ALL
def test_neutral_words(name: str) -> None:
    for path in sorted((SHIPPED / name).iterdir()):
        text = re.sub(r"https?://\S+", "", path.read_text(encoding="utf-8"))
        assert EPITHETS.findall(text) == [], path.name
