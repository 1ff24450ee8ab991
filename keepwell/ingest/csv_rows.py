"""Rows of a CSV file: comma, semicolon or tab, quoted cells with line breaks, a header."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator

from keepwell.errors import InputError
from keepwell.ingest.cells import Reject, Row, shown
from keepwell.ingest.lines import Lines

_LONGEST_HEADER = 100_000
_QUOTED = re.compile(r'"[^"]*"')


def header(lines: Lines, name: str) -> tuple[tuple[str, ...], str]:
    """The column names and the delimiter, both from the header alone. InputError for a broken header."""
    first = next((line for line in lines if line.strip()), "")
    place = f"{name}:{lines.number}"
    while first.count('"') % 2 and len(first) < _LONGEST_HEADER:
        more = next(lines, None)
        if more is None:
            break
        first += more
    outside = _QUOTED.sub("", first)
    if "\r" in outside.rstrip("\r\n"):
        raise InputError("the lines end with CR alone; save the file with LF or CRLF", place=place)
    # Where none is there (one column), the first in the list stands for it.
    delimiter = max(",;\t", key=outside.count)
    try:
        cells = next(csv.reader([first], delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise InputError(f"the header cannot be read: {error}", place=place) from error
    if lines.trouble:
        raise InputError(lines.trouble, place=place)
    columns = tuple(cell.strip() for cell in cells)
    _check_names(columns, place)
    return columns, delimiter


def _check_names(columns: tuple[str, ...], place: str) -> None:
    seen: dict[str, int] = {}
    for position, column in enumerate(columns, start=1):
        if not column:
            raise InputError(
                f"column {position} of the header has no name; name it or delete it", place=place
            )
        if column in seen:
            raise InputError(
                f"column {position} of the header is named {column!r} like column {seen[column]}; rename one",
                place=place,
            )
        seen[column] = position


def rows(lines: Lines, columns: tuple[str, ...], delimiter: str) -> Iterator[Row | Reject]:
    """The rows after the header; blank ones, and those of empty cells only, are passed over."""
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        line = lines.number + 1
        lines.trouble = ""
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            # The reader is in order again from the next line on.
            yield Reject(line, "", "", lines.trouble or _explained(error, line, lines.number))
            continue
        if lines.trouble:
            yield Reject(line, "", shown(delimiter.join(cells)), lines.trouble)
        elif not any(cells):
            continue
        elif len(cells) != len(columns):
            yield Reject(line, "", shown(delimiter.join(cells)), _counts(len(cells), len(columns)))
        else:
            yield Row(line, dict(zip(columns, cells, strict=True)))


def _counts(cells: int, columns: int) -> str:
    more = "more" if cells > columns else "fewer"
    why = (
        "is a quote missing around a cell with the delimiter in it?" if cells > columns else "is it cut off?"
    )
    return f"the row has {cells} cell{'' if cells == 1 else 's'}, {more} than the header's {columns}; {why}"


def _explained(error: csv.Error, first: int, last: int) -> str:
    text = str(error)
    if "field limit" in text or "unexpected end" in text:
        if last > first or "unexpected end" in text:
            return f"a quoted cell does not end (lines {first} to {last}); is its closing quote missing?"
        return f"a cell is longer than {csv.field_size_limit():,} characters"
    if "expected after" in text:
        return 'a quoted cell goes on after its closing quote; write a quote within a cell as ""'
    if "new-line" in text:
        return "a cell holds a CR; put the cell into quotes"
    return text
