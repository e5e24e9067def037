"""Force: the lottery of a strike (event).

    find = L(f0 + f1 intel + f2 moves)                     reach = L(r0 + r1 ln(F/D) + r2 surprise)
    D = (troops readiness (1 - psi I) + guards) air_left
    logit p = (1 - c) logit(find reach) + c logit(sum_a w_a mean_a)
    g = L(logit g_kind + g1 ground)                        captured = (1-g) p, survived = (1-g)(1-p), quagmire = g
    surprise' = surprise (1 - loss deadlines) + (1 - surprise) regain
    dead = median exp(sd n) (D/D0)^e (1 - k surprise)      on each side; fractions are kept

L the logistic. F power that can be brought to bear and D ready defence in the same unit (persons, say; D0 the
defence at which the medians hold), intel, moves, surprise, readiness, insulation I, air_left (share of air defence
left) 0 to 1, ground in standard deviations of territory times armed groups, c weight of the reference classes in
the log-odds, deadlines public ones announced in the week. p: chance that the leader is in hand or dead at the
end of the operation, given no quagmire; all chances are per strike, except `regain`, `quagmire_end` (a week).

Computed without logarithms: F = 0 gives survived, D = 0 reach 1, c = 0 and c = 1 drop the other part exactly.
`guards` is our addition: the text lets the leader's guards raise D, the equation had no place for them.

Each side's view holds its own F, D and weights: `perceive` bends inputs and parameters, and the same functions
give the lottery as believed.

Switches, at which a term vanishes exactly: `quagmire_ground` 0 (M16: ground); `View.on` 0 (M6: trust in own arms,
in the other's fear of losses, analogies); `surprise_loss` 0 (deadlines); `class_share` 0 (reference classes) or 1
(structure); `coupproof_readiness` 0; `find_intel`, `find_moves`, `reach_ratio`, `reach_surprise`, `dead_defence`,
`dead_surprise` 0; `events` 0: chances are computed and nothing is drawn.

Medians of the dead of a raid are those known before January 2026. Those of an air campaign, its quagmire (none:
no ground troops) and `quagmire_end` stand in no source of ours: judgement.

References: find, fix, finish: Hosmer (2001), Operations Against Enemy Leaders; Runkle (2011), Wanted Dead or Alive;
coup-proofing and readiness: Talmadge (2015), The Dictator's Army; ground: Downes (2021), Catastrophic Success.
"""

import dataclasses
from typing import Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from standoff.world.noise import named_keys
from standoff.world.reference_class import class_means, mix

NOISES = ("ending", "dead_coercer", "dead_target", "quagmire_end")
TINY = 1e-300  # below every sum of odds but none at all: no assault on no defence reaches nobody
NO_STRIKE, CAPTURED, SURVIVED, QUAGMIRE = 0, 1, 2, 3
Kind = Literal["raid", "air_campaign", "invasion"]
KINDS: tuple[Kind, ...] = ("raid", "air_campaign", "invasion")
Number = Float[Array, "*#draw"] | float
ByClass = Float[Array, "class *#draw"]
OfDraw = Float[Array, "*draw"]
# Weights of standoff_attack, manhunt, capture_30d, assassination (judgement): a raid has something of each.
CLASS_WEIGHT: dict[Kind, tuple[float, ...]] = {
    "raid": (0.25, 0.25, 0.25, 0.25),
    "air_campaign": (1.0, 0.0, 0.0, 0.0),
    "invasion": (0.0, 0.5, 0.5, 0.0),
}
# Chance of a long ground war; median and sd of the log of the dead, coercer's and target's (persons).
BY_KIND: dict[Kind, dict[str, float]] = {
    "raid": {"quagmire_norm": 0.04, "dead_coercer": 5.0, "spread_coercer": 1.3, "dead_target": 40.0},
    "air_campaign": {"quagmire_norm": 0.0, "dead_coercer": 1.0, "spread_coercer": 1.2, "dead_target": 300.0},
    "invasion": {"quagmire_norm": 0.5, "dead_coercer": 25.0, "spread_coercer": 1.0, "dead_target": 600.0},
}


