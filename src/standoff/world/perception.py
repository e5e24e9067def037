"""Perception: what arrives of what was sent (weekly, one observer).

A prime marks the value at the end of the week, n a piece of news, v a view, i and j types of the other side.

    read ~ row of C of the move sent                        C = channel, cleared by a mediator (see `reading`)
    told' = max(told, [spoken])                             first = spoken and not yet told
    due' = wait if first and not lost, else due - 1         arrives when due <= 0; wait and loss for bad news only
    L_v' = L_v + sum of LLR as read of what arrives + sum of ln LR of documents first seen + contempt
    W_v' = W_v + ln P(read | v) + sum of ln P(scene | v) of what arrives
    view: dropped for the best other when its W exceeds that of the view held by more than ln K

L_v log-odds of each type of the other side against the first, in view v, from scenes; W_v log weight of view
v (log prior plus log-likelihood of the record as read); due in weeks; K Bayes factor; LLR log-likelihood
ratio. The equations of a single piece of news stand in `reading`, those of a change of view in `revision`.

Rules of the module. An origin counts once: `told` latches, and copies change nothing. News is read in the
light of what was believed at the start of the week in which it arrives, with one flip for a scene, in every
view that it contradicts; a wait ends in the first week that begins after it. Each view keeps its own log-odds
of the record as delivered, so that a view that takes over (see `revision`) has it already replayed. A move of
the game updates beliefs in the game, once; here a move as read weighs on the views only, and only scenes that
are no move carry an LLR.

Switches, at which a term vanishes exactly: misreading 0 or clarity 1 (M2, M3, M15), layers 0 (M4), layer_loss
0 and layer_delay 0 (each alone), confirm_bias 0, public_contempt 0 (M5), document_welcome 0 (M10: no welcome),
document_trust 0 with it (no documents), leader_weight 1/n (M11: equals; 1: the leader
alone), revision_threshold inf (no revision).

Reference: Rabin & Schrag (1999), First Impressions Matter, QJE 114; Ortoleva (2012), Modeling the Change of
Paradigm, AER 102. Sizes are the project's judgement: no study measures them for heads of state.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from standoff.world.noise import named_keys
from standoff.world.reading import (
    ahead,
    arrival,
    arrival_chance,
    behind,
    channel,
    discount,
    document_ratio,
    flip,
    kappa,
    log_ratio,
    misread,
    pool,
    read,
    reading_chance,
    welcomed,
)
from standoff.world.revision import revise

Number = Float[Array, "*#draw"] | float
OfViews = Float[Array, "view *draw"]
OfTypes = Float[Array, "type *draw"]
OfNews = Float[Array, "news *draw"]
NewsMark = Bool[Array, "news *draw"]
OfDocuments = Float[Array, "document *draw"]
OfReadings = Float[Array, "read *draw"]
NOISES = ("reading", "flip", "passage", "wait")
LAYERS = 4  # the most layers for which noise is drawn


class PerceptionParameters(eqx.Module):
    """How an observer hears and reads. Draws stand on the last axis of every array; scalars fit everywhere."""

    confusion: Float[Array, "move read *#draw"]  # T, chance of each reading where a move is misread; rows sum to 1
    misreading: Number = 0.4  # eps, chance
    aware: Number = 0.0  # 1: he allows for his own channel, 0: he takes each reading for the move
    confirm_bias: Number = 0.25  # q, chance that a contrary scene is read as support
    mean_bias: Number = 0.0  # 1: discount by kappa instead of drawing flips
    layers: Number = 2.0  # advisers between news and leader, whole number up to LAYERS
    layer_loss: Number = 0.3  # chance that bad news is lost in a layer
    layer_delay: Number = 0.5  # scale of the wait in a layer, weeks; mean 1 week
    leader_weight: Number = 0.9  # share of the leader in the pooled log-odds
    document_trust: Number = 0.33  # r at first sight, chance that it is genuine
    document_welcome: Number = 0.5  # share of the way to the ceiling that trust rises (judgement)
    document_ceiling: Number = 0.9  # r_max, chance (judgement)
    revision_threshold: Number = 20.0  # K, Bayes factor at which a view is dropped
    public_contempt: Number = 0.4  # LLR of a week of mockery, for each type against the first, which yields


class PerceptionState(eqx.Module):
    """What next week needs of this one. Log-odds are of each type against the first."""

    log_odds: Float[Array, "view type *draw"]  # from scenes, in each view
    log_weight: OfViews  # log prior plus log-likelihood of what was read, by view
    held: Int[Array, "*draw"]  # view in force
    told: OfNews  # 1 once an origin has spoken
    due: OfNews  # weeks until news under way arrives; inf: none
    llr: Float[Array, "news view type *draw"]  # of the news under way
    evidence: Float[Array, "news view *draw"]  # log-likelihood of the news under way, by view
    shown: OfDocuments  # 1 once a document has been seen
    trust: OfDocuments  # r, 0 to 1


class PerceptionInput(eqx.Module):
    """What is sent this week. News and documents keep their places on the axes: one place an origin."""

    move: Int[Array, "*#draw"]  # move of the other side
    policy: Float[Array, "view move *#draw"]  # chance of each move as each view has it
    told: Float[Array, "news *#draw"]  # 1 if the origin speaks this week, through however many reports
    bad: Float[Array, "news *#draw"]  # 1 if it is bad news for the observer
    llr: Float[Array, "news view type *#draw"]  # of the scene, in each view
    evidence: Float[Array, "news view *#draw"]  # log-likelihood of the scene, by view
    shown: Float[Array, "document *#draw"]  # 1 if the document is seen this week
    if_true: Float[Array, "document type *#draw"]  # f1, chance of its content if genuine, by type
    if_false: Float[Array, "document *#draw"]  # f0, the same for the first type
    if_forged: Float[Array, "document *#draw"]  # g, chance of its content if forged; above 0
    colleagues: Float[Array, "colleague type *#draw"]  # log-odds of the other deciders
    clarity: Number = 0.0  # c of a mediator, 0 to 1
    contempt: Number = 0.0  # 1 in a week of public mockery that is no move


class PerceptionNoise(eqx.Module):
    """The week's noises: uniform, but `wait`, which is Gamma(2, 1)."""

    reading: Number
    flip: OfNews
    passage: Float[Array, "layer news *draw"]
    wait: Float[Array, "layer news *draw"]


