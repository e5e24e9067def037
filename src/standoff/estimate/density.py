"""The density of the signaling game's posterior: priors, groups of games that differ, exact likelihood.

With coefficients β, columns x and (if asked) groups g of games, the payoffs of a game are x β + σ_k u_gk, u_gk standard
normal, for each payoff k that varies by group (partial pooling; in this non-centred form). Priors, all settable:

    β, constants           normal, mean 0, sd `constant` (2.5 standard deviations of private information)
    β, other columns       normal, mean 0, sd `slope` (2.5) over the column's standard deviation
    σ_k                    half-normal, sd `group` (1)
    log-odds of a mixture  normal, mean 0, sd `mixture` (1.5)

A constant is a column that does not vary; its prior is for the payoff that it makes. A penalty in the place of priors
is one standard deviation for all coefficients.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from standoff.errors import UserError
from standoff.estimate.formulas import PAYOFFS, Design
from standoff.estimate.likelihood import MIXING
from standoff.estimate.search import log_likelihood

if TYPE_CHECKING:
    from standoff.estimate.estimation import Settings


Data = tuple[tuple[jax.Array, ...], jax.Array]


@dataclass(frozen=True)
class Priors:
    """Standard deviations of the priors, in standard deviations of private information."""

    constant: float = 2.5
    slope: float = 2.5
    group: float = 1.0
    mixture: float = 1.5


@dataclass(frozen=True)
class Sampling:
    """How to draw: draws kept of each chain, steps before them, chains; `group`, `payoffs`: what varies by group."""

    draws: int = 1000
    warmup: int = 500
    chains: int = 4
    group: str | None = None
    payoffs: tuple[str, ...] = ()
    priors: Priors = Priors()


@dataclass(frozen=True, eq=False)
class Model:
    """The posterior's density at a vector of standardised numbers: coefficients, log-odds, log σ, u.

    `unit` [coefficient]: prior standard deviations; `groups`: names of the groups; `member` [game]: group of each.
    """

    design: Design
    selection: str
    given_challenge: bool
    priors: Priors
    unit: np.ndarray
    groups: tuple[str, ...] = ()
    member: np.ndarray | None = None
    varying: tuple[int, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Numbers that are reported: coefficients, log-odds, σ of the payoffs that vary."""
        mixing = MIXING if self.selection == "mixture" else ()
        return (*self.design.names, *mixing, *(f"sd:{PAYOFFS[k]}" for k in self.varying))

    @property
    def size(self) -> int:
        """Length of the vector."""
        return len(self.names) + len(self.groups) * len(self.varying)

    def split(self, q: jax.Array) -> tuple[jax.Array, jax.Array | None, jax.Array, jax.Array]:
        """Coefficients, log-odds, σ [payoff], u [group, payoff]."""
        k = len(self.design.names)
        mixing = q[k : k + 2] * self.priors.mixture if self.selection == "mixture" else None
        first = k + (2 if self.selection == "mixture" else 0)
        many = len(self.varying)
        sd = jnp.exp(q[first : first + many])
        return q[:k] * jnp.asarray(self.unit), mixing, sd, q[first + many :].reshape(len(self.groups), many)

    def payoffs(self, q: jax.Array, blocks: tuple[jax.Array, ...]) -> jax.Array:
        """Payoffs [game, payoff]."""
        theta, _, sd, u = self.split(q)
        edges = self.design.edges
        columns = [b @ theta[edges[j] : edges[j + 1]] for j, b in enumerate(blocks)]
        for place, k in enumerate(self.varying):
            columns[k] = columns[k] + sd[place] * u[jnp.asarray(self.member), place]
        offset = self.design.payoffs(np.zeros(len(self.design.names)))
        return jnp.stack(columns, axis=1) + jnp.asarray(offset)

    def some(self, games: np.ndarray) -> "Model":
        """The model of some of the games."""
        member = None if self.member is None else self.member[games]
        return replace(self, design=self.design.take(games), member=member)

    def data(self) -> Data:
        """Columns of each payoff, and counts; as arguments of what is compiled they are no part of it."""
        return tuple(jnp.asarray(b) for b in self.design.blocks), jnp.asarray(self.design.counts, dtype=float)

    def each(self, q: jax.Array, data: Data | None = None) -> jax.Array:
        """Log-likelihood of each game; `data` is `data()`."""
        blocks, counts = self.data() if data is None else data
        mixing = self.split(q)[1]
        return log_likelihood(
            self.payoffs(q, blocks), counts, self.selection, mixing, given_challenge=self.given_challenge
        )

    def log_prior(self, q: jax.Array) -> jax.Array:
        """Log density of the prior of the vector, up to a constant."""
        first, many = len(self.names) - len(self.varying), len(self.varying)
        normal = jnp.concatenate([q[:first], q[first + many :]])
        log_sd = q[first : first + many]
        half = -0.5 * jnp.exp(2 * log_sd) / self.priors.group**2 + log_sd
        return -0.5 * jnp.sum(normal**2) + jnp.sum(half)

    def potential(self, q: jax.Array, data: Data | None = None) -> jax.Array:
        """Minus the log of the posterior's density, up to a constant; `data` as for `each`."""
        return -self.log_prior(q) - jnp.sum(self.each(q, data))

    def told(self, q: np.ndarray) -> np.ndarray:
        """From vectors [draw, …] to the numbers that are reported [draw, name]."""
        k, many = len(self.design.names), len(self.varying)
        first = len(self.names) - many
        mixing = q[:, k:first] * self.priors.mixture
        return np.concatenate([q[:, :k] * self.unit, mixing, np.exp(q[:, first : first + many])], axis=1)


