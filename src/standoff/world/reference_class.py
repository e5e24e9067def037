"""Reference classes: how often the like of a strike, a hunt or a demand has worked.

    p_a ~ Beta(k_a + 1/2, n_a - k_a + 1/2)                 mean_a = (k_a + 1/2)/(n_a + 1)
    mean = sum_a w_a mean_a / sum_a w_a

k_a successes in n_a past events of class a, w_a weight given to the class by kind of strike or by a view.
All are chances per event. Two classes are not counts of ours and keep the Beta of the table of parameters.

A class is about something: `leader` (in hand or dead), `office` (out of office), `regime` (replaced), `demand`
(met). Only the first enters the lottery of a strike; the others serve named outcomes, or an analogy that a
view holds. No class rests on an event of a shipped case; a case that dates from later may bring its own.

References: Hosmer (2001), Operations Against Enemy Leaders; Runkle (2011), Wanted Dead or Alive; Jones &
Olken (2009), Hit or Miss?; Horowitz & Reiter (2001), When Does Aerial Bombing Work?; Downes & O'Rourke (2016),
You Can't Always Get What You Want; Downes (2018), Step Aside or Face the Consequences; Sechser (2011), Militarized
Compellent Threats. The Jeffreys prior (1/2, 1/2): Jeffreys (1961), Theory of Probability.
"""

from dataclasses import dataclass
from typing import Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from standoff.errors import UserError
from standoff.world.noise import named_keys

Event = Literal["leader", "office", "regime", "demand"]
ByClass = Float[Array, "class *#draw"]


@dataclass(frozen=True)
class ReferenceClass:
    """Past events of one sort: parameters of the Beta of their chance, what the event is, where it was counted."""

    name: str
    successes: float  # first parameter of the Beta, events plus one half
    failures: float  # second
    event: Event
    source: str

    @property
    def mean(self) -> float:
        """Mean chance of the event."""
        return self.successes / (self.successes + self.failures)


def counted(name: str, hits: int, tries: int, event: Event, source: str) -> ReferenceClass:
    """Reference class of `hits` in `tries`."""
    return ReferenceClass(name, hits + 0.5, tries - hits + 0.5, event, source)


LEADER_CLASSES = (
    counted("standoff_attack", 0, 7, "leader", "Hosmer 2001 and own count from 2003"),
    counted("manhunt", 6, 8, "leader", "Runkle 2011: by ground forces, months allowed"),
    counted("capture_30d", 1, 4, "leader", "own count: in hand within 30 days of a land intervention"),
    counted("assassination", 59, 251, "leader", "Jones & Olken 2009: a weapon was used"),
)
"""Classes whose event is capture or death of the leader, in the order of every array with a class axis."""

OTHER_CLASSES = (
    counted("takedown", 6, 6, "office", "own count: out of office after a land intervention"),
    counted("forced_year", 9, 87, "office", "ICB v14 with Archigos 4.1: within a year of a crisis with a great power"),
    counted("air_coercion", 19, 53, "demand", "Horowitz & Reiter 2001"),
    ReferenceClass("compellence", 87.0, 124.0, "demand", "Sechser 2011: all militarised compellent threats"),
    ReferenceClass("demand_exit", 9.0, 2.0, "demand", "Downes 2018: selected, helpless targets of strong neighbours"),
    counted("covert", 24, 63, "regime", "Downes & O'Rourke 2016"),
)
"""Classes about something else than the leader's person."""


def find(name: str) -> ReferenceClass:
    """Reference class by name.

    Raises:
        UserError: no class of that name.
    """
    known = {one.name: one for one in (*LEADER_CLASSES, *OTHER_CLASSES)}
    if name not in known:
        raise UserError(f"No reference class is called {name!r}; known are {', '.join(sorted(known))}.")
    return known[name]


def class_means(classes: tuple[ReferenceClass, ...] = LEADER_CLASSES) -> Float[Array, " class"]:
    """Mean chance of every class."""
    return jnp.array([one.mean for one in classes])


def draw_classes(
    key: PRNGKeyArray, shape: tuple[int, ...], classes: tuple[ReferenceClass, ...] = LEADER_CLASSES
) -> Float[Array, "class *draw"]:
    """Chances of every class drawn from their Betas: how little so few events tell.

    Args:
        key: key of these draws; each class uses the part that bears its name.
        shape: shape of the draws.
        classes: classes, in the order of the first axis of the result.

    Returns:
        Chances per event.
    """
    keys = named_keys(key, tuple(one.name for one in classes))
    return jnp.stack([jax.random.beta(keys[one.name], one.successes, one.failures, shape) for one in classes])


def mix(weight: ByClass, chance: ByClass) -> Float[Array, "*draw"]:
    """Chance of the event when classes count by weight; weights need not sum to 1."""
    return jnp.sum(weight * chance, axis=0) / jnp.sum(weight, axis=0)
