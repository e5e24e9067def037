"""A view of a case, solved at the central values or cut to a tree, as it is printed."""

from collections.abc import Callable, Sequence
from typing import Any

from standoff.case.load import LoadedCase
from standoff.errors import UserError
from standoff.game.tree.efg import write_efg
from standoff.show.games import ONE_POINT, by_player, precision
from standoff.show.pipeline import prepare
from standoff.simulate.centre import SolvedView, central, small, solved_view
from standoff.simulate.setup import SIDES

Progress = Callable[[str, float], None]


def _precision(words: Sequence[str]) -> tuple[float | None, float | None]:
    """Of coercer and target, from numbers and words such as `coercer=3`; None where the view's own is to be used."""
    named, plain = by_player(words, SIDES, "--precision", ONE_POINT)
    if len(plain) > 1 or (plain and named):
        raise UserError(f"--precision: a case is solved at one. Give {ONE_POINT}.")
    both = precision(plain[0]) if plain else None
    coercer, target = (precision(named[side]) if side in named else both for side in SIDES)
    return coercer, target


def _points(chance: float) -> str:
    return f"at most {chance * 100:.2f} points"


def _caution(precision: float) -> list[str]:
    """What to bear in mind at a precision."""
    if precision > 20:
        return ["precision above 20: experimental; several solutions may exist, and this is one of them"]
    if precision > 10:
        return ["precision above 10: read the two lines above before the chances below"]
    return []


class View:
    """A view, solved on the grid."""

    def __init__(
        self,
        loaded: LoadedCase,
        view: str,
        *,
        rounds: int | None,
        nodes: int | None,
        words: Sequence[str],
        progress: Progress,
    ) -> None:
        sharp = _precision(words)
        progress("compiling the case", 0.0)
        prepare()
        self.loaded = loaded
        found = central(loaded.case, view, rounds=rounds, nodes=nodes, precision=sharp)
        progress("solving the view", 0.2)
        self.solved: SolvedView = solved_view(found)
        progress("done", 1.0)

    @property
    def failed(self) -> list[str]:
        """What to say if points did not settle."""
        solution = self.solved.solution
        return [] if solution.ok else [f"View {self.solved.central.view}: {solution.status}."]

    def as_dict(self) -> dict[str, Any]:
        """For scripts."""
        solved, solution = self.solved, self.solved.solution
        return {
            "case": self.loaded.case.crisis.id,
            "digest": self.loaded.digest,
            "view": solved.central.view,
            "rounds": solved.central.game.rounds,
            "nodes": solution.nodes,
            "precision": dict(zip(SIDES, solution.precision, strict=True)),
            "status": solution.status,
            "residual": solution.residual,
            "unsettled": solution.unsettled,
            "flagged": solution.folded,
            "flagged_met": solved.accuracy.flagged_met,
            "selection": solved.accuracy.selection,
            "grid_error": {"by_types": solved.accuracy.grid_error, "mean": solved.accuracy.grid_error_mean},
            "endings": solved.endings,
            "value": solved.value,
            "first": solved.first,
        }

    def lines(self) -> list[str]:
        """For readers."""
        solved, solution, game = self.solved, self.solved.solution, self.solved.central.game
        errors = solved.accuracy
        coercer, target = solution.precision
        found = [
            f"{self.loaded.case.crisis.id}, view {solved.central.view}, every number at its centre: "
            f"{game.rounds} rounds, {solution.nodes} nodes",
            f"precision: coercer {coercer:g}, target {target:g} (per unit of its stake)",
            f"status: {solution.status}; residual {solution.residual:.1e}",
            f"flagged (more than one answer possible): {solution.folded:.2%} of the points; play comes to one with "
            f"chance {errors.flagged_met:.2%}; another choice there moves an ending by {_points(errors.selection)}",
            f"error of the grid (against {2 * solution.nodes - 1} nodes): {_points(errors.grid_error)} by types, "
            f"{_points(errors.grid_error_mean)} on average",
            *_caution(max(solution.precision)),
            "",
            "How it ends, as this view expects it",
        ]
        for name, share in sorted(solved.endings.items(), key=lambda row: -row[1]):
            found.append(f"  {name:<10}  {share:6.2%}")
        heads = {"coercer": "first move", "target": "answer to hold"}
        for side in SIDES:
            found += ["", f"{side}: worth of the crisis at its start, {heads[side]}"]
            for kind, worth in solved.value[side].items():
                row = ", ".join(f"{move} {chance:.3f}" for move, chance in solved.first[side][kind].items())
                found.append(f"  {kind:<12}  {worth:7.4f}  {row}")
        return found


def cut(
    loaded: LoadedCase, view: str, rounds: int, words: Sequence[str], *, scaled: bool, most_nodes: int
) -> tuple[str, int]:
    """A case cut to a small tree: the text of a Gambit file, and its nodes."""
    sharp = _precision(words)
    prepare()
    tree = small(loaded, view, rounds, precision=sharp, scaled=scaled, most_nodes=most_nodes)
    return write_efg(tree), len(tree.nodes)
