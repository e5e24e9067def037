"""The posterior and the forecasts as shown: what is said is what the numbers say, whole, and safe to open."""

import datetime as dt
import json
import re

import numpy as np
import pytest
import xarray as xr

from standoff.case.load import load_case
from standoff.case.new import TEMPLATE
from standoff.errors import UserError
from standoff.game.ladder import COERCER_MOVES, TARGET_MOVES
from standoff.show import beside
from standoff.show import forecast as forecasts
from standoff.show import infer as shown
from standoff.show import pieces as parts
from standoff.show import posterior as read
from standoff.show.figures.drawing import look
from standoff.show.report import BESIDE, _kept
from standoff.show.screens.pieces import pieces_screen
from standoff.show.screens.posterior import number_table, posterior_screen
from standoff.show.words import names
from standoff.simulate.ending import ENDINGS
from standoff.simulate.record import record

SIDES = ["coercer", "target"]
BANDS = [0.05, 0.25, 0.5, 0.75, 0.95]
NUMBERS = ["force-cost", "feared-dead", "doubt"]
ROUNDS = 4


def words(values):
    return np.array(list(values), dtype=object)


@pytest.fixture(scope="module")
def loaded():
    return load_case(TEMPLATE)


def band(middle, width):
    """Percentiles around a middle (axes percentile, ...)."""
    return np.stack([np.asarray(middle) + width * step for step in (-1, -0.5, 0, 0.5, 1)])


def posterior(loaded, *, failed=False, rounds=ROUNDS, title="") -> xr.DataTree:
    """A posterior in the shape of `infer`, with known numbers: gaps, beliefs and views set by hand."""
    rng = np.random.default_rng(0)
    case, settings = loaded.case, ["own", "base"]
    start = np.datetime64(case.crisis.starts)
    days = (start + np.arange(rounds + 1) * np.timedelta64(case.crisis.round_days, "D")).astype("datetime64[ns]")
    slope = np.linspace(0.3, 0.8, rounds)
    belief = np.zeros((2, 5, rounds, 2, 2))
    belief[0] = band(np.broadcast_to(slope[:, None, None], (rounds, 2, 2)), 0.1)
    belief[1] = band(np.full((rounds, 2, 2), 0.5), 0.05)
    minds = {
        "belief": (("setting", "band_at", "round", "mind", "about"), belief),
        "belief_mean": (("setting", "round", "mind", "about"), belief[:, 2]),
        "deal": (("setting", "round"), np.tile(np.linspace(0.2, 0.6, rounds), (2, 1))),
        "deal_band": (
            ("setting", "band_at", "round"), np.stack([band(np.linspace(0.2, 0.6, rounds), 0.1)] * 2)
        ),
        "against": (("setting", "round", "side"), np.tile(np.linspace(0, 3, rounds)[:, None] * [1, 0], (2, 1, 1))),
        "untenable": (("setting", "round", "side"), np.tile(np.linspace(0, 0.9, rounds)[:, None] * [1, 0], (2, 1, 1))),
        "dropped": (("setting", "round", "side"), np.zeros((2, rounds, 2))),
    }  # fmt: skip
    coords = {
        "setting": words(settings), "band_at": BANDS, "round": np.arange(1, rounds + 1), "mind": words(SIDES),
        "about": words(SIDES), "side": words(SIDES), "day": ("round", days[:-1]),
    }  # fmt: skip
    for side, moves in (("coercer", COERCER_MOVES), ("target", TARGET_MOVES)):
        move, own = f"{side}_move", np.full((rounds, len(moves)), 0.1)
        expected = own.copy()
        if rounds:
            expected[1, moves.index("strike" if side == "coercer" else "offer")] = 0.35
        gap = band(expected - own, 0.05)
        coords[move] = words(moves)
        minds[f"expected_{side}"] = (("setting", "round", move), np.stack([expected] * 2))
        minds[f"own_{side}"] = (("setting", "round", move), np.stack([own] * 2))
        minds[f"gap_{side}"] = (("setting", "band_at", "round", move), np.stack([gap] * 2))
    k = len(NUMBERS)
    numbers = {
        **{n: ("number", np.array(v)) for n, v in {
            "prior_mean": [1.0, 500.0, 0.5], "prior_sd": [0.5, 300.0, 0.2], "mean": [0.6, 500.0, 0.4],
            "sd": [0.2, 299.0, 0.15], "effective": [400.0] * k, "tail_effective": [250.0] * k, "r_hat": [1.001] * k,
            "shrinkage": [0.4, 1.0, 0.75], "distance": [0.4, 0.01, 0.2], "prior_sensitivity": [0.02, 0.2, 0.1],
            "likelihood_sensitivity": [0.3, 0.01, 0.2], "correlation": [0.6, 0.0, -0.6],
            "identified": [True, False, True],
        }.items()},
        "partner": ("number", words(["doubt", "force-cost", "force-cost"])),
        "diagnosis": ("number", words(["fine: the record moves it, the prior hardly", "weak likelihood: so",
                                       "prior-data conflict: both prior and record move it"])),
        "lesson": ("number", words(["The record narrows force-cost to 40% of the prior's spread.",
                                    "The record teaches nothing of feared-dead.",
                                    "The record teaches doubt and force-cost only in combination "
                                    "(correlation -0.60)."])),
        "prior_band": (("band_at", "number"), band([1.0, 500.0, 0.5], np.array([0.8, 400.0, 0.3]))),
        "band": (("band_at", "number"), band([0.6, 500.0, 0.4], np.array([0.3, 399.0, 0.2]))),
    }  # fmt: skip
    by_round = {
        "firm": (("after", "side"), np.linspace([0.5, 0.5], [0.9, 0.4], rounds + 1)),
        "own_view": (("after", "side"), np.linspace([0.5, 0.5], [0.3, 0.7], rounds + 1)),
        **{n: ("after", np.linspace(*ends, rounds + 1)) for n, ends in
           {"evidence": (0, -12), "effective": (900, 400), "pareto_k": (-0.2, 0.4)}.items()},
    }  # fmt: skip
    groups = {
        "posterior": xr.Dataset({
            f"{side}_{n}": (("chain", "draw"), rng.normal(0.5, 0.1, (4, 250))) for side in SIDES
            for n in ("firm", "own_view")
        }),
        "numbers": xr.Dataset(numbers, coords={
            "number": words(NUMBERS), "band_at": BANDS, "unit": ("number", words(["prize", "dead", ""])),
            "paths": ("number", words(["parameters.a", "views.v.d.b views.w.d.b", "views.v.e.c"])),
        }),
        "by_round": xr.Dataset(by_round, coords={
            "after": np.arange(rounds + 1), "side": words(SIDES), "holds_view": ("side", np.array([True, True])),
            "day": ("after", days),
        }),
        "minds": xr.Dataset(minds, coords=coords),
    }  # fmt: skip
    found = xr.DataTree.from_dict(groups)
    status = "Failed: 100 effective draws of 256, fewer than 200." if failed else "Converged: 400 effective draws."
    found.attrs.update(
        schema="standoff-posterior/1", case=case.crisis.id, title=title or case.crisis.title, digest=loaded.digest,
        version="0.1.0", status=status, failed=int(failed), rounds=rounds, until="", seed=1, draws=256, tellings=32,
        nodes=7, solved="All 768 solutions settled to 1e-10 in log-likelihood.", left_out=[], priors="case",
    )  # fmt: skip
    return found


