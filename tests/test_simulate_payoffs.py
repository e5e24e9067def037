"""Payoffs by hand: endings, packages, force, the rung's cost, standing for ever, and the assembled tables."""

import math

import numpy as np
import pytest

from standoff.case.load import load_case
from standoff.case.new import TEMPLATE
from standoff.game.ladder import Ladder, build
from standoff.simulate import draws, payoffs
from standoff.simulate.chains import Levels

DAYS = 14.0


@pytest.fixture(scope="module")
def case():
    return load_case(TEMPLATE).case


@pytest.fixture(scope="module")
def values(case):
    """The template with round numbers where the table of payoffs looks."""
    found = draws.base(case, seed=1, count=0)
    found = found | {
        path: np.array([x])
        for path, x in {
            "parameters.discount": 0.9,
            "parameters.coercer.captured": 1.0,
            "parameters.coercer.survived": -0.2,
            "parameters.coercer.quagmire": -0.5,
            "parameters.coercer.flight": 0.8,
            "parameters.coercer.coup": 0.7,
            "parameters.coercer.audience_top": 0.2,
            "parameters.coercer.audience_slope": 4.0,
            "parameters.coercer.lapse": 0.05,
            "parameters.coercer.force_cost.cautious": 1.1,
            "parameters.coercer.force_cost.determined": 0.3,
            "parameters.target.exit_loss.flexible": 0.6,
            "parameters.target.exit_loss.stubborn": 0.9,
            "parameters.target.flight_loss.flexible": 0.8,
            "parameters.target.flight_loss.stubborn": 1.0,
            "parameters.target.force_loss": 1.3,
            "parameters.target.survived_loss": 0.1,
            "parameters.target.quagmire_loss": 0.9,
            "parameters.target.coup_loss": 1.2,
            "parameters.target.display_cost": 0.01,
            "parameters.target.display_lift": 0.25,
            "parameters.target.squeeze_weight": 0.1,
            "parameters.force.success": 0.5,
            "parameters.force.quagmire": 0.1,
            "parameters.force.escaped": 0.2,
            "parameters.prior.coercer": 0.3,
            "parameters.prior.target": 0.6,
            "parameters.prior.odds_ratio": 2.0,
            "packages.safe-leave.kept": 0.75,
            "packages.spring-vote.kept": 0.5,
            "issues.trial.terms.amnesty.gain": 0.2,
            "issues.trial.terms.amnesty.price": 0.05,
            "issues.governor.terms.stays-a-year.gain": 0.4,
            "issues.governor.terms.stays-a-year.price": 0.5,
            "ladder.blockade.running_cost": 0.003,
            "ladder.blockade.pressure": 0.004,
            "ladder.landing-force.running_cost": 0.005,
        }.items()
    }
    return found


def made_levels(case, draws_=1, squeeze=2, cohesion=2, seed=3):
    """Chains drawn at random, of the shapes that the world's modules compile."""
    stream = np.random.default_rng(seed)
    rungs = len(case.ladder)

    def chance(*shape):
        table = stream.random(shape)
        return table / table.sum(-1, keepdims=True)

    return Levels(
        squeeze=chance(draws_, rungs, squeeze, squeeze),
        cohesion=chance(draws_, rungs, squeeze, cohesion, cohesion),
        removal=0.02 * stream.random((draws_, rungs, cohesion)),
        shortage=np.sort(stream.random((draws_, rungs, squeeze))),
        start=np.zeros((draws_, 2), int),
        distance=np.zeros(draws_),
        folded=0.0,
    )


@pytest.fixture(scope="module")
def form(case):
    return build(
        Ladder(
            strike=tuple(rung.strike for rung in case.ladder),
            ultimatum=tuple(rung.ultimatum for rung in case.ladder),
            start_rung=0,
            patience=1,
            coercer_offers=1,
            target_offers=1,
            reach=np.ones((len(case.ladder), 2, 2, 2, 2, 2), bool),
            levels_start=((0, 0),),
        )
    )


@pytest.fixture(scope="module")
def table(case, values, form):
    return payoffs.assemble(case, values, form, made_levels(case), DAYS).one(0)


def pay(table, form, stage, state, move):
    """[coercer yielding, coercer firm, target yielding, target firm] of a move."""
    index = form.stage(stage)
    found = np.asarray(table.moves[index])[
        :, :, form.stages[index].states.index(state), form.stages[index].moves.index(move)
    ]
    return found.reshape(4).tolist()


