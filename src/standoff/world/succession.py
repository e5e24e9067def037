"""Succession: who takes over, whether the order holds, for how long (event, then weekly to week 52).

k contender, s next order, i interval of days, t days since the exit or since the leader took over.

    P(s|mode) = base[mode, s] exp(order_tilt x_s)/sum
        x_new = (split - split_norm)                    x_democracy = (opposition - opposition_norm) + (aim - aim_norm)
        x_same = 0                                      x_nobody = (x_new + opposition - opposition_norm)/2
    ln power_k(t) = wf f + wl l + wp p + (wv v exp(-lag/T) + s0 n_k) exp(-t/T)
                    + officer_weight military_k (logit officer[mode] - logit OFFICER_NORM)
    logit c = c0 + c1 guarantor + c2 personal [leader gone]
    with chance c: leader by the contest; else the strongest of the ruling coalition, and those left out may fight
    coup = base e^y/(1 - base + base e^y), y = coup_tilt (strongest force - strongest claim), attempt in 30 days
    h_i = base[mode, i] exp(-fall_tilt (share of power of the leader in the middle of i - consolidation_norm))
          + (h_coup - h_coup at tilt 0) early(i),  i up to day 30,   h_coup = -ln(1 - success coup)
    a fall after day 30 ends the same regime with chance (1 - alive)/(S(30) - S(365)), base survival S
    deal = L(d0 + d1 leverage + d2 (v - 2 rival) + d3 own exposure), within 90 days at an even rate

f force, l legal claim, p purse, v foreign backing of which `rival` comes from outside powers other than the
coercer (shares, 0 to 1), n_k luck (standard normal), T and lag in days, split of the army, opposition's force,
aim (wish of the coercer to change the order), leverage (share of export income that the coercer controls),
personal rule, exposure to courts: 0 to 1. c commitment: chance that shares promised inside the old coalition
are believed. Those compete who may lead the order drawn: insiders in the same regime, outsiders in a democracy,
all otherwise. Leader `count` is somebody not named, `count + 1` nobody. Somebody who falls is followed by the
contest of that day without him, after a coup by the strongest in arms.

Switches. M17: commit_leader_gone, commit_guarantor, coup_tilt at 0; M18: w_backing, deal_backing at 0; M21:
first_noise 0 and first_days infinite. order_tilt, coup_tilt, fall_tilt, officer_weight at 0 return base rates;
commit_norm infinite or fight_cost 1: no fragmentation.

Reference: Acemoglu, Egorov & Sonin (2008) and Skaperdas (1996), see `contest`; base rates, see `exit_mode`.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.scipy.special import logit
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from standoff.world.contest import (
    Chances,
    Members,
    Struggle,
    contest,
    one_hot,
    over_contenders,
    pick,
    strongest,
    struggle,
)
from standoff.world.exit_mode import (
    BREAKS,
    EARLY,
    STARTS,
    ExitRates,
    Hazard,
    Mixture,
    Orders,
    base_rates,
    cumulative_hazard,
    end_share,
    fall_day,
    of_mode,
    tilted_chance,
    tilted_orders,
)
from standoff.world.noise import named_keys

NOISES = ("patience", "cause", "ending", "order", "leader")
OFFICER_NORM = 223.0 / 552.0  # next leaders with a military career, all modes
# Who may lead an order: outsider, insider.
MAY_LEAD = ((False, True), (True, True), (True, False), (True, True))
NOBODY = 3  # index of the order without central power
DEAL_DAYS = 90.0
# Inputs with an axis of modes or contenders in front.
LED = ("mode", "force", "legal", "backing", "purse", "insider", "military", "present", "rival_backing", "exposure")
MIDDLES = tuple((low + high) / 2.0 for low, high in zip(STARTS, BREAKS, strict=True))  # days
Number = Float[Array, "*#draw"] | float
Leaders = Float[Array, "leader *draw"]  # contenders, somebody not named, nobody
Contender = Float[Array, "contender *#draw"]
Drawn = Float[Array, "*draw"]


class SuccessionParameters(eqx.Module):
    """What contests of succession are like; scalars or arrays with draws last."""

    rates: ExitRates = eqx.field(default_factory=base_rates)
    decisiveness: Number = 1.5  # m, exponent
    w_force: Number = 1.0  # log strength per unit
    w_legal: Number = 0.7  # log strength per unit
    w_backing: Number = 0.6  # log strength per unit on the first day
    w_purse: Number = 0.5  # log strength per unit
    first_days: Number = 7.0  # T, days over which first moves and luck fade
    first_noise: Number = 0.8  # s0, log strength
    winning_share: Number = 0.5  # alpha, share of power
    fight_cost: Number = 0.35  # share of the prize
    commit_norm: Number = 2.2  # c0, logit
    commit_guarantor: Number = 1.0  # c1, logit
    commit_leader_gone: Number = -1.5  # c2, logit per unit of personal rule
    order_tilt: Number = 1.0  # log odds per unit
    coup_tilt: Number = 1.0  # log odds per unit
    fall_tilt: Number = 1.0  # log hazard per unit
    officer_weight: Number = 1.0  # log strength per unit of log odds
    opposition_norm: Number = 0.5  # force of the opposition in the average case, 0 to 1 (judgement)
    split_norm: Number = 0.5  # split of the army in the average case, 0 to 1 (judgement)
    aim_norm: Number = 0.5  # wish of the coercer for another order in the average case, 0 to 1 (judgement)
    consolidation_norm: Number = 0.34  # share of power of the leader among four of random strength (simulated)
    coup_success: Number = 0.4  # chance that an attempt succeeds
    deal_norm: Number = -0.5  # d0, logit
    deal_leverage: Number = 1.0  # d1, logit per unit
    deal_backing: Number = 0.5  # d2, logit per unit
    deal_exposure: Number = -0.5  # d3, logit per unit


class SuccessionInput(eqx.Module):
    """How he went, and who stands ready. Arrays of contenders share one rank with those of modes."""

    mode: Float[Array, "mode *#draw"]  # mixture of modes, see `exit_mode.modes_of`; scaled to sum 1
    force: Contender  # f, 0 to 1
    legal: Contender  # l, 0 to 1
    backing: Contender  # v, 0 to 1
    purse: Contender  # p, 0 to 1
    insider: Contender  # 1 of the old regime, 0 of its opposition
    military: Contender | float = 0.0  # 1 with a military career
    present: Contender | float = 1.0  # 0 for one who cannot stand
    rival_backing: Contender | float = 0.0  # part of v from others than the coercer
    exposure: Contender | float = 0.0  # own exposure to courts without terms, 0 to 1
    backing_day: Number = 0.0  # day on which the backing came
    personal: Number = 0.5  # personal rule, 0 to 1
    gone: Number = 1.0  # 1 if the leader is gone
    guarantor: Number = 0.0  # 1 with an outside guarantor
    opposition: Number = 0.5  # force of the opposition, 0 to 1
    split: Number = 0.5  # split of the army, 0 to 1
    aim: Number = 0.5  # 0 the leader alone, 1 another order
    leverage: Number = 0.0  # share of export income the coercer controls


class SuccessionNoise(eqx.Module):
    """Uniform noises of a week, used only if the leader falls in it."""

    patience: Drawn
    cause: Drawn
    ending: Drawn
    order: Drawn
    leader: Drawn


class SuccessionState(eqx.Module):
    """Who leads, and how firmly."""

    mode: Mixture  # 1 for the mode drawn
    order: Int[Array, "*draw"]
    leader: Int[Array, "*draw"]
    days: Float[Array, "*draw"]  # since he took over
    week: Float[Array, "*draw"]  # since the exit
    patience: Float[Array, "*draw"]  # unit exponential: he falls when his hazard has summed to it
    luck: Contender  # n_k


class SuccessionInfo(eqx.Module):
    """What a reader of the week needs."""

    fall: Float[Array, "*draw"]  # chance of the leader's fall in the week
    coup_share: Float[Array, "*draw"]  # chance that a fall is a coup
    end_share: Float[Array, "*draw"]  # chance that a fall ends the regime
    fallen: Bool[Array, "*draw"]
    by_coup: Bool[Array, "*draw"]
    ended: Bool[Array, "*draw"]


class Followed(eqx.Module):
    """Who follows a leader, should he fall."""

    order: Int[Array, "*draw"]
    leader: Int[Array, "*draw"]
    by_coup: Bool[Array, "*draw"]
    ended: Bool[Array, "*draw"]  # the regime ends with him
    end_share: Float[Array, "*draw"]  # chance of that


def order_chance(hot: Float[Array, "mode *#draw"], inputs: SuccessionInput, par: SuccessionParameters) -> Orders:
    """Chance of each next order after a mode (1 for it, 0 for the others)."""
    opposition = inputs.opposition - par.opposition_norm
    split = inputs.split - par.split_norm
    aim = inputs.aim - par.aim_norm
    tilts = (0.0, split, opposition + aim, 0.5 * (split + opposition))
    return tilted_orders(of_mode(par.rates.order, hot, 1), tuple(par.order_tilt * tilt for tilt in tilts))


def commitment(inputs: SuccessionInput, par: SuccessionParameters) -> Drawn:
    """Chance c that shares promised inside the old coalition are believed."""
    referee = par.commit_leader_gone * inputs.personal * inputs.gone
    return jnp.asarray(jax.nn.sigmoid(par.commit_norm + par.commit_guarantor * inputs.guarantor + referee))


def log_power(
    day: Number, luck: Contender, hot: Float[Array, "mode *#draw"], inputs: SuccessionInput, par: SuccessionParameters
) -> Chances:
    """Log strength of each contender on a day."""
    fade = over_contenders(jnp.exp(-jnp.asarray(day) / par.first_days))
    late = over_contenders(jnp.exp(-jnp.asarray(inputs.backing_day) / par.first_days))
    lasting = over_contenders(par.w_force) * inputs.force + over_contenders(par.w_legal) * inputs.legal
    lasting = lasting + over_contenders(par.w_purse) * inputs.purse
    early = over_contenders(par.w_backing) * inputs.backing * late + over_contenders(par.first_noise) * luck
    odds = logit(of_mode(par.rates.officer, hot)) - logit(jnp.asarray(OFFICER_NORM))
    return lasting + early * fade + over_contenders(par.officer_weight * odds) * inputs.military


def may_lead(order: Int[Array, "*draw"], inputs: SuccessionInput) -> Members:
    """Who competes within an order."""
    outsider, insider = jnp.asarray(MAY_LEAD).T
    inside = jnp.asarray(inputs.insider) > 0.5
    return (jnp.asarray(inputs.present) > 0.5) & jnp.where(inside, insider[order][None], outsider[order][None])


def attempt_chance(hot: Float[Array, "mode *#draw"], inputs: SuccessionInput, par: SuccessionParameters) -> Drawn:
    """Chance of a coup attempt within 30 days: likelier where the strongest in arms outweighs the best claim."""
    present = jnp.asarray(inputs.present) > 0.5
    force, claim = (jnp.max(jnp.where(present, x, 0.0), axis=0) for x in (inputs.force, inputs.legal))
    return tilted_chance(of_mode(par.rates.attempt, hot), par.coup_tilt * (force - claim))


def tenure(
    hot: Float[Array, "mode *#draw"],
    leader: Chances,
    eligible: Members,
    since: Number,
    luck: Contender,
    inputs: SuccessionInput,
    par: SuccessionParameters,
) -> tuple[Hazard, Drawn]:
    """Hazard of the leader's fall by interval since he took over, and the share of it that is a coup up to day 30.

    Args:
        hot: mode of exit.
        leader: 1 for the leader; 0 everywhere if he is not named.
        eligible: who competes.
        since: day on which he took over.
        luck: n_k.
        inputs: contenders and circumstances.
        par: parameters.

    Returns:
        Hazards by interval, and chance that a fall within 30 days is a coup.
    """
    base = of_mode(par.rates.hazard, hot, 1)
    days = jnp.asarray(since)[None] + jnp.asarray(MIDDLES).reshape((-1,) + (1,) * jnp.ndim(since))
    power = jax.vmap(log_power, (0, None, None, None, None))(days, luck, hot, inputs, par)
    held = jnp.sum(jax.vmap(contest, (0, None))(power, eligible) * leader[None], axis=1)
    named = jnp.sum(leader, axis=0, keepdims=True) > 0.0
    excess = jnp.where(named, held - over_contenders(par.consolidation_norm), 0.0)
    hazard = base * jnp.exp(-over_contenders(par.fall_tilt) * excess)
    plain = -jnp.log1p(-par.coup_success * of_mode(par.rates.attempt, hot))
    coup = -jnp.log1p(-par.coup_success * attempt_chance(hot, inputs, par))
    month = jnp.sum(base[:EARLY], axis=0)
    early = base[:EARLY] / jnp.where(month > 0.0, month, 1.0)[None]
    first = jnp.maximum(hazard[:EARLY] + (coup - plain)[None] * early, 0.0)
    total = jnp.sum(first, axis=0)
    share = jnp.clip(coup / jnp.where(total > 0.0, total, jnp.inf), 0.0, 1.0)
    return jnp.concatenate([first, hazard[EARLY:]]), share


def deals(inputs: SuccessionInput, par: SuccessionParameters) -> Leaders:
    """Chance of a deal with the coercer within 90 days: each contender, somebody not named, nobody (none)."""
    from_coercer = inputs.backing - 2.0 * inputs.rival_backing
    common = over_contenders(par.deal_norm + par.deal_leverage * inputs.leverage)
    own = over_contenders(par.deal_backing) * from_coercer + over_contenders(par.deal_exposure) * inputs.exposure
    score = common + own
    unnamed = jnp.broadcast_to(jnp.asarray(common, dtype=float), (1, *score.shape[1:]))
    return jnp.concatenate([jax.nn.sigmoid(score), jax.nn.sigmoid(unnamed), jnp.zeros_like(unnamed)])


def deal_by(chance: Float[Array, "..."], day: float) -> Float[Array, "..."]:
    """Chance of a deal by a day, from that within 90 days."""
    return 1.0 - (1.0 - chance) ** (min(day, DEAL_DAYS) / DEAL_DAYS)


def mixture(mode: Float[Array, "mode *#draw"]) -> Float[Array, "mode *#draw"]:
    """Modes scaled to sum 1; a regular exit where the sum is 0."""
    total = jnp.sum(mode, axis=0, keepdims=True)
    regular = one_hot(jnp.zeros(mode.shape[1:], dtype=int), mode.shape[0])
    return jnp.where(total > 0.0, mode / jnp.where(total > 0.0, total, 1.0), regular)


def aligned(inputs: SuccessionInput, draw_axes: int) -> SuccessionInput:
    """Give every array of contenders or modes the same axes for draws."""
    names = (
        "mode",
        "force",
        "legal",
        "backing",
        "purse",
        "insider",
        "military",
        "present",
        "rival_backing",
        "exposure",
    )
    bare = {name: x for name in names if jnp.ndim(x := getattr(inputs, name)) == 1}
    shaped = [x.reshape((-1,) + (1,) * draw_axes) for x in bare.values()]
    found: SuccessionInput = eqx.tree_at(lambda tree: [getattr(tree, name) for name in bare], inputs, shaped)
    return found


def settle(strength: Chances, eligible: Members, par: SuccessionParameters) -> Struggle:
    """The contest with the module's parameters."""
    return struggle(strength, eligible, par.decisiveness, par.winning_share, par.fight_cost)


