"""The command line: parses, calls one function of the library, prints.

Only typer, rich and the standard library are imported at the top; the rest inside commands.
"""

import datetime as dt
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from standoff.errors import CaseError, StandoffError, UserError

WIDTH = 100
"""Columns of what is printed, where the terminal does not say."""

app = typer.Typer(
    name="standoff",
    help="Write a coercive crisis down, check it against its sources, solve it as each side saw it.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

CaseArgument = Annotated[
    str, typer.Argument(metavar="CASE", help="A folder of YAML files, one YAML file, or a shipped case.")
]
DocumentsOption = Annotated[
    Path | None,
    typer.Option("--documents", metavar="DIR", help="Folder with your own copies of the documents."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
QuietOption = Annotated[bool, typer.Option("--quiet", help="Show no progress.")]
AllOption = Annotated[bool, typer.Option("--all", help="Show long tables whole.")]
ViewOption = Annotated[
    str, typer.Option("--view", metavar="NAME", help="base, the id of a view, or the side that holds it.")
]
PrecisionOption = Annotated[
    list[str] | None,
    typer.Option("--precision", metavar="L", help="A number for all, or NAME=L for a player; may be repeated."),
]


def _version(value: bool | None) -> None:
    if value:
        from standoff import __version__

        typer.echo(f"standoff {__version__}")
        raise typer.Exit


@app.callback()
def _top(
    version: Annotated[
        bool | None, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = None,
) -> None:
    """Write a coercive crisis down, check it against its sources, solve it as each side saw it."""


@app.command()
def check(
    case: CaseArgument,
    documents: DocumentsOption = None,
    as_json: JsonOption = False,
    quotes: Annotated[
        bool, typer.Option("--quotes", help="Show the passages behind the claims, from your copies.")
    ] = False,
) -> None:
    """Check a case, and audit the evidence that it rests on."""
    from standoff.case.audit import audit
    from standoff.case.load import load_case

    try:
        found = audit(load_case(case), documents, quotes=quotes)
    except CaseError as error:
        if not as_json:
            raise
        _print_json(_broken(case, error))
        raise typer.Exit(error.exit_code) from None
    if as_json:
        _print_json(found.as_dict())
        return
    from standoff.case.listing import listing

    console = _console()
    with console.capture() as page:
        for section in listing(found):
            console.print(section)
    for line in page.get().splitlines():
        typer.echo(line.rstrip())


def _broken(case: str, error: CaseError) -> dict[str, Any]:
    """What `check --json` prints of a case with errors: the same parts, empty, and the problems."""
    parts = ("documents", "origins", "claims", "thin", "contradictions", "events", "forecasts", "packages")
    problems = [{**problem.as_dict(), "severity": "error"} for problem in error.problems]
    empty: dict[str, Any] = {part: [] for part in (*parts, "anchors", "numbers_without_reason")}
    return {"summary": {"errors": len(problems)}, "case": case, **empty, "problems": problems}


@app.command()
def schema(
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write it there.")] = None,
) -> None:
    """Print the JSON Schema of a case, for editors."""
    from standoff.case.schema import case_schema

    text = json.dumps(case_schema(), indent=2, ensure_ascii=False) + "\n"
    if out is None:
        typer.echo(text, nl=False)
    else:
        _write(out, text)


@app.command()
def new(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.")],
    name: Annotated[str | None, typer.Option("--name", metavar="ID", help="Id of the crisis.")] = None,
) -> None:
    """Write a small commented case, of an invented crisis, that runs at once."""
    from standoff.case.new import new_case

    for path in new_case(folder, name):
        typer.echo(path)
    typer.echo(f"Next: standoff check {folder}, then standoff run {folder}")


@app.command()
def cases(as_json: JsonOption = False) -> None:
    """List the cases that come with standoff."""
    from standoff.case.load import load_case, shipped_cases

    rows = []
    for name in shipped_cases():
        case = load_case(name).case
        rows.append(
            {
                "id": name,
                "title": case.crisis.title,
                "starts": case.crisis.starts.isoformat(),
                "ends": case.crisis.ends.isoformat(),
                "rounds": case.crisis.rounds,
                "documents": len(case.documents),
                "claims": len(case.claims),
                "events": len(case.events),
            }
        )
    if as_json:
        _print_json(rows)
        return
    for row in rows:
        typer.echo(f"{row['id']}  {row['title']}")
        typer.echo(
            f"    {row['starts']} to {row['ends']}, {row['rounds']} rounds; {row['documents']} documents, "
            f"{row['claims']} claims, {row['events']} events"
        )
    if not rows:
        typer.echo("No case is shipped with this version. 'standoff new DIR' writes one to start from.")


@app.command()
def run(
    case: CaseArgument,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Where to [default: runs/ and the case's id].")
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
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Solve a case, play it many times, and write the report."""
    from standoff.case.load import load_case

    loaded = load_case(case)
    target = out if out is not None else Path("runs") / loaded.case.crisis.id
    if target.exists() and not target.is_dir():
        raise UserError(f"{target}: this is a file. Name a folder with --out.")
    if documents is not None and not documents.is_dir():
        raise UserError(f"{documents}: there is no such folder of documents.")
    with _progress(quiet=quiet) as progress:
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
        )
    if as_json:
        _print_json(summary.as_dict())
        return
    for line in summary.lines():
        typer.echo(line)


@app.command()
def solve(
    game: Annotated[str, typer.Argument(metavar="GAME", help="A Gambit file (.efg), or a case.")],
    precision: PrecisionOption = None,
    view: Annotated[
        str | None,
        typer.Option("--view", metavar="NAME", help="Of a case: base, the id of a view, or the side that holds it."),
    ] = None,
    rounds: Annotated[
        int | None, typer.Option("--rounds", min=1, help="Of a case: rounds played [default: all].")
    ] = None,
    nodes: Annotated[
        int | None, typer.Option("--nodes", min=5, max=65, help="Of a case: grid nodes [default: the case's].")
    ] = None,
    as_json: JsonOption = False,
    whole: AllOption = False,
    quiet: QuietOption = False,
) -> None:
    """Solve a game: agent logit equilibria of a Gambit file, or a view of a case.

    Without --precision a file is solved at 1, 2, 5 and 10 per unit of its payoffs, a case at its own.
    """
    from standoff.show.games import SolvedFile, is_game

    if is_game(game):
        alone = {"--view": view, "--rounds": rounds, "--nodes": nodes}
        for option in (option for option, value in alone.items() if value is not None):
            raise UserError(f"{option}: this belongs to a case, and {game} is a Gambit file. Leave it out.")
        found = SolvedFile(game, precision or [])
        _print_found(found.as_dict() if as_json else found.lines(whole=whole), found.failed)
        return
    from standoff.case.load import load_case

    loaded = load_case(game)
    with _progress(quiet=quiet) as progress:
        from standoff.show.central import View

        solved = View(loaded, view or "base", rounds=rounds, nodes=nodes, words=precision or [], progress=progress)
    _print_found(solved.as_dict() if as_json else solved.lines(), solved.failed)


@app.command()
def hypergame(
    truth: Annotated[str, typer.Option("--truth", metavar="FILE", help="The true game, a Gambit file (.efg).")],
    views: Annotated[
        list[str], typer.Option("--view", metavar="NAME=FILE", help="The game that a player believes in.")
    ],
    precision: Annotated[
        list[str],
        typer.Option("--precision", metavar="NAME=L", help="How sharply a player takes all to play his view."),
    ],
    as_json: JsonOption = False,
    whole: AllOption = False,
) -> None:
    """Let each player's strategy, from the game he believes in, meet the others' in a true game."""
    from standoff.show.games import Met

    met = Met(truth, views, precision)
    _print_found(met.as_dict() if as_json else met.lines(whole=whole), [])


@app.command()
def export(
    case: CaseArgument,
    out: Annotated[Path, typer.Argument(metavar="FILE.efg", help="A new file.")],
    view: ViewOption = "base",
    rounds: Annotated[int, typer.Option("--rounds", min=1, help="Rounds written out.")] = 1,
    precision: PrecisionOption = None,
    scaled: Annotated[
        bool,
        typer.Option("--scaled", help="Multiply payoffs by each side's precision, for solvers with one for all."),
    ] = False,
    most_nodes: Annotated[int, typer.Option("--most-nodes", min=1, help="Refuse a larger tree.")] = 200_000,
) -> None:
    """Cut a view of a case to its first rounds, written out as a Gambit file, at the central values."""
    from standoff.case.load import load_case

    if out.exists():
        raise UserError(f"{out}: this exists, and nothing is overwritten. Name a new file.")
    loaded = load_case(case)
    from standoff.show.central import cut

    text, nodes = cut(loaded, view, rounds, precision or [], scaled=scaled, most_nodes=most_nodes)
    _write(out, text)
    typer.echo(f"{out}: {nodes:,} nodes")
    typer.echo(f"Next: standoff solve {out} --precision {1 if scaled else 5}")


def _print_found(found: object, failed: list[str]) -> None:
    """JSON or lines; what failed is told on stderr as well, with exit code 1."""
    if isinstance(found, list):
        for line in found:
            typer.echo(line)
    else:
        _print_json(found)
    for sentence in failed:
        _say(sentence)
    if failed:
        raise typer.Exit(1)


@contextmanager
def _progress(*, quiet: bool) -> Iterator[Callable[[str, float], None]]:
    """A bar on a terminal, a line a stage elsewhere; always on stderr. Takes a stage and a share done."""
    if quiet:
        yield lambda stage, share: None
    elif sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("Starting", total=1.0)
            yield lambda stage, share: bar.update(task, description=stage, completed=share)
    else:
        last: list[str] = []

        def line(stage: str, share: float) -> None:
            if last != [stage]:
                last[:] = [stage]
                typer.echo(f"{share:4.0%} {stage}", err=True)

        yield line


def _console() -> Any:  # noqa: ANN401 (rich is imported only where it prints)
    from rich.console import Console

    width = None if sys.stdout.isatty() else WIDTH
    console = Console(width=width, highlight=False, markup=False, emoji=False)
    return Console(width=WIDTH, highlight=False, markup=False, emoji=False) if console.width > 140 else console


def _print_json(content: object) -> None:
    typer.echo(json.dumps(content, indent=2, ensure_ascii=False))


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"{path}: it cannot be written: {error.strerror}.") from error


def _say(text: str) -> None:
    typer.echo(text, err=True)


def main() -> None:
    """Run the command line; a mistake is told in a sentence, never as a traceback.

    Exit code 2 for a user's mistake, 1 for a failure of ours, 130 when interrupted.
    """
    try:
        app()
    except UserError as error:
        _say(str(error))
        if isinstance(error, CaseError) and len(error.problems) > 1:
            _say(f"{len(error.problems)} problems.")
        sys.exit(error.exit_code)
    except SystemExit as stop:
        if stop.code == 130:
            _say("Interrupted; what was not finished has not been kept.")
        raise
    except KeyboardInterrupt:
        _say("Interrupted; what was not finished has not been kept.")
        sys.exit(130)
    except Exception as error:
        if os.environ.get("STANDOFF_DEBUG"):
            raise
        hint = "STANDOFF_DEBUG=1 shows where."
        if isinstance(error, StandoffError):
            _say(f"{error} ({hint})")
        else:
            what = " ".join(str(error).split())[:300]
            _say(f"This is a failure of ours, not of your case: {type(error).__name__}: {what}. {hint}")
        sys.exit(1)


if __name__ == "__main__":
    main()
