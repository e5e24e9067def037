"""The hypergame, exactly: every player's strategy from the game he believes in, met in a true game.

Player i holds a view: a game, and a strategy σⁱ of all players in it (his own part is what he will do, the others'
what he expects of them). In truth everybody plays his own part, σ = (σ¹₁, σ²₂, …), matched by the labels of
information sets and actions. With h a public record (`record`),

    P(h) = Σ over ends with record h of π(end) Π σ(moves on the way),    Pⁱ(h) the same in view i with σⁱ,

    divergence of i = KL(P ‖ Pⁱ) = Σ_h P(h) log(P(h) / Pⁱ(h)), in nats: what he loses in log score by his view.

Beliefs are those of Bayes' rule, in logarithms: by perfect recall a player's own moves are the same before every node
of a set and cancel, so a belief exists wherever the others and nature reach the set with a chance above zero, however
small: also off the path at a precision of 1000.

Bennett (1977), Omega 5:749-751 (hypergames); Kullback and Leibler (1951), Ann. Math. Stat. 22:79-86.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from standoff.errors import UserError
from standoff.game.tree.record import Record, histories, names
from standoff.game.tree.tree import CHANCE, Tree, action_names, log_chance, set_names

TRUE = "true"
"""What the true game is called beside the players' views."""


@dataclass(frozen=True)
class Composition:
    """What happens when views meet, and what each expected. Keys are labels; `TRUE` stands for the true game.

    Chances are of the event in one play of the game; payoffs in the unit of their own game.
    """

    players: tuple[str, ...]
    payoffs: dict[str, float]
    """Of every player, in the true game."""
    expected_payoffs: dict[str, dict[str, float]]
    """What a player (first key) expects everybody (second key) to get, in his view."""
    records: dict[str, dict[str, float]]
    """Chance of every public record: in truth (`TRUE`) and as each player expects."""
    divergence: dict[str, float]
    """KL(truth ‖ his expectation) over public records, nats; infinite if what he holds impossible can happen."""
    outcomes: dict[str, dict[str, float]]
    """Chance of every outcome, by its label: in truth (`TRUE`) and as each player expects."""
    beliefs: dict[str, dict[str, dict[str, float]]]
    """Chance of every node given its information set, by set and by way to the node: in truth and in each view."""


def compose(truth: Tree, views: Sequence[tuple[Tree, np.ndarray]]) -> Composition:
    """Every player's own part of the strategy in his view, met in the true game.

    Args:
        truth: the true game.
        views: for every player of `truth`, in its order, his view and the logarithms of the chances of every action
            of every player in it [action], numbered as in its `layout`. Players are matched by name.

    Returns:
        Payoffs, public records, outcomes and beliefs in truth and in each view.

    Raises:
        UserError: a view lacks a player, an information set or an action of the true game; labels are not unique; or
            a strategy does not fit its view.
    """
    if len(views) != len(truth.players):
        raise UserError(f"There are {len(views)} views for {len(truth.players)} players. Give every player one.")
    if TRUE in truth.players:
        raise UserError(f"A player is called '{TRUE}', which stands for the true game. Rename him.")
    for player, (view, strategy) in zip(truth.players, views, strict=True):
        _fits(player, truth, view, strategy)
    played = _played(truth, views)
    trees = {TRUE: (truth, played), **dict(zip(truth.players, views, strict=True))}
    paths = {name: histories(tree) for name, (tree, _) in trees.items()}
    known = names(record for path in paths.values() for record in path)
    logs = {}
    for name, (tree, strategy) in trees.items():
        found = _grouped(paths[name], end_logs(tree, strategy))
        logs[name] = {record: found.get(record, -np.inf) for record in known}
    payoffs = {name: _payoffs(tree, strategy) for name, (tree, strategy) in trees.items()}
    return Composition(
        players=truth.players,
        payoffs=payoffs[TRUE],
        expected_payoffs={player: payoffs[player] for player in truth.players},
        records={word: {name: float(np.exp(logs[name][record])) for name in trees} for record, word in known.items()},
        divergence={player: divergence(logs[TRUE], logs[player]) for player in truth.players},
        outcomes={name: outcome_chances(tree, strategy) for name, (tree, strategy) in trees.items()},
        beliefs={name: named_beliefs(tree, strategy) for name, (tree, strategy) in trees.items()},
    )


