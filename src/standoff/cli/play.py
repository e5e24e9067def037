"""Commands of played games: `play CASE` serves them; `new`, `games`, `link`, `revoke`, `export`, `debrief`."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from standoff.cli.shell import CaseArgument, JsonOption, QuietOption, app, print_json, progress_bar, say, write
from standoff.errors import UserError

if TYPE_CHECKING:
    from standoff.play.room import Room, Seat
    from standoff.play.seats import Caller

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
Seed = Annotated[
    int | None, typer.Option("--seed", min=0, max=2**63 - 1, help="Of the game's chance [default: drawn].")
]
Clock = Annotated[
    float | None,
    typer.Option("--clock", min=1, max=7 * 86400, metavar="SECONDS", help="Time for a move [default: none]."),
]


def _room(case: str, database: str | None) -> "Room":
    """The games of a case; nothing is solved for them."""
    from standoff.case.load import load_case
    from standoff.play.room import Room
    from standoff.play.shelf import Shelf
    from standoff.play.store import Store

    loaded = load_case(case)
    where = database or str(Path("runs") / "play" / f"{loaded.case.crisis.id}.db")
    return Room(loaded, Store(where), Shelf(loaded, BOARDS if "://" in where else Path(where).with_suffix(".boards")))


def _ready(room: "Room", seats: dict[str, "Seat"], *, quiet: bool) -> None:
    """Have the board, both own views and those of the seats at hand, and say what takes time."""
    from standoff.play.shelf import own_view

    own = {side: own_view(room.loaded, side) for side in ("coercer", "target")}
    minds: list[tuple[str, str, float | None]] = [(side, view, None) for side, view in own.items()]
    minds += [(side, seat.view or own[side], seat.precision) for side, seat in seats.items()]
    if not room.shelf.complete(minds):
        from standoff.show.pipeline import prepare

        prepare()
    with progress_bar(quiet=quiet) as progress:
        room.shelf.board(progress)
        for mind in dict.fromkeys(minds):
            room.shelf.held(*mind, progress)


def _seats(room: "Room", coercer: str, target: str, seed: int | None, clock: float | None) -> dict[str, "Seat"]:
    """Who plays, from words; what cannot be played is refused before anything is solved."""
    from standoff.play.room import require_game, require_seat

    seats = {}
    for side, words in (("coercer", coercer), ("target", target)):
        try:
            seats[side] = _seat(words)
            require_seat(room.loaded, side, seats[side])
        except UserError as error:
            raise UserError(f"--{side} {words}: {error}") from None
    require_game(room.loaded, seats, seed, clock)
    return seats


def _seat(words: str) -> "Seat":
    from standoff.play.room import Seat as Played

    player, _, rest = words.partition(":")
    view, _, sharp = rest.partition(":")
    try:
        precision = float(sharp) if sharp else None
    except ValueError:
        raise UserError(f"'{sharp}' is no precision. Write strategy:VIEW:L, as in strategy:base:5.") from None
    return Played(player, view or None, precision)


def _require_address(address: str) -> str:
    """The address of a server, for links."""
    from urllib.parse import urlsplit

    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise UserError(f"--address {address}: this is no address of a server. Write it like http://127.0.0.1:{PORT}.")
    return address.rstrip("/")


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


def _exposed(host: str, *, behind_https: bool) -> str:
    """What it means to listen beyond this machine."""
    told = f"Serving at {host}: every machine that reaches this one can knock. "
    if behind_https:
        return told + "Let only the proxy that speaks HTTPS reach this port: what passes here is not encrypted."
    return told + (
        "Links are secret but travel unencrypted: put a proxy with HTTPS before it wherever you do not trust the "
        "network."
    )


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
    behind_https: Annotated[
        bool, typer.Option("--behind-https", help="A proxy in front speaks HTTPS with every player.")
    ] = False,
    quiet: QuietOption = False,
) -> None:
    """Serve the games of a case. Opens one if there is none, and prints its links.

    It answers on this machine only, unless --host says otherwise.
    """
    from standoff.app.api_doors import require_names
    from standoff.app.place import find_place

    known = require_names(name or ())
    place = find_place(host, port)
    room = _room(case, database)
    seats = _seats(room, coercer, target, seed, clock)
    _ready(room, seats, quiet=quiet)
    address = f"https://{known[0]}" if behind_https and known else place.url
    if not place.loopback:
        say(_exposed(host, behind_https=behind_https))
    with room.store.read() as change:
        running = [row for row in change.games() if row["status"] != "over" and row["digest"] == room.loaded.digest]
    if not running:
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
        from standoff.app.api_doors import BODY, PROXIES
        from standoff.app.table.mount import put_pages

        application = api_app(room, names=known, secure=behind_https)
        put_pages(application, room)
        uvicorn.run(
            application, host=host, port=place.port, log_level="warning", access_log=False, ws_max_size=BODY,
            server_header=False, ws_per_message_deflate=False, forwarded_allow_ips=PROXIES,
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
    from standoff.play.room import require_title

    address = _require_address(address)
    room = _room(case, database)
    seats = _seats(room, coercer, target, seed, clock)
    name = require_title(title or room.case.crisis.title)
    _ready(room, seats, quiet=quiet)
    game, links = room.open_game(name, seats=seats, seed=seed, seconds=clock)
    if as_json:
        print_json({"game": game, "links": {role: f"{address}/join#{token}" for role, token in links.items()}})
    else:
        _tell_links(address, game, links)
    room.store.close()


@play.command()
def games(case: CaseArgument, database: Database = None, as_json: JsonOption = False) -> None:
    """List the games of a case, and the links to each without their secrets."""
    room = _room(case, database)
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
    room = _room(case, database)
    address = _require_address(address)
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
    room = _room(case, database)
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
    _require_new(out)
    room = _room(case, database)
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
    _require_new(out)
    room = _room(case, database)
    boss = _boss(room, game)
    _ready(room, {}, quiet=True)
    _put(room.debrief(boss).model_dump_json(indent=2) + "\n", out)
    room.store.close()


def _put(text: str, out: Path | None) -> None:
    if out is None:
        typer.echo(text, nl=False)
        return
    write(out, text)
    say(f"{out}")


def _require_new(out: Path | None) -> None:
    """Refuse a file that exists, or that stands in no folder, before anything is computed for it."""
    if out is not None and out.exists():
        raise UserError(f"{out}: this exists, and nothing is overwritten. Name a new file.")
    if out is not None and not out.absolute().parent.is_dir():
        raise UserError(f"{out}: there is no folder {out.parent}. Make it, or name another file.")
