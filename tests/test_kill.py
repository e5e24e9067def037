"""Kills and full disks: nothing that was finished is lost, nothing half-written is taken for whole.

The first tests replace the work of a draw and kill real processes on a real disk; the others kill whole runs and
workers of a cluster, and compare with a run that nobody stopped, to the bit.
"""

import contextlib
import hashlib
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

from standoff.case.new import new_case

STANDOFF = Path(sys.executable).with_name("standoff")
SMALL = ("--draws", "2", "--replications", "20")
TASKS = 12  # two draws of the case itself, and of five other settings

MADE_UP = """
import os, sys, time
from pathlib import Path
import numpy as np
from standoff.case.load import load_case
from standoff.case.new import TEMPLATE
from standoff.case.world import World
from standoff.errors import StandoffError
from standoff.simulate import engine, ensemble
from standoff.simulate.setup import plan
from standoff.simulate.store import DrawStore, origin

def run_draw(plan, job, draw):
    time.sleep(pause)
    rng = np.random.default_rng([plan.seed, draw])
    ended = {f"scenario {n}": {"payoff": rng.random((2, size))} for n in range(8)}
    return ensemble.DrawResult(draw, ended, rng.integers(0, 2, (2, size)), {}, {}, {}, {}, {})

root, pause, size, draws = Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
found = load_case(TEMPLATE).case
case = found.model_copy(update={"ladder": [found.ladder[0], found.ladder[3]], "packages": [], "world": World(),
    "events": [], "crisis": found.crisis.model_copy(update={"rounds": 3})})
engine.run_draw, engine._prepare = run_draw, lambda *_: None
made, job = plan(case, seed=7, count=4, nodes=7, paths=20), ensemble.Job(10, ())
tasks = [engine.Task(made, job, n) for n in range(draws)]
whose = origin("digest", {"seed": 1}) | {"code": "whatever an editor saves while this runs"}
store = DrawStore(root, whose, print)
store.tidy()
print("ready", flush=True)
try:
    got = engine.run_tasks(tasks, store=store, workers=3, note=print)
except StandoffError as error:
    print(error)
    sys.exit(error.exit_code)
import hashlib
numbers = hashlib.sha256(b"".join(a["payoff"].tobytes() for r in got for a in r.ended.values())).hexdigest()
print("numbers", numbers, flush=True)
"""


def made_up(root, *, pause, size=400, draws=40, before=()):
    """Start a process that runs made-up draws."""
    command = [*before, sys.executable, "-c", MADE_UP, root, pause, size, draws]
    return subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, text=True)


def kept(root):
    return sorted(Path(root).glob("*/*.zarr.zip"))


def half(root):
    return list(Path(root).glob("*/.*.partial"))


def wait_for(condition, seconds):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.002)


@pytest.fixture(scope="module")
def numbers():
    """What a run that nobody stops gives: 40 draws of the work above, in order."""
    found = hashlib.sha256()
    for draw in range(40):
        rng = np.random.default_rng([7, draw])
        for _ in range(8):
            found.update(rng.random((2, 400)).tobytes())
    return found.hexdigest() + "\n"


@pytest.mark.parametrize("after", [9, *(pytest.param(n, marks=pytest.mark.slow) for n in (1, 23))])
def test_a_run_killed_between_any_two_moments_goes_on(tmp_path, numbers, after):
    root = tmp_path / "draws"
    process = made_up(root, pause=0.01)
    wait_for(lambda: len(kept(root)) >= after, 120)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    there = {path: path.read_bytes() for path in kept(root)}
    assert after <= len(there) <= 40
    done, _ = made_up(root, pause=0).communicate(timeout=120)
    assert f"Resuming: {len(there)} of 40 draws are there." in done  # every one whole
    assert "not used" not in done
    assert done.split("numbers ")[1] == numbers
    assert {path: path.read_bytes() for path in there} == there  # written once
    assert half(root) == []
    assert len(kept(root)) == 40


@pytest.mark.slow
def test_two_runs_at_once_do_not_harm_each_other(tmp_path, numbers):
    both = [made_up(tmp_path / "draws", pause=0.005) for _ in range(2)]
    assert [one.communicate(timeout=120)[0].split("numbers ")[1] for one in both] == [numbers] * 2
    assert half(tmp_path / "draws") == []


