"""The What if page: questions as links, numbers and their dials, the process that answers, and the page itself."""

import asyncio
import datetime as dt
import json
import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest
from nicegui import Client, core, ui
from nicegui.testing.user_simulation import user_simulation

from standoff.app import what_if_answer, what_if_numbers, what_if_worker
from standoff.app.charts.what_if import LOOKS, differences
from standoff.app.data import Desk
from standoff.app.pages import what_if
from standoff.app.shell import State, register
from standoff.app.what_if_asker import Asker
from standoff.app.what_if_question import DRAWS, MORE, PINS, Question, from_key, from_state, mistake
from standoff.case.load import load_case
from standoff.case.new import TEMPLATE
from standoff.show import ask
from standoff.simulate.ask_again import CRISES, Session
from standoff.simulate.counterfactual import effects, whatif
from standoff.simulate.overlay import Counterfactual
from standoff.simulate.results import ENDINGS
from standoff.simulate.setup import TRUTH

OFF = "views.lume.she-dare-not=off"
PATH = "parameters.force.success"


@pytest.fixture
def desk(tmp_path):
    return Desk(load_case(TEMPLATE), tmp_path, called="lume")


def answer(settings, *, start="", draws=DRAWS, move=0.1):
    """What the process would say, from made-up endings: a tenth of all crises turn to force."""
    rng = np.random.default_rng(1)
    before = rng.integers(0, len(ENDINGS), (draws, 200))
    after = np.where(rng.random(before.shape) < move, ENDINGS.index("force"), before)
    one = Counterfactual("asked", tuple(settings), {}, {}, ())
    found = effects(np.stack([before, after]), np.zeros((2, draws, 200)), [one]).assign_attrs(
        title="A crisis", draws=draws, replications=200, seed=1, round=1, status="All settled.", **{"from": start}
    )
    return ask.whatif_dict(found)


# questions and links


def test_a_question_goes_into_a_link_and_comes_back():
    one = (
        Question().with_setting(f"views.lume.{PATH}", "0.9").with_setting("moves.coercer.2031-03-20", "climb:blockade")
    )
    one = one.with_setting("views.lume.she-dare-not", "off").with_setting("coercer.lapse", "+-0.01")
    one = Question(one.settings, "2031-03-31", MORE)
    assert from_key(one.key) == one
    state = State("/what-if", {"set": ";".join(one.settings), "from": one.start, "draws": str(MORE),
                               "pins": f"{one.key}~{Question((OFF,)).key}~{one.key}"})  # fmt: skip
    assert from_state(state) == (one, [one, Question((OFF,))])
    assert one.with_setting("coercer.lapse", None).value("coercer.lapse") is None
    assert one.value(f"views.lume.{PATH}") == "0.9"


@pytest.mark.parametrize("text", ["", "x", "@@", "a@b@c@d", "2031-03-31@8@<script>=1;a=b c", "soon@8@a=1;a=2"])
def test_what_no_question_is_does_no_harm(text):
    found = from_key(text)
    assert found is None or all(set("<> ").isdisjoint(one) for one in found.settings)
    if found is not None:
        assert found.draws in (DRAWS, MORE)
        assert len({one.partition("=")[0] for one in found.settings}) == len(found.settings)
        assert found.start in ("", "2031-03-31")
    assert len(from_state(State("/", {"pins": "~".join(f"@8@a=b{k}" for k in range(9))}))[1]) == PINS


def test_the_command_is_that_of_the_same_numbers(desk):
    one = Question((OFF, "coercer.lapse=*2"), "2031-03-31")
    words = one.command("lume")
    assert words.startswith(
        "standoff whatif lume --set views.lume.she-dare-not=off --set 'coercer.lapse=*2' --from 2031"
    )
    assert mistake(desk.loaded.case, one) == ""
    assert "Did you mean" in mistake(desk.loaded.case, Question(("views.lume.she-dare=off",)))
    assert mistake(desk.loaded.case, Question()) == ""


