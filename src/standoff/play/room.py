"""Games, callers and the clock together: what pages, the API and programs call.

Everything is done in one transaction on disk before it is answered (`keeper`); everything shown passes through `sight`.
"""

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from standoff.case.load import LoadedCase
from standoff.play import schema
from standoff.play.board import SIDES
from standoff.play.briefing import Rules, rules
from standoff.play.keeper import MOST, Keeper
from standoff.play.refusal import Refused
from standoff.play.seats import LASTS, LONGEST, ROLES, WRONG, Caller, Role, digest, new_id, new_token
from standoff.play.shelf import Shelf, own_view, require_mind
from standoff.play.sight import Sight, hears, may_export, require_debrief, see
from standoff.play.store import Change, Row, Store
from standoff.play.table import Step, Table, draw_types

TEXT = 2000
"""Characters of a message or of news."""
DRAFT = 4000
MESSAGES = 500
"""Messages that a game can hold."""


@dataclass(frozen=True)
class Seat:
    """Who plays a side: a person (or program) or a strategy; the view of its mind, a precision if not the view's."""

    player: str = "person"
    view: str | None = None
    precision: float | None = None


class Room:
    """All games of one case in one store."""

    def __init__(
        self, loaded: LoadedCase, store: Store, shelf: Shelf, *, clock: Callable[[], float] = time.time,
        ids: Callable[[], str] = new_id, tokens: Callable[[], str] = new_token,
    ) -> None:  # fmt: skip
        """Bring a case, a store and a shelf together. `clock`, `ids`, `tokens` can be replaced in tests."""
        self.loaded, self.case, self.store, self.shelf = loaded, loaded.case, store, shelf
        self.keeper = Keeper(loaded, store, shelf, clock)
        self._clock, self._ids, self._tokens = clock, ids, tokens
        self._seen: dict[tuple[str, str], tuple[int, Sight]] = {}
        self._rules = {inside: rules(self.case, inside=inside) for inside in (False, True)}

    def now(self) -> float:
        """Seconds since 1970, by the clock that deadlines are told by."""
        return self._clock()

    # -- games and links ------------------------------------------------------------------------------------------

    def open_game(
        self, title: str, *, seats: Mapping[str, Seat] | None = None, seed: int | None = None,
        types: tuple[int, int] | None = None, seconds: float | None = None, paused: bool = False,
        debrief: str = "end", lasts: float = LASTS, wait: bool = True,
    ) -> tuple[str, dict[str, str]]:  # fmt: skip
        """Open a game; returns its id and a secret link's token for each role.

        Args:
            title: What players see it called.
            seats: By side; a person in the case's own view where nothing is said.
            seed: Of its chance; drawn if None. Whoever knows it can work out both types.
            types: Both private types (0 yielding, 1 firm); drawn by the seed if None.
            seconds: For a move; no clock if None.
            paused: Begin paused.
            debrief: `end` opens the debrief to all when the game is over, `facilitator` keeps it.
            lasts: Seconds for which the links hold.
            wait: Solve missing views at once; else refuse until they are solved in the background.
        """
        title = require_title(title)
        given = {side: (seats or {}).get(side, Seat()) for side in SIDES}
        require_game(self.loaded, given, seed, seconds)
        if debrief not in ("end", "facilitator"):
            raise Refused("The debrief is for 'end' or for 'facilitator'.")
        board = self.shelf.board()
        seed = secrets.randbits(62) if seed is None else seed
        kinds = draw_types(board, seed) if types is None else types
        rows = []
        for side, kind in zip(SIDES, kinds, strict=True):
            seat = given[side]
            view = seat.view or own_view(self.loaded, side)
            (self.shelf.held if wait else self.shelf.ask)(side, view, seat.precision)
            rows.append({"side": side, "type": kind, "player": seat.player, "view": view, "precision": seat.precision,
                         "draft": None})  # fmt: skip
        now, game = self._clock(), self._ids()
        with self.keeper.changing() as change:
            change.add(schema.games, {
                "id": game, "title": title, "case_id": self.case.crisis.id, "digest": self.loaded.digest, "seed": seed,
                "status": "paused" if paused else "open", "steps": 0, "version": 0, "seconds": seconds,
                "deadline": None if seconds is None or paused else now + seconds, "debrief": debrief, "created": now,
            })  # fmt: skip
            change.add(schema.seats, [row | {"game": game} for row in rows])
            roles: tuple[Role, ...] = ("facilitator", "coercer", "target", "observer")
            found: dict[str, str] = {role: self._add_link(change, game, role, "", lasts)[1] for role in roles}
        self.keeper.advance(game)
        return game, found

    def _add_link(self, change: Change, game: str | None, role: Role, label: str, lasts: float) -> tuple[str, str]:
        require_link(role, lasts, host=game is None)
        now, name, token = self._clock(), self._ids(), self._tokens()
        row = {"id": name, "game": game, "role": role, "digest": digest(token), "label": _clean(label)[:100],
               "created": now, "expires": now + lasts, "revoked": None}  # fmt: skip
        change.add(schema.links, row)
        return name, token

    def host_link(self, lasts: float = LASTS) -> str:
        """A secret link's token with which games are opened and listed."""
        with self.keeper.changing() as change:
            return self._add_link(change, None, "host", "", lasts)[1]

    def enter(self, token: str) -> Caller:
        """Who holds a link.

        Raises:
            Refused: the link is wrong, expired or revoked (status 401, one sentence for all three).
        """
        with self.store.read() as change:
            row = change.link(digest(token)) if 20 <= len(token) <= 100 else None
        if row is None or row["revoked"] is not None or row["expires"] <= self._clock():
            raise Refused(WRONG, 401)
        return Caller(row["id"], row["role"], row["game"], row["expires"])

    def still(self, caller: Caller) -> None:
        """Refuse whoever's link no longer holds, also where he has come in by it before."""
        with self.store.read() as change:
            held = change.holds(caller.link)
        if not held or caller.expires <= self._clock():
            raise Refused(WRONG, 401)

    def games(self, caller: Caller) -> list[Row]:
        """The host's list of games."""
        _require(caller, "host")
        with self.store.read() as change:
            names = ("id", "title", "case_id", "status", "created")
            return [{name: row[name] for name in names} for row in change.games()]

    def facilitate(self, caller: Caller, game: str) -> str:
        """The token of a new facilitator's link to any game, for the host, who has opened them all."""
        _require(caller, "host")
        with self.keeper.changing() as change:
            change.game(game)
            return self._add_link(change, game, "facilitator", "host", LASTS)[1]

    def links(self, caller: Caller) -> list[Row]:
        """Links to the facilitator's game, without what is secret."""
        _require(caller, "facilitator")
        with self.store.read() as change:
            names = ("id", "role", "label", "created", "expires", "revoked")
            return [{name: row[name] for name in names} for row in change.links(caller.game)]

    def new_link(self, caller: Caller, role: Role, label: str = "", lasts: float = LASTS) -> tuple[str, str]:
        """A new link to the facilitator's game: its id and its token, which is told once."""
        _require(caller, "facilitator")
        with self.keeper.changing() as change:
            return self._add_link(change, caller.game, role, label, lasts)

    def revoke(self, caller: Caller, link: str) -> None:
        """Revoke a link; whoever has come in by it is out."""
        _require(caller, "facilitator")
        with self.keeper.changing() as change:
            if not change.revoke(caller.game, link, self._clock()):
                raise Refused("There is no such link that still holds.", 404)
            change.update_game(caller.game or "")  # so that other processes let go of whoever came in by it
        self.keeper.tell(caller.game or "")

    # -- what is seen ---------------------------------------------------------------------------------------------

    def rules(self, role: Role) -> Rules:
        """The case in words, as a role may be told it."""
        return self._rules[role in ("host", "facilitator")]

    def sight(self, caller: Caller) -> Sight:
        """What a caller sees of his game now."""
        game = _game(caller)
        with self.keeper.lock(game), self.store.read() as change:
            row = change.game(game)
            key = (game, caller.role)
            kept = self._seen.get(key)
            if kept is not None and kept[0] == row["version"]:
                return kept[1]
            seats = change.seats(game)
            table = self.keeper.table(change, row, seats)
            found = see(self.case, row, seats, table, change.messages(game), caller)
            if len(self._seen) > MOST:
                self._seen.clear()
            self._seen[key] = (row["version"], found)
            return found

    def debrief(self, caller: Caller) -> Any:  # noqa: ANN401 (a `debrief.Debrief`, imported where it is needed)
        """What each side believed, what the solution would have done, where players departed from it."""
        from standoff.play.debrief import debrief

        row, seats, steps, messages = self._record(caller)
        require_debrief(row, caller)
        return debrief(self.case, self.keeper.new_table(row, seats), steps, [m for m in messages if hears(m, caller)])

    def events(self, caller: Caller, *, whole: bool = False) -> str:
        """The game as an event file; `whole` gives the case with these events in place of its own."""
        from standoff.play.export import case_file, event_file

        row, _, steps, _ = self._record(caller)
        if not may_export(row, caller):
            raise Refused("The game is not over yet.", 403)
        make = case_file if whole else event_file
        return make(self.loaded, row["id"], row["title"], steps)

    def _record(self, caller: Caller) -> tuple[Row, dict[str, Row], list[Step], list[Row]]:
        game = _game(caller)
        with self.store.read() as change:
            row = change.game(game)
            self.keeper.fits(row)
            return row, change.seats(game), [one["step"] for one in change.steps(game)], change.messages(game)

    # -- what is done ---------------------------------------------------------------------------------------------

    def move(
        self, caller: Caller, key: str, turn: int, move: str, rung: str | None = None, package: str | None = None
    ) -> Row:
        """Make a move at one's seat; what is answered is on disk.

        Args:
            caller: A player.
            key: Of this request: the same key again gets the same answer and does nothing.
            turn: The turn that the move is meant for, so that a late one is not taken for the next.
            move: Class of the move.
            rung: Where a climb leads.
            package: What is offered.
        """
        if caller.side is None:
            raise Refused("Only the players move.", 403)
        content = ["move", turn, move, rung, package]

        def act(change: Change, row: Row, table: Table) -> Row:
            if row["status"] == "paused":
                raise Refused("The game is paused.", 409)
            if table.ending is not None:
                raise Refused("The game is over.", 409)
            if table.turn != turn:
                raise Refused(f"This move was meant for turn {turn}; the game is at turn {table.turn}.", 409)
            if table.side != caller.side:
                raise Refused(f"It is the {table.side}'s turn.", 409)
            option = table.find(move, rung, package)
            self.keeper.write(change, row, table.play(option, "person"), table)
            change.update_seat(row["id"], caller.side or "", draft=None)
            return {"turn": turn, **option.as_step()}

        return self.keeper.once(caller, key, content, act)

    def message(self, caller: Caller, key: str, to: str, text: str) -> Row:
        """Send a cable to the other side, or to the facilitator; the facilitator writes to a side or to all."""
        text = _text(text, TEXT, "A message")
        allowed = {
            "facilitator": ("coercer", "target", "all"), "coercer": ("target", "facilitator"),
            "target": ("coercer", "facilitator"),
        }.get(caller.role, ())  # fmt: skip
        if to not in allowed:
            raise Refused(f"As {caller.role} you can write to: {', '.join(allowed) or 'nobody'}.", 403)

        def act(change: Change, row: Row, table: Table) -> Row:
            if len(change.messages(row["id"])) >= MESSAGES:
                raise Refused(f"A game holds {MESSAGES} messages.", 409)
            change.add_message(row["id"], caller.role, to, table.round, text, self._clock())
            change.update_game(row["id"])
            return {"sent": True}

        return self.keeper.once(caller, key, ["message", to, text], act)

    def draft(self, caller: Caller, text: str | None) -> None:
        """Keep what a player has not sent yet, so that a reload does not lose it; only he sees it."""
        if caller.side is None:
            raise Refused("Only the players keep drafts.", 403)
        if text is not None and len(text) > DRAFT:
            raise Refused(f"A draft has at most {DRAFT} characters.")
        with self.keeper.acting(_game(caller)) as (change, row, _):
            change.update_seat(row["id"], caller.side, draft=None if text is None else _clean(text))
            change.update_game(row["id"])

    def inject(self, caller: Caller, key: str, step: Step) -> Row:
        """The facilitator's hand: see `Table.inject`."""
        _require(caller, "facilitator")

        def act(change: Change, row: Row, table: Table) -> Row:
            self.keeper.write(change, row, table.inject(step), table, turn=False)
            return {"injected": step["what"]}

        return self.keeper.once(caller, key, ["inject", step], act)

    def set_seat(self, caller: Caller, side: str, seat: Seat) -> None:
        """Give a side to a person or a strategy, and choose the view and precision of its mind."""
        _require(caller, "facilitator")
        if side not in SIDES:
            raise Refused("A seat is the coercer's or the target's.")
        require_seat(self.loaded, side, seat)
        view = seat.view or own_view(self.loaded, side)
        self.shelf.ask(side, view, seat.precision)
        game = _game(caller)
        with self.keeper.acting(game) as (change, row, _):
            change.update_seat(row["id"], side, player=seat.player, view=view, precision=seat.precision)
            change.update_game(row["id"])
        self.keeper.advance(game)

    def set_clock(self, caller: Caller, *, running: bool, seconds: float | None) -> None:
        """Pause or go on, and set the seconds for a move (None: no clock)."""
        _require(caller, "facilitator")
        _require_clock(seconds)
        game = _game(caller)
        with self.keeper.acting(game) as (change, row, table):
            if table.ending is not None:
                raise Refused("The game is over.", 409)
            deadline = None if seconds is None or not running else self._clock() + seconds
            status = "open" if running else "paused"
            change.update_game(row["id"], status=status, seconds=seconds, deadline=deadline)
        self.keeper.advance(game)

    # -- the clock and who listens --------------------------------------------------------------------------------

    def resume(self) -> None:
        """After a start: open turns have their full time again, and strategies go on."""
        self.keeper.resume()

    def tick(self) -> None:
        """Play for those who missed the clock, and tell listeners what other processes have changed."""
        self.keeper.tick()

    def run(self, every: float = 0.25) -> Callable[[], None]:
        """Tick in the background until the function that is returned is called."""
        return self.keeper.run(every)

    def listen(self, game: str, tell: Callable[[], None]) -> Callable[[], None]:
        """Have `tell` called, in any thread, when a game may have changed; returns what ends it."""
        return self.keeper.listen(game, tell)


