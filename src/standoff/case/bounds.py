"""In which range each number of a case must lie, by its dotted path (as `number.walk` names them)."""

import typing
from collections.abc import Iterator
from typing import get_args, get_origin

from pydantic import BaseModel

from standoff.case.module_numbers import module_bounds
from standoff.case.number import Bounds, Number


def bounds(case: BaseModel) -> dict[str, tuple[float, float]]:
    """Lowest and highest value of every number whose field sets them, and of the library's own below `world.priors`."""
    return module_bounds() | dict(_bounds(case, type(case), (), ""))


def _bounds(
    here: object, kind: object, metadata: tuple[object, ...], path: str
) -> Iterator[tuple[str, tuple[float, float]]]:
    if isinstance(here, Number):
        found = [item for item in (*metadata, *_metadata(kind)) if isinstance(item, Bounds)]
        if found:
            yield path, (found[0].low, found[0].high)
    elif isinstance(here, BaseModel):
        for name, field in type(here).model_fields.items():
            inner = f"{path}.{name}" if path else name
            yield from _bounds(getattr(here, name), field.annotation, tuple(field.metadata), inner)
    elif isinstance(here, dict):
        inside = get_args(_plain(kind))[1:] or (object,)
        for key, item in here.items():
            yield from _bounds(item, inside[0], (), f"{path}.{key}")
    elif isinstance(here, list | tuple):
        for index, item in enumerate(here):
            yield from _bounds(item, object, (), f"{path}.{getattr(item, 'id', index)}")


def _plain(kind: object) -> object:
    return _plain(get_args(kind)[0]) if get_origin(kind) is typing.Annotated else kind


def _metadata(kind: object) -> Iterator[object]:
    """Metadata of an annotation and of the members of a choice."""
    if get_origin(kind) is typing.Annotated:
        yield from get_args(kind)[1:]
    elif get_origin(kind) is not dict:
        for part in get_args(kind):
            yield from _metadata(part)