def test_endings_by_hand(case, values):
    found = payoffs.endings(case, values)
    assert found["concession"].coercer.tolist() == [1.0]
    assert found["concession"].target[:, 0] == pytest.approx([0.4, 0.1])
    assert found["flight"].coercer.tolist() == [0.8]
    assert found["flight"].target[:, 0] == pytest.approx([0.2, 0.0])
    assert found["coup"].target[:, 0] == pytest.approx([-0.2, -0.2])
    # An amnesty: he goes, 0.75 of 0.2 is kept; it costs the coercer 0.05.
    assert found["safe-leave"].coercer == pytest.approx([0.95])
    assert found["safe-leave"].target[:, 0] == pytest.approx([0.4 + 0.15, 0.1 + 0.15])
    # He stays: no loss of leaving; half of 0.6 is kept; it costs the coercer 0.55.
    assert found["spring-vote"].coercer == pytest.approx([0.45])
    assert found["spring-vote"].target[:, 0] == pytest.approx([1.3, 1.3])


def test_force_by_hand(case, values):
    coercer, target = payoffs.force_worth(case, values)
    # No quagmire (0.9): taken 0.5, in hiding 0.1, beaten but in office 0.4.
    lottery = 0.9 * (0.5 * 1.0 + 0.1 * 0.8 + 0.4 * -0.2) + 0.1 * -0.5
    assert coercer[:, 0] == pytest.approx([lottery - 1.1, lottery - 0.3])
    yielding = 0.9 * (0.5 * -0.3 + 0.1 * 0.2 + 0.4 * 0.9) + 0.1 * 0.1
    firm = 0.9 * (0.5 * -0.3 + 0.1 * 0.0 + 0.4 * 0.9) + 0.1 * 0.1
    assert target[:, 0] == pytest.approx([yielding, firm])


def test_cost_of_backing_down_rises_with_the_rung(case, values):
    # A fourth of the top's cost at the bottom, by equal ratios in between.
    wanted = [0.2 * 4 ** (r / 3 - 1) for r in range(4)]
    assert payoffs.audience(case, values)[:, 0] == pytest.approx(wanted)
    assert wanted[0] == pytest.approx(0.05)
    written = values | {"ladder.patrols.audience": np.array([0.11])}
    assert payoffs.audience(case, written)[1, 0] == 0.11


def test_moves_by_hand(case, table, form):
    back = 0.2 * 4 ** (2 / 3 - 1)
    assert pay(table, form, "coercer", (2, 0, 0, 0, 0), "back-down") == pytest.approx([-back, -back, 1, 1])
    assert pay(table, form, "coercer", (2, 1, 0, 0, 0), "back-down") == pytest.approx([-back - 0.05] * 2 + [1, 1])
    for move in ("hold", "offer", "ultimatum"):
        assert pay(table, form, "coercer", (2, 1, 0, 0, 0), move) == pytest.approx([-0.05, -0.05, 0, 0])
        assert pay(table, form, "coercer", (2, 0, 0, 0, 0), move) == [0, 0, 0, 0]
    assert pay(table, form, "coercer", (2, 1, 0, 0, 0), "climb") == [0, 0, 0, 0]
    assert pay(table, form, "climb", (0, 0, 0, 0, 0), "2") == pytest.approx([-0.01, -0.01, 0, 0])
    assert pay(table, form, "coercer", (0, 0, 1, 0, 0), "accept") == pytest.approx([0.45, 0.45, 1.3, 1.3])
    assert pay(table, form, "target", (0, 0, 1, 0, 0), "accept") == pytest.approx([0.95, 0.95, 0.55, 0.25])
    assert pay(table, form, "target", (0, 0, 0, 0, 0), "concede") == pytest.approx([1, 1, 0.4, 0.1])
    assert pay(table, form, "target", (0, 0, 0, 0, 0), "flee") == pytest.approx([0.8, 0.8, 0.2, 0.0])
    assert pay(table, form, "target", (0, 0, 0, 0, 0), "display") == pytest.approx([0, 0, -0.01, -0.01])
    assert pay(table, form, "target", (0, 0, 0, 0, 0), "defy") == [0, 0, 0, 0]


def test_flow_by_hand(case, values, table, form):
    levels = made_levels(case)
    state = (2, 0, 0, 1, 0, 0)
    delta = 0.9 ** (DAYS / 365.25)
    assert float(table.discount) == pytest.approx(delta)
    flow = np.asarray(table.flow)[:, :, form.nature_states.index(state)]
    office = 1 - delta - 2 * 0.004 - 0.1 * levels.shortage[0, 2, 1] * DAYS / 365.25
    assert flow[0] == pytest.approx([-2 * 0.003] * 2)
    assert flow[1] == pytest.approx([office] * 2)


