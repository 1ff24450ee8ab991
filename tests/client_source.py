"""The source of one method of the client, from its route: parameters and answer with their types."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from textwrap import wrap
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from fastapi import params
from fastapi.dependencies.utils import get_flat_params
from fastapi.routing import APIRoute
from pydantic import AwareDatetime, BaseModel
from pydantic.fields import FieldInfo

KEY = "idempotency-key"
COMMAND_KEY = "Idempotency-Key"
"""As `commanding` spells it: the id of a command, which its body may hold as well."""


class Imports:
    """What a file imports; a name that two modules have gets the module's behind it."""

    def __init__(self) -> None:
        self._names: dict[str, tuple[str, str]] = {}
        for name in ("Call", "Group", "Listing", "OMITTED", "Omitted", "Sender", "at", "endpoint", "listing"):
            self.add("keepwell.client.core", name)
        self.add("typing", "Any")
        self.add("typing", "Literal")

    def add(self, module: str, name: str) -> str:
        """The name by which it is known."""
        if module == "builtins":
            return name
        known = name
        while self._names.get(known, (module, name)) != (module, name):
            known += "_" + module.rpartition(".")[2].title().replace("_", "")
        self._names[known] = (module, name)
        return known

    def source(self) -> str:
        """The lines; ruff sorts them and takes those away that nothing uses."""
        return "\n".join(
            f"from {module} import {name}" + (f" as {known}" if known != name else "")
            for known, (module, name) in self._names.items()
        )

    def type(self, kind: Any) -> str:
        """A type's source."""
        if kind is None or kind is NoneType:
            return "None"
        if kind is Any:
            return "Any"
        if kind is AwareDatetime:
            return self.type(datetime)
        origin, args = get_origin(kind), get_args(kind)
        if origin is Annotated:
            return self.type(args[0])
        if origin in (Union, UnionType):
            return " | ".join(dict.fromkeys(self.type(one) for one in args))
        if origin is Literal:
            return f"Literal[{', '.join(repr(one.value if isinstance(one, Enum) else one) for one in args)}]"
        if origin is dict:
            return f"{self.add('collections.abc', 'Mapping')}[{', '.join(self.type(one) for one in args)}]"
        if origin is not None:
            return f"{self.add('collections.abc', 'Sequence')}[{self.type(args[0])}]"
        meta = getattr(kind, "__pydantic_generic_metadata__", None)
        if meta and meta["origin"] is not None:
            return f"{self.type(meta['origin'])}[{', '.join(self.type(one) for one in meta['args'])}]"
        return self.add(kind.__module__, kind.__qualname__)


def method_source(method: str, name: str, route: APIRoute, imports: Imports) -> str:
    """The method, and for a list by pages one more that gives a single page."""
    rows = _rows(route.response_model) if method == "GET" else None
    if rows is None:
        return _source(method, name, route, imports, decorator="endpoint", listed=None)
    made = _source(method, name, route, imports, decorator="listing", listed=rows)
    if any(field.alias == "cursor" for field in get_flat_params(route.dependant)):
        made += "\n" + _source(
            method, name.replace("list", "page"), route, imports, decorator="endpoint", listed=None
        )
    return made


def _rows(model: Any) -> tuple[str, Any] | None:
    """Where a page's rows are, and their type; None for what is no page."""
    if not (isinstance(model, type) and issubclass(model, BaseModel)) or "next" not in model.model_fields:
        return None
    found = [
        (name, get_args(field.annotation)[0])
        for name, field in model.model_fields.items()
        if get_origin(field.annotation) is tuple
    ]
    return found[0] if found and found[0][0] in ("items", "lines") else None


def _source(
    method: str,
    name: str,
    route: APIRoute,
    imports: Imports,
    *,
    decorator: str,
    listed: tuple[str, Any] | None,
) -> str:
    said = _Said(route, imports, skip=("cursor",) if listed else ())
    answer = imports.type(route.response_model) if route.response_model is not None else _bare(route)
    given = [repr(method), said.path, answer, *said.given]
    if listed:
        result = f"Listing[{imports.type(listed[1])}]"
        made = f"Listing({', '.join([*given, f'items={listed[0]!r}'])})"
    else:
        result = f"Call[{answer}]"
        made = f"Call({', '.join(given)})"
    text = (inspect.getdoc(route.endpoint) or "").replace("\n", " ").split(". ")[0].rstrip(".") + "."
    lines = [text] if len(text) <= 96 else wrap(text, 96, subsequent_indent=" " * 8)
    end = "" if len(lines) == 1 else "\n        "
    return (
        f"    @{decorator}\n    def {name}({', '.join(['self', *said.parameters])}) -> {result}:\n"
        f'        """{chr(10).join(lines)}{end}"""\n        return {made}\n'
    )


