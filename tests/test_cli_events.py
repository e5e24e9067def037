"""`standoff events` as typed: tables to candidates, answers, a case; and the commands of its page."""

import datetime as dt
import io
import json
import re
import shlex
import shutil
import sys
from pathlib import Path

import pytest

from standoff.case.load import load_case
from standoff.case.new import new_case

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared" / "data" / "event_formats"
PAGE = ROOT / "docs" / "events.md"
SAMPLES = {
    "events-2018-06.tab": "icews_2018-06_sample.tab",
    "20170701234500.export.CSV": "gdelt2_events_sample_english.export.tsv",
    "20170701234500.translingual.export.CSV": "gdelt2_events_sample_translingual.export.tsv",
}
"""What the samples are called on the page."""

ICEWS = ("Event ID", "Event Date", "Source Name", "Source Sectors", "Source Country", "CAMEO Code", "Intensity",
         "Target Name", "Target Sectors", "Target Country", "Story ID", "Publisher")  # fmt: skip


@pytest.fixture
def table(tmp_path):
    """A made-up table in the layout of ICEWS."""
    lines = ["\t".join(ICEWS)]
    for k, (day, code, score, by, on) in enumerate(
        [
            ("2026-03-05", "138", "-7.0", "France", "Panama"),
            ("2026-03-05", "138", "-7.0", "France", "Panama"),
            ("2026-03-06", "12", "-4.0", "Panama", "France"),
            ("2026-03-07", "040", "1.0", "France", "Brazil"),
            ("2026-03-08", "999", "1.0", "France", "Panama"),
        ]
    ):
        fields = (
            str(k),
            day,
            f"Ministry ({by})",
            "Government",
            by,
            code,
            score,
            on,
            "NA",
            on,
            str(k // 2),
            f"Paper {k}",
        )
        lines.append("\t".join(fields))
    file = tmp_path / "made-up.tab"
    file.write_text("\n".join(lines) + "\n")
    return file


def test_tables_are_printed(standoff, table):
    code, out, err = standoff("events", table, "--between", "FRA", "Panama", "--quiet")
    assert (code, err) == (0, "")
    assert "1 table (icews), 5 rows: 3 between them, 2 candidates." in out
    assert re.search(r"2026-03-05 coercer  138 +climb +−7.0 +1 +2 +1  threatens military force", out)
    assert re.search(r"2026-03-06 target   12 +defy +−4.0 +1 +1 +1  refuses", out)
    assert "1 line could not be read:\n  made-up.tab:6: '999' is no code of CAMEO" in out
    assert max(len(line) for line in out.splitlines()) <= 100


def test_tables_as_json(standoff, table):
    code, out, _ = standoff("events", table, "--between", "cow:220", "PAN", "--format", "icews", "--json", "--quiet")
    assert code == 0
    found = json.loads(out)
    first = found["candidates"][0]
    assert (first["id"], first["suggests"], first["plover"]) == ("icews-20260305-138-c", "climb", "THREATEN/violence")
    assert (first["rows"], first["reports"], first["sources"], first["goldstein"]) == (2, 1, 2, -7.0)
    assert found["unreadable"]["lines"] == 1


def test_from_tables_to_a_case(standoff, table, tmp_path, monkeypatch):
    file, case = tmp_path / "candidates.yaml", tmp_path / "case"
    asked = ("events", table, "--between", "FRA", "PAN", "--out", file, "--quiet")
    code, out, _ = standoff(*asked)
    assert code == 0
    assert f"Candidates: {file}." in out
    code, _, err = standoff(*asked)
    assert code == 2
    assert "already" in err

    monkeypatch.setattr(sys, "stdin", io.StringIO("perhaps\nn\nq\n"))
    code, out, err = standoff("events", file, "--review")
    assert code == 0
    assert "2 of 2 candidates are undecided." in out
    assert "FRA threatens military force against PAN" in out
    assert "Answer y, n, s or q." in err
    assert out.endswith("yes: 0, no: 1, undecided: 1\n")
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    code, out, _ = standoff("events", file, "--review")  # goes on where it was left
    assert "1 of 2 candidates are undecided." in out
    assert "PAN refuses something to FRA" in out
    assert out.endswith("yes: 1, no: 1, undecided: 0\n")
    assert re.findall(r"accept: (\w+)", file.read_text())[-2:] == ["no", "yes"]

    new_case(case)
    starts = load_case(case).case.crisis.starts
    file.write_text(file.read_text().replace("2026-03-06", str(starts + dt.timedelta(days=2))))
    code, out, _ = standoff("events", "--into", case, file)
    assert code == 0
    assert "1 event added in" in out
    assert "icews-20260306-12-t" in {event.id for event in load_case(case).case.events}
    code, out, _ = standoff("check", case)
    assert code == 0
    code, out, _ = standoff("events", "--into", case, file, "--json")
    assert json.loads(out)["already_there"] == ["icews-20260306-12-t"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "Between whom?"),
        (("--between", "FRA", "Panma"), "Did you mean 'panama'?"),
        (("--between", "FRA", "PAN", "--from", "last week"), "--from: 'last week' is not a day"),
        (("--between", "FRA", "PAN", "--format", "icew"), "Did you mean 'icews'?"),
        (("--between", "FRA", "PAN", "--format", "gdelt"), "It looks like a table of ICEWS"),
        (("--between", "FRA", "PAN", "--classes", "stirke"), "Did you mean 'strike'?"),
        (("--review",), "no file of candidates|not YAML"),
        (("--into", "nowhere"), "no file of candidates|not YAML"),
        (("--into", "nowhere", "--between", "FRA", "PAN"), "take one file of candidates"),
    ],
)
def test_mistakes_are_told_in_a_sentence(standoff, table, arguments, said):
    code, out, err = standoff("events", table, *arguments, "--quiet")
    assert code == 2
    assert re.search(said, err)
    assert out == ""


def test_nothing_found_says_what_to_try(standoff, table):
    code, out, _ = standoff("events", table, "--between", "BRA", "CHL", "--quiet")
    assert code == 0
    assert "No row is between these two." in out


def blocks():
    """Commands of the page, each with what it prints."""
    text = PAGE.read_text(encoding="utf-8")
    return re.findall(r"```sh\n\.venv/bin/standoff ([^\n]*)\n```\n\n```text\n([^`]*)```", text)


def test_the_page_shows_commands():
    assert len(blocks()) >= 3
    text = PAGE.read_text(encoding="utf-8")
    assert "shared" not in text


@pytest.mark.parametrize(("command", "printed"), blocks(), ids=lambda text: text.split("\n")[0][:40])
def test_commands_of_the_page(standoff, tmp_path, monkeypatch, command, printed):
    if not SHARED.is_dir():
        pytest.skip("the samples of event tables are not beside the repository (../shared/data/event_formats)")
    for name, source in SAMPLES.items():
        shutil.copyfile(SHARED / source, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    code, out, _ = standoff(*shlex.split(command), "--quiet")
    assert code == 0
    assert out == printed
