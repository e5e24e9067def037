"""Aftermath: what stands 30, 90 and 365 days after an ending (event; draws, or the same as chances).

    leader(day) = the first if his fall comes later, else the one who follows him, see `succession`
    order(day)  = the order drawn at the event, unless a fall by then took the regime with it
    deal by day = 1 - (1 - deal)^(min(day, 90)/90)
    deal        = L(d0 + d1 leverage + d2 (v - 2 rival) + d3 exposure) of the one who leads then
    P(attempt)  = the coup chance of the month, of which success coup falls by a coup are part
    worth       = sum over horizons, weight (order + aligned) + conflict, per unit prices of a side

`aftermath` draws with noises given. `expected` returns the chances: exact sums over mode, order, commitment,
leader and day of fall (by interval, the follower's contest taken in its middle), and a mean over fixed
low-discrepancy points of the luck n_k. One fall within the year is followed: the worth of a second differs
little, since regimes that end are counted once. Symbols, units and switches: see `succession`.

Reference: of the model see `succession`; points: Halton (1960), On the efficiency of certain quasi-random
sequences, Numerische Mathematik 2, each with its mirror image.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from standoff.world.contest import Chances, Choices, Members, contest, lucky_points, one_hot, pick, strongest
from standoff.world.exit_mode import (
    EARLY,
    HORIZON_BREAKS,
    HORIZONS,
    MODES,
    ORDERS,
    Mixture,
    Orders,
    cumulative_hazard,
    end_share,
    fall_day,
    of_mode,
    stays,
)
from standoff.world.noise import named_keys
from standoff.world.succession import (
    LED,
    MIDDLES,
    NOBODY,
    Drawn,
    Leaders,
    SuccessionInput,
    SuccessionNoise,
    SuccessionParameters,
    SuccessionState,
    aligned,
    attempt_chance,
    commitment,
    deal_by,
    deals,
    draw_noise,
    follow,
    log_power,
    may_lead,
    mixture,
    order_chance,
    settle,
    tenure,
)

EVENT_NOISES = ("mode", "order", "luck", "commitment", "leader", "attempt", "fall", "deal", "follower")
WEEKS = 52
ChoiceAt = Int[Array, "horizon *draw"]
EventAt = Bool[Array, "horizon *draw"]
LeadersIn = Float[Array, "order leader *draw"]
LeadersAt = Float[Array, "horizon leader *draw"]
OrdersAt = Float[Array, "horizon order *draw"]
AtHorizon = Float[Array, "horizon *draw"]
ByWeek = Float[Array, "week *draw"]


class EventNoise(eqx.Module):
    """Noises of the event: luck standard normal, the others uniform."""

    mode: Drawn
    order: Drawn
    luck: Chances  # n_k
    commitment: Drawn
    leader: Drawn
    attempt: Drawn
    fall: Drawn
    deal: Drawn
    follower: SuccessionNoise  # of the one who follows a fallen leader


class Opening(eqx.Module):
    """Chances and draws of the event itself."""

    order_chance: Orders
    lead_chance: Chances  # given the order drawn
    commitment: Float[Array, "*draw"]  # c
    conflict_chance: Float[Array, "*draw"]  # somebody left out fights
    committed: Bool[Array, "*draw"]
    fragmentation: Float[Array, "*draw"]  # share of power that fights
    conflict: Bool[Array, "*draw"]


class Sequel(eqx.Module):
    """What follows an ending, drawn. The horizon axis (30, 90, 365 days) comes first."""

    mode: Int[Array, "*draw"]
    order: ChoiceAt
    leader: ChoiceAt  # contender, `count` somebody not named, `count + 1` nobody
    aligned: EventAt  # with the coercer
    first: Int[Array, "*draw"]  # leader of the first day
    fall_day: Float[Array, "*draw"]  # of the first leader, infinite past a year
    attempted: Bool[Array, "*draw"]  # coup attempt within 30 days
    by_coup: Bool[Array, "*draw"]  # the first leader fell to it
    ended: Bool[Array, "*draw"]  # the regime ended within the year
    attempt_chance: Float[Array, "*draw"]
    fall_chance: AtHorizon  # of the first leader by each horizon
    opening: Opening


class Expected(eqx.Module):
    """What follows an ending, as chances."""

    order: OrdersAt
    leader: LeadersAt
    officer: Float[Array, "*draw"]  # the first leader had a military career
    aligned: AtHorizon  # with the coercer
    commitment: Float[Array, "*draw"]  # c
    fragmentation: Float[Array, "*draw"]  # mean share of power that fights
    conflict: Float[Array, "*draw"]  # somebody left out fights
    attempt: Float[Array, "*draw"]  # coup attempt within 30 days
    fall: ByWeek  # the first leader falls in the week


class Prices(eqx.Module):
    """What the aftermath is worth to one side, in its unit (prize or office)."""

    order: Float[Array, "order *#draw"]
    aligned: Float[Array, "*#draw"] | float = 0.0
    conflict: Float[Array, "*#draw"] | float = 0.0
    weight: tuple[float, ...] = (0.1, 0.2, 0.7)  # of 30, 90, 365 days (judgement)


def draw_event_noise(key: PRNGKeyArray, contenders: int, shape: tuple[int, ...]) -> EventNoise:
    """Draw the noises of the event, each from the part of the key that bears its name."""
    keys = named_keys(key, EVENT_NOISES)
    flat = {name: jax.random.uniform(keys[name], shape) for name in EVENT_NOISES if name not in ("luck", "follower")}
    return EventNoise(
        **flat, luck=jax.random.normal(keys["luck"], (contenders, *shape)), follower=draw_noise(keys["follower"], shape)
    )


def open_contest(
    noise: EventNoise, inputs: SuccessionInput, par: SuccessionParameters
) -> tuple[SuccessionState, Opening]:
    """The event: mode, next order, commitment, leader and fragmentation, drawn with noises given.

    Args:
        noise: of the event, one value per draw; decides the number of draws.
        inputs: how he went, and who stands ready.
        par: parameters.

    Returns:
        State on the first day, and chances and draws of the event.
    """
    inputs = aligned(inputs, noise.mode.ndim)
    count, shape = inputs.force.shape[0], noise.mode.shape
    hot = one_hot(pick(noise.mode, mixture(inputs.mode)), len(MODES))
    orders = order_chance(hot, inputs, par)
    order = jnp.minimum(pick(noise.order, orders), NOBODY)
    eligible = jnp.broadcast_to(may_lead(order, inputs), (count, *shape))
    found = settle(log_power(0.0, noise.luck, hot, inputs, par), eligible, par)
    believed = jnp.broadcast_to(commitment(inputs, par), shape)
    committed = noise.commitment < believed
    leader = pick(noise.leader, jnp.where(committed[None], found.held, found.strongest))
    apart = jnp.where(committed, 0.0, found.fragmentation)
    some = jnp.any(found.fights, axis=0).astype(float)
    lead = found.held * believed[None] + found.strongest * (1.0 - believed)[None]
    state = SuccessionState(
        mode=hot,
        order=order,
        leader=jnp.where(order == NOBODY, count + 1, leader),
        days=jnp.zeros(shape),
        week=jnp.zeros(shape),
        patience=-jnp.log1p(-noise.fall),
        luck=noise.luck,
    )
    return state, Opening(orders, lead, believed, (1.0 - believed) * some, committed, apart, apart > 0.0)


def aftermath(noise: EventNoise, inputs: SuccessionInput, par: SuccessionParameters) -> Sequel:
    """Draw what follows an ending, up to a year, with noises given.

    Args:
        noise: of the event, see `draw_event_noise`.
        inputs: how he went, and who stands ready.
        par: parameters.

    Returns:
        Draws, and the chances of the events among them.
    """
    state, opening = open_contest(noise, inputs, par)
    inputs = aligned(inputs, noise.mode.ndim)
    count = inputs.force.shape[0]
    eligible = jnp.broadcast_to(may_lead(state.order, inputs), state.luck.shape)
    hazard, coup_share = tenure(state.mode, one_hot(state.leader, count), eligible, 0.0, state.luck, inputs, par)
    day = fall_day(hazard, state.patience)
    then = follow(noise.follower, state, day, coup_share, inputs, par)
    attempt = jnp.broadcast_to(attempt_chance(state.mode, inputs, par), day.shape)
    success = coup_share * (1.0 - jnp.exp(-jnp.sum(hazard[:EARLY], axis=0)))
    failing = jnp.maximum(attempt - success, 0.0) / (1.0 - success)
    gone = day[None] <= jnp.asarray(HORIZONS).reshape((-1,) + (1,) * day.ndim)
    leader = jnp.where(gone, then.leader[None], state.leader[None])
    chance = jnp.stack([jnp.sum(one_hot(k, count + 2) * deals(inputs, par), axis=0) for k in leader])
    by = jnp.stack([deal_by(p, h) for p, h in zip(chance, HORIZONS, strict=True)])
    return Sequel(
        mode=jnp.argmax(state.mode, axis=0),
        order=jnp.where(gone, then.order[None], state.order[None]),
        leader=leader,
        aligned=noise.deal[None] < by,
        first=state.leader,
        fall_day=day,
        attempted=then.by_coup | (noise.attempt < failing),
        by_coup=then.by_coup,
        ended=then.ended,
        attempt_chance=attempt,
        fall_chance=1.0 - stays(hazard)[jnp.asarray(HORIZON_BREAKS)],
        opening=opening,
    )


def expected(inputs: SuccessionInput, par: SuccessionParameters, points: int = 32) -> Expected:
    """Chances of what follows an ending, without drawing.

    Args:
        inputs: how he went, and who stands ready.
        par: parameters.
        points: points of the luck over which the mean is taken, an even number; chances of leading are then
            within about 0.015 with 32, 0.006 with 128.

    Returns:
        Chances with the draws of inputs and parameters last.
    """
    shape = _draws(inputs, par)
    inputs, par = _with_points(aligned(inputs, len(shape)), par)
    full = (*shape, points)
    luck = lucky_points(inputs.force.shape[0], points).reshape((-1,) + (1,) * len(shape) + (points,))
    luck = jnp.broadcast_to(luck, (luck.shape[0], *full))
    found = jax.lax.map(_Mode(luck, inputs, par), jnp.eye(len(MODES)))
    share = jnp.broadcast_to(mixture(inputs.mode), (len(MODES), *full))
    whole: Expected = jax.tree.map(lambda x: jnp.mean(jnp.sum(x * _behind(share, x), axis=0), axis=-1), found)
    return whole


def worth(after: Expected, prices: Prices) -> Drawn:
    """Worth of what follows to one side, in its unit: the payoff of an ending in the game.

    `prices`: worth of each order, of alignment with the coercer and of conflict, and weights of the horizons.
    """
    total = prices.conflict * after.conflict
    for h, weight in enumerate(prices.weight):
        total = total + weight * (jnp.sum(prices.order * after.order[h], axis=0) + prices.aligned * after.aligned[h])
    return jnp.asarray(total)


class _Mode(eqx.Module):
    """Chances after one mode of exit, given as 1 for it and 0 for the others."""

    luck: Chances
    inputs: SuccessionInput
    par: SuccessionParameters

    def __call__(self, mode: Float[Array, " mode"]) -> Expected:
        """Sum over the orders that may follow."""
        full = self.luck.shape[1:]
        hot = jnp.broadcast_to(mode.reshape((-1,) + (1,) * len(full)), (mode.shape[0], *full))
        orders = jnp.broadcast_to(order_chance(hot, self.inputs, self.par), (len(ORDERS), *full))
        each = jax.vmap(_after_order, (0, None, None, None, None))
        found = each(jnp.arange(len(ORDERS)), hot, self.luck, self.inputs, self.par)
        whole: Expected = jax.tree.map(lambda x: jnp.sum(x * _behind(orders, x), axis=0), found)
        return whole


def _after_order(
    index: Int[Array, ""], hot: Mixture, luck: Chances, inputs: SuccessionInput, par: SuccessionParameters
) -> Expected:
    """Chances within one order."""
    count, full = luck.shape[0], luck.shape[1:]
    order = jnp.broadcast_to(index, full)
    eligible = jnp.broadcast_to(may_lead(order, inputs), luck.shape)
    found = settle(log_power(0.0, luck, hot, inputs, par), eligible, par)
    believed = jnp.broadcast_to(commitment(inputs, par), full)
    first = _named(found.held * believed[None] + found.strongest * (1.0 - believed)[None], order)
    each = jax.vmap(_course, (0, None, None, None, None, None))
    leaders = jnp.broadcast_to(
        jnp.eye(count + 1)[:, :count].reshape((count + 1, count) + (1,) * len(full)), (count + 1, *luck.shape)
    )
    in_office, follower, lost, fall = each(leaders, order, hot, luck, inputs, par)
    chance = jnp.concatenate([first[:count], first[count : count + 1] + first[count + 1 :]])
    stay = jnp.concatenate([in_office, in_office[-1:]])
    leader = jnp.moveaxis(stay, 0, 1) * first[None] + jnp.sum(follower * chance[:, None, None], axis=0)
    change = jnp.sum(lost * chance[:, None], axis=0)
    others = _others(order_chance(hot, inputs, par))
    now = one_hot(order, len(ORDERS))
    deal = jnp.broadcast_to(deals(inputs, par), (count + 2, *full))
    by = jnp.stack([deal_by(deal, h) for h in HORIZONS])
    officer = jnp.broadcast_to(of_mode(par.rates.officer, hot), full)
    trained = jnp.sum(first[:count] * inputs.military, axis=0) + (first[count] + first[count + 1]) * officer
    return Expected(
        order=now[None] * (1.0 - change[:, None]) + change[:, None] * others[None],
        leader=leader,
        officer=trained,
        aligned=jnp.sum(leader * by, axis=1),
        commitment=believed,
        fragmentation=(1.0 - believed) * found.fragmentation,
        conflict=jnp.where(jnp.any(found.fights, axis=0), 1.0 - believed, 0.0),
        attempt=jnp.broadcast_to(attempt_chance(hot, inputs, par), full),
        fall=jnp.sum(fall * chance[:, None], axis=0),
    )


def _course(
    leader: Chances,
    order: Int[Array, "*draw"],
    hot: Mixture,
    luck: Chances,
    inputs: SuccessionInput,
    par: SuccessionParameters,
) -> tuple[AtHorizon, LeadersAt, AtHorizon, ByWeek]:
    """A first leader's year: still in office, who has followed, regime lost, all by horizon; fall by week."""
    eligible = jnp.broadcast_to(may_lead(order, inputs), luck.shape)
    hazard, coup_share = tenure(hot, leader, eligible, 0.0, luck, inputs, par)
    left = stays(hazard)
    falls = jnp.concatenate([jnp.ones_like(left[:1]), left[:-1]]) - left
    ends = jnp.where(order == 0, end_share(of_mode(par.rates.hazard, hot, 1), of_mode(par.rates.alive, hot)), 0.0)
    out = leader < 0.5
    coup = _named(strongest(inputs.force, eligible & out), order)
    each = jax.vmap(_heir, (0, None, None, None, None, None, None))
    heirs = each(jnp.asarray(MIDDLES), out, order, hot, luck, inputs, par)
    early = coup_share[None, None] * coup[None] + (1.0 - coup_share)[None, None] * heirs[:EARLY, 0]
    turn = jnp.concatenate([(1.0 - ends)[None], ends[None] * _others(order_chance(hot, inputs, par))[1:]])
    late = jnp.sum(heirs[EARLY:] * turn[None, :, None], axis=1)
    follower = jnp.cumsum(falls[:, None] * jnp.concatenate([early, late]), axis=0)
    at = jnp.asarray(HORIZON_BREAKS)
    lost = jnp.cumsum(falls.at[:EARLY].set(0.0) * ends[None], axis=0)[at]
    weeks = jnp.arange(0.0, WEEKS + 1.0).reshape((-1,) + (1,) * ends.ndim) * 7.0
    spent = jax.vmap(cumulative_hazard, (None, 0))(hazard, weeks)
    return left[at], follower[at], lost, -jnp.diff(jnp.exp(-spent), axis=0)


