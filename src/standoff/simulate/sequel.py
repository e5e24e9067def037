"""What follows an ending in which the leader goes: who leads, which order, and what comes over region and markets.

| group | what |
|---|---|
| aftermath | 30, 90 and 365 days after each exit: order, leader, alignment; and over the endings of each scenario |
| cascade | by exit and month, for a year: oil, ally, shortage, violence, outflow, with the same noise for every exit |

An *exit* is one of `exit_mode.ENDINGS`; two exits of the same mixture of modes have the same sequel (captured and
killed). All is computed with the numbers of the base. Beside it stand base rates: what the counts of `exit_mode` and
`conflict` say of the same mixture of modes, without the case.

How an ending drives the cascade (judgement, the same for every case):

    planned exports = norm [a + (1 - a) left]      left = 1 - quarantine (1 - exempt/norm), a aligned in that month
    ally's supply kept = 1 - a                     a leader who complies with the coercer gives its dependant up
    insider = chance that one of the old order leads after 30 days
    imposed = 1 where the leader is taken or killed; changed the leader alone with the chance of the same regime

The quarantine is the tightest of the ladder: it stands until a leader complies. Oil price, outflow and the ally's
output are over those of the months before the crisis.
"""

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from standoff.case.crisis import Case
from standoff.simulate.derive import after_ending
from standoff.simulate.draws import Values
from standoff.simulate.ending import ENDINGS, MODES
from standoff.simulate.generic import NAMES, PATH
from standoff.simulate.setup import Plan
from standoff.world import cascade as model
from standoff.world import exit_mode
from standoff.world.aftermath import WEEKS, Expected
from standoff.world.conflict import conflict_chance, conflict_ratio

EXITS = {
    "agreed_exit": "agreed exit",
    "flight": "flight",
    "captured": "capture by force",
    "killed": "death by force",
    "coup": "removal from within",
}
OTHER, NONE = "somebody-else", "nobody"
MONTHS, PATHS = 12, 8
OUTFLOW = 100.0
"""The outflow before the crisis: an index, since a case gives no level."""
IMPOSED = ("captured", "killed")
MID_MONTHS = (np.arange(MONTHS) + 0.5) * 365.0 / MONTHS  # days after the ending
CHANCE = {"units": "probability"}
Groups = dict[str, xr.Dataset]


def sequel(plan: Plan, endings: xr.Dataset) -> Groups:
    """Both groups; empty where a case has no contenders, or no cascade.

    Args:
        plan: The case, compiled.
        endings: The simulated crises (`results.endings`).
    """
    case, values = plan.case, plan.sheet(None).values
    if not case.world.successors:
        return {"aftermath": xr.Dataset(), "cascade": xr.Dataset()}
    after = follow(case, values)
    found = {"aftermath": aftermath(case, after, endings), "cascade": xr.Dataset()}
    if case.world.cascade is not None:
        kept = np.asarray(endings["draw"].values)
        found["cascade"] = cascade(case, values, after, seed=plan.seed).isel(draw=kept)
    return found


def follow(case: Case, values: Values) -> dict[str, Expected]:
    """What follows each exit, computed once for those of the same mixture of modes."""
    like = {exit: next(e for e in EXITS if exit_mode.ENDINGS[e] == exit_mode.ENDINGS[exit]) for exit in EXITS}
    found = after_ending(case, values, tuple(dict.fromkeys(like.values())))
    return {exit: found[like[exit]] for exit in EXITS}


