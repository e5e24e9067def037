"""A file that is packed, or only called so, is told in one sentence wherever tables are read."""

import bz2
import gzip
import lzma
import zipfile
from pathlib import Path

import pytest

from standoff.backtest.files import columns
from standoff.case.packed import packing, require_as_named, require_plain
from standoff.errors import UserError
from standoff.estimate.table import read_table
from standoff.events.find import Wanted, find
from standoff.events.parties import party

TEXT = b"a,b\n1,2\n3,4\n"


def events(file):
    return find([file], Wanted(party("USA"), party("PAN")))


READERS = {"estimate": read_table, "backtest": lambda file: columns(file, ["a"], 100), "events": events}


@pytest.mark.parametrize("name", ["t.csv.gz", "t.csv.GZ", "t.csv.zip", "t.csv.bz2", "t.csv.xz", "t.csv.zst"])
@pytest.mark.parametrize("reader", READERS)
def test_a_plain_file_called_packed(tmp_path, reader, name):
    file = tmp_path / name
    file.write_bytes(TEXT)
    with pytest.raises(UserError) as told:
        READERS[reader](file)
    assert str(told.value).startswith(f"{file}: it is called {file.suffix}, but it is not packed with ")
    assert f"take {file.suffix} off its name" in str(told.value)


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz"])
@pytest.mark.parametrize("reader", ["estimate", "backtest"])
@pytest.mark.parametrize("whole", [True, False], ids=["whole", "cut"])
def test_a_packed_table_is_to_be_unpacked(tmp_path, reader, name, whole):
    file = tmp_path / name
    content = gzip.compress(TEXT, mtime=0)
    file.write_bytes(content if whole else content[:-9])
    with pytest.raises(UserError, match=r"it is packed with gzip\. Unpack it first") as told:
        READERS[reader](file)
    assert str(file) in str(told.value)


@pytest.mark.parametrize("name", ["t.csv.gz", "t"])
def test_events_that_are_cut_off(tmp_path, name):
    file = tmp_path / name
    file.write_bytes(gzip.compress(TEXT * 500, mtime=0)[:-9])
    with pytest.raises(UserError, match=r"ends too early\. Download it again") as told:
        events(file)
    assert str(file) in str(told.value)


def test_events_that_are_packed_in_a_way_that_is_not_read(tmp_path):
    file = tmp_path / "t"
    file.write_bytes(lzma.compress(TEXT))
    with pytest.raises(UserError, match=r"it is packed with xz\. Unpack it first, or pack it with gzip"):
        events(file)


def test_how_files_are_packed(tmp_path):
    with zipfile.ZipFile(tmp_path / "t.zip", "w") as archive:
        archive.writestr("t.csv", TEXT)
    made = {"gzip": gzip.compress(TEXT), "bzip2": bz2.compress(TEXT), "xz": lzma.compress(TEXT),
            "zip": (tmp_path / "t.zip").read_bytes()}  # fmt: skip
    for name, content in made.items():
        assert packing(content[:6]) == name
        require_as_named(Path("t.gz"), content[:6])  # packed in some way: who reads it says whether that will do
    assert packing(TEXT) is None
    require_plain(Path("t.csv"), TEXT)
