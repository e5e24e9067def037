"""Which sampler: adaptive importance sampling, tempered SMC, or NUTS through the solver, on the small ladder.

`python -m benchmarks.posterior` infers the four numbers of `standoff.infer.small` from 20 crises of one world, and
a target with two modes; `--calibration` prints the tables of simulation-based calibration and draws
docs/figures/sbc.png (a quarter of an hour). NUTS needs NumPyro (`pip install numpyro`); without it, it is left out.

- AMIS: `standoff.infer.sampler`; effective draws by Kish.
- SMC: particles tempered from prior to posterior, in steps to half the effective particles (Del Moral, Doucet & Jasra
  2006, J. R. Stat. Soc. B 68:411-436), moved by random-walk Metropolis; written here, since the likelihood is no JAX
  function. Its effective draws are counted as all particles that differ, which favours it.
- NUTS: gradients by the implicit function theorem (`standoff.game.gradient`); effective draws from autocorrelation, the
  least of the four numbers. A gradient solves both views once, forwards and backwards.

CPU seconds leave compiling out.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import equinox as eqx
import jax

jax.config.update("jax_enable_x64", True)

import jax.numpy as jnp  # noqa: E402
import matplotlib as mpl  # noqa: E402
import numpy as np  # noqa: E402
from benchmarks.measure import machine, say, table  # noqa: E402
from scipy import special  # noqa: E402

from standoff.game import board, gradient, sweep  # noqa: E402
from standoff.game.form import Payoffs  # noqa: E402
from standoff.infer import calibrate  # noqa: E402
from standoff.infer.sampler import effective, sample  # noqa: E402
from standoff.infer.small import NAMES, STUBBORN, Small, payoffs  # noqa: E402

CRISES = 20
DRAWS, RUNS = 512, 2
PARTICLES, MOVES = 128, 3
WARM, KEPT = 60, 120
TRUTH = np.array([0.35, 0.7, 0.4, 0.6])
FIGURE = Path("docs/figures/sbc.png")
LogDensity = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False)
class Run:
    """What a sampler gave: draws with weights, effective draws, evaluations (games solved in twos), CPU seconds."""

    z: np.ndarray
    weight: np.ndarray
    effective: float
    evaluations: int
    seconds: float


def amis(small: Small, records: np.ndarray, seed: int) -> Run:
    """Our sampler."""
    begin = time.process_time()
    bank = sample(lambda u: small.log_records(u)[:, records], len(NAMES), draws=DRAWS, seed=seed)
    log_weight = bank.log_weights()
    return Run(bank.z, np.exp(log_weight), effective(log_weight), DRAWS, time.process_time() - begin)


def smc(likelihood: LogDensity, dim: int, particles: int, seed: int) -> tuple[np.ndarray, int]:
    """Tempered SMC from a standard normal prior; equally weighted particles, and evaluations of the likelihood."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(particles, dim))
    level, power, count = likelihood(z), 0.0, particles
    while power < 1:
        low, high = power, 1.0
        if effective((1 - power) * level) < particles / 2:
            for _ in range(40):
                middle = (low + high) / 2
                low, high = (middle, high) if effective((middle - power) * level) >= particles / 2 else (low, middle)
            high = low
        weight = np.exp((high - power) * (level - level.max()))
        power = high
        mass = np.cumsum(weight / weight.sum())
        at = np.minimum(np.searchsorted(mass, (np.arange(particles) + rng.uniform()) / particles), particles - 1)
        z, level = z[at], level[at]
        root = np.linalg.cholesky(np.cov(z.T).reshape(dim, dim) * 2.38**2 / dim + 1e-6 * np.eye(dim))
        for _ in range(MOVES):
            new = z + rng.normal(size=z.shape) @ root.T
            there = likelihood(new)
            gain = power * (there - level) + 0.5 * ((z**2).sum(1) - (new**2).sum(1))
            taken = np.log(rng.uniform(size=particles)) < gain
            z, level = np.where(taken[:, None], new, z), np.where(taken, there, level)
            count += particles
    return z, count


def tempered(small: Small, records: np.ndarray, seed: int) -> Run:
    """SMC on the ladder."""
    begin = time.process_time()
    z, count = smc(
        lambda z: small.log_records(special.ndtr(z))[:, records].sum(axis=1), len(NAMES), PARTICLES, seed
    )  # fmt: skip
    alive = len(np.unique(z, axis=0))
    return Run(z, np.full(len(z), 1 / len(z)), float(alive), count, time.process_time() - begin)


