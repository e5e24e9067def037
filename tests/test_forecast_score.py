"""Scores: rules by hand, who is scored on what, pairs, what a range leaves open, the command, and what is refused."""

import datetime as dt
import json
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from standoff.case.audit import audit
from standoff.case.evidence import Event, Forecast, When
from standoff.case.load import load_case
from standoff.case.new import new_case
from standoff.errors import UserError
from standoff.forecast.questions import questions
from standoff.forecast.score import (
    CLIP,
    ENOUGH,
    STALE,
    brier,
    calibration,
    comparable,
    count,
    log_score,
    mean,
    read,
    score,
    scored,
    skill,
)
from standoff.show import score as shown
from standoff.show.screens.scores import headline, note, paired, scores, screen
from standoff.show.screens.screen import Findings
from standoff.show.words import names
from standoff.simulate.ending import ENDINGS
from standoff.simulate.record import record

MADE, UNTIL = dt.date(2031, 5, 10), dt.date(2031, 6, 15)
PUBLIC = {"made": MADE, "public_from": MADE}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("score") / "case"
    new_case(path)
    return path


@pytest.fixture(scope="module")
def loaded(folder):
    return load_case(folder)


def said(name, resolved="yes", **more):
    given = {
        "id": name, "by": "spokeswoman", "question": f"Will {name} be?", "until": UNTIL, "resolved": resolved,
        "resolution": "So it went.", "outcome": "force", "probability": 0.8, **PUBLIC, **more,
    }  # fmt: skip
    if "words" in more:
        given["probability"] = None
    return Forecast.model_validate(given)


def holding(loaded, *forecasts, **more):
    return replace(loaded, case=loaded.case.model_copy(update={"forecasts": list(forecasts), **more}))


def own(loaded, chances, *, priors=("generic", "case"), as_of=MADE, digest=None):
    """The model's forecasts: each ending's chance at the horizon, reached evenly from the day of the forecast on."""
    crisis = loaded.case.crisis
    by = [crisis.starts + dt.timedelta(days=crisis.round_days * (k + 1) - 1) for k in range(crisis.rounds)]
    share = np.array([max((day - as_of).days, 0) / (by[-1] - as_of).days for day in by])
    level = np.array([[each.get(ending, 0.0) for ending in ENDINGS] for each in chances])
    values = share[None, None, :, None] * level[:, None, None, :]
    return xr.Dataset(
        {"chance": (("priors", "as_of", "by", "ending"), values)},
        coords={
            "priors": np.array(priors, dtype=object), "as_of": np.array([as_of], "datetime64[ns]"),
            "by": np.array(by, "datetime64[ns]"), "ending": np.array(ENDINGS, dtype=object),
        },
        attrs={"schema": "standoff-forecast/1", "case": crisis.id, "digest": digest or loaded.digest,
               "hindsight": ["case: with hindsight: ladder.blockade, from 2031-06-01"]},
    )  # fmt: skip


def test_rules_by_hand():
    p, y = np.array([0.8, 0.8, 0.5, 1.0, 0.0]), np.array([1.0, 0.0, 1.0, 1.0, 1.0])
    assert brier(p, y) == pytest.approx([0.04, 0.64, 0.25, 0.0, 1.0])
    assert log_score(p, y) == pytest.approx([0.2231, 1.6094, 0.6931, -np.log(1 - CLIP), -np.log(CLIP)], abs=1e-4)


@given(st.floats(0.01, 0.99), st.floats(0.01, 0.99))
def test_both_rules_are_proper(true, told):
    """Who thinks `true` expects no better score from saying anything else."""
    for rule in (brier, log_score):
        expected = [
            float(true * rule(np.array([p]), np.ones(1))[0] + (1 - true) * rule(np.array([p]), np.zeros(1))[0])
            for p in (true, told)
        ]
        assert expected[0] <= expected[1] + 1e-12


