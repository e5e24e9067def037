"""The rules at the table are those of `standoff run`: the same numbers on the same path, and laws that always hold."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests import play_toy
from tests.play_toy import ROUNDS, misreads, toy_board, toy_held, toy_voice

import standoff.game.play as forward
from standoff.game.form import OUTCOMES, Payoffs
from standoff.game.lookup import lookup
from standoff.game.sense import Sense, fate
from standoff.play.advice import advise, joint
from standoff.play.board import Held, pack_board, pack_held, unpack_board, unpack_held
from standoff.play.mind import Mind, look_up
from standoff.play.noise import choose, noise_of, uniform
from standoff.play.refusal import Refused
from standoff.play.table import Table, draw_types

PINNED = 0.37019211743196145
SENSE = {"flip": 0.4, "lost": 0.3, "delay": [0.5, 0.3, 0.2], "leader": 0.7, "scene": [0.1, -0.3, 0.2, 0.0]}


def sensed(voice):
    return replace(voice, sense={name: np.array(value, float) for name, value in SENSE.items()})


def as_mind(voice, threshold=None):
    arrays = {name: jnp.asarray(np.array(value, float)) for name, value in SENSE.items()}
    return forward.Mind(
        tuple(map(jnp.asarray, voice.log_pi)), tuple(map(jnp.asarray, voice.read)),
        acts=None if voice.acts is None else tuple(map(jnp.asarray, voice.acts)), sense=Sense(**arrays),
        threshold=None if threshold is None else jnp.asarray(np.float64(threshold)),
    )  # fmt: skip


@pytest.mark.slow
def test_same_numbers_as_the_simulation():
    """One game by `game.play.trace`, all its chances handed to the table: beliefs, chances and payoffs agree."""
    board, made, paths = toy_board(), play_toy.form(), 40
    p = play_toy.pays(made, np.random.default_rng(0))
    acts = toy_voice("corvania", 8).log_pi
    voices = [replace(sensed(misreads(toy_voice("corvania", 1), board, "target", "defy", "display")), acts=acts),
              sensed(misreads(toy_voice("lume", 2), board))]  # fmt: skip
    shadows = [sensed(toy_voice("base", 3)), sensed(toy_voice("base", 4))]
    limits = (1.3, 1.1)
    world = Payoffs(
        moves=tuple(map(jnp.asarray, p["moves"])), precision=jnp.ones(2), tilt=jnp.zeros((2, 2)),
        **{name: jnp.asarray(p[name]) for name in p if name != "moves"},
    )  # fmt: skip
    minds = tuple(map(as_mind, voices)) + tuple(as_mind(v, t) for v, t in zip(shadows, limits, strict=True))
    minds = tuple(replace(m, acts=m.acts or m.log_pi) if i % 2 == 0 else m for i, m in enumerate(minds))
    types = np.random.default_rng(5).integers(0, 2, (2, paths)).astype(np.int32)
    begin = np.tile(np.array([[0.4, 0.6]] * 4)[:, :, None], (1, 1, paths))
    start = forward.Paths(
        jnp.zeros(paths, jnp.int32), jnp.full(paths, board.start, jnp.int32), jnp.asarray(types), jnp.asarray(begin)
    )
    key = jax.random.key(3)
    free = np.full((ROUNDS, len(made.stages), paths), -1, np.int32)
    given = forward.Given(jnp.asarray(free), jnp.asarray(free), jnp.ones(free.shape))
    seen, ended = forward.trace(key, made, minds, world, start, given, rounds=ROUNDS)

    def draws(n, index):
        keys = jax.random.split(jax.random.fold_in(jax.random.fold_in(key, n), index), 2)
        return [np.asarray(jax.random.uniform(k, (paths,))) for k in keys]

    def fates(n, side):
        found = fate(jax.random.fold_in(jax.random.fold_in(key, n), made.nature + 1 + side), paths, 1)
        names = ("passing", "waiting", "judging", "judging-late")
        return {name: np.asarray(getattr(found, name.replace("-", "_"))) for name in names}

    known = {(n, i): draws(n, i) for n in range(ROUNDS) for i in range(made.nature + 1)}
    senses = {
        (n, side): {k: np.asarray(v) for k, v in fates(n, side).items()} for n in range(ROUNDS) for side in (0, 1)
    }
    dropped = 0
    for path in range(paths):

        def noise(*names, path=path):
            if names[0] in ("stopped", "mode"):
                return 0.5
            n, what, *more = names
            if what == "sense":
                return float(senses[n, more[1]][more[0]][path])
            if what in ("nature", "removal"):
                return float(known[n, made.nature][what == "removal"][path])
            return float(known[n, what][more[0] == "read"][path])

        held = tuple(Held(i, voices[i], shadows[i], limits[i], 1.0, "ok", {}) for i in range(2))
        table = Table(board, 0, (int(types[0, path]), int(types[1, path])))
        table._noise = noise
        table.held, table.minds = held, [Mind(board, h, noise) for h in held]
        table._begin()
        while table.ending is None:
            n = table.round
            for i, mind in enumerate(table.minds):
                expects = np.asarray(seen.expected[table.stage][n])[path]
                if i == 1 - board.stages[table.stage].mover:
                    np.testing.assert_allclose(mind.expects(n, table.stage, table.state), expects, atol=2e-6)
            if table.stage == 0:
                assert int(seen.state[n, path]) == table.state
            table.play(table.strategy(), "strategy")
        assert table.ending.outcome == OUTCOMES[int(ended.outcome[path])]
        assert table.ending.round == int(ended.round[path])
        np.testing.assert_allclose(table.payoff, np.asarray(ended.payoff)[:, path], atol=1e-9)
        assert [mind.dropped for mind in table.minds] == [bool(d) for d in np.asarray(ended.dropped)[:, path]]
        dropped += sum(mind.dropped for mind in table.minds)
    assert 0 < dropped < 2 * paths


@pytest.mark.slow
def test_look_up_is_that_of_the_library():
    voice, rng = toy_voice("base", 7), np.random.default_rng(1)
    p, q, n = rng.random(50), rng.random(50), 1
    p[:4], q[:4] = (0, 1, 0.25, 0), (1, 0, 0.5, 0)
    for table in voice.log_pi[:1]:
        state = rng.integers(0, table.shape[1], 50)
        want = lookup(*map(jnp.asarray, (table, np.int32(n), state.astype(np.int32), p, q)))
        np.testing.assert_allclose(look_up(table, n, state, p, q), np.asarray(want), atol=2e-5)


def test_chance_is_pinned():
    """The numbers belong to seed and name for ever: kept games replay."""
    assert uniform(1, 0, "nature") == PINNED
    mean = np.mean([uniform(7, k) for k in range(4000)])
    assert mean == pytest.approx(0.5, abs=0.02)  # four standard errors
    assert choose(np.array([0.0, 1.0, 0.0]), 0.0) == 1
    assert choose(np.array([0.5, 0.5]), 0.999999) == 1


def both(seed=11, **more):
    return Table(toy_board(), seed, draw_types(toy_board(), seed), (toy_held("coercer"), toy_held("target")), **more)


@pytest.mark.parametrize("seed", range(6))
def test_a_replay_is_the_same_game(seed):
    table = both(seed)
    while table.ending is None:
        table.play(table.strategy(), "strategy")
    again = both(seed)
    again.replay(table.steps)
    assert again.steps == table.steps
    assert again.ending == table.ending
    np.testing.assert_array_equal(again.payoff, table.payoff)
    np.testing.assert_array_equal(again.minds[0].belief, table.minds[0].belief)
    moves = [step for step in table.steps if step["kind"] == "move"]
    drawn_anew = both(seed)
    for step in moves:
        drawn_anew.play(drawn_anew.find(step["move"], step.get("rung"), step.get("package")), "strategy")
    assert drawn_anew.steps == table.steps  # chance is the seed's, not the record's


def test_turns_rounds_and_what_is_refused():
    table = both()
    assert table.side == "coercer"
    assert {o.label for o in table.options()} == {
        "back-down", "hold", "climb patrols", "climb blockade", "climb landing-force", "offer safe-leave"
    }  # fmt: skip
    with pytest.raises(Refused, match="cannot be played now"):
        table.find("strike")
    with pytest.raises(Refused, match="cannot be played now"):
        table.find("climb")
    table.play(table.find("climb", "landing-force"), "person")
    assert (table.side, table.marks["rung"]) == ("target", 3)
    table.play(table.find("offer", package="spring-vote"), "person")
    assert table.pending == ("target", "spring-vote")
    assert table.round == 1
    table.play(table.find("accept"), "person")
    assert (table.ending.outcome, table.ending.ending, table.ending.package) == (
        "settlement", "deal-he-stays", "spring-vote"
    )  # fmt: skip
    assert table.options() == []
    with pytest.raises(Refused, match="over"):
        table.find("hold")


def test_a_missed_move_is_hold_then_defy_and_the_horizon_is_a_stalemate():
    table = both(3)
    while table.ending is None:
        steps = table.lapse()
        assert steps[0]["late"]
    assert {step["move"] for step in table.steps if step["kind"] == "move"} == {"hold", "defy"}
    assert table.ending.outcome in ("stalemate", "coup")


def test_types_come_from_the_base_prior():
    found = np.array([draw_types(toy_board(), seed) for seed in range(4000)])
    joint_share = np.histogram2d(found[:, 0], found[:, 1], bins=2)[0] / 4000
    np.testing.assert_allclose(joint_share, toy_board().world.joint, atol=0.03)  # four standard errors


def test_injections_move_the_game():
    table = both()
    before = table.minds[1].belief.copy()
    table.inject({"what": "scene", "to": "target", "ratio": 2.0})
    after = table.minds[1].belief
    assert after[0] / (1 - after[0]) == pytest.approx(np.exp(2.0) * before[0] / (1 - before[0]))
    assert after[1] == before[1]
    with pytest.raises(Refused, match="cannot come to these levels"):
        table.inject({"what": "levels", "squeeze": 5, "cohesion": 0})
    table.inject({"what": "news", "text": "A ship has sunk.", "to": "all"})
    assert table.marks["squeeze"] == 0
    table.play(table.find("hold"), "person")
    table.play(table.find("defy"), "person")
    levels = {"squeeze": 1 - table.marks["squeeze"], "cohesion": 1 - table.marks["cohesion"]}
    table.inject({"what": "levels", **levels})
    assert {name: table.marks[name] for name in levels} == levels
    table.inject({"what": "removal"})
    assert table.ending.outcome == "coup"
    again = both()
    again.replay(table.steps)
    assert again.steps == table.steps


def test_an_adviser_tells_chances_and_nothing_of_the_other():
    """Chances sum to 1 at each moment, and what an adviser says is the same whatever the other side's type and view."""
    table, twin = both(5), both(5)
    twin.types = (table.types[0], 1 - table.types[1])
    twin.minds[1] = Mind(table.board, toy_held("target", "lume"), noise_of(5))
    twin.minds[1].begin(0)
    while table.ending is None:
        said = advise(table, "coercer")
        assert said == advise(twin, "coercer")
        told = said.solution or said.expected
        assert sum(chance for _, chance in told) == pytest.approx(1.0)
        assert bool(said.solution) == (table.side == "coercer")
        for reply in said.replies:
            assert sum(reply.classes.values()) == pytest.approx(1.0)
        option = table.strategy()
        table.play(option, "person")
        twin.play(option, "person")


