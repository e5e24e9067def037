"""From a case to a board, and from a view to a mind at a seat: `standoff.simulate` at the central values.

The plan is that of `standoff solve` (seed 1, every number at its centre), so that what is played is the game that the
case solves. A precision other than the view's is set for the seat's own side in every view that it holds.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from standoff.case.load import LoadedCase
from standoff.game.play import Mind
from standoff.play.board import SIDES, Board, Held, Stage, Voice, World
from standoff.play.shelf import require_mind
from standoff.simulate.ending import goers, packages
from standoff.simulate.minds import Thinking
from standoff.simulate.payoffs import blocked, endings, joint_prior, logit, playable
from standoff.simulate.setup import BASE, Plan, Sheet, plan, take_form

SEED = 1
"""Of the world's chains, as in `standoff run`."""


def double() -> None:
    """Double precision, which the solver needs."""
    import jax

    update: Callable[[str, Any], None] = jax.config.update  # type: ignore[no-untyped-call, unused-ignore]
    update("jax_enable_x64", True)


@dataclass(eq=False)
class Solver:
    """Compiles a case once, and solves what seats ask for."""

    loaded: LoadedCase
    _plan: Plan | None = None
    _thinking: Thinking | None = field(default=None, repr=False)

    @property
    def plan(self) -> Plan:
        """The case at its central values."""
        if self._plan is None:
            double()
            self._plan = plan(self.loaded.case, seed=SEED, count=0)
        return self._plan

    def board(self) -> Board:
        """The case as a board."""
        made, case = self.plan, self.loaded.case
        form, sheet = made.form, made.sheet(None)
        pays = sheet.payoffs.one(0)
        prior = made.prior(sheet, 0)
        ratio = float(sheet.values["parameters.prior.odds_ratio"][0])
        stages = tuple(
            Stage(s.name, s.mover, s.moves, s.leads, np.array(s.states), s.follow, s.mask, s.outcome)
            for s in form.stages
        )
        world = World(
            tuple(np.asarray(m) for m in pays.moves), np.asarray(pays.flow), np.asarray(pays.chance),
            np.asarray(pays.hazard), np.asarray(pays.removed), np.asarray(pays.horizon), float(pays.discount),
            joint_prior(float(prior[0]), float(prior[1]), ratio), _blocked(made, sheet), tuple(sorted(goers(made))),
            _force(made, sheet), _told(sheet),
        )  # fmt: skip
        kinds = [case.leader(side).types for side in SIDES]  # type: ignore[arg-type]
        offers = [tuple(package.id for package in playable(case, side)) for side in SIDES]
        return Board(
            self.loaded.digest, stages, np.array(form.nature_states), form.branch, world, made.rounds, made.days,
            made.first_state(0), tuple(rung.id for rung in case.ladder), (offers[0], offers[1]),
            ((kinds[0][0], kinds[0][1]), (kinds[1][0], kinds[1][1])),
        )  # fmt: skip

    def held(self, side: str, view: str, precision: float | None = None) -> Held:
        """What a side holds that sees the game by a view, at the view's precision or another one."""
        require_mind(self.loaded, view, precision)
        thinking = self._thinker(side, precision)
        asked = None if view == BASE else next(one for one in self.loaded.case.views if one.id == view)
        i = SIDES.index(side)
        meeting = thinking.meet((asked, asked))
        thought = thinking.thought(asked)
        value = np.asarray(thought.solution.value)[:, i].astype(np.float32)
        voice = _voice(view, meeting.minds[i], thinking.plan, meeting.sheets[i], value)
        shadow, limit = None, float("inf")
        turn = meeting.minds[2 + i] if len(meeting.minds) > 2 else None
        if turn is not None and turn.threshold is not None and np.isfinite(float(turn.threshold)):
            limit = float(turn.threshold)
            name = (asked.alternative if asked is not None else None) or BASE
            shadow = _voice(name, turn, thinking.plan, meeting.sheets[2 + i], value)
        sharp = float(meeting.sheets[i].values[f"parameters.precision.{side}"][0])
        pays = _pays(self.loaded, meeting.sheets[i], i)
        return Held(i, voice, shadow, limit, sharp, thought.solution.status, pays)

    def _thinker(self, side: str, precision: float | None) -> Thinking:
        if precision is None:
            self._thinking = self._thinking or Thinking(self.plan, 0)
            return self._thinking
        fixed = {f"parameters.precision.{side}": precision}
        made = plan(self.loaded.case, seed=SEED, count=0, fixed=fixed, beside=self.plan)
        take_form(made, self.plan.form)
        return Thinking(made, 0)


