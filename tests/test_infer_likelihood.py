"""The likelihood of a record, on a game small enough to write down every record that is possible."""

import datetime as dt
import itertools
from pathlib import Path

import numpy as np
import pytest

import standoff.case
from standoff.case.evidence import Event, Move
from standoff.case.load import load_case
from standoff.case.world import World
from standoff.game.play import play
from standoff.infer.evidence import Step, Telling
from standoff.infer.likelihood import Group, by_round, joint, observe, onwards, path_weights, watch
from standoff.simulate.arms import Kept, key
from standoff.simulate.ending import ENDINGS, codes
from standoff.simulate.minds import Thinking
from standoff.simulate.setup import plan

TEMPLATE = Path(standoff.case.__file__).parent / "template"
COERCER = ("back-down", "hold", "climb", "ultimatum", "strike")
TARGET = ("concede", "defy", "flee", "display")
ENDS = ("back-down", "strike", "concede", "flee")


def step(move, rung):
    return Step(Move.model_validate({"move": move, "rung": rung} if move == "climb" else move), None, "e")


def records(rounds, top):
    """Every sequence of moves that stops where the game does; some of them are not possible."""
    found = []

    def go(so_far):
        if len(so_far) == rounds:
            found.append(so_far)
            return
        for a in COERCER:
            if a in ENDS:
                found.append([*so_far, {"coercer": step(a, top), "target": None}])
                continue
            for b in TARGET:
                both = [*so_far, {"coercer": step(a, top), "target": step(b, top)}]
                found.append(both) if b in ENDS else go(both)

    go([])
    return [Telling(tuple(steps), len(steps), frozenset()) for steps in found]


@pytest.fixture(scope="module")
def made():
    """The template with two rungs, no packages, and no world beside the game but a small chance of removal."""
    found = load_case(TEMPLATE)
    case = found.case.model_copy(
        update={
            "ladder": [found.case.ladder[0], found.case.ladder[3]], "packages": [], "world": World(), "events": [],
            "crisis": found.case.crisis.model_copy(update={"rounds": 2}),
        }
    )  # fmt: skip
    made = plan(case, seed=1, count=2, quantiles={"parameters.precision.coercer": np.array([0.3, 0.6])}, nodes=9)
    return made


@pytest.fixture(scope="module")
def every(made):
    told = records(2, made.case.ladder[1].id)
    record = watch(made, [Group("all", tuple(told))], 1.0)
    return told, observe(made, 0, Kept(), record)


def test_all_records_together_are_certain(every):
    told, seen = every
    for view, error in (("base", 1e-9), ("own", 5e-3)):  # in own views moves are misread by chance, path by path
        each = np.exp(seen[view].loglik.sum(2))  # side, type, path
        for a, b in itertools.product(range(2), repeat=2):
            assert (each[0, a] * each[1, b]).sum() == pytest.approx(1.0, abs=error)
    assert len(told) == 2 + 3 * (2 + 2 * (2 + 3 * 4))


@pytest.mark.slow
def test_records_are_as_frequent_as_they_are_likely(made, every):
    told, seen = every
    thinking = Thinking(made, 0, Kept().solve)
    meeting = thinking.meet((made.view("coercer"), made.view("target")))
    count = 40_000
    paths = made.paths_for(np.random.default_rng(0), meeting.sheets, 0, count, known=False)
    from standoff.simulate.ensemble import without_removal

    world = without_removal(made.sheet(None).payoffs.one(0))
    done = play(key(made, 0), made.form, meeting.minds, world, paths, rounds=made.rounds)
    code = codes(made, made.sheet(None).values, 0, done, np.ones(count))
    weight = path_weights(seen["own"], slice(0, len(told)), joint(made, 0))
    each = np.exp(seen["own"].loglik.sum(2))
    chance = (joint(made, 0)[..., None] * each[0][:, None] * each[1][None]).sum((0, 1))
    assert weight.sum((0, 1)) == pytest.approx(chance / chance.sum(), abs=1e-12)
    for name, move in (("back-down", "back-down"), ("force", "strike"), ("flight", "flee"), ("agreed-exit", "concede")):
        last = [next((s.move.move for s in reversed(list(t.steps[-1].values())) if s is not None), "") for t in told]
        exact = chance[[m == move for m in last]].sum()
        share = (code == ENDINGS.index(name)).mean()
        assert abs(share - exact) < 4 * np.sqrt(exact * (1 - exact) / count) + 2e-3


