"""What a formula may say: column names, numbers, the operators of formulas, and a few functions; nothing else.

Formulas are evaluated by formulaic, which would run any Python that stands in them. A formula file comes with the
data of others, so a formula is read here first, word by word, and refused if it holds anything beyond

    formula    term, joined by + - * / : and ( ), also ^2 or **2 (interactions up to that order)
    term       0, 1, -1, a column (in `backquotes` if its name is no plain word), or a function of columns
    functions  sqrt log log10 log2 log1p exp abs sign minimum maximum I scale center poly C

Within a function + - * / mean arithmetic, as in `log(x + 1)` and `I(x**2)`; powers take a column and a number up to
10. No attribute (`x.y`), index, text, comparison or assignment passes, apart from `poly(x, degree=3)`, `poly(x, 3)`
and `C(x)`.
"""

import re
from collections.abc import Callable
from typing import Any

import numpy as np

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "sqrt": np.sqrt, "log": np.log, "log10": np.log10, "log2": np.log2, "log1p": np.log1p, "exp": np.exp,
    "abs": np.abs, "sign": np.sign, "minimum": np.minimum, "maximum": np.maximum,
}  # fmt: skip
"""Functions of numbers; those of formulaic below come on top."""
STATEFUL = ("scale", "center", "poly", "C")
"""Functions that remember the data they were first used on."""
OTHERS = ("I", *STATEFUL)
KEYWORDS = {"poly": ("degree", "raw"), "scale": ("center", "scale", "ddof")}
LONGEST, DEEPEST, HIGHEST, POWER, TERMS = 4000, 30, 3, 10, 2000
"""Characters of a formula, brackets within brackets, order of interactions, power of a column, terms."""

