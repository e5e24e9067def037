"""Moves, endings and levels in words of the case; all of it from the rules that a role is told.

The words of levels and endings are those of `standoff.world.level` and `standoff.simulate.ending`; a server of games
does not load these, since they load the solver.
"""

from typing import Any, Protocol, runtime_checkable

from standoff.play.briefing import Rules, short
from standoff.play.sight import Ended

SQUEEZE = ("normal", "tight", "short", "exhausted")
"""Levels of what is left to hand out."""
COHESION = ("firm", "strained", "cracking")
DO = {
    "back-down": "Back down", "hold": "Wait", "climb": "Climb", "ultimatum": "Set a deadline", "offer": "Offer",
    "accept": "Accept", "strike": "Use force", "concede": "Give in", "defy": "Refuse and wait", "flee": "Flee",
    "display": "Show strength",
}  # fmt: skip
"""Classes of moves as one does them."""
DOES = {
    "back-down": "backs down", "hold": "waits", "climb": "climbs to", "ultimatum": "sets a deadline", "offer": "offers",
    "accept": "accepts", "strike": "uses force", "concede": "gives in", "defy": "refuses and waits", "flee": "flees",
    "display": "shows strength",
}  # fmt: skip
"""Classes of moves as one tells of them."""
MODES = {
    "captured": "he is captured", "killed": "he is killed", "escaped": "he escapes into hiding",
    "in-office": "he is beaten but stays in office", "quagmire": "a long war on the ground",
}  # fmt: skip
ENDINGS = {
    "agreed-exit": "agreed exit", "deal-he-stays": "deal, he stays", "flight": "flight without guarantees",
    "force": "force", "removed-within": "removed from within", "back-down": "coercer backs down",
    "stalemate": "stalemate at the horizon", "exit-blocked": "exit stopped by the circle", "stopped": "stopped",
}  # fmt: skip


@runtime_checkable
class Played(Protocol):
    """A move: class and, for a climb or an offer, rung or package."""

    @property
    def move(self) -> str | None:
        """Its class."""

    @property
    def rung(self) -> str | None:
        """Where a climb leads."""

    @property
    def package(self) -> str | None:
        """What is offered or accepted."""


def count(number: int, one: str) -> str:
    """A number with its noun."""
    return f"{number} {one}" if number == 1 else f"{number} {one}s"


def sentence(text: str) -> str:
    """With a capital letter at the beginning."""
    return text[:1].upper() + text[1:]


