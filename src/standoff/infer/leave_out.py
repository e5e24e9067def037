"""Which source and which event carry how much: the posterior without each of them in turn.

A sample of the posterior's draws is watched again with the reports of one origin, or one event, left out; a draw then
weighs L without it / L with it (importance weights; Gelfand, Dey & Chang 1992), L summed over tellings, views and
types. The same random numbers decide about everything else, so that differences are paired. Where few draws carry the
weight (`effective`), the posterior without that piece is another one altogether, and its numbers are rough.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import xarray as xr

from standoff.errors import UserError
from standoff.infer.evaluate import Evaluator
from standoff.infer.evidence import Evidence, Without
from standoff.infer.likelihood import Group
from standoff.infer.posterior import Inferred, text, view_prior
from standoff.infer.summary import ALL, levels
from standoff.simulate.setup import SIDES

DRAWS, TELLINGS = 64, 32
ROUGH = 20.0
"""Effective draws below which a row is marked as rough."""


@dataclass(frozen=True)
class Piece:
    """A piece of the record: an event, or all reports of an origin."""

    kind: str
    id: str
    title: str
    without: Without


def pieces(inferred: Inferred, case_evidence: Evidence) -> list[Piece]:
    """Every event that is a move, and every origin that is declared in the case and reports one."""
    case = case_evidence.case
    found = []
    steps = [step for telling in inferred.tellings for both in telling.steps for step in both.values()]
    counted = {step.event for step in steps if step is not None}
    for event in case.events:
        move = event.move is not None or any(account.move is not None for account in event.accounts)
        if event.id in case_evidence.reports and event.id in counted and move and event.ends is None:
            found.append(Piece("event", event.id, event.title, Without(events=frozenset([event.id]))))
    moved = {event.id for event in case.events if event.move or event.accounts}
    heard = {o for event, origins in case_evidence.reports.items() if event in moved for o in origins}
    for origin in case.origins:
        if origin.id in heard:
            found.append(Piece("source", origin.id, origin.name, Without(origins=frozenset([origin.id]))))
    press = frozenset(o for o in heard if o.startswith("source: "))
    if press:
        title = "all public sources that are no document of the case"
        found.append(Piece("source", "public-sources", title, Without(origins=press)))
    return found


def leave_out(
    inferred: Inferred,
    *,
    until: object = None,
    draws: int = DRAWS,
    tellings: int = TELLINGS,
    progress: Callable[[str, float], None] = lambda stage, share: None,
) -> xr.Dataset:
    """The posterior without each event and each source.

    Args:
        inferred: The posterior with all of them.
        until: The last day that is known.
        draws: Draws of the posterior that are watched again.
        tellings: Tellings of each version of the record.
        progress: Told the stage and the share that is done.

    Returns:
        By piece: changes of the numbers' means in prior standard deviations (`number`), of the chances that each side
        is firm and holds its own view, of what each believes at the last round, of the log evidence; effective draws.
    """
    base = inferred.evaluator
    evidence = Evidence(base.loaded.case, until)  # type: ignore[arg-type]
    every = pieces(inferred, evidence)
    groups, kept, impossible = [Group(ALL, tuple(evidence.tellings(tellings, base.seed)))], [], []
    over = groups[0].tellings[0].cut if until is None else None
    for piece in every:
        try:
            less = Evidence(base.loaded.case, until, piece.without, over)  # type: ignore[arg-type]
            groups.append(Group(f"{piece.kind} {piece.id}", tuple(less.tellings(tellings, base.seed))))
            kept.append(piece)
        except UserError:  # the rest cannot be played without it
            impossible.append(piece.title)
    every = kept
    weight = np.exp(inferred.bank.log_weights())
    mass = np.cumsum(weight)
    index = np.minimum(np.searchsorted(mass, (np.arange(draws) + 0.5) / draws * mass[-1]), len(mass) - 1)
    again = Evaluator(
        base.loaded, base.parameters, tuple(groups), levels, seed=base.seed, nodes=base.nodes, workers=base.workers,
        keep=base.keep, done=lambda count: progress(f"leaving pieces out ({count} of {draws} draws)", count / draws),
    )  # fmt: skip
    points = inferred.bank.u[index]
    rows = again.stacked(points)
    held = tuple(base.loaded.case.view_of(side) is not None for side in SIDES)  # type: ignore[arg-type]
    prior = view_prior((held[0], held[1]))[None, None, :, :, None, None] * rows["joint"][:, None, None, None]
    with np.errstate(divide="ignore"):
        level = rows["last"] + np.log(prior)
    top = level.max((2, 3, 4, 5), keepdims=True)
    share = np.exp(level - top)
    total = np.log(share.sum((2, 3, 4, 5))) + top[:, :, 0, 0, 0, 0]  # draw, group
    share = share / share.sum((2, 3, 4, 5), keepdims=True)
    ratio = total - total[:, :1]
    w = np.exp(ratio - ratio.max(0, keepdims=True))
    w = w / w.sum(0)
    distinct = np.unique(index, return_inverse=True)[1]
    mass = np.stack([np.bincount(distinct, weights=w[:, g]) for g in range(w.shape[1])], axis=1)
    values = np.stack([p.at(points[:, i]) for i, p in enumerate(base.parameters)], axis=1)
    spread = inferred.tree["numbers"]["prior_sd"].values
    quantities = {
        "firm": np.stack([share.sum((2, 3, 5))[..., 1], share.sum((2, 3, 4))[..., 1]], -1),
        "own_view": np.stack([share.sum((3, 4, 5))[..., 0], share.sum((2, 4, 5))[..., 0]], -1),
        "believes": np.stack([rows["belief"][:, :, 0, 1], rows["belief"][:, :, 1, 0]], -1),
    }  # draw, group, side
    found = {name: np.einsum("dg,dgs->gs", w, each) for name, each in quantities.items()}
    means = w.T @ values / spread
    first = {name: each[1:] - each[:1] for name, each in found.items()}
    errors = {
        f"{name}_error": np.stack([_error(each[:, g], each[:, 0], w[:, g]) for g in range(1, len(groups))])
        for name, each in quantities.items()
    }
    scaled = values / spread
    shift_error = np.stack([_error(scaled, scaled, w[:, g]) for g in range(1, len(groups))])
    rows_of = [f"{piece.kind} {piece.id}" for piece in every]
    return xr.Dataset(
        {
            "shift": (("piece", "number"), means[1:] - means[:1], {"units": "prior standard deviations"}),
            "shift_error": (("piece", "number"), shift_error, {"long_name": "standard error"}),
            **{name: (("piece", "side"), each, {"units": "probability"}) for name, each in first.items()},
            **{name: (("piece", "side"), each, {"long_name": "standard error"}) for name, each in errors.items()},
            "with_all": (("quantity", "side"), np.stack([found[name][0] for name in found])),
            "evidence": ("piece", -np.log(np.exp(ratio - ratio.max(0)).mean(0))[1:] - ratio.max(0)[1:],
                         {"long_name": "log evidence with it less without it"}),
            "effective": ("piece", (1 / (mass**2).sum(0))[1:], {"units": "draws"}),
        },
        coords={
            "piece": text(rows_of), "title": ("piece", text([p.title for p in every])),
            "kind": ("piece", text([p.kind for p in every])), "side": text(SIDES),
            "number": text([p.name for p in base.parameters]), "quantity": text(list(found)),
        },
        attrs={"draws": draws, "tellings": tellings, "rough": ROUGH, "impossible": impossible},
    )  # fmt: skip


def _error(without: np.ndarray, before: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Standard error of a weighted mean less a plain one, over the same draws (first axis; delta method)."""
    draws = len(weight)
    mean = weight @ without
    influence = draws * weight[:, None] * (without - mean) - (before - before.mean(0))
    return np.asarray(influence.std(0, ddof=1) / np.sqrt(draws))
