"""One game in play: whose turn it is, what can be done, what follows. Rules, chances and payoffs of `standoff run`.

A *step* is a plain mapping, and a game is its steps in order: moves of the two sides, what nature did after a round,
what the facilitator injected, and the end. What is decided by chance is drawn from the game's seed and the round, and
written into the step; a replay takes it from there, and so meets the same game even where another version would draw
otherwise.

A side moves once a round, coercer first: a class and, for a climb or an offer, its rung or package. Whoever misses the
clock is taken to hold (coercer) or to defy (target).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from standoff.play.board import ENDINGS, SIDES, Board, Held
from standoff.play.mind import Mind, follow
from standoff.play.noise import Noise, choose, noise_of
from standoff.play.refusal import Refused

Step = dict[str, Any]
QUIET = ("hold", "defy")
MODES = ("captured", "killed", "escaped", "in-office", "quagmire")
CODE = {
    "back-down": "back-down", "concession": "agreed-exit", "settlement": "deal-he-stays", "flight": "flight",
    "force": "force", "coup": "removed-within", "stalemate": "stalemate",
}  # fmt: skip
"""Endings in the words of the report (`standoff.simulate.ending`) by outcome, where no terms make the leader go."""


@dataclass(frozen=True)
class Option:
    """A move that can be made: class, rung or package if it has one, and whether it ends the game."""

    move: str
    rung: str | None = None
    package: str | None = None
    ends: bool = False

    def as_step(self) -> Step:
        """The move as a step holds it."""
        return {k: v for k, v in (("move", self.move), ("rung", self.rung), ("package", self.package)) if v is not None}

    @property
    def label(self) -> str:
        """The move in a word or two."""
        return " ".join(part for part in (self.move, self.rung or self.package) if part)


@dataclass(frozen=True)
class Ending:
    """How a game ended: outcome of the game's rules, ending of the report, mode of force, package, round (from 0)."""

    outcome: str
    ending: str
    mode: str | None
    package: str | None
    round: int


