"""Counterfactuals: what would have come about with another number, view or move, on the same random numbers.

Two arms, *before* and *after*, share draws, types and random numbers, so that their differences are paired. With a
date, both follow the case's record up to the round of that date (moves as given, removal from within switched off, as
it did not happen) and play on freely from there; the overlay holds from that round on, and both arms' types are drawn
from what the record leaves likely: the joint prior of the types times the likelihood of the record under each side's
own strategy, silent rounds tempered by the case's weight of silence.

For an ending with code difference x[d, r] (after minus before, 0 or 1 each) of crisis r of draw d:

    difference = mean of x,    error = 2 sd_d(mean_r x) / sqrt(D),    Monte Carlo part = 2 sqrt(sum_d var_r(x) / R) / D.

The error holds the Monte Carlo part. Tables of many intervals err together: with K of them, each excluding 0 by chance
with probability p = 2 P(t_{D-1} > 2), at least one does so with probability 1 - (1 - p)^K if they were independent.
`clear` marks differences beyond what the whole table would show by chance in one of twenty cases (Bonferroni 1936).
"""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import jax.numpy as jnp
import numpy as np
import xarray as xr

from standoff import __version__
from standoff.case.crisis import Case
from standoff.case.load import LoadedCase
from standoff.errors import UserError
from standoff.game.form import Form, Payoffs, Stage
from standoff.game.play import Given, Later, Mind, Minds, Paths, follow
from standoff.simulate.arms import Arm, Kept, Off, Progress, arm, each, key, status, stream
from standoff.simulate.ensemble import without_removal
from standoff.simulate.overlay import Counterfactual, Made, counterfactual, require_round, split
from standoff.simulate.payoffs import joint_prior, playable
from standoff.simulate.record import Record, given, record, require_playable
from standoff.simulate.results import ENDINGS
from standoff.simulate.setup import SIDES, Plan, plan, share_form

SCHEMA = "standoff-whatif/1"
BEFORE = "before"
RETYPE = 11
"""Purpose of the random numbers that draw types after a record."""
SURE = 1e4
"""What is added to the log chance of a move that is made."""


def whatif(
    loaded: LoadedCase,
    overlays: Sequence[Counterfactual] | Mapping[str, Sequence[str]],
    *,
    start: dt.date | None = None,
    draws: int | None = None,
    replications: int | None = None,
    seed: int = 1,
    workers: int = 2,
    progress: Progress = lambda stage, share: None,
) -> xr.Dataset:
    """Chances of the endings before and after each counterfactual, and their paired differences.

    Args:
        loaded: The case.
        overlays: Counterfactuals, or by name what each sets, as words (see `overlay`).
        start: The day from which on things are otherwise; until then the record is followed.
        draws: Draws of the numbers; by default the case's.
        replications: Crises for each draw; by default the case's.
        seed: Of every draw.
        workers: Draws at a time.
        progress: Told the stage and the share that is done.

    Returns:
        `ending` and `round` of every crisis by arm, and by counterfactual and ending `before`, `after`, `difference`,
        `error` (two standard errors over the draws), `monte_carlo` (the part of it that more crises would remove) and
        `clear`.
    """
    case = loaded.case
    if isinstance(overlays, Mapping):
        overlays = [counterfactual(case, name, [split(text) for text in texts]) for name, texts in overlays.items()]
    count, size = draws or case.solver.draws, replications or case.solver.replications
    along, turn = until(case, start)
    for one in overlays:
        require_possible(case, one, along, turn)
    progress("compiling the world's chains", 0.02)
    main = plan(case, seed=seed, count=count)
    main.reach()
    plans = [plan(case, seed=seed, count=count, overlays=one.shifts, beside=main) if one.shifts else main
             for one in overlays]  # fmt: skip
    form = share_form([main, *plans], wide=True)
    for one in overlays:
        for made in one.moves:
            require_move(form, made)
    offs: list[Off] = [{}, *(one.off for one in overlays)]
    for made_plan, off in zip([main, *plans], offs, strict=True):
        made_plan.sheet(None)
        for side in SIDES:
            made_plan.sheet(made_plan.view(side), off.get(side, ()))
    caches = [Kept(narrow=True, begun=main if turn else None) for _ in range(count)]

    def work(draw: int) -> tuple[np.ndarray, np.ndarray]:
        found = _draw(main, list(zip(plans, overlays, strict=True)), along, turn, draw, size, caches[draw])
        caches[draw].clear()
        return found

    rows = each(range(count), work, workers=workers, progress=progress, stage="solving and playing", span=(0.1, 0.99))
    found = effects(np.stack([r[0] for r in rows], axis=1), np.stack([r[1] for r in rows], axis=1), overlays)
    day = case.crisis.starts + dt.timedelta(days=turn * case.crisis.round_days)
    return found.assign_attrs(
        schema=SCHEMA, case=case.crisis.id, title=case.crisis.title, digest=loaded.digest, version=__version__,
        seed=seed, draws=count, replications=size, **{"from": day.isoformat() if turn else ""}, round=turn + 1,
        settings=json.dumps({one.name: list(one.asked) for one in overlays}), status=status(caches),
    )  # fmt: skip