def end_logs(tree: Tree, strategy: np.ndarray) -> np.ndarray:
    """Logarithm of the chance of every end [end] under a strategy: logs of the chances of its actions [action]."""
    layout = tree.layout
    steps: np.ndarray = np.append(strategy, 0.0)[layout.path].sum(axis=1)
    logs: np.ndarray = layout.chance + steps
    return logs


def outcome_chances(tree: Tree, strategy: np.ndarray) -> dict[str, float]:
    """Chance that each outcome is met, by its label (`outcome 3` where it has none); equal labels are added up."""
    reach = np.exp(_reach(tree, strategy)[:, -1])
    found: dict[str, float] = {}
    for i, node in enumerate(tree.nodes):
        if node.outcome >= 0:
            outcome = tree.outcomes[node.outcome]
            label = outcome.label or f"outcome {outcome.number}"
            found[label] = found.get(label, 0.0) + float(reach[i])
    return found


def beliefs(tree: Tree, strategy: np.ndarray) -> np.ndarray:
    """What the mover of every node believes of it.

    Args:
        tree: the game.
        strategy: logarithms of the chances of all actions [action].

    Returns:
        Logarithm of the chance of the node given its information set [node]; nan at ends, at nature's nodes, and
        where the others or nature reach no node of the set at all.
    """
    reach = _reach(tree, strategy)
    found = np.full(len(tree.nodes), np.nan)
    moves = np.array([i for i, n in enumerate(tree.nodes) if n.set >= 0 and tree.sets[n.set].player != CHANCE], int)
    if not len(moves):
        return found
    sets = np.array([tree.nodes[i].set for i in moves])
    logs = reach[moves, [tree.sets[s].player for s in sets]]
    total = _log_sums(logs, sets, len(tree.sets))[sets]
    met = np.isfinite(total)
    found[moves[met]] = logs[met] - total[met]
    return found


def named_beliefs(tree: Tree, strategy: np.ndarray) -> dict[str, dict[str, float]]:
    """`beliefs` as chances, by the name of the set and the way to the node (all actions, joined by ` > `)."""
    logs = beliefs(tree, strategy)
    found: dict[str, dict[str, float]] = {}
    ways: list[str] = []
    words, actions = set_names(tree), [action_names(each.actions) for each in tree.sets]
    for i, node in enumerate(tree.nodes):
        way = ""
        if node.parent >= 0:
            action = actions[tree.nodes[node.parent].set][node.branch]
            way = f"{ways[node.parent]} > {action}" if ways[node.parent] else action
        ways.append(way)
        if node.set >= 0 and tree.sets[node.set].player != CHANCE:
            found.setdefault(words[node.set], {})[way] = float(np.exp(logs[i]))
    return found


def divergence(true: dict[Record, float], expected: dict[Record, float]) -> float:
    """KL(true ‖ expected) in nats, from the logarithms of the chances of the same events."""
    p, q = np.array(list(true.values())), np.array([expected[key] for key in true])
    some = p > -np.inf
    if np.isneginf(q[some]).any():
        return np.inf
    return max(0.0, float(np.sum(np.exp(p[some]) * (p[some] - q[some]))))


def set_name(tree: Tree, s: int) -> str:
    """An information set's label, or its player and number where it has none."""
    each = tree.sets[s]
    return each.label or f"{tree.players[each.player]} {each.number}"


def _payoffs(tree: Tree, strategy: np.ndarray) -> dict[str, float]:
    mean = np.exp(end_logs(tree, strategy)) @ tree.layout.payoffs
    return dict(zip(tree.players, map(float, mean), strict=True))


def _grouped(keys: list[Record], logs: np.ndarray) -> dict[Record, float]:
    """Logarithm of the chance of every key: log of the sum over its entries."""
    index: dict[Record, int] = {}
    rows = np.array([index.setdefault(key, len(index)) for key in keys], int)
    return dict(zip(index, map(float, _log_sums(logs, rows, len(index))), strict=True))


def _log_sums(logs: np.ndarray, group: np.ndarray, groups: int) -> np.ndarray:
    """Log of the sum of exponentials over each group [group]; -inf where nothing is in it."""
    top = np.full(groups, -np.inf)
    np.maximum.at(top, group, logs)
    base = np.where(np.isfinite(top), top, 0.0)
    sums = np.bincount(group, weights=np.exp(logs - base[group]), minlength=groups)
    found: np.ndarray = np.full(groups, -np.inf)
    np.log(sums, out=found, where=sums > 0)
    return found + base


