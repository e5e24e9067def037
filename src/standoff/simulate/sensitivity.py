"""Which numbers the endings hang on: Morris screening of all, then Sobol indices of those that matter.

Work is in quantiles: a point u of the unit cube sets every uncertain number x_i to the quantile u_i of its own
distribution, so that the case's distributions are what is varied. Numbers are those of the base and those by which the
views differ from it. Y is the chance of an ending, from crises with the same random numbers at every point.

Screening (Morris 1991; Campolongo, Cariboni & Saltelli 2007): along r trajectories each number is moved once, by
Delta, a share of the range of quantiles from 0.05 to 0.95, in four levels; of its elementary effects
d = [Y(u + Delta e_i) - Y(u)] / Delta

    mu = mean d,   mu* = mean |d|,   sigma = sd d,

in probability over that whole range. Numbers are ranked by mu*, of one ending or summed over all endings and halved.

Indices (Sobol 1993; Saltelli et al. 2010) of the first so many, the others at their medians:

    S1_i = V[E(Y | u_i)] / V[Y],   ST_i = E[V(Y | all but u_i)] / V[Y],

with intervals of 95% by bootstrap (SALib: Iwanaga, Usher & Herman 2022).
"""

import hashlib
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from standoff import __version__
from standoff.case.crisis import Case
from standoff.case.load import LoadedCase
from standoff.errors import UserError
from standoff.simulate.arms import Kept, Progress, arm, chances, each, status
from standoff.simulate.draws import numbers
from standoff.simulate.results import ENDINGS
from standoff.simulate.setup import SIDES, Plan, plan, share_form

SCHEMA = "standoff-sensitivity/1"
TRAJECTORIES, SAMPLES, MATTER, CRISES = 3, 32, 8, 300
QUICK = {"trajectories": 2, "samples": 16, "replications": 100}
LEVELS = 4
SCREEN, REFINE = (0.05, 0.95), (0.001, 0.999)
BATCH = 32
"""Points compiled together."""
SECONDS = {"solve": 0.15, "play": 0.04, "point": 0.1, "compile": 60.0}
"""CPU seconds of a solution, a play, the chains and computed numbers of a point, and of compiling (`docs/speed.md`)."""


@dataclass(frozen=True)
class Factor:
    """An uncertain number: its path (of a view's difference `views.VIEW.DIFFERENCE.PATH`) and whose it is."""

    path: str
    where: str


@dataclass(frozen=True)
class Cost:
    """What it takes: points, solutions at most, minutes on so many cores."""

    factors: int
    screening: int
    indices: int
    solutions: int
    minutes: float
    workers: int

    def __str__(self) -> str:
        return (
            f"{self.factors} uncertain numbers: {self.screening} points to screen them, {self.indices} for the "
            f"indices; at most {self.solutions} solutions, about {max(round(self.minutes), 1)} min on {self.workers} "
            "idle cores."
        )


AFTER = ("parameters.extra.", "world.cascade.", "world.priors.cascade.")
"""Numbers that move no ending: those kept for the record, and those of what follows."""


def factors(case: Case) -> list[Factor]:
    """Every uncertain number of the base and of the differences of the views."""
    found = [Factor(path, "base") for path, number in numbers(case).items()
             if number.shape != "value" and not path.startswith(AFTER)]  # fmt: skip
    for view in case.views:
        for difference in view.differences:
            for path, shift in difference.set.items():
                if shift.number.shape != "value":
                    found.append(Factor(f"views.{view.id}.{difference.id}.{path}", view.id))
    return found


def solutions(case: Case) -> int:
    """How many games a point takes, at most: each view's, and the base's where a side holds or may turn to it."""
    base = any(case.view_of(side) is None for side in SIDES)  # type: ignore[arg-type]
    return len(case.views) + (base or any(view.alternative == "base" for view in case.views))


def cost(case: Case, trajectories: int, samples: int, matter: int, workers: int) -> Cost:
    """What an analysis of these sizes takes, at most (solutions that a number does not touch are not computed)."""
    count = len(factors(case))
    screening, indices = trajectories * (count + 1), samples * (min(matter, count) + 2)
    each_point = solutions(case) * SECONDS["solve"] + SECONDS["play"] + SECONDS["point"]
    seconds = (screening + indices) * each_point / workers + SECONDS["compile"]
    return Cost(count, screening, indices, solutions(case) * (screening + indices), seconds / 60, workers)


