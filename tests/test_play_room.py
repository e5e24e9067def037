"""Games on disk: what is accepted is kept, done once, and goes on after a restart; who may do and see what."""

import json
import os
from dataclasses import replace

import numpy as np
import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from tests.play_database import place
from tests.play_toy import Toys, template

from standoff.errors import UserError
from standoff.play import schema
from standoff.play.refusal import Refused
from standoff.play.room import Room, Seat
from standoff.play.seats import Limits, digest, new_token
from standoff.play.shelf import Shelf
from standoff.play.store import Store, address, asked, game_by_id


class Clock:
    def __init__(self):
        self.now = 1_900_000_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def open_room(tmp_path, clock):
    """Opens the room anew, as a server that starts; all of them on one file."""
    stores = []

    def make(file="games.db"):
        store = Store(place(tmp_path / file))
        stores.append(store)
        return Room(template(), store, Shelf(template(), None, Toys), clock=clock)

    yield make
    for store in stores:
        store.close()


@pytest.fixture
def room(open_room):
    return open_room()


def callers(room, links):
    return {role: room.enter(token) for role, token in links.items()}


def play_on(room, who, rng, key="k"):
    """The side whose turn it is plays a random move; whether the game goes on."""
    shown = room.sight(who["facilitator"])
    if shown.ending is not None:
        return False
    option = shown.options[rng.integers(len(shown.options))]
    room.move(who[shown.to_move], f"{key}{shown.turn}", shown.turn, option.move, option.rung, option.package)
    return True


def test_a_whole_game_survives_restarts(open_room):
    room, rng = open_room(), np.random.default_rng(2)
    _, links = room.open_game("test", seed=4)
    while play_on(room, callers(room, links), rng):
        before = room.sight(room.enter(links["facilitator"]))
        room = open_room()
        assert room.sight(room.enter(links["facilitator"])) == before
    shown = room.sight(room.enter(links["observer"]))
    assert shown.status == "over"
    assert shown.record[-1].kind == "end"


def test_the_same_key_is_done_once(room):
    _, links = room.open_game("test")
    who = callers(room, links)
    first = room.move(who["coercer"], "a", 0, "climb", "patrols")
    assert room.move(who["coercer"], "a", 0, "climb", "patrols") == first
    assert room.sight(who["observer"]).turn == 1
    with pytest.raises(Refused, match="another request") as refused:
        room.move(who["coercer"], "a", 0, "hold")
    assert refused.value.status == 409
    room.move(who["target"], "a", 1, "defy")  # keys are a link's own
    room.message(who["target"], "m", "coercer", "Nothing has changed.")
    room.message(who["target"], "m", "coercer", "Nothing has changed.")
    assert len(room.sight(who["coercer"]).messages) == 1


def test_a_refused_move_changes_nothing_and_frees_its_key(room):
    _, links = room.open_game("test")
    who = callers(room, links)
    before = room.sight(who["facilitator"])
    for wrong, reason in (
        (("coercer", 0, "strike"), "cannot be played"), (("coercer", 1, "hold"), "meant for turn 1"),
        (("target", 0, "defy"), "coercer's turn"), (("observer", 0, "hold"), "Only the players"),
        (("facilitator", 0, "hold"), "Only the players"),
    ):  # fmt: skip
        with pytest.raises(Refused, match=reason):
            room.move(who[wrong[0]], "a", wrong[1], wrong[2])
    assert room.sight(who["facilitator"]) == before
    room.move(who["coercer"], "a", 0, "hold")


