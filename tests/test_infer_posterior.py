"""The whole of an inference on a small case: against a plain sum over a grid, resumed, and with pieces left out."""

import datetime as dt
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import standoff.case
from standoff.case.evidence import Event
from standoff.case.load import load_case
from standoff.case.world import World
from standoff.errors import UserError
from standoff.infer.evaluate import Evaluator
from standoff.infer.leave_out import leave_out
from standoff.infer.likelihood import Group
from standoff.infer.parameters import parameters, require_read
from standoff.infer.posterior import infer, marginal, shares, weighted
from standoff.infer.summary import ALL, whole

TEMPLATE = Path(standoff.case.__file__).parent / "template"
OVER = ["cost=parameters.coercer.force_cost.determined", "parameters.precision.coercer"]
SIZES = {"over": OVER, "draws": 96, "tellings": 8, "nodes": 7}


def event(name, day, side, move):
    return Event.model_validate(
        {"id": name, "title": name, "date": day, "side": side, "move": move, "because": {"source": name}}
    )


def same(one, other):
    """Equal but for the last digit, in which sums of numpy may differ from call to call."""
    xr.testing.assert_allclose(one, other, rtol=0, atol=1e-9)


@pytest.fixture(scope="module")
def small():
    """The template with two rungs, no packages, no world, two rounds, and a climb and a show of strength on record."""
    found = load_case(TEMPLATE)
    top = found.case.ladder[3]
    case = found.case.model_copy(
        update={
            "ladder": [found.case.ladder[0], top], "packages": [], "world": World(),
            "crisis": found.case.crisis.model_copy(update={"rounds": 2}),
            "events": [
                event("fleet", dt.date(2031, 3, 5), "coercer", {"move": "climb", "rung": top.id}),
                event("parade", dt.date(2031, 3, 6), "target", "display"),
                event("quiet", dt.date(2031, 3, 20), "coercer", "hold"),
            ],
        }
    )  # fmt: skip
    return replace(found, case=case)


@pytest.fixture(scope="module")
def found(small, tmp_path_factory):
    keep = tmp_path_factory.mktemp("kept")
    return infer(small, **SIZES, keep=keep), keep


@pytest.mark.slow
def test_posterior_means_equal_a_sum_over_a_grid(small, found):
    inferred, _ = found
    wanted = parameters(small.case, OVER)
    evaluator = Evaluator(small, wanted, (Group(ALL, inferred.tellings),), whole, nodes=7)
    u = (np.arange(12) + 0.5) / 12
    points = np.stack([a.ravel() for a in np.meshgrid(u, u, indexing="ij")], 1)
    rows = evaluator.stacked(points)
    level = marginal(rows["levels"], rows["joint"], (True, True))[:, -1]
    weight = np.exp(level - level.max())
    weight /= weight.sum()
    own = np.exp(inferred.bank.log_weights())
    for i in range(2):
        exact, got = (w @ x for w, x in ((weight, points[:, i]), (own, inferred.bank.u[:, i])))
        assert abs(got - exact) < 0.04  # quantiles of the prior; the grid is coarse and 96 draws are few
    exact_evidence = np.log(np.exp(level - level.max()).mean()) + level.max()
    assert abs(float(inferred.tree["by_round"]["evidence"][-1]) - exact_evidence) < 0.1


def test_the_tree_holds_what_it_says(found):
    tree = found[0].tree
    assert set(tree.children) >= {"posterior", "prior", "log_likelihood", "bank", "numbers", "by_round", "minds"}
    assert tree["posterior"]["cost"].dims == ("chain", "draw")
    firm = tree["by_round"]["firm"]
    assert ((firm >= 0) & (firm <= 1)).all()
    assert tree["by_round"]["own_view"].isel(after=0).values == pytest.approx(0.5)
    gap = tree["minds"]["expected_coercer"] - tree["minds"]["own_coercer"]
    assert np.abs(gap.sum("coercer_move")).max() < 1e-3  # chances of all moves sum to 1 on both sides
    bands = tree["minds"]["belief"]
    assert (bands.diff("band_at") >= 0).all()
    assert tree.attrs["failed"] == 1  # 96 draws are too few, and it says so
    assert "effective draws" in tree.attrs["status"]


def test_it_goes_on_from_what_is_kept(small, found):
    inferred, keep = found
    again = infer(small, **SIZES, keep=keep)
    assert again.evaluator.fresh == 0
    assert again.tree.attrs["solved"] == inferred.tree.attrs["solved"]
    assert np.array_equal(again.bank.increments, inferred.bank.increments)
    same(again.tree["minds"].to_dataset(), inferred.tree["minds"].to_dataset())


def test_one_worker_or_two_give_the_same_numbers(small, found):
    one = infer(small, **SIZES, workers=1)
    assert np.array_equal(one.bank.increments, found[0].bank.increments)
    same(one.tree["numbers"].to_dataset(), found[0].tree["numbers"].to_dataset())