def test_settings_in_words(desk):
    said = what_if_answer.words(
        desk, Question((OFF, "moves.coercer.2031-03-20=climb:blockade", f"{PATH}=0.9"), "2031-03-31")
    )
    view = desk.loaded.case.view_of("target")
    title = next(d.title for d in view.differences if d.id == "she-dare-not")
    assert title[1:] in said
    assert "climb to “" in said
    assert "on 20 March 2031" in said
    assert "success: 0.9" in said
    assert said.endswith("from 31 March 2031 on")


# numbers


def test_numbers_are_found_in_groups_and_have_ranges(desk):
    case = desk.loaded.case
    listed = what_if_numbers.entries(desk)
    assert len({entry.path for entry in listed}) == len(listed) > 50
    assert not any(entry.path.startswith("parameters.extra.") for entry in listed)
    for entry in listed:
        one = what_if_numbers.dial(desk, (entry.path,))
        assert one.low < one.high, entry.path
        assert one.low <= one.spread[1] <= one.high, entry.path
        assert 20 <= (one.high - one.low) / one.step <= 300, entry.path
        question = Question().with_setting(entry.path, f"{one.low:.6g}")
        assert mistake(case, question) == "", entry.path
    assert what_if_numbers.dial(desk, ("no.such.number",)) is None


def test_a_number_of_a_view_is_that_after_its_differences(desk):
    own = what_if_numbers.dial(desk, ("views.corvania.parameters.force.success",))
    base = what_if_numbers.dial(desk, (PATH,))
    assert own.spread[1] > base.spread[1]  # 'quick-victory' raises it
    solved = {TRUTH: {PATH: (0.1, 0.2, 0.3)}}
    assert what_if_numbers.dial(desk, (PATH,), "", solved).spread == (0.1, 0.2, 0.3)


def test_first_come_those_of_the_sensitivity_then_of_inference_then_the_usual(desk, tmp_path):
    why, usual = what_if_numbers.first(desk)
    assert 1 <= len(usual) <= what_if_numbers.FIRST
    view = desk.loaded.case.view_of("target").id
    rows = [{"number": f"views.{view}.she-dare-not.parameters.prior.coercer"}, {"number": PATH}, {"number": "gone.now"}]
    (tmp_path / "sensitivity.json").write_text(json.dumps({"digest": desk.digest, "numbers": rows}))
    again = Desk(desk.loaded, tmp_path)
    assert [paths for paths, _ in what_if_numbers.first(again)[1]] == [
        (f"views.{view}.parameters.prior.coercer",),
        (PATH,),
    ]
    (tmp_path / "sensitivity.json").write_text(json.dumps({"digest": "another", "numbers": rows}))
    assert what_if_numbers.first(Desk(desk.loaded, tmp_path)) == (why, usual)
    (tmp_path / "sensitivity.json").write_text("[]")
    assert what_if_numbers.first(Desk(desk.loaded, tmp_path)) == (why, usual)


# answers


def test_stars_and_the_note_count_the_intervals_of_all_answers(desk):
    one, other = Question((OFF,)), Question((f"{PATH}=0.9",))
    alone = what_if_answer.shown(desk, [("now", one, answer(one.settings))])
    force = alone.answers[0][1][[e.lower() for e in alone.endings].index("force")]
    assert force.clear
    assert force.difference == pytest.approx(force.after - force.before, abs=1e-3)
    assert f"these {len(ENDINGS)} intervals" in alone.note
    two = what_if_answer.shown(
        desk, [("now", one, answer(one.settings)), ("A", other, answer(other.settings, move=0.0))]
    )
    assert f"these {2 * len(ENDINGS)} intervals" in two.note
    assert not any(effect.clear for effect in two.answers[1][1])
    made = what_if_answer.table(two)
    assert len(made.head) == 1 + 1 + 2 * 2  # before once, since it is the same
    assert all(len(cells) == len(made.head) for cells in made.rows)
    assert "rises by" in what_if_answer.headline(desk, one, answer(one.settings))
    assert "No chance moves" in what_if_answer.headline(desk, other, answer(other.settings, move=0.0))
    options = differences(two.endings, two.answers)
    marks = [s for s in options["series"] if s["type"] == "scatter" and s["symbolSize"] > 0]
    assert [(m["symbol"], len(m["data"])) for m in marks] == [(LOOKS[k][0], len(ENDINGS)) for k in range(2)]
    assert all("said" in point for m in marks for point in m["data"])
    assert len({look[:2] for look in LOOKS}) == len(LOOKS)  # told apart without colour
    assert what_if_answer.shown(desk, []) is None


