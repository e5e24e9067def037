"""One side's reading of the record: beliefs moved by what it sees, in plain numbers.

These are the rules of `standoff.game.play` for one path and one mind: what is believed of the other, what the other is
thought to believe, both updated by Bayes with the strategies of the view held; moves that are taken for others; news
that is lost, late or flipped (`standoff.game.sense`); a shadow that reads the same record and may take over. The tests
compare them with that module number by number.
"""

import copy
from dataclasses import dataclass, field

import numpy as np

from standoff.play.board import Board, Held, Stage, Voice
from standoff.play.noise import Noise, choose

MOST = 700.0
"""Largest log-likelihood ratio by which beliefs are moved at once, as in `standoff.game.response`."""
AROUND = np.arange(-1, 3)[:, None]
"""The four nodes around a cell."""


def bayes(prior: float, ratio: float) -> float:
    """Chance of the firm type after news with a log-likelihood ratio."""
    odds = prior * float(np.exp(np.clip(ratio, -MOST, MOST)))
    return odds / (1 - prior + odds)


def _slope_end(near: np.ndarray, after: np.ndarray) -> np.ndarray:
    slope = 1.5 * near - 0.5 * after
    slope = np.where(slope * near <= 0, 0.0, slope)
    return np.where((near * after <= 0) & (np.abs(slope) > 3 * np.abs(near)), 3 * near, slope)


