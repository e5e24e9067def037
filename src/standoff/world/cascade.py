"""Cascade: what the ending does to region and markets (a structural causal model, monthly).

A prime marks the value at the end of the month, j a host, [] an indicator. Every variable has one equation
and one noise, in this order:

    break ~ L(c0 + c1 frag + c2 insider)                             command of the forces breaks down
    v' = max(0, .8 v + .2 (frag + kg groups break + kq quagmire) + sd_v n_v)              violence
    exports = planned exp(-a_x v' + sd_x n_x - sd_x^2/2)             loss = (exports_norm - exports)/1000
    e' = .8 e + (loss - loss_before)(1 - buffer)/world/(e_s - e_d)   m' = m + sd_p n_p    P/P0 = exp(e' + m')
    c = 1 - oil + oil exports/exports_norm exp(e')                   A = min(min(1, c)^zeta, c/pi)
    u = 1 - min(1, (c - pi A)/(1 - pi))                              shortfall, as in module 1 without reserves
    outflow = norm exp(a_u (u - u0) + a_v v' + sd_o n_o)(1 - border) host j: stock_j^sticky / sum
    supply = supplied kept min(1, exports/exports_norm)              output of the ally: see `ally`
    conflict                                                         whether it begins: see `conflict`

L the logistic, frag share of power that fights and insider whether one of the old order leads (module 7, 0 to
1), groups armed groups over their number before, planned exports of module 1 and exports_norm (thousand
barrels a day, kb/d), loss and world (million barrels a day), e effect of the loss on the log oil price, m
other news in it, e_s and e_d elasticities of supply and demand, c cash over its norm, oil share of oil in it,
outflow (persons a month), border share of it that is turned back, kept share of the ally's supply that the
new order keeps up. The effect e of a loss is full in its first month and fades by a fifth a month: others
produce more.

Interventions are inputs: `do` fixes exports, successor (insider, fragmentation), border or ally supply, and
cuts these off from what causes them; whatever lies behind follows its equation. Abduction, action,
prediction: the info of a month keeps its noises; `counterfactual` runs another input on them. Nothing here
is ever fed back into the past.

Switches: `command_fragment` and `command_insider` 0 (M17); `outflow_shortage` and `outflow_violence` 0 and
`buffer` 1 (M19); `energy_output_elasticity` 0 or `ally_supplied` 0 (M20); `noise` 0 silences the normal
noises and `events` 0 draws no breakdown and no conflict.

References: Pearl (2009), Causality, chapter 7; price: Kilian & Murphy (2014), Caldara et al. (2019),
Baumeister & Hamilton (2019). Three things without an equation in the design enter by a parameter each: what
violence takes from exports (0 by default), the sizes of the noises, and the share of oil in cash.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PRNGKeyArray

from standoff.world import ally
from standoff.world.conflict import conflict_chance
from standoff.world.noise import named_keys

NOISES = ("command", "violence", "exports", "price", "outflow", "ally", "conflict")
UNIFORM = ("command", "conflict")  # the others are standard normal
Number = Float[Array, "*#draw"] | float
Hosts = Float[Array, "host *#draw"]
OfHosts = Float[Array, "host *draw"]

ELASTICITY_PAIRS = ((0.11, -0.13), (0.15, -0.35), (0.015, -0.26))  # supply, demand
"""Estimates of Caldara et al. (2019), Baumeister & Hamilton (2019) and Kilian & Murphy (2014)."""


class CascadeParameters(eqx.Module):
    """What region and markets are like. Draws stand on the last axis, hosts on the first.

    Levels (barrels, persons) come from the case; 0 leaves the part out. `noise` and `events` are switches.
    """

    host_stock: Hosts  # persons in each host at the start, above 0
    outflow_norm: Number = 0.0  # persons a month
    exports_norm: Number = 0.0  # kb/d
    oil_share: Number = 0.0  # share of oil in normal cash, 0 to 1
    ally_own: Number = 0.0  # own output of the ally, kb/d
    ally_imports: Number = 0.0  # all its imports before, kb/d
    ally_supplied: Number = 0.0  # of these from the target, kb/d
    ally_stock: Number = 0.0  # in its tanks at the start, mb
    command_norm: Number = -3.0  # c0, logit per month
    command_fragment: Number = 2.0  # c1, logit per unit of fragmentation
    command_insider: Number = -1.0  # c2, logit if an insider succeeds
    violence_persistence: Number = 0.8  # a month
    violence_groups: Number = 0.3  # kg, index when command breaks
    violence_quagmire: Number = 0.5  # kq, index
    violence_exports: Number = 0.0  # a_x, log of exports lost per unit of violence
    oil_supply_elasticity: Number = 0.0825  # e_s
    oil_demand_elasticity: Number = -0.24  # e_d
    world_oil: Number = 104.0  # mb/d
    buffer: Number = 0.5  # share of a loss met from stocks and spare capacity
    price_persistence: Number = 0.8  # a month
    patronage_share: Number = 0.35  # pi, as in module 1
    patronage_priority: Number = 0.5  # zeta, as in module 1
    shortfall_norm: Number = 0.0  # u0, 0 to 1
    outflow_shortage: Number = 1.6  # a_u, log per unit of shortfall
    outflow_violence: Number = 1.2  # a_v, log per unit of violence
    host_stickiness: Number = 0.7  # exponent of past stock
    intent_conversion: Number = 0.06  # net outflow of two years over those who say they wish to leave
    ally_substitution: Number = 0.25  # share of a cut replaced within three months
    energy_output_elasticity: Number = 0.35  # log output per log energy
    conflict_year: Number = 0.0355  # base, chance a year
    firc_civil_war: Number = 2.2  # ratio over ten years after imposed change
    firc_leader_only: Number = 3.0  # the same if only the leader is changed
    violence_noise: Number = 0.02  # sd, index, a month (judgement)
    exports_noise: Number = 0.05  # sd of the log, a month (0.1 a week)
    price_noise: Number = 0.1  # sd of the log, a month (0.05 a week)
    outflow_noise: Number = 0.3  # sd of the log, a month (judgement)
    ally_noise: Number = 0.01  # sd of the log, a month (judgement)
    noise: Number = 1.0  # switch
    events: Number = 1.0  # switch


class CascadeState(eqx.Module):
    """What next month needs of this one."""

    violence: Float[Array, "*draw"]  # v, index, 0 or more
    loss: Float[Array, "*draw"]  # mb/d already in the price
    price_effect: Float[Array, "*draw"]  # e, log
    price_news: Float[Array, "*draw"]  # m, log
    host_stock: OfHosts  # persons
    ally_stock: Float[Array, "*draw"]  # mb
    ally_replaced: Float[Array, "*draw"]  # share of the cut, 0 to 1
    conflict: Bool[Array, "*draw"]  # whether one has begun


class Intervention(eqx.Module):
    """A variable set from outside: `value` where `on` is 1; where it is 0 the variable follows its equation."""

    value: Number = 0.0  # in the variable's own unit
    on: Number = 0.0  # 0 or 1


class Do(eqx.Module):
    """The four interventions; `insider` and `fragmentation` together are do(successor)."""

    exports: Intervention = Intervention()  # kb/d
    insider: Intervention = Intervention()  # 0 to 1
    fragmentation: Intervention = Intervention()  # 0 to 1
    border: Intervention = Intervention()  # share turned back, 0 to 1
    ally_supply: Intervention = Intervention()  # kb/d


class CascadeInput(eqx.Module):
    """What the ending and the month bring."""

    fragmentation: Number  # share of power that fights, 0 to 1 (module 7)
    insider: Number  # 1 if one of the old order leads (module 7)
    exports: Number = 0.0  # planned, kb/d (module 1)
    quagmire: Number = 0.0  # 1 in a long ground war (module 4)
    groups: Number = 1.0  # armed groups over their number before, ratio
    border: Number = 0.0  # share of the outflow turned back, 0 to 1
    ally_kept: Number = 1.0  # share of the ally's supply that the new order keeps up, 0 to 1
    conflict_ratio: Number = 1.0  # of the mode of exit, see `conflict`
    imposed: Number = 0.0  # 1 if the change was imposed by another state and no restoration
    leader_only: Number = 0.0  # 1 if it changed the leader alone
    do: Do = Do()


class CascadeNoise(eqx.Module):
    """The month's noises: `command` and `conflict` uniform, the others standard normal."""

    command: Number
    violence: Number
    exports: Number
    price: Number
    outflow: Number
    ally: Number
    conflict: Number


