"""The signaling game with priors: draws from the posterior of coefficients, and of groups of games (`density`).

The likelihood is the exact one. Where a game has several equilibria, `selection` says which counts: `likely` is the
likelihood's upper envelope, game by game; `mixture` a probability model of what is played, and the one to prefer in a
Bayesian analysis; `smallest` and `largest` are rules.

Draws are by NUTS (Hoffman & Gelman 2014, J. Mach. Learn. Res. 15:1593-1623; numpyro) in the coordinates in which the
curvature at the highest mode is the unit matrix: payoffs can be a thousand times better known along one direction than
along another. The first chain begins at that mode, the others by turns about it with `WIDE` times its spread, and at
the mode that is reached from a point drawn from the prior. Chains that stay in different places are told, and then the
status is not `converged`: draws do not weigh modes that no chain crosses. R-hat, effective sizes and divergences
(numpyro.diagnostics) decide the status. Some draws are compared with the enumeration of all equilibria
(`equilibria`), since the sampler's own search may lose roots that nearly meet.

A formula file may hold

    bayes: {group: region, payoffs: [SA, barWB], draws: 1000, warmup: 1000, chains: 4, constant: 2.5, slope: 2.5}
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from scipy import optimize  # type: ignore[import-untyped]

from standoff.errors import UserError
from standoff.estimate.density import Model, Sampling, model, read_options
from standoff.estimate.fit import CONVERGED, NOT_CONVERGED, Fit
from standoff.estimate.formulas import PAYOFFS, Design
from standoff.estimate.likelihood import Exact
from standoff.estimate.search import IMPOSSIBLE

if TYPE_CHECKING:
    from standoff.estimate.estimation import Settings

KEY = "bayes"
"""Key of the formula file."""
RHAT, LEAST, DIVERGENT = 1.01, 400.0, 0.005
"""Largest R-hat, least effective draws, and largest share of divergences of a posterior that may be used."""
WIDE = 3.0
CHECKED = 60
"""Draws that are compared with the enumeration of all equilibria."""
TOLERANCE = 1e-5
"""Log-likelihoods that differ by less are the same."""
WEAK = 5.0
"""Prior sd (in the place of none) with which the exact likelihood is climbed for a start."""
Progress = Callable[[str, float], None]


class _Climb:
    """The potential and its gradient, compiled once, for climbing to modes."""

    def __init__(self, density: Model) -> None:
        self._slope = jax.jit(jax.value_and_grad(density.potential))

    def both(self, q: np.ndarray) -> tuple[float, np.ndarray]:
        """The potential and its gradient; a wall where it is not finite."""
        value, gradient = self._slope(jnp.asarray(q))
        return (float(value), np.nan_to_num(np.asarray(gradient))) if np.isfinite(value) else (1e12, np.zeros_like(q))

    def __call__(self, q: np.ndarray) -> tuple[float, np.ndarray]:
        """The mode that is reached from a point, and the potential there."""
        found = optimize.minimize(self.both, q, jac=True, method="L-BFGS-B", options={"maxiter": 500})
        return float(found.fun), np.asarray(found.x)

    def curvature(self, q: np.ndarray) -> np.ndarray:
        """Second derivatives at a point, made positive definite."""
        rows = [(self.both(q + step)[1] - self.both(q - step)[1]) / 2e-6 for step in 1e-6 * np.eye(len(q))]
        value, axis = np.linalg.eigh((np.array(rows) + np.array(rows).T) / 2)
        return np.asarray((axis * np.clip(value, 0.05, 1e12)) @ axis.T)


def _starts(density: Model, how: "Settings", rng: np.random.Generator, progress: Progress) -> list[np.ndarray]:
    """Points from which a mode is looked for: the exact likelihood's optimum, and one drawn from the prior."""
    from standoff.estimate.maximum import maximise

    found = [_first(density, 0.3 * rng.normal(size=density.size))]
    try:
        best = maximise(
            density.design,  # type: ignore[arg-type, unused-ignore]
            selection=density.selection, given_challenge=density.given_challenge, starts=how.starts,
            seed=how.seed, penalty=how.penalty or WEAK, progress=lambda stage, share: progress(stage, 0.08 * share),
        )  # fmt: skip
    except UserError:
        return found
    q = _first(density, np.zeros(density.size))
    k = len(density.design.names)
    q[:k] = best.theta[:k] / density.unit
    if density.selection == "mixture":
        q[k : k + 2] = np.clip(best.theta[k : k + 2] / density.priors.mixture, -2, 2)
    return [q, *found]


