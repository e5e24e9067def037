"""The grid solver against Gambit: the crisis-ladder games, at every information set of one and two periods."""

from functools import lru_cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.known.gambit import game

from standoff.game.lookup import lookup
from standoff.game.play import Given, Mind, Paths, follow, plain_reading
from standoff.game.sweep import solve

QUICK = ("base", "war_costly", "prior_like_meets_like")
NAMES = [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in game.VARIANTS]
MOVE = {"H": 1, "E": 2}
# Strategies and values are kept in single precision (6e-8 in relative terms).
STORED = 3e-7


def known(variant, periods, precision):
    return next(
        case
        for case in game.CASES
        if (case["variant"], case["periods"], case["lambda"]) == (variant, periods, precision)
    )


@lru_cache(maxsize=64)
def solved(variant, periods, precision, nodes):
    return solve(game.form(periods), game.payoffs(variant, periods, precision), rounds=periods + 1, nodes=nodes)


def records(histories, rounds):
    """Histories such as `HrE` as given moves; nothing is given after their end."""
    move = np.full((rounds, 2, len(histories)), -1, np.int32)
    for path, history in enumerate(histories):
        for n in range((len(history) + 1) // 2):
            move[n, 0, path] = MOVE[history[2 * n]]
            if history[2 * n + 1 : 2 * n + 2] == "r":
                move[n, 1, path] = 1
    return Given(jnp.asarray(move), jnp.full_like(jnp.asarray(move), -1), jnp.ones(move.shape))


def along(variant, periods, precision, nodes):
    """Largest differences from Gambit over all information sets: chances of moves, beliefs."""
    case, shape = known(variant, periods, precision), game.form(periods)
    solution = solved(variant, periods, precision, nodes)
    labels = [label.split(":") for label in case["strategy"]]
    histories = sorted({"" if history == "-" else history for _, _, history in labels})
    count = len(histories)
    mind = Mind(solution.log_pi, tuple(jnp.asarray(table) for table in plain_reading(shape)))
    zero = jnp.zeros(count, jnp.int32)
    belief = jnp.broadcast_to(jnp.array(game.firm(variant))[None, :, None], (2, 2, count))
    seen = follow(
        jax.random.key(0),
        shape,
        (mind, mind),
        game.payoffs(variant, periods, precision),
        Paths(zero, zero, jnp.zeros((2, count), jnp.int32), belief),
        records(histories, periods + 1),
        rounds=periods + 1,
    )
    tilt = np.asarray(game.payoffs(variant, periods, precision).tilt)
    worst, doubt = 0.0, 0.0
    for (side, kind, history), chances in zip(labels, case["strategy"].values(), strict=True):
        path = histories.index("" if history == "-" else history)
        n, stage, own = len(histories[path]) // 2, "CT".index(side), game.KINDS[side].index(kind)
        found = np.asarray(seen.own[stage][n, path, own])
        if side == "C":
            found = found[:3] if len(chances) == 3 else found[[3, 0]]
            public = float(seen.belief[n, 0, 1, path])
            odds = public / (1 - public) * np.exp(tilt[0, own])
            doubt = max(doubt, abs(odds / (1 + odds) - case["belief"][f"C:{kind}:{history}"]))
        worst = max(worst, np.abs(found - chances).max())
    return worst, doubt


@pytest.mark.parametrize("variant", NAMES)
def test_every_information_set_of_two_periods(variant):
    # Measured at 33 nodes over all variants and both sides: 2e-8, 8e-5, 1.6e-3 at precisions 0.5, 2, 5.
    for precision, most in ((0.5, STORED), (2.0, 2e-4), (5.0, 3e-3)):
        assert solved(variant, 2, precision, 33).ok
        worst, doubt = along(variant, 2, precision, 33)
        assert worst < most, precision
        assert doubt < most, precision


@pytest.mark.parametrize("variant", NAMES)
def test_precision_ten(variant):
    # Where play hardly ever comes the grid is coarse (measured: 1.2e-2); where it begins it is not (2e-4).
    worst, doubt = along(variant, 2, 10.0, 33)
    assert worst < 2e-2
    assert doubt < 2e-2
    shape = game.form(2)
    case, (p, q) = known(variant, 2, 10.0), game.firm(variant)
    table, zero = solved(variant, 2, 10.0, 33).log_pi[0], jnp.zeros(1, jnp.int32)
    found = np.exp(lookup(table, zero[0], zero, jnp.array([p]), jnp.array([q])))[0]
    assert shape.stages[0].states[0] == (0, 0, 0)
    for own, kind in enumerate(game.KINDS["C"]):
        assert found[own, :3] == pytest.approx(case["strategy"][f"C:{kind}:-"], abs=5e-4)


@pytest.mark.slow
def test_error_falls_with_the_grid():
    error = {
        nodes: max(along(name, 2, 5.0, nodes)[0] for name in ("base", "prior_dovish", "prior_like_meets_like"))
        for nodes in (9, 33)
    }
    assert 1e-3 < error[9] < 3e-2
    # Second order would give 16 for two halvings.
    assert error[9] > 16 * error[33]


def test_last_decision_is_exact():
    for variant in ("base", "sharp_coercer"):
        case, solution = known(variant, 1, 5.0), solved(variant, 1, 5.0, 21)
        for rung, history in enumerate(("Hr", "Er")):
            state = solution.form.stages[0].states.index((1, rung, 0))
            found = np.exp(np.asarray(solution.log_pi[0][-1][state]))
            for own, kind in enumerate(game.KINDS["C"]):
                wanted = case["strategy"][f"C:{kind}:{history}"]
                assert np.abs(found[:, :, own, 3] - wanted[0]).max() < STORED  # at every belief


def test_first_decision_where_the_prior_is_a_node():
    # A flat continuation needs no interpolation: at precision 0.5 the grid is exact but for what is stored.
    found = np.exp(np.asarray(solved("base", 1, 0.5, 21).log_pi[0][0][0, 8, 8]))
    for own, kind in enumerate(game.KINDS["C"]):
        assert found[own, :3] == pytest.approx(known("base", 1, 0.5)["strategy"][f"C:{kind}:-"], abs=STORED)


@pytest.mark.parametrize("variant", ["base", "audience_convex", "prior_like_meets_like", "sharp_coercer"])
def test_values_at_the_prior(variant):
    solution, case = solved(variant, 1, 2.0, 21), known(variant, 1, 2.0)
    p, q = game.firm(variant)
    value = np.asarray(solution.value[0, :, :, 0, round(20 * p), round(20 * q)])
    scale = game.VARIANTS[variant]["scale"]
    expected = [value[0] @ [1 - p, p], value[1] @ [1 - q, q]]
    wanted = [case["payoffs"][side] / float(scale[side.lower()]) for side in ("Coercer", "Target")]
    assert expected == pytest.approx(wanted, abs=1e-4)


def test_a_wrong_prior_would_be_seen():
    """The comparison can fail: ignoring the correlation of types moves strategies by far more than the error."""
    case = known("prior_like_meets_like", 1, 2.0)
    payoffs = game.payoffs("prior_like_meets_like", 1, 2.0)
    flat = type(payoffs)(**{**payoffs.__dict__, "tilt": jnp.zeros((2, 2))})
    wrong = np.exp(np.asarray(solve(game.form(1), flat, rounds=2, nodes=21).log_pi[0][0][0, 8, 9]))
    right = np.exp(np.asarray(solved("prior_like_meets_like", 1, 2.0, 21).log_pi[0][0][0, 8, 9]))
    wanted = case["strategy"]["C:weak:-"]
    assert np.abs(right[0, :3] - wanted).max() < 1e-4
    assert np.abs(wrong[0, :3] - wanted).max() > 1e-2