# the process


class Told(Session):
    """A session that answers at once, and tells what it was asked."""

    def __init__(self, loaded, *, draws, workers, beside=None):
        self.draws, self.solved = draws, 3
        self.loaded = loaded

    def prepare(self, start, progress):
        progress("compiling", 0.5)

    def main(self):
        numbers = {PATH: np.array([0.1, 0.2, 0.4])}
        return SimpleNamespace(view=lambda side: None, sheet=lambda view: SimpleNamespace(values=numbers))

    def computed(self):
        return frozenset({PATH})

    def warm(self):
        yield "a move"

    def ask(self, overlays, *, start, progress):
        from standoff.simulate.overlay import counterfactual, split

        read = [counterfactual(self.loaded.case, name, [split(t) for t in texts]) for name, texts in overlays.items()]
        progress("solving", 0.5)
        if "force.success=0.66" in overlays["asked"]:
            raise RuntimeError("no room")
        code = np.zeros((2, self.draws, 20), dtype=int)
        return effects(code, code, read).assign_attrs(draws=self.draws, **{"from": str(start or "")})


def said(loaded, *messages):
    """What the process writes to these messages; its input ends once the last is answered."""
    lines, done = [], threading.Event()

    def source():
        yield from (json.dumps(message) for message in messages)
        assert done.wait(30)

    def send(line):
        lines.append(json.loads(line))
        if lines[-1]["id"] == messages[-1]["id"] and "share" not in lines[-1]:
            done.set()

    what_if_worker.work(loaded, source(), send, 1)
    return lines


@pytest.fixture
def told(monkeypatch):
    monkeypatch.setattr(what_if_worker, "Session", Told)


def test_the_process_answers_line_by_line(desk, told):
    lines = said(
        desk.loaded,
        {"id": 1, "ask": {}, "from": "", "draws": DRAWS},
        {"id": 2, "ask": {"asked": [OFF]}, "from": "2031-03-31", "draws": MORE},
        {"id": 3, "ask": {"asked": ["force.sucess=1"]}, "from": "", "draws": DRAWS},
        {"id": 4, "ask": {"asked": ["force.success=0.66"]}, "from": "", "draws": DRAWS},
    )  # fmt: skip
    last = {line["id"]: line for line in lines}
    assert last[1]["numbers"] == {TRUTH: {PATH: [0.1, 0.2, 0.4]}}
    assert last[2]["answer"]["counterfactuals"]["asked"]["set"] == [OFF]
    assert (last[2]["answer"]["draws"], last[2]["took"]["solved"]) == (MORE, 3)
    assert "Did you mean" in last[3]["mistake"]
    assert last[4]["failed"] == "RuntimeError: no room"
    assert [line["share"] for line in lines if line["id"] == 2 and "share" in line] == [0.0, 0.5]


def test_the_process_stops_what_nobody_wants(desk, told):
    answerer, found = what_if_worker.Answerer(desk.loaded, 1), []
    answerer.reply({"id": 5, "ask": {"asked": [OFF]}}, found.append, lambda number: number == 5)
    assert found == [{"id": 5, "stopped": True}]


# the asker


