"""The contract of every world module: one shape, the same numbers however it is called, draws that are alone.

A module is a file of `standoff.world` with `step`, `advance` and `draw_noise`. `MODULES` holds a small factory for
each; a new file without one fails `test_every_module_is_registered`.
"""

import dataclasses
import functools
import importlib
import pathlib
import pkgutil
import re
import subprocess
import sys

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import standoff.world
from standoff.world import analogy, cascade, coalition, domestic, economy, exits, force, patrons, perception, succession

DRAWS = 5
ORDER = np.array([3, 0, 4, 2, 1])
KEY = jax.random.key(11)


def by_draw(struct, key, *fixed):
    """The same struct with other numbers in every draw: each a share of the given one; `fixed` fields as given.

    Draws stand last. Fields are named with their dots left out: `do.exports.on` is in `do`.
    """

    def spread(path, value):
        array = jnp.asarray(value)
        index = sum(ord(letter) for letter in jax.tree_util.keystr(path))
        share = jax.random.uniform(jax.random.fold_in(key, index), (DRAWS,), minval=0.8, maxval=1.0)
        if path[0].name in fixed or not jnp.issubdtype(array.dtype, jnp.floating):
            share = jnp.ones(DRAWS, dtype=array.dtype)
        return array[..., None] * share.reshape((1,) * array.ndim + (DRAWS,))

    return jax.tree_util.tree_map_with_path(spread, struct)


def rows(values, low):
    """Values with a last axis for draws, from `low` times them in the first draw to themselves in the last."""
    return jnp.asarray(np.multiply.outer(values, np.linspace(low, 1.0, DRAWS)))


@dataclasses.dataclass(frozen=True)
class Case:
    """One module with a norm state, typical inputs and default parameters."""

    module: object
    build: object  # () -> state, inputs, parameters
    shape: object  # state -> shape of the draws
    chances: tuple[str, ...] = ()  # fields of the info that hold chances, with dots
    noise: object = None  # key, shape -> noise, where `draw_noise` wants more
    stem: str = ""  # of the class names, if not the module's name
    no_gradient: str = ""  # why there is none

    @property
    def name(self):
        return self.module.__name__.rsplit(".", 1)[-1]

    def draw(self, key, state):
        return (self.noise or self.module.draw_noise)(key, self.shape(state))


def build_economy():
    par = economy.EconomyParameters(
        output_norm=1100.0,
        home_use=200.0,
        stock_norm=20.0,
        stock_capacity=60.0,
        discount_norm=20.0,
        discount_risk=4.0,
        price_norm=64.0,
        other_income=0.03,
        usable_reserves=1.2,
        gap_norm=0.4,
    )
    par = by_draw(par, KEY)
    return economy.norm_state(par), by_draw(economy.EconomyInput(0.8, 150.0, 63.0, 0.01, 0.1), KEY), par


def build_coalition():
    par = coalition.CoalitionParameters(
        weight=jnp.array([0.6, 0.4]),
        loyalty=jnp.array([0.4, 0.3]),
        outside=jnp.array([0.5, 0.6]),
        patronage_weight=jnp.array([0.4, 0.5]),
        punishment=jnp.array([0.7, 0.8]),
    )
    par = by_draw(par, KEY, "weight")
    inputs = coalition.CoalitionInput(0.7, 1.0, 1.0, jnp.array([0.1, 0.2]), jnp.array([0.3, 0.1]), 0.2)
    return coalition.norm_state(par), by_draw(inputs, KEY), par


def build_analogy():
    share, counts = rows([0.5, 0.3, 0.2], 1.0), rows([4.0, 1.0, 9.0], 0.8)
    state = analogy.norm_state(share, counts, 2.0 * counts)
    return state, by_draw(analogy.AnalogyInput(1.0, 3.0), KEY), by_draw(analogy.AnalogyParameters(), KEY)


