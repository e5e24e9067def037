"""The controls of the What if page: misreadings as switches, numbers as sliders, moves and dates as lists."""

import datetime as dt
import functools
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol, runtime_checkable

from nicegui import ui
from nicegui.events import ValueChangeEventArguments

from standoff.app import blocks
from standoff.app.data import Desk
from standoff.app.what_if_answer import move_words, setting_words
from standoff.app.what_if_asker import Asker
from standoff.app.what_if_numbers import Dial, dial, entries, first, holder_of, holders, setting_path
from standoff.app.what_if_question import MOST, Question
from standoff.show.words import day, sentence
from standoff.simulate.overlay import CLASSES
from standoff.simulate.payoffs import playable
from standoff.simulate.setup import SIDES, TRUTH

EVERY = "All"
TABS = {"views": "Misreadings", "numbers": "Numbers", "moves": "Moves"}


@runtime_checkable
class Talk(Protocol):
    """What the controls need of the page: the question, and a way to change it."""

    desk: Desk
    asker: Asker
    question: Question

    def change(self, question: Question, *, rebuild: bool = False) -> None:
        """Ask something else; with `rebuild`, the controls are drawn anew."""


def views(talk: Talk) -> None:
    """A switch for each misreading of each side, on where it is held as in the case."""
    case = talk.desk.loaded.case
    held = [view for side in SIDES if (view := case.view_of(side)) is not None and view.differences]  # type: ignore[arg-type]
    if not held:
        blocks.text("p", "Nobody holds a view of his own in this case.")
    for view in held:
        paths = {difference.id: f"views.{view.id}.{difference.id}" for difference in view.differences}
        with blocks.tag("div", "controls"):
            blocks.text("h3", view.title).style("flex: 1 1 200px")
            who = talk.desk.names.side(view.holder)
            for words, off, said in (
                ("All read right", True, f"All read right: correct all misreadings of {who}"),
                ("As in the case", False, f"As in the case: put back all misreadings of {who}"),
            ):
                button = ui.button(words, on_click=functools.partial(_all, talk, list(paths.values()), off=off))
                button.props("flat dense no-caps").props["aria-label"] = said
        for difference in view.differences:
            path = paths[difference.id]
            ui.switch(
                difference.title, value=talk.question.value(path) is None,
                on_change=lambda e, p=path: talk.change(talk.question.with_setting(p, None if e.value else "off")),
            ).props("dense").classes("misreading")  # fmt: skip


def _all(talk: Talk, paths: list[str], *, off: bool) -> None:
    """Correct some misreadings, or put them back."""
    question = talk.question
    for path in paths:
        question = question.with_setting(path, "off" if off else None)
    talk.change(question, rebuild=True)


def numbers(talk: Talk, added: list[tuple[str, ...]]) -> list[Dial]:
    """The numbers that matter, by name; before them those that are set or were added; and a search among all."""
    desk = talk.desk
    why, named = first(desk)
    blocks.text("p", f"First {why}. What is set stands in the place of the number’s whole distribution.", "note")
    _search(talk, added)
    shown = {paths: name for paths, name in named}
    known = {path for paths in shown for path in paths}
    for path in (one.partition("=")[0] for one in talk.question.settings):
        if path not in known and _is_number(desk, path) and (path,) not in added:
            added.append((path,))
    rows = [(paths, "") for paths in reversed(added) if paths not in shown] + list(shown.items())
    dials = [found for paths, name in rows if (found := dial(desk, paths, name, talk.asker.numbers)) is not None]
    for one in dials:
        _dial(talk, one)
    return dials


def _is_number(desk: Desk, path: str) -> bool:
    holder, number = holder_of(desk.loaded.case, path)
    if path.startswith("moves.") or (holder != TRUTH and "." not in number):
        return False
    return any(entry.path == number for entry in entries(desk))


def _search(talk: Talk, added: list[tuple[str, ...]]) -> None:
    """A group, a number in it, whose it is, and a button that adds a slider for it."""
    listed = entries(talk.desk)
    groups = [EVERY, *dict.fromkeys(entry.group for entry in listed)]

    def options(group: str) -> dict[str, str]:
        chosen = [entry for entry in listed if group in (EVERY, entry.group)]
        return {entry.path: f"{sentence(entry.title)} · {entry.path}" for entry in chosen}

    with ui.expansion("Another number").props("dense").classes("another"), blocks.tag("div", "adding"):
        group = ui.select(groups, value=EVERY, label="Group").props(
            'dense outlined options-dense aria-label="Group of numbers"'
        )
        number = ui.select(options(EVERY), with_input=True, label=f"Number (type to search {len(listed)})").props(
            'dense outlined options-dense aria-label="Number"'
        )
        whose = ui.select(holders(talk.desk), value=TRUTH, label="Whose").props(
            'dense outlined options-dense aria-label="Whose number"'
        )

        def add() -> None:
            if number.value and whose.value:
                paths = (setting_path(str(whose.value), str(number.value)),)
                if paths in added:
                    added.remove(paths)
                added.append(paths)
                talk.change(talk.question, rebuild=True)

        group.on_value_change(lambda e: number.set_options(options(e.value), value=None))
        ui.button("Add a slider", on_click=add).props("outline dense no-caps")


