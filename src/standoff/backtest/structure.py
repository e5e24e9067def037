"""Models that know the game: chances of the endings from a game, and chances of a yes within each ending.

    P(yes | x) = Σ_e P(e | x) s_e     e: target concedes (cd), threat is carried out (sf), sender backs down (bd)

P(e | x) is of a game estimated on the endings of the training cases (`games`); s_e is the share of yes among training
cases that ended in e (a smoothed one; success can also come after the threat was carried out), or, where asked, a
regression within e. Cases that are sure of an ending from their start (`Game.starts`) have their own s_e.
"""

import hashlib
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np

from standoff.backtest.features import Encoder, encoder
from standoff.backtest.mapping import ENDINGS
from standoff.backtest.models import Lesson, chosen_ridge, ridge_fit
from standoff.backtest.table import Known
from standoff.errors import Failure

LEAST = 30
"""Training cases with a known ending under which no game is estimated."""


@runtime_checkable
class Chances(Protocol):
    """Chances of the endings, once estimated."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What should be known of the estimation."""
        ...

    def __call__(self, known: Known) -> np.ndarray:
        """Axes case, ending."""
        ...


@runtime_checkable
class Estimator(Protocol):
    """A way from training cases to chances of the endings."""

    def __call__(self, lesson: Lesson) -> Chances:
        """Estimate; every case of the lesson has an ending."""
        ...


@dataclass(frozen=True, eq=False)
class Structured:
    """A fitted game with what follows each ending."""

    chances: Chances
    share: np.ndarray
    """Axes (reached, sure from the start), ending."""
    within: dict[int, tuple[Encoder, np.ndarray, float]]
    notes: tuple[str, ...] = ()

    def predict(self, known: Known) -> np.ndarray:
        """Chance of a yes."""
        ending = self.chances(known)
        sure = known.started >= 0
        ending[sure] = np.eye(len(ENDINGS))[known.started[sure]]
        yes = np.where(sure[:, None], self.share[1], self.share[0])
        for k, (encode, weight, constant) in self.within.items():
            yes[:, k] = 1 / (1 + np.exp(-(encode(known) @ weight + constant)))
        return np.asarray((ending * yes).sum(axis=1))


@dataclass(frozen=True)
class Structural:
    """A game, and within each ending a share or a regression.

    `within`: with True, chances of a yes within an ending come from a ridge regression where both answers occur there
    at least `FEW` times.
    """

    name: str
    title: str
    estimate: Estimator
    within: bool = False
    kept: dict[str, Chances] = field(default_factory=dict, repr=False, compare=False)

    FEW = 15

    def fit(self, lesson: Lesson) -> Structured:
        """Estimate the game on the endings, then what follows each."""
        sure = lesson.known.started >= 0
        played = lesson.take((lesson.ending >= 0) & ~sure)
        if len(played) < LEAST:
            raise Failure(f"{len(played)} training cases with a known ending are too few for a game.")
        key = _key(played)
        if key not in self.kept:
            self.kept[key] = self.estimate(played)
        chances = self.kept[key]
        share = np.stack([_shares(lesson, ~sure), _shares(lesson, sure)])
        within = {}
        for k in range(len(ENDINGS)) if self.within else ():
            inside = lesson.take(lesson.ending == k)
            if min((inside.answer == 1).sum(), (inside.answer == 0).sum()) >= self.FEW:
                encode = encoder(inside.known)
                within[k] = (encode, *ridge_fit(encode(inside.known), inside.answer, chosen_ridge(inside)))
        return Structured(chances, share, within, chances.notes)


def _shares(lesson: Lesson, which: np.ndarray) -> np.ndarray:
    """Share of yes by ending among some of the cases, one yes in two more cases added at the rate of the ending."""
    found = np.empty(len(ENDINGS))
    for k in range(len(ENDINGS)):
        every = lesson.answer[lesson.ending == k]
        rate = (every.sum() + 0.5 * lesson.answer.mean()) / (len(every) + 0.5)
        here = lesson.answer[(lesson.ending == k) & which]
        found[k] = (here.sum() + 2 * rate) / (len(here) + 2)
    return found


def _key(lesson: Lesson) -> str:
    head = lesson.known.frame.write_csv().encode()
    return hashlib.sha256(head + lesson.ending.tobytes() + "".join(lesson.group).encode()).hexdigest()
