"""Numbers of the game that the world's modules compute, in the place of typed ones.

Where a case writes down forces, places to go, contenders or politics at home, what a strike brings, what leaving is
worth, what a retreat costs and what an ending leads to are not typed in: they are computed here from a view's own
numbers, by the modules of `world`, and stand at the paths that the payoffs read. A view that overlays one of these
paths itself has its way (`setup.Plan.values`).

| module | computes |
|---|---|
| force | `parameters.force.success`, `.quagmire`, `.deadline_tilt`; `ladder.RUNG.success_tilt` |
| domestic | `parameters.coercer.audience_top`, `.audience_slope`, `.quagmire`; `ladder.RUNG.home_cost` |
| exits | `parameters.target.exit_loss.TYPE`, `.flight_loss.TYPE`; chances that the circle stops the leader |
| | `packages.ID.blocked`, `parameters.target.blocked`, `.flight_blocked`, and `.blocked_penalty` |
| patrons | `parameters.reversal` (a year), `parameters.clarity` (share of a channel's noise removed by go-betweens) |
| succession | `parameters.coercer.captured`, `.flight`, `.coup` |

Losses of leaving that are typed in are those of leaving into a refuge that nobody can take away; the ease of a week
there follows from them, by type, so that both are in offices. A tilt is a change of log-odds.
"""

from collections.abc import Callable, Mapping
from threading import Lock

import jax
import jax.numpy as jnp
import numpy as np

from standoff.case.crisis import Case
from standoff.simulate.draws import Values
from standoff.simulate.generic import PATH, modules
from standoff.world import aftermath, domestic, exits, force, patrons, succession
from standoff.world.exit_mode import modes_of
from standoff.world.reference_class import LEADER_CLASSES

Derived = dict[str, np.ndarray]
WEEK = 1.0 / 52.0
_ONE = Lock()
BATCH = 40
"""Draws for which what follows an ending is computed at a time."""
READY = 6800.0
"""Ready defenders at which the usual numbers of dead hold (judgement)."""
SPARE = {"air_campaign": "raid"}  # a kind without priors of its own for the dead takes those of another


class _Numbers:
    """A view's numbers, with what to take where a case says nothing."""

    def __init__(self, values: Values) -> None:
        self.values = values
        self.count = len(values["parameters.discount"])

    def __call__(self, path: str, otherwise: float | None = None) -> jax.Array:
        found = self.values.get(path)
        if found is None:
            if otherwise is None:
                raise KeyError(path)
            found = np.full(self.count, otherwise)
        return jnp.asarray(found)

    def generic(self, module: str, *names: str) -> dict[str, jax.Array]:
        """Generic numbers of a module by name."""
        return {name: self(f"{PATH}.{module}.{name}") for name in names}


def derive(case: Case, values: Values, kept: dict[tuple[str, bytes], Derived] | None = None) -> Derived:
    """All numbers that the modules in use compute, by path (axis draw).

    Args:
        case: The case.
        values: A view's numbers.
        kept: What was computed before, by module and by the numbers that it reads; it is added to.
    """
    used, numbers = modules(case), _Numbers(values)
    kept = {} if kept is None else kept
    found: Derived = {}
    for name, (step, words) in _STEPS.items():
        if name not in used:
            continue
        paths = sorted(path for path in values if path.startswith(words))
        key = (name, b"".join(np.asarray(values[path]).tobytes() for path in paths))
        if key not in kept:
            kept[key] = {path: np.asarray(value) for path, value in step(case, numbers, found).items()}
        found |= kept[key]
    return found


