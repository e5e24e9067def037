"""Guesses of p_R and p_F for the pseudo-likelihood: from columns, frequencies, or a regression on the covariates.

`columns`      two columns of the table that hold them
`frequencies`  shares of a game's own counts, drawn towards the shares of all games by one observation
`forest`       random forest of scikit-learn on all columns of the formulas; each game is predicted by trees without it
`boosting`     gradient boosting on the same; each game is predicted by a fit without its fold
"""

from typing import Any

import numpy as np

from standoff.errors import UserError
from standoff.estimate.formulas import Design

COLUMNS = ("PRhat", "PFhat")
WAYS = ("columns", "frequencies", "forest", "boosting")
TREES, LEAF, FOLDS = 300, 5, 5
EDGE = 0.005
"""Predictions are held this far from 0 and 1."""


def first_stage(
    design: Design, how: str | None = None, columns: tuple[str, str] | None = None, seed: int = 1
) -> tuple[np.ndarray, np.ndarray, str]:
    """Guesses of p_R and p_F by game.

    Args:
        design: The games.
        how: One of `WAYS`; by default columns where the table has PRhat and PFhat (or they are named), else forest.
        columns: Names of the columns.
        seed: Of forest and boosting.

    Returns:
        p_R [game], p_F [game], and in words where they came from.
    """
    table = design.table
    if how is None:
        named = columns is not None or (table is not None and set(COLUMNS) <= set(table.columns))
        how = "columns" if named else "forest"
    if how not in WAYS:
        raise UserError(f"'{how}' is no first stage. Known are {', '.join(WAYS)}.")
    if how == "columns":
        if table is None:
            raise UserError("There is no table to take the first stage from. Use frequencies or forest.")
        found = []
        for name in columns or COLUMNS:
            value = table.numbers(name, "a guess for the pseudo-likelihood; see --first-stage")
            bad = ~((value > 0) & (value < 1))
            if bad.any():
                row = int(np.flatnonzero(bad)[0])
                raise UserError(
                    f"{table.place(int(design.rows[row]), name)}: {value[row]:g} is no chance between 0 and 1 that PL "
                    "can start from. Correct it, or use --first-stage forest."
                )
            found.append(value)
        return found[0], found[1], f"columns {' and '.join(columns or COLUMNS)}"
    _, concede, stand, back = design.counts.T
    resisted = stand + back
    pairs = ((resisted, concede + resisted), (stand, resisted))
    if how == "frequencies":
        first, second = (_frequencies(part, whole) for part, whole in pairs)
        return first, second, "frequencies of the games' own counts"
    first, second = (_regression(design, part, whole, how, seed) for part, whole in pairs)
    return first, second, f"{how} on the columns of the formulas"


def _pooled(part: np.ndarray, whole: np.ndarray) -> float:
    """Share of all games, held off 0 and 1 by half an observation."""
    return float((part.sum() + 0.5) / (whole.sum() + 1))


def _frequencies(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.asarray((part + _pooled(part, whole)) / (whole + 1))


def covariates(design: Design) -> np.ndarray:
    """All columns of the formulas as numbers [game, column]; classes by their number."""
    if design.table is None or design.formulas is None:
        raise UserError("A regression for the first stage needs the table. Use frequencies.")
    found = []
    for name in design.formulas.columns():
        if design.table.text(name):
            values = design.table.values(name)
            order = {value: k for k, value in enumerate(sorted(set(values), key=str))}
            found.append(np.array([float(order[value]) for value in values]))
        else:
            found.append(design.table.numbers(name))
    return np.stack(found, axis=1) if found else np.zeros((len(design), 0))


def _regression(design: Design, part: np.ndarray, whole: np.ndarray, how: str, seed: int) -> np.ndarray:
    """Share of the whole, predicted for each game without its own outcome."""
    base = _pooled(part, whole)
    given = covariates(design)
    known = np.flatnonzero(whole > 0)
    found = np.full(len(design), base)
    if given.shape[1] == 0 or len(known) < 2 * FOLDS:
        return found
    share, weight = part[known] / whole[known], whole[known]
    if how == "forest":
        from sklearn.ensemble import RandomForestRegressor  # type: ignore[import-untyped]

        model: Any = RandomForestRegressor(TREES, min_samples_leaf=LEAF, oob_score=True, random_state=seed)
        model.fit(given[known], share, sample_weight=weight)
        found = np.asarray(model.predict(given), dtype=float)
        found[known] = model.oob_prediction_
    else:
        from sklearn.ensemble import GradientBoostingRegressor

        fold = np.random.default_rng(seed).permutation(len(known)) % FOLDS
        every: Any = GradientBoostingRegressor(n_estimators=60, min_samples_leaf=LEAF, random_state=seed)
        found = np.asarray(every.fit(given[known], share, sample_weight=weight).predict(given), dtype=float)
        for k in range(FOLDS):
            train, test = known[fold != k], known[fold == k]
            every.fit(given[train], part[train] / whole[train], sample_weight=whole[train])
            found[test] = every.predict(given[test])
    return np.clip(np.where(np.isfinite(found), found, base), EDGE, 1 - EDGE)
