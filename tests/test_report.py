"""The report: five questions in order, one file that loads nothing, nothing of a case unescaped."""

import datetime as dt
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from standoff.case.audit import audit
from standoff.case.load import LoadedCase, load_case
from standoff.case.new import new_case
from standoff.show.report import write_report
from standoff.show.summary import Chance
from standoff.show.words import false_alarm, moved, percent, points
from standoff.simulate.ensemble import SCENARIOS
from standoff.simulate.record import record
from standoff.simulate.results import ENDINGS

QUESTIONS = (
    "How does it end, and when?",
    "What did each side believe, round by round, and how far off was it?",
    "What would each have done with the other’s view, with both holding the same view, and with types known?",
    "Was there a deal that both preferred to what happened, and why was it missed?",
    "What rests on which sources, and how thin are they?",
)
COERCER = ["back-down", "hold", "climb", "ultimatum", "offer", "accept", "strike"]
TARGET = ["concede", "offer", "accept", "defy", "flee", "display"]
SIDES = ["coercer", "target"]


def text(values):
    return np.array(list(values), dtype=object)


def tree(loaded: LoadedCase, *, draws=3, replications=40, until: str = "", seed=0) -> xr.DataTree:
    """Results in the shape of a run, with numbers drawn at random."""
    rng = np.random.default_rng(seed)
    case = loaded.case
    turns = record(case, dt.date.fromisoformat(until) if until else None).turns
    pairs = [(s, d) for s in SIDES if (view := case.view_of(s)) for d in view.differences]
    n, side = len(turns), {"side": text(SIDES), "type": text(["yielding", "firm"])}

    def ends(first: str, size: int) -> xr.Dataset:
        shape = (size, draws, replications)
        return xr.Dataset(
            {
                "ending": ((first, "draw", "replication"), rng.integers(0, len(ENDINGS), shape).astype(np.int8)),
                "round": ((first, "draw", "replication"), rng.integers(0, case.crisis.rounds, shape).astype(np.int16)),
            },
            coords={"draw": range(draws)},
        )

    endings = ends("scenario", len(SCENARIOS)).assign_coords(
        scenario=text(s.id for s in SCENARIOS), title=("scenario", text(s.title for s in SCENARIOS))
    )
    endings["type"] = (("draw", "side", "replication"), rng.integers(0, 2, (draws, 2, replications)).astype(np.int8))
    groups = {
        "endings": endings,
        "corrections": ends("difference", len(pairs)).assign_coords(
            difference=text(d.id for _, d in pairs), holder=("difference", text(s for s, _ in pairs)),
            title=("difference", text(d.title for _, d in pairs)),
        ) if pairs else xr.Dataset(),
        "record": xr.Dataset() if not n else xr.Dataset(
            {
                "belief": (("setting", "round", "mind", "about", "draw"), rng.random((2, n, 2, 2, draws))),
                "going_on": (("setting", "round", "side", "type", "draw"), rng.random((2, n, 2, 2, draws))),
                "ahead": (
                    ("setting", "mind", "round", "ending", "draw"), rng.random((2, 2, n, len(ENDINGS), draws))
                ),
            }
            | {
                f"{kind}_{s}": (("setting", "round", f"{s}_move", "draw"), rng.random((2, n, len(moves), draws)))
                for kind in ("expected", "own") for s, moves in (("coercer", COERCER), ("target", TARGET))
            },
            coords=side | {
                "setting": text(["views", "base"]), "round": range(1, n + 1), "mind": text(SIDES), "about": text(SIDES),
                "start": ("round", text(t.start.isoformat() for t in turns)), "ending": text(ENDINGS),
                "coercer_move": text(COERCER), "target_move": text(TARGET), "draw": range(draws),
            },
        ),
        "worth": xr.Dataset(
            {"worth": (("view", "item", "side", "type", "draw"), rng.random((3, 4 + len(case.packages), 2, 2, draws)))},
            coords=side | {
                "view": text(["base", *SIDES]), "draw": range(draws),
                "item": text(["concession", "flight", "coup", "force", *(p.id for p in case.packages)]),
            },
        ),
        "robust": xr.Dataset(
            {"chance": (("setting", "scenario", "ending", "draw"), rng.random((2, 2, len(ENDINGS), draws)))},
            coords={"setting": text(["precision 2", "half as many rounds"]), "scenario": text(["views", "base"]),
                    "ending": text(ENDINGS)},
        ),
        "quality": xr.Dataset(
            {k: (("view", "draw"), np.zeros((3, draws))) for k in ("residual", "unsettled", "flagged", "seconds")}
            | {"chain_distance": ("draw", np.full(draws, 0.2))}
        ),
    }  # fmt: skip
    found = xr.DataTree.from_dict(groups)
    found.attrs.update(
        case=case.crisis.id, title=case.crisis.title, digest=loaded.digest, version="0", seed=1, draws=draws,
        until=until, replications=replications, nodes=9, rounds=case.crisis.rounds, states=8, folded=0.0,
        status="All settled.",
    )  # fmt: skip
    return found


