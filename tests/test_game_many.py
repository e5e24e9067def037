"""K types a side on the simplex: against the solver of two types, the exact tree, laws, and the equations in numpy."""

import time
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import jax.numpy as jnp
import numpy as np
import pytest
from tests.known.gambit import game

from standoff.errors import UserError
from standoff.game import many, many_outcomes, many_response, outcomes, sweep
from standoff.game.form import OUTCOMES
from standoff.game.many_response import posterior
from standoff.game.simplex import Simplex, Spot, by_ratios, read, weights
from standoff.game.tree.branch import solve as solve_tree
from standoff.game.tree.build import Builder
from standoff.game.tree.known import Rungs

WORD = {"backdown": "back-down", "concede": "concession", "strike": "force"}
COMMON = {"V": "2", "a0": "0.2", "a1": "0.4", "a2": "0", "cost_hold": "0.05", "cost_escalate": "0.15", "win0": "0.5",
          "win_rung": "0.1", "R": "0.3"}  # fmt: skip
BY_TARGET = {"L": ("1", "2", "1.4"), "pun_base": ("0.05", "0.05", "0.1"), "pun_rung": ("0.4", "0.2", "0.3"),
             "war_t": ("1.5", "0.8", "1.2")}  # fmt: skip
WAR_C = ("2.2", "0.6", "1.2")
PRIOR = (("0.20", "0.08", "0.10"), ("0.06", "0.14", "0.10"), ("0.08", "0.10", "0.14"))


def payoffs(periods, precision, prior=PRIOR, coercers=(0, 1, 2), targets=(0, 1, 2)):
    """The ladder of `known` with types chosen from three; the order of the types is that of the arguments."""
    two, shape = game.payoffs("base", periods, precision), game.form(periods)
    own = {name: np.array([float(values[t]) for t in targets]) for name, values in BY_TARGET.items()}
    war_c = np.array([float(WAR_C[c]) for c in coercers])
    k = np.array([s[1] for s in shape.stages[0].states], float)
    win = 0.5 + 0.1 * k
    types = len(war_c)
    moves, answer = (np.repeat(np.asarray(table)[:, :1], types, axis=1) for table in two.moves)
    moves[0, :, :, 3] = 2 * win - war_c[:, None]
    moves[1, :, :, 3] = -win * own["L"][:, None] - own["war_t"][:, None]
    answer[1, :, :, 0] = -own["L"][:, None]
    flow = np.zeros((2, types, len(shape.nature_states)))
    flow[1] = -(own["pun_base"][:, None] + own["pun_rung"][:, None] * np.array([s[1] for s in shape.nature_states]))
    return many.Payoffs(
        (jnp.asarray(moves), jnp.asarray(answer)), jnp.asarray(flow), two.chance, two.hazard, jnp.zeros((2, types)),
        jnp.zeros((2, types, len(k))), two.precision, jnp.asarray(np.array(prior, float)), two.discount,
    )  # fmt: skip


def grid_answer(given, periods, cells, shares=(1.0,)):
    """The solution, and chances of endings by pair of types, joint with the prior."""
    form = game.form(periods)
    solution = many.solve(form, given, rounds=periods + 1, cells=cells, shares=shares)
    p, q = (np.asarray(side) for side in many.marginals(given.prior))
    first = form.stages[0].states.index((0, 0, 0))
    table = many_outcomes.at_beliefs(many_outcomes.chances(solution, given), first, p, q, solution.grid)
    return solution, many_outcomes.joint(given.prior, p, q)[..., None] * table


@dataclass(frozen=True)
class Exact:
    endings: np.ndarray
    first: np.ndarray


@lru_cache
def tree_answer(periods, precision):
    """Chances of endings by pair of types, joint with the prior, and the coercer's first move by type."""
    builder = Builder("ladder, three types", ("Coercer", "Target"))
    pairs = list(product(range(3), range(3)))
    nature = builder.chance(None, "types", {f"{c}/{t}": PRIOR[c][t] for c, t in pairs})
    for c, t in pairs:
        numbers = COMMON | {name: {str(n): v for n, v in enumerate(values)} for name, values in BY_TARGET.items()}
        numbers |= {"war_c": {str(n): v for n, v in enumerate(WAR_C)}, "scale": {"coercer": "1", "target": "1"}}
        Rungs(builder, numbers, str(c), str(t), periods).grow(nature[f"{c}/{t}"])
    tree = builder.tree()
    point = solve_tree(tree, [precision]).points[0]
    plan = tree.layout
    chance = np.exp(plan.chance + np.append(point.log_strategy, 0.0)[plan.path].sum(1))
    endings = np.zeros((3, 3, len(OUTCOMES)))
    for end, weight in zip(plan.ends, chance, strict=True):
        words = tree.outcomes[tree.nodes[end].outcome].label.split()
        c, t = words[-1].split("/")
        endings[int(c), int(t), OUTCOMES.index(WORD[words[0]])] += weight
    sets = [[each.label for each in tree.sets].index(f"C:{c}:-") for c in range(3)]
    first = np.stack([np.exp(point.log_strategy[plan.first[s] : plan.first[s] + 3]) for s in sets])
    return Exact(endings, first)


