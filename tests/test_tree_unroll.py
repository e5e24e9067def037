"""The grid's game written out as a tree: known games, sizes and labels by hand, and the grid solver against it."""

import math
from functools import lru_cache

import jax.numpy as jnp
import numpy as np
import pytest
from tests.known.gambit import game as known_game

from standoff.errors import UserError
from standoff.game.form import Payoffs
from standoff.game.ladder import Ladder, build
from standoff.game.sweep import solve as sweep
from standoff.game.tree.branch import solve
from standoff.game.tree.compose import outcome_chances
from standoff.game.tree.efg import read_efg, write_efg
from standoff.game.tree.gridded import gridded
from standoff.game.tree.known import ladder
from standoff.game.tree.tree import CHANCE
from standoff.game.tree.unroll import Game, joint, label, size, turns, unroll

PRIOR = (3 / 8, 5 / 8)  # nodes of every grid here
STORED = 3e-7  # strategies and values of the grid are kept in single precision
SECOND_ORDER = 16.0  # by how much an error falls over two halvings; third order gives 64


@lru_cache
def form(offers=0, rungs=3, levels=2):
    """A ladder of three rungs with two levels that may move anywhere; optionally one package a side."""
    reach = np.ones((rungs, 2, levels, 1, levels, 1), bool)
    strike = (False,) * (rungs - 1) + (True,)
    return build(Ladder(strike, (rungs == 1, True, True)[:rungs], 0, 1, offers, offers, reach, ((0, 0),)))


def tilt(table):
    """Shifts of log-odds that a joint table of the types amounts to."""
    p, q = table[1].sum(), table[:, 1].sum()
    of_target = [math.log(table[c, 1] / table[c, 0]) - math.log(q / (1 - q)) for c in range(2)]
    return np.array([of_target, [math.log(table[1, t] / table[0, t]) - math.log(p / (1 - p)) for t in range(2)]])


def table(both, prior=PRIOR):
    return np.array([[1 - sum(prior) + both, prior[1] - both], [prior[0] - both, both]])


def drawn(shape, seed, precision):
    """Payoffs at random: correlated types, levels, hazards, discount."""
    stream = np.random.default_rng(seed)
    kinds, ways = shape.branch.shape
    return Payoffs(
        moves=tuple(
            jnp.asarray(stream.uniform(-0.5, 0.5, (2, 2, len(stage.states), len(stage.moves))))
            for stage in shape.stages
        ),
        flow=jnp.asarray(stream.uniform(-0.1, 0.1, (2, 2, kinds))),
        chance=jnp.asarray(stream.dirichlet(np.ones(ways), kinds)),
        hazard=jnp.asarray(stream.uniform(0, 0.2, (kinds, ways))),
        removed=jnp.asarray(stream.uniform(-1, 1, (2, 2))),
        horizon=jnp.asarray(stream.uniform(-1, 1, (2, 2, len(shape.stages[0].states)))),
        precision=jnp.asarray([precision, 0.8 * precision]),
        tilt=jnp.asarray(tilt(table(stream.uniform(0.05, 0.35)))),
        discount=jnp.asarray(0.9),
    )


def compared(shape, payoffs, rounds, nodes):
    """Largest differences of the grid from the tree: chances where play comes in 1 of 100 games, first values."""
    tree = unroll(shape, payoffs, PRIOR, rounds)
    (exact,) = solve(tree, [tuple(map(float, payoffs.precision))]).points
    assert exact.residual < 1e-9
    assert exact.folds == 0
    found = []
    for n in nodes:
        on_grid = sweep(shape, payoffs, rounds=rounds, nodes=n)
        assert on_grid.ok
        chances = gridded(Game(shape, payoffs, PRIOR, rounds), on_grid)
        assert chances.keys() == exact.strategy.keys()
        wrong = max(
            abs(chance - exact.strategy[name][action])
            for name, row in chances.items()
            for action, chance in row.items()
            if exact.reach[name] > 0.01
        )
        value = np.asarray(on_grid.value[0, :, :, 0, round((n - 1) * PRIOR[0]), round((n - 1) * PRIOR[1])])
        mean = [value[i] @ [1 - PRIOR[i], PRIOR[i]] for i in range(2)]
        found.append((wrong, float(np.abs(mean - exact.payoffs).max())))
    return np.array(found)


