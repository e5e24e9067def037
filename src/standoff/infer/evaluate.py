"""From draws of the inferred numbers to what the record says of each: batches of solutions, several at once.

A draw's numbers depend on its quantiles, the case, the tellings and the seed alone, never on the batch in which it is
computed or on the number of workers. Numbers that are not inferred stand at the medians of their distributions.
"""

import hashlib
import os
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any

import jax.numpy as jnp
import numpy as np

from standoff.case.load import LoadedCase
from standoff.errors import UserError
from standoff.game.form import Form
from standoff.infer.likelihood import Group, Watch, observe, watch
from standoff.infer.parameters import Parameter, quantiles, require_read
from standoff.simulate.arms import Kept
from standoff.simulate.setup import Plan, form_for, plan, take_form
from standoff.simulate.store import origin

Row = dict[str, np.ndarray]
"""What is kept of a draw, by name."""
Summary = Callable[[Plan, int, dict[str, Any], Watch], Row]
"""From a plan, a draw, what was observed and the record that was watched to what is kept."""
QUALITY = "quality"
"""Under which name a row holds solutions, those that did not settle, and the largest residual."""
BATCH = 32
"""Draws compiled together."""


@dataclass(eq=False)
class Evaluator:
    """Evaluates draws, keeps what it found, and on disk too if told where."""

    loaded: LoadedCase
    parameters: tuple[Parameter, ...]
    groups: tuple[Group, ...]
    summary: Summary
    seed: int = 1
    nodes: int = 7
    workers: int = 2
    onwards: bool = False
    keep: Path | None = None
    done: Callable[[int], None] = lambda count: None
    fresh: int = 0
    """Draws that were computed, and not found."""
    _rows: dict[bytes, Row] = field(default_factory=dict)
    _first: Plan | None = None
    _form: Form | None = None
    _reach: tuple[np.ndarray, set[tuple[int, int]]] | None = None
    _watch: Watch | None = None
    _lock: Lock = field(default_factory=Lock)

    def rows(self, u: np.ndarray) -> list[Row]:
        """What is found for draws at quantiles `u` (axes draw, parameter); finished ones are not computed again."""
        u = np.ascontiguousarray(np.asarray(u, dtype=float))
        self._fetch(u)
        left = [k for k, each in enumerate(u) if each.tobytes() not in self._rows]
        for begin in range(0, len(left), BATCH):
            self._batch(u[left[begin : begin + BATCH]])
        return [self._rows[each.tobytes()] for each in u]

    def stacked(self, u: np.ndarray) -> dict[str, np.ndarray]:
        """The same as arrays by name, first axis draw."""
        rows = self.rows(u)
        return {name: np.stack([row[name] for row in rows]) for name in rows[0]}

    @cached_property
    def name(self) -> str:
        """What all of it depends on, beside the quantiles."""
        told = repr([(g.name, [(t.steps, t.cut, sorted(t.real)) for t in g.tellings]) for g in self.groups])
        case = hashlib.sha256(self.loaded.case.model_dump_json().encode()).hexdigest()
        how = (self.seed, self.nodes, self.onwards, self.parameters, self.summary.__name__)
        about = f"{origin(case, {})} {how} {told}"
        return hashlib.sha256(about.encode()).hexdigest()[:16]

    @property
    def quality(self) -> tuple[int, int, float]:
        """Solutions of all draws, those of them that did not settle, and the largest residual."""
        found = np.array([row[QUALITY] for row in self._rows.values()]).reshape(-1, 3)
        return int(found[:, 0].sum()), int(found[:, 1].sum()), float(found[:, 2].max(initial=0.0))

    def _batch(self, points: np.ndarray) -> None:
        if jnp.zeros(0).dtype != jnp.float64:
            raise UserError("Inference needs 64 bits: jax.config.update('jax_enable_x64', True) before anything else.")
        if self._first is None:
            require_read(self.loaded.case, self.parameters, self.seed)
        count = len(points)
        padded = np.concatenate([points, np.repeat(points[-1:], BATCH - count, axis=0)])
        made = plan(
            self.loaded.case, seed=self.seed, count=BATCH, quantiles=quantiles(self.parameters, padded),
            nodes=self.nodes, beside=self._first,
        )  # fmt: skip
        self._first = self._first or made
        self._shape(made)
        for view in (None, *made.case.views):
            made.sheet(view)
        if self._watch is None:
            silence = float(made.base["parameters.silence_weight"][0])
            self._watch = watch(made, self.groups, silence, onwards=self.onwards)

        def work(draw: int) -> None:
            kept = Kept(most=4)
            record = self._watch
            if record is None:
                raise ValueError("no record is compiled")
            row = self.summary(made, draw, observe(made, draw, kept, record), record)
            with self._lock:
                quality = {QUALITY: np.array([kept.solved, kept.unsettled, kept.worst])}
                self._rows[padded[draw].tobytes()] = row | quality
                self.fresh += 1
                self.done(len(self._rows))

        order = range(count)
        if self.fresh == 0:  # the first alone compiles what the others use
            work(0)
            order = range(1, count)
        with ThreadPoolExecutor(max_workers=max(self.workers, 1)) as pool:
            futures = [pool.submit(work, draw) for draw in order]
            try:
                wait(futures, return_when=FIRST_EXCEPTION)
            finally:
                for future in futures:
                    future.cancel()
        for future in futures:
            if not future.cancelled():
                future.result()
        made._sheets.clear()
        self._save(points)

    def _shape(self, made: Plan) -> None:
        """Let a batch use the form of those before it, made wider where a change of level is new."""
        reach, starts = made.reach()
        if self._reach is not None:
            reach, starts = reach | self._reach[0], starts | self._reach[1]
        if self._form is None or self._reach is None or (reach != self._reach[0]).any() or starts != self._reach[1]:
            self._form, self._reach, self._watch = form_for(made.case, reach, starts), (reach, starts), None
        take_form(made, self._form)

    def _fetch(self, u: np.ndarray) -> None:
        """Take finished batches from disk, once."""
        if self.keep is None or self._rows:
            return
        for file in sorted(self.keep.glob(f"{self.name}-*.npz")):
            with np.load(file) as found:
                points = found["u"]
                values = {name: found[name] for name in found.files if name != "u"}
            for k, point in enumerate(points):
                self._rows[point.tobytes()] = {name: each[k] for name, each in values.items()}
        self.done(len(self._rows))

    def _save(self, points: np.ndarray) -> None:
        """Write a batch whole or not at all."""
        if self.keep is None:
            return
        self.keep.mkdir(parents=True, exist_ok=True)
        rows = [self._rows[point.tobytes()] for point in points]
        word = hashlib.sha256(points.tobytes()).hexdigest()[:12]
        file = self.keep / f"{self.name}-{word}.npz"
        work = file.with_suffix(f".{os.getpid()}.part")
        with work.open("wb") as stream:
            np.savez_compressed(stream, **({"u": points} | {n: np.stack([row[n] for row in rows]) for n in rows[0]}))  # type: ignore[arg-type]
        work.replace(file)


def status_of(every: Sequence[Evaluator]) -> str:
    """How well the games were solved, in one sentence."""
    found = [each.quality for each in every]
    solved, unsettled = sum(q[0] for q in found), sum(q[1] for q in found)
    worst = max((q[2] for q in found), default=0.0)
    if unsettled:
        return f"Not converged: {unsettled} of {solved} solutions hold points with a residual up to {worst:.0e}."
    return f"All {solved} solutions settled to {worst:.0e} in log-likelihood."
