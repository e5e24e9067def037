"""The report: five questions in order, one file that loads nothing, nothing of a case unescaped."""

import datetime as dt
import json
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
from standoff.errors import UserError
from standoff.show.figures.endings import LINES
from standoff.show.report import rebuild, write_report
from standoff.show.summary import Chance
from standoff.show.words import false_alarm, moved, names, percent, points
from standoff.simulate.ending import ENDING_TITLES, ENDINGS, MODES
from standoff.simulate.ensemble import SCENARIOS
from standoff.simulate.record import record
from standoff.simulate.sequel import EXITS, NONE, OTHER
from standoff.world.exit_mode import ORDERS

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
    endings["mode"] = endings["ending"].copy(data=rng.integers(1, len(MODES), endings["ending"].shape).astype(np.int8))
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
            | {k: ("view", np.full(3, 0.001)) for k in ("flagged_met", "selection", "grid_error", "grid_error_mean")}
        ),
    }  # fmt: skip
    found = xr.DataTree.from_dict(groups)
    found.attrs.update(
        case=case.crisis.id, title=case.crisis.title, digest=loaded.digest, version="0", seed=1, draws=draws,
        until=until, replications=replications, nodes=9, rounds=case.crisis.rounds, states=8, folded=0.0,
        status="All settled.",
    )  # fmt: skip
    return found


def sequels(loaded: LoadedCase, *, draws=3, seed=0) -> dict[str, xr.Dataset]:
    """What follows the endings, in the shape of a run, with numbers drawn at random."""
    rng, case = np.random.default_rng(seed), loaded.case
    if not case.world.successors:
        return {"aftermath": xr.Dataset(), "cascade": xr.Dataset()}
    exits, given = len(EXITS), case.world.cascade
    leaders = [*(one.id for one in case.world.successors), OTHER, NONE]

    def whole(*shape):
        raw = rng.random((*shape, draws))
        return raw / raw.sum(-2, keepdims=True)

    by = ("exit", "horizon")
    after = xr.Dataset(
        {
            "leads": ((*by, "leader", "draw"), whole(exits, 3, len(leaders))),
            "next_order": ((*by, "order", "draw"), whole(exits, 3, 4)),
            "mixed_leads": (("scenario", "horizon", "leader", "draw"), 0.5 * whole(2, 3, len(leaders))),
            "mixed_order": (("scenario", "horizon", "order", "draw"), 0.5 * whole(2, 3, 4)),
            "aligned": ((*by, "draw"), rng.random((exits, 3, draws))),
            "attempt": (("exit", "draw"), rng.random((exits, draws)) / 50),
            "survival": (("exit", "week", "draw"), rng.random((exits, 52, draws))),
            "share": (("scenario", "exit", "draw"), np.full((2, exits, draws), 0.1)),
            "stays": (("scenario", "draw"), np.full((2, draws), 0.5)),
            "base_order": (("exit", "order"), np.full((exits, 4), 0.25)),
            "base_survival": (by, rng.random((exits, 3))),
            "base_attempt": ("exit", rng.random(exits) / 50),
        },
        coords={
            "exit": text(EXITS), "exit_title": ("exit", text(EXITS.values())), "horizon": [30.0, 90.0, 365.0],
            "leader": text(leaders), "order": text(ORDERS), "scenario": text(["views", "base"]), "draw": range(draws),
        },
    )  # fmt: skip
    after["leads"][list(EXITS).index("killed")] = after["leads"][list(EXITS).index("captured")]
    if given is None:
        return {"aftermath": after, "cascade": xr.Dataset()}
    of_path = ("exit", "month", "draw", "path")
    names = ["outflow", "shortfall", *(["exports", "oil_price"] if given.exports else [])]
    wide = xr.Dataset(
        {name: (of_path, rng.random((exits, 12, draws, 2))) for name in names}
        | {
            "conflict": (of_path[:3], rng.random((exits, 12, draws)) / 10),
            "base_conflict": ("exit", rng.random(exits) / 10),
            "arrivals": ((*of_path[:2], "host", *of_path[2:]), rng.random((exits, 12, len(given.hosts), draws, 2))),
        },
        coords={"exit": text(EXITS), "month": range(1, 13), "draw": range(draws),
                "host": text(h.id for h in given.hosts)},
    )  # fmt: skip
    return {"aftermath": after, "cascade": wide}


def asked(loaded: LoadedCase, *, draws=4) -> dict[str, xr.Dataset]:
    """What `mechanisms` and `attribute` keep beside a run; M1 against what is asserted, M2 borne out."""
    ids = ["M1", "M2", "M19", "L1"]
    change = np.zeros((len(ids), len(ENDINGS), draws))
    change[0, ENDINGS.index("removed-within")] = -0.05
    change[1, ENDINGS.index("force")] = 0.04
    asserted = np.full((len(ids), len(ENDINGS)), "", dtype=object)
    asserted[0, ENDINGS.index("removed-within")] = asserted[1, ENDINGS.index("force")] = "+"
    axes, mean = ("mechanism", "ending"), change.mean(-1)
    mechanisms = xr.Dataset(
        {"difference": ((*axes, "draw"), change), "mean": (axes, mean), "low": (axes, mean - 0.01),
         "high": (axes, mean + 0.01), "clear": (axes, mean != 0), "present": ("mechanism", [True] * len(ids))},
        coords={
            "mechanism": text(ids), "ending": text(ENDINGS),
            "name": ("mechanism", text(["One", "Two", "Three", "Four"])),
            "claim": ("mechanism", text(["one does"] * 4)), "source": ("mechanism", text(["a"] * 4)),
            "note": ("mechanism", text(["", "", "acts later", ""])), "asserted": (axes, asserted),
            "lever": ("mechanism", [False, False, False, True]),
        },
        attrs={"digest": loaded.digest, "draws": draws, "replications": 10, "intervals": 32, "false_alarms": 1.6,
               "status": "All settled."},
    )  # fmt: skip
    shares = np.array([[-0.03] * len(ENDINGS), [0.01] * len(ENDINGS)])
    side = ("difference", "ending")
    attribution = xr.Dataset(
        {"share": (side, shares), "error": (side, np.full(shares.shape, 0.005)),
         "monte_carlo": (side, np.full(shares.shape, 0.001)), "before": ("ending", np.full(len(ENDINGS), 0.3)),
         "after": ("ending", np.full(len(ENDINGS), 0.28)), "total": ("ending", shares.sum(0)),
         "total_error": ("ending", np.full(len(ENDINGS), 0.004))},
        coords={"ending": text(ENDINGS), "difference": text("ab"), "holder": ("difference", text(SIDES)),
                "title": ("difference", text(["First misreading", "Second misreading"]))},
        attrs={"digest": loaded.digest, "draws": draws, "replications": 10, "orders": 12, "status": "All settled."},
    )  # fmt: skip
    return {"mechanisms": mechanisms, "attribution": attribution}


