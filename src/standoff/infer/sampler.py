"""Draws of the inferred numbers, weighted by the record: adaptive multiple importance sampling.

A draw is a point u of the unit cube of prior quantiles, or z = Φ⁻¹(u), so that the prior of z is standard normal. With
φ its density, L_n(z) the likelihood of the first n rounds of the record, and N_j draws from proposal q_j at stage j,

    w_n(z) = φ(z) L_n(z) / Σ_j (N_j / N) q_j(z)

(deterministic mixture: Owen & Zhou 2000, J. Am. Stat. Assoc. 95:135-143; adaptation: Cornuet, Marin, Mira & Robert
2012, Scand. J. Stat. 39:798-812). All draws are kept, and weighted anew at every stage. One bank of draws gives the
posterior after every round, since L_n is known round by round.

Stage 0 is the prior. Every later proposal holds at least `PRIOR_SHARE` of the prior, which bounds all weights, and
mixtures of Student's t fitted to the weighted draws: of the last round, and of the two rounds that are served worst.
A fit has up to `MODES` components, so that several modes survive, and is made to a tempered posterior where the
weights are so uneven that a fit to them would follow single draws.

Draws are scrambled Sobol' points, `CHAINS` sequences of their own that take turns: draw i belongs to chain i modulo
`CHAINS`, and what chains say of the same number can be compared (`diagnose`). The numbers depend on seed, draws,
batch and stages alone; the likelihood may work at a batch with as many workers as it likes.
"""

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import special  # type: ignore[import-untyped]
from scipy.stats import qmc  # type: ignore[import-untyped]

from standoff.errors import Failure, UserError
from standoff.infer.mixture import Component, fit

Likelihood = Callable[[np.ndarray], np.ndarray]
"""From draws u (axes draw, parameter; within 0 and 1) to increments of the log-likelihood (axes draw, round)."""
Progress = Callable[[str, float], None]
"""Told the stage in words and the share of all draws that is done."""
CHAINS = 4
STAGES = 6
FIRST_SHARE = 0.25
"""Share of all draws that stage 0 takes from the prior."""
PRIOR_SHARE = 0.2
LAST_SHARE = 0.5
"""Shares of a later stage that come from the prior, and from the fit to the last round; the rest serves others."""
OTHERS = 2
"""Rounds before the last that a stage serves."""
LEAST = 0.1
"""Share of the draws that must count (effectively) in what a proposal is fitted to; tempered until they do."""
DIGITS = 9
"""Digits of z that are kept: sums may differ in the last bit from run to run, and draws must not."""
EDGE = 7.0
"""Draws beyond this many prior standard deviations have no weight (prior mass 3e-12 for each number)."""


@dataclass(frozen=True, eq=False)
class Bank:
    """Draws with all that is needed to weigh them.

    `u`: quantiles of the prior (draw, parameter); `increments`: log-likelihood by round (draw, round); `log_ratio`:
    log of prior density over that of the mixture of all proposals (draw); `stage`: at which a draw was made (draw).
    """

    u: np.ndarray
    increments: np.ndarray
    log_ratio: np.ndarray
    stage: np.ndarray

    @property
    def z(self) -> np.ndarray:
        """Draws on the scale on which each prior is standard normal."""
        return np.asarray(special.ndtri(self.u))

    @property
    def rounds(self) -> int:
        """Rounds on record."""
        return int(self.increments.shape[1])

    @property
    def chain(self) -> np.ndarray:
        """Chain of each draw."""
        return np.arange(len(self.u)) % CHAINS

    def log_likelihood(self, rounds: int | None = None) -> np.ndarray:
        """Of the first `rounds` rounds of the record (all by default), by draw."""
        return np.asarray(self.increments[:, : self.rounds if rounds is None else rounds].sum(axis=1))

    def log_unnormalised(
        self, rounds: int | None = None, *, prior_power: float = 1.0, likelihood_power: float = 1.0
    ) -> np.ndarray:
        """Log of prior^a × likelihood^b over the mixture of proposals; the prior as a density of z."""
        found = self.log_ratio + (prior_power - 1) * -0.5 * (self.z**2).sum(axis=1)
        if likelihood_power and rounds != 0:
            found = found + likelihood_power * self.log_likelihood(rounds)
        return np.asarray(found)

    def log_weights(
        self, rounds: int | None = None, *, prior_power: float = 1.0, likelihood_power: float = 1.0
    ) -> np.ndarray:
        """Normalised log weights of the draws after so many rounds.

        Args:
            rounds: Rounds of the record that count; none given, all; 0, the prior.
            prior_power: Power of the prior's density (of z).
            likelihood_power: Power of the likelihood.

        Returns:
            Log weights whose exponentials sum to 1.

        Raises:
            Failure: the record is impossible at every draw.
        """
        raw = self.log_unnormalised(rounds, prior_power=prior_power, likelihood_power=likelihood_power)
        total = special.logsumexp(raw)
        if not np.isfinite(total):
            when = "the record" if rounds is None else f"the record of the first {rounds} rounds"
            raise Failure(f"Under each of the {len(raw)} draws {when} is impossible. Check its moves, or widen priors.")
        return np.asarray(raw - total)


