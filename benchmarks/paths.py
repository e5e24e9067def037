"""Paths a CPU second of a whole crisis on one core: Mesa, plain numpy, and a compiled step; and the shipped case.

The model is `benchmarks.paths_model`: two leaders, six factions, 180 steps, 30 random numbers a step. Mesa holds it as
agents; numpy and JAX run the same text, in single precision. Before anything is timed, all three are fed the same
numbers and must end the same way.

How the compiled step is fast, and why that is fair: random numbers come from Threefry-2x32 with its 20 rounds
(Salmon et al. 2011), keyed by path and step, so that a path is the same in whatever block, order or place it runs;
written out in the step they cost a cycle or two each, where a call of a generator costs ten. Normals are the exact
inverse of their distribution, to single precision. Numbers are drawn one step ahead and handed on in the loop's carry,
so that the compiler computes each once instead of wherever it is used. Blocks fit the cache. Paths that stop at their
ending give their place to new ones every few steps; endings are the same as of paths that go on, which is checked.

    python -m benchmarks.paths [--quick]

Compiling is reported apart. CPU seconds are of all threads, which are held to one core but for the last comparison.
"""

import gc
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from typing import Any

import numpy as np
from benchmarks.measure import machine, peak, say, table, timed
from benchmarks.paths_model import NORMALS, OUTCOMES, STEPS, State, advance, first

FLAGS = "--xla_cpu_prefer_vector_width=512 --xla_cpu_multi_thread_eigen=false"
BLOCK = 2048
NUMPY_BLOCK = 1024
SLICE = 12
"""Steps between two times at which paths that have ended give way to new ones."""
CALLS = 15
"""Calls of the generator a step; each gives two numbers."""
Ended = tuple[np.ndarray, np.ndarray]


