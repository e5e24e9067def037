"""Speed of the solver and of play on the shipped case, a bound in plain numpy, and what the grid costs in error.

Run by `make bench`; numbers compare only within one run on one machine. Compiling and running stand apart. CPU
seconds are of all threads of this process.
"""

import math
import os
import platform
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import jax

jax.config.update("jax_enable_x64", True)

import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
from benchmarks.plain import respond_plain  # noqa: E402

from standoff.case.load import load_case  # noqa: E402
from standoff.game import sweep  # noqa: E402
from standoff.game.interpolate import slopes  # noqa: E402
from standoff.game.play import play  # noqa: E402
from standoff.game.response import Tables, respond  # noqa: E402
from standoff.simulate import ensemble, results  # noqa: E402
from standoff.simulate.setup import Plan, plan  # noqa: E402

CASE = "venezuela-2025"
REPEATS = 5
PATHS = 4000
COARSE, FINE = 9, 17


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Wall and CPU seconds of a call."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def say(what: str, value: str) -> None:
    """One line of the table."""
    print(f"{what:<76}{value}", flush=True)


def machine() -> str:
    """Processor and number of cores that this process may use."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{names[0] if names else platform.processor() or platform.machine()}, {cores} cores"


def solving(made: Plan) -> sweep.Solution:
    """One solve of the base at the centre, alone and two at a time."""
    world = made.sheet(None).payoffs.one(0)
    found: list[sweep.Solution] = []

    def work() -> None:
        found.append(sweep.solve(made.form, world, rounds=made.rounds, nodes=made.nodes))
        jax.block_until_ready(found[-1].log_pi)

    first = timed(work)
    runs = [timed(work) for _ in range(REPEATS)]
    wall, cpu = (statistics.median(run[i] for run in runs) for i in range(2))
    points = made.form.size * made.nodes**2 * made.rounds
    say("solve, first call (compiles), wall s", f"{first[0]:.2f}")
    say(f"solve, median of {REPEATS}, wall s / CPU s", f"{wall:.3f} / {cpu:.3f}")
    say(f"  {made.form.size} states x {made.nodes}^2 beliefs x {made.rounds} rounds, fixed points", f"{points}")
    say("  fixed points a second", f"{points / wall:,.0f}")
    say("  residual; share past a fold", f"{found[-1].residual:.1e}; {found[-1].folded:.2%}")
    several = 2 * REPEATS
    with ThreadPoolExecutor(2) as pool:
        both = timed(lambda: list(pool.map(lambda _: work(), range(several))))[0]
    say("solves a second, one worker / two workers", f"{1 / wall:.2f} / {several / both:.2f}")
    return found[-1]


def playing(made: Plan, solution: sweep.Solution) -> None:
    """Paths through all rounds, both minds in the base."""
    sheet = made.sheet(None)
    mind, world = made.mind(sheet, solution, 0), sheet.payoffs.one(0)
    paths = made.paths_for(np.random.default_rng(1), (sheet, sheet), 0, PATHS, known=False)

    def work() -> None:
        jax.block_until_ready(play(jax.random.key(1), made.form, (mind, mind), world, paths, rounds=made.rounds).payoff)

    first = timed(work)
    runs = [timed(work) for _ in range(REPEATS)]
    wall, cpu = (statistics.median(run[i] for run in runs) for i in range(2))
    say("play, first call (compiles), wall s", f"{first[0]:.2f}")
    say(f"play of {PATHS} paths, wall s / CPU s", f"{wall:.3f} / {cpu:.3f}")
    say("  path-steps a second (paths x rounds)", f"{PATHS * made.rounds / wall:,.0f}")


def bound(made: Plan, solution: sweep.Solution) -> None:
    """The target's decision in all states of one round, from a cold start: compiled, and in plain numpy."""
    world = made.sheet(None).payoffs.one(0)
    form = made.form
    stage = form.stages[form.stage("target")]
    later = sweep._nature(form, world, jnp.asarray(solution.value[1], jnp.float64))
    going = [m for m in stage.going if stage.leads[m] == form.nature]
    value = jnp.stack([later[1][:, np.maximum(stage.follow[:, m], 0)] for m in going], axis=1)
    pay = jnp.moveaxis(world.moves[form.stage("target")][1], -1, 1)
    ending = np.array(stage.ending)
    tables = Tables(
        value, slopes(value), pay[:, np.array(going)], pay[:, ending],
        jnp.asarray(stage.mask[:, going].T), jnp.asarray(stage.mask[:, ending].T),
    )  # fmt: skip
    precision, guess = world.precision[1], jnp.zeros((len(going), math.prod(value.shape[2:])))
    fast = jax.jit(respond)
    plain = [np.asarray(x) for x in (tables.value, tables.flow, tables.end, tables.can_go, tables.can_end)]
    answers: dict[str, np.ndarray] = {}

    def compiled() -> None:
        answers["compiled"] = np.asarray(fast(tables, precision, guess).point.d).reshape(value.shape[1:])

    def numpy() -> None:
        answers["numpy"] = respond_plain(*plain, float(precision))

    compiled()
    times = {work.__name__: [timed(work) for _ in range(REPEATS)] for work in (compiled, numpy)}
    wall = {name: statistics.median(run[0] for run in runs) for name, runs in times.items()}
    cpu = {name: statistics.median(run[1] for run in runs) for name, runs in times.items()}
    apart = np.abs(answers["compiled"] - answers["numpy"]).max()
    what = f"one stage ({len(stage.states)} states, {len(going)} moves go on)"
    say(f"{what}, compiled, wall s / CPU s", f"{wall['compiled']:.4f} / {cpu['compiled']:.4f}")
    say("  the same in numpy, vectorised, wall s / CPU s", f"{wall['numpy']:.4f} / {cpu['numpy']:.4f}")
    ratios = (wall["numpy"] / wall["compiled"], cpu["numpy"] / cpu["compiled"])
    say("  time of numpy over time compiled, wall / CPU", f"{ratios[0]:.1f} / {ratios[1]:.1f}")
    say("  largest difference in log-likelihood", f"{apart:.1e}")


