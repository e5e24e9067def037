"""Generic numbers of the library's modules that a case may replace under `world.priors`, and what each can be.

| kind | range | such as |
|---|---|---|
| chance | 0 to 1 | probabilities, shares, chances a week or a year |
| majority | 0.5 to below 1 | the share of power that throws others out |
| size | 0 or more | costs, persons, rates, exponents, standard deviations |
| above | above 0 | what is divided by: half-values, days, ratios |
| below | 0 or less | how demand answers a price |
| free | any | logits, log strengths, points won or lost |
"""

import math
from collections.abc import Mapping

from standoff.case.number import SMALLEST

RANGES: Mapping[str, tuple[float, float]] = {
    "chance": (0.0, 1.0),
    "majority": (0.5, 1.0 - SMALLEST),
    "size": (0.0, math.inf),
    "above": (SMALLEST, math.inf),
    "below": (-math.inf, 0.0),
    "free": (-math.inf, math.inf),
}
WORDS: Mapping[str, tuple[str, str]] = {
    "chance": ("between 0 and 1", "Write a number from 0 to 1."),
    "majority": ("one half or more, and below 1", "Write a number of 0.5 or more, below 1."),
    "size": ("0 or more", "Write a number of 0 or more."),
    "above": ("above 0", "Write a number above 0."),
    "below": ("0 or less", "Write a number of 0 or less."),
}
"""What a number of the kind is, and the remedy where it is not."""

KINDS: Mapping[str, Mapping[str, str]] = {
    "force": {
        "chance": "class_standoff_attack class_manhunt class_capture_30d class_assassination class_share surprise_loss "
        "quagmire_raid quagmire_invasion coupproof_readiness",
        "size": "dead_coercer_raid dead_coercer_invasion",
        "free": "find_norm find_intel find_moves reach_norm reach_ratio reach_surprise quagmire_ground",
    },
    "exits": {
        "chance": "safe_transit host_loss_safe host_loss_warrant host_ally",
        "size": "penalty precision",
        "above": "guarantee_half",
    },
    "patrons": {"chance": "reversal_norm mediator_clarity"},
    "domestic": {
        "size": "approval_value dead_cost occupation constraint_cost",
        "above": "audience_slope",
        "free": "support_success support_dead rally audience_points",
    },
    "succession": {
        "chance": "fight_cost",
        "majority": "winning_share",
        "size": "decisiveness first_noise",
        "above": "first_days",
        "free": "w_force w_legal w_backing w_purse commit_norm commit_leader_gone commit_guarantor order_tilt "
        "coup_tilt fall_tilt deal_norm deal_leverage deal_backing deal_exposure",
    },
    "cascade": {
        "chance": "buffer price_persistence ally_substitution violence_persistence conflict_year",
        "size": "oil_supply_elasticity host_stickiness violence_groups firc_civil_war firc_leader_only "
        "violence_noise exports_noise price_noise outflow_noise ally_noise",
        "above": "world_oil",
        "below": "oil_demand_elasticity",
        "free": "outflow_shortage outflow_violence energy_output_elasticity command_norm command_fragment "
        "command_insider",
    },
}
"""Names by module and kind."""

KIND: Mapping[str, Mapping[str, str]] = {
    module: {name: kind for kind, names in kinds.items() for name in names.split()} for module, kinds in KINDS.items()
}
"""The kind of each number, by module and name."""


def module_bounds() -> dict[str, tuple[float, float]]:
    """Lowest and highest value of each number, by its path below `world.priors`."""
    return {
        f"world.priors.{module}.{name}": RANGES[kind] for module, names in KIND.items() for name, kind in names.items()
    }