class CascadeInfo(eqx.Module):
    """What a reader of the run needs; units stand in `UNITS`. Chances are per month."""

    breakdown: Float[Array, "*draw"]
    broken: Bool[Array, "*draw"]
    violence: Float[Array, "*draw"]
    exports: Float[Array, "*draw"]
    loss: Float[Array, "*draw"]
    price_effect: Float[Array, "*draw"]
    price_ratio: Float[Array, "*draw"]
    shortfall: Float[Array, "*draw"]
    outflow: Float[Array, "*draw"]
    arrivals: OfHosts
    ally_supply: Float[Array, "*draw"]
    ally_lost: Float[Array, "*draw"]
    ally_output: Float[Array, "*draw"]
    ally_patronage: Float[Array, "*draw"]
    conflict_chance: Float[Array, "*draw"]
    conflict_begins: Bool[Array, "*draw"]
    noise: CascadeNoise


UNITS = {
    "breakdown": "chance per month",
    "broken": "yes or no",
    "violence": "index, 1 is a country that fights",
    "exports": "thousand barrels a day",
    "loss": "million barrels a day",
    "price_effect": "log of the oil price, by the loss alone",
    "price_ratio": "oil price over that before the ending",
    "shortfall": "share of normal imports that cannot be paid, 0 to 1",
    "outflow": "persons a month",
    "arrivals": "persons a month, by host",
    "ally_supply": "thousand barrels a day",
    "ally_lost": "share of the ally's energy, 0 to 1",
    "ally_output": "log of the ally's output over its norm",
    "ally_patronage": "patronage ratio of the ally's coalition, 0 to 1",
    "conflict_chance": "chance per month of a new armed conflict (25 dead)",
    "conflict_begins": "yes or no",
}


