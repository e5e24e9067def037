"""What a role may see of a game: the one door through which anything leaves for a page, a socket, a file or a program.

| | observer | player | facilitator |
|---|---|---|---|
| public record, public state, news, messages to all | yes | yes | yes |
| own type, own adviser, own moves that are possible, own payoff, cables sent and received, own draft | | yes | |
| both types, who plays, views, advisers, payoffs, every cable, hidden injections, the seed | | | yes |
| debrief and export | once the game is over | once the game is over | export always |
| how the real crisis went on and ended (`briefing`) | once the game is over | once the game is over | yes |

A player's models have no field for what is not his. Steps that a role does not see leave no gap: what is shown is
numbered by moves, and a version is the digest of what is shown, so that it changes only with it. Whether a move came
from a person, a strategy or the clock is shown to the facilitator alone.
"""

import datetime as dt
import hashlib
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from standoff.case.crisis import Case
from standoff.play.advice import Advice, advise
from standoff.play.board import SIDES
from standoff.play.refusal import Refused
from standoff.play.seats import Caller
from standoff.play.table import Ending, Option, Step, Table

Row = dict[str, Any]
Side = Literal["coercer", "target"]


class Shown(BaseModel):
    """Base of all that is shown: frozen, and without room for anything else."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Act(Shown):
    """A move: class and, for a climb or an offer, rung or package."""

    move: str
    rung: str | None = None
    package: str | None = None


class Choice(Act):
    """A move that can be made now."""

    ends: bool = Field(description="Whether it ends the game.")


class Likely(Act):
    """A move with a chance."""

    chance: float


class Answering(Act):
    """What the adviser expects after a move of one's own."""

    answers: dict[str, float] = Field(description="Chances of the other's next class of move.")
    removed: float = Field(description="Chance that the leader is removed from within before that.")


class Advised(Shown):
    """The adviser's word: the solution of the seat's own view, from the public record and its own type."""

    view: str
    precision: float
    other_firm: float = Field(description="Chance that the other is of his firm type, as believed.")
    thinks_me_firm: float = Field(description="What the other is thought to believe of oneself.")
    expects: list[Likely] = Field(description="On the other's turn: what he is expected to do.")
    would_do: list[Likely] = Field(description="On the own turn: what the solution would do.")
    replies: list[Answering] = Field(description="On the own turn: what the other is expected to answer.")
    worth: float | None = Field(description="What going on is worth at the start of a round, in the own unit.")
    taken_for: str | None = Field(description="For what the other's latest move was taken, if for another one.")
    dropped_view: bool = Field(description="Whether the record has spoken too much against the view first held.")
    solved: str


class Recorded(Shown):
    """A line of the public record."""

    kind: Literal["move", "nature", "news", "levels", "removal", "stop", "end"]
    round: int = Field(description="From 1.")
    date: dt.date
    side: str | None = None
    move: str | None = None
    rung: str | None = None
    package: str | None = None
    squeeze: int | None = None
    cohesion: int | None = None
    text: str | None = None


class RecordedInside(Recorded):
    """A line of the record as the facilitator sees it."""

    kind: Literal["move", "nature", "news", "levels", "removal", "stop", "end", "scene"]  # type: ignore[assignment]
    by: str | None = None
    late: bool = False
    to: str | None = None
    ratio: float | None = None


class Told(Shown):
    """A message."""

    sender: str
    to: str
    round: int
    text: str
    at: dt.datetime


class Ended(Shown):
    """How it ended: outcome of the rules, ending of the report, mode of force, package, round from 1."""

    outcome: str
    ending: str
    mode: str | None
    package: str | None
    round: int


class Where(Shown):
    """Where the crisis stands."""

    rung: str
    clock: int = Field(description="Turns of the coercer until an ultimatum runs out; 0 where none runs.")
    offer_by: str | None
    offer: str | None
    squeeze: int
    cohesion: int


