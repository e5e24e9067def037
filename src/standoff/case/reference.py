"""Who refers to whom in a case: every id that is used must be declared, and declared once.

Works on the content of the files, not on the checked schema, so that these problems are found together with
those of the schema.
"""

from collections.abc import Iterator
from dataclasses import replace

from standoff.case.explain import shown, suggestion
from standoff.case.place import Path, Sources, Tree
from standoff.errors import Problem

REFERENCES: dict[str, tuple[str, ...]] = {
    "crisis.start_rung": ("ladder",),
    "claims.*.chain.*": ("documents", "origins"),
    "claims.*.question": ("questions",),
    "claims.*.supports.*": ("claims",),
    "claims.*.contradicts.*": ("claims",),
    "claims.*.anchor.document": ("documents",),
    "documents.*.relays": ("origins", "documents"),
    "documents.*.relays.*": ("origins", "documents"),
    "events.*.who": ("actors",),
    "events.*.move.rung": ("ladder",),
    "events.*.move.package": ("packages",),
    "events.*.accounts.*.move.rung": ("ladder",),
    "events.*.accounts.*.move.package": ("packages",),
    "events.*.accounts.*.read_as.rung": ("ladder",),
    "events.*.accounts.*.read_as.package": ("packages",),
    "forecasts.*.by": ("origins", "actors", "documents"),
    "views.*.other": ("views",),
    "views.*.alternative": ("views",),
    "views.*.inside": ("views",),
    "world.exit.destinations.*.host": ("actors",),
    "world.patrons.*.actor": ("actors",),
    "world.mediators.*.actor": ("actors",),
    "world.successors.*.actor": ("actors",),
    "world.cascade.hosts.*.actor": ("actors",),
    "world.cascade.ally": ("actors",),
}
"""Where ids of other things are used (`*`: any item), and the parts that may declare them.

`because` cites claims wherever it stands; keys that are ids are in `_key_references`.
"""

BASE = "base"
"""What a view's `alternative` may be beside a view: the base game, which is declared nowhere."""

_ONE = {
    "actors": "actor", "ladder": "rung", "issues": "issue", "packages": "package", "views": "view",
    "origins": "origin", "documents": "document", "questions": "question", "claims": "claim",
}  # fmt: skip


_REQUIRED = ("actors", "ladder")
"""Parts without which there is no case."""


def references(sources: Sources) -> list[Problem]:
    """Dangling references and ids that are declared twice."""
    known = {part: list(_ids(sources.data.get(part))) for part in _ONE}
    return [*_doubles(sources), *_dangling(sources, known), *_key_references(sources, known)]


def _ids(items: Tree) -> Iterator[str]:
    if isinstance(items, list):
        for item in items:
            name = item.get("id") if isinstance(item, dict) else None
            if isinstance(name, str):
                yield name


def _doubles(sources: Sources) -> Iterator[Problem]:
    for path, items in _lists(sources.data, ()):
        first: dict[str, int] = {}
        for index, item in enumerate(items):
            name = item.get("id") if isinstance(item, dict) else None
            if not isinstance(name, str):
                continue
            if name in first:
                before = sources.at((*path, first[name], "id"))
                remedy = f"It is already at {before}: rename one of them."
                problem = f"the id '{name}' is used twice in {path[-1]}"
                yield Problem(sources.at((*path, index, "id")), problem, remedy, "duplicate")
            else:
                first[name] = index
    documents = set(_ids(sources.data.get("documents")))
    for name in _ids(sources.data.get("origins")):
        if name in documents:
            before = sources.at(("documents", name, "id"))
            problem = f"the id '{name}' is that of a document too, and a chain could mean either"
            remedy = f"The document is at {before}: rename one of them."
            yield Problem(sources.at(("origins", name, "id")), problem, remedy, "duplicate")


def _lists(here: Tree, path: Path) -> Iterator[tuple[Path, list[Tree]]]:
    steps: Iterator[tuple[str | int, Tree]] = iter(())
    if isinstance(here, list):
        yield path, here
        steps = iter(enumerate(here))
    elif isinstance(here, dict):
        steps = iter(here.items())
    for step, item in steps:
        yield from _lists(item, (*path, step))


