"""Scores of everybody's forecasts on the same questions: Brier and log, with the range that words leave open.

With chance p of what was asked and y = 1 if it came about, else 0:

    Brier  (p - y)^2                        0 is best, 1/4 what a flat 0.5 gets, 1 worst
    log    -ln p if y = 1, else -ln(1 - p)  p held within [CLIP, 1 - CLIP]; how many were is told

Both are proper: nobody gains by saying other than he thinks (Brier 1950; Good 1952; Gneiting & Raftery 2007). A range
of chance, from words or an interval, becomes the range of its score. The *skill* against a reference is 1 minus the
ratio of the mean Brier scores on the questions that both answer, and on those alone. Means count each origin and
question once. From one case no interval is claimed: the questions hang together, since one ending answers them all.

The model's chance is read on the last day of its forecasts that is no later than the forecast it is beside, and no more
than `STALE` days older; between two rounds its chance grows evenly. It is not asked what its endings cannot tell.
"""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from standoff import __version__
from standoff.case.load import LoadedCase
from standoff.errors import UserError
from standoff.forecast.climatology import classes, climatology, rates
from standoff.forecast.questions import ENDINGS_OF, OFFICE, OUT, Question, questions
from standoff.forecast.words import Range

SCHEMA = "standoff-score/1"
FORECASTS = "standoff-forecast/1"
STORE = "forecast.zarr"
"""Name of the model's forecasts in a folder."""
CLIP = 0.005
"""Chances are held this far from 0 and 1 in the log score."""
STALE = 14
"""Days by which the model's forecast may be older than the one that it stands beside."""
ENOUGH = 30
"""Scored questions from which on a calibration curve is drawn."""
FEW = 5
"""Questions that two must share before a skill is told."""
BINS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
"""Edges of the classes of a calibration curve."""
MODEL = {"generic": "model-generic", "case": "model-case"}
BOUNDS = ("low", "mid", "high")


def score(loaded: LoadedCase, forecasts: xr.Dataset | None = None) -> xr.Dataset:
    """Score what everybody said of a case.

    Args:
        loaded: The case.
        forecasts: The model's own (`forecast.model`), if there are any; `chance[priors, as_of, by, ending]`.

    Returns:
        `chance`, `brier`, `log` [forecast, forecaster, bound] (bound: lowest, middle and highest value of each), with
        no number where a forecaster was not asked; `clipped` [forecast, forecaster]: whether the log score holds the
        chance back; `weight` [forecast]: 1 over the number of times that an origin said it; and what is known of it.
        Forecasters: the model on generic priors and on the case's numbers, what was `said`, the `market` where it
        answered the same question on the same day, `flat` (0.5), and the classes of `climatology`.
    """
    asked = questions(loaded)
    if forecasts is not None:
        _require(forecasts, loaded)
    forecasters = (*MODEL.values(), "said", "market", "flat", *classes())
    shape = (len(asked), len(forecasters))
    chance = np.full((*shape, len(BOUNDS)), np.nan)
    seen = np.full(len(asked), "", dtype=object)
    for i, question in enumerate(asked):
        answers = _answers(question, asked, forecasts)
        seen[i] = answers.pop("", "")
        for j, name in enumerate(forecasters):
            if (found := answers.get(name)) is not None:
                chance[i, j] = found.low, found.mid, found.high
    observed = np.array([np.nan if q.observed is None else float(q.observed) for q in asked])
    return _dataset(loaded, asked, forecasters, chance, observed, seen, forecasts)


def read(path: Path) -> xr.Dataset:
    """The model's forecasts from a store, or from a folder that holds one."""
    store = path / STORE if (path / STORE).is_dir() else path
    try:
        found = xr.open_dataset(store, engine="zarr", consolidated=False).load()
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f"{path}: there are no forecasts of the model here. Make them: standoff forecast.") from error
    if found.attrs.get("schema") != FORECASTS:
        raise UserError(f"{path}: these are no forecasts of the model. Make them: standoff forecast CASE --out DIR.")
    return found


def _require(forecasts: xr.Dataset, loaded: LoadedCase) -> None:
    """Refuse forecasts of another case, or of this one as it was."""
    if forecasts.attrs.get("digest") != loaded.digest:
        name = forecasts.attrs.get("case", "another case")
        raise UserError(f"These forecasts are of '{name}' as it was, not of this case. Make them again: forecast.")
    unknown = [str(prior) for prior in forecasts["priors"].values if str(prior) not in MODEL]
    if unknown:
        raise UserError(f"These forecasts have priors '{unknown[0]}'; known are {', '.join(MODEL)}.")


def _answers(question: Question, asked: Sequence[Question], forecasts: xr.Dataset | None) -> dict[str, Any]:
    """Chance of a yes by forecaster; under the empty name the day of the model's forecast."""
    found: dict[str, Any] = {"said": question.said, "flat": Range.point(0.5)}
    market = next((other for other in asked if other.kind == "market" and _same(other, question)), None)
    if market is not None and question.kind != "market":
        found["market"] = market.said
    if question.modelled and question.days is not None:
        for name in classes():
            found[name] = climatology(name, question.outcome, question.days)
        if forecasts is not None:
            found |= _model(question, forecasts)
    return found


