"""Scores of backtests: by hand, then laws, then bootstrap samples of whole crises."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from standoff.backtest.scores import (
    CLIP,
    Interval,
    auc,
    brier,
    calibration,
    difference,
    encompassing,
    log_score,
    mean,
    reliability,
    resamples,
    score,
    verdict,
)

P = np.array([0.9, 0.6, 0.6, 0.2])
Y = np.array([1.0, 0.0, 1.0, 0.0])


def test_scores_by_hand():
    assert brier(P, Y).mean() == pytest.approx((0.01 + 0.36 + 0.16 + 0.04) / 4)
    assert log_score(P, Y)[0] == pytest.approx(-np.log(0.9))
    # Pairs of a yes and a no: .9 above .6 and .2, .6 ties with .6 and is above .2.
    assert auc(P, Y)[0] == pytest.approx((1 + 1 + 0.5 + 1) / 4)


def test_log_score_is_never_infinite():
    found = log_score(np.array([0.0, 1.0]), np.array([1.0, 0.0]))
    assert found == pytest.approx([-np.log(CLIP)] * 2)


def test_auc_with_weights_counts_cases():
    weight = np.array([[2.0, 1.0, 0.0, 3.0]])
    repeated = np.repeat(np.arange(4), [2, 1, 0, 3])
    assert auc(P, Y, weight)[0] == pytest.approx(auc(P[repeated], Y[repeated])[0])


def test_auc_needs_both_answers():
    assert np.isnan(auc(P, np.ones(4))[0])


@given(st.integers(0, 10**6))
def test_auc_of_opposite_forecasts_adds_to_one(seed):
    rng = np.random.default_rng(seed)
    p, y = rng.integers(1, 9, 30) / 10, np.r_[rng.integers(0, 2, 28), 0, 1].astype(float)
    assert auc(p, y)[0] + auc(1 - p, y)[0] == pytest.approx(1)


def test_calibration_of_an_honest_forecaster():
    p = np.repeat([0.2, 0.8], 10)
    y = np.r_[np.ones(2), np.zeros(8), np.ones(8), np.zeros(2)]
    assert calibration(p, y) == pytest.approx((1, 0), abs=1e-9)


def test_calibration_of_one_who_says_too_much():
    """Log odds twice as far from 0 as they should be, and all of them too low by 1."""
    share = 1 / (1 + np.exp(-np.array([1.0, -1.0])))
    said = 1 / (1 + np.exp(-(2 * np.array([1.0, -1.0]) - 1)))
    n = 100_000
    p = np.repeat(said, n)
    y = np.concatenate([np.arange(n) < round(n * s) for s in share]).astype(float)
    assert calibration(p, y) == pytest.approx((0.5, 0.5), abs=1e-4)


def test_calibration_of_a_flat_forecast_has_no_slope():
    slope, intercept = calibration(np.full(4, 0.25), Y)
    assert np.isnan(slope)
    assert intercept == pytest.approx(np.log(3))


def test_reliability_counts_every_case_once_and_keeps_ties():
    p = np.r_[np.full(50, 0.3), np.full(30, 0.8)]
    found = reliability(p, (np.arange(80) % 2).astype(float), bins=4)
    assert sum(n for *_, n in found) == 80
    assert np.array(found) == pytest.approx(np.array([(0.3, 0.5, 50), (0.8, 0.5, 30)]))


def test_samples_are_of_whole_crises():
    group = np.array(["a", "a", "b", "c", "c", "c"])
    samples = resamples(group, seed=3, many=500, least=3)
    (drawn,) = samples.weights()
    assert (drawn[:, 0] == drawn[:, 1]).all()
    assert (drawn[:, 3] == drawn[:, 5]).all()
    assert (drawn[:, [0, 2, 3]].sum(axis=1) == 3).all()
    assert np.array_equal(samples.drawn, resamples(group, seed=3, many=500, least=3).drawn)
    assert not np.array_equal(samples.drawn, resamples(group, seed=4, many=500, least=3).drawn)
    value = np.arange(6.0)
    assert samples.sums(value) == pytest.approx(drawn @ value)


def test_samples_made_in_parts_are_those_made_at_once(monkeypatch):
    group = np.arange(40) // 2
    p, y = np.random.default_rng(0).random((2, 40))
    base = np.full(40, 0.5)
    whole = score(p, np.round(y), base, resamples(group, seed=3))
    monkeypatch.setattr("standoff.backtest.scores.CHUNK", 700)
    parts = score(p, np.round(y), base, resamples(group, seed=3))
    assert (parts.brier.low, parts.auc.low, parts.auc.high, parts.skill.low) == pytest.approx(
        (whole.brier.low, whole.auc.low, whole.auc.high, whole.skill.low), abs=1e-12
    )


def test_there_is_no_interval_of_few_crises():
    """One crisis is all samples: an interval from them would be a point, and every difference clear."""
    y, one, other = np.zeros(30), np.full(30, 0.2), np.full(30, 0.4)
    for many in (1, 9):
        found = difference(one, other, y, resamples(np.arange(30) % many, seed=1))
        assert found.value == pytest.approx(-0.12)
        assert np.isnan([found.low, found.high]).all()
        assert found.clear == 0
    assert difference(one, other, y, resamples(np.arange(30) % 10, seed=1)).clear == -1
    scores = score(one, y, other, resamples(np.zeros(30), seed=1))
    assert np.isnan([scores.brier.low, scores.auc.low, scores.skill.high]).all()


def test_a_difference_of_rounding_is_not_clear():
    one = np.full(40, 0.1) + 1e-12
    found = difference(one, np.full(40, 0.1), np.zeros(40), resamples(np.arange(40), seed=1))
    assert found.low > 0
    assert found.clear == 0


def test_interval_of_two_crises_by_hand():
    """Samples hold (2, 0), (1, 1) or (0, 2) of the two, at 1/4, 1/2, 1/4: the interval is from one to the other."""
    group = np.array(["a", "b"])
    found = mean(np.array([0.0, 1.0]), np.ones(2), resamples(group, seed=1, least=2))
    assert (found.value, found.low, found.high) == (0.5, 0.0, 1.0)
    assert found.clear == 0


def test_copies_of_a_case_in_its_crisis_narrow_nothing():
    rng = np.random.default_rng(0)
    value = rng.normal(size=60)
    alone = mean(value, np.ones(60), resamples(np.arange(60), seed=1))
    copied = mean(np.repeat(value, 5), np.ones(300), resamples(np.repeat(np.arange(60), 5), seed=1))
    assert (copied.low, copied.high) == pytest.approx((alone.low, alone.high))
    spread = (alone.high - alone.low) / (2 * 1.96)
    assert spread == pytest.approx(value.std() / np.sqrt(60), rel=0.1)


def test_difference_is_paired():
    """Both err much and alike; the one is better by the same little in every case, so the interval is a point."""
    y = np.zeros(40)
    one = np.tile([0.1, 0.9], 20)
    other = np.sqrt(one**2 + 0.01)
    found = difference(one, other, y, resamples(np.arange(40), seed=1))
    assert (found.value, found.low, found.high) == pytest.approx((-0.01,) * 3)
    assert found.clear == -1


def test_encompassing_gives_the_weight_to_who_knows():
    rng = np.random.default_rng(5)
    odds = rng.normal(0, 1.5, 2000)
    y = (rng.random(2000) < 1 / (1 + np.exp(-odds))).astype(float)
    knows, guesses = 1 / (1 + np.exp(-odds)), 1 / (1 + np.exp(-rng.normal(0, 1.5, 2000)))
    samples = resamples(np.arange(2000), seed=1, many=600)
    first = encompassing(knows, guesses, y, samples)
    assert first.low < 1 < first.high + 0.05
    assert first.low > 0.7
    assert encompassing(guesses, knows, y, samples).value == pytest.approx(1 - first.value, abs=0.03)


def test_skill_of_the_base_rate_is_nothing():
    base = np.full(4, 0.5)
    found = score(base, Y, base, resamples(np.arange(4), seed=1, least=4))
    assert (found.skill.value, found.skill.low, found.skill.high) == (0, 0, 0)
    assert score(Y, Y, base, resamples(np.arange(4), seed=1)).skill.value == 1


def test_weights_of_cases_count_like_copies():
    weight, base = np.array([3.0, 1.0, 1.0, 1.0]), np.full(4, 0.5)
    at = np.repeat(np.arange(4), [3, 1, 1, 1])
    found = score(P, Y, base, resamples(np.arange(4), seed=1), weight)
    copied = score(P[at], Y[at], base[at], resamples(at, seed=1))
    assert found.brier.value == pytest.approx(copied.brier.value)
    assert found.auc.value == pytest.approx(copied.auc.value)


def test_verdict_counts_clear_differences():
    nan = float("nan")
    found = [(-1.0, -2.0, -0.5), (-1.0, -2.0, 0.5), (1.0, 0.5, 2.0), (1.0, nan, nan)]
    assert verdict([Interval(*one) for one in found]) == (1, 1, 2)
