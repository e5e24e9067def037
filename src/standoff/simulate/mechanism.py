"""Mechanisms of a crisis and levers on it, as changes of numbers: what each claims, and what switches it.

A *mechanism* (M1 to M22) is something that the world's modules do; switched off, its term vanishes exactly. A *lever*
(L1 to L12) is something that could be otherwise: a named place of exile, a trusted go-between. Each is a set of numbers
held fixed in the base and in every view, and of paths that views may no longer change; a lever may also set a course of
moves. Only numbers that a case has are touched; a mechanism that touches none is not in the case.

`asserted` is the direction that the claim gives for an ending, '+' where the mechanism is said to raise its chance: a
finding to be compared, not a test. `fights` is the same for what follows an ending: that somebody left out fights.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from standoff.case.crisis import Case
from standoff.simulate.course import Course, force_in_sight, force_without_word

Numbers = Mapping[str, float]
"""Centres of a case's numbers by path."""
Change = Callable[[Case, Numbers], dict[str, float]]
AFTER = "acts after the ending, so it moves no chance of one"


@dataclass(frozen=True)
class Mechanism:
    """A mechanism or a lever.

    `change` gives the numbers that switch a mechanism off, or put a lever on, by path; `drop` holds patterns of paths
    that views leave as in the base. With `side` all this happens in that side's view only, and the world stays.
    `course` gives the moves that a lever sets in a case; it is compared with the case as it is, or, by `against`, with
    the case under another course. With `fights` not None (a sign, or '' where none is asserted)
    the mechanism also acts after the ending, and is measured there.
    """

    id: str
    title: str
    claim: str
    source: str
    change: Change
    asserted: Mapping[str, str] = field(default_factory=dict)
    drop: tuple[str, ...] = ()
    lever: bool = False
    note: str = ""
    side: str | None = None
    course: Callable[[Case], Course | None] | None = None
    against: Callable[[Case], Course | None] | None = None
    fights: str | None = None


def _all(numbers: Numbers, pattern: str, value: float) -> dict[str, float]:
    """Every number whose path matches whole, at a value."""
    shape = re.compile(pattern)
    return {path: value for path in numbers if shape.fullmatch(path)}


def _fix(*pairs: tuple[str, float]) -> Change:
    def change(case: Case, numbers: Numbers) -> dict[str, float]:
        found: dict[str, float] = {}
        for pattern, value in pairs:
            found |= _all(numbers, pattern, value)
        return found

    return change


def _channels(sender: str, move: str | None = None) -> Change:
    def change(case: Case, numbers: Numbers) -> dict[str, float]:
        sent = [c.id for c in case.channels if c.sender == sender and (move is None or move in c.moves)]
        return {f"channels.{name}.chance": 0.0 for name in sent}

    return change


def _scenes(*kinds: str) -> Change:
    def change(case: Case, numbers: Numbers) -> dict[str, float]:
        return {
            f"world.scenes.{scene.id}.{'trust' if scene.ratio is None else 'ratio'}": 0.0
            for scene in case.world.scenes
            if scene.kind in kinds
        }

    return change


def _both(*changes: Change) -> Change:
    def change(case: Case, numbers: Numbers) -> dict[str, float]:
        return {path: value for one in changes for path, value in one(case, numbers).items()}

    return change


def _nothing(case: Case, numbers: Numbers) -> dict[str, float]:
    return {}


def _covered(case: Case, numbers: Numbers) -> dict[str, float]:
    """Every set of terms, and the demand, covers the whole circle, and is believed."""
    whole = numbers.get("world.exit.circle")
    if whole is None:
        return {}
    found = _all(numbers, r"packages\.[^.]+\.covers", whole) | _all(numbers, r"packages\.[^.]+\.kept", 0.95)
    found |= {"world.exit.circle_covered_by_demand": whole, "world.exit.guarantee_credibility": 0.95}
    return {path: value for path, value in found.items() if path in numbers}


def _place(case: Case, numbers: Numbers) -> dict[str, float]:
    """The place least within the reach of courts is named, offered for certain, and out of their reach."""
    places = [p for p in numbers if re.fullmatch(r"world\.exit\.destinations\.[^.]+\.court_reach", p)]
    if not places:
        return {}
    best = min(places, key=lambda path: numbers[path])
    return {best: 0.0, best.replace("court_reach", "offered"): 1.0}


