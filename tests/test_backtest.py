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
    }  # fmt: skip
    for table in mapping.tables.values():
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
        ("table: disputes\n", "table: dispute\n", "asked of the table 'dispute', which is not here"),
        ("    splits: [later]", "    splits: [latter]", "names the split 'latter', which is not here"),
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
