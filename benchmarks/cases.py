"""The shipped cases side by side, on their own numbers and on one set of generic priors: `python -m benchmarks.cases`.

Of each case: the chances of the endings with each side in its own view, with both in the base view, and with types
known, and what happened. With `generic`, the numbers of the game are the library's priors in every case alike, so that
what differs is what is known of each crisis: its ladder, terms, views, world. Nothing is fitted to how they ended.
"""

import argparse
import json
from pathlib import Path

import jax

jax.config.update("jax_enable_x64", True)

import numpy as np  # noqa: E402

from standoff.case.crisis import Case  # noqa: E402
from standoff.case.generic import on_generic_numbers  # noqa: E402
from standoff.case.load import load_case, shipped_cases  # noqa: E402
from standoff.simulate import engine, ensemble  # noqa: E402
from standoff.simulate.ending import ENDING_TITLES, ENDINGS  # noqa: E402
from standoff.simulate.setup import plan  # noqa: E402

SCENARIOS = tuple(one for one in ensemble.SCENARIOS if one.id in ("views", "base", "known"))
HEADS = {"views": "own views", "base": "base view", "known": "types known"}


def chances(case: Case, draws: int, replications: int) -> dict[str, np.ndarray]:
    """Chance of every ending by scenario: axes draw, ending."""
    made = plan(case, seed=1, count=draws)
    job = ensemble.Job(replications, SCENARIOS)
    found = engine.run(made, job, list(range(draws)))
    return {
        one.id: np.array([[(r.ended[one.id]["ending"] == k).mean() for k in range(len(ENDINGS))] for r in found])
        for one in SCENARIOS
    }


def happened(case: Case) -> str:
    """How the crisis ended, by its last event with an ending."""
    ends = [event for event in case.events if event.ends is not None]
    return f"{ends[-1].ends}, {ends[-1].mode}" if ends and ends[-1].mode else str(ends[-1].ends if ends else "?")


def _cell(row: np.ndarray) -> str:
    return f"{row.mean():.0%} ±{200 * row.std(ddof=1) / np.sqrt(len(row)):.0f}"


def main(draws: int = 16, replications: int = 300) -> dict[str, dict[str, dict[str, float]]]:
    """Print a table for every case, on its own numbers and on generic ones."""
    told: dict[str, dict[str, dict[str, float]]] = {}
    for name in shipped_cases():
        case = load_case(name).case
        for label, one in (("own numbers", case), ("generic priors", on_generic_numbers(case))):
            found = chances(one, draws, replications)
            print(f"\n{case.crisis.title} [{label}]; it ended in: {happened(case)}")
            print(f"{'':<28}" + "".join(f"{HEADS[s]:>18}" for s in found))
            for k, ending in enumerate(ENDINGS):
                cells = [_cell(row[:, k]) for row in found.values()]
                print(f"  {ENDING_TITLES[ending]:<26}" + "".join(f"{cell:>18}" for cell in cells), flush=True)
            told[f"{name}, {label}"] = {
                s: {ending: float(row[:, k].mean()) for k, ending in enumerate(ENDINGS)} for s, row in found.items()
            }
    print(f"\n{draws} draws of the numbers x {replications} crises; ± two standard errors over the draws, points.")
    return told


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=16)
    parser.add_argument("--replications", type=int, default=300)
    parser.add_argument("--json", type=Path, help="also write the chances there")
    asked = parser.parse_args()
    table = main(asked.draws, asked.replications)
    if asked.json:
        asked.json.write_text(json.dumps(table, indent=2) + "\n", encoding="utf-8")
