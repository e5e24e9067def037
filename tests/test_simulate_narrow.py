"""Views solved only where they can be asked: which states these are, and that a question's answer is the same."""

import datetime as dt
import zlib
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.test_game_reach import walked

from standoff.case.evidence import Event
from standoff.case.load import LoadedCase, load_case
from standoff.case.new import TEMPLATE
from standoff.case.number import Number, Shift
from standoff.case.world import Perception, Senses, World
from standoff.errors import Failure
from standoff.simulate import counterfactual, setup
from standoff.simulate.arms import Arm, Kept
from standoff.simulate.attribute import attribute
from standoff.simulate.chains import Levels
from standoff.simulate.counterfactual import whatif
from standoff.simulate.mechanisms import mechanisms
from standoff.simulate.minds import Meeting
from standoff.simulate.overlay import counterfactual as asked
from standoff.simulate.overlay import split
from standoff.simulate.sensitivity import sensitivity
from standoff.simulate.setup import plan, share_form, take_form

REMOVAL, DRAWS = "parameters.removal", 3
N_S, N_C = 3, 2
CLIMB = {"id": "up", "title": "Up", "date": "2031-03-18", "side": "coercer"}
HOLD = {"id": "still", "title": "Still", "date": "2031-04-01", "side": "coercer", "move": {"move": "hold"}}
UP = {"move": "climb", "rung": "landing-force"}
ACCOUNTS = [
    {"id": "gone", "says": "Gone", "weight": 0.5, "move": {"move": "back-down"}},
    {"id": "stays", "says": "Up", "weight": 0.5, "move": UP},
]


def changed(view, **by):
    """A view with differences that multiply the base rate of removal, by id."""
    one = view.differences[0]
    more = [one.model_copy(update={"id": name, "set": {REMOVAL: Shift.model_validate({"times": times})}})
            for name, times in by.items()]  # fmt: skip
    return view.model_copy(update={"differences": [*view.differences, *more]})


def small(views=None, events=(), rounds=2):
    """The template with two rungs and no packages; the chains of its levels depend on the rate of removal alone."""
    found = load_case(TEMPLATE).case
    limit = Number.model_validate({"value": 20.0, "unit": "ratio"})
    return found.model_copy(update={
        "ladder": [found.ladder[0], found.ladder[3]], "packages": [], "events": list(events),
        "views": found.views if views is None else views,
        "world": World(perception=Perception(target=Senses(threshold=limit))),
        "crisis": found.crisis.model_copy(update={"rounds": rounds}),
        "solver": found.solver.model_copy(update={"nodes": 5}),
    })  # fmt: skip


def nested():
    """A target that may turn to the base, thinks of a view that the coercer holds, and in it of one more."""
    own, other = load_case(TEMPLATE).case.view_of("coercer"), load_case(TEMPLATE).case.view_of("target")
    third = changed(other, c=0.7).model_copy(update={"id": "third", "inside": "second"})
    second = changed(own, b=1.3).model_copy(update={"id": "second", "inside": "lume", "other": "third"})
    outer = changed(other, a=2.0).model_copy(update={"other": "second", "alternative": "base"})
    return small([changed(own, d=0.4), outer, second, third])


def chains(count, seed_of):
    """Chains of every draw and rung from a seed for each draw, with many changes that have no chance."""
    found = {name: [] for name in ("squeeze", "cohesion")}
    for draw in range(count):
        rng = np.random.default_rng(seed_of(draw))
        for name, shape in (("squeeze", (2, N_S, N_S)), ("cohesion", (2, N_S, N_C, N_C))):
            chance = rng.random(shape) * (rng.random(shape) < 0.4) + 0.3 * np.eye(shape[-1])
            found[name].append(chance / chance.sum(-1, keepdims=True))
    removal, shortage = np.full((count, 2, N_C), 0.05), np.zeros((count, 2, N_S)) + 0.1 * np.arange(N_S)
    start = np.zeros((count, 2), int)
    return Levels(
        np.array(found["squeeze"]), np.array(found["cohesion"]), removal, shortage, start, np.zeros(count), 0.0
    )


def by_removal(seed):
    """In the place of `setup.levels`: chains that differ by the rate of removal in any digit."""

    def levels(case, values, **_):
        return chains(len(values[REMOVAL]), lambda draw: [seed, zlib.crc32(values[REMOVAL][draw].tobytes())])

    return levels


