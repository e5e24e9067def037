"""Published results of crisis bargaining against the tree solver: a table of errors, as `docs/known-answers.md` has it.

`python -m benchmarks.theory` prints the table at the second refinement, `--fine` at the third (minutes), `--only
WORD` for one entry. Continuous types are cells, time is dates; at every refinement the number of both and the
precision (lambda, per unit of payoff) rise together. The regret is that of the published strategies in the same tree:
the largest gain from another action at one information set that they reach.

The numbers and the entries' names are those of `tests/known/theory/results.json`.
"""

import argparse
import time
from collections.abc import Callable
from typing import Any

from benchmarks import demands, waits
from benchmarks.refined import Measured, entry

ENTRIES: dict[str, Callable[[Any, int], Measured]] = {
    "fearon1995_ultimatum": demands.ultimatum,
    "two_type_ultimatum": demands.two_types,
    "fearon1995_preventive": demands.preventive,
    "fearon1994_audience_costs": waits.audience,
    "schultz_crisis_uniform": demands.crisis,
    "lewis_schultz_signaling": demands.signalling,
    "abreu_gul_reputation": waits.reputation,
    "war_of_attrition_private_values": waits.waiting,
    "kreps_wilson_reputation": waits.chain_store,
    "kydd_trust_reassurance": waits.trust,
}
MOST = {("fearon1994_audience_costs", 2): 0}
"""Cases that take many minutes beyond this refinement."""


def table(level: int, only: str) -> None:
    """Print every case of every entry."""
    print("| entry, case | quantity | published or closed form | solver | error | types and dates | lambda | regret |")
    print("|---|---|---|---|---|---|---|---|")
    for name, measure in ENTRIES.items():
        for number, case in enumerate(entry(name)["cases"] if only in name else []):
            start = time.process_time()
            made = measure(case["inputs"], min(level, MOST.get((name, number), level)))
            rates = made.precision if isinstance(made.precision, tuple) else (made.precision,)
            words = f"{made.size} | {', '.join(f'{rate:.4g}' for rate in rates)} | {made.regret:.1e}"
            for what, value in made.found.items():
                known = made.published[what]
                print(f"| {name}, {number + 1} | {what} | {known:.6g} | {value:.6g} | {value - known:+.1e} | {words} |")
            print(f"<!-- {name} {number + 1}: {time.process_time() - start:.1f} CPU s {made.status} -->", flush=True)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.theory", description=__doc__)
    parser.add_argument("--fine", action="store_true", help="third refinement: minutes")
    parser.add_argument("--coarse", action="store_true", help="first refinement")
    parser.add_argument("--only", default="", help="entries whose name contains this")
    options = parser.parse_args()
    table(2 if options.fine else 0 if options.coarse else 1, options.only)


if __name__ == "__main__":
    main()
