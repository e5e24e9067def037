"""A game to be played in tests that takes nothing to solve: the template's words, random payoffs and strategies."""

from dataclasses import replace
from functools import lru_cache

import numpy as np

from standoff.case.load import load_case
from standoff.case.new import TEMPLATE
from standoff.game.ladder import Ladder, build
from standoff.play.board import Board, Held, Stage, Voice, World

ROUNDS, NODES = 4, 5


@lru_cache(maxsize=1)
def template():
    return load_case(TEMPLATE)


def form():
    case = template().case
    ladder = Ladder(
        strike=tuple(r.strike for r in case.ladder), ultimatum=tuple(r.ultimatum for r in case.ladder), start_rung=0,
        patience=1, coercer_offers=1, target_offers=1, reach=np.ones((4, 2, 2, 2, 2, 2), bool), levels_start=((0, 1),),
    )  # fmt: skip
    return build(ladder)


def pays(made, rng):
    """Random payoffs and chances of a form, as arrays by name."""
    nature, branches = len(made.nature_states), made.branch.shape[1]
    chance = np.where(made.branch >= 0, rng.uniform(0.1, 1, (nature, branches)), 0)
    return {
        "moves": tuple(rng.normal(size=(2, 2, len(s.states), len(s.moves))) for s in made.stages),
        "flow": rng.normal(size=(2, 2, nature)), "chance": chance / chance.sum(1, keepdims=True),
        "hazard": np.where(made.branch >= 0, 0.02, 0.0), "removed": rng.normal(size=(2, 2)),
        "horizon": rng.normal(size=(2, 2, len(made.stages[0].states))), "discount": np.float64(0.97),
    }  # fmt: skip


@lru_cache(maxsize=4)
def toy_board(seed=0, rounds=ROUNDS) -> Board:
    case, made = template().case, form()
    p = pays(made, np.random.default_rng(seed))
    stages = tuple(
        Stage(s.name, s.mover, s.moves, s.leads, np.array(s.states), s.follow, s.mask, s.outcome) for s in made.stages
    )
    coercer = made.stages[0].states
    force = np.tile(np.cumsum([0.3, 0.2, 0.2, 0.2]), (len(coercer), 1))
    world = World(
        p["moves"], p["flow"], p["chance"], p["hazard"], p["removed"], p["horizon"], float(p["discount"]),
        np.array([[0.3, 0.2], [0.2, 0.3]]), {"concession": 0.1, "flight": 0.2, "-1": 0.1}, (-1,), force, {},
    )  # fmt: skip
    kinds = [tuple(case.leader(side).types) for side in ("coercer", "target")]
    return Board(
        template().digest, stages, np.array(made.nature_states), made.branch, world, rounds,
        float(case.crisis.round_days), made.stages[0].states.index((0, 0, 0, 0, 1)),
        tuple(r.id for r in case.ladder), (("safe-leave",), ("spring-vote",)), tuple(kinds),
    )  # fmt: skip


def toy_voice(view, seed, board=None, *, calm=True) -> Voice:
    """A random strategy, smooth in beliefs; with `calm`, moves that end the game are rare."""
    board = board or toy_board()
    rng = np.random.default_rng(seed)
    tables = []
    for stage in board.stages:
        shape = (board.rounds, len(stage.states), 1, 1, 2, len(stage.moves))
        p = np.linspace(0, 1, NODES)
        slope = rng.normal(size=(2, *shape)) * 0.5
        level = rng.normal(size=shape) + slope[0] * p[:, None, None, None] + slope[1] * p[:, None, None]
        level = level - 3.0 * (np.array(stage.leads) < 0) * calm
        level = np.where(stage.mask[:, None, None, None], level, -np.inf)
        level = level - np.log(np.exp(level).sum(-1, keepdims=True))
        tables.append(level.astype(np.float32))
    read = [np.eye(len(stage.moves)) for stage in board.stages]
    first = np.full((board.rounds, 2, len(board.stages[0].states), NODES, NODES), 0.5, np.float32)
    return Voice(view, tuple(tables), tuple(read), np.array([0.4, 0.6]), first, board.world.chance, board.world.hazard)


def misreads(voice: Voice, board, stage="coercer", move="climb", to="hold", chance=0.5) -> Voice:
    read = [r.copy() for r in voice.read]
    index = board.stage(stage)
    moves = board.stages[index].moves
    read[index][moves.index(move), moves.index(move)] = 1 - chance
    read[index][moves.index(move), moves.index(to)] = chance
    return replace(voice, read=tuple(read))


def toy_held(side, view="base", precision=None, board=None) -> Held:
    import zlib

    seed = zlib.crc32(f"{side}/{view}/{precision}".encode())
    pays = {"concession": (0.4, 0.1), "safe-leave": (0.6, 0.3)}
    voice = toy_voice(view, seed, board)
    return Held(("coercer", "target").index(side), voice, None, float("inf"), precision or 5.0, "ok", pays)


class Toys:
    """Makes toy boards and minds in the place of a solver."""

    def __init__(self, loaded=None):
        self.loaded = loaded

    def board(self):
        return toy_board()

    def held(self, side, view, precision=None):
        return toy_held(side, view, precision)
