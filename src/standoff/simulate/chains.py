"""The world's chains for a set of draws: squeeze and cohesion levels, removal from within, shortage.

Compiled by the world's modules from the numbers of a view. Changes of level rarer than `RARE` a round are
folded into staying, so that levels out of reach cost nothing; the largest chance so folded is kept.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from standoff.case.crisis import Case
from standoff.simulate.draws import Values
from standoff.world.chain import RungInputs, compile_chains
from standoff.world.coalition import CoalitionParameters
from standoff.world.economy import EconomyParameters

RARE = 0.02


@dataclass(frozen=True, eq=False)
class Levels:
    """Chains by draw and rung: `squeeze[d, r, s, s']`, `cohesion[d, r, s', c, c']`, `removal[d, r, c']`.

    `shortage[d, r, s]` is the mean share of patronage missing at a squeeze level; `start[d]` the first levels;
    `distance[d]` the total variation between the chain and the world that it stands for; `folded` see above.
    """

    squeeze: np.ndarray
    cohesion: np.ndarray
    removal: np.ndarray
    shortage: np.ndarray
    start: np.ndarray
    distance: np.ndarray
    folded: float


ECONOMY = (
    "output_norm", "home_use", "stock_norm", "stock_capacity", "discount_norm", "discount_risk", "price_norm",
    "other_income", "usable_reserves", "gap_norm", "fill_start", "closure_speed", "bite_speed", "return_speed",
    "stock_drain", "cash_share", "draw_rate", "patronage_share", "patronage_priority", "fx_share",
    "gap_elasticity", "gap_persistence", "export_noise", "gap_noise",
)  # fmt: skip


def used(case: Case) -> set[str]:
    """Paths whose values the chains depend on; a view that differs in none of them shares the base's chains."""
    paths = {"parameters.removal"}
    rungs = [rung.id for rung in case.ladder]
    paths |= {f"ladder.{rung}.{name}" for rung in rungs for name in ("quarantine", "courts")}
    if case.world.economy is not None:
        paths |= {f"world.economy.{name}" for name in (*ECONOMY, "exempt_exports", "price_start", "price_noise")}
    if case.world.coalition is not None:
        names = ("weight", "loyalty", "outside", "patronage_weight", "punishment")
        paths |= {f"world.coalition.factions.{f.id}.{n}" for f in case.world.coalition.factions for n in names}
        paths |= {f"world.coalition.{name}" for name in type(case.world.coalition).model_fields}
    return paths


def _economy(case: Case, values: Values) -> EconomyParameters | None:
    if case.world.economy is None:
        return None
    return EconomyParameters(**{name: jnp.asarray(values[f"world.economy.{name}"]) for name in ECONOMY})


def _coalition(case: Case, values: Values) -> CoalitionParameters | None:
    if case.world.coalition is None:
        return None
    at = "world.coalition"
    factions = [f"{at}.factions.{faction.id}" for faction in case.world.coalition.factions]

    def by_faction(name: str) -> jax.Array:
        return jnp.asarray(np.stack([values[f"{path}.{name}"] for path in factions]))

    def one(name: str) -> jax.Array:
        return jnp.asarray(values[f"{at}.{name}"])

    weight = by_faction("weight")
    # What a disputed vote took is gone for good; base rates of removal are those of a circle without such a loss.
    shock = jnp.asarray(values.get(f"{at}.vote_shock", np.zeros_like(values["parameters.removal"])))
    return CoalitionParameters(
        weight=weight / weight.sum(0, keepdims=True),
        loyalty=by_faction("loyalty"), outside=by_faction("outside"),
        patronage_weight=by_faction("patronage_weight"), punishment=by_faction("punishment"),
        temptation_softness=one("temptation_softness"), threshold_sd=one("threshold_sd"),
        removal_hazard_norm=jnp.asarray(values["parameters.removal"]), attempt_success=one("attempt_success"),
        patronage_memory=one("patronage_memory"), legitimacy_weight=one("legitimacy_weight"),
        legitimacy_norm=one("legitimacy") + shock, legitimacy_rest=one("legitimacy"), legitimacy_lost=shock,
        legitimacy_return=one("legitimacy_return"), display_gain=one("display_gain"),
        insulation_norm=one("insulation"), courts_weight=one("courts_weight"),
    )  # fmt: skip


def levels(
    case: Case, values: Values, *, seed: int, weeks: int, rounds: int, paths: int, common: bool = False
) -> Levels:
    """Compile the chains for all draws at once.

    `weeks` per round; `paths` of the world's noise per draw, the same noise in all draws if `common`.
    """
    count = len(next(iter(values.values())))

    def by_rung(name: str) -> np.ndarray:
        zero = np.zeros(count)
        return np.stack([values.get(f"ladder.{rung.id}.{name}", zero) for rung in case.ladder])

    economy = case.world.economy
    zeros = np.zeros(count)
    exempt = values["world.economy.exempt_exports"] if economy else zeros
    inputs = RungInputs(
        quarantine=jnp.asarray(by_rung("quarantine")),
        exempt=jnp.asarray(np.broadcast_to(exempt, (len(case.ladder), count))),
        courts=jnp.asarray(by_rung("courts")),
        threat=jnp.zeros((len(case.ladder), count)),
        brent_start=jnp.asarray(values["world.economy.price_start"] if economy else zeros),
        brent_sd=jnp.asarray(values["world.economy.price_noise"] if economy else zeros),
        removal_year=jnp.asarray(values["parameters.removal"]),
    )
    found = compile_chains(
        jax.random.key(seed), _economy(case, values), _coalition(case, values), inputs,
        weeks_per_round=weeks, rounds=rounds, paths=paths, common=common,
    )  # fmt: skip
    squeeze, folded_s = _fold(np.asarray(found.squeeze))
    cohesion, folded_c = _fold(np.asarray(found.cohesion))
    return Levels(
        squeeze, cohesion, np.asarray(found.removal), np.asarray(found.shortage), np.asarray(found.start),
        np.asarray(found.distance), max(folded_s, folded_c),
    )  # fmt: skip


def repeat(found: Levels, count: int) -> Levels:
    """The chains of one draw, for `count` of them."""

    def each(values: np.ndarray) -> np.ndarray:
        return np.repeat(values, count, axis=0)

    return Levels(
        each(found.squeeze), each(found.cohesion), each(found.removal), each(found.shortage), each(found.start),
        each(found.distance), found.folded,
    )  # fmt: skip


def _fold(chance: np.ndarray) -> tuple[np.ndarray, float]:
    """Fold rare changes into staying; also return the largest total chance folded in one row."""
    stay = np.eye(chance.shape[-1], dtype=bool)
    rare = (chance < RARE) & ~stay
    kept = np.where(rare, 0.0, chance)
    lost = np.where(rare, chance, 0.0).sum(-1)
    return kept + lost[..., None] * stay, float(lost.max())
