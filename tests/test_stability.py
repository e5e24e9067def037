"""Stability of states: the published Cuban case, a hypergame on it, textbook games, laws, n players by hand."""

import json
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from standoff.errors import UserError
from standoff.game.stability import Concept, Conflict, from_options, hypergame_equilibria

RESULTS = json.loads((Path(__file__).parent / "known" / "theory" / "results.json").read_text())["results"]
CUBA = next(entry for entry in RESULTS if entry["id"].startswith("cuba"))["cases"]


def conflict(inputs, us="preference_US"):
    back = [inputs["options"].index(name) for name in inputs["irreversible"]]
    return from_options(inputs["owner"], {"US": inputs[us], "USSR": inputs["preference_USSR"]}, back)


def by_concept(states):
    return {concept.name: list(states(concept)) for concept in Concept}


@pytest.mark.published
@pytest.mark.parametrize("case", [case for case in CUBA if "equilibria" in case["expected"]], ids=lambda c: c["note"])
def test_cuba(case):
    """All four concepts, exactly; 4 and 6 are the sequential equilibria of Fraser and Hipel (1984)."""
    assert by_concept(conflict(case["inputs"]).equilibria) == case["expected"]["equilibria"]


def test_cuba_hypergame():
    """The USSR believes that the US would rather acquiesce: it expects 0 to last, the US leaves it, 6 remains."""
    (case,) = (case for case in CUBA if "hypergame_equilibria" in case["expected"])
    true, seen = conflict(case["inputs"]), conflict(case["inputs"], "preference_US_as_seen_by_USSR")
    assert by_concept(seen.equilibria) == case["expected"]["equilibria_in_USSR_game"]
    found = by_concept(lambda concept: hypergame_equilibria({"US": true, "USSR": seen}, concept))
    assert found == case["expected"]["hypergame_equilibria"]
    best = min(true.improvements("US", 0), key=true.rank["US"].get)
    assert best == 2
    assert min(seen.improvements("USSR", best), key=seen.rank["USSR"].get) == 6


def two(preferences):
    """Two players, an option each: state = first + 2 second."""
    return from_options(("1", "2"), dict(zip("12", preferences, strict=True)))


@pytest.mark.parametrize(
    ("preferences", "nash", "seq", "gmr"),
    [
        (((1, 0, 3, 2), (2, 0, 3, 1)), (3,), (0, 3), (0, 3)),
        (((1, 0, 2, 3), (2, 0, 1, 3)), (1, 2), (1, 2), (0, 1, 2)),
    ],
    ids=["prisoner's dilemma", "chicken"],
)
def test_two_by_two(preferences, nash, seq, gmr):
    """Worked by hand; the games as in Fang, Hipel and Kilgour (1993), ch. 3.

    Dilemma (option: defect): from 0 player 1 improves to 1, which 2 answers by 3, better for 2 and worse for 1 than 0.
    Chicken (option: hold on): from 0 player 1 improves to 1, his best; 2 can answer by 3, which harms 1 and 2 alike, so
    that 0 is stable under GMR and not under SEQ.
    """
    game = two(preferences)
    assert game.equilibria(Concept.nash) == nash
    assert game.equilibria(Concept.seq) == seq
    assert game.equilibria(Concept.gmr) == gmr


def test_three_players():
    """An answer may need two others: 1 gains at b, 2 can move b to c, only then 3 can move c to d, bad for 1."""
    states = (0, 1, 2, 3)
    moves = {"1": {0: frozenset({1})}, "2": {1: frozenset({2})}, "3": {2: frozenset({3})}}
    rank = {
        "1": {1: 0, 2: 1, 0: 2, 3: 3},
        "2": {3: 0, 2: 1, 1: 2, 0: 3},
        "3": {3: 0, 2: 1, 1: 2, 0: 3},
    }
    game = Conflict(states, moves, rank)
    assert not game.stable("1", 0, Concept.nash)
    assert all(game.stable("1", 0, concept) for concept in (Concept.gmr, Concept.smr, Concept.seq))
    alone = Conflict(states, moves | {"3": {}}, rank)
    assert not any(alone.stable("1", 0, concept) for concept in Concept)
    unwilling = Conflict(states, moves, rank | {"2": {1: 0, 2: 1, 3: 2, 0: 3}})
    assert unwilling.stable("1", 0, Concept.gmr)
    assert not unwilling.stable("1", 0, Concept.seq)


@st.composite
def drawn(draw):
    """Owners of three or four options and strict preferences over all states.

    The conflict itself is made in the tests: type checks use the `random` module, which hypothesis forbids here.
    """
    owners = draw(st.lists(st.sampled_from("123"), min_size=3, max_size=4))
    states = list(range(2 ** len(owners)))
    return owners, {player: draw(st.permutations(states)) for player in sorted(set(owners))}


@given(drawn())
def test_concepts_are_nested(parts):
    """Nash is in SMR, SMR in GMR, and Nash in SEQ, SEQ in GMR; without misperception the hypergame is the game."""
    game = from_options(*parts)
    found = {concept: set(game.equilibria(concept)) for concept in Concept}
    assert found[Concept.nash] <= found[Concept.smr] <= found[Concept.gmr]
    assert found[Concept.nash] <= found[Concept.seq] <= found[Concept.gmr]
    views = dict.fromkeys(game.players, game)
    assert all(set(hypergame_equilibria(views, concept)) == found[concept] for concept in Concept)


@given(drawn())
def test_gmr_always_exists(parts):
    """Two-player conflicts with strict preferences always have a GMR equilibrium (Howard 1971)."""
    game = from_options(*parts)
    if len(game.players) == 2:
        assert game.equilibria(Concept.gmr)


def test_options_move_only_their_owner():
    game = from_options(("1", "1", "2"), {"1": list(range(8)), "2": list(range(8))}, irreversible=(0,))
    for start, end in product(range(8), repeat=2):
        own = start != end and not (start ^ end) & 4 and not (start & 1 and not end & 1)
        assert (end in game.reach("1", start)) == own


@pytest.mark.parametrize(
    "make",
    [
        lambda: from_options(("1", "2"), {"1": [0, 1], "2": [0, 2]}),
        lambda: from_options(("1",), {"1": [0, 1, 2]}),
        lambda: from_options(("1", "2"), {"1": [0, 1]}),
        lambda: Conflict((0,), {"1": {0: frozenset({0})}}, {"1": {0: 0}}),
        lambda: Conflict((0,), {}, {"1": {0: 0}}),
        lambda: hypergame_equilibria({}, Concept.nash),
    ],
)
def test_refused(make):
    with pytest.raises(UserError):
        make()
