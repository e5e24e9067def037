"""Games whose solution is known from elsewhere, for tests, documentation and benchmarks alike.

- `ladder`: a crisis ladder with two types a side and any number of periods. Made for this project; Gambit solved one
  and two periods of all variants (agent logit equilibria at ten precisions, compositions of views).
- `selten`: figure 2 of Selten (1975), and its reduced normal form, whose logit equilibria Gambit's manual prints.

The ladder: nature draws the types of both sides jointly; each sees its own. In every period the Coercer backs down,
holds or escalates, and unless it backed down the Target concedes or resists. After the last period the Coercer
strikes or backs down. With k escalations so far and p = win0 + win_rung k:

- backing down pays the Coercer −(a0 + a1 k + a2 k²), the Target R;
- conceding pays V and −L; striking p V − war_c and −p L − war_t;
- the Coercer pays for every hold and escalation as it makes it, the Target pun_base + pun_rung k for every period in
  which it resists;
- `scale` multiplies a side's payoffs at the end.
"""

import json
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from importlib.resources import files
from itertools import product
from typing import Any, Literal

from standoff.errors import UserError
from standoff.game.tree.build import Branch, Builder
from standoff.game.tree.efg import read_efg
from standoff.game.tree.tree import Tree

COERCER, TARGET = "Coercer", "Target"
MOVES = ("back down", "hold", "escalate")
ANSWERS = ("concede", "resist")
DEADLINE = ("strike", "back down")
MOST_PERIODS = 14
"""Most periods of a ladder: over 300,000 ends."""


@cache
def _ladders() -> dict[str, Any]:
    text = files("standoff.game.tree").joinpath("games/ladder.json").read_text(encoding="utf-8")
    data: dict[str, Any] = json.loads(text)
    return data


def variants() -> tuple[str, ...]:
    """Names of the ladder's variants: each changes one thing of `base` (costs of backing down, prior, war, scale)."""
    return tuple(_ladders()["variants"])


def ladder(variant: str, periods: int) -> Tree:
    """The crisis ladder, node by node, with exact payoffs.

    Information sets are called `C:type:history` and `T:type:history`; a history is `-` or moves such as `Hr` (hold,
    resisted) and `Er` (escalate, resisted), and a Target's ends with the move that it answers.

    Args:
        variant: one of `variants()`.
        periods: rounds before the deadline, 1 to 14. Ends grow as 20 × 2^periods.

    Returns:
        The same game as the reference file `<variant>_N<periods>.efg`, where there is one.

    Raises:
        UserError: no such variant, or too many or too few periods.
    """
    if variant not in variants():
        raise UserError(f"There is no ladder '{variant}'. Use one of: {', '.join(variants())}.")
    if not 1 <= periods <= MOST_PERIODS:
        raise UserError(f"A ladder has 1 to {MOST_PERIODS} periods, not {periods}. Use a belief grid for longer games.")
    numbers = _ladders()["variants"][variant]
    builder = Builder(f"crisis ladder, {variant}, {periods} period(s)", (COERCER, TARGET))
    types = _ladders()["form"]["types"]
    pairs = list(product(types[COERCER], types[TARGET]))
    nature = builder.chance(None, "types", {f"{c}/{t}": numbers["prior"][f"{c},{t}"] for c, t in pairs})
    for c, t in pairs:
        Rungs(builder, numbers, c, t, periods).grow(nature[f"{c}/{t}"])
    return builder.tree()


@dataclass(frozen=True)
class _State:
    """Where a pair of types stands at the start of a period: moves, escalations and costs so far."""

    branch: Branch
    period: int = 1
    past: str = ""
    moves: str = ""
    rung: int = 0
    spent: Fraction = Fraction(0)
    suffered: Fraction = Fraction(0)


class Rungs:
    """What follows one pair of types."""

    def __init__(self, builder: Builder, numbers: dict[str, Any], coercer: str, target: str, periods: int) -> None:
        own = {"L": target, "pun_base": target, "pun_rung": target, "war_t": target, "war_c": coercer}
        self._n = {
            name: Fraction(value[own[name]] if name in own else value)
            for name, value in numbers.items()
            if name not in ("prior", "scale")
        }
        self._scale = tuple(Fraction(numbers["scale"][side]) for side in ("coercer", "target"))
        self._builder, self._periods = builder, periods
        self._coercer, self._target = coercer, target

    def grow(self, root: Branch) -> None:
        """Add all periods below `root`."""
        todo = [_State(root)]
        while todo:
            state = todo.pop()
            if state.period > self._periods:
                self._deadline(state)
            else:
                todo.extend(self._period(state))

    def _period(self, at: _State) -> list[_State]:
        n, label = self._n, f"C:{self._coercer}:{at.past or '-'}"
        move = self._builder.move(at.branch, COERCER, label, MOVES)
        self._back_down(move[MOVES[0]], at)
        after = []
        for name, letter, cost in ((MOVES[1], "H", n["cost_hold"]), (MOVES[2], "E", n["cost_escalate"])):
            rung, spent, moves = at.rung + (letter == "E"), at.spent + cost, at.moves + letter
            answer = self._builder.move(move[name], TARGET, f"T:{self._target}:{at.past}{letter}", ANSWERS)
            self._end(answer[ANSWERS[0]], "concede", moves, n["V"] - spent, -n["L"] - at.suffered)
            suffered = at.suffered + n["pun_base"] + n["pun_rung"] * rung
            past = f"{at.past}{letter}r"
            after.append(_State(answer[ANSWERS[1]], at.period + 1, past, moves, rung, spent, suffered))
        return after

    def _deadline(self, at: _State) -> None:
        n = self._n
        move = self._builder.move(at.branch, COERCER, f"C:{self._coercer}:{at.past}", DEADLINE)
        win = n["win0"] + n["win_rung"] * at.rung
        coercer, target = win * n["V"] - n["war_c"] - at.spent, -win * n["L"] - n["war_t"] - at.suffered
        self._end(move[DEADLINE[0]], "strike", at.moves, coercer, target)
        self._back_down(move[DEADLINE[1]], at)

    def _back_down(self, branch: Branch, at: _State) -> None:
        n = self._n
        price = n["a0"] + n["a1"] * at.rung + n["a2"] * at.rung**2
        self._end(branch, "backdown", at.moves, -price - at.spent, n["R"] - at.suffered)

    def _end(self, branch: Branch, how: str, moves: str, coercer: Fraction, target: Fraction) -> None:
        label = f"{how} after {moves or '-'} {self._coercer}/{self._target}"
        self._builder.end(branch, label, (coercer * self._scale[0], target * self._scale[1]))


def selten(form: Literal["tree", "reduced"] = "tree") -> Tree:
    """Figure 2 of Selten (1975), Int. J. Game Theory 4:25-55.

    Player 1 stays out (1, 1) or goes in; player 2 stops (0, 2) or passes; player 1 gives (0, 3) or takes (2, 0).

    Args:
        form: `tree`, or `reduced`: player 1 chooses among out, in and give, in and take at once. The logit equilibria
            printed in Gambit's manual (gambit-logit) are those of the latter; as precision grows they tend to out, and
            stop and pass with chance one half each (McKelvey and Palfrey 1995).

    Returns:
        The game.
    """
    name = {"tree": "selten_1975_figure_2", "reduced": "selten_1975_reduced"}[form]
    return read_efg(files("standoff.game.tree").joinpath(f"games/{name}.efg").read_text(encoding="utf-8"))