class Public(Shown):
    """What everybody at the table sees."""

    game: str
    title: str
    role: str
    status: Literal["open", "paused", "over"]
    round: int = Field(description="From 1.")
    rounds: int
    date: dt.date = Field(description="First day of the round.")
    turn: int = Field(description="Moves made so far; a move names the turn that it is meant for.")
    to_move: str | None
    deadline: dt.datetime | None = Field(description="When a missing move is taken for hold or defy (UTC).")
    where: Where
    record: list[Recorded]
    messages: list[Told]
    ending: Ended | None
    debrief: bool = Field(description="Whether the debrief can be read by this role now.")


class Mine(Shown):
    """What only the player of a seat sees."""

    side: Side
    type: str
    type_title: str
    view: str
    options: list[Choice]
    advice: Advised | None
    pays: dict[str, float] = Field(description="What endings and packages pay one's own type, in one's own view.")
    paid: float = Field(description="What the crisis has paid so far, discounted, in one's own unit.")
    draft: str | None


class PlayerSight(Public):
    """What a player sees."""

    mine: Mine


class SeatInside(Shown):
    """A seat as the facilitator sees it."""

    side: Side
    type: str
    type_title: str
    player: Literal["person", "strategy"]
    view: str
    precision: float | None
    paid: float
    advice: Advised | None


class FacilitatorSight(Public):
    """What the facilitator sees."""

    record: list[RecordedInside]  # type: ignore[assignment]
    seats: list[SeatInside]
    options: list[Choice]
    seed: int
    seconds: float | None


Sight = Public | PlayerSight | FacilitatorSight


def version(shown: BaseModel) -> str:
    """A digest of what is shown: it changes only with what this caller sees."""
    return hashlib.sha256(shown.model_dump_json().encode()).hexdigest()[:16]