class ForceParameters(eqx.Module):
    """What a strike of one kind is like. The class axis comes first, draws stand last, scalars fit everywhere.

    `of_kind` fills in what depends on the kind. Arrays with draws share one rank: `[class, draw]` beside `[draw]`.
    """

    class_weight: ByClass  # w_a, any scale
    class_mean: ByClass  # chance per event: means of the classes or draws of their Betas
    quagmire_norm: Number  # g_kind, chance per strike at ordinary ground
    dead_coercer: Number  # median, persons
    dead_target: Number  # median, persons
    defence_norm: Number = 1.0  # D0, unit of the troops
    spread_coercer: Number = 1.0  # sd of the log
    spread_target: Number = 1.2  # sd of the log
    find_norm: Number = 0.6  # f0, logit
    find_intel: Number = 1.5  # f1, logit per unit of intelligence
    find_moves: Number = -1.5  # f2, logit per unit of moving about
    reach_norm: Number = 0.0  # r0, logit
    reach_ratio: Number = 0.6  # r1, logit per log ratio of forces
    reach_surprise: Number = 0.8  # r2, logit per unit of surprise
    class_share: Number = 0.5  # c, share of the reference classes in the log-odds
    coupproof_readiness: Number = 0.25  # psi, share of readiness lost at full insulation
    quagmire_ground: Number = 0.8  # g1, logit per sd of ground
    surprise_loss: Number = 1.0 / 3.0  # share of surprise lost by a public deadline
    surprise_regain: Number = 0.125  # share of lost surprise regained, a week
    dead_defence: Number = 0.3  # e, elasticity
    dead_surprise: Number = 0.5  # k, share of the dead spared by full surprise
    quagmire_end: Number = 0.007  # chance that a quagmire ends, a week (mean close to three years)
    events: Number = 1.0  # switch


class ForceInput(eqx.Module):
    """What both sides bring. Middling values where a case says nothing."""

    assault: Number  # F, unit of the troops
    troops: Number  # defenders on paper, any unit of force
    readiness: Number = 0.5  # share of them ready, 0 to 1
    guards: Number = 0.0  # leader's guards, ready whatever the insulation, unit of the troops
    insulation: Number = 0.5  # I, 0 to 1
    air_left: Number = 1.0  # share of the defence left after air attack, 0 to 1
    intelligence: Number = 0.5  # on the leader's place, 0 to 1
    moves: Number = 0.5  # how much he moves about, 0 to 1
    ground: Number = 0.0  # sd of territory times armed groups
    deadlines: Number = 0.0  # public deadlines announced this week, 0 or 1
    strike: Number = 0.0  # 1 in the week of a strike


class ForceState(eqx.Module):
    """What next week needs of this one."""

    surprise: OfDraw  # 0 to 1
    quagmire: OfDraw  # 1 while a ground war lasts


class ForceNoise(eqx.Module):
    """Noises of the week: uniform for events, standard normal for the dead."""

    ending: Number  # uniform
    dead_coercer: Number  # normal
    dead_target: Number  # normal
    quagmire_end: Number  # uniform


class Lottery(eqx.Module):
    """Chances of a strike, and what they are made of."""

    find: OfDraw  # he is where he is thought to be
    reach: OfDraw  # the assault gets there
    structure: OfDraw  # find times reach
    classes: OfDraw  # mean of the reference classes
    success: OfDraw  # p, in hand or dead, given no quagmire
    captured: OfDraw  # (1-g) p
    survived: OfDraw  # (1-g)(1-p)
    quagmire: OfDraw  # g


class Casualties(eqx.Module):
    """Dead of a strike, persons."""

    coercer: OfDraw
    target: OfDraw


class ForceInfo(eqx.Module):
    """What a reader of the run needs: chances as if a strike came now, and what came."""

    lottery: Lottery
    defence: OfDraw  # D, unit of the troops
    ending: Int[Array, "*draw"]  # NO_STRIKE, CAPTURED, SURVIVED, QUAGMIRE
    dead: Casualties  # 0 without a strike
    quagmire_end: OfDraw  # chance a week, 0 without a quagmire