def _harmonic(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    agree = a * b > 0
    return np.where(agree, 2 * a * b / np.where(agree, a + b, 1.0), 0.0)


def _cubic(v: np.ndarray, t: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """The monotone cubic from the four nodes (first axis) around a cell (`standoff.game.interpolate.local`)."""
    before, here, after = v[1] - v[0], v[2] - v[1], v[3] - v[2]
    s0, s1 = _harmonic(before, here), _harmonic(here, after)
    if low.any():
        s0 = np.where(low, _slope_end(here, after), s0)
    if high.any():
        s1 = np.where(high, _slope_end(here, before), s1)
    found: np.ndarray = v[1] + t * (s0 + t * (3 * here - 2 * s0 - s1 + t * (-2 * here + s0 + s1)))
    return found


def _cell(x: np.ndarray, nodes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    at = x * (nodes - 1)
    index = np.minimum(at.astype(int), nodes - 2)
    rows = np.minimum(np.maximum(index[None] + AROUND, 0), nodes - 1)
    return rows, (at - index)[:, None, None], (index == 0)[:, None, None], (index == nodes - 2)[:, None, None]


def look_up(table: np.ndarray, n: int, state: np.ndarray, p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Log chances in round n between the nodes of beliefs (`standoff.game.lookup.lookup`): axes point, type, move."""
    nodes = table.shape[2]
    rows, t, low, high = _cell(p, nodes)
    columns, u, left, right = _cell(q, nodes)
    near = np.maximum(table[n, state, rows[:, None], columns[None, :]], np.float32(-100.0))  # p, q, point, type, move
    t, u = t.astype(near.dtype), u.astype(near.dtype)
    along = _cubic(np.moveaxis(near, 1, 0), u, left, right)  # p, point, type, move
    found = _cubic(along, t, low, high).astype(float)
    top = found.max(-1, keepdims=True)
    return np.asarray(found - top - np.log(np.exp(found - top).sum(-1, keepdims=True)))


def one(table: np.ndarray, n: int, state: int, belief: np.ndarray) -> np.ndarray:
    """Log chances in one state at one pair of beliefs: axes type, move."""
    at = np.array([state])
    return np.asarray(look_up(table, n, at, belief[:1], belief[1:])[0])


@dataclass(eq=False)
class _Reading:
    """Where one voice stands: beliefs (that the coercer, that the target is firm) and news on its way, by round."""

    voice: Voice
    belief: np.ndarray
    waiting: np.ndarray | None


@dataclass(eq=False)
class Mind:
    """The mind at a seat, along the record. `taken` says for what the other's latest class of move was taken."""

    board: Board
    held: Held
    noise: Noise
    factor: float = 0.0
    dropped: bool = False
    dropped_in: int | None = None
    taken: int | None = None
    readings: list[_Reading] = field(default_factory=list)
    _clear: bool = True
    _judge: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Begin at the priors of the views."""
        voices = [self.held.voice] + ([self.held.shadow] if self.held.shadow is not None else [])
        for voice in voices:
            later = None if voice.sense is None else np.zeros(len(voice.sense["delay"]) - 1)
            self.readings.append(_Reading(voice, voice.prior.copy(), later))

    @property
    def side(self) -> int:
        """Whose mind it is."""
        return self.held.side

    @property
    def other(self) -> int:
        """The other side."""
        return 1 - self.held.side

    @property
    def now(self) -> _Reading:
        """The reading by which the mind goes: the shadow's once the view is dropped."""
        return self.readings[-1] if self.dropped else self.readings[0]

    @property
    def view(self) -> str:
        """Name of the view held now."""
        return self.now.voice.view

    @property
    def belief(self) -> np.ndarray:
        """What is believed: chance that the coercer is firm, that the target is."""
        return self.now.belief

    def begin(self, n: int) -> None:
        """Begin a round: news that waited comes in, scenes are seen."""
        names = ("passing", "waiting", "judging", "judging-late")
        self._judge = {name: self.noise(n, "sense", name, self.side) for name in names}
        self._clear = True
        for reading in self.readings:
            sense, queue = reading.voice.sense, reading.waiting
            if sense is None or queue is None:
                continue
            about = float(reading.belief[self.other])
            late = float(sense["leader"]) * self._judged(sense, float(queue[0]), about, "judging-late")
            reading.belief[self.other] = bayes(about, late + float(sense["scene"][n]))
            reading.waiting = np.append(queue[1:], 0.0)

    def _judged(self, sense: dict[str, np.ndarray], ratio: float, belief: float, noise: str) -> float:
        contrary = ratio * (belief - 0.5) < 0
        return -ratio if contrary and self._judge[noise] < float(sense["flip"]) else ratio

    def expects(self, n: int, index: int, state: int) -> np.ndarray:
        """Chances of the other side's moves at one of its stages, as expected here."""
        return self._expects(self.now, n, index, state)

    def _expects(self, reading: _Reading, n: int, index: int, state: int) -> np.ndarray:
        chance = np.exp(one(reading.voice.log_pi[index], n, state, reading.belief))
        firm = float(reading.belief[self.board.stages[index].mover])
        return np.asarray(firm * chance[1] + (1 - firm) * chance[0])

    def does(self, n: int, index: int, state: int) -> np.ndarray:
        """Chances of the holder's own moves by his type (axes type, move), over what can be played."""
        voice = self.now.voice
        table = voice.log_pi[index] if voice.acts is None else voice.acts[index]
        chance = np.exp(one(table, n, state, self.belief)) * self.board.stages[index].mask[state]
        return np.asarray(chance / chance.sum(-1, keepdims=True))

    def read(self, n: int, index: int, state: int, move: int) -> int:
        """For what a move of the other side is taken here: over what could be played, by the view's channels."""
        row = self.held.voice.read[index][move] * self.board.stages[index].mask[state]
        return choose(row, self.noise(n, index, "read", self.side)) if row.sum() > 0 else move

    def saw(self, n: int, index: int, state: int, move: int, read: int | None = None) -> None:
        """A move was made at a stage: one's own, or the other's, which may be taken for another one."""
        stage = self.board.stages[index]
        if stage.mover == self.side:
            for reading in self.readings:
                self._learn(reading, n, index, state, move)
            return
        read = self.read(n, index, state, move) if read is None else read
        learns = self._clear or not stage.detail
        if len(self.readings) > 1 and learns:
            held, shadow = (self._expects(reading, n, index, state)[read] for reading in self.readings)
            self.factor += float(np.log(shadow) - np.log(held))
        for reading in self.readings:
            if learns:
                self._learn(reading, n, index, state, read)
        if not stage.detail:
            self._clear = read == move
            self.taken = read

    def _learn(self, reading: _Reading, n: int, index: int, state: int, move: int) -> None:
        stage = self.board.stages[index]
        log_pi = one(reading.voice.log_pi[index], n, state, reading.belief)
        ratio = float(log_pi[1, move] - log_pi[0, move])
        if stage.mover != self.side:
            ratio = self._hear(reading, ratio)
        reading.belief[stage.mover] = bayes(float(reading.belief[stage.mover]), ratio)

    def _hear(self, reading: _Reading, ratio: float) -> float:
        """The change of log-odds now; what is held up waits (`standoff.game.sense.hear`)."""
        sense, queue = reading.voice.sense, reading.waiting
        if sense is None or queue is None:
            return ratio
        bad = ratio > 0
        passed = not bad or self._judge["passing"] >= float(sense["lost"])
        rounds = int((self._judge["waiting"] >= np.cumsum(sense["delay"])[:-1]).sum()) if bad else 0
        about = float(reading.belief[self.other])
        now = self._judged(sense, ratio, about, "judging") if passed and rounds == 0 else 0.0
        if passed and rounds > 0:
            queue[rounds - 1] += ratio
        leader = float(sense["leader"])
        return leader * now + (1.0 - leader) * ratio

    def end_round(self, n: int) -> None:
        """End a round: a view against which the record speaks too much is dropped for good."""
        if not self.dropped and len(self.readings) > 1 and self.factor > np.log(self.held.threshold):
            self.dropped, self.dropped_in = True, n

    def copy(self) -> "Mind":
        """A mind that can think ahead without moving this one."""
        found = copy.copy(self)
        found.readings = [
            _Reading(r.voice, r.belief.copy(), None if r.waiting is None else r.waiting.copy()) for r in self.readings
        ]
        return found

    def scene(self, ratio: float) -> None:
        """News that is no move: a log-likelihood ratio for the other side being firm."""
        for reading in self.readings:
            reading.belief[self.other] = bayes(float(reading.belief[self.other]), ratio)

    def worth(self, n: int, state: int) -> np.ndarray:
        """What going on is worth at the beginning of round n, by own type, in own units (linear between nodes)."""
        value = self.now.voice.value[n][:, state]
        nodes = value.shape[-1] - 1
        p, q = (float(b) * nodes for b in self.belief)
        j, k = min(int(p), nodes - 1), min(int(q), nodes - 1)
        t, u = p - j, q - k
        low = (1 - u) * value[:, j, k] + u * value[:, j, k + 1]
        high = (1 - u) * value[:, j + 1, k] + u * value[:, j + 1, k + 1]
        return np.asarray((1 - t) * low + t * high)


def follow(stage: Stage, state: int, move: int) -> tuple[int, int]:
    """Stage and state that a move leads to; stage -1 where it ends the game."""
    return stage.leads[move], int(stage.follow[state, move])