P = r"world\.priors"
MECHANISMS: tuple[Mechanism, ...] = (
    Mechanism(
        "M1", "Limits on oil squeeze the circle", "limits on oil reach cohesion by way of money for supporters",
        "economy, coalition", _fix((r"ladder\.[^.]+\.quarantine", 0.0)), {"removed-within": "+"},
    ),
    Mechanism(
        "M2", "A move is read as leverage", "steps to force are read as pressure for a deal", "perception",
        _channels("coercer"), {"force": "+"},
    ),
    Mechanism(
        "M3", "One talk, two certainties", "one talk leaves both sides surer of opposite things", "perception",
        _scenes("talk"), {"force": "+"},
    ),
    Mechanism(
        "M4", "Warnings arrive late", "bad news reaches the leader late and thinned", "perception",
        _both(_fix((r"world\.perception\.[^.]+\.layers", 0.0)), _scenes("warning")), {"force": "+"},
    ),
    Mechanism(
        "M5", "Defiance for the home audience", "display serves at home and convinces the other that pressure fails",
        "coalition, perception",
        _both(_fix((r"parameters\.target\.display_lift", 0.0)), _scenes("mockery")),
        {"force": "+", "removed-within": "-"},
    ),
    Mechanism(
        "M6", "Trust in own arms", "own arms and the other's fear of losses are overrated", "force, analogy", _nothing,
        {"force": "+"},
        drop=(r"world\.force\..*", rf"{P}\.(force|domestic)\..*", r"parameters\.force\..*", r"world\.domestic\..*",
              r"parameters\.coercer\.force_cost\..*"),
        side="target",
    ),
    Mechanism(
        "M7", "A disputed vote", "a disputed vote drains legitimacy and opens rifts", "coalition",
        _fix((r"world\.coalition\.vote_shock", 0.0)), {"removed-within": "+"},
    ),
    Mechanism(
        "M8", "No safe refuge", "warrants leave office as the only safety", "exits",
        _fix((r"world\.exit\.warrant", 0.0)), {"agreed-exit": "-"},
    ),
    Mechanism(
        "M9", "Waiting pays", "waiting pays if the other's next government may tire", "patrons",
        _fix((rf"{P}\.patrons\.reversal_norm", 0.0), (r"world\.reversal\.undone", 0.0)), {"agreed-exit": "-"},
    ),
    Mechanism(
        "M10", "A welcome document", "a document that supports what is held is believed", "perception",
        _scenes("document"), {"force": "+"},
    ),
    Mechanism(
        "M11", "One man decides", "one man decides, so that his error is the state's", "perception",
        _fix((r"world\.perception\.[^.]+\.leader_weight", 0.0)), {"force": "+"},
    ),
    Mechanism(
        "M12", "Legal steps prepare force", "legal steps make force cheaper at home", "domestic",
        _fix((r"world\.domestic\.legal_by_rung\..*", 0.0)), {"force": "+"},
    ),
    Mechanism(
        "M13", "Undone steps teach patience", "steps that were undone teach patience", "patrons",
        _fix((r"world\.reversal\.(undone|watched)", 0.0)), {"agreed-exit": "-"},
    ),
    Mechanism(
        "M14", "A lapsed deadline costs", "a lapsed deadline, and a retreat from higher up, cost more", "domestic",
        _fix((r"parameters\.coercer\.lapse", 0.0), (rf"{P}\.domestic\.audience_slope", 1.0),
             (r"parameters\.coercer\.audience_slope", 1.0)), {"force": "+"},
    ),
    Mechanism(
        "M15", "A show of strength read as bluff", "a show of strength is read as something else", "perception",
        _channels("target", "display"), {"force": "+"},
    ),
    Mechanism(
        "M16", "Hard ground", "large ground and armed groups make intervention dear", "force",
        _fix((r"world\.force\.ground_difficulty", 0.0)), {"force": "-"},
    ),
    Mechanism(
        "M17", "The leader holds rivals apart", "without the referee the circle may fight", "succession",
        _fix((rf"{P}\.succession\.(commit_leader_gone|commit_guarantor|coup_tilt)", 0.0)), fights="+",
    ),
    Mechanism(
        "M18", "Outside powers fill the gap", "outside powers back contenders of their own", "patrons, succession",
        _fix((r"world\.successors\.[^.]+\.rival_backing", 0.0)), fights="",
    ),
    Mechanism(
        "M19", "Collapse drives people out", "collapse drives people out and the oil price up", "cascade", _nothing,
        note=AFTER,
    ),
    Mechanism(
        "M20", "The dependent ally is shaken", "loss of the supply shakes the dependent ally", "cascade", _nothing,
        note=AFTER,
    ),
    Mechanism(
        "M21", "The first hours count", "the first hours shape the succession", "succession",
        _fix((rf"{P}\.succession\.first_noise", 0.0)), fights="",
    ),
    Mechanism(
        "M22", "The circle must be covered", "safety for the circle is part of the price", "exits",
        _fix((r"world\.exit\.circle", 0.0)), {"agreed-exit": "-", "exit-blocked": "+"},
    ),
)  # fmt: skip


