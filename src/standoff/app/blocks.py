"""The parts of which pages are made: cards, charts, tables, words, and what is missing with the command that makes it.

All text of a case passes through `html.escape` or an element's text; nothing of it is read as HTML or script. Pages of
played games are made of the same parts; so nothing here loads the desk's data or the solver with them.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from html import escape
from typing import TYPE_CHECKING, Any

from nicegui import ui

from standoff.app.charts.look import Options

if TYPE_CHECKING:
    from standoff.app.data import Desk
    from standoff.show.screens.screen import Table, Words

NUMBERED = '<span class="hidden-words">number</span>'
"""Heading of a column that only numbers the rows."""


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


def head(question: str, answer: str = "") -> None:
    """The question of a page, and its answer."""
    with tag("div", "head"):
        text("h1", question)
        if answer:
            text("p", answer, "answer")


@contextmanager
def columns(split: str = "1fr 1fr") -> Iterator[ui.element]:
    """Columns side by side on a wide screen, one below the other on a phone; `split` as CSS grid columns."""
    with tag("div", "columns").style(f"--split: {split}") as found:
        yield found


@contextmanager
def column() -> Iterator[ui.element]:
    """A column of cards."""
    with tag("div", "column") as found:
        yield found


@contextmanager
def card(title: str = "", *, size: str = "grow", weight: float = 1.0, note: str = "") -> Iterator[ui.element]:
    """A card; `size` is grow (shares the height by `weight`) or asis (as high as its content)."""
    with tag("section", f"card {size}") as found:
        if size == "grow" and weight != 1.0:
            found.style(f"flex-grow: {weight}")
        if title:
            text("h2", title)
            found.props["aria-label"] = title
        yield found
        if note:
            text("p", note, "note")


@contextmanager
def scroll(label: str) -> Iterator[ui.element]:
    """A part that scrolls where it does not fit, reachable by keyboard."""
    with tag("div", "scroll", role="region", aria_label=label, tabindex="0") as found:
        yield found


def chart(options: Options, *, tall: int = 300, wide: int = 0, on_click: Any = None) -> ui.echart:  # noqa: ANN401 (a handler)
    """A chart that fills its card, or is so many pixels tall on a phone, and `wide`, where it is moved sideways."""
    with tag("div", "chart wide" if wide else "chart").style(f"--tall: {tall}px; --wide: {wide}px") as box:
        if wide:
            box.props.update({"tabindex": "0", "role": "region", "aria-label": "Chart, wider than a phone"})
        return ui.echart(options, renderer="svg", on_point_click=on_click)


def table(found: "Table") -> ui.html:
    """A table of the report."""
    return raw("div", table_html(found), "table-box")


def table_html(found: "Table") -> str:
    """The same as HTML; all text is escaped."""
    wordy = [_wordy(found, k) for k in range(len(found.head))]
    title = escape(found.title, quote=True)
    caption = f'<p class="caption" aria-hidden="true">{title}</p>' if title else ""
    name = f' aria-label="{title}"' if title else ""
    heads = "".join(
        f'<th scope="col"{_class(["text"] if wordy[k] else [])}>{escape(word) or NUMBERED}</th>'
        for k, word in enumerate(found.head)
    )
    rows = []
    for cells in found.rows:
        row = []
        for k, cell in enumerate(cells):
            marks = [name for name, on in (("text", wordy[k]), ("faint", cell.faint), ("strong", cell.strong),
                                           ("judged", cell.judgement)) if on]  # fmt: skip
            row.append(f"<td{_class(marks)}>{escape(cell.text)}</td>")
        rows.append(f"<tr>{''.join(row)}</tr>")
    note = f'<p class="note">{escape(found.note)}</p>' if found.note else ""
    body = f"<thead><tr>{heads}</tr></thead><tbody>{''.join(rows)}</tbody>"
    return f'{caption}<table class="facts"{name}>{body}</table>{note}'


def _wordy(found: "Table", k: int) -> bool:
    return k in found.wordy or k == 0 or any(len(cells[k].text) > 32 for cells in found.rows)


def _class(names: Sequence[str]) -> str:
    return f' class="{" ".join(names)}"' if names else ""


def words(found: "Words") -> None:
    """Paragraphs, marked where they are judgement."""
    if found.title:
        text("h3", found.title)
    body = "".join(f"<p>{escape(paragraph)}</p>" for paragraph in found.paragraphs)
    raw("div", body, "words judged" if found.judgement else "words")


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


def legend(entries: Sequence[tuple[str, str]]) -> None:
    """What marks mean: (mark, meaning)."""
    body = "".join(f"<span><b>{escape(mark)}</b> {escape(meaning)}</span>" for mark, meaning in entries)
    raw("div", body, "legend")


def dashes(entries: Sequence[tuple[Any, str, str]]) -> None:
    """What lines mean: (dash as of ECharts, colour, meaning)."""
    found = []
    for dash, colour, meaning in entries:
        pattern = "" if dash == "solid" else f' stroke-dasharray="{" ".join(map(str, dash))}"'
        found.append(
            f'<span><svg width="36" height="8" aria-hidden="true"><line x2="36" y1="4" y2="4" stroke-width="2.4" '
            f'style="stroke:{colour}"{pattern}/></svg> {escape(meaning)}</span>'
        )
    raw("div", "".join(found), "legend")


def missing(desk: "Desk", name: str, why: str = "") -> None:
    """What is not there, with the command that makes it, and a button where that takes a few minutes at most."""
    from standoff.app.data import COMMANDS
    from standoff.app.jobs import start_button

    command = COMMANDS[name]
    with tag("div", "missing"):
        text("p", why or f"{command.what}: not computed yet.")
        raw("p", f"<code>{escape(desk.command(name))}</code> <span>({escape(command.takes)})</span>")
        if command.button:
            start_button(desk, name)
