"""The grid solver on the shipped case: time, the bound of a hand-written loop, growth, memory, cost by component.

`python -m benchmarks.grid` prints everything (minutes), `--quick` the shipped case alone. Compiling and running stand
apart. The loop (`benchmarks.loop`) needs numba; without it the rest is printed.
"""

import argparse
import dataclasses
import platform
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import equinox as eqx
import jax

jax.config.update("jax_enable_x64", True)

import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
from benchmarks.measure import by_turns, exponent, machine, peak, say, timed, typical  # noqa: E402

from standoff.case.load import load_case  # noqa: E402
from standoff.game import board, outcomes, sweep  # noqa: E402
from standoff.game.form import Form, Payoffs  # noqa: E402
from standoff.game.ladder import Ladder, build  # noqa: E402
from standoff.game.play import play  # noqa: E402
from standoff.simulate.payoffs import playable  # noqa: E402
from standoff.simulate.setup import Plan, plan  # noqa: E402

try:
    from benchmarks import loop
except ImportError:
    loop = None  # type: ignore[assignment]

CASE = "venezuela-2025"
PATHS = 500
DRAWS = 6
MANY, THREADS = 60, 2
ROUNDS, NODES = (13, 26, 52), (5, 9, 17, 33)


def solve(form: Form, payoffs: Payoffs, rounds: int, nodes: int) -> sweep.Solution:
    """A solve, waited for."""
    found = sweep.solve(form, payoffs, rounds=rounds, nodes=nodes)
    jax.block_until_ready(found.log_pi)
    return found


def against_loop(form: Form, named: dict[str, Payoffs], rounds: int, nodes: int) -> None:
    """CPU seconds of the solver and of the loop, and how far their answers are apart."""
    first = next(iter(named.values()))
    wall, cpu = timed(lambda: solve(form, first, rounds, nodes))
    say("solve, first call (compiles), wall s / CPU s", f"{wall:.2f} / {cpu:.2f}")
    points = form.size * nodes**2 * rounds
    say(f"  {form.size} states x {nodes}^2 beliefs x {rounds} rounds, fixed points", f"{points:,}")
    if loop is None:
        cpu = typical(lambda: solve(form, first, rounds, nodes))[1]
        say("solve, CPU s; fixed points a second", f"{cpu:.3f}; {points / cpu:,.0f}")
        say("the loop", "numba is not here; `make bench` installs it")
        return
    curve = loop.cubic(nodes)
    cpu = timed(lambda: loop.run(loop.pack_up(form, first), 1, curve))[1]
    say("loop, first call (compiles the first time), CPU s", f"{cpu:.2f}")
    for name, payoffs in named.items():
        one_game(name, form, payoffs, rounds, nodes)


def one_game(name: str, form: Form, payoffs: Payoffs, rounds: int, nodes: int) -> None:
    """Solver and loop taking turns at one game."""
    curve, pack = loop.cubic(nodes), loop.pack_up(form, payoffs)
    solved: dict[str, sweep.Solution] = {}
    looped: dict[str, loop.Looped] = {}
    mine, bound = by_turns(
        lambda: solved.update(it=solve(form, payoffs, rounds, nodes)),
        lambda: looped.update(it=loop.run(pack, rounds, curve)),
    )
    ours, theirs = solved["it"], looped["it"]
    say(f"{name}: solver, loop, CPU s; ratio", f"{mine:.3f}, {bound:.3f}; {mine / bound:.2f}")
    apart = max(
        np.abs(np.exp(a.astype(float)) - np.exp(np.asarray(b, float))).max()
        for a, b in zip(loop.stages_of(form, theirs), ours.log_pi, strict=True)
    )
    flagged = f"{ours.folded:.3%}, {theirs.found.flagged.mean():.3%}"
    say(
        "  largest difference of a chance; flagged points, both; residual",
        f"{apart:.1e}; {flagged}; {ours.residual:.1e}",
    )
    points = form.size * nodes**2 * rounds
    say("  fixed points a second of CPU, both", f"{points / mine:,.0f}, {points / bound:,.0f}")
    looks(form, theirs.found.looks)


