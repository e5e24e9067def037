"""The model's own forecasts: how the crisis ends, as of a day, from what was public by then.

As of a day the case is cut down to what could be known (`case.asof`). The numbers are inferred from the record up to
that day, and crises are played on from where it stops, each telling and pair of types weighted by its likelihood
(`infer.likelihood.onwards`). Days on which the case holds the same numbers, terms and views share their draws.

Under the priors `case` the numbers are the case's own, which were written with hindsight; under `generic` those of
the game and of the world's modules are the library's, without any case in view.
"""

import datetime as dt
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from standoff import __version__
from standoff.case.asof import as_of
from standoff.case.crisis import Case
from standoff.case.generic import on_generic_numbers
from standoff.case.load import LoadedCase
from standoff.errors import Failure, UserError
from standoff.infer import diagnose
from standoff.infer.evaluate import Evaluator, status_of
from standoff.infer.evidence import Evidence
from standoff.infer.likelihood import VIEWS, Group
from standoff.infer.parameters import Parameter, parameters, uncertain
from standoff.infer.sampler import DIGITS, Bank, sample
from standoff.infer.summary import ahead
from standoff.simulate.ending import ENDINGS

SCHEMA = "standoff-forecast/1"
PRIORS = ("generic", "case")
DRAWS, TELLINGS, NODES = 192, 256, 7
QUICK = {"draws": 64, "tellings": 64}
EVIDENCE = ("events", "claims", "documents", "origins", "questions", "forecasts")
"""Parts of a case that are records, not numbers of the game."""
WORDS = (
    "because", "judgement", "unit", "public_from", "title", "note", "summary", "demand", "description", "inference",
    "extra",
)  # fmt: skip
"""What moves no number of a model."""
Progress = Callable[[str, float], None]


