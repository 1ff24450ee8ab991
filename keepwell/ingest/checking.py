"""Checks one shaped row against its model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import ValidationError

from keepwell.ingest.cells import Kind, Reject, shown
from keepwell.ingest.plan import Shaped
from keepwell.ingest.rows import MODELS, TEXT, RowModel

# An empty cell of these says nothing and changes nothing; elsewhere it empties the field.
_STAYS = frozenset({"active", "role", "consent", "consent_at"})

RowT = TypeVar("RowT", bound=RowModel)


@dataclass(frozen=True, slots=True)
class Checked(Generic[RowT]):
    """A row that is sound by itself; whether what it refers to exists is not known yet."""

    line: int
    row: RowT
    columns: Mapping[str, str]

    def given(self) -> dict[str, Any]:
        """The fields the row gave, and their values."""
        return {name: getattr(self.row, name) for name in self.row.model_fields_set}

    def reject(self, field: str, value: object, reason: str) -> Reject:
        """This row refused because of one field."""
        return Reject(self.line, self.columns.get(field, field), shown(value), reason)


def check(kind: Kind, shaped: Shaped, *, is_text: bool) -> Checked[Any] | list[Reject]:
    """The checked row, or everything that is wrong with it."""
    given = {name: value for name, value in shaped.values.items() if value is not None or name not in _STAYS}
    try:
        row = MODELS[kind].model_validate(given, context=TEXT if is_text else None)
    except ValidationError as error:
        return [
            _reject(shaped, str(item["loc"][0]), item["type"], item["msg"], item["input"])
            for item in error.errors(include_url=False, include_context=False)
        ]
    return Checked(shaped.line, row, shaped.columns)


def _reject(shaped: Shaped, field: str, kind: str, message: str, value: object) -> Reject:
    column = shaped.columns.get(field, field)
    if kind == "missing":
        return Reject(shaped.line, column, "", "is missing; every row needs it")
    return Reject(shaped.line, column, shown(value), message)
