"""The JSON Schema of a case, for editors and other programs.

A case may be spread over several files, so no part is required of a single one; a number may be written
plainly, and so may a date, a move or a reason.
"""

from typing import Any

from standoff.case.crisis import Case

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def case_schema() -> dict[str, Any]:
    """The schema of one file of a case."""
    content = Case.model_json_schema()
    content.pop("required", None)
    definitions = content["$defs"]
    for name in ("Number", "Shift"):
        _or(definitions, name, {"type": "number"})
    if "Number" in definitions and "Shift" in definitions:
        definitions["Shift"]["anyOf"].append({"$ref": "#/$defs/Number"})
    _or(definitions, "When", {"type": "string", "format": "date"}, {"const": "unknown"})
    classes = definitions["Move"]["properties"]["move"]
    _or(definitions, "Move", {key: value for key, value in classes.items() if key != "title"})
    _listed(content)
    title = "A file of a standoff case"
    return {"$schema": DIALECT, "title": title, **{k: v for k, v in content.items() if k != "title"}}


def _or(definitions: dict[str, Any], name: str, *short: dict[str, Any]) -> None:
    """Let a definition also be written in a short form."""
    if name in definitions:
        long = definitions[name]
        definitions[name] = {"description": long.pop("description", ""), "anyOf": [long, *short]}


def _listed(part: Any) -> None:  # noqa: ANN401 (JSON)
    """A list of reasons or of relays may be written as its one item."""
    if isinstance(part, dict):
        for name in ("because", "relays"):
            inner = part.get("properties", {}).get(name) if isinstance(part.get("properties"), dict) else None
            if isinstance(inner, dict) and inner.get("type") == "array":
                described = {key: inner.pop(key) for key in ("title", "description") if key in inner}
                part["properties"][name] = {**described, "anyOf": [inner, inner["items"]]}
        for value in part.values():
            _listed(value)
    elif isinstance(part, list):
        for value in part:
            _listed(value)
