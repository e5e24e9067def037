"""Priors from a fit to past crises: the mapping by hand, its way into a case, and what is refused."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

import standoff.case
from standoff.case.crisis import Case
from standoff.case.fitted import LOST, STRIKE, convert
from standoff.case.generic import on_generic_numbers
from standoff.case.load import load_case
from standoff.errors import CaseError

TEMPLATE = Path(standoff.case.__file__).parent / "template"
PAYOFFS = {"SA": 0.0, "VA": 2.0, "CB": -1.0, "barWA": -0.5, "barWB": -1.22, "bara": -1.0, "VB": 0.0}
FIT = {
    "schema": "standoff-fit/1", "model": "signaling", "status": "converged", "n": 249,
    "population": {"payoffs": PAYOFFS, "covariance": np.diag(np.full(7, 1e-8)).tolist(), "p_firm": 0.5},
}  # fmt: skip


@pytest.fixture
def case(tmp_path):
    """A case without stakes of its own, on a fit."""
    shutil.copytree(TEMPLATE, tmp_path / "case")
    for file in (tmp_path / "case").glob("*.yaml"):
        if "\nparameters:" in "\n" + file.read_text(encoding="utf-8"):
            file.unlink()
    (tmp_path / "case" / "numbers.yaml").write_text("parameters: {}\npriors: {from: fit.json}\n", encoding="utf-8")
    return tmp_path / "case"


def write(case, **change):
    (case / "fit.json").write_text(json.dumps(FIT | change), encoding="utf-8")


def test_the_constants_are_those_of_the_generic_strike():
    assert pytest.approx(0.2408) == STRIKE
    assert pytest.approx(0.61) == LOST


def test_numbers_by_hand():
    """A prize is 2, an office 2; h is 0.798."""
    numbers, lacking = convert(list(PAYOFFS.values()), FIT["population"]["covariance"], 0.5, "9 past crises")
    assert lacking == ()
    h = np.sqrt(2 / np.pi)
    assert numbers["coercer.force_cost.firm"].centre == pytest.approx(STRIKE - (-0.5 + h) / 2, abs=0.02)
    assert numbers["coercer.force_cost.yielding"].centre == pytest.approx(STRIKE - (-0.5 - h) / 2, abs=0.02)
    assert numbers["coercer.audience_top"].centre == pytest.approx(0.5, abs=1e-3)
    assert numbers["target.exit_loss.firm"].centre == pytest.approx((1 + 0.5 * h) / 2, abs=0.02)
    assert numbers["target.exit_loss.yielding"].centre == pytest.approx((1 - 0.5 * h) / 2, abs=0.02)
    spread = numbers["coercer.force_cost.firm"].arguments[1]
    assert spread == pytest.approx(np.sqrt(1 - 2 / np.pi) / 2, rel=0.05)


def test_a_wider_covariance_makes_wider_numbers():
    wide = np.diag(np.full(7, 0.05)).tolist()
    before, _ = convert(list(PAYOFFS.values()), FIT["population"]["covariance"], 0.5, "x")
    after, _ = convert(list(PAYOFFS.values()), wide, 0.5, "x")
    assert after["target.exit_loss.firm"].arguments[1] > before["target.exit_loss.firm"].arguments[1]


@pytest.mark.parametrize(
    ("name", "value", "words"), [("VA", 0.0, "what is demanded"), ("barWB", 0.0, "keeping office")]
)
def test_a_fit_in_which_nothing_is_at_stake_is_none(name, value, words):
    found = convert(list((PAYOFFS | {name: value}).values()), FIT["population"]["covariance"], 0.5, "x")
    assert words in str(found)


def test_a_retreat_that_pays_leaves_the_generic_number(case):
    population = FIT["population"] | {"payoffs": PAYOFFS | {"bara": 1.0}}
    write(case, population=population)
    found = load_case(case)
    assert any("audience_top" in problem.problem for problem in found.problems)
    assert found.case.parameters.coercer.audience_top.arguments == (0.16, 0.3)


def test_force_that_pays_costs_nothing_and_is_told(case):
    """By such a fit the firm type would rather fight; a cost has no sign, also where the case is sent on as JSON."""
    write(case, population=FIT["population"] | {"payoffs": PAYOFFS | {"barWA": 1.0}})
    found = load_case(case)
    first, last = found.case.parameters.coercer.force_cost.values()
    assert first.centre > last.centre == 0.0
    assert [p.problem for p in found.problems if "force" in p.problem] == [
        "by the fit force itself is worth more to the firm type than it costs, so its cost is 0"
    ]
    assert Case.model_validate_json(found.case.model_dump_json()).parameters == found.case.parameters


def test_a_case_takes_what_the_fit_says_and_keeps_what_it_writes(case):
    write(case)
    found = load_case(case)
    stakes = found.case.parameters
    types = found.case.leader("coercer").types
    assert stakes.coercer.force_cost[types[0]].centre > stakes.coercer.force_cost[types[-1]].centre
    assert "249 past crises" in str(stakes.coercer.force_cost[types[0]].judgement)
    assert stakes.coercer.audience_top.shape == "lognormal"
    assert stakes.coercer.quagmire.arguments == (-1.5, -0.7, -0.2)
    (case / "numbers.yaml").write_text(
        "parameters: {coercer: {audience_top: 0.3}}\npriors: {from: fit.json}\n", encoding="utf-8"
    )
    own = load_case(case)
    assert own.case.parameters.coercer.audience_top.arguments == (0.3,)
    sent = Case.model_validate_json(own.case.model_dump_json())
    assert sent.parameters == own.case.parameters
    generic = on_generic_numbers(own.case).parameters.coercer.audience_top
    assert generic.centre == pytest.approx(0.5, abs=1e-3)


def test_another_fit_is_another_case(case):
    write(case)
    first = load_case(case).digest
    write(case, n=250)
    assert load_case(case).digest != first


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"model": "egame12"}, "Only fits of the signaling game"),
        ({"status": "not identified"}, "not to be used"),
        ({"schema": "other"}, "is no fit of this version"),
        ({"n": 1e400}, "is no fit of this version"),
        (
            {"population": FIT["population"] | {"covariance": np.diag([1e-8] * 6 + [-9.0]).tolist()}},
            "a variance is below 0",
        ),
        (
            {"population": FIT["population"] | {"covariance": np.triu(np.ones((7, 7))).tolist()}},
            "it is not symmetric",
        ),
        ({"population": {}}, "lacks 'payoffs'"),
        ({"population": FIT["population"] | {"p_firm": 1.3}}, "do not fit together"),
        ({"population": FIT["population"] | {"covariance": [[1.0]]}}, "do not fit together"),
        ({"population": FIT["population"] | {"payoffs": PAYOFFS | {"VA": float("nan")}}}, "not finite"),
    ],
)
def test_what_is_no_fit_is_told_with_its_place(case, change, words):
    write(case, **change)
    with pytest.raises(CaseError, match=words) as refused:
        load_case(case)
    assert refused.value.problems[0].place.startswith("numbers.yaml:2:")


def test_files_that_cannot_be_had(case, tmp_path):
    with pytest.raises(CaseError, match=r"no file 'fit\.json'"):
        load_case(case)
    (tmp_path / "fit.json").write_text(json.dumps(FIT))
    os.symlink(tmp_path / "fit.json", case / "fit.json")
    with pytest.raises(CaseError, match="leads out of the folder"):
        load_case(case)
    (case / "fit.json").unlink()
    (case / "fit.json").mkdir()
    with pytest.raises(CaseError, match="not a plain file"):
        load_case(case)
    (case / "numbers.yaml").write_text("parameters: {}\npriors: {from: ../fit.json}\n", encoding="utf-8")
    with pytest.raises(CaseError, match="is no name of a file in the folder of the case"):
        load_case(case)
    (case / "numbers.yaml").write_text("parameters: {}\npriors: {form: fit.json}\n", encoding="utf-8")
    with pytest.raises(CaseError, match="from"):
        load_case(case)
