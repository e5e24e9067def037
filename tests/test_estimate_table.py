"""Spoilt tables are told in one sentence with place and remedy."""

import re

import pytest

from standoff.errors import UserError
from standoff.estimate.table import LARGEST, read_table

GOOD = "a,b\n" + "1,2\n" * 5
SPOILT = {
    "semicolons": ("t.csv", GOOD.replace(",", ";"), r":1: its cells are parted by semicolons\. Save it with commas\."),
    "commas in a TSV": ("t.tsv", GOOD, r":1: its cells are parted by commas\. Save it with tabs\."),
    "cut off": ("t.csv", GOOD + "1", r": its last line has 1 of 2 cells, so the file may have been cut off\. Get it"),
    "too many cells": ("t.csv", GOOD + "1,2,3\n", r"Every line must have as many cells as the header, and quotes"),
    "open quote": ("t.csv", GOOD + '"1,2\n', r"quotes must be closed\.$"),
    "no parquet": ("t.parquet", "hello", r"Write it anew as parquet, or save it as CSV\.$"),
    "called otherwise": ("t.xlsx", "hello", r"a table is CSV, TSV or parquet\. Name it"),
}


@pytest.mark.parametrize("name", SPOILT)
def test_what_is_no_table_is_told_with_a_remedy(tmp_path, name):
    file, text, says = SPOILT[name]
    (tmp_path / file).write_text(text)
    with pytest.raises(UserError, match=says) as told:
        read_table(tmp_path / file)
    assert str(told.value).startswith(f"{tmp_path / file}:")
    assert "\n" not in str(told.value)
    assert not re.search("Consider|You might|truncate_ragged", str(told.value))


@pytest.mark.parametrize(
    "text", [GOOD, GOOD[:-1], GOOD + "\n", "a\n1\n", '"a","b"\n1,"x,y"\n', "a,b\n1,\n", "é,b\n1,é\n"]
)
def test_whole_tables_are_read(tmp_path, text):
    (tmp_path / "t.csv").write_text(text)
    assert len(read_table(tmp_path / "t.csv")) >= 1


@pytest.mark.parametrize("cell", ["1e308", "-1e101", "1e200"])
def test_a_number_whose_square_is_infinite_is_refused_at_its_cell(tmp_path, cell):
    (tmp_path / "t.csv").write_text(GOOD + f"1,{cell}\n")
    with pytest.raises(UserError, match=rf"t\.csv:7, column 'b': {float(cell):g}".replace("+", r"\+")) as told:
        read_table(tmp_path / "t.csv").numbers("b")
    assert f"larger than {LARGEST:g}" in str(told.value)
    assert read_table(tmp_path / "t.csv").numbers("a")[-1] == 1


def test_a_long_cell_is_not_told_whole(tmp_path):
    (tmp_path / "t.csv").write_text(GOOD + "1,x\x01" + "y" * 5000 + "\n")
    with pytest.raises(UserError, match=r"'x\?y{38}…' is no number"):
        read_table(tmp_path / "t.csv").numbers("b")
