"""Closed forms of games in `classics` and `attrition`, as published or solved from the published conditions.

Each function takes the numbers of a game and returns the quantities of its equilibrium by name: chances of events in
one play, payoffs and times in the units of the game. Sources stand with each.
"""

import math
from itertools import pairwise
from statistics import NormalDist

import numpy as np

PHI = NormalDist().cdf
NODES, WEIGHTS = (each.tolist() for each in np.polynomial.legendre.leggauss(64))
Numbers = dict[str, float]


def ultimatum(p: float, cost: float, low: float, high: float) -> Numbers:
    """Demand under a cost of B uniform on [low, high]: 1 − F(x − p) = f(x − p)(x − p + cost) (Fearon 1995)."""
    demand = min(1.0, p + max(low, (high - cost) / 2))
    war = max(0.0, (demand - p - low) / (high - low))
    return {
        "demand": demand,
        "war_probability": war,
        "proposer_payoff": (1 - war) * demand + war * (p - cost),
    }


def two_types(p: float, cost: float, tough: float, soft: float, share: float) -> Numbers:
    """Demand if B's cost is `soft` with chance `share` and `tough` otherwise (Powell 1999, ch. 3)."""
    critical = (tough + cost) / (soft + cost)
    risky = share > critical
    demand, war = (p + soft, 1 - share) if risky else (p + tough, 0.0)
    payoff = (1 - war) * demand + war * (p - cost)
    return {"critical_belief": critical, "demand": demand, "war_probability": war, "proposer_payoff": payoff}


def preventive(now: float, later: float, discount: float, cost: float) -> Numbers:
    """B, which declines, attacks iff discount × later − now > cost (1 − discount)² (Fearon 1995, pp. 401-409)."""
    left = 1 - discount
    shift, bound = discount * later - now, cost * left**2
    return {
        "shift_term": shift,
        "bound": bound,
        "war": float(shift > bound),
        "critical_p2": (now + bound) / discount,
        "declining_war_value": (1 - now) / left - cost,
        "declining_best_peace": 1 + discount * ((1 - later) / left - cost),
    }


def audience_costs(v: float, slopes: tuple[float, float], highs: tuple[float, float]) -> Numbers:
    """Attrition under audience costs with costs of war uniform on [0, high] (Fearon 1994, pp. 577-592).

    1 − Q_j(t) = v (1 − Q_j(0)) / (v + a_i t) keeps i willing to wait; what is left at T has a cost below a T.
    """
    found: Numbers = {}
    ends = []
    for i in (0, 1):
        a, b, c = slopes[1 - i] * slopes[i], slopes[i] * v, -highs[i] * v
        ends.append((-b + math.sqrt(b * b - 4 * a * c)) / (2 * a))
    horizon = min(ends)
    found |= {"t1": ends[0], "t2": ends[1], "horizon": horizon}
    at_once = []
    for i in (0, 1):
        gone, lost = 1 - slopes[i] * horizon / highs[i], slopes[1 - i] * horizon
        at_once.append(max(0.0, (gone * (v + lost) - lost) / v) if ends[i] > horizon else 0.0)
        found[f"initial_quit_{i + 1}"] = at_once[i]
    for i in (0, 1):
        own, other, total = slopes[i], slopes[1 - i], 0.0
        for node, weight in zip(NODES, WEIGHTS, strict=True):
            t = horizon * (node + 1) / 2
            held = v * (1 - at_once[1 - i]) / (v + own * t)
            total += weight * horizon / 2 * held * v * (1 - at_once[i]) * other / (v + other * t) ** 2
        found[f"prob_{i + 1}_backs_down_after_0"] = total
        found[f"hazard_{i + 1}_at_half"] = other / (v + other * horizon / 2)
    found["prob_war"] = slopes[0] * horizon / highs[0] * slopes[1] * horizon / highs[1]
    return found


def crisis(audience: float, high: float, other: float) -> Numbers:
    """The threat game with costs of war uniform on [0, high] and [0, other] (Schultz 1999, 2001 ch. 3)."""
    genuine = min(1.0, audience / high)
    bluff = min(genuine * other / (1 + audience), 1 - genuine)
    resist = 1 / (1 + audience) if bluff < 1 - genuine else min(1.0, (1 - genuine) / genuine / other)
    all_ = genuine + bluff
    return {
        "prob_genuine": genuine,
        "prob_bluff": bluff,
        "prob_challenge": all_,
        "prob_stand_firm_given_challenge": genuine / all_,
        "prob_resist": resist,
        "prob_war": genuine * resist,
        "prob_back_down": bluff * resist,
        "prob_concession": all_ * (1 - resist),
        "prob_status_quo": 1 - all_,
    }


