"""The frame of every page of a game, the clock, and links to copy."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from nicegui import ui

from standoff.app import shell
from standoff.app.blocks import tag
from standoff.app.table.visit import Visit

STYLES = ("desk.css", "play.css")
CLOCK = """<script>
setInterval(() => document.querySelectorAll('[data-left]').forEach((one) => {
  const key = one.dataset.left + '/' + one.dataset.turn;
  if (one.dataset.key !== key) { one.dataset.key = key; one.dataset.end = performance.now() + 1000 * one.dataset.left; }
  const left = Math.max(0, Math.ceil((one.dataset.end - performance.now()) / 1000));
  const hours = Math.floor(left / 3600), minutes = Math.floor(left / 60) % 60, two = (n) => String(n).padStart(2, '0');
  one.textContent = (hours ? hours + ':' + two(minutes) : minutes) + ':' + two(left % 60);
  one.classList.toggle('short', left <= 15);
}), 200);
</script>"""
"""Counts down what is left of a turn, from what the server said was left when the page was drawn."""


@contextmanager
def frame(visit: Visit, title: str, links: list[tuple[str, str]]) -> Iterator[None]:
    """The frame (`standoff.app.shell`); `links` are names and addresses of the pages in its bar."""
    with shell.frame(visit.request, title, links, kind="desk play", styles=STYLES, more=CLOCK) as visit.body:
        yield


def clock(visit: Visit) -> None:
    """What is left of the turn, counted down by the browser."""
    deadline = visit.sight.deadline
    if deadline is not None and visit.sight.status == "open":
        with tag("span", "clock", role="timer", aria_label="Time left for this move"):
            found = tag("span")
            found.props["data-left"] = f"{visit.left(deadline):.1f}"
            found.props["data-turn"] = str(visit.sight.turn)


def copied(label: str, value: str) -> None:
    """A line that can be copied, by its button or by hand."""
    with tag("div", "copied"):
        shown = ui.input(label, value=value).props("readonly dense outlined")
        shown.classes("grow")
        button = ui.button(icon="content_copy", on_click=copy(value), color=None).props("flat dense round")
        button.props["aria-label"] = f"Copy: {label}"


def copy(value: str) -> Callable[[], None]:
    """A handler that copies a text; where the browser allows none, the line is there to be marked."""

    def handle() -> None:
        ui.run_javascript(f"navigator.clipboard && navigator.clipboard.writeText({json.dumps(value)})")
        ui.notify("Copied.", type="info", color="dark")

    return handle
