"""Asking again and again: a session that keeps what a question leaves as it was, so that the next answer comes soon.

An answer is that of `counterfactual.whatif` for the same draws, replications and seed, to the last figure. What a
session keeps from one question to the next:

| kept | used again where |
|---|---|
| the plan, its chains and what the world's modules computed | the numbers that they read are the same |
| the compiled form of the game | the change opens no level on a rung that no draw could come to there (`wide_form`) |
| the arm *before*: types, moves on record, endings | always, by the round from which things are otherwise |
| a view solved, or answered (`game.against`), for one draw | its payoffs and chances are the same, byte by byte |

So a misreading corrected costs the solutions of its holder's view, a number of one view likewise, a move none, a number
of the base or of the world those of all views that it reaches. In each draw a view is solved only in the states that
crises can come to there (`Plan.reached`), as `whatif` does. Solutions are found anew from the same beginning as ever:
beginning from the answer before would save part of a solution and change its last figures, and, where a decision has
several answers, perhaps which one is found.

Solutions are large (tens of megabytes each); at most so many bytes of them are kept, those of *before* first.
"""

import datetime as dt
import hashlib
import json
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import xarray as xr

from standoff import __version__
from standoff.case.crisis import View
from standoff.case.load import LoadedCase
from standoff.errors import UserError
from standoff.game.form import Form, Payoffs
from standoff.game.play import Given, Paths
from standoff.game.reach import Reached
from standoff.game.sweep import Solution
from standoff.simulate.arms import Arm, Kept, Off, Progress, digest, each, status
from standoff.simulate.counterfactual import (
    SCHEMA,
    effects,
    endings_of,
    follow_record,
    require_move,
    require_possible,
    until,
    with_moves,
)  # fmt: skip
from standoff.simulate.memory import Memory, room
from standoff.simulate.minds import Thinking, Thought, Without, view_named
from standoff.simulate.overlay import Counterfactual, counterfactual, split
from standoff.simulate.record import Record
from standoff.simulate.setup import BASE, SIDES, Plan, Sheet, plan, take_form, wide_form

DRAWS, CRISES = 8, 250
"""Draws of the numbers and crises for each, small enough for an answer in seconds; the table tells its errors."""
FORMS = 2
"""Forms of the game that are kept; a change that lets levels move further needs another one."""


