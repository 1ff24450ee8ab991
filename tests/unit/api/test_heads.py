"""HEAD answers as GET does, without a body; and what is not there is said in words that help."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from keepwell.api.door import Door
from keepwell.contracts.access import Permission
from tests.unit.api.callers import key_for
from tests.unit.db.world import World

PATHS = (
    "/health",
    "/ready",
    "/openapi.json",
    "/api/v1/customers",
    "/api/dashboard/stats",
    "/sign-in",
    "/widget.js",
)


@pytest.fixture
def staff(door: Door) -> dict[str, str]:
    world = World(door.store)
    return key_for(world.store, world.organisation, Permission.READ)


@pytest.mark.parametrize("path", PATHS)
def test_head_says_what_get_says_without_the_body(
    client: TestClient, staff: dict[str, str], path: str
) -> None:
    got, head = client.get(path, headers=staff), client.head(path, headers=staff)
    assert (got.status_code, head.status_code, head.content) == (200, 200, b"")
    for name in ("content-type", "content-length", "etag"):
        assert head.headers.get(name) == got.headers.get(name), name
    if etag := got.headers.get("etag"):
        assert client.head(path, headers={**staff, "If-None-Match": etag}).status_code == 304


def test_head_needs_the_same_key_and_finds_the_same(client: TestClient, staff: dict[str, str]) -> None:
    assert client.head("/api/v1/customers").status_code == 401
    assert client.head("/api/v1/customers/nobody", headers=staff).status_code == 404
    assert client.head("/api/v1/events", params={"lmit": 1}, headers=staff).status_code == 422
    assert client.head("/webhooks/sendgrid/events").status_code == 405


def test_what_is_not_there_is_said_in_words(client: TestClient, staff: dict[str, str]) -> None:
    nothing = client.get("/api/v1/nothing", headers=staff)
    assert (nothing.status_code, nothing.json()["title"]) == (404, "There is nothing at this path.")
    assert "/openapi.json" in nothing.json()["detail"]
    wrong = client.delete("/api/v1/customers", headers=staff)
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "GET")
    assert wrong.json()["title"] == "DELETE is not taken at this path."
    assert wrong.json()["detail"] == "It takes GET."
    for answer in (nothing, wrong):
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["request_id"] == answer.headers["x-request-id"]
