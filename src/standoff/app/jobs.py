"""What the desk computes in the background: a command of the library in a process of its own, with its progress.

A process of its own keeps the pages quick while the solver works, and can be stopped at any time. All readers of a desk
share what is at work: each sees its progress, and who stops it stops it for all, unless it is waited for on another
open page. It goes on when pages are closed, to be found when one is opened again. What takes all cores for a minute
waits its turn.
"""

import asyncio
import os
import re
import sys
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from nicegui import background_tasks, ui

from standoff.app.data import COMMANDS, Desk
from standoff.app.what_if_asker import GIVE_BACK

LINE = re.compile(r"^\s*(\d+)% (.*)$")
LINES = 6
"""Last lines of a job that are kept, for when it fails."""
LOST = "The process that computes ended (code {code}), perhaps for want of memory."
WORKERS = {name: "standoff.app.mechanisms_worker" for name in ("attribution", "mechanisms")}
"""Commands that have a process of the desk's own, which refuses an edited case and ends with the server."""
BEAT = 0.5
"""Seconds between two looks at a job."""


@dataclass(eq=False)
class Job:
    """A command at work: its share done, its stage in words, how it ended; `readers`: whoever waits for it."""

    name: str
    share: float = 0.0
    stage: str = "starting"
    state: str = "running"
    said: list[str] = field(default_factory=list)
    process: asyncio.subprocess.Process | None = None
    readers: weakref.WeakSet[Any] = field(default_factory=weakref.WeakSet)
    began: float | None = None

    @property
    def running(self) -> bool:
        """Whether it is still at work."""
        return self.state == "running"

    @property
    def progress(self) -> str:
        """How far it is, in words."""
        if self.name not in WORKERS:  # which says how much time is left
            return f"{self.share:.0%}: {self.stage}"
        if self.began is None:
            return self.stage
        return f"{self.share:.0%}: {self.stage}, {time.monotonic() - self.began:.0f} s so far"

    def hear(self, line: str) -> None:
        """Take a line of what the command says."""
        found = LINE.match(line)
        if found:
            self.share, self.stage = int(found[1]) / 100, found[2]
        elif line.strip():
            self.said = [*self.said, line.strip()][-LINES:]

    def stop(self, reader: object | None = None) -> None:
        """Stop the command, unless another reader whose page is open waits for it too."""
        if reader is not None:
            self.readers.discard(reader)
        if self.running and not any(not getattr(one, "is_deleted", False) for one in self.readers):
            self.end()

    def end(self) -> None:
        """Stop the command, whoever waits for it."""
        if self.running:
            self.state = "stopped"
            if self.process is not None and self.process.returncode is None:
                self.process.terminate()


class Jobs:
    """The jobs of one desk, one of a kind at a time."""

    def __init__(self, desk: Desk) -> None:
        """None is running."""
        self.desk = desk
        self.by_name: dict[str, Job] = {}
        self._turn = asyncio.Lock()

    def under_way(self, name: str) -> Job | None:
        """A command at work, if it is."""
        job = self.by_name.get(name)
        return job if job is not None and job.running else None

    def start(self, name: str) -> Job:
        """Begin a command, unless it is at work already."""
        old = self.under_way(name)
        if old is not None:
            return old
        job = self.by_name[name] = Job(name)
        background_tasks.create(self._in_turn(job), name=f"standoff {name}")
        return job

    async def _in_turn(self, job: Job) -> None:
        if job.name not in WORKERS:
            await self._run(job)
            return
        if self._turn.locked():
            job.stage = "Waiting until the other analysis is done"
        async with self._turn:
            if job.running:
                job.stage, job.began = "starting", time.monotonic()
                await self._run(job)

    def _words(self, name: str) -> list[str]:
        """What Python runs: the command, or the desk's own process."""
        desk = self.desk
        if name in WORKERS:
            return [WORKERS[name], name, str(desk.loaded.root), desk.digest, str(desk.target)]
        return ["standoff.cli", *COMMANDS[name].arguments(str(desk.loaded.root), str(desk.target))]

    async def _run(self, job: Job) -> None:
        try:
            job.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", *self._words(job.name), stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT, env={**GIVE_BACK, **os.environ},
                stdin=asyncio.subprocess.PIPE if job.name in WORKERS else asyncio.subprocess.DEVNULL,
            )  # fmt: skip
            if not job.running:  # stopped in the meantime
                job.process.terminate()
            stream = job.process.stdout
            while stream is not None and (line := await stream.readline()):
                job.hear(line.decode(errors="replace"))
            code = await job.process.wait()
        except (OSError, ValueError) as error:  # such as a line without end
            job.said, code = [str(error)], 1
            if job.process is not None and job.process.returncode is None:
                job.process.kill()
        if code < 0 or (code and not job.said):
            job.said = [LOST.format(code=code)]
        if job.state == "stopped":
            return
        job.state, job.share = ("done", 1.0) if code == 0 else ("failed", job.share)
        self.desk.look_again()

    def stop_all(self) -> None:
        """Stop whatever is at work, when the server ends."""
        for job in self.by_name.values():
            job.end()