def first_moves(solution, given):
    """The coercer's first move by type, read by straight lines."""
    p, q = (np.asarray(side) for side in many.marginals(given.prior))
    chance = np.exp(np.asarray(solution.log_pi[0][0, 0]))[..., :3]
    return np.einsum("pqkm,p,q->km", chance, weights(solution.grid, p), weights(solution.grid, q))


@pytest.mark.parametrize(("types", "cells"), [(2, 7), (3, 5), (4, 3), (5, 3)])
def test_reading_the_simplex(types, cells):
    """Nodes are numbered in order, weights are chances that reproduce the point, slopes are those of differences."""
    grid = Simplex(types, cells)
    nodes = grid.nodes()
    assert nodes.shape == (types, grid.count)
    assert len(np.unique(np.round(nodes * cells), axis=1).T) == grid.count
    for number in range(grid.count):
        assert weights(grid, nodes[:, number])[number] == pytest.approx(1.0, abs=1e-12)
    rng = np.random.default_rng(0)
    for at in rng.dirichlet(np.ones(types), 20):
        weight = weights(grid, at)
        assert weight.min() >= 0
        assert weight.sum() == pytest.approx(1.0, abs=1e-12)
        assert nodes @ weight == pytest.approx(at, abs=1e-12)
    data, belief, d = rng.normal(size=grid.count), rng.dirichlet(np.ones(types), 9).T, rng.normal(size=(types - 1, 9))

    def value(d):
        after = posterior(jnp.log(jnp.asarray(belief)), jnp.asarray(d)[:, None])[:, 0]
        spot = Spot(grid, after)
        found, steep = read(spot, jnp.asarray(data), jnp.zeros(9, jnp.int32))
        return np.asarray(found), np.stack(by_ratios(spot, after, steep))

    for k in range(types - 1):
        step = np.zeros_like(d)
        step[k] = 1e-6
        assert value(d)[1][k] == pytest.approx((value(d + step)[0] - value(d - step)[0]) / 2e-6, abs=1e-6)


def two_types(variant, precision, cells):
    """Endings by `sweep` at 33 nodes and here at so many cells, not weighted by the prior."""
    two, form = game.payoffs(variant, 1, precision), game.form(1)
    given = many.Payoffs(
        two.moves, two.flow, two.chance, two.hazard, two.removed, two.horizon, two.precision,
        jnp.asarray(game.prior(variant)), two.discount,
    )  # fmt: skip
    solution, found = grid_answer(given, 1, cells)
    solved = sweep.solve(form, two, rounds=2, nodes=33)
    table = outcomes.chances(solved, two)
    p, q = game.firm(variant)
    wanted = outcomes.joint(p, q, two.tilt)[:, None] * np.asarray(outcomes.at_beliefs(table, 0, p, q))
    return solution, found.reshape(4, -1), wanted


@pytest.mark.slow
def test_two_types_against_the_cubic_solver():
    solution, found, wanted = two_types("prior_like_meets_like", 3.0, 8)
    assert solution.ok
    assert found == pytest.approx(wanted, abs=5e-3)


@pytest.mark.slow
def test_flags_stay_once_set():
    """A point that is flagged at half the precision is flagged when the whole game is continued through it."""
    prior, two = ((0.4, 0.2), (0.1, 0.3)), (0, 1)
    halfway, _ = grid_answer(payoffs(1, 15.0, prior, two, two), 1, 8)
    whole, _ = grid_answer(payoffs(1, 30.0, prior, two, two), 1, 8, (0.5, 1.0))
    assert halfway.folded > 0
    for before, after in zip(halfway.flagged, whole.flagged, strict=True):
        assert not np.asarray(before & ~after).any()


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["base", "prior_like_meets_like"])
def test_two_types_tend_to_the_cubic_solver(variant):
    """Of order 2: four times as many cells, at most a ninth of the error."""
    errors = []
    for cells in (8, 16, 32, 64):
        solution, found, wanted = two_types(variant, 3.0, cells)
        assert solution.ok
        errors.append(np.abs(found - wanted).max())
    print(variant, errors)
    assert errors[2] < errors[0] / 9
    assert errors[3] < errors[1] / 9
    assert errors[3] < 1e-4


