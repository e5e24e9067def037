"""Backtests of a table of one's own: known truth, no look-ahead, splits, mappings, faults."""

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from scipy.special import expit, ndtr

from standoff.backtest.games import Strategic
from standoff.backtest.models import Boosting, Climatology, Lesson, Logistic, average
from standoff.backtest.run import run
from standoff.backtest.scores import Interval
from standoff.backtest.selection import selection
from standoff.backtest.splits import folds
from standoff.backtest.structure import Structural
from standoff.backtest.study import read, shipped
from standoff.backtest.table import ask, load
from standoff.backtest.verdict import answer
from standoff.errors import CaseError, UserError

MAPPING = """
study: mine
title: Disputes of an invented sea
tables:
  disputes:
    date: year
    group: crisis
    resolved: {column: over}
    known:
      - {name: resolve}
      - {name: stake, missing: [-9]}
      - {name: naval, kind: flag}
      - {name: kind, kind: category}
    game:
      endings:
        cd: [{ending: conceded}]
        sf: [{ending: struck}]
        bd: [{ending: dropped}]
      payoffs: {SA: "0", VA: "1", CB: "1 + stake", barWA: "1 + resolve", barWB: "1 + resolve", bara: "1", VB: "0"}
splits:
  later: {kind: forward, train_to: 1944, test_to: 1979}
  folds: {kind: folds, folds: 5}
questions:
  struck:
    title: Is the threat carried out?
    table: disputes
    outcome: {column: ending, yes: struck, no: [conceded, dropped]}
    splits: [later]
"""


def simulated(seed=1, n=900, *, game=True):
    """Disputes in which the endings come of the strategic game, or have nothing to do with it.

    The more resolved the sender, the likelier he stands firm and the less likely the target resists: the chance of a
    strike rises and falls with resolve, which no regression on resolve alone can follow.
    """
    rng = np.random.default_rng(seed)
    resolve, stake = rng.normal(0, 1, n), rng.normal(0, 0.5, n)
    if game:
        firm = ndtr(3 * resolve / 2**0.5)
        resist = ndtr((firm * -6 + 4 + stake) / 2**0.5)
        u = rng.random((2, n))
        ending = np.where(u[0] > resist, "conceded", np.where(u[1] < firm, "struck", "dropped"))
    else:
        ending = np.where(rng.random(n) < expit(1.5 * stake + resolve), "struck", "dropped")
        ending = np.where(rng.random(n) < 0.25, "conceded", ending)
    year = np.sort(rng.integers(1900, 1990, n))
    return pl.DataFrame({
        "crisis": [f"c{i // 2}" for i in range(n)], "year": year, "over": year + rng.integers(0, 3, n),
        "resolve": resolve, "stake": np.where(rng.random(n) < 0.05, -9, stake), "naval": rng.integers(0, 2, n),
        "kind": rng.choice(["a", "b", "c"], n), "ending": ending, "deaths": rng.integers(0, 100, n),
        "later": rng.normal(size=n),
    })  # fmt: skip


def quick(game):
    """Models without trees and without the signaling game, under the names that the comparison has."""
    found = [Climatology(), Logistic()]
    return found + ([Structural("signaling", "A game", Strategic(game, (1.0,)))] if game is not None else [])


@pytest.fixture
def study(tmp_path):
    """Writes a mapping and a table; gives the study and the table's path."""

    def make(frame=None, mapping=MAPPING, **changes):
        for old, new in changes.pop("replace", {}).items():
            assert old in mapping
            mapping = mapping.replace(old, new)
        (tmp_path / "m.yaml").write_text(mapping)
        table = tmp_path / "t.csv"
        (simulated() if frame is None else frame).write_csv(table)
        return read(tmp_path / "m.yaml"), table

    return make


@pytest.fixture(scope="module")
def true_game(tmp_path_factory):
    """A backtest of disputes that come of the game."""
    folder = tmp_path_factory.mktemp("game")
    (folder / "m.yaml").write_text(MAPPING)
    simulated(n=1000).write_csv(folder / "t.csv")
    return run(read(folder / "m.yaml"), folder / "t.csv", models=quick)


def test_the_structure_wins_where_it_is_true(true_game):
    (found,) = true_game.found
    less = found.less["brier", "signaling", "logistic"]
    assert less.clear == -1
    assert less.value < -0.01
    assert found.scores["signaling"].auc.low > found.scores["logistic"].auc.value
    assert found.adds.low > 0.5
    assert answer(true_game).startswith("The structure forecasts better than a regression in 1 of 1 comparison:")


