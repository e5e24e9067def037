"""The record as moves: which event counts, accounts by weight, silence, dates, and what becomes of it on paths."""

import datetime as dt

import numpy as np
import pytest
from scipy import stats

from standoff.case.evidence import Event
from standoff.case.load import load_case
from standoff.case.new import TEMPLATE
from standoff.errors import UserError
from standoff.game.ladder import Ladder, build
from standoff.simulate.record import given, record, require_playable, round_of

START = dt.date(2031, 3, 3)
ROUND = 14


@pytest.fixture(scope="module")
def case():
    return load_case(TEMPLATE).case


@pytest.fixture(scope="module")
def form(case):
    size = len(case.ladder)
    return build(
        Ladder(
            strike=tuple(rung.strike for rung in case.ladder),
            ultimatum=tuple(rung.ultimatum for rung in case.ladder),
            start_rung=0,
            patience=1,
            coercer_offers=1,
            target_offers=1,
            reach=np.ones((size, 2, 1, 1, 1, 1), bool),
            levels_start=((0, 0),),
        )
    )


def event(id_, day, side="coercer", move=None, **more):
    when = START + dt.timedelta(days=day) if isinstance(day, int) else day
    return Event.model_validate({"id": id_, "title": id_, "date": when, "side": side, "move": move, **more})


def having(case, *events):
    return case.model_copy(update={"events": list(events)})


def climb(rung):
    return {"move": "climb", "rung": rung}


def moves(found, side):
    return [half.options[0].move.move for turn in found.turns for half in [turn.halves[side]]]


def test_rounds_of_the_calendar(case):
    assert [round_of(case, START + dt.timedelta(days=d)) for d in (-1, 0, 13, 14, 27, 28)] == [-1, 0, 0, 1, 1, 2]


def test_turns_are_the_rounds_up_to_the_last_event(case):
    found = record(having(case, event("late", 30, move="hold")))
    assert [turn.index for turn in found.turns] == [0, 1, 2]
    assert found.turns[1].start == START + dt.timedelta(days=14)
    assert found.turns[1].end == START + dt.timedelta(days=27)


COERCER = ["hold", {"move": "offer", "package": "safe-leave"}, climb("patrols"), "ultimatum", "strike"]


@pytest.mark.parametrize("lower", range(4))
def test_the_highest_class_counts_for_the_coercer(case, lower):
    """Whatever the order of the two days."""
    low, high = COERCER[lower], COERCER[lower + 1]
    for days in ((1, 5), (5, 1)):
        found = record(having(case, event("low", days[0], move=low), event("high", days[1], move=high)))
        half = found.turns[0].halves["coercer"]
        assert half.event.id == "high"
        assert [signal.id for signal in half.signals] == ["low"]


def test_the_highest_class_counts_for_the_target(case):
    offer = {"move": "offer", "package": "spring-vote"}
    for low, high in (
        ("defy", "display"),
        ("display", offer),
        (offer, "flee"),
        (offer, "concede"),
        ("display", "accept"),
    ):
        found = record(having(case, event("low", 3, "target", low), event("high", 1, "target", high)))
        assert found.turns[0].halves["target"].event.id == "high"


def test_of_several_climbs_the_highest(case):
    found = record(having(case, event("a", 1, move=climb("blockade")), event("b", 5, move=climb("patrols"))))
    assert found.turns[0].halves["coercer"].event.id == "a"


def test_silence_is_hold_and_defy_with_a_tempered_weight(case, form):
    found = record(having(case, event("late", 20, move=climb("patrols")), event("word", 1, "target")))
    assert moves(found, "coercer") == ["hold", "climb"]
    assert moves(found, "target") == ["defy", "defy"]
    assert [turn.halves["coercer"].silent for turn in found.turns] == [True, False]
    assert [signal.id for signal in found.turns[0].halves["target"].signals] == ["word"]
    told = given(case, form, found, rounds=4, count=3, silence=0.25, seed=1)
    weight = np.asarray(told.weight)
    coercer, target = form.stage("coercer"), form.stage("target")
    assert (weight[:2, coercer] == np.array([[0.25], [1.0]])).all()
    assert (weight[:2, target] == 0.25).all()
    move = np.asarray(told.move)
    assert (move[0, coercer] == form.stages[coercer].moves.index("hold")).all()
    assert (move[1, coercer] == form.stages[coercer].moves.index("climb")).all()
    assert (move[1, form.stage("climb")] == form.stages[form.stage("climb")].moves.index("1")).all()
    assert (move[0, form.stage("climb")] == -1).all()
    assert (move[2:] == -1).all()  # nothing is given after the record


def test_half_round_before(case):
    before = event("reply", 15, "target", "display", half_round_before=True)
    found = record(having(case, before, event("last", 29, move="hold")))
    assert moves(found, "target") == ["display", "defy", "defy"]


def test_a_month_is_its_middle_and_an_unknown_day_is_left_out(case):
    month = event("month", {"on": dt.date(2031, 4, 1), "precision": "month"}, move="hold")
    nowhere = event("nowhere", "unknown", move="strike")
    found = record(having(case, month, nowhere))
    assert len(found.turns) == (dt.date(2031, 4, 15) - START).days // ROUND + 1
    assert "strike" not in moves(found, "coercer")