def test_chances_of_the_levels(case, table, form):
    levels = made_levels(case)
    first = np.array(form.stages[0].states)
    for k, (rung, _, _, s, c, shown) in enumerate(form.nature_states):
        branch = form.branch[k]
        chance = np.asarray(table.chance)[k][branch >= 0]
        assert chance.sum() == pytest.approx(1)
        for b, x in zip(branch[branch >= 0], chance, strict=True):
            to_s, to_c = first[b][3], first[b][4]
            row = levels.cohesion[0, rung, to_s, c]
            if shown:  # with chance 0.25 one level firmer (lower) than it would be; both lead to level 0
                row = 0.75 * row + 0.25 * np.array([1.0, 0.0])
            assert x == pytest.approx(levels.squeeze[0, rung, s, to_s] * row[to_c])
        assert np.asarray(table.hazard)[k][branch >= 0] == pytest.approx(
            levels.removal[0, rung, first[branch[branch >= 0], 4]]
        )


def test_tilt_is_bayes(values, table):
    joint = payoffs.joint_prior(0.3, 0.6, 2.0)
    for own in range(2):
        of_target = joint[own, 1] / joint[own].sum()
        of_coercer = joint[1, own] / joint[:, own].sum()
        shift = np.asarray(table.tilt)
        assert 1 / (1 + math.exp(-(math.log(0.6 / 0.4) + shift[0, own]))) == pytest.approx(of_target)
        assert 1 / (1 + math.exp(-(math.log(0.3 / 0.7) + shift[1, own]))) == pytest.approx(of_coercer)


def test_for_ever_is_the_long_sum(case, values):
    levels = made_levels(case)
    found = payoffs.for_ever(case, values, levels, DAYS)
    flow = payoffs.flows(case, values, levels, DAYS)
    delta, removed = 0.9 ** (DAYS / 365.25), (0.7, -0.2)
    for player in range(2):
        for rung, s0, c0 in ((0, 0, 0), (2, 1, 1), (3, 0, 1)):
            here = np.zeros((2, 2))
            here[s0, c0] = 1.0
            total, factor = 0.0, 1.0
            for _ in range(6000):  # discounted to below 1e-10
                total += factor * (here.sum(1) * flow[player, rung, :, 0]).sum()
                moved = np.einsum("sc,st,tcx->tx", here, levels.squeeze[0, rung], levels.cohesion[0, rung])
                gone = moved * levels.removal[0, rung]
                total += factor * gone.sum() * removed[player]
                here, factor = moved - gone, factor * delta
            assert found[player, rung, s0, c0, 0] == pytest.approx(total, abs=1e-8)


def test_office_without_pressure_is_worth_one(case, values):
    """No pressure, no squeeze, no removal: the target's office is worth 1, the coercer's patience nothing."""
    still = made_levels(case)
    still = Levels(
        still.squeeze, still.cohesion, 0 * still.removal, 0 * still.shortage, still.start, still.distance, 0.0
    )
    found = payoffs.for_ever(case, values, still, DAYS)
    assert found[1, 0] == pytest.approx(np.ones((2, 2, 1)))  # the lowest rung presses nobody
    assert found[0, 0] == pytest.approx(np.zeros((2, 2, 1)))


def test_horizon_is_the_last_rung_for_ever_less_a_lapse(case, values, table, form):
    found = payoffs.for_ever(case, values, made_levels(case), DAYS)
    for state in ((2, 0, 0, 1, 0), (2, 1, 0, 1, 0)):
        wanted = found[:, 2, 1, 0, 0] - np.array([0.05 * state[1], 0.0])
        at = form.stages[0].states.index(state)
        for own in range(2):
            assert np.asarray(table.horizon)[:, own, at] == pytest.approx(wanted)


def test_draws_do_not_mix(case, form):
    """Each draw's tables are those that it has alone."""
    many = draws.base(case, seed=5, count=3)
    levels = made_levels(case, draws_=3)
    both = payoffs.assemble(case, many, form, levels, DAYS)
    one = {path: x[1:2] for path, x in many.items()}
    alone = Levels(
        *(getattr(levels, n)[1:2] for n in ("squeeze", "cohesion", "removal", "shortage", "start", "distance")), 0.0
    )
    single = payoffs.assemble(case, one, form, alone, DAYS).one(0)
    for name, part in vars(both.one(1)).items():
        other = getattr(single, name)
        for a, b in zip(part, other, strict=True) if isinstance(part, tuple) else ((part, other),):
            assert np.asarray(a) == pytest.approx(np.asarray(b), abs=1e-14), name
