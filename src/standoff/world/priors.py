"""Priors: what the library believes of every module before a case says anything.

The table `priors.csv` beside this file holds one row for each parameter that is dimensionless or that no
country owns: shares, logits, ratios, elasticities, rates, weeks, reference classes. Levels in barrels, dollars,
votes and persons of one country have no prior here; they come from the case. No row holds hindsight: where a
number was tuned on a crisis, or known only after it, the row is the wider distribution and says so. `module` is
one of the nine modules, or `game` for what the signalling game needs.

A row whose source begins with "check value" is held against the model and read by no module. `known_from` is
the day from which a row could be known; it is empty where any date will do.

    shape        arguments              centre
    value        x                      x
    normal       mean, sd               mean
    lognormal    median, sd of the log  median
    beta         a, b                   a/(a + b)
    uniform      low, high              (low + high)/2
    range        low, mode, high        mode

The words are those of numbers in a case. Reference: the source of each row stands in it.
"""

import csv
import dataclasses
import datetime as dt
import functools
import importlib.resources
import sys
from typing import Literal, get_args

Shape = Literal["value", "normal", "lognormal", "beta", "uniform", "range"]
Kind = Literal["published", "computed", "public figure", "judgement"]
SHAPES: tuple[Shape, ...] = get_args(Shape)
KINDS: tuple[Kind, ...] = get_args(Kind)
TABLE = "priors.csv"


@dataclasses.dataclass(frozen=True)
class Prior:
    """A parameter's generic prior."""

    path: str  # module.parameter
    unit: str
    shape: Shape
    arguments: tuple[float, ...]
    source: str
    kind: Kind
    known_from: dt.date | None = None

    @property
    def centre(self) -> float:
        """The value, median (normal, lognormal), mean (beta, uniform) or mode (range)."""
        first, second = self.arguments[0], self.arguments[-1]
        if self.shape == "beta":
            return first / (first + second)
        if self.shape == "uniform":
            return (first + second) / 2
        return self.arguments[1] if self.shape == "range" else first

    @property
    def checks_only(self) -> bool:
        """Whether it is only held against the model."""
        return self.source.startswith("check value")


def generic() -> dict[str, Prior]:
    """Every generic prior by `module.parameter`, in the order of the table, which is read once."""
    return dict(_read())


@functools.cache
def _read() -> tuple[tuple[str, Prior], ...]:
    text = importlib.resources.files("standoff.world").joinpath(TABLE).read_text(encoding="utf-8")
    priors = [_prior(row) for row in csv.DictReader(text.splitlines())]
    return tuple((prior.path, prior) for prior in priors)


def _prior(row: dict[str, str]) -> Prior:
    shapes = {str(shape): shape for shape in SHAPES}
    kinds = {str(kind): kind for kind in KINDS}
    return Prior(
        path=f"{row['module']}.{row['parameter']}",
        unit=row["unit"],
        shape=shapes[row["distribution"]],
        arguments=tuple(float(row[name]) for name in ("arg1", "arg2", "arg3") if row[name]),
        source=row["source"],
        kind=kinds[row["source_kind"]],
        known_from=dt.date.fromisoformat(row["known_from"]) if row["known_from"] else None,
    )


def table(module: str) -> str:
    """The priors of a module as a table in Markdown, as `docs/world.md` shows it."""
    lines = ["| parameter | unit | prior | centre | source |", "|---|---|---|---|---|"]
    for path, prior in _read():
        owner, name = path.split(".")
        if owner == module:
            arguments = ", ".join(f"{argument:g}" for argument in prior.arguments)
            source = prior.source if prior.source.startswith(prior.kind) else f"{prior.source} ({prior.kind})"
            lines.append(f"| `{name}` | {prior.unit} | {prior.shape}({arguments}) | {prior.centre:.3g} | {source} |")
    return "\n".join(lines)


def modules() -> tuple[str, ...]:
    """The modules that have priors, in the order of the table."""
    return tuple(dict.fromkeys(path.split(".")[0] for path, _ in _read()))


if __name__ == "__main__":
    for word in sys.argv[1:] or modules():
        print(f"{word}\n\n{table(word)}\n")
