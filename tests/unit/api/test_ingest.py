"""Bringing in one record at a time over HTTP: what is stored, what is refused, and what follows at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from keepwell.api.door import Door
from keepwell.contracts.access import Permission
from keepwell.db.tables import Alert, Contact, Customer, EngagementEvent, Metric, Organisation, Staff
from tests.unit.api.callers import key_for
from tests.unit.db.world import World

CUSTOMER: dict[str, Any] = {"name": "Acme", "plan": "pro", "monthly_revenue": 1200, "facts": {"seats": 12}}


@pytest.fixture
def world(door: Door) -> World:
    return World(door.store)


@pytest.fixture
def headers(world: World) -> dict[str, str]:
    return key_for(world.store, world.organisation, Permission.INGEST)


def test_a_customer_is_stored_changed_and_left_as_it_is(
    client: TestClient, world: World, headers: dict[str, str]
) -> None:
    path = "/api/v1/customers/A-17"
    made = client.put(path, json=CUSTOMER, headers=headers)
    assert made.status_code == 200
    assert made.json()["result"] == "created"
    assert client.put(path, json=CUSTOMER, headers=headers).json()["result"] == "unchanged"
    changed = client.put(path, json={"plan": "scale", "facts": {"branch": "retail"}}, headers=headers)
    assert changed.json()["result"] == "updated"
    with world.store.read() as session:
        row = session.get_one(Customer, made.json()["id"])
    assert (row.external_id, row.name, row.plan, row.monthly_revenue) == ("A-17", "Acme", "scale", 1200)
    assert row.facts == {"seats": 12, "branch": "retail"}


def test_contacts_and_staff_are_stored_under_their_ids(
    client: TestClient, world: World, headers: dict[str, str]
) -> None:
    staff = client.put(
        "/api/v1/staff/dana", json={"name": "Dana Reyes", "email": "dana@example.com"}, headers=headers
    )
    assert staff.json()["result"] == "created"
    client.put("/api/v1/customers/A-17", json={**CUSTOMER, "owner": "dana"}, headers=headers)
    contact = {"customer": "A-17", "name": "Kim Lee", "email": "kim@acme.example", "consent": "granted"}
    made = client.put("/api/v1/contacts/C-1", json=contact, headers=headers)
    assert made.json()["result"] == "created"
    # A later change names neither the customer nor the name.
    assert (
        client.put("/api/v1/contacts/C-1", json={"title": "Head of IT"}, headers=headers).status_code == 200
    )
    with world.store.read() as session:
        row = session.get_one(Contact, made.json()["id"])
        customer = session.get_one(Customer, row.customer_id)
        owner = session.get_one(Staff, customer.owner_id)
    assert (row.title, row.name, customer.external_id, owner.name) == (
        "Head of IT",
        "Kim Lee",
        "A-17",
        "Dana Reyes",
    )


WRONG: list[tuple[str, str, dict[str, Any], str, str]] = [
    ("PUT", "/customers/new", {"plan": "pro"}, "name", "is missing"),
    ("PUT", "/customers/new", {**CUSTOMER, "monthly_revenue": -1}, "monthly_revenue", "below 0"),
    ("PUT", "/customers/new", {**CUSTOMER, "time_zone": "Berlin"}, "time_zone", "Europe/Berlin"),
    ("PUT", "/customers/new", {**CUSTOMER, "owner": "nobody"}, "owner", "import staff first"),
    ("PUT", "/customers/new", {**CUSTOMER, "name": "a\u0000b"}, "name", "control character"),
    ("PUT", "/customers/new", {**CUSTOMER, "colour": "red"}, "body.colour", "not permitted"),
    ("PUT", "/contacts/new", {"customer": "none", "name": "Kim"}, "customer", "import customers first"),
    ("POST", "/metrics", {"customer": "acme", "metric": "daily", "value": 5}, "metric", "no such metric"),
    (
        "POST",
        "/metrics",
        {"customer": "acme", "metric": "daily_active_rate", "value": 500},
        "value",
        "allowed is",
    ),
    ("POST", "/metrics", {"customer": "acme", "metric": "daily_active_rate"}, "body.value", "required"),
    ("POST", "/events", {"customer": "acme", "kind": "feature_used"}, "data", "feature"),
    ("POST", "/events", {"customer": "nobody", "kind": "login"}, "customer", "no customer"),
    (
        "POST",
        "/events",
        {"customer": "acme", "kind": "login", "at": "2026-01-01T00:00:00"},
        "body.at",
        "timezone",
    ),
    ("POST", "/outcomes", {"customer": "acme", "outcome": "great"}, "body.outcome", "positive"),
    ("POST", "/outcomes", {"customer": "nobody", "outcome": "left"}, "customer", "no customer"),
]


@pytest.mark.parametrize(("method", "path", "body", "place", "why"), WRONG, ids=lambda one: str(one)[:60])
def test_what_does_not_fit_is_refused_with_its_place_and_what_would_be_right(
    method: str,
    path: str,
    body: dict[str, Any],
    place: str,
    why: str,
    client: TestClient,
    world: World,
    headers: dict[str, str],
) -> None:
    world.customer("acme")
    answer = client.request(method, f"/api/v1{path}", json=body, headers=headers)
    assert answer.status_code == 422
    [wrong] = [one for one in answer.json()["errors"] if one["place"] == place]
    assert why in wrong["message"]
    with world.store.read() as session:
        assert [row.external_id for row in session.exec(select(Customer)).all()] == ["acme"]


def test_a_metric_is_stored_and_its_customer_scored_at_once(
    client: TestClient, world: World, headers: dict[str, str]
) -> None:
    world.customer("acme")
    # Of today: figures grow too old to score with.
    world.at_points("acme", 80.0, world.began)
    body = {"customer": "acme", "metric": "daily_active_rate", "value": 55.5}
    answer = client.post("/api/v1/metrics", json=body, headers=headers).json()
    assert answer["result"] == "created"
    assert answer["scored"] is True
    assert answer["score"] == world.health("acme").score
    later = client.post("/api/v1/metrics", params={"score": False}, json=body, headers=headers).json()
    assert (later["result"], later["scored"], later["score"]) == ("created", False, None)
    with world.store.read() as session:
        query = select(Metric).where(Metric.name == "daily_active_rate", Metric.value == 55.5)
        assert len(session.exec(query).all()) == 2


def test_an_event_raises_an_alert_and_the_same_event_again_changes_nothing(
    client: TestClient, world: World, headers: dict[str, str]
) -> None:
    world.customer("acme")
    body = {"customer": "acme", "kind": "billing_failure", "id": "e-1", "data": {"amount": 120}}
    at = datetime.now(UTC).isoformat()
    made = client.post("/api/v1/events", json={**body, "at": at}, headers=headers).json()
    assert made["result"] == "created"
    with world.store.read() as session:
        [alert] = session.exec(select(Alert)).all()
    assert made["alerts"] == [alert.id]
    again = client.post("/api/v1/events", json={**body, "at": at}, headers=headers).json()
    assert again["result"] == "unchanged"
    other = client.post("/api/v1/events", json={**body, "at": at, "data": {"amount": 9}}, headers=headers)
    assert other.status_code == 422
    assert "a stored event stays" in other.json()["errors"][0]["message"]
    with world.store.read() as session:
        assert len(session.exec(select(EngagementEvent)).all()) == 1


def test_an_event_happens_now_and_a_kind_that_is_not_known_is_told(
    client: TestClient, world: World, headers: dict[str, str]
) -> None:
    world.customer("acme")
    answer = client.post("/api/v1/events", json={"customer": "acme", "kind": "logn"}, headers=headers).json()
    assert "did you mean 'login'" in answer["notes"][0]
    with world.store.read() as session:
        [row] = session.exec(select(EngagementEvent)).all()
    assert datetime.now(UTC) - row.at < timedelta(seconds=20)


def test_outcomes_are_events_and_who_has_left_is_not_active_any_more(
    client: TestClient, world: World, headers: dict[str, str]
) -> None:
    world.customer("acme", time_zone="Pacific/Auckland")
    good = {"customer": "acme", "outcome": "positive", "id": "call-7", "note": "They renew"}
    assert client.post("/api/v1/outcomes", json=good, headers=headers).json()["result"] == "created"
    left = {"customer": "acme", "outcome": "left", "at": "2026-10-31T20:00:00+00:00"}
    assert client.post("/api/v1/outcomes", json=left, headers=headers).json()["result"] == "updated"
    assert client.post("/api/v1/outcomes", json=left, headers=headers).json()["result"] == "unchanged"
    with world.store.read() as session:
        [event] = session.exec(select(EngagementEvent)).all()
        row = session.get_one(Customer, "acme")
    assert (event.kind, event.data) == ("positive_outcome", {"note": "They renew"})
    # In Auckland it was the next day already.
    assert (row.active, str(row.left_on)) == (False, "2026-11-01")


def test_another_organisation_s_customer_does_not_exist(
    client: TestClient, world: World, headers: dict[str, str]
) -> None:
    world.customer("acme")
    world.add(Organisation(id="org-2", key="other", name="Other Ltd", created_at=datetime.now(UTC)))
    theirs = key_for(world.store, "org-2", Permission.INGEST)
    body = {"customer": "acme", "kind": "login"}
    assert client.post("/api/v1/events", json=body, headers=theirs).status_code == 422
    assert (
        client.put("/api/v1/customers/acme", json={"name": "X"}, headers=theirs).json()["result"] == "created"
    )
    with world.store.read() as session:
        assert session.get_one(Customer, "acme").name == "Acme"


def test_who_may_not_bring_in_is_refused(client: TestClient, world: World) -> None:
    reader = key_for(world.store, world.organisation, Permission.READ, Permission.CONFIGURE)
    assert client.put("/api/v1/customers/acme", json=CUSTOMER, headers=reader).status_code == 403
    assert client.put("/api/v1/customers/acme", json=CUSTOMER).status_code == 401
    assert client.post("/api/v1/import/customers", json=[CUSTOMER], headers=reader).status_code == 403


NO_NUMBER = ("12", True, None, [5], {"a": 1})
NO_MOMENT = (1_700_000_000, 1_700_000_000.5, "1700000000", True, "2026-11-01T09:00:00", "now")


@pytest.mark.parametrize("value", NO_NUMBER)
def test_a_value_is_a_number_and_nothing_that_looks_like_one(
    client: TestClient, world: World, headers: dict[str, str], value: object
) -> None:
    world.customer("acme", external_id="A-1")
    said = {"customer": "A-1", "metric": "daily_active_rate", "value": value}
    answer = client.post("/api/v1/metrics", json=said, headers=headers)
    assert (answer.status_code, answer.json()["errors"][0]["place"]) == (422, "body.value")
    assert client.post("/api/v1/metrics", json={**said, "value": 12}, headers=headers).status_code == 200


@pytest.mark.parametrize("at", NO_MOMENT)
def test_a_moment_is_written_out(
    client: TestClient, world: World, headers: dict[str, str], at: object
) -> None:
    world.customer("acme", external_id="A-1")
    said = {"customer": "A-1", "kind": "login", "at": at}
    answer = client.post("/api/v1/events", json=said, headers=headers)
    assert (answer.status_code, answer.json()["errors"][0]["place"]) == (422, "body.at")
