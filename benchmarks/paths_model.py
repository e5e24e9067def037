"""The model that `benchmarks.paths` runs three times over: as large as a crisis, and the same for everybody.

Two leaders, six factions, an economy and a coalition between them; 180 steps; 30 random numbers a step, 21 standard
normal and 9 uniform. All quantities are shares of their norm. A step, with B = rung/4 the blockade:

    p' = p + 0.02 z0                      log price           X = (1 - 0.6 B) exp(0.1 z1)          exports
    Y = X exp(p);  draw = min(0.06 R, max(0, 1-Y));  C = Y + draw;  R' = max(0, R - draw + 0.2 max(0, Y-1) + 0.005 z2
        + [u3 < 0.02] max(0, z20) 0.1)    reserves, a patron's help among them
    g' = 0.75 g + 0.25 (0.1 - 0.85 ln max(C, 0.05) + 0.1 z3)                                       currency gap
    a' = a + (min(1, C)^0.5 - a)/8                                                                patronage
    l_j' = l_j + 0.05 (m_j - l_j) + 0.02 z(4+j);  e_j = l_j' + 0.4 a' - 0.05 g'                    loyalty, utility
    b_j = 0.1 ln(1 + exp((1 - e_j)/0.1));  s_j = b_j/(b_j + 0.75) + 0.05 z(10+j)                   temptation
    c = (0.35 + 0.3 L - sum_j w_j s_j)/0.08 + 0.3 z16                                              cohesion
    h = 1/(1 + exp(3.5 + 0.8 c))          removed if u0 < h; attempted if u1 < 3h, led by faction j by w (u2)
    seen: c + 0.5 z17 by the target, 1 - a' + 0.1 z18 by the coercer; opinion o' = 0.95 o + 0.1 z19
    coercer: logits hold 0, climb -2.5 + 0.4 d, back down -5.3 - 0.5 (o' - d), strike -5.3 + 0.5 rung + 0.3 o' (u4)
    target:  logits defy 0, display -2 + 0.2 b, concede -3.9 + 0.5 q - 0.3 seen (u6)
    each reads the other's move rightly with chance 0.9 (u5, u7); an incident (u8 < 0.03) looks like a climb
    q' = q + 0.3 [climb read] - 0.03;  d' = d + 0.2 [display read] - 0.03                          log odds of firmness

A path that has ended goes on to the last step all the same, unless it is stopped, with the same ending. The first
of removal, strike, backing down and concession ends the crisis. `advance` is written once: numpy and JAX
run the same text; `benchmarks.paths_agents` holds it as agents of Mesa.
"""

from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

STEPS = 180
FACTIONS = 6
NORMALS, UNIFORMS = 21, 9
WEIGHT = (0.30, 0.22, 0.16, 0.13, 0.11, 0.08)
LEVEL = (0.95, 0.90, 0.85, 0.90, 0.80, 0.85)
OUTCOMES = ("none", "removed", "force", "back-down", "concession")
BELOW = tuple(float(x) for x in np.cumsum((0.0, *WEIGHT)))


class State(NamedTuple):
    """Where paths stand: each a row, the loyalties six; the path is the last axis."""

    price: Any
    reserves: Any
    gap: Any
    patronage: Any
    legitimacy: Any
    opinion: Any
    coercer_firm: Any
    target_firm: Any
    rung: Any
    loyalty: tuple[Any, ...]
    outcome: Any
    ended: Any


def first(xp: ModuleType, count: int) -> State:
    """The first state of `count` paths."""

    def full(value: float) -> Any:  # noqa: ANN401 (numpy or JAX)
        return xp.full(count, value, dtype=xp.float32)

    loyalty = tuple(full(level) for level in LEVEL)
    return State(full(0), full(1), full(0.1), full(1), full(0.5), full(0), full(0), full(0), full(0), loyalty,
                 full(0), full(STEPS))  # fmt: skip


