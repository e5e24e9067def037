"""The rule by which a run judges the thesis, on made-up results whose verdict is plain."""

import numpy as np
import pytest
import xarray as xr

from standoff.show.summary import Chance, chance, lowers_most, thesis
from standoff.simulate.results import ENDINGS

DRAWS, EACH = 10, 200


def crises(force, agreed, spread=0.0):
    """Endings of crises with these chances of force and agreed exit (else a back-down), by draw."""
    rows = np.full((DRAWS, EACH), ENDINGS.index("back-down"))
    for draw in range(DRAWS):
        tilt = spread * (-1) ** draw
        cut = round((force + tilt) * EACH)
        rows[draw, :cut] = ENDINGS.index("force")
        rows[draw, cut : cut + round((agreed - tilt) * EACH)] = ENDINGS.index("agreed-exit")
    return rows


def run(views, base, settings=()):
    """A tree of results: chances (force, agreed exit) in own views and in the base view; the same at settings."""
    ending = np.stack([crises(*views), crises(*base)])
    groups = {
        "endings": xr.Dataset(
            {"ending": (("scenario", "draw", "replication"), ending)}, {"scenario": ["views", "base"]}
        )
    }
    if settings:
        data = np.zeros((len(settings), 2, len(ENDINGS), 4))
        for k, (_, own, common) in enumerate(settings):
            for s, pair in enumerate((own, common)):
                data[k, s, ENDINGS.index("force")], data[k, s, ENDINGS.index("agreed-exit")] = pair
        groups["robust"] = xr.Dataset(
            {"chance": (("setting", "scenario", "ending", "draw"), data)},
            {"setting": [s[0] for s in settings], "scenario": ["views", "base"], "ending": list(ENDINGS)},
        )
    return xr.DataTree.from_dict(groups)


AGREES = ("precision 2", (0.4, 0.3), (0.2, 0.5))
TURNS = ("precision 10", (0.2, 0.3), (0.3, 0.5))


def test_established_where_both_changes_are_clear_everywhere():
    found = thesis(run((0.6, 0.2), (0.1, 0.8), [AGREES]))
    assert found.established
    assert (found.force.mean, found.agreed.mean) == pytest.approx((-0.5, 0.6))
    assert "holds over all settings" in found.sentence


def test_a_setting_with_another_sign_is_named_with_its_size():
    found = thesis(run((0.6, 0.2), (0.1, 0.8), [AGREES, TURNS]))
    assert not found.established
    assert found.direction
    assert [(flip.setting, flip.ending) for flip in found.flips] == [("precision 10", "force")]
    assert "precision 10 the change of force is +10.0 points ±0.0" in found.sentence


def test_not_established_where_the_change_is_within_its_error():
    found = thesis(run((0.3, 0.3, 0.2), (0.25, 0.35), [AGREES]))
    assert found.direction
    assert not found.established
    assert "not by more than the error" in found.sentence


def test_not_borne_out_where_the_sign_is_against_it():
    found = thesis(run((0.1, 0.8), (0.6, 0.2), [TURNS]))
    assert (found.direction, found.established) == (False, False)
    assert "not borne out" in found.sentence


def test_error_is_two_standard_errors_between_draws():
    rows = np.array([0.1, 0.3, 0.2, 0.4])
    assert chance(rows).error == pytest.approx(2 * rows.std(ddof=1) / 2)


def test_only_a_clear_correction_is_said_to_lower_force():
    def row(name, mean, error):
        return {"title": name, "effect": {"force": Chance(mean, error, mean - error, mean + error)}}

    vague, small, large, up = row("a", -0.2, 0.3), row("b", -0.01, 0.005), row("c", -0.05, 0.02), row("d", 0.3, 0.01)
    assert lowers_most([vague, small, large, up])["title"] == "c"
    assert lowers_most([vague, up]) is None
    assert lowers_most([]) is None
