"""Counterfactuals: what is read from words, how overlays reach views, paired tables, and arms on a small case."""

import datetime as dt

import numpy as np
import pytest

from standoff.case.evidence import Event
from standoff.case.load import LoadedCase, load_case
from standoff.case.new import TEMPLATE
from standoff.case.world import World
from standoff.errors import CaseError, UserError
from standoff.show import ask
from standoff.simulate import ensemble, results
from standoff.simulate.counterfactual import effects, retyped, whatif
from standoff.simulate.overlay import Counterfactual, counterfactual, from_file, split
from standoff.simulate.payoffs import joint_prior
from standoff.simulate.setup import TRUTH, plan

DAY = dt.date(2031, 3, 31)


@pytest.fixture(scope="module")
def case():
    return load_case(TEMPLATE).case


def asked(case, *texts):
    return counterfactual(case, "x", [split(text) for text in texts])


@pytest.mark.parametrize("holder", ["lume", "target"])
@pytest.mark.parametrize("path", ["force.success", "parameters.force.success"])
def test_numbers_of_a_view_by_id_or_side_and_by_the_end_of_a_path(case, holder, path):
    found = asked(case, f"views.{holder}.{path}=0.9")
    assert found.shifts["lume"]["parameters.force.success"].to.value == 0.9
    assert found.asked == (f"views.{holder}.{path}=0.9",)


def test_truth_relative_values_corrections_and_moves(case):
    found = asked(
        case, "truth.force.success=*1.2", "coercer.lapse=+0.1", "target.survived_loss=+-0.01", "coercer.survived=-0.1",
        "views.lume.she-dare-not=off", "views.coercer.he-will-fold=off", "views.coercer.quick-victory=off",
        "moves.coercer.2031-03-20=climb:blockade", "moves.target.2031-04-14=offer:spring-vote",
    )  # fmt: skip
    truth = found.shifts[TRUTH]
    assert truth["parameters.force.success"].times.value == 1.2
    assert truth["parameters.coercer.lapse"].plus.value == 0.1
    assert truth["parameters.target.survived_loss"].plus.value == -0.01
    assert truth["parameters.coercer.survived"].to.value == -0.1
    assert found.off == {"target": ("she-dare-not",), "coercer": ("he-will-fold", "quick-victory")}
    assert [(m.side, m.round, m.move.rung, m.move.package) for m in found.moves] == [
        ("coercer", 1, "blockade", None), ("target", 3, None, "spring-vote")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("counterfactuals: {}\n", "there is no counterfactual in it"),
        ("counterfactuals:\n" + "# padding\n" * 110_000, "larger than 1 MiB"),
        (b"\xff\xfe", "it is not UTF-8"),
    ],
)
def test_a_file_that_asks_nothing_is_told(case, tmp_path, text, words):
    file = tmp_path / "asked.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(UserError, match=words):
        from_file(case, file)
    with pytest.raises(UserError, match="this is no file"):
        from_file(case, tmp_path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("views.lume.force.sucess=0.9", "no number 'force.sucess'. Did you mean 'force.success'?"),
        ("views.lumee.force.success=0.9", "no view 'lumee'. Did you mean 'lume'?"),
        ("views.lume.she-dare=off", "no difference 'she-dare'. Did you mean 'she-dare-not'?"),
        ("force.success=1.5", "must be at least 0 and at most 1, not 1.5."),
        ("force.success=*3", "counted from its central value"),
        ("running_cost=0.1", "Write more of the path"),
        ("force.success=high", "'high' is no number"),
        ("force.success=inf", "numbers must be finite"),
        ("force.success=-.5e-1", "must be at least 0"),
        ("force.success=0_1", "'0_1' is no number"),
        ("force.success=\u0660.\u0665", "is no number"),
        ("blockade.running_cost=1e308", "not larger than 1e+15"),
        ("force.success", "write PATH=VALUE"),
        ("=0.1", "write PATH=VALUE"),
        ("moves.coercer.2031-03-20=clim:blockade", "Did you mean 'climb'?"),
        ("moves.coercer.2031-03-20=climb:blokade", "Did you mean 'blockade'?"),
        ("moves.coercer.2031-03-20=climb", "a climb names a rung"),
        ("moves.coercer.2031-03-20=hold:blockade", "Leave out ':blockade'"),
        ("moves.target.2031-03-20=offer:safe-leave", "names a package of the target"),
        ("moves.coercer.2030-03-20=hold", "outside the crisis. Name a day from 2031-03-03 to 2031-06-22"),
        ("moves.coercer.20-03=hold", "is not a date"),
        ("moves.guild.2031-03-20=hold", "write moves.coercer.DATE"),
    ],
)
def test_mistakes_are_told_with_a_remedy(case, text, words):
    with pytest.raises(UserError) as error:
        asked(case, text)
    assert words in str(error.value)


