"""What the Endings page tells: chances of the endings, their course by scenario, and the deal that was missed.

Sentences and numbers are those of the report's screens (`show.screens.ending`, `show.screens.deal`).
"""

import datetime as dt
from dataclasses import dataclass

import numpy as np

from standoff.app.data import Desk
from standoff.show import summary
from standoff.show.figures.deal import Spot
from standoff.show.screens import deal as deals
from standoff.show.screens import ending as ends
from standoff.show.screens.screen import Findings, Table, Words
from standoff.show.summary import Chance
from standoff.show.words import day, ending_of, sentence
from standoff.simulate.payoffs import leaves
from standoff.simulate.record import event_day
from standoff.simulate.results import ENDINGS

LEAST = 0.002
"""Chance below which an ending has no curve."""
MOST = 6


@dataclass(frozen=True)
class Outcomes:
    """Rows of the chart (title, own views, base view, whether it happened), the scenarios, answer and note."""

    rows: tuple[tuple[str, Chance, Chance, bool], ...]
    scenarios: tuple[tuple[str, str], ...]
    answer: str
    note: str


@dataclass(frozen=True)
class Course:
    """Cumulative chances of the endings in one scenario: (ending, title, chances[round, draw], whether it happened)."""

    days: tuple[dt.date, ...]
    curves: tuple[tuple[str, str, np.ndarray, bool], ...]
    happened: tuple[dt.date, str] | None


@dataclass(frozen=True)
class Agreement:
    """The packages on the map, what happened, what going on was worth, and the words beside."""

    spots: tuple[Spot, ...]
    happened: Spot | None
    going_on: tuple[float, float] | None
    labels: dict[str, str]
    answer: str
    why: tuple[Words, ...]
    tables: tuple[Table, ...]
    zone: str
    note: str


def _found(desk: Desk) -> Findings:
    if desk.findings is None:
        raise ValueError("there is no run")
    return desk.findings


def outcomes(desk: Desk) -> Outcomes:
    """Chances of the endings in own views and in the base view, likeliest first."""
    return desk.keep("outcomes", lambda: _outcomes(_found(desk)))


def _outcomes(found: Findings) -> Outcomes:
    chances = summary.table(found.tree)
    own, base = chances["views"], chances["base"]
    order = sorted(ENDINGS, key=lambda key: -own[key].mean)
    real = ending_of(found.loaded.case, found.record.ending)
    rows = tuple((sentence(found.names.ending(k)), own[k], base[k], k == real) for k in order)
    scenarios = tuple((s, found.names.scenario(s)) for s in chances)
    modes = ends.modes_of(found)
    note = " ".join(modes.paragraphs) if modes is not None else ""
    return Outcomes(rows, scenarios, ends.answer_of(found, order, own, real), note)


def course(desk: Desk, scenario: str) -> Course:
    """How the endings come about over time in one scenario."""
    return desk.keep(f"course {scenario}", lambda: _course(_found(desk), scenario))


def _course(found: Findings, scenario: str) -> Course:
    crisis = found.loaded.case.crisis
    data = found.tree["endings"].ds.sel(scenario=scenario)
    code, when = np.asarray(data["ending"]), np.asarray(data["round"])
    days = tuple(crisis.starts + dt.timedelta(days=(n + 1) * crisis.round_days - 1) for n in range(crisis.rounds))
    real = ending_of(found.loaded.case, found.record.ending)
    curves = []
    for key in ENDINGS:
        hit = code == ENDINGS.index(key)
        by_round = np.array([(hit & (when <= n)).mean(1) for n in range(crisis.rounds)])
        curves.append((key, found.names.ending(key), by_round, key == real))
    curves.sort(key=lambda c: -float(c[2][-1].mean()))
    shown = [c for c in curves if c[2][-1].mean() > LEAST][:MOST]
    shown += [c for c in curves if c[3] and c not in shown]
    event = found.record.ending
    date = event_day(event) if event else None
    return Course(days, tuple(shown), (date, f"{found.names.ending(real)}, {day(date)}") if real and date else None)


def agreement(desk: Desk) -> Agreement:
    """The packages, whether both preferred one to what happened, and what stood in its way."""
    return desk.keep("agreement", lambda: _agreement(_found(desk)))


def _agreement(found: Findings) -> Agreement:
    names = found.names
    worth = found.tree["worth"].ds["worth"]
    ground = deals.ground_of(found, worth)
    offers = [
        deals.offer_of(found, worth, ground, p.id, p.title, p.offered_by)
        for p in found.loaded.case.packages if p.id in worth["item"].values
    ]  # fmt: skip
    title = deals.happened_of(found, ground)
    zone = f"better for both than {title}"
    labels = {
        "x": f"worth to {names.coercer}, prizes (demand met = 1)",
        "y": f"worth to {names.target}, offices",
        "coercer": f"{names.coercer}: going on", "target": f"{names.target}: going on", "zone": zone,
        "by_coercer": names.coercer, "by_target": names.target,
    }  # fmt: skip
    if not offers:
        return Agreement((), None, None, labels, "", (), (), zone, "")
    offers.sort(key=lambda o: (-round(o.prefer.mean, 3), -o.take.mean))
    goes = {p.id for p in found.loaded.case.packages if leaves(found.loaded.case, p)}
    first = [(next((o for o in offers if (o.id in goes) == out), None), out) for out in (True, False)]
    spots = []
    for number, offer in enumerate(offers, start=1):
        x, y = deals.mean_of(offer.worth, ground)
        spots.append(Spot(str(number), offer.title, x, y, (x, x), (y, y), offer.by))
    x, y = deals.mean_of(ground.pays, ground)
    return Agreement(
        tuple(spots), Spot("", title, x, y, (x, x), (y, y), ""),
        deals.mean_of(ground.own, ground) if ground.own is not None else None, labels,
        deals.answer_of(found, ground, offers),
        tuple(deals.why_of(found, ground, o, out) for o, out in first if o is not None),
        (deals.key_of(found, ground, offers),), zone, deals.note_of(found, ground),
    )  # fmt: skip
