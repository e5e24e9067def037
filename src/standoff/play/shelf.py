"""Boards and solved minds, made once for a case and kept: in memory, and as files beside what is played.

A file's name is the digest of what it was made from (the case, the library's version, side, view and precision), so
that a changed case never meets an old board. Solving takes from seconds to a minute; a server asks in the background.
"""

import hashlib
import os
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

from standoff import __version__
from standoff.case.explain import suggestion
from standoff.case.load import LoadedCase
from standoff.play.board import FORMAT, Board, Held, pack_board, pack_held, unpack_board, unpack_held
from standoff.play.refusal import Refused

Said = Callable[[str, float], None]
LEAST, SHARPEST = 0.01, 50.0
"""Between which a precision can be."""


@runtime_checkable
class Makes(Protocol):
    """What makes boards and minds of a case (`standoff.play.solve.Solver`)."""

    def board(self) -> Board:
        """The case as a board."""

    def held(self, side: str, view: str, precision: float | None = None) -> Held:
        """What a side holds that sees the game by a view."""


def _solver(loaded: LoadedCase) -> Makes:
    from standoff.play.solve import Solver

    return Solver(loaded)


def views_of(loaded: LoadedCase) -> tuple[str, ...]:
    """Views that a seat can be given: the base, and those that sides hold outermost."""
    return ("base", *(view.id for view in loaded.case.views if view.inside is None))


def own_view(loaded: LoadedCase, side: str) -> str:
    """The view that the case gives a side."""
    found = loaded.case.view_of(side)  # type: ignore[arg-type]
    return found.id if found is not None else "base"


def require_mind(loaded: LoadedCase, view: str, precision: float | None) -> None:
    """Refuse a view that no seat can be given, or a precision out of range; nothing is solved."""
    known = views_of(loaded)
    if view not in known:
        raise Refused(f"'{view}' is no view for a seat. {suggestion(view, known)}")
    if precision is not None and not LEAST <= precision <= SHARPEST:
        raise Refused(f"A precision of {precision:g}: give one from {LEAST:g} to {SHARPEST:g}.")


@dataclass(eq=False)
class Shelf:
    """What is kept of a case. Without a `root` nothing is written."""

    loaded: LoadedCase
    root: Path | None = None
    maker: Callable[[LoadedCase], Makes] = _solver
    _board: Board | None = None
    _held: dict[str, Held] = field(default_factory=dict)
    _makes: Makes | None = None
    _making: dict[str, threading.Thread] = field(default_factory=dict)
    _failed: dict[str, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def _name(self, *words: object) -> str:
        text = "/".join(str(word) for word in (FORMAT, __version__, self.loaded.digest, *words))
        return hashlib.sha256(text.encode()).hexdigest()[:24]

    def _file(self, name: str) -> Path | None:
        return None if self.root is None else self.root / f"{name}.npz"

    def _kept(self, name: str) -> bytes | None:
        file = self._file(name)
        return file.read_bytes() if file is not None and file.exists() else None

    def _keep(self, name: str, content: bytes) -> None:
        file = self._file(name)
        if file is None:
            return
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(f".{os.getpid()}.part")
        part.write_bytes(content)
        part.replace(file)

    def _maker(self) -> Makes:
        if self._makes is None:
            self._makes = self.maker(self.loaded)
        return self._makes

    def board(self, said: Said = lambda stage, share: None) -> Board:
        """The case's board, made if it is not kept yet."""
        if self._board is not None:
            return self._board
        with self._lock:
            if self._board is None:
                name = self._name("board")
                content = self._kept(name)
                if content is None:
                    said("compiling the case", 0.0)
                    self._board = self._maker().board()
                    self._keep(name, pack_board(self._board))
                else:
                    self._board = unpack_board(content)
            return self._board

    def complete(self, minds: Iterable[tuple[str, str, float | None]]) -> bool:
        """Whether the board and some minds (side, view, precision) are kept, so that nothing need be solved."""
        names = [self._name("board"), *(self._key(*mind) for mind in minds)]
        return all((file := self._file(name)) is not None and file.exists() for name in names)

    def _key(self, side: str, view: str, precision: float | None) -> str:
        require_mind(self.loaded, view, precision)
        return self._name("held", side, view, "own" if precision is None else repr(float(precision)))

    def held(self, side: str, view: str, precision: float | None = None, said: Said = lambda s, x: None) -> Held:
        """What a side holds that sees the game by a view, solved if it is not kept yet.

        Raises:
            Refused: no such view, or a precision out of range.
        """
        key = self._key(side, view, precision)
        found = self._held.get(key)
        if found is None:
            content = self._kept(key)
            if content is not None:
                found = unpack_held(content)
            else:
                with self._lock:  # one at a time: a solver fills the machine
                    said(f"solving the {side}'s view '{view}'", 0.3)
                    found = self._held.get(key) or self._maker().held(side, view, precision)
                    self._keep(key, pack_held(found))
            self._held[key] = found
        return found

    def ask(self, side: str, view: str, precision: float | None = None) -> Held:
        """What a side holds, if it is kept; else it is solved in the background and the caller asks again.

        Raises:
            Refused: not yet solved (status 409, with seconds to wait), or it failed.
        """
        key = self._key(side, view, precision)
        if key in self._held or self._kept(key) is not None:
            return self.held(side, view, precision)
        running = self._making.get(key)
        if running is None or not running.is_alive():
            if key in self._failed:
                raise Refused(f"This view could not be solved: {self._failed.pop(key)}", 409)
            self._making[key] = threading.Thread(target=self._make, args=(key, side, view, precision), daemon=True)
            self._making[key].start()
        raise Refused(f"The view '{view}' at this precision is being solved. Ask again in a while.", 409, after=10.0)

    def _make(self, key: str, side: str, view: str, precision: float | None) -> None:
        try:
            self.held(side, view, precision)
        except Exception as error:
            self._failed[key] = str(error)
