"""Generic priors: the shipped table is whole, holds no country and no hindsight, and fits the modules."""

import csv
import dataclasses
import datetime as dt
import importlib
import math
import pathlib
import re
import subprocess
import sys

import pytest

from standoff.case.number import Number
from standoff.case.parameters import GENERIC_BY_TYPE, Parameters
from standoff.world import priors
from standoff.world.priors import SHAPES, generic

ROOT = pathlib.Path(__file__).resolve().parents[1]
TABLE = ROOT / "src" / "standoff" / "world" / "priors.csv"
REFERENCE = ROOT.parent / "shared" / "reference" / "world"
MODULES = ["economy", "coalition", "perception", "force", "exits", "patrons", "succession", "cascade", "domestic"]
MODULES += ["game"]
COLUMNS = ["module", "parameter", "unit", "distribution", "arg1", "arg2", "arg3", "source", "source_kind", "known_from"]
COUNTRY = re.compile(
    r"\b(U\.?S\.?A?|United States|America|Russia|Soviet|USSR|China|Cuba|Venezuela|Panama|Haiti|Iraq|Iran|Libya"
    r"|Afghan\w*|Grenada|Colombia|Mexico|Brazil|Kuwait|Serbia|Senate|Washington|Caracas|Orinoco|Chevron|YouGov)\b",
    re.IGNORECASE,
)
MEASURES = re.compile(r"kb/d|bn USD|USD|\bmb\b|votes|persons/month|fighters")


def rows():
    return list(csv.DictReader(TABLE.read_text().splitlines()))


def test_table_is_in_good_order():
    found = rows()
    assert list(found[0]) == COLUMNS
    paths = [f"{row['module']}.{row['parameter']}" for row in found]
    assert len(set(paths)) == len(paths)
    assert list(dict.fromkeys(row["module"] for row in found)) == MODULES
    for row in found:
        assert row["unit"], row
        assert row["source"], row


def test_every_row_is_a_number_of_a_case():
    for path, prior in generic().items():
        shape = prior.arguments[0] if prior.shape == "value" else list(prior.arguments)
        number = Number.model_validate({prior.shape: shape})  # the same words, the same rules
        assert number.arguments == prior.arguments, path
        assert number.centre == pytest.approx(prior.centre, rel=1e-15), path
        assert math.isfinite(prior.centre), path
        if prior.unit in ("probability", "share"):
            assert number.reach[0] >= 0.0, path
            assert number.reach[1] <= 1.0, path


def test_no_country_and_no_level():
    for row in rows():
        assert not COUNTRY.search(" ".join(row.values())), row
        assert not MEASURES.search(row["unit"].replace("mb/d", "")), row


def test_read_once_and_not_to_be_spoilt():
    one = generic()
    one.clear()
    assert generic()
    assert generic()["game.precision"] is generic()["game.precision"]
    with pytest.raises(dataclasses.FrozenInstanceError):
        generic()["game.precision"].unit = "none"


def test_shapes_are_those_of_a_case():
    assert {prior.shape for prior in generic().values()} <= set(SHAPES)
    assert set(SHAPES) == set(importlib.import_module("standoff.case.number").SHAPES)


def test_reading_the_table_loads_no_jax():
    code = "import sys; from standoff.world.priors import generic; generic(); sys.exit('jax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_game_rows_agree_with_the_case_format():
    base = Parameters()
    pairs = {
        "precision": base.precision.coercer,
        "prior_resolved": base.prior.coercer,
        "prior_stubborn": base.prior.target,
        "force_loss": base.target.force_loss,
        "audience_top": base.coercer.audience_top,
        "discount_year": base.discount,
        "force_cost_unresolved": Number.model_validate(GENERIC_BY_TYPE["force_cost"][0]),
        "force_cost_resolved": Number.model_validate(GENERIC_BY_TYPE["force_cost"][1]),
        "exit_loss_soft": Number.model_validate(GENERIC_BY_TYPE["exit_loss"][0]),
        "exit_loss_stubborn": Number.model_validate(GENERIC_BY_TYPE["exit_loss"][1]),
    }
    for name, number in pairs.items():
        prior = generic()[f"game.{name}"]
        assert (prior.shape, prior.arguments) == (number.shape, number.arguments), name


def reference(name):
    if not REFERENCE.exists():
        pytest.skip("the reference tables are not beside the repository (../shared/reference/world)")
    return list(csv.DictReader((REFERENCE / name).read_text().splitlines()))


