"""Contest: who prevails among contenders, and who is left out and fights (event).

    chance_k = power_k^m / sum_i power_i^m                              the old coalition holds: shares are believed
    phi(X) = the Y of least power inside X with P(Y) > alpha P(X) and phi(Y) = Y, else X       nothing is believed
    i outside Y = phi(N) fights if power_i / (power_i + P(Y)) > fight_cost
    fragmentation = power of those who fight over power of all

power_k strength of contender k (any unit, ratios count), P(X) sum over X, m decisiveness, alpha winning share
of power (0 to 1), fight_cost share of the prize. phi is the ruling coalition: one that no winning part of it
could throw out and still stand itself. It is found over all 2^n - 1 sets of n contenders, at most six, the
small ones first. A contender who is not eligible counts as absent.

Reference: Skaperdas (1996), Contest success functions, Economic Theory 7; Acemoglu, Egorov & Sonin (2008),
Coalition formation in non-democracies, Review of Economic Studies 75.
"""

import itertools

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import ndtri
from jaxtyping import Array, Bool, Float, Int

MAX_CONTENDERS = 6  # 2^6 sets
Number = Float[Array, "*#draw"] | float
OfContenders = Float[Array, "contender *#draw"]
Eligible = Bool[Array, "contender *#draw"]
Chances = Float[Array, "contender *draw"]
Members = Bool[Array, "contender *draw"]
Choices = Float[Array, "choice *draw"]
Points = Float[Array, "contender point"]


class Struggle(eqx.Module):
    """What comes of a contest, believed shares or not."""

    held: Chances  # chance to lead if the old coalition holds
    strongest: Chances  # 1 for the leader of the ruling coalition if nothing is believed
    member: Members  # of the ruling coalition
    fights: Members  # left out and takes up arms
    fragmentation: Float[Array, "*draw"]  # share of power that fights


def contest(log_power: OfContenders, eligible: Eligible, decisiveness: Number = 1.0) -> Chances:
    """Chance of each contender to lead.

    Args:
        log_power: log of strength.
        eligible: who takes part; with nobody, all chances are 0.
        decisiveness: exponent m; 0 makes all equal, a large one lets the strongest win.

    Returns:
        Chances that sum to 1, or to 0 where nobody takes part.
    """
    score = log_power * over_contenders(decisiveness)
    peak = jnp.max(jnp.where(eligible, score, -jnp.inf), axis=0, keepdims=True)
    weight = jnp.where(eligible, jnp.exp(jnp.where(eligible, score - peak, 0.0)), 0.0)
    total = jnp.sum(weight, axis=0, keepdims=True)
    return weight / jnp.where(total > 0.0, total, 1.0)


def ruling_coalition(power: OfContenders, eligible: Eligible, winning_share: Number = 0.5) -> Members:
    """Members of the coalition that rules when no promise is believed.

    Args:
        power: strength, above 0 for those eligible.
        eligible: who takes part.
        winning_share: alpha, share of power that a part needs to throw the others out; 0.5 or more.

    Returns:
        Who belongs to it; nobody where nobody takes part.
    """
    count = power.shape[0]
    if not 1 <= count <= MAX_CONTENDERS:
        raise ValueError(f"{count} contenders; name one to {MAX_CONTENDERS}, or merge the weakest.")
    sets, starts, inside = _sets(count)
    axes = (1,) * (power.ndim - 1)
    taken = jnp.where(eligible, power, 0.0)
    weight = jnp.tensordot(jnp.asarray(sets, dtype=power.dtype), taken, axes=1)
    absent = jnp.tensordot(jnp.asarray(sets, dtype=power.dtype), (~eligible).astype(power.dtype), axes=1)
    need = over_contenders(winning_share) * weight
    stable = jnp.ones_like(weight[:0], dtype=bool)
    for low, high in itertools.pairwise(starts):
        part = jnp.asarray(inside[low:high, :low]).reshape((high - low, low, *axes))
        beaten = jnp.any(part & stable[None] & (weight[None, :low] > need[low:high, None]), axis=1)
        stable = jnp.concatenate([stable, ~beaten])
    all_power = jnp.sum(taken, axis=0, keepdims=True)
    wins = stable & (absent == 0.0) & (weight > over_contenders(winning_share) * all_power)
    chosen = jnp.argmin(jnp.where(wins, weight, jnp.inf), axis=0)
    # The set of all is stable or holds a stable winning part, so with somebody eligible some set wins.
    return jnp.moveaxis(jnp.asarray(sets)[chosen], -1, 0) & eligible & jnp.any(wins, axis=0, keepdims=True)