def elasticity_pair(uniform: Number) -> tuple[Float[Array, "*draw"], Float[Array, "*draw"]]:
    """Elasticities of supply and demand drawn together from the published pairs, by a uniform."""
    supply, demand = jnp.asarray(ELASTICITY_PAIRS).T
    index = jnp.minimum(jnp.asarray(uniform) * len(ELASTICITY_PAIRS), len(ELASTICITY_PAIRS) - 1.0).astype(int)
    return supply[index], demand[index]


def price_response(loss: Number, par: CascadeParameters) -> Float[Array, "*draw"]:
    """Change of the log oil price in the first month of a loss of supply (mb/d)."""
    reach = par.oil_supply_elasticity - par.oil_demand_elasticity
    return jnp.asarray(loss * (1.0 - par.buffer) / par.world_oil / reach)


def leavers(intent: Number, population: Number, par: CascadeParameters) -> Float[Array, "*draw"]:
    """Persons who go within two years, of a population of which a share says that it wishes to leave."""
    return jnp.asarray(par.intent_conversion * intent * population)


def norm_state(par: CascadeParameters) -> CascadeState:
    """State at the ending: no violence, nothing lost, full tanks at the ally's."""
    scalars = [jnp.shape(value) for name, value in vars(par).items() if name != "host_stock"]
    shape = jnp.broadcast_shapes(jnp.shape(par.host_stock)[1:], *scalars)
    zero = jnp.zeros(shape)
    return CascadeState(
        violence=zero,
        loss=zero,
        price_effect=zero,
        price_news=zero,
        host_stock=jnp.broadcast_to(_over_draws(par.host_stock, len(shape)), (par.host_stock.shape[0], *shape)),
        ally_stock=jnp.broadcast_to(jnp.asarray(par.ally_stock, dtype=float), shape),
        ally_replaced=zero,
        conflict=jnp.zeros(shape, dtype=bool),
    )


def draw_noise(key: PRNGKeyArray, shape: tuple[int, ...]) -> CascadeNoise:
    """Draw the month's noises, each from the part of the key that bears its name."""
    keys = named_keys(key, NOISES)
    sources = [jax.random.uniform if name in UNIFORM else jax.random.normal for name in NOISES]
    return CascadeNoise(*(source(keys[name], shape) for source, name in zip(sources, NOISES, strict=True)))


def step(
    key: PRNGKeyArray, state: CascadeState, inputs: CascadeInput, par: CascadeParameters
) -> tuple[CascadeState, CascadeInfo]:
    """Advance a month.

    Args:
        key: key of this module for this month.
        state: state at the start of the month.
        inputs: what the ending and the month bring, and interventions.
        par: parameters; arrays of the same rank as the state, or scalars.

    Returns:
        State at the end of the month, and what happened in it, noises included.
    """
    return advance(draw_noise(key, state.violence.shape), state, inputs, par)


