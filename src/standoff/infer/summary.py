"""What is kept of every draw of the inferred numbers: likelihoods by round, beliefs, gaps, types, deals.

All of a draw is seen in the light of the whole record: tellings and types are weighted by the likelihood of all moves
on it (smoothing), so that a belief in November counts what was learnt of the believer until January. What a side would
have done, and was expected to do, is 0 for all moves in a round in which it did not get to move.
"""

from collections.abc import Mapping

import numpy as np

from standoff.game.ladder import COERCER_MOVES, TARGET_MOVES
from standoff.infer.evaluate import Row
from standoff.infer.likelihood import VIEWS, Watch, Watched, by_round, deal, joint, onwards, path_weights, worth
from standoff.simulate.setup import SIDES, Plan

MOVES = {"coercer": COERCER_MOVES, "target": TARGET_MOVES}
TENABLE = np.log(10.0)
"""Log Bayes factor against a view beyond which it is called untenable (10: strong, Jeffreys 1961)."""
ALL = "all"
"""Name of the group of tellings of the whole record."""


def whole(plan: Plan, draw: int, seen: Mapping[str, Watched], record: Watch) -> Row:
    """Everything that `infer` reports of a draw; `setting` is `own` or `base`, as in `likelihood.VIEWS`."""
    span = record.spans[ALL]
    prior = joint(plan, draw)
    found: Row = {"levels": by_round(seen, span).astype(np.float64), "joint": prior}
    for name, one in seen.items():
        weight = path_weights(one, span, prior)
        path = weight.sum((0, 1))
        found[f"{name}.belief"] = one.belief[..., span] @ path
        for i, side in enumerate(SIDES):
            kinds = weight.sum(1 - i)  # type, path
            there = one.moved[side][:, span]
            share = np.maximum(there @ path, 1e-12)[:, None]
            expected = np.einsum("npm,np,p->nm", one.expected[side][:, span], there, path) / share
            own = np.einsum("nptm,np,tp->nm", one.own[side][:, span], there, kinds) / share
            found[f"{name}.expected.{side}"] = _by_move(plan, side, expected)
            found[f"{name}.own.{side}"] = _by_move(plan, side, own)
        found[f"{name}.types"] = weight.sum(2)
        found[f"{name}.factor"] = one.factor[..., span] @ path
        found[f"{name}.untenable"] = (one.factor[..., span] > TENABLE) @ path
        found[f"{name}.dropped"] = one.dropped[..., span] @ path
        found[f"{name}.deal"] = deal(one, worth(plan, name, draw), weight, span)
    return found


def _by_move(plan: Plan, side: str, chance: np.ndarray) -> np.ndarray:
    """Chances (axes round, move) with a place for every class of move, also those that this game lacks."""
    found = np.zeros((len(chance), len(MOVES[side])))
    for k, move in enumerate(plan.form.stages[plan.form.stage(side)].moves):
        found[:, MOVES[side].index(move)] = chance[:, k]
    return found


def levels(plan: Plan, draw: int, seen: Mapping[str, Watched], record: Watch) -> Row:
    """Log-likelihoods of every group of tellings at its last round, and what stands out under each.

    Axes of `last`: group, coercer's view, target's view, coercer's type, target's type; of `belief`: group, mind,
    about.
    """
    prior = joint(plan, draw)
    last, belief = [], []
    for span in record.spans.values():
        last.append(by_round(seen, span)[-1])
        path = path_weights(seen["own"], span, prior).sum((0, 1))
        over = max(group_cut(record, span) - 1, 0)
        belief.append(seen["own"].belief[over, ..., span] @ path)
    return {"last": np.stack(last), "joint": prior, "belief": np.stack(belief)}


def ahead(plan: Plan, draw: int, seen: Mapping[str, Watched], record: Watch) -> Row:
    """Log-likelihoods of every group, and the chances of the endings by the end of each round from where it stops.

    Axes of `chance`: setting, group, round, ending; of `paths`: setting, group.
    """
    prior = joint(plan, draw)
    found: Row = {"joint": prior, "last": np.stack([by_round(seen, span)[-1] for span in record.spans.values()])}
    chance, paths = [], []
    for name in VIEWS:
        rows = []
        for group, span in zip(record.groups, record.spans.values(), strict=True):
            cut = np.array([telling.cut for telling in group.tellings])
            rows.append(onwards(seen[name], span, cut, plan.rounds))
        chance.append(np.stack([row[0] for row in rows]))
        paths.append(np.array([row[1] for row in rows]))
    return found | {"chance": np.stack(chance), "paths": np.stack(paths)}


def group_cut(record: Watch, span: slice) -> int:
    """Rounds on record in a group: the most of its tellings."""
    start = 0
    for group in record.groups:
        if start == span.start:
            return max(len(telling.steps) for telling in group.tellings)
        start += len(group.tellings)
    raise KeyError(span)
