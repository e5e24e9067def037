"""What a posterior says, in words: beliefs, misperception gaps, views that became untenable, deals, numbers.

Reads the tree of `standoff.infer.posterior.tree`; the terminal (`show.infer`) and the report's screens say the same.
"""

import datetime as dt
import re
from dataclasses import dataclass

import numpy as np
import xarray as xr

from standoff.show.figures.posterior import Bands, Hold, Interval
from standoff.show.words import MOVES, Names, day, listed, percent, sentence

SIDES = ("coercer", "target")
LIKELY = 0.5
"""Chance above which a view is said to have become untenable, or to have been dropped."""
SEEN = 0.005
"""Chance of a move below which its gap is not worth a row."""
ALWAYS = 0.9
"""Chance of a deal from which it is said to have existed in every round."""
POINTS, POINT = 100.0, 0.01


@dataclass(frozen=True)
class Widest:
    """The widest gap of a move: who would make it, which, in which round (from 0), expected, own and the gap's band."""

    mover: str
    move: str
    at: int
    expected: float
    own: float
    band: np.ndarray


def other(side: str) -> str:
    """The other side."""
    return "target" if side == "coercer" else "coercer"


def whole(tree: xr.DataTree) -> int:
    """Rounds on record."""
    return int(tree["minds"].ds.sizes["round"])


def starts(tree: xr.DataTree) -> list[dt.date]:
    """First days of the rounds on record."""
    return [dt.date.fromisoformat(str(d)[:10]) for d in tree["minds"].ds["day"].values]


def after(tree: xr.DataTree) -> list[dt.date]:
    """The days before the first round and after each."""
    return [dt.date.fromisoformat(str(d)[:10]) for d in tree["by_round"].ds["day"].values]


def held(tree: xr.DataTree) -> list[str]:
    """Sides to which the case gives a view of their own."""
    data = tree["by_round"].ds
    return [str(s) for s, own in zip(data["side"].values, data["holds_view"].values, strict=True) if bool(own)]


def _minds(tree: xr.DataTree, name: str, setting: str = "own", **at: str) -> np.ndarray:
    return np.asarray(tree["minds"].ds[name].sel(setting=setting).sel(at))


def belief(tree: xr.DataTree, names: Names, mind: str) -> Bands:
    """What one side believed of the other's type, by round."""
    at = {"mind": mind, "about": other(mind)}
    title = f"{names.side(mind)}’s belief that {names.other(mind)} is “{names.firm[other(mind)]}”"
    base = _minds(tree, "belief", "base", **at)[2] if held(tree) else None
    return Bands(title, _minds(tree, "belief", **at), base)


def gap(tree: xr.DataTree, names: Names, mover: str, move: str) -> Bands:
    """What was expected of a move less what would have been done, by round."""
    at = {f"{mover}_move": move}
    title = f"{names.side(mover)} to {MOVES[move]}: expected by {names.other(mover)}, less its chance"
    base = _minds(tree, f"gap_{mover}", "base", **at)[2] if held(tree) else None
    return Bands(title, _minds(tree, f"gap_{mover}", **at), base)


def widest(tree: xr.DataTree, mover: str, move: str) -> Widest:
    """The round in which the median gap of a move is widest."""
    at = {f"{mover}_move": move}
    bands = _minds(tree, f"gap_{mover}", **at)
    n = int(np.abs(bands[2]).argmax())
    expected, own = (float(_minds(tree, f"{kind}_{mover}", **at)[n]) for kind in ("expected", "own"))
    return Widest(mover, move, n, expected, own, bands[:, n])


def told_moves(tree: xr.DataTree) -> list[tuple[str, str]]:
    """Moves whose gaps are shown: force, and the target's offer and concession; others where these cannot happen."""
    found = []
    for mover, first in (("coercer", ("strike",)), ("target", ("concede", "offer"))):
        data = tree["minds"].ds
        possible = [str(m) for m in data[f"{mover}_move"].values if _largest(tree, mover, str(m)) > SEEN]
        mine = [(mover, move) for move in first if move in possible]
        if not mine and possible:
            sizes = {move: float(np.abs(_minds(tree, f"gap_{mover}", **{f"{mover}_move": move})[2]).max())
                     for move in possible}  # fmt: skip
            mine = [(mover, max(sizes, key=lambda move: sizes[move]))]
        found += mine
    return found


def _largest(tree: xr.DataTree, mover: str, move: str) -> float:
    at = {f"{mover}_move": move}
    return max(float(_minds(tree, f"{kind}_{mover}", **at).max()) for kind in ("expected", "own"))


def deal(tree: xr.DataTree) -> Bands:
    """The chance by round that some package was worth more to both than going on."""
    base = _minds(tree, "deal_band", "base")[2] if held(tree) else None
    return Bands("Some deal was worth more than going on to both, as each saw it", _minds(tree, "deal_band"), base)


