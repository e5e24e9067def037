"""The commands: a game is opened, played by two bots, exported and debriefed; mistakes are told in a sentence."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from tests.play_toy import Toys, template, toy_board, toy_held
from tests.play_wire import served

from standoff.app.api import api_app
from standoff.case.load import load_case
from standoff.case.new import TEMPLATE
from standoff.cli import play as command
from standoff.play.client import Client, Solved, play_to_the_end, read_link
from standoff.play.room import Room
from standoff.play.shelf import Shelf
from standoff.play.store import Store


@pytest.fixture
def games(tmp_path):
    """A database with toy boards beside it, so that nothing is solved."""
    shelf = Shelf(template(), tmp_path / "games.boards", Toys)
    shelf.board()
    for side, view in (("coercer", "corvania"), ("target", "lume")):
        shelf.held(side, view)
    return tmp_path / "games.db"


def test_from_opening_to_debrief(games, tmp_path, standoff):
    code, out, err = standoff("play", "new", TEMPLATE, "--db", games, "--seed", 3, "--json", "--quiet")
    assert code == 0, err
    found = json.loads(out)
    tokens = {role: read_link(link)[1] for role, link in found["links"].items()}
    room = Room(template(), Store(games), Shelf(template(), tmp_path / "games.boards"))
    ends = []
    with served(api_app(room)) as port:
        address = f"http://127.0.0.1:{port}"
        client = Client(address, tokens["target"])
        player = Solved(toy_board(), toy_held("target", "lume"), 1)
        rival = threading.Thread(target=lambda: ends.append(play_to_the_end(client, player)))
        rival.start()
        code, out, err = standoff("play", "bot", f"{address}/join#{tokens['coercer']}", "--seed", 2)
        rival.join(20)
        client.close()
    room.store.close()
    assert code == 0, err
    assert out.startswith("Over in round")
    assert out.split(": ")[1].strip(" .\n") == ends[0]["ending"]["ending"]
    game, played = found["game"], tmp_path / "played.yaml"
    assert standoff("play", "export", TEMPLATE, game, "--db", games, "--whole", "--out", played)[0] == 0
    assert any(event.ends for event in load_case(played).case.events)
    code, _, err = standoff("play", "export", TEMPLATE, game, "--db", games, "--out", played)
    assert (code, "nothing is overwritten" in err) == (2, True)
    code, out, _ = standoff("play", "debrief", TEMPLATE, game, "--db", games)
    assert json.loads(out)["decisions"]


def test_links_by_command(games, standoff):
    game = json.loads(standoff("play", "new", TEMPLATE, "--db", games, "--json", "--quiet")[1])["game"]
    code, out, _ = standoff("play", "link", TEMPLATE, game, "observer", "--db", games)
    assert code == 0
    listed = json.loads(standoff("play", "games", TEMPLATE, "--db", games, "--json")[1])
    observers = [link["id"] for link in listed[0]["links"] if link["role"] == "observer"]
    assert len(observers) == 2
    assert read_link(out.strip())[1] not in json.dumps(listed)
    assert standoff("play", "revoke", TEMPLATE, game, observers[0], "--db", games)[0] == 0
    assert "revoked" in standoff("play", "games", TEMPLATE, "--db", games)[1]
    code, _, err = standoff("play", "revoke", TEMPLATE, game, observers[0], "--db", games)
    assert (code, "no such link" in err) == (2, True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("play", "bot", "http://127.0.0.1:1/play"), "no link to a seat"),
        (("play", "export", TEMPLATE, "nothing"), "no such game"),
        (("play", "new", TEMPLATE, "--coercer", "strategy:base:much"), "no precision"),
        (("play", "new", TEMPLATE, "--coercer", "ghost"), "played by"),
        (("play", "new", TEMPLATE, "--coercer", "strategy:nobody"), "no view"),
        (("play", "link", TEMPLATE, "GAME", "host"), "link to a game is for"),
        (("play", "nowhere"), "no such folder"),
    ],
)
def test_mistakes(games, standoff, words, said):
    if "GAME" in words:
        game = json.loads(standoff("play", "new", TEMPLATE, "--db", games, "--json", "--quiet")[1])["game"]
        words = [game if word == "GAME" else word for word in words]
    more = () if words[1] == "bot" else ("--db", games)
    code, _, err = standoff(*words, *more)
    assert code == 2
    assert said in err


@pytest.mark.slow
def test_a_server_by_command_on_the_loopback_alone(games):
    """`play CASE` serves, prints links, stops when asked, and listens on the loopback only."""
    code = "from standoff.cli import main, play; main()"
    words = [sys.executable, "-c", code, "play", str(TEMPLATE), "--db", str(games), "--port", "8437", "--quiet"]
    server = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              env=os.environ | {"PYTHONUNBUFFERED": "1"})  # fmt: skip
    try:
        assert server.stdout.readline().startswith("Game ")
        links = dict(server.stdout.readline().split() for _ in range(4))
        address, token = read_link(links["coercer"])
        assert address == "http://127.0.0.1:8437"
        found = None
        for _ in range(100):
            with contextlib.suppress(Exception):
                with contextlib.closing(Client(address, token, patience=1.0)) as client:
                    found = client.sight()
                break
            time.sleep(0.1)
        assert found[1]["mine"]["side"] == "coercer"
        sockets = Path(f"/proc/{server.pid}/net/tcp").read_text().split()
        port = f":{8437:04X}"
        assert [word for word in sockets if word.endswith(port) and not word.startswith("0100007F")] == []
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(20)
        server.stdout.close()
        server.stderr.close()


def test_the_commands_are_there():
    assert command.play is not None
