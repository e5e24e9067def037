"""Chances of endings and the whole game continued in precision: against the exact tree, against played paths, laws."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.known.gambit import game

from standoff.errors import UserError
from standoff.game.form import OUTCOMES
from standoff.game.outcomes import at_beliefs, chances, joint
from standoff.game.play import Mind, Paths, plain_reading, play
from standoff.game.sweep import default_shares, solve
from standoff.game.tree.branch import solve as solve_tree
from standoff.game.tree.known import ladder

NODES = 17  # in every test, so that little is compiled
WORD = {"backdown": "back-down", "concede": "concession", "strike": "force"}


def exact(variant, periods, precision):
    """Chance of every ending by pair of types, joint with the prior, from the tree."""
    tree = ladder(variant, periods)
    point = solve_tree(tree, [precision]).points[0]
    plan = tree.layout
    chance = np.exp(plan.chance + np.append(point.log_strategy, 0.0)[plan.path].sum(1))
    found = np.zeros((4, len(OUTCOMES)))
    kinds = [f"{c}/{t}" for c in ("weak", "resolute") for t in ("soft", "stubborn")]
    for end, weight in zip(plan.ends, chance, strict=True):
        words = tree.outcomes[tree.nodes[end].outcome].label.split()
        found[kinds.index(words[-1]), OUTCOMES.index(WORD[words[0]])] += weight
    return found


def on_grid(variant, periods, precision, nodes, shares=None):
    payoffs = game.payoffs(variant, periods, precision)
    form = game.form(periods)
    shares = default_shares(payoffs) if shares is None else shares
    solution = solve(form, payoffs, rounds=periods + 1, nodes=nodes, shares=shares)
    table = chances(solution, payoffs)
    p, q = game.firm(variant)
    first = form.stages[0].states.index((0, 0, 0))
    return solution, joint(p, q, payoffs.tilt)[:, None] * np.asarray(at_beliefs(table, first, p, q))


def test_the_joint_prior_is_that_of_the_game():
    payoffs = game.payoffs("prior_like_meets_like", 1, 1.0)
    found = joint(*game.firm("prior_like_meets_like"), payoffs.tilt)
    assert found.reshape(2, 2) == pytest.approx(game.prior("prior_like_meets_like"), abs=1e-12)


@pytest.mark.parametrize("variant", ["base", "prior_like_meets_like"])
@pytest.mark.parametrize(("precision", "bound"), [(2.0, 2e-4), (10.0, 1e-3)])
def test_endings_of_two_periods_against_the_tree(variant, precision, bound):
    """The bound is on every ending with every pair of types, joint with the prior, at `NODES`."""
    solution, found = on_grid(variant, 2, precision, NODES)
    assert solution.ok
    assert found == pytest.approx(exact(variant, 2, precision), abs=bound)


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["base", "war_costly", "prior_like_meets_like"])
def test_error_falls_as_the_grid_is_refined(variant):
    wanted = exact(variant, 4, 20.0)
    errors = [np.abs(on_grid(variant, 4, 20.0, nodes)[1] - wanted).max() for nodes in (9, 17, 33)]
    assert errors[2] < errors[0] / 4
    assert errors[2] < 2e-4


def test_endings_against_played_paths():
    """20,000 paths: no ending further than four standard errors (chance of a false alarm below 1 in 2,000)."""
    payoffs, form, count = game.payoffs("base", 2, 3.0), game.form(2), 20_000
    solution, wanted = on_grid("base", 2, 3.0, NODES)
    mind = Mind(solution.log_pi, tuple(jnp.asarray(table) for table in plain_reading(form)))
    p, q = game.firm("base")
    pair = np.random.default_rng(7).choice(4, size=count, p=joint(p, q, payoffs.tilt))
    belief = jnp.broadcast_to(jnp.array([p, q])[None, :, None], (2, 2, count))
    first = jnp.full(count, form.stages[0].states.index((0, 0, 0)), jnp.int32)
    types = jnp.asarray(np.stack([pair // 2, pair % 2]).astype(np.int32))
    paths = Paths(jnp.zeros(count, jnp.int32), first, types, belief)
    done = play(jax.random.key(3), form, (mind, mind), payoffs, paths, rounds=3)
    share = np.bincount(np.asarray(done.outcome), minlength=len(OUTCOMES)) / count
    chance = wanted.sum(0)
    assert (np.abs(share - chance) <= 4 * np.sqrt(chance * (1 - chance) / count) + 1e-9).all()


def test_one_share_and_many_meet_where_nothing_folds():
    one = on_grid("base", 2, 3.0, NODES, shares=(1.0,))[1]
    many = on_grid("base", 2, 3.0, NODES, shares=(0.25, 0.5, 0.75, 1.0))[1]
    assert many == pytest.approx(one, abs=1e-7)  # strategies are kept in single precision


def test_shares_must_rise_to_one():
    with pytest.raises(UserError, match="rise to 1"):
        on_grid("base", 1, 1.0, 5, shares=(0.5, 0.4, 1.0))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"nodes": 2}, "3 nodes"),
        ({"rounds": 0}, "1 round"),
        ({"horizon": np.nan}, "finite"),
        ({"tilt": -np.inf}, "tilt"),
    ],
    ids=lambda value: value if isinstance(value, str) else next(iter(value)),
)
def test_what_cannot_be_solved_is_refused(change, words):
    payoffs = game.payoffs("base", 1, 1.0)
    for name in change.keys() & {"horizon", "tilt"}:
        table = getattr(payoffs, name)
        payoffs = eqx.tree_at(lambda p, n=name: getattr(p, n), payoffs, table.at[(0,) * table.ndim].set(change[name]))
    with pytest.raises(UserError, match=words):
        solve(game.form(1), payoffs, rounds=change.get("rounds", 2), nodes=change.get("nodes", 5))


def test_chance_of_coming_to_a_marked_point():
    """Marked: all answers of the target, so that play stops unless the coercer backs down at once; then nothing."""
    payoffs, form = game.payoffs("base", 2, 3.0), game.form(2)
    solution = solve(form, payoffs, rounds=3, nodes=NODES)
    p, q = game.firm("base")
    first = form.stages[0].states.index((0, 0, 0))
    free = np.asarray(at_beliefs(chances(solution, payoffs), first, p, q))
    none = tuple(jnp.zeros_like(rows) for rows in solution.flagged)
    found = np.asarray(at_beliefs(chances(solution, payoffs, stop=none), first, p, q))
    assert found[:, -1] == pytest.approx(np.zeros(4), abs=1e-12)
    assert found[:, :-1] == pytest.approx(free, abs=1e-12)
    marked = (none[0], jnp.ones_like(none[1]))
    found = np.asarray(at_beliefs(chances(solution, payoffs, stop=marked), first, p, q))
    at_once = np.exp(np.asarray(solution.log_pi[0][0, first], float))[..., 0]  # p, q, type
    back = np.array([float(at_beliefs(jnp.asarray(at_once[None, :, :, kind]), 0, p, q)) for kind in (0, 0, 1, 1)])
    assert found[:, -1] == pytest.approx(1 - back, abs=1e-4)


def test_flags_stay_once_set():
    """A point that is flagged at half the precision is flagged when the whole game is continued through it."""
    form = game.form(2)
    halfway, whole = (
        solve(form, game.payoffs("base", 2, precision), rounds=3, nodes=NODES, shares=shares)
        for precision, shares in ((20.0, (1.0,)), (40.0, (0.5, 1.0)))
    )
    assert halfway.ok
    assert halfway.folded > 0
    for before, after in zip(halfway.flagged, whole.flagged, strict=True):
        assert not np.asarray(before & ~after).any()