def test_the_structure_does_not_win_where_it_is_irrelevant(study):
    mapping, table = study(simulated(2, game=False))
    report = run(mapping, table, models=quick)
    (found,) = report.found
    assert found.less["brier", "signaling", "logistic"].clear >= 0
    assert answer(report).startswith(
        "The structure does not forecast better than a regression: in none of 1 comparison"
    )


@pytest.mark.parametrize(
    ("against_regression", "against_base", "said"),
    [
        ((-0.02, -0.03, -0.01), -0.1, "The structure forecasts better than a regression in 1 of 1 comparison:"),
        ((-0.02, -0.03, -0.01), 0.1, "The structure does not forecast better than a regression that is worth having:"),
        (
            (-0.02, -0.03, 0.01),
            -0.1,
            "The structure does not forecast better than a regression: in none of 1 comparison",
        ),
        ((0.02, 0.01, 0.03), -0.1, "The structure does not forecast better than a regression: in none of 1 comparison"),
    ],
)
def test_the_first_sentence_is_that_of_the_numbers(true_game, against_regression, against_base, said):
    """A gain on a regression that loses to the base rate is none."""
    one = true_game.found[0]
    less = one.less | {
        ("brier", "signaling", "logistic"): Interval(*against_regression),
        ("brier", "signaling", "climatology"): Interval(against_base, against_base - 0.01, against_base + 0.01),
    }
    assert answer(replace(true_game, found=(replace(one, less=less),))).startswith(said)


def test_logistic_finds_the_truth_and_the_base_rate_is_one():
    frame = simulated(3, 3000, game=False)
    rng = np.random.default_rng(0)
    chance = expit(-0.5 + 1.2 * frame["resolve"].to_numpy())
    lesson = made_lesson(frame, (rng.random(3000) < chance).astype(float))
    fitted = Logistic().fit(lesson)
    assert np.abs(fitted.predict(lesson.known) - chance).mean() < 0.02
    assert Climatology().fit(lesson).predict(lesson.known)[0] == pytest.approx(lesson.answer.mean())


def test_trees_find_what_no_line_can():
    frame = simulated(4, 1500, game=False)
    chance = np.where(np.abs(frame["resolve"].to_numpy()) < 0.6, 0.85, 0.15)
    lesson = made_lesson(frame, (np.random.default_rng(1).random(1500) < chance).astype(float))
    said = Boosting(rounds=(40, 80)).fit(lesson).predict(lesson.known)
    assert np.abs(said - chance).mean() < 0.1
    assert np.abs(Logistic().fit(lesson).predict(lesson.known) - chance).mean() > 0.25


def made_lesson(frame, y):
    from standoff.backtest.table import Known

    known = frame.select("resolve", "stake", pl.col("naval").cast(float), "kind")
    kinds = {"resolve": "number", "stake": "number", "naval": "flag", "kind": "category"}
    many = len(frame)
    return Lesson(Known(known, kinds, np.full(many, -1)), y, np.full(many, -1), frame["crisis"].to_numpy().astype(str))


def test_average_is_of_log_odds():
    assert average([np.array([0.5]), np.array([0.9])])[0] == pytest.approx(expit(np.log(9) / 2))
    assert np.isfinite(average([np.array([0.0]), np.array([1.0])])).all()


# Nothing that was not known at the start


def test_no_other_column_and_no_later_row_matters(study, true_game):
    """Undeclared columns, and how tested and later cases ended, are replaced: forecasts are the same bit by bit."""
    frame = simulated(n=1000)
    late = frame["year"] > 1944
    rng = np.random.default_rng(9)
    changed = frame.with_columns(
        deaths=pl.Series(rng.integers(0, 9, len(frame))),
        later=pl.Series(rng.normal(size=len(frame))),
        ending=pl.when(late).then(pl.Series(rng.choice(["struck", "dropped"], len(frame)))).otherwise("ending"),
        over=pl.when(late).then(1999).otherwise("over"),
    ).with_columns(
        resolve=pl.when(pl.col("year") > 1979).then(pl.lit(7.0)).otherwise("resolve"),
        kind=pl.when(pl.col("year") > 1979).then(pl.lit("z")).otherwise("kind"),
    )
    mapping, table = study(changed)
    found = run(mapping, table, models=quick).found[0]
    before = true_game.found[0]
    assert np.array_equal(found.row, before.row)
    assert not np.array_equal(found.answer, before.answer)
    for name in ("climatology", "logistic", "signaling", "average"):
        assert np.array_equal(found.chance[name], before.chance[name]), name


