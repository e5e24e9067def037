"""Screen 2: what did each side believe, round by round, and how far off was it?"""

import datetime as dt
from dataclasses import dataclass

import numpy as np

from standoff.show import summary
from standoff.show.figures.beliefs import Trace, beliefs, expectations
from standoff.show.figures.drawing import Drawing, wrapped
from standoff.show.screens.screen import Cell, Findings, Picture, Screen, Table, row
from standoff.show.summary import Chance
from standoff.show.words import LANE, MOVES, clear, count, day, give_or_take, percent, points, sentence
from standoff.simulate.record import Half

QUESTION = "What did each side believe, round by round, and how far off was it?"


@dataclass(frozen=True)
class Gap:
    """How far what one side expected of the other lay from what the other's strategy would have done."""

    mover: str
    move: str
    at: int
    expected: Chance
    own: Chance
    gap: Chance


def belief(found: Findings) -> Screen:
    """Belief traces and expectations along the record."""
    data = found.group("record")
    if data is None or not found.record.turns:
        return Screen("belief", QUESTION, "The record holds no round yet, so there is nothing to follow.")
    starts = [dt.date.fromisoformat(str(s)) for s in data["start"].values]
    names = found.names
    traces = []
    for mind in ("target", "coercer"):
        about = "coercer" if mind == "target" else "target"
        both = [np.asarray(data["belief"].sel(setting=s, mind=mind, about=about)) for s in ("views", "base")]
        traces.append(
            Trace(f"{names.side(mind)}’s belief that {names.side(about)} is “{names.firm[about]}”", both[0], both[1])
        )
    lanes = [
        (names.side(side), [_lane(turn.halves[side]) for turn in found.record.turns]) for side in ("coercer", "target")
    ]
    gaps = {side: _largest(found, side) for side in ("coercer", "target")}
    picture = beliefs(starts, traces, lanes, "chance, %")
    return Screen(
        "belief",
        QUESTION,
        _answer(found, traces, gaps, starts),
        left=(Picture(picture), _table(found, gaps, starts)),
        right=(Picture(_expectations(found, gaps, starts)),),
        note=_note(found),
    )


def _lane(half: Half) -> str:
    if half.silent:
        return ""
    shown = next((o.move.move for o in half.options if o.move.move in LANE), None)
    if shown is None:
        return ""
    open_ = "?" if len({o.move.move for o in half.options}) > 1 else ""
    move = next(o.move for o in half.options if o.move.move == shown)
    detail = (move.rung or move.package or "").replace("-", " ").replace("_", " ")
    return LANE[shown] + open_ + (":\n" + wrapped(detail, 10, 3) if detail else "")


def _gap(found: Findings, mover: str, move: str) -> np.ndarray:
    data = found.tree["record"].ds.sel(setting="views")
    at = {f"{mover}_move": move}
    return np.asarray(data[f"expected_{mover}"].sel(at) - data[f"own_{mover}"].sel(at))


def _largest(found: Findings, mover: str) -> Gap:
    data = found.tree["record"].ds.sel(setting="views")
    moves = [str(m) for m in data[f"{mover}_move"].values]
    sizes = {move: np.abs(_gap(found, mover, move).mean(1)) for move in moves}
    move = max(moves, key=lambda m: sizes[m].max())
    return _gap_at(found, mover, move, int(sizes[move].argmax()))


def _gap_at(found: Findings, mover: str, move: str, n: int) -> Gap:
    data = found.tree["record"].ds.sel(setting="views")
    pick = {f"{mover}_move": move}
    expected, own = (np.asarray(data[f"{kind}_{mover}"].sel(pick))[n] for kind in ("expected", "own"))
    return Gap(mover, move, n, summary.chance(expected), summary.chance(own), summary.chance(expected - own))


def _answer(found: Findings, traces: list[Trace], gaps: dict[str, Gap], starts: list[dt.date]) -> str:
    names = found.names
    parts = []
    for mind, trace in zip(("target", "coercer"), traces, strict=True):
        off = summary.chance(trace.first.mean(0) - trace.second.mean(0))
        about = names.other(mind)
        size = count(round(abs(100 * off.mean)), "point")
        how = f"{size} {'below' if off.mean < 0 else 'above'} what the base view gives"
        how = (
            f"on average {how} ({give_or_take(off.error)})"
            if clear(off) and abs(off.mean) >= 0.005
            else "no different, within the error, from what the base view gives"
        )
        parts.append(
            f"{names.side(mind)}’s belief that {about} is "
            f"“{names.firm['coercer' if mind == 'target' else 'target']}” goes from "
            f"{percent(float(trace.first[0].mean()))} to "
            f"{percent(float(trace.first[-1].mean()))}, {how}"
        )
    gap = max(gaps.values(), key=lambda g: abs(g.gap.mean))
    widest = "The widest misperception" if clear(gap.gap) else "No misperception clearly exceeds its error; the widest"
    last = (
        f" {widest} lies in the round from {day(starts[gap.at])}: {names.other(gap.mover)} saw a "
        "chance of "
        f"{percent(gap.expected.mean)} that {names.side(gap.mover)} would {MOVES[gap.move]}; by "
        f"{names.side(gap.mover)}’s own strategy it was {percent(gap.own.mean)} "
        f"({points(gap.gap)} points)."
    )
    return f"{'; '.join(parts)}.{last}"


