"""The command line: what it prints, its exit codes, and that no failure shows a traceback."""

import json
import os
import signal
import subprocess
import sys
import time
import types
from pathlib import Path

import pytest

from standoff import __version__, cli
from standoff.case.load import load_case
from standoff.case.new import new_case
from standoff.cli.shell import out_folder
from standoff.errors import Failure, UserError

STANDOFF = Path(sys.executable).with_name("standoff")


@pytest.fixture
def case(tmp_path):
    new_case(tmp_path / "case")
    return tmp_path / "case"


class Summary:
    """What a run returns, to the command line."""

    def lines(self):
        return ["It ended."]

    def as_dict(self):
        return {"ended": True}


@pytest.fixture
def pipeline(monkeypatch):
    """Stands in for the computation; keeps what it was called with."""
    called = {}

    def run_case(loaded, *, progress, **options):
        called.update(options, case=loaded.case.crisis.id)
        progress("Solving", 0.25)
        progress("Solving", 0.5)
        progress("Playing", 0.75)
        if "raises" in called:
            raise called["raises"]
        return Summary()

    module = types.ModuleType("standoff.show.pipeline")
    module.run_case = run_case
    monkeypatch.setitem(sys.modules, "standoff.show", types.ModuleType("standoff.show"))
    monkeypatch.setitem(sys.modules, "standoff.show.pipeline", module)
    return called


def test_version(standoff):
    assert standoff("--version") == (0, f"standoff {__version__}\n", "")


def test_help_names_every_command(standoff):
    code, out, _ = standoff("--help")
    assert code == 0
    assert [word for word in ("check", "schema", "new", "cases", "run") if f"\n  {word} " not in out] == []


def test_top_imports_only_typer_rich_and_the_standard_library():
    code = (
        "import sys; before = set(sys.modules)\n"
        "import standoff.cli\n"
        "loaded = {name.split('.')[0] for name in set(sys.modules) - before} - set(sys.stdlib_module_names)\n"
        "print(*sorted(loaded))\n"
    )
    environ = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environ)
    heavy = {"pydantic", "ruamel", "jax", "numpy", "xarray", "matplotlib", "datasketch", "rapidfuzz", "scipy"}
    assert heavy & set(done.stdout.split()) == set()


@pytest.mark.parametrize(
    "arguments", [("run", "x", "--seed", "y"), ("nothing",), ("check",), ("run", "x", "--draws", "1")]
)
def test_wrong_usage(standoff, arguments):
    code, _, err = standoff(*arguments)
    assert code == 2
    assert "Usage:" in err


def test_check_prints_the_audit(standoff, case):
    code, out, err = standoff("check", case, "--documents", case / "documents", "--quotes")
    assert (code, err) == (0, "")
    assert "4 anchors: 4 verified" in out
    assert "four Corvanian warships have kept station" in out
    assert max(map(len, out.splitlines())) <= 100
    assert all(line == line.rstrip() for line in out.splitlines())


def test_check_without_documents_quotes_nothing(standoff, case):
    code, out, _ = standoff("check", case, "--quotes")
    assert code == 0
    assert "name the folder of your copies with --documents DIR" in out
    assert "four Corvanian warships" not in out


def test_check_as_json(standoff, case):
    code, out, _ = standoff("check", case, "--json")
    assert code == 0
    told = json.loads(out)
    lists = [
        "documents",
        "claims",
        "events",
        "contradictions",
        "forecasts",
        "packages",
        "origins",
        "problems",
    ]
    assert all(isinstance(told[name], list) for name in [*lists, "anchors", "numbers_without_reason"])
    assert told["summary"]["claims"] == len(told["claims"]) == 4


def test_schema(standoff, tmp_path):
    code, out, _ = standoff("schema")
    assert code == 0
    assert json.loads(out)["$schema"].startswith("https://json-schema.org/")
    assert standoff("schema", "--out", tmp_path / "case.json") == (0, "", "")
    assert (tmp_path / "case.json").read_text() == out
    code, _, err = standoff("schema", "--out", tmp_path / "no" / "case.json")
    assert code == 2
    assert "cannot be written" in err


def test_new_then_check(standoff, tmp_path):
    code, out, _ = standoff("new", tmp_path / "mine", "--name", "mine")
    assert code == 0
    assert "crisis.yaml" in out
    assert standoff("check", tmp_path / "mine")[0] == 0
    code, _, err = standoff("new", tmp_path / "mine")
    assert code == 2
    assert "not empty" in err


def test_cases(standoff, monkeypatch, case):
    monkeypatch.setattr("standoff.case.load.SHIPPED", case.parent)
    code, out, _ = standoff("cases")
    assert code == 0
    assert out.startswith("case  The closed harbour of Lume\n    2031-03-03 to 2031-06-22, 8 rounds; 1 document")
    (row,) = json.loads(standoff("cases", "--json")[1])
    assert row["id"] == "case"
    assert standoff("check", "case")[0] == 0
    code, _, err = standoff("check", "csae")
    assert code == 2
    assert "Did you mean the shipped case 'case'?" in err


def test_run_hands_on_its_options(standoff, case, pipeline, tmp_path):
    code, out, err = standoff(
        "run", case, "--out", tmp_path / "out", "--seed", 7, "--draws", 3, "--until", "2031-04-01"
    )
    assert (code, out) == (0, "It ended.\n")
    assert err == " 25% Solving\n 75% Playing\n"
    assert (pipeline["case"], pipeline["seed"], pipeline["draws"], pipeline["replications"]) == (
        "lume-harbour",
        7,
        3,
        None,
    )
    assert pipeline["until"].isoformat() == "2031-04-01"
    assert pipeline["out"] == tmp_path / "out"


