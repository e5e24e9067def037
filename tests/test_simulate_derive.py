"""Numbers of the game that the world's modules compute: by hand at the centre, at their limits, and who has his way."""

import numpy as np
import pytest

from standoff.case.load import load_case
from standoff.case.new import TEMPLATE
from standoff.case.number import Number, Shift
from standoff.case.world import Destination, Domestic, Exit, Forces, Mediator, Reversal, Successor, World
from standoff.errors import UserError
from standoff.simulate.derive import derive
from standoff.simulate.payoffs import for_ever
from standoff.simulate.setup import plan


def n(value, unit="share"):
    return Number.model_validate({"value": value, "unit": unit})


def with_world(**parts):
    found = load_case(TEMPLATE).case
    return found.model_copy(update={"world": World(**parts)})


def at_centre(case, **more):
    made = plan(case, seed=1, count=0, nodes=5, **more)
    return made, made.values(None)


EXIT = Exit(
    destinations=[Destination(id="island", title="An island", offered=n(1.0), court_reach=n(0.0))],
    warrant=n(0.0), guarantee_credibility=n(0.5), circle=n(40.0), circle_covered_by_demand=n(0.0),
)  # fmt: skip


def test_a_case_without_modules_computes_nothing():
    made, values = at_centre(with_world())
    assert derive(made.case, values) == {}
    assert values["parameters.force.success"] == made.base["parameters.force.success"]


def test_without_warrants_an_exit_is_worth_what_was_typed_but_for_the_rare_host():
    made, values = at_centre(with_world(exit=EXIT))
    typed, computed = made.base[_exit(made)][0], values[_exit(made)][0]
    force = made.base["parameters.target.force_loss"][0]
    h, dl = 0.0025, made.base["parameters.discount"][0]
    week = dl ** (1 / 52)
    lost = 1 - (1 - h) ** (1 / 52)
    ease = (1 - typed) * (1 - week)
    worth = (ease + week * lost * (1 - force)) / (1 - week * (1 - lost))
    assert computed == pytest.approx(1 - worth, abs=1e-9)
    assert typed < computed < typed + 0.03


def _exit(made):
    return f"parameters.target.exit_loss.{made.case.leader('target').types[0]}"


def test_warrants_make_leaving_worth_less_and_guarantees_more():
    losses = []
    for warrant, trust in ((0.0, 0.5), (1.0, 0.9), (1.0, 0.5), (1.0, 0.0)):
        given = EXIT.model_copy(update={"warrant": n(warrant), "guarantee_credibility": n(trust)})
        made, values = at_centre(with_world(exit=given))
        losses.append(values[_exit(made)][0])
    assert losses == sorted(losses)
    assert losses[0] < losses[-1]


def test_the_circle_stops_him_by_half_at_forty_and_never_if_all_are_covered():
    _made, values = at_centre(with_world(exit=EXIT))
    assert values["parameters.target.blocked"][0] == pytest.approx(0.5, abs=1e-12)  # the generic half is 40
    whole = EXIT.model_copy(update={"circle_covered_by_demand": n(40.0)})
    _, values = at_centre(with_world(exit=whole))
    assert values["parameters.target.blocked"][0] == 0.0
    assert values["parameters.target.flight_blocked"][0] == pytest.approx(0.5, abs=1e-12)


def test_a_concession_that_is_stopped_is_worth_staying_less_the_penalty():
    """With a chance of one half: the mean of going, and of the rung for ever less the penalty."""
    made, values = at_centre(with_world(exit=EXIT))
    pays = made.sheet(None).payoffs.one(0)
    form = made.form
    index = form.stage("target")
    stage = form.stages[index]
    concede = stage.moves.index("concede")
    levels = made.sheet(None).levels
    ever = for_ever(made.case, values, levels, made.days)
    for s, (rung, _, _, squeeze, cohesion) in enumerate(stage.states):
        stays = ever[1, rung, squeeze, cohesion, 0] - values["parameters.target.blocked_penalty"][0]
        goes = 1 - values[_exit(made)][0]
        assert float(pays.moves[index][1, 0, s, concede]) == pytest.approx(0.5 * (goes + stays), abs=1e-9)
        lost = ever[0, rung, squeeze, cohesion, 0]
        assert float(pays.moves[index][0, 0, s, concede]) == pytest.approx(0.5 * (1.0 + lost), abs=1e-9)


def test_forces_decide_the_lottery_and_a_view_that_types_it_has_its_way():
    forces = Forces(ratio=n(3.0, "ratio"), intelligence=n(0.9), moves_about=n(0.2), surprise=n(0.7))
    case = with_world(force=forces)
    made, values = at_centre(case)
    weak, _ = at_centre(with_world(force=forces.model_copy(update={"ratio": n(0.3, "ratio")})))
    assert weak.values(None)["parameters.force.success"][0] < values["parameters.force.success"][0]
    view = case.views[0]
    typed = view.differences[0].model_copy(
        update={"set": {"parameters.force.success": Shift.model_validate({"value": 0.123})}}
    )
    held = case.model_copy(update={"views": [view.model_copy(update={"differences": [typed]})]})
    made = plan(held, seed=1, count=0, nodes=5)
    assert made.values(held.views[0])["parameters.force.success"][0] == pytest.approx(0.123)
    assert made.values(None)["parameters.force.success"][0] == pytest.approx(values["parameters.force.success"][0])


