"""Requests made from the OpenAPI document: a body that fits, and ids where an operation takes some."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.api.everything import KEPT, House

IDS: Mapping[str, tuple[str, str]] = {
    "absence": ("absence", "id"),
    "account": ("account", "id"),
    "account_id": ("customer", "id"),
    "alert": ("alert", "id"),
    "api_key": ("api_key", "id"),
    "client_id": ("customer", "id"),
    "clientId": ("customer", "id"),
    "contact": ("contact", "id"),
    "cover": ("staff", "id"),
    "customer": ("customer", "id"),
    "customer_id": ("customer", "id"),
    "delivery": ("webhook_delivery", "id"),
    "draft": ("draft", "id"),
    "external_id": ("customer", "external_id"),
    "endpoint": ("webhook_endpoint", "id"),
    "insight": ("insight", "id"),
    "insight_id": ("insight", "id"),
    "intervention": ("intervention", "id"),
    "key": ("delivery", "key"),
    "letter": ("inbound_message", "id"),
    "message": ("outbox_message", "id"),
    "offer": ("offer", "id"),
    "opportunity": ("opportunity", "id"),
    "owner": ("staff", "id"),
    "staff": ("staff", "id"),
    "switch": ("kill_switch", "id"),
    "task": ("task", "id"),
    "team_member": ("staff", "id"),
    "to": ("staff", "id"),
    "view": ("saved_view", "id"),
}
"""Which row a path's, query's or body's field names, by the field's name."""

BODIES: Mapping[str, Mapping[str, Any]] = {"POST /api/v1/drafts/{draft}/edit": {"text": "Hello"}}
"""What a body needs beyond what its schema requires."""


@dataclass(frozen=True)
class Operation:
    """One method of one path, with what the document says of it."""

    document: Mapping[str, Any]
    method: str
    path: str
    said: Mapping[str, Any]

    @property
    def name(self) -> str:
        """As in "GET /api/v1/tasks/{task}"."""
        return f"{self.method} {self.path}"

    @property
    def placeholders(self) -> list[str]:
        """The names in braces."""
        return re.findall(r"\{(\w+)", self.path)

    @property
    def permissions(self) -> set[str]:
        """What it asks for."""
        return {scope for one in self.said.get("security", []) for scopes in one.values() for scope in scopes}

    def url(self, house: House, organisation: str, placeholders: Mapping[str, str] | None = None) -> str:
        """The path with the ids of an organisation; ids that the house lacks are made up."""
        given = placeholders or {}
        return re.sub(
            r"\{(\w+)[^}]*\}", lambda hit: given.get(hit[1]) or an_id(house, organisation, hit[1]), self.path
        )

    def query(self, house: House, organisation: str) -> dict[str, str]:
        """Every parameter of the query that names a row, as that organisation's."""
        names = [one["name"] for one in self.said.get("parameters", []) if one["in"] == "query"]
        return {name: an_id(house, organisation, name) for name in names if name in IDS}

    def body(self, id_of: Callable[[str], str] | None = None) -> Any:
        """A small body that fits its schema; `id_of` gives what a field holds that names a row."""
        content = self.said.get("requestBody", {}).get("content", {})
        schema = content.get("application/json", {}).get("schema")
        made: Any = None if schema is None else self._sample(schema, id_of)
        return made | BODIES[self.name] if self.name in BODIES else made

    def loosely(self) -> Iterator[tuple[tuple[str | int, ...], Any]]:
        """Bodies in which one value is of another type than the schema says, each with that value's place."""
        content = self.said.get("requestBody", {}).get("content", {})
        yield from self._loose(content.get("application/json", {}).get("schema", {}))

    def _loose(self, schema: Mapping[str, Any]) -> Iterator[tuple[tuple[str | int, ...], Any]]:
        schema = self._found(schema)
        several = [self._found(one) for one in schema.get("anyOf", schema.get("oneOf", []))]
        kinds = {one.get("type") for one in several or [schema]}
        for one in several:
            # What may be a text as well takes one, and what may be any of several takes what another does.
            yield from (loose for loose in self._loose(one) if loose[0] or len(kinds - {"null"}) == 1)
        match schema.get("type"):
            case "object":
                parts = schema.get("properties", {})
                fits = self._object(schema, None)
                fits |= {name: part["const"] for name, part in parts.items() if "const" in part}
                for name, part in parts.items():
                    yield from (((name, *place), fits | {name: value}) for place, value in self._loose(part))
            case "array":
                yield from (((0, *place), [value]) for place, value in self._loose(schema.get("items", {})))
            case "integer" | "number":
                yield from (((), value) for value in ("5", True))
            case "boolean":
                yield from (((), value) for value in ("true", 1))
            case "string" if schema.get("format") in ("date", "date-time", "duration"):
                yield from (((), value) for value in (5, "5", 1_800_000_000))

    def _found(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        found: Any = schema
        if "$ref" in schema:
            found = self.document
            for part in schema["$ref"].removeprefix("#/").split("/"):
                found = found[part]
        return found  # type: ignore[no-any-return]

    def _row(self, name: str) -> str:
        return "api_key" if name == "key" and "/keys/" in self.path else name

    def _sample(self, schema: Mapping[str, Any], id_of: Callable[[str], str] | None, name: str = "") -> Any:
        if "$ref" in schema:
            return self._sample(self._found(schema), id_of, name)
        for several in ("anyOf", "oneOf", "allOf"):
            if several in schema:
                return self._sample(schema[several][0], id_of, name)
        if "const" in schema or "enum" in schema:
            return schema.get("const", schema.get("enum", [None])[0])
        if schema.get("examples"):
            return schema["examples"][0] if name not in IDS or id_of is None else id_of(name)
        kind = schema.get("type")
        if kind == "object":
            return self._object(schema, id_of)
        if kind == "array":
            inner = name if name in IDS else {"ids": self._row_of_path()}.get(name, name.removesuffix("s"))
            return [self._sample(schema.get("items", {}), id_of, inner)]
        if kind == "string" and id_of is not None and name in IDS:
            return id_of(name)
        return _plain(schema)

    def _object(self, schema: Mapping[str, Any], id_of: Callable[[str], str] | None) -> dict[str, Any]:
        known = schema.get("properties", {})
        wanted = {*schema.get("required", [])} | ({name for name in known if name in IDS} if id_of else set())
        return {name: self._sample(one, id_of, name) for name, one in known.items() if name in wanted}

    def _row_of_path(self) -> str:
        """In `/tasks/bulk` the ids are those of tasks."""
        parts = [part.rstrip("s") for part in self.path.split("/")]
        return next((part for part in reversed(parts) if part in IDS), "id")


def _plain(schema: Mapping[str, Any]) -> Any:
    match schema.get("type"):
        case "string":
            if schema.get("format") == "date-time":
                return "2031-01-01T09:00:00Z"
            if schema.get("format") == "date":
                return "2031-01-01"
            return "x" * max(1, schema.get("minLength", 1))
        case "integer" | "number":
            return schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1)
        case "boolean":
            return False
    return None


def an_id(house: House, organisation: str, name: str) -> str:
    """The first row's id that a field of this name may hold; one that nobody has where there is none."""
    if name == "command":
        return KEPT
    table, column = IDS.get(name, ("", ""))
    if not table:
        return "0" * 26
    rows = house.rows(table, organisation)
    return str(rows[0][column]) if rows else "0" * 26


def operations(document: Mapping[str, Any]) -> list[Operation]:
    """All of a document."""
    return [
        Operation(document, method.upper(), path, said)
        for path, item in document["paths"].items()
        for method, said in item.items()
    ]
