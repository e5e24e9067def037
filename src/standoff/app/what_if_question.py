"""A what-if question as the desk keeps it: settings, the day from which they hold, how many draws; and as a link."""

import datetime as dt
import re
import shlex
from dataclasses import dataclass, replace

from standoff.app.shell import State
from standoff.case.crisis import Case
from standoff.errors import UserError
from standoff.simulate.ask_again import CRISES, DRAWS
from standoff.simulate.overlay import Counterfactual, counterfactual, split

MORE = 30
"""Draws behind the button for more of them."""
SETTING = re.compile(r"[a-z0-9_.+-]{1,200}=[A-Za-z0-9_.:*+-]{1,80}")
"""What a link may hold as a setting; anything else is left out."""
PINS = 3
"""Answers that are pinned beside the current one, at most."""
MOST = 24
"""Settings of a question, at most."""
LETTERS = "ABC"


@dataclass(frozen=True)
class Question:
    """What is otherwise: settings as words (`overlay`), sorted; `start` is the day from which they hold, if any."""

    settings: tuple[str, ...] = ()
    start: str = ""
    draws: int = DRAWS

    @property
    def key(self) -> str:
        """The same question has the same key; it is also its part of a link."""
        return f"{self.start}@{self.draws}@{';'.join(self.settings)}"

    def with_setting(self, path: str, value: str | None) -> "Question":
        """With one path set to a value, or no longer set."""
        kept = [one for one in self.settings if one.partition("=")[0] != path]
        if value is not None:
            kept.append(f"{path}={value}")
        return replace(self, settings=tuple(sorted(kept)))

    def value(self, path: str) -> str | None:
        """What a path is set to, if it is."""
        return next((one.partition("=")[2] for one in self.settings if one.partition("=")[0] == path), None)

    def read(self, case: Case) -> Counterfactual:
        """As the library reads it; a mistake is a `UserError`."""
        return counterfactual(case, "asked", [split(one) for one in self.settings])

    def command(self, case: str) -> str:
        """The command that gives the same numbers."""
        words = ["standoff", "whatif", case]
        for one in self.settings:
            words += ["--set", one]
        words += ["--from", self.start] if self.start else []
        words += ["--draws", str(self.draws), "--replications", str(CRISES)]
        return " ".join(shlex.quote(word) for word in words)


def from_key(key: str) -> Question | None:
    """A question from its part of a link; none if it is none."""
    parts = key.split("@")
    if len(parts) != 3:
        return None
    return _question(parts[2], parts[0], parts[1])


def _question(settings: str, start: str, draws: str) -> Question:
    found = {one.partition("=")[0]: one for one in settings.split(";") if SETTING.fullmatch(one)}
    day = start if _is_day(start) else ""
    return Question(tuple(sorted(found.values()))[:MOST], day, MORE if draws == str(MORE) else DRAWS)


def _is_day(text: str) -> bool:
    try:
        return bool(text) and dt.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def from_state(state: State) -> tuple[Question, list[Question]]:
    """The question of a link, and those that were pinned."""
    pins = [found for key in state.get("pins").split("~") if key and (found := from_key(key)) is not None]
    pinned = list(dict.fromkeys(pin for pin in pins if pin.settings))[:PINS]
    return _question(state.get("set"), state.get("from"), state.get("draws")), pinned


def to_state(state: State, question: Question, pins: list[Question]) -> None:
    """Write a question and the pinned ones into the address."""
    state.set(
        set=";".join(question.settings), draws="" if question.draws == DRAWS else str(question.draws),
        pins="~".join(pin.key for pin in pins), **{"from": question.start},
    )  # fmt: skip


def mistake(case: Case, question: Question) -> str:
    """What is wrong with a question, in a sentence; empty if nothing is."""
    if not question.settings:
        return ""
    try:
        question.read(case)
    except UserError as error:
        return str(error).removeprefix("'asked': ")
    return ""