@pytest.mark.parametrize("value", ["[1, 2]", "2031-04-01", "''", "{times: high}", "{beta: [1]}"])
def test_what_is_no_number_in_a_file_is_told_in_plain_words(case, tmp_path, value):
    (tmp_path / "ask.yaml").write_text(f"counterfactuals: {{odd: {{force.success: {value}}}}}\n")
    with pytest.raises(UserError, match=r"' is no number\. Write one number, \+x, \*x, or off\.$"):
        from_file(case, tmp_path / "ask.yaml")


def test_a_number_or_a_round_changed_twice_is_refused(case):
    with pytest.raises(UserError, match="changed twice"):
        asked(case, "force.success=0.5", "truth.parameters.force.success=0.6")
    with pytest.raises(UserError, match="same round"):
        asked(case, "moves.coercer.2031-03-17=hold", "moves.coercer.2031-03-20=hold")


def test_a_side_without_a_view_has_no_number_of_its_own(case):
    bare = case.model_copy(update={"views": [view for view in case.views if view.holder == "coercer"]})
    with pytest.raises(UserError, match=r"Write truth\.PATH"):
        asked(bare, "views.target.force.success=0.9")


def test_a_file_of_counterfactuals(case, tmp_path):
    file = tmp_path / "ask.yaml"
    file.write_text(
        "from: 2031-03-31\ncounterfactuals:\n  bolder:\n    views.lume.force.success: 0.9\n"
        "    coercer.lapse: {plus: 0.1}\n  unread:\n    views.lume.ships-are-theatre: off\n"
        "    force.success: {beta: [2, 2]}\n"
    )
    found, day = from_file(case, file)
    assert day == DAY
    assert [one.name for one in found] == ["bolder", "unread"]
    assert found[0].shifts[TRUTH]["parameters.coercer.lapse"].plus.value == 0.1
    assert found[1].off == {"target": ("ships-are-theatre",)}
    assert found[1].shifts[TRUTH]["parameters.force.success"].to.beta == (2.0, 2.0)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("counterfactuals: {a: {coercer.lapse: +0.1}}", "'+x' without quotes"),
        ("counterfactuals: [a]", "by name, paths with values"),
        ("counterfactuals: {a: 1}", "'a' needs paths"),
        ("counterfactuals: {a: {}}", "changes something"),
        ("counterfactual: {a: {}}\ncounterfactuals: {a: {coercer.lapse: 1}}", "not a key here"),
        ("from: soon\ncounterfactuals: {a: {coercer.lapse: 1}}", "year-month-day"),
        ("counterfactuals: {a: {coercer.lapse: *2}}", "alias"),
    ],
)
def test_mistakes_in_a_file(case, tmp_path, text, words):
    file = tmp_path / "ask.yaml"
    file.write_text(text)
    with pytest.raises((UserError, CaseError)) as error:
        from_file(case, file)
    assert words in str(error.value)


def test_a_file_that_is_not_there(case, tmp_path):
    with pytest.raises(UserError, match="cannot be read"):
        from_file(case, tmp_path / "none.yaml")


def overlaid(case, *texts, count=6):
    made = plan(case, seed=3, count=count, overlays=asked(case, *texts).shifts if texts else {})
    return {side: made.values(made.view(side)) if side else made.values(None) for side in ("", "coercer", "target")}


def test_truth_reaches_every_view_below_its_differences_and_a_view_only_itself(case):
    plain, path = overlaid(case), "parameters.force.success"
    truth = overlaid(case, "force.success=0.4")
    assert np.array_equal(truth[""][path], np.full(6, 0.4))
    assert np.array_equal(truth["target"][path], np.full(6, 0.4))
    assert np.allclose(truth["coercer"][path], 0.4 * 1.4)  # 'quick-victory' multiplies what is true
    own = overlaid(case, "views.corvania.force.success=0.4")
    assert np.array_equal(own["coercer"][path], np.full(6, 0.4))
    assert np.array_equal(own[""][path], plain[""][path])
    assert np.array_equal(own["target"][path], plain["target"][path])
    both = overlaid(case, "force.success=0.4", "views.corvania.force.success=+0.1")
    assert np.allclose(both["coercer"][path], 0.4 * 1.4 + 0.1)


def test_an_overlay_changes_no_other_number_and_stays_within_bounds(case):
    plain, there = overlaid(case), overlaid(case, "force.success=*1.7")
    assert there[""]["parameters.force.success"].max() == 1.0
    for side, values in there.items():
        for path in values:
            if path != "parameters.force.success":
                assert np.array_equal(values[path], plain[side][path]), path


