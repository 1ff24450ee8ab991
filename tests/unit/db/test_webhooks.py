"""Webhooks in the store: each line of the journal finds its endpoints, exactly once, and tells no secret."""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlmodel import col, select

from keepwell.db.engine import Store
from keepwell.db.repositories import journal, webhook_desk
from keepwell.db.repositories.alert_channels import set_channel
from keepwell.db.repositories.alerts import raise_alert, raise_alerts
from keepwell.db.repositories.webhooks import WebhookRepository
from keepwell.db.tables import Customer, Event, Organisation, WebhookAttempt
from keepwell.errors import InputError, RefusedError
from scoring.signal import Severity, Trigger
from scoring.triggers import Finding
from tests.databases import statements
from tests.unit.db.webhooks_world import endpoint, happened, happens, kinds, rows
from tests.unit.db.world import NOW, World

ROOT = Path(__file__).parents[3]


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


def finding(severity: Severity = Severity.CRITICAL) -> Finding:
    return Finding(
        trigger=Trigger.CRITICAL_HEALTH, severity=severity, words="it fell", evidence={}, subject=""
    )


def test_lines_go_where_their_kind_is_wanted(world: World) -> None:
    some = endpoint(world, "alert.", "intervention.", url="https://example.com/some")
    every = endpoint(world, "*", url="https://example.com/every")
    happened(world, "a", kind="alert.raised")
    happened(world, "b", kind="intervention.started")
    happened(world, "c", kind="alerting")
    happened(world, "d", kind="delivery.accepted")
    assert kinds(world, some) == ["alert.raised", "intervention.started"]
    assert kinds(world, every) == ["alert.raised", "alerting", "delivery.accepted", "intervention.started",
                                   "webhook.added"]  # fmt: skip


def test_the_same_line_again_is_told_once(world: World) -> None:
    ours = endpoint(world, "import.")
    happened(world, "a", "a")
    happened(world, "a")
    assert kinds(world, ours) == ["import.done"]


def test_a_line_that_is_not_committed_is_told_to_nobody(world: World) -> None:
    ours = endpoint(world, "import.")
    with world.store.write() as session:
        happens(session, world, "a")
        session.rollback()
    assert kinds(world, ours) == []


def test_another_organisation_and_endpoints_that_are_gone_hear_nothing(world: World) -> None:
    world.add(Organisation(id="org-2", key="other", name="Other", created_at=NOW))
    with world.store.write() as session:
        theirs = webhook_desk.add_endpoint(
            session, "org-2", url="https://x.example", kinds=[], secret="s", description="", by="o", now=NOW
        ).id
    ours = endpoint(world)
    with world.store.write() as session:
        webhook_desk.remove_endpoint(session, world.organisation, ours, by="ops", now=NOW)
    happened(world, "a")
    assert kinds(world, ours) == kinds(world, theirs) == ["webhook.added"], "of the time before, and its own"
    assert [row.state for row in rows(world, endpoint_id=ours)] == ["failed"]


def test_alerts_raised_alone_and_in_bulk_are_told(world: World) -> None:
    ours = endpoint(world, "alert.")
    for number in range(150):
        world.customer(f"c{number:03}")
    with world.store.write() as session:
        raise_alert(session, session.get_one(Customer, "c000"), finding(), "1", NOW)
        many = [(f"c{number:03}", finding(), "1") for number in range(150)]
        raise_alerts(session, world.organisation, many, NOW)
    found = rows(world, endpoint_id=ours)
    assert Counter(row.kind for row in found) == {"alert.raised": 150}
    with world.store.read() as session:
        assert (
            len(session.exec(select(Event).where(col(Event.id).in_([r.event_id for r in found]))).all())
            == 150
        )


def test_alerts_below_the_channels_severity_are_not(world: World) -> None:
    ours = endpoint(world, "*")

    def say(on: bool, severity: Severity) -> None:
        with world.store.write() as session:
            set_channel(
                session,
                world.organisation,
                "webhook",
                enabled=on,
                severity=severity,
                target=None,
                by="o",
                now=NOW,
            )

    def told(key: str, severity: str) -> bool:
        before = len(rows(world, endpoint_id=ours, kind="alert.raised"))
        with world.store.write() as session:
            happens(session, world, key, "alert.raised", data={"severity": severity})
        return len(rows(world, endpoint_id=ours, kind="alert.raised")) > before

    assert told("a", "info")
    say(True, Severity.WARNING)
    assert not told("b", "info")
    assert told("c", "warning")
    assert told("d", "critical")
    say(False, Severity.INFO)
    assert not told("e", "critical")
    happened(world, "f", kind="intervention.started")
    assert "intervention.started" in kinds(world, ours)


