"""Ally: a country that lives on the target's fuel, a month at a time (part of module 8).

A prime marks the value at the end of the month.

    cut = supplied - supply                                at least 0
    r' = min(substitution, r + substitution / 3)           while something is cut, else 0
    drawn = min(stock, cut (1 - r') days / 1000)           stock' = stock - drawn
    lost = [cut (1 - r') - 1000 drawn / days] / (own + imports)
    dln output = elasticity ln(max(1 - lost, 0.05)) + sd n
    A = min(1, exp(dln output))                            patronage ratio of the ally's own coalition (module 2)

supplied: what the target sent before, supply: what it sends now, own: own output, imports: all imports before
(thousand barrels a day, kb/d), stock in tanks (million barrels, mb), r share of the cut replaced by others (0
to 1; all that will be found is found within three months), lost share of energy, n standard normal, days in a
month of 52/12 weeks. With an empty tank and r' = substitution, `lost` is the share of the design page.

Switches: `ally_supplied` 0 (no ally) and `energy_output_elasticity` 0 leave output at exactly its norm (M20).
A stock once used is not filled again within the horizon.

Reference: the project's own; short-run output elasticity of energy is a judgement.
"""

import dataclasses

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from standoff.world import coalition
from standoff.world.coalition import CoalitionInput, CoalitionParameters

DAYS = 7.0 * 52.0 / 12.0  # a month of 52/12 weeks
REPLACING = 3.0  # months in which a substitute is found
FLOOR_ENERGY = 0.05  # share of energy below which output falls no further
Number = Float[Array, "*#draw"] | float


class Supply(eqx.Module):
    """What an ally's energy is after a month."""

    stock: Float[Array, "*draw"]  # mb
    replaced: Float[Array, "*draw"]  # share of the cut, 0 to 1
    lost: Float[Array, "*draw"]  # share of energy, 0 to 1


def energy_lost(cut: Number, substitution: Number, own: Number, imports: Number) -> Float[Array, "*draw"]:
    """Share of an ally's energy that is lost, tanks empty.

    Args:
        cut: supply that no longer comes, kb/d.
        substitution: share of it that others replace, 0 to 1.
        own: own output, kb/d.
        imports: imports before, kb/d.

    Returns:
        Share of own output and imports, 0 to 1; 0 where there is neither.
    """
    total = jnp.asarray(own + imports)
    return cut * (1.0 - substitution) / jnp.where(total > 0.0, total, 1.0)


def log_output(lost: Number, elasticity: Number) -> Float[Array, "*draw"]:
    """Log of an ally's output over its norm, from the share of energy lost."""
    return elasticity * jnp.log(jnp.maximum(1.0 - jnp.asarray(lost), FLOOR_ENERGY))


def run_down(
    cut: Number, stock: Number, replaced: Number, substitution: Number, own: Number, imports: Number
) -> Supply:
    """Live a month on substitutes and on the tank.

    Args:
        cut: supply that no longer comes, kb/d.
        stock: in tanks at the start of the month, mb.
        replaced: share of the cut replaced so far, 0 to 1.
        substitution: share that will be replaced in the end, 0 to 1.
        own: own output, kb/d.
        imports: imports before, kb/d.

    Returns:
        Tank and share replaced at the end of the month, and the share of energy lost in it.
    """
    cut = jnp.asarray(cut)
    found = jnp.where(cut > 0.0, jnp.minimum(substitution, replaced + substitution / REPLACING), 0.0)
    drawn = jnp.minimum(stock, cut * (1.0 - found) * DAYS / 1000.0)
    open_cut = cut - drawn * 1000.0 / (DAYS * jnp.maximum(1.0 - found, 1e-9))
    return Supply(stock - drawn, found, energy_lost(jnp.maximum(open_cut, 0.0), found, own, imports))


def removal(patronage: Number, circle: CoalitionParameters) -> Float[Array, "*draw"]:
    """Chance per week that an ally's circle removes its leader, patronage at this ratio for long (module 2).

    Args:
        patronage: A of the ally, 0 to 1.
        circle: the ally's coalition.

    Returns:
        Chance per week.
    """
    state = coalition.norm_state(circle)
    level = jnp.broadcast_to(jnp.asarray(patronage, dtype=float), state.legitimacy.shape)
    held = jnp.broadcast_to(level[None], state.patronage.shape)
    state = dataclasses.replace(state, patronage=held)
    return coalition.drift(state, CoalitionInput(patronage=level), circle, coalition.calibrate(circle))[1].removal
