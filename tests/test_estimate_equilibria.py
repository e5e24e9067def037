"""Every equilibrium of the signaling game: known answers, laws, a search by other means, the command and its faults."""

import csv
import datetime
import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special
from tests.signaling_scan import families, scan

from standoff.estimate import normal, signaling
from standoff.estimate.equilibria import enumerate_all
from standoff.estimate.formulas import PAYOFFS
from standoff.estimate.normal import hazard, log_cdf, log_mills

log_outcomes, reply, slope = (jax.jit(f) for f in (signaling.log_outcomes, signaling.reply, signaling.slope))
KNOWN = Path(__file__).parent / "known" / "sigint"
BASE = np.array([0, 1, 0, -1.9, -2.9, -1.2, 1.0])


def log_wedge(h, d):
    return normal.log_wedge(jnp.asarray(h), jnp.asarray(d))


def rows(name):
    with (KNOWN / name).open(newline="") as stream:
        return list(csv.DictReader(stream))


def payoffs_of(row):
    return [float(row[name]) for name in PAYOFFS]


def logit(probit):
    return special.log_ndtr(probit) - special.log_ndtr(-probit)


def by_case(table):
    cases = {}
    for row in table:
        cases.setdefault(row["case"], []).append(row)
    return cases


def test_equilibria_known():
    cases = by_case(rows("equilibria.csv"))
    assert len(cases) == 326
    found = enumerate_all(np.array([payoffs_of(case[0]) for case in cases.values()]))
    assert found.count.tolist() == [int(case[0]["n_eq"]) for case in cases.values()]
    for game, case in enumerate(cases.values()):
        for root, row in enumerate(sorted(case, key=lambda row: int(row["eq_index"]))):
            expected = float(row["check_logit_pr"])
            # p_R to 1e-8; its log-odds to 1e-8 of themselves, which is more where p_R is near 0 or 1.
            assert logit(found.probit[game, root]) == pytest.approx(expected, rel=1e-8, abs=1e-8)
            assert special.ndtr(found.probit[game, root]) == pytest.approx(float(row["check_pr"]), abs=1e-10)
            assert found.log_challenge[game, root] == pytest.approx(float(row["check_log_pc"]), rel=1e-8, abs=1e-10)
            assert found.log_firm[game, root] == pytest.approx(float(row["check_log_pf"]), rel=1e-8, abs=1e-10)


