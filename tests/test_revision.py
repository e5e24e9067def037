"""Revision: the bound on events, limits, dates, agreement of record and rule."""

import csv
import json
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from standoff.world import revision

ROWS = csv.DictReader(
    (pathlib.Path(__file__).parent / "known" / "world" / "known_points_perception.csv").read_text().splitlines()
)
KNOWN = next(row for row in ROWS if row["quantity"] == "events until a view falls")
ALONG, REVISE = jax.jit(revision.along), jax.jit(revision.revise)
COUNT = 2000


def test_events_known():
    given_, printed = json.loads(KNOWN["inputs"]), json.loads(KNOWN["outputs"])
    tol = float(KNOWN["tolerance"])
    rates = (given_["rate_alternative"], given_["rate_current"])
    assert float(revision.mean_log_bayes(*rates)) == pytest.approx(printed["mean_log_bayes_factor"], abs=tol)
    least = revision.least_events(*rates, given_["threshold"])
    assert float(least) == pytest.approx(printed["mean_events_lower_bound"], abs=tol)


def record(key=0, events=150, rates=(0.3, 0.6), true=0.6):
    """Events that come or not, and their log-likelihood in each view, by draw."""
    came = jax.random.uniform(jax.random.key(key), (events, 1, COUNT)) < true
    rate = jnp.asarray(rates)[None, :, None]
    return jnp.log(jnp.where(came, rate, 1.0 - rate))


def held(view=0):
    return jnp.full(COUNT, view, dtype=jnp.int32)


def test_mean_events_to_a_revision_are_at_least_the_bound():
    found = ALONG(record(), jnp.zeros(2), jnp.log(20.0), held())
    first = np.asarray(revision.takeover(found.view, 2)[1]) + 1
    assert first.max() < 150  # everyone has understood
    least = float(revision.least_events(0.6, 0.3, 20.0))
    largest = np.log(0.6 / 0.3)  # no overshoot beyond one event's Bayes factor
    assert least < first.mean() < least + largest / 0.19204199 + 1.0


def test_infinite_threshold_never_revises():
    found = ALONG(record(), jnp.zeros(2), jnp.inf, held())
    assert not np.any(found.dropped)
    assert not np.any(found.view)
    sure = jnp.full((3, 2, COUNT), 0.0).at[:, 0].set(-jnp.inf)  # even a record that the view rules out
    assert not np.any(ALONG(sure, jnp.zeros(2), jnp.inf, held()).dropped)


def test_a_view_that_rules_out_the_record_falls_at_once():
    found = ALONG(jnp.zeros((3, 2, COUNT)).at[1, 0].set(-jnp.inf), jnp.zeros(2), jnp.log(1e12), held())
    np.testing.assert_array_equal(found.view[:, 0], [0, 1, 1])
    both = ALONG(jnp.full((3, 2, COUNT), -jnp.inf), jnp.zeros(2), jnp.log(20.0), held())
    assert not np.any(both.dropped)
    assert not np.any(np.isnan(both.advantage))


def test_higher_threshold_never_comes_sooner():
    dates = [
        np.asarray(revision.takeover(ALONG(record(1), jnp.zeros(2), jnp.log(k), held()).view, 2)[1])
        for k in (6.0, 20.0, 63.0)
    ]
    assert np.all(dates[1] >= dates[0])
    assert np.all(dates[2] >= dates[1])


def test_prior_odds_enter():
    early, late = (
        np.asarray(revision.takeover(ALONG(record(2), jnp.array([0.0, p]), jnp.log(20.0), held()).view, 2)[1])
        for p in (1.0, -2.0)
    )
    assert np.all(early <= late)
    assert early.mean() < late.mean() - 5.0


def test_false_alarms_are_bounded_by_one_over_k():
    """Ville: if the view held is right, its Bayes factor against another passes K with chance at most 1/K."""
    found = ALONG(record(3, true=0.3), jnp.zeros(2), jnp.log(20.0), held())
    ever = np.mean(np.asarray(found.dropped).any(0))
    assert ever <= 1.0 / 20.0 + 3 * np.sqrt(0.05 * 0.95 / COUNT)  # three sd, fixed key


def test_return_needs_the_threshold_again():
    step = jnp.array([2.0, 2.0, -2.0, -2.0, -2.0, -2.0])
    likelihood = jnp.repeat(jnp.stack([jnp.zeros_like(step), step], axis=1)[..., None], COUNT, axis=2)
    found = ALONG(likelihood, jnp.zeros(2), 3.0, held())
    np.testing.assert_array_equal(found.view[:, 0], [0, 1, 1, 1, 1, 0])
    np.testing.assert_array_equal(found.dropped[:, 0], [0, 1, 0, 0, 0, 1])
    np.testing.assert_allclose(revision.log_bayes(found.log_weight, 1, 0)[:, 0], np.cumsum(step))
    np.testing.assert_array_equal(revision.takeover(found.view, 3)[:, 0], [0, 1, 6])


def test_days_of_takeover():
    day = jnp.array([3.0, 10.0, 12.5])
    view = jnp.array([[0, 0], [0, 1], [2, 1]])
    index = revision.takeover(view, 3)
    np.testing.assert_array_equal(index, [[0, 0], [3, 1], [2, 3]])
    np.testing.assert_array_equal(revision.takeover_day(index, day), [[3, 3], [np.inf, 10], [12.5, np.inf]])


@settings(max_examples=20)
@given(st.lists(st.floats(-30, 0), min_size=3, max_size=3), st.floats(0, 5), st.integers(0, 2))
def test_the_best_other_view_takes_over_or_none(weight, threshold, view):
    after, dropped, advantage = REVISE(jnp.full(1, view), jnp.array(weight)[:, None], jnp.asarray(threshold))
    assert float(advantage[view, 0]) == 0.0
    gain = max(weight) - weight[view]
    assert bool(dropped[0]) == (gain > threshold)
    assert weight[int(after[0])] == (max(weight) if gain > threshold else weight[view])


def test_thresholds_by_draw_and_one_dimension_less():
    likelihood = jnp.stack([jnp.zeros(4), jnp.full(4, 1.0)], axis=1)
    alone = revision.along(likelihood, jnp.zeros(2), 2.5, jnp.asarray(0, dtype=jnp.int32))
    np.testing.assert_array_equal(alone.view, [0, 0, 1, 1])
    many = ALONG(jnp.repeat(likelihood[..., None], COUNT, axis=2), jnp.zeros(2), jnp.linspace(0.5, 9.0, COUNT), held())
    assert int(many.view[0, 0]) == 1
    assert int(many.view[-1, -1]) == 0
