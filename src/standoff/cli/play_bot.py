"""The command of a program at a seat: `play bot`."""

import sys
from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer

from standoff.cli.play import BOARDS, Seed, play
from standoff.cli.shell import QuietOption, progress_bar
from standoff.errors import UserError

if TYPE_CHECKING:
    from standoff.case.load import LoadedCase
    from standoff.play.client import Player


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

    if case is None and (precision is not None or view is not None):
        raise UserError("--precision and --view are for a case that is solved here. Add --case CASE.")
    loaded = None if case is None else _case_for_bot(case, view, precision)
    where, token = read_link(sys.stdin.readline().strip() if seat == "-" else seat)
    with closing(Client(where, token)) as client:
        first = client.sight()
        if first is None or "mine" not in first[1]:
            raise UserError("This link is not a player's. Give the link of the coercer or of the target.")
        player: Player = Adviser(seed)
        if loaded is not None:
            player = _solved(loaded, first[1]["mine"]["side"], view, precision, seed, quiet=quiet)
        last = play_to_the_end(client, player)
    typer.echo(f"Over in round {last['ending']['round']}: {last['ending']['ending']}.")


def _case_for_bot(case: str, view: str | None, precision: float | None) -> "LoadedCase":
    """The case that a bot solves, if it can be solved so."""
    from standoff.case.load import load_case
    from standoff.play.shelf import require_mind

    loaded = load_case(case)
    require_mind(loaded, view or "base", precision)
    return loaded


def _solved(
    loaded: "LoadedCase", side: str, view: str | None, precision: float | None, seed: int | None, *, quiet: bool
) -> "Player":
    from standoff.play.client import Solved
    from standoff.play.shelf import Shelf, own_view
    from standoff.show.pipeline import prepare

    shelf = Shelf(loaded, BOARDS)
    prepare()
    with progress_bar(quiet=quiet) as progress:
        board = shelf.board(progress)
        held = shelf.held(side, view or own_view(loaded, side), precision, progress)
    return Solved(board, held, seed)
