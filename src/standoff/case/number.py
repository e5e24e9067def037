"""A number as an analyst writes it: a value or a distribution, with its unit and its reason.

In a case file a number is either plain (`0.3`) or a mapping with exactly one of

| key         | arguments             | meaning                                                     |
|-------------|-----------------------|-------------------------------------------------------------|
| `value`     | x                     | known, or held fixed                                        |
| `normal`    | [mean, sd]            | normal                                                      |
| `lognormal` | [median, sd of log]   | lognormal; the median must be above 0                       |
| `beta`      | [a, b]                | beta on 0 to 1                                              |
| `uniform`   | [low, high]           | uniform                                                     |
| `range`     | [low, mode, high]     | triangular: lowest, likeliest, highest                      |

and any of `unit`, `because` (claim ids, or `{source: ...}` for a public source), `judgement` (true, or the
reason in words) and `public_from` (the day on which it could be known).
"""

import datetime as dt
import math
from collections.abc import Callable, Iterator
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

Id = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,47}$")]
Words = Annotated[str, StringConstraints(min_length=1, max_length=600, strip_whitespace=True)]
Day = Annotated[dt.date, Field(ge=dt.date(1000, 1, 1), le=dt.date(2999, 12, 31))]
"""A day in a crisis: far enough from the ends of the calendar that one can count on from it."""
Shape = Literal["value", "normal", "lognormal", "beta", "uniform", "range"]
SHAPES: tuple[Shape, ...] = ("value", "normal", "lognormal", "beta", "uniform", "range")


LARGEST = 1e15
"""The largest number of a case, and the upper end of the widest distribution."""


class Model(BaseModel):
    """Base of all parts of a case: frozen, and unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=False)


class Source(Model):
    """A public source that is not one of the case's documents: a study, a count, a press page."""

    source: Words
    url: Annotated[str, StringConstraints(pattern=r"^https?://", max_length=400)] | None = None
    public_from: dt.date | None = None


Reason = Id | Source


def _listed(value: object) -> object:
    return value if isinstance(value, list) or value is None else [value]


Reasons = Annotated[list[Reason], BeforeValidator(_listed)]


class Number(Model):
    """A value or a distribution with unit and reason (see the module's table)."""

    value: float | None = None
    normal: tuple[float, float] | None = None
    lognormal: tuple[float, float] | None = None
    beta: tuple[float, float] | None = None
    uniform: tuple[float, float] | None = None
    range: tuple[float, float, float] | None = None
    unit: Annotated[str, StringConstraints(max_length=60)] | None = None
    because: Reasons = Field(default_factory=list)
    judgement: bool | Words = False
    public_from: dt.date | None = None

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, data: object) -> object:
        if isinstance(data, bool):
            raise ValueError("a number is needed, not yes or no")
        return {"value": data} if isinstance(data, int | float) else data

    @model_validator(mode="after")
    def _one_shape(self) -> "Number":
        given = [shape for shape in SHAPES if getattr(self, shape) is not None]
        if len(given) != 1:
            raise ValueError(f"write exactly one of {', '.join(SHAPES)}")
        args = self.arguments
        if not all(math.isfinite(arg) for arg in args):
            raise ValueError("numbers must be finite")
        if max(abs(arg) for arg in args) > LARGEST:
            raise ValueError(f"a number of a case is not larger than {LARGEST:g}, so write it in a larger unit")
        shape = given[0]
        rules: dict[Shape, Callable[[], bool | str]] = {
            "normal": lambda: args[1] <= 0 and "the standard deviation must be above 0",
            "lognormal": lambda: (
                (min(args) <= 0 and "median and sd of the log must be above 0")
                or (
                    self.reach[1] > LARGEST and f"its upper end is beyond {LARGEST:g}, so write a smaller sd of the log"
                )
            ),
            "beta": lambda: min(args) <= 0 and "both arguments of a beta must be above 0",
            "uniform": lambda: args[0] >= args[1] and "low must be below high",
            "range": lambda: (
                (not args[0] <= args[1] <= args[2] or args[0] == args[2]) and "write low, mode, high in this order"
            ),
        }
        wrong = shape in rules and rules[shape]()
        if wrong:
            raise ValueError(str(wrong))
        return self

    @property
    def shape(self) -> Shape:
        """Which of the forms it is written in."""
        return next(shape for shape in SHAPES if getattr(self, shape) is not None)

    @property
    def arguments(self) -> tuple[float, ...]:
        """The arguments of the form, as written."""
        given = getattr(self, self.shape)
        return (given,) if isinstance(given, float) else tuple(given)

    @property
    def centre(self) -> float:
        """The value, median (normal, lognormal), mean (beta, uniform) or mode (range)."""
        a = self.arguments
        return {
            "beta": lambda: a[0] / (a[0] + a[1]),
            "uniform": lambda: (a[0] + a[1]) / 2,
            "range": lambda: a[1],
        }.get(self.shape, lambda: a[0])()

    @property
    def support(self) -> tuple[float, float]:
        """Smallest and largest value that can be drawn."""
        a = self.arguments
        return {
            "value": lambda: (a[0], a[0]),
            "normal": lambda: (-math.inf, math.inf),
            "lognormal": lambda: (0.0, math.inf),
            "beta": lambda: (0.0, 1.0),
            "uniform": lambda: (a[0], a[1]),
            "range": lambda: (a[0], a[2]),
        }[self.shape]()

    @property
    def reach(self) -> tuple[float, float]:
        """What must lie within the range of its field; draws beyond that are clipped to it.

        The support, but of a normal only its mean, and of a lognormal what lies between its 0.1% and 99.9% points.
        """
        if self.normal is not None:
            return self.normal[0], self.normal[0]
        if self.lognormal is not None:
            median, sd = self.lognormal
            wide = math.exp(min(3.0902 * sd, 300.0))
            return median / wide, median * wide
        return self.support

    @property
    def reasoned(self) -> bool:
        """Whether it says why: by claims, by a source, or as a judgement."""
        return bool(self.because) or bool(self.judgement)