class Scripted(Asker):
    """Answers from a table instead of a process; `hold` keeps an answer back."""

    hold = False

    async def _send(self, asking):
        self.hear({"id": asking.number, "share": 0.4, "stage": "solving"})
        while self.hold and asking.running:
            await asyncio.sleep(0.01)
        if not asking.question.settings:
            self.hear({"id": asking.number, "numbers": {TRUTH: {PATH: [0.1, 0.2, 0.3]}}})
        elif any("0.66" in one for one in asking.question.settings):
            self.hear({"id": asking.number, "failed": "no room"})
        else:
            told = answer(asking.question.settings, start=asking.question.start, draws=asking.question.draws)
            self.hear({"id": asking.number, "answer": told, "took": {"wall": 1.2, "cpu": 2.0, "solved": 8}})

    async def _write(self, message):
        pass


def test_the_asker_keeps_answers_and_asks_nothing_twice(desk, monkeypatch):
    asker, sent = Asker(desk), []
    monkeypatch.setattr(
        "standoff.app.what_if_asker.background_tasks.create", lambda coro, name: (sent.append(name), coro.close())
    )
    one, other = Question((OFF,)), Question((f"{PATH}=0.9",))
    first = asker.ask(one)
    assert asker.ask(one) is first
    second = asker.ask(other)
    ready = asker.prepare()
    assert asker.prepare() is ready
    assert len(sent) == 3
    asker.hear({"id": first.number, "share": 0.5, "stage": "solving"})
    assert (first.share, first.stage) == (0.5, "solving")
    asker.hear({"id": first.number, "answer": answer([OFF]), "took": {}})
    assert first.state == "done"
    assert asker.answer(one)["counterfactuals"]["asked"]["set"] == [OFF]
    asker.stop(second)
    asker.hear({"id": second.number, "stopped": True})
    assert (second.state, asker.answer(other)) == ("stopped", None)
    asker.hear({"id": ready.number, "numbers": {TRUTH: {}}})
    assert asker.ready
    lost = asker.ask(other)
    asker._end(lost, "failed", "lost")
    assert (lost.state, lost.why) == ("failed", "lost")


def test_what_two_wait_for_is_stopped_when_neither_wants_it(desk, monkeypatch):
    asker = Asker(desk)
    monkeypatch.setattr("standoff.app.what_if_asker.background_tasks.create", lambda coro, name: coro.close())

    class Reader:
        pass

    one, other = Reader(), Reader()
    asking = asker.ask(Question((OFF,)), one)
    assert asker.ask(Question((OFF,)), other) is asking
    asker.stop(asking, one)
    assert asking.running
    asker.stop(asking, other)
    assert asking.state == "stopped"
    again = asker.prepare(one)
    assert asker.prepare(other) is again
    asker.stop(again, other)
    del one  # his page was closed
    asker.stop(again)
    assert again.state == "stopped"


def test_a_case_that_was_edited_below_the_desk_is_told():
    asked = [json.dumps({"id": 3, "ask": {}}), json.dumps({"stop": 3}), json.dumps({"id": 4, "ask": {"asked": [OFF]}})]
    sent = []
    what_if_worker.refuse(asked, sent.append)
    assert [json.loads(line) for line in sent] == [{"id": k, "mistake": what_if_worker.EDITED} for k in (3, 4)]


# the page


def visit(desk, steps, address="/what-if"):
    """Open the page and do something with it, in this process."""

    async def run():
        async with user_simulation(root=None) as user:
            register(desk, [what_if.PAGE])
            try:
                await user.open(address)
                await steps(user)
            finally:
                Client.page_routes.clear()  # or the simulation takes our modules out of sys.modules

    asyncio.run(run())


@pytest.fixture
def scripted(desk, monkeypatch):
    monkeypatch.setattr(what_if, "SETTLE", 0.05)
    monkeypatch.setattr(what_if, "BEAT", 0.02)
    desk.asker = Scripted(desk)
    return desk


