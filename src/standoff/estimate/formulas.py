"""From columns to payoffs: a formula for each payoff, and the design that they make of a table.

A formula file is YAML, from payoff to formula (`expressions` says what a formula may hold):

    SA: "0 + sqrt(trade) + contig"    # no constant
    VA: "1 + costs"
    VB: "0"                           # nothing: this payoff is 0 in every game
    counts: {sq: quiet, cd: conceded} # columns of the counts, where they are not called sq, cd, sf, bd

A coefficient is called by its payoff and its term: `SA:contig`, `VA:(Intercept)`. Rows that lack a value in a column
that is used are left out, and it is said how many. Terms that remember data (`scale`, `poly`, classes) remember those
of the fit when the same formulas meet another table.
"""

import io
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from standoff.errors import UserError
from standoff.estimate.expressions import FUNCTIONS, FormulaError, columns_of
from standoff.estimate.table import Table

PAYOFFS = ("SA", "VA", "CB", "barWA", "barWB", "bara", "VB")
"""Payoffs of the signaling game; `bar` marks means of what is private."""
COUNTS = ("sq", "cd", "sf", "bd")
"""Outcomes: no challenge, concession, stand firm, back down."""
LIMIT = 64 * 2**10
"""Bytes that a formula file may hold."""
MOST = 400
"""Terms that formulas may make in all."""
LARGEST = 2.0**53
"""Counts up to which every whole number is held."""


@dataclass(frozen=True)
class Formulas:
    """A formula for each payoff, where columns are, and the file that said so.

    `terms`: payoff to formula, in the model's order; `counts`: outcome to column; `options`: other keys of the file.
    """

    terms: dict[str, str]
    counts: dict[str, str] = field(default_factory=lambda: {name: name for name in COUNTS})
    options: dict[str, Any] = field(default_factory=dict)
    name: str = "the formulas"

    @property
    def keys(self) -> tuple[str, ...]:
        """Payoffs, in the model's order."""
        return tuple(self.terms)

    def columns(self) -> list[str]:
        """Columns that the formulas name.

        Raises:
            UserError: a formula says what it may not.
        """
        found: dict[str, None] = {}
        for key, text in self.terms.items():
            try:
                names, _ = columns_of(text)
            except FormulaError as error:
                raise UserError(f'{self.name}: {key}: "{text}": {error}') from None
            found |= dict.fromkeys(names)
        return list(found)

    def classes(self) -> list[str]:
        """Columns that stand in `C( )` of some formula: what they hold are classes, also where these are numbers."""
        return list(dict.fromkeys(name for text in self.terms.values() for name in columns_of(text)[1]))


