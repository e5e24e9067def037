"""What a fit predicts, and what changes of columns do to it: effects, counterfactuals, comparative statics.

An effect is an average over games. Its interval is by the delta method (numerical derivatives by coefficient) or by
simulation (coefficients drawn from their normal approximation, or the draws of a bootstrap or a posterior; a posterior
always has this one). What hangs on a coefficient without a standard error has no interval. Small changes leave
each game in its equilibrium. After large ones a game may have others: how many games have several is told with the
effect. Comparative statics show all of them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats  # type: ignore[import-untyped]

from standoff.errors import UserError
from standoff.estimate.fit import require_level
from standoff.estimate.formulas import Design
from standoff.estimate.table import Table, as_table

if TYPE_CHECKING:
    from standoff.estimate.fit import Fit

DRAWS = 300
"""Draws of the coefficients for simulated intervals."""
STEP, SHIFT = 1e-3, 1e-2
"""Steps of numerical derivatives: by a column in its standard deviations, by a coefficient in its standard errors."""
IDLE = 1e-9
"""Slope of an effect by a coefficient, over the largest such, below which it does not hang on it."""
POINTS = 161
"""Values of a column in comparative statics."""


@dataclass(frozen=True, eq=False)
class Predicted:
    """Chances by name, each [game].

    `rows`: of the table; `low`, `high`: intervals, where asked for; `several` [game]: whether a game has more than one
    equilibrium, where the model can have them.
    """

    rows: np.ndarray
    chances: dict[str, np.ndarray]
    low: dict[str, np.ndarray]
    high: dict[str, np.ndarray]
    several: np.ndarray | None = None

    def __getitem__(self, name: str) -> np.ndarray:
        return self.chances[name]

    def as_columns(self) -> dict[str, np.ndarray]:
        """Columns by name, for a table program."""
        found = {"row": self.rows, **self.chances}
        for name in self.low:
            found |= {f"{name}_low": self.low[name], f"{name}_high": self.high[name]}
        return found if self.several is None else found | {"several_equilibria": self.several}


@dataclass(frozen=True, eq=False)
class Effects:
    """Changes of average chances: `names`; `base`: averages as they are; `value`: the effects; `se`, `low`, `high`.

    `what`: the change in words; `note`: what is to be known of it.
    """

    what: str
    names: tuple[str, ...]
    base: np.ndarray
    value: np.ndarray
    se: np.ndarray
    low: np.ndarray
    high: np.ndarray
    level: float
    note: str = ""

    def lines(self) -> list[str]:
        """For a terminal."""
        head = f"{'':6}  {'now':>8}  {'change':>9}  {'se':>8}  {f'{self.level:.0%} interval':>20}"
        rows = zip(self.names, self.base, self.value, self.se, self.low, self.high, strict=True)
        shown = []
        for name, base, value, error, low, high in rows:
            known = f"  {error:8.5f}  [{low:8.5f}, {high:8.5f}]" if np.isfinite(error) else ""
            shown.append(f"{name:6}  {base:8.4f}  {value:9.5f}{known}")
        return [self.what, head, *shown, *([self.note] if self.note else [])]

    def as_dict(self) -> dict[str, Any]:
        """For scripts."""
        rows = zip(self.names, self.base, self.value, self.se, self.low, self.high, strict=True)
        keys = ("now", "change", "se", "low", "high")
        effects = {
            name: {key: float(x) if np.isfinite(x) else None for key, x in zip(keys, row, strict=True)}
            for name, *row in rows
        }
        return {"what": self.what, "level": self.level, "effects": effects, "note": self.note}


@dataclass(frozen=True, eq=False)
class Statics:
    """Every equilibrium of one game as a column moves.

    `values` [value]: of the column; `count` [value]: equilibria; `stable` [value, equilibrium]; `chances`: by name,
    [value, equilibrium], nan where there is none; `column`; `at`: the other columns.
    """

    column: str
    values: np.ndarray
    count: np.ndarray
    stable: np.ndarray
    chances: dict[str, np.ndarray]
    at: dict[str, Any]


def _probabilities(fit: "Fit") -> tuple[Callable[[Design, np.ndarray], Mapping[str, np.ndarray]], Design]:
    if fit.probabilities is None or fit.design is None:
        raise UserError(
            "This fit does not hold its table, so nothing can be predicted for its games. Estimate it anew."
        )
    return fit.probabilities, fit.design


def thetas(fit: "Fit", draws: int = DRAWS, seed: int = 1) -> np.ndarray:
    """Draws of the coefficients [draw, coefficient]: of posterior or bootstrap, else of the normal approximation."""
    rng = np.random.default_rng(seed)
    if fit.draws is not None:
        return fit.draws[rng.permutation(len(fit.draws))[:draws]] if len(fit.draws) > draws else fit.draws
    if not np.isfinite(fit.covariance).all():
        raise UserError("Some coefficients are not identified, so no interval can be given. Ask without intervals.")
    value, vector = np.linalg.eigh(fit.covariance)
    root = vector * np.sqrt(np.clip(value, 0, None))
    return np.asarray(fit.estimate + rng.standard_normal((draws, len(fit.estimate))) @ root.T)


def predict(
    fit: "Fit", table: "Table | Any | None" = None, *,  # noqa: ANN401 (a frame of any library)
    interval: bool = False, level: float = 0.95, draws: int = DRAWS, seed: int = 1,
) -> Predicted:  # fmt: skip
    """Chances of moves and outcomes in each game.

    Args:
        fit: The fit.
        table: Other games; none for those of the fit.
        interval: Whether to give intervals (simulated).
        level: Of them.
        draws: Of the coefficients.
        seed: Of these.
    """
    require_level(level)
    chances, design = _probabilities(fit)
    if table is not None:
        design = design.on(as_table(table))
    here = {name: np.asarray(x) for name, x in chances(design, fit.estimate).items()}
    low: dict[str, np.ndarray] = {}
    high: dict[str, np.ndarray] = {}
    if interval:
        many = [chances(design, theta) for theta in thetas(fit, draws, seed)]
        for name in here:
            stack = np.stack([np.asarray(one[name]) for one in many])
            low[name], high[name] = np.nanquantile(stack, ((1 - level) / 2, (1 + level) / 2), axis=0)
    return Predicted(design.rows, here, low, high, _several(fit, design))


def _several(fit: "Fit", design: Design) -> np.ndarray | None:
    play = getattr(fit.probabilities, "play", None)
    return None if play is None else np.asarray(play(design, fit.estimate).count > 1)


def _means(chances: Mapping[str, np.ndarray]) -> np.ndarray:
    return np.array([float(np.nanmean(x)) if np.isfinite(x).any() else np.nan for x in chances.values()])


def _with_interval(
    fit: "Fit", what: str, quantity: Callable[[np.ndarray], np.ndarray], base: np.ndarray, names: Sequence[str],
    interval: str, level: float, draws: int, seed: int, note: str,
) -> Effects:  # fmt: skip
    """A function of the coefficients with its standard error and interval."""
    require_level(level)
    value = quantity(fit.estimate)
    if interval not in ("delta", "simulation", "none"):
        raise UserError(f"'{interval}' is no interval. Known are delta, simulation and none.")
    if interval == "none":
        se = low = high = np.full_like(value, np.nan)
    elif interval == "simulation" or fit.method == "bayes":
        many = np.stack([quantity(theta) for theta in thetas(fit, draws, seed)])
        se = np.nanstd(many, axis=0, ddof=1)
        low, high = np.nanquantile(many, ((1 - level) / 2, (1 + level) / 2), axis=0)
    else:
        slopes = []
        for k, error in enumerate(fit.se):
            up, down = fit.estimate.copy(), fit.estimate.copy()
            step = SHIFT * (error if np.isfinite(error) else 1.0)
            up[k], down[k] = up[k] + step, down[k] - step
            slopes.append((quantity(up) - quantity(down)) / (2 * step))
        slope, known = np.stack(slopes, axis=1), np.isfinite(fit.se)
        hangs = np.abs(slope[:, ~known]).max(axis=1, initial=0.0) > IDLE * max(1.0, float(np.nanmax(np.abs(slope))))
        hangs |= not known.any()
        within, covariance = slope[:, known], fit.covariance[np.ix_(known, known)]
        se = np.sqrt(np.clip(np.einsum("ij,jk,ik->i", within, covariance, within), 0, None))
        se[hangs] = np.nan
        if hangs.any():
            note = f"{note} Some coefficients have no standard error, so what hangs on them has no interval.".strip()
        reach = float(stats.norm.ppf((1 + level) / 2)) * se
        low, high = value - reach, value + reach
    return Effects(what, tuple(names), base, value, se, low, high, level, note)


def marginal_effects(
    fit: "Fit", column: str, *, interval: str = "delta", level: float = 0.95, draws: int = DRAWS, seed: int = 1
) -> Effects:
    """Derivative of the average chances by a column, each game staying in its equilibrium.

    Args:
        fit: The fit.
        column: A column of numbers in the formulas.
        interval: `delta`, `simulation` or `none`.
        level: Of the interval.
        draws: Of the coefficients, for `simulation`.
        seed: Of these.
    """
    chances, design = _probabilities(fit)
    table, value = _column(fit, design, column)
    step = STEP * max(float(np.std(value)), 1e-3 * float(np.abs(value).max()), 1e-8)
    up, down = (design.on(table.with_column(column, value + sign * step)) for sign in (1, -1))
    up, down = _same_games(up, design), _same_games(down, design)

    def slope(theta: np.ndarray) -> np.ndarray:
        return np.asarray((_means(chances(up, theta)) - _means(chances(down, theta))) / (2 * step))

    here = chances(design, fit.estimate)
    return _with_interval(
        fit, f"Average change of each chance per unit of {column}", slope, _means(here), tuple(here), interval, level,
        draws, seed, "",
    )  # fmt: skip


def counterfactual(
    fit: "Fit", *, columns: Mapping[str, Any] | None = None, payoffs: Mapping[str, Any] | None = None,
    interval: str = "delta", level: float = 0.95, draws: int = DRAWS, seed: int = 1,
) -> Effects:  # fmt: skip
    """Average chances with columns set to other values, or payoffs moved, less those as they were.

    Args:
        fit: The fit.
        columns: Column to value, or to an array of values by game of the fit.
        payoffs: Payoff to what is added to it in every game.
        interval: `delta`, `simulation` or `none`.
        level: Of the interval.
        draws: Of the coefficients, for `simulation`.
        seed: Of these.
    """
    chances, design = _probabilities(fit)
    if not columns and not payoffs:
        raise UserError("A counterfactual changes something: name columns or payoffs.")
    other = design
    if columns:
        table = design.table
        if table is None:
            raise UserError("This fit does not hold its table, so no column can be changed. Estimate it anew.")
        for column, value in columns.items():
            _require_used(fit, design, column)
            table = table.with_column(column, value)
        other = design.on(table)
    if payoffs:
        other = other.add(payoffs)
    other = _same_games(other, design)
    here = chances(design, fit.estimate)

    def change(theta: np.ndarray) -> np.ndarray:
        return np.asarray(_means(chances(other, theta)) - _means(chances(design, theta)))

    several = _several(fit, other)
    note = ""
    if several is not None and several.any():
        many = int(several.sum())
        note = f"After the change {many} of {len(other)} games have several equilibria; each stays near its own."
    plain = (int, float, str, np.number)
    set_to = [f"{key} = {x}" if isinstance(x, plain) else f"{key} set" for key, x in (columns or {}).items()]
    moved = [f"{key} {x:+g}" for key, x in (payoffs or {}).items()]
    what = f"Average chances with {', '.join(set_to + moved)}, less those as they were"
    return _with_interval(fit, what, change, _means(here), tuple(here), interval, level, draws, seed, note)


def _same_games(made: Design, design: Design) -> Design:
    """The design with the rows of the fit's, whose games they are."""
    if len(made) != len(design):
        raise UserError("The change leaves some games without a value. Set the column to numbers.")
    return replace(made, rows=design.rows, mark=design.mark)