def test_a_switch_asks_and_the_answer_can_be_pinned(scripted):
    desk = scripted
    title = next(d.title for d in desk.loaded.case.view_of("target").differences if d.id == "she-dare-not")

    async def steps(user):
        await user.should_see("What if it had been otherwise?")
        switch = next(iter(user.find(kind=ui.switch, content=title).elements))
        switch.set_value(False)
        await user.should_see("Answered in 1.2 s", retries=30)
        await user.should_see("Agreed exit", retries=5)
        await user.should_see("--set views.lume.she-dare-not=off", retries=5)
        user.find("Pin for comparison").click()
        user.find("Reset").click()
        await user.should_see("Nothing yet", retries=10)
        await user.should_see(title[1:], retries=5)

    visit(desk, steps)
    assert desk.asker.answer(Question((OFF,))) is not None


def test_a_link_restores_question_answer_and_pins(scripted):
    pin = Question((f"{PATH}=0.9",))

    async def steps(user):
        await user.should_see("Answered in", retries=60)
        await user.should_see("climb to", retries=5)
        await user.should_see("success: 0.9", retries=60)

    visit(scripted, steps, f"/what-if?set=moves.coercer.2031-03-18=climb:blockade&from=2031-03-17&pins={pin.key}")
    asked = scripted.asker.answers
    assert set(asked) == {Question(("moves.coercer.2031-03-18=climb:blockade",), "2031-03-17").key, pin.key}


def test_a_question_can_be_stopped_asked_again_and_can_fail(scripted):
    scripted.asker.hold = True

    async def steps(user):
        await user.should_see("40%: solving", retries=60)
        user.find("Stop").click()
        await user.should_see("Stopped. What was solved is kept.", retries=20)
        scripted.asker.hold = False
        user.find("Ask").click()
        await user.should_see("no room", retries=60)

    visit(scripted, steps, f"/what-if?set={PATH}=0.66")


def test_a_mistake_in_a_link_is_told_and_nothing_of_it_is_read_as_html(scripted):
    async def steps(user):
        await user.should_see("Did you mean", retries=60)

    visit(scripted, steps, "/what-if?set=views.lume.she-dare=off;%3Cscript%3E=1&tab=numbers&pins=~~x@y")
    assert not scripted.asker.answers


def test_numbers_and_moves_are_offered(scripted):
    async def steps(user):
        await user.should_see("Another number")
        slider = next(iter(user.find(kind=ui.slider).elements))
        slider.set_value(slider._props["max"])
        await user.should_see("Answered in", retries=60)

    visit(scripted, steps, "/what-if?tab=numbers")

    async def move(user):
        chosen = next(e for e in user.find(kind=ui.select).elements if e._props.get("label") == "What he does")
        chosen.set_value("ultimatum")
        user.find("Add the move").click()
        await user.should_see("Answered in", retries=60)

    visit(scripted, move, "/what-if?tab=moves")
    assert any("moves.coercer.2031-03-03=ultimatum" in key for key in scripted.asker.answers)


@pytest.mark.slow
def test_a_process_of_its_own_gives_the_numbers_of_the_command(desk, monkeypatch):
    question = Question((OFF,))

    async def run():
        monkeypatch.setattr(core, "loop", asyncio.get_running_loop())
        asker = Asker(desk)
        asking = asker.ask(question)
        began = time.monotonic()
        while asking.running and time.monotonic() - began < 900:
            await asyncio.sleep(0.2)
        assert asking.state == "done", asking.why
        asker.close()
        await asker._process.wait()
        return asker.answer(question)

    found = asyncio.run(run())
    again = ask.whatif_dict(whatif(desk.loaded, {"asked": [OFF]}, draws=DRAWS, replications=CRISES))
    assert found["counterfactuals"] == again["counterfactuals"]
    assert dt.timedelta(seconds=found["took"]["wall"]) > dt.timedelta(0)
