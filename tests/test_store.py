"""Finished draws on disk: found again to the bit; half-written, damaged and foreign files are never used."""

import errno
import os
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from standoff.errors import Failure
from standoff.simulate import store as storing
from standoff.simulate.ensemble import DrawResult, Told
from standoff.simulate.store import DrawStore, StoreFull, origin

WHAT = {"plan": "precision 2", "draw": 3, "job": [20, ["views"]]}


def draw(number, size=6):
    """A result with everything that one can hold: arrays of all kinds, empty and without axes, numbers."""
    rng = np.random.default_rng(number)
    table = {"coercer": rng.random((size, 3)), "target": np.zeros((0, 3))}
    told = Told(**{f.name: table if "dict" in str(f.type) else rng.random((size, 2, 2)) for f in fields(Told)})
    told = replace(told, spread=np.array(rng.random()), ahead={})
    ended = {"views": {"outcome": rng.integers(0, 7, size).astype(np.int8), "exit": rng.random(size) < 0.5}}
    worth = {"base": {"exit": rng.random(4)}}
    quality = {"base": (float(rng.random()), np.float64(1e-300), float("inf"), 0.1)}
    return DrawResult(number, ended, rng.integers(0, 2, (2, size)), {"views": told}, worth, {"base": rng.random(2)},
                      quality, {})  # fmt: skip


def same(one, other):
    """Whether two results are equal to the bit, kinds of numbers included."""
    a, b = [], []
    one, other = storing.pack(one, a), storing.pack(other, b)
    return one == other and [(x.dtype, x.shape, x.tobytes()) for x in a] == [(x.dtype, x.shape, x.tobytes()) for x in b]


@pytest.fixture
def said():
    return []


@pytest.fixture
def store(tmp_path, said):
    return DrawStore(tmp_path / ".run.draws", origin("digest", {"seed": 1}), said.append)


def test_nothing_is_written_before_the_first_draw(store):
    assert store.find(WHAT) is None
    assert not store.root.exists()


def test_what_was_kept_is_found_to_the_bit(store, said):
    store.keep(WHAT, draw(3))
    assert same(store.find(WHAT), draw(3))
    assert not same(store.find(WHAT), draw(4))
    assert store.find(WHAT | {"draw": 4}) is None
    assert said == []
    assert [path.name[0] for path in store.folder.iterdir()] == ["p"]  # nothing half-written left


def test_writing_twice_is_harmless(store):
    store.keep(WHAT, draw(3))
    store.keep(WHAT, draw(3))
    assert same(store.find(WHAT), draw(3))
    assert len(list(store.folder.iterdir())) == 1


@pytest.mark.parametrize("change", ["case", "version", "seed"])
def test_a_draw_of_something_else_is_not_found(store, tmp_path, change):
    other = origin("other" if change == "case" else "digest", {"seed": 2 if change == "seed" else 1})
    other |= {"version": "0.0.0"} if change == "version" else {}
    beside = DrawStore(store.root, other)
    beside.keep(WHAT, draw(3))
    assert store.find(WHAT) is None
    assert (store.others(), beside.others()) == (1, 0)


def test_a_foreign_file_under_the_right_name_is_refused(store, said):
    beside = DrawStore(store.root, origin("other", {"seed": 1}))
    beside.keep(WHAT, draw(3))
    store.folder.mkdir()
    beside.path(WHAT).rename(store.path(WHAT))
    assert store.find(WHAT) is None
    assert "another case, version or options" in said[0]
    assert str(store.path(WHAT)) in said[0]


def test_no_prefix_of_a_file_is_taken_for_whole(store, said):
    store.keep(WHAT, draw(3))
    whole = store.path(WHAT).read_bytes()
    for size in [0, 1, *range(2, len(whole), max(len(whole) // 40, 1)), len(whole) - 1]:
        store.path(WHAT).write_bytes(whole[:size])
        assert store.find(WHAT) is None, size
    assert all("not whole" in sentence for sentence in said)
    store.path(WHAT).write_bytes(whole)
    assert same(store.find(WHAT), draw(3))


def test_no_flipped_bit_changes_a_number(store):
    """A flip either is noticed, or lies where the archive holds nothing of ours, and then the numbers are the same."""
    store.keep(WHAT, draw(3))
    whole = store.path(WHAT).read_bytes()
    noticed = 0
    for at in np.random.default_rng(1).integers(0, len(whole), 60):
        changed = bytearray(whole)
        changed[at] ^= 1 << (at % 8)
        store.path(WHAT).write_bytes(changed)
        found = store.find(WHAT)
        noticed += found is None
        assert found is None or same(found, draw(3))
    assert noticed > 20


def test_arrays_exchanged_within_a_whole_archive_are_noticed(store, said, monkeypatch):
    """The archive itself is in order, and only the checksum can tell."""
    monkeypatch.setattr(storing, "_checksum", lambda *_: "0" * 64)
    store.keep(WHAT, draw(3))
    monkeypatch.undo()
    assert store.find(WHAT) is None
    assert "checksum" in said[0]


@pytest.mark.parametrize("where", ["fsync", "replace", "mkdir"])
def test_a_full_disk_keeps_what_was_there(store, monkeypatch, where):
    store.keep(WHAT, draw(3))

    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(*{"fsync": (os, "fsync"), "replace": (Path, "replace"), "mkdir": (Path, "mkdir")}[where], full)
    with pytest.raises(StoreFull, match=r"No space left on device.* 1 draws written before are whole"):
        store.keep(WHAT | {"draw": 4}, draw(4))
    monkeypatch.undo()
    assert issubclass(StoreFull, Failure)
    assert same(store.find(WHAT), draw(3))
    assert store.find(WHAT | {"draw": 4}) is None
    assert [path.name[0] for path in store.folder.iterdir()] == ["p"]


def test_what_a_killed_process_left_is_removed(store):
    store.keep(WHAT, draw(3))
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    dead = store.folder / f".x.zarr.zip.{gone.pid}-1.partial"
    mine = store.folder / f".x.zarr.zip.{os.getpid()}-1.partial"
    dead.touch()
    mine.touch()
    store.tidy()
    assert (dead.exists(), mine.exists()) == (False, True)
    assert same(store.find(WHAT), draw(3))


def test_clear_removes_all(store):
    store.keep(WHAT, draw(3))
    store.clear()
    store.clear()
    assert not store.root.exists()


def test_a_part_that_cannot_be_kept_is_refused():
    with pytest.raises(TypeError, match="cannot keep"):
        storing.pack({"x": object()}, [])


def test_the_origin_knows_the_code_and_the_libraries():
    made = origin("digest", {"seed": 1})
    assert len(made["code"]) == 64
    assert set(made["libraries"]) == {"jax", "jaxlib", "numpy"}
    assert made == origin("digest", {"seed": 1})
