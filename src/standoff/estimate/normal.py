"""Normal chances that keep all their digits in the tails.

Everything is in logs and sums of positive terms. With Φ and φ of the standard normal and M(x) = Φ(−x)/φ(x) (Mills'
ratio, here by a polynomial in (x − 5)/(x + 5), good to 4e-16),

    log Φ(x) = log M(−x) − x²/2 − log √2π for x < 0,    log(1 − M(x) φ(x)) otherwise

The chance that U passes h while V stays below U + d, for independent standard normal U and V, is that of two normals
with correlation 1/√2. Plackett's identity (1954, Biometrika 41:351-360), integrated from correlation 0, makes of it two
positive terms; with k = −d/√2:

    F(h, d) = ∫_h^∞ φ(u) Φ(u + d) du = Φ(−h) Φ(−k) + (1/2π) ∫_0^{1/√2} exp(−(h² + k² − 2hks)/(2(1 − s²))) / √(1 − s²) ds

The exponent is −h²/2 − y²/2 with y = (k − hs)/√(1 − s²). It has one peak, and the s at which y² stays below a bound
are an interval in closed form; `NODES` Gauss-Legendre points on it give F to about 1e-15 of log F, also where F is
e^-100000. Derivatives are closed, ∂F/∂h = −φ(h)Φ(h + d) and ∂F/∂d = φ(d/√2)Φ(−(2h + d)/√2)/√2, so that nothing is
differentiated through the quadrature, to any order.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

LOG_ROOT = 0.5 * math.log(2 * math.pi)
"""log √2π."""
ROOT = math.sqrt(0.5)
NODES, TURN = 36, 4
"""Points of the quadrature, and how many of them the compiler sees at a time."""
WINDOW = 66.0
"""Where y² exceeds its least value by more than this the integrand is left out: e^-33 of its peak."""
MILLS = (
    1.15684862829189459, -0.229487538252112901, 0.0777815988687355792, 0.0250721793016119471,
    -0.0661776007789962239, 0.0615050458410135683, -0.0380265921877001511, 0.0163482312692141011,
    -0.00420129031137460226, 0.0000195307328930300477, 0.000457043823035070671, -0.000134374746012551308,
    -0.0000248054795453576902, 0.0000227111229498828807, -1.77172710360536739e-7, -3.28056701289558284e-6,
    3.21847973099464235e-7, 4.96818850334183663e-7, -6.72139404503560766e-8, -8.23232122351542755e-8,
    9.92607566188474701e-9, 1.40102487824428699e-8, -9.91007862895556226e-10, -2.0394569774234491e-9,
    3.02978077756743324e-11, 1.73275789432351038e-10, 5.01322627374037498e-12,
)  # fmt: skip
"""(1 + x) M(x) in powers of (x − 5)/(x + 5), for 0 ≤ x; interpolated with 60 digits."""


def mills(x: Float[Array, "*n"]) -> Float[Array, "*n"]:
    """M(x) = Φ(−x)/φ(x) for x ≥ 0; smaller x count as 0. Not to be differentiated."""
    x = jnp.maximum(x, 0.0)
    z = 1 - 10 / (x + 5)
    total = jnp.full_like(x, MILLS[-1])
    for coefficient in MILLS[-2::-1]:
        total = total * z + coefficient
    return total / (1 + x)


@jax.custom_jvp
def log_mills(x: Float[Array, "*n"]) -> Float[Array, "*n"]:
    """Log M(x) for x ≥ 0; its derivative is x − 1/M(x)."""
    return jnp.log(mills(x))


@log_mills.defjvp
def _log_mills(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    (x,), (dx,) = primals, tangents
    value = log_mills(x)
    return value, jnp.where(x > 0, x - jnp.exp(-value), 0.0) * dx


@jax.custom_jvp
def log_cdf(x: Float[Array, "*n"]) -> Float[Array, "*n"]:
    """Log Φ(x)."""
    ratio = mills(jnp.abs(x))
    return jnp.where(x < 0, jnp.log(ratio) - x * x / 2 - LOG_ROOT, jnp.log1p(-ratio * jnp.exp(-x * x / 2 - LOG_ROOT)))


@log_cdf.defjvp
def _log_cdf(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    (x,), (dx,) = primals, tangents
    return log_cdf(x), hazard(x) * dx


@jax.custom_jvp
def hazard(x: Float[Array, "*n"]) -> Float[Array, "*n"]:
    """φ(x)/Φ(x), the derivative of log Φ(x)."""
    ratio = mills(jnp.abs(x))
    density = jnp.exp(-x * x / 2 - LOG_ROOT)
    return jnp.where(x < 0, 1 / ratio, density / (1 - ratio * density))


@hazard.defjvp
def _hazard(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    (x,), (dx,) = primals, tangents
    value = hazard(x)
    return value, -value * (value + x) * dx


@jax.custom_jvp
def log_wedge(h: Float[Array, "*n"], d: Float[Array, "*n"]) -> Float[Array, "*n"]:
    """Log F(h, d) + max(h, 0)²/2, where F is the chance that U > h and V < U + d.

    The square is added so that ratios of such chances keep their digits when both are in the far tail.
    """
    far = -ROOT * d
    size_h, size_k = jnp.abs(h), jnp.abs(far)
    larger = jnp.maximum(size_h, size_k)
    peak = jnp.minimum(jnp.minimum(size_h, size_k) / jnp.where(larger > 0, larger, 1.0), ROOT)
    peak = jnp.where((h > 0) == (far > 0), peak, 0.0)
    least = jnp.square(far - h * peak) / (1 - peak * peak)
    bound = least + WINDOW
    squares = h * h + bound
    middle = h * far / squares
    half = jnp.sqrt(bound) * jnp.sqrt(jnp.maximum(squares - far * far, 0.0)) / squares
    low, high = jnp.clip(middle - half, 0.0, peak), jnp.clip(middle + half, peak, ROOT)
    places, shares = (x.reshape(-1, TURN) / 2 for x in np.polynomial.legendre.leggauss(NODES))
    points, weights = jnp.asarray(places + 0.5), jnp.asarray(shares)

    def add(i: Array, total: Array) -> Array:
        for k in range(TURN):
            s = low + (high - low) * points[i, k]
            inverse = 1 / (1 - s * s)
            total += weights[i, k] * jnp.exp((least - jnp.square(far - h * s) * inverse) / 2) * jnp.sqrt(inverse)
        return total

    total = jax.lax.fori_loop(0, NODES // TURN, add, jnp.zeros_like(h))
    joint = jnp.log(total * (high - low)) - 2 * LOG_ROOT - least / 2
    apart = log_cdf(-far) + jnp.where(h > 0, log_mills(h) - LOG_ROOT, log_cdf(jnp.minimum(-h, 1e200)))
    joint += jnp.where(h > 0, 0.0, -h * h / 2)
    return jnp.logaddexp(apart, joint)


@log_wedge.defjvp
def _log_wedge(primals: tuple[Array, Array], tangents: tuple[Array, Array]) -> tuple[Array, Array]:
    value = log_wedge(*primals)
    return jax.jvp(known_wedge, (*primals, value), (*tangents, jnp.zeros_like(value)))


@jax.custom_jvp
def known_wedge(h: Float[Array, "*n"], d: Float[Array, "*n"], value: Float[Array, "*n"]) -> Float[Array, "*n"]:
    """`log_wedge` whose value is known already: nothing is computed but derivatives, and those without quadrature."""
    return value


@known_wedge.defjvp
def _known_wedge(primals: tuple[Array, Array, Array], tangents: tuple[Array, Array, Array]) -> tuple[Array, Array]:
    (h, d, value), (dh, dd, _) = primals, tangents
    value = known_wedge(h, d, value)
    by_h = jnp.maximum(h, 0.0) - jnp.exp(log_edge(h, d, value))
    return value, by_h * dh + jnp.exp(log_flux(h, d, value)) * dd


def log_edge(h: Float[Array, "*n"], d: Float[Array, "*n"], value: Float[Array, "*n"]) -> Float[Array, "*n"]:
    """Log of φ(h)Φ(h + d)/F(h, d), the hazard at h; `value` is that of `log_wedge`."""
    return log_cdf(h + d) - jnp.square(jnp.minimum(h, 0.0)) / 2 - LOG_ROOT - value


def log_flux(h: Float[Array, "*n"], d: Float[Array, "*n"], value: Float[Array, "*n"]) -> Float[Array, "*n"]:
    """Log of ∂F/∂d / F(h, d); `value` is that of `log_wedge`."""
    other = h + d
    middle = (h + other) * ROOT
    far = -jnp.square(jnp.minimum(h, 0.0)) / 2 - other * other / 2 + log_mills(jnp.maximum(middle, 0.0)) - LOG_ROOT
    near = -d * d / 4 + jnp.square(jnp.maximum(h, 0.0)) / 2 + log_cdf(-middle)
    return jnp.where(middle > 0, far, near) - LOG_ROOT - 0.5 * math.log(2) - value