def differentiable(small: Small, records: np.ndarray) -> Callable[[jax.Array], jax.Array]:
    """Log posterior density of z, up to a constant, with the solver's derivative."""
    form = small.form
    back = sweep.compiled(tuple(stage.kind for stage in form.stages))
    blank = tuple(
        jnp.zeros((len(board.pieces(len(s.states))), len(s.going), board.PIECE * small.nodes**2)) for s in form.stages
    )

    def forward(world: Payoffs) -> tuple[tuple[jax.Array, ...], tuple[Any, ...]]:
        game = board.board(form, world)
        start = jnp.broadcast_to(game.horizon[..., None, None], (*game.horizon.shape, small.nodes, small.nodes))
        guess, rounds, steps = blank, [], []
        for _ in range(small.rounds):
            values, ratios, done, _ = back(game, start, guess, jnp.asarray(jnp.inf))
            step = sweep.cut(form, sweep.Step(start, values, ratios))
            steps.append((step.start, step.values, step.ratios))
            rounds.append(tuple(p[: len(s.states)] for p, s in zip(done.log_pi, form.stages, strict=True)))
            guess, start = ratios, values[0]
        stages = range(len(form.stages))
        return tuple(jnp.stack([r[s] for r in reversed(rounds)]) for s in stages), tuple(reversed(steps))

    @jax.custom_vjp
    def tables(world: Payoffs) -> tuple[jax.Array, ...]:
        return forward(world)[0]

    def remembered(world: Payoffs) -> tuple[tuple[jax.Array, ...], Any]:
        found, steps = forward(world)
        return found, (world, steps)

    def pulled(kept: Any, on: tuple[jax.Array, ...]) -> tuple[Payoffs]:  # noqa: ANN401
        world, steps = kept
        pull = gradient._compiled(form)
        total = jax.tree.map(jnp.zeros_like, world)
        on_value = jnp.zeros_like(steps[0][1][0])
        for n, (start, values, ratios) in enumerate(steps):
            given = tuple(rows[n].astype(on_value.dtype) for rows in on)
            total, on_value = pull(world, sweep.Step(start, values, ratios), on_value, given, total)
        end = total.horizon + on_value.sum((-1, -2))
        return (eqx.tree_at(lambda p: p.horizon, total, end),)

    tables.defvjp(remembered, pulled)
    zero, one = payoffs(form, 0.0, 1.0), payoffs(form, 1.0, 1.0)
    slope = jax.tree.map(lambda a, b: b - a, zero, one)
    turn, move = small._on_way
    inside = turn >= 0

    def played(force: jax.Array, firm: jax.Array, precision: jax.Array) -> jax.Array:
        world = jax.tree.map(lambda a, b: a + force * b, zero, slope)
        world = eqx.tree_at(lambda p: p.precision, world, precision * jnp.ones(2))
        return small._walk(tables(world), jnp.stack([firm, jnp.asarray(STUBBORN)]))

    def density(z: jax.Array) -> jax.Array:
        force, misread, precision = jnp.exp(0.5 * z[0]), 0.4 + 0.5 * z[1], 5 * jnp.exp(0.4 * z[3])
        u = jnp.clip(jax.scipy.stats.norm.cdf(z[2]), 1e-12, 1 - 1e-12)
        firm = 0.5 - jnp.sin(jnp.arcsin(1 - 2 * u) / 3)  # the quantile of Beta(2, 2)
        own, other = played(force, firm, precision), played(force * jnp.exp(misread), firm, precision)
        sums = []
        for mover, log_pi in enumerate((own, other)):
            steps = log_pi[turn[mover][records], :, move[mover][records]]
            sums.append(jnp.where(inside[mover][records][..., None], steps, 0.0).sum(1))  # crisis, type
        prior = jnp.log(jnp.stack([1 - firm, firm]))[:, None] + jnp.log(jnp.array([1 - STUBBORN, STUBBORN]))[None]
        level = jax.nn.logsumexp(prior[None] + sums[0][:, :, None] + sums[1][:, None], axis=(1, 2))
        return level.sum() - 0.5 * (z**2).sum()

    return density


