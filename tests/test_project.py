"""What the repository promises as a whole: locks without addresses, quick help, no scenario in the code."""

import os
import re
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import standoff

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src"
LOCKS = [ROOT / "requirements" / f"{name}.txt" for name in ("run", "dev", "bench")]

ADDRESS = re.compile(r"://|\bfile:|\s@\s|^\s*(-[eif]\b|--(extra-)?index-url|--find-links|--trusted-host)")
"""What would tie a lock to one place: an address, a local file, an option of pip that names either."""

SCENARIO = re.compile("venezuela|maduro|trump|caracas|washington", re.IGNORECASE)
"""The country, the leaders and the capitals of the shipped case."""

HELP_CPU_SECONDS = 0.3


def locked(lock: Path) -> dict[str, str]:
    """The entries of a lock, from name and marker to the whole line."""
    lines = [line.rstrip("\\ ") for line in lock.read_text().splitlines() if re.match(r"[a-zA-Z0-9]", line)]
    return {re.sub(r"==[^ ;]+", "", line): line for line in lines}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_lock_names_no_address(lock):
    tied = [line for line in lock.read_text().splitlines() if ADDRESS.search(line)]
    assert tied == []


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_lock_has_a_hash_for_every_package(lock):
    entries = re.split(r"\n(?=[a-zA-Z0-9])", lock.read_text())[1:]
    assert len(entries) > (2 if lock.stem == "bench" else 10)
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_locks_agree():
    run, dev, bench = (locked(lock) for lock in LOCKS)
    assert run.items() <= dev.items()
    assert {name: dev[name] for name in bench.keys() & dev.keys()} == {
        name: bench[name] for name in bench.keys() & dev.keys()
    }


def test_uv_lock_is_not_tracked():
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listing = subprocess.run(
        ["git", "-c", f"safe.directory={ROOT}", "ls-files"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert [path for path in listing.stdout.splitlines() if Path(path).name == "uv.lock"] == []


def test_version_is_of_three_numbers():
    assert re.fullmatch(r"\d+\.\d+\.\d+", standoff.__version__)


def test_help_is_quick():
    command = Path(sys.executable).with_name("standoff")
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("COV_", "PYTHON"))}

    def cpu_seconds() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([command, "--help"], check=True, stdout=subprocess.DEVNULL, env=environ)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    # The minimum: other work on the machine only ever adds.
    assert min(cpu_seconds() for _ in range(5)) < HELP_CPU_SECONDS


def test_code_knows_no_scenario():
    cases = SOURCE / "standoff" / "cases"
    files = [
        path
        for path in SOURCE.rglob("*")
        if path.is_file() and cases not in path.parents and "__pycache__" not in path.parts
    ]
    named = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in files
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
        if SCENARIO.search(line)
    ]
    assert named == []
