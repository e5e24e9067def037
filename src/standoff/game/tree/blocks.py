"""A game cut into blocks of equal shape, as arrays.

A block (one or several public states, see `public`) leaves through *exits*: ends of the game, or entries of blocks
below. Blocks of equal depth and shape make a `Group`, so that one numpy call treats them all.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from standoff.errors import UserError
from standoff.game.tree.public import NOWHERE, partition
from standoff.game.tree.tree import CHANCE, MOST_STEPS, Tree, log_chance


@dataclass(frozen=True)
class Slot:
    """Children with `entries` entry nodes, `many` to a block; their exits stand together, from `start` on."""

    entries: int
    many: int
    start: int
    stop: int
    children: np.ndarray  # row in the store of blocks with so many entries [block, many]


@dataclass(frozen=True)
class Group:
    """Blocks of one shape at one depth. Exits to blocks below come first, then ends.

    Axes: `block`, `exit`, `entry`, `action` and `unknown` are local. An unknown is the log-odds of an action against
    the first one of its set.
    """

    count: int
    exits: slice  # of all exits [block x exit]
    actions: slice  # of all actions in our order [block x action]
    unknowns: slice  # of all unknowns in our order [block x unknown]
    chance: np.ndarray  # log chance of nature's moves from entry to exit [block, exit]
    source: np.ndarray  # exit of the block above that is this entry [block, entry]
    entry: np.ndarray  # [exit]
    taken: np.ndarray  # 1.0 where the action lies on the way to the exit [action, exit]
    passed: np.ndarray  # 1.0 where the set of the unknown does [exit, unknown]
    chosen: np.ndarray  # 1.0 where the action of the unknown does [exit, unknown]
    high: np.ndarray  # action of the unknown [unknown]
    low: np.ndarray  # first action of its set [unknown]
    player: np.ndarray  # mover [unknown]
    slots: tuple[Slot, ...]
    row: slice  # in the store of blocks with so many entries

    @property
    def entries(self) -> int:
        """Entry nodes of a block."""
        return int(self.source.shape[1])

    @property
    def below(self) -> int:
        """Exits of a block that lead to blocks below."""
        return max((slot.stop for slot in self.slots), default=0)


@dataclass(frozen=True)
class Blocks:
    """A game as groups of blocks, those at the top first."""

    groups: tuple[Group, ...]
    payoffs: np.ndarray  # `Layout.scaled` at exits that are ends, 0 elsewhere [exit, player]
    action: np.ndarray  # number in `Layout` of every action in our order [action]
    starts: np.ndarray  # where each set begins among the actions in our order [set]
    owner: np.ndarray  # set, counted in our order, of every action in our order [action]
    unknown: np.ndarray  # action in our order of every unknown [unknown]
    mover: np.ndarray  # player of every unknown [unknown]
    stores: dict[int, int]  # number of blocks by their number of entries


@dataclass
class _Block:
    """A block while it is gathered: exits as (entry, way, child, node), entries as exits of the block above."""

    above: int
    depth: int = 0
    sets: list[int] = field(default_factory=list)
    exits: list[tuple[int, tuple[int, ...], int, int]] = field(default_factory=list)
    chance: list[float] = field(default_factory=list)
    entries: list[int] = field(default_factory=list)
    actions: int = 0


def _gather(tree: Tree, element: Sequence[int], block: Sequence[int]) -> list[_Block]:
    """Blocks in the order in which the tree meets them; `block` by element."""
    blocks: list[_Block] = []
    number_of: dict[int, int] = {}
    local: dict[int, int] = {}
    ways: list[tuple[int, int, tuple[int, ...], float]] = []  # block, entry, way and chance from entry, by node
    logs = [[log_chance(c) for c in s.chances] for s in tree.sets]
    nature = [s.player == CHANCE for s in tree.sets]
    for number, node in enumerate(tree.nodes):
        up, entry, way, chance = ways[node.parent] if node.parent >= 0 else (NOWHERE, 0, (), 0.0)
        if up >= 0 and chance > -math.inf:
            kind = tree.nodes[node.parent].set
            if nature[kind]:
                chance += logs[kind][node.branch]
            else:
                way = (*way, local[kind] + node.branch)
        own = block[element[number]] if element[number] >= 0 else NOWHERE
        if chance == -math.inf:
            ways.append((up, entry, way, chance))
            continue
        here = number_of.get(own, NOWHERE) if own >= 0 else NOWHERE
        if own < 0 or here < 0 or here != up:
            if own >= 0 and here < 0:
                here = number_of[own] = len(blocks)
                blocks.append(_Block(up, blocks[up].depth + 1 if up >= 0 else 0))
            if up >= 0:
                blocks[up].exits.append((entry, way, here, number))
                blocks[up].chance.append(chance)
            if here >= 0:
                entry, way, chance = len(blocks[here].entries), (), 0.0
                blocks[here].entries.append(len(blocks[up].exits) - 1 if up >= 0 else NOWHERE)
        ways.append((here, entry, way, chance))
        if own >= 0 and not nature[node.set] and node.set not in local:
            local[node.set] = blocks[here].actions
            blocks[here].sets.append(node.set)
            blocks[here].actions += len(tree.sets[node.set].actions)
    missing = [s.label or str(s.number) for i, s in enumerate(tree.sets) if not nature[i] and i not in local]
    if missing:
        raise UserError(
            f"{tree.title}: no move of nature with a chance above 0 leads to the information set {missing[0]!r}, so "
            "nobody can hold a belief there. Give those moves a small chance or take the set out."
        )
    return blocks


def _sorted(block: _Block, blocks: list[_Block]) -> list[int]:
    """Order of a block's exits: by the number of entries of the child, by child, then ends."""
    children = [exit_[2] for exit_ in block.exits]
    entries = [len(blocks[child].entries) if child >= 0 else 1 << 30 for child in children]
    return sorted(range(len(children)), key=lambda k: (entries[k], max(children[k], 0), k))


