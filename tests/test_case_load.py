"""What a loaded case knows: its numbers, where each was written, and a digest of the content alone."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from standoff.case.load import load_case
from standoff.case.new import TEMPLATE, new_case
from standoff.case.number import walk
from standoff.case.place import parse
from standoff.case.schema import case_schema
from standoff.errors import CaseError, UserError


@pytest.fixture
def folder(tmp_path):
    new_case(tmp_path / "case")
    return tmp_path / "case"


def test_new_case_has_no_problem(folder):
    loaded = load_case(folder)
    assert loaded.problems == ()
    assert loaded.name == "case"
    case = loaded.case
    assert (case.crisis.rounds, case.crisis.round_days, len(case.ladder), len(case.packages)) == (8, 14, 4, 2)
    assert [len(view.differences) for view in case.views] == [2, 2]
    assert (len(case.documents), len(case.events), len(case.forecasts)) == (1, 3, 1)
    assert len(case.claims) >= 3


def test_new_case_takes_a_name_and_a_free_folder_only(tmp_path):
    new_case(tmp_path / "case", "other-name")
    assert load_case(tmp_path / "case").case.crisis.id == "other-name"
    with pytest.raises(UserError, match="not empty"):
        new_case(tmp_path / "case")
    with pytest.raises(UserError, match="is not an id"):
        new_case(tmp_path / "second", "Not An Id")
    assert not (tmp_path / "second").exists()


def test_places(folder):
    loaded = load_case(folder)
    lines = (folder / "numbers.yaml").read_text().splitlines()
    number = next(index for index, line in enumerate(lines, 1) if line.startswith("    success:"))
    place = f"numbers.yaml:{number}:14"
    assert loaded.place("parameters.force.success") == place
    assert loaded.place(("parameters", "force", "success")) == place
    lines = (folder / "evidence.yaml").read_text().splitlines()
    number = next(index for index, line in enumerate(lines, 1) if line == "  - id: garrison")
    assert loaded.place("garrison") == loaded.place(("claims", "garrison")) == f"evidence.yaml:{number}:5"
    dotted = ("views", "lume", "differences", "she-dare-not", "set", "parameters", "coercer")
    assert loaded.place((*dotted, "force_cost", "determined", "times")).startswith("views.yaml:")
    assert loaded.place("nothing-of-this-name") == "case"


def test_every_written_number_has_a_place(folder):
    loaded = load_case(folder)
    for path, number in walk(loaded.case):
        if number.judgement != "generic prior":
            assert loaded.place(tuple(path.split("."))).count(":") == 2, path


def test_digest_is_of_the_content(folder, tmp_path):
    whole = load_case(folder).digest
    parts = [file.read_text() for file in sorted(folder.glob("*.yaml"))]
    together = tmp_path / "one.yaml"
    together.write_text("# another comment\n" + "\n".join(parts))
    assert load_case(together).digest == whole
    text = (folder / "crisis.yaml").read_text()
    cut = text.index("  - {id: guild")
    (folder / "crisis.yaml").write_text(text[:cut] + text[text.index("# The ladder") :])
    (folder / "more.yml").write_text("actors:\n" + text[cut : text.index("# The ladder")])
    assert load_case(folder).digest == whole
    (folder / "crisis.yaml").write_text((folder / "crisis.yaml").read_text().replace("rounds: 8", "rounds: 9"))
    assert load_case(folder).digest != whole


def test_numbers_by_type_are_filled_in(folder):
    text = (folder / "crisis.yaml").read_text()
    (folder / "crisis.yaml").write_text(
        text.replace("types: [cautious, determined]", "types: [cautious, middling, determined]")
    )
    text = (folder / "numbers.yaml").read_text()
    start, end = text.index("  coercer:\n    force_cost"), text.index("  force:\n")
    (folder / "numbers.yaml").write_text(text[:start] + text[end:])
    parameters = load_case(folder).case.parameters
    cost = parameters.coercer.force_cost
    assert list(cost) == ["cautious", "middling", "determined"]
    assert cost["cautious"].lognormal == (1.2, 0.5)
    assert cost["middling"].lognormal == pytest.approx((0.6, 0.5))  # the root of 1.2 × 0.3
    assert cost["determined"].lognormal == (0.3, 0.5)
    assert list(parameters.target.exit_loss) == ["flexible", "stubborn"]
    assert parameters.target.exit_loss["stubborn"].judgement == "generic prior"


def test_warnings_do_not_refuse_a_case(folder):
    text = (folder / "evidence.yaml").read_text()
    (folder / "evidence.yaml").write_text(text.replace("date: 2031-05-05", "date: 2031-12-05"))
    (problem,) = load_case(folder).problems
    assert "comes after the last round" in problem.problem
    assert problem.place.startswith("evidence.yaml:")


def test_scene_outside_the_rounds_and_numbers_that_are_not_read_are_warned_of(folder):
    text = (folder / "numbers.yaml").read_text()
    world = """world:
  force: {ratio: 3}
  scenes:
    - {id: rally, title: A rally, date: 2032-01-01, seen_by: target, ratio: 0.4}