def accounts(*rows):
    return [
        {"id": f"account-{k}", "says": "Something.", "weight": {"value": w, "judgement": True}, **more}
        for k, (w, more) in enumerate(rows)
    ]


def test_accounts_are_drawn_by_weight(case, form):
    offer = {"move": "offer", "package": "spring-vote"}
    told_of = event("word", 1, "target", accounts=accounts((0.7, {"move": offer}), (0.3, {"move": "defy"})))
    found = record(having(case, told_of))
    count = 20_000
    told = given(case, form, found, rounds=2, count=count, silence=0.5, seed=6)
    stage = form.stage("target")
    made = np.asarray(told.move)[0, stage]
    share = (made == form.stages[stage].moves.index("offer")).mean()
    # Chance of a false alarm 1e-4.
    assert abs(share - 0.7) < stats.norm.isf(0.5e-4) * np.sqrt(0.21 / count)
    detail = np.asarray(told.move)[0, form.stage("target offer")]
    assert ((detail >= 0) == (made == form.stages[stage].moves.index("offer"))).all()
    assert (np.asarray(told.weight)[0, stage] == 1).all()
    again = given(case, form, found, rounds=2, count=count, silence=0.5, seed=6)
    assert (np.asarray(again.move) == np.asarray(told.move)).all()


def test_what_accounts_leave_over_is_the_next_best_move(case):
    told_of = event("word", 1, "target", accounts=accounts((0.6, {"move": "flee"})))
    show = event("show", 2, "target", "display")
    options = record(having(case, told_of, show)).turns[0].halves["target"].options
    assert [(o.move.move, round(o.weight, 9)) for o in options] == [("flee", 0.6), ("display", 0.4)]
    alone = record(having(case, told_of)).turns[0].halves["target"].options
    assert [o.move.move for o in alone] == ["flee", "defy"]


def test_a_reading_on_record(case, form):
    ships = event("ships", 1, accounts=accounts((1.0, {"move": climb("patrols"), "read_as": "hold"})))
    told = given(case, form, record(having(case, ships)), rounds=1, count=2, silence=1.0, seed=0)
    stage = form.stage("coercer")
    assert (np.asarray(told.read)[0, stage] == form.stages[stage].moves.index("hold")).all()
    assert (np.asarray(told.move)[0, stage] == form.stages[stage].moves.index("climb")).all()


def test_until_takes_only_what_was_public(case):
    early = event("early", 1, move=climb("patrols"))
    hidden = event("hidden", 2, "target", "display", public_from=START + dt.timedelta(days=40))
    later = event("later", 30, move=climb("blockade"))
    every = having(case, early, hidden, later)
    found = record(every, START + dt.timedelta(days=20))
    assert moves(found, "coercer") == ["climb", "hold"]
    assert moves(found, "target") == ["defy", "defy"]
    assert moves(record(every), "target")[0] == "display"
    assert moves(record(every, START + dt.timedelta(days=40)), "target")[0] == "display"
    assert moves(record(every, START + dt.timedelta(days=40)), "coercer") == ["climb", "hold", "climb"]


def test_until_runs_to_that_day_even_in_silence(case):
    found = record(having(case, event("early", 1, move=climb("patrols"))), START + dt.timedelta(days=60))
    assert moves(found, "coercer") == ["climb", "hold", "hold", "hold", "hold"]
    assert len(record(having(case), START + dt.timedelta(days=3650)).turns) == case.crisis.rounds


def test_an_ending_ends_the_record(case):
    end = event("end", 20, move="strike", ends="force")
    found = record(having(case, end, event("after", 60, move="hold")))
    assert found.ending.id == "end"
    assert moves(found, "coercer") == ["hold", "strike"]
    assert record(having(case, end), START + dt.timedelta(days=19)).ending is None


def test_an_ending_in_the_first_round(case):
    found = record(having(case, event("end", 3, move="strike", ends="force"), event("after", 60, move="hold")))
    assert moves(found, "coercer") == ["strike"]


def test_an_empty_record(case, form):
    assert record(having(case)).turns == ()
    told = given(case, form, record(having(case)), rounds=3, count=2, silence=0.5, seed=0)
    assert (np.asarray(told.move) == -1).all()


def test_events_before_the_first_round_do_not_move(case):
    assert moves(record(having(case, event("old", -5, move="strike"), event("now", 1, move="hold"))), "coercer") == [
        "hold"
    ]


def test_other_sides_make_no_moves(case):
    found = record(having(case, event("storm", 1, "nature"), event("now", 2, move="hold")))
    assert found.turns[0].halves["target"].silent


def test_a_record_that_cannot_be_played_as_rounds_is_refused(case):
    """An ultimatum outranks the climb of its round, so the rung that the strike needs is never reached."""
    top = case.ladder[-1].id
    played = record(having(case, event("up", 1, move=climb(top)), event("end", 15, move="strike")))
    require_playable(case, played)
    low = record(having(case, event("end", 15, move="strike")))
    with pytest.raises(UserError, match=r"Round 2 .*event 'end': strike is not possible from 'protest'"):
        require_playable(case, low)
    down = record(having(case, event("up", 1, move=climb(top)), event("again", 15, move=climb(top))))
    with pytest.raises(UserError, match="is not a climb"):
        require_playable(case, down)
    with pytest.raises(UserError, match="nothing is on the table"):
        require_playable(case, record(having(case, event("yes", 1, "target", "accept"))))