class Words:
    """How the pages of a case say things."""

    def __init__(self, rules: Rules) -> None:
        """`rules`: the case in words."""
        self.rules = rules
        self.rungs = {str(rung["id"]): str(rung["title"]) for rung in rules.ladder}
        self._rules = {str(rung["id"]): rung for rung in rules.ladder}
        self.packages = {str(package["id"]): str(package["title"]) for package in rules.packages}
        self._terms: dict[str, list[str]] = {
            str(package["id"]): [str(term) for term in package["terms"]] for package in rules.packages
        }  # fmt: skip

    def name(self, side: str | None) -> str:
        """Who decides for a side; other roles and what is nobody's as they are."""
        return self.rules.leaders.get(side or "", {"facilitator": "the facilitator", "all": "all"}.get(side or "", ""))

    def other(self, side: str) -> str:
        """The other side."""
        return "target" if side == "coercer" else "coercer"

    def rung(self, name: str) -> str:
        """A rung in a few words."""
        return short(self.rungs.get(name, name))

    def package(self, name: str) -> str:
        """A package in a few words."""
        return short(self.packages.get(name, name))

    def terms(self, name: str | None) -> str:
        """What a package holds."""
        found = self._terms.get(name or "", [])
        return "; ".join(found) + "." if found else ""

    def act(self, act: Played) -> str:
        """A move as one does it."""
        word = DO.get(act.move or "", act.move or "")
        if act.rung:
            return f"{word}: {self.rung(act.rung)}"
        return f"{word}: {self.package(act.package)}" if act.package else word

    def told(self, act: Played) -> str:
        """A move as one tells of it."""
        word = DOES.get(act.move or "", act.move or "")
        if act.rung:
            return f"{word}: {self.rung(act.rung)}"
        return f"{word}: {self.package(act.package)}" if act.package else word

    def label(self, label: str) -> str:
        """A move of the debrief: its class, and its rung or package."""
        move, _, detail = label.partition(" ")
        word = DO.get(move, move)
        if not detail:
            return word
        return f"{word}: {self.rung(detail) if move == 'climb' else self.package(detail)}"

    def meaning(self, act: Played, side: str, *, ends: bool) -> str:
        """What a move means."""
        move = act.move or ""
        turns = count(self.rules.ultimatum_rounds, "turn")
        found = {
            "back-down": "You drop the demand.",
            "hold": "You stay on this rung and demand nothing new.",
            "climb": self._from(act.rung),
            "ultimatum": f"Public: {self.name('target')} has {turns} to give in or settle. Letting it pass without "
            "force costs you more than never having set it.",
            "offer": self.terms(act.package),
            "accept": self.terms(act.package),
            "strike": "An assault on the leader or the regime; chance decides how it comes out.",
            "concede": f"The demand is met: {self.rules.demand}",
            "defy": "You stay, and nothing changes hands.",
            "flee": "You leave without guarantees.",
            "display": "Costly, and public.",
        }.get(move, "")
        return f"Ends the game. {found}".strip() if ends else found

    def _from(self, rung: str | None) -> str:
        found = self._rules.get(rung or "", {})
        can = [what for what, key in (("force can be used", "strike"), ("a deadline can be set", "ultimatum"))
               if found.get(key)]  # fmt: skip
        return sentence(f"from there {' and '.join(can)}.") if can else ""

    def rung_marks(self, name: str) -> str:
        """What can be done from a rung."""
        found = self._rules.get(name, {})
        return ", ".join(what for what, key in (("force", "strike"), ("deadline", "ultimatum")) if found.get(key))

    def ending(self, ended: Ended) -> str:
        """How a game ended."""
        title = {
            "stopped": "stopped by the facilitator",
            "back-down": f"{self.name('coercer')} backs down",
            "stalemate": "no end within the time: stalemate",
        }.get(ended.ending) or ENDINGS.get(ended.ending, ended.ending)
        if ended.mode:
            title = f"{title}: {MODES.get(ended.mode, ended.mode)}"
        if ended.package:
            title = f"{title} ({self.package(ended.package)})"
        return sentence(title)

    def line(self, line: Any) -> tuple[str, str]:  # noqa: ANN401 (a line of the record, public or inside)
        """Who, and what he did: a line of the record."""
        if line.kind == "move":
            return self.name(line.side), self.told(line)
        if line.kind in ("nature", "levels"):
            levels = f"patronage {level(SQUEEZE, line.squeeze)}, circle {level(COHESION, line.cohesion)}"
            removed = f"; the leader is {line.text}" if line.text else ""
            return ("the world" if line.kind == "nature" else "the facilitator"), f"{levels}{removed}"
        if line.kind == "end":
            return "", f"the game is over: {ENDINGS.get(line.text, line.text or '')}"
        if line.kind == "removal":
            return "the world", "the leader is removed from within"
        if line.kind == "stop":
            return "the facilitator", "stops the game"
        return ("a scene" if line.kind == "scene" else "news"), line.text or ""


def level(names: tuple[str, ...], value: int | None) -> str:
    """A level by its name."""
    return names[value] if value is not None and 0 <= value < len(names) else str(value)


def chance(share: float) -> str:
    """A chance in whole per cent, without claiming an exact 0 or 1."""
    if 0 < share < 0.005:
        return "<1%"
    return ">99%" if 0.995 <= share < 1 else f"{share:.0%}"


def worth(value: float) -> str:
    """A payoff with two decimals and a true minus sign."""
    return f"{value + 0.0:+.2f}".replace("-", "−").replace("+0.00", "0.00").replace("−0.00", "0.00")
