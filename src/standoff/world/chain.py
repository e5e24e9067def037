"""Chains: what the game receives of economy and coalition.

    squeeze[r, s, s'] = N_r[s -> s'] / N_r[s]                    squeeze level, a round with rung r held
    cohesion[r, s', c, c'] = N_r[c -> c' | s'] / N_r[c | s']     cohesion level, given the new squeeze level
    removal[r, c] = 1 - (1 - mean weekly removal chance at c)^weeks
    distance = max over rounds n and rungs with a quarantine of TV(p_0 M_r^n, law of paths after n rounds)

N_r counts of simulated paths with rung r held (see `hold`), s squeeze and c cohesion level, M_r the joint
chain, p_0 the levels at the norm, TV total variation (0 to 1). All chances are per round. A row is counted
on paths from the norm; where these visit it less than `min_count` times, on the depleted paths as well;
where nobody does, it stays where it is. Which of the three holds is kept. A move that was never seen has
chance exactly 0.

The levels forget how long a rung has been held: the chain spreads over time what the world does at its own
hour. `distance` says how much this costs. With parameters known the world is nearly a clock, and four
levels may be wrong by 0.6 in the worst week; averaged over draws (`distance_mixture`), as forecasts are, by
less.

Reference: the project's own.
"""

from itertools import pairwise

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import ndtr
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from standoff.errors import UserError
from standoff.world.coalition import WEEKS_A_YEAR, CoalitionParameters, calibrate
from standoff.world.economy import EconomyParameters
from standoff.world.hold import Held, Plan, Rungs, World, hold
from standoff.world.level import COHESION_EDGES, SQUEEZE_EDGES, cohesion_bounds, squeeze_bounds

FROM_NORM, FROM_DEPLETED, FILLED = 0, 1, 2
BY_FACTION = ("weight", "loyalty", "outside", "patronage_weight", "punishment")
Number = Float[Array, "*#draw"] | float
ByRung = Float[Array, "rung *#draw"]


class RungInputs(eqx.Module):
    """What holding each rung does: arrays `[rung]`, or `[rung, draw]` where it differs by draw."""

    quarantine: ByRung  # 0 to 1
    exempt: ByRung  # kb/d that the quarantine lets pass
    courts: ByRung  # exposure of the circle, 0 to 1
    threat: ByRung  # 0 to 1
    brent_start: Number  # USD a barrel
    brent_sd: Number  # sd of the log, a week
    removal_year: Number = 0.02  # removals a year; read only where there is no coalition


class Chains(eqx.Module):
    """Chains of every draw and rung, in chances per round, and how they were come by.

    The arrays `*_source` are 0 where a row rests on paths from the norm, 1 on depleted starts as well, 2
    where no path came by: such a row stays where it is, such a removal or shortage is of the level's middle.
    """

    squeeze: Float[Array, "draw rung squeeze squeeze"]
    cohesion: Float[Array, "draw rung squeeze cohesion cohesion"]
    removal: Float[Array, "draw rung cohesion"]
    shortage: Float[Array, "draw rung squeeze"]  # mean missing share of patronage, 1 - smoothed A
    start: Int[Array, "draw 2"]  # levels at the norm
    distance: Float[Array, " draw"]  # of the joint level, rungs with a quarantine
    distance_rung: Float[Array, "draw rung"]  # of the joint level
    distance_squeeze: Float[Array, "draw rung"]  # of the squeeze level alone
    distance_mixture: Float[Array, " rung"]  # of the joint level, both laws first averaged over draws
    squeeze_source: Int[Array, "draw rung squeeze"]
    cohesion_source: Int[Array, "draw rung squeeze cohesion"]
    removal_source: Int[Array, "draw rung cohesion"]
    shortage_source: Int[Array, "draw rung squeeze"]


