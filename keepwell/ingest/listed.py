"""Rows that are no file's: a list of objects, as a program has them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from keepwell.errors import InputError
from keepwell.ingest import json_rows
from keepwell.ingest.cells import Cell, Reject, Row, shown


class Listed:
    """A list's objects as rows; `line` is an object's place in it, from 1. Values are JSON's, not text."""

    is_text = False

    def __init__(self, items: Sequence[Cell]) -> None:
        self._items = items
        self.size = len(items)
        self.done = 0
        keys = (key for item in items if isinstance(item, Mapping) for key in item)
        self.columns = tuple(dict.fromkeys(keys))

    def rows(self) -> Iterator[Row | Reject]:
        """The rows, once; what is no object comes as a Reject."""
        for place, item in enumerate(self._items, start=1):
            self.done = place
            if isinstance(item, Mapping):
                yield Row(place, item)
            else:
                yield Reject(place, "", shown(item), 'is no object like {"external_id": …}')


def read_list(body: bytes, place: str) -> Listed:
    """The rows of a JSON list.

    Raises InputError for what is none; `place` names it.
    """
    try:
        found = json_rows.parse(body)
    except (ValueError, RecursionError) as error:
        raise InputError(f"The body is not JSON: {error}", place=place) from error
    if not isinstance(found, list):
        raise InputError(
            "The body is no list.", place=place, hint='Send a list of objects: [{"customer": "A-17", …}, …]'
        )
    if not found:
        raise InputError("The list is empty.", place=place, hint="Send at least one object.")
    return Listed(found)
