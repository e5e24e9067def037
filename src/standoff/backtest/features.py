"""What was known at a start, as numbers for a regression: encoded by the training cases alone.

A number that is missing takes the median of the training cases, and a column of its own says that it was missing
(columns that say the same are kept once). A category has a column for each code that at least `FEW` training cases
hold; all other codes, and a missing one, have none of them. All columns are scaled to the training cases.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from standoff.backtest.table import Known

FEW = 8
"""Training cases under which a code of a category, or being missing, has no column of its own."""


@dataclass(frozen=True, eq=False)
class Encoder:
    """Columns of a regression, as the training cases have them.

    `levels`: codes of each category; `middle`: median of each number; `missing`: columns whose being missing counts;
    `mean`, `spread`: of the columns of `plain`.
    """

    kinds: dict[str, str]
    levels: dict[str, tuple[str, ...]]
    middle: dict[str, float]
    missing: tuple[str, ...]
    mean: np.ndarray
    spread: np.ndarray

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        found = []
        for name, kind in self.kinds.items():
            found += [f"{name}_{level}" for level in self.levels[name]] if kind == "category" else [name]
        return (*found, *(f"{name}_missing" for name in self.missing))

    def plain(self, known: Known) -> np.ndarray:
        """Axes case, column; not scaled, nothing missing."""
        return _columns(known, self.kinds, self.levels, self.middle, self.missing)

    def __call__(self, known: Known) -> np.ndarray:
        """Axes case, column; scaled by the training cases."""
        return np.asarray((self.plain(known) - self.mean) / self.spread)

    def named(self, known: Known) -> pl.DataFrame:
        """The plain columns by name, as formulas ask for them."""
        return pl.DataFrame(dict(zip(self.names, self.plain(known).T.copy(), strict=True)))


def encoder(train: Known) -> Encoder:
    """Learn the columns from training cases."""
    levels: dict[str, tuple[str, ...]] = {}
    middle: dict[str, float] = {}
    missing: list[str] = []
    seen: list[np.ndarray] = []
    for name, kind in train.kinds.items():
        column = train.frame[name]
        lost = column.is_null().to_numpy()
        if kind == "category":
            counted = column.drop_nulls().value_counts()
            levels[name] = tuple(sorted(v for v, n in counted.rows() if n >= FEW))
            continue
        held = column.drop_nulls().to_numpy()
        middle[name] = float(np.median(held)) if len(held) else 0.0
        enough = FEW <= lost.sum() <= len(lost) - FEW
        if enough and not any(np.array_equal(lost, other) for other in seen):
            missing.append(name)
            seen.append(lost)
    kinds = dict(train.kinds)
    plain = _columns(train, kinds, levels, middle, tuple(missing))
    spread = plain.std(axis=0)
    return Encoder(kinds, levels, middle, tuple(missing), plain.mean(axis=0), np.where(spread > 1e-12, spread, 1.0))


def _columns(
    known: Known, kinds: dict[str, str], levels: dict[str, tuple[str, ...]], middle: dict[str, float],
    missing: tuple[str, ...],
) -> np.ndarray:  # fmt: skip
    found = []
    for name, kind in kinds.items():
        column = known.frame[name]
        if kind == "category":
            found += [(column == level).fill_null(value=False).to_numpy().astype(float) for level in levels[name]]
        else:
            found.append(column.fill_null(middle[name]).to_numpy())
    found += [known.frame[name].is_null().to_numpy().astype(float) for name in missing]
    return np.column_stack(found) if found else np.zeros((len(known), 0))


def as_given(known: Known, levels: dict[str, tuple[str, ...]]) -> np.ndarray:
    """Axes case, column, for trees: numbers as they are, missing ones not a number, categories as ranks of codes."""
    found = []
    for name, kind in known.kinds.items():
        column = known.frame[name]
        if kind == "category":
            rank = {level: float(k) for k, level in enumerate(levels[name])}
            found.append(np.array([rank.get(str(v), np.nan) for v in column.to_list()]))
        else:
            found.append(column.fill_null(np.nan).to_numpy())
    return np.column_stack(found) if found else np.zeros((len(known), 0))
