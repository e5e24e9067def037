"""Exact maximum likelihood on the published designs: error, coverage, share converged, beside published estimators.

    python -m benchmarks.monte_carlo [--replications 20] [--keep FILE] [--published TABLE]

Tables of the two designs of Crisman-Cox & Gibilisco (2021, PSRM 9:782-801) are drawn anew, and fitted from the
library's own starts, which know nothing of the truth. Every fit goes to FILE, and the same command goes on from it.
TABLE is a CSV of theirs (columns dgp, games, obs_per_game, estimator, share_kept, rmse_multivariate).

Kept: a maximum was reached and no estimate is above 50 in size, as in the published table. RMSE: the root of the mean,
over what is kept, of the squared length of the error of all six coefficients, with a 95% interval over replications
(bootstrap). Coverage: share of 95% intervals, by inverse Hessian, that hold the truth. Equilibria are selected by
`weighed`, and with --all by `likely` too. With few plays the likelihood hardly speaks of some coefficients, so it is
fitted a second time with a normal prior of standard deviation 2 around 0, which was chosen before any result.
`weighed` was made after the results of `likely` were seen.
"""

import argparse
import csv
import json
from pathlib import Path

import jax
import numpy as np
from benchmarks.estimate import DESIGNS, simulated
from benchmarks.measure import answered, machine, table

CELLS = [
    (name, games, plays)
    for plays in (5, 25, 50, 100, 200)
    for games in (25, 50, 100, 200)
    for name in ("unique", "multiple")
]
FITS = {
    f"{selection}{', prior sd 2' if penalty else ''}": {"selection": selection, "penalty": penalty}
    for selection in ("weighed", "likely")
    for penalty in (None, 2.0)
}
MOST, KEPT, HALF = 50.0, 0.95, 0.5
"""Size of an estimate beyond which a fit is not kept; shares kept that count."""
SAMPLES = 4000
"""Bootstrap samples of the replications."""


def fit(design, how, truth):  # noqa: ANN001, ANN201
    """One fit: estimates, whether each interval holds the truth, converged, CPU seconds."""
    from standoff.errors import UserError
    from standoff.estimate.maximum import maximise

    try:
        found, spent = answered(lambda: maximise(design, **how))
    except UserError:
        return {"theta": None, "holds": None, "converged": False, "seconds": 0.0}
    with np.errstate(all="ignore"):
        se = np.sqrt(np.diag(np.linalg.pinv(-found.hessian)))
    holds = np.abs(found.theta - truth) < 1.959964 * se
    return {
        "theta": found.theta.tolist(), "holds": holds.tolist(), "converged": bool(found.converged), "seconds": spent
    }  # fmt: skip


def run(first, replications, keep, kinds):  # noqa: ANN001, ANN201
    """All fits, those of FILE first; whole rounds of cells, so that a run that is stopped has as many of each."""
    done = {}
    if keep and keep.exists():
        for line in keep.read_text().splitlines():
            one = json.loads(line)
            done[tuple(one["cell"]), one["replication"], one["fit"]] = one
    for replication in range(first, first + replications):
        for cell in CELLS:
            missing = [name for name in kinds if (cell, replication, name) not in done]
            if not missing:
                continue
            name, games, plays = cell
            seed = [games, plays, replication, list(DESIGNS).index(name)]
            design = simulated(name, games, plays, np.random.default_rng(seed))
            for kind in missing:
                found = fit(design, FITS[kind], np.array(DESIGNS[name]))
                one = {"cell": list(cell), "replication": replication, "fit": kind, **found}
                done[cell, replication, kind] = one
                if keep:
                    with keep.open("a") as file:
                        file.write(json.dumps(one) + "\n")
        print(f"replication {replication - first + 1} of {replications} done", flush=True)
    return list(done.values())