def with_sequels(loaded: LoadedCase, **options) -> xr.DataTree:
    plain = tree(loaded, **options)
    found = xr.DataTree.from_dict({name: one.to_dataset() for name, one in plain.children.items()} | sequels(loaded))
    found.attrs.update(plain.attrs)
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


@pytest.fixture(scope="module")
def narrow(invented, tmp_path_factory) -> str:
    """Of one draw, as known on a day."""
    return written(invented, tmp_path_factory.mktemp("narrow"), draws=1, until="2031-04-01")


@pytest.fixture(scope="module")
def full(invented, tmp_path_factory) -> tuple[str, Path]:
    """With what follows the endings, and with what other commands kept beside the run."""
    folder = tmp_path_factory.mktemp("full")
    write_report(invented, with_sequels(invented), audit(invented, None), folder, beside=asked(invented))
    return (folder / "report.html").read_text(encoding="utf-8"), folder


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


def test_as_known_on_a_day(made, narrow):
    assert "As known on 1 April 2031" in narrow
    assert "Blockade declared" in made[0]
    assert "Blockade declared" not in narrow


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


def test_one_draw(narrow):
    assert "nan" not in narrow.lower().replace("governance", "")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["venezuela-2025", "haiti-1994", "panama-1989"])
def test_a_shipped_case(name, tmp_path):
    loaded = load_case(name)
    write_report(loaded, with_sequels(loaded), audit(loaded, None), tmp_path, beside=asked(loaded))
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "hindsight" in page
    assert "Who leads once the leader is gone" in page
    assert "capture or death by force" in page
    assert (tmp_path / "figures" / "region.svg").exists() == bool(loaded.case.world.cascade)
    if name == "venezuela-2025":
        assert "force on 3 January 2026" in page


def test_every_ending_has_a_line_and_words(invented):
    assert set(LINES) == set(ENDINGS) == set(ENDING_TITLES)
    assert all(names(invented.case).ending(key) for key in ENDINGS)


def test_no_contenders_one_sentence(full):
    page, folder = full
    assert "The case names no contenders" in page
    assert not (folder / "figures" / "leads.svg").exists()


def test_mechanisms_and_attribution_only_where_asked(made, full):
    assert "What does each mechanism do" not in made[0]
    assert "Which misreading cost most?" not in made[0]
    page, _ = full
    assert "1 is borne out; the other way goes “One” on removed from within." in page
    assert "M19: acts later." in page
    assert "most is owed to “First misreading”" in page
    assert "the shares sum to −2.0 points, the whole change is −2.0" in page


@pytest.fixture
def finished(invented, tmp_path):
    """The folder of a run, with another report in it."""
    run = tmp_path / "run"
    (run / "figures").mkdir(parents=True)
    (run / "figures" / "older.svg").write_text("older")
    (run / "report.html").write_text("older")
    found = tree(invented)
    found.to_zarr(run / "results.zarr", consolidated=False)
    (run / "manifest.json").write_text(json.dumps({"case": invented.case.crisis.id, "digest": invented.digest}))
    return run


def test_a_report_is_written_anew_from_a_run(invented, made, finished):
    """Byte for byte, since its input is the same."""
    assert rebuild(finished, str(invented.root)) == finished / "report.html"
    assert (finished / "report.html").read_text(encoding="utf-8") == made[0]
    assert not (finished / "figures" / "older.svg").exists()
    assert sorted(p.name for p in finished.iterdir()) == ["figures", "manifest.json", "report.html", "results.zarr"]


def test_what_was_asked_since_is_in_it(invented, finished):
    kept = asked(invented)
    kept["attribution"].attrs["digest"] = "another"
    for name, found in kept.items():
        found.to_zarr(finished / f"{name}.zarr", consolidated=False)
    page = rebuild(finished, str(invented.root)).read_text(encoding="utf-8")
    assert "What does each mechanism do" in page
    assert "Which misreading cost most?" not in page  # of another state of the case


def test_a_changed_case_is_refused(invented, finished, tmp_path):
    with pytest.raises(UserError, match="not shipped"):
        rebuild(finished, None)
    with pytest.raises(UserError, match="holds no run"):
        rebuild(tmp_path, str(invented.root))
    (finished / "manifest.json").write_text(json.dumps({"case": invented.case.crisis.id, "digest": "before"}))
    with pytest.raises(UserError, match="has changed"):
        rebuild(finished, str(invented.root))
    assert (finished / "report.html").read_text() == "older"


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
