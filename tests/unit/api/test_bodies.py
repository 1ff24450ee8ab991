"""A large body is read only where it is known who sends it, and never beyond what an endpoint takes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from keepwell.api.door import Door
from keepwell.api.guard import LIMITS, STRANGERS
from keepwell.contracts.access import HOST_COOKIE, Permission, Role
from keepwell.web import create_app
from tests.unit.api.callers import key_for, sign_in
from tests.unit.api.conftest import PUBLIC
from tests.unit.db.world import World

LARGE = json.dumps({"name": "x" * (STRANGERS + 1), "scopes": ["read"]}).encode()
NOBODYS = {"Authorization": "Bearer kw_" + "x" * 43}
JSON = {"Content-Type": "application/json"}
PIECE = 16_384


@pytest.fixture
def world(door: Door) -> World:
    return World(door.store)


@pytest.fixture
def asked(door: Door) -> Iterator[TestClient]:
    """An application that SendGrid brings letters to, and that takes 6 requests of an address."""
    given = {"inbound_token": SecretStr("a-long-token-of-ours"), "rate_address": 6}
    with TestClient(
        create_app(replace(door, settings=door.settings.model_copy(update=given))), base_url=PUBLIC
    ) as client:
        yield client


def pieces(app: Any, path: str, headers: dict[str, str], most: int, announced: int | None = None) -> Any:
    """Send a body in pieces, as a socket does: the status, and how many bytes of it were taken."""
    taken = 0
    answers: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        nonlocal taken
        taken += PIECE
        return {"type": "http.request", "body": b"x" * PIECE, "more_body": taken < most}

    async def send(message: dict[str, Any]) -> None:
        answers.append(message)

    length = {} if announced is None else {"Content-Length": str(announced)}
    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "scheme": "https",
        "query_string": b"",
        "http_version": "1.1",
        "client": ("192.0.2.7", 1),
        "server": ("keepwell.example", 443),
        "headers": [
            (one.lower().encode(), value.encode()) for one, value in {**JSON, **headers, **length}.items()
        ],
    }
    asyncio.run(app(scope, receive, send))
    return answers[0]["status"], taken


@pytest.mark.parametrize("path", ["/api/v1/keys", "/api/v1/import/customers", "/api/v1/nothing/at/all"])
@pytest.mark.parametrize("headers", [{}, NOBODYS, {"Cookie": f"{HOST_COOKIE}=made-up"}])
def test_nobody_is_read_for_long(asked: TestClient, world: World, path: str, headers: dict[str, str]) -> None:
    status, taken = pieces(asked.app, path, headers, 8_000_000)
    assert (status, taken) == (401, STRANGERS + PIECE)
    status, taken = pieces(asked.app, path, headers, 8_000_000, announced=8_000_000)
    assert (status, taken) == (401, 0), "what says how long it is need not be begun"


def test_who_is_known_is_read(asked: TestClient, world: World) -> None:
    own = key_for(world.store, world.organisation, Permission.INGEST)
    status, taken = pieces(asked.app, "/api/v1/keys", own, 8_000_000, announced=8_000_000)
    assert (status, taken) == (422, -(-8_000_000 // PIECE) * PIECE), "it is read, and no JSON"
    page = sign_in(asked, world.store, world.organisation, Role.ADMIN)
    answer = asked.post("/api/v1/keys", content=LARGE, headers={**page, **JSON})
    assert answer.status_code == 422
    status, taken = pieces(asked.app, "/api/v1/keys", own, LIMITS["/api/"] + 9 * PIECE)
    assert (status, taken <= LIMITS["/api/"] + PIECE) == (413, True)


def test_guesses_with_large_bodies_are_counted_like_others(asked: TestClient, world: World) -> None:
    guesses = [
        asked.post("/api/v1/keys", content=LARGE, headers={**JSON, "Authorization": f"Bearer kw_{n}"})
        for n in range(7)
    ]
    assert [one.status_code for one in guesses] == [401] * 6 + [429]
    assert (guesses[0].headers["www-authenticate"], guesses[0].json()["status"]) == ("Bearer", 401)
    assert int(guesses[-1].headers["Retry-After"]) > 0
    assert asked.get("/sign-in").status_code == 429


def test_a_known_callers_large_body_counts_once(door: Door, world: World) -> None:
    tight = replace(door, settings=door.settings.model_copy(update={"rate_caller": 3}))
    own = {**JSON, **key_for(world.store, world.organisation, Permission.CONFIGURE)}
    with TestClient(create_app(tight), base_url=PUBLIC) as client:
        statuses = [client.post("/api/v1/keys", content=LARGE, headers=own).status_code for _ in range(4)]
    assert statuses == [422] * 3 + [429]


def test_a_letter_is_read_where_its_address_has_our_token(asked: TestClient, world: World) -> None:
    path = "/webhooks/sendgrid/inbound/"
    assert pieces(asked.app, path + "another-token-of-some", {}, 30_000_000) == (403, STRANGERS + PIECE)
    assert pieces(asked.app, path + "another", {}, 30_000_000, announced=30_000_000) == (403, 0)
    status, taken = pieces(asked.app, path + "a-long-token-of-ours", {}, 1_000_000)
    assert (status, taken >= 1_000_000) == (422, True), "read, and no form"


@pytest.mark.parametrize(
    "path", ["/sign-in", "/sign-out", "/offers/token", "/preferences/token", "/api/v1/feed/seen", "/nowhere"]
)
def test_what_anybody_may_send_is_small(asked: TestClient, world: World, path: str) -> None:
    status, taken = pieces(asked.app, path, {}, 8_000_000)
    assert (status, taken <= STRANGERS + PIECE) == (413, True)