def _expectations(found: Findings, gaps: dict[str, Gap], starts: list[dt.date]) -> Drawing:
    data, names = found.tree["record"].ds, found.names
    rows = []
    for mover in ("coercer", "target"):
        moves = [str(m) for m in data[f"{mover}_move"].values]
        strike = (
            mover == "coercer"
            and "strike" in moves
            and bool((data[f"own_{mover}"].sel(coercer_move="strike") > 0).any())
        )
        move = "strike" if strike else gaps[mover].move
        pick = {f"{mover}_move": move}
        one, two = (np.asarray(data[f"{kind}_{mover}"].sel(setting="views").sel(pick)) for kind in ("expected", "own"))
        title = f"{names.side(mover)} will {MOVES[move]} within the round"
        rows.append((Trace(title, one, two), ("as the other\nexpected", "by own\nstrategy")))
    ahead = data["ahead"].sel(ending="force", mind="target")
    one, two = np.asarray(ahead.sel(setting="views")), np.asarray(ahead.sel(setting="base"))
    title = f"It will end by force by the horizon, as {names.target} expects"
    rows.insert(1, (Trace(title, one, two), ("in own view", "in the\nbase view")))
    return expectations(starts, rows, "chance, %")


def _table(found: Findings, gaps: dict[str, Gap], starts: list[dt.date]) -> Table:
    names = found.names
    chosen = list(gaps.values())
    moves = [str(m) for m in found.tree["record"].ds["coercer_move"].values]
    if "strike" in moves:
        sizes = np.abs(_gap(found, "coercer", "strike").mean(1))
        if sizes.max() > 0 and gaps["coercer"].move != "strike":
            chosen.insert(0, _gap_at(found, "coercer", "strike", int(sizes.argmax())))
    rows = [
        row(
            f"{names.side(g.mover)} to {MOVES[g.move]}",
            f"{starts[g.at].day} {starts[g.at]:%b %Y}",
            f"{percent(g.expected.mean)} {give_or_take(g.expected.error)}",
            f"{percent(g.own.mean)} {give_or_take(g.own.error)}",
            Cell(points(g.gap), faint=not clear(g.gap)),
        )
        for g in chosen
    ]
    return Table(
        "Largest misperception gaps",
        ("What was expected within a round", "Round from", "Expected by the other", "By own strategy", "Gap, points"),
        tuple(rows),
        "chance of the move in that round; ± two standard errors over draws; grey: within its error",
    )


def moves(found: Findings) -> Table:
    """The record as moves of the game."""
    rows = []
    for turn in found.record.turns:
        for side in ("coercer", "target"):
            half = turn.halves[side]
            if half.event is None:
                continue
            options = [(o, o.move) for o in half.options]
            said = []
            for option, move in options:
                detail = move.rung or move.package
                weight = f" ({percent(option.weight)})" if len(options) > 1 else ""
                taken = f", taken for “{MOVES[option.read_as.move]}”" if option.read_as else ""
                said.append(MOVES[move.move] + (f": {detail}" if detail else "") + taken + weight)
            cell = Cell("; ".join(said), judgement=len(options) > 1)
            rows.append(row(str(turn.index + 1), str(half.event.date), found.names.side(side), half.event.title, cell))
    return Table(
        "The moves on record",
        ("Round", "Date", "Side", "Event", "Counted as"),
        tuple(rows),
        "where accounts differ: each with its weight, the chance that it is the right one",
        wordy=(1, 2),
    )


def _types(found: Findings) -> str:
    n = found.names
    return "; ".join(
        f"“{n.firm[s]}” ({n.side(s)}): "
        f"{n.firm_words[s].rstrip('.').lower() if n.firm_words[s][:2].istitle() else n.firm_words[s]}"
        for s in ("coercer", "target")
    )


def _note(found: Findings) -> str:
    quiet = sum(turn.halves[s].silent for turn in found.record.turns for s in ("coercer", "target"))
    ahead = found.tree["record"].ds["ahead"].sel(ending="force", setting="views")
    last = [summary.chance(np.asarray(ahead.sel(mind=m))[-1]) for m in ("coercer", "target")]
    words = " and ".join(
        f"{found.names.side(m)} {percent(c.mean)} {give_or_take(c.error)}"
        for m, c in zip(("coercer", "target"), last, strict=True)
    )
    return sentence(
        "left: the chance, in the mind of each, that the other is of the firm type, before the moves of the round: "
        f"{_types(found)}. What the types are is not known, so “off” means apart from the base view. Right: the "
        "chance of one move within one round, or of force by the horizon; “by own "
        "strategy” weighs the types by what that side’s own record leaves likely. "
        f"In the last round on record each expected an end by force with: {words}. "
        f"{sentence(count(quiet, 'half-round'))} without a move count as waiting or refusing, with the case’s "
        "weight of silence. "
        "Moves are placed by the case; their reading is judgement."
    )