def left_out(*, draws=64, effective=(64.0, 32.0, 10.0)) -> xr.Dataset:
    """What `leave_out` gives for three pieces, the last one rough."""
    change = {
        "firm": [[0.01, 0.0], [-0.2, 0.01], [0.02, 0.0]], "own_view": [[0.0, 0.0], [0.0, 0.02], [0.0, 0.0]],
        "believes": [[0.0, 0.0], [0.0, 0.0], [0.0, 0.1]],
    }  # fmt: skip
    shift = [[0.0, 0.0, 0.0], [0.1, 0.0, 0.0], [0.0, 0.0, -0.4]]
    return xr.Dataset(
        {
            "shift": (("piece", "number"), np.array(shift)),
            **{name: (("piece", "side"), np.array(each)) for name, each in change.items()},
            "with_all": (("quantity", "side"), np.full((3, 2), 0.5)),
            "evidence": ("piece", np.array([-0.1, -2.0, 0.5])),
            "effective": ("piece", np.array(effective)),
        },
        coords={
            "piece": words(["event a", "event b", "source c"]), "kind": ("piece", words(["event", "event", "source"])),
            "title": ("piece", words(["A call", "A blockade", "A pilot <script>"])), "side": words(SIDES),
            "number": words(NUMBERS), "quantity": words(["firm", "own_view", "believes"]),
        },
        attrs={"draws": draws, "tellings": 32, "rough": 20.0},
    )  # fmt: skip


def test_the_widest_gap_is_found_where_it_was_put(loaded):
    one = read.widest(posterior(loaded), "coercer", "strike")
    assert (one.at, one.move) == (1, "strike")
    assert one.expected - one.own == pytest.approx(0.25, abs=1e-12)
    said = read.misread(posterior(loaded), names(loaded.case), one)
    assert "saw a chance of 35%" in said
    assert "it was 10% (gap +25 points, +20 to +30)" in said


