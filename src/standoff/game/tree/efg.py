r"""Reading and writing Gambit's extensive-form files (`.efg`, version 2).

The format is that of Gambit's manual, section "The extensive game (.efg) file format": a prologue with title,
players and a comment that may be missing, then one entry for each node, depth first. `c` is a move of nature, `p` a
player's, `t` an end. Label and actions of an information set, and label and payoffs of an outcome, may be left out
after their first mention; outcome 0 is none; commas may be left out. In texts `\"` is a quote and `\\` a backslash.

What is read is written back with the same exact payoffs and chances, labels, order and numbers.
"""

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from standoff.errors import CaseError, Problem
from standoff.game.tree.scan import CLOSE, COMMA, EOF, NUMBER, OPEN, TEXT, WORD, Scanner, quoted, written
from standoff.game.tree.tree import CHANCE, InformationSet, Node, Outcome, Tree, TreeError

LARGEST_FILE = 64 * 2**20
"""Most bytes of a file: about a million nodes."""
MOST_FAULTS = 100
"""Most faults that are told of one file."""


@dataclass
class _Game:
    """What has been read so far; `starts` are the nodes' places in the text, `labelled` the sets with a label."""

    players: tuple[str, ...]
    sets: list[InformationSet] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    set_of: dict[tuple[int, int], int] = field(default_factory=dict)
    outcome_of: dict[int, int] = field(default_factory=dict)
    outcome_starts: list[int] = field(default_factory=list)


def read_efg(source: str | Path, largest: int = LARGEST_FILE) -> Tree:
    """The game in a Gambit file.

    Args:
        source: a path, or the text of a file itself (it begins with `EFG`, or has several lines).
        largest: most bytes that are read.

    Returns:
        The game, with exact payoffs and chances.

    Raises:
        CaseError: the file is missing, too large or malformed, or the game is not one of perfect recall; with file,
            line, column and remedy.
    """
    text, name = _text(source, largest)
    scan = Scanner(text, name)
    title, players, comment = _prologue(scan)
    game = _Game(players)
    _nodes(scan, game)
    try:
        return Tree(title, players, tuple(game.sets), tuple(game.outcomes), tuple(game.nodes), comment)
    except TreeError as error:
        raise CaseError(
            [
                Problem(
                    scan.place(game.starts[fault.node] if fault.node >= 0 else 0), fault.problem, fault.remedy, "efg"
                )
                for fault in error.faults[:MOST_FAULTS]
            ]
        ) from None


