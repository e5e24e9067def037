"""Screen: which source and which event carries how much? Shown only if `standoff infer` left pieces out."""

import xarray as xr

from standoff.show import pieces as read
from standoff.show.figures.pieces import Bar
from standoff.show.figures.pieces import pieces as picture
from standoff.show.pieces import Piece
from standoff.show.posterior import plain, signed
from standoff.show.screens.screen import Cell, Findings, Picture, Screen, Table, Words, row
from standoff.show.words import Names, count, listed, percent, sentence

QUESTION = "Which source and which event carries how much?"
MOST, SMALL = 14, 0.005
"""Pieces in the figure; change of a chance below which a piece is named only."""


def pieces(found: Findings) -> Screen | None:
    """What leaving out each event and each source changes."""
    tree = found.tree.children.get("posterior")
    if tree is None or "pieces" not in tree.children:
        return None
    return pieces_screen(tree, found.names)


def pieces_screen(tree: xr.DataTree, names: Names) -> Screen:
    """The same from the tree of `infer` alone, which holds the group `pieces`."""
    data = tree["pieces"].to_dataset()
    every = read.pieces(data)
    if not every:
        return Screen("pieces", QUESTION, "No event on record is a move, so there is no piece to leave out.")
    shown = every[:MOST]
    sides = {side: names.side(side) for side in read.SIDES}
    drawing = picture([(read.label(p), p.rough) for p in shown], read.panels(shown), sides)
    return Screen(
        "pieces", QUESTION, answer(every, names), (Picture(drawing),), (_stands(data, names), _reading(data, every)),
        (table(every, names),), note(data),
    )  # fmt: skip


def answer(every: list[Piece], names: Names) -> str:
    """The heaviest event and source, and how many carry anything."""
    parts = []
    for kind in ("event", "source"):
        mine = [p for p in every if p.kind == kind]
        sure = [(p, name, bar) for p in mine if not p.rough for name, pair in p.chances.items() for bar in pair
                if read.clear(bar)]  # fmt: skip
        if not mine:
            continue
        if not sure:
            parts.append(f"Of {count(len(mine), kind)} none changes a chance beyond its error")
            continue
        piece, name, bar = max(sure, key=lambda item: abs(item[2].value))
        who = "event" if kind == "event" else "source"
        parts.append(
            f"The {who} that carries most is “{piece.title}”: without it the chance {read.said(names, name, bar.side)} "
            f"would change by {signed(bar.value)} points"
        )
    rough = sum(p.rough for p in every)
    text = ". ".join(parts) + "."
    if rough:
        text += f" {count(rough, 'row')} of {len(every)} {'is' if rough == 1 else 'are'} rough."
    return text


def table(every: list[Piece], names: Names) -> Table:
    """Changes of the chances, the number that shifts most, and the evidence, the largest change first."""
    rows = []
    shown = [piece for piece in every if piece.size >= SMALL] or every
    rest = [piece for piece in every if piece not in shown]
    small = f"Half a point at most is changed by {listed([_short(p) for p in rest])}." if rest else ""
    for piece in shown:
        cells = [_cell(bar, piece) for name in read.CHANCES for bar in piece.chances[name]]
        number = f"{plain(piece.number)} {piece.shift.value:+.2f} ±{piece.shift.error:.2f}".replace("-", "−")
        rows.append(
            row(
                Cell(read.label(piece), faint=piece.rough), *cells,
                Cell(number, faint=piece.rough or not read.clear(piece.shift)),
                Cell(f"{piece.evidence:+.2f}".replace("-", "−"), faint=piece.rough),
                Cell(f"{piece.effective:.0f}" + (", rough" if piece.rough else ""), faint=piece.rough),
            )
        )  # fmt: skip
    sides = [names.side(side) for side in read.SIDES]
    heads = [f"{who} {what}" for what in ("firm", "own view", "sees at last") for who in sides]
    return Table(
        "What is changed by leaving a piece out, points",
        ("Left out", *heads, "Number most shifted, prior sds", "ln evidence, with less without", "Effective draws"),
        tuple(rows), f"± two standard errors; grey: within them, or rough. {small}", wordy=(7,),
    )  # fmt: skip


def _short(piece: Piece) -> str:
    label = read.label(piece)
    return f"“{label if len(label) <= 60 else label[:59] + '…'}”"


def _cell(bar: Bar, piece: Piece) -> Cell:
    digits = 0 if bar.error >= 0.0095 else 1
    text = f"{signed(bar.value)} ±{100 * bar.error:.{digits}f}"
    return Cell(text, faint=piece.rough or not read.clear(bar))


def _stands(data: xr.Dataset, names: Names) -> Table:
    """What stands with every piece in the record."""
    rows = []
    for name in read.CHANCES:
        for side in read.SIDES:
            chance = float(data["with_all"].sel(quantity=name, side=side))
            rows.append(row(sentence(f"chance {read.said(names, name, side)}"), percent(chance)))
    return Table("With all pieces", ("What the changes are measured from", "Chance"), tuple(rows))


def _reading(data: xr.Dataset, every: list[Piece]) -> Words:
    """How to read the figure."""
    beyond = f" The figure shows the {MOST} largest of {len(every)}." if len(every) > MOST else ""
    return Words((
        "A bar to the left: without the piece the chance would be lower, so the piece speaks for it; to the right: it "
        f"speaks against it. An answer that hangs on one piece is as good as that piece.{beyond}",
        read.alarms(data),
    ))  # fmt: skip


def note(data: xr.Dataset) -> str:
    """How it was computed, and what is rough."""
    a = data.attrs
    return (
        f"{count(int(a['draws']), 'draw')} of the posterior, {count(int(a['tellings']), 'telling')} each, watched "
        "again on the same random numbers, and weighted by how likely the moves are without the piece. An event left "
        "out counts as a round without a move; of a source its reports alone are left out: what others tell stays. "
        "Evidence compares the record with and without the piece: below 0, the moves that it adds were unlikely. "
        f"A row is rough where fewer than {float(a['rough']):.0f} draws carry the weight."
    )
