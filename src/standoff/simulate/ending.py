"""How a simulated crisis ended, in the words of the report: agreed exits apart from deals, exits that were stopped.

An agreed exit is a concession, or a settlement under which the leader goes. Whoever sets out to leave can be stopped by
his own circle, with the chance that the terms leave (`derive`); he is then still there. Force has a mode: captured,
killed, escaped into hiding, beaten but in office, or a long war on the ground.
"""

from collections.abc import Mapping

import numpy as np

from standoff.game.form import OUTCOMES, Form
from standoff.game.play import Ended
from standoff.simulate.draws import Values
from standoff.simulate.payoffs import blocked, leaves, logit, playable
from standoff.simulate.setup import Plan

ENDINGS = (
    "agreed-exit", "deal-he-stays", "flight", "force", "removed-within", "back-down", "stalemate", "exit-blocked",
)  # fmt: skip
ENDING_TITLES = {
    "agreed-exit": "agreed exit",
    "deal-he-stays": "deal, he stays",
    "flight": "flight without guarantees",
    "force": "force",
    "removed-within": "removed from within",
    "back-down": "coercer backs down",
    "stalemate": "stalemate at the horizon",
    "exit-blocked": "exit stopped by the circle",
}
MODES = ("", "captured", "killed", "escaped", "in-office", "quagmire")
_CODE = {"back-down": 5, "flight": 2, "force": 3, "coup": 4, "stalemate": 6, "concession": 0, "settlement": 1}
_BLOCKED = ENDINGS.index("exit-blocked")


def ending_code(outcome: np.ndarray, agreed: np.ndarray) -> np.ndarray:
    """Index into `ENDINGS`: agreed exits are concessions and the settlements under which the leader goes."""
    table = np.array([_CODE[name] for name in OUTCOMES], dtype=np.int8)
    return np.where(agreed, np.int8(0), table[outcome])


def packages(plan: Plan) -> Mapping[int, str]:
    """Packages by the code of what was pending: k for the target's k-th, -k for the coercer's."""
    found = {k: package.id for k, package in enumerate(playable(plan.case, "target"), start=1)}
    return found | {-k: package.id for k, package in enumerate(playable(plan.case, "coercer"), start=1)}


def goers(plan: Plan) -> frozenset[int]:
    """Codes of the packages under which the leader goes."""
    by_id = {package.id: package for package in plan.case.packages}
    return frozenset(code for code, name in packages(plan).items() if leaves(plan.case, by_id[name]))


def agreed(plan: Plan, outcome: np.ndarray, package: np.ndarray) -> np.ndarray:
    """Whether a path ended in terms under which the leader goes (whether or not he gets away)."""
    settled = outcome == OUTCOMES.index("settlement")
    return np.asarray((outcome == OUTCOMES.index("concession")) | (settled & np.isin(package, list(goers(plan)))))


def codes(plan: Plan, values: Values, draw: int, ended: Ended, uniform: np.ndarray) -> np.ndarray:
    """Index into `ENDINGS` of every path.

    Args:
        plan: The case, compiled.
        values: Numbers of the world (or of a view that expects it) by path, axis draw.
        draw: Which draw.
        ended: How the paths ended.
        uniform: A uniform number a path: whether the circle stops the leader.
    """
    outcome, package = np.asarray(ended.outcome), np.asarray(ended.package)
    found = ending_code(outcome, agreed(plan, outcome, package))
    chance = np.zeros(len(outcome))
    for word, path in (("concession", "parameters.target.blocked"), ("flight", "parameters.target.flight_blocked")):
        chance = np.where(outcome == OUTCOMES.index(word), blocked(values, path)[draw], chance)
    settled = outcome == OUTCOMES.index("settlement")
    for code, name in packages(plan).items():
        if code in goers(plan):
            here = settled & (package == code)
            chance = np.where(here, blocked(values, f"packages.{name}.blocked")[draw], chance)
    return np.where(uniform < chance, np.int8(_BLOCKED), found)


def modes(plan: Plan, values: Values, draw: int, ended: Ended, uniform: np.ndarray) -> np.ndarray:
    """Index into `MODES` of every path: how force ended, by the world's lottery at the rung from which it was used."""
    q, e, k = (float(values[f"parameters.force.{name}"][draw]) for name in ("quagmire", "escaped", "killed"))
    success = _success(plan, plan.form, values, draw)[np.asarray(ended.state)]
    parts = ((1 - q) * success * (1 - k), (1 - q) * success * k, (1 - q) * (1 - success) * e,
             (1 - q) * (1 - success) * (1 - e))  # fmt: skip
    level = np.cumsum(np.stack(parts), axis=0)
    drawn = 1 + (uniform[None] >= level).sum(0)
    return np.where(np.asarray(ended.outcome) == OUTCOMES.index("force"), drawn, 0).astype(np.int8)


def _success(plan: Plan, form: Form, values: Values, draw: int) -> np.ndarray:
    """Chance that a strike gets the leader, given no quagmire, by state of the coercer's stage (padded)."""
    states = form.stages[form.stage("coercer")].states
    size = max(len(stage.states) for stage in form.stages)
    found = np.full(max(size, len(form.nature_states)), float(values["parameters.force.success"][draw]))
    zero = np.zeros_like(values["parameters.discount"])
    warned = float(values.get("parameters.force.deadline_tilt", zero)[draw])
    for s, (rung, clock, *_) in enumerate(states):
        tilt = float(values.get(f"ladder.{plan.case.ladder[rung].id}.success_tilt", zero)[draw])
        tilt += warned * (clock == 1)
        if tilt:
            found[s] = 1 / (1 + np.exp(-logit(found[s : s + 1]) - tilt))[0]
    return found
