"""The main job: from a case to results, figures and a report, written whole or not at all.

Everything is written into a folder beside the target and moved into place at the end, so that a run killed half-way
leaves nothing that a later command could take for whole. Finished draws are kept beside the target as they come
(`standoff.simulate.store`), and a run of the same case, version and options goes on from them.
"""

import datetime as dt
import json
import os
import platform
import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xarray as xr

from standoff import __version__
from standoff.case.audit import Audit, audit
from standoff.case.load import LoadedCase
from standoff.errors import Failure, UserError
from standoff.show import summary as said
from standoff.show.words import points
from standoff.simulate.results import ENDING_TITLES, ENDINGS
from standoff.simulate.store import DrawStore, origin

SCHEMA = "standoff-run/1"
CORRECTION_DRAWS = 4
ROBUST_DRAWS = 6
PRECISIONS = (2.0, 5.0, 10.0)
PACES = {"half as many rounds": 2.0, "twice as many rounds": 0.5}
Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class RunSummary:
    """What a run found, short."""

    loaded: LoadedCase
    tree: xr.DataTree
    out: Path
    seconds: float

    def lines(self) -> list[str]:
        """At most 25 lines for a terminal."""
        crisis = self.loaded.case.crisis
        attrs = self.tree.attrs
        chances = said.table(self.tree)
        show = [s for s in HEADS if s in chances]
        lines = [
            f"{crisis.title}: {attrs['draws']} draws x {attrs['replications']} crises, "
            f"{crisis.rounds} rounds of {crisis.round_days} days to {crisis.ends:%d %B %Y}; seed {attrs['seed']}",
            "",
            f"{'Chance of each ending':<28}" + "".join(f"{HEADS[s]:>24}" for s in show),
        ]
        for name in ENDINGS:
            cells = "".join(_cell(chances[s][name]) for s in show)
            lines.append(f"  {ENDING_TITLES[name]:<26}{cells}")
        lines += [
            "  (mean ± two standard errors; 5-95% over the parameters)",
            "",
            said.thesis(self.tree).sentence,
        ]
        lines += self._corrected()
        lines += ["", attrs["status"], f"Report: {self.out / 'report.html'}"]
        return lines

    def _corrected(self) -> list[str]:
        effects = said.correction_effects(self.tree)
        best = said.lowers_most(effects)
        if best is None:
            return ["No single misreading is shown to lower force when it is corrected."] if effects else []
        of, change = best["effect"]["force"], f"{best['title']} ({self.loaded.case.leader(best['holder']).name})"
        return [f"Single misreading whose correction lowers force most: {change}, {points(of)} points."]

    def as_dict(self) -> dict[str, Any]:
        """For scripts: the same numbers at every run of the same case, seed and options."""
        thesis = said.thesis(self.tree)
        return {
            "case": self.loaded.case.crisis.id,
            "digest": self.loaded.digest,
            "version": __version__,
            "options": {k: self.tree.attrs[k] for k in ("seed", "draws", "replications", "nodes", "until")},
            "status": self.tree.attrs["status"],
            "endings": {s: {n: c.as_dict() for n, c in row.items()} for s, row in said.table(self.tree).items()},
            "corrections": [
                {**row, "effect": {n: c.as_dict() for n, c in row["effect"].items()}}
                for row in said.correction_effects(self.tree)
            ],
            "thesis": {
                "force": thesis.force.as_dict(), "agreed_exit": thesis.agreed.as_dict(),
                "direction": thesis.direction, "established": thesis.established,
                "flips": [str(flip) for flip in thesis.flips], "sentence": thesis.sentence,
            },
            "report": str(self.out / "report.html"),
        }  # fmt: skip


HEADS = {"views": "own views", "base": "base view", "known": "base, types known"}


def _cell(c: said.Chance) -> str:
    return f"{f'{c.mean:.0%} ±{c.error * 100:.0f} [{c.low:.0%}, {c.high:.0%}]':>24}"


def prepare() -> None:
    """Double precision, and compiled functions kept in the user's cache folder where there is one."""
    import jax

    update: Callable[[str, Any], None] = jax.config.update  # type: ignore[no-untyped-call, unused-ignore]
    update("jax_enable_x64", True)
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "standoff" / "compiled"
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError:
        return
    if os.access(root, os.W_OK):
        update("jax_compilation_cache_dir", str(root))
        update("jax_persistent_cache_min_compile_time_secs", 1.0)


