"""Equilibria of the crisis-signaling game, printed or written."""

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
from scipy import special  # type: ignore[import-untyped]

from standoff.errors import UserError
from standoff.estimate.equilibria import Equilibria, enumerate_all
from standoff.estimate.points import PayoffPoints, payoff_points
from standoff.estimate.table import read_table

MODELS = ("signaling",)
MOST_ROWS = 60
"""Rows that a terminal gets, unless it asks for all."""


def run(path: Path, model: str = "signaling") -> tuple[PayoffPoints, Equilibria]:
    """Read games from a table and enumerate their equilibria.

    Raises:
        UserError: the table is not as it must be, or the model is not known.
    """
    if model not in MODELS:
        raise UserError(f"'{model}' is no model whose equilibria are enumerated. Known: {', '.join(MODELS)}.")
    points = payoff_points(read_table(path))
    return points, enumerate_all(points.payoffs)


def as_dict(points: PayoffPoints, found: Equilibria) -> dict[str, Any]:
    """For scripts: each game with its equilibria, ascending in p_resist."""
    games = []
    for game, case in enumerate(points.cases):
        count = int(found.count[game])
        probit = found.probit[game, :count]
        games.append(
            {
                "case": case,
                "p_resist": special.ndtr(probit).tolist(),
                "stable": found.stable[game, :count].tolist(),
                "logit_resist": _logit(probit).tolist(),
                "log_challenge": found.log_challenge[game, :count].tolist(),
                "log_firm": found.log_firm[game, :count].tolist(),
                "slope": found.slope[game, :count].tolist(),
                "on_edge": found.on_edge[game, :count].tolist(),
                "corner": bool(found.corner[game]),
            }
        )
    return {"model": MODELS[0], "games": games}


def _logit(probit: np.ndarray) -> np.ndarray:
    """Log-odds of Φ(probit), finite wherever a number holds them."""
    return np.asarray(np.clip(special.log_ndtr(probit) - special.log_ndtr(-probit), -1e300, 1e300))


HEAD = ("case", "equilibrium", "p_challenge", "p_resist", "p_firm", "stable", "note")


def rows(points: PayoffPoints, found: Equilibria) -> list[tuple[str, ...]]:
    """A row for each equilibrium; the corner is one too."""
    out: list[tuple[str, ...]] = []
    for game, case in enumerate(points.cases):
        for root in range(int(found.count[game])):
            chances = np.exp([found.log_challenge[game, root], found.log_firm[game, root]])
            note = "touches, or two within rounding" if found.on_edge[game, root] else ""
            resist = special.ndtr(found.probit[game, root])
            out.append(
                (
                    str(case), str(root + 1), _number(chances[0]), _number(resist), _number(chances[1]),
                    "edge" if found.on_edge[game, root] else "yes" if found.stable[game, root] else "no", note,
                )
            )  # fmt: skip
        if found.corner[game]:
            out.append((str(case), "corner", "0", "0", "0", "", "no challenge, no resistance"))
    return out


def _number(value: float) -> str:
    return f"{value:.6g}"


def lines(points: PayoffPoints, found: Equilibria, *, whole: bool = False) -> list[str]:
    """For a terminal: what there is in all, and a table."""
    several = int((found.count > 1).sum())
    total = len(points.cases)
    out = [
        f"{total} game{'s' if total != 1 else ''}: "
        + ", ".join(f"{int(n)} with {k}" for k, n in enumerate(np.bincount(found.count)) if n)
        + f" equilibri{'a' if several or (found.count == 0).any() else 'um'} in which A may challenge."
    ]
    if found.corner.any():
        out.append(
            f"In {int(found.corner.sum())} there is also the corner: A never challenges, and B, who would take a "
            "challenge for a bluff that is called off, never resists."
        )
    if found.on_edge.any():
        out.append(f"{int(found.on_edge.sum())} equilibria are on the edge: two meet there to within rounding.")
    table = rows(points, found)
    shown = table if whole else table[:MOST_ROWS]
    widths = [max(len(row[k]) for row in [HEAD, *shown]) for k in range(len(HEAD))]
    out.append("")
    for row in [HEAD, *shown]:
        out.append(
            "  ".join(
                f"{cell:<{w}}" if k in (0, 6) else f"{cell:>{w}}"
                for k, (cell, w) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
        )
    if len(shown) < len(table):
        out.append(f"... and {len(table) - len(shown)} more; --all shows them.")
    out += ["", "stable: under best response; a small error in what B is thought to do dies out."]
    return out


def as_csv(points: PayoffPoints, found: Equilibria) -> str:
    """A row for each equilibrium, with all digits."""
    text = io.StringIO()
    names = ("p_resist", "stable", "logit_resist", "log_challenge", "log_firm", "slope", "on_edge")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["case", "equilibria", "equilibrium", *names, "corner"])
    for game in as_dict(points, found)["games"]:
        count = len(game["p_resist"])
        for root in range(count):
            writer.writerow([game["case"], count, root + 1, *(game[name][root] for name in names), game["corner"]])
        if not count:
            writer.writerow([game["case"], 0, "", *("" for _ in names), game["corner"]])
    return text.getvalue()