def test_a_gap_whose_band_holds_0_is_called_unsure(loaded):
    tree = posterior(loaded)
    one = read.widest(tree, "target", "concede")
    assert "the sign is not sure" in read.misread(tree, names(loaded.case), one)


def test_when_a_view_became_untenable_and_that_another_never_did(loaded):
    tree, who = posterior(loaded), names(loaded.case)
    assert read.moment(tree, "coercer") == 2  # 0, 0.3, 0.6, 0.9: the first above even odds
    when = loaded.case.crisis.starts + dt.timedelta(days=2 * loaded.case.crisis.round_days)
    said = read.tenable(tree, who, "coercer")
    assert f"by the round from {when.day} {when:%B %Y}, yet was not dropped" in said
    assert "is 30% (before the record 50%)" in said
    assert read.moment(tree, "target") is None
    assert "never spoke against the view" in read.tenable(tree, who, "target")
    assert read.kept(tree, who).startswith(f"Untenable became {who.coercer}’s")


@pytest.mark.parametrize(
    ("log", "said"),
    [(0.01, "about as likely"), (np.log(3.0), "3.0 times likelier"), (-np.log(40.0), "40 times less likely"),
     (900.0, "over a million times likelier")],
)  # fmt: skip
def test_bayes_factors_in_words(log, said):
    assert said in read.times(log)


@pytest.mark.parametrize(
    ("number", "said"), [(0.0, "0"), (0.12345, "0.123"), (-2.5, "−2.5"), (2475.0, "2,475"), (123456.0, "123,456")]
)
def test_numbers_have_three_digits_and_no_exponent(number, said):
    assert read.value(number) == said


def test_what_the_record_taught_is_told_once(loaded):
    said = " ".join(read.untaught(posterior(loaded)))
    assert said == (
        "The record taught nothing of feared dead: there the prior stands. Known only in combination: doubt with force "
        "cost. Both prior and record move doubt (sensitivity to powers of both)."
    )
    rows = number_table(posterior(loaded)).rows
    assert [row[5].text for row in rows] == [
        "Narrows it to 40% of the prior's spread", "Teaches nothing",
        "Teaches it and force cost only in combination (correlation −0.60)",
    ]  # fmt: skip
    assert rows[1][3].faint
    assert not rows[0][3].faint


def test_lines_hold_the_essentials_in_a_hundred_columns(loaded):
    tree = shown.with_pieces(posterior(loaded), left_out())
    lines = shown.lines(loaded.case, tree)
    assert max(map(len, lines)) <= 100
    text = " ".join(" ".join(lines).split())
    for part in ("80 [70, 90]", "gap +25 points", "had become untenable", "feared dead",
                 "Converged: 400", "All 768", "A blockade", "27 changes"):  # fmt: skip
        assert part in text
    assert "NOT TO BE TRUSTED" not in text


def test_a_failure_is_told_first_and_everywhere(loaded, tmp_path):
    tree = posterior(loaded, failed=True)
    lines = shown.lines(loaded.case, tree)
    assert any(line.startswith("NOT TO BE TRUSTED. Failed: 100 effective") for line in lines[:5])
    assert shown.as_dict(tree)["failed"] is True
    page = shown.write_page(loaded.case, tree, tmp_path, lines, shown.as_dict(tree)).read_text()
    assert 'role="alert">Not to be trusted. Failed: 100' in page
    with look():
        screen = posterior_screen(tree, record(loaded.case), names(loaded.case))
    assert screen.answer.startswith("NOT TO BE TRUSTED. Failed")


def test_a_record_without_rounds_says_so(loaded):
    tree = posterior(loaded, rounds=0)
    assert "no round yet" in shown.lines(loaded.case, tree)[-1]
    assert "no round yet" in posterior_screen(tree, record(loaded.case), names(loaded.case)).answer


def test_the_answer_for_scripts_is_plain_json(loaded):
    tree = shown.with_pieces(posterior(loaded), left_out())
    content = json.loads(json.dumps(shown.as_dict(tree), allow_nan=False))
    assert content["percentiles"] == [5, 25, 50, 75, 95]
    assert content["numbers"][1]["paths"] == ["views.v.d.b", "views.w.d.b"]
    assert content["numbers"][0]["posterior"]["percentiles"][2] == pytest.approx(0.6)
    first = content["minds"]["own"][1]
    assert first["coercer"]["gap"]["strike"] == pytest.approx([0.2, 0.225, 0.25, 0.275, 0.3])
    assert content["by_round"][-1]["firm"] == {"coercer": 0.9, "target": 0.4}
    rows = content["pieces"]["rows"]
    assert rows[1]["firm"]["coercer"]["change"] == -0.2
    assert [one["rough"] for one in rows] == [False, False, True]


