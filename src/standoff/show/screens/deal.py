"""Screen 4: was there a deal that both preferred to what happened, and why was it missed?"""

from dataclasses import dataclass

import numpy as np
import xarray as xr

from standoff.show import summary
from standoff.show.figures.deal import Spot, deal
from standoff.show.figures.drawing import Drawing
from standoff.show.screens.screen import Findings, Picture, Screen, Table, Words, row
from standoff.show.summary import Chance
from standoff.show.words import clear, count, day, ending_of, give_or_take, percent, sentence
from standoff.simulate.payoffs import leaves
from standoff.simulate.results import TYPES

QUESTION = "Was there a deal that both preferred to what happened, and why was it missed?"
PAYS = {"force": "force", "flight": "flight", "removed-within": "coup", "agreed-exit": "concession"}


@dataclass(frozen=True)
class Offer:
    """A package: what it is worth in the base, who prefers it to what happened, who would have taken it."""

    id: str
    title: str
    by: str
    worth: np.ndarray  # base: side, type, draw
    prefer: Chance
    prefer_by_pair: np.ndarray  # coercer's type, target's type
    take: Chance
    takes: dict[str, Chance]
    short: dict[str, Chance]


@dataclass(frozen=True)
class Ground:
    """What packages are compared with: what happened, and what going on was worth at the round that decides."""

    item: str
    pays: np.ndarray  # base: side, type, draw
    own: np.ndarray | None  # going on in own views: side, type, draw
    base: np.ndarray | None
    weight: np.ndarray  # draw, coercer's type, target's type
    at: int


def deal_screen(found: Findings) -> Screen:
    """Packages against what happened and against what each expected of going on."""
    worth = found.tree["worth"].ds["worth"]
    ground = ground_of(found, worth)
    offers = [
        offer_of(found, worth, ground, p.id, p.title, p.offered_by)
        for p in found.loaded.case.packages
        if p.id in worth["item"].values
    ]
    if not offers:
        return Screen("deal", QUESTION, "The case holds no package: nothing was on the table but the demand itself.")
    offers.sort(key=lambda o: (-round(o.prefer.mean, 3), -o.take.mean))
    goes = {p.id for p in found.loaded.case.packages if leaves(found.loaded.case, p)}
    first = [next((o for o in offers if (o.id in goes) == out), None) for out in (True, False)]
    right = tuple(why_of(found, ground, o, out) for o, out in zip(first, (True, False), strict=True) if o is not None)
    return Screen(
        "deal",
        QUESTION,
        answer_of(found, ground, offers),
        (Picture(_picture(found, ground, offers)),),
        right,
        below=(key_of(found, ground, offers),),
        note=note_of(found, ground),
    )


def ground_of(found: Findings, worth: xr.DataArray) -> Ground:
    """What packages are compared with: the ending on record, or force where nothing is on record."""
    ends = ending_of(found.loaded.case, found.record.ending)
    item = PAYS.get(ends or "", "force")
    event = found.record.ending
    if event and event.ends == "settlement" and event.move and event.move.package:
        item = event.move.package
    data, at = found.group("record"), _decisive(found)
    own = base = None
    if data is not None:
        going = data["going_on"].transpose("setting", "round", "side", "type", "draw")
        own, base = (np.asarray(going.sel(setting=s))[at] for s in ("views", "base"))
    types = np.asarray(found.tree["endings"].ds["type"].transpose("draw", "side", "replication"))
    weight = np.array([[[((t[0] == a) & (t[1] == b)).mean() for b in (0, 1)] for a in (0, 1)] for t in types])
    return Ground(item, _values(worth, "base", item), own, base, weight, at)


def _values(worth: xr.DataArray, view: str, item: str) -> np.ndarray:
    return np.asarray(worth.sel(view=view, item=item).transpose("side", "type", "draw"))


def _decisive(found: Findings) -> int:
    """The last round with an ultimatum; else with an offer; else the last."""
    for wanted in ("ultimatum", "offer"):
        for turn in reversed(found.record.turns):
            if any(o.move.move == wanted for half in turn.halves.values() for o in half.options):
                return turn.index
    return max(len(found.record.turns) - 1, 0)


def _pairs(better: tuple[np.ndarray, np.ndarray], ground: Ground) -> np.ndarray:
    """By pair of types and draw, whether both are better off: axes coercer's type, target's type, draw."""
    return np.asarray(better[0][:, None] & better[1][None, :])


def _share(both: np.ndarray, ground: Ground) -> Chance:
    return summary.chance((both * np.moveaxis(ground.weight, 0, -1)).sum((0, 1)))


