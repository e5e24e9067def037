"""Published games of attrition, reputation and trust, refined: the solver, and the published strategies."""

import math
from fractions import Fraction
from typing import Any

import numpy as np
from benchmarks.refined import Measured, Numbers, Strategy, answered, edge, hazards, measured, switch

from standoff.game.tree import attrition, classics, closed
from standoff.game.tree.compose import outcome_chances
from standoff.game.tree.regret import chances, judge
from standoff.game.tree.tree import Tree


def audience(inputs: Numbers, level: int) -> Measured:
    """Cells of both costs of war on both sides of the published cutoff; dates to 1.5 times the published horizon.

    Attacks are open at every date, so that the horizon is the solver's own.
    """
    number, dates, precision = ((1, 6, 25.0), (2, 12, 100.0), (3, 18, 300.0))[level]
    slopes, highs = (inputs["a1"], inputs["a2"]), (inputs["c1"], inputs["c2"])
    known = closed.audience_costs(inputs["v"], slopes, highs)
    step = Fraction(1.5 * known["horizon"] / dates)
    times = [step * i for i in range(dates + 1)]
    costs = (
        _cells(slopes[0] * known["horizon"], highs[0], number),
        _cells(slopes[1] * known["horizon"], highs[1], number),
    )
    tree = attrition.audience_costs(str(inputs["v"]), (str(slopes[0]), str(slopes[1])), costs, times)
    point = answered(tree, precision / inputs["v"])
    ends = outcome_chances(tree, point.log_strategy)
    found = {"prob_war": sum(chance for word, chance in ends.items() if word.startswith("war"))}
    for i in "12":
        quits = _first(ends, i, "quits", "quit", dates)
        found[f"initial_quit_{i}"] = quits[0]
        found[f"prob_{i}_backs_down_after_0"] = sum(quits[1:])
    strategy = _attrition(known, slopes, inputs["v"], costs, [float(each) for each in times])
    return measured(
        f"{2 * number} types a side, {dates + 1} dates", precision / inputs["v"], found, known, strategy, point
    )


def _cells(cut: float, high: float, number: int) -> classics.Kinds:
    """Uniform on [0, high]: so many cells below a cutoff and above it, each at its middle."""
    low, edge, top = Fraction(0), Fraction(cut), Fraction(str(high))
    parts = [(low, edge - low), (edge, top - edge)]
    values = [start + width * Fraction(2 * i + 1, 2 * number) for start, width in parts for i in range(number)]
    return classics.kinds(values, [width / top / number for _, width in parts for _ in range(number)])


def _first(ends: Numbers, side: str, one: str, both: str, last: int) -> list[float]:
    """Chance that a side gives way at each date; where both do, half for each."""
    return [ends[f"{side} {one} at {k}"] + ends[f"both {both} at {k}"] / 2 for k in range(last + 1)]


def _attrition(
    known: Numbers,
    slopes: tuple[float, float],
    v: float,
    costs: tuple[classics.Kinds, classics.Kinds],
    times: list[float],
) -> Strategy:
    """Those whose cost is over slope x horizon quit with the published hazard; the others attack at the horizon."""
    horizon, strategy = known["horizon"], {}
    before = [time for time in times if time < horizon - 1e-12]
    for i in (0, 1):
        start, other = known[f"initial_quit_{i + 1}"], slopes[1 - i]
        gone = [1 - v * (1 - start) / (v + other * time) for time in before]
        gone[-1] = 1 - v * (1 - start) / (v + other * horizon)
        quits = hazards(gone)
        for kind, cost in enumerate(costs[i].values):
            yields = float(cost) > slopes[i] * horizon
            for k in range(len(times)):
                chance = (quits[k] if k < len(quits) else 1.0) if yields else 0.0
                stay = "escalate" if k < len(before) and k + 1 < len(times) else "attack"
                strategy[f"{i + 1}:{kind}:{k}"] = {"quit": chance, stay: 1 - chance}
    return strategy


