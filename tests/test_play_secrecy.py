"""Nothing hidden leaves the server: every byte sent to each client over whole games, and twin games compared.

Twins differ in one hidden thing alone: the other side's type, view, draft, or a message that is not for the client.
Their clients make the same requests, and are sent the same bytes; so are browsers at the pages, whose HTML and whose
socket's messages are compared without the names that are drawn anew for every visit.
"""

import json
import re

import numpy as np
import pytest
from tests.play_pages import Browser, Host, serving
from tests.play_toy import Toys, template
from tests.play_wire import Wire, served

from standoff.app.api import api_app
from standoff.case.asof import event_day
from standoff.case.load import load_case
from standoff.case.new import TEMPLATE
from standoff.play.briefing import rules
from standoff.play.room import Room, Seat
from standoff.play.shelf import Shelf
from standoff.play.store import Store

ROLES = ("coercer", "target", "observer")
WRONG_MOVE = {"key": "wrong", "turn": 999, "move": "hold"}


def make_room(path):
    """A room with a clock and ids that are the same for twins."""
    count = iter(range(10**6))

    def token():
        return f"{next(count):043d}"

    store = Store(path)
    ids = iter(f"id{number}" for number in range(10**6))
    return Room(
        template(), store, Shelf(template(), None, Toys), clock=lambda: 1_900_000_000.0, ids=lambda: next(ids),
        tokens=token,
    )  # fmt: skip


def play(path, *, types, views=("base", "base"), precision=None, drafts=("", ""), secret="", injected=False, seed=12):
    """A whole game by program clients over HTTP and socket; the bytes that each was sent, and what was hidden."""
    room = make_room(path)
    seats = {side: Seat("person", view, precision) for side, view in zip(("coercer", "target"), views, strict=True)}
    _, links = room.open_game("secrecy", seed=seed, types=types, seats=seats, debrief="facilitator")
    boss = room.enter(links["facilitator"])
    rng = np.random.default_rng(3)
    with served(api_app(room, rate=1e6, burst=1e6)) as port:
        clients = {role: Wire(port, links[role]) for role in ROLES}
        for client in clients.values():
            client.join()
            client.hear()
        if secret:
            room.message(boss, "s", "target", secret)
        if injected:
            room.inject(boss, "i", {"what": "scene", "to": "target", "ratio": 1.5, "text": secret})
        while (shown := room.sight(boss)).ending is None:
            side, turn = shown.to_move, shown.turn
            for role, draft in zip(("coercer", "target"), drafts, strict=True):
                if draft:
                    room.draft(room.enter(links[role]), f"{draft} {turn}")
            going = [option for option in shown.options if not option.ends or turn > 5]
            option = going[rng.integers(len(going))]
            for role in ROLES if turn % 3 == 0 else ():
                clients[role].ask("GET", "/api/game")
                clients[role].ask("GET", "/api/rules")
                clients[role].ask("GET", "/api/game/debrief")
                clients[role].ask("GET", "/api/game/events.yaml")
                clients[role].ask("GET", "/api/game/links")
                clients[role].ask("POST", "/api/game/moves", WRONG_MOVE)
            asked = {"key": f"k{turn}", "turn": turn, **vars(option)}
            del asked["ends"]
            if turn % 2:
                clients[side].ask("POST", "/api/game/moves", asked)
            else:
                clients[side].say({"kind": "move", **asked})
            for role in ROLES:
                wanted = [lambda m, turn=turn: m.get("sight", {}).get("turn", -1) > turn]
                if role == side and not turn % 2:
                    wanted.append(lambda m: m["kind"] == "answer")
                clients[role].until(*wanted)
        for role in ROLES:
            clients[role].ask("GET", "/api/game")
            clients[role].ask("GET", "/api/game/debrief")
            clients[role].ask("GET", "/api/game/events.yaml")
            clients[role].leave()
    room.store.close()
    # An answer and the sight that it brings about may overtake one another on a socket: frames in no order.
    return {role: b"".join([*client.heard, *sorted(client.frames)]) for role, client in clients.items()}


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return play(tmp_path_factory.mktemp("plain") / "games.db", types=(0, 0))


@pytest.mark.parametrize(
    ("hidden", "same"),
    [
        ({"types": (0, 1)}, ("coercer", "observer")),
        pytest.param({"types": (1, 0)}, ("target", "observer"), marks=pytest.mark.slow),
        ({"types": (0, 0), "views": ("base", "lume")}, ("coercer", "observer")),
        pytest.param({"types": (0, 0), "views": ("corvania", "base")}, ("target", "observer"), marks=pytest.mark.slow),
        pytest.param({"types": (0, 0), "precision": 2.0}, ("observer",), marks=pytest.mark.slow),
        ({"types": (0, 0), "drafts": ("", "flee at dawn")}, ("coercer", "observer")),
        ({"types": (0, 0), "secret": "the bridge is wired", "injected": True}, ("coercer", "observer")),
    ],
    ids=["target's type", "coercer's type", "target's view", "coercer's view", "precision", "draft", "message"],
)  # fmt: skip
def test_twins_are_sent_the_same_bytes(plain, tmp_path, hidden, same):
    twin = play(tmp_path / "games.db", **hidden)
    for role in same:
        assert twin[role] == plain[role], role
    changed = next(role for role in ("coercer", "target") if role not in same)
    assert twin[changed] != plain[changed]  # the twins did differ


