"""Writes the client's calls from the API's own routes: `python -m tests.client_calls`.

The result is kept in `keepwell/client/calls`, one file for each group of endpoints, and a test compares.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from keyword import iskeyword
from pathlib import Path

from fastapi.routing import APIRoute

from keepwell.web import ROUTERS
from tests.client_source import Imports, method_source

FOLDER = Path(__file__).parent.parent / "keepwell" / "client" / "calls"
ELSEWHERE = {"ingest": ("keepwell.client.importing", "Ingest")}
"""Groups that have more than their routes say."""

BY_HAND = {("POST", "/api/v1/import/{kind}")}
"""Routes whose methods stand in `keepwell.client.importing`."""

NAMES = {
    ("PUT", "/api/v1/customers/{external_id}"): ("ingest", "customer"),
    ("PUT", "/api/v1/contacts/{external_id}"): ("ingest", "contact"),
    ("PUT", "/api/v1/staff/{external_id}"): ("ingest", "member"),
    ("POST", "/api/v1/metrics"): ("ingest", "metric"),
    ("POST", "/api/v1/events"): ("ingest", "event"),
    ("POST", "/api/v1/outcomes"): ("ingest", "outcome"),
}
"""Names that do not follow from a route's."""

IGNORED = frozenset({"a", "an", "the", "one"})


def routes() -> Iterator[APIRoute]:
    """The routes of the API that a program may call."""
    for router in ROUTERS:
        for route in router.routes:
            if isinstance(route, APIRoute) and route.path.startswith("/api/") and route.include_in_schema:
                yield route


def method_of(route: APIRoute) -> str:
    """The route's HTTP method."""
    return min(route.methods or {""})


def named(route: APIRoute) -> tuple[str, str]:
    """Group and method of a route: the first part of its path, and its function's name without that."""
    known = NAMES.get((method_of(route), route.path))
    if known is not None:
        return known
    parts = [part for part in route.path.split("/")[2:] if part != "v1"]
    group = parts[0].replace("-", "_")
    words = {*group.split("_"), group.removesuffix("s"), *(one.removesuffix("s") for one in group.split("_"))}
    kept = [word for word in route.name.split("_") if word not in words | IGNORED]
    name = "_".join(kept) or route.name
    return group, parts[-1] if iskeyword(name) else name


def files() -> dict[str, str]:
    """The files of the calls, by name."""
    groups: dict[str, dict[str, APIRoute]] = {}
    for route in routes():
        if (method_of(route), route.path) in BY_HAND:
            continue
        group, name = named(route)
        there = groups.setdefault(group, {})
        if name in there:
            name = route.name
        if name in there:
            raise SystemExit(f"{group}.{name} stands for {there[name].path} and for {route.path}")
        there[name] = route
    made = {f"{group}.py": _file(group, methods) for group, methods in sorted(groups.items())}
    return {**made, "__init__.py": _overview(sorted(groups))}


def formatted(sources: dict[str, str]) -> dict[str, str]:
    """As ruff has them."""
    return {
        name: _ruff(_ruff(text, "check", "--fix", "--exit-zero"), "format") for name, text in sources.items()
    }


def class_of(group: str) -> str:
    """The class of a group."""
    return "".join(word.capitalize() for word in group.split("_")) + "Calls"


def _file(group: str, methods: dict[str, APIRoute]) -> str:
    imports = Imports()
    bodies = [
        method_source(method_of(route), name, route, imports) for name, route in sorted(methods.items())
    ]
    title = group.replace("_", " ")
    return (
        f'"""Calls of {title}. Written by `python -m tests.client_calls`: change the route, not this."""\n\n'
        "from __future__ import annotations\n\n"
        f"{imports.source()}\n\n"
        f"class {class_of(group)}(Group[Sender]):\n"
        f'    """Calls of {title}."""\n\n' + "\n".join(bodies)
    )


def _overview(groups: list[str]) -> str:
    at = {
        group: ELSEWHERE.get(group, (f"keepwell.client.calls.{group}", class_of(group))) for group in groups
    }
    imports = "".join(f"    from {module} import {name}\n" for module, name in at.values())
    properties = "".join(
        f"    @cached_property\n"
        f"    def {group}(self) -> {name}[Sender]:\n"
        f'        """Calls of {group.replace("_", " ")}."""\n'
        f"        from {module} import {name}  # noqa: PLC0415\n\n"
        f"        return {name}(self._sender)\n\n"
        for group, (module, name) in at.items()
    )
    return (
        '"""The groups of calls, each loaded at its first use. By `python -m tests.client_calls`."""\n\n'
        "from __future__ import annotations\n\nfrom functools import cached_property\n"
        "from typing import TYPE_CHECKING, Generic\n\nfrom keepwell.client.core import Sender\n\n"
        f"if TYPE_CHECKING:\n{imports}\n\n"
        'class Groups(Generic[Sender]):\n    """The API\'s endpoints, in groups."""\n\n'
        "    def __init__(self, sender: Sender) -> None:\n"
        "        self._sender: Sender = sender\n\n" + properties
    )


def _ruff(text: str, *what: str) -> str:
    where = ("--quiet", "--stdin-filename", str(FOLDER / "any.py"), "-")
    command = [sys.executable, "-m", "ruff", *what, *where]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout


def main() -> None:
    """Write the files, and take away those of groups that are no more."""
    sources = formatted(files())
    for old in FOLDER.glob("*.py"):
        if old.name not in sources:
            old.unlink()
    for name, text in sources.items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