_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?)|(?P<quoted>`[^`]*`)"
    r"|(?P<name>[^\W\d]\w*)|(?P<operator>\*\*|[-+*/:^(),=]))",
    re.UNICODE,
)
_QUOTED = re.compile(r"[\w .-]+", re.UNICODE)


class FormulaError(ValueError):
    """What is wrong with a formula, and what to do."""


def columns_of(formula: str) -> tuple[list[str], list[str]]:
    """Columns that a formula names, and those of them that stand within `C( )` only.

    Raises:
        FormulaError: the formula says something that it may not.
    """
    if len(formula) > LONGEST:
        raise FormulaError(f"the formula is longer than {LONGEST} characters. Shorten it.")
    return _Reader(_tokens(formula), formula).read()


def _tokens(formula: str) -> list[tuple[str, str]]:
    found, at, text = [], 0, formula.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            rest = text[at:].lstrip()
            raise FormulaError(f"'{rest[:12]}' may not stand in a formula. {_ALLOWED}")
        kind = str(match.lastgroup)
        found.append((kind, match.group(kind)))
        at = match.end()
    return found


_ALLOWED = f"It holds columns, numbers, + - * / : ^ ( ) and the functions {', '.join((*FUNCTIONS, *OTHERS))}."


class _Reader:
    """Reads a formula by its grammar; keeps the columns."""

    def __init__(self, tokens: list[tuple[str, str]], formula: str) -> None:
        self.tokens, self.formula, self.at, self.depth = tokens, formula, 0, 0
        self.plain: dict[str, None] = {}
        self.classed: dict[str, None] = {}

    def read(self) -> tuple[list[str], list[str]]:
        if not self.tokens:
            raise FormulaError("the formula is empty. Write 0 for no term, 1 for a constant.")
        self.sum(within="")
        if self.at < len(self.tokens):
            raise self.wrong()
        both = [*self.plain, *(name for name in self.classed if name not in self.plain)]
        return both, [name for name in self.classed if name not in self.plain]

    def peek(self) -> str:
        return self.tokens[self.at][1] if self.at < len(self.tokens) else ""

    def wrong(self) -> FormulaError:
        text = self.peek()
        return FormulaError(f"'{text}' does not fit there. {_ALLOWED}" if text else f"it breaks off. {_ALLOWED}")

    def take(self, text: str) -> bool:
        if self.peek() == text:
            self.at += 1
            return True
        return False

    def sum(self, within: str) -> int:
        """One or more parts with operators between; `within` is the function that they are arguments of.

        Returns:
            At most how many terms these make.
        """
        self.depth += 1
        if self.depth > DEEPEST:
            raise FormulaError(f"brackets stand more than {DEEPEST} deep. Simplify the formula.")
        while self.peek() in ("+", "-") and self.peek():
            self.at += 1
        many = self.part(within)
        while (text := self.peek()) in ("+", "-", "*", "/") or (text == ":" and not within):
            self.at += 1
            if within and self.peek() == "-":
                self.at += 1
            more = self.part(within)
            crossed = 0 if within or text in ("+", "-") else many * more
            many = crossed if text == ":" else many + more + crossed
            _require_few(many)
        self.depth -= 1
        return many

    def part(self, within: str) -> int:
        if self.at >= len(self.tokens):
            raise self.wrong()
        kind, text = self.tokens[self.at]
        if kind == "number":
            if not within and text not in ("0", "1"):
                raise FormulaError(f"{text} is no term. Write 1 for a constant, 0 for none.")
            self.at += 1
            column, many = False, 1
        elif text == "(":
            self.at += 1
            many = self.sum(within)
            if not self.take(")"):
                raise self.wrong()
            column = not within
        elif kind == "name" and self.at + 1 < len(self.tokens) and self.tokens[self.at + 1][1] == "(":
            self.call(text)
            column, many = False, 1
        elif kind in ("name", "quoted"):
            self.column(text, within)
            column, many = True, 1
        else:
            raise self.wrong()
        if self.peek() in ("**", "^"):
            many = (many + 1) ** self.power(within, column)
            _require_few(many)
        return many

    def column(self, text: str, within: str) -> None:
        name = text.strip("`")
        if text.startswith("`") and not _QUOTED.fullmatch(name):
            raise FormulaError(
                f"the column {text} has a name that no formula can take. Rename it: letters, digits and _."
            )
        if not text.startswith("`") and (
            text.startswith("_")
            or text in ("and", "or", "not", "if", "else", "lambda", "in", "is", "for", "None", "True", "False")
        ):
            raise FormulaError(f"'{text}' may not stand in a formula. {_ALLOWED}")  # fmt: skip
        (self.classed if within == "C" else self.plain)[name] = None
        self.at += 1

    def power(self, within: str, column: bool) -> int:
        operator = self.peek()
        self.at += 1
        kind, text = self.tokens[self.at] if self.at < len(self.tokens) else ("", "")
        most = POWER if within else HIGHEST
        if kind != "number" or not column or (within and operator == "^") or float(text) > most or (
            not within and not text.isdecimal()
        ):  # fmt: skip
            said = f"a column and a number up to {POWER}" if within else f"terms and a whole number up to {HIGHEST}"
            raise FormulaError(
                f"{operator} takes {said}. {'' if within else 'A power of a column is I(x**2).'}".strip()
            )
        self.at += 1
        if self.peek() in ("**", "^"):
            raise self.wrong()
        return 0 if within else int(text)

    def call(self, name: str) -> None:
        if name not in FUNCTIONS and name not in OTHERS:
            raise FormulaError(f"'{name}' is no function of formulas. Known are {', '.join((*FUNCTIONS, *OTHERS))}.")
        self.at += 2
        self.sum(name)
        while self.take(","):
            kind, text = self.tokens[self.at] if self.at < len(self.tokens) else ("", "")
            if kind == "name" and text in KEYWORDS.get(name, ()):
                self.at += 1
                if not self.take("="):
                    raise self.wrong()
                kind, text = self.tokens[self.at] if self.at < len(self.tokens) else ("", "")
                if kind != "number" and text not in ("True", "False"):
                    raise self.wrong()
                if name == "poly" and kind == "number" and float(text) > POWER:
                    raise FormulaError(f"a polynomial has a degree up to {POWER}.")
                self.at += 1
            elif name == "poly" and kind == "number" and text.isdecimal() and int(text) <= POWER:
                self.at += 1
            elif name in ("minimum", "maximum"):
                self.sum(name)
            else:
                raise self.wrong()
        if not self.take(")"):
            raise self.wrong()


def _require_few(many: int) -> None:
    """Refuse a formula that spreads into so many terms."""
    if many > TERMS:
        raise FormulaError(f"it makes more than {TERMS} terms. Write fewer columns or interactions.")