def effects(code: np.ndarray, when: np.ndarray, overlays: Sequence[Counterfactual]) -> xr.Dataset:
    """The table of differences, from the endings' codes and rounds (axes arm, draw, crisis; arm 0 is *before*)."""
    from scipy import stats  # type: ignore[import-untyped]

    arms, count, size = code.shape
    names = [one.name for one in overlays]
    chance = np.stack([(code == k).mean(-1) for k in range(len(ENDINGS))], axis=1)  # arm, ending, draw
    change = chance[1:] - chance[:1]
    sd = change.std(-1, ddof=1) if count > 1 else np.full(change.shape[:2], np.nan)
    spread = sd / np.sqrt(count)
    noise = np.stack(
        [((code[1:] == k).astype(float) - (code[:1] == k)).var(-1, ddof=1) / size for k in range(len(ENDINGS))], axis=1
    )
    tests = (arms - 1) * len(ENDINGS)
    single = float(2 * stats.t.sf(2, max(count - 1, 1)))
    limit = float(stats.t.isf(0.025 / tests, max(count - 1, 1)))
    mean = change.mean(-1)
    axes = ("counterfactual", "ending")
    asked = [json.dumps(list(one.asked), ensure_ascii=False) for one in overlays]
    return xr.Dataset(
        {
            "code": (("arm", "draw", "replication"), code, {"long_name": "index into the endings"}),
            "round": (("arm", "draw", "replication"), when, {"long_name": "round of the ending, from 0"}),
            "before": (axes, np.repeat(chance[:1].mean(-1), arms - 1, axis=0), {"units": "probability"}),
            "after": (axes, chance[1:].mean(-1), {"units": "probability"}),
            "difference": (axes, mean, {"units": "probability"}),
            "error": (axes, 2 * spread, {"units": "probability"}),
            "monte_carlo": (axes, 2 * np.sqrt(noise.sum(-1)) / count, {"units": "probability"}),
            "clear": (axes, np.abs(mean) > limit * spread),
        },
        coords={
            "arm": np.array([BEFORE, *names], dtype=object), "draw": np.arange(count),
            "counterfactual": np.array(names, dtype=object), "ending": np.array(ENDINGS, dtype=object),
            "asked": ("counterfactual", np.array(asked, dtype=object)),
        },
        attrs={"intervals": tests, "false_alarm_one": single, "false_alarm": float(1 - (1 - single) ** tests)},
    )  # fmt: skip


def until(case: Case, start: dt.date | None) -> tuple[Record, int]:
    """The record up to the round of a day, and that round."""
    found = record(case)
    if start is None:
        return Record((), None), 0
    turn = require_round(case, f"--from {start}", start)
    last = len(found.turns) - (found.ending is not None)
    if turn > last:
        day = case.crisis.starts + dt.timedelta(days=(last + 1) * case.crisis.round_days - 1)
        raise UserError(f"--from {start}: the record that paths follow ends before. Name a day up to {day}.")
    cut = Record(found.turns[:turn], None)
    require_playable(case, cut)
    return cut, turn


