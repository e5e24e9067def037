"""The signaling game with priors: draws from the posterior of coefficients, and of groups of games (`density`).

The likelihood is the exact one. Where a game has several equilibria, `selection` says which counts: `likely` is the
likelihood's upper envelope, game by game; `mixture` a probability model of what is played, and the one to prefer in a
Bayesian analysis; `smallest` and `largest` are rules.

First the modes are looked for, and how much of the mass each carries (`modes`). Chains begin around them, in proportion
to the mass, at draws from a normal wider than the posterior there, and go on by NUTS (`chains`). R-hat, effective sizes
and divergences (numpyro.diagnostics) decide the status. Modes that may carry more than `TOLD` of the mass and that no
chain visits are told: draws do not weigh modes that no chain crosses. Some draws are compared with the enumeration of
all equilibria (`equilibria`), since the sampler's own search may lose roots that nearly meet.

A formula file may hold

    bayes: {group: region, payoffs: [SA, barWB], draws: 1000, warmup: 500, chains: 4, constant: 2.5, slope: 2.5}
"""

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from standoff.estimate.chains import DEPTH, Chains, run_chains
from standoff.estimate.density import Model, Sampling, model, read_options
from standoff.estimate.estimation import BAYES
from standoff.estimate.fit import CONVERGED, NOT_CONVERGED, Fit, Progress
from standoff.estimate.formulas import PAYOFFS, Design
from standoff.estimate.likelihood import Exact, Terms
from standoff.estimate.modes import Mode, find_modes, shared
from standoff.estimate.search import IMPOSSIBLE

if TYPE_CHECKING:
    from standoff.estimate.estimation import Settings

RHAT, LEAST, DIVERGENT = 1.01, 400.0, 0.005
"""Largest R-hat, least effective draws, and largest share of divergences of a posterior that may be used."""
TOLD, LOST = 0.01, 0.1
"""Share of the mass from which a mode is told that no chain visits, and the most that such modes may have in all."""
CHECKED = 60
"""Draws that are compared with the enumeration of all equilibria."""
TOLERANCE = 1e-5
"""Log-likelihoods that differ by less are the same."""


def missed(mode: Mode, modes: list[Mode], highest: float) -> str:
    """What a mode that no chain visits means, in a sentence; `highest`: the highest log density of a draw."""
    if highest > max(one.level for one in modes):
        return (
            f"The search for modes ended below where the chains have been (log density {mode.level:.1f}; a draw has "
            f"{highest:.1f}): the density has steps, and where the chains began says nothing of where the mass is."
        )
    one = (
        f"A mode with about {mode.weight:.0%} of the mass, judged by its curvature, is visited by no chain (log density"
    )
    if len(modes) == 1:
        return f"{one} {mode.level:.1f}; the highest of a draw is {highest:.1f}). Draw more, or more chains."
    return f"{one} {mode.level:.1f}; the mode of most mass has {modes[0].level:.1f}). Draw more chains."