def days(case: Case, every: str, first: dt.date | None = None, last: dt.date | None = None) -> list[dt.date]:
    """Days of a sequence of forecasts: after every `week` or `round`, until the day before the crisis ended."""
    step = {"week": 7, "round": case.crisis.round_days}.get(every)
    if step is None:
        raise UserError(f"--every {every}: write week or round.")
    ends = [event.date.on for event in case.events if event.ends is not None and event.date.on is not None]
    stop = min([last or case.crisis.ends, *(day - dt.timedelta(days=1) for day in ends)])
    start = first or case.crisis.starts + dt.timedelta(days=step - 1)
    found = [start + dt.timedelta(days=step * k) for k in range(max((stop - start).days // step + 1, 0))]
    return found if found and found[-1] == stop else [*found, *([stop] if stop > start else [])]


def forecast(
    loaded: LoadedCase,
    when: Sequence[dt.date],
    *,
    priors: Sequence[str] = PRIORS,
    over: Sequence[str] | None = None,
    draws: int = DRAWS,
    tellings: int = TELLINGS,
    nodes: int = NODES,
    seed: int = 1,
    workers: int = 2,
    progress: Progress = lambda stage, share: None,
    keep: Path | None = None,
) -> xr.Dataset:
    """Chances of the endings as of some days.

    Args:
        loaded: The case.
        when: As of the end of which days.
        priors: `case`, `generic` or both.
        over: Numbers that are inferred; by default the case's list.
        draws: Draws of the numbers.
        tellings: Draws of what may have happened, for each day; crises are played on from each.
        nodes: Nodes of the belief grid on each axis.
        seed: Of everything.
        workers: Draws at a time.
        progress: Told the stage and the share that is done.
        keep: A folder in which finished batches are kept, and looked for first.

    Returns:
        `chance[priors, as_of, by, ending]`: chance that the crisis is over with an ending by the end of a day (the last
        of a round), with each side in its own view; `chance_base`: with both in the base. `effective`, `pareto_k`: of
        the draws behind a forecast; `paths`: effective crises of a draw. `hindsight` in attrs: numbers that were not
        public by a day and have no generic prior to stand in for them.
    """
    ended = next((e for e in loaded.case.events if e.ends is not None and e.date.on is not None), None)
    for day in when:
        if day > loaded.case.crisis.ends:
            raise UserError(f"--as-of {day}: the last round ends on {loaded.case.crisis.ends}. Give an earlier day.")
        if ended is not None and ended.date.on is not None and day >= ended.date.on:
            raise UserError(f"--as-of {day}: the crisis ended on {ended.date.on} ('{ended.id}'). Give an earlier day.")
    jobs, hindsight = _jobs(loaded, when, priors, over, seed, tellings)
    shape = (len(priors), len(when))
    chance = np.full((2, *shape, loaded.case.crisis.rounds, len(ENDINGS)), np.nan)
    effective, pareto, paths = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    evaluators = []
    total = len(jobs) * draws
    for number, job in enumerate(jobs):
        here = f"model {number + 1} of {len(jobs)}"

        def done(count: int, before: int = number * draws, here: str = here) -> None:
            progress(f"solving and playing on, {here} ({before + count} of {total} draws)", (before + count) / total)

        progress(f"compiling, {here}", number / len(jobs))
        evaluator = Evaluator(
            replace(loaded, case=job.case), job.wanted, tuple(job.groups), ahead, seed=seed, nodes=nodes,
            workers=workers, onwards=True, keep=keep, done=done,
        )  # fmt: skip
        evaluators.append(evaluator)
        bank, rows = _weighed(evaluator, draws, seed)
        for k, places in enumerate(job.places):
            weight = np.exp(bank.log_weights(k + 1))
            good = np.isfinite(rows["chance"][:, :, k]).all((1, 2, 3)) & (weight > 0)
            if not good.any():
                raise Failure(f"As of {job.groups[k].name} no simulated crisis goes as the record. Raise --tellings.")
            weight = np.where(good, weight, 0.0) / max(float(weight[good].sum()), 1e-300)
            each = np.nan_to_num(rows["chance"][:, :, k])  # draw, setting, round, ending
            quality = diagnose.quality(bank, k + 1)
            for place in places:
                chance[(slice(None), *place)] = np.einsum("d,dsre->sre", weight, each)
                effective[place], pareto[place] = quality.effective, quality.pareto_k
                paths[place] = float(weight @ rows["paths"][:, 0, k])
    crisis = loaded.case.crisis
    by = [crisis.starts + dt.timedelta(days=crisis.round_days * (k + 1) - 1) for k in range(crisis.rounds)]
    dims = ("priors", "as_of", "by", "ending")
    unit = {
        "units": "probability",
        "long_name": "chance that the crisis is over with this ending by the end of the day",
    }
    return xr.Dataset(
        {
            "chance": (dims, chance[VIEWS.index("own")], unit),
            "chance_base": (dims, chance[VIEWS.index("base")], unit),
            "effective": (dims[:2], effective, {"units": "draws"}), "pareto_k": (dims[:2], pareto),
            "paths": (dims[:2], paths, {"units": "crises"}),
        },
        coords={
            "priors": np.array(list(priors), dtype=object), "as_of": np.array(list(when), "datetime64[ns]"),
            "by": np.array(by, "datetime64[ns]"), "ending": np.array(ENDINGS, dtype=object),
        },
        attrs={
            "schema": SCHEMA, "case": crisis.id, "title": crisis.title, "digest": loaded.digest, "version": __version__,
            "seed": seed, "draws": draws, "tellings": tellings, "nodes": nodes, "hindsight": sorted(hindsight),
            "solved": status_of(evaluators),
        },
    )  # fmt: skip


@dataclass(eq=False)
class Job:
    """Days on which the model is the same: their records, and where their forecasts stand (priors, day)."""

    case: Case
    wanted: tuple[Parameter, ...]
    groups: list[Group]
    places: list[list[tuple[int, int]]]


def _jobs(
    loaded: LoadedCase, when: Sequence[dt.date], priors: Sequence[str], over: Sequence[str] | None, seed: int,
    tellings: int,
) -> tuple[list[Job], set[str]]:  # fmt: skip
    """Days and priors gathered by their model; where a case's numbers are the generic ones, both are one."""
    jobs: dict[str, Job] = {}
    hindsight: set[str] = set()
    for d, day in enumerate(when):
        for p, prior in enumerate(priors):
            own = on_generic_numbers(loaded.case) if prior == "generic" else loaded.case
            known, told = as_of(own, day)
            hindsight |= {line.removeprefix("with hindsight: ") for line in told}
            name = json.dumps(
                _bare(known.model_copy(update={part: [] for part in EVIDENCE}).model_dump(mode="json")), sort_keys=True
            )
            if name not in jobs:
                jobs[name] = Job(known, _wanted(known, over), [], [])
            job = jobs[name]
            if job.groups and job.groups[-1].name == str(day):
                job.places[-1].append((p, d))
            else:
                record = Evidence(known, day).tellings(tellings, seed)
                job.groups.append(Group(str(day), tuple(record)))
                job.places.append([(p, d)])
    return list(jobs.values()), hindsight


def _bare(part: Any) -> Any:  # noqa: ANN401 (a tree as of JSON)
    """A case without its words and without what is empty."""
    if isinstance(part, dict):
        kept = {key: _bare(item) for key, item in part.items() if key not in WORDS}
        return {key: item for key, item in kept.items() if item not in (None, {}, [])}
    return [_bare(item) for item in part] if isinstance(part, list) else part


def _wanted(known: Case, over: Sequence[str] | None) -> tuple[Parameter, ...]:
    """The numbers that are inferred, as far as a case cut down to a day still holds them."""
    if over or known.inference is None:
        return parameters(known, over)
    there = uncertain(known)
    left = {name: [path for path in paths if path in there] for name, paths in known.inference.over.items()}
    asked = [f"{name}={','.join(paths)}" for name, paths in left.items() if paths]
    return parameters(known.model_copy(update={"inference": None}), asked or None)


def _weighed(evaluator: Evaluator, draws: int, seed: int) -> tuple[Bank, dict[str, np.ndarray]]:
    """Draws with their log-likelihoods as of each day as the increments of a bank; own views are taken as given."""

    def likelihood(u: np.ndarray) -> np.ndarray:
        rows = evaluator.stacked(u)
        level = rows["last"][:, :, 0, 0]  # draw, day, type, type: both in their own views
        top = level.max((2, 3), keepdims=True)
        total = np.log((np.exp(level - top) * rows["joint"][:, None]).sum((2, 3))) + top[..., 0, 0]
        return np.asarray(np.round(np.diff(total, axis=1, prepend=0.0), DIGITS))

    bank = sample(likelihood, len(evaluator.parameters), draws=draws, seed=seed)
    return bank, evaluator.stacked(bank.u)


def frame(found: xr.Dataset) -> list[dict[str, Any]]:
    """Forecasts as rows: priors, day, ending, chance by the end of each round that is still to come."""
    rows = []
    for prior in found["priors"].values:
        for day in found["as_of"].values:
            here = found["chance"].sel(priors=prior, as_of=day)
            for ending in found["ending"].values:
                each = here.sel(ending=ending)
                ahead_of = zip(found["by"].values, each.values, strict=True)
                told = {str(by)[:10]: round(float(value), 6) for by, value in ahead_of if by > day}
                rows.append({"priors": str(prior), "as_of": str(day)[:10], "ending": str(ending), "chance": told})
    return rows
