"""What each mechanism does to the endings: on against off, on the same draws and random numbers.

Effects are chances with the mechanism on minus chances with it off, each side in its own view; a lever's effect is with
it minus without. Solutions that a switch leaves as they are are found, not solved again. For mechanisms that act after
an ending, so is the chance that somebody who is left out of power fights, by the exit of the leader.
"""

from collections.abc import Callable, Sequence

import numpy as np
import xarray as xr

from standoff import __version__
from standoff.case.crisis import Case
from standoff.case.load import LoadedCase
from standoff.case.number import Shift
from standoff.simulate import draws as drawing
from standoff.simulate.arms import Kept, arm, chances, each, status
from standoff.simulate.course import Course, steered
from standoff.simulate.ending import ENDINGS
from standoff.simulate.mechanism import LEVERS, MECHANISMS, Mechanism, touched, with_views_cut
from standoff.simulate.sequel import follow
from standoff.simulate.setup import SIDES, Plan, plan, share_form

SCHEMA = "standoff-mechanisms/2"
EXITS = ("agreed_exit", "flight", "captured", "coup")
"""Exits after which something is measured: those that `sequel` follows, captured and killed being alike."""
DRAWS = 8
Progress = Callable[[str, float], None]


def mechanisms(
    loaded: LoadedCase, *, draws: int = DRAWS, replications: int | None = None, seed: int = 1, workers: int = 2,
    progress: Progress = lambda stage, share: None, ask: Sequence[Mechanism] = (*MECHANISMS, *LEVERS),
) -> xr.Dataset:  # fmt: skip
    """Effect of every mechanism and lever on the chance of every ending.

    Args:
        loaded: The case.
        draws: Draws of the numbers, those of a run with as many.
        replications: Crises for each draw; by default the case's.
        seed: Of every draw.
        workers: Draws at a time.
        progress: Told the stage and the share that is done.
        ask: Which mechanisms.

    Returns:
        `difference` by mechanism, ending and draw; `present` (whether the case has it); `fights` by mechanism, exit and
        draw (not a number where a mechanism does not act after an ending); coordinates tell title, claim, module,
        asserted signs and note.
    """
    case = loaded.case
    size = replications or case.solver.replications
    progress("compiling the world's chains", 0.02)
    main = plan(case, seed=seed, count=draws)
    centre = {path: number.centre for path, number in drawing.numbers(case).items()}
    plans: list[Plan | None] = []
    for one in ask:
        fixed, there = touched(case, one, centre)
        plans.append(_switched(case, one, fixed, main) if there else None)
        if (made := plans[-1]) is not None:
            progress(f"compiling the world's chains ({one.id}, {one.title})", 0.02 + 0.08 * len(plans) / len(ask))
            made.reach()
    every = [main, *(made for made in plans if made is not None)]
    share_form(every)
    for made in every:
        for view in (None, *(made.view(side) for side in SIDES)):
            made.sheet(view)
    caches = [Kept(most=2 * len(every), narrow=True) for _ in range(draws)]

    def beside(base: np.ndarray, one: Mechanism, draw: int, kept: Kept) -> np.ndarray:
        return base if one.against is None else _chances(main, draw, size, kept, one.against)

    def work(draw: int) -> np.ndarray:
        kept = caches[draw]
        base = _chances(main, draw, size, kept)
        rows = [
            np.zeros_like(base)
            if made is None
            else beside(base, one, draw, kept) - _chances(made, draw, size, kept, one.course)
            for one, made in zip(ask, plans, strict=True)
        ]
        kept.clear()
        return np.stack(rows)

    found = each(range(draws), work, workers=workers, progress=progress, stage="solving and playing", span=(0.1, 0.99))
    sign = np.array([-1.0 if one.lever else 1.0 for one in ask])[:, None]
    change = np.stack(found, axis=-1) * sign[..., None]
    return effects(ask, change, plans, _fights(ask, main, plans)).assign_attrs(
        schema=SCHEMA, case=case.crisis.id, title=case.crisis.title, digest=loaded.digest, version=__version__,
        seed=seed, draws=draws, replications=size, status=status(caches),
    )  # fmt: skip


