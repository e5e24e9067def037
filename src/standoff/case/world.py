"""The world around the game, in the case's own levels (barrels, dollars, votes). Every part is optional."""

import datetime as dt
from typing import Annotated, Literal

from pydantic import Field, model_validator

from standoff.case.number import Above, Chance, Cost, Id, Model, Number, Positive, Real, Reasons, Share, Words


class Economy(Model):
    """From a quarantine to less money for the coalition. Volumes in kb/d, stocks in mb, money in bn USD."""

    output_norm: Positive
    home_use: Positive
    exempt_exports: Positive
    stock_norm: Positive
    stock_capacity: Above
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
    threshold_sd: Above
    temptation_softness: Above
    patronage_memory: Share
    legitimacy_weight: Positive
    legitimacy_return: Share
    courts_weight: Positive = Field(description="Utility that full exposure to courts takes from going over.")
    display_gain: Positive
    vote_shock: Share | None = Field(None, description="Legitimacy that a disputed vote took before the crisis.")


class Forces(Model):
    """What stands behind a strike on both sides; the lottery is computed from it where forces are given.

    Either `ratio` (assault and air power over ready local defence, at the highest count of troops) or `defenders`.
    """

    kind: Literal["raid", "air_campaign", "invasion"] = "raid"
    ratio: Positive | None = None
    troops_by_rung: dict[Id, Positive] = Field(default_factory=dict)
    aircraft: Positive | None = None
    defenders: Positive | None = None
    air_defence: Share | None = None
    ground_difficulty: Real | None = None
    readiness: Share | None = Field(None, description="Share of the defenders ready where they are needed.")
    intelligence: Share | None = Field(None, description="On where the leader is, 0 to 1.")
    moves_about: Share | None = Field(None, description="How much the leader moves about, 0 to 1.")
    surprise: Share | None = None
    losses: Positive | None = Field(None, description="Own dead that the coercer expects, over the usual.")
    because: Reasons = Field(default_factory=list)


class Destination(Model):
    """A place that might take the leader."""

    id: Id
    title: Words
    host: Id | None = None
    offered: Share = Field(description="How firmly it was offered, 0 to 1.")
    court_reach: Share = Field(description="How far courts reach there, 0 to 1.")
    public_from: dt.date | None = Field(None, description="Day from which it was named in public.")
    because: Reasons = Field(default_factory=list)


class Exit(Model):
    """What leaving means: places, guarantees, courts, and the circle that must be covered too."""

    destinations: list[Destination] = Field(default_factory=list)
    warrant: Share | None = None
    guarantee_credibility: Chance | None = None
    circle: Positive | None = None
    circle_covered_by_demand: Positive | None = None
    safe_conduct: Share | None = Field(None, description="Share of the risk of the way that agreed terms take away.")
    horizon: Positive | None = Field(None, description="Years that the guarantor's own government lasts.")


class Patron(Model):
    """An outside helper: what it promised and what came."""

    id: Id
    actor: Id
    promised: Words
    delivered: Words
    fights: Chance
    arms: Chance
    public_from: dt.date | None = Field(None, description="Day from which its help was spoken of.")
    because: Reasons = Field(default_factory=list)


class Mediator(Model):
    """A go-between: what he knows of his own decides how much of the noise between the sides he removes."""

    id: Id
    actor: Id
    informed: Share
    present: Share = Field(description="How far both sides heard him, 0 to 1.")
    public_from: dt.date | None = Field(None, description="Day from which his part was public.")
    because: Reasons = Field(default_factory=list)


class Reversal(Model):
    """Steps of the coercer's country that later governments undid: what teaches patience."""

    undone: Positive = Field(description="Steps undone.")
    watched: Positive = Field(description="Years for which such steps stood and were watched.")
    because: Reasons = Field(default_factory=list)


class Successor(Model):
    """A contender for what follows, in shares or on 0 to 1."""

    id: Id
    actor: Id
    force: Share
    legal_claim: Share
    backing: Share
    purse: Share
    insider: bool = Field(True, description="Whether of the old order; else of its opposition.")
    military: bool = False
    rival_backing: Share | None = Field(None, description="Backing by powers that oppose the coercer.")
    exposure: Share | None = Field(None, description="Own exposure to courts, 0 to 1.")
    public_from: dt.date | None = Field(None, description="Day from which he was seen as a contender.")
    because: Reasons = Field(default_factory=list)