def test_a_failed_write_leaves_the_game_as_it_was(room, monkeypatch):
    _, links = room.open_game("test")
    who = callers(room, links)
    before = room.sight(who["facilitator"]).model_dump_json()

    def full(*_):
        raise OSError("no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("standoff.play.store.Change.answer", full)
        with pytest.raises(OSError, match="no space"):
            room.move(who["coercer"], "a", 0, "hold")
    assert room.sight(who["facilitator"]).model_dump_json() == before
    room.move(who["coercer"], "a", 0, "hold")


def test_the_clock_plays_hold_and_defy(room, clock):
    _, links = room.open_game("test", seconds=60.0)
    who = callers(room, links)
    clock.now += 59
    room.tick()
    assert room.sight(who["observer"]).turn == 0
    clock.now += 2
    with pytest.raises(Refused, match="meant for turn 0"):
        room.move(who["coercer"], "late", 0, "climb", "patrols")
    shown = room.sight(who["facilitator"])
    assert [(line.move, line.by, line.late) for line in shown.record] == [("hold", "clock", True)]
    assert shown.deadline.timestamp() == clock.now + 60
    clock.now += 61
    room.tick()
    assert [line.move for line in room.sight(who["observer"]).record if line.kind == "move"] == ["hold", "defy"]
    room.set_clock(who["facilitator"], running=False, seconds=60.0)
    clock.now += 600
    room.tick()
    assert room.sight(who["observer"]).turn == 2
    with pytest.raises(Refused, match="paused"):
        room.move(who["coercer"], "x", 2, "hold")


def test_a_start_gives_the_open_turn_its_full_time(open_room, clock):
    room = open_room()
    _, links = room.open_game("test", seconds=60.0)
    clock.now += 3600
    room = open_room()
    room.resume()
    room.tick()
    assert room.sight(room.enter(links["observer"])).turn == 0
    room.move(room.enter(links["coercer"]), "a", 0, "hold")


def test_strategies_play_by_themselves_and_the_same_for_a_seed(room):
    seats = {side: Seat("strategy", "base") for side in ("coercer", "target")}
    records = []
    for _ in range(2):
        _, links = room.open_game("test", seed=9, seats=seats)
        shown = room.sight(room.enter(links["observer"]))
        assert shown.status == "over"
        records.append(shown.record)
    assert records[0] == records[1]
    _, links = room.open_game("test", seed=9, seats={"target": Seat("strategy", "lume", 2.0)})
    who = callers(room, links)
    room.move(who["coercer"], "a", 0, "hold")
    assert room.sight(who["observer"]).turn in (2, 3)
    room.set_seat(who["facilitator"], "coercer", Seat("strategy"))
    assert room.sight(who["observer"]).status == "over"


def test_links_expire_and_are_revoked(room, clock):
    _, links = room.open_game("test", lasts=100.0)
    who = callers(room, links)
    name, token = room.new_link(who["facilitator"], "observer", "press")
    assert room.enter(token).role == "observer"
    room.revoke(who["facilitator"], name)
    clock.now += 101
    for wrong in (token, links["coercer"], new_token(), "", "x" * 5000):
        with pytest.raises(Refused, match="does not hold") as refused:
            room.enter(wrong)
        assert refused.value.status == 401
    with pytest.raises(Refused, match="no such link"):
        room.revoke(who["facilitator"], name)


@pytest.mark.skipif("STANDOFF_TEST_POSTGRES" in os.environ, reason="reads the file of an SQLite database")
def test_the_store_holds_no_link(room, tmp_path):
    _, links = room.open_game("test")
    room.store.close()
    content = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    for token in links.values():
        assert token.encode() not in content
        assert digest(token).encode() in content
    assert len(set(links.values())) == 4
    assert all(len(token) == 43 for token in links.values())
    assert (tmp_path / "games.db").stat().st_mode & 0o077 == 0


def test_what_each_role_sees(room):
    _, links = room.open_game("test", seed=1, types=(1, 0), seats={"target": Seat("person", "lume", 3.0)})
    who = callers(room, links)
    room.message(who["coercer"], "1", "target", "between us")
    room.message(who["target"], "2", "facilitator", "a question")
    room.message(who["facilitator"], "3", "all", "welcome")
    room.inject(who["facilitator"], "4", {"what": "scene", "to": "target", "ratio": 1.0, "text": "a call"})
    room.inject(who["facilitator"], "5", {"what": "news", "to": "coercer", "text": "a report"})
    room.draft(who["target"], "flee tonight")
    heard = {role: [m.text for m in room.sight(one).messages] for role, one in who.items()}
    assert heard == {
        "facilitator": ["between us", "a question", "welcome"], "coercer": ["between us", "welcome"],
        "target": ["between us", "a question", "welcome"], "observer": ["welcome"],
    }  # fmt: skip
    lines = {role: [(line.kind, line.text) for line in room.sight(one).record] for role, one in who.items()}
    assert lines == {
        "facilitator": [("scene", "a call"), ("news", "a report")], "coercer": [("news", "a report")], "target": [],
        "observer": [],
    }  # fmt: skip
    mine = room.sight(who["target"]).mine
    assert (mine.type, mine.view, mine.draft, mine.advice.precision) == ("flexible", "lume", "flee tonight", 3.0)
    assert room.sight(who["coercer"]).mine.type == "determined"
    assert [seat.type for seat in room.sight(who["facilitator"]).seats] == ["determined", "flexible"]
    assert not hasattr(room.sight(who["observer"]), "mine")
    for role in ("coercer", "target", "observer"):
        with pytest.raises(Refused, match="not over"):
            room.debrief(who[role])
        with pytest.raises(Refused, match="not over"):
            room.events(who[role])
        for forbidden in (room.links, room.games):
            with pytest.raises(Refused, match="Only the"):
                forbidden(who[role])
        with pytest.raises(Refused, match="Only the facilitator"):
            room.inject(who[role], "k", {"what": "stop"})
        with pytest.raises(Refused, match="Only the facilitator"):
            room.set_seat(who[role], "target", Seat())


def test_the_debrief_is_kept_if_the_facilitator_says_so(room):
    _, links = room.open_game("test", debrief="facilitator")
    who = callers(room, links)
    room.inject(who["facilitator"], "k", {"what": "stop"})
    assert room.sight(who["observer"]).status == "over"
    assert not room.sight(who["observer"]).debrief
    with pytest.raises(Refused, match="has not opened"):
        room.debrief(who["coercer"])
    room.debrief(who["facilitator"])


def test_debrief_sets_three_answers_side_by_side(room):
    rng = np.random.default_rng(5)
    _, links = room.open_game("test", seed=8)
    who = callers(room, links)
    while play_on(room, who, rng):
        pass
    found = room.debrief(who["observer"])
    moves = [line for line in room.sight(who["observer"]).record if line.kind == "move"]
    assert [d.move.split()[0] for d in found.decisions] == [line.move for line in moves]
    for decision in found.decisions:
        assert sum(w.expected for w in decision.weighed) == pytest.approx(1, abs=1e-5)
        assert sum(w.solution for w in decision.weighed) == pytest.approx(1, abs=1e-5)
        assert [w.move for w in decision.weighed if w.made] == [decision.move]
        gap = 0.5 * sum(abs(w.expected - w.solution) for w in decision.weighed)
        assert decision.gap == pytest.approx(gap, abs=1e-5)
        best = max(decision.weighed, key=lambda w: w.solution)
        assert best.move == decision.best
    for side in found.sides:
        own = [d for d in found.decisions if d.side == side.side]
        assert side.departures == sum(d.solution < 0.1 for d in own)
        total = sum(np.log(d.solution) for d in own)
        assert side.log_chance[side.type] == pytest.approx(total, abs=1e-3)
    rounds = [line.round for line in moves]
    assert [b.round for b in found.beliefs] == list(range(1, max(rounds) + 1))
    assert found.last.coercer[1] == found.sides[0].about_other
    assert found.last.target[0] == found.sides[1].about_other
    assert json.loads(found.model_dump_json())["title"]


def test_a_game_of_another_case_is_left_alone(open_room):
    room = open_room()
    _, links = room.open_game("test")
    room.keeper.loaded = replace(room.loaded, digest="0" * 64)
    with pytest.raises(Refused, match="another case"):
        room.sight(room.enter(links["coercer"]))


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"title": ""}, "title"), ({"title": "t", "seconds": 0.5}, "clock"), ({"title": "t", "seed": -1}, "seed"),
        ({"title": "t", "debrief": "never"}, "debrief"), ({"title": "t", "lasts": 0.0}, "link holds"),
        ({"title": "t", "seats": {"target": Seat(view="nobody's")}}, "no view"),
        ({"title": "t", "seats": {"target": Seat(precision=1e9)}}, "precision"),
        ({"title": "t", "seats": {"target": Seat("ghost")}}, "played by"),
    ],
)  # fmt: skip
def test_a_game_that_cannot_be_opened(room, wrong, reason):
    with pytest.raises(Refused, match=reason):
        room.open_game(**wrong)
    with room.store.read() as change:
        assert change.games() == []