def test_errors_of_left_out_pieces_follow_from_the_effective_draws(loaded):
    """s sqrt(1/E - 1/D): nothing where all draws keep their weight."""
    tree = posterior(loaded)
    data = shown.with_pieces(tree, left_out())["pieces"].ds
    spread = float(tree["posterior"].ds["coercer_firm"].std())
    expected = [0.0, spread * np.sqrt(1 / 32 - 1 / 64), spread * np.sqrt(1 / 10 - 1 / 64)]
    assert data["firm_error"].sel(side="coercer").values == pytest.approx(expected, abs=1e-12)
    assert data["shift_error"].sel(number="force-cost").values[1] == pytest.approx(0.4 * np.sqrt(1 / 64), abs=1e-12)
    given = left_out().assign(shift_error=(("piece", "number"), np.ones((3, 3))))
    assert (parts.with_errors(tree, given)["shift_error"] == 1).all()


def test_pieces_come_by_size_and_rough_ones_are_no_answer(loaded):
    tree = shown.with_pieces(posterior(loaded), left_out())
    every = parts.pieces(tree["pieces"].to_dataset())
    assert [piece.title for piece in every] == ["A blockade", "A pilot <script>", "A call"]
    assert every[1].size == pytest.approx(parts.SCALE * 0.4)
    assert every[1].rough
    with look():
        screen = pieces_screen(tree, names(loaded.case))
    assert "“A blockade”" in screen.answer
    assert "A pilot" not in screen.answer
    assert "3 pieces and 9 quantities make 27 changes" in parts.alarms(tree["pieces"].to_dataset())
    assert all(cell.faint for cell in screen.below[0].rows[1])


def test_the_page_is_whole_escaped_and_loads_nothing(loaded, tmp_path):
    case = loaded.case.model_copy(update={"crisis": loaded.case.crisis.model_copy(update={"title": 'A <b>&"x"'})})
    tree = shown.with_pieces(posterior(loaded, title="A <b>"), left_out())
    content = shown.as_dict(tree)
    page = shown.write_page(case, tree, tmp_path, shown.lines(case, tree), content).read_text(encoding="utf-8")
    assert "<script>" not in page
    assert "A <b>" not in page
    assert not re.findall(r'(?:src|href)="(?!#)', page)
    for name in ("beliefs", "gaps", "views", "numbers", "pieces"):
        assert (tmp_path / "figures" / f"posterior-{name}.png").stat().st_size > 5000
        assert f'id="posterior-{name}-' in page
    assert json.loads((tmp_path / "infer.json").read_text())["case"] == loaded.case.crisis.id
    rows = (tmp_path / "infer.csv").read_text().splitlines()
    assert rows[0] == "what,of,day,setting,p5,p25,p50,p75,p95"
    moves = len(COERCER_MOVES) + len(TARGET_MOVES)
    assert len(rows) == 1 + 2 * len(NUMBERS) + 2 * ROUNDS * (2 + moves + 1)


def test_it_is_kept_beside_a_run_and_found_by_the_report(loaded, tmp_path):
    tree = shown.with_pieces(posterior(loaded), left_out())
    kept = beside.keep(tree, tmp_path, "posterior")
    assert kept.name == BESIDE["posterior"]
    assert [path.name for path in tmp_path.iterdir()] == [kept.name]
    again = _kept(kept, loaded.digest)
    assert isinstance(again, xr.DataTree)
    xr.testing.assert_equal(again["minds"].to_dataset(), tree["minds"].to_dataset())
    assert shown.lines(loaded.case, again) == shown.lines(loaded.case, tree)
    assert _kept(kept, "another case") is None
    beside.keep(posterior(loaded), tmp_path, "posterior")  # in its place
    assert "pieces" not in _kept(kept, loaded.digest).children


