"""How far the endings of a view depend on the grid, and on which answer is taken where there are several.

A view's game is solved three times: the whole game continued in precision; directly, each point from the answer of
the next round, which shows whether it matters which answer is taken; and directly on twice the cells, which shows the
error of the grid. Chances are those that the view's holder expects, exact (no simulation).
"""

from dataclasses import dataclass

import equinox as eqx
import numpy as np

from standoff.game.outcomes import at_beliefs, chances
from standoff.game.sweep import Solution, default_shares, sharpness, solve
from standoff.game.tree.unroll import Game, joint
from standoff.simulate.setup import SIDES, Plan, Sheet


@dataclass(frozen=True)
class Accuracy:
    """Errors of a view's chances of endings, as differences of probabilities.

    `flagged_met` is the chance that play ever comes to a point where more than one answer is possible; `selection` how
    far a chance of an ending lies, at most and by types, from that of the direct solution; `grid_error` and
    `grid_error_mean` how far the direct solution lies from that on twice the cells, by types and on average over them.
    """

    flagged_met: float
    selection: float
    grid_error: float
    grid_error_mean: float


def measure(game: Game, nodes: int) -> tuple[Solution, np.ndarray, Accuracy]:
    """Solve a game as asked for, directly, and on twice the cells.

    Args:
        game: The game of a view.
        nodes: Grid nodes per belief axis.

    Returns:
        The solution continued in precision, its chances of every ending by pair of types, and its accuracy.
    """
    shares = default_shares(game.payoffs)
    weights = joint(game).reshape(-1)
    solution = solve(game.form, game.payoffs, rounds=game.rounds, nodes=nodes, shares=shares)
    by_pair = _endings(game, solution)
    direct = _endings(game, solve(game.form, game.payoffs, rounds=game.rounds, nodes=nodes))
    finer = solve(game.form, game.payoffs, rounds=game.rounds, nodes=2 * nodes - 1)
    refined = _endings(game, finer)
    met = np.asarray(_at(chances(solution, game.payoffs, stop=solution.flagged), game.start, *game.prior))[:, -1]
    return (
        solution,
        by_pair,
        Accuracy(
            flagged_met=float(weights @ met),
            selection=float(np.abs(direct - by_pair)[weights > 0].max()),
            grid_error=float(np.abs(refined - direct)[weights > 0].max()),
            grid_error_mean=float(np.abs(weights @ (refined - direct)).max()),
        ),
    )


def sharpest(plan: Plan, sheet: Sheet) -> int:
    """The draw in which decisions are sharpest (precision times the spread of payoffs): where errors are largest."""
    count = len(sheet.values["parameters.discount"])
    return int(np.argmax([sharpness(sheet.payoffs.one(draw)) for draw in range(count)]))


def game_of(plan: Plan, sheet: Sheet, draw: int) -> Game:
    """The game of a view in one draw of a plan."""
    p, q = (float(each) for each in plan.prior(sheet, draw))
    one, two = (plan.case.leader(side).types for side in SIDES)  # type: ignore[arg-type]
    kinds = ((one[0], one[1]), (two[0], two[1]))
    return Game(plan.form, sheet.payoffs.one(draw), (p, q), plan.rounds, plan.first_state(draw), kinds)


def accuracy(plan: Plan) -> dict[str, Accuracy]:
    """Accuracy of the base and of both sides' views, each in its sharpest draw."""
    found: dict[str, Accuracy] = {}
    for name, view in (("base", None), *((side, plan.view(side)) for side in SIDES)):
        sheet = plan.sheet(view)
        same = view is None and name != "base"
        found[name] = found["base"] if same else measure(game_of(plan, sheet, sharpest(plan, sheet)), plan.nodes)[2]
    return found


def _endings(game: Game, solution: Solution) -> np.ndarray:
    """Chance of every ending by pair of types at the start [pair, ending]."""
    return np.asarray(_at(chances(solution, game.payoffs), game.start, *game.prior))


_at = eqx.filter_jit(at_beliefs)
