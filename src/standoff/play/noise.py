"""Chance in a played game: uniform numbers that belong to a seed and a name, on every machine and version the same.

The number is the first 53 bits of SHA-256 over `seed/name/name/...`, divided by 2^53. Names are the round, the stage
and the purpose, so that no number is used twice and a replay of the same moves meets the same chance.
"""

import hashlib
from collections.abc import Callable

import numpy as np

Noise = Callable[..., float]
"""A uniform number in [0, 1) from names."""


def uniform(seed: int, *names: int | str) -> float:
    """The uniform number of a seed and names, in [0, 1)."""
    text = "/".join(str(name) for name in (seed, *names))
    return (int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 11) * 2.0**-53


def noise_of(seed: int) -> Noise:
    """All uniform numbers of a game."""
    return lambda *names: uniform(seed, *names)


def choose(chance: np.ndarray, u: float) -> int:
    """Index of the option that a uniform number falls on; chances need not sum to 1."""
    level = np.cumsum(chance)
    return int(min((u * level[-1] >= level).sum(), len(level) - 1))
