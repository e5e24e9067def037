"""Ensembles on a small case: workers, pairing, scenarios, corrections, and what following a record gives."""

import numpy as np
import pytest

from standoff.case.evidence import Event
from standoff.case.load import load_case
from standoff.case.new import TEMPLATE
from standoff.case.world import World
from standoff.errors import UserError
from standoff.game.form import OUTCOMES
from standoff.simulate import engine, ensemble, results
from standoff.simulate.accuracy import Accuracy
from standoff.simulate.ending import ending_code
from standoff.simulate.payoffs import joint_prior
from standoff.simulate.record import record
from standoff.simulate.setup import plan

EACH = 60


def climb(day):
    return Event.model_validate(
        {
            "id": "climb",
            "title": "Up",
            "date": day,
            "side": "coercer",
            "move": {"move": "climb", "rung": "landing-force"},
        }
    )


@pytest.fixture(scope="module")
def case():
    """The template with two rungs, no packages and no world beside the game, over three rounds."""
    found = load_case(TEMPLATE).case
    return found.model_copy(
        update={
            "ladder": [found.ladder[0], found.ladder[3]],
            "packages": [],
            "world": World(),
            "events": [climb("2031-03-18")],
            "crisis": found.crisis.model_copy(update={"rounds": 3}),
        }
    )


def small(case, like=None, seed=7, **more):
    """A plan of four draws; with `like`, in the form of that one, so that nothing is compiled anew."""
    found = plan(case, seed=seed, count=4, nodes=7, paths=50, **more)
    if like is not None:
        assert [stage.states for stage in found.form.stages] == [stage.states for stage in like.form.stages]
        found.__dict__["form"] = like.form
    return found


@pytest.fixture(scope="module")
def compiled(case):
    return small(case)


@pytest.fixture(scope="module")
def job(case, compiled):
    return ensemble.Job(EACH, ensemble.SCENARIOS, ensemble.corrections(compiled), record(case))


@pytest.fixture(scope="module")
def found(compiled, job):
    return engine.run(compiled, job, [0, 1, 2, 3], workers=2)


def flat(part, path=""):
    """All arrays of a result, by path, without the seconds."""
    if isinstance(part, dict):
        return {k: v for name, item in part.items() for k, v in flat(item, f"{path}.{name}").items()}
    if hasattr(part, "__dataclass_fields__"):
        return {
            k: v
            for name in part.__dataclass_fields__
            if name != "seconds"
            for k, v in flat(getattr(part, name), f"{path}.{name}").items()
        }
    if ".quality." in path:
        part = part[:3]
    return {path: np.asarray(part)}


def same(one, other):
    a, b = flat(one), flat(other)
    assert set(a) == set(b)
    return [path for path in a if not np.array_equal(a[path], b[path])]


def test_every_solution_settled(found):
    assert all(quality[0] <= 1e-9 and quality[1] == 0 for r in found for quality in r.quality.values())


def test_workers_do_not_change_a_bit(compiled, job, found):
    alone = engine.run(compiled, job, [0, 1, 2, 3], workers=1)
    assert [r.draw for r in alone] == [0, 1, 2, 3]
    assert [same(a, b) for a, b in zip(alone, found, strict=True)] == [[]] * 4


def test_order_of_the_draws_does_not_change_them(compiled, job, found):
    back = engine.run(compiled, job, [2, 0], workers=2)
    assert [r.draw for r in back] == [2, 0]
    assert same(back[0], found[2]) == []
    assert same(back[1], found[0]) == []


def test_a_plan_that_keeps_fewer_draws_has_the_same_draws(case, compiled, found):
    few = small(case, compiled, seed=7, keep=2)
    pair = ensemble.SCENARIOS[:2]
    some = engine.run(few, ensemble.Job(EACH, pair), [0, 1])
    for one, known in zip(some, found, strict=False):
        for scenario in pair:
            assert np.array_equal(one.ended[scenario.id]["ending"], known.ended[scenario.id]["ending"])


def test_another_seed_gives_other_numbers(case, compiled, found):
    other = small(case, compiled, seed=8)
    one = engine.run(other, ensemble.Job(EACH, ensemble.SCENARIOS[:2]), [0])[0]
    assert not np.array_equal(one.ended["views"]["payoff"], found[0].ended["views"]["payoff"])


def test_without_views_all_scenarios_are_one(case, compiled):
    plain = small(case.model_copy(update={"views": []}), compiled, seed=7)
    one = engine.run(plain, ensemble.Job(EACH, ensemble.SCENARIOS), [1])[0]
    for scenario in ensemble.SCENARIOS:
        if not scenario.known:
            assert np.array_equal(one.ended[scenario.id]["payoff"], one.ended["base"]["payoff"]), scenario.id
    assert not np.array_equal(one.ended["known"]["ending"], one.ended["base"]["ending"])


