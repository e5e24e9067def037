"""Solved trees and hypergames as they are printed: plain mappings for scripts, a few lines for readers."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from standoff.case.explain import suggestion
from standoff.errors import UserError
from standoff.game.tree.branch import solve
from standoff.game.tree.compose import TRUE, Composition
from standoff.game.tree.efg import read_efg
from standoff.game.tree.hypergame import hypergame
from standoff.game.tree.solved import Missed, Point, Status
from standoff.game.tree.tree import CHANCE, set_names

PRECISIONS = (1.0, 2.0, 5.0, 10.0)
"""Solved where none is named; per unit of the file's payoffs."""
SETS = 12
"""Information sets of a strategy, and public records, that are printed unless all are asked for."""
ONE_POINT = "--precision NAME=L once for each player, or one number for all"


def is_game(path: str) -> bool:
    """Whether a name stands for a Gambit file rather than for a case."""
    if path.lower().endswith(".efg"):
        return True
    try:
        with Path(path).open("rb") as file:
            return file.read(4) == b"EFG "
    except (OSError, ValueError):
        return False


def precision(word: str) -> float:
    """A precision as typed.

    Raises:
        UserError: it is no finite number of at least 0.
    """
    try:
        value = float(word)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise UserError(f"--precision {word}: this is no precision. Give a number of at least 0.")
    return value


def by_player(words: Sequence[str], players: Sequence[str], option: str, need: str) -> tuple[dict[str, str], list[str]]:
    """Words such as `Coercer=3`, by player; and those without a player. Names may hold any sign but the first `=`.

    Raises:
        UserError: a name is no player's, comes twice, or a value is missing.
    """
    named: dict[str, str] = {}
    plain = []
    for word in words:
        name, sign, value = word.partition("=")
        if not sign:
            plain.append(word)
        elif name not in players:
            raise UserError(f"{option} {word}: the game has no player '{name}'. {suggestion(name, players)}")
        elif name in named:
            raise UserError(f"{option} {word}: {name} has one already. Give {need}.")
        elif not value:
            raise UserError(f"{option} {word}: nothing stands behind the '='. Give {need}.")
        else:
            named[name] = value
    return named, plain


def points(words: Sequence[str], players: Sequence[str]) -> list[float | dict[str, float]]:
    """The precisions to solve at: every number is a point for all players, the named ones together are one more.

    Raises:
        UserError: a word is no precision, or a player is left out.
    """
    named, plain = by_player(words, players, "--precision", ONE_POINT)
    found: list[float | dict[str, float]] = [precision(word) for word in plain]
    if named:
        missing = [player for player in players if player not in named]
        if missing:
            raise UserError(f"--precision: {missing[0]} has none. Give {ONE_POINT}.")
        found.append({player: precision(named[player]) for player in players})
    return found or list(PRECISIONS)


class SolvedFile:
    """A Gambit file, solved at a list of precisions."""

    def __init__(self, path: str, words: Sequence[str]) -> None:
        self.tree = read_efg(Path(path))
        self.asked = points(words, self.tree.players)
        try:
            self.answers = solve(self.tree, self.asked).answers
        except UserError as error:
            raise UserError(f"{path}: {error}") from error

    @property
    def failed(self) -> list[str]:
        """What to say of the points without an answer."""
        pairs = zip(self.asked, self.answers, strict=True)
        return [f"{_said(asked)}: {a.status.value}" for asked, a in pairs if isinstance(a, Missed)]

    def as_dict(self) -> dict[str, Any]:
        """For scripts; every set by its name."""
        pairs = zip(self.asked, self.answers, strict=True)
        return {"solutions": [self._solution(asked, answer) for asked, answer in pairs]}

    def _solution(self, asked: float | dict[str, float], answer: Point | Missed) -> dict[str, Any]:
        found: dict[str, Any] = {"precision": asked}
        if isinstance(answer, Missed):
            found |= dict.fromkeys(("strategy", "reach", "payoffs", "residual", "regret"))
        else:
            found |= {
                "strategy": answer.strategy,
                "reach": answer.reach,
                "payoffs": dict(zip(self.tree.players, answer.payoffs.tolist(), strict=True)),
                "residual": answer.residual,
                "regret": answer.regret,
            }
        return found | {"folds": answer.folds, "status": _status(answer.status)}

    def lines(self, *, whole: bool = False) -> list[str]:
        """For readers; of a long strategy the sets that are reached most, unless `whole`."""
        own = [name for name, each in zip(set_names(self.tree), self.tree.sets, strict=True) if each.player != CHANCE]
        found = [f"{self.tree.title}: {len(self.tree.nodes):,} nodes, {len(own):,} information sets"]
        for asked, answer in zip(self.asked, self.answers, strict=True):
            found += ["", f"{_said(asked)}: {_status(answer.status)}"]
            if isinstance(answer, Missed):
                continue
            paid = ", ".join(f"{n} {u:.4f}" for n, u in zip(self.tree.players, answer.payoffs, strict=True))
            found.append(f"  payoffs: {paid}")
            found.append(f"  residual {answer.residual:.1e}, largest regret {answer.regret:.2g}, folds {answer.folds}")
            most = set(own if whole else sorted(own, key=lambda name: -answer.reach[name])[:SETS])
            shown = [name for name in own if name in most]
            width = max(len("information set"), *map(len, shown), 0)
            found.append(f"  {'information set':<{width}}  reached  chances")
            for name in shown:
                row = ", ".join(f"{action} {chance:.4f}" for action, chance in answer.strategy[name].items())
                found.append(f"  {name:<{width}}  {answer.reach[name]:7.4f}  {row}")
        if not whole and len(own) > SETS:
            found += ["", f"The {SETS} of {len(own):,} information sets that are reached most; --all shows every one, "
                      "--json gives every digit."]  # fmt: skip
        return found


