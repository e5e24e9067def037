"""Screen: what must they have believed? Shown only if `standoff infer` was run for this case."""

import xarray as xr

from standoff.show import posterior as read
from standoff.show.figures import posterior as figures
from standoff.show.figures.drawing import Drawing, wrapped
from standoff.show.screens.screen import Block, Cell, Findings, Picture, Screen, Table, Words, row
from standoff.show.words import LANE, MOVES, Names, count, listed, percent, sentence
from standoff.simulate.record import Half, Record

QUESTION = "What must they have believed?"


def posterior(found: Findings) -> Screen | None:
    """Beliefs, misperceptions, views, deals and numbers in the light of the record."""
    tree = found.tree.children.get("posterior")
    return None if tree is None else posterior_screen(tree, found.record, found.names)


def posterior_screen(tree: xr.DataTree, along: Record, names: Names) -> Screen:
    """The same from the tree of `infer` alone."""
    if not read.whole(tree):
        return Screen("posterior", QUESTION, "The record holds no round yet, so there is nothing to infer from.")
    moves = read.told_moves(tree)
    own = read.held(tree)
    left: list[Block] = [Picture(_beliefs(tree, along, names))]
    holds = [read.hold(tree, names, side) for side in own]
    picture = figures.views(read.starts(tree), read.after(tree), holds, read.deal(tree))
    left += [Picture(picture), Words(tuple([*(read.tenable(tree, names, side) for side in own), read.dealt(tree)]))]
    right: list[Block] = []
    if moves:
        bands = [read.gap(tree, names, mover, move) for mover, move in moves]
        right += [Picture(figures.gaps(read.starts(tree), bands)), _gap_table(tree, names, moves)]
    order = [str(n) for n in tree["numbers"].ds["number"].values]
    right.append(Picture(figures.numbers([read.interval(tree, name) for name in order])))
    below: tuple[Block, ...] = (number_table(tree),)
    return Screen(
        "posterior", QUESTION, _answer(tree, names, moves), tuple(left), tuple(right), below, note(tree, names)
    )


def _beliefs(tree: xr.DataTree, along: Record, names: Names) -> Drawing:
    minds = [read.belief(tree, names, mind) for mind in ("target", "coercer")]
    return figures.beliefs(read.starts(tree), minds, lanes(tree, along, names))


def lanes(tree: xr.DataTree, along: Record, names: Names) -> list[tuple[str, list[str]]]:
    """The moves on record by round, a lane a side."""
    n = read.whole(tree)
    found = []
    for side in read.SIDES:
        words = [_lane(turn.halves[side]) for turn in along.turns][:n]
        found.append((names.side(side), words + [""] * (n - len(words))))
    return found


def _lane(half: Half) -> str:
    options = [] if half.silent else [o.move for o in half.options]
    move = next((m for m in options if m.move in LANE), None)
    if move is None:
        return ""
    open_ = "?" if len({m.move for m in options}) > 1 else ""
    detail = (move.rung or move.package or "").replace("-", " ").replace("_", " ")
    return LANE[move.move] + open_ + (":\n" + wrapped(detail, 10, 3) if detail else "")


def _answer(tree: xr.DataTree, names: Names, moves: list[tuple[str, str]]) -> str:
    parts = [f"{read.believed(tree, names, mind)}." for mind in ("target", "coercer")]
    if moves:
        parts.append(sentence(read.misread(tree, names, read.widest(tree, *moves[0]))) + ".")
    parts += [read.kept(tree, names)] if read.held(tree) else []
    if int(tree.attrs["failed"]):
        parts.insert(0, f"NOT TO BE TRUSTED. {tree.attrs['status']}")
    return " ".join(parts)


def _gap_table(tree: xr.DataTree, names: Names, moves: list[tuple[str, str]]) -> Table:
    rows = []
    for mover, move in moves:
        one = read.widest(tree, mover, move)
        low, middle, high = (read.signed(one.band[k]) for k in (0, 2, 4))
        when = read.starts(tree)[one.at]
        rows.append(
            row(
                f"{names.side(mover)} to {MOVES[move]}", f"{when.day} {when:%b %Y}", percent(one.expected),
                percent(one.own), Cell(f"{middle} [{low}, {high}]", faint=bool(one.band[0] * one.band[4] <= 0)),
            )
        )  # fmt: skip
    return Table(
        "Widest misperception gaps",
        ("Move within a round", "Round from", "Expected by the other", "By own strategy", "Gap, points"),
        tuple(rows), "gap: median [5th, 95th percentile]; grey: its sign is not sure",
    )  # fmt: skip


def number_table(tree: xr.DataTree) -> Table:
    """Prior and posterior of every number, what the record teaches of it, and what it hangs on."""
    data = tree["numbers"].ds
    rows = []
    for name in (str(n) for n in data["number"].values):
        one, taught = data.sel(number=name), read.learnt(tree)[name]
        shown = read.interval(tree, name)
        rows.append(
            row(
                read.plain(name), Cell(str(one["unit"].item()) or "no unit", faint=not str(one["unit"].item())),
                read.band(shown.prior), Cell(read.band(shown.posterior), faint=not taught),
                Cell(f"{float(one['shrinkage']):.0%}", faint=not taught),
                Cell(read.told(str(one["lesson"].item()), name), faint=not taught), str(one["diagnosis"].item()),
            )
        )  # fmt: skip
    return Table(
        "The numbers before and after the record",
        ("Number", "Unit", "Prior", "Posterior", "Spread left", "What the record teaches", "What it hangs on"),
        tuple(rows),
        "median [5th, 95th percentile]; spread left: standard deviation after over before, on the prior’s own scale; "
        "what it hangs on: whether prior or likelihood, raised to a power, move it",
        wordy=(1, 5, 6),
    )  # fmt: skip


def note(tree: xr.DataTree, names: Names) -> str:
    """How it was computed, what it leaves out, and whether to trust it."""
    a = tree.attrs
    generic = a.get("priors") == "generic"
    text = (
        f"{a['status']} {a['solved']} {count(int(a['draws']), 'draw')} of "
        f"{count(tree['numbers'].ds.sizes['number'], 'number')}, "
        f"{count(int(a['tellings']), 'telling')} of what may have happened, seed {a['seed']}. "
        f"The chance of types: {'; '.join(read.firm(tree, names, side) for side in read.SIDES)}. "
    )
    if read.held(tree):
        text += (
            "Beliefs and gaps are with each side in its own view; dashed with both in the base, where a gap remains "
            "because types are private. "
        )
    text += (
        f"Priors: {'the library’s, without the case in view' if generic else 'the case’s, written with hindsight'}. "
        "Numbers that are not listed stand at their medians, so that the bands are too narrow by what these leave open."
    )
    if a.get("until"):
        text += f" As known on {a['until']}."
    if len(a.get("left_out", ())):
        text += f" Left out: {listed(list(map(str, a['left_out'])))}."
    return text