def build_perception():
    confusion = jnp.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 1.0, 0.0]])
    par = by_draw(perception.PerceptionParameters(confusion=confusion), KEY, "confusion", "layers")
    log_odds = rows([[0.3], [-0.4]], 0.5)
    state = perception.norm_state(par, log_odds, jnp.zeros((2, DRAWS)), 2, 1)
    quiet = perception.quiet_input(state, 3)
    inputs = dataclasses.replace(
        quiet,
        move=jnp.array([0, 1, 2, 1, 0], dtype=jnp.int32),
        told=rows([1.0, 0.0], 1.0),
        bad=rows([1.0, 0.0], 1.0),
        llr=rows(np.full(quiet.llr.shape[:-1], 0.7), 0.5),
        evidence=rows([[0.2, -0.4], [0.0, 0.1]], 1.0),
        shown=jnp.ones_like(quiet.shown),
        if_true=0.8 * quiet.if_true,
        if_false=0.3 * quiet.if_false,
        clarity=jnp.linspace(0.1, 0.3, DRAWS),
        contempt=jnp.linspace(0.0, 1.0, DRAWS),
    )
    return state, inputs, par


def build_force():
    par = by_draw(force.of_kind("raid"), KEY, "class_weight")
    state = force.ForceState(jnp.linspace(0.2, 0.8, DRAWS), jnp.array([0.0, 1.0, 0.0, 1.0, 0.0]))
    return state, by_draw(force.ForceInput(2.0, 3.0, guards=0.5, ground=0.5, deadlines=1.0, strike=1.0), KEY), par


def build_exits():
    par = exits.ExitsParameters(ease=0.004, punished=-0.3, assets=0.1, penalty=0.2, precision=4.0, price_person=0.002)
    par = by_draw(par, KEY)
    inputs = exits.ExitsInput(jnp.array([0.2, 0.9]), jnp.array([1.0, 0.5]), 0.6, 0.9, circle=60.0, played=1.0)
    return exits.first_state((DRAWS,)), by_draw(inputs, KEY), par


def build_succession():
    contender = jnp.array([0.6, 0.3, 0.1])
    inputs = succession.SuccessionInput(
        mode=jnp.array([0.0, 0.5, 0.0, 0.0, 0.0, 0.0, 0.5]),
        force=contender,
        legal=contender[::-1],
        backing=jnp.array([0.1, 0.2, 0.3]),
        purse=contender,
        insider=jnp.array([1.0, 1.0, 0.0]),
        military=jnp.array([1.0, 0.0, 0.0]),
        present=jnp.ones(3),
        rival_backing=jnp.array([0.1, 0.0, 0.0]),
        exposure=jnp.array([0.5, 0.2, 0.0]),
        leverage=0.4,
    )
    whole = ("mode", "insider", "military", "present")
    state = succession.SuccessionState(
        mode=jnp.zeros((7, DRAWS)).at[jnp.array([1, 6, 6, 1, 6]), jnp.arange(DRAWS)].set(1.0),
        order=jnp.array([0, 0, 1, 2, 0]),
        leader=jnp.array([0, 1, 1, 2, 0]),
        days=jnp.linspace(0.0, 40.0, DRAWS),
        week=jnp.linspace(0.0, 40.0, DRAWS) / 7.0,
        patience=jnp.array([1e-3, 1.0, 1e-3, 0.5, 1e-3]),
        luck=rows([0.3, -0.5, 0.8], 0.5),
    )
    return state, by_draw(inputs, KEY, *whole), by_draw(succession.SuccessionParameters(), KEY, "rates")


def build_cascade():
    par = cascade.CascadeParameters(
        host_stock=jnp.array([3e6, 1e6]),
        outflow_norm=1e4,
        exports_norm=900.0,
        oil_share=0.85,
        ally_own=40.0,
        ally_imports=45.0,
        ally_supplied=27.0,
        ally_stock=0.3,
    )
    par = by_draw(par, KEY)
    inputs = cascade.CascadeInput(0.4, 1.0, 500.0, border=0.3, ally_kept=0.5, imposed=1.0)
    return cascade.norm_state(par), by_draw(inputs, KEY), par


def build_domestic():
    par = domestic.DomesticParameters(
        support_norm=0.3, approval_norm=42.0, vote_norm=-2.0, vote_support=-1.0, vote_force=3.0, vote_noise=2.0
    )
    par = by_draw(par, KEY)
    inputs = domestic.DomesticInput(0.5, 1.0, 1.0, 1.0, 1.0, 3.0, 0.0, 0.5, 0.5, 1.0)
    return domestic.norm_state(par), by_draw(inputs, KEY), par


def build_patrons():
    par = by_draw(patrons.PatronParameters(), KEY, "base")
    two = jnp.array([0.5, 0.2])
    inputs = patrons.PatronInput(1.0, jnp.array([2.0, 1.0]), two, two, two[::-1], 0.01, 1.0)
    return patrons.norm_state(2, (DRAWS,)), by_draw(inputs, KEY, "jump"), par


