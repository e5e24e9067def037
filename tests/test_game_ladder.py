"""The ladder's form: which moves exist where, the clock, offers, climbs, and which states are left out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from standoff.game.form import OUTCOME
from standoff.game.ladder import Ladder, build, moves_in


def ladder(rungs=3, strike=(2,), ultimatum=(1, 2), patience=2, coercer_offers=2, target_offers=1, start=0, reach=None):
    size = (2, 2) if reach is None else reach.shape[2:4]
    if reach is None:
        reach = np.ones((rungs, 2, *size, *size), bool)
    return Ladder(
        strike=tuple(r in strike for r in range(rungs)),
        ultimatum=tuple(r in ultimatum for r in range(rungs)),
        start_rung=start,
        patience=patience,
        coercer_offers=coercer_offers,
        target_offers=target_offers,
        reach=reach,
        levels_start=((0, 0),),
    )


def drawn(seed):
    """A ladder drawn at random, with levels that can always stay."""
    stream = np.random.default_rng(seed)
    rungs, levels = int(stream.integers(1, 6)), (int(stream.integers(1, 4)), int(stream.integers(1, 3)))
    reach = stream.random((rungs, 2, *levels, *levels)) < 0.4
    for level in np.ndindex(*levels):
        reach[(slice(None), slice(None), *level, *level)] = True
    strike, ultimatum = ({r for r in range(rungs) if stream.random() < 0.4} for _ in range(2))
    patience, offers, answers = int(stream.integers(1, 4)), *(int(x) for x in stream.integers(0, 3, size=2))
    return ladder(rungs, strike, ultimatum, patience, offers, answers, int(stream.integers(0, rungs)), reach)


def test_moves_of_the_coercer():
    game = ladder()
    assert set(moves_in(game, "coercer", (0, 0, 0, 0, 0))) == {"back-down", "hold", "climb", "offer"}
    assert set(moves_in(game, "coercer", (2, 0, 1, 0, 0))) == {
        "back-down", "hold", "ultimatum", "offer", "accept", "strike",
    }  # fmt: skip


def test_moves_of_the_target():
    game = ladder()
    assert set(moves_in(game, "target", (0, 0, 0, 0, 0))) == {"concede", "offer", "defy", "flee", "display"}
    assert set(moves_in(game, "target", (0, 0, 2, 0, 0))) == {"concede", "offer", "accept", "defy", "flee", "display"}


def test_clock():
    game = ladder()
    assert moves_in(game, "coercer", (1, 2, 0, 0, 0))["hold"] == ("target", (1, 1, 0, 0, 0))
    assert moves_in(game, "coercer", (1, 1, 0, 0, 0))["hold"] == ("target", (1, 0, 0, 0, 0))
    assert moves_in(game, "coercer", (1, 0, 0, 0, 0))["hold"] == ("target", (1, 0, 0, 0, 0))
    assert moves_in(game, "coercer", (1, 1, 0, 0, 0))["ultimatum"] == ("target", (1, 2, 0, 0, 0))
    assert moves_in(game, "coercer", (1, 2, 0, 0, 0))["offer"] == ("coercer offer", (1, 1, 0, 0, 0))
    assert moves_in(game, "coercer", (1, 2, 0, 0, 0))["climb"] == ("climb", (1, 0, 0, 0, 0))
    assert moves_in(game, "target", (1, 2, 0, 0, 0))["defy"] == ("nature", (1, 2, 0, 0, 0, 0))


def test_offers_lapse_unless_accepted():
    game = ladder()
    assert moves_in(game, "coercer", (1, 0, 1, 0, 0))["hold"][1][2] == 0
    assert moves_in(game, "target", (1, 0, 2, 0, 0))["defy"][1][2] == 0
    assert moves_in(game, "target", (1, 0, 2, 0, 0))["display"] == ("nature", (1, 0, 0, 0, 0, 1))
    assert moves_in(game, "coercer offer", (1, 0, 0, 0, 0)) == {
        "1": ("target", (1, 0, 1, 0, 0)),
        "2": ("target", (1, 0, 2, 0, 0)),
    }
    assert moves_in(game, "target offer", (1, 1, 0, 0, 0)) == {"1": ("nature", (1, 1, 1, 0, 0, 0))}
    assert moves_in(game, "coercer", (1, 0, 1, 0, 0))["accept"] is None


def test_a_climb_goes_only_upwards():
    game = ladder(rungs=4)
    assert set(moves_in(game, "climb", (1, 0, 0, 0, 0))) == {"2", "3"}
    assert "climb" not in moves_in(game, "coercer", (3, 0, 0, 0, 0))


def test_states_by_hand():
    """One rung, nothing to offer, one level: a round is hold or back down, then concede, defy, flee or display."""
    form = build(ladder(1, (), (), 1, 0, 0, 0, np.ones((1, 2, 1, 1, 1, 1), bool)))
    assert [stage.name for stage in form.stages] == ["coercer", "target"]
    assert form.stages[0].moves == ("back-down", "hold")
    assert form.stages[1].moves == ("concede", "defy", "flee", "display")
    assert form.nature_states == ((0, 0, 0, 0, 0, 0), (0, 0, 0, 0, 0, 1))
    assert form.branch.tolist() == [[0], [0]]
    assert form.size == 2
    assert form.stages[1].outcome.tolist() == [[OUTCOME["concession"], -1, OUTCOME["flight"], -1]]


def test_what_cannot_be_reached_is_left_out():
    stuck = np.zeros((3, 2, 2, 2, 2, 2), bool)
    for s, c in np.ndindex(2, 2):
        stuck[:, :, s, c, s, c] = True
    form = build(ladder(reach=stuck, start=1))
    for stage in form.stages:
        assert all(state[3:5] == (0, 0) for state in stage.states)  # levels never move
        assert all(state[0] >= 1 for state in stage.states)  # below the start
    assert {state[1] for state in build(ladder(ultimatum=())).stages[0].states} == {0}  # no clock without ultimatum
    assert build(ladder()).size > 2 * form.size  # four pairs of levels, and a rung more


def test_a_lapsed_clock_is_told_apart():
    """In the state where the clock shows 1 a hold lapses; the coercer pays there, by the table of payoffs."""
    form = build(ladder(patience=1))
    clocks = {state[1] for state in form.stages[form.stage("coercer")].states}
    assert clocks == {0, 1}
    index = form.stages[0].states.index((1, 1, 0, 0, 0))
    hold = form.stages[0].moves.index("hold")
    target = form.stages[form.stage("target")]
    assert target.states[form.stages[0].follow[index, hold]][1] == 0


@given(st.integers(0, 2**32 - 1))
def test_every_form_is_closed(seed):
    game = drawn(seed)
    form = build(game)
    names = [stage.name for stage in form.stages]
    assert names == [n for n in ("coercer", "climb", "coercer offer", "target", "target offer") if n in names]
    seen = [set() for _ in form.stages]
    nature = set()
    for index, stage in enumerate(form.stages):
        assert stage.mask.any(1).all()
        for s, state in enumerate(stage.states):
            for m, lead in enumerate(stage.leads):
                to = stage.follow[s, m]
                if not stage.mask[s, m] or lead < 0:
                    assert to == -1
                    assert (stage.outcome[s, m] >= 0) == bool(stage.mask[s, m])
                    continue
                assert lead > index  # later in the round
                assert stage.outcome[s, m] == -1
                states = form.nature_states if lead == form.nature else form.stages[lead].states
                (nature if lead == form.nature else seen[lead]).add(to)
                assert states[to][0] >= state[0]  # a rung is never left downwards
                assert states[to][3:5] == state[3:5]  # levels move by nature only
    later = {int(b) for b in form.branch[form.branch >= 0]}
    starts = {form.stages[0].states.index((game.start_rung, 0, 0, 0, 0))}
    assert later | starts == set(range(len(form.stages[0].states)))
    for stage, found in list(zip(form.stages, seen, strict=True))[1:]:
        assert found == set(range(len(stage.states)))
    assert nature == set(range(len(form.nature_states)))
    for row, state in zip(form.branch, form.nature_states, strict=True):
        allowed = {tuple(x) for x in np.argwhere(game.reach[state[0], state[5], state[3], state[4]])}
        assert {form.stages[0].states[b][3:] for b in row if b >= 0} == allowed


def test_a_move_that_leads_to_two_stages_is_refused():
    from standoff.game.ladder import _lead

    with pytest.raises(ValueError, match="one stage"):
        _lead(["a", "b"], [("a", (0,)), ("b", (0,))])