def _require_used(fit: "Fit", design: Design, column: str) -> None:
    used = [] if design.formulas is None else design.formulas.columns()
    if column not in used:
        raise UserError(f"The formulas do not use a column '{column}'. They use {', '.join(used)}.")


def _column(fit: "Fit", design: Design, column: str) -> tuple[Table, np.ndarray]:
    _require_used(fit, design, column)
    classed = design.formulas is not None and column in design.formulas.classes()
    if design.table is None or classed or design.table.text(column):
        raise UserError(f"The column '{column}' holds classes. Use counterfactual(columns={{'{column}': ...}}).")
    return design.table, design.table.numbers(column)


def typical(design: Design, row: int | None = None) -> dict[str, Any]:
    """Columns of the typical game: medians, and the commonest class; or those of a row of the table, from 0."""
    table = design.table
    used = [] if design.formulas is None else design.formulas.columns()
    if table is None:
        raise UserError("This fit does not hold its table. Estimate it anew.")
    found: dict[str, Any] = {}
    classes = [] if design.formulas is None else design.formulas.classes()
    for name in used:
        each = table.values(name) if table.text(name) else table.numbers(name).tolist()
        if row is not None:
            where = np.flatnonzero(design.rows == row)
            if not len(where):
                raise UserError(f"Row {row} is not among the games of the fit. Name one of its rows, from 0.")
            found[name] = each[int(where[0])]
        elif table.text(name) or name in classes:
            found[name] = max(dict.fromkeys(each), key=each.count)
        else:
            found[name] = float(np.median(each))
    return found