def sensitivity(
    loaded: LoadedCase,
    *,
    trajectories: int = TRAJECTORIES,
    samples: int = SAMPLES,
    matter: int = MATTER,
    outcome: str | None = None,
    replications: int | None = None,
    seed: int = 1,
    workers: int = 2,
    progress: Progress = lambda stage, share: None,
    keep: Path | None = None,
) -> xr.Dataset:
    """Screen all uncertain numbers, then compute Sobol indices of those that matter most.

    Args:
        loaded: The case.
        trajectories: Morris trajectories; each takes one point more than there are numbers.
        samples: Base sample of the Sobol indices, a power of two; takes `samples` times `matter` + 2 points.
        matter: How many numbers go on to the indices.
        outcome: The ending by which numbers are ranked; by default all.
        replications: Crises at each point.
        seed: Of the designs and of the crises.
        workers: Batches at a time.
        progress: Told the stage and the share that is done.
        keep: A folder in which finished batches are kept, and looked for first.

    Returns:
        By factor (ranked) and ending: `mu`, `mu_star`, `mu_star_conf`, `sigma`, and `S1`, `ST` with `S1_conf`,
        `ST_conf` (not a number for the others, and where an ending's chance does not vary).
    """
    if samples & (samples - 1) or samples < 2:
        raise UserError(f"--samples {samples}: a power of two is needed, such as 64.")
    if outcome is not None and outcome not in ENDINGS:
        raise UserError(f"--outcome {outcome}: endings are {', '.join(ENDINGS)}.")
    case = loaded.case
    every = factors(case)
    if not every:
        raise UserError(f"{loaded.name}: no number of this case is uncertain. Write a distribution for some.")
    size = replications or CRISES
    names = [f.path for f in every]
    caches: list[Kept] = []

    def endings(names: Sequence[str], points: np.ndarray, stage: str, span: tuple[float, float]) -> np.ndarray:
        return _play(loaded, names, points, size, seed, workers, progress, stage, span, keep, caches)

    screening = trajectories * (len(every) + 1)
    share = 0.02 + 0.96 * screening / (screening + samples * (min(matter, len(every)) + 2))
    screened = screen(lambda u: endings(names, u, "screening", (0.02, share)), len(names), trajectories, seed)
    found, rank = ranked(screened, every, outcome)
    chosen = [names[i] for i in rank[: min(matter, len(names))]]
    refined = indices(lambda u: endings(chosen, u, "indices", (share, 0.99)), len(chosen), samples, seed)
    rows = np.arange(len(chosen))
    for name, values in refined.items():
        whole = np.full(found["mu"].shape, np.nan)
        whole[rows] = values
        found[name] = (("factor", "ending"), whole)
    return found.assign_attrs(
        schema=SCHEMA, case=case.crisis.id, title=case.crisis.title, digest=loaded.digest, version=__version__,
        seed=seed, replications=size, trajectories=trajectories, samples=samples, matter=len(chosen),
        outcome=outcome or "", points=trajectories * (len(names) + 1) + samples * (len(chosen) + 2),
        status=status(caches) if caches else "All points were there from before.",
    )  # fmt: skip


def ranked(
    screened: dict[str, np.ndarray], every: Sequence[Factor], outcome: str | None
) -> tuple[xr.Dataset, np.ndarray]:
    """The screening as a table, most important first, and the order of the factors in it."""
    by = screened["mu_star"]
    total = by[:, ENDINGS.index(outcome)] if outcome else by.sum(1) / 2
    rank = np.argsort(-total, kind="stable")
    unit = {"units": "probability per range of quantiles"}
    found = xr.Dataset(
        {name: (("factor", "ending"), values[rank], unit) for name, values in screened.items()}
        | {"rank_by": ("factor", total[rank], unit)},
        coords={
            "factor": np.array([every[i].path for i in rank], dtype=object),
            "where": ("factor", np.array([every[i].where for i in rank], dtype=object)),
            "ending": np.array(ENDINGS, dtype=object),
        },
    )
    return found, rank


def _problem(count: int, limits: tuple[float, float]) -> dict[str, Any]:
    return {"num_vars": count, "names": [str(i) for i in range(count)], "bounds": [list(limits)] * count}


