"""A case cut down to what could be known: known answers on the shipped case, no look-ahead, and what is refused."""

import datetime as dt
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from standoff.case.asof import as_of, claim_day, document_day, event_day
from standoff.case.check import check
from standoff.case.evidence import Account, Claim, Document, Event, Forecast, Move, When
from standoff.case.load import load_case
from standoff.case.new import new_case
from standoff.case.number import Number, Shift, Source, walk
from standoff.case.place import Sources
from standoff.case.world import Scene, Vote
from standoff.errors import CaseError

CASES = ("venezuela-2025", "haiti-1994", "panama-1989")
LATER = dt.date(2031, 1, 1)


@pytest.fixture(scope="module")
def cases():
    return {name: load_case(name).case for name in CASES}


@pytest.fixture(scope="module")
def case(cases):
    return cases["venezuela-2025"]


def cut(case, day):
    return as_of(case, dt.date.fromisoformat(day))


def numbers(case):
    return dict(walk(case.model_copy(update={"views": []})))


def ids(items):
    return [item.id for item in items]


def test_documents_claims_events_and_forecasts_go_by_their_public_day(case):
    known, _ = cut(case, "2025-10-15")
    assert ids(known.documents) == ["d3"]
    assert {claim.chain[0] for claim in known.claims} <= {"d3", "src-fox"}
    assert all(event_day(event) <= dt.date(2025, 10, 15) for event in known.events)
    assert "talks-stopped" in ids(known.events)  # of 2 October, told on the 6th
    assert "talks-stopped" not in ids(cut(case, "2025-10-05")[0].events)
    assert {forecast.by for forecast in known.forecasts} == {"src-elpais-insiders", "src-voz", "src-voz-analysts"}


def test_retrospective_claims_are_off_even_when_they_were_public(case):
    assert any(claim.retrospective for claim in case.claims)
    assert not any(claim.retrospective for claim in cut(case, "2026-03-29")[0].claims)


def test_what_is_not_shown_to_have_been_public_counts_as_later(case):
    undated = Document(id="lost", about="A text without a day")
    claim = case.claims[0].model_copy(update={"id": "from-it", "chain": ["lost", "src-nyt"], "public_from": "unknown"})
    claim = claim.model_copy(update={"retrospective": False})
    known, _ = as_of(case.model_copy(update={"documents": [undated], "claims": [claim]}), dt.date(2030, 1, 1))
    assert known.documents == []
    assert known.claims == []
    dated = undated.model_copy(update={"public_from": dt.date(2025, 9, 1)})
    known, _ = as_of(case.model_copy(update={"documents": [dated], "claims": [claim]}), dt.date(2025, 9, 1))
    assert ids(known.claims) == ["from-it"]  # as old as the document that it stands in


@pytest.mark.parametrize(
    ("written", "public", "known"),
    [
        ({"on": "2025-09-10"}, None, "2025-09-10"),
        ({"on": "2025-09-10", "precision": "week"}, None, "2025-09-13"),
        ({"on": "2025-09-10", "precision": "month"}, None, "2025-09-30"),
        ({"on": "2025-09-10", "precision": "before"}, None, "2025-09-10"),
        ({"on": "2025-09-10", "precision": "after"}, None, "9999-12-31"),
        ({"on": "2025-09-10"}, "2025-10-01", "2025-10-01"),
        ({"on": "2025-09-10"}, "unknown", "9999-12-31"),
    ],
)
def test_an_event_without_a_public_day_is_known_on_the_last_day_on_which_it_can_have_been(written, public, known):
    event = Event(id="e", title="E", date=When.model_validate(written), side="third", public_from=public)
    assert event_day(event) == dt.date.fromisoformat(known)


def test_accounts_come_in_as_they_were_told(case):
    def call(day):
        return next(event for event in cut(case, day)[0].events if event.id == "call")

    assert call("2025-12-01").accounts == []  # a call took place, and that was all
    assert call("2025-12-01").move is None
    assert [(a.id, a.weight.centre) for a in call("2025-12-05").accounts] == [("ultimatum", 0.55)]
    assert ids(call("2025-12-09").accounts) == ["ultimatum", "cordial"]
    assert ids(call("2026-03-29").accounts) == ["ultimatum", "cordial"]  # the third is told in hindsight alone


