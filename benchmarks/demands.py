"""Published games of demands and threats, refined: what the solver finds, and the published strategies."""

from fractions import Fraction

from benchmarks.refined import Measured, Numbers, Strategy, answered, measured, published_regret, switch

from standoff.game.tree import classics, closed
from standoff.game.tree.compose import outcome_chances
from standoff.game.tree.solved import Point
from standoff.game.tree.tree import Tree


def ultimatum(inputs: Numbers, level: int) -> Measured:
    """Uniform cost of B: cells, which B's precision smoothes (2.5 over their width), and demands."""
    number, precision = ((9, 200.0), (18, 800.0), (36, 3200.0))[level]
    known = closed.ultimatum(inputs["p"], inputs["cA"], inputs["lo"], inputs["hi"])
    exact = {name: Fraction(str(value)) for name, value in inputs.items()}
    other = classics.uniform(exact["lo"], exact["hi"], number)
    steps = 20 * 2**level
    shares = [Fraction(i, steps) for i in range(steps + 1)]
    tree = classics.ultimatum(exact["p"], exact["cA"], other, shares)
    strategy = _bargain(tree, known["demand"], exact["p"], other, shares)
    smooth = 2.5 * number / (inputs["hi"] - inputs["lo"])
    found, point = _bargained(tree, (precision, smooth), shares)
    return measured(f"{number} types, {len(shares)} demands", (precision, smooth), found, known, strategy, point)


def two_types(inputs: Numbers, level: int) -> Measured:
    """Two costs of B: demands just below the multiples of 1/20, so that nobody is indifferent."""
    below, precision = ((Fraction(1, 200), 1e3), (Fraction(1, 2000), 3e4), (Fraction(1, 20000), 3e5))[level]
    known = closed.two_types(*(inputs[name] for name in ("p", "cA", "c_tough", "c_soft", "q_soft")))
    exact = {name: Fraction(str(value)) for name, value in inputs.items()}
    shares = [Fraction(i, 20) - below for i in range(1, 21)]
    costs = (exact["c_tough"], exact["c_soft"])

    def game(share: Fraction) -> Tree:
        return classics.ultimatum(exact["p"], exact["cA"], classics.kinds(costs, (1 - share, share)), shares)

    def risky(share: Fraction) -> bool:
        played = answered(game(share), precision).strategy["A"].values()
        return sum(c for c, x in zip(played, shares, strict=True) if x > exact["p"] + costs[0]) > 0.5

    tree = game(exact["q_soft"])
    strategy = _bargain(tree, known["demand"], exact["p"], classics.kinds(costs), shares)
    found, point = _bargained(tree, precision, shares)
    found["critical_belief"] = switch(risky, Fraction(0), Fraction(1))
    return measured(f"2 types, demands {float(below):g} below 1/20s", precision, found, known, strategy, point)


def _bargained(tree: Tree, precision: float | tuple[float, ...], shares: list[Fraction]) -> tuple[Numbers, Point]:
    point = answered(tree, precision)
    mean = sum(c * float(x) for c, x in zip(point.strategy["A"].values(), shares, strict=True))
    war = outcome_chances(tree, point.log_strategy)["war"]
    return {"demand": mean, "war_probability": war, "proposer_payoff": float(point.payoffs[0])}, point


def _bargain(tree: Tree, demand: float, p: Fraction, other: classics.Kinds, shares: list[Fraction]) -> Strategy:
    """A asks for the nearest demand, B accepts what is no worse than war."""
    nearest = min(range(len(shares)), key=lambda i: abs(float(shares[i]) - demand))
    strategy = {"A": {str(nearest): 1.0}}
    for kind, cost in enumerate(other.values):
        for i, share in enumerate(shares):
            strategy[f"B:{kind}:{i}"] = {"accept" if cost >= share - p else "fight": 1.0}
    return strategy


def preventive(inputs: Numbers, level: int) -> Measured:
    """Nothing, half or all of the first prize; later shares in a window above p2, finer and finer."""
    number, precision = ((20, 300.0), (80, 3000.0), (320, 30000.0))[level]
    known = closed.preventive(inputs["p1"], inputs["p2"], inputs["delta"], inputs["cB"])
    exact = {name: Fraction(str(value)) for name, value in inputs.items()}
    step = Fraction(3, 2) * (1 - exact["delta"]) * exact["cB"] / number

    def shares(later: Fraction) -> list[Fraction]:
        return [later + step * Fraction(2 * i + 1, 2) for i in range(number)]

    def game(later: Fraction) -> Tree:
        costs = (exact["cB"], exact["cB"])
        first = [Fraction(i, 2) for i in range(3)]
        return classics.preventive_war(exact["p1"], later, exact["delta"], costs, (first, shares(later)))

    def war(later: Fraction) -> bool:
        tree = game(later)
        return outcome_chances(tree, answered(tree, precision).log_strategy)["war now"] > 0.5

    tree = game(exact["p2"])
    point = answered(tree, precision)
    accept = tree.layout.first[next(s for s, each in enumerate(tree.sets) if each.label == "B:0")]
    found = {
        "war": outcome_chances(tree, point.log_strategy)["war now"],
        "declining_best_peace": float(point.worth[accept]),
        "declining_war_value": float(point.worth[accept + 1]),
    }
    if level:
        found["critical_p2"] = switch(war, exact["p1"], exact["p1"] + Fraction(1, 4), 9)
    top = exact["p2"] + (1 - exact["delta"]) * exact["cB"]
    strategy = _shifted(known, exact, shares(exact["p2"]), top)
    return measured(f"3 x {number} demands", precision, found, known, strategy, point)