def test_a_factor_of_one_and_nothing_added_change_nothing(case):
    plain = overlaid(case)
    for text in ("force.success=*1", "force.success=+0", "views.lume.coercer.lapse=*1"):
        for side, values in overlaid(case, text).items():
            assert all(np.array_equal(values[path], plain[side][path]) for path in values)


def test_quantiles_in_place_of_draws(case):
    path = "views.corvania.he-will-fold.parameters.prior.target"
    made = plan(case, seed=3, count=3, quantiles={"parameters.force.success": np.array([0.1, 0.5, 0.9]),
                                                  path: np.array([0.2, 0.2, 0.8])})  # fmt: skip
    base, view = made.values(None), made.values(made.view("coercer"))
    assert np.all(np.diff(base["parameters.force.success"]) > 0)
    assert np.ptp(base["parameters.discount"]) == 0
    assert base["parameters.coercer.lapse"][0] == pytest.approx(0.08)  # the median of a lognormal
    assert view["parameters.prior.target"][0] == view["parameters.prior.target"][1] < view["parameters.prior.target"][2]


def nothing(name):
    return Counterfactual(name, ("a=1",), {}, {}, ())


def test_paired_differences_and_their_errors():
    rng = np.random.default_rng(1)
    before = rng.integers(0, 7, (8, 200))
    after = np.where(rng.random(before.shape) < 0.1, 3, before)
    found = effects(np.stack([before, after, before]), np.zeros((3, 8, 200)), [nothing("a"), nothing("same")])
    by_draw = ((after == 3) * 1.0 - (before == 3)).mean(1)
    force = found.sel(ending="force", counterfactual="a")
    assert force["difference"].item() == pytest.approx(by_draw.mean())
    assert force["error"].item() == pytest.approx(2 * by_draw.std(ddof=1) / np.sqrt(8))
    assert bool(force["clear"])
    assert float(abs(found["difference"].sum("ending")).max()) < 1e-12
    same = found.sel(counterfactual="same")
    assert float(abs(same["difference"]).max()) == float(same["error"].max()) == float(same["monte_carlo"].max()) == 0
    assert not bool(same["clear"].any())
    single = found.attrs["false_alarm_one"]
    assert 0.08 < single < 0.09  # two standard errors on seven degrees of freedom
    assert found.attrs["false_alarm"] == pytest.approx(1 - (1 - single) ** (2 * len(results.ENDINGS)))


def test_lines_and_json_of_several_side_by_side():
    rng = np.random.default_rng(3)
    names = ["one", "two", "three"]
    code = rng.integers(0, len(results.ENDINGS), (4, 5, 40))
    found = effects(code, 0 * code, [nothing(name) for name in names]).assign_attrs(
        title="A crisis", draws=5, replications=40, seed=1, round=3, status="All settled.", **{"from": "2031-03-31"}
    )
    lines = ask.whatif_lines(found)
    assert max(map(len, lines)) <= 100
    assert sum(line.startswith("Chance of each ending") for line in lines) == 2  # two abreast, then one
    content = ask.whatif_dict(found)
    assert list(content["counterfactuals"]) == names
    force = content["counterfactuals"]["two"]["endings"]["force"]
    assert force["difference"] == pytest.approx(force["after"] - force["before"], abs=2e-6)


def test_the_monte_carlo_part_is_the_error_where_draws_are_alike():
    rng = np.random.default_rng(2)
    parts = []
    for _ in range(60):  # 420 intervals: their mean ratio is within a tenth of 1 but for one time in thousands
        code = rng.integers(0, 7, (2, 12, 50))
        found = effects(code, 0 * code, [nothing("a")])
        parts.append((float((found["error"] ** 2).mean()), float((found["monte_carlo"] ** 2).mean())))
    error, noise = np.mean(parts, axis=0)
    assert noise == pytest.approx(error, rel=0.1)


