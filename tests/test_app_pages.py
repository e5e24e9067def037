"""The pages, in process: each with and without a run; controls change what is shown and the address."""

import asyncio
import socket
import warnings
from contextlib import asynccontextmanager
from dataclasses import replace
from types import SimpleNamespace

import pytest
import xarray as xr
from tests.test_report import sequels, tree

from standoff.app.data import Desk
from standoff.app.withheld import switches
from standoff.case.load import load_case
from standoff.forecast.score import score
from standoff.show import beside

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from nicegui import Client, core, ui
    from nicegui.testing import user_simulation

    from standoff.app import server
    from standoff.app.pages import aftermath, crisis, endings, minds, numbers, record, sources
    from standoff.app.place import Place
    from standoff.app.server import mount

MODULES = (crisis, minds, endings, aftermath, record, sources, numbers)
CASE = "haiti-1994"
PATHS = ("/crisis", "/minds", "/endings", "/aftermath", "/record", "/sources", "/numbers")
QUESTIONS = {
    "/crisis": "What happened, and who says so?",
    "/minds": "What did each side believe, and what did each think the other’s game was?",
    "/endings": "How does it end, by when, and was there a deal that both preferred?",
    "/aftermath": "Who leads once the leader is gone",
    "/record": "Who saw it coming, and how much is that worth?",
    "/sources": "What rests on which sources, how thin are they, and what if one is not believed?",
    "/numbers": "Which numbers stand behind it, why, and what does the record say of them?",
}


@pytest.fixture(autouse=True)
def mine(monkeypatch):
    """Without What if, which has tests of its own."""
    monkeypatch.setattr(server, "pages", lambda: [module.PAGE for module in MODULES])


@pytest.fixture(scope="module")
def shipped():
    return load_case(CASE)


@pytest.fixture(scope="module")
def with_run(shipped, tmp_path_factory):
    """A desk with a run in the shape of one, scores beside it."""
    run = tmp_path_factory.mktemp("runs") / "run"
    made = tree(shipped)
    groups = {name: child.to_dataset() for name, child in made.children.items()} | sequels(shipped)
    whole = xr.DataTree.from_dict(groups)
    whole.attrs.update(made.attrs)
    whole.to_zarr(run / "results.zarr", consolidated=False)
    (run / "manifest.json").write_text(f'{{"digest": "{shipped.digest}", "complete": true, "written": "2026"}}')
    beside.keep(score(shipped, None), run, "scores")
    return Desk(shipped, run.parent, called=CASE)


