"""How a crisis was going to end, as of a day: forecast."""

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer

from standoff.cli.ask import SeedOption, WorkersOption
from standoff.cli.infer import OverOption, QuickOption
from standoff.cli.shell import CaseArgument, JsonOption, QuietOption, app, out_option, print_json, progress_bar, say
from standoff.errors import UserError


@app.command()
def forecast(
    case: CaseArgument,
    as_of: Annotated[
        list[dt.datetime] | None,
        typer.Option("--as-of", metavar="DATE", formats=["%Y-%m-%d"], help="As of the end of that day; or several."),
    ] = None,
    every: Annotated[
        str | None, typer.Option("--every", metavar="week|round", help="The whole sequence, until the crisis ended.")
    ] = None,
    horizon: Annotated[
        int | None, typer.Option("--horizon", min=1, max=520, help="Weeks ahead that are shown [default: all].")
    ] = None,
    priors: Annotated[
        str, typer.Option("--priors", metavar="generic|case|both", help="Whose numbers are used.")
    ] = "both",
    over: OverOption = None,
    draws: Annotated[
        int | None, typer.Option("--draws", min=64, max=100_000, help="Draws of the numbers [default: 192].")
    ] = None,
    tellings: Annotated[
        int | None,
        typer.Option("--tellings", min=4, max=4096, help="Crises played on from each day and draw [default: 256]."),
    ] = None,
    quick: QuickOption = False,
    seed: SeedOption = 1,
    workers: WorkersOption = None,
    out: Annotated[
        Path | None,
        out_option("Write forecasts and a page there, and resume from there."),
    ] = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Forecast the endings as of a day, or along the whole crisis, from what was public by then.

    Generic priors are the library's, without any case in view; the case's numbers were written with hindsight. With
    --out and the folder of a run, `standoff score` and `standoff report` find the forecasts there.
    """
    if not as_of and every is None:
        raise UserError("forecast: say as of when, with --as-of DATE or --every week.")
    if priors not in ("generic", "case", "both"):
        raise UserError(f"--priors {priors}: write generic, case or both.")
    from standoff.case.load import load_case

    loaded = load_case(case)
    from standoff.forecast.model import DRAWS, PRIORS, QUICK, TELLINGS, days
    from standoff.forecast.model import forecast as run
    from standoff.show import beside
    from standoff.show import forecast as shown
    from standoff.show.pipeline import prepare
    from standoff.simulate.engine import default_workers

    when = sorted({day.date() for day in as_of or ()} | set(days(loaded.case, every) if every else ()))
    if out is not None and beside.is_run(out):
        beside.require_run(out, loaded.digest)
    prepare()
    some = QUICK if quick else {"draws": DRAWS, "tellings": TELLINGS}
    with progress_bar(quiet=quiet) as progress:
        found = run(
            loaded, when, priors=PRIORS if priors == "both" else (priors,), over=over, draws=draws or some["draws"],
            tellings=tellings or some["tellings"], seed=seed, workers=workers or default_workers(), progress=progress,
            keep=out / ".batches" if out is not None else None,
        )  # fmt: skip
    lines, content = shown.lines(found, horizon), shown.as_dict(found)
    if out is not None:
        kept = beside.keep(found, out, "forecast")
        lines.append(f"Kept in {kept}. Page: {shown.write_page(loaded.case, found, out, lines, content, horizon)}")
        lines.append(f"Next: standoff score {case} --forecasts {kept}")
    if as_json:
        print_json(content)
    else:
        for line in lines:
            typer.echo(line)
    if wrong := shown.alarm(found):
        say(f"NOT TO BE TRUSTED. {wrong}")
        raise typer.Exit(1)