def day(case: Case, round_: int, *, half: bool = False) -> dt.date:
    """First day of a round (from 0), or the day in its middle, from which the target's half counts."""
    length = case.crisis.round_days
    return case.crisis.starts + dt.timedelta(days=round_ * length + (length // 2 if half else 0))


def may_debrief(row: Row, caller: Caller) -> bool:
    """Whether a role may read the debrief: once the game is over, and the facilitator lets the others."""
    return row["status"] == "over" and (caller.role in ("facilitator", "host") or row["debrief"] == "end")


def require_debrief(row: Row, caller: Caller) -> None:
    """Refuse the debrief to whom it is not open."""
    if not may_debrief(row, caller):
        early = row["status"] != "over"
        raise Refused("The game is not over yet." if early else "The facilitator has not opened the debrief.", 403)


def may_export(row: Row, caller: Caller) -> bool:
    """Whether a role may take the record away as an event file."""
    return caller.role in ("facilitator", "host") or row["status"] == "over"


def hears(message: Row, caller: Caller) -> bool:
    """Whether a message is for a role."""
    if caller.role in ("facilitator", "host"):
        return True
    return message["to"] == "all" or caller.role in (message["sender"], message["to"])


def sees(step: Step, caller: Caller) -> bool:
    """Whether a step of a game is public, or for this role."""
    if caller.role in ("facilitator", "host"):
        return True
    return step["kind"] != "injection" or (step["what"] != "scene" and step.get("to", "all") in ("all", caller.role))


def see(case: Case, row: Row, seats: dict[str, Row], table: Table, messages: list[Row], caller: Caller) -> Sight:
    """What a caller sees of his game now.

    Args:
        case: The case that is played.
        row: The game's row.
        seats: Both seats' rows, by side.
        table: The game in play.
        messages: All messages of the game.
        caller: Who asks.
    """
    inside = caller.role == "facilitator"
    shown = _public(case, row, table, messages, caller)
    if inside:
        return FacilitatorSight(
            **shown, seats=[_seat(case, seats[side], table, side) for side in ("coercer", "target")],
            options=_choices(table), seed=row["seed"], seconds=row["seconds"],
        )  # fmt: skip
    if caller.side is not None:
        return PlayerSight(**shown, mine=_mine(case, seats[caller.side], table, caller.side))
    return Public(**shown)


def _public(case: Case, row: Row, table: Table, messages: list[Row], caller: Caller) -> Row:
    pending, marks = table.pending, table.marks
    over = row["status"] == "over"
    return {
        "game": row["id"], "title": row["title"], "role": caller.role, "status": row["status"],
        "round": table.round + 1, "rounds": table.board.rounds, "date": day(case, table.round), "turn": table.turn,
        "to_move": None if over else table.side, "deadline": _time(row["deadline"]),
        "where": Where(
            rung=table.board.rungs[marks["rung"]], clock=marks["clock"], squeeze=marks["squeeze"],
            cohesion=marks["cohesion"], offer_by=pending[0] if pending else None, offer=pending[1] if pending else None,
        ),
        "record": [_line(case, s, inside=caller.role == "facilitator") for s in table.steps if sees(s, caller)],
        "messages": [
            Told(sender=m["sender"], to=m["to"], round=m["round"] + 1, text=m["text"], at=_time(m["at"]))
            for m in messages if hears(m, caller)
        ],
        "ending": _ended(table.ending), "debrief": may_debrief(row, caller),
    }  # fmt: skip


def _time(at: float | None) -> Any:  # noqa: ANN401 (a time, or none where there is none)
    return None if at is None else dt.datetime.fromtimestamp(round(at, 3), dt.UTC)


def _ended(ending: Ending | None) -> Ended | None:
    return None if ending is None else Ended(**vars(ending) | {"round": ending.round + 1})


def _line(case: Case, step: Step, *, inside: bool) -> Recorded:
    kind = step["what"] if step["kind"] == "injection" else step["kind"]
    half = step.get("side") == "target" or kind != "move"
    line: Row = {"kind": kind, "round": step["round"] + 1, "date": day(case, step["round"], half=half)}
    if kind == "end":
        line["text"] = step["ending"]
    for name in ("side", "move", "rung", "package", "squeeze", "cohesion", "text"):
        if name in step:
            line[name] = step[name]
    if kind == "nature" and step.get("removed"):
        line["text"] = "removed from within"
    if inside:
        return RecordedInside(**line, **{k: step[k] for k in ("by", "late", "to", "ratio") if k in step})
    return Recorded(**line)


def _act(option: Option) -> Row:
    return {"move": option.move, "rung": option.rung, "package": option.package}


def _choices(table: Table) -> list[Choice]:
    return [Choice(**_act(option), ends=option.ends) for option in table.options()]


def _mine(case: Case, seat: Row, table: Table, side: str) -> Mine:
    i = SIDES.index(side)
    leader, kind = case.leader(side), table.types[i]  # type: ignore[arg-type]
    held = table.held[i]
    name = table.board.types[i][kind]
    return Mine(
        side=side,
        type=name, type_title=leader.type_titles.get(name, name), view=seat["view"],
        options=_choices(table) if table.side == side else [], advice=_advised(advise(table, side)),
        pays={k: round(v[kind], 6) for k, v in held.pays.items()} if held is not None else {},
        paid=round(float(table.payoff[i]), 6), draft=seat["draft"],
    )  # fmt: skip


def _seat(case: Case, seat: Row, table: Table, side: str) -> SeatInside:
    i = SIDES.index(side)
    name = table.board.types[i][table.types[i]]
    return SeatInside(
        side=side, type=name, type_title=case.leader(side).type_titles.get(name, name),  # type: ignore[arg-type]
        player=seat["player"], view=seat["view"],
        precision=seat["precision"], paid=round(float(table.payoff[i]), 6), advice=_advised(advise(table, side)),
    )  # fmt: skip


def _advised(advice: Advice | None) -> Advised | None:
    if advice is None:
        return None

    def likely(chances: tuple[tuple[Option, float], ...]) -> list[Likely]:
        return [Likely(**_act(option), chance=round(chance, 6)) for option, chance in chances]

    replies = [
        Answering(**_act(r.option), answers={k: round(v, 6) for k, v in r.classes.items()}, removed=round(r.removed, 6))
        for r in advice.replies
    ]
    return Advised(
        view=advice.view, precision=advice.precision, other_firm=round(advice.other_firm, 6),
        thinks_me_firm=round(advice.thinks_me_firm, 6), expects=likely(advice.expected),
        would_do=likely(advice.solution), replies=replies, taken_for=advice.taken, dropped_view=advice.dropped,
        worth=None if advice.worth is None else round(advice.worth, 6), solved=advice.status,
    )  # fmt: skip
