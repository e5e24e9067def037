"""Numbers: every number of the case with its reason, what the record says of those it was asked about, downloads."""

from typing import Any

import numpy as np
from nicegui import ui

from standoff.app import blocks
from standoff.app.charts import numbers as charts
from standoff.app.data import Desk
from standoff.app.parameters import KINDS, Parameter, parameters
from standoff.app.shell import Page, State
from standoff.show import posterior as read
from standoff.show.words import count, listed

QUESTION = "Which numbers stand behind it, why, and what does the record say of them?"

BARS = "Thin: 5% to 95%; thick: 25% to 75%; above prior, below posterior. Open: nothing learnt."
COUNTED = {
    "source": "with a source", "both": "judged, with a source", "judgement": "judged alone",
    "generic": "generic priors (judgement)", "item": "reasoned with their item", "none": "without a reason",
}  # fmt: skip


def build(desk: Desk, state: State) -> None:
    """The table of all numbers, and beside it prior and posterior of those that were inferred."""
    every = parameters(desk)
    blocks.head(QUESTION, _answer(desk, every))
    inferred = desk.posterior is not None and bool(read.whole(desk.posterior))
    with blocks.columns("1.5fr 1fr"):
        with blocks.column(), blocks.card("Every number of the case"):
            _table(desk, state, every)
        with blocks.column():
            with blocks.card("Before and after the record", weight=1.5, note=BARS if inferred else ""):
                if inferred and desk.posterior is not None:
                    tree = desk.posterior
                    order = [str(n) for n in tree["numbers"].ds["number"].values]
                    blocks.chart(charts.numbers([read.interval(tree, name) for name in order]), tall=480)
                else:
                    blocks.missing(desk, "posterior")
            if inferred and desk.posterior is not None:
                with (
                    blocks.card("What the record teaches", weight=0.5),
                    blocks.scroll("Of which numbers the record teaches"),
                ):
                    for line in read.untaught(desk.posterior):
                        blocks.text("p", line)
            with blocks.card("Take them with you", size="asis"), blocks.tag("div", "controls"):
                _download("Numbers, CSV", "/download/numbers.csv")
                if desk.run is not None:
                    _download("Results, Zarr", "/download/results.zip")
                    _download("Figures, PNG and SVG", "/download/figures.zip")
                    if (desk.run / "report.html").is_file():
                        link = blocks.text("a", "The report")
                        link.props["href"], link.props["target"] = "/report", "_blank"


def _download(words: str, to: str) -> None:
    link = blocks.text("a", words)
    link.props["href"] = to
    link.props["download"] = ""


def _answer(desk: Desk, every: tuple[Parameter, ...]) -> str:
    kinds = [(sum(one.kind == key for one in every), words) for key, words in COUNTED.items()]
    text = f"{count(len(every), 'number')}: {listed([f'{n} {words}' for n, words in kinds if n])}."
    if desk.posterior is not None:
        text += f" The record was asked about {sum(one.after is not None for one in every)} of them."
    return text


def _table(desk: Desk, state: State, every: tuple[Parameter, ...]) -> None:
    kinds = {"": "every kind of reason"} | {k: v for k, v in KINDS.items() if any(one.kind == k for one in every)}

    def rows() -> list[dict[str, Any]]:
        kind, word = state.get("kind"), state.get("find").casefold()
        return [
            _row(one) for one in sorted(every, key=lambda one: one.after is None)
            if (not kind or one.kind == kind) and (not word or word in " ".join(one.cells).casefold())
        ]  # fmt: skip

    def show(**values: str) -> None:
        state.set(**values)
        table.rows = rows()
        table.update()

    with blocks.tag("div", "controls"):
        ui.input("Find", value=state.get("find"), on_change=lambda e: show(find=e.value or "")).props(
            'dense outlined clearable debounce=200 aria-label="Find a number, unit or reason"'
        )
        ui.select(kinds, value=state.get("kind") if state.get("kind") in kinds else "",
                  on_change=lambda e: show(kind=e.value or "")).props(
            'dense outlined options-dense aria-label="Kind of reason"'
        ).style("min-width: 220px")  # fmt: skip
    heads = [("number", "Number"), ("written", "As written (prior)"), ("unit", "Unit"), ("after", "Given the record"),
             ("kind", "Kind of reason"), ("reason", "Reason")]  # fmt: skip
    columns = [{"name": key, "label": words, "field": key, "align": "left", "sortable": True} for key, words in heads]
    table = ui.table(rows=rows(), columns=columns, row_key="number", pagination={"rowsPerPage": 0})
    table.props("dense flat virtual-scroll hide-bottom separator=horizontal wrap-cells").classes("numbers")


def _row(one: Parameter) -> dict[str, Any]:
    after = "" if one.after is None else read.band(np.array(one.after))
    return {
        "number": one.path, "written": one.written, "unit": one.unit,
        "after": after, "kind": KINDS[one.kind], "reason": one.reason,
    }  # fmt: skip


PAGE = Page("/numbers", "Numbers", build)