@pytest.mark.slow
def test_a_later_event_changes_nothing_before_it(small, found):
    early = infer(small, **SIZES, until=dt.date(2031, 3, 16))
    late = found[0].tree["by_round"]
    assert int(early.tree.attrs["rounds"]) == 1
    assert early.tree["by_round"]["evidence"].values[:2] == pytest.approx(late["evidence"].values[:2], abs=0.15)


@pytest.mark.slow
def test_leaving_a_piece_out_is_inferring_without_it(small, found):
    told = leave_out(found[0], draws=48, tellings=8)
    assert [str(p) for p in told["piece"].values] == [
        "event fleet",
        "event parade",
        "event quiet",
        "source public-sources",
    ]
    from standoff.infer.evidence import Without

    without = infer(small, **SIZES, without=Without(events=frozenset(["parade"])))
    exact = without.tree["by_round"]["firm"].isel(after=-1) - found[0].tree["by_round"]["firm"].isel(after=-1)
    got = told["firm"].sel(piece="event parade")
    assert np.abs(exact.values - got.values).max() < 0.05
    change = float(found[0].tree["by_round"]["evidence"][-1] - without.tree["by_round"]["evidence"][-1])
    assert abs(float(told["evidence"].sel(piece="event parade")) - change) < 0.3


@pytest.mark.slow
def test_what_is_kept_has_the_same_name_in_every_process():
    code = (
        "from test_infer_posterior import *; found = load_case(TEMPLATE); "
        "from standoff.infer.evidence import Evidence; told = tuple(Evidence(found.case).tellings(4, 1)); "
        "print(Evaluator(found, parameters(found.case), (Group(ALL, told),), whole).name)"
    )
    names = set()
    for seed in ("1", "2"):
        environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(__file__).parent)}
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        names.add(done.stdout.strip())
    assert len(names) == 1


def test_shares_and_quantiles_by_hand():
    levels = np.log(np.array([1.0, 2.0, 3.0, 4.0])).reshape(1, 1, 2, 2, 1, 1) + np.zeros((1, 1, 2, 2, 2, 2))
    joint = np.array([[[0.1, 0.2], [0.3, 0.4]]])
    found = shares(levels, joint, (True, True))
    assert found.sum((4, 5)).ravel() == pytest.approx([0.1, 0.2, 0.3, 0.4])
    assert found.sum((2, 3)).ravel() == pytest.approx([0.1, 0.2, 0.3, 0.4])
    assert marginal(levels, joint, (True, True)).ravel() == pytest.approx([np.log(2.5)])
    assert marginal(levels, joint, (False, False)).ravel() == pytest.approx([0.0])
    values = np.array([3.0, 1.0, 2.0])
    assert weighted(values, np.array([0.2, 0.5, 0.3]), (0.4, 0.6, 0.9)) == pytest.approx([1.0, 2.0, 3.0])


@pytest.mark.parametrize(
    ("over", "words"),
    [
        (["parameters.precison.coercer"], "Did you mean 'parameters.precision.coercer'"),
        (["a=parameters.precision.coercer", "a=parameters.precision.target"], "named twice"),
        ([f"n{k}=parameters.precision.coercer" for k in range(11)], "at most 10"),
        (["ladder.protest.sunk"], "not an uncertain number"),
        (["a=parameters.precision.coercer", "b=parameters.precision.coercer"], "stands under two parameters"),
        (["parameters.silence_weight"], "moves no likelihood"),
    ],
)
def test_wrong_parameters_are_told(small, over, words):
    with pytest.raises(UserError, match=words):
        parameters(small.case, over)


@pytest.mark.slow
def test_what_the_modules_compute_cannot_be_inferred():
    """A written chance of success is not read where forces are given; a stake that a module starts from is."""
    case = load_case("panama-1989").case
    asked = parameters(case, ["chance=parameters.force.success", "parameters.target.exit_loss.stubborn"])
    with pytest.raises(
        UserError, match=r"'chance': in this case the world's modules compute parameters\.force\.success"
    ):
        require_read(case, asked, seed=1)
    require_read(case, asked[1:], seed=1)


def test_values_keep_to_the_bounds_of_the_game(small):
    """As draws do: a chance beyond 0 or 1 is 0 or 1."""
    (asked,) = parameters(small.case, ["parameters.precision.coercer"])
    low, high = asked.limits
    assert np.isfinite(low)
    narrow = replace(asked, limits=(4.0, 5.0))
    assert narrow.at(np.array([0.001, 0.5, 0.999])) == pytest.approx(
        np.clip(asked.at(np.array([0.001, 0.5, 0.999])), 4, 5)
    )
    assert (asked.at(np.linspace(0.001, 0.999, 99)) >= low).all()
    assert (asked.at(np.linspace(0.001, 0.999, 99)) <= high).all()
