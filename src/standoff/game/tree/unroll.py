"""The grid's game written out node by node, for its first rounds, as an exact tree.

Both solvers then answer one question, so that each checks the other; and Gambit can be asked as well. The tree has

- nature's draw of the two types, jointly: P(c, t) = P(c) P(t | c), with logit P(t firm | c) = logit q + tilt_c;
- an information set for every type and public history; class and detail are sets of their own, as on the grid;
- after each round nature's move: removal from within, the levels of the next round, and the end by discounting;
- after the last round an end that pays its mean: flow, removal, and the payoff of the horizon.

*Discount.* On the grid a decision weighs payoffs as of its own round. In a tree payoffs are added up along the way,
so that a discount of payoffs would blunt the decisions of later rounds. It is therefore written as what it is equal
to: with chance 1 - discount the game ends after a round, with nothing more (end `discounted`). Strategies and values
are those of the grid; in the chances of the other ends every round is weighed by its discount.

Numbers are rounded to `DIGITS` decimals, so that the files stay readable. Labels: `coercer:firm:hold, defy, climb 3`.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from standoff.errors import UserError
from standoff.game import outcomes
from standoff.game.form import OUTCOMES, Form, Payoffs
from standoff.game.tree.build import Branch, Builder
from standoff.game.tree.tree import Tree

DIGITS = 12
"""Decimals of payoffs and chances."""
MOST_NODES = 200_000
"""Most nodes that are written unless told otherwise."""
PLAYERS = ("Coercer", "Target")
KINDS = (("yielding", "firm"), ("yielding", "firm"))
START = "-"
"""The public history before anything has happened."""


@dataclass(frozen=True)
class Game:
    """A game of the grid with its beginning: what a tree of its first rounds is written from.

    `prior[i]` is the chance that side i is firm; `start` the index of its state in the first stage; `kinds[i]` the
    names of side i's types, the yielding one first.
    """

    form: Form
    payoffs: Payoffs
    prior: tuple[float, float]
    rounds: int
    start: int = 0
    kinds: tuple[tuple[str, str], tuple[str, str]] = KINDS


@dataclass(frozen=True)
class Turn:
    """A decision after a public history: everything but the mover's type.

    `move` at the turn `parent` led here (-1: the game begins); between rounds nature moved the levels as well.
    """

    round: int
    stage: int
    state: int
    past: str
    parent: int
    move: int


def unroll(
    form: Form,
    payoffs: Payoffs,
    prior: Sequence[float],
    rounds: int,
    *,
    start: int = 0,
    kinds: tuple[tuple[str, str], tuple[str, str]] = KINDS,
    title: str = "a crisis",
    comment: str = "",
    scaled: bool = False,
    most_nodes: int = MOST_NODES,
) -> Tree:
    """The first rounds of a grid game as a tree, with the payoff of the horizon after the last.

    Args:
        form: Stages and states.
        payoffs: What they pay, each side in its own unit; `precision` is left to whoever solves the tree.
        prior: Chance that the coercer, and that the target, is firm.
        rounds: Rounds written out, at least 1.
        start: State of the first stage in which the game begins, by index.
        kinds: Names of the types of coercer and target, the yielding one first.
        title: Name of the game.
        comment: Free text kept in the file.
        scaled: Multiply each side's payoffs by its precision, so that precision 1 for both is that of the grid (for
            solvers that know one precision for all).
        most_nodes: Refuse a larger tree.

    Returns:
        The tree. Its outcomes are called `ending after history coercer's type/target's type`.

    Raises:
        UserError: too many nodes; tilts that contradict each other; no such state.
    """
    game = Game(form, payoffs, (float(prior[0]), float(prior[1])), rounds, start, kinds)
    found = size(game)
    if found > most_nodes:
        most = max((n for n in range(1, rounds) if size(_cut(game, n)) <= most_nodes), default=0)
        remedy = f"{most} fit" if most else "Not even one fits; raise the limit"
        raise UserError(f"{rounds} rounds make a tree of {found:,} nodes, over {most_nodes:,}. Write fewer: {remedy}.")
    unit = np.asarray(payoffs.precision, float) if scaled else np.ones(2)
    builder = Builder(title, PLAYERS, comment)
    pairs = {(c, t): chance for (c, t), chance in np.ndenumerate(joint(game)) if chance > 0}
    names = {pair: "/".join(kinds[side][pair[side]] for side in range(2)) for pair in pairs}
    if len(pairs) == 1:
        roots: dict[tuple[int, int], Branch | None] = dict.fromkeys(pairs)
    else:
        nature = builder.chance(None, "types", dict(zip(names.values(), _chances(list(pairs.values())), strict=True)))
        roots = {pair: nature[names[pair]] for pair in pairs}
    for pair, root in roots.items():
        _Crisis(builder, game, pair, unit).grow(root)
    return builder.tree()


def joint(game: Game) -> np.ndarray:
    """Joint chances of the types: rows coercer, columns target, yielding first.

    Raises:
        UserError: what the two sides believe of each other fits no joint distribution.
    """
    tilt, (p, q) = np.asarray(game.payoffs.tilt, float), game.prior
    found: np.ndarray = outcomes.joint(p, q, tilt).reshape(2, 2)
    other: np.ndarray = outcomes.joint(q, p, tilt[::-1]).reshape(2, 2)
    if not np.allclose(found, other.T, rtol=0, atol=1e-9):
        raise UserError(
            f"The tilts {tilt.tolist()} and the priors {game.prior} fit no joint distribution of the types. "
            "Take both from one table of the four pairs."
        )
    return np.where(found < 0.5 * 10.0**-DIGITS, 0.0, found)


def size(game: Game) -> int:
    """Nodes of the tree, counted without building it.

    Raises:
        UserError: less than one round, or no such state.
    """
    form = game.form
    if game.rounds < 1:
        raise UserError(f"{game.rounds} rounds cannot be written out. Ask for at least 1.")
    if not 0 <= game.start < len(form.stages[0].states):
        raise UserError(f"The first stage has {len(form.stages[0].states)} states and none {game.start}. Use an index.")
    known: dict[tuple[int, int, int], int] = {}
    law = _laws(game)

    def below(n: int, stage: int, state: int) -> int:
        key = (n, stage, state)
        if key not in known:
            if stage == form.nature:
                known[key] = rest(n, state)
            else:
                here = form.stages[stage]
                moves = [m for m in range(len(here.moves)) if here.mask[state, m]]
                known[key] = 1 + sum(
                    below(n, here.leads[m], int(here.follow[state, m])) if here.leads[m] >= 0 else 1 for m in moves
                )
        return known[key]

    def rest(n: int, state: int) -> int:
        if n == game.rounds - 1:
            return 1
        ways = law[state]
        return (len(ways) > 1) + sum(below(n + 1, 0, way.first) if way.first >= 0 else 1 for way in ways)

    # Rounds are counted from the last, so that the recursion stays within one round.
    for n in reversed(range(game.rounds)):
        for state in range(len(form.stages[0].states)):
            below(n, 0, state)
    pairs = int(np.count_nonzero(joint(game)))
    return (pairs > 1) + pairs * below(0, 0, game.start)


def turns(game: Game) -> Iterator[Turn]:
    """Every decision of the tree after its public history, parents before children.

    The information sets of a turn are called `label(game, turn, type)`.
    """
    law = _laws(game)
    todo = [Turn(0, 0, game.start, START, -1, -1)]
    number = 0
    while todo:
        turn = todo.pop()
        yield turn
        later: list[Turn] = []
        for m in _moves(game.form, turn):
            then = _after(game, law, turn, m)
            if not isinstance(then, str):
                later.extend(
                    Turn(way.round, way.stage, way.state, way.past, number, m) for way in then if way.stage >= 0
                )
        todo.extend(reversed(later))
        number += 1


def label(game: Game, turn: Turn, kind: int) -> str:
    """What the information set of a turn is called for a type of its mover."""
    mover = game.form.stages[turn.stage].mover
    return f"{PLAYERS[mover].lower()}:{game.kinds[mover][kind]}:{turn.past}"


@dataclass(frozen=True)
class _Way:
    """One of nature's moves after a round: its name, its chance, and the state of the next round (-1: an end)."""

    name: str
    chance: Fraction
    first: int