def follow(
    noise: SuccessionNoise,
    state: SuccessionState,
    day: Float[Array, "*draw"],
    coup_share: Float[Array, "*draw"],
    inputs: SuccessionInput,
    par: SuccessionParameters,
) -> Followed:
    """Who follows a leader that falls so many days after taking over, should he fall."""
    count = inputs.force.shape[0]
    by_coup = (day <= BREAKS[EARLY - 1]) & (noise.cause < coup_share)
    ends = end_share(of_mode(par.rates.hazard, state.mode, 1), of_mode(par.rates.alive, state.mode))
    ended = (day > BREAKS[EARLY - 1]) & (state.order == 0) & (noise.ending < ends)
    others = order_chance(state.mode, inputs, par).at[0].set(0.0)
    order = jnp.where(ended, jnp.minimum(pick(noise.order, others), NOBODY), state.order)
    rest = may_lead(order, inputs) & (one_hot(state.leader, count) < 0.5)
    date = 7.0 * state.week - state.days + jnp.where(jnp.isfinite(day), day, 0.0)
    chance = contest(log_power(date, state.luck, state.mode, inputs, par), rest, par.decisiveness)
    leader = pick(noise.leader, jnp.where(by_coup[None], strongest(inputs.force, rest), chance))
    return Followed(order, jnp.where(order == NOBODY, count + 1, leader), by_coup, ended, ends)