def struggle(
    log_power: OfContenders,
    eligible: Eligible,
    decisiveness: Number = 1.5,
    winning_share: Number = 0.5,
    fight_cost: Number = 0.35,
) -> Struggle:
    """Settle a contest, both if shares promised inside the old coalition are believed and if nothing is.

    Args:
        log_power: log of strength on the day.
        eligible: who takes part.
        decisiveness: exponent m of the contest.
        winning_share: alpha, share of power.
        fight_cost: chance of winning above which somebody left out fights; at 1 nobody does.

    Returns:
        Chances of leading under either, who fights, and fragmentation if nothing is believed.
    """
    power = contest(log_power, eligible)
    member = ruling_coalition(power, eligible, winning_share)
    inner = jnp.sum(jnp.where(member, power, 0.0), axis=0, keepdims=True)
    alone = power / jnp.where(power + inner > 0.0, power + inner, 1.0)
    fights = eligible & ~member & (alone > over_contenders(fight_cost))
    return Struggle(
        held=contest(log_power, eligible, decisiveness),
        strongest=strongest(power, member),
        member=member,
        fights=fights,
        fragmentation=jnp.sum(jnp.where(fights, power, 0.0), axis=0),
    )


def strongest(strength: OfContenders, among: Eligible) -> Chances:
    """1 for the strongest of those named (the first of equals), 0 for the others and where nobody is named."""
    best = jnp.argmax(jnp.where(among, strength, -jnp.inf), axis=0)
    index = jnp.arange(among.shape[0]).reshape((-1,) + (1,) * (among.ndim - 1))
    return (among & (index == best[None])).astype(float)


def one_hot(index: Int[Array, "*draw"], count: int) -> Choices:
    """1 for the choice made, 0 for the others; the axis of choices comes first."""
    return (jnp.arange(count).reshape((-1,) + (1,) * index.ndim) == index[None]).astype(float)


def pick(uniform: Float[Array, "*#draw"], weight: Float[Array, "choice *#draw"]) -> Int[Array, "*draw"]:
    """Choice drawn by weight; the number of choices where all weights are 0."""
    heap = jnp.cumsum(weight, axis=0)
    return jnp.sum(uniform[None] * heap[-1:] >= heap, axis=0)


def over_contenders(value: Number) -> Number:
    """The same for every contender: put the contender axis in front, unless it is a scalar."""
    return value if jnp.ndim(value) == 0 else jnp.expand_dims(jnp.asarray(value), 0)


def lucky_points(count: int, points: int) -> Points:
    """Standard normal points of low discrepancy, each with its mirror image: Halton, one prime a contender."""
    index = np.arange(1, points // 2 + 1)
    rows = []
    for prime in (2, 3, 5, 7, 11, 13)[:count]:
        digits = index[:, None] // prime ** np.arange(20 // prime.bit_length() + 4) % prime
        rows.append((digits / float(prime) ** np.arange(1, digits.shape[1] + 1)).sum(1))
    half = np.array(rows)
    return ndtri(jnp.asarray(np.concatenate([half, 1.0 - half], axis=1)))


def _sets(count: int) -> tuple[np.ndarray, list[int], np.ndarray]:
    """Non-empty sets by size: members, where each size starts, and which is a proper part of which."""
    masks = np.arange(1, 2**count)
    members = (masks[:, None] >> np.arange(count)) & 1 == 1
    order = np.argsort(members.sum(1), kind="stable")
    members = members[order]
    size = members.sum(1)
    starts = [int(np.searchsorted(size, s)) for s in range(1, count + 1)] + [len(size)]
    inside = (members[:, None] >= members[None]).all(-1) & (size[:, None] > size[None])
    return members, starts, inside
