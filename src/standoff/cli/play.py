"""Commands of played games: `play CASE` serves them; `new`, `games`, `link`, `revoke`, `export`, `debrief`, `bot`."""

import os
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from standoff.cli.shell import CaseArgument, JsonOption, QuietOption, app, print_json, progress_bar, say, write
from standoff.errors import UserError

if TYPE_CHECKING:
    from standoff.case.load import LoadedCase
    from standoff.play.client import Player
    from standoff.play.room import Room, Seat
    from standoff.play.seats import Caller
    from standoff.play.shelf import Shelf

PORT = 8421
BOARDS = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "standoff" / "boards"
"""Where boards and solved minds are kept that lie beside no database."""


class _Served(TyperGroup):
    """A group whose first word is a case if it is none of its commands: `play CASE` is `play serve CASE`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 (click's context)
        """Put `serve` before a case."""
        if args and args[0] not in self.commands and args[0] not in ("-h", "--help"):
            args = ["serve", *args]
        found: list[str] = super().parse_args(ctx, args)
        return found


play = typer.Typer(cls=_Served, no_args_is_help=True, rich_markup_mode=None, help="Play a case: people and programs.")
app.add_typer(play, name="play")

Database = Annotated[
    str | None,
    typer.Option("--db", "--database", metavar="FILE", help="An SQLite file, or postgresql://…"),
]
Where = Annotated[Path | None, typer.Option("--out", metavar="FILE", help="A new file [default: print].")]
Who = Annotated[
    str,
    typer.Option(metavar="WHO", help="person, or strategy; with a view and a precision: strategy:VIEW:L."),
]
Seed = Annotated[int | None, typer.Option("--seed", min=0, help="Of the game's chance [default: drawn].")]
Clock = Annotated[float | None, typer.Option("--clock", metavar="SECONDS", help="Time for a move [default: none].")]


def _room(case: str, database: str | None, *, quiet: bool = False) -> "Room":
    """The games of a case; what is missing is compiled and solved, once, and kept beside the database."""
    from standoff.case.load import load_case
    from standoff.play.shelf import Shelf
    from standoff.play.store import Store

    loaded = load_case(case)
    where = database or str(Path("runs") / "play" / f"{loaded.case.crisis.id}.db")
    shelf = Shelf(loaded, BOARDS if "://" in where else Path(where).with_suffix(".boards"))
    _ready(loaded, shelf, quiet=quiet)
    from standoff.play.room import Room

    return Room(loaded, Store(where), shelf)


def _ready(loaded: "LoadedCase", shelf: "Shelf", *, quiet: bool) -> None:
    """Have the board and both own views at hand, and say what takes time."""
    from standoff.play.shelf import own_view

    if not shelf.complete():
        from standoff.show.pipeline import prepare

        prepare()
    with progress_bar(quiet=quiet) as progress:
        shelf.board(progress)
        for side in ("coercer", "target"):
            shelf.held(side, own_view(loaded, side), None, progress)


def _seat(words: str) -> "Seat":
    from standoff.play.room import Seat as Played

    player, _, rest = words.partition(":")
    view, _, sharp = rest.partition(":")
    try:
        precision = float(sharp) if sharp else None
    except ValueError:
        raise UserError(f"'{sharp}' is no precision. Write strategy:VIEW:L, as in strategy:base:5.") from None
    return Played(player, view or None, precision)


def _address(host: str, port: int) -> str:
    name = "127.0.0.1" if host in ("0.0.0.0", "::") else host
    return f"http://{f'[{name}]' if ':' in name else name}:{port}"


def _tell_links(address: str, game: str, links: dict[str, str]) -> None:
    typer.echo(f"Game {game}. Each link lets its holder in; give it to nobody else.")
    for role, token in links.items():
        typer.echo(f"  {role:12s} {address}/join#{token}")


def _boss(room: "Room", game: str) -> "Caller":
    """Whoever holds the database is the facilitator of its games."""
    from standoff.play.seats import Caller

    with room.store.read() as change:
        change.game(game)
    return Caller("", "facilitator", game, float("inf"))


@play.command()
def serve(
    case: CaseArgument,
    database: Database = None,
    host: Annotated[str, typer.Option("--host", help="Address to serve at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535)] = PORT,
    name: Annotated[
        list[str] | None, typer.Option("--name", help="A host name under which players reach it; may be repeated.")
    ] = None,
    coercer: Who = "person",
    target: Who = "person",
    seed: Seed = None,
    clock: Clock = None,
    quiet: QuietOption = False,
) -> None:
    """Serve the games of a case. Opens one if there is none, and prints its links.

    It answers on this machine only, unless --host says otherwise.
    """
    room = _room(case, database, quiet=quiet)
    address = _address(host, port)
    if host not in ("127.0.0.1", "localhost", "::1"):
        say(
            f"Serving at {host}: every machine that reaches this one can knock. Links are secret but travel "
            "unencrypted: put a proxy with HTTPS before it wherever you do not trust the network."
        )
    with room.store.read() as change:
        running = [row for row in change.games() if row["status"] != "over" and row["digest"] == room.loaded.digest]
    if not running:
        seats = {"coercer": _seat(coercer), "target": _seat(target)}
        title = room.case.crisis.title
        game, links = room.open_game(title, seats=seats, seed=seed, seconds=clock)
        _tell_links(address, game, links)
    else:
        say(f"{len(running)} games go on. Their links hold; `standoff play link` makes new ones.")
    typer.echo(f"To open and run games: {address}/join#{room.host_link()}")
    say("The same token, after the #, opens games over the API: Authorization: Bearer TOKEN.")
    room.resume()
    stop = room.run()
    try:
        import uvicorn

        from standoff.app.api import api_app
        from standoff.app.api_doors import BODY
        from standoff.app.table.mount import put_pages

        application = api_app(room, names=name or ())
        put_pages(application, room)
        uvicorn.run(
            application, host=host, port=port, log_level="warning", access_log=False, ws_max_size=BODY,
            server_header=False, ws_per_message_deflate=False,
        )  # fmt: skip
    finally:
        stop()
        room.store.close()


@play.command()
def new(
    case: CaseArgument,
    database: Database = None,
    title: Annotated[str | None, typer.Option("--title", help="What players see it called.")] = None,
    coercer: Who = "person",
    target: Who = "person",
    seed: Seed = None,
    clock: Clock = None,
    address: Annotated[
        str, typer.Option("--address", help="Of the server, for the links.")
    ] = f"http://127.0.0.1:{PORT}",
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Open another game of a case, and print its links."""
    room = _room(case, database, quiet=quiet)
    seats = {"coercer": _seat(coercer), "target": _seat(target)}
    name = title or room.case.crisis.title
    game, links = room.open_game(name, seats=seats, seed=seed, seconds=clock)
    if as_json:
        print_json({"game": game, "links": {role: f"{address}/join#{token}" for role, token in links.items()}})
    else:
        _tell_links(address, game, links)
    room.store.close()


