"""Idempotency-Key: the same answer again, another request refused, and no key locked for ever."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr
from sqlmodel import func, select

from keepwell.api.door import Door
from keepwell.contracts.access import Permission
from keepwell.db.engine import Store
from keepwell.db.repositories import idempotency
from keepwell.db.tables import EngagementEvent, IdempotentAnswer, Organisation
from keepwell.links import Links
from keepwell.settings import Settings
from keepwell.web import create_app
from tests.unit.api.callers import key_for
from tests.unit.db.world import World

LOGIN = {"customer": "acme", "kind": "login"}


@pytest.fixture
def world(store: Store) -> World:
    world = World(store)
    world.customer("acme")
    return world


@pytest.fixture
def client(world: World, tmp_path) -> Iterator[TestClient]:  # type: ignore[no-untyped-def]
    public = "https://keepwell.example"
    door = Door(
        settings=Settings(home=tmp_path, public_url=public),
        store=world.store,
        links=Links(SecretStr("k" * 40), public),
    )
    with TestClient(create_app(door), base_url=public) as asked:
        yield asked


@pytest.fixture
def headers(world: World) -> dict[str, str]:
    return {**key_for(world.store, world.organisation, Permission.INGEST), "Idempotency-Key": "first"}


def events(world: World) -> int:
    with world.store.read() as session:
        return session.exec(select(func.count()).select_from(EngagementEvent)).one()


def test_the_same_request_again_gets_the_first_answer(
    client: TestClient, world: World, headers: dict[str, str]
) -> None:
    first = client.post("/api/v1/events", json=LOGIN, headers=headers)
    again = client.post("/api/v1/events", json=LOGIN, headers=headers)
    assert first.json() == again.json()
    assert first.json()["result"] == "created"
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert events(world) == 1
    # Without the key it is another login.
    del headers["Idempotency-Key"]
    client.post("/api/v1/events", json=LOGIN, headers=headers)
    assert events(world) == 2


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/v1/events", {**LOGIN, "kind": "page_view"}),
        ("/api/v1/events?", {**LOGIN, "data": {}}),
        ("/api/v1/outcomes", {"customer": "acme", "outcome": "positive"}),
    ],
)
def test_another_request_under_the_key_is_refused(
    path: str, body: dict[str, object], client: TestClient, world: World, headers: dict[str, str]
) -> None:
    client.post("/api/v1/events", json=LOGIN, headers=headers)
    answer = client.post(path, json=body, headers=headers)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["place"] == "Idempotency-Key"
    assert events(world) == 1


def test_what_was_refused_may_be_sent_again_under_its_key(
    client: TestClient, world: World, headers: dict[str, str]
) -> None:
    late = {"customer": "later", "kind": "login"}
    assert client.post("/api/v1/events", json=late, headers=headers).status_code == 422
    world.customer("later")
    assert client.post("/api/v1/events", json=late, headers=headers).status_code == 200
    assert events(world) == 1


def test_while_the_first_is_at_work_the_second_is_told_so_and_never_for_ever(
    client: TestClient, world: World, headers: dict[str, str]
) -> None:
    client.post("/api/v1/events", json=LOGIN, headers=headers)
    with world.store.write() as session:
        row = session.get_one(IdempotentAnswer, (world.organisation, "first"))
        # As after a crash in between.
        row.status, row.answer, row.created_at = 0, {}, datetime.now(UTC)
    answer = client.post("/api/v1/events", json=LOGIN, headers=headers)
    assert answer.status_code == 409
    assert answer.json()["retryable"] is True
    with world.store.write() as session:
        row = session.get_one(IdempotentAnswer, (world.organisation, "first"))
        row.created_at = datetime.now(UTC) - idempotency.ABANDONED
    assert client.post("/api/v1/events", json=LOGIN, headers=headers).status_code == 200
    assert client.post("/api/v1/events", json=LOGIN, headers=headers).headers["idempotent-replayed"] == "true"


def test_an_answer_is_kept_for_a_day(client: TestClient, world: World, headers: dict[str, str]) -> None:
    client.post("/api/v1/events", json=LOGIN, headers=headers)
    with world.store.write() as session:
        row = session.get_one(IdempotentAnswer, (world.organisation, "first"))
        row.created_at = datetime.now(UTC) - timedelta(hours=24)
    answer = client.post("/api/v1/events", json={**LOGIN, "kind": "page_view"}, headers=headers)
    assert answer.status_code == 200


def test_a_key_is_an_organisation_s_own(client: TestClient, world: World, headers: dict[str, str]) -> None:
    client.post("/api/v1/events", json=LOGIN, headers=headers)
    world.add(Organisation(id="org-2", key="other", name="Other Ltd", created_at=datetime.now(UTC)))
    theirs = {**key_for(world.store, "org-2", Permission.INGEST), "Idempotency-Key": "first"}
    answer = client.post("/api/v1/events", json=LOGIN, headers=theirs)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["place"] == "customer"


def test_who_may_not_gets_no_answer_that_is_kept(
    client: TestClient, world: World, headers: dict[str, str]
) -> None:
    client.post("/api/v1/events", json=LOGIN, headers=headers)
    reader = {**key_for(world.store, world.organisation, Permission.READ), "Idempotency-Key": "first"}
    assert client.post("/api/v1/events", json=LOGIN, headers=reader).status_code == 403


def test_many_at_once_do_it_once(client: TestClient, world: World, headers: dict[str, str]) -> None:
    gate = threading.Barrier(8)

    def send(_: int) -> int:
        gate.wait()
        return client.post("/api/v1/events", json=LOGIN, headers=headers).status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(send, range(8)))
    assert set(statuses) <= {200, 409}
    assert 200 in statuses
    assert events(world) == 1


@pytest.mark.parametrize("key", ["x" * 201, "with blank", "ä"])
def test_a_key_that_is_none_is_refused(key: str, client: TestClient, headers: dict[str, str]) -> None:
    sent: dict[bytes, bytes] = {name.encode(): value.encode() for name, value in headers.items()}
    sent[b"Idempotency-Key"] = key.encode("latin-1")
    answer = client.post("/api/v1/events", json=LOGIN, headers=sent)
    assert answer.status_code == 422
