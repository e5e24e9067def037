"""Questions about a case: whatif, attribute, sensitivity."""

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer

from standoff.cli.shell import CaseArgument, JsonOption, QuietOption, app, out_option, print_json, progress_bar, say
from standoff.errors import UserError

SeedOption = Annotated[int, typer.Option("--seed", min=0, max=2**31 - 1, help="Seed of every draw.")]
WorkersOption = Annotated[
    int | None, typer.Option("--workers", min=1, max=256, help="Draws at a time [default: one a core, up to 4].")
]
OutOption = Annotated[
    Path | None,
    out_option("Also write a page with a picture, JSON and CSV there."),
]
ReplicationsOption = Annotated[
    int | None,
    typer.Option("--replications", min=10, max=100_000, help="Crises for each draw [default: the case's]."),
]
DrawsOption = Annotated[
    int | None, typer.Option("--draws", min=2, max=2000, help="Draws of the parameters [default: the case's].")
]
OutcomeOption = Annotated[str | None, typer.Option("--outcome", metavar="ENDING", help="The ending that is shown.")]


@app.command()
def whatif(
    case: CaseArgument,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="PATH=VALUE", help="What is otherwise; several make one counterfactual."),
    ] = None,
    start: Annotated[
        dt.datetime | None,
        typer.Option("--from", metavar="DATE", formats=["%Y-%m-%d"], help="From that day on; before it, the record."),
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--file", metavar="FILE", help="Named counterfactuals, compared side by side.")
    ] = None,
    draws: DrawsOption = None,
    replications: ReplicationsOption = None,
    seed: SeedOption = 1,
    workers: WorkersOption = None,
    out: OutOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Change a number, a view or a move, and compare the endings on the same random numbers.

    PATH=VALUE: a number of the base (force.success=0.5), of a view (views.VIEW.force.success=0.9), VALUE also +x or *x;
    a misreading corrected (views.VIEW.DIFFERENCE=off); a move (moves.SIDE.DATE=climb:RUNG, offer:PACKAGE, hold, ...).
    """
    if not settings and file is None:
        raise UserError("whatif: say what is otherwise, with --set PATH=VALUE or --file FILE.")
    from standoff.case.load import load_case

    loaded = load_case(case)
    from standoff.show import ask
    from standoff.show.pipeline import prepare
    from standoff.simulate.counterfactual import whatif as run
    from standoff.simulate.engine import default_workers
    from standoff.simulate.overlay import counterfactual, from_file, split

    wanted, day = from_file(loaded.case, file) if file is not None else ([], None)
    if settings:
        wanted = [counterfactual(loaded.case, "asked", [split(text) for text in settings]), *wanted]
    prepare()
    with progress_bar(quiet=quiet) as progress:
        found = run(
            loaded, wanted, start=start.date() if start else day, draws=draws, replications=replications, seed=seed,
            workers=workers or default_workers(), progress=progress,
        )  # fmt: skip
    lines, content = ask.whatif_lines(found), ask.whatif_dict(found)
    if out is not None:
        lines.append(f"Page: {ask.write_page(out, 'whatif', lines, content, None)}")
    _print(lines, content, as_json=as_json)


@app.command()
def attribute(
    case: CaseArgument,
    outcome: OutcomeOption = "force",
    draws: Annotated[
        int | None, typer.Option("--draws", min=2, max=2000, help="Draws of the parameters [default: 12].")
    ] = None,
    replications: ReplicationsOption = None,
    orders: Annotated[
        int | None,
        typer.Option("--orders", min=1, max=1000, help="Pairs of orders of correcting in each draw [default: 6]."),
    ] = None,
    seed: SeedOption = 1,
    workers: WorkersOption = None,
    out: OutOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Share the change of the endings out over the misreadings: which of them cost most (Shapley shares).

    With --out and the folder of a run of this case, the shares are kept there, for `standoff report`.
    """
    from standoff.case.load import load_case

    loaded = load_case(case)
    from standoff.show import ask, beside
    from standoff.show.pipeline import prepare
    from standoff.simulate.attribute import attribute as run
    from standoff.simulate.engine import default_workers

    shown = _ending(outcome) or "force"
    with_run = out is not None and beside.is_run(out)
    if out is not None and with_run:
        beside.require_run(out, loaded.digest)
    prepare()
    with progress_bar(quiet=quiet) as progress:
        found = run(
            loaded, draws=draws, replications=replications, pairs=orders, seed=seed,
            workers=workers or default_workers(), progress=progress,
        )  # fmt: skip
    lines, content = ask.attribute_lines(found, shown), ask.attribute_dict(found)
    if out is not None and with_run:
        lines.append(f"Kept in {beside.keep(found, out, 'attribution')}. Next: standoff report {out}")
    elif out is not None:
        lines.append(f"Page: {ask.write_page(out, 'attribute', lines, content, ask.attribute_drawing(found, shown))}")
    _print(lines, content, as_json=as_json)


@app.command()
def sensitivity(
    case: CaseArgument,
    outcome: OutcomeOption = None,
    trajectories: Annotated[
        int | None, typer.Option("--trajectories", min=2, max=1000, help="To screen all numbers [default: 3].")
    ] = None,
    samples: Annotated[
        int | None, typer.Option("--samples", min=2, max=65536, help="For the indices, a power of 2 [default: 32].")
    ] = None,
    matter: Annotated[int, typer.Option("--matter", min=1, max=50, help="How many numbers get indices.")] = 8,
    replications: Annotated[
        int | None, typer.Option("--replications", min=10, max=100_000, help="Crises at a point [default: 300].")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Fewer of all, for a first look.")] = False,
    seed: SeedOption = 1,
    workers: WorkersOption = None,
    out: OutOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Rank the uncertain numbers by what hangs on them: Morris screening, then Sobol indices of the first.

    With --out finished batches are kept there, and the same command goes on from them.
    """
    from standoff.case.load import load_case

    loaded = load_case(case)
    from standoff.show import ask
    from standoff.show.pipeline import prepare
    from standoff.simulate import sensitivity as analysis
    from standoff.simulate.engine import default_workers

    shown = _ending(outcome)
    small = analysis.QUICK if quick else {}
    many = trajectories or small.get("trajectories", analysis.TRAJECTORIES)
    size = samples or small.get("samples", analysis.SAMPLES)
    using = workers or default_workers()
    if not quiet:
        say(str(analysis.cost(loaded.case, many, size, matter, using)))
    prepare()
    with progress_bar(quiet=quiet) as progress:
        found = analysis.sensitivity(
            loaded, trajectories=many, samples=size, matter=matter, outcome=shown,
            replications=replications or small.get("replications"), seed=seed, workers=using, progress=progress,
            keep=out / ".points" if out is not None else None,
        )  # fmt: skip
    ending = shown or "force"
    lines, content = ask.sensitivity_lines(found, ending), ask.sensitivity_dict(found)
    if out is not None:
        drawing = ask.sensitivity_drawing(found, ending)
        lines.append(f"Page: {ask.write_page(out, 'sensitivity', lines, content, drawing)}")
    _print(lines, content, as_json=as_json)


def _ending(word: str | None) -> str | None:
    """An ending by its id; a mistake before anything is computed."""
    from standoff.case.explain import suggestion
    from standoff.simulate.results import ENDINGS

    if word is not None and word not in ENDINGS:
        raise UserError(f"--outcome {word}: there is no such ending. {suggestion(word, ENDINGS)}")
    return word


def _print(lines: list[str], content: object, *, as_json: bool) -> None:
    if as_json:
        print_json(content)
        return
    for line in lines:
        typer.echo(line)