class Shift(Model):
    """How a view departs from the base at one number: a new number, a factor, or a difference."""

    to: Number | None = None
    times: Number | None = None
    plus: Number | None = None

    @model_validator(mode="before")
    @classmethod
    def _bare(cls, data: object) -> object:
        bare = not isinstance(data, dict) or not {"to", "times", "plus"} & set(data)
        return {"to": data} if bare and not isinstance(data, Shift) else data

    @model_validator(mode="after")
    def _one(self) -> "Shift":
        if sum(part is not None for part in (self.to, self.times, self.plus)) != 1:
            raise ValueError("write a number, or exactly one of times, plus")
        return self

    @property
    def number(self) -> Number:
        """The number, whichever way it is applied."""
        found = self.to or self.times or self.plus
        if found is None:  # the validator has excluded it
            raise ValueError("empty shift")
        return found


def _within(low: float, high: float, words: str) -> Callable[[Number], Number]:
    def check(number: Number) -> Number:
        least, most = number.reach
        if least < low or most > high:
            raise ValueError(f"{outside(number, least if least < low else most)} is not {words}")
        return number

    return check


def outside(number: Number, point: float) -> str:
    """In words, a number or what of its distribution lies outside a range: `point` is the end of `reach` that does."""
    if number.shape == "value":
        return f"{point:g}"
    if number.shape == "normal":
        return f"{point:g}, the mean of this normal,"
    if number.shape in ("uniform", "range"):
        return f"{point:g}, which this {number.shape} reaches,"
    return f"a {number.shape} of this width"


class Bounds:
    """Metadata of a field: lowest, highest value and the unit that the library computes in."""

    def __init__(self, low: float, high: float, unit: str) -> None:
        """Keep the range and the unit."""
        self.low, self.high, self.unit = low, high, unit


def _kind(low: float, high: float, unit: str, words: str) -> Any:  # noqa: ANN401 (an annotated type)
    return Annotated[Number, AfterValidator(_within(low, high, words)), Bounds(low, high, unit)]


SMALLEST = 1e-12
"""The smallest number of those that must be above 0: by them is divided, or their logarithm is taken."""

Chance = _kind(0.0, 1.0, "probability", "a probability between 0 and 1")
Share = _kind(0.0, 1.0, "share", "a share between 0 and 1")
Positive = _kind(0.0, math.inf, "", "0 or more")
Above = _kind(SMALLEST, math.inf, "", "above 0")
Cost = _kind(0.0, math.inf, "prize", "a cost of 0 or more")
Loss = _kind(0.0, math.inf, "office", "a loss of 0 or more")
Prize = _kind(-math.inf, math.inf, "prize", "a finite number of prizes")
Office = _kind(-math.inf, math.inf, "office", "a finite number of offices")
Real = _kind(-math.inf, math.inf, "", "finite")


def walk(part: object, path: str = "") -> Iterator[tuple[str, Number]]:
    """Every number below a part of a case with its dotted path; items of lists go by their `id`."""
    if isinstance(part, Number):
        yield path, part
    elif isinstance(part, BaseModel):
        for name in type(part).model_fields:
            yield from walk(getattr(part, name), f"{path}.{name}" if path else name)
    elif isinstance(part, dict):
        for key, item in part.items():
            yield from walk(item, f"{path}.{key}" if path else str(key))
    elif isinstance(part, list | tuple):
        for index, item in enumerate(part):
            yield from walk(item, f"{path}.{getattr(item, 'id', index)}" if path else str(index))