def test_a_word_s_range_is_the_range_of_its_score(loaded):
    found = score(holding(loaded, said("a", words="likely"), said("b", "no", words="likely")))
    one, two = (found["brier"].sel(forecast=name, forecaster="said").values for name in ("a", "b"))
    assert one == pytest.approx([0.2**2, 0.3**2, 0.45**2])
    assert two == pytest.approx([0.55**2, 0.7**2, 0.8**2])


def test_a_number_goes_before_words(loaded):
    both = said("a").model_copy(update={"words": "in all likelihood"})
    found = score(holding(loaded, both))
    assert found["chance"].sel(forecast="a", forecaster="said").values.tolist() == [0.8, 0.8, 0.8]
    assert found["words"].item() == ""


def test_clipped_chances_are_told(loaded):
    found = score(holding(loaded, said("a", probability=1.0), said("b", "no", probability=1.0), said("c")))
    assert found["clipped"].sel(forecaster="said").values.tolist() == [True, True, False]
    assert float(found["log"].sel(forecast="b", forecaster="said", bound="mid")) == pytest.approx(-np.log(CLIP))
    assert "were held back so" in note(found)


def test_only_what_was_resolved_under_a_condition_that_held_is_scored(loaded):
    found = score(
        holding(
            loaded, said("plain"), said("held", condition="he stays"), said("void", "void", condition="he goes"),
            said("argued", "disputed"), said("open", "open"),
        )
    )  # fmt: skip
    assert dict(zip(found["forecast"].values, found["state"].values, strict=True)) == {
        "plain": "scored", "held": "scored", "void": "void", "argued": "disputed", "open": "open",
    }  # fmt: skip
    assert np.isnan(found["brier"].sel(forecast=["void", "argued", "open"])).all()
    assert count(found, "said", scored(found)) == 2
    assert comparable(found)[list(found["forecast"].values).index("held")] == np.False_  # not asked of the model


@pytest.mark.parametrize(
    ("public", "state"),
    [(MADE, "scored"), (dt.date(2031, 6, 11), "late"), (dt.date(2031, 6, 16), "late"), ("unknown", "late")],
)
def test_what_was_told_after_its_answer_is_no_forecast(loaded, public, state):
    end = Event(id="end", title="The end", date=When(on=dt.date(2031, 6, 10)), side="coercer", ends="force")
    (one,) = questions(holding(loaded, said("a", public_from=public), events=[end]))
    assert one.state == state


def test_one_origin_on_one_question_counts_once(loaded):
    again = {"question": "Will it be?"}
    found = score(
        holding(
            loaded, said("a", probability=1.0, **again), said("b", probability=0.0, **again), said("c", probability=1.0)
        )
    )
    assert found["weight"].values.tolist() == [0.5, 0.5, 1.0]
    assert count(found, "said", scored(found)) == 2
    assert mean(found, "said", "brier", scored(found)).mid == pytest.approx(0.25)  # (0.5 + 0) / 2


def test_another_deadline_is_another_question(loaded):
    again = {"question": "Will it be?"}
    found = score(holding(loaded, said("a", **again), said("b", until=dt.date(2031, 6, 1), **again)))
    assert count(found, "said", scored(found)) == 2


def test_the_model_is_read_at_the_deadline_and_before_the_forecast(loaded):
    crisis = loaded.case.crisis
    days = (UNTIL - MADE).days / (crisis.ends - MADE).days
    model = own(loaded, [{"force": 0.5}, {"force": 1.0}])
    found = score(holding(loaded, said("a")), model)
    assert found["chance"].sel(forecast="a", bound="mid").sel(
        forecaster=["model-generic", "model-case"]
    ).values == pytest.approx([0.5 * days, days], abs=1e-9)  # an even rise is read without error
    assert found["as_of"].values.tolist() == [str(MADE)]