def test_a_folder_that_cannot_be_written_is_the_users_matter(loaded, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written"):
        beside.keep(posterior(loaded), tmp_path / "file", "posterior")


def forecast(loaded, *, whens=3, hindsight=()) -> xr.Dataset:
    """Forecasts with known chances: force grows by a tenth a round, the rest is a stalemate at the horizon."""
    crisis = loaded.case.crisis
    by = [crisis.starts + dt.timedelta(days=crisis.round_days * (k + 1) - 1) for k in range(crisis.rounds)]
    days = [crisis.starts + dt.timedelta(days=7 * (k + 1) - 1) for k in range(whens)]
    chance = np.zeros((2, whens, crisis.rounds, len(ENDINGS)))
    for k, when in enumerate(days):
        ahead = np.array([each > when for each in by])
        chance[:, k, :, ENDINGS.index("force")] = 0.1 * np.minimum(np.cumsum(ahead), 5)
        chance[:, k, -1, ENDINGS.index("stalemate")] = 1 - chance[:, k, -1].sum(-1)
    chance[1] *= 0.5
    return xr.Dataset(
        {
            "chance": (("priors", "as_of", "by", "ending"), chance),
            "chance_base": (("priors", "as_of", "by", "ending"), chance / 2),
            "effective": (("priors", "as_of"), np.full((2, whens), 50.0)),
            "pareto_k": (("priors", "as_of"), np.full((2, whens), 0.2)),
            "paths": (("priors", "as_of"), np.array([[30.0] * whens, [10.0] * whens])),
        },
        coords={
            "priors": words(["case", "generic"]), "as_of": np.array(days, "datetime64[ns]"),
            "by": np.array(by, "datetime64[ns]"), "ending": words(ENDINGS),
        },
        attrs={
            "schema": "standoff-forecast/1", "case": crisis.id, "title": crisis.title, "digest": loaded.digest,
            "version": "0.1.0", "seed": 1, "draws": 64, "tellings": 16, "nodes": 7, "hindsight": list(hindsight),
            "solved": "All 9 solutions settled to 1e-10 in log-likelihood.",
        },
    )  # fmt: skip


def test_a_horizon_counts_whole_rounds(loaded):
    """Rounds of two weeks: a week takes in the end of one from its middle, and none from its end."""
    found = forecast(loaded)
    assert loaded.case.crisis.round_days == 14

    def force(weeks):
        return forecasts.by_horizon(found, weeks).sel(priors="case", ending="force").values

    assert force(1) == pytest.approx([0.1, 0.0, 0.1])
    assert force(2) == pytest.approx([0.1, 0.1, 0.1])
    assert force(3) == pytest.approx([0.2, 0.1, 0.2])
    assert force(None) == pytest.approx([0.5, 0.5, 0.5])


def test_forecasts_put_generic_priors_first_and_say_what_is_rough(loaded):
    found = forecast(loaded, hindsight=["case: a, from 2031-05-01", "case: b, unknown", "case: c, unknown"])
    lines = forecasts.lines(found, 4)
    assert max(map(len, lines)) <= 100
    heads = [line for line in lines if line.endswith(", %")]
    assert [line.split()[0] for line in heads] == ["Generic", "The"]
    text = " ".join(lines)
    assert "and 1 more" in text
    assert "3 forecasts rough" in text  # generic ones: 10 effective crises a draw
    rows = forecasts.as_dict(found)["forecasts"]
    assert rows[0]["priors"] == "generic"
    json.dumps(forecasts.as_dict(found), allow_nan=False)
    assert forecasts.as_dict(found)["hindsight"][1] == "case: b, unknown"
    assert "No number was used" in " ".join(forecasts.lines(forecast(loaded)))


@pytest.mark.parametrize("whens", [1, 3])
def test_forecasts_as_a_page(loaded, tmp_path, whens):
    found = forecast(loaded, whens=whens)
    content = forecasts.as_dict(found)
    page = forecasts.write_page(loaded.case, found, tmp_path, forecasts.lines(found), content)
    text = page.read_text(encoding="utf-8")
    assert 'id="forecast-' in text
    assert (tmp_path / "figures" / "forecast.png").stat().st_size > 5000
    rows = (tmp_path / "forecast.csv").read_text().splitlines()
    assert rows[0] == "priors,as_of,ending,by,chance,chance_base"
    assert len(rows) == 1 + sum(len(one["chance"]) for one in content["forecasts"])
    kept = beside.keep(found, tmp_path, "forecast")
    again = xr.open_dataset(kept, engine="zarr", consolidated=False).load()
    xr.testing.assert_equal(again, found)
    assert again.attrs["hindsight"] == []


def test_what_was_said_of_endings_is_marked_at_its_date():
    case = load_case("venezuela-2025").case
    from standoff.show.said import mark, said_of, table

    asked = said_of(case)
    assert [letter for letter, _ in asked][:2] == ["a", "b"]
    assert {q.kind for _, q in asked} == {"person", "market"}
    for letter, question in asked:
        one = mark(letter, question)
        assert 0 <= one.low <= one.middle <= one.high <= 1
        if question.outcome == "in-office":
            assert one.middle == pytest.approx(1 - question.said.mid)
    assert len(table(asked).rows) == len(asked)
