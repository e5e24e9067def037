"""A run as its user meets it: what it writes, that it repeats, and that nothing half-written looks whole."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from ruamel.yaml import YAML

from standoff.case.load import load_case
from standoff.case.new import new_case
from standoff.cli.shell import TimeLeft, in_words
from standoff.errors import Failure, UserError
from standoff.show import pipeline, report, summary
from standoff.simulate.results import ENDINGS

STANDOFF = Path(sys.executable).with_name("standoff")
SMALL = ("--draws", "2", "--replications", "20", "--quiet")


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A case, and a cache of compiled functions of its own, for whole runs."""
    folder = tmp_path_factory.mktemp("user")
    new_case(folder / "case")
    return folder


def process(home, *arguments):
    env = os.environ | {"XDG_CACHE_HOME": str(home / "cache"), "MPLBACKEND": "Agg"}
    return subprocess.run(
        [STANDOFF, *map(str, arguments)], capture_output=True, text=True, cwd=home, env=env, timeout=600
    )


def found(home, name, seed):
    done = process(home, "run", "case", "--out", name, "--seed", seed, "--json", *SMALL)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def first(home):
    return found(home, "one", 1)


def stands(out, found, case, sizes):
    """Whether a folder holds a whole run, and what was printed is what is stored."""
    assert (out / "report.html").read_text(encoding="utf-8").strip()
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["complete"] is True
    assert (manifest["seed"], manifest["draws"], manifest["replications"]) == (1, *sizes)
    assert manifest["digest"] == found["digest"] == load_case(case).digest
    tree = xr.open_datatree(out / "results.zarr", engine="zarr", consolidated=False)
    ends = tree["endings"].ds
    assert ends["ending"].attrs["flag_meanings"].split() == list(ENDINGS)  # kept, and one word for each code
    assert list(ends["ending"].attrs["flag_values"]) == list(range(len(ENDINGS)))
    assert ends["ending"].shape == (8, *sizes)
    for scenario, row in found["endings"].items():
        here = ends["ending"].sel(scenario=scenario)
        assert sum(row[name]["mean"] for name in ENDINGS) == pytest.approx(1, abs=1e-5)
        for k, name in enumerate(ENDINGS):
            assert row[name]["mean"] == pytest.approx(float((here == k).mean()), abs=1e-6)
    for child in tree.children.values():
        assert all(variable.dtype != object or variable.dims for variable in child.ds.variables.values())


@pytest.mark.slow
def test_a_run_of_the_template(home, first):
    stands(home / "one", first, home / "case", (2, 20))
    assert {path.name for path in home.iterdir() if not path.name.startswith(("again", "other"))} == {
        "cache", "case", "one"
    }  # nothing left beside it  # fmt: skip


def lessen(folder):
    """Leave of the template two rungs, one move on record, no packages and no world, over three rounds."""
    yaml = YAML()

    def change(name, edit):
        text = yaml.load(folder / name)
        edit(text)
        yaml.dump(text, folder / name)

    def crisis(text):
        text["ladder"] = [text["ladder"][0], text["ladder"][3]]
        text["crisis"]["rounds"], text["solver"]["nodes"] = 3, 5

    def events(text):
        text["events"] = text["events"][:1]
        text["events"][0]["move"]["rung"] = "landing-force"

    change("crisis.yaml", crisis)
    change("evidence.yaml", events)
    change("numbers.yaml", lambda text: text.pop("world"))
    change("bargain.yaml", lambda text: text.pop("packages"))


@pytest.mark.slow
def test_a_run_of_a_small_case(standoff, tmp_path, monkeypatch):
    """Every stage as the command runs it, but for one other setting instead of five."""
    new_case(tmp_path / "case")
    lessen(tmp_path / "case")
    monkeypatch.setattr(pipeline, "prepare", lambda: None)
    monkeypatch.setattr(pipeline, "PACES", {})
    monkeypatch.setattr(pipeline, "PRECISIONS", (2.0,))
    words = ("--out", tmp_path / "run", "--seed", 1, "--json", *SMALL)
    code, out, err = standoff("run", tmp_path / "case", *words)
    assert (code, err) == (0, "")
    stands(tmp_path / "run", json.loads(out), tmp_path / "case", (2, 20))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["case", "run"]  # nothing left beside it


@pytest.mark.slow
def test_the_same_seed_gives_the_same_numbers(home, first):
    again = found(home, "again", 1)
    assert {k: v for k, v in again.items() if k != "report"} == {k: v for k, v in first.items() if k != "report"}
    one, two = (
        xr.open_datatree(home / name / "results.zarr", engine="zarr", consolidated=False) for name in ("one", "again")
    )
    for name, child in one.children.items():
        if name != "quality":  # it holds seconds
            assert child.ds.identical(two[name].ds), name


