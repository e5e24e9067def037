"""Coalition: slowly, then at once (weekly).

A prime marks the value at the end of the week, j a faction.

    a_j' = a_j + mu (A - a_j)                              u_j = l_j + rho_j a_j'
    o_j = outside_j + amnesty_weight amnesty_j - courts_weight courts_j
    b_j = tau ln(1 + exp((o_j - u_j)/tau))                 s_j = b_j/(b_j + c_j)
    theta* = sum_j w_j s_j
    z = (strength + lam (L - L0) + threat_weight threat - theta*)/sd
    attempt = Phi(m - z)                                   removal = Phi(-(z + kI (I - I0)))
    L' = L + nu (L_rest - L) - fraud [vote] + display_gain d                d' = d/sqrt(2) + [display]

A patronage ratio (0 to 1), a_j the same smoothed, l_j loyalty, o_j outside option, rho_j worth of full
patronage and c_j punishment (all in utility), w_j weight (shares, sum 1), tau softness, s_j temptation,
theta* threshold and sd weekly spread of hidden strength (shares of weight), z cohesion, L legitimacy, I
insulation, d display still felt. `attempt` and `removal` are chances per week. `strength` is solved so that
the norm (A = 1, L0, I0, no threat) gives the base rate of removal over 52, `m` so that the share of
attempts that succeed is the default there.

Members move only when others do: see `threshold`. The design gives no equation for three things, which
enter here by a parameter each: what a threat does (`threat_weight`, 0 by default), what a failed attempt
adds to insulation, and what it takes from the weight of the faction that led it.

Reference: Morris & Shin (2003), Global Games: Theory and Applications; insulation: De Bruin (2018); the
price of supporters: Bueno de Mesquita et al. (2003), The Logic of Political Survival.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.scipy.special import ndtr, ndtri
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from standoff.world.noise import named_keys
from standoff.world.threshold import diffuse_threshold

WEEKS_A_YEAR = 52.0
NOISES = ("event", "plotter")
Number = Float[Array, "*#draw"] | float
Faction = Float[Array, "faction *#draw"]
OfFactions = Float[Array, "faction *draw"]


class CoalitionParameters(eqx.Module):
    """What a ruling circle is like. The faction axis comes first, draws stand last, scalars fit everywhere.

    Arrays with draws share one rank: `[faction, draw]` beside `[draw]`. `events` is a switch: at 0 chances
    are computed and nothing is drawn.
    """

    weight: Faction  # w_j, share of force and organisation, sum 1
    loyalty: Faction  # l_j, utility
    outside: Faction  # place in another order, utility
    patronage_weight: Faction | float = 0.4  # rho_j, utility of full patronage
    punishment: Faction | float = 0.75  # c_j, utility lost if a defection fails
    temptation_softness: Number = 0.1  # tau, utility
    threshold_sd: Number = 0.05  # sd, share of weight
    removal_hazard_norm: Number = 0.02  # removals a year at the norm
    attempt_success: Number = 0.4  # chance that an attempt succeeds, at the norm
    patronage_memory: Number = 0.125  # mu, a week
    legitimacy_weight: Number = 0.1  # lam, share of weight from none to full
    legitimacy_norm: Number = 0.5  # L0, 0 to 1
    legitimacy_rest: Number = 0.5  # L_rest, to which legitimacy returns
    legitimacy_lost: Number = 0.0  # lost by a disputed vote before the crisis, points (M7; 0: none)
    legitimacy_return: Number = 1.0 / 52.0  # nu, a week
    fraud_shock: Number = 0.3  # points of legitimacy lost by a vote seen as stolen
    display_gain: Number = 0.02  # points of legitimacy a week of display
    insulation_norm: Number = 0.5  # I0, 0 to 1
    coupproof_success: Number = 0.5  # kI, z per unit of insulation
    amnesty_weight: Number = 0.15  # utility of a fully credible amnesty
    courts_weight: Number = 0.15  # utility lost by full exposure to courts
    threat_weight: Number = 0.0  # share of weight per unit of threat
    failure_insulation: Number = 0.1  # added to I by a failed attempt (judgement)
    failure_purge: Number = 0.3  # share of the plotters' weight lost by it (judgement)
    events: Number = 1.0  # switch


class CoalitionState(eqx.Module):
    """What next week needs of this one."""

    patronage: OfFactions  # a_j, 0 to 1
    weight: OfFactions  # w_j
    legitimacy: Float[Array, "*draw"]  # L, 0 to 1
    display: Float[Array, "*draw"]  # d, weeks of display still felt
    insulation: Float[Array, "*draw"]  # I, 0 to 1


class CoalitionInput(eqx.Module):
    """What reaches the circle this week."""

    patronage: Number  # A, 0 to 1
    display: Number = 0.0  # 1 in a week of display
    vote: Number = 0.0  # 1 in the week of a vote seen as stolen
    amnesty: Faction | float = 0.0  # offer times its credibility, 0 to 1
    courts: Faction | float = 0.0  # exposure to courts, 0 to 1
    threat: Number = 0.0  # pressure of the coercer's rung, 0 to 1


class CoalitionNoise(eqx.Module):
    """The week's uniform noises."""

    event: Number  # one for attempt and removal alike
    plotter: Number  # which faction leads


