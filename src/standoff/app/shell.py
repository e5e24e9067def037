"""The frame of every page: the bar with the case and the pages, the link to this state, light and dark.

`frame` is that of played games too; nothing here loads the desk's data or the solver with it.
"""

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from fastapi import Request
from nicegui import app, ui

from standoff.app.blocks import tag, text

if TYPE_CHECKING:
    from standoff.app.data import Desk

STATIC = Path(__file__).parent / "static"
ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="6" fill="#16324a"/>'
    '<path d="M5 24h6v-6h6v-6h6V6h4" fill="none" stroke="#ffb84d" stroke-width="3"/></svg>'
)
DARK = "standoff-dark"
"""Name of the cookie that remembers light or dark."""


class State:
    """What a page was told by its address, and a way to write it back, so that a link restores what is seen."""

    def __init__(self, path: str, given: dict[str, str]) -> None:
        """`given`: the query of the address."""
        self.path, self.values = path, dict(given)

    def get(self, name: str, default: str = "") -> str:
        """A part of the state."""
        return self.values.get(name, default)

    def chosen(self, name: str, options: list[str], default: str) -> str:
        """A part of the state, if it is one of some options."""
        value = self.get(name, default)
        return value if value in options else default

    def set(self, *then: Callable[[], object], **values: str) -> None:
        """Change parts of the state, and the address with them, then call what draws it; what is empty is left out."""
        self.values = {k: v for k, v in {**self.values, **values}.items() if v}
        query = urlencode(self.values)
        ui.navigate.history.replace(f"{self.path}?{query}" if query else self.path)
        for one in then:
            one()


@dataclass(frozen=True)
class Page:
    """A page: its address, its name in the bar, and what builds it."""

    path: str
    title: str
    build: "Callable[[Desk, State], None]"


def register(desk: "Desk", pages: list[Page], root: str = "/") -> None:
    """Put the pages of a desk under their addresses; `root` leads to the first."""
    for page in pages:
        ui.page(page.path, title=f"{page.title} · {desk.loaded.case.crisis.title}", dark=None, language="en-US")(
            functools.partial(_show, desk, pages, page)
        )
    if root != pages[0].path:

        @ui.page(root, title=desk.loaded.case.crisis.title, language="en-US")
        def first() -> None:
            ui.navigate.to(pages[0].path)


@contextmanager
def frame(
    request: Request, title: str, links: Sequence[tuple[str, str]], *, kind: str = "desk",
    styles: tuple[str, ...] = ("desk.css",), more: str = "", tools: Callable[[], object] = lambda: None,
) -> Iterator[ui.element]:  # fmt: skip
    """A page's frame; gives the element that holds the page.

    Args:
        request: What the browser asked for.
        title: What stands at the left of the bar.
        links: Names and addresses of the pages in the bar, this one among them.
        kind: Classes of the whole.
        styles: Files of `static` that hold the looks.
        more: What stands in the page's head beside them.
        tools: Draws what stands at the right of the bar, beside the switch between light and dark.
    """
    ui.colors(primary="#00507f")
    ui.add_head_html(f"<style>{_style(styles)}</style>{more}")
    wanted = request.cookies.get(DARK)
    dark = ui.dark_mode(None if wanted is None else wanted == "1")
    with tag("div", kind):
        with tag("header", "bar"):
            text("span", title, "case")
            with tag("nav", aria_label="Pages"):
                for name, address in links:
                    link = text("a", name)
                    link.props["href"] = address
                    if address == request.url.path:
                        link.props["aria-current"] = "page"
            with tag("div", "tools"):
                tools()
                _switch(dark)
        with tag("div", "page") as main:
            yield main
    ui.skip_link(target=main)


def _show(desk: "Desk", pages: list[Page], page: Page, request: Request) -> None:
    state = State(page.path, dict(request.query_params))
    links = [(one.title, one.path) for one in pages]
    with frame(request, desk.loaded.case.crisis.title, links, tools=_link):
        page.build(desk, state)


@functools.cache
def _style(names: tuple[str, ...]) -> str:
    return "\n".join((STATIC / name).read_text(encoding="utf-8") for name in names)


def _switch(dark: ui.dark_mode) -> None:
    """The button that switches light and dark, which a cookie remembers."""

    async def switch() -> None:
        now = await ui.run_javascript("document.body.classList.contains('body--dark')")
        dark.value = not now
        ui.run_javascript(
            f"document.cookie = '{DARK}={int(not now)};path=/;max-age=31536000;samesite=strict'"
            " + (location.protocol === 'https:' ? ';secure' : '')"
        )

    ui.button(icon="contrast", on_click=switch, color=None).props('flat dense round aria-label="Switch light and dark"')


def _link() -> None:
    """The button that copies the link to what is seen."""

    def copy() -> None:
        ui.run_javascript("navigator.clipboard && navigator.clipboard.writeText(location.href)")
        ui.notify("The link to what you see is copied.", type="info", color="dark")

    ui.button(icon="link", on_click=copy, color=None).props('flat dense round aria-label="Copy a link to this state"')


def stop_with(desk: "Desk") -> None:
    """Stop what a desk computes when the server ends."""
    from standoff.app.jobs import jobs_of

    app.on_shutdown(jobs_of(desk).stop_all)