@pytest.mark.parametrize("variant", ["base", "prior_like_meets_like", "sharp_coercer"])
@pytest.mark.parametrize("periods", [1, 2])
def test_the_ladder_is_the_known_one(variant, periods):
    payoffs = known_game.payoffs(variant, periods, 1.0)
    tree = unroll(known_game.form(periods), payoffs, known_game.firm(variant), periods + 1, scaled=True)
    wanted = ladder(variant, periods)
    assert len(tree.nodes) == len(wanted.nodes)
    points = [solve(each, [2.0]).points[0] for each in (tree, wanted)]
    assert points[0].payoffs == pytest.approx(points[1].payoffs, abs=1e-11)
    kinds = {"coercer:yielding": "C:weak", "coercer:firm": "C:resolute", "target:yielding": "T:soft"}
    letters = {"hold": "H", "escalate": "E", "resist": "r"}
    for name, row in points[0].strategy.items():
        side, kind, past = name.split(":")
        short = "".join(letters[word] for word in past.split(", ")) if past != "-" else "-"
        theirs = points[1].strategy[f"{kinds.get(f'{side}:{kind}', 'T:stubborn')}:{short}"]
        assert [*row.values()] == pytest.approx([theirs[a.replace("back-down", "back down")] for a in row], abs=1e-11)


def test_one_round_is_exact_on_any_grid():
    shape = form(rungs=1)
    for seed, precision in enumerate((1.0, 2.0, 5.0)):
        assert compared(shape, drawn(shape, seed, precision), 1, (9,)).max() < STORED


@pytest.mark.slow
def test_the_grid_converges_to_the_tree():
    """Two rounds, 20 random games: measured at 9 and 33 nodes, and by how much the error falls in geometric mean."""
    shape = form(rungs=1)
    errors = np.array(
        [
            compared(shape, drawn(shape, seed, precision), 2, (9, 33))
            for precision in (1.0, 2.0, 3.0, 4.0, 5.0)
            for seed in range(4)
        ]
    )
    worst = errors.max(0)
    assert worst[0, 0] < 5e-4  # chances of moves; measured: 2e-4, and 1.5e-5 at 33 nodes
    assert worst[1, 0] < 4e-5
    assert worst[0, 1] < 3e-5  # values; measured: 1.1e-5, and 4e-7 at 33 nodes
    assert worst[1, 1] < 1e-6
    fell = np.exp(np.log(errors[:, 0] / errors[:, 1]).mean(0))
    assert (fell > SECOND_ORDER).all()  # measured: 23 and 39


@pytest.mark.slow
def test_the_grid_converges_with_offers_and_more_nodes():
    shape = form(offers=1, rungs=2)
    errors = np.array(
        [compared(shape, drawn(shape, seed, precision), 2, (9, 17, 33, 65))
         for seed in range(4) for precision in (1.0, 3.0, 5.0)]
    )  # fmt: skip
    worst = errors.max((0, 2))
    assert worst[0] < 1e-2
    assert (worst[1:] < worst[:-1]).all()
    assert worst[0] / worst[3] > SECOND_ORDER**1.5  # three halvings


def test_size_is_counted_without_building():
    for shape in (form(), form(offers=1, rungs=2), form(rungs=1, levels=1)):
        for rounds in (1, 2):
            payoffs = drawn(shape, rounds, 1.0)
            tree = unroll(shape, payoffs, PRIOR, rounds)
            game = Game(shape, payoffs, PRIOR, rounds)
            assert size(game) == len(tree.nodes)
            names = {label(game, turn, kind) for turn in turns(game) for kind in range(2)}
            assert names == {each.label for each in tree.sets if each.player != CHANCE}
    assert size(Game(form(offers=1, rungs=2), drawn(form(offers=1, rungs=2), 0, 1.0), PRIOR, 40)) > 10**30


