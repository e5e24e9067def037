"""Hold: many paths of economy and coalition with a rung held, counted by level.

    log P' = log P + sd n - sd^2/2                         Brent, without drift
    m' = m + mu (A - m)                                    smoothed patronage, the measure of squeeze
    N[i, j] = paths that were at joint level i at the start of a round and at j at its end

P Brent (USD a barrel), sd its weekly spread (log), n standard normal, A patronage ratio and m the same
smoothed (0 to 1), mu memory of the coalition (a week). A joint level is squeeze * cohesion levels +
cohesion.

Two sources of paths. From the norm: what the game starts from. Depleted: the economy after up to a year of
full quarantine, smoothed patronage and (through legitimacy) cohesion spread over every pair of levels; they
serve rows that paths from the norm never enter, such as relief after a long squeeze. All rungs share the
noise. Nobody is removed and no attempt fails on the way: these are the paths of a leader still in office,
not weighted by survival.

Reference: the project's own.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from standoff.world import coalition as circle
from standoff.world import economy as purse
from standoff.world.level import cohesion_bounds, level, squeeze_bounds
from standoff.world.threshold import diffuse_threshold

DEPLETION = 52  # weeks of full quarantine behind the worst of the depleted starts
MEMORY = 0.125  # a week, where no coalition gives one
SPREAD = (0.6180339887, 0.7548776662)  # steps of two low-discrepancy sequences


class Held(eqx.Module):
    """Counts of paths. Axis `source`: 0 from the norm, 1 from depleted starts."""

    pairs: Float[Array, "source draw rung joint joint"]  # moves a round
    law: Float[Array, "round draw rung joint"]  # paths from the norm at each round's end; 0 the start
    visits: Float[Array, "source squeeze rung draw"]  # ends of rounds
    missing: Float[Array, "source squeeze rung draw"]  # sum of 1 - m over visits
    weeks: Float[Array, "source cohesion rung draw"]
    hazard: Float[Array, "source cohesion rung draw"]  # sum of weekly removal chances over weeks
    start: Int[Array, "draw 2"]  # levels at the norm


class Rungs(eqx.Module):
    """Inputs of each rung, with axes rung, path (1) and draw."""

    quarantine: Float[Array, "rung 1 draw"]
    exempt: Float[Array, "rung 1 draw"]  # kb/d
    courts: Float[Array, "rung 1 draw"]
    threat: Float[Array, "rung 1 draw"]
    brent_start: Float[Array, "1 1 draw"]  # USD a barrel
    brent_sd: Float[Array, "1 1 draw"]  # log, a week


class Plan(eqx.Module):
    """Sizes, all static."""

    weeks: int = eqx.field(static=True)
    rounds: int = eqx.field(static=True)
    paths: int = eqx.field(static=True)
    squeeze: int = eqx.field(static=True)
    cohesion: int = eqx.field(static=True)
    common: bool = eqx.field(static=True, default=False)  # draws share their noise

    @property
    def depleted(self) -> int:
        """Paths from depleted starts: half as many as from the norm, as many for each pair of levels."""
        pairs = self.squeeze * self.cohesion
        return pairs * -(-self.paths // (2 * pairs))

    @property
    def joint(self) -> int:
        """Pairs of levels."""
        return self.squeeze * self.cohesion


class Walk(eqx.Module):
    """A path in the middle of its way."""

    economy: purse.EconomyState | None
    coalition: circle.CoalitionState | None
    smoothed: Float[Array, "rung path draw"]
    log_brent: Float[Array, "#rung path draw"]


class World(eqx.Module):
    """The two modules, parameters with axes rung (1), path (1) and draw; None where a module is off."""

    economy: purse.EconomyParameters | None
    coalition: circle.CoalitionParameters | None
    solved: circle.Calibration | None
    squeeze_edges: Float[Array, " squeeze_edge"]
    cohesion_edges: Float[Array, " cohesion_edge"]


Carry = tuple[Walk, Array, Array, Array, Array]
WeekCarry = tuple[Walk, Array, Array]


def hold(key: PRNGKeyArray, world: World, rungs: Rungs, plan: Plan) -> Held:
    """Walk every path of every draw on every rung and count.

    Args:
        key: key of the noise, shared by all rungs.
        world: parameters of the two modules.
        rungs: what each rung does to them.
        plan: weeks a round, rounds, paths and levels.

    Returns:
        Counts of moves, levels and hazards.
    """
    walk, joint = _start(world, rungs, plan)

    def one_round(carry: Carry, round_key: PRNGKeyArray) -> tuple[Carry, Array]:
        walk, joint, pairs, by_squeeze, by_cohesion = carry

        def one_week(inner: WeekCarry, week_key: PRNGKeyArray) -> tuple[WeekCarry, None]:
            walk, _, by_cohesion = inner
            walk, cohesion, removal = _week(week_key, walk, world, rungs, plan)
            by_cohesion = by_cohesion + _tally(cohesion, removal, plan.cohesion, plan.paths)
            return (walk, cohesion, by_cohesion), None

        keys = jax.random.split(round_key, plan.weeks)
        inner = (walk, jnp.zeros_like(joint), by_cohesion)
        (walk, cohesion, by_cohesion), _ = jax.lax.scan(one_week, inner, keys)
        squeeze = level(walk.smoothed, world.squeeze_edges)
        by_squeeze = by_squeeze + _tally(squeeze, 1.0 - walk.smoothed, plan.squeeze, plan.paths)
        after = squeeze * plan.cohesion + cohesion
        pairs = _count(pairs, joint, after, plan)
        return (walk, after, pairs, by_squeeze, by_cohesion), pairs[0].sum(-2)

    shape = walk.smoothed.shape
    pairs = jnp.zeros((2, shape[2], shape[0], plan.joint, plan.joint))
    by_squeeze = jnp.zeros((2, 2, plan.squeeze, shape[0], shape[2]))
    by_cohesion = jnp.zeros((2, 2, plan.cohesion, shape[0], shape[2]))
    carry = (walk, joint, pairs, by_squeeze, by_cohesion)
    (_, _, pairs, by_squeeze, by_cohesion), arrived = jax.lax.scan(one_round, carry, jax.random.split(key, plan.rounds))
    first = joint[0, 0, :]
    law = jax.nn.one_hot(first, plan.joint, dtype=arrived.dtype)[:, None]
    law = jnp.broadcast_to(law[None], (1, *arrived.shape[1:]))
    later = jnp.diff(arrived, axis=0, prepend=jnp.zeros_like(arrived[:1])) / plan.paths
    law = jnp.concatenate([law, later])
    start = jnp.stack([first // plan.cohesion, first % plan.cohesion], axis=-1)
    return Held(pairs, law, by_squeeze[0], by_squeeze[1], by_cohesion[0], by_cohesion[1], start)


def _week(
    key: PRNGKeyArray, walk: Walk, world: World, rungs: Rungs, plan: Plan
) -> tuple[Walk, Int[Array, "rung path draw"], Float[Array, "rung path draw"]]:
    """A week of both modules; also the cohesion level and the chance of removal."""
    shape = walk.log_brent.shape
    noise = jax.random.normal(key, (2, *shape[:-1], 1 if plan.common else shape[-1]))
    loading, oil = jnp.broadcast_to(noise, (2, *shape))
    log_brent = walk.log_brent + rungs.brent_sd * oil - 0.5 * rungs.brent_sd**2
    patronage = jnp.ones_like(walk.smoothed)
    economy, coalition = walk.economy, walk.coalition
    if world.economy is not None:
        assert economy is not None
        given = purse.EconomyInput(rungs.quarantine, rungs.exempt, jnp.exp(log_brent))
        economy, flows = purse.advance(purse.EconomyNoise(loading, 0.0), economy, given, world.economy)
        patronage = flows.patronage
    memory = MEMORY if world.coalition is None else world.coalition.patronage_memory
    smoothed = walk.smoothed + memory * (patronage - walk.smoothed)
    cohesion, removal = jnp.zeros(smoothed.shape, dtype=jnp.int32), jnp.zeros_like(smoothed)
    if world.coalition is not None:
        assert coalition is not None
        assert world.solved is not None
        pressure = circle.CoalitionInput(patronage=patronage, courts=rungs.courts[None], threat=rungs.threat)
        coalition, risk = circle.drift(coalition, pressure, world.coalition, world.solved)
        cohesion, removal = level(risk.cohesion, world.cohesion_edges), risk.removal
    return Walk(economy, coalition, smoothed, log_brent), cohesion, removal


def _start(world: World, rungs: Rungs, plan: Plan) -> tuple[Walk, Int[Array, "rung path draw"]]:
    """All paths before the first round: from the norm first, then depleted ones, and their joint levels."""
    shape = (rungs.quarantine.shape[0], plan.paths + plan.depleted, rungs.quarantine.shape[2])
    index = np.arange(plan.depleted)
    pair = index % plan.joint
    squeeze, cohesion = pair // plan.cohesion, pair % plan.cohesion
    smoothed = jnp.ones((1, *shape[1:]))
    economy = coalition = None
    if world.economy is not None:
        bounds = squeeze_bounds(world.squeeze_edges)
        depth = jnp.asarray((index + 1) * SPREAD[0] % 1.0)
        worn = bounds[squeeze] + depth * (bounds[squeeze + 1] - bounds[squeeze])
        both = jnp.concatenate([jnp.ones(plan.paths), worn])
        smoothed = jnp.broadcast_to(both[None, :, None], smoothed.shape)
        weeks = np.concatenate([np.zeros(plan.paths, int), squeeze * DEPLETION // max(1, plan.squeeze - 1)])
        economy = jax.tree.map(lambda x: jnp.broadcast_to(x, shape), _depleted(weeks, world.economy, rungs))
    joint = jnp.zeros(smoothed.shape, dtype=jnp.int32)
    if world.coalition is not None and world.solved is not None:
        bounds = cohesion_bounds(world.cohesion_edges)
        depth = jnp.asarray((index + 1) * SPREAD[1] % 1.0)
        goal = bounds[cohesion] + depth * (bounds[cohesion + 1] - bounds[cohesion])
        one, z = _worn_circle(goal, smoothed, world.coalition, world.solved, plan)
        joint = level(z, world.cohesion_edges)
        coalition = jax.tree.map(lambda x: jnp.broadcast_to(x, (*x.shape[:-3], *shape)), one)
    joint = level(smoothed, world.squeeze_edges) * plan.cohesion + joint
    log_brent = jnp.broadcast_to(jnp.log(rungs.brent_start), (1, *shape[1:]))
    walk = Walk(economy, coalition, jnp.broadcast_to(smoothed, shape), log_brent)
    return walk, jnp.broadcast_to(joint, shape)


def _depleted(weeks: np.ndarray, par: purse.EconomyParameters, rungs: Rungs) -> purse.EconomyState:
    """State after each path's number of weeks of full quarantine without noise, nothing exempt."""
    quiet = purse.EconomyNoise(0.0, 0.0)
    par_quiet = eqx.tree_at(lambda p: p.noise, par, jnp.zeros(()))
    hard = purse.EconomyInput(quarantine=1.0, exempt=0.0, brent=rungs.brent_start)

    def week(state: purse.EconomyState, _: None) -> tuple[purse.EconomyState, purse.EconomyState]:
        after, _info = purse.advance(quiet, state, hard, par_quiet)
        return after, after

    first = purse.norm_state(par)
    _, later = jax.lax.scan(week, first, None, length=DEPLETION)
    found: purse.EconomyState = jax.tree.map(
        lambda a, b: jnp.concatenate([a[None], b])[weeks, 0, 0][None], first, later
    )
    return found


