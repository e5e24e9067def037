"""`standoff solve`, `hypergame` and `export` as a user types them: contracts, known answers, faults, exit codes."""

import doctest
import json
import math
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from standoff.case.load import load_case
from standoff.case.new import TEMPLATE
from standoff.errors import UserError
from standoff.game.tree.branch import solve
from standoff.game.tree.efg import read_efg
from standoff.game.tree.solved import Missed, Solved, Status
from standoff.show.games import Met, by_player, points
from standoff.simulate.centre import central, small

STANDOFF = Path(sys.executable).with_name("standoff")
HERE = Path(__file__).parent / "known" / "gambit"
COMPOSITIONS = json.loads((HERE / "hypergame_compositions.json").read_text())["rows"]
KEYS = ["precision", "strategy", "reach", "payoffs", "residual", "regret", "folds", "status"]
UNLABELLED = """EFG 2 R "twice" { "A" "B" } ""
p "" 1 1 "x" { "l" "r" } 0
p "" 2 1 "x" { "l" "r" } 0
t "" 1 "" { 1, 2 }
t "" 2 "" { 0, 0 }
p "" 2 2 "" { "l" "l" } 0
t "" 3 "" { 0, 1 }
t "" 4 "" { 2, 0 }
"""


def efg(name, periods=1):
    return str(HERE / f"{name}_N{periods}.efg")


def qre(name, periods):
    return json.loads((HERE / "qre" / f"{name}_N{periods}.qre.json").read_text())


def test_solve_by_the_contract(standoff):
    code, out, err = standoff("solve", efg("base", 2), "--precision", 0.5, "--precision", 3, "--json")
    assert (code, err) == (0, "")
    told = json.loads(out)
    assert list(told) == ["solutions"]
    assert [list(row) for row in told["solutions"]] == [KEYS, KEYS]
    assert [row["precision"] for row in told["solutions"]] == [0.5, 3.0]
    for row in told["solutions"]:
        assert (row["status"], row["folds"]) == ("ok", 0)
        assert row["residual"] < 1e-9
        assert row["regret"] > 0
        assert row["reach"].keys() == row["strategy"].keys()
        assert row["reach"]["C:weak:-"] == pytest.approx(0.6)
        assert all(sum(chances.values()) == pytest.approx(1) for chances in row["strategy"].values())


def test_solve_agrees_with_the_reference(standoff):
    case = next(c for c in qre("base", 1)["solutions"] if c["lambda"] == 2.0)
    (row,) = json.loads(standoff("solve", efg("base"), "--precision", 2, "--json")[1])["solutions"]
    for name, chances in case["polished"].items():
        theirs = list(chances.values()) if isinstance(chances, dict) else chances
        assert [*row["strategy"][name].values()] == pytest.approx(theirs, abs=1e-9)


def test_solve_names_a_precision_for_each_player(standoff):
    code, out, _ = standoff(
        "solve", efg("base"), "--precision", 1, "--precision", "Coercer=3", "--precision", "Target=1", "--json"
    )
    assert code == 0
    one, two = json.loads(out)["solutions"]
    assert (one["precision"], two["precision"]) == (1.0, {"Coercer": 3.0, "Target": 1.0})
    (wanted,) = solve(read_efg(Path(efg("base"))), [(3.0, 1.0)]).points
    assert two["payoffs"]["Coercer"] == pytest.approx(wanted.payoffs[0], abs=1e-12)


def test_solve_in_words(standoff):
    code, out, err = standoff("solve", efg("base", 2), "--precision", 3)
    assert (code, err) == (0, "")
    assert out.startswith("crisis ladder, base, 2 period(s): 121 nodes, 26 information sets\n\nprecision 3: ok\n")
    assert "  C:weak:-" in out
    assert "The 12 of 26 information sets that are reached most; --all shows every one" in out
    whole = standoff("solve", efg("base", 2), "--precision", 3, "--all")[1]
    assert whole.count("\n") == out.count("\n") + 26 - 12 - 2
    by_default = standoff("solve", efg("base"))[1]
    assert [f"precision {x}: ok" in by_default for x in (1, 2, 5, 10)] == [True] * 4


