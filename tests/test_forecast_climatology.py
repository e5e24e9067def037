"""Base rates as chances by a deadline: by hand, against the shared table where it is there, and their order."""

import csv
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from standoff.forecast.climatology import TITLES, YEAR, Rate, classes, climatology, rates

BASE_RATES = Path(__file__).resolve().parents[2] / "shared" / "reference" / "world" / "base_rates.csv"
SAME = {
    ("all-autocracies", "force"): "hazard_autocracies_1946-2014_foreign_removal",
    ("all-autocracies", "coup"): "hazard_autocracies_1946-2014_coup_or_palace_coup",
    ("all-autocracies", "out-of-office"): "hazard_autocracies_1946-2014_any_exit",
    ("autocracies-1990-2014", "force"): "hazard_autocracies_1990-2014_foreign_removal",
    ("autocracies-1990-2014", "coup"): "hazard_autocracies_1990-2014_coup_or_palace_coup",
    ("autocracies-1990-2014", "out-of-office"): "hazard_autocracies_1990-2014_any_exit",
}


def rate(kind, k, n, days):
    return Rate("a", "force", k, n, kind, float(days), 1946, 2014, "source", "filter", "")


def test_a_rate_by_hand():
    """17 removals in 5656 leader-years: half a year of 17.5/5656 a year."""
    chance = rate("rate", 17, 5656, YEAR).chance(YEAR / 2)
    assert chance.mid == pytest.approx(1 - math.exp(-17.5 / 5656 / 2), rel=1e-12)


def test_a_share_within_a_year_by_hand():
    """Of 4, 2: mean of Jeffreys' beta(2.5, 2.5) is one half; within two years 1 - (1/2)^2."""
    assert rate("within", 2, 4, 365).chance(730).mid == pytest.approx(0.75)
    assert rate("within", 2, 4, 365).chance(365).mid == pytest.approx(0.5)


def test_a_share_of_crises_is_never_passed():
    """A crisis of 100 days on average: one half by then, and no more however long it lasts."""
    one = rate("crisis", 2, 4, 100)
    assert one.chance(50).mid == pytest.approx(1 - math.sqrt(0.5))
    assert one.chance(100).mid == one.chance(1000).mid == pytest.approx(0.5)


def test_none_of_four_is_not_never():
    chance = rate("crisis", 0, 4, 100).chance(100)
    assert 0 < chance.low < chance.mid == pytest.approx(0.1)


@given(st.sampled_from(sorted(rates())), st.floats(0, 2000), st.floats(0, 2000))
def test_more_time_never_lowers_a_chance(key, a, b):
    first, last = (rates()[key].chance(days) for days in sorted((a, b)))
    for name in ("low", "mid", "high"):
        assert 0 <= getattr(first, name) <= getattr(last, name) <= 1
    assert first.low <= first.mid <= first.high


def test_no_time_is_no_chance():
    assert all(one.chance(0).high == 0 for one in rates().values())


def test_staying_is_not_leaving():
    stays, goes = (climatology("all-autocracies", word, 100) for word in ("in-office", "out-of-office"))
    assert stays.mid == 1 - goes.mid
    assert stays.low == 1 - goes.high


def test_classes_differ_by_orders_of_magnitude():
    """Force within the 238 days of a crisis: any ruler against one who is pressed."""
    force = {name: climatology(name, "force", 238) for name in classes()}
    found = [chance.mid for chance in force.values() if chance is not None]
    assert max(found) / min(found) > 100


def test_what_a_class_does_not_say_is_not_made_up():
    assert climatology("all-autocracies", "back-down", 100) is None
    assert climatology("sanctions-episodes", "force", 100) is None
    assert climatology("all-autocracies", "other", 100) is None


def test_every_class_has_a_title_and_every_row_its_source():
    assert set(classes()) == set(TITLES)
    for one in rates().values():
        assert 0 <= one.k <= one.n
        assert one.source
        assert one.filter
        assert one.first < one.last
        assert one.kind in ("rate", "within", "crisis")


@pytest.mark.parametrize(("key", "row"), SAME.items(), ids=str)
def test_against_the_table_of_base_rates(key, row):
    if not BASE_RATES.is_file():
        pytest.skip("the table of base rates is not beside the repository")
    with BASE_RATES.open(newline="", encoding="utf-8") as lines:
        table = {line["id"]: line for line in csv.DictReader(lines)}
    one = rates()[key]
    assert (one.k, one.n) == (int(table[row]["k"]), int(table[row]["n"]))
    assert one.estimate.low == pytest.approx(float(table[row]["low90"]), rel=2e-3)
    assert one.estimate.high == pytest.approx(float(table[row]["high90"]), rel=2e-3)
