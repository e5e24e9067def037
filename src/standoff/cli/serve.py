"""The analyst's desk in the browser: serve."""

import os
from pathlib import Path
from typing import Annotated

import typer

from standoff.cli.shell import CaseArgument, DocumentsOption, app, say
from standoff.errors import UserError


@app.command()
def serve(
    case: CaseArgument,
    runs: Annotated[
        Path, typer.Option("--runs", metavar="DIR", help="Folder in which runs of the case are found, or made.")
    ] = Path("runs"),
    documents: DocumentsOption = None,
    host: Annotated[str, typer.Option("--host", help="Address to listen on; others can reach all but loopback.")] = (
        "127.0.0.1"
    ),
    port: Annotated[
        int | None, typer.Option("--port", min=1, max=65535, help="Port [default: the first free one from 8100].")
    ] = None,
    browser: Annotated[bool, typer.Option("--open/--no-open", help="Open a browser.")] = True,
) -> None:
    """Look at a case in the browser: what happened, what each side believed, how it ends, what it rests on.

    Works offline. Where the case has no run yet, one is made in the background. Ctrl-C ends it.
    """
    if documents is not None and not documents.is_dir():
        raise UserError(f"{documents}: there is no such folder of documents. Name the folder of your copies.")
    if runs.exists() and not runs.is_dir():
        raise UserError(f"{runs}: this is a file. Name a folder with --runs.")
    from standoff.app.place import find_place
    from standoff.case.load import load_case

    place = find_place(host, port)
    loaded = load_case(case)
    say("Reading the case and its run …")
    from standoff.app.data import Desk
    from standoff.app.server import prepare
    from standoff.app.server import serve as run

    desk = Desk(loaded, runs, documents, called=case)
    if desk.run is None:
        _require_writable(desk.target)
    prepare(desk)
    where = f"Run: {desk.run}" if desk.run is not None else f"No run of this case yet: one is made in {desk.target}."
    say(where)
    if place.warning():
        say(place.warning())
    typer.echo(f"{place.url}  (Ctrl-C ends it)")
    run(desk, place, show=browser, make=True)


def _require_writable(run: Path) -> None:
    """Refuse a place where no run can be made, before one is begun."""
    there = next((folder for folder in (run, *run.absolute().parents) if folder.exists()), Path())
    if not there.is_dir() or not os.access(there, os.W_OK):
        raise UserError(f"{run}: no run can be made there, since {there} cannot be written to. Name another --runs.")
