"""What the desk reads: which run, events and their passages, who repeats whom, what a source bears."""

import datetime as dt
import functools
import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from standoff.app.data import COMMANDS, Desk, find_run
from standoff.app.downloads import _safe, numbers_csv
from standoff.app.events import climbs, happenings
from standoff.app.jobs import Job
from standoff.app.parameters import _plain, parameters
from standoff.app.place import Place
from standoff.app.repeats import _layers, repeats
from standoff.app.withheld import PUBLIC, switches, without
from standoff.case.load import load_case
from standoff.case.new import new_case
from standoff.case.number import walk

DOCUMENT = "One says he will stay. <b>Another</b> says that he will go & soon."


@pytest.fixture(scope="module")
def shipped():
    return load_case("venezuela-2025")


@pytest.fixture
def small(tmp_path):
    """The case that `standoff new` writes, with an anchored claim and a copy of its document."""
    import hashlib

    root = tmp_path / "case"
    new_case(root)
    start, end = DOCUMENT.index("<b>"), DOCUMENT.index(" & soon")
    span = hashlib.sha256(DOCUMENT[start:end].encode()).hexdigest()
    (root / "more.yaml").write_text(
        f"""origins:
  - {{id: a, name: Somebody, kind: person}}
  - {{id: b, name: Some officials, kind: anonymous}}
documents:
  - {{id: first, about: A report, outlet: The Paper}}
  - {{id: second, about: Another report}}
claims:
  - id: one
    says: He will go
    chain: [first, a]
    anchor: {{document: first, start: {start}, end: {end}, sha256: {span}}}
  - {{id: two, says: He will stay, chain: [first, second, b]}}
  - {{id: three, says: He is calm, chain: [second, b]}}
events:
  - {{id: only-one, title: An event, date: 2001-03-05, side: target, because: one}}
  - {{id: both, title: Another event, date: 2001-03-06, side: target, because: [one, three]}}
  - {{id: public, title: A third event, date: 2001-03-07, side: target, because: [one, {{source: A register}}]}}
"""
    )
    copies = tmp_path / "copies"
    copies.mkdir()
    (copies / "first.txt").write_text(DOCUMENT)
    return SimpleNamespace(loaded=load_case(root), root=root, copies=copies, runs=tmp_path / "runs")


def put_run(folder, digest, *, written="2026-01-01", complete=True, until=""):
    (folder / "results.zarr").mkdir(parents=True)
    about = {"digest": digest, "complete": complete, "written": written, "until": until}
    (folder / "manifest.json").write_text(json.dumps(about))


def test_the_newest_whole_run_of_the_case_as_it_stands_is_found(tmp_path):
    put_run(tmp_path / "old", "d", written="2026-01-01")
    put_run(tmp_path / "new", "d", written="2026-02-01")
    put_run(tmp_path / "other", "e", written="2026-03-01")
    put_run(tmp_path / "half", "d", written="2026-04-01", complete=False)
    put_run(tmp_path / "cut", "d", written="2026-05-01", until="2025-12-01")
    assert find_run(tmp_path, "d") == tmp_path / "new"
    assert find_run(tmp_path / "new", "d") == tmp_path / "new"
    assert find_run(tmp_path, "f") is None
    assert find_run(tmp_path / "nowhere", "d") is None


def test_a_broken_manifest_is_no_run(tmp_path):
    put_run(tmp_path / "a", "d")
    for text in ("", "[]", "{"):
        (tmp_path / "a" / "manifest.json").write_text(text)
        assert find_run(tmp_path, "d") is None


def test_a_new_run_never_takes_the_place_of_another(small):
    desk = Desk(small.loaded, small.runs)
    plain = small.runs / small.loaded.case.crisis.id
    assert desk.run is None
    assert desk.target == plain
    put_run(plain, "of the case as it was before")
    desk.look_again()
    assert desk.run is None
    assert desk.target != plain
    assert small.loaded.digest[:8] in desk.target.name


def test_what_is_missing_is_told_with_its_command(small):
    desk = Desk(small.loaded, small.runs, called="my case")
    assert desk.command("posterior") == f'standoff infer "my case" --out {desk.target}'
    assert desk.store("posterior") is None
    assert desk.findings is None
    assert desk.bare.loaded is small.loaded
    assert [name for name, command in COMMANDS.items() if command.button] == ["run", "scores"]


def test_a_part_is_made_once_until_the_run_changes(small):
    desk, made = Desk(small.loaded, small.runs), []
    for _ in range(3):
        desk.keep("part", lambda: made.append(1) or 7)
    assert len(made) == 1
    desk.look_again()
    assert desk.keep("part", lambda: made.append(1) or 8) == 8


def test_a_passage_stands_in_its_place_only_where_the_copy_holds_it(small):
    def backing(documents):
        events = happenings(Desk(small.loaded, small.runs, documents))
        return next(e for e in events if e.id == "only-one").backing[0]

    shown = backing(small.copies)
    assert shown.quotation is not None
    assert shown.quotation.text == "<b>Another</b> says that he will go"
    assert shown.quotation.before + shown.quotation.text + shown.quotation.after == DOCUMENT
    assert "verified" in shown.anchor
    assert backing(None).quotation is None
    assert "--documents" in backing(None).anchor
    (small.copies / "first.txt").write_text(DOCUMENT.replace("Another", "Nobody"))
    assert backing(small.copies).quotation is None


def test_chains_lead_from_the_document_to_the_first_source(small):
    event = next(e for e in happenings(Desk(small.loaded, small.runs)) if e.id == "both")
    chain = event.backing[1].chain
    assert [(link.id, link.document, link.anonymous) for link in chain] == [("second", True, False), ("b", False, True)]


