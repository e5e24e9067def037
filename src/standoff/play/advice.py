"""What a seat's adviser says: its own view's solution, from the public record and its own type, and nothing else.

On the other's turn: what it expects the other to do, with chances. On its own turn: what the solution would do, and
what it expects the other to answer to each move that can be made. And what it believes: how firm the other is, how firm
the other thinks that one is oneself, what a move of the other was taken for.
"""

from dataclasses import dataclass

import numpy as np

from standoff.play.board import SIDES, Board
from standoff.play.mind import Mind, follow, look_up
from standoff.play.table import Option, Table, labels, options

Chances = tuple[tuple[Option, float], ...]


@dataclass(frozen=True)
class Reply:
    """What is expected after a move of one's own: chances of the other's next class, and of removal from within."""

    option: Option
    classes: dict[str, float]
    removed: float


@dataclass(frozen=True)
class Advice:
    """What a mind says at one moment of a game (chances 0 to 1; `worth` of going on in the side's own unit).

    `expected` is told on the other's turn, `solution` and `replies` on the own one; `taken` is for what the latest
    class of move of the other side was taken, where that is not what it was.
    """

    view: str
    precision: float
    other_firm: float
    thinks_me_firm: float
    expected: Chances
    solution: Chances
    replies: tuple[Reply, ...]
    worth: float | None
    taken: str | None
    dropped: bool
    status: str


def joint(
    board: Board, mind: Mind, n: int, index: int, state: int, pending: tuple[str, str] | None, kind: int | None
) -> Chances:
    """Chances of all moves at a decision: of the other side as expected, or one's own by the solution for a type."""
    stage, found = board.stages[index], []

    def chances(who: Mind, index: int, state: int) -> np.ndarray:
        mask = board.stages[index].mask[state]
        chance = who.expects(n, index, state) * mask if kind is None else who.does(n, index, state)[kind]
        return np.asarray(chance / chance.sum())

    first = chances(mind, index, state)
    inner: dict[int, np.ndarray] = {}
    for option in options(board, index, state, pending):
        made = labels(board, index, option.as_step())
        chance = float(first[made[0]])
        if len(made) > 1:
            if made[0] not in inner:
                after = mind.copy()
                after.saw(n, index, state, made[0], made[0])
                lead, then = follow(stage, state, made[0])
                inner[made[0]] = chances(after, lead, then)
            chance *= float(inner[made[0]][made[1]])
        found.append((option, chance))
    return tuple(found)


def _after(board: Board, mind: Mind, table: Table, option: Option) -> tuple[Mind, int, int]:
    """A mind after a move of its own, and where it leads."""
    after, index, state = mind.copy(), table.stage, table.state
    for move in labels(board, index, option.as_step()):
        after.saw(table.round, index, state, move)
        index, state = follow(board.stages[index], state, move)
    return after, index, state


def _reply(board: Board, mind: Mind, table: Table, option: Option) -> Reply:
    after, index, state = _after(board, mind, table, option)
    voice, n = after.now.voice, table.round
    if index < board.nature:
        return Reply(option, _classes(board, after, n, index, np.array([state]), np.ones(1)), 0.0)
    branch = board.branch[state]
    open_ = branch >= 0
    chance = np.where(open_, voice.chance[state], 0.0)
    chance = chance / chance.sum()
    removed = float((chance * voice.hazard[state]).sum())
    if n + 1 == board.rounds:
        return Reply(option, {}, removed)
    weight = (chance * (1 - voice.hazard[state]))[open_]
    return Reply(option, _classes(board, after, n + 1, 0, branch[open_], weight / weight.sum()), removed)


def _classes(board: Board, mind: Mind, n: int, index: int, states: np.ndarray, weight: np.ndarray) -> dict[str, float]:
    """Chances of the other's classes of move, over states with weights, as expected at the mind's beliefs."""
    stage = board.stages[index]
    belief = mind.belief
    p, q = (np.full(len(states), belief[i]) for i in range(2))
    chance = np.exp(look_up(mind.now.voice.log_pi[index], n, states, p, q))
    firm = float(belief[stage.mover])
    mean = weight @ ((firm * chance[:, 1] + (1 - firm) * chance[:, 0]) * stage.mask[states])
    mean = mean / mean.sum()
    return {move: float(mean[m]) for m, move in enumerate(stage.moves) if stage.mask[states, m].any()}


def advise(table: Table, side: str) -> Advice | None:
    """What the adviser of a side says now; nothing where the seat has none."""
    i = SIDES.index(side)
    mind, board = table.minds[i], table.board
    if mind is None:
        return None
    over, mine = table.ending is not None, table.side == side
    n, index, state = table.round, table.stage, table.state
    told: Chances = ()
    replies: tuple[Reply, ...] = ()
    if not over:
        told = joint(board, mind, n, index, state, table.pending, table.types[i] if mine else None)
    if mine:
        replies = tuple(_reply(board, mind, table, option) for option, _ in told if not option.ends)
    worth = float(mind.worth(n, state)[table.types[i]]) if not over and index == 0 else None
    return Advice(
        mind.view, mind.held.precision, float(mind.belief[1 - i]), float(mind.belief[i]), () if mine else told,
        told if mine else (), replies, worth, _taken(table, mind), mind.dropped, mind.held.status,
    )  # fmt: skip


def _taken(table: Table, mind: Mind) -> str | None:
    """For what the other's latest class of move was taken, where it was taken for another."""
    last = next((s for s in reversed(table.steps) if s["kind"] == "move" and s["side"] == SIDES[mind.other]), None)
    if last is None or mind.taken is None:
        return None
    taken = table.board.stages[table.board.stage(SIDES[mind.other])].moves[mind.taken]
    return taken if taken != last["move"] else None
