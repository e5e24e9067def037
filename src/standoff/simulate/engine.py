"""Running draws: several at once, each finished one kept, and those that are kept already not run again.

A *task* is one draw of one plan. Its numbers depend on the plan, the job and the draw alone, never on who runs it,
with how many others, in which order or in what chunks: all random numbers are keyed by seed, draw and purpose.
Workers are threads of this process, or those of a running Dask cluster (`engine_dask`); all work is compiled code
that lets other threads run.
"""

import hashlib
import os
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, fields
from threading import Lock
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from standoff.game.play import Mind, Paths, follow, play
from standoff.game.sweep import solve
from standoff.simulate.ensemble import RECORD_PATHS, DrawResult, Job, run_draw
from standoff.simulate.minds import Meeting, alike, with_acts
from standoff.simulate.record import given
from standoff.simulate.setup import SIDES, Plan, Sheet
from standoff.simulate.store import DrawStore

MOST_WORKERS = 4
"""Workers by default, at most: each holds the solutions of three views in memory."""


def default_workers() -> int:
    """As many as there are cores that this process may use, up to `MOST_WORKERS`."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, MOST_WORKERS)


@dataclass(frozen=True, eq=False)
class Task:
    """One draw of one plan; `name` tells the plans of a run apart."""

    plan: Plan
    job: Job
    draw: int
    name: str = "main"

    @property
    def weight(self) -> int:
        """How many solutions it takes: three views, one more for each correction."""
        return 3 + len(self.job.corrections)


def run(
    plan: Plan,
    job: Job,
    draws: list[int],
    *,
    workers: int = 2,
    done: Callable[[float], None] | None = None,
) -> list[DrawResult]:
    """Run draws, two at a time by default; results come in the order of the draws."""
    return run_tasks([Task(plan, job, draw) for draw in draws], workers=workers, done=done)


def run_tasks(
    tasks: list[Task],
    *,
    workers: int = 2,
    chunk: int = 1,
    cluster: str | None = None,
    store: DrawStore | None = None,
    note: Callable[[str], None] | None = None,
    done: Callable[[float], None] | None = None,
) -> list[DrawResult]:
    """Run draws of several plans from one queue, so that no worker waits for the end of a plan.

    Args:
        tasks: What to run; results come in their order.
        workers: Threads of this process; a cluster has its own number.
        chunk: Tasks handed to a worker at a time.
        cluster: Address of the scheduler of a running Dask cluster.
        store: Where finished draws are kept, each as it is finished, and looked for first.
        note: Told, in a sentence, what the user should know, such as how much was found in the store.
        done: Told the share of the work that is done.
    """
    found: dict[int, DrawResult] = {}
    about = [described(task) for task in tasks] if store is not None else []
    if store is not None:
        found = {i: kept for i, what in enumerate(about) if (kept := store.find(what)) is not None}
        if found and note is not None:
            note(f"Resuming: {len(found)} of {len(tasks)} draws are there.")
    left = [i for i in range(len(tasks)) if i not in found]
    total, lock = sum(task.weight for task in tasks), Lock()

    def ready() -> None:
        if done is not None and total:
            done(sum(tasks[i].weight for i in found) / total)

    def finished(index: int, result: DrawResult) -> None:
        """Keep a draw first, and then count it as done. One at a time."""
        with lock:
            if store is not None:
                store.keep(about[index], result)
            found[index] = result
            ready()

    chunks = [left[i : i + max(chunk, 1)] for i in range(0, len(left), max(chunk, 1))]
    if cluster is not None and left:
        from standoff.simulate.engine_dask import run_chunks

        ready()
        run_chunks(tasks, chunks, cluster, finished, note)
    elif left:
        _prepare([tasks[i] for i in left], workers)
        ready()
        _run_here(tasks, chunks, workers, finished)
    return [found[index] for index in range(len(tasks))]


def _run_here(
    tasks: list[Task], chunks: list[list[int]], workers: int, finished: Callable[[int, DrawResult], None]
) -> None:
    def work(chunk: list[int]) -> None:
        for index in chunk:
            task = tasks[index]
            finished(index, run_draw(task.plan, task.job, task.draw))

    with ThreadPoolExecutor(max_workers=max(workers, 1)) as pool:
        futures = [pool.submit(work, chunk) for chunk in chunks]
        try:
            wait(futures, return_when=FIRST_EXCEPTION)
        finally:
            for future in futures:
                future.cancel()  # those that run go on, and what they finish is kept
    for future in futures:
        if not future.cancelled():
            future.result()


def _prepare(tasks: list[Task], workers: int) -> None:
    """Everything that draws share, before there are several at once: the sheets of each view, what is compiled."""
    seen = set()
    for task in tasks:
        if (id(task.plan), task.job.corrections) not in seen:
            seen.add((id(task.plan), task.job.corrections))
            prepare_sheets(task.plan, task.job)
    _warm(tasks[0].plan, tasks[0].job, workers)


def prepare_sheets(plan: Plan, job: Job) -> None:
    """Assemble the sheets that draws of a plan use; several draws at once must not do so themselves."""
    for view in (None, *(plan.view(side) for side in SIDES)):
        plan.sheet(view)
    for side, difference in job.corrections:
        plan.sheet(plan.view(side), (difference,))


def described(task: Task) -> dict[str, Any]:
    """What a task is, for its place in a store: the plan's case and options, the job, the draw."""
    job, plan = task.job, task.plan
    if "_described" not in plan.__dict__:
        options = {f.name: plain(getattr(plan, f.name)) for f in fields(plan) if f.name[0] != "_" and f.name != "case"}
        text = plan.case.model_dump_json()
        plan.__dict__["_described"] = options | {
            "case": hashlib.sha256(text.encode()).hexdigest(), "states": plan.form.size
        }  # fmt: skip
    return {
        "plan": task.name, "draw": task.draw, "options": plan.__dict__["_described"],
        "job": [job.replications, [plain(s) for s in job.scenarios], [list(pair) for pair in job.corrections],
                len(job.record.turns) if job.record else 0],
    }  # fmt: skip


