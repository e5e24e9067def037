"""Random games: every one solved to 1e-9 or flagged, and a sample of them against the exact tree.

`python -m benchmarks.random_games` solves 10,000 games, `--quick` 300, `--games N` any number; `--steps` says what
continuing the whole game in more steps does. A game is a crisis ladder of 1 to 4 periods; half have payoffs drawn at
each state and move on their own, uniform on 0 to 1 (*wild*), half those of a ladder with random costs (*ladder*).
Priors are uniform on 0.05 to 0.95, types correlated in half of the games (odds ratio log-normal), both precisions
log-uniform on 1 to 20. All are played on one form: a shorter game begins in a later period. Where a direct solve
flags a point, the whole game is continued in precision (`default_shares`).

Samples, one as drawn and one of games with flags, are solved on the tree (`game.tree.unroll`, `game.tree.branch`) and
on grids of 9, 17 and 33 nodes; an error is the largest difference of a chance of an ending, over the pairs of types, in
points (hundredths) at the prior.
"""

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import equinox as eqx
import jax

jax.config.update("jax_enable_x64", True)

import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
from benchmarks.measure import machine, say, table  # noqa: E402
from tests.known.gambit.game import form as ladder_form  # noqa: E402

from standoff.game import outcomes  # noqa: E402
from standoff.game.form import OUTCOMES, Form, Payoffs  # noqa: E402
from standoff.game.sweep import Solution, default_shares, solve  # noqa: E402
from standoff.game.tree.branch import solve as solve_tree  # noqa: E402
from standoff.game.tree.compose import outcome_chances  # noqa: E402
from standoff.game.tree.solved import Point  # noqa: E402
from standoff.game.tree.unroll import KINDS, Game, joint, unroll  # noqa: E402
from standoff.simulate.payoffs import joint_prior  # noqa: E402

MOST = 4
GAMES, QUICK, SAMPLE = 10_000, 300, 200
NODES = (9, 17, 33)
STEPS = (1, 2, 4, 8)
RESIDUAL = 1e-9
LARGE = 0.5
"""Error in points that is told game by game."""


@dataclass(frozen=True)
class Drawn:
    """A random game with its prior, and how many periods it has; `kind` is wild or ladder."""

    number: int
    kind: str
    periods: int
    payoffs: Payoffs
    prior: tuple[float, float]

    @property
    def start(self) -> int:
        """Index of the first state."""
        return shape().stages[0].states.index((MOST - self.periods, 0, 0))

    @property
    def rounds(self) -> int:
        """Rounds on the grid: the deadline is one of its own."""
        return self.periods + 1


def shape() -> Form:
    """The one form of all games."""
    return ladder_form(MOST)


def draw(number: int) -> Drawn:
    """A game by its number; the same in every run."""
    rng = np.random.default_rng([3, number])
    kind = ("wild", "ladder")[number % 2]
    moves, flow = _wild(rng) if kind == "wild" else _ladder(rng)
    p, q = rng.uniform(0.05, 0.95, 2)
    types = joint_prior(p, q, float(np.exp(rng.normal())) if number % 4 < 2 else 1.0)
    tilt = np.array([
        np.log(types[:, 1] / types[:, 0]) - np.log(q / (1 - q)),
        np.log(types[1] / types[0]) - np.log(p / (1 - p)),
    ])  # fmt: skip
    states = len(shape().nature_states)
    payoffs = Payoffs(
        tuple(map(jnp.asarray, moves)), jnp.asarray(flow), jnp.ones((states, 1)), jnp.zeros((states, 1)),
        jnp.zeros((2, 2)), jnp.zeros((2, 2, len(shape().stages[0].states))),
        jnp.asarray(np.exp(rng.uniform(0, np.log(20), 2))), jnp.asarray(tilt), jnp.asarray(1.0),
    )  # fmt: skip
    return Drawn(number, kind, int(rng.integers(1, MOST + 1)), payoffs, (float(p), float(q)))


def _wild(rng: np.random.Generator) -> tuple[list[np.ndarray], np.ndarray]:
    """Ends uniform on 0 to 1, what accrues on the way on -0.1 to 0.1."""
    moves = []
    for stage in shape().stages:
        pay = rng.uniform(0, 1, (2, 2, *stage.mask.shape))
        for m in stage.going:
            pay[..., m] = rng.uniform(-0.1, 0.1, pay.shape[:-1])
        moves.append(pay)
    return moves, rng.uniform(-0.1, 0.1, (2, 2, len(shape().nature_states)))