@dataclass(eq=False)
class Table:
    """A game in play. `held` gives each seat's mind; without one a seat is played with no adviser.

    `types` are 0 yielding, 1 firm; they are drawn from the base prior by the seed unless given. `payoff` is what each
    side has been paid, discounted, in its own unit.
    """

    board: Board
    seed: int
    types: tuple[int, int]
    held: tuple[Held | None, Held | None] = (None, None)
    state: int = 0
    stage: int = 0
    round: int = 0
    turn: int = 0
    payoff: np.ndarray = field(default_factory=lambda: np.zeros(2))
    ending: Ending | None = None
    steps: list[Step] = field(default_factory=list)
    minds: list[Mind | None] = field(default_factory=list)
    _discount: float = 1.0

    def __post_init__(self) -> None:
        """Set the board up and begin the first round."""
        self._noise = noise_of(self.seed)
        self.state = self.board.start
        self.minds = [None if held is None else Mind(self.board, held, self._noise) for held in self.held]
        self._begin()

    def _begin(self) -> None:
        for mind in self.minds:
            if mind is not None:
                mind.begin(self.round)

    @property
    def side(self) -> str | None:
        """Whose turn it is; nobody's once the game is over."""
        return None if self.ending is not None else SIDES[self.board.stages[self.stage].mover]

    @property
    def marks(self) -> dict[str, int]:
        """The public state: rung, clock, pending offer (0 for none), squeeze and cohesion levels."""
        stages = self.board.stages
        state = stages[self.stage].states[self.state]
        names = ("rung", "clock", "pending", "squeeze", "cohesion")
        return {name: int(mark) for name, mark in zip(names, state, strict=True)}

    @property
    def pending(self) -> tuple[str, str] | None:
        """The offer on the table: who made it, and which package."""
        index = self.marks["pending"]
        if not index or self.ending is not None:
            return None
        by = 1 - self.board.stages[self.stage].mover
        return SIDES[by], self.board.offers[by][index - 1]

    def options(self) -> list[Option]:
        """Moves that can be made now."""
        if self.ending is not None:
            return []
        return options(self.board, self.stage, self.state, self.pending)

    def find(self, move: str, rung: str | None = None, package: str | None = None) -> Option:
        """The option that is meant; an acceptance need not name the package.

        Raises:
            Refused: it cannot be played now.
        """
        if self.ending is not None:
            raise Refused("The game is over.", 409)
        for option in self.options():
            same = option.rung == rung and (option.package == package or (move == "accept" and package is None))
            if option.move == move and same:
                return option
        can = ", ".join(option.label for option in self.options())
        asked = " ".join(part for part in (move, rung, package) if part)
        raise Refused(f"'{asked}' cannot be played now. Possible: {can}.", 422)

    def play(self, option: Option, by: str, *, late: bool = False) -> list[Step]:
        """Make a move of the side whose turn it is; returns the steps that it brings about, which are now on record."""
        side = self.side
        if side is None:
            raise Refused("The game is over.", 409)
        step: Step = {"kind": "move", "side": side, "round": self.round, "by": by, **option.as_step()}
        if late:
            step["late"] = True
        before = len(self.steps)
        self._move(step)
        return self.steps[before:]

    def lapse(self) -> list[Step]:
        """The clock has run out: hold or defy."""
        return self.play(self.find(QUIET[SIDES.index(self.side or "coercer")]), "clock", late=True)

    def strategy(self, own: Mind | None = None) -> Option:
        """What the mind at the seat whose turn it is plays; drawn by the seed, so that a replay draws the same."""
        who = self.board.stages[self.stage].mover
        mind = own or self.minds[who]
        if mind is None:
            raise Refused("No view is held at this seat, so no strategy can play it.", 409)
        return drawn(self.board, mind, self.types[who], self.round, self.stage, self.state, self.pending, self._noise)

    def _move(self, step: Step, *, told: Iterable[Step] = ()) -> None:
        """Apply a move, and then nature and the end where they follow: as drawn, or as `told` by a record."""
        self.steps.append(step)
        self.turn += 1
        for move in labels(self.board, self.stage, step):
            stage, here = self.board.stages[self.stage], self.state
            for mind in self.minds:
                if mind is not None:
                    mind.saw(self.round, self.stage, here, move)
            pays = self.board.world.moves[self.stage]
            self.payoff += self._discount * np.array([pays[i, self.types[i], here, move] for i in range(2)])
            lead, then = follow(stage, here, move)
            if lead < 0:
                self._end_round()
                self._end(ENDINGS[int(stage.outcome[here, move])], stage.mover)
                return
            self.stage, self.state = lead, then
        if self.stage == self.board.nature:
            self._nature(next(iter(told), None))

    def _nature(self, told: Step | None) -> None:
        """Levels move, the leader may be removed from within; then the next round or the horizon."""
        world, n, here = self.board.world, self.round, self.state
        branches = self.board.branch[here]
        first = self.board.stages[0]
        if told is not None:
            state = (*self.board.nature_states[here][:3], told["squeeze"], told["cohesion"])
            found = np.flatnonzero(branches == first.at.get(tuple(int(mark) for mark in state), -2))
            if not len(found):
                raise Refused("The record of this game does not fit the case that is loaded.", 409)
            branch, hit = int(found[0]), bool(told.get("removed", False))
        else:
            branch = choose(np.maximum(world.chance[here], 0.0), self._noise(n, "nature"))
            hit = bool(self._noise(n, "removal") < world.hazard[here, branch])
        then = int(branches[branch])
        levels = first.states[then]
        step: Step = {"kind": "nature", "round": n, "squeeze": int(levels[3]), "cohesion": int(levels[4])}
        self.steps.append(step | ({"removed": True} if hit else {}))
        for i in range(2):
            flow = world.flow[i, self.types[i], here] + (world.removed[i, self.types[i]] if hit else 0.0)
            self.payoff[i] += self._discount * flow
        self._end_round()
        self.stage, self.state = 0, then
        if hit:
            self._end("coup", None)
            return
        self._discount *= world.discount
        if n + 1 == self.board.rounds:
            for i in range(2):
                self.payoff[i] += self._discount * world.horizon[i, self.types[i], then]
            self._end("stalemate", None)
            return
        self.round = n + 1
        self._begin()

    def _end_round(self) -> None:
        for mind in self.minds:
            if mind is not None:
                mind.end_round(self.round)

    def _end(self, outcome: str, mover: int | None) -> None:
        pending = 0 if mover is None else self.marks["pending"]
        self.ending = ended(self.board, outcome, mover, pending, self.state, self.round, self._noise)
        self.steps.append({"kind": "end"} | {k: v for k, v in vars(self.ending).items() if v is not None})

    def inject(self, step: Step) -> list[Step]:
        """The facilitator's hand: news, a scene, levels, removal from within, or a stop. Returns the steps.

        `levels` sets squeeze and cohesion, where a game can come to them; a `scene` moves the mind of the seat that
        sees it by a log-likelihood ratio for the other side being firm; `news` changes nothing in the game.

        Raises:
            Refused: the game is over, or cannot come to these levels.
        """
        if self.ending is not None:
            raise Refused("The game is over.", 409)
        before = len(self.steps)
        self._inject({"kind": "injection", "round": self.round, **step})
        return self.steps[before:]

    def _inject(self, step: Step) -> None:
        what = step["what"]
        if what == "levels":
            stage = self.board.stages[self.stage]
            marks = (*(int(mark) for mark in stage.states[self.state][:3]), int(step["squeeze"]), int(step["cohesion"]))
            if marks not in stage.at:
                known = sorted({(int(s[3]), int(s[4])) for s in stage.states if tuple(s[:3]) == marks[:3]})
                words = ", ".join(f"squeeze {squeeze} with cohesion {cohesion}" for squeeze, cohesion in known)
                raise Refused(f"The crisis cannot come to these levels here. Possible: {words}.", 422)
            self.state = stage.at[marks]
        elif what == "scene":
            mind = self.minds[SIDES.index(step["to"])]
            if mind is not None:
                mind.scene(float(step["ratio"]))
        self.steps.append(step)
        if what == "removal":
            world = self.board.world
            self.payoff += self._discount * np.array([world.removed[i, self.types[i]] for i in range(2)])
            self._end("coup", None)
        elif what == "stop":
            self.ending = Ending("stopped", "stopped", None, None, self.round)
            self.steps.append({"kind": "end", "outcome": "stopped", "ending": "stopped", "round": self.round})

    def replay(self, steps: list[Step]) -> "Table":
        """Go through a record from where the table stands; what chance did is taken from it."""
        for index, step in enumerate(steps):
            if step["kind"] == "move":
                later = (then for then in steps[index + 1 : index + 2] if then["kind"] == "nature")
                self._move(step, told=later)
            elif step["kind"] == "injection":
                self._inject(step)
        return self


