"""Patrons, mediators, promises that bind later governments (weekly).

j patron, r reply (none, words, arms, troops: 0 to 3). A reply is given in a week in which the rung jumps.

    P(r) = base_r exp(reply_tilt (r/3) (pact_weight pact + border_weight border + stake_weight stake))/sum
    added defence grows by arms_size `delay` weeks after arms are sent, by troops_size a week after troops are
    kept if r >= promise, else broken                           p = p0 + learn (kept - p0 n)/(W_p + learn n)
    believed defence = D + sum_j p_j promised_j                 true defence = D + what has arrived
    c = 1 - prod_k (1 - clarity_k informed_k present_k)         C' = (1 - c) C + c I
    rate of breaking a term = rate (1 + (fade - 1) mediated)
    rev = rev0 + teach (undone - rev0 m)/(W_r + teach m)        a year, the mean of a beta-binomial
    waiting = patience dl^T (1 - (1 - rev)^T) gain
    relief = freed (1 - (1 - speed)^months) (1 - rev)^years

pact, border, stake: excess over the average of the 75 cases (0 there; stake 1: the patron has drawn the line in
public); D ready defence and sizes in its unit, promised_j the size of what was promised, p chance of fulfilment
as the target sees it, n promises that fell due, W_p prior weight in promises (far below the number of wars
behind p0, since the patron at hand differs from the average one); m years in which a step of the coercer stood,
`undone` times reversed by a later government, W_r prior weight in years; C[m, m'] channel; dl discount a year, T
years until the coercer may change; gain and waiting in the unit of gain; freed and relief bn USD a week, speed
a month.

Switches: reply_tilt 0 returns the base rates; learn 0 (p stays p0); reply_tilt and arms_size, troops_size,
words_gain, money 0: no effect. M9: patience 0 or rev0 = teach = 0. M13: teach 0. M18: `rival_backing` times
gap_weight 0. Mediators: clarity 0; fade 1. `events` 0: nothing is drawn.

Reference: base rates computed by the project from ICB v14 (Brecher et al.); pacts: Berkemeier & Fuhrmann
(2018); drawn lines: Huth (1988); mediators: Fey & Ramsay (2010), none without own information; Beardsley (2008).
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from standoff.world.contest import pick
from standoff.world.noise import named_keys

NOISES = ("reply", "delay", "government")
REPLIES = ("none", "words", "arms", "troops")
COUNTS = (29, 23, 20, 3)  # of 75 since 1945: the rival superpower's reply where a state was threatened by the other
WORDS, ARMS, TROOPS = 1, 2, 3
QUEUE = 9  # weeks of deliveries under way
WEEKS_A_YEAR = 52.0
MONTHS_A_YEAR = 12.0
Number = Float[Array, "*#draw"] | float
Drawn = Float[Array, "*draw"]
Patron = Float[Array, "patron *#draw"]
OfPatrons = Float[Array, "patron *draw"]
PatronEvent = Int[Array, "patron *draw"]
Replies = Float[Array, "reply patron *draw"]
BaseReplies = Float[Array, "reply *#draw"]
Way = Float[Array, "week patron *draw"]
Flag = Bool[Array, "*draw"]
Backing = Float[Array, "contender *draw"]
Favours = Float[Array, "patron contender *#draw"]


def base_replies() -> Float[Array, " reply"]:
    """Chance of each reply in the average case."""
    counts = np.array(COUNTS, dtype=float)
    return jnp.asarray(counts / counts.sum())


class PatronParameters(eqx.Module):
    """What helpers and successors of the coercer are like. Draws stand last; scalars fit everywhere."""

    base: BaseReplies = eqx.field(default_factory=base_replies)  # chance of each reply
    reply_tilt: Number = 1.0  # switch of the three weights
    pact_weight: Number = 3.2  # log odds, none to troops: troops in 22% of cases with a pact
    border_weight: Number = 1.0  # log odds, none to troops (judgement)
    stake_weight: Number = 7.0  # log odds, none to troops: troops in 14 of 24 cases with a drawn line
    arms_size: Number = 0.2  # added defence, share of norm (judgement)
    troops_size: Number = 0.5  # added defence, share of norm (judgement)
    delay_low: Number = 4.0  # weeks
    delay_high: Number = 8.0  # weeks
    words_gain: Number = 0.02  # points of legitimacy, 0 to 1 (judgement)
    money: Number = 0.0  # bn USD a week while a patron helps by more than words; from the case
    kept_norm: Number = 0.22  # p0, chance of fulfilment
    kept_weight: Number = 10.0  # W_p, promises (judgement)
    learn: Number = 1.0  # switch
    reversal_norm: Number = 0.12  # rev0, a year
    reversal_weight: Number = 25.0  # W_r, years
    teach: Number = 1.0  # switch
    patience: Number = 1.0  # switch
    relief_speed: Number = 0.3  # share of promised relief a month
    mediation_fade: Number = 1.3  # ratio of rates
    gap_weight: Number = 1.0  # switch of rival backing after an exit
    events: Number = 1.0  # switch


class PatronState(eqx.Module):
    """What next week needs of this one."""

    arrived: OfPatrons  # added defence, share of norm
    way: Way  # under way, to arrive in so many weeks
    helps: OfPatrons  # 1 once more than words has come
    kept: OfPatrons  # promises kept
    due: OfPatrons  # promises that fell due, n
    relief_weeks: Drawn  # since relief began
    undone: Drawn  # steps reversed
    watched: Drawn  # m, years


class PatronInput(eqx.Module):
    """What reaches patrons this week."""

    jump: Number = 0.0  # 1 where the rung jumps or a strike falls
    promise: Patron | float = 0.0  # reply promised, 0 to 3; 0 promises nothing
    pact: Patron | float = 0.0  # excess over the average case
    border: Patron | float = 0.0
    stake: Patron | float = 0.0
    freed: Number = 0.0  # export value that relief frees, bn USD a week; 0 where none is granted
    standing: Number = 1.0  # 1 where a step of the coercer stands that a later government may undo


class PatronNoise(eqx.Module):
    """The week's uniform noises."""

    reply: OfPatrons
    delay: OfPatrons
    government: Drawn


