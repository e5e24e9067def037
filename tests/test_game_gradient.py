"""Derivatives of a solution: against finite differences of the solver itself, entry by entry, to 1e-6."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest
from tests.known.gambit import game

from standoff.errors import Failure
from standoff.game.gradient import chance_gradient, value_gradient
from standoff.game.outcomes import at_beliefs, joint
from standoff.game.sweep import solve

VARIANT, PERIODS, PRECISION, NODES = "prior_like_meets_like", 2, 3.0, 9
FORM = game.form(PERIODS)
FIRST = FORM.stages[0].states.index((0, 0, 0))
STEP = 1e-4
# A central difference of STEP errs by STEP**2 in relative terms; answers settle to 1e-10, so by 1e-6 of a unit.
NEAR = 1e-6


def payoffs():
    """The ladder, with a hazard, a discount and a horizon that matter, so that no entry is idle."""
    plain = game.payoffs(VARIANT, PERIODS, PRECISION)
    return eqx.tree_at(
        lambda p: (p.hazard, p.discount, p.removed, p.chance),
        plain,
        (plain.hazard + 0.1, jnp.asarray(0.95), plain.removed - 0.5, plain.chance * 1.0),
    )


def solved(numbers, trail=True):
    return solve(FORM, numbers, rounds=PERIODS + 1, nodes=NODES, trail=trail)


def worth(numbers, side=0, kind=1, p=0.4, q=0.45):
    return float(at_beliefs(solved(numbers).trail[0].values[0][side, kind], FIRST, p, q))


FIELDS = {
    "moves of the coercer": lambda p: p.moves[0],
    "moves of the target": lambda p: p.moves[1],
    "flow": lambda p: p.flow,
    "hazard": lambda p: p.hazard,
    "chance": lambda p: p.chance,
    "removed": lambda p: p.removed,
    "horizon": lambda p: p.horizon,
    "precision": lambda p: p.precision,
    "tilt": lambda p: p.tilt,
    "discount": lambda p: p.discount,
}


SLOW = [pytest.mark.slow]


@pytest.mark.parametrize(
    "field",
    [
        pytest.param(name, id=name.replace(" ", "-"), marks=SLOW if name.startswith(("moves of", "flow")) else [])
        for name in FIELDS
    ],
)
def test_worth_of_the_game_against_finite_differences(field):
    numbers, get = payoffs(), FIELDS[field]
    found = value_gradient(solved(numbers), numbers, 0, 1, FIRST, 0.4, 0.45)
    assert found.status == ""
    slope = np.asarray(get(found.payoffs))
    order = np.argsort(-np.abs(slope), axis=None)[:2]
    for entry in (np.unravel_index(k, slope.shape) for k in order):
        up, down = (eqx.tree_at(get, numbers, get(numbers).at[entry].add(sign * STEP)) for sign in (1, -1))
        wanted = (worth(up) - worth(down)) / (2 * STEP)
        assert slope[entry] == pytest.approx(wanted, abs=NEAR)


def test_worth_in_the_prior():
    numbers = payoffs()
    found = value_gradient(solved(numbers), numbers, 0, 1, FIRST, 0.4, 0.45)
    assert found.value == pytest.approx(worth(numbers), abs=1e-12)
    by_p = (worth(numbers, p=0.4 + STEP) - worth(numbers, p=0.4 - STEP)) / (2 * STEP)
    by_q = (worth(numbers, q=0.45 + STEP) - worth(numbers, q=0.45 - STEP)) / (2 * STEP)
    assert found.prior == pytest.approx((by_p, by_q), abs=NEAR)


@pytest.mark.slow
@pytest.mark.parametrize("field", ["moves of the target", "precision", "hazard"])
def test_chance_of_force_against_finite_differences(field):
    """Chances are built from strategies kept in single precision, so the step is longer and the bound wider."""
    numbers, get, step = payoffs(), FIELDS[field], 1e-2
    p, q = game.firm(VARIANT)
    weight = jnp.zeros((4, 7)).at[:, 4].set(jnp.asarray(joint(p, q, numbers.tilt)))

    def chance(changed):
        return chance_gradient(solved(changed), changed, weight, FIRST, p, q)

    found = chance(numbers)
    slope = np.asarray(get(found.payoffs))
    entry = np.unravel_index(np.abs(slope).argmax(), slope.shape)
    up, down = (eqx.tree_at(get, numbers, get(numbers).at[entry].add(sign * step)) for sign in (1, -1))
    wanted = (chance(up).value - chance(down).value) / (2 * step)
    assert slope[entry] == pytest.approx(wanted, abs=2e-4, rel=2e-3)
    assert abs(slope[entry]) > 1e-3


def test_without_a_trail_it_says_what_to_do():
    numbers = payoffs()
    with pytest.raises(Failure, match="trail=True"):
        value_gradient(solved(numbers, trail=False), numbers, 0, 0, FIRST, 0.5, 0.5)


def test_a_fold_is_said():
    numbers = game.payoffs(VARIANT, PERIODS, 60.0)
    solution = solved(numbers)
    assert solution.folded > 0
    assert "no derivative" in value_gradient(solution, numbers, 0, 0, FIRST, 0.5, 0.5).status