def reputation(inputs: Numbers, level: int) -> Measured:
    """Dates to one and a half times the published end; precision per unit of payoff at the published end."""
    dates, sharp = ((50, 1e3), (150, 1e4), (400, 1e5))[level]
    demands, rates, committed = ((inputs[f"{word}1"], inputs[f"{word}2"]) for word in ("alpha", "r", "z"))
    known = closed.reputation(demands, rates, committed)
    precision = tuple(sharp * math.exp(rate * known["T_0"]) for rate in rates)
    times = [1.5 * known["T_0"] / dates * i for i in range(dates + 1)]
    exact = [(str(each[0]), str(each[1])) for each in (demands, committed)]
    tree = attrition.reputation(exact[0], rates, exact[1], times)
    point = answered(tree, precision)
    ends = outcome_chances(tree, point.log_strategy)
    found: Numbers = {"prob_no_concession": ends[f"no agreement at {dates}"]}
    strategy: Strategy = {}
    alive = 1.0
    found["mean_time_to_end"] = 0.0
    for k in range(dates):
        alive -= sum(ends.get(f"{word} at {k}", 0.0) for word in ("1 concedes", "2 concedes", "both concede"))
        found["mean_time_to_end"] += alive * max(0.0, min(times[k + 1], known["T_0"]) - min(times[k], known["T_0"]))
    for i in (0, 1):
        hold = [point.strategy[f"{i + 1}:{k}"]["hold"] for k in range(dates + 1)]
        found[f"initial_concession_{i + 1}"] = (1 - committed[i]) * (1 - hold[0])
        first = tree.layout.first[next(s for s, each in enumerate(tree.sets) if each.label == f"{i + 1}:0")]
        found[f"payoff_rational_{i + 1}"] = float(point.worth[first] * (1 - hold[0]) + point.worth[first + 1] * hold[0])
        start, rate = known[f"initial_concession_{i + 1}"], known[f"rate_{i + 1}"]
        gone = [1 - (1 - start) * math.exp(-rate * min(time, known["T_0"])) for time in times]
        for k, chance in enumerate(
            hazards([each for each in gone if each < 1 - committed[i] - 1e-9] + [1 - committed[i]])
        ):
            strategy[f"{i + 1}:{k}"] = {"concede": chance, "hold": 1 - chance}
        for k in range(dates + 1):
            strategy.setdefault(f"{i + 1}:{k}", {"concede": 1.0})
    return measured(f"{dates + 1} dates", precision, found, known, strategy, point)


def waiting(inputs: dict[str, Any], level: int) -> Measured:
    """Cells of equal chance on both sides; a value between two cells has the ratio to the published time between."""
    number, dates, precision = ((4, 12, 10.0), (5, 20, 30.0), (7, 32, 50.0))[level]
    drawn, rate, value = inputs["distribution"], inputs["rate"], inputs["value"]
    precision *= rate
    known = closed.waiting(drawn, rate, value)
    kinds = classics.uniform(0, 1, number) if drawn == "uniform01" else classics.exponential(rate, number)
    own = [closed.waiting(drawn, rate, float(each))["stopping_time"] for each in kinds.values]
    last = 1.2 * own[-1]
    times = [last / dates * i for i in range(dates + 1)]
    tree = attrition.waiting((kinds, kinds), times)
    point = answered(tree, precision)
    ends = outcome_chances(tree, point.log_strategy)
    over = [sum(chance for word, chance in ends.items() if word.endswith(f" at {k}")) for k in range(dates + 1)]
    means = []
    for kind in range(number):
        held, mean = 1.0, 0.0
        for k in range(dates):
            held *= point.strategy[f"1:{kind}:{k}"]["hold"]
            mean += held * (times[k + 1] - times[k])
        means.append(mean)
    ratio = [mean / each for mean, each in zip(means, own, strict=True)]
    found = {
        "stopping_time": known["stopping_time"] * float(np.interp(value, list(map(float, kinds.values)), ratio)),
        "mean_duration": float(np.dot(over, times)),
    }
    strategy: Strategy = {}
    gone = [_quitters(drawn, rate, time) for time in times]
    for kind in range(number):
        share = [min(1.0, max(0.0, number * each - kind)) for each in gone]
        for k, each in enumerate(share):
            before = share[k - 1] if k else 0.0
            chance = (each - before) / (1 - before) if before < 1 else 1.0
            strategy |= {f"{i}:{kind}:{k}": {"concede": chance, "hold": 1 - chance} for i in "12"}
    return measured(
        f"{number} types a side, {dates + 1} dates",
        precision,
        found,
        known,
        strategy,
        point,
        {"means": means, "own": own},
    )


