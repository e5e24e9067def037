"""From data to ECharts options: what stands where, and nothing of a case where a script is read."""

import datetime as dt
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from standoff.app.charts import aftermath as after
from standoff.app.charts import crisis, endings, look, mechanisms, minds, numbers, record, sources
from standoff.app.events import Happening, Link
from standoff.app.mechanisms import Moved, Shares
from standoff.app.repeats import Repeats, Speaker
from standoff.forecast.words import Range
from standoff.show.figures.aftermath import Course as Region
from standoff.show.figures.aftermath import Curve
from standoff.show.figures.deal import Spot
from standoff.show.figures.mechanisms import Effect
from standoff.show.figures.posterior import Interval
from standoff.show.figures.scores import Answered
from standoff.show.summary import Chance
from standoff.simulate.ending import ENDINGS

EVIL = "<img src=x onerror=alert(1)> {a|b} ':x' ${y}"
DAY = dt.date(2025, 8, 4)
MS = 1754265600000  # that day, midnight in UTC


def event(name, days, side, *, rung=0, move="", label="", ends=False, certain=True):
    return Happening(name, f"{EVIL} {name}", DAY + dt.timedelta(days=days), "then", side, move, label, rung, (), (), (),
                     certain, ends)  # fmt: skip


EVENTS = [
    event("up", 10, "coercer", rung=1, move="climb a step", label="climb"),
    event("talk", 12, "target", move="make an offer", label="offer", certain=False),
    event("noise", 14, "third"),
    event("end", 20, "coercer", rung=1, move="use force", label="force", ends=True),
    event("later", 400, "coercer"),
]
STEPS = [(DAY, 0), (DAY + dt.timedelta(days=10), 1)]


def ladder(chosen=""):
    span = crisis.span(EVENTS, DAY, DAY + dt.timedelta(days=100))
    return crisis.ladder(
        EVENTS, STEPS, ["low", "high"], span, {"coercer": "C", "target": "T", "third": "others"}, chosen
    )


def chance(mean):
    return Chance(mean, 0.01, max(mean - 0.1, 0.0), min(mean + 0.1, 1.0))


def course():
    own = np.linspace(0.1, 0.5, 5)[:, None] + np.array([0.0, 0.1, 0.2])
    return minds.Course(EVIL, own, np.array([0.3, 0.35, 0.4]))


DAYS = [DAY + dt.timedelta(days=14 * k) for k in range(3)]
CURVES = [
    ("force", EVIL, np.tile([[0.1], [0.2], [0.3]], (1, 4)), True),
    ("stalemate", "s", np.full((3, 4), 0.05), False),
]
SPOT = Spot("1", EVIL, 0.2, 0.4, (0.2, 0.2), (0.4, 0.4), "coercer")
LABELS = {"x": EVIL, "y": EVIL, "coercer": EVIL, "target": EVIL, "zone": EVIL, "by_coercer": EVIL, "by_target": EVIL}
SHARES = Shares(((EVIL, "target", Chance(-0.03, 0.01, 0.0, 0.0)), ("b", "coercer", Chance(0.0, 0.02, 0.0, 0.0))),
                Chance(-0.03, 0.01, 0.0, 0.0), EVIL)  # fmt: skip
MOVED = (
    Moved("M1", EVIL, False, Effect(-0.05, -0.06, -0.04, "+")),
    Moved("M2", "two", False, Effect(0.04, 0.03, 0.05, "+")),
    Moved("L1", "lever", True, Effect(0.0001, -0.01, 0.01, "-")),
)  # fmt: skip
BAND = np.array([0.1, 0.2, 0.3, 0.4, 0.5])