class PatronInfo(eqx.Module):
    """What a reader of the run needs."""

    reply_chance: Replies
    reply: PatronEvent  # 0 in a week without a jump
    sent: OfPatrons  # added defence put under way
    broken: OfPatrons  # 1 where a promise was broken
    kept_chance: OfPatrons  # p after the week
    defence: Drawn  # added so far
    legitimacy: Drawn  # points gained by words
    money: Drawn  # bn USD a week
    relief: Drawn  # bn USD a week
    reversal: Drawn  # rev, a year
    reversal_chance: Drawn  # a week
    reversed: Flag  # a new government undid the step


def reply_chance(inputs: PatronInput, par: PatronParameters) -> Replies:
    """Chance of each reply at a jump of the rung."""
    pull = _over(par.pact_weight) * inputs.pact + _over(par.border_weight) * inputs.border
    pull = _over(par.reply_tilt) * (pull + _over(par.stake_weight) * inputs.stake)
    pull = jnp.asarray(pull, dtype=float).reshape((1,) if jnp.ndim(pull) == 0 else jnp.shape(pull))
    base = par.base[:, None] if par.base.ndim > 1 else par.base.reshape((-1,) + (1,) * pull.ndim)
    level = jnp.arange(4.0).reshape((-1,) + (1,) * pull.ndim) / 3.0
    weight = base * jnp.exp(level * pull[None])
    return weight / (jnp.sum(weight, axis=0, keepdims=True) / jnp.sum(base, axis=0, keepdims=True))


def reply(noise: OfPatrons, inputs: PatronInput, par: PatronParameters) -> PatronEvent:
    """Reply of each patron, 0 to 3, drawn with a uniform noise; 0 where the rung does not jump."""
    drawn = jnp.minimum(pick(noise, _spread(reply_chance(inputs, par), noise.shape)), TROOPS)
    return jnp.where(_over(jnp.asarray(inputs.jump * par.events)) > 0.5, drawn, 0)


def believed_defence(defence: Number, promised: Patron, chance: Patron) -> Drawn:
    """Ready defence as the target thinks it will be: what it has and what was promised, by chance of fulfilment."""
    return jnp.asarray(defence + jnp.sum(chance * promised, axis=0))