def _forces(case: Case, at: _Numbers, top: jax.Array | None) -> tuple[force.ForceInput, force.ForceParameters]:
    """What both sides bring, with the attacker's strength at the highest count of troops, or `top` of it."""
    given = case.world.force
    if given is None:
        raise ValueError("no forces")
    counts = [at(f"world.force.troops_by_rung.{rung}") for rung in given.troops_by_rung]
    most = jnp.max(jnp.stack(counts), axis=0) if counts else None
    ready_now, none = given.ratio is not None, jnp.zeros(at.count)  # a ratio is over defence that is ready
    if ready_now:
        assault, troops, ready = at("world.force.ratio"), jnp.ones(at.count), jnp.ones(at.count)
    else:
        if most is None:
            raise ValueError("no troops")
        assault, troops, ready = most, at("world.force.defenders"), at("world.force.readiness", 0.5)
    share = jnp.ones(at.count) if top is None or most is None else top / jnp.maximum(most, 1e-9)
    helped = _help(case, at)
    inputs = force.ForceInput(
        assault=assault * share, troops=troops * helped, readiness=ready,
        insulation=none if ready_now else at("world.coalition.insulation", 0.5),
        air_left=none + 1.0 if ready_now else at("world.force.air_defence", 1.0),
        intelligence=at("world.force.intelligence", 0.5), moves=at("world.force.moves_about", 0.5),
        ground=at("world.force.ground_difficulty", 0.0),
    )  # fmt: skip
    g = at.generic(
        "force", "find_norm", "find_intel", "find_moves", "reach_norm", "reach_ratio", "reach_surprise",
        "class_share", "coupproof_readiness", "quagmire_ground", "surprise_loss",
    )  # fmt: skip
    kind = given.kind
    dead = at(f"{PATH}.force.dead_coercer_{SPARE.get(kind, kind)}") * at("world.force.losses", 1.0)
    classes = jnp.stack([at(f"{PATH}.force.class_{each.name}") for each in LEADER_CLASSES])
    weight = jnp.broadcast_to(jnp.array(force.CLASS_WEIGHT[kind])[:, None], classes.shape)
    quagmire = none if kind == "air_campaign" else at(f"{PATH}.force.quagmire_{kind}")
    par = force.of_kind(
        kind, **g, class_weight=weight, class_mean=classes, quagmire_norm=quagmire, dead_coercer=dead,
        defence_norm=1.0 if ready_now else READY,
    )  # fmt: skip
    return inputs, par


def _help(case: Case, at: _Numbers) -> jax.Array:
    """Factor by which patrons are expected to strengthen the defence: arms and troops by their chances."""
    sizes = patrons.PatronParameters()
    added = jnp.zeros(at.count)
    for patron in case.world.patrons:
        path = f"world.patrons.{patron.id}"
        added = added + at(f"{path}.arms") * sizes.arms_size + at(f"{path}.fights") * sizes.troops_size
    return 1.0 + added


def _force(case: Case, at: _Numbers, _: Mapping[str, np.ndarray]) -> dict[str, jax.Array]:
    given = case.world.force
    if given is None:
        return {}
    surprise = at("world.force.surprise", 0.5)
    inputs, par = _forces(case, at, None)
    whole = force.lottery(surprise, inputs, par)
    warned = force.lottery(force.surprise_after(surprise, 1.0, par), inputs, par)
    found = {
        "parameters.force.success": whole.success, "parameters.force.quagmire": whole.quagmire,
        "parameters.force.deadline_tilt": _logit(warned.success) - _logit(whole.success),
    }  # fmt: skip
    lower: jax.Array | None = None
    for rung in case.ladder:
        if rung.id in given.troops_by_rung:
            lower = at(f"world.force.troops_by_rung.{rung.id}")
        if lower is not None and rung.strike:
            here = force.lottery(surprise, *_forces(case, at, lower))
            found[f"ladder.{rung.id}.success_tilt"] = _logit(here.success) - _logit(whole.success)
    return found


def _logit(chance: jax.Array) -> jax.Array:
    chance = jnp.clip(chance, 1e-12, 1 - 1e-12)
    return jnp.log(chance) - jnp.log1p(-chance)


def _domestic(case: Case, at: _Numbers, found: Mapping[str, np.ndarray]) -> dict[str, jax.Array]:
    given = case.world.domestic
    if given is None:
        return {}
    g = at.generic(
        "domestic", "support_success", "support_dead", "rally", "audience_points", "audience_slope",
        "approval_value", "dead_cost", "occupation",
    )  # fmt: skip
    votes = given.vote_norm is not None
    own = given.constraint_cost is not None
    cost = at("world.domestic.constraint_cost") if own else at(f"{PATH}.domestic.constraint_cost")
    par = domestic.DomesticParameters(
        support_norm=jnp.clip(at("world.domestic.support"), 0.01, 0.99), approval_norm=50.0,
        vote_norm=at("world.domestic.vote_norm", 0.0), vote_support=at("world.domestic.vote_support", -1.0),
        vote_force=at("world.domestic.vote_force", 0.0), vote_noise=at("world.domestic.vote_noise", 2.0),
        constraint_cost=cost if votes else 0.0 * cost, **g,
    )  # fmt: skip
    if "parameters.force.success" in found:
        surprise = at("world.force.surprise", 0.5)
        dead = force.casualties(0.0, 0.0, surprise, *_forces(case, at, None)).coercer
        success = jnp.asarray(found["parameters.force.success"])
    else:
        dead, success = jnp.full(at.count, 3.0), at("parameters.force.success")
    top = domestic.audience_cost(1.0, par)
    out = {
        "parameters.coercer.audience_top": top, "parameters.coercer.audience_slope": g["audience_slope"],
        "parameters.coercer.quagmire": -g["occupation"],
    }  # fmt: skip
    for rung in case.ladder:
        legal = at(f"world.domestic.legal_by_rung.{rung.id}", 0.0)
        out[f"ladder.{rung.id}.home_cost"] = domestic.expected_cost_of_force(dead, success, 0.0, 0.0, legal, par)
    return out