def require_possible(case: Case, one: Counterfactual, along: Record, turn: int) -> None:
    """Refuse what cannot do what is meant: beliefs reset after the start, moves before the overlay, unplayable moves.

    Beliefs at the day on which an overlay begins follow from the record; a prior has done its work by then.
    """
    for made in one.moves:
        if made.round < turn:
            day = case.crisis.starts + dt.timedelta(days=made.round * case.crisis.round_days)
            raise UserError(f"'{one.name}': a move falls before --from. Give --from {day} or an earlier day.")
        if made.round == turn and turn:
            _require_here(case, one, made, along)
    if not turn:
        return
    paths = [path for shifts in one.shifts.values() for path in shifts]
    for side, ids in one.off.items():
        view = case.view_of(side)  # type: ignore[arg-type]
        paths += [path for d in view.differences if d.id in ids for path in d.set] if view else []
    for path in paths:
        if path.startswith("parameters.prior."):
            raise UserError(
                f"'{one.name}': {path} is what is believed before the first round, and by --from the record has moved "
                "it. Leave out --from, or change another number."
            )


def _require_here(case: Case, one: Counterfactual, made: Made, along: Record) -> None:
    """The move of the round at which paths leave the record must be possible where the record then stands."""
    from standoff.simulate.record import QUIET, Half, Option, Turn

    quiet = {side: Half((Option(QUIET[side], 1.0),), None, ()) for side in SIDES}
    halves = quiet | {made.side: Half((Option(made.move, 1.0),), None, ())}
    day = case.crisis.starts + dt.timedelta(days=made.round * case.crisis.round_days)
    if made.move.move == "accept" and made.side == "target":
        return  # what is on the table in this round is the other side's choice
    try:
        require_playable(case, Record((*along.turns, Turn(made.round, day, day, halves)), None))
    except UserError as error:
        raise UserError(f"'{one.name}': this move cannot be made then. {error}") from error


def require_move(form: Form, made: Made) -> None:
    """Refuse a move that the game does not have."""
    stage = form.stages[form.stage(made.side)]
    if made.move.move not in stage.moves:
        raise UserError(
            f"moves.{made.side}: '{made.move.move}' is no move of this game. It has {', '.join(stage.moves)}."
        )


def _draw(
    main: Plan,
    others: Sequence[tuple[Plan, Counterfactual]],
    along: Record,
    turn: int,
    draw: int,
    size: int,
    kept: Kept,
) -> tuple[np.ndarray, np.ndarray]:
    """One draw in all arms: codes and rounds of the endings (axes arm, crisis)."""
    before = arm(main, draw, kept)
    told, quiet, paths = None, before.world, before.paths(size, draw)
    if turn:
        told, quiet, paths = follow_record(before, along, turn, paths, size)
    found = [endings_of(before, before.meeting.minds, before, told, quiet, turn, paths)]
    for other, one in others:
        after = arm(other, draw, kept, one.off)
        minds = with_moves(other, after.meeting.minds, one.moves)
        begin = paths if turn else after.paths(size, draw)
        found.append(endings_of(after, minds, before, told, quiet, turn, begin))
    return np.stack([f[0] for f in found]), np.stack([f[1] for f in found])


def endings_of(
    one: Arm, minds: Minds, before: Arm, told: Given | None, quiet: Payoffs, turn: int, paths: Paths
) -> tuple[np.ndarray, np.ndarray]:
    """Codes and rounds of the endings of an arm's crises.

    Without moves on record (`told`) they are its own from the start; with them the minds of *before* follow these in
    the `quiet` world up to the round `turn`, and the arm's own `minds` go on in its world.
    """
    if told is None:
        done = one.play(paths, one.draw, minds=minds)
    else:
        later: Later = ((turn, minds, one.world),)
        done = one.play(paths, one.draw, minds=before.meeting.minds, world=quiet, given=told, later=later)
    return one.codes(done, one.draw).astype(np.int8), np.asarray(done.round).astype(np.int16)


