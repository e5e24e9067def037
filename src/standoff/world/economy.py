"""Economy: from a quarantine to less money for the coalition (weekly).

A prime marks the value at the end of the week.

    b' = b + k (B - b)                                     k = bite_speed if B > b, else return_speed
    want = q - home + max(0, S - S0) (1000/7) drain (1 - b')                e = min(x, want)
    X = [e + (1 - b') max(0, want - e)] exp(sd n1 - sd^2/2)                 at most q - home + S (1000/7)
    S' = max(0, S + 7 (q - home - X) / 1000)               fill = clip((S'/cap - f0)/(1 - f0), 0, 1)
    q' = q + kq (min[q0, q0 (1 - fill) + (X + home) fill] - q)
    Y = cash X max(0, P - d0 - d1 b') 7e-6 + other + relief
    saved = windfall max(0, Y - W)                         draw = min(dr R, max(0, W - Y))
    C = Y - saved + draw                                   R' = R - draw + saved
    A = min(min(1, C/W)^zeta, C/(pi W))                    F = C - pi W A
    f = F / ((1 - pi) W)                                   u = 1 - min(1, f)
    g' = rho g + (1 - rho) (g0 - gamma ln max(f, 0.05) + sd_g n2)
    W = cash (q0 - home) (P0 - d0) 7e-6 + other            norm of cash

q output and X exports (thousand barrels a day, kb/d), home: use at home (kb/d), x exempt flow (kb/d), S
stock and cap tanks (million barrels, mb), b bite of the quarantine B (both 0 to 1), P Brent (USD a barrel),
Y income, C cash spent and W its norm (bn USD a week), R usable reserves (bn USD), A patronage ratio (0 to
1), f supply of foreign currency over its norm, u shortfall (0 to 1), g log of parallel over official rate,
n1 and n2 standard normal.

Money is kept whole: what is saved is not spent. (The design wrote C = Y + draw together with R' = R +
max(0, Y - W), which counts income above the norm twice; the two agree wherever Y <= W.)

Reference: the project's own model; the priority of supporters follows Bueno de Mesquita et al. (2003), The
Logic of Political Survival, and the sources of each default stand in the table of parameters.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from standoff.world.noise import named_keys

DAYS = 7.0  # a week
BN_A_WEEK = 7e-6  # kb/d times USD a barrel into bn USD a week
FLOOR_SUPPLY = 0.05  # share of the norm below which scarcity of currency moves the gap no further
Number = Float[Array, "*#draw"] | float
NOISES = ("loading", "currency")


class EconomyParameters(eqx.Module):
    """What a country's oil, money and currency are like. Draws stand on the last axis of every array.

    Levels come from the case and have no default. `noise` is a switch: 0 silences both noises exactly.
    """

    output_norm: Number  # q0, kb/d
    home_use: Number  # kb/d
    stock_norm: Number  # S0, mb
    stock_capacity: Number  # cap, mb
    discount_norm: Number  # d0, USD a barrel
    discount_risk: Number  # d1, USD a barrel at full bite
    price_norm: Number  # P0, Brent at which the norm of cash is computed, USD a barrel
    other_income: Number  # bn USD a week
    usable_reserves: Number  # R at the start, bn USD
    gap_norm: Number  # g0, log of parallel over official rate
    fill_start: Number = 0.45  # f0, share of tanks above which wells close
    closure_speed: Number = 0.4  # kq, a week
    bite_speed: Number = 0.6  # a week
    return_speed: Number = 0.25  # a week
    stock_drain: Number = 0.15  # share of excess stock sold a week
    cash_share: Number = 0.6  # share of export value that arrives as cash
    draw_rate: Number = 0.06  # dr, largest share of reserves spent in a week
    windfall_saved: Number = 1.0  # share of income above the norm that is put into reserves
    patronage_share: Number = 0.35  # pi, share of normal cash
    patronage_priority: Number = 0.5  # zeta; 0: supporters first, 1: cut in proportion
    fx_share: Number = 0.6  # share of the rest that is sold on the currency market
    gap_elasticity: Number = 0.85  # gamma
    gap_persistence: Number = 0.75  # rho, a week
    export_noise: Number = 0.1  # sd of the log, a week
    gap_noise: Number = 0.05  # sd of the log, a week
    noise: Number = 1.0  # switch


class EconomyState(eqx.Module):
    """What next week needs of this one."""

    output: Float[Array, "*draw"]  # q, kb/d
    stock: Float[Array, "*draw"]  # S, mb
    bite: Float[Array, "*draw"]  # b, 0 to 1
    reserves: Float[Array, "*draw"]  # R, bn USD
    log_gap: Float[Array, "*draw"]  # g


class EconomyInput(eqx.Module):
    """What reaches the economy this week. `eased` is the share of the quarantine that a relief lifts."""

    quarantine: Number  # B, 0 to 1
    exempt: Number  # x, kb/d
    brent: Number  # P, USD a barrel
    relief: Number = 0.0  # released funds, bn USD a week
    eased: Number = 0.0  # 0 to 1


class EconomyNoise(eqx.Module):
    """The week's standard normal noises."""

    loading: Number  # n1
    currency: Number  # n2


class EconomyInfo(eqx.Module):
    """What a reader of the run needs. Money in bn USD a week, oil in kb/d."""

    exports: Float[Array, "*draw"]  # X
    income: Float[Array, "*draw"]  # Y
    drawn: Float[Array, "*draw"]  # taken from reserves
    saved: Float[Array, "*draw"]  # put into reserves
    cash: Float[Array, "*draw"]  # C
    cash_ratio: Float[Array, "*draw"]  # C/W
    patronage: Float[Array, "*draw"]  # A, 0 to 1
    fx_ratio: Float[Array, "*draw"]  # f
    dollars_sold: Float[Array, "*draw"]  # fx_share F
    shortfall: Float[Array, "*draw"]  # u, 0 to 1