@dataclass(eq=False)
class Used:
    """Solves views for one draw, or finds them, and knows how well those that it used were solved.

    As `arms.Kept` with `narrow`: only where they can be asked, in crises that may have `begun` in another plan's world.
    """

    memory: Memory
    form: bytes
    lasting: bool
    begun: Plan | None = None
    quality: dict[bytes, tuple[float, float]] = field(default_factory=dict)
    solved: int = 0

    def solve(self, made: Plan, sheet: Sheet, draw: int) -> Solution:
        """A view solved as if both sides shared it."""
        among = self.among(made, sheet, draw)
        name = self.form + digest(made, sheet.payoffs.one(draw), among)
        found = self.memory.find(name)
        if not isinstance(found, Solution):
            found = replace(made.solve(sheet, draw, among), flagged=())
            self.solved += 1
            self.memory.keep(name, found, lasting=self.lasting)
        self.quality[name] = (float(found.residual), float(found.unsettled))
        return found

    def among(self, made: Plan, sheet: Sheet, draw: int) -> Reached:
        """The states in which a view is solved."""
        return made.reached(sheet, draw, self.begun)

    def arm(self, made: Plan, draw: int, off: Off) -> Arm:
        """Each side in its own view, with some differences corrected, as `arms.arm`; answers are looked up, too."""
        coercer, target = SIDES
        thinking = Thinking(made, draw, self.solve, self.among)
        views = (made.view(coercer), made.view(target))
        skip = (off.get(coercer, ()), off.get(target, ()))
        asked: list[tuple[View | None, Without]] = list(zip(views, skip, strict=True))
        turns = [view.alternative for view in views if view is not None and view.alternative is not None]
        asked += [(view_named(made, name), ()) for name in turns if name != BASE]
        for view, without in asked:
            self._recall(thinking, view, without)
        meeting = thinking.meet(views, skip)
        for view, without in asked:
            self._remember(thinking, view, without)
        return Arm(made, draw, meeting, made.sheet(None).payoffs.one(draw))

    def _recall(self, thinking: Thinking, view: View | None, without: Without) -> None:
        """Put the answer of a view to one inside it, if it is kept, where `Thinking` looks first."""
        if view is None or view.other is None:
            return
        inner = view_named(thinking.plan, view.other)
        self._recall(thinking, inner, without)
        acts = self.memory.find(self._name(thinking, view, without))
        if acts is None or isinstance(acts, Solution):
            return
        theirs = thinking.thought(inner, without)
        side, own = SIDES.index(view.holder), theirs.solution.log_pi
        other = own if theirs.acts is None else theirs.acts
        stages = thinking.plan.form.stages
        given = tuple(own[s] if stage.mover == side else other[s] for s, stage in enumerate(stages))
        sheet = thinking.plan.sheet(view, without)
        # The worth that `Thinking` notes beside an answer has no part in how anybody acts or expects.
        thinking.keep(view, without, Thought(sheet, replace(theirs.solution, log_pi=given), acts))

    def _remember(self, thinking: Thinking, view: View | None, without: Without) -> None:
        if view is None or view.other is None:
            return
        self._remember(thinking, view_named(thinking.plan, view.other), without)
        found = thinking.thought(view, without)
        if found.acts is None:
            return
        side, stages = SIDES.index(view.holder), thinking.plan.form.stages
        acts = tuple(  # at the other's stages an answer repeats what is given: held once, not twice
            found.acts[s] if stage.mover == side else found.solution.log_pi[s] for s, stage in enumerate(stages)
        )
        self.memory.keep(self._name(thinking, view, without), acts, lasting=self.lasting)

    def _name(self, thinking: Thinking, view: View, without: Without) -> bytes:
        """A name for the answer of a view: its payoffs, whose it is, and what it answers."""
        name = hashlib.sha256(self.form + f"answer of the {view.holder} ".encode())
        one: View | None = view
        while one is not None:
            sheet = thinking.plan.sheet(one, without)
            among = self.among(thinking.plan, sheet, thinking.draw)
            name.update(digest(thinking.plan, sheet.payoffs.one(thinking.draw), among))
            one = view_named(thinking.plan, one.other) if one.other is not None else None
        return name.digest()

    @property
    def kept(self) -> Kept:
        """The counts from which `arms.status` makes its sentence."""
        residuals = [residual for residual, _ in self.quality.values()]
        unsettled = sum(share > 0 for _, share in self.quality.values())
        return Kept(solved=len(self.quality), unsettled=unsettled, worst=max(residuals, default=0.0))


@dataclass(frozen=True, eq=False)
class Start:
    """The arm *before* in one draw: its endings, and where paths stand when things become otherwise."""

    code: np.ndarray
    when: np.ndarray
    told: Given | None
    quiet: Payoffs
    paths: Paths
    quality: Mapping[bytes, tuple[float, float]]


@dataclass(eq=False)
class Ground:
    """The case as it stands in one form of the game: its plan, and *before* by round of the start and draw."""

    plan: Plan
    name: bytes
    starts: dict[tuple[int, int], Start] = field(default_factory=dict)


