"""Mechanisms and levers: what they touch in which case, that views are cut where they should be, and the table."""

import json

import jax.numpy as jnp
import numpy as np
import pytest

from standoff.case.load import load_case, shipped_cases
from standoff.case.new import TEMPLATE
from standoff.case.world import World
from standoff.errors import UserError
from standoff.game.form import COERCER, TARGET
from standoff.game.ladder import Ladder, build
from standoff.game.play import Mind
from standoff.show import beside
from standoff.show import mechanisms as shown
from standoff.simulate import draws as drawing
from standoff.simulate import mechanisms as module
from standoff.simulate.arms import Kept
from standoff.simulate.course import Course, force_in_sight, force_without_word, steered
from standoff.simulate.ending import ENDINGS
from standoff.simulate.mechanism import AFTER, LEVERS, MECHANISMS, touched, with_views_cut
from standoff.simulate.mechanisms import EXITS, effects, mechanisms

BY_ID = {one.id: one for one in (*MECHANISMS, *LEVERS)}


def centre(case):
    return {path: number.centre for path, number in drawing.numbers(case).items()}


@pytest.fixture(scope="module")
def shipped():
    return load_case("venezuela-2025").case


def test_all_twenty_two_are_there_and_no_more():
    assert [one.id for one in MECHANISMS] == [f"M{k}" for k in range(1, 23)]
    assert len(BY_ID) == len(MECHANISMS) + len(LEVERS)
    for one in BY_ID.values():
        assert one.claim
        assert one.source
        assert set(one.asserted) <= set(ENDINGS)
        assert set(one.asserted.values()) <= {"+", "-"}


@pytest.mark.parametrize("one", MECHANISMS, ids=lambda one: one.id)
def test_the_shipped_case_has_every_mechanism_that_can_move_an_ending(shipped, one):
    fixed, there = touched(shipped, one, centre(shipped))
    if one.note == AFTER:
        assert not there
        return
    assert there, one.title
    assert set(fixed) <= set(centre(shipped))


def test_a_case_without_a_world_has_few(shipped):
    bare = load_case(TEMPLATE).case
    there = {one.id for one in MECHANISMS if touched(bare, one, centre(bare))[1]}
    assert not there & {"M3", "M8", "M9", "M16", "M17", "M22"}


def test_trust_in_own_arms_is_cut_from_the_target_alone(shipped):
    cut = with_views_cut(shipped, BY_ID["M6"])
    for before, after in zip(shipped.views, cut.views, strict=True):
        paths = {path for difference in after.differences for path in difference.set}
        if before.holder == "coercer":
            assert after == before
        else:
            assert not any(path.startswith(("world.force", "parameters.force")) for path in paths)
    assert with_views_cut(shipped, BY_ID["M1"]) is shipped


@pytest.mark.slow
def test_effects_of_two_mechanisms_by_their_definition():
    """On against off with the same numbers: a mechanism that the case has not does nothing, exactly."""
    loaded = load_case(TEMPLATE)
    small = loaded.case.model_copy(update={
        "crisis": loaded.case.crisis.model_copy(update={"rounds": 2}), "packages": [],
        "solver": loaded.case.solver.model_copy(update={"nodes": 5, "chain_paths": 50}),
    })  # fmt: skip
    found = mechanisms(
        type(loaded)(**{**vars(loaded), "case": small}), draws=2, replications=40, workers=1,
        ask=[BY_ID["M8"], BY_ID["M14"], BY_ID["L4"], BY_ID["L11"], BY_ID["L12"]],
    )  # fmt: skip
    ready = force_in_sight(small) is not None
    assert found["present"].values.tolist() == [False, True, True, ready, ready]
    assert np.isnan(np.asarray(found["fights"])).all(), "nobody is ready to follow him"
    assert not np.asarray(found["difference"].sel(mechanism="M8")).any()
    total = np.asarray(found["difference"].sum("ending"))
    assert total == pytest.approx(np.zeros_like(total), abs=1e-12)
    said = shown.as_dict(found)
    assert [row["id"] for row in said["mechanisms"]] == ["M14"]
    assert set(said["mechanisms"][0]["effect"]) == set(ENDINGS)
    json.dumps(said)
    assert any("Not in this case: M8" in line for line in shown.lines(found))


def test_solutions_of_a_draw_are_let_go_when_it_is_done(monkeypatch):
    """They take tens of megabytes each, dozens a draw."""
    every, full = [], []

    class Watched(Kept):
        def __init__(self, **how):
            super().__init__(**how)
            every.append(self)

    def chances(made, draw, size, kept, course=None):
        full.append(sum(len(one._found) for one in every))
        kept._found[f"{id(made)}".encode()] = None
        return np.zeros(len(ENDINGS))

    monkeypatch.setattr(module, "Kept", Watched)
    monkeypatch.setattr(module, "_chances", chances)
    loaded = load_case(TEMPLATE)
    bare = loaded.case.model_copy(update={
        "packages": [], "world": World(), "solver": loaded.case.solver.model_copy(update={"chain_paths": 20}),
    })  # fmt: skip
    mechanisms(type(loaded)(**{**vars(loaded), "case": bare}), draws=3, workers=1, ask=[BY_ID["M14"], BY_ID["L4"]])
    assert len(every) == 3
    assert full == [0, 1, 2] * 3
    assert not any(one._found for one in every)


def test_effects_are_kept_only_beside_a_run_of_this_case(tmp_path):
    with pytest.raises(UserError, match="holds no run"):
        beside.require_run(tmp_path, "x")
    (tmp_path / "manifest.json").write_text(json.dumps({"digest": "y"}))
    with pytest.raises(UserError, match="as it was before"):
        beside.require_run(tmp_path, "x")


