r"""How likely a record of moves is under the strategies of each side's own view, types and tellings summed out.

With theta the types, h a telling (`evidence`) with the readings of moves and the state of the world on it, n the
rounds, a_i the move of side i and pi_i its strategy in the view v_i that it holds, at the beliefs it then has,

    ln L(v) = ln sum_theta pi(theta) mean_h prod_i prod_n pi_i(a_i(n) | theta_i, v_i, h),

pi(theta) the prior of types in the base. In a silent round pi_i^w, normalised, stands for pi_i, with the case's weight
w of silence (`parameters.silence_weight`). What one side sees moves its own beliefs alone, so each pair of views takes
no play of its own: a play with both in their own views and one with both in the base give all four. The same tellings
and random numbers serve every draw of the numbers, so that the likelihood is a function of them, with a Monte Carlo
error that all draws share. Where crises are played on from the record, random numbers belong to the draw instead.
"""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from standoff.game.play import Ended, Given, Seen, trace
from standoff.infer.evidence import Step, Telling
from standoff.simulate.arms import Kept, key, stream
from standoff.simulate.ending import ENDINGS, codes
from standoff.simulate.ensemble import without_removal
from standoff.simulate.minds import Thinking
from standoff.simulate.payoffs import endings, joint_prior, playable
from standoff.simulate.setup import SIDES, Plan, stratified_types

VIEWS = ("own", "base")
"""What a side may hold: the view that the case gives it, or the base."""
TYPES, READ, STOPPED = 21, 22, 23
"""Purposes of random numbers."""
FLOOR = 1e-300
NEVER = -1e4
"""Log-likelihood of what cannot have happened."""


@dataclass(frozen=True, eq=False)
class Group:
    """Tellings of one record, and a name for it."""

    name: str
    tellings: tuple[Telling, ...]


@dataclass(frozen=True, eq=False)
class Watched:
    """What is kept of one draw and one setting (both sides in their own views, or both in the base).

    Axes: `loglik[side, type, round, path]` increments of the log-likelihood; `belief[round, mind, about, path]`;
    `expected[side][round, path, move]` what the other expects of a side, `own[side][round, path, type, move]` what it
    does; `moved[side][round, path]` whether it got to move; `stay[round, side, type, path]` what going on is worth;
    `factor`, `dropped[round, side, path]`; `ending[path]`, `ends[path]` the round of it, and `types[side, path]` with
    which it was played.
    """

    loglik: np.ndarray
    belief: np.ndarray
    moved: Mapping[str, np.ndarray]
    expected: Mapping[str, np.ndarray]
    own: Mapping[str, np.ndarray]
    stay: np.ndarray
    factor: np.ndarray
    dropped: np.ndarray
    ending: np.ndarray
    ends: np.ndarray
    types: np.ndarray


def given(plan: Plan, tellings: Sequence[Telling], silence: float) -> Given:
    """Tellings as moves, one path each; what is not given is left to the minds."""
    stages = plan.form.stages
    move = np.full((plan.rounds, len(stages), len(tellings)), -1, np.int32)
    read, weight = np.full_like(move, -1), np.ones(move.shape)
    for path, telling in enumerate(tellings):
        for index, both in enumerate(telling.steps[: plan.rounds]):
            for side, step in both.items():
                if step is not None:
                    _force(plan, side, step, index, path, move, read)
                    if step.event is None:
                        weight[index, plan.form.stage(side), path] = silence
    return Given(jnp.asarray(move), jnp.asarray(read), jnp.asarray(weight))


