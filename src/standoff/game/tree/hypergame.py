"""Everybody solves the game that he believes in; the strategies meet in the true one.

```python
from standoff.game.tree.efg import read_efg
from standoff.game.tree.hypergame import hypergame

views = {"Coercer": read_efg("a.efg"), "Target": read_efg("b.efg")}
met = hypergame(read_efg("t.efg"), views, {"Coercer": 3.0, "Target": 1.0})
met.records, met.divergence
```

In his view a player takes everybody to play at his own precision (agent logit equilibrium, `branch`): it is his belief
about how sharply the game is played.
"""

from collections.abc import Mapping

import numpy as np

from standoff.errors import Failure, UserError
from standoff.game.tree.branch import solve
from standoff.game.tree.compose import Composition, compose
from standoff.game.tree.solved import Missed
from standoff.game.tree.tree import Tree


def hypergame(truth: Tree, views: Mapping[str, Tree], precision: Mapping[str, float]) -> Composition:
    """Solve every player's view and let the strategies meet.

    Args:
        truth: the true game.
        views: the game that each player believes to be played, by his name.
        precision: at which all players of his view play, by his name; per unit of payoff.

    Returns:
        Payoffs, public records, divergences and beliefs.

    Raises:
        UserError: a player without a view or a precision, one that is not in the true game, or a view that does not
            match it.
        Failure: a view could not be solved at its precision.
    """
    for given, word in ((views, "view"), (precision, "precision")):
        unknown = sorted(set(given) - set(truth.players))
        missing = [player for player in truth.players if player not in given]
        if unknown or missing:
            wrong = f"{unknown[0]} is no player of the true game" if unknown else f"{missing[0]} has no {word}"
            raise UserError(f"{wrong}. Give one {word} to each of: {', '.join(truth.players)}.")
    known: dict[tuple[int, float], np.ndarray] = {}
    for player in truth.players:
        tree, sharp = views[player], float(precision[player])
        if (id(tree), sharp) not in known:
            known[id(tree), sharp] = _strategy(player, tree, sharp)
    return compose(truth, [(views[p], known[id(views[p]), float(precision[p])]) for p in truth.players])


def _strategy(player: str, tree: Tree, precision: float) -> np.ndarray:
    """Logarithms of the chances of all actions in a view."""
    (answer,) = solve(tree, [precision]).answers
    if isinstance(answer, Missed):
        raise Failure(f"The game in {player}'s view was not solved at precision {precision:g}. {answer.status.value}")
    return answer.log_strategy