class View(eqx.Module):
    """How a side bends the lottery in its mind. Every default leaves it as it is; so does `on` 0."""

    analogy: ByClass  # weights of the reference classes that it has in mind, sum 1
    analogy_trust: Number = 0.0  # share of its judgement that follows the analogy, 0 to 1
    class_share: Number = 0.5  # weight of classes against structure, where the analogy is trusted in full
    defence_factor: Number = 1.0  # D believed over D
    assault_factor: Number = 1.0  # F believed over F
    dead_factor: Number = 1.0  # dead of the coercer believed over those expected
    on: Number = 1.0  # switch


def of_kind(kind: Kind, **values: Number | ByClass) -> ForceParameters:
    """Parameters of a kind of strike, with defaults except for `values`."""
    given: dict[str, Number | ByClass] = {
        "class_weight": jnp.array(CLASS_WEIGHT[kind]),
        "class_mean": class_means(),
        **BY_KIND[kind],
    }
    return ForceParameters(**{**given, **values})  # type: ignore[arg-type]


def readiness(inputs: ForceInput, par: ForceParameters) -> OfDraw:
    """Defence that is ready where it is needed, D, in the unit of the troops."""
    ready = inputs.troops * inputs.readiness * (1.0 - par.coupproof_readiness * inputs.insulation)
    return jnp.asarray((ready + inputs.guards) * inputs.air_left)


def surprise_after(surprise: Number, deadlines: Number, par: ForceParameters) -> OfDraw:
    """Surprise (0 to 1) a week later: public deadlines take it, time brings it back."""
    kept = surprise * (1.0 - par.surprise_loss * deadlines)
    return jnp.asarray(kept + (1.0 - surprise) * par.surprise_regain)


def lottery(surprise: Number, inputs: ForceInput, par: ForceParameters) -> Lottery:
    """Chances of a strike.

    Args:
        surprise: 0 to 1.
        inputs: what both sides bring.
        par: parameters of the kind of strike.

    Returns:
        Chances of captured, survived and quagmire, which sum to 1, and the stages behind them.
    """
    find = jax.nn.sigmoid(
        jnp.asarray(par.find_norm + par.find_intel * inputs.intelligence + par.find_moves * inputs.moves)
    )
    attack = jnp.asarray(inputs.assault) ** par.reach_ratio * jnp.exp(par.reach_norm + par.reach_surprise * surprise)
    hold = readiness(inputs, par) ** par.reach_ratio
    reach = attack / jnp.maximum(attack + hold, TINY)
    structure = find * reach
    classes = mix(par.class_weight, par.class_mean)
    success = blend(structure, classes, par.class_share)
    odds = par.quagmire_norm * jnp.exp(jnp.asarray(par.quagmire_ground * inputs.ground))
    quagmire = odds / (odds + (1.0 - par.quagmire_norm))
    captured, survived = (1.0 - quagmire) * success, (1.0 - quagmire) * (1.0 - success)
    return Lottery(*jnp.broadcast_arrays(find, reach, structure, classes, success, captured, survived, quagmire))


def blend(one: Number, other: Number, share: Number) -> OfDraw:
    """Chance whose log-odds are the mean of two log-odds, `share` of them the other's."""
    hit = jnp.asarray(one) ** (1.0 - share) * jnp.asarray(other) ** share
    miss = (1.0 - jnp.asarray(one)) ** (1.0 - share) * (1.0 - jnp.asarray(other)) ** share
    return hit / (hit + miss)


def casualties(
    noise_coercer: Number, noise_target: Number, surprise: Number, inputs: ForceInput, par: ForceParameters
) -> Casualties:
    """Dead on both sides if a strike comes, persons; noises 0 give the medians."""
    tilt = (readiness(inputs, par) / par.defence_norm) ** par.dead_defence * (1.0 - par.dead_surprise * surprise)
    coercer = par.dead_coercer * jnp.exp(jnp.asarray(par.spread_coercer * noise_coercer)) * tilt
    target = par.dead_target * jnp.exp(jnp.asarray(par.spread_target * noise_target)) * tilt
    return Casualties(*jnp.broadcast_arrays(coercer, target))


def strike_worth(chances: Lottery, captured: Number, survived: Number, quagmire: Number) -> OfDraw:
    """Worth of a strike to a side, in the unit in which it values the three endings; cost of force apart."""
    return chances.captured * captured + chances.survived * survived + chances.quagmire * quagmire


