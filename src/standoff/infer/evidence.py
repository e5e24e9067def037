"""From reports to what may have happened: which events are real, on which day, and on which account.

All that one origin says of an event is one report, however many documents relay it. An origin o is right about an event
with chance r_o, its reliability, drawn from a Beta distribution (the case's, or that of its kind). With even odds
before any report, an event told by the origins O is real with chance

    prod_{o in O} r_o / [prod_{o in O} r_o + prod_{o in O} (1 - r_o)]

(independent reports; Pearl 1988, ch. 2). A public source that is no document of the case counts as an origin of the
kind `outlet`, one for each source; so does the case's own word, where an event gives no reason. The event that ends
the crisis is taken for real. A date known to the week or month is uniform over it; one "before" or "after" a day
reaches one round from it. An event's accounts hold by their weights; accounts with the same ids are told by the same
account in all events. A *telling* is one draw of all this. Tellings in which a move is not possible where the crisis
then stands contradict themselves and are drawn anew.
"""

import datetime as dt
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy import stats  # type: ignore[import-untyped]

from standoff.case.asof import as_of
from standoff.case.crisis import Case
from standoff.case.evidence import Account, Event, Move, When
from standoff.case.number import Number, Reason, Source
from standoff.errors import UserError
from standoff.simulate.record import QUIET, RANK, round_of

RELIABILITY: dict[str, tuple[float, float]] = {
    "record": (48.0, 2.0), "market": (48.0, 2.0), "poll": (48.0, 2.0), "outlet": (38.0, 2.0), "office": (18.0, 2.0),
    "person": (16.0, 4.0), "anonymous": (6.0, 4.0), "unknown": (6.0, 4.0),
}  # fmt: skip
"""Beta prior of the chance that an origin is right that something happened, by kind (judgement)."""
TRIES = 200
"""How often a telling that contradicts itself is drawn anew."""
SIDES = ("coercer", "target")
LAST = ("back-down", "accept", "strike")
"""Moves of the coercer after which the target does not move."""


@dataclass(frozen=True)
class Without:
    """What is left out of the record: events and origins by id, whose reports are then taken for unheard."""

    events: frozenset[str] = frozenset()
    origins: frozenset[str] = frozenset()


NOTHING = Without()


@dataclass(frozen=True)
class Step:
    """What one side did in one round of a telling; no event where nothing is told."""

    move: Move
    read_as: Move | None = None
    event: str | None = None


@dataclass(frozen=True)
class Telling:
    """One way in which everything may have happened: steps by round and side, and how many rounds are over.

    In a round that is not over, a side that has not yet been seen to move is free (`None`).
    """

    steps: tuple[dict[str, Step | None], ...]
    cut: int
    real: frozenset[str]