def perception_noise(key, shape):
    return perception.draw_noise(key, shape, news=2)


MODULES = [
    Case(economy, build_economy, lambda state: state.output.shape),
    Case(coalition, build_coalition, lambda state: state.legitimacy.shape, ("removal", "attempt", "success")),
    Case(
        perception,
        build_perception,
        lambda state: state.held.shape,
        ("read_chance", "arrival_chance", "flip_chance"),
        perception_noise,
    ),
    Case(
        analogy,
        build_analogy,
        lambda state: state.weight.shape[1:],
        ("mean", "drawn", "seen_chance"),
        no_gradient="JAX has no derivative of the incomplete beta function by its counts",
    ),
    Case(
        force,
        build_force,
        lambda state: state.surprise.shape,
        ("lottery.success", "lottery.captured", "lottery.survived", "lottery.quagmire", "quagmire_end"),
    ),
    Case(
        exits,
        build_exits,
        lambda state: state.place.shape,
        ("worth.choice", "worth.block", "transit", "host_loss"),
    ),
    Case(
        patrons,
        build_patrons,
        lambda state: state.arrived.shape,
        ("reply_chance", "kept_chance", "reversal", "reversal_chance"),
        stem="Patron",
    ),
    Case(succession, build_succession, lambda state: state.days.shape, ("fall", "coup_share", "end_share")),
    Case(cascade, build_cascade, lambda state: state.violence.shape, ("breakdown", "conflict_chance", "shortfall")),
    Case(domestic, build_domestic, lambda state: state.dead.shape, ("support", "pass_chance")),
]
EVERY = pytest.mark.parametrize("case", MODULES, ids=lambda case: case.name)
FUNCTIONS = ("step", "advance", "draw_noise")


@functools.cache
def built(case):
    """State, inputs, parameters, noise, and what follows from them, computed once."""
    state, inputs, par = case.build()
    noise = case.draw(jax.random.key(3), state)
    return state, inputs, par, noise, compiled(case)(noise, state, inputs, par)


@functools.cache
def compiled(case):
    return eqx.filter_jit(case.module.advance)


def same(one, other, rtol=0.0):
    def check(path, a, b):
        message = jax.tree_util.keystr(path)
        if jnp.issubdtype(a.dtype, jnp.floating) and rtol > 0.0:
            np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol, err_msg=message)
        else:
            np.testing.assert_array_equal(a, b, err_msg=message)

    jax.tree_util.tree_map_with_path(check, one, other)


def shuffled(struct):
    """Draws in another order."""
    return jax.tree.map(lambda x: jnp.take(x, ORDER, axis=-1) if x.ndim else x, struct)


def names_of_modules():
    found = []
    for info in pkgutil.iter_modules(standoff.world.__path__):
        text = (pathlib.Path(standoff.world.__path__[0]) / f"{info.name}.py").read_text()
        if all(f"\ndef {name}(" in text for name in FUNCTIONS):
            found.append(info.name)
    return found


def test_every_module_is_registered():
    assert sorted(case.name for case in MODULES) == sorted(names_of_modules())


@EVERY
def test_names_of_the_contract(case):
    stem = case.stem or case.name.capitalize()
    for part in ("Parameters", "State", "Input", "Noise", "Info"):
        assert issubclass(getattr(case.module, stem + part), eqx.Module)
    names = case.module.NOISES
    assert len(set(names)) == len(names)
    fields = [field.name for field in dataclasses.fields(getattr(case.module, f"{stem}Noise"))]
    assert tuple(fields) == names


@EVERY
def test_same_key_same_result(case):
    state, inputs, par, noise, after = built(case)
    same(case.draw(jax.random.key(3), state), noise)
    same(compiled(case)(noise, state, inputs, par), after)
    other = jax.tree.leaves(case.draw(jax.random.key(4), state))
    assert all(np.any(a != b) for a, b in zip(jax.tree.leaves(noise), other, strict=True))


@EVERY
def test_step_is_advance_on_the_noises_of_the_key(case):
    state, inputs, par, _, after = built(case)
    step = eqx.filter_jit(case.module.step)(jax.random.key(3), state, inputs, par)
    same(step, after, rtol=1e-12)  # compiled with the drawing, so a sum may be in another order