def test_unlabelled_sets_get_unique_names(standoff, tmp_path):
    (tmp_path / "twice.efg").write_text(UNLABELLED)
    code, out, _ = standoff("solve", tmp_path / "twice.efg", "--precision", 1, "--json")
    assert code == 0
    (row,) = json.loads(out)["solutions"]
    assert len(row["strategy"]) == 3
    assert [len(chances) for chances in row["strategy"].values()] == [2, 2, 2]
    assert list(row["strategy"]) == ["A 1 x", "B 1 x", "B 2"]
    assert list(row["strategy"]["B 2"]) == ["l (1)", "l (2)"]


def test_a_point_that_failed_has_no_strategy(standoff, monkeypatch):
    def fails(tree, precisions):
        good = solve(tree, [1.0]).points[0]
        missed = Missed((2.0, 2.0), 3, (0.4, 0.3, 0.2), 99, Status.lost)
        return Solved(tree, (good,), (missed,), (good, missed), 0.0, 0.0)

    monkeypatch.setattr("standoff.show.games.solve", fails)
    code, out, err = standoff("solve", efg("base"), "--precision", 1, "--precision", 2, "--json")
    assert code == 1
    assert err == f"precision 2: {Status.lost.value}\n"
    good, bad = json.loads(out)["solutions"]
    assert (good["status"], list(bad)) == ("ok", KEYS)
    assert bad["status"].startswith("lost: The branch could not be followed")
    assert [bad[key] for key in ("strategy", "reach", "payoffs", "residual", "regret")] == [None] * 5
    assert bad["folds"] == 3
    code, out, _ = standoff("solve", efg("base"), "--precision", 1, "--precision", 2)
    assert code == 1
    assert "precision 2: lost" in out


def test_a_view_that_fails_is_a_failure_of_ours(standoff, monkeypatch):
    def fails(tree, precisions):
        missed = Missed((3.0, 3.0), 0, (), 99, Status.exhausted)
        return Solved(tree, (), (missed,), (missed,), 0.0, 0.0)

    monkeypatch.setattr("standoff.game.tree.hypergame.solve", fails)
    code, out, err = standoff(*met("base", "base", "base", 3, 1))
    assert (code, out) == (1, "")
    assert err.startswith("The game in Coercer's view was not solved at precision 3. The branch did not come")


def met(truth, coercer, target, one, two, periods=1):
    """A hypergame's command."""
    views = ("--view", f"Coercer={efg(coercer, periods)}", "--view", f"Target={efg(target, periods)}")
    sharp = ("--precision", f"Coercer={one}", "--precision", f"Target={two}")
    return ("hypergame", "--truth", efg(truth, periods), *views, *sharp)


def agrees(told, row):
    """The contract, against a reference composition."""
    assert list(told) == ["payoffs", "expected_payoffs", "records", "divergence"]
    assert told["payoffs"] == pytest.approx(row["expected_payoffs_true"], abs=1e-9)
    assert told["expected_payoffs"] == pytest.approx(row["expected_payoffs_each_expects"], abs=1e-9)
    wanted = row["public_record_probability"]
    assert told["records"].keys() == wanted["true"].keys()
    for name, chances in told["records"].items():
        assert list(chances) == ["true", "Coercer", "Target"]
        theirs = [wanted[key][name] for key in ("true", "as_coercer_expects", "as_target_expects")]
        assert [*chances.values()] == pytest.approx(theirs, abs=1e-9)
    theirs = {"Coercer": row["kl_true_from_coercer_view"], "Target": row["kl_true_from_target_view"]}
    assert told["divergence"] == pytest.approx(theirs, abs=1e-9)


