"""The HTTP and WebSocket API: who is let in, what is refused and how, what browsers are told; no failure of ours."""

import asyncio
import contextlib
import json

import httpx
import pytest
from tests.play_toy import Toys, template
from tests.play_wire import Wire, served
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from standoff.app.api import api_app, caller_of, cookie_name
from standoff.app.api_doors import BODY, PROXIES
from standoff.play.refusal import Refused
from standoff.play.room import Room
from standoff.play.seats import new_token
from standoff.play.shelf import Shelf
from standoff.play.store import Store


@pytest.fixture
def room(tmp_path):
    store = Store(tmp_path / "games.db")
    yield Room(template(), store, Shelf(template(), None, Toys))
    store.close()


@pytest.fixture
def links(room):
    return room.open_game("test", seed=5)[1]


@contextlib.contextmanager
def asking(app):
    with served(app) as port, httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        yield client


@pytest.fixture
def client(room):
    with asking(api_app(room, rate=1e6, burst=1e6)) as found:
        yield found


def with_link(token):
    return {"Authorization": f"Bearer {token}"}


def test_a_move_over_http(client, links):
    asked = {"key": "a", "turn": 0, "move": "climb", "rung": "patrols"}
    answer = client.post("/api/game/moves", json=asked, headers=with_link(links["coercer"]))
    assert (answer.status_code, answer.json()["accepted"]["move"]) == (200, "climb")
    again = client.post("/api/game/moves", json=asked, headers=with_link(links["coercer"]))
    assert again.content == answer.content
    seen = client.get("/api/game", headers=with_link(links["target"])).json()
    assert seen["sight"]["record"][0]["rung"] == "patrols"
    assert seen["sight"]["mine"]["options"]
    late = client.get(f"/api/game?after={seen['version']}", headers=with_link(links["target"]))
    assert (late.status_code, late.content) == (204, b"")


def test_who_is_not_let_in(client, links):
    assert client.get("/api/game").status_code == 401
    for wrong in (new_token(), "qqq", links["coercer"][:-1], "é"):
        answer = client.get("/api/game", headers={"Authorization": f"Bearer {wrong}".encode()})
        assert answer.status_code == 401
        assert "does not hold" in answer.json()["detail"]
        assert wrong not in answer.text
    assert client.get("/api/game", headers={"Authorization": f"Basic {links['coercer']}"}).status_code == 401
    assert client.get(f"/api/game?token={links['coercer']}").status_code == 401
    assert client.get("/api/games", headers=with_link(links["facilitator"])).status_code == 403


NONSENSE = [
        ("/api/game/moves", {"key": "a", "turn": 0, "move": "hold", "extra": 1}),
        ("/api/game/moves", {"key": "", "turn": 0, "move": "hold"}),
        ("/api/game/moves", {"key": "a\u0000", "turn": 0, "move": "hold"}),
        ("/api/game/moves", {"key": "a", "turn": -1, "move": "hold"}),
        ("/api/game/moves", {"key": "a", "turn": 0, "move": "teleport"}),
        ("/api/game/moves", {"key": "a", "turn": 0, "move": "climb", "rung": "protest"}),
        ("/api/game/messages", {"key": "a", "to": "target", "text": "\ud800"}),
        ("/api/game/messages", {"key": "a", "to": "target", "text": "x" * 2001}),
        ("/api/game/messages", {"key": "a", "to": "target", "text": "\u0000\u0007"}),
        ("/api/game/messages", {"key": "a", "to": "nobody", "text": "x"}),
        ("/api/game/moves", [1]), ("/api/game/moves", "a"), ("/api/game/moves", None),
    ]  # fmt: skip


def test_nonsense_is_refused(client, links):
    for path, content in NONSENSE:
        answer = client.post(path, content=json.dumps(content).encode(), headers=with_link(links["coercer"]))
        assert answer.status_code == 422, (content, answer.text)
        assert isinstance(answer.json()["detail"], str)


def test_numbers_that_are_none_are_refused(client, links):
    boss = with_link(links["facilitator"]) | {"Content-Type": "application/json"}
    for text in (
        '{"running": true, "seconds": NaN}',
        '{"running": true, "seconds": 1e999}',
        '{"running": true,',
        "[" * 9000,
    ):
        assert client.put("/api/game/clock", content=text, headers=boss).status_code in (400, 422)
    assert client.get("/api/game?wait=nan", headers=boss).status_code == 422


def test_what_browsers_are_told(client, links):
    answer = client.get("/api/game", headers=with_link(links["coercer"]))
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-security-policy"] == "default-src 'none'"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "access-control-allow-origin" not in answer.headers
    assert client.get("/docs").status_code == 404  # it would load scripts from elsewhere