def _same(one: Question, other: Question) -> bool:
    """Whether two forecasts are of one question on one day."""
    return (one.text, one.until, one.condition, one.made) == (other.text, other.until, other.condition, other.made)


def _model(question: Question, forecasts: xr.Dataset) -> dict[str, Any]:
    """The model's chances on a question, by name, and the day of its forecast."""
    made, until = np.datetime64(question.made), np.datetime64(question.until)
    days = forecasts["as_of"].values.astype("datetime64[D]")
    by = forecasts["by"].values.astype("datetime64[D]")
    known = days[(days <= made) & (days >= made - np.timedelta64(STALE, "D"))]
    if not len(known) or until > by[-1]:
        return {}
    day = known.max()
    found: dict[str, Any] = {"": str(day)}
    at = forecasts.isel(as_of=int(np.flatnonzero(days == day)[0]))
    ahead = by > day
    times = np.concatenate([[0], (by[ahead] - day).astype(int)])
    for prior, name in MODEL.items():
        if prior not in forecasts["priors"].values:
            continue
        here = at["chance"].sel(priors=prior)

        def by_deadline(endings: tuple[str, ...], here: xr.DataArray = here) -> float:
            curve = here.sel(ending=list(endings)).sum("ending", skipna=False).values[ahead]
            curve = np.concatenate([[0.0], curve])
            return float(np.clip(np.interp(int((until - day).astype(int)), times, curve), 0.0, 1.0))

        chance = _office(by_deadline) if question.outcome in OFFICE else Range.point(
            by_deadline(ENDINGS_OF[question.outcome])
        )  # fmt: skip
        if np.isfinite(chance.mid):
            found[name] = chance.complement if question.outcome == "in-office" else chance
    return found


def _office(by_deadline: Any) -> Range:  # noqa: ANN401 (a local function)
    """Chance that the leader is out of office: without force at least, with force at most, half of it between."""
    low, force = by_deadline(OUT), by_deadline(("force",))
    return Range(low, low + force / 2, low + force)


def brier(chance: np.ndarray, observed: np.ndarray) -> np.ndarray:
    """(p - y)^2."""
    return np.asarray((chance - observed) ** 2)


def log_score(chance: np.ndarray, observed: np.ndarray) -> np.ndarray:
    """-ln of the chance given to what happened, in nats, with chances held within [CLIP, 1 - CLIP]."""
    held = np.clip(chance, CLIP, 1 - CLIP)
    return np.asarray(-np.log(np.where(observed > 0.5, held, 1 - held)))


def _dataset(
    loaded: LoadedCase, asked: list[Question], forecasters: tuple[str, ...], chance: np.ndarray, observed: np.ndarray,
    seen: np.ndarray, forecasts: xr.Dataset | None,
) -> xr.Dataset:  # fmt: skip
    came = observed[:, None, None]
    given = np.isfinite(chance) & np.isfinite(came)
    found = {}
    for name, rule in (("brier", brier), ("log", log_score)):
        each = np.where(given, rule(np.nan_to_num(chance), np.nan_to_num(came)), np.nan)
        ends = np.sort(each[:, :, [0, 2]], axis=-1)  # both rules rise with the distance from what happened
        found[name] = np.stack([ends[..., 0], each[..., 1], ends[..., 1]], axis=-1)
    clipped = (given & ((chance < CLIP) | (chance > 1 - CLIP))).any(-1)
    scored = [q.group for q in asked if q.state == "scored"]
    weight = np.array([1 / scored.count(q.group) if q.state == "scored" else 0.0 for q in asked])
    dims = ("forecast", "forecaster", "bound")

    def column(values: list[Any]) -> tuple[str, np.ndarray]:
        return "forecast", np.array([str(v if v is not None else "") for v in values], dtype=object)

    return xr.Dataset(
        {
            "chance": (dims, chance, {"units": "probability", "long_name": "chance of a yes"}),
            "brier": (dims, found["brier"], {"units": "1"}), "log": (dims, found["log"], {"units": "nat"}),
            "clipped": (dims[:2], clipped), "observed": ("forecast", observed, {"long_name": "1: yes, 0: no"}),
            "weight": ("forecast", weight, {"long_name": "1 over the times that an origin said it"}),
            "source": column([q.source for q in asked]), "name": column([q.name for q in asked]),
            "kind": column([q.kind for q in asked]), "question": column([q.text for q in asked]),
            "outcome": column([q.outcome for q in asked]), "made": column([q.made for q in asked]),
            "until": column([q.until for q in asked]), "state": column([q.state for q in asked]),
            "condition": column([q.condition for q in asked]), "resolution": column([q.resolution for q in asked]),
            "words": column([q.words.word if q.words else None for q in asked]),
            "word_kind": column([q.words.kind if q.words else None for q in asked]), "as_of": ("forecast", seen),
            "group": column([q.group for q in asked]),
        },
        coords={
            "forecast": np.array([q.id for q in asked], dtype=object),
            "forecaster": np.array(forecasters, dtype=object), "bound": np.array(BOUNDS, dtype=object),
        },
        attrs={
            "schema": SCHEMA, "case": loaded.case.crisis.id, "title": loaded.case.crisis.title, "digest": loaded.digest,
            "version": __version__, "clip": CLIP, "stale": STALE, "modelled": int(forecasts is not None),
            "hindsight": _listed(forecasts.attrs.get("hindsight", ())) if forecasts is not None else [],
            "starts": str(loaded.case.crisis.starts), "ends": str(loaded.case.crisis.ends),
            "later_classes": _later(loaded.case.crisis.starts),
        },
    )  # fmt: skip


