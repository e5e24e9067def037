"""Ensembles: every draw solved in every view, played in every scenario, and followed along the record.

A *scenario* says which view each side acts on. Scenarios of one draw share their random numbers, so their
differences are paired. Draws are independent tasks; the numbers do not depend on how many run at once.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from standoff.game.form import OUTCOMES, Payoffs
from standoff.game.play import Mind, Paths, Seen, follow, play
from standoff.game.sweep import Solution, solve
from standoff.simulate.payoffs import endings, leaves, playable
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
    `ahead[mind][round, outcome]` how each mind expects the crisis to end; `stay[round, side, type]` what going on
    is worth to a side in its own view.
    """

    belief: np.ndarray
    spread: np.ndarray
    expected: dict[str, np.ndarray]
    own: dict[str, np.ndarray]
    ahead: dict[str, np.ndarray]
    stay: np.ndarray


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
    sheets = {"base": plan.sheet(None)} | {side: plan.sheet(plan.view(side)) for side in SIDES}
    solved: dict[str, Solution] = {}
    for name, sheet in sheets.items():
        same = next((n for n in solved if sheets[n] is sheet), None)
        solved[name] = solved[same] if same else plan.solve(sheet, draw)
    minds = {name: plan.mind(sheets[name], solved[name], draw) for name in sheets}
    world = sheets["base"].payoffs.one(draw)
    ended = {}
    for scenario in job.scenarios:
        names = (
            {"own": "coercer", "other": "target", "base": "base"}[scenario.coercer],
            {"own": "target", "other": "coercer", "base": "base"}[scenario.target],
        )
        ended[scenario.id] = _play(
            plan, job, draw, (minds[names[0]], minds[names[1]]), (sheets[names[0]], sheets[names[1]]), world,
            known=scenario.known,
        )  # fmt: skip
    quality = {name: (s.residual, s.unsettled, s.folded, s.seconds) for name, s in solved.items()}
    for side, difference in job.corrections:
        sheet = plan.sheet(plan.view(side), (difference,))
        solution = plan.solve(sheet, draw)
        mind = plan.mind(sheet, solution, draw)
        pair = {"coercer": (mind, minds["target"]), "target": (minds["coercer"], mind)}[side]
        on = {"coercer": (sheet, sheets["target"]), "target": (sheets["coercer"], sheet)}[side]
        ended[f"without:{side}:{difference}"] = _play(plan, job, draw, pair, on, world, known=False)
        quality[f"without:{side}:{difference}"] = (
            solution.residual, solution.unsettled, solution.folded, solution.seconds
        )  # fmt: skip
    told = {}
    if job.record is not None and job.record.turns:
        told["views"] = _follow(plan, job, draw, sheets, solved, minds, ("coercer", "target"))
        told["base"] = _follow(plan, job, draw, sheets, solved, minds, ("base", "base"))
    worth = {name: _worth(plan, sheet, draw) for name, sheet in sheets.items()}
    prior = {name: plan.prior(sheet, draw) for name, sheet in sheets.items()}
    types = _types(plan, draw, job.replications)
    return DrawResult(draw, ended, types, told, worth, prior, quality, {})


def _types(plan: Plan, draw: int, count: int) -> np.ndarray:
    sheet = plan.sheet(None)
    return np.asarray(plan.paths_for(_stream(plan, draw, 1), (sheet, sheet), draw, count, known=False).types)


def _play(
    plan: Plan,
    job: Job,
    draw: int,
    minds: tuple[Mind, Mind],
    sheets: tuple[Sheet, Sheet],
    world: Payoffs,
    *,
    known: bool,
) -> dict[str, np.ndarray]:
    paths = plan.paths_for(_stream(plan, draw, 1), sheets, draw, job.replications, known=known)
    done = play(_key(plan, draw, 2), plan.form, minds, world, paths, rounds=plan.rounds)
    outcome = np.asarray(done.outcome)
    package = np.asarray(done.package)
    return {
        "outcome": outcome.astype(np.int8),
        "round": np.asarray(done.round).astype(np.int16),
        "exit": _agreed(plan, outcome, package),
        "payoff": np.asarray(done.payoff).astype(np.float32),
    }