def _shifted(known: Numbers, exact: dict[str, Fraction], later: list[Fraction], top: Fraction) -> Strategy:
    """B takes what is no worse than war, A asks for the most that B takes."""
    best = str(max(i for i, share in enumerate(later) if share <= top))
    strategy: Strategy = {}
    taken = []
    for i in range(3):
        peace = 1 - i / 2 + known["declining_best_peace"] - 1
        takes = peace >= known["declining_war_value"] - 1e-12
        taken += [i] * takes
        strategy[f"B:{i}"] = {"accept" if takes else "attack": 1.0}
        strategy[f"A:{i}"] = {best: 1.0}
        for j, share in enumerate(later):
            strategy[f"B:{i}:{j}"] = {"accept" if share <= top else "attack": 1.0}
    return strategy | {"A": {str(max(taken, default=2)): 1.0}}


def crisis(inputs: Numbers, level: int) -> Measured:
    """Cells of both costs of war; those of B are smoothed by its precision (4 over their width)."""
    number, sharp = ((15, 150.0), (30, 600.0), (45, 2400.0))[level]
    precision = (sharp, 4 * number / inputs["W2"])
    known = closed.crisis(inputs["a"], inputs["W1"], inputs["W2"])
    a, one, two = (Fraction(str(inputs[name])) for name in ("a", "W1", "W2"))
    war, other = classics.uniform(-one, 0, number), classics.uniform(-two, 0, number)
    tree = classics.threat(classics.Stakes((0, 1), (1, 0), 1), war, classics.kinds([-a]), other)
    point = answered(tree, precision)
    rest = max(1e-300, 1 - known["prob_genuine"])
    strategy: Strategy = {}
    for i, worth in enumerate(war.values):
        firm = worth >= -a
        bluff = 1.0 if firm else known["prob_bluff"] / rest
        strategy[f"A:{i}:0"] = {"challenge": bluff, "pass": 1 - bluff}
        strategy[f"A:{i}:0:resisted"] = {"stand firm" if firm else "back down": 1.0}
    for j, worth in enumerate(other.values):
        strategy[f"B:{j}"] = {"resist" if -worth <= two * Fraction(known["prob_resist"]) else "concede": 1.0}
    found = _threatened(tree, point)
    genuine = sum(point.strategy[f"A:{i}:0:resisted"]["stand firm"] for i in range(number)) / number
    ways = {
        "prob_genuine": genuine,
        "prob_challenge": found["pC"],
        "prob_resist": found["pR"],
        "prob_bluff": found["pC"] * (1 - found["firm"]),
        "prob_stand_firm_given_challenge": found["firm"],
    }
    ends = {f"prob_{word.replace(' ', '_')}": found[word] for word in ("war", "back down", "concession", "status quo")}
    return measured(f"{number} types a side", precision, ways | ends, known, strategy, point)


def _threatened(tree: Tree, point: Point) -> Numbers:
    """Outcomes, and the chances of challenge, resistance and standing firm (a challenge is seen before the reply)."""
    ends = outcome_chances(tree, point.log_strategy)
    challenge = 1 - ends["status quo"]
    resist = (ends["war"] + ends["back down"]) / challenge
    firm = ends["war"] / (ends["war"] + ends["back down"])
    return ends | {"pC": challenge, "pR": resist, "pF": firm, "firm": firm}


def signalling(inputs: Numbers, level: int) -> Measured:
    """Normal shocks as cells of equal width; the branch finds one equilibrium, which is compared with the nearest."""
    number, precision = ((6, 4.0), (8, 8.0), (10, 14.0))[level]

    shock = classics.normal(number)

    def around(mean: float) -> classics.Kinds:
        return classics.Kinds(tuple(each + Fraction(str(mean)) for each in shock.values), shock.chances)

    stakes = classics.Stakes((str(inputs["SA"]), 0), (str(inputs["VA"]), str(inputs["CB"])), str(inputs["VB"]))
    one, back, two = around(inputs["WA"]), around(inputs["a"]), around(inputs["WB"])
    tree = classics.threat(stakes, one, back, two)
    point = answered(tree, precision)
    all_ = closed.signalling(inputs)
    found = {name: value for name, value in _threatened(tree, point).items() if name in ("pC", "pR", "pF")}
    which = min(range(len(all_)), key=lambda i: abs(all_[i]["pR"] - found["pR"]))
    regrets = [published_regret(tree, _signal(each, inputs, one, back, two)) for each in all_]
    return Measured(
        f"{number} x {number} and {number} types",
        precision,
        found,
        all_[which],
        regrets[which],
        point.status.name,
        {"which": which, "of": len(all_), "regrets": regrets},
    )


def _signal(
    known: Numbers, inputs: Numbers, one: classics.Kinds, back: classics.Kinds, two: classics.Kinds
) -> Strategy:
    """Cutoffs of an equilibrium as strategies of the cells."""
    strategy: Strategy = {}
    for i, war in enumerate(one.values):
        for j, retreat in enumerate(back.values):
            strategy[f"A:{i}:{j}"] = {"challenge" if max(war, retreat) >= known["cutoff"] else "pass": 1.0}
            strategy[f"A:{i}:{j}:resisted"] = {"stand firm" if war >= retreat else "back down": 1.0}
    for j, war in enumerate(two.values):
        resists = known["pF"] * float(war) + (1 - known["pF"]) * inputs["VB"] >= inputs["CB"]
        strategy[f"B:{j}"] = {"resist" if resists else "concede": 1.0}
    return strategy