def nuts(density: Callable[[jax.Array], jax.Array], dim: int, seed: int, warm: int, kept: int) -> Run | None:
    """NumPyro's NUTS from a draw of the prior; None where it is not installed."""
    try:
        from numpyro.diagnostics import effective_sample_size
        from numpyro.infer import MCMC, NUTS
    except ImportError:
        return None
    key = jax.random.key(seed)
    begin = jax.random.normal(key, (dim,))
    kernel = NUTS(potential_fn=lambda z: -density(z), max_tree_depth=5)
    chain = MCMC(kernel, num_warmup=warm, num_samples=kept, progress_bar=False)
    chain.warmup(key, init_params=begin, extra_fields=("num_steps",), collect_warmup=True)
    steps = int(np.asarray(chain.get_extra_fields()["num_steps"]).sum())
    start = time.process_time()
    chain.run(key, init_params=begin, extra_fields=("num_steps",))
    kept_steps = int(np.asarray(chain.get_extra_fields()["num_steps"]).sum())
    spent = (time.process_time() - start) * (steps + kept_steps) / max(kept_steps, 1)
    z = np.asarray(chain.get_samples())
    size = min(float(effective_sample_size(z[None, :, i])) for i in range(dim))
    return Run(z, np.full(len(z), 1 / len(z)), size, steps + kept_steps, spent)


def on_ladder(*, without_nuts: bool = False) -> None:
    """One record of 20 crises, inferred in three ways, several times each."""
    small = Small()
    records, _ = calibrate.simulate(small, TRUTH, CRISES, np.random.default_rng(4))
    small.log_records(TRUTH[None])
    _row(f"AMIS, {DRAWS} draws", [amis(small, records, s) for s in range(RUNS)])
    _row(f"SMC, {PARTICLES} particles", [tempered(small, records, s) for s in range(RUNS)])
    if not without_nuts:
        density = differentiable(small, records)
        _check(small, density, records)
        found = [nuts(density, len(NAMES), s, WARM, KEPT) for s in range(RUNS)]
        _row(f"NUTS, {WARM} + {KEPT} draws", [run for run in found if run is not None])


def _row(name: str, runs: list[Run]) -> None:
    """What the runs of one sampler came to, as soon as they are done."""
    if not runs:
        return
    means = np.array([run.weight @ run.z for run in runs])
    spread = np.mean([np.sqrt(r.weight @ (r.z - r.weight @ r.z) ** 2) for r in runs], axis=0)
    size, count, cpu = (np.mean([getattr(r, k) for r in runs]) for k in ("effective", "evaluations", "seconds"))
    say(f"{name}: effective draws, evaluations, CPU s", f"{size:.0f} {count:.0f} {cpu:.1f}")
    say("  effective draws a CPU second, an evaluation", f"{size / cpu:.1f} {size / count:.3f}")
    say("  posterior of the four numbers (z)",
        " ".join(f"{m:+.2f} ± {s:.2f}" for m, s in zip(means.mean(0), spread, strict=True)))  # fmt: skip
    say("  largest sd of a mean between runs", f"{means.std(0, ddof=1).max():.2f}")


def _check(small: Small, density: Callable[[jax.Array], jax.Array], records: np.ndarray) -> None:
    """The differentiable density is that of the library, and its derivative is that of differences."""
    z = np.array([0.2, -0.3, 0.1, 0.4])
    plain = float(small.log_records(special.ndtr(z)[None])[0, records].sum() - 0.5 * (z**2).sum())
    value, slope = jax.value_and_grad(density)(jnp.asarray(z))
    step = 1e-3
    each = [float(density(jnp.asarray(z + e)) - density(jnp.asarray(z - e))) / (2 * step) for e in step * np.eye(4)]
    say("log density, the library's less the differentiable one", f"{plain - float(value):.1e}")
    say("largest difference of its derivative from central differences", f"{np.abs(np.array(each) - slope).max():.1e}")


def two_modes(repeats: int = 10) -> None:
    """A target of two modes in four dimensions, one three times as heavy; evaluations are told beside."""

    def density(z: Any, xp: Any) -> Any:  # noqa: ANN401
        here, there = ((-0.5 * ((z - s * 1.2) ** 2).sum(-1) / 0.1) for s in (1, -1))
        return xp.logaddexp(here + np.log(3), there)

    rows = []
    budget = 2048
    mass, counts = [], []
    for seed in range(repeats):
        bank = sample(lambda u: density(special.ndtri(u), np)[:, None], 4, draws=budget, seed=seed)
        weight = np.exp(bank.log_weights())
        mass.append(weight[bank.z[:, 0] > 0].sum())
        counts.append(budget)
    rows.append(_mode_row("AMIS", mass, counts))
    mass, counts = [], []
    for seed in range(repeats):
        z, count = smc(lambda z: density(z, np), 4, 96, seed)
        mass.append((z[:, 0] > 0).mean())
        counts.append(count)
    rows.append(_mode_row("SMC", mass, counts))
    mass, counts = [], []
    for seed in range(repeats):
        run = nuts(lambda z: density(z, jnp) - 0.5 * (z**2).sum(), 4, seed, 100, 200)
        if run is not None:
            mass.append((run.z[:, 0] > 0).mean())
            counts.append(run.evaluations)
    if mass:
        rows.append(_mode_row("NUTS", mass, counts))
    table(("sampler", "evaluations", "share of the right mode (0.75): mean", "root mean square error"), rows)


