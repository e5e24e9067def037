"""Adds items to lists of a YAML file and leaves every other byte as it is: comments, order, quotes, line ends."""

from collections.abc import Callable
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from standoff.case.place import parse
from standoff.errors import Failure, UserError


def splice(text: str, added: dict[str, list[dict[str, Any]]], label: str, listed: Callable[..., list[str]]) -> str:
    """The text of a file of a case with items added to its parts.

    Args:
        text: What the file holds; nothing for a new one.
        added: Items by part; a part that the file lacks is begun at its end.
        label: Name of the file, for messages.
        listed: Lines of YAML for an item of a part.
    """
    before: Any = parse(text, label).data
    if text.strip() and before is not None and not isinstance(before, dict):
        raise UserError(f"{label}: this file is not a mapping of parts of a case.")
    end = "\r\n" if "\r\n" in text else "\n"
    lines = text.splitlines()
    root = YAML(pure=True).compose(text) if text.strip() else None
    keys = list(root.value) if isinstance(root, MappingNode) else []
    if isinstance(root, MappingNode) and root.flow_style:
        raise UserError(f"{label}: this file is one mapping in braces. Write its parts as lines, each 'part:'.")
    for place in reversed(range(len(keys))):  # from the end, so that the places of what is above stay right
        key, value = keys[place]
        items = added.get(key.value)
        if not items:
            continue
        if _empty(value):
            at = key.start_mark.line + 1
            note = lines[at - 1].find(" #")
            lines[at - 1] = f"{key.value}:" + (lines[at - 1][note:] if note >= 0 else "")
        elif not isinstance(value, SequenceNode) or value.flow_style:
            raise UserError(f"{label}: '{key.value}' is written in brackets. Write one item a line, each after '- '.")
        else:
            at = _end(lines, keys[place + 1][0].start_mark.line if place + 1 < len(keys) else len(lines))
        indent = " " * (2 if _empty(value) else value.start_mark.column)
        lines[at:at] = [indent + line for item in items for line in listed(item, key.value)]
    there = {key.value for key, _ in keys}
    for part, items in added.items():
        if items and part not in there:
            lines += [*([""] if lines and lines[-1].strip() else []), f"{part}:"]
            lines += [f"  {line}" for item in items for line in listed(item, part)]
    found = end.join(lines) + end
    _require(before or {}, added, parse(found, label).data, label)
    return found


def _empty(value: Node) -> bool:
    if isinstance(value, SequenceNode):
        return not value.value
    return isinstance(value, ScalarNode) and value.value in ("", "~", "null")


def _end(lines: list[str], at: int) -> int:
    """Where a list ends: before the blank lines, and the comments at the margin, that lead to what follows."""
    while at > 0 and (not lines[at - 1].strip() or lines[at - 1].startswith("#") or lines[at - 1] == "..."):
        at -= 1
    return at


def _require(before: dict[str, Any], added: dict[str, list[Any]], after: Any, label: str) -> None:  # noqa: ANN401
    """The file must now hold what it held, and the items."""
    wanted = dict(before)
    for part, items in added.items():
        if items:
            wanted[part] = [*(wanted.get(part) or []), *items]
    if after != wanted:
        raise Failure(f"{label}: items could not be added to it without changing something else. Nothing was written.")
