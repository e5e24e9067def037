"""Mode of exit: what follows an autocrat, and how long his successor lasts (base rates).

    order[mode, s] = k/n                                     605 exits 1946-2009
    h_i = ln S(t_{i-1}) - ln S(t_i)                          hazard in the interval i of days after the exit
    H(t) = sum_i h_i clip((t - t_{i-1})/(t_i - t_{i-1}), 0, 1)         fall by day t: 1 - exp(-H(t))
    early(mode): H(t) = H(30) early(t), t <= 30              one shape for all forced modes
    modes of an ending = sum_e share_e map[e, mode]          endings of the game, a judgement where marked J

S successors still in office (share), t days after the exit (2, 7, 14, 30, 90, 180, 365), s the next order:
same regime, new autocracy, democracy, nobody (occupied or no central power). The same regime lives on a year
later in `alive` of those cases where it survived the exit; modes without a count take the pooled rate of the
others. After day 180 forced modes share one hazard, since their single counts are kept for the evaluation.

A raid that takes the head and leaves the apparatus has no class in the literature: half natural death, half
foreign removal (J). Flight is half regular, half protest (J). Escaped: out of office and in hiding, as flight.
Nobody leaves office by a back-down, a policy settlement, a failed strike, a quagmire or a stalemate.

Reference: rates computed by the project from Archigos 4.1 (Goemans, Gleditsch & Chiozza 2009), the autocratic
regimes of Geddes, Wright & Frantz (2014), REIGN (Bell, Besaw & Frank 2021) and Powell & Thyne (2011); intervals
of survival by Kaplan & Meier (1958).
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from standoff.world.noise import named_keys

MODES = ("regular", "natural_death", "palace", "coup", "protest", "rebels", "foreign")
ORDERS = ("same_regime", "new_autocracy", "democracy", "nobody")
BREAKS = (2.0, 7.0, 14.0, 30.0, 90.0, 180.0, 365.0)  # days after the exit, ends of the intervals
STARTS = (0.0, *BREAKS[:-1])  # days
HORIZONS = (30.0, 90.0, 365.0)  # days, each one of the breaks
HORIZON_BREAKS = tuple(BREAKS.index(day) for day in HORIZONS)
EARLY = 4  # intervals that end by day 30
# Counts by mode, in the order of MODES; what follows by ORDERS.
FOLLOWS = ((195, 16, 41, 2), (64, 3, 0, 0), (38, 5, 0, 0), (66, 73, 11, 0), (6, 5, 12, 0), (10, 9, 1, 5), (8, 3, 3, 3))
ALIVE = ((174, 195), (61, 64), (34, 38), (49, 66), (318, 363), (318, 363), (318, 363))  # the last three pooled
OFFICER = ((66, 245), (12, 64), (23, 40), (111, 141), (4, 22), (4, 25), (3, 15))  # next leader had a military career
ATTEMPT_30 = ((3, 457), (3, 76), (1, 44), (3, 179), (0, 25), (0, 31), (0, 18))  # coup attempt within 30 days
ATTEMPT_90 = ((10, 457), (4, 76), (1, 44), (9, 179), (2, 25), (0, 31), (0, 18))  # within 90 days
CONFLICT_90 = ((3, 335), (1, 67), (0, 33), (3, 122), (0, 16), (0, 1), (0, 14))  # rebels: none was quiet before
CASES = (482, 80, 49, 192, 26, 31, 17)  # successors followed
STAYS = (  # successor still in office after 30, 90, 180, 365 days; the last by pooled hazard where not counted
    (0.9502, 0.9004, 0.8506, 0.7261),
    (0.8375, 0.8000, 0.7500, 0.7500 * 0.6627 / 0.7788),
    (0.9184, 0.8571, 0.7755, 0.7755 * 0.5684 / 0.6869),
    (0.8177, 0.7448, 0.6667, 0.6667 * 0.5684 / 0.6869),
    (0.8077, 0.7308, 0.6538, 0.6538 * 0.5684 / 0.6869),
    (0.8710, 0.7742, 0.7419, 0.7419 * 0.5684 / 0.6869),
    (0.8235, 0.7647, 0.7059, 0.7059 * 0.5684 / 0.6869),
)
FORCED_EARLY = (0.9757, 0.9240, 0.8875, 0.8389)  # all forced exits: still in office after 2, 7, 14, 30 days
STAYS_EARLY = ((0.9938, 0.9876, 0.9730, 0.9502), (0.9750, 0.9375, 0.8500, 0.8375), *(FORCED_EARLY,) * 5)
# Endings of the game as mixtures of modes; an ending that is not here leaves the leader in office.
ENDINGS: dict[str, dict[str, float]] = {
    "agreed_exit": {"regular": 1.0},
    "concession": {"regular": 1.0},
    "flight": {"regular": 0.5, "protest": 0.5},
    "escaped": {"regular": 0.5, "protest": 0.5},
    "captured": {"natural_death": 0.5, "foreign": 0.5},
    "killed": {"natural_death": 0.5, "foreign": 0.5},
    "coup": {"coup": 150.0 / 193.0, "palace": 43.0 / 193.0},  # by their share of the exits counted
}
Mixture = Float[Array, "mode *draw"]
Orders = Float[Array, "order *draw"]
Hazard = Float[Array, "interval *draw"]
Intervals = Float[Array, "interval ..."]
Table = Float[Array, "mode ..."]


class ExitRates(eqx.Module):
    """Base rates by mode of exit; draws, if any, stand last."""

    order: Float[Array, "mode order *#draw"]  # chance of each next order
    alive: Float[Array, "mode *#draw"]  # chance that the same regime, having survived, lives a year later
    officer: Float[Array, "mode *#draw"]  # chance that the next leader had a military career
    attempt: Float[Array, "mode *#draw"]  # chance of a coup attempt within 30 days
    hazard: Float[Array, "mode interval *#draw"]  # h_i of the successor's fall


def base_rates() -> ExitRates:
    """Rates as counted."""
    follows = np.array(FOLLOWS, dtype=float)
    shares = [jnp.asarray(np.array([k / n for k, n in counts])) for counts in (ALIVE, OFFICER, ATTEMPT_30)]
    left = np.concatenate([np.ones((len(MODES), 1)), np.array(STAYS)], axis=1)
    late = -np.diff(np.log(left), axis=1)
    hazard = np.concatenate([late[:, :1] * _early_shape(), late[:, 1:]], axis=1)
    return ExitRates(
        jnp.asarray(follows / follows.sum(1, keepdims=True)),
        shares[0],
        shares[1],
        shares[2],
        hazard=jnp.asarray(hazard),
    )


def draw_rates(key: PRNGKeyArray, draws: int) -> ExitRates:
    """Draw rates by how well the counts know them: Dirichlet and beta with counts plus one half, survival without.

    Args:
        key: key of this draw.
        draws: length of the last axis.

    Returns:
        Rates with draws last. Those at risk in an interval are taken as share still in office times cases.
    """
    keys = named_keys(key, ("order", "alive", "officer", "attempt", "hazard"))
    follows = jnp.asarray(np.array(FOLLOWS, dtype=float)) + 0.5
    order = jnp.moveaxis(jax.random.dirichlet(keys["order"], follows, (draws, len(MODES))), 0, -1)
    shares = []
    for name, counts in (("alive", ALIVE), ("officer", OFFICER), ("attempt", ATTEMPT_30)):
        yes = np.array(counts, dtype=float)
        a, b = jnp.asarray(yes[:, :1] + 0.5), jnp.asarray(yes[:, 1:] - yes[:, :1] + 0.5)
        shares.append(jax.random.beta(keys[name], a, b, (len(MODES), draws)))
    left = np.concatenate([np.ones((len(MODES), 1)), np.array(STAYS)], axis=1) * np.array(CASES)[:, None]
    a, b = jnp.asarray(left[:, 1:, None]), jnp.asarray(left[:, :-1, None] - left[:, 1:, None])
    late = -jnp.log(jax.random.beta(keys["hazard"], a, b, (len(MODES), a.shape[1], draws)))
    hazard = jnp.concatenate([late[:, :1] * jnp.asarray(_early_shape())[:, :, None], late[:, 1:]], axis=1)
    return ExitRates(order, shares[0], shares[1], shares[2], hazard)


def modes_of(ending: str) -> Float[Array, " mode"]:
    """Mixture of modes of an ending of the game; all 0 where the leader stays in office."""
    return jnp.asarray(np.array([ENDINGS.get(ending, {}).get(mode, 0.0) for mode in MODES]))


def modes_of_endings(share: Float[Array, "ending *#draw"], endings: tuple[str, ...]) -> Mixture:
    """Mixture of modes over endings by their shares; the sum over modes is the chance that he leaves."""
    table = jnp.stack([modes_of(ending) for ending in endings], axis=1)
    return jnp.tensordot(table, share, axes=1)


def cumulative_hazard(hazard: Hazard, day: Float[Array, "*#draw"]) -> Float[Array, "*draw"]:
    """H(t) at a day after taking office, 0 to 365."""
    start, width = _intervals(hazard.ndim)
    return jnp.sum(hazard * jnp.clip((day[None] - start) / width, 0.0, 1.0), axis=0)


def fall_day(hazard: Hazard, luck: Float[Array, "*#draw"]) -> Float[Array, "*draw"]:
    """Day of the fall of a leader whose luck is a unit exponential; infinite past a year."""
    _, width = _intervals(hazard.ndim)
    after = jnp.cumsum(hazard, axis=0)
    before = after - hazard
    some = hazard > 0.0
    part = jnp.clip((luck[None] - before) / jnp.where(some, hazard, 1.0), 0.0, 1.0)
    day = jnp.sum(width * jnp.where(some, part, (luck[None] > before).astype(part.dtype)), axis=0)
    return jnp.where(luck < after[-1], day, jnp.inf)


def stays(hazard: Hazard) -> Hazard:
    """Share of leaders still in office at the end of each interval."""
    return jnp.exp(-jnp.cumsum(hazard, axis=0))


def of_mode(table: Table, hot: Mixture, inner: int = 0) -> Float[Array, "..."]:
    """The row of a table that belongs to a mode, given as 1 for it and 0 for the others.

    Args:
        table: axes mode, `inner` further ones, and draws as in `hot` or none.
        hot: one mode for each draw.
        inner: axes between mode and draws.

    Returns:
        The table without its first axis, with draws last.
    """
    draws = () if table.ndim > 1 + inner else (1,) * (hot.ndim - 1)
    here = hot.reshape(hot.shape[:1] + (1,) * inner + hot.shape[1:])
    return jnp.sum(table.reshape(table.shape + draws) * here, axis=0)


def tilted_orders(base: Float[Array, "order *#draw"], tilts: tuple[Float[Array, "*#draw"] | float, ...]) -> Orders:
    """Chances of the next orders, base exp(tilt) over its sum; at no tilt the base to the bit."""
    weight = jnp.stack(jnp.broadcast_arrays(*(base[s] * jnp.exp(jnp.asarray(tilt)) for s, tilt in enumerate(tilts))))
    # Base rates sum to 1 but for rounding, which is divided out.
    return weight / (jnp.sum(weight, axis=0, keepdims=True) / jnp.sum(base, axis=0, keepdims=True))


def tilted_chance(base: Float[Array, "*#draw"], tilt: Float[Array, "*#draw"]) -> Float[Array, "*draw"]:
    """Chance whose log odds are those of the base plus a tilt; at no tilt the base to the bit, 0 stays 0."""
    return base / (base + (1.0 - base) * jnp.exp(-tilt)) * (base + (1.0 - base))


def end_share(hazard: Float[Array, "interval *#draw"], alive: Float[Array, "*#draw"]) -> Float[Array, "*draw"]:
    """Chance that a fall after day 30 takes the same regime with it, so that `alive` of the regimes live a year."""
    left = stays(hazard)
    return jnp.clip((1.0 - alive) / (left[EARLY - 1] - left[-1]), 0.0, 1.0)


def _early_shape() -> np.ndarray:
    """Share of the hazard of the first 30 days by interval: axes mode, interval."""
    early = np.log(np.concatenate([np.ones((len(MODES), 1)), np.array(STAYS_EARLY)], axis=1))
    return np.asarray(np.diff(early, axis=1) / early[:, -1:])


def _intervals(ndim: int) -> tuple[Intervals, Intervals]:
    """Start and width of the intervals in days, with axes for draws behind."""
    shape = (-1,) + (1,) * (ndim - 1)
    start = np.array(STARTS).reshape(shape)
    return jnp.asarray(start), jnp.asarray(np.array(BREAKS).reshape(shape) - start)
