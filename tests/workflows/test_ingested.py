"""What follows at once from what comes in through the API: a fall, or an alert, begins its playbook."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from keepwell.api.door import Door
from keepwell.contracts.access import Permission
from keepwell.db.engine import Store
from keepwell.links import Links
from keepwell.settings import Settings
from keepwell.web import create_app
from scoring.normalise import raw_for
from scoring.units import Unit
from tests.unit.api.callers import key_for
from tests.unit.db.world import CARD, World
from tests.workflows.stage import PATIENCE, Stage, stage

PUBLIC = "https://keepwell.example"
Send = Callable[[TestClient, dict[str, str]], None]


def fall(client: TestClient, headers: dict[str, str]) -> None:
    """All figures of Acme become bad: many in one request, and the last one alone."""
    bad = {
        metric.name: 0.0 if metric.unit is Unit.YES_NO else raw_for(metric.normalise, 5.0)
        for metric in CARD.metrics
    }
    *most, last = ({"customer": "acme", "metric": name, "value": value} for name, value in bad.items())
    stored = client.post("/api/v1/import/metrics", json=most, headers=headers).json()
    assert stored["rejected"] == 0, stored
    scored = client.post("/api/v1/metrics", json=last, headers=headers).json()
    assert scored.get("level") == "CRITICAL", scored
    assert scored["transition"] is not None


def unpaid(client: TestClient, headers: dict[str, str]) -> None:
    """A payment of Acme fails."""
    body = {"customer": "acme", "kind": "billing_failure", "data": {"amount": 120, "currency": "EUR"}}
    assert len(client.post("/api/v1/events", json=body, headers=headers).json()["alerts"]) == 1


@pytest.mark.parametrize(("send", "family"), [(fall, "risk"), (unpaid, "event")])
async def test_it_begins_its_playbook_at_once(
    send: Send,
    family: str,
    sqlite_store: Store,
    temporal_address: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", temporal_address)
    async with stage(sqlite_store, temporal_address) as opened:
        opened.customer("acme")
        queue = opened.parts.hand_over.task_queue
        settings = Settings(home=tmp_path, public_url=PUBLIC, task_queue=queue)
        door = Door(settings=settings, store=sqlite_store, links=Links(SecretStr("k" * 40), PUBLIC))
        headers = key_for(sqlite_store, opened.world.organisation, Permission.INGEST)
        await asyncio.to_thread(_sent, door, headers, send, lambda: begun(opened, family))
        assert begun(opened, family) == 1


def begun(opened: Stage, family: str) -> int:
    """How many playbooks of a family have begun; a fall is an alert besides, and begins one of those, too."""
    return sum(row.family == family for row in opened.interventions("acme"))


def _sent(door: Door, headers: dict[str, str], send: Send, done: Callable[[], int]) -> None:
    with TestClient(create_app(door, background=True), base_url=PUBLIC) as client:
        send(client, headers)
        end = time.monotonic() + PATIENCE
        while not done() and time.monotonic() < end:
            time.sleep(0.1)


def test_without_a_server_it_is_stored_all_the_same(sqlite_store: Store, tmp_path: Path, caplog: Any) -> None:
    world = World(sqlite_store)
    world.customer("acme")
    settings = Settings(home=tmp_path, public_url=PUBLIC)
    door = Door(settings=settings, store=sqlite_store, links=Links(SecretStr("k" * 40), PUBLIC))
    headers = key_for(sqlite_store, world.organisation, Permission.INGEST)
    with TestClient(create_app(door, background=True), base_url=PUBLIC) as client:
        unpaid(client, headers)
        end = time.monotonic() + PATIENCE
        while "No Temporal server" not in caplog.text and time.monotonic() < end:
            time.sleep(0.1)
        assert "No Temporal server" in caplog.text
