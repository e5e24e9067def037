"""A played game leaves as an event file, is read like a real record, and has its players' likelihood."""

import datetime as dt
import io
import re
import shutil

import numpy as np
import pytest
from ruamel.yaml import YAML
from tests.play_toy import template, toy_board, toy_held

from standoff.case.load import load_case
from standoff.case.new import TEMPLATE
from standoff.errors import CaseError
from standoff.infer.evidence import Evidence
from standoff.play.debrief import debrief
from standoff.play.export import case_file, event_file
from standoff.play.table import Table, draw_types


def played(seed, late=()):
    table = Table(toy_board(), seed, draw_types(toy_board(), seed), (toy_held("coercer"), toy_held("target")))
    table.inject({"what": "news", "text": "A storm: the harbour is shut.", "to": "all"})
    while table.ending is None:
        if table.turn in late:
            table.lapse()
        else:
            table.play(table.strategy(), "strategy")
    return table


def read_back(text, tmp_path, name="played.yaml"):
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    return load_case(file)


@pytest.mark.parametrize("seed", range(8))
def test_every_telling_is_the_game(tmp_path, seed):
    """Read like a real record, the file tells each move in its round, for certain, and how it ended."""
    table = played(seed)
    found = read_back(case_file(template(), "g1", "A game", table.steps), tmp_path)
    moves = [step for step in table.steps if step["kind"] == "move"]
    for telling in Evidence(found.case).tellings(4, seed=3):
        told = [
            (index, side, step.move.move, step.move.rung, step.move.package if step.move.move == "offer" else None)
            for index, both in enumerate(telling.steps) for side, step in both.items() if step is not None
        ]  # fmt: skip
        want = [
            (s["round"], s["side"], s["move"], s.get("rung"), s.get("package") if s["move"] == "offer" else None)
            for s in moves
        ]  # fmt: skip
        assert told == want
    endings = [event for event in found.case.events if event.ends]
    assert [event.ends for event in endings] == [table.ending.outcome]
    assert any("storm" in event.title for event in found.case.events)


def test_a_missed_move_is_silence(tmp_path):
    table = played(2, late=(0,))
    found = read_back(case_file(template(), "g1", "A game", table.steps), tmp_path)
    first = Evidence(found.case).tellings(1, seed=3)[0].steps[0]["coercer"]
    assert (first.move.move, first.event) == ("hold", None)
    assert [event.move is None for event in found.case.events[:2]] == [True, True]


def test_rungs_and_packages_are_public_as_they_were_to_the_players(tmp_path):
    """In the case they are dated by when they came about, long after the game's own climbs and offers."""
    data = dict(template().sources.data)
    for part in ("ladder", "packages"):
        data[part] = [dict(item) | {"public_from": dt.date(2040, 1, 1)} for item in data[part]]
    data["events"] = []
    out = io.StringIO()
    YAML(typ="safe", pure=True).dump(data, out)
    loaded = read_back(out.getvalue(), tmp_path, "late.yaml")
    steps = played(1).steps
    assert any("rung" in step or "package" in step for step in steps)
    found = read_back(case_file(loaded, "g1", "A game", steps), tmp_path)
    assert {item.public_from for item in (*found.case.ladder, *found.case.packages)} == {None}


def test_the_event_file_goes_into_a_copy_of_the_case_as_its_first_lines_say(tmp_path):
    """Events and forecasts are taken out, and the dates that are named; then the file is read like a real record."""
    folder = tmp_path / "case"
    shutil.copytree(TEMPLATE, folder)
    for file, ids in (("crisis.yaml", "ladder"), ("bargain.yaml", "packages")):
        lines = (folder / file).read_text().splitlines()
        for item in getattr(template().case, ids):
            at = next(i for i, line in enumerate(lines) if f"id: {item.id}" in line)
            if lines[at].rstrip().endswith("}"):
                lines[at] = lines[at].rstrip()[:-1] + ", public_from: 2040-01-01}"
            else:
                lines.insert(at + 1, f"{' ' * (lines[at].index('id:'))}public_from: 2040-01-01")
        (folder / file).write_text("\n".join(lines) + "\n")
    text = (folder / "evidence.yaml").read_text()
    (folder / "evidence.yaml").write_text(re.sub(r"(?ms)^(events|forecasts):.*?(?=^\w|\Z)", "", text))
    loaded = load_case(folder)
    assert loaded.case.events == loaded.case.forecasts == []
    steps = played(1).steps
    (folder / "game.yaml").write_text(event_file(loaded, "g1", "A game", steps))
    with pytest.raises(CaseError, match="is public from 2040-01-01, but event"):
        load_case(folder)
    told = re.findall(r"^#   (\S+):(\d+):(\d+) (\S+)$", (folder / "game.yaml").read_text(), re.M)
    shown = {step[key] for step in steps for key in ("rung", "package") if key in step and step["kind"] == "move"}
    assert shown
    assert {name for *_, name in told} == shown
    for file, line, column, _ in told:
        lines = (folder / file).read_text().splitlines()
        before, after = lines[int(line) - 1][: int(column) - 1], lines[int(line) - 1][int(column) - 1 :]
        assert before.endswith("public_from: ")
        assert after.startswith("2040-01-01")
        lines[int(line) - 1] = before[: -len("public_from: ")].rstrip(", ") + after[len("2040-01-01") :]
        (folder / file).write_text("\n".join(lines) + "\n")
    found = load_case(folder)
    moves = [(s["move"], s.get("rung")) for s in steps if s["kind"] == "move"]
    for telling in Evidence(found.case).tellings(2, seed=3):
        assert [(step.move.move, step.move.rung) for both in telling.steps for step in both.values() if step] == moves


