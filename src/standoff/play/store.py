"""Games on disk: SQLite beside the results, or any database that SQLAlchemy reaches by a `postgresql://` address.

A change is one transaction, and what it answers is answered after it is on disk: SQLite runs in WAL with
`synchronous=FULL` and takes its write lock at once (`BEGIN IMMEDIATE`); elsewhere the game's row is locked. A request
with a key that was answered before gets the same answer, and nothing is done.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from standoff.errors import UserError
from standoff.play import schema
from standoff.play.refusal import Refused

Row = dict[str, Any]
WAIT = 30.0
"""Seconds for which a transaction waits for another process."""


def address(where: str) -> sa.URL:
    """A database by its address, or an SQLite file by its path."""
    if "://" not in where:
        return sa.URL.create("sqlite", database=where)
    try:
        url = sa.make_url(where)
    except sa.exc.ArgumentError:
        raise UserError("The address of the database cannot be read. Write postgresql://USER@HOST/NAME.") from None
    if url.get_backend_name() not in ("sqlite", "postgresql"):
        raise UserError(f"{url.get_backend_name()}: games are kept in SQLite or PostgreSQL.")
    return url


def _sqlite(engine: sa.Engine) -> None:
    """SQLite as it must be: our own BEGIN, write-ahead log, every commit on disk, foreign keys."""

    @sa.event.listens_for(engine, "connect")
    def connect(connection: Any, _: object) -> None:  # noqa: ANN401 (a connection of the driver)
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={int(WAIT * 1000)}"):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        reads = connection.get_execution_options().get("standoff_reads", False)
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


class Store:
    """Games, seats, links, steps, messages and answers of one database."""

    def __init__(self, where: str | Path) -> None:
        """Open a database and make its tables where there are none."""
        self.url = address(str(where))
        options: Row = {}
        if self.url.get_backend_name() == "sqlite":
            file = Path(self.url.database or "")
            if self.url.database and not file.exists():
                try:
                    file.parent.mkdir(parents=True, exist_ok=True)
                    os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))  # it holds what players must not see
                except OSError as error:
                    raise UserError(f"{file}: it cannot be written: {error.strerror}. Name another file.") from error
            options = {"connect_args": {"timeout": WAIT}}
        try:
            self.engine = sa.create_engine(self.url, **options)
            if self.url.get_backend_name() == "sqlite":
                _sqlite(self.engine)
            with self.engine.begin() as connection:
                schema.metadata.create_all(connection)
        except ModuleNotFoundError as error:
            raise UserError(f"{error.name} is needed for this database: pip install 'psycopg[binary]'.") from error
        except sa.exc.DBAPIError as error:
            where = self.url.render_as_string(hide_password=True)
            why = " ".join(str(error.orig).split())
            remedy = "Name another one, or see whether it runs and takes your name and password."
            raise UserError(f"{where}: the database cannot be used: {why}. {remedy}") from error
        self._reads = self.engine.execution_options(standoff_reads=True)

    def close(self) -> None:
        """Let go of all connections."""
        self.engine.dispose()

    @contextmanager
    def change(self) -> Iterator["Change"]:
        """A transaction that writes; on disk when it ends, undone when it fails."""
        with self.engine.begin() as connection:
            yield Change(connection)

    @contextmanager
    def read(self) -> Iterator["Change"]:
        """A transaction that only reads."""
        with self._reads.begin() as connection:
            yield Change(connection)


def asked(content: object) -> str:
    """A digest of what was asked, to tell a repeated request from another one with the same key."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