# A course of moves: two rungs above the first, the top one with strike and ultimatum, one offer a side.


@pytest.fixture(scope="module")
def small():
    still = np.ones((3, 2, 1, 1, 1, 1), dtype=bool)
    return build(Ladder((False, False, True), (False, False, True), 0, 1, 1, 1, still, ((0, 0),)))


def even(form, rounds=3, nodes=2):
    """A mind that plays every move that it can with the same chance."""
    tables = []
    for stage in form.stages:
        log = np.where(stage.mask, -np.log(stage.mask.sum(-1, keepdims=True)), -np.inf)
        tables.append(jnp.asarray(np.broadcast_to(log[None, :, None, None, None, :], (rounds, len(log), nodes, nodes, 2,
                                                                                       log.shape[-1]))))  # fmt: skip
    return Mind(tuple(tables), tuple(jnp.eye(len(stage.moves)) for stage in form.stages))


def chance(form, mind, stage, turn, state, move):
    """Chance that a move is made, as `play` picks it."""
    at = form.stages[form.stage(stage)]
    log = np.asarray(mind.acts[form.stage(stage)][turn, at.states.index(state), 0, 0, 0])
    found = np.exp(log - log.max()) / np.exp(log - log.max()).sum()
    return float(found[at.moves.index(move)]) if move in at.moves else 0.0


def test_a_course_makes_and_bars_moves_in_its_rounds_alone(small):
    course = Course("coercer", {0: "climb", 1: "ultimatum"}, 2, {0: "strike", 1: "strike"})
    first, second = steered(small, (even(small), even(small)), course)
    assert second.acts is None, "the other side plays as it would"
    assert chance(small, first, "coercer", 0, (0, 0, 0, 0, 0), "climb") == 1.0
    assert chance(small, first, "climb", 0, (0, 0, 0, 0, 0), "2") == 1.0
    assert chance(small, first, "coercer", 1, (2, 0, 0, 0, 0), "ultimatum") == 1.0
    assert chance(small, first, "coercer", 1, (2, 0, 1, 0, 0), "ultimatum") < 0.3, "an offer on the table may be taken"
    assert chance(small, first, "coercer", 1, (2, 0, 1, 0, 0), "strike") == 0.0
    assert chance(small, first, "coercer", 1, (2, 0, 1, 0, 0), "accept") > 0.1
    free = chance(small, first, "coercer", 2, (2, 1, 0, 0, 0), "strike")
    assert free == pytest.approx(1 / 5), "afterwards all is as it was: back down, hold, ultimatum, offer, strike"
    assert np.array_equal(first.log_pi[0], even(small).log_pi[0]), "what is expected of him does not change"


def test_who_stands_as_high_already_is_not_made_to_climb(small):
    course = Course("coercer", {0: "climb"}, 1)
    first, _ = steered(small, (even(small), even(small)), course)
    assert chance(small, first, "coercer", 0, (0, 0, 0, 0, 0), "climb") == 1.0
    assert chance(small, first, "coercer", 0, (1, 0, 0, 0, 0), "climb") < 0.5


def test_shadows_keep_to_the_course(small):
    minds = steered(small, tuple(even(small) for _ in range(4)), Course("coercer", {0: "climb"}, 2))
    assert [mind.acts is not None for mind in minds] == [True, False, True, False]
    assert (COERCER, TARGET) == (0, 1)


@pytest.mark.parametrize("name", shipped_cases())
def test_force_in_sight_leaves_the_time_of_an_ultimatum(name):
    """The target has its turn of every round before the one in which force may be used."""
    case = load_case(name).case
    seen, silent = force_in_sight(case), force_without_word(case)
    assert case.ladder[seen.rung].strike
    assert case.ladder[seen.rung].ultimatum
    assert seen.rung == silent.rung
    assert sorted(seen.barred) == list(range(1 + case.crisis.ultimatum_rounds))
    assert set(seen.moves.values()) == {"climb", "ultimatum"}
    assert not silent.barred


def test_a_ladder_without_a_deadline_before_force_has_no_such_lever(shipped):
    rungs = [rung.model_copy(update={"ultimatum": rung.ultimatum and not rung.strike}) for rung in shipped.ladder]
    case = shipped.model_copy(update={"ladder": rungs})
    assert force_in_sight(case) is None
    assert force_without_word(case) is None
    assert touched(case, BY_ID["L12"], centre(shipped)) == ({}, False)


def test_what_follows_an_ending_is_told_by_exit():
    """By hand: three draws of -2, -3 and -4 points have the mean -3 and, by Student's t, the interval -3 ± 2.48."""
    fights = np.full((2, len(EXITS), 3), np.nan)
    fights[0] = np.array([-0.02, -0.03, -0.04])
    found = effects([BY_ID["M17"], BY_ID["L11"]], np.zeros((2, len(ENDINGS), 3)), [None, None], fights)
    found = found.assign_attrs(title="T", draws=3, replications=5, seed=1, status="All settled.")
    lines = shown.lines(found)
    told = next(line for line in lines if "M17" in line and "[" in line)
    assert told.count("−3.0 [−5.5, −0.5]!") == len(EXITS), "the claim is that it raises the chance"
    assert sum("[" in line and "L11" in line for line in lines) == 0
    assert shown.acts_after(found.sel(mechanism="M17"))
    assert not shown.acts_after(found.sel(mechanism="L11"))
