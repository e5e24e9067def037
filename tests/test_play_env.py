"""The PettingZoo environment: its own tests, and the same game as at the table for the same seed and moves."""

import numpy as np
import pytest

pytest.importorskip("pettingzoo")
from pettingzoo.test import api_test, seed_test
from tests.play_toy import Toys, template, toy_board, toy_held

from standoff.play.env import StandoffEnv
from standoff.play.room import Room
from standoff.play.shelf import Shelf
from standoff.play.store import Store

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pettingzoo", "ignore::UserWarning:gymnasium")


def make(advice=True):
    held = (toy_held("coercer"), toy_held("target")) if advice else (None, None)
    return StandoffEnv(toy_board(), held=held)


@pytest.mark.parametrize("advice", [False, True])
def test_pettingzoo_finds_nothing_wrong(advice, capsys):
    api_test(make(advice), num_cycles=60)
    seed_test(make, num_cycles=20)


def test_the_same_seed_is_the_same_game_as_in_a_room(tmp_path):
    """The environment's moves, made in a room of the same seed: record, types, ending and payoffs are the same."""
    room = Room(template(), Store(tmp_path / "games.db"), Shelf(template(), None, Toys))
    for seed in (3, 4, 5):
        made = make()
        made.reset(seed=seed)
        _, links = room.open_game("twin", seed=seed)
        who = {role: room.enter(token) for role, token in links.items()}
        rng, paid = np.random.default_rng(seed), dict.fromkeys(("coercer", "target"), 0.0)
        for agent in made.agent_iter():
            seen, _, over, _, _ = made.last()
            if over:
                made.step(None)
                continue
            mine = room.sight(who[agent]).mine
            assert mine.type == template().case.leader(agent).types[made.table.types[agent == "target"]]
            assert len(mine.options) == seen["action_mask"].sum()
            action = rng.choice(np.flatnonzero(seen["action_mask"]))
            move = made.moves[agent == "target"][action]
            made.step(action)
            for side, reward in made.rewards.items():
                paid[side] += reward
            shown = room.sight(who[agent])
            room.move(who[agent], f"k{shown.turn}", shown.turn, move.move, move.rung, move.package)
        boss = room.sight(who["facilitator"])
        with room.store.read() as change:
            steps = [one["step"] for one in change.steps(boss.game)]
        assert [s | {"by": ""} for s in steps] == [s | {"by": ""} for s in made.table.steps]
        for seat in boss.seats:
            assert seat.paid == pytest.approx(paid[seat.side], abs=1e-5)
        ends = [line for line in boss.record if line.kind == "end"]
        assert ends[0].text == made.table.ending.ending
    room.store.close()


def test_an_observation_says_nothing_of_the_other():
    seen = []
    for types in ((0, 0), (0, 1)):
        made = StandoffEnv(toy_board(), held=(toy_held("coercer"), toy_held("target")), types=types)
        made.reset(seed=2)
        for action in (1, 3, 1):
            seen.append(made.observe("coercer"))
            made.step(action)
    for one, two in zip(seen[:3], seen[3:], strict=True):
        np.testing.assert_array_equal(one["observation"], two["observation"])


def test_a_move_that_is_not_possible_is_refused():
    made = make()
    made.reset(seed=1)
    strike = next(k for k, move in enumerate(made.moves[0]) if move.move == "strike")
    with pytest.raises(ValueError, match="not possible"):
        made.step(strike)
    made.step(1)
    assert made.render().split() == ["1", "move", "coercer", "hold"]
