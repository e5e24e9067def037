"""The report: one HTML file that opens offline and prints well, and its figures as PNG and SVG.

It answers a few questions, one screen each (`screens`), in sentences composed from the numbers of the run: nothing
in the library says how a crisis ends. What a case lacks, or nobody has asked (`BESIDE`), has no screen. All text of a
case is escaped on its way into the page.
"""

import datetime as dt
import json
import os
import shutil
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import xarray as xr
from jinja2 import BaseLoader, Environment, StrictUndefined
from markupsafe import Markup

from standoff.case.audit import Audit
from standoff.case.load import LoadedCase
from standoff.errors import Failure, UserError
from standoff.show.figures.drawing import export, look
from standoff.show.screens.aftermath import aftermath
from standoff.show.screens.attribution import attribution
from standoff.show.screens.belief import belief
from standoff.show.screens.deal import deal_screen
from standoff.show.screens.ending import ending
from standoff.show.screens.evidence import evidence as sources
from standoff.show.screens.evidence import late_numbers, numbers
from standoff.show.screens.mechanisms import mechanisms
from standoff.show.screens.method import appendix, method
from standoff.show.screens.pieces import pieces
from standoff.show.screens.posterior import posterior
from standoff.show.screens.scores import scores
from standoff.show.screens.screen import Findings, Screen, Table
from standoff.show.screens.views import views
from standoff.show.words import count, day, names
from standoff.simulate.record import record

BESIDE = {
    "mechanisms": "mechanisms.zarr", "attribution": "attribution.zarr", "posterior": "posterior.zarr",
    "scores": "scores.zarr",
}  # fmt: skip
"""What other commands keep beside a run, by the name of the group in which the report looks for it."""


def write_report(
    loaded: LoadedCase,
    tree: xr.DataTree,
    evidence: Audit,
    work: Path,
    *,
    documents: Path | None = None,
    beside: Mapping[str, xr.Dataset | xr.DataTree] | None = None,
) -> None:
    """Write `report.html` and `figures/NAME.png`, `figures/NAME.svg` into a folder.

    Args:
        loaded: The case.
        tree: The results of its run (see `standoff.simulate.results`).
        evidence: The audit of its sources.
        work: The folder to write into.
        documents: The folder of the analyst's copies, if one was given.
        beside: What other commands kept beside the run, by name (`BESIDE`).
    """
    if beside:
        groups = {name: child.to_dataset() for name, child in tree.children.items()}
        whole = xr.DataTree.from_dict({**groups, **beside})
        whole.attrs.update(tree.attrs)
        tree = whole
    until = str(tree.attrs.get("until") or "")
    along = record(loaded.case, dt.date.fromisoformat(until) if until else None)
    found = Findings(loaded, tree.load(), evidence, along, names(loaded.case), documents is not None)
    folder = work / "figures"
    folder.mkdir(parents=True, exist_ok=True)
    with look():
        screens = [ending(found), belief(found), views(found), deal_screen(found), *_more(found), sources(found)]
        drawn = {d.name: Markup(export(d, folder)) for s in screens for d in s.drawings}
    page = template().render(
        head=_head(found),
        screens=screens,
        svg=drawn,
        method=method(found),
        appendix=appendix(found),
        numbered=_numbered(screens),
    )
    (work / "report.html").write_text(page, encoding="utf-8")


def rebuild(run: Path, case: str | None, documents: Path | None = None) -> Path:
    """Write the report of a finished run anew, with what other commands have kept beside it since.

    Args:
        run: The folder of the run.
        case: The case, as for `load_case`; by default the shipped one of the same id.
        documents: The folder of the analyst's copies, if one is given.

    Returns:
        The report.
    """
    from standoff.case.audit import audit
    from standoff.case.load import load_case, shipped_cases

    manifest = _manifest(run)
    name = case or str(manifest["case"])
    if case is None and name not in shipped_cases():
        raise UserError(
            f"{run}: this run is of the case '{name}', which is not shipped. Add its folder: report RUN CASE."
        )
    loaded = load_case(name)
    if loaded.digest != manifest["digest"]:
        raise UserError(f"{run}: the case has changed since this run, or is another. Run it again, then ask.")
    tree = xr.open_datatree(run / "results.zarr", engine="zarr", consolidated=False).load()
    beside = {name: found for name, store in BESIDE.items() if (found := _kept(run / store, loaded.digest)) is not None}
    work = run / f".report.partial-{os.getpid()}"
    try:
        work.mkdir()
        write_report(loaded, tree, audit(loaded, documents), work, documents=documents, beside=beside)
        shutil.rmtree(run / "figures", ignore_errors=True)
        (work / "figures").rename(run / "figures")
        (work / "report.html").replace(run / "report.html")
    except OSError as error:
        raise Failure(f"Writing the report failed at {error.filename or run}: {error.strerror}.") from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return run / "report.html"