def test_types_after_a_record():
    joint, size = joint_prior(0.3, 0.6, 2.0), 4000

    def types(*ratio):
        return retyped(np.random.default_rng(5), joint, np.repeat(np.array(ratio)[:, None], size, axis=1))

    found = types(0.0, 0.0)
    assert found.mean(1) == pytest.approx([0.3, 0.6], abs=0.002)  # stratified
    assert (found[0] * found[1]).mean() == pytest.approx(joint[1, 1], abs=0.002)
    assert types(40.0, -40.0).mean(1) == pytest.approx([1.0, 0.0], abs=1e-9)
    assert types(1.0, 0.0)[0].mean() == pytest.approx(0.3 * np.e / (0.3 * np.e + 0.7), abs=0.002)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("whatif", TEMPLATE), "--set PATH=VALUE or --file FILE"),
        (("whatif", TEMPLATE, "--set", "views.lume.force.succes=0.9"), "Did you mean"),
        (("whatif", TEMPLATE, "--set", "coercer.lapse=0.1", "--from", "2041-01-01"), "outside the crisis"),
        (("whatif", TEMPLATE, "--set", "coercer.lapse=0.1", "--from", "2031-06-20"), "Name a day up to"),
        (("whatif", TEMPLATE, "--set", "prior.coercer=0.1", "--from", "2031-04-01"), "before the first round"),
        (("whatif", TEMPLATE, "--set", "moves.coercer.2031-03-18=hold", "--from", "2031-04-01"), "before --from"),
        (
            ("whatif", TEMPLATE, "--set", "moves.coercer.2031-03-18=strike", "--from", "2031-03-18"),
            "cannot be made then",
        ),
        (("attribute", TEMPLATE, "--outcome", "fforce"), "Did you mean 'force'?"),
        (("sensitivity", TEMPLATE, "--samples", "12", "--quiet"), "a power of two is needed"),
        (("sensitivity", TEMPLATE, "--outcome", "exit"), "no such ending"),
    ],
)
def test_mistakes_end_with_code_2_and_one_sentence(standoff, monkeypatch, arguments, words):
    monkeypatch.setattr("standoff.show.pipeline.prepare", lambda: None)
    code, out, err = standoff(*arguments)
    assert (code, out) == (2, "")
    assert words in err
    assert "Traceback" not in err


def climb(day):
    return Event.model_validate(
        {"id": "climb", "title": "Up", "date": day, "side": "coercer",
         "move": {"move": "climb", "rung": "landing-force"}}
    )  # fmt: skip


@pytest.fixture(scope="module")
def small():
    """The template with two rungs, no packages and no world beside the game, over three rounds."""
    found = load_case(TEMPLATE)
    case = found.case.model_copy(
        update={
            "ladder": [found.case.ladder[0], found.case.ladder[3]],
            "packages": [],
            "world": World(),
            "events": [climb("2031-03-18")],
            "crisis": found.case.crisis.model_copy(update={"rounds": 3}),
            "solver": found.case.solver.model_copy(update={"nodes": 7, "draws": 4, "replications": 60}),
        }
    )
    return LoadedCase(case, "small", found.root, "digest")


@pytest.mark.slow
def test_without_a_date_before_is_the_run_and_corrections_are_its_scenarios(small):
    every = [f"views.{v.id}.{d.id}=off" for v in small.case.views for d in v.differences]
    found = whatif(small, {"nothing": ["force.killed=0.3"], "base": every}, seed=7)
    made = plan(small.case, seed=7, count=4)
    job = ensemble.Job(60, tuple(s for s in ensemble.SCENARIOS if s.id in ("views", "base")))
    run = results.endings([ensemble.run_draw(made, job, draw) for draw in range(4)], job.scenarios)
    assert np.array_equal(found["code"].sel(arm="before"), run["ending"].sel(scenario="views"))
    assert np.array_equal(found["code"].sel(arm="nothing"), run["ending"].sel(scenario="views"))
    assert np.array_equal(found["code"].sel(arm="base"), run["ending"].sel(scenario="base"))
    assert float(abs(found["difference"].sel(counterfactual="nothing")).max()) == 0.0
    again = whatif(small, {"nothing": ["force.killed=0.3"]}, seed=7, workers=1)
    assert np.array_equal(again["code"].sel(arm="before"), found["code"].sel(arm="before"))
    assert (found.attrs["digest"], found.attrs["seed"], found.attrs["draws"]) == ("digest", 7, 4)


@pytest.mark.slow
def test_from_a_date_paths_follow_the_record_and_only_then_differ(small):
    found = whatif(
        small,
        {"nothing": ["force.killed=0.3"], "dearer": ["truth.force_cost.determined=5", "truth.force_cost.cautious=5"],
         "strike": ["moves.coercer.2031-03-31=strike"], "hold": ["moves.coercer.2031-03-31=hold"]},
        start=DAY, seed=7,
    )  # fmt: skip
    assert found.attrs["from"] == "2031-03-31"
    assert int(found["round"].min()) == 2  # nothing ends while the record is followed
    assert float(abs(found["difference"].sel(counterfactual="nothing")).max()) == 0.0
    force = found["difference"].sel(ending="force")
    assert float(force.sel(counterfactual="dearer")) <= 0.0
    assert float(found["after"].sel(counterfactual="strike", ending="force")) == 1.0
    assert float(found["after"].sel(counterfactual="hold", ending="force")) == 0.0  # the last round