def advance(xp: ModuleType, s: State, step: Any, z: Any, u: Any) -> State:  # noqa: ANN401 (numpy or JAX)
    """One step of all paths: `z` holds `NORMALS` rows of standard normals, `u` `UNIFORMS` rows of uniforms.

    `step` is the number of the step, one for all paths or one for each.
    """

    def when(event: Any) -> Any:  # noqa: ANN401 (numpy or JAX)
        return event.astype(xp.float32)

    blockade = s.rung * 0.25
    price = s.price + 0.02 * z[0]
    income = (1 - 0.6 * blockade) * xp.exp(0.1 * z[1] + price)
    drawn = xp.minimum(0.06 * s.reserves, xp.maximum(1 - income, 0))
    cash = income + drawn
    helped = when(u[3] < 0.02) * xp.maximum(z[20], 0) * 0.1
    reserves = xp.maximum(s.reserves - drawn + 0.2 * xp.maximum(income - 1, 0) + 0.005 * z[2] + helped, 0)
    gap = 0.75 * s.gap + 0.25 * (0.1 - 0.85 * xp.log(xp.maximum(cash, 0.05)) + 0.1 * z[3])
    patronage = s.patronage + (xp.sqrt(xp.minimum(cash, 1)) - s.patronage) * 0.125
    support = 0.4 * patronage - 0.05 * gap
    loyalty, tempted = [], 0
    for j in range(FACTIONS):
        here = s.loyalty[j] + 0.05 * (LEVEL[j] - s.loyalty[j]) + 0.02 * z[4 + j]
        gain = 0.1 * xp.log(1 + xp.exp((1 - here - support) * 10))
        tempted = tempted + WEIGHT[j] * (gain / (gain + 0.75) + 0.05 * z[10 + j])
        loyalty.append(here)
    cohesion = (0.35 + 0.3 * s.legitimacy - tempted) * 12.5 + 0.3 * z[16]
    hazard = 1 / (1 + xp.exp(3.5 + 0.8 * cohesion))
    removed, attempt = u[0] < hazard, u[1] < 3 * hazard
    for j in range(FACTIONS):
        leads = attempt & (u[2] >= BELOW[j]) & (u[2] < BELOW[j + 1])
        loyalty[j] = loyalty[j] - 0.05 * when(leads)
    legitimacy = s.legitimacy + 0.02 * (0.5 - s.legitimacy) - 0.02 * when(attempt)
    opinion = 0.95 * s.opinion + 0.1 * z[19]
    seen, felt = cohesion + 0.5 * z[17], 1 - patronage + 0.1 * z[18]
    climb = xp.exp(-2.5 + 0.4 * (s.target_firm + felt))
    down = xp.exp(-5.3 - 0.5 * (opinion - s.target_firm))
    strike = xp.exp(-5.3 + 0.5 * s.rung + 0.3 * opinion)
    at = u[4] * (1 + climb + down + strike)
    strikes, climbs = at < strike, (at >= strike) & (at < strike + climb)
    backs = (at >= strike + climb) & (at < strike + climb + down)
    show = xp.exp(-2 + 0.2 * s.target_firm)
    yields = xp.exp(-3.9 + 0.5 * s.coercer_firm - 0.3 * seen)
    at = u[6] * (1 + show + yields)
    concedes, shows = at < yields, (at >= yields) & (at < yields + show)
    read = (climbs & (u[5] < 0.9)) | (u[8] < 0.03)
    coercer_firm = s.coercer_firm + 0.3 * when(read) - 0.03
    target_firm = s.target_firm + 0.2 * when(shows & (u[7] < 0.9)) - 0.03
    rung = xp.minimum(s.rung + when(climbs), 4)
    by_target = 4 * when(concedes)
    by_coercer = xp.where(strikes, xp.float32(2), xp.where(backs, xp.float32(3), by_target))
    code = xp.where(removed, xp.float32(1), by_coercer)
    goes_on = s.outcome == 0
    outcome = xp.where(goes_on, code, s.outcome)
    ended = xp.where(goes_on & (code > 0), step, s.ended)
    return State(price, reserves, gap, patronage, legitimacy, opinion, coercer_firm, target_firm, rung,
                 tuple(loyalty), outcome, ended)  # fmt: skip