def run_case(
    loaded: LoadedCase,
    *,
    out: Path,
    seed: int = 1,
    draws: int | None = None,
    replications: int | None = None,
    until: dt.date | None = None,
    documents: Path | None = None,
    progress: Progress | None = None,
    note: Callable[[str], None] | None = None,
    workers: int | None = None,
    cluster: str | None = None,
    fresh: bool = False,
) -> RunSummary:
    """Run a case from end to end and write report, figures, results and manifest into `out`.

    Args:
        loaded: The case.
        out: Folder of the run.
        seed: Seed of every draw.
        draws: Draws of the parameters; the case's by default.
        replications: Crises for each draw; the case's by default.
        until: Use only what was public by then.
        documents: Folder with the user's copies of the documents.
        progress: Told the stage and the share done.
        note: Told, in a sentence, what the user should know meanwhile.
        workers: Draws at a time on this machine; by default as many as there are cores, up to four.
        cluster: Address of a running Dask cluster to use instead.
        fresh: Begin anew, even if draws of a run that was stopped are there.
    """
    began = time.perf_counter()
    tell: Progress = progress or (lambda _stage, _share: None)
    say: Callable[[str], None] = note or (lambda _: None)
    out.parent.mkdir(parents=True, exist_ok=True)
    _tidy(out)
    _check_target(out)
    crisis = loaded.case.crisis
    if until is not None and until < crisis.starts:
        raise UserError(f"--until {until}: before the first round. Give a day from {crisis.starts} on.")
    store = _store(loaded, out, say, fresh=fresh, seed=seed, draws=draws, replications=replications, until=until)
    tell("reading the sources", 0.0)
    evidence = audit(loaded, documents)
    prepare()
    tree = compute(
        loaded, seed=seed, draws=draws, replications=replications, until=until, progress=tell, note=say,
        workers=workers, cluster=cluster, store=store,
    )  # fmt: skip
    tell("writing the report", 0.95)
    work = out.parent / f".{out.name}.partial-{os.getpid()}"
    try:
        _write(loaded, tree, evidence, work, documents, time.perf_counter() - began)
        _swap(work, out)
    except OSError as error:
        shutil.rmtree(work, ignore_errors=True)
        raise Failure(
            f"Writing the results failed at {error.filename or work}: {error.strerror}. The finished draws "
            "are kept: once there is room, the same command goes on from there."
        ) from error
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise
    store.clear()
    tell("done", 1.0)
    return RunSummary(loaded, tree, out, time.perf_counter() - began)


def _store(
    loaded: LoadedCase, out: Path, say: Callable[[str], None], *, fresh: bool, seed: int, draws: int | None,
    replications: int | None, until: dt.date | None,
) -> DrawStore:  # fmt: skip
    """Where finished draws of this run are kept, beside its target, until it stands."""
    options = {
        "seed": seed, "draws": draws or loaded.case.solver.draws,
        "replications": replications or loaded.case.solver.replications, "until": until.isoformat() if until else "",
    }  # fmt: skip
    store = DrawStore(out.parent / f".{out.name}.draws", origin(loaded.digest, options), say)
    if fresh:
        store.clear()
    store.tidy()
    if others := store.others():
        say(
            f"{others} finished draws in {store.root} are of another case, version or options: they are not used, and "
            "are removed when this run is done."
        )
    return store


def _check_target(out: Path) -> None:
    if out.exists() and any(out.iterdir()) and not (out / "manifest.json").exists():
        raise UserError(f"{out}: this folder holds something that is not a run. Name an empty or new one with --out.")


