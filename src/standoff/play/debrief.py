"""After a game: what each believed, what the solution would have done, where players left it, what each misread.

Plain data for charts. At every decision three answers stand side by side: what the other side's mind expected of the
mover, what the mover's own solution would have done given his type, and what he did. The gap between the first two is
the misperception gap of the report (total variation, 0 to 1); `chance` is that of the move made, under each.
"""

import datetime as dt
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from standoff.case.crisis import Case
from standoff.play.advice import Chances, joint
from standoff.play.board import SIDES
from standoff.play.sight import Ended, day
from standoff.play.table import Step, Table

Row = dict[str, Any]
RARE = 0.1
"""A move that the solution makes with a smaller chance is called a departure from it."""


class Part(BaseModel):
    """Base of the debrief's parts."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Weighed(Part):
    """A move, with the chance that the other expected and the chance with which the solution makes it."""

    move: str
    expected: float | None
    solution: float | None
    made: bool


class Decision(Part):
    """One decision of a side."""

    turn: int
    round: int
    side: str
    move: str
    late: bool
    expected: float | None = Field(description="Chance of the move made, as the other side's mind expected it.")
    solution: float | None = Field(description="Chance of it under the mover's own solution, given his type.")
    best: str | None = Field(description="What the solution most likely does.")
    departs: bool = Field(description=f"Whether the solution makes it with a chance below {RARE}.")
    gap: float | None = Field(description="Between what was expected and what the solution does, 0 to 1.")
    taken_for: str | None = Field(description="For what the other's mind took the class of the move, if for another.")
    weighed: list[Weighed]


class Belief(Part):
    """Beliefs at the beginning of a round, of both minds: that the coercer, that the target is firm."""

    round: int
    date: dt.date
    coercer: tuple[float, float] | None
    target: tuple[float, float] | None


class SideSummary(Part):
    """A side in short. `about_other`: its last belief that the other is firm; `truth`: whether he was."""

    side: str
    type: str
    firm: bool
    view: str | None
    precision: float | None
    paid: float
    moves: int
    departures: int
    missed_clock: int
    log_chance: dict[str, float] = Field(description="Of all its moves under its own solution, by type.")
    about_other: float | None
    other_firm: bool
    misread: int = Field(description="Moves of the other that its mind took for others.")
    mean_gap: float | None = Field(description="Mean misperception gap about the other's decisions.")
    surprise: str | None = Field(description="The other's move that it expected least.")
    dropped_view: int | None = Field(description="Round in which it dropped its view.")


class Debrief(Part):
    """The whole debrief."""

    title: str
    ending: Ended | None
    decisions: list[Decision]
    beliefs: list[Belief]
    last: Belief = Field(description="Beliefs of both minds after the last step.")
    sides: list[SideSummary]
    cables: list[dict[str, Any]]
    real: str = Field(description="The real crisis in short, as the case tells it, its ending too.")


def _frame(table: Table, step: Step, turn: int) -> tuple[Row, dict[str, float]]:
    """What stood at a decision before it was made, and the log chance of the move made by type."""
    board, n, index, state = table.board, table.round, table.stage, table.state
    who = board.stages[index].mover
    own, other = table.minds[who], table.minds[1 - who]
    expected = None if other is None else joint(board, other, n, index, state, table.pending, None)
    by_type = [
        None if own is None else joint(board, own, n, index, state, table.pending, kind) for kind in range(2)
    ]  # fmt: skip
    solution = by_type[table.types[who]]
    made = next(k for k, option in enumerate(table.options()) if _same(option.as_step(), step))
    labels = [option.label for option in table.options()]

    def at(chances: Chances | None, k: int) -> float | None:
        return None if chances is None else round(chances[k][1], 6)

    gap = None
    if expected is not None and solution is not None:
        gap = round(0.5 * sum(abs(a - b) for (_, a), (_, b) in zip(expected, solution, strict=True)), 6)
    log_chance = {
        board.types[who][kind]: float(np.log(max(each[made][1], 1e-300)))
        for kind, each in enumerate(by_type) if each is not None
    }  # fmt: skip
    row: Row = {
        "turn": turn, "round": n + 1, "side": SIDES[who], "move": labels[made], "late": bool(step.get("late", False)),
        "expected": at(expected, made), "solution": at(solution, made),
        "best": None if solution is None else labels[int(np.argmax([chance for _, chance in solution]))],
        "departs": solution is not None and solution[made][1] < RARE, "gap": gap,
        "weighed": [
            Weighed(move=label, expected=at(expected, k), solution=at(solution, k), made=k == made)
            for k, label in enumerate(labels)
        ],
    }  # fmt: skip
    return row, log_chance


def _same(option: Step, step: Step) -> bool:
    return all(option.get(name) == step.get(name) for name in ("move", "rung", "package"))


def debrief(case: Case, table: Table, steps: list[Step], messages: list[Row]) -> Debrief:
    """Go through a game again and say what stood at every decision.

    Args:
        case: The case.
        table: The game at its beginning; it is played to its end.
        steps: The record.
        messages: Cables to be shown beside it.
    """
    decisions: list[Decision] = []
    logs: dict[str, dict[str, float]] = {side: {} for side in SIDES}
    beliefs = [_beliefs(case, table)]
    for index, step in enumerate(steps):
        if step["kind"] not in ("move", "injection"):
            continue
        row: Row = {}
        who = table.board.stages[table.stage].mover
        if step["kind"] == "move":
            row, log_chance = _frame(table, step, len(decisions))
            for kind, value in log_chance.items():
                logs[SIDES[who]][kind] = logs[SIDES[who]].get(kind, 0.0) + value
        before = table.round
        table.replay([step, *(then for then in steps[index + 1 : index + 2] if then["kind"] == "nature")])
        if row:
            other = table.minds[1 - who]
            taken = None
            if other is not None and other.taken is not None:
                taken = table.board.stages[table.board.stage(SIDES[who])].moves[other.taken]
            decisions.append(Decision(**row, taken_for=taken if taken != step["move"] else None))
        if table.round != before:
            beliefs.append(_beliefs(case, table))
    sides = [_summary(table, side, decisions, logs[side]) for side in SIDES]
    end = table.ending
    shown = None if end is None else Ended(**vars(end) | {"round": end.round + 1})
    cables = [{"sender": m["sender"], "to": m["to"], "round": m["round"] + 1, "text": m["text"]} for m in messages]
    title = case.crisis.title
    return Debrief(
        title=title, ending=shown, decisions=decisions, beliefs=beliefs, last=_beliefs(case, table), sides=sides,
        cables=cables, real=case.crisis.summary,
    )  # fmt: skip


def _beliefs(case: Case, table: Table) -> Belief:
    both = []
    for mind in table.minds:
        both.append(None if mind is None else (round(float(mind.belief[0]), 6), round(float(mind.belief[1]), 6)))
    return Belief(round=table.round + 1, date=day(case, table.round), coercer=both[0], target=both[1])


def _summary(table: Table, side: str, decisions: list[Decision], log_chance: dict[str, float]) -> SideSummary:
    i = SIDES.index(side)
    mind, other = table.minds[i], SIDES[1 - i]
    own = [d for d in decisions if d.side == side]
    theirs = [d for d in decisions if d.side == other]
    gaps = [d.gap for d in theirs if d.gap is not None]
    expected = [d for d in theirs if d.expected is not None]
    least = min(expected, key=lambda d: d.expected or 0.0) if expected else None
    return SideSummary(
        side=side, type=table.board.types[i][table.types[i]], firm=table.types[i] == 1,
        view=None if mind is None else mind.held.voice.view, precision=None if mind is None else mind.held.precision,
        paid=round(float(table.payoff[i]), 6), moves=len(own), departures=sum(d.departs for d in own),
        missed_clock=sum(d.late for d in own), log_chance={k: round(v, 6) for k, v in log_chance.items()},
        about_other=None if mind is None else round(float(mind.belief[1 - i]), 6), other_firm=table.types[1 - i] == 1,
        misread=sum(d.taken_for is not None for d in theirs),
        mean_gap=round(float(np.mean(gaps)), 6) if gaps else None,
        surprise=None if least is None else f"round {least.round}: {least.move}",
        dropped_view=None if mind is None or mind.dropped_in is None else mind.dropped_in + 1,
    )  # fmt: skip
