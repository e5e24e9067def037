"""The words of a Gambit file: strings in quotes, numbers, braces, commas and names.

Every word knows where it stands, so that an error can say the line and the column.
"""

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import NoReturn

from standoff.errors import CaseError, Problem

TEXT, NUMBER, OPEN, CLOSE, COMMA, WORD, EOF = "text", "number", "{", "}", ",", "word", "the end of the file"

_SPACE = re.compile(r"\s*+")
_TOKEN = re.compile(
    r"""(?P<text>"(?:[^"\\]++|\\.)*+")
    |(?P<number>[+-]?(?:[0-9]++(?:/[0-9]++|\.?[0-9]*+(?:[eE][+-]?[0-9]++)?)|\.[0-9]++(?:[eE][+-]?[0-9]++)?)(?![\w./]))
    |(?P<open>\{)|(?P<close>\})|(?P<comma>,)|(?P<word>[A-Za-z]++(?!\w))""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPED = re.compile(r'\\(["\\])')
_KINDS = {"text": TEXT, "number": NUMBER, "open": OPEN, "close": CLOSE, "comma": COMMA, "word": WORD}
LONGEST = 2000
"""Most characters of a number."""
LARGEST_EXPONENT = 300
"""Largest decimal exponent in absolute value: what a float can hold."""


@dataclass(frozen=True)
class Token:
    """A word of the file: its kind, its text as written and its place in the text (characters from the start)."""

    kind: str
    text: str
    start: int


class Scanner:
    """Reads word by word; `now` is the word that comes next.

    Args:
        text: the whole file.
        name: what errors call it.
    """

    def __init__(self, text: str, name: str) -> None:
        self._text, self._name, self._end = text, name, 0
        self._numbers: dict[str, Fraction] = {}
        self.now = Token(EOF, "", 0)
        self.step()

    def step(self) -> Token:
        """Go on by one word; returns the one that was `now`."""
        before = self.now
        space = _SPACE.match(self._text, self._end)
        start = space.end() if space else self._end
        found = _TOKEN.match(self._text, start)
        if found is not None and found.lastgroup is not None:
            self._end = found.end()
            self.now = Token(_KINDS[found.lastgroup], found.group(), start)
        elif start >= len(self._text):
            self.now = Token(EOF, "", start)
        elif self._text[start] == '"':
            self.fail(
                "this text in quotes is never closed", 'Close it with ", and write a quote within it as \\"', start
            )
        else:
            word = self._text[start : start + 40].split()[0]
            self.fail(f"cannot read '{word}' here", "Correct it: numbers are written 3, -0.5, 1e-3 or 1/3", start)
        return before

    def take(self, kind: str, what: str) -> Token:
        """The next word, which must be of this kind; `what` says what it should be, for the error."""
        if self.now.kind != kind:
            self.expected(what)
        return self.step()

    def text(self, what: str) -> str:
        """The next word, a text in quotes, without them."""
        return _ESCAPED.sub(r"\1", self.take(TEXT, what).text[1:-1])

    def number(self, what: str) -> Fraction:
        """The next word, an exact number."""
        token = self.take(NUMBER, what)
        if token.text not in self._numbers:
            self._numbers[token.text] = self._exact(token)
        return self._numbers[token.text]

    def integer(self, what: str) -> int:
        """The next word, a whole number of at least 0."""
        if self.now.kind != NUMBER or not self.now.text.isdecimal() or len(self.now.text) > 18:
            self.expected(what)
        return int(self.step().text)

    def expected(self, what: str) -> NoReturn:
        """Fail: something else should stand here."""
        found = self.now.text if len(self.now.text) <= 40 else self.now.text[:37] + "..."
        found = f"'{found}'" if self.now.kind != EOF else "the end of the file"
        self.fail(f"expected {what}, found {found}", "Correct it, or export the game from Gambit again")

    def fail(self, problem: str, remedy: str, start: int | None = None) -> NoReturn:
        """Fail at a place in the text (by default at the word that comes next).

        Raises:
            CaseError: always, with file, line and column.
        """
        raise CaseError([Problem(self.place(start), problem, f"{remedy}.", kind="efg")])

    def place(self, start: int | None = None) -> str:
        """`file:line:column` of a place in the text."""
        start = self.now.start if start is None else start
        line = self._text.count("\n", 0, start) + 1
        return f"{self._name}:{line}:{start - self._text.rfind(chr(10), 0, start)}"

    def _exact(self, token: Token) -> Fraction:
        if len(token.text) > LONGEST:
            self.fail(f"this number has over {LONGEST} characters", "Write fewer digits", token.start)
        _, _, exponent = token.text.lower().partition("e")
        digits = exponent.lstrip("+-").lstrip("0")
        if len(digits) > 3 or int(digits or 0) > LARGEST_EXPONENT:
            remedy = f"Exponents go from -{LARGEST_EXPONENT} to {LARGEST_EXPONENT}; choose another unit"
            self.fail(f"the exponent of '{token.text[:40]}' is too large", remedy, token.start)
        try:
            return Fraction(token.text)
        except ZeroDivisionError:
            self.fail(f"'{token.text[:40]}' divides by zero", "Write a number", token.start)


def quoted(text: str) -> str:
    """A text in quotes, as `Scanner.text` reads it back."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def written(number: Fraction) -> str:
    """An exact number: a whole one or a decimal that ends within `LONGEST` places as such, else a fraction."""
    rest, twos, fives = number.denominator, 0, 0
    while rest % 2 == 0:
        rest, twos = rest // 2, twos + 1
    while rest % 5 == 0:
        rest, fives = rest // 5, fives + 1
    places = max(twos, fives)
    if rest != 1 or places > LONGEST:
        return f"{number.numerator}/{number.denominator}"
    if not places:
        return str(number.numerator)
    digits = str(abs(number.numerator) * 10**places // number.denominator).rjust(places + 1, "0")
    return f"{'-' if number < 0 else ''}{digits[:-places]}.{digits[-places:]}"
