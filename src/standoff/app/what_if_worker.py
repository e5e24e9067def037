"""A process that answers what-if questions about one case, one after the other, from a warm session.

It reads lines of JSON and writes lines of JSON. In: `{"id", "ask": {name: [PATH=VALUE, ...]}, "from", "draws"}`, with
an empty `ask` to prepare; `{"stop": id}`. Out, by id: `{"share", "stage"}` on the way, then one of `{"answer"}`,
`{"numbers"}` (after preparing), `{"stopped"}`, `{"mistake"}` (the user's) or `{"failed"}` (ours). It ends soon after
its input does, so that it does not outlive the server.
"""

import datetime as dt
import json
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from standoff.case.load import LoadedCase
from standoff.errors import UserError
from standoff.simulate.ask_again import DRAWS, Session
from standoff.simulate.setup import SIDES, TRUTH

EDITED = "The case was edited after the desk was opened. Start `standoff serve` again to ask about it as it is now."
Message = dict[str, Any]
Tell = Callable[[Message], None]


class Stopped(Exception):
    """The one who asked wants no answer any more."""


class Answerer:
    """Sessions of one case by the number of draws: the usual one, and the last other one."""

    def __init__(self, loaded: LoadedCase, workers: int) -> None:
        """Nothing is computed yet."""
        self.loaded, self.workers = loaded, workers
        self.sessions: dict[int, Session] = {}

    def session(self, draws: int) -> Session:
        """The session of so many draws."""
        usual = self.sessions.setdefault(DRAWS, Session(self.loaded, draws=DRAWS, workers=self.workers))
        if draws not in self.sessions:
            self.sessions = {DRAWS: usual}
            self.sessions[draws] = Session(self.loaded, draws=draws, workers=self.workers, beside=usual)
        return self.sessions[draws]

    def reply(self, task: Message, tell: Tell, stopped: Callable[[int], bool]) -> None:
        """Answer one message."""
        number = int(task["id"])

        def progress(stage: str, share: float) -> None:
            if stopped(number):
                raise Stopped
            tell({"id": number, "share": round(share, 3), "stage": stage})

        began, spent = time.perf_counter(), time.process_time()
        try:
            session = self.session(int(task.get("draws") or DRAWS))
            start = dt.date.fromisoformat(task["from"]) if task.get("from") else None
            progress("starting", 0.0)
            if not task["ask"]:
                session.prepare(start, progress)
                tell({"id": number, "numbers": numbers(session)})
                return
            found = session.ask(task["ask"], start=start, progress=progress)
        except Stopped:
            tell({"id": number, "stopped": True})
        except UserError as error:
            tell({"id": number, "mistake": str(error)})
        except Exception as error:  # whatever it is, the next question must find the process alive
            tell({"id": number, "failed": f"{type(error).__name__}: {error}"})
        else:
            from standoff.show.ask import whatif_dict

            took = {"wall": time.perf_counter() - began, "cpu": time.process_time() - spent, "solved": session.solved}
            tell({"id": number, "answer": whatif_dict(found), "took": took})


def numbers(session: Session) -> dict[str, dict[str, tuple[float, float, float]]]:
    """What the world's modules computed: least, middle and most over the draws, by view (the base under `truth`)."""
    main = session.main()
    held = {TRUTH: None} | {view.id: view for view in (main.view(side) for side in SIDES) if view is not None}
    found: dict[str, dict[str, tuple[float, float, float]]] = {}
    for name, view in held.items():
        values = main.sheet(view).values
        found[name] = {
            path: (float(np.min(values[path])), float(np.median(values[path])), float(np.max(values[path])))
            for path in sorted(session.computed())
        }
    return found


def work(loaded: LoadedCase, source: Iterable[str], send: Callable[[str], None], workers: int) -> None:
    """Answer until the input ends."""
    tasks: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
    stops: set[int] = set()
    closed = threading.Event()
    one = threading.Lock()

    def tell(message: Message) -> None:
        with one:
            send(json.dumps(message, ensure_ascii=False))

    def listen() -> None:
        for line in source:
            message = json.loads(line)
            if "stop" in message:
                stops.add(int(message["stop"]))
            else:
                tasks.put(message)
        closed.set()
        tasks.put(None)

    def stopped(number: int) -> bool:
        return closed.is_set() or number in stops

    threading.Thread(target=listen, daemon=True).start()
    answerer = Answerer(loaded, workers)
    spare: Iterator[str] = iter(())
    while True:
        while tasks.empty() and not closed.is_set() and next(spare, None) is not None:
            pass  # with nothing to answer, the next step of warming up
        task = tasks.get()
        if task is None:
            return
        answerer.reply(task, tell, stopped)
        if not task["ask"]:
            spare = answerer.session(DRAWS).warm()


def refuse(source: Iterable[str], send: Callable[[str], None]) -> None:
    """Say to whatever is asked that the case is another than the one that the desk shows."""
    for line in source:
        message = json.loads(line)
        if "stop" not in message:
            send(json.dumps({"id": message["id"], "mistake": EDITED}))


def main() -> None:
    """Take the case, and its digest as the desk read it, from the command line."""
    sink, sys.stdout = sys.stdout, sys.stderr  # whatever prints must not write between the lines
    from standoff.case.load import load_case
    from standoff.show.pipeline import prepare
    from standoff.simulate.engine import default_workers

    prepare()

    def send(line: str) -> None:
        sink.write(line + "\n")
        sink.flush()

    loaded = load_case(Path(sys.argv[1]))
    if loaded.digest != sys.argv[2]:
        refuse(sys.stdin, send)
        return
    work(loaded, sys.stdin, send, default_workers())


if __name__ == "__main__":
    main()
