"""Exits: what leaving is worth (weekly valuation).

    h_d = h_safe + w (1 - cred) h_warrant r_d              a year; h = 1 - (1 - h_d)^(1/52) a week
    cred' = cred (1 - rev)^max(0, years - horizon)         r_d = ally + (1 - ally) reach_d
    X_d = assets + (ease + dl h punished)/(1 - dl (1 - h))
    choice_d = offered_d exp(lam X_d) / sum                X* = sum_d choice_d X_d
    n = circle - covered kept                              block = n/(n + n_half)
    package = (1 - block)(s' X* + (1 - s') punished) + block (stay - pen)          s' = s + (1 - s) conduct
    flee = the same with covered = cred = conduct = 0             price = per_person covered kept
    kept = (1 - rev)^max(0, years - horizon)

h chance that a host gives the leader up, w warrants and culpability, cred credibility of the guarantor, reach_d reach
of courts at place d, r_d its hazard over that of a host within their reach, offered_d how firmly the place was
offered (all 0 to 1); dl discount a week, s chance of safe transit without guarantee, conduct share of that risk which
a safe conduct takes away (our addition, 0 by default: the design uses s for both), n members of the circle left
uncovered, n_half the number at which the way is blocked by half; rev yearly chance that a later government undoes a
promise, horizon years that the guarantor's own government lasts, years for which the promise has to hold.

Worths (ease a week, assets, punished, stay, pen) are all in one unit of account of the leader, lam in decisions per
that unit, price in the coercer's. The module fixes no unit: `punished` is the worth of ending up punished, -1 where
private life is 0 and the loss 1, and 1 - 1.3 where office for good is 1 and removal by force costs 1.3. `ease_of`
turns a worth of leaving without courts into an ease.

Axes: destinations in front, draws last; between them anything, types for one. All arrays that are no scalars share
the axes behind the destinations. Where the text says "best of softmax", X* is the mean under the softmax;
`precision` infinite is not allowed. Where it says that a shorter horizon lowers what the circle accepts and
what it costs, cover counts as far as later governments keep it.

Switches, at which a term vanishes exactly: `warrants` 0 (M8: courts), `circle_weight` 0 (M22: block and price),
`reversal` 0 (promises bind later governments), `events` 0: chances are computed and nothing is drawn.

References: Krcmaric (2018), Should I Stay or Should I Go? (courts and exile); Escriba-Folch & Krcmaric (2017),
Dictators in Exile (hosts); Albertus & Menaldo (2014), Gaming Democracy (rules kept); rates: Archigos 4.1.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from standoff.world.noise import named_keys

WEEKS_A_YEAR = 52.0
NOISES = ("blocking", "transit", "place", "loss")
IN_OFFICE, BLOCKED, IN_REFUGE, PUNISHED = 0, 1, 2, 3
Number = Float[Array, "*#draw"] | float
ByPlace = Float[Array, "place *#draw"]
OfPlace = Float[Array, "place *draw"]
OfDraw = Float[Array, "*draw"]
SomePlaces = Float[Array, "place *some"]


class ExitsParameters(eqx.Module):
    """What hosts, courts and guarantors are like, and how the leader counts. Worths have no default: see the units."""

    ease: Number  # worth of a week in a safe refuge
    punished: Number  # worth of prison or death, once
    assets: Number  # worth of assets kept
    penalty: Number  # pen, worth lost by being stopped while leaving
    precision: Number  # lam, of the choice among places, per unit of worth
    discount_year: Number = 0.9  # a year
    host_loss_safe: Number = 0.0025  # h_safe, chance a year
    host_loss_warrant: Number = 0.03  # h_warrant, chance a year
    host_ally: Number = 0.25  # ally, hazard beyond the courts' reach over that within it
    safe_transit: Number = 0.85  # s, chance
    guarantee_half: Number = 40.0  # n_half, persons
    reversal: Number = 0.12  # rev, chance a year
    promise_years: Number = 4.0  # years for which the promise has to hold (judgement)
    price_person: Number = 0.0  # per_person, worth to the coercer; from the case
    warrants: Number = 1.0  # switch
    circle_weight: Number = 1.0  # switch
    events: Number = 1.0  # switch


class ExitsInput(eqx.Module):
    """Terms and places of the week. `played` is 1 in a week in which the leader sets out under these terms.

    A flight is played as terms that cover nobody and promise nothing: `covered`, `credibility`, `conduct` 0.
    """

    reach: ByPlace  # of courts, 0 to 1
    offered: ByPlace  # how firmly, 0 to 1, at least one above 0
    stay: Number  # worth of going on in office
    warrant: Number = 0.0  # w, warrants and culpability, 0 to 1
    credibility: Number = 3.0 / 7.0  # cred, chance that the guarantor keeps his word
    horizon: Number = 4.0  # years that the guarantor's government lasts
    circle: Number = 40.0  # persons who can stop him
    covered: Number = 1.0  # persons covered by the terms
    conduct: Number = 0.0  # share of the risk of transit that the terms take away, 0 to 1
    played: Number = 0.0  # 0 or 1


class ExitsState(eqx.Module):
    """Where the leader is: a refuge with its weekly chance of loss, or not."""

    place: Int[Array, "*draw"]  # IN_OFFICE, IN_REFUGE, PUNISHED
    host_loss: OfDraw  # chance a week at the host that took him, 0 elsewhere


class ExitsNoise(eqx.Module):
    """The week's uniform noises."""

    blocking: Number
    transit: Number
    place: Number  # destination
    loss: Number  # of the refuge