def possible(made, view, draw):
    return np.asarray(made.sheet(view).payoffs.parts["chance"])[..., draw] > 0


@given(st.integers(0, 10**6))
@settings(max_examples=8)
def test_a_view_is_solved_where_its_world_and_the_views_around_it_come_to(seed):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(setup, "levels", by_removal(seed))
        case = nested()
        made = plan(case, seed=3, count=DRAWS)
        truth = asked(case, "x", [split(f"{REMOVAL}=*1.7")]).shifts
        later = plan(case, seed=3, count=DRAWS, overlays=truth, beside=made)
        share_form([made, later], wide=bool(seed % 2))
        by_id = {view.id: view for view in case.views}
        around = {"corvania": [], "lume": [], "second": ["lume"], "third": ["lume", "second"], None: []}
        for draw in range(DRAWS):
            for name, outer in around.items():
                for one, begun in ((made, None), (later, None), (later, made)):
                    worlds = [one, *([begun] if begun else [])]
                    can = np.any([possible(one, by_id.get(each), draw) for each in (name, *outer)], axis=0)
                    can = can | np.any([possible(world, None, draw) for world in worlds], axis=0)
                    found = one.reached(one.sheet(by_id.get(name)), draw, begun)
                    first = sorted({world.first_state(draw) for world in worlds})
                    assert [set(map(int, states)) for states in found.states] == walked(one.form, can, first)


def one_way(case, values, **_):
    """Squeeze rises where the rate of removal is at most 0.15 of the base's, and stays elsewhere."""
    count = len(values[REMOVAL])
    low = values[REMOVAL] < 0.15 * 0.02
    squeeze = np.tile(np.eye(2), (count, 2, 1, 1))
    squeeze[low, :, 0] = [0.5, 0.5]
    shape = (count, 2, 2)
    return Levels(squeeze, np.ones((*shape, 1, 1)), np.full((count, 2, 1), 0.05), np.zeros(shape),
                  np.zeros((count, 2), int), np.zeros(count), 0.0)  # fmt: skip


def test_levels_that_only_a_half_corrected_view_comes_to_are_in_the_game(monkeypatch):
    """Base 1, view 0.2, with 'first' corrected 0.1: only there levels move, and no chance may be lost."""
    monkeypatch.setattr(setup, "levels", one_way)
    case = small()
    target = changed(case.view_of("target"), first=2.0, second=0.1)
    case = case.model_copy(update={"views": [case.view_of("coercer"), target]})
    made = plan(case, seed=1, count=0)
    half = np.asarray(made.sheet(target, ("first",)).payoffs.parts["chance"])
    assert half.sum(1) == pytest.approx(1.0, abs=1e-12)
    assert (half > 0).sum(1).max() == 2
    assert (np.asarray(made.sheet(target).payoffs.parts["chance"]) > 0).sum(1).max() == 1


def test_a_form_that_leaves_changes_of_level_out_is_refused(monkeypatch):
    monkeypatch.setattr(setup, "levels", one_way)
    case = small()
    form = plan(case, seed=1, count=0).form
    low = asked(case, "x", [split(f"{REMOVAL}=*0.1")]).shifts
    made = plan(case, seed=1, count=0, overlays=low)
    take_form(made, form)
    with pytest.raises(Failure, match="its game does not hold"):
        made.sheet(None)


def test_what_was_made_for_a_narrower_form_is_not_used_in_a_wider_one(monkeypatch):
    monkeypatch.setattr(setup, "levels", one_way)
    case = small()
    made = plan(case, seed=1, count=0)
    narrow, few = made.sheet(None), made.reached(made.sheet(None), 0)
    low = plan(case, seed=1, count=0, overlays=asked(case, "x", [split(f"{REMOVAL}=*0.1")]).shifts)
    form = share_form([made, low])
    assert len(form.nature_states) > len(few.states[-1])
    assert len(np.asarray(made.sheet(None).payoffs.parts["chance"])) == len(form.nature_states)
    assert made.sheet(None) is not narrow
    assert made.sheet(None) is made.sheet(None)
    share_form([made, low])
    assert [len(states) for states in made.reached(made.sheet(None), 0).states] == [len(s) for s in few.states]