def read_options(given: Any, base: Sampling | None = None) -> Sampling:  # noqa: ANN401 (what a file says)
    """Sampling as a formula file asks for it under `bayes:`.

    Raises:
        UserError: a key or value does not fit.
    """
    found = base or Sampling()
    if given is None:
        return found
    whole = ("draws", "warmup", "chains")
    known = (*whole, "group", "payoffs", *(f.name for f in fields(Priors) if f.name != "group"), "group_sd")
    if not isinstance(given, Mapping) or (wrong := [key for key in given if key not in known]):
        which = f"'{wrong[0]}' is none of them. " if isinstance(given, Mapping) else ""
        raise UserError(f"bayes: it maps options to values. {which}Known are {', '.join(known)}.")
    priors: dict[str, float] = {}
    for key, value in given.items():
        if key == "group":
            found = replace(found, group=str(value))
        elif key == "payoffs":
            if not isinstance(value, list | tuple) or any(name not in PAYOFFS for name in value):
                raise UserError(f"bayes: payoffs is a list of those that vary by group, of {', '.join(PAYOFFS)}.")
            found = replace(found, payoffs=tuple(str(name) for name in value))
        elif key in whole:
            if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 1_000_000:
                raise UserError(f"bayes: {key} is a whole number from 1 on.")
            found = replace(found, **{str(key): int(value)})  # type: ignore[arg-type]
        else:
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < np.inf:
                raise UserError(f"bayes: {key} is a standard deviation. Write a finite number above 0.")
            priors["group" if key == "group_sd" else key] = float(value)
    found = replace(found, priors=replace(found.priors, **priors))
    if (found.group is None) != (not found.payoffs):
        raise UserError("bayes: group names a column and payoffs what varies by it. Give both or neither.")
    if found.draws < 4 or found.chains < 2:
        raise UserError("bayes: draws is at least 4 and chains at least 2, so that chains can be compared.")
    return found


def model(design: Design, how: "Settings", sampling: Sampling) -> Model:
    """The posterior's density of a design.

    Raises:
        UserError: the column of the groups cannot be used.
    """
    sizes = []
    for block in design.blocks:
        spread = block.std(axis=0)
        constant = spread < 1e-12 * np.maximum(np.abs(block).max(axis=0, initial=0.0), 1e-300)
        slope = sampling.priors.slope if how.penalty is None else how.penalty
        flat = sampling.priors.constant if how.penalty is None else how.penalty
        size = np.abs(block).mean(axis=0) if how.penalty is None else np.ones(block.shape[1])
        size = np.where(size > 0, size, 1.0)
        width = np.where(spread > 0, spread, 1.0) if how.penalty is None else 1.0
        sizes.append(np.where(constant, flat / size, slope / width) * np.ones(block.shape[1]))
    unit = np.concatenate(sizes)
    if sampling.group is None:
        return Model(design, how.rule, how.given_challenge, sampling.priors, unit)
    if design.table is None:
        raise UserError("The design holds no table, so there is no column of groups.")
    values = design.table.values(design.table.require(sampling.group, "bayes: group"))
    if any(value is None for value in values):
        raise UserError(f"{design.table.name}: the column '{sampling.group}' of groups has no value in some games.")
    names = tuple(dict.fromkeys(str(value) for value in values))
    if len(names) < 2:
        raise UserError(f"{design.table.name}: the column '{sampling.group}' holds one group only.")
    member = np.array([names.index(str(value)) for value in values])
    varying = tuple(sorted(PAYOFFS.index(name) for name in sampling.payoffs))
    return Model(design, how.rule, how.given_challenge, sampling.priors, unit, names, member, varying)
