"""Reads a case: a folder of YAML files, one file, or the name of a shipped case.

In reading order: which files belong to it, their content with places (`place`), the schema (`crisis` and its
neighbours, through `explain`), who refers to whom (`reference`), and what must hold between parts (`check`).
All problems are collected and raised at once.
"""

import hashlib
import json
import stat
from dataclasses import dataclass, field
from pathlib import Path as FilePath

from pydantic import ValidationError

from standoff.case import fitted
from standoff.case.check import check
from standoff.case.crisis import Case
from standoff.case.explain import explain, nearest
from standoff.case.generic import with_generic_numbers
from standoff.case.place import Path, Place, Sources, Tree, parse
from standoff.case.reference import references
from standoff.errors import CaseError, Problem

FILE_LIMIT = 4 * 2**20
"""Bytes that one file may hold."""
CASE_LIMIT = 16 * 2**20
"""Bytes that all files of a case may hold together."""
FILES_LIMIT = 200
"""Files that a case may consist of."""
SUFFIXES = (".yaml", ".yml")
_NO_DATA = "A case holds no texts and no data: keep those elsewhere."
SHIPPED = FilePath(__file__).resolve().parents[1] / "cases"


@dataclass(frozen=True)
class LoadedCase:
    """A case that passed every check, and where each thing in it was written.

    `problems` holds the warnings: what an analyst should look at, though the case can be used.
    """

    case: Case
    name: str
    root: FilePath
    digest: str
    problems: tuple[Problem, ...] = ()
    sources: Sources = field(default_factory=lambda: Sources(""), repr=False, compare=False)

    def place(self, where: str | Path) -> str:
        """File, line and column of a path (`parameters.force.success`, or a tuple) or of an id."""
        if isinstance(where, tuple):
            return self.sources.at(where)
        if "." in where or where in self.sources.data:
            return self.sources.at(tuple(where.split(".")))
        for part, items in self.sources.data.items():
            if isinstance(items, list) and any(isinstance(i, dict) and i.get("id") == where for i in items):
                return self.sources.at((part, where))
        return self.sources.name


def shipped_cases() -> list[str]:
    """Names of the cases that come with the library."""
    if not SHIPPED.is_dir():
        return []
    return sorted(
        path.name
        for path in SHIPPED.iterdir()
        if path.is_dir() and any(inner.suffix in SUFFIXES for inner in path.iterdir())
    )


def load_case(path: str | FilePath) -> LoadedCase:
    """Read and check a case; every problem found is in the `CaseError` that it raises.

    Args:
        path: A folder of YAML files, one YAML file, or the name of a shipped case.
    """
    root = _root(path)
    sources, problems, whole = _gather(root)
    if not whole:
        raise CaseError(problems)
    case, schema_problems, broken = _validated(sources)
    noted = {problem.place for problem in problems}
    problems += [problem for problem in schema_problems if problem.place not in noted]
    noted |= {problem.place for problem in schema_problems}
    problems += [problem for problem in references(sources) if problem.place not in noted]
    warnings: list[Problem] = []
    unsaid: list[Problem] = []
    if case is not None:
        case_digest = _digest(case)
        if case.priors is not None:
            place = sources.at(("priors", "from"))
            folder = root if root.is_dir() else root.parent
            fit = fitted.read(folder / case.priors.file, folder, place)
            if isinstance(fit, Problem):
                problems.append(fit)
            else:
                case.priors.numbers.update(fit.numbers)
                case_digest = hashlib.sha256(f"{case_digest} {fit.digest}".encode()).hexdigest()
                unsaid = [Problem(place, f"the fit does not say {path}: there the library's generic number stands",
                                  "Nothing to mend; know it.", "priors") for path in fit.lacking]  # fmt: skip
                unsaid += [Problem(place, f"by the fit force itself is worth more to the {kind} type than it costs, so "
                                   "its cost is 0", "Nothing to mend; know it, or write 'force_cost'.", "priors")
                           for kind in fit.costless]  # fmt: skip
        case, by_type = with_generic_numbers(case, sources)
        errors, warnings = check(case, sources, broken)
        problems += errors if "parameters" in broken else by_type + errors  # what is lacking may be what was left out
        warnings += unsaid
    if problems or case is None:
        raise CaseError(problems)
    name = root.name if root.is_dir() else root.stem
    return LoadedCase(case, name, root, case_digest, tuple(sorted(warnings)), sources)


def _root(path: str | FilePath) -> FilePath:
    given = FilePath(path)
    try:
        if given.exists():
            return given
    except (OSError, ValueError):
        pass
    shipped = shipped_cases()
    if str(path) in shipped:
        return SHIPPED / str(path)
    close = nearest(str(path), shipped)
    remedy = f"Did you mean the shipped case '{close}'?" if close else "'standoff cases' lists the shipped ones."
    raise CaseError([Problem(str(path), "there is no such folder, file or shipped case", remedy, "file")])