def moment(tree: xr.DataTree, side: str, name: str = "untenable") -> int | None:
    """The first round (from 0) in which a view is untenable, or dropped, more likely than not; none if in no round."""
    found = np.flatnonzero(_minds(tree, name, side=side) > LIKELY)
    return int(found[0]) if len(found) else None


def hold(tree: xr.DataTree, names: Names, side: str) -> Hold:
    """Whether a side held its own view, and when that became untenable."""
    own = np.asarray(tree["by_round"].ds["own_view"].sel(side=side))
    n = moment(tree, side)
    mark = None if n is None else (starts(tree)[n], "untenable since")
    return Hold(f"{names.side(side)}’s own view", own, _minds(tree, "untenable", side=side), mark)


def believed(tree: xr.DataTree, names: Names, mind: str) -> str:
    """How a belief went, in a sentence without its full stop."""
    one = belief(tree, names, mind)
    first, last = one.own[:, 0], one.own[:, -1]
    text = f"{one.title} went from {percent(first[2])} to {percent(last[2])} ({percent(last[0])} to {percent(last[4])})"
    if one.base is not None:
        text += f", where the base view leads to {percent(float(one.base[-1]))}"
    known = float(tree["by_round"].ds["firm"].sel(side=other(mind))[-1])
    return f"{text}; the record gives it {percent(known)}"


def misread(tree: xr.DataTree, names: Names, one: Widest) -> str:
    """The widest gap of a move as a sentence without its full stop."""
    low, middle, high = (signed(one.band[k]) for k in (0, 2, 4))
    sure = "" if one.band[0] * one.band[4] > 0 else "; the sign is not sure"
    return (
        f"in the round from {day(starts(tree)[one.at])} {names.other(one.mover)} saw a chance of "
        f"{percent(one.expected)} that {names.side(one.mover)} would {MOVES[one.move]}, and it was {percent(one.own)} "
        f"(gap {middle} points, {low} to {high}{sure})"
    )


def misreadings(tree: xr.DataTree, names: Names) -> str:
    """The widest gaps of the moves that are shown, in sentences."""
    every = [widest(tree, mover, move) for mover, move in told_moves(tree)]
    wide = [one for one in every if abs(one.band[2]) >= POINT]
    text = f"Widest gaps: {'; '.join(misread(tree, names, one) for one in wide)}." if wide else ""
    small = [f"{names.side(one.mover)} to {MOVES[one.move]}" for one in every if one not in wide]
    if small:
        text += f"{' ' if text else ''}What was expected of {listed(small)} is never a point off."
    return text or "No move that could be expected is on record."


def signed(share: float) -> str:
    """A difference of chances in points, with its sign."""
    value = POINTS * float(share)
    digits = 0 if abs(value) >= 9.95 else 1
    text = f"{value:+.{digits}f}"
    return "0" if float(text) == 0 else text.replace("-", "−")


def tenable(tree: xr.DataTree, names: Names, side: str) -> str:
    """When a side's view became untenable and was dropped, or that it never did."""
    when = starts(tree)
    who = names.side(side)
    factor = _minds(tree, "against", side=side)
    own = np.asarray(tree["by_round"].ds["own_view"].sel(side=side))
    n, left = moment(tree, side), moment(tree, side, "dropped")
    chance = float(_minds(tree, "untenable", side=side)[-1])
    if n is not None:
        text = f"{who}’s view had become untenable, more likely than not, by the round from {day(when[n])}"
        text += f" and was dropped by the round from {day(when[left])}" if left is not None else ", yet was not dropped"
    elif not np.any(factor):
        text = f"What {who} saw never spoke against the view"
    else:
        text = (
            f"{who}’s view never became untenable: in the last round the chance that it had is {percent(chance)}, and "
            f"what had been seen was {times(float(factor[-1]))}"
        )
    return (
        f"{text}. By its own moves the chance that {who} acted by that view is {percent(float(own[-1]))} "
        f"(before the record {percent(float(own[0]))})."
    )


def kept(tree: xr.DataTree, names: Names) -> str:
    """Which own views became untenable, in one sentence; nothing where no side has one."""
    sides, when = held(tree), starts(tree)
    if not sides:
        return ""
    gone = [f"{names.side(s)}’s by the round from {day(when[n])}" for s in sides if (n := moment(tree, s)) is not None]
    if gone:
        return f"Untenable became {listed(gone)}."
    whose = "Neither own view" if len(sides) > 1 else f"{names.side(sides[0])}’s own view never"
    return f"{whose} became untenable."