def test_equilibria_where_the_peer_is_wrong():
    cases = by_case([row for row in rows("equilibria_peer_wrong.csv") if row["source"] == "check"])
    assert len(cases) == 10
    for case in cases.values():
        found = enumerate_all(np.array([payoffs_of(case[0])]))
        count = int(found.count[0])
        assert count == int(case[0]["n_roots"]) == len(case)
        expected = sorted(float(row["logit_pr"]) for row in case)
        np.testing.assert_allclose(logit(found.probit[0, :count]), expected, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(
            found.log_challenge[0, :count],
            [float(row["log_pc"]) for row in sorted(case, key=lambda row: float(row["logit_pr"]))],
            rtol=1e-9, atol=1e-12,
        )  # fmt: skip


# By hand: with d = 0 both of A's last moves are alike, so F = B = (1 - Φ(h)²)/2. With h far below, F = Φ(d/√2).
@pytest.mark.parametrize("h", [-3.0, 0.0, 2.0, 8.0])
def test_wedge_by_hand(h):
    whole = special.log_ndtr(-h) + np.log1p(special.ndtr(h))  # 1 - Φ² = (1 - Φ)(1 + Φ)
    assert log_wedge(h, 0.0) - max(h, 0.0) ** 2 / 2 == pytest.approx(whole - np.log(2), rel=1e-14)


@pytest.mark.parametrize("d", [-30.0, -2.0, 0.0, 3.0])
def test_wedge_that_is_a_half_plane(d):
    assert log_wedge(-200.0, d) == pytest.approx(special.log_ndtr(d / np.sqrt(2)), rel=1e-13)


# 18.3.., -6.1..: from the integral over the correlation in arithmetic of 40 digits.


def test_wedge_in_the_tail():
    h, d, expected = 18.33918288140206, -6.148618857173646, -171.9937443488972696
    assert log_wedge(h, d) - h * h / 2 == pytest.approx(expected, rel=1e-15)
    assert log_wedge(0.0, 0.0) == pytest.approx(np.log(0.375), rel=1e-15)
    x = np.linspace(-38, 5, 400)
    np.testing.assert_allclose(log_cdf(jnp.asarray(x)), special.log_ndtr(x), rtol=2e-13)
    assert log_mills(jnp.array(1e6)) == pytest.approx(-np.log(1e6), abs=1e-11)


@pytest.mark.parametrize("at", [(0.4, -1.3), (-2.5, 0.7), (6.0, -9.0), (12.0, 3.0)])
def test_derivatives_of_the_wedge(at):
    step = 1e-5
    first = np.array(jax.grad(normal.log_wedge, (0, 1))(*map(jnp.asarray, at)))
    numeric = [
        (log_wedge(at[0] + step, at[1]) - log_wedge(at[0] - step, at[1])) / (2 * step),
        (log_wedge(at[0], at[1] + step) - log_wedge(at[0], at[1] - step)) / (2 * step),
    ]
    np.testing.assert_allclose(first, numeric, rtol=1e-7, atol=1e-7)
    up, down = hazard(jnp.asarray(at[0] + step)), hazard(jnp.asarray(at[0] - step))
    assert jax.grad(hazard)(jnp.asarray(at[0])) == pytest.approx(float((up - down) / (2 * step)), rel=1e-5, abs=1e-9)


def test_chances_sum_to_one_and_do_not_cancel():
    rng = np.random.default_rng(1)
    payoffs, probit = rng.normal(0, 2, (300, 7)), rng.normal(0, 2, 300)
    chances = np.exp(log_outcomes(payoffs, probit))
    np.testing.assert_allclose(chances.sum(axis=1), 1.0, atol=1e-12)
    # A challenge of chance 1e-300 keeps its digits: sf + bd + cd = p_C, and the far tail of two normals is a product.
    far = np.array([40.0, 0, 0, 3, 0, 3, 0])
    logs = np.asarray(log_outcomes(far, np.array(30.0)))
    h = 40.0 - 3.0
    expected = special.log_ndtr(-h) + np.log1p(special.ndtr(h)) - np.log(2)
    assert logs[2] == pytest.approx(expected, rel=1e-13)
    assert logs[2] == logs[3]


def test_slope_is_the_derivative_of_the_reply():
    rng = np.random.default_rng(2)
    payoffs, t, step = BASE + rng.normal(0, 0.3, (100, 7)), rng.normal(0, 1, 100), 1e-6
    numeric = (reply(payoffs, t + step) - reply(payoffs, t - step)) / (2 * step)
    np.testing.assert_allclose(slope(payoffs, t)[1], numeric, rtol=1e-6, atol=1e-7)


def test_stable_equilibria_hold_small_errors():
    found = enumerate_all(BASE[None])
    assert found.count.tolist() == [3]
    assert found.stable.tolist() == [[True, False, True]]
    for root in range(3):
        t = found.probit[0, root] + 1e-3
        for _ in range(60):
            t = float(reply(BASE, np.array(t)))
        assert (abs(t - found.probit[0, root]) < 1e-6) == bool(found.stable[0, root])


def test_roots_that_touch_are_told():
    """W_B is moved to where two of three equilibria meet: one side has three, the other one, and there is an edge."""

    def count(wb):
        payoffs = BASE.copy()
        payoffs[4] = wb
        return enumerate_all(payoffs[None])

    inside, outside = -2.9, -2.0
    assert (count(inside).count, count(outside).count) == (3, 1)
    for _ in range(60):
        middle = (inside + outside) / 2
        inside, outside = (middle, outside) if count(middle).count[0] > 1 else (inside, middle)
    last = count(inside)
    assert last.on_edge.any()
    where = last.on_edge[0]
    assert abs(last.slope[0][where] - 1).max() < 1e-3
    assert not last.stable[0][where].any()


def test_corner():
    """S_A > V_A, W_A < a, V_B < C_B: interior equilibria are none or two, and no challenge is an equilibrium too."""
    rng = np.random.default_rng(3)
    payoffs = rng.normal(0, 1.5, (4000, 7))
    found = enumerate_all(payoffs)
    corner = (payoffs[:, 0] > payoffs[:, 1]) & (payoffs[:, 3] < payoffs[:, 5]) & (payoffs[:, 6] < payoffs[:, 2])
    np.testing.assert_array_equal(found.corner, corner)
    assert (found.count[corner] % 2 == 0).all()
    assert (found.count[~corner] % 2 == 1).all()
    assert (found.count[corner] == 2).any()


def test_equal_payoffs_leave_one_equilibrium():
    zero = enumerate_all(np.zeros((1, 7)))
    assert zero.count.tolist() == [1]
    assert zero.probit[0, 0] == 0.0
    assert np.exp(zero.log_challenge[0, 0]) == pytest.approx(0.75, rel=1e-14)
    assert len(enumerate_all(np.zeros((0, 7)))) == 0


@given(st.lists(st.floats(-30, 30), min_size=7, max_size=7))
def test_every_root_is_a_fixed_point(values):
    payoffs = np.array(values)
    found = enumerate_all(payoffs[None])
    assert found.corner[0] or found.count[0] % 2 == 1 or found.on_edge.any()
    for root in range(found.count[0]):
        t = found.probit[0, root]
        gap = abs(float(reply(payoffs, np.array(t))) - t)
        size = 1 + abs(t) + np.abs(payoffs).max() * (1 + np.exp(abs(found.log_firm[0, root])))
        assert gap <= 1e-10 * size * max(1.0, abs(found.slope[0, root]))


@pytest.mark.slow
def test_no_root_lost_or_invented():
    for name, payoffs in families(np.random.default_rng(7), 700).items():
        found = enumerate_all(payoffs)
        count, doubt = scan(payoffs)
        sure = ~doubt & ~found.on_edge.any(axis=1)
        assert sure.mean() > 0.95, name
        np.testing.assert_array_equal(found.count[sure], count[sure], err_msg=name)


def test_few_against_the_search():
    payoffs = families(np.random.default_rng(8), 60)["several equilibria"]
    found = enumerate_all(payoffs)
    count, doubt = scan(payoffs)
    assert doubt.sum() <= 2
    np.testing.assert_array_equal(found.count[~doubt], count[~doubt])
    assert (count > 1).any()


def write(path, lines):
    path.write_text("\n".join(lines) + "\n")
    return path


HEAD = "case,SA,VA,CB,barWA,barWB,bara,VB,other"


def test_command(standoff, tmp_path):
    code, out, _ = standoff("equilibria", KNOWN / "equilibria.csv", "--model", "signaling", "--json")
    games = json.loads(out)["games"]
    assert code == 0
    assert len(games) == 326
    assert [game["case"] for game in games][:3] == [1, 2, 4]
    for game in games:
        assert len(game["p_resist"]) == len(game["stable"])
        assert game["p_resist"] == sorted(game["p_resist"])
    corner = write(tmp_path / "corner.csv", [HEAD, "quiet,1,-1,1,-1,-3,0,0,x", "quiet,1,-1,1,-1,-3,0,0,y"])
    code, out, _ = standoff("equilibria", corner)
    assert code == 0
    assert "corner" in out
    assert out.count("quiet") == 1
    code, out, _ = standoff("equilibria", KNOWN / "equilibria.csv", "--out", tmp_path / "all.csv")
    assert code == 0
    assert "more; --all" in out
    with (tmp_path / "all.csv").open(newline="") as stream:
        assert len(list(csv.DictReader(stream))) == 262 + 3 * 64


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([HEAD.replace("bara,", ""), "1,0,1,0,-1,-2,1,x"], "no column 'bara'"),
        ([HEAD.removeprefix("case,"), "0,1,0,-1,-2,-1,1,x"], "no column 'case'"),
        ([HEAD, "1,0,1,0,-1.9,-2,-1,1,x", "2,0,many,0,-1,-2,-1,1,x"], "points.csv:3, column 'VA': 'many' is no number"),
        ([HEAD, "1,0,1,0,,-2,-1,1,x", "2,0,1,0,-1,-2,-1,1,x"], "points.csv:2, column 'barWA': there is no number"),
        ([HEAD, "1,0,1,0,1e9,-2,-1,1,x"], "points.csv:2, column 'barWA': 1e+09 is no payoff"),
        ([HEAD, "1,0,1,0,-1,-2,-1,1,x", "1,0,1,0,-1,-2,-1,2,x"], "points.csv:3, column 'VB': case 1 has other payoffs"),
        ([HEAD, ",0,1,0,-1,-2,-1,1,x"], "points.csv:2, column 'case': this game has no name"),
        ([HEAD], "no row"),
    ],
)
def test_command_faults(standoff, tmp_path, lines, said):
    code, out, err = standoff("equilibria", write(tmp_path / "points.csv", lines), "--json")
    assert code == 2
    assert out == ""
    assert said in " ".join(err.split())


