"""Every page in headless Chromium, wide and narrow: nothing from elsewhere, no error, no barrier, one screen.

Screenshots are kept in the folder that `STANDOFF_SHOTS` names, if any. axe-core needs `npm ci` in `tests/browser`.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
import xarray as xr
from tests.test_report import asked, sequels, tree

from standoff.case.load import load_case
from standoff.case.new import TEMPLATE

pytestmark = pytest.mark.slow
sync_api = pytest.importorskip("playwright.sync_api")

CASE = "haiti-1994"
AXE = Path(__file__).parent / "browser" / "node_modules" / "axe-core" / "axe.min.js"
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-component-update",
    "--disable-background-networking", "--disable-sync",
]  # fmt: skip
WIDE, NARROW = (1440, 900), (390, 844)
PAINT = "(performance.getEntriesByName('first-contentful-paint')[0] || {}).startTime"
SIZES = "[document.documentElement.scrollWidth, document.documentElement.scrollHeight, innerWidth, innerHeight]"
SETTLED = (
    "document.querySelectorAll('.nicegui-echart').length === document.querySelectorAll('.nicegui-echart svg').length"
)


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """The address of a served case with a run, but no scores."""
    loaded, runs = load_case(CASE), tmp_path_factory.mktemp("runs")
    made = tree(loaded)
    whole = xr.DataTree.from_dict({n: c.to_dataset() for n, c in made.children.items()} | sequels(loaded))
    whole.attrs.update(made.attrs)
    whole.to_zarr(runs / "run" / "results.zarr", consolidated=False)
    for name, data in asked(loaded).items():
        data.to_zarr(runs / "run" / f"{name}.zarr", consolidated=False)
    (runs / "run" / "manifest.json").write_text(f'{{"digest": "{loaded.digest}", "complete": true, "written": "2026"}}')
    with serving(CASE, runs) as address:
        yield address


@contextmanager
def serving(case, runs):
    """The address at which a case with a folder of runs is served."""
    code = "import standoff.cli.serve; from standoff.cli import main; main()"
    words = ["serve", str(case), "--runs", str(runs), "--no-open"]
    here = {
        k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "NICEGUI"))
    }  # or it takes itself for a test
    with (runs / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", code, *words], stdout=log, stderr=subprocess.STDOUT, env=here
        )  # fmt: skip
    address = None
    for _ in range(600):
        found = re.search(r"http://\S+", (runs / "log").read_text())
        if found:
            address = found[0]
            break
        assert process.poll() is None, (runs / "log").read_text()
        time.sleep(0.2)
    yield address
    process.terminate()
    process.wait(20)


@pytest.fixture(scope="module")
def chromium():
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("needs Debian's chromium")
    with sync_api.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


class Watched:
    """A browser page that keeps what went wrong in it."""

    def __init__(self, chromium, address, size, scheme="light"):
        self.address, self.wrong = address, []
        self.context = chromium.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)
        self.page = self.context.new_page()
        self.page.on("console", lambda m: m.type in ("error", "warning") and self.wrong.append(m.text))
        self.page.on("pageerror", lambda e: self.wrong.append(str(e)))
        self.page.on("request", self._asked)

    def _asked(self, request):
        if not request.url.startswith((self.address, self.address.replace("http", "ws", 1), "data:", "blob:")):
            self.wrong.append(f"asked {request.url}")

    def open(self, path):
        for attempt in range(20):  # the server answers a moment after it has said where
            try:
                self.page.goto(self.address + path)
                break
            except sync_api.Error:
                if attempt == 19:
                    raise
                time.sleep(0.5)
        self.page.wait_for_selector("h1", timeout=30_000)
        self.page.wait_for_timeout(400)
        self.page.wait_for_function(SETTLED, timeout=30_000)
        self.page.wait_for_timeout(300)


def addresses(watched):
    watched.open("/")
    watched.page.wait_for_selector("nav a")
    return [a.get_attribute("href") for a in watched.page.query_selector_all("nav a")]


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page(desk, chromium, size, scheme):
    watched = Watched(chromium, desk, size, scheme)
    paths = addresses(watched)
    assert len(paths) >= 8
    paints = []
    for path in paths:
        watched.open(path)
        width, height, seen, tall = watched.page.evaluate(SIZES)
        assert width <= seen, path
        if size == WIDE:
            assert height <= tall, path
        paints.append(watched.page.evaluate(PAINT))
        if folder := os.environ.get("STANDOFF_SHOTS"):
            name = f"{path.strip('/')}-{size[0]}-{scheme}.png"
            watched.page.screenshot(path=Path(folder) / name, full_page=size == NARROW)
    assert watched.wrong == []
    print("first paint, ms:", dict(zip(paths, paints, strict=True)))
    # 1 s is the goal on a quiet machine (docs/app.md); a busy one gets three times that.
    assert sorted(paints)[len(paints) // 2] < 3000
    watched.context.close()


@pytest.mark.skipif(not AXE.is_file(), reason="needs `npm ci` in tests/browser")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_barrier(desk, chromium, scheme):
    watched = Watched(chromium, desk, WIDE, scheme)
    for path in addresses(watched):
        watched.open(path)
        watched.page.evaluate(AXE.read_text(encoding="utf-8"))
        found = watched.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        serious = [(v["id"], v["nodes"][0]["html"][:200]) for v in found["violations"]
                   if v["impact"] in ("serious", "critical")]  # fmt: skip
        assert serious == [], path
    watched.context.close()


def test_the_keyboard_leads_past_the_bar_and_everywhere(desk, chromium):
    watched = Watched(chromium, desk, WIDE)
    watched.open("/crisis")
    watched.page.keyboard.press("Tab")
    assert watched.page.evaluate("document.activeElement.textContent") == "Skip to main content"
    names = set()
    for _ in range(40):
        watched.page.keyboard.press("Tab")
        names.add(watched.page.evaluate(
            "document.activeElement.getAttribute('aria-label') || document.activeElement.textContent"
        ))  # fmt: skip
    assert {"Crisis", "Numbers", "Copy a link to this state", "Switch light and dark", "Event before", "Event",
            "Event after", "The event and its claims"} <= names  # fmt: skip
    assert watched.wrong == []
    watched.context.close()


def test_a_link_restores_what_is_seen(desk, chromium):
    watched = Watched(chromium, desk, WIDE)
    page = watched.page
    watched.open("/crisis")
    before = page.locator("h3").first.text_content()
    page.get_by_label("Event before").click()
    page.wait_for_function(f"document.querySelector('h3').textContent !== {before!r}")
    chosen, link = page.locator("h3").first.text_content(), page.url
    assert "event=" in link
    other = Watched(chromium, desk, WIDE)
    other.open(link.removeprefix(desk))
    assert other.page.locator("h3").first.text_content() == chosen
    assert watched.wrong == other.wrong == []


def test_dark_is_remembered(desk, chromium):
    watched = Watched(chromium, desk, WIDE)
    watched.open("/numbers")
    watched.page.get_by_label("Switch light and dark").click()
    watched.page.wait_for_selector("body.body--dark")
    watched.page.wait_for_timeout(300)
    watched.open("/crisis")
    assert watched.page.evaluate("document.body.classList.contains('body--dark')")


def test_what_is_missing_is_computed_in_the_background(desk, chromium):
    watched = Watched(chromium, desk, WIDE)
    watched.open("/record")
    assert watched.page.get_by_text("Scores of the forecasts: not computed yet.").count() == 1
    watched.page.get_by_role("button", name="Compute it now").click()
    watched.page.wait_for_selector("text=Mean scores on the ending", timeout=120_000)
    assert watched.wrong == []


def asked_for(page, part):
    """Press the button of a part of Mechanisms, and wait until it is at work."""
    page.get_by_role("button", name=re.compile(f"Compute it .*: {part}")).click()
    page.get_by_role("progressbar", name="progress of").last.wait_for()


def shot(watched, name, size, scheme):
    if folder := os.environ.get("STANDOFF_SHOTS"):
        path = Path(folder) / f"mechanisms-{name}-{size[0]}-{scheme}.png"
        watched.page.screenshot(path=path, full_page=size == NARROW)


def test_mechanisms_are_computed_with_progress_and_shown(chromium, tmp_path):
    """On the template: two readers, one of whom stops; each sees both charts without loading the page again."""
    loaded = load_case(TEMPLATE)
    tree(loaded).to_zarr(tmp_path / "run" / "results.zarr", consolidated=False)
    about = f'{{"digest": "{loaded.digest}", "complete": true, "written": "2026"}}'
    (tmp_path / "run" / "manifest.json").write_text(about)
    looks = [(size, scheme) for size in (WIDE, NARROW) for scheme in ("light", "dark")]
    with serving(TEMPLATE, tmp_path) as address:
        readers = [Watched(chromium, address, *look) for look in looks]
        for watched, look in zip(readers, looks, strict=True):
            watched.open("/mechanisms")
            shot(watched, "missing", *look)
            watched.page.evaluate("window.same = true")  # gone once the page is loaded again
        first, second = (watched.page for watched in readers[:2])
        asked_for(first, "What each mechanism does")
        asked_for(second, "Which misreading cost most")
        first.get_by_text("Waiting until the other analysis is done").wait_for()
        second.get_by_role("progressbar").nth(1).wait_for()
        first.get_by_role("button", name="Stop: What each mechanism does").click()
        first.get_by_text("It goes on, since another open page waits for it.").wait_for()
        second.get_by_text(re.compile(r"\d+%: .* s so far")).first.wait_for()
        for watched, look in zip(readers, looks, strict=True):
            width, height, seen, tall = watched.page.evaluate(SIZES)
            assert width <= seen
            assert height <= tall or look[0] == NARROW
            shot(watched, "progress", *look)
        if AXE.is_file():
            second.evaluate(AXE.read_text(encoding="utf-8"))
            found = second.evaluate("axe.run(document, {resultTypes: ['violations']})")
            assert [v["id"] for v in found["violations"] if v["impact"] in ("serious", "critical")] == []
        second.get_by_text(re.compile(r"playing \(\d+ of 8\)")).wait_for(timeout=600_000)
        for watched, look in zip(readers, looks, strict=True):
            page = watched.page
            page.wait_for_function("document.querySelectorAll('.nicegui-echart svg').length === 2", timeout=600_000)
            assert page.get_by_text("not computed yet").count() == 0
            assert page.evaluate("window.same")
            page.wait_for_timeout(500)
            shot(watched, "done", *look)
            assert watched.wrong == []
            watched.context.close()
    kept = {path.name for path in (tmp_path / "run").iterdir()}
    assert kept == {"manifest.json", "results.zarr", "attribution.zarr", "mechanisms.zarr"}
