"""Which numbers the What if page offers: those that matter by name, then all in groups; whose each is, and its range.

A *dial* sets one number, or several that stand for one thing, of the base or of a view. What it says of a number as the
case has it (least, middle and most over draws) comes from the case's own distributions; of a number that the world's
modules compute, from the process that solves.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from standoff.app.data import Desk
from standoff.case.bounds import bounds
from standoff.case.crisis import Case, View
from standoff.simulate import draws as drawing
from standoff.simulate.sensitivity import AFTER
from standoff.simulate.setup import SIDES, TRUTH

FIRST = 10
"""Numbers named first, at most."""
SAMPLE, SEED = 200, 1
USUAL = (
    "parameters.precision.", "parameters.coercer.force_cost.", "parameters.target.exit_loss.", "parameters.prior.",
    "parameters.force.",
)  # fmt: skip
"""Numbers named first where a case names none and no sensitivity analysis was kept, in this order."""
Spread = tuple[float, float, float]


@dataclass(frozen=True)
class Dial:
    """A number that can be set: the paths that it sets, its name, whose it is, its unit, and its range."""

    paths: tuple[str, ...]
    title: str
    whose: str
    unit: str
    low: float
    high: float
    spread: Spread | None

    @property
    def path(self) -> str:
        """What it sets, first."""
        return self.paths[0]

    @property
    def step(self) -> float:
        """A round step, about a hundredth of the range."""
        wide = max(self.high - self.low, 1e-9) / 100
        scale = 10.0 ** math.floor(math.log10(wide))
        return float(f"{next(m for m in (1, 2, 5, 10) if m * scale >= wide * 0.999) * scale:.12g}")

    @property
    def as_is(self) -> str:
        """What it is in the case, over the draws."""
        if self.spread is None:
            return "computed from other numbers; shown once the case is solved"
        least, middle, most = (f"{v:.3g}".replace("-", "−") for v in self.spread)
        return middle if least == most else f"{middle} ({least} to {most})"


@dataclass(frozen=True)
class Entry:
    """A number as the search lists it."""

    path: str
    title: str
    group: str


def entries(desk: Desk) -> tuple[Entry, ...]:
    """Every number that can move an ending, by group and name."""

    def make() -> tuple[Entry, ...]:
        case = desk.loaded.case
        groups = [(prefix, name) for prefix, name in _groups(desk)]
        found = []
        for path in drawing.numbers(case):
            if not path.startswith(AFTER):
                group = next(name for prefix, name in groups if path.startswith(prefix))
                found.append(Entry(path, title(case, path), group))
        return tuple(found)

    return desk.keep("what if entries", make)


def _groups(desk: Desk) -> list[tuple[str, str]]:
    names = desk.names
    return [
        ("parameters.precision", "How sharply each side chooses"),
        ("parameters.prior", "Beliefs before the first round"),
        ("parameters.coercer", f"What endings are worth to {names.coercer}"),
        ("parameters.target", f"What endings are worth to {names.target}"),
        ("parameters.force", "Force"), ("world.force", "Force"),
        ("parameters", "Time and the rest"),
        ("ladder", "The ladder"), ("issues", "What is bargained over"), ("packages", "Packages"),
        ("channels", "How moves are read"), ("world.perception", "How news is taken"),
        ("world.scenes", "How news is taken"),
        ("world.priors", "Generic numbers of the world’s modules"), ("world", "The world around the game"),
        ("", "The rest"),
    ]  # fmt: skip


def title(case: Case, path: str) -> str:
    """A number in words: the titles of the case for its ids, the field's words for the rest."""
    steps = path.split(".")
    named = _titles(case, steps)
    short = steps[0] in ("world", "parameters") and len(steps) > 2 and steps[1] not in ("force", "precision")
    words = [named.get(k, step.replace("_", " ")) for k, step in enumerate(steps) if k > short and step != "terms"]
    last_first = steps[0] in ("ladder", "issues", "packages", "channels")
    return ", ".join([words[-1], *words[:-1]] if last_first else words)


def _titles(case: Case, steps: list[str]) -> dict[int, str]:
    """Titles of the ids among the steps of a path, by place."""
    if len(steps) < 3:
        return {}
    found = {}
    items = {
        "ladder": {one.id: one.title for one in case.ladder}, "packages": {one.id: one.title for one in case.packages},
        "channels": {one.id: one.title for one in case.channels}, "issues": {one.id: one.title for one in case.issues},
    }.get(steps[0], {})  # fmt: skip
    if steps[1] in items:
        found[1] = items[steps[1]]
    if steps[0] == "issues" and len(steps) > 3:
        issue = next((one for one in case.issues if one.id == steps[1]), None)
        term = next((one for one in (issue.terms if issue else []) if one.id == steps[3]), None)
        found |= {3: term.title} if term is not None else {}
    for side in SIDES:
        actor = case.leader(side)  # type: ignore[arg-type]
        if steps[0] == "parameters" and steps[1] in (side, "prior", "precision"):
            if steps[-1] in actor.type_titles and steps[1] == side:
                found[len(steps) - 1] = actor.type_titles[steps[-1]]
            if steps[-1] == side and steps[1] in ("prior", "precision"):
                found[len(steps) - 1] = actor.name
    return found


def holders(desk: Desk) -> dict[str, str]:
    """Whose number can be set, with what it is called: the base, and each view that is solved."""
    found = {TRUTH: "in every view"}
    for view in desk.loaded.case.views:
        side = desk.names.side(view.holder)
        outer = next((one for one in desk.loaded.case.views if one.id == view.inside), None)
        found[view.id] = f"as {side} saw it" if outer is None else (
            f"as {desk.names.side(outer.holder)} thought that {side} saw it"
        )  # fmt: skip
    return found