def effective(log_weights: np.ndarray) -> float:
    """Effective number of draws, 1 / Σ w² (Kish)."""
    weight = np.exp(log_weights - special.logsumexp(log_weights))
    return float(1 / (weight**2).sum())


def evidence(bank: Bank, rounds: int | None = None) -> tuple[float, float]:
    """Log marginal likelihood of the first `rounds` rounds, and its Monte Carlo standard error.

    The error is √(1/ESS - 1/N), that of independent draws from the mixture (strata and Sobol' points make it smaller).
    """
    raw = bank.log_unnormalised(rounds)
    value = float(special.logsumexp(raw) - np.log(len(raw)))
    if not np.isfinite(value):
        return value, float("nan")
    return value, float(np.sqrt(max(1 / effective(raw) - 1 / len(raw), 0.0)))


def sample(
    likelihood: Likelihood,
    dim: int,
    *,
    draws: int,
    seed: int,
    batch: int = 32,
    stages: int = STAGES,
    progress: Progress = lambda stage, share: None,
    keep: Path | None = None,
    name: str = "",
) -> Bank:
    """Draw from the posterior after every round of a record.

    Args:
        likelihood: Log-likelihood increments by round of a batch of draws. Minus infinity says that the record is
            impossible from that round on.
        dim: Numbers that are inferred.
        draws: Draws in all; each takes one evaluation of the likelihood.
        seed: Of all draws.
        batch: Draws handed to the likelihood together.
        stages: Stages, the first of which is the prior.
        progress: Told the stage and the share that is done.
        keep: A folder for finished batches; one found there is not computed again.
        name: What the likelihood depends on, in one word; with the draws themselves it is the key of a kept batch.

    Returns:
        All draws with what weighs them.

    Raises:
        UserError: no numbers, or fewer draws than `CHAINS` for each stage.
        Failure: a log-likelihood that is not a number or plus infinity, or a record impossible at every draw.
    """
    if dim < 1 or stages < 1 or draws < CHAINS * stages:
        raise UserError(
            f"{dim} numbers, {draws} draws in {stages} stages: give at least 1 number, and {CHAINS} draws a stage."
        )
    z, u, stage = np.empty((0, dim)), np.empty((0, dim)), np.empty(0, int)
    increments = np.empty((0, 0))
    proposals: list[list[tuple[int, Component]]] = []
    for k, count in enumerate(_counts(draws, stages, batch)):
        shares = _proposal(_bank(z, u, increments, stage, proposals), seed, k) if k else [(1.0, _prior(dim))]
        parts = _parts(count, shares)
        proposals.append(parts)
        fresh = _draw(parts, dim, seed, k, len(z))
        cube = np.asarray(special.ndtr(np.clip(fresh, -EDGE, EDGE)))
        told = f"stage {k + 1} of {stages}"
        rows = []
        for begin in range(0, count, batch):
            progress(told, (len(z) + begin) / draws)
            rows.append(_evaluated(likelihood, cube[begin : begin + batch], keep, name))
        found = np.concatenate(rows)
        increments = found if k == 0 else np.concatenate([increments, found])
        z, u = np.concatenate([z, fresh]), np.concatenate([u, cube])
        stage = np.concatenate([stage, np.full(count, k)])
    progress("done", 1.0)
    bank = _bank(z, u, increments, stage, proposals)
    bank.log_weights()  # refuses a record that is impossible throughout
    return bank


