"""Views that meet in a true game: against Gambit's compositions, by hand, and off the path."""

import json
import math
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from standoff.errors import UserError
from standoff.game.tree.build import Builder
from standoff.game.tree.compose import beliefs, compose, divergence, end_logs, named_beliefs
from standoff.game.tree.efg import read_efg
from standoff.game.tree.known import ladder, selten
from standoff.game.tree.record import histories, names
from standoff.game.tree.tree import CHANCE, action_names, set_names

GAMBIT = Path(__file__).parent / "known" / "gambit"
ROWS = json.loads((GAMBIT / "hypergame_compositions.json").read_text())["rows"]
SEEN = {"true": "true", "Coercer": "as_coercer_expects", "Target": "as_target_expects"}


@lru_cache
def solved(stem):
    return {row["lambda"]: row for row in json.loads((GAMBIT / "qre" / f"{stem}.qre.json").read_text())["solutions"]}


@lru_cache
def game(stem):
    return read_efg(GAMBIT / f"{stem}.efg")


def view(stem, precision):
    """A game and Gambit's polished equilibrium in it."""
    tree, played = game(stem), solved(stem)[precision]["polished"]
    sets = [each for each in tree.sets if each.player != CHANCE]
    return tree, np.log([played[each.label][action] for each in sets for action in each.actions])


def composed(row):
    end = f"_N{row['periods']}"
    coercer = view(row["coercer_view"] + end, row["lambda_in_coercer_view"])
    target = view(row["target_view"] + end, row["lambda_in_target_view"])
    return compose(game(row["truth"] + end), [coercer, target])


def test_all_compositions_are_there():
    assert len(ROWS) == 80


@pytest.mark.parametrize("row", ROWS, ids=[f"{i}" for i in range(len(ROWS))])
def test_composition(row):
    """To 1e-12: the reference is double precision, itself within 4.4e-16 of exact arithmetic."""
    found = composed(row)
    near = {"rel": 0, "abs": 1e-12}
    assert found.payoffs == pytest.approx(row["expected_payoffs_true"], **near)
    each = {player: found.expected_payoffs[player][player] for player in found.players}
    assert each == pytest.approx(row["expected_payoffs_each_expects"], **near)
    for name, key in SEEN.items():
        chances = {record: chance[name] for record, chance in found.records.items()}
        assert chances == pytest.approx(row["public_record_probability"][key], **near)
    assert found.divergence["Coercer"] == pytest.approx(row["kl_true_from_coercer_view"], **near)
    assert found.divergence["Target"] == pytest.approx(row["kl_true_from_target_view"], **near)
    assert _by_period(found.outcomes["true"], row["periods"]) == pytest.approx(
        {(how, pair): p for how, pairs in row["outcomes"].items() for pair, p in pairs.items() if pair != "total"},
        **near,
    )


def _by_period(outcomes, periods):
    """Outcomes such as `concede after HE weak/soft`, added up by kind, period and types, as the reference has them."""
    found = {}
    for label, chance in outcomes.items():
        how, _, moves, pair = label.split()
        rounds = 0 if moves == "-" else len(moves)
        when = {"concede": f"@{rounds}", "strike": "", "backdown": f"@{rounds + 1}"}[how]
        when = "@deadline" if how == "backdown" and rounds == periods else when
        key = (how + when, pair.replace("/", ","))
        found[key] = found.get(key, 0) + chance
    return found


@pytest.mark.parametrize("stem", ["base_N1", "prior_like_meets_like_N2", "sharp_coercer_N2"])
@pytest.mark.parametrize("precision", [0.5, 5.0])
def test_a_shared_view_holds_no_surprise(stem, precision):
    own = view(stem, precision)
    found = compose(own[0], [own, own])
    expected = solved(stem)[precision]["expected_payoffs"]
    assert found.payoffs == pytest.approx(expected, abs=1e-9)
    assert found.expected_payoffs == {player: found.payoffs for player in found.players}
    assert found.divergence == {"Coercer": 0.0, "Target": 0.0}
    assert sum(chance["true"] for chance in found.records.values()) == pytest.approx(1, abs=1e-12)


