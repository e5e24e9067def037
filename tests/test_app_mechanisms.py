"""The Mechanisms page: the figures of the report, for each ending; what is missing is told with its command."""

import asyncio
import warnings

import numpy as np
import pytest
import xarray as xr
from tests.test_report import asked, tree

from standoff.app.data import Desk
from standoff.app.mechanisms import asserted, misreadings, moved, shares
from standoff.case.load import load_case
from standoff.show.screens import attribution, mechanisms

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from nicegui import Client, ui
    from nicegui.testing import user_simulation

    from standoff.app import server
    from standoff.app.pages import mechanisms as page

CASE = "haiti-1994"


def desk_of(folder, kept):
    """A desk on a run in the shape of one, with what is kept beside it."""
    loaded, run = load_case(CASE), folder / "run"
    made = tree(loaded)
    whole = xr.DataTree.from_dict({name: child.to_dataset() for name, child in made.children.items()})
    whole.attrs.update(made.attrs)
    whole.to_zarr(run / "results.zarr", consolidated=False)
    (run / "manifest.json").write_text(f'{{"digest": "{loaded.digest}", "complete": true, "written": "2026"}}')
    for name, data in asked(loaded).items():
        if name in kept:
            data.to_zarr(run / f"{name}.zarr", consolidated=False)
    return Desk(loaded, folder, called=CASE)


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    return desk_of(tmp_path_factory.mktemp("full"), ("mechanisms", "attribution"))


def opened(desk, monkeypatch, path="/mechanisms"):
    """Text of the page, and its charts' options."""
    monkeypatch.setattr(server, "pages", lambda: [page.PAGE])

    async def work():
        async with user_simulation(root=lambda: None) as user:
            server.mount(desk)
            try:
                await user.open(path)
                every = list(user._client.elements.values())
                found = [str(getattr(e, n)) for e in every for n in ("content", "text") if getattr(e, n, None)]
                return "\n".join(found), [e.options for e in every if isinstance(e, ui.echart)]
            finally:
                Client.page_routes.clear()  # or the simulation removes our modules

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return asyncio.run(work())


def test_words_are_those_of_the_report(full):
    found = full.findings
    cost, verdicts = attribution.attribution(found), mechanisms.mechanisms(found)
    assert (misreadings(full).answer, misreadings(full).note) == (cost.answer, cost.note)
    assert (asserted(full).answer, asserted(full).note) == (verdicts.answer, verdicts.note)
    report = [block for block in verdicts.right if block.kind != "picture"]
    assert list(asserted(full).parts) == report


def test_numbers_are_those_that_were_kept(full):
    data, effects = full.data("attribution"), full.data("mechanisms")
    for ending in (str(key) for key in data["ending"].values):
        found = shares(full, ending)
        one = data.sel(ending=ending)
        assert {title: c.mean for title, _, c in found.rows} == dict(zip(map(str, one["title"].values),
                                                                         one["share"].values, strict=True))  # fmt: skip
        assert found.total.mean == float(one["total"])
        rows = moved(full, ending)
        assert [one.id for one in rows] == ["M1", "M2", "L1"]  # M19 acts after the ending
        assert np.allclose([one.effect.mean for one in rows], effects["mean"].sel(ending=ending)[[0, 1, 3]], atol=0)
    assert next(iter(misreadings(full).endings)) == "force"


def test_the_page_shows_both_and_the_choice_restores(full, monkeypatch):
    text, charts = opened(full, monkeypatch)
    assert page.QUESTION in text
    assert "most is owed to “First misreading”" in text
    assert "M19: acts later." in text
    said = [one["aria"]["label"]["description"] for one in charts]
    assert said[0].startswith("Share of each misreading in the change of “force”")
    assert "M2 Two +4.0 (+3.0 to +5.0); asserted that it rises: borne out" in said[1]
    _, charts = opened(full, monkeypatch, "/mechanisms?cost=agreed-exit&moved=removed-within")
    said = [one["aria"]["label"]["description"] for one in charts]
    assert "“agreed exit”" in said[0]
    assert "M1 One −5.0 (−6.0 to −4.0); asserted that it rises: goes the other way" in said[1]
    _, charts = opened(full, monkeypatch, "/mechanisms?cost=nothing")
    assert "“force”" in charts[0]["aria"]["label"]["description"]


@pytest.mark.parametrize(
    ("kept", "charts", "command"),
    [((), 0, "standoff mechanisms haiti-1994 --out"), (("attribution",), 1, "standoff mechanisms haiti-1994 --out"),
     (("mechanisms",), 1, "standoff attribute haiti-1994 --out")],
)  # fmt: skip
def test_what_was_not_asked_is_told_with_its_command(tmp_path, monkeypatch, kept, charts, command):
    desk = desk_of(tmp_path, kept)
    text, drawn = opened(desk, monkeypatch)
    assert command in text
    assert len(drawn) == charts
    assert (misreadings(desk) is None, asserted(desk) is None) == ("attribution" not in kept, "mechanisms" not in kept)


def test_without_a_run(tmp_path, monkeypatch):
    text, drawn = opened(Desk(load_case(CASE), tmp_path, called=CASE), monkeypatch)
    assert "What moved the ending is asked beside a run of the case." in text
    assert not drawn