@dataclass(frozen=True)
class _Next:
    """Where a move leads, through nature's move `name` if any: a decision, or an end of nature's (`stage` -1)."""

    name: str
    chance: Fraction
    round: int
    stage: int
    state: int
    past: str


def _cut(game: Game, rounds: int) -> Game:
    return Game(game.form, game.payoffs, game.prior, rounds, game.start, game.kinds)


def _moves(form: Form, turn: Turn) -> list[int]:
    stage = form.stages[turn.stage]
    return [m for m in range(len(stage.moves)) if stage.mask[turn.state, m]]


def _chances(values: Sequence[float]) -> list[Fraction]:
    """Chances as exact decimals that sum to one: the largest takes what rounding leaves."""
    found = [Fraction(f"{value:.{DIGITS}f}") for value in values]
    largest = max(range(len(found)), key=lambda i: found[i])
    found[largest] += 1 - sum(found)
    return found


def _laws(game: Game) -> list[list[_Way]]:
    """Nature's moves from each of its states, those with a chance above zero."""
    form, payoffs = game.form, game.payoffs
    chance = np.where(form.branch >= 0, np.asarray(payoffs.chance, float), 0.0)
    hazard, keep = np.asarray(payoffs.hazard, float), float(payoffs.discount)
    found = []
    for k, to in enumerate(form.branch):
        stay = chance[k] * (1 - hazard[k])
        ways = [(_seen(form.stages[0].states[s]), stay[b] * keep, int(s)) for b, s in enumerate(to) if stay[b] > 0]
        ways += [("removed", float(chance[k] @ hazard[k]), -1), ("discounted", float(stay.sum()) * (1 - keep), -1)]
        ways = [way for way in ways if way[1] >= 0.5 * 10.0**-DIGITS]
        exact = _chances([value for _, value, _ in ways])
        found.append([_Way(name, p, first) for (name, _, first), p in zip(ways, exact, strict=True)])
    return found


