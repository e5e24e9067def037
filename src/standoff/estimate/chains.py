"""Chains of draws from a posterior of the signaling game, by NUTS (Hoffman & Gelman 2014; numpyro).

A chain belongs to a mode and walks over z, with q = mode + root z, in which the posterior about that mode is close to
standard normal: payoffs can be a thousand times better known along one direction than along another. So few steps of
adaptation are needed. It begins at a draw from `WIDE` times that spread. Everything that differs by chain is an
argument of what is compiled, once for all.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from standoff.estimate.density import Sampling
from standoff.estimate.fit import Progress
from standoff.estimate.modes import Mode
from standoff.estimate.walk import Walk

WIDE = 2.0
"""Spread of the points where chains begin, in units of the posterior's at the mode."""
DEPTH = 8
"""Doublings of a path at most: 255 steps."""
ACCEPTANCE = 0.9
WALL = 1e5
"""By how much a log density may fall short of the mode's: beyond, the square of its slope is no number any more, and a
path that ends there seems to have gained energy."""
BLOCK = 20
"""Draws between two reports of progress."""
TRIES, STEEP = 30, 60.0
"""Tries for a point to begin at, and by how much more than a normal its log density may fall short of the mode's."""
FIELDS = {"diverging": "diverging", "potential_energy": "lp", "num_steps": "n_steps", "accept_prob": "acceptance_rate"}
"""What is kept of each step, and what ArviZ calls it."""


@dataclass(frozen=True, eq=False)
class Chains:
    """Draws `y` [chain, draw, number] in the coordinates of `walk`, and `stats` [chain, draw] by ArviZ's names."""

    y: np.ndarray
    stats: dict[str, np.ndarray]

    @property
    def longest(self) -> float:
        """Share of the draws whose path was cut at `DEPTH` doublings."""
        return float((self.stats["n_steps"] >= 2**DEPTH - 1).mean())


def run_chains(
    density: Walk, modes: list[Mode], sampling: Sampling, seed: int, progress: Progress = lambda stage, share: None
) -> Chains:
    """Draw.

    Args:
        density: The posterior's density, in the coordinates of `walk`.
        modes: That of each chain.
        sampling: Draws and warmup.
        seed: Of everything that is random.
        progress: Told the stage and the share done.
    """
    from numpyro.infer.hmc import hmc  # type: ignore[import-untyped]

    data = density.density.data()

    def potential(centre: jax.Array, root: jax.Array, top: jax.Array) -> Callable[[jax.Array], jax.Array]:
        return lambda z: jnp.minimum(density.potential(centre + root @ z, data), top)

    begin, step = hmc(potential_fn_gen=potential, algo="NUTS")

    def block(state: Any, *place: jax.Array) -> tuple[Any, dict[str, jax.Array]]:  # noqa: ANN401 (of numpyro)
        def one(state: Any, _: None) -> tuple[Any, dict[str, jax.Array]]:  # noqa: ANN401
            new = step(state, place)
            return new, {"z": new.z} | {name: getattr(new, name) for name in FIELDS}

        return jax.lax.scan(one, state, None, length=BLOCK)

    compiled = jax.jit(block)
    level = jax.jit(density.potential)
    rng = np.random.default_rng([seed, len(modes)])
    blocks = -(-(sampling.warmup + sampling.draws) // BLOCK)
    drawn, kept = [], []
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):  # numpyro mixes types
        for chain, (mode, key) in enumerate(
            zip(modes, jax.random.split(jax.random.key(seed), len(modes)), strict=True)
        ):
            place = jnp.asarray(mode.point), jnp.asarray(mode.root), jnp.asarray(WALL - mode.level)
            z = _begin(mode, lambda q: float(level(jnp.asarray(q), data)), rng)
            state = begin(
                jnp.asarray(z), sampling.warmup, step_size=0.5, dense_mass=True, target_accept_prob=ACCEPTANCE,
                max_tree_depth=DEPTH, model_args=place, rng_key=key,
            )  # fmt: skip
            parts = []
            for k in range(blocks):
                progress(f"chain {chain + 1} of {len(modes)}", 0.1 + 0.85 * (chain + k / blocks) / len(modes))
                state, told = compiled(state, *place)
                parts.append({name: np.asarray(value) for name, value in told.items()})
            whole = {
                name: np.concatenate([part[name] for part in parts])[sampling.warmup :][: sampling.draws]
                for name in parts[0]
            }
            drawn.append(mode.point + whole["z"] @ mode.root.T)
            kept.append(whole)
    stats = {FIELDS[name]: np.stack([one[name] for one in kept]).astype(float) for name in FIELDS}
    stats["lp"] = -stats["lp"]
    return Chains(np.stack(drawn), stats)


def _begin(mode: Mode, level: Callable[[np.ndarray], float], rng: np.random.Generator) -> np.ndarray:
    """A point about a mode, from a normal of `WIDE` times its spread, that is not off a cliff of the likelihood."""
    many = len(mode.point)
    for _ in range(TRIES):
        z = WIDE * rng.normal(size=many)
        if level(mode.point + mode.root @ z) < -mode.level + STEEP + z @ z / 2:
            return np.asarray(z)
    return np.zeros(many)