def _ladder(rng: np.random.Generator) -> tuple[list[np.ndarray], np.ndarray]:
    """Costs of backing down, of war and of punishment at random; the prize is 1."""
    first, second = shape().stages
    k = np.array([state[1] for state in first.states], float)
    moves = np.zeros((2, 2, len(k), 4))
    moves[0, ..., 0] = -(rng.uniform(0, 0.3) + rng.uniform(0, 0.4) * k)
    moves[1, ..., 0] = rng.uniform(0, 0.5)
    moves[0, ..., 1:3] = -rng.uniform(0, 0.1, 2)
    win, loss = np.minimum(rng.uniform(0.2, 0.6) + rng.uniform(0, 0.2) * k, 1), np.sort(rng.uniform(0.2, 1.2, 2))
    moves[0, ..., 3] = win - np.sort(rng.uniform(0, 1, 2))[::-1, None]
    moves[1, ..., 3] = -win * loss[:, None] - np.sort(rng.uniform(0, 0.8, 2))[::-1, None]
    answer = np.zeros((2, 2, len(second.states), 2))
    answer[0, ..., 0], answer[1, ..., 0] = 1.0, -loss[:, None]
    flow = np.zeros((2, 2, len(second.states)))
    rungs = np.array([state[1] for state in second.states], float)
    flow[1] = -np.sort(rng.uniform(0, 0.1, 2))[::-1, None] * (1 + rungs)
    return [moves, answer], flow


def flags(game: Drawn, found: Solution) -> tuple[int, int]:
    """Flagged points, and all points, where the game can come to (a round's period is in the state)."""
    marked = points = 0
    for stage, mark in zip(found.form.stages, map(np.asarray, found.flagged), strict=True):
        for n in range(min(len(mark), MOST + 1)):
            here = [s for s, state in enumerate(stage.states) if state[0] == MOST - game.periods + n]
            marked, points = marked + int(mark[n, here].sum()), points + mark[n, here].size
    return marked, points


def answer(game: Drawn, nodes: int, *, whole: bool = False) -> Solution:
    """The game on a grid."""
    shares = default_shares(game.payoffs) if whole else (1.0,)
    return solve(shape(), game.payoffs, rounds=game.rounds, nodes=nodes, shares=shares)


def survey(games: int) -> list[int]:
    """Solve them all on the coarsest grid and say what came out; the games with a flagged point."""
    start, rows = time.process_time(), []
    for number in range(games):
        game = draw(number)
        direct = answer(game, NODES[0])
        marked, points = flags(game, direct)
        whole = answer(game, NODES[0], whole=True) if marked else direct
        rows.append((
            game.kind == "wild", float(game.payoffs.precision.max()), direct.residual, direct.unsettled, marked,
            whole.residual, whole.unsettled, flags(game, whole)[0], points, not direct.ok, not whole.ok,
        ))  # fmt: skip
    say(f"{games:,} games on {NODES[0]} nodes, CPU s with drawing and compiling", f"{time.process_time() - start:.0f}")
    data = np.array(rows, float)
    head = ("games", "number", "direct: flagged", "of points", "unsettled", "worst residual",
            "whole game: flagged", "of points", "unsettled", "worst residual", "above 1e-9, status ok")  # fmt: skip
    groups: dict[str, Any] = {
        "all": np.ones(games, bool), "wild": data[:, 0] == 1, "ladder": data[:, 0] == 0,
        "precision at most 5": data[:, 1] <= 5, "5 to 10": (data[:, 1] > 5) & (data[:, 1] <= 10),
        "above 10": data[:, 1] > 10,
    }  # fmt: skip
    table(head, (_summary(name, data[rows]) for name, rows in groups.items() if rows.any()))
    return [int(number) for number in np.flatnonzero(data[:, 4] > 0)]


def _summary(name: str, data: np.ndarray) -> list[str]:
    points = data[:, 8].sum()
    silent = ((data[:, 2] > RESIDUAL) & (data[:, 9] == 0)).sum() + ((data[:, 5] > RESIDUAL) & (data[:, 10] == 0)).sum()
    return [
        name, f"{len(data)}", f"{(data[:, 4] > 0).mean():.1%}", f"{data[:, 4].sum() / points:.3%}",
        f"{int(data[:, 9].sum())}", f"{data[:, 2].max():.1e}", f"{(data[:, 7] > 0).mean():.1%}",
        f"{data[:, 7].sum() / points:.3%}", f"{int(data[:, 10].sum())}", f"{data[:, 5].max():.1e}", f"{int(silent)}",
    ]  # fmt: skip


def exact(game: Drawn) -> tuple[np.ndarray, int] | None:
    """Chances of `OUTCOMES` by pair of types from the tree, and the turning points of its branch; None if missed."""
    posed = Game(shape(), game.payoffs, game.prior, game.rounds, game.start)
    tree = unroll(shape(), game.payoffs, game.prior, game.rounds, start=game.start)
    point = solve_tree(tree, [tuple(float(x) for x in game.payoffs.precision)]).answers[0]
    if not isinstance(point, Point):
        return None
    names = [f"{c}/{t}" for c in KINDS[0] for t in KINDS[1]]
    found = np.zeros((4, len(OUTCOMES)))
    for label, chance in outcome_chances(tree, point.log_strategy).items():
        found[names.index(label.rsplit(" ", 1)[1]), OUTCOMES.index(label.split(" after ")[0])] += chance
    return found / joint(posed).reshape(4, 1), point.folds