class ExitsWorth(eqx.Module):
    """What leaving is worth, in the leader's unit, and what it costs the coercer, in his."""

    refuge: OfPlace  # X_d under the terms
    choice: OfPlace  # chance of each place under the terms
    best: OfDraw  # X*
    block: OfDraw  # chance of being stopped under the terms
    package: OfDraw  # worth of the terms
    flee: OfDraw  # worth of leaving without any
    price: OfDraw  # of the cover, coercer's unit


class ExitsInfo(eqx.Module):
    """What a reader of the run needs. Chances are per exit, `host_loss` per week."""

    worth: ExitsWorth
    transit: OfDraw  # chance of safe transit
    host_loss: OfDraw  # chance of losing the refuge this week
    event: Int[Array, "*draw"]  # IN_OFFICE if nothing happened, else BLOCKED, IN_REFUGE, PUNISHED
    destination: Int[Array, "*draw"]  # place to which he would go


def a_week(chance_year: Number) -> OfDraw:
    """Chance a week of what has a chance a year."""
    return -jnp.expm1(jnp.log1p(-jnp.asarray(chance_year)) / WEEKS_A_YEAR)


def host_loss(safe: Number, extra: Number, warrant: Number, credibility: Number, ratio: Number) -> OfDraw:
    """Chance a year that a host withdraws its protection.

    Args:
        safe: chance a year for a leader whom no court seeks.
        extra: chance a year added for one under warrant, without guarantee, at a host within the courts' reach.
        warrant: warrants and culpability, 0 to 1.
        credibility: of the guarantee, 0 to 1.
        ratio: hazard at this place over that at one within the courts' reach.

    Returns:
        Chance a year, at most 1.
    """
    return jnp.minimum(jnp.asarray(safe + warrant * (1.0 - credibility) * extra * ratio), 1.0)


def host_ratio(reach: Number, ally: Number) -> OfDraw:
    """Hazard at a host over that at one within the courts' reach: `ally` where they do not reach, 1 where they do."""
    return jnp.asarray(ally + (1.0 - ally) * reach)


def refuge(assets: Number, ease: Number, host_loss_week: Number, discount_week: Number, punished: Number) -> OfDraw:
    """Present value of a refuge.

    Args:
        assets: worth of what he keeps, once.
        ease: worth of a week there.
        host_loss_week: chance a week that it is lost.
        discount_week: discount factor a week, below 1.
        punished: worth of ending up punished, once (minus a loss where private life is 0).

    Returns:
        Worth in the unit of the arguments.
    """
    flow = ease + discount_week * host_loss_week * punished
    return jnp.asarray(assets + flow / (1.0 - discount_week * (1.0 - host_loss_week)))


