"""Who saw it coming: score."""

from pathlib import Path
from typing import Annotated

import typer

from standoff.cli.shell import CaseArgument, JsonOption, QuietOption, app, out_option, print_json, progress_bar


@app.command()
def score(
    case: CaseArgument,
    forecasts: Annotated[
        Path | None,
        typer.Option(
            "--forecasts", metavar="FILE", help="The model's own: forecast.zarr, or the folder of `standoff forecast`."
        ),
    ] = None,
    out: Annotated[
        Path | None,
        out_option("Write a page, JSON and CSV there; in a run, keep the scores for it."),
    ] = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Score the forecasts on record, the market, past cases and the model on the same questions.

    Without --forecasts the model's are looked for in DIR; where there are none, the others are scored all the same.
    The model on generic priors comes first: the case's own numbers were written with hindsight.
    """
    from standoff.case.load import load_case

    loaded = load_case(case)
    from standoff.forecast.score import STORE, read
    from standoff.forecast.score import score as run
    from standoff.show import beside
    from standoff.show import score as shown

    with_run = out is not None and beside.is_run(out)
    if out is not None and with_run:
        beside.require_run(out, loaded.digest)
    if forecasts is None and out is not None and (out / STORE).is_dir():
        forecasts = out
    with progress_bar(quiet=quiet) as progress:
        progress("scoring", 0.0)
        found = run(loaded, read(forecasts) if forecasts is not None else None)
    lines = shown.lines(found)
    if out is not None:
        page = shown.write_page(found, out)
        lines += ["", f"Page: {page}"]
        if with_run:
            lines.append(f"Kept in {beside.keep(found, out, 'scores')}. Next: standoff report {out}")
    if as_json:
        print_json(shown.as_dict(found))
        return
    for line in lines:
        typer.echo(line)