def test_no_byte_names_what_is_hidden(tmp_path):
    case = template().case
    sent = play(
        tmp_path / "games.db", types=(1, 0), views=("corvania", "lume"), drafts=("strike at noon", "flee at dawn"),
        secret="the bridge is wired",
    )  # fmt: skip
    for role, other in (("coercer", "target"), ("target", "coercer")):
        mine, theirs = (case.leader(side) for side in (role, other))
        view = {"coercer": "corvania", "target": "lume"}
        draft = {"coercer": b"strike at noon", "target": b"flee at dawn"}
        assert f'"type":"{mine.types[{"coercer": 1, "target": 0}[role]]}"'.encode() in sent[role]
        assert draft[role] in sent[role]
        for kind in theirs.types:
            assert f'"{kind}"'.encode() not in sent[role]
        assert view[other].encode() not in sent[role].replace(b"lume-harbour", b"").replace(b"Lume", b"")
        assert draft[other] not in sent[role]
        assert b"strategy" not in sent[role]
    for hidden in (b"flee at dawn", b"strike at noon", b"would_do", b'"type"', b"wired"):
        assert hidden not in sent["observer"]
    assert b"wired" not in sent["coercer"]
    assert b"wired" in sent["target"]
    for role in ROLES:
        assert b'"seed"' not in sent[role]
        for part in sentences(template().case):
            assert part.encode() not in sent[role]


def sentences(case):
    """Sentences of a case's summary, in small parts that no escape splits."""
    return [part.strip() for part in re.split(r"[^A-Za-z0-9 ]", case.crisis.summary) if len(part.strip()) > 25]


@pytest.mark.parametrize("name", ["venezuela-2025", "haiti-1994", "panama-1989", TEMPLATE], ids=str)
def test_players_are_told_nothing_of_a_case_after_its_beginning(name):
    case = load_case(name).case
    told, inside = (rules(case, inside=inside).model_dump_json() for inside in (False, True))
    assert sentences(case)
    for part in sentences(case):
        assert part not in told
        assert part in inside
    later = [event for event in case.events if event_day(event) >= case.crisis.starts]
    assert later
    for event in later:
        assert event.title not in told
    earlier = {event.title for event in case.events} - {event.title for event in later}
    assert {one["title"] for one in json.loads(told)["before"]} <= earlier
    dated = re.compile(r"\((?:[^()]*\d|[^()]*the demand|[^()]*September)[^()]*\)$")
    for part in ("ladder", "packages"):
        assert not [one["title"] for one in json.loads(told)[part] if dated.search(one["title"])]


def test_the_shipped_cases_tell_players_what_was_public_before():
    told = {name: rules(load_case(name).case, inside=False).before for name in ("venezuela-2025", "haiti-1994")}
    assert [one.date for one in told["haiti-1994"]][:2] == ["16 December 1990", "30 September 1991"]
    assert "Presidential election" in told["venezuela-2025"][0].title
    assert rules(template().case, inside=False).before == []


def test_the_rules_of_a_role(tmp_path):
    room = make_room(tmp_path / "games.db")
    _, links = room.open_game("rules", seed=1)
    summary = room.case.crisis.summary
    with served(api_app(room, rate=1e6, burst=1e6)) as port:
        for role, told in links.items():
            status, found = Wire(port, told).ask("GET", "/api/rules")
            assert status == 200
            assert (found.get("summary") == summary) == (role == "facilitator")
            assert ("summary" in found) == (role == "facilitator")
    room.store.close()


def test_a_players_words_have_no_field_for_the_other():
    """The models themselves: nothing under a player's sight is named for the other side's secrets."""
    from standoff.play.sight import PlayerSight

    words = json.dumps(PlayerSight.model_json_schema())
    for field in ('"seats"', '"seed"', '"by"', '"late"', '"player"', '"ratio"'):
        assert field not in words


# -- pages ------------------------------------------------------------------------------------------------------------

SEED = 716_151_413_121_110_987
"""A seed whose digits stand nowhere by chance."""


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("pages")) as found:
        yield Host(*found)


