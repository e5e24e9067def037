"""What-if questions to a case, as the app asks them: wall and CPU seconds by kind of change.

    python -m benchmarks.what_if [CASE] [--workers N] [--cache]

One session answers all of them in turn: the first of a kind, which may compile, and the median of further ones, each
with another value. What was compiled in earlier runs is used with `--cache` alone. The numbers of views solved and of
functions compiled stand beside the seconds. Answers are those of `standoff whatif` to the last figure (tested).
"""

import argparse
import os
import statistics
import tempfile
import time
from dataclasses import dataclass

import jax
from benchmarks.measure import table

KINDS = {
    "a move": "moves.coercer.2025-11-21={0}",
    "a number of one view": "views.caracas.force.success={0}",
    "a misreading corrected": "views.{0}=off",
    "a number of the base": "precision.coercer={0}",
    "a number of the forces": "world.force.intelligence={0}",
    "a number of the economy": "world.economy.output_norm=*{0}",
    "a number of the circle": "world.coalition.factions.military.loyalty={0}",
}
VALUES = {
    "a move": ("hold", "ultimatum", "climb:blockade"),
    "a number of one view": (0.9, 0.8, 0.7),
    "a misreading corrected": ("caracas.long-war", "caracas.force-would-fail", "caracas.outlast"),
    "a number of the base": (6, 7, 4),
    "a number of the forces": (0.7, 0.8, 0.6),
    "a number of the economy": (0.9, 0.95, 1.05),
    "a number of the circle": (0.6, 0.5, 0.7),
}
COMPILED: list[str] = []


@dataclass(frozen=True)
class Took:
    """One question: wall and CPU seconds, views solved, functions compiled."""

    wall: float
    cpu: float
    solved: int
    compiled: int


def hear(event: str, seconds: float, **_: object) -> None:
    """Count what is compiled."""
    if event.endswith("backend_compile_duration"):
        COMPILED.append(event)


def took(session, ask) -> Took:  # type: ignore[no-untyped-def]  # noqa: ANN001
    """Time a call that asks a session."""
    before, wall, cpu = len(COMPILED), time.perf_counter(), time.process_time()
    ask()
    return Took(time.perf_counter() - wall, time.process_time() - cpu, session.solved, len(COMPILED) - before)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("case", nargs="?", default="venezuela-2025")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--cache", action="store_true", help="with what was compiled in earlier runs")
    asked = parser.parse_args()
    if not asked.cache:
        os.environ["XDG_CACHE_HOME"] = tempfile.mkdtemp()
    from standoff.case.load import load_case
    from standoff.show.pipeline import prepare
    from standoff.simulate.ask_again import CRISES, DRAWS, Session

    prepare()
    jax.monitoring.register_event_duration_secs_listener(hear)
    session = Session(load_case(asked.case), workers=asked.workers)
    rows = []

    def line(name: str, each: Took) -> None:
        rows.append((name, f"{each.wall:.1f}", f"{each.cpu:.1f}", f"{each.solved:g}", f"{each.compiled:g}"))

    line("preparing, once", took(session, session.prepare))
    line("compiling what moves and dates take, once, in spare time", took(session, lambda: list(session.warm())))
    for kind, text in KINDS.items():
        every = []
        for value in VALUES[kind]:
            try:
                every.append(took(session, lambda: session.ask({"asked": [text.format(value)]})))  # noqa: B023
            except Exception as error:  # a case without it
                print(f"{kind}: {error}")
        if not every:
            continue
        line(f"{kind}, first", every[0])
        if len(every) > 1:
            later = zip(*map(parts, every[1:]), strict=True)
            line(f"{kind}, then", Took(*(statistics.median(column) for column in later)))
    print(f"{asked.case}: {DRAWS} draws x {CRISES} crises, {asked.workers} at a time, on {os.cpu_count()} cores; "
          f"load {os.getloadavg()[0]:.1f}\n")  # fmt: skip
    table(("question", "wall, s", "CPU, s", "views solved", "compiled"), rows)


def parts(one: Took) -> tuple[float, float, int, int]:
    """Its four numbers."""
    return one.wall, one.cpu, one.solved, one.compiled


if __name__ == "__main__":
    main()
