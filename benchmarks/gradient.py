"""The shipped case: what a derivative costs, and whether the answer taken where there are several matters.

Run `python -m benchmarks.gradient`. A *gradient* is that of what the crisis is worth at its start to the firm coercer,
in every payoff, precision, chance and tilt of the base view; its cost is that of the solution and the derivative over
that of the solution alone, in CPU seconds of the same process. *Directly*: every point from the answer of the next
round, as `standoff run` solves; *continued*: the whole game at rising shares of the precision, as `standoff solve`.
"""

import statistics

import jax

jax.config.update("jax_enable_x64", True)

import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
from benchmarks.measure import timed  # noqa: E402

from standoff.case.load import load_case  # noqa: E402
from standoff.game.gradient import value_gradient  # noqa: E402
from standoff.game.outcomes import at_beliefs, chances  # noqa: E402
from standoff.game.sweep import Solution, default_shares, solve  # noqa: E402
from standoff.simulate.setup import SIDES, Plan, plan  # noqa: E402

CASE = "venezuela-2025"
REPEATS = 5


def cost(made: Plan) -> None:
    """Print what a gradient costs against a solution."""
    sheet = made.sheet(None)
    payoffs, state = sheet.payoffs.one(0), made.first_state(0)
    p, q = (float(x) for x in made.prior(sheet, 0))
    found: list[Solution] = []

    def solving() -> None:
        found[:] = [solve(made.form, payoffs, rounds=made.rounds, nodes=made.nodes, trail=True)]
        jax.block_until_ready(found[0].log_pi)

    def deriving() -> None:
        jax.block_until_ready(value_gradient(found[0], payoffs, 0, 1, state, p, q).payoffs.precision)

    first = (timed(solving)[1], timed(deriving)[1])
    runs = [(timed(solving)[1], timed(deriving)[1]) for _ in range(REPEATS)]
    solved, derived = (statistics.median(run[i] for run in runs) for i in range(2))
    print(f"first call (compiles): solution {first[0]:.1f} CPU s, derivative {first[1]:.1f} CPU s")
    print(f"solution {solved:.3f} CPU s, derivative {derived:.3f} CPU s, both over solution {1 + derived / solved:.2f}")


def selection(precision: float | None, draws: int) -> None:
    """Print how far the endings of direct and continued solutions lie apart, over draws and views."""
    fixed = {f"parameters.precision.{side}": precision for side in SIDES} if precision else {}
    made = plan(load_case(CASE).case, seed=1, count=40, keep=draws, fixed=fixed)
    apart, flagged, steps = [], [], []
    at = jax.jit(at_beliefs, static_argnums=1)
    for draw in range(draws):
        for view in (None, *(made.view(side) for side in SIDES)):
            sheet = made.sheet(view)
            payoffs, state = sheet.payoffs.one(draw), made.first_state(draw)
            p, q = (jnp.asarray(float(x)) for x in made.prior(sheet, draw))
            shares = default_shares(payoffs)
            pair = [solve(made.form, payoffs, rounds=made.rounds, nodes=made.nodes, shares=s) for s in ((1.0,), shares)]
            one, other = (np.asarray(at(chances(each, payoffs), state, p, q)) for each in pair)
            apart.append(float(np.abs(one - other).max()))
            flagged.append(pair[0].folded)
            steps.append(len(shares))
    print(
        f"{f'precision {precision:g}' if precision else 'precision of the case':<24} {len(apart):>3} solutions, "
        f"{max(steps)} steps at most: endings by types apart by at most {100 * max(apart):.2f} points, "
        f"flagged in {sum(f > 0 for f in flagged)}, at most {max(flagged):.2%} of the points"
    )


def main() -> None:
    """Print everything."""
    cost(plan(load_case(CASE).case, seed=1, count=0))
    print("\nDirectly against continued:")
    for precision in (None, 5.0, 10.0):
        selection(precision, 6)


if __name__ == "__main__":
    main()
