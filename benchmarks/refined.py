"""An entry of the published results at one refinement, and what all entries share."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

from standoff.game.tree.branch import solve
from standoff.game.tree.regret import chances, judge
from standoff.game.tree.solved import Point
from standoff.game.tree.tree import Tree

RESULTS = Path(__file__).parents[1] / "tests" / "known" / "theory" / "results.json"

Numbers = dict[str, float]
Strategy = dict[str, dict[str, float]]


@dataclass(frozen=True)
class Measured:
    """An entry's case at one refinement."""

    size: str
    precision: float | tuple[float, ...]
    found: Numbers
    published: Numbers
    regret: float
    """Of the published strategies in this tree."""
    status: str
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def errors(self) -> Numbers:
        """Solver less published, without sign."""
        return {name: abs(value - self.published[name]) for name, value in self.found.items()}


def entry(name: str) -> dict[str, Any]:
    """An entry of the reference by its name."""
    data: list[dict[str, Any]] = json.loads(RESULTS.read_text(encoding="utf-8"))["results"]
    return next(each for each in data if each["id"] == name)


def answered(tree: Tree, precision: float | tuple[float, ...]) -> Point:
    """The solver's point, which must exist and solve the equations."""
    answer = solve(tree, [precision]).answers[0]
    if not isinstance(answer, Point):
        raise RuntimeError(f"{tree.title}: {answer.status.value}")
    return answer


def published_regret(tree: Tree, strategy: Strategy) -> float:
    """Largest one-shot gain against the published strategies."""
    return judge(tree, chances(tree, strategy)).regret


def measured(
    size: str,
    precision: float | tuple[float, ...],
    found: Numbers,
    published: Numbers,
    strategy: Strategy,
    point: Point,
    more: dict[str, Any] | None = None,
) -> Measured:
    """What is found beside what is published; `strategy` is the published one in the tree of `point`."""
    regret = published_regret(point.tree, strategy)
    return Measured(size, precision, found, published, regret, point.status.name, more or {})


def switch(after: Callable[[Fraction], bool], low: Fraction, high: Fraction, halvings: int = 14) -> float:
    """Where a property sets in, to 2^-halvings of the interval."""
    for _ in range(halvings):
        middle = (low + high) / 2
        low, high = (low, middle) if after(middle) else (middle, high)
    return float((low + high) / 2)


def edge(after: Callable[[float], bool], halvings: int = 40) -> float:
    """Where a property sets in between 0 and 1; 1 if it does not."""
    low, high = 0.0, 1.0
    for _ in range(halvings):
        middle = (low + high) / 2
        low, high = (low, middle) if after(middle) else (middle, high)
    return high


def hazards(gone: list[float]) -> list[float]:
    """Chance to give way at each date for one who does by the last, from the chances to have done so."""
    share = [each / gone[-1] for each in gone]
    return [share[0]] + [(b - a) / (1 - a) for a, b in pairwise(share)]
