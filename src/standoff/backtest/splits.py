"""Who trains and who is tested: forward in time, from a rolling origin, or in folds of whole crises.

A case trains only once its answer was known (`Cases.resolved`): a case that began before the origin and ended after it
is no lesson yet.
"""

import hashlib
from dataclasses import dataclass

import numpy as np

from standoff.backtest.mapping import Split
from standoff.backtest.table import Cases
from standoff.errors import UserError

LEAST_TRAIN = 20
"""Training cases with a known answer under which a fold is not run."""


@dataclass(frozen=True, eq=False)
class Fold:
    """Indices of training cases and of tested ones. `unresolved`: began before the origin, answer known after it."""

    name: str
    train: np.ndarray
    test: np.ndarray
    unresolved: int = 0


def folds(cases: Cases, split: Split, name: str, *, seed: int = 1) -> list[Fold]:
    """The folds of a question under a split.

    Raises:
        UserError: nobody to train on, or nobody to test.
    """
    if split.kind == "folds":
        found = _grouped(cases, split.folds, seed)
    elif split.kind == "forward":
        last = split.test_to if split.test_to is not None else int(cases.year.max())
        found = [_origin(cases, int(split.train_to or 0), last, split.by_start, "forward")]
    else:
        first, last = int(split.first or 0), int(split.last or 0)
        starts = range(first, last + 1, split.step)
        found = [_origin(cases, y - 1, min(y + split.step - 1, last), split.by_start, str(y)) for y in starts]
        found = [fold for fold in found if len(fold.test)]
    tested = sum(cases.coded[fold.test].sum() for fold in found)
    if not tested:
        raise UserError(f"The split '{name}' tests no case with a known answer. Check its years against the table's.")
    for fold in found:
        answers = cases.answer[fold.train]
        if len(answers) < LEAST_TRAIN or len(np.unique(answers)) < 2:
            what = "one answer only" if len(answers) >= LEAST_TRAIN else f"{len(answers)} training cases"
            raise UserError(
                f"The split '{name}' leaves {what} for '{fold.name}'; it takes {LEAST_TRAIN}, and both answers. "
                "Let it begin later, or make fewer folds."
            )
    return found


def _origin(cases: Cases, to: int, last: int, by_start: bool, name: str) -> Fold:
    before = (cases.year <= to) & cases.coded
    known = before if by_start else before & (cases.resolved < to + 1)
    test = (cases.year > to) & (cases.year <= last)
    return Fold(name, np.flatnonzero(known), np.flatnonzero(test), int(before.sum() - known.sum()))


def _grouped(cases: Cases, many: int, seed: int) -> list[Fold]:
    """Crises dealt into folds of about as many rows each, by a hash of their names: no answer plays a part."""
    names, size = np.unique(cases.group, return_counts=True)
    key = [hashlib.sha256(f"{seed}:{name}".encode()).hexdigest() for name in names]
    fold_of, load = {}, np.zeros(many)
    for i in sorted(range(len(names)), key=lambda i: key[i]):
        k = int(np.argmin(load))
        fold_of[names[i]], load[k] = k, load[k] + size[i]
    if len(names) < many:
        raise UserError(f"There are {len(names)} crises for {many} folds. Make fewer folds.")
    at = np.array([fold_of[name] for name in cases.group])
    return [
        Fold(f"fold {k + 1}", np.flatnonzero((at != k) & cases.coded), np.flatnonzero(at == k)) for k in range(many)
    ]