def _agreed(plan: Plan, outcome: np.ndarray, package: np.ndarray) -> np.ndarray:
    """Whether a path ended in an agreed exit: a concession, or a settlement under which the leader goes.

    The pending package belongs to the side that did not accept: the target accepts the coercer's at its stage.
    Ids of both sides' packages are told apart by sign: the coercer accepts +k (the target's), the target -k.
    """
    goes = {k: leaves(plan.case, p) for k, p in enumerate(playable(plan.case, "target"), start=1)}
    goes |= {-k: leaves(plan.case, p) for k, p in enumerate(playable(plan.case, "coercer"), start=1)}
    settled = outcome == OUTCOMES.index("settlement")
    under = np.array([goes.get(int(k), False) for k in package])
    return np.asarray((outcome == OUTCOMES.index("concession")) | (settled & under))


def _worth(plan: Plan, sheet: Sheet, draw: int) -> dict[str, np.ndarray]:
    """Worth of every ending and package in a view: [coercer yielding, firm, target yielding, firm]."""
    found = {}
    for name, worth in endings(plan.case, sheet.values).items():
        coercer = worth.coercer if worth.coercer.ndim == 2 else np.stack([worth.coercer] * 2)
        found[name] = np.concatenate([coercer[:, draw], worth.target[:, draw]])
    return found


def _follow(
    plan: Plan,
    job: Job,
    draw: int,
    sheets: dict[str, Sheet],
    solved: dict[str, Solution],
    minds: dict[str, Mind],
    names: tuple[str, str],
) -> Told:
    found = job.record
    if found is None:
        raise ValueError("no record to follow")
    silence = float(plan.base["parameters.silence_weight"][draw])
    count = RECORD_PATHS
    told = given(plan.case, plan.form, found, rounds=plan.rounds, count=count, silence=silence, seed=plan.seed + draw)
    pair = (minds[names[0]], minds[names[1]])
    on = (sheets[names[0]], sheets[names[1]])
    paths = plan.paths_for(_stream(plan, draw, 3), on, draw, count, known=False)
    world = sheets["base"].payoffs.one(draw)
    quiet = _without_removal(world)
    seen = follow(_key(plan, draw, 4), plan.form, pair, quiet, paths, told, rounds=plan.rounds)
    last = len(found.turns)
    belief = np.asarray(seen.belief)[:last]
    likely = _likely(plan, draw, seen, told.move, told.weight, last)
    expected, own = {}, {}
    for i, side in enumerate(SIDES):
        stage = plan.form.stage(side)
        expected[side] = np.asarray(seen.expected[stage])[:last].mean(1)
        chance = np.asarray(seen.own[stage])[:last]
        weight = likely[:, i, :, None]
        own[side] = (chance[:, :, 1] * weight + chance[:, :, 0] * (1 - weight)).mean(1)
    ahead = {side: _ahead(plan, job, draw, i, minds[names[i]], on[i], seen, likely) for i, side in enumerate(SIDES)}
    stay = _stay(solved, names, seen, belief, last)
    return Told(belief.mean(-1), belief.std(-1), expected, own, ahead, stay)


def _without_removal(world: Payoffs) -> Payoffs:
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


