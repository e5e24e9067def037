"""What the numbers say before the record is seen: simulated crises by round, beside the record (prior predictive).

A record that lies far out in what the prior predicts says that the priors, or the model, are wrong about it before
anything is inferred (Box 1980). Told are the endings by round, the rung where crises that go
on stand, how often an ultimatum or
an offer is pending, and how far out the record is: the share of simulated crises that stand at least as high (or at
least as low), among those still going on.
"""

import datetime as dt
from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
import xarray as xr

from standoff import __version__
from standoff.case.load import LoadedCase
from standoff.game.play import Given, trace
from standoff.infer.evidence import Evidence, Telling
from standoff.simulate.arms import Kept, arm, each, key, stream
from standoff.simulate.ending import ENDINGS, codes
from standoff.simulate.setup import Plan, plan

SCHEMA = "standoff-predictive/1"
BANDS = (0.05, 0.25, 0.5, 0.75, 0.95)
STOPPED = 9


def predict(
    loaded: LoadedCase,
    *,
    draws: int = 32,
    replications: int = 200,
    tellings: int = 64,
    until: dt.date | None = None,
    seed: int = 1,
    workers: int = 2,
    progress: Callable[[str, float], None] = lambda stage, share: None,
) -> xr.Dataset:
    """Simulate crises from the priors and set the record beside them.

    Args:
        loaded: The case.
        draws: Draws of all uncertain numbers.
        replications: Crises of each draw.
        tellings: Draws of what may have happened on record.
        until: The last day of the record that is known.
        seed: Of everything.
        workers: Draws at a time.
        progress: Told the stage and the share that is done.

    Returns:
        By round: `over` (chance of each ending by the end of the round), `going` (chance that the crisis is still on
        at its beginning), `rung` (quantiles, among those), `ultimatum`, `offer` (chances that one is pending), and of
        the record `rung_record`, `at_least`, `at_most` (shares of those going on that stand as high, or as low).
    """
    made = plan(loaded.case, seed=seed, count=draws)
    made.reach()
    for view in (None, *loaded.case.views):
        made.sheet(view)
    nothing = np.full((made.rounds, len(made.form.stages), replications), -1, np.int32)
    free = Given(jnp.asarray(nothing), jnp.asarray(nothing), jnp.ones(nothing.shape))

    def work(draw: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        one = arm(made, draw, Kept(most=4))
        seen, ended = trace(
            key(made, draw), made.form, one.meeting.minds, one.world, one.paths(replications, draw), free,
            rounds=made.rounds,
        )  # fmt: skip
        stopped = stream(made, draw, STOPPED).random((2, replications))[0]
        code = codes(made, made.sheet(None).values, draw, ended, stopped)
        return np.asarray(seen.state), code, np.asarray(ended.round)

    found = each(list(range(draws)), work, workers=workers, progress=progress, stage="simulating", span=(0.1, 0.98))
    state, code, ends = (np.concatenate(part, axis=-1) for part in zip(*found, strict=True))
    told = Evidence(loaded.case, until).tellings(tellings, seed)
    return _tell(loaded, made, state, code, ends, told, draws, replications, seed)


def _tell(
    loaded: LoadedCase, made: Plan, state: np.ndarray, code: np.ndarray, ends: np.ndarray, told: list[Telling],
    draws: int, replications: int, seed: int,
) -> xr.Dataset:  # fmt: skip
    rounds = np.arange(made.rounds)
    states = np.array([s[:3] for s in made.form.stages[0].states])
    over = np.stack([((code == k)[None] & (ends[None] <= rounds[:, None])).mean(1) for k in range(len(ENDINGS))], 1)
    on = ends[None] >= rounds[:, None]  # round, crisis
    at = states[np.minimum(state, len(states) - 1)]
    record = rungs(loaded, told, made.rounds)
    last = max((len(t.steps) for t in told), default=0)
    bands, high, low = np.full((len(BANDS), made.rounds), np.nan), *(np.full(made.rounds, np.nan) for _ in range(2))
    waiting = np.full((2, made.rounds), np.nan)
    for n in rounds:
        here = at[n][on[n]]
        if not len(here):
            continue
        bands[:, n] = np.quantile(here[:, 0], BANDS, method="inverted_cdf")
        waiting[:, n] = (here[:, 1] > 0).mean(), (here[:, 2] != 0).mean()
        if n < last:
            middle = np.median(record[n])
            high[n], low[n] = (here[:, 0] >= middle).mean(), (here[:, 0] <= middle).mean()
    shown = np.where(rounds < last, np.median(record, axis=1), np.nan)
    unit = {"units": "probability"}
    crisis = loaded.case.crisis
    day = np.datetime64(crisis.starts) + np.timedelta64(crisis.round_days, "D") * rounds
    return xr.Dataset(
        {
            "over": (("round", "ending"), over, unit), "going": ("round", on.mean(1), unit),
            "rung": (("band_at", "round"), bands, {"long_name": "position on the ladder, from 0"}),
            "ultimatum": ("round", waiting[0], unit), "offer": ("round", waiting[1], unit),
            "rung_record": ("round", shown), "at_least": ("round", high, unit), "at_most": ("round", low, unit),
        },
        coords={
            "round": rounds + 1, "day": ("round", day.astype("datetime64[ns]")), "band_at": list(BANDS),
            "ending": np.array(ENDINGS, dtype=object),
        },
        attrs={
            "schema": SCHEMA, "case": crisis.id, "title": crisis.title, "digest": loaded.digest, "version": __version__,
            "seed": seed, "draws": draws, "replications": replications, "record_rounds": last,
            "ladder": [rung.title for rung in loaded.case.ladder],
        },
    )  # fmt: skip


def rungs(loaded: LoadedCase, told: list[Telling], rounds: int) -> np.ndarray:
    """Where the crisis stood on the ladder at the beginning of each round, by telling: axes round, telling."""
    names = [rung.id for rung in loaded.case.ladder]
    found = np.zeros((rounds, len(told)))
    for k, telling in enumerate(told):
        here = names.index(loaded.case.crisis.start_rung)
        for n in range(rounds):
            found[n, k] = here
            step = telling.steps[n]["coercer"] if n < len(telling.steps) else None
            if step is not None and step.move.rung is not None:
                here = names.index(step.move.rung)
    return found