def test_what_was_known_does_matter(study, true_game):
    """The test above can fail: a declared column of the tested cases changes their forecasts."""
    frame = simulated(n=1000).with_columns(resolve=pl.when(pl.col("year") == 1970).then(0.0).otherwise("resolve"))
    mapping, table = study(frame)
    found, before = run(mapping, table, models=quick).found[0], true_game.found[0]
    same = found.chance["logistic"] == before.chance["logistic"]
    assert same[found.year != 1970].all()
    assert not same[found.year == 1970].any()


def test_a_crisis_does_not_teach_its_own_forecasts(study):
    """In folds: another ending of one crisis moves other crises' forecasts, never its own."""
    frame = simulated(n=300)
    flipped = frame.with_columns(ending=pl.when(pl.col("crisis") == "c7").then(pl.lit("struck")).otherwise("ending"))
    assert not flipped.equals(frame)
    told = {"    splits: [later]\n": "    splits: [folds]\n"}
    models = lambda game: [Climatology(), Logistic()]  # noqa: E731
    one = run(*study(frame, replace=told), models=models).found[0]
    two = run(*study(flipped, replace=told), models=models).found[0]
    own = one.group == "c7"
    assert own.sum() == 2
    assert np.array_equal(one.chance["logistic"][own], two.chance["logistic"][own])
    assert not np.array_equal(one.chance["logistic"], two.chance["logistic"])


def test_training_waits_until_the_answer_is_known(study):
    mapping, table = study()
    cases = ask(load(mapping, "disputes", table), "struck", mapping.mapping.questions["struck"])
    (fold,) = folds(cases, mapping.mapping.splits["later"], "later")
    frame = simulated()
    began = frame["year"].to_numpy() <= 1944
    over = frame["over"].to_numpy() <= 1944
    assert np.array_equal(fold.train, np.flatnonzero(began & over))
    assert fold.unresolved == (began & ~over).sum() > 0
    year = frame["year"].to_numpy()[fold.test]
    assert (year.min(), year.max()) == (1945, 1979)
    split = mapping.mapping.splits["later"].model_copy(update={"by_start": True})
    assert np.array_equal(folds(cases, split, "later")[0].train, np.flatnonzero(began))


def test_an_answer_is_known_at_the_later_of_end_and_days(study):
    mapping, table = study(replace={"resolved: {column: over}": "resolved: {column: over, days: deaths}"})
    cases = ask(load(mapping, "disputes", table), "struck", mapping.mapping.questions["struck"])
    frame = simulated()
    end = frame["over"].to_numpy() + 366 / 367
    days = frame["year"].to_numpy() + (366 + frame["deaths"].to_numpy()) / 367
    assert cases.resolved == pytest.approx(np.maximum(end, days))
    assert (days > end).any()
    assert (days < end).any()


def test_an_answer_is_known_at_the_latest_of_several(study):
    mapping, table = study(replace={"resolved: {column: over}": "resolved: {days: [30, deaths]}"})
    cases = ask(load(mapping, "disputes", table), "struck", mapping.mapping.questions["struck"])
    deaths = np.maximum(simulated()["deaths"].to_numpy(), 30)
    assert cases.resolved == pytest.approx(simulated()["year"].to_numpy() + (366 + deaths) / 367)


def test_days_are_counted_in_the_calendar():
    """Ten years of 365 days end before the day on which they began, not three weeks before it."""
    from standoff.backtest.conditions import after, moments

    starts = pl.Series("day", ["1950-01-10", "1950-12-31", "1950", "1950", None, "9999-01-01"])
    days = np.array([3650.0, 1.0, 365.0, np.nan, 3.0, 4000.0])
    ends = pl.Series("day", ["1960-01-08", "1951-01-01", "1951-12-31", None, None, None])
    assert np.array_equal(after(starts, days, "t")[:3], moments(ends, "t")[:3])
    assert np.isinf(after(starts, days, "t")[3:]).all()


def test_rolling_origins_see_only_the_past(study):
    mapping, table = study(replace={"kind: folds, folds: 5": "kind: rolling, first: 1930, last: 1950, step: 5"})
    cases = ask(load(mapping, "disputes", table), "struck", mapping.mapping.questions["struck"])
    found = folds(cases, mapping.mapping.splits["folds"], "folds")
    assert [fold.name for fold in found] == ["1930", "1935", "1940", "1945", "1950"]
    for fold in found:
        assert cases.resolved[fold.train].max() < int(fold.name)
        assert cases.year[fold.test].min() >= int(fold.name)
    assert cases.year[np.concatenate([fold.test for fold in found])].max() == 1950


