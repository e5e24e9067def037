"""What everybody sees of a game: its public states, and which of them to treat as one.

Two nodes are in one *public state* if one information set holds both, or if some pair of their successors is in one
public state: then somebody cannot tell the two pasts apart. Public states form a tree. What lies below one depends on
the past only through the log reach of its entry nodes, and hands back only the worth of those nodes for each player
(the public tree of a factored-observation game: Kovařík et al. 2022, Artificial Intelligence 303, 103645).

A *block* is one public state or several that hang together. Merging saves calls and costs arithmetic; `partition`
tries a few sizes and counts both. Public states are found over *elements*: the information sets of players, and the
nodes of nature one by one.
"""

import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from standoff.game.tree.tree import CHANCE, Tree

NOWHERE = -1
LIMITS = (2, 6, 16, 40)  # unknowns that merging may bring into a block; larger ones wake the threads of BLAS
CALLS = 90.0  # microseconds that a group costs in calls, whatever its size; rough, and so are those of `_cost`


@dataclass
class _About:
    """Actions, entries and exits of public states, each on its own."""

    actions: dict[int, int]
    entries: dict[int, int]
    exits: dict[int, int]


class _Forest:
    """Union-find."""

    def __init__(self, size: int) -> None:
        self.up = list(range(size))

    def find(self, x: int) -> int:
        up = self.up
        while up[x] != x:
            up[x] = up[up[x]]
            x = up[x]
        return x

    def join(self, x: int, y: int) -> bool:
        x, y = self.find(x), self.find(y)
        self.up[max(x, y)] = min(x, y)
        return x != y


def _elements(tree: Tree) -> tuple[list[int], list[int]]:
    """Element of every node (its set; chance nodes have one each; ends -1), and the set of every element."""
    sets = tree.sets
    element, kinds = [], list(range(len(sets)))
    for node in tree.nodes:
        if node.set >= 0 and sets[node.set].player == CHANCE:
            element.append(len(kinds))
            kinds.append(NOWHERE)
        else:
            element.append(node.set if node.set >= 0 else NOWHERE)
    return element, kinds


def _states(tree: Tree, element: Sequence[int], size: int) -> tuple[_Forest, list[int]]:
    """Public states over elements, and the state above each (by its representative; -1 at the top)."""
    parents: list[set[int]] = [set() for _ in range(size)]
    last = [0] * size
    for number, node in enumerate(tree.nodes):
        own = element[number]
        if own >= 0:
            parents[own].add(element[node.parent] if node.parent >= 0 else NOWHERE)
            last[own] = number
    forest = _Forest(size)
    order = [own for own in sorted(range(size), key=last.__getitem__, reverse=True) if parents[own]]
    above = [NOWHERE] * size
    changed = True
    while changed:
        changed, seen = False, dict[int, int]()
        for own in order:
            for parent in parents[own]:
                here = forest.find(own)
                there = forest.find(parent) if parent >= 0 else NOWHERE
                if there == here:
                    continue
                known = seen.setdefault(here, there)
                known = forest.find(known) if known >= 0 else known
                if known in (there, here):
                    continue
                changed |= forest.join(here if known < 0 else known, here if there < 0 else there)
        for here, there in seen.items():
            above[here] = there
    for own in range(size):
        if forest.up[own] == own and above[own] >= 0:
            above[own] = forest.find(above[own])
    return forest, above


def _merge(weight: dict[int, int], above: dict[int, int], limit: int) -> dict[int, int]:
    """Block of every public state: children are merged into their parent while at most `limit` unknowns come of it."""
    below: dict[int, list[int]] = {state: [] for state in weight}
    order = []
    todo = [state for state in weight if above[state] < 0]
    for state, up in above.items():
        if up >= 0:
            below[up].append(state)
    while todo:
        state = todo.pop()
        order.append(state)
        todo.extend(below[state])
    size, block = dict(weight), {state: state for state in weight}
    for state in reversed(order):
        total = weight[state] + sum(size[child] for child in below[state])
        if total <= limit or (weight[state] == 0 and len(below[state]) == 1):
            size[state] = total
            for child in below[state]:
                block[child] = state
    for state in order:
        block[state] = block[block[state]]
    return block


def _about(tree: Tree, element: list[int], kinds: list[int], forest: _Forest) -> _About:
    """Count actions, entries and exits of public states."""
    about = _About({}, {}, {})
    home = [forest.find(own) for own in range(len(kinds))]
    for own, s in enumerate(kinds):
        if s >= 0 and tree.sets[s].player != CHANCE:
            about.actions[home[own]] = about.actions.get(home[own], 0) + len(tree.sets[s].actions)
    for number, node in enumerate(tree.nodes):
        own = home[element[number]] if element[number] >= 0 else NOWHERE
        up = home[element[node.parent]] if node.parent >= 0 else NOWHERE
        if own != up:
            about.exits[up] = about.exits.get(up, 0) + 1
            about.entries[own] = about.entries.get(own, 0) + 1
    return about


def _cost(block: dict[int, int], weight: dict[int, int], about: _About, kinds: Mapping[int, int]) -> float:
    """A guess at the microseconds of one look: calls for each kind of block, and a share for each cell."""
    actions: dict[int, int] = {}
    exits: dict[int, int] = {}
    for state, home in block.items():
        actions[home] = (
            actions.get(home, 0) + about.actions.get(state, 0) + (about.entries[state] if state == home else 0)
        )
        exits[home] = exits.get(home, 0) + about.exits.get(state, 0) - (about.entries[state] if state != home else 0)
    cells: dict[tuple[int, int, int], int] = {}
    for home, many in actions.items():
        key = (kinds[home], many, exits[home])
        cells[key] = cells.get(key, 0) + many * exits[home]
    per_cell = (
        0.008 if each < 2**14 else 0.012 if each < 2**16 else 0.016 if each < 2**18 else 0.02 for each in cells.values()
    )
    return CALLS * len(cells) + len(actions) + float(sum(map(operator.mul, cells.values(), per_cell)))


def partition(tree: Tree, limit: int | None) -> tuple[list[int], list[int]]:
    """Element of every node (-1 at ends) and block of every element (-1 where there is none).

    `limit` is the largest number of unknowns that merging may bring into a block; chosen by cost if None.
    """
    element, kinds = _elements(tree)
    forest, over = _states(tree, element, len(kinds))
    weight: dict[int, int] = {}
    for own, s in enumerate(kinds):
        alive = s < 0 or tree.sets[s].player != CHANCE
        if alive:
            home = forest.find(own)
            weight[home] = weight.get(home, 0) + (len(tree.sets[s].actions) - 1 if s >= 0 else 0)
    above = {state: over[state] for state in weight}
    depth: dict[int, int] = {}
    for state in weight:
        chain = []
        while state >= 0 and state not in depth:
            chain.append(state)
            state = above[state]
        for link in reversed(chain):
            depth[link] = depth[above[link]] + 1 if above[link] >= 0 else 0
    total = sum(weight.values())
    limits = (limit,) if limit is not None else (*(x for x in LIMITS if x < total), min(total, LIMITS[-1]))
    merged = [_merge(weight, above, x) for x in limits]
    about = _about(tree, element, kinds, forest)
    best = min(merged, key=lambda block: _cost(block, weight, about, depth)) if len(merged) > 1 else merged[0]
    return element, [best.get(forest.find(own), NOWHERE) for own in range(len(kinds))]