def looks(form: Form, counts: np.ndarray) -> None:
    """Evaluations a point: the loop leaves each point when it settles, the solver a piece of states at once."""
    done, begin = 0.0, 0
    for stage in form.stages:
        here = counts[:, begin : begin + len(stage.states)]
        for piece in board.pieces(len(stage.states)):
            done += float(here[:, piece].max(axis=(1, 2)).sum()) * here.shape[2] * len(piece)
        begin += len(stage.states)
    say("  evaluations a point, loop (mean, most) / solver", f"{counts.mean():.2f}, {counts.max()} / "
        f"{done / counts.size:.2f}")  # fmt: skip


def components(made: Plan) -> None:
    """What a solve, play, chances of endings and the world's chains cost."""
    sheet = made.sheet(None)
    world = sheet.payoffs.one(0)
    solution = solve(made.form, world, made.rounds, made.nodes)
    mind = made.mind(sheet, solution, 0)
    paths = made.paths_for(np.random.default_rng(1), (sheet, sheet), 0, PATHS, known=False)
    key = jax.random.key(1)

    def playing() -> None:
        jax.block_until_ready(play(key, made.form, (mind, mind), world, paths, rounds=made.rounds).payoff)

    def chains() -> None:
        fresh = plan(made.case, seed=1, count=0)
        _ = fresh.form, fresh.sheet(None)

    works = {
        "solve": lambda: solve(made.form, world, made.rounds, made.nodes),
        f"play of {PATHS} paths": playing,
        "chances of endings, propagated": lambda: jax.block_until_ready(outcomes.chances(solution, world)),
        "chains, form and payoffs of one draw": chains,
    }
    for name, work in works.items():
        first = timed(work)[1]
        say(f"{name}: CPU s (first call)", f"{typical(work)[1]:.3f} ({first:.2f})")
    grown = peak(lambda: solve(made.form, world, made.rounds, made.nodes))
    held = sum(table.nbytes for table in (*solution.log_pi, *solution.flagged, solution.value)) / 2**20
    say("memory of one solve, peak above what was there / held by its solution, MiB", f"{grown:.0f} / {held:.0f}")


def many(form: Form, draws: list[Payoffs], rounds: int, nodes: int) -> None:
    """Seconds of 1,000 solves, from `MANY` of them on two threads."""
    jobs = [draws[k % len(draws)] for k in range(MANY)]
    with ThreadPoolExecutor(THREADS) as pool:
        wall, cpu = timed(lambda: list(pool.map(lambda payoffs: solve(form, payoffs, rounds, nodes), jobs)))
    say(
        f"1,000 solves on {THREADS} threads, scaled from {MANY}, minutes: wall here / CPU over {THREADS}",
        f"{wall / MANY * 1000 / 60:.1f} / {cpu / MANY * 1000 / 60 / THREADS:.1f}",
    )


def resized(form: Form, payoffs: Payoffs, ladder: Ladder) -> tuple[Form, Payoffs]:
    """A form with other numbers of offers and of clock states, paid as the nearest states of the given one are."""
    new = build(ladder)

    def nearest(states: tuple[tuple[int, ...], ...], wanted: tuple[tuple[int, ...], ...]) -> np.ndarray:
        at = {state: index for index, state in enumerate(states)}
        most = max(state[1] for state in states)
        return np.array([at.get((s[0], min(s[1], most), *s[2:]), at.get((s[0], 0, *s[2:]), 0)) for s in wanted])

    moves = []
    for stage in new.stages:
        old = form.stages[form.stage(stage.name)]
        table = payoffs.moves[form.stage(stage.name)]
        columns = [old.moves.index(move) for move in stage.moves]
        moves.append(table[:, :, nearest(old.states, stage.states)][..., np.array(columns)])
    nature = nearest(form.nature_states, new.nature_states)
    first = nearest(form.stages[0].states, new.stages[0].states)
    wide = new.branch.shape[1]
    return new, dataclasses.replace(
        payoffs, moves=tuple(moves), flow=payoffs.flow[:, :, nature], chance=payoffs.chance[nature, :wide],
        hazard=payoffs.hazard[nature, :wide], horizon=payoffs.horizon[:, :, first],
    )  # fmt: skip


