"""A process that computes a part of the Mechanisms page, as its command does, and keeps it beside the run.

It is told which part, the case, the case's digest as the desk read it, and the run. It writes lines as commands do: its
progress (`45% playing coalitions (5 of 12)`), or the sentence that says why there is no answer; it exits with 0 once
the answer is kept, 2 on a mistake of the user's, 1 on one of ours. What it reads is closed when the server ends,
however that comes about: it ends then as well, and what is being written then is written to its end.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from standoff.case.load import LoadedCase, load_case
from standoff.errors import UserError

if TYPE_CHECKING:
    import xarray as xr

PARTS = ("attribution", "mechanisms")
"""What it can compute, by the name under which commands keep it."""


def compute(part: str, loaded: LoadedCase, progress: Callable[[str, float], None]) -> "xr.Dataset":
    """A part as its command computes it where nothing but the case and the run is named.

    Args:
        part: One of `PARTS`.
        loaded: The case.
        progress: Told the stage and the share that is done.
    """
    from standoff.show.pipeline import prepare
    from standoff.simulate.attribute import attribute
    from standoff.simulate.engine import default_workers
    from standoff.simulate.mechanisms import mechanisms

    prepare()
    if part == "attribution":
        return attribute(loaded, workers=default_workers(), progress=progress)
    return mechanisms(loaded, workers=default_workers(), progress=progress)


def work(part: str, case: Path, digest: str, run: Path, say: Callable[[str], None], writing: threading.Lock) -> int:
    """Compute a part and keep it beside the run.

    Args:
        part: One of `PARTS`.
        case: Where the case is.
        digest: Digest of the case as the desk read it.
        run: Folder of the run.
        say: Takes a line.
        writing: Held while the answer is written.

    Returns:
        The exit code.
    """
    from standoff.show import beside

    try:
        loaded = _as_read(case, digest)
        beside.require_run(run, digest)
        found = compute(part, loaded, lambda stage, share: say(f"{share:.0%} {stage}"))
        with writing, _undisturbed():
            beside.keep(found, run, part)
    except UserError as error:
        say(str(error))
        return 2
    except Exception as error:  # whatever it is, the reader must be told
        say(f"{type(error).__name__}: {error}")
        return 1
    return 0


def _as_read(case: Path, digest: str) -> LoadedCase:
    """The case, if it is still the one that the desk shows."""
    try:
        loaded = load_case(case)
    except UserError:
        loaded = None
    if loaded is None or loaded.digest != digest:
        from standoff.app.what_if_worker import EDITED

        raise UserError(EDITED)
    return loaded


@contextmanager
def _undisturbed() -> Iterator[None]:
    """A request to stop is let pass while an answer is written: it takes a moment, and the work is done."""
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def end_with(source: int, writing: threading.Lock) -> None:
    """End this process when what it reads (a file's number) is closed, after an answer that is being written."""

    def listen() -> None:
        while os.read(source, 1):
            pass
        with writing:
            os._exit(1)

    threading.Thread(target=listen, daemon=True).start()


def main() -> None:
    """Take the part, the case, its digest and the run from the command line."""
    part, case, digest, run = sys.argv[1:]
    sink, sys.stdout = sys.stdout, sys.stderr  # whatever prints must not write between the lines
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the server's, which then ends this process
    writing = threading.Lock()
    end_with(sys.stdin.fileno(), writing)

    def say(line: str) -> None:
        sink.write(" ".join(line.split()) + "\n")
        sink.flush()

    sys.exit(work(part, Path(case), digest, Path(run), say, writing))


if __name__ == "__main__":
    main()
