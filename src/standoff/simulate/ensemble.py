"""Ensembles: every draw solved in every view, played in every scenario, and followed along the record.

A *scenario* says which view each side acts on. Scenarios of one draw share their random numbers, so their
differences are paired. Draws are independent tasks (`engine` runs them, `store` keeps them).
"""

from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
import numpy as np

from standoff.case.crisis import View
from standoff.game.form import Payoffs
from standoff.game.play import Mind, Paths, Seen, follow, play
from standoff.game.sweep import Solution
from standoff.simulate.ending import ENDINGS, codes, modes
from standoff.simulate.minds import Meeting, Thinking, with_acts
from standoff.simulate.payoffs import endings
from standoff.simulate.record import Record, given
from standoff.simulate.setup import SIDES, Plan, Sheet

RECORD_PATHS = 24


@dataclass(frozen=True)
class Scenario:
    """Which view each side acts on ('own', 'other' or 'base'), and whether types are known."""

    id: str
    title: str
    coercer: str
    target: str
    known: bool = False


SCENARIOS = (
    Scenario("views", "Each side in its own view", "own", "own"),
    Scenario("base", "Both in the base view", "base", "base"),
    Scenario("coercer-view", "Both in the coercer's view", "own", "other"),
    Scenario("target-view", "Both in the target's view", "other", "own"),
    Scenario("swapped", "Each side in the other's view", "other", "other"),
    Scenario("coercer-base", "Only the coercer in the base view", "base", "own"),
    Scenario("target-base", "Only the target in the base view", "own", "base"),
    Scenario("known", "Base view, types known", "base", "base", known=True),
)


@dataclass(frozen=True, eq=False)
class Told:
    """What following the record gave for one draw (arrays by round of the record; means over paths).

    `belief[round, mind, about]`; `expected[side][round, move]` is what the other side's mind expects of `side`,
    `own[side][round, move]` what that side's strategy does given the types that its record leaves likely;
    `ahead[mind][round, ending]` how each mind expects the crisis to end; `stay[round, side, type]` what going on
    is worth to a side in its own view.
    """

    belief: np.ndarray
    spread: np.ndarray
    expected: dict[str, np.ndarray]
    own: dict[str, np.ndarray]
    ahead: dict[str, np.ndarray]
    stay: np.ndarray
    against: np.ndarray
    dropped: np.ndarray


@dataclass(frozen=True, eq=False)
class DrawResult:
    """Everything kept of one draw."""

    draw: int
    ended: dict[str, dict[str, np.ndarray]]
    types: np.ndarray
    told: dict[str, Told]
    worth: dict[str, dict[str, np.ndarray]]
    prior: dict[str, np.ndarray]
    quality: dict[str, tuple[float, float, float, float]]
    seconds: dict[str, float]


@dataclass(frozen=True)
class Job:
    """What to do with each draw."""

    replications: int
    scenarios: tuple[Scenario, ...]
    corrections: tuple[tuple[str, str], ...] = ()
    record: Record | None = None


def corrections(plan: Plan) -> tuple[tuple[str, str], ...]:
    """Every named difference: the side that holds it and its id."""
    return tuple((side, d.id) for side in SIDES if (view := plan.view(side)) for d in view.differences)


def _key(plan: Plan, draw: int, purpose: int) -> jax.Array:
    return jax.random.fold_in(jax.random.fold_in(jax.random.key(plan.seed), draw), purpose)


def _stream(plan: Plan, draw: int, purpose: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence([plan.seed, draw, purpose]))


def run_draw(plan: Plan, job: Job, draw: int) -> DrawResult:
    """Solve all views of a draw, play all scenarios, follow the record."""
    views: dict[str, View | None] = {"base": None}
    views.update({side: plan.view(side) for side in SIDES})
    thinking = Thinking(plan, draw)
    sheets = {name: plan.sheet(view) for name, view in views.items()}
    ended = {}
    for scenario in job.scenarios:
        names = (
            {"own": "coercer", "other": "target", "base": "base"}[scenario.coercer],
            {"own": "target", "other": "coercer", "base": "base"}[scenario.target],
        )
        meeting = thinking.meet((views[names[0]], views[names[1]]))
        ended[scenario.id] = _play(plan, job, draw, meeting, known=scenario.known)
    solved = {name: thinking.thought(view).solution for name, view in views.items()}
    quality = {name: (s.residual, s.unsettled, s.folded, s.seconds) for name, s in solved.items()}
    own = (views["coercer"], views["target"])
    for side, difference in job.corrections:
        without = ((difference,), ()) if side == "coercer" else ((), (difference,))
        ended[f"without:{side}:{difference}"] = _play(plan, job, draw, thinking.meet(own, without), known=False)
        solution = thinking.thought(views[side], (difference,)).solution
        quality[f"without:{side}:{difference}"] = (
            solution.residual, solution.unsettled, solution.folded, solution.seconds
        )  # fmt: skip
    told = {}
    if job.record is not None and job.record.turns:
        told["views"] = _follow(plan, job, draw, thinking, own)
        told["base"] = _follow(plan, job, draw, thinking, (None, None))
    worth = {name: _worth(plan, sheet, draw) for name, sheet in sheets.items()}
    prior = {name: plan.prior(sheet, draw) for name, sheet in sheets.items()}
    types = _types(plan, draw, job.replications)
    return DrawResult(draw, ended, types, told, worth, prior, quality, {})


