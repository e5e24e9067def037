"""Tables at hand and on disk: transactions, requests done once, strategies that play on, the clock, who listens.

The clock: whoever is to move has so many seconds from the moment at which the turn came to him. A move that comes later
is not accepted, and hold (coercer) or defy (target) is played for him; the next turn then has its full time. When a
server starts, the turn that is open has its full time again, since nobody could move while it was down.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from standoff.case.load import LoadedCase
from standoff.play.board import SIDES, Held
from standoff.play.refusal import Refused
from standoff.play.seats import Caller
from standoff.play.shelf import Shelf
from standoff.play.store import Change, Row, Store, asked
from standoff.play.table import Step, Table

MOST = 500
"""Tables at hand; others are replayed when they are asked for."""


@dataclass(eq=False)
class _Kept:
    """A table at hand, and what it was made from."""

    table: Table
    steps: int
    seats: tuple[object, ...]


class Keeper:
    """Keeps the games of one case in one store; nothing of a game is held only in memory."""

    def __init__(self, loaded: LoadedCase, store: Store, shelf: Shelf, clock: Callable[[], float]) -> None:
        """`clock` gives seconds since 1970."""
        self.loaded, self.store, self.shelf, self.clock = loaded, store, shelf, clock
        self._tables: dict[str, _Kept] = {}
        self._games: dict[str, threading.RLock] = {}
        self._writing = threading.RLock()
        self._listeners: dict[str, list[Callable[[], None]]] = {}
        self._versions: dict[str, int] = {}
        self._stop = threading.Event()

    def lock(self, game: str) -> threading.RLock:
        """The lock of a game in this process."""
        return self._games.setdefault(game, threading.RLock())

    @contextmanager
    def changing(self) -> Iterator[Change]:
        """A transaction that writes, one at a time in this process."""
        with self._writing, self.store.change() as change:
            yield change

    @contextmanager
    def acting(self, game: str) -> Iterator[tuple[Change, Row, Table]]:
        """A transaction on a game at which it stands; the table at hand is let go if it fails."""
        with self.lock(game):
            try:
                with self.changing() as change:
                    row = change.game(game, lock=True)
                    table = self.table(change, row, change.seats(game))
                    row = self.lapse(change, row, table)
                    yield change, row, table
            except BaseException:
                self._tables.pop(game, None)
                raise
        self.tell(game)
        if row.get("lapsed"):
            self.advance(game)

    def once(self, caller: Caller, key: str, content: object, act: Callable[[Change, Row, Table], Row]) -> Row:
        """Do something once for a key; a repeated request gets the answer that was given."""
        if not 1 <= len(key) <= 64:
            raise Refused("A key of 1 to 64 characters is needed with each request that changes something.")
        word, game = asked(content), caller.game or ""
        with self.lock(game):
            with self.store.read() as change:  # a repeated request is not kept waiting
                found = change.answered(caller.link, key, word)
            if found is not None:
                return found
            lapsed: Refused | None = None
            with self.acting(game) as (change, row, table):
                found = change.answered(caller.link, key, word)
                if found is None:
                    turn = table.turn
                    try:
                        found = act(change, row, table)
                        change.answer(caller.link, key, word, found, self.clock())
                    except Refused as refused:
                        if table.turn != turn or not row.get("lapsed"):
                            raise
                        lapsed = refused  # what the clock did stays
        if lapsed is not None:
            raise lapsed
        self.advance(game)
        return found or {}

    def fits(self, row: Row) -> None:
        """Refuse a game of another case."""
        if row["digest"] != self.loaded.digest:
            raise Refused("This game is played on another case, or on another version of it, than the one loaded.", 409)

    def held(self, seats: Mapping[str, Row]) -> tuple[Held, Held]:
        """What both seats hold."""
        one, two = (self.shelf.held(side, seats[side]["view"], seats[side]["precision"]) for side in SIDES)
        return one, two

    def new_table(self, row: Row, seats: Mapping[str, Row]) -> Table:
        """A game at its beginning."""
        kinds = (seats["coercer"]["type"], seats["target"]["type"])
        return Table(self.shelf.board(), row["seed"], kinds, self.held(seats))

    def table(self, change: Change, row: Row, seats: Mapping[str, Row]) -> Table:
        """The game in play, brought up to what is on disk."""
        self.fits(row)
        game = row["id"]
        who = tuple((seats[side]["view"], seats[side]["precision"]) for side in SIDES)
        kept = self._tables.get(game)
        if kept is None or kept.steps > row["steps"] or kept.seats != who:
            kept = _Kept(self.new_table(row, seats), 0, who)
        if kept.steps < row["steps"]:
            kept.table.replay([one["step"] for one in change.steps(game, kept.steps)])
            kept.steps = row["steps"]
        self._tables[game] = kept
        for old in list(self._tables)[:-MOST]:
            self._tables.pop(old, None)
        return kept.table

    def write(self, change: Change, row: Row, steps: list[Step], table: Table, *, turn: bool = True) -> None:
        """Put steps on disk, and the game where it now stands."""
        game, now = row["id"], self.clock()
        change.add_steps(game, row["steps"], steps, now)
        row["steps"] += len(steps)
        over = table.ending is not None
        values: Row = {"steps": row["steps"], "status": "over" if over else row["status"]}
        if over:
            values["deadline"] = None
        elif turn and row["seconds"] is not None:
            values["deadline"] = now + row["seconds"]
        change.update_game(game, **values)
        row.update(values)
        self._tables[game].steps = row["steps"]

    def lapse(self, change: Change, row: Row, table: Table) -> Row:
        """Play for whoever has missed the clock."""
        due = row["deadline"] is not None and row["status"] == "open" and self.clock() > row["deadline"]
        if due and table.ending is None:
            self.write(change, row, table.lapse(), table)
            row["lapsed"] = True
        return row

    def advance(self, game: str) -> None:
        """Let strategies play as long as it is their turn, a transaction each."""
        while True:
            with self.lock(game):
                with self.store.read() as change:
                    row, seats = change.game(game), change.seats(game)
                    table = self.table(change, row, seats)
                    side = table.side
                    if row["status"] != "open" or side is None or seats[side]["player"] != "strategy":
                        return
                turn = table.turn
                with self.acting(game) as (change, row, table):
                    still = row["status"] == "open" and table.turn == turn
                    if still and change.seats(game)[side]["player"] == "strategy":
                        self.write(change, row, table.play(table.strategy(), "strategy"), table)

    def resume(self) -> None:
        """After a start: open turns have their full time again, and strategies go on."""
        now = self.clock()
        with self.changing() as change:
            mine = [row for row in change.games() if row["digest"] == self.loaded.digest and row["status"] == "open"]
            for row in mine:
                if row["deadline"] is not None and row["seconds"] is not None:
                    change.update_game(row["id"], deadline=max(row["deadline"], now + row["seconds"]))
        for row in mine:
            self.advance(row["id"])

    def tick(self) -> None:
        """Play for those who missed the clock, and tell listeners what other processes have changed.

        That goes on after the end of a game, as long as somebody listens: messages are still sent.
        """
        heard = [game for game, listeners in list(self._listeners.items()) if listeners]
        with self.store.read() as change:
            standing = change.standing(heard)
        now = self.clock()
        for game, (version, deadline, status) in standing.items():
            if deadline is not None and status == "open" and now > deadline:
                with suppress(Refused):
                    with self.acting(game):
                        pass
                    self.advance(game)
            elif self._versions.get(game) != version:  # also when it is met for the first time
                self.tell(game)
            self._versions[game] = version
        for game in [game for game in self._versions if game not in standing]:
            del self._versions[game]
            self.tell(game)

    def run(self, every: float = 0.25) -> Callable[[], None]:
        """Tick in the background until the function that is returned is called."""

        def loop() -> None:
            while not self._stop.wait(every):
                with suppress(Exception):  # a busy disk is tried again at the next tick
                    self.tick()

        self._stop.clear()
        thread = threading.Thread(target=loop, daemon=True, name="standoff-clock")
        thread.start()

        def stop() -> None:
            self._stop.set()
            thread.join()

        return stop

    def listen(self, game: str, tell: Callable[[], None]) -> Callable[[], None]:
        """Have `tell` called, in any thread, when a game may have changed; returns what ends it."""
        self._listeners.setdefault(game, []).append(tell)

        def leave() -> None:
            with suppress(ValueError, KeyError):
                self._listeners[game].remove(tell)

        return leave

    def tell(self, game: str) -> None:
        """Tell those who listen that a game may have changed."""
        for tell in list(self._listeners.get(game, ())):
            tell()