def compute(
    loaded: LoadedCase,
    *,
    seed: int,
    draws: int | None,
    replications: int | None,
    until: dt.date | None,
    progress: Progress,
    note: Callable[[str], None] | None = None,
    workers: int | None = None,
    cluster: str | None = None,
    store: DrawStore | None = None,
) -> xr.DataTree:
    """All results of a case as one labelled tree (see `standoff.simulate.results`)."""
    from standoff.simulate import engine, ensemble, results, sequel
    from standoff.simulate.accuracy import accuracy
    from standoff.simulate.record import record, require_playable
    from standoff.simulate.setup import Plan, plan, share_form

    case = loaded.case
    found = record(case, until)
    require_playable(case, found)
    count, each = draws or case.solver.draws, replications or case.solver.replications
    several = min(ROBUST_DRAWS, count)
    progress("compiling the world's chains", 0.02)
    main = plan(case, seed=seed, count=count)
    paced = {name: plan(case, seed=seed, count=count, keep=several, pace=pace) for name, pace in PACES.items()}
    with ThreadPoolExecutor(max_workers=2) as pool:
        list(pool.map(Plan.reach, [main, *paced.values()]))
    others = {
        f"precision {x:g}": plan(
            case,
            seed=seed,
            count=count,
            beside=main,
            fixed={f"parameters.precision.{side}": x for side in ("coercer", "target")},
        )
        for x in PRECISIONS
    } | paced
    share_form([main, *others.values()])
    progress("compiling the solver", 0.05)
    pairs = ensemble.corrections(main)
    few = list(range(min(CORRECTION_DRAWS, count)))
    with_pairs = ensemble.Job(each, ensemble.SCENARIOS, pairs, found)
    plain = ensemble.Job(each, ensemble.SCENARIOS, (), found)
    pair = tuple(s for s in ensemble.SCENARIOS if s.id in ("views", "base"))
    tasks = [engine.Task(main, with_pairs, draw) for draw in few]
    other = ensemble.Job(each, pair)
    for name, one in others.items():
        tasks += [engine.Task(one, other, draw, name) for draw in range(several)]
    tasks += [engine.Task(main, plain, draw) for draw in range(len(few), count)]

    def done(share: float) -> None:
        progress(f"solving the views, playing the crises ({share:.0%})", 0.05 + 0.89 * share)

    with ThreadPoolExecutor(max_workers=1) as beside:
        errors_later = beside.submit(accuracy, main)
        got = engine.run_tasks(
            tasks, workers=workers or engine.default_workers(), cluster=cluster, store=store, note=note, done=done
        )
        progress("checking the grid", 0.94)
        errors = errors_later.result()
    first, rest = got[: len(few)], got[len(few) + len(others) * several :]
    every = first + rest
    cut = [len(few) + i * several for i in range(len(others) + 1)]
    settings = {name: got[cut[i] : cut[i + 1]] for i, name in enumerate(others)}
    groups = {
        "endings": results.endings(every),
        "corrections": results.corrections(main, first, pairs),
        "record": results.record(main, every, found),
        "worth": results.worth(every),
        "robust": results.robust(settings, pair),
        "quality": results.quality(main, every, errors),
    }
    groups |= sequel.sequel(main, groups["endings"])
    tree = xr.DataTree.from_dict(groups)
    tree.attrs.update(
        {
            "schema": SCHEMA, "case": case.crisis.id, "title": case.crisis.title, "digest": loaded.digest,
            "version": __version__, "seed": seed, "draws": count, "replications": each, "nodes": main.nodes,
            "rounds": main.rounds, "states": main.form.size, "until": until.isoformat() if until else "",
            "folded": main.sheet(None).levels.folded, "status": _status(every, settings),
        }
    )  # fmt: skip
    return tree


def _status(results: list[Any], settings: dict[str, list[Any]]) -> str:
    """What a reader must know about how well it was solved, in one sentence."""
    every = [q for r in results for q in r.quality.values()]
    other = [q for rows in settings.values() for r in rows for q in r.quality.values()]
    worst = max(q[0] for q in every + other)
    unsettled = sum(q[1] > 0 for q in every + other)
    flagged = max(q[2] for q in every)
    if unsettled:
        return (
            f"Not converged: {unsettled} of {len(every + other)} solutions hold points with a residual up to "
            f"{worst:.0e}; read the results with that in mind."
        )
    return (
        f"All {len(every + other)} solutions settled to {worst:.0e} in log-likelihood; at most {flagged:.2%} of the "
        "points of one are near a fold, where more than one answer is possible."
    )


def _write(
    loaded: LoadedCase, tree: xr.DataTree, evidence: Audit, work: Path, documents: Path | None, seconds: float
) -> None:
    from standoff.show.report import write_report

    work.mkdir(parents=True)
    tree.to_zarr(work / "results.zarr", consolidated=False)
    write_report(loaded, tree, evidence, work, documents=documents)
    attrs = {k: (v.item() if hasattr(v, "item") else v) for k, v in tree.attrs.items()}
    manifest = attrs | {
        "python": platform.python_version(), "seconds": round(seconds, 1), "complete": True,
        "written": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
    }  # fmt: skip
    (work / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


def _swap(work: Path, out: Path) -> None:
    """Move a finished folder into place; an older run there is kept until the new one stands."""
    if not out.exists():
        work.rename(out)
        return
    old = out.parent / f".{out.name}.older-{os.getpid()}"
    out.rename(old)
    try:
        work.rename(out)
    except BaseException:
        old.rename(out)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _tidy(out: Path) -> None:
    """Put back an older run that a killed run had set aside, and remove what processes now gone left half-written."""
    for old in sorted(out.parent.glob(f".{out.name}.older-*")):
        if _running(old):
            continue
        if out.exists():
            shutil.rmtree(old, ignore_errors=True)
        else:
            old.rename(out)
    for stale in out.parent.glob(f".{out.name}.partial-*"):
        if not _running(stale):
            shutil.rmtree(stale, ignore_errors=True)


def _running(folder: Path) -> bool:
    """Whether the process that made a working folder still runs; its number ends the folder's name."""
    number = folder.name.rpartition("-")[2]
    if not number.isdigit() or int(number) == os.getpid():
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
