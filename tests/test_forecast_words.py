"""Words of chance: published ranges, order, and words that nobody has a range for."""

import re

import pytest

from standoff.case.load import SHIPPED, shipped_cases
from standoff.errors import UserError
from standoff.forecast.words import Range, word_of, words

ICD_203 = {
    "remote": (0.01, 0.05), "very unlikely": (0.05, 0.2), "roughly even chance": (0.45, 0.55),
    "very likely": (0.8, 0.95), "nearly certain": (0.95, 0.99),
}  # fmt: skip
"""ICD 203, Analytic Standards (Office of the Director of National Intelligence, 2015)."""
SURVEYED = {
    "almost certainly": (0.8, 0.9, 0.99), "likely": (0.55, 0.7, 0.8), "probably": (0.51, 0.7, 0.8),
    "possibly": (0.15, 0.45, 0.6), "might happen": (0.1, 0.4, 0.55), "unlikely": (0.05, 0.2, 0.3),
    "serious possibility": (0.3, 0.66, 0.858), "highly likely": (0.8, 0.9, 0.955), "probably not": (0.15, 0.265, 0.4),
}  # fmt: skip
"""10%, 50% and 90% of the published answers of both surveys, computed once with pandas' `quantile`."""
BY_STRENGTH = [
    ("remote", "very unlikely", "unlikely", "possible", "roughly even chance", "likely", "very likely", "certain"),
    ("impossible", "almost no chance", "improbable", "probably not", "better than even", "probable", "highly likely"),
    ("possible", "very possible", "almost certain"),
    ("will not", "not expected", "expected", "will"),
    ("not imminent", "imminent"),
    ("hypothetical", "could", "appears ready", "seems", "very soon"),
]


@pytest.mark.parametrize(("word", "limits"), ICD_203.items())
def test_words_of_the_standard(word, limits):
    found = word_of(word, "here")
    assert (found.chance.low, found.chance.high) == limits
    assert found.chance.mid == pytest.approx(sum(limits) / 2, abs=0.001)
    assert found.kind == "standard"
    assert "ICD 203" in found.source


@pytest.mark.parametrize(("word", "quantiles"), SURVEYED.items())
def test_words_of_the_surveys(word, quantiles):
    found = word_of(word, "here")
    assert (found.chance.low, found.chance.mid, found.chance.high) == quantiles
    assert found.kind == "survey"
    assert "answers" in found.source


def test_very_goes_half_of_the_way_to_the_end():
    """Mosteller & Youtz (1990), abstract: a modifier halves the distance to 0 or 1."""
    plain, very = word_of("possible", "").chance, word_of("very possible", "").chance
    for name in ("low", "mid", "high"):
        assert 1 - getattr(very, name) == pytest.approx((1 - getattr(plain, name)) / 2, abs=0.001)


@pytest.mark.parametrize("row", BY_STRENGTH, ids="<".join)
def test_order(row):
    middles = [word_of(word, "").chance.mid for word in row]
    assert middles == sorted(middles)
    assert len(set(middles)) == len(middles)


def test_every_row_is_a_range_with_its_reason():
    known = words()
    for word in known.values():
        chance = word.chance
        assert 0 <= chance.low <= chance.mid <= chance.high <= 1
        assert chance.low < chance.high
        if word.kind in ("standard", "survey"):
            assert word.source
        else:
            assert known[word.like].kind in ("standard", "survey"), word.word
            assert word.note
            assert chance.high - chance.low >= 0.18  # judgement is wide


def test_assertions_are_a_class_of_their_own():
    assert {w.word for w in words().values() if w.kind == "assertion"} == {
        "will", "would", "will not", "would not", "no room",
    }  # fmt: skip


def test_letters_and_spaces_do_not_matter():
    assert word_of("  Almost   CERTAINLY ", "") == word_of("almost certainly", "")


def test_an_unknown_word_is_refused_with_the_nearest():
    with pytest.raises(UserError) as error:
        word_of("very likley", "forecasts.yaml:9:12")
    text = str(error.value)
    assert "forecasts.yaml:9:12" in text
    assert "'very likley'" in text
    assert "very likely" in text
    assert "probability" in text


def test_all_words_of_the_shipped_cases_have_a_range():
    for name in shipped_cases():
        text = (SHIPPED / name / "forecasts.yaml").read_text(encoding="utf-8")
        said = re.findall(r'^    words: "(.*)"$', text, re.MULTILINE)
        assert said
        assert all(word_of(word, name) for word in said)


def test_complement_and_point():
    assert Range(0.1, 0.3, 0.4).complement == Range(0.6, 0.7, 0.9)
    assert Range.point(0.2).complement.low == pytest.approx(0.8)