def options(board: Board, index: int, state: int, pending: tuple[str, str] | None) -> list[Option]:
    """Moves that can be made at one of the two first stages of a decision, in the order of the game."""
    stage, found = board.stages[index], []
    for m, move in enumerate(stage.moves):
        if not stage.mask[state, m]:
            continue
        lead = stage.leads[m]
        if lead >= 0 and lead < board.nature and board.stages[lead].detail:
            inner, then = board.stages[lead], int(stage.follow[state, m])
            for k, label in enumerate(inner.moves):
                if inner.mask[then, k]:
                    found.append(_detailed(board, stage.mover, move, int(label)))
        else:
            package = pending[1] if move == "accept" and pending is not None else None
            found.append(Option(move, package=package, ends=lead < 0))
    return found


def _detailed(board: Board, mover: int, move: str, label: int) -> Option:
    if move == "climb":
        return Option(move, rung=board.rungs[label])
    return Option(move, package=board.offers[mover][label - 1])


def labels(board: Board, index: int, step: Step) -> list[int]:
    """The one or two moves of the game that a step stands for, by index at their stages."""
    stage = board.stages[index]
    m = stage.moves.index(step["move"])
    if step["move"] == "climb":
        inner = board.stages[stage.leads[m]]
        return [m, inner.moves.index(str(board.rungs.index(step["rung"])))]
    if step["move"] == "offer":
        inner = board.stages[stage.leads[m]]
        return [m, inner.moves.index(str(board.offers[stage.mover].index(step["package"]) + 1))]
    return [m]


def drawn(
    board: Board, mind: Mind, kind: int, n: int, index: int, state: int, pending: tuple[str, str] | None,
    noise: Noise,
) -> Option:  # fmt: skip
    """A move by the strategy of a mind: the class by its chances, then the rung or package by theirs.

    As `standoff.game.play` does, the second decision is taken at the beliefs that the first one has led to.
    """
    stage = board.stages[index]
    m = choose(mind.does(n, index, state)[kind], noise(n, index, "choose"))
    lead, then = follow(stage, state, m)
    if 0 <= lead < board.nature and board.stages[lead].detail:
        after = mind.copy()
        after.saw(n, index, state, m)
        k = choose(after.does(n, lead, then)[kind], noise(n, lead, "choose"))
        return _detailed(board, stage.mover, stage.moves[m], int(board.stages[lead].moves[k]))
    package = pending[1] if stage.moves[m] == "accept" and pending is not None else None
    return Option(stage.moves[m], package=package, ends=lead < 0)


def draw_types(board: Board, seed: int) -> tuple[int, int]:
    """The two private types by the base prior: 0 yielding, 1 firm."""
    pair = choose(board.world.joint.reshape(-1), noise_of(seed)("types"))
    return pair // 2, pair % 2


def ended(board: Board, outcome: str, mover: int | None, pending: int, state: int, n: int, noise: Noise) -> Ending:
    """The ending in the words of the report: agreed exits apart from deals, exits that were stopped, modes of force."""
    world = board.world
    code = pending if mover == 0 else -pending
    package = None
    if outcome == "settlement" and mover is not None and pending:
        package = board.offers[1 - mover][pending - 1]
    goes = outcome == "concession" or (outcome == "settlement" and code in world.goers)
    ending = "agreed-exit" if goes else CODE[outcome]
    chance = world.blocked.get(outcome, 0.0)
    if outcome == "settlement":
        chance = world.blocked.get(str(code), 0.0) if goes else 0.0
    if noise("stopped") < chance:
        ending = "exit-blocked"
    mode = None
    if outcome == "force":
        mode = MODES[int((noise("mode") >= world.force[state]).sum())]
    return Ending(outcome, ending, mode, package, n)