def _counts(draws: int, stages: int, batch: int) -> list[int]:
    """Draws by stage: whole batches where that is possible, else whole turns of the chains; the last takes the rest."""
    if stages == 1:
        return [draws]
    share = [FIRST_SHARE] + [(1 - FIRST_SHARE) / (stages - 1)] * (stages - 1)
    unit = batch if draws >= 2 * batch * stages and batch % CHAINS == 0 else CHAINS
    found = [max(round(draws * part / unit), 1) * unit for part in share[:-1]]
    while sum(found) > draws - CHAINS:
        found[int(np.argmax(found))] -= CHAINS
    return [*found, draws - sum(found)]


def _prior(dim: int) -> Component:
    return Component(np.zeros(dim), np.eye(dim), None)


def _bank(
    z: np.ndarray, u: np.ndarray, increments: np.ndarray, stage: np.ndarray,
    proposals: Sequence[Sequence[tuple[int, Component]]],
) -> Bank:  # fmt: skip
    """All draws so far, weighed against the mixture of all proposals so far."""
    every = [part for parts in proposals for part in parts]
    merged = [(sum(n for n, c in every if c.is_prior), _prior(z.shape[1]))]
    merged += [(n, c) for n, c in every if not c.is_prior]
    level = np.stack([np.log(n / len(z)) + c.log_density(z) for n, c in merged])
    ratio = _prior(z.shape[1]).log_density(z) - special.logsumexp(level, axis=0)
    return Bank(u, increments, np.where((np.abs(z) < EDGE).all(axis=1), ratio, -np.inf), stage)


def _proposal(bank: Bank, seed: int, stage: int) -> list[tuple[float, Component]]:
    """Shares and components of the next stage, from the draws so far."""
    dim = bank.u.shape[1]
    targets = [(LAST_SHARE, bank.rounds)]
    sizes = {n: effective(raw) for n in range(1, bank.rounds) if _possible(raw := bank.log_unnormalised(n))}
    worst = sorted(sizes, key=lambda n: sizes[n])[:OTHERS]
    targets += [((1 - PRIOR_SHARE - LAST_SHARE) / len(worst), n) for n in worst]
    found = [(PRIOR_SHARE, _prior(dim))]
    for share, n in targets:
        likelihood = bank.log_likelihood(n)
        if not _possible(bank.log_ratio + likelihood):
            continue
        log_weight = _tempered(bank, likelihood)
        rng = np.random.default_rng(np.random.SeedSequence([seed, stage, n]))
        found += [(share * part, each) for part, each in fit(bank.z, log_weight, rng)]
    total = sum(share for share, _ in found)
    return [(share / total, each) for share, each in found]


def _possible(raw: np.ndarray) -> bool:
    return bool(np.isfinite(raw).any())


def _tempered(bank: Bank, likelihood: np.ndarray) -> np.ndarray:
    """Normalised log weights under the largest power of the likelihood up to 1 at which enough draws count."""
    least = max(LEAST * len(likelihood), 4.0 * bank.u.shape[1])
    finite = np.isfinite(likelihood)

    def weights(power: float) -> np.ndarray:
        raw = np.where(finite, bank.log_ratio + power * np.where(finite, likelihood, 0.0), -np.inf)
        return np.asarray(raw - special.logsumexp(raw))

    low, high = 0.0, 1.0
    if effective(weights(1.0)) >= least:
        return weights(1.0)
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (middle, high) if effective(weights(middle)) >= least else (low, middle)
    return weights(low)