def _mode_row(name: str, mass: list[float], counts: list[int]) -> list[str]:
    found = np.array(mass)
    return [name, f"{np.mean(counts):.0f}", f"{found.mean():.3f}", f"{np.sqrt(np.mean((found - 0.75) ** 2)):.3f}"]


Named = list[tuple[str, calibrate.Places]]


def calibration(figure: Path = FIGURE) -> None:
    """Tables and figure of simulation-based calibration."""
    small = Small()
    bank = calibrate.solved(small, calibrate.prior_draws(8192, 1))
    show([
        ("1 crisis, 8192 draws of the prior", calibrate.presolved(small, bank, 1000, 1, 11)),
        ("20 crises, 8192 draws of the prior", calibrate.presolved(small, bank, 1000, 20, 12)),
        ("20 crises, 256 adaptive draws", calibrate.adaptive(small, 60, 20, 256, 13)),
    ], figure)  # fmt: skip


def show(every: Named, figure: Path) -> None:
    """Print calibrations and draw their histograms."""
    for name, places in every:
        low, median = np.quantile(places.effective, [0.1, 0.5])
        print(f"\n{name}: {len(places.place)} worlds; effective draws {low:.0f} (10%), {median:.0f} (median)\n")
        rows = []
        for e in calibrate.entries(places, len(every)):
            bias = f"{e.bias:+.3f} ± {e.bias_error:.3f}" if np.isfinite(e.bias) else ""
            band = f"{e.band[0]:.1%} to {e.band[1]:.1%}"
            rows.append([e.quantity, f"{e.coverage:.1%}", band, f"{e.uniform:.2f}", bias, "yes" if e.ok else "NO"])
        table(("quantity", "90% intervals hold", "band", "p of a flat histogram", "bias, prior sd", "within"), rows)
        for side, chance, firm, off in calibrate.types(places):
            say(
                f"{side} firm: mean chance, share, difference in standard errors", f"{chance:.3f} {firm:.3f} {off:+.1f}"
            )
    _draw(every, figure)


def _draw(every: Named, figure: Path) -> None:
    mpl.use("Agg")
    from matplotlib import pyplot as plt
    from scipy import stats

    count, bins = len(calibrate.QUANTITIES), 10
    shape, axes = plt.subplots(len(every), count, figsize=(11, 1.9 * len(every)), sharex=True, squeeze=False)
    for i, (row, (name, places)) in enumerate(zip(axes, every, strict=True)):
        worlds = len(places.place)
        alarm = calibrate.FALSE_ALARM / (len(every) * count * bins)
        low, high = stats.binom.ppf([alarm / 2, 1 - alarm / 2], worlds, 1 / bins)
        for k, ax in enumerate(row):
            ax.axhspan(low, high, color="0.9")
            ax.axhline(worlds / bins, color="0.6", lw=0.8)
            ax.hist(places.place[:, k], bins=bins, range=(0, 1), color="#3b6ea5", rwidth=0.92)
            ax.set_xticks([0, 0.5, 1])
            ax.tick_params(labelsize=7)
            ax.spines[["top", "right"]].set_visible(False)
            if i == 0:
                ax.set_title(calibrate.QUANTITIES[k], fontsize=8)
            if not k:
                ax.set_ylabel("\n".join([*name.split(", "), "worlds"]), fontsize=7)
    shape.supxlabel("place of the truth in its posterior", fontsize=8)
    shape.tight_layout()
    figure.parent.mkdir(parents=True, exist_ok=True)
    shape.savefig(figure, dpi=110)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calibration", action="store_true", help="only the tables and figure of calibration")
    parser.add_argument("--without-nuts", action="store_true")
    given = parser.parse_args()
    say("machine", machine())
    if given.calibration:
        calibration()
    else:
        two_modes()
        on_ladder(without_nuts=given.without_nuts)
