"""What all commands share: the application, options, progress, printing.

Only typer, rich and the standard library are imported at the top; the rest inside commands.
"""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from standoff.errors import UserError

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


def print_found(found: object, failed: list[str]) -> None:
    """JSON or lines; what failed is told on stderr as well, with exit code 1."""
    if isinstance(found, list):
        for line in found:
            typer.echo(line)
    else:
        print_json(found)
    for sentence in failed:
        say(sentence)
    if failed:
        raise typer.Exit(1)


@contextmanager
def progress_bar(*, quiet: bool) -> Iterator[Callable[[str, float], None]]:
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


def console_of() -> Any:  # noqa: ANN401 (rich is imported only where it prints)
    """A console as wide as the terminal, at most `WIDTH` columns where it is very wide."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else WIDTH
    console = Console(width=width, highlight=False, markup=False, emoji=False)
    return Console(width=WIDTH, highlight=False, markup=False, emoji=False) if console.width > 140 else console


def print_json(content: object) -> None:
    """Print for scripts."""
    typer.echo(json.dumps(content, indent=2, ensure_ascii=False))


def write(path: Path, text: str) -> None:
    """Write a file; a folder that cannot be written to is a user's mistake."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"{path}: it cannot be written: {error.strerror}.") from error


def say(text: str) -> None:
    """Print to stderr."""
    typer.echo(text, err=True)
