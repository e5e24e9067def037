"""The report: one HTML file that opens offline and prints well, and its figures as PNG and SVG.

It answers five questions, one screen each (`screens`), in sentences composed from the numbers of the run: nothing
in the library says how a crisis ends. All text of a case is escaped on its way into the page.
"""

import datetime as dt
from importlib.resources import files
from pathlib import Path
from typing import Any

import xarray as xr
from jinja2 import BaseLoader, Environment, StrictUndefined
from markupsafe import Markup

from standoff.case.audit import Audit
from standoff.case.load import LoadedCase
from standoff.show.figures.drawing import export, look
from standoff.show.screens.belief import belief
from standoff.show.screens.deal import deal_screen
from standoff.show.screens.ending import ending
from standoff.show.screens.evidence import evidence as sources
from standoff.show.screens.evidence import late_numbers, numbers
from standoff.show.screens.method import appendix, method
from standoff.show.screens.screen import Findings, Screen, Table
from standoff.show.screens.views import views
from standoff.show.words import count, day, names
from standoff.simulate.record import record


def write_report(
    loaded: LoadedCase, tree: xr.DataTree, evidence: Audit, work: Path, *, documents: Path | None = None
) -> None:
    """Write `report.html` and `figures/NAME.png`, `figures/NAME.svg` into a folder.

    Args:
        loaded: The case.
        tree: The results of its run (see `standoff.simulate.results`).
        evidence: The audit of its sources.
        work: The folder to write into.
        documents: The folder of the analyst's copies, if one was given.
    """
    until = str(tree.attrs.get("until") or "")
    along = record(loaded.case, dt.date.fromisoformat(until) if until else None)
    found = Findings(loaded, tree.load(), evidence, along, names(loaded.case), documents is not None)
    folder = work / "figures"
    folder.mkdir(parents=True, exist_ok=True)
    with look():
        screens = [ending(found), belief(found), views(found), deal_screen(found), sources(found)]
        drawn = {d.name: Markup(export(d, folder)) for s in screens for d in s.drawings}
    page = _template().render(
        head=_head(found),
        screens=screens,
        svg=drawn,
        method=method(found),
        appendix=appendix(found),
        numbered=_numbered(screens),
    )
    (work / "report.html").write_text(page, encoding="utf-8")


def _template() -> Any:  # noqa: ANN401 (jinja2's template)
    source = files("standoff.show").joinpath("templates")
    environment = Environment(
        loader=BaseLoader(), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals["style"] = Markup(source.joinpath("report.css").read_text(encoding="utf-8"))
    environment.globals["textual"] = _textual
    return environment.from_string(source.joinpath("report.html.jinja").read_text(encoding="utf-8"))


def _textual(table: Table, column: int) -> bool:
    """Whether a column holds words: some cell is long, or it is the first."""
    return (
        (column == 0 and table.head[0] != "")
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