@dataclass(frozen=True, eq=False)
class Posterior:
    """Draws of a posterior.

    `modes`: all that were found, that of most mass first; `chains`: draws in the coordinates of `walk` and what is kept
    of each step; `q` [chain, draw, number]: standardised draws; `values` [chain, draw, name]: what is reported; `rhat`,
    `ess` [name]; `exact`: largest difference of log-likelihood from that of all equilibria among the draws that were
    compared, and how many differ.
    """

    density: Model
    modes: list[Mode]
    chains: Chains
    q: np.ndarray
    values: np.ndarray
    rhat: np.ndarray
    ess: np.ndarray
    exact: tuple[float, int]
    sampling: Sampling

    def unvisited(self) -> list[Mode]:
        """Modes with more than `TOLD` of the mass to which no draw comes near."""
        near = self.density.size + 3 * np.sqrt(2 * self.density.size)
        return [mode for mode in self.modes if mode.weight > TOLD and not (mode.far(self.chains.y) < near).any()]

    def effects(self) -> np.ndarray:
        """Effects of groups on payoffs [chain, draw, group, payoff]."""
        many, groups = len(self.density.varying), len(self.density.groups)
        first = len(self.density.names)
        u = self.q[..., first:].reshape(*self.q.shape[:2], groups, many)
        return np.asarray(u * np.exp(self.q[..., first - many : first])[:, :, None, :])

    def tree(self) -> xr.DataTree:
        """Groups as ArviZ has them: posterior, sample_stats, log_likelihood, observed_data."""
        density = self.density
        chain, draw = np.arange(self.q.shape[0]), np.arange(self.q.shape[1])
        coords: dict[str, Any] = {"chain": chain, "draw": draw}
        posterior = xr.Dataset(
            {"coefficient": (("chain", "draw", "name"), self.values)}, coords | {"name": list(density.names)}
        )
        if density.groups:
            posterior = posterior.assign_coords(
                group=list(density.groups), payoff=[PAYOFFS[k] for k in density.varying]
            ).assign(group_effect=(("chain", "draw", "group", "payoff"), self.effects()))
        each = jax.jit(lambda q: jax.lax.map(density.each, q))
        flat = np.asarray(each(jnp.asarray(self.q.reshape(-1, density.size))))
        games = {"game": density.design.rows}
        logs = flat.reshape(*self.q.shape[:2], -1)
        stats = {name: (("chain", "draw"), value) for name, value in self.chains.stats.items()}
        names = {"name": list(density.names)}
        told = xr.Dataset({"r_hat": ("name", self.rhat), "ess": ("name", self.ess)}, names)
        return xr.DataTree.from_dict({
            "posterior": posterior,
            "sample_stats": xr.Dataset(stats, coords),
            "log_likelihood": xr.Dataset({"counts": (("chain", "draw", "game"), logs)}, coords | games),
            "observed_data": xr.Dataset(
                {"counts": (("game", "outcome"), density.design.counts)}, games | {"outcome": ["sq", "cd", "sf", "bd"]}
            ),
            "diagnostics": told,
        })  # fmt: skip

    def warnings(self) -> tuple[bool, tuple[str, ...]]:
        """Whether the draws may be used, and what is to be known of them."""
        said, names = [], self.density.names
        poor = [n for n, r in zip(names, self.rhat, strict=True) if not r <= RHAT]
        thin = [n for n, e in zip(names, self.ess, strict=True) if not e >= LEAST]
        diverging = float(self.chains.stats["diverging"].mean())
        if poor:
            said.append(
                f"The chains do not agree on {_listed(poor)}: R-hat is up to {np.nanmax(self.rhat):.3f}, and at most "
                f"{RHAT} is asked for."
            )
            level = self.chains.stats["lp"].mean(axis=1)
            spread = self.chains.stats["lp"].std(axis=1).mean()
            if np.ptp(level) > 3 * spread:
                told = ", ".join(f"{x:.1f}" for x in level)
                said.append(
                    f"They stay in different places: mean log density by chain {told}. There may be several modes, "
                    "whose weights these draws do not tell."
                )
        for mode in (lost := self.unvisited()):
            said.append(missed(mode, self.modes, float(self.chains.stats["lp"].max())))
        if thin:
            said.append(
                f"Few draws count for {_listed(thin)}: {np.nanmin(self.ess):.0f} at the least, and {LEAST:.0f} are "
                "asked for."
            )
        if diverging > 0:
            said.append(f"{diverging:.2%} of the draws diverged: the posterior has corners that may be left out.")
        if (cut := self.chains.longest) > 0:
            said.append(
                f"{cut:.2%} of the paths were cut at {2**DEPTH - 1} steps: the posterior is far from normal, and its "
                "draws hang together. Draw more, or give narrower priors."
            )
        gap, many = self.exact
        if many:
            said.append(
                f"In {many} of the draws that were compared with all equilibria the log-likelihood differs, by up to "
                f"{gap:.2g}: games in which equilibria nearly meet."
            )
        if self.density.selection == "likely":
            said.append(
                "Where a game has several equilibria, its likeliest counts (selection likely). `--selection mixture` "
                "has a probability for each."
            )
        good = not poor and not thin and diverging <= DIVERGENT and many <= 0.1 * CHECKED
        good = good and sum(mode.weight for mode in lost) <= LOST
        return good, tuple(said)


def _listed(names: list[str]) -> str:
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")


def sample(
    design: Design, how: "Settings", sampling: Sampling | None = None, *,
    progress: Progress = lambda stage, share: None,
) -> Posterior:  # fmt: skip
    """Draw from the posterior of the signaling game.

    Args:
        design: Games and formulas.
        how: `selection`, `given_challenge`, `seed`; `penalty`, if any, is the prior's sd of all coefficients.
        sampling: Draws, groups and priors; none, what the formula file says under `bayes`.
        progress: Told the stage and the share done.
    """
    if sampling is None:
        sampling = read_options(design.formulas.options.get(BAYES) if design.formulas is not None else None)
    density = model(design, how, sampling)
    place, modes = find_modes(density, how, np.random.default_rng(how.seed), progress)
    chains = run_chains(place, [modes[k] for k in shared(modes, sampling.chains)], sampling, how.seed, progress)
    progress("comparing with all equilibria", 0.96)
    q = place.models(chains.y)
    return _gathered(density, modes, chains, q, sampling)


