"""The game at the table as a PettingZoo environment (agent-environment cycle), for agents that learn.

Rules, chances and payoffs are those of `table`: the same seed and the same moves give the same game, in a browser and
here. An agent moves once a round, the coercer first. Rewards are what the crisis pays a side at that moment, discounted
to the beginning, in its own unit (prizes, offices): their sum is the payoff of `standoff run`.

An observation holds what the seat may know, and nothing of the other's type or view:

| part | length |
|---|---|
| share of the rounds that are over | 1 |
| rung, clock, pending offer, squeeze, cohesion, one-hot | by case |
| own type: yielding, firm | 2 |
| the other's latest move, one-hot | moves of the other |
| with `advice`: belief that the other is firm, what he is thought to believe, chances of the own moves under the | |
| solution | 2 + own moves |

Needs `pip install 'standoff[env]'`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium import spaces  # type: ignore[import-untyped, unused-ignore]
from pettingzoo import AECEnv  # type: ignore[import-untyped, unused-ignore]

from standoff.case.load import LoadedCase, load_case
from standoff.play.advice import joint
from standoff.play.board import SIDES, Board, Held
from standoff.play.shelf import Shelf, own_view
from standoff.play.table import Option, Table, draw_types


def moves_of(board: Board, side: int) -> tuple[Option, ...]:
    """Every move that a side can ever make, in the order of the game: what an action's number stands for."""
    stage = board.stages[board.stage(SIDES[side])]
    found: list[Option] = []
    for m, move in enumerate(stage.moves):
        lead = stage.leads[m]
        if move == "climb":
            found += [Option(move, rung=board.rungs[int(label)]) for label in board.stages[lead].moves]
        elif move == "offer":
            found += [Option(move, package=board.offers[side][int(k) - 1]) for k in board.stages[lead].moves]
        else:
            found.append(Option(move, ends=lead < 0))
    return tuple(found)


def _number(moves: tuple[Option, ...], option: Mapping[str, Any] | Option) -> int:
    """The action that a move is."""
    step = option.as_step() if isinstance(option, Option) else option
    package = None if step["move"] == "accept" else step.get("package")
    key = (step["move"], step.get("rung"), package)
    return next(k for k, one in enumerate(moves) if (one.move, one.rung, one.package) == key)


