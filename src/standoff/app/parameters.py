"""Every number of a case: as it is written, its unit, its reason, and what the record says of it."""

from dataclasses import dataclass

from standoff.app.data import Desk
from standoff.case.number import Number, Shift, Source, walk
from standoff.case.reason import written
from standoff.show import posterior as read
from standoff.show.screens.evidence import kind

HEAD = ("number", "part", "written", "unit", "kind of reason", "reason", "known from", "median before", "5% before",
        "95% before", "median after", "5% after", "95% after")  # fmt: skip
KINDS = {
    "source": "a source named", "both": "judgement, with a source", "judgement": "judgement alone",
    "generic": "generic prior (judgement)", "item": "reason given with its item", "none": "no reason",
}  # fmt: skip


@dataclass(frozen=True)
class Parameter:
    """A number of the case; `before` and `after` are percentiles 5, 25, 50, 75, 95 where it was inferred."""

    path: str
    part: str
    written: str
    unit: str
    kind: str
    reason: str
    known: str
    before: tuple[float, ...] | None = None
    after: tuple[float, ...] | None = None

    @property
    def cells(self) -> list[str]:
        """As a row of a table, by `HEAD`."""
        bands = []
        for band in (self.before, self.after):
            bands += ["", "", ""] if band is None else [f"{band[2]:.6g}", f"{band[0]:.6g}", f"{band[4]:.6g}"]
        return [self.path, self.part, self.written, self.unit, KINDS[self.kind], self.reason, self.known, *bands]


def parameters(desk: Desk) -> tuple[Parameter, ...]:
    """All numbers of the case, in its order; those that the record was asked about carry prior and posterior."""
    return desk.keep("parameters", lambda: tuple(_parameters(desk)))


def _parameters(desk: Desk) -> list[Parameter]:
    case = desk.loaded.case
    bare = {b.path for b in desk.audit.numbers_without_reason}
    zero = {f"issues.{i.id}.terms.{i.terms[0].id}.{n}" for i in case.issues for n in ("gain", "price")}
    bands = _bands(desk)
    found = []
    for path, number in walk(case):
        if path in zero:
            continue
        before, after = bands.get(path, (None, None))
        found.append(Parameter(
            path, path.split(".")[0], written(number), number.unit or "", kind(number, path, bare), _reason(number),
            str(number.public_from or ""), before, after,
        ))  # fmt: skip
    return found


def _reason(number: Number) -> str:
    parts = [number.judgement] if isinstance(number.judgement, str) else ["judgement"] if number.judgement else []
    parts += [r.source if isinstance(r, Source) else f"claim {r}" for r in number.because]
    return "; ".join(parts)


def _bands(desk: Desk) -> dict[str, tuple[tuple[float, ...], tuple[float, ...]]]:
    """Prior and posterior by the path of the number in the case, where the record was asked about it."""
    tree = desk.posterior
    if tree is None or not read.whole(tree):
        return {}
    found = {}
    data = tree["numbers"].ds
    paths = {_plain(path): path for path, _ in walk(desk.loaded.case)}
    for name in (str(n) for n in data["number"].values):
        one = data.sel(number=name)
        before, after = (tuple(float(v) for v in one[key].values) for key in ("prior_band", "band"))
        for told in str(one["paths"].item()).replace(",", " ").split():
            if (path := paths.get(_plain(told))) is not None:
                found[path] = (before, after)
    return found


def _plain(path: str) -> str:
    """A path as the posterior writes it: of a view's difference without what only gives it its place in the file."""
    steps = path.split(".")
    if steps[0] == "views" and "set" in steps:
        steps = [step for step in steps if step not in ("differences", "set")]
        steps = steps[:-1] if steps[-1] in Shift.model_fields else steps
    return ".".join(steps)
