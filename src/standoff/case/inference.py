"""What is inferred from the record: at most ten named numbers of the case."""

from typing import Annotated

from pydantic import BeforeValidator, Field, StringConstraints

from standoff.case.number import Id, Model

MOST = 10
"""Numbers that are inferred together, at most."""

NumberPath = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]+(\.[a-z0-9_-]+)+$", max_length=160)]


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


Paths = Annotated[list[NumberPath], BeforeValidator(_listed), Field(min_length=1, max_length=40)]


class Inference(Model):
    """Named numbers, each by its path, or by several paths that stand at the same quantile of their distributions.

    A path is that of a number of the base (`parameters.coercer.force_cost.TYPE`), or of a number of a view's difference
    (`views.VIEW.DIFFERENCE.PATH`).
    """

    over: Annotated[dict[Id, Paths], Field(min_length=1, max_length=MOST)]
