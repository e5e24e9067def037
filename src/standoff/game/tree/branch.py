"""Agent logit quantal response equilibria of any extensive game with perfect recall, from precision 0 upwards.

At every information set log p(a) - log p(b) = lambda (u(a) - u(b)) with u the mover's expected payoff given that the
set is reached: beliefs by Bayes' rule in logs, everybody follows the profile afterwards, the mover's own later self
included. lambda = 0 is uniform play; the answer to a precision is the first point where the branch from there reaches
it. Units: payoffs are the game's, lambda is per unit of payoff.

McKelvey & Palfrey (1998), Experimental Economics 1, 9-41; Turocy (2010), Economic Theory 42, 255-269.
`public` finds what all see, `blocks` cuts the game accordingly, `newton` is one look at the equations, `dense` the same
for small games, `path` the curve, `solved` the answers.
"""

import time
from collections.abc import Mapping, Sequence

import numpy as np

from standoff.errors import UserError
from standoff.game.tree.blocks import cut
from standoff.game.tree.dense import Dense, small
from standoff.game.tree.newton import Equations, System
from standoff.game.tree.path import Arrival, Path
from standoff.game.tree.solved import Missed, Point, Solved, Status
from standoff.game.tree.tree import CHANCE, Tree

Precision = float | Sequence[float] | Mapping[str, float]
"""One for all players, one for each in their order, or by the players' names; per unit of payoff."""
MOST_LOOKS = 20_000


def solve(tree: Tree, precisions: Sequence[Precision], *, most_looks: int = MOST_LOOKS,
          limit: int | None = None) -> Solved:  # fmt: skip
    """Agent logit equilibria of a game at a list of precisions, on the branch that starts at precision 0.

    Precisions of one proportion between the players share one branch; every other proportion has its own (a straight
    ray from 0).

    Args:
        tree: The game, of perfect recall.
        precisions: Each a number for all players, one for each player, or a mapping from players' names; at least 0.
        most_looks: Newton steps after which a branch is given up.
        limit: How coarsely public states are merged (`blocks.cut`). If None, small games are not cut at all (`dense`),
            others by cost. Speed only.

    Raises:
        UserError: A precision that is negative, not finite, or names no player; a game that cannot be laid out
            (`blocks.cut`).
    """
    rows = [_row(tree, precision) for precision in precisions]
    start = time.process_time()
    made = cut(tree, limit) if limit is not None or not small(tree) else None
    setup = time.process_time() - start
    answers: list[Point | Missed | None] = [None] * len(rows)
    sharp = _sharp(tree, rows)
    for ray, members in _rays(sharp).items():
        weights = np.array(ray)
        tops = {i: max(sharp[i]) for i in members}
        begin = time.process_time()
        equations: System = Equations(made, weights) if made else Dense(tree, weights)
        setup += time.process_time() - begin
        path = Path(equations, sorted(set(tops.values())), most_looks)
        with np.errstate(all="ignore"):
            arrivals = {arrival.t: arrival for arrival in path.follow()}
        for i in members:
            answers[i] = _answer(tree, equations, rows[i], arrivals[tops[i]])
    done = tuple(answer for answer in answers if answer is not None)
    return Solved(
        tree, tuple(a for a in done if isinstance(a, Point)), tuple(a for a in done if isinstance(a, Missed)), done,
        setup, time.process_time() - start - setup,
    )  # fmt: skip


def _row(tree: Tree, precision: Precision) -> tuple[float, ...]:
    """A precision for every player."""
    if isinstance(precision, Mapping):
        unknown = sorted(set(precision) - set(tree.players))
        if unknown or len(precision) < len(tree.players):
            missing = [name for name in tree.players if name not in precision]
            wrong = f"{unknown[0]!r} is no player" if unknown else f"{missing[0]!r} has no precision"
            raise UserError(f"precision {dict(precision)}: {wrong}. Name each of {', '.join(tree.players)} once.")
        row = tuple(float(precision[name]) for name in tree.players)
    elif isinstance(precision, Sequence):
        row = tuple(float(each) for each in precision)
    else:
        row = (float(precision),) * len(tree.players)
    if len(row) != len(tree.players) or not all(0 <= each < np.inf for each in row):
        raise UserError(
            f"precision {precision}: give one number of at least 0, or one for each of the {len(tree.players)} players."
        )
    return row


def _sharp(tree: Tree, rows: Sequence[tuple[float, ...]]) -> list[tuple[float, ...]]:
    """Precisions per unit of `Layout.scaled`; 0 for players who never move."""
    unit = np.zeros(len(tree.players))
    movers = np.unique(tree.layout.mover)
    unit[movers] = tree.layout.unit[movers]
    found = [tuple(each * float(u) for each, u in zip(row, unit, strict=True)) for row in rows]
    for row, each in zip(rows, found, strict=True):
        if not np.isfinite(each).all():
            raise UserError(f"precision {max(row):g}: too large for the payoffs of this game. Give a smaller one.")
    return found


def _rays(rows: Sequence[tuple[float, ...]]) -> dict[tuple[float, ...], list[int]]:
    """Precisions by their proportion, in which the largest is 1."""
    rays: dict[tuple[float, ...], list[int]] = {}
    for i, row in enumerate(rows):
        top = max(row)
        rays.setdefault(tuple(each / top for each in row) if top > 0 else (1.0,) * len(row), []).append(i)
    return rays


def _answer(tree: Tree, equations: System, row: tuple[float, ...], arrival: Arrival) -> Point | Missed:
    """An arrival in the numbering of the game."""
    turns = tuple(turn / arrival.t for turn in arrival.turns) if arrival.t > 0 else ()
    values = arrival.values
    if values is None or arrival.status not in (Status.ok, Status.crossed):
        return Missed(row, len(turns), turns, arrival.looks, arrival.status)
    sets = np.array([s for s, each in enumerate(tree.sets) if each.player != CHANCE], int)
    owner, middle, unit = tree.layout.owner, tree.layout.middle, tree.layout.unit
    log_strategy, worth = np.empty(len(owner)), np.empty(len(owner))
    log_strategy[equations.action], worth[equations.action] = values.log_p, values.worth
    log_reach, gains = np.full(len(tree.sets), np.nan), np.full(len(tree.sets), np.nan)
    log_reach[owner[equations.action[equations.starts]]] = values.reach
    best = np.full(len(tree.sets), -np.inf)
    np.maximum.at(best, owner, worth)
    own = unit[tree.layout.mover]
    gains[sets] = np.bincount(owner, np.exp(log_strategy) * (best[owner] - worth) * own, len(tree.sets))[sets]
    precision = np.array(row)[equations.mover]
    residual = float(np.abs(values.error / np.where(precision > 0, precision, 1.0)).max(initial=0.0))
    return Point(tree, row, log_strategy, middle[tree.layout.mover] + own * worth, log_reach,
                 middle + unit * values.payoffs, gains, residual, len(turns), turns, arrival.looks,
                 arrival.status)  # fmt: skip
