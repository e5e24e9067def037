"""A session that keeps what a question leaves as it was: its answers are those of `whatif`, and it solves less."""

import datetime as dt
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

from standoff.case.evidence import Event
from standoff.case.load import LoadedCase, load_case
from standoff.case.new import TEMPLATE
from standoff.case.number import Number
from standoff.case.world import Perception, Senses, World
from standoff.errors import UserError
from standoff.simulate.ask_again import Session
from standoff.simulate.counterfactual import whatif
from standoff.simulate.memory import Memory, room
from standoff.simulate.setup import Plan

DAY = dt.date(2031, 3, 31)
DRAWS, CRISES = 3, 40
VIEW = "views.lume.force.success=0.9"
MISREAD = "views.lume.she-dare-not=off"


def climb(day):
    return Event.model_validate(
        {"id": "climb", "title": "Up", "date": day, "side": "coercer",
         "move": {"move": "climb", "rung": "landing-force"}}
    )  # fmt: skip


def small_case(rounds=3, **changes):
    """The template with two rungs, no packages and no world beside the game, over a few rounds."""
    found = load_case(TEMPLATE)
    case = found.case.model_copy(
        update={
            "ladder": [found.case.ladder[0], found.case.ladder[3]],
            "packages": [],
            "world": World(),
            "events": [climb("2031-03-18")],
            "crisis": found.case.crisis.model_copy(update={"rounds": rounds}),
            "solver": found.case.solver.model_copy(update={"nodes": 5, "draws": 4, "replications": 60}),
            **changes,
        }
    )
    return LoadedCase(case, "small", found.root, "digest")


@pytest.fixture(scope="module")
def small():
    return small_case()


@pytest.fixture(scope="module")
def session(small):
    return Session(small, draws=DRAWS, replications=CRISES, seed=7)


def same(small, session, texts, start=None):
    """The answer of the session, which must be that of `whatif` in every number and word."""
    found = session.ask({"asked": texts}, start=start)
    anew = whatif(small, {"asked": texts}, start=start, draws=DRAWS, replications=CRISES, seed=7)
    xr.testing.assert_identical(found, anew)
    return found


@pytest.mark.slow
def test_answers_are_those_of_whatif_and_only_what_changes_is_solved(small, session):
    session.prepare()
    assert session.solved == 2 * DRAWS  # both views; nobody turns to the base here
    same(small, session, [VIEW])
    assert session.solved == DRAWS  # his view alone
    same(small, session, [MISREAD, "moves.coercer.2031-03-18=hold"])
    session.ask({"again": [MISREAD]})
    assert session.solved == 0
    session.ask({"move": ["moves.target.2031-03-18=display"]})
    assert session.solved == 0
    truth = same(small, session, ["precision.coercer=9"])
    assert session.solved == 2 * DRAWS  # every view
    assert float(abs(truth["difference"]).max()) > 0


@pytest.mark.slow
def test_an_answer_is_that_of_whatif_and_costs_what_changes():
    tiny = small_case(rounds=2)
    session = Session(tiny, draws=2, replications=CRISES, seed=7)
    found = session.ask({"asked": [VIEW]})
    xr.testing.assert_identical(found, whatif(tiny, {"asked": [VIEW]}, draws=2, replications=CRISES, seed=7))
    assert session.solved == 3 * 2  # both views, and his once more
    session.ask({"asked": [MISREAD]})
    assert session.solved == 2
    session.ask({"both": [VIEW]})
    assert session.solved == 0


@pytest.mark.slow
def test_from_a_date_and_from_the_start_in_turn(small, session):
    assert len(list(session.warm())) == 5  # a move of either side, a later date, and both together
    for texts, start in (([VIEW], DAY), (["moves.coercer.2031-03-31=strike"], DAY), ([MISREAD], None),
                         ([MISREAD, "precision.target=*2"], DAY), ([VIEW], None)):  # fmt: skip
        same(small, session, texts, start)


@pytest.mark.slow
def test_several_at_once_and_views_inside_views_with_alternatives():
    plain = load_case(TEMPLATE).case
    one = plain.view_of("target")
    inner = one.model_copy(
        update={"id": "inner", "holder": "coercer", "inside": "lume", "alternative": None, "because": []}
    )
    outer = one.model_copy(update={"other": "inner", "alternative": "base"})
    views = [view for view in plain.views if view.holder == "coercer"] + [outer, inner]
    limit = Number.model_validate({"value": 20.0, "unit": "ratio"})
    nested = small_case(views=views, world=World(perception=Perception(target=Senses(threshold=limit))))
    session = Session(nested, draws=2, replications=CRISES, seed=7)
    asked = {"one": [VIEW], "other": [MISREAD], "both": [MISREAD, "precision.target=*1.5"]}
    for start in (None, DAY):
        for again in range(2):
            found = session.ask(asked, start=start)
            assert session.solved == 0 or not again
        xr.testing.assert_identical(found, whatif(nested, asked, start=start, draws=2, replications=CRISES, seed=7))


