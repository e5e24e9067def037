"""What each side gets from each ending and each week, with generic priors where a case says nothing.

Two units. *Prize*: the coercer's demand met is 1 (0 is the crisis dropped at no cost). *Office*: the
target's keeping office for good is 1, and holding it pays 1 - (discount per round) a round; losses below
are subtracted from 1. The generic priors are judgement without any case in view (design decisions, 2026);
a case replaces them one by one, with a reason each.
"""

from typing import Any

from pydantic import Field

from standoff.case.number import Above, Chance, Cost, Id, Loss, Model, Number, Office, Positive, Prize, Real


def _generic(unit: str, **shape: float | list[float]) -> Any:  # noqa: ANN401 (a field)
    return Field(default_factory=lambda: Number.model_validate({**shape, "unit": unit, "judgement": "generic prior"}))


ByType = dict[Id, Number]


class Precision(Model):
    """Logit precision per unit of the side's own stake, per decision (McKelvey & Palfrey 1998)."""

    coercer: Positive = _generic("per prize", lognormal=[5.0, 0.4])
    target: Positive = _generic("per office", lognormal=[5.0, 0.4])


class Prior(Model):
    """Chance, before the first round, of the second-named type of each side; odds ratio between them."""

    coercer: Chance = _generic("probability", beta=[2.0, 2.0])
    target: Chance = _generic("probability", beta=[2.0, 2.0])
    odds_ratio: Above = _generic("odds ratio", value=1.0)


class CoercerStakes(Model):
    """What the coercer gets, in prizes. `force_cost` is by type, in the order of the actor's types.

    `unaligned` and `disorder` are what it is worth that the leader is gone and another like him, or nobody, follows;
    with contenders in the case, `captured`, `flight` and `coup` are computed from them.
    """

    force_cost: dict[Id, Cost] = Field(default_factory=dict)
    captured: Prize = _generic("prize", value=1.0)
    survived: Prize = _generic("prize", range=[-0.4, -0.2, 0.0])
    quagmire: Prize = _generic("prize", range=[-1.5, -0.7, -0.2])
    flight: Prize = _generic("prize", range=[0.6, 0.8, 1.0])
    coup: Prize = _generic("prize", range=[0.4, 0.7, 1.0])
    audience_top: Cost = _generic("prize", lognormal=[0.16, 0.3])
    audience_slope: Above = _generic("ratio top to bottom", lognormal=[1.5, 0.3])
    lapse: Cost = _generic("prize", lognormal=[0.08, 0.5])
    unaligned: Prize = _generic("prize", range=[0.3, 0.6, 0.9])
    disorder: Prize = _generic("prize", range=[-0.2, 0.2, 0.5])


class TargetStakes(Model):
    """What the target loses, in offices (keeping office for good is 1); by type where marked."""

    exit_loss: dict[Id, Office] = Field(default_factory=dict)
    force_loss: Loss = _generic("office", lognormal=[1.3, 0.1])
    survived_loss: Office = _generic("office", range=[0.0, 0.15, 0.4])
    quagmire_loss: Office = _generic("office", range=[0.6, 0.9, 1.2])
    flight_loss: dict[Id, Office] = Field(default_factory=dict)
    coup_loss: Loss = _generic("office", range=[0.9, 1.1, 1.3])
    squeeze_weight: Positive = _generic("office per year at no patronage", lognormal=[0.1, 0.5])
    display_cost: Loss = _generic("office", lognormal=[0.01, 0.5])
    display_lift: Chance = _generic("probability", beta=[2.0, 18.0])


class Lottery(Model):
    """What a strike brings: chances of the leader in hand or dead, and of a long ground war.

    `success` is conditional on no quagmire; given success he is killed with chance `killed`; given no
    success he goes into hiding out of office with chance `escaped`, else stays, beaten but in office.
    """

    success: Chance = _generic("probability", beta=[4.0, 6.0])
    quagmire: Chance = _generic("probability", beta=[1.0, 24.0])
    killed: Chance = _generic("probability", beta=[2.0, 8.0])
    escaped: Chance = _generic("probability", beta=[2.0, 8.0])


class Parameters(Model):
    """The base game's numbers."""

    precision: Precision = Field(default_factory=Precision)
    prior: Prior = Field(default_factory=Prior)
    discount: Chance = _generic("per year", beta=[36.0, 4.0])
    coercer: CoercerStakes = Field(default_factory=CoercerStakes)
    target: TargetStakes = Field(default_factory=TargetStakes)
    force: Lottery = Field(default_factory=Lottery)
    removal: Chance = _generic("per year", lognormal=[0.02, 0.16])
    silence_weight: Chance = _generic("share", value=0.5)
    extra: dict[Id, Real] = Field(default_factory=dict, description="Numbers kept for the record only.")


GENERIC_BY_TYPE: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "force_cost": ({"lognormal": [1.2, 0.5]}, {"lognormal": [0.3, 0.5]}),
    "exit_loss": ({"lognormal": [0.6, 0.2]}, {"lognormal": [0.9, 0.2]}),
    "flight_loss": ({"lognormal": [0.9, 0.2]}, {"lognormal": [1.1, 0.2]}),
}
"""Generic numbers by type: first the yielding type (first-named), then the firm one."""
