"""A case at its central values: one view as a game of the grid, solved there, or cut to a small tree.

Every number of the case stands at its centre (`plan` with `count` 0), so that there is one game for each view. The
game of a view is what its holder believes to be played by both sides; his misreading of the other's moves belongs to
him and not to the game, and has no part in it.
"""

from dataclasses import dataclass, replace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from standoff.case.crisis import Case, View
from standoff.case.explain import suggestion
from standoff.case.load import LoadedCase
from standoff.errors import UserError
from standoff.game.form import OUTCOMES
from standoff.game.lookup import lookup
from standoff.game.outcomes import at_beliefs
from standoff.game.sweep import Solution
from standoff.game.tree.tree import Tree
from standoff.game.tree.unroll import MOST_NODES, Game, joint, unroll
from standoff.simulate.accuracy import Accuracy, game_of, measure
from standoff.simulate.payoffs import playable
from standoff.simulate.setup import BASE, SIDES, Plan, Sheet, plan

SEED = 1
"""Of the world's chains, as in `standoff run`."""


@dataclass(frozen=True, eq=False)
class Central:
    """A view of a case at its central values: its name, its game, and the plan that it comes from."""

    case: Case
    view: str
    game: Game
    plan: Plan
    sheet: Sheet


@dataclass(frozen=True, eq=False)
class SolvedView:
    """What the grid solver says of a view.

    `endings[name]` is the chance of an ending if both sides hold this view; `value[side][type]` what the crisis is
    worth at its start, in the side's own unit; `first[side][type]` the chances of its first class of moves (for the
    target, its answer where the coercer has held).
    """

    central: Central
    solution: Solution
    endings: dict[str, float]
    value: dict[str, dict[str, float]]
    first: dict[str, dict[str, dict[str, float]]]
    accuracy: Accuracy


def central(case: Case, view: str = BASE, *, rounds: int | None = None, nodes: int | None = None,
            precision: tuple[float | None, float | None] = (None, None)) -> Central:  # fmt: skip
    """A view's game at the central values.

    Args:
        case: The case.
        view: `base`, the id of a view, or `coercer` or `target` for the view that a side holds.
        rounds: Rounds played before the payoff of the horizon; the case's if None.
        nodes: Grid nodes per belief axis; the case's if None.
        precision: Of coercer and target, per unit of its stake; the view's where None.

    Raises:
        UserError: no such view; more rounds than the case has.
    """
    made = plan(case, seed=SEED, count=0, nodes=nodes)
    held = _view(made, view)
    most = made.rounds
    if rounds is not None and not 1 <= rounds <= most:
        raise UserError(f"{rounds} rounds: this case has {most}. Ask for 1 to {most}.")
    sheet = made.sheet(held)
    game = game_of(made, sheet, 0)
    sharp = [float(game.payoffs.precision[i]) if own is None else own for i, own in enumerate(precision)]
    payoffs = eqx.tree_at(lambda each: each.precision, game.payoffs, jnp.asarray(sharp))
    game = replace(game, payoffs=payoffs, rounds=rounds or most)
    return Central(case, held.id if held else BASE, game, made, sheet)


def _view(made: Plan, name: str) -> View | None:
    if name == BASE:
        return None
    if name in SIDES:
        return made.view(name)
    held = [view for view in (made.view(side) for side in SIDES) if view is not None]
    for view in held:
        if view.id == name:
            return view
    known = [BASE, *(view.id for view in held)]
    if any(view.id == name for view in made.case.views):
        raise UserError(f"--view {name}: this view is held inside another one, and only outermost views are solved. "
                        f"Use one of: {', '.join(known)}.")  # fmt: skip
    raise UserError(f"--view {name}: the case has no such view. {suggestion(name, known)}")


