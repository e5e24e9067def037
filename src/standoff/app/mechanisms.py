"""What the Mechanisms page tells: shares of the misreadings, and what each mechanism and lever does to an ending.

Sentences and numbers are those of the report's screens (`show.screens.attribution`, `show.screens.mechanisms`); the
report shows some endings, the page each.
"""

import json
from dataclasses import dataclass

import xarray as xr

from standoff.app.data import STORES, Desk
from standoff.show.figures.mechanisms import Effect
from standoff.show.screens import attribution, mechanisms
from standoff.show.screens.screen import Findings, Table, Words
from standoff.show.summary import Chance
from standoff.show.words import sentence


@dataclass(frozen=True)
class Shares:
    """Shares in the change of an ending: (misreading, side that holds it, share), the whole change, and words."""

    rows: tuple[tuple[str, str, Chance], ...]
    total: Chance
    words: str


@dataclass(frozen=True)
class Moved:
    """What a mechanism (or lever) does to an ending: id, title, whether it is a lever, the change of its chance."""

    id: str
    title: str
    lever: bool
    effect: Effect


@dataclass(frozen=True)
class Told:
    """A part in words: its answer, tables and words beside the chart, its note, and its endings by id."""

    answer: str
    parts: tuple[Table | Words, ...]
    note: str
    endings: dict[str, str]


def misreadings(desk: Desk) -> Told | None:
    """Which misreading cost most, in words; none where nobody asked."""
    return desk.keep("misreadings", lambda: _misreadings(desk))


def _misreadings(desk: Desk) -> Told | None:
    kept = _kept(desk, "attribution")
    if kept is None:
        return None
    found, data = kept
    return Told(attribution.answer_of(found, data), (), attribution.note_of(data), _endings(desk, data))


def shares(desk: Desk, ending: str) -> Shares:
    """The shares of all misreadings in the change of an ending, the largest in its direction first.

    Raises:
        ValueError: nobody asked (`misreadings` is none).
    """
    kept = _kept(desk, "attribution")
    if kept is None:
        raise ValueError("there is no attribution beside the run")
    found, data = kept
    one = data.sel(ending=ending)
    return Shares(
        tuple(attribution.shares_of(one)), attribution.total_of(one), attribution.sum_told(found, one, ending)
    )


def asserted(desk: Desk) -> Told | None:
    """What the mechanisms do and whether it is what is asserted, in words; none where nobody asked."""
    return desk.keep("mechanisms told", lambda: _asserted(desk))


def _asserted(desk: Desk) -> Told | None:
    kept = _kept(desk, "mechanisms")
    if kept is None:
        return None
    found, data = kept
    own, levers = mechanisms.rows_of(data, lever=False), mechanisms.rows_of(data, lever=True)
    after = mechanisms.after_ending(data)
    parts = (
        mechanisms.verdicts_of(found, own + levers),
        *(() if after is None else (after,)),
        mechanisms.left_out(data),
    )
    return Told(
        mechanisms.answer_of(found, own, own + levers), parts, mechanisms.note_of(data),
        _endings(desk, data),
    )  # fmt: skip


def moved(desk: Desk, ending: str) -> tuple[Moved, ...]:
    """What each mechanism of the case, then each lever, does to an ending; those that act after it are left out.

    Raises:
        ValueError: nobody asked (`asserted` is none).
    """
    kept = _kept(desk, "mechanisms")
    if kept is None:
        raise ValueError("there are no mechanisms beside the run")
    _, data = kept
    return tuple(
        Moved(name, title, lever, mechanisms.effect_of(data.sel(mechanism=name, ending=ending)))
        for lever in (False, True) for name, title, _, _ in mechanisms.rows_of(data, lever=lever)
    )  # fmt: skip


def arrived(desk: Desk, name: str) -> bool:
    """Whether a part that the desk has not read is kept beside the run by now, for the case as the desk shows it."""
    if desk.run is None or desk.store(name) is not None:
        return False
    try:
        about = json.loads((desk.run / STORES[name] / "zarr.json").read_text(encoding="utf-8"))
        return bool(about["attributes"]["digest"] == desk.digest)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _kept(desk: Desk, name: str) -> tuple[Findings, xr.Dataset] | None:
    """What a command kept beside the run, with all that the report's screens draw on; none if it did not."""
    found = desk.findings
    data = None if found is None else found.group(name)
    return None if found is None or data is None else (found, data)


def _endings(desk: Desk, data: xr.Dataset) -> dict[str, str]:
    """Endings by id, those that the report shows first."""
    held = [str(key) for key in data["ending"].values]
    first = [key for key in mechanisms.SHOWN if key in held]
    return {key: sentence(desk.names.ending(key)) for key in dict.fromkeys([*first, *held])}
