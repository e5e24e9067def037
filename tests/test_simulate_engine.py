"""Running draws: order, workers, chunks, what is kept and not run again, a full disk, and the parcels of a cluster.

But for the slow test the work of a draw is replaced: what counts is who runs it, how often, and what becomes of it.
"""

import errno
import os
import subprocess
import sys
import time
from threading import Lock

import numpy as np
import pytest

from standoff.case.load import load_case
from standoff.case.new import TEMPLATE
from standoff.case.world import World
from standoff.errors import UserError
from standoff.simulate import engine, engine_dask, ensemble
from standoff.simulate import store as storing
from standoff.simulate.ensemble import DrawResult
from standoff.simulate.setup import plan
from standoff.simulate.store import DrawStore, StoreFull, origin


@pytest.fixture(scope="module")
def case():
    """The template with two rungs, no packages and no world beside the game, over three rounds."""
    found = load_case(TEMPLATE).case
    return found.model_copy(
        update={
            "ladder": [found.ladder[0], found.ladder[3]], "packages": [], "world": World(), "events": [],
            "crisis": found.crisis.model_copy(update={"rounds": 3}),
        }
    )  # fmt: skip


@pytest.fixture(scope="module")
def plans(case):
    return [plan(case, seed=seed, count=8, nodes=7, paths=20) for seed in (7, 8)]


JOB = ensemble.Job(10, ensemble.SCENARIOS[:2])


@pytest.fixture
def tasks(plans):
    return [engine.Task(one, JOB, draw, name) for one, name in zip(plans, ("main", "other"), strict=True)
            for draw in range(6)]  # fmt: skip


def made_up(plan, job, draw):
    """A result that depends on all that a draw's may depend on."""
    discount = plan.base["parameters.discount"][draw]
    return DrawResult(draw, {"views": {"payoff": np.array([discount, plan.seed, job.replications])}},
                      np.zeros((2, 1)), {}, {}, {}, {"base": (0.0, 0.0, 0.0, 0.1)}, {})  # fmt: skip


@pytest.fixture
def ran(monkeypatch):
    """Draws that were run, as seed and draw; each takes some milliseconds."""
    found, lock = [], Lock()

    def run_draw(plan, job, draw):
        with lock:
            found.append((plan.seed, draw))
        time.sleep(0.001 * ((draw * 7) % 5))
        return made_up(plan, job, draw)

    monkeypatch.setattr(engine, "run_draw", run_draw)
    monkeypatch.setattr(engine_dask, "run_draw", run_draw)
    monkeypatch.setattr(engine, "_prepare", lambda *_: None)
    return found


@pytest.fixture
def store(tmp_path):
    return DrawStore(tmp_path / ".run.draws", origin("digest", {"seed": 1}))


def content(results):
    """Everything in results, seconds included, as bytes."""
    arrays = []
    return [storing.pack(r, arrays) for r in results], [a.tobytes() for a in arrays]


@pytest.mark.parametrize("workers", [1, 2, 8])
@pytest.mark.parametrize("chunk", [1, 5, 100])
def test_workers_and_chunks_change_neither_numbers_nor_order(ran, tasks, workers, chunk):
    got = engine.run_tasks(tasks, workers=workers, chunk=chunk)
    assert content(got) == content([made_up(t.plan, t.job, t.draw) for t in tasks])
    assert sorted(ran) == sorted((t.plan.seed, t.draw) for t in tasks)


def test_what_is_kept_is_not_run_again(ran, tasks, store):
    said, shares = [], []
    engine.run_tasks(tasks[:5], store=store, note=said.append)
    assert said == []
    ran.clear()
    got = engine.run_tasks(tasks, store=store, note=said.append, done=shares.append, workers=3, chunk=2)
    assert said == ["Resuming: 5 of 12 draws are there."]
    assert sorted(ran) == sorted((t.plan.seed, t.draw) for t in tasks[5:])
    assert shares == pytest.approx([n / 12 for n in range(5, 13)])
    assert content(got) == content([made_up(t.plan, t.job, t.draw) for t in tasks])
    ran.clear()
    assert content(engine.run_tasks(tasks, store=store)) == content(got)
    assert ran == []


def test_a_damaged_draw_is_run_again_and_said(ran, tasks, store):
    said = []
    store = DrawStore(store.root, store.made, said.append)
    engine.run_tasks(tasks, store=store)
    path = store.path(engine.described(tasks[4]))
    path.write_bytes(path.read_bytes()[:-30])
    ran.clear()
    got = engine.run_tasks(tasks, store=store)
    assert ran == [(tasks[4].plan.seed, tasks[4].draw)]
    assert len(said) == 1
    assert str(path) in said[0]
    assert content(got) == content([made_up(t.plan, t.job, t.draw) for t in tasks])


