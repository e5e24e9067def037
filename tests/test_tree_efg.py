"""Gambit's files: read, written back, and refused with line and column when broken."""

import re
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from standoff.errors import CaseError
from standoff.game.tree.build import Builder
from standoff.game.tree.efg import read_efg, write_efg
from standoff.game.tree.scan import written
from standoff.game.tree.tree import CHANCE, InformationSet, Node, Outcome, Tree

GAMES = sorted((Path(__file__).parent / "known" / "gambit").glob("*.efg"))
HEAD = 'EFG 2 R "g" { "A" "B" } ""\n'


def test_all_games_are_there():
    assert len(GAMES) == 14


@pytest.mark.parametrize("path", GAMES, ids=lambda path: path.stem)
def test_reference_file_comes_back_character_by_character(path):
    text = path.read_text()
    tree = read_efg(path)
    assert write_efg(tree) == text
    assert read_efg(str(path)) == read_efg(text) == tree


@pytest.mark.parametrize("path", GAMES, ids=lambda path: path.stem)
def test_payoffs_as_exact_as_written(path):
    """Against the text itself, read by a pattern that shares nothing with the reader."""
    ends = re.findall(r'^t "" (\d+) "(.*)" \{ (\S+), (\S+) \}$', path.read_text(), re.MULTILINE)
    tree = read_efg(path)
    found = [tree.outcomes[node.outcome] for node in tree.nodes if node.set < 0]
    assert [(o.number, o.label, *o.payoffs) for o in found] == [
        (int(number), label, Fraction(a), Fraction(b)) for number, label, a, b in ends
    ]
    assert tree.players == ("Coercer", "Target")


def test_everything_that_the_format_allows():
    tree = read_efg(
        'EFG 2 D "a \\"b\\" \\\\ c" { "A", "B" }\n"two\nlines"\n'
        'c "root" 7 "nature" { "x" 1/3 "y", .5, "z" 1/6 } 0\n'
        'p "" 1 4 "s" { "l" "r" } 9 "paid" { 1e-1 -2.50 }\n'
        't "one" 3 "o" { +1, -1/3 }\n'
        't "" 3\n'
        'p "" 1 4 9 t "" 0 t "" 2 { 1E+2, .5 }\n'
        'p "" 2 1 { "only" } 0 t "" 3 "o"\n'
    )
    assert (tree.title, tree.comment) == ('a "b" \\ c', "two\nlines")
    assert tree.sets == (
        InformationSet(CHANCE, 7, "nature", ("x", "y", "z"), (Fraction(1, 3), Fraction(1, 2), Fraction(1, 6))),
        InformationSet(0, 4, "s", ("l", "r")),
        InformationSet(1, 1, "", ("only",)),
    )
    assert tree.outcomes == (
        Outcome(9, "paid", (Fraction(1, 10), Fraction(-5, 2))),
        Outcome(3, "o", (Fraction(1), Fraction(-1, 3))),
        Outcome(2, "", (Fraction(100), Fraction(1, 2))),
    )
    assert tree.nodes == (
        Node(-1, 0, 0, -1, "root"),
        Node(0, 0, 1, 0),
        Node(1, 0, -1, 1, "one"),
        Node(1, 1, -1, 1),
        Node(0, 1, 1, 0),
        Node(4, 0, -1, -1),
        Node(4, 1, -1, 2),
        Node(0, 2, 2, -1),
        Node(7, 0, -1, 1),
    )
    assert tree.layout.payoffs[0] == pytest.approx([1.1, -2.5 - 1 / 3])
    assert read_efg(write_efg(tree)) == tree


def test_no_comment():
    assert read_efg('EFG 2 R "g" { "A" } t "" 0').nodes == (Node(-1, 0, -1),)


texts = st.text(st.characters(codec="utf-8"), max_size=8)
numbers = st.fractions() | st.integers() | st.decimals(-1000, 1000, places=6).map(Fraction) | st.floats(-1e9, 1e9)


def random_tree(draw):
    """Random games of two or three players: nature, simultaneous moves, outcomes on the way, shared outcomes.

    Not a strategy, since the checks of types at run time draw random numbers of their own.
    """
    players = tuple(draw(st.lists(texts, min_size=2, max_size=3, unique=True)))
    words = draw(st.lists(texts, min_size=4, max_size=4, unique=True))
    builder = Builder(draw(texts), players, draw(texts))
    paid = draw(st.lists(st.tuples(texts, st.tuples(*[numbers] * len(players))), min_size=4, max_size=4))
    codes = draw(st.lists(st.integers(0, 3 * 3 * 4 * 4 * 2 * 6 - 1), max_size=8))
    todo = [None]
    while todo:
        branch = todo.pop()
        if not codes:
            builder.end(branch, *paid[len(todo) % 4])
            continue
        rest, kind = divmod(codes.pop(), 3)
        rest, many = divmod(rest, 3)
        rest, outcome = divmod(rest, 4)
        rest, word = divmod(rest, 4)
        weight, passed = divmod(rest, 2)
        labels = words[: many + 1]
        if kind == 0:
            weights = [weight + (i == 0) for i in range(len(labels))]
            chances = [Fraction(weight, sum(weights)) for weight in weights]
            place = builder.chance(branch, words[word], dict(zip(labels, chances, strict=True)))
            todo.extend(place[label] for label in labels)
            continue
        place = builder.move(branch, players[0], f"{len(codes)}", labels)
        if passed:
            builder.outcome(place, *paid[outcome])
        after = [place[label] for label in labels]
        if kind == 2:  # the second player does not see it
            hidden = [builder.move(at, players[1], f"after {len(codes)}", ("m", 'n"\\')) for at in after]
            after = [at[action] for at in hidden for action in at.actions]
        todo.extend(after)
    return builder.tree()