def ease_of(worth: Number, assets: Number, host_loss_week: Number, discount_week: Number, punished: Number) -> OfDraw:
    """Ease a week at which a refuge has the given worth: `refuge` solved for `ease`."""
    annuity = (worth - assets) * (1.0 - discount_week * (1.0 - host_loss_week))
    return jnp.asarray(annuity - discount_week * host_loss_week * punished)


def choose(worth: OfPlace, offered: ByPlace, precision: Number) -> OfPlace:
    """Chance of each destination at a precision per unit of worth; a place that is not offered has none."""
    return jax.nn.softmax(_over_places(precision) * worth + jnp.log(offered), axis=0)


def block(uncovered: Number, half: Number) -> OfDraw:
    """Chance that those left uncovered stop the leader; `half` persons stop him half the time."""
    return jnp.asarray(uncovered / (uncovered + half))


def kept(years: Number, horizon: Number, reversal: Number) -> OfDraw:
    """Chance that a promise for `years` outlives the governments after the guarantor's `horizon` (years)."""
    return (1.0 - jnp.asarray(reversal)) ** jnp.maximum(0.0, jnp.asarray(years - horizon))


def uncovered(circle: Number, covered: Number, share_kept: Number) -> OfDraw:
    """Members of the circle whom the terms leave without cover, persons; cover counts as far as it is kept."""
    return jnp.maximum(0.0, jnp.asarray(circle - covered * share_kept))


def package_worth(
    blocked: Number, transit: Number, best: Number, punished: Number, stay: Number, penalty: Number
) -> OfDraw:
    """Worth of setting out under terms.

    Args:
        blocked: chance of being stopped by the circle.
        transit: chance of safe transit.
        best: worth of the refuge.
        punished: worth of ending up punished.
        stay: worth of going on in office.
        penalty: worth lost by being stopped.

    Returns:
        Worth in the unit of the arguments.
    """
    gone = transit * best + (1.0 - transit) * punished
    return jnp.asarray((1.0 - blocked) * gone + blocked * (stay - penalty))


def flee_worth(inputs: ExitsInput, par: ExitsParameters) -> OfDraw:
    """Worth of leaving without terms: nobody covered, nothing guaranteed."""
    worth, choice = _places(inputs, 0.0, par)
    blocked = par.circle_weight * block(inputs.circle, par.guarantee_half)
    best = jnp.sum(choice * worth, axis=0)
    return package_worth(blocked, par.safe_transit, best, par.punished, inputs.stay, par.penalty)


def appraise(inputs: ExitsInput, par: ExitsParameters) -> ExitsWorth:
    """What the terms are worth to the leader, what fleeing is, and what the cover costs the coercer."""
    share = kept(par.promise_years, inputs.horizon, par.reversal)
    worth, choice = _places(inputs, inputs.credibility * share, par)
    best = jnp.sum(choice * worth, axis=0)
    left = uncovered(inputs.circle, inputs.covered, share)
    blocked = par.circle_weight * block(left, par.guarantee_half)
    transit = _transit(inputs, par)
    package = package_worth(blocked, transit, best, par.punished, inputs.stay, par.penalty)
    price = par.circle_weight * par.price_person * inputs.covered * share
    parts = jnp.broadcast_arrays(best, blocked, package, flee_worth(inputs, par), price)
    return ExitsWorth(_fill(worth, parts[0].shape), _fill(choice, parts[0].shape), *parts)


def first_state(shape: tuple[int, ...] = ()) -> ExitsState:
    """State before anybody leaves."""
    return ExitsState(jnp.full(shape, IN_OFFICE), jnp.zeros(shape))


def draw_noise(key: PRNGKeyArray, shape: tuple[int, ...]) -> ExitsNoise:
    """Draw the week's noises, each from the part of the key that bears its name."""
    keys = named_keys(key, NOISES)
    return ExitsNoise(*(jax.random.uniform(keys[name], shape) for name in NOISES))