def test_statements_suit_postgresql():
    """Every table and the locking statement compile for PostgreSQL; nothing is SQLite's own."""
    dialect = postgresql.dialect()
    text = "\n".join(str(sa.schema.CreateTable(t).compile(dialect=dialect)) for t in schema.metadata.sorted_tables)
    assert "BIGINT" in text
    assert "DOUBLE PRECISION" in text
    assert str(game_by_id("g", lock=True).compile(dialect=dialect)).endswith("FOR UPDATE")
    assert "FOR UPDATE" not in str(game_by_id("g", lock=True).compile(dialect=sa.create_engine("sqlite://").dialect))


def test_addresses():
    assert address("games.db").get_backend_name() == "sqlite"
    assert address("postgresql://u@h/games").get_backend_name() == "postgresql"
    for wrong in ("mysql://u@h/games", "://", "postgres ql://"):
        with pytest.raises(UserError):
            address(wrong)


def test_limits_fill_up_again():
    clock = Clock()
    limits = Limits(rate=2.0, burst=3.0, most=2, clock=clock)
    for _ in range(3):
        limits.take("a")
    with pytest.raises(Refused, match="Too many") as refused:
        limits.take("a")
    assert refused.value.status == 429
    assert refused.value.after == pytest.approx(0.5)
    limits.take("b")
    clock.now += 0.5
    limits.take("a")


