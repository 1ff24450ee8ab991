"""How often somebody may ask, and what stands around every answer: ids, headers, strict input."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from fastapi.testclient import TestClient
from starlette.requests import Request

from keepwell.api.door import Door
from keepwell.api.rates import network_of
from keepwell.contracts.access import Permission, Role
from keepwell.web import create_app
from tests.unit.api.callers import key_for, sign_in
from tests.unit.api.conftest import PUBLIC
from tests.unit.api.people import come_in, person
from tests.unit.db.world import World


@pytest.fixture
def world(door: Door) -> World:
    return World(door.store)


@pytest.fixture
def slow(door: Door) -> Iterator[TestClient]:
    """An application that takes little: 5 requests of a caller, 4 of an address, 2 tries to sign in."""
    rates = {"rate_caller": 5, "rate_address": 4, "rate_sign_in": 2}
    tight = replace(door, settings=door.settings.model_copy(update=rates))
    with TestClient(create_app(tight), base_url=PUBLIC, follow_redirects=False) as asked:
        yield asked


def test_a_key_may_ask_so_often_and_hears_when_again(slow: TestClient, world: World) -> None:
    own = key_for(world.store, world.organisation, Permission.READ)
    answers = [slow.get("/api/v1/me", headers=own) for _ in range(6)]
    assert [one.status_code for one in answers] == [200] * 5 + [429]
    assert answers[0].headers["RateLimit-Policy"] == '"caller";q=5;w=60'
    assert answers[0].headers["RateLimit"].startswith('"caller";r=4;t=')
    last = answers[-1]
    assert 1 <= int(last.headers["Retry-After"]) <= 60
    assert last.headers["RateLimit"].startswith('"caller";r=0;t=')
    assert last.headers["content-type"] == "application/problem+json"
    assert last.json()["retryable"] is True
    # Another key has a minute of its own, and comes from the same address.
    other = key_for(world.store, world.organisation, Permission.READ)
    assert slow.get("/api/v1/me", headers=other).status_code == 200


def test_who_is_known_is_counted_where_nobody_asks_who_it_is(slow: TestClient, world: World) -> None:
    own = key_for(world.store, world.organisation, Permission.READ)
    assert slow.get("/api/v1/me", headers=own).status_code == 200
    answers = [slow.get("/offers/x", headers=own) for _ in range(5)]
    assert [one.status_code for one in answers] == [404] * 4 + [429]
    assert answers[0].headers["RateLimit"].startswith('"caller";r=3;t=')
    assert slow.get("/api/v1/me", headers=own).status_code == 429, "it is the same minute"
    assert slow.get("/offers/x").status_code == 404, "and not that of their address"


def test_who_is_unknown_counts_for_their_address_whatever_they_call_themselves(
    slow: TestClient, world: World
) -> None:
    guesses = [slow.get("/api/v1/me", headers={"Authorization": f"Bearer kw_{n}"}) for n in range(5)]
    assert [one.status_code for one in guesses] == [401] * 4 + [429]
    assert slow.get("/sign-in").status_code == 429
    for path in ("/health", "/ready"):
        assert slow.get(path).status_code == 200, "machines are asked for it all the time"
    assert slow.post("/webhooks/sendgrid/events", content=b"[]").status_code != 429


def test_a_key_that_was_revoked_is_unknown_again(slow: TestClient, world: World) -> None:
    from datetime import UTC, datetime

    from sqlmodel import select

    from keepwell.db.tables import ApiKey

    own = key_for(world.store, world.organisation, Permission.READ)
    assert slow.get("/api/v1/me", headers=own).status_code == 200
    with world.store.read() as session:
        row = session.exec(select(ApiKey)).one()
    world.change(ApiKey, row.id, revoked_at=datetime.now(UTC))
    # The first refusal costs nothing, since it was known; all others do, as the very first request did.
    statuses = [slow.get("/api/v1/me", headers=own).status_code for _ in range(6)]
    assert statuses == [401] * 4 + [429] * 2


def test_tries_to_sign_in_are_the_strictest(slow: TestClient, door: Door, world: World) -> None:
    person(door, world.organisation)
    statuses = [come_in(slow, door, password="wrong wrong wrong").status_code for _ in range(3)]
    assert statuses == [401, 401, 429]
    refused = come_in(slow, door)
    assert refused.status_code == 429
    assert "Retry-After" in refused.headers
    assert "<h1>Too many requests" in refused.text


def test_an_ipv6_network_is_one_address() -> None:
    def of(host: str) -> str:
        return network_of(Request({"type": "http", "client": (host, 1), "headers": []}))

    assert of("2001:db8:1:2::1") == of("2001:db8:1:2:ffff::9")
    assert of("2001:db8:1:2::1") != of("2001:db8:1:3::1")
    assert of("::ffff:192.0.2.1") == of("192.0.2.1") == "192.0.2.1"


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("order-42.a:b_c", True),
        ("01HZX5W7Q0ABCDEFGHJKMNPQRS", True),
        ("short", False),
        ("x" * 65, False),
        ("evil id with blanks", False),
        ("inject%0d%0aSet-Cookie:a=b", False),
        ("wert\u00e4hlt", False),
    ],
)
def test_a_request_has_an_id(
    client: TestClient, given: str, taken: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "keepwell.access")
    answer = client.get("/api/v1/me?x=1", headers={b"X-Request-Id": given.encode("latin-1")})
    identity = answer.headers["x-request-id"]
    assert (identity == given) is taken
    assert identity.isascii()
    assert answer.json()["request_id"] == identity
    (line,) = [one for one in caplog.records if one.name == "keepwell.access"]
    assert line.__dict__["request"] == identity
    assert line.getMessage().startswith("GET /api/v1/me 4")


def test_no_line_of_the_log_holds_a_token(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "keepwell.access")
    client.get("/offers/a-token-that-opens-an-offer?and=another")
    assert "GET /offers/{token} 404" in caplog.text
    assert "a-token-that" not in caplog.text
    assert "another" not in caplog.text


def test_answers_of_the_api_are_data_and_nothing_else(client: TestClient, world: World) -> None:
    own = key_for(world.store, world.organisation, Permission.READ)
    headers = client.get("/api/v1/me", headers=own).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert headers["strict-transport-security"] == "max-age=31536000"


def test_a_parameter_that_nobody_reads_is_refused(client: TestClient, world: World) -> None:
    sign_in(client, world.store, world.organisation, Role.ADMIN)
    assert client.get("/api/v1/keys?revoked=true").status_code == 200
    refused = client.get("/api/v1/keys?revokd=true&page=2")
    assert refused.status_code == 422
    assert [one["place"] for one in refused.json()["errors"]] == ["query.revokd", "query.page"]
    assert "Did you mean 'revoked'?" in refused.json()["detail"]
    assert client.get("/api/v1/me?x=1").status_code == 422


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b'{"name": "a", "scopes": ["read"]}', "application/json", 201),
        (b'{"name": "a", "scopes": ["read"]}', "application/problem+json; charset=utf-8", 201),
        (b'{"name": "a", "scopes": ["read"]}', "text/plain", 415),
        (b"name=a&scopes=read", "application/x-www-form-urlencoded", 415),
        (b'{"name": "a", "scopes": ["read"]', "application/json", 422),
        (b'{"name": "a", "scopes": NaN}', "application/json", 422),
        (b'{"name": 1e999, "scopes": ["read"]}', "application/json", 422),
        (b'{"name": "a", "name": "b", "scopes": ["read"]}', "application/json", 201),
        (b'{"name": "a", "scopes": ["read"], "more": 1}', "application/json", 422),
        (b'{"name": "a\\u0000", "scopes": ["read"]}', "application/json", 422),
        (b'{"name": "\xff"}', "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b"", "application/json", 422),
        (b"null", "application/json", 422),
    ],
)
def test_a_body_is_json_or_refused(
    client: TestClient, world: World, body: bytes, kind: str, status: int
) -> None:
    own = sign_in(client, world.store, world.organisation, Role.ADMIN)
    answer = client.post("/api/v1/keys", content=body, headers={**own, "Content-Type": kind})
    assert answer.status_code == status, answer.text
    if status >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
        assert json.loads(answer.text, parse_constant=_no_constant)["status"] == status


def _no_constant(text: str) -> Any:
    raise AssertionError(text)


def test_too_large_a_body_is_refused(client: TestClient, world: World) -> None:
    own = sign_in(client, world.store, world.organisation, Role.ADMIN)
    refused = client.post("/api/v1/keys", json={"name": "x" * 9_000_000}, headers=own)
    assert refused.status_code == 413
    assert refused.json()["request_id"] == refused.headers["x-request-id"]


def test_what_nobody_expected_has_its_id_in_the_log(
    door: Door, world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> None:
        raise ZeroDivisionError("secret inner words")

    with TestClient(create_app(door), base_url=PUBLIC, raise_server_exceptions=False) as client:
        monkeypatch.setattr(door.store, "read", broken)
        answer = client.get("/ready", headers={"X-Request-Id": "id-of-this-one"})
    assert answer.status_code == 500
    assert answer.headers["x-request-id"] == answer.json()["request_id"] == "id-of-this-one"
    assert "secret inner words" not in answer.text
    lines = [one for one in caplog.records if one.name == "keepwell.api"]
    assert [one.__dict__["request"] for one in lines] == ["id-of-this-one"]
