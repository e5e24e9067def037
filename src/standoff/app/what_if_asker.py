"""The desk's side of the process that answers what-if questions: asked, under way, answered, stopped.

One process serves all readers of a desk. It starts with the first page that needs it, keeps the case warm
(`simulate.ask_again`), and is started anew if it was lost.
"""

import asyncio
import json
import os
import sys
import weakref
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from nicegui import background_tasks

from standoff.app.data import Desk
from standoff.app.what_if_question import Question

KEPT = 64
"""Answers that are kept; a link to one of them shows it at once."""
LOST = "The process that computes ended (code {code}), perhaps for want of memory. Ask again to start it anew."
GIVE_BACK = {"MALLOC_ARENA_MAX": "2", "MALLOC_MMAP_THRESHOLD_": str(2**20)}
"""Lets the C library of Linux return the memory of large arrays as soon as they are let go."""
LIMIT = 2**22
"""Longest line that the process writes, bytes."""
Answer = dict[str, Any]


@dataclass(eq=False)
class Asking:
    """A question on its way; `readers`: whoever waits for it and has not gone away."""

    number: int
    question: Question
    share: float = 0.0
    stage: str = "waiting"
    state: str = "running"
    why: str = ""
    readers: weakref.WeakSet[Any] = field(default_factory=weakref.WeakSet)

    @property
    def running(self) -> bool:
        """Whether an answer may still come."""
        return self.state == "running"


@dataclass(eq=False)
class Asker:
    """Questions to one case and their answers."""

    desk: Desk
    answers: OrderedDict[str, Answer] = field(default_factory=OrderedDict)
    numbers: dict[str, dict[str, tuple[float, float, float]]] = field(default_factory=dict)
    ready: bool = False
    _asked: dict[int, Asking] = field(default_factory=dict)
    _count: int = 0
    _process: asyncio.subprocess.Process | None = None
    _starting: asyncio.Lock = field(default_factory=asyncio.Lock)

    def answer(self, question: Question) -> Answer | None:
        """The answer to a question, if it is there."""
        found = self.answers.get(question.key)
        if found is not None:
            self.answers.move_to_end(question.key)
        return found

    def prepare(self, reader: object | None = None) -> Asking:
        """Let the process work out the case as it stands, unless it has or does."""
        under_way = next((one for one in self._asked.values() if one.running and not one.question.settings), None)
        return self.ask(under_way.question if under_way is not None else Question(), reader)

    def ask(self, question: Question, reader: object | None = None) -> Asking:
        """Ask; the answer will be among `answers`. The same question under way is not asked twice."""
        same = next((one for one in self._asked.values() if one.running and one.question == question), None)
        if same is not None:
            if reader is not None:
                same.readers.add(reader)
            return same
        self._count += 1
        asking = self._asked[self._count] = Asking(self._count, question)
        if reader is not None:
            asking.readers.add(reader)
        background_tasks.create(self._send(asking), name="what if")
        return asking

    def ahead(self, asking: Asking) -> Asking:
        """What the process works at before a question, or the question itself."""
        return next((one for one in self._asked.values() if one.running), asking)

    def stop(self, asking: Asking, reader: object | None = None) -> None:
        """Stop a question under way, unless another reader waits for it too; what was solved for it is kept."""
        if reader is not None:
            asking.readers.discard(reader)
        if asking.running and not asking.readers:
            asking.state = "stopped"
            self._asked.pop(asking.number, None)
            background_tasks.create(self._write({"stop": asking.number}), name="stop")

    def close(self) -> None:
        """End the process."""
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()

    async def _send(self, asking: Asking) -> None:
        settings = list(asking.question.settings)
        task = {"id": asking.number, "ask": {"asked": settings} if settings else {}, "from": asking.question.start,
                "draws": asking.question.draws}  # fmt: skip
        try:
            async with self._starting:
                if self._process is None or self._process.returncode is not None:
                    await self._start()
            await self._write(task)
        except OSError as error:
            self._end(asking, "failed", str(error))

    async def _start(self) -> None:
        self.ready = False
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "standoff.app.what_if_worker", str(self.desk.loaded.root),
            self.desk.loaded.digest,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=LIMIT,
            env={**GIVE_BACK, **os.environ},
        )  # fmt: skip
        background_tasks.create(self._listen(self._process), name="what if answers")

    async def _write(self, message: Answer) -> None:
        stream = self._process.stdin if self._process is not None else None
        if stream is not None and not stream.is_closing():
            stream.write(json.dumps(message).encode() + b"\n")
            await stream.drain()

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        stream = process.stdout
        while stream is not None and (line := await stream.readline()):
            self.hear(json.loads(line))
        code = await process.wait()
        if process is self._process:
            for asking in list(self._asked.values()):
                self._end(asking, "failed", LOST.format(code=code))

    def hear(self, message: Answer) -> None:
        """Take what the process says."""
        asking = self._asked.get(int(message["id"]))
        if "numbers" in message:
            self.numbers, self.ready = message["numbers"], True
        if asking is None:
            return
        if "share" in message:
            asking.share, asking.stage = message["share"], message["stage"]
        elif "answer" in message:
            self.answers[asking.question.key] = message["answer"] | {"took": message["took"]}
            while len(self.answers) > KEPT:
                self.answers.popitem(last=False)
            self._end(asking, "done")
        elif "numbers" in message:
            self._end(asking, "done")
        elif "stopped" in message:
            self._end(asking, "stopped")
        else:
            why = str(message.get("mistake") or message.get("failed", ""))
            self._end(asking, "failed", why.removeprefix("'asked': "))

    def _end(self, asking: Asking, state: str, why: str = "") -> None:
        self._asked.pop(asking.number, None)
        if asking.running:
            asking.state, asking.why, asking.share = state, why, 1.0 if state == "done" else asking.share


def asker_of(desk: Desk) -> Asker:
    """The asker of a desk, which outlives what is read from the run."""
    found: Asker | None = getattr(desk, "asker", None)
    if found is None:
        from nicegui import app

        found = Asker(desk)
        desk.asker = found  # type: ignore[attr-defined]
        app.on_shutdown(found.close)
    return found
