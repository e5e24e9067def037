"""Domestic politics of the coercer: what force, losses and retreat cost him at home (weekly).

A prime marks the value at the end of the week.

    logit a = logit a0 + s1 [quick success] - s2 log10(1 + K) + cue elite_cue
    rally' = (1 - fade) rally + (jump + sd n_r) [force begins]
    punished' = (1 - fade) punished + points charged
    approval = approval_norm + rally - punished
    audience cost of backing down from rung r = v points slope^(r/r_max - 1/2)
    charged = audience cost ([backs down] + lapse_share [a deadline newly lapsed])
    V ~ Normal(v0 + v1 (a - a0)/0.1 + v2 [force since the last vote], sd_v)        passed = V > 0
    cost of force = dead_cost log10(1 + K) + constraint (1 - legal_relief legal) [passed] + occupation [quagmire]
                    - v rally
    dead that bring support to a floor: K* = 10^((logit a0 + s1 - logit floor)/s2) - 1

a support for force (share), K own dead (count, so far), cue whether those the public follows speak for force
(0 to 1), rally and punished (points of approval), r/r_max the rung as a share of the top one, v worth of a
point of approval (prize units: the demand met = 1), V net votes for a resolution against force, legal legal
steps taken (0 to 1), n_r standard normal. Costs are in prize units, once. A passed resolution makes force
dear, not impossible: only two thirds would bind.

A deadline let pass costs once: in the week in which `deadline_lapsed` first stands at 1; the mark is lifted
when it returns to 0 (a new deadline, or the old one made good).

Beyond the design: how punishment fades (like the rally), the share of the audience cost that a lapsed
deadline costs (`lapse_share`) and what legal steps take off the constraint (`legal_relief`).

Switches, at which a term vanishes exactly: approval_value 0 (no audience cost, no worth of a rally: M14),
lapse_share 0 (a lapsed deadline), legal_relief 0 and elite_cue 0 (M12), support_success 0, support_dead 0,
rally 0, constraint_cost 0, dead_cost 0, occupation 0; `noise` 0 silences every noise.

Reference: Mueller (1973), War, Presidents and Public Opinion; Gelpi, Feaver & Reifler (2005/06), Success
Matters, International Security 30; Baker & Oneal (2001), Patriotism or Opinion Leadership?, JCR 45; Tomz
(2007), Domestic Audience Costs, IO 61; Kertzer & Brutger (2016), AJPS 60; Davies & Johns (2013), ISQ 57.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.scipy.special import logit, ndtr
from jaxtyping import Array, Bool, Float, PRNGKeyArray

from standoff.world.noise import named_keys

Number = Float[Array, "*#draw"] | float
NOISES = ("vote", "rally", "support_poll", "approval_poll")
POINTS = 100.0  # a share in points


class DomesticParameters(eqx.Module):
    """What a coercer's public and legislature are like. Draws stand on the last axis of every array.

    Levels (support, approval, votes) come from the case and have no default.
    """

    support_norm: Number  # a0, share for force before it, strictly between 0 and 1
    approval_norm: Number  # points of approval before the crisis
    vote_norm: Number  # v0, net yes votes against force
    vote_support: Number  # v1, net votes per ten points of support; negative
    vote_force: Number  # v2, net votes, in the first vote after force
    vote_noise: Number  # sd_v, net votes
    support_success: Number = 0.6  # s1, logit
    support_dead: Number = 0.62  # s2, logit per tenfold dead
    elite_cue: Number = 0.0  # logit
    rally: Number = 1.5  # jump, points of approval
    rally_noise: Number = 0.0  # sd between uses of force, points; 0 where `rally` itself is drawn
    rally_fade: Number = 0.1  # share lost a week
    audience_points: Number = 16.0  # points of approval at the middle of the ladder
    audience_slope: Number = 1.5  # ratio of the top rung to the bottom
    lapse_share: Number = 1.0  # of the audience cost, at a deadline let pass (judgement)
    approval_value: Number = 0.01  # v, prize units per point
    dead_cost: Number = 0.08  # prize units per tenfold dead
    occupation: Number = 1.0  # prize units, present worth of a long ground war
    constraint_cost: Number = 0.05  # prize units, of a passed resolution
    legal_relief: Number = 0.5  # share of the constraint that legal steps lift (judgement)
    poll_noise: Number = 2.0  # points, sd
    noise: Number = 1.0  # switch


class DomesticState(eqx.Module):
    """What next week needs of this one."""

    dead: Float[Array, "*draw"]  # K, own dead so far
    success: Float[Array, "*draw"]  # 1 after a quick success
    rally: Float[Array, "*draw"]  # points
    punished: Float[Array, "*draw"]  # points
    force_unvoted: Float[Array, "*draw"]  # 1 if force was used and no vote has been held since
    lapsed: Float[Array, "*draw"]  # 1 while a lapsed deadline has been charged


class DomesticInput(eqx.Module):
    """What happens this week. Marks are 1 in the week of the event."""

    rung_share: Number = 0.0  # r/r_max, 0 to 1
    backs_down: Number = 0.0
    deadline_lapsed: Number = 0.0  # 1 while a deadline stands passed and unpunished
    force: Number = 0.0  # force begins
    success: Number = 0.0  # a quick success
    dead: Number = 0.0  # own dead of the week
    quagmire: Number = 0.0
    cue: Number = 0.0  # 0 to 1
    legal: Number = 0.0  # legal steps taken, 0 to 1
    vote: Number = 0.0  # the legislature votes


class DomesticNoise(eqx.Module):
    """The week's standard normal noises."""

    vote: Number
    rally: Number
    support_poll: Number
    approval_poll: Number


