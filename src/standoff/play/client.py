"""A program at a seat: the API over HTTP, and strategies that play through it.

It knows what its link shows it, and no more. `Adviser` plays what its seat's adviser says that the solution would do;
`Solved` solves the case itself, at a precision and by a view of its choice, and follows the public record with a mind
of its own. A request that got no answer is sent again under the same key, so that it is done once.
"""

import json
import random
import secrets
import time
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any, Protocol, runtime_checkable
from urllib.parse import urlsplit

from standoff.errors import Failure, UserError
from standoff.play.board import SIDES, Board, Held
from standoff.play.noise import noise_of
from standoff.play.refusal import Refused
from standoff.play.table import Option, Table, drawn

Sight = dict[str, Any]
PATIENCE = 60.0
"""Seconds for which a server that does not answer is asked again."""


def read_link(link: str) -> tuple[str, str]:
    """Address and token of a secret link: `http://HOST:PORT/join#TOKEN`."""
    parts = urlsplit(link)
    if parts.scheme not in ("http", "https") or not parts.hostname or not parts.fragment:
        raise UserError("This is no link to a seat. It looks like http://127.0.0.1:8080/join#…")
    return f"{parts.scheme}://{parts.netloc}", parts.fragment


class Client:
    """One link's requests, on one connection that is made anew when it breaks."""

    def __init__(self, address: str, token: str, *, patience: float = PATIENCE) -> None:
        """`address` is the server's, such as http://127.0.0.1:8080."""
        parts = urlsplit(address)
        self._make = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self._where, self._token, self._patience = (parts.hostname or "", parts.port), token, patience
        self._wire: HTTPConnection | None = None

    def ask(self, method: str, path: str, content: object = None) -> Any:  # noqa: ANN401 (JSON)
        """Ask, and ask again while the server is away or says to wait.

        Raises:
            Refused: the server refuses.
            UserError: it does not answer for too long.
        """
        body = None if content is None else json.dumps(content)
        head = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        end = time.monotonic() + self._patience
        while True:
            try:
                if self._wire is None:
                    self._wire = self._make(*self._where, timeout=40)
                self._wire.request(method, path, body, head)
                answer = self._wire.getresponse()
                status, text = answer.status, answer.read()
                wait = float(answer.headers.get("Retry-After", 0))
            except (OSError, HTTPException) as error:
                self.close()
                if time.monotonic() > end:
                    host, port = self._where
                    raise UserError(
                        f"{host}:{port}: no server answers there ({error}). Start it (standoff play CASE), or mend "
                        "the link."
                    ) from error
                time.sleep(0.05)
                continue
            if status in (429, 503) and time.monotonic() < end:
                time.sleep(min(wait or 0.2, 5.0))
            elif status >= 400:
                raise Refused(_detail(text), status)
            else:
                return json.loads(text) if text else None

    def close(self) -> None:
        """Let go of the connection."""
        if self._wire is not None:
            self._wire.close()
            self._wire = None

    def sight(self, after: str = "", wait: float = 20.0) -> tuple[str, Sight] | None:
        """Version and sight; with `after`, nothing if that has not changed for `wait` seconds."""
        found = self.ask("GET", f"/api/game?after={after}&wait={wait}" if after else "/api/game")
        return None if found is None else (found["version"], found["sight"])

    def move(self, turn: int, move: Option, key: str | None = None) -> Sight:
        """Make a move; under one key however often it must be sent."""
        asked = {"key": key or secrets.token_hex(8), "turn": turn, **move.as_step()}
        if asked["move"] == "accept":
            asked.pop("package", None)
        found: Sight = self.ask("POST", "/api/game/moves", asked)["accepted"]
        return found


def _detail(text: bytes) -> str:
    try:
        return str(json.loads(text)["detail"])
    except (ValueError, KeyError, TypeError):
        return "The server refuses, and does not say why."


@runtime_checkable
class Player(Protocol):
    """Chooses a move from what its seat sees."""

    def choose(self, sight: Sight) -> Option:
        """The move, of those that `sight` says are possible."""


def _option(choice: Sight) -> Option:
    return Option(choice["move"], choice.get("rung"), choice.get("package"), bool(choice.get("ends", False)))


class Chance:
    """Plays any move that is possible, all with one chance."""

    def __init__(self, seed: int | None = None) -> None:
        """Seeded, or not."""
        self._random = random.Random(seed)

    def choose(self, sight: Sight) -> Option:
        """Any move."""
        return _option(self._random.choice(sight["mine"]["options"]))


class Adviser:
    """Plays as its seat's adviser says that the solution would."""

    def __init__(self, seed: int | None = None) -> None:
        """Seeded, or not."""
        self._random = random.Random(seed)

    def choose(self, sight: Sight) -> Option:
        """A move, by the solution's chances."""
        advice = sight["mine"]["advice"]
        if advice is None:
            return _option(self._random.choice(sight["mine"]["options"]))
        told = advice["would_do"]
        picked = self._random.choices(told, [each["chance"] for each in told])[0]
        return _option(picked)


class Solved:
    """Plays its own solution of the case: a mind that follows the public record, at a precision and by a view."""

    def __init__(self, board: Board, held: Held, seed: int | None = None) -> None:
        """`board` and `held` are of the case that is played (`Shelf`)."""
        self.board, self.held = board, held
        self._seed = secrets.randbits(62) if seed is None else seed

    def choose(self, sight: Sight) -> Option:
        """A move by the solution, after what is on record."""
        side, i = sight["mine"]["side"], self.held.side
        if SIDES[i] != side:
            raise UserError(f"This player solves the {SIDES[i]}'s side; the link is the {side}'s.")
        kind = self.board.types[i].index(sight["mine"]["type"])
        both: list[Held | None] = [None, None]
        both[i] = self.held
        table = Table(self.board, self._seed, (kind, kind), (both[0], both[1]))
        table.replay(steps_of(sight))
        mind = table.minds[i]
        if table.turn != sight["turn"] or mind is None:
            raise Failure("The record that the server shows does not lead to where it says that the game stands.")
        return drawn(self.board, mind, kind, table.round, table.stage, table.state, table.pending, noise_of(self._seed))


def steps_of(sight: Sight) -> list[dict[str, Any]]:
    """The public record as steps of a game."""
    found = []
    for line in sight["record"]:
        names = ("side", "move", "rung", "package", "squeeze", "cohesion", "text")
        step = {name: line[name] for name in names if line.get(name) is not None}
        step["round"] = line["round"] - 1
        if line["kind"] in ("levels", "news", "removal", "stop"):
            step |= {"kind": "injection", "what": line["kind"]}
        else:
            step["kind"] = line["kind"]
        if line["kind"] == "nature":
            step["removed"] = step.pop("text", None) is not None
        found.append(step)
    return found


def play_to_the_end(client: Client, player: Player, told: Callable[[Sight], None] = lambda sight: None) -> Sight:
    """Play a seat until the game is over; `told` hears every sight. Returns the last one."""
    last = ""
    while True:
        found = client.sight(last)
        if found is None:
            continue
        last, sight = found
        told(sight)
        if sight["ending"] is not None:
            return sight
        if sight["status"] == "open" and sight["to_move"] == sight["mine"]["side"]:
            try:
                client.move(sight["turn"], player.choose(sight))
            except Refused as refused:
                if refused.status != 409:  # the clock may have been quicker
                    raise
                last = ""