class PerceptionInfo(eqx.Module):
    """What a reader of the run needs."""

    read: Int[Array, "*draw"]  # move as read
    read_chance: OfReadings  # row of the channel
    arrival_chance: OfNews  # chance that news sent now is not lost
    delivered: NewsMark
    flip_chance: Float[Array, "news view type *draw"]  # chance that it is read the wrong way round, once there
    document_llr: Float[Array, "document type *draw"]
    view: Int[Array, "*draw"]  # in force at the end of the week
    dropped: Bool[Array, "*draw"]  # whether another was in force before
    advantage: OfViews  # log Bayes factor, prior odds included, against the view held before
    log_odds: OfTypes  # in the view in force
    pooled: OfTypes  # of the state


def norm_state(
    par: PerceptionParameters,
    log_odds: Float[Array, "view type *draw"],
    log_weight: OfViews,
    news: int,
    documents: int,
) -> PerceptionState:
    """State before anything is heard, in the first view.

    Args:
        par: parameters.
        log_odds: prior log-odds of each type against the first, by view.
        log_weight: log prior weight of each view.
        news: number of origins.
        documents: number of documents.
    """
    views, types, *shape = log_odds.shape
    return PerceptionState(
        log_odds=log_odds,
        log_weight=log_weight,
        held=jnp.zeros(shape, dtype=jnp.int32),
        told=jnp.zeros((news, *shape)),
        due=jnp.full((news, *shape), jnp.inf, dtype=float),
        llr=jnp.zeros((news, views, types, *shape)),
        evidence=jnp.zeros((news, views, *shape)),
        shown=jnp.zeros((documents, *shape)),
        trust=jnp.broadcast_to(jnp.asarray(par.document_trust, dtype=float), (documents, *shape)),
    )


