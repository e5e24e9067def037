"""Building a game in Python, place by place.

```python
from standoff.game.tree.build import Builder

game = Builder("a threat", ("Coercer", "Target"))
kinds = game.chance(None, "kinds", {"weak": "0.6", "firm": "0.4"})
for kind in ("weak", "firm"):
    answer = game.move(kinds[kind], "Target", "T", ("concede", "resist"))
    game.end(answer["concede"], "concession", (1, -1))
    strike = game.move(answer["resist"], "Coercer", f"C:{kind}", ("strike", "back down"))
    game.end(strike["strike"], f"war, {kind}", ("-0.5" if kind == "weak" else "0.5", -2))
    game.end(strike["back down"], "back down", ("-0.2", "0.3"))
tree = game.tree()
```

Nodes with the same player and the same label of information set are ones that the player cannot tell apart.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from numbers import Rational

from standoff.errors import UserError
from standoff.game.tree.tree import CHANCE, InformationSet, Node, Outcome, Tree

Number = int | float | str | Fraction | Rational
"""An exact number: integers, fractions and decimal strings as written, floats as the fraction that they hold."""


@dataclass(frozen=True)
class Branch:
    """An action at a place, where the next node goes."""

    node: int
    action: int


@dataclass(frozen=True)
class Place:
    """A node where somebody moves; `place["hold"]` is the branch that follows an action."""

    node: int
    label: str
    actions: tuple[str, ...]

    def __getitem__(self, action: str) -> Branch:
        """The branch that follows `action`.

        Raises:
            UserError: no such action here.
        """
        if action not in self.actions:
            raise UserError(
                f"There is no action '{action}' at information set '{self.label}'. Use one of: "
                f"{', '.join(self.actions)}."
            )
        return Branch(self.node, self.actions.index(action))


@dataclass
class _Draft:
    """A node while the tree grows: its set (-1 at an end), its outcome, what follows each action (-1: nothing)."""

    set: int
    outcome: int
    follow: list[int]


class Builder:
    """Collects places, sets and outcomes in any order; `tree` puts them depth first.

    Args:
        title: name of the game.
        players: their names, each its own.
        comment: free text kept in the file.
    """

    def __init__(self, title: str, players: Sequence[str], comment: str = "") -> None:
        self._title, self._players, self._comment = title, tuple(players), comment
        self._drafts: list[_Draft] = []
        self._sets: list[InformationSet] = []
        self._outcomes: list[tuple[str, tuple[Fraction, ...]]] = []
        self._set_of: dict[tuple[object, ...], int] = {}
        self._outcome_of: dict[tuple[str, tuple[Fraction, ...]], int] = {}
        self._numbers: dict[str | float, Fraction] = {}

    def chance(self, branch: Branch | None, label: str, chances: Mapping[str, Number]) -> Place:
        """Nature moves at `branch` (`None`: at the root), with these chances, which sum to one exactly.

        Raises:
            UserError: the branch is taken, or a chance is no number.
        """
        actions, exact = tuple(chances), tuple(self._exact(chance) for chance in chances.values())
        key = (CHANCE, label, actions, exact) if label else (CHANCE, len(self._drafts))
        if key not in self._set_of:
            self._set_of[key] = len(self._sets)
            self._sets.append(InformationSet(CHANCE, 0, label, actions, exact))
        return self._place(branch, self._set_of[key])

    def move(self, branch: Branch | None, player: str, label: str, actions: Sequence[str]) -> Place:
        """`player` moves at `branch` (`None`: at the root), not knowing apart the nodes of equal `label`.

        An empty label makes a set of this node alone.

        Raises:
            UserError: the branch is taken, there is no such player, the actions differ from those of an earlier node
                of the set, or two actions have one name.
        """
        if player not in self._players:
            raise UserError(f"There is no player '{player}' in this game. Use one of: {', '.join(self._players)}.")
        actions = tuple(actions)
        if len(set(actions)) < len(actions):
            raise UserError(f"Two actions at information set '{label}' have one name. Rename one of them.")
        index = self._players.index(player)
        key = (index, label) if label else (index, "", len(self._drafts))
        s = self._set_of.get(key)
        if s is None:
            s = self._set_of[key] = len(self._sets)
            self._sets.append(InformationSet(index, 0, label, actions))
        elif self._sets[s].actions != actions:
            raise UserError(
                f"Information set '{label}' of {player} has actions {', '.join(self._sets[s].actions)} at one node and "
                f"{', '.join(actions)} at another. Make them equal, or give the nodes different labels."
            )
        return self._place(branch, s)

    def end(self, branch: Branch | None, label: str, payoffs: Sequence[Number] | Mapping[str, Number]) -> None:
        """The game ends at `branch` with these payoffs, in the order of the players or by their names.

        Ends of equal label and payoffs share one outcome.

        Raises:
            UserError: the branch is taken, or the payoffs are not one number for each player.
        """
        self._add(branch, _Draft(-1, self._outcome(label, payoffs), []))

    def outcome(self, place: Place, label: str, payoffs: Sequence[Number] | Mapping[str, Number]) -> None:
        """Pay these on passing `place`, on top of what the end pays.

        Raises:
            UserError: the payoffs are not one number for each player.
        """
        self._drafts[place.node].outcome = self._outcome(label, payoffs)

    def tree(self) -> Tree:
        """The game, depth first; sets and outcomes numbered in the order in which they are met.

        Raises:
            UserError: a branch leads nowhere, or the game is not one of perfect recall (`TreeError`).
        """
        if not self._drafts:
            raise UserError("This game has no nodes. Add one with chance, move or end.")
        nodes: list[Node] = []
        sets: dict[int, int] = {}
        outcomes: dict[int, int] = {}
        stack = [(0, -1, -1)]
        while stack:
            i, parent, action = stack.pop()
            if i < 0:
                self._missing(nodes[parent], action, list(sets))
            draft = self._drafts[i]
            s = sets.setdefault(draft.set, len(sets)) if draft.set >= 0 else -1
            outcome = outcomes.setdefault(draft.outcome, len(outcomes)) if draft.outcome >= 0 else -1
            stack.extend((draft.follow[m], len(nodes), m) for m in range(len(draft.follow) - 1, -1, -1))
            nodes.append(Node(parent, action if parent >= 0 else 0, s, outcome))
        counts: dict[int, int] = {}
        numbered = []
        for old in sets:
            each = self._sets[old]
            counts[each.player] = counts.get(each.player, 0) + 1
            numbered.append(InformationSet(each.player, counts[each.player], each.label, each.actions, each.chances))
        paid = tuple(Outcome(n + 1, *self._outcomes[old]) for n, old in enumerate(outcomes))
        return Tree(self._title, self._players, tuple(numbered), paid, tuple(nodes), self._comment)

    def _missing(self, node: Node, action: int, sets: list[int]) -> None:
        each = self._sets[sets[node.set]]
        raise UserError(
            f"Action '{each.actions[action]}' at information set '{each.label}' leads nowhere. "
            "Add what follows with chance, move or end."
        )

    def _place(self, branch: Branch | None, s: int) -> Place:
        each = self._sets[s]
        return Place(self._add(branch, _Draft(s, -1, [-1] * len(each.actions))), each.label, each.actions)

    def _add(self, branch: Branch | None, draft: _Draft) -> int:
        """Put a node at a free branch."""
        if branch is None:
            if self._drafts:
                raise UserError("This game has a root already. Say at which branch the node goes.")
        else:
            follow = self._drafts[branch.node].follow
            if follow[branch.action] >= 0:
                each = self._sets[self._drafts[branch.node].set]
                raise UserError(
                    f"Action '{each.actions[branch.action]}' at information set '{each.label}' is followed by a node "
                    "already. Add each node once."
                )
            follow[branch.action] = len(self._drafts)
        self._drafts.append(draft)
        return len(self._drafts) - 1

    def _outcome(self, label: str, payoffs: Sequence[Number] | Mapping[str, Number]) -> int:
        if isinstance(payoffs, Mapping):
            if set(payoffs) != set(self._players):
                raise UserError(
                    f"Outcome '{label}' pays {', '.join(payoffs)}. Give one payoff to each of "
                    f"{', '.join(self._players)}."
                )
            payoffs = [payoffs[player] for player in self._players]
        if len(payoffs) != len(self._players):
            raise UserError(
                f"Outcome '{label}' has {len(payoffs)} payoffs for {len(self._players)} players. "
                "Give each player one, in their order."
            )
        key = (label, tuple([self._exact(payoff) for payoff in payoffs]))
        if key not in self._outcome_of:
            self._outcome_of[key] = len(self._outcomes)
            self._outcomes.append(key)
        return self._outcome_of[key]

    def _exact(self, number: Number) -> Fraction:
        if isinstance(number, Fraction):
            return number
        if isinstance(number, Rational):
            return Fraction(int(number.numerator), int(number.denominator))
        if number not in self._numbers:
            try:
                if isinstance(number, float) and not math.isfinite(number):
                    raise ValueError
                self._numbers[number] = Fraction(number)
            except (ValueError, ZeroDivisionError):
                raise UserError(f"'{number}' is no number. Write an integer, a fraction or a decimal.") from None
        return self._numbers[number]