def _reach(tree: Tree, strategy: np.ndarray) -> np.ndarray:
    """Log chance of reaching every node by all moves but player i's [node, player], and by all moves [node, -1]."""
    parent = np.array([node.parent for node in tree.nodes])
    players = len(tree.players)
    first = tree.layout.first
    step, mover, depth = np.zeros(len(parent)), np.full(len(parent), CHANCE), np.zeros(len(parent), int)
    for i, node in enumerate(tree.nodes[1:], start=1):
        s = tree.nodes[node.parent].set
        mover[i], depth[i] = tree.sets[s].player, depth[node.parent] + 1
        if mover[i] == CHANCE:
            chance = tree.sets[s].chances[node.branch]
            step[i] = log_chance(chance)
        else:
            step[i] = strategy[first[s] + node.branch]
    own = mover[:, None] == np.arange(players + 1)
    steps = np.where(own, 0.0, step[:, None])
    reach = np.zeros((len(parent), players + 1))
    order = np.argsort(depth, kind="stable")
    for level in np.split(order, np.cumsum(np.bincount(depth))[:-1])[1:]:
        reach[level] = reach[parent[level]] + steps[level]
    return reach


def _fits(player: str, truth: Tree, view: Tree, strategy: np.ndarray) -> None:
    """Refuse a view with other players than the truth, or a strategy that is none of the view."""
    if set(view.players) != set(truth.players):
        raise UserError(
            f"{player}'s view has the players {', '.join(view.players)}, the true game {', '.join(truth.players)}. "
            "Use the same names in both."
        )
    actions = len(view.layout.owner)
    if np.shape(strategy) != (actions,):
        raise UserError(
            f"The strategy in {player}'s view has the shape {np.shape(strategy)}, and the view {actions} actions. "
            "Give the logarithm of one chance for every action of every player."
        )
    if np.isnan(strategy).any() or np.max(strategy, initial=0.0) > 1e-6:
        raise UserError(
            f"The strategy in {player}'s view holds a value that is no logarithm of a chance (over 0, or nan). "
            "Give logarithms of chances; one of zero is minus infinity."
        )
    sums = _log_sums(np.asarray(strategy, float), view.layout.owner, len(view.sets))
    own = np.array([each.player != CHANCE for each in view.sets], bool)
    wrong = np.flatnonzero(own & ~(np.abs(np.expm1(sums)) < 1e-6))
    if len(wrong):
        raise UserError(
            f"The chances of the actions at information set '{set_name(view, int(wrong[0]))}' in {player}'s view sum "
            f"to {np.exp(sums[wrong[0]]):.6g}. Give logarithms of chances that sum to one."
        )


def _played(truth: Tree, views: Sequence[tuple[Tree, np.ndarray]]) -> np.ndarray:
    """Everybody's own part, as a strategy in the true game [action], matched by labels."""
    found = np.empty(len(truth.layout.owner))
    for i, (player, (view, strategy)) in enumerate(zip(truth.players, views, strict=True)):
        mine, his = _sets_of(truth, i, "the true game"), _sets_of(view, view.players.index(player), f"{player}'s view")
        for name, s in mine.items():
            if name not in his:
                raise UserError(
                    f"Information set '{name}' of {player} in the true game is not in {player}'s view. "
                    "Give the sets that correspond the same label in both games."
                )
            v = his[name]
            actions, known = truth.sets[s].actions, view.sets[v].actions
            if set(actions) != set(known):
                raise UserError(
                    f"At information set '{name}' {player} can {', '.join(actions)} in the true game and "
                    f"{', '.join(known)} in {player}'s view. Use the same actions in both."
                )
            start, other = truth.layout.first[s], view.layout.first[v]
            for m, action in enumerate(actions):
                found[start + m] = strategy[other + known.index(action)]
    return found


def _sets_of(tree: Tree, player: int, where: str) -> dict[str, int]:
    """A player's information sets by name."""
    found: dict[str, int] = {}
    for s, each in enumerate(tree.sets):
        if each.player != player:
            continue
        name = set_name(tree, s)
        if name in found:
            raise UserError(
                f"Two information sets of {tree.players[player]} in {where} are called '{name}'. "
                "Give each its own label."
            )
        if len(set(each.actions)) < len(each.actions):
            raise UserError(f"Two actions at information set '{name}' in {where} have one name. Rename one of them.")
        found[name] = s
    return found