def test_records_of_ladders_are_named_by_rungs():
    tree = ladder("base", 2)
    ends = histories(tree)
    words = names(ends)
    assert [words[record] for record in ends[:4]] == [":backdown", "H:concede", "H:backdown", "HH:concede"]
    assert words[ends[4]] == "HH:strike"
    assert ends[4] == (
        ("Coercer", "hold"),
        ("Target", "resist"),
        ("Coercer", "hold"),
        ("Target", "resist"),
        ("Coercer", "strike"),
    )
    assert len(words) == len(ends) / 4


def test_records_that_share_an_initial_are_written_out():
    records = [(("A", way), ("B", end)) for way in ("stay", "strike") for end in ("yes", "no")]
    assert list(names(records).values()) == ["A stay, B yes", "A stay, B no", "A strike, B yes", "A strike, B no"]


def test_records_that_share_a_name_are_written_out():
    records = [(("A", "go on"),), (("A", "goon"),)]
    assert list(names(records).values()) == ["A go on", "A goon"]
    assert names([()]) == {(): ":"}


@given(
    st.lists(st.lists(st.tuples(st.sampled_from("AB"), st.sampled_from(["hold", "hit", "x y", "xy", ""])), max_size=4))
)
def test_names_of_records_are_unique(records):
    records = [tuple(record) for record in records]
    found = names(records)
    assert set(found) == set(records)
    assert len(set(found.values())) == len(found)


def inspection(chance, prize):
    """Nature hides a thing or not; A searches or leaves, not knowing; B, who knows, then calls or folds."""
    builder = Builder("inspection", ("A", "B"))
    nature = builder.chance(None, "", {"there": chance, "gone": 1 - chance})
    for kind in ("there", "gone"):
        place = builder.move(nature[kind], "A", "A", ("search", "leave"))
        builder.end(place["leave"], "left", (0, 1))
        answer = builder.move(place["search"], "B", f"B:{kind}", ("call", "fold"))
        builder.end(answer["call"], "called", (prize if kind == "there" else -1, 0))
        builder.end(answer["fold"], "folded", (1, -1))
    return builder.tree()


def test_two_views_by_hand():
    """A thinks there is one chance in four and that B folds half the time; B thinks that A searches one time in ten.

    Chances by hand: A searches with 0.6 as he means to; B calls with 0.9 if it is there, with 0.2 if not.
    """
    truth, mine, his = inspection(0.5, 2), inspection(0.25, 4), inspection(0.5, 2)
    a = np.log([0.6, 0.4, 0.5, 0.5, 0.5, 0.5])
    b = np.log([0.1, 0.9, 0.9, 0.1, 0.2, 0.8])
    found = compose(truth, [(mine, a), (his, b)])
    call = 0.6 * (0.5 * 0.9 + 0.5 * 0.2)
    fold = 0.6 * (0.5 * 0.1 + 0.5 * 0.8)
    seen = {name: {record: chance[name] for record, chance in found.records.items()} for name in ("true", "A", "B")}
    # Only searching leads on, so a record's name leaves it out.
    assert seen["true"] == pytest.approx({":leave": 0.4, ":call": call, ":fold": fold})
    assert seen["A"] == pytest.approx({":leave": 0.4, ":call": 0.3, ":fold": 0.3})
    assert seen["B"] == pytest.approx({":leave": 0.9, ":call": 0.1 * 0.55, ":fold": 0.1 * 0.45})
    assert found.payoffs["A"] == pytest.approx(0.6 * (0.45 * 2 - 0.1 * 1 + 0.45 * 1))
    assert found.payoffs["B"] == pytest.approx(0.4 - fold)
    assert found.expected_payoffs["A"]["A"] == pytest.approx(0.6 * (0.125 * 4 - 0.375 + 0.5))
    assert found.expected_payoffs["A"]["B"] == pytest.approx(0.4 - 0.3)
    assert found.divergence["A"] == pytest.approx(call * math.log(call / 0.3) + fold * math.log(fold / 0.3))
    assert found.divergence["B"] == pytest.approx(
        0.4 * math.log(0.4 / 0.9) + call * math.log(call / 0.055) + fold * math.log(fold / 0.045)
    )
    assert found.outcomes["true"] == pytest.approx({"left": 0.4, "called": call, "folded": fold})
    assert found.beliefs["A"]["A"] == pytest.approx({"there": 0.25, "gone": 0.75})
    assert found.beliefs["true"]["B:there"] == pytest.approx({"there > search": 1.0})


