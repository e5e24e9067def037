"""Draws: stratified, tied to path and seed alone, cut to their bounds; views and their corrections."""

import numpy as np
import pytest
from scipy import stats

from standoff.case.crisis import Difference, View
from standoff.case.load import load_case
from standoff.case.new import TEMPLATE
from standoff.case.number import Number
from standoff.simulate import draws
from standoff.simulate.payoffs import joint_prior
from standoff.simulate.setup import stratified_types

LAWS = {
    "normal": ({"normal": [1.0, 2.0]}, stats.norm(1.0, 2.0)),
    "lognormal": ({"lognormal": [3.0, 0.5]}, stats.lognorm(0.5, scale=3.0)),
    "beta": ({"beta": [2.0, 5.0]}, stats.beta(2.0, 5.0)),
    "uniform": ({"uniform": [-1.0, 4.0]}, stats.uniform(-1.0, 5.0)),
    "range": ({"range": [0.0, 1.0, 5.0]}, stats.triang(0.2, scale=5.0)),
}


@pytest.fixture(scope="module")
def case():
    return load_case(TEMPLATE).case


@pytest.mark.parametrize("law", LAWS)
def test_one_draw_in_every_slice_of_probability(law):
    written, known = LAWS[law]
    found = draws.draw(Number.model_validate(written), "a.path", seed=4, count=50)
    assert sorted((known.cdf(found) * 50).astype(int)) == list(range(50))
    assert (np.diff(found) < 0).any()  # in random order


def test_a_known_number_does_not_vary():
    assert (draws.draw(Number(value=0.3), "a.path", seed=1, count=5) == 0.3).all()


def test_path_and_seed_decide():
    number = Number(beta=(2.0, 2.0))
    first = draws.draw(number, "a.path", seed=1, count=20)
    assert (first == draws.draw(number, "a.path", seed=1, count=20)).all()
    assert (first != draws.draw(number, "another.path", seed=1, count=20)).all()
    assert (first != draws.draw(number, "a.path", seed=2, count=20)).all()


def test_numbers_do_not_depend_on_one_another(case):
    """A case with a rung more draws every number that both have alike."""
    less = case.model_copy(update={"ladder": case.ladder[1:], "packages": case.packages[1:]})
    every, some = (draws.base(c, seed=3, count=8) for c in (case, less))
    assert set(some) < set(every)
    for path, values in some.items():
        assert (values == every[path]).all(), path


def test_paths_of_different_numbers_are_unrelated(case):
    every = draws.base(case, seed=3, count=400)
    free = [values for values in every.values() if np.ptp(values) > 0]
    assert len(free) > 10
    size = np.abs(np.corrcoef(free))[np.triu_indices(len(free), 1)]
    # Chance of a false alarm 1e-4 over all pairs, by the normal law of a correlation.
    assert size.max() < stats.norm.isf(0.5e-4 / len(size)) / np.sqrt(400)


def test_the_centre(case):
    found = draws.base(case, seed=9, count=0)
    for path in draws.numbers(case):
        assert found[path].shape == (1,)
    assert found["parameters.prior.target"][0] == pytest.approx(number_at(case, "parameters.prior.target").centre)
    assert (draws.base(case, seed=1, count=0)["parameters.discount"] == found["parameters.discount"]).all()


def number_at(case, path):
    return draws.numbers(case)[path]


def test_draws_keep_to_their_bounds(case):
    wild = Number(normal=(0.9, 2.0))
    parameters = case.parameters.model_copy(update={"discount": wild})
    found = draws.base(case.model_copy(update={"parameters": parameters}), seed=1, count=100)
    assert found["parameters.discount"].min() == 0
    assert found["parameters.discount"].max() == 1


def view(**shifts):
    made = [
        Difference(id=name, title=name, set={path: shift}, judgement=True) for name, (path, shift) in shifts.items()
    ]
    return View(id="a-view", title="A view", holder="coercer", differences=made)


