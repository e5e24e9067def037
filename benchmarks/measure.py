"""What all benchmarks share: CPU and wall time, peak memory, the machine, tables.

CPU seconds are of all threads of this process; they compare within one run on one machine.
"""

import ctypes
import gc
import os
import platform
import resource
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np


def answered(work, *arguments):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN002, ANN201
    """What a function gives, and the CPU seconds that it took."""
    begin = time.process_time()
    answer = work(*arguments)
    return answer, time.process_time() - begin


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Wall and CPU seconds of a call."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def typical(work: Callable[[], object], repeats: int = 5) -> tuple[float, float]:
    """Median wall and CPU seconds of a call, after one that does not count."""
    work()
    runs = [timed(work) for _ in range(repeats)]
    return statistics.median(run[0] for run in runs), statistics.median(run[1] for run in runs)


def by_turns(first: Callable[[], object], second: Callable[[], object], repeats: int = 7) -> tuple[float, float]:
    """Median CPU seconds of two calls that take turns, so that a busy machine slows both alike."""
    first(), second()
    runs = [(timed(first)[1], timed(second)[1]) for _ in range(repeats)]
    return statistics.median(run[0] for run in runs), statistics.median(run[1] for run in runs)


def peak(work: Callable[[], object]) -> float:
    """Mebibytes by which a call raises the largest resident memory above what is resident before."""
    gc.collect()
    try:
        ctypes.CDLL("libc.so.6").malloc_trim(0)  # what earlier work freed is not resident any more
        Path("/proc/self/clear_refs").write_text("5")
        before = _status("VmRSS")
        work()
        return (_status("VmHWM") - before) / 1024
    except OSError:  # not Linux: only growth beyond everything before shows
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        work()
        return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


def _status(name: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith(f"{name}:")))


def exponent(sizes: Sequence[float], seconds: Sequence[float]) -> float:
    """Power with which seconds grow with size, by least squares in logs."""
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def say(what: str, value: str) -> None:
    """One line of a list."""
    print(f"{what:<84}{value}", flush=True)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table in Markdown; the first column is of words."""
    print(f"| {' | '.join(head)} |")
    print(f"|---|{'---:|' * (len(head) - 1)}")
    for row in rows:
        print(f"| {' | '.join(row)} |", flush=True)


def machine() -> str:
    """Processor and number of cores that this process may use."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{names[0] if names else platform.processor() or platform.machine()}, {cores} cores"
