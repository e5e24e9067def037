"""What the pages show of one case: the case, its sources, a run of it, and what was kept beside the run.

Each part is read once, when it is first asked for, and kept for the life of the process; `Desk.look_again` drops what
was read from the run, after a job has added to it. Nothing here draws or knows of a browser.
"""

import datetime as dt
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import xarray as xr

from standoff.case.audit import Audit, audit
from standoff.case.copies import Copy, copies
from standoff.case.load import LoadedCase
from standoff.errors import UserError
from standoff.show.report import BESIDE
from standoff.show.screens.screen import Findings
from standoff.show.words import Names, names
from standoff.simulate.record import Record, record

FORECAST = "forecast.zarr"
STORES = {**BESIDE, "forecast": FORECAST}
"""What other commands keep beside a run, by the name under which the pages ask for it."""
T = TypeVar("T")


@dataclass(frozen=True)
class Command:
    """What makes a part that is missing: the command, how long it takes, and whether a button starts it."""

    what: str
    words: tuple[str, ...]
    takes: str
    button: bool = False

    def line(self, case: str, run: str) -> str:
        """As one would type it."""
        return " ".join(_quoted(word.format(case=case, run=run)) for word in ("standoff", *self.words))

    def arguments(self, case: str, run: str) -> list[str]:
        """As a process takes it, without the program."""
        return [word.format(case=case, run=run) for word in self.words]


COMMANDS = {
    "run": Command("The run: endings, beliefs, worths", ("run", "{case}", "--out", "{run}"), "about 3 minutes", True),
    "scores": Command("Scores of the forecasts", ("score", "{case}", "--out", "{run}"), "seconds", True),
    "forecast": Command(
        "The model’s own forecasts", ("forecast", "{case}", "--every", "round", "--out", "{run}"), "tens of minutes"
    ),
    "posterior": Command("What the record says of beliefs and numbers", ("infer", "{case}", "--out", "{run}"),
                         "tens of minutes"),
    "mechanisms": Command("What each mechanism does", ("mechanisms", "{case}", "--out", "{run}"), "several minutes"),
    "attribution": Command("Which misreading cost most", ("attribute", "{case}", "--out", "{run}"), "several minutes"),
}  # fmt: skip
"""What makes each part; times on two cores for the largest shipped case."""


def _quoted(word: str) -> str:
    return f'"{word}"' if " " in word else word