def compile_chains(
    key: PRNGKeyArray,
    economy: EconomyParameters | None,
    coalition: CoalitionParameters | None,
    rung_inputs: RungInputs,
    *,
    weeks_per_round: int,
    rounds: int,
    paths: int,
    squeeze_edges: tuple[float, ...] = SQUEEZE_EDGES,
    cohesion_edges: tuple[float, ...] = COHESION_EDGES,
    min_count: int = 20,
    common: bool = False,
) -> Chains:
    """Compile the chains of all draws in one call.

    Args:
        key: key of the noise, shared by rungs.
        economy: parameters, scalars or `[draw]`; None gives one squeeze level.
        coalition: parameters, scalars, `[draw]` or `[faction, draw]`; None gives one cohesion level
            from which the leader is removed at `removal_year`.
        rung_inputs: what each rung does.
        weeks_per_round: length of a round.
        rounds: rounds walked.
        paths: paths from the norm per draw and rung; half as many again start depleted.
        squeeze_edges: falling edges of smoothed A between the squeeze levels.
        cohesion_edges: falling edges of z between the cohesion levels.
        min_count: visits from the norm below which a row is counted on depleted paths as well.
        common: whether all draws share their noise, so that draws with the same parameters have the same chains.

    Returns:
        Chains, with their distance from the world they stand for.

    Raises:
        UserError: sizes below 1 or edges that do not fall.
    """
    if min(weeks_per_round, rounds, paths, min_count) < 1:
        raise UserError("`weeks_per_round`, `rounds`, `paths`, `min_count` start at 1; raise the one below.")
    for name, edges in (("squeeze_edges", squeeze_edges), ("cohesion_edges", cohesion_edges)):
        if not edges or any(low >= high for high, low in pairwise(edges)):
            raise UserError(f"`{name}` must hold falling numbers; got {edges}. Sort them from high to low.")
    count = _draws(economy, coalition, rung_inputs)
    squeezes = squeeze_edges if economy is not None else ()
    cohesions = cohesion_edges if coalition is not None else ()
    given = (economy, coalition, rung_inputs, squeezes, cohesions, float(min_count))
    # Plain numbers become arrays, so that other numbers need no other compilation.
    given = jax.tree.map(lambda x: jnp.asarray(x, dtype=float), given)
    plan = Plan(weeks_per_round, rounds, paths, len(squeezes) + 1, len(cohesions) + 1, common)
    return _compile(key, given, plan, count)


Given = tuple[
    EconomyParameters | None,
    CoalitionParameters | None,
    RungInputs,
    tuple[Array, ...],
    tuple[Array, ...],
    Array,
]


@eqx.filter_jit
def _compile(key: PRNGKeyArray, given: Given, plan: Plan, count: int) -> Chains:
    """Walk and count, all in one call."""
    economy, coalition, inputs, squeeze_edges, cohesion_edges, least = given
    world = _world(economy, coalition, squeeze_edges, cohesion_edges, count)
    by_rung = (inputs.quarantine, inputs.exempt, inputs.courts, inputs.threat)
    prices = (inputs.brent_start, inputs.brent_sd)
    rungs = Rungs(*(_lift_rung(x, count) for x in by_rung), *(_lift(x, count) for x in prices))
    rate = jnp.broadcast_to(inputs.removal_year, (count,))
    held = hold(key, world, rungs, plan)
    shape = (*held.pairs.shape[:3], plan.squeeze, plan.cohesion, plan.squeeze, plan.cohesion)
    pairs = held.pairs.reshape(shape)
    squeeze, squeeze_source = _rows(pairs.sum((4, 6)), least)
    cohesion, cohesion_source = _rows(pairs.sum(3).transpose(0, 1, 2, 4, 3, 5), least)
    removal, removal_source = _removal(held, world, rate, least, plan)
    middles = jnp.zeros(1)
    if world.economy is not None:
        bounds = squeeze_bounds(world.squeeze_edges)
        middles = 1.0 - 0.5 * (bounds[1:] + bounds[:-1])
    shortage, shortage_source = _means(held.missing, held.visits, middles, least)
    chain = chain_law(squeeze, cohesion, held.start, plan.rounds)
    cells = (*chain.shape[:3], plan.squeeze, plan.cohesion)
    of_rung = total_variation(chain, held.law).max(0)
    of_squeeze = total_variation(chain.reshape(cells).sum(-1), held.law.reshape(cells).sum(-1)).max(0)
    pressed = rungs.quarantine[:, 0, :].T > 0.0
    pressed = pressed | ~pressed.any(1, keepdims=True)
    return Chains(
        squeeze=squeeze,
        cohesion=cohesion,
        removal=removal,
        shortage=shortage,
        start=held.start,
        distance=jnp.where(pressed, of_rung, 0.0).max(1),
        distance_rung=of_rung,
        distance_squeeze=of_squeeze,
        distance_mixture=total_variation(chain.mean(1), held.law.mean(1)).max(0),
        squeeze_source=squeeze_source,
        cohesion_source=cohesion_source,
        removal_source=removal_source,
        shortage_source=shortage_source,
    )