@dataclass(frozen=True, eq=False)
class Posterior:
    """Draws of a posterior.

    `q` [chain, draw, number]: standardised; `values` [chain, draw, name]: what is reported; `stats`: divergences, log
    density, steps and acceptance [chain, draw]; `rhat`, `ess` [name]; `exact`: largest difference of log-likelihood
    from that of all equilibria among the draws that were compared, and how many differ.
    """

    density: Model
    q: np.ndarray
    values: np.ndarray
    stats: dict[str, np.ndarray]
    rhat: np.ndarray
    ess: np.ndarray
    exact: tuple[float, int]
    sampling: Sampling

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
        stats = {name: (("chain", "draw"), value) for name, value in self.stats.items()}
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
        diverging = float(self.stats["diverging"].mean())
        if poor:
            said.append(
                f"The chains do not agree on {_listed(poor)}: R-hat is up to {np.nanmax(self.rhat):.3f}, and at most "
                f"{RHAT} is asked for."
            )
            level = self.stats["lp"].mean(axis=1)
            spread = self.stats["lp"].std(axis=1).mean()
            if np.ptp(level) > 3 * spread:
                told = ", ".join(f"{x:.1f}" for x in level)
                said.append(
                    f"They stay in different places: mean log density by chain {told}. There may be several modes, "
                    "whose weights these draws do not tell."
                )
        if thin:
            said.append(
                f"Few draws count for {_listed(thin)}: {np.nanmin(self.ess):.0f} at the least, and {LEAST:.0f} are "
                "asked for."
            )
        if diverging > 0:
            said.append(f"{diverging:.2%} of the draws diverged: the posterior has corners that may be left out.")
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
        sampling = read_options(design.formulas.options.get(KEY) if design.formulas is not None else None)
    density = model(design, how, sampling)
    rng = np.random.default_rng(how.seed)
    climb = _Climb(density)
    mode = min((climb(q) for q in _starts(density, how, rng, progress)), key=lambda one: one[0])[1]
    root = np.linalg.inv(np.linalg.cholesky(climb.curvature(mode))).T
    begins = [np.zeros(density.size)]
    for k in range(1, sampling.chains):
        if k % 2:
            begins.append(WIDE * rng.normal(size=density.size))
        else:
            other = climb(_first(density, 0.5 * rng.normal(size=density.size)))[1]
            begins.append(np.linalg.solve(root, other - mode) + rng.normal(size=density.size))
    drawn, stats = _chains(density, mode, root, begins, sampling, how.seed, progress)
    progress("comparing with all equilibria", 0.96)
    return _gathered(density, drawn, stats, sampling)


FIELDS = {"diverging": "diverging", "potential_energy": "lp", "num_steps": "n_steps", "accept_prob": "acceptance_rate"}
"""What is kept of each step, and what ArviZ calls it."""


def _chains(
    density: Model, mode: np.ndarray, root: np.ndarray, begins: list[np.ndarray], sampling: Sampling, seed: int,
    progress: Progress,
) -> tuple[np.ndarray, dict[str, np.ndarray]]:  # fmt: skip
    """Draws [chain, draw, number] by NUTS, and what is kept of each step [chain, draw]; compiled once for all.

    Chains walk over z with q = mode + root z, and begin at `begins`.
    """
    from numpyro.infer import NUTS  # type: ignore[import-untyped]

    centre, turn = jnp.asarray(mode), jnp.asarray(root)
    kernel = NUTS(
        potential_fn=lambda z: density.potential(centre + turn @ z), dense_mass=True, target_accept_prob=0.85,
        max_tree_depth=9,
    )  # fmt: skip
    step = jax.jit(lambda state: kernel.sample(state, (), {}))
    drawn = np.zeros((len(begins), sampling.draws, density.size))
    stats = {name: np.zeros((len(begins), sampling.draws)) for name in FIELDS}
    whole = sampling.warmup + sampling.draws
    for chain, (begin, key) in enumerate(zip(begins, jax.random.split(jax.random.key(seed), len(begins)), strict=True)):
        with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):  # numpyro mixes types
            state = kernel.init(key, sampling.warmup, jnp.asarray(begin), (), {})
            for k in range(whole):
                if k % 20 == 0:
                    share = 0.1 + 0.85 * (chain + k / whole) / len(begins)
                    progress(f"chain {chain + 1} of {len(begins)}", share)
                state = step(state)
                if k >= sampling.warmup:
                    drawn[chain, k - sampling.warmup] = mode + root @ np.asarray(state.z)
                    for name, values in stats.items():
                        values[chain, k - sampling.warmup] = float(getattr(state, name))
    return drawn, {FIELDS[name]: value if name != "potential_energy" else -value for name, value in stats.items()}