def test_folds_keep_crises_whole(study):
    mapping, table = study()
    cases = ask(load(mapping, "disputes", table), "struck", mapping.mapping.questions["struck"])
    found = folds(cases, mapping.mapping.splits["folds"], "folds", seed=1)
    assert sorted(np.concatenate([fold.test for fold in found])) == list(range(len(cases)))
    for fold in found:
        assert not set(cases.group[fold.train]) & set(cases.group[fold.test])
    other = folds(cases, mapping.mapping.splits["folds"], "folds", seed=2)
    assert not np.array_equal(found[0].test, other[0].test)


# Outcomes that nobody coded


@pytest.mark.slow
def test_uncoded_outcomes_are_told_and_bounded(study):
    rng = np.random.default_rng(0)
    frame = simulated(n=600)
    lost = rng.random(600) < expit(2 * frame["resolve"].to_numpy() - 1)
    frame = frame.with_columns(ending=pl.when(pl.Series(lost)).then(None).otherwise("ending"))
    mapping, table = study(frame)
    cases = ask(load(mapping, "disputes", table), "struck", mapping.mapping.questions["struck"])
    assert cases.coded.sum() == (~lost).sum()
    found = selection(cases, np.arange(600))
    yes = int((frame["ending"] == "struck").sum())
    assert (found.coded, found.uncoded) == ((~lost).sum(), lost.sum())
    assert (found.low, found.high) == pytest.approx((yes / 600, (yes + lost.sum()) / 600))
    assert found.auc > 0.75
    resolve = frame["resolve"].to_numpy()
    assert abs(np.average(resolve[~lost], weights=found.weight)) < 0.6 * abs(resolve[~lost].mean())
    (one,) = run(mapping, table, models=quick).found
    assert one.selection.uncoded > 0
    assert np.isfinite(one.weighted["logistic"].brier.value)


def test_nothing_is_weighted_where_all_are_coded(study):
    mapping, table = study()
    cases = ask(load(mapping, "disputes", table), "struck", mapping.mapping.questions["struck"])
    found = selection(cases, np.arange(len(cases)))
    assert found.weight is None
    assert found.low == found.high == pytest.approx(cases.answer.mean())


# Finished folds


def test_a_stopped_study_goes_on_where_it_was(study, tmp_path):
    told = {"    splits: [later]\n": "    splits: [folds]\n"}
    mapping, table = study(simulated(n=300), replace=told)
    fitted = []

    class Stops(Climatology):
        def fit(self, lesson):
            fitted.append(len(lesson))
            if len(fitted) == 3:
                raise KeyboardInterrupt
            return super().fit(lesson)

    models = lambda game: [Stops(), Logistic()]  # noqa: E731
    with pytest.raises(KeyboardInterrupt):
        run(mapping, table, keep=tmp_path / "folds", models=models)
    kept = sorted((tmp_path / "folds").iterdir())
    assert len(kept) == 2
    kept[0].write_text('{"chance": ')  # torn by a full disk
    found = run(mapping, table, keep=tmp_path / "folds", models=models).found[0]
    assert len(fitted) == 3 + 4  # one was kept; the torn one and the three that were missing are made
    whole = run(mapping, table, models=lambda game: [Climatology(), Logistic()]).found[0]
    assert np.allclose(found.chance["logistic"], whole.chance["logistic"], rtol=0, atol=1e-12)
    simulated(n=300).with_columns(pl.col("ending").reverse()).write_csv(table)
    run(mapping, table, keep=tmp_path / "folds", models=models)
    assert len(fitted) == 3 + 4 + 5, "other data must not find the folds of these"


def test_a_model_that_fails_is_told_and_the_others_go_on(study):
    from standoff.errors import Failure

    class Fails:
        name, title = "signaling", "A game"

        def fit(self, lesson):
            raise Failure("No maximum.")

    mapping, table = study()
    report = run(mapping, table, models=lambda game: [Climatology(), Logistic(), Fails()])
    assert report.found[0].failed == {"signaling": "No maximum."}
    assert answer(report).startswith("No game forecast here")


def test_a_kept_fold_that_is_not_of_these_models_or_cases_is_made_again(study, tmp_path):
    mapping, table = study(simulated(n=300), replace={"    splits: [later]\n": "    splits: [folds]\n"})
    models = lambda game: [Climatology(), Logistic()]  # noqa: E731
    whole = run(mapping, table, keep=tmp_path / "folds", models=models).found[0]
    for k, file in enumerate(sorted((tmp_path / "folds").iterdir())):
        kept = json.loads(file.read_text())
        if k == 0:
            kept["chance"]["logistic"].pop()
        elif k == 1:
            kept["chance"]["logistic"][0] = 1.5
        elif k == 2:
            del kept["chance"]["logistic"]
        elif k == 3:
            kept = {"chance": 3, "failed": {}, "notes": {}}
        file.write_text(json.dumps(kept))
    again = run(mapping, table, keep=tmp_path / "folds", models=models).found[0]
    assert np.array_equal(again.chance["logistic"], whole.chance["logistic"])


