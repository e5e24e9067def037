"""Equilibria and likelihood of the signaling game within one compiled function, for samplers that need a gradient.

`equilibria` encloses every root with certainty, but by a list whose length is known only as it goes. Here the work is
the same for every game, so that it compiles and differentiates. With f(t) = g(t) − t, g B's best reply (`signaling`):

1. f is evaluated at `POINTS` probits between the limits of g, closer where g can bend.
2. Where f comes near 0 without crossing, the vertex of the parabola through three points is tried, for the two nearest
   such places: roots that are about to meet are found as long as the parabola shows them.
3. Each of at most three crossings is closed in by the Illinois rule (Dowell & Jarratt 1971, BIT 11:168-174).
4. A last Newton step, t = t0 − G(π, t0)/G_t with t0 and G_t held fixed, polishes the root and carries the derivative
   −G_π/G_t of the implicit function theorem.

Roots that are nearer to each other than the grid can show may be lost; whoever draws by this function compares some of
the draws with `equilibria` (`bayes` does) and says how far they differ.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from standoff.estimate.signaling import log_outcomes, reply

Bracket = tuple[Array, Array, Array, Array, Array]
ROOTS = 3
POINTS = 28
CORE = (-9.0, 5.0)
"""Probits between which g bends; beyond them its threshold is as good as constant, or past everything."""
HIGH, LOW = 60.0, -80.0
STEPS = 9
"""Illinois steps: from 0.5 to about 1e-8; the last Newton step does the rest."""
FLAT = 1e-4
"""Slope of f at a root below which it counts as this (two roots are about to meet)."""
IMPOSSIBLE = -1e12
"""Log-likelihood of a play that an equilibrium rules out."""


def _at(payoffs: Float[Array, "game payoff"], probit: Float[Array, "game point"]) -> Float[Array, "game point"]:
    """The function f at several probits of each game."""
    games, points = probit.shape
    many = jnp.broadcast_to(payoffs[:, None, :], (games, points, payoffs.shape[1])).reshape(-1, payoffs.shape[1])
    return reply(many, probit.reshape(-1)).reshape(games, points) - probit


def _grid(payoffs: Float[Array, "game payoff"]) -> tuple[Float[Array, "game point"], Float[Array, "game point"]]:
    """Ascending probits that cover all roots, and f there."""
    ends = jnp.broadcast_to(jnp.array([LOW, HIGH]), (len(payoffs), 2))
    limits = _at(payoffs, ends) + ends
    low, high = limits.min(axis=1), limits.max(axis=1)
    corner = (payoffs[:, 0] > payoffs[:, 1]) & (payoffs[:, 6] < payoffs[:, 2]) & (payoffs[:, 3] < payoffs[:, 5])
    low = jnp.where(corner, jnp.maximum(low, LOW), low)
    high = jnp.maximum(high, low)
    first, last = (jnp.clip(x, *CORE) for x in (low, high))
    inner = first[:, None] + (last - first)[:, None] * jnp.linspace(0.0, 1.0, POINTS)[None, :]
    t = jnp.concatenate(
        [(low - 1e-6 * (1 + jnp.abs(low)))[:, None], inner, (high + 1e-6 * (1 + jnp.abs(high)))[:, None]], 1
    )
    f = _at(payoffs, t)
    left, middle, right = f[:, :-2], f[:, 1:-1], f[:, 2:]
    same = (jnp.sign(left) == jnp.sign(middle)) & (jnp.sign(right) == jnp.sign(middle))
    near = same & (jnp.abs(middle) <= jnp.abs(left)) & (jnp.abs(middle) <= jnp.abs(right))
    _, place = jax.lax.top_k(jnp.where(near, -jnp.abs(middle), -jnp.inf), 2)
    pick = [jnp.take_along_axis(t, place + k, axis=1) for k in range(3)]
    value = [jnp.take_along_axis(f, place + k, axis=1) for k in range(3)]
    new = jnp.clip(_vertex(*pick, *value), pick[0], pick[2])
    t = jnp.concatenate([t, new], axis=1)
    f = jnp.concatenate([f, _at(payoffs, new)], axis=1)
    order = jnp.argsort(t, axis=1)
    return jnp.take_along_axis(t, order, axis=1), jnp.take_along_axis(f, order, axis=1)


def _vertex(a: Array, b: Array, c: Array, fa: Array, fb: Array, fc: Array) -> Array:
    """Where the parabola through three points turns; the middle one if it does not."""
    p, q = (b - a) * (fb - fc), (b - c) * (fb - fa)
    down = p - q
    turn = b - 0.5 * ((b - a) * p - (b - c) * q) / jnp.where(down == 0, 1.0, down)
    return jnp.where((down == 0) | ~jnp.isfinite(turn), b, turn)


def _bracketed(payoffs: Float[Array, "game payoff"]) -> tuple[Float[Array, "game 3"], Bool[Array, "game 3"]]:
    """Roots to about eight digits, ascending, and whether there is one."""
    t, f = _grid(payoffs)
    crosses = (f[:, :-1] > 0) != (f[:, 1:] > 0)
    rank = jnp.cumsum(crosses, axis=1)
    place = jnp.stack([jnp.argmax(crosses & (rank == k + 1), axis=1) for k in range(ROOTS)], axis=1)
    there = jnp.stack([rank[:, -1] > k for k in range(ROOTS)], axis=1)
    low, high = (jnp.take_along_axis(t, place + k, axis=1) for k in (0, 1))
    f_low, f_high = (jnp.take_along_axis(f, place + k, axis=1) for k in (0, 1))

    def close(state: Bracket, _: None) -> tuple[Bracket, None]:
        a, b, fa, fb, side = state
        gap = fb - fa
        x = jnp.where(gap == 0, (a + b) / 2, b - fb * (b - a) / jnp.where(gap == 0, 1.0, gap))
        x = jnp.where(jnp.isfinite(x), jnp.clip(x, a, b), (a + b) / 2)
        fx = _at(payoffs, x)
        right = (fx > 0) == (fb > 0)  # the root is left of x
        fa_new = jnp.where(right, jnp.where(side > 0, fa / 2, fa), fx)
        fb_new = jnp.where(right, fx, jnp.where(side < 0, fb / 2, fb))
        return (jnp.where(right, a, x), jnp.where(right, x, b), fa_new, fb_new, jnp.where(right, 1.0, -1.0)), None

    start = (low, high, f_low, f_high, jnp.zeros_like(low))
    (a, b, fa, fb, _), _ = jax.lax.scan(close, start, None, length=STEPS)
    gap = fb - fa
    x = jnp.where(gap == 0, (a + b) / 2, b - fb * (b - a) / jnp.where(gap == 0, 1.0, gap))
    return jnp.where(there, jnp.clip(jnp.where(jnp.isfinite(x), x, (a + b) / 2), a, b), 0.0), there


def roots(payoffs: Float[Array, "game payoff"]) -> tuple[Float[Array, "game 3"], Bool[Array, "game 3"]]:
    """Equilibria Φ⁻¹(p_R), ascending, with their derivative by the payoffs, and whether there is one.

    Args:
        payoffs: In the order of `formulas.PAYOFFS`.
    """
    found, there = _bracketed(jax.lax.stop_gradient(payoffs))
    t = jax.lax.stop_gradient(found)
    value, steep = jax.jvp(lambda x: _at(payoffs, x), (t,), (jnp.ones_like(t),))
    steep = jax.lax.stop_gradient(steep)
    steep = jnp.where(jnp.abs(steep) < FLAT, jnp.where(steep < 0, -FLAT, FLAT), steep)
    step = value / steep
    size = jax.lax.stop_gradient(jnp.minimum(1.0, 0.1 / jnp.maximum(jnp.abs(step), 1e-30)))
    return t - jnp.where(there, step * size, 0.0), there


def log_likelihood(
    payoffs: Float[Array, "game payoff"], counts: Float[Array, "game outcome"], selection: str,
    mixing: Float[Array, " 2"] | None = None, *, given_challenge: bool = False,
) -> Float[Array, " game"]:  # fmt: skip
    """Log-likelihood of each game's counts.

    Args:
        payoffs: Of each game.
        counts: Of sq, cd, sf, bd.
        selection: `likely`, `smallest`, `largest` or `mixture`.
        mixing: Log-odds of the middle and the largest equilibrium against the smallest, for `mixture`.
        given_challenge: The counts are of what followed a challenge.
    """
    t, there = roots(payoffs)
    games = len(payoffs)
    many = jnp.broadcast_to(payoffs[:, None, :], (games, ROOTS, payoffs.shape[1])).reshape(-1, payoffs.shape[1])
    logs = log_outcomes(many, t.reshape(-1)).reshape(games, ROOTS, 4)
    seen = counts[:, None, :]
    if given_challenge:
        seen = seen * jnp.array([0.0, 1.0, 1.0, 1.0])[None, None, :]
        logs = logs - jax.nn.logsumexp(logs[:, :, 1:], axis=2, keepdims=True)
    each = jnp.where(seen > 0, seen * logs, 0.0).sum(axis=2)
    quiet = jnp.where((counts[:, 1:] > 0).any(axis=1), IMPOSSIBLE, 0.0)
    number = there.sum(axis=1)
    if selection == "likely":
        found = jnp.where(there, each, -jnp.inf).max(axis=1)
    elif selection == "smallest":
        found = each[:, 0]
    elif selection == "largest":
        found = jnp.take_along_axis(each, jnp.maximum(number - 1, 0)[:, None], axis=1)[:, 0]
    else:
        odds = jnp.zeros(2) if mixing is None else mixing
        three = jax.nn.log_softmax(jnp.concatenate([jnp.zeros(1), odds]))
        two = jax.nn.log_softmax(jnp.stack([0.0 * odds[0], odds[1]]))
        weight = jnp.where((number == 3)[:, None], three[None, :], jnp.concatenate([two, jnp.zeros(1)])[None, :])
        weight = jnp.where((number == 1)[:, None], 0.0, weight)
        found = jax.nn.logsumexp(jnp.where(there, each + weight, -jnp.inf), axis=1)
    return jnp.where(number > 0, found, quiet)
