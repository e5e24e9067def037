"""What a grid costs in error: chances of endings against the exact tree, by size of the grid, precision and kind.

`python -m benchmarks.interpolation` prints the tables of `docs/accuracy.md` in Markdown, `--quick` a part of them. The
game is the crisis ladder of four periods (`game.tree.known.ladder`), in several variants; the truth is its agent logit
equilibrium by `game.tree.branch`. The two grids are

- *ours*: nodes evenly spaced in probability, 0 and 1 among them, monotone cubic between them;
- *log-odds*: nodes evenly spaced in log-odds, linear between them, constant beyond; of three widths the best is shown.

Both are solved by one loop (`benchmarks.loop`), which gives the answers of the library on our grid. An error is the
largest over the endings, in points (hundredths): *by types* over the four pairs of types, *at the prior* of their
mean. Orders of convergence are fitted to the grids that have an error above rounding. Needs numba (`make bench`).
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import equinox as eqx
import jax

jax.config.update("jax_enable_x64", True)

import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
from benchmarks import random_games  # noqa: E402
from benchmarks.measure import machine, say, table  # noqa: E402
from tests.known.gambit.game import firm, form, payoffs, prior  # noqa: E402

from standoff.game import outcomes, sweep  # noqa: E402
from standoff.game.form import OUTCOMES, Form, Payoffs  # noqa: E402
from standoff.game.tree.branch import solve as solve_tree  # noqa: E402
from standoff.game.tree.compose import outcome_chances  # noqa: E402
from standoff.game.tree.known import ladder  # noqa: E402
from standoff.game.tree.solved import Point  # noqa: E402

try:
    from benchmarks import loop
except ImportError:
    loop = None  # type: ignore[assignment]

PERIODS = 4
VARIANTS = ("base", "audience_high", "audience_convex", "war_costly", "prior_dovish")
NODES = (5, 9, 11, 17, 21, 41)
PRECISIONS = (1.0, 2.0, 5.0, 10.0, 20.0)
WIDTHS = (4.0, 6.0, 8.0)
QUICK = (("base", "audience_high"), (5, 9, 17))
NAMES = {"backdown": "back-down", "concede": "concession", "strike": "force"}
TYPES = ("weak/soft", "weak/stubborn", "resolute/soft", "resolute/stubborn")
ROUNDING = 1e-3
KINDS = ("ours", "log-odds")
WILD, WILD_PRECISIONS, WILD_NODES = 30, (5.0, 10.0, 20.0), (9, 17, 33)


def exact(variant: str) -> dict[float, tuple[np.ndarray, int]]:
    """By precision: chances of `OUTCOMES` by pair of types on the tree, and turning points of the branch."""
    tree = ladder(variant, PERIODS)
    found = {}
    for precision, point in zip(PRECISIONS, solve_tree(tree, PRECISIONS).answers, strict=True):
        if not isinstance(point, Point):
            raise RuntimeError(f"{variant} at {precision}: {point.status.value}")
        chances = np.zeros((4, len(OUTCOMES)))
        for label, chance in outcome_chances(tree, point.log_strategy).items():
            chances[TYPES.index(label.rsplit(" ", 1)[1]), OUTCOMES.index(NAMES[label.split(" ", 1)[0]])] += chance
        found[precision] = chances / prior(variant).reshape(4, 1), point.folds
    return found


def read_at(chances: np.ndarray, curve: "loop.Curve", p: float, q: float) -> np.ndarray:
    """Chances at a prior: by the grid's own interpolation in q, then in p."""
    if curve.smooth:
        return np.asarray(outcomes.at_beliefs(jnp.asarray(chances[:, :, None]), 0, p, q))
    at = np.log(curve.belief / (1 - curve.belief))
    cut = [min(max(np.log(x / (1 - x)), at[0]), at[-1]) for x in (p, q)]
    cells = [min(int(np.searchsorted(at, x, side="right")) - 1, len(at) - 2) for x in cut]
    t, u = ((x - at[c]) / (at[c + 1] - at[c]) for x, c in zip(cut, cells, strict=True))
    rows = chances[:, :, cells[0] : cells[0] + 2, cells[1] : cells[1] + 2]
    return (rows @ np.array([1 - u, u])) @ np.array([1 - t, t])


@dataclass(frozen=True)
class Posed:
    """A game with its beginning, and its truth: chances of `OUTCOMES` by pair of types."""

    form: Form
    payoffs: Payoffs
    rounds: int
    start: int
    prior: tuple[float, float]
    truth: np.ndarray


def on_grid(game: Posed, curve: "loop.Curve") -> tuple[np.ndarray, float]:
    """Chances of the endings by pair of types at the prior, and the share of flagged points."""
    found = loop.run(loop.pack_up(game.form, game.payoffs), game.rounds, curve)
    return read_at(loop.endings(found, curve)[:, :, game.start], curve, *game.prior), float(found.found.flagged.mean())


def both(game: Posed, nodes: int) -> dict[str, tuple[float, float, float]]:
    """By kind of grid: error by types, at the prior, and share flagged; of the log-odds grids the best."""
    found = {}
    weight = outcomes.joint(*game.prior, game.payoffs.tilt)
    kinds = {"ours": [loop.cubic(nodes)], "log-odds": [loop.log_odds(nodes, width) for width in WIDTHS]}
    for kind, curves in kinds.items():
        rows = []
        for curve in curves:
            chances, flagged = on_grid(game, curve)
            off = 100 * (chances - game.truth)
            rows.append((float(np.abs(off).max()), float(np.abs(weight @ off).max()), flagged))
        found[kind] = min(rows)
    return found