def _worn_circle(
    goal: Float[Array, " depleted"],
    smoothed: Float[Array, "1 path draw"],
    par: circle.CoalitionParameters,
    solved: circle.Calibration,
    plan: Plan,
) -> tuple[circle.CoalitionState, Float[Array, "1 path draw"]]:
    """Circle with that smoothed patronage and, on depleted paths, the legitimacy that gives z its goal."""
    norm = circle.norm_state(par)
    shape = smoothed.shape
    patronage = jnp.broadcast_to(smoothed[None], (norm.weight.shape[0], *shape))
    tempted = circle.temptation(patronage, circle.CoalitionInput(1.0), par)
    threshold = diffuse_threshold(norm.weight, tempted)
    z = circle.cohesion(threshold, norm.legitimacy, 0.0, par, solved)
    target = jnp.concatenate([jnp.zeros(plan.paths), goal])[None, :, None]
    weight = jnp.broadcast_to(jnp.asarray(par.legitimacy_weight), norm.legitimacy.shape)
    shift = jnp.where(weight > 0.0, (target - z) * par.threshold_sd / jnp.where(weight > 0.0, weight, 1.0), 0.0)
    worn = (np.arange(shape[1]) >= plan.paths)[None, :, None]
    legitimacy = jnp.where(worn, jnp.clip(norm.legitimacy + shift, 0.0, 1.0), norm.legitimacy)
    state = circle.CoalitionState(
        patronage=patronage,
        weight=jnp.broadcast_to(norm.weight, patronage.shape),
        legitimacy=jnp.broadcast_to(legitimacy, shape),
        display=jnp.zeros(shape),
        insulation=jnp.broadcast_to(norm.insulation, shape),
    )
    return state, z + par.legitimacy_weight * (legitimacy - norm.legitimacy) / par.threshold_sd