def _types(plan: Plan, draw: int, count: int) -> np.ndarray:
    sheet = plan.sheet(None)
    return np.asarray(plan.paths_for(_stream(plan, draw, 1), (sheet, sheet), draw, count, known=False).types)


def _play(plan: Plan, job: Job, draw: int, meeting: Meeting, *, known: bool) -> dict[str, np.ndarray]:
    paths = plan.paths_for(_stream(plan, draw, 1), meeting.sheets, draw, job.replications, known=known)
    base = plan.sheet(None)
    done = play(_key(plan, draw, 2), plan.form, meeting.minds, base.payoffs.one(draw), paths, rounds=plan.rounds)
    stopped, how = _stream(plan, draw, 9).random((2, job.replications))
    return {
        "ending": codes(plan, base.values, draw, done, stopped),
        "mode": modes(plan, base.values, draw, done, how),
        "round": np.asarray(done.round).astype(np.int16),
        "package": np.asarray(done.package).astype(np.int8),
        "dropped": np.asarray(done.dropped),
        "payoff": np.asarray(done.payoff).astype(np.float32),
    }


def _worth(plan: Plan, sheet: Sheet, draw: int) -> dict[str, np.ndarray]:
    """Worth of every ending and package in a view: [coercer yielding, firm, target yielding, firm]."""
    found = {}
    for name, worth in endings(plan.case, sheet.values).items():
        coercer = worth.coercer if worth.coercer.ndim == 2 else np.stack([worth.coercer] * 2)
        found[name] = np.concatenate([coercer[:, draw], worth.target[:, draw]])
    return found


def _follow(plan: Plan, job: Job, draw: int, thinking: Thinking, views: tuple[View | None, View | None]) -> Told:
    found = job.record
    if found is None:
        raise ValueError("no record to follow")
    silence = float(plan.base["parameters.silence_weight"][draw])
    count = RECORD_PATHS
    told = given(plan.case, plan.form, found, rounds=plan.rounds, count=count, silence=silence, seed=plan.seed + draw)
    meeting = thinking.meet(views)
    paths = plan.paths_for(_stream(plan, draw, 3), meeting.sheets, draw, count, known=False)
    quiet = without_removal(plan.sheet(None).payoffs.one(draw))
    seen = follow(_key(plan, draw, 4), plan.form, meeting.minds, quiet, paths, told, rounds=plan.rounds)
    last = len(found.turns)
    belief = np.asarray(seen.belief)[:last, :2]
    likely = _likely(plan, draw, seen, told.move, told.weight, last)
    expected, own = {}, {}
    for i, side in enumerate(SIDES):
        stage = plan.form.stage(side)
        expected[side] = np.asarray(seen.expected[stage])[:last].mean(1)
        chance = np.asarray(seen.own[stage])[:last]
        weight = likely[:, i, :, None]
        own[side] = (chance[:, :, 1] * weight + chance[:, :, 0] * (1 - weight)).mean(1)
    ahead = {side: _ahead(plan, job, draw, i, meeting, seen, likely) for i, side in enumerate(SIDES)}
    stay = _stay([thinking.thought(view).solution for view in views], seen, belief, last)
    against = np.asarray(seen.factor)[:last].mean(-1)
    dropped = np.asarray(seen.dropped)[:last].mean(-1)
    return Told(belief.mean(-1), belief.std(-1), expected, own, ahead, stay, against, dropped)


def without_removal(world: Payoffs) -> Payoffs:
    """The record went on: removal from within did not happen on it."""
    import equinox as eqx

    quiet: Payoffs = eqx.tree_at(lambda w: w.hazard, world, jnp.zeros_like(world.hazard))
    return quiet