def _gathered(density: Model, modes: list[Mode], chains: Chains, q: np.ndarray, sampling: Sampling) -> Posterior:
    from numpyro.diagnostics import effective_sample_size, split_gelman_rubin  # type: ignore[import-untyped]

    values = np.stack([density.told(chain) for chain in q])
    with np.errstate(all="ignore"):
        rhat = np.array([float(split_gelman_rubin(values[..., k])) for k in range(values.shape[-1])])
        ess = np.array([max(float(effective_sample_size(values[..., k])), 0.0) for k in range(values.shape[-1])])
    exact = compared(density, q)
    return Posterior(density, modes, chains, q, values, rhat, ess, exact, sampling)


def compared(density: Model, q: np.ndarray) -> tuple[float, int]:
    """Largest difference from the log-likelihood over all equilibria among some draws, and how many of them differ."""
    flat = q.reshape(-1, q.shape[-1])
    some = flat[np.unique(np.linspace(0, len(flat) - 1, CHECKED).round().astype(int))]
    each = jax.jit(density.each)
    payoffs = jax.jit(partial(density.payoffs, blocks=tuple(jnp.asarray(b) for b in density.design.blocks)))
    gaps = []
    for x in some:
        mixing = density.split(jnp.asarray(x))[1]
        exact = _terms(density, np.asarray(payoffs(jnp.asarray(x))), None if mixing is None else np.asarray(mixing))
        gaps.append(abs(float(each(jnp.asarray(x)).sum()) - _level(exact)))
    return max(gaps), int((np.array(gaps) > TOLERANCE).sum())


def _terms(density: Model, payoffs: np.ndarray, mixing: np.ndarray | None) -> Terms:
    """Log-likelihood of each game over all equilibria, enumerated with certainty."""
    exact = Exact(np.asarray(density.design.counts, dtype=float), density.selection, density.given_challenge)
    return exact.terms(payoffs, mixing, hessian=False)


def _level(terms: Terms) -> float:
    """Log-likelihood of all games, impossible ones as the sampler has them."""
    return float(np.maximum(terms.value, IMPOSSIBLE).sum())


def posterior(
    design: Design, how: "Settings", *, progress: Progress = lambda stage, share: None,
    sampling: Sampling | None = None,
) -> Fit:  # fmt: skip
    """The posterior as a fit: means and covariance of the draws, and the draws (see `sample`)."""
    return as_fit(sample(design, how, sampling, progress=progress), how)


def as_fit(found: Posterior, how: "Settings") -> Fit:
    """A fit of the draws."""
    from standoff.estimate.played import Chances, equilibria_told, play

    density, design = found.density, found.density.design
    draws = found.values.reshape(-1, len(density.names))
    mean = draws.mean(axis=0)
    k = len(design.names)
    shares = None
    if density.selection == "mixture":
        odds = np.exp(np.concatenate([np.zeros((len(draws), 1)), draws[:, k : k + 2]], axis=1))
        shares = (odds / odds.sum(axis=1, keepdims=True)).mean(axis=0)
    payoffs = design.payoffs(mean[:k])
    played = play(payoffs, density.selection, design.counts, shares)
    terms = _terms(density, payoffs, mean[k : k + 2] if density.selection == "mixture" else None)
    good, warnings = found.warnings()
    if density.groups:
        warnings += ("Log-likelihood and predictions are of the typical group, all group effects being 0.",)
    told = equilibria_told(played)
    if shares is not None:
        told["shares"] = dict(zip(("smallest", "middle", "largest"), shares.tolist(), strict=True))
    sampling = found.sampling
    return Fit(
        "signaling", "bayes", density.names, mean, np.atleast_2d(np.cov(draws, rowvar=False)), _level(terms),
        len(design), CONVERGED if good else NOT_CONVERGED, warnings, told, design=design,
        observations=int(np.nansum(design.counts)), covariance_kind="of the posterior's draws",
        selection=density.selection, probabilities=Chances(density.selection, design.mark, terms.probit, shares),
        draws=draws,
        options={
            "seed": how.seed, "given_challenge": how.given_challenge, "chains": sampling.chains,
            "draws": sampling.draws, "warmup": sampling.warmup, "priors": vars(sampling.priors),
            "group": sampling.group, "payoffs": list(sampling.payoffs), "largest_rhat": float(np.nanmax(found.rhat)),
            "least_ess": float(np.nanmin(found.ess)),
            "modes": [[mode.level, mode.weight] for mode in found.modes],
            "divergences": int(found.chains.stats["diverging"].sum()),
        },
    )  # fmt: skip
