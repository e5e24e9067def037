"""Two minds meet, given which differences of their views are corrected: the piece that all questions share.

Solving is what costs; a solution depends on the payoffs of a sheet alone, so it is kept by their bytes and serves every
arm, coalition and point of a design in which they are the same.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from typing import TypeVar

import jax
import numpy as np

from standoff.game.form import Payoffs
from standoff.game.play import Ended, Given, Later, Minds, Paths, play
from standoff.game.reach import Reached
from standoff.game.sweep import Solution
from standoff.simulate.ending import ENDINGS, codes
from standoff.simulate.minds import Meeting, Thinking
from standoff.simulate.setup import SIDES, Plan, Sheet

Progress = Callable[[str, float], None]
Result = TypeVar("Result")
Off = Mapping[str, tuple[str, ...]]
"""By side: the differences of its view that are corrected."""
TYPES, PLAY, STOPPED = 1, 2, 9
"""Purposes of random numbers; those of `ensemble`, so that a question without a change gives the run's numbers."""


@dataclass(eq=False)
class Kept:
    """Solutions, by the bytes of what was solved; at most `most` of them, the latest used.

    With `narrow` a view is solved only where it can be asked (`Plan.reached`), which is enough to play crises out that
    begin at the first state, in the plan's world or in that of the plan `begun`.
    """

    most: int = 32
    narrow: bool = False
    begun: Plan | None = None
    solved: int = 0
    unsettled: int = 0
    worst: float = 0.0
    _found: OrderedDict[bytes, Solution] = field(default_factory=OrderedDict)

    def solve(self, plan: Plan, sheet: Sheet, draw: int) -> Solution:
        """Solve a view for one draw, or find what was solved before."""
        among = self.among(plan, sheet, draw)
        key = digest(plan, sheet.payoffs.one(draw), among)
        if key in self._found:
            self._found.move_to_end(key)
            return self._found[key]
        found = self._found[key] = plan.solve(sheet, draw, among)
        self.solved += 1
        self.unsettled += found.unsettled > 0
        self.worst = max(self.worst, float(found.residual))
        while len(self._found) > self.most:
            self._found.popitem(last=False)
        return found

    def among(self, plan: Plan, sheet: Sheet, draw: int) -> Reached | None:
        """The states in which a view is solved; none: in all."""
        return plan.reached(sheet, draw, self.begun) if self.narrow else None

    def clear(self) -> None:
        """Let go of the solutions, which are large; the counts stay."""
        self._found.clear()


def digest(plan: Plan, payoffs: Payoffs, among: Reached | None = None) -> bytes:
    """A name for a game: its payoffs and chances, how it is solved, and in which states."""
    name = hashlib.sha256(f"{plan.rounds} {plan.nodes} {plan.form.size}".encode())
    name.update(among.name if among is not None else b"")
    for leaf in jax.tree_util.tree_leaves(payoffs):
        name.update(np.ascontiguousarray(leaf).tobytes())
    return name.digest()


@dataclass(frozen=True, eq=False)
class Arm:
    """Who meets whom in which world, in one draw."""

    plan: Plan
    draw: int
    meeting: Meeting
    world: Payoffs

    def paths(self, count: int, noise: int) -> Paths:
        """Where crises begin, with the random numbers of a draw (`noise`)."""
        random = stream(self.plan, noise, TYPES)
        return self.plan.paths_for(random, self.meeting.sheets, self.draw, count, known=False)

    def play(self, paths: Paths, noise: int, *, given: Given | None = None, later: Later = (),
             world: Payoffs | None = None, minds: Minds | None = None) -> Ended:  # fmt: skip
        """Play crises out, in this arm's world and with its minds or with others."""
        return play(
            key(self.plan, noise), self.plan.form, minds or self.meeting.minds, world or self.world, paths,
            rounds=self.plan.rounds, given=given, later=later,
        )  # fmt: skip

    def codes(self, ended: Ended, noise: int) -> np.ndarray:
        """Index into `ENDINGS` of every crisis."""
        stopped = stream(self.plan, noise, STOPPED).random((2, len(ended.outcome)))[0]
        return codes(self.plan, self.plan.sheet(None).values, self.draw, ended, stopped)


def arm(plan: Plan, draw: int, kept: Kept, off: Off | None = None) -> Arm:
    """Each side in its own view, with some differences corrected; the world is the base."""
    coercer, target = SIDES
    skip = off or {}
    thinking = Thinking(plan, draw, kept.solve, kept.among)
    meeting = thinking.meet((plan.view(coercer), plan.view(target)), (skip.get(coercer, ()), skip.get(target, ())))
    return Arm(plan, draw, meeting, plan.sheet(None).payoffs.one(draw))


def stream(plan: Plan, draw: int, purpose: int) -> np.random.Generator:
    """Random numbers of a draw for a purpose."""
    return np.random.default_rng(np.random.SeedSequence([plan.seed, draw, purpose]))


def key(plan: Plan, draw: int) -> jax.Array:
    """Key of the play of a draw."""
    return jax.random.fold_in(jax.random.fold_in(jax.random.key(plan.seed), draw), PLAY)


def chances(code: np.ndarray) -> np.ndarray:
    """Chance of every ending from their codes (last axis: crises, then endings)."""
    return np.stack([(code == k).mean(-1) for k in range(len(ENDINGS))], axis=-1)


def each(
    items: Sequence[int], work: Callable[[int], Result], *, workers: int, progress: Progress, stage: str,
    span: tuple[float, float] = (0.1, 1.0), cold: bool = True,
) -> list[Result]:  # fmt: skip
    """Do every item, several at once; where nothing is compiled yet (`cold`) the first alone, for the others."""
    low, high = span
    found: dict[int, Result] = {}

    def tell() -> None:
        share = len(found) / len(items)
        progress(f"{stage} ({len(found)} of {len(items)})", low + (high - low) * share)

    if cold:
        progress("compiling the solver", low)
        found.update((item, work(item)) for item in items[:1])
    tell()
    with ThreadPoolExecutor(max_workers=max(workers, 1)) as pool:
        futures = {pool.submit(work, item): item for item in items if item not in found}
        try:
            for future in as_completed(futures):
                found[futures[future]] = future.result()
                tell()
        finally:
            for future in futures:
                future.cancel()
    return [found[item] for item in items]


def status(every: Iterable[Kept]) -> str:
    """How well it was solved, in one sentence."""
    rows = list(every)
    solved, unsettled = sum(k.solved for k in rows), sum(k.unsettled for k in rows)
    worst = max((k.worst for k in rows), default=0.0)
    if unsettled:
        return f"Not converged: {unsettled} of {solved} solutions hold points with a residual up to {worst:.0e}."
    return f"All {solved} solutions settled to {worst:.0e} in log-likelihood."
