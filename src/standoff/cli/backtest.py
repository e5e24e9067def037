"""Does the structure forecast better than a regression? backtest."""

from pathlib import Path
from typing import Annotated

import typer

from standoff.cli.shell import JsonOption, QuietOption, app, out_option, print_json, progress_bar


@app.command()
def backtest(
    study: Annotated[
        str, typer.Argument(metavar="STUDY", help="ties, icb, demands or leaders; or a mapping file of your own.")
    ],
    data: Annotated[
        Path,
        typer.Option("--data", metavar="DIR", help="Where you keep the data: a folder, or one table (CSV, parquet)."),
    ],
    question: Annotated[
        list[str] | None, typer.Option("--question", metavar="NAME", help="Ask this one only; may be repeated.")
    ] = None,
    split: Annotated[
        list[str] | None, typer.Option("--split", metavar="NAME", help="Use this split only; may be repeated.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, max=2**31 - 1, help="Of folds and bootstrap samples.")] = 1,
    out: Annotated[
        Path | None,
        out_option("Write page, figures, JSON and tables there; keep finished folds."),
    ] = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Test forecasts of past crises: the signaling game, a strategic probit, regression, trees, the base rate.

    The data are not shipped: docs/replications/backtests.md says where they are from, and what the files are called.
    With --out a study that was stopped goes on where it was when the same command is given.
    """
    from jax import config

    config.update("jax_enable_x64", True)  # type: ignore[no-untyped-call, unused-ignore]
    from standoff.backtest.run import run
    from standoff.backtest.study import read
    from standoff.show import backtest as shown

    mapping = read(study)
    with progress_bar(quiet=quiet) as progress:
        found = run(
            mapping, data, questions=question, splits=split, seed=seed, keep=out / "folds" if out else None,
            progress=progress,
        )  # fmt: skip
    if out is not None:
        page = shown.write_page(found, out)
    if as_json:
        print_json(shown.as_dict(found))
        return
    for line in shown.lines(found):
        typer.echo(line)
    if out is not None:
        typer.echo(f"\nPage: {page}")
