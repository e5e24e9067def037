"""The shape of a game with persistent private types, public moves and a public Markov state.

A round is a fixed sequence of *stages*. At a stage one player moves; the public *state* says what has been
seen that matters (rung, clock, pending offer, squeeze level, cohesion level). A move ends the game or leads to
a state of a later stage of the same round; the last stage is nature's, which moves the levels, may end the game
(removal from within) and leads to the first stage of the next round.

Class first, then detail: `climb` and `offer` lead to a stage of their own where rung or package is chosen, as
by a second agent of the same player, so that the number of labels in a class does not change how often the
class is played.

Axes: player (0 coercer, 1 target), type (0 yielding, 1 firm), state, move. Beliefs live on a grid: axis `p` is
the public belief that the coercer is firm, axis `q` that the target is firm, each as likelihood odds against
the marginal prior of that side.
"""

from dataclasses import dataclass

import equinox as eqx
import numpy as np
from jaxtyping import Array, Float

COERCER, TARGET = 0, 1
OUTCOMES = ("back-down", "concession", "settlement", "flight", "force", "coup", "stalemate")
OUTCOME = {name: index for index, name in enumerate(OUTCOMES)}


@dataclass(frozen=True)
class Kind:
    """Who moves at a stage and to which stage each move leads (-1 where it ends the game), whatever the state.

    Games of one kind, stage by stage, share what is compiled for them.
    """

    mover: int
    leads: tuple[int, ...]

    @property
    def going(self) -> tuple[int, ...]:
        """Moves after which the game goes on."""
        return tuple(m for m, stage in enumerate(self.leads) if stage >= 0)

    @property
    def ending(self) -> tuple[int, ...]:
        """Moves that end the game."""
        return tuple(m for m, stage in enumerate(self.leads) if stage < 0)


@dataclass(frozen=True, eq=False)
class Stage:
    """One player's decision in a round.

    `leads[m]` is the index of the stage that move m leads to, or -1 if it ends the game; `follow[s, m]` the
    state there; `mask[s, m]` whether m can be played in state s; `outcome[s, m]` the outcome code of an ending.
    `follow` is -1 where the move is masked or ends the game.
    """

    name: str
    mover: int
    states: tuple[tuple[int, ...], ...]
    moves: tuple[str, ...]
    leads: tuple[int, ...]
    follow: np.ndarray
    mask: np.ndarray
    outcome: np.ndarray

    @property
    def kind(self) -> Kind:
        """What all its states have in common."""
        return Kind(self.mover, self.leads)

    @property
    def going(self) -> tuple[int, ...]:
        """Moves after which the game goes on."""
        return self.kind.going

    @property
    def ending(self) -> tuple[int, ...]:
        """Moves that end the game."""
        return self.kind.ending


@dataclass(frozen=True, eq=False)
class Form:
    """Stages in playing order and nature's states after them.

    From nature's state k the levels move to one of `branch[k, :]` (states of the first stage, -1 where there is
    none).
    """

    stages: tuple[Stage, ...]
    nature_states: tuple[tuple[int, ...], ...]
    branch: np.ndarray

    @property
    def nature(self) -> int:
        """Index that stands for nature's stage in `Stage.leads`."""
        return len(self.stages)

    def stage(self, name: str) -> int:
        """Index of a stage by name."""
        return next(index for index, stage in enumerate(self.stages) if stage.name == name)

    @property
    def size(self) -> int:
        """States of a round over all stages where somebody moves."""
        return sum(len(stage.states) for stage in self.stages)


class Payoffs(eqx.Module):
    """What the moves, the rounds and the end pay, in each side's own unit, and how the levels move.

    `moves[s]` is the payoff of each move at stage s: all of it where the move ends the game, the immediate
    part where it goes on. `flow` accrues in a round that no move ends; `chance` is the law of nature's
    branches; with chance `hazard` of a branch the target is removed from within, which pays `removed`;
    `horizon` is the payoff of reaching the end of the last round. `precision` is each player's lambda.
    `tilt[player, own type]` shifts the log-odds of the other's firm type against the marginal prior, so that
    correlated types are exact. `discount` is per round.
    """

    moves: tuple[Float[Array, "2 2 _state _move"], ...]
    flow: Float[Array, "2 2 nature"]
    chance: Float[Array, "nature branch"]
    hazard: Float[Array, "nature branch"]
    removed: Float[Array, "2 2"]
    horizon: Float[Array, "2 2 first"]
    precision: Float[Array, "2"]
    tilt: Float[Array, "2 2"]
    discount: Float[Array, ""]