def every():
    speaker = Speaker(Link("d", EVIL, True, False), 2, 0, 0, False)
    first = Speaker(Link("o", EVIL, False, True), 2, 1, 0, True)
    values = np.full((3, 2, 4), 0.5)
    yield ladder("talk")
    yield crisis.repeated(Repeats((speaker, first), (("d", "o", 2),), 0))
    yield minds.belief(DAYS, course(), ("climb", "", "force"))
    yield minds.gap(DAYS, course())
    yield endings.endings([(EVIL, chance(0.3), chance(0.2), True), ("b", chance(0.1), chance(0.0), False)])
    yield endings.timing(DAYS, CURVES, (DAYS[1], EVIL))
    yield mechanisms.shares(SHARES, EVIL, {"coercer": EVIL, "target": EVIL})
    yield mechanisms.effects(MOVED, EVIL)
    yield endings.deal([SPOT], Spot("", EVIL, -0.5, 0.1, (0.0, 0.0), (0.0, 0.0), ""), (0.1, 0.3), LABELS)
    yield after.leads([EVIL, "b"], EVIL, values, [30, 90, 365])
    yield after.orders([(EVIL, np.full((2, 4), 0.25), np.full(4, 0.25))], ["same_regime", "new_autocracy", "democracy",
                                                                       "nobody"], [30, 365])  # fmt: skip
    yield after.region(Region(EVIL, EVIL, (Curve("flight", EVIL, np.ones((12, 5))),), 1.0), "flight")
    yield record.answers([Answered(EVIL, True, {"person": Range(0.1, 0.2, 0.4)}, Range(0.0, 0.1, 0.3)),
                          Answered("n", False, {"market": Range.point(0.6)})], 1)  # fmt: skip
    yield record.forecasts(DAYS, [("force", EVIL, np.array([0.1, 0.2, 0.3]))], (DAYS[2], EVIL))
    yield sources.matrix([f"d: {EVIL}"], [(EVIL, True, [3])], [True])
    yield sources.matrix([f"d{k}: {EVIL}" for k in range(9)], [(EVIL, False, [1] * 9)])
    yield sources.reasons([(EVIL, {"source": 2, "both": 1, "judgement": 3, "generic": 1, "item": 1, "none": 1})])
    yield numbers.numbers([Interval(EVIL, BAND, BAND + 0.1, EVIL), Interval("b", BAND, BAND, "", taught=False)])


def leaves(part, path=()):
    if isinstance(part, dict):
        for key, value in part.items():
            yield from leaves(value, (*path, key))
    elif isinstance(part, list | tuple):
        for value in part:
            yield from leaves(value, path)
    else:
        yield path, part


@pytest.mark.parametrize("options", list(every()), ids=lambda o: o["aria"]["label"]["description"][:30])
def test_no_text_of_a_case_is_read_as_script_or_template(options):
    for path, value in leaves(options):
        assert not any("onerror" in str(key) for key in path)
        if path[-1].startswith(":"):
            assert "onerror" not in value
        if path[-1] == "formatter" and isinstance(value, str) and "onerror" in value:
            assert "{" not in value


@pytest.mark.parametrize("options", list(every()), ids=lambda o: o["aria"]["label"]["description"][:30])
def test_every_chart_says_what_it_shows_and_follows_the_page(options):
    assert options["aria"]["enabled"]
    assert len(options["aria"]["label"]["description"]) > 30
    assert not options["animation"]
    colours = [v for path, v in leaves(options) if path[-1] == "color" and isinstance(v, str) and "label" in path]
    assert all(v.startswith(("var(", "#")) or v == "inherit" for v in colours)
    import json

    assert "NaN" not in json.dumps(options)  # what a browser cannot read


def test_axes_of_charts_with_axes_are_titled():
    named = [minds.belief(DAYS, course()), minds.gap(DAYS, course()), endings.timing(DAYS, CURVES, None)]
    for options in named:
        assert options["xAxis"]["name"] == "round beginning (date)" or "date" in options["xAxis"]["name"]
        assert any(word in options["yAxis"]["name"] for word in ("%", "points"))