def on_grid(game: Drawn, found: Solution) -> np.ndarray:
    """The same from the grid."""
    chances = outcomes.chances(found, game.payoffs)
    return np.asarray(outcomes.at_beliefs(chances, game.start, *game.prior))


@dataclass(frozen=True)
class Compared:
    """A game against the tree: turning points of its branch; by grid, errors (direct, whole) and points flagged."""

    game: Drawn
    folds: int
    direct: tuple[float, ...]
    whole: tuple[float, ...]
    flagged: tuple[int, ...]


def compare(number: int) -> Compared | None:
    """A game on every grid and on the tree; None where the tree has no answer. Unflagged ones are solved directly."""
    game = draw(number)
    truth = exact(game)
    if truth is None:
        return None
    direct, whole, marks = [], [], []
    for nodes in NODES:
        found = answer(game, nodes)
        marks.append(flags(game, found)[0])
        direct.append(100 * float(np.abs(on_grid(game, found) - truth[0]).max()))
        other = on_grid(game, answer(game, nodes, whole=True)) if marks[-1] else None
        whole.append(direct[-1] if other is None else 100 * float(np.abs(other - truth[0]).max()))
    return Compared(game, truth[1], tuple(direct), tuple(whole), tuple(marks))


def against_tree(title: str, numbers: Sequence[int]) -> None:
    """Print errors by flags and folds, and every game that is off on the finest grid."""
    every = [compare(number) for number in numbers]
    rows = [row for row in every if row is not None]
    print(f"\n{title}: {len(rows)} games; without an answer on the tree: {len(every) - len(rows)}")
    print(f"the tree's branch turns in {sum(row.folds > 0 for row in rows)} of them\n")
    cells = []
    for name, flagged, way in (
        ("unflagged", False, "direct"), ("flagged on some grid, direct", True, "direct"),
        ("flagged on some grid, whole game", True, "whole"),
    ):  # fmt: skip
        for turned in (False, True):
            members = [row for row in rows if any(row.flagged) == flagged and (row.folds > 0) == turned]
            if members:
                errors = np.array([getattr(row, way) for row in members])
                spread = [f"{np.median(e):.3f} / {np.quantile(e, 0.9):.3f} / {e.max():.2f}" for e in errors.T]
                cells.append([name + (", the branch turns" if turned else ""), str(len(members)), *spread])
    table(("error, points", "games", *(f"{n} nodes: median / 90% / worst" for n in NODES)), cells)
    for row in rows:
        if max(row.direct[-1], row.whole[-1]) > LARGE:
            sharp = ", ".join(f"{float(x):.1f}" for x in row.game.payoffs.precision)
            say(f"off at {NODES[-1]} nodes: game {row.game.number} ({row.game.kind}, {row.game.periods} periods, "
                f"precision {sharp})", f"direct {_list(row.direct)}; whole {_list(row.whole)}; flagged {row.flagged}; "
                f"turns {row.folds}")  # fmt: skip


def _list(errors: Sequence[float]) -> str:
    return ", ".join(f"{e:.2f}" for e in errors)


def by_steps(count: int, nodes: int = NODES[1]) -> None:
    """Wild games of the most periods against the tree, the whole game continued in so many steps of precision."""
    numbers = [n for n in range(0, 20 * count, 2) if draw(n).periods == MOST][:count]
    rows = []
    for precision in (10.0, 20.0):
        games = [draw(n) for n in numbers]
        games = [
            replace(g, payoffs=eqx.tree_at(lambda w: w.precision, g.payoffs, jnp.full(2, precision))) for g in games
        ]
        truths = [exact(game) for game in games]
        for steps in STEPS:
            shares = [(k + 1) / steps for k in range(steps)]
            errors, marked = [], 0
            for game, truth in zip(games, truths, strict=True):
                found = solve(shape(), game.payoffs, rounds=game.rounds, nodes=nodes, shares=shares)
                marked += flags(game, found)[0] > 0
                if truth is not None:
                    errors.append(100 * float(np.abs(on_grid(game, found) - truth[0]).max()))
            spread = f"{np.median(errors):.3f} / {np.quantile(errors, 0.9):.2f} / {max(errors):.2f}"
            rows.append([f"λ = {precision:g}, {steps}", spread, str(marked)])
    table(("steps", f"error at {nodes} nodes: median / 90% / worst", "games with a flag"), rows)


def main(*, games: int = GAMES, compared: int = SAMPLE) -> None:
    """Print everything."""
    say("machine", machine())
    flagged = survey(games)
    against_tree("a sample as drawn", range(compared))
    against_tree("games with a flagged point", flagged[: compared // 2])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} games, and 30 against the tree")
    parser.add_argument("--games", type=int, default=GAMES)
    parser.add_argument("--sample", type=int, default=SAMPLE)
    parser.add_argument("--steps", action="store_true", help="only 30 wild games, by steps of the continuation")
    given = parser.parse_args()
    if given.steps:
        by_steps(30)
        raise SystemExit
    main(games=QUICK if given.quick else given.games, compared=30 if given.quick else given.sample)