def written(loaded: LoadedCase, folder: Path, **options) -> str:
    folder.mkdir(exist_ok=True)
    write_report(loaded, tree(loaded, **options), audit(loaded, None), folder)
    return (folder / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def invented(tmp_path_factory) -> LoadedCase:
    folder = tmp_path_factory.mktemp("case") / "new"
    new_case(folder)
    return load_case(folder)


@pytest.fixture(scope="module")
def made(invented, tmp_path_factory) -> tuple[str, Path]:
    folder = tmp_path_factory.mktemp("report")
    return written(invented, folder), folder


class Page(HTMLParser):
    """Tags, attributes, and what is said about the drawings."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))


def test_questions_in_order(made):
    page, _ = made
    heads = re.findall(r"<h2>(?:<span class=\"number\">\d</span>)?(.*?)</h2>", page)
    assert heads[:5] == list(QUESTIONS)


def test_one_file_that_loads_nothing(made):
    tags = Page(made[0]).tags
    names = {tag for tag, _ in tags}
    assert not names & {"script", "link", "iframe", "img", "object", "image"}
    for _, attributes in tags:
        for name, value in attributes.items():
            assert not name.startswith("on")
            if name.split(":")[-1] in ("src", "href"):
                assert value is not None
                assert value.startswith("#")
    assert "@import" not in made[0]
    assert not re.search(r"url\((?!#)", made[0])


def test_every_figure_as_png_and_svg_with_words(made):
    page, folder = made
    svg = {p.stem for p in (folder / "figures").glob("*.svg")}
    png = {p.stem for p in (folder / "figures").glob("*.png")}
    assert svg == png
    assert {
        "endings",
        "timing",
        "beliefs",
        "expectations",
        "scenarios",
        "corrections",
        "robust",
        "deal",
        "sources",
    } <= svg
    drawings = [attributes for tag, attributes in Page(page).tags if tag == "svg"]
    assert len(drawings) == len(svg)
    assert all(len(a.get("aria-label") or "") > 40 and a.get("role") == "img" for a in drawings)
    ids = [a["id"] for _, a in Page(page).tags if "id" in a]
    assert len(ids) == len(set(ids))


def test_case_text_is_escaped_everywhere(invented, tmp_path):
    evil = '<b>&"$x$</b><script>alert(1)</script>'
    case = invented.case
    packages = [p.model_copy(update={"title": evil}) for p in case.packages]
    actors = [a.model_copy(update={"name": evil}) for a in case.actors]
    origins = [o.model_copy(update={"name": evil}) for o in case.origins]
    views = [
        v.model_copy(update={"differences": [d.model_copy(update={"title": evil}) for d in v.differences]})
        for v in case.views
    ]
    crisis = case.crisis.model_copy(update={"title": evil, "summary": evil})
    changed = case.model_copy(
        update={"crisis": crisis, "packages": packages, "actors": actors, "views": views, "origins": origins}
    )
    page = written(replace(invented, case=changed), tmp_path)
    assert "<script" not in page
    assert "<b>" not in page
    assert "&lt;b&gt;&amp;" in page
    for svg in (tmp_path / "figures").glob("*.svg"):
        assert "<script" not in svg.read_text(encoding="utf-8")


def test_same_input_same_bytes(invented, made, tmp_path):
    assert written(invented, tmp_path) == made[0]


def test_as_known_on_a_day(invented, tmp_path):
    page = written(invented, tmp_path, until="2031-04-01")
    assert "As known on 1 April 2031" in page
    assert "Blockade declared" not in page


def test_no_round_no_view_no_package(invented, tmp_path):
    case = invented.case.model_copy(
        update={
            "events": [],
            "views": [],
            "packages": [],
            "claims": [],
            "documents": [],
            "origins": [],
            "forecasts": [],
        }
    )
    page = written(replace(invented, case=case), tmp_path)
    assert "no round yet" in page
    assert "no misreading to correct" in page
    assert "no package" in page


def test_one_draw(invented, tmp_path):
    assert "nan" not in written(invented, tmp_path, draws=1).lower().replace("governance", "")


@pytest.mark.slow
def test_the_shipped_case(tmp_path):
    page = written(load_case("venezuela-2025"), tmp_path)
    assert "force on 3 January 2026" in page
    assert "hindsight" in page


def test_words_for_numbers():
    assert percent(0.0) == "0%"
    assert percent(0.001) == "under 1%"
    assert percent(0.9999) == "over 99%"
    assert points(Chance(-0.067, 0.021, -0.1, 0.0)) == "−6.7 ±2.1"
    assert "fall by 7 points" in moved(Chance(-0.067, 0.021, -0.1, 0.0), "force")
    assert "would not change by more than the error" in moved(Chance(0.01, 0.02, -0.1, 0.1), "force")


def test_false_alarm_of_student():
    # Student's t, two-sided beyond 2: 0.2952 at 1 degree of freedom, 0.1019 at 5, 0.0525 at 39.
    assert false_alarm(2) == pytest.approx(0.2952, abs=1e-4)
    assert false_alarm(6) == pytest.approx(0.1019, abs=1e-4)
    assert false_alarm(40) == pytest.approx(0.0525, abs=1e-4)