def _force(
    plan: Plan, side: str, step: Step, index: int, path: int, move: np.ndarray, read: np.ndarray
) -> None:  # fmt: skip
    form, stage = plan.form, plan.form.stage(side)
    moves = form.stages[stage].moves
    move[index, stage, path] = moves.index(step.move.move)
    if step.read_as is not None and step.read_as.move in moves:
        read[index, stage, path] = moves.index(step.read_as.move)
    if step.move.rung is not None:
        rung = [rung.id for rung in plan.case.ladder].index(step.move.rung)
        detail = form.stage("climb")
        move[index, detail, path] = form.stages[detail].moves.index(str(rung))
    if step.move.move == "offer":
        detail = form.stage(f"{side} offer")
        ids = [package.id for package in playable(plan.case, side)]
        move[index, detail, path] = form.stages[detail].moves.index(str(ids.index(step.move.package or "") + 1))


@dataclass(frozen=True, eq=False)
class Watch:
    """A record to be watched: its tellings as moves, made once for all draws."""

    groups: tuple[Group, ...]
    given: Given
    onwards: bool = False
    """Whether crises are played on from where the record stops."""

    @property
    def spans(self) -> dict[str, slice]:
        """Which paths are whose."""
        found, at = {}, 0
        for group in self.groups:
            found[group.name] = slice(at, at + len(group.tellings))
            at += len(group.tellings)
        return found

    @property
    def alike(self) -> int:
        """How many groups share their random numbers path by path: all, if they are of one size; else none do."""
        return len(self.groups) if len({len(group.tellings) for group in self.groups}) == 1 else 1

    @property
    def count(self) -> int:
        """Paths in all."""
        return sum(len(group.tellings) for group in self.groups)


def watch(plan: Plan, groups: Sequence[Group], silence: float, *, onwards: bool = False) -> Watch:
    """Compile records for a plan."""
    every = [telling for group in groups for telling in group.tellings]
    return Watch(tuple(groups), given(plan, every, silence), onwards)


def types_for(plan: Plan, draw: int, groups: Sequence[Group]) -> np.ndarray:
    """Types of the paths, stratified within each group; the same uniform numbers in every draw and group."""
    base = plan.sheet(None)
    parts = []
    for group in groups:
        random = np.random.default_rng(np.random.SeedSequence([plan.seed, TYPES]))
        parts.append(stratified_types(random, plan.prior(base, draw), base.values, draw, len(group.tellings)))
    return np.concatenate(parts, axis=1)


def observe(plan: Plan, draw: int, kept: Kept, record: Watch) -> dict[str, Watched]:
    """Watch a record in one draw of the numbers, with both sides in their own views and with both in the base."""
    thinking = Thinking(plan, draw, kept.solve)
    own = (plan.view(SIDES[0]), plan.view(SIDES[1]))
    found = {"own": _watched(plan, draw, thinking, own, record)}
    found["base"] = _watched(plan, draw, thinking, (None, None), record) if any(own) else found["own"]
    return found


