"""A whole game of two players, each in a browser of his own, and of those who run it and look on, in Chromium.

Nothing comes from elsewhere, nothing goes wrong, axe-core finds no serious barrier (`npm ci` in `tests/browser`), and
each page fits its screen. Screenshots are kept in the folder that `STANDOFF_SHOTS` names, else beside the test's files;
`STANDOFF_SHOTS_CASE` plays another case than the template.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.test_app_browser import AXE, FLAGS, NARROW, SETTLED, SIZES, WIDE, Watched

from standoff.case.new import TEMPLATE

pytestmark = pytest.mark.slow
sync_api = pytest.importorskip("playwright.sync_api")

CASE = os.environ.get("STANDOFF_SHOTS_CASE", str(TEMPLATE))
CABLE, NEWS = "Shall we meet on neutral ground?", "A storm closes the harbour for two days."


class Server:
    """A server of games, which can be killed and started again."""

    def __init__(self, base):
        self.base, self.starts = base, 0
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            self.port = one.getsockname()[1]
        self.start()

    def start(self):
        """Start it, and wait for the host's link."""
        words = ["play", CASE, "--db", str(self.base / "games.db"), "--port", str(self.port), "--seed", "11"]
        here = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "NICEGUI"))}
        self.starts += 1
        log = self.base / f"log-{self.starts}"
        with log.open("w") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-c", "import standoff.cli.play; from standoff.cli import main; main()", *words],
                stdout=out, stderr=subprocess.STDOUT, env=here,
            )  # fmt: skip
        for _ in range(1200):
            if found := re.search(r"open and run games: (\S+)", log.read_text()):
                self.link = found[1]
                break
            assert self.process.poll() is None, log.read_text()
            time.sleep(0.2)

    def kill(self):
        """End it without warning."""
        self.process.kill()
        self.process.wait(20)

    def stop(self):
        """End it; nothing has failed in it."""
        self.process.terminate()
        self.process.wait(20)
        for log in self.base.glob("log-*"):
            assert "Traceback" not in log.read_text(), log.read_text()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    found = Server(tmp_path_factory.mktemp("play"))
    yield found
    found.stop()