def test_a_mistake_costs_nothing_and_leaves_the_session_as_it_was(small, session):
    assert list(Session(small).memory._lasting) == []
    with pytest.raises(UserError, match="no number"):
        session.ask({"asked": ["views.lume.force.sucess=0.9"]})
    with pytest.raises(UserError, match="before the first round"):
        session.ask({"asked": ["prior.coercer=0.1"]}, start=DAY)


def with_economy():
    """The small case with an economy and a circle, whose levels move."""
    own, other = load_case(TEMPLATE).case, load_case("venezuela-2025").case
    nothing = Number.model_validate(0.0)
    economy = other.world.economy.model_copy(update=dict.fromkeys(("other_income", "usable_reserves"), nothing))
    case = small_case(rounds=4, world=World(economy=economy, coalition=own.world.coalition)).case
    ladder = [rung.model_copy(update={"quarantine": share}) for rung, share in zip(case.ladder, SHARES, strict=True)]
    return LoadedCase(case.model_copy(update={"ladder": ladder}), "small", Path("small"), "digest")


SHARES = (Number.model_validate(0.1), Number.model_validate(0.9))
OUTPUT = "world.economy.output_norm"


@pytest.fixture(scope="module")
def pressed():
    """A case with an economy, and a session of it that has answered two questions."""
    loaded = with_economy()
    session = Session(loaded, draws=2, replications=CRISES, seed=7)
    session.prepare()
    session.ask({"first": [f"{OUTPUT}=*0.9"]})
    return loaded, session


@pytest.mark.slow
def test_another_number_of_the_economy_compiles_nothing(pressed):
    _, session = pressed
    heard = []
    jax.monitoring.register_event_duration_secs_listener(lambda event, seconds, **_: heard.append(event))
    found = session.ask({"asked": [f"{OUTPUT}=*0.7"]})
    assert [event for event in heard if event.endswith("backend_compile_duration")] == []
    assert float(abs(found["difference"]).max()) > 0
    assert session.solved == 2 * 2  # both views in both draws: what was before is not solved again
    jnp.sin(jnp.ones(len(heard) + 1237))  # what would be heard
    assert [event for event in heard if event.endswith("backend_compile_duration")] != []


@pytest.mark.slow
@pytest.mark.parametrize("start", [None, DAY])
def test_a_number_of_the_economy_is_answered_as_by_whatif_and_as_in_all_states(pressed, start, monkeypatch):
    loaded, session = pressed
    asked = {"worse": [f"{OUTPUT}=*0.7"], "better": [f"{OUTPUT}=*1.4"], "his": [f"views.lume.{OUTPUT}=*0.6"]}
    anew = whatif(loaded, asked, start=start, draws=2, replications=CRISES, seed=7)
    xr.testing.assert_identical(session.ask(asked, start=start), anew)
    part = []
    plain = Plan.solve

    def everywhere(self, sheet, draw, among=None):
        part.append(len(among.states[0]) < len(self.form.stages[0].states))
        return plain(self, sheet, draw)

    monkeypatch.setattr(Plan, "solve", everywhere)
    whole = whatif(loaded, asked, start=start, draws=2, replications=CRISES, seed=7)
    assert any(part)
    for name in whole.data_vars:
        xr.testing.assert_identical(whole[name], anew[name])


class Stop(Exception):
    """What a reader's button raises."""


@pytest.mark.slow
def test_a_question_that_is_stopped_can_be_asked_again(small):
    session = Session(small, draws=DRAWS, replications=CRISES, seed=7)

    def stop(stage, share):
        if share > 0.3:
            raise Stop

    with pytest.raises(Stop):
        session.ask({"asked": [VIEW]}, progress=stop)
    same(small, session, [VIEW])


@pytest.mark.slow
def test_without_room_for_solutions_answers_are_the_same(small):
    session = Session(small, draws=DRAWS, replications=CRISES, seed=7, most=0)
    for _ in range(2):
        same(small, session, [VIEW])
        assert session.memory.held == 0
    assert session.solved == 2 * DRAWS  # the endings of before are kept all the same


def test_what_is_to_last_stays_and_the_rest_goes_oldest_first():
    memory = Memory(most=100)
    item = (jnp.zeros((1, 1, 1, 1, 2, 5), jnp.float32),)  # 40 bytes
    memory.keep(b"before", item, lasting=True)
    memory.keep(b"first", item, lasting=False)
    memory.keep(b"second", item, lasting=False)
    assert memory.find(b"before") is item
    assert memory.find(b"first") is None
    assert memory.find(b"second") is item
    assert memory.held == 80
    memory.keep(b"wide", (jnp.zeros((1, 1, 1, 1, 2, 9), jnp.float32),), lasting=True)  # no room even without the rest
    assert memory.find(b"wide") is None
    assert memory.held == 40
    memory.clear()
    assert memory.held == 0
    assert room() > 0
    assert np.isfinite(room())