def test_packages_places_scenes_and_misreadings_come_in_as_they_were_told(case):
    before, after = cut(case, "2025-11-01")[0], cut(case, "2025-12-08")[0]
    assert {p.id for p in before.packages if p.playable} == {"economic-stake", "slow-handover"}
    assert "call-counter" in ids(after.packages)
    assert "turkey-exile" not in ids(after.packages)
    assert before.world.exit.destinations == []
    assert ids(after.world.exit.destinations) == ["turkey", "russia", "iran"]
    assert ids(before.world.scenes) == ["assessment"]
    assert "businessman-warns" in ids(after.world.scenes)
    assert [vote.id for vote in after.world.domestic.votes] == ["senate-1", "senate-2"]
    holder = {view.id: view for view in before.views}
    assert holder["washington"].differences == []
    assert "force-too-dear" in ids(holder["caracas"].differences)
    assert "deployments-as-leverage" not in ids(holder["caracas"].differences)
    assert [view.id for view in before.views] == [view.id for view in case.views]


def test_late_numbers_give_way_to_generic_ones(case):
    found, whole = numbers(cut(case, "2025-11-01")[0]), numbers(case)
    assert found["world.economy.fill_start"].beta == (3.0, 3.0)  # priors.csv
    assert found["world.domestic.support"].beta == (12.0, 28.0)  # priors.csv, support_norm
    assert found["world.patrons.cuba.fights"].beta == (3.5, 72.5)  # priors.csv: a rival fought in 3 of 75 crises
    assert found["world.force.intelligence"].value == 0.5  # what the module takes where nothing is said
    for path in ("world.force.aircraft", "world.priors.force.class_capture_30d", "parameters.extra.raid-aircraft"):
        assert path in whole
        assert path not in found
    assert found["world.economy.cash_share"] == whole["world.economy.cash_share"]


def test_numbers_without_a_generic_one_are_told(case):
    told = cut(case, "2025-11-01")[1]
    assert "with hindsight: world.economy.stock_capacity, from 2026-01-13" in told
    assert "with hindsight: issues.leadership.terms.deputy-interim.price, from 2026-01-05" in told
    assert "with hindsight: ladder.blockade, from 2025-12-10" in told
    assert not any("fill_start" in line for line in told)
    assert cut(case, "2026-03-29")[1] == []


def test_a_late_number_of_the_game_gives_way_to_the_game_s_generic_prior(case):
    force = dict(case.parameters.coercer.force_cost)
    late = {kind: number.model_copy(update={"public_from": LATER}) for kind, number in force.items()}
    coercer = case.parameters.coercer.model_copy(update={"force_cost": late})
    changed = case.model_copy(update={"parameters": case.parameters.model_copy(update={"coercer": coercer})})
    found = as_of(changed, dt.date(2026, 3, 29))[0].parameters.coercer.force_cost
    assert [number.lognormal for number in found.values()] == [(1.2, 0.5), (0.3, 0.5)]


def test_how_a_forecast_was_resolved_is_not_known_before_its_question_closed(case):
    def one(name, day):
        return next(forecast for forecast in cut(case, day)[0].forecasts if forecast.id == name)

    assert one("trump-land", "2025-12-31").resolved == "open"
    assert "dock" not in one("trump-land", "2025-12-31").resolution
    assert one("trump-land", "2026-01-31").resolved == "yes"


def test_the_summary_gives_way_to_the_demand(case):
    assert cut(case, "2025-11-01")[0].crisis.summary == case.crisis.demand


def test_numbers_to_infer_that_are_not_there_are_left_out(case):
    known, _ = cut(case, "2025-10-01")
    there = set(dict(walk(known.model_copy(update={"views": []}))))
    for view in known.views:
        for difference in view.differences:
            assert set(difference.set) <= there
            there |= {f"views.{view.id}.{difference.id}.{path}" for path in difference.set}
    if known.inference is not None:
        paths = [path for each in known.inference.over.values() for path in each]
        assert [path for path in paths if path not in there and not path.startswith("world.priors.")] == []


DAYS = st.integers(-30, 260)


@settings(max_examples=12)
@given(st.sampled_from(CASES), DAYS)
def test_cutting_twice_is_cutting_once_and_more_is_known_every_day(cases, name, shift):
    case = cases[name]
    day = case.crisis.starts + dt.timedelta(days=shift)
    known, told = as_of(case, day)
    assert as_of(known, day) == (known, told)
    later, _ = as_of(case, day + dt.timedelta(days=10))
    for part in ("events", "claims", "documents", "packages", "forecasts", "origins", "questions"):
        assert set(ids(getattr(known, part))) <= set(ids(getattr(later, part)))