def growth(made: Plan) -> None:
    """How CPU time grows with rounds, states and nodes, with the exponents fitted."""
    world, form = made.sheet(None).payoffs.one(0), made.form
    seconds = [typical(lambda n=n: solve(form, world, n, made.nodes), 3)[1] for n in ROUNDS]  # type: ignore[misc]
    _grown("rounds", ROUNDS, seconds)
    reach, starts = made.reach()
    case, found = made.case, []
    most = len(playable(case, "coercer")), len(playable(case, "target"))
    for patience, offers in ((1, 0.0), (1, 0.5), (case.crisis.ultimatum_rounds, 1.0), (6, 1.0), (12, 1.0)):
        ladder = Ladder(
            tuple(rung.strike for rung in case.ladder), tuple(rung.ultimatum for rung in case.ladder),
            [rung.id for rung in case.ladder].index(case.crisis.start_rung), patience,
            int(most[0] * offers), int(most[1] * offers), reach, tuple(sorted(starts)),
        )  # fmt: skip
        found.append(resized(form, world, ladder))
    seconds = [typical(lambda f=f, w=w: solve(f, w, made.rounds, made.nodes), 3)[1] for f, w in found]  # type: ignore[misc]
    _grown("states", [f.size for f, _ in found], seconds)
    seconds = [typical(lambda n=n: solve(form, world, made.rounds, n), 3)[1] for n in NODES]  # type: ignore[misc]
    _grown("nodes an axis", NODES, seconds)
    say("  by points of the grid (nodes squared), exponent", f"{exponent([n**2 for n in NODES], seconds):.2f}")


def _grown(what: str, sizes: Sequence[int], seconds: list[float]) -> None:
    pairs = ", ".join(f"{size}: {second:.3f}" for size, second in zip(sizes, seconds, strict=True))
    say(f"growth with {what}, CPU s", pairs)
    say("  exponent", f"{exponent(sizes, seconds):.2f}")


def grid_error(made: Plan) -> None:
    """Chances of endings at the prior against those on a grid of 33 nodes: largest over endings, by types and mean."""
    sheet, form = made.sheet(None), made.form
    world, first = sheet.payoffs.one(0), made.first_state(0)
    p, q = made.prior(sheet, 0)
    weight = outcomes.joint(p, q, world.tilt)
    for precision in (None, 10.0, 20.0):
        used = world if precision is None else eqx.tree_at(lambda w: w.precision, world, jnp.full(2, precision))
        chances = {}
        for nodes in NODES:
            table = outcomes.chances(solve(form, used, made.rounds, nodes), used)
            chances[nodes] = np.asarray(outcomes.at_beliefs(table, first, p, q))
        off = {n: 100 * np.abs(chances[n] - chances[NODES[-1]]) for n in NODES[:-1]}
        mean = {n: 100 * np.abs(weight @ (chances[n] - chances[NODES[-1]])).max() for n in NODES[:-1]}
        name = "of the case" if precision is None else f"{precision:g}"
        text = "; ".join(f"{n}: {off[n].max():.2f}, {mean[n]:.2f}" for n in NODES[:-1])
        say(f"error at precision {name}, points of chance, nodes: by types, at the prior", text)


def main(*, quick: bool = False) -> None:
    """Print everything."""
    say("machine", machine())
    say("python, jax, numpy", f"{platform.python_version()}, {jax.__version__}, {np.__version__}")
    start = time.process_time()
    case = load_case(CASE).case
    made = plan(case, seed=1, count=0)
    world = made.sheet(None).payoffs.one(0)
    say(f"{CASE}: chains and form at the centre, first time (compiles), CPU s", f"{time.process_time() - start:.1f}")
    against_loop(made.form, {"central values": world}, made.rounds, made.nodes)
    components(made)
    if quick:
        many(made.form, [world], made.rounds, made.nodes)
        return
    drawn = plan(case, seed=1, count=DRAWS)
    draws = [drawn.sheet(None).payoffs.one(k) for k in range(DRAWS)]
    print(f"-- {DRAWS} draws; states are those that any of them can reach")
    against_loop(drawn.form, {f"draw {k}": each for k, each in enumerate(draws)}, drawn.rounds, drawn.nodes)
    many(drawn.form, draws, drawn.rounds, drawn.nodes)
    growth(made)
    grid_error(made)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the shipped case alone")
    main(quick=parser.parse_args().quick)
