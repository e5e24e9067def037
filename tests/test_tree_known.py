"""Trees: built in Python, checked, laid out as arrays; the games that the library ships."""

import json
import math
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from standoff.errors import UserError
from standoff.game.tree.build import Builder
from standoff.game.tree.efg import read_efg, write_efg
from standoff.game.tree.known import ladder, selten, variants
from standoff.game.tree.tree import CHANCE, InformationSet, Node, Outcome, Tree, TreeError

GAMBIT = Path(__file__).parent / "known" / "gambit"
GAMES = [path.stem for path in sorted(GAMBIT.glob("*.efg"))]


def named(stem):
    variant, periods = stem.rsplit("_N", 1)
    return ladder(variant, int(periods))


@pytest.mark.parametrize("stem", GAMES)
def test_ladder_is_the_reference_file(stem):
    tree = named(stem)
    assert tree == read_efg(GAMBIT / f"{stem}.efg")
    assert write_efg(tree) == (GAMBIT / f"{stem}.efg").read_text()


def test_all_variants_are_there():
    given_ = json.loads((GAMBIT / "payoffs.json").read_text())["variants"]
    assert set(variants()) == set(given_)
    assert {f"{variant}_N{n}" for variant in variants() for n in (1, 2)} == set(GAMES)


@pytest.mark.parametrize("periods", [3, 5])
def test_longer_ladder_counts(periods):
    """By hand: each pair of types has 2^t histories in period t, three ends at each, and two at each last node."""
    tree = ladder("base", periods)
    ends = 4 * (3 * (2**periods - 1) + 2 * 2**periods)
    assert len(tree.layout.ends) == ends
    assert sum(each.player == 0 for each in tree.sets) == 2 * (2 ** (periods + 1) - 1)
    assert sum(each.player == 1 for each in tree.sets) == 2 * (2 ** (periods + 1) - 2)


def test_longer_ladder_payoffs_by_hand():
    """Escalate, escalate, hold, then strike: three rungs' worth of costs, two rungs of winning."""
    tree = ladder("base", 3)
    (end,) = [o for o in tree.outcomes if o.label == "strike after EEH resolute/stubborn"]
    win = Fraction("0.5") + 2 * Fraction("0.1")
    spent = 2 * Fraction("0.15") + Fraction("0.05")
    suffered = 3 * Fraction("0.05") + Fraction("0.2") * (1 + 2 + 2)
    assert end.payoffs == (2 * win - Fraction("0.6") - spent, -2 * win - Fraction("0.8") - suffered)


def test_ladder_refuses():
    with pytest.raises(UserError, match=r"no ladder 'bass'.*base"):
        ladder("bass", 1)
    for periods in (0, 15):
        with pytest.raises(UserError, match="1 to 14 periods"):
            ladder("base", periods)


def enumerate_ends(tree):
    """Every end by walking down from the root, recursively: way, log chance, payoffs. Shares nothing with `layout`."""
    follow = {(node.parent, node.branch): i for i, node in enumerate(tree.nodes) if node.parent >= 0}
    numbers, count = {}, 0
    for s, each in enumerate(tree.sets):
        for m in range(len(each.actions) if each.player != CHANCE else 0):
            numbers[s, m] = count
            count += 1

    def walk(i, way, chance, pay):
        node = tree.nodes[i]
        if node.outcome >= 0:
            pay = [a + b for a, b in zip(pay, tree.outcomes[node.outcome].payoffs, strict=True)]
        if node.set < 0:
            yield i, way, chance, pay
            return
        each = tree.sets[node.set]
        for m in range(len(each.actions)):
            nature = each.player == CHANCE
            more = [] if nature else [numbers[node.set, m]]
            yield from walk(follow[i, m], way + more, chance * (each.chances[m] if nature else 1), pay)

    return walk(0, [], Fraction(1), [Fraction(0)] * len(tree.players)), numbers


def agrees(tree):
    layout = tree.layout
    found, numbers = enumerate_ends(tree)
    found = list(found)
    assert layout.ends.tolist() == [i for i, *_ in found]
    assert [[a for a in path if a >= 0] for path in layout.path.tolist()] == [way for _, way, *_ in found]
    assert all(a >= 0 or b < 0 for path in layout.path.tolist() for a, b in pairwise(path))
    np.testing.assert_array_equal(layout.payoffs, [[float(x) for x in pay] for *_, pay in found])
    expected = [math.log(chance) if chance else -math.inf for *_, chance, _ in found]
    np.testing.assert_allclose(layout.chance, expected, rtol=1e-14, atol=1e-15)
    for (s, m), number in numbers.items():
        assert layout.first[s] + m == number
        assert (layout.owner[number], layout.mover[number]) == (s, tree.sets[s].player)
    assert len(layout.owner) == len(layout.mover) == len(numbers)
    assert all(layout.first[s] == -1 for s, each in enumerate(tree.sets) if each.player == CHANCE)