def test_keys_tell_requests_apart():
    assert asked(["move", 0, "hold"]) == asked(["move", 0, "hold"])
    assert asked(["move", 0, "hold"]) != asked(["move", 1, "hold"])


def test_a_strategy_goes_on_after_a_lapse_whoever_finds_it(room, clock):
    """The clock runs out at a person's turn and a draft finds it: the strategy on the other side plays at once."""
    _, links = room.open_game("test", seconds=60.0, seats={"target": Seat("strategy", "base")}, seed=3)
    who = callers(room, links)
    clock.now += 61
    room.draft(who["coercer"], "hm")
    shown = room.sight(who["facilitator"])
    assert [(line.by, line.late) for line in shown.record if line.kind == "move"] == [
        ("clock", True), ("strategy", False)
    ]  # fmt: skip


def test_the_host_comes_into_any_game_as_its_facilitator(open_room):
    room = open_room()
    game, links = room.open_game("test", seed=5)
    host = room.enter(room.host_link())
    caller = room.enter(room.facilitate(host, game))
    assert (caller.role, caller.game) == ("facilitator", game)
    assert [row["label"] for row in room.links(caller) if row["id"] == caller.link] == ["host"]
    for role in ("facilitator", "coercer", "observer"):
        with pytest.raises(Refused, match="Only the host"):
            room.facilitate(room.enter(links[role]), game)
    with pytest.raises(Refused):
        room.facilitate(host, "nothing")
