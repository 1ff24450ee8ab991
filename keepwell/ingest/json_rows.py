"""Rows of a file of JSON lines: one object per line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import NoReturn

from keepwell.errors import InputError
from keepwell.ingest.cells import Cell, Reject, Row, shown
from keepwell.ingest.lines import Lines

KEY_LINES = 1000
"""How many lines are looked at to learn which keys a file has."""


def keys(lines: Lines, name: str) -> tuple[str, ...]:
    """The keys of the first objects, in the order they appear. InputError where none is an object."""
    found: dict[str, None] = {}
    first: Reject | None = None
    for row in rows(lines):
        if isinstance(row, Row):
            found.update(dict.fromkeys(row.values))
        elif first is None:
            first = row
        if lines.number >= KEY_LINES:
            break
    if not found and first is not None:
        hint = "Write one object per line; a list becomes such a file by: jq -c '.[]'"
        raise InputError(f"{first.reason} [{first.value}]", place=f"{name}:{first.line}", hint=hint)
    return tuple(found)


def rows(lines: Lines) -> Iterator[Row | Reject]:
    """The objects; blank lines are passed over."""
    for line in lines:
        trouble, lines.trouble = lines.trouble, ""
        if trouble:
            yield Reject(lines.number, "", shown(line), trouble)
        elif line.strip():
            yield _row(lines.number, line)


def parse(text: str | bytes) -> object:
    """Any JSON as Python has it. ValueError for what is none, for a key that is there twice, and for NaN."""
    return json.loads(text, object_pairs_hook=_object, parse_constant=_refuse_constant)


def _row(number: int, line: str) -> Row | Reject:
    try:
        value = parse(line)
    except json.JSONDecodeError as error:
        return Reject(number, "", shown(line), f"is not JSON: {error.msg} (at character {error.pos + 1})")
    except RecursionError:
        return Reject(number, "", shown(line), "is nested too deeply")
    except ValueError as error:
        return Reject(number, "", shown(line), str(error))
    if not isinstance(value, dict):
        return Reject(number, "", shown(line), f'is {_named(value)}, not an object like {{"external_id": …}}')
    return Row(number, value)


def _object(pairs: list[tuple[str, Cell]]) -> dict[str, Cell]:
    made = dict(pairs)
    if len(made) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice!r} is there twice; keep one")
    return made


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(
        f"{name} is not JSON and not a number that can be stored; write null where nothing is known"
    )


def _named(value: Cell) -> str:
    if isinstance(value, list):
        return "a list"
    return "text" if isinstance(value, str) else "a single value"
