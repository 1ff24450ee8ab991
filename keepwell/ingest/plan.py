"""A mapping, held against a file's columns and a scorecard: checked wholly, before the first row is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pydantic_core import PydanticCustomError

from keepwell.errors import InputError
from keepwell.ingest.cells import Cell, Kind, Reject, Row, shown
from keepwell.ingest.sources import Reader

BAGS = {Kind.CUSTOMERS: "facts", Kind.EVENTS: "data"}
"""The field that keeps columns as they are, for the kinds that have one."""


@dataclass(frozen=True, slots=True)
class Shaped:
    """One of our rows in the making: fields and their values, and the file's columns they came from."""

    line: int
    values: Mapping[str, Cell]
    columns: Mapping[str, str]


class Plan:
    """Turns a file's rows into ours.

    `fields` and `metrics` are read per row, `facts` are columns kept as they are, `constants` are the same
    for all rows; `bag` is the field that keeps the facts. With `metrics` (a wide file) one row gives one of
    our rows per metric that is not empty.
    """

    def __init__(
        self,
        fields: Sequence[Reader],
        metrics: Sequence[Reader],
        facts: Sequence[Reader],
        constants: Mapping[str, Cell],
        *,
        known: frozenset[str] | None,
        is_text: bool,
        bag: str = "",
    ) -> None:
        self._fields = tuple(fields)
        self._metrics = tuple(metrics)
        self._facts = tuple(facts)
        self._constants = dict(constants)
        self._known, self._bag = known, bag
        self._known_header = is_text
        self._columns = {reader.field: reader.column for reader in self._fields}

    @property
    def is_wide(self) -> bool:
        """Whether one row of the file holds several metrics."""
        return bool(self._metrics)

    def shape(self, row: Row) -> Iterator[Shaped | Reject]:
        """Our rows from one of the file's. A Reject for each value that the mapping has no meaning for."""
        unknown = self._unknown(row)
        if unknown is not None:
            yield unknown
            return
        made: dict[str, Cell] = dict(self._constants)
        rejects = []
        for reader in self._fields:
            outcome = _read(reader, row)
            if isinstance(outcome, Reject):
                rejects.append(outcome)
            elif self._known_header or not _is_absent(reader, row):
                made[reader.field] = outcome
        if rejects:
            yield from rejects
        elif self._metrics:
            yield from self._wide(row, made)
        else:
            if self._facts:
                made[self._bag] = self._gathered(row, made)
            yield Shaped(row.line, made, self._columns)

    def _gathered(self, row: Row, made: Mapping[str, Cell]) -> dict[str, Cell]:
        gathered = {
            fact.field: fact.read(row.values)
            for fact in self._facts
            if self._known_header or not _is_absent(fact, row)
        }
        given = made.get(self._bag)
        return {**given, **gathered} if isinstance(given, dict) else gathered

    def _wide(self, row: Row, made: Mapping[str, Cell]) -> Iterator[Shaped | Reject]:
        for reader in self._metrics:
            outcome = _read(reader, row)
            if isinstance(outcome, Reject):
                yield outcome
            elif outcome is not None:
                columns = {**self._columns, "value": reader.column, "metric": reader.column}
                yield Shaped(row.line, {**made, "metric": reader.field, "value": outcome}, columns)

    def _unknown(self, row: Row) -> Reject | None:
        # A header is checked once; the keys of JSON objects may differ from line to line.
        if self._known is None or self._known.issuperset(row.values):
            return None
        column = next(name for name in row.values if name not in self._known)
        reason = "is a key that neither Keepwell nor the mapping knows; map it or list it under `ignore`"
        return Reject(row.line, column, shown(row.values[column]), reason)


def _is_absent(reader: Reader, row: Row) -> bool:
    # A key that a JSON object leaves out says nothing; a key with null empties the field.
    return not any(column in row.values for column in reader.columns)


def _read(reader: Reader, row: Row) -> Cell | Reject:
    try:
        return reader.read(row.values)
    except PydanticCustomError as error:
        return Reject(row.line, reader.column, shown(row.values.get(reader.column)), error.message())


class Problems:
    """Gathers what is wrong, to be told all at once."""

    def __init__(self) -> None:
        self._found: list[tuple[str, str]] = []
        self._hints: dict[str, None] = {}

    def add(self, place: str, reason: str, hint: str = "") -> None:
        """Note a mistake, and at most once each hint."""
        self._found.append((place, reason))
        if hint:
            self._hints[hint] = None

    def raise_any(self) -> None:
        """InputError with all that was found."""
        if not self._found:
            return
        place, reason = self._found[0]
        rest = [f"{where}: {why}" for where, why in self._found[1:]]
        raise InputError("\n".join([reason, *rest]), place=place, hint="\n".join(self._hints))
