"""What the desk computes in the background: a command of the library in a process of its own, with its progress.

A process of its own keeps the pages quick while the solver works, can be stopped at any time, and keeps what was
finished: the same command goes on from there.
"""

import asyncio
import re
import sys
from dataclasses import dataclass, field

from nicegui import background_tasks, ui

from standoff.app.data import COMMANDS, Desk

LINE = re.compile(r"^\s*(\d+)% (.*)$")
LINES = 6
"""Last lines of a job that are kept, for when it fails."""


@dataclass
class Job:
    """A command at work: its share done, its stage in words, and how it ended."""

    name: str
    share: float = 0.0
    stage: str = "starting"
    state: str = "running"
    said: list[str] = field(default_factory=list)
    process: asyncio.subprocess.Process | None = None

    @property
    def running(self) -> bool:
        """Whether it is still at work."""
        return self.state == "running"

    def hear(self, line: str) -> None:
        """Take a line of what the command says."""
        found = LINE.match(line)
        if found:
            self.share, self.stage = int(found[1]) / 100, found[2]
        elif line.strip():
            self.said = [*self.said, line.strip()][-LINES:]

    def stop(self) -> None:
        """Stop the command; what it has finished is kept."""
        if self.running and self.process is not None:
            self.state = "stopped"
            self.process.terminate()


class Jobs:
    """The jobs of one desk, one of a kind at a time."""

    def __init__(self, desk: Desk) -> None:
        """None is running."""
        self.desk = desk
        self.by_name: dict[str, Job] = {}

    def start(self, name: str) -> Job:
        """Begin a command, unless it is at work already."""
        old = self.by_name.get(name)
        if old is not None and old.running:
            return old
        job = self.by_name[name] = Job(name)
        background_tasks.create(self._run(job), name=f"standoff {name}")
        return job

    async def _run(self, job: Job) -> None:
        desk = self.desk
        words = COMMANDS[job.name].arguments(str(desk.loaded.root), str(desk.target))
        try:
            job.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "standoff.cli", *words, stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT, stdin=asyncio.subprocess.DEVNULL,
            )  # fmt: skip
            stream = job.process.stdout
            while stream is not None and (line := await stream.readline()):
                job.hear(line.decode(errors="replace"))
            code = await job.process.wait()
        except OSError as error:
            job.said, code = [str(error)], 1
        if job.state == "stopped":
            return
        job.state, job.share = ("done", 1.0) if code == 0 else ("failed", job.share)
        desk.look_again()

    def stop_all(self) -> None:
        """Stop whatever is at work, when the server ends."""
        for job in self.by_name.values():
            job.stop()


def jobs_of(desk: Desk) -> Jobs:
    """The jobs of a desk, which outlive what is read from the run."""
    found: Jobs = desk.attached.setdefault("jobs", Jobs(desk))
    return found


def start_button(desk: Desk, name: str) -> None:
    """A button that starts a command, then its progress with a button to stop it; the page reloads when it is done."""
    jobs = jobs_of(desk)

    @ui.refreshable
    def control() -> None:
        job = jobs.by_name.get(name)
        if job is not None and job.running:
            bar = ui.linear_progress(value=job.share, show_value=False).props(f'aria-label="progress of {name}"')
            stage = ui.label(job.stage).props('role="status"')
            ui.button("Stop", on_click=job.stop).props("flat no-caps dense")

            def follow() -> None:
                bar.value, stage.text = job.share, f"{job.share:.0%}: {job.stage}"
                if not job.running:
                    timer.deactivate()
                    if job.state == "done":
                        ui.navigate.reload()
                    else:
                        control.refresh()

            timer = ui.timer(0.5, follow)
            return
        if job is not None and job.state in ("failed", "stopped"):
            told = " ".join(job.said[-2:]) if job.state == "failed" else "what was finished is kept."
            ui.label(f"{'It failed' if job.state == 'failed' else 'Stopped'}: {told}").props('role="alert"')
        ui.button("Compute it now", on_click=begin).props("no-caps dense unelevated color=primary")

    def begin() -> None:
        jobs.start(name)
        control.refresh()

    control()
