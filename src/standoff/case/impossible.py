"""Numbers that cannot be what they stand for, where the schema alone cannot tell.

The schema refuses a number that lies outside the range of its own field (`number`). Here are those that become
impossible through a view, those that stand in the place of a generic number of the library, and those that are
possible, but seldom meant.
"""

from collections.abc import Iterator

from standoff.case.bounds import bounds
from standoff.case.crisis import Case
from standoff.case.explain import suggestion
from standoff.case.module_numbers import KIND, RANGES, WORDS
from standoff.case.number import Number, Shift, outside, walk
from standoff.case.place import Sources
from standoff.errors import Problem

SETTABLE = ("parameters", "ladder", "packages", "issues", "channels", "world")
"""Parts whose numbers a view may change."""
LOSSES = ("exit_loss", "flight_loss", "survived_loss", "quagmire_loss")
"""Losses of the target that can be gains, if he would rather have that ending than keep office for good."""


def shifts(case: Case, sources: Sources) -> Iterator[Problem]:
    """Numbers of views that nothing is called by, or that cannot be."""
    numbers = {path: number for part in SETTABLE for path, number in walk(getattr(case, part), part)}
    limits = bounds(case)
    for view in case.views:
        for difference in view.differences:
            for target, shift in difference.set.items():
                where = ("views", view.id, "differences", difference.id, "set", target)
                if target not in numbers:
                    problem = f"'{target}' names no number of this case"
                    yield Problem(sources.key_at(where), problem, suggestion(target, numbers, many=0), "reference")
                elif (told := _shift_error(target, shift, limits.get(target))) is not None:
                    yield Problem(sources.at(where), *told, "range")


def _shift_error(target: str, shift: Shift, limits: tuple[float, float] | None) -> tuple[str, str] | None:
    """What is wrong with a difference of a view at a number with limits: problem and remedy."""
    if limits is None:
        return None
    low, high = limits
    least, most = shift.number.reach
    if shift.to is not None and (least < low or most > high):
        return f"'{target}' takes numbers from {low:g} to {high:g}", "Write one in this range."
    if shift.times is not None and least < 0 and (low >= 0 or high <= 0):
        side = "below" if low >= 0 else "above"
        problem = f"a factor of {least:g} would turn '{target}' {side} 0, and it takes numbers from {low:g} to {high:g}"
        return problem, "Write a factor of 0 or more."
    if shift.plus is not None and max(abs(least), abs(most)) > high - low:
        problem = f"'{target}' takes numbers from {low:g} to {high:g}, and no two of them are so far apart"
        return problem, "Write a smaller difference."
    return None


def module_numbers(case: Case, sources: Sources) -> Iterator[Problem]:
    """Generic numbers that a case replaces: they must be there, and in their range."""
    for module, numbers in case.world.priors.items():
        path = ("world", "priors", module)
        if module not in KIND:
            problem = f"the library has no module '{module}' with generic numbers"
            yield Problem(sources.key_at(path), problem, suggestion(module, KIND), "reference")
            continue
        for name, number in numbers.items():
            kind = KIND[module].get(name)
            if kind is None:
                problem = f"the module '{module}' reads no number '{name}'"
                yield Problem(sources.key_at((*path, name)), problem, suggestion(name, KIND[module]), "reference")
                continue
            low, high = RANGES[kind]
            least, most = number.reach
            if least < low or most > high:
                words, remedy = WORDS[kind]
                problem = f"{outside(number, least if least < low else most)} cannot be '{name}', which is {words}"
                yield Problem(sources.at((*path, name)), problem, remedy, "range")


def gains(case: Case, sources: Sources) -> Iterator[Problem]:
    """Losses below 0: they can be meant, but as a rule a sign was."""
    for name in LOSSES:
        held: Number | dict[str, Number] = getattr(case.parameters.target, name)
        each = held if isinstance(held, dict) else {"": held}
        for kind, number in each.items():
            path = ("parameters", "target", name, *([kind] if kind else []))
            if number.centre < 0 and sources.get(path) is not None:
                problem = f"a loss of {number.centre:g}: by it the target gains, and would rather not keep office"
                yield Problem(
                    sources.at(path), problem, "Losses have no sign: remove the minus, if it is one.", "range"
                )
