"""Published results of crisis bargaining: closed forms, published strategies in trees, and the solver against both.

Each entry of `known/theory/results.json` that is a game is looked at in three ways.

1. The closed form is evaluated and compared within the tolerance that the entry states.
2. The game is built as a tree, continuous types as cells and time as dates, and solved. As cells, dates and lambda rise
   together, the largest error of a case falls, and at the finest it is below a bound. Bounds hold for the refinements
   in `benchmarks.theory`; the reason of each stands beside it.
3. The published strategies are put into the same tree: the largest gain from another action at one information set
   that they reach, given that it is reached, falls or is zero, and is below a bound.

Cannot be posed, or only in part:

- Continuous time and types without end: dates and cells with a last one. The horizon t1, t2 and T of Fearon (1994) and
  T_1, T_2, T_0 of Abreu and Gul (2000), and hazards at one instant, are parameters of the limit; what the tree answers
  is how much mass gives way at once, later, and never.
- The branch from lambda 0 finds one equilibrium. Lewis and Schultz, first case: of the three it finds the first, with
  the least resistance; the others are enumerated by the closed form only. Kydd: the branch finds mutual defection also
  where trustworthy sides could cooperate, so the thresholds are those at which the published strategies lose their
  regret, which needs no lambda.
- Preventive war: an infinite game; after the shift it is stationary, so one demand stands for all later shares.
- Selten's figure 2: the printed rows are in `test_tree_branch.py`; the two computed ones stand here.
- Cuba: ordinal stability is no tree; see `test_stability.py`. Confirmatory bias and the selectorate are no games of
  this kind.
"""

import json
import math
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from benchmarks import theory

from standoff.errors import UserError
from standoff.game.tree import attrition, classics, closed
from standoff.game.tree.branch import solve
from standoff.game.tree.known import ladder, selten
from standoff.game.tree.regret import chances, judge

RESULTS = json.loads((Path(__file__).parent / "known" / "theory" / "results.json").read_text())["results"]
CASES = {entry["id"]: entry["cases"] for entry in RESULTS}


def every(names=theory.ENTRIES):
    return [(name, number) for name in names for number in range(len(CASES[name]))]


def closed_form(name, inputs):
    """The entry's outputs from the formulas."""
    n = inputs
    match name:
        case "fearon1995_ultimatum":
            return closed.ultimatum(n["p"], n["cA"], n["lo"], n["hi"])
        case "two_type_ultimatum":
            return closed.two_types(n["p"], n["cA"], n["c_tough"], n["c_soft"], n["q_soft"])
        case "fearon1995_preventive":
            return closed.preventive(n["p1"], n["p2"], n["delta"], n["cB"])
        case "fearon1994_audience_costs":
            return closed.audience_costs(n["v"], (n["a1"], n["a2"]), (n["c1"], n["c2"]))
        case "schultz_crisis_uniform":
            return closed.crisis(n["a"], n["W1"], n["W2"])
        case "abreu_gul_reputation":
            return closed.reputation(*((n[f"{word}1"], n[f"{word}2"]) for word in ("alpha", "r", "z")))
        case "war_of_attrition_private_values":
            return closed.waiting(n["distribution"], n["rate"], n["value"])
        case "kreps_wilson_reputation":
            return closed.chain_store(n["b"], n["n"], n["p"])
        case "kydd_trust_reassurance":
            return closed.trust(n["R"], n["S"], n["P"], (n["T_trustworthy"], n["T_untrustworthy"]), n["t"])
    return {"equilibria": closed.signalling(n)}


def compare(found, expected, case):
    """The rule of the reference: |got − expected| <= abs_tol + rel_tol |expected|."""
    for name, value in expected.items():
        assert abs(found[name] - value) <= case["abs_tol"] + case["rel_tol"] * abs(value), name


@pytest.mark.published
@pytest.mark.parametrize(("name", "number"), every())
def test_closed_form(name, number):
    case = CASES[name][number]
    found, expected = closed_form(name, case["inputs"]), case["expected"]
    if name == "lewis_schultz_signaling":
        assert len(found["equilibria"]) == len(expected["equilibria"])
        for one, other in zip(found["equilibria"], expected["equilibria"], strict=True):
            compare(one, other, case)
    else:
        assert set(found) == set(expected)
        compare(found, expected, case)


@cache
def measured(name, number, level):
    return theory.ENTRIES[name](CASES[name][number]["inputs"], level)


def scaled(made):
    """Largest error of a case; a quantity over 1 (a time, a value) counts as a share of itself."""
    return max(error / max(1.0, abs(made.published[name])) for name, error in made.errors.items())