def _shape(tree: Tree, block: _Block, order: list[int]) -> tuple[object, ...]:
    """What must agree for two blocks to be treated at once."""
    sets = tuple((tree.sets[s].player, len(tree.sets[s].actions)) for s in block.sets)
    firsts: dict[int, int] = {}
    children = tuple(
        firsts.setdefault(c, len(firsts)) if c >= 0 else NOWHERE for c in (block.exits[z][2] for z in order)
    )
    return (block.depth, len(block.entries), sets, tuple(block.exits[z][:2] for z in order), children)


def _slots(block: _Block, blocks: list[_Block], order: list[int]) -> list[tuple[int, list[int], int, int]]:
    """Runs of exits to children with equally many entries: entries, children, start, stop."""
    runs: list[tuple[int, list[int], int, int]] = []
    for place, exit_ in enumerate(order):
        child = block.exits[exit_][2]
        if child < 0:
            break
        size = len(blocks[child].entries)
        if not runs or runs[-1][0] != size:
            runs.append((size, [], place, place))
        size, children, start, _ = runs[-1]
        if child not in children:
            children.append(child)
        runs[-1] = (size, children, start, place + 1)
    return runs


class _Numbers:
    """Where exits, actions, unknowns and rows of stores of every block stand, groups from the top."""

    def __init__(self, blocks: list[_Block], orders: list[list[int]], members: list[list[int]]) -> None:
        self.exit_, self.row = [0] * len(blocks), [0] * len(blocks)
        self.stores: dict[int, int] = {}
        self.place = [[0] * len(order) for order in orders]
        exits = 0
        for group in members:
            for b in group:
                self.exit_[b] = exits
                for place, exit_ in enumerate(orders[b]):
                    self.place[b][exit_] = exits + place
                exits += len(orders[b])
                size = len(blocks[b].entries)
                self.row[b] = self.stores.setdefault(size, 0)
                self.stores[size] += 1
        self.exits = exits