def _switched(case: Case, one: Mechanism, fixed: dict[str, float], main: Plan) -> Plan:
    """The case with a mechanism off, or a lever on, for the draws of `main`."""
    cut = with_views_cut(case, one)
    if one.side is None:
        return plan(cut, seed=main.seed, count=main.count, fixed=fixed, beside=main)
    view = case.view_of(one.side)  # type: ignore[arg-type]
    shifts = {path: Shift.model_validate({"value": value}) for path, value in fixed.items()}
    overlays = {view.id: shifts} if view is not None else {}
    return plan(cut, seed=main.seed, count=main.count, overlays=overlays, beside=main)


def _chances(
    made: Plan, draw: int, size: int, kept: Kept, course: Callable[[Case], Course | None] | None = None
) -> np.ndarray:
    one = arm(made, draw, kept)
    steps = course(made.case) if course is not None else None
    minds = one.meeting.minds if steps is None else steered(made.form, one.meeting.minds, steps)
    return chances(one.codes(one.play(one.paths(size, draw), draw, minds=minds), draw))


def _fights(ask: Sequence[Mechanism], main: Plan, plans: Sequence[Plan | None]) -> np.ndarray:
    """Chance that somebody left out of power fights, on minus off: axes mechanism, exit, draw."""

    def after(made: Plan) -> np.ndarray:
        found = follow(made.case, made.sheet(None).values)
        return np.stack([np.asarray(found[exit].conflict) for exit in EXITS])

    found = np.full((len(ask), len(EXITS), main.count), np.nan)
    base = None
    for k, (one, made) in enumerate(zip(ask, plans, strict=True)):
        if made is None or one.fights is None or not made.case.world.successors:
            continue
        base = after(main) if base is None else base
        found[k] = base - after(made)
    return found


def effects(
    ask: Sequence[Mechanism], change: np.ndarray, plans: Sequence[Plan | None], fights: np.ndarray
) -> xr.Dataset:
    """The table of effects: means, 95% intervals over the draws, and what is clear of the whole table's errors.

    Args:
        ask: Mechanisms and levers.
        change: Change of the chance of every ending (axes mechanism, ending, draw).
        plans: The case with each switched; None where the case has it not.
        fights: Change of the chance that somebody left out fights (axes mechanism, exit, draw); not a number where
            none is measured.
    """
    from scipy import stats  # type: ignore[import-untyped]

    count = change.shape[-1]
    present = np.array([made is not None for made in plans])
    spread = change.std(-1, ddof=1) / np.sqrt(count)
    level = float(stats.t.isf(0.025, max(count - 1, 1)))
    tests = int(present.sum()) * len(ENDINGS)
    whole = float(stats.t.isf(0.025 / max(tests, 1), max(count - 1, 1)))

    def words(name: str) -> tuple[str, np.ndarray]:
        return ("mechanism", np.array([str(getattr(one, name)) for one in ask], dtype=object))

    asserted = np.array([[one.asserted.get(ending, "") for ending in ENDINGS] for one in ask], dtype=object)
    mean = change.mean(-1)
    axes = ("mechanism", "ending")
    later = ("mechanism", "exit")
    middle, wide = fights.mean(-1), level * fights.std(-1, ddof=1) / np.sqrt(count)
    said = np.array([str(one.fights or "") for one in ask], dtype=object)
    return xr.Dataset(
        {
            "difference": ((*axes, "draw"), change, {"units": "probability"}),
            "mean": (axes, mean, {"units": "probability"}),
            "low": (axes, mean - level * spread, {"long_name": "95% interval over the draws"}),
            "high": (axes, mean + level * spread, {"long_name": "95% interval over the draws"}),
            "clear": (axes, np.abs(mean) > whole * spread, {"long_name": "clear of the whole table's errors"}),
            "present": ("mechanism", present),
            "fights": ((*later, "draw"), fights, {"units": "probability that somebody left out fights"}),
            "fights_mean": (later, middle, {"units": "probability"}),
            "fights_low": (later, middle - wide, {"long_name": "95% interval over the draws"}),
            "fights_high": (later, middle + wide, {"long_name": "95% interval over the draws"}),
        },
        coords={
            "mechanism": words("id")[1], "ending": np.array(ENDINGS, dtype=object), "draw": np.arange(count),
            "name": words("title"), "claim": words("claim"), "source": words("source"), "note": words("note"),
            "lever": ("mechanism", np.array([one.lever for one in ask])), "asserted": (axes, asserted),
            "exit": np.array(EXITS, dtype=object), "fights_asserted": ("mechanism", said),
        },
        attrs={"intervals": tests, "false_alarms": 0.05 * tests},
    )  # fmt: skip
