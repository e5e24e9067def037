"""What the record says of numbers, views and types: infer; what the numbers say of records: predict."""

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer

from standoff.cli.ask import SeedOption, WorkersOption
from standoff.cli.shell import CaseArgument, JsonOption, QuietOption, app, out_option, print_json, progress_bar, say
from standoff.errors import UserError

UntilOption = Annotated[
    dt.datetime | None,
    typer.Option("--until", metavar="DATE", formats=["%Y-%m-%d"], help="Use only what was public by that day."),
]
OverOption = Annotated[
    list[str] | None,
    typer.Option("--over", metavar="[NAME=]PATH", help="A number to infer; several options, ten at most."),
]
QuickOption = Annotated[bool, typer.Option("--quick", help="Fewer of all, for a first look.")]
GenericOption = Annotated[
    bool, typer.Option("--generic", help="With the library's generic priors in the place of the case's numbers.")
]


@app.command()
def infer(
    case: CaseArgument,
    until: UntilOption = None,
    over: OverOption = None,
    generic: GenericOption = False,
    pieces: Annotated[
        bool, typer.Option("--pieces/--no-pieces", help="Leave every event and every source out in turn.")
    ] = True,
    draws: Annotated[
        int | None, typer.Option("--draws", min=256, max=100_000, help="Draws of the numbers [default: 768].")
    ] = None,
    tellings: Annotated[
        int | None, typer.Option("--tellings", min=4, max=4096, help="Draws of what may have happened [default: 64].")
    ] = None,
    quick: QuickOption = False,
    seed: SeedOption = 1,
    workers: WorkersOption = None,
    out: Annotated[
        Path | None,
        out_option("Write posterior, page and figures there, and resume from there."),
    ] = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Infer from the moves on record what each side wanted and believed, and which view it held.

    With --out and the folder of a run of this case, the posterior is kept there, for `standoff report`. Finished
    batches are kept in DIR, and the same command goes on from them.
    """
    from standoff.case.load import load_case

    loaded = load_case(case)
    from dataclasses import replace

    from standoff.case.generic import on_generic_numbers
    from standoff.infer.leave_out import leave_out
    from standoff.infer.posterior import DRAWS, QUICK, TELLINGS
    from standoff.infer.posterior import infer as run
    from standoff.show import beside
    from standoff.show import infer as shown
    from standoff.show.pipeline import prepare
    from standoff.simulate.engine import default_workers

    with_run = out is not None and beside.is_run(out)
    if out is not None and with_run:
        beside.require_run(out, loaded.digest)
        if generic or until is not None:
            raise UserError(
                f"{out}: a run keeps the posterior of the whole record under the case's numbers. Name another."
            )
    day = until.date() if until is not None else None
    if generic:
        loaded = replace(loaded, case=on_generic_numbers(loaded.case))
    prepare()
    keep = out / ".batches" if out is not None else None
    some = QUICK if quick else {"draws": DRAWS, "tellings": TELLINGS}
    with progress_bar(quiet=quiet) as progress:
        first = _until(progress, 0.85 if pieces else 1.0)
        found = run(
            loaded, until=day, over=over, draws=draws or some["draws"], tellings=tellings or some["tellings"],
            seed=seed, workers=workers or default_workers(), progress=first, keep=keep,
        )  # fmt: skip
        if out is not None:
            beside.keep(found.tree, out, "posterior")
        left = leave_out(found, until=day, progress=_from(progress, 0.85)) if pieces else None
    tree = shown.with_pieces(found.tree, left)
    tree.attrs["priors"] = "generic" if generic else "case"
    lines, content = shown.lines(loaded.case, tree), shown.as_dict(tree)
    if out is not None:
        kept = beside.keep(tree, out, "posterior")
        lines.append(f"Kept in {kept}." + (f" Next: standoff report {out}" if with_run else ""))
        if not with_run:
            lines.append(f"Page: {shown.write_page(loaded.case, tree, out, lines, content)}")
    if as_json:
        print_json(content)
    else:
        for line in lines:
            typer.echo(line)
    if tree.attrs["failed"]:
        say(str(tree.attrs["status"]))
        raise typer.Exit(1)


def _until(progress, share: float):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    return lambda stage, done: progress(stage, share * done)


def _from(progress, share: float):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    return lambda stage, done: progress(stage, share + (1 - share) * done)


@app.command()
def predict(
    case: CaseArgument,
    until: UntilOption = None,
    generic: GenericOption = False,
    draws: Annotated[int, typer.Option("--draws", min=2, max=2000, help="Draws of all uncertain numbers.")] = 32,
    replications: Annotated[
        int, typer.Option("--replications", min=10, max=100_000, help="Crises for each draw.")
    ] = 200,
    seed: SeedOption = 1,
    workers: WorkersOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Say what the numbers predict before the record is seen, and how far out the record lies (prior predictive)."""
    from standoff.case.load import load_case

    loaded = load_case(case)
    from dataclasses import replace

    from standoff.case.generic import on_generic_numbers
    from standoff.infer.predictive import predict as run
    from standoff.show import predict as shown
    from standoff.show.pipeline import prepare
    from standoff.simulate.engine import default_workers

    if generic:
        loaded = replace(loaded, case=on_generic_numbers(loaded.case))
    prepare()
    with progress_bar(quiet=quiet) as progress:
        found = run(
            loaded, draws=draws, replications=replications, until=until.date() if until else None, seed=seed,
            workers=workers or default_workers(), progress=progress,
        )  # fmt: skip
    found.attrs["priors"] = "generic" if generic else "case"
    if as_json:
        print_json(shown.as_dict(found))
        return
    for line in shown.lines(found):
        typer.echo(line)