def test_labels_by_hand():
    shape = form(offers=1, rungs=2)
    tree = unroll(shape, drawn(shape, 0, 1.0), PRIOR, 2, kinds=(("calm", "bold"), ("soft", "hard")))
    names = {each.label: each.actions for each in tree.sets}
    assert names["coercer:bold:-"] == ("back-down", "hold", "climb", "offer")
    assert names["coercer:calm:climb"] == ("1",)
    assert names["target:hard:climb 1"] == ("concede", "offer", "defy", "flee", "display")
    assert names["target:soft:climb 1, offer"] == ("1",)
    assert "accept" in names["coercer:bold:climb 1, offer 1, levels 1/0"]
    assert "coercer:bold:climb 1, offer 1" not in names
    outcomes = {outcome.label for outcome in tree.outcomes}
    assert "settlement after climb 1, offer 1, levels 0/0, accept bold/soft" in outcomes
    assert "coup after hold, defy calm/hard" in outcomes
    assert "discounted after hold, defy calm/hard" in outcomes
    nature = [each for each in tree.sets if each.player == CHANCE]
    assert nature[0].actions == ("calm/soft", "calm/hard", "bold/soft", "bold/hard")
    assert nature[1].actions == ("levels 0/0", "levels 1/0", "removed", "discounted")
    assert all(sum(each.chances) == 1 for each in nature)
    assert read_efg(write_efg(tree)) == tree


def test_nature_has_no_move_without_a_choice():
    shape = form(rungs=1, levels=1)
    quiet = drawn(shape, 0, 1.0)
    quiet = Payoffs(**{**quiet.__dict__, "hazard": jnp.zeros_like(quiet.hazard), "discount": jnp.asarray(1.0)})
    tree = unroll(shape, quiet, PRIOR, 3)
    assert [each.label for each in tree.sets if each.player == CHANCE] == ["types"]
    assert "coercer:firm:hold, defy, hold, display" in {each.label for each in tree.sets}


def test_chance_of_the_end_by_discounting():
    """Nobody ends the game by choice, and nobody is removed: it goes on with the discount, 0.9."""
    shape = form(rungs=1, levels=1)
    payoffs = drawn(shape, 0, 1.0)
    moves = tuple(
        jnp.where(jnp.asarray(stage.leads) < 0, -1000.0, pay)
        for stage, pay in zip(shape.stages, payoffs.moves, strict=True)
    )
    payoffs = Payoffs(**{**payoffs.__dict__, "moves": moves, "hazard": jnp.zeros_like(payoffs.hazard)})
    tree = unroll(shape, payoffs, PRIOR, 3)
    (point,) = solve(tree, [(1.0, 0.8)]).points
    chances = outcome_chances(tree, point.log_strategy)
    ended = sum(chance for name, chance in chances.items() if name.startswith("discounted"))
    assert ended == pytest.approx(1 - 0.9**2, abs=1e-9)


@pytest.mark.parametrize("prior", [PRIOR, (0.0, 0.3), (1.0, 1.0)])
def test_joint_distribution_of_the_types(prior):
    payoffs = drawn(form(), 0, 1.0)
    if prior != PRIOR:
        payoffs = Payoffs(**{**payoffs.__dict__, "tilt": jnp.zeros((2, 2))})
    found = joint(Game(form(), payoffs, prior, 1))
    assert found.sum() == pytest.approx(1)
    assert (found[1].sum(), found[:, 1].sum()) == pytest.approx(prior)
    if prior == PRIOR:
        assert tilt(found) == pytest.approx(np.asarray(payoffs.tilt))
    assert len(unroll(form(), payoffs, prior, 1).nodes) == size(Game(form(), payoffs, prior, 1))


def test_what_is_refused():
    shape, payoffs = form(), drawn(form(), 0, 1.0)
    with pytest.raises(UserError, match=r"4 rounds make a tree of [\d,]+ nodes, over 5,000.* Write fewer: 2 fit"):
        unroll(shape, payoffs, PRIOR, 4, most_nodes=5000)
    with pytest.raises(UserError, match="Not even one fits"):
        unroll(shape, payoffs, PRIOR, 1, most_nodes=10)
    with pytest.raises(UserError, match="0 rounds cannot be written out"):
        unroll(shape, payoffs, PRIOR, 0)
    with pytest.raises(UserError, match="states and none 99"):
        unroll(shape, payoffs, PRIOR, 1, start=99)
    with pytest.raises(UserError, match="fit no joint distribution"):
        unroll(shape, payoffs, (0.5, 0.5), 1)
