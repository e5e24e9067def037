"""Before the record is seen: simulated crises by round, and how far out the record lies."""

import datetime as dt
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import standoff.case
from standoff.case.evidence import Event, Move
from standoff.case.load import load_case
from standoff.case.world import World
from standoff.infer.evidence import Step, Telling
from standoff.infer.predictive import predict, rungs
from standoff.show.predict import as_dict, lines
from standoff.simulate import ensemble
from standoff.simulate.ending import ENDINGS
from standoff.simulate.setup import plan

TEMPLATE = Path(standoff.case.__file__).parent / "template"


@pytest.fixture(scope="module")
def small():
    found = load_case(TEMPLATE)
    top = found.case.ladder[3]
    climb = Event.model_validate(
        {"id": "fleet", "title": "Fleet", "date": dt.date(2031, 3, 5), "side": "coercer",
         "move": {"move": "climb", "rung": top.id}, "because": {"source": "x"}}
    )  # fmt: skip
    case = found.case.model_copy(
        update={
            "ladder": [found.case.ladder[0], top], "packages": [], "world": World(), "events": [climb],
            "crisis": found.case.crisis.model_copy(update={"rounds": 3}),
            "solver": found.case.solver.model_copy(update={"nodes": 7}),
        }
    )  # fmt: skip
    return replace(found, case=case)


def test_the_rung_of_a_record_by_hand(small):
    top = small.case.ladder[1].id
    climb = Step(Move.model_validate({"move": "climb", "rung": top}), None, "e")
    quiet = Step(Move(move="hold"))
    told = [Telling(({"coercer": quiet, "target": None}, {"coercer": climb, "target": None}), 2, frozenset())]
    assert rungs(small, told, 4).ravel().tolist() == [0, 0, 1, 1]


@pytest.mark.slow
def test_endings_are_those_of_a_run(small):
    found = predict(small, draws=4, replications=150, tellings=8)
    made = plan(small.case, seed=1, count=4)
    job = ensemble.Job(150, tuple(s for s in ensemble.SCENARIOS if s.id == "views"))
    run = [ensemble.run_draw(made, job, d).ended["views"] for d in range(4)]
    code, when = (np.concatenate([r[name] for r in run]) for name in ("ending", "round"))
    for n in range(3):
        exact = [((code == k) & (when <= n)).mean() for k in range(len(ENDINGS))]
        assert found["over"].isel(round=n).values == pytest.approx(exact)
    assert found["over"].isel(round=-1).sum() == pytest.approx(1.0)
    assert found["going"].values[0] == 1.0
    assert found["rung_record"].values[0] == 0.0
    assert (found["rung"].diff("band_at").fillna(0) >= 0).all()
    said = "\n".join(lines(found))
    assert "The record goes on to round 1" in said
    assert max(map(len, said.split("\n"))) <= 100
    assert [row["round"] for row in as_dict(found)["rounds"]] == [1, 2, 3]
