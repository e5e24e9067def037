"""A played game as an event file of the case format, so that `standoff infer` reads it like a real record.

Every move is an event on the first day of its half of the round; hold and defy are events too, since a player chose
them, but where the clock played them nothing is told, which counts as silence. The game's server is the one origin of
all of it, a record that is always right. News of the facilitator are events without a move.
"""

import datetime as dt
import hashlib
import io
import json
from typing import Any

from ruamel.yaml import YAML

from standoff.case.crisis import Case
from standoff.case.load import LoadedCase
from standoff.play.sight import day
from standoff.play.table import Step

Tree = dict[str, Any]
ORIGIN, DOCUMENT, CLAIM = "game-server", "game-record", "as-played"
EVIDENCE = ("origins", "documents", "questions", "claims", "events", "forecasts")
"""Parts of a case that are about the real crisis."""
ENDS = ("back-down", "concession", "settlement", "flight", "force", "coup", "stalemate")


def events(case: Case, game: str, title: str, steps: list[Step]) -> Tree:
    """A game as the parts `origins`, `documents`, `claims` and `events` of a case."""
    found: list[Tree] = []
    for step in steps:
        event = _event(case, len(found), step)
        if event is not None:
            found.append(event)
    end = next((step for step in steps if step["kind"] == "end"), None)
    if end is not None and end["outcome"] in ENDS:
        _ending(case, found, end)
    last = day(case, max((step["round"] for step in steps), default=0), half=True)
    text = json.dumps(found, sort_keys=True, default=str)  # of what is public alone: a digest tells what it is of
    return {
        "origins": [
            {"id": ORIGIN, "name": "The server on which the game was played", "kind": "record",
             "reliability": {"value": 1.0, "judgement": "it wrote down every move as it was made"}},
        ],
        "documents": [
            {"id": DOCUMENT, "about": f"Record of the game '{title[:200]}' ({game})", "date": last, "public_from": last,
             "sha256": hashlib.sha256(text.encode()).hexdigest(), "relays": [ORIGIN]},
        ],
        "claims": [
            {"id": CLAIM, "says": "The moves of this game were made as told.", "chain": [DOCUMENT, ORIGIN],
             "date": last, "public_from": case.crisis.starts},
        ],
        "events": found,
    }  # fmt: skip


def _event(case: Case, number: int, step: Step) -> Tree | None:
    event: Tree = {"id": f"event-{number + 1}", "title": "", "date": day(case, step["round"]), "side": step.get("side")}
    if step["kind"] == "move":
        event["date"] = day(case, step["round"], half=step["side"] == "target")
        words = " ".join(part for part in (step["move"], step.get("rung") or step.get("package")) if part)
        event["title"] = f"Round {step['round'] + 1}, {step['side']}: {words}"
        if step.get("late"):
            event["title"] = f"Round {step['round'] + 1}, {step['side']}: no move in time"
        else:
            move = {k: step[k] for k in ("move", "rung", "package") if k in step}
            event["move"] = move if len(move) > 1 else step["move"]
    elif step["kind"] == "injection" and step["what"] == "news" and step.get("to", "all") == "all":
        event |= {"title": step["text"][:600], "side": step.get("side", "third")}
        event["date"] = day(case, step["round"], half=True)
    else:
        return None
    return event | {"because": [CLAIM], "public_from": event["date"]}


def _ending(case: Case, found: list[Tree], end: Step) -> None:
    """Mark the event that ended the game; what nobody did has an event of nature's."""
    if end["outcome"] in ("coup", "stalemate"):
        last: dt.date = day(case, end["round"] + 1) - dt.timedelta(days=1)
        title = "Removed from within" if end["outcome"] == "coup" else "The last round ends as it stood"
        found.append({"id": "ending", "title": title, "date": last, "side": "nature", "because": [CLAIM],
                      "public_from": last})  # fmt: skip
    found[-1]["ends"] = end["outcome"]
    if end.get("mode"):
        found[-1]["mode"] = end["mode"]