@pytest.mark.slow
def test_a_full_disk(tmp_path, numbers):
    """On a file system of half a megabyte, mounted where only this process sees it."""
    inside = f"mount -t tmpfs -o size=500k none {tmp_path} && "
    try_out = ["unshare", "-rm", "sh", "-c", inside + "true"]
    if shutil.which("unshare") is None or subprocess.run(try_out, check=False, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here (unshare -rm)")
    copy = tmp_path.with_name(tmp_path.name + "-copy")
    script = inside + f'"$@"; code=$?; mkdir {copy}; cp -r {tmp_path}/draws/. {copy}; exit $code'
    process = made_up(tmp_path / "draws", pause=0.01, before=("unshare", "-rm", "sh", "-c", script, "sh"))
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 1
    there = kept(copy)
    assert 2 <= len(there) < 40
    sentence = said.splitlines()[-1]
    assert "No space left on device" in sentence
    assert "are whole and kept" in sentence
    assert half(copy) == []
    done, _ = made_up(copy, pause=0).communicate(timeout=120)
    assert f"Resuming: {len(there)} of 40 draws are there." in done
    assert done.split("numbers ")[1] == numbers


# Whole runs.


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """The template on a coarse grid over fewer rounds, since it is run many times."""
    folder = tmp_path_factory.mktemp("user")
    new_case(folder / "case")
    crisis = folder / "case" / "crisis.yaml"
    text = crisis.read_text(encoding="utf-8").replace("rounds: 8 ", "rounds: 5 ").replace("nodes: 9", "nodes: 5")
    crisis.write_text(text, encoding="utf-8")
    return folder


def environ(home):
    cache = str(home / "cache")
    return os.environ | {"XDG_CACHE_HOME": cache, "MPLBACKEND": "Agg", "JAX_COMPILATION_CACHE_DIR": cache}


def start(home, name, *more):
    command = [STANDOFF, "run", "case", "--out", name, "--json", *SMALL, *more]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, cwd=home, env=environ(home), text=True, **pipes)


def finish(process):
    out, err = process.communicate(timeout=900)
    assert process.returncode == 0, err
    return {k: v for k, v in json.loads(out).items() if k != "report"}, err


@pytest.fixture(scope="module")
def whole(home):
    """What a run that nobody stops prints, on one worker."""
    return finish(start(home, "whole", "--workers", "1"))[0]


def same_arrays(home, name):
    one, two = (xr.open_datatree(home / n / "results.zarr", engine="zarr", consolidated=False) for n in ("whole", name))
    for child in one.children:
        drop = [v for v in one[child].ds.variables if "seconds" in str(v)]
        assert one[child].ds.drop_vars(drop).identical(two[child].ds.drop_vars(drop)), child


@pytest.mark.slow
def test_a_killed_run_goes_on_with_the_same_numbers(home, whole):
    root = home / ".killed.draws"
    process = start(home, "killed", "--workers", "2")
    wait_for(lambda: len(kept(root)) >= 4, 600)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    there = len(kept(root))
    assert not (home / "killed").exists()
    found, err = finish(start(home, "killed", "--workers", "8"))
    assert f"Resuming: {there} of {TASKS} draws are there." in err
    assert "left" in err
    assert found == whole
    same_arrays(home, "killed")
    assert not root.exists()


@pytest.mark.slow
def test_fresh_begins_anew_and_other_options_are_not_mixed(home, whole):
    root = home / ".fresh.draws"
    process = start(home, "fresh", "--seed", "5")
    wait_for(lambda: len(kept(root)) >= 1, 600)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    process = start(home, "fresh")  # the default seed
    wait_for(lambda: len(kept(root)) >= 3, 600)
    process.send_signal(signal.SIGKILL)
    _, err = process.communicate()
    assert "are of another case, version or options" in err
    assert "Resuming" not in err
    found, err = finish(start(home, "fresh", "--fresh"))
    assert "Resuming" not in err
    assert found == whole
    assert not root.exists()


@contextlib.contextmanager
def cluster(home, workers):
    """A scheduler and workers of a Dask cluster, each a process: its address and the workers' processes."""
    at, processes = home / "scheduler.json", []

    def command(*words):
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        processes.append(
            subprocess.Popen([sys.executable, "-m", *map(str, words)], cwd=home, env=environ(home), **quiet)
        )

    local = ("--host", "127.0.0.1", "--no-dashboard", "--scheduler-file", at)
    try:
        command("distributed.cli.dask_scheduler", *local, "--port", 0)
        wait_for(lambda: at.exists() and at.read_text().strip().endswith("}"), 120)
        for _ in range(workers):
            command("distributed.cli.dask_worker", *local, "--nthreads", 1, "--no-nanny")
        yield json.loads(at.read_text())["address"], processes[1:]
    finally:
        for process in processes:
            process.kill()
            process.wait()
        at.unlink(missing_ok=True)


@pytest.mark.slow
def test_a_killed_worker_loses_nothing(home, whole):
    pytest.importorskip("distributed")
    root = home / ".cluster.draws"
    with cluster(home, workers=2) as (address, workers):
        process = start(home, "cluster", "--cluster", address)
        wait_for(lambda: len(kept(root)) >= 3 or process.poll() is not None, 900)
        workers[0].send_signal(signal.SIGKILL)
        found, _ = finish(process)
        assert workers[1].poll() is None
    assert found == whole
    same_arrays(home, "cluster")


@pytest.mark.slow
def test_a_run_on_a_cluster_that_goes_away_keeps_what_was_finished(home, whole):
    pytest.importorskip("distributed")
    root = home / ".away.draws"
    with cluster(home, workers=1) as (address, _):
        process = start(home, "away", "--cluster", address)
        wait_for(lambda: len(kept(root)) >= 2 or process.poll() is not None, 900)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 1
    assert "went away" in err
    assert "Traceback" not in err
    assert len(kept(root)) >= 2
    found, err = finish(start(home, "away"))
    assert "Resuming" in err
    assert found == whole
    same_arrays(home, "away")
