"""The monotone cubic: nodes, monotonicity, no overshoot, derivative, order, and the local form of it."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from standoff.game.interpolate import evaluate, local, slopes

NODES = 7
FINE = jnp.linspace(0.0, 1.0, 301)
data = st.lists(st.floats(-5, 5, allow_subnormal=False), min_size=NODES, max_size=NODES).map(
    lambda row: jnp.asarray(row, jnp.float64)
)


drawn = jax.jit(lambda value, at: evaluate(value, slopes(value), at))
near = jax.jit(local)


def curve(value, at=FINE):
    """The cubic through `value` at `at`, and its derivative, as numpy arrays."""
    return tuple(np.asarray(part) for part in drawn(value, at))


@settings(max_examples=60)
@given(data)
def test_nodes_are_reproduced(value):
    found, _ = curve(value, jnp.linspace(0.0, 1.0, NODES))
    assert found == pytest.approx(np.asarray(value), abs=1e-12)


@settings(max_examples=60)
@given(data)
def test_sorted_data_stay_sorted(value):
    found, slope = curve(jnp.sort(value))
    assert (np.diff(found) >= -1e-12).all()
    assert (np.asarray(slope) >= -1e-9).all()


@settings(max_examples=60)
@given(data)
def test_no_value_leaves_its_cell(value):
    found, _ = curve(value)
    cell = np.minimum((np.asarray(FINE) * (NODES - 1)).astype(int), NODES - 2)
    left, right = np.asarray(value)[cell], np.asarray(value)[cell + 1]
    low, high = np.minimum(left, right), np.maximum(left, right)
    assert (found >= low - 1e-12).all()
    assert (found <= high + 1e-12).all()


@settings(max_examples=30)
@given(data)
def test_derivative_is_that_of_the_curve(value):
    at = jnp.asarray([0.03, 0.21, 0.4, 0.77, 0.96])  # off the nodes, where the second derivative jumps
    step = 1e-6
    slope = (curve(value, at + step)[0] - curve(value, at - step)[0]) / (2 * step)
    assert curve(value, at)[1] == pytest.approx(slope, abs=1e-6)


def test_a_line_is_reproduced_with_its_slope():
    found, slope = curve(2 - 3 * jnp.linspace(0.0, 1.0, NODES))
    assert found == pytest.approx(2 - 3 * np.asarray(FINE), abs=1e-13)
    assert slope == pytest.approx(np.full(301, -3.0), abs=1e-12)


def test_third_order_on_a_smooth_monotone_function():
    error = [
        np.abs(curve(jnp.exp(2 * jnp.linspace(0.0, 1.0, n)))[0] - np.exp(2 * np.asarray(FINE))).max()
        for n in (9, 17, 33, 65)
    ]
    # Third order gives 8 in the limit.
    for coarse, fine in itertools.pairwise(error[1:]):
        assert 6 < coarse / fine < 12
    assert error[-1] < 2e-5


def test_ends_use_the_far_side_when_data_turn():
    # By hand: at a turn the slope is 0, so the middle of the cell between 0 and 1 is 1/2 + (s0 - 0)/8.
    value = jnp.array([0.0, 1.0, 0.0])
    slope = slopes(value)
    assert slope[1] == 0
    assert slope[0] == 2.0  # 1.5 * 1 - 0.5 * -1, below the limit of 3
    assert curve(value, jnp.array([0.25]))[0] == pytest.approx([0.75])


def test_end_slope_is_limited():
    # 1.5 * 1 + 0.5 * 10 is above three times the first secant.
    assert slopes(jnp.array([0.0, 1.0, -9.0]))[0] == 3.0


@settings(max_examples=60)
@given(data, st.lists(st.floats(0, 1), min_size=5, max_size=5))
def test_local_is_the_same_curve(value, points):
    at = jnp.asarray([*points, 0.0, 1.0])
    x = at * (NODES - 1)
    cell = jnp.clip(x.astype(jnp.int32), 0, NODES - 2)
    four = value[jnp.clip(cell[None] + jnp.arange(-1, 3, dtype=jnp.int32)[:, None], 0, NODES - 1)]
    found = near(four, x - cell.astype(x.dtype), cell == 0, cell == NODES - 2)
    assert np.asarray(found) == pytest.approx(curve(value, at)[0], abs=1e-12)


def test_gradient_passes_through():
    value = jnp.array([0.0, 0.5, 0.6, 2.0, 2.5, 2.6, 4.0])
    slope = jax.grad(lambda x: drawn(value, x[None])[0][0])(jnp.asarray(0.3))
    assert float(slope) == pytest.approx(curve(value, jnp.array([0.3]))[1][0], abs=1e-12)