class Desk:
    """A case with its run, as the pages see them.

    Args:
        loaded: The case.
        runs: The folder in which runs are looked for and made.
        documents: The analyst's copies of the documents, if a folder was named.
        called: The case as the user named it, for commands that are shown.
    """

    def __init__(self, loaded: LoadedCase, runs: Path, documents: Path | None = None, called: str = "") -> None:
        """Nothing is read yet."""
        self.loaded, self.runs, self.documents = loaded, runs, documents
        self.called = called or loaded.name
        self.attached: dict[str, Any] = {}  # what outlives a run, such as the jobs at work
        self._kept: dict[str, Any] = {}
        self._lock = threading.RLock()

    @property
    def digest(self) -> str:
        """Digest of the case."""
        return self.loaded.digest

    @cached_property
    def names(self) -> Names:
        """What the case calls its sides."""
        return names(self.loaded.case)

    @cached_property
    def audit(self) -> Audit:
        """What the case rests on, with the quotations of the user's copies where they are at hand."""
        return audit(self.loaded, self.documents, quotes=self.documents is not None)

    @cached_property
    def copies(self) -> dict[str, Copy]:
        """The user's copies by document."""
        return {} if self.documents is None else copies(self.loaded.case.documents, self.documents)

    def keep(self, name: str, make: Callable[[], T]) -> T:
        """What `make` gives, computed once until the run changes."""
        with self._lock:
            if name not in self._kept:
                self._kept[name] = make()
            found: T = self._kept[name]
            return found

    def look_again(self) -> None:
        """Forget what was read from the run."""
        with self._lock:
            self._kept.clear()

    @property
    def run(self) -> Path | None:
        """The newest whole run of this case as it stands; none if there is none."""
        return self.keep("run", lambda: find_run(self.runs, self.digest))

    @property
    def target(self) -> Path:
        """Where a run of this case is, or would be made: never over a run of another case or of an older one."""
        if self.run is not None:
            return self.run
        plain = self.runs / self.loaded.case.crisis.id
        if not plain.exists() or not any(plain.iterdir()):
            return plain
        return self.runs / f"{self.loaded.case.crisis.id}-{self.digest[:8]}"

    def store(self, name: str) -> xr.DataTree | None:
        """What a command kept beside the run; none if it did not, or did for another case."""
        return self.keep(f"store {name}", lambda: self._read(STORES[name]))

    def _read(self, store: str) -> xr.DataTree | None:
        run = self.run
        if run is None or not (run / store).is_dir():
            return None
        tree = xr.open_datatree(run / store, engine="zarr", consolidated=False).load()
        return tree if tree.attrs.get("digest") == self.digest else None

    def data(self, name: str) -> xr.Dataset | None:
        """The same, where it is one table."""
        tree = self.store(name)
        return None if tree is None else tree.to_dataset()

    @property
    def results(self) -> xr.DataTree | None:
        """The results of the run."""

        def read() -> xr.DataTree | None:
            if self.run is None:
                return None
            return xr.open_datatree(self.run / "results.zarr", engine="zarr", consolidated=False).load()

        return self.keep("results", read)

    @property
    def posterior(self) -> xr.DataTree | None:
        """What the record says, if `standoff infer` was run into this run."""
        return self.store("posterior")

    @property
    def along(self) -> Record:
        """The record as moves of the game."""

        def read() -> Record:
            until = "" if self.results is None else str(self.results.attrs.get("until") or "")
            return record(self.loaded.case, dt.date.fromisoformat(until) if until else None)

        return self.keep("along", read)

    @property
    def findings(self) -> Findings | None:
        """What the report's screens draw on; none without a run."""

        def make() -> Findings | None:
            if self.results is None:
                return None
            groups = {name: child.to_dataset() for name, child in self.results.children.items()}
            tree = xr.DataTree.from_dict({**groups, **self._beside()})
            tree.attrs.update(self.results.attrs)
            return Findings(self.loaded, tree, self.audit, self.along, self.names, self.documents is not None)

        return self.keep("findings", make)

    def _beside(self) -> dict[str, xr.Dataset | xr.DataTree]:
        found: dict[str, xr.Dataset | xr.DataTree] = {}
        for name in BESIDE:
            tree = self.store(name)
            if tree is not None:
                found[name] = tree if tree.children else tree.to_dataset()
        return found

    @property
    def bare(self) -> Findings:
        """The same without a run, for what is about the case alone."""
        if self.findings is not None:
            return self.findings
        return self.keep(
            "bare",
            lambda: Findings(
                self.loaded, xr.DataTree(), self.audit, self.along, self.names, self.documents is not None
            ),
        )

    def command(self, name: str) -> str:
        """The command that makes a part, as one would type it."""
        return COMMANDS[name].line(self.called, str(self.target))


def find_run(runs: Path, digest: str) -> Path | None:
    """The newest whole run of a case in a folder of runs, or that folder itself if it is one."""
    if not runs.is_dir():
        return None
    found = []
    for folder in (runs, *(child for child in runs.iterdir() if child.is_dir() and not child.name.startswith("."))):
        about = manifest(folder)
        if about.get("digest") == digest and about.get("complete") and (folder / "results.zarr").is_dir():
            found.append((not about.get("until"), str(about.get("written", "")), folder))
    return max(found)[2] if found else None


def manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a run; empty where there is none that can be read."""
    try:
        found = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def require_folder(path: Path | None, what: str) -> None:
    """Refuse a folder that is not there."""
    if path is not None and not path.is_dir():
        raise UserError(f"{path}: there is no such folder of {what}.")
