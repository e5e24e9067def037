"""Whether a bank of weighted draws can be trusted, and what the record could not teach.

*Effective draws* are 1 / Σ w² (Kish), for a mean var / Σ w² (x - mean)², and in the tails the smaller of that for the
indicators of the 5% and 95% quantiles. *Pareto k*: see `pareto`.

*R-hat* of weighted draws: the bank consists of `CHAINS` sub-banks from Sobol' sequences of their own, each normalised
by itself. With x the rank-normalised values, m_c and v_c the weighted mean and variance in chain c and n its effective
draws,

    R-hat² = [(1 - 1/n) mean(v) + var(m)] / mean(v),

the larger of that for x and for x folded at its median (Vehtari, Gelman, Simpson, Carpenter & Bürkner 2021, Bayesian
Anal. 16:667-718, section 4; there for Markov chains). It fails above 1.01, or, where so few draws count that
independent chains pass 1.01 by chance, above what they pass with chance `FALSE_ALARM` in the whole table.

*Sensitivity* to powers a of prior and likelihood: the cumulative Jensen-Shannon distance between the posterior and that
under prior^a or likelihood^a, a = 1/POWER and POWER, averaged, per doubling of a (Kallioinen, Paananen, Bürkner &
Vehtari 2024, Stat. Comput. 34:57, sections 2 and 3). The prior is that of z, all numbers together.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special, stats  # type: ignore[import-untyped]

from standoff.infer.pareto import limit, smoothed
from standoff.infer.sampler import Bank, chains, effective, evidence

LEAST_EFFECTIVE = 200.0
MOST_R_HAT = 1.01
FALSE_ALARM = 0.01
POWER = 1.25
SENSITIVE = 0.05
"""Sensitivity from which a posterior is said to depend on prior or likelihood (Kallioinen et al.)."""
TAUGHT_SD, TAUGHT_DISTANCE = 0.95, 0.1
"""The record teaches nothing of a number whose sd shrinks by less than 5% and whose distribution moves by less."""
TOGETHER, ALONE = 0.5, 0.6
"""Correlation from which two numbers are known in combination, where each alone keeps more than so much of its sd."""


@dataclass(frozen=True)
class Quality:
    """How good a bank is for the posterior after so many rounds.

    `effective`: draws; `pareto_k`: shape of the weights' tail; `evidence`: ln marginal likelihood, with its error.
    """

    rounds: int
    effective: float
    pareto_k: float
    evidence: float
    evidence_error: float


def quality(bank: Bank, rounds: int | None = None) -> Quality:
    """Effective draws, Pareto k and evidence after so many rounds (all by default)."""
    n = bank.rounds if rounds is None else rounds
    log_weight = bank.log_weights(n)
    value, error = evidence(bank, n)
    return Quality(n, effective(log_weight), smoothed(log_weight)[1], value, error)


def numbers(bank: Bank, values: np.ndarray, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Diagnostics of each number after all rounds.

    Args:
        bank: The draws.
        values: What is judged (axes draw, number), monotone in the bank's numbers one by one.
        names: Of the numbers.

    Returns:
        By name, an entry for each number: `effective` and `tail_effective` draws, `r_hat`, `shrinkage` (posterior over
        prior sd, both of z), `distance` from the prior (cumulative Jensen-Shannon, 0 to 1), `prior_sensitivity`,
        `likelihood_sensitivity`, `diagnosis` of these in words, `partner` (the number with which it is most
        correlated), `correlation`, `identified` and `lesson`: what the record teaches of it, in words.
    """
    weight = np.exp(bank.log_weights())
    z, count = bank.z, values.shape[1]
    power = {
        part: [np.exp(bank.log_weights(**{f"{part}_power": a})) for a in (1 / POWER, POWER)]  # type: ignore[arg-type]
        for part in ("prior", "likelihood")
    }
    before = np.exp(bank.log_weights(0))
    spread = np.sqrt(_variances(z, weight) / _variances(z, before))
    partner, correlation = _partners(z, weight)
    found: dict[str, list[float]] = {
        "effective": [mean_effective(values[:, i], weight) for i in range(count)],
        "tail_effective": [tail_effective(values[:, i], weight) for i in range(count)],
        "r_hat": [r_hat(bank, values[:, i]) for i in range(count)],
        "distance": [distance(bank.u[:, i], before, weight) for i in range(count)],
    }
    for part, both in power.items():
        each = [[distance(z[:, i], weight, other) for other in both] for i in range(count)]
        found[f"{part}_sensitivity"] = [sum(pair) / (2 * float(np.log2(POWER))) for pair in each]
    told = {name: np.array(each) for name, each in found.items()} | {"shrinkage": spread, "correlation": correlation}
    said = zip(told["prior_sensitivity"], told["likelihood_sensitivity"], strict=True)
    identified = (spread < TAUGHT_SD) | (told["distance"] > TAUGHT_DISTANCE)
    lessons = [
        lesson(names[i], bool(identified[i]), float(spread[i]), names[partner[i]], float(correlation[i]), count)
        for i in range(count)
    ]
    return told | {
        "identified": identified,
        "partner": _words([names[i] for i in partner]),
        "diagnosis": _words([diagnosis(float(prior), float(likelihood)) for prior, likelihood in said]),
        "lesson": _words(lessons),
    }