def test_events_stand_on_their_rung_and_others_beneath():
    options = ladder()
    by_name = {item["name"]: item for one in options["series"] if one["type"] == "scatter" for item in one["data"]}
    assert set(by_name) == {"up", "talk", "noise", "end"}  # what lies outside the months is in the list
    assert options["yAxis"]["data"] == ["others", "T", "low", "high"]
    assert {name: item["value"][1] for name, item in by_name.items()} == {"up": 3, "talk": 1, "noise": 0, "end": 3}
    assert by_name["up"]["value"][0] == MS + 10 * 86_400_000
    assert by_name["talk"]["label"]["formatter"] == "offer?"
    assert by_name["noise"]["itemStyle"]["color"] == look.PAPER
    stairs = options["series"][0]["data"]
    assert stairs[:3] == [[MS, 2], [MS + 10 * 86_400_000, 2], [MS + 10 * 86_400_000, 3]]
    assert stairs[-1][1] == 3


def test_labels_that_would_touch_stand_above_and_below():
    close = [event(name, day, "target", move="m", label="display") for name, day in (("a", 10), ("b", 11), ("c", 60))]
    options = crisis.ladder(close, STEPS, ["low"], (DAY, DAY + dt.timedelta(days=100)), {"third": "o", "target": "T"})
    marks = next(one for one in options["series"] if one.get("id") == "target")["data"]
    assert {one["name"]: one["label"]["position"] for one in marks} == {"a": "top", "b": "bottom", "c": "top"}


def test_the_chosen_event_stands_out():
    item = next(
        i for one in ladder("noise")["series"] if one["type"] == "scatter" for i in one["data"] if i["name"] == "noise"
    )
    assert item["symbolSize"] > 12
    assert item["itemStyle"]["borderColor"] == look.INK


def test_short_titles():
    assert crisis.short("Warships off the coast (19-21 August)") == "Warships off the coast"
    assert crisis.short("Nearly 1,300 more troops, in May") == "Nearly 1,300 more troops"
    assert crisis.short("x" * 50, 10) == "x" * 9 + "…"


def test_a_band_is_its_edge_and_its_width():
    lower, width = look.band("k", [1, 2], [0.1, -0.2], [0.4, 0.3], "red")
    assert lower["data"] == [[1, 0.1], [2, -0.2]]
    assert width["data"] == [[1, 0.3], [2, 0.5]]
    assert lower["stack"] == width["stack"] == "k"
    assert width["stackStrategy"] == "all"


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_names_at_the_ends_of_lines_do_not_cover_each_other(ends):
    shift = look.apart(ends, 0.0, 1.0, 120.0, 15.0)
    placed = sorted((1 - end) * 120 + down for end, down in zip(ends, shift, strict=True))
    assert all(b - a >= 14.9 for a, b in pairwise(placed))
    assert max(placed) <= 116


def test_names_that_are_apart_stay_where_they_are():
    assert look.apart([0.2, 0.8], 0.0, 1.0) == [0.0, 0.0]


def test_each_ending_has_a_line_and_a_colour_of_its_own():
    assert set(look.ENDING_LOOK) == set(ENDINGS)
    assert len({str(dash) for dash, _ in look.ENDING_LOOK.values()}) == len(ENDINGS)
    assert len({colour for _, colour in look.ENDING_LOOK.values()}) == len(ENDINGS)


def test_packages_that_fall_together_share_a_mark():
    other = Spot("2", "second", 0.2, 0.4, (0.2, 0.2), (0.4, 0.4), "coercer")
    far = Spot("3", "third", 0.9, 0.4, (0.9, 0.9), (0.4, 0.4), "coercer")
    options = endings.deal([SPOT, other, far], Spot("", "force", -0.5, 0.1, (0.0, 0.0), (0.0, 0.0), ""), None, LABELS)
    names = [item["name"] for one in options["series"] if one.get("name") == EVIL for item in one["data"]]
    assert names == ["1,2", "3"]


def test_the_narrow_form_cuts_names_to_the_room():
    found = look.narrow(endings.timing(DAYS, CURVES, None), grid={"right": 90})
    patches = found["media"][0]["option"]["series"]
    assert {p["endLabel"]["width"] for p in patches} == {80}
    assert {p["id"] for p in patches} == {one["id"] for one in found["series"] if "endLabel" in one}