def signals(resist: float, numbers: Numbers) -> Numbers:
    """Best replies to a chance of resistance in the threat game with normal shocks (Lewis and Schultz 2003).

    A challenges where the better of war and backing down is worth over `cutoff`.

    Args:
        resist: chance of resistance given a challenge.
        numbers: payoffs of A and B in the words of the source: SA, VA, WA, a and CB, WB, VB.
    """
    n = numbers
    cutoff = (n["SA"] - (1 - resist) * n["VA"]) / resist
    challenge = 1 - PHI(cutoff - n["WA"]) * PHI(cutoff - n["a"])
    start, stop = max(-9.0, cutoff - n["WA"]), 9.0
    firm, pdf = 0.0, NormalDist().pdf
    for node, weight in zip(NODES, WEIGHTS, strict=True):
        shock = start + (stop - start) * (node + 1) / 2
        firm += weight * (stop - start) / 2 * pdf(shock) * PHI(n["WA"] - n["a"] + shock)
    share = firm / challenge
    reply = PHI((n["WB"] * share + n["VB"] * (1 - share) - n["CB"]) / share)
    return {"pC": challenge, "pR": reply, "pF": share, "cutoff": cutoff}


def signalling(numbers: Numbers, looks: int = 400) -> list[Numbers]:
    """All equilibria of the threat game with normal shocks, by chance of resistance: fixed points of `signals`.

    Found by changes of sign between `looks` points of (0, 1), then by bisection.
    """

    def gap(resist: float) -> float:
        return signals(resist, numbers)["pR"] - resist

    grid = [(i + 0.5) / looks for i in range(looks)]
    found = []
    for low, high in pairwise(grid):
        a, b = low, high
        if gap(a) * gap(b) > 0:
            continue
        while b - a > 1e-13:
            middle = (a + b) / 2
            a, b = (middle, b) if gap(a) * gap(middle) > 0 else (a, middle)
        found.append(signals((a + b) / 2, numbers))
    return found


def reputation(demands: tuple[float, float], rates: tuple[float, float], committed: tuple[float, float]) -> Numbers:
    """Concessions between sides that may be committed to their demand (Abreu and Gul 2000, section on one demand)."""
    over = demands[0] + demands[1] - 1
    hazard = [rates[1 - i] * (1 - demands[i]) / over for i in (0, 1)]
    ends = [-math.log(committed[i]) / hazard[i] for i in (0, 1)]
    last = min(ends)
    start = [max(0.0, 1 - committed[i] * math.exp(hazard[i] * last)) for i in (0, 1)]
    total = hazard[0] + hazard[1]
    return {
        "rate_1": hazard[0],
        "rate_2": hazard[1],
        "T_1": ends[0],
        "T_2": ends[1],
        "T_0": last,
        "initial_concession_1": start[0],
        "initial_concession_2": start[1],
        "payoff_rational_1": 1 - demands[1] + start[1] * over,
        "payoff_rational_2": 1 - demands[0] + start[0] * over,
        "prob_no_concession": committed[0] * committed[1],
        "mean_time_to_end": (1 - start[0]) * (1 - start[1]) * -math.expm1(-total * last) / total,
    }


def waiting(distribution: str, rate: float, value: float) -> Numbers:
    """Time T(v) = ∫₀ᵛ x f(x) / (1 − F(x)) dx until a value gives way (Krishna and Morgan 1997, p. 345).

    Args:
        distribution: `uniform01` or `exponential`, of the values of both sides.
        rate: of the exponential.
        value: own.
    """
    if distribution == "uniform01":
        return {"stopping_time": -value - math.log1p(-value), "mean_duration": 1 / 6}
    return {"stopping_time": rate * value**2 / 2, "mean_duration": 1 / (4 * rate)}


def chain_store(gain: float, left: int, belief: float) -> Numbers:
    """Entry and fighting with `left` challengers to come, this one among them (Kreps and Wilson 1982)."""
    bar = gain ** (left - 1)
    fights = 1.0 if belief >= bar else belief * (1 - bar) / ((1 - belief) * bar)
    total = belief + (1 - belief) * fights
    return {
        "entry_threshold": gain**left,
        "enter": float(belief < gain**left),
        "weak_fights_if_entry": fights,
        "total_fight_prob": total,
        "posterior_after_fight": belief / total,
    }


def trust(reward: float, sucker: float, punishment: float, tempt: tuple[float, float], belief: float) -> Numbers:
    """Least trust to cooperate once; weights of a first step that tells kinds apart (Kydd 2000; weights ours).

    `reassurance_possible` is 1 if a first round of some weight does, 0 otherwise.
    """
    fear, prize, least = punishment - sucker, reward - punishment, 0.0
    least = fear / (reward - tempt[0] + fear)
    low, high = _weights(belief, fear, prize, reward, tempt, punishment, least)
    bottom, top = 1e-12, least
    while top - bottom > 1e-13:
        middle = (bottom + top) / 2
        a, b = _weights(middle, fear, prize, reward, tempt, punishment, least)
        bottom, top = (middle, top) if a > b else (bottom, middle)
    return {
        "min_trust": least,
        "alpha_min": low,
        "alpha_max": high,
        "reassurance_possible": float(low <= high),
        "lowest_trust_for_reassurance": top,
    }


def _weights(
    t: float, fear: float, prize: float, reward: float, tempt: tuple[float, float], punishment: float, least: float
) -> tuple[float, float]:
    """Least and greatest weight of the first round."""
    sly = t * (tempt[1] - punishment)
    low = sly / (sly + t * (tempt[1] - reward) + (1 - t) * fear)
    high = t * prize / (t * prize + (1 - t) * fear - t * (reward - tempt[0])) if t < least else 1.0
    return low, high