@pytest.mark.parametrize(
    ("more", "asked"),
    [
        ({}, True),
        ({"made": MADE + dt.timedelta(days=STALE)}, True),
        ({"made": MADE + dt.timedelta(days=STALE + 1)}, False),
        ({"made": MADE - dt.timedelta(days=1)}, False),
        ({"made": {"on": MADE, "precision": "week"}}, False),  # it can have been made before the model's day
        ({"until": dt.date(2035, 1, 1)}, False),
        ({"until": None}, False),
        ({"outcome": "other"}, False),
        ({"condition": "he stays"}, False),
    ],
)
def test_what_the_model_is_asked(loaded, more, asked):
    found = score(holding(loaded, said("a", **{"public_from": MADE, **more})), own(loaded, [{"force": 0.5}, {}]))
    assert bool(np.isfinite(found["chance"].sel(forecaster="model-generic", bound="mid").item())) == asked


def test_office_is_a_range_since_force_may_leave_him_there(loaded):
    model = own(loaded, [{"force": 0.4, "agreed-exit": 0.2, "back-down": 0.4}, {}])
    until = loaded.case.crisis.ends
    found = score(
        holding(loaded, said("a", outcome="out-of-office", until=until), said("b", outcome="in-office", until=until)),
        model,
    )
    assert found["chance"].sel(forecast="a", forecaster="model-generic").values == pytest.approx([0.2, 0.4, 0.6])
    assert found["chance"].sel(forecast="b", forecaster="model-generic").values == pytest.approx([0.4, 0.6, 0.8])


def test_the_market_is_beside_the_same_question_on_the_same_day_only(loaded):
    origins = [o.model_copy(update={"id": "bets", "kind": "market"}) for o in loaded.case.origins[:1]]
    origins += loaded.case.origins
    asked, next_day = {"question": "Will it be?"}, MADE + dt.timedelta(days=1)
    found = score(
        holding(
            loaded, said("bet", by="bets", probability=0.3, **asked), said("same", **asked), said("else"),
            said("after", made=next_day, public_from=next_day, **asked), origins=origins,
        )
    )  # fmt: skip
    market = found["chance"].sel(forecaster="market", bound="mid")
    assert float(market.sel(forecast="same")) == 0.3
    assert np.isnan(market.sel(forecast=["else", "after", "bet"])).all()
    assert dict(zip(found["forecast"].values, found["kind"].values, strict=True))["bet"] == "market"


def many(loaded, number, *, right):
    """Questions of which a share is answered rightly with 0.9."""
    return holding(
        loaded, *(said(f"q{k}", "yes" if k < right else "no", probability=0.9, until=loaded.case.crisis.ends)
                  for k in range(number)),
    )  # fmt: skip


def test_skill_is_on_shared_questions_and_not_told_from_few(loaded):
    found = score(many(loaded, 6, right=6))
    value, shared = skill(found, "said", "flat", scored(found))
    assert shared == 6
    assert value.mid == pytest.approx(1 - 0.01 / 0.25)
    few = score(many(loaded, 4, right=4))
    assert skill(few, "said", "flat", scored(few)) == (None, 4)
    assert skill(found, "said", "market", scored(found)) == (None, 0)


def test_calibration_needs_enough(loaded):
    assert calibration(score(many(loaded, ENOUGH - 1, right=20))) is None
    ((chance, share, questions_),) = calibration(score(many(loaded, ENOUGH, right=24)))
    assert (chance, share, questions_) == (pytest.approx(0.9), pytest.approx(0.8), ENOUGH)


def test_generic_priors_come_first_and_hindsight_is_told(loaded):
    found = score(holding(loaded, said("a")), own(loaded, [{"force": 0.5}, {"force": 0.9}]))
    for rows in (
        [row[0].text for row in headline(found).rows],
        [row["forecaster"] for row in shown.as_dict(found)["scores"]],
    ):
        assert "generic" in rows[0]
        assert "case" in rows[1]
    text = "\n".join(shown.lines(found))
    assert "One case proves little" in text
    assert "written with hindsight" in " ".join(text.split())
    assert "ladder.blockade, from 2031-06-01" in " ".join(text.split())
    assert "Calibration: not enough" in text
    assert text.index("Model, generic priors") < text.index("Flat 0.5")


