"""Numbers that are impossible by their meaning are refused with place and remedy; odd but possible ones are not."""

import math
import shutil
import typing

import pytest
from pydantic import BaseModel
from tests.test_case_broken import command

from standoff.case.bounds import bounds
from standoff.case.crisis import Case
from standoff.case.load import load_case, shipped_cases
from standoff.case.module_numbers import KIND, RANGES
from standoff.case.new import TEMPLATE
from standoff.case.number import Bounds, Number, Shift
from standoff.errors import CaseError, UserError
from standoff.simulate.draws import numbers
from standoff.simulate.generic import NAMES
from standoff.simulate.overlay import counterfactual
from standoff.world.priors import generic

DETERMINED = "{lognormal: [0.35, 0.4], judgement: her party would forgive a short fight}"
GAIN = "gain: {range: [0.3, 0.45, 0.6], judgement: a year in office and a hand in the vote}"
REMOVED = "    attempt_success:"
SUCCESS = "set: {parameters.force.success: {times: 1.4}}"


def spoilt(tmp_path, file, old, new):
    """A copy of the template with one thing changed; § stands where a message must point, and is left out."""
    folder = tmp_path / "case"
    shutil.copytree(TEMPLATE, folder)
    text = (folder / file).read_text()
    assert text.count(old) == 1, old
    text = text.replace(old, new)
    before = text[: text.find("§")]
    (folder / file).write_text(text.replace("§", ""))
    return folder, f"{file}:{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"


def world(more):
    return ("numbers.yaml", "world:\n", f"world:\n  {more}\n")