def offer_of(found: Findings, worth: xr.DataArray, ground: Ground, item: str, title: str, by: str) -> Offer:
    """A package: its worth to both beside what it is compared with, and how often both prefer it."""
    base = _values(worth, "base", item)
    prefer = _pairs((base[0] > ground.pays[0], base[1] > ground.pays[1]), ground)
    own = np.stack([_values(worth, side, item)[i] for i, side in enumerate(("coercer", "target"))])
    yes = np.ones(own.shape, dtype=bool) if ground.own is None else own > ground.own
    margin = np.moveaxis(ground.weight, 0, -1)
    by_type = (margin.sum(1), margin.sum(0))
    short, takes = {}, {}
    for i, side in enumerate(("coercer", "target")):
        lack = np.zeros_like(own[i]) if ground.own is None else ground.own[i] - own[i]
        short[side] = summary.chance((lack * by_type[i]).sum(0))
        takes[side] = summary.chance((yes[i] * by_type[i]).sum(0))
    return Offer(
        item,
        title,
        by,
        base,
        _share(prefer, ground),
        prefer.mean(-1),
        _share(_pairs((yes[0], yes[1]), ground), ground),
        takes,
        short,
    )


def mean_of(values: np.ndarray, ground: Ground) -> tuple[float, float]:
    """Mean worth to both sides over types and draws."""
    margin = np.moveaxis(ground.weight, 0, -1)
    return float((values[0] * margin.sum(1)).sum(0).mean()), float((values[1] * margin.sum(0)).sum(0).mean())


def happened_of(found: Findings, ground: Ground) -> str:
    """What packages are compared with, in words."""
    real = ending_of(found.loaded.case, found.record.ending)
    if real is None or (PAYS.get(real) != ground.item and ground.item == "force"):
        return "force"
    return found.names.ending(real)


def answer_of(found: Findings, ground: Ground, offers: list[Offer]) -> str:
    """Whether there was a deal that both preferred, in a sentence or two."""
    what = happened_of(found, ground)
    good = [o for o in offers if o.prefer.mean > 0.5]
    best, taken = offers[0], max(offers, key=lambda o: o.take.mean)
    on_record = ending_of(found.loaded.case, found.record.ending) is not None
    than = (
        f"{what}, which happened"
        if on_record
        else f"{what} (the record has no ending, so packages are held against force)"
    )
    if good:
        text = (
            f"Yes, on the base numbers: {count(len(good), 'package')} of {len(offers)} "
            f"{'was' if len(good) == 1 else 'were'} worth more to both sides than {than}, "
            f"in more than half of the draws; most often “{best.title}” ({percent(best.prefer.mean)})."
        )
    elif best.prefer.mean > 0.1:
        text = (
            f"Perhaps: “{best.title}” was worth more to both than {than} in {percent(best.prefer.mean)} of the "
            "draws, no package in more than half."
        )
    else:
        text = (
            f"Hardly, on these numbers: no package was worth more to both than {than} in more than "
            f"{percent(best.prefer.mean)} of the draws."
        )
    if ground.own is None:
        return text
    return (
        f"{text} When it mattered, in the round from {day(found.record.turns[ground.at].start)}, the package that "
        "both would most often have taken, each in its own view, is "
        f"“{taken.title}” ({percent(taken.take.mean)})."
    )


def why_of(found: Findings, ground: Ground, best: Offer, goes: bool) -> Words:
    """Why a package was not agreed on, in words; `goes`: the leader goes under it."""
    names = found.names
    real = ending_of(found.loaded.case, found.record.ending)
    missed = real is not None and real not in ("agreed-exit", "deal-he-stays")
    head, verb = ("Why it was missed", "was missed") if missed else ("What stands in its way", "is held up")
    title = f"{head}: the best package under which {names.target} {'goes' if goes else 'stays'}"
    if ground.own is None or ground.base is None:
        return Words(("Without a round on record nothing can be said on what each expected.",), title)
    units = {"coercer": "prizes", "target": "offices"}
    margin = np.moveaxis(ground.weight, 0, -1)
    by_type = (margin.sum(1), margin.sum(0))
    lines = []
    held = []
    for i, side in enumerate(("coercer", "target")):
        lack = best.short[side]
        shift = summary.chance(((ground.own[i] - ground.base[i]) * by_type[i]).sum(0))
        went = float((ground.own[i] * by_type[i]).sum(0).mean())
        compared = (
            f"{abs(lack.mean):.2f} ({give_or_take2(lack)}) {'more' if lack.mean > 0 else 'less'} than the package "
            "was worth in that view"
            if clear(lack)
            else f"not clearly apart from what the package was worth in that view (difference {plain(lack.mean)} "
            f"{give_or_take2(lack)})"
        )
        why = (
            f"{abs(shift.mean):.2f} ({give_or_take2(shift)}) of the expectation comes of that view; "
            if clear(shift) and shift.mean * lack.mean > 0
            else f"that view {'raises' if shift.mean > 0 else 'lowers'} the expectation by {abs(shift.mean):.2f} "
            f"({give_or_take2(shift)}); "
            if clear(shift)
            else "that view changes the expectation by no more than the error; "
        )
        lines.append(
            f"{names.side(side)} expected going on to be worth {plain(went)} {units[side]}, {compared}; {why}the "
            f"package is the better of the two in {percent(best.takes[side].mean)} of draws and types."
        )
        if lack.mean > 0 and clear(lack):
            held.append((lack.mean, side))
    if held:
        side = max(held)[1]
        text = (
            f"“{best.title}” {verb}, in this model, because {names.side(side)} expected more from going on "
            "than from the package."
        )
        if len(held) == 2:
            text = (
                f"“{best.title}” {verb}, in this model, because both expected more from going on than from the package."
            )
    else:
        text = (
            f"On average neither expected clearly more from going on than “{best.title}” was worth. Where it "
            f"{verb}, the type of a side, "
            "the order of the moves, or a choice that is not always the best one made the difference."
        )
    if not next(p.playable for p in found.loaded.case.packages if p.id == best.id):
        text += " It stands in the case for the record only and is no move of the game."
    return Words((text, " ".join(lines)), title, judgement=True)