def _exits(case: Case, at: _Numbers, _: Mapping[str, np.ndarray]) -> dict[str, jax.Array]:
    given = case.world.exit
    if given is None:
        return {}
    g = at.generic("exits", "host_loss_safe", "host_loss_warrant", "host_ally", "precision", "safe_transit")
    places = [f"world.exit.destinations.{place.id}" for place in given.destinations]
    reach = jnp.stack([at(f"{place}.court_reach") for place in places])
    offered = jnp.maximum(jnp.stack([at(f"{place}.offered") for place in places]), 1e-9)
    punished = 1.0 - at("parameters.target.force_loss")
    discount = at("parameters.discount")
    warrant, credibility = at("world.exit.warrant", 0.0), at("world.exit.guarantee_credibility", 3.0 / 7.0)
    found = {}
    for name, cred, conduct in (
        ("exit_loss", credibility, at("world.exit.safe_conduct", 1.0)),
        ("flight_loss", jnp.zeros(at.count), jnp.zeros(at.count)),
    ):
        for kind in case.leader("target").types:
            # Flight and agreed exit lead to the same life; what differs is the way there and who may end it.
            safe = 1.0 - at(f"parameters.target.exit_loss.{kind}")
            ease = exits.ease_of(safe, 0.0, 0.0, discount**WEEK, punished)
            inputs = exits.ExitsInput(
                reach=reach, offered=offered, stay=0.0, warrant=warrant, credibility=cred, conduct=conduct,
                horizon=at("world.exit.horizon", 4.0),
            )  # fmt: skip
            par = exits.ExitsParameters(
                ease=ease, punished=punished, assets=0.0, penalty=0.0, discount_year=discount, circle_weight=0.0,
                reversal=at(f"{PATH}.patrons.reversal_norm", 0.12), **g,
            )  # fmt: skip
            found[f"parameters.target.{name}.{kind}"] = 1.0 - exits.appraise(inputs, par).package
    return found | _blocks(case, at)


def _blocks(case: Case, at: _Numbers) -> dict[str, jax.Array]:
    """Chance that the circle stops the leader, by what terms cover of it."""
    half = at(f"{PATH}.exits.guarantee_half")
    circle, demand = at("world.exit.circle", 0.0), at("world.exit.circle_covered_by_demand", 0.0)

    def stopped(covered: jax.Array | float) -> jax.Array:
        return jnp.asarray(exits.block(exits.uncovered(circle, covered, 1.0), half))

    found = {
        "parameters.target.blocked": stopped(demand), "parameters.target.flight_blocked": stopped(0.0),
        "parameters.target.blocked_penalty": at(f"{PATH}.exits.penalty"),
    }  # fmt: skip
    for package in case.packages:
        covered = at(f"packages.{package.id}.covers") if package.covers is not None else demand
        found[f"packages.{package.id}.blocked"] = stopped(covered)
    return found


def _patrons(case: Case, at: _Numbers, _: Mapping[str, np.ndarray]) -> dict[str, jax.Array]:
    found = {}
    if case.world.reversal is not None:
        par = patrons.PatronParameters(reversal_norm=at(f"{PATH}.patrons.reversal_norm"))
        undone, watched = at("world.reversal.undone"), at("world.reversal.watched")
        found["parameters.reversal"] = patrons.reversal(undone, watched, par)
    if case.world.mediators:
        paths = [f"world.mediators.{mediator.id}" for mediator in case.world.mediators]
        present, informed = (jnp.stack([at(f"{path}.{name}") for path in paths]) for name in ("present", "informed"))
        strength = jnp.broadcast_to(at(f"{PATH}.patrons.mediator_clarity"), present.shape)
        found["parameters.clarity"] = patrons.clarity(present, informed, strength)
    return found


