"""The address of a page with what it is narrowed to, so that a link changes one thing and keeps the rest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

Value = str | int | Iterable[str] | None


@dataclass(frozen=True)
class Address:
    """A path and its query; what is None, empty or 0 is left out."""

    path: str
    query: Mapping[str, Value] = field(default_factory=dict)

    def but(self, **changes: Value) -> str:
        """The same address with other values, as a link takes it."""
        said = {name: value for name, value in {**self.query, **changes}.items() if value}
        return f"{self.path}?{urlencode(said, doseq=True)}" if said else self.path

    def __str__(self) -> str:
        return self.but()
