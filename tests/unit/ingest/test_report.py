"""The memory of seen keys, and the file of rejects."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from keepwell.errors import InputError
from keepwell.ingest.cells import Reject, shown
from keepwell.ingest.report import RejectWriter
from keepwell.ingest.seen import Seen


def test_keys_are_found_with_their_lines_over_many_batches() -> None:
    seen = Seen()
    assert seen.find(["nobody"]) == [0]
    for start in range(0, 5000, 130):
        keys = [f"key {number}" for number in range(start, start + 130)]
        assert seen.find(keys) == [0] * 130
        seen.add(keys, [number + 2 for number in range(start, start + 130)])
    assert seen.find(["key 0", "key 4711", "other"]) == [2, 4713, 0]


def test_rejects_are_written_so_that_no_spreadsheet_runs_them(tmp_path: Path) -> None:
    path = tmp_path / "rejects.csv"
    with RejectWriter(path) as write:
        write(Reject(3, "name", "=cmd|' /C calc'!A0", "is wrong"))
        write(Reject(4, "@x", "-5", "is below 0"))
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    assert rows == [
        ["line", "column", "value", "reason"],
        ["3", "name", "'=cmd|' /C calc'!A0", "is wrong"],
        ["4", "'@x", "'-5", "is below 0"],
    ]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        RejectWriter(tmp_path / "no" / "rejects.csv")


def test_shown_values_are_short_and_on_one_line() -> None:
    assert shown("a\nb\x00c") == "a b c"
    assert len(shown("x" * 10_000_000)) == 80
    assert shown("\ud800") == "\\ud800"
