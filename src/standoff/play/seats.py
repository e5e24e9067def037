"""Secret links, what they let one do, and how often.

A link is 32 random bytes; the store holds only its SHA-256, so that whoever reads the store can join nothing. Links
expire and can be revoked, at once for whoever has come in by them. Limits are buckets of tokens, in memory.
"""

import hashlib
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from standoff.play.refusal import Refused

Role = Literal["host", "facilitator", "coercer", "target", "observer"]
ROLES: tuple[Role, ...] = ("host", "facilitator", "coercer", "target", "observer")
DAY = 86400.0
LASTS = 7 * DAY
"""Seconds for which a link holds, where nothing else is said."""
LONGEST = 366 * DAY
WRONG = "This link does not hold: it is wrong, has expired, or was revoked. Ask the facilitator for a new one."


@dataclass(frozen=True)
class Caller:
    """Who asks: a link's id, its role, its game (none for the host), and until when it holds."""

    link: str
    role: Role
    game: str | None
    expires: float

    @property
    def side(self) -> str | None:
        """The side that a player plays."""
        return self.role if self.role in ("coercer", "target") else None


def new_token() -> str:
    """A secret link's token: 32 random bytes, as text for an address."""
    return secrets.token_urlsafe(32)


def new_id() -> str:
    """A name that tells nothing."""
    return secrets.token_hex(8)


def digest(token: str) -> str:
    """What the store holds of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


@dataclass(eq=False)
class Limits:
    """Buckets of tokens by name: `burst` at once, `rate` a second after that; the `most` latest are kept."""

    rate: float
    burst: float
    most: int = 10_000
    clock: Callable[[], float] = time.monotonic
    _left: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, name: str, cost: float = 1.0) -> None:
        """Take from a bucket.

        Raises:
            Refused: it is empty (status 429, with seconds to wait).
        """
        with self._lock:
            now = self.clock()
            left = self._filled(name, now)
            if left < cost:
                raise Refused("Too many requests. Wait a little.", 429, after=(cost - left) / self.rate)
            self._left[name] = (left - cost, now)
            self._left.move_to_end(name)
            while len(self._left) > self.most:
                self._left.popitem(last=False)

    def _filled(self, name: str, now: float) -> float:
        left, then = self._left.get(name, (self.burst, now))
        return min(self.burst, left + (now - then) * self.rate)