IMPOSSIBLE = {
    "cost of force": (("numbers.yaml", DETERMINED, "§-5"), "-5 is not a cost of 0 or more"),
    "mean of a normal": (("numbers.yaml", DETERMINED, "§{normal: [-0.1, 0.4]}"), "-0.1, the mean of this normal,"),
    "end of a uniform": (("numbers.yaml", DETERMINED, "§{uniform: [-0.1, 0.4]}"), "-0.1, which this uniform reaches,"),
    "end of a range": (("numbers.yaml", DETERMINED, "§{range: [-0.1, 0.2, 0.4]}"), "-0.1, which this range reaches,"),
    "force loss": (("numbers.yaml", "\nworld:", "\n  target: {force_loss: §-1.3}\nworld:"), "not a loss of 0 or more"),
    "coup loss": (("numbers.yaml", "\nworld:", "\n  target: {coup_loss: §-1}\nworld:"), "not a loss of 0 or more"),
    "odds ratio": (("numbers.yaml", "    target: {beta: [3, 2]", "    odds_ratio: §0\n    target: {beta: [3, 2]"), ""),
    "slope": (("numbers.yaml", "  coercer:\n    force", "  coercer:\n    audience_slope: §0\n    force"), "above 0"),
    "lapse": (("numbers.yaml", "  coercer:\n    force", "  coercer:\n    lapse: §-0.1\n    force"), "a cost of 0 or"),
    "defenders": (world("force: {defenders: §-10}"), "-10 is not 0 or more"),
    "aircraft": (world("force: {aircraft: §-10}"), "-10 is not 0 or more"),
    "circle": (world("exit: {circle: §-1}"), "-1 is not 0 or more"),
    "covered": (world("exit: {circle_covered_by_demand: §-1}"), "-1 is not 0 or more"),
    "oil": (world("cascade: {exports: §-1}"), "-1 is not 0 or more"),
    "no oil": (world("cascade: {world_oil: §0}"), "0 is not above 0"),
    "no spread": (("numbers.yaml", "threshold_sd: {value: 0.05,", "threshold_sd: §{value: 0,"), "0 is not above 0"),
    "a step": (("numbers.yaml", "softness: {value: 0.1,", "softness: §{value: 0,"), "0 is not above 0"),
    "armed groups": (world("cascade: {armed_groups: §-1}"), "-1 is not 0 or more"),
    "constraint": (world("domestic: {constraint_cost: §-1}"), "a cost of 0 or more"),
    "Bayes factor": (world("perception: {coercer: {threshold: §0}}"), "0 is not above 0"),
    "dead": (world("priors: {force: {dead_coercer_raid: §-5}}"), "-5 cannot be 'dead_coercer_raid', which is 0"),
    "class": (world("priors: {force: {class_share: §1.5}}"), "1.5 cannot be 'class_share', which is between 0 and 1"),
    "half": (world("priors: {exits: {guarantee_half: §0}}"), "0 cannot be 'guarantee_half', which is above 0"),
    "host": (world("priors: {exits: {host_loss_warrant: §2}}"), "which is between 0 and 1"),
    "ally": (world("priors: {exits: {host_ally: §5}}"), "which is between 0 and 1"),
    "conflict": (world("priors: {cascade: {conflict_year: §1.5}}"), "which is between 0 and 1"),
    "no majority": (world("priors: {succession: {winning_share: §0.4}}"), "which is one half or more, and below 1"),
    "unanimity": (world("priors: {succession: {winning_share: §1}}"), "which is one half or more, and below 1"),
    "demand": (world("priors: {cascade: {oil_demand_elasticity: §0.3}}"), "which is 0 or less"),
    "mean below": (world("priors: {domestic: {occupation: §{normal: [-1, 2]}}}"), "-1, the mean of this normal,"),
    "no such number": (world("priors: {force: {§class_shar: 0.5}}"), "the module 'force' reads no number 'class_shar'"),
    "no such module": (world("priors: {§forces: {class_share: 0.5}}"), "no module 'forces'"),
    "factor": (("views.yaml", SUCCESS, "set: {parameters.force.success: §{times: -1}}"), "a factor of -1 would turn"),
    "difference": (("views.yaml", SUCCESS, "set: {parameters.force.success: §{plus: 2}}"), "no two of them are so far"),
    "value in a view": (
        ("views.yaml", "{parameters.coercer.force_cost.determined: {times: 2}}",
         "{parameters.coercer.force_cost.determined: §-5}"),
        "takes numbers from 0 to inf",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_the_impossible_is_refused_at_its_place(tmp_path, name):
    (file, old, new), says = IMPOSSIBLE[name]
    folder, place = spoilt(tmp_path, file, old, new)
    with pytest.raises(CaseError) as refused:
        load_case(folder)
    (told,) = refused.value.problems
    assert says in told.problem
    assert told.remedy
    assert "§" not in new or told.place == place


def test_check_tells_it_without_a_traceback(tmp_path, monkeypatch, capsys):
    folder, place = spoilt(tmp_path, "numbers.yaml", DETERMINED, "§-5")
    code, out, err = command(monkeypatch, capsys, "check", folder)
    assert (code, out) == (2, "")
    remedy = "Write a number of 0 or more: costs have no sign, they are taken off."
    assert err == f"{place}: -5 is not a cost of 0 or more. {remedy}\n"


NONSENSE = {
    "one argument": ("{normal: §[1]}", "'normal' lacks a number", "Write normal: [mean, sd]."),
    "three arguments": ("{range: §[1, 2]}", "'range' lacks a number", "Write range: [low, mode, high]."),
    "larger than is computed with": ("§1e16", "a number of a case is not larger than 1e+15", ""),
    "an infinite distribution": ("§{lognormal: [1, 40]}", "its upper end is beyond 1e+15", ""),
}


@pytest.mark.parametrize("name", NONSENSE)
def test_nonsense_in_the_place_of_a_number(tmp_path, name):
    new, says, remedy = NONSENSE[name]
    folder, place = spoilt(tmp_path, "numbers.yaml", DETERMINED, new)
    with pytest.raises(CaseError) as refused:
        load_case(folder)
    told = [problem for problem in refused.value.problems if problem.place == place]
    assert len(told) >= 1
    assert says in told[0].problem
    assert remedy in told[0].remedy


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("starts: 2031-03-03", "starts: §9999-12-31", "'starts' takes at most 2999-12-31"),
        ("starts: 2031-03-03", "starts: §0001-01-01", "'starts' takes at least 1000-01-01"),
        ("rounds: 8", "rounds: §99999999999999999999", "'rounds' takes a smaller whole number"),
        ("rounds: 8", "rounds: §0", "'rounds' takes at least 1, not 0"),
    ],
)
def test_a_calendar_that_cannot_be(tmp_path, old, new, says):
    folder, place = spoilt(tmp_path, "crisis.yaml", old, new)
    with pytest.raises(CaseError) as refused:
        load_case(folder)
    (told,) = [problem for problem in refused.value.problems if problem.place == place]
    assert says in told.problem
    assert told.remedy


POSSIBLE = {
    "a price that is a gain": ("bargain.yaml", "price: {range: [0.3, 0.5, 0.7]", "price: {range: [-0.3, 0.1, 0.7]"),
    "a term worth less than the demand": ("bargain.yaml", GAIN, "gain: {value: -0.4, judgement: odd}"),
    "what survival brings": ("numbers.yaml", "  coercer:\n    force", "  coercer:\n    survived: -2\n    force"),
    "a normal cost": ("numbers.yaml", DETERMINED, "{normal: [0.1, 0.4], judgement: wide}"),
    "no cost": ("numbers.yaml", DETERMINED, "{value: 0, judgement: none}"),
    "a logit": world("priors: {force: {find_moves: -3}}"),
    "an elasticity": world("priors: {cascade: {oil_demand_elasticity: -0.2}}"),
    "votes": world("domestic: {vote_norm: -7}"),
    "a ratio against the firm type": world(
        "scenes: [{id: rally, title: A rally, date: 2031-04-01, seen_by: target, ratio: -1}]"
    ),
    "a wide lognormal slope": ("numbers.yaml", "  coercer:\n    force",
                               "  coercer:\n    audience_slope: {lognormal: [1.5, 2]}\n    force"),
    "a majority of two thirds": world("priors: {succession: {winning_share: 0.667}}"),
    "a smaller factor": ("views.yaml", SUCCESS, "set: {parameters.force.success: {times: 0}}"),
    "less success": ("views.yaml", SUCCESS, "set: {parameters.force.success: {plus: -0.9}}"),
}  # fmt: skip