def _seen(state: tuple[int, ...]) -> str:
    """What of nature's move all see: the levels, last in a state."""
    return "levels " + "/".join(map(str, state[3:5])) if len(state) > 4 else "state " + "/".join(map(str, state))


def _words(form: Form, turn: Turn, m: int) -> str:
    """The history after a move; a detail stands behind its class, as in `climb 3`."""
    stage = form.stages[turn.stage]
    if turn.past == START:
        return stage.moves[m]
    return f"{turn.past}{' ' if _is_detail(form, turn.stage) else ', '}{stage.moves[m]}"


def _is_detail(form: Form, index: int) -> bool:
    """Whether a stage is the second step of a decision: all that leads there is the same player's move."""
    before = [stage for stage in form.stages if index in stage.leads]
    return bool(before) and all(stage.mover == form.stages[index].mover for stage in before)


def _after(game: Game, law: list[list[_Way]], turn: Turn, m: int) -> str | list[_Next]:
    """What follows a move: the name of an ending, or decisions and nature's ends; `horizon` after the last round."""
    form = game.form
    stage = form.stages[turn.stage]
    past = _words(form, turn, m)
    if stage.leads[m] < 0:
        return OUTCOMES[stage.outcome[turn.state, m]]
    state = int(stage.follow[turn.state, m])
    if stage.leads[m] != form.nature:
        return [_Next("", Fraction(1), turn.round, stage.leads[m], state, past)]
    if turn.round == game.rounds - 1:
        return "horizon"
    ways = law[state]
    told = sum(way.first >= 0 for way in ways) > 1
    return [
        _Next(
            way.name, way.chance, turn.round + 1, 0 if way.first >= 0 else -1, way.first,
            f"{past}, {way.name}" if told and way.first >= 0 else past,
        )
        for way in ways
    ]  # fmt: skip


class _Crisis:
    """What follows one pair of types."""

    def __init__(self, builder: Builder, game: Game, pair: tuple[int, int], unit: np.ndarray) -> None:
        payoffs = game.payoffs
        self._builder, self._game, self._pair, self._unit = builder, game, pair, unit
        self._law = _laws(game)

        def own(table: object) -> np.ndarray:
            """Each side's payoff by its own type: axes player, then those behind."""
            values = np.asarray(table, float)
            return np.stack([values[side, pair[side]] for side in range(2)])

        self._moves = [own(table) for table in payoffs.moves]
        self._flow, self._removed = own(payoffs.flow), own(payoffs.removed)
        chance = np.where(game.form.branch >= 0, np.asarray(payoffs.chance, float), 0.0)
        hazard, horizon = np.asarray(payoffs.hazard, float), own(payoffs.horizon)
        later = (chance * (1 - hazard) * float(payoffs.discount))[None] * horizon[:, np.maximum(game.form.branch, 0)]
        self._mean = self._flow + later.sum(-1) + self._removed[:, None] * (chance * hazard).sum(-1)

    def grow(self, root: Branch | None) -> None:
        """Add everything below `root`."""
        game = self._game
        todo: list[tuple[Branch | None, Turn, np.ndarray]] = [
            (root, Turn(0, 0, game.start, START, -1, -1), np.zeros(2)),
        ]
        while todo:
            branch, turn, paid = todo.pop()
            stage = game.form.stages[turn.stage]
            name = label(game, turn, self._pair[stage.mover])
            moves = _moves(game.form, turn)
            place = self._builder.move(branch, PLAYERS[stage.mover], name, [stage.moves[m] for m in moves])
            for m in moves:
                total = paid + self._moves[turn.stage][:, turn.state, m]
                self._follow(todo.append, place[stage.moves[m]], turn, m, total)

    def _follow(
        self, add: Callable[[tuple[Branch, Turn, np.ndarray]], None], branch: Branch, turn: Turn, m: int,
        paid: np.ndarray,
    ) -> None:  # fmt: skip
        then = _after(self._game, self._law, turn, m)
        past = _words(self._game.form, turn, m)
        stage = self._game.form.stages[turn.stage]
        state = int(stage.follow[turn.state, m])
        if isinstance(then, str):
            self._end(branch, then, past, paid + self._mean[:, state] if then == "horizon" else paid)
            return
        if stage.leads[m] == self._game.form.nature:
            paid = paid + self._flow[:, state]
        if len(then) > 1:
            nature = self._builder.chance(branch, "", {each.name: each.chance for each in then})
        for each in then:
            here = nature[each.name] if len(then) > 1 else branch
            if each.stage >= 0:
                add((here, Turn(each.round, each.stage, each.state, each.past, -1, m), paid))
            else:
                gone = self._removed if each.name == "removed" else 0.0
                self._end(here, {"removed": "coup"}.get(each.name, each.name), past, paid + gone)

    def _end(self, branch: Branch, ending: str, past: str, paid: np.ndarray) -> None:
        kinds = "/".join(self._game.kinds[side][self._pair[side]] for side in range(2))
        exact = [Fraction(f"{value:.{DIGITS}f}") for value in paid * self._unit]
        self._builder.end(branch, f"{ending} after {past} {kinds}", exact)
