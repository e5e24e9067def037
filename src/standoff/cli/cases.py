"""Commands on cases as they are written: check, schema, new, cases."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from standoff.cli.shell import CaseArgument, DocumentsOption, JsonOption, app, console_of, print_json, write
from standoff.errors import CaseError


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
        print_json(_broken(case, error))
        raise typer.Exit(error.exit_code) from None
    if as_json:
        print_json(found.as_dict())
        return
    from standoff.case.listing import listing

    console = console_of()
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
        write(out, text)


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
        print_json(rows)
        return
    for row in rows:
        typer.echo(f"{row['id']}  {row['title']}")
        typer.echo(
            f"    {row['starts']} to {row['ends']}, {row['rounds']} rounds; {row['documents']} documents, "
            f"{row['claims']} claims, {row['events']} events"
        )
    if not rows:
        typer.echo("No case is shipped with this version. 'standoff new DIR' writes one to start from.")