def diagnosis(prior: float, likelihood: float) -> str:
    """What sensitivities to powers of prior and likelihood mean, in words (Kallioinen et al., section 2.4)."""
    if prior >= SENSITIVE and likelihood >= SENSITIVE:
        return "prior-data conflict: both prior and record move it"
    if prior >= SENSITIVE:
        return "weak likelihood: the prior moves it, the record hardly"
    return "fine: the record moves it, the prior hardly" if likelihood >= SENSITIVE else "fine: neither moves it much"


def lesson(name: str, identified: bool, shrinkage: float, partner: str, correlation: float, count: int) -> str:
    """What the record teaches of a number, in one sentence."""
    if count > 1 and abs(correlation) >= TOGETHER and shrinkage > ALONE:
        return f"The record teaches {name} and {partner} only in combination (correlation {correlation:+.2f})."
    if not identified:
        return f"The record teaches nothing of {name}."
    return f"The record narrows {name} to {shrinkage:.0%} of the prior's spread." if shrinkage < TAUGHT_SD else (
        f"The record moves {name} without narrowing it."
    )  # fmt: skip


def status(bank: Bank, told: dict[str, np.ndarray]) -> tuple[str, bool]:
    """Whether the posterior after all rounds can be trusted, in words.

    Args:
        bank: The draws.
        told: What `numbers` found.

    Returns:
        A sentence, and whether the sampler failed.
    """
    every = [quality(bank, n) for n in range(bank.rounds + 1)]
    last = every[-1]
    wrong = []
    if not last.effective >= LEAST_EFFECTIVE:
        wrong.append(f"{last.effective:.0f} effective draws of {len(bank.u)}, fewer than {LEAST_EFFECTIVE:.0f}")
    if not last.pareto_k <= limit(len(bank.u)):
        wrong.append(f"Pareto k {last.pareto_k:.2f}, over {limit(len(bank.u)):.2f}")
    least = min(last.effective, float(np.min(told["effective"])))
    most = r_hat_limit(least, 2 * len(told["r_hat"]))
    if not np.all(told["r_hat"] <= most):
        wrong.append(f"R-hat up to {np.max(told['r_hat']):.3f}, over {most:.3f}")
    if wrong:
        return f"Failed: {'; '.join(wrong)}. Raise the draws, or infer fewer numbers.", True
    short = [q.rounds for q in every[:-1] if q.effective < LEAST_EFFECTIVE]
    aside = f" After round {', '.join(map(str, short))} fewer than {LEAST_EFFECTIVE:.0f} count." if short else ""
    return (
        f"Converged: {last.effective:.0f} effective draws of {len(bank.u)}, Pareto k {last.pareto_k:.2f}, "
        f"R-hat at most {np.max(told['r_hat']):.3f}.{aside}"
    ), False


def r_hat_limit(effective_draws: float, compared: int) -> float:
    """1.01, or what independent chains exceed with chance `FALSE_ALARM` in a table of so many comparisons.

    `effective_draws`: the fewest of any mean that is compared, over all chains.
    """
    by_chance = stats.chi2.ppf(1 - FALSE_ALARM / max(compared, 1), 3) / 3
    each = max(effective_draws / 4, 2.0)
    return float(max(MOST_R_HAT, np.sqrt(1 + (by_chance - 1) / each)))