def _parts(count: int, shares: Sequence[tuple[float, Component]]) -> list[tuple[int, Component]]:
    """Whole draws of each component by largest remainder."""
    exact = np.array([share for share, _ in shares]) * count
    whole = np.floor(exact).astype(int)
    for i in np.argsort(-(exact - whole), kind="stable")[: count - whole.sum()]:
        whole[i] += 1
    return [(int(n), each) for n, (_, each) in zip(whole, shares, strict=True) if n]


def _draw(parts: Sequence[tuple[int, Component]], dim: int, seed: int, stage: int, begin: int) -> np.ndarray:
    """Draws of a stage, each chain from a Sobol' sequence of its own, components shuffled among the chains."""
    count = sum(n for n, _ in parts)
    order = np.repeat(np.arange(len(parts)), [n for n, _ in parts])
    rng = np.random.default_rng(np.random.SeedSequence([seed, stage, 7]))
    order = _dealt(order, rng)
    chain = (begin + np.arange(count)) % CHAINS
    found = np.empty((count, dim))
    for c in range(CHAINS):
        mine = np.flatnonzero(chain == c)
        points = _sobol(len(mine), dim + 1, np.random.SeedSequence([seed, stage, 11, c]))
        for k, (_, component) in enumerate(parts):
            here = np.flatnonzero(order[mine] == k)
            found[mine[here]] = component.at(points[here])
    return np.round(found, DIGITS)


def _dealt(order: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Components dealt to the chains in turn, so that each has its share; then shuffled within every chain."""
    found = order.copy()
    for c in range(CHAINS):
        found[c::CHAINS] = rng.permutation(found[c::CHAINS])
    return found


def _sobol(count: int, dim: int, seed: np.random.SeedSequence) -> np.ndarray:
    """Scrambled Sobol' points strictly within the cube; the first `count` of a power of 2."""
    if not count:
        return np.empty((0, dim))
    engine = qmc.Sobol(dim, scramble=True, rng=np.random.default_rng(seed))
    points = engine.random_base2(max(int(count - 1).bit_length(), 0))[:count]
    return np.asarray(np.clip(points, 2.0**-33, 1 - 2.0**-33))


def _evaluated(likelihood: Likelihood, u: np.ndarray, keep: Path | None, name: str) -> np.ndarray:
    """Increments of a batch, from the folder of kept ones where it is there."""
    file = None if keep is None else keep / f"batch-{_key(name, u)}.npz"
    if file is not None and file.exists():
        with np.load(file) as stored:
            if np.array_equal(stored["u"], u):
                return np.asarray(stored["increments"])
    found = np.array(likelihood(u), dtype=float)
    if found.ndim != 2 or len(found) != len(u):
        raise Failure(f"The likelihood gave the shape {found.shape} for {len(u)} draws; expected draw and round.")
    for row in found:  # what follows an impossible round cannot make it possible
        first = np.flatnonzero(np.isneginf(row))[:1]
        for at in first:
            row[at + 1 :] = 0.0
    wrong = np.argwhere(np.isnan(found) | np.isposinf(found))
    if len(wrong):
        draw, at = wrong[0]
        raise Failure(
            f"The log-likelihood of round {at + 1} is {found[draw, at]} at quantiles {np.round(u[draw], 3).tolist()} "
            f"({len(wrong)} such values in this batch). Look at that draw's games: a payoff or a chance is not finite."
        )
    if file is not None:
        _save(file, u, found)
    return found


def _key(name: str, u: np.ndarray) -> str:
    return hashlib.sha256(name.encode() + b"\0" + np.ascontiguousarray(u).tobytes()).hexdigest()[:24]


def _save(file: Path, u: np.ndarray, increments: np.ndarray) -> None:
    """Write a batch whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    work = file.with_suffix(f".{os.getpid()}.part")
    with work.open("wb") as stream:
        np.savez(stream, u=u, increments=increments)
    work.replace(file)


def chains(bank: Bank) -> Iterator[np.ndarray]:
    """Indices of the draws of each chain."""
    for c in range(min(CHAINS, len(bank.u))):
        yield np.flatnonzero(bank.chain == c)
