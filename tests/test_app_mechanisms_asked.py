"""The Mechanisms page computes what is missing: its process, the readers who share it, the numbers of the command."""

import asyncio
import inspect
import shutil
import signal
import subprocess
import sys
import threading
import time
import warnings

import pytest
import xarray as xr
from tests.test_report import asked

from standoff.app import jobs, mechanisms_worker
from standoff.app.data import STORES, Desk
from standoff.app.jobs import LOST, Job, Jobs, jobs_of
from standoff.app.mechanisms import arrived, misreadings
from standoff.app.mechanisms_worker import PARTS, work
from standoff.app.what_if_worker import EDITED
from standoff.case.load import load_case
from standoff.case.new import TEMPLATE
from standoff.cli.ask import attribute as attribute_command
from standoff.cli.mechanisms import mechanisms as mechanisms_command
from standoff.errors import UserError
from standoff.show import beside
from standoff.simulate.attribute import attribute
from standoff.simulate.mechanisms import mechanisms

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from nicegui import Client, events, ui
    from nicegui.testing import user_simulation

    from standoff.app import server
    from standoff.app.pages import mechanisms as page


@pytest.fixture(scope="module")
def loaded():
    return load_case(TEMPLATE)


@pytest.fixture
def desk(loaded, tmp_path):
    """A desk on a run of the template of which no more is known than that it is whole."""
    tree = xr.DataTree()
    tree.attrs["digest"] = loaded.digest
    tree.to_zarr(tmp_path / "run" / "results.zarr", consolidated=False)
    (tmp_path / "run" / "manifest.json").write_text(f'{{"digest": "{loaded.digest}", "complete": true}}')
    return Desk(loaded, tmp_path, called="lume")


@pytest.fixture
def quick(monkeypatch):
    """The analyses answer at once, with what tests of the report show."""

    def compute(part, case, progress):
        progress("playing (1 of 2)", 0.5)
        return asked(case)[part]

    monkeypatch.setattr(mechanisms_worker, "compute", compute)


def kept_in(folder):
    return sorted(path.name for path in folder.iterdir() if "zarr" in path.name and path.name != "results.zarr")


def worked(part, desk, digest=None, run=None):
    """The exit code and the lines of the process's work."""
    lines = []
    code = work(part, desk.loaded.root, digest or desk.digest, run or desk.run, lines.append, threading.Lock())
    return code, lines


# the process


@pytest.mark.parametrize("part", PARTS)
def test_a_part_is_kept_as_its_command_keeps_it(desk, quick, part):
    assert not arrived(desk, part)
    assert desk.store(part) is None
    assert worked(part, desk) == (0, ["50% playing (1 of 2)"])
    assert kept_in(desk.run) == [STORES[part]]
    assert arrived(desk, part)
    desk.look_again()
    assert not arrived(desk, part)  # the desk has read it
    xr.testing.assert_identical(desk.data(part), asked(desk.loaded)[part])


def test_what_cannot_be_computed_is_said_and_nothing_is_kept(desk, monkeypatch, tmp_path):
    code, lines = worked("attribution", desk, digest="of another state")
    assert (code, lines) == (2, [EDITED])
    (tmp_path / "case").mkdir()
    assert work("attribution", tmp_path / "case", desk.digest, desk.run, lines.append, threading.Lock()) == 2
    assert lines == [EDITED, EDITED]
    code, lines = worked("attribution", desk, run=tmp_path / "gone")
    assert code == 2
    assert "holds no run" in lines[0]
    failures = (UserError("No view differs."), 2, "No view differs."), (MemoryError("all"), 1, "MemoryError: all")
    for error, code, said in failures:

        def fail(*_, error=error):
            raise error

        monkeypatch.setattr(mechanisms_worker, "compute", fail)
        assert worked("mechanisms", desk) == (code, [said])
    assert kept_in(desk.run) == []
    assert not (tmp_path / "gone").exists()


def test_what_is_not_named_is_as_the_commands_have_it():
    def default(made, name):
        return inspect.signature(made).parameters[name].default

    alike = {"draws": "draws", "replications": "replications", "seed": "seed"}
    for command, analysis, names in (
        (attribute_command, attribute, alike | {"orders": "pairs"}), (mechanisms_command, mechanisms, alike),
    ):  # fmt: skip
        for one, other in names.items():
            assert default(command, one) == default(analysis, other), (command, one)


STAND_IN = """
import sys, time
from standoff.app import mechanisms_worker
from standoff.show import beside

mode, *sys.argv[1:] = sys.argv[1:]

def keep(found, run, part):
    half = run / f".{part}.zarr.partial"
    half.mkdir()
    while not (run / "go").exists():
        time.sleep(0.01)
    half.rename(run / f"{part}.zarr")

def compute(part, loaded, progress):
    progress("playing", 0.5)
    if mode == "compute":
        time.sleep(600)

mechanisms_worker.compute, beside.keep = compute, keep
mechanisms_worker.main()
"""


