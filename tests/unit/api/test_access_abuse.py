"""What somebody sends who means harm, or whose program is broken: refused, and nobody else pays for it."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import col, select
from starlette.websockets import WebSocketDisconnect

from keepwell import passwords
from keepwell.api.door import Door
from keepwell.contracts.access import HOST_COOKIE, Permission, Role
from keepwell.db.repositories.organisations import get_or_create
from keepwell.db.repositories.signing_in import FREE_TRIES, count_try
from keepwell.db.tables import Account, EngagementEvent, IdempotentAnswer
from keepwell.passwords import hash_password
from keepwell.web import create_app
from tests.unit.api.callers import key_for, sign_in
from tests.unit.api.conftest import PUBLIC
from tests.unit.api.desk_world import Desk
from tests.unit.api.people import EMAIL, PASSWORD, come_in, person
from tests.unit.db.world import World

EVERYTHING = set(Permission) - {Permission.OWN}
TRACK = {"action": "track-event", "eventType": "login"}


@pytest.fixture
def world(door: Door) -> World:
    world = World(door.store)
    world.customer("acme")
    return world


@pytest.fixture
def calm(door: Door) -> Iterator[TestClient]:
    """A browser that hears of a failure by a 500, as outside."""
    with TestClient(
        create_app(door), base_url=PUBLIC, raise_server_exceptions=False, follow_redirects=False
    ) as asked:
        yield asked


def account_of(door: Door, identity: str) -> Account:
    with door.store.read() as session:
        return session.get_one(Account, identity)


def second(door: Door, password: str) -> str:
    """The same person's account in another organisation."""
    with door.store.write() as session:
        get_or_create(session, "second", now=datetime.now(UTC))
    return person(door, "second", password=hash_password(password))


HALVES = (
    ("PUT", "/api/v1/closed-days/2031-01-01", b'{"name": "\\ud800"}', 422, "body.name"),
    ("PUT", "/api/v1/closed-days/2031-01-01", b'{"name": "\xed\xa0\x80"}', 422, "body.name"),
    ("POST", "/api/v1/webhooks", b'{"url": "https://x.example", "kinds": ["\\uDFFF"]}', 422, "body.kinds.0"),
    ("PATCH", "/api/v1/alert-rules", b'{"\\ud83d": "on"}', 422, "body"),
    ("POST", "/api/v1/metrics", '{"customer": "acme"}'.encode("utf-16-le"), 400, ""),
)


@pytest.mark.parametrize(("method", "path", "body", "status", "place"), HALVES)
def test_halves_of_letters_are_refused_where_they_stand(
    calm: TestClient, world: World, method: str, path: str, body: bytes, status: int, place: str
) -> None:
    headers = {**key_for(world.store, world.organisation, *EVERYTHING), "Content-Type": "application/json"}
    answer = calm.request(method, path, content=body, headers=headers)
    assert answer.status_code == status, answer.text
    assert [one["place"] for one in answer.json().get("errors", [])] == ([place] if place else [])


def test_a_whole_letter_in_two_halves_is_a_letter(calm: TestClient, world: World) -> None:
    headers = {**key_for(world.store, world.organisation, *EVERYTHING), "Content-Type": "application/json"}
    body = b'{"name": "Party \\ud83c\\udf89"}'
    answer = calm.put("/api/v1/closed-days/2031-01-01", content=body, headers=headers)
    assert (answer.status_code, answer.json()["name"]) == (200, "Party \U0001f389")


def test_a_nul_in_an_address_is_refused_by_pages_and_api_alike(desks: tuple[Desk, Desk]) -> None:
    """PostgreSQL would not even look for one."""
    own, _ = desks
    for path in ("/api/v1/health?account_id=a%00b", "/api/v1/opportunities/a%00b"):
        assert own.client.get(path, headers=own.headers).status_code == 422, path
    sign_in(own.client, own.store, own.world.organisation, Role.ADMIN)
    browser = {"Accept": "text/html"}
    for path in (
        "/console/search?q=a%00b",
        "/console/customers/a%00b",
        "/console/messages/a%00b",
        "/console/offer-panel/a%00b",
    ):
        assert own.client.get(path, headers=browser).status_code == 422, path
    with (
        pytest.raises(WebSocketDisconnect) as refused,
        own.client.websocket_connect("/ws/customer-health?customer_id=a%00b", headers={"Origin": PUBLIC}),
    ):
        pass
    assert refused.value.code == 1008


EARLY, LATE = "0001-01-01T00:00:00+09:00", "9999-12-31T23:00:00-09:00"
ODD: tuple[tuple[str, str, Any], ...] = (
    ("POST", "/api/v1/drafts/unknown/approve", {"subject": None, "text": None}),
    ("POST", "/api/v1/drafts/unknown/edit", {"subject": None, "text": "Hello"}),
    ("PUT", "/api/v1/contacts/pat", {"customer": "acme", "name": "Pat", "consent_at": LATE}),
    ("PUT", "/api/v1/contacts/pat", {"customer": "acme", "name": "Pat", "consent_at": EARLY}),
)  # fmt: skip