def aftermath(case: Case, after: Mapping[str, Expected], endings: xr.Dataset) -> xr.Dataset:
    """Chances by exit, horizon and draw; base rates; and the mixture over the endings of each scenario."""
    kept = np.asarray(endings["draw"].values)

    def every(name: str) -> np.ndarray:
        return np.stack([np.asarray(getattr(one, name))[..., kept] for one in after.values()])

    share = shares(endings)
    order, leader, aligned = every("order"), every("leader"), every("aligned")
    weight = np.asarray(share.transpose("scenario", "exit", "draw"))
    rates = exit_mode.base_rates()
    modes = np.stack([np.asarray(exit_mode.modes_of(exit)) for exit in EXITS])
    stays = np.asarray(exit_mode.stays(rates.hazard.T)).T[:, list(exit_mode.HORIZON_BREAKS)]
    by_order, by_leader = ("exit", "horizon", "order", "draw"), ("exit", "horizon", "leader", "draw")
    return xr.Dataset(
        {
            "next_order": (by_order, order, CHANCE),
            "leads": (by_leader, leader, CHANCE),
            "aligned": (("exit", "horizon", "draw"), aligned, CHANCE | {"long_name": "leader complies with coercer"}),
            "fragmentation": (("exit", "draw"), every("fragmentation"), {"units": "share of power that fights"}),
            "fights": (("exit", "draw"), every("conflict"), CHANCE | {"long_name": "somebody left out fights"}),
            "attempt": (("exit", "draw"), every("attempt"), CHANCE | {"long_name": "coup attempt within 30 days"}),
            "survival": (
                ("exit", "week", "draw"), 1.0 - np.cumsum(every("fall"), axis=1),
                CHANCE | {"long_name": "first leader still in office"},
            ),
            "share": (("scenario", "exit", "draw"), weight, CHANCE | {"long_name": "crises that end with this exit"}),
            "stays": (("scenario", "draw"), 1.0 - weight.sum(1), CHANCE | {"long_name": "he is still in office"}),
            "mixed_order": (("scenario", *by_order[1:]), np.einsum("sed,ehod->shod", weight, order), CHANCE),
            "mixed_leads": (("scenario", *by_leader[1:]), np.einsum("sed,ehld->shld", weight, leader), CHANCE),
            "mixed_aligned": (("scenario", "horizon", "draw"), np.einsum("sed,ehd->shd", weight, aligned), CHANCE),
            "base_order": (("exit", "order"), modes @ np.asarray(rates.order), CHANCE),
            "base_survival": (("exit", "horizon"), modes @ stays, CHANCE),
            "base_attempt": ("exit", modes @ np.asarray(rates.attempt), CHANCE),
        },
        coords={
            "exit": _text(EXITS), "exit_title": ("exit", _text(EXITS.values())),
            "horizon": ("horizon", list(exit_mode.HORIZONS), {"units": "days after the ending"}),
            "order": _text(exit_mode.ORDERS),
            "leader": _text([*(one.id for one in case.world.successors), OTHER, NONE]),
            "week": ("week", np.arange(1, WEEKS + 1), {"units": "weeks after the ending"}),
            "scenario": endings["scenario"].values, "draw": kept,
        },
    )  # fmt: skip


def shares(endings: xr.Dataset) -> xr.DataArray:
    """Shares of crises that end with each exit (dims exit, scenario, draw); escaped counts as flight."""
    code, mode = endings["ending"], endings["mode"]
    force = code == ENDINGS.index("force")
    when = {
        "agreed_exit": code == ENDINGS.index("agreed-exit"),
        "flight": (code == ENDINGS.index("flight")) | (force & (mode == MODES.index("escaped"))),
        "captured": force & (mode == MODES.index("captured")),
        "killed": force & (mode == MODES.index("killed")),
        "coup": code == ENDINGS.index("removed-within"),
    }
    found = xr.concat([when[exit].mean("replication") for exit in EXITS], dim="exit")
    return found.assign_coords(exit=_text(EXITS))


