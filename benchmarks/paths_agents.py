"""The model of `benchmarks.paths_model` as agents of Mesa: two leaders and six factions, one path a model.

Written as its users would: an agent holds its own numbers and steps; the model holds what they share.
"""

import math
import random
from collections.abc import Callable, Sequence

import mesa
from benchmarks.paths_model import BELOW, LEVEL, NORMALS, STEPS, UNIFORMS, WEIGHT

Draw = Callable[[int], tuple[Sequence[float], Sequence[float]]]


class Faction(mesa.Agent):
    """A part of the coalition, with its weight and its loyalty."""

    def __init__(self, model: "Crisis", number: int) -> None:
        super().__init__(model)
        self.number, self.loyalty, self.temptation = number, LEVEL[number], 0.0

    def step(self) -> None:
        """Loyalty drifts; what is to be gained by a change tempts."""
        m, j = self.model, self.number
        self.loyalty += 0.05 * (LEVEL[j] - self.loyalty) + 0.02 * m.z[4 + j]
        gain = 0.1 * math.log(1 + math.exp((1 - self.loyalty - m.support) * 10))
        self.temptation = gain / (gain + 0.75) + 0.05 * m.z[10 + j]

    def plot(self) -> None:
        """The faction that leads an attempt loses by it."""
        m, j = self.model, self.number
        if m.attempt and BELOW[j] <= m.u[2] < BELOW[j + 1]:
            self.loyalty -= 0.05


class Coercer(mesa.Agent):
    """The leader who demands."""

    def __init__(self, model: "Crisis") -> None:
        super().__init__(model)
        self.opinion = self.target_firm = 0.0
        self.move = "hold"

    def step(self) -> None:
        """Chooses between holding, climbing, backing down and striking."""
        m = self.model
        self.opinion = 0.95 * self.opinion + 0.1 * m.z[19]
        felt = 1 - m.patronage + 0.1 * m.z[18]
        climb = math.exp(-2.5 + 0.4 * (self.target_firm + felt))
        down = math.exp(-5.3 - 0.5 * (self.opinion - self.target_firm))
        strike = math.exp(-5.3 + 0.5 * m.rung + 0.3 * self.opinion)
        at = m.u[4] * (1 + climb + down + strike)
        if at < strike:
            self.move = "strike"
        elif at < strike + climb:
            self.move = "climb"
        else:
            self.move = "back-down" if at < strike + climb + down else "hold"

    def read(self, move: str) -> None:
        """What the target's move says of it."""
        self.target_firm += (0.2 if move == "display" and self.model.u[7] < 0.9 else 0.0) - 0.03


class Target(mesa.Agent):
    """The leader of whom it is demanded."""

    def __init__(self, model: "Crisis") -> None:
        super().__init__(model)
        self.coercer_firm = 0.0
        self.move = "defy"

    def step(self) -> None:
        """Chooses between defiance, a display of it, and concession."""
        m = self.model
        seen = m.cohesion + 0.5 * m.z[17]
        show = math.exp(-2 + 0.2 * m.coercer.target_firm)
        yields = math.exp(-3.9 + 0.5 * self.coercer_firm - 0.3 * seen)
        at = m.u[6] * (1 + show + yields)
        self.move = "concede" if at < yields else "display" if at < yields + show else "defy"

    def read(self, move: str) -> None:
        """What the coercer's move, or an incident that looks like one, says of him."""
        m = self.model
        climbs = (move == "climb" and m.u[5] < 0.9) or m.u[8] < 0.03
        self.coercer_firm += (0.3 if climbs else 0.0) - 0.03


class Crisis(mesa.Model):
    """One path. `draw` gives the random numbers of a step; by default Python's own generator does."""

    def __init__(self, seed: int, draw: Draw | None = None) -> None:
        super().__init__(seed=seed)
        self.draw = draw or self._drawn
        self.price = 0.0
        self.reserves = self.patronage = 1.0
        self.gap, self.legitimacy, self.rung = 0.1, 0.5, 0.0
        self.support = self.cohesion = 0.0
        self.attempt = False
        self.outcome, self.ended = 0, STEPS
        self.coercer, self.target = Coercer(self), Target(self)
        self.factions = mesa.agent.AgentSet([Faction(self, j) for j in range(len(WEIGHT))], random=self.random)

    def _drawn(self, _: int) -> tuple[Sequence[float], Sequence[float]]:
        one: random.Random = self.random
        return [one.gauss(0.0, 1.0) for _ in range(NORMALS)], [one.random() for _ in range(UNIFORMS)]

    def advance(self, number: int) -> None:
        """One step: the economy, the factions, the coalition, the leaders."""
        self.z, self.u = self.draw(number)
        z, u = self.z, self.u
        self.price += 0.02 * z[0]
        income = (1 - 0.6 * self.rung * 0.25) * math.exp(0.1 * z[1] + self.price)
        drawn = min(0.06 * self.reserves, max(1 - income, 0.0))
        cash = income + drawn
        helped = max(z[20], 0.0) * 0.1 if u[3] < 0.02 else 0.0
        self.reserves = max(self.reserves - drawn + 0.2 * max(income - 1, 0.0) + 0.005 * z[2] + helped, 0.0)
        self.gap = 0.75 * self.gap + 0.25 * (0.1 - 0.85 * math.log(max(cash, 0.05)) + 0.1 * z[3])
        self.patronage += (math.sqrt(min(cash, 1.0)) - self.patronage) * 0.125
        self.support = 0.4 * self.patronage - 0.05 * self.gap
        self.factions.do("step")
        tempted = sum(WEIGHT[f.number] * f.temptation for f in self.factions)
        self.cohesion = (0.35 + 0.3 * self.legitimacy - tempted) * 12.5 + 0.3 * z[16]
        hazard = 1 / (1 + math.exp(3.5 + 0.8 * self.cohesion))
        removed, self.attempt = u[0] < hazard, u[1] < 3 * hazard
        self.factions.do("plot")
        self.legitimacy += 0.02 * (0.5 - self.legitimacy) - (0.02 if self.attempt else 0.0)
        self.coercer.step()
        self.target.step()
        self.coercer.read(self.target.move)
        self.target.read(self.coercer.move)
        if self.coercer.move == "climb":
            self.rung = min(self.rung + 1, 4.0)
        if self.outcome == 0:
            by_coercer = {"strike": 2, "back-down": 3}.get(self.coercer.move, 0)
            self.outcome = 1 if removed else by_coercer or (4 if self.target.move == "concede" else 0)
            self.ended = number if self.outcome else STEPS

    def path(self, *, stop: bool = False) -> tuple[int, int]:
        """The ending and its step; `stop` there, or go on to the last step."""
        for number in range(STEPS):
            self.advance(number)
            if stop and self.outcome:
                break
        return self.outcome, self.ended
