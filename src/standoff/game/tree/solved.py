"""Points on the branch, labelled, with how far each may be trusted."""

from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property

import numpy as np

from standoff.game.tree.compose import beliefs
from standoff.game.tree.tree import CHANCE, Tree, action_names, set_names


class Status(Enum):
    """How a precision was answered, as the sentence that the user reads; empty if all is well."""

    ok = ""
    crossed = (
        "Another branch crosses before this precision (a symmetry of the game, as a rule). The point solves the "
        "equations and lies straight on; other answers split off. Disturb a payoff slightly to see them."
    )
    turned_away = (
        "The branch did not come to this precision within `most_looks` looks at the equations after it turned back. "
        "Raise `most_looks`."
    )
    lost = (
        "The branch could not be followed to this precision: steps became too small. Ask for precisions up to the "
        "last one that was answered, or disturb a payoff slightly."
    )
    exhausted = "The branch did not come to this precision within `most_looks` looks at the equations. Raise it."
    rough = (
        "The point was reached, but its residual stayed above the tolerance: rounding is too coarse at this precision."
    )


@dataclass(frozen=True, eq=False)
class Point:
    """An agent logit equilibrium where the branch from precision 0 first reaches `precision`.

    Axes: `action` as `Layout` numbers them; `set` as in `Tree.sets` (chance: nan); `player` as in `Tree.players`.
    """

    tree: Tree = field(repr=False)
    precision: tuple[float, ...]
    """Of each player, per unit of payoff."""
    log_strategy: np.ndarray = field(repr=False)
    """Log chance of every action, given its set [action]."""
    worth: np.ndarray = field(repr=False)
    """Expected payoff of the action to its mover, given that its set is reached [action]."""
    log_reach: np.ndarray = field(repr=False)
    """Log chance that the set is reached [set]."""
    payoffs: np.ndarray
    """Expected payoffs [player]."""
    gains: np.ndarray = field(repr=False)
    """Largest gain from another action at this set alone, in the mover's payoff, given that it is reached [set]."""
    residual: float
    """Largest violation of log p(a) - log p(b) = lambda (u(a) - u(b)), divided by lambda: in payoff units."""
    folds: int
    """Turning points in precision that the branch passed on the way here."""
    turns: tuple[float, ...]
    """Where they lie, as multiples of `precision`."""
    looks: int
    """Newton steps from precision 0 up to here."""
    status: Status

    @cached_property
    def regret(self) -> float:
        """Largest one-shot gain at any information set, in payoff units."""
        return float(np.nanmax(self.gains, initial=0.0))

    @cached_property
    def strategy(self) -> dict[str, dict[str, float]]:
        """Chance of every action by label of its information set."""
        chances, layout = np.exp(self.log_strategy), self.tree.layout
        return {
            name: dict(zip(action_names(each.actions), chances[layout.first[s] :].tolist(), strict=False))
            for s, (name, each) in enumerate(zip(set_names(self.tree), self.tree.sets, strict=True))
            if each.player != CHANCE
        }

    @cached_property
    def reach(self) -> dict[str, float]:
        """Chance that each information set is reached, by label."""
        return self._by_set(np.exp(self.log_reach))

    @cached_property
    def regrets(self) -> dict[str, float]:
        """Largest one-shot gain at each information set, by label, in payoff units."""
        return self._by_set(self.gains)

    @cached_property
    def beliefs(self) -> np.ndarray:
        """Chance of every decision node given that its information set is reached; nan elsewhere [node]."""
        chances: np.ndarray = np.exp(beliefs(self.tree, self.log_strategy))
        return chances

    def _by_set(self, values: np.ndarray) -> dict[str, float]:
        both = zip(set_names(self.tree), self.tree.sets, values.tolist(), strict=True)
        return {name: value for name, each, value in both if each.player != CHANCE}


@dataclass(frozen=True)
class Missed:
    """A precision without an answer, and why."""

    precision: tuple[float, ...]
    folds: int
    turns: tuple[float, ...]
    looks: int
    status: Status


@dataclass(frozen=True, eq=False)
class Solved:
    """The answers to a list of precisions, in its order; what could not be answered stands in `missed`."""

    tree: Tree = field(repr=False)
    points: tuple[Point, ...]
    missed: tuple[Missed, ...]
    answers: tuple[Point | Missed, ...] = field(repr=False)
    seconds_setup: float
    """CPU seconds of what depends on the shape of the game only."""
    seconds: float
    """CPU seconds of following the branch."""
