"""Public records: what everybody can read in the newspapers once a game is over.

A *public record* is the sequence of the players' moves from the root to the end, each as (player, action). Nature's
moves (types) and payoffs are not part of it: two ends with the same moves are one record. Records of several trees
are the same where these sequences are, whatever the nodes or information sets are called.

A record's *name* is short wherever it stays unique:

- a move is left out if it is the only one at its place after which the game goes on: that it went on says it;
- of the other moves before the last the initial is written, in capitals; then a colon and the last move in full,
  without spaces. For a crisis ladder: `:backdown`, `H:concede`, `HE:strike`;
- where two actions share an initial or two records a name, every move of every record is written out, as
  `Coercer hold, Target resist, Coercer strike`; with quotes where that leaves two alike (actions without a label).
"""

from collections.abc import Iterable, Sequence

from standoff.game.tree.tree import CHANCE, Tree

Move = tuple[str, str]
"""The name of a player and of an action."""
Record = tuple[Move, ...]
"""All moves of the players, from the root to an end."""


def histories(tree: Tree) -> list[Record]:
    """The public record of every end of a tree, in the order of `Layout.ends`, as the players' moves."""
    moves = [
        (tree.players[each.player], action) for each in tree.sets if each.player != CHANCE for action in each.actions
    ]
    return [tuple(moves[a] for a in path if a >= 0) for path in tree.layout.path.tolist()]


def names(records: Iterable[Record]) -> dict[Record, str]:
    """A name for every public record, unique among all of them.

    Args:
        records: those of every tree that is compared, so that names agree.

    Returns:
        Names by record, in the order of first mention.
    """
    each = list(dict.fromkeys(records))
    kept = _kept(each)
    short: dict[str, str] = {}
    for record, keep in zip(each, kept, strict=True):
        for (_, action), kept_here in zip(record[:-1], keep, strict=True):
            if kept_here:
                short.setdefault(action, action[:1].upper())
    brief = [_brief(record, keep, short) for record, keep in zip(each, kept, strict=True)]
    letters = list(short.values())
    if len(set(letters)) < len(letters) or "" in letters or len(set(brief)) < len(brief):
        brief = [", ".join(f"{player} {action}" for player, action in record) for record in each]
        if len(set(brief)) < len(brief):
            brief = [", ".join(f"{player!r} {action!r}" for player, action in record) for record in each]
    return dict(zip(each, brief, strict=True))


def _brief(record: Record, keep: Sequence[bool], short: dict[str, str]) -> str:
    past = "".join(short[action] for (_, action), kept in zip(record[:-1], keep, strict=True) if kept)
    last = record[-1][1].replace(" ", "") if record else ""
    return f"{past}:{last}"


def _kept(records: list[Record]) -> list[list[bool]]:
    """For every move but the last: does another move at the same place lead on as well?"""
    places: dict[tuple[int, Move], int] = {}
    onward: dict[int, set[Move]] = {}
    ways = []
    for record in records:
        at, way = 0, []
        for move in record[:-1]:
            way.append(at)
            onward.setdefault(at, set()).add(move)
            at = places.setdefault((at, move), len(places) + 1)
        ways.append(way)
    return [[len(onward[at]) > 1 for at in way] for way in ways]
