"""Whether posteriors mean what they say: simulation-based calibration on the small ladder.

Numbers are drawn from their priors, crises are simulated with them, the numbers are inferred from the public moves of
these crises, and the place of the true number in its posterior is noted. If prior, likelihood and sampler are right,
that place is uniform on 0 to 1, and 90% intervals hold the truth in 90% of the worlds (Talts, Betancourt, Simpson,
Vehtari & Gelman 2018, arXiv:1804.06788). The log-likelihood of the record is placed as well, since a quantity that
depends on the data shows errors that those of the numbers can hide (Modrák et al. 2023, Bayesian Anal., section 3). A
type is right or wrong: its chance is compared with how often it came true.

A *world* is one draw of the numbers; it has one or several crises, each with types of its own. Draws of the prior are
solved once and weighed for every world (`weigh`), or every world has its own adaptive bank (`sampler`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special, stats  # type: ignore[import-untyped]
from scipy.stats import qmc  # type: ignore[import-untyped]

from standoff.infer.sampler import effective, sample
from standoff.infer.small import NAMES, Small

LEVEL = 0.9
BINS = 20
FALSE_ALARM = 0.05
"""Chance that any entry of a whole table is outside its band although all is well."""
QUANTITIES = (*NAMES, "log-likelihood of the record")
SIDES = ("coercer", "target")


@dataclass(frozen=True, eq=False)
class Solved:
    """Draws of the prior with their games solved.

    `u` (draw, number); `log_records`: log chance of every record (draw, record); `firm`: chance that the coercer, and
    that the target, is firm given the record (draw, record, side).
    """

    u: np.ndarray
    log_records: np.ndarray
    firm: np.ndarray

    @property
    def z(self) -> np.ndarray:
        """Draws on the scale on which each prior is standard normal."""
        return np.asarray(special.ndtri(self.u))


def solved(small: Small, u: np.ndarray) -> Solved:
    """Solve the ladder for draws of the numbers."""
    level = small.by_type(u)
    total = special.logsumexp(level, axis=(1, 2))
    joint = np.exp(level - total[:, None, None])
    return Solved(u, total, np.stack([joint[:, 1].sum(1), joint[:, :, 1].sum(1)], axis=-1))


def prior_draws(count: int, seed: int) -> np.ndarray:
    """Scrambled Sobol' draws of the numbers' quantiles."""
    engine = qmc.Sobol(len(NAMES), scramble=True, rng=np.random.default_rng(seed))
    return np.asarray(np.clip(engine.random(count), 1e-9, 1 - 1e-9))


@dataclass(frozen=True, eq=False)
class Places:
    """Where the truth lay, world by world.

    `place`: of each quantity in its posterior (world, quantity); `error`: posterior mean less truth, in prior sd
    (world, number); `chance` and `firm`: of the firm type in the first crisis, and whether it was (world, side);
    `effective`: draws (world).
    """

    crises: int
    place: np.ndarray
    error: np.ndarray
    chance: np.ndarray
    firm: np.ndarray
    effective: np.ndarray


def simulate(small: Small, truth: np.ndarray, crises: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Public records of crises in one world, by index, and the true types in the first of them."""
    chance = np.exp(small.by_type(truth[None])[0]).reshape(-1)
    drawn = rng.choice(len(chance), size=crises, p=chance / chance.sum())
    kind, record = np.divmod(drawn, len(small.records))
    return record, np.array(np.divmod(kind[0], 2))


def weigh(bank: Solved, records: np.ndarray) -> np.ndarray:
    """Normalised log weights of the prior's draws, given the records of independent crises."""
    level = bank.log_records[:, records].sum(axis=1)
    return np.asarray(level - special.logsumexp(level))


