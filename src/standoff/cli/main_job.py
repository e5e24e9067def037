"""The main job: run."""

import datetime as dt
import os
from pathlib import Path
from typing import Annotated

import typer

from standoff.cli.shell import (
    CaseArgument,
    DocumentsOption,
    JsonOption,
    QuietOption,
    app,
    out_folder,
    out_option,
    print_json,
    progress_bar,
    say,
)  # fmt: skip
from standoff.errors import UserError


@app.command()
def run(
    case: CaseArgument,
    out: Annotated[
        Path | None,
        out_option("Where to [default: runs/ and the case's id]."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, max=2**31 - 1, help="Seed of every draw.")] = 1,
    draws: Annotated[
        int | None,
        typer.Option("--draws", min=2, max=2000, help="Draws of the parameters [default: the case's]."),
    ] = None,
    replications: Annotated[
        int | None,
        typer.Option("--replications", min=10, max=100_000, help="Crises for each draw [default: the case's]."),
    ] = None,
    until: Annotated[
        dt.datetime | None,
        typer.Option("--until", metavar="DATE", formats=["%Y-%m-%d"], help="Use only what was public by then."),
    ] = None,
    documents: DocumentsOption = None,
    workers: Annotated[
        int | None,
        typer.Option("--workers", min=1, max=256, help="Draws at a time [default: one a core, up to 4]."),
    ] = None,
    cluster: Annotated[
        str | None,
        typer.Option("--cluster", metavar="ADDRESS", help="Use a running Dask cluster, by its scheduler's address."),
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Begin anew: do not go on from what a stopped run has kept.")
    ] = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Solve a case, play it many times, and write the report.

    Draws are kept as they are finished. A run that was stopped goes on where it was when the same command is given.
    """
    from standoff.case.load import load_case

    loaded = load_case(case)
    target = out if out is not None else Path("runs") / loaded.case.crisis.id
    target = _replaceable(target)
    if documents is not None and not documents.is_dir():
        raise UserError(f"{documents}: there is no such folder of documents. Name the folder of your copies.")
    with progress_bar(quiet=quiet) as progress:
        from standoff.show.pipeline import run_case

        summary = run_case(
            loaded,
            out=target,
            seed=seed,
            draws=draws,
            replications=replications,
            until=until.date() if until else None,
            documents=documents,
            progress=progress,
            note=(lambda _: None) if quiet else say,
            workers=workers,
            cluster=cluster,
            fresh=fresh,
        )
    if as_json:
        print_json(summary.as_dict())
        return
    for line in summary.lines():
        typer.echo(line)


def _replaceable(folder: Path) -> Path:
    """A folder that a finished run can replace as a whole; refuses one with which that would fail in the end."""
    plain = folder.name not in ("", "..") and not folder.is_symlink()
    whole = folder if plain else folder.resolve()
    here = not plain and Path.cwd().is_relative_to(whole)
    if here or os.path.ismount(whole):
        what = "the folder you are in" if here else "a mounted folder"
        raise UserError(f"{folder}: a run takes the place of its folder, which {what} cannot give. Name one in it.")
    for one in (whole, whole.absolute().parent):
        out_folder(one)
    return whole