def test_expected_moves_are_the_mix_of_the_types():
    table = both(2)
    mind, n = table.minds[1], table.round
    expected = dict(joint(table.board, mind, n, 0, table.state, None, None))
    firm = float(mind.belief[0])
    at = np.array([table.state]), mind.belief[:1], mind.belief[1:]
    classes = np.exp(look_up(mind.held.voice.log_pi[0], n, *at))[0]
    hold = next(o for o in expected if o.move == "hold")
    m = table.board.stages[0].moves.index("hold")
    assert expected[hold] == pytest.approx(firm * classes[1, m] + (1 - firm) * classes[0, m])


def test_boards_and_minds_come_back_from_bytes_as_they_were():
    board, held = toy_board(), replace(toy_held("target"), shadow=sensed(toy_voice("base", 3)), threshold=20.0)
    assert pack_board(unpack_board(pack_board(board))) == pack_board(board)
    back = unpack_held(pack_held(held))
    assert pack_held(back) == pack_held(held)
    assert back.threshold == 20.0
    for name, value in held.shadow.sense.items():
        assert back.shadow.sense[name].shape == value.shape, name
        np.testing.assert_array_equal(back.shadow.sense[name], value)
    games = []
    for each in (held, back):  # a mind that was kept plays as the one that was made
        table = Table(board, 4, (0, 1), (toy_held("coercer"), each))
        while table.ending is None:
            table.play(table.strategy(), "strategy")
        games.append(table)
    assert games[0].steps == games[1].steps