def kept_belief(kept: Patron, due: Patron, par: PatronParameters) -> OfPatrons:
    """Chance of fulfilment p after so many promises kept of those due: the mean of a beta-binomial."""
    return _learnt(_over(par.kept_norm), _over(par.kept_weight), _over(par.learn), kept, due)


def reversal(undone: Number, watched: Number, par: PatronParameters) -> Drawn:
    """Yearly chance that the coercer's next government undoes a step, undone so often in so many years."""
    return _learnt(par.reversal_norm, par.reversal_weight, par.teach, undone, watched)


def weekly(yearly: Number) -> Drawn:
    """Chance a week from a chance a year."""
    return jnp.asarray(1.0 - (1.0 - yearly) ** (1.0 / WEEKS_A_YEAR))


def waiting_gain(discount: Number, years: Number, reversal: Number, gain: Number, patience: Number = 1.0) -> Drawn:
    """Worth of holding out until a change of government: what it adds to the value of holding.

    Args:
        discount: dl, a year.
        years: T, until the coercer may change.
        reversal: rev, chance a year that the step is undone.
        gain: worth of its being undone, offices.
        patience: switch.

    Returns:
        Worth in the unit of gain.
    """
    return jnp.asarray(patience * discount**years * (1.0 - (1.0 - reversal) ** years) * gain)


def relief(freed: Number, weeks: Number, speed: Number, reversal: Number) -> Drawn:
    """Relief expected so many weeks after it began, bn USD a week: speed a month, reversal a year."""
    months, years = weeks * (MONTHS_A_YEAR / WEEKS_A_YEAR), weeks / WEEKS_A_YEAR
    return jnp.asarray(freed * (1.0 - (1.0 - speed) ** months) * (1.0 - reversal) ** years)


def clarity(present: Patron, informed: Patron, strength: Patron | float) -> Drawn:
    """Share c of a channel's noise that mediators remove together; one who knows nothing of his own removes none."""
    return 1.0 - jnp.prod(1.0 - strength * informed * present, axis=0)


def cleared(channel: Float[Array, "sent read *#draw"], share: Number) -> Float[Array, "sent read *draw"]:
    """Channel after mediators removed a share of its noise."""
    sent, read = channel.shape[:2]
    plain = jnp.eye(sent, read).reshape((sent, read) + (1,) * (channel.ndim - 2))
    kept = _over(_over(share))
    return (1.0 - kept) * channel + kept * plain


def break_rate(rate: Number, mediated: Number, par: PatronParameters) -> Drawn:
    """Rate at which an agreed term breaks, in the unit of rate; mediated terms break more later."""
    return jnp.asarray(rate * (1.0 + (par.mediation_fade - 1.0) * mediated))


def rival_backing(chance: Replies, favours: Favours, par: PatronParameters) -> Backing:
    """Backing that contenders have from outside powers after an exit, 0 to 1.

    Args:
        chance: of each reply, see `reply_chance`.
        favours: share of a patron's help that a contender would get, 0 to 1.
        par: parameters.

    Returns:
        Backing by contender: the mean reply as a share of the fullest, at most 1 from all patrons.
    """
    level = jnp.arange(4.0).reshape((-1,) + (1,) * (chance.ndim - 1)) / 3.0
    help_ = jnp.sum(level * chance, axis=0)
    given = jnp.sum(favours * jnp.expand_dims(help_, 1), axis=0)
    return jnp.clip(_over(par.gap_weight) * given, 0.0, 1.0)


def norm_state(patrons: int, shape: tuple[int, ...] = ()) -> PatronState:
    """State before the crisis: nothing promised, nothing sent, no step undone."""
    none, some = jnp.zeros(shape), jnp.zeros((patrons, *shape))
    return PatronState(some, jnp.zeros((QUEUE, patrons, *shape)), some, some, some, none, none, none)


def draw_noise(key: PRNGKeyArray, shape: tuple[int, ...]) -> PatronNoise:
    """Draw the week's noises, each from the part of the key that bears its name; shape: patrons, then draws."""
    keys = named_keys(key, NOISES)
    sizes = {"reply": shape, "delay": shape, "government": shape[1:]}
    return PatronNoise(*(jax.random.uniform(keys[name], sizes[name]) for name in NOISES))


