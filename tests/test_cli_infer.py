"""Inference and forecasts from the command line: end to end on a small crisis, and what is refused."""

import json

import pytest
import xarray as xr

from standoff.case.new import new_case
from standoff.show.report import BESIDE

CASE = "case"
QUICK = ("--draws", 256, "--tellings", 4, "--workers", 1, "--quiet")


@pytest.fixture
def small(tmp_path):
    """A case of three rounds, one number a side and few nodes."""
    new_case(tmp_path / "case")
    file = tmp_path / "case" / "crisis.yaml"
    text = file.read_text(encoding="utf-8")
    assert "rounds: 8 " in text
    assert "nodes: 9," in text
    file.write_text(text.replace("rounds: 8 ", "rounds: 3 ").replace("nodes: 9,", "nodes: 5,"), encoding="utf-8")
    return tmp_path / "case"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("infer", CASE, "--over", "parameters.nothing"), "is not an uncertain number of this case"),
        (("infer", CASE, "--until", "yesterday"), "yesterday"),
        (("infer", "no-such-case"), "no-such-case"),
        (("forecast", CASE), "say as of when"),
        (("forecast", CASE, "--every", "month"), "write week or round"),
        (("forecast", CASE, "--every", "week", "--priors", "mine"), "write generic, case or both"),
        (("forecast", CASE, "--as-of", "2040-01-01"), "Give an earlier day"),
    ],
)
def test_what_is_refused_in_a_sentence(standoff, small, arguments, said):
    code, out, err = standoff(*(small if word == CASE else word for word in arguments))
    assert code == 2
    assert out == ""
    assert said in err
    assert "Traceback" not in err


def test_a_file_is_no_folder_for_answers(standoff, small, tmp_path):
    (tmp_path / "file").write_text("")
    code, _, err = standoff("infer", small, "--out", tmp_path / "file")
    assert code == 2
    assert "this is no folder" in err


def test_generic_priors_or_part_of_a_record_are_not_kept_in_a_run(standoff, small, tmp_path):
    from standoff.case.load import load_case

    digest = load_case(small).digest
    (tmp_path / "manifest.json").write_text(json.dumps({"case": "lume-harbour", "digest": digest}))
    for option in (("--generic",), ("--until", "2025-12-01")):
        code, _, err = standoff("infer", small, "--out", tmp_path, *option)
        assert code == 2
        assert "Name another" in err
    (tmp_path / "manifest.json").write_text(json.dumps({"case": "lume-harbour", "digest": "of old"}))
    code, _, err = standoff("forecast", small, "--every", "round", "--out", tmp_path)
    assert code == 2
    assert "as it was before" in err


@pytest.mark.slow
def test_a_posterior_from_the_command_line(standoff, small, tmp_path, monkeypatch):
    """What is kept gives the same again; a posterior that fails its own test says so, and leaves with 1."""
    out = tmp_path / "answer"
    code, text, err = standoff("infer", small, *QUICK, "--out", out)
    assert code == 0, err
    assert "NOT TO BE TRUSTED" not in text
    tree = xr.open_datatree(out / BESIDE["posterior"], engine="zarr", consolidated=False).load()
    assert set(tree.children) >= {"posterior", "prior", "log_likelihood", "bank", "numbers", "by_round", "minds"}
    assert tree.attrs["failed"] == 0
    page = (out / "infer.html").read_text(encoding="utf-8")
    assert "What must they have believed?" in page
    content = json.loads((out / "infer.json").read_text(encoding="utf-8"))
    assert content["seed"] == 1
    code, text, _ = standoff("infer", small, *QUICK, "--no-pieces", "--out", out, "--json")
    assert code == 0
    again = json.loads(text)
    assert again["numbers"] == content["numbers"]
    assert again["minds"] == content["minds"]
    assert again["pieces"] is None
    monkeypatch.setattr("standoff.infer.diagnose.LEAST_EFFECTIVE", 1e6)
    code, text, err = standoff("infer", small, *QUICK, "--no-pieces", "--out", out)
    assert code == 1
    assert "NOT TO BE TRUSTED. Failed:" in text
    assert "fewer than 1000000" in err


@pytest.mark.slow
def test_forecasts_from_the_command_line(standoff, small, tmp_path):
    out = tmp_path / "answer"
    options = ("--draws", 64, "--tellings", 4, "--workers", 1, "--quiet", "--out", out)
    code, text, err = standoff("forecast", small, "--every", "round", "--horizon", 2, *options)
    assert code == 1, err  # 4 crises a draw are too few, and it says so
    assert "rest on too few draws or crises" in err
    assert text.index("Generic priors") < text.index("The case’s numbers")
    found = xr.open_dataset(out / "forecast.zarr", engine="zarr", consolidated=False).load()
    total = found["chance"].isel(by=-1).sum("ending")
    assert total.values == pytest.approx(1.0, abs=1e-9)
    days = [day for day in found["as_of"].values if day < found["by"].values[-1]]  # on the last one all is over
    assert len(days) > 1
    for day in days:  # nothing ends before the day of the forecast
        before = found["chance"].sel(as_of=day).isel(by=[k for k, by in enumerate(found["by"].values) if by <= day])
        assert not before.values.any()
    assert "How was it going to end" in (out / "forecast.html").read_text(encoding="utf-8")
    code, text, _ = standoff("forecast", small, "--every", "round", "--horizon", 2, *options, "--json")
    assert code == 1
    rows = json.loads(text)["forecasts"]
    assert rows == json.loads((out / "forecast.json").read_text(encoding="utf-8"))["forecasts"]
    assert rows[0]["priors"] == "generic"
