"""Games of two or three moves with shocks: each player acts or not, and nobody learns from an earlier move.

    egame12     1 stays out (outcome 1), or acts; then 2 gives in (3) or acts (4)
    egame122    2 answers either act of 1: outcomes 1, 2 if 1 does not act, 3, 4 if 1 acts
    egame123    1 stays out (1) or acts; 2 gives in (3) or acts; 3 gives in (5) or acts (6)

u_ik is the utility of player i at outcome k. The last mover's utility of not acting is 0. With V_i(k) the value to
player i of what follows a choice (u_i weighted by the chances of the outcomes there), player i acts with chance

    F((V_i(act) - V_i(out)) / (σ_i r))

`agent` error: either choice gets a shock of its own, so r = √2. `private` information: each player knows shocks to
his payoffs at outcomes, others know their law, so r = √(Σ_k w_k²), where w_k is the chance of outcome k given the
choice that leads there, over all outcomes below the move. Weighted normal shocks are normal; logistic ones are not
logistic, so private information goes with probit alone.

Signorino (1999, Am. Polit. Sci. Rev. 93:279-297; 2003, Polit. Anal. 11:316-344); Kenkel & Signorino (2014, J. Stat.
Softw. 56(8)), whose numbering of outcomes is kept.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from standoff.estimate.strategic.links import Number, log_below

UNCERTAINTIES = ("agent", "private")


@dataclass(frozen=True)
class Move:
    """A move: whose, and what follows if he does not act and if he acts (a move, or the number of an outcome)."""

    player: int
    out: "Move | int"
    act: "Move | int"


@dataclass(frozen=True)
class Game:
    """A tree and its free utilities (player, outcome)."""

    tree: Move
    utilities: tuple[tuple[int, int], ...]

    @property
    def keys(self) -> tuple[str, ...]:
        """Names of the utilities: `u14` is that of player 1 at outcome 4."""
        return tuple(f"u{player}{outcome}" for player, outcome in self.utilities)

    @property
    def players(self) -> int:
        """How many move."""
        return max(player for player, _ in self.utilities)

    @property
    def outcomes(self) -> tuple[int, ...]:
        """Numbers of the outcomes, from the left."""
        return tuple(_leaves(self.tree))

    @property
    def moves(self) -> int:
        """Moves on the longest path."""
        return _depth(self.tree)

    def differences(self) -> np.ndarray:
        """What the chances depend on, in the utilities [difference, utility].

        Where all outcomes below a player's moves have a utility, a number added to all of them changes nothing: then it
        is their differences from the first.
        """
        rows = []
        for player in range(1, self.players + 1):
            own = [k for k, (who, _) in enumerate(self.utilities) if who == player]
            whole = len(own) == sum(len(_leaves(node)) for node in _nodes(self.tree) if node.player == player)
            for k in own[whole:]:
                row = np.zeros(len(self.utilities))
                row[k] = 1
                row[own[0]] -= whole
                rows.append(row)
        return np.array(rows)


def _nodes(node: Move | int) -> list[Move]:
    return [] if isinstance(node, int) else [node, *_nodes(node.out), *_nodes(node.act)]


def _leaves(node: Move | int) -> list[int]:
    return [node] if isinstance(node, int) else [*_leaves(node.out), *_leaves(node.act)]


def _depth(node: Move | int) -> int:
    return 0 if isinstance(node, int) else 1 + max(_depth(node.out), _depth(node.act))


GAMES = {
    "egame12": Game(Move(1, 1, Move(2, 3, 4)), ((1, 1), (1, 3), (1, 4), (2, 4))),
    "egame122": Game(Move(1, Move(2, 1, 2), Move(2, 3, 4)), ((1, 1), (1, 2), (1, 3), (1, 4), (2, 2), (2, 4))),
    "egame123": Game(
        Move(1, 1, Move(2, 3, Move(3, 5, 6))),
        ((1, 1), (1, 3), (1, 5), (1, 6), (2, 3), (2, 5), (2, 6), (3, 6)),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Choices:
    """The law of the outcomes of a game of this family.

    Its numbers in a game (`keys`) are the utilities, then `log_sd`, log of σ of all players, and `log_sd1` …, that of
    each; they add up.
    """

    game: str
    link: str = "probit"
    uncertainty: str = "agent"

    @property
    def keys(self) -> tuple[str, ...]:
        """Names of the numbers that a game has."""
        game = GAMES[self.game]
        return (*game.keys, "log_sd", *(f"log_sd{i + 1}" for i in range(game.players)))

    def log_outcomes(self, number: Float[Array, " key"]) -> Float[Array, " outcome"]:
        """Log chances of the outcomes, from the left of the tree."""
        game = GAMES[self.game]
        utility, sd = self._split(number)
        found = self._walk(game.tree, utility, sd, jnp.ones(game.players))
        return jnp.stack([found[outcome][0] for outcome in game.outcomes])

    def _walk(
        self,
        node: Move | int,
        utility: dict[tuple[int, int], Number],
        sd: list[Number],
        part: Float[Array, " player"],
    ) -> dict[int, tuple[Number, Number]]:
        """By outcome below a move: log of its chance there, and the part of it that counts."""
        zero = jnp.zeros_like(sd[0])
        if isinstance(node, int):
            return {node: (zero, zero)}
        sides = [self._walk(child, utility, sd, part) for child in (node.out, node.act)]
        values, spread = [], zero
        for side in sides:
            value = zero
            for outcome, (log_chance, _) in side.items():
                chance = jnp.exp(log_chance)
                value = value + chance * utility.get((node.player, outcome), zero)
                spread = spread + chance**2
            values.append(value)
        root = jnp.sqrt(spread) if self.uncertainty == "private" else 2**0.5
        gain = (values[1] - values[0]) / (root * sd[node.player - 1])
        logs = (log_below(self.link, -gain), log_below(self.link, gain))
        return {
            outcome: (log + logs[i], counted + part[node.player - 1] * logs[i])
            for i, side in enumerate(sides)
            for outcome, (log, counted) in side.items()
        }

    def log_likelihood(
        self, number: Float[Array, " key"], seen: Float[Array, " outcome"], part: Float[Array, " player"]
    ) -> Number:
        """Of counts of the outcomes, from the left of the tree; `part`: how much the moves of each player count."""
        game = GAMES[self.game]
        utility, sd = self._split(number)
        found = self._walk(game.tree, utility, sd, part)
        log_chance = jnp.stack([found[outcome][1] for outcome in game.outcomes])
        return jnp.where(seen > 0, seen * log_chance, 0.0).sum()

    def _split(self, number: Float[Array, " key"]) -> tuple[dict[tuple[int, int], Number], list[Number]]:
        """Utilities by player and outcome, and the players' σ."""
        game, first = GAMES[self.game], len(GAMES[self.game].utilities)
        utility = {key: number[k] for k, key in enumerate(game.utilities)}
        return utility, [jnp.exp(number[first] + number[first + 1 + i]) for i in range(game.players)]


jax.tree_util.register_static(Choices)