def require_seat(loaded: LoadedCase, side: str, seat: Seat) -> None:
    """Refuse a seat that nobody can be given; nothing is solved."""
    if seat.player not in ("person", "strategy"):
        raise Refused(f"The {side} is played by a 'person' or by a 'strategy', not by '{seat.player}'.")
    require_mind(loaded, seat.view or own_view(loaded, side), seat.precision)


def require_game(loaded: LoadedCase, seats: Mapping[str, Seat], seed: int | None, seconds: float | None) -> None:
    """Refuse a game that cannot be opened, before anything is solved for it."""
    for side, seat in seats.items():
        require_seat(loaded, side, seat)
    if seed is not None and not 0 <= seed < 2**63:
        raise Refused("A seed from 0 to 2^63 - 1.")
    _require_clock(seconds)


def require_title(title: str) -> str:
    """A title as it is kept; one that is too long, or empty, is refused."""
    return _text(title, 200, "A title")


def require_link(role: str, lasts: float, *, host: bool = False) -> None:
    """Refuse a link that cannot be made."""
    if role not in ROLES or (role == "host") != host:
        raise Refused("A link to a game is for a facilitator, coercer, target or observer.")
    if not 1 <= lasts <= LONGEST:
        raise Refused("A link holds from a second to a year.")


def _require_clock(seconds: float | None) -> None:
    if seconds is not None and not 1 <= seconds <= 7 * 86400:
        raise Refused("A clock of 1 second to 7 days.")


def _game(caller: Caller) -> str:
    if caller.game is None:
        raise Refused("The host's link opens games; it plays none.", 403)
    return caller.game


def _require(caller: Caller, role: Role) -> None:
    if caller.role != role:
        raise Refused(f"Only the {role} can do this.", 403)


def _clean(text: str) -> str:
    """Text without control characters, which a database or a page may stumble over."""
    return "".join(c for c in text if c == "\n" or c.isprintable())


def _text(text: str, most: int, what: str) -> str:
    """Text without control characters, of a length that is allowed."""
    found = _clean(text.strip())
    if not found or len(found) > most:
        raise Refused(f"{what} has 1 to {most} characters.")
    return found