def _dangling(sources: Sources, known: dict[str, list[str]]) -> Iterator[Problem]:
    into_nothing: dict[tuple[str, ...], list[Problem]] = {}
    for path, value in sources.leaves():
        if not isinstance(value, str):
            continue
        pattern = ".".join("*" if isinstance(step, int) else step for step in path)
        last = next((step for step in reversed(path) if isinstance(step, str)), "")
        parts = ("claims",) if last == "because" else REFERENCES.get(pattern)
        if parts is None or any(value in known[part] for part in parts):
            continue
        if pattern == "views.*.alternative" and value == BASE:
            continue
        if parts[0] in _REQUIRED and parts[0] not in sources.data:
            continue  # that the part is lacking is told already
        problem = _unknown(sources.at(path), value, parts, known)
        if any(known[part] for part in parts):
            yield problem
        else:
            into_nothing.setdefault(parts, []).append(problem)
    for problems in into_nothing.values():  # a part that is not there yet is told once
        first = min(problems)
        more = f" It has {len(problems) - 1} more such references." if len(problems) > 1 else ""
        yield replace(first, remedy=first.remedy + more)


def _unknown(place: str, value: str, parts: tuple[str, ...], known: dict[str, list[str]]) -> Problem:
    kinds = [_ONE[part] for part in parts]
    article = "an" if kinds[0][0] in "aio" else "a"
    wanted = f"{article} {kinds[0]}" if len(kinds) == 1 else f"{article} {', '.join(kinds[:-1])} or {kinds[-1]}"
    elsewhere = next((_ONE[part] for part in known if part not in parts and value in known[part]), None)
    allowed = [name for part in parts for name in known[part]]
    remedy = suggestion(value, allowed)
    if elsewhere is not None:
        remedy = f"It is the id of {'an' if elsewhere[0] in 'aio' else 'a'} {elsewhere}. {remedy}".strip()
        if parts == ("claims",):
            remedy = f"'{value}' is the id of a {elsewhere}: cite one of the claims, or write {{source: ...}}."
    elif not allowed:
        remedy = f"This case declares none yet: add it under '{parts[0]}:'."
    elif not remedy.startswith("Did"):
        remedy = f"{remedy} Or add it under '{parts[0]}:'."
    return Problem(place, f"{shown(value)} is not {wanted} of this case", remedy, "reference")


def _key_references(sources: Sources, known: dict[str, list[str]]) -> Iterator[Problem]:
    types = {side: _types(sources, side) for side in ("coercer", "target")}
    for side, name in (("coercer", "force_cost"), ("target", "exit_loss"), ("target", "flight_loss")):
        path: Path = ("parameters", side, name)
        for key in _keys(sources, path):
            if types[side] and key not in types[side]:
                problem = f"'{key}' is not a type of the {side}"
                yield Problem(sources.key_at((*path, key)), problem, suggestion(key, types[side]), "reference")
    for path in (("world", "force", "troops_by_rung"), ("world", "domestic", "legal_by_rung")):
        for key in _keys(sources, path):
            if key not in known["ladder"]:
                yield _unknown(sources.key_at((*path, key)), key, ("ladder",), known)
    for index, actor in enumerate(_items(sources, "actors")):
        path = ("actors", index, "type_titles")
        words = _texts(actor.get("types"))
        for key in _keys(sources, path):
            if key not in words:
                problem = f"'{key}' is not a type of '{actor.get('id')}'"
                yield Problem(sources.key_at((*path, key)), problem, suggestion(key, words), "reference")
    terms = {str(issue.get("id")): list(_ids(issue.get("terms"))) for issue in _items(sources, "issues")}
    for index in range(len(_items(sources, "packages"))):
        path = ("packages", index, "terms")
        for key in _keys(sources, path):
            if key not in terms:
                yield _unknown(sources.key_at((*path, key)), key, ("issues",), known)
                continue
            term = sources.get((*path, key))
            if isinstance(term, str) and term not in terms[key]:
                problem = f"'{term}' is not a term of the issue '{key}'"
                yield Problem(sources.at((*path, key)), problem, suggestion(term, terms[key]), "reference")


def _keys(sources: Sources, path: Path) -> list[str]:
    value = sources.get(path)
    return list(value) if isinstance(value, dict) else []


def _items(sources: Sources, part: str) -> list[dict[str, Tree]]:
    """Items of a part by position; what is not a mapping is taken for an empty one."""
    items = sources.data.get(part)
    return [item if isinstance(item, dict) else {} for item in items] if isinstance(items, list) else []


def _types(sources: Sources, side: str) -> list[str]:
    for actor in _items(sources, "actors"):
        if actor.get("role") == side:
            return _texts(actor.get("types"))
    return []


def _texts(items: Tree) -> list[str]:
    return [word for word in items if isinstance(word, str)] if isinstance(items, list) else []