def _world(
    economy: EconomyParameters | None,
    coalition: CoalitionParameters | None,
    squeeze_edges: tuple[Array, ...],
    cohesion_edges: tuple[Array, ...],
    count: int,
) -> World:
    """Both modules with axes for rung and path; a module that is off has no edges."""
    lifted = jax.tree.map(lambda x: _lift(x, count), economy)
    circle = solved = None
    if coalition is not None:
        fields = {k: _lift(v, count, faction=k in BY_FACTION) for k, v in vars(coalition).items()}
        circle = CoalitionParameters(**fields)
        solved = calibrate(circle)
    cuts = (jnp.asarray(squeeze_edges, dtype=float), jnp.asarray(cohesion_edges, dtype=float))
    return World(lifted, circle, solved, *cuts)


def chain_law(
    squeeze: Float[Array, "draw rung squeeze squeeze"],
    cohesion: Float[Array, "draw rung squeeze cohesion cohesion"],
    start: Int[Array, "draw 2"],
    rounds: int,
) -> Float[Array, "rounds draw rung joint"]:
    """Law of the joint level (squeeze first) after 0 to `rounds` rounds of a held rung."""
    draws, rung, squeezes = squeeze.shape[:3]
    cohesions = cohesion.shape[-1]
    first = jax.nn.one_hot(start[:, 0] * cohesions + start[:, 1], squeezes * cohesions, dtype=squeeze.dtype)
    first = jnp.broadcast_to(first[:, None], (draws, rung, squeezes * cohesions))

    def one_round(law: Array, _: None) -> tuple[Array, Array]:
        now = law.reshape(draws, rung, squeezes, cohesions)
        moved = jnp.einsum("drsc,drst->drtc", now, squeeze)
        after = jnp.einsum("drtc,drtce->drte", moved, cohesion).reshape(law.shape)
        return after, after

    _, later = jax.lax.scan(one_round, first, None, length=rounds)
    return jnp.concatenate([first[None], later])


def total_variation(one: Float[Array, "*cell level"], other: Float[Array, "*cell level"]) -> Float[Array, "*cell"]:
    """Largest difference in the chance of any event between two laws, 0 to 1."""
    return 0.5 * jnp.abs(one - other).sum(-1)


def reachable(chains: Chains) -> Bool[np.ndarray, "squeeze cohesion"]:
    """Joint levels that some draw can reach from its start, whatever the order of rungs."""
    squeeze, cohesion = np.asarray(chains.squeeze) > 0, np.asarray(chains.cohesion) > 0
    draws, _, squeezes, _ = squeeze.shape
    move = np.einsum("drst,drtce->dscte", squeeze, cohesion) > 0
    found = np.zeros((draws, squeezes, cohesion.shape[-1]), dtype=bool)
    found[np.arange(draws), *np.asarray(chains.start).T] = True
    for _ in range(found[0].size):
        found |= np.einsum("dsc,dscte->dte", found, move) > 0
    return np.asarray(found.any(0))