# At the second refinement: largest error, largest regret of the published strategies, and why not less.
BOUNDS = {
    # Corner at the lowest cost: that cell fights with a logit chance, which falls as one over the cells (18).
    "fearon1995_ultimatum": (0.02, 1e-9),
    # Demands stand 0.0005 below those that make B indifferent; the critical belief moves by 0.0005 / (c_soft + cA).
    "two_type_ultimatum": (0.002, 1e-9),
    # A step of the later share, times delta / (1 − delta): 0.0075 of B's stream.
    "fearon1995_preventive": (0.01, 1e-9),
    # 13 dates, so that a hazard of 1 loses a twelfth; two cells on each side of the cutoff.
    "fearon1994_audience_costs": (0.12, 0.04),
    # Cells line up with the cutoff of the genuine; what is left is ln(odds) / lambda for those who are indifferent.
    "schultz_crisis_uniform": (0.002, 1e-9),
    # Logit noise of 1 / lambda = 1/8 beside shocks of 1, cells 3/4 wide.
    "lewis_schultz_signaling": (0.15, 0.25),
    # Dates a hundredth of the horizon apart; mass of the first date is a hazard of one date more or less.
    "abreu_gul_reputation": (0.025, 0.004),
    # Five cells, 21 dates, lambda of 30 per unit of value: times of the top cell are cut by the last date. Regrets are
    # in units of the values (up to 5) and given that a date is reached that few types reach.
    "war_of_attrition_private_values": (0.12, 0.28),
    # The game is finite: only lambda (1000); the threshold is found to 2^-14.
    "kreps_wilson_reputation": (1e-4, 1e-12),
    # No lambda: where the regret begins, by bisection to 2^-40 (2^-30 for the lowest trust).
    "kydd_trust_reassurance": (1e-8, 0.021),
}
SLOW = {  # of every entry one case or more is left, but of trust, whose thresholds take a bisection each
    *(("kydd_trust_reassurance", number) for number in range(5)),
    *(("fearon1994_audience_costs", number) for number in (0, 1)),
    *(("schultz_crisis_uniform", number) for number in (1, 2)),
    *(("lewis_schultz_signaling", number) for number in (1, 2)),
    *(("fearon1995_preventive", number) for number in (1, 2, 3)),
    *(("war_of_attrition_private_values", number) for number in (1, 2, 3, 4)),
    *(("kreps_wilson_reputation", number) for number in (3, 4)),
    *(("two_type_ultimatum", number) for number in (1, 2)),
    ("abreu_gul_reputation", 1),
}
ONCE = ("fearon1994_audience_costs", 2)  # the branch folds so often that the second refinement takes many minutes


@pytest.mark.published
@pytest.mark.parametrize(
    ("name", "number"),
    [pytest.param(*key, marks=[pytest.mark.slow] if key in SLOW else []) for key in every() if key != ONCE],
)
def test_refined(name, number):
    """Solver and published regret at two refinements."""
    coarse, fine = (measured(name, number, level) for level in (0, 1))
    error, regret = BOUNDS[name]
    floor = 1e-8 if name == "kydd_trust_reassurance" else 2**-14  # what bisection leaves
    assert {coarse.status, fine.status} <= {"ok", "crossed"}
    assert scaled(fine) < max(scaled(coarse), floor), (coarse.errors, fine.errors)
    assert scaled(fine) < error, fine.errors
    assert fine.regret <= coarse.regret + 1e-9
    assert fine.regret <= regret


def test_unequal_costs():
    """Third case of Fearon (1994), first refinement only: two types a side, 7 dates; a hazard of 1 loses a sixth."""
    made = measured(*ONCE, 0)
    assert made.errors["initial_quit_2"] < 1e-6
    assert scaled(made) < 0.2, made.errors
    assert made.regret < 0.03


# Largest error and largest regret at the third refinement. A demand between two cells costs A half a cell's width.
FINEST = {
    "fearon1995_ultimatum": (0.001, 0.005),
    "two_type_ultimatum": (2e-4, 1e-9),
    "abreu_gul_reputation": (0.005, 0.001),
    "kreps_wilson_reputation": (2**-14, 1e-12),
}


@pytest.mark.slow
@pytest.mark.published
@pytest.mark.parametrize("name", FINEST)
def test_finest(name):
    """A third refinement of the first case of each entry."""
    fine, finest = (measured(name, 0, level) for level in (1, 2))
    assert scaled(finest) < max(scaled(fine), 2**-14)
    error, regret = FINEST[name]
    assert scaled(finest) < error, finest.errors
    assert finest.regret <= regret


def test_lewis_schultz_branch():
    """Three equilibria by the closed form; the branch from lambda 0 leads to the one with the least resistance."""
    made = measured("lewis_schultz_signaling", 0, 1)
    assert (made.more["which"], made.more["of"]) == (0, 3)


