"""The form of the crisis ladder: which moves exist in which public state, and where they lead.

Stages of a round, in order: the coercer's class, the rung it climbs to, the package it offers; the target's
class, the package it offers; nature. A state is (rung, clock, pending offer or 0, squeeze level, cohesion
level); nature's has one mark more, whether the target has just made a display.

The clock counts the coercer's turns until an ultimatum runs out. Setting one puts it at `patience`; at each
turn of the coercer that is neither a strike nor a climb it goes down; going from 1 to 0 is a lapse, which the
coercer pays for (a new ultimatum at 1 is a lapse as well). A climb stops the clock at no cost. An offer is pending
until the other side's next turn, and lapses if it is not accepted.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from standoff.game.form import COERCER, OUTCOME, TARGET, Form, Stage

COERCER_MOVES = ("back-down", "hold", "climb", "ultimatum", "offer", "accept", "strike")
TARGET_MOVES = ("concede", "offer", "accept", "defy", "flee", "display")
ENDS = {
    "back-down": "back-down", "accept": "settlement", "strike": "force", "concede": "concession", "flee": "flight",
}  # fmt: skip
NATURE = "nature"


State = tuple[int, ...]
Lead = tuple[str, State] | None


@dataclass(frozen=True, eq=False)
class Ladder:
    """Sizes and flags of a ladder game.

    `strike` and `ultimatum` say from which rungs these are possible. `reach[rung, display, squeeze, cohesion,
    new squeeze, new cohesion]` says which changes of level have any chance; `levels_start` are the levels in
    which a game can begin.
    """

    strike: tuple[bool, ...]
    ultimatum: tuple[bool, ...]
    start_rung: int
    patience: int
    coercer_offers: int
    target_offers: int
    reach: np.ndarray
    levels_start: tuple[tuple[int, int], ...]

    @property
    def rungs(self) -> int:
        """Number of rungs."""
        return len(self.strike)


def _coercer(ladder: Ladder, state: State) -> dict[str, Lead]:
    rung, clock, pending, *levels = state
    ticked = max(clock - 1, 0)
    moves: dict[str, Lead] = {"back-down": None, "hold": ("target", (rung, ticked, 0, *levels))}
    if rung + 1 < ladder.rungs:
        moves["climb"] = ("climb", (rung, 0, 0, *levels))
    if ladder.ultimatum[rung]:
        moves["ultimatum"] = ("target", (rung, ladder.patience, 0, *levels))
    if ladder.coercer_offers:
        moves["offer"] = ("coercer offer", (rung, ticked, 0, *levels))
    if pending:
        moves["accept"] = None
    if ladder.strike[rung]:
        moves["strike"] = None
    return moves


def _target(ladder: Ladder, state: State) -> dict[str, Lead]:
    rung, clock, pending, *levels = state
    moves: dict[str, Lead] = {"concede": None}
    if ladder.target_offers:
        moves["offer"] = ("target offer", (rung, clock, 0, *levels))
    if pending:
        moves["accept"] = None
    moves["defy"] = (NATURE, (rung, clock, 0, *levels, 0))
    moves["flee"] = None
    moves["display"] = (NATURE, (rung, clock, 0, *levels, 1))
    return moves


def moves_in(ladder: Ladder, stage: str, state: State) -> dict[str, Lead]:
    """Moves that can be played in a state of a stage, and where each leads; none where it ends the game."""
    rung, clock, _, *levels = state
    if stage == "coercer":
        return _coercer(ladder, state)
    if stage == "target":
        return _target(ladder, state)
    if stage == "climb":
        return {str(to): ("target", (to, 0, 0, *levels)) for to in range(rung + 1, ladder.rungs)}
    if stage == "coercer offer":
        return {str(k): ("target", (rung, clock, k, *levels)) for k in range(1, ladder.coercer_offers + 1)}
    return {str(k): (NATURE, (rung, clock, k, *levels, 0)) for k in range(1, ladder.target_offers + 1)}


def branches(ladder: Ladder, state: State) -> list[State]:
    """States of the first stage to which nature can lead from one of its own states."""
    rung, clock, pending, squeeze, cohesion, display = state
    to = np.argwhere(ladder.reach[rung, display, squeeze, cohesion])
    return [(rung, clock, pending, int(a), int(b)) for a, b in to]


def _names(ladder: Ladder) -> dict[str, tuple[int, tuple[str, ...]]]:
    return {
        "coercer": (COERCER, COERCER_MOVES),
        "climb": (COERCER, tuple(str(rung) for rung in range(1, ladder.rungs))),
        "coercer offer": (COERCER, tuple(str(k) for k in range(1, ladder.coercer_offers + 1))),
        "target": (TARGET, TARGET_MOVES),
        "target offer": (TARGET, tuple(str(k) for k in range(1, ladder.target_offers + 1))),
    }


def _reach(ladder: Ladder) -> dict[str, list[State]]:
    seen: dict[str, set[State]] = {}
    queue: list[tuple[str, State]] = [
        ("coercer", (ladder.start_rung, 0, 0, squeeze, cohesion)) for squeeze, cohesion in ladder.levels_start
    ]
    while queue:
        stage, state = queue.pop()
        if state in seen.setdefault(stage, set()):
            continue
        seen[stage].add(state)
        if stage == NATURE:
            queue.extend(("coercer", then) for then in branches(ladder, state))
        else:
            queue.extend(lead for lead in moves_in(ladder, stage, state).values() if lead is not None)
    return {stage: sorted(states) for stage, states in seen.items()}


def build(ladder: Ladder) -> Form:
    """The form of a ladder game; states that cannot be reached from the start are left out."""
    reached = _reach(ladder)
    names = {stage: about for stage, about in _names(ladder).items() if stage in reached}
    order = [*names, NATURE]
    at = {stage: {state: index for index, state in enumerate(reached[stage])} for stage in order}
    stages = tuple(_stage(ladder, name, *names[name], order, reached[name], at) for name in names)
    found = [[at["coercer"][then] for then in branches(ladder, state)] for state in reached[NATURE]]
    branch = np.full((len(found), max(map(len, found))), -1)
    for row, then in zip(branch, found, strict=True):
        row[: len(then)] = then
    return Form(stages, tuple(reached[NATURE]), branch)


def _stage(
    ladder: Ladder,
    name: str,
    mover: int,
    moves: tuple[str, ...],
    order: list[str],
    states: list[State],
    at: dict[str, dict[State, int]],
) -> Stage:
    found = [moves_in(ladder, name, state) for state in states]
    used = tuple(move for move in moves if any(move in options for options in found))

    def where(options: dict[str, Lead], move: str) -> int:
        lead = options.get(move)
        return at[lead[0]][lead[1]] if lead else -1

    def ends(options: dict[str, Lead], move: str) -> int:
        return OUTCOME[ENDS[move]] if move in options and options[move] is None else -1

    return Stage(
        name=name,
        mover=mover,
        states=tuple(states),
        moves=used,
        leads=tuple(_lead(order, (options[move] for options in found if move in options)) for move in used),
        follow=np.array([[where(options, move) for move in used] for options in found]),
        mask=np.array([[move in options for move in used] for options in found]),
        outcome=np.array([[ends(options, move) for move in used] for options in found]),
    )


def _lead(order: list[str], leads: Iterable[Lead]) -> int:
    """The stage that a move leads to: the same in every state, or the move is ill-formed."""
    stages = {order.index(lead[0]) if lead else -1 for lead in leads}
    if len(stages) != 1:
        raise ValueError("a move leads to one stage, whatever the state")
    return stages.pop()