def _rows(counts: Float[Array, "source *row to"], least: Float[Array, ""]) -> tuple[Array, Array]:
    """Rows of chances from counts by source, and where each comes from."""
    seen = counts.sum(-1)
    own = seen[0] >= least
    used = jnp.where(own[..., None], counts[0], counts.sum(0))
    total = used.sum(-1, keepdims=True)
    eye = jnp.broadcast_to(jnp.eye(counts.shape[-1]), used.shape)
    rows = jnp.where(total > 0.0, used / jnp.maximum(total, 1.0), eye)
    source = jnp.where(own, FROM_NORM, jnp.where(total[..., 0] > 0.0, FROM_DEPLETED, FILLED))
    return rows, source


def _means(
    sums: Float[Array, "source level rung draw"],
    counts: Float[Array, "source level rung draw"],
    filled: Float[Array, " level"],
    least: Float[Array, ""],
) -> tuple[Float[Array, "draw rung level"], Int[Array, "draw rung level"]]:
    """Means by level, and where each comes from."""
    own = counts[0] >= least
    count = jnp.where(own, counts[0], counts.sum(0))
    mean = jnp.where(own, sums[0], sums.sum(0)) / jnp.maximum(count, 1.0)
    found = jnp.where(count > 0.0, mean, jnp.broadcast_to(filled[:, None, None], mean.shape))
    source = jnp.where(own, FROM_NORM, jnp.where(count > 0.0, FROM_DEPLETED, FILLED))
    return found.transpose(2, 1, 0), source.transpose(2, 1, 0)


def _removal(
    held: Held, world: World, rate: Float[Array, " draw"], least: Float[Array, ""], plan: Plan
) -> tuple[Float[Array, "draw rung cohesion"], Int[Array, "draw rung cohesion"]]:
    """Chance of removal in a round spent at each cohesion level."""
    if world.coalition is None:
        weekly = jnp.broadcast_to((rate / WEEKS_A_YEAR)[:, None, None], (*held.pairs.shape[1:3], 1))
        source = jnp.full(weekly.shape, FROM_NORM)
    else:
        bounds = cohesion_bounds(world.cohesion_edges)
        middles = ndtr(-0.5 * (bounds[1:] + bounds[:-1]))
        weekly, source = _means(held.hazard, held.weeks, middles, least)
    return -jnp.expm1(plan.weeks * jnp.log1p(-weekly)), source


def _draws(economy: EconomyParameters | None, coalition: CoalitionParameters | None, rungs: RungInputs) -> int:
    """Number of draws, from whichever array has that axis."""
    shapes = [jnp.shape(leaf) for leaf in jax.tree.leaves(economy)]
    if coalition is not None:
        shapes += [jnp.shape(value)[k in BY_FACTION :] for k, value in vars(coalition).items()]
    by_rung = (rungs.quarantine, rungs.exempt, rungs.courts, rungs.threat)
    shapes += [jnp.shape(value)[1:] for value in by_rung]
    shapes += [jnp.shape(value) for value in (rungs.brent_start, rungs.brent_sd, rungs.removal_year)]
    return int(np.prod(jnp.broadcast_shapes(*shapes, (1,))))


def _lift(value: Number, count: int, faction: bool = False) -> Array:
    """`[draw]` to `[1, 1, draw]`; by faction, `[faction]` or `[faction, draw]` to `[faction, 1, 1, draw]`."""
    array = jnp.asarray(value, dtype=float)
    if not faction:
        return jnp.broadcast_to(array, (count,)).reshape(1, 1, count)
    array = array.reshape(-1, 1) if array.ndim < 2 else array
    return jnp.broadcast_to(array, (array.shape[0], count)).reshape(-1, 1, 1, count)


def _lift_rung(value: ByRung, count: int) -> Float[Array, "rung 1 draw"]:
    """`[rung]` or `[rung, draw]` to `[rung, 1, draw]`."""
    array = value.reshape(-1, 1) if value.ndim < 2 else value
    return jnp.broadcast_to(array, (array.shape[0], count)).reshape(-1, 1, count)
