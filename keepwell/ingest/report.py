"""What an import did: counts, and what was rejected and why."""

from __future__ import annotations

import csv
from pathlib import Path
from types import TracebackType
from typing import Self

from pydantic import Field

from keepwell.contracts.base import Frozen
from keepwell.errors import InputError
from keepwell.ingest.cells import Kind, Reject

SHOWN_REJECTS = 20


class RejectLine(Frozen):
    """One reject, as `Reject`, for JSON."""

    line: int
    column: str
    value: str
    reason: str


class Summary(Frozen):
    """The outcome of one import.

    `rows` are the file's rows. created + updated + unchanged + rejected is the same number, except for
    metrics with one column each (`counts` is "values" then): there each value counts, an empty cell does
    not, and a row with an unknown customer counts once per value. `rejects` are the first 20.
    """

    id: str
    kind: Kind
    file: str
    counts: str = "rows"
    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    notes: tuple[str, ...] = ()
    rejects: tuple[RejectLine, ...] = Field(default=())

    @property
    def stored(self) -> int:
        """Rows or values that are in the store now as the file says."""
        return self.created + self.updated + self.unchanged

    def sentence(self) -> str:
        """The counts in one line, for people."""
        rows = "1 row" if self.rows == 1 else f"{self.rows:,} rows"
        of = f" with {self.stored + self.rejected:,} values" if self.counts == "values" else ""
        return (
            f"{self.kind} from {self.file}: {rows}{of}; {self.created:,} created, "
            f"{self.updated:,} updated, {self.unchanged:,} unchanged, {self.rejected:,} rejected"
        )


_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def harmless(cell: str) -> str:
    """A cell that a spreadsheet does not take for a formula: a leading ' where it would."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


class RejectWriter:
    """Writes rejects to a CSV file (line, column, value, reason); a context manager, callable per reject."""

    def __init__(self, path: Path) -> None:
        try:
            # The BOM is for Excel, which takes a CSV file without one for Latin-1.
            self._file = path.open("w", encoding="utf-8-sig", newline="")
        except OSError as error:
            raise InputError(f"the rejects cannot be written: {error.strerror}", place=str(path)) from error
        self._writer = csv.writer(self._file)
        self._writer.writerow(("line", "column", "value", "reason"))

    def __call__(self, reject: Reject) -> None:
        self._writer.writerow((reject.line, *map(harmless, (reject.column, reject.value, reject.reason))))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
