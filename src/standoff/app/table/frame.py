"""The frame of every page: the bar with the game, light and dark, the clock; and links to copy."""

import functools
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from nicegui import ui

from standoff.app.table.markup import tag, text
from standoff.app.table.visit import Visit

STATIC = Path(__file__).parents[1] / "static"
STYLES = ("desk.css", "play.css")
DARK = "standoff-dark"
"""Name of the cookie that remembers light or dark, the desk's too (`standoff.app.shell`)."""
ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="6" fill="#16324a"/>'
    '<path d="M5 24h6v-6h6v-6h6V6h4" fill="none" stroke="#ffb84d" stroke-width="3"/></svg>'
)
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
    """The frame; `links` are names and addresses of pages beside this one, of which none is the page itself."""
    ui.colors(primary="#00507f")
    ui.add_head_html(f"<style>{_style()}</style>{CLOCK}")
    wanted = visit.request.cookies.get(DARK)
    dark = ui.dark_mode(None if wanted is None else wanted == "1")
    with tag("div", "desk play"):
        with tag("header", "bar"):
            text("span", title, "case")
            with tag("nav", aria_label="Pages"):
                for name, address in links:
                    link = text("a", name)
                    if address == visit.request.url.path:
                        link.props["aria-current"] = "page"
                    link.props["href"] = address
            with tag("div", "tools"):
                _switch(dark)
        with tag("main", "page") as visit.body:
            yield
    ui.skip_link(target=visit.body)


@functools.cache
def _style() -> str:
    return "\n".join((STATIC / name).read_text(encoding="utf-8") for name in STYLES)


def _switch(dark: ui.dark_mode) -> None:
    async def switch() -> None:
        now = await ui.run_javascript("document.body.classList.contains('body--dark')")
        dark.value = not now
        ui.run_javascript(f"document.cookie = '{DARK}={int(not now)};path=/;max-age=31536000;samesite=strict'")

    ui.button(icon="contrast", on_click=switch, color=None).props('flat dense round aria-label="Switch light and dark"')


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
