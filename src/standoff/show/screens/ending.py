"""Screen 1: how does it end, and when?"""

import datetime as dt

import numpy as np

from standoff.show import summary
from standoff.show.figures.drawing import Drawing
from standoff.show.figures.endings import MOST, endings, timing
from standoff.show.screens.screen import Cell, Findings, Picture, Screen, Table, Words, row
from standoff.show.summary import Chance
from standoff.show.words import clear, count, day, ending_of, give_or_take, listed, percent, points, sentence
from standoff.simulate.record import event_day
from standoff.simulate.results import ENDINGS, MODES

MODE_TITLES = {
    "captured": "captured", "killed": "killed", "escaped": "escaped, out of office",
    "in-office": "beaten but in office", "quagmire": "a long war on the ground",
}  # fmt: skip


def ending(found: Findings) -> Screen:
    """Chances of the endings in own views and in the base, their timing, and what really happened."""
    chances = summary.table(found.tree)
    own, base = chances["views"], chances["base"]
    order = sorted(ENDINGS, key=lambda key: -own[key].mean)
    real = ending_of(found.loaded.case, found.record.ending)
    names = found.names
    rows = [(sentence(names.ending(k)), own[k], base[k], k == real) for k in order]
    return Screen(
        "ending",
        "How does it end, and when?",
        answer_of(found, order, own, real),
        left=(Picture(endings(rows)), *(b for b in (modes_of(found),) if b)),
        right=(Picture(_timing(found, order, real)), _table(found, order, own, base, real)),
        note=_note(found, own, base),
    )


def answer_of(found: Findings, order: list[str], own: dict[str, Chance], real: str | None) -> str:
    """How it ends, in a sentence or two; `order`: the endings, likeliest first; `real`: the one on record."""
    first, second = order[:2]
    named = found.names.ending
    gap = summary.chance(_by_draw(found, first) - _by_draw(found, second))
    text = (
        f"With each side acting on its own view, the likeliest ending is “{named(first)}” "
        f"({percent(own[first].mean)} of simulated crises)"
    )
    text += (
        f", before “{named(second)}” ({percent(own[second].mean)})"
        if clear(gap)
        else f"; “{named(second)}” ({percent(own[second].mean)}) is not clearly less likely, the gap lies within "
        "its error"
    )
    middle = _date(found, summary.median_round(found.tree, "views"))
    text += f". Half of all crises have ended by {day(middle)}." if middle else "."
    event = found.record.ending
    when = event_day(event) if event else None
    if real and when:
        place = order.index(real) + 1
        rank = {1: "the likeliest", 2: "the second likeliest", 3: "the third likeliest"}.get(
            place, f"only number {place} of {len(order)}"
        )
        text += (
            f" What happened, {named(real)} on {day(when)}, is {rank} of the endings, with "
            f"{percent(own[real].mean)} "
            f"({give_or_take(own[real].error)}; {own[real].low:.0%} to {own[real].high:.0%} over the parameters)."
        )
    else:
        text += " The record ends before the crisis does: what happened in the end is not on it."
    return text


def _by_draw(found: Findings, key: str, scenario: str = "views") -> np.ndarray:
    return summary.by_draw(found.tree["endings"].ds["ending"].sel(scenario=scenario), key)


def _date(found: Findings, number: float) -> dt.date | None:
    crisis = found.loaded.case.crisis
    if not np.isfinite(number):
        return None
    return crisis.starts + dt.timedelta(days=min(round(number), crisis.rounds) * crisis.round_days - 1)


def _timing(found: Findings, order: list[str], real: str | None) -> Drawing:
    crisis = found.loaded.case.crisis
    data = found.tree["endings"].ds.sel(scenario="views")
    code, when = np.asarray(data["ending"]), np.asarray(data["round"])
    days = [crisis.starts + dt.timedelta(days=(n + 1) * crisis.round_days - 1) for n in range(crisis.rounds)]
    shown = order[:MOST]
    if real and real not in shown:
        shown = [*shown[:-1], real]
    curves = []
    for key in shown:
        by_round = [((code == ENDINGS.index(key)) & (when <= n)).mean(1) for n in range(crisis.rounds)]
        curves.append((key, found.names.ending(key), np.array(by_round), key == real))
    curves = [c for c in curves if c[2][-1].mean() > 0.002 or c[3]] or curves[:1]
    event = found.record.ending
    date = event_day(event) if event else None
    return timing(days, curves, (date, f"{found.names.ending(real)}, {day(date)}") if real and date else None)


def _table(
    found: Findings, order: list[str], own: dict[str, Chance], base: dict[str, Chance], real: str | None
) -> Table:
    rows = []
    for key in order:
        change = summary.paired(found.tree, key, "base", "views")
        middle = _date(found, summary.median_round(found.tree, "views", key)) if own[key].mean > 0 else None
        rows.append(
            row(
                Cell(sentence(found.names.ending(key)), strong=key == real),
                _both(own[key]),
                _both(base[key]),
                Cell(points(change), faint=not clear(change)),
                f"{middle.day} {middle:%b %Y}" if middle else "–",
            )
        )
    return Table(
        "Chance of each ending, % of simulated crises",
        ("Ending", "Own views", "Base view", "Change, points", "Half of these by"),
        tuple(rows),
        "mean ± two standard errors (5% to 95% over the parameters); grey: change within its error",
    )


def _both(c: Chance) -> str:
    return f"{percent(c.mean)} {give_or_take(c.error)} ({100 * c.low:.0f} to {100 * c.high:.0f})"


def modes_of(found: Findings) -> Words | None:
    """What becomes of the leader if force is used, as simulated."""
    data = found.tree["endings"].ds.sel(scenario="views")
    if "mode" not in data:
        return None
    modes = np.asarray(data["mode"])[np.asarray(data["ending"]) == ENDINGS.index("force")]
    if not modes.size:
        return None
    size = count(int(modes.size), "simulated crisis", "simulated crises")
    told = listed(
        [f"{MODE_TITLES[name]} {percent(float((modes == k).mean()))}" for k, name in enumerate(MODES) if name]
    )
    ended = found.record.ending
    mode = ended.mode if ended and ended.ends == "force" else None
    real = f" On record: {mode}." if mode else ""
    return Words((f"Where force ends it in own views ({size}), what becomes of {found.names.target}: {told}.{real}",))


def _note(found: Findings, own: dict[str, Chance], base: dict[str, Chance]) -> str:
    attrs = found.tree.attrs
    wide = max(ENDINGS, key=lambda key: own[key].high - own[key].low)
    return (
        f"Each chance is the share of simulated crises ({count(int(attrs['draws']), 'draw')} of the uncertain "
        "numbers, "
        f"{attrs['replications']} crises each) that end so by {day(found.loaded.case.crisis.ends)}. “Own views”: "
        "each side plays the game "
        "it thinks it is in. “Base view”: both share the game that the record supports best. "
        "± is two standard errors of the mean; the range is what the numbers of the case leave open, widest for "
        f"{found.names.ending(wide)} "
        f"({own[wide].low:.0%} to {own[wide].high:.0%})."
    )
