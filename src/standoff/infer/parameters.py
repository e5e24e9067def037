"""Which numbers are inferred: named by the case or by the user, each with its prior."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from standoff.case.bounds import bounds
from standoff.case.crisis import Case
from standoff.case.explain import suggestion
from standoff.case.inference import MOST
from standoff.case.number import Number
from standoff.errors import UserError
from standoff.simulate.draws import numbers, quantile
from standoff.simulate.setup import SIDES, plan

UNREAD = ("parameters.extra.", "parameters.silence_weight", "world.cascade.", "world.priors.cascade.")
"""Numbers that no strategy reads, and the weight of silence, which is no part of the game."""


@dataclass(frozen=True)
class Parameter:
    """A named number with its prior, or several that stand at the same quantile."""

    name: str
    paths: tuple[str, ...]
    number: Number
    limits: tuple[float, float] = (-np.inf, np.inf)
    """What the game takes a value for that lies beyond, as draws do."""

    @property
    def unit(self) -> str:
        """Its unit, as the case has it."""
        return self.number.unit or ""

    def at(self, u: np.ndarray) -> np.ndarray:
        """Values at quantiles of the prior."""
        return np.asarray(np.clip(quantile(self.number, u), *self.limits))


def uncertain(case: Case) -> dict[str, Number]:
    """Every number that has a distribution: those of the base, and those of the differences of views."""
    found = {path: number for path, number in numbers(case).items() if number.shape != "value"}
    for view in case.views:
        for difference in view.differences:
            for path, shift in difference.set.items():
                if shift.number.shape != "value":
                    found[f"views.{view.id}.{difference.id}.{path}"] = shift.number
    return found


def parameters(case: Case, over: Sequence[str] | None = None) -> tuple[Parameter, ...]:
    """The numbers that are inferred, in order.

    Args:
        case: The case; its own list is `inference.over`.
        over: Paths, or NAME=PATH (or NAME=PATH,PATH), in the place of the case's list.

    Returns:
        Named numbers: those asked for, else those of the case, else both sides' precisions and stakes by type and the
        first number of every misreading, up to ten.

    Raises:
        UserError: unknown or certain numbers, more than ten, or names used twice.
    """
    known = uncertain(case)
    if over:
        wanted = [_asked(text) for text in over]
    elif case.inference is not None:
        wanted = [(name, tuple(paths)) for name, paths in case.inference.over.items()]
    else:
        wanted = _usual(case, known)
    names = [name for name, _ in wanted]
    if doubled := next((name for name in names if names.count(name) > 1), None):
        raise UserError(f"The parameter '{doubled}' is named twice. Give one of them another name, as NAME=PATH.")
    if len(wanted) > MOST:
        raise UserError(f"{len(wanted)} parameters: at most {MOST} can be inferred together. Leave some out.")
    every = [path for _, paths in wanted for path in paths]
    if doubled := next((path for path in every if every.count(path) > 1), None):
        raise UserError(f"'{doubled}' stands under two parameters. Name it once.")
    if unread := next((path for path in every if path.startswith(UNREAD)), None):
        raise UserError(f"'{unread}' moves no likelihood, so the record says nothing of it. Leave it out.")
    if not wanted:
        raise UserError("No number of this case is uncertain. Write a distribution for some.")
    limits = bounds(case)
    return tuple(
        Parameter(name, paths, _number(name, paths, known), limits.get(paths[0], (-np.inf, np.inf)))
        for name, paths in wanted
    )


def require_read(case: Case, wanted: Sequence[Parameter], seed: int) -> None:
    """Refuse numbers that change nothing in any view, since the world's modules compute what stands at their place.

    Raises:
        UserError: one of them is such a number.
    """
    u = np.full((1 + len(wanted), len(wanted)), 0.5)
    u[1:] += np.diag(np.full(len(wanted), 0.3))
    made = plan(case, seed=seed, count=len(u), quantiles=quantiles(wanted, u))
    sheets = [made.values(view) for view in (None, *case.views)]
    moved = np.any([each != each[0] for values in sheets for each in values.values()], axis=0)[1:]
    for parameter, told in zip(wanted, moved, strict=True):
        if not told:
            here = " and ".join(parameter.paths)
            raise UserError(
                f"Parameter '{parameter.name}': in this case the world's modules compute {here}, "
                "and what is written there is not read. Name numbers that it is computed from (docs/world.md)."
            )


def _number(name: str, paths: tuple[str, ...], known: dict[str, Number]) -> Number:
    for path in paths:
        if path not in known:
            hint = suggestion(path, list(known), many=0) or "standoff sensitivity lists what is uncertain."
            raise UserError(f"Parameter '{name}': '{path}' is not an uncertain number of this case. {hint}")
    return known[paths[0]]


def _asked(text: str) -> tuple[str, tuple[str, ...]]:
    name, found, rest = text.partition("=")
    paths = tuple(part.strip() for part in (rest if found else text).split(","))
    return (name.strip() if found else paths[0]), paths


def _usual(case: Case, known: dict[str, Number]) -> list[tuple[str, tuple[str, ...]]]:
    paths = [f"parameters.precision.{side}" for side in SIDES]
    for side, stake in zip(SIDES, ("force_cost", "exit_loss"), strict=True):
        paths += [f"parameters.{side}.{stake}.{kind}" for kind in case.leader(side).types]  # type: ignore[arg-type]
    for view in case.views:
        if view.inside is None:
            for difference in view.differences:
                here = [f"views.{view.id}.{difference.id}.{path}" for path in difference.set]
                paths += [path for path in here if path in known][:1]
    found: list[tuple[str, tuple[str, ...]]] = [(path, (path,)) for path in paths if path in known]
    return found[:MOST]


def quantiles(found: Sequence[Parameter], u: np.ndarray) -> dict[str, np.ndarray]:
    """Quantiles by path, for `Plan.quantiles` (axes of `u`: draw, parameter)."""
    return {path: u[:, i] for i, parameter in enumerate(found) for path in parameter.paths}