def quiet_input(state: PerceptionState, moves: int = 1) -> PerceptionInput:
    """A week in which nothing is said and every view expects each move alike."""
    nothing = jnp.zeros_like
    return PerceptionInput(
        move=jnp.zeros_like(state.held),
        policy=jnp.full((state.log_weight.shape[0], moves, *state.held.shape), 1.0 / moves, dtype=float),
        told=nothing(state.told),
        bad=nothing(state.told),
        llr=nothing(state.llr),
        evidence=nothing(state.evidence),
        shown=nothing(state.shown),
        if_true=jnp.ones((state.shown.shape[0], *state.log_odds.shape[1:])),
        if_false=jnp.ones_like(state.shown),
        if_forged=jnp.ones_like(state.shown),
        colleagues=jnp.zeros((0, *state.log_odds.shape[1:])),
    )


def draw_noise(key: PRNGKeyArray, shape: tuple[int, ...], news: int = 1) -> PerceptionNoise:
    """Draw the week's noises for a number of origins, each from the part of the key that bears its name."""
    keys = named_keys(key, NOISES)
    return PerceptionNoise(
        reading=jax.random.uniform(keys["reading"], shape),
        flip=jax.random.uniform(keys["flip"], (news, *shape)),
        passage=jax.random.uniform(keys["passage"], (LAYERS, news, *shape)),
        wait=jnp.sum(jax.random.exponential(keys["wait"], (2, LAYERS, news, *shape)), axis=0),  # Gamma(2, 1)
    )


def step(
    key: PRNGKeyArray, state: PerceptionState, inputs: PerceptionInput, par: PerceptionParameters
) -> tuple[PerceptionState, PerceptionInfo]:
    """Advance a week.

    Args:
        key: key of this module, this observer and this week.
        state: state at the start of the week.
        inputs: move, scenes, documents and colleagues' beliefs of the week.
        par: parameters; arrays of the draws' rank, or scalars.

    Returns:
        State at the end of the week, and what was read.
    """
    return advance(draw_noise(key, state.held.shape, state.told.shape[0]), state, inputs, par)


def advance(
    noise: PerceptionNoise, state: PerceptionState, inputs: PerceptionInput, par: PerceptionParameters
) -> tuple[PerceptionState, PerceptionInfo]:
    """Advance a week with noises given, so that a counterfactual can keep them and change the input."""
    state, delivered = _deliver(noise, state, inputs, par)
    log_odds, against = _hear(noise, state, delivered, par)
    state, document_llr = _see_documents(state, inputs, par)
    shown = jnp.sum(document_llr, axis=0)[None]
    log_odds = log_odds + shown + ahead(par.public_contempt * inputs.contempt, 2)

    matrix = misread(channel(par.confusion, par.misreading), inputs.clarity)
    matrix = behind(matrix, 2 + state.held.ndim)
    row = reading_chance(matrix, inputs.move)
    seen = read(row, noise.reading)
    evidence = jnp.sum(jnp.where(delivered[:, None], state.evidence, 0.0), axis=0)
    weight = state.log_weight + evidence + _log_expected(seen, inputs.policy, matrix, par)
    view, dropped, advantage = revise(state.held, weight, jnp.log(jnp.asarray(par.revision_threshold, dtype=float)))
    own = jnp.take_along_axis(log_odds, view[None, None], axis=0)[0]
    deciders = jnp.concatenate(
        [own[None], jnp.broadcast_to(inputs.colleagues, (inputs.colleagues.shape[0], *own.shape))]
    )
    after = PerceptionState(
        log_odds=log_odds,
        log_weight=weight,
        held=view,
        told=state.told,
        due=jnp.where(delivered, jnp.inf, state.due - 1.0),
        llr=state.llr,
        evidence=state.evidence,
        shown=state.shown,
        trust=state.trust,
    )
    info = PerceptionInfo(
        read=seen,
        read_chance=row,
        arrival_chance=arrival_chance(inputs.bad, ahead(par.layers, 1), ahead(par.layer_loss, 1)),
        delivered=delivered,
        flip_chance=jnp.where(against, ahead(par.confirm_bias, 3), 0.0),
        document_llr=document_llr,
        view=view,
        dropped=dropped,
        advantage=advantage,
        log_odds=own,
        pooled=pool(deciders, par.leader_weight),
    )
    return after, info