def test_another_job_or_case_is_another_draw(ran, tasks, store, case):
    engine.run_tasks(tasks[:1], store=store)
    one = tasks[0]
    longer = engine.Task(one.plan, ensemble.Job(20, JOB.scenarios), 0)
    fewer = engine.Task(one.plan, ensemble.Job(10, JOB.scenarios[:1]), 0)
    title = case.model_copy(update={"crisis": case.crisis.model_copy(update={"title": "Another"})})
    other = engine.Task(plan(title, seed=7, count=8, nodes=7, paths=20), JOB, 0)
    fixed = engine.Task(plan(case, seed=7, count=8, nodes=7, paths=20, fixed={"parameters.discount": 0.5}), JOB, 0)
    for task in (longer, fewer, other, fixed):
        assert store.find(engine.described(task)) is None
    assert store.find(engine.described(one)) is not None


@pytest.mark.parametrize("workers", [1, 3])
def test_a_failure_is_raised_and_what_was_finished_is_kept(ran, tasks, store, monkeypatch, workers):
    good = engine.run_draw

    def failing(plan, job, draw):
        if (plan.seed, draw) == (8, 2):
            raise ArithmeticError("no solution")
        return good(plan, job, draw)

    monkeypatch.setattr(engine, "run_draw", failing)
    with pytest.raises(ArithmeticError, match="no solution"):
        engine.run_tasks(tasks, store=store, workers=workers)
    kept = [t for t in tasks if store.find(engine.described(t)) is not None]
    assert len(kept) == len(ran)
    assert len(kept) >= 8


def test_a_full_disk_stops_the_run_and_keeps_what_was_finished(ran, tasks, store, monkeypatch):
    keep, count = storing._write, []

    def write(path, manifest, result):
        count.append(path)
        if len(count) > 4:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        keep(path, manifest, result)

    monkeypatch.setattr(storing, "_write", write)
    with pytest.raises(StoreFull, match="The 4 draws written before are whole and kept"):
        engine.run_tasks(tasks, store=store, workers=2)
    monkeypatch.undo()
    assert sum(store.find(engine.described(t)) is not None for t in tasks) == 4


def test_weights_make_the_share(ran, plans):
    pairs = (("coercer", "a"), ("coercer", "b"), ("coercer", "c"))
    tasks = [engine.Task(plans[0], ensemble.Job(10, (), pairs), 0), engine.Task(plans[0], JOB, 1)]
    shares = []
    engine.run_tasks(tasks, workers=1, done=shares.append)
    assert shares == pytest.approx([0, 2 / 3, 1])


def test_no_tasks(ran, store):
    assert engine.run_tasks([], store=store) == []


# The cluster.


def test_without_the_package_it_says_what_to_install(monkeypatch, tasks):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UserError, match=r"pip install 'standoff\[cluster\]'"):
        engine.run_tasks(tasks, cluster="tcp://127.0.0.1:1")


def test_without_a_scheduler_it_says_how_to_start_one(monkeypatch, tasks):
    pytest.importorskip("distributed")
    monkeypatch.setattr(engine_dask, "CONNECT_SECONDS", 0.3)
    with pytest.raises(UserError, match=r"no Dask scheduler answers there.*dask scheduler"):
        engine.run_tasks(tasks, cluster="tcp://127.0.0.1:1")


def test_a_worker_gets_the_plan_as_it_is_here(ran, tasks):
    key, parcel = "here", engine_dask._wrap(tasks[0])
    [got] = engine_dask.work(key, parcel, [3], engine_dask._ours())
    assert content([got]) == content([made_up(tasks[3].plan, JOB, 3)])
    theirs, job = engine_dask._unwrap(key, parcel)
    ours = tasks[0].plan
    assert engine_dask._unwrap(key, parcel)[0] is theirs
    assert job == JOB
    assert theirs.case == ours.case
    a, b = theirs.sheet(None), ours.sheet(None)
    assert all(np.array_equal(a.values[name], b.values[name]) for name in b.values)
    one, other = a.payoffs.one(2), b.payoffs.one(2)
    assert all(np.array_equal(x, y) for x, y in zip(one.moves, other.moves, strict=True))
    assert np.array_equal(one.chance, other.chance)
    described = [engine.described(engine.Task(p, JOB, 0)) for p in (theirs, ours)]
    assert described[0] == described[1]


def test_plans_of_one_form_share_it_at_the_worker(tasks, plans, monkeypatch):
    monkeypatch.setitem(plans[1].__dict__, "form", plans[0].form)
    first, second = (engine_dask._unwrap(name, engine_dask._wrap(task))[0]
                     for name, task in (("one", tasks[0]), ("two", tasks[6])))  # fmt: skip
    assert first.form is second.form


def test_a_worker_with_another_library_is_refused(ran, tasks):
    ours = engine_dask._ours() | {"version": "0.0.0"}
    with pytest.raises(UserError, match=r"another standoff \(version: .* there, 0.0.0 here"):
        engine_dask.work("x", b"", [0], ours)


def test_chunks_are_cut_where_the_plan_changes(tasks):
    assert engine_dask._of_one_plan(tasks, [[0, 1, 5, 6], [7, 2], [3]]) == [[0, 1, 5], [6], [7], [2], [3]]


@pytest.mark.slow
def test_everything_but_one_module_does_without_the_package():
    code = (
        "import sys; sys.modules['distributed'] = sys.modules['dask'] = None\n"
        "import standoff.show.pipeline, standoff.simulate.engine, standoff.simulate.engine_dask, standoff.cli\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