@play.command()
def games(case: CaseArgument, database: Database = None, as_json: JsonOption = False) -> None:
    """List the games of a case, and the links to each without their secrets."""
    room = _room(case, database, quiet=True)
    with room.store.read() as change:
        found = [
            {"game": row["id"], "title": row["title"], "status": row["status"],
             "links": [{k: link[k] for k in ("id", "role", "label", "expires", "revoked")}
                       for link in change.links(row["id"])]}
            for row in change.games()
        ]  # fmt: skip
    if as_json:
        print_json(found)
    else:
        for each in found:
            typer.echo(f"{each['game']}  {each['status']:7s} {each['title']}")
            for link in each["links"]:
                held = "revoked" if link["revoked"] is not None else "holds"
                typer.echo(f"  {link['id']}  {link['role']:12s} {held:8s}{link['label']}")
    room.store.close()


@play.command()
def link(
    case: CaseArgument,
    game: Annotated[str, typer.Argument(metavar="GAME")],
    role: Annotated[str, typer.Argument(metavar="ROLE", help="facilitator, coercer, target or observer.")],
    database: Database = None,
    days: Annotated[float, typer.Option("--days", min=0.001, max=365, help="For which it holds.")] = 7.0,
    address: Annotated[
        str, typer.Option("--address", help="Of the server, for the link.")
    ] = f"http://127.0.0.1:{PORT}",
) -> None:
    """Make a new secret link to a game."""
    room = _room(case, database, quiet=True)
    _, token = room.new_link(_boss(room, game), role, "", days * 86400.0)  # type: ignore[arg-type]
    typer.echo(f"{address}/join#{token}")
    room.store.close()