def step(
    key: PRNGKeyArray, state: PatronState, inputs: PatronInput, par: PatronParameters
) -> tuple[PatronState, PatronInfo]:
    """Advance a week.

    Args:
        key: key of this module for this week.
        state: state at the start of the week.
        inputs: jumps, promises, ties, relief and standing steps of the week.
        par: parameters.

    Returns:
        State at the end of the week, and chances and events of the week.
    """
    return advance(draw_noise(key, state.arrived.shape), state, inputs, par)


def advance(
    noise: PatronNoise, state: PatronState, inputs: PatronInput, par: PatronParameters
) -> tuple[PatronState, PatronInfo]:
    """Advance a week with noises given, so that a counterfactual can keep them and change the input."""
    answer = reply(noise.reply, inputs, par)
    promised = jnp.asarray(inputs.promise, dtype=float) * jnp.ones_like(state.due)
    fell_due = ((_over(jnp.asarray(inputs.jump * par.events)) > 0.5) & (promised > 0.0)).astype(float)
    held = jnp.where(answer.astype(float) >= promised, fell_due, 0.0)
    kept, due = state.kept + held, state.due + fell_due

    arms = jnp.where(answer == ARMS, _over(par.arms_size), 0.0)
    troops = jnp.where(answer == TROOPS, _over(par.troops_size), 0.0)
    low, high = _over(par.delay_low), _over(par.delay_high)
    delay = jnp.clip(jnp.floor(low + (high - low + 1.0) * noise.delay), 1.0, QUEUE - 1.0)
    arrived = state.arrived + state.way[0]
    week = jnp.arange(1.0, QUEUE + 1.0).reshape((-1,) + (1,) * delay.ndim)
    moved = jnp.concatenate([state.way[1:], jnp.zeros_like(state.way[:1])])
    way = moved + jnp.where(week == delay[None], arms[None], 0.0) + jnp.where(week == 1.0, troops[None], 0.0)
    helps = jnp.maximum(state.helps, (answer >= ARMS).astype(float))

    risk = reversal(state.undone, state.watched, par) * jnp.ones_like(state.undone)
    chance = weekly(risk)
    granted = jnp.asarray(inputs.freed * jnp.ones_like(state.undone)) > 0.0
    standing = jnp.asarray(inputs.standing * jnp.ones_like(state.undone))
    turned = noise.government < par.events * standing * chance
    weeks = jnp.where(granted & ~turned, state.relief_weeks + 1.0, 0.0)
    undone = state.undone + turned.astype(float)
    watched = state.watched + standing / WEEKS_A_YEAR
    after = PatronState(arrived, way, helps, kept, due, weeks, undone, watched)
    info = PatronInfo(
        reply_chance=_spread(reply_chance(inputs, par), answer.shape),
        reply=answer,
        sent=arms + troops,
        broken=fell_due - held,
        kept_chance=kept_belief(kept, due, par),
        defence=jnp.sum(arrived, axis=0),
        legitimacy=par.words_gain * jnp.sum((answer >= WORDS).astype(float), axis=0),
        money=par.money * jnp.sum(helps, axis=0),
        relief=relief(inputs.freed, weeks, par.relief_speed, 0.0),
        reversal=risk,
        reversal_chance=chance,
        reversed=turned,
    )
    return after, info


def _learnt(norm: Number, weight: Number, switch: Number, yes: Number, tried: Number) -> Drawn:
    """Mean of a beta whose prior has this norm and weight, after so many of those tried; the norm at switch 0."""
    return jnp.asarray(norm + switch * (yes - norm * tried) / (weight + switch * tried))


def _spread(chance: Float[Array, "reply patron ..."], shape: tuple[int, ...]) -> Float[Array, "reply ..."]:
    """The same for every draw."""
    bare = chance.reshape(chance.shape + (1,) * (len(shape) + 1 - chance.ndim))
    return jnp.broadcast_to(bare, (chance.shape[0], *shape))


def _over(value: Number) -> Number:
    """The same for every patron: put the patron axis in front, unless it is a scalar."""
    return value if jnp.ndim(value) == 0 else jnp.expand_dims(jnp.asarray(value), 0)
