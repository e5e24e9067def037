"""The elements of which pages are made, in the classes of the desk's style; they load none of the desk's data.

All text passes through `html.escape` or an element's text; nothing of it is read as HTML or script.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from html import escape

from nicegui import ui

from standoff.app.charts.look import Options


def tag(name: str, classes: str = "", **attributes: str) -> ui.element:
    """An HTML element."""
    found = ui.element(name).classes(classes)
    for key, value in attributes.items():
        found.props[key.replace("_", "-")] = value
    return found


def text(name: str, words: str, classes: str = "") -> ui.html:
    """An element that holds text; it is changed by `say`."""
    return ui.html(escape(words), sanitize=False, tag=name).classes(classes)


def say(element: ui.html, words: str) -> None:
    """Change what an element made by `text` says."""
    element.content = escape(words)


def raw(name: str, html: str, classes: str = "") -> ui.html:
    """An element that holds HTML of which every word was escaped."""
    return ui.html(html, sanitize=False, tag=name).classes(classes)


@contextmanager
def columns(split: str) -> Iterator[ui.element]:
    """Columns side by side on a wide screen, one below the other on a phone; `split` as CSS grid columns."""
    with tag("div", "columns").style(f"--split: {split}") as found:
        yield found


@contextmanager
def column() -> Iterator[ui.element]:
    """A column of cards."""
    with tag("div", "column") as found:
        yield found


@contextmanager
def card(title: str, size: str = "grow") -> Iterator[ui.element]:
    """A card; `size` is grow (shares the height) or asis (as high as its content)."""
    with tag("section", f"card {size}", aria_label=title) as found:
        text("h2", title)
        yield found


@contextmanager
def scroll(label: str) -> Iterator[ui.element]:
    """A part that scrolls where it does not fit, reachable by keyboard."""
    with tag("div", "scroll", role="region", aria_label=label, tabindex="0") as found:
        yield found


def chart(options: Options, *, tall: int = 300) -> ui.echart:
    """A chart that fills its card, or is so many pixels tall on a phone."""
    with tag("div", "chart").style(f"--tall: {tall}px"):
        return ui.echart(options, renderer="svg")


def facts(rows: Sequence[tuple[str, str]]) -> ui.html:
    """Names with what they are."""
    body = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in rows)
    return raw("dl", body, "facts-list")


def chances(caption: str, rows: Sequence[tuple[str, str, float]]) -> ui.html:
    """Chances as bars with their numbers, a row each: name, number in words, chance 0 to 1."""
    body = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td class="bar-cell" aria-hidden="true">'
        f'<span class="fill" style="width:{100 * share:.1f}%"></span></td><td class="number">{escape(number)}</td></tr>'
        for name, number, share in rows
    )
    return raw("table", f"<caption>{escape(caption)}</caption><tbody>{body}</tbody>", "chances")
