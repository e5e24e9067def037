"""What moves, rounds and endings pay each side, from the numbers of a view: the one table of the library.

Coercer in prizes (demand met = 1), target in offices (keeping office for good = 1). theta: own type.

| ending | coercer | target |
|---|---|---|
| back-down | - audience(rung) - lapse if a deadline runs | 1 |
| concession | 1 | 1 - exit_loss(theta) |
| settlement, he goes | 1 - sum of prices | 1 - exit_loss(theta) + kept * sum of gains |
| settlement, he stays | 1 - sum of prices | 1 + kept * sum of gains |
| flight | flight | 1 - flight_loss(theta) |
| removed from within | coup | 1 - coup_loss |
| force | lottery - force_cost(theta) | lottery |
| stalemate | the last rung for ever | the last rung for ever |

Force, with q the chance of a quagmire and s of success given none, e of escape given failure:
coercer (1-q)[s captured + (1-s)(e flight + (1-e) survived)] + q quagmire - force_cost;
target  (1-q)[s(1 - force_loss) + (1-s)(e(1 - flight_loss) + (1-e)(1 - survived_loss))] + q(1 - quagmire_loss).
A round in office pays the target 1 - delta less pressure and squeeze, the coercer minus the running cost.

Where the world's modules speak (`derive`): the log-odds of success move with the rung and with a running deadline, and
force costs the coercer more at home at some rungs than at others. Who sets out to leave is stopped by the circle with a
chance b that its terms decide; he then stays, at a penalty, and the crisis stands where it stood for ever:

    worth = (1 - b) worth of going + b (the last rung for ever - penalty of the target's).

With a chance a year a later government of the coercer undoes the step: standing on a rung for ever then turns into
standing on the first one.
"""

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np

from standoff.case.crisis import Case, Package
from standoff.game.form import Form, Payoffs, Stage
from standoff.simulate.chains import Levels
from standoff.simulate.draws import Values

YEAR = 365.25


@dataclass(frozen=True)
class Worth:
    """What a package or a plain ending is worth: `coercer[draw]`, `target[type, draw]`."""

    coercer: np.ndarray
    target: np.ndarray


def playable(case: Case, side: str) -> list[Package]:
    """Packages of a side that are moves of the game, in the order of the case."""
    return [package for package in case.packages if package.playable and package.offered_by == side]


def leaves(case: Case, package: Package) -> bool:
    """Whether the leader goes under a package."""
    terms = {issue.id: {term.id: term for term in issue.terms} for issue in case.issues}
    return not any(terms[issue][term].leader_stays for issue, term in package.terms.items())


def by_type(case: Case, values: Values, side: str, name: str) -> np.ndarray:
    """A number by type, the yielding type first: axes type, draw."""
    return np.stack([values[f"parameters.{side}.{name}.{kind}"] for kind in case.leader(side).types])  # type: ignore[arg-type]


def package_worth(case: Case, values: Values, package: Package) -> Worth:
    """Worth of a package to both sides, in a view's numbers."""
    paths = [f"issues.{issue}.terms.{term}" for issue, term in package.terms.items()]
    zero = np.zeros_like(values["parameters.discount"])
    gain = sum((values[f"{path}.gain"] for path in paths), zero)
    price = sum((values[f"{path}.price"] for path in paths), zero)
    loss = by_type(case, values, "target", "exit_loss") if leaves(case, package) else np.zeros((2, 1))
    return Worth(1 - price, 1 - loss + values[f"packages.{package.id}.kept"] * gain)