def _text(source: str | Path, largest: int) -> tuple[str, str]:
    """The text, and what errors call it."""

    def fail(name: str, problem: str, remedy: str) -> CaseError:
        return CaseError([Problem(name, problem, remedy, "efg")])

    too_large = f"this file has over {largest:,} bytes"
    cut = "Cut the game to fewer periods, or raise the limit (`largest`)."
    if isinstance(source, str) and (not source or "\n" in source or source.lstrip().startswith("EFG ")):
        if len(source) > largest:
            raise fail("<text>", too_large, cut)
        return source.removeprefix("\ufeff"), "<text>"
    name = str(source)
    try:
        with Path(source).open("rb") as file:
            data = file.read(largest + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise fail(name, f"cannot read this file: {reason}", "Give the path of a Gambit .efg file.") from None
    if len(data) > largest:
        raise fail(name, too_large, cut)
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n"), name
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        raise fail(f"{name}:{line}:{column}", "this is not text in UTF-8", "Save the file as UTF-8.") from None


def _prologue(scan: Scanner) -> tuple[str, tuple[str, ...], str]:
    """Title, players and comment."""
    remedy = 'A Gambit extensive-form file begins with EFG 2 R "title" { "player" "player" }'
    for word in ("EFG", "2", "R"):
        if scan.now.text != word and (word, scan.now.text) != ("R", "D"):
            what = "the file does not begin as a Gambit extensive-form game of version 2"
            scan.fail(f"{what} ('{word}' should stand here)", remedy)
        scan.step()
    title = scan.text("the title, in quotes")
    scan.take(OPEN, "'{' and the players' names")
    players = []
    while scan.now.kind != CLOSE:
        players.append(scan.text("a player's name in quotes, or '}'"))
        _comma(scan)
    if not players:
        scan.fail("the game has no players", "Name at least one")
    scan.step()
    comment = scan.text("a comment") if scan.now.kind == TEXT else ""
    return title, tuple(players), comment


def _nodes(scan: Scanner, game: _Game) -> None:
    """All nodes, depth first, with a stack of the branches that are still to be written."""
    open_ = [(-1, 0)]
    while open_:
        parent, branch = open_.pop()
        if scan.now.kind == EOF and parent >= 0:
            up = game.nodes[parent]
            each = game.sets[up.set]
            scan.fail(
                f"the file breaks off: action '{each.actions[branch]}' of the node at line "
                f"{scan.place(game.starts[parent]).split(':')[-2]} leads nowhere",
                "Write the nodes that are missing",
            )
        start = scan.now.start
        if scan.now.kind != WORD or scan.now.text not in ("c", "p", "t"):
            scan.expected("a node, which begins with c (nature moves), p (a player moves) or t (an end)")
        kind = scan.step().text
        label = scan.text("the node's name in quotes, which may be empty")
        game.starts.append(start)
        s = -1
        if kind != "t":
            s = _set(scan, game, kind)
            open_.extend((len(game.nodes), m) for m in range(len(game.sets[s].actions) - 1, -1, -1))
        game.nodes.append(Node(parent, branch, s, _outcome(scan, game), label))
    if scan.now.kind != EOF:
        scan.fail("the tree is complete, yet the file goes on", "Remove the rest, or add an action that leads to it")


def _set(scan: Scanner, game: _Game, kind: str) -> int:
    """The information set of a node: a new one, or one met before."""
    start = scan.now.start
    player = CHANCE
    if kind == "p":
        player = scan.integer("the number of a player") - 1
        if not 0 <= player < len(game.players):
            scan.fail(f"there is no player {player + 1}", f"Use a number from 1 to {len(game.players)}", start)
    start = scan.now.start
    number = scan.integer("the number of an information set")
    if number < 1:
        scan.fail("information set 0 cannot be", "Number information sets from 1", start)
    label = scan.text("a label") if scan.now.kind == TEXT else None
    actions, chances = _actions(scan, kind == "c") if scan.now.kind == OPEN else (None, ())
    known = game.set_of.get((player, number))
    if known is None:
        if actions is None:
            remedy = "Give them at the first node of the set, or correct the number"
            scan.fail(f"the actions of information set {number} are not said before", remedy, start)
        game.set_of[(player, number)] = len(game.sets)
        game.sets.append(InformationSet(player, number, label or "", actions, chances))
        return len(game.sets) - 1
    before = game.sets[known]
    for what, new, old in (
        ("label", label, before.label),
        ("actions", actions, before.actions),
        ("chances", chances or None, before.chances),
    ):
        if new is not None and new != old:
            problem = f"the {what} of information set {number} differ from those at its first node"
            scan.fail(problem, "Make them equal, leave them out here, or give the node another set", start)
    return known


def _actions(scan: Scanner, nature: bool) -> tuple[tuple[str, ...], tuple[Fraction, ...]]:
    """Actions in braces, with their chances where nature moves."""
    scan.step()
    actions, chances = [], []
    while scan.now.kind != CLOSE:
        actions.append(scan.text("an action in quotes, or '}'"))
        if nature:
            _comma(scan)
            chances.append(scan.number("the chance of this action"))
        _comma(scan)
    if not actions:
        scan.fail("this information set has no actions", "Give it one, or make the node an end (t)")
    scan.step()
    return tuple(actions), tuple(chances)


def _outcome(scan: Scanner, game: _Game) -> int:
    """The outcome at a node: none (0), a new one, or one met before."""
    start = scan.now.start
    number = scan.integer("the number of an outcome (0 for none)")
    label = scan.text("a label") if scan.now.kind == TEXT else None
    payoffs = _payoffs(scan, len(game.players)) if scan.now.kind == OPEN else None
    if number == 0:
        if payoffs is not None and any(payoffs):
            scan.fail("outcome 0 means none, yet it has payoffs", "Number outcomes from 1", start)
        return -1
    known = game.outcome_of.get(number)
    if known is None:
        if payoffs is None:
            remedy = "Give them where the outcome is first met, or correct the number"
            scan.fail(f"the payoffs of outcome {number} are not said before", remedy, start)
        game.outcome_of[number] = len(game.outcomes)
        game.outcomes.append(Outcome(number, label or "", payoffs))
        return len(game.outcomes) - 1
    before = game.outcomes[known]
    for what, new, old in (("label", label, before.label), ("payoffs", payoffs, before.payoffs)):
        if new is not None and new != old:
            problem = f"the {what} of outcome {number} differ from those where it was first met"
            scan.fail(problem, "Make them equal, leave them out here, or use another number", start)
    return known


def _payoffs(scan: Scanner, players: int) -> tuple[Fraction, ...]:
    """Payoffs in braces, one for each player."""
    start = scan.step().start
    found: list[Fraction] = []
    while scan.now.kind == NUMBER:
        found.append(scan.number("a payoff"))
        _comma(scan)
    if scan.now.kind != CLOSE:
        scan.expected("a payoff or '}'")
    if len(found) != players:
        scan.fail(f"{len(found)} payoffs for {players} players", "Give every player one", start)
    scan.step()
    return tuple(found)


def _comma(scan: Scanner) -> None:
    if scan.now.kind == COMMA:
        scan.step()


def write_efg(tree: Tree) -> str:
    """The game as the text of a Gambit file, which `read_efg` and Gambit read back to the same game.

    Args:
        tree: the game.

    Returns:
        One line for each node. Numbers are exact: whole, decimal where the decimal ends, else a fraction.
    """
    cache: dict[Any, str] = {}

    def number(exact: Fraction) -> str:
        if exact not in cache:
            cache[exact] = written(exact)
        return cache[exact]

    sets = []
    for each in tree.sets:
        if each.player == CHANCE:
            pairs = zip(each.actions, each.chances, strict=True)
            actions = " ".join(f"{quoted(action)} {number(chance)}" for action, chance in pairs)
            sets.append(f"{each.number} {quoted(each.label)} {{ {actions} }}")
        else:
            actions = " ".join(map(quoted, each.actions))
            sets.append(f"{each.player + 1} {each.number} {quoted(each.label)} {{ {actions} }}")
    outcomes = [
        f"{outcome.number} {quoted(outcome.label)} {{ {', '.join(map(number, outcome.payoffs))} }}"
        for outcome in tree.outcomes
    ]
    lines = [
        f"EFG 2 R {quoted(tree.title)} {{ {' '.join(map(quoted, tree.players))} }}",
        quoted(tree.comment),
        "",
    ]
    for node in tree.nodes:
        paid = outcomes[node.outcome] if node.outcome >= 0 else "0"
        label = quoted(node.label)
        if node.set < 0:
            lines.append(f"t {label} {paid}")
        else:
            kind = "c" if tree.sets[node.set].player == CHANCE else "p"
            lines.append(f"{kind} {label} {sets[node.set]} {paid}")
    return "\n".join(lines) + "\n"