def _tally(
    found: Int[Array, "rung path draw"], value: Float[Array, "rung path draw"], levels: int, paths: int
) -> Float[Array, "2 source level rung draw"]:
    """Number of paths, and sum of a value over them, by source and level."""
    index = np.arange(levels, dtype=np.int32).reshape(-1, 1, 1, 1)
    both = jnp.stack([jnp.ones_like(value), value])
    at = jnp.where((found[None] == index)[None], both[:, None], 0.0)
    return jnp.stack([at[:, :, :, :paths].sum(3), at[:, :, :, paths:].sum(3)], axis=1)


def _count(
    pairs: Float[Array, "source draw rung joint joint"],
    before: Int[Array, "rung path draw"],
    after: Int[Array, "rung path draw"],
    plan: Plan,
) -> Float[Array, "source draw rung joint joint"]:
    """Add a round's moves."""
    rung, path, draw = np.ogrid[tuple(slice(n) for n in before.shape)]
    source = (path >= plan.paths).astype(int)
    place = np.ravel_multi_index(np.broadcast_arrays(source, draw, rung), pairs.shape[:3]).astype(np.int32)
    code = (place * plan.joint + before) * plan.joint + after
    return pairs.reshape(-1).at[code.reshape(-1)].add(1.0).reshape(pairs.shape)
