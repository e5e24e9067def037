"""Logit equilibria of the ladder with N periods: CPU seconds of this library, and of Gambit on the same files.

Run `python -m benchmarks.trees`; Gambit solves one and two periods, with `--gambit 3` three as well (half a minute of
CPU), with `--gambit 4` four (minutes). Gambit (`pygambit`, for this comparison only) runs in a process of its own, by
the interpreter that `GAMBIT_PYTHON` names or else by this one; without it the recorded figures of the reference stand
in its place and are marked so. Both get the same file and the same precisions; CPU seconds leave out starting Python
and reading the file. Numbers compare only within one run on one machine.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from standoff.game.tree.branch import solve
from standoff.game.tree.efg import write_efg
from standoff.game.tree.known import ladder
from standoff.game.tree.solved import Solved
from standoff.game.tree.tree import Tree

VARIANT = "base"
PRECISIONS = (0.5, 1.0, 3.0, 5.0, 10.0)
PERIODS = (1, 2, 3, 4, 6, 8, 10)
RECORDED = {1: 0.3, 2: 3.5, 3: 25.0, 4: 261.0}
"""CPU seconds of pygambit 16.7.0, from the reference (ten precisions up to 10 for N = 1 to 3; 25 to 31 for N = 3)."""
GAMBIT = """
import json, sys, time
try:
    import pygambit
except ImportError:
    sys.exit(3)
game = pygambit.read_efg(sys.argv[1])
start = time.process_time()
answers = pygambit.qre.logit_solve_lambda(game, lam=json.loads(sys.argv[2]))
seconds = time.process_time() - start
names = [(i.label, a.label) for p in game.players for i in p.infosets for a in i.actions]
chances = [[(*name, answer[k]) for k, name in enumerate(names)] for answer in answers]
print(json.dumps({"version": pygambit.__version__, "seconds": seconds, "chances": chances}))
"""


@dataclass(frozen=True)
class Peer:
    """Gambit's side: CPU seconds, largest difference of a chance from ours (None where recorded), its version."""

    seconds: float
    difference: float | None
    version: str


def ours(tree: Tree) -> tuple[float, float, Solved]:
    """CPU seconds of setup and of solving, medians, and the answers. All that comes after the tree and its layout."""
    _ = tree.layout
    start = time.process_time()
    answers = [solve(tree, PRECISIONS)]
    repeats = max(1, min(30, int(1.0 / max(time.process_time() - start, 1e-3))))
    answers += [solve(tree, PRECISIONS) for _ in range(repeats)]
    setup = statistics.median(answer.seconds_setup for answer in answers[1:])
    return setup, statistics.median(answer.seconds for answer in answers[1:]), answers[-1]


def gambit(tree: Tree, answer: Solved) -> Peer | None:
    """Gambit on the same game written as a file; None where it is not installed."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ladder.efg"
        path.write_text(write_efg(tree), encoding="utf-8")
        python = os.environ.get("GAMBIT_PYTHON", sys.executable)
        command = [python, "-c", GAMBIT, str(path), json.dumps(PRECISIONS)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 3:
        return None
    if done.returncode:
        raise RuntimeError(f"Gambit failed: {done.stderr.strip().splitlines()[-1]}")
    found = json.loads(done.stdout)
    away = max(
        abs(point.strategy[label][action] - chance)
        for point, chances in zip(answer.points, found["chances"], strict=True)
        for label, action, chance in chances
    )
    return Peer(found["seconds"], away, found["version"])


def peer(tree: Tree, periods: int, answer: Solved, most: int) -> Peer | None:
    """Gambit measured up to `most` periods, recorded for what takes it longer."""
    measured = gambit(tree, answer) if periods <= most else None
    if measured is None and periods in RECORDED:
        return Peer(RECORDED[periods], None, "recorded")
    return measured


def trees(most: int = 2) -> None:
    """Print the table; Gambit measured up to `most` periods."""
    threads = os.environ.get("OPENBLAS_NUM_THREADS", "default")
    print(f"ladder {VARIANT!r}, precisions {PRECISIONS}, OPENBLAS_NUM_THREADS {threads}; CPU seconds of all threads")
    print(
        f"{'N':>2} {'ends':>6} {'sets':>6} {'setup s':>9} {'solve s':>9} {'total s':>9} {'looks':>6} {'residual':>9}"
        f" {'Gambit s':>9} {'ratio':>8} {'largest difference':>19}"
    )
    for periods in PERIODS:
        tree = ladder(VARIANT, periods)
        setup, seconds, answer = ours(tree)
        residual = max(point.residual for point in answer.points)
        row = f"{periods:>2} {len(tree.layout.ends):>6} {len(tree.sets) - 1:>6} {setup:>9.4f} {seconds:>9.4f}"
        row += f" {setup + seconds:>9.4f} {answer.points[-1].looks:>6} {residual:>9.1e}"
        other = peer(tree, periods, answer, most)
        if other:
            away = other.version if other.difference is None else f"{other.difference:.1e}"
            row += f" {other.seconds:>9.3f} {other.seconds / (setup + seconds):>8,.0f} {away:>19}"
        print(row, flush=True)


if __name__ == "__main__":
    trees(int(sys.argv[2]) if sys.argv[1:2] == ["--gambit"] else 2)
