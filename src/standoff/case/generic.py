"""Generic numbers by type, where a case gives none: judgement without any case in view.

With three types the middle one takes, argument by argument, the geometric mean of the outer two.
"""

import math
from typing import Any, Literal

from standoff.case.crisis import Case
from standoff.case.number import Number
from standoff.case.parameters import GENERIC_BY_TYPE, Parameters
from standoff.case.place import Sources
from standoff.errors import Problem

BY_TYPE: tuple[tuple[Literal["coercer", "target"], str, str], ...] = (
    ("coercer", "force_cost", "prize"),
    ("target", "exit_loss", "office"),
    ("target", "flight_loss", "office"),
)
"""Side, name under `parameters.<side>`, unit."""


def with_generic_numbers(case: Case, sources: Sources) -> tuple[Case, list[Problem]]:
    """The case with empty numbers by type filled in; a half-filled one is a problem.

    Where the case names a fit to past crises, what it says stands in the place of the library's generic numbers.
    """
    problems = []
    fitted = case.priors.numbers if case.priors is not None else {}
    sides: dict[str, dict[str, dict[str, Number]]] = {"coercer": {}, "target": {}}
    for side, name, unit in BY_TYPE:
        given: dict[str, Number] = getattr(getattr(case.parameters, side), name)
        types = case.leader(side).types
        lacking = [kind for kind in types if kind not in given]
        if not given:
            sides[side][name] = dict(zip(types, _by_type(side, name, unit, len(types), fitted), strict=True))
        elif lacking:
            problem = f"'{name}' gives no number for the type '{lacking[0]}'"
            remedy = "Give one for each type, or remove the whole of it to take the generic ones."
            problems.append(Problem(sources.key_at(("parameters", side, name)), problem, remedy, "parameters"))
    changes: dict[str, Any] = {}
    for part, filled in sides.items():
        stakes = getattr(case.parameters, part)
        plain = {
            name: number
            for path, number in fitted.items()
            for owner, name, *kind in [path.split(".")]
            if owner == part and not kind and name not in stakes.model_fields_set
        }
        if filled or plain:
            changes[part] = stakes.model_copy(update={**filled, **plain})
    parameters = case.parameters.model_copy(update=changes)
    return case.model_copy(update={"parameters": parameters}), problems


def on_generic_numbers(case: Case) -> Case:
    """The case with the library's generic priors for the numbers of the game and of the world's modules.

    What is left of the case is what is known of its crisis: ladder, terms, views, world.
    """
    world = case.world.model_copy(update={"priors": {}})
    bare = case.model_copy(update={"parameters": Parameters(), "world": world})
    return with_generic_numbers(bare, Sources(""))[0]


def _by_type(side: str, name: str, unit: str, count: int, fitted: dict[str, Number]) -> list[Number]:
    ends = [fitted.get(f"{side}.{name}.{kind}") for kind in ("yielding", "firm")]
    first, last = ends
    if first is None or last is None:
        return _spread(name, unit, count)
    if count == 3:
        middle = tuple((a + b) / 2 for a, b in zip(first.arguments, last.arguments, strict=True))
        return [first, first.model_copy(update={first.shape: middle}), last]
    return [first, last]


def _spread(name: str, unit: str, count: int) -> list[Number]:
    first, last = GENERIC_BY_TYPE[name]
    shapes: list[dict[str, Any]] = [first, last]
    if count == 3:
        ((shape, low),), ((_, high),) = first.items(), last.items()
        shapes.insert(1, {shape: [math.sqrt(a * b) for a, b in zip(low, high, strict=True)]})
    return [Number.model_validate({**shape, "unit": unit, "judgement": "generic prior"}) for shape in shapes]
