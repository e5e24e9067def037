"""Learning from past crises: equilibria."""

from pathlib import Path
from typing import Annotated

import typer

from standoff.cli.shell import AllOption, JsonOption, app, print_json


@app.command()
def equilibria(
    points: Annotated[
        Path, typer.Argument(metavar="POINTS", help="A table with columns case, SA, VA, CB, barWA, barWB, bara, VB.")
    ],
    model: Annotated[str, typer.Option("--model", metavar="NAME", help="signaling.")] = "signaling",
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write a row for each as CSV there.")
    ] = None,
    show_all: AllOption = False,
    as_json: JsonOption = False,
) -> None:
    """List every equilibrium of the crisis-signaling game, for rows of payoffs; none is lost in the tails.

    A case that is repeated is solved once. Other columns are ignored.
    """
    from standoff.errors import UserError
    from standoff.show.pipeline import prepare

    prepare()
    from standoff.show import equilibria as shown

    games, found = shown.run(points, model)
    if out is not None:
        try:
            out.write_text(shown.as_csv(games, found), encoding="utf-8")
        except OSError as error:
            raise UserError(f"{out}: it cannot be written: {error.strerror}. Name another file with --out.") from error
    if as_json:
        print_json(shown.as_dict(games, found))
        return
    for line in shown.lines(games, found, whole=show_all):
        typer.echo(line)