@pytest.mark.slow
def test_three_types_against_the_tree():
    """Endings by pair of types, joint with the prior, and the first move of each type."""
    given, wanted = payoffs(1, 3.0), tree_answer(1, 3.0)
    solution, found = grid_answer(given, 1, 8)
    assert solution.ok
    assert found.sum() == pytest.approx(1.0, abs=1e-12)
    assert found.sum(-1) == pytest.approx(np.array(PRIOR, float), abs=1e-12)
    assert found == pytest.approx(wanted.endings, abs=5e-4)
    assert first_moves(solution, given) == pytest.approx(wanted.first, abs=5e-3)


@pytest.mark.slow
@pytest.mark.parametrize(("periods", "precision", "bound"), [(1, 3.0, 1e-4), (2, 3.0, 2e-4), (2, 10.0, 2e-3)])
def test_three_types_tend_to_the_tree(periods, precision, bound):
    given, wanted = payoffs(periods, precision), tree_answer(periods, precision)
    errors = []
    for cells in (4, 8, 16):
        solution, found = grid_answer(given, periods, cells, many_shares(precision))
        assert solution.ok
        moves = np.abs(first_moves(solution, given) - wanted.first).max()
        errors.append((float(np.abs(found - wanted.endings).max()), float(moves)))
    print(periods, precision, errors)
    assert errors[2][0] < min(errors[0][0] / 4, bound)
    assert errors[2][1] < errors[0][1] / 4


def many_shares(precision):
    steps = max(round(precision / 3), 1)
    return tuple((n + 1) / steps for n in range(steps))


@pytest.mark.slow
def test_order_of_types_does_not_matter():
    coercers, targets = (2, 0, 1), (1, 0, 2)
    prior = np.array(PRIOR, float)[np.ix_(coercers, targets)]
    _, found = grid_answer(payoffs(1, 3.0, prior, coercers, targets), 1, 8)
    _, wanted = grid_answer(payoffs(1, 3.0), 1, 8)
    assert found == pytest.approx(wanted[np.ix_(coercers, targets)], abs=1e-8)


@pytest.mark.slow
def test_a_copy_of_a_type_changes_nothing():
    """The second type of each side split into two alike: the same grid answer, not the same up to the grid's error."""
    two = np.array([[0.4, 0.2], [0.1, 0.3]])
    split = np.array([[1, 0], [0, 0.3], [0, 0.7]]), np.array([[1, 0], [0, 0.6], [0, 0.4]])
    _, wanted = grid_answer(payoffs(1, 3.0, two, (0, 1), (0, 1)), 1, 8)
    _, found = grid_answer(payoffs(1, 3.0, split[0] @ two @ split[1].T, (0, 1, 1), (0, 1, 1)), 1, 8)
    merged = np.einsum("abe,ac,bd->cde", found, *(side > 0 for side in split))
    assert merged == pytest.approx(wanted, abs=1e-8)


@pytest.mark.slow
def test_copies_up_to_four_types():
    """Four types a side take the general path of small linear systems; three of them are alike."""
    two, split = np.array([[0.4, 0.2], [0.1, 0.3]]), np.array([[1, 0], [0, 0.3], [0, 0.5], [0, 0.2]])
    _, wanted = grid_answer(payoffs(1, 3.0, two, (0, 1), (0, 1)), 1, 3)
    solution, found = grid_answer(payoffs(1, 3.0, split @ two @ split.T, (0, 1, 1, 1), (0, 1, 1, 1)), 1, 3)
    assert solution.ok
    merged = np.einsum("abe,ac,bd->cde", found, split > 0, split > 0)
    assert merged == pytest.approx(wanted, abs=1e-8)


@pytest.mark.slow
def test_a_type_of_no_weight_changes_nothing():
    two, three = np.array([[0.4, 0.2], [0.1, 0.3]]), np.zeros((3, 3))
    three[:2, :2] = two
    _, wanted = grid_answer(payoffs(1, 3.0, two, (0, 1), (0, 1)), 1, 8)
    _, found = grid_answer(payoffs(1, 3.0, three), 1, 8)
    assert found[:2, :2] == pytest.approx(wanted, abs=1e-8)
    assert found[2].sum() + found[:, 2].sum() == 0