def test_a_running_deadline_takes_surprise_from_a_strike():
    made, values = at_centre(with_world(force=Forces(ratio=n(3.0, "ratio"), surprise=n(0.9))))
    assert values["parameters.force.deadline_tilt"][0] < 0
    stage = made.form.stages[made.form.stage("coercer")]
    strike = stage.moves.index("strike")
    pays = made.sheet(None).payoffs.one(0).moves[made.form.stage("coercer")]
    worth = {}
    for s, (rung, clock, *_) in enumerate(stage.states):
        if stage.mask[s, strike]:
            worth.setdefault(rung, {})[int(clock == 1)] = float(pays[0, 0, s, strike])
    pairs = [found for found in worth.values() if len(found) == 2]
    assert pairs
    assert all(found[1] < found[0] for found in pairs)


def test_a_public_at_home_prices_retreat_and_force():
    case = with_world(domestic=Domestic(support=n(0.3)))
    made, values = at_centre(case)
    points, value, slope = 16.0, 0.01, 1.5
    assert values["parameters.coercer.audience_top"][0] == pytest.approx(points * value * slope**0.5, rel=1e-9)
    assert values["parameters.coercer.quagmire"][0] == pytest.approx(-1.0, abs=1e-12)  # the generic occupation
    top = made.case.ladder[-1].id
    assert values[f"ladder.{top}.home_cost"][0] == pytest.approx(0.08 * np.log10(4.0) - 0.01 * 1.5, abs=1e-9)


def test_reversal_is_worth_waiting_for_and_vanishes_exactly_without():
    plain, values = at_centre(with_world())
    none, zero = at_centre(with_world(reversal=Reversal(undone=n(0.0, "steps"), watched=n(0.0, "years")),
                                      priors={"patrons": {"reversal_norm": n(0.0)}}))  # fmt: skip
    some, likely = at_centre(with_world(reversal=Reversal(undone=n(3.0, "steps"), watched=n(5.0, "years"))))
    levels = plain.sheet(None).levels
    ever = [for_ever(made.case, v, levels, made.days) for made, v in ((plain, values), (none, zero), (some, likely))]
    np.testing.assert_array_equal(ever[1], ever[0])
    assert (ever[2][1, -1] > ever[0][1, -1]).all()  # the target gains at the top rung
    np.testing.assert_allclose(ever[2][:, 0], ever[0][:, 0], rtol=1e-12)  # nothing to undo at the first


def test_a_go_between_clears_channels():
    case = with_world(mediators=[Mediator(id="m", actor="x", informed=n(1.0), present=n(1.0))])
    _made, values = at_centre(case)
    assert values["parameters.clarity"][0] == pytest.approx(0.3, abs=1e-12)  # the generic mean
    channel = case.channels[0]
    noisy = {f"channels.{channel.id}.chance": 0.5}
    loud = plan(case, seed=1, count=0, nodes=5, fixed=noisy)
    stage = loud.form.stages[loud.form.stage(channel.sender)]
    table = loud.sheet(None).reading[loud.form.stage(channel.sender)][0]
    m = stage.moves.index(next(move for move in channel.moves if move in stage.moves))
    assert table[m, m] == pytest.approx(1 - 0.5 * 0.7, abs=1e-12)


def test_what_follows_decides_what_an_ending_is_worth_to_the_coercer():
    def one(name, **more):
        parts = {"force": n(0.5), "legal_claim": n(0.5), "backing": n(0.5), "purse": n(0.5)} | more
        return Successor(id=name, actor=name, **parts)

    alike = with_world(successors=[one("a"), one("b")])
    _, values = at_centre(alike)
    worth = {name: values[f"parameters.coercer.{name}"][0] for name in ("captured", "flight", "coup")}
    assert all(0.2 <= found <= 1.0 for found in worth.values())
    assert worth["flight"] > worth["captured"]  # half of the flights end as protests do, often in a democracy
    friendly = with_world(successors=[one("a", backing=n(1.0)), one("b", backing=n(1.0))])
    _, better = at_centre(friendly)
    assert better["parameters.coercer.captured"][0] > worth["captured"]


def test_a_misspelt_prior_is_refused_with_what_there_is():
    with pytest.raises(UserError, match="the library has no such module"):
        at_centre(with_world(exit=EXIT, priors={"exit": {"penalty": n(0.1)}}))
    with pytest.raises(UserError, match="reads no such number"):
        at_centre(with_world(exit=EXIT, priors={"exits": {"penaltie": n(0.1)}}))
