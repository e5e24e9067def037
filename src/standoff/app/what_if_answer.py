"""What the What if page tells: questions in words, and their answers as one table whose errors are counted together."""

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from standoff.app.charts.what_if import MARKS, Effect
from standoff.app.data import Desk
from standoff.app.what_if_numbers import holder_of, title
from standoff.app.what_if_question import Question
from standoff.show.screens.screen import Cell, Table, row
from standoff.show.words import MOVES, day, listed, sentence
from standoff.simulate.ask_again import CRISES
from standoff.simulate.results import ENDINGS
from standoff.simulate.setup import TRUTH

Answer = dict[str, Any]


@dataclass(frozen=True)
class Shown:
    """Answers side by side: the endings, a name with its effects each, and what is said of their errors."""

    endings: tuple[str, ...]
    answers: tuple[tuple[str, tuple[Effect, ...]], ...]
    note: str


def words(desk: Desk, question: Question) -> str:
    """A question in words."""
    if not question.settings:
        return "Nothing is changed"
    said = listed([setting_words(desk, one) for one in question.settings])
    start = f", from {day(dt.date.fromisoformat(question.start))} on" if question.start else ""
    return sentence(said) + start


def setting_words(desk: Desk, setting: str) -> str:
    """One setting in words."""
    path, _, value = setting.partition("=")
    case, steps = desk.loaded.case, path.split(".")
    if steps[0] == "moves" and len(steps) == 3 and steps[1] in ("coercer", "target"):
        return f"{desk.names.side(steps[1])}: {move_words(desk, value)} on {_day(steps[2])}"
    if value == "off" and steps[0] == "views" and len(steps) == 3:
        for view in case.views:
            for difference in view.differences:
                if view.id == steps[1] and difference.id == steps[2]:
                    who = desk.names.side(view.holder)
                    return f"{who} no longer {difference.title[:1].lower()}{difference.title[1:]}"
    holder, number = holder_of(case, path)
    seen = next((one.title for one in case.views if one.id == holder), "")
    whose = "" if holder == TRUTH else f" in the view “{seen}”"
    sign = {"*": "times ", "+": "plus "}.get(value[:1], "")
    return f"{title(case, number)}{whose}: {sign}{value.lstrip('*+') if sign else value}".replace("-0", "−0")


def move_words(desk: Desk, value: str) -> str:
    """A move with its detail in words."""
    word, _, detail = value.partition(":")
    case = desk.loaded.case
    if word == "climb":
        rung = next((one.title for one in case.ladder if one.id == detail), detail)
        return f"climb to “{rung}”"
    if word == "offer":
        package = next((one.title for one in case.packages if one.id == detail), detail)
        return f"offer “{package}”"
    return MOVES.get(word, word)


def _day(text: str) -> str:
    try:
        return day(dt.date.fromisoformat(text))
    except ValueError:
        return text


def shown(desk: Desk, answers: Sequence[tuple[str, Question, Answer]]) -> Shown | None:
    """Answers by name, together: stars and the note count the intervals of all of them."""
    if not answers:
        return None
    from scipy import stats  # type: ignore[import-untyped]

    tests = len(answers) * len(ENDINGS)
    rows: list[tuple[str, dict[str, Effect]]] = []
    alone = 1.0
    for name, question, answer in answers:
        free = max(question.draws - 1, 1)
        limit = float(stats.t.isf(0.025 / tests, free)) / 2
        alone *= (1 - float(2 * stats.t.sf(2, free))) ** len(ENDINGS)
        found = answer["counterfactuals"]["asked"]["endings"]
        effects = {}
        for ending in ENDINGS:
            one = {key: 100 * float(found[ending][key] or 0.0) for key in ("before", "after", "difference", "error")}
            effects[ending] = Effect(
                **one,
                clear=abs(one["difference"]) > limit * one["error"] and one["difference"] != 0 and not status(answer),
            )
        rows.append((name, effects))
    order = sorted(ENDINGS, key=lambda e: -max(max(fx[e].before, fx[e].after) for _, fx in rows))
    noise = max(
        float(one["monte_carlo"] or 0.0) for _, _, answer in answers
        for one in answer["counterfactuals"]["asked"]["endings"].values()
    )  # fmt: skip
    note = (
        f"Bars: two standard errors of the paired difference over the draws, of which at most {100 * noise:.1f} points "
        f"come from the number of crises. If nothing changed, one or more of these {tests} intervals would exclude 0 "
        f"in about {1 - alone:.0%} of such tables; * is clear of the whole table’s errors (one table in twenty)."
    )
    return Shown(
        tuple(sentence(desk.names.ending(e)) for e in order),
        tuple((name, tuple(fx[e] for e in order)) for name, fx in rows), note,
    )  # fmt: skip


def table(found: Shown) -> Table:
    """The same as a table; what was before stands once where it is the same for all."""
    befores = {tuple(round(e.before, 6) for e in effects) for _, effects in found.answers}
    once, one = len(befores) == 1, len(found.answers) == 1
    head = ["Ending", *(["before, %"] if once else [])]
    for k, (name, _) in enumerate(found.answers):
        mark = "" if one else f"{MARKS[k]} {name}: "
        head += [f"{mark}after, %"] if once else [f"{mark}before, %", "after, %"]
        head.append("difference, points" if one else "difference")
    rows = []
    for k, ending in enumerate(found.endings):
        cells: list[str | Cell] = [ending, *([f"{found.answers[0][1][k].before:.1f}"] if once else [])]
        for _, effects in found.answers:
            e = effects[k]
            cells += [] if once else [f"{e.before:.1f}"]
            cells.append(f"{e.after:.1f}")
            cells.append(Cell(f"{_signed(e.difference)} ±{e.error:.1f}{'*' if e.clear else ''}", strong=e.clear))
        rows.append(row(*cells))
    return Table("", tuple(head), tuple(rows))


def _signed(value: float) -> str:
    return f"{round(value, 1) + 0.0:+.1f}".replace("-", "−").replace("+0.0", "0.0")


def headline(desk: Desk, question: Question, answer: Answer) -> str:
    """The answer in a sentence or two: what clearly moves, most first."""
    found = shown(desk, [("", question, answer)])
    if found is None:
        return ""
    effects = sorted(zip(found.endings, found.answers[0][1], strict=True), key=lambda p: -abs(p[1].difference))
    clear = [f"“{ending}” {'rises' if e.difference > 0 else 'falls'} by {abs(e.difference):.1f} points (±{e.error:.1f})"
             for ending, e in effects if e.clear]  # fmt: skip
    if clear:
        said = f"{sentence(listed(clear[:3]))}."
    else:
        most, e = effects[0]
        size = f"; the largest difference is that of “{most}”, {_signed(e.difference)} ±{e.error:.1f} points"
        said = f"No chance moves by more than the errors of the whole table{size if e.difference else ''}."
    return f"{said} {question.draws} draws × {CRISES} crises, the same in both."


def status(answer: Answer) -> str:
    """What must be known of how it was solved; empty where all is well."""
    told = str(answer.get("status", ""))
    return told if told.startswith("Not converged") else ""


def as_json(answers: Sequence[tuple[str, Question, Answer]]) -> str:
    """The answers for a script, as `standoff whatif --json` writes each."""
    return json.dumps({name: {k: v for k, v in a.items() if k != "took"} for name, _, a in answers}, indent=2)