def _status(status: Status) -> str:
    """`ok`, or the kind of trouble and what to do about it."""
    return "ok" if status is Status.ok else f"{status.name}: {status.value}"


def _said(asked: float | dict[str, float]) -> str:
    if isinstance(asked, dict):
        return "precision " + ", ".join(f"{name} {value:g}" for name, value in asked.items())
    return f"precision {asked:g}"


class Met:
    """A hypergame: files, precisions, and what happens."""

    def __init__(self, truth: str, views: Sequence[str], words: Sequence[str]) -> None:
        tree = read_efg(Path(truth))
        need = "--view NAME=FILE once for each player"
        files, plain = by_player(views, tree.players, "--view", need)
        missing = [player for player in tree.players if player not in files]
        if plain:
            raise UserError(f"--view {plain[0]}: whose view is it? Give {need}.")
        if missing:
            raise UserError(f"--view: {missing[0]} has none. Give {need}.")
        named, plain = by_player(words, tree.players, "--precision", ONE_POINT)
        if len(plain) > 1 or (plain and named) or not (plain or named):
            raise UserError(f"--precision: each player's view is solved at one. Give {ONE_POINT}.")
        missing = [player for player in tree.players if player not in named]
        if named and missing:
            raise UserError(f"--precision: {missing[0]} has none. Give {ONE_POINT}.")
        self.precision = {player: precision(named.get(player, *plain)) for player in tree.players}
        known = {file: read_efg(Path(file)) for file in dict.fromkeys(files.values())}
        try:
            self.met: Composition = hypergame(tree, {name: known[f] for name, f in files.items()}, self.precision)
        except UserError as error:
            where = ", ".join(f"{name}'s view {file}" for name, file in files.items())
            raise UserError(f"{error} (True game {truth}; {where}.)") from error

    def as_dict(self) -> dict[str, Any]:
        """For scripts. An infinite divergence (he holds impossible what can happen) is null."""
        met = self.met
        return {
            "payoffs": met.payoffs,
            "expected_payoffs": {player: row[player] for player, row in met.expected_payoffs.items()},
            "records": met.records,
            "divergence": {name: kl if math.isfinite(kl) else None for name, kl in met.divergence.items()},
        }

    def lines(self, *, whole: bool = False) -> list[str]:
        """For readers; the likeliest records only, unless `whole`."""
        met, rows = self.met, sorted(self.met.records.items(), key=lambda row: -row[1][TRUE])
        width = max(len("public record"), *(len(name) for name in met.players))
        found = [f"{'':<{width}}  precision  gets     expected  divergence (nats)"]
        for name in met.players:
            found.append(
                f"{name:<{width}}  {self.precision[name]:9g}  {met.payoffs[name]:7.4f}  "
                f"{met.expected_payoffs[name][name]:8.4f}  {met.divergence[name]:.4f}"
            )
        shown = rows if whole else rows[:SETS]
        width = max(len("public record"), *(len(name) for name, _ in shown))
        heads = [f"{name} expects" for name in met.players]
        found += ["", f"{'public record':<{width}}  in truth  " + "  ".join(heads)]
        for name, row in shown:
            cells = "  ".join(f"{row[p]:{len(h)}.4f}" for p, h in zip(met.players, heads, strict=True))
            found.append(f"{name:<{width}}  {row[TRUE]:8.4f}  {cells}")
        if len(shown) < len(rows):
            found += ["", f"The {len(shown)} likeliest of {len(rows):,} public records; "
                      "--all shows every one, --json gives every digit."]  # fmt: skip
        return found