def cascade(case: Case, values: Values, after: Mapping[str, Expected], *, seed: int) -> xr.Dataset:
    """Monthly paths of a year by exit, draw and path of noise, which is the same for every exit."""
    draws, exits = len(values["parameters.discount"]), len(EXITS)
    par, inputs = parameters(case, values), [_inputs(case, values, exit, one) for exit, one in after.items()]
    noise = model.draw_noise(jax.random.key(seed), (MONTHS, draws * PATHS))
    whole = jax.tree.map(lambda *rows: jnp.concatenate([_paths(row) for row in rows], axis=-1), *inputs)
    noise = jax.tree.map(lambda x: jnp.tile(x, (1, exits)), noise)
    par = jax.tree.map(lambda x: x if jnp.ndim(x) == 0 else jnp.concatenate([_paths(x)] * exits, axis=-1), par)
    info = _predict(noise, whole, par)

    def shaped(x: Any, *inner: int) -> np.ndarray:  # noqa: ANN401 (an array)
        return np.moveaxis(np.asarray(x).reshape(MONTHS, *inner, exits, draws, PATHS), -3, 0)

    chance = conflict(after, values)
    of_path = ("exit", "month", "draw", "path")
    data: dict[str, Any] = {
        "violence": (of_path, shaped(info.violence), {"units": model.UNITS["violence"]}),
        "shortfall": (of_path, shaped(info.shortfall), {"units": model.UNITS["shortfall"]}),
        "outflow": (of_path, shaped(info.outflow), {"units": "index, before the crisis = 100"}),
        "breakdown": (of_path, shaped(info.breakdown), {"units": model.UNITS["breakdown"]}),
        "conflict": (("exit", "month", "draw"), chance, {"units": "probability that one (25 dead) has begun"}),
        "base_conflict": ("exit", base_conflict(), {"units": "probability within a year"}),
    }
    coords: dict[str, Any] = {
        "exit": _text(EXITS), "month": ("month", np.arange(1, MONTHS + 1), {"units": "months after the ending"}),
        "draw": np.arange(draws), "path": np.arange(PATHS),
    }  # fmt: skip
    given = case.world.cascade
    if given is not None and given.exports is not None:
        data["exports"] = (of_path, shaped(info.exports), {"units": model.UNITS["exports"]})
        data["oil_price"] = (of_path, shaped(np.exp(info.price_effect)), {"units": "ratio, by the loss alone"})
        data["price_ratio"] = (of_path, shaped(info.price_ratio), {"units": "ratio, other news in it"})
    if given is not None and given.ally_from_target is not None:
        data["ally_supply"] = (of_path, shaped(info.ally_supply), {"units": model.UNITS["ally_supply"]})
        data["ally_output"] = (of_path, shaped(np.exp(info.ally_output)), {"units": "ratio to its norm"})
    if given is not None and given.hosts:
        hosts = len(given.hosts)
        axes = ("exit", "month", "host", "draw", "path")
        data["arrivals"] = (axes, shaped(info.arrivals, hosts), {"units": "index, whole outflow before = 100"})
        coords["host"] = _text([host.id for host in given.hosts])
    return xr.Dataset(data, coords=coords)


@jax.jit
def _predict(noise: model.CascadeNoise, inputs: model.CascadeInput, par: model.CascadeParameters) -> model.CascadeInfo:
    return model.predict(noise, model.norm_state(par), inputs, par)[1]


def parameters(case: Case, values: Values) -> model.CascadeParameters:
    """Generic numbers and the case's levels, with draws last; a part that the case leaves out stays at 0."""
    count = len(values["parameters.discount"])

    def at(path: str, otherwise: float = 0.0) -> jax.Array:
        return jnp.asarray(values.get(path, np.full(count, otherwise)))

    given = case.world.cascade
    found = {name: at(f"{PATH}.cascade.{name}") for name in NAMES["cascade"]}
    if given is not None and given.world_oil is not None:
        found["world_oil"] = at("world.cascade.world_oil")
    hosts = given.hosts if given is not None else []
    stock = [at(f"world.cascade.hosts.{host.id}.stock", 1.0) for host in hosts] or [jnp.ones(count)]
    if case.world.economy is not None:
        found |= {name: at(f"world.economy.{name}") for name in ("patronage_share", "patronage_priority")}
    return model.CascadeParameters(
        host_stock=jnp.stack(stock), outflow_norm=jnp.full(count, OUTFLOW), exports_norm=at("world.cascade.exports"),
        oil_share=oil_share(case, values), ally_own=at("world.cascade.ally_own"),
        ally_imports=at("world.cascade.ally_imports"), ally_supplied=at("world.cascade.ally_from_target"), **found,
    )  # fmt: skip


def oil_share(case: Case, values: Values) -> jax.Array:
    """Share of oil in the target's cash, from its economy; 0 where the case has none."""
    if case.world.economy is None or "world.cascade.exports" not in values:
        return jnp.zeros(len(values["parameters.discount"]))
    e = {name: values[f"world.economy.{name}"] for name in
         ("price_norm", "discount_norm", "cash_share", "other_income")}  # fmt: skip
    billions = 7e-6 * values["world.cascade.exports"] * (e["price_norm"] - e["discount_norm"]) * e["cash_share"]  # week
    oil = np.maximum(billions, 0.0)
    return jnp.asarray(oil / np.maximum(oil + e["other_income"], 1e-12))