@pytest.mark.slow
def test_another_seed_gives_other_numbers(home, first):
    other = found(home, "other", 2)
    assert other["endings"] != first["endings"]
    assert other["digest"] == first["digest"]


@pytest.mark.slow
def test_a_run_killed_while_it_computes(home, first):
    env = os.environ | {"XDG_CACHE_HOME": str(home / "cache")}
    out = home / "killed"
    command = [STANDOFF, "run", "case", "--out", "killed", *SMALL]
    process = subprocess.Popen(command, cwd=home, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(8)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not out.exists()


# Below, the computation is replaced: what counts is how its results are written.


def results(mark):
    tree = xr.DataTree.from_dict({"endings": xr.Dataset({"ending": ("draw", [mark, mark])})})
    tree.attrs.update({"seed": mark, "status": "made up"})
    return tree


@pytest.fixture
def case(tmp_path):
    new_case(tmp_path / "case")
    return load_case(tmp_path / "case")


@pytest.fixture
def run(monkeypatch, case, tmp_path):
    """Runs the pipeline in place; the report is a line of text unless `writing` says otherwise."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(pipeline, "prepare", lambda: None)

    def written(loaded, tree, evidence, work, **_):
        (work / "report.html").write_text(f"report {tree.attrs['seed']}")

    def go(out, mark=1, writing=written):
        monkeypatch.setattr(pipeline, "compute", lambda *a, **k: results(mark))
        monkeypatch.setattr(report, "write_report", writing)
        return pipeline.run_case(case, out=out)

    return go


def whole(out, mark):
    """Whether a folder is a complete run with these numbers."""
    manifest = json.loads((out / "manifest.json").read_text())
    tree = xr.open_datatree(out / "results.zarr", engine="zarr", consolidated=False)
    return (
        manifest["complete"]
        and manifest["seed"] == mark
        and (out / "report.html").read_text() == f"report {mark}"
        and tree["endings"].ds["ending"].values.tolist() == [mark, mark]
    )


def beside(out):
    """Everything in the folder of a run but the case, the cache and the run itself."""
    return sorted(path.name for path in out.parent.iterdir() if path.name not in ("case", "cache", out.name))


def test_a_new_run_takes_the_place_of_the_old(run, tmp_path):
    out = tmp_path / "deep" / "run"
    run(out, 1)
    assert whole(out, 1)
    run(out, 2)
    assert whole(out, 2)
    assert beside(out) == []


def test_an_empty_folder_is_taken(run, tmp_path):
    (tmp_path / "run").mkdir()
    run(tmp_path / "run", 1)
    assert whole(tmp_path / "run", 1)


@pytest.mark.parametrize(
    "error", [RuntimeError("broken"), KeyboardInterrupt(), OSError(28, "No space left", "results.zarr")]
)
@pytest.mark.parametrize("older", [False, True])
def test_a_failure_while_writing_keeps_nothing_new_and_all_that_was_there(run, tmp_path, error, older):
    out = tmp_path / "run"
    if older:
        run(out, 1)

    def failing(loaded, tree, evidence, work, **_):
        assert work.exists()
        raise error

    expected = Failure if isinstance(error, OSError) else type(error)
    with pytest.raises(expected):
        run(out, 2, failing)
    assert out.exists() == older
    assert not older or whole(out, 1)
    assert beside(out) == []


KILLED = """
import os, signal, sys
from pathlib import Path
import xarray as xr
from standoff.case.load import load_case
from standoff.show import pipeline, report

def results(*_, **__):
    tree = xr.DataTree.from_dict({"endings": xr.Dataset({"ending": ("draw", [2, 2])})})
    tree.attrs.update({"seed": 2, "status": "made up"})
    return tree

pipeline.compute = results
pipeline.prepare = lambda: None
report.write_report = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
pipeline.run_case(load_case(sys.argv[1]), out=Path(sys.argv[2]))
"""


@pytest.mark.parametrize("older", [pytest.param(False, marks=pytest.mark.slow), True])
def test_a_run_killed_while_it_writes(run, tmp_path, older):
    out = tmp_path / "run"
    if older:
        run(out, 1)
    done = subprocess.run([sys.executable, "-c", KILLED, tmp_path / "case", out], timeout=300, check=False)
    assert done.returncode == -signal.SIGKILL
    assert out.exists() == older
    assert not older or whole(out, 1)
    left = beside(out)
    assert all(name.startswith(".run.partial-") for name in left)
    assert not any((tmp_path / name / "manifest.json").exists() for name in left)
    run(out, 3)  # the next run clears up
    assert whole(out, 3)
    assert beside(out) == []


def test_a_folder_of_something_else_is_refused(standoff, case, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    code, _, err = standoff("run", tmp_path / "case", "--out", tmp_path / "mine", *SMALL)
    assert code == 2
    assert "not a run" in err
    assert "Traceback" not in err
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.txt"]


def test_a_date_before_the_crisis_is_refused(run, case, tmp_path):
    with pytest.raises(UserError, match="before the first round"):
        pipeline.run_case(case, out=tmp_path / "run", until=case.case.crisis.starts.replace(year=2030))
    assert not (tmp_path / "run").exists()


def test_an_older_run_set_aside_by_a_killed_run_comes_back(tmp_path):
    """A kill between the two renames leaves the older run aside; the next run puts it back first."""
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    aside = tmp_path / f".run.older-{gone.pid}"
    aside.mkdir()
    (aside / "manifest.json").write_text("{}")
    half = tmp_path / f".run.partial-{gone.pid}"
    half.mkdir()
    pipeline._tidy(tmp_path / "run")
    assert (tmp_path / "run" / "manifest.json").read_text() == "{}"
    assert not half.exists()
    assert not aside.exists()


def test_a_rename_that_fails_puts_the_older_run_back(tmp_path):
    out = tmp_path / "run"
    out.mkdir()
    (out / "manifest.json").write_text("old")
    with pytest.raises(OSError, match="nowhere"):
        pipeline._swap(tmp_path / "nowhere", out)
    assert (out / "manifest.json").read_text() == "old"


# What is kept beside the target while a run goes on.


def keeping(store_of):
    """A computation that keeps one made-up draw, in the store that it is given."""
    from standoff.simulate.ensemble import DrawResult

    def compute(*_, store, **__):
        store.keep({"plan": "main", "draw": 0}, DrawResult(0, {}, np.zeros((2, 1)), {}, {}, {}, {}, {}))
        store_of.append(store)
        return results(1)

    return compute


@pytest.fixture
def kept(monkeypatch, run, case, tmp_path):
    """Runs the pipeline; gives what it said and the store that it used."""

    def go(out, writing=None, **options):
        run(tmp_path / "other")  # replaces what is slow
        stores, said = [], []
        monkeypatch.setattr(pipeline, "compute", keeping(stores))
        if writing is not None:
            monkeypatch.setattr(report, "write_report", writing)
        with contextlib.suppress(Failure):
            pipeline.run_case(case, out=out, note=said.append, **options)
        return stores[0], said

    return go


def full(loaded, tree, evidence, work, **_):
    raise OSError(28, "No space left on device", str(work))


def test_draws_are_kept_until_the_run_stands(kept, tmp_path):
    out = tmp_path / "run"
    store, _ = kept(out)
    assert whole(out, 1)
    assert not store.root.exists()
    (tmp_path / "run" / "manifest.json").unlink()
    shutil.rmtree(out)
    store, _ = kept(out, full)
    assert not out.exists()
    assert store.find({"plan": "main", "draw": 0}) is not None
    assert store.root == tmp_path / ".run.draws"


def test_draws_of_other_options_are_said_and_not_used(kept, tmp_path):
    first, said = kept(tmp_path / "run", full)
    assert said == []
    other, said = kept(tmp_path / "run", full, seed=2)
    assert said[0].startswith(f"1 finished draws in {first.root} are of another case, version or options")
    assert (other.folder == first.folder, other.others()) == (False, 1)
    _, said = kept(tmp_path / "run", full, fresh=True)
    assert said == []
    assert not other.folder.exists()


def test_what_a_full_disk_says(run, tmp_path):
    with pytest.raises(Failure, match=r"No space left on device\. The finished draws are kept: .* goes on from there"):
        run(tmp_path / "run", 1, full)


def test_time_left_counts_from_the_pace_of_the_stage():
    now = [0.0]
    left = TimeLeft(lambda: now[0])
    assert left("compiling", 0.02) is None
    now[0] = 100.0
    assert left("solving (30%)", 0.3) is None  # the first of its stage: a resumed run begins here
    now[0] = 110.0
    assert left("solving (35%)", 0.35) == pytest.approx(130)
    now[0] = 150.0
    assert left("solving (65%)", 0.65) == pytest.approx(50)
    assert left("writing", 0.95) is None


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, ""), (20.0, "less than a minute left"), (130.0, "about 2 min left"), (9000.0, "about 2 h left")],
)
def test_time_left_in_words(seconds, words):
    assert in_words(seconds) == words


@pytest.mark.parametrize(
    ("change", "told"), [(-0.2, "lowers force most: She waits ("), (-0.01, "No single misreading")]
)
def test_the_summary_names_a_misreading_only_if_its_correction_is_clear(case, monkeypatch, change, told):
    force = summary.Chance(change, 0.05, change - 0.1, change + 0.1)
    row = {"difference": "d", "holder": "target", "title": "She waits", "effect": {"force": force}}
    found = pipeline.RunSummary(case, results(1), Path("run"), 1.0)
    monkeypatch.setattr(summary, "correction_effects", lambda tree: [row])
    (line,) = found._corrected()
    assert told in line
    assert (case.case.leader("target").name in line) == (change < -0.05)