def _gather(root: FilePath) -> tuple[Sources, list[Problem], bool]:
    """Content of all files of a case as one; whether all of them could be read to the end."""
    sources = Sources(name=root.name or str(root))
    problems: list[Problem] = []
    whole = True
    texts: list[tuple[str, str]] = []
    total = 0
    for file in _files(root):
        text, problem = _text(file, root)
        if text is None:
            problems.append(problem or Problem(file.name, "it cannot be read", kind="file"))
            whole = False
            continue
        texts.append((file.name, text))
        total += len(text.encode())
        if total > CASE_LIMIT:
            what = f"the files of this case are larger than {CASE_LIMIT // 2**20} MiB together"
            raise CaseError([Problem(file.name, what, _NO_DATA, "file")])
    for label, text in texts:
        parsed = parse(text, label)
        problems += parsed.problems
        whole = whole and parsed.whole
        if parsed.data is None:
            continue
        if not isinstance(parsed.data, dict):
            remedy = "Begin with the name of a part, such as 'claims:', and indent what belongs to it."
            place = str(parsed.values.get((), Place(label)))
            problems.append(Problem(place, "this file is not a mapping of parts of a case", remedy, "syntax"))
            whole = False
            continue
        problems += _merge(sources, parsed.data, parsed.keys, parsed.values)
    return sources, problems, whole


def _files(root: FilePath) -> list[FilePath]:
    if not root.is_dir():
        return [root]
    try:
        names = sorted(p.name for p in root.iterdir() if p.suffix in SUFFIXES and not p.name.startswith("."))
    except OSError as error:
        raise CaseError([Problem(str(root), f"the folder cannot be read: {error.strerror}", kind="file")]) from None
    if not names:
        remedy = "'standoff new DIR' writes a small case to start from."
        raise CaseError([Problem(str(root), "this folder holds no .yaml file", remedy, "file")])
    if len(names) > FILES_LIMIT:
        problem = f"this folder holds {len(names)} YAML files; a case may have {FILES_LIMIT}"
        raise CaseError([Problem(str(root), problem, "Name the folder of one case.", "file")])
    return [root / name for name in names]


def _text(file: FilePath, root: FilePath) -> tuple[str | None, Problem | None]:
    label = file.name
    try:
        if root.is_dir() and not file.resolve().is_relative_to(root.resolve()):
            remedy = "Copy the file into the folder."
            return None, Problem(label, "this link leads out of the folder of the case", remedy, "file")
        if not stat.S_ISREG(file.stat().st_mode):
            return None, Problem(label, "this is not a plain file", "Remove or rename it.", "file")
        with file.open("rb") as stream:
            content = stream.read(FILE_LIMIT + 1)
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or "it is a loop of links"
        return None, Problem(label, f"it cannot be read: {reason}", "Mend or remove it.", "file")
    if len(content) > FILE_LIMIT:
        problem = f"this file is larger than {FILE_LIMIT // 2**20} MiB"
        return None, Problem(label, problem, _NO_DATA, "file")
    try:
        return content.decode("utf-8-sig"), None
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8", errors="replace")
        place = Place(label, before.count("\n") + 1, len(before) - before.rfind("\n"))
        remedy = "Save the file as UTF-8."
        return None, Problem(str(place), f"the byte 0x{content[error.start]:02x} is not UTF-8", remedy, "file")


def _merge(
    sources: Sources, data: dict[str, Tree], keys: dict[Path, Place], values: dict[Path, Place]
) -> list[Problem]:
    """Add the parts of one file: lists grow, and a mapping may stand in one file only."""
    problems = []
    offsets: dict[str, int] = {}
    for part, content in data.items():
        before = sources.data.get(part)
        if part not in sources.data:
            sources.data[part] = content
        elif isinstance(content, list) and isinstance(before, list):
            offsets[part] = len(before)
            sources.data[part] = before + content
        else:
            first = sources.keys[(part,)]
            remedy = f"It is already at {first}: keep it in one file."
            problems.append(Problem(str(keys[(part,)]), f"the part '{part}' stands in two files", remedy, "merge"))
            offsets[part] = -1
    for old, new in ((keys, sources.keys), (values, sources.values)):
        for path, place in old.items():
            offset = offsets.get(str(path[0]), 0) if path else 0
            if not path or offset < 0:
                continue
            moved = (path[0], path[1] + offset, *path[2:]) if len(path) > 1 and isinstance(path[1], int) else path
            new.setdefault(moved, place)
    return problems


def _validated(sources: Sources) -> tuple[Case | None, list[Problem], set[str]]:
    """The case; where the schema is broken, also what can be saved of it, so that the rest gets checked.

    The set names the parts from which something was left out.
    """
    try:
        return Case.model_validate(sources.data), [], set()
    except ValidationError as error:
        found = explain(error, sources)
    problems = [finding.problem for finding in found]
    change: dict[Path, str | None] = {}
    broken: set[str] = set()
    for finding in found:
        path = finding.path
        if not path:
            return None, problems, set()
        if finding.unknown:
            change[path] = finding.meant
            continue
        broken.add(str(path[0]))
        items = [path[:end] for end in range(1, len(path) + 1) if isinstance(path[end - 1], int)]
        change[items[0] if items else path] = None
    try:
        return Case.model_validate(_changed(sources.data, (), change)), problems, broken
    except ValidationError:
        return None, problems, set()


def _changed(here: Tree, path: Path, change: dict[Path, str | None]) -> Tree:
    """The data with keys renamed to what was meant by them, and without what cannot be read."""
    if isinstance(here, dict):
        named: dict[str, Tree] = {}
        for key, value in here.items():
            name = change.get((*path, key), key)
            if name is not None and name not in named and (name == key or name not in here):
                named[name] = _changed(value, (*path, key), change)
        return named
    if isinstance(here, list):
        return [_changed(v, (*path, i), change) for i, v in enumerate(here) if (*path, i) not in change]
    return here


def _digest(case: Case) -> str:
    """SHA-256 of what the analyst wrote, whatever its comments, order of keys, or split over files."""
    content = case.model_dump(mode="json", exclude_unset=True)
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