@asynccontextmanager
async def visitor(desk, place=None):
    """A visitor of a desk's pages, in this process."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        async with user_simulation(root=lambda: None) as user:
            mount(desk, place)
            try:
                yield user
            finally:
                Client.page_routes.clear()  # or the simulation removes our modules


def shown(user) -> str:
    """All text and HTML of the open page."""
    found = []
    for element in user._client.elements.values():
        found += [str(getattr(element, name)) for name in ("content", "text") if getattr(element, name, None)]
        found += [str(element.props.get(name, "")) for name in ("aria-label", "href", "label")]
    return "\n".join(found)


def run(work):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return asyncio.run(work())


@pytest.fixture
def visit(with_run):
    def go(desk, work):
        async def whole():
            async with visitor(desk) as user:
                return await work(user)

        return run(whole)

    return go


def test_every_page_of_a_case_with_a_run(shipped, with_run, visit):
    async def work(user):
        told = {}
        for path in PATHS:
            await user.open(path)
            charts = [e for e in user._client.elements.values() if isinstance(e, ui.echart)]
            told[path] = (shown(user), len(charts), [c.options["aria"]["label"]["description"] for c in charts])
        return told

    told = visit(with_run, work)
    for path, (text, charts, said) in told.items():
        assert QUESTIONS[path] in text
        assert charts >= (0 if path == "/numbers" else 1), path
        assert all(len(words) > 30 for words in said)
    assert [told[path][1] for path in ("/crisis", "/minds", "/endings", "/aftermath")] == [
        2,
        4,
        3,
        2 + bool(shipped.case.world.cascade),
    ]
    assert f"standoff infer {CASE} --out" in told["/numbers"][0]
    assert f"standoff forecast {CASE} --every round --out" in told["/record"][0]


def test_without_a_run_each_page_says_what_makes_one(shipped, visit, tmp_path):
    async def work(user):
        told = {}
        for path in PATHS:
            await user.open(path)
            told[path] = shown(user)
        return told

    told = visit(Desk(shipped, tmp_path, called=CASE), work)
    for path in ("/minds", "/endings", "/aftermath", "/record"):
        assert f"standoff run {CASE} --out {tmp_path / CASE}" in told[path]
        assert "Compute it now" in told[path]
    for path in ("/crisis", "/sources", "/numbers"):
        assert "Compute it now" not in told[path]
        assert QUESTIONS[path] in told[path]


def test_the_address_restores_what_is_seen_and_controls_change_it(with_run, visit):
    case = with_run.loaded.case
    first, second = case.events[20], case.events[21]

    async def work(user):
        found = SimpleNamespace()
        await user.open(f"/crisis?event={first.id}")
        found.before = shown(user)
        await user.open(f"/sources?off={case.documents[0].id}")
        found.off = shown(user)
        await user.open("/endings?scenario=base")
        found.scenario = [e.value for e in user._client.elements.values() if isinstance(e, ui.select)]
        await user.open("/endings?scenario=nonsense")
        found.nonsense = [e.value for e in user._client.elements.values() if isinstance(e, ui.select)]
        return found

    found = visit(with_run, work)
    assert first.title in found.before
    assert second.title not in found.before.split("Event (type")[0]
    assert "fall away" in found.off
    assert found.scenario == ["base"]
    assert found.nonsense == ["views"]


def test_a_switched_off_source_changes_page_and_address(with_run, visit):
    async def work(user):
        await user.open("/sources")
        before = shown(user)
        boxes = [e for e in user._client.elements.values() if isinstance(e, ui.checkbox)]
        with user:
            boxes[0].value = False
        await asyncio.sleep(0.05)
        return before, shown(user), len(boxes)

    before, after, boxes = visit(with_run, work)
    assert "All are believed" in before
    assert "All are believed" not in after
    assert "fall away" in after
    assert boxes == len(switches(with_run))


def test_the_numbers_are_found_by_a_word(with_run, visit):
    async def work(user):
        await user.open("/numbers?find=force_cost")
        return [row["number"] for e in user._client.elements.values() if isinstance(e, ui.table) for row in e.rows]

    found = visit(with_run, work)
    assert found
    assert any("force_cost" in name for name in found)
    assert len(found) < 20


def test_downloads(with_run, visit):
    async def work(user):
        client = user.http_client
        csv, archive = await client.get("/download/numbers.csv"), await client.get("/download/results.zip")
        return csv, archive, await client.get("/report")

    csv, archive, report = visit(with_run, work)
    assert csv.status_code == 200
    assert csv.text.startswith("number,part,written")
    assert archive.content[:2] == b"PK"
    assert report.status_code == 404


def test_nothing_of_a_case_is_read_as_html(shipped, visit, tmp_path):
    evil = "<img src=x onerror=alert(1)>"
    case = shipped.case
    events = [e.model_copy(update={"title": f"{evil} {e.title}"}) for e in case.events]
    claims = [c.model_copy(update={"says": f"{evil} {c.says}"}) for c in case.claims]
    origins = [o.model_copy(update={"name": f"{evil} {o.name}"}) for o in case.origins]
    about = case.crisis.model_copy(update={"title": evil, "summary": evil})
    bad = case.model_copy(update={"events": events, "claims": claims, "origins": origins, "crisis": about})
    desk = Desk(replace(shipped, case=bad), tmp_path)

    async def work(user):
        found = []
        for path in ("/crisis", "/sources", "/numbers"):
            await user.open(path)
            found += [e.content for e in user._client.elements.values() if isinstance(e, ui.html)]
            page = await user.http_client.get(path)
            found.append(page.text.split("<body")[0])  # title and head
        return found

    for html in visit(desk, work):
        assert "<img" not in html


def test_another_host_is_refused(with_run):
    async def work():
        async with visitor(with_run, Place("127.0.0.1", 80)) as user:
            core.app.middleware_stack = None
            good = await user.http_client.get("/download/numbers.csv", headers={"host": "127.0.0.1:80"})
            bad = await user.http_client.get("/download/numbers.csv", headers={"host": "evil.example"})
            return good.status_code, bad.status_code

    assert run(work) == (200, 400)


def test_the_command_and_its_faults(standoff, tmp_path):
    (tmp_path / "file").write_text("")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        for words, said in (
            (("--documents", tmp_path / "none"), "no such folder of documents"),
            (("--runs", tmp_path / "file"), "this is a file"),
            (("--runs", tmp_path / "file" / "runs"), "no run can be made there"),
            (("--port", taken.getsockname()[1]), "it is in use"),
            (("--host", "no.such.host.invalid"), "there is no such host"),
        ):
            code, _, err = standoff("serve", CASE, *words, "--no-open")
            assert code == 2
            assert said in err