def step(
    key: PRNGKeyArray, state: ExitsState, inputs: ExitsInput, par: ExitsParameters
) -> tuple[ExitsState, ExitsInfo]:
    """Advance a week.

    Args:
        key: key of this module for this week.
        state: state at the start of the week.
        inputs: places and terms of the week, and whether he sets out under them.
        par: parameters; arrays of the same rank as the state, or scalars.

    Returns:
        State at the end of the week, and worths, chances and events of the week.
    """
    return advance(draw_noise(key, state.host_loss.shape), state, inputs, par)


def advance(
    noise: ExitsNoise, state: ExitsState, inputs: ExitsInput, par: ExitsParameters
) -> tuple[ExitsState, ExitsInfo]:
    """Advance a week with noises given, so that a counterfactual can keep them and change the input."""
    worth = appraise(inputs, par)
    going = (par.events * jnp.asarray(inputs.played) > 0.0) & (state.place == IN_OFFICE)
    stopped = noise.blocking < worth.block
    transit = _transit(inputs, par)
    safe = noise.transit < transit
    event = jnp.where(stopped, BLOCKED, jnp.where(safe, IN_REFUGE, PUNISHED))
    event = jnp.where(going, event, IN_OFFICE)

    heap = _fill(jnp.cumsum(worth.choice, axis=0), event.shape)
    passed = jnp.sum(_over_places(noise.place) * heap[-1:] >= heap, axis=0)  # noise has the shape of the state
    destination = jnp.minimum(passed, worth.choice.shape[0] - 1)
    share = kept(par.promise_years, inputs.horizon, par.reversal)
    losses = _fill(_losses(inputs, inputs.credibility * share, par), event.shape)
    at_host = jnp.take_along_axis(losses, destination[None], axis=0)[0]

    lost = (state.place == IN_REFUGE) & (noise.loss < par.events * state.host_loss)
    event = jnp.where(lost, PUNISHED, event)
    moved = (event == IN_REFUGE) | (event == PUNISHED)
    place = jnp.where(moved, event, state.place)
    host = jnp.where(event == IN_REFUGE, at_host, jnp.where(place == IN_REFUGE, state.host_loss, 0.0))
    parts = (place, host, transit, state.host_loss, event, destination)
    place, host, transit, chance, event, destination = jnp.broadcast_arrays(*(jnp.asarray(x) for x in parts))
    return ExitsState(place, host), ExitsInfo(worth, transit, chance, event, destination)


def _transit(inputs: ExitsInput, par: ExitsParameters) -> OfDraw:
    """Chance of safe transit under the terms."""
    return jnp.asarray(par.safe_transit + (1.0 - par.safe_transit) * inputs.conduct)


def _losses(inputs: ExitsInput, credibility: Number, par: ExitsParameters) -> OfPlace:
    """Chance a week of losing each refuge."""
    ratio = host_ratio(inputs.reach, _over_places(par.host_ally))
    rates = (par.host_loss_safe, par.host_loss_warrant, par.warrants * inputs.warrant, credibility)
    safe, extra, warrant, trusted = (_over_places(x) for x in rates)
    return a_week(host_loss(safe, extra, warrant, trusted, ratio))


def _places(inputs: ExitsInput, credibility: Number, par: ExitsParameters) -> tuple[OfPlace, OfPlace]:
    """Worth of each refuge, and the chance of going there."""
    week = jnp.asarray(par.discount_year) ** (1.0 / WEEKS_A_YEAR)
    assets, ease, discount, punished = (_over_places(x) for x in (par.assets, par.ease, week, par.punished))
    worth = refuge(assets, ease, _losses(inputs, credibility, par), discount, punished)
    return worth, choose(worth, inputs.offered, par.precision)


def _fill(value: SomePlaces, shape: tuple[int, ...]) -> OfPlace:
    """Spread an array with places in front over a shape behind them."""
    lifted = value.reshape((value.shape[0],) + (1,) * (len(shape) - value.ndim + 1) + value.shape[1:])
    return jnp.broadcast_to(lifted, (value.shape[0], *shape))


def _over_places(value: Number) -> Number:
    """The same at every place: put the place axis in front, unless it is a scalar."""
    return value if jnp.ndim(value) == 0 else jnp.expand_dims(jnp.asarray(value), 0)
