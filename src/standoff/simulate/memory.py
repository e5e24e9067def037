"""Solutions and answers that are kept between questions, up to so many bytes."""

import os
from collections import OrderedDict
from dataclasses import dataclass, field
from threading import Lock

from standoff.game.against import Strategies
from standoff.game.sweep import Solution

SHARE = 0.25
"""Part of the machine's memory that solutions may take, at most `MOST`."""
MOST = 2 * 2**30
Kind = Solution | Strategies


def room() -> int:
    """Bytes that solutions may take on this machine."""
    try:
        whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return MOST
    return min(MOST, int(SHARE * whole))


@dataclass(eq=False)
class Memory:
    """Solutions and answers by the bytes of what was solved; what is to last stays, the rest goes, oldest first."""

    most: int
    held: int = 0
    _lasting: dict[bytes, Kind] = field(default_factory=dict)
    _passing: OrderedDict[bytes, Kind] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    def find(self, name: bytes) -> Kind | None:
        """What is kept under a name."""
        with self._lock:
            if name in self._passing:
                self._passing.move_to_end(name)
                return self._passing[name]
            return self._lasting.get(name)

    def keep(self, name: bytes, item: Kind, *, lasting: bool) -> None:
        """Keep something, for good if there is room and it is to last."""
        size = _bytes(item)
        with self._lock:
            if name in self._lasting or name in self._passing:
                return
            while self._passing and self.held + size > self.most:
                self.held -= _bytes(self._passing.popitem(last=False)[1])
            if self.held + size > self.most:
                return
            self.held += size
            (self._lasting if lasting else self._passing)[name] = item

    def clear(self) -> None:
        """Let go of everything."""
        with self._lock:
            self._lasting.clear()
            self._passing.clear()
            self.held = 0


def _bytes(item: Kind) -> int:
    if isinstance(item, Solution):
        return sum(table.nbytes for table in item.log_pi) + item.value.nbytes
    return sum(table.nbytes for table in item)