class Succession(Model):
    """What else decides the succession, each on 0 to 1; one half where nothing is said."""

    personal: Share | None = Field(None, description="How far rule is personal: the leader holds rivals apart.")
    opposition: Share | None = Field(None, description="Force of the opposition.")
    split: Share | None = Field(None, description="Split of the army.")
    aim: Share | None = Field(None, description="0: the coercer wants the leader gone; 1: another order.")
    guarantor: Share | None = Field(None, description="Outside guarantor of a bargain among the circle.")
    leverage: Share | None = Field(None, description="Share of export income that the coercer controls.")
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
    exports: Positive | None = None
    world_oil: Above | None = None
    ally: Id | None = None
    ally_need: Positive | None = None
    ally_own: Positive | None = None
    ally_imports: Positive | None = None
    ally_from_target: Positive | None = None
    armed_groups: Positive | None = None


class Vote(Model):
    """A vote of the coercer's legislature on limiting force: net votes for limiting it."""

    id: Id
    date: dt.date
    net: Real
    public_from: dt.date | None = Field(None, description="Day from which it was public, if not its date.")
    because: Reasons = Field(default_factory=list)


class Domestic(Model):
    """Opinion and legislature at the coercer's home."""

    support: Share | None = None
    votes: list[Vote] = Field(default_factory=list)
    constraint_cost: Cost | None = None
    vote_norm: Real | None = Field(None, description="Net votes for limiting force, before force.")
    vote_support: Real | None = Field(None, description="Net votes per ten points of support for force.")
    vote_force: Real | None = Field(None, description="Net votes added by the first use of force.")
    vote_noise: Positive | None = None
    legal_by_rung: dict[Id, Share] = Field(
        default_factory=dict, description="Legal steps that stand at a rung and lighten the constraint, 0 to 1."
    )


class Senses(Model):
    """How news reaches a leader and moves him. All at 0 (one decides: 0) is Bayes on the record as it is."""

    bias: Chance | None = Field(None, description="Chance that news against what he believes is taken as for it.")
    layers: Positive | None = Field(None, description="Advisers between news and leader.")
    layer_loss: Chance | None = Field(None, description="Bad news lost at each.")
    layer_delay: Positive | None = Field(None, description="Weeks that bad news waits at each.")
    leader_weight: Share | None = Field(None, description="Weight of the leader himself in what his state believes.")
    threshold: Above | None = Field(
        None, description="Bayes factor at which he drops his view for its `alternative`; without it, never."
    )


class Perception(Model):
    """Senses of both leaders. The base usually has none: they belong to views."""

    coercer: Senses = Field(default_factory=Senses)
    target: Senses = Field(default_factory=Senses)


class Scene(Model):
    """A public scene that is no move of the game, and what it tells a side about the other.

    Either `ratio`, the log-likelihood ratio for the other's firm type, or, for a document of doubtful origin, chances
    if the other is firm, if he is not, and if the document is forged, with the trust in it.
    """

    id: Id
    title: Words
    date: dt.date
    seen_by: Literal["coercer", "target"]
    kind: Literal["talk", "mockery", "document", "warning", "other"] = "other"
    ratio: Real | None = None
    trust: Chance | None = None
    if_firm: Chance | None = None
    if_yielding: Chance | None = None
    if_forged: Chance | None = None
    public_from: dt.date | None = Field(None, description="Day from which it was public, if not its date.")
    because: Reasons = Field(default_factory=list)

    @model_validator(mode="after")
    def _one_way(self) -> "Scene":
        chances = (self.trust, self.if_firm, self.if_yielding, self.if_forged)
        given = sum(chance is not None for chance in chances)
        if given not in (0, 4) or (self.ratio is None) == (given == 0):
            raise ValueError("give either 'ratio', or all of 'trust', 'if_firm', 'if_yielding' and 'if_forged'")
        return self


class World(Model):
    """All modules; each may be left out, and its channel is then switched off."""

    economy: Economy | None = None
    coalition: Coalition | None = None
    force: Forces | None = None
    exit: Exit | None = None
    patrons: list[Patron] = Field(default_factory=list)
    mediators: list[Mediator] = Field(default_factory=list)
    reversal: Reversal | None = None
    perception: Perception = Field(default_factory=Perception)
    scenes: list[Scene] = Field(default_factory=list)
    successors: list[Successor] = Field(default_factory=list)
    succession: Succession = Field(default_factory=Succession)
    cascade: Cascade | None = None
    domestic: Domestic | None = None
    priors: dict[Id, dict[Id, Number]] = Field(
        default_factory=dict, description="Generic numbers of the library's modules that this case replaces."
    )
