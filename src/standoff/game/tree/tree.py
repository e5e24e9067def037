"""An extensive-form game: who moves where, what he can tell apart, what he gets.

Nodes are numbered in the order in which the tree is written (parents before children, children in the order of
their actions). Payoffs and chances of nature are exact fractions; `Tree.layout` gives them as arrays.

Kuhn (1953); the words are those of Gambit's documentation: an information set has a label and actions, an outcome
a label and one payoff for each player.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import count

import numpy as np

from standoff.errors import CaseError, Problem, UserError

CHANCE = -1
LARGEST = 10**300
"""Largest payoff in absolute value, so that sums and differences stay finite in float64."""
FAR = 8
"""Spreads of a player's payoffs by which they must lie away from 0 to be centred."""
MOST_STEPS = 2**28
"""Most entries of `Layout.path` (a gibibyte), and of the largest arrays of `blocks` together (two)."""


@dataclass(frozen=True)
class InformationSet:
    """Nodes that their mover cannot tell apart. `player` is its index, or `CHANCE`; `number` is the file's own."""

    player: int
    number: int
    label: str
    actions: tuple[str, ...]
    chances: tuple[Fraction, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """What the players get. Units: the game's own, one payoff for each player in their order."""

    number: int
    label: str
    payoffs: tuple[Fraction, ...]


@dataclass(frozen=True)
class Node:
    """A place in the tree. `parent` is -1 at the root; `branch` is the action taken there; `set` -1 at an end."""

    parent: int
    branch: int
    set: int
    outcome: int = -1
    label: str = ""


@dataclass(frozen=True)
class Layout:
    """The tree as arrays, in float64.

    Actions of players are numbered through: action m of set s is `first[s] + m` for the sets of players (chance
    sets have no numbers: `first` is -1 there). An *end* is a terminal node; payoffs of outcomes met on the way are
    added up at it. Solvers use payoffs in units of a player's largest difference, which no constant and no unit of
    account moves by more than rounding: payoff = middle + unit x scaled. Both are taken over ends that nature's chances
    allow.
    """

    ends: np.ndarray  # node of every end [end]
    payoffs: np.ndarray  # [end, player]
    scaled: np.ndarray  # at most 1 apart where nature's chances allow the end [end, player]
    middle: np.ndarray  # between the largest and the least payoff; 0 where that is within `FAR` units [player]
    unit: np.ndarray  # the largest less the least payoff, 1 where they are equal [player]
    chance: np.ndarray  # log of the product of nature's chances on the way [end]
    path: np.ndarray  # [end, depth] numbers of the players' actions on the way, in order, padded with -1
    first: np.ndarray  # [set]
    owner: np.ndarray  # set of every action [action]
    mover: np.ndarray  # player of every action [action]


@dataclass(frozen=True)
class Fault:
    """Something that a game must not have. `node` is where it shows, or -1 for the game as a whole."""

    node: int
    problem: str
    remedy: str


class TreeError(CaseError):
    """A game that is not one of perfect recall; holds every fault found, with its node."""

    def __init__(self, title: str, faults: tuple[Fault, ...]) -> None:
        """Keep the faults, and say each with the game and the node as its place."""
        self.faults = faults
        super().__init__(
            [
                Problem(
                    f"game '{title}'" + (f", node {fault.node}" if fault.node >= 0 else ""),
                    fault.problem,
                    fault.remedy,
                    kind="game",
                )
                for fault in faults
            ]
        )


@dataclass(frozen=True)
class Tree:
    """A game of perfect recall. `sets` in the order in which the file meets them.

    Raises:
        TreeError: the nodes are no tree in depth-first order, chances do not sum to one, a label or a payoff is
            missing, or a player forgets (Kuhn 1953: nodes of one set must follow the same own moves).
    """

    title: str
    players: tuple[str, ...]
    sets: tuple[InformationSet, ...]
    outcomes: tuple[Outcome, ...]
    nodes: tuple[Node, ...]
    comment: str = ""

    def __post_init__(self) -> None:
        """Refuse what is no game of perfect recall."""
        self.check()

    def check(self) -> None:
        """Look at everything that a game of perfect recall must keep, in one pass over the nodes.

        Raises:
            TreeError: with every fault found: each names its node, its information set and a remedy.
        """
        faults = _faults_of_parts(self) or _faults_of_shape(self) or _faults_of_recall(self)
        if faults:
            raise TreeError(self.title, tuple(faults))

    @cached_property
    def layout(self) -> Layout:
        """The tree as arrays.

        Raises:
            UserError: the paths would not fit into memory (a long game in which every step has an end).
        """
        return _layout(self)


def set_names(tree: Tree) -> list[str]:
    """A name for every information set [set], unique in the game: its label, else also its player and number."""
    counts = Counter(each.label for each in tree.sets)
    owners = [*tree.players, "nature"]
    return _distinct(
        each.label
        if each.label and counts[each.label] == 1
        else f"{owners[each.player]} {each.number} {each.label}".strip()
        for each in tree.sets
    )


def action_names(actions: Sequence[str]) -> list[str]:
    """A name for every action of a set, unique there: its label, numbered where there is none or another alike."""
    counts = Counter(actions)
    return _distinct(f"{a} ({i})" if counts[a] > 1 or not a else a for i, a in enumerate(actions, start=1))


def _distinct(words: Iterable[str]) -> list[str]:
    """The words, numbered where they come again."""
    found: dict[str, None] = {}
    for word in words:
        again = count(2)
        name = word
        while name in found:
            name = f"{word} ({next(again)})"
        found[name] = None
    return list(found)


def log_chance(chance: Fraction) -> float:
    """Natural logarithm, also of a chance too small for a float; -inf at zero."""
    return math.log(chance.numerator) - math.log(chance.denominator) if chance else -math.inf


def _faults_of_parts(tree: Tree) -> list[Fault]:
    """Faults of players, sets and outcomes, each looked at alone."""
    found = []
    if not tree.players:
        found.append(Fault(-1, "the game has no players", "Name at least one."))
    for name in sorted(name for name, many in Counter(tree.players).items() if many > 1):
        found.append(Fault(-1, f"two players are called '{name}'", "Give each player a name of its own."))
    at = {node.set: i for i, node in reversed(list(enumerate(tree.nodes)))}
    for s, each in enumerate(tree.sets):
        words = f"information set {_name(tree, s)}"
        if not CHANCE <= each.player < len(tree.players):
            found.append(Fault(at.get(s, -1), f"{words} belongs to no player", "Use a player's index, or CHANCE."))
        elif s not in at:
            found.append(Fault(-1, f"{words} has no node", "Leave it out."))
        elif not each.actions:
            found.append(Fault(at[s], f"{words} has no actions", "Give it one, or make the node an end."))
        elif each.player == CHANCE:
            found.extend(Fault(at[s], f"{words} {problem}", remedy) for problem, remedy in _chances(each))
        elif each.chances:
            found.append(Fault(at[s], f"{words} is a player's and has chances", "Only nature's moves have chances."))
    for outcome in tree.outcomes:
        if len(outcome.payoffs) != len(tree.players):
            problem = f"outcome {outcome.number} has {len(outcome.payoffs)} payoffs for {len(tree.players)} players"
            found.append(Fault(-1, problem, "Give every player one payoff."))
        elif any(abs(payoff) > LARGEST for payoff in outcome.payoffs):
            problem = f"outcome {outcome.number} has a payoff over {float(LARGEST):.0e}"
            found.append(Fault(-1, problem, "Choose a larger unit."))
    return found


def _chances(each: InformationSet) -> list[tuple[str, str]]:
    if len(each.chances) != len(each.actions):
        return [(f"has {len(each.chances)} chances for {len(each.actions)} actions", "Give every action a chance.")]
    if any(chance < 0 for chance in each.chances):
        return [("has a chance below zero", "Chances lie between 0 and 1.")]
    total = sum(each.chances)
    if total != 1:
        remedy = "Make them sum to one exactly, for example with fractions such as 1/3."
        return [(f"has chances that sum to {total} ({float(total):.10g})", remedy)]
    return []


def _faults_of_shape(tree: Tree) -> list[Fault]:
    """The first place where the nodes are not a whole tree, written depth first."""
    if not tree.nodes:
        return [Fault(-1, "the game has no nodes", "Give it at least an end.")]
    remedy = "Write parents before children, depth first, children in the order of the actions."
    open_: list[tuple[int, int]] = []
    expected = (-1, -1)
    for i, node in enumerate(tree.nodes):
        if i and not open_:
            return [Fault(i, "a node stands after the end of the tree", "Remove it, or add an action for it.")]
        if i:
            expected = open_.pop()
        if node.parent != expected[0] or (i and node.branch != expected[1]):
            return [Fault(i, f"node {i} should follow node {expected[0]} by action {expected[1]}", remedy)]
        if node.set >= len(tree.sets) or node.outcome >= len(tree.outcomes):
            return [Fault(i, f"node {i} names a set or an outcome that does not exist", "Use an index of the game's.")]
        if node.set >= 0:
            open_.extend((i, m) for m in range(len(tree.sets[node.set].actions) - 1, -1, -1))
    if open_:
        parent, branch = open_[-1]
        each = tree.sets[tree.nodes[parent].set]
        problem = (
            f"action '{each.actions[branch]}' at information set {_name(tree, tree.nodes[parent].set)} leads nowhere"
        )
        return [Fault(parent, problem, "Write the node that follows, or an end.")]
    return []


def _faults_of_recall(tree: Tree) -> list[Fault]:
    """Every set at one of whose nodes its player would have to have forgotten his own moves.

    It is enough to compare the last own move before each node: equal last moves at every set mean equal sequences.
    """
    nothing = (-1, -1)
    last: list[tuple[tuple[int, int], ...]] = []
    before: dict[int, tuple[int, int]] = {}
    found: dict[int, Fault] = {}
    for i, node in enumerate(tree.nodes):
        own = last[node.parent] if i else (nothing,) * len(tree.players)
        source = tree.nodes[node.parent].set if i else -1
        player = tree.sets[source].player if i else CHANCE
        if player != CHANCE:
            own = (*own[:player], (source, node.branch), *own[player + 1 :])
        last.append(own)
        player = tree.sets[node.set].player if node.set >= 0 else CHANCE
        if player != CHANCE and before.setdefault(node.set, own[player]) != own[player] and node.set not in found:
            found[node.set] = _forgets(tree, i, before[node.set], own[player])
    return list(found.values())


def _forgets(tree: Tree, node: int, one: tuple[int, int], other: tuple[int, int]) -> Fault:
    """What to say of a set that breaks perfect recall, seen at `node`."""
    s = tree.nodes[node].set
    name, player = _name(tree, s), tree.players[tree.sets[s].player]
    up = tree.nodes[node].parent
    while up >= 0:
        if tree.nodes[up].set == s:
            problem = f"information set {name} is met twice on one way, so {player} forgets having moved"
            return Fault(node, problem, "Give the later node a set of its own.")
        up = tree.nodes[up].parent
    words = [
        "no move of his own" if move[0] < 0 else f"'{tree.sets[move[0]].actions[move[1]]}' at {_name(tree, move[0])}"
        for move in (one, other)
    ]
    problem = (
        f"information set {name} breaks perfect recall: {player} comes there after {words[0]} and after {words[1]}"
    )
    return Fault(node, problem, "Split it, so that every node of a set follows the same own moves.")


def _name(tree: Tree, s: int) -> str:
    """A set in words: its label, or its player and number."""
    each = tree.sets[s]
    owner = tree.players[each.player] if 0 <= each.player < len(tree.players) else "nature"
    return f"'{each.label}'" if each.label else f"{each.number} of {owner}"


def _layout(tree: Tree) -> Layout:
    sizes = [len(each.actions) if each.player != CHANCE else 0 for each in tree.sets]
    starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    own = np.array([each.player != CHANCE for each in tree.sets], bool)
    first = np.where(own, starts[:-1], -1)
    owner = np.repeat(np.arange(len(tree.sets)), sizes)
    mover = np.array([each.player for each in tree.sets], np.int64)[owner]
    logs = [tuple(log_chance(chance) for chance in each.chances) for each in tree.sets]

    parent = np.fromiter((node.parent for node in tree.nodes), np.int64, len(tree.nodes))
    action = np.full(len(tree.nodes), -1, np.int64)
    length = np.zeros(len(tree.nodes), np.int64)
    chance = [0.0] * len(tree.nodes)
    payoff: list[tuple[Fraction, ...]] = [(Fraction(0),) * len(tree.players)] * len(tree.nodes)
    for i, node in enumerate(tree.nodes):
        if i:
            up, source = node.parent, tree.nodes[node.parent].set
            length[i], chance[i], payoff[i] = length[up], chance[up], payoff[up]
            if own[source]:
                action[i] = first[source] + node.branch
                length[i] += 1
            else:
                chance[i] += logs[source][node.branch]
        if node.outcome >= 0:
            more = tree.outcomes[node.outcome].payoffs
            payoff[i] = tuple(a + b for a, b in zip(payoff[i], more, strict=True)) if any(payoff[i]) else more
    ends = np.array([i for i, node in enumerate(tree.nodes) if node.set < 0], np.int64)
    floats = {pay: tuple(map(float, pay)) for pay in {payoff[i] for i in ends}}
    sides = list(zip(*{payoff[i] for i in ends if chance[i] > -math.inf}, strict=True))
    unit = [max(side) - min(side) or 1 for side in sides]
    # Small payoffs near 0 keep all their digits; where a constant swamps the differences it is taken off, exactly.
    middle = [m if abs(m) > FAR * u else 0 for m, u in zip([(max(x) + min(x)) / 2 for x in sides], unit, strict=True)]
    scaled = {pay: tuple(float((x - m) / u) for x, m, u in zip(pay, middle, unit, strict=True)) for pay in floats}
    shape = (len(ends), len(tree.players))
    return Layout(
        ends=ends,
        payoffs=np.array([floats[payoff[i]] for i in ends], float).reshape(shape),
        scaled=np.array([scaled[payoff[i]] for i in ends], float).reshape(shape),
        middle=np.array(list(map(float, middle))),
        unit=np.array(list(map(float, unit))),
        chance=np.array([chance[i] for i in ends], float),
        path=_paths(ends, parent, action, length),
        first=first,
        owner=owner,
        mover=mover,
    )


def _paths(ends: np.ndarray, parent: np.ndarray, action: np.ndarray, length: np.ndarray) -> np.ndarray:
    """Players' actions on the way to every end [end, depth], walking up from all ends at once."""
    depth = int(length[ends].max())
    if len(ends) * depth > MOST_STEPS:
        raise UserError(
            f"This game has {len(ends)} ends at up to {depth} moves, too many to lay out in memory. "
            "Cut it to fewer periods, or solve it on a belief grid."
        )
    path = np.full((len(ends), depth), -1, np.int32)
    row, at, left = np.arange(len(ends)), ends, length[ends]
    while len(row):
        moved = action[at] >= 0
        left = left - moved
        path[row[moved], left[moved]] = action[at[moved]]
        going = left > 0
        row, at, left = row[going], parent[at[going]], left[going]
    return path
