"""Shocks to utilities: chances that they lie below a number, as logarithms, so that no tail underflows.

`probit`: standard normal shocks; `logit`: standard logistic ones (variance π²/3). Axes: none, these are functions of
one number; `vmap` gives them axes.
"""

import jax
import jax.numpy as jnp
from jax.scipy.special import log_ndtr
from jaxtyping import Array, Float

LINKS = ("probit", "logit")
_HALF_LOG_TURN = 0.9189385332046727  # log √(2π)

Number = Float[Array, ""]


def log_below(link: str, x: Number) -> Number:
    """Log of the chance that a shock lies below `x`."""
    return log_ndtr(x) if link == "probit" else jax.nn.log_sigmoid(x)


def log_density(link: str, x: Number) -> Number:
    """Log of the density of a shock."""
    if link == "probit":
        return -0.5 * x**2 - _HALF_LOG_TURN
    return jax.nn.log_sigmoid(x) + jax.nn.log_sigmoid(-x)


def below_over_density(link: str, x: Number) -> Number:
    """Chance below over density, F/f: what a proposer gives up for the last bit of acceptance. Rises with `x`."""
    return jnp.exp(log_below(link, x) - log_density(link, x))


def slope_of_below_over_density(link: str, x: Number) -> Number:
    """Its derivative: 1 + x F/f for the normal law, exp(x) for the logistic one."""
    return 1 + x * below_over_density(link, x) if link == "probit" else jnp.exp(x)
