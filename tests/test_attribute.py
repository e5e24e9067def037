"""Shapley shares: games with known answers, the axioms, and the shares of misreadings on a small case."""

from itertools import combinations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.test_whatif import small as small  # the case of its slow tests

from standoff.show import ask
from standoff.simulate.attribute import sampled, shapley, summary
from standoff.simulate.results import ENDINGS


def glove(coalition):
    """A left glove (1) and two right ones (2, 3): a pair is worth 1."""
    return np.array(float(1 in coalition and bool({2, 3} & set(coalition))))


def airport(coalition):
    """A runway costs what its largest user needs: 1, 2 or 4."""
    return np.array(float(max((n for n in coalition), default=0)))


KNOWN = [
    ("glove game, Shapley & Shubik 1969", glove, (1, 2, 3), (2 / 3, 1 / 6, 1 / 6)),
    ("airport game, Littlechild & Owen 1973, by hand", airport, (1, 2, 4), (1 / 3, 5 / 6, 17 / 6)),
    ("majority of three", lambda s: np.array(float(len(s) >= 2)), "abc", (1 / 3, 1 / 3, 1 / 3)),
    ("unanimity of a and b, c a dummy", lambda s: np.array(float({"a", "b"} <= set(s))), "abc", (0.5, 0.5, 0.0)),
    ("additive", lambda s: np.array(float(sum(s))), (1, 2, 5), (1.0, 2.0, 5.0)),
]


@pytest.mark.parametrize(("value", "players", "shares"), [k[1:] for k in KNOWN], ids=[k[0] for k in KNOWN])
def test_known_shares(value, players, shares):
    assert shapley(value, list(players)) == pytest.approx(shares)


def random_game(seed, n=4):
    rng = np.random.default_rng(seed)
    players = list(range(n))
    table = {frozenset(s): rng.normal(size=2) for k in range(n + 1) for s in combinations(players, k)}
    return players, table


@given(st.integers(0, 10**6))
@settings(max_examples=20)
def test_efficiency_in_every_pair_of_orders_and_over_all_coalitions(seed):
    players, table = random_game(seed)
    total = table[frozenset(players)] - table[frozenset()]
    assert shapley(table.__getitem__, players).sum(0) == pytest.approx(total)
    pairs = sampled(table.__getitem__, players, 3, np.random.default_rng(seed))
    assert pairs.shape == (3, 4, 2)
    assert np.allclose(pairs.sum(1), total)


@given(st.integers(0, 10**6))
@settings(max_examples=20)
def test_a_dummy_gets_nothing_and_twins_the_same(seed):
    players, table = random_game(seed, 3)

    def with_dummy(coalition):
        return table[coalition - {"dummy"}]

    for shares in (
        shapley(with_dummy, [*players, "dummy"])[None],
        sampled(with_dummy, [*players, "dummy"], 2, np.random.default_rng(seed)),
    ):
        assert float(abs(shares[:, 3]).max()) < 1e-12

    def counted(coalition):
        return np.array(float(len({0, 1} & coalition) ** 2 + (2 in coalition) * len(coalition)))

    shares = shapley(counted, players)
    assert shares[0] == pytest.approx(shares[1])


def test_random_orders_come_to_the_same():
    players, table = random_game(3, 5)
    exact = shapley(table.__getitem__, players)
    pairs = sampled(table.__getitem__, players, 2000, np.random.default_rng(1))
    error = pairs.std(0, ddof=1) / np.sqrt(2000)
    assert np.all(abs(pairs.mean(0) - exact) < 4.5 * error + 1e-12)  # ten tests: false alarm below 1 in 10,000


def test_one_pair_of_orders_is_enough_where_players_do_not_meet():
    shares = sampled(lambda s: np.array(float(sum(s))), [1, 2, 5], 1, np.random.default_rng(0))
    assert shares[0] == pytest.approx([1.0, 2.0, 5.0])


def made(count=6, pairs=3):
    rng = np.random.default_rng(4)
    ends = rng.random((count, 2, len(ENDINGS)))
    shares = rng.normal(size=(count, pairs, 2, len(ENDINGS))) * 0.1
    shares[:, :, 1] = (ends[:, 1] - ends[:, 0])[:, None] - shares[:, :, 0]
    found = summary(shares, ends).assign_coords(
        difference=np.array(["one", "two"], dtype=object),
        holder=("difference", np.array(["coercer", "target"], dtype=object)),
        view=("difference", np.array(["v", "w"], dtype=object)),
        title=("difference", np.array(["Thinks <so>", "Thinks $x$"], dtype=object)), draw=np.arange(count),
    )  # fmt: skip
    return found.assign_attrs(
        schema="s", case="c", title="A crisis", digest="d", version="0", seed=1, draws=count, replications=50,
        method="random orders", orders=2 * pairs, status="All settled.",
    ), shares, ends  # fmt: skip


def test_means_and_errors():
    found, shares, ends = made()
    assert np.allclose(found["share"].sum("difference"), found["total"])
    assert np.allclose(found["total"], (ends[:, 1] - ends[:, 0]).mean(0))
    by_draw = shares.mean(1)
    assert np.allclose(found["error"], 2 * by_draw.std(0, ddof=1) / np.sqrt(6))
    assert np.all(found["monte_carlo"].values >= 0)
    assert isinstance(found, xr.Dataset)


def test_lines_json_and_page(tmp_path):
    found, _, _ = made()
    lines = ask.attribute_lines(found, "force")
    assert any("Thinks <so>" in line for line in lines)
    content = ask.attribute_dict(found)
    assert [row["difference"] for row in content["differences"]] == ["one", "two"]
    page = ask.write_page(tmp_path, "attribute", lines, content, ask.attribute_drawing(found, "force"))
    text = page.read_text()
    assert "Thinks &lt;so&gt;" in text
    assert "<svg" in text
    assert "http" not in text.replace("http://www.w3.org", "")
    rows = (tmp_path / "attribute.csv").read_text().splitlines()
    assert rows[0].startswith("difference,holder,view,title,ending,share")
    assert len(rows) == 1 + 2 * len(ENDINGS)


@pytest.mark.slow
def test_shares_of_the_misreadings_of_a_small_case(small):
    from standoff.simulate.attribute import attribute
    from standoff.simulate.counterfactual import whatif

    found = attribute(small, seed=7, draws=3)
    assert found.attrs["method"] == "all coalitions"
    assert np.allclose(found["share"].sum("difference"), found["total"], atol=1e-12)
    every = [f"views.{v.id}.{d.id}=off" for v in small.case.views for d in v.differences]
    arms = whatif(small, {"base": every}, seed=7)
    codes = arms["code"].isel(draw=slice(0, 3))
    change = [(codes == k).mean(["draw", "replication"]) for k in range(len(ENDINGS))]
    assert np.allclose([c.sel(arm="base") - c.sel(arm="before") for c in change], found["total"])
    again = attribute(small, seed=7, draws=3, workers=1)
    assert again["share"].identical(found["share"])
