"""Fits in files: JSON that holds the estimate, how it was obtained, and the columns that the formulas use.

`load` makes the design anew from these columns, so that a fit that was read predicts as one that was made. Of large
tables the columns are left out, and such a fit has coefficients and covariance alone. `population` is what a case
takes for its generic priors (`priors: from: fit.json`): the payoffs of the typical game, at the medians of the
columns.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from standoff import __version__
from standoff.errors import UserError
from standoff.estimate.fit import Fit, dumps, number, plain
from standoff.estimate.formulas import PAYOFFS, Design, Formulas, build
from standoff.estimate.table import Table

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMA = "standoff-fit/1"
LIMIT = 64 * 2**20
"""Bytes that a file with a fit may hold."""
CELLS = 200_000
"""Cells of the table up to which its used columns are kept."""


def save(fit: Fit, path: Path, at: "Mapping[str, Any] | None" = None) -> Path:
    """Write a fit; `at` holds columns of the game that its `population` is about, the others at their medians."""
    try:
        path.write_text(dumps(content(fit, at)), encoding="utf-8")
    except OSError as error:
        raise UserError(f"{path}: it cannot be written: {error.strerror}.") from error
    return path


def content(fit: Fit, at: "Mapping[str, Any] | None" = None) -> dict[str, Any]:
    """What a file with a fit holds."""
    found = {"schema": SCHEMA, "version": __version__} | fit.as_dict()
    found["vcov"] = [[number(x) for x in row] for row in fit.covariance]
    found["options"] = plain(fit.options)
    if fit.draws is not None:
        found["draws"] = [[number(x) for x in row] for row in fit.draws]
    design = fit.design
    if design is None or design.formulas is None:
        return found
    formulas = design.formulas
    found["formulas"] = {"terms": formulas.terms, "counts": formulas.counts, "name": Path(formulas.name).name}
    if fit.model == "signaling" and (here := population(fit, at)) is not None:
        found["population"] = here
    columns = formulas.columns()
    if design.table is not None and len(design) * (len(columns) + 4) <= CELLS:
        probit = getattr(fit.probabilities, "probit", None)
        shares = getattr(fit.probabilities, "shares", None)
        found["data"] = {
            "columns": {name: _cells(design.table.values(name)) for name in columns},
            "outcomes": [[number(x) for x in row] for row in design.counts],
            "rows": design.rows.tolist(),
            "probit": None if probit is None else [number(x) for x in probit],
            "shares": None if shares is None else [float(x) for x in shares],
        }
    return found


def _cells(values: list[Any]) -> list[Any]:
    return [number(x) if isinstance(x, float) else x for x in values]


def columns_at(fit: Fit, at: "Mapping[str, Any]") -> dict[str, Any]:
    """Columns of the typical game, with some set to what is asked.

    Raises:
        UserError: no formula uses a column, or it holds numbers and is set to something else.
    """
    from standoff.estimate.effects import typical

    if fit.design is None or fit.model != "signaling":
        raise UserError("--at belongs to the signaling game. Leave it out.")
    found = typical(fit.design)
    for name, value in at.items():
        if name not in found:
            raise UserError(f"--at {name}: no formula uses this column. Known are {', '.join(found)}.")
        found[name] = number_at(name, value) if isinstance(found[name], float) else value
    return found


def number_at(name: str, value: Any) -> float:  # noqa: ANN401 (what a user wrote)
    """What a column of numbers is set to.

    Raises:
        UserError: it is no finite number.
    """
    try:
        found = float(value)
    except (TypeError, ValueError):
        found = float("nan")
    if not np.isfinite(found):
        raise UserError(f"--at {name}={value}: the column holds numbers. Write a finite one.")
    return found


def population(fit: Fit, at: "Mapping[str, Any] | None" = None) -> dict[str, Any] | None:
    """Payoffs of a game, their covariance, and p_F there: the typical game (medians, commonest classes) but for `at`.

    None where the game is not identified, or has no equilibrium within.
    """
    design = fit.design
    if design is None or design.table is None or design.formulas is None or not np.isfinite(fit.covariance).all():
        return None
    columns = columns_at(fit, at or {})
    game = design.on(Table(pl.DataFrame({k: [v] for k, v in columns.items()} or {"_": [0]}), "the typical game"))
    many = len(design.names)
    theta, matrix = fit.estimate[:many], game.matrix()[0]
    payoffs = game.payoffs(theta)[0]
    if fit.probabilities is None:
        return None
    firm = float(np.asarray(fit.probabilities(game, fit.estimate)["p_F"])[0])
    if not np.isfinite(firm):
        return None
    return {
        "payoffs": dict(zip(PAYOFFS, payoffs.tolist(), strict=True)),
        "covariance": (matrix @ fit.covariance[:many, :many] @ matrix.T).tolist(),
        "p_firm": firm,
        "at": columns,
    }


def load(path: Path) -> Fit:
    """Read a fit that `save` wrote.

    Raises:
        UserError: the file is no fit of this version.
    """
    try:
        with path.open("rb") as stream:
            raw = stream.read(LIMIT + 1)
    except OSError as error:
        raise UserError(
            f"{path}: it cannot be read: {error.strerror}. Name a fit.json of standoff estimate."
        ) from error
    if len(raw) > LIMIT:
        raise UserError(f"{path}: it is larger than {LIMIT // 2**20} MiB, so it is no fit.")
    try:
        told = json.loads(raw)
        if told["schema"] != SCHEMA:
            raise ValueError("its schema is another")
        fit = _fit(told)
    except UserError:
        raise
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError) as error:
        said = f"lacks {error}" if isinstance(error, KeyError) else str(error)
        raise UserError(
            f"{path}: this is no fit of this version ({said}). Write it: standoff estimate --out."
        ) from error
    return fit


def _fit(told: "Mapping[str, Any]") -> Fit:
    names = tuple(str(name) for name in told["coefficients"])
    estimate = np.array([float(one["estimate"]) for one in told["coefficients"].values()])
    covariance = np.array([[np.nan if x is None else float(x) for x in row] for row in told["vcov"]])
    if covariance.shape != (len(names), len(names)):
        raise ValueError("its covariance does not fit its coefficients")
    design, probabilities = _design(told)
    draws = told.get("draws")
    return Fit(
        str(told["model"]), str(told["method"]), names, estimate, covariance,
        float("nan") if told["loglik"] is None else float(told["loglik"]), int(told["n"]), str(told["status"]),
        tuple(str(x) for x in told["warnings"]), dict(told["equilibria"]), None, None, design,
        None if told["observations"] is None else int(told["observations"]), str(told["covariance"]),
        str(told["selection"]), probabilities, None,
        None if draws is None else np.array(draws, dtype=float), dict(told["options"]),
        None if told.get("weighed") is None else float(told["weighed"]),
    )  # fmt: skip


def _design(told: "Mapping[str, Any]") -> tuple[Design | None, Any]:
    """The design from the columns in the file, and what the fit predicts."""
    if told["model"] != "signaling" or "data" not in told:
        return None, None
    from dataclasses import replace

    from standoff.estimate.played import Chances

    given, data = told["formulas"], told["data"]
    formulas = Formulas({k: str(given["terms"][k]) for k in PAYOFFS}, dict(given["counts"]), {}, str(given["name"]))
    many = len(data["rows"])
    columns = {str(k): pl.Series(str(k), v) for k, v in data["columns"].items()}
    table = Table(pl.DataFrame(columns or {"_": [0] * many}), "the table of the fit")
    counts = np.array([[np.nan if x is None else float(x) for x in row] for row in data["outcomes"]], dtype=float)
    if len(table) != many or counts.shape != (many, 4):
        raise ValueError("its columns are not of one length")
    design = build(table, formulas, with_counts=False)
    design = replace(design, counts=counts, rows=np.array(data["rows"], dtype=np.int64))
    probit = np.array([np.nan if x is None else float(x) for x in data["probit"] or [None] * many])
    shares = None if data["shares"] is None else np.array(data["shares"], dtype=float)
    return design, Chances(str(told["selection"]), design.mark, probit, shares)