class Session:
    """Counterfactuals of one case, one after the other, from the same draws and random numbers.

    Args:
        loaded: The case.
        draws: Draws of the numbers.
        replications: Crises for each draw.
        seed: Of every draw.
        workers: Draws at a time.
        most: Bytes of solutions that are kept; by default as `room`.
        beside: A session whose room this one shares, with what is left of it.
    """

    def __init__(
        self, loaded: LoadedCase, *, draws: int = DRAWS, replications: int = CRISES, seed: int = 1, workers: int = 2,
        most: int | None = None, beside: "Session | None" = None,
    ) -> None:  # fmt: skip
        """Nothing is compiled or solved yet."""
        self.loaded, self.draws, self.replications = loaded, draws, replications
        self.seed, self.workers = seed, workers
        self.memory: Memory = Memory(room() if most is None else most) if beside is None else beside.memory
        self.lasting = beside is None
        self.solved = 0
        """Solutions found anew for the last question."""
        self._main: Plan | None = None
        self._grounds: OrderedDict[Form, Ground] = OrderedDict()

    def main(self) -> Plan:
        """The case as it stands, compiled."""
        if self._main is None:
            made = plan(self.loaded.case, seed=self.seed, count=self.draws)
            made.reach()
            self._main = made
        return self._main

    def computed(self) -> frozenset[str]:
        """Paths of the numbers that the world's modules compute in this case."""
        return self.main().computed

    def prepare(self, start: dt.date | None = None, progress: Progress = lambda stage, share: None) -> None:
        """Compile the case and work out *before*, so that the first question does not wait for it."""
        import scipy.stats  # type: ignore[import-untyped]  # noqa: F401 - the table of an answer takes it

        self._run([], start, progress)

    def warm(self) -> Iterator[str]:
        """Compile, step by step, what the first question with a move or from a later date would wait for.

        Each step is named once it is done; whoever has something better to do stops between two of them.
        """
        crisis = self.loaded.case.crisis
        later = crisis.starts + dt.timedelta(days=crisis.round_days)
        for day in (crisis.starts, later):
            start = None if day == crisis.starts else day
            try:
                until(self.loaded.case, start)
            except UserError:  # there is no record to follow so far
                return
            if start is not None:
                self._first([], start)
                yield "a later date"
            for side, quiet in (("coercer", "hold"), ("target", "defy")):
                self._first([f"moves.{side}.{day}={quiet}"], start)
                yield f"a move of the {side}"

    def _first(self, texts: Sequence[str], start: dt.date | None) -> None:
        """Answer for the first draw alone, to compile what the answer takes."""
        overlays = [counterfactual(self.loaded.case, "first", [split(text) for text in texts])] if texts else []
        along, turn = until(self.loaded.case, start)
        ground = self._ground([])
        self._draw(ground, [(ground.plan, one) for one in overlays], along, turn, 0)

    def ask(
        self, overlays: Sequence[Counterfactual] | Mapping[str, Sequence[str]], *, start: dt.date | None = None,
        progress: Progress = lambda stage, share: None,
    ) -> xr.Dataset:  # fmt: skip
        """Answer as `whatif` does; an exception that `progress` raises stops it, and what was solved is kept.

        Args:
            overlays: Counterfactuals, or by name what each sets, as words (see `overlay`).
            start: The day from which on things are otherwise; until then the record is followed.
            progress: Told the stage and the share that is done.

        Returns:
            The table of `counterfactual.whatif`, the same to the last figure.
        """
        case = self.loaded.case
        if isinstance(overlays, Mapping):
            overlays = [counterfactual(case, name, [split(text) for text in texts]) for name, texts in overlays.items()]
        code, when, turn, kept = self._run(overlays, start, progress)
        day = case.crisis.starts + dt.timedelta(days=turn * case.crisis.round_days)
        return effects(code, when, overlays).assign_attrs(
            schema=SCHEMA, case=case.crisis.id, title=case.crisis.title, digest=self.loaded.digest,
            version=__version__, seed=self.seed, draws=self.draws, replications=self.replications,
            **{"from": day.isoformat() if turn else ""}, round=turn + 1,
            settings=json.dumps({one.name: list(one.asked) for one in overlays}), status=status(kept),
        )  # fmt: skip

    def _run(
        self, overlays: Sequence[Counterfactual], start: dt.date | None, progress: Progress
    ) -> tuple[np.ndarray, np.ndarray, int, list[Kept]]:
        """Codes and rounds of the endings (axes arm, draw, crisis), the round of the start, and how it was solved."""
        case, self.solved = self.loaded.case, 0
        along, turn = until(case, start)
        for one in overlays:
            require_possible(case, one, along, turn)
        progress("compiling the world’s chains" if self._main is None else "what changes", 0.02)
        main = self.main()
        others = [
            plan(case, seed=self.seed, count=self.draws, overlays=one.shifts, beside=main) if one.shifts else None
            for one in overlays
        ]
        ground = self._ground([made for made in others if made is not None])
        if ground.plan is not main and not ground.starts:
            progress("levels move where none did: compiling a wider game", 0.05)
        plans = [made or ground.plan for made in others]
        for made, one in zip(plans, overlays, strict=True):
            for move in one.moves:
                require_move(ground.plan.form, move)
            made.sheet(None)
            for side in SIDES:
                made.sheet(made.view(side), one.off.get(side, ()))

        def work(draw: int) -> tuple[np.ndarray, np.ndarray, Kept, int]:
            return self._draw(ground, list(zip(plans, overlays, strict=True)), along, turn, draw)

        cold = not ground.starts
        rows = each(
            range(self.draws), work, workers=self.workers, progress=progress, stage="solving and playing", cold=cold
        )
        self.solved = sum(row[3] for row in rows)
        code, when = np.stack([row[0] for row in rows], axis=1), np.stack([row[1] for row in rows], axis=1)
        return code, when, turn, [row[2] for row in rows]

    def _ground(self, others: Sequence[Plan]) -> Ground:
        """The case in a form that serves the other plans as well, as `share_form` makes it."""
        main = self.main()
        found = [made.reach() for made in (main, *others)]
        reach, starts = np.any([reach for reach, _ in found], axis=0), set().union(*(s for _, s in found))
        form = wide_form(main.case, reach, starts)
        name = hashlib.sha256(repr(form.nature_states).encode())
        for made in others:
            take_form(made, form)
        if form not in self._grounds:
            made = plan(main.case, seed=self.seed, count=self.draws, beside=main) if self._grounds else main
            take_form(made, form)
            made.sheet(None)
            for side in SIDES:
                made.sheet(made.view(side))
            self._grounds[form] = Ground(made, name.digest())
            if len(self._grounds) > FORMS:  # the plain form stays
                del self._grounds[next(old for old, one in self._grounds.items() if one.plan is not main)]
        return self._grounds[form]

    def _draw(
        self, ground: Ground, others: Sequence[tuple[Plan, Counterfactual]], along: Record, turn: int, draw: int
    ) -> tuple[np.ndarray, np.ndarray, Kept, int]:
        """One draw in all arms: codes and rounds of the endings (axes arm, crisis), and how it was solved."""
        lasting, begun = self.lasting and ground.plan is self._main, ground.plan if turn else None
        solver = Used(self.memory, ground.name, lasting, begun)
        before: Arm | None = None
        start = ground.starts.get((turn, draw))
        if start is None or (turn and others):
            before = solver.arm(ground.plan, draw, {})
        if start is None and before is not None:
            start = ground.starts[(turn, draw)] = self._begin(before, along, turn, solver)
        if start is None:
            raise RuntimeError("no arm before")
        solver.lasting = False
        solver.quality.update(start.quality)
        code, when = [start.code], [start.when]
        for made, one in others:
            after = solver.arm(made, draw, one.off)
            minds = with_moves(made, after.meeting.minds, one.moves)
            paths = start.paths if turn else after.paths(self.replications, draw)
            found = endings_of(after, minds, before or after, start.told, start.quiet, turn, paths)
            code.append(found[0])
            when.append(found[1])
        return np.stack(code), np.stack(when), solver.kept, solver.solved

    def _begin(self, before: Arm, along: Record, turn: int, solver: Used) -> Start:
        told, quiet, paths = None, before.world, before.paths(self.replications, before.draw)
        if turn:
            told, quiet, paths = follow_record(before, along, turn, paths, self.replications)
        code, when = endings_of(before, before.meeting.minds, before, told, quiet, turn, paths)
        return Start(code, when, told, quiet, paths, dict(solver.quality))


Row = tuple[np.ndarray, np.ndarray, Kept, int]