@dataclass(frozen=True, eq=False)
class Design:
    """What the formulas make of a table.

    `names`: coefficients, `SA:contig`; `blocks`: for each payoff the terms [game, term]; `counts` [game, outcome];
    `rows`: rows of the table that are used, from 0; `keys`: the payoffs; `notes`: what was left out, in words;
    `offset`: what is added to the payoffs; `mark`: tells the games of one design from those of others.
    """

    names: tuple[str, ...]
    blocks: tuple[np.ndarray, ...]
    counts: np.ndarray
    rows: np.ndarray
    keys: tuple[str, ...] = PAYOFFS
    notes: tuple[str, ...] = ()
    formulas: Formulas | None = None
    table: Table | None = None
    specs: tuple[Any, ...] = ()
    offset: np.ndarray | None = None
    mark: object = None

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def edges(self) -> list[int]:
        """Where each payoff's coefficients begin and end."""
        return [0, *np.cumsum([block.shape[1] for block in self.blocks]).tolist()]

    def payoffs(self, theta: np.ndarray) -> np.ndarray:
        """Payoffs [game, payoff] at coefficients [coefficient]."""
        edges = self.edges
        found = np.stack([b @ theta[edges[k] : edges[k + 1]] for k, b in enumerate(self.blocks)], axis=1)
        return found if self.offset is None else found + self.offset

    def add(self, payoffs: Mapping[str, Any]) -> "Design":
        """The same games with something added to payoffs in each."""
        for key in payoffs:
            if key not in self.keys:
                raise UserError(f"'{key}' is no payoff of this model. It has {', '.join(self.keys)}.")
        more = np.array([float(payoffs.get(key, 0.0)) for key in self.keys])
        return replace(self, offset=more if self.offset is None else self.offset + more)

    def pull(self, gradient: np.ndarray) -> np.ndarray:
        """From derivatives by payoff [game, payoff] to derivatives by coefficient [game, coefficient]."""
        return np.concatenate([b * gradient[:, k : k + 1] for k, b in enumerate(self.blocks)], axis=1)

    def matrix(self) -> np.ndarray:
        """Derivative of the payoffs by the coefficients [game, payoff, coefficient]."""
        found = np.zeros((len(self), len(self.blocks), len(self.names)))
        for k, block in enumerate(self.blocks):
            found[:, k, self.edges[k] : self.edges[k + 1]] = block
        return found

    def take(self, some: np.ndarray) -> "Design":
        """Some of the games, by their place in the design; also more than once (bootstrap)."""
        return replace(
            self, blocks=tuple(b[some] for b in self.blocks), counts=self.counts[some], rows=self.rows[some],
            table=None if self.table is None else self.table.take(some), mark=None,
        )  # fmt: skip

    def on(self, table: Table, *, with_counts: bool = False) -> "Design":
        """The same formulas on another table, with what they remember of this one.

        Raises:
            UserError: a column is lacking, or a class was not in the data of the fit.
        """
        if self.formulas is None:
            raise UserError("This design was made without formulas, so it cannot be made of another table.")
        return build(table, self.formulas, specs=self.specs, with_counts=with_counts)


def read_formulas(path: Path | str, keys: Sequence[str] = PAYOFFS, options: Sequence[str] = ()) -> Formulas:
    """Read a formula file.

    Args:
        path: YAML, from payoff to formula.
        keys: Payoffs that the model has; each must be there.
        options: Other keys that the file may hold; that of the signaling game may hold `counts` too.

    Raises:
        UserError: with file and line, and what to do.
    """
    content = _yaml(Path(path))
    name = str(path)
    place = getattr(content, "lc", None)

    def at(key: str) -> str:
        try:
            return f"{name}:{place.key(key)[0] + 1}" if place is not None else name
        except KeyError:
            return name

    allowed = (*keys, *(("counts",) if tuple(keys) == PAYOFFS else ()), *options)
    for key in content:
        if key not in allowed:
            raise UserError(f"{at(key)}: '{key}' is no key of this file. It may hold {', '.join(allowed)}.")
    terms = {}
    for key in keys:
        if key not in content:
            raise UserError(f'{name}: there is no formula for {key}. Write {key}: "0" if it has no term.')
        value = content[key]
        if (
            isinstance(value, bool)
            or not isinstance(value, str | int)
            or (isinstance(value, int) and value not in (0, 1))
        ):
            raise UserError(f'{at(key)}: {key} is no formula. Write it in quotes: {key}: "1 + x".')
        terms[key] = str(value).strip()
        try:
            columns_of(terms[key])
        except FormulaError as error:
            raise UserError(f'{at(key)}: {key}: "{terms[key]}": {error}') from None
    counts = {one: one for one in COUNTS}
    given = content.get("counts") or {}
    if not isinstance(given, Mapping) or any(k not in COUNTS or not isinstance(v, str) for k, v in given.items()):
        raise UserError(f"{at('counts')}: counts maps sq, cd, sf, bd to columns: counts: {{sq: quiet}}.")
    counts |= {str(k): str(v) for k, v in given.items()}
    for one in COUNTS:
        same = [other for other in COUNTS if counts[other] == counts[one]]
        if len(same) > 1:
            raise UserError(
                f"{at('counts')}: {' and '.join(same)} are counted in one column, '{counts[one]}'. Name a column of "
                "its own for each."
            )
    return Formulas(terms, counts, {key: content[key] for key in options if key in content}, name)