def _inputs(case: Case, values: Values, exit: str, after: Expected) -> model.CascadeInput:
    """What one exit brings in each month: axes month, draw."""
    count = len(values["parameters.discount"])
    aligned = by_month(np.asarray(after.aligned))
    left = exports_left(case, values)
    norm = values.get("world.cascade.exports", np.zeros(count))
    old = np.array([float(one.insider) for one in case.world.successors])
    lead, order = np.asarray(after.leader[0]), np.asarray(after.order[0])
    insider = np.clip(old @ lead[: len(old)] + lead[len(old)] * order[0], 0.0, 1.0)
    ratio = mixed_ratio(exit)
    constant = model.CascadeInput(
        fragmentation=jnp.asarray(after.fragmentation), insider=jnp.asarray(insider),
        groups=float(case.world.cascade is not None and case.world.cascade.armed_groups is not None),
        conflict_ratio=ratio, imposed=float(exit in IMPOSED), leader_only=jnp.asarray(order[0]),
    )  # fmt: skip
    whole = model.over_months(constant, MONTHS, (count,))
    months = (jnp.asarray(norm * (aligned + (1.0 - aligned) * left)), jnp.asarray(1.0 - aligned))
    found: model.CascadeInput = eqx.tree_at(lambda tree: (tree.exports, tree.ally_kept), whole, months)
    return found


def by_month(aligned: np.ndarray) -> np.ndarray:
    """Chance that a leader complies in the middle of each month, from that at the horizons (0 on the first day)."""
    days = np.array([0.0, *exit_mode.HORIZONS])
    basis = np.stack([np.interp(MID_MONTHS, days, row) for row in np.eye(len(days))], axis=1)
    return np.asarray(basis @ np.concatenate([np.zeros_like(aligned[:1]), aligned]))


def exports_left(case: Case, values: Values) -> np.ndarray:
    """Share of normal exports that the tightest quarantine of the ladder leaves."""
    none = np.zeros(len(values["parameters.discount"]))
    stopped = np.max([values.get(f"ladder.{rung.id}.quarantine", none) for rung in case.ladder], axis=0)
    norm = values.get("world.cascade.exports", none)
    exempt = values.get("world.economy.exempt_exports", none) / np.maximum(norm, 1e-12)
    return np.asarray(1.0 - stopped * (1.0 - np.clip(exempt, 0.0, 1.0)))


def mixed_ratio(exit: str) -> float:
    """Yearly chance of a new conflict after an exit, over that of any autocracy, by its mixture of modes."""
    return sum(share * conflict_ratio(mode) for mode, share in exit_mode.ENDINGS[exit].items())


def conflict(after: Mapping[str, Expected], values: Values) -> np.ndarray:
    """Chance that a new armed conflict has begun by the end of each month: axes exit, month, draw."""
    names = ("conflict_year", "firc_civil_war", "firc_leader_only")
    year, imposed, alone = (jnp.asarray(values[f"{PATH}.cascade.{name}"]) for name in names)
    rows = []
    for exit, one in after.items():
        monthly = conflict_chance(year, mixed_ratio(exit), float(exit in IMPOSED), one.order[0, 0], imposed, alone)
        rows.append(1.0 - (1.0 - np.asarray(monthly))[None] ** np.arange(1, MONTHS + 1)[:, None])
    return np.stack(rows)


def base_conflict() -> np.ndarray:
    """Chance of a new conflict within a year by the counts alone, for each exit."""
    year = model.CascadeParameters(host_stock=jnp.ones((1,))).conflict_year
    return np.array([float(year) * mixed_ratio(exit) for exit in EXITS])


def _paths(x: jax.Array) -> jax.Array:
    """Draws on the last axis, each repeated for its paths of noise."""
    return jnp.repeat(x, PATHS, axis=-1)


def _text(values: Any) -> np.ndarray:  # noqa: ANN401 (words)
    return np.array(list(values), dtype=object)