def test_the_ladder_of_the_shipped_case(shipped, tmp_path):
    desk = Desk(shipped, tmp_path)
    steps = climbs(desk)
    assert steps[0] == (shipped.case.crisis.starts, 0)
    assert [rung for _, rung in steps] == sorted({rung for _, rung in steps})
    force = [e for e in happenings(desk) if e.ends]
    assert [(e.day, e.rung, e.label) for e in force] == [(dt.date(2026, 1, 3), steps[-1][1], "force")]
    days = [e.day for e in happenings(desk) if e.day is not None]
    assert days == sorted(days)


def test_who_repeats_whom(small):
    mine = [c for c in small.loaded.case.claims if c.id in ("one", "two", "three")]
    found = repeats(Desk(small.loaded, small.runs), mine)
    layer = {s.link.id: s.layer for s in found.speakers}
    assert layer == {"first": 0, "a": 1, "second": 1, "b": 2}
    assert set(found.links) == {("first", "a", 1), ("first", "second", 1), ("second", "b", 2)}
    assert {s.link.id: s.claims for s in found.speakers} == {"first": 2, "a": 1, "second": 2, "b": 2}
    few = repeats(Desk(small.loaded, small.runs), mine, most=1)
    assert few.more == 1
    assert "a" not in {s.link.id for s in few.speakers}


@given(st.lists(st.tuples(st.sampled_from("abcde"), st.sampled_from("abcde")).filter(lambda p: p[0] != p[1])))
def test_layers_end_even_where_sources_cite_each_other(pairs):
    layers = _layers(list("abcde"), pairs)
    assert all(0 <= layer <= 5 for layer in layers.values())
    cyclic = any(layers[b] <= layers[a] for a, b in pairs)
    assert not cyclic or max(layers.values()) == 5


def test_a_source_that_is_not_believed(small):
    desk = Desk(small.loaded, small.runs)
    told = {s.id: (s.document, s.claims) for s in switches(desk)}
    assert [told[name] for name in ("first", "second", "a", "b")] == [(True, 2), (True, 2), (False, 1), (False, 2)]
    assert told[PUBLIC] == (False, 0)
    nothing = without(desk, ())
    assert (nothing.claims, nothing.events, nothing.origins) == ((), (), ())
    lost = without(desk, {"a"})
    assert (lost.claims, lost.events, lost.origins) == (("one",), ("An event",), ("a",))
    assert without(desk, {"second"}).claims == ("three", "two")
    assert without(desk, {"a", "b"}).events == ("An event", "Another event")
    assert set(without(desk, {"a", PUBLIC}).events) >= {"An event", "A third event"}


@functools.cache
def haiti():
    return Desk(load_case("haiti-1994"), Path("runs"))


@settings(max_examples=10)
@given(st.data())
def test_less_belief_never_gives_more(data):
    desk = haiti()
    names = [s.id for s in switches(desk)]
    some = data.draw(st.sets(st.sampled_from(names), max_size=4))
    more = some | data.draw(st.sets(st.sampled_from(names), max_size=4))
    for one, two in zip(vars(without(desk, some)).values(), vars(without(desk, more)).values(), strict=True):
        assert set(one) <= set(two)


def test_every_number_of_the_case_is_in_the_table_and_the_csv(shipped, tmp_path):
    desk = Desk(shipped, tmp_path)
    rows = parameters(desk)
    zeros = sum(path.endswith((".gain", ".price")) for path, _ in walk(shipped.case)) - sum(
        one.path.endswith((".gain", ".price")) for one in rows
    )
    assert zeros == 2 * len(shipped.case.issues)
    assert len(rows) == len({one.path for one in rows}) == len(list(walk(shipped.case))) - zeros
    assert all(one.reason for one in rows if one.kind in ("source", "both", "generic"))
    assert numbers_csv(desk).count("\r\n") == len(rows) + 1


def test_paths_as_the_posterior_writes_them():
    path = "views.caracas.differences.losses.set.world.force.losses.times"
    assert _plain(path) == "views.caracas.losses.world.force.losses"
    assert _plain("views.washington.call.world.scenes.call.ratio") == "views.washington.call.world.scenes.call.ratio"
    assert _plain("parameters.prior.coercer") == "parameters.prior.coercer"


def test_a_spreadsheet_runs_nothing():
    assert _safe("=1+1") == "'=1+1"
    assert _safe("@cmd") == "'@cmd"
    assert _safe("-0.5") == "-0.5"
    assert _safe("a judgement") == "a judgement"


def test_what_a_job_says():
    job = Job("run")
    job.hear("  5% compiling the solver, about 3 min left\n")
    assert (job.share, job.stage) == (0.05, "compiling the solver, about 3 min left")
    for k in range(9):
        job.hear(f"line {k}")
    assert job.said == [f"line {k}" for k in range(3, 9)]
    assert job.running
    assert job.share == 0.05


@pytest.mark.parametrize(
    ("host", "alone", "url"),
    [("127.0.0.1", True, "http://127.0.0.1:9"), ("localhost", True, "http://localhost:9"), ("::1", True, "http://[::1]:9"),
     ("0.0.0.0", False, "http://127.0.0.1:9"), ("desk.example", False, "http://desk.example:9")],
)  # fmt: skip
def test_where_it_listens_and_what_that_means(host, alone, url):
    place = Place(host, 9)
    assert place.loopback == alone
    assert place.url == url
    assert bool(place.warning()) != alone
    assert alone or "everybody who can reach" in place.warning()