class StandoffEnv(AECEnv):  # type: ignore[misc, unused-ignore]
    """A game on a case between two agents, `coercer` and `target`."""

    metadata = {"name": "standoff_v0", "is_parallelizable": False, "render_modes": ["ansi"]}  # noqa: RUF012 (PettingZoo's form)

    def __init__(
        self, board: Board, *, held: tuple[Held | None, Held | None] = (None, None),
        types: tuple[int, int] | None = None, render_mode: str | None = None,
    ) -> None:  # fmt: skip
        """Set the spaces up. `held` gives seats an adviser, whose word is then observed; `types` fixes both types."""
        super().__init__()
        self.board, self.held, self.fixed, self.render_mode = board, held, types, render_mode
        self.possible_agents = list(SIDES)
        self.agents: list[str] = []
        self.moves = (moves_of(board, 0), moves_of(board, 1))
        states = np.concatenate([stage.states for stage in board.stages])
        self._sizes = tuple(int(size) + 1 for size in states.max(0))
        self.action_spaces = {side: spaces.Discrete(len(self.moves[i])) for i, side in enumerate(SIDES)}
        self.observation_spaces = {
            side: spaces.Dict({
                "observation": spaces.Box(0.0, 1.0, (self._length(i),), np.float32),
                "action_mask": spaces.Box(0, 1, (len(self.moves[i]),), np.int8),
            })
            for i, side in enumerate(SIDES)
        }  # fmt: skip
        self._random = np.random.default_rng()
        self.table: Table | None = None

    def _length(self, i: int) -> int:
        advice = 2 + len(self.moves[i]) if self.held[i] is not None else 0
        return 1 + sum(self._sizes) + 2 + len(self.moves[1 - i]) + advice

    def observation_space(self, agent: str) -> spaces.Space:  # type: ignore[type-arg, unused-ignore]
        """What an agent can observe."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> spaces.Space:  # type: ignore[type-arg, unused-ignore]
        """What an agent can do."""
        return self.action_spaces[agent]

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> None:
        """Begin a game; the seed is that of a game at the table, drawn where there is none."""
        game = int(self._random.integers(2**62)) if seed is None else int(seed)
        if seed is not None:
            self._random = np.random.default_rng(seed)
        self.table = Table(self.board, game, self.fixed or draw_types(self.board, game), self.held)
        self.agents = list(self.possible_agents)
        self.rewards = dict.fromkeys(self.agents, 0.0)
        self._cumulative_rewards = dict.fromkeys(self.agents, 0.0)
        self.terminations = dict.fromkeys(self.agents, False)
        self.truncations = dict.fromkeys(self.agents, False)
        self.infos: dict[str, dict[str, Any]] = {agent: {} for agent in self.agents}
        self.agent_selection = SIDES[0]

    def _at(self) -> Table:
        if self.table is None:
            raise RuntimeError("Call reset() before anything else.")
        return self.table

    def step(self, action: int | np.integer[Any] | None) -> None:
        """Make a move for the agent whose turn it is.

        Raises:
            ValueError: the move is not possible here (see `action_mask`).
        """
        agent, table = self.agent_selection, self._at()
        if self.terminations[agent] or self.truncations[agent]:
            self._was_dead_step(action)
            return
        i = SIDES.index(agent)
        self._cumulative_rewards[agent] = 0.0
        before = table.payoff.copy()
        if action is None or not self._mask(i)[int(action)]:
            raise ValueError(f"{agent}: move {action} is not possible here; see the action mask.")
        move = self.moves[i][int(action)]
        table.play(table.find(move.move, move.rung, move.package), "agent")
        paid = table.payoff - before
        self.rewards = {side: float(paid[k]) for k, side in enumerate(SIDES) if side in self.agents}
        over = table.ending is not None
        if over:
            self.terminations = dict.fromkeys(self.agents, True)
            ending = vars(table.ending)
            self.infos = {side: {"ending": ending} for side in self.agents}
        self.agent_selection = SIDES[1 - i] if over else table.side or SIDES[0]
        self._accumulate_rewards()

    def _mask(self, i: int) -> np.ndarray:
        table, found = self._at(), np.zeros(len(self.moves[i]), np.int8)
        if table.side == SIDES[i]:
            for option in table.options():
                found[_number(self.moves[i], option)] = 1
        return found

    def observe(self, agent: str) -> dict[str, np.ndarray]:
        """What an agent sees: see the module's table."""
        i, table = SIDES.index(agent), self._at()
        stage = table.stage if table.stage < self.board.nature else 0
        state = self.board.stages[stage].states[table.state]
        parts = [np.array([table.round / self.board.rounds])]
        parts += [np.eye(size)[mark] for size, mark in zip(self._sizes, state, strict=True)]
        parts.append(np.eye(2)[table.types[i]])
        last = np.zeros(len(self.moves[1 - i]))
        moves = [step for step in table.steps if step["kind"] == "move" and step["side"] != agent]
        if moves:
            last[_number(self.moves[1 - i], moves[-1])] = 1.0
        parts.append(last)
        mind = table.minds[i]
        if mind is not None:
            would = np.zeros(len(self.moves[i]))
            if table.side == agent:
                told = joint(self.board, mind, table.round, table.stage, table.state, table.pending, table.types[i])
                for option, chance in told:
                    would[_number(self.moves[i], option)] = chance
            parts += [np.array([mind.belief[1 - i], mind.belief[i]]), would]
        seen = np.clip(np.concatenate(parts), 0.0, 1.0).astype(np.float32)
        return {"observation": seen, "action_mask": self._mask(i)}

    def render(self) -> str:
        """The record so far, a line a step."""
        lines = []
        for step in self._at().steps:
            words = (str(step[k]) for k in ("side", "move", "rung", "package", "ending") if k in step)
            lines.append(f"{step['round'] + 1:3d} {step['kind']:9s} {' '.join(words)}")
        return "\n".join(lines)

    def close(self) -> None:
        """Nothing is held open."""


def env(
    case: str | LoadedCase, *, advice: bool = False, types: tuple[int, int] | None = None, boards: Path | None = None,
    render_mode: str | None = None,
) -> StandoffEnv:  # fmt: skip
    """The environment of a case.

    Args:
        case: A folder, a file or the name of a shipped case, or a case that is loaded.
        advice: Whether the agents' own views are solved and their advisers observed.
        types: Both private types (0 yielding, 1 firm); drawn by the seed of each game if None.
        boards: Folder in which what was compiled and solved is kept.
        render_mode: `ansi`, or nothing.
    """
    loaded = load_case(case) if isinstance(case, str) else case
    shelf = Shelf(loaded, boards)
    board = shelf.board()
    held = tuple(shelf.held(side, own_view(loaded, side)) if advice else None for side in SIDES)
    return StandoffEnv(board, held=(held[0], held[1]), types=types, render_mode=render_mode)
