"""Screen: who leads once the leader is gone, and what of the region?"""

import numpy as np
import xarray as xr

from standoff.show import summary
from standoff.show.figures.aftermath import ORDER_TITLES, Course, Curve, leads, orders, region
from standoff.show.screens.screen import Block, Findings, Picture, Screen, Table, Words, row
from standoff.show.summary import Chance
from standoff.show.words import clear, count, listed, percent, points, sentence

QUESTION, WIDER = "Who leads once the leader is gone?", "Who leads once the leader is gone, and what of the region?"
ENDS = [0, -1]
"""First and last horizon."""
OTHERS = {"somebody-else": "somebody else", "nobody": "nobody (no centre)"}
Exits = list[tuple[str, str]]


def aftermath(found: Findings) -> Screen | None:
    """Leaders, orders and the region after each exit; a sentence if the case has no contenders."""
    data = found.group("aftermath")
    if data is None:
        if "aftermath" not in found.tree.children:
            return None  # a run of an earlier version
        return Screen(
            "aftermath", QUESTION, "The case names no contenders: nothing is said on what follows the ending."
        )
    exits = exits_of(data)
    days = [int(day) for day in data["horizon"].values]
    who = [leader_name(found, str(one)) for one in data["leader"].values]
    titled = [(title, np.asarray(data["leads"].sel(exit=exit))) for exit, title in exits]
    by_order = [
        (
            title, np.asarray(data["next_order"].sel(exit=exit).mean("draw").isel(horizon=ENDS)),
            np.asarray(data["base_order"].sel(exit=exit)),
        )
        for exit, title in exits
    ]  # fmt: skip
    left: list[Block] = [
        Picture(leads(who, titled, days)),
        Picture(orders(by_order, [str(one) for one in data["order"].values], [days[k] for k in ENDS])),
    ]
    right: list[Block] = []
    wide = found.group("cascade")
    if wide is not None:
        right.append(Picture(region(courses(found, wide, exits), likeliest_exit(data, exits))))
    right.append(events(data, wide, exits))
    right.append(
        region_table(found, wide, exits)
        if wide is not None
        else Words(("The case says nothing of neighbours, oil or dependants: no course of the region is computed.",))
    )
    asked = QUESTION if wide is None else WIDER
    return Screen("aftermath", asked, answer(found, data, who, exits), tuple(left), tuple(right), note=note_of(found))


def exits_of(data: xr.Dataset) -> Exits:
    """Exits with their titles; capture and death by force are one where their sequel is the same."""
    titles = dict(zip((str(e) for e in data["exit"].values), (str(t) for t in data["exit_title"].values), strict=True))
    if {"captured", "killed"} <= set(titles):
        taken, dead = (np.asarray(data["leads"].sel(exit=exit)) for exit in ("captured", "killed"))
        if np.array_equal(taken, dead):
            del titles["killed"]
            titles["captured"] = "capture or death by force"
    return list(titles.items())


def leader_name(found: Findings, leader: str) -> str:
    """What a contender is called."""
    case = found.loaded.case
    actor = next((one.actor for one in case.world.successors if one.id == leader), None)
    if actor is None:
        return OTHERS.get(leader, leader)
    return next((a.name for a in case.actors if a.id == actor), actor)


def _together(exit: str) -> list[str]:
    return ["captured", "killed"] if exit == "captured" else [exit]


def _share(data: xr.Dataset, exit: str, exits: Exits) -> float:
    ids = _together(exit) if "killed" not in dict(exits) else [exit]
    return float(data["share"].sel(scenario="views", exit=ids).sum("exit").mean("draw"))


def likeliest_exit(data: xr.Dataset, exits: Exits) -> str:
    """The way of going with the largest share of crises."""
    return max(exits, key=lambda one: _share(data, one[0], exits))[0]