def _yaml(path: Path) -> Mapping[str, Any]:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        with path.open("rb") as stream:
            raw = stream.read(LIMIT + 1)
    except OSError as error:
        raise UserError(f"{path}: it cannot be read: {error.strerror}. Name a formula file.") from error
    if len(raw) > LIMIT:
        raise UserError(f"{path}: a formula file holds at most {LIMIT // 2**10} KiB.")
    try:
        content = YAML(typ="rt", pure=True).load(io.StringIO(raw.decode("utf-8")))
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: the text is not UTF-8. Save it as UTF-8.") from error
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise UserError(
            f'{path}:{line}: this is no YAML ({error.problem}). Write lines such as VA: "1 + x".'
        ) from error
    except (YAMLError, ValueError, RecursionError, AttributeError, TypeError) as error:
        raise UserError(f'{path}: this is no YAML. Write lines such as VA: "1 + x".') from error
    if not isinstance(content, Mapping):
        raise UserError(f'{path}: a formula file maps payoffs to formulas. Write lines such as VA: "1 + x".')
    return content


def build(
    table: Table,
    formulas: Formulas,
    *,
    specs: Sequence[Any] = (),
    with_counts: bool = True,
    given_challenge: bool = False,
) -> Design:
    """Make the design of a table.

    Args:
        table: The games, a row each.
        formulas: For each payoff.
        specs: What the terms remember, of another design.
        with_counts: Whether the table holds the counts; without them they are nan.
        given_challenge: The table holds only what followed a challenge: sq need not be there and counts nothing.

    Raises:
        UserError: with the place in the table, and what to do.
    """
    columns = formulas.columns()
    classed = _classed(formulas)
    values: dict[str, Any] = {}
    missing: dict[str, np.ndarray] = {}
    for name in columns:
        table.require(name, formulas.name)
        if table.text(name) and name in classed:
            values[name] = np.array(table.values(name), dtype=object)
            missing[name] = np.array([x is None for x in values[name]])
        else:
            if table.text(name):
                _require_numbers(table, name)
            values[name] = table.numbers(name)
            missing[name] = np.isnan(values[name])
    counts = np.full((len(table), len(COUNTS)), np.nan)
    if with_counts:
        for k, name in enumerate(COUNTS):
            if given_challenge and name == "sq":
                counts[:, k] = 0.0
                continue
            column = formulas.counts[name]
            counts[:, k] = _counted(table, column)
            missing[column] = np.isnan(counts[:, k])
    gone = np.zeros(len(table), dtype=bool)
    for lacks in missing.values():
        gone |= lacks
    rows = np.flatnonzero(~gone)
    notes = _left_out(missing, gone)
    if not len(rows):
        raise UserError(f"{table.name}: no row has a value in all columns that are used. {' '.join(notes)}".strip())
    used = {name: value[rows] for name, value in values.items()}
    names, blocks, kept = _blocks(table, formulas, used, rows, specs)
    counts = counts[rows]
    if with_counts:
        empty = counts.sum(axis=1) == 0
        if empty.all():
            raise UserError(f"{table.name}: every game has counts of 0. Check the columns of the counts.")
        if empty.any():
            notes = (*notes, f"{int(empty.sum())} of {len(rows)} games have counts of 0 and say nothing.")
    return Design(
        names, blocks, counts, rows, formulas.keys, notes, formulas,
        Table(table.frame[rows.astype(np.int64)], table.name, False), kept, mark=object(),
    )  # fmt: skip


def blocks_of(table: Table, formulas: Formulas, *, specs: Sequence[Any] = ()) -> Design:
    """The design of a model whose outcomes are not the four counts; these are left as nan."""
    return build(table, formulas, specs=specs, with_counts=False)