def seen(case, held, without=(), count=6, seed=2):
    base = draws.base(case, seed=seed, count=count)
    return base, draws.apply(case, held, base, seed=seed, count=count, without=without)


def test_times_plus_and_to(case):
    held = view(
        a=("parameters.force.success", {"times": 1.1}),
        b=("parameters.coercer.captured", {"plus": -0.25}),
        c=("parameters.prior.target", 0.25),
    )
    base, found = seen(case, held)
    assert found["parameters.force.success"] == pytest.approx(np.minimum(1.1 * base["parameters.force.success"], 1))
    assert found["parameters.coercer.captured"] == pytest.approx(base["parameters.coercer.captured"] - 0.25)
    assert found["parameters.prior.target"].tolist() == [0.25] * 6
    changed = {path for path in base if (base[path] != found[path]).any()}
    assert changed == {"parameters.force.success", "parameters.coercer.captured", "parameters.prior.target"}


def test_differences_apply_in_order_and_are_corrected_one_by_one(case):
    path = "parameters.coercer.captured"
    held = view(a=(path, {"times": 2}), b=(path, {"plus": 0.5}))
    base, found = seen(case, held)
    assert found[path] == pytest.approx(2 * base[path] + 0.5)
    assert seen(case, held, ("a",))[1][path] == pytest.approx(base[path] + 0.5)
    assert seen(case, held, ("b",))[1][path] == pytest.approx(2 * base[path])
    restored = seen(case, held, ("a", "b"))[1]
    assert all((restored[path] == base[path]).all() for path in base)


def test_correcting_one_leaves_the_draws_of_the_others(case):
    held = view(
        a=("parameters.force.success", {"to": {"beta": [2, 2]}}), b=("parameters.prior.target", {"beta": [2, 5]})
    )
    _, both = seen(case, held)
    _, one = seen(case, held, ("a",))
    assert (both["parameters.prior.target"] == one["parameters.prior.target"]).all()
    assert (both["parameters.force.success"] != one["parameters.force.success"]).all()


def test_a_drawn_difference_is_the_same_when_fewer_draws_are_kept(case):
    held = view(a=("parameters.prior.target", {"beta": [2, 5]}))
    base = draws.base(case, seed=2, count=6)
    cut = {path: values[:2] for path, values in base.items()}
    every = draws.apply(case, held, base, seed=2, count=6)
    few = draws.apply(case, held, cut, seed=2, count=6)
    assert (few["parameters.prior.target"] == every["parameters.prior.target"][:2]).all()


def test_views_keep_to_the_bounds(case):
    _, found = seen(case, view(a=("parameters.force.success", {"times": 50})))
    assert (found["parameters.force.success"] == 1).all()


@pytest.mark.parametrize("ratio", [0.05, 0.5, 1.0, 3.0, 80.0])
@pytest.mark.parametrize(("p", "q"), [(0.5, 0.5), (0.2, 0.9), (0.01, 0.3)])
def test_joint_prior_keeps_marginals_and_odds_ratio(p, q, ratio):
    joint = joint_prior(p, q, ratio)
    assert joint.sum() == pytest.approx(1)
    assert joint[1].sum() == pytest.approx(p)
    assert joint[:, 1].sum() == pytest.approx(q)
    assert (joint >= 0).all()
    assert joint[0, 0] * joint[1, 1] / (joint[0, 1] * joint[1, 0]) == pytest.approx(ratio)


def test_types_come_in_their_proportions():
    values = {"parameters.prior.odds_ratio": np.array([3.0])}
    prior, count = np.array([0.3, 0.6]), 1000
    types = stratified_types(np.random.default_rng(1), prior, values, 0, count)
    joint = joint_prior(*prior, 3.0)
    for c in range(2):
        for t in range(2):
            found = ((types[0] == c) & (types[1] == t)).sum()
            assert abs(found - count * joint[c, t]) <= 2  # one at each end of its stretch
    assert np.abs(np.diff(types[0])).sum() > 100  # in random order