@pytest.fixture(scope="module")
def chromium():
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("needs Debian's chromium")
    with sync_api.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def shots(tmp_path):
    folder = Path(os.environ.get("STANDOFF_SHOTS") or tmp_path / "shots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


class Seat(Watched):
    """A browser at a seat."""

    def __init__(self, chromium, link):
        super().__init__(chromium, re.match(r"http://[^/]+", link)[0], WIDE)
        for _ in range(40):  # the server answers a moment after it has said where
            try:
                self.page.goto(link)
                break
            except sync_api.Error:
                time.sleep(0.5)
        self.page.wait_for_selector(".desk h1", timeout=60_000)

    def says(self, words):
        self.page.get_by_text(words).first.wait_for(timeout=20_000)

    def move(self, name):
        """Choose a move, and confirm it."""
        self.page.get_by_role("radio", name=name).first.check()
        self.page.get_by_role("button", name="Make this move").click()
        self.page.get_by_role("button", name="Confirm").click()
        self.says("Accepted and on record")

    def shoot(self, folder, name):
        """The page as it is, wide and narrow, light and dark: one screen, no serious barrier."""
        for scheme in ("light", "dark"):
            self.page.emulate_media(color_scheme=scheme)
            for size in (WIDE, NARROW):
                self.page.set_viewport_size({"width": size[0], "height": size[1]})
                self.page.wait_for_function(SETTLED, timeout=30_000)
                self.page.wait_for_timeout(500)
                self.page.screenshot(path=folder / f"{name}-{size[0]}-{scheme}.png", full_page=size == NARROW)
                width, height, seen, tall = self.page.evaluate(SIZES)
                if width > seen or (size == WIDE and height > tall):
                    self.wrong.append((name, size, "does not fit", width, height))
                self.barriers(f"{name} {size[0]} {scheme}")
        self.page.set_viewport_size({"width": WIDE[0], "height": WIDE[1]})
        self.page.emulate_media(color_scheme="light")
        self.page.wait_for_timeout(200)

    def barriers(self, where):
        if not AXE.is_file():
            return
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found = self.page.evaluate("axe.run(document, {preload: false, resultTypes: ['violations']})")
        self.wrong += [(where, v["id"], v["nodes"][0]["html"][:300]) for v in found["violations"]
                       if v["impact"] in ("serious", "critical")]  # fmt: skip


def opened(host, folder):
    """Open a game on the host's page; the links by role."""
    page = host.page
    page.get_by_label("What players see it called").fill("A game in browsers")
    page.get_by_label("Seconds a move").fill("900")
    page.get_by_label("Seed").fill("11")
    host.shoot(folder, "host")
    page.get_by_role("button", name="Open the game").click()
    host.says("The game is open.")
    page.wait_for_timeout(300)
    host.shoot(folder, "host-links")
    fields = page.locator(".once input")
    assert fields.count() == 4
    links = [fields.nth(k).input_value() for k in range(4)]
    assert len(set(links)) == 4
    page.get_by_role("button", name="Go to the facilitator").click()
    page.wait_for_url("**/facilitator")
    host.says("You run this game")
    return dict(zip(("facilitator", "coercer", "target", "observer"), links, strict=True))


def test_a_whole_game_in_browsers(server, chromium, shots):
    boss = Seat(chromium, server.link)
    links = opened(boss, shots)
    coercer, target, observer = (Seat(chromium, links[role]) for role in ("coercer", "target", "observer"))
    every = (boss, coercer, target, observer)

    boss.page.get_by_role("button", name="New link").click()
    boss.says("Shown once")
    boss.page.get_by_text("Who plays it, view and precision").nth(1).click()
    boss.page.wait_for_timeout(400)
    boss.shoot(shots, "facilitator-links")
    coercer.says("your move")
    target.says("wait")
    target.page.get_by_text("What endings pay you").click()
    target.page.wait_for_timeout(400)
    target.shoot(shots, "leader-waits")
    coercer.page.get_by_role("radio").nth(2).check()
    coercer.says("is expected to answer")
    coercer.shoot(shots, "leader-moves")
    coercer.page.get_by_role("button", name="Make this move").click()
    coercer.says("It cannot be taken back.")
    coercer.page.wait_for_timeout(400)
    coercer.shoot(shots, "leader-confirms")
    coercer.page.get_by_role("button", name="Not yet").click()
    coercer.move("Wait")
    target.says("your move")
    target.move("Refuse and wait")

    coercer.says("Round 2 of")
    coercer.page.get_by_role("textbox", name="Message").fill(CABLE)
    coercer.page.get_by_role("button", name="Send").click()
    target.says(CABLE)
    for tab in ("Files", "Cables"):
        boss.page.get_by_role("tab", name=tab).click()
        boss.page.wait_for_timeout(400)
        boss.shoot(shots, f"facilitator-{tab.lower()}")
    boss.page.get_by_role("tab", name="Bring about").click()
    boss.page.get_by_label("What is told").fill(NEWS)
    boss.shoot(shots, "facilitator-brings-about")
    boss.page.get_by_role("button", name="Bring it about").click()
    for one in every:
        one.says(NEWS)
    assert observer.page.get_by_text(CABLE).count() == 0
    coercer.page.get_by_role("radio", name=re.compile("Climb")).first.check()
    coercer.move(re.compile("Climb"))
    target.says("your move")
    target.move("Show strength")

    coercer.says("Round 3 of")
    coercer.move(re.compile("Offer"))
    target.says("your move")
    for name, one in (("facilitator", boss), ("observer", observer), ("leader-answers", target)):
        one.shoot(shots, name)
    target.move(re.compile("Accept"))
    for one in every:
        one.says("Read the debrief.")
    coercer.shoot(shots, "leader-after")
    for name, one in (("facilitator", boss), ("coercer", coercer), ("target", target), ("observer", observer)):
        one.page.get_by_role("link", name="Read the debrief.").click()
        one.says("What did each believe, and what did each misread?")
        one.shoot(shots, f"debrief-{name}")
    with observer.page.expect_download() as waiting:
        observer.page.get_by_role("link", name="Event file").click()
    assert "A game played on the case" in Path(waiting.value.path()).read_text()
    with boss.page.expect_download() as waiting:
        boss.page.get_by_role("link", name="Debrief as JSON").click()
    assert len(json.loads(Path(waiting.value.path()).read_text())["decisions"]) == 6
    assert [each for one in every for each in one.wrong] == []
    for one in every:
        one.context.close()


def test_against_a_strategy_on_a_server_that_is_killed(server, chromium):
    boss = Seat(chromium, server.link)
    boss.page.get_by_label("Seed").fill("11")
    boss.page.get_by_label("Who plays it").nth(1).click()
    boss.page.get_by_role("option", name="The solved strategy").click()
    boss.page.get_by_role("button", name="Open the game").click()
    boss.says("The game is open.")
    coercer = Seat(chromium, boss.page.locator(".once input").nth(1).input_value())
    coercer.move("Wait")
    coercer.says("Round 2 of")
    record = coercer.page.locator(".record").inner_text()
    assert coercer.wrong == []
    server.kill()
    coercer.says("Connection lost.")
    server.start()
    coercer.page.get_by_text("Connection lost.").wait_for(state="hidden", timeout=60_000)
    coercer.says("Round 2 of")
    assert coercer.page.locator(".record").inner_text() == record
    coercer.move("Wait")
    coercer.says("Round 3 of")
    for one in (boss, coercer):
        one.context.close()
