"""What files consist of: cells, rows, and rows that cannot be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

Cell = object
"""Text from CSV; text, int, float, bool, None, list or dict from a JSON line."""


class Kind(StrEnum):
    """What a file holds."""

    CUSTOMERS = "customers"
    CONTACTS = "contacts"
    STAFF = "staff"
    METRICS = "metrics"
    EVENTS = "events"
    OUTCOMES = "outcomes"


@dataclass(frozen=True, slots=True)
class Row:
    """One row: the line it begins on (from 1) and its cells by column."""

    line: int
    values: Mapping[str, Cell]


@dataclass(frozen=True, slots=True)
class Reject:
    """A row, or one value of it, that was not stored: where, what is there, and what would be right.

    `column` is the file's own name; it is empty where the whole row is meant.
    """

    line: int
    column: str
    value: str
    reason: str

    def __str__(self) -> str:
        where = f"line {self.line}" + (f", {self.column}" if self.column else "")
        return f"{where}: {self.reason}" + (f" [{self.value}]" if self.value else "")


SHOWN = 80


def shown(value: Cell) -> str:
    """A value for a report: one line, cut to 80 characters, always encodable."""
    if value is None:
        return ""
    # Only the beginning is worked on: the value may be megabytes long.
    text = str(value)[: SHOWN * 4].encode("utf-8", "backslashreplace").decode()
    text = "".join(char if char.isprintable() else " " for char in text)
    text = " ".join(text.split())
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