"""
    (folder / "numbers.yaml").write_text(text.replace("world:\n", world, 1))
    found = {problem.kind: problem for problem in load_case(folder).problems}
    assert set(found) == {"date", "computed"}
    assert "the scene 'rally' lies outside the rounds" in found["date"].problem
    assert "'parameters.force.success' is not read" in found["computed"].problem
    (folder / "numbers.yaml").write_text(text.replace("world:\n", "world:\n  force: {surprise: 0.5}\n", 1))
    (problem,) = load_case(folder).problems
    assert "the forces lack their relation" in problem.problem


def test_problems_are_in_order_of_lines(folder):
    text = (folder / "evidence.yaml").read_text()
    (folder / "evidence.yaml").write_text(text.replace("says:", "sayz:"))
    with pytest.raises(CaseError) as refused:
        load_case(folder)
    lines = [int(problem.place.split(":")[1]) for problem in refused.value.problems]
    assert lines == sorted(lines)
    assert min(lines) < 100 or len(lines) > 1


def test_reading_loads_no_numerics(folder):
    code = (
        "import sys\n"
        "from standoff.case.audit import audit\n"
        "from standoff.case.load import load_case\n"
        "audit(load_case(sys.argv[1]))\n"
        "loaded = {name.split('.')[0] for name in sys.modules}\n"
        "print(sorted(loaded & {'jax', 'xarray', 'numpy', 'equinox'}))\n"
    )
    environ = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    done = subprocess.run([sys.executable, "-c", code, folder], capture_output=True, text=True, check=True, env=environ)
    assert done.stdout.strip() == "[]"


def test_hidden_files_and_folders_are_no_part(folder):
    (folder / ".#crisis.yaml").write_text("not: [closed")
    (folder / "._crisis.yaml").write_bytes(b"\x00\x05")
    assert load_case(folder).problems == ()


def test_link_within_the_folder_is_followed(folder):
    shutil.move(folder / "views.yaml", folder / "views.txt")
    (folder / "views.yaml").symlink_to("views.txt")
    assert len(load_case(folder).case.views) == 2


def test_files_of_data_are_refused(monkeypatch):
    monkeypatch.setattr("standoff.case.place.VALUES_LIMIT", 20)
    monkeypatch.setattr("standoff.case.place.PROBLEMS_LIMIT", 5)
    parsed = parse("origins:\n" + "- x\n" * 40, "f.yaml")
    assert [(p.place, p.problem) for p in parsed.problems] == [("f.yaml:20:3", "this file holds more than 20 values")]
    assert not parsed.whole
    parsed = parse("origins:\n" + "- *x\n" * 18, "f.yaml")
    assert len(parsed.problems) == 6
    assert not parsed.whole


YAML_LIKE = st.text(alphabet="ab:-[]{},&*!?|>#'\"%@` \n\t.1<\\", max_size=60)


@given(YAML_LIKE)
def test_any_text_is_read_or_refused(text):
    parsed = parse(text, "f.yaml")
    assert parsed.whole or parsed.problems
    for problem in parsed.problems:
        assert problem.place.startswith("f.yaml:")


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_with_a_place(tmp_path_factory, content):
    file = tmp_path_factory.mktemp("bytes") / "case.yaml"
    file.write_bytes(content)
    with pytest.raises(CaseError) as refused:
        load_case(file)
    assert all(problem.place.startswith("case") for problem in refused.value.problems)


def plain(file: Path) -> object:
    """Content of a YAML file as an editor would see it, dates as text."""

    def told(value):
        if isinstance(value, dict):
            return {key: told(item) for key, item in value.items()}
        if isinstance(value, list):
            return [told(item) for item in value]
        return value if isinstance(value, str | int | float | bool | None) else value.isoformat()

    return told(parse(file.read_text(), file.name).data)


@pytest.mark.parametrize("file", sorted(TEMPLATE.glob("*.yaml")), ids=lambda file: file.name)
def test_schema_takes_each_file_of_a_case(file):
    from jsonschema import Draft202012Validator

    schema = case_schema()
    Draft202012Validator.check_schema(schema)
    assert [error.message for error in Draft202012Validator(schema).iter_errors(plain(file))] == []


def test_schema_refuses_an_unknown_key():
    from jsonschema import Draft202012Validator

    wrong = {"claims": [{"id": "a", "says": "b", "chian": ["c"]}]}
    assert list(Draft202012Validator(case_schema()).iter_errors(wrong)) != []
