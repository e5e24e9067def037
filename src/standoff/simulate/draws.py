"""Draws of a case's numbers: one value per number and draw, the same whatever else the case holds.

Each number has a random stream of its own, made from the seed and its dotted path, so that adding a number
changes no other. Draws are stratified (one in each of n equal slices of probability, in random order; McKay,
Beckman & Conover 1979), which lowers the error of means without bias. Draw `CENTRE` is every number at its
centre. A view is the base draw with its named differences applied, so that correcting one is a paired change.
"""

import hashlib
from collections.abc import Iterable, Mapping

import numpy as np
from pydantic import BaseModel

from standoff.case.crisis import Case, View
from standoff.case.number import Bounds, Number, Shift, walk

PARTS = ("ladder", "issues", "packages", "channels", "parameters", "world")
Values = Mapping[str, np.ndarray]


def numbers(case: Case) -> dict[str, Number]:
    """Every number of the model (not of the evidence) by dotted path."""
    return {path: number for part in PARTS for path, number in walk(getattr(case, part), part)}


def bounds(case: Case) -> dict[str, tuple[float, float]]:
    """Lowest and highest allowed value by path, where the format says so."""
    found: dict[str, tuple[float, float]] = {}
    for part in PARTS:
        _bounds(getattr(case, part), part, found)
    return found


def _bounds(part: object, path: str, found: dict[str, tuple[float, float]]) -> None:
    if isinstance(part, BaseModel) and not isinstance(part, Number):
        for name, field in type(part).model_fields.items():
            value = getattr(part, name)
            limit = next((m for m in field.metadata if isinstance(m, Bounds)), None)
            if isinstance(value, Number) and limit is not None:
                found[f"{path}.{name}"] = (limit.low, limit.high)
            _bounds(value, f"{path}.{name}", found)
    elif isinstance(part, dict):
        for key, item in part.items():
            _bounds(item, f"{path}.{key}", found)
    elif isinstance(part, list):
        for index, item in enumerate(part):
            _bounds(item, f"{path}.{getattr(item, 'id', index)}", found)


def _stream(seed: int, path: str) -> np.random.Generator:
    word = int.from_bytes(hashlib.sha256(path.encode()).digest()[:8], "little")
    return np.random.default_rng(np.random.SeedSequence([seed, word]))


def _quantile(number: Number, u: np.ndarray) -> np.ndarray:
    from scipy import stats  # type: ignore[import-untyped]

    a = number.arguments
    match number.shape:
        case "value":
            return np.full_like(u, a[0])
        case "normal":
            return np.asarray(stats.norm.ppf(u, a[0], a[1]))
        case "lognormal":
            return np.asarray(a[0] * np.exp(a[1] * stats.norm.ppf(u)))
        case "beta":
            return np.asarray(stats.beta.ppf(u, a[0], a[1]))
        case "uniform":
            return a[0] + (a[1] - a[0]) * u
        case _:
            low, mode, high = a
            share = (mode - low) / (high - low)
            rising = low + np.sqrt(u * (high - low) * (mode - low))
            falling = high - np.sqrt((1 - u) * (high - low) * (high - mode))
            return np.where(u < share, rising, falling)


def draw(number: Number, path: str, *, seed: int, count: int) -> np.ndarray:
    """`count` stratified draws of one number."""
    stream = _stream(seed, path)
    u = (stream.permutation(count) + stream.random(count)) / count
    return _quantile(number, u)


def base(case: Case, *, seed: int, count: int) -> dict[str, np.ndarray]:
    """Draws of all numbers of the base; `count` 0 gives one draw with every number at its centre."""
    limits = bounds(case)
    found = {}
    for path, number in numbers(case).items():
        values = np.array([number.centre]) if count == 0 else draw(number, path, seed=seed, count=count)
        found[path] = np.clip(values, *limits.get(path, (-np.inf, np.inf)))
    return found


def apply(
    case: Case, view: View | None, values: Values, *, seed: int, count: int, without: Iterable[str] = ()
) -> dict[str, np.ndarray]:
    """The base draw as a view has it: its differences applied in order, but those named in `without`.

    `values` may hold only the first of the `count` draws; the differences are then cut alike.
    """
    found = dict(values)
    if view is None:
        return found
    limits = bounds(case)
    skip = set(without)
    for difference in view.differences:
        if difference.id in skip:
            continue
        for path, shift in difference.set.items():
            drawn = _shifted(shift, f"views.{view.id}.{difference.id}.{path}", found[path], seed, count)
            found[path] = np.clip(drawn, *limits.get(path, (-np.inf, np.inf)))
    return found


def _shifted(shift: Shift, path: str, before: np.ndarray, seed: int, count: int) -> np.ndarray:
    number = shift.number
    drawn = draw(number, path, seed=seed, count=count) if count else np.array([number.centre])
    drawn = drawn[: len(before)]
    if shift.times is not None:
        return np.asarray(before * drawn)
    return np.asarray(before + drawn if shift.plus is not None else drawn)