@dataclass(frozen=True, eq=False)
class Evidence:
    """The events of a case with the origins that report each.

    `until` is the last day that is known, and the case is then taken as it could be known by its end (`case.asof`);
    `over` says how many rounds are over, where the events do not.
    """

    case: Case
    until: dt.date | None = None
    without: Without = NOTHING
    over: int | None = None
    reports: dict[str, tuple[str, ...]] = field(init=False)

    def __post_init__(self) -> None:
        """Find who reports what."""
        if self.until is not None:
            object.__setattr__(self, "case", as_of(self.case, self.until)[0])
        claims = {claim.id: claim.origin for claim in self.case.claims}
        found = {}
        for event in self.case.events:
            if _day(event.date) is None or not self._known(event):
                continue
            reasons: list[Reason] = [*event.because, *(r for account in event.accounts for r in account.because)]
            origins = _origins(reasons, claims)
            origins = origins or (f"source: the case, of {event.id}",)
            kept = tuple(origin for origin in origins if origin not in self.without.origins)
            if event.ends is not None or (event.id not in self.without.events and kept):
                found[event.id] = kept
        object.__setattr__(self, "reports", found)

    def _known(self, event: Event) -> bool:
        if self.until is None:
            return True
        known = event.public_from if isinstance(event.public_from, dt.date) else event.date.on
        day = event.date.on if event.date.precision == "after" else event.date.earliest or event.date.on
        return known is not None and day is not None and max(known, day) <= self.until

    def tellings(self, count: int, seed: int) -> list[Telling]:
        """Draw `count` tellings; the draws of an event or origin do not depend on what else is on record."""
        claims = {claim.id: claim.origin for claim in self.case.claims}
        events = [event for event in self.case.events if event.id in self.reports]
        events.sort(key=lambda event: event.date.on or dt.date.max)
        found: list[Telling] = []
        problem = ""
        for k in range(count):
            for trial in range(TRIES):
                told, problem = self._draw(events, claims, [seed, k, trial])
                if told is not None:
                    found.append(told)
                    break
            else:
                raise UserError(
                    f"The record contradicts itself in each of {TRIES} draws of dates and accounts: {problem}. Check "
                    "dates, moves and rungs of the events (`standoff check`)."
                )
        return found

    def _draw(self, events: Sequence[Event], claims: dict[str, str], seed: list[int]) -> tuple[Telling | None, str]:
        case, right = self.case, self._reliability(seed)
        by_round: dict[tuple[int, str], list[tuple[Event, Account | None]]] = {}
        real = set()
        for event in events:
            told = _chance([right[o] for o in self.reports[event.id]])
            if event.ends is None and _uniform(seed, f"event {event.id}") >= told:
                continue
            day = self._when(event, _uniform(seed, f"day {event.id}"))
            if day is None:
                continue
            real.add(event.id)
            index = round_of(case, day) - (1 if event.half_round_before else 0)
            account = self._account(event, claims, seed)
            if event.side in SIDES and 0 <= index < case.crisis.rounds:
                by_round.setdefault((index, event.side), []).append((event, account))
        over, ending = self._over(events, real)
        steps: list[dict[str, Step | None]] = []
        last = min(max([over, *(r + 1 for r, _ in by_round)]), case.crisis.rounds)
        if ending is not None:
            last = min(last, ending + 1)
            over = last
        for index in range(last):
            steps.append({side: _step(case, side, by_round.get((index, side), ())) for side in SIDES})
            first = steps[-1]["coercer"]
            if first is not None and first.move.move in LAST:
                steps[-1]["target"] = None  # he does not get to move
            if index >= over:
                steps[-1] = {
                    side: s if s is not None and s.event is not None else None for side, s in steps[-1].items()
                }
        problem = _contradiction(case, steps)
        return (None, problem) if problem else (Telling(tuple(steps), over, frozenset(real)), "")

    def _over(self, events: Sequence[Event], real: set[str]) -> tuple[int, int | None]:
        """How many rounds are over, and the round of the ending if it is on record."""
        case = self.case
        ends = [e for e in events if e.ends is not None and e.id in real and e.date.on is not None]
        first = min(ends, key=lambda e: e.date.on or dt.date.max) if ends else None
        ending = None
        if first is not None and first.date.on is not None:
            ending = round_of(case, first.date.on) - (1 if first.half_round_before else 0)
        if self.until is not None:
            over = (self.until - case.crisis.starts).days + 1
            return max(0, min(over // case.crisis.round_days, case.crisis.rounds)), ending
        if ending is not None:
            return ending + 1, ending
        if self.over is not None:
            return self.over, None
        days = [round_of(case, day) + 1 for e in events if (day := _day(e.date)) is not None]
        return max(0, min(max(days, default=0), case.crisis.rounds)), None

    def _reliability(self, seed: list[int]) -> dict[str, float]:
        declared = {origin.id: origin for origin in self.case.origins}
        found = {}
        for origin in {o for told in self.reports.values() for o in told}:
            known = declared.get(origin)
            u = _uniform(seed, f"origin {origin}")
            if known is not None and known.reliability is not None:
                found[origin] = _quantile(known.reliability, u)
            else:
                a, b = RELIABILITY[known.kind if known is not None else "outlet"]
                found[origin] = float(stats.beta.ppf(u, a, b))
        return found

    def _when(self, event: Event, u: float) -> dt.date | None:
        """The day on which an event is placed in a telling; none if that is later than what is known."""
        when, span = event.date, dt.timedelta(days=self.case.crisis.round_days)
        if when.on is None or when.certain or event.ends is not None:
            return when.on
        first, last = when.earliest or when.on - span, when.latest or when.on + span
        if self.until is not None:
            last = min(last, self.until)
        starts = self.case.crisis.starts
        if when.on >= starts:
            first = max(first, starts)  # an event of the crisis stays within it
        days = max((last - first).days, 0)
        return first + dt.timedelta(days=min(int(u * (days + 1)), days))

    def _account(self, event: Event, claims: dict[str, str], seed: list[int]) -> Account | None:
        """The account that holds in a telling; none where it would be one that nobody tells any more."""
        if not event.accounts:
            return None
        weights = []
        for account in event.accounts:
            origins = _origins(account.because, claims)
            told = not origins or any(origin not in self.without.origins for origin in origins)
            weights.append(account.weight.centre if told else 0.0)
        whole = max(sum(account.weight.centre for account in event.accounts), 1.0)
        level = _uniform(seed, "accounts " + " ".join(sorted(a.id for a in event.accounts))) * whole
        for account, weight in zip(event.accounts, weights, strict=True):
            if level < weight:
                return account
            level -= weight
        return None


def _day(when: When) -> dt.date | None:
    return when.on


def _origins(reasons: Iterable[Reason], claims: dict[str, str]) -> tuple[str, ...]:
    """Origins of reasons, once each: those of claims, and public sources by their words."""
    found = [f"source: {reason.source}" if isinstance(reason, Source) else claims.get(reason, reason)
             for reason in reasons]  # fmt: skip
    return tuple(dict.fromkeys(found))


def _uniform(seed: list[int], name: str) -> float:
    word = zlib.crc32(name.encode())
    return float(np.random.default_rng(np.random.SeedSequence([*seed, word])).random())


def _quantile(number: Number, u: float) -> float:
    from standoff.simulate.draws import quantile

    return float(np.clip(quantile(number, np.array([u]))[0], 0.0, 1.0))


def _chance(right: Sequence[float]) -> float:
    """Chance that an event is real, from the reliabilities of those who report it; a case's own word is taken."""
    if not right:
        return 1.0
    r = np.clip(np.asarray(right), 1e-12, 1 - 1e-12)
    return float(1 / (1 + np.exp(np.sum(np.log1p(-r) - np.log(r)))))


def _step(case: Case, side: str, here: Sequence[tuple[Event, Account | None]]) -> Step:
    """What a side did in a round: the highest class of move among its events (see `simulate.record`)."""
    rungs = [rung.id for rung in case.ladder]
    moves: list[tuple[tuple[int, int], int, Event, Account | None, Move]] = []
    quiet: list[tuple[Event, Account]] = []
    for order, (event, account) in enumerate(here):
        move = (account.move if account is not None else None) or event.move
        if move is None:
            if account is not None:
                quiet.append((event, account))
            continue
        rank = RANK[side][move.move], rungs.index(move.rung) if move.rung else 0
        moves.append((rank, order, event, account, move))
    if moves:
        _, _, event, account, move = max(moves, key=lambda item: item[:2])
        return Step(move, account.read_as if account is not None else None, event.id)
    if quiet:
        event, account = quiet[-1]
        return Step(QUIET[side], account.read_as, event.id)
    return Step(QUIET[side])


def _contradiction(case: Case, steps: Sequence[dict[str, Step | None]]) -> str:
    """Why the steps of a telling cannot be played in order, or nothing."""
    rungs = [rung.id for rung in case.ladder]
    at, offered = rungs.index(case.crisis.start_rung), {side: False for side in SIDES}
    for index, both in enumerate(steps):
        for side, other in (SIDES, SIDES[::-1]):
            step = both[side]
            if step is None:
                continue
            move, here = step.move, case.ladder[at]
            where = f"round {index + 1}, '{step.event}'"
            if move.rung is not None:
                if rungs.index(move.rung) <= at:
                    return f"{where}: a climb to '{move.rung}' from '{here.id}' is not a climb"
                at = rungs.index(move.rung)
            if (move.move == "strike" and not here.strike) or (move.move == "ultimatum" and not here.ultimatum):
                return f"{where}: {move.move} is not possible from '{here.id}'"
            if move.move == "accept" and not offered[other]:
                return f"{where}: nothing is on the table to accept"
            offered[side] = move.move == "offer"
    return ""