def _voice(view: str, mind: Mind, made: Plan, sheet: Sheet, value: np.ndarray) -> Voice:
    sense, pays = None, sheet.payoffs.one(0)
    if mind.sense is not None:
        names = ("flip", "lost", "delay", "leader", "scene")
        sense = {name: np.asarray(getattr(mind.sense, name), float) for name in names}
    acts = None if mind.acts is None or mind.acts is mind.log_pi else tuple(np.asarray(a) for a in mind.acts)
    return Voice(
        view, tuple(np.asarray(a) for a in mind.log_pi), tuple(np.asarray(r, float) for r in mind.read),
        made.prior(sheet, 0), value, np.asarray(pays.chance), np.asarray(pays.hazard), acts, sense,
    )  # fmt: skip


def _pays(loaded: LoadedCase, sheet: Sheet, i: int) -> dict[str, tuple[float, float]]:
    """What endings and packages pay a side's two types in a view, if nobody stops them."""
    found = {}
    for name, worth in endings(loaded.case, sheet.values).items():
        mine = (worth.coercer, worth.target)[i]
        both = mine[:, 0] if mine.ndim == 2 else np.repeat(mine[:1], 2)
        found[name] = (float(both[0]), float(both[1]))
    return found


def _blocked(made: Plan, sheet: Sheet) -> dict[str, float]:
    """Chance that the circle stops a leader who sets out: by outcome, and by package under which he goes."""
    found = {
        "concession": float(blocked(sheet.values, "parameters.target.blocked")[0]),
        "flight": float(blocked(sheet.values, "parameters.target.flight_blocked")[0]),
    }
    for code, name in packages(made).items():
        if code in goers(made):
            found[str(code)] = float(blocked(sheet.values, f"packages.{name}.blocked")[0])
    return found


def _force(made: Plan, sheet: Sheet) -> np.ndarray:
    """Cumulative chances of captured, killed, escaped, in office; the rest is a quagmire. Axes state, mode."""
    values, case = sheet.values, made.case
    q, e, k, s0 = (float(values[f"parameters.force.{n}"][0]) for n in ("quagmire", "escaped", "killed", "success"))
    warned = float(values["parameters.force.deadline_tilt"][0]) if "parameters.force.deadline_tilt" in values else 0.0
    found = []
    for rung, clock, *_ in made.form.stages[0].states:
        at = f"ladder.{case.ladder[rung].id}.success_tilt"
        tilt = (float(values[at][0]) if at in values else 0.0) + warned * (clock == 1)
        s = float(1 / (1 + np.exp(-logit(np.array(s0)) - tilt))) if tilt else s0
        found.append([(1 - q) * s * (1 - k), (1 - q) * s * k, (1 - q) * (1 - s) * e, (1 - q) * (1 - s) * (1 - e)])
    return np.cumsum(np.array(found), axis=1)


def _told(sheet: Sheet) -> dict[str, float]:
    names = ("prior.coercer", "prior.target", "precision.coercer", "precision.target", "silence_weight")
    paths = [f"parameters.{name}" for name in names]
    return {path: float(sheet.values[path][0]) for path in paths if path in sheet.values}