def _group(tree: Tree, blocks: list[_Block], orders: list[list[int]], members: list[int], numbers: _Numbers,
           starts: tuple[int, int]) -> Group:  # fmt: skip
    """Blocks of one shape as arrays; `starts`: first action and unknown of the group."""
    model, order, many = blocks[members[0]], orders[members[0]], len(members)
    taken = np.zeros((model.actions, len(order)))
    for place, exit_ in enumerate(order):
        taken[list(model.exits[exit_][1]), place] = 1.0
    high, low, player, first = list[int](), list[int](), list[int](), 0
    passed = []
    for s in model.sets:
        size = len(tree.sets[s].actions)
        high += range(first + 1, first + size)
        low += [first] * (size - 1)
        player += [tree.sets[s].player] * (size - 1)
        passed += [taken[first : first + size].sum(0)] * (size - 1)
        first += size
    runs = [_slots(blocks[b], blocks, orders[b]) for b in members]
    slots = tuple(
        Slot(size, len(children), start, stop, np.array([[numbers.row[c] for c in run[i][1]] for run in runs]))
        for i, (size, children, start, stop) in enumerate(runs[0])
    )
    n, e, first_exit, row = len(high), len(model.entries), numbers.exit_[members[0]], numbers.row[members[0]]
    source = [[numbers.place[blocks[b].above][z] if z >= 0 else NOWHERE for z in blocks[b].entries] for b in members]
    return Group(
        count=many, exits=slice(first_exit, first_exit + many * len(order)),
        actions=slice(starts[0], starts[0] + many * model.actions), unknowns=slice(starts[1], starts[1] + many * n),
        chance=np.array([[blocks[b].chance[z] for z in orders[b]] for b in members]).reshape(many, len(order)),
        source=np.array(source, int).reshape(many, e), entry=np.array([model.exits[z][0] for z in order], int),
        taken=taken, passed=np.array(passed).reshape(n, len(order)).T.copy(), chosen=taken[high].T.copy(),
        high=np.array(high, int), low=np.array(low, int), player=np.array(player, int), slots=slots,
        row=slice(row, row + many),
    )  # fmt: skip


def cut(tree: Tree, limit: int | None = None) -> Blocks:
    """A game as groups of blocks.

    Args:
        tree: The game, of perfect recall.
        limit: Largest number of unknowns that merging public states may bring into a block; 0 keeps every public
            state apart, a number above that of all unknowns makes one block of the whole game. Chosen by cost if None.

    Raises:
        UserError: Nobody moves, an information set lies behind moves of nature with chance 0 only, or the game does
            not fit into memory (sets with thousands of actions).
    """
    if not tree.sets:
        raise UserError(f"{tree.title}: nobody moves in this game. Give it at least one information set.")
    found = _gather(tree, *partition(tree, limit))
    cells = sum((block.actions + len(block.entries)) * (len(block.exits) + block.actions) for block in found)
    if cells > MOST_STEPS:
        raise UserError(f"{tree.title}: this game has too many actions to solve in memory. Give fewer to choose from.")
    orders = [_sorted(block, found) for block in found]
    shapes: dict[tuple[object, ...], list[int]] = {}
    for b, block in enumerate(found):
        shapes.setdefault(_shape(tree, block, orders[b]), []).append(b)
    members = sorted(shapes.values(), key=lambda group: (found[group[0]].depth, group[0]))
    numbers = _Numbers(found, orders, members)
    groups: list[Group] = []
    for group in members:
        at = (groups[-1].actions.stop, groups[-1].unknowns.stop) if groups else (0, 0)
        groups.append(_group(tree, found, orders, group, numbers, at))
    inorder = [found[b] for group in members for b in group]
    sets = [s for block in inorder for s in block.sets]
    layout = tree.layout
    ends = {int(node): place for place, node in enumerate(layout.ends)}
    payoffs = np.zeros((numbers.exits, len(tree.players)))
    at_end = [(numbers.place[b][z], ends[exit_[3]]) for b, block in enumerate(found)
              for z, exit_ in enumerate(block.exits) if exit_[2] < 0]  # fmt: skip
    where = np.array(at_end, int).reshape(-1, 2)
    payoffs[where[:, 0]] = layout.scaled[where[:, 1]]
    sizes = np.array([len(tree.sets[s].actions) for s in sets], int)
    starts = np.cumsum(sizes) - sizes
    owner = np.repeat(np.arange(len(sets)), sizes)
    within = np.arange(len(owner)) - starts[owner]
    unknown = np.flatnonzero(within)
    mover = np.array([tree.sets[s].player for s in sets], int)[owner[unknown]]
    action = np.array([layout.first[s] for s in sets], int)[owner] + within
    return Blocks(tuple(groups), payoffs, action, starts, owner, unknown, mover, numbers.stores)