def test_a_case_without_dates_takes_the_event_file_as_it_is():
    assert "public_from' of" not in event_file(template(), "g1", "A game", played(1).steps)


def test_a_played_case_can_be_played_again(tmp_path):
    """Its server, record and claim stand in the place of those of the game before."""
    first = read_back(case_file(template(), "g1", "A game", played(1).steps), tmp_path)
    again = read_back(case_file(first, "g2", "Another", played(4).steps), tmp_path, "again.yaml")
    assert [origin.id for origin in again.case.origins].count("game-server") == 1
    assert "(g2)" in next(each.about for each in again.case.documents if each.id == "game-record")


def test_the_event_file_stands_alone():
    text = event_file(template(), "g1", "A game: 'odd'\n# title", played(1).steps)
    found = YAML(typ="safe").load(text)
    assert set(found) == {"origins", "documents", "claims", "events"}
    assert "&id" not in text
    assert "seed" not in text


@pytest.mark.slow
def test_the_likelihood_is_that_of_the_players(tmp_path):
    """Without chance between the moves, infer's likelihood of each side's types is the debrief's, move by move."""
    from standoff.infer.likelihood import Group, observe, watch
    from standoff.play.solve import Solver
    from standoff.simulate.arms import Kept
    from standoff.simulate.setup import plan

    data = {k: v for k, v in template().sources.data.items() if k not in ("world", "views", "channels", "forecasts")}
    out = io.StringIO()
    YAML(typ="safe", pure=True).dump(data, out)
    loaded = read_back(out.getvalue(), tmp_path, "plain.yaml")
    solver = Solver(loaded)
    board, held = solver.board(), (solver.held("coercer", "base"), solver.held("target", "base"))
    compared = 0
    for seed in range(5):
        table = Table(board, seed, draw_types(board, seed), held)
        while table.ending is None:
            table.play(table.strategy(), "strategy")
        told = debrief(loaded.case, Table(board, seed, table.types, held), table.steps, [])
        again = read_back(case_file(loaded, "g1", "A game", table.steps), tmp_path)
        made = plan(again.case, seed=1, count=0)
        group = Group("game", tuple(Evidence(again.case).tellings(1, seed=1)))
        seen = observe(made, 0, Kept(), watch(made, [group], 1.0))["base"]
        for i, side in enumerate(told.sides):
            for k, kind in enumerate(board.types[i]):
                assert seen.loglik[i, k].sum() == pytest.approx(side.log_chance[kind], abs=2e-4)
                compared += 1
        for belief in told.beliefs:
            np.testing.assert_allclose(seen.belief[belief.round - 1, 0, :, 0], belief.coercer, atol=1e-5)
    assert compared == 20


@pytest.mark.slow
@pytest.mark.parametrize("name", ["template", "haiti-1994"])
def test_a_solved_board_plays_as_the_ensemble(name):
    """Strategies at the table end as in `standoff run` at the central values: shares of endings, by chi-square."""
    import jax
    from scipy import stats

    from standoff.case.new import TEMPLATE
    from standoff.play.shelf import own_view
    from standoff.play.solve import Solver
    from standoff.simulate.arms import Kept, arm
    from standoff.simulate.ending import ENDINGS, codes

    loaded = load_case(TEMPLATE if name == "template" else name)
    solver = Solver(loaded)
    board = solver.board()
    held = tuple(solver.held(side, own_view(loaded, side)) for side in ("coercer", "target"))
    count = 600
    at_table = np.zeros(len(ENDINGS))
    paid = []
    for seed in range(count):
        table = Table(board, seed, draw_types(board, seed), held)
        while table.ending is None:
            table.play(table.strategy(), "strategy")
        at_table[ENDINGS.index(table.ending.ending)] += 1
        paid.append(table.payoff)
    made = arm(solver.plan, 0, Kept())
    ended = made.play(made.paths(20_000, 0), 0)
    code = codes(solver.plan, solver.plan.sheet(None).values, 0, ended, np.random.default_rng(1).random(20_000))
    expected = np.array([(code == k).sum() for k in range(len(ENDINGS))])
    keep = expected > 200
    pooled = np.array([[*at_table[keep], at_table[~keep].sum()], [*expected[keep], expected[~keep].sum()]])
    pooled = pooled[:, pooled.sum(0) > 0]
    assert stats.chi2_contingency(pooled).pvalue > 1e-3  # one false alarm in a thousand
    mean, want = np.mean(paid, 0), np.asarray(ended.payoff).mean(1)
    error = 4 * np.std(paid, 0) / np.sqrt(count)
    assert (np.abs(mean - want) < error + 0.01).all(), (mean, want, error)
    jax.clear_caches()
