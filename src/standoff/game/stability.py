"""Stability of states in a conflict where only the order of preference is known, and under misperception.

A conflict has states; from each, a player can move to others, and he ranks all states. A move to a better state is an
*improvement*. For two players, state s is stable for player i under

- Nash (R): he has no improvement from s;
- GMR, general metarationality: every improvement can be answered by a move of the others to a state no better for him
  than s;
- SMR, symmetric metarationality: the same, and from there he cannot move to a state better than s;
- SEQ, sequential stability: as GMR, with answers that are improvements for those who make them.

With more than two players, an answer is any sequence of moves of the others in which nobody moves twice in a row; in
SEQ every one of these moves improves the lot of its mover. An equilibrium is a state that is stable for all. In a
hypergame of the first level every player has a conflict of his own in mind, and an equilibrium is a state that is
stable for each player in his own.

Nash (1951), Annals of Mathematics 54:286-295; Howard (1971), Paradoxes of Rationality; Fraser and Hipel (1984),
Conflict Analysis: Models and Resolutions, chs. 2-4; Fang, Hipel and Kilgour (1993), Interactive Decision Making, chs.
3-4; Wang, Hipel and Fraser (1988), Behavioral Science 33:207-223 (hypergames).
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from standoff.errors import UserError


class Concept(Enum):
    """What a player expects to follow when he moves."""

    nash = "no answer"
    gmr = "any answer that harms"
    smr = "any answer that harms and cannot be escaped"
    seq = "an answer that harms and profits those who give it"


@dataclass(frozen=True)
class Conflict:
    """States, who can move between them, and how each player ranks them.

    Raises:
        UserError: a ranking leaves out a state, or a move starts or ends outside the states.
    """

    states: tuple[int, ...]
    moves: Mapping[str, Mapping[int, frozenset[int]]]
    """Of every player: the states that he can reach in one move from each."""
    rank: Mapping[str, Mapping[int, int]]
    """Of every player: the place of each state, 0 the best; equal places are equally good."""

    def __post_init__(self) -> None:
        """Refuse what is no conflict."""
        known = set(self.states)
        if set(self.moves) != set(self.rank):
            raise UserError("Moves and rankings are of different players. Give each player both.")
        for player, places in self.rank.items():
            if set(places) != known:
                wrong = min(known ^ set(places))
                raise UserError(f"{player}'s ranking and the states differ in {wrong}. Rank every state once.")
            for start, ends in self.moves[player].items():
                if not {start, *ends} <= known or start in ends:
                    raise UserError(
                        f"{player} moves from {start} to a state that is none or the same. Remove the move."
                    )

    @property
    def players(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(self.rank)

    def reach(self, player: str, state: int) -> frozenset[int]:
        """States that a player can reach in one move."""
        return self.moves[player].get(state, frozenset())

    def prefers(self, player: str, one: int, other: int) -> bool:
        """Whether `one` is better for the player than `other`."""
        return self.rank[player][one] < self.rank[player][other]

    def improvements(self, player: str, state: int) -> frozenset[int]:
        """States better for the player that he can reach in one move."""
        return frozenset(end for end in self.reach(player, state) if self.prefers(player, end, state))

    def stable(self, player: str, state: int, concept: Concept) -> bool:
        """Whether a player leaves a state as it is."""
        return all(self._deterred(player, state, end, concept) for end in self.improvements(player, state))

    def equilibria(self, concept: Concept) -> tuple[int, ...]:
        """States that are stable for all, in the order of `states`."""
        return tuple(s for s in self.states if all(self.stable(player, s, concept) for player in self.players))

    def _deterred(self, player: str, state: int, end: int, concept: Concept) -> bool:
        """Whether some answer to the move makes it not worth while."""
        if concept is Concept.nash:
            return False
        others = [other for other in self.players if other != player]
        step = self.improvements if concept is Concept.seq else self.reach
        return any(
            not self.prefers(player, answer, state)
            and (concept is not Concept.smr or not self._escape(player, state, answer))
            for answer in _answers(others, end, step)
        )

    def _escape(self, player: str, state: int, answer: int) -> bool:
        return any(self.prefers(player, end, state) for end in self.reach(player, answer))


def _answers(players: Sequence[str], start: int, step: Callable[[str, int], Collection[int]]) -> frozenset[int]:
    """States that players can reach from `start` by one or more moves, nobody moving twice in a row."""
    todo: list[tuple[int, str]] = [(start, "")]
    met: set[tuple[int, str]] = set()
    while todo:
        state, last = todo.pop()
        for player in players:
            if player == last:
                continue
            for end in step(player, state):
                if (end, player) not in met:
                    met.add((end, player))
                    todo.append((end, player))
    return frozenset(state for state, _ in met)


def from_options(
    owners: Sequence[str],
    preference: Mapping[str, Sequence[int]],
    irreversible: Collection[int] = (),
) -> Conflict:
    """A conflict in option form: a state is a set of options taken, and a player changes any of his own.

    Args:
        owners: the player to whom each option belongs.
        preference: of every player: all feasible states from best to worst, each the sum of 2^k over the options k
            that are taken (options are numbered from 0).
        irreversible: options that cannot be taken back.

    Raises:
        UserError: the players rank different states, a state has an option that does not exist, or an option belongs
            to nobody who ranks states.
    """
    rank = {player: {state: place for place, state in enumerate(order)} for player, order in preference.items()}
    states = tuple(sorted(next(iter(rank.values()), {})))
    if any(state < 0 or state >> len(owners) for state in states):
        raise UserError(f"A state is a number from 0 to {2 ** len(owners) - 1}, the sum of 2^k over options taken.")
    if set(owners) - set(preference):
        raise UserError("An option belongs to a player without a preference. Rank the states for each player.")
    kept = sum(1 << option for option in irreversible)
    moves = {}
    for player in preference:
        own = sum(1 << option for option, owner in enumerate(owners) if owner == player)
        moves[player] = {
            start: frozenset(
                end for end in states if end != start and not (start ^ end) & ~own and not start & ~end & kept
            )
            for start in states
        }
    return Conflict(states, moves, rank)


def hypergame_equilibria(views: Mapping[str, Conflict], concept: Concept) -> tuple[int, ...]:
    """States that each player finds stable in the conflict that he believes in, in the order of the first view.

    Raises:
        UserError: there is no view, or a player has no part in the conflict that he believes in.
    """
    if not views or any(player not in view.players for player, view in views.items()):
        raise UserError("Give every player a view of a conflict in which he has a part.")
    first = next(iter(views.values()))
    return tuple(
        state
        for state in first.states
        if all(state in view.states and view.stable(player, state, concept) for player, view in views.items())
    )