def draw_noise(key: PRNGKeyArray, shape: tuple[int, ...]) -> SuccessionNoise:
    """Draw the week's uniform noises, each from the part of the key that bears its name."""
    keys = named_keys(key, NOISES)
    return SuccessionNoise(*(jax.random.uniform(keys[name], shape) for name in NOISES))


def step(
    key: PRNGKeyArray, state: SuccessionState, inputs: SuccessionInput, par: SuccessionParameters
) -> tuple[SuccessionState, SuccessionInfo]:
    """Advance a week after the event.

    Args:
        key: key of this module for this week.
        state: state at the start of the week, first that of `open_contest`.
        inputs: contenders and circumstances of the week.
        par: parameters.

    Returns:
        State at the end of the week, and chances and events of the week.
    """
    return advance(draw_noise(key, state.days.shape), state, inputs, par)


def advance(
    noise: SuccessionNoise, state: SuccessionState, inputs: SuccessionInput, par: SuccessionParameters
) -> tuple[SuccessionState, SuccessionInfo]:
    """Advance a week with noises given; one who takes over in the week counts his days from its end."""
    inputs = aligned(inputs, state.days.ndim)
    count = inputs.force.shape[0]
    eligible = jnp.broadcast_to(may_lead(state.order, inputs), state.luck.shape)
    since = 7.0 * state.week - state.days
    leader = one_hot(state.leader, count)
    hazard, coup_share = tenure(state.mode, leader, eligible, since, state.luck, inputs, par)
    before = cumulative_hazard(hazard, state.days)
    spent = cumulative_hazard(hazard, state.days + 7.0) - before
    fallen = spent >= state.patience
    day = fall_day(hazard, before + state.patience)
    then = follow(noise, state, day, coup_share, inputs, par)
    after = SuccessionState(
        mode=state.mode,
        order=jnp.where(fallen, then.order, state.order),
        leader=jnp.where(fallen, then.leader, state.leader),
        days=jnp.where(fallen, 0.0, state.days + 7.0),
        week=state.week + 1.0,
        patience=jnp.where(fallen, -jnp.log1p(-noise.patience), state.patience - spent),
        luck=state.luck,
    )
    early = jnp.where(state.days < BREAKS[EARLY - 1], coup_share, 0.0)
    late = jnp.where((state.order == 0) & (state.days + 7.0 > BREAKS[EARLY - 1]), then.end_share, 0.0)
    return after, SuccessionInfo(
        fall=1.0 - jnp.exp(-spent),
        coup_share=early,
        end_share=late,
        fallen=fallen,
        by_coup=fallen & then.by_coup,
        ended=fallen & then.ended,
    )