class DomesticInfo(eqx.Module):
    """What a reader of the run needs. Costs in prize units."""

    support: Float[Array, "*draw"]  # a, share
    support_polled: Float[Array, "*draw"]  # share
    approval: Float[Array, "*draw"]  # points
    approval_polled: Float[Array, "*draw"]  # points
    charged: Float[Array, "*draw"]  # audience cost paid this week
    retreat_cost: Float[Array, "*draw"]  # audience cost of backing down now
    net_votes: Float[Array, "*draw"]  # V, mean of a vote now
    net_votes_drawn: Float[Array, "*draw"]  # V
    pass_chance: Float[Array, "*draw"]  # chance of V > 0, if there is a vote
    passed: Bool[Array, "*draw"]  # a resolution this week
    cost_of_force: Float[Array, "*draw"]  # at the dead so far, expected over a vote


def support(dead: Number, success: Number, cue: Number, par: DomesticParameters) -> Float[Array, "*draw"]:
    """Share of the public for force, after own dead (count), a quick success (0 or 1) and a cue (0 to 1)."""
    base = logit(jnp.asarray(par.support_norm, dtype=float))
    return jax.nn.sigmoid(base + par.support_success * success - par.support_dead * tenfold(dead) + par.elite_cue * cue)


def tenfold(dead: Number) -> Float[Array, "*draw"]:
    """Own dead on the scale on which they weigh, log10(1 + K)."""
    return jnp.log1p(jnp.asarray(dead, dtype=float)) / jnp.log(10.0)


def dead_to_floor(floor: Number, success: Number, par: DomesticParameters) -> Float[Array, "*draw"]:
    """Own dead that bring support down to a floor (share); 0 if it starts below. `support_dead` above 0."""
    fall = logit(jnp.asarray(par.support_norm, dtype=float)) + par.support_success * success
    return jnp.maximum(0.0, 10.0 ** ((fall - logit(jnp.asarray(floor, dtype=float))) / par.support_dead) - 1.0)


def audience_points(rung_share: Number, par: DomesticParameters) -> Float[Array, "*draw"]:
    """Points of approval lost by backing down from a rung (share of the top one, 0 to 1)."""
    slope = jnp.asarray(par.audience_slope, dtype=float)
    return jnp.asarray(par.audience_points * slope ** (jnp.asarray(rung_share, dtype=float) - 0.5))


def audience_cost(rung_share: Number, par: DomesticParameters) -> Float[Array, "*draw"]:
    """Cost of backing down from a rung (share of the top one, 0 to 1), prize units. Reference: Tomz (2007)."""
    return par.approval_value * audience_points(rung_share, par)


def votes(support_now: Number, force_used: Number, par: DomesticParameters) -> Float[Array, "*draw"]:
    """Mean net votes for a resolution against force; `force_used` is 1 in the first vote after force."""
    swing = par.vote_support * (support_now - jnp.asarray(par.support_norm, dtype=float)) / 0.1
    return jnp.asarray(par.vote_norm + swing + par.vote_force * force_used)


def pass_chance(net_votes: Number, par: DomesticParameters) -> Float[Array, "*draw"]:
    """Chance that a resolution against force passes, from its mean net votes; `vote_noise` above 0."""
    return ndtr(jnp.asarray(net_votes / par.vote_noise, dtype=float))