def posed(variant: str, precision: float, truth: np.ndarray) -> Posed:
    """A variant of the ladder at a precision."""
    return Posed(form(PERIODS), payoffs(variant, PERIODS, precision), PERIODS + 1, 0, firm(variant), truth)


def errors(variant: str, nodes: Sequence[int]) -> dict[tuple[str, float, int], tuple[float, float, float]]:
    """By kind of grid, precision and nodes: error by types, at the prior, and share flagged."""
    found = {}
    for precision, (truth, _) in exact(variant).items():
        for count in nodes:
            for kind, row in both(posed(variant, precision, truth), count).items():
                found[kind, precision, count] = row
    return found


def wild(games: int) -> None:
    """The same on random games of four periods, whose payoffs know no order: median, 90% and worst, by types."""
    numbers = [n for n in range(0, 20 * games, 2) if random_games.draw(n).periods == PERIODS][:games]
    rows = []
    for precision in WILD_PRECISIONS:
        found: dict[tuple[str, int], list[float]] = {(kind, n): [] for kind in KINDS for n in WILD_NODES}
        for number in numbers:
            game = random_games.draw(number)
            world = eqx.tree_at(lambda w: w.precision, game.payoffs, jnp.full(2, precision))
            game = replace(game, payoffs=world)
            truth = random_games.exact(game)
            if truth is None:
                continue
            here = Posed(random_games.shape(), world, game.rounds, game.start, game.prior, truth[0])
            for count in WILD_NODES:
                for kind, row in both(here, count).items():
                    found[kind, count].append(row[0])
        for kind in KINDS:
            cells = [found[kind, n] for n in WILD_NODES]
            rows.append([
                f"λ = {precision:g}, {kind}",
                *(f"{np.median(c):.3f} / {np.quantile(c, 0.9):.3f} / {max(c):.2f}" for c in cells),
            ])  # fmt: skip
    print(f"\n{len(numbers)} random games of {PERIODS} periods (`random_games`, wild), error by types, points of "
          "chance: median / 90% / worst\n")  # fmt: skip
    table(("grid", *(f"{n} nodes" for n in WILD_NODES)), rows)


def order(nodes: Sequence[int], errors: Sequence[float]) -> str:
    """Order of convergence: minus the slope of log error against log of the number of cells."""
    kept = [(n - 1, e) for n, e in zip(nodes, errors, strict=True) if e > ROUNDING]
    if len(kept) < 3:
        return "-"
    return f"{-np.polyfit(np.log([n for n, _ in kept]), np.log([e for _, e in kept]), 1)[0]:.1f}"


def show(found: dict[str, Any], nodes: Sequence[int]) -> None:
    """The tables: the worst variant by types and at the prior, then every variant on its own."""
    for which, title in enumerate(("by types", "at the prior")):
        print(f"\nLargest error over {len(found)} variants, {title}, points of chance\n")
        rows = []
        for precision in PRECISIONS:
            for kind in KINDS:
                worst = [max(each[kind, precision, n][which] for each in found.values()) for n in nodes]
                rows.append([f"λ = {precision:g}, {kind}", *(f"{e:.3f}" for e in worst), order(nodes, worst)])
        table(("grid", *(f"{n} nodes" for n in nodes), "order"), rows)
    print(
        "\nError by types of every variant, points of chance; share of flagged points in brackets where there are any\n"
    )
    rows = []
    for variant, each in found.items():
        for precision in PRECISIONS:
            for kind in KINDS:
                cells = [each[kind, precision, n] for n in nodes]
                text = [f"{c[0]:.3f}" + (f" ({c[2]:.1%})" if c[2] else "") for c in cells]
                rows.append([f"{variant}, λ = {precision:g}, {kind}", *text, order(nodes, [c[0] for c in cells])])
    table(("grid", *(f"{n} nodes" for n in nodes), "order"), rows)


def same_as_library(variant: str, precision: float, nodes: int) -> float:
    """Largest difference of a chance of an ending between the loop and the library."""
    world = payoffs(variant, PERIODS, precision)
    solution = sweep.solve(form(PERIODS), world, rounds=PERIODS + 1, nodes=nodes)
    ours = np.asarray(outcomes.at_beliefs(outcomes.chances(solution, world), 0, *firm(variant)))
    return float(np.abs(ours - on_grid(posed(variant, precision, ours), loop.cubic(nodes))[0]).max())


def main(*, quick: bool = False) -> None:
    """Print everything."""
    if loop is None:
        print("interpolation: numba is not here; `make bench` installs it")
        return
    variants, nodes = QUICK if quick else (VARIANTS, NODES)
    say("machine", machine())
    say(
        "loop against the library on our grid, largest difference of a chance", f"{same_as_library('base', 5.0, 9):.1e}"
    )
    turns = {v: [folds for _, folds in exact(v).values()] for v in variants}
    say("turning points of the tree's branch up to each precision", str(turns))
    show({variant: errors(variant, nodes) for variant in variants}, nodes)
    wild(8 if quick else WILD)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two variants, three grids")
    main(quick=parser.parse_args(sys.argv[1:]).quick)