class CoalitionInfo(eqx.Module):
    """What a reader of the run needs. Chances are per week."""

    temptation: OfFactions  # s_j
    threshold: Float[Array, "*draw"]  # theta*
    cohesion: Float[Array, "*draw"]  # z
    removal: Float[Array, "*draw"]  # chance
    attempt: Float[Array, "*draw"]  # chance
    success: Float[Array, "*draw"]  # chance, given an attempt
    removed: Bool[Array, "*draw"]
    attempted: Bool[Array, "*draw"]
    plotter: Int[Array, "*draw"]  # faction that would lead


class Risk(eqx.Module):
    """What the circle might do this week."""

    temptation: OfFactions  # s_j
    threshold: Float[Array, "*draw"]  # theta*
    cohesion: Float[Array, "*draw"]  # z
    removal: Float[Array, "*draw"]  # chance per week


class Calibration(eqx.Module):
    """What is solved from the base rates."""

    strength: Float[Array, "*draw"]  # share of weight
    margin: Float[Array, "*draw"]  # m, in z


def temptation(patronage: Faction | float, inputs: CoalitionInput, par: CoalitionParameters) -> OfFactions:
    """Gain of each faction from a fall, over gain plus punishment, at smoothed patronage a_j (0 to 1)."""
    softness = _over_factions(par.temptation_softness)
    offer = _over_factions(par.amnesty_weight) * inputs.amnesty
    exposure = _over_factions(par.courts_weight) * inputs.courts
    loyalty = par.loyalty + par.patronage_weight * patronage
    gain = softness * jax.nn.softplus((par.outside + offer - exposure - loyalty) / softness)
    return gain / (gain + par.punishment)


def calibrate(par: CoalitionParameters) -> Calibration:
    """Solve strength and the margin of attempts so that the norm returns the base rates."""
    removal = jnp.asarray(par.removal_hazard_norm, dtype=float) / WEEKS_A_YEAR
    norm = diffuse_threshold(par.weight, temptation(1.0, CoalitionInput(patronage=1.0), par))
    cohesion = -ndtri(removal)
    return Calibration(norm + par.threshold_sd * cohesion, cohesion + ndtri(removal / par.attempt_success))


def cohesion(
    threshold: Float[Array, "*#draw"],
    legitimacy: Number,
    threat: Number,
    par: CoalitionParameters,
    solved: Calibration,
) -> Float[Array, "*draw"]:
    """Spreads of hidden strength between the circle and the threshold, z."""
    lost = par.legitimacy_weight * (legitimacy - par.legitimacy_norm)
    return (solved.strength + lost + par.threat_weight * threat - threshold) / par.threshold_sd


def norm_state(par: CoalitionParameters) -> CoalitionState:
    """State before the crisis: patronage in full, insulation at its norm, legitimacy too but for what a vote took."""
    factions = (par.weight, par.loyalty, par.outside, par.patronage_weight, par.punishment)
    shape = jnp.broadcast_shapes(*(jnp.shape(x)[1:] for x in factions), *(jnp.shape(x) for x in _scalars(par)))
    full = (par.weight.shape[0], *shape)
    return CoalitionState(
        patronage=jnp.ones(full),
        weight=jnp.broadcast_to(par.weight, full),
        legitimacy=jnp.broadcast_to(jnp.asarray(par.legitimacy_norm - par.legitimacy_lost, dtype=float), shape),
        display=jnp.zeros(shape),
        insulation=jnp.broadcast_to(jnp.asarray(par.insulation_norm, dtype=float), shape),
    )


def draw_noise(key: PRNGKeyArray, shape: tuple[int, ...]) -> CoalitionNoise:
    """Draw the week's noises, each from the part of the key that bears its name."""
    keys = named_keys(key, NOISES)
    return CoalitionNoise(*(jax.random.uniform(keys[name], shape) for name in NOISES))