def test_run_as_json_and_quiet(standoff, case, pipeline):
    code, out, err = standoff("run", case, "--json", "--quiet")
    assert (code, json.loads(out), err) == (0, {"ended": True}, "")
    assert pipeline["out"] == Path("runs/lume-harbour")
    assert pipeline["seed"] == 1


def test_failures_of_ours(standoff, case, pipeline, monkeypatch):
    monkeypatch.delenv("STANDOFF_DEBUG", raising=False)
    pipeline["raises"] = Failure("Solving: it did not settle. Raise nodes.")
    code, _, err = standoff("run", case, "--quiet")
    assert code == 1
    assert err.startswith("Solving: it did not settle. Raise nodes.")
    pipeline["raises"] = ZeroDivisionError("by nought")
    code, out, err = standoff("run", case, "--quiet")
    assert (code, out) == (1, "")
    assert err.startswith("This is a failure of ours")
    assert "STANDOFF_DEBUG=1" in err
    pipeline["raises"] = KeyboardInterrupt()
    code, _, err = standoff("run", case, "--quiet")
    assert code == 130
    assert err.strip() == "Interrupted; what was not finished has not been kept."


def test_debug_shows_the_traceback(case, pipeline, monkeypatch):
    monkeypatch.setenv("STANDOFF_DEBUG", "1")
    pipeline["raises"] = ZeroDivisionError("by nought")
    monkeypatch.setattr(sys, "argv", ["standoff", "run", str(case), "--quiet"])
    with pytest.raises(ZeroDivisionError):
        cli.main()


def test_run_refuses_what_cannot_be(standoff, case, pipeline, tmp_path):
    (tmp_path / "file").write_text("")
    assert standoff("run", case, "--out", tmp_path / "file")[0] == 2
    assert standoff("run", case, "--documents", tmp_path / "nowhere")[0] == 2
    assert pipeline == {}


def test_completion_is_on(standoff):
    assert "--show-completion" in standoff("--help")[1]


def test_closed_pipe_is_quiet(case):
    done = subprocess.run(
        f"{STANDOFF} check {case} --json | head -c 10",
        shell=True,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr


def test_interrupt_of_a_process(case):
    code = (
        "import sys, time, types\n"
        "module = types.ModuleType('standoff.show.pipeline')\n"
        "module.run_case = lambda *a, **k: (print('ready', flush=True), time.sleep(60))\n"
        "sys.modules['standoff.show'] = types.ModuleType('standoff.show')\n"
        "sys.modules['standoff.show.pipeline'] = module\n"
        "import standoff.cli\n"
        "standoff.cli.main()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, "run", str(case)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "Interrupted" in err
    assert "Traceback" not in err


@pytest.mark.parametrize("command", ["run", "attribute", "sensitivity", "mechanisms", "infer", "forecast", "score"])
def test_an_answer_that_could_not_be_written_is_not_computed(standoff, tmp_path, command):
    """Before anything else: the file is found in the way of the folder."""
    (tmp_path / "file").write_text("")
    code, out, err = standoff(command, "haiti-1994", "--out", tmp_path / "file" / "answer")
    assert (code, out) == (2, "")
    assert f"{tmp_path / 'file'}: this is no folder. Name another one with --out." in err
    assert not list(tmp_path.glob(".standoff-*"))


def test_a_folder_for_answers_that_no_system_can_have(standoff, tmp_path):
    code, out, err = standoff("score", "haiti-1994", "--out", tmp_path / ("x" * 300))
    assert (code, out) == (2, "")
    assert "x: it cannot be written to: File name too long. Name another folder with --out." in err


def test_a_folder_for_answers_that_may_not_be_looked_into(standoff, tmp_path, monkeypatch):
    def stat(path, **_):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "stat", stat)
    with pytest.raises(UserError, match=r"it cannot be written to: Permission denied\. Name another folder"):
        out_folder(tmp_path / "closed" / "answer")


@pytest.mark.parametrize("named", [".", "..", "", "answer/..", "link", "mounted"])
def test_a_folder_that_a_run_cannot_replace_is_refused_before_anything_is_computed(
    standoff, case, tmp_path, monkeypatch, named
):
    """A finished run takes the place of its folder, and that of the folder one is in cannot be taken."""
    here = tmp_path / "here" / "there"
    (here / "answer").mkdir(parents=True)
    (here / "mounted").mkdir()
    (here / "link").symlink_to(here)
    monkeypatch.chdir(here)
    monkeypatch.setattr("os.path.ismount", lambda path: Path(path).name == "mounted")
    monkeypatch.setattr("standoff.show.pipeline.run_case", lambda *_, **__: pytest.fail("it was computed"))
    code, out, err = standoff("run", case, "--out", named, "--quiet")
    assert (code, out) == (2, "")
    what = "a mounted folder" if named == "mounted" else "the folder you are in"
    assert f"a run takes the place of its folder, which {what} cannot give. Name one in it." in err


def test_a_link_to_a_folder_is_followed(standoff, case, tmp_path, monkeypatch):
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "there")
    asked = []

    def run_case(loaded, **options):
        asked.append(options["out"])
        return Summary()

    monkeypatch.setattr("standoff.show.pipeline.run_case", run_case)
    for named in ("link", "new", "there/../new"):
        assert standoff("run", case, "--out", tmp_path / named, "--quiet")[0] == 0
    assert asked == [tmp_path / "there", tmp_path / "new", tmp_path / "there" / ".." / "new"]


def test_a_file_in_the_place_of_the_usual_folder_is_told(standoff, case, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / load_case(case).case.crisis.id).write_text("")
    code, _, err = standoff("run", case, "--quiet")
    assert code == 2
    assert "this is no folder. Name another one with --out." in err
