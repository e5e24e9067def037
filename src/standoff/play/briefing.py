"""The case in words, as those at the table are told it: players and observers only what was public when it begins.

A case is written with its ending known. Whoever plays it gets the leaders, the demand, the ladder, the packages and
what had happened and was public by the day before the first round (`standoff.case.asof`). What stands in brackets at
the end of a title (as a rule the day on which it really came about) and the summary are for those who run the game; the
summary is for all in the debrief.
"""

import datetime as dt

from pydantic import Field

from standoff.case.asof import as_of
from standoff.case.crisis import Case
from standoff.play.sight import Shown


class Before(Shown):
    """An event before the game: its date as well as it is known, in words, and what happened."""

    date: str
    title: str


class Rules(Shown):
    """The case as the players' briefing tells it; what differs between views is not in it."""

    case: str
    demand: str
    prize: str
    office: str
    starts: dt.date
    round_days: int
    rounds: int
    ultimatum_rounds: int
    leaders: dict[str, str]
    types: dict[str, list[str]]
    ladder: list[dict[str, str | bool]]
    packages: list[dict[str, str | list[str]]]
    before: list[Before] = Field(description="What was public on the day before the first round, the oldest first.")


class RulesInside(Rules):
    """The same for those who run the game."""

    summary: str = Field(description="The whole crisis in short, its ending too.")


def short(title: str) -> str:
    """A title without what stands in brackets at its end."""
    head, bracket, _ = title.partition(" (")
    return head if bracket and title.endswith(")") else title


def rules(case: Case, *, inside: bool) -> Rules:
    """The case in words.

    Args:
        case: The case, as it was written.
        inside: For those who run the game, and not for those who play it or look on.
    """
    terms = {issue.id: {term.id: f"{issue.title}: {term.title}" for term in issue.terms} for issue in case.issues}
    crisis = case.crisis
    leaders = {side: case.leader(side) for side in ("coercer", "target")}
    titled = str if inside else short
    found = Rules(
        case=crisis.title, demand=crisis.demand, prize=crisis.prize, office=crisis.office,
        starts=crisis.starts, round_days=crisis.round_days, rounds=crisis.rounds,
        ultimatum_rounds=crisis.ultimatum_rounds, leaders={side: one.name for side, one in leaders.items()},
        types={side: [one.type_titles.get(kind, kind) for kind in one.types] for side, one in leaders.items()},
        ladder=[
            {"id": r.id, "title": titled(r.title), "strike": r.strike, "ultimatum": r.ultimatum} for r in case.ladder
        ],
        packages=[
            {"id": p.id, "title": titled(p.title), "offered_by": p.offered_by,
             "terms": [terms[issue][term] for issue, term in p.terms.items()]}
            for p in case.packages if p.playable
        ],
        before=before(case),
    )  # fmt: skip
    return RulesInside(**dict(found), summary=crisis.summary) if inside else found


def before(case: Case) -> list[Before]:
    """What had happened and was public on the day before the first round, the oldest first."""
    known, _ = as_of(case, case.crisis.starts - dt.timedelta(days=1))
    dated = sorted(known.events, key=lambda event: (event.date.latest or dt.date.min, event.id))
    return [Before(date=str(event.date), title=event.title) for event in dated]
