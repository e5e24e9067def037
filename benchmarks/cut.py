"""A case cut to its first rounds: how large the tree is, and how far the grid's strategies are from the tree's own.

Run `python -m benchmarks.cut`. The tables of docs/solver.md are what it prints. Both solvers play the same game, at the
precision of the view; the difference is the largest in any chance of a move, over the information sets that play
reaches in more than one of 100 games, and in brackets over all of them.
"""

import tempfile
from pathlib import Path

import jax

jax.config.update("jax_enable_x64", True)

from benchmarks.measure import table  # noqa: E402

from standoff.case.load import LoadedCase, load_case  # noqa: E402
from standoff.case.new import new_case  # noqa: E402
from standoff.game.sweep import solve  # noqa: E402
from standoff.game.tree.branch import solve as solve_tree  # noqa: E402
from standoff.game.tree.gridded import gridded  # noqa: E402
from standoff.game.tree.unroll import size  # noqa: E402
from standoff.simulate.centre import central, small  # noqa: E402

NODES = (9, 17, 33)
OFTEN = 0.01


def sizes(loaded: LoadedCase) -> list[str]:
    """Nodes of the tree of 1 to 4 rounds."""
    return [f"{size(central(loaded.case, rounds=n).game):,}" for n in range(1, 5)]


def differences(loaded: LoadedCase, view: str, rounds: int) -> list[str]:
    """Largest difference of a chance, by nodes, at sets often reached and at all."""
    game = central(loaded.case, view, rounds=rounds).game
    tree = small(loaded, view, rounds, scaled=True)
    point = solve_tree(tree, [1.0]).points[0]
    strategy, reached = point.strategy, point.reach
    row = []
    for nodes in NODES:
        found = gridded(game, solve(game.form, game.payoffs, rounds=rounds, nodes=nodes))
        apart = {
            label: max(abs(chance - strategy[label][move]) for move, chance in moves.items())
            for label, moves in found.items()
        }
        often = max(apart[label] for label in apart if reached[label] > OFTEN)
        row.append(f"{often:.1e} ({max(apart.values()):.1e})")
    return row


def main() -> None:
    """Print both tables."""
    shipped = load_case("venezuela-2025")
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "harbour"
        new_case(place)
        template = load_case(str(place))
        rows = [["the template (`standoff new`)", *sizes(template)], ["`venezuela-2025`", *sizes(shipped)]]
        table(["nodes of", *(f"{n} round{'s' * (n > 1)}" for n in range(1, 5))], rows)
        rows = [
            ["template, base, 2 rounds", *differences(template, "base", 2)],
            ["`venezuela-2025`, washington, 1 round", *differences(shipped, "washington", 1)],
            ["`venezuela-2025`, washington, 2 rounds", *differences(shipped, "washington", 2)],
        ]
    print()
    table(["game", *(f"{nodes} nodes" for nodes in NODES)], rows)


if __name__ == "__main__":
    main()
