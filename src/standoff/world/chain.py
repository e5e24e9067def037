"""From the world to chains: how squeeze and cohesion levels move while a rung is held.

A rung is held for the whole horizon on many paths of the economy and the coalition; levels are read at the end of
every round and their changes counted. Squeeze is read off patronage smoothed with the coalition's memory (normal
above 0.85, tight to 0.70, short to 0.55, exhausted below), cohesion off z (firm above 3, strained to 2, cracking
below). The chain given to the game is

    P(s', c' | s, c, rung) = squeeze[rung, s, s'] cohesion[rung, s', c, c'],     removal[rung, c'] a round.

Rows that no path from the norm visits are filled from paths that start depleted (no reserves, patronage already
down); rows that these do not visit either stay where they are. A change never seen has chance 0 exactly. A coarse
chain has memoryless stays, so its law differs from the world's: `distance` is the largest total variation between
the two laws of the squeeze level over the rounds, at the rung where it is worst (house rule: report it; above 0.10
the levels are too coarse to be taken for the economy's timing).
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from standoff.world import coalition as circle
from standoff.world import economy as money
from standoff.world.coalition import CoalitionInput, CoalitionParameters, CoalitionState
from standoff.world.economy import EconomyInput, EconomyParameters, EconomyState

SQUEEZE = ("normal", "tight", "short", "exhausted")
SQUEEZE_EDGES = (0.85, 0.70, 0.55)
COHESION = ("firm", "strained", "cracking")
COHESION_EDGES = (3.0, 2.0)
WEEKS_A_YEAR = 52.0
MEMORY = 1.0 / 8.0
DEPLETED = ((0.3, 0.78), (0.0, 0.62), (0.0, 0.45))  # share of reserves left, smoothed patronage
PRICE_FLOOR, PRICE_CEILING = 0.2, 5.0  # of the starting price: a random walk is not followed beyond


class RungInputs(eqx.Module):
    """What each rung does, by draw; `removal_year` is used where there is no coalition module."""

    quarantine: Float[Array, "rung draw"]  # 0 to 1
    exempt: Float[Array, "rung draw"]  # kb/d
    courts: Float[Array, "rung draw"]  # exposure of the circle, 0 to 1
    threat: Float[Array, "rung draw"]  # 0 to 1
    brent_start: Float[Array, " draw"]  # USD a barrel
    brent_sd: Float[Array, " draw"]  # of the log, weekly
    removal_year: Float[Array, " draw"]  # per year


class Chains(eqx.Module):
    """Chains by draw and rung; see the module's equation. `filled` counts rows filled from depleted starts."""

    squeeze: Float[np.ndarray, "draw rung s s"]
    cohesion: Float[np.ndarray, "draw rung s c c"]
    removal: Float[np.ndarray, "draw rung c"]
    shortage: Float[np.ndarray, "draw rung s"]
    start: Int[np.ndarray, "draw 2"]
    distance: Float[np.ndarray, " draw"]
    filled: int


class Walk(eqx.Module):
    """State of all paths: axes rung-and-path, draw."""

    economy: EconomyState | None
    coalition: CoalitionState | None
    smooth: Float[Array, "path draw"]
    price: Float[Array, "path draw"]


def _expanded(par: EconomyParameters | CoalitionParameters, draws: int) -> EconomyParameters | CoalitionParameters:
    """Parameters with a path axis before the draw axis, so that ranks agree with the paths."""

    def widen(leaf: Array | float) -> Array:
        leaf = jnp.asarray(leaf, dtype=float)
        leaf = jnp.broadcast_to(leaf, (*leaf.shape[:-1], draws)) if leaf.ndim else jnp.full(draws, leaf)
        return leaf[..., None, :]

    return jax.tree.map(widen, par)


def _level(value: Array, edges: tuple[float, ...]) -> Array:
    return sum((value <= edge).astype(jnp.int32) for edge in edges) + jnp.zeros(value.shape, jnp.int32)