def _heir(
    day: Float[Array, ""],
    out: Members,
    order: Int[Array, "*draw"],
    hot: Mixture,
    luck: Chances,
    inputs: SuccessionInput,
    par: SuccessionParameters,
) -> LeadersIn:
    """Who follows in a contest on a day: within the same order, or within another (axis order, from the second)."""
    power = log_power(day, luck, hot, inputs, par)
    found = []
    for s in range(len(ORDERS)):
        within = order if s == 0 else jnp.full_like(order, s)
        found.append(_named(contest(power, may_lead(within, inputs) & out, par.decisiveness), within))
    return jnp.stack(found)


def _named(chance: Chances, order: Int[Array, "*draw"]) -> Leaders:
    """Chances of leading with those of somebody not named and of nobody behind."""
    none = (order == NOBODY).astype(float)[None]
    unnamed = jnp.maximum(1.0 - jnp.sum(chance, axis=0, keepdims=True), 0.0)
    return jnp.concatenate([chance * (1.0 - none), unnamed * (1.0 - none), none])


def _others(orders: Orders) -> Orders:
    """Chances of the orders that may follow the end of the same regime."""
    rest = orders.at[0].set(0.0)
    total = jnp.sum(rest, axis=0, keepdims=True)
    return rest / jnp.where(total > 0.0, total, 1.0)


