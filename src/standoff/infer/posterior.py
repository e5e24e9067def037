"""The posterior given a record: numbers, views, types, beliefs by round, gaps, and what the record could not teach.

Draws of the numbers are weighted (`sampler`); views and types are summed out exactly within each draw, with even odds
that a side holds its own view or the base. The misperception gap of a side in a round is, move by move,

    (what the other side thought that it would do) - (what it would have done),

at the moment of the move, in the light of the whole record.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from standoff import __version__
from standoff.case.crisis import Case
from standoff.case.load import LoadedCase
from standoff.errors import UserError
from standoff.infer import diagnose
from standoff.infer.evaluate import Evaluator, status_of
from standoff.infer.evidence import NOTHING, Evidence, Telling, Without
from standoff.infer.likelihood import VIEWS, Group
from standoff.infer.parameters import Parameter, parameters
from standoff.infer.sampler import DIGITS, Bank, sample
from standoff.infer.summary import ALL, MOVES, whole
from standoff.simulate.setup import SIDES

SCHEMA = "standoff-posterior/1"
DRAWS, TELLINGS, NODES = 768, 64, 7
QUICK = {"draws": 384, "tellings": 32}
CHAINS = 4
KEPT = 1000
"""Equally weighted draws in the group `posterior`."""
BANDS = (0.05, 0.25, 0.5, 0.75, 0.95)
AGAINST = "log Bayes factor of the alternative against the view held"
Progress = Callable[[str, float], None]


@dataclass(frozen=True, eq=False)
class Inferred:
    """A posterior with what it was made of."""

    tree: xr.DataTree
    bank: Bank
    rows: dict[str, np.ndarray]
    parameters: tuple[Parameter, ...]
    tellings: tuple[Telling, ...]
    evaluator: Evaluator


def infer(
    loaded: LoadedCase,
    *,
    until: dt.date | None = None,
    over: Sequence[str] | None = None,
    without: Without = NOTHING,
    draws: int = DRAWS,
    tellings: int = TELLINGS,
    nodes: int = NODES,
    seed: int = 1,
    workers: int = 2,
    progress: Progress = lambda stage, share: None,
    keep: Path | None = None,
) -> Inferred:
    """Infer numbers, views and types from the record of moves.

    Args:
        loaded: The case.
        until: The last day that is known; by default all of the record.
        over: Paths of the numbers (`parameters.parameters`); by default the case's list.
        without: Events and origins that are left out.
        draws: Draws of the numbers, each of which takes a solution of every view.
        tellings: Draws of what may have happened, shared by all draws of the numbers.
        nodes: Nodes of the belief grid on each axis.
        seed: Of everything.
        workers: Draws at a time.
        progress: Told the stage and the share that is done.
        keep: A folder in which finished batches are kept, and looked for first.

    Returns:
        The posterior; its tree holds the groups of `tree`.
    """
    wanted = parameters(loaded.case, over)
    told = tuple(Evidence(loaded.case, until, without).tellings(tellings, seed))
    rounds = max((len(telling.steps) for telling in told), default=0)
    if not rounds:
        raise UserError("Nothing is on record by that day, so there is nothing to infer. Give a later --until.")

    def done(count: int) -> None:
        progress(f"solving the views ({count} of {draws} draws)", 0.05 + 0.9 * min(count / draws, 1.0))

    progress("compiling the world's chains and the solver", 0.02)
    evaluator = Evaluator(
        loaded, wanted, (Group(ALL, told),), whole, seed=seed, nodes=nodes, workers=workers, keep=keep, done=done
    )

    def likelihood(u: np.ndarray) -> np.ndarray:
        found = evaluator.stacked(u)
        level = marginal(found["levels"], found["joint"], _held(loaded))[:, : rounds + 1]
        return np.asarray(np.round(np.diff(level, axis=1), DIGITS))

    bank = sample(likelihood, len(wanted), draws=draws, seed=seed)
    rows = evaluator.stacked(bank.u)
    progress("summing up", 0.97)
    found = tree(loaded, wanted, bank, rows, rounds=rounds)
    found.attrs |= {
        "until": str(until or ""), "seed": seed, "draws": draws, "tellings": tellings, "nodes": nodes,
        "solved": status_of([evaluator]), "left_out": sorted(without.events | without.origins),
    }  # fmt: skip
    return Inferred(found, bank, rows, wanted, told, evaluator)


def _held(loaded: LoadedCase) -> tuple[bool, bool]:
    return loaded.case.view_of("coercer") is not None, loaded.case.view_of("target") is not None


def view_prior(held: tuple[bool, bool]) -> np.ndarray:
    """Even odds that a side holds its own view or the base, where the case gives it one (axes coercer's, target's)."""
    one = [np.array([0.5, 0.5]) if each else np.array([1.0, 0.0]) for each in held]
    return np.outer(one[0], one[1])


def marginal(levels: np.ndarray, joint: np.ndarray, held: tuple[bool, bool]) -> np.ndarray:
    """Log-likelihood with views and types summed out (axes draw, round), from `levels` of `likelihood.by_round`."""
    prior = view_prior(held)[None, None, :, :, None, None] * joint[:, None, None, None]
    with np.errstate(divide="ignore"):
        level = levels + np.log(prior)
    top = level.max((2, 3, 4, 5), keepdims=True)
    return np.asarray(np.log(np.exp(level - top).sum((2, 3, 4, 5))) + top[:, :, 0, 0, 0, 0])


def shares(levels: np.ndarray, joint: np.ndarray, held: tuple[bool, bool]) -> np.ndarray:
    """Chances of views and types in each draw and round: axes draw, round, view, view, type, type."""
    prior = view_prior(held)[None, None, :, :, None, None] * joint[:, None, None, None]
    level = levels - levels.max((2, 3, 4, 5), keepdims=True)
    found = prior * np.exp(level)
    return np.asarray(found / found.sum((2, 3, 4, 5), keepdims=True))


def weighted(values: np.ndarray, weight: np.ndarray, at: Sequence[float] = BANDS) -> np.ndarray:
    """Weighted quantiles over the first axis; the first axis of the answer is that of the quantiles."""
    order = np.argsort(values, axis=0)
    ranked = np.take_along_axis(values, order, axis=0)
    mass = np.cumsum(weight[order], axis=0)
    place = [np.argmax(mass >= q * mass[-1] * (1 - 1e-12), axis=0) for q in at]
    return np.stack([np.take_along_axis(ranked, p[None], axis=0)[0] for p in place])


def text(words: Sequence[str]) -> np.ndarray:
    """Words as the labels of a dimension."""
    return np.array(list(words), dtype=object)


def tree(
    loaded: LoadedCase, wanted: Sequence[Parameter], bank: Bank, rows: dict[str, np.ndarray], *, rounds: int
) -> xr.DataTree:
    """The posterior as labelled arrays, in ArviZ's groups and some of our own.

    | group | what |
    |---|---|
    | posterior | equally weighted draws of the numbers, chance that each side is firm and holds its own view |
    | prior | draws of the prior, of the same names |
    | log_likelihood | of the record's rounds, for the draws of `posterior` |
    | bank | all draws as computed: quantiles, log weights after each round |
    | numbers | by number: prior and posterior, effective draws, R-hat, sensitivity to powers of prior and likelihood |
    | by_round | after each round: chances of types and views, evidence, effective draws, Pareto k |
    | minds | by round, with bands: beliefs, what was expected and would have been done, deals; own views, or base |
    """
    held = _held(loaded)
    case = loaded.case
    log_weight = np.stack([bank.log_weights(n) for n in range(rounds + 1)])  # round, draw
    names = [p.name for p in wanted]
    values = np.stack([p.at(bank.u[:, i]) for i, p in enumerate(wanted)], axis=1)
    final = np.exp(log_weight[-1])
    told = diagnose.numbers(bank, values, names)
    chance = shares(rows["levels"][:, : rounds + 1], rows["joint"], held)
    types = np.stack([chance.sum((2, 3, 5))[..., 1], chance.sum((2, 3, 4))[..., 1]], axis=-1)  # draw, round, side
    views = np.stack([chance.sum((3, 4, 5))[..., 0], chance.sum((2, 4, 5))[..., 0]], axis=-1)
    groups = {
        "posterior": _posterior(bank, wanted, values, types, views),
        "prior": _prior(bank, wanted, values, types),
        "log_likelihood": _pointwise(bank, rounds),
        "bank": xr.Dataset(
            {"u": (("sample", "number"), bank.u), "log_weight": (("after", "sample"), log_weight),
             "stage": ("sample", bank.stage)},
            coords={"number": text(names), "after": np.arange(rounds + 1)},
        ),
        "numbers": _numbers(wanted, values, final, told),
        "by_round": _by_round(case, bank, log_weight, types, views, held, rounds),
        "minds": _minds(case, rows, final, chance, rounds),
    }  # fmt: skip
    status, failed = diagnose.status(bank, told)
    found: xr.DataTree = xr.DataTree.from_dict({name: xr.DataTree(group) for name, group in groups.items()})
    found.attrs |= {
        "schema": SCHEMA, "case": case.crisis.id, "title": case.crisis.title, "digest": loaded.digest,
        "version": __version__, "status": status, "failed": int(failed), "rounds": rounds,
    }  # fmt: skip
    return found


def picked(bank: Bank, count: int = KEPT) -> np.ndarray:
    """Draws of the posterior by systematic resampling within each of the chains: axes chain, draw."""
    found = []
    for chain in range(CHAINS):
        mine = np.arange(chain, len(bank.u), CHAINS)
        weight = np.exp(bank.log_weights()[mine])
        mass = np.cumsum(weight / weight.sum())
        at = (np.arange(count // CHAINS) + 0.5) / (count // CHAINS)
        taken = mine[np.minimum(np.searchsorted(mass, at), len(mine) - 1)]
        found.append(np.random.default_rng(np.random.SeedSequence([len(bank.u), chain])).permutation(taken))
    return np.stack(found)


def _posterior(
    bank: Bank, wanted: Sequence[Parameter], values: np.ndarray, types: np.ndarray, views: np.ndarray
) -> xr.Dataset:
    draws = picked(bank)
    data = {p.name: (("chain", "draw"), values[draws, i], {"units": p.unit}) for i, p in enumerate(wanted)}
    for i, side in enumerate(SIDES):
        data[f"{side}_firm"] = (("chain", "draw"), types[draws, -1, i], {"units": "probability"})
        data[f"{side}_own_view"] = (("chain", "draw"), views[draws, -1, i], {"units": "probability"})
    return xr.Dataset(data, coords={"chain": np.arange(CHAINS), "draw": np.arange(draws.shape[1])})


def _prior(bank: Bank, wanted: Sequence[Parameter], values: np.ndarray, types: np.ndarray) -> xr.Dataset:
    first = np.flatnonzero(bank.stage == 0)
    data = {p.name: (("chain", "draw"), values[first, i][None], {"units": p.unit}) for i, p in enumerate(wanted)}
    for i, side in enumerate(SIDES):
        data[f"{side}_firm"] = (("chain", "draw"), types[first, 0, i][None], {"units": "probability"})
    return xr.Dataset(data, coords={"chain": [0], "draw": np.arange(len(first))})


def _pointwise(bank: Bank, rounds: int) -> xr.Dataset:
    draws = picked(bank)
    return xr.Dataset(
        {"record": (("chain", "draw", "round"), bank.increments[draws][..., :rounds])},
        coords={"chain": np.arange(CHAINS), "draw": np.arange(draws.shape[1]), "round": np.arange(1, rounds + 1)},
    )


def _numbers(
    wanted: Sequence[Parameter], values: np.ndarray, weight: np.ndarray, told: dict[str, np.ndarray]
) -> xr.Dataset:
    u = np.linspace(0.0005, 0.9995, 1000)
    prior = np.stack([p.at(u) for p in wanted], axis=1)
    even = np.full(len(u), 1 / len(u))
    mean = (weight[:, None] * values).sum(0)
    data: dict[str, Any] = {
        "prior_mean": prior.mean(0), "prior_sd": prior.std(0), "mean": mean,
        "sd": np.sqrt((weight[:, None] * (values - mean) ** 2).sum(0)),
    }  # fmt: skip
    bands = {"prior_band": weighted(prior, even), "band": weighted(values, weight)}
    return xr.Dataset(
        {name: ("number", each) for name, each in (data | told).items()}
        | {name: (("band_at", "number"), each) for name, each in bands.items()},
        coords={
            "number": text([p.name for p in wanted]), "band_at": list(BANDS),
            "unit": ("number", text([p.unit for p in wanted])),
            "paths": ("number", text([" ".join(p.paths) for p in wanted])),
        },
    )  # fmt: skip


def _days(case: Case, rounds: int) -> np.ndarray:
    start, step = np.datetime64(case.crisis.starts), np.timedelta64(case.crisis.round_days, "D")
    return np.asarray((start + step * np.arange(rounds)).astype("datetime64[ns]"))


def _by_round(
    case: Case, bank: Bank, log_weight: np.ndarray, types: np.ndarray, views: np.ndarray, held: tuple[bool, bool],
    rounds: int,
) -> xr.Dataset:  # fmt: skip
    weight = np.exp(log_weight)  # after, draw
    after = np.arange(rounds + 1)
    quality = [diagnose.quality(bank, int(n)) for n in after]
    start, step = np.datetime64(case.crisis.starts), np.timedelta64(case.crisis.round_days, "D")
    data: dict[str, Any] = {
        "firm": (("after", "side"), np.einsum("nd,dns->ns", weight, types), {"units": "probability"}),
        "own_view": (("after", "side"), np.einsum("nd,dns->ns", weight, views), {"units": "probability"}),
        "evidence": ("after", np.array([q.evidence for q in quality]), {"long_name": "ln marginal likelihood"}),
        "effective": ("after", np.array([q.effective for q in quality]), {"units": "draws"}),
        "pareto_k": ("after", np.array([q.pareto_k for q in quality])),
    }
    return xr.Dataset(
        data,
        coords={
            "after": after, "side": text(SIDES), "holds_view": ("side", np.array(held)),
            "day": ("after", (start + step * after).astype("datetime64[ns]")),
        },
    )  # fmt: skip


def _minds(case: Case, rows: dict[str, np.ndarray], weight: np.ndarray, chance: np.ndarray, rounds: int) -> xr.Dataset:
    names = ("setting", "band_at")
    held = {view: weight * chance[:, -1, v, v].sum((1, 2)) for v, view in enumerate(VIEWS)}
    held = {view: each / each.sum() if each.sum() > 0 else weight for view, each in held.items()}

    def bands(name: str) -> np.ndarray:
        return np.stack([weighted(rows[f"{view}.{name}"][:, :rounds], held[view]) for view in VIEWS])

    def means(name: str) -> np.ndarray:
        return np.stack([np.tensordot(held[view], rows[f"{view}.{name}"][:, :rounds], axes=1) for view in VIEWS])

    data: dict[str, Any] = {
        "belief": ((*names, "round", "mind", "about"), bands("belief"), {"units": "probability that he is firm"}),
        "belief_mean": (("setting", "round", "mind", "about"), means("belief")),
        "deal": (("setting", "round"), means("deal"), {"units": "probability"}),
        "deal_band": ((*names, "round"), bands("deal")),
        "against": (("setting", "round", "side"), means("factor"), {"long_name": AGAINST}),
        "dropped": (("setting", "round", "side"), means("dropped"), {"units": "probability"}),
        "untenable": (("setting", "round", "side"), means("untenable"), {"units": "probability"}),
    }  # fmt: skip
    coords: dict[str, Any] = {
        "setting": text(VIEWS), "band_at": list(BANDS), "round": np.arange(1, rounds + 1), "mind": text(SIDES),
        "about": text(SIDES), "side": text(SIDES), "day": ("round", _days(case, rounds)),
    }  # fmt: skip
    for side in SIDES:
        move = f"{side}_move"
        coords[move] = text(MOVES[side])
        gap = {view: rows[f"{view}.expected.{side}"] - rows[f"{view}.own.{side}"] for view in VIEWS}
        gaps = np.stack([weighted(gap[view][:, :rounds], held[view]) for view in VIEWS])
        data[f"expected_{side}"] = (("setting", "round", move), means(f"expected.{side}"), {"units": "probability"})
        data[f"own_{side}"] = (("setting", "round", move), means(f"own.{side}"), {"units": "probability"})
        data[f"gap_{side}"] = ((*names, "round", move), gaps, {"units": "probability"})
    return xr.Dataset(data, coords=coords)


def to_arviz(found: xr.DataTree) -> Any:  # noqa: ANN401 (ArviZ's own type)
    """The groups `posterior`, `prior` and `log_likelihood` as ArviZ's InferenceData (or, from ArviZ 1, a DataTree)."""
    try:
        import arviz  # type: ignore[import-not-found,unused-ignore]
    except ImportError as error:
        raise UserError("to_arviz needs ArviZ, which is not installed. Install it: pip install arviz.") from error
    groups = {name: found[name].to_dataset() for name in ("posterior", "prior", "log_likelihood")}
    if hasattr(arviz, "InferenceData"):
        return arviz.InferenceData(**groups)
    return xr.DataTree.from_dict({name: xr.DataTree(group) for name, group in groups.items()})