def screen(
    model: Callable[[np.ndarray], np.ndarray], count: int, trajectories: int, seed: int
) -> dict[str, np.ndarray]:
    """Morris screening: `model` takes points (axes point, factor) to outputs (point, output); axes factor, output."""
    from SALib.analyze import morris as analysis
    from SALib.sample import morris as sample

    problem = _problem(count, SCREEN)
    points = sample.sample(problem, trajectories, num_levels=LEVELS, seed=seed)
    values = model(points)
    names = ("mu", "mu_star", "mu_star_conf", "sigma")
    found = {name: np.zeros((count, values.shape[1])) for name in names}
    for k in range(values.shape[1]):
        if np.ptp(values[:, k]) > 0:
            got = analysis.analyze(problem, points, values[:, k], num_levels=LEVELS, seed=seed)
            for name in names:
                found[name][:, k] = np.asarray(got[name], dtype=float)
    return found


def indices(model: Callable[[np.ndarray], np.ndarray], count: int, samples: int, seed: int) -> dict[str, np.ndarray]:
    """Sobol indices and half-widths of their intervals: axes factor, output; not a number where nothing varies."""
    from SALib.analyze import sobol as analysis
    from SALib.sample import sobol as sample

    problem = _problem(count, REFINE)
    points = sample.sample(problem, samples, calc_second_order=False, scramble=True, seed=seed)
    values = model(points)
    names = ("S1", "S1_conf", "ST", "ST_conf")
    found = {name: np.full((count, values.shape[1]), np.nan) for name in names}
    for k in range(values.shape[1]):
        if np.ptp(values[:, k]) > 0:
            with np.errstate(all="ignore"):
                got = analysis.analyze(problem, values[:, k], calc_second_order=False, seed=seed)
            for name in names:
                found[name][:, k] = np.asarray(got[name], dtype=float)
    return found


def _play(
    loaded: LoadedCase, names: Sequence[str], points: np.ndarray, size: int, seed: int, workers: int,
    progress: Progress, stage: str, span: tuple[float, float], keep: Path | None, caches: list[Kept],
) -> np.ndarray:  # fmt: skip
    """Chances of all endings at points (axes point, ending), in batches that share what is compiled."""
    count = len(points)
    padded = np.concatenate([points, np.repeat(points[-1:], -count % BATCH, axis=0)])
    about = f"{loaded.digest} {__version__} {stage} {seed} {size} {' '.join(names)}".encode()
    name = hashlib.sha256(about + np.ascontiguousarray(points).tobytes()).hexdigest()[:20]
    files = [keep / f"{name}-{b}.npy" if keep else None for b in range(len(padded) // BATCH)]
    found = {b: np.load(file) for b, file in enumerate(files) if file is not None and file.exists()}
    left = [b for b in range(len(files)) if b not in found]
    if left:
        progress(f"compiling the world's chains for {stage}", span[0])
        plans = [_plan(loaded.case, names, padded[b * BATCH : (b + 1) * BATCH], seed) for b in range(len(files))]
        plans[0].reach()
        begin = span[0] + 0.2 * (span[1] - span[0])
        with ThreadPoolExecutor(max_workers=max(workers, 1)) as pool:
            for k, _ in enumerate(pool.map(Plan.reach, plans[1:]), start=2):
                share = span[0] + (begin - span[0]) * k / len(plans)
                progress(f"compiling the world's chains for {stage} ({k} of {len(plans)})", share)
        share_form(plans)

        def work(batch: int) -> np.ndarray:
            kept = Kept(most=8, narrow=True)
            caches.append(kept)
            values = np.stack([_point(plans[batch], j, size, kept) for j in range(BATCH)])
            kept.clear()
            plans[batch]._sheets.clear()  # the arrays of a batch are large
            if (file := files[batch]) is not None:
                _save(file, values)
            return values

        done = each(left, work, workers=workers, progress=progress, stage=stage, span=(begin, span[1]))
        found |= dict(zip(left, done, strict=True))
    return np.concatenate([found[b] for b in range(len(files))])[:count]


def _plan(case: Case, names: Sequence[str], points: np.ndarray, seed: int) -> Plan:
    """The points of a batch as the draws of a plan."""
    at = {name: points[:, i] for i, name in enumerate(names)}
    return plan(case, seed=seed, count=len(points), quantiles=at)


def _point(made: Plan, draw: int, size: int, kept: Kept) -> np.ndarray:
    """Chances of all endings at a point, each side in its own view; random numbers are the same at every point."""
    one = arm(made, draw, kept)
    return chances(one.codes(one.play(one.paths(size, 0), 0), 0))


def _save(file: Path, values: np.ndarray) -> None:
    """Write a batch whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    work = file.with_suffix(f".{os.getpid()}.part")
    with work.open("wb") as stream:
        np.save(stream, values)
    work.replace(file)
