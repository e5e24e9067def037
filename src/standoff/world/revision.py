"""Revision: when a view is given up.

    W_v(t) = ln prior_v + sum_{s <= t} ln P(read_s | v)
    drop v for v' when W_v'(t) - W_v(t) > ln K                v' the best of the others
    events to a revision >= ln K / D on average               D = mean of ln P(read | v') - ln P(read | v)

W log weight of a view, P(read | v) chance of what was read in event s if the view is right (chance per event),
K Bayes factor at which a view is dropped, D mean log Bayes factor per event (nats). At K infinite no view is
ever dropped: the switch of the mechanism. A view that rules out what was read (P = 0) has weight minus
infinity and is dropped at any finite K; where every view rules it out nothing is changed.

After a change the comparison goes on from the view now in force, so that a return needs K again. The same
functions serve a dated record and a simulation: events first, views next, draws last.

Reference: Ortoleva (2012), Modeling the Change of Paradigm, American Economic Review 102; scale of K: Kass &
Raftery (1995), Bayes Factors, JASA 90 (20: strong). The bound on events is Wald's identity without overshoot.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

Number = Float[Array, "*#draw"] | float
OfViews = Float[Array, "view *draw"]
ViewIndex = Int[Array, "view *draw"]
EventIndex = Int[Array, "event *draw"]
EventMark = Bool[Array, "event *draw"]
EventNumber = Float[Array, "event *draw"]


class Revision(eqx.Module):
    """How a record bore on the views."""

    view: EventIndex  # in force after each event
    dropped: EventMark  # whether another was in force before it
    log_weight: Float[Array, "event view *draw"]  # W after each event
    advantage: Float[Array, "event view *draw"]  # over the view held when the event came, nats


def revise(
    held: Int[Array, "*draw"], log_weight: OfViews, log_threshold: Number
) -> tuple[Int[Array, "*draw"], Bool[Array, "*draw"], OfViews]:
    """Keep the view held or drop it for the best other.

    Args:
        held: view in force.
        log_weight: W of each view.
        log_threshold: ln K; infinite for no revision.

    Returns:
        View in force from now on, whether it is another one, and the advantage of each over the view held.
    """
    own = jnp.take_along_axis(log_weight, held[None], axis=0)
    alike = log_weight == own  # also where both are ruled out
    advantage = jnp.where(alike, 0.0, log_weight - jnp.where(alike, 0.0, own))
    best = jnp.argmax(advantage, axis=0).astype(held.dtype)
    dropped = jnp.max(advantage, axis=0) > log_threshold
    return jnp.where(dropped, best, held), dropped, advantage


def along(
    log_likelihood: Float[Array, "event view *draw"],
    log_prior: Float[Array, "view *#draw"],
    log_threshold: Number,
    held: Int[Array, "*draw"],
) -> Revision:
    """Run revision along a record.

    Args:
        log_likelihood: ln P(read | view) of each event; a weight on an event multiplies it.
        log_prior: log prior weight of each view, up to a constant.
        log_threshold: ln K.
        held: view in force before the first event.

    Returns:
        View in force, changes and log weights after each event.
    """
    prior = log_prior.reshape(log_prior.shape + (1,) * (log_likelihood.ndim - 1 - log_prior.ndim))
    start = jnp.broadcast_to(prior, log_likelihood.shape[1:])
    threshold = jnp.broadcast_to(jnp.asarray(log_threshold, dtype=float), held.shape)
    _, record = jax.lax.scan(_read_event, (held, start, threshold), log_likelihood)
    return Revision(*record)


def log_bayes(log_weight: Float[Array, "event view *draw"], view: int, other: int) -> EventNumber:
    """Log Bayes factor of one view against another after each event, prior odds included."""
    first, second = log_weight[:, view], log_weight[:, other]
    alike = first == second
    return jnp.where(alike, 0.0, first - jnp.where(alike, 0.0, second))


def takeover(view: EventIndex, views: int) -> ViewIndex:
    """Index of the first event after which each view is in force; the number of events if none."""
    place = jnp.arange(views, dtype=view.dtype).reshape((-1,) + (1,) * view.ndim)
    inside = view[None] == place
    first = jnp.argmax(inside, axis=1).astype(view.dtype)
    return jnp.where(jnp.any(inside, axis=1), first, view.shape[0])


def takeover_day(index: Int[Array, "*view_draw"], day: Float[Array, " event"]) -> Float[Array, "*view_draw"]:
    """Day on which a view takes over, from the days of the events; infinite if it never does."""
    return jnp.concatenate([day, jnp.full(1, jnp.inf)])[index]


def mean_log_bayes(rate_alternative: Number, rate_current: Number) -> Float[Array, "*draw"]:
    """Mean log Bayes factor of an event that comes with either of two rates (chances), if the alternative holds."""
    new, old = jnp.asarray(rate_alternative, dtype=float), jnp.asarray(rate_current, dtype=float)
    return new * jnp.log(new / old) + (1.0 - new) * jnp.log((1.0 - new) / (1.0 - old))


def least_events(rate_alternative: Number, rate_current: Number, threshold: Number) -> Float[Array, "*draw"]:
    """Least mean number of events until a view falls, ln K / D, at even prior odds."""
    return jnp.log(jnp.asarray(threshold, dtype=float)) / mean_log_bayes(rate_alternative, rate_current)


def _read_event(
    carry: tuple[Int[Array, "*draw"], OfViews, Float[Array, "*draw"]],
    log_likelihood: OfViews,
) -> tuple[tuple[Array, Array, Array], tuple[Array, Array, Array, Array]]:
    """Weigh one event."""
    held, weight, threshold = carry
    weight = weight + log_likelihood
    view, dropped, advantage = revise(held, weight, threshold)
    return (view, weight, threshold), (view, dropped, weight, advantage)