def test_trust_branch_defects():
    """Full trust but for a fifth: cooperation is an equilibrium without regret, yet the branch ends in defection.

    At uniform play cooperating is worth (R + S) / 2 = 3/2 and defecting (Tt + P) / 2 = 3/2 to a trustworthy side, and
    the untrustworthy side defects more, so every trustworthy one leans to defection from the start.
    """
    payoffs = classics.Trust(3, 0, 1, (2, 4))
    tree = classics.trust(payoffs, "0.8")
    point = solve(tree, [100.0]).points[0]
    assert point.strategy["1:trusty:"]["cooperate"] < 1e-6
    both = {f"{i}:{kind}:": {"cooperate" if kind == "trusty" else "defect": 1.0}
            for i in "12" for kind in ("trusty", "sly")}  # fmt: skip
    assert judge(tree, chances(tree, both)).regret == 0.0
    assert judge(classics.trust(payoffs, "0.4"), chances(tree, both)).regret == pytest.approx(0.2)


def test_chain_store_belief():
    """After a fight in the mixed region the next challenger holds b^(n − 1), and stays out with chance 1 / a."""
    made = measured("kreps_wilson_reputation", 0, 2)
    tree, point = made.more["tree"], made.more["point"]
    nodes = [i for i, node in enumerate(tree.nodes) if node.set >= 0 and tree.sets[node.set].label == "C2:f"]
    assert min(point.beliefs[nodes]) == pytest.approx(0.25, abs=1e-6)
    assert point.strategy["C2:f"]["stay out"] == pytest.approx(0.5, abs=1e-4)


@pytest.mark.parametrize("number", [5, 6])
def test_selten_computed(number):
    case = CASES["logit_qre_selten_fig2"][number]
    point = solve(selten("reduced"), [case["inputs"]["lam"]]).points[0]
    found = np.exp(point.log_strategy)
    assert found[:3] == pytest.approx(case["expected"]["row"], abs=case["abs_tol"])
    assert found[3:] == pytest.approx(case["expected"]["column"], abs=case["abs_tol"])


@pytest.mark.parametrize("tree", [ladder("base", 2), selten(), classics.chain_store("0.5", 2, 3, "0.1")])
def test_judge_agrees_with_the_solver(tree):
    """Reach, gains and payoffs of a logit point, computed over nodes instead of blocks."""
    point = solve(tree, [2.0]).points[0]
    judged = judge(tree, np.exp(point.log_strategy))
    assert judged.payoffs == pytest.approx(point.payoffs, abs=1e-12)
    assert judged.gains == pytest.approx(point.gains, abs=1e-11, nan_ok=True)
    assert judged.reach == pytest.approx(np.exp(point.log_reach), abs=1e-12, nan_ok=True)


def test_regret_sees_a_wrong_strategy():
    """By hand: B accepts a demand of 0.9 that leaves it 0.1, where war is worth 0.5 − 0.1: regret 0.3."""
    tree = classics.ultimatum("0.5", "0.1", classics.kinds(["0.1"]), ["0.5", "0.9"])
    wrong = {"A": {"1": 1.0}, "B:0:0": {"accept": 1.0}, "B:0:1": {"accept": 1.0}}
    assert judge(tree, chances(tree, wrong)).regret == pytest.approx(0.3)
    with pytest.raises(UserError, match="says nothing"):
        chances(tree, {"A": {"1": 1.0}})
    with pytest.raises(UserError, match="sum to one"):
        chances(tree, wrong | {"A": {"1": 0.5}})
    with pytest.raises(UserError, match="sum to one"):
        chances(tree, wrong | {"A": {"1": math.nan}})
    with pytest.raises(UserError, match="one chance"):
        classics.kinds([1, 2], ["0.5", "0.4"])


@pytest.mark.parametrize("kinds", [classics.uniform("-1.5", 0, 7), classics.normal(8), classics.exponential(2.0, 400)])
def test_cells(kinds):
    """Chances sum to one; means are those of the distributions (of the exponential: to the cut of its tail)."""
    mean = sum(value * chance for value, chance in zip(kinds.values, kinds.chances, strict=True))
    assert sum(kinds.chances) == 1
    assert float(mean) == pytest.approx({7: -0.75, 8: 0.0, 400: 0.5}[len(kinds.values)], abs=2e-3)


def test_attrition_ends():
    """All pairs of types end at every date in every way: 3 a date, and one more at the last."""
    tree = attrition.waiting((classics.uniform(0, 1, 2), classics.uniform(0, 1, 3)), [0, 1, 2])
    assert len(tree.layout.ends) == 6 * (3 * 3 + 1)
    tree = attrition.reputation(("0.7", "0.6"), (0.1, 0.1), ("0.1", "0.1"), [0.0, 1.0])
    assert len(tree.layout.ends) == (3 * 2 + 1) + 2 * (2 + 1) + 1
