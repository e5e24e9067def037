"""The real record as moves of the game: which move each side made in each round, and what it was taken for.

The events of a round become one move a side by the highest class (design decisions, 2026): for the coercer
back-down or accept, then strike, ultimatum, climb, offer, hold; for the target concede, accept or flee, then
offer, display, defy. What is left over are signals. Several climbs in a round count as the highest. An event with
incompatible accounts is drawn anew, by their weights, on every path. A round without a move counts as hold and
defy, which teach with the case's silence weight.
"""

import datetime as dt
import zlib
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np

from standoff.case.crisis import Case
from standoff.case.evidence import Event, Move
from standoff.errors import UserError
from standoff.game.form import Form
from standoff.game.play import Given
from standoff.simulate.payoffs import playable

RANK = {
    "coercer": {"back-down": 6, "accept": 6, "strike": 5, "ultimatum": 4, "climb": 3, "offer": 2, "hold": 1},
    "target": {"concede": 5, "accept": 5, "flee": 5, "offer": 3, "display": 2, "defy": 1},
}
QUIET = {"coercer": Move(move="hold"), "target": Move(move="defy")}


@dataclass(frozen=True)
class Option:
    """A move that may have been made in a round, with its weight and, if misread, what it was read as."""

    move: Move
    weight: float
    read_as: Move | None = None
    account: str | None = None


@dataclass(frozen=True)
class Half:
    """What one side did in a round: the options that rank highest, all events behind them, and the signals."""

    options: tuple[Option, ...]
    event: Event | None
    signals: tuple[Event, ...]

    @property
    def silent(self) -> bool:
        """Whether nothing on record is a move."""
        return self.event is None


@dataclass(frozen=True)
class Turn:
    """One round of the record."""

    index: int
    start: dt.date
    end: dt.date
    halves: dict[str, Half]


@dataclass(frozen=True)
class Record:
    """The rounds on record, up to the event that ended the crisis or to a date."""

    turns: tuple[Turn, ...]
    ending: Event | None


def round_of(case: Case, day: dt.date) -> int:
    """Index (from 0) of the round in which a day falls; negative before the first."""
    return (day - case.crisis.starts).days // case.crisis.round_days


def event_day(event: Event) -> dt.date | None:
    """The day on which an event is placed: as written, or the middle of its month."""
    when = event.date
    if when.on is None:
        return None
    return when.on.replace(day=15) if when.precision == "month" else when.on


def _round(case: Case, event: Event) -> int | None:
    day = event_day(event)
    if day is None:
        return None
    return round_of(case, day) - (1 if event.half_round_before else 0)


def _public(event: Event, until: dt.date | None) -> bool:
    day = event_day(event)
    if until is None or day is None:
        return day is not None
    known = event.public_from if isinstance(event.public_from, dt.date) else day
    return max(day, known) <= until


def record(case: Case, until: dt.date | None = None) -> Record:
    """Read the case's events as a record of moves; with `until`, only what was public by that day."""
    events = [event for event in case.events if _public(event, until)]
    endings = [event for event in events if event.ends is not None and event.date.on is not None]
    ending = min(endings, key=lambda event: event_day(event) or dt.date.max) if endings else None
    placed = [(r, event) for event in events if (r := _round(case, event)) is not None]
    last = max((r for r, event in placed if r < case.crisis.rounds), default=-1)
    if until is not None:
        last = min(round_of(case, until), case.crisis.rounds - 1)
    if ending is not None:
        last = min(_round(case, ending) or 0, case.crisis.rounds - 1)
    turns = []
    for index in range(last + 1):
        start = case.crisis.starts + dt.timedelta(days=index * case.crisis.round_days)
        here = [event for r, event in placed if r == index]
        halves = {side: _half(case, side, [e for e in here if e.side == side]) for side in RANK}
        turns.append(Turn(index, start, start + dt.timedelta(days=case.crisis.round_days - 1), halves))
    return Record(tuple(turns), ending)


def require_playable(case: Case, found: Record) -> None:
    """Refuse a record whose rounds cannot be played: what counts in a round must be possible where it stands.

    Events may be possible one by one and not as rounds: where an ultimatum outranks the climb before it, the rung
    of that climb is not reached.
    """
    rungs = [rung.id for rung in case.ladder]
    stands = {rungs.index(case.crisis.start_rung)}
    offered = {"coercer": False, "target": False}
    for turn in found.turns:
        for side, other in (("coercer", "target"), ("target", "coercer")):
            half = turn.halves[side]
            reached = set()
            for option in half.options:
                move = option.move
                to = rungs.index(move.rung) if move.rung else None
                fault = _fault(case, move, to, stands, offered=offered[other])
                if fault:
                    where = f"event '{half.event.id}'" if half.event else f"the {side}'s silence"
                    raise UserError(
                        f"Round {turn.index + 1} of the record (from {turn.start}), {where}: {fault}. In a round only "
                        "the highest class of move of a side counts; change the event's date, move or rung."
                    )
                reached |= stands if to is None else {to}
            stands = reached
            offered[side] = any(option.move.move == "offer" for option in half.options)