def test_shares_stand_in_their_order_with_their_signs():
    found = mechanisms.shares(SHARES, "force", {"coercer": "C", "target": "T"})
    coercer, target = found["series"][:2]
    assert [point["value"] for point in target["data"]] == [[-0.03, 0.0]]
    assert [point["value"] for point in coercer["data"]] == [[0.0, 1.0]]
    assert target["data"][0]["said"].endswith("misreading of T\n−3.0 ± 1.0 points")
    told = [(one["label"]["formatter"], one["label"]["fontWeight"]) for one in found["series"][-2]["data"]]
    assert told == [("−3.0", "bold"), ("0.0", "normal")]


def test_effects_tell_sign_and_what_is_asserted():
    found = mechanisms.effects(MOVED, "force")
    clear, open_ = (one for one in found["series"] if one["type"] == "scatter" and one["symbolSize"])
    assert [point["value"] for point in clear["data"]] == [[-0.05, 0.0], [0.04, 1.0]]
    assert [point["value"] for point in open_["data"]] == [[0.0001, 3.0]]  # below the heading of the levers
    assert clear["itemStyle"]["color"] != open_["itemStyle"]["color"]
    told = [one["label"]["formatter"] for one in found["series"][-2]["data"]]
    assert told == ["−5.0 (+) !", "+4.0 (+)", "0.0 (−)"]
    assert [one["label"]["formatter"] for one in found["series"][-1]["data"]][1:] == ["M2 two", "Levers", "L1 lever"]
    for words in ("asserted that it rises: goes the other way", "borne out", "asserted that it falls: open"):
        assert words in found["aria"]["label"]["description"]


def test_a_chart_that_grows_wide_again_has_back_what_it_had():
    wide = {"grid": {"left": 246, "top": 2}, "yAxis": {"axisLabel": {}},
            "series": [{"id": "names", "label": {"width": 200}}]}  # fmt: skip
    found = look.narrow(wide, grid={"left": 124}, yAxis={"axisLabel": {":formatter": "v => v"}},
                        series={"names": {"label": {"width": 90, "lineHeight": 11}}})  # fmt: skip
    small, back = found["media"]
    assert small["query"] == {"maxWidth": look.NARROW}
    assert "query" not in back
    assert back["option"] == {
        "grid": {"left": 246}, "yAxis": {"axisLabel": {"formatter": None}},
        "series": [{"id": "names", "label": {"width": 200, "lineHeight": None}}],
    }  # fmt: skip


def test_names_of_moves_that_would_cover_one_another_stand_above_one_another():
    days = [DAY + dt.timedelta(days=14 * k) for k in range(13)]
    own = np.tile(BAND[:, None], (1, 13))
    moves = ["climb", "", "climb", *[""] * 7, "an offer of terms", "a deadline", "a use of force"]
    option = minds.belief(days, minds.Course("t", own), moves)
    marks = next(one["markLine"]["data"] for one in option["series"] if "markLine" in one)
    heights = [mark["label"]["distance"] for mark in marks]
    assert len(marks) == 5
    assert heights[0] == heights[1] < heights[-2]
    assert len(set(heights[2:])) == 3
    assert marks[0]["label"]["align"] == "left"  # or it would cover the axis's highest number
    assert option["grid"]["top"] > minds.belief(days, minds.Course("t", own), moves[:4])["grid"]["top"]


def test_the_line_on_the_ladder_climbs_on_the_day_of_the_climb():
    stairs = ladder()["series"][0]
    heights = [(day, rung) for day, rung in stairs["data"]]
    day = look.at(DAY + dt.timedelta(days=10))
    low, high = len(crisis.LANES), len(crisis.LANES) + 1
    assert heights[:3] == [(look.at(DAY), low), (day, low), (day, high)]
    assert heights[-1][1] == high
    assert "step" not in stairs  # which turns at the other end where the rungs are the base axis
