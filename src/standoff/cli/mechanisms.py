"""What each mechanism does: mechanisms."""

from pathlib import Path
from typing import Annotated

import typer

from standoff.cli.ask import ReplicationsOption, SeedOption, WorkersOption
from standoff.cli.shell import CaseArgument, JsonOption, QuietOption, app, out_option, print_json, progress_bar


@app.command()
def mechanisms(
    case: CaseArgument,
    draws: Annotated[int, typer.Option("--draws", min=2, max=2000, help="Draws of the parameters.")] = 8,
    replications: ReplicationsOption = None,
    seed: SeedOption = 1,
    workers: WorkersOption = None,
    out: Annotated[
        Path | None,
        out_option("Keep the effects in the folder of a run of this case.", metavar="RUN"),
    ] = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Switch every mechanism off in turn, and every lever on, and say what it does to the endings."""
    from standoff.case.load import load_case

    loaded = load_case(case)
    from standoff.show import beside
    from standoff.show import mechanisms as shown
    from standoff.show.pipeline import prepare
    from standoff.simulate.engine import default_workers
    from standoff.simulate.mechanisms import mechanisms as run

    if out is not None:
        beside.require_run(out, loaded.digest)
    prepare()
    with progress_bar(quiet=quiet) as progress:
        found = run(
            loaded, draws=draws, replications=replications, seed=seed, workers=workers or default_workers(),
            progress=progress,
        )  # fmt: skip
    kept = beside.keep(found, out, "mechanisms") if out is not None else None
    if as_json:
        print_json(shown.as_dict(found))
        return
    for line in shown.lines(found):
        typer.echo(line)
    if kept is not None:
        typer.echo(f"Kept in {kept}. Next: standoff report {out}")