@pytest.mark.parametrize("stem", GAMES)
def test_layout_by_enumeration(stem):
    agrees(named(stem))


@pytest.mark.parametrize("form", ["tree", "reduced"])
def test_layout_of_selten(form):
    agrees(selten(form))


@given(st.data())
def test_layout_of_any_game(data):
    """Also with nature late, outcomes on the way and moves that others do not see."""
    draw = data.draw
    builder = Builder("random", ("A", "B"))
    left, todo = draw(st.integers(0, 10)), [None]
    while todo:
        branch, left = todo.pop(draw(st.integers(0, len(todo) - 1))), left - 1
        actions = [f"{m}" for m in range(draw(st.integers(1, 3)))]
        pay = draw(st.tuples(st.fractions(-9, 9), st.floats(-9, 9)))
        if left < 0:
            builder.end(branch, "end", pay)
            continue
        if draw(st.booleans()):
            place = builder.chance(branch, "", {a: Fraction(1, len(actions)) for a in actions})
            after = [place[a] for a in actions]
        else:
            place = builder.move(branch, "A", "", actions)
            unseen = [builder.move(place[a], "B", f"B{left}", ("x", "y")) for a in actions]
            after = [each[a] for each in unseen for a in ("x", "y")]
        if draw(st.booleans()):
            builder.outcome(place, "on the way", pay)
        todo.extend(after)
    agrees(builder.tree())


def test_layout_is_kept():
    tree = selten()
    assert tree.layout is tree.layout


def test_selten_reduced_is_the_tree_in_strategies():
    """Every pair of strategies pays what the tree pays when they are followed in it."""
    tree = {node.label: node.payoffs for node in selten().outcomes}
    pay = {("out", x): tree["out"] for x in ("stop", "pass")}
    pay |= {(x, "stop"): tree["stop"] for x in ("in and give", "in and take")}
    pay |= {("in and give", "pass"): tree["give"], ("in and take", "pass"): tree["take"]}
    reduced = selten("reduced")
    actions = [action for each in reduced.sets for action in each.actions]
    ends = zip(reduced.layout.path.tolist(), reduced.layout.payoffs.tolist(), strict=True)
    found = {tuple(actions[a] for a in path): tuple(pays) for path, pays in ends}
    assert found == {key: tuple(map(float, value)) for key, value in pay.items()}


def logit(values, precision):
    weights = np.exp(precision * values)
    return weights / weights.sum()


@pytest.mark.published
def test_selten_reduced_has_the_printed_equilibria():
    """First, third and fifth row of the table in Gambit's manual (gambit-logit), printed to six digits."""
    rows = [
        (0.022853, [0.335873, 0.328284, 0.335843, 0.501962, 0.498038]),
        (0.0756, [0.341747, 0.316863, 0.34139, 0.506915, 0.493085]),
        (0.139346, [0.348902, 0.303519, 0.347578, 0.51364, 0.48636]),
    ]
    layout = selten("reduced").layout
    own, other = np.zeros((3, 2)), np.zeros((3, 2))
    for path, pay in zip(layout.path, layout.payoffs, strict=True):
        own[path[0], path[1] - 3], other[path[0], path[1] - 3] = pay
    for precision, printed in rows:
        row, column = np.array(printed[:3]), np.array(printed[3:])
        np.testing.assert_allclose(logit(own @ column, precision), row, atol=2e-6)
        np.testing.assert_allclose(logit(row @ other, precision), column, atol=2e-6)


def test_builder_reads_as_its_documentation_says():
    from standoff.game.tree import build

    block = build.__doc__.split("```python\n")[1].split("```")[0]
    space = {}
    exec(block, space)
    tree = space["tree"]
    assert [each.label for each in tree.sets] == ["kinds", "T", "C:weak", "C:firm"]
    assert [o.label for o in tree.outcomes] == ["concession", "war, weak", "back down", "war, firm"]
    assert tree.outcomes[1].payoffs == (Fraction(-1, 2), Fraction(-2))


def test_builder_numbers():
    builder = Builder("g", ("A", "B"))
    builder.end(None, "o", {"B": 0.1, "A": np.float64(0.5)})
    assert builder.tree().outcomes == (Outcome(1, "o", (Fraction(1, 2), Fraction(0.1))),)
    other = Builder("g", ("A", "B"))
    other.end(None, "o", (np.int64(3), "1/3"))
    assert other.tree().outcomes[0].payoffs == (3, Fraction(1, 3))
    assert type(other.tree().outcomes[0].payoffs[0].numerator) is int


def _start():
    builder = Builder("g", ("A", "B"))
    return builder, builder.move(None, "A", "s", ("x", "y"))


