"""A small crisis ladder with known views, on which inference is proved (`calibrate`).

Two rungs, force from the upper one only, no offers, `ROUNDS` rounds; two types a side. Payoffs, in prizes for the
coercer and offices for the target; r is the rung, 0 or 1:

| ending or move | coercer | target (soft, stubborn) |
|---|---|---|
| back-down | -0.05 - 0.15 r | 0.1 |
| concession | 1 | -0.5, -0.9 |
| flight | 0.7 | -0.6 |
| force | 0.75 - f (1.0 yielding, 0.3 firm) | -1 |
| end of the last round | -0.1 | 0 |
| a climb, a display | -0.02 | -0.05 |
| a round at rung r | -0.02 r | -0.06 r |

Four numbers are unknown: f, how costly force is; m, by which the target misreads it (he thinks that it is f e^m); the
chance that the coercer is firm; and the precision of both sides. The coercer plays the ladder as it is, and takes the
target to do the same; the target plays the one with f e^m. A record is what was publicly done; types are summed out.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import jax
import jax.numpy as jnp
import numpy as np
from scipy import special, stats  # type: ignore[import-untyped]

from standoff.errors import Failure
from standoff.game.form import COERCER, Form, Payoffs
from standoff.game.ladder import Ladder, build
from standoff.game.lookup import lookup
from standoff.game.response import posterior
from standoff.game.sweep import solve
from standoff.game.tree.unroll import Game, Turn, turns

NAMES = ("cost of force", "misreading of it", "chance of being firm", "precision")
ROUNDS = 3
NODES = 9
STUBBORN = 0.5
"""Chance that the target is stubborn."""


def values(u: np.ndarray) -> np.ndarray:
    """The four numbers at quantiles of their priors (axes draw, number)."""
    z = special.ndtri(u)
    return np.stack(
        [np.exp(0.5 * z[:, 0]), 0.4 + 0.5 * z[:, 1], stats.beta.ppf(u[:, 2], 2, 2), 5 * np.exp(0.4 * z[:, 3])], axis=1
    )


def payoffs(form: Form, force: float, precision: float) -> Payoffs:
    """Payoffs of the ladder with this cost of force."""
    moves = []
    for stage in form.stages:
        rung = np.array([state[0] for state in stage.states], float)
        pay = np.zeros((2, 2, len(rung), len(stage.moves)))
        for m, move in enumerate(stage.moves):
            if move == "back-down":
                pay[0, ..., m], pay[1, ..., m] = -0.05 - 0.15 * rung, 0.1
            elif move == "concede":
                pay[0, ..., m], pay[1, ..., m] = 1.0, np.array([-0.5, -0.9])[:, None]
            elif move == "flee":
                pay[0, ..., m], pay[1, ..., m] = 0.7, -0.6
            elif move == "strike":
                pay[0, ..., m], pay[1, ..., m] = 0.75 - force * np.array([1.0, 0.3])[:, None], -1.0
            elif move == "climb":
                pay[0, ..., m] = -0.02
            elif move == "display":
                pay[1, ..., m] = -0.05
        moves.append(jnp.asarray(pay))
    nature = np.array([state[0] for state in form.nature_states], float)
    flow = np.stack([-0.02 * nature, -0.06 * nature])[:, None].repeat(2, axis=1)
    horizon = np.zeros((2, 2, len(form.stages[0].states)))
    horizon[0] = -0.1
    count = len(nature)
    return Payoffs(
        tuple(moves), jnp.asarray(flow), jnp.ones((count, 1)), jnp.zeros((count, 1)), jnp.zeros((2, 2)),
        jnp.asarray(horizon), jnp.full(2, precision), jnp.zeros((2, 2)), jnp.asarray(1.0),
    )  # fmt: skip


@dataclass(eq=False)
class Small:
    """The ladder with its records. `solved` counts solutions so far."""

    rounds: int = ROUNDS
    nodes: int = NODES
    solved: int = field(default=0)

    @cached_property
    def form(self) -> Form:
        """Stages and states."""
        reach = np.ones((2, 2, 1, 1, 1, 1), bool)
        return build(Ladder((False, True), (False, False), 0, 1, 0, 0, reach, ((0, 0),)))

    @cached_property
    def turns(self) -> tuple[Turn, ...]:
        """Every decision after its public history."""
        return tuple(turns(self.game(1.0, 0.5, 1.0)))

    def game(self, force: float, firm: float, precision: float) -> Game:
        """The ladder as a game whose tree can be written out."""
        return Game(self.form, payoffs(self.form, force, precision), (firm, STUBBORN), self.rounds)

    @cached_property
    def records(self) -> tuple[tuple[tuple[int, int], ...], ...]:
        """Every public record as its turns and moves."""
        every, found = self.turns, []
        later = {(turn.parent, turn.move) for turn in every}
        for k, turn in enumerate(every):
            mask = self.form.stages[turn.stage].mask[turn.state]
            for m in np.flatnonzero(mask).tolist():
                if (k, m) not in later:
                    way, at, move = [], k, m
                    while at >= 0:
                        way.append((at, move))
                        at, move = every[at].parent, every[at].move
                    found.append(tuple(reversed(way)))
        return tuple(found)

    @cached_property
    def _on_way(self) -> tuple[np.ndarray, np.ndarray]:
        """Turns and moves of every record, filled up with turn -1, by mover: axes mover, record, step."""
        longest = max(map(len, self.records))
        found = np.full((2, 2, len(self.records), longest), -1)
        for r, way in enumerate(self.records):
            for step, (turn, move) in enumerate(way):
                mover = self.form.stages[self.turns[turn].stage].mover
                found[:, mover, r, step] = turn, move
        return found[0], found[1]

    @cached_property
    def _walk(self) -> Callable[..., jax.Array]:
        """From a solution's tables and the prior to log chances at every turn: axes turn, type, move."""
        every, form = self.turns, self.form
        widest = max(len(stage.moves) for stage in form.stages)
        groups: dict[tuple[int, int], list[int]] = {}
        for k, turn in enumerate(every):
            groups.setdefault((turn.round, turn.stage), []).append(k)

        def walk(log_pi: tuple[jax.Array, ...], prior: jax.Array) -> jax.Array:
            belief = jnp.zeros((len(every), 2))
            found = jnp.full((len(every), 2, widest), -jnp.inf)
            for (n, s), members in sorted(groups.items()):
                here = np.array(members)
                parent = np.array([every[k].parent for k in members])
                if parent[0] < 0:
                    at = jnp.broadcast_to(prior, (len(here), 2))
                else:
                    mover = np.array([form.stages[every[k].stage].mover for k in parent])
                    move = np.array([every[k].move for k in members])
                    ratio = found[parent, 1, move] - found[parent, 0, move]
                    old = belief[parent]
                    new = posterior(old[np.arange(len(here)), mover], ratio)
                    at = old.at[np.arange(len(here)), mover].set(new)
                belief = belief.at[here].set(at)
                state = jnp.asarray([every[k].state for k in members], jnp.int32)
                rows = lookup(log_pi[s], jnp.asarray(n, jnp.int32), state, at[:, 0], at[:, 1])
                rows = jnp.where(jnp.asarray(form.stages[s].mask)[state][:, None], rows, -jnp.inf)
                found = found.at[here, :, : rows.shape[-1]].set(rows)
            return found

        return jax.jit(walk)

    def played(self, force: float, firm: float, precision: float) -> np.ndarray:
        """Log chances at every turn of the ladder with this cost of force: axes turn, type, move."""
        solution = solve(self.form, payoffs(self.form, force, precision), rounds=self.rounds, nodes=self.nodes)
        self.solved += 1
        if not solution.ok:
            raise Failure(f"A small ladder was not solved: {solution.status}. Lower the precision.")
        return np.asarray(self._walk(solution.log_pi, jnp.asarray([firm, STUBBORN])), float)

    def chances(self, own: np.ndarray, other: np.ndarray, firm: float) -> np.ndarray:
        """Log chances of all records by pair of types, with the pair's prior: axes coercer's, target's type, record.

        `own` and `other`: log chances at every turn as the coercer, and as the target plays (axes turn, type, move).
        """
        turn, move = self._on_way
        sums = []
        for mover, log_pi in enumerate((own, other)):
            steps = np.where(turn[mover] >= 0, log_pi[turn[mover], :, move[mover]].transpose(2, 0, 1), 0.0)
            sums.append(steps.sum(axis=-1))  # type, record
        prior = np.log(np.outer([1 - firm, firm], [1 - STUBBORN, STUBBORN]))
        return np.asarray(prior[..., None] + sums[COERCER][:, None] + sums[1 - COERCER][None])

    def by_type(self, u: np.ndarray) -> np.ndarray:
        """`chances` of the grid's solutions for draws: axes draw, type, type, record."""
        found = []
        for force, misread, firm, precision in values(u):
            own = self.played(force, firm, precision)
            other = self.played(force * np.exp(misread), firm, precision)
            found.append(self.chances(own, other, firm))
        return np.stack(found)

    def log_records(self, u: np.ndarray) -> np.ndarray:
        """Log chance of every record for draws u, types summed out (axes draw, record)."""
        return np.asarray(special.logsumexp(self.by_type(u), axis=(1, 2)))
