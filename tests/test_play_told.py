"""Who listens at a game is told what other processes do to it, also after its end."""

import pytest
from tests.play_database import place
from tests.play_toy import Toys, template

from standoff.play.room import Room
from standoff.play.shelf import Shelf
from standoff.play.store import Store


@pytest.fixture
def open_room(tmp_path):
    """Opens the room anew, as another process would; all of them on one file."""
    stores = []

    def make():
        stores.append(Store(place(tmp_path / "games.db")))
        return Room(template(), stores[-1], Shelf(template(), None, Toys))

    yield make
    for store in stores:
        store.close()


def test_another_process_may_write_too(open_room):
    one, two = open_room(), open_room()
    _, links = one.open_game("test", seed=7)
    one.move(one.enter(links["coercer"]), "a", 0, "hold")
    two.move(two.enter(links["target"]), "b", 1, "display")
    tick = listening(one, links)
    tick()
    two.message(two.enter(links["facilitator"]), "c", "all", "Tea is served.")
    assert tick()
    assert one.sight(one.enter(links["observer"])) == two.sight(two.enter(links["observer"]))


def listening(room, links):
    """A listener at a game: what ticks the room, and says whether it was told of anything."""
    told = []
    room.listen(room.enter(links["observer"]).game, lambda: told.append(1))

    def tick():
        told.clear()
        room.tick()
        return bool(told)

    return tick


def test_what_another_process_does_after_the_end_is_told(open_room):
    one, two = open_room(), open_room()
    _, links = one.open_game("test", seed=7)
    boss = two.enter(links["facilitator"])
    tick = listening(one, links)
    tick()
    two.inject(boss, "stop", {"what": "stop"})
    assert tick()
    assert not tick()  # nothing has happened since
    two.message(boss, "c", "all", "Tea is served.")
    assert tick()
    assert one.sight(one.enter(links["observer"])).messages[-1].text == "Tea is served."
    assert not tick()
    link = next(row["id"] for row in two.links(boss) if row["role"] == "observer")
    two.revoke(boss, link)
    assert tick()


def test_a_game_that_is_over_is_looked_at_only_while_somebody_listens(open_room):
    one, two = open_room(), open_room()
    game, links = one.open_game("test", seed=7)
    boss = two.enter(links["facilitator"])
    two.inject(boss, "stop", {"what": "stop"})
    with one.store.read() as change:
        assert game not in change.standing()
        assert game in change.standing([game])
    two.message(boss, "c", "all", "Tea is served.")
    tick = listening(one, links)
    assert tick()  # one that begins to listen may have missed it
    assert not tick()