@pytest.mark.slow
def test_forecasts_before_and_after_a_move_agree(made):
    """The chance of an ending is the mean of its chances after each first move, by the chance of that move."""
    top = made.case.ladder[1].id
    none = [Telling((), 0, frozenset())] * 4000
    groups = [Group("before", tuple(none))]
    for move in COERCER:
        told = Telling(({"coercer": step(move, top), "target": None},), 0, frozenset())
        groups.append(Group(move, (told,) * 4000))
    record = watch(made, groups, 1.0, onwards=True)
    seen = observe(made, 0, Kept(), record)
    prior = joint(made, 0)
    ahead, mass = {}, {}
    for group in groups:
        span = record.spans[group.name]
        ahead[group.name] = onwards(seen["own"], span, np.zeros(4000), made.rounds)[0]
        level = by_round(seen, span)[-1][0, 0]
        mass[group.name] = float((np.exp(level) * prior).sum())
    assert mass["before"] == pytest.approx(1.0)
    total = sum(mass[move] * np.nan_to_num(ahead[move]) for move in COERCER)
    assert sum(mass[move] for move in COERCER) == pytest.approx(1.0, abs=1e-6)
    assert np.abs(total - ahead["before"]).max() < 0.03
    assert np.abs(ahead["before"][-1].sum() - 1.0) < 1e-9


def test_groups_with_the_same_tellings_have_the_same_likelihood(made):
    """Also where moves are misread by chance: what is left out must not change by noise alone."""
    told = tuple(records(1, made.case.ladder[1].id))
    record = watch(made, [Group("one", told), Group("two", told), Group("three", told)], 1.0)
    seen = observe(made, 0, Kept(), record)
    one, two, three = (by_round(seen, span) for span in record.spans.values())
    assert np.array_equal(one, two)
    assert np.array_equal(one, three)


def test_a_silent_round_teaches_by_its_weight(made):
    quiet = Step(Move(move="hold"))
    told = Telling(({"coercer": quiet, "target": None},), 1, frozenset())
    group = [Group("all", (told,))]
    whole, half = (observe(made, 0, Kept(), watch(made, group, w))["own"].loglik.sum(2) for w in (1.0, 0.5))
    seen = observe(made, 0, Kept(), watch(made, group, 1.0))["own"]
    chance = seen.own["coercer"][0, 0]  # type, move
    chance = chance / chance.sum(-1, keepdims=True)
    hold = list(made.form.stages[made.form.stage("coercer")].moves).index("hold")
    for weight, found in ((1.0, whole), (0.5, half)):
        told = chance[:, hold] ** weight / np.where(chance > 0, chance**weight, 0.0).sum(-1)
        assert found[0, :, 0] == pytest.approx(np.log(told))


def test_a_draw_does_not_depend_on_its_batch(made):
    told = Telling(({"coercer": step("hold", ""), "target": step("defy", "")},), 1, frozenset())
    record = [Group("all", (told,))]
    one = observe(made, 1, Kept(), watch(made, record, 1.0))["own"].loglik
    alone = plan(made.case, seed=1, count=1, quantiles={"parameters.precision.coercer": np.array([0.6])}, nodes=9)
    two = observe(alone, 0, Kept(), watch(alone, record, 1.0))["own"].loglik
    assert np.array_equal(one, two)


def test_events_of_a_case_become_tellings_of_its_moves(made):
    from standoff.infer.evidence import Evidence

    event = Event.model_validate({
        "id": "force", "title": "Force", "date": dt.date(2031, 3, 18), "side": "coercer",
        "move": {"move": "climb", "rung": made.case.ladder[1].id}, "because": {"source": "An almanac"},
    })  # fmt: skip
    case = made.case.model_copy(update={"events": [event]})
    told = Evidence(case).tellings(200, 1)
    moves = [t.steps[1]["coercer"].move.move if len(t.steps) > 1 else "hold" for t in told]
    assert 0.85 < np.mean([move == "climb" for move in moves]) <= 1.0