def perceive(view: View, inputs: ForceInput, par: ForceParameters) -> tuple[ForceInput, ForceParameters]:
    """Inputs and parameters of a strike as a side believes them to be.

    Args:
        view: the side's beliefs; `on` 0 returns the numbers unchanged.
        inputs: what both sides bring.
        par: parameters of the kind of strike.

    Returns:
        Inputs and parameters, for `lottery` and `casualties`.
    """
    trust = view.on * view.analogy_trust
    lifted = trust if np.ndim(trust) == 0 else jnp.expand_dims(jnp.asarray(trust), 0)
    arms = jnp.asarray(view.defence_factor) ** view.on
    believed = dataclasses.replace(
        inputs,
        assault=inputs.assault * jnp.asarray(view.assault_factor) ** view.on,
        troops=inputs.troops * arms,
        guards=inputs.guards * arms,
    )
    return believed, dataclasses.replace(
        par,
        class_weight=(1.0 - lifted) * par.class_weight
        + lifted * jnp.sum(par.class_weight, 0, keepdims=True) * view.analogy,
        class_share=(1.0 - trust) * par.class_share + trust * view.class_share,
        dead_coercer=par.dead_coercer * jnp.asarray(view.dead_factor) ** view.on,
    )


def first_state(surprise: Number = 1.0, shape: tuple[int, ...] = ()) -> ForceState:
    """State before the crisis: nothing announced, no war."""
    return ForceState(jnp.broadcast_to(jnp.asarray(surprise, dtype=float), shape), jnp.zeros(shape))


def draw_noise(key: PRNGKeyArray, shape: tuple[int, ...]) -> ForceNoise:
    """Draw the week's noises, each from the part of the key that bears its name."""
    keys = named_keys(key, NOISES)
    return ForceNoise(
        ending=jax.random.uniform(keys["ending"], shape),
        dead_coercer=jax.random.normal(keys["dead_coercer"], shape),
        dead_target=jax.random.normal(keys["dead_target"], shape),
        quagmire_end=jax.random.uniform(keys["quagmire_end"], shape),
    )


def step(
    key: PRNGKeyArray, state: ForceState, inputs: ForceInput, par: ForceParameters
) -> tuple[ForceState, ForceInfo]:
    """Advance a week.

    Args:
        key: key of this module for this week.
        state: state at the start of the week.
        inputs: what both sides bring, deadlines announced, whether a strike comes.
        par: parameters of the kind of strike; arrays of the same rank as the state, or scalars.

    Returns:
        State at the end of the week, and chances and events of the week.
    """
    return advance(draw_noise(key, state.surprise.shape), state, inputs, par)


def advance(
    noise: ForceNoise, state: ForceState, inputs: ForceInput, par: ForceParameters
) -> tuple[ForceState, ForceInfo]:
    """Advance a week with noises given, so that a counterfactual can keep them and change the input."""
    chances = lottery(state.surprise, inputs, par)
    dead = casualties(noise.dead_coercer, noise.dead_target, state.surprise, inputs, par)
    struck = jnp.asarray(par.events * inputs.strike)
    drawn = jnp.where(noise.ending < 1.0 - chances.quagmire, SURVIVED, QUAGMIRE)
    drawn = jnp.where(noise.ending < chances.captured, CAPTURED, drawn)
    ending = jnp.where(struck > 0.0, drawn, NO_STRIKE)
    chance = par.quagmire_end * state.quagmire
    ended = (noise.quagmire_end < par.events * chance).astype(chance.dtype)
    begun = (ending == QUAGMIRE).astype(chance.dtype)
    lasting = jnp.maximum(begun, state.quagmire * (1.0 - ended))
    surprise = surprise_after(state.surprise, inputs.deadlines, par)
    parts = (surprise, lasting, readiness(inputs, par), ending, chance, struck * dead.coercer, struck * dead.target)
    surprise, lasting, defence, ending, chance, own, theirs = jnp.broadcast_arrays(*parts)
    return ForceState(surprise, lasting), ForceInfo(chances, defence, ending, Casualties(own, theirs), chance)