def _bare(route: APIRoute) -> str:
    return "None" if route.status_code == 204 else "str"


class _Said:
    """A route's parameters: as they stand in a signature, and as they are handed on."""

    def __init__(self, route: APIRoute, imports: Imports, skip: tuple[str, ...]) -> None:
        self._imports, self._taken = imports, set[str]()
        first: list[str] = []
        needed: list[str] = []
        may: list[str] = []
        parts: list[str] = []
        query: dict[str, str] = {}
        headers: dict[str, str] = {}
        keyed = command = False
        for field in get_flat_params(route.dependant):
            info, kind = field.field_info, imports.type(field.field_info.annotation)
            model = info.annotation
            if isinstance(info, params.Path):
                name = self._name(field.name)
                first.append(f"{name}: {kind}")
                slashes = "__path" if f"{{{field.alias}:path}}" in route.path else ""
                parts.append(f"{field.alias}{slashes}={name}")
            elif isinstance(info, params.Header):
                if field.alias.lower() == KEY:
                    keyed, command = True, field.alias == COMMAND_KEY
                    continue
                name = self._name(field.name)
                may.append(f"{name}: str | None = None")
                headers["-".join(word.title() for word in field.alias.split("-"))] = name
            elif isinstance(info, params.Query):
                fields = _fields(model)
                many = bool(fields)
                for key, one in fields.items() if fields else [(field.alias, info)]:
                    alias = (one.alias or key) if many else field.alias
                    if alias in skip:
                        continue
                    name = self._name(key if many else field.name)
                    self._parameter(name, one, needed, may)
                    query[alias] = name
        if keyed:
            may.append("idempotency_key: str | None = None")
            headers["Idempotency-Key"] = "idempotency_key"
        body = self._body(route, needed, may, skip=("id",) if command else ())
        rest = [*needed, *may]
        self.parameters = [*first, *(["*"] if rest else []), *rest]
        path = route.path.replace(":path}", "}")
        self.path = f"at({', '.join([repr(path), *parts])})" if parts else repr(path)
        self.given = [
            *([f"query={_mapping(query)}"] if query else []),
            *([f"body={body}"] if body else []),
            *([f"headers={_mapping(headers)}"] if headers else []),
            *(["keyed=True"] if keyed else []),
        ]

    def _name(self, name: str) -> str:
        name = re.sub(r"(?<=[a-z])([A-Z])", r"_\1", name).lower()
        while name in self._taken:
            name += "_"
        self._taken.add(name)
        return name

    def _parameter(self, name: str, info: FieldInfo, needed: list[str], may: list[str]) -> None:
        kind = self._imports.type(info.annotation)
        if info.is_required():
            needed.append(f"{name}: {kind}")
        else:
            may.append(f"{name}: {kind}{'' if kind.endswith('None') else ' | None'} = None")

    def _body(self, route: APIRoute, needed: list[str], may: list[str], skip: tuple[str, ...]) -> str:
        """The body's fields as parameters of their own, where it is one model."""
        if route.body_field is None:
            return ""
        kind = route.body_field.field_info.annotation
        optional = NoneType in get_args(kind)
        model = next((one for one in get_args(kind) if one is not NoneType), kind) if optional else kind
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            name = self._name(route.body_field.name)
            needed.append(f"{name}: {self._imports.type(kind)}")
            return name
        fields: dict[str, str] = {}
        for key, info in model.model_fields.items():
            if get_origin(info.annotation) is Literal and len(get_args(info.annotation)) == 1:
                continue
            if key in skip:
                continue
            name, own = self._name(key), self._imports.type(info.annotation)
            fields[info.alias or key] = name
            if info.is_required():
                needed.append(f"{name}: {own}")
            else:
                may.append(f"{name}: {own} | Omitted = OMITTED")
        return _mapping(fields)


def _fields(model: Any) -> dict[str, FieldInfo]:
    """A model's fields; none of what is no model."""
    is_model = isinstance(model, type) and issubclass(model, BaseModel)
    return dict(model.model_fields) if is_model else {}


def _mapping(values: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{name!r}: {value}" for name, value in values.items()) + "}"
