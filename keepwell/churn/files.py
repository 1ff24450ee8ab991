"""Somebody's table from a file, and what was said about its columns; mistakes name file and column."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from keepwell.errors import InputError
from keepwell.ingest.cells import Cell, Reject
from keepwell.ingest.files import Table
from keepwell.ingest.suggest import did_you_mean
from scoring.churn.mapping import Mapping

if TYPE_CHECKING:
    from pandas import DataFrame

SHOWN = 3
"""Unreadable rows that a message shows."""
NOT_UTF8 = "is not UTF-8"
"""How the reader calls a line in another encoding."""
MOST_ROWS = 2_000_000
"""More would not fit into the memory of a small machine."""

OPTIONS = {
    "target": "--target",
    "customer": "--id",
    "group": "--group",
    "time": "--time",
    "measured": "--measured",
    "window_start": "--window-start",
    "duration": "--duration",
    "drop": "--drop",
    "keep": "--keep",
}
"""Which option gives which part of the mapping."""


@dataclass(frozen=True, slots=True)
class Source:
    """A table with where it came from. `digest` is the SHA-256 of the file."""

    frame: DataFrame
    file: str
    digest: str
    lines: Sequence[int]


def read_table(path: Path) -> Source:
    """Read a .csv or .jsonl file. Cells stay as they are written: what is a number is decided by column.

    Raises:
        InputError: the file or one of its rows cannot be read. Nothing is skipped silently: a model would
            then be of other customers than the file says.
    """
    from pandas import DataFrame, Series  # noqa: PLC0415  (half a second to load)

    lines: list[int] = []
    with Table(path) as table:
        cells: dict[str, list[Cell]] = {name: [] for name in table.columns}
        rejects = []
        for row in table.rows():
            if isinstance(row, Reject):
                rejects.append(row)
                continue
            lines.append(row.line)
            if len(lines) > MOST_ROWS:
                raise InputError(f"has more than {MOST_ROWS:,} rows; give a sample of them", place=str(path))
            for name, column in cells.items():
                column.append(row.values.get(name))
        if rejects:
            raise _unreadable(path, rejects)
    if not lines:
        raise InputError("has a header and no rows", place=str(path))
    frame = DataFrame({name: Series(column, dtype=object) for name, column in cells.items()})
    return Source(frame, path.name, _digest(path), lines)


def check_columns(source: Source, mapping: Mapping) -> None:
    """Raise InputError for every column that was named and is not there, with the one likely meant."""
    columns = [str(name) for name in source.frame.columns]
    wrong = []
    for field in fields(mapping):
        option, value = OPTIONS.get(field.name), getattr(mapping, field.name)
        if option is None or value is None:
            continue
        wrong += [
            f"{option}: there is no column {name!r}{did_you_mean(name, columns)}"
            for name in ((value,) if isinstance(value, str) else value)
            if name not in columns
        ]
    if wrong:
        raise InputError("; ".join(wrong), place=source.file, hint=f"The file's columns: {_listed(columns)}")
    others = (mapping.customer, mapping.group, mapping.time, mapping.duration, mapping.measured)
    if mapping.target in (*others, mapping.window_start, *mapping.drop):
        raise InputError(
            f"the target {mapping.target!r} cannot be something else as well; name another column",
            place=source.file,
        )


def check_target(source: Source, mapping: Mapping, given: bool) -> None:
    """Raise InputError where the target is not a yes and a no, saying which values it has.

    `given` tells whether a person named the values that mean "left".
    """
    from scoring.churn.columns import MISSING, answer, text_of  # noqa: PLC0415  (loads pandas)

    cells = source.frame[mapping.target].map(text_of)
    counts = cells[cells != MISSING].value_counts()
    if counts.empty:
        raise InputError(f"the target {mapping.target!r} is empty in every row", place=source.file)
    known = ", ".join(f"{value} ({count:,})" for value, count in counts.head(6).items())
    wanted = {answer(one) for one in mapping.churned}
    hits = [str(value) for value in counts.index if answer(value) in wanted]
    if not hits:
        said = " or ".join(repr(one) for one in mapping.churned)
        raise InputError(
            f"no row of {mapping.target!r} holds {said}, so nobody left",
            place=source.file,
            hint=f"It holds: {known}. Say which value means left: --churned VALUE",
        )
    if len(counts) == len(hits):
        raise InputError(
            f"every row of {mapping.target!r} says that the customer left; there is nothing to tell apart",
            place=source.file,
            hint=f"It holds: {known}. Customers who stayed have to be in the table, too.",
        )
    if len(counts) > 2 and not given:
        raise InputError(
            f"the target {mapping.target!r} has {len(counts):,} values; it must say left or stayed",
            place=source.file,
            hint=f"It holds: {known}. Say which mean left, with --churned for each.",
        )


def row_at(source: Source, number: int) -> int:
    """The position of the n-th row (from 1). Raises InputError where there is none."""
    if not 1 <= number <= len(source.lines):
        raise InputError(f"the file has rows 1 to {len(source.lines):,}, not {number}", place="--row")
    return number - 1


def _unreadable(path: Path, rejects: Sequence[Reject]) -> InputError:
    more = f"\nand {len(rejects) - SHOWN:,} more" if len(rejects) > SHOWN else ""
    text = "\n".join(str(one) for one in rejects[:SHOWN])
    count = "1 row" if len(rejects) == 1 else f"{len(rejects):,} rows"
    hint = "Correct or delete these rows; none is left out silently."
    if all(NOT_UTF8 in one.reason for one in rejects):
        hint = "Save the whole file as UTF-8; then nothing has to be corrected by hand."
    return InputError(f"{count} cannot be read\n{text}{more}", place=str(path), hint=hint)


def _listed(columns: Sequence[str], most: int = 40) -> str:
    more = f" … and {len(columns) - most} more" if len(columns) > most else ""
    return ", ".join(columns[:most]) + more


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
