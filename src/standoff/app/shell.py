"""The frame of every page: the bar with the case and the pages, the link to this state, light and dark."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from fastapi import Request
from nicegui import app, ui

from standoff.app.blocks import tag, text
from standoff.app.data import Desk

STYLE = Path(__file__).parent / "static" / "desk.css"
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
    build: Callable[[Desk, State], None]


def register(desk: Desk, pages: list[Page], root: str = "/") -> None:
    """Put the pages of a desk under their addresses; `root` leads to the first."""
    for page in pages:
        ui.page(page.path, title=f"{page.title} · {desk.loaded.case.crisis.title}", dark=None, language="en-US")(
            functools.partial(_show, desk, pages, page)
        )
    if root != pages[0].path:

        @ui.page(root, title=desk.loaded.case.crisis.title, language="en-US")
        def first() -> None:
            ui.navigate.to(pages[0].path)


def _show(desk: Desk, pages: list[Page], page: Page, request: Request) -> None:
    ui.colors(primary="#00507f")
    ui.add_head_html(f"<style>{_style()}</style>")
    dark = _dark(request)
    state = State(page.path, dict(request.query_params))
    with tag("div", "desk"):
        with tag("header", "bar"):
            text("span", desk.loaded.case.crisis.title, "case")
            with tag("nav", aria_label="Pages"):
                for one in pages:
                    link = text("a", one.title)
                    link.props["href"] = one.path
                    if one is page:
                        link.props["aria-current"] = "page"
            _tools(dark)
        with tag("div", "page") as main:
            page.build(desk, state)
    ui.skip_link(target=main)


@functools.cache
def _style() -> str:
    return STYLE.read_text(encoding="utf-8")


def _dark(request: Request) -> ui.dark_mode:
    wanted = request.cookies.get(DARK)
    return ui.dark_mode(None if wanted is None else wanted == "1")


def _tools(dark: ui.dark_mode) -> None:
    async def switch() -> None:
        now = await ui.run_javascript("document.body.classList.contains('body--dark')")
        dark.value = not now
        ui.run_javascript(f"document.cookie = '{DARK}={int(not now)};path=/;max-age=31536000;samesite=strict'")

    def copy() -> None:
        ui.run_javascript("navigator.clipboard && navigator.clipboard.writeText(location.href)")
        ui.notify("The link to what you see is copied.", type="info", color="dark")

    with tag("div", "tools"):
        ui.button(icon="link", on_click=copy, color=None).props(
            'flat dense round aria-label="Copy a link to this state"'
        )
        ui.button(icon="contrast", on_click=switch, color=None).props(
            'flat dense round aria-label="Switch light and dark"'
        )


def stop_with(desk: Desk) -> None:
    """Stop what a desk computes when the server ends."""
    from standoff.app.jobs import jobs_of

    app.on_shutdown(jobs_of(desk).stop_all)
