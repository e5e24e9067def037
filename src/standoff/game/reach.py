"""Which states a crisis can come to, given which changes of level have any chance in one draw.

A form holds what is possible in any draw and any view. In one of them far less may be: where a level cannot be come to,
no strategy for it is asked for, and `sweep` leaves its states out. What is solved elsewhere does not depend on them.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool

from standoff.game.form import Form


@dataclass(frozen=True, eq=False)
class Reached:
    """States by stage, nature's last, that can be come to: their indices, rising."""

    states: tuple[np.ndarray, ...]

    @cached_property
    def name(self) -> bytes:
        """The same states have the same name."""
        found = hashlib.sha256()
        for states in self.states:
            found.update(len(states).to_bytes(8, "little") + states.astype(np.int32).tobytes())
        return found.digest()


def reached(form: Form, possible: Bool[np.ndarray, "nature branch"], first: Sequence[int]) -> Reached:
    """States that can be come to from the states `first` of the first stage, by any moves.

    Args:
        form: The game's form.
        possible: Which of nature's branches have any chance.
        first: Indices of states of the first stage.
    """
    seen = [np.zeros(len(stage.states), bool) for stage in form.stages]
    seen.append(np.zeros(len(form.nature_states), bool))
    seen[0][list(first)] = True
    known = 0
    while known < (known := int(seen[0].sum())):
        for index, stage in enumerate(form.stages):
            for m in stage.going:
                seen[stage.leads[m]][stage.follow[seen[index] & stage.mask[:, m], m]] = True
        rows = seen[form.nature]
        seen[0][form.branch[rows][possible[rows] & (form.branch[rows] >= 0)]] = True
    return Reached(tuple(np.flatnonzero(here) for here in seen))
