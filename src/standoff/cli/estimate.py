"""Learning from past crises: estimate."""

from pathlib import Path
from typing import Annotated

import typer

from standoff.cli.shell import JsonOption, QuietOption, app, out_option, print_json, progress_bar, say


@app.command()
def estimate(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="A table: CSV, TSV or parquet, a row a game.")],
    formula: Annotated[Path, typer.Option("--formula", metavar="FILE", help="YAML: a formula for each payoff.")],
    model: Annotated[
        str, typer.Option("--model", metavar="NAME", help="signaling, egame12, egame122, egame123 or ultimatum.")
    ] = "signaling",
    method: Annotated[str, typer.Option("--method", metavar="NAME", help="ml (exact), npl, pl, or bayes.")] = "ml",
    selection: Annotated[
        str | None,
        typer.Option(
            "--selection",
            metavar="RULE",
            help="Where games have several equilibria: weighed (default of ml), likely, smallest, largest, mixture "
            "(default of bayes).",
        ),
    ] = None,
    covariance: Annotated[
        str | None,
        typer.Option(
            "--covariance",
            metavar="KIND",
            help="hessian, opg, robust, cluster:COLUMN, bootstrap:N or bootstrap:N:COLUMN.",
        ),
    ] = None,
    starts: Annotated[int | None, typer.Option("--starts", min=1, max=1000, help="Points to climb from.")] = None,
    penalty: Annotated[
        float | None,
        typer.Option(
            "--penalty", metavar="SD", min=0.01, help="Normal prior around 0 on all coefficients, of that sd."
        ),
    ] = None,
    given_challenge: Annotated[
        bool, typer.Option("--given-challenge", help="The table holds only games in which A challenged.")
    ] = False,
    first_stage: Annotated[
        str | None,
        typer.Option("--first-stage", metavar="WAY", help="Of pl and npl: columns, frequencies, forest or boosting."),
    ] = None,
    link: Annotated[
        str | None, typer.Option("--link", metavar="NAME", help="Of egame models: probit or logit.")
    ] = None,
    uncertainty: Annotated[
        str | None, typer.Option("--uncertainty", metavar="NAME", help="Of egame models: agent or private.")
    ] = None,
    effects: Annotated[
        list[str] | None,
        typer.Option("--effects", metavar="COLUMN", help="Average effect of a column; may be repeated."),
    ] = None,
    statics: Annotated[
        list[str] | None,
        typer.Option("--statics", metavar="COLUMN", help="All equilibria as a column moves; may be repeated."),
    ] = None,
    at: Annotated[
        list[str] | None,
        typer.Option(
            "--at",
            metavar="COLUMN=VALUE",
            help="Of the game that a case takes as priors from fit.json (with --out); others at medians.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of all that is random.")] = 1,
    out: Annotated[
        Path | None,
        out_option("Write the fit, tables, a page and figures there."),
    ] = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Estimate a strategic model on a table of past crises, with warnings in words.

    The exact likelihood (ml) enumerates every equilibrium of every game. With --out a bootstrap keeps its draws, and
    the same command goes on from them. Exit code 1 where the fit did not converge.
    """
    from standoff.estimate.fit import NOT_CONVERGED
    from standoff.show import estimate as shown
    from standoff.show.pipeline import prepare

    prepare()
    settings = {
        "method": method, "selection": selection, "covariance": covariance, "starts": starts, "seed": seed,
        "penalty": penalty, "given_challenge": given_challenge, "first_stage": first_stage, "link": link,
        "uncertainty": uncertainty,
    }  # fmt: skip
    with progress_bar(quiet=quiet) as progress:
        answer = shown.run(
            data,
            formula,
            model,
            settings,
            effects=effects or (),
            statics=statics or (),
            at=at or (),
            out=out,
            progress=progress,
        )
    text = shown.lines(answer)
    if out is not None:
        text += ["", f"Page: {shown.write(answer, out)}", f"Fit: {out / 'fit.json'}"]
    if as_json:
        print_json(shown.as_dict(answer))
    else:
        for line in text:
            typer.echo(line)
    if answer.fit.status == NOT_CONVERGED:
        say("The fit did not converge; its numbers are not to be used.")
        raise typer.Exit(1)