def plain(worth: float) -> str:
    """A worth with two digits and a true minus."""
    return f"{worth:.2f}".replace("-", "−")


def give_or_take2(c: Chance) -> str:
    """Two standard errors in units of a stake."""
    return f"±{c.error:.2f}"


def _picture(found: Findings, ground: Ground, offers: list[Offer]) -> Drawing:
    names = found.names
    spots = []
    for number, offer in enumerate(offers, start=1):
        x, y = mean_of(offer.worth, ground)
        ups = offer.worth[1].mean(-1)
        spots.append(Spot(str(number), offer.title, x, y, (x, x), (float(ups.min()), float(ups.max())), offer.by))
    x, y = mean_of(ground.pays, ground)
    spans = [ground.pays[i].mean(-1) for i in (0, 1)]
    title = happened_of(found, ground)
    here = Spot(
        "",
        title,
        x,
        y,
        (float(spans[0].min()), float(spans[0].max())),
        (float(spans[1].min()), float(spans[1].max())),
        "",
    )
    going = mean_of(ground.own, ground) if ground.own is not None else None
    labels = {
        "x": f"worth to {names.coercer}, prizes (demand met = 1)",
        "y": f"worth to {names.target}, offices (office for good = 1)",
        "coercer": f"what {names.coercer} expected of going on",
        "target": f"what {names.target} expected of going on",
        "zone": f"better for both than {title}",
        "coercer_name": names.coercer,
        "target_name": names.target,
    }
    return deal(spots, here, going, labels)


def key_of(found: Findings, ground: Ground, offers: list[Offer]) -> Table:
    """All packages, with what each is worth to both and how often both prefer it."""
    names = found.names
    rows = []
    for number, o in enumerate(offers, start=1):
        x, y = mean_of(o.worth, ground)
        rows.append(
            row(
                str(number),
                o.title,
                plain(x),
                plain(y),
                f"{percent(o.prefer.mean)} {give_or_take(o.prefer.error)}",
                " ".join(f"{100 * v:.0f}" for v in o.prefer_by_pair.reshape(-1)),
                percent(o.takes["coercer"].mean),
                percent(o.takes["target"].mean),
                f"{percent(o.take.mean)} {give_or_take(o.take.error)}",
            )
        )
    c, t = (f"{names.yielding[s]}/{names.firm[s]}" for s in ("coercer", "target"))
    return Table(
        "The packages, by how often both prefer them",
        (
            "",
            "Package",
            f"Worth to {names.coercer}",
            f"Worth to {names.target}",
            f"Both prefer it to {happened_of(found, ground)}",
            "the same by types",
            f"{names.coercer} would take it",
            f"{names.target} would",
            "Both would",
        ),
        tuple(rows),
        "% of draws, weighted by the chances of the types; “by types”: % of draws for "
        f"{names.yielding['coercer']}–{names.yielding['target']}, "
        f"{names.yielding['coercer']}–{names.firm['target']}, {names.firm['coercer']}–{names.yielding['target']}, "
        f"{names.firm['coercer']}–{names.firm['target']} "
        f"({names.coercer} {c}, {names.target} {t})",
        judgement=True,
    )


def note_of(found: Findings, ground: Ground) -> str:
    """From when on, over what, and how the numbers of the screen were computed."""
    when = f"the round from {day(found.record.turns[ground.at].start)}" if ground.own is not None else "the beginning"
    return sentence(
        "a share here is the chance, over the uncertain numbers of the case and the two types "
        f"({' and '.join(TYPES)}) of each side, that a comparison of worths "
        "comes out so; ± two standard errors over draws. “Both prefer” uses the base numbers; “would take it” "
        "compares the package with what going on was worth "
        f"to each in its own view at the start of {when}. Worths are in units of a side’s own stake: those of the "
        "two sides cannot be added. What the terms are "
        "worth is judgement throughout."
    )