def look_ahead(case, day, random):
    """What a case and the same case with everything later told otherwise differ in, as of a day."""
    known, told = as_of(case, day)
    other = Otherwise(case, day, told, random).case()
    assert other != case
    return [] if as_of(other, day) == (known, told) else [(case.crisis.id, day)]


@settings(max_examples=20)
@given(st.sampled_from(CASES), DAYS, st.randoms(use_true_random=False))
def test_whatever_came_later_changes_nothing(cases, name, shift, random):
    case = cases[name]
    assert look_ahead(case, case.crisis.starts + dt.timedelta(days=shift), random) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_whatever_came_later_changes_nothing_on_any_third_day(cases, name):
    case, found = cases[name], []
    for shift in range(-30, (case.crisis.ends - case.crisis.starts).days + 30, 3):
        found += look_ahead(case, case.crisis.starts + dt.timedelta(days=shift), Random(shift))
    assert found == []


def test_what_is_told_to_be_hindsight_does_change_the_case(case):
    day = dt.date(2025, 11, 1)
    known, told = as_of(case, day)
    other, _ = as_of(Otherwise(case, day, [], Always()).case(), day)
    assert numbers(other)["world.economy.stock_capacity"] != numbers(known)["world.economy.stock_capacity"]
    assert any("stock_capacity" in line for line in told)


class Always:
    """A coin that always falls on the same side."""

    def random(self):
        return 0.5

    def randint(self, low, high):
        return high


class Otherwise:
    """A case with everything of a later day told otherwise: moved, renamed, renumbered, left out or added."""

    def __init__(self, case, day, told, random):
        self.whole, self.day, self.random = case, day, random
        self.kept = {line.split(": ")[1].split(",")[0] for line in told}
        self.documents = {document.id: document for document in case.documents}

    def case(self):
        case = self.whole
        parts = {name: self.part(getattr(case, name), name) for name in type(case).model_fields}
        parts["crisis"] = case.crisis.model_copy(update={"summary": "Something else happened."})
        parts["documents"] = [
            *parts["documents"],
            Document(id="new-document", about="New", public_from=self.later()),
            Document(id="new-undated", about="New"),
        ]
        parts["events"] = [
            *parts["events"],
            Event(id="new-event", title="New", date=When(on=self.later()), side="coercer", move={"move": "hold"}),
            Event(id="new-untold", title="New", date=When(on=self.whole.crisis.starts), side="coercer",
                  public_from=self.later(), ends="force"),
            Event(id="new-undated", title="New", date=When(on=self.whole.crisis.starts), side="coercer",
                  public_from="unknown", ends="force"),
        ]  # fmt: skip
        chain = ["new-document", case.origins[0].id] if case.origins else ["new-document", "somebody"]
        parts["claims"] = [
            *parts["claims"], Claim(id="new-claim", says="New", chain=chain, public_from=self.later()),
            Claim(id="new-look-back", says="New", chain=chain, public_from=self.day, retrospective=True),
        ]  # fmt: skip
        parts["forecasts"] = [
            *parts["forecasts"],
            Forecast(id="new-forecast", by=chain[1], made=When(on=self.later()), question="New?", probability=0.5,
                     resolved="open", resolution="Open.", public_from=self.later()),
        ]  # fmt: skip
        return case.model_copy(update=parts)

    def later(self):
        return self.day + dt.timedelta(days=self.random.randint(1, 400))

    def part(self, part, path):
        if isinstance(part, Number):
            late = part.public_from is not None and part.public_from > self.day and path not in self.kept
            return Number(value=self.random.random(), public_from=self.later()) if late else part
        if isinstance(part, BaseModel):
            fields = {n: self.part(getattr(part, n), f"{path}.{n}") for n in type(part).model_fields}
            if "because" in fields and not isinstance(part, Account):
                fields["because"] = [*fields["because"], "new-claim", Source(source="New", public_from=self.later())]
            return part.model_copy(update=fields)
        if isinstance(part, dict):
            return {key: self.part(item, f"{path}.{key}") for key, item in part.items()}
        if isinstance(part, list):
            return [
                new for k, item in enumerate(part) if (new := self.item(item, f"{path}.{name(item, k)}")) is not None
            ]
        return part

    def item(self, item, path):
        if not isinstance(item, BaseModel):
            return item
        if isinstance(item, Forecast) and (item.until is None or item.until > self.day):
            item = item.model_copy(update={"resolved": "disputed", "resolution": "Something else happened."})
        if self.known(item):
            if isinstance(item, Event):
                late = [a for a in item.accounts if not self.heard(a)]
                told = [a for a in item.accounts if self.heard(a)]
                told += [a.model_copy(update={"says": "Otherwise.", "move": Move(move="hold")}) for a in late[1:]]
                item = item.model_copy(update={"accounts": told})
            if isinstance(item, Claim):  # later claims speak of it, and it does not know
                item = item.model_copy(update={"supports": [*item.supports, "new-claim"]})
            return self.part(item, path)
        if path in self.kept:
            return self.part(item, path)
        if self.random.random() < 0.3:
            return None
        changed = {"public_from": self.later()}
        changed |= {word: "Otherwise." for word in ("title", "says", "about", "question") if isinstance(
            getattr(item, word, None), str) and not isinstance(item, Claim)}  # fmt: skip
        if isinstance(item, Claim):
            changed |= {"says": "Otherwise."}
            if item.retrospective:
                changed["public_from"] = item.public_from
        if isinstance(item, Event):
            changed |= {"date": When(on=self.later()), "move": None}
        return item.model_copy(update=changed)

    def heard(self, account):
        claims = {claim.id: claim for claim in self.whole.claims}
        cited = [claims[reason] for reason in account.because if isinstance(reason, str)]
        return not cited or any(self.known(claim) for claim in cited)

    def known(self, item):
        if isinstance(item, Document):
            return document_day(item) <= self.day
        if isinstance(item, Claim):
            return claim_day(item, self.documents) <= self.day and not item.retrospective
        if isinstance(item, Event):
            return event_day(item) <= self.day
        if isinstance(item, Scene | Vote) and item.date > self.day:
            return False
        public = getattr(item, "public_from", None)
        return public is None or (public != "unknown" and public <= self.day)