def step(
    key: PRNGKeyArray, state: CoalitionState, inputs: CoalitionInput, par: CoalitionParameters
) -> tuple[CoalitionState, CoalitionInfo]:
    """Advance a week.

    Args:
        key: key of this module for this week.
        state: state at the start of the week.
        inputs: patronage, display, vote, offers, courts and threat of the week.
        par: parameters; arrays of the same rank as the state, or scalars.

    Returns:
        State at the end of the week, and chances and events of the week.
    """
    return advance(draw_noise(key, state.legitimacy.shape), state, inputs, par)


def advance(
    noise: CoalitionNoise, state: CoalitionState, inputs: CoalitionInput, par: CoalitionParameters
) -> tuple[CoalitionState, CoalitionInfo]:
    """Advance a week with noises given, so that a counterfactual can keep them and change the input."""
    solved = calibrate(par)
    after, risk = drift(state, inputs, par, solved)
    attempt = jnp.maximum(risk.removal, ndtr(solved.margin - risk.cohesion))
    removed = noise.event < par.events * risk.removal
    attempted = noise.event < par.events * attempt
    plotter = _plotter(noise.plotter, state.weight * risk.temptation)
    failed = (attempted & ~removed).astype(attempt.dtype)
    purged = _purge(state.weight, plotter, par.failure_purge * failed)
    guarded = jnp.clip(state.insulation + par.failure_insulation * failed, 0.0, 1.0)
    after = CoalitionState(after.patronage, purged, after.legitimacy, after.display, guarded)
    info = CoalitionInfo(
        temptation=risk.temptation,
        threshold=risk.threshold,
        cohesion=risk.cohesion,
        removal=risk.removal,
        attempt=attempt,
        success=risk.removal / attempt,
        removed=removed,
        attempted=attempted,
        plotter=plotter,
    )
    return after, info


def drift(
    state: CoalitionState, inputs: CoalitionInput, par: CoalitionParameters, solved: Calibration
) -> tuple[CoalitionState, Risk]:
    """Advance a week in which nobody moves against the leader; also the risk that somebody does."""
    memory = _over_factions(par.patronage_memory)
    patronage = state.patronage + memory * (_over_factions(inputs.patronage) - state.patronage)
    tempted = temptation(patronage, inputs, par)
    threshold = diffuse_threshold(state.weight, tempted)
    z = cohesion(threshold, state.legitimacy, inputs.threat, par, solved)
    removal = ndtr(-(z + par.coupproof_success * (state.insulation - par.insulation_norm)))
    legitimacy = state.legitimacy + par.legitimacy_return * (par.legitimacy_rest - state.legitimacy)
    legitimacy = legitimacy - par.fraud_shock * inputs.vote + par.display_gain * state.display
    after = CoalitionState(
        patronage=patronage,
        weight=state.weight,
        legitimacy=jnp.clip(legitimacy, 0.0, 1.0),
        display=state.display * 0.5**0.5 + inputs.display,
        insulation=state.insulation,
    )
    return after, Risk(tempted, threshold, z, removal)


def selectorate_need(patience: Number, winning_share: Number) -> Float[Array, "*draw"]:
    """Share of normal spending that keeps a coalition, (1 - delta)/(1 - delta W/S), to hold against C/W.

    Args:
        patience: delta, discount factor of a member per period, below 1.
        winning_share: W/S, size of the winning coalition over the selectorate, 0 to 1.

    Returns:
        Spending needed over resources. Reference: Bueno de Mesquita et al. (2003), chapter 3.
    """
    return jnp.asarray((1.0 - patience) / (1.0 - patience * winning_share))


def _over_factions(value: Number) -> Number:
    """The same for every faction: put the faction axis in front, unless it is a scalar."""
    return value if jnp.ndim(value) == 0 else jnp.expand_dims(jnp.asarray(value), 0)


def _scalars(par: CoalitionParameters) -> list[Number]:
    """Parameters without faction axis."""
    names = ("weight", "loyalty", "outside", "patronage_weight", "punishment")
    return [value for name, value in vars(par).items() if name not in names]


def _plotter(uniform: Number, share: OfFactions) -> Int[Array, "*draw"]:
    """Faction that leads an attempt, drawn by w_j s_j."""
    heap = jnp.cumsum(share, axis=0)
    passed = jnp.sum(_over_factions(uniform) * heap[-1:] >= heap, axis=0)
    return jnp.minimum(passed, share.shape[0] - 1)


def _purge(weight: OfFactions, plotter: Int[Array, "*draw"], cut: Float[Array, "*draw"]) -> OfFactions:
    """Take a share of the plotters' weight; the others gain in proportion."""
    index = jnp.arange(weight.shape[0]).reshape((-1,) + (1,) * plotter.ndim)
    kept = weight * jnp.where(index == plotter[None], 1.0 - cut[None], 1.0)
    return kept / jnp.sum(kept, axis=0, keepdims=True) * jnp.sum(weight, axis=0, keepdims=True)