@given(st.data())
def test_round_trip_of_any_game(data):
    tree = random_tree(data.draw)
    text = write_efg(tree)
    again = read_efg(text)
    assert again == tree
    assert write_efg(again) == text


@given(st.fractions(), st.booleans(), st.integers(0, 40))
def test_numbers_are_written_exactly(number, decimal, places):
    if decimal:
        number = Fraction(number.numerator, 10**places)
    text = written(number)
    assert Fraction(text) == number
    assert ("/" in text) == (Fraction(number).limit_denominator(1) != number and not _ends(number))


def test_a_decimal_of_thousands_of_places_is_written_as_a_fraction():
    tree = read_efg(f'EFG 2 R "g" {{ "A" }} t "" 1 "" {{ 1/{2**6600} }}')
    assert read_efg(write_efg(tree)) == tree


def _ends(number):
    """Does its decimal end? Its denominator then divides a power of ten."""
    return pow(10, number.denominator.bit_length(), number.denominator) == 0


BROKEN = {
    "empty": ("", "1:1", "does not begin"),
    "not a game": ("hello\nworld", "1:1", "does not begin as a Gambit"),
    "strategic form": ('NFG 1 R "g"\n', "1:1", "'EFG' should stand here"),
    "version": ('EFG 3 R "g" { "A" }\n', "1:5", "'2' should stand here"),
    "title": ("EFG 2 R { }\n", "1:9", "expected the title"),
    "players": ('EFG 2 R "g" { }\n', "1:15", "no players"),
    "twins": ('EFG 2 R "g" { "A" "A" } t "" 0\n', "1:1", "two players are called 'A'"),
    "no nodes": (HEAD, "2:1", "expected a node.*found the end"),
    "quote": (HEAD + 't "never', "2:3", "never closed"),
    "letter": (HEAD + 'x "" 1\n', "2:1", "expected a node.*found 'x'"),
    "name": (HEAD + "t 1\n", "2:3", "name in quotes.*found '1'"),
    "player": (HEAD + 'p "" 3 1 "s" { "a" } 0\n', "2:6", "no player 3"),
    "player 0": (HEAD + 'p "" 0 1 "s" { "a" } 0\n', "2:6", "no player 0"),
    "set 0": (HEAD + 'p "" 1 0 "s" { "a" } 0\n', "2:8", "set 0 cannot be"),
    "set -1": (HEAD + 'p "" 1 -1 "s" { "a" } 0\n', "2:8", "number of an information set, found '-1'"),
    "actions": (HEAD + 'p "" 1 1 "s" 0\n', "2:8", "actions of information set 1 are not said before"),
    "no action": (HEAD + 'p "" 1 1 "s" { } 0\n', "2:16", "has no actions"),
    "other actions": (
        HEAD + 'p "" 1 1 "s" { "a" } 0\np "" 1 1 "s" { "b" } 0',
        "3:8",
        "actions of information set 1 diff",
    ),
    "other label": (HEAD + 'p "" 1 1 "s" { "a" } 0\np "" 1 1 "r" 0', "3:8", "label of information set 1 differ"),
    "chance": (HEAD + 'c "" 1 "s" { "a" "b" } 0\n', "2:18", "expected the chance of this action"),
    "sum": (HEAD + 'c "" 1 "s" { "a" 0.333 "b" 0.666 } 0 t "" 0 t "" 0', "2:1", r"sum to 999/1000 \(0.999\)"),
    "negative": (HEAD + 'c "" 1 "s" { "a" -1 "b" 2 } 0 t "" 0 t "" 0', "2:1", "chance below zero"),
    "zero": (HEAD + 'c "" 1 "s" { "a" 1/0 } 0\n', "2:18", "divides by zero"),
    "digits": (HEAD + 't "" 1 "o" { 1.2.3, 0 }', "2:14", "cannot read '1.2.3,'"),
    "exponent": (HEAD + 't "" 1 "o" { 1e999999999, 0 }', "2:14", "exponent of '1e999999999' is too large"),
    "long": (HEAD + 't "" 1 "o" { ' + "1" * 5000 + ", 0 }", "2:14", "over 2000 characters"),
    "huge": (HEAD + 't "" 1 "o" { ' + "1" * 400 + ", 0 }", "1:1", "payoff over 1e.300"),
    "few payoffs": (HEAD + 't "" 1 "o" { 1 }', "2:12", "1 payoffs for 2 players"),
    "many payoffs": (HEAD + 't "" 1 "o" { 1 2 3 }', "2:12", "3 payoffs for 2 players"),
    "payoff text": (HEAD + 't "" 1 "o" { 1 "2" }', "2:16", "expected a payoff or"),
    "outcome": (HEAD + 't "" 5', "2:6", "payoffs of outcome 5 are not said before"),
    "outcome 0": (HEAD + 't "" 0 "o" { 1 1 }', "2:6", "outcome 0 means none"),
    "other payoffs": (HEAD + 'p "" 1 1 { "a" } 1 "o" { 1 1 } t "" 1 { 1 2 }', "2:37", "payoffs of outcome 1 differ"),
    "cut": (HEAD + 'p "" 1 1 "s" { "a" "b" } 0\nt "" 0\n', "4:1", "breaks off: action 'b' of the node at line 2"),
    "goes on": (HEAD + 't "" 0\nt "" 0\n', "3:1", "complete, yet the file goes on"),
    "sign": (HEAD + "t & 0", "2:3", "cannot read '&'"),
    "absent mind": (
        HEAD + 'p "" 1 1 "s" { "a" "b" } 0 t "" 0\np "" 1 1 0 t "" 0 t "" 0',
        "3:1",
        "'s' is met twice on one way, so A forgets",
    ),
    "recall": (
        HEAD + 'p "" 1 1 "s" { "a" "b" } 0\np "" 1 2 "t" { "c" "d" } 0 t "" 0 t "" 0\n' + 'p "" 1 2 0 t "" 0 t "" 0',
        "4:1",
        "'t' breaks perfect recall: A comes there after 'a' at 's' and after 'b' at 's'",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_file_says_where_and_what(name):
    text, place, words = BROKEN[name]
    with pytest.raises(CaseError) as caught:
        read_efg(text)
    (problem,) = caught.value.problems
    assert re.search(place + "$", problem.place), problem.place
    assert re.search(words, problem.problem), problem.problem
    assert problem.remedy.endswith(".")
    assert "\n" not in str(problem)
    assert caught.value.exit_code == 2


def test_files_that_cannot_be_read(tmp_path):
    latin = tmp_path / "latin.efg"
    latin.write_bytes(HEAD.encode() + b't "\xe9" 0\n')
    for path, words in (
        (tmp_path / "none.efg", "No such file"),
        (tmp_path, "directory"),
        ("a\0b", "null"),
        (latin, "not text in UTF-8"),
    ):
        with pytest.raises(CaseError, match=words):
            read_efg(path)
    with pytest.raises(CaseError, match=r"latin\.efg:2:4: this is not text"):
        read_efg(latin)


def test_windows_file_with_mark(tmp_path):
    path = tmp_path / "windows.efg"
    path.write_bytes(b"\xef\xbb\xbf" + GAMES[0].read_bytes().replace(b"\n", b"\r\n"))
    assert read_efg(path) == read_efg(GAMES[0])


@pytest.mark.parametrize("as_text", [False, True])
def test_limit_on_size(as_text):
    source = GAMES[0].read_text() if as_text else GAMES[0]
    with pytest.raises(CaseError, match=r"over 1,000 bytes.*raise the limit"):
        read_efg(source, largest=1000)


@given(st.data())
@settings(max_examples=300)
def test_any_damage_is_told_or_harmless(data):
    """A piece cut out, doubled or replaced: a game or a `CaseError` with line and column, nothing else."""
    text = data.draw(st.sampled_from(GAMES)).read_text()
    i, n = data.draw(st.integers(0, len(text))), data.draw(st.integers(0, 30))
    piece = data.draw(st.sampled_from(["", text[i : i + n] * 2, '"', "{", "}", "0", "1/0", "p", "\\", "é", "-", "e5"]))
    broken = "EFG " * (i < 4) + text[:i] + piece + text[i + n :]
    try:
        assert isinstance(read_efg(broken), Tree)
    except CaseError as error:
        for problem in error.problems:
            assert re.fullmatch(r"<text>:\d+:\d+", problem.place)


def test_deep_game_needs_no_recursion():
    depth = 3000
    builder = Builder("long", ("A", "B"))
    branch = None
    for i in range(depth):
        place = builder.move(branch, "AB"[i % 2], f"{i}", ("stop", "go"))
        builder.end(place["stop"], f"{i}", (i, -i))
        branch = place["go"]
    builder.end(branch, "end", (0, 0))
    tree = builder.tree()
    assert read_efg(write_efg(tree)) == tree
    assert tree.layout.path.shape == (depth + 1, depth)
    assert tree.layout.payoffs[7].tolist() == [7.0, -7.0]