def name(item, k):
    return getattr(item, "id", k)


def test_a_shift_in_a_view_that_was_not_known_leaves_the_base(case):
    late = Shift(to=Number(value=0.9, public_from=LATER))
    view = next(view for view in case.views if view.id == "caracas")
    difference = view.differences[1].model_copy(update={"set": {"world.force.losses": late}})
    changed = view.model_copy(update={"differences": [difference]})
    views = [changed if v.id == view.id else v for v in case.views]
    found = as_of(case.model_copy(update={"views": views}), dt.date(2026, 3, 29))[0]
    assert next(v for v in found.views if v.id == view.id).differences == []


def test_a_source_that_says_it_came_later_is_left_out(case):
    source = Source(source="An account of January", public_from=dt.date(2026, 1, 9))
    event = case.events[0].model_copy(update={"because": [source, Source(source="Undated")]})
    changed = case.model_copy(update={"events": [event]})
    assert [r.source for r in as_of(changed, dt.date(2025, 12, 1))[0].events[0].because] == ["Undated"]
    assert len(as_of(changed, dt.date(2026, 1, 9))[0].events[0].because) == 2


def test_check_refuses_a_rung_that_an_event_showed_before(tmp_path):
    folder = tmp_path / "case"
    new_case(folder)
    text = (folder / "crisis.yaml").read_text()
    rung = "  - id: blockade\n"
    assert rung in text
    (folder / "crisis.yaml").write_text(text.replace(rung, f"{rung}    public_from: 2031-06-30\n"))
    with pytest.raises(CaseError) as error:
        load_case(folder)
    assert "is public from 2031-06-30, but event 'closing' showed it by 2031-05-05" in str(error.value)
    assert "Correct one of the two dates" in str(error.value)


@pytest.mark.parametrize(
    ("part", "name"), [("packages", "slow-handover"), ("scenes", "rally-dance"), ("votes", "senate-2")]
)
def test_check_refuses_days_that_cannot_be(case, part, name):
    early = dt.date(2025, 9, 1)
    if part == "packages":
        packages = [p.model_copy(update={"public_from": LATER}) if p.id == name else p for p in case.packages]
        changed = case.model_copy(update={"packages": packages})
    else:
        domestic = case.world.domestic
        scenes = [s.model_copy(update={"public_from": early}) if s.id == name else s for s in case.world.scenes]
        votes = [v.model_copy(update={"public_from": early}) if v.id == name else v for v in domestic.votes]
        world = {"scenes": scenes, "domestic": domestic.model_copy(update={"votes": votes})}
        changed = case.model_copy(update={"world": case.world.model_copy(update=world)})
    assert not any(problem.kind == "date" for problem in check(case, Sources(""), set())[0])
    (found,) = (problem for problem in check(changed, Sources(""), set())[0] if problem.kind == "date")
    assert name in found.problem