def answer(found: Findings, data: xr.Dataset, who: list[str], exits: Exits) -> str:
    """What follows, in a few sentences."""
    gone = 1 - float(data["stays"].sel(scenario="views").mean("draw"))
    target = found.names.target
    if gone <= 0:
        return (
            f"In no simulated crisis, each side in its own view, does {target} go; what follows is shown for each exit."
        )
    mixed = data["mixed_leads"].sel(scenario="views").mean("draw").isel(horizon=-1)
    order = data["mixed_order"].sel(scenario="views").mean("draw").isel(horizon=-1)
    lead = np.asarray(mixed) / gone
    first, second = np.argsort(-lead)[:2]
    regime = float(order.sel(order="same_regime")) / gone
    texts = [
        f"{target} goes in {percent(gone)} of the crises, each side in its own view. A year later the likeliest leader "
        f"is then {who[first]} ({percent(float(lead[first]))}), before {who[second]} ({percent(float(lead[second]))}); "
        f"the same regime still stands in {percent(regime)} of them."
    ]
    apart = []
    for exit, title in exits:
        mean = np.asarray(data["leads"].sel(exit=exit).isel(horizon=-1).mean("draw"))
        if (top := int(np.argmax(mean))) != first:
            apart.append(f"after {title} it is {who[top]} ({percent(float(mean[top]))})")
    texts.append(f" But {listed(apart)}." if apart else " That is so after every exit.")
    return "".join(texts)


def events(data: xr.Dataset, wide: xr.Dataset | None, exits: Exits) -> Table:
    """By exit, with base rates: compliance, the first leader's hold, coup attempts, new conflict."""
    rows = []
    for exit, title in exits:
        one = data.sel(exit=exit)
        last = {"horizon": -1}
        stays = summary.chance(np.asarray(one["survival"].isel(week=-1)))
        cells = [
            sentence(title), percent(_share(data, exit, exits)),
            _band(summary.chance(np.asarray(one["aligned"].isel(horizon=1)))),
            _beside(stays, float(one["base_survival"].isel(last))),
            _beside(summary.chance(np.asarray(one["attempt"])), float(one["base_attempt"])),
        ]  # fmt: skip
        if wide is not None:
            begun = summary.chance(np.asarray(wide["conflict"].sel(exit=exit).isel(month=-1)))
            cells.append(_beside(begun, float(wide["base_conflict"].sel(exit=exit))))
        rows.append(row(*cells))
    head = ["Exit", "Share", "Complies, 90 days", "First leader in office, 1 year", "Coup attempt, 30 days"]
    return Table(
        "After each exit: chances, %",
        tuple(head if wide is None else [*head, "New conflict, 1 year"]),
        tuple(rows),
        "Share: of crises in own views. Mean (5% to 95% over the parameters) [base rate of that mixture of modes]",
        wordy=(0,),
    )


def _band(c: Chance) -> str:
    return f"{_number(c.mean)} ({_number(c.low)}–{_number(c.high)})"


def _beside(c: Chance, base: float) -> str:
    return f"{_band(c)} [{_number(base)}]"


def _number(share: float) -> str:
    value = 100 * share
    return f"{value:.1f}" if value < 9.95 else f"{value:.0f}"


def courses(found: Findings, wide: xr.Dataset, exits: Exits) -> list[Course]:
    """The quantities that the case has, in per cent of what was before where there is a norm."""

    def curves(values: xr.DataArray) -> tuple[Curve, ...]:
        dims = [d for d in values.dims if d not in ("exit", "month")]
        stacked = values.stack(all=dims).transpose("exit", "month", "all")
        return tuple(Curve(exit, title, np.asarray(stacked.sel(exit=exit))) for exit, title in exits)

    courses = []
    if "oil_price" in wide:
        courses.append(Course("Oil exports", "thousand barrels a day", curves(wide["exports"])))
        courses.append(Course("World oil price", "change, %", curves(100 * (wide["oil_price"] - 1)), 0.0))
    courses.append(Course("People who leave", "index, before = 100", curves(wide["outflow"]), 100.0))
    if float(wide["shortfall"].max()) > 0:
        courses.append(Course("Imports that cannot be paid", "% of normal", curves(wide["shortfall"]), share=True))
    if "ally_output" in wide:
        name = _ally(found)
        courses.append(
            Course(f"Output of the ally ({name})", "change, %", curves(100 * (wide["ally_output"] - 1)), 0.0)
        )
    courses.append(Course("New armed conflict", "chance by then, %", curves(wide["conflict"]), share=True))
    return courses