def test_many_writers_at_once_lose_no_line_and_tell_none_twice(store: Store) -> None:
    """Ids are drawn long before some of these commit: what reads by the last id would pass them over."""
    world = World(store)
    ours = endpoint(world, "import.")
    gate = threading.Barrier(8)

    def write(writer: int) -> None:
        gate.wait()
        for number in range(15):
            with store.write() as session:
                # Every key is written by two of them.
                happens(session, world, f"{writer // 2}/{number}")
                if number % 3 == 0:
                    happens(session, world, f"own/{writer}/{number}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))
    with store.read() as session:
        events = set(session.exec(select(Event.id).where(Event.kind == "import.done")).all())
    told = [row.event_id for row in rows(world, endpoint_id=ours)]
    assert len(events) == 4 * 15 + 8 * 5
    assert len(told) == len(set(told))
    assert set(told) == events


def test_who_listens_is_looked_up_once_in_a_transaction(world: World) -> None:
    """So that the daily run, which writes thousands of lines, asks once for each of its transactions."""
    with statements(world.store) as sent, world.store.write() as session:
        for number in range(20):
            happens(session, world, f"a{number}")
    assert len([one for one in sent if "webhook_endpoint" in one]) == 1
    assert not [one for one in sent if "webhook_delivery" in one]


def test_nothing_but_the_journal_writes_to_the_table_of_events() -> None:
    """What goes around it would be told to nobody."""
    wrong = re.compile(
        r"""(insert_\w+|put_\w+|upsert_in)\(\s*\w+,\s*["']event["']"""
        r"""|table\(["']event["']\)\s*\.insert"""
        r"""|\bEvent\(\s*(id|key|organisation_id)="""
    )
    found = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "keepwell").rglob("*.py")
        if wrong.search(path.read_text())
    ]
    assert sorted(found) == [
        "keepwell/db/repositories/journal.py",
        "keepwell/db/repositories/webhook_desk.py",
    ]


def test_the_body_says_who_what_and_why_without_addresses(world: World) -> None:
    endpoint(world, "delivery.")
    world.customer("acme", external_id="CUST-1", name="Köln Café")
    with world.store.write() as session:
        journal.write(
            session,
            key="k",
            organisation=world.organisation,
            customer="acme",
            kind="delivery.bounced",
            text="email to Pat <pat.o-hara+x@acme.example> bounced",
            why="550 no such user pat@acme.example",
            by="sendgrid",
            at=NOW,
            data={"contact": "01C", "to": ["p@acme.example"], "deep": {"a@b.example": "x@y.example", "n": 3}},
        )
    (row,) = rows(world)
    post = WebhookRepository(world.store).begin(row.id, NOW)
    assert post is not None
    assert (post.event, post.url, post.attempts) == (row.event_id, "https://example.com/hooks", 0)
    assert json.loads(post.body) == {
        "type": "delivery.bounced",
        "timestamp": "2026-11-21T09:00:00+00:00",
        "version": 1,
        "data": {
            "id": row.event_id,
            "organisation": "brightdesk",
            "customer": {"id": "CUST-1", "name": "Köln Café"},
            "intervention": None,
            "by": "sendgrid",
            "text": "email to Pat <(address)> bounced",
            "why": "550 no such user (address)",
            "data": {"contact": "01C", "to": ["(address)"], "deep": {"a@b.example": "(address)", "n": 3}},
        },
    }


def test_what_may_be_entered(world: World) -> None:
    endpoint(world, "alert.")
    with pytest.raises(RefusedError, match="entered already"):
        endpoint(world)
    with pytest.raises(InputError, match="no beginning of a kind"):
        endpoint(world, "alert.*", url="https://example.com/2")
    with pytest.raises(InputError):
        endpoint(world, "'; drop table event", url="https://example.com/3")
    for number in range(webhook_desk.MOST_ENDPOINTS - 1):
        endpoint(world, url=f"https://example.com/m{number}")
    with pytest.raises(RefusedError, match="20 endpoints already"):
        endpoint(world, url="https://example.com/one-more")


def test_the_journal_never_tells_a_secret(world: World) -> None:
    ours = endpoint(world)
    with world.store.write() as session:
        webhook_desk.rotate_secret(session, world.organisation, ours, "whsec_bmV3", by="ops", now=NOW)
    with world.store.read() as session:
        text = "".join(f"{row.text}{row.why}{row.data}" for row in session.exec(select(Event)))
        assert session.exec(select(WebhookAttempt)).all() == []
    assert "whsec_" not in text