@pytest.mark.parametrize(("method", "path", "body"), ODD)
def test_odd_values_are_no_failure(
    calm: TestClient, world: World, method: str, path: str, body: dict[str, Any]
) -> None:
    headers = key_for(world.store, world.organisation, *EVERYTHING)
    assert calm.request(method, path, json=body, headers=headers).status_code in (404, 422)


def test_an_account_cannot_become_somebody_who_is_not_there(
    calm: TestClient, door: Door, world: World
) -> None:
    account = person(door, world.organisation)
    headers = sign_in(calm, world.store, world.organisation, Role.ADMIN)
    answer = calm.patch(f"/api/v1/accounts/{account}", json={"staff_id": "nobody"}, headers=headers)
    assert (answer.status_code, account_of(door, account).staff_id) == (404, None)


def test_today_is_asked_for_no_moment_beyond_the_calendar(calm: TestClient, world: World) -> None:
    sign_in(calm, world.store, world.organisation, Role.CSM)
    answer = calm.get("/console/today/fresh?since=0001-01-01T00:00:00%2B09:00")
    assert answer.status_code == 422


def test_a_key_that_holds_covers_no_guesses_at_another(door: Door, world: World) -> None:
    tight = replace(door, settings=door.settings.model_copy(update={"rate_address": 3}))
    with TestClient(create_app(tight), base_url=PUBLIC) as client:
        sign_in(client, world.store, world.organisation, Role.CSM)
        assert client.get("/api/v1/me").status_code == 200
        guesses = [
            client.get("/api/v1/me", headers={"Authorization": f"Bearer kw_{n}"}).status_code
            for n in range(4)
        ]
        assert guesses[-1] == 429
        assert client.get("/api/v1/me").status_code == 200


def test_a_password_that_is_right_elsewhere_is_no_wrong_try(
    client: TestClient, door: Door, world: World
) -> None:
    """Who has two accounts with two passwords would lock one by using the other."""
    person(door, world.organisation)
    other = second(door, "quite another set of words")
    for _ in range(FREE_TRIES + 1):
        assert come_in(client, door).status_code == 303
    assert (account_of(door, other).failed, account_of(door, other).locked_until) == (0, None)
    assert come_in(client, door, password="quite another set of words").status_code == 303


def test_nor_does_it_end_a_rest(client: TestClient, door: Door, world: World) -> None:
    """Else whoever makes an account with somebody's address in their own organisation could guess on."""
    person(door, world.organisation)
    other = second(door, "quite another set of words")
    for _ in range(FREE_TRIES):
        come_in(client, door, password="guessed at random", organisation="second")
    rests = account_of(door, other).locked_until
    assert come_in(client, door).status_code == 303
    after = account_of(door, other)
    assert rests is not None
    assert (after.failed, after.locked_until) == (FREE_TRIES, rests)


def test_when_too_many_sign_in_the_next_is_told_so_and_has_not_tried(
    client: TestClient, door: Door, world: World
) -> None:
    account = person(door, world.organisation)
    with door.store.write() as session:
        for _ in range(FREE_TRIES - 1):
            count_try(session, session.get_one(Account, account), datetime.now(UTC))
    with ExitStack() as room:
        for _ in range(passwords.AT_ONCE + passwords.WAITING):
            room.enter_context(passwords._room)
        assert come_in(client, door).status_code == 503
    after = account_of(door, account)
    assert (after.failed, after.locked_until) == (FREE_TRIES - 1, None)
    assert come_in(client, door).status_code == 303


def test_a_key_of_a_request_is_a_customers_own(client: TestClient, world: World) -> None:
    """Two customers' pages may well count alike: one's must not stand for the other's request."""
    world.customer("bravo")
    for own in ("acme", "bravo"):
        headers = {**key_for(world.store, world.organisation, Permission.OWN, customer=own)}
        headers["Idempotency-Key"] = "1" * 200
        for replayed in (None, "true"):
            answer = client.patch("/api/client/success", json=TRACK, headers=headers)
            assert (answer.status_code, answer.headers.get("idempotent-replayed")) == (200, replayed)
        other = client.patch("/api/client/success", json={**TRACK, "eventType": "page_view"}, headers=headers)
        assert other.status_code == 422
        assert f"Idempotency-Key '{'1' * 200}' was" in other.json()["title"]
    with world.store.read() as session:
        stored = session.exec(select(EngagementEvent.customer_id).order_by(col(EngagementEvent.id))).all()
        assert sorted(stored) == ["acme", "bravo"]
        assert len(session.exec(select(IdempotentAnswer)).all()) == 2


def test_a_failure_tells_the_log_no_token(
    door: Door, world: World, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(type(door.links), "read", broken)
    with (
        caplog.at_level(logging.ERROR),
        TestClient(create_app(door), base_url=PUBLIC, raise_server_exceptions=False) as client,
    ):
        assert client.get("/offers/s3cret-token").status_code == 500
    said = [one.getMessage() for one in caplog.records if one.name == "keepwell.api"]
    assert said == ["GET /offers/{token} failed"]
    assert HOST_COOKIE not in json.dumps(said)
    assert EMAIL not in json.dumps(said)
    assert PASSWORD not in json.dumps(said)
