"""What people and markets said of the endings, each at its date, as marks of a figure and rows of a table."""

import string
from pathlib import Path

from standoff.case.crisis import Case
from standoff.case.load import LoadedCase
from standoff.forecast.questions import ENDINGS_OF, OFFICE, Question, questions
from standoff.show.figures.forecast import Said
from standoff.show.screens.screen import Table, row


def said_of(case: Case) -> list[tuple[str, Question]]:
    """What was said of endings, with a letter each, oldest first."""
    found = [
        q for q in questions(LoadedCase(case, case.crisis.id, Path(), ""))
        if (q.outcome in ENDINGS_OF or q.outcome in OFFICE) and q.made is not None and q.condition is None
    ]  # fmt: skip
    letters = [*string.ascii_lowercase, *(a + b for a in string.ascii_lowercase for b in string.ascii_lowercase)]
    return list(zip(letters, found, strict=False))


def mark(letter: str, question: Question) -> Said:
    """A mark: the chance that was said, of the opposite where the question is about staying in office."""
    chance = question.said.complement if question.outcome == "in-office" else question.said
    if question.made is None:
        raise ValueError(f"{question.id}: no date")
    return Said(letter, question.made, chance.low, chance.mid, chance.high, question.kind)


def table(asked: list[tuple[str, Question]]) -> Table:
    """Who said what of which question, with its letter and deadline."""
    rows = []
    for letter, q in asked:
        low, high = (round(100 * each) for each in (q.said.low, q.said.high))
        said = f"{low}%" if low == high else f"{low}–{high}%"
        words = f" “{q.words.word}”" if q.words is not None else ""
        until = str(q.until) if q.until is not None else "none"
        rows.append(row(letter, str(q.made), q.name, q.text, said + words, until))
    return Table(
        "What was said of the endings",
        ("", "Made", "By", "Question", "Chance of a yes", "Deadline"),
        tuple(rows), "a date “before” a day or in a week: its first possible day; of “in office” the opposite is drawn",
        wordy=(2, 3, 4),
    )  # fmt: skip
