"""The quick benchmarks, one after the other: about four minutes on two free cores.

`make bench` runs this. Every module runs alone as well, most of them with more: `python -m benchmarks.grid`,
`random_games`, `interpolation`, `paths`, `trees`, `theory`, `gradient`, `cut`, `cases`, `posterior`, `equilibria`,
`estimate`, `monte_carlo`, `events`, `play`, `what_if`. Numbers compare only within
one run on one machine.
"""

import time
from collections.abc import Callable
from functools import partial

import jax

jax.config.update("jax_enable_x64", True)

from benchmarks import grid, interpolation, paths, random_games, trees  # noqa: E402

QUICK: dict[str, Callable[[], None]] = {
    "trees: the ladder by the tree solver, and by Gambit": trees.trees,
    "grid: the shipped case": partial(grid.main, quick=True),
    "paths: a world of two leaders and six factions": partial(paths.main, quick=True),
    "random games": partial(random_games.main, games=random_games.QUICK, compared=30),
    "interpolation: error by grid and precision": partial(interpolation.main, quick=True),
}


def main() -> None:
    """Print everything."""
    for title, work in QUICK.items():
        start = time.process_time()
        print(f"\n## {title}\n", flush=True)
        work()
        print(f"\n({time.process_time() - start:.0f} CPU s, compiling included)", flush=True)


if __name__ == "__main__":
    main()