class _Writer(YAML):
    """Writes every value where it stands, without aliases."""

    def __init__(self) -> None:
        super().__init__(typ="safe", pure=True)
        self.default_flow_style = False
        self.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
        self.width = 100
        self.allow_unicode = True
        self.representer.ignore_aliases = lambda *_: True


def _yaml(tree: Tree, head: str) -> str:
    out = io.StringIO()
    _Writer().dump(tree, out)
    return "".join(f"# {line}\n" for line in head.splitlines()) + out.getvalue()


def event_file(loaded: LoadedCase, game: str, title: str, steps: list[Step]) -> str:
    """The events of a game as a YAML file, which takes the place of a case's own events and forecasts.

    Its first lines say how it is put into a copy of the case, and which dates there the game was ahead of.
    """
    made = events(loaded.case, game, title, steps)
    head = (
        f"A game played on the case {loaded.case.crisis.id}, digest {loaded.digest}.",
        "`standoff play export CASE GAME --whole` writes the case with these events, for `standoff check` and `infer`.",
        "By hand: in a copy of the case remove the parts 'events' and 'forecasts', and put this file into its folder.",
        "The case's own claims, documents and origins stay: its numbers rest on them.",
        *_ahead(loaded, made["events"]),
    )
    return _yaml(made, "\n".join(head))


def _ahead(loaded: LoadedCase, found: list[Tree]) -> list[str]:
    """Lines on the dates of rungs and packages that the game was ahead of: `check` refuses them beside its events."""
    shown: dict[tuple[str, str], dt.date] = {}
    for event in found:
        move = event.get("move")
        for part, key in (("ladder", "rung"), ("packages", "package")):
            if isinstance(move, dict) and key in move:
                item = (part, move[key])
                shown[item] = min(event["public_from"], shown.get(item, dt.date.max))
    dated = {
        (part, item.id): item.public_from
        for part, items in (("ladder", loaded.case.ladder), ("packages", loaded.case.packages))
        for item in items
    }
    late = [item for item, day in shown.items() if (since := dated.get(item)) is not None and since > day]
    if not late:
        return []
    told = "Remove there, too, 'public_from' of what the game showed before the crisis did:"
    return [told, *(f"  {loaded.place((*item, 'public_from'))} {item[1]}" for item in late)]


def case_file(loaded: LoadedCase, game: str, title: str, steps: list[Step]) -> str:
    """The case with a game's events in place of its own, as one YAML file: `standoff infer FILE` reads it.

    What the numbers rest on (claims, their documents and origins) stays; rungs and packages are public from the start,
    as they were to the players. A fit that the case names under `priors` must lie beside the new file.
    """
    made = events(loaded.case, game, title, steps)
    whole: Tree = {k: v for k, v in _plain(loaded.sources.data).items() if k not in ("events", "forecasts")}
    for part in EVIDENCE:
        if part in made:
            own = {item["id"] for item in made[part]}  # there before, where the case is itself a played one
            kept = [item for item in whole.get(part, []) if part != "events" and item["id"] not in own]
            whole[part] = [*kept, *made[part]]
    _reveal(whole)
    head = f"The case {loaded.case.crisis.id} with the events of a game that was played on it, '{title[:200]}'."
    return _yaml(whole, head)


def _reveal(whole: Tree) -> None:
    """Make the rungs and packages public from the start, as they were to those who played, whatever became of the case.

    In the case they may be dated by when they came about, which in a game can be earlier.
    """
    for part in ("ladder", "packages"):
        items = whole.get(part, [])
        for item in items.values() if isinstance(items, dict) else items:
            item.pop("public_from", None)


def _plain(tree: Any) -> Any:  # noqa: ANN401 (what a YAML file can hold)
    """A tree of plain mappings, lists and values."""
    if isinstance(tree, dict):
        return {str(key): _plain(value) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        return [_plain(value) for value in tree]
    return tree
