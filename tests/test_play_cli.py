"""The commands: a game is opened, played by two bots, exported and debriefed; mistakes are told in a sentence."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest
from tests.play_toy import Toys, template, toy_board, toy_held
from tests.play_wire import served

from standoff.app.api import api_app
from standoff.app.api_doors import PROXIES
from standoff.case.load import load_case
from standoff.case.new import TEMPLATE
from standoff.cli import play as command
from standoff.errors import Failure
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


@pytest.fixture
def unsolved(tmp_path, monkeypatch):
    """A database with nothing solved beside it, where nothing may be solved; a port that is taken; a file."""

    def solver(shelf):
        raise Failure("this was to be refused before anything is solved")

    monkeypatch.setattr(Shelf, "_maker", solver)
    (tmp_path / "file").write_text("a file")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        stands = {"DB": tmp_path / "games.db", "FILE": tmp_path / "file", "PORT": port,
                  "BELOW": tmp_path / "file" / "games.db", "NO": tmp_path / "no" / "out"}  # fmt: skip
        yield lambda word: stands.get(word, word)


SERVE = ("play", TEMPLATE, "--port", "0")
NEW = ("play", "new", TEMPLATE)
BOT = ("play", "bot", "http://127.0.0.1:1/join#x")
EARLY = [
    ((*SERVE, "--target", "strategy:nobody:5"), "--target strategy:nobody:5: 'nobody' is no view for a seat."),
    ((*SERVE, "--target", "strategy:lumee"), "Did you mean 'lume'?"),
    ((*SERVE, "--coercer", "ghost"), "--coercer ghost: The coercer is played by a 'person' or by a 'strategy'"),
    ((*SERVE, "--coercer", "strategy:base:much"), "'much' is no precision"),
    ((*SERVE, "--target", "strategy:base:51"), "--target strategy:base:51: A precision of 51: give one from 0.01"),
    ((*SERVE, "--target", "strategy:base:nan"), "A precision of nan"),
    ((*SERVE, "--clock", "0.5"), "greater than or equal to 1"),
    ((*SERVE, "--clock", "nan"), "'--clock'"),
    ((*SERVE, "--seed", str(2**63)), "--seed"),
    ((*SERVE, "--name", "https://games.example"), "--name https://games.example: this is no name of a host"),
    ((*SERVE, "--host", "no.such.host.invalid"), "there is no such host"),
    (("play", TEMPLATE, "--port", "PORT"), "it is in use"),
    ((*SERVE[:2], "--port", "0", "--db", "BELOW"), "cannot be written"),
    ((*SERVE, "--db", "FILE"), "the database cannot be used"),
    ((*SERVE, "--db", "mysql://x/y"), "SQLite or PostgreSQL"),
    ((*NEW, "--target", "strategy:nobody:5"), "'nobody' is no view for a seat."),
    ((*NEW, "--title", "x" * 201), "A title has 1 to 200 characters"),
    ((*NEW, "--address", "games.example"), "this is no address of a server"),
    (("play", "link", TEMPLATE, "nothing", "host"), "no such game"),
    (("play", "link", TEMPLATE, "nothing", "coercer", "--address", "x"), "this is no address of a server"),
    (("play", "export", TEMPLATE, "nothing"), "no such game"),
    (("play", "debrief", TEMPLATE, "nothing"), "no such game"),
    (("play", "debrief", TEMPLATE, "nothing", "--out", "FILE"), "nothing is overwritten"),
    (("play", "export", TEMPLATE, "nothing", "--out", "NO"), "there is no folder"),
    ((*BOT, "--precision", "3"), "Add --case"),
    ((*BOT, "--case", TEMPLATE, "--view", "nobody"), "'nobody' is no view for a seat."),
    ((*BOT, "--case", TEMPLATE, "--precision", "99"), "A precision of 99"),
    (("play", "bot", "http://127.0.0.1:1/play"), "no link to a seat"),
    (("play", "nowhere"), "no such folder"),
]


@pytest.mark.parametrize(("words", "said"), EARLY, ids=[said for _, said in EARLY])
def test_mistakes_are_told_before_anything_is_solved(unsolved, standoff, words, said):
    more = () if words[1] == "bot" or "--db" in words else ("--db", "DB")
    code, _, err = standoff(*(unsolved(word) for word in (*words, *more)))
    assert code == 2, err
    assert said in " ".join(err.split())


def test_what_must_not_be_solved_would_be_seen(unsolved, standoff):
    """The same database with nothing wrong does get to the solver, so that the test above can fail."""
    code, _, err = standoff(*NEW, "--db", unsolved("DB"))
    assert code == 1
    assert "before anything is solved" in err


@pytest.mark.parametrize("secure", [True, False])
def test_a_server_behind_https_gives_links_and_cookies_for_it(games, standoff, monkeypatch, secure):
    served = []

    def run(application, **options):
        async def ask():
            transport = httpx.ASGITransport(application, client=("203.0.113.9", 9))
            async with httpx.AsyncClient(transport=transport, base_url="http://games.example.org") as client:
                head = {"Authorization": f"Bearer {application.state.room.host_link()}"}
                return (await client.post("/api/session", headers=head)).headers["set-cookie"]

        served.append((asyncio.run(ask()), options))

    monkeypatch.setattr("uvicorn.run", run)
    monkeypatch.setattr("standoff.app.table.mount.put_pages", lambda application, room: None)
    more = ("--behind-https",) if secure else ()
    code, out, _ = standoff("play", TEMPLATE, "--db", games, "--port", 0, "--name", "Games.example.org", *more)
    assert code == 0
    cookie, options = served[0]
    address = "https://games.example.org" if secure else f"http://127.0.0.1:{options['port']}"
    assert out.count(f"{address}/join#") == 5
    assert ("Secure" in cookie.split("; ")) == secure
    assert options["port"] > 0
    assert options["forwarded_allow_ips"] == PROXIES


def test_a_link_to_no_role(games, standoff):
    game = json.loads(standoff("play", "new", TEMPLATE, "--db", games, "--json", "--quiet")[1])["game"]
    code, _, err = standoff("play", "link", TEMPLATE, game, "host", "--db", games)
    assert (code, "link to a game is for" in err) == (2, True)


def test_what_needs_no_board_makes_none(games, tmp_path, unsolved, standoff):
    """Games are listed, linked to and exported though their boards are gone."""
    game = json.loads(standoff("play", "new", TEMPLATE, "--db", games, "--json", "--quiet")[1])["game"]
    shutil.rmtree(tmp_path / "games.boards")
    for words in (("games",), ("link", game, "observer"), ("export", game)):
        code, _, err = standoff("play", words[0], TEMPLATE, *words[1:], "--db", games)
        assert code == 0, err


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