def advance(
    noise: CascadeNoise, state: CascadeState, inputs: CascadeInput, par: CascadeParameters
) -> tuple[CascadeState, CascadeInfo]:
    """Advance a month with noises given, so that a counterfactual can keep them and change the input."""
    do = inputs.do
    shape = state.violence.shape
    fragmentation = _set(do.fragmentation, inputs.fragmentation)
    insider = _set(do.insider, inputs.insider)
    stress = par.command_fragment * fragmentation + par.command_insider * insider
    breakdown = jnp.broadcast_to(jax.nn.sigmoid(par.command_norm + stress), shape)
    broken = noise.command < par.events * breakdown
    armed = jnp.where(broken, par.violence_groups * inputs.groups, 0.0)
    source = fragmentation + armed + par.violence_quagmire * inputs.quagmire
    held = par.violence_persistence * state.violence + (1.0 - par.violence_persistence) * source
    violence = jnp.maximum(0.0, held + par.noise * par.violence_noise * noise.violence)

    spread = par.noise * par.exports_noise
    drift = spread * noise.exports - 0.5 * spread**2 - par.violence_exports * violence
    exports = jnp.broadcast_to(_set(do.exports, inputs.exports * jnp.exp(drift)), shape)
    loss = jnp.broadcast_to((par.exports_norm - exports) / 1000.0, shape)
    effect = par.price_persistence * state.price_effect + price_response(loss - state.loss, par)
    news = state.price_news + par.noise * par.price_noise * noise.price
    flow = exports / jnp.where(jnp.asarray(par.exports_norm) > 0.0, par.exports_norm, 1.0)
    shortfall = jnp.broadcast_to(_shortfall(flow * jnp.exp(effect), par), shape)

    wish = par.outflow_shortage * (shortfall - par.shortfall_norm) + par.outflow_violence * violence
    wish = wish + par.noise * par.outflow_noise * noise.outflow
    outflow = par.outflow_norm * jnp.exp(wish) * (1.0 - _set(do.border, inputs.border))
    pull = state.host_stock ** _over_hosts(par.host_stickiness)
    arrivals = outflow[None] * pull / jnp.sum(pull, axis=0, keepdims=True)

    sent = par.ally_supplied * inputs.ally_kept * jnp.minimum(1.0, flow)
    supply = jnp.broadcast_to(_set(do.ally_supply, sent), shape)
    cut = jnp.maximum(0.0, par.ally_supplied - supply)
    kept = (state.ally_stock, state.ally_replaced, par.ally_substitution)
    tank = ally.run_down(cut, *kept, par.ally_own, par.ally_imports)
    output = ally.log_output(tank.lost, par.energy_output_elasticity) + par.noise * par.ally_noise * noise.ally

    ratios = (inputs.conflict_ratio, inputs.imposed, inputs.leader_only, par.firc_civil_war, par.firc_leader_only)
    chance = jnp.where(state.conflict, 0.0, conflict_chance(par.conflict_year, *ratios))
    begins = noise.conflict < par.events * chance
    after = CascadeState(
        violence=violence,
        loss=loss,
        price_effect=effect,
        price_news=news,
        host_stock=state.host_stock + arrivals,
        ally_stock=tank.stock,
        ally_replaced=tank.replaced,
        conflict=state.conflict | begins,
    )
    info = CascadeInfo(
        breakdown=breakdown,
        broken=broken,
        violence=violence,
        exports=exports,
        loss=loss,
        price_effect=effect,
        price_ratio=jnp.exp(effect + news),
        shortfall=shortfall,
        outflow=outflow,
        arrivals=arrivals,
        ally_supply=supply,
        ally_lost=tank.lost,
        ally_output=output,
        ally_patronage=jnp.minimum(1.0, jnp.exp(output)),
        conflict_chance=chance,
        conflict_begins=begins,
        noise=noise,
    )
    return after, info


def over_months(inputs: CascadeInput, months: int, shape: tuple[int, ...]) -> CascadeInput:
    """The same input in every month, with an axis for months in front, as `predict` wants it."""
    whole: CascadeInput = jax.tree.map(
        lambda x: jnp.broadcast_to(jnp.asarray(x, dtype=float), (months, *shape)), inputs
    )
    return whole


def predict(
    noise: CascadeNoise, state: CascadeState, inputs: CascadeInput, par: CascadeParameters
) -> tuple[CascadeState, CascadeInfo]:
    """Advance through all months of noise and inputs, whose first axis they are; infos have it too."""
    return jax.lax.scan(lambda now, given: advance(given[0], now, given[1], par), state, (noise, inputs))


def counterfactual(
    factual: CascadeInfo, state: CascadeState, inputs: CascadeInput, par: CascadeParameters
) -> tuple[CascadeState, CascadeInfo]:
    """What would have been under other inputs, had all noises been those of a run that was (its infos)."""
    return predict(factual.noise, state, inputs, par)


def _set(do: Intervention, natural: Number) -> Float[Array, "*draw"]:
    """The intervention's value where there is one."""
    return jnp.where(jnp.asarray(do.on) > 0.0, do.value, natural)


def _shortfall(flow: Number, par: CascadeParameters) -> Float[Array, "*draw"]:
    """Share of normal imports that cannot be paid, at this worth of exports over its norm, reserves spent."""
    cash = jnp.asarray(1.0 - par.oil_share + par.oil_share * flow)
    patronage = jnp.minimum(jnp.minimum(1.0, cash) ** par.patronage_priority, cash / par.patronage_share)
    return 1.0 - jnp.minimum(1.0, (cash - par.patronage_share * patronage) / (1.0 - par.patronage_share))


def _over_hosts(value: Number) -> Number:
    """The same for every host: put the host axis in front, unless it is a scalar."""
    return value if jnp.ndim(value) == 0 else jnp.expand_dims(jnp.asarray(value), 0)


def _over_draws(stock: Hosts, rank: int) -> Hosts:
    """Hosts without draws get axes for them."""
    return stock.reshape(stock.shape + (1,) * (rank + 1 - stock.ndim))
