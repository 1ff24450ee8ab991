"""Many records in one request: what is stored, and the report of what is not."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import func, select

from keepwell.api.door import Door
from keepwell.api.guard import LARGEST_IMPORT
from keepwell.contracts.access import Permission
from keepwell.db.tables import Contact, Customer, EngagementEvent, Event, Metric
from tests.unit.api.callers import key_for
from tests.unit.db.world import World

ROWS = [{"external_id": f"A-{number}", "name": f"Customer {number}"} for number in range(5)]
PATH = "/api/v1/import/customers"


@pytest.fixture
def world(door: Door) -> World:
    return World(door.store)


@pytest.fixture
def headers(world: World) -> dict[str, str]:
    return key_for(world.store, world.organisation, Permission.INGEST)


def count(world: World, model: type) -> int:
    with world.store.read() as session:
        return session.exec(select(func.count()).select_from(model)).one()


BODIES = {
    "application/json": json.dumps(ROWS),
    "application/x-ndjson": "\n".join(json.dumps(row) for row in ROWS),
    "text/csv; charset=utf-8": "external_id,name\n" + "\n".join(",".join(row.values()) for row in ROWS),
}


@pytest.mark.parametrize("kind", BODIES)
def test_every_form_stores_the_same_and_again_nothing(
    kind: str, client: TestClient, world: World, headers: dict[str, str]
) -> None:
    sent = {**headers, "Content-Type": kind}
    first = client.post(PATH, content=BODIES[kind], headers=sent)
    assert first.status_code == 200, first.text
    assert (first.json()["rows"], first.json()["created"], first.json()["rejected"]) == (5, 5, 0)
    again = client.post(PATH, content=BODIES[kind], headers=sent).json()
    assert (again["created"], again["unchanged"]) == (0, 5)
    assert count(world, Customer) == 5
    with world.store.read() as session:
        lines = session.exec(select(Event).where(Event.kind == "import.finished")).all()
    assert [line.by for line in lines] == ["key test", "key test"]


def test_good_rows_go_in_beside_bad_ones_which_are_told(
    client: TestClient, world: World, headers: dict[str, str]
) -> None:
    rows = [*ROWS, {"external_id": "A-9"}, "text", {**ROWS[0], "name": "Other"}, {**ROWS[1], "plan": 7.5}]
    answer = client.post(PATH, json=rows, headers=headers).json()
    assert (answer["rows"], answer["created"], answer["rejected"]) == (9, 5, 4)
    assert [(one["line"], one["column"]) for one in answer["rejects"]] == [
        (6, "name"),
        (7, ""),
        (8, "name"),
        (9, "plan"),
    ]
    assert "every row needs it" in answer["rejects"][0]["reason"]
    assert "line 1 says otherwise" in answer["rejects"][2]["reason"]
    assert "write text" in answer["rejects"][3]["reason"]
    assert count(world, Customer) == 5


def test_a_trial_tells_the_same_and_stores_nothing(
    client: TestClient, world: World, headers: dict[str, str]
) -> None:
    rows = [*ROWS, {"external_id": "A-9"}]
    tried = client.post(PATH, params={"dry_run": True}, json=rows, headers=headers).json()
    assert (tried["dry_run"], tried["created"], tried["rejected"]) == (True, 5, 1)
    assert (count(world, Customer), count(world, Event)) == (0, 0)
    done = client.post(PATH, json=rows, headers=headers).json()
    own = ("dry_run", "id", "text")
    assert {name: value for name, value in done.items() if name not in own} == {
        name: value for name, value in tried.items() if name not in own
    }


def test_every_kind_is_taken(client: TestClient, world: World, headers: dict[str, str]) -> None:
    now = datetime.now(UTC).isoformat()
    sent: dict[str, list[dict[str, Any]]] = {
        "staff": [{"external_id": "dana", "name": "Dana", "email": "dana@example.com"}],
        "customers": [{"external_id": "acme", "name": "Acme", "owner": "dana"}],
        "contacts": [{"external_id": "kim", "customer": "acme", "name": "Kim"}],
        "metrics": [{"customer": "acme", "metric": "daily_active_rate", "value": 50}],
        "events": [{"customer": "acme", "kind": "login", "at": now}],
        "outcomes": [
            {"customer": "acme", "outcome": "negative", "at": now},
            {"customer": "acme", "outcome": "left", "at": now},
        ],
    }
    for kind, rows in sent.items():
        answer = client.post(f"/api/v1/import/{kind}", json=rows, headers=headers).json()
        assert (answer["created"] + answer["updated"], answer["rejected"]) == (len(rows), 0), kind
    assert (count(world, Contact), count(world, Metric), count(world, EngagementEvent)) == (1, 1, 2)
    with world.store.read() as session:
        assert session.exec(select(Customer.active)).one() is False


def test_metrics_without_a_moment_count_from_the_one_given(
    client: TestClient, world: World, headers: dict[str, str]
) -> None:
    world.customer("acme")
    rows = [{"customer": "acme", "metric": "daily_active_rate", "value": 50}]
    at = "2026-11-20T06:00:00+01:00"
    client.post("/api/v1/import/metrics", params={"measured_at": at}, json=rows, headers=headers)
    with world.store.read() as session:
        assert session.exec(select(Metric.measured_at)).one() == datetime(2026, 11, 20, 5, tzinfo=UTC)


WRONG = [
    ("application/json", b"", 422, "not JSON"),
    ("application/json", b"{}", 422, "no list"),
    ("application/json", b"[]", 422, "empty"),
    ("application/json", b'[{"external_id": NaN}]', 422, "NaN"),
    ("application/json", b'[{"name": "a", "name": "b"}]', 422, "there twice"),
    ("application/json", b"[" * 100_000, 422, "not JSON"),
    ("application/json", b"\xff\xfe\x00", 422, "not JSON"),
    ("text/csv", b"", 422, "empty"),
    ("text/csv", b"colour\nred\n", 422, "none that customers have"),
    ("text/csv", b"PK\x03\x04", 422, "Excel"),
    ("application/x-ndjson", b"nonsense", 422, "is not JSON"),
    ("application/xml", b"<a/>", 415, "text/csv"),
    ("application/json", b"[" + b" " * LARGEST_IMPORT, 413, "more than this takes"),
]


@pytest.mark.parametrize(("kind", "body", "status", "why"), WRONG, ids=lambda one: repr(one)[:40])
def test_what_is_no_table_is_refused(
    kind: str,
    body: bytes,
    status: int,
    why: str,
    client: TestClient,
    world: World,
    headers: dict[str, str],
) -> None:
    answer = client.post(PATH, content=body, headers={**headers, "Content-Type": kind})
    assert answer.status_code == status
    assert why in f"{answer.json()['title']} {answer.json().get('detail', '')}"
    assert count(world, Customer) == 0
    assert "/" not in answer.json()["title"] or status == 415


def test_a_kind_that_there_is_not_is_refused(client: TestClient, headers: dict[str, str]) -> None:
    assert client.post("/api/v1/import/accounts", json=ROWS, headers=headers).status_code == 422


def test_of_many_rejects_the_first_thousand_are_told(
    client: TestClient, world: World, headers: dict[str, str]
) -> None:
    rows = [{"external_id": f"A-{number}"} for number in range(1_500)]
    rows[0]["name"] = "Acme"
    answer = client.post(PATH, json=rows, headers=headers).json()
    assert (answer["created"], answer["rejected"], len(answer["rejects"])) == (1, 1_499, 1_000)