def test_other_sites_and_names_are_turned_away(client, links):
    asked = {"key": "a", "turn": 0, "move": "hold"}
    evil = with_link(links["coercer"]) | {"Origin": "http://evil.example"}
    assert client.post("/api/game/moves", json=asked, headers=evil).status_code == 403
    assert client.post("/api/session", headers=evil).status_code == 403
    for host in ("evil.example", "127.0.0.1.evil.example", "127.0.0.1:x"):
        assert client.get("/api/health", headers={"Host": host}).status_code == 421
    for host in ("localhost:8080", "127.0.0.1", "[::1]:8080", "192.168.1.5:80"):
        assert client.get("/api/health", headers={"Host": host}).status_code == 200
    good = with_link(links["coercer"]) | {"Origin": str(client.base_url).rstrip("/")}
    assert client.post("/api/game/moves", json=asked, headers=good).status_code == 200
    knock = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Key": "MDEyMzQ1Njc4OWFiY2RlZg==",
             "Sec-WebSocket-Version": "13", "Origin": "http://evil.example"}  # fmt: skip
    assert client.get("/api/game/live", headers=knock).status_code == 403


def test_a_cookie_opens_pages_and_not_the_api(client, room, links):
    answer = client.post("/api/session", headers=with_link(links["coercer"]))
    game = answer.json()["game"]
    assert answer.json()["page"] == f"/play/{game}/coercer"
    words = answer.headers["set-cookie"].lower()
    assert "httponly" in words
    assert "samesite=strict" in words
    assert "expires" not in words
    name = cookie_name(game, "coercer")
    assert caller_of(room, client.cookies, game, "coercer").side == "coercer"
    assert client.get("/api/game").status_code == 401  # the cookie went with it
    for wrong in ({}, {name: new_token()}, {cookie_name(game, "target"): links["coercer"]}):
        with pytest.raises(Refused):
            caller_of(room, wrong, game, "target")
    page = client.get("/join")
    assert page.status_code == 200
    assert "script-src 'nonce-" in page.headers["content-security-policy"]


def cookie_of(app, link, client, **headers):
    """The cookie that a server with the proxies it believes gives to whoever comes from an address."""

    async def ask():
        transport = httpx.ASGITransport(ProxyHeadersMiddleware(app, PROXIES), client=(client, 9))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as one:
            answer = await one.post("/api/session", headers=with_link(link) | headers)
            assert answer.status_code == 200
            return answer.headers["set-cookie"]

    return asyncio.run(ask())


@pytest.mark.parametrize(
    ("behind_https", "client", "headers", "secure"),
    [
        (False, "127.0.0.1", {}, False),
        (False, "127.0.0.1", {"X-Forwarded-Proto": "https"}, True),
        (False, "127.0.0.1", {"X-Forwarded-Proto": "http"}, False),
        (False, "::1", {"X-Forwarded-Proto": "https"}, True),
        (False, "203.0.113.9", {"X-Forwarded-Proto": "https"}, False),
        (True, "203.0.113.9", {}, True),
        (True, "127.0.0.1", {"X-Forwarded-Proto": "http"}, True),
    ],
)
def test_a_cookie_that_came_by_https_goes_by_nothing_else(room, links, behind_https, client, headers, secure):
    app = api_app(room, rate=1e6, burst=1e6, secure=behind_https)
    assert ("Secure" in cookie_of(app, links["coercer"], client, **headers).split("; ")) == secure


def test_a_server_believes_a_proxy_on_this_machine(client, links):
    answer = client.post("/api/session", headers=with_link(links["coercer"]) | {"X-Forwarded-Proto": "https"})
    assert answer.headers["set-cookie"].endswith("; Secure")


def test_too_much_is_not_read(client, links):
    big = b" " * (BODY + 1)
    head = with_link(links["coercer"])
    assert client.post("/api/game/moves", content=big, headers=head).status_code == 413
    chunks = (b" " * 1000 for _ in range(100))
    assert client.post("/api/game/moves", content=chunks, headers=head).status_code == 413


def test_limits(room, links):
    with asking(api_app(room, rate=0.001, burst=5.0)) as client:
        head = with_link(links["coercer"])
        assert [client.get("/api/rules", headers=head).status_code for _ in range(6)] == [200] * 5 + [429]
        assert int(client.get("/api/rules", headers=head).headers["retry-after"]) > 100
        assert client.get("/api/rules", headers=with_link(links["target"])).status_code == 200
        wrong = [client.get("/api/rules", headers=with_link(new_token())).status_code for _ in range(24)]
        assert wrong[:20] == [401] * 20
        assert wrong[-1] == 429


