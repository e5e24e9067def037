"""Views inside views and views that are dropped, from a case: limits that must hold, and what must move."""

import numpy as np
import pytest

from standoff.case.load import load_case
from standoff.case.new import TEMPLATE
from standoff.case.number import Number
from standoff.case.world import Perception, Scene, Senses, World
from standoff.errors import UserError
from standoff.simulate.minds import Thinking
from standoff.simulate.senses import LATER, delays, scenes, sense
from standoff.simulate.setup import plan


def n(value, unit="share"):
    return Number.model_validate({"value": value, "unit": unit})


@pytest.fixture(scope="module")
def case():
    found = load_case(TEMPLATE).case
    return found.model_copy(
        update={
            "ladder": [found.ladder[0], found.ladder[3]], "packages": [], "world": World(), "events": [],
            "crisis": found.crisis.model_copy(update={"rounds": 3}),
        }
    )  # fmt: skip


def held(case, side):
    return case.view_of(side)


def compiled(case):
    return plan(case, seed=3, count=0, nodes=7, paths=50)


def chance(table):
    return np.exp(np.asarray(table, float))


def test_a_view_whose_inner_view_is_the_same_is_the_view_itself(case):
    """Thinking that the other shares one's view, said as a view inside the view."""
    outer = held(case, "target")
    inner = outer.model_copy(update={"id": "inner", "holder": "coercer", "inside": outer.id})
    nested = case.model_copy(
        update={"views": [held(case, "coercer"), outer.model_copy(update={"other": "inner"}), inner]}
    )
    made = compiled(nested)
    thinking = Thinking(made, 0)
    plain, found = thinking.shared(made.sheet(inner)), thinking.thought(held(nested, "target"))
    assert found.acts is not None
    for stage, own, both in zip(made.form.stages, found.acts, plain.log_pi, strict=True):
        mask = stage.mask[None, :, None, None, None]
        own, both = (np.where(mask, chance(x), 0.0) for x in (own, both))
        assert own == pytest.approx(both, abs=5e-6)  # strategies are kept in single precision


def test_what_he_thinks_the_other_thinks_changes_what_he_does(case):
    outer = held(case, "target")
    inner = outer.model_copy(update={"id": "inner", "holder": "coercer", "inside": outer.id, "differences": []})
    nested = case.model_copy(
        update={"views": [held(case, "coercer"), outer.model_copy(update={"other": "inner"}), inner]}
    )
    made = compiled(nested)
    thinking = Thinking(made, 0)
    mind = thinking.mind(held(nested, "target"), "target")
    shared = thinking.shared(made.sheet(held(nested, "target")))
    target = made.form.stage("target")
    assert np.abs(chance(mind.acts[target]) - chance(shared.log_pi[target])).max() > 1e-3
    # He expects of the other what the base view says, and thinks that the other expects the same of him.
    base = thinking.shared(made.sheet(None))
    for expected, said in zip(mind.log_pi, base.log_pi, strict=True):
        np.testing.assert_array_equal(chance(expected), chance(said))


def test_a_view_with_an_alternative_needs_a_threshold(case):
    outer = held(case, "target").model_copy(update={"alternative": "base"})
    made = compiled(case.model_copy(update={"views": [held(case, "coercer"), outer]}))
    with pytest.raises(UserError, match="threshold"):
        Thinking(made, 0).meet((None, outer))


def test_shadows_stand_beside_both_minds(case):
    outer = held(case, "target").model_copy(update={"alternative": "base"})
    world = World(perception=Perception(target=Senses(threshold=n(20.0, "ratio"))))
    made = compiled(case.model_copy(update={"views": [held(case, "coercer"), outer], "world": world}))
    met = Thinking(made, 0).meet((held(case, "coercer"), outer))
    assert len(met.minds) == len(met.sheets) == 4
    assert float(met.minds[3].threshold) == 20.0
    assert float(met.minds[2].threshold) == np.inf  # the coercer has nothing to turn to
    assert met.sheets[3] is made.sheet(None)


def test_where_nothing_bends_news_there_is_no_sense(case):
    made = compiled(case)
    assert sense(case, made.values(None), "target", 0, rounds=3, days=14.0) is None


def test_layers_lose_and_delay_bad_news(case):
    senses = Senses(layers=n(2.0, "count"), layer_loss=n(0.3), layer_delay=n(1.0, "weeks"), bias=n(0.25))
    bent = case.model_copy(update={"world": World(perception=Perception(target=senses))})
    made = compiled(bent)
    found = sense(bent, made.values(None), "target", 0, rounds=3, days=14.0)
    assert float(found.lost) == pytest.approx(1 - 0.7**2, abs=1e-12)
    assert float(found.flip) == 0.25
    assert float(found.delay.sum()) == pytest.approx(1.0, abs=1e-12)
    assert sense(bent, made.values(None), "coercer", 0, rounds=3, days=14.0) is None


def test_delays_are_those_of_a_gamma():
    """Two layers of a week each: Gamma(4, 1/2) weeks; heard at once if within half a round of two weeks."""
    waits = delays(2.0, 1.0, 2.0)
    x = np.arange(1e-4, 60, 1e-3)
    density = x**3 * np.exp(-2 * x) * 16 / 6
    at_once = np.trapezoid(density[x <= 1.0], x[x <= 1.0])
    next_round = np.trapezoid(density[(x > 1.0) & (x <= 3.0)], x[(x > 1.0) & (x <= 3.0)])
    assert waits[:2] == pytest.approx([at_once, next_round], abs=1e-3)  # steps of the sum
    assert len(waits) == LATER + 1
    np.testing.assert_array_equal(delays(0.0, 1.0, 2.0), np.eye(LATER + 1)[0])


def test_a_scene_is_seen_in_its_round_by_whom_it_concerns(case):
    start = case.crisis.starts
    day = start.fromordinal(start.toordinal() + 15)
    talk = Scene(id="talk", title="A talk", date=day, seen_by="target", kind="talk", ratio=n(0.7, "log ratio"))
    paper = Scene(
        id="paper", title="A paper", date=day, seen_by="target", kind="document", trust=n(0.3), if_firm=n(0.8),
        if_yielding=n(0.2), if_forged=n(0.5),
    )  # fmt: skip
    shown = case.model_copy(update={"world": World(scenes=[talk, paper])})
    made = compiled(shown)
    found = scenes(shown, made.values(None), "target", 0, rounds=3, days=14.0)
    assert found == pytest.approx([0.0, 0.7 + np.log(1.43902439), 0.0], abs=1e-8)  # the known point of the module
    assert not scenes(shown, made.values(None), "coercer", 0, rounds=3, days=14.0).any()