def force_worth(
    case: Case, values: Values, tilt: np.ndarray | float = 0.0, cost: np.ndarray | float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """Worth of a strike: coercer by own type, target by own type (axes type, draw).

    `tilt` moves the log-odds of success, `cost` is what force costs at home beside the type's own cost (prizes).
    """
    at = {name: values[f"parameters.force.{name}"] for name in ("success", "quagmire", "escaped")}
    q, e = at["quagmire"], at["escaped"]
    s = at["success"] if np.isscalar(tilt) and tilt == 0.0 else 1 / (1 + np.exp(-logit(at["success"]) - tilt))
    c = {n: values[f"parameters.coercer.{n}"] for n in ("captured", "survived", "quagmire", "flight")}
    t = {n: values[f"parameters.target.{n}"] for n in ("force_loss", "survived_loss", "quagmire_loss")}
    coercer = (1 - q) * (s * c["captured"] + (1 - s) * (e * c["flight"] + (1 - e) * c["survived"])) + q * c["quagmire"]
    hidden = 1 - by_type(case, values, "target", "flight_loss")
    open_ = s * (1 - t["force_loss"]) + (1 - s) * (e * hidden + (1 - e) * (1 - t["survived_loss"]))
    target = (1 - q) * open_ + q * (1 - t["quagmire_loss"])
    return coercer - by_type(case, values, "coercer", "force_cost") - cost, target


def strike_worth(case: Case, values: Values, rung: str, *, deadline: bool) -> Worth:
    """Worth of a strike from a rung, with or without a deadline running."""
    zero = np.zeros_like(values["parameters.discount"])
    tilt = values.get(f"ladder.{rung}.success_tilt", zero)
    if deadline:
        tilt = tilt + values.get("parameters.force.deadline_tilt", zero)
    cost = values.get(f"ladder.{rung}.home_cost", zero)
    return Worth(*force_worth(case, values, tilt if tilt.any() else 0.0, cost))


def endings(case: Case, values: Values) -> dict[str, Worth]:
    """Worth of the endings if nobody stops them, force from the highest rung that allows it, and of every package."""
    flight = 1 - by_type(case, values, "target", "flight_loss")
    top = next((rung.id for rung in reversed(case.ladder) if rung.strike), case.ladder[-1].id)
    one = np.ones_like(values["parameters.discount"])
    found = {
        "concession": Worth(one, 1 - by_type(case, values, "target", "exit_loss")),
        "flight": Worth(values["parameters.coercer.flight"], flight),
        "coup": Worth(values["parameters.coercer.coup"], np.stack([1 - values["parameters.target.coup_loss"]] * 2)),
        "force": strike_worth(case, values, top, deadline=False),
    }
    return found | {package.id: package_worth(case, values, package) for package in case.packages}


def audience(case: Case, values: Values) -> np.ndarray:
    """Cost of backing down from each rung, prizes (axes rung, draw): as written, or rising to the top."""
    top, slope = values["parameters.coercer.audience_top"], values["parameters.coercer.audience_slope"]
    last = max(len(case.ladder) - 1, 1)
    return np.stack(
        [values.get(f"ladder.{rung.id}.audience", top * slope ** (r / last - 1)) for r, rung in enumerate(case.ladder)]
    )


def discount(case: Case, values: Values, days: float) -> np.ndarray:
    """Discount per round of `days` days."""
    return np.asarray(values["parameters.discount"] ** (days / YEAR))


def flows(case: Case, values: Values, levels: Levels, days: float) -> np.ndarray:
    """What a round in office pays: axes player, rung, squeeze, draw."""
    weeks = days / 7
    running = np.stack([values[f"ladder.{rung.id}.running_cost"] for rung in case.ladder]) * weeks
    pressure = np.stack([values[f"ladder.{rung.id}.pressure"] for rung in case.ladder]) * weeks
    shortage = np.moveaxis(levels.shortage, 0, -1)
    squeeze = values["parameters.target.squeeze_weight"] * shortage * days / YEAR
    office = 1 - discount(case, values, days) - pressure[:, None] - squeeze
    return np.stack([np.broadcast_to(-running[:, None], office.shape), office])


def for_ever(case: Case, values: Values, levels: Levels, days: float) -> np.ndarray:
    """Worth of standing on a rung for ever: axes player, rung, squeeze, cohesion, draw (exact, linear)."""
    flow = np.moveaxis(flows(case, values, levels, days), -1, 0)
    draws, _, rungs, n_s = flow.shape
    n_c = levels.cohesion.shape[-1]
    size = n_s * n_c
    joint = np.einsum("drst,drtcx->drsctx", levels.squeeze, levels.cohesion)
    hazard = levels.removal[:, :, None, None, None, :]
    delta = discount(case, values, days)[:, None, None, None, None, None]
    stay = (joint * (1 - hazard) * delta).reshape(draws, rungs, size, size)
    gone = (joint * hazard).sum((-1, -2)).reshape(draws, rungs, size)
    removed = np.stack([values["parameters.coercer.coup"], 1 - values["parameters.target.coup_loss"]])
    pay = np.repeat(flow, n_c, axis=-1) + removed.T[:, :, None, None] * gone[:, None]
    solved = np.linalg.solve((np.eye(size) - stay)[:, None], pay[..., None])[..., 0]
    undone = values.get("parameters.reversal")
    if undone is not None and undone.any():
        ending = (1 - (1 - undone) ** (days / YEAR))[:, None, None, None]
        first = [rung.id for rung in case.ladder].index(case.crisis.start_rung)
        later = np.arange(rungs) > first  # only what was added since can be undone
        back = (stay[:, None] @ solved[:, :, first, None, :, None])[..., 0]
        pay = pay + np.where(later[:, None], ending * back, 0.0)
        kept = stay * np.where(later[:, None, None], 1 - ending, 1.0)
        solved = np.linalg.solve((np.eye(size) - kept)[:, None], pay[..., None])[..., 0]
    return np.moveaxis(solved.reshape(draws, 2, rungs, n_s, n_c), 0, -1)


@dataclass(frozen=True, eq=False)
class Assembled:
    """Payoffs of a view for all draws (last axis draw); `one(d)` gives those of one draw as arrays for JAX."""

    parts: dict[str, np.ndarray | tuple[np.ndarray, ...]]

    def one(self, d: int) -> Payoffs:
        """Payoffs of draw d."""
        moves = self.parts["moves"]
        rest = {k: jnp.asarray(v[..., d]) for k, v in self.parts.items() if isinstance(v, np.ndarray)}
        return Payoffs(moves=tuple(jnp.asarray(m[..., d]) for m in moves), **rest)


def blocked(values: Values, path: str) -> np.ndarray:
    """Chance that the circle stops a leader who sets out under some terms (axis draw); 0 without a module of exits."""
    return values.get(path, np.zeros_like(values["parameters.discount"]))


def _stopped(worth: Worth, chance: np.ndarray, stays: np.ndarray, penalty: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Worth of setting out, by state: coercer and target, axes type, state, draw. `stays`: axes player, state, draw."""
    coercer = worth.coercer if worth.coercer.ndim == 2 else np.stack([worth.coercer] * 2)
    one, two = coercer[:, None], np.broadcast_to(worth.target, coercer.shape)[:, None]
    if not chance.any():
        shape = (2, *stays.shape[1:])
        return np.broadcast_to(one, shape), np.broadcast_to(two, shape)
    return (1 - chance) * one + chance * stays[0], (1 - chance) * two + chance * (stays[1] - penalty)


def _moves(case: Case, values: Values, form: Form, stage: Stage, ever: np.ndarray) -> np.ndarray:
    worth = endings(case, values)
    draws = len(values["parameters.discount"])
    states = np.array(stage.states)
    pay = np.zeros((2, 2, len(states), len(stage.moves), draws))
    lapse = values["parameters.coercer.lapse"] * (states[:, 1] == 1)[:, None]
    rung = states[:, 0]
    stays = ever[:, rung, states[:, 3], states[:, 4]]
    penalty = blocked(values, "parameters.target.blocked_penalty")

    def put(move: str, worth: Worth, chance: np.ndarray) -> None:
        m = stage.moves.index(move)
        pay[0, :, :, m], pay[1, :, :, m] = _stopped(worth, chance, stays, penalty)

    if stage.name == "climb":
        for m, to in enumerate(stage.moves):
            pay[0, :, :, m] = -values[f"ladder.{case.ladder[int(to)].id}.sunk"]
    for move in stage.moves:
        m = stage.moves.index(move)
        if stage.name == "coercer":
            if move == "back-down":
                pay[0, :, :, m] = -(audience(case, values)[rung] + lapse)
                pay[1, :, :, m] = 1.0
            elif move in ("hold", "offer", "ultimatum"):
                pay[0, :, :, m] = -lapse
            elif move == "strike":
                for r, clock in {(int(r), bool(c == 1)) for r, c in states[:, :2]}:
                    here = np.flatnonzero((rung == r) & ((states[:, 1] == 1) == clock))
                    strike = strike_worth(case, values, case.ladder[r].id, deadline=clock)
                    pay[0][:, here, m], pay[1][:, here, m] = strike.coercer[:, None], strike.target[:, None]
        elif stage.name == "target":
            if move == "concede":
                put(move, worth["concession"], blocked(values, "parameters.target.blocked"))
            elif move == "flee":
                put(move, worth["flight"], blocked(values, "parameters.target.flight_blocked"))
            elif move == "display":
                pay[1, :, :, m] = -values["parameters.target.display_cost"]
        if move == "accept":
            for k, package in enumerate(playable(case, "target" if stage.name == "coercer" else "coercer"), start=1):
                here = np.flatnonzero(states[:, 2] == k)
                chance = blocked(values, f"packages.{package.id}.blocked") if leaves(case, package) else 0 * penalty
                stopped = _stopped(worth[package.id], chance, stays[:, here], penalty)
                pay[0][:, here, m], pay[1][:, here, m] = stopped
    return pay


def assemble(case: Case, values: Values, form: Form, levels: Levels, days: float) -> Assembled:
    """All payoffs and chains of a view, for all draws."""
    nature = np.array(form.nature_states)
    rung, squeeze, cohesion, display = nature[:, 0], nature[:, 3], nature[:, 4], nature[:, 5]
    flow = flows(case, values, levels, days)[:, rung, squeeze]
    first = np.array(form.stages[0].states)
    ever = for_ever(case, values, levels, days)
    horizon = ever[:, first[:, 0], first[:, 3], first[:, 4]]
    horizon = horizon - np.stack([(first[:, 1] == 1)[:, None] * values["parameters.coercer.lapse"], 0 * horizon[1]])
    chance, hazard = _branches(values, form, levels, first, (rung, squeeze, cohesion, display))
    coup = np.stack([values["parameters.coercer.coup"], 1 - values["parameters.target.coup_loss"]])

    def by_own_type(a: np.ndarray) -> np.ndarray:
        return np.repeat(a[:, None], 2, axis=1)

    return Assembled(
        {
            "moves": tuple(_moves(case, values, form, stage, ever) for stage in form.stages),
            "flow": by_own_type(flow), "chance": chance, "hazard": hazard, "removed": by_own_type(coup),
            "horizon": by_own_type(horizon),
            "precision": np.stack([values["parameters.precision.coercer"], values["parameters.precision.target"]]),
            "tilt": _tilt(values), "discount": discount(case, values, days),
        }
    )  # fmt: skip


def logit(p: np.ndarray) -> np.ndarray:
    """Log-odds, finite at 0 and 1."""
    p = np.clip(p, 1e-12, 1 - 1e-12)
    return np.asarray(np.log(p / (1 - p)))


def joint_prior(coercer: float, target: float, ratio: float) -> np.ndarray:
    """Joint chances of the types (rows coercer, columns target; yielding first): Plackett (1965).

    Both marginals are kept; `ratio` is the odds ratio, 1 for independent types.
    """
    if abs(ratio - 1) < 1e-9:
        both = coercer * target
    else:
        m = 1 + (coercer + target) * (ratio - 1)
        both = (m - np.sqrt(max(m**2 - 4 * ratio * (ratio - 1) * coercer * target, 0.0))) / (2 * (ratio - 1))
    return np.array([[1 - coercer - target + both, target - both], [coercer - both, both]])


def _tilt(values: Values) -> np.ndarray:
    """Shift of each side's log-odds of the other's firm type by own type: axes player, own type, draw."""
    prior = zip(*(values[f"parameters.prior.{name}"] for name in ("coercer", "target", "odds_ratio")), strict=True)
    found = []
    for coercer, target, ratio in prior:
        joint = np.maximum(joint_prior(coercer, target, ratio), 1e-300)
        of_target = np.log(joint[:, 1] / joint[:, 0]) - logit(np.array(target))
        of_coercer = np.log(joint[1] / joint[0]) - logit(np.array(coercer))
        found.append(np.stack([of_target, of_coercer]))
    return np.moveaxis(np.array(found), 0, -1)


def _branches(
    values: Values, form: Form, levels: Levels, first: np.ndarray, nature: tuple[np.ndarray, ...]
) -> tuple[np.ndarray, np.ndarray]:
    rung, squeeze, cohesion, display = nature
    to_s, to_c = first[np.maximum(form.branch, 0), 3], first[np.maximum(form.branch, 0), 4]
    move_s = np.moveaxis(levels.squeeze, 0, -1)[rung[:, None], squeeze[:, None], to_s]
    lifted = np.moveaxis(lift(levels.cohesion, values["parameters.target.display_lift"]), 0, -1)
    plain = np.moveaxis(levels.cohesion, 0, -1)
    here = rung[:, None], to_s, cohesion[:, None], to_c
    move_c = np.where((display == 1)[:, None, None], lifted[here], plain[here])
    chance = np.where((form.branch >= 0)[..., None], move_s * move_c, 0.0)
    hazard = np.moveaxis(levels.removal, 0, -1)[rung[:, None], to_c]
    return chance, np.where((form.branch >= 0)[..., None], hazard, 0.0)


def lift(cohesion: np.ndarray, chance: np.ndarray) -> np.ndarray:
    """Cohesion chains in a round with a display: with `chance`, one level firmer than it would be."""
    up = np.concatenate([cohesion[..., :1] + cohesion[..., 1:2], cohesion[..., 2:], 0 * cohesion[..., :1]], axis=-1)
    up = up if cohesion.shape[-1] > 1 else cohesion
    weight = chance.reshape(-1, *([1] * (cohesion.ndim - 1)))
    return np.asarray((1 - weight) * cohesion + weight * up)