def test_the_host_opens_games(client, room):
    host = with_link(room.host_link())
    asked = {"title": "by API", "target": {"player": "strategy", "view": "lume", "precision": 2}, "types": [1, 0]}
    answer = client.post("/api/games", json=asked, headers=host)
    while answer.status_code == 409:  # being solved in the background
        assert "retry-after" in answer.headers
        answer = client.post("/api/games", json=asked, headers=host)
    assert answer.status_code == 201
    links = answer.json()["links"]
    boss = with_link(links["facilitator"])
    assert client.get("/api/games", headers=host).json()[0]["title"] == "by API"
    seats = client.get("/api/game", headers=boss).json()["sight"]["seats"]
    assert [(s["type"], s["player"], s["precision"]) for s in seats] == [
        ("determined", "person", None), ("flexible", "strategy", 2.0)
    ]  # fmt: skip
    made = client.post("/api/game/links", json={"role": "observer"}, headers=boss).json()
    head = with_link(made["token"])
    assert client.get("/api/game", headers=head).status_code == 200
    assert client.delete(f"/api/game/links/{made['id']}", headers=boss).status_code == 204
    assert client.get("/api/game", headers=head).status_code == 401
    inject = {"key": "i", "injection": {"what": "news", "text": "A storm."}}
    assert client.post("/api/game/injections", json=inject, headers=boss).status_code == 200
    assert client.put("/api/game/clock", json={"running": False}, headers=boss).status_code == 204
    assert client.put("/api/game/seats/nature", json={}, headers=boss).status_code == 422
    assert client.get("/api/game/events.yaml", headers=boss).text.startswith("# A game played on")
    assert client.get("/api/game", headers=host).status_code == 403


def test_sockets_tell_and_take_moves(room, links):
    with served(api_app(room, rate=1e6, burst=1e6)) as port:
        coercer, target = Wire(port, links["coercer"]), Wire(port, links["target"])
        for one in (coercer, target):
            one.join()
            assert one.hear()["sight"]["turn"] == 0
        coercer.say({"kind": "move", "key": "a", "turn": 0, "move": "hold"})
        coercer.until(lambda m: m["kind"] == "answer" and m["key"] == "a", lambda m: m["kind"] == "sight")
        assert target.hear()["sight"]["to_move"] == "target"
        target.say({"kind": "move", "key": "b", "turn": 0, "move": "defy"})
        refused = target.hear()
        assert (refused["kind"], refused["status"]) == ("refused", 409)
        target.say({"kind": "message", "key": "c", "to": "coercer", "text": "Let us talk."})
        coercer.until(lambda m: m["kind"] == "sight" and m["sight"]["messages"])
        target.say({"kind": "dance"})
        target.until(lambda m: m["kind"] == "refused" and m["status"] == 422)
        boss = room.enter(links["facilitator"])
        for row in room.links(boss):
            if row["role"] == "target":
                room.revoke(boss, row["id"])
        while not isinstance(told := target.hear(), tuple):
            pass
        assert told == ("close", 4401)
        stranger = Wire(port, new_token())
        stranger.join()
        assert stranger.hear() == ("close", 4401)
        coercer.say(b"[1, 2")
        while not isinstance(told := coercer.hear(), tuple):
            pass
        assert told == ("close", 4400)
        for one in (coercer, target, stranger):
            one.leave()


def test_waiting_for_news(room, links):
    import threading

    with served(api_app(room, rate=1e6, burst=1e6)) as port:
        target, coercer = Wire(port, links["target"]), Wire(port, links["coercer"])
        _, first = target.ask("GET", "/api/game")
        found = []
        waiting = threading.Thread(
            target=lambda: found.append(target.ask("GET", f"/api/game?after={first['version']}&wait=20"))
        )
        waiting.start()
        coercer.ask("PUT", "/api/game/draft", {"text": "not for you"})
        waiting.join(0.3)
        assert not found
        coercer.ask("POST", "/api/game/moves", {"key": "a", "turn": 0, "move": "hold"})
        waiting.join(20)
        assert found[0][1]["sight"]["turn"] == 1


def test_the_api_is_described(client):
    found = client.get("/api/openapi.json").json()
    paths = {path for path in found["paths"] if path.startswith("/api/game")}
    assert {"/api/game", "/api/game/moves", "/api/game/debrief", "/api/game/links/{link}"} <= paths
    for path, methods in found["paths"].items():
        for method in methods.values():
            assert method.get("description"), path


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("role", ["coercer", "facilitator", "host", "nobody"])
def test_no_request_makes_it_fail(room, role):
    """Requests drawn from the API's own description, and broken ones: never an answer of 5xx."""
    import schemathesis
    from hypothesis import HealthCheck, given, settings

    _, links = room.open_game("fuzz", seed=1)
    token = {"host": room.host_link(), "nobody": "", **links}[role]
    counts = {}
    with served(api_app(room, rate=1e9, burst=1e9)) as port:
        schema = schemathesis.openapi.from_url(f"http://127.0.0.1:{port}/api/openapi.json")
        for result in schema.get_all_operations():
            operation = result.ok()

            @settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
            @given(case=operation.as_strategy(generation_mode=schemathesis.GenerationMode.NEGATIVE)
                   | operation.as_strategy(generation_mode=schemathesis.GenerationMode.POSITIVE))  # fmt: skip
            def attack(case):
                if case.query:
                    case.query = {k: v for k, v in case.query.items() if k != "wait"}
                answer = case.call(headers=with_link(token) if token else {})
                counts[answer.status_code] = counts.get(answer.status_code, 0) + 1
                assert answer.status_code < 500, (case.method, case.path, case.body, answer.text)

            attack()
    assert sum(counts.values()) > 300
    assert set(counts) - {401, 421} or role == "nobody", counts