LEVERS: tuple[Mechanism, ...] = (
    Mechanism(
        "L1", "A credible amnesty for the circle", "a credible amnesty for the circle raises agreed exits", "exits",
        _covered, {"agreed-exit": "+"}, lever=True,
    ),
    Mechanism(
        "L2", "A named and credible place of exile", "a named place that would take him raises agreed exits", "exits",
        _place, {"agreed-exit": "+"}, lever=True,
    ),
    Mechanism(
        "L3", "A trusted go-between", "a go-between whom both believe raises agreed exits", "patrons",
        _fix((rf"{P}\.patrons\.mediator_clarity", 1.0), (r"world\.mediators\.[^.]+\.(informed|present)", 1.0)),
        {"agreed-exit": "+"}, lever=True,
    ),
    Mechanism(
        "L4", "More believable resolve", "more believable resolve lowers force", "game",
        _fix((r"parameters\.prior\.coercer", 0.9)), {"force": "-"}, drop=(r"parameters\.prior\.coercer",), lever=True,
        side="target",
    ),
    Mechanism(
        "L5", "Force is seen for what it would do", "thinking that one can live through force lowers agreed exits",
        "force",
        _fix((r"parameters\.target\.survived_loss", 1.0), (r"parameters\.force\.escaped", 0.0)),
        {"agreed-exit": "+"}, drop=(r"parameters\.force\.(success|quagmire)", r"world\.force\..*",
                                    rf"{P}\.force\..*"), lever=True, side="target",
    ),
    Mechanism(
        "L6", "Deadlines are kept", "a deadline let pass lowers later belief in threats", "domestic",
        _fix((r"parameters\.coercer\.lapse", 0.5)), {"agreed-exit": "+"}, lever=True,
    ),
    Mechanism(
        "L7", "A steeper ladder", "a broader step makes backing down dearer", "domestic",
        _fix((r"parameters\.coercer\.audience_slope", 3.0), (rf"{P}\.domestic\.audience_slope", 3.0)),
        {"back-down": "-"}, lever=True,
    ),
    Mechanism(
        "L8", "News unbent and at once", "a leader who hears bad news late concedes later", "perception",
        _both(_fix((r"world\.perception\.[^.]+\.(layers|bias)", 0.0)), _channels("coercer"), _channels("target")),
        {"force": "-"}, lever=True,
    ),
    Mechanism(
        "L9", "No mockery", "public mockery raises readiness to strike", "perception", _scenes("mockery"),
        {"force": "-"}, lever=True,
    ),
    Mechanism(
        "L10", "A tighter squeeze", "less money for the circle raises the risk of removal", "economy",
        _fix((r"ladder\.[^.]+\.quarantine", 1.0)), {"removed-within": "+"}, lever=True,
    ),
    Mechanism(
        "L11", "Force seen moving, with time left", "force seen moving, with time left to say yes, raises agreed exits",
        "game, perception",
        _both(_channels("coercer"), _fix((r"world\.perception\.target\.layers", 0.0))), {"agreed-exit": "+"},
        lever=True, course=force_in_sight,
    ),
    Mechanism(
        "L12", "Of L11, being seen and the time", "force seen with time left, beside force unannounced",
        "game, perception",
        _both(_channels("coercer"), _fix((r"world\.perception\.target\.layers", 0.0))), {"agreed-exit": "+"},
        lever=True, course=force_in_sight, against=force_without_word,
    ),
)  # fmt: skip


def with_views_cut(case: Case, one: Mechanism) -> Case:
    """The case with views that leave the numbers which a mechanism drops as in the base."""
    if not one.drop:
        return case
    views = []
    for view in case.views:
        if one.side is not None and view.holder != one.side:
            views.append(view)
            continue
        kept = []
        for difference in view.differences:
            left = {path: shift for path, shift in difference.set.items() if not _dropped(one, path)}
            if left:
                kept.append(difference.model_copy(update={"set": left}))
        views.append(view.model_copy(update={"differences": kept}))
    return case.model_copy(update={"views": views})


def _dropped(one: Mechanism, path: str) -> bool:
    return any(re.fullmatch(pattern, path) for pattern in one.drop)


def touched(case: Case, one: Mechanism, numbers: Numbers) -> tuple[dict[str, float], bool]:
    """The numbers that a mechanism fixes in this case, and whether it touches anything at all."""
    view = case.view_of(one.side) if one.side is not None else None  # type: ignore[arg-type]
    if one.side is not None and view is None:
        return {}, False
    fixed = {path: value for path, value in one.change(case, numbers).items() if path in numbers}
    if one.course is not None:
        found = one.course(case) is not None
        return fixed if found else {}, found
    views = case.views if one.side is None else [each for each in case.views if each.holder == one.side]
    paths = [path for each in views for difference in each.differences for path in difference.set]
    return fixed, bool(fixed) or any(_dropped(one, path) for path in paths)
