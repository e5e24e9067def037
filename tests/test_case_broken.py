"""Every broken case is refused with its exact place, a remedy and exit code 2, and without a traceback."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.broken.builders import BROKEN

from standoff import cli
from standoff.case.load import load_case
from standoff.case.new import TEMPLATE
from standoff.errors import CaseError

ALONE = [broken for broken in BROKEN if broken.name not in ("alias-bomb", "infinite-number")]
"""Those with one error and no other."""


def command(monkeypatch, capsys, *arguments):
    """Exit code, stdout and stderr of a command."""
    monkeypatch.setattr(sys, "argv", ["standoff", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    said = capsys.readouterr()
    return stop.value.code or 0, said.out, said.err


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.name)
def test_place_and_remedy(broken, tmp_path):
    place = broken.build(tmp_path / "case")
    with pytest.raises(CaseError) as refused:
        load_case(tmp_path / "case")
    told = [problem for problem in refused.value.problems if problem.place == place and broken.says in problem.problem]
    assert len(told) == 1, str(refused.value)
    assert broken.remedy in told[0].remedy


@pytest.mark.parametrize("broken", ALONE, ids=lambda broken: broken.name)
def test_nothing_else_is_reported(broken, tmp_path):
    broken.build(tmp_path / "case")
    with pytest.raises(CaseError) as refused:
        load_case(tmp_path / "case")
    assert len(refused.value.problems) == 1, str(refused.value)


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.name)
def test_exit_code_2_without_traceback(broken, tmp_path, monkeypatch, capsys):
    place = broken.build(tmp_path / "case")
    code, out, err = command(monkeypatch, capsys, "check", tmp_path / "case")
    assert (code, out) == (2, "")
    assert f"{place}: " in err
    assert "Traceback" not in err


@pytest.mark.parametrize("broken", BROKEN[:3], ids=lambda broken: broken.name)
def test_json_holds_the_problems(broken, tmp_path, monkeypatch, capsys):
    place = broken.build(tmp_path / "case")
    code, out, _ = command(monkeypatch, capsys, "check", tmp_path / "case", "--json")
    assert code == 2
    told = json.loads(out)
    assert place in [problem["place"] for problem in told["problems"]]
    assert {problem["severity"] for problem in told["problems"]} == {"error"}


def test_as_a_process(tmp_path):
    place = BROKEN[0].build(tmp_path / "case")
    standoff = Path(sys.executable).with_name("standoff")
    done = subprocess.run([standoff, "check", tmp_path / "case"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(f"{place}: ")


def test_all_problems_at_once(tmp_path):
    """One fault of each stage: syntax, schema, reference, dates, moves, views."""
    folder = tmp_path / "case"
    shutil.copytree(TEMPLATE, folder)
    names = ["misspelt-key", "duplicate-key", "unknown-actor", "public-before-it-was-written"]
    names += [
        "strike-at-a-rung-without",
        "view-path-without-number",
        "probability-of-a-forecast",
        "unknown-term",
    ]
    places = []
    for broken in (broken for broken in BROKEN if broken.name in names):
        for file, old, new in broken.edits:
            text = (folder / file).read_text()
            assert text.count(old.replace("§", "")) == 1
            (folder / file).write_text(text.replace(old, new))
    for file in folder.glob("*.yaml"):
        for number, line in enumerate(file.read_text().splitlines(), 1):
            while "§" in line:
                places.append(f"{file.name}:{number}:{line.index('§') + 1}")
                line = line.replace("§", "", 1)
        file.write_text(file.read_text().replace("§", ""))
    with pytest.raises(CaseError) as refused:
        load_case(folder)
    assert sorted(problem.place for problem in refused.value.problems) == sorted(places)
    assert len(places) == len(names)


def test_no_such_case():
    with pytest.raises(CaseError, match="there is no such folder, file or shipped case"):
        load_case("no-such-case")