def _ally(found: Findings) -> str:
    case = found.loaded.case
    ally = case.world.cascade.ally if case.world.cascade is not None else None
    return next((a.name for a in case.actors if a.id == ally), ally or "dependent country")


def region_table(found: Findings, wide: xr.Dataset, exits: Exits) -> Table | Words:
    """People by host in the first and the twelfth month, and what the exits change, in pairs."""
    case = found.loaded.case
    if "arrivals" not in wide:
        return Words((_pairs(wide, exits),))
    ids = {h.id: h.actor for h in case.world.cascade.hosts} if case.world.cascade is not None else {}
    exit, title = exits[0]
    hosts = [str(h) for h in wide["host"].values]
    names = [next((a.name for a in case.actors if a.id == ids.get(host)), host) for host in hosts]
    rows = [
        row(count(m, "month"), *(_spread(np.asarray(wide["arrivals"].sel(exit=exit, host=h, month=m))) for h in hosts))
        for m in (1, 12)
    ]
    return Table(
        f"People who leave, by host, after {title} (all who left in a month before the crisis = 100)",
        ("After", *names),
        tuple(rows),
        f"mean (5% to 95% of the paths). {_pairs(wide, exits)}",
    )


def _spread(values: np.ndarray) -> str:
    low, high = np.quantile(values, [0.05, 0.95])
    return f"{values.mean():.0f} ({low:.0f}–{high:.0f})"


def _pairs(wide: xr.Dataset, exits: Exits) -> str:
    """Outflow over the year after each exit against the first one, on the same noise."""
    mean = wide["outflow"].mean(["month", "path"])
    first = mean.sel(exit=exits[0][0])
    parts = []
    for exit, title in exits[1:]:
        c = summary.chance(np.asarray(mean.sel(exit=exit) / first - 1))
        parts.append(f"{title} {points(c)}%" + ("" if clear(c) else " (within its error)"))
    return f"Outflow of the year against {exits[0][1]}, in pairs: {listed(parts)}."


def sequels(found: Findings) -> list[Table]:
    """For the appendix: who leads and which order stands, by exit and day, with bands."""
    data = found.group("aftermath")
    if data is None:
        return []
    who = [leader_name(found, str(one)) for one in data["leader"].values]
    orders_ = [ORDER_TITLES[str(one)] for one in data["order"].values]
    tables = []
    for title, name, dim, heads in (
        ("Who leads, by exit and day, %", "leads", "leader", who),
        ("Which order stands, by exit and day, %", "next_order", "order", orders_),
    ):
        rows = []
        for exit, said in exits_of(data):
            for day in data["horizon"].values:
                one = data[name].sel(exit=exit, horizon=day).transpose(dim, "draw")
                cells = [_band(summary.chance(np.asarray(part))) for part in one]
                rows.append(row(f"{sentence(said)}, {int(day)} days", *cells))
        tables.append(Table(title, ("After", *heads), tuple(rows), "mean (5% to 95% over the parameters)"))
    return tables


def note_of(found: Findings) -> str:
    """What the numbers are given, and what is assumed of the parts that the case has."""
    wide, coercer = found.group("cascade"), found.names.coercer
    texts = [
        "Chances given the exit, with the numbers of the base. Capture and death by force follow the same counted "
        "exits. Where the leader stays (retreat, a deal, force that fails, an exit stopped) nothing is computed."
    ]
    if wide is not None and "exports" in wide:
        texts.append(
            "The region’s course assumes (judgement) that the tightest quarantine stands until a leader complies with "
            f"{coercer}. Oil price: by the loss alone, against before the crisis."
        )
    if wide is not None and "ally_output" in wide:
        texts.append(f"A leader who complies ends what {_ally(found)} receives (judgement).")
    if wide is not None:
        texts.append("For the region’s course, but new conflict, there are no base rates.")
    return " ".join(texts)