@pytest.mark.slow
@EVERY
def test_compiled_agrees_with_eager(case):
    """Not compiled, step and advance run the same operations: the same bits."""
    state, inputs, par, noise, after = built(case)
    eager = case.module.advance(noise, state, inputs, par)
    same(case.module.step(jax.random.key(3), state, inputs, par), eager)
    same(eager, after, rtol=1e-11)


@EVERY
def test_draws_are_alone(case):
    state, inputs, par, noise, after = built(case)
    other = compiled(case)(*(shuffled(part) for part in (noise, state, inputs, par)))
    same(shuffled(after), other, rtol=1e-13)  # exact but for vector units, whose last bit depends on the lane


@EVERY
def test_mapped_over_draws_agrees(case):
    state, inputs, par, noise, after = built(case)
    mapped = eqx.filter_jit(eqx.filter_vmap(case.module.advance, in_axes=-1, out_axes=-1))
    same(mapped(noise, state, inputs, par), after, rtol=1e-11)


@pytest.mark.slow
@EVERY
def test_gradient_is_finite(case):
    state, inputs, par, noise, after = built(case)
    if case.no_gradient:
        pytest.skip(case.no_gradient)
    known = jax.tree.map(lambda x: jnp.isfinite(x) if jnp.issubdtype(x.dtype, jnp.floating) else None, after)

    def total(floats, rest):
        given, told = eqx.combine(floats, rest)
        found = case.module.advance(noise, state, given, told)
        parts = jax.tree.map(
            lambda x, ok: None if ok is None else jnp.sum(jnp.where(ok, x, 0.0)),
            found,
            known,
            is_leaf=lambda x: x is None,
        )
        return sum(jax.tree.leaves(parts))

    floats, rest = eqx.partition((inputs, par), eqx.is_inexact_array)
    slopes = eqx.filter_jit(jax.grad(total))(floats, rest)
    bad = [
        jax.tree_util.keystr(path)
        for path, slope in jax.tree_util.tree_leaves_with_path(slopes)
        if not bool(jnp.all(jnp.isfinite(slope)))
    ]
    assert bad == []
    assert any(bool(jnp.any(slope != 0.0)) for slope in jax.tree.leaves(slopes))


@EVERY
def test_chances_are_chances(case):
    info = built(case)[4][1]
    for name in case.chances:
        found = np.asarray(functools.reduce(getattr, name.split("."), info))
        assert np.all((found >= 0.0) & (found <= 1.0)), name


@EVERY
def test_state_keeps_its_form(case):
    """A state goes into the next step as it came out of the last: same shapes, same types."""
    state, _, _, _, (after, _) = built(case)
    forms = (jax.tree.map(lambda x: (x.shape, str(x.dtype)), part) for part in (state, after))
    assert eqx.tree_equal(*forms)


def test_importing_allocates_no_array_and_changes_no_setting():
    modules = [info.name for info in pkgutil.iter_modules(standoff.world.__path__)]
    code = (
        "import importlib, jax\n"
        "before = dict(jax.config.values)\n"
        f"for name in {modules!r}: importlib.import_module('standoff.world.' + name)\n"
        "assert dict(jax.config.values) == before\n"
        "from jax._src import xla_bridge\n"
        "assert not xla_bridge._backends, 'a device was asked for'\n"
        "assert jax.live_arrays() == []\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_modules_are_imported_by_their_name():
    for name in names_of_modules():
        module = importlib.import_module(f"standoff.world.{name}")
        assert module.__doc__
        assert "Reference" in module.__doc__


def test_switches_of_the_page_are_in_the_code():
    page = pathlib.Path(__file__).resolve().parents[1] / "docs" / "world.md"
    lines = [line for line in page.read_text().splitlines() if line.startswith("| M")]
    assert [line.split("|")[1].strip() for line in lines] == [f"M{number}" for number in range(1, 23)]
    for line in lines:
        named = re.findall(r"`(\w+)\.(\w+) = (0|1|1/n|inf)`", line)
        assert named, line
        for name, field, _ in named:
            module = importlib.import_module(f"standoff.world.{name}")
            classes = [one for one in vars(module).values() if isinstance(one, type) and dataclasses.is_dataclass(one)]
            own = [one for one in classes if one.__module__ == module.__name__]
            assert any(field in {f.name for f in dataclasses.fields(one)} for one in own), f"{name}.{field}"