def _behind(weight: Choices, x: Float[Array, "..."]) -> Float[Array, "..."]:
    """Weights with the inner axes of x between choice and draws."""
    return weight.reshape(weight.shape[:1] + (1,) * (x.ndim - weight.ndim) + weight.shape[1:])


def _draws(inputs: SuccessionInput, par: SuccessionParameters) -> tuple[int, ...]:
    """Shape of the draws of inputs and parameters."""
    shapes = [jnp.shape(x)[1:] if name in LED else jnp.shape(x) for name, x in vars(inputs).items()]
    shapes += [jnp.shape(x) for name, x in vars(par).items() if name != "rates"]
    shapes += [jnp.shape(x)[2 if name in ("order", "hazard") else 1 :] for name, x in vars(par.rates).items()]
    return jnp.broadcast_shapes(*shapes)


def _with_points(inputs: SuccessionInput, par: SuccessionParameters) -> tuple[SuccessionInput, SuccessionParameters]:
    """An axis for the points behind the draws; rates without draws stay as they are."""
    bare = par.rates.order.ndim == 2
    rates = par.rates if bare else jax.tree.map(lambda x: x[..., None], par.rates)
    inputs, par = jax.tree.map(lambda x: x[..., None] if jnp.ndim(x) else x, (inputs, par))
    return inputs, eqx.tree_at(lambda tree: tree.rates, par, rates)