def triangle(table, at, cells):
    """Straight lines on the triangle around a belief over three types, by whether it stands on a side or a corner."""
    floor = np.minimum(np.floor(at * cells + 1e-12), cells)
    rest = at * cells - floor
    corners, share = (floor + np.eye(3), rest) if rest.sum() < 1.5 else (floor + 1 - np.eye(3), 1 - rest)
    if rest.sum() < 0.5:
        corners, share = floor[None], np.ones(1)
    nodes = (Simplex(3, cells).nodes().T * cells).round()
    found = 0.0
    for corner, weight in zip(corners, share, strict=True):
        if abs(weight) > 1e-12:
            found += weight * table[int(np.flatnonzero((nodes == corner).all(1))[0])]
    return found


def test_the_equations_hold_in_numpy():
    """The target's answers in period 1, from the values of the next round alone."""
    given, form, cells = payoffs(1, 3.0), game.form(1), 8
    solution, _ = grid_answer(given, 1, cells)
    nodes, worth = solution.grid.nodes(), np.asarray(solution.value[1])
    rng = np.random.default_rng(5)
    worst = 0.0
    for p, q in rng.integers(solution.grid.count, size=(40, 2)):
        for state, then in enumerate(form.branch[:, 0]):
            log_pi = np.asarray(solution.log_pi[1][0, state, p, q])
            after = nodes[:, q] * np.exp(log_pi[:, 1])
            after = after / after.sum()
            resist = np.array([triangle(worth[1, k, then, p], after, cells) for k in range(3)])
            value = np.stack([np.asarray(given.moves[1])[1, :, state, 0], resist + np.asarray(given.flow)[1, :, state]])
            weight = 3.0 * value.T
            worst = max(worst, np.abs(log_pi - weight + np.log(np.exp(weight).sum(1))[:, None]).max())
    assert worst <= 1e-9


@pytest.mark.parametrize(
    ("change", "words"),
    [({"cells": 0}, "at least 1 cell"), ({"shares": (0.5, 0.4, 1.0)}, "rise to 1"),
     ({"prior": np.eye(3) / 3}, "chance 0"), ({"prior": np.ones((3, 3))}, "sum to 1")],
)  # fmt: skip
def test_what_cannot_be_solved_is_refused(change, words):
    given = payoffs(1, 1.0, change.get("prior", PRIOR))
    with pytest.raises(UserError, match=words):
        grid_answer(given, 1, change.get("cells", 4), change.get("shares", (1.0,)))


@pytest.mark.slow
@pytest.mark.parametrize("precision", [10.0, 20.0, 60.0])
def test_sharp_games_settle(precision):
    """Every point, from one solve at the full precision; where that has folds they are flagged."""
    solution, found = grid_answer(payoffs(2, precision), 2, 8)
    print(precision, solution.residual, solution.folded)
    assert solution.ok
    assert solution.unsettled == 0
    assert solution.folded > 0
    assert found.sum() == pytest.approx(1.0, abs=1e-9)


@pytest.mark.slow
def test_what_does_not_settle_is_said(monkeypatch):
    monkeypatch.setattr(many_response, "MAX_NEWTON", 1)
    monkeypatch.setattr(many_response, "MOST", 1)
    many._compiled.cache_clear()
    solution, _ = grid_answer(payoffs(1, 10.0), 1, 4)
    many._compiled.cache_clear()
    assert not solution.ok
    assert solution.unsettled > 0
    assert solution.residual > many.RESIDUAL
    assert "did not settle" in solution.status


@pytest.mark.slow
def test_time_of_two_and_three_types():
    """Prints CPU seconds, compiled, of the same form with two and three types at 8 cells."""
    form, seconds = game.form(4), []
    two = np.array([[0.4, 0.2], [0.1, 0.3]])
    for given in (payoffs(4, 3.0, two, (0, 1), (0, 1)), payoffs(4, 3.0)):
        many.solve(form, given, rounds=5, cells=8)
        start = time.process_time()
        for _ in range(3):
            assert many.solve(form, given, rounds=5, cells=8).ok
        seconds.append((time.process_time() - start) / 3)
    print(f"2 types {seconds[0]:.3f} s, 3 types {seconds[1]:.3f} s, ratio {seconds[1] / seconds[0]:.1f}")
    assert seconds[1] > seconds[0]