@play.command()
def revoke(
    case: CaseArgument,
    game: Annotated[str, typer.Argument(metavar="GAME")],
    link_id: Annotated[str, typer.Argument(metavar="LINK", help="Its id, as `games` prints it.")],
    database: Database = None,
) -> None:
    """Revoke a link: whoever came in by it is out."""
    room = _room(case, database, quiet=True)
    room.revoke(_boss(room, game), link_id)
    room.store.close()


@play.command()
def export(
    case: CaseArgument,
    game: Annotated[str, typer.Argument(metavar="GAME")],
    database: Database = None,
    out: Where = None,
    whole: Annotated[
        bool, typer.Option("--whole", help="The case with these events in place of its own, for `standoff infer`.")
    ] = False,
) -> None:
    """Write a game as an event file of the case format."""
    room = _room(case, database, quiet=True)
    _put(room.events(_boss(room, game), whole=whole), out)
    room.store.close()


@play.command()
def debrief(
    case: CaseArgument,
    game: Annotated[str, typer.Argument(metavar="GAME")],
    database: Database = None,
    out: Where = None,
) -> None:
    """Write a game's debrief as JSON: beliefs by round, what the solution would have done, departures, misreadings."""
    room = _room(case, database, quiet=True)
    _put(room.debrief(_boss(room, game)).model_dump_json(indent=2) + "\n", out)
    room.store.close()


def _put(text: str, out: Path | None) -> None:
    if out is None:
        typer.echo(text, nl=False)
        return
    if out.exists():
        raise UserError(f"{out}: this exists, and nothing is overwritten. Name a new file.")
    write(out, text)
    say(f"{out}")


@play.command()
def bot(
    seat: Annotated[str, typer.Argument(metavar="LINK", help="The secret link of a seat, or - to read it from stdin.")],
    case: Annotated[
        str | None, typer.Option("--case", metavar="CASE", help="Solve this case, not the seat's adviser, for moves.")
    ] = None,
    precision: Annotated[float | None, typer.Option("--precision", metavar="L", help="Of the solution.")] = None,
    view: Annotated[str | None, typer.Option("--view", metavar="NAME", help="By which the case is solved.")] = None,
    seed: Seed = None,
    quiet: QuietOption = False,
) -> None:
    """Play a seat by a solved strategy, as a program over the API.

    Without --case it plays what the seat's adviser says; with it, the case is solved here at --precision and by --view.
    """
    from standoff.play.client import Adviser, Client, play_to_the_end, read_link

    where, token = read_link(sys.stdin.readline().strip() if seat == "-" else seat)
    with closing(Client(where, token)) as client:
        first = client.sight()
        if first is None or "mine" not in first[1]:
            raise UserError("This link is not a player's. Give the link of the coercer or of the target.")
        player: Player = Adviser(seed)
        if case is not None:
            player = _solved(case, first[1]["mine"]["side"], view, precision, seed, quiet=quiet)
        elif precision is not None or view is not None:
            raise UserError("--precision and --view are for a case that is solved here. Add --case CASE.")
        last = play_to_the_end(client, player)
    typer.echo(f"Over in round {last['ending']['round']}: {last['ending']['ending']}.")


def _solved(
    case: str, side: str, view: str | None, precision: float | None, seed: int | None, *, quiet: bool
) -> "Player":
    from standoff.case.load import load_case
    from standoff.play.client import Solved
    from standoff.play.shelf import Shelf, own_view
    from standoff.show.pipeline import prepare

    loaded = load_case(case)
    shelf = Shelf(loaded, BOARDS)
    prepare()
    with progress_bar(quiet=quiet) as progress:
        board = shelf.board(progress)
        held = shelf.held(side, view or own_view(loaded, side), precision, progress)
    return Solved(board, held, seed)