def times(log: float) -> str:
    """A log Bayes factor of the alternative against the view, in words."""
    if abs(log) < np.log(1.05):
        return "about as likely under the alternative"
    factor = float(np.exp(min(abs(log), 700.0)))
    said = f"{factor:.1f}" if factor < 10 else f"{factor:,.0f}" if factor < 1e6 else "over a million"
    return f"{said} times {'likelier' if log > 0 else 'less likely'} under the alternative"


def dealt(tree: xr.DataTree) -> str:
    """When a deal both preferred existed, in a sentence."""
    mean = _minds(tree, "deal")
    n = int(mean.argmax())
    when = starts(tree)
    if mean[n] < SEEN:
        return "In no round was some package worth more than going on to both."
    if mean.min() > ALWAYS:
        return (
            "In every round some package was worth more than going on to both, as each saw it (chance at least "
            f"{percent(float(mean.min()))})."
        )
    text = f"The chance that some package was worth more than going on to both was highest, {percent(float(mean[n]))}, "
    text += f"in the round from {day(when[n])}"
    return text + (f", and {percent(float(mean[-1]))} in the last." if n != len(mean) - 1 else ", the last.")


def firm(tree: xr.DataTree, names: Names, side: str) -> str:
    """Prior and posterior chance that a side is of the firm type."""
    first, last = (percent(float(tree["by_round"].ds["firm"].sel(side=side)[n])) for n in (0, -1))
    return f"{names.side(side)} “{names.firm[side]}”: {first} before, {last} after"


def value(number: float) -> str:
    """A number with three significant digits."""
    if number == 0 or not np.isfinite(number):
        return f"{number:g}"
    text = f"{number:.3g}"
    return (f"{number:,.0f}" if "e+" in text else text).replace("-", "−")


def learnt(tree: xr.DataTree) -> dict[str, bool]:
    """Whether the record taught anything of each number (`standoff.infer.diagnose.numbers`)."""
    data = tree["numbers"].ds
    return {str(n): bool(taught) for n, taught in zip(data["number"].values, data["identified"].values, strict=True)}


def interval(tree: xr.DataTree, name: str) -> Interval:
    """Prior and posterior of a number."""
    one = tree["numbers"].ds.sel(number=name)
    prior, posterior = np.asarray(one["prior_band"]), np.asarray(one["band"])
    unit = str(one["unit"].item())
    said = f"{band(prior)} before\n{band(posterior)} after"
    label = plain(name) + (f", {unit}" if unit else "")
    return Interval(label, prior, posterior, said, learnt(tree)[name])


def band(percentiles: np.ndarray) -> str:
    """Median with the 5th and 95th percentile."""
    return f"{value(percentiles[2])} [{value(percentiles[0])}, {value(percentiles[4])}]"


def untaught(tree: xr.DataTree) -> list[str]:
    """Of which numbers the record taught nothing, which it taught only in combination, which hang on the prior."""
    data = tree["numbers"].ds
    every = [str(n) for n in data["number"].values]
    nothing = [name for name, taught in learnt(tree).items() if not taught]
    if len(nothing) == len(every):
        return [f"The record taught nothing of any of the {len(every)} numbers: what stands here is the prior."]
    found = (
        [f"The record taught nothing of {listed([plain(name) for name in nothing])}: there the prior stands."]
        if nothing
        else []
    )
    pairs = {
        frozenset((name, str(partner)))
        for name, partner, words in zip(every, data["partner"].values, data["lesson"].values, strict=True)
        if "in combination" in str(words)
    }
    said = sorted(" with ".join(sorted(map(plain, pair))) for pair in pairs)
    found += [f"Known only in combination: {listed(said)}."] if said else []
    said_of = dict(zip(every, map(str, data["diagnosis"].values), strict=True))
    for flag, text in (("conflict", "Both prior and record move"), ("weak", "The prior more than the record moves")):
        flagged = [plain(name) for name, words in said_of.items() if flag in words and name not in nothing]
        found += [f"{text} {listed(flagged)} (sensitivity to powers of both)."] if flagged else []
    return found or [f"The record taught something of every one of the {len(every)} numbers."]


def told(lesson: str, name: str) -> str:
    """A lesson on a number, without its name and with the names of others as words."""
    words = lesson.removeprefix("The record ").rstrip(".").replace(f" of {name}", "").replace(f" {name} to", " it to")
    words = words.replace(f" {name} and ", " it and ").replace(f" {name} ", " it ")
    return sentence(re.sub(r"(?<=\w)-(?=[a-z])", " ", words).replace("-", "−"))


def plain(name: str) -> str:
    """The name of a number as words."""
    short = name.removeprefix("parameters.").removeprefix("views.").replace(".parameters.", ".")
    return re.sub(r"[-_.]", " ", short)