def test_chains_of_another_plan_are_taken_only_if_they_were_made_alike(monkeypatch):
    calls = []

    def levels(case, values, *, paths, common, **_):
        calls.append((paths, common))
        return one_way(case, values)

    monkeypatch.setattr(setup, "levels", levels)
    case = small()
    first = plan(case, seed=1, count=2, paths=50)
    first.reach()
    plan(case, seed=1, count=2, paths=50, beside=first).reach()
    assert calls == [(50, False)]
    plan(case, seed=1, count=2, paths=60, beside=first).reach()
    assert calls == [(50, False), (60, False)]


def test_a_path_that_ended_on_record_teaches_nothing_afterwards(monkeypatch):
    """By one account the coercer backed down at once; that only a firm one would hold later says nothing of him."""
    monkeypatch.setattr(setup, "levels", one_way)
    first = CLIMB | {"date": "2031-03-04", "accounts": ACCOUNTS}
    case = small(events=[Event.model_validate(first), Event.model_validate(HOLD)], rounds=3)
    made = plan(case, seed=1, count=0)
    sheet, coercer = made.sheet(None), made.form.stage("coercer")
    moves = made.form.stages[coercer].moves

    def follow(key, form, minds, world, paths, told, *, rounds):
        gone = np.asarray(told.move)[0, coercer] == moves.index("back-down")
        own = [np.full((rounds, 400, 2, len(stage.moves)), 0.2) for stage in form.stages]
        own[coercer][1, :, 0, moves.index("hold")] = 1e-30
        moved = np.ones((rounds, 400), bool)
        moved[1:, gone] = False
        return SimpleNamespace(own=own, moved=[moved] * len(form.stages))

    monkeypatch.setattr(counterfactual, "follow", follow)
    one = Arm(made, 0, Meeting((), (sheet, sheet)), sheet.payoffs.one(0))
    along, turn = counterfactual.until(case, dt.date(2031, 3, 31))
    told, _, paths = counterfactual.follow_record(one, along, turn, one.paths(400, 0), 400)
    ended = np.asarray(told.move)[0, coercer] == moves.index("back-down")
    firm, prior = np.asarray(paths.types)[0], made.prior(sheet, 0)[0]
    assert 150 < ended.sum() < 250
    spread = np.sqrt(prior * (1 - prior) / ended.sum())
    assert abs(firm[ended].mean() - prior) < 5 * spread  # chance of a false alarm below one in a million
    assert firm[~ended].all()


QUESTIONS = {
    "attribute": lambda loaded: attribute(loaded, draws=2, replications=40, seed=7),
    "mechanisms": lambda loaded: mechanisms(loaded, draws=2, replications=40, seed=7),
    "sensitivity": lambda loaded: sensitivity(loaded, trajectories=2, samples=2, matter=1, replications=40, seed=7),
    "whatif": lambda loaded: whatif(
        loaded, {"truth": [f"{REMOVAL}=*1.7"], "his": ["views.lume.a=off", "moves.coercer.2031-03-31=hold"]},
        start=dt.date(2031, 3, 31), draws=2, replications=40, seed=7,
    ),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", QUESTIONS)
def test_an_answer_is_the_same_where_views_are_solved_in_all_states(name, monkeypatch):
    monkeypatch.setattr(setup, "levels", by_removal(5))
    case = nested()
    crisis = case.crisis.model_copy(update={"rounds": 4})
    events = [Event.model_validate(CLIMB | {"accounts": ACCOUNTS})] if name == "whatif" else []
    case = case.model_copy(update={"crisis": crisis, "events": events})
    loaded = LoadedCase(case, "small", load_case(TEMPLATE).root, "digest")
    part, among = [], Kept.among

    def told(self, plan, sheet, draw):
        found = among(self, plan, sheet, draw)
        part.append(found is not None and len(found.states[0]) < len(plan.form.stages[0].states))
        return found

    monkeypatch.setattr(Kept, "among", told)
    some = QUESTIONS[name](loaded)
    assert any(part)
    monkeypatch.setattr(Kept, "among", lambda *_: None)
    every = QUESTIONS[name](loaded)
    for variable in every.variables:
        xr.testing.assert_identical(some[variable], every[variable])
