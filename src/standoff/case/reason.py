"""Which numbers of a case say why they are what they are, and which do not."""

from dataclasses import dataclass

from pydantic import BaseModel

from standoff.case.load import LoadedCase
from standoff.case.number import Number


@dataclass(frozen=True)
class BareNumber:
    """A number without a reason of its own or of the item that it stands in."""

    path: str
    place: str
    value: str


def number_reasons(loaded: LoadedCase) -> tuple[dict[str, int], list[BareNumber]]:
    """How many numbers have which kind of reason, and those that have none."""
    counts = {"because": 0, "judgement": 0, "generic": 0, "item": 0, "none": 0}
    bare = []
    defined = {
        f"issues.{issue.id}.terms.{issue.terms[0].id}.{name}"
        for issue in loaded.case.issues
        for name in ("gain", "price")
    }
    for path, number, covered in _walk(loaded.case, "", False):
        if path in defined:
            continue  # 0 by definition: what the demand asks
        if number.because:
            counts["because"] += 1
        elif is_generic(number):
            counts["generic"] += 1
        elif number.judgement:
            counts["judgement"] += 1
        elif covered:
            counts["item"] += 1
        else:
            counts["none"] += 1
            bare.append(BareNumber(path, loaded.place(tuple(path.split("."))), written(number)))
    return counts, bare


def is_generic(number: Number) -> bool:
    """Whether a number is a prior of the library's, or one written like it, and not of the case."""
    return isinstance(number.judgement, str) and number.judgement.startswith("generic prior")


def _walk(part: object, path: str, covered: bool) -> list[tuple[str, Number, bool]]:
    """Like `number.walk`, and whether an item around the number gives a reason."""
    if isinstance(part, Number):
        return [(path, part, covered)]
    found: list[tuple[str, Number, bool]] = []
    steps: list[tuple[str, object]] = []
    if isinstance(part, BaseModel):
        covered = covered or bool(getattr(part, "because", None)) or bool(getattr(part, "judgement", None))
        steps = [(name, getattr(part, name)) for name in type(part).model_fields]
    elif isinstance(part, dict):
        steps = [(str(key), item) for key, item in part.items()]
    elif isinstance(part, list | tuple):
        steps = [(str(getattr(item, "id", index)), item) for index, item in enumerate(part)]
    for step, item in steps:
        found += _walk(item, f"{path}.{step}" if path else step, covered)
    return found


def written(number: Number) -> str:
    """A number as it would be written on one line."""
    arguments = ", ".join(f"{argument:g}" for argument in number.arguments)
    return arguments if number.shape == "value" else f"{number.shape} [{arguments}]"
