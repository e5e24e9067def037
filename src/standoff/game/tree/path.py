"""The branch of logit equilibria from precision 0, followed as a curve.

Along a ray of precisions t w the equations f(y, t) = 0 define curves; the one through y = 0 at t = 0 is the branch.
While it rises it is followed *by precision*: extrapolation through the last points and their tangents (Hermite), then
Newton's steps at fixed t. Where that fails, or the determinant of the Jacobian changes sign, it is followed *by arc
length*: unit tangent (dy, dt)/ds, Newton's steps in the plane across it. A sign change of dt/ds is a turning point
(fold); the sign of det(df/dy) dt/ds is the same all along a branch and changes only where another one crosses.

Keller (1977), Applications of Bifurcation Theory, 359-384; Allgower & Georg (1990), Numerical Continuation Methods,
sections 2, 6 and 8; Turocy (2005), Games and Economic Behavior 51, 243-263.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from standoff.game.tree.newton import Look, System, Values
from standoff.game.tree.solved import Status

AIM = 0.2  # error of extrapolation, in log-odds, that steps are chosen for
LOOSE = 0.4  # error above which a step is refused
CONTRACT = 0.5  # largest ratio of one Newton step to the one before
CLOSE = 1e-7  # Newton's step below which a further one reaches rounding
SHARP = 1e-12  # residual of an answer, in log-odds, relative to the largest log-odds
FLAT = 1e-4  # dt/ds at which a parabola gives the turning point
BEND = 0.92  # least cosine between successive unit tangents
BOW = 0.1  # largest part of a step by which the curve may stray from the trapezium of its end slopes
TROUBLE = 3.0  # refused steps, less half of those that went well, before arc length takes over
NEAR = 0.02  # Newton's step below which a point of the curve is near enough to go on from after that step
TINY = 1e-9  # arc step, relative to the first, at which the branch is given up
DOUBTS = 8  # arcs with a wrong sign of the determinant before it is put down to another branch that crosses
RISES = 10  # steps by arc length without a turn before precision takes over again
MEMORY = 2  # points through which the curve is extrapolated


@dataclass(frozen=True)
class Place:
    """A point of the curve: its log-odds, tangent dy/dt and the sign of the determinant."""

    t: float
    y: np.ndarray
    slope: np.ndarray
    sign: float


@dataclass(frozen=True)
class Arrival:
    """An answer at a wanted t; without `values` it failed, as `status` says."""

    t: float
    values: Values | None
    turns: tuple[float, ...]
    looks: int
    status: Status


class _OutOfLooksError(Exception):
    """The budget is spent."""


@dataclass
class Path:
    """The branch of one ray while it is followed. `want`: increasing values of t that are still to be reached."""

    equations: System
    want: list[float]
    most_looks: int
    looks: int = 0
    crossed: bool = False
    crossing: bool = False  # within the arc just made, so that the sign of the determinant says nothing
    orientation: float = 1.0
    turns: list[float] = field(default_factory=list)
    arrivals: list[Arrival] = field(default_factory=list)

    def look(self, y: np.ndarray, t: float, signed: bool = True) -> Look | None:
        """A look, counted; None if the Jacobian is singular or nothing finite comes of it."""
        if self.looks >= self.most_looks:
            raise _OutOfLooksError
        self.looks += 1
        try:
            look = self.equations.look(y, t, signed)
        except np.linalg.LinAlgError:
            return None
        good = np.isfinite(look.step).all() and np.isfinite(look.slope).all()
        return look if good else None

    def settle(self, y: np.ndarray, t: float, sharp: bool, limit: float = LOOSE) -> tuple[Place | None, float]:
        """Newton's steps at fixed t: two, or as many as reach rounding. Also the first one's size."""
        first = before = np.inf
        for count in range(12):
            look = self.look(y, t, count > 0)
            size = _size(look.step) if look else np.inf
            if look is None or size > (limit if count == 0 else max(CONTRACT * before, CLOSE)):
                return None, first
            first = size if count == 0 else first
            ahead, y, before = size * (size / max(before, 1e-300)) ** 2, y + look.step, size
            if count and (size < CLOSE or (sharp and ahead < 0.01 * SHARP) or (not sharp and size < NEAR)):
                break
        return Place(t, y, look.slope, look.sign) if look else None, first

    def arrive(self, place: Place) -> None:
        """Note the answer at the lowest wanted t."""
        t = self.want.pop(0)
        y, good = place.y, False
        for _ in range(3):
            values = self.equations.values(y, t)
            good = _size(values.error) <= SHARP * (1.0 + _size(y))
            look = None if good else self.look(y, t)
            if look is None:
                break
            y = y + look.step
        status = Status.rough if not good else Status.crossed if self.crossed or self.crossing else Status.ok
        self.arrivals.append(Arrival(t, values if good else None, tuple(self.turns), self.looks, status))

    def fail(self, status: Status) -> None:
        """Note that what is still wanted was not reached."""
        self.arrivals += [Arrival(t, None, tuple(self.turns), self.looks, status) for t in self.want]
        self.want = []

    def follow(self) -> list[Arrival]:
        """Reach what is wanted, from t = 0 on."""
        try:
            start = self.look(np.zeros(self.equations.size), 0.0)
            if start is None:
                self.fail(Status.lost)
                return self.arrivals
            place: Place | None = Place(0.0, np.zeros(self.equations.size), start.slope, start.sign)
            if self.want and self.want[0] == 0.0 and place:
                self.arrive(place)
            step = 0.5 / max(_size(start.slope), 0.01)
            while self.want and place is not None:
                place, step = self._rise(place, step)
                if self.want and place is not None:
                    place, step = self._bend(place, step)
            if self.want:
                self.fail(Status.lost)
        except _OutOfLooksError:
            self.fail(Status.turned_away if self.turns else Status.exhausted)
        return self.arrivals

    def _rise(self, place: Place, step: float) -> tuple[Place, float]:
        """Follow the curve by precision until all is reached or it resists."""
        past, refused = [place], 0.0
        while self.want and refused < TROUBLE:
            left = self.want[0] - past[-1].t
            hit = step >= 0.95 * left
            h = left if hit else min(step, 0.5 * left) if step > 0.5 * left else step
            t = self.want[0] if hit else past[-1].t + h
            found, error = self.settle(_extrapolate(past, t), t, hit)
            order = 2 * len(past)
            if found is None or found.sign != self.orientation or _bowed(past[-1], found):
                refused += 1
                step = h * _factor(error, order, 0.1, 0.5)
                continue
            refused = max(refused - 0.5, 0.0)
            if hit:
                self.arrive(found)
            past = [*past[1 - MEMORY :], found]
            ahead = h * _factor(error, order, 0.3, 2.5)
            step = max(step, ahead) if hit and error < AIM else ahead
        return past[-1], step

    def _bend(self, place: Place, step: float) -> tuple[Place | None, float]:
        """Follow the curve by arc length until it rises again without resistance."""
        unit = np.append(place.slope, 1.0)
        norm = _length(unit)
        unit /= norm
        s = step * norm
        first, rises, doubts = s, 0, 0
        while self.want:
            new, tangent, why = self._arc(place, unit, s)
            self.crossing, turns = False, len(self.turns)
            if new is None and why == "sign":
                doubts += 1
                if doubts > DOUBTS:
                    new, tangent, why = self._arc(place, unit, s, False)
                    self.crossing = new is not None and why == "easy"
                    new = new if self.crossing else None
            if new is None or not self._passed(place, unit, new, tangent, s):
                s, rises = 0.4 * s, 0
                if s < TINY * first:
                    return None, step
                continue
            if self.crossing:
                self.crossed, self.crossing, self.orientation, doubts = True, False, -self.orientation, 0
            doubts = 0 if len(self.turns) > turns else doubts
            rises = rises + 1 if tangent[-1] > 0 and unit[-1] > 0 else 0
            moved = new.t - place.t
            place, unit = new, tangent
            s *= 2.0 if why == "easy" else 1.2 if why == "fair" else 0.8
            if rises >= RISES and s > 0.05 * first:
                return place, moved
        return place, step

    def _arc(
        self, place: Place, unit: np.ndarray, s: float, strict: bool = True
    ) -> tuple[Place | None, np.ndarray, str]:
        """One step of arc length s. Why it failed, or how easily it went."""
        n = len(place.y)
        y, t = place.y + s * unit[:n], float(place.t + s * unit[-1])
        across, before, first = unit[:n], np.inf, np.inf
        for count in range(8):
            look = self.look(y, t)
            if look is None:
                return None, unit, "newton"
            off = across @ (y - place.y + look.step) + unit[-1] * (t - place.t) - s
            dt = -off / (across @ look.slope + unit[-1])
            dy = look.step + dt * look.slope
            size = max(_size(dy), abs(dt))
            if not size <= (min(LOOSE, 0.5 * s) if count == 0 else max(0.5 * before, 1e-9)):
                return None, unit, "newton"
            first = size if count == 0 else first
            y, t, before = y + dy, float(t + dt), size
            if size < 1e-7:
                break
        else:
            return None, unit, "newton"
        tangent = np.append(look.slope, 1.0)
        tangent /= _length(tangent)
        if tangent @ unit < 0:
            tangent = -tangent
        bend = float(tangent @ unit)
        rise = max(abs(unit[-1]), abs(tangent[-1]))
        bowed = abs((t - place.t) / s - 0.5 * (unit[-1] + tangent[-1])) > BOW * rise
        if bend < BEND or bowed:
            return None, unit, "bend"
        if strict and look.sign * np.sign(tangent[-1]) != self.orientation:
            return None, unit, "sign"
        ease = "easy" if bend > 0.995 and first < AIM else "fair" if bend > 0.97 else "hard"
        return Place(t, y, look.slope, look.sign), tangent, ease

    def _passed(self, old: Place, unit: np.ndarray, new: Place, tangent: np.ndarray, s: float) -> bool:
        """Turning points and wanted precisions between two points of an arc; False if it is too long for them."""
        top, turn = new, None
        if unit[-1] * tangent[-1] < 0:
            found = self._turn(old, unit, s)
            if found is None:
                return False
            place, turn = found
            top = place if unit[-1] > 0 else new
        if unit[-1] < 0 and tangent[-1] > 0 and self.want[0] <= new.t:
            return False
        while self.want and unit[-1] > 0 and self.want[0] <= top.t:
            got = self._between(old, unit, s, self.want[0])
            if got is None:
                return False
            self.arrive(got)
        if turn is not None:
            self.turns.append(turn)
        return True

    def _on(self, old: Place, unit: np.ndarray, s: float) -> tuple[Place | None, np.ndarray]:
        """The curve at arc s from a point, however it bends."""
        new, tangent, _ = self._arc(old, unit, s, False)
        return new, tangent

    def _turn(self, old: Place, unit: np.ndarray, s: float) -> tuple[Place, float] | None:
        """A place close to the turning point within an arc, by regula falsi (Illinois) on dt/ds, and the turn's t.

        At the turn itself the Jacobian is singular; the last bit is the parabola through the place.
        """
        low, high, rise_low = 0.0, s, float(unit[-1])
        found, tangent = self._on(old, unit, s)
        rise_high = float(tangent[-1])
        for _ in range(40):
            if found is None:
                return None
            bend = (rise_high - rise_low) / (high - low)
            if abs(rise_high) < FLAT or abs(high - low) < 1e-9 * s:
                return found, found.t - 0.5 * rise_high**2 / bend
            middle = high - rise_high / bend
            found, tangent = self._on(old, unit, middle)
            rise = float(tangent[-1])
            if rise * rise_high < 0:
                low, rise_low = high, rise_high
            else:
                rise_low *= 0.5
            high, rise_high = middle, rise
        return None

    def _between(self, old: Place, unit: np.ndarray, s: float, t: float) -> Place | None:
        """The first point of an arc with a given t: bisection to come near, then Newton's steps at fixed t."""
        low, high = 0.0, s
        near: Place | None = old
        for _ in range(60):
            if near is not None and near.t <= t:
                got, _ = self.settle(near.y + (t - near.t) * near.slope, t, True, 0.05)
                if got is not None and (self.crossing or got.sign == self.orientation):
                    return got
            middle = 0.5 * (low + high)
            found, tangent = self._on(old, unit, middle)
            if found is None:
                return None
            if found.t <= t and tangent[-1] > 0:
                low, near = middle, found
            else:
                high, near = middle, None
        return None