def _likely(plan: Plan, draw: int, seen: Seen, move: jax.Array, weight: jax.Array, last: int) -> np.ndarray:
    """Chance that each side is firm, from the base prior and its own strategy along the record, by round."""
    prior = plan.prior(plan.sheet(None), draw)
    count = move.shape[-1]
    odds = np.repeat(np.log(prior / (1 - prior))[:, None], count, axis=1)
    found = []
    for n in range(last):
        found.append(1 / (1 + np.exp(-odds)))
        for index, stage in enumerate(plan.form.stages):
            made = np.asarray(move[n, index])
            chance = np.asarray(seen.own[index][n])
            picked = np.take_along_axis(chance, np.maximum(made, 0)[:, None, None], axis=2)[..., 0]
            ratio = np.log(np.maximum(picked[:, 1], 1e-300)) - np.log(np.maximum(picked[:, 0], 1e-300))
            odds[stage.mover] += np.where(made >= 0, np.asarray(weight[n, index]) * ratio, 0.0)
    return np.array(found)


def _ahead(plan: Plan, job: Job, draw: int, side: int, meeting: Meeting, seen: Seen, likely: np.ndarray) -> np.ndarray:
    """How a side expects the crisis to end, by round of the record: its view, played by both, from its beliefs."""
    stream = _stream(plan, draw, 5 + side)
    last = len(likely)
    each = max(job.replications // last, 1)
    spare = -(last * each) % job.replications  # as many paths as elsewhere, so that nothing is compiled anew
    pick = stream.integers(0, likely.shape[-1], size=(last, each))
    mind, sheet = meeting.minds[side], meeting.sheets[side]
    belief = np.asarray(seen.belief)[:last, side]
    mine = np.take_along_axis(belief, np.repeat(pick[:, None], 2, axis=1), axis=2)
    state = np.take_along_axis(np.asarray(seen.state)[:last], pick, axis=1)
    chance = mine.copy()
    chance[:, side] = np.take_along_axis(likely[:, side], pick, axis=1)
    types = (stream.random(chance.shape) < chance).astype(np.int32)
    both = np.stack([mine, mine], axis=0)  # in his view the other believes what he thinks is believed

    def fill(rows: np.ndarray) -> jax.Array:
        return jnp.asarray(np.concatenate([rows, np.repeat(rows[..., -1:], spare, axis=-1)], axis=-1))

    paths = Paths(
        fill(np.repeat(np.arange(last, dtype=np.int32), each)), fill(state.reshape(-1)),
        fill(np.moveaxis(types, 1, 0).reshape(2, -1)), fill(np.moveaxis(both, 1, 2).reshape(2, 2, -1)),
    )  # fmt: skip
    plain = Mind(mind.log_pi, tuple(jnp.eye(len(stage.moves)) for stage in plan.form.stages))
    himself = plain if mind.acts is None else replace(plain, acts=mind.acts)
    done = play(
        _key(plan, draw, 7 + side),
        plan.form,
        with_acts(plan, (himself, plain) if side == 0 else (plain, himself)),
        sheet.payoffs.one(draw),
        paths,
        rounds=plan.rounds,
    )
    uniform = stream.random(len(done.outcome))
    code = codes(plan, sheet.values, draw, done, uniform)[: last * each].reshape(last, each)
    return np.stack([(code == k).mean(1) for k in range(len(ENDINGS))], axis=1)


def _stay(solved: list[Solution], seen: Seen, belief: np.ndarray, last: int) -> np.ndarray:
    """What going on is worth to each side in its own view, by round of the record: axes round, side, type."""
    found = np.zeros((last, 2, 2))
    for i in range(2):
        value = np.asarray(solved[i].value)
        nodes = value.shape[-1] - 1
        for n in range(last):
            p, q = belief[n, i]
            j, k = (
                np.minimum((p * nodes).astype(int), nodes - 1),
                np.minimum((q * nodes).astype(int), nodes - 1),
            )
            t, u = p * nodes - j, q * nodes - k
            v = value[n, i][:, np.asarray(seen.state)[n]]
            a = np.arange(len(p))
            low = (1 - u) * v[:, a, j, k] + u * v[:, a, j, k + 1]
            high = (1 - u) * v[:, a, j + 1, k] + u * v[:, a, j + 1, k + 1]
            mean = (1 - t) * low + t * high
            found[n, i] = mean.mean(-1)
    return found
