"""Screening and indices: functions with known answers, which numbers are varied, and a small case."""

import numpy as np
import pytest
from tests.test_whatif import small as small  # the case of its slow tests

from standoff.case.load import load_case
from standoff.case.new import TEMPLATE
from standoff.errors import UserError
from standoff.show import ask
from standoff.simulate.results import ENDINGS
from standoff.simulate.sensitivity import Factor, cost, factors, indices, ranked, screen, sensitivity


def ishigami(u):
    """Ishigami & Homma 1990 with a = 7, b = 0.1, on uniform quantiles."""
    x = np.pi * (2 * u - 1)
    return (np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0]))[:, None]


def test_indices_of_a_known_function():
    found = indices(ishigami, 3, 2048, 1)
    first, total = found["S1"][:, 0], found["ST"][:, 0]
    assert first == pytest.approx([0.3139, 0.4424, 0.0], abs=0.05)  # Saltelli et al. 2008, p. 196
    assert total == pytest.approx([0.5576, 0.4424, 0.2437], abs=0.05)
    assert np.all(found["ST_conf"] > 0)


def test_screening_of_a_plane_is_exact():
    plane = np.array([[1.0, 0.0], [-2.0, 0.0], [0.0, 3.0]])
    found = screen(lambda u: u @ plane, 3, 4, 1)
    assert found["mu"] == pytest.approx(0.9 * plane, abs=1e-9)  # quantiles from 0.05 to 0.95
    assert found["mu_star"] == pytest.approx(0.9 * abs(plane), abs=1e-9)
    assert found["sigma"] == pytest.approx(0.0, abs=1e-9)


def test_what_does_not_vary_has_no_index_and_no_effect():
    flat = indices(lambda u: np.zeros((len(u), 2)), 2, 4, 1)
    assert np.isnan(flat["S1"]).all()
    assert np.isnan(flat["ST"]).all()
    still = screen(lambda u: np.ones((len(u), 2)), 2, 2, 1)
    assert not still["mu_star"].any()


def test_points_stay_within_the_cube():
    seen = []
    screen(lambda u: seen.append(u) or u[:, :1], 2, 3, 1)
    indices(lambda u: seen.append(u) or u[:, :1], 2, 8, 1)
    assert seen[0].shape == (3 * 3, 2)
    assert seen[1].shape == (8 * 4, 2)
    assert all(((u > 0) & (u < 1)).all() for u in seen)


def test_every_uncertain_number_and_no_other():
    case = load_case(TEMPLATE).case
    found = {f.path: f.where for f in factors(case)}
    assert found["parameters.force.success"] == "base"
    assert found["views.corvania.he-will-fold.parameters.prior.target"] == "corvania"
    assert "parameters.silence_weight" not in found  # held fixed
    assert "views.lume.she-dare-not.parameters.coercer.force_cost.determined" not in found  # a plain factor of 2
    said = cost(case, 4, 64, 8, 2)
    assert (said.screening, said.indices) == (4 * (len(found) + 1), 640)
    assert "uncertain numbers" in str(said)


def screened(effects):
    return {name: np.array(effects) for name in ("mu", "mu_star", "mu_star_conf", "sigma")}


def test_ranks_by_one_ending_or_all():
    values = np.zeros((3, len(ENDINGS)))
    values[0, 0], values[1, 3], values[2, 3], values[2, 0] = 0.5, 0.3, 0.2, 0.4
    every = [Factor(n, "base") for n in "abc"]
    assert list(ranked(screened(values), every, None)[0]["factor"].values) == ["c", "a", "b"]
    found, rank = ranked(screened(values), every, "force")
    assert list(found["factor"].values) == ["b", "c", "a"]
    assert list(rank) == [1, 2, 0]


def test_lines_json_and_page(tmp_path):
    values = np.zeros((3, len(ENDINGS)))
    values[:, 3] = 0.1, 0.3, 0.2
    every = [Factor("a.b", "base"), Factor("views.v.d.a.b", "v"), Factor("c.d", "base")]
    found, _ = ranked(screened(values), every, None)
    for name in ("S1", "S1_conf", "ST", "ST_conf"):
        whole = np.full(values.shape, np.nan)
        whole[:2] = 0.25
        found[name] = (("factor", "ending"), whole)
    found = found.assign_attrs(
        title="A crisis", case="c", digest="d", version="0", seed=1, replications=9, trajectories=2, samples=4,
        matter=2, outcome="", points=20, status="All settled.", schema="s",
    )  # fmt: skip
    lines = ask.sensitivity_lines(found, "force")
    row = next(k for k, line in enumerate(lines) if "first" in line and "total" in line)
    assert lines[row + 1].split()[-1] == "views.v.d.a.b"
    assert "0.25 ±0.25" in lines[row + 1]
    assert "±" not in lines[row + 3]
    content = ask.sensitivity_dict(found)
    assert content["numbers"][2]["endings"]["force"]["S1"] is None
    page = ask.write_page(tmp_path, "sensitivity", lines, content, ask.sensitivity_drawing(found, "force"))
    assert "<svg" in page.read_text()
    assert (tmp_path / "sensitivity.csv").exists()


def test_mistakes():
    loaded = load_case(TEMPLATE)
    with pytest.raises(UserError, match="power of two"):
        sensitivity(loaded, samples=6)
    with pytest.raises(UserError, match="endings are"):
        sensitivity(loaded, outcome="war")


@pytest.mark.slow
def test_a_small_case_repeats_on_any_workers_and_resumes(small, tmp_path):
    sizes = {"trajectories": 2, "samples": 2, "matter": 2, "replications": 40}
    kept = sensitivity(small, **sizes, workers=2, keep=tmp_path)
    files = sorted(tmp_path.iterdir())
    assert len(files) >= 2
    assert all(file.suffix == ".npy" for file in files)
    stamps = [file.stat().st_mtime_ns for file in files]
    files[0].unlink()  # as if stopped before this batch
    again = sensitivity(small, **sizes, workers=1, keep=tmp_path)
    assert [file.stat().st_mtime_ns for file in files[1:]] == stamps[1:]
    plain = sensitivity(small, **sizes)
    for found in (again, plain):
        for name in kept.data_vars:
            assert np.array_equal(kept[name], found[name], equal_nan=True), name
    assert float(kept["mu_star"].max()) > 0
    assert not (kept["mu_star"].sel(factor="parameters.force.killed") > 0).any()