@pytest.mark.slow
def test_every_reference_composition():
    for row in COMPOSITIONS:
        one, two = row["lambda_in_coercer_view"], row["lambda_in_target_view"]
        words = met(row["truth"], row["coercer_view"], row["target_view"], one, two, row["periods"])
        agrees(Met(words[2], [words[4], words[6]], [words[8], words[10]]).as_dict(), row)
    assert len(COMPOSITIONS) == 80


@pytest.mark.parametrize("number", [0, 17, 41, 79])
def test_reference_compositions_by_command(standoff, number):
    row = COMPOSITIONS[number]
    one, two = row["lambda_in_coercer_view"], row["lambda_in_target_view"]
    words = met(row["truth"], row["coercer_view"], row["target_view"], one, two, row["periods"])
    code, out, err = standoff(*words, "--json")
    assert (code, err) == (0, "")
    agrees(json.loads(out), row)


def test_a_reference_composition_by_a_process():
    row = COMPOSITIONS[0]
    one, two = row["lambda_in_coercer_view"], row["lambda_in_target_view"]
    words = met(row["truth"], row["coercer_view"], row["target_view"], one, two, row["periods"])
    done = subprocess.run([STANDOFF, *words, "--json"], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    agrees(json.loads(done.stdout), row)


def test_hypergame_in_words(standoff):
    code, out, err = standoff(*met("base", "war_costly", "base", 3, 1))
    assert (code, err) == (0, "")
    assert out.splitlines()[0].split() == ["precision", "gets", "expected", "divergence", "(nats)"]
    assert "public record  in truth  Coercer expects  Target expects" in out
    assert "\nE:concede" in out
    code, out, _ = standoff(*met("base", "war_costly", "base", 3, 1, periods=2))
    assert "The 12 likeliest of 17 public records; --all shows every one" in out
    one_for_all = standoff(*met("base", "base", "base", 2, 2)[:7], "--precision", 2, "--json")[1]
    assert one_for_all == standoff(*met("base", "base", "base", 2, 2), "--json")[1]


FAULTS = [
    (("solve", "nowhere.efg"), "nowhere.efg: cannot read this file"),
    (("solve", "broken.efg"), "broken.efg:2:"),
    (("solve", "plain.txt"), "plain.txt"),
    (("solve", "alone.efg"), "alone.efg: x: nobody moves in this game. Give it at least one information set."),
    (("solve", "BASE", "--precision", "-1"), "--precision -1: this is no precision. Give a number of at least 0."),
    (("solve", "BASE", "--precision", "much"), "--precision much: this is no precision."),
    (("solve", "BASE", "--precision", "inf"), "--precision inf: this is no precision."),
    (("solve", "BASE", "--precision", "nan"), "--precision nan: this is no precision."),
    (("solve", "BASE", "--precision", "Coercer=1"), "--precision: Target has none."),
    (("solve", "BASE", "--precision", "Coercr=1"), "no player 'Coercr'. Did you mean 'Coercer'?"),
    (("solve", "BASE", "--precision", "Coercer="), "nothing stands behind the '='"),
    (("solve", "BASE", "--precision", "Coercer=1", "--precision", "Coercer=2"), "Coercer has one already"),
    (("solve", "BASE", "--view", "base"), "--view: this belongs to a case"),
    (("solve", "BASE", "--rounds", "2"), "--rounds: this belongs to a case"),
    (("solve", "nocase", "--view", "base"), "nocase"),
    ((*met("base", "base", "base", 3, 1)[:5], "--precision", "3"), "--view: Target has none."),
    ((*met("base", "base", "base", 3, 1)[:9],), "--precision: Target has none."),
    ((*met("base", "base", "base", 3, 1), "--precision", "2"), "--precision: each player's view is solved at one."),
    ((*met("base", "base", "base", 3, 1)[:5], "--view", "Targt=BASE", "--precision", "1"), "Did you mean 'Target'?"),
    ((*met("base", "base", "base", 3, 1)[:5], "--view", "BASE", "--precision", "1"), "whose view is it?"),
    ((*met("base", "base", "base", 3, 1)[:5], "--view", "Target=no.efg", "--precision", "1"), "no.efg: cannot read"),
    ((*met("base", "base", "base", 3, 1)[:5], "--view", "Target=broken.efg", "--precision", "1"), "broken.efg:2:"),
    ((*met("base", "base", "base", 3, 1)[:3], "--view", "Coercer=LONG", "--view", "Target=BASE", "--precision", "1"),
     f"back down, hold, escalate in Coercer's view. Use the same actions in both. (True game {efg('base')}; "),
    ((*met("base", "base", "base", 3, 1, periods=2)[:5], "--view", "Target=BASE", "--precision", "1"),
     "is not in Target's view. Give the sets that correspond the same label"),
    ((*met("base", "base", "base", 3, 1)[:5], "--view", "Target=other.efg", "--precision", "1"), "same names in both"),
    ((*met("base", "base", "base", -3, 1),), "--precision -3: this is no precision."),
    (("export", "TEMPLATE", "there.efg"), "there.efg: this exists, and nothing is overwritten."),
    (("export", "TEMPLATE", "new.efg", "--view", "lum"), "--view lum: the case has no such view. Did you mean 'lume'?"),
    (("export", "TEMPLATE", "new.efg", "--rounds", "99"), "99 rounds: this case has 8. Ask for 1 to 8."),
    (("export", "TEMPLATE", "new.efg", "--rounds", "4"), "4 rounds make a tree of 317,005 nodes, over 200,000."),
    (("export", "TEMPLATE", "new.efg", "--precision", "1", "--precision", "2"), "a case is solved at one"),
    (("export", "TEMPLATE", "no/such/new.efg"), "cannot be written"),
    (("export", "nocase", "new.efg"), "nocase"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "said"), FAULTS, ids=[" ".join(map(str, w))[-60:] for w, _ in FAULTS])
def test_faults_of_the_user(standoff, tmp_path, monkeypatch, words, said):
    monkeypatch.chdir(tmp_path)
    Path("broken.efg").write_text('EFG 2 R "x" { "A" }\np "" 1 1 "" { "l" } oops\n')
    Path("alone.efg").write_text('EFG 2 R "x" { "A" }\nt "" 0\n')
    Path("plain.txt").write_text("nothing")
    Path("there.efg").write_text("")
    Path("other.efg").write_text(UNLABELLED)
    places = {"BASE": efg("base"), "LONG": efg("base", 2), "TEMPLATE": str(TEMPLATE)}
    typed = [re.sub("BASE|LONG|TEMPLATE", lambda found: places[found[0]], word) for word in words]
    code, out, err = standoff(*typed)
    assert (code, out) == (2, "")
    assert said in err
    assert "Traceback" not in err
    assert not Path("new.efg").exists()


def test_names_may_hold_an_equals_sign_behind_the_first():
    assert by_player(["A=b=c.efg"], ["A"], "--view", "") == ({"A": "b=c.efg"}, [])
    assert points([], ["A", "B"]) == [1.0, 2.0, 5.0, 10.0]


def test_export_then_solve(standoff, tmp_path):
    file = tmp_path / "one.efg"
    code, out, err = standoff("export", TEMPLATE, "--view", "lume", "--rounds", 1, file)
    assert (code, err) == (0, "")
    assert out.splitlines()[0] == f"{file}: 161 nodes"
    tree = read_efg(file)
    digest = load_case(TEMPLATE).digest
    for word in ("Case lume-harbour", digest, "view lume", "1 of 8 rounds", "coercer 5, target 5", "0 protest",
                 "coercer's offer 1 safe-leave", "are not held", "every number at its centre"):  # fmt: skip
        assert word in tree.comment
    code, out, _ = standoff("solve", file, "--precision", 5, "--json")
    assert code == 0
    (row,) = json.loads(out)["solutions"]
    assert row["status"] == "ok"
    assert "target:stubborn:climb 3, offer" in row["strategy"]
    scaled = tmp_path / "scaled.efg"
    assert standoff("export", TEMPLATE, "--view", "target", "--scaled", scaled)[0] == 0
    (same,) = json.loads(standoff("solve", scaled, "--precision", 1, "--json")[1])["solutions"]
    for name, chances in row["strategy"].items():
        assert [*same["strategy"][name].values()] == pytest.approx([*chances.values()], abs=1e-9)


@pytest.mark.slow
def test_a_case_on_the_grid_and_as_a_tree(standoff):
    """One round, the prior (0.5, 0.6) a node: the grid is exact but for what is stored in single precision."""
    code, out, err = standoff(
        "solve", TEMPLATE, "--view", "base", "--rounds", 1, "--precision", 4, "--nodes", 11, "--json"
    )
    assert code == 0
    assert err.splitlines()[0].endswith("compiling the case")
    told = json.loads(out)
    assert (told["case"], told["view"], told["rounds"], told["nodes"]) == ("lume-harbour", "base", 1, 11)
    assert (told["status"], told["precision"]) == ("ok", {"coercer": 4.0, "target": 4.0})
    assert told["residual"] < 1e-9
    assert math.fsum(told["endings"].values()) == pytest.approx(1)
    loaded = load_case(TEMPLATE)
    (exact,) = solve(small(loaded, "base", 1), [4.0]).points
    game = central(loaded.case, "base", rounds=1).game
    for i, side in enumerate(("coercer", "target")):
        weight = [1 - game.prior[i], game.prior[i]]
        worth = np.dot([told["value"][side][kind] for kind in game.kinds[i]], weight)
        assert worth == pytest.approx(exact.payoffs[i], abs=1e-6)
    for kind in game.kinds[0]:
        assert told["first"]["coercer"][kind] == pytest.approx(exact.strategy[f"coercer:{kind}:-"], abs=1e-6)
    for kind in game.kinds[1]:
        assert told["first"]["target"][kind] == pytest.approx(exact.strategy[f"target:{kind}:hold"], abs=1e-6)


def test_views_by_id_side_or_base():
    case = load_case(TEMPLATE).case
    assert central(case, "target").view == central(case, "lume").view == "lume"
    assert central(case).view == "base"
    with pytest.raises(UserError, match=r"no such view. Allowed: base, corvania, lume"):
        central(case, "xyzzy")


def test_help_names_the_commands(standoff):
    code, out, _ = standoff("--help")
    assert code == 0
    assert [word for word in ("solve", "hypergame", "export") if f"\n  {word} " not in out] == []
    for command in ("solve", "hypergame", "export"):
        assert standoff(command, "--help")[0] == 0


DOC = Path(__file__).parents[1] / "docs" / "solver.md"
SHOWN = re.findall(r"```console\n\$ standoff (.*?)\n(.*?)```", DOC.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize(
    ("words", "shown"),
    [pytest.param(*row, marks=[pytest.mark.slow] if "venezuela" in row[0] else [], id=row[0][:30]) for row in SHOWN],
)
def test_the_page_shows_what_is_printed(standoff, tmp_path, monkeypatch, words, shown):
    """Python blocks run as written; commands print what stands there, but for a residual, which is rounding."""
    monkeypatch.chdir(tmp_path)
    assert doctest.testfile(str(DOC), module_relative=False).failed == 0
    code, out, _ = standoff(*words.split())
    assert code == 0

    def rounded(text):
        return re.sub(r"residual \S+", "residual", text)

    assert rounded(out) == rounded(shown)


def test_the_page_shows_every_command():
    assert len(SHOWN) == 4