def test_players_actions_and_sets_in_another_order():
    """A view that lists everything the other way round is the same view."""
    truth = inspection(0.5, 2)
    builder = Builder("turned", ("B", "A"))
    nature = builder.chance(None, "", {"gone": 0.5, "there": 0.5})
    for kind in ("gone", "there"):
        place = builder.move(nature[kind], "A", "A", ("leave", "search"))
        builder.end(place["leave"], "left", (1, 0))
        answer = builder.move(place["search"], "B", f"B:{kind}", ("fold", "call"))
        builder.end(answer["call"], "called", (0, 2 if kind == "there" else -1))
        builder.end(answer["fold"], "folded", (-1, 1))
    turned = builder.tree()
    plain = np.log([0.6, 0.4, 0.9, 0.1, 0.2, 0.8])
    other = np.log([0.4, 0.6, 0.8, 0.2, 0.1, 0.9])
    one = compose(truth, [(truth, plain), (truth, plain)])
    two = compose(truth, [(turned, other), (turned, other)])
    assert two.payoffs == pytest.approx(one.payoffs)
    assert two.divergence == pytest.approx(one.divergence, abs=1e-15)
    assert two.expected_payoffs["B"] == pytest.approx(one.expected_payoffs["B"])


def test_what_one_holds_impossible_diverges_without_bound():
    truth = inspection(0.5, 2)
    with np.errstate(divide="ignore"):
        never = np.log([0.0, 1.0, 0.5, 0.5, 0.5, 0.5])
    half = np.log([0.5] * 6)
    found = compose(truth, [(truth, half), (truth, never)])
    assert found.divergence["B"] == math.inf
    assert found.divergence["A"] == 0.0


def test_an_impossible_event_of_no_chance_diverges_too():
    """The event has a chance of exp(-800), 0 in floats; 0 times infinity is no divergence of 0."""
    assert divergence({(): -800.0, (("A", "x"),): 0.0}, {(): -np.inf, (("A", "x"),): 0.0}) == math.inf


def test_beliefs_off_the_path():
    """Gaps of thousands in logarithms, as at a precision of 1000: only their differences count.

    After escalation the Target compares types: log odds are the prior's plus the difference of the Coercer's moves.
    """
    tree = ladder("base", 1)
    strategy = -np.log(np.array([len(tree.sets[s].actions) for s in tree.layout.owner], float))
    where = {each.label: tree.layout.first[s] for s, each in enumerate(tree.sets)}
    strategy[where["C:weak:-"] + np.arange(3)] = [-4000.0, -3000.0, 0.0]
    strategy[where["C:weak:-"] + 2], strategy[where["C:weak:-"]] = -4000.0, 0.0
    strategy[where["C:resolute:-"] + np.arange(3)] = [0.0, -3000.0, -4001.0]
    logs = beliefs(tree, strategy)
    odds = {}
    for i, node in enumerate(tree.nodes):
        if node.set >= 0 and tree.sets[node.set].label == "T:soft:E":
            odds[len(odds)] = logs[i]
    assert odds[1] - odds[0] == pytest.approx(math.log(0.24 / 0.36) - 1.0, abs=1e-9)
    assert np.logaddexp(odds[0], odds[1]) == pytest.approx(0, abs=1e-12)
    assert np.exp(end_logs(tree, strategy)).sum() == pytest.approx(1)


def test_own_impossible_move_leaves_beliefs():
    tree = ladder("base", 1)
    strategy = -np.log(np.array([len(tree.sets[s].actions) for s in tree.layout.owner], float))
    start = tree.layout.first[next(s for s, each in enumerate(tree.sets) if each.label == "C:weak:-")]
    strategy[start + np.arange(3)] = [0.0, -np.inf, -np.inf]
    found = named_beliefs(tree, strategy)
    soft, stubborn = found["C:weak:Hr"].values()
    assert (soft, stubborn) == pytest.approx((0.6, 0.4))  # own move ruled out, yet the belief is there
    assert list(found["T:soft:H"].values()) == pytest.approx([0.0, 1.0])