def play_in_pages(host, *, types, views=("base", "base"), precision=None, drafts=("", ""), secret="", injected=False):
    """A whole game before browsers at the pages, moved over the API; what each was sent, and the links."""
    seats = {side: {"view": view, "precision": precision if side == "target" else None}
             for side, view in zip(("coercer", "target"), views, strict=True)}  # fmt: skip
    game, links = host.open(seed=SEED, types=types, debrief="facilitator", **seats)
    browsers = {role: Browser(host.port, links[role], game, role).open() for role in ROLES}
    boss = links["facilitator"]
    if secret:
        host.ask("POST", "/api/game/messages", {"key": "s", "to": "target", "text": secret}, boss)
    if injected:
        scene = {"what": "scene", "to": "target", "ratio": 1.5, "text": secret}
        host.ask("POST", "/api/game/injections", {"key": "i", "injection": scene}, boss)
    rng = np.random.default_rng(3)
    while (shown := host.ask("GET", "/api/game", token=boss)["sight"])["ending"] is None:
        side, turn = shown["to_move"], shown["turn"]
        for role, draft in zip(("coercer", "target"), drafts, strict=True):
            if draft:
                host.ask("PUT", "/api/game/draft", {"text": f"{draft} {turn}"}, links[role])
        for role in ROLES if turn % 2 else ():
            browsers[role].get(f"/play/{game}/{role}")
            browsers[role].get(f"/play/{game}/{role}/debrief")
            browsers[role].get(f"/play/{game}/{role}/events.yaml")
        going = [option for option in shown["options"] if not option["ends"] or turn > 5]
        option = going[rng.integers(len(going))]
        asked = {k: v for k, v in option.items() if k != "ends" and v is not None}
        host.ask("POST", "/api/game/moves", {"key": f"k{turn}", "turn": turn, **asked}, links[side])
        for browser in browsers.values():
            browser.until(lambda words, turn=turn: words.count('<li class="move') > turn)
    for role, browser in browsers.items():
        browser.settle(0.1)
        browser.get(f"/play/{game}/{role}")
        browser.get(f"/play/{game}/{role}/debrief")
        browser.leave()
    return {role: browser.told() for role, browser in browsers.items()}, links


@pytest.fixture(scope="module")
def plain_pages(pages):
    return play_in_pages(pages, types=(0, 0))[0]


@pytest.mark.parametrize(
    ("hidden", "same"),
    [
        ({"types": (0, 1)}, ("coercer", "observer")),
        ({"types": (1, 0)}, ("target", "observer")),
        ({"types": (0, 0), "views": ("base", "lume")}, ("coercer", "observer")),
        ({"types": (0, 0), "views": ("corvania", "base")}, ("target", "observer")),
        ({"types": (0, 0), "views": ("base", "lume"), "precision": 2.0}, ("coercer", "observer")),
        ({"types": (0, 0), "drafts": ("", "flee at dawn")}, ("coercer", "observer")),
        ({"types": (0, 0), "secret": "the bridge is wired", "injected": True}, ("coercer", "observer")),
    ],
    ids=["target's type", "coercer's type", "target's view", "coercer's view", "precision", "draft", "message"],
)  # fmt: skip
def test_pages_of_twins_are_sent_the_same_bytes(pages, plain_pages, hidden, same):
    twin, _ = play_in_pages(pages, **hidden)
    for role in same:
        assert twin[role] == plain_pages[role], role
    changed = next(role for role in ("coercer", "target") if role not in same)
    assert twin[changed] != plain_pages[changed]  # the twins did differ


def test_no_byte_of_a_page_names_what_is_hidden(pages):
    sent, links = play_in_pages(
        pages, types=(1, 0), views=("corvania", "lume"), drafts=("strike at noon", "flee at dawn"),
        secret="the bridge is wired",
    )  # fmt: skip
    assert b"View: corvania." in sent["coercer"]
    assert b"View: lume." in sent["target"]
    assert b"strike at noon" in sent["coercer"]
    assert b"the bridge is wired" in sent["target"]
    for role, other in (("coercer", "target"), ("target", "coercer"), ("observer", "")):
        whole = sent[role]
        assert str(SEED).encode() not in whole
        for part in sentences(template().case):
            assert part.encode() not in whole
        for token in links.values():
            assert token.encode() not in whole
        for words, whose in ((b"flee at dawn", "target"), (b"strike at noon", "coercer"), (b"View: lume", "target"),
                             (b"View: corvania", "coercer"), (b"the bridge is wired", "target")):  # fmt: skip
            assert (words in whole) == (whose == role), (role, other, words)


def test_the_summary_is_on_the_facilitators_page_and_in_the_debrief_alone(pages):
    game, links = pages.open(seed=3)
    parts = [part.encode() for part in sentences(template().case)]

    def told(role, path=""):
        status, page = Browser(pages.port, links[role], game, role).get(f"/play/{game}/{role}{path}")
        assert status == 200
        return [part in page for part in parts]

    everywhere, nowhere = [True] * len(parts), [False] * len(parts)
    assert told("facilitator") == everywhere
    for role in ROLES:
        assert told(role) == told(role, "/debrief") == nowhere
    stop = {"key": "stop", "injection": {"what": "stop"}}
    pages.ask("POST", "/api/game/injections", stop, links["facilitator"])
    for role in ROLES:
        assert told(role) == nowhere
        assert told(role, "/debrief") == everywhere