# Mappings and faults


@pytest.mark.parametrize("name", shipped())
def test_shipped_studies_can_be_read_and_keep_outcomes_out(name):
    mapping = read(name).mapping
    late = {
        "finaloutcome", "imposition", "endyear", "targetcosts", "sendercosts", "settlementnaturesender", "sanctiontype",
        "institution", "carrots", "viol", "outcom", "outfor", "outevl", "cenvio", "sevvio", "crismg", "majres", "usinv",
        "mediate", "forout", "subout", "noactr", "yrterm", "trgresra", "force_used", "challenger_force", "target_force",
        "war", "hostlev", "fatality", "outcome", "mindur", "maxdur", "recip", "settle", "target_conceded", "exit",
        "exitcode", "posttenurefate", "days_to_exit", "enddate", "left_365d", "forced_365d", "first_outcome",
        "target_leader_left_365d", "target_leader_forced_365d", "target_leader_days_to_exit", "numa", "numb", "brexit",
        # Of any time in the crisis, by the codebooks of ICB.
        "gravcr", "gravty", "chissu", "issues", "chacts", "iwc", "iwcmb", "gpinv", "powinv", "pethin",
    }  # fmt: skip
    ends = {"ties": {"endyear"}, "icb": {"yrterm"}, "demands": {"maxdur"}, "leaders": {"yrterm", "maxdur"}}[name]
    for table in mapping.tables.values():
        assert set(table.resolved.raw) & ends, "the game learns from endings, so a case must be over before it trains"
        used = {raw for column in table.known for raw in column.raw}
        assert not used & late
        renamed = {new: old for join in table.joins for new, old in join.columns.items()}
        assert not {renamed.get(raw, raw) for raw in used} & late
        names = {column.name for column in table.known}
        said = " ".join(table.game.payoffs.values())
        assert not [word for word in late if f" {word} " in f" {said} "]
        assert names


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("title: Disputes", "titel: Disputes", r"m.yaml:3:1: the key 'titel' is not known here. Did you mean 'title'"),
        ("year\n    group", "[1]\n    group", r"m.yaml:6:11"),
        ("kind: forward, train_to: 1944", "kind: forward", "a forward split lacks 'train_to'"),
        ("table: disputes\n", "table: dispute\n", "m.yaml:26:12: the question 'struck' is asked of the table"),
        ("    splits: [later]", "    splits: [latter]", "m.yaml:28:13: the question 'struck' names the split"),
        ("{name: naval, kind: flag}", "{name: ending, kind: category}", "m.yaml:12:9: 'known' uses 'ending'"),
        ("{name: naval, kind: flag}", "{name: lasted, from: over}", "m.yaml:12:9: 'known' uses 'over', which"),
        ("{name: naval, kind: flag}", "{name: t, since: {from: year, to: over}}", "'known' uses 'over', which"),
        ("column: over", "column: over, days: [3, stake]", "m.yaml:11:9: 'known' uses 'stake', which tells how"),
        ("train_to: 1944", "train_to: 19440", "m.yaml:21:36: input should be less than or equal to 9999"),
        ("{name: naval, kind: flag}", "{name: naval, codes: [1]}", "'codes' belong to a flag"),
        ("{name: naval, kind: flag}", "{name: stake}", "the known column 'stake' stands there twice"),
        ("    splits: [later]", "    rows: {deaths: {from: 3}}", "must have been known at the start"),
        ("study: mine", "study: &a mine", "anchor"),
        ("study: mine", "study: !!python/object/apply:os.system [ls]", "tag"),
        ('SA: "0", ', "", "lacks SA"),
    ],
)  # fmt: skip
def test_faults_of_a_mapping(study, old, new, said):
    with pytest.raises(CaseError, match=said.replace("(", r"\(") if "m.yaml" not in said else said):
        study(replace={old: new})


@pytest.mark.parametrize(
    ("payoff", "said"),
    [
        ("\"1 + __import__('os')\"", "formula"),
        ('"1 + deaths"', "'deaths', which is not among what is known at the start"),
        ('"1 + kind"', "'kind'"),
    ],
)
def test_payoffs_run_nothing_and_see_only_what_was_known(study, payoff, said):
    mapping, table = study(simulated(n=300), replace={'barWA: "1 + resolve"': f"barWA: {payoff}"})
    with pytest.raises(UserError, match=said):
        run(mapping, table, models=quick)