def test_belief_that_nothing_determines_is_nan():
    tree = selten()
    with np.errstate(divide="ignore"):
        strategy = np.log([1.0, 0.0, 1.0, 0.0, 0.5, 0.5])
    assert np.isnan(list(named_beliefs(tree, strategy)["second"].values())).all()


@pytest.mark.parametrize("stem", ["base_N2", "prior_like_meets_like_N2"])
def test_beliefs_by_bayes(stem):
    """Beliefs from the chances of ends alone: what lies below a node, over what lies below its set."""
    tree, strategy = view(stem, 3.0)
    chance = np.zeros(len(tree.nodes))
    chance[tree.layout.ends] = np.exp(end_logs(tree, strategy))
    for i in range(len(tree.nodes) - 1, 0, -1):
        chance[tree.nodes[i].parent] += chance[i]
    logs = beliefs(tree, strategy)
    for s, each in enumerate(tree.sets):
        at = [i for i, node in enumerate(tree.nodes) if node.set == s]
        if each.player == CHANCE:
            assert np.isnan(logs[at]).all()
        else:
            assert np.exp(logs[at]) == pytest.approx(chance[at] / chance[at].sum(), abs=1e-12)


def test_sets_without_labels_have_names():
    builder = Builder("g", ("A", "B"))
    first = builder.move(None, "A", "", ("x", "y"))
    builder.end(first["x"], "", (0, 0))
    builder.end(builder.move(first["y"], "B", "", ("z",))["z"], "", (1, 1))
    tree = builder.tree()
    assert set_names(tree) == ["A 1", "B 1"]
    half = np.log([0.5, 0.5, 1.0])
    found = compose(tree, [(tree, half), (tree, half)])
    assert found.outcomes["true"] == {"outcome 1": 0.5, "outcome 2": 0.5}


def test_names_are_unique_whatever_the_labels():
    builder = Builder("g", ("A", "A 1"))
    first = builder.move(None, "A", "", ("x", "y"))
    builder.end(first["x"], "", (0, 0))
    builder.end(builder.move(first["y"], "A 1", "A 1", ("z",))["z"], "", (1, 1))
    assert set_names(builder.tree()) == ["A 1", "A 1 (2)"]
    assert action_names(["l", "l", "l (1)", ""]) == ["l (1)", "l (2)", "l (1) (2)", " (4)"]


def test_mismatches_are_told():
    truth = inspection(0.5, 2)
    half = np.log([0.5] * 6)
    own = (truth, half)
    long = ladder("base", 1)
    rename = Builder("g", ("A", "B"))
    place = rename.move(None, "A", "A", ("search", "go"))
    for action in ("search", "go"):
        rename.end(place[action], "", (0, 0))
    other = rename.tree()
    cases = [
        ([own], "1 views for 2 players"),
        (
            [own, (long, np.zeros(len(long.layout.owner)))],
            "B's view has the players Coercer, Target, the true game A, B",
        ),
        ([own, (truth, half[:-1])], r"has the shape \(5,\), and the view 6 actions"),
        ([own, (truth, half - 0.1)], "at information set 'A' in B's view sum to 0.904"),
        ([own, (truth, half * np.nan)], "no logarithm of a chance"),
        ([(other, half[:2]), own], "At information set 'A' A can search, leave in the true game and search, go in A's"),
        ([own, (other, half[:2])], "Information set 'B:there' of B in the true game is not in B's view"),
    ]
    for views, words in cases:
        with pytest.raises(UserError, match=words):
            compose(truth, views)


def test_player_called_true():
    builder = Builder("g", ("true",))
    builder.end(None, "", (0,))
    tree = builder.tree()
    with pytest.raises(UserError, match="Rename him"):
        compose(tree, [(tree, np.zeros(0))])