WRITTEN_OTHERWISE = {
    "perception.layer_delay": "the gamma is the wait itself, a noise; its scale is the parameter",
    "perception.layers": "a count from 0 to 4, here as a continuous number",
    "perception.analogy_salience": "equal weights; a case gives its own",
    "economy.brent_sd": "0.050 over 2010-2024, as the note there says; 0.043 needs the end of 2025",
}
NAMED_OTHERWISE = {
    "perception.leverage_reading": "perception.misreading",
    "force.class_weight": "force.class_share",
    "force.surprise_return": "force.surprise_regain",
    "coalition.coupproof_readiness": "force.coupproof_readiness",
    "exits.host_ally_discount": "exits.host_ally",
    "exits.choice_precision": "exits.precision",
    "exits.blocked_penalty": "exits.penalty",
    "exits.asset_value": "exits.assets",
    "patrons.reversal": "patrons.reversal_norm",
    "patrons.pact_kept_post1945": "patrons.kept_norm",
    "succession.tilt": "succession.order_tilt",
}
NO_FIELD = {
    "economy.brent_sd": "of the oil price, which no module moves",
    "coalition.selectorate_ratio": "argument of `selectorate_need`",
    "perception.analogy_salience": "weight of a cited analogy, `analogy.AnalogyState`",
    "force.class_": "reference classes, `reference_class`",
    "force.dead_": "by kind of strike, `force.BY_KIND`",
    "force.quagmire_raid": "by kind of strike, `force.BY_KIND`",
    "force.quagmire_invasion": "by kind of strike, `force.BY_KIND`",
    "exits.punishment_loss": "`punished` is minus this where private life is 0",
    "exits.guarantee_credibility": "an input",
    "exits.holdover_constitution": "a ratio to put on `punishment_loss`",
    "patrons.fights": "base rate of troops, `patrons.COUNTS`",
    "patrons.arms": "base rate, `patrons.COUNTS`",
    "patrons.words": "base rate, `patrons.COUNTS`",
    "patrons.arms_delay": "from `delay_low` to `delay_high`",
    "patrons.committed_fights": "anchor of `stake_weight`",
    "patrons.mediated_agreement": "selection: held against the model only",
    "patrons.mediator_clarity": "argument of `clarity`",
    "succession.fall_": "all forced exits pooled; by mode in `exit_mode`",
}
FIELDS = {
    "economy": ["economy"],
    "coalition": ["coalition"],
    "perception": ["perception", "analogy"],
    "force": ["force"],
    "exits": ["exits"],
    "patrons": ["patrons"],
    "succession": ["succession"],
    "cascade": ["cascade"],
    "domestic": ["domestic"],
}


def test_names_are_the_fields_of_the_modules():
    fields = {}
    for module, files in FIELDS.items():
        for name in files:
            file = importlib.import_module(f"standoff.world.{name}")
            (parameters,) = (value for key, value in vars(file).items() if key.endswith("Parameters"))
            fields.setdefault(module, set()).update(field.name for field in dataclasses.fields(parameters))
    for path, prior in generic().items():
        module, name = path.split(".")
        if module != "game" and not prior.checks_only and name not in fields[module]:
            assert any(path.startswith(known) for known in NO_FIELD), path


def test_rows_are_those_of_the_reference_without_hindsight():
    tuned = {(row["module"], row["parameter"]): row for row in reference("hindsight.csv")}
    shipped = generic()
    for row in reference("parameters.csv"):
        key = row["module"], row["parameter"]
        path = ".".join(key)
        prior = shipped.get(NAMED_OTHERWISE.get(path, path))
        if prior is None or prior.path in WRITTEN_OTHERWISE:
            continue
        given = tuned.get(key, row)
        shape = given.get("generic_distribution", given.get("distribution"))
        arguments = tuple(float(given[name]) for name in ("arg1", "arg2") if given[name])
        assert prior.shape == {"fixed": "value"}.get(shape, shape), prior.path
        assert prior.arguments == arguments, prior.path
        assert ("without hindsight" in prior.source) == (key in tuned), prior.path


def test_what_is_left_out_is_a_level_or_the_event_itself():
    out = {f"{row['module']}.{row['parameter']}": row["unit"] for row in reference("parameters.csv")}
    out = {path: unit for path, unit in out.items() if NAMED_OTHERWISE.get(path, path) not in generic()}
    assert out.pop("force.class_raid_2026")  # a single case, and the one to be forecast
    assert out.pop("economy.gap_norm")  # one currency's own gap
    assert all(MEASURES.search(unit) or unit == "USD/bbl" for unit in out.values()), out


def test_dates_are_days():
    for prior in generic().values():
        assert prior.known_from is None or isinstance(prior.known_from, dt.date)
    assert TABLE.name == priors.TABLE


def test_the_page_shows_what_the_command_prints():
    page = (ROOT / "docs" / "world.md").read_text()
    shown = dict(re.findall(r"<!-- priors (\w+) -->\n(.*?)\n<!-- end -->", page, re.DOTALL))
    assert list(shown) == list(priors.modules())
    for module, text in shown.items():
        assert text == priors.table(module), f"docs/world.md: print it with python -m standoff.world.priors {module}"