class Change:
    """One transaction, in the words of games."""

    def __init__(self, connection: sa.Connection) -> None:
        """Hold the connection."""
        self._connection = connection

    def _rows(self, statement: sa.Executable) -> list[Row]:
        return [dict(row) for row in self._connection.execute(statement).mappings()]

    def add(self, table: sa.Table, rows: Row | list[Row]) -> None:
        """Add rows to a table."""
        if rows:
            self._connection.execute(sa.insert(table), rows)

    def games(self) -> list[Row]:
        """All games, the oldest first."""
        return self._rows(sa.select(schema.games).order_by(schema.games.c.created, schema.games.c.id))

    def standing(self, also: Iterable[str] = ()) -> dict[str, tuple[int, float | None, str]]:
        """Version, deadline and status of every game that is not over, and of some that may be."""
        g = schema.games.c
        wanted = sa.or_(g.status != "over", g.id.in_(list(also)))
        rows = self._rows(sa.select(g.id, g.version, g.deadline, g.status).where(wanted))
        return {row["id"]: (row["version"], row["deadline"], row["status"]) for row in rows}

    def game(self, name: str, *, lock: bool = False) -> Row:
        """A game's row; locked until the transaction ends, where a database locks rows.

        Raises:
            Refused: there is no such game.
        """
        rows = self._rows(game_by_id(name, lock=lock))
        if not rows:
            raise Refused("There is no such game. `standoff play games CASE` lists those that there are.", 404)
        return rows[0]

    def update_game(self, name: str, **values: object) -> None:
        """Change a game's row; its version goes up."""
        g = schema.games
        self._connection.execute(sa.update(g).where(g.c.id == name).values(version=g.c.version + 1, **values))

    def seats(self, game: str) -> dict[str, Row]:
        """Both seats of a game, by side."""
        rows = self._rows(sa.select(schema.seats).where(schema.seats.c.game == game))
        return {row["side"]: row for row in rows}

    def update_seat(self, game: str, side: str, **values: object) -> None:
        """Change a seat."""
        s = schema.seats
        self._connection.execute(sa.update(s).where(s.c.game == game, s.c.side == side).values(**values))

    def steps(self, game: str, since: int = 0) -> list[Row]:
        """Steps of a game from a number on: content, and when it was."""
        s = schema.steps.c
        rows = self._rows(
            sa.select(s.number, s.content, s.at).where(s.game == game, s.number >= since).order_by(s.number)
        )
        return [{"number": row["number"], "step": json.loads(row["content"]), "at": row["at"]} for row in rows]

    def add_steps(self, game: str, first: int, steps: list[Row], at: float) -> None:
        """Write steps; a number that is taken already fails the transaction."""
        self.add(
            schema.steps,
            [{"game": game, "number": first + k, "content": json.dumps(s), "at": at} for k, s in enumerate(steps)],
        )

    def messages(self, game: str) -> list[Row]:
        """Messages of a game, in order."""
        m = schema.messages
        return self._rows(sa.select(m).where(m.c.game == game).order_by(m.c.number))

    def add_message(self, game: str, sender: str, to: str, round_: int, text: str, at: float) -> int:
        """Write a message; returns its number."""
        m = schema.messages.c
        found = self._connection.execute(sa.select(sa.func.max(m.number)).where(m.game == game)).scalar()
        number = 0 if found is None else int(found) + 1
        row = {"game": game, "number": number, "sender": sender, "to": to, "round": round_, "text": text, "at": at}
        self.add(schema.messages, row)
        return number

    def link(self, digest: str) -> Row | None:
        """The link with a digest."""
        rows = self._rows(sa.select(schema.links).where(schema.links.c.digest == digest))
        return rows[0] if rows else None

    def holds(self, link: str) -> bool:
        """Whether a link, by its id, is there and not revoked."""
        li = schema.links.c
        return bool(self._rows(sa.select(li.id).where(li.id == link, li.revoked.is_(None))))

    def links(self, game: str | None) -> list[Row]:
        """Links to a game, or those of the host."""
        li = schema.links
        return self._rows(sa.select(li).where(li.c.game == game).order_by(li.c.created, li.c.id))

    def revoke(self, game: str | None, link: str, at: float) -> bool:
        """Revoke a link; whether there was one that held."""
        li = schema.links.c
        where = (li.game == game, li.id == link, li.revoked.is_(None))
        return self._connection.execute(sa.update(schema.links).where(*where).values(revoked=at)).rowcount > 0

    def answered(self, link: str, key: str, digest: str) -> Row | None:
        """What was answered to a request before.

        Raises:
            Refused: the key was used for another request.
        """
        a = schema.answers
        rows = self._rows(sa.select(a).where(a.c.link == link, a.c.key == key))
        if not rows:
            return None
        if rows[0]["asked"] != digest:
            raise Refused("This key was used for another request. Use a new key for each.", 409)
        found: Row = json.loads(rows[0]["content"])
        return found

    def answer(self, link: str, key: str, digest: str, content: Row, at: float) -> None:
        """Keep what is answered to a request."""
        row = {"link": link, "key": key, "asked": digest, "content": json.dumps(content), "at": at}
        self.add(schema.answers, row)


def game_by_id(name: str, *, lock: bool = False) -> sa.Select[Any]:
    """The statement that finds a game, and locks it where a database locks rows."""
    found = sa.select(schema.games).where(schema.games.c.id == name)
    return found.with_for_update() if lock else found
