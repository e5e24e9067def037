"""Reading: one piece of news, from what is sent to what is believed.

    C = (1 - eps) I + eps T                                 a mediator of clarity c: C -> (1 - c) C + c I
    naive: LLR = ln pi(m'|i)/pi(m'|j)                       aware: LLR = ln (pi C)(m'|i)/(pi C)(m'|j)
    drawn bias: LLR -> -LLR with chance q if it speaks against the favoured type
    mean bias: LLR -> kappa LLR in that case                kappa = 1 - 2 q, q up to one half
    lock-in on an error is possible only if q > 1 - 1/(2 accuracy)
    bad news passes each of `layers` with chance 1 - loss and waits Gamma(2, delay) weeks there
    log-odds of the state = sum_k w_k log-odds_k            w_1 = leader_weight, the others share the rest
    document: LR = (r f1 + (1 - r) g)/(r f0 + (1 - r) g)    r' = r + welcome (r_max - r) [favours what is held]

m move sent and m' move read, C chance of each reading of each move, eps chance of a misreading, T the moves
as which it is taken, I the identity, pi chance of a move by type (i, j), LLR log-likelihood ratio, q
confirmatory bias, delay scale of a wait (weeks; a wait has mean 2 delay), r trust that a document is genuine
(chance), f1 and f0 chance of its content if genuine and the claim true or false, g if forged.

Reference: Rabin & Schrag (1999), First Impressions Matter, QJE 114. The rest is the project's own.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.scipy.special import gammainc
from jaxtyping import Array, Bool, Float, Int

Number = Float[Array, "*#draw"] | float
OfReadings = Float[Array, "read *draw"]
OfTypes = Float[Array, "type *draw"]
WAIT_SHAPE = 2.0  # of the gamma law of the wait in a layer


class Arrival(eqx.Module):
    """What becomes of a piece of news on its way up."""

    passes: Bool[Array, "*draw"]
    weeks: Float[Array, "*draw"]  # on the way


def channel(confusion: Float[Array, "move read *#draw"], misreading: Number) -> Float[Array, "move read *draw"]:
    """Chance of each reading of each move, (1 - eps) I + eps T."""
    eps = ahead(misreading, 2)
    same = _identity(confusion.shape[0], max(jnp.ndim(misreading), confusion.ndim - 2))
    return (1.0 - eps) * same + eps * behind(confusion, same.ndim)


def misread(matrix: Float[Array, "move read *#draw"], clarity: Number) -> Float[Array, "move read *draw"]:
    """Channel with a mediator present, (1 - c) C + c I."""
    clear = ahead(clarity, 2)
    same = _identity(matrix.shape[0], max(jnp.ndim(clarity), matrix.ndim - 2))
    return (1.0 - clear) * behind(matrix, same.ndim) + clear * same


def reading_chance(matrix: Float[Array, "move read *#draw"], move: Int[Array, "*#draw"]) -> OfReadings:
    """Chance of each reading of the move sent: a row of the channel."""
    rank = max(move.ndim, matrix.ndim - 2)
    sent = jax.nn.one_hot(move, matrix.shape[0], axis=0, dtype=matrix.dtype)
    return jnp.sum(behind(matrix, 2 + rank) * behind(sent, 1 + rank)[:, None], axis=0)


def read(chance: Float[Array, "read *#draw"], uniform: Number) -> Int[Array, "*draw"]:
    """Draw the move as read."""
    heap = jnp.cumsum(chance, axis=0)
    passed = jnp.sum(ahead(uniform, 1) * heap[-1:] >= heap, axis=0)
    return jnp.minimum(passed, chance.shape[0] - 1)


def through(policy: Float[Array, "move *#draw"], matrix: Float[Array, "move read *#draw"]) -> OfReadings:
    """Chance of each reading, pi C, where moves are played by a policy and read through a channel."""
    rank = max(policy.ndim - 1, matrix.ndim - 2)
    return jnp.sum(behind(policy, 1 + rank)[:, None] * behind(matrix, 2 + rank), axis=0)


def log_ratio(chance: Number, other: Number) -> Float[Array, "*draw"]:
    """Ln chance/other; what is impossible under both, or as likely under both, tells nothing (0)."""
    first, second = jnp.asarray(chance, dtype=float), jnp.asarray(other, dtype=float)
    equal = first == second
    return jnp.log(jnp.where(equal, 1.0, first)) - jnp.log(jnp.where(equal, 1.0, second))


def naive_ratio(policy: Float[Array, "move *#draw"], other: Float[Array, "move *#draw"]) -> OfReadings:
    """LLR of each reading to one who takes it for the move: type i plays `policy`, type j `other`."""
    return log_ratio(policy, other)


def aware_ratio(
    policy: Float[Array, "move *#draw"],
    other: Float[Array, "move *#draw"],
    matrix: Float[Array, "move read *#draw"],
) -> OfReadings:
    """LLR of each reading to one who allows for his channel."""
    return log_ratio(through(policy, matrix), through(other, matrix))


def flip(llr: Number, favoured: Number, bias: Number, uniform: Number) -> Float[Array, "*draw"]:
    """Read a contrary signal as support with chance q.

    Args:
        llr: log-likelihood ratio of the signal as it is.
        favoured: log-odds, or their sign; at 0 nothing is favoured and signals are read as they are.
        bias: q, chance.
        uniform: uniform noise.

    Returns:
        LLR as read. Reference: Rabin & Schrag (1999).
    """
    turned = (llr * jnp.sign(favoured) < 0.0) & (jnp.asarray(uniform) < bias)
    return jnp.asarray(jnp.where(turned, -jnp.asarray(llr), llr))


def kappa(bias: Number) -> Float[Array, "*draw"]:
    """Mean weight of contrary news, 1 - 2 q; 0 from q of one half on, where the mean would turn round."""
    return jnp.maximum(0.0, 1.0 - 2.0 * jnp.asarray(bias, dtype=float))


def discount(llr: Number, favoured: Number, weight: Number) -> Float[Array, "*draw"]:
    """Multiply a contrary LLR by kappa; an approximation of `flip` that matches its mean only."""
    return jnp.asarray(jnp.where(llr * jnp.sign(favoured) < 0.0, weight * jnp.asarray(llr), llr))


def lock_in_bias(accuracy: Number) -> Float[Array, "*draw"]:
    """Bias above which an error can last for ever, 1 - 1/(2 accuracy), accuracy the chance of a right signal."""
    return 1.0 - 1.0 / (2.0 * jnp.asarray(accuracy, dtype=float))


def wrong_for_ever(accuracy: Number, bias: Number) -> Float[Array, "*draw"]:
    """Chance of ending on the wrong hypothesis for good, from even odds. Reference: Rabin & Schrag (1999).

    From one signal ahead, the chance that the lead is never lost is 1 - (down/up) where up exceeds down.
    """
    right, turned = jnp.asarray(accuracy, dtype=float), jnp.asarray(bias, dtype=float)
    good = jnp.maximum(0.0, 1.0 - (1.0 - right) * (1.0 - turned) / (right + (1.0 - right) * turned))
    ill = jnp.maximum(0.0, 1.0 - right * (1.0 - turned) / ((1.0 - right) + right * turned))
    return (1.0 - right) * ill / ((1.0 - right) * ill + right * good)


def arrival(
    bad: Number,
    layers: Number,
    loss: Number,
    delay: Number,
    passage: Float[Array, "layer *#draw"],
    wait: Float[Array, "layer *#draw"],
) -> Arrival:
    """Send news up through the layers; good news passes at once.

    The same noises serve any number of layers, so that one layer more can only lose or delay it.

    Args:
        bad: 1 for bad news, 0 for good.
        layers: number of layers, at most the length of the layer axis.
        loss: chance of being lost in a layer.
        delay: scale of the wait in a layer, weeks.
        passage: uniform noise of each layer.
        wait: Gamma(2, 1) noise of each layer.
    """
    place = behind(jnp.arange(passage.shape[0], dtype=float), passage.ndim)
    inside = (place < ahead(layers, 1)) & (ahead(bad, 1) > 0.0)
    lost = jnp.any(inside & (passage < ahead(loss, 1)), axis=0)
    return Arrival(~lost, jnp.sum(jnp.where(inside, wait, 0.0), axis=0) * delay)


def arrival_chance(bad: Number, layers: Number, loss: Number) -> Float[Array, "*draw"]:
    """Chance that news is not lost on its way up."""
    return jnp.where(jnp.asarray(bad) > 0.0, (1.0 - jnp.asarray(loss, dtype=float)) ** layers, 1.0)


def arrived_by(weeks: Number, layers: Number, loss: Number, delay: Number) -> Float[Array, "*draw"]:
    """Chance that bad news has arrived some weeks after it was sent; `delay` above 0."""
    count = jnp.asarray(layers, dtype=float)
    law = gammainc(WAIT_SHAPE * jnp.maximum(count, 1.0), jnp.asarray(weeks / delay, dtype=float))
    return (1.0 - loss) ** count * jnp.where(count > 0.0, law, 1.0)


def pool(log_odds: Float[Array, "decider type *draw"], leader_weight: Number) -> OfTypes:
    """Log-odds on which a state acts; the leader is the first decider. One decider is the state."""
    others = log_odds.shape[0] - 1
    lead = ahead(leader_weight, 1)
    heard = jnp.sum(log_odds[1:], axis=0) * (1.0 - lead) / max(others, 1)
    return lead * log_odds[0] + heard if others else log_odds[0]


def document_ratio(trust: Number, if_true: Number, if_false: Number, if_forged: Number) -> Float[Array, "*draw"]:
    """Likelihood ratio of a document of doubtful origin; 1 without trust (`if_forged` above 0)."""
    forged = (1.0 - trust) * if_forged
    return jnp.asarray((trust * if_true + forged) / (trust * if_false + forged))


def welcomed(trust: Number, favours: Number, welcome: Number, ceiling: Number) -> Float[Array, "*draw"]:
    """Trust in a document once it is seen; `favours` is 1 if it supports what is held. Never lowers trust."""
    return jnp.asarray(trust + welcome * favours * jnp.maximum(0.0, ceiling - trust))


def ahead(value: Number, axes: int) -> Number:
    """Put axes in front of a value by draw, unless it is a scalar."""
    return value if jnp.ndim(value) == 0 else jnp.reshape(jnp.asarray(value), (1,) * axes + jnp.shape(value))


def behind(array: Float[Array, "..."], rank: int) -> Float[Array, "..."]:
    """Put draw axes behind an array that has none."""
    return array.reshape(array.shape + (1,) * (rank - array.ndim))


def _identity(moves: int, draws: int) -> Float[Array, "move read *draw"]:
    """Every move read as sent."""
    return behind(jnp.eye(moves), 2 + draws)
