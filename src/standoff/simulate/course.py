"""A course of moves that a lever sets: what a side is made to do in which round, and what it is kept from.

The side is taken to have chosen what it does; the other learns from it by its own view, which knows nothing of the
course. A move is made where it can be made and nothing is on the table; elsewhere the side chooses as it would have.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import jax.numpy as jnp
import numpy as np

from standoff.case.crisis import Case
from standoff.game.form import Form, Stage
from standoff.game.play import Mind, Minds
from standoff.simulate.setup import SIDES

SURE = 1e4
"""What is added to the log chance of a move that is made, and taken from that of one that is barred."""


@dataclass(frozen=True)
class Course:
    """Moves by round (from 0) of one side; `rung` is where a climb leads, `barred` what it is kept from by round."""

    side: str
    moves: Mapping[int, str]
    rung: int
    barred: Mapping[int, str] = field(default_factory=dict)


def force_in_sight(case: Case) -> Course | None:
    """Force moves at once, a deadline is set in the next round, and no strike falls before it has run out.

    The target so has its own turn of the first round, and as many more as an ultimatum runs, before force can be used.
    None where no rung allows both a strike and an ultimatum.
    """
    rung = _ready(case)
    if rung is None:
        return None
    last = 1 + case.crisis.ultimatum_rounds
    return Course("coercer", {0: "climb", 1: "ultimatum"}, rung, dict.fromkeys(range(last), "strike"))


def force_without_word(case: Case) -> Course | None:
    """Force moves at once, to the same rung, and nothing is said: no deadline, and a strike whenever it is chosen."""
    rung = _ready(case)
    return None if rung is None else Course("coercer", {0: "climb"}, rung)


def _ready(case: Case) -> int | None:
    """The highest rung above the first one from which force can be used and a deadline set."""
    start = [rung.id for rung in case.ladder].index(case.crisis.start_rung)
    ready = [r for r, rung in enumerate(case.ladder) if rung.strike and rung.ultimatum and r > start]
    return ready[-1] if ready else None


def steered(form: Form, minds: Minds, course: Course) -> Minds:
    """Minds of which one side, and its shadow if it has one, keeps to a course."""
    found: list[Mind] = list(minds)
    for i in range(SIDES.index(course.side), len(found), 2):
        acts = list(found[i].acts or found[i].log_pi)
        for index, stage in enumerate(form.stages):
            for turn in sorted({*course.moves, *course.barred}):
                extra = _extra(stage, course, turn)
                if extra.any():
                    table = jnp.asarray(acts[index])
                    bonus = jnp.asarray(extra[:, None, None, None, :], table.dtype)
                    acts[index] = table.at[turn].add(jnp.broadcast_to(bonus, table.shape[1:]))
        found[i] = replace(found[i], acts=tuple(acts))
    return tuple(found)


def _extra(stage: Stage, course: Course, turn: int) -> np.ndarray:
    """What is added to the log chances of a stage's moves (axes state, move) in a round."""
    extra = np.zeros((len(stage.states), len(stage.moves)))
    states = np.array(stage.states)
    move, barred = course.moves.get(turn), course.barred.get(turn)
    if stage.name == course.side:
        if move in stage.moves:
            m = stage.moves.index(move)
            climbs = states[:, 0] < course.rung if move == "climb" else True
            extra[:, m] += SURE * (stage.mask[:, m] & (states[:, 2] == 0) & climbs)
        if barred in stage.moves:
            extra[:, stage.moves.index(barred)] -= SURE
    elif stage.name == "climb" and course.side == "coercer" and move == "climb" and str(course.rung) in stage.moves:
        m = stage.moves.index(str(course.rung))
        extra[:, m] += SURE * stage.mask[:, m]
    return extra
