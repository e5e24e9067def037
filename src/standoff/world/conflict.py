"""Conflict: whether fighting begins after an ending (part of module 8).

    chance a month = 1 - (1 - base ratio')^(f/12)          f = 1, or 2.2 after imposed change, or 3 if it
    ratio' = imposed + (1 - imposed) ratio                 changed the leader alone

base: chance a year that a new armed conflict (25 dead) begins in a quiet autocracy, ratio: that of the mode of
exit to it, f: ratio of the rates over ten years after change imposed by another state (restoration of an
earlier order is no such change). The base of imposed change is that of any autocracy, since the count of its own
mode holds f already.

Switches: `ratio` 1 and `imposed` 0 return the base rate exactly.

References: Downes (2021), Catastrophic Success; counts: UCDP/PRIO Armed Conflict Dataset (Gleditsch et al.
2002) with Archigos (Goemans, Gleditsch & Chiozza 2009), autocracies from 1946 to 2014.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

MONTHS_A_YEAR = 12.0
Number = Float[Array, "*#draw"] | float

CONFLICT_COUNTS = {
    "any": (157, 4426),
    "regular": (16, 335),
    "natural_death": (1, 67),
    "coup": (7, 122),
    "palace": (0, 33),
    "protest": (3, 16),
    "rebels": (157, 4426),
    "foreign": (1, 14),
}
"""New conflicts within a year of an autocrat's exit in a quiet country, and exits, by mode.

"any" is any autocratic country-year. Rebels were not counted, since their victory ends a conflict: they have the
row of any.
"""


def conflict_ratio(mode: str) -> float:
    """Yearly chance of a new conflict after a mode of exit, over that of any autocracy (counts plus one half)."""
    (k, n), (base_k, base_n) = CONFLICT_COUNTS[mode], CONFLICT_COUNTS["any"]
    return ((k + 0.5) / (n + 1.0)) / ((base_k + 0.5) / (base_n + 1.0))


def conflict_chance(
    year: Number, ratio: Number, imposed: Number, leader_only: Number, by_imposed: Number, by_leader_only: Number
) -> Float[Array, "*draw"]:
    """Chance that a new armed conflict begins in a month.

    Args:
        year: base, chance a year.
        ratio: of the mode of exit to the base.
        imposed: 1 after change imposed by another state, else 0.
        leader_only: 1 if that changed the leader alone.
        by_imposed: ratio of rates after imposed change.
        by_leader_only: the same if only the leader is changed.

    Returns:
        Chance per month; 1 where base and ratio make the year's chance 1 or more.
    """
    more = imposed * ((1.0 - leader_only) * (by_imposed - 1.0) + leader_only * (by_leader_only - 1.0))
    base = jnp.minimum(jnp.asarray(year * (imposed + (1.0 - imposed) * ratio), dtype=float), 1.0)
    rate = -jnp.log1p(-base)
    return -jnp.expm1(-rate * (1.0 + more) / MONTHS_A_YEAR)