def test_without_a_model_the_others_are_scored(loaded):
    found = score(holding(loaded, said("a")))
    assert "The model has not been asked" in " ".join(shown.lines(found))
    assert count(found, "said", scored(found)) == 1
    assert paired(found)


def test_a_case_without_scored_forecasts_says_so(loaded):
    for case in (holding(loaded), holding(loaded, said("a", "open"))):
        found = score(case)
        assert "0 questions scored" in "\n".join(shown.lines(found))
        assert screen(found).drawings == []
        assert json.dumps(shown.as_dict(found))


def test_what_came_later_does_not_move_a_score_s_reference(loaded):
    """Climatologies and the model's chance depend on the day and deadline of the forecast, not on the answer."""
    yes, no = (score(holding(loaded, said("a", word)), own(loaded, [{"force": 0.5}, {}])) for word in ("yes", "no"))
    xr.testing.assert_equal(yes["chance"], no["chance"])


def test_command(standoff, tmp_path):
    out = tmp_path / "out"
    code, text, err = standoff("score", "panama-1989", "--quiet", "--out", out)
    assert (code, err) == (0, "")
    assert "Mean scores on the ending" in text
    assert "nobody had them then" in " ".join(text.split())  # the data of its classes go on after 1987
    page = (out / "score.html").read_text(encoding="utf-8")
    assert "<svg" in page
    assert "One case proves little" in page
    kept = json.loads((out / "score.json").read_text(encoding="utf-8"))
    assert [row["forecaster"] for row in kept["scores"]][:2] == ["model-generic", "model-case"]
    table = (out / "score.csv").read_text(encoding="utf-8").splitlines()
    assert table[0].startswith("id,name,kind,question,outcome,made,until,state,observed,words,forecaster,chance_low")
    assert any(line.startswith("own-forces,") and ",said," in line for line in table)


def test_command_with_forecasts_as_json(standoff, folder, loaded, tmp_path):
    own(loaded, [{"force": 0.5}, {"force": 0.9}]).to_zarr(tmp_path / "forecast.zarr", consolidated=False)
    code, text, _ = standoff("score", folder, "--json", "--quiet", "--out", tmp_path)
    assert code == 0
    found = json.loads(text)
    assert found["hindsight"] == ["case: with hindsight: ladder.blockade, from 2031-06-01"]
    assert found["warning"]


def test_kept_in_a_run_the_scores_are_a_screen_of_its_report(loaded, tmp_path):
    found = score(holding(loaded, said("a")), own(loaded, [{"force": 0.5}, {"force": 0.9}]))
    found.to_zarr(tmp_path / "scores.zarr", consolidated=False)
    kept = xr.open_dataset(tmp_path / "scores.zarr", engine="zarr", consolidated=False).load()

    run = xr.DataTree.from_dict({"scores": kept})
    whole = Findings(loaded, run, audit(loaded, None), record(loaded.case), names(loaded.case), documents=False)
    assert scores(whole).answer == screen(found).answer
    assert scores(replace(whole, tree=xr.DataTree())) is None
    assert len(screen(kept).drawings) == 1


def test_faults(loaded, standoff, tmp_path):
    with pytest.raises(UserError, match="not of this case"):
        score(holding(loaded, said("a")), own(loaded, [{}, {}], digest="0" * 64))
    with pytest.raises(UserError, match="priors 'mine'"):
        score(holding(loaded, said("a")), own(loaded, [{}, {}], priors=("generic", "mine")))
    with pytest.raises(UserError, match="no forecasts of the model here"):
        read(tmp_path)
    xr.Dataset(attrs={"schema": "else"}).to_zarr(tmp_path / "forecast.zarr", consolidated=False)
    with pytest.raises(UserError, match="these are no forecasts"):
        read(tmp_path)
    with pytest.raises(UserError, match=r"no range is known for the words 'perhaps soon'"):
        score(holding(loaded, said("a", words="perhaps soon")))
    (tmp_path / "file").write_text("")
    code, _, err = standoff("score", "haiti-1994", "--quiet", "--out", tmp_path / "file")
    assert code == 2
    assert "this is no folder" in err
