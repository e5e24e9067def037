"""Mechanisms and levers: what they touch in which case, that views are cut where they should be, and the table."""

import json

import numpy as np
import pytest

from standoff.case.load import load_case
from standoff.case.new import TEMPLATE
from standoff.errors import UserError
from standoff.show import beside
from standoff.show import mechanisms as shown
from standoff.simulate import draws as drawing
from standoff.simulate.ending import ENDINGS
from standoff.simulate.mechanism import AFTER, LEVERS, MECHANISMS, touched, with_views_cut
from standoff.simulate.mechanisms import mechanisms

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
        ask=[BY_ID["M8"], BY_ID["M14"], BY_ID["L4"]],
    )  # fmt: skip
    assert found["present"].values.tolist() == [False, True, True]
    assert not np.asarray(found["difference"].sel(mechanism="M8")).any()
    total = np.asarray(found["difference"].sum("ending"))
    assert total == pytest.approx(np.zeros_like(total), abs=1e-12)
    said = shown.as_dict(found)
    assert [row["id"] for row in said["mechanisms"]] == ["M14"]
    assert set(said["mechanisms"][0]["effect"]) == set(ENDINGS)
    json.dumps(said)
    assert any("Not in this case: M8" in line for line in shown.lines(found))


def test_effects_are_kept_only_beside_a_run_of_this_case(tmp_path):
    with pytest.raises(UserError, match="holds no run"):
        beside.require_run(tmp_path, "x")
    (tmp_path / "manifest.json").write_text(json.dumps({"digest": "y"}))
    with pytest.raises(UserError, match="as it was before"):
        beside.require_run(tmp_path, "x")
