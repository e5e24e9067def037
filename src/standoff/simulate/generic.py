"""The library's generic priors as numbers of a case: what its modules need and the case does not say.

A number that a case writes under `world.priors` stands in the place of the generic one. Only modules that the case
uses bring numbers, so that a case without contenders, say, draws nothing for a succession.
"""

from collections.abc import Mapping
from functools import lru_cache

from standoff.case.crisis import Case
from standoff.case.number import Number
from standoff.errors import UserError
from standoff.world.priors import Prior, generic

PATH = "world.priors"
NAMES: Mapping[str, tuple[str, ...]] = {
    "force": (
        "class_standoff_attack", "class_manhunt", "class_capture_30d", "class_assassination", "class_share",
        "find_norm", "find_intel", "find_moves", "reach_norm", "reach_ratio", "reach_surprise", "surprise_loss",
        "quagmire_raid", "quagmire_invasion", "quagmire_ground", "coupproof_readiness", "dead_coercer_raid",
        "dead_coercer_invasion",
    ),
    "exits": (
        "host_loss_safe", "host_loss_warrant", "host_ally", "guarantee_half", "penalty", "precision", "safe_transit",
    ),
    "patrons": ("reversal_norm", "mediator_clarity"),
    "domestic": (
        "support_success", "support_dead", "rally", "audience_points", "audience_slope", "approval_value",
        "dead_cost", "occupation", "constraint_cost",
    ),
    "succession": (
        "decisiveness", "w_force", "w_legal", "w_backing", "w_purse", "first_days", "first_noise", "winning_share",
        "commit_norm", "commit_leader_gone", "commit_guarantor", "fight_cost", "order_tilt", "coup_tilt", "fall_tilt",
        "deal_norm", "deal_leverage", "deal_backing", "deal_exposure",
    ),
    "cascade": (
        "oil_supply_elasticity", "oil_demand_elasticity", "world_oil", "buffer", "price_persistence",
        "outflow_shortage", "outflow_violence", "host_stickiness", "ally_substitution", "energy_output_elasticity",
        "violence_persistence", "violence_groups", "command_norm", "command_fragment", "command_insider",
        "conflict_year", "firc_civil_war", "firc_leader_only", "violence_noise", "exports_noise", "price_noise",
        "outflow_noise", "ally_noise",
    ),
}  # fmt: skip
"""Generic numbers read by the game's payoffs or by what follows an ending, by module."""


def modules(case: Case) -> frozenset[str]:
    """The modules whose results replace numbers of the game in this case, or say what follows an ending."""
    world = case.world
    force = world.force
    found = {
        "force": force is not None and (force.ratio is not None or bool(force.troops_by_rung and force.defenders)),
        "exits": world.exit is not None and bool(world.exit.destinations),
        "patrons": world.reversal is not None or bool(world.mediators),
        "domestic": world.domestic is not None and world.domestic.support is not None,
        "succession": bool(world.successors),
        "cascade": bool(world.successors) and world.cascade is not None,
    }
    return frozenset(name for name, used in found.items() if used)


def generic_numbers(case: Case) -> dict[str, Number]:
    """Numbers that the case leaves to the library, by path below `world.priors`."""
    _check(case)
    table, own = _table(), case.world.priors
    return {
        f"{PATH}.{module}.{name}": table[f"{module}.{name}"]
        for module in sorted(modules(case))
        for name in NAMES[module]
        if name not in own.get(module, {})
    }


def _check(case: Case) -> None:
    for module, numbers in case.world.priors.items():
        if module not in NAMES:
            raise UserError(f"world.priors.{module}: the library has no such module. Use one of: {', '.join(NAMES)}.")
        for name in numbers:
            if name not in NAMES[module]:
                raise UserError(
                    f"world.priors.{module}.{name}: the module reads no such number. Use one of: "
                    f"{', '.join(NAMES[module])}."
                )


@lru_cache(maxsize=1)
def _table() -> dict[str, Number]:
    return {path: _number(prior) for path, prior in generic().items()}


def _number(prior: Prior) -> Number:
    shape = list(prior.arguments) if len(prior.arguments) > 1 else prior.arguments[0]
    reason = f"generic prior ({prior.source})" if prior.source else "generic prior"
    return Number.model_validate({prior.shape: shape, "unit": prior.unit or "none", "judgement": reason})
