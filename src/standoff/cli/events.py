"""Event tables become candidate events of a case: events."""

import datetime as dt
import sys
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from standoff.cli.shell import AllOption, JsonOption, QuietOption, app, print_json, progress_bar, say
from standoff.errors import UserError


@app.command()
def events(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...", help="Event tables, plain, .gz or .zip; with --review or --into: candidates."
        ),
    ],
    between: Annotated[
        tuple[str, str] | None,
        typer.Option("--between", metavar="COERCER TARGET", help="Codes (USA, VENGOV, cow:2) or names in quotes."),
    ] = None,
    form: Annotated[
        str, typer.Option("--format", metavar="NAME", help="gdelt, icews, polecat, plover, or auto.")
    ] = "auto",
    begins: Annotated[str | None, typer.Option("--from", metavar="DATE", help="First day of the acts.")] = None,
    ends: Annotated[str | None, typer.Option("--to", metavar="DATE", help="Last day.")] = None,
    also: Annotated[
        str, typer.Option("--also", metavar="WORDS", help="Other acts too, with commas: alone, third, nature.")
    ] = "",
    classes: Annotated[
        str, typer.Option("--classes", metavar="WORDS", help="Only what suggests these moves, or signal; with commas.")
    ] = "",
    codes: Annotated[
        str, typer.Option("--codes", metavar="WORDS", help="Only under these codes: 13,1041 or THREATEN.")
    ] = "",
    lowest: Annotated[float | None, typer.Option("--min-goldstein", metavar="X", help="Scores from here.")] = None,
    highest: Annotated[float | None, typer.Option("--max-goldstein", metavar="X", help="Scores up to here.")] = None,
    sources: Annotated[int, typer.Option("--min-sources", metavar="N", help="Different sources at least.")] = 1,
    most: Annotated[int, typer.Option("--most", metavar="N", help="Candidates at most, by sources.")] = 500,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write the candidates, to answer.")] = None,
    review: Annotated[bool, typer.Option("--review", help="Be asked about each candidate of FILE.")] = False,
    into: Annotated[
        Path | None, typer.Option("--into", metavar="CASE", help="Add the accepted candidates of FILE to a case.")
    ] = None,
    every: AllOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Find what two sides did to each other in event tables, and add what you accept to a case.

    Reads GDELT 2, ICEWS, POLECAT and PLOVER. Rows of one act are collapsed; each suggests a move of the game.
    """
    if review or into is not None:
        _require_alone({
            "--between": between, "--format": form != "auto", "--from": begins, "--to": ends, "--also": also,
            "--classes": classes, "--codes": codes, "--min-goldstein": lowest is not None,
            "--max-goldstein": highest is not None, "--min-sources": sources != 1, "--most": most != 500, "--out": out,
            "--all": every,
        })  # fmt: skip
        _answered(files, review=review, into=into, as_json=as_json)
        return
    if between is None:
        raise UserError("Between whom? Name the coercer and the target: --between USA VEN.")
    from standoff.events import candidates
    from standoff.events.find import Wanted, find
    from standoff.events.parties import party
    from standoff.show import events as shown

    wanted = Wanted(
        party(between[0]), party(between[1]), _day(begins, "--from"), _day(ends, "--to"), _words(also), lowest, highest,
        _words(classes), _words(codes), sources, most,
    )  # fmt: skip
    if out is not None:
        candidates.require_new(out)
    with progress_bar(quiet=quiet) as progress:
        found = find(files, wanted, form=form, progress=progress)
    if out is not None:
        candidates.write(found, out)
    if as_json:
        print_json(shown.as_dict(found))
        return
    for line in shown.lines(found, every=every):
        typer.echo(line)
    if out is not None:
        typer.echo(f"Candidates: {out}. Next: standoff events {out} --review, then standoff events {out} --into CASE")


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _day(text: str | None, option: str) -> dt.date | None:
    if text is None:
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise UserError(f"{option}: '{text}' is not a day. Write it as 2025-08-01.") from None


def _require_alone(given: dict[str, object]) -> None:
    """Refuse options that only a search takes, rather than leave them unheard."""
    for option, value in given.items():
        if value:
            raise UserError(f"--review and --into take one file of candidates, written with --out, and no {option}.")


def _answered(files: list[Path], *, review: bool, into: Path | None, as_json: bool) -> None:
    """Ask about the candidates of a file, or add the accepted ones to a case."""
    if len(files) != 1:
        raise UserError("--review and --into take one file of candidates, written with --out.")
    from standoff.events.candidates import read
    from standoff.events.into import enter
    from standoff.show import events as shown

    if review:
        _ask(files[0])
    if into is not None:
        result = enter(read(files[0]), into)
        if as_json:
            print_json(shown.entered_dict(result))
            return
        for line in shown.entered(result):
            typer.echo(line)
        if result.added:
            typer.echo(f"Next: standoff check {into}")


def _ask(file: Path) -> None:
    """Ask about what is undecided, in order; each answer is kept at once, so one can stop and go on later."""
    from standoff.events.candidates import answer, read
    from standoff.show import events as shown

    listed = read(file)
    open_ = [candidate for candidate in listed if candidate.answer == "undecided"]
    typer.echo(f"{len(open_)} of {len(listed)} candidates are undecided.")
    counts = Counter(candidate.answer for candidate in listed)
    for number, candidate in enumerate(open_, 1):
        for line in shown.asked(candidate, number, len(open_)):
            typer.echo(line)
        said = _said()
        if said == "q":
            break
        if said in ("y", "n"):
            answer(file, candidate, "yes" if said == "y" else "no")
            counts.update({"yes" if said == "y" else "no": 1, "undecided": -1})
    typer.echo("")
    typer.echo(", ".join(f"{word}: {counts[word]}" for word in ("yes", "no", "undecided")))


def _said() -> str:
    """y, n, s (skip) or q; the end of the input is q."""
    while True:
        typer.echo("Accept? y, n, s to skip, q to stop: ", nl=False)
        line = sys.stdin.readline()
        said = line.strip().casefold()[:1] if line else "q"
        if said in ("y", "n", "s", "q"):
            return said
        say("Answer y, n, s or q.")