def comparative_statics(
    fit: "Fit", column: str, *, row: int | None = None, at: Mapping[str, Any] | None = None,
    between: tuple[float, float] | None = None, points: int = POINTS,
) -> Statics:  # fmt: skip
    """Every equilibrium, stable or not, of a game as one column moves and the others stay.

    Args:
        fit: Of the signaling game.
        column: The column that moves.
        row: A row of the table, from 0, whose columns are taken; by default the medians of the games.
        at: Values of other columns in their place.
        between: Lowest and highest value; by default those in the table.
        points: Values in between.
    """
    from standoff.estimate.equilibria import enumerate_all
    from standoff.estimate.played import QUANTITIES, log_chances

    _, design = _probabilities(fit)
    if fit.model != "signaling":
        raise UserError("Comparative statics over all equilibria are known of the signaling game; others have one.")
    _, value = _column(fit, design, column)
    fixed = typical(design, row)
    for name, given in (at or {}).items():
        _require_used(fit, design, name)
        fixed[name] = given
    low, high = between if between is not None else (float(value.min()), float(value.max()))
    values = np.linspace(low, high, points)
    games = as_table({name: [x] * points for name, x in fixed.items()} | {column: values}, "the changed games")
    payoffs = design.on(games).payoffs(fit.estimate[: len(design.names)])
    found = enumerate_all(payoffs)
    probit = np.asarray(found.probit, dtype=float)
    logs = np.where(np.isfinite(probit)[..., None], log_chances(payoffs, probit), np.nan)
    sq, cd, sf, bd = np.moveaxis(np.exp(logs), -1, 0)
    with np.errstate(invalid="ignore"):
        firm = np.exp(logs[..., 2] - np.logaddexp(logs[..., 2], logs[..., 3]))
    chances = dict(zip(QUANTITIES, (cd + sf + bd, stats.norm.cdf(probit), firm, sq, cd, sf, bd), strict=True))
    stable = np.where(np.isfinite(probit), np.asarray(found.stable, dtype=bool), False)
    del fixed[column]
    return Statics(column, values, np.asarray(found.count), stable, chances, fixed)