def _classed(formulas: Formulas) -> set[str]:
    every = [columns_of(text) for text in formulas.terms.values()]
    plain = {name for names, classed in every for name in names if name not in classed}
    return {name for _, classed in every for name in classed} - plain


def _require_numbers(table: Table, name: str) -> None:
    """A column of text outside C( ): tell the first cell that is no number."""
    try:
        table.numbers(name)
    except UserError as error:
        raise UserError(f"{error} If the column holds classes, write C({name}) in the formula.") from None


def _counted(table: Table, column: str) -> np.ndarray:
    value = table.numbers(column, "a column of counts; a formula file can name another under counts:")
    bad = ~np.isnan(value) & ((value < 0) | (value != np.floor(value)) | (value > LARGEST))
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        most = f", at most {LARGEST:g}" if value[row] > LARGEST else ""
        raise UserError(
            f"{table.place(row, column)}: {value[row]:g} is no count. Counts are whole numbers from 0 on{most}."
        )
    return value


def _left_out(missing: Mapping[str, np.ndarray], gone: np.ndarray) -> tuple[str, ...]:
    if not gone.any():
        return ()
    by = ", ".join(f"{name} in {int(m.sum())}" for name, m in missing.items() if m.any())
    return (f"{int(gone.sum())} of {len(gone)} rows are left out, because a value is missing: {by}.",)


def _blocks(
    table: Table, formulas: Formulas, used: dict[str, Any], rows: np.ndarray, specs: Sequence[Any]
) -> tuple[tuple[str, ...], tuple[np.ndarray, ...], tuple[Any, ...]]:
    import pandas as pd  # type: ignore[import-untyped]
    from formulaic import Formula  # type: ignore[import-untyped]
    from formulaic.errors import DataMismatchWarning, FormulaicError  # type: ignore[import-untyped]

    frame = pd.DataFrame(used, index=range(len(rows)))
    names: list[str] = []
    blocks: list[np.ndarray] = []
    kept: list[Any] = []
    for k, (key, text) in enumerate(formulas.terms.items()):
        try:
            with np.errstate(all="ignore"), warnings.catch_warnings(record=True) as told:
                warnings.simplefilter("always")
                made = (
                    specs[k].get_model_matrix(frame, context=FUNCTIONS)
                    if specs
                    else Formula(text).get_model_matrix(frame, context=FUNCTIONS, na_action="ignore")
                )
        except (FormulaicError, ValueError, TypeError, ArithmeticError, KeyError, RecursionError) as error:
            reason = " ".join(str(error).split())[:160]
            raise UserError(f'{formulas.name}: {key}: "{text}" cannot be made of {table.name} ({reason}).') from error
        if any(issubclass(one.category, DataMismatchWarning) for one in told):
            raise UserError(
                f'{formulas.name}: {key}: "{text}" cannot be made of {table.name}: it holds a class that was not '
                "among the data of the fit. Leave these rows out."
            )
        block = np.asarray(made, dtype=float).reshape(len(rows), -1)
        terms = ["(Intercept)" if str(c) == "Intercept" else str(c) for c in made.columns]
        bad = ~np.isfinite(block)
        if bad.any():
            row, column = (int(x[0]) for x in np.nonzero(bad))
            raise UserError(
                f"{table.place(int(rows[row]))}: {key}: {terms[column]} is not finite there. Mend the cell or the "
                "formula (the root and the logarithm of a negative number, or of 0, are not numbers)."
            )
        names += [f"{key}:{term}" for term in terms]
        blocks.append(block)
        kept.append(made.model_spec)
        if len(names) > MOST:
            raise UserError(
                f"{formulas.name}: the formulas make more than {MOST} terms. Use fewer classes or interactions."
            )
    return tuple(names), tuple(blocks), tuple(kept)