def contest(case: Case, values: Values, mode: str) -> tuple[succession.SuccessionInput, dict[str, jax.Array]]:
    """Contenders and circumstances of what follows an ending, and the numbers of the contest, with draws last."""
    at = _Numbers(values)
    each = case.world.successors

    def by(name: str, otherwise: float | None = None) -> jax.Array:
        return jnp.stack([at(f"world.successors.{one.id}.{name}", otherwise) for one in each])

    def marked(name: str) -> jax.Array:
        marks = jnp.array([float(getattr(one, name)) for one in each])
        return jnp.broadcast_to(marks[:, None], (len(each), at.count))

    def one(name: str, otherwise: float) -> jax.Array:
        return at(f"world.succession.{name}", otherwise)

    mixture = jnp.broadcast_to(modes_of(mode)[:, None], (len(modes_of(mode)), at.count))
    inputs = succession.SuccessionInput(
        mode=mixture, force=by("force"), legal=by("legal_claim"), backing=by("backing"), purse=by("purse"),
        insider=marked("insider"), military=marked("military"), rival_backing=by("rival_backing", 0.0),
        exposure=by("exposure", 0.0), personal=one("personal", 0.5), guarantor=one("guarantor", 0.0),
        opposition=one("opposition", 0.5), split=one("split", 0.5), aim=one("aim", 0.5),
        leverage=one("leverage", 0.0),
    )  # fmt: skip
    names = (
        "decisiveness", "w_force", "w_legal", "w_backing", "w_purse", "first_days", "first_noise", "winning_share",
        "commit_norm", "commit_leader_gone", "commit_guarantor", "fight_cost", "order_tilt", "coup_tilt", "fall_tilt",
        "deal_norm", "deal_leverage", "deal_backing", "deal_exposure",
    )  # fmt: skip
    return inputs, at.generic("succession", *names)


def after_ending(case: Case, values: Values, endings: tuple[str, ...]) -> dict[str, aftermath.Expected]:
    """Chances of what follows endings in which the leader goes (`exit_mode.ENDINGS`), with draws last.

    All are computed at once, in batches of one size, so that they are compiled once.
    """
    count = len(values["parameters.discount"])
    each = [contest(case, values, ending) for ending in endings]
    whole = jax.tree.map(lambda *rows: jnp.concatenate(rows, axis=-1) if jnp.ndim(rows[0]) else rows[0], *each)
    total = count * len(endings)
    size = -(-total // BATCH) * BATCH
    whole = jax.tree.map(lambda x: x if jnp.ndim(x) == 0 else _filled(x, size), whole)
    with _ONE:  # it takes seconds to compile: the first does it, the others wait
        parts = [
            _expected(*jax.tree.map(lambda x, at=at: x if jnp.ndim(x) == 0 else x[..., at : at + BATCH], whole))
            for at in range(0, size, BATCH)
        ]
    found = jax.tree.map(lambda *rows: jnp.concatenate(rows, axis=-1), *parts)
    return {
        ending: jax.tree.map(lambda x, k=k: x[..., k * count : (k + 1) * count], found)
        for k, ending in enumerate(endings)
    }


def _filled(x: jax.Array, size: int) -> jax.Array:
    return jnp.concatenate([x, jnp.repeat(x[..., -1:], size - x.shape[-1], axis=-1)], axis=-1)


def _succession(case: Case, at: _Numbers, _: Mapping[str, np.ndarray]) -> dict[str, jax.Array]:
    """Worth of an ending to the coercer by what it leads to: one that complies or a democracy is the demand met."""
    unaligned, disorder = at("parameters.coercer.unaligned"), at("parameters.coercer.disorder")
    met = jnp.ones(at.count)
    prices = aftermath.Prices(order=jnp.stack([unaligned, unaligned, met, disorder]), aligned=1.0 - unaligned)
    found = after_ending(case, at.values, ("captured", "flight", "coup"))
    return {
        f"parameters.coercer.{name}": jnp.clip(aftermath.worth(after, prices), disorder, met)
        for name, after in found.items()
    }


@jax.jit
def _expected(inputs: succession.SuccessionInput, numbers: dict[str, jax.Array]) -> aftermath.Expected:
    return aftermath.expected(inputs, succession.SuccessionParameters(**numbers))  # type: ignore[arg-type]


Step = Callable[[Case, _Numbers, Mapping[str, np.ndarray]], dict[str, jax.Array]]
_FORCE = ("world.force", "world.patrons", "world.coalition.insulation", f"{PATH}.force")
_STEPS: Mapping[str, tuple[Step, tuple[str, ...]]] = {
    "force": (_force, _FORCE),
    "domestic": (_domestic, ("world.domestic", f"{PATH}.domestic", "parameters.force", *_FORCE)),
    "exits": (
        _exits,
        ("world.exit", "packages", "parameters.target", "parameters.discount", f"{PATH}.exits", f"{PATH}.patrons"),
    ),
    "patrons": (_patrons, ("world.reversal", "world.mediators", f"{PATH}.patrons")),
    "succession": (
        _succession,
        ("world.succe", "parameters.coercer.unaligned", "parameters.coercer.disorder", f"{PATH}.succession"),
    ),
}  # fmt: skip
"""Modules in order, each with the first words of the paths that it reads."""