def test_command_faults_of_files(standoff, tmp_path):
    (tmp_path / "empty.csv").write_text("")
    assert standoff("equilibria", tmp_path / "empty.csv")[0] == 2
    assert standoff("equilibria", tmp_path / "none.csv")[0] == 2
    code, _, err = standoff("equilibria", KNOWN / "equilibria.csv", "--model", "chess")
    assert code == 2
    assert "Known: signaling" in err
    assert standoff("equilibria", KNOWN / "equilibria.csv", "--out", tmp_path / "no" / "x.csv")[0] == 2


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ([[1], [2]], "row 1, column 'case': this is no name of a game"),
        ([datetime.date(2020, 1, 1)] * 2, "row 1, column 'case': this is no name of a game"),
        ([1.5, float("nan")], "row 2, column 'case': this game has no name"),
    ],
)
def test_names_that_are_none_are_told(standoff, tmp_path, case, said):
    columns = dict(zip(PAYOFFS, ([x, x] for x in (0.0, 1.0, 0.0, -1.9, -2.9, -1.2, 1.0)), strict=True))
    pl.DataFrame({"case": case, **columns}).write_parquet(tmp_path / "points.parquet")
    code, _, err = standoff("equilibria", tmp_path / "points.parquet", "--json")
    assert code == 2
    assert said in err