def test_builder_refuses():
    builder, place = _start()
    cases = [
        (lambda: place["z"], "no action 'z' at information set 's'.*x, y"),
        (lambda: builder.move(None, "A", "t", ("x",)), "has a root already"),
        (lambda: builder.move(place["x"], "C", "t", ("x",)), "no player 'C'.*A, B"),
        (lambda: builder.move(place["x"], "B", "t", ("x", "x")), "have one name"),
        (lambda: builder.move(place["x"], "A", "s", ("x",)), "actions x, y at one node and x at another"),
        (lambda: builder.end(place["x"], "o", (1,)), "1 payoffs for 2 players"),
        (lambda: builder.end(place["x"], "o", {"A": 1}), "one payoff to each of A, B"),
        (lambda: builder.end(place["x"], "o", (1, "much")), "'much' is no number"),
        (lambda: builder.end(place["x"], "o", (1, math.nan)), "'nan' is no number"),
        (builder.tree, "Action 'x' at information set 's' leads nowhere"),
        (Builder("g", ("A",)).tree, "no nodes"),
    ]
    for call, words in cases:
        with pytest.raises(UserError, match=words):
            call()
    builder.end(place["x"], "o", (1, 2))
    with pytest.raises(UserError, match="followed by a node already"):
        builder.end(place["x"], "o", (1, 2))


def test_forgetting_is_refused():
    builder, place = _start()
    for action in ("x", "y"):
        later = builder.move(place[action], "A", "later", ("m",))
        builder.end(later["m"], "o", (0, 0))
    with pytest.raises(TreeError, match="'later' breaks perfect recall: A comes there after 'x' at 's' and after 'y'"):
        builder.tree()


def test_not_knowing_whether_one_has_moved_is_refused():
    builder = Builder("g", ("A",))
    nature = builder.chance(None, "", {"l": "0.5", "r": "0.5"})
    first = builder.move(nature["l"], "A", "first", ("x",))
    for branch in (first["x"], nature["r"]):
        builder.end(builder.move(branch, "A", "then", ("y",))["y"], "", (0,))
    with pytest.raises(TreeError, match="after 'x' at 'first' and after no move of his own"):
        builder.tree()


def test_absent_mind_is_refused():
    builder = Builder("g", ("A",))
    first = builder.move(None, "A", "exit", ("out", "on"))
    second = builder.move(first["on"], "A", "exit", ("out", "on"))
    for branch in (first["out"], second["out"], second["on"]):
        builder.end(branch, "", (0,))
    with pytest.raises(TreeError, match="'exit' is met twice on one way, so A forgets"):
        builder.tree()


def test_chances_must_sum_to_one():
    builder = Builder("g", ("A",))
    nature = builder.chance(None, "toss", {"l": 0.1, "r": 0.9})
    for action in ("l", "r"):
        builder.end(nature[action], "", (0,))
    with pytest.raises(TreeError, match=r"'toss' has chances that sum to.*fractions such as 1/3"):
        builder.tree()


MOVE = InformationSet(0, 1, "s", ("x", "y"))
END = Outcome(1, "o", (Fraction(0),))
WRONG = {
    "no players": (((), (), (), ()), "no players"),
    "no nodes": ((("A",), (), (), ()), "no nodes"),
    "late child": ((("A",), (MOVE,), (), (Node(-1, 0, 0), Node(0, 1, -1), Node(0, 0, -1))), "should follow node 0"),
    "missing": ((("A",), (MOVE,), (), (Node(-1, 0, 0), Node(0, 0, -1))), "'y' at information set 's' leads nowhere"),
    "too many": ((("A",), (), (), (Node(-1, 0, -1), Node(0, 0, -1))), "after the end of the tree"),
    "no set": ((("A",), (), (), (Node(-1, 0, 3),)), "does not exist"),
    "unused set": ((("A",), (MOVE,), (), (Node(-1, 0, -1),)), "'s' has no node"),
    "payoffs": ((("A", "B"), (), (END,), (Node(-1, 0, -1, 0),)), "1 payoffs for 2 players"),
    "owner": ((("A",), (InformationSet(1, 1, "", ("x",)),), (), (Node(-1, 0, 0), Node(0, 0, -1))), "no player"),
    "chances": (
        (("A",), (InformationSet(CHANCE, 1, "c", ("x",)),), (), (Node(-1, 0, 0), Node(0, 0, -1))),
        "0 chances for 1 actions",
    ),
    "player's chances": (
        (("A",), (InformationSet(0, 1, "c", ("x",), (Fraction(1),)),), (), (Node(-1, 0, 0), Node(0, 0, -1))),
        "is a player's and has chances",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_game_is_refused(name):
    parts, words = WRONG[name]
    with pytest.raises(TreeError, match=words):
        Tree("g", *parts)


@pytest.mark.slow
def test_ten_periods():
    tree = ladder("base", 10)
    assert len(tree.layout.ends) == 20468
    assert np.exp(tree.layout.chance).sum() == pytest.approx(5117)
    assert read_efg(write_efg(tree)) == tree