def _listed(given: Any) -> list[str]:  # noqa: ANN401 (an attribute read from disk)
    return [given] if isinstance(given, str) else [str(item) for item in given]


def _later(starts: dt.date) -> list[str]:
    """Climatologies whose data go on after the crisis began: nobody had them then."""
    return [name for name in classes() if max(r.last for (c, _), r in rates().items() if c == name) >= starts.year]


def mean(found: xr.Dataset, forecaster: str, rule: str, rows: np.ndarray) -> Range | None:
    """Mean score of a forecaster over some forecasts, each origin and question once; none where it answered none.

    Args:
        found: Scores.
        forecaster: Whose.
        rule: `brier` or `log`.
        rows: Which forecasts, as a mask; those that the forecaster did not answer are left out.
    """
    each = found[rule].sel(forecaster=forecaster).values
    use = rows & np.isfinite(each[:, 1])
    if not use.any():
        return None
    weight = group_weight(found, use)
    return Range(*(float(np.sum(weight * np.where(use, each[:, b], 0.0)) / weight.sum()) for b in range(3)))


def group_weight(found: xr.Dataset, rows: np.ndarray) -> np.ndarray:
    """1 over the number of these forecasts that one origin made of one question."""
    groups = found["group"].values
    return np.array([1 / int((groups[rows] == g).sum()) if r else 0.0 for g, r in zip(groups, rows, strict=True)])


def count(found: xr.Dataset, forecaster: str, rows: np.ndarray) -> int:
    """Questions that a forecaster answered among some forecasts, each origin and question once."""
    use = rows & np.isfinite(found["brier"].sel(forecaster=forecaster).values[:, 1])
    return len(set(found["group"].values[use]))


def skill(found: xr.Dataset, forecaster: str, reference: str, rows: np.ndarray) -> tuple[Range | None, int]:
    """1 - mean Brier score over that of a reference, on the questions that both answer, and how many these are.

    The reference is taken at its middle; the range is the forecaster's. None from fewer than `FEW` questions, where one
    answer decides it, or where the reference was perfect on them.
    """
    shared = rows.copy()
    for name in (forecaster, reference):
        shared &= np.isfinite(found["brier"].sel(forecaster=name).values[:, 1])
    own, base = (mean(found, name, "brier", shared) for name in (forecaster, reference))
    many = count(found, forecaster, shared)
    if own is None or base is None or base.mid == 0 or many < FEW:
        return None, many
    return Range(1 - own.high / base.mid, 1 - own.mid / base.mid, 1 - own.low / base.mid), many


def scored(found: xr.Dataset) -> np.ndarray:
    """Which forecasts are scored."""
    return np.asarray(found["state"].values == "scored")


def comparable(found: xr.Dataset) -> np.ndarray:
    """Which scored forecasts are on questions that the model can be asked, whether or not it was."""
    past = found["chance"].sel(forecaster=list(classes()), bound="mid").values
    return np.asarray(scored(found) & np.isfinite(past).any(1))


def calibration(found: xr.Dataset, forecaster: str = "said") -> list[tuple[float, float, int]] | None:
    """Mean chance, share of yes and questions by class of chance; none where fewer than `ENOUGH` are scored."""
    rows = scored(found)
    if count(found, forecaster, rows) < ENOUGH:
        return None
    chance = found["chance"].sel(forecaster=forecaster, bound="mid").values
    rows = rows & np.isfinite(chance)
    weight, observed = group_weight(found, rows), np.nan_to_num(found["observed"].values)
    which = np.clip(np.digitize(np.nan_to_num(chance), BINS[1:-1]), 0, len(BINS) - 2)
    curve = []
    for k in range(len(BINS) - 1):
        w = np.where(rows & (which == k), weight, 0.0)
        if w.sum() > 0:
            curve.append((float((w * np.nan_to_num(chance)).sum() / w.sum()), float((w * observed).sum() / w.sum()),
                          round(float(w.sum()))))  # fmt: skip
    return curve