def _quitters(drawn: str, rate: float, time: float) -> float:
    """Share of values that have conceded by a date, in the published strategies."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        value = middle if drawn == "uniform01" else -math.log1p(-middle) / rate
        done = closed.waiting(drawn, rate, value)["stopping_time"] <= time
        low, high = (middle, high) if done else (low, middle)
    return low


def chain_store(inputs: dict[str, Any], level: int) -> Measured:
    """The finite game as it is; only lambda rises. A weak target left alone gets 2."""
    precision = (1e2, 1e3, 1e4)[level]
    quiet, left = Fraction(2), int(inputs["n"])
    gain, belief = (Fraction(str(inputs[name])) for name in ("b", "p"))
    known = closed.chain_store(float(gain), left, float(belief))

    def enters(tough: Fraction) -> float:
        return answered(classics.chain_store(gain, quiet, left, tough), precision).strategy[f"C{left}:"]["enter"]

    tree = classics.chain_store(gain, quiet, left, belief)
    point = answered(tree, precision)
    fights = point.strategy["T:"]["fight"]
    total = float(belief) + (1 - float(belief)) * fights
    found = {
        "entry_threshold": switch(lambda tough: enters(tough) < 0.5, Fraction(1, 10**6), Fraction(999, 1000)),
        "enter": enters(belief),
        "weak_fights_if_entry": fights,
        "total_fight_prob": total,
        "posterior_after_fight": float(belief) / total,
    }
    strategy = _reputed(tree, gain, quiet, belief)
    return measured(f"{left} challengers", precision, found, known, strategy, point, {"tree": tree, "point": point})


def _reputed(tree: Tree, gain: Fraction, quiet: Fraction, belief: Fraction) -> Strategy:
    """Entry and fighting after every past (Kreps and Wilson 1982)."""
    strategy: Strategy = {}
    many = len(tree.players) - 1
    for label in (each.label for each in tree.sets if ":" in each.label):
        who, past = label.split(":")
        tough = belief
        for k, letter in enumerate(past):
            tough = {"o": tough, "f": max(tough, gain ** (many - k - 1)) if tough else tough, "y": Fraction(0)}[letter]
        left = many - len(past)
        if who == "T":
            bar = gain ** (left - 1)
            chance = 1.0 if tough >= bar else float(tough * (1 - bar) / ((1 - tough) * bar))
            strategy[label] = {"fight": chance, "yield": 1 - chance}
        else:
            enter = 1.0 if tough < gain**left else (1 - 1 / float(quiet) if tough == gain**left else 0.0)
            strategy[label] = {"enter": enter, "stay out": 1 - enter}
    return strategy


def trust(inputs: Numbers, level: int) -> Measured:
    """Thresholds are those at which the published strategies stop having regret in the tree: exact, no lambda.

    `more` holds what the branch from precision 0 finds in one round: the chance that a trustworthy side cooperates.
    """
    precision = (10.0, 100.0, 1000.0)[level]
    tempt = (inputs["T_trustworthy"], inputs["T_untrustworthy"])
    known = closed.trust(inputs["R"], inputs["S"], inputs["P"], tempt, inputs["t"])
    payoffs = classics.Trust(str(inputs["R"]), str(inputs["S"]), str(inputs["P"]), (str(tempt[0]), str(tempt[1])))

    def regret(belief: float, weights: tuple[float, ...], kind: str) -> float:
        rounds = [Fraction(each) for each in weights]
        tree = classics.trust(payoffs, belief, rounds)
        judged = judge(tree, chances(tree, _trusting(tree)))
        gains = {each.label: gain for each, gain in zip(tree.sets, judged.gains, strict=True)}
        return float(gains[f"1:{kind}:"])

    def least(kind: str, belief: float) -> float:
        return edge(lambda x: (regret(belief, (x, 1 - x), kind) < 1e-12) == (kind == "sly"))

    def possible(belief: float) -> bool:
        return least("sly", belief) <= least("trusty", belief)

    found = {
        "min_trust": edge(lambda x: regret(x, (1.0,), "trusty") < 1e-12),
        "alpha_min": least("sly", inputs["t"]),
        "alpha_max": least("trusty", inputs["t"]),
        "reassurance_possible": float(possible(inputs["t"])),
    }
    if level:
        found["lowest_trust_for_reassurance"] = edge(possible, 30)
    weight = (known["alpha_min"] + known["alpha_max"]) / 2
    tree = classics.trust(payoffs, str(inputs["t"]))
    point = answered(tree, precision)
    return Measured(
        "2 types a side, exact",
        precision,
        found,
        known,
        max(regret(inputs["t"], (weight, 1 - weight), kind) for kind in ("trusty", "sly")),
        point.status.name,
        {"cooperates": point.strategy["1:trusty:"]["cooperate"]},
    )


def _trusting(tree: Tree) -> Strategy:
    """The trustworthy cooperate, and go on iff both did; the untrustworthy defect throughout."""
    strategy: Strategy = {}
    for label in (each.label for each in tree.sets if each.label.count(":") == 2):
        _, kind, past = label.split(":")
        good = kind == "trusty" and set(past) <= {"c"}
        strategy[label] = {"cooperate" if good else "defect": 1.0}
    return strategy
