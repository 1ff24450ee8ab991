"""`/metrics`: what it counts, whose figures it tells to whom, and that asking often costs little."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import event

from keepwell.api import metrics
from keepwell.api.door import Door
from keepwell.contracts.access import Permission, Role
from keepwell.db.engine import Store
from keepwell.db.repositories.figures_now import figures_now
from keepwell.db.tables import Alert, Delivery, Intervention, Organisation, PendingCommand
from keepwell.web import create_app
from tests.unit.api.callers import key_for, sign_in
from tests.unit.api.conftest import PUBLIC
from tests.unit.db.world import NOW, World


@pytest.fixture
def world(door: Door) -> World:
    return World(door.store)


def values(text: str) -> dict[tuple[str, ...], float]:
    """Each sample by its name and its labels' values."""
    return {
        (one.name, *(value for _, value in sorted(one.labels.items()))): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
    }


def busy(world: World, now: datetime) -> None:
    """A running playbook, messages of today and before, and what waits."""
    world.customer("acme")
    own = world.add(
        Intervention(
            organisation_id=world.organisation,
            customer_id="acme",
            start="s",
            workflow_id="w",
            playbook="critical",
            version=3,
            definition={},
            started_at=now,
        )
    ).id
    for number, (state, planned) in enumerate(
        [("accepted", now), ("accepted", now), ("failed", now - timedelta(hours=25))]
    ):
        world.add(
            Delivery(
                key=f"k{number}",
                organisation_id=world.organisation,
                customer_id="acme",
                intervention_id=own,
                step="s",
                channel="email",
                recipient_id="r",
                recipient_kind="contact",
                state=state,
                planned_at=planned,
                updated_at=now,
            )
        )
    waiting(world, now)


def waiting(world: World, now: datetime) -> None:
    """A command that waits, an alert that is open, and one that is not."""
    world.add(
        PendingCommand(
            id="p",
            organisation_id=world.organisation,
            customer_id="acme",
            source="slack",
            by="Dana",
            received_at=now - timedelta(minutes=5),
            retry_at=now,
        )
    )
    for number, state in enumerate(("open", "closed")):
        world.add(
            Alert(
                organisation_id=world.organisation,
                customer_id="acme",
                key=str(number),
                trigger="score_drop",
                severity="high",
                words="fell",
                raised_at=now,
                due_at=now,
                state=state,
            )
        )


def test_it_counts_answers_by_route_and_never_by_address(client: TestClient, world: World) -> None:
    own = key_for(world.store, world.organisation, Permission.OPERATE)
    client.get("/health")
    client.get("/offers/one-token")
    client.get("/offers/another-token")
    client.get("/nowhere/at-all")
    client.request("BREW", "/health")
    answer = client.get("/metrics", headers=own)
    assert answer.headers["content-type"].startswith("text/plain")
    assert "token" not in answer.text.replace("{token}", "")
    found = values(answer.text)
    assert found["keepwell_http_requests_total", "GET", "/health", "200"] == 1
    assert found["keepwell_http_requests_total", "GET", "/offers/{token}", "404"] == 2
    assert found["keepwell_http_requests_total", "GET", "(none)", "404"] == 1
    assert not [name for name in found if "BREW" in name]
    assert found["keepwell_http_request_seconds_count", "GET", "/offers/{token}"] == 2


def test_it_tells_how_things_stand(client: TestClient, world: World) -> None:
    busy(world, datetime.now(UTC))
    found = values(client.get("/metrics", headers=key_for(world.store, "org-1", Permission.OPERATE)).text)
    assert found["keepwell_interventions_open", "org-1", "critical"] == 1
    assert found["keepwell_deliveries_last_day", "org-1", "accepted"] == 2
    assert ("keepwell_deliveries_last_day", "org-1", "failed") not in found
    assert found["keepwell_commands_waiting", "org-1", "waiting"] == 1
    assert found["keepwell_alerts_open", "org-1", "high"] == 1
    assert 300 <= found["keepwell_commands_oldest_waiting_seconds", "org-1"] < 600


def test_the_same_on_both_databases(store: Store) -> None:
    busy(World(store), NOW)
    with store.read() as session:
        found = figures_now(session, NOW)
        assert [(one.what, one.number) for one in found.deliveries] == [("accepted", 2)]
        assert found.oldest_waiting == {"org-1": NOW - timedelta(minutes=5)}
        assert figures_now(session, NOW, ["nobody"]).interventions == ()


def test_a_key_sees_its_own_organisation(client: TestClient, world: World) -> None:
    busy(world, datetime.now(UTC))
    other = world.add(Organisation(id="other", key="other", name="Other", created_at=NOW)).id
    shown = client.get("/metrics", headers=key_for(world.store, other, Permission.OPERATE)).text
    assert "org-1" not in shown


def test_only_who_may_reads_it(client: TestClient, door: Door, world: World) -> None:
    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics", headers={"Authorization": "Bearer kw_no"}).status_code == 401
    lesser = key_for(world.store, world.organisation, *(set(Permission) - {Permission.OPERATE}))
    assert client.get("/metrics", headers=lesser).status_code == 403
    sign_in(client, world.store, world.organisation, Role.ADMIN)
    assert client.get("/metrics").status_code == 401, "a cookie is for people"


@pytest.mark.parametrize(("address", "status"), [("10.1.2.3", 200), ("10.2.0.1", 401), ("testclient", 401)])
def test_a_scrapers_network_needs_no_key_and_sees_all(
    door: Door, world: World, address: str, status: int
) -> None:
    busy(world, datetime.now(UTC))
    settings = door.settings.model_copy(update={"metrics_from": ("10.1.0.0/16",)})
    app = create_app(replace(door, settings=settings))
    with TestClient(app, base_url=PUBLIC, client=(address, 1)) as client:
        answer = client.get("/metrics")
        assert answer.status_code == status
        assert ("org-1" in answer.text) is (status == 200)


def test_asking_often_asks_the_store_once(
    client: TestClient, door: Door, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert metrics.FRESH <= 10
    monkeypatch.setattr(metrics, "FRESH", 600.0)
    own = key_for(world.store, world.organisation, Permission.OPERATE)
    statements: list[str] = []
    listen = lambda *given: statements.append(given[2])  # noqa: E731
    event.listen(door.store.engine, "before_cursor_execute", listen)
    for _ in range(5):
        assert client.get("/metrics", headers=own).status_code == 200
    event.remove(door.store.engine, "before_cursor_execute", listen)
    assert len([one for one in statements if "FROM delivery" in one]) == 1


def test_two_applications_count_for_themselves(client: TestClient, door: Door, world: World) -> None:
    own = key_for(world.store, world.organisation, Permission.OPERATE)
    client.get("/health")
    second: FastAPI = create_app(door)
    with TestClient(second, base_url=PUBLIC) as other:
        assert ("keepwell_http_requests_total", "GET", "/health", "200") not in values(
            other.get("/metrics", headers=own).text
        )