def grid_error(precision: float | None) -> None:
    """Headline chances on a coarse and a fine grid, with the same types and random numbers."""
    sides = ("coercer", "target")
    fixed = {f"parameters.precision.{side}": precision for side in sides} if precision else {}
    name_of = f"precision {precision:g}" if precision else "precision of the case"
    case = load_case(CASE).case
    pair = tuple(s for s in ensemble.SCENARIOS if s.id in ("views", "base"))
    chances = {}
    form = None
    for nodes in (COARSE, FINE):
        made = plan(case, seed=1, count=0, nodes=nodes, fixed=fixed)
        if form is not None:
            made.__dict__["form"] = form
        form = made.form
        wall = time.perf_counter()
        done = ensemble.run_draw(made, ensemble.Job(PATHS, pair), 0)
        say(f"{name_of}: views and base at {nodes} nodes, compile and run, wall s", f"{time.perf_counter() - wall:.1f}")
        for s in pair:
            code = results.ending_code(done.ended[s.id]["outcome"], done.ended[s.id]["exit"])
            chances[nodes, s.id] = np.array([code == k for k in range(len(results.ENDINGS))], float)
    for s in pair:
        moved = (np.argmax(chances[COARSE, s.id], 0) != np.argmax(chances[FINE, s.id], 0)).mean()
        say(f"  {s.id}: share of crises that end otherwise on the other grid", f"{moved:.4%}")
        for k, name in enumerate(results.ENDINGS):
            coarse, fine = chances[COARSE, s.id][k], chances[FINE, s.id][k]
            if max(coarse.mean(), fine.mean()) < 0.005:
                continue  # nothing to compare
            error = 2 * (coarse - fine).std() / np.sqrt(PATHS)
            say(
                f"  {s.id}, {results.ENDING_TITLES[name]}: {COARSE} / {FINE} nodes, difference (2 s.e.)",
                f"{coarse.mean():.4f} / {fine.mean():.4f}, {coarse.mean() - fine.mean():+.4f} ({error:.4f})",
            )


def main() -> None:
    """Print everything."""
    say("machine", machine())
    say("python, jax, numpy", f"{platform.python_version()}, {jax.__version__}, {np.__version__}")
    wall = time.perf_counter()
    made = plan(load_case(CASE).case, seed=1, count=0)
    _ = made.form, made.sheet(None)
    say(f"{CASE}: chains and form, wall s (compiles)", f"{time.perf_counter() - wall:.1f}")
    solution = solving(made)
    playing(made, solution)
    bound(made, solution)
    grid_error(None)
    grid_error(10.0)


if __name__ == "__main__":
    main()
