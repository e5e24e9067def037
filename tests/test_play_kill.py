"""The server killed at random while programs play: nothing that was acknowledged is lost, nothing is done twice."""

import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from tests.play_database import place
from tests.play_toy import Toys, template

from standoff.play.client import Chance, Client, play_to_the_end
from standoff.play.room import Room, Seat
from standoff.play.shelf import Shelf
from standoff.play.store import Store
from standoff.play.table import Table

ROOT = Path(__file__).resolve().parents[1]


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Noting(Client):
    """A client that notes every move that was acknowledged."""

    def __init__(self, *arguments, game, notes):
        super().__init__(*arguments, patience=120.0)
        self.game, self.notes = game, notes

    def move(self, turn, move, key=None):
        accepted = super().move(turn, move, key)
        self.notes.append((self.game, turn, accepted["move"], accepted.get("rung"), accepted.get("package")))
        return accepted


def start(base, port):
    command = [sys.executable, "-m", "tests.play_server", str(base), str(port)]
    where = os.pathsep.join([str(ROOT), str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])
    server = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": where}
    )
    assert server.stdout.readline() == "ready\n"
    return server


def one_by_one(base, games, kills, seed, pause=(0.05, 0.6)):
    """Play games while the server is killed; gives room, games, what was acknowledged, and how often it was killed."""
    room = Room(template(), Store(place(base / "games.db")), Shelf(template(), base / "boards", Toys))
    room.shelf.board()
    opened = [
        room.open_game(f"game {k}", seed=k, seats={"target": Seat("strategy")} if k % 5 == 4 else {})
        for k in range(games)
    ]
    port, notes, wrong = free_port(), [], []
    rng = random.Random(seed)
    server = start(base, port)

    def sit(game, token, number):
        client = Noting(f"http://127.0.0.1:{port}", token, game=game, notes=notes)
        try:
            play_to_the_end(client, Chance(number))
        except BaseException as error:
            wrong.append(error)
        finally:
            client.close()

    threads = []
    for k, (game, links) in enumerate(opened):
        for i, side in enumerate(("coercer", "target")):
            if side == "coercer" or k % 5 != 4:
                threads.append(threading.Thread(target=sit, args=(game, links[side], 2 * k + i), daemon=True))
    hits = 0
    try:
        for thread in threads:
            thread.start()
        for _ in range(kills):
            time.sleep(rng.uniform(*pause))
            if not any(thread.is_alive() for thread in threads):
                break
            server.send_signal(signal.SIGKILL)
            server.wait()
            hits += 1
            server.stdout.close()
            server = start(base, port)
        for thread in threads:
            thread.join(240)
        assert not any(thread.is_alive() for thread in threads)
    finally:
        server.kill()
        server.wait()
        server.stdout.close()
    assert wrong == []
    return room, opened, notes, hits


def check(room, opened, notes):
    """Every acknowledged move is on record once, in its turn; every game is over and replays to what is on disk."""
    assert len(notes) == len({(game, turn) for game, turn, *_ in notes})
    by_game = {}
    for game, turn, move, rung, package in notes:
        by_game.setdefault(game, {})[turn] = (move, rung, package)
    for game, _ in opened:
        with room.store.read() as change:
            row, seats = change.game(game), change.seats(game)
            rows = change.steps(game)
        steps = [one["step"] for one in rows]
        assert [one["number"] for one in rows] == list(range(len(rows)))
        assert row["status"] == "over"
        assert steps[-1]["kind"] == "end"
        moves = [step for step in steps if step["kind"] == "move"]
        assert [step["side"] for step in moves] == [("coercer", "target")[k % 2] for k in range(len(moves))]
        for turn, noted in by_game.get(game, {}).items():
            step = moves[turn]
            assert (step["move"], step.get("rung"), step.get("package")) == noted
        people = [k for k, step in enumerate(moves) if step["by"] == "person"]
        assert len(set(people) - set(by_game.get(game, {}))) == 0
        kinds = (seats["coercer"]["type"], seats["target"]["type"])
        table = Table(room.shelf.board(), row["seed"], kinds, room.keeper.held(seats))
        for step in moves:
            table.play(table.find(step["move"], step.get("rung"), step.get("package")), step["by"])
        assert table.steps == steps


def test_a_killed_server_goes_on(tmp_path):
    room, opened, notes, hits = one_by_one(tmp_path, games=4, kills=1, seed=1, pause=(0.02, 0.1))
    check(room, opened, notes)
    room.store.close()
    assert hits == 1


@pytest.mark.slow
def test_two_hundred_games_under_kills(tmp_path):
    """200 games, ten at a time; the server is killed at random while each ten are played."""
    killed = 0
    for batch in range(20):
        base = tmp_path / str(batch)
        base.mkdir()
        room, opened, notes, hits = one_by_one(base, games=10, kills=3, seed=batch, pause=(0.02, 0.4))
        check(room, opened, notes)
        room.store.close()
        killed += hits
    print(f"{killed} kills")
    assert killed >= 20