def _simulate(
    key: PRNGKeyArray,
    economy: EconomyParameters | None,
    coalition: CoalitionParameters | None,
    inputs: RungInputs,
    begin: Float[Array, "start 2"],
    weeks: int,
    rounds: int,
) -> tuple[Array, Array, Array, Array]:
    """Levels at the end of each round: squeeze, cohesion, chance of removal in the round, shortage."""
    rungs, draws = inputs.quarantine.shape
    starts = begin.shape[0]

    def spread(rows: Array) -> Array:
        return jnp.repeat(rows, starts, axis=0)

    quarantine, exempt = spread(inputs.quarantine), spread(inputs.exempt)
    courts, threat = spread(inputs.courts), spread(inputs.threat)
    shape = quarantine.shape
    left = jnp.tile(begin[:, :1], (rungs, 1)) * jnp.ones(shape)
    smooth = jnp.tile(begin[:, 1:], (rungs, 1)) * jnp.ones(shape)
    e_par = None if economy is None else _expanded(economy, draws)
    c_par = None if coalition is None else _expanded(coalition, draws)
    e_state = None
    if e_par is not None:
        norm = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, shape), money.norm_state(e_par))
        e_state = eqx.tree_at(lambda s: s.reserves, norm, norm.reserves * left)
    c_state = None
    memory = jnp.full((1, draws), MEMORY)
    if c_par is not None:
        c_par = eqx.tree_at(lambda p: p.events, c_par, jnp.zeros((1, draws)))
        memory = c_par.patronage_memory
        norm_c = circle.norm_state(c_par)
        wide = lambda leaf: jnp.broadcast_to(leaf, (*leaf.shape[:-2], *shape))  # noqa: E731
        norm_c = jax.tree.map(wide, norm_c)
        c_state = eqx.tree_at(lambda s: s.patronage, norm_c, norm_c.patronage * smooth[None])
    price = jnp.broadcast_to(inputs.brent_start[None], shape)

    def week(walk: Walk, this: PRNGKeyArray) -> tuple[Walk, tuple[Array, Array]]:
        keys = jax.random.split(this, 3)
        drift = inputs.brent_sd[None]
        step = jnp.exp(drift * jax.random.normal(keys[0], shape) - 0.5 * drift**2)
        first = inputs.brent_start[None]
        now = jnp.clip(walk.price * step, PRICE_FLOOR * first, PRICE_CEILING * first)
        e_next, patronage = walk.economy, jnp.ones(shape)
        if e_par is not None and walk.economy is not None:
            e_next, e_info = money.step(keys[1], walk.economy, EconomyInput(quarantine, exempt, now), e_par)
            patronage = e_info.patronage
        smoothed = walk.smooth + memory * (patronage - walk.smooth)
        c_next, z = walk.coalition, jnp.full(shape, jnp.inf)
        removal = 1 - (1 - inputs.removal_year[None] * jnp.ones(shape)) ** (1 / WEEKS_A_YEAR)
        if c_par is not None and walk.coalition is not None:
            given = CoalitionInput(patronage, courts=courts[None], threat=threat)
            c_next, c_info = circle.step(keys[2], walk.coalition, given, c_par)
            z, removal = c_info.cohesion, c_info.removal
        return Walk(e_next, c_next, smoothed, now), (z, removal)

    def one_round(walk: Walk, this: PRNGKeyArray) -> tuple[Walk, tuple[Array, Array, Array, Array]]:
        walk, (z, removal) = jax.lax.scan(week, walk, jax.random.split(this, weeks))
        shortage = 1 - walk.smooth
        squeeze = _level(walk.smooth, SQUEEZE_EDGES) if e_par is not None else jnp.zeros(shape, jnp.int32)
        cohesion = _level(z[-1], COHESION_EDGES) if c_par is not None else jnp.zeros(shape, jnp.int32)
        return walk, (squeeze, cohesion, 1 - jnp.prod(1 - removal, axis=0), shortage)

    begin_walk = Walk(e_state, c_state, smooth, price)
    _, out = jax.lax.scan(one_round, begin_walk, jax.random.split(key, rounds))
    reshaped = [leaf.reshape(rounds, rungs, starts, draws) for leaf in out]
    return reshaped[0], reshaped[1], reshaped[2], reshaped[3]


_run = eqx.filter_jit(_simulate)


def _start_levels(coalition: CoalitionParameters | None, draws: int) -> np.ndarray:
    """Levels of the norm: squeeze normal; cohesion where the base rate of removal puts it."""
    start = np.zeros((draws, 2), np.int64)
    if coalition is not None:
        yearly = np.broadcast_to(np.asarray(coalition.removal_hazard_norm, dtype=float), (draws,))
        z = -np.asarray(jax.scipy.special.ndtri(yearly / WEEKS_A_YEAR))
        start[:, 1] = sum((z <= edge).astype(int) for edge in COHESION_EDGES)
    return start


def _count(index: tuple[np.ndarray, ...], shape: tuple[int, ...], weights: np.ndarray | None = None) -> np.ndarray:
    flat = np.ravel_multi_index(tuple(i.ravel() for i in index), shape)
    return np.bincount(flat, None if weights is None else weights.ravel(), minlength=int(np.prod(shape))).reshape(shape)


def _rows(near: np.ndarray, far: np.ndarray) -> tuple[np.ndarray, int]:
    """Counts to chances: from the norm where visited, else from depleted starts, else staying."""
    total, other = near.sum(-1, keepdims=True), far.sum(-1, keepdims=True)
    fallback = np.where(other > 0, far / np.maximum(other, 1), np.eye(near.shape[-1]))
    return np.where(total > 0, near / np.maximum(total, 1), fallback), int(((total == 0) & (other > 0)).sum())


