"""Every endpoint of the API has a method in the client, as `python -m tests.client_calls` writes it."""

from __future__ import annotations

import inspect
import re
from typing import Any

from fastapi.openapi.utils import get_openapi

from keepwell import Client
from keepwell.client import core
from tests.client_calls import FOLDER, files, formatted, routes

ANY = "anything"


def test_the_calls_are_those_of_the_routes() -> None:
    wanted = formatted(files())
    there = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.py")}
    assert there == wanted, "run: python -m tests.client_calls"


class Noted:
    """A sender that notes what it is to send."""

    asynchronous = False

    def __init__(self) -> None:
        self.calls: list[core.Call[Any]] = []

    def send(self, call: core.Call[Any]) -> Any:
        self.calls.append(call)
        return None


def made_calls() -> set[tuple[str, str]]:
    """Method and path of every call that the client can make."""
    client = Client("https://keepwell.example")
    sender = Noted()
    found: set[tuple[str, str]] = set()
    groups = [name for name, one in inspect.getmembers(type(client)) if hasattr(one, "func")]
    for group in groups:
        holder = getattr(client, group)
        for _, described in inspect.getmembers(type(holder)):
            if not isinstance(described, core.endpoint | core.listing):
                continue
            wanted = list(inspect.signature(described._describe).parameters.values())[1:]
            given = {one.name: ANY for one in wanted if one.default is inspect.Parameter.empty}
            call = described._describe(type(holder)(sender), **given)
            found.add((call.method, call.path))
    return found


def test_every_endpoint_of_the_document_has_a_method() -> None:
    document = get_openapi(title="Keepwell", version="1", routes=list(routes()))
    calls = made_calls()
    missing = [
        f"{method.upper()} {path}"
        for path, methods in document["paths"].items()
        for method in methods
        if not any(
            verb == method.upper() and re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", path), at)
            for verb, at in calls
        )
    ]
    assert missing == []
    assert len(calls) > 60


def _fits(path: str, at: str) -> bool:
    return re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", path), at) is not None