def _dial(talk: Talk, one: Dial) -> None:
    """A slider with its number, what it is in the case, and a button that puts it back."""
    told = talk.question.value(one.path)
    middle = one.spread[1] if one.spread is not None else (one.low + one.high) / 2
    value = _plain(told)
    busy = [False]

    def put(new: float | None) -> None:
        question = talk.question
        for path in one.paths:
            question = question.with_setting(path, None if new is None else f"{new:.6g}")
        talk.change(question)

    def moved(event: ValueChangeEventArguments[float | None]) -> None:
        if busy[0] or event.value is None:
            return
        new = round(float(event.value), 9)
        _quietly(busy, lambda: box.set_value(new))
        put(new)

    def typed(event: ValueChangeEventArguments[float | None]) -> None:
        if busy[0]:
            return
        new = None if event.value is None else float(event.value)
        at = middle if new is None else min(max(new, one.low), one.high)
        _quietly(busy, lambda: slider.set_value(at))
        put(new)

    def back() -> None:
        _quietly(busy, lambda: (slider.set_value(middle), box.set_value(None)))
        put(None)

    label = f"{one.title}, {one.whose}"
    with blocks.tag("div", "dial"):
        blocks.text("div", sentence(one.title), "name").tooltip(one.path)
        with blocks.tag("div", "handle"):
            at = middle if value is None else min(max(value, one.low), one.high)
            slider = ui.slider(min=one.low, max=one.high, step=one.step, value=at, on_change=moved).props("dense")
            box = ui.number(value=value, placeholder=f"{middle:.3g}", on_change=typed).props(
                "dense outlined debounce=500"
            )
            undo = ui.button(icon="undo", on_click=back).props("flat dense round")
        slider.props["aria-label"], box.props["aria-label"] = label, f"{label}, as a number"
        undo.props["aria-label"] = f"As in the case: {label}"
        unit = f" · {one.unit}" if one.unit else ""
        blocks.text("div", f"{one.whose}{unit} · in the case {one.as_is}", "note")


def _plain(told: str | None) -> float | None:
    """A setting as a number; none if it is none, or relative."""
    if told is None or told[:1] in "+*":
        return None
    try:
        return float(told)
    except ValueError:
        return None


def _quietly(busy: list[bool], act: Callable[[], object]) -> None:
    """Set one control to what another says, without its being taken for a change by the reader."""
    busy[0] = True
    try:
        act()
    finally:
        busy[0] = False


def moves(talk: Talk) -> None:
    """A move of a side in a round, to be added; those that were are below, with all else that is changed."""
    desk = talk.desk
    case = desk.loaded.case
    blocks.text(
        "p", "A move is made where it can be made; its side is taken to have chosen it, and the other learns from it. "
        "Where it cannot be made, the side chooses as it would have.", "note"
    )  # fmt: skip
    rounds = {
        (when := case.crisis.starts + dt.timedelta(days=n * case.crisis.round_days)).isoformat():
        f"round {n + 1}, from {day(when)}" for n in range(case.crisis.rounds)
    }  # fmt: skip

    def options(side: str) -> dict[str, str]:
        words = []
        for word in CLASSES[side]:
            if word == "climb":
                words += [f"climb:{rung.id}" for rung in case.ladder[1:]]
            elif word == "offer":
                words += [f"offer:{package.id}" for package in playable(case, side)]
            else:
                words.append(word)
        return {word: sentence(move_words(desk, word)) for word in words}

    with blocks.tag("div", "adding"):
        side = ui.select({one: desk.names.side(one) for one in SIDES}, value=SIDES[0], label="Who moves").props(
            'dense outlined options-dense aria-label="Who moves"'
        )
        turn = ui.select(rounds, value=next(iter(rounds)), label="In which round").props(
            'dense outlined options-dense aria-label="Round of the move"'
        )
        move = ui.select(options(SIDES[0]), label="What he does").props(
            'dense outlined options-dense aria-label="The move"'
        )

        def add() -> None:
            if move.value:
                path = f"moves.{side.value}.{turn.value}"
                talk.change(talk.question.with_setting(path, str(move.value)), rebuild=True)

        side.on_value_change(lambda e: move.set_options(options(e.value), value=None))
        ui.button("Add the move", on_click=add).props("outline dense no-caps")


def changes(talk: Talk) -> None:
    """What is otherwise, in words, each with a button that takes it back; and from when on."""
    desk, question = talk.desk, talk.question
    case = desk.loaded.case
    last = len(desk.along.turns) - (desk.along.ending is not None)
    begins = {"": "the first round"}
    for n in range(1, min(last, case.crisis.rounds - 1) + 1):
        when = case.crisis.starts + dt.timedelta(days=n * case.crisis.round_days)
        begins[when.isoformat()] = f"round {n + 1}, {day(when)}; until then as on record"
    if question.start and question.start not in begins:
        begins[question.start] = day(dt.date.fromisoformat(question.start))
    with blocks.tag("div", "controls"):
        ui.select(
            begins,
            value=question.start,
            label="Otherwise from",
            on_change=lambda e: talk.change(replace(talk.question, start=e.value)),
        ).props('dense outlined options-dense aria-label="From when on things are otherwise"').classes("col")
        if question.settings:
            ui.button("Reset", on_click=lambda: talk.change(Question(draws=talk.question.draws), rebuild=True)).props(
                'flat dense no-caps aria-label="Reset: take back every change"'
            )
    with blocks.scroll("What is otherwise"):
        if not question.settings:
            blocks.text("p", "Nothing yet: switch a misreading off, move a slider, or add a move.", "note")
        for one in question.settings[:MOST]:
            _change(talk, one)


def _change(talk: Talk, setting: str) -> None:
    words = setting_words(talk.desk, setting)

    def back() -> None:
        talk.change(talk.question.with_setting(setting.partition("=")[0], None), rebuild=True)

    with blocks.tag("div", "change"):
        button = ui.button(icon="close", on_click=back).props("flat dense round size=sm")
        button.props["aria-label"] = f"Take back: {words}"
        blocks.text("span", sentence(words))