def test_the_process_ends_with_the_server_and_leaves_no_half_file(desk):
    """Left by its server while it computes, left or stopped while it writes (which goes on once there is a `go`)."""
    folders, found = {}, {}
    for key in [("compute", "left"), ("write", "left"), ("write", "stopped")]:
        folders[key] = folder = desk.runs / "-".join(key)
        shutil.copytree(desk.runs / "run", folder)
        words = [key[0], "attribution", str(desk.loaded.root), desk.digest, str(folder)]
        found[key] = subprocess.Popen(
            [sys.executable, "-c", STAND_IN, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )  # fmt: skip
    half = ".attribution.zarr.partial"
    for key, process in found.items():
        assert process.stdout.readline() == "50% playing\n"
        while key[0] == "write" and not (folders[key] / half).exists():
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)  # Ctrl-C reaches both; it is the server's
        process.terminate() if key[1] == "stopped" else process.stdin.close()
    codes = {key: process.wait(60) for key, process in found.items() if key[0] == "compute"}
    time.sleep(0.2)
    for key in folders:
        assert kept_in(folders[key]) == ([half] if key[0] == "write" else [])
        (folders[key] / "go").touch()
    codes |= {key: process.wait(60) for key, process in found.items()}
    for key, process in found.items():
        assert kept_in(folders[key]) == (["attribution.zarr"] if key[0] == "write" else [])
        process.stdout.close()
        process.stdin.close()
    assert (codes["compute", "left"], codes["write", "stopped"]) == (1, 0)


# what readers share


class Reader:
    """A page that is open until it is deleted."""

    is_deleted = False


def test_a_job_is_stopped_when_nobody_waits_for_it():
    job, one, other = Job("attribution"), Reader(), Reader()
    job.readers.update((one, other))
    job.stop(one)
    assert job.running
    job.readers.add(one)
    other.is_deleted = True  # his page was closed
    job.stop(one)
    assert job.state == "stopped"


class Held(Jobs):
    """Jobs that end when they are told to, without a process; `done` holds what each has kept."""

    def __init__(self, desk):
        super().__init__(desk)
        self.ends, self.ran = {}, []

    async def _run(self, job):
        self.ran.append(job.name)
        job.hear(" 40% playing coalitions (4 of 12)")
        while job.running and job.name not in self.ends:
            await asyncio.sleep(0.01)
        if not job.running:
            return
        state = self.ends.pop(job.name)
        if state == "done":
            beside.keep(asked(self.desk.loaded)[job.name], self.desk.run, job.name)
        job.state, job.said = state, ["No view differs."] if state == "failed" else []
        self.desk.look_again()


async def until(true):
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < 60
        await asyncio.sleep(0.02)


def test_what_takes_all_cores_waits_its_turn(desk):
    async def steps():
        held = Held(desk)
        first, second = held.start("attribution"), held.start("mechanisms")
        assert held.start("mechanisms") is second
        await until(lambda: held.ran == ["attribution"])
        assert second.stage == "Waiting until the other analysis is done"
        second.end()
        held.ends["attribution"] = "done"
        await until(lambda: first.state == "done")
        third = held.start("mechanisms")
        await until(lambda: held.ran == ["attribution", "mechanisms"])
        assert second.state == "stopped"
        held.ends["mechanisms"] = "failed"
        await until(lambda: third.state == "failed")

    simulated(desk, steps)


def simulated(desk, steps, pages=()):
    """Run steps in a simulated server with some pages of the desk."""

    async def whole():
        async with user_simulation(root=lambda: None) as user:
            if pages:
                server.mount(desk)
            try:
                await (steps(user) if pages else steps())
            finally:
                Client.page_routes.clear()  # or the simulation removes our modules

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        asyncio.run(whole())


def seen(client):
    """All text of a page."""
    every = list(client.elements.values())
    return "\n".join(str(getattr(e, n)) for e in every for n in ("content", "text") if getattr(e, n, None))


def press(client, label, about="Which misreading cost most"):
    """Press the button whose label begins so."""
    buttons = [e for e in client.elements.values() if isinstance(e, ui.button) and e.text.startswith(label)]
    (button,) = (one for one in buttons if one.props["aria-label"] == f"{one.text}: {about}")
    click = next(one for one in button._event_listeners.values() if one.type == "click")
    with client:
        events.handle_event(click.handler, events.GenericEventArguments(sender=button, client=client, args={}))


def charts(client):
    return [e for e in client.elements.values() if isinstance(e, ui.echart)]


@pytest.fixture
def held(desk, monkeypatch):
    monkeypatch.setattr(server, "pages", lambda: [page.PAGE])
    monkeypatch.setattr(jobs, "BEAT", 0.02)
    found = desk.attached["jobs"] = Held(desk)
    return found