def follow_record(one: Arm, along: Record, turn: int, paths: Paths, size: int) -> tuple[Given, Payoffs, Paths]:
    """The record as moves, the world without removal, and paths with the types that the record leaves likely."""
    draw, made = one.draw, one.plan
    silence = float(made.sheet(None).values["parameters.silence_weight"][draw])
    told = given(made.case, made.form, along, rounds=made.rounds, count=size, silence=silence, seed=made.seed + draw)
    quiet = without_removal(one.world)
    seen = follow(key(made, draw), made.form, one.meeting.minds, quiet, paths, told, rounds=turn)
    ratio = np.zeros((2, size))
    for n in range(turn):
        for index, stage in enumerate(made.form.stages):
            move = np.asarray(told.move[n, index])
            chance = np.asarray(seen.own[index][n])
            picked = np.take_along_axis(chance, np.maximum(move, 0)[:, None, None], axis=2)[..., 0]
            change = np.log(np.maximum(picked[:, 1], 1e-300)) - np.log(np.maximum(picked[:, 0], 1e-300))
            made_here = (move >= 0) & np.asarray(seen.moved[index][n])  # a path that has ended makes no move
            ratio[stage.mover] += np.where(made_here, np.asarray(told.weight[n, index]) * change, 0.0)
    sheet = made.sheet(None)
    prior = made.prior(sheet, draw)
    joint = joint_prior(prior[0], prior[1], float(sheet.values["parameters.prior.odds_ratio"][draw]))
    types = retyped(stream(made, draw, RETYPE), joint, ratio)
    return told, quiet, replace(paths, types=jnp.asarray(types))


def retyped(random: np.random.Generator, joint: np.ndarray, ratio: np.ndarray) -> np.ndarray:
    """Types (axes side, path) from their joint prior and each side's log-likelihood ratio, firm against yielding."""
    log = np.log(np.maximum(joint, 1e-300))[..., None]
    log = log + np.stack([0 * ratio[0], ratio[0]])[:, None] + np.stack([0 * ratio[1], ratio[1]])[None]
    weight = np.exp(log - log.max((0, 1))).reshape(4, -1)
    level = np.cumsum(weight / weight.sum(0), axis=0)
    count = ratio.shape[1]
    u = (random.permutation(count) + random.random(count)) / count
    pair = (u[None] > level[:3]).sum(0)
    return np.stack([pair // 2, pair % 2]).astype(np.int32)


def with_moves(made: Plan, minds: Minds, moves: Sequence[Made]) -> Minds:
    """Minds that make certain moves where these can be made, and are taken to have chosen them."""
    found: list[Mind] = list(minds)
    for move in moves:
        for i in range(SIDES.index(move.side), len(found), 2):
            acts = list(found[i].acts or found[i].log_pi)
            for index, stage in enumerate(made.form.stages):
                extra = _extra(made, stage, move)
                if extra is not None:
                    table = jnp.asarray(acts[index])
                    bonus = jnp.asarray(extra[:, None, None, None, :], table.dtype)
                    acts[index] = table.at[move.round].add(jnp.broadcast_to(bonus, table.shape[1:]))
            found[i] = replace(found[i], acts=tuple(acts))
    return tuple(found)


def _extra(made: Plan, stage: Stage, move: Made) -> np.ndarray | None:
    """What is added to the log chances of a stage's moves (axes state, move) so that a move is made."""
    case, word = made.case, move.move
    rungs = [rung.id for rung in case.ladder]
    extra = np.zeros((len(stage.states), len(stage.moves)))
    if stage.name == move.side:
        can: Any = stage.mask[:, stage.moves.index(word.move)]
        if word.rung is not None:
            can = can & (np.array(stage.states)[:, 0] < rungs.index(word.rung))
        extra[:, stage.moves.index(word.move)] = SURE * can
        return extra
    if stage.name == "climb" and word.rung is not None and move.side == "coercer":
        label = str(rungs.index(word.rung))
    elif stage.name == f"{move.side} offer" and word.package is not None:
        label = str([p.id for p in playable(case, move.side)].index(word.package) + 1)
    else:
        return None
    if label not in stage.moves:
        return None
    extra[:, stage.moves.index(label)] = SURE * stage.mask[:, stage.moves.index(label)]
    return extra


__all__ = [
    "BEFORE", "Counterfactual", "counterfactual", "effects", "endings_of", "follow_record", "require_move",
    "require_possible", "retyped", "until", "whatif", "with_moves",
]  # fmt: skip