def plain(value: Any) -> Any:  # noqa: ANN401 (JSON)
    """A value as JSON; what has no exact form there is refused."""
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if hasattr(value, "__dataclass_fields__"):
        return {name: plain(getattr(value, name)) for name in value.__dataclass_fields__}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list | set | frozenset):
        return [plain(item) for item in (value if isinstance(value, tuple | list) else sorted(value))]
    if isinstance(value, np.ndarray):
        return [value.dtype.str, list(value.shape), hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()]
    if value is None or isinstance(value, str | int | float):
        return value
    raise TypeError(f"a plan holds a {type(value).__name__}, which has no form in a manifest")


def _warm(plan: Plan, job: Job, workers: int) -> None:
    """Compile what a draw needs, once: the solver on one thread, the play of paths on another."""
    key = (plan.form, plan.rounds, plan.nodes, job.replications, job.record is not None)
    if key in _WARMED:
        return
    _WARMED.add(key)
    sheet = plan.sheet(None)
    world = sheet.payoffs.one(0)
    shape = (plan.nodes, plan.nodes, 2)
    stages = plan.form.stages
    blank = tuple(jnp.zeros((plan.rounds, len(s.states), *shape, len(s.moves)), jnp.float32) for s in stages)
    mind = Mind(blank, tuple(jnp.eye(len(s.moves)) for s in stages))
    pair = alike(plan, Meeting((mind, mind), (sheet, sheet)))

    def some(count: int, sheets: tuple[Sheet, ...]) -> Paths:
        return plan.paths_for(np.random.default_rng(0), sheets, 0, count, known=False)

    def paths() -> None:
        key = jax.random.key(0)
        play(key, plan.form, pair.minds, world, some(job.replications, pair.sheets), rounds=1)
        if job.record is not None and job.record.turns:
            told = given(plan.case, plan.form, job.record, rounds=plan.rounds, count=RECORD_PATHS, silence=1.0, seed=0)
            follow(key, plan.form, pair.minds, world, some(RECORD_PATHS, pair.sheets), told, rounds=1)
            if any(mind is not other for mind, other in zip(pair.minds, (mind, mind), strict=False)):
                two = with_acts(plan, (mind, mind))
                play(key, plan.form, two, world, some(job.replications, (sheet, sheet)), rounds=1)

    with ThreadPoolExecutor(max_workers=max(workers, 1)) as pool:
        first = pool.submit(lambda: solve(plan.form, world, rounds=1, nodes=plan.nodes))
        second = pool.submit(paths)
        first.result()
        second.result()


_WARMED: set[tuple[object, ...]] = set()
