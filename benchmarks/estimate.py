"""Exact maximum likelihood of the signaling game: share of random starts that reach the best optimum, CPU, growth.

`python -m benchmarks.estimate [TABLE FORMULA]`: simulated games of the published designs, and a table of yours beside
them. Starts and growth are those of the highest maximum (`likely`); the default rule weighs maxima (`weighed`).
"""

import sys
from functools import partial
from pathlib import Path

import jax
import numpy as np
from benchmarks.measure import answered, exponent, machine, say, table, timed

STARTS = 50
TRUTH = np.array([1, -1.9, -2.9, 0.1, -1.2, 1])
DESIGNS = {"unique": (1, -1.8, -2.45, 0.1, -1.2, 1), "multiple": (1, -1.9, -2.9, 0.1, -1.2, 1)}
"""Crisman-Cox & Gibilisco: VA, barWA, barWB, barWB:x, bara, VB; S_A and C_B are 0."""


def simulated(design, games, plays, rng):  # noqa: ANN001, ANN201
    """A table of the published designs: x uniform; of several equilibria x decides which is played."""
    from scipy import special

    from standoff.estimate.equilibria import enumerate_all
    from standoff.estimate.formulas import Design
    from standoff.estimate.signaling import log_outcomes

    x, one, none = rng.random((games, 1)), np.ones((games, 1)), np.zeros((games, 0))
    blocks = (none, one, none, one, np.hstack([one, x]), one, one)
    names = (
        "VA:(Intercept)",
        "barWA:(Intercept)",
        "barWB:(Intercept)",
        "barWB:x",
        "bara:(Intercept)",
        "VB:(Intercept)",
    )
    empty = Design(names, blocks, np.zeros((games, 4)), np.arange(games))
    payoffs = empty.payoffs(np.array(DESIGNS[design], dtype=float))
    found = enumerate_all(payoffs)
    third = np.minimum((3 * x[:, 0]).astype(int), 2)
    root = np.where(
        found.count == 1, 0, np.where(third == 0, 0, np.where(third == 1, found.count // 2, found.count - 1))
    )
    chances = np.exp(np.asarray(jax.jit(log_outcomes)(payoffs, found.probit[np.arange(games), root])))
    assert np.isfinite(special.ndtr(found.probit[np.arange(games), root])).all()
    counts = np.array([rng.multinomial(plays, p / p.sum()) for p in chances], dtype=float)
    return Design(names, blocks, counts, np.arange(games))


def copies(design, times):  # noqa: ANN001, ANN201
    """A table again and again: the same optimum, with as many games as one likes."""
    from standoff.estimate.formulas import Design

    blocks = tuple(np.tile(block, (times, 1)) for block in design.blocks)
    counts = np.tile(design.counts, (times, 1))
    return Design(design.names, blocks, counts, np.arange(len(counts)))


def reached(design, start, seed):  # noqa: ANN001, ANN201
    """Log-likelihood that one start value alone reaches."""
    from standoff.errors import UserError
    from standoff.estimate.maximum import maximise

    try:
        return maximise(design, starts=start[None], shakes=0, seed=seed).value
    except UserError:
        return -np.inf


def main() -> None:
    """Print the share of starts that reach the best optimum, CPU and growth."""
    jax.config.update("jax_enable_x64", True)
    from standoff.estimate.climbing import NEAR
    from standoff.estimate.formulas import build, read_formulas
    from standoff.estimate.likelihood import Exact
    from standoff.estimate.maximum import maximise
    from standoff.estimate.table import read_table

    print(machine())
    rng = np.random.default_rng(6)
    designs = {f"{name}, 100 games x 50 plays": simulated(name, 100, 50, rng) for name in DESIGNS}
    if len(sys.argv) > 2:
        formulas = read_formulas(Path(sys.argv[2]))
        designs[f"{Path(sys.argv[1]).name}"] = build(read_table(sys.argv[1]), formulas)
    first = next(iter(designs.values()))
    say("First fit, with compilation", f"{timed(lambda: maximise(first))[1]:.1f} s of CPU")
    rows = []
    for name, design in designs.items():
        found, spent = answered(maximise, design)
        best = found.value
        weighed, longer = answered(partial(maximise, selection="weighed"), design)
        row = [name, f"{len(design.counts)}", f"{len(design.names)}", f"{best:.4f}", f"{spent:.2f}"]
        row += [f"{weighed.value:.4f}", f"{longer:.2f}"]
        for spread in (0.05, 1.0):
            draws = np.random.default_rng(7).normal(0, spread, (STARTS, len(design.names)))
            values, each = [], []
            for seed, draw in enumerate(draws):
                value, took = answered(reached, design, draw, seed)
                each.append(took)
                values.append(value)
            best = max([best, *values])
            row += [f"{np.mean(np.array(values) > best - NEAR):.0%}", f"{np.median(each):.2f}"]
        rows.append(row)
        print(row, flush=True)
    table(
        ("table", "games", "coefficients", "log-likelihood", "fit, CPU s",
         "log-likelihood, weighed", "fit, CPU s",
         "starts N(0, 0.05²) that reach it", "CPU s each",
         "starts N(0, 1) that reach it", "CPU s each"), rows,
    )  # fmt: skip
    sizes = (250, 500, 1000, 2000, 4000)
    one = simulated("multiple", 250, 50, np.random.default_rng(8))
    for what, work in (
        ("The likelihood with its derivatives", lambda d: [Exact(d.counts).terms(d.payoffs(TRUTH)) for _ in range(5)]),
        ("A fit from one start", partial(maximise, starts=1, shakes=0)),
    ):
        seconds = []
        for games in sizes:
            design = copies(one, games // 250)
            work(design)
            seconds.append(answered(work, design)[1])
            say(f"{what}, {games} games, CPU", f"{seconds[-1]:.2f} s")
        say("Grows with the number of games to the power", f"{exponent(sizes, seconds):.2f}")


if __name__ == "__main__":
    main()
