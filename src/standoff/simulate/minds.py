"""From views to minds: what a side solves, thinks of the other, and would turn to.

A view that names no other one is solved as if both sides shared it. A view that says which one the other side holds
(`other`) is answered: the inner view is worked out first, and so on inwards, and each side then plays its best against
what it thinks is played (`game.against`). A view with an `alternative` has a shadow, which reads the same record.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import jax.numpy as jnp
import numpy as np

from standoff.case.crisis import View
from standoff.errors import UserError
from standoff.game.against import Strategies, answer
from standoff.game.play import Mind, Minds
from standoff.game.reach import Reached
from standoff.game.sweep import Solution
from standoff.simulate.senses import bends, plain
from standoff.simulate.setup import BASE, SIDES, Plan, Sheet

Without = tuple[str, ...]
NEVER = np.float64(np.inf)
"""The Bayes factor at which a view is dropped that has no alternative."""


@dataclass(frozen=True, eq=False)
class Thought:
    """A view worked out: what its holder expects to be played, what he does himself, and the solution behind it."""

    sheet: Sheet
    solution: Solution
    acts: Strategies | None = None


def everywhere(plan: Plan, sheet: Sheet, draw: int) -> Reached | None:
    """A view is worked out in all its states."""
    return None


@dataclass(eq=False)
class Thinking:
    """One draw of a plan: every view is solved once, also where two of them have the same numbers.

    `solver` solves a view; `among` names the states in which it does, and in which answers are worked out.
    """

    plan: Plan
    draw: int
    solver: Callable[[Plan, Sheet, int], Solution] = Plan.solve
    among: Callable[[Plan, Sheet, int], Reached | None] = everywhere
    _solved: dict[int, Solution] = field(default_factory=dict)
    _thought: dict[tuple[str, Without], Thought] = field(default_factory=dict)

    def shared(self, sheet: Sheet) -> Solution:
        """A view solved as if both sides shared it."""
        if id(sheet) not in self._solved:
            self._solved[id(sheet)] = self.solver(self.plan, sheet, self.draw)
        return self._solved[id(sheet)]

    def thought(self, view: View | None, without: Without = ()) -> Thought:
        """A view worked out, with some of its differences corrected, in it and (by the same ids) in views inside it."""
        key = (view.id if view else BASE, without)
        if key not in self._thought:
            self._thought[key] = self._work_out(view, without)
        return self._thought[key]

    def keep(self, view: View, without: Without, thought: Thought) -> None:
        """Take a view as worked out."""
        self._thought[(view.id, without)] = thought

    def _work_out(self, view: View | None, without: Without) -> Thought:
        sheet = self.plan.sheet(view, without)
        inner = view_named(self.plan, view.other) if view is not None and view.other is not None else None
        if view is None or inner is None:
            return Thought(sheet, self.shared(sheet))
        side, theirs = SIDES.index(view.holder), self.thought(inner, without)
        other = theirs.solution.log_pi if theirs.acts is None else theirs.acts
        stages = self.plan.form.stages
        given = tuple(theirs.solution.log_pi[s] if stage.mover == side else other[s] for s, stage in enumerate(stages))
        among = self.among(self.plan, sheet, self.draw)
        found = answer(self.plan.form, sheet.payoffs.one(self.draw), given, side, among)
        value = jnp.asarray(theirs.solution.value).at[:, side].set(found.value.astype(theirs.solution.value.dtype))
        return Thought(sheet, replace(theirs.solution, log_pi=given, value=value), found.log_pi)

    def mind(self, view: View | None, side: str, without: Without = ()) -> Mind:
        """The mind of a side that holds a view; a side in the other's view plays as the other thinks that it does."""
        thought = self.thought(view, without)
        mind = self.plan.mind(thought.sheet, thought.solution, self.draw, side)
        own = view is None or view.holder == side
        return replace(mind, acts=thought.acts) if own and thought.acts is not None else mind

    def meet(self, views: tuple[View | None, View | None], without: tuple[Without, Without] = ((), ())) -> "Meeting":
        """Two sides with their views, and the shadows of those that may drop theirs."""
        minds = [self.mind(view, side, skip) for view, side, skip in zip(views, SIDES, without, strict=True)]
        sheets = [self.thought(view, skip).sheet for view, skip in zip(views, without, strict=True)]
        turns = [self._turn(view, side) for view, side in zip(views, SIDES, strict=True)]
        if any(turn is not None for turn in turns):
            for i, turn in enumerate(turns):
                if turn is None:
                    minds.append(replace(minds[i], threshold=jnp.asarray(NEVER)))
                    sheets.append(sheets[i])
                else:
                    shadow = self.mind(turn[0], SIDES[i])
                    minds.append(replace(shadow, sense=minds[i].sense, threshold=jnp.asarray(np.float64(turn[1]))))
                    sheets.append(self.plan.sheet(turn[0]))
        return alike(self.plan, Meeting(tuple(minds), tuple(sheets)))

    def _turn(self, view: View | None, side: str) -> tuple[View | None, float] | None:
        """What a side would turn to, and the Bayes factor at which it does."""
        if view is None or view.holder != side or view.alternative is None:
            return None
        limit = self.plan.sheet(view).values.get(f"world.perception.{side}.threshold")
        if limit is None:
            raise UserError(
                f"View '{view.id}' has an alternative but no threshold. "
                f"Write world.perception.{side}.threshold, the Bayes factor at which it is dropped."
            )
        alternative = None if view.alternative == BASE else view_named(self.plan, view.alternative)
        return alternative, max(float(limit[self.draw]), 1.0)


@dataclass(frozen=True, eq=False)
class Meeting:
    """Minds as `play` takes them, with the sheets from whose priors their beliefs begin."""

    minds: Minds
    sheets: tuple[Sheet, ...]


def alike(plan: Plan, meeting: Meeting) -> Meeting:
    """A meeting with what any meeting of the case has: shadows, senses, acts that change nothing where there are none.

    All meetings of a case are then played by the same compiled code, which takes longer to make than to run.
    """
    minds, sheets = list(meeting.minds), meeting.sheets
    if len(minds) == len(SIDES) and any(view.alternative is not None for view in plan.case.views):
        minds += [replace(mind, threshold=jnp.asarray(NEVER)) for mind in minds]
        sheets = (*sheets, *sheets)
    if bends(plan.case):
        minds = [mind if mind.sense is not None else replace(mind, sense=plain(plan.rounds)) for mind in minds]
    return Meeting(with_acts(plan, tuple(minds)), sheets)


def with_acts(plan: Plan, minds: Minds) -> Minds:
    """Minds of a side whose view in the case holds another one act by a table of their own, be it the same."""
    apart = {view.holder for view in plan.case.views if view.other is not None and view.inside is None}
    return tuple(
        replace(mind, acts=mind.log_pi) if mind.acts is None and SIDES[i % 2] in apart else mind
        for i, mind in enumerate(minds)
    )


def view_named(plan: Plan, name: str) -> View:
    """A view of the case by its id."""
    found = next((view for view in plan.case.views if view.id == name), None)
    if found is None:
        raise UserError(f"There is no view '{name}'. Correct 'other' or 'alternative' in the views.")
    return found