def _first(density: Model, q: np.ndarray) -> np.ndarray:
    """A start: σ of the groups begin at a third of their prior."""
    first, many = len(density.names) - len(density.varying), len(density.varying)
    q = q.copy()
    q[first : first + many] += np.log(density.priors.group / 3)
    return q


def _gathered(density: Model, q: np.ndarray, stats: dict[str, np.ndarray], sampling: Sampling) -> Posterior:
    from numpyro.diagnostics import effective_sample_size, split_gelman_rubin  # type: ignore[import-untyped]

    values = np.stack([density.told(chain) for chain in q])
    with np.errstate(all="ignore"):
        rhat = np.array([float(split_gelman_rubin(values[..., k])) for k in range(values.shape[-1])])
        ess = np.array([max(float(effective_sample_size(values[..., k])), 0.0) for k in range(values.shape[-1])])
    return Posterior(density, q, values, stats, rhat, ess, compared(density, q), sampling)


def compared(density: Model, q: np.ndarray) -> tuple[float, int]:
    """Largest difference from the log-likelihood over all equilibria among some draws, and how many of them differ."""
    flat = q.reshape(-1, q.shape[-1])
    some = flat[np.unique(np.linspace(0, len(flat) - 1, CHECKED).round().astype(int))]
    each = jax.jit(density.each)
    payoffs = jax.jit(partial(density.payoffs, blocks=tuple(jnp.asarray(b) for b in density.design.blocks)))
    gaps = []
    for x in some:
        mixing = density.split(jnp.asarray(x))[1]
        exact = _level(density, np.asarray(payoffs(jnp.asarray(x))), None if mixing is None else np.asarray(mixing))
        gaps.append(abs(float(each(jnp.asarray(x)).sum()) - exact))
    return max(gaps), int((np.array(gaps) > TOLERANCE).sum())


def _level(density: Model, payoffs: np.ndarray, mixing: np.ndarray | None) -> float:
    """Log-likelihood over all equilibria, enumerated with certainty."""
    exact = Exact(np.asarray(density.design.counts, dtype=float), density.selection, density.given_challenge)
    return float(np.maximum(exact.value_and_gradient(payoffs, mixing)[0], IMPOSSIBLE).sum())


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
    level = _level(density, payoffs, mean[k : k + 2] if density.selection == "mixture" else None)
    good, warnings = found.warnings()
    if density.groups:
        warnings += ("Log-likelihood and predictions are of the typical group, all group effects being 0.",)
    told = equilibria_told(played)
    if shares is not None:
        told["shares"] = dict(zip(("smallest", "middle", "largest"), shares.tolist(), strict=True))
    sampling = found.sampling
    return Fit(
        "signaling", "bayes", density.names, mean, np.atleast_2d(np.cov(draws, rowvar=False)), level, len(design),
        CONVERGED if good else NOT_CONVERGED, warnings, told, design=design,
        observations=int(np.nansum(design.counts)), covariance_kind="of the posterior's draws",
        selection=density.selection, probabilities=Chances(density.selection, design.mark, played.probit, shares),
        draws=draws,
        options={
            "seed": how.seed, "given_challenge": how.given_challenge, "chains": sampling.chains,
            "draws": sampling.draws, "warmup": sampling.warmup, "priors": vars(sampling.priors),
            "group": sampling.group, "payoffs": list(sampling.payoffs), "largest_rhat": float(np.nanmax(found.rhat)),
            "least_ess": float(np.nanmin(found.ess)), "divergences": int(found.stats["diverging"].sum()),
        },
    )  # fmt: skip