def test_a_factor_may_not_turn_a_number_above_0_that_cannot_be(tmp_path):
    folder, _ = spoilt(tmp_path, *world("priors: {cascade: {oil_demand_elasticity: -0.2}}"))
    text = (folder / "views.yaml").read_text()
    assert text.count(SUCCESS) == 1
    turned = SUCCESS.replace(
        "parameters.force.success: {times: 1.4}", "world.priors.cascade.oil_demand_elasticity: -X-"
    )
    for factor, wrong in (("{times: 2}", []), ("{times: -1}", ["a factor of -1 would turn"])):
        (folder / "views.yaml").write_text(text.replace(SUCCESS, turned.replace("-X-", factor)))
        try:
            load_case(folder)
            told = []
        except CaseError as refused:
            told = [problem.problem for problem in refused.problems]
        assert len(told) == len(wrong)
        assert all("'world.priors.cascade.oil_demand_elasticity' above 0" in one for one in told)


@pytest.mark.parametrize("name", POSSIBLE)
def test_what_can_be_is_not_refused(tmp_path, name):
    load_case(spoilt(tmp_path, *POSSIBLE[name])[0])


def test_a_loss_that_is_a_gain_is_told_and_used(tmp_path):
    more = "\n  target: {exit_loss: {stubborn: 0.9, frightened: §-0.2}}\nworld:"
    kinds = load_case(TEMPLATE).case.leader("target").types
    more = more.replace("stubborn", kinds[1]).replace("frightened", kinds[0])
    folder, place = spoilt(tmp_path, "numbers.yaml", "\nworld:", more)
    told = [problem for problem in load_case(folder).problems if problem.place == place]
    assert [problem.kind for problem in told] == ["range"]
    assert "a loss of -0.2" in told[0].problem


SETTINGS = [
    ("parameters.coercer.force_cost.determined", -5.0), ("force_cost.determined", "*-1"), ("truth.lapse", -1),
    ("force_cost.determined", "+-50"), ("ladder.blockade.running_cost", -0.1), ("audience_slope", 0),
    ("views.lume.force_cost.determined", -5), ("force.success", 1.2), ("coup_loss", -1), ("odds_ratio", 0),
]  # fmt: skip


@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_a_counterfactual_cannot_ask_for_the_impossible(setting):
    with pytest.raises(UserError, match="must be at least"):
        counterfactual(load_case(TEMPLATE).case, "odd", [setting])


def test_a_counterfactual_may_ask_for_what_can_be():
    case = load_case(TEMPLATE).case
    for setting in (("coercer.survived", -3), ("force_cost.determined", 0), ("stays-a-year.price", -0.2)):
        counterfactual(case, "odd", [setting])


def test_every_number_of_a_case_has_a_range():
    """No field is a bare number but those whose names decide (`world.priors`)."""
    bare = []

    def look(kind, path, metadata, seen):
        if typing.get_origin(kind) is typing.Annotated:
            first, *more = typing.get_args(kind)
            look(first, path, (*metadata, *more), seen)
        elif kind is Number:
            if not any(isinstance(item, Bounds) for item in metadata):
                bare.append(path)
        elif isinstance(kind, type) and issubclass(kind, BaseModel):
            if kind not in seen and kind is not Shift:
                for name, field in kind.model_fields.items():
                    look(field.annotation, f"{path}.{name}", tuple(field.metadata), {*seen, kind})
        else:
            for part in typing.get_args(kind):
                look(part, path, metadata if typing.get_origin(kind) not in (dict, list) else (), seen)

    look(Case, "case", (), set())
    assert bare == ["case.world.priors"]


def test_the_modules_numbers_have_a_range_and_their_generic_priors_lie_in_it():
    assert {module: set(names) for module, names in KIND.items()} == {m: set(names) for m, names in NAMES.items()}
    table = generic()
    for module, names in KIND.items():
        for name, kind in names.items():
            prior = table[f"{module}.{name}"]
            number = Number.model_validate({prior.shape: prior.arguments if len(prior.arguments) > 1 else prior.centre})
            low, high = RANGES[kind]
            assert low <= number.reach[0] <= number.reach[1] <= high, name
            assert (kind == "chance") >= (prior.unit == "probability"), name
            assert (kind == "free") >= ("logit" in prior.unit), name


@pytest.mark.parametrize("name", shipped_cases())
def test_shipped_numbers_lie_in_their_ranges(name):
    case = load_case(name).case
    limits = bounds(case)
    assert limits["ladder." + case.ladder[0].id + ".running_cost"] == (0.0, math.inf)
    held = numbers(case)
    assert len(held) > 100
    assert set(held) <= set(limits)
    for path, number in held.items():
        low, high = limits[path]
        assert low <= number.reach[0] <= number.reach[1] <= high, path