def jobs_of(desk: Desk) -> Jobs:
    """The jobs of a desk, which outlive what is read from the run."""
    found: Jobs = desk.attached.setdefault("jobs", Jobs(desk))
    return found


class Control:
    """A button that starts a command, then its progress with a button to stop it, on one reader's page.

    Args:
        desk: The desk.
        name: The command, by the name in `COMMANDS`.
        label: What the button says.
        then: Called once the command is done.
        there: Tells whether what is missing was made by somebody else, such as by the command in a terminal.
    """

    def __init__(
        self, desk: Desk, name: str, label: str, then: Callable[[], object], there: Callable[[], bool] = lambda: False
    ) -> None:  # fmt: skip
        """Join what is at work."""
        self.jobs, self.name, self.label, self.then, self.there = jobs_of(desk), name, label, then, there
        self.reader = ui.context.client
        self.left: Job | None = None
        self.job: Job | None = None
        self._join(self.jobs.under_way(name))
        self.show()
        self.timer = ui.timer(BEAT, self.follow)

    def _join(self, job: Job | None) -> None:
        self.job = job
        if job is not None:
            job.readers.add(self.reader)

    def begin(self) -> None:
        """The reader presses the button."""
        self.left = None
        self._join(self.jobs.start(self.name))
        self.show.refresh()

    def stop(self) -> None:
        """The reader does not want it any more."""
        if self.job is not None:
            self.job.stop(self.reader)
            self.left, self.job = self.job, None
        self.show.refresh()

    def follow(self) -> None:
        """A beat: tell how far it is, and what came of it."""
        known, now = self.job or self.left, self.jobs.under_way(self.name)
        if known is not None and not known.running:
            self.job = self.left = None
            self._done() if known.state == "done" else self.show.refresh()
        elif self.job is not None:
            self.bar.value, self.stage.text = self.job.share, self.job.progress
        elif now is not None and now is not self.left:  # another reader has begun it
            self._join(now)
            self.show.refresh()
        elif now is None and self.there():
            self.jobs.desk.look_again()
            self._done()

    def _done(self) -> None:
        self.timer.deactivate()
        self.then()

    @ui.refreshable_method
    def show(self) -> None:
        """The bar, or the button with how the last one ended."""
        if self.job is not None:
            self.bar = ui.linear_progress(value=self.job.share, show_value=False)
            self.bar.props["aria-label"] = f"progress of {self.name}"
            self.stage = ui.label(self.job.progress).props('role="status"')
            self._button("Stop", self.stop).props("flat")
            return
        last = self.jobs.by_name.get(self.name)
        label = self.label
        if last is not None and last.running:
            ui.label("You wait no longer. It goes on, since another open page waits for it.").props('role="status"')
            label = "Show its progress"
        elif last is not None and last.state == "failed":
            ui.label(f"It failed: {' '.join(last.said[-2:])}").props('role="alert"')
        elif last is not None and last.state == "stopped":
            kept = "nothing is kept of it." if self.name in WORKERS else "what was finished is kept."
            ui.label(f"Stopped: {kept}").props('role="alert"')
        self._button(label, self.begin).props("unelevated color=primary")

    def _button(self, label: str, press: Callable[[], None]) -> ui.button:
        """A button whose name tells which command it is about, since a page may have several."""
        found = ui.button(label, on_click=press).props("no-caps dense")
        found.props["aria-label"] = f"{label}: {COMMANDS[self.name].what}"
        return found


def start_button(desk: Desk, name: str) -> None:
    """A button that starts a command, with its progress; the page reloads when it is done."""
    Control(desk, name, "Compute it now", ui.navigate.reload)
