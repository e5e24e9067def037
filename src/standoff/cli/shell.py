"""What all commands share: the application, options, progress, printing.

Only typer, rich and the standard library are imported at the top; the rest inside commands.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
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


def out_folder(folder: Path | None) -> Path | None:
    """Refuse a folder that cannot be written to before hours of work go into it: the callback of an --out."""
    if folder is None:
        return None
    there = folder
    try:
        there = next((one for one in (folder, *folder.absolute().parents) if one.exists() or one.is_symlink()), folder)
        if not there.is_dir():
            raise UserError(f"{there}: this is no folder. Name another one with --out.")
        with TemporaryDirectory(prefix=".standoff-", dir=there):
            pass
    except OSError as error:
        why = f"it cannot be written to: {error.strerror}"
        raise UserError(f"{there}: {why}. Name another folder with --out.") from error
    return folder


def out_option(told: str, metavar: str = "DIR") -> Any:  # noqa: ANN401 (typer's option)
    """The option --out of a folder, which is refused at once if it cannot be written to; `told` is its help."""
    return typer.Option("--out", metavar=metavar, callback=out_folder, help=told)


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


class TimeLeft:
    """How long a job will take still, from the pace since its present stage began.

    A stage is what its text says before a bracket; what was done before it, such as what an earlier run had kept,
    says nothing of the pace.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` gives seconds."""
        self._clock = clock
        self._stage = ""
        self._began = self._share = 0.0

    def __call__(self, stage: str, share: float) -> float | None:
        """Seconds left, if the stage has gone far enough to tell."""
        now, name = self._clock(), stage.split(" (")[0]
        if name != self._stage:
            self._stage, self._began, self._share = name, now, share
        passed, gained = now - self._began, share - self._share
        return passed / gained * (1 - share) if gained > 0 and passed >= 1 else None


def in_words(seconds: float | None) -> str:
    """Time left, in words as exact as it is known; nothing if it is not known."""
    if seconds is None:
        return ""
    minutes = round(seconds / 60)
    if minutes < 1:
        return "less than a minute left"
    return f"about {minutes} min left" if minutes < 100 else f"about {minutes / 60:.0f} h left"


@contextmanager
def progress_bar(*, quiet: bool) -> Iterator[Callable[[str, float], None]]:
    """A bar on a terminal, a line a stage elsewhere; always on stderr. Takes a stage and a share done.

    Both say how much time is left where it is known. Elsewhere than on a terminal a stage that counts what is done
    (in brackets) has a line for each twentieth of the whole.
    """
    left = TimeLeft()
    if quiet:
        yield lambda stage, share: None
    elif sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        text = TextColumn("{task.description}", markup=False)
        columns = (text, BarColumn(), TimeElapsedColumn(), TextColumn("{task.fields[left]}", markup=False))
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("Starting", total=1.0, left="")

            def move(stage: str, share: float) -> None:
                bar.update(task, description=stage, completed=share, left=in_words(left(stage, share)))

            yield move
    else:
        told: list[tuple[str, int]] = []

        def line(stage: str, share: float) -> None:
            words = in_words(left(stage, share))
            name, _, counts = stage.partition(" (")
            here = (name, int(share * 20) if counts else 0)
            if told != [here]:
                told[:] = [here]
                typer.echo(f"{share:4.0%} {stage}{words and f', {words}'}", err=True)

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
        raise UserError(f"{path}: it cannot be written: {error.strerror}. Name another file.") from error


def say(text: str) -> None:
    """Print to stderr."""
    typer.echo(text, err=True)