def _watched(plan: Plan, draw: int, thinking: Thinking, views: tuple, record: Watch) -> Watched:  # type: ignore[type-arg]
    meeting = thinking.meet(views)
    base = plan.sheet(None)
    world = base.payoffs.one(draw)
    count = record.count
    paths = plan.paths_for(stream(plan, 0, TYPES), meeting.sheets, draw, count, known=False)
    types = types_for(plan, draw, record.groups)
    from equinox import tree_at

    paths = tree_at(lambda p: p.types, paths, jnp.asarray(types, paths.types.dtype))
    quiet = world if record.onwards else without_removal(world)
    noise = key(plan, READ) if not record.onwards else jax.random.fold_in(key(plan, READ), _word(plan, draw))
    seen, ended = trace(
        noise, plan.form, meeting.minds, quiet, paths, record.given, rounds=plan.rounds,
        groups=record.alike,
    )  # fmt: skip
    uniform = np.tile(stream(plan, 0, STOPPED).random(count // record.alike), record.alike)
    belief = np.asarray(seen.belief)[:, : len(SIDES)]
    stages = [plan.form.stage(side) for side in SIDES]
    solved = [thinking.thought(view).solution for view in views]
    return Watched(
        _loglik(plan, seen, record.given), belief,
        {side: np.asarray(seen.moved[s]) for side, s in zip(SIDES, stages, strict=True)},
        {side: np.asarray(seen.expected[s]) for side, s in zip(SIDES, stages, strict=True)},
        {side: np.asarray(seen.own[s]) for side, s in zip(SIDES, stages, strict=True)},
        _stay([np.asarray(one.value) for one in solved], np.asarray(seen.state), belief),
        np.asarray(seen.factor), np.asarray(seen.dropped),
        codes(plan, base.values, draw, ended, uniform), np.asarray(ended.round), types,
    )  # fmt: skip


def _word(plan: Plan, draw: int) -> int:
    """A number for a draw that depends on its quantiles alone: crises are played on with random numbers of its own."""
    at = plan.quantiles or {}
    return zlib.crc32(b"".join(np.float64(at[path][draw]).tobytes() for path in sorted(at)))


def _loglik(plan: Plan, seen: Seen, told: Given) -> np.ndarray:
    """Log-likelihood increments of the moves given: axes side, type, round, path."""
    move, weight = np.asarray(told.move), np.asarray(told.weight)
    found = np.zeros((2, 2, move.shape[0], move.shape[2]))
    for index, stage in enumerate(plan.form.stages):
        made = move[:, index]
        if not (made >= 0).any():
            continue
        own, there = np.asarray(seen.own[index]), np.asarray(seen.moved[index])  # round, path, type, move; round, path
        picked = np.take_along_axis(own, np.maximum(made, 0)[:, :, None, None], axis=3)[..., 0]
        picked = picked / np.maximum(own.sum(-1), FLOOR)  # between nodes the chances do not quite sum to 1
        power = weight[:, index][..., None]
        level = power * np.log(np.maximum(picked, FLOOR))
        if (power != 1).any():  # normalised, so that silence and moves can be compared between tellings
            chance = own / np.maximum(own.sum(-1, keepdims=True), FLOOR)
            level = level - np.log(np.maximum(np.where(chance > 0, chance ** power[..., None], 0.0).sum(-1), FLOOR))
        level = np.where(there[..., None], level, NEVER)  # a crisis that is over does not go on as the record says
        found[stage.mover] += np.moveaxis(np.where((made >= 0)[..., None], level, 0.0), 2, 0)
    return found


def _stay(values: list[np.ndarray], state: np.ndarray, belief: np.ndarray) -> np.ndarray:
    """What going on is worth to each side in its own view, between the nodes of the grid: round, side, type, path."""
    rounds, count = state.shape
    found = np.zeros((rounds, 2, 2, count))
    path = np.arange(count)
    for i, value in enumerate(values):
        nodes = value.shape[-1] - 1
        for n in range(rounds):
            p, q = belief[n, i]
            j, k = (np.minimum((b * nodes).astype(int), nodes - 1) for b in (p, q))
            t, u = p * nodes - j, q * nodes - k
            v = value[n, i][:, np.minimum(state[n], value.shape[3] - 1)]  # type, path, p, q
            low = (1 - u) * v[:, path, j, k] + u * v[:, path, j, k + 1]
            high = (1 - u) * v[:, path, j + 1, k] + u * v[:, path, j + 1, k + 1]
            found[n, i] = (1 - t) * low + t * high
    return found


def joint(plan: Plan, draw: int) -> np.ndarray:
    """Prior chances of the pairs of types in the base: coercer's type, target's type."""
    base = plan.sheet(None)
    prior = plan.prior(base, draw)
    return np.asarray(joint_prior(prior[0], prior[1], float(base.values["parameters.prior.odds_ratio"][draw])))


def by_round(seen: Mapping[str, Watched], span: slice) -> np.ndarray:
    """Log-likelihood after 0, 1, ... rounds: axes round, coercer's view, target's view, coercer's type, target's type.

    Tellings are summed out; `VIEWS` names the views.
    """
    sums = np.stack(
        [np.cumsum(seen[view].loglik[..., span], axis=2) for view in VIEWS]
    )  # view, side, type, round, path
    start = np.zeros((*sums.shape[:3], 1, sums.shape[-1]))
    sums = np.concatenate([start, sums], axis=3)
    both = sums[:, None, 0, :, None] + sums[None, :, 1, None, :]  # view, view, type, type, round, path
    top = both.max(-1, keepdims=True)
    level = np.log(np.exp(both - top).mean(-1)) + top[..., 0]
    return np.moveaxis(level, -1, 0)


def path_weights(one: Watched, span: slice, prior: np.ndarray, rounds: int | None = None) -> np.ndarray:
    """Chance of each telling and pair of types given so many rounds: axes coercer's type, target's type, path."""
    sums = one.loglik[:, :, :rounds, span].sum(2)  # side, type, path
    both = np.log(np.maximum(prior, FLOOR))[..., None] + sums[0][:, None] + sums[1][None]
    weight = np.exp(both - both.max())
    return np.asarray(weight / weight.sum())


def worth(plan: Plan, name: str, draw: int) -> dict[str, np.ndarray]:
    """What each package pays (axes side, type) to a side in a view: 'base', or each side in its `own`."""
    found: dict[str, np.ndarray] = {}
    ids = [package.id for package in plan.case.packages]
    for i, side in enumerate(SIDES):
        view = plan.view(side) if name == "own" else None
        for item, pays in endings(plan.case, plan.sheet(view).values).items():
            if item in ids:
                mine = (pays.coercer, pays.target)[i]
                mine = mine if mine.ndim == 2 else np.stack([mine] * 2)
                found.setdefault(item, np.zeros((2, 2)))[i] = mine[:, draw]
    return found


def deal(one: Watched, packages: Mapping[str, np.ndarray], weight: np.ndarray, span: slice) -> np.ndarray:
    """Chance, by round, that some package was worth more than going on to both sides as each saw it."""
    rounds = len(one.stay)
    if not packages:
        return np.zeros(rounds)
    pays = np.stack(list(packages.values()))  # package, side, type
    stay = one.stay[..., span]  # round, side, type, path
    better = pays[:, None, :, :, None] > stay[None]  # package, round, side, type, path
    both = (better[:, :, 0, :, None] & better[:, :, 1, None]).any(0)  # round, type, type, path
    return np.asarray((both * weight[None]).sum((1, 2, 3)))


def onwards(one: Watched, span: slice, cut: np.ndarray, rounds: int) -> tuple[np.ndarray, float]:
    """Chances that the crisis is over with each ending by the end of each round, and the effective number of paths.

    Paths are weighted by the likelihood of the moves on record under the types with which they are played; those that
    were over before the record stops did not happen.
    """
    kinds, at = one.types[:, span], np.arange(span.stop - span.start)
    sums = one.loglik[..., span].sum(2)  # side, type, path
    level = sums[0][kinds[0], at] + sums[1][kinds[1], at]
    alive = ((one.ends[span] >= cut) | (one.ending[span] == ENDINGS.index("stalemate"))) & (level > NEVER / 2)
    weight = np.where(alive, np.exp(level - level.max()), 0.0)
    if weight.sum() <= 0:
        return np.full((rounds, len(ENDINGS)), np.nan), 0.0
    weight = weight / weight.sum()
    over = one.ends[span][None] <= np.arange(rounds)[:, None]  # round, path
    kind = one.ending[span][None] == np.arange(len(ENDINGS))[:, None]  # ending, path
    chance = (over[:, None] & kind[None]) @ weight
    return np.asarray(chance), float(1 / (weight**2).sum())


__all__ = [
    "VIEWS", "Ended", "Group", "Watch", "Watched", "by_round", "deal", "joint", "observe", "onwards", "path_weights",
    "watch", "worth",
]  # fmt: skip
