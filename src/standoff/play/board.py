"""A case as plain arrays, to be played on: the form, what the world pays and does, and solved minds.

Nothing here computes with JAX, so a server that finds its boards on the shelf starts at once. The arrays are those of
`standoff.simulate.setup` at the central values of the case, unchanged; `solve` makes them.
"""

import io
import json
import zipfile
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from standoff.errors import Failure

SIDES = ("coercer", "target")
FORMAT = 1
"""Of kept boards and minds; raised when what they hold changes."""
ENDINGS = ("back-down", "concession", "settlement", "flight", "force", "coup", "stalemate")
"""Outcomes by code, as in `standoff.game.form`."""


@dataclass(frozen=True, eq=False)
class Stage:
    """One decision of a round: `standoff.game.form.Stage` with the state's marks as an array.

    `states[s]` is (rung, clock, pending offer, squeeze level, cohesion level); `follow`, `mask`, `outcome` have the
    axes state, move; `leads[m]` is the stage that a move leads to, the number of stages for nature, -1 for the end.
    """

    name: str
    mover: int
    moves: tuple[str, ...]
    leads: tuple[int, ...]
    states: np.ndarray
    follow: np.ndarray
    mask: np.ndarray
    outcome: np.ndarray

    @property
    def detail(self) -> bool:
        """Whether it is the second half of a decision: the rung of a climb, the package of an offer."""
        return self.name not in SIDES

    @cached_property
    def at(self) -> dict[tuple[int, ...], int]:
        """Index of each state."""
        return {tuple(int(mark) for mark in state): index for index, state in enumerate(self.states)}


@dataclass(frozen=True, eq=False)
class World:
    """What is the case: payoffs, chances, and how endings come out (`standoff.simulate.ending`).

    `moves[stage]` has the axes player, own type, state, move, each player in his own unit (prizes, offices); `flow`,
    `horizon`: player, own type, state; `chance`, `hazard`: nature's state, branch. `blocked` is the chance that the
    circle stops a leader who sets out, by outcome or package code; `force[s]` the cumulative chances of the modes of
    force from a state of the coercer's stage.
    """

    moves: tuple[np.ndarray, ...]
    flow: np.ndarray
    chance: np.ndarray
    hazard: np.ndarray
    removed: np.ndarray
    horizon: np.ndarray
    discount: float
    joint: np.ndarray
    blocked: dict[str, float]
    goers: tuple[int, ...]
    force: np.ndarray
    values: dict[str, float]
    """Numbers of the base that are named in words: chances and worths that a briefing tells."""


@dataclass(frozen=True, eq=False)
class Voice:
    """One solved view as its holder uses it: `standoff.game.play.Mind` with the prior from which beliefs begin.

    `log_pi[s]`: log chances, axes round, state, p, q, type, move; `acts` what the holder does where that differs from
    what he thinks is expected of him; `read[s]` the chance that a move is read as another one; `sense` holds flip,
    lost, leader (numbers), delay and scene (arrays), or nothing; `value`: round, type of the holder, state, p, q;
    `chance`, `hazard` are nature's, as the view has them.
    """

    view: str
    log_pi: tuple[np.ndarray, ...]
    read: tuple[np.ndarray, ...]
    prior: np.ndarray
    value: np.ndarray
    chance: np.ndarray
    hazard: np.ndarray
    acts: tuple[np.ndarray, ...] | None = None
    sense: dict[str, np.ndarray] | None = None


@dataclass(frozen=True, eq=False)
class Held:
    """What a side holds: its view, and what it would turn to at a Bayes factor of `threshold`.

    `pays[ending or package]` is what it pays the side's own two types in this view, in the side's own unit.
    """

    side: int
    voice: Voice
    shadow: Voice | None
    threshold: float
    precision: float
    status: str
    pays: dict[str, tuple[float, float]]


@dataclass(frozen=True, eq=False)
class Board:
    """A case, ready to be played on. `rungs`, `offers[side]` are ids in the order of the game's labels."""

    digest: str
    stages: tuple[Stage, ...]
    nature_states: np.ndarray
    branch: np.ndarray
    world: World
    rounds: int
    days: float
    start: int
    rungs: tuple[str, ...]
    offers: tuple[tuple[str, ...], tuple[str, ...]]
    types: tuple[tuple[str, str], tuple[str, str]]

    @property
    def nature(self) -> int:
        """Index that stands for nature in `Stage.leads`."""
        return len(self.stages)

    def stage(self, name: str) -> int:
        """Index of a stage by name."""
        return next(index for index, stage in enumerate(self.stages) if stage.name == name)

    @cached_property
    def nature_at(self) -> dict[tuple[int, ...], int]:
        """Index of each of nature's states."""
        return {tuple(int(mark) for mark in state): index for index, state in enumerate(self.nature_states)}


Arrays = dict[str, np.ndarray]
Header = dict[str, Any]


def pack(header: Header, arrays: Arrays) -> bytes:
    """A header and arrays as the bytes of one .npz file; the same content gives the same bytes."""
    out = io.BytesIO()
    words = np.frombuffer(json.dumps(header, sort_keys=True).encode(), np.uint8)
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, array in sorted({**arrays, "header": words}.items()):
            each = io.BytesIO()
            np.lib.format.write_array(each, np.asarray(array, order="C"), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), each.getvalue())
    return out.getvalue()