def test_two_readers_share_what_is_computed(desk, held):
    async def steps(user):
        early = await user.open("/mechanisms")  # before anybody asks
        one = await user.open("/mechanisms")
        assert seen(one).count("not computed yet") == 2
        assert "standoff attribute lume --out" in seen(one)
        press(one, "Compute it (")
        await until(lambda: "40%: playing coalitions (4 of 12), 0 s so far" in seen(one))
        other = await user.open("/mechanisms")
        for client in (early, other):
            await until(lambda client=client: "40%: playing coalitions" in seen(client))
        assert held.ran == ["attribution"]
        press(one, "Stop")
        await until(lambda: "It goes on, since another open page waits for it." in seen(one))
        assert "40%: playing coalitions" in seen(other)
        press(one, "Show its progress")
        await until(lambda: "40%: playing coalitions" in seen(one))
        press(early, "Stop")
        press(one, "Stop")
        assert held.under_way("attribution")
        held.ends["attribution"] = "done"
        for client in (early, one, other):  # each shows it, also those that did not wait to the end
            await until(lambda client=client: len(charts(client)) == 1)
            assert seen(client).count("not computed yet") == 1
            assert "most is owed to “First misreading”" in seen(client)
        assert held.ran == ["attribution"]

    simulated(desk, steps, [page.PAGE])
    assert misreadings(desk) is not None
    assert kept_in(desk.run) == ["attribution.zarr"]


def test_it_can_be_stopped_can_fail_and_is_found_when_made_elsewhere(desk, held):
    async def steps(user):
        client = await user.open("/mechanisms")
        press(client, "Compute it (")
        await until(lambda: "40%" in seen(client))
        press(client, "Stop")
        await until(lambda: "Stopped: nothing is kept of it." in seen(client))
        press(client, "Compute it (")
        held.ends["attribution"] = "failed"
        await until(lambda: "It failed: No view differs." in seen(client))
        assert charts(client) == []
        for number, (name, data) in enumerate(asked(desk.loaded).items(), start=1):  # as the command in a terminal does
            beside.keep(data, desk.run, name)
            await until(lambda number=number: len(charts(client)) == number)
        assert "It failed" not in seen(client)

    simulated(desk, steps, [page.PAGE])


@pytest.mark.slow
def test_an_edited_case_is_told_on_the_page(desk, monkeypatch):
    """The real process, which refuses before it computes anything."""
    monkeypatch.setattr(server, "pages", lambda: [page.PAGE])
    monkeypatch.setattr(jobs, "BEAT", 0.02)
    monkeypatch.setattr(Desk, "digest", property(lambda desk: "as it was"))
    monkeypatch.setattr(Desk, "run", property(lambda desk: desk.runs / "run"))

    async def steps(user):
        client = await user.open("/mechanisms")
        press(client, "Compute it (")
        await until(lambda: "It failed" in seen(client))
        assert f"It failed: {EDITED}" in seen(client)

    simulated(desk, steps, [page.PAGE])
    assert kept_in(desk.runs / "run") == []


def test_a_process_that_is_lost_is_told(desk, monkeypatch):
    monkeypatch.setattr(Jobs, "_words", lambda self, name: ["timeit", "import time; time.sleep(600)"])

    async def steps():
        job = Jobs(desk).start("attribution")
        await until(lambda: job.process is not None)
        job.process.send_signal(signal.SIGKILL)
        await until(lambda: not job.running)
        assert (job.state, job.said) == ("failed", [LOST.format(code=-9)])

    simulated(desk, steps)


def test_a_process_that_cannot_be_read_is_ended_and_told(desk, monkeypatch):
    """Or its readers would wait for ever; what waits its turn has it then."""
    endless = "import sys, time; sys.stdout.write('x' * 200_000); sys.stdout.flush(); time.sleep(600)"
    monkeypatch.setattr(Jobs, "_words", lambda self, name: ["timeit", "-n1", "-r1", endless])

    async def steps():
        every = Jobs(desk)
        first, second = every.start("attribution"), every.start("mechanisms")
        await until(lambda: not first.running and second.process is not None)
        assert first.state == "failed"
        assert first.said
        assert await first.process.wait() == -signal.SIGKILL
        second.end()
        await second.process.wait()

    simulated(desk, steps)


@pytest.mark.slow
def test_the_numbers_are_those_of_the_commands(desk, standoff):
    """Through the process that the button starts, with all that it leaves to defaults."""
    there = desk.run.parent / "commands"
    shutil.copytree(desk.run, there)

    async def steps():
        found = jobs_of(desk)
        told = set()
        for name in PARTS:
            job = found.start(name)
            began = time.monotonic()
            while job.running and time.monotonic() - began < 900:
                told.add(job.stage)
                await asyncio.sleep(0.05)
            assert job.state == "done", job.said
        assert any("playing coalitions (" in stage for stage in told)

    simulated(desk, steps)
    for command in ("attribute", "mechanisms"):
        assert standoff(command, desk.loaded.root, "--out", there)[0] == 0
    for name in PARTS:
        mine, theirs = (xr.load_dataset(run / STORES[name], engine="zarr", consolidated=False)
                        for run in (desk.run, there))  # fmt: skip
        xr.testing.assert_identical(mine, theirs)
    assert kept_in(desk.run) == kept_in(there) == ["attribution.zarr", "mechanisms.zarr"]
