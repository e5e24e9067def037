"""What the adviser of a seat says: chances of moves as bars, its beliefs, and how it comes to them."""

from standoff.app.blocks import chances, facts, text
from standoff.app.table.words import DO, Words, chance
from standoff.play.sight import Act, Advised, PlayerSight

CAUTION = (
    "The adviser is the solution of your own view of the crisis, which may be wrong. It knows your type and the public "
    "record, nothing else."
)


def key(sight: PlayerSight) -> object:
    """What this part depends on."""
    return sight.mine.advice, sight.to_move, sight.mine.paid, sight.round


def expects(words: Words, advised: Advised, other: str) -> None:
    """On the other's turn: what he is expected to do, most likely first."""
    rows = [
        (words.act(one), chance(one.chance), one.chance) for one in sorted(advised.expects, key=lambda e: -e.chance)
    ]
    chances(f"What {words.name(other)} is expected to do now, chance", rows)


def answers(words: Words, advised: Advised, act: Act, other: str) -> None:
    """On the own turn: what is expected in answer to a move."""
    found = next((one for one in advised.replies if _same(one, act)), None)
    if found is None:
        return
    rows = [
        (DO.get(move, move), chance(share), share) for move, share in sorted(found.answers.items(), key=lambda e: -e[1])
    ]
    if found.removed > 0:
        rows.append(("The leader is removed from within first", chance(found.removed), found.removed))
    chances(f"What {words.name(other)} is expected to answer, chance", rows)


def would(advised: Advised, act: Act) -> float | None:
    """The chance with which the solution makes a move."""
    return next((one.chance for one in advised.would_do if _same(one, act)), None)


def _same(one: Act, other: Act) -> bool:
    return (one.move, one.rung, one.package) == (other.move, other.rung, other.package)


def beliefs(words: Words, sight: PlayerSight) -> None:
    """What the adviser believes of both, and what it makes of the game so far."""
    mine, advised = sight.mine, sight.mine.advice
    if advised is None:
        text("p", "This seat has no adviser.", "note")
        return
    other = words.other(mine.side)
    firm = words.rules.types[other][-1]
    rows = [
        (f"{words.name(other)} is of the firm type", f"{chance(advised.other_firm)} (“{firm}”)"),
        (f"{words.name(other)} thinks you firm", chance(advised.thinks_me_firm)),
    ]
    if advised.taken_for is not None:
        rows.append(("His last move was taken for", DO.get(advised.taken_for, advised.taken_for).lower()))
    if advised.dropped_view:
        rows.append(("View", "the one first held is dropped: the record speaks against it"))
    facts(rows)
    text("p", f"View: {advised.view}. Precision: {advised.precision:g}. {CAUTION}", "note")