def setting_path(holder: str, path: str) -> str:
    """What is written before `=` to set a number of the base or of a view."""
    return path if holder == TRUTH else f"views.{holder}.{path}"


def holder_of(case: Case, path: str) -> tuple[str, str]:
    """Whose number a setting's path names, and its path in the base."""
    steps = path.split(".")
    if steps[0] == "views" and len(steps) > 2:
        names = {view.id for view in case.views}
        if steps[1] in names:
            return steps[1], ".".join(steps[2:])
    return TRUTH, path


def dial(desk: Desk, paths: tuple[str, ...], name: str = "", computed: Mapping[str, Mapping[str, Spread]] | None = None
         ) -> Dial | None:  # fmt: skip
    """A dial for what some paths set together; none if the case has no such number."""
    case = desk.loaded.case
    holder, number = holder_of(case, paths[0])
    known = drawing.numbers(case)
    if number not in known:
        return None
    spread = _spread(desk, holder, number)
    solved = (computed or {}).get(holder, {}).get(number)
    if solved is not None:
        spread = _of(solved)
    low, high = _range(spread, bounds(case).get(number, (-math.inf, math.inf)))
    return Dial(paths, name or title(case, number), holders(desk)[holder], known[number].unit or "", low, high, spread)


def _of(solved: Spread) -> Spread:
    least, middle, most = solved
    return float(least), float(middle), float(most)


def _spread(desk: Desk, holder: str, path: str) -> Spread:
    """Least, middle and most of a number over draws, leaving out a fortieth at either end."""

    def make() -> dict[str, np.ndarray]:
        case = desk.loaded.case
        view: View | None = next((one for one in case.views if one.id == holder), None)
        values = desk.keep("what if draws", lambda: drawing.base(case, seed=SEED, count=SAMPLE))
        return drawing.apply(case, view, values, seed=SEED, count=SAMPLE)

    values = desk.keep(f"what if draws {holder}", make)[path]
    low, middle, high = (float(v) for v in np.quantile(values, [0.025, 0.5, 0.975]))
    return low, middle, high


def _range(spread: Spread, limit: tuple[float, float]) -> tuple[float, float]:
    """Where the handle of a dial can go: wider than the draws, within what is allowed, at round ends."""
    least, middle, most = spread
    wide = max(most - least, abs(middle) * 0.5)
    if wide == 0.0:
        wide = min(limit[1], 1.0) - max(limit[0], 0.0)
    low, high = max(least - 0.5 * wide, limit[0]), min(most + 0.5 * wide, limit[1])
    if least >= 0 > low:
        low = 0.0
    if limit == (0.0, 1.0):
        low, high = 0.0, 1.0
    scale = 10.0 ** math.floor(math.log10(max(high - low, 1e-9)) - 1)
    low, high = math.floor(low / scale + 1e-9) * scale, math.ceil(high / scale - 1e-9) * scale
    return float(f"{max(low, limit[0]):.10g}"), float(f"{min(high, limit[1]):.10g}")


def first(desk: Desk) -> tuple[str, list[tuple[tuple[str, ...], str]]]:
    """The numbers named first, as paths with a name, and by what they were chosen."""
    return desk.keep("what if first", lambda: _first(desk))


def _first(desk: Desk) -> tuple[str, list[tuple[tuple[str, ...], str]]]:
    case = desk.loaded.case
    ranked = _sensitivity(desk)
    if ranked:
        return "those on which most hangs, by the sensitivity analysis beside the run", [((p,), "") for p in ranked]
    if case.inference is not None:
        found = []
        for name, paths in case.inference.over.items():
            turned = tuple(dict.fromkeys(_setting(case, path) for path in paths))
            found.append((turned, name.replace("-", " ")))
        return "those that the case learns from the record", found[:FIRST]
    listed = [path for stem in USUAL for path, number in drawing.numbers(case).items()
              if path.startswith(stem) and number.shape != "value"]  # fmt: skip
    return "stakes, sharpness of choice and beliefs", [((path,), "") for path in listed[:FIRST]]


def _setting(case: Case, path: str) -> str:
    """The path that sets what inference and sensitivity name: a number of a view's difference is set as the view's."""
    steps = path.split(".")
    view = next((v for v in case.views if len(steps) > 3 and steps[0] == "views" and v.id == steps[1]), None)
    if view is not None and steps[2] in {difference.id for difference in view.differences}:
        return ".".join([*steps[:2], *steps[3:]])
    return path


def _sensitivity(desk: Desk) -> list[str]:
    """Numbers ranked by a sensitivity analysis of this case in the folder of runs, largest effect first."""
    places = [desk.target, desk.runs, *(sorted(desk.runs.iterdir()) if desk.runs.is_dir() else [])]
    for place in dict.fromkeys(places):
        file = place / "sensitivity.json"
        if not file.is_file():
            continue
        try:
            found = json.loads(file.read_text(encoding="utf-8"))
            if found.get("digest") != desk.digest:
                continue
            ranked = [_setting(desk.loaded.case, str(row["number"])) for row in found["numbers"]]
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue
        known = drawing.numbers(desk.loaded.case)
        return [p for p in dict.fromkeys(ranked) if holder_of(desk.loaded.case, p)[1] in known][:FIRST]
    return []