def test_payoffs_without_a_term_are_refused(study):
    nothing = {
        text: text[: text.index('"')] + '"0"' for text in ('CB: "1 + stake"', 'barWB: "1 + resolve"', 'bara: "1"')
    }
    mapping, table = study(simulated(n=300), replace=nothing | {'barWA: "1 + resolve"': 'barWA: "0"'})
    with pytest.raises(UserError, match="hold no term, so there is nothing to estimate"):
        run(mapping, table, models=quick)


def test_a_join_hides_no_answer(tmp_path):
    """A column that is put beside the table under another name, from the file of the answer, is the answer still."""
    join = '{files: t.csv, "on": {crisis: crisis}, columns: {hint: ending}, first_by: [year]}'
    text = MAPPING.replace("    date: year\n", f"    files: t.csv\n    joins: [{join}]\n    date: year\n")
    (tmp_path / "m.yaml").write_text(text.replace("name: kind, kind: category", "name: hint, kind: category"))
    with pytest.raises(CaseError, match="'known' uses 'hint', which tells how a case ended"):
        read(tmp_path / "m.yaml")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda f: f.rename({"resolve": "resolved"}), "no column 'resolve'. Did you mean 'resolved'"),
        (lambda f: f.with_columns(year=pl.lit("last spring")), "'last spring' in row 2, which is no date"),
        (lambda f: f.with_columns(year=pl.lit("1962-13-01")), "which is no date"),
        (lambda f: f.with_columns(resolve=pl.lit("firm")), "'firm' in row 2, which is no number"),
        (lambda f: f.with_columns(naval=pl.lit(2)), "holds 2, where a flag holds 0 or 1"),
        (lambda f: f.with_columns(ending=pl.lit("bought off")), "the code 'bought off', of which"),
        (lambda f: f.with_columns(ending=pl.lit("struck")), "no row answers 'struck' with no"),
        (lambda f: f.with_columns(ending=pl.lit(None)), "has 0 rows with an answer"),
        (lambda f: f.filter(pl.col("year") > 1944), "leaves 0 training cases"),
        (lambda f: f.filter(pl.col("year") < 1944), "tests no case with a known answer"),
        (lambda f: f.head(20), "has 20 rows with an answer; 30 are the least"),
        (lambda f: f.head(0), "no row has a date ('year') and a crisis (crisis). Is the table empty"),
        (lambda f: f.with_columns(crisis=pl.lit(None)), "no row has a date ('year') and a crisis (crisis)"),
        (lambda f: f.with_columns(stake=pl.lit(1e200)), "holds 1e+200 in row 2, which is too large a number"),
        (lambda f: f.with_columns(ending=pl.col("ending").replace("conceded", "dropped")), "no row ends in 'cd'"),
        (lambda f: f.with_columns(ending=pl.Series(np.arange(300) / 300)), "holds the codes '0', '0.0"),
    ],
)  # fmt: skip
def test_faults_of_a_table(study, change, said):
    import re

    mapping, table = study(change(simulated(n=300)))
    with pytest.raises(UserError, match=re.escape(said)):
        run(mapping, table, models=lambda game: [Climatology()])


def test_files_that_are_not_there(study, tmp_path):
    mapping, table = study()
    with pytest.raises(UserError, match="there is no such folder or file"):
        run(mapping, tmp_path / "nowhere")
    with pytest.raises(UserError, match="Name the file with --data"):
        run(mapping, tmp_path)
    with pytest.raises(UserError, match=r"no file called .* It is from https://"):
        run(read("ties"), tmp_path)
    with pytest.raises(CaseError, match="Did you mean 'ties'"):
        read("tie")
    table.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError):
        run(mapping, table)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text.replace(",", ";"), "its fields are parted by semicolons. Save it with commas"),
        (lambda text: text.replace(",", "\t"), "its fields are parted by tabs. Save it with commas"),
        (lambda text: text.encode("utf-16"), "this is no text in UTF-8"),
        (lambda text: text.replace("deaths", "stake", 1), "two columns are called 'stake'. Rename"),
        (lambda text: "", "it cannot be read as a table: empty CSV"),
        (lambda text: text.encode().replace(b",a,", b",\xe9,"), "Save it as CSV in UTF-8"),
    ],
)
def test_files_that_are_no_table(study, change, said):
    mapping, table = study(simulated(n=300))
    made = change(table.read_text())
    table.write_bytes(made if isinstance(made, bytes) else made.encode())
    with pytest.raises(UserError, match=said):
        run(mapping, table)