def norm_cash(par: EconomyParameters) -> Float[Array, "*draw"]:
    """Cash of an ordinary week, W, in bn USD a week."""
    volume = par.output_norm - par.home_use
    return jnp.asarray(par.cash_share * volume * (par.price_norm - par.discount_norm) * BN_A_WEEK + par.other_income)


def norm_state(par: EconomyParameters) -> EconomyState:
    """State before any quarantine: norm output and stock, full reserves, norm gap."""
    shape = jnp.broadcast_shapes(*(jnp.shape(leaf) for leaf in jax.tree.leaves(par)))
    start = (par.output_norm, par.stock_norm, 0.0, par.usable_reserves, par.gap_norm)
    return EconomyState(*(jnp.broadcast_to(jnp.asarray(x, dtype=float), shape) for x in start))


def draw_noise(key: PRNGKeyArray, shape: tuple[int, ...]) -> EconomyNoise:
    """Draw the week's noises, each from the part of the key that bears its name."""
    keys = named_keys(key, NOISES)
    return EconomyNoise(*(jax.random.normal(keys[name], shape) for name in NOISES))


def step(
    key: PRNGKeyArray, state: EconomyState, inputs: EconomyInput, par: EconomyParameters
) -> tuple[EconomyState, EconomyInfo]:
    """Advance a week.

    Args:
        key: key of this module for this week.
        state: state at the start of the week.
        inputs: quarantine, exempt flow, Brent and relief of the week.
        par: parameters; arrays of the same rank as the state, or scalars.

    Returns:
        State at the end of the week, and what happened in it.
    """
    return advance(draw_noise(key, state.output.shape), state, inputs, par)


def advance(
    noise: EconomyNoise, state: EconomyState, inputs: EconomyInput, par: EconomyParameters
) -> tuple[EconomyState, EconomyInfo]:
    """Advance a week with noises given, so that a counterfactual can keep them and change the input."""
    bite = _bite(state, inputs, par)
    exports = _exports(noise, bite, state, inputs, par)
    stock = jnp.maximum(0.0, state.stock + DAYS * (state.output - par.home_use - exports) / 1000.0)
    fill = jnp.clip((stock / par.stock_capacity - par.fill_start) / (1.0 - par.fill_start), 0.0, 1.0)
    sustained = par.output_norm * (1.0 - fill) + (exports + par.home_use) * fill
    output = state.output + par.closure_speed * (jnp.minimum(par.output_norm, sustained) - state.output)

    norm = norm_cash(par)
    price = jnp.maximum(0.0, inputs.brent - par.discount_norm - par.discount_risk * bite)
    income = par.cash_share * exports * price * BN_A_WEEK + par.other_income + inputs.relief
    saved = par.windfall_saved * jnp.maximum(0.0, income - norm)
    drawn = jnp.minimum(par.draw_rate * state.reserves, jnp.maximum(0.0, norm - income))
    cash = income - saved + drawn
    ratio = cash / norm
    patronage = jnp.minimum(jnp.minimum(1.0, ratio) ** par.patronage_priority, ratio / par.patronage_share)
    rest = cash - par.patronage_share * norm * patronage
    supply = rest / ((1.0 - par.patronage_share) * norm)
    scarce = par.gap_norm - par.gap_elasticity * jnp.log(jnp.maximum(supply, FLOOR_SUPPLY))
    target = scarce + par.noise * par.gap_noise * noise.currency
    log_gap = par.gap_persistence * state.log_gap + (1.0 - par.gap_persistence) * target
    after = EconomyState(output, stock, bite, state.reserves - drawn + saved, log_gap)
    info = EconomyInfo(
        exports=exports,
        income=income,
        drawn=drawn,
        saved=saved,
        cash=cash,
        cash_ratio=ratio,
        patronage=patronage,
        fx_ratio=supply,
        dollars_sold=par.fx_share * rest,
        shortfall=1.0 - jnp.minimum(1.0, supply),
    )
    return after, info


def _bite(state: EconomyState, inputs: EconomyInput, par: EconomyParameters) -> Float[Array, "*draw"]:
    """How far shippers heed the quarantine at the end of the week."""
    goal = jnp.asarray(inputs.quarantine * (1.0 - inputs.eased))
    return state.bite + jnp.where(goal > state.bite, par.bite_speed, par.return_speed) * (goal - state.bite)


def _exports(
    noise: EconomyNoise,
    bite: Float[Array, "*draw"],
    state: EconomyState,
    inputs: EconomyInput,
    par: EconomyParameters,
) -> Float[Array, "*draw"]:
    """Oil loaded in the week, kb/d: the exempt flow first, of the rest what the quarantine lets pass."""
    surplus = jnp.maximum(0.0, state.stock - par.stock_norm) * (1000.0 / DAYS) * par.stock_drain * (1.0 - bite)
    want = state.output - par.home_use + surplus
    exempt = jnp.minimum(inputs.exempt, want)
    planned = exempt + (1.0 - bite) * jnp.maximum(0.0, want - exempt)
    spread = par.noise * par.export_noise
    loaded = planned * jnp.exp(spread * noise.loading - 0.5 * spread**2)
    return jnp.minimum(loaded, state.output - par.home_use + state.stock * (1000.0 / DAYS))
