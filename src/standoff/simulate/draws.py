"""Draws of a case's numbers: one value per number and draw, the same whatever else the case holds.

Each number has a random stream of its own, made from the seed and its dotted path, so that adding a number
changes no other. Draws are stratified (one in each of n equal slices of probability, in random order; McKay,
Beckman & Conover 1979), which lowers the error of means without bias. Draw `CENTRE` is every number at its
centre. A view is the base draw with its named differences applied, so that correcting one is a paired change.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping

import numpy as np

from standoff.case.bounds import bounds
from standoff.case.crisis import Case, View
from standoff.case.number import Number, Shift, walk
from standoff.simulate.generic import generic_numbers

PARTS = ("ladder", "issues", "packages", "channels", "parameters", "world")
Values = Mapping[str, np.ndarray]
Among = Callable[[str], bool]
"""Whether a number, by path, is among those that are asked for."""


def _every(path: str) -> bool:
    return True


def numbers(case: Case) -> dict[str, Number]:
    """Every number of the model (not of the evidence) by dotted path, the library's generic ones among them."""
    own = {path: number for part in PARTS for path, number in walk(getattr(case, part), part)}
    return own | generic_numbers(case)


def _stream(seed: int, path: str) -> np.random.Generator:
    word = int.from_bytes(hashlib.sha256(path.encode()).digest()[:8], "little")
    return np.random.default_rng(np.random.SeedSequence([seed, word]))


def quantile(number: Number, u: np.ndarray) -> np.ndarray:
    """Quantiles of a number's distribution at `u`, between 0 and 1."""
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


def draw(number: Number, path: str, *, seed: int, count: int, at: Mapping[str, np.ndarray] | None = None) -> np.ndarray:
    """`count` stratified draws of one number; with `at`, its quantiles given there, or else its median."""
    if at is not None:
        return quantile(number, at.get(path, np.full(count, 0.5)))
    stream = _stream(seed, path)
    u = (stream.permutation(count) + stream.random(count)) / count
    return quantile(number, u)


def base(case: Case, *, seed: int, count: int, at: Mapping[str, np.ndarray] | None = None) -> dict[str, np.ndarray]:
    """Draws of all numbers of the base; `count` 0 gives one draw with every number at its centre.

    With `at`, numbers are at the quantiles given there by path, and where none are given at their medians.
    """
    limits = bounds(case)
    found = {}
    for path, number in numbers(case).items():
        values = np.array([number.centre]) if count == 0 else draw(number, path, seed=seed, count=count, at=at)
        found[path] = np.clip(values, *limits.get(path, (-np.inf, np.inf)))
    return found


def apply(
    case: Case,
    view: View | None,
    values: Values,
    *,
    seed: int,
    count: int,
    without: Iterable[str] = (),
    at: Mapping[str, np.ndarray] | None = None,
    among: Among = _every,
) -> dict[str, np.ndarray]:
    """The base draw as a view has it: its differences applied in order, but those named in `without`.

    `values` may hold only the first of the `count` draws; the differences are then cut alike. `at` is as in `base`;
    the paths of differences are `views.VIEW.DIFFERENCE.PATH`. Only numbers `among` those asked for are changed.
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
            if not among(path):
                continue
            drawn = _shifted(shift, f"views.{view.id}.{difference.id}.{path}", found[path], seed, count, at)
            found[path] = np.clip(drawn, *limits.get(path, (-np.inf, np.inf)))
    return found


def overlay(
    case: Case,
    values: Values,
    shifts: Mapping[str, Shift],
    *,
    name: str,
    seed: int,
    count: int,
    among: Among = _every,
) -> dict[str, np.ndarray]:
    """Numbers with the shifts of a counterfactual, by path. `name` is whose numbers they are (a view, or truth)."""
    found = dict(values)
    limits = bounds(case) if shifts else {}
    for path, shift in shifts.items():
        if not among(path):
            continue
        drawn = _shifted(shift, f"overlays.{name}.{path}", found[path], seed, count, None)
        found[path] = np.clip(drawn, *limits.get(path, (-np.inf, np.inf)))
    return found


def _shifted(
    shift: Shift, path: str, before: np.ndarray, seed: int, count: int, at: Mapping[str, np.ndarray] | None
) -> np.ndarray:
    number = shift.number
    drawn = draw(number, path, seed=seed, count=count, at=at) if count else np.array([number.centre])
    drawn = drawn[: len(before)]
    if shift.times is not None:
        return np.asarray(before * drawn)
    return np.asarray(before + drawn if shift.plus is not None else drawn)
