"""Pages of played games over their sockets: who is let in, what is shown and when, what forms do, what is refused."""

import asyncio
import socket
from types import SimpleNamespace

import pytest
from tests.play_pages import Browser, Host, serving
from tests.play_wire import Wire

from standoff.app.api import HOST
from standoff.app.table.doors import PAGES, POLICY, STRANGER
from standoff.app.table.visit import Visit
from standoff.app.table.words import COHESION, ENDINGS, SQUEEZE
from standoff.simulate.ending import ENDING_TITLES
from standoff.world.level import COHESION_NAMES, SQUEEZE_NAMES


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("pages")) as found:
        yield Host(*found)


@pytest.fixture
def seats(server):
    """A game, and what opens a browser at its seats."""
    game, links = server.open(types=[1, 0])
    open_ = []

    def sit(role):
        browser = Browser(server.port, links[role], game, role).open()
        open_.append(browser)
        return browser

    sit.game, sit.links = game, links
    yield sit
    for browser in open_:
        browser.leave()


def sight(server, seats, role="facilitator"):
    return server.ask("GET", "/api/game", token=seats.links[role])["sight"]


def test_a_move_is_shown_as_made_once_it_is_on_record(server, seats):
    coercer, target, observer = seats("coercer"), seats("target"), seats("observer")
    coercer.until("your move")
    target.until("wait")
    coercer.move("Wait")
    coercer.until("turn.")
    assert [line["move"] for line in sight(server, seats)["record"]] == ["hold"]
    target.until("your move")
    observer.until("Ada Brandt</b> waits")
    target.move("Refuse and wait")
    coercer.until("Round 2 of 4")
    assert sight(server, seats)["turn"] == 2


def test_a_move_that_is_refused_is_not_shown_as_made(server, seats):
    coercer = seats("coercer")
    coercer.choose("Wait")
    coercer.press("Make this move …")
    coercer.until("It cannot be taken back.")
    confirm = coercer.find(lambda e: e["props"].get("label") == "Confirm")
    server.ask("PUT", "/api/game/clock", {"running": False}, token=seats.links["facilitator"])
    coercer.send(confirm, "click", {})
    coercer.until("The game is paused.")
    coercer.settle()
    assert "Accepted" not in coercer.words()
    assert sight(server, seats)["record"] == []


def test_confirmed_twice_is_made_once(server, seats):
    coercer = seats("coercer")
    coercer.choose("Wait")
    coercer.press("Make this move …")
    coercer.until("It cannot be taken back.")
    confirm = coercer.find(lambda e: e["props"].get("label") == "Confirm")
    for _ in range(3):
        coercer.send(confirm, "click", {})
    coercer.until("Accepted and on record")
    coercer.settle()
    assert sight(server, seats)["turn"] == 1


def test_a_cable_and_its_draft(server, seats):
    coercer, target, observer = seats("coercer"), seats("target"), seats("observer")
    coercer.fill("Message", "Let us talk <b>now</b>.")
    coercer.settle(0.2)
    again = seats("coercer")
    assert "Let us talk <b>now</b>." in again.words()  # not sent yet, and kept
    coercer.press("Send")
    coercer.until("on record.")
    target.until("Let us talk &lt;b&gt;now&lt;/b&gt;.")
    observer.settle(0.2)
    assert "Let us talk" not in observer.words() + b"".join(observer.frames).decode(errors="replace")


def test_who_is_not_let_in(server, seats):
    game, links = seats.game, seats.links
    nobody = Browser(server.port, "", game, "coercer")
    for path in ("/", f"/play/{game}/coercer", f"/play/{game}/coercer/debrief", f"/play/{game}/coercer/events.yaml"):
        status, page = nobody.get(path)
        assert status == 401
        assert b"This page needs a link" in page
        assert game.encode() not in page
    for token, role in ((links["coercer"], "target"), (links["observer"], "facilitator"), (server.token, "coercer")):
        assert Browser(server.port, token, game, role).get(f"/play/{game}/{role}")[0] == 401
    coercer = Browser(server.port, links["coercer"], game, "coercer")
    assert coercer.get(f"/play/{game}/target")[0] == 401
    assert coercer.get("/")[0] == 401
    assert coercer.get(f"/play/{game}/coercer/seats.yaml")[0] == 404
    assert coercer.get("/nothing")[0] == 404
    assert coercer.get(f"/play/{game}/coercer/debrief")[0] == 200
    early = coercer.get(f"/play/{game}/coercer/debrief.json")
    assert early[0] == 403
    assert b"not over yet" in early[1]


def test_a_revoked_link_empties_the_page_at_once(server, seats):
    target, boss = seats("target"), seats("facilitator")
    button = target.find(lambda e: e["props"].get("label") == "Send")
    boss.until("Revoke")
    row = boss.find(lambda e: "Revoke the link of Ilen Varo" in str(e["props"].get("aria-label")))
    boss.send(row, "click", {})
    boss.until("Revoked: Ilen Varo (target).")
    target.until("This page is closed")
    assert "could live with leaving" not in target.words()
    before = len(target.frames)
    target.say(b'42["event",{"id":%s,"client_id":"%s","listener_id":"x","args":["{}"]}]'
               % (button.encode(), target.client.encode()))  # fmt: skip
    target.settle(0.3)
    assert all(b"42[" not in frame[:14] for frame in target.frames[before:])
    assert Browser(server.port, seats.links["target"], seats.game, "target").get(f"/play/{seats.game}/target")[0] == 401