def test_a_table_of_too_many_rows_is_refused_before_it_is_read_whole(study, monkeypatch):
    mapping, table = study(simulated(n=300))
    monkeypatch.setattr("standoff.backtest.table.MOST", 299)
    with pytest.raises(UserError, match="more than 299 rows"):
        load(mapping, "disputes", table)
    monkeypatch.setattr("standoff.backtest.table.MOST", 300)
    assert len(load(mapping, "disputes", table).known) == 300


def test_rows_are_those_of_the_file_whatever_was_left_out(study, standoff, tmp_path):
    """Rows without a date or a crisis come before the others, and count."""
    frame = simulated(n=300)
    lost = frame.head(3).with_columns(year=pl.Series([None, 1950, None]), crisis=pl.lit(None))
    mapping, table = study(pl.concat([lost, frame], how="vertical_relaxed"))
    rows = load(mapping, "disputes", table)
    assert rows.left_out == 3
    cases = ask(rows, "struck", mapping.mapping.questions["struck"])
    assert np.array_equal(cases.row, np.arange(3, 303))
    assert cases.known.frame["resolve"].to_list() == frame["resolve"].to_list()
    assert np.array_equal(cases.answer, (frame["ending"] == "struck").to_numpy().astype(float))
    assert cases.resolved == pytest.approx(frame["over"].to_numpy() + 366 / 367)
    text = table.read_text().splitlines()
    text[10] = text[10].replace(",a,", ",x,").replace(text[10].split(",")[3], "firm", 1)
    table.write_text("\n".join(text) + "\n")
    with pytest.raises(UserError, match="'firm' in row 11, which is no number"):
        load(mapping, "disputes", table)


def test_words_for_true_and_false_are_flags(study):
    frame = simulated(n=300).with_columns(naval=pl.col("naval") == 1)
    mapping, table = study(frame)
    assert load(mapping, "disputes", table).known.frame["naval"].to_list() == frame["naval"].cast(float).to_list()


def test_long_ids_stay_apart():
    from standoff.backtest.conditions import code, codes

    one, two = "12345678901234567", "12345678901234568"
    assert list(codes(pl.Series([one, two]))) == [one, two]
    assert (code("007"), code("3.0"), code(True), code("TRUE"), code("-2")) == ("7", "3", "1", "1", "-2")


def test_a_column_that_nobody_filled_stops_no_model():
    frame = simulated(5, 300, game=False)
    lesson = made_lesson(
        frame.with_columns(stake=pl.lit(None, pl.Float64)), (frame["ending"] == "struck").to_numpy() * 1.0
    )
    for model in (Boosting(rounds=(10,)), Logistic()):
        assert np.isfinite(model.fit(lesson).predict(made_lesson(frame, lesson.answer).known)).all(), model.name


def test_what_is_not_told_by_intervals_is_not_told(study):
    mapping, table = study(simulated(n=300).with_columns(crisis=pl.lit("all")))
    report = run(mapping, table, models=quick)
    assert answer(report).startswith("Fewer than 10 crises are tested: too few for intervals, so nothing is said")
    mapping, table = study(simulated(n=300).with_columns(
        ending=pl.when(pl.col("year") < 1905).then(pl.lit("unclear")).otherwise("ending")
    ), replace={"no: [conceded, dropped]": "no: [conceded, dropped, unclear]"})  # fmt: skip
    (found,) = run(mapping, table, models=quick).found
    assert found.unended == (simulated(n=300)["year"] < 1905).sum() > 0


def test_a_climb_that_did_not_arrive_says_so(monkeypatch):
    from standoff.backtest import climb

    frame = simulated(n=200)
    order = np.array(["conceded", "struck", "dropped"])
    ending = np.array([int(np.flatnonzero(order == e)[0]) for e in frame["ending"]])
    lesson = replace(made_lesson(frame, (ending == 1) * 1.0), ending=ending)
    game = read_game()
    assert Strategic(game, (1.0,))(lesson).notes == ("prior sd 1",)
    monkeypatch.setattr(climb, "STEPS", 2)
    assert Strategic(game, (1.0,))(lesson).notes == ("prior sd 1", "stopped after 2 steps, still gaining")


def read_game():
    from standoff.backtest.mapping import Game

    return Game(
        endings={"cd": ({"e": 0},), "sf": ({"e": 1},), "bd": ({"e": 2},)},
        payoffs={"SA": "0", "VA": "1", "CB": "1 + stake", "barWA": "1 + resolve", "barWB": "1 + resolve", "bara": "1",
                 "VB": "0"},
    )  # fmt: skip


