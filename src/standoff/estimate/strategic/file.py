"""Formula files of these models, and what a table says was done.

Discrete games (`egame12`, `egame122`, `egame123`): a formula for each utility, for example

    u11: "1 + balance"                 # player 1 at outcome 1; "0": nothing
    u13: "0"
    u14: "1 + C(regime)"
    u24: "1 + balance"
    actions: [escalated, fought]       # columns of 0 and 1, one for each move in turn; or
    outcome: ended                     # one column, and its values from the left of the tree:
    values: [peace, capitulation, war]
    log_sd: "0 + balance"              # may lack: log σ of all players; or log_sd1, log_sd2 … of each
    fixed: {u13: -1.5}                 # may lack: added to what the formula gives, so with "0" the utility is -1.5

The ultimatum game: `R1` and `R2`, with `offer: COLUMN`, `accept: COLUMN` (may lack: offers alone are fitted) and
`largest: NUMBER`, the prize; `log_s1` and `log_s2` may lack (a constant each), and `fixed: {s2: 1}` holds a scale.

All may hold `link: probit` or `logit` and `uncertainty: agent` or `private`; what a caller or the command line says
comes first. Rows that lack an action or outcome that is used are left out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from standoff.errors import UserError
from standoff.estimate.formulas import Design, Formulas, blocks_of, read_formulas
from standoff.estimate.strategic.games import GAMES, UNCERTAINTIES, Choices, Move
from standoff.estimate.strategic.links import LINKS
from standoff.estimate.strategic.ultimatum import Ultimatum
from standoff.estimate.table import Table

MODELS = (*GAMES, "ultimatum")
Law = Choices | Ultimatum


def keys(model: str) -> tuple[str, ...]:
    """Utilities, each of which a formula file must hold."""
    return GAMES[model].keys if model in GAMES else ("R1", "R2")


def options(model: str) -> tuple[str, ...]:
    """Other keys that a formula file may hold."""
    own = ("actions", "outcome", "values") if model in GAMES else ("offer", "accept", "largest", "floor")
    return (*own, *_scales(model), "fixed", "link", "uncertainty")


def _scales(model: str) -> tuple[str, ...]:
    game = GAMES.get(model)
    return ("log_sd", *(f"log_sd{i + 1}" for i in range(game.players))) if game else ("log_s1", "log_s2")


def read(model: str, path: Path | str) -> Formulas:
    """Read a formula file of one of the models.

    Raises:
        UserError: with file and line, and what to do.
    """
    require_model(model)
    return read_formulas(path, keys(model), options(model))


def columns(model: str, formulas: Formulas) -> list[str]:
    """Columns that the formulas name, those of the scales among them."""
    return _with_scales(model, formulas).columns()


def require_model(model: str) -> None:
    """Refuse a model that is not of this family."""
    if model not in MODELS:
        raise UserError(f"'{model}' is no model of this family. Known are {', '.join(MODELS)}.")


@dataclass(frozen=True, eq=False)
class Asked:
    """A model ready to be fitted: its law, the design with what was seen, and numbers added to the formulas' [key]."""

    law: Law
    design: Design
    offset: np.ndarray


def ask(
    model: str,
    table: Table,
    formulas: Formulas,
    *,
    link: str | None = None,
    uncertainty: str | None = None,
    floor: float | None = None,
) -> Asked:
    """What a formula file asks of a table.

    Raises:
        UserError: a key, column or cell does not fit; its place is told.
    """
    require_model(model)
    said = formulas.options
    whole = _with_scales(model, formulas)
    law = _law(model, whole, link or _text(whole, "link"), uncertainty or _text(whole, "uncertainty"), floor)
    offset = _offset(whole, law)
    seen = _offers(table, whole, law) if isinstance(law, Ultimatum) else _outcomes(table, whole, model)
    design = blocks_of(table, replace(whole, options=dict(said)))
    counts = seen[design.rows]
    there = ~np.isnan(counts).any(axis=1)
    notes = design.notes
    if not there.all():
        lacking = int((~there).sum())
        notes = (*notes, f"{lacking} of {len(there)} rows are left out, because what was done is missing there.")
        if not there.any():
            raise UserError(f"{table.name}: no row says what was done. Check {formulas.name}.")
    design = replace(design, counts=counts, notes=notes)
    return Asked(law, design if there.all() else design.take(np.flatnonzero(there)), offset)


def _with_scales(model: str, formulas: Formulas) -> Formulas:
    """The formulas, with those of the scales, in the order of the model's numbers."""
    fixed = formulas.options.get("fixed") or {}
    plain = "0" if model in GAMES else "1"
    terms = {key: formulas.terms.get(key, "0") for key in keys(model)}
    for key in _scales(model):
        given = formulas.options.get(key, formulas.terms.get(key))
        if given is None:
            held = isinstance(fixed, Mapping) and (key in fixed or key.removeprefix("log_") in fixed)
            given = "0" if held else plain
        if isinstance(given, bool) or not isinstance(given, str | int) or given not in (0, 1, str(given)):
            raise UserError(f'{formulas.name}: {key} is no formula. Write it in quotes: {key}: "0 + x".')
        terms[key] = str(given)
    if terms.get("log_sd", "0") != "0" and any(terms.get(f"log_sd{i}", "0") != "0" for i in (1, 2, 3)):
        raise UserError(f"{formulas.name}: log_sd is of all players and log_sd1 … of each. Give one or the other.")
    return replace(formulas, terms=terms)