@pytest.fixture
def hosts(server):
    """What opens a browser at the host's page."""
    open_ = []

    def sit():
        open_.append(Browser(server.port, server.token, HOST, HOST).open())
        return open_[-1]

    yield sit
    for browser in open_:
        browser.leave()


def test_the_host_opens_a_game_and_its_links_are_told_once(server, hosts):
    host = hosts()
    host.until("Open the game")
    host.fill("What players see it called", "By the page")
    host.fill("Seed (blank: drawn)", 77)
    players = [one for one, e in host.elements.items() if e["props"].get("label") == "Who plays it"]
    host.send(players[1], "update:", {"value": 1, "label": "The solved strategy"})
    host.press("Open the game")
    host.until("The game is open.")
    links = [e["props"]["value"] for e in host.elements.values() if "/join#" in str(e["props"].get("value", ""))]
    assert len(set(links)) == 4
    host.until("By the page")
    again = hosts()
    again.until("By the page")
    assert b"/join#" not in again.told()
    token = links[0].partition("#")[2]
    found = server.ask("GET", "/api/game", token=token)["sight"]
    assert (found["title"], found["seed"]) == ("By the page", 77)
    assert [seat["player"] for seat in found["seats"]] == ["person", "strategy"]


def test_the_facilitator_brings_things_about(server, seats):
    boss, target = seats("facilitator"), seats("target")
    boss.fill("What is told", "A storm.")
    boss.press("Bring it about")
    boss.until("On record.")
    target.until("A storm.")
    boss.press("Pause")
    target.until("the game is paused")
    boss.until("Go on")
    boss.press("End the game …")
    boss.until("It ends as stopped")
    boss.press("End it")
    target.until("Stopped by the facilitator")
    status, page = Browser(server.port, seats.links["target"], seats.game, "target").get(
        f"/play/{seats.game}/target/debrief"
    )
    assert status == 200
    assert b"What did each believe, and what did each misread?" in page


def test_the_facilitator_makes_links_and_gives_seats_away(server, seats):
    boss = seats("facilitator")
    boss.until("Revoke")
    role = boss.find(lambda e: e["props"].get("label") == "For")
    boss.send(role, "update:", {"value": 0, "label": "Ada Brandt (coercer)"})
    boss.press("New link")
    boss.until("For a program at this seat")
    made = [e["props"]["value"] for e in boss.elements.values() if "/join#" in str(e["props"].get("value"))]
    assert made[1] == f"standoff play bot '{made[0]}'"
    token = made[0].partition("#")[2]
    assert server.ask("GET", "/api/game", token=token)["sight"]["mine"]["side"] == "coercer"
    again = seats("facilitator")
    assert token.encode() not in again.told()
    players = [one for one, e in boss.elements.items() if e["props"].get("label") == "Who plays it"]
    boss.send(players[0], "update:", {"value": 1, "label": "The solved strategy"})
    views = [one for one, e in boss.elements.items() if e["props"].get("label") == "View of its mind"]
    boss.send(views[0], "update:", {"value": 1, "label": "base"})
    given = [one for one, e in boss.elements.items()
             if e["props"].get("label") == "Set" and "aria-label" not in e["props"]]  # fmt: skip
    boss.send(min(given, key=int), "click", {})
    boss.until("by the strategy")
    seat = sight(server, seats)["seats"][0]
    assert (seat["player"], seat["view"]) == ("strategy", "base")


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_links_that_are_made_have_the_scheme_by_which_the_page_came(server, seats, scheme):
    boss = Browser(server.port, seats.links["facilitator"], seats.game, "facilitator")
    boss.more = [f"X-Forwarded-Proto: {scheme}"]  # from a proxy on this machine
    boss.open()
    boss.until("Revoke")
    boss.press("New link")
    boss.until("/join#")
    made = [str(e["props"].get("value")) for e in boss.elements.values() if "/join#" in str(e["props"].get("value"))]
    boss.leave()
    assert made
    assert made[0].startswith(f"{scheme}://127.0.0.1:{server.port}/join#")


def test_what_browsers_are_told(server, seats):
    _, page = Browser(server.port, seats.links["coercer"], seats.game, "coercer").get(f"/play/{seats.game}/coercer")
    head = page.partition(b"\r\n\r\n")[0].decode().lower()
    assert f"content-security-policy: {POLICY}".lower() in head
    assert "cache-control: no-store" in head
    assert "x-frame-options: deny" in head
    assert "referrer-policy: no-referrer" in head


