"""The world around the game, in the case's own levels (barrels, dollars, votes). Every part is optional."""

import datetime as dt
from typing import Annotated

from pydantic import Field

from standoff.case.number import Chance, Id, Model, Number, Positive, Prize, Real, Reasons, Share, Words


class Economy(Model):
    """From a quarantine to less money for the coalition. Volumes in kb/d, stocks in mb, money in bn USD."""

    output_norm: Positive
    home_use: Positive
    exempt_exports: Positive
    stock_norm: Positive
    stock_capacity: Positive
    fill_start: Share
    closure_speed: Share
    bite_speed: Share
    return_speed: Share
    discount_norm: Positive
    discount_risk: Real
    cash_share: Share
    other_income: Positive
    usable_reserves: Positive
    draw_rate: Share
    patronage_share: Share
    patronage_priority: Positive
    fx_share: Share
    gap_elasticity: Positive
    gap_persistence: Share
    gap_norm: Real
    export_noise: Positive
    gap_noise: Positive
    stock_drain: Share
    price_norm: Positive
    price_start: Positive
    price_noise: Positive = Field(description="Weekly sd of the log oil price.")


class Faction(Model):
    """A part of the circle: its weight (shares of force and organisation sum to 1) and what ties it."""

    id: Id
    title: Words
    weight: Share
    loyalty: Real
    outside: Real = Field(description="Worth of its place in another order, utility.")
    patronage_weight: Positive
    punishment: Positive
    because: Reasons = Field(default_factory=list)


class Coalition(Model):
    """The circle whose members hold the leader up, as a problem of coordination."""

    factions: Annotated[list[Faction], Field(min_length=1)]
    legitimacy: Share
    insulation: Share
    attempt_success: Chance
    threshold_sd: Positive
    temptation_softness: Positive
    patronage_memory: Share
    legitimacy_weight: Positive
    legitimacy_return: Share
    courts_weight: Positive = Field(description="Utility that full exposure to courts takes from going over.")
    display_gain: Positive


class Forces(Model):
    """What stands behind a strike on both sides."""

    troops_by_rung: dict[Id, Positive] = Field(default_factory=dict)
    aircraft: Number | None = None
    defenders: Number | None = None
    air_defence: Share | None = None
    ground_difficulty: Real | None = None
    because: Reasons = Field(default_factory=list)


class Destination(Model):
    """A place that might take the leader."""

    id: Id
    title: Words
    host: Id | None = None
    offered: Share = Field(description="How firmly it was offered, 0 to 1.")
    court_reach: Share = Field(description="How far courts reach there, 0 to 1.")
    because: Reasons = Field(default_factory=list)


class Exit(Model):
    """What leaving means: places, guarantees, courts, and the circle that must be covered too."""

    destinations: list[Destination] = Field(default_factory=list)
    warrant: Share | None = None
    guarantee_credibility: Chance | None = None
    circle: Number | None = None
    circle_covered_by_demand: Number | None = None


class Patron(Model):
    """An outside helper: what it promised and what came."""

    id: Id
    actor: Id
    promised: Words
    delivered: Words
    fights: Chance
    arms: Chance
    because: Reasons = Field(default_factory=list)


class Successor(Model):
    """A contender for what follows, in shares or on 0 to 1."""

    id: Id
    actor: Id
    force: Share
    legal_claim: Share
    backing: Share
    purse: Share
    because: Reasons = Field(default_factory=list)


class Host(Model):
    """A neighbour that takes in people."""

    id: Id
    actor: Id
    stock: Positive
    because: Reasons = Field(default_factory=list)


class Cascade(Model):
    """What the ending does to the region: people, oil, dependants, armed groups."""

    hosts: list[Host] = Field(default_factory=list)
    exports: Number | None = None
    world_oil: Number | None = None
    ally: Id | None = None
    ally_need: Number | None = None
    ally_own: Number | None = None
    ally_imports: Number | None = None
    ally_from_target: Number | None = None
    armed_groups: Number | None = None


class Vote(Model):
    """A vote of the coercer's legislature on limiting force: net votes for limiting it."""

    id: Id
    date: dt.date
    net: Number
    because: Reasons = Field(default_factory=list)


class Domestic(Model):
    """Opinion and legislature at the coercer's home."""

    support: Share | None = None
    votes: list[Vote] = Field(default_factory=list)
    constraint_cost: Prize | None = None


class World(Model):
    """All modules; each may be left out, and its channel is then switched off."""

    economy: Economy | None = None
    coalition: Coalition | None = None
    force: Forces | None = None
    exit: Exit | None = None
    patrons: list[Patron] = Field(default_factory=list)
    successors: list[Successor] = Field(default_factory=list)
    cascade: Cascade | None = None
    domestic: Domestic | None = None