def test_joins_put_the_year_before_beside_a_row(tmp_path):
    text = """
study: joined
title: Joined
tables:
  rows:
    files: rows.csv
    date: day
    group: [state]
    joins:
      - {files: [power.parquet], "on": {state: ccode, day: year}, earlier: {day: 1}, columns: {power: cinc}}
    known:
      - {name: power, transform: log}
      - {name: age, since: {from: born, to: day}}
      - {name: any, from: [i1, i2], kind: flag, codes: [3], missing: [-9]}
splits: {folds: {kind: folds, folds: 2}}
questions:
  q: {title: Yes, table: rows, outcome: {column: y, yes: 1, no: 0}}
"""
    (tmp_path / "m.yaml").write_text(text)
    (tmp_path / "rows.csv").write_text(
        "state,day,born,i1,i2,y\n2,1962-10-16,1917,3,1,1\n2.0,1990-01-01,1940-01-01,-9,,0\n365,1962-10-16,,1,1,\n"
    )
    pl.DataFrame({"ccode": [2, 2, 365], "year": [1961, 1989, 1962], "cinc": [0.5, 0.25, 0.9]}).write_parquet(
        tmp_path / "power.parquet"
    )
    rows = load(read(tmp_path / "m.yaml"), "rows", tmp_path)
    known = rows.known.frame
    assert known["power"].to_list() == pytest.approx([np.log(0.5), np.log(0.25), None])
    assert known["any"].to_list() == [1.0, None, 0.0]
    assert known["age"][0] == pytest.approx(45.78, abs=0.02)
    assert known["age"][1] == pytest.approx(50)
    assert known["age"][2] is None
    assert rows.year.tolist() == [1962, 1990, 1962]


def test_a_join_with_two_answers_is_refused(tmp_path, study):
    mapping, table = study(replace={"    known:\n": (
        '    joins: [{files: o.csv, "on": {crisis: crisis}, columns: {extra: x}}]\n    known:\n      - {name: extra}\n'
    )})  # fmt: skip
    (tmp_path / "o.csv").write_text("crisis,x\nc1,1\nc1,2\n")
    with pytest.raises(UserError, match="Say with 'first_by' which is meant"):
        run(mapping, table)


# The command


def test_command(study, standoff, tmp_path):
    plain = MAPPING.replace("    splits: [later]\n", "    splits: [later]\n    game: false\n")
    _, table = study(simulated(n=400), plain)
    code, out, _ = standoff(
        "backtest", tmp_path / "m.yaml", "--data", table, "--out", tmp_path / "out", "--json", "--quiet"
    )
    assert code == 0
    found = json.loads(out)
    (question,) = found["questions"]
    assert found["answer"].startswith("No game forecast here")
    assert set(question["models"]) == {"climatology", "logistic", "boosting"}
    assert sum(n for *_, n in question["models"]["logistic"]["reliability"]) == question["cases"]
    written = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"backtest.html", "backtest.json", "backtest.csv", "backtest.md", "forecasts.csv", "folds"} <= written
    assert json.loads((tmp_path / "out" / "backtest.json").read_text()) == found
    forecasts = pl.read_csv(tmp_path / "out" / "forecasts.csv")
    mean = ((forecasts["logistic"] - forecasts["answer"]) ** 2).mean()
    assert mean == pytest.approx(question["models"]["logistic"]["brier"]["value"], abs=1e-5)
    page = (tmp_path / "out" / "backtest.html").read_text()
    assert "Disputes of an invented sea" in page
    assert "<svg" in page
    code, out, _ = standoff("backtest", tmp_path / "m.yaml", "--data", table, "--quiet", "--question", "struck")
    assert code == 0
    assert "Logistic regression" in out
    assert max(map(len, out.splitlines())) <= 110


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("tie", "--data", "."), "Did you mean 'ties'?"),
        (("ties", "--data", "nowhere"), "there is no such folder or file"),
        (("ties", "--data", ".", "--question", "strct"), "There is no question 'strct'. Did you mean 'strict'?"),
        (("ties", "--data", ".", "--split", "foward"), "There is no split 'foward'. Did you mean 'forward'?"),
    ],
)
def test_faults_of_the_command(standoff, monkeypatch, tmp_path, arguments, said):
    monkeypatch.chdir(tmp_path)
    code, _, err = standoff("backtest", *arguments)
    assert code == 2
    assert said in err
    assert "Traceback" not in err
