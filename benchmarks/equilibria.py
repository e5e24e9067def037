"""Every equilibrium of random signaling games against a search by other means: roots lost, roots invented, time.

`python -m benchmarks.equilibria [GAMES]` (100,000 in all by default).
"""

import sys

import jax
import numpy as np
from benchmarks.measure import answered, exponent, machine, say, table, timed, typical


def main() -> None:
    """Print the comparison, and the time that all equilibria take."""
    jax.config.update("jax_enable_x64", True)
    from tests.signaling_scan import families, scan

    from standoff.estimate.equilibria import enumerate_all

    total = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    print(machine())
    drawn = families(np.random.default_rng(20260), total // 8)
    say(
        "First call, with compilation",
        f"{timed(lambda: [enumerate_all(p[:n]) for p in drawn.values() for n in (1, 300)])[1]:.1f} s of CPU",
    )
    rows, sums = [], np.zeros(6, dtype=int)
    for name, payoffs in drawn.items():
        found, spent = answered(enumerate_all, payoffs)
        counted = np.zeros(len(payoffs), dtype=int)
        doubt = np.zeros(len(payoffs), dtype=bool)
        check = 0.0
        for start in range(0, len(payoffs), 2000):
            part = slice(start, start + 2000)
            (counted[part], doubt[part]), spent_here = answered(scan, payoffs[part])
            check += spent_here
        edge = found.on_edge.any(axis=1)
        lost = (found.count < counted) & ~doubt & ~edge
        invented = (found.count > counted) & ~doubt & ~edge
        off = np.flatnonzero(lost | invented)
        for game in off[:5]:
            print(
                "   disagree:",
                payoffs[game].tolist(),
                found.count[game],
                counted[game],
                found.probit[game],
                found.slope[game],
            )
        numbers = [
            len(payoffs),
            int((found.count > 1).sum()),
            int(lost.sum()),
            int(invented.sum()),
            int((doubt & ~edge).sum()),
            int(edge.sum()),
        ]
        sums += numbers
        rows.append((name, *(f"{x:,}" for x in numbers), f"{spent:.2f}", f"{check:.0f}"))
    rows.append(("all", *(f"{x:,}" for x in sums), "", ""))
    table(
        (
            "games",
            "number",
            "several",
            "roots lost",
            "roots invented",
            "in doubt to the check",
            "on the edge",
            "CPU s",
            "check, CPU s",
        ),
        rows,
    )
    sizes = (250, 1000, 4000, 16000)
    payoffs = drawn["around the published design"]
    many = np.tile(payoffs, (1 + sizes[-1] // len(payoffs), 1))
    seconds = [typical(lambda n=n: enumerate_all(many[:n]), 3)[1] for n in sizes]
    for n, spent in zip(sizes, seconds, strict=True):
        say(f"All equilibria of {n} games, CPU", f"{1000 * spent:.1f} ms")
    say("They grow with the number of games to the power", f"{exponent(sizes, seconds):.2f}")


if __name__ == "__main__":
    main()
