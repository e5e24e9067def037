"""The crisis-ladder games that Gambit solved, posed for the grid solver.

First-stage states are (period, escalations, 0): with the period in the state the game is the same in every round
and is played for one round more than it has periods. The target answers in (period, escalations, 0); nature pays
the running cost and leads to the next period. Costs of a hold or an escalation are paid as the move is made.
"""

import json
import math
from functools import lru_cache
from pathlib import Path

import jax.numpy as jnp
import numpy as np

from standoff.game.form import COERCER, OUTCOME, TARGET, Form, Payoffs, Stage

HERE = Path(__file__).parent
VARIANTS = json.loads((HERE / "payoffs.json").read_text())["variants"]
CASES = json.loads((HERE / "qre.json").read_text())["cases"]
COERCER_MOVES = ("back-down", "hold", "escalate", "strike")
TARGET_MOVES = ("concede", "resist")
KINDS = {"C": ("weak", "resolute"), "T": ("soft", "stubborn")}


@lru_cache
def form(periods: int) -> Form:
    """Stages and states of a game of so many periods."""
    first = [(n, k, 0) for n in range(periods + 1) for k in range(n + 1)]
    second = [(n, k, 0) for n in range(periods) for k in range(n + 2)]
    back, force = OUTCOME["back-down"], OUTCOME["force"]
    follow = [
        [-1, second.index((n, k, 0)), second.index((n, k + 1, 0)), -1] if n < periods else [-1] * 4 for n, k, _ in first
    ]
    coercer = Stage(
        name="coercer",
        mover=COERCER,
        states=tuple(first),
        moves=COERCER_MOVES,
        leads=(-1, 1, 1, -1),
        follow=np.array(follow),
        mask=np.array([[True, n < periods, n < periods, n == periods] for n, _, _ in first]),
        outcome=np.array([[back, -1, -1, force if n == periods else -1] for n, _, _ in first]),
    )
    target = Stage(
        name="target",
        mover=TARGET,
        states=tuple(second),
        moves=TARGET_MOVES,
        leads=(-1, 2),
        follow=np.array([[-1, s] for s in range(len(second))]),
        mask=np.ones((len(second), 2), bool),
        outcome=np.array([[OUTCOME["concession"], -1]] * len(second)),
    )
    branch = np.array([[first.index((n + 1, k, 0))] for n, k, _ in second])
    return Form((coercer, target), tuple(second), branch)


def prior(variant: str) -> np.ndarray:
    """Joint chances of the types: rows coercer, columns target, yielding first."""
    table = VARIANTS[variant]["prior"]
    return np.array([[float(table[f"{c},{t}"]) for t in KINDS["T"]] for c in KINDS["C"]])


def firm(variant: str) -> tuple[float, float]:
    """Chance that the coercer, and that the target, is firm."""
    joint = prior(variant)
    return float(joint[1].sum()), float(joint[:, 1].sum())


def _tilt(joint: np.ndarray) -> np.ndarray:
    p, q = joint[1].sum(), joint[:, 1].sum()
    of_target = [math.log(joint[c, 1] / joint[c, 0]) - math.log(q / (1 - q)) for c in range(2)]
    of_coercer = [math.log(joint[1, t] / joint[0, t]) - math.log(p / (1 - p)) for t in range(2)]
    return np.array([of_target, of_coercer])


def payoffs(variant: str, periods: int, precision: float) -> Payoffs:
    """Payoffs of a variant, before its scale, which goes into the precision instead."""
    v = VARIANTS[variant]
    shape = form(periods)

    def num(name: str) -> float:
        return float(v[name])

    def kinds(name: str, side: str) -> np.ndarray:
        return np.array([float(v[name][kind]) for kind in KINDS[side]])

    k = np.array([s[1] for s in shape.stages[0].states], float)
    moves = np.zeros((2, 2, len(k), 4))
    moves[0, :, :, 0] = -(num("a0") + num("a1") * k + num("a2") * k**2)
    moves[1, :, :, 0] = num("R")
    moves[0, :, :, 1] = -num("cost_hold")
    moves[0, :, :, 2] = -num("cost_escalate")
    win = num("win0") + num("win_rung") * k
    moves[0, :, :, 3] = win * num("V") - kinds("war_c", "C")[:, None]
    moves[1, :, :, 3] = -win * kinds("L", "T")[:, None] - kinds("war_t", "T")[:, None]
    k = np.array([s[1] for s in shape.stages[1].states], float)
    answer = np.zeros((2, 2, len(k), 2))
    answer[0, :, :, 0] = num("V")
    answer[1, :, :, 0] = -kinds("L", "T")[:, None]
    flow = np.zeros((2, 2, len(k)))
    flow[1] = -(kinds("pun_base", "T")[:, None] + kinds("pun_rung", "T")[:, None] * k)
    scale = [float(v["scale"][side]) for side in ("coercer", "target")]
    return Payoffs(
        moves=(jnp.asarray(moves), jnp.asarray(answer)),
        flow=jnp.asarray(flow),
        chance=jnp.ones((len(k), 1)),
        hazard=jnp.zeros((len(k), 1)),
        removed=jnp.zeros((2, 2)),
        horizon=jnp.zeros((2, 2, len(shape.stages[0].states))),
        precision=precision * jnp.asarray(scale),
        tilt=jnp.asarray(_tilt(prior(variant))),
        discount=jnp.asarray(1.0),
    )