def _ahead(
    plan: Plan, job: Job, draw: int, side: int, mind: Mind, sheet: Sheet, seen: Seen, likely: np.ndarray
) -> np.ndarray:
    """How a side expects the crisis to end, by round of the record: its view, played by both, from its beliefs."""
    stream = _stream(plan, draw, 5 + side)
    last = len(likely)
    each = max(job.replications // last, 1)
    spare = -(last * each) % job.replications  # as many paths as elsewhere, so that nothing is compiled anew
    pick = stream.integers(0, likely.shape[-1], size=(last, each))
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
    done = play(
        _key(plan, draw, 7 + side),
        plan.form,
        (plain, plain),
        sheet.payoffs.one(draw),
        paths,
        rounds=plan.rounds,
    )
    outcome = np.asarray(done.outcome)[: last * each]
    agreed = _agreed(plan, outcome, np.asarray(done.package)[: last * each])
    code = np.where(agreed, len(OUTCOMES), outcome).reshape(last, each)
    return np.stack([(code == k).mean(1) for k in range(len(OUTCOMES) + 1)], axis=1)


def _stay(solved: dict[str, Solution], names: tuple[str, str], seen: Seen, belief: np.ndarray, last: int) -> np.ndarray:
    """What going on is worth to each side in its own view, by round of the record: axes round, side, type."""
    found = np.zeros((last, 2, 2))
    for i in range(2):
        value = np.asarray(solved[names[i]].value)
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


@dataclass(frozen=True, eq=False)
class Task:
    """One draw of one plan."""

    plan: Plan
    job: Job
    draw: int

    @property
    def weight(self) -> int:
        """How many solutions it takes: three views, one more for each correction."""
        return 3 + len(self.job.corrections)


def run(
    plan: Plan,
    job: Job,
    draws: list[int],
    *,
    workers: int = 2,
    done: Callable[[float], None] | None = None,
) -> list[DrawResult]:
    """Run draws, two at a time by default; results come in the order of the draws."""
    return run_tasks([Task(plan, job, draw) for draw in draws], workers=workers, done=done)


def run_tasks(tasks: list[Task], *, workers: int = 2, done: Callable[[float], None] | None = None) -> list[DrawResult]:
    """Run draws of several plans from one queue, so that no worker waits for the end of a plan.

    Results come in the order of the tasks; `done` is told the share of the work that is done.
    """
    for task in tasks:
        for view in (None, *(task.plan.view(side) for side in SIDES)):
            task.plan.sheet(view)
        for side, difference in task.job.corrections:
            task.plan.sheet(task.plan.view(side), (difference,))
    if tasks:
        _warm(tasks[0].plan, tasks[0].job, workers)
    found: dict[int, DrawResult] = {}
    total, ready = sum(task.weight for task in tasks), 0
    with ThreadPoolExecutor(max_workers=workers) as pool:
        waiting = {pool.submit(run_draw, t.plan, t.job, t.draw): i for i, t in enumerate(tasks)}
        try:
            for future in as_completed(waiting):
                index = waiting[future]
                found[index] = future.result()
                ready += tasks[index].weight
                if done is not None:
                    done(ready / total)
        except BaseException:
            for future in waiting:
                future.cancel()
            raise
    return [found[index] for index in range(len(tasks))]


def _warm(plan: Plan, job: Job, workers: int) -> None:
    """Compile what a draw needs, once: the solver on one thread, the play of paths on another."""
    key = (plan.form, plan.rounds, plan.nodes, job.replications, job.record is not None)
    if key in _WARMED:
        return
    _WARMED.add(key)
    sheet = plan.sheet(None)
    world = sheet.payoffs.one(0)
    shape = (plan.nodes, plan.nodes, 2)
    stages = plan.form.stages
    blank = tuple(jnp.zeros((plan.rounds, len(s.states), *shape, len(s.moves)), jnp.float32) for s in stages)
    mind = Mind(blank, tuple(jnp.eye(len(s.moves)) for s in stages))

    def some(count: int) -> Paths:
        return plan.paths_for(_stream(plan, 0, 1), (sheet, sheet), 0, count, known=False)

    def paths() -> None:
        play(_key(plan, 0, 2), plan.form, (mind, mind), world, some(job.replications), rounds=1)
        if job.record is not None and job.record.turns:
            told = given(plan.case, plan.form, job.record, rounds=plan.rounds, count=RECORD_PATHS, silence=1.0, seed=0)
            follow(_key(plan, 0, 4), plan.form, (mind, mind), world, some(RECORD_PATHS), told, rounds=1)

    with ThreadPoolExecutor(max_workers=max(workers, 1)) as pool:
        first = pool.submit(lambda: solve(plan.form, world, rounds=1, nodes=plan.nodes))
        second = pool.submit(paths)
        first.result()
        second.result()


_WARMED: set[tuple[object, ...]] = set()