def small(
    loaded: LoadedCase,
    view: str = BASE,
    rounds: int = 1,
    *,
    precision: tuple[float | None, float | None] = (None, None),
    scaled: bool = False,
    most_nodes: int = MOST_NODES,
) -> Tree:
    """A case cut to a game of a few rounds, written out as a tree, at the central values of a view.

    Args:
        loaded: The case.
        view: `base`, the id of a view, or `coercer` or `target` for the view that a side holds.
        rounds: Rounds written out; after the last, the payoff of standing on the last rung for ever.
        precision: Of coercer and target; the view's where None. It is told in the comment, and used if `scaled`.
        scaled: Multiply each side's payoffs by its precision, so that precision 1 is that of the view for both.
        most_nodes: Refuse a larger tree.

    Returns:
        The tree, with case, digest, view, rounds, precision, rungs and packages in its comment.

    Raises:
        UserError: no such view, or too many nodes.
    """
    found = central(loaded.case, view, rounds=rounds, precision=precision)
    game = found.game
    return unroll(
        game.form, game.payoffs, game.prior, game.rounds, start=game.start, kinds=game.kinds,
        title=f"{loaded.case.crisis.title}: {found.view}, {rounds} round{'s' if rounds > 1 else ''}",
        comment=_comment(loaded, found, scaled), scaled=scaled, most_nodes=most_nodes,
    )  # fmt: skip


def _comment(loaded: LoadedCase, found: Central, scaled: bool) -> str:
    """What a reader of the file must know of the game."""
    case, game = loaded.case, found.game
    sharp = [f"{float(each):.6g}" for each in game.payoffs.precision]
    unit = (
        f"Payoffs are multiplied by each side's precision (coercer {sharp[0]}, target {sharp[1]}): solve at precision 1"
        if scaled
        else "Payoffs: coercer, its demand met = 1; target, keeping office for good = 1. "
        f"Precision of the view: coercer {sharp[0]}, target {sharp[1]}"
    )
    rungs = "; ".join(f"{number} {rung.id}" for number, rung in enumerate(case.ladder))
    offers = "; ".join(
        f"{side}'s offer {number} {package.id}"
        for side in SIDES
        for number, package in enumerate(playable(case, side), start=1)
    )
    return (
        f"Case {case.crisis.id}, digest {loaded.digest}, view {found.view}, {game.rounds} of {found.plan.rounds} "
        f"rounds of {found.plan.days:g} days, every number at its centre. {unit}. After the last round each side is "
        "paid the mean of standing on the last rung for ever. Discounting is written as a chance that the game ends "
        "with nothing more ('discounted'). Levels (squeeze/cohesion) are not held; changes rarer than 1 in 50 a round "
        f"are left out, as in the grid's game. Rungs: {rungs}. {offers or 'No offers'}."
    )


def solved_view(found: Central) -> SolvedView:
    """Solve a view's game on the grid, the whole game continued in precision, and say how its holder sees it end."""
    game = found.game
    solution, by_pair, accuracy = measure(game, found.plan.nodes)
    mean = joint(game).reshape(-1) @ by_pair
    worth = np.asarray(_at(jnp.asarray(solution.value[0], jnp.float64), game.start, *game.prior))
    return SolvedView(
        found,
        solution,
        {name: float(mean[code]) for code, name in enumerate(OUTCOMES)},
        {side: {game.kinds[i][kind]: float(worth[i, kind]) for kind in range(2)} for i, side in enumerate(SIDES)},
        _first(game, solution),
        accuracy,
    )


_at = eqx.filter_jit(at_beliefs)
_lookup = jax.jit(lookup)


def _first(game: Game, solution: Solution) -> dict[str, dict[str, dict[str, float]]]:
    """Chances of each type's first class of moves: the coercer's, and the target's answer to a hold."""
    p, q = (np.array([chance]) for chance in game.prior)
    found = {}
    state = game.start
    for i, side in enumerate(SIDES):
        index = game.form.stage(side)
        stage = game.form.stages[index]
        at = np.array([state], np.int32)
        log_pi = np.asarray(_lookup(solution.log_pi[index], np.int32(0), at, p, q))[0].astype(float)
        found[side] = {
            game.kinds[i][kind]: {
                move: float(np.exp(log_pi[kind, m])) for m, move in enumerate(stage.moves) if stage.mask[state, m]
            }
            for kind in range(2)
        }
        if side == "coercer":
            hold = stage.moves.index("hold")
            firm, yielding = p * np.exp(log_pi[1, hold]), (1 - p) * np.exp(log_pi[0, hold])
            p, state = firm / (firm + yielding), int(stage.follow[state, hold])
    return found