def _fault(case: Case, move: Move, to: int | None, stands: set[int], *, offered: bool) -> str:
    """Why a move cannot be played from where the crisis may stand, or nothing."""
    for at in sorted(stands):
        rung = case.ladder[at]
        if to is not None and to <= at:
            return f"a climb to '{case.ladder[to].id}' from '{rung.id}' is not a climb"
        if (move.move == "strike" and not rung.strike) or (move.move == "ultimatum" and not rung.ultimatum):
            return f"{move.move} is not possible from '{rung.id}'"
    return "nothing is on the table to accept" if move.move == "accept" and not offered else ""


def _rank(case: Case, side: str, move: Move) -> tuple[int, int]:
    rungs = [rung.id for rung in case.ladder]
    return RANK[side][move.move], rungs.index(move.rung) if move.rung else 0


def _half(case: Case, side: str, events: list[Event]) -> Half:
    found: list[tuple[tuple[int, int], Event]] = []
    for event in events:
        moves = [account.move for account in event.accounts if account.move] + ([event.move] if event.move else [])
        if moves:
            found.append((max(_rank(case, side, move) for move in moves), event))
    if not found:
        return Half((Option(QUIET[side], 1.0),), None, tuple(events))
    found.sort(key=lambda item: item[0])
    top = found[-1][1]
    next_best = next((e.move for _, e in reversed(found[:-1]) if e.move is not None), None)
    default = next_best or QUIET[side]
    options = _options(top, default)
    return Half(options, top, tuple(event for event in events if event is not top))


def _options(event: Event, default: Move) -> tuple[Option, ...]:
    if not event.accounts:
        return (Option(event.move or default, 1.0),)
    options = []
    for account in event.accounts:
        move = account.move or event.move or default
        options.append(Option(move, account.weight.centre, account.read_as, account.id))
    rest = 1.0 - sum(option.weight for option in options)
    if rest > 1e-9:
        options.append(Option(event.move or default, rest))
    return tuple(options)


def given(case: Case, form: Form, found: Record, *, rounds: int, count: int, silence: float, seed: int) -> Given:
    """The record as moves for `count` paths; accounts are drawn for each path.

    Events whose accounts bear the same ids are told by the same account on a path.
    """
    require_playable(case, found)
    move = np.full((rounds, len(form.stages), count), -1, np.int32)
    read = np.full_like(move, -1)
    weight = np.ones((rounds, len(form.stages), count))
    for turn in found.turns:
        for side, half in turn.halves.items():
            stage = form.stage(side)
            which = _accounts(half.options, count, seed)
            for k, option in enumerate(half.options):
                here = which == k
                _force(case, form, side, option, turn.index, here, move, read)
            if half.silent:
                weight[turn.index, stage] = silence
    return Given(jnp.asarray(move), jnp.asarray(read), jnp.asarray(weight))


def _accounts(options: tuple[Option, ...], count: int, seed: int) -> np.ndarray:
    """Which option holds on each path, by weight; the draw depends on the accounts' ids alone."""
    word = zlib.crc32(" ".join(option.account or "" for option in options).encode())
    u = np.random.default_rng(np.random.SeedSequence([seed, word])).random(count)
    weights = np.array([option.weight for option in options])
    return np.searchsorted(np.cumsum(weights / weights.sum())[:-1], u, side="right")


def _force(
    case: Case,
    form: Form,
    side: str,
    option: Option,
    index: int,
    here: np.ndarray,
    move: np.ndarray,
    read: np.ndarray,
) -> None:
    stage = form.stage(side)
    moves = form.stages[stage].moves
    move[index, stage, here] = moves.index(option.move.move)
    if option.read_as is not None and option.read_as.move in moves:
        read[index, stage, here] = moves.index(option.read_as.move)
    if option.move.rung is not None:
        rung = [rung.id for rung in case.ladder].index(option.move.rung)
        detail = form.stage("climb")
        move[index, detail, here] = form.stages[detail].moves.index(str(rung))
    if option.move.move == "offer":
        detail = form.stage(f"{side} offer")
        ids = [package.id for package in playable(case, side)]
        move[index, detail, here] = form.stages[detail].moves.index(str(ids.index(option.move.package or "") + 1))