def _means(near: tuple[np.ndarray, np.ndarray], far: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Means by level from sums and counts; an unvisited level takes the nearest visited one's."""
    count = np.where(near[1] > 0, near[1], far[1])
    mean = np.where(near[1] > 0, near[0], far[0]) / np.maximum(count, 1)
    seen = count > 0
    levels = mean.shape[-1]
    found = mean.copy()
    for level in range(levels):
        order = sorted(range(levels), key=lambda other: (abs(other - level), other < level))
        value, known = mean[..., level].copy(), seen[..., level].copy()
        for other in order[1:]:
            value = np.where(~known & seen[..., other], mean[..., other], value)
            known |= seen[..., other]
        found[..., level] = value
    return found


def compile_chains(
    key: PRNGKeyArray,
    economy: EconomyParameters | None,
    coalition: CoalitionParameters | None,
    inputs: RungInputs,
    *,
    weeks_per_round: int,
    rounds: int,
    paths: int,
) -> Chains:
    """Compile the chains of all rungs and draws.

    Args:
        key: key of the compilation; the same key gives the same chains.
        economy: module 1 with draws on the last axis; none: one squeeze level.
        coalition: module 2; none: one cohesion level with the removal rate of `inputs`.
        inputs: what each rung does.
        weeks_per_round: weeks in a round.
        rounds: rounds for which a rung is held.
        paths: paths from the norm; a fifth as many start from each depleted state.
    """
    few = max(paths // 5, 1)
    begin = np.concatenate([np.ones((paths, 2)), *(np.tile([d], (few, 1)) for d in DEPLETED)])
    out = _run(key, economy, coalition, inputs, jnp.asarray(begin), weeks_per_round, rounds)
    squeeze, cohesion, removal, shortage = (np.asarray(leaf) for leaf in out)
    _, rungs, _, draws = squeeze.shape
    n_s = 1 if economy is None else len(SQUEEZE)
    n_c = 1 if coalition is None else len(COHESION)
    start = _start_levels(coalition, draws)
    rung = np.broadcast_to(np.arange(rungs)[None, :, None, None], squeeze[1:].shape)
    draw = np.broadcast_to(np.arange(draws), squeeze[1:].shape)

    def split(leaf: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return leaf[:, :, :paths], leaf[:, :, paths:]

    def counted(size: tuple[int, ...], *index: np.ndarray, weights: np.ndarray | None = None) -> list[np.ndarray]:
        parts = []
        for part in range(2):
            chosen = tuple(split(i)[part] for i in (draw, rung, *index))
            weight = None if weights is None else split(weights)[part]
            parts.append(_count(chosen, (draws, rungs, *size), weight))
        return parts

    # the first round begins at the norm, which the paths from the norm have before their first reading
    before_s = np.concatenate([np.zeros_like(squeeze[:1]), squeeze[:-1]])
    before_c = np.concatenate([np.broadcast_to(start[:, 1], cohesion[:1].shape), cohesion[:-1]])
    near_first = np.zeros_like(squeeze[:1], dtype=bool)
    near_first[:, :, :paths] = True
    rung0, draw0 = (np.broadcast_to(a[:1], near_first.shape)[near_first] for a in (rung, draw))
    first_s = _count((draw0, rung0, before_s[:1][near_first], squeeze[:1][near_first]), (draws, rungs, n_s, n_s))
    first_c = _count(
        (draw0, rung0, squeeze[:1][near_first], before_c[:1][near_first], cohesion[:1][near_first]),
        (draws, rungs, n_s, n_c, n_c),
    )
    near, far = counted((n_s, n_s), before_s[1:], squeeze[1:])
    move_s, filled_s = _rows(near + first_s, far)
    near, far = counted((n_s, n_c, n_c), squeeze[1:], before_c[1:], cohesion[1:])
    move_c, filled_c = _rows(near + first_c, far)
    visits = counted((n_c,), cohesion[1:])
    sums = counted((n_c,), cohesion[1:], weights=removal[1:])
    gone = _means((sums[0], visits[0]), (sums[1], visits[1]))
    visits = counted((n_s,), squeeze[1:])
    sums = counted((n_s,), squeeze[1:], weights=shortage[1:])
    missing = _means((sums[0], visits[0]), (sums[1], visits[1]))
    distance = law_distance(move_s, squeeze[:, :, :paths], np.asarray(inputs.quarantine))
    return Chains(move_s, move_c, gone, missing, start, distance, filled_s + filled_c)


def law_distance(chain: np.ndarray, levels: np.ndarray, quarantine: np.ndarray) -> np.ndarray:
    """Largest total variation, by draw, between the chain's law of the level and that of the paths.

    Args:
        chain: draw, rung, level, new level.
        levels: round, rung, path, draw; paths that begin at level 0.
        quarantine: rung, draw; only rungs with one count, or all where none has.
    """
    draws, rungs, size, _ = chain.shape
    law = np.zeros((draws, rungs, size))
    law[..., 0] = 1.0
    worst = np.zeros((draws, rungs))
    for now in levels:
        law = np.einsum("drs,drst->drt", law, chain)
        seen = np.stack([(now == level).mean(1) for level in range(size)], axis=-1)
        worst = np.maximum(worst, 0.5 * np.abs(law - np.moveaxis(seen, 1, 0)).sum(-1))
    counts = quarantine.T > 0
    counts = counts | ~counts.any(1, keepdims=True)
    return np.asarray(np.where(counts, worst, 0.0).max(1))
