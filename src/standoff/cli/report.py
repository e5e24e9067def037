"""The report of a finished run, written anew: report."""

from pathlib import Path
from typing import Annotated

import typer

from standoff.cli.shell import DocumentsOption, app
from standoff.errors import UserError


@app.command()
def report(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a finished run.")],
    case: Annotated[
        str | None, typer.Argument(metavar="CASE", help="The case it is of [default: the shipped one of its id].")
    ] = None,
    documents: DocumentsOption = None,
) -> None:
    """Write the report of a finished run anew, with what other commands have kept beside it.

    Nothing is computed. A case that has changed since the run is refused.
    """
    if documents is not None and not documents.is_dir():
        raise UserError(f"{documents}: there is no such folder of documents. Name the folder of your copies.")
    from standoff.show.report import rebuild

    typer.echo(f"Report: {rebuild(run, case, documents)}")
