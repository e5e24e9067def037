"""The sampler of posteriors and its diagnostics: known answers first, then what may not matter, then faults."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from scipy import special, stats

from standoff.errors import Failure, UserError
from standoff.infer import diagnose, pareto
from standoff.infer.mixture import Component, fit
from standoff.infer.sampler import CHAINS, Bank, effective, evidence, sample

SPREAD = 0.5
SEEN = np.random.default_rng(1).normal(size=10)


def normal(u):
    """Round r sees number r modulo 4 with normal error `SPREAD`."""
    z = special.ndtri(u)
    away = SEEN[None] - z[:, np.arange(len(SEEN)) % 4]
    return -0.5 * (away / SPREAD) ** 2 - np.log(SPREAD * np.sqrt(2 * np.pi))


def known(rounds, prior_power=1.0, likelihood_power=1.0):
    """Mean and variance of each number, and the log evidence, of `normal`."""
    count = np.array([len(range(i, rounds, 4)) for i in range(4)])
    total = np.array([SEEN[:rounds][i::4].sum() for i in range(4)])
    var = 1 / (prior_power + likelihood_power * count / SPREAD**2)
    mean = var * likelihood_power * total / SPREAD**2
    law = stats.multivariate_normal(
        np.zeros(rounds), SPREAD**2 * np.eye(rounds) + np.equal.outer(np.arange(rounds) % 4, np.arange(rounds) % 4)
    )
    return mean, var, float(law.logpdf(SEEN[:rounds]))


@pytest.fixture(scope="module")
def bank():
    return sample(normal, 4, draws=1024, seed=3)


@pytest.mark.parametrize("rounds", [1, 4, 7, 10])
def test_the_posterior_after_every_round_is_the_one_known_by_hand(bank, rounds):
    mean, var, level = known(rounds)
    weight = np.exp(bank.log_weights(rounds))
    size = effective(bank.log_weights(rounds))
    found = weight @ bank.z
    # Four standard errors of a mean with so many independent draws; the seed is fixed.
    assert np.abs(found - mean).max() < 4 * np.sqrt(var.max() / size)
    assert weight @ (bank.z - found) ** 2 == pytest.approx(var, rel=4 * np.sqrt(2 / size))
    value, error = evidence(bank, rounds)
    assert abs(value - level) < 4 * error
    assert size > 200


def test_no_round_is_the_prior(bank):
    weight = np.exp(bank.log_weights(0))
    assert weight @ bank.z == pytest.approx(np.zeros(4), abs=0.05)
    assert weight @ bank.z**2 == pytest.approx(np.ones(4), abs=0.1)
    assert evidence(bank, 0)[0] == pytest.approx(0.0, abs=0.05)


def test_powers_of_prior_and_likelihood(bank):
    for prior, likelihood in ((2.0, 1.0), (1.0, 0.5), (1.25, 0.8)):
        mean, _, _ = known(10, prior, likelihood)
        weight = np.exp(bank.log_weights(prior_power=prior, likelihood_power=likelihood))
        assert weight @ bank.z == pytest.approx(mean, abs=0.06)


def twin(u):
    """Two narrow modes, the one on the right three times as heavy."""
    z = special.ndtri(u)
    here = -0.5 * (((z - 1.2) ** 2).sum(1)) / 0.1
    there = -0.5 * (((z + 1.2) ** 2).sum(1)) / 0.1
    return np.logaddexp(here + np.log(3), there)[:, None]


@pytest.mark.parametrize("seed", range(3))
def test_both_modes_survive_with_their_weights(seed):
    found = sample(twin, 3, draws=1024, seed=seed)
    weight = np.exp(found.log_weights())
    size = effective(found.log_weights())
    assert size > 200
    assert weight[found.z[:, 0] > 0].sum() == pytest.approx(0.75, abs=4 * np.sqrt(0.75 * 0.25 / size))


def test_the_evidence_is_unbiased():
    """Mean of exp(log evidence) over 40 seeds against the known one: four standard errors, a false alarm of 1e-4."""
    found = np.array([np.exp(evidence(sample(normal, 4, draws=128, seed=s, stages=3), 5)[0]) for s in range(40)])
    truth = np.exp(known(5)[2])
    assert abs(found.mean() - truth) < 4 * found.std(ddof=1) / np.sqrt(len(found))


def test_same_numbers_with_one_and_two_workers(bank):
    def threads(u):
        with ThreadPoolExecutor(2) as pool:
            return np.concatenate(list(pool.map(normal, np.array_split(u, 2))))

    again = sample(threads, 4, draws=1024, seed=3)
    assert np.array_equal(again.u, bank.u)
    assert np.array_equal(again.increments, bank.increments)
    assert np.array_equal(again.log_ratio, bank.log_ratio)
    assert not np.array_equal(sample(normal, 4, draws=2048, seed=4).u, bank.u)


def test_every_draw_counts_once_and_chains_are_of_one_size(bank):
    assert len(bank.u) == 1024
    assert len(np.unique(bank.u, axis=0)) == 1024
    assert (np.bincount(bank.chain) == 1024 // CHAINS).all()
    assert ((bank.u > 0) & (bank.u < 1)).all()
    assert len(sample(normal, 4, draws=101, seed=1).u) == 101
    # At least a fifth of the mixture is the prior, so that no ratio is above 5.
    assert np.exp(bank.log_ratio.max()) <= 5


def test_what_was_finished_is_not_computed_again(tmp_path):
    calls = []

    def dies(u):
        if len(calls) == 5:
            raise KeyboardInterrupt
        calls.append(len(u))
        return normal(u)

    with pytest.raises(KeyboardInterrupt):
        sample(dies, 4, draws=256, seed=3, batch=16, keep=tmp_path, name="a")
    assert not list(tmp_path.glob("*.part"))
    again = []

    def counted(u):
        again.append(len(u))
        return normal(u)

    whole = sample(counted, 4, draws=256, seed=3, batch=16, keep=tmp_path, name="a")
    assert sum(calls) + sum(again) == 256
    fresh = sample(normal, 4, draws=256, seed=3, batch=16)
    assert np.array_equal(whole.u, fresh.u)
    assert np.array_equal(whole.log_weights(), fresh.log_weights())
    again.clear()
    sample(counted, 4, draws=256, seed=3, batch=16, keep=tmp_path, name="another likelihood")
    assert sum(again) == 256


def test_progress_is_told(bank):
    told = []
    sample(normal, 4, draws=128, seed=1, stages=2, batch=32, progress=lambda stage, share: told.append((stage, share)))
    assert told[0] == ("stage 1 of 2", 0.0)
    assert told[-1] == ("done", 1.0)
    assert [share for _, share in told] == sorted(share for _, share in told)


def test_an_impossible_record_has_no_weight_and_no_nan():
    def half(u):
        """Round 2 is impossible where the first number is low; what follows is not a number there."""
        wrong = u[:, 0] < 0.5
        return np.stack([0 * u[:, 0], np.where(wrong, -np.inf, 0.0), np.where(wrong, np.nan, 0.0)], axis=1)

    found = sample(half, 2, draws=512, seed=1)
    weight = np.exp(found.log_weights())
    assert weight[found.u[:, 0] < 0.5].sum() == 0
    assert np.isfinite(weight).all()
    assert evidence(found)[0] == pytest.approx(np.log(0.5), abs=0.02)
    assert evidence(found, 1)[0] == pytest.approx(0.0, abs=0.05)


@pytest.mark.parametrize(
    ("value", "words"), [(np.nan, "of round 1 is nan"), (np.inf, "of round 1 is inf"), (-np.inf, "impossible")]
)
def test_what_is_no_likelihood_is_refused(value, words):
    with pytest.raises(Failure, match=words):
        sample(lambda u: np.full((len(u), 2), value), 2, draws=64, seed=1)


def test_too_few_draws_and_a_wrong_shape_are_refused():
    with pytest.raises(UserError, match="give at least"):
        sample(normal, 4, draws=8, seed=1)
    with pytest.raises(Failure, match="expected draw and round"):
        sample(lambda u: np.zeros(len(u)), 4, draws=64, seed=1)


def test_density_and_draws_of_a_component_agree():
    scale = np.array([[1.0, 0.6], [0.6, 0.5]])
    each = Component(np.array([1.0, -1.0]), scale, 7.0)
    law = stats.multivariate_t(each.mean, scale, 7.0)
    z = law.rvs(50, random_state=1)
    assert each.log_density(z) == pytest.approx(law.logpdf(z), rel=1e-9)
    drawn = each.at(np.random.default_rng(1).uniform(size=(20_000, 3)))
    # The covariance of Student's t is 7/5 of its scale.
    assert np.cov(drawn.T) == pytest.approx(1.4 * scale, abs=0.05)


def test_a_fit_finds_the_components():
    rng = np.random.default_rng(1)
    z = np.concatenate([rng.normal(-2, 0.3, (300, 2)), rng.normal(2, 0.3, (100, 2))])
    found = fit(z, np.full(400, -np.log(400)), rng)
    assert sorted(round(share, 2) for share, _ in found) == [0.25, 0.75]


# Diagnostics


def _bank(increments, stage=None, seed=1, dim=2):
    z = np.random.default_rng(seed).normal(size=(len(increments), dim))
    return Bank(special.ndtr(z), increments, np.zeros(len(z)), np.zeros(len(z), int))


def test_effective_draws():
    assert effective(np.full(50, -np.log(50))) == pytest.approx(50)
    assert effective(np.array([0.0, -np.inf, -np.inf])) == pytest.approx(1)
    weight = np.full(1000, 1e-3)
    x = np.random.default_rng(1).normal(size=1000)
    assert diagnose.mean_effective(x, weight) == pytest.approx(1000)
    assert diagnose.tail_effective(x, weight) == pytest.approx(1000)


@pytest.mark.parametrize("k", [0.1, 0.5, 0.9])
def test_pareto_k_of_pareto_weights(k):
    every = [
        pareto.smoothed(np.log(stats.genpareto.rvs(k, size=4000, random_state=s)))[1] for s in range(20)
    ]  # 190 ratios in each tail: the mean of 20 fits has a standard error of about 0.03
    assert np.mean(every) == pytest.approx(k, abs=0.1)


def test_smoothing_keeps_order_and_leaves_the_rest():
    raw = np.log(stats.genpareto.rvs(0.8, size=1000, random_state=3))
    found, _ = pareto.smoothed(raw)
    assert special.logsumexp(found) == pytest.approx(0)
    assert np.array_equal(np.argsort(found), np.argsort(raw))
    assert np.exp(found).max() < np.exp(raw - special.logsumexp(raw)).max() * 1.5
    same, k = pareto.smoothed(np.zeros(100))
    assert k == -np.inf
    assert np.exp(same) == pytest.approx(np.full(100, 0.01))
    assert pareto.limit(10**6) == 0.7
    assert pareto.limit(100) == 0.5


def test_r_hat_of_chains_that_agree_and_of_chains_that_do_not():
    flat = _bank(np.zeros((2000, 1)))
    limit = diagnose.r_hat_limit(2000.0, 1)
    assert diagnose.r_hat(flat, flat.z[:, 0]) < limit
    moved = flat.z[:, 0] + 0.5 * (flat.chain == 0)
    assert diagnose.r_hat(flat, moved) > limit
    wider = flat.z[:, 0] * np.where(flat.chain == 0, 2.0, 1.0)
    assert diagnose.r_hat(flat, wider) > limit
    assert diagnose.r_hat_limit(1e6, 10) == diagnose.MOST_R_HAT


def test_r_hat_seldom_alarms_on_good_chains():
    """Few draws, uneven weights: 300 banks, a false alarm in at most 4% (nominal 1%; chance of more: below 1e-4)."""
    alarms = 0
    for seed in range(300):
        z = np.random.default_rng(seed).normal(size=(400, 1))
        bank = Bank(special.ndtr(z), 0.7 * z, np.zeros(400), np.zeros(400, int))
        log_weight = bank.log_weights()
        size = min(effective(log_weight), diagnose.mean_effective(bank.z[:, 0], np.exp(log_weight)))
        limit = diagnose.r_hat_limit(size, 2)
        alarms += diagnose.r_hat(bank, bank.z[:, 0]) > limit
    assert alarms <= 12


def test_distance_between_weightings():
    x = np.linspace(-5, 5, 4001)
    one, other = (stats.norm.pdf(x, m, s) for m, s in ((0, 1), (0.5, 0.8)))
    p, q = stats.norm.cdf(x, 0, 1), stats.norm.cdf(x, 0.5, 0.8)
    by_hand = []
    for a, b in ((p, q), (1 - p, 1 - q)):
        m = (a + b) / 2
        both = special.rel_entr(a, m) + special.rel_entr(b, m)
        by_hand.append(np.sqrt(np.trapezoid(both, x) / np.log(2) / np.trapezoid(a + b, x)))
    assert diagnose.distance(x, one, other) == pytest.approx(max(by_hand), rel=0.01)
    assert diagnose.distance(x, one, one) == 0
    left, right = (x < -4).astype(float), (x > 4).astype(float)
    assert diagnose.distance(x, left, right) > 0.9


def test_sensitivity_of_a_normal_posterior(bank):
    """Against the cumulative distances of the exact scaled posteriors."""
    told = diagnose.numbers(bank, bank.z, list("abcd"))
    x = np.linspace(-6, 6, 6001)
    for part in ("prior", "likelihood"):
        for i in range(4):
            exact = []
            for power in (0.8, 1.25):
                scaled = known(10, **{f"{part}_power": power})
                laws = [stats.norm.pdf(x, m[i], np.sqrt(v[i])) for m, v, _ in (known(10), scaled)]
                exact.append(diagnose.distance(x, *laws))
            # The distance of weighted draws depends on the range that is drawn; see the docstring of `distance`.
            assert told[f"{part}_sensitivity"][i] == pytest.approx(sum(exact) / (2 * np.log2(1.25)), abs=0.05)


def test_lessons():
    def ridge(u):
        z = special.ndtri(u)
        return -0.5 * ((z[:, 0] + z[:, 1] - 1) / 0.1)[:, None] ** 2

    found = sample(ridge, 3, draws=1024, seed=1)
    told = diagnose.numbers(found, found.z, ["cost", "belief", "idle"])
    assert told["lesson"][2] == "The record teaches nothing of idle."
    assert list(told["identified"]) == [True, True, False]
    assert told["partner"][0] == "belief"
    # Given the sum, each number keeps a variance of one half, and they are opposed.
    assert told["correlation"][0] == pytest.approx(-1 / 1.005, abs=0.02)
    assert told["shrinkage"][0] == pytest.approx(np.sqrt(0.5), abs=0.05)

    assert told["lesson"][0].startswith("The record teaches cost and belief only in combination")


def test_status_is_a_sentence(bank):
    told = diagnose.numbers(bank, bank.z, list("abcd"))
    words, failed = diagnose.status(bank, told)
    assert not failed
    assert words.startswith("Converged: ")
    few = sample(normal, 4, draws=128, seed=1)
    words, failed = diagnose.status(few, diagnose.numbers(few, few.z, list("abcd")))
    assert failed
    assert "fewer than 200" in words
    shifted = bank.z + 1.0 * (bank.chain == 0)[:, None]
    words, failed = diagnose.status(bank, diagnose.numbers(bank, shifted, list("abcd")))
    assert failed
    assert "R-hat" in words
    heavy = _bank(np.log(stats.genpareto.rvs(1.5, size=(4000, 1), random_state=1)))
    words, failed = diagnose.status(heavy, diagnose.numbers(heavy, heavy.z, ["a", "b"]))
    assert failed
    assert "Pareto k" in words


def test_diagnoses():
    assert diagnose.diagnosis(0.2, 0.2).startswith("prior-data conflict")
    assert diagnose.diagnosis(0.2, 0.01).startswith("weak likelihood")
    assert diagnose.diagnosis(0.01, 0.2).startswith("fine")
    quality = diagnose.quality(_bank(np.zeros((500, 2))), 1)
    assert (quality.rounds, quality.evidence) == (1, 0.0)
    assert quality.evidence_error == pytest.approx(0, abs=1e-6)
    assert quality.effective == pytest.approx(500)