def _manifest(run: Path) -> dict[str, Any]:
    """The manifest of a finished run."""
    path = run / "manifest.json"
    if not path.is_file() or not (run / "results.zarr").is_dir():
        raise UserError(f"{run}: this folder holds no run. Name one that 'standoff run' wrote.")
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: it cannot be read. Run the case again.") from error
    if not isinstance(found, dict) or not {"case", "digest"} <= set(found):
        raise UserError(f"{path}: this is no manifest of a run. Run the case again.")
    return found


def _kept(store: Path, digest: str) -> xr.Dataset | xr.DataTree | None:
    """What another command kept beside the run; none if there is none, or if it is of another case."""
    if not store.is_dir():
        return None
    tree = xr.open_datatree(store, engine="zarr", consolidated=False).load()
    if tree.attrs.get("digest") != digest:
        return None
    return tree if tree.children else tree.to_dataset()


def _more(found: Findings) -> list[Screen]:
    """Screens that a case or a run may lack."""
    every = (
        posterior(found), pieces(found), scores(found), aftermath(found), attribution(found), mechanisms(found),
    )  # fmt: skip
    return [screen for screen in every if screen is not None]


def template(name: str = "report.html.jinja") -> Any:  # noqa: ANN401 (jinja2's template)
    """A page of blocks (pictures, tables, words) in the report's style; all text is escaped on its way in."""
    source = files("standoff.show").joinpath("templates")
    environment = Environment(
        loader=BaseLoader(), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals["style"] = Markup(source.joinpath("report.css").read_text(encoding="utf-8"))
    environment.globals["textual"] = _textual
    parts = [source.joinpath(part).read_text(encoding="utf-8") for part in ("blocks.html.jinja", name)]
    return environment.from_string("".join(parts))


def _textual(table: Table, column: int) -> bool:
    """Whether a column holds words: some cell is long, or it is the first and no mere numbering."""
    return (
        (column == 0 and table.head[0] != "" and not all(cells[0].text.isdigit() for cells in table.rows))
        or column in table.wordy
        or any(len(cells[column].text) > 32 for cells in table.rows)
    )


def _numbered(screens: list[Screen]) -> dict[str, int]:
    return {screen.id: k for k, screen in enumerate(screens, start=1)}


def _head(found: Findings) -> dict[str, Any]:
    crisis, attrs = found.loaded.case.crisis, found.tree.attrs
    until = str(attrs.get("until") or "")
    marks = []
    if until:
        marks.append(f"As known on {day(dt.date.fromisoformat(until))}: later events are left out")
    if late_numbers(found):
        marks.append("Written with hindsight: some numbers could be known only afterwards")
    kinds = [counts for _, counts in numbers(found)]
    judged = sum(counts.get(k, 0) for counts in kinds for k in ("both", "judgement", "generic"))
    total = sum(sum(counts.values()) for counts in kinds)
    lead = f"{found.names.coercer} demands of {found.names.target}: {crisis.demand}" if until else crisis.summary
    return {
        "title": crisis.title,
        "summary": lead,
        "demand": crisis.demand,
        "period": f"{day(crisis.starts)} to {day(crisis.ends)}, {count(crisis.rounds, 'round')} of "
        f"{count(crisis.round_days, 'day')}",
        "computed": f"{int(attrs['draws']) * int(attrs['replications']):,} simulated crises a scenario "
        f"({count(int(attrs['draws']), 'draw')} of the uncertain "
        f"numbers, {attrs['replications']} crises each), seed {attrs['seed']}",
        "made": f"standoff {attrs['version']}, case {str(attrs['digest'])[:12]}",
        "status": str(attrs["status"]),
        "marks": marks,
        "prize": crisis.prize,
        "office": crisis.office,
        "judged": f"{judged} of {total} numbers of the case hold judgement",
    }