def _threefry(xp: Any, key: tuple[int, int], a: Any, b: Any) -> tuple[Any, Any]:  # noqa: ANN401 (arrays)
    """Threefry-2x32-20 of a counter (a, b)."""
    u = xp.uint32
    keys = (u(key[0]), u(key[1]), u(key[0] ^ key[1] ^ 0x1BD11BDA))
    turns = ((13, 15, 26, 6), (17, 29, 16, 24))
    a, b = a + keys[0], b + keys[1]
    for i in range(20):
        turn = turns[(i // 4) % 2][i % 4]
        a = a + b
        b = ((b << u(turn)) | (b >> u(32 - turn))) ^ a
        if i % 4 == 3:
            n = i // 4 + 1
            a, b = a + keys[n % 3], b + keys[(n + 1) % 3] + u(n)
    return a, b


@lru_cache(maxsize=1)
def _compiled() -> tuple[Callable[..., Ended], Callable[..., tuple[Any, Any]]]:
    """Whole paths, and a slice of steps of paths that are each at their own step."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)  # for words of 64 bits; the model is in single precision

    def words(path: Any, step: Any) -> Any:  # noqa: ANN401 (arrays)
        count = step.astype(jnp.uint32) * jnp.uint32(16) + jnp.arange(CALLS, dtype=jnp.uint32)[:, None]
        path, count = jnp.broadcast_arrays(path, count)
        a, b = _threefry(jnp, (1, 2), path, count)
        return (a.astype(jnp.uint64) << np.uint64(32)) | b.astype(jnp.uint64)

    def unit(word: Any) -> Any:  # noqa: ANN401 (arrays)
        return (word >> jnp.uint32(8)).astype(jnp.float32) * np.float32(2**-24) + np.float32(2**-25)

    def normal(unit: Any) -> Any:  # noqa: ANN401 (arrays)
        return np.float32(2**0.5) * jax.lax.erf_inv(2 * unit - 1)

    def numbers(word: Any) -> Any:  # noqa: ANN401 (arrays)
        high, low = unit((word >> np.uint64(32)).astype(jnp.uint32)), unit(word.astype(jnp.uint32))
        return normal(high), normal(low[: NORMALS - CALLS]), low[NORMALS - CALLS :]

    def go(state: State, path: Any, start: Any, steps: int) -> State:  # noqa: ANN401 (arrays)
        def body(i: Any, carry: Any) -> Any:  # noqa: ANN401 (arrays)
            state, (some, more, u), word = carry
            new = advance(jnp, state, (start + i).astype(jnp.float32), [*some, *more], list(u))
            return new, numbers(word), words(path, start + i + 2)

        before = state, numbers(words(path, start)), words(path, start + 1)
        done: State = jax.lax.fori_loop(0, steps, body, before)[0]
        return done

    @jax.jit
    def whole(path: Any) -> Ended:  # noqa: ANN401 (arrays)
        done = go(first(jnp, len(path)), path, jnp.zeros(len(path), jnp.int32), STEPS)
        return done.outcome, done.ended

    @jax.jit
    def some(rows: Any, path: Any, start: Any) -> Any:  # noqa: ANN401 (arrays)
        done = go(_state(rows), path, start, SLICE)
        return jnp.stack(_rows(done)), (done.outcome > 0) | (start + SLICE >= STEPS)

    return whole, some


def _rows(state: State) -> list[Any]:
    return [*state[:9], *state.loyalty, state.outcome, state.ended]


def _state(rows: Any) -> State:  # noqa: ANN401 (arrays)
    return State(*rows[:9], tuple(rows[9:15]), rows[15], rows[16])


def compiled_whole(start: int, count: int, block: int = BLOCK) -> Ended:
    """Endings and their steps of paths start, start + 1, ..., all 180 steps of each."""
    whole, _ = _compiled()
    outcome, ended = np.empty(count, np.int8), np.empty(count, np.int16)
    for at in range(0, count, block):
        n = min(block, count - at)
        got = whole(np.arange(start + at, start + at + block, dtype=np.uint32))
        outcome[at : at + n], ended[at : at + n] = (np.asarray(x)[:n] for x in got)
    return outcome, ended


def compiled_stopped(start: int, count: int, block: int = BLOCK) -> Ended:
    """The same endings, each path stopped at its own."""
    _, some = _compiled()
    outcome, ended = np.zeros(count, np.int8), np.full(count, STEPS, np.int16)
    begin = np.stack(_rows(first(np, block)))
    rows, step = begin.copy(), np.zeros(block, np.int32)
    path = np.arange(start, start + block, dtype=np.uint32)
    following, last = start + block, start + count
    live = path < last
    while live.any():
        out, over = (np.asarray(x) for x in some(rows, path, step))
        rows, step = out.copy(), step + SLICE
        over = np.flatnonzero(over & live)
        here = path[over] - start
        outcome[here], ended[here] = rows[15, over], rows[16, over]
        path[over] = following + np.arange(len(over))
        following += len(over)
        rows[:, over], step[over] = begin[:, over], 0
        live[over] = path[over] < last
    return outcome, ended


def numpy_whole(start: int, count: int, block: int = NUMPY_BLOCK) -> Ended:
    """The same model in plain numpy with its quickest generator, a block at a time."""
    outcome, ended = np.empty(count, np.int8), np.empty(count, np.int16)
    for at in range(0, count, block):
        n = min(block, count - at)
        rng = np.random.Generator(np.random.SFC64([start, at]))
        state = first(np, n)
        for step in range(STEPS):
            z = rng.standard_normal((NORMALS, n), dtype=np.float32)
            u = rng.random((2 * CALLS - NORMALS, n), dtype=np.float32)
            state = advance(np, state, np.float32(step), z, u)
        outcome[at : at + n], ended[at : at + n] = state.outcome, state.ended
    return outcome, ended


def agents_whole(start: int, count: int, *, stop: bool = False) -> Ended:
    """The same model as agents of Mesa."""
    from benchmarks.paths_agents import Crisis

    found = np.array([Crisis(start + n).path(stop=stop) for n in range(count)])
    return found[:, 0], found[:, 1]


def same_model(paths: int = 256) -> list[tuple[str, str]]:
    """Feed all the numbers of the compiled step: how often each ends as it does, at the same step.

    Rounding differs, so that a path now and then takes another turn.
    """
    from statistics import NormalDist

    path = np.arange(paths, dtype=np.uint32)
    inverse = NormalDist().inv_cdf

    def draw(step: int) -> tuple[np.ndarray, np.ndarray]:
        count = np.uint32(step * 16) + np.arange(CALLS, dtype=np.uint32)[:, None]
        a, b = _threefry(np, (1, 2), *np.broadcast_arrays(path, count))
        u = np.concatenate([(x >> np.uint32(8)).astype(float) * 2.0**-24 + 2.0**-25 for x in (a, b)])
        return np.vectorize(inverse)(u[:NORMALS]).astype(np.float32), u[NORMALS:].astype(np.float32)

    drawn = [draw(step) for step in range(STEPS)]
    mine, when = compiled_whole(0, paths)
    state = first(np, paths)
    for step, (z, u) in enumerate(drawn):
        state = advance(np, state, np.float32(step), z, u)
    rows = [("numpy", f"{np.mean((state.outcome == mine) & (state.ended == when)):.1%}")]
    try:
        from benchmarks.paths_agents import Crisis
    except ImportError:
        return rows
    few = min(paths, 24)
    ends = []
    for n in range(few):
        mesa_path = Crisis(n, lambda step, n=n: (drawn[step][0][:, n].tolist(), drawn[step][1][:, n].tolist()))
        ends.append(mesa_path.path())
    rows.append(("Mesa", f"{np.mean([end == (mine[n], when[n]) for n, end in enumerate(ends)]):.1%}"))
    return rows


def rate(work: Callable[[int, int], Ended], count: int, repeats: int = 3) -> tuple[float, Ended]:
    """Paths a CPU second, the best of some runs, since other work only ever slows; and how they ended."""
    work(0, min(count, BLOCK))
    gc.collect()
    best, ends = 0.0, (np.zeros(0), np.zeros(0))
    for _ in range(repeats):
        began = time.process_time()
        ends = work(0, count)
        best = max(best, count / (time.process_time() - began))
    return best, ends


def shares(ends: Ended) -> str:
    """Shares of the endings, and the mean step of the end."""
    counts = np.bincount(np.asarray(ends[0], int), minlength=len(OUTCOMES)) / len(ends[0])
    named = ", ".join(f"{name} {share:.0%}" for name, share in zip(OUTCOMES, counts, strict=True))
    return f"{named}; mean step {np.minimum(ends[1] + 1.0, STEPS).mean():.0f}"


def compare(*, quick: bool) -> None:
    """The table: paths a CPU second of each, on one core."""
    scale = 1 if quick else 8
    runs: list[tuple[str, Callable[[int, int], Ended], int]] = [
        ("numpy, single precision, SFC64", numpy_whole, 4096 * scale),
        ("compiled, all 180 steps", compiled_whole, 32_768 * scale),
        ("compiled, stopped at the ending", compiled_stopped, 131_072 * scale),
    ]
    try:
        import mesa

        runs.insert(0, (f"Mesa {mesa.__version__}, agents", agents_whole, 20 * scale))
        runs.insert(1, ("Mesa, stopped at the ending", partial(agents_whole, stop=True), 20 * scale))
    except ImportError:
        say("Mesa is not installed, and left out", "make bench installs it")
    rows, ended = [], {}
    for name, work, count in runs:
        per_second, ended[name] = rate(work, count)
        memory = peak(lambda work=work, count=count: work(0, count))
        steps = np.minimum(ended[name][1] + 1.0, STEPS).mean() if "stopped" in name else STEPS
        rows.append((name, f"{per_second:,.0f}", f"{per_second * steps / 1e6:.2f}", f"{memory:.0f}"))
    table(("", "paths a CPU s", "million path-steps a CPU s", "MiB more"), rows)
    for name, ends in ended.items():
        say(name, shares(ends))
    (a, when), (b, then) = (work(0, 20_000) for work in (compiled_whole, compiled_stopped))
    say(
        "stopped paths that end otherwise than those that go on, of 20,000", str(int(((a != b) | (when != then)).sum()))
    )


def by_workers(*, quick: bool) -> None:
    """Wall time of one and of two workers on two cores, each with its own paths; the numbers are the same.

    In a process that was never held to one core: threads of the compiled code keep the cores that they began with.
    """
    cores = os.cpu_count() or 1
    compiled_whole(0, BLOCK)
    parts, size = 8, 32_768 if quick else 131_072
    took, found = {}, {}
    for workers in (1, 2):
        with ThreadPoolExecutor(max_workers=workers) as pool:
            began = time.perf_counter()
            found[workers] = list(pool.map(lambda n: compiled_whole(n * size, size), range(parts)))
            took[workers] = time.perf_counter() - began
    same = all(np.array_equal(x, y) for a, b in zip(found[1], found[2], strict=True) for x, y in zip(a, b, strict=True))
    say(f"wall seconds with one worker and with two ({cores} cores)", f"{took[1]:.1f}, {took[2]:.1f}")
    say("two workers against one; same numbers", f"{took[1] / took[2]:.2f} times as fast; {'yes' if same else 'NO'}")


def shipped(*, quick: bool) -> None:
    """The shipped case: crises played a CPU second, by minds that are solved already."""
    import jax

    jax.config.update("jax_enable_x64", True)
    from standoff.case.load import load_case
    from standoff.game.play import play
    from standoff.simulate.setup import plan

    one = plan(load_case("venezuela-2025").case, seed=1, count=2)
    sheet = one.sheet(None)
    mind, world = one.mind(sheet, one.solve(sheet, 0), 0), sheet.payoffs.one(0)
    for count in (500,) if quick else (500, 5000):
        paths = one.paths_for(np.random.default_rng(0), (sheet, sheet), 0, count, known=False)

        def once(paths: Any = paths) -> object:  # noqa: ANN401 (arrays)
            return jax.block_until_ready(
                play(jax.random.key(0), one.form, (mind, mind), world, paths, rounds=one.rounds)
            )

        compiling = timed(once)[1]
        seconds = min(timed(once)[1] for _ in range(3))
        say(
            f"shipped case, {count} crises of up to {one.rounds} rounds at once (first call {compiling:.1f} CPU s)",
            f"{count / seconds:,.0f} crises a CPU s",
        )


def here(*, quick: bool) -> None:
    """Everything, in this process, which began with `FLAGS` and is held to one core."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    say("machine", f"{machine()} in use of {os.cpu_count()}; Python {platform.python_version()}")
    say("load of the machine before (timings count on an idle one only)", f"{os.getloadavg()[0]:.1f}")
    for name, work in (("all steps", compiled_whole), ("stopped", compiled_stopped)):
        say(
            f"first call of the compiled step, {name}: compiling and {BLOCK} paths, CPU s",
            f"{timed(lambda work=work: work(0, BLOCK))[1]:.1f}",
        )
    for name, share in same_model():
        say(f"{name} and the compiled step, fed the same numbers: paths that end alike", share)
    compare(quick=quick)
    shipped(quick=quick)


def main(*, quick: bool = False) -> None:
    """Run in a process of its own, since the compiler reads its settings once, at the start."""
    environ = os.environ | {"XLA_FLAGS": f"{os.environ.get('XLA_FLAGS', '')} {FLAGS}".strip(), "JAX_PLATFORMS": "cpu"}
    for part in PARTS:
        command = [sys.executable, "-m", "benchmarks.paths", part, *(["--quick"] if quick else [])]
        subprocess.run(command, env=environ, check=True)


PARTS = {"--here": here, "--workers": by_workers}

if __name__ == "__main__":
    next((work for part, work in PARTS.items() if part in sys.argv), main)(quick="--quick" in sys.argv)
