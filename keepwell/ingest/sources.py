"""Reads one of our fields from a row, the way a mapping says."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from keepwell.ingest import values
from keepwell.ingest.cells import Cell
from keepwell.ingest.mapping import Source, YesNo
from scoring.units import Unit

Read = Callable[[Mapping[str, Cell]], Cell]

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")

# In seconds; a month is a twelfth of 365.25 days.
_TIMES = {
    "milliseconds": 0.001,
    "seconds": 1.0,
    "minutes": 60.0,
    "hours": 3600.0,
    "days": 86400.0,
    "weeks": 604800.0,
    "months": 2629800.0,
    "years": 31557600.0,
}
_SHARES = {"percent": 0.01, "ratio": 1.0, "fraction": 1.0}
UNITS = tuple(sorted({*_TIMES, *_SHARES, *Unit}))


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads one field; `columns` are the file's columns it uses, the first is named in reports."""

    field: str
    columns: tuple[str, ...]
    read: Read

    @property
    def column(self) -> str:
        """The column to name in a report."""
        return self.columns[0] if self.columns else self.field


def placeholders(template: str) -> tuple[str, ...]:
    """The columns a template names in braces."""
    return tuple(name.strip() for name in _PLACEHOLDER.findall(template))


def columns_of(source: Source) -> tuple[str, ...]:
    """The file's columns that a source uses."""
    if source.template is not None:
        return placeholders(source.template)
    return source.count_yes or ((source.column,) if source.column is not None else ())


def unit_factor(given: str, wanted: str) -> float | None:
    """The factor from one unit to another; None where there is none."""
    if given == wanted:
        return 1.0
    for table in (_TIMES, _SHARES):
        if given in table and wanted in table:
            return table[given] / table[wanted]
    return None


def reader(
    field: str,
    source: Source,
    *,
    empty: frozenset[str],
    is_text: bool,
    yes: Cell,
    no: Cell,
    factor: float = 1.0,
) -> Reader:
    """The reader of a source that has been checked. `yes` and `no` are what yes_no gives."""
    columns = columns_of(source)
    first = _cell(columns[0], empty)
    if source.template is not None:
        read = _template(source.template, empty)
    elif source.count_yes is not None:
        read = _count(columns, source.yes_no, empty)
    elif source.yes_no is not None:
        read = _words(first, {**dict.fromkeys(source.yes_no.yes, yes), **dict.fromkeys(source.yes_no.no, no)})
    elif source.categories is not None:
        read = _words(first, dict(source.categories))
    elif source.format is not None:
        read = _dated(field, first, source.format)
    elif _calculates(source) or factor != 1.0:
        read = _number(first, source, factor, is_text=is_text)
    else:
        read = first
    return Reader(field, columns, read)


def plain_reader(field: str, column: str, empty: frozenset[str]) -> Reader:
    """A column taken as it is."""
    return Reader(field, (column,), _cell(column, empty))


def _calculates(source: Source) -> bool:
    return source.scale is not None or source.offset is not None or source.decimal != "."


def _cell(column: str, empty: frozenset[str]) -> Read:
    def read(row: Mapping[str, Cell]) -> Cell:
        value = row.get(column)
        if isinstance(value, str) and value.strip() in empty:
            return None
        return value

    return read


def _template(template: str, empty: frozenset[str]) -> Read:
    cells = {name: _cell(name, empty) for name in placeholders(template)}

    def read(row: Mapping[str, Cell]) -> Cell:
        found = {name: cell(row) for name, cell in cells.items()}
        if any(value is None for value in found.values()):
            return None
        return _PLACEHOLDER.sub(lambda match: str(found[match.group(1).strip()]), template)

    return read


def _count(columns: tuple[str, ...], words: YesNo | None, empty: frozenset[str]) -> Read:
    cells = [(column, _cell(column, empty)) for column in columns]

    def read(row: Mapping[str, Cell]) -> Cell:
        count = 0
        for column, cell in cells:
            value = cell(row)
            if value is None:
                # What was not said is not a no: the number is unknown.
                return None
            count += _is_yes(column, value, words)
        return count

    return read


def _is_yes(column: str, value: Cell, words: YesNo | None) -> bool:
    if words is None:
        try:
            return values.yes_no_of(value)
        except ValueError:
            raise values.refuse(f"{column} is {value!r}, neither yes nor no") from None
    word = _word(value)
    if word not in words.yes and word not in words.no:
        known = ", ".join((*words.yes, *words.no))
        raise values.refuse(f"{column} is {word!r}; the mapping knows {known}")
    return word in words.yes


def _words(cell: Read, meanings: Mapping[str, Cell]) -> Read:
    def read(row: Mapping[str, Cell]) -> Cell:
        value = cell(row)
        if value is None:
            return None
        word = _word(value)
        if word not in meanings:
            raise values.refuse(f"is none of the words the mapping knows: {', '.join(meanings)}")
        return meanings[word]

    return read


def _word(value: Cell) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).strip()


def _dated(field: str, cell: Read, pattern: str) -> Read:
    parse = values.moment_of if field.endswith("_at") else values.date_of

    def read(row: Mapping[str, Cell]) -> Cell:
        value = cell(row)
        return None if value is None else parse(value, pattern)

    return read


def _number(cell: Read, source: Source, factor: float, *, is_text: bool) -> Read:
    scale = source.scale if source.scale is not None else 1.0
    offset = source.offset or 0.0

    def read(row: Mapping[str, Cell]) -> Cell:
        value = cell(row)
        if value is None:
            return None
        # Twelve digits: 0.07 as a fraction is 7 percent, not 7.000000000000001.
        changed = (values.number_of(value, is_text=is_text, decimal=source.decimal) * scale + offset) * factor
        return float(f"{changed:.12g}")

    return read