def place(values: np.ndarray, weight: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Posterior chance of a value below the truth, equal ones by half (axes of `values`: draw, quantity)."""
    below = (values < truth) + 0.5 * (values == truth)
    return np.asarray((weight[:, None] * below).sum(axis=0))


def presolved(small: Small, bank: Solved, worlds: int, crises: int, seed: int) -> Places:
    """Calibration with one bank of solved draws of the prior, weighed for each world."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(worlds):
        truth = rng.uniform(size=len(NAMES))
        records, kinds = simulate(small, truth, crises, rng)
        level = float(small.log_records(truth[None])[0, records].sum())
        log_weight = weigh(bank, records)
        levels = bank.log_records[:, records].sum(axis=1)
        firm = bank.firm[:, records[0]]
        found.append(_row(bank.z, levels, log_weight, firm, special.ndtri(truth), level, kinds))
    return _places(crises, found)


def adaptive(small: Small, worlds: int, crises: int, draws: int, seed: int) -> Places:
    """Calibration with an adaptive bank of its own for each world; every draw is solved."""
    rng = np.random.default_rng(seed)
    found = []
    for world in range(worlds):
        truth = rng.uniform(size=len(NAMES))
        records, kinds = simulate(small, truth, crises, rng)
        level = float(small.log_records(truth[None])[0, records].sum())
        firm: dict[bytes, np.ndarray] = {}

        def likelihood(
            u: np.ndarray, records: np.ndarray = records, firm: dict[bytes, np.ndarray] = firm
        ) -> np.ndarray:
            here = solved(small, u)
            firm |= {row.tobytes(): each for row, each in zip(u, here.firm[:, records[0]], strict=True)}
            return here.log_records[:, records]

        bank = sample(likelihood, len(NAMES), draws=draws, seed=seed * 10_000 + world)
        log_weight = bank.log_weights()
        types = np.stack([firm[row.tobytes()] for row in bank.u])
        found.append(_row(bank.z, bank.log_likelihood(), log_weight, types, special.ndtri(truth), level, kinds))
    return _places(crises, found)


Row = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, float]


def _row(
    z: np.ndarray, levels: np.ndarray, log_weight: np.ndarray, firm: np.ndarray, truth: np.ndarray, level: float,
    kinds: np.ndarray,
) -> Row:  # fmt: skip
    weight = np.exp(log_weight)
    every = place(np.column_stack([z, levels]), weight, np.append(truth, level))
    mean = (weight[:, None] * z).sum(axis=0)
    return every, mean - truth, (weight[:, None] * firm).sum(axis=0), kinds, effective(log_weight)


def _places(crises: int, rows: Sequence[Row]) -> Places:
    place, error, chance, firm, size = (np.array(each) for each in zip(*rows, strict=True))
    return Places(crises, place, error, chance, firm, size)


@dataclass(frozen=True)
class Entry:
    """One line of the table: a quantity and what was found of it.

    `coverage` of 90% intervals with the band in which it should lie; `uniform`: p value of the rank histogram (χ²);
    `bias` in prior sd with its standard error (nan where it has none); `ok`: coverage in its band, p and bias as well.
    """

    quantity: str
    coverage: float
    band: tuple[float, float]
    uniform: float
    bias: float
    bias_error: float
    ok: bool


def entries(places: Places, tables: int = 1) -> list[Entry]:
    """The table of a calibration.

    Args:
        places: Where the truth lay.
        tables: How many such tables are shown together; bands are so wide that all entries of all of them lie within,
            with chance 1 - `FALSE_ALARM` or more (Bonferroni), if all is well.
    """
    worlds, count = places.place.shape
    checks = tables * (2 * count + places.error.shape[1] + len(SIDES))  # coverage, histogram; bias; types
    alarm = FALSE_ALARM / checks
    low, high = band(worlds, alarm)
    found = []
    for k, name in enumerate(QUANTITIES):
        inside = np.abs(places.place[:, k] - 0.5) <= LEVEL / 2
        p = uniform(places.place[:, k])
        bias, error = (_mean(places.error[:, k])) if k < places.error.shape[1] else (float("nan"), float("nan"))
        straight = not np.isfinite(bias) or abs(bias) <= stats.norm.ppf(1 - alarm / 2) * error
        ok = low <= inside.mean() <= high and p >= alarm and straight
        found.append(Entry(name, float(inside.mean()), (low, high), p, bias, error, bool(ok)))
    return found


def band(worlds: int, alarm: float) -> tuple[float, float]:
    """Shares of so many worlds between which coverage lies but for a chance of `alarm`."""
    low, high = stats.binom.ppf([alarm / 2, 1 - alarm / 2], worlds, LEVEL)
    return float(low / worlds), float(high / worlds)


def uniform(places: np.ndarray) -> float:
    """P value of a flat histogram of places in `BINS` bins (χ²)."""
    counts = np.bincount(np.minimum((places * BINS).astype(int), BINS - 1), minlength=BINS)
    return float(stats.chisquare(counts).pvalue)


def types(places: Places) -> list[tuple[str, float, float, float]]:
    """By side: mean chance of the firm type, how often it was, and the difference in standard errors.

    The standard error is that of the chances as stated, √(Σ c (1 - c)) / worlds.
    """
    found = []
    for side, name in enumerate(SIDES):
        chance, firm = places.chance[:, side], places.firm[:, side]
        error = np.sqrt((chance * (1 - chance)).sum()) / len(chance)
        found.append((name, float(chance.mean()), float(firm.mean()), float((firm.mean() - chance.mean()) / error)))
    return found


def _mean(values: np.ndarray) -> tuple[float, float]:
    return float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))
