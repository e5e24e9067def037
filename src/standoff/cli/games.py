"""Commands on games: solve, hypergame, export."""

from pathlib import Path
from typing import Annotated

import typer

from standoff.cli.shell import (
    AllOption,
    CaseArgument,
    JsonOption,
    PrecisionOption,
    QuietOption,
    ViewOption,
    app,
    print_found,
    progress_bar,
    write,
)
from standoff.errors import UserError


@app.command()
def solve(
    game: Annotated[str, typer.Argument(metavar="GAME", help="A Gambit file (.efg), or a case.")],
    precision: PrecisionOption = None,
    view: Annotated[
        str | None,
        typer.Option("--view", metavar="NAME", help="Of a case: base, the id of a view, or the side that holds it."),
    ] = None,
    rounds: Annotated[
        int | None, typer.Option("--rounds", min=1, help="Of a case: rounds played [default: all].")
    ] = None,
    nodes: Annotated[
        int | None, typer.Option("--nodes", min=5, max=65, help="Of a case: grid nodes [default: the case's].")
    ] = None,
    as_json: JsonOption = False,
    whole: AllOption = False,
    quiet: QuietOption = False,
) -> None:
    """Solve a game: agent logit equilibria of a Gambit file, or a view of a case.

    Without --precision a file is solved at 1, 2, 5 and 10 per unit of its payoffs, a case at its own.
    """
    from standoff.show.games import SolvedFile, is_game

    if is_game(game):
        alone = {"--view": view, "--rounds": rounds, "--nodes": nodes}
        for option in (option for option, value in alone.items() if value is not None):
            raise UserError(f"{option}: this belongs to a case, and {game} is a Gambit file. Leave it out.")
        found = SolvedFile(game, precision or [])
        print_found(found.as_dict() if as_json else found.lines(whole=whole), found.failed)
        return
    from standoff.case.load import load_case

    loaded = load_case(game)
    with progress_bar(quiet=quiet) as progress:
        from standoff.show.central import View

        solved = View(loaded, view or "base", rounds=rounds, nodes=nodes, words=precision or [], progress=progress)
    print_found(solved.as_dict() if as_json else solved.lines(), solved.failed)


@app.command()
def hypergame(
    truth: Annotated[str, typer.Option("--truth", metavar="FILE", help="The true game, a Gambit file (.efg).")],
    views: Annotated[
        list[str], typer.Option("--view", metavar="NAME=FILE", help="The game that a player believes in.")
    ],
    precision: Annotated[
        list[str],
        typer.Option("--precision", metavar="NAME=L", help="How sharply a player takes all to play his view."),
    ],
    as_json: JsonOption = False,
    whole: AllOption = False,
) -> None:
    """Let each player's strategy, from the game he believes in, meet the others' in a true game."""
    from standoff.show.games import Met

    met = Met(truth, views, precision)
    print_found(met.as_dict() if as_json else met.lines(whole=whole), [])


@app.command()
def export(
    case: CaseArgument,
    out: Annotated[Path, typer.Argument(metavar="FILE.efg", help="A new file.")],
    view: ViewOption = "base",
    rounds: Annotated[int, typer.Option("--rounds", min=1, help="Rounds written out.")] = 1,
    precision: PrecisionOption = None,
    scaled: Annotated[
        bool,
        typer.Option("--scaled", help="Multiply payoffs by each side's precision, for solvers with one for all."),
    ] = False,
    most_nodes: Annotated[int, typer.Option("--most-nodes", min=1, help="Refuse a larger tree.")] = 200_000,
) -> None:
    """Cut a view of a case to its first rounds, written out as a Gambit file, at the central values."""
    from standoff.case.load import load_case

    if out.exists():
        raise UserError(f"{out}: this exists, and nothing is overwritten. Name a new file.")
    loaded = load_case(case)
    from standoff.show.central import cut

    text, nodes = cut(loaded, view, rounds, precision or [], scaled=scaled, most_nodes=most_nodes)
    write(out, text)
    typer.echo(f"{out}: {nodes:,} nodes")
    typer.echo(f"Next: standoff solve {out} --precision {1 if scaled else 5}")
