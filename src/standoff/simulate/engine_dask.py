"""Draws on a running Dask cluster; the one module that needs the optional package `distributed`.

A worker gets each plan once: the case as JSON, the plan's options, its chains and its form, from which it assembles
the plan as this process would; then it gets the numbers of draws, and sends results back as arrays. A worker that is
killed loses nothing: what it was at is run again by another, and what it had sent is kept here. Chains are computed
here and sent, so that all workers have the same to the bit. A worker whose library or whose numerical libraries
differ from ours is refused; processors of different makes may still round differently.
"""

import hashlib
import logging
import pickle
from collections.abc import Callable
from dataclasses import fields
from functools import lru_cache
from threading import Lock
from typing import Any

from standoff.case.crisis import Case
from standoff.errors import Failure, UserError
from standoff.simulate.engine import Task, prepare_sheets
from standoff.simulate.ensemble import DrawResult, Job, run_draw
from standoff.simulate.setup import Plan
from standoff.simulate.store import origin

INSTALL = (
    "--cluster needs the package 'distributed', which is not installed. "
    "Install it with: pip install 'standoff[cluster]'"
)
CONNECT_SECONDS = 10


def run_chunks(
    tasks: list[Task],
    chunks: list[list[int]],
    address: str,
    finished: Callable[[int, DrawResult], None],
    note: Callable[[str], None] | None = None,
) -> None:
    """Run tasks, by their numbers in `chunks`, on the cluster at `address`; `finished` is told each as it arrives."""
    distributed = _distributed()
    client = _client(distributed, address)
    try:
        if not client.nthreads() and note is not None:
            note(f"No worker is connected to {address} yet; waiting for one.")
        parcels: dict[tuple[int, int], tuple[str, Any]] = {}
        waiting = {}
        for part in _of_one_plan(tasks, chunks):
            task = tasks[part[0]]
            known = (id(task.plan), id(task.job))
            if known not in parcels:
                content = _wrap(task)
                key = hashlib.sha256(content).hexdigest()
                # Kept with the scheduler, so that a worker that is killed does not take it along.
                parcels[known] = key, client.submit(bytes, content, key=f"standoff-plan-{key}")
            key, parcel = parcels[known]
            draws = [tasks[index].draw for index in part]
            waiting[client.submit(work, key, parcel, draws, _ours(), pure=False)] = part
        for future in distributed.as_completed(list(waiting), loop=client.loop):
            for index, result in zip(waiting[future], _arrived(distributed, future, address), strict=True):
                finished(index, result)
            future.release()
    finally:
        client.close()


def _arrived(distributed: Any, future: Any, address: str) -> list[DrawResult]:  # noqa: ANN401 (optional)
    kept = "What was finished before is kept; the same command goes on from there."
    try:
        found: list[DrawResult] = future.result()
    except distributed.KilledWorker as error:
        raise Failure(
            f"A draw was given up: {len(error.args) and str(error.args[0])}: the workers at {address} that ran it "
            f"were killed one after the other, most often for memory. {kept}"
        ) from error
    except (distributed.CancelledError, distributed.comm.CommClosedError, TimeoutError) as error:
        raise Failure(f"The cluster at {address} went away. {kept}") from error
    except (ImportError, AttributeError) as error:
        raise UserError(
            f"A worker at {address} cannot load standoff ({error}). Install the version that runs here on every worker."
        ) from error
    return found


def _distributed() -> Any:  # noqa: ANN401 (optional)
    try:
        import distributed
    except ImportError as error:
        raise UserError(INSTALL) from error
    # Connections that end are told in a sentence of ours; the package would print every try with its traceback.
    for name in list(logging.root.manager.loggerDict):
        if name.split(".")[0] in ("distributed", "tornado", "asyncio"):
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    return distributed


def _client(distributed: Any, address: str) -> Any:  # noqa: ANN401 (optional)
    try:
        return distributed.Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise UserError(
            f"--cluster {address}: no Dask scheduler answers there. Start one with 'dask scheduler', workers with "
            "'dask worker ADDRESS', and name the address that the scheduler prints."
        ) from error


def _of_one_plan(tasks: list[Task], chunks: list[list[int]]) -> list[list[int]]:
    """Chunks cut where plan or job changes, since a worker holds one at a time."""
    found: list[list[int]] = []
    for chunk in chunks:
        last: tuple[int, int] | None = None
        for index in chunk:
            here = (id(tasks[index].plan), id(tasks[index].job))
            if here == last:
                found[-1].append(index)
            else:
                found.append([index])
            last = here
    return found


@lru_cache(maxsize=1)
def _ours() -> dict[str, Any]:
    """Versions that a worker must share with this process."""
    made = origin("", {})
    return {name: made[name] for name in ("version", "code", "libraries")}


def _wrap(task: Task) -> bytes:
    """A plan and a job, to be sent."""
    plan = task.plan
    prepare_sheets(plan, task.job)
    options = {f.name: getattr(plan, f.name) for f in fields(plan) if f.name[0] != "_" and f.name != "case"}
    computed = {f.name: dict(getattr(plan, f.name)) for f in fields(plan) if f.name[0] == "_" and f.name != "_sheets"}
    form = pickle.dumps(plan.form)
    return pickle.dumps((plan.case.model_dump_json(), options, computed, form, task.job))


_HELD: dict[str, tuple[Plan, Job]] = {}
_FORMS: dict[str, Any] = {}
_HOLD = Lock()


def _unwrap(key: str, parcel: bytes) -> tuple[Plan, Job]:
    """The plan and the job in a parcel; once in a process. Plans of one form share it, and what is compiled for it."""
    with _HOLD:
        if key not in _HELD:
            text, options, computed, form, job = pickle.loads(parcel)
            plan = Plan(Case.model_validate_json(text), **options)
            for name, found in computed.items():
                getattr(plan, name).update(found)
            plan.__dict__["form"] = _FORMS.setdefault(hashlib.sha256(form).hexdigest(), pickle.loads(form))
            prepare_sheets(plan, job)
            _HELD[key] = plan, job
        return _HELD[key]


def work(key: str, parcel: bytes, draws: list[int], ours: dict[str, Any]) -> list[DrawResult]:
    """Run draws of a parcel. This is what a worker does."""
    import jax

    if _ours() != ours:
        theirs = _ours()
        differs = ", ".join(f"{k}: {theirs[k]} there, {ours[k]} here" for k in ours if theirs[k] != ours[k])
        raise UserError(f"A worker of the cluster runs another standoff ({differs}). Install the same on all.")
    jax.config.update("jax_enable_x64", True)  # type: ignore[no-untyped-call, unused-ignore]
    plan, job = _unwrap(key, parcel)
    return [run_draw(plan, job, draw) for draw in draws]