def unpack(content: bytes) -> tuple[Header, Arrays]:
    """What `pack` put together."""
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        header = json.loads(arrays.pop("header").tobytes())
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise Failure(f"A kept board cannot be read ({error}). Remove the folder of boards.") from error
    return header, arrays


def pack_board(board: Board) -> bytes:
    """A board as bytes."""
    world = board.world
    arrays: Arrays = {
        "nature_states": board.nature_states, "branch": board.branch, "flow": world.flow, "chance": world.chance,
        "hazard": world.hazard, "removed": world.removed, "horizon": world.horizon, "joint": world.joint,
        "force": world.force,
    }  # fmt: skip
    for index, stage in enumerate(board.stages):
        arrays |= {f"{name}{index}": getattr(stage, name) for name in ("states", "follow", "mask", "outcome")}
        arrays[f"moves{index}"] = world.moves[index]
    header: Header = {
        "format": FORMAT, "digest": board.digest, "rounds": board.rounds, "days": board.days, "start": board.start,
        "rungs": board.rungs, "offers": board.offers, "types": board.types, "discount": world.discount,
        "blocked": world.blocked, "goers": world.goers, "values": world.values,
        "stages": [{"name": s.name, "mover": s.mover, "moves": s.moves, "leads": s.leads} for s in board.stages],
    }  # fmt: skip
    return pack(header, arrays)


def unpack_board(content: bytes) -> Board:
    """A board from its bytes."""
    head, a = unpack(content)
    stages = tuple(
        Stage(s["name"], s["mover"], tuple(s["moves"]), tuple(s["leads"]),
              *(a[f"{name}{index}"] for name in ("states", "follow", "mask", "outcome")))
        for index, s in enumerate(head["stages"])
    )  # fmt: skip
    world = World(
        tuple(a[f"moves{index}"] for index in range(len(stages))), a["flow"], a["chance"], a["hazard"], a["removed"],
        a["horizon"], head["discount"], a["joint"], head["blocked"], tuple(head["goers"]), a["force"], head["values"],
    )  # fmt: skip
    coercer, target = (tuple(each) for each in head["offers"])
    kinds = head["types"]
    return Board(
        head["digest"], stages, a["nature_states"], a["branch"], world, head["rounds"], head["days"], head["start"],
        tuple(head["rungs"]), (coercer, target), ((kinds[0][0], kinds[0][1]), (kinds[1][0], kinds[1][1])),
    )  # fmt: skip


def _voice_arrays(voice: Voice, mark: str) -> Arrays:
    arrays: Arrays = {f"{mark}{name}": getattr(voice, name) for name in ("prior", "value", "chance", "hazard")}
    for index in range(len(voice.log_pi)):
        arrays[f"{mark}log_pi{index}"], arrays[f"{mark}read{index}"] = voice.log_pi[index], voice.read[index]
        if voice.acts is not None:
            arrays[f"{mark}acts{index}"] = voice.acts[index]
    return arrays | {f"{mark}sense-{name}": each for name, each in (voice.sense or {}).items()}


def _voice(arrays: Arrays, mark: str, view: str, stages: int) -> Voice:
    sense = {k.removeprefix(f"{mark}sense-"): v for k, v in arrays.items() if k.startswith(f"{mark}sense-")}
    acts = tuple(arrays[f"{mark}acts{i}"] for i in range(stages)) if f"{mark}acts0" in arrays else None
    log_pi, read = (tuple(arrays[f"{mark}{name}{i}"] for i in range(stages)) for name in ("log_pi", "read"))
    prior, value, chance, hazard = (arrays[f"{mark}{name}"] for name in ("prior", "value", "chance", "hazard"))
    return Voice(view, log_pi, read, prior, value, chance, hazard, acts, sense or None)


def pack_held(held: Held) -> bytes:
    """What a side holds as bytes."""
    arrays = _voice_arrays(held.voice, "own-")
    if held.shadow is not None:
        arrays |= _voice_arrays(held.shadow, "shadow-")
    header: Header = {
        "format": FORMAT, "side": held.side, "view": held.voice.view, "stages": len(held.voice.log_pi),
        "shadow": held.shadow.view if held.shadow is not None else None, "precision": held.precision,
        "threshold": held.threshold if np.isfinite(held.threshold) else None, "status": held.status, "pays": held.pays,
    }  # fmt: skip
    return pack(header, arrays)


def unpack_held(content: bytes) -> Held:
    """What a side holds, from its bytes."""
    head, arrays = unpack(content)
    voice = _voice(arrays, "own-", head["view"], head["stages"])
    shadow = _voice(arrays, "shadow-", head["shadow"], head["stages"]) if head["shadow"] is not None else None
    limit = float("inf") if head["threshold"] is None else float(head["threshold"])
    pays = {name: (float(a), float(b)) for name, (a, b) in head["pays"].items()}
    return Held(head["side"], voice, shadow, limit, head["precision"], head["status"], pays)
