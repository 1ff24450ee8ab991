"""Every route, asked by nobody and by everybody who may not. The routes come from the application itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from pydantic import SecretStr

from keepwell.api.door import Door
from keepwell.contracts.access import GRANTS, Permission, Role
from keepwell.db.engine import Store
from keepwell.links import Links
from keepwell.settings import Settings
from keepwell.web import ROUTERS, create_app
from tests.unit.api.callers import key_for, sign_in
from tests.unit.db.world import World

PUBLIC = "https://keepwell.example"
OPEN = {
    "GET /health": "load balancers ask it",
    "GET /ready": "load balancers ask it",
    "GET /metrics": "scrapers have a way of their own: see test_metrics.py",
    "POST /webhooks/sendgrid/inbound/{token}": "the address is the secret: see test_inbound.py",
    "POST /webhooks/sendgrid/events": "signed by SendGrid: see test_sendgrid_events.py",
    "POST /webhooks/slack/actions": "signed by Slack: see test_slack.py",
}
"""Documented routes that ask for no permission, and why."""

ANYBODY = {
    f"{name} /api/v1/me{path}"
    for name, path in (
        ("GET", ""),
        ("GET", "/sessions"),
        ("DELETE", "/sessions/{session_id}"),
        ("POST", "/password"),
    )
}
"""Routes for whoever is known, whatever they may: it is their own."""

LINKS = re.compile(
    r"/(offers|preferences)/\{token\}|/static/|/widget\.js|/sign-in|/sign-out|/$|/openapi\.json"
)
"""Routes for browsers that carry their right in the address, or need none."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    from keepwell.db.migrate import ensure_current

    store = Store(f"sqlite:///{tmp_path_factory.mktemp('who') / 'store.sqlite3'}")
    ensure_current(store)
    world = World(store)
    world.customer("acme")
    yield world
    store.dispose()


@pytest.fixture(scope="module")
def client(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    home = tmp_path_factory.mktemp("home")
    settings = Settings(home=home, public_url=PUBLIC, rate_address=0, rate_caller=0)
    door = Door(settings=settings, store=world.store, links=Links(SecretStr("k" * 40), PUBLIC))
    with TestClient(create_app(door), base_url=PUBLIC, follow_redirects=False) as asked:
        yield asked


def _app() -> Any:
    settings = Settings(home=Path("/nowhere"), public_url=PUBLIC, rate_caller=0, rate_address=0)
    return create_app(Door(settings=settings, store=None, links=None))  # type: ignore[arg-type]


APP = _app()
DOCUMENT = APP.openapi()
OPERATIONS = [
    (f"{method.upper()} {path}", operation)
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
]
GUARDED = [(name, operation) for name, operation in OPERATIONS if name not in OPEN]
PAGES = sorted(
    {
        route.path
        for router in ROUTERS
        for route in router.routes
        if isinstance(route, APIRoute)
        and "GET" in (route.methods or ())
        and not (route.include_in_schema and router.include_in_schema)
        and not LINKS.match(route.path)
    }
)


def _wanted(operation: dict[str, Any]) -> set[str]:
    """The permissions that an operation asks for; "feed" where a contact's own token opens it."""
    return {
        scope or "" for one in operation.get("security", []) for scopes in one.values() for scope in scopes
    } | {"feed" for one in operation.get("security", []) if "feed" in one}


def _ask(client: TestClient, name: str, headers: dict[str, str]) -> int:
    method, _, path = name.partition(" ")
    filled = re.sub(r"\{[^}]+\}", "0" * 26, path)
    body: dict[str, Any] = {"json": {}} if method in ("POST", "PUT", "PATCH") else {}
    return client.request(method, filled, headers=headers, **body).status_code


def test_there_is_something_to_walk() -> None:
    assert len(OPERATIONS) > 60


def test_only_those_are_open_that_are_known_to_be() -> None:
    silent = {name for name, operation in GUARDED if not _wanted(operation)}
    assert silent == ANYBODY, "they name no permission: give them who: Reader, Actor, …"
    assert {name for name in OPEN if name != "GET /metrics"} <= {name for name, _ in OPERATIONS}


@pytest.mark.parametrize(("name", "operation"), GUARDED, ids=[name for name, _ in GUARDED])
def test_nobody_gets_a_401(client: TestClient, name: str, operation: dict[str, Any]) -> None:
    client.cookies.clear()
    assert _ask(client, name, {}) == 401
    assert _ask(client, name, {"Authorization": "Bearer kw_" + "x" * 43}) == 401
    assert "401" in operation["responses"]


@pytest.mark.parametrize(("name", "operation"), GUARDED, ids=[name for name, _ in GUARDED])
def test_whoever_lacks_the_permission_gets_a_403(
    client: TestClient, world: World, name: str, operation: dict[str, Any]
) -> None:
    client.cookies.clear()
    wanted = _wanted(operation)
    if wanted == {"feed"}:
        return
    for lacking in wanted:
        others = set(Permission) - {Permission(lacking)}
        headers = key_for(world.store, world.organisation, *others, customer="acme")
        assert _ask(client, name, headers) == 403, lacking
    for role, granted in GRANTS.items():
        if wanted <= {one.value for one in granted}:
            continue
        headers = sign_in(
            client, world.store, world.organisation, role, name=f"{role} {name}"[:40], customer="acme"
        )
        assert _ask(client, name, headers) == 403, role
        client.cookies.clear()


@pytest.mark.parametrize("path", PAGES)
def test_a_page_leads_nobody_to_the_sign_in_and_refuses_the_others(
    client: TestClient, world: World, path: str
) -> None:
    client.cookies.clear()
    filled = re.sub(r"\{[^}]+\}", "0" * 26, path)
    browser = {"Accept": "text/html"}
    refused = client.get(filled, headers=browser)
    assert refused.status_code == 303, refused.text
    assert refused.headers["location"].startswith("/sign-in?next=")
    other = Role.CLIENT if path.startswith("/console") else Role.CSM
    sign_in(client, world.store, world.organisation, other, name=f"other {path}"[:40], customer="acme")
    assert client.get(filled, headers=browser).status_code == 403
    client.cookies.clear()
    sign_in(client, world.store, world.organisation, Role.INGEST, name=f"ingest {path}"[:40])
    assert client.get(filled, headers=browser).status_code == 403