def _size(x: np.ndarray) -> float:
    return float(np.abs(x).max(initial=0.0))


def _factor(error: float, order: int, least: float, most: float) -> float:
    """By what to change a step so that its error, which grows by its power `order`, comes to what is aimed for."""
    return min(most, max(least, 0.9 * float((AIM / max(error, 1e-12)) ** (1 / order))))


def _bowed(old: Place, new: Place) -> bool:
    """Whether the curve strays so far from the trapezium of its end slopes that two folds may hide between."""
    h = new.t - old.t
    stray = _size(new.y - old.y - 0.5 * h * (old.slope + new.slope))
    return stray > 0.01 + BOW * h * max(_size(old.slope), _size(new.slope))


def _length(x: np.ndarray) -> float:
    return float(np.sqrt(x @ x))


def _extrapolate(past: Sequence[Place], t: float) -> np.ndarray:
    """Hermite's polynomial through points and their tangents, in Newton's form with every node twice."""
    last = past[::-1]
    nodes = [place.t for place in last for _ in range(2)]
    column = [place.y for place in last for _ in range(2)]
    value, factor = last[0].y.copy(), 1.0
    for level in range(1, len(nodes)):
        column = [
            last[i // 2].slope
            if level == 1 and i % 2 == 0
            else (column[i + 1] - column[i]) / (nodes[i + level] - nodes[i])
            for i in range(len(nodes) - level)
        ]
        factor *= t - nodes[level - 1]
        value += factor * column[0]
    return value