def r_hat(bank: Bank, values: np.ndarray, rounds: int | None = None) -> float:
    """Rank-normalised R-hat of one number over the chains of a bank, each normalised by itself."""
    log_weight = bank.log_weights(rounds)
    weight = np.exp(log_weight)
    ranked = _normal_ranks(values, weight)
    middle = quantile(values, weight, 0.5)
    folded = _normal_ranks(np.abs(values - middle), weight)
    return max(_r_hat(bank, each, log_weight) for each in (ranked, folded))


def _r_hat(bank: Bank, x: np.ndarray, log_weight: np.ndarray) -> float:
    means, variances, sizes = [], [], []
    for mine in chains(bank):
        total = special.logsumexp(log_weight[mine])
        if not np.isfinite(total):
            return float("inf")
        part = np.exp(log_weight[mine] - total)
        mean = float((part * x[mine]).sum())
        means.append(mean)
        variances.append(float((part * (x[mine] - mean) ** 2).sum()))
        sizes.append(effective(log_weight[mine]))
    within = float(np.mean(variances))
    if within <= 0:
        return 1.0 if np.ptp(means) <= 1e-12 else float("inf")
    n = float(np.mean(sizes))
    return float(np.sqrt(((1 - 1 / n) * within + np.var(means, ddof=1)) / within))


def mean_effective(values: np.ndarray, weight: np.ndarray) -> float:
    """Independent draws that would give the mean as precisely; all of them for a constant."""
    mean = (weight * values).sum()
    spread = (weight * (values - mean) ** 2).sum()
    error = (weight**2 * (values - mean) ** 2).sum()
    return float(spread / error) if error > 0 else float(len(values))


def tail_effective(values: np.ndarray, weight: np.ndarray) -> float:
    """The smaller of the effective draws of the indicators of the 5% and 95% quantiles."""
    both = [(values <= quantile(values, weight, q)).astype(float) for q in (0.05, 0.95)]
    return min(mean_effective(each, weight) for each in both)


def quantile(values: np.ndarray, weight: np.ndarray, at: float) -> float:
    """Weighted quantile: the least value at which so much of the weight is reached."""
    order = np.argsort(values, kind="stable")
    mass = np.cumsum(weight[order])
    return float(values[order][min(int(np.searchsorted(mass, at * mass[-1])), len(values) - 1)])


def distance(values: np.ndarray, one: np.ndarray, other: np.ndarray) -> float:
    """Cumulative Jensen-Shannon distance of two weightings of the same draws, 0 to 1.

    Square root of the symmetric divergence over its largest value (Nguyen & Vreeken 2015, KDD 9:1091-1100), the
    larger of that for the values and for their negatives.
    """
    order = np.argsort(values, kind="stable")
    gap = np.diff(values[order])
    p, q = (np.cumsum(w[order] / w.sum())[:-1] for w in (one, other))
    found = []
    for a, b in ((p, q), (1 - p, 1 - q)):
        a, b = np.clip(a, 0, 1), np.clip(b, 0, 1)
        total = float((gap * (a + b)).sum())
        both = special.rel_entr(a, (a + b) / 2) + special.rel_entr(b, (a + b) / 2)
        found.append(np.sqrt(max(float((gap * both).sum()) / np.log(2) / total, 0.0)) if total > 0 else 0.0)
    return float(max(found))


def _normal_ranks(values: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Normal scores of weighted mid-ranks; equal values get equal ones."""
    _, group = np.unique(values, return_inverse=True)
    mass = np.bincount(group, weights=weight)
    middle = np.cumsum(mass) - mass / 2
    share = np.clip(middle / mass.sum(), 1e-9, 1 - 1e-9)
    return np.asarray(special.ndtri(share)[group])


def _variances(z: np.ndarray, weight: np.ndarray) -> np.ndarray:
    mean = (weight[:, None] * z).sum(0)
    return np.asarray((weight[:, None] * (z - mean) ** 2).sum(0))


def _partners(z: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each number the other one with the largest correlation in the posterior, and that; itself if it is alone."""
    away = z - (weight[:, None] * z).sum(0)
    cov = np.einsum("ni,nj->ij", away * weight[:, None], away)
    scale = np.sqrt(np.maximum(np.diag(cov), 1e-300))
    corr = cov / np.outer(scale, scale)
    np.fill_diagonal(corr, 0.0)
    partner = np.abs(corr).argmax(axis=1)
    return partner, corr[np.arange(len(corr)), partner]


def _words(each: Sequence[str]) -> np.ndarray:
    found = np.empty(len(each), dtype=object)
    found[:] = each
    return found