def summary(fits, truth):  # noqa: ANN001, ANN201
    """Number, share kept, RMSE with its interval, coverage, CPU seconds."""
    kept = [f for f in fits if f["converged"] and np.max(np.abs(f["theta"])) <= MOST]
    if not kept:
        return len(fits), 0.0, np.nan, (np.nan, np.nan), np.nan, np.nan
    squares = np.sum((np.array([f["theta"] for f in kept]) - truth) ** 2, axis=1)
    again = np.random.default_rng(1).choice(squares, (SAMPLES, len(squares)))
    return (
        len(fits), len(kept) / len(fits), float(np.sqrt(squares.mean())),
        tuple(np.quantile(np.sqrt(again.mean(axis=1)), (0.025, 0.975)).tolist()),
        float(np.mean([f["holds"] for f in kept])), float(np.median([f["seconds"] for f in fits])),
    )  # fmt: skip


def words(kept, rmse, interval, coverage):  # noqa: ANN001, ANN201
    """A fit in a cell of the table."""
    if not kept:
        return "none (0%)"
    return f"{rmse:.2f} [{interval[0]:.2f}, {interval[1]:.2f}] ({kept:.0%}), {coverage:.0%}"


def main() -> None:
    """Print a row for each design and size."""
    ask = argparse.ArgumentParser()
    ask.add_argument("--replications", type=int, default=20)
    ask.add_argument("--first", type=int, default=0, help="the first replication; several processes may share FILE")
    ask.add_argument("--keep", type=Path)
    ask.add_argument("--published", type=Path)
    ask.add_argument("--show", action="store_true", help="print what is kept, fit nothing")
    ask.add_argument("--all", action="store_true", help="select equilibria by `likely` too")
    given = ask.parse_args()
    jax.config.update("jax_enable_x64", True)
    published = {}
    if given.published:
        for row in csv.DictReader(given.published.open()):
            cell = row["dgp"], int(row["games"]), int(row["obs_per_game"])
            published.setdefault(cell, {})[row["estimator"]] = float(row["share_kept"]), float(row["rmse_multivariate"])
    print(machine())
    kinds = list(FITS) if given.all else [kind for kind in FITS if kind.startswith("weighed")]
    fits = run(given.first, 0 if given.show else given.replications, given.keep, kinds)
    rows, better, best, clearly, worse, seldom = [], 0, 0, 0, 0, 0
    for cell in sorted(CELLS):
        truth = np.array(DESIGNS[cell[0]])
        mine = [f for f in fits if tuple(f["cell"]) == cell]
        own = {kind: summary([f for f in mine if f["fit"] == kind], truth) for kind in kinds}
        row = [cell[0], str(cell[1]), str(cell[2]), str(own[kinds[0]][0])]
        row += [words(*one[1:5]) for one in own.values()]
        row += [f"{rmse:.2f} ({kept:.0%})" for kept, rmse in published.get(cell, {}).values()]
        rows.append(row)
        if cell in published:
            rmse, (low, high) = min(
                ((one[2], one[3]) for one in own.values() if one[1] >= KEPT), default=(np.inf, (np.nan, np.nan))
            )
            theirs = min(r for k, r in published[cell].values() if k >= HALF)
            better, clearly, worse = better + (rmse < theirs), clearly + (high < theirs), worse + (low > theirs)
            seldom += not np.isfinite(rmse)
            best += rmse < min(r for _, r in published[cell].values())
    names = list(next(iter(published.values()), {}))
    table(
        ("design", "games", "plays", "n", *(f"{kind}: RMSE [95%] (kept), coverage" for kind in kinds),
         *(f"{name}: RMSE (kept)" for name in names)), rows,
    )  # fmt: skip
    if published:
        print(
            f"In {better} of {len(rows)} cells a fit that is kept at least 95% of the time has a lower RMSE than every "
            f"published estimator that is kept at least half of it; in {best}, than every one, however seldom kept. In "
            f"{clearly} cells its 95% interval lies below the best of those that are kept half of the time, in {worse} "
            f"above; in {seldom} no fit is kept so often."
        )
    spent = [
        sum(f["seconds"] for f in fits if f["fit"] == kind) / sum(f["fit"] == kind for f in fits) for kind in kinds
    ]
    print("CPU seconds of a fit, mean:", ", ".join(f"{s:.1f} ({k})" for s, k in zip(spent, kinds, strict=True)))


if __name__ == "__main__":
    main()