def _deliver(
    noise: PerceptionNoise, state: PerceptionState, inputs: PerceptionInput, par: PerceptionParameters
) -> tuple[PerceptionState, NewsMark]:
    """Put the first word of each origin on its way; say what arrives this week."""
    first = (inputs.told > 0.0) & (state.told == 0.0)
    layers, loss, delay = (ahead(x, 1) for x in (par.layers, par.layer_loss, par.layer_delay))
    way = arrival(inputs.bad, layers, loss, delay, noise.passage, noise.wait)
    due = jnp.where(first & way.passes, way.weeks, state.due)
    after = PerceptionState(
        log_odds=state.log_odds,
        log_weight=state.log_weight,
        held=state.held,
        told=jnp.maximum(state.told, first.astype(state.told.dtype)),
        due=due,
        llr=jnp.where(first[:, None, None], inputs.llr, state.llr),
        evidence=jnp.where(first[:, None], inputs.evidence, state.evidence),
        shown=state.shown,
        trust=state.trust,
    )
    return after, due <= 0.0


def _hear(
    noise: PerceptionNoise, state: PerceptionState, delivered: NewsMark, par: PerceptionParameters
) -> tuple[Float[Array, "view type *draw"], Bool[Array, "news view type *draw"]]:
    """Log-odds after the news of the week, and which news speaks against what each view favours."""
    favoured = state.log_odds[None]
    bias = ahead(par.confirm_bias, 3)
    drawn = flip(state.llr, favoured, bias, noise.flip[:, None, None])
    mean = discount(state.llr, favoured, kappa(bias))
    heard = jnp.where(ahead(par.mean_bias, 3) > 0.5, mean, drawn)
    gain = jnp.sum(jnp.where(delivered[:, None, None], heard, 0.0), axis=0)
    return state.log_odds + gain, state.llr * jnp.sign(favoured) < 0.0


def _see_documents(
    state: PerceptionState, inputs: PerceptionInput, par: PerceptionParameters
) -> tuple[PerceptionState, Float[Array, "document type *draw"]]:
    """Trust in documents, and the LLR of those seen for the first time."""
    held = jnp.take_along_axis(state.log_odds, state.held[None, None], axis=0)
    support = jnp.sum(held * log_ratio(inputs.if_true, inputs.if_false[:, None]), axis=1)
    first = (inputs.shown > 0.0) & (state.shown == 0.0)
    favours = (first & (support > 0.0)).astype(state.trust.dtype)
    trust = welcomed(state.trust, favours, ahead(par.document_welcome, 1), ahead(par.document_ceiling, 1))
    ratio = document_ratio(trust[:, None], inputs.if_true, inputs.if_false[:, None], inputs.if_forged[:, None])
    after = eqx.tree_at(
        lambda x: (x.shown, x.trust), state, (jnp.maximum(state.shown, first.astype(trust.dtype)), trust)
    )
    return after, jnp.where(first[:, None], jnp.log(ratio), 0.0)


def _log_expected(
    seen: Int[Array, "*draw"],
    policy: Float[Array, "view move *#draw"],
    matrix: Float[Array, "move read *#draw"],
    par: PerceptionParameters,
) -> OfViews:
    """Log-likelihood of the reading in each view; minus infinity where a view rules it out."""
    blurred = jnp.sum(policy[:, :, None] * jnp.reshape(matrix, (1, *matrix.shape)), axis=1)
    expected = jnp.where(ahead(par.aware, 2) > 0.5, blurred, policy)
    mark = jax.nn.one_hot(seen, policy.shape[1], axis=0, dtype=expected.dtype)
    return jnp.log(jnp.sum(expected * mark[None], axis=1))