def _law(model: str, formulas: Formulas, link: str | None, uncertainty: str | None, floor: float | None) -> Law:
    name = formulas.name
    link = link or ("probit" if model in GAMES else "logit")
    uncertainty = uncertainty or ("agent" if model in GAMES else "private")
    if link not in LINKS:
        raise UserError(f"{name}: '{link}' is no link. Known are {' and '.join(LINKS)}.")
    if uncertainty not in UNCERTAINTIES:
        raise UserError(f"{name}: '{uncertainty}' is no uncertainty. Known are {' and '.join(UNCERTAINTIES)}.")
    if model in GAMES:
        if link == "logit" and uncertainty == "private":
            raise UserError(
                f"{name}: private information takes link probit: a weighted sum of logistic shocks is not logistic. "
                "Choose probit, or uncertainty agent."
            )
        return Choices(model, link, uncertainty)
    if uncertainty != "private":
        raise UserError(f"{name}: uncertainty in the ultimatum game is private information. Leave it out.")
    largest, least = _number(formulas, "largest"), 0.0
    if largest is None or not largest > 0:
        raise UserError(f"{name}: the ultimatum game needs the prize, a number above 0: largest: 100.")
    if floor is None:
        floor = _number(formulas, "floor") or least
    if not 0 <= floor < 1:
        raise UserError(f"{name}: floor is a chance below which none is taken to be. Write a number from 0 to below 1.")
    return Ultimatum(largest, link, formulas.options.get("accept") is not None, floor)


def _text(formulas: Formulas, key: str) -> str | None:
    value = formulas.options.get(key)
    if value is not None and not isinstance(value, str):
        raise UserError(f"{formulas.name}: {key} is a word or a column. Write {key}: name.")
    return value


def _number(formulas: Formulas, key: str) -> float | None:
    value = formulas.options.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
        raise UserError(f"{formulas.name}: {key} is a number.")
    return float(value)


def _offset(formulas: Formulas, law: Law) -> np.ndarray:
    fixed = formulas.options.get("fixed") or {}
    found = np.zeros(len(law.keys))
    if not isinstance(fixed, Mapping):
        raise UserError(f"{formulas.name}: fixed maps utilities to numbers: fixed: {{{law.keys[0]}: -1}}.")
    for key, value in fixed.items():
        scale = isinstance(law, Ultimatum) and key in ("s1", "s2")
        place = f"log_{key}" if scale else str(key)
        if place not in law.keys:
            raise UserError(f"{formulas.name}: fixed: '{key}' is none of {', '.join(law.keys)}.")
        if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
            raise UserError(f"{formulas.name}: fixed: {key} is no number.")
        if scale and not value > 0:
            raise UserError(f"{formulas.name}: fixed: {key} is a scale. Write a number above 0.")
        found[law.keys.index(place)] = np.log(value) if scale else float(value)
    return found


def _outcomes(table: Table, formulas: Formulas, model: str) -> np.ndarray:
    """What each row counts of the outcomes [row, outcome]: one of one of them; nan where that is missing."""
    game, said = GAMES[model], formulas.options
    place = {outcome: k for k, outcome in enumerate(game.outcomes)}
    found = np.zeros((len(table), len(place)))
    if ("actions" in said) == ("outcome" in said):
        raise UserError(
            f"{formulas.name}: say what was done: actions: [COLUMN, …] for {game.moves} moves, or outcome: COLUMN "
            "and values."
        )
    if "outcome" in said:
        values = [str(v) for v in _listed(formulas, "values", len(place))]
        column = str(_text(formulas, "outcome"))
        table.require(column, formulas.name)
        for row, value in enumerate(table.values(column)):
            if value is None:
                found[row] = np.nan
            elif str(value) in values:
                found[row, values.index(str(value))] = 1.0
            else:
                raise UserError(f"{table.place(row, column)}: '{value}' is none of values: {', '.join(values)}.")
        return found
    columns = [str(c) for c in _listed(formulas, "actions", game.moves)]
    acts = np.stack([_binary(table, column, formulas.name) for column in columns], axis=1)
    for row in range(len(table)):
        node: Move | int = game.tree
        depth = 0
        while isinstance(node, Move):
            act = acts[row, depth]
            if np.isnan(act):
                break
            node = node.act if act else node.out
            depth += 1
        if isinstance(node, Move):
            found[row] = np.nan
        else:
            found[row, place[node]] = 1.0
    return found


def _offers(table: Table, formulas: Formulas, law: Ultimatum) -> np.ndarray:
    column = _text(formulas, "offer")
    if column is None:
        raise UserError(f"{formulas.name}: the ultimatum game needs the column of the offers: offer: COLUMN.")
    offer = table.numbers(column, formulas.name)
    bad = (offer < 0) | (offer > law.largest)
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise UserError(f"{table.place(row, column)}: {offer[row]:g} is no offer from 0 to the prize, {law.largest:g}.")
    accept = _binary(table, str(_text(formulas, "accept")), formulas.name) if law.answers else np.zeros(len(table))
    return np.stack([offer, accept], axis=1)


def _binary(table: Table, column: str, why: str) -> np.ndarray:
    value = table.numbers(column, why)
    bad = ~np.isnan(value) & (value != 0) & (value != 1)
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise UserError(f"{table.place(row, column)}: {value[row]:g} is neither 0 (no) nor 1 (yes).")
    return value


def _listed(formulas: Formulas, key: str, many: int) -> Sequence[Any]:
    value = formulas.options.get(key)
    if (
        not isinstance(value, Sequence)
        or isinstance(value, str)
        or len(value) != many
        or len(set(map(str, value))) != many
    ):
        raise UserError(f"{formulas.name}: {key} is a list of {many}, each once, in the order of the tree.")
    return value