def constraint(passes: Number, legal: Number, par: DomesticParameters) -> Float[Array, "*draw"]:
    """Cost of a resolution against force, prize units: passed (1 or 0) or by its chance."""
    return jnp.asarray(par.constraint_cost * passes * (1.0 - par.legal_relief * legal))


def cost_of_force(
    dead: Number, passes: Number, quagmire: Number, rally: Number, legal: Number, par: DomesticParameters
) -> Float[Array, "*draw"]:
    """What force costs at home, prize units.

    Args:
        dead: own dead, count.
        passes: 1 if a resolution against force passes, or its chance.
        quagmire: 1 if force ends in a long ground war, or its chance.
        rally: points of approval gained.
        legal: legal steps taken before, 0 to 1.
        par: parameters.

    Returns:
        Cost; negative where the rally is worth more than the rest.
    """
    losses = par.dead_cost * tenfold(dead) + par.occupation * quagmire
    return losses + constraint(passes, legal, par) - par.approval_value * rally


def expected_cost_of_force(
    dead: Number, success: Number, quagmire: Number, cue: Number, legal: Number, par: DomesticParameters
) -> Float[Array, "*draw"]:
    """Cost of force as foreseen, prize units: the vote by its chance, the rally at its mean."""
    mean = votes(support(dead, success, cue, par), 1.0, par)
    return cost_of_force(dead, pass_chance(mean, par), quagmire, par.rally, legal, par)


def norm_state(par: DomesticParameters) -> DomesticState:
    """State before the crisis."""
    shape = jnp.broadcast_shapes(*(jnp.shape(leaf) for leaf in jax.tree.leaves(par)))
    return DomesticState(*(jnp.zeros(shape) for _ in range(6)))


def draw_noise(key: PRNGKeyArray, shape: tuple[int, ...]) -> DomesticNoise:
    """Draw the week's noises, each from the part of the key that bears its name."""
    keys = named_keys(key, NOISES)
    return DomesticNoise(*(jax.random.normal(keys[name], shape) for name in NOISES))


def step(
    key: PRNGKeyArray, state: DomesticState, inputs: DomesticInput, par: DomesticParameters
) -> tuple[DomesticState, DomesticInfo]:
    """Advance a week.

    Args:
        key: key of this module for this week.
        state: state at the start of the week.
        inputs: rung, retreat, force, dead, legal steps and vote of the week.
        par: parameters; arrays of the same rank as the state, or scalars.

    Returns:
        State at the end of the week, and what it cost.
    """
    return advance(draw_noise(key, state.dead.shape), state, inputs, par)


def advance(
    noise: DomesticNoise, state: DomesticState, inputs: DomesticInput, par: DomesticParameters
) -> tuple[DomesticState, DomesticInfo]:
    """Advance a week with noises given, so that a counterfactual can keep them and change the input."""
    dead = state.dead + inputs.dead
    success = jnp.maximum(state.success, inputs.success)
    jump = (par.rally + par.noise * par.rally_noise * noise.rally) * inputs.force
    rally = (1.0 - par.rally_fade) * state.rally + jump

    newly = inputs.deadline_lapsed * (1.0 - state.lapsed)
    share = inputs.backs_down + par.lapse_share * newly
    punished = (1.0 - par.rally_fade) * state.punished + audience_points(inputs.rung_share, par) * share
    retreat = jnp.broadcast_to(audience_cost(inputs.rung_share, par), dead.shape)

    now = support(dead, success, inputs.cue, par)
    unvoted = jnp.maximum(state.force_unvoted, inputs.force)
    mean = votes(now, unvoted, par)
    drawn = mean + par.noise * par.vote_noise * noise.vote
    chance = pass_chance(mean, par)
    approval = par.approval_norm + rally - punished
    spread = par.noise * par.poll_noise
    after = DomesticState(
        dead=dead,
        success=success,
        rally=rally,
        punished=punished,
        force_unvoted=unvoted * (1.0 - inputs.vote),
        lapsed=jnp.broadcast_to(jnp.asarray(inputs.deadline_lapsed, dtype=float), dead.shape),
    )
    info = DomesticInfo(
        support=now,
        support_polled=jnp.clip(now + spread * noise.support_poll / POINTS, 0.0, 1.0),
        approval=approval,
        approval_polled=approval + spread * noise.approval_poll,
        charged=retreat * share,
        retreat_cost=retreat,
        net_votes=mean,
        net_votes_drawn=drawn,
        pass_chance=chance,
        passed=(jnp.asarray(inputs.vote) > 0.0) & (drawn > 0.0),
        cost_of_force=cost_of_force(dead, chance, inputs.quagmire, rally, inputs.legal, par),
    )
    return after, info