NONSENSE = [
        b'42["event",{}]', b'42["event",null]', b'42["event",{"client_id":"C","id":0,"listener_id":"x","args":["{"]}]',
        b'42["event",{"client_id":"C","id":3,"listener_id":[],"args":7}]', b'42["handshake",{}]', b'42["handshake",7]',
        b'42["javascript_response",{}]', b'42["log",{"client_id":"C","level":"x","message":"m"}]', b'42["ack",{}]',
        b'42["nothing"]', b'42["event",' + b"[" * 9000, b"42{", b"99", b"", b"4", b"40/other,", b"51-[",
    ]  # fmt: skip


def test_nonsense_on_a_socket_harms_nobody(server, seats):
    target = seats("target")
    for words in NONSENSE:
        made = server.ask("POST", "/api/game/links", {"role": "observer"}, seats.links["facilitator"])
        other = Browser(server.port, made["token"], seats.game, "observer").open()
        try:
            other.say(words.replace(b"C", other.client.encode()))
            other.settle(0.05)
        except (ConnectionError, OSError):
            pass
        other.leave()
    target.until("wait")
    seats("coercer").move("Wait")
    target.until("your move")


def test_forms_say_what_is_wrong(server, seats, hosts):
    host = hosts()
    host.fill("Seed (blank: drawn)", 1e30)
    host.press("Open the game")
    host.until("seed")
    host.fill("Seed (blank: drawn)", 7)
    host.fill("What players see it called", " ")
    host.press("Open the game")
    host.until("title")
    coercer = seats("coercer")
    coercer.fill("Message", "x" * 2001)
    coercer.until("A message has 1 to 2000 characters.")
    boss = seats("facilitator")
    boss.press("Bring it about")
    boss.until("at least 1 character")


def knock(port, **headers):
    lines = ["GET /_nicegui_ws/socket.io/?EIO=4&transport=websocket HTTP/1.1", f"Host: 127.0.0.1:{port}",
             "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==",
             "Sec-WebSocket-Version: 13", *(f"{k}: {v}" for k, v in headers.items())]  # fmt: skip
    with socket.create_connection(("127.0.0.1", port), timeout=10) as wire:
        wire.sendall("\r\n".join([*lines, "", ""]).encode())
        return int(wire.recv(100).split()[1])


def test_other_sites_cannot_speak_for_a_page(server):
    assert knock(server.port, Origin="http://evil.example") == 403
    assert knock(server.port, Origin=f"http://127.0.0.1:{server.port}") == 101
    wire = Wire(server.port, "")
    assert wire.ask("GET", "/_nicegui_ws/socket.io/?EIO=4&transport=polling")[0] == 400
    assert wire.ask("POST", "/_nicegui_ws/socket.io/?EIO=4&transport=polling")[0] == 400


def shout(browser, times=2000):
    """Say so much at once, and listen to what comes."""
    for _ in range(times):
        browser.say(b'42["ack",{"client_id":"x","next_message_id":0}]')
    while True:
        browser.hear_one()


def test_a_link_holds_so_many_pages_and_a_page_says_so_much(server, seats):
    pages = [seats("observer") for _ in range(PAGES)]
    status, page = Browser(server.port, seats.links["observer"], seats.game, "observer").get(
        f"/play/{seats.game}/observer"
    )
    assert status == 429
    assert b"Too many requests" in page
    assert seats("coercer").client
    with pytest.raises(ConnectionError):
        shout(pages[0])


def test_a_socket_of_no_page_is_soon_closed(server, seats):
    browser = seats("observer")
    browser.client = "0" * 36
    browser.leave()
    browser.frames.clear()
    browser.connect()
    with pytest.raises(ConnectionError):
        shout(browser, int(STRANGER[0]) + 1)


def test_limits_hold_for_pages(tmp_path):
    with serving(tmp_path, rate=0.5) as found:
        server = Host(*found)
        game, links = server.open()
        one = Browser(server.port, links["observer"], game, "observer")
        assert [one.get(f"/play/{game}/observer/debrief")[0] for _ in range(5)] == [200, 200, 200, 429, 429]


def test_words_of_levels_and_endings_are_the_librarys():
    assert (SQUEEZE, COHESION) == (SQUEEZE_NAMES, COHESION_NAMES)
    assert {k: v for k, v in ENDINGS.items() if k != "stopped"} == ENDING_TITLES


def test_nothing_is_drawn_for_a_browser_that_has_gone(monkeypatch):
    """It leaves just as the game changes: its page is let go of, and what follows the game for it ends."""
    client, drawn, left = SimpleNamespace(is_deleted=False), [], []
    visit = object.__new__(Visit)
    visit.client, visit.sight, visit.caller = client, "before", SimpleNamespace(game="g")
    monkeypatch.setattr(Visit, "_draw", lambda self: drawn.append(self.sight))
    monkeypatch.setattr("standoff.app.table.visit.version", str)

    def sight(caller):
        client.is_deleted = True
        return "after"

    visit.room = SimpleNamespace(listen=lambda game, tell: lambda: left.append(game), still=lambda caller: None,
                                 sight=sight)  # fmt: skip
    asyncio.run(asyncio.wait_for(visit._follow(), 5.0))
    assert (drawn, left) == ([], ["g"])
