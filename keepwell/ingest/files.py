"""Reads tables from CSV files and from JSON lines, row by row, with the line each row begins on."""

from __future__ import annotations

from collections.abc import Iterator
from os import SEEK_END
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from keepwell.errors import InputError
from keepwell.ingest import csv_rows, json_rows
from keepwell.ingest.cells import Reject, Row
from keepwell.ingest.lines import Lines, open_text

_CSV = frozenset({".csv", ".tsv"})
_JSON = frozenset({".jsonl", ".ndjson"})


class Table:
    """An open file of rows; a context manager.

    `columns` are the header's names (CSV) or the keys of the first objects (JSON lines). `is_text` tells
    that every cell is text, as in CSV. `size` and `done` are bytes, for a progress bar.
    """

    def __init__(self, path: Path, file: BinaryIO | None = None) -> None:
        """Open the file of that path; or take `file`, which is open, and `path` for its name alone."""
        self.path = path
        suffix = path.suffix.lower()
        if suffix not in _CSV | _JSON:
            raise InputError(
                f"{suffix or 'a name without ending'} is not a kind of file that can be read",
                place=str(path),
                hint="Give a .csv file (with a header) or a .jsonl file (one JSON object per line).",
            )
        self.is_text = suffix in _CSV
        self._delimiter = ","
        self._file: BinaryIO = open_text(path, file)
        try:
            self._lines = Lines(self._file)
            self.size = self._file.seek(0, SEEK_END)
            self._file.seek(0)
            self.columns = self._read_columns()
        except BaseException:
            self._file.close()
            raise

    @property
    def done(self) -> int:
        """Bytes read so far."""
        return self._lines.done

    def rows(self) -> Iterator[Row | Reject]:
        """The rows, once; a row that cannot be read comes as a Reject."""
        if self.is_text:
            return csv_rows.rows(self._lines, self.columns, self._delimiter)
        return json_rows.rows(self._lines)

    def _read_columns(self) -> tuple[str, ...]:
        if self.is_text:
            columns, self._delimiter = csv_rows.header(self._lines, str(self.path))
            return columns
        columns = json_rows.keys(self._lines, str(self.path))
        self._file.seek(0)
        self._lines = Lines(self._file)
        return columns

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