def test_correcting_the_only_difference_gives_the_base(case, compiled, found):
    """One view with one difference: without it, its holder is in the base."""
    one = case.views[0].model_copy(update={"differences": case.views[0].differences[:1]})
    single = small(case.model_copy(update={"views": [one]}), compiled, seed=7)
    pairs = ensemble.corrections(single)
    assert pairs == (("coercer", "he-will-fold"),)
    got = engine.run(single, ensemble.Job(EACH, ensemble.SCENARIOS[:2], pairs), [2])[0]
    corrected = got.ended["without:coercer:he-will-fold"]
    assert all(np.array_equal(corrected[k], got.ended["base"][k]) for k in corrected)
    assert not np.array_equal(got.ended["views"]["payoff"], got.ended["base"]["payoff"])
    # The base does not know of views.
    assert np.array_equal(got.ended["base"]["payoff"], found[2].ended["base"]["payoff"])


def test_scenarios_of_a_draw_share_their_types(compiled, found):
    for r in found:
        joint = joint_prior(*r.prior["base"], float(compiled.base["parameters.prior.odds_ratio"][r.draw]))
        for c in range(2):
            for t in range(2):
                share = ((r.types[0] == c) & (r.types[1] == t)).sum()
                assert abs(share - EACH * joint[c, t]) <= 2


def test_endings_and_their_rounds(found):
    for r in found:
        for ended in r.ended.values():
            stalemate = ended["ending"] == results.ENDINGS.index("stalemate")
            assert ((ended["round"] >= 0) & (ended["round"] <= 2)).all()
            assert (ended["round"][stalemate] == 2).all()
            assert not ended["package"].any()  # none here
            force = ended["ending"] == results.ENDINGS.index("force")
            assert (ended["round"][force] >= 1).all()  # the rung must be climbed first
            assert ((ended["mode"] > 0) == force).all()


def test_what_the_record_gave(found):
    for r in found:
        for told in r.told.values():
            rounds = 2
            assert told.belief.shape == (rounds, 2, 2)
            assert ((told.belief >= 0) & (told.belief <= 1)).all()
            for side in ("coercer", "target"):
                for table in (told.expected[side], told.own[side], told.ahead[side]):
                    assert table.shape[0] == rounds
                    assert table.sum(1) == pytest.approx(np.ones(rounds), abs=1e-6)
            prior = r.prior["base"]
        # Where both share the base, both hold its priors before anything happened.
        assert r.told["base"].belief[0] == pytest.approx(np.stack([prior, prior]), abs=1e-12)
        assert r.told["views"].belief[0, 0] == pytest.approx(r.prior["coercer"], abs=1e-12)
        assert r.told["views"].belief[0, 1] == pytest.approx(r.prior["target"], abs=1e-12)


def test_a_record_without_moves_is_not_followed(compiled):
    one = engine.run(compiled, ensemble.Job(EACH, ensemble.SCENARIOS[:1], (), None), [0])[0]
    assert one.told == {}


def test_a_failure_in_a_draw_is_raised(compiled, job):
    with pytest.raises(IndexError):
        engine.run(compiled, job, [0, 99], workers=2)


def test_results_are_labelled(compiled, found, job):
    ends = results.endings(found)
    assert dict(ends.sizes) == {"scenario": 8, "draw": 4, "replication": EACH, "side": 2}
    assert set(np.unique(ends["ending"])) <= set(range(len(results.ENDINGS)))
    fixed = results.corrections(compiled, found, job.corrections)
    assert fixed["difference"].values.tolist() == [d for _, d in job.corrections]
    told = results.record(compiled, found, job.record)
    assert told["ahead"].sum("ending").values == pytest.approx(np.ones((2, 2, 2, 4)), abs=1e-6)
    errors = {name: Accuracy(0.0, 0.001, 0.002, 0.001) for name in results.VIEWS}
    quality = results.quality(compiled, found, errors)
    assert float(quality["residual"].max()) <= 1e-9


def test_ending_codes_cover_every_outcome():
    outcome = np.arange(len(OUTCOMES))
    plain = [results.ENDINGS[k] for k in ending_code(outcome, np.zeros(len(OUTCOMES), bool))]
    assert dict(zip(OUTCOMES, plain, strict=True)) == {
        "back-down": "back-down",
        "concession": "agreed-exit",
        "settlement": "deal-he-stays",
        "flight": "flight",
        "force": "force",
        "coup": "removed-within",
        "stalemate": "stalemate",
    }
    settled = ending_code(np.array([OUTCOMES.index("settlement")]), np.array([True]))
    assert results.ENDINGS[settled[0]] == "agreed-exit"


def test_rounds_that_are_no_whole_weeks_are_refused():
    case = load_case(TEMPLATE).case
    odd = case.model_copy(update={"crisis": case.crisis.model_copy(update={"round_days": 10})})
    with pytest.raises(UserError, match="whole weeks"):
        plan(odd, seed=1, count=2)


def test_three_types_are_refused():
    case = load_case(TEMPLATE).case
    three = case.actors[0].model_copy(update={"types": ["a", "b", "c"]})
    with pytest.raises(UserError, match="two a side"):
        plan(case.model_copy(update={"actors": [three, *case.actors[1:]]}), seed=1, count=2)
