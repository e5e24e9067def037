"""What the Minds page tells of both sides: beliefs, gaps, and what each thought the other's game was."""

import datetime as dt
from dataclasses import dataclass

import numpy as np

from standoff.app.charts.minds import Course
from standoff.app.data import Desk
from standoff.case.crisis import View
from standoff.case.number import Number, Shift, Source
from standoff.case.reason import written
from standoff.show import posterior as read
from standoff.show.screens.screen import Cell, Table, row
from standoff.show.words import LANE, MOVES, count, sentence

BANDS = (0.05, 0.25, 0.5, 0.75, 0.95)
SIDES = ("coercer", "target")


@dataclass(frozen=True)
class Mind:
    """One side's mind: what it believed of the other by round, and the moves whose expectation can be compared."""

    side: str
    belief: Course
    moves: tuple[str, ...]
    gaps: dict[str, Course]
    first: str


def days(desk: Desk) -> list[dt.date]:
    """First days of the rounds on record."""
    return [turn.start for turn in desk.along.turns]


def from_posterior(desk: Desk) -> bool:
    """Whether beliefs are those in the light of the record; else those of the run, at the case's own numbers."""
    tree = desk.posterior
    return tree is not None and read.whole(tree) == len(desk.along.turns) > 0


def mind(desk: Desk, side: str) -> Mind | None:
    """One side's mind; none without a run, or without a round on record."""
    return desk.keep(f"mind {side}", lambda: _mind(desk, side))


def _mind(desk: Desk, side: str) -> Mind | None:
    if not desk.along.turns:
        return None
    if from_posterior(desk):
        return _of_posterior(desk, side)
    return _of_run(desk, side) if desk.results is not None and "record" in desk.results.children else None


def _of_posterior(desk: Desk, side: str) -> Mind:
    tree, other = desk.posterior, read.other(side)
    if tree is None:
        raise ValueError("no posterior")
    belief = read.belief(tree, desk.names, side)
    told = [move for mover, move in read.told_moves(tree) if mover == other]
    every = [str(m) for m in tree["minds"].ds[f"{other}_move"].values]
    gaps = {}
    for move in every:
        one = read.gap(tree, desk.names, other, move)
        gaps[move] = Course(one.title, one.own, one.base)
    first = max(told or every, key=lambda m: float(np.abs(gaps[m].own[2]).max()))
    return Mind(side, Course(belief.title, belief.own, belief.base), _lanes(desk, other), gaps, first)


def _of_run(desk: Desk, side: str) -> Mind:
    if desk.results is None:
        raise ValueError("no run")
    data, other, n = desk.results["record"].ds, read.other(side), desk.names

    def bands(values: object) -> np.ndarray:
        return np.asarray(np.quantile(np.asarray(values), BANDS, axis=1))

    beliefs = data["belief"].sel(mind=side, about=other).transpose("setting", "round", "draw")
    title = f"{n.side(side)}’s belief that {n.side(other)} is “{n.firm[other]}”"
    belief = Course(title, bands(beliefs.sel(setting="views")), np.median(np.asarray(beliefs.sel(setting="base")), 1))
    gaps = {}
    for move in (str(m) for m in data[f"{other}_move"].values):
        pick = {f"{other}_move": move}
        off = (data[f"expected_{other}"] - data[f"own_{other}"]).sel(pick).transpose("setting", "round", "draw")
        words = f"{n.side(other)} to {MOVES[move]}: expected by {n.side(side)}, less its chance"
        gaps[move] = Course(words, bands(off.sel(setting="views")), np.median(np.asarray(off.sel(setting="base")), 1))
    first = max(gaps, key=lambda m: float(np.abs(gaps[m].own[2]).max()))
    return Mind(side, belief, _lanes(desk, other), gaps, first)


def _lanes(desk: Desk, side: str) -> tuple[str, ...]:
    """The moves of a side by round, a word each."""
    found = []
    for turn in desk.along.turns:
        half = turn.halves[side]
        moves = [] if half.silent else [o.move.move for o in half.options]
        shown = next((m for m in moves if m in LANE), None)
        found.append("" if shown is None else LANE[shown] + ("?" if len(set(moves)) > 1 else ""))
    return tuple(found)


def game_of(desk: Desk, side: str) -> tuple[list[Table], str]:
    """What a side thought the game was: tables of how its view departs from the base, and what else must be said."""
    case, n = desk.loaded.case, desk.names
    view = case.view_of(side)  # type: ignore[arg-type]
    if view is None:
        return [], f"The case gives {n.side(side)} no view of its own: it plays the base game."
    tables = [_differences(desk, view, f"How {n.side(side)} sees the game")]
    inner = next((v for v in case.views if v.id == view.other), None)
    if inner is None:
        return tables, f"{n.side(side)} is taken to think that {n.other(side)} sees it in the same way."
    tables.append(_differences(desk, inner, f"How {n.side(side)} thinks that {n.other(side)} sees it"))
    return tables, ""


def _differences(desk: Desk, view: View, title: str) -> Table:
    base = {path: number for path, number in _numbers(desk)}
    rows = []
    for d in view.differences:
        for k, (path, shift) in enumerate(d.set.items()):
            why = shift.number.judgement if isinstance(shift.number.judgement, str) else ""
            backed = [
                r.source if isinstance(r, Source) else r for r in (*shift.number.because, *(d.because if not k else ()))
            ]
            rows.append(row(
                Cell(d.title if k == 0 else "", strong=True), read.plain(path), _base(base.get(path)),
                Cell(_shifted(shift), judgement=bool(shift.number.judgement)),
                Cell("; ".join([x for x in (why, count(len(backed), "source") if backed else "") if x])),
            ))  # fmt: skip
    return Table(title, ("Difference", "Number", "Base", "In this view", "Reason"), tuple(rows), wordy=(0, 1, 2, 3, 4))


def _numbers(desk: Desk) -> list[tuple[str, Number]]:
    from standoff.case.number import walk

    return desk.keep("numbers by path", lambda: list(walk(desk.loaded.case)))


def _base(number: Number | None) -> str:
    return "computed" if number is None else written(number)


def _shifted(shift: Shift) -> str:
    text = written(shift.number)
    return f"base × {text}" if shift.times is not None else f"base + {text}" if shift.plus is not None else text


def answer(desk: Desk) -> str:
    """What each believed, and the widest misreading, in sentences."""
    tree = desk.posterior
    if from_posterior(desk) and tree is not None:
        parts = [f"{sentence(read.believed(tree, desk.names, side))}." for side in ("target", "coercer")]
        moves = read.told_moves(tree)
        if moves:
            parts.append(sentence(read.misread(tree, desk.names, read.widest(tree, *moves[0]))) + ".")
        parts += [read.kept(tree, desk.names)] if read.held(tree) else []
        if int(tree.attrs["failed"]):
            parts.insert(0, f"NOT TO BE TRUSTED. {tree.attrs['status']}")
        return " ".join(parts)
    if desk.findings is not None:
        from standoff.show.screens.belief import belief

        return belief(desk.findings).answer
    return ""
