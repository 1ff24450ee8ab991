"""One message in full, on both engines: from the outbox, the feed, a draft, or the ledger alone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from keepwell.db.engine import Store
from keepwell.db.repositories import journal
from keepwell.db.repositories.views_message_shown import MessageShown, message_shown
from keepwell.db.tables import Delivery, Draft, InAppNotification, Organisation, OutboxMessage
from keepwell.errors import NotFoundError
from tests.unit.db.test_calendar import open_critical
from tests.unit.db.test_customer_timeline import sent
from tests.unit.db.world import NOW, World

MINUTE = timedelta(minutes=1)


@pytest.fixture
def world(store: Store) -> World:
    """A customer with an open critical intervention."""
    world = World(store)
    world.staff("dana")
    world.customer("acme", owner_id="dana")
    world.contact("ann", "acme")
    open_critical(world)
    return world


def shown(world: World, message: str) -> MessageShown:
    """The message."""
    with world.store.read() as session:
        return message_shown(session, world.organisation, message)


def ledger(world: World, key: str, **values: Any) -> None:
    """A row of the send ledger."""
    row: dict[str, Any] = {
        "key": key,
        "organisation_id": world.organisation,
        "customer_id": "acme",
        "intervention_id": "i-1",
        "step": "executive_email",
        "channel": "email",
        "recipient_id": "ann",
        "recipient_kind": "contact",
        "recipient_name": "Ann Person",
        "state": "planned",
        "planned_at": NOW,
        "updated_at": NOW,
        **values,
    }
    world.add(Delivery(**row))


def test_what_the_outbox_took_is_shown_as_its_reader_sees_it(world: World) -> None:
    sent(world)
    with world.store.write() as session:
        journal.write(
            session,
            key="accepted",
            organisation=world.organisation,
            customer="acme",
            intervention="i-1",
            kind="delivery.accepted",
            text="sent to Ann",
            why="as planned",
            at=NOW + MINUTE,
            data={"delivery": "k/executive_email"},
        )
    by_key = shown(world, "k/executive_email")
    assert by_key == shown(world, "out-1")
    assert (by_key.kept, by_key.id, by_key.text, by_key.preview) == (
        "outbox",
        "out-1",
        "Dear Ann",
        "Dear Ann",
    )
    assert (by_key.sender, by_key.recipient, by_key.address) == ("Dana", "Ann Person", "ann@customer.example")
    assert by_key.state == "delivered"
    assert by_key.why, "the step's reason"
    assert (by_key.customer, by_key.playbook, by_key.workflow_id) == ("Acme", "critical@3", "risk/org-1/acme")
    assert [one.state for one in by_key.history] == ["planned", "accepted", "delivered"]


def test_an_in_app_notification_is_its_own_row(world: World) -> None:
    ledger(world, "k/app", channel="in_app", provider="in_app", provider_id="n-1", state="accepted")
    world.add(
        InAppNotification(
            id="n-1",
            key="k/app",
            organisation_id=world.organisation,
            customer_id="acme",
            contact_id="ann",
            title="Have you seen it?",
            body="There is more.",
            action_label="See",
            action_url="https://brightdesk.example/x",
            state="read",
            created_at=NOW,
        )
    )
    one = shown(world, "k/app")
    assert (one.kept, one.state, one.subject, one.text) == (
        "in_app",
        "read",
        "Have you seen it?",
        "There is more.",
    )
    assert (one.recipient, one.action_label) == ("Ann Person", "See")


def test_a_draft_is_shown_before_it_goes(world: World) -> None:
    ledger(world, "k/draft", state="draft", reason="It waits for approval")
    world.add(
        Draft(
            id="d-1",
            organisation_id=world.organisation,
            customer_id="acme",
            intervention_id="i-1",
            step="executive_email",
            key="k/draft",
            channel="email",
            recipient_id="ann",
            recipient_name="Ann Person",
            subject="Hello",
            text="Dear Ann",
            html="<p>Dear Ann</p>",
            created_at=NOW,
            decide_by=NOW,
        )
    )
    one = shown(world, "d-1")
    assert (one.kept, one.state, one.html, one.key) == ("draft", "draft", "<p>Dear Ann</p>", "k/draft")


def test_where_no_text_is_kept_it_says_why(world: World) -> None:
    ledger(world, "k/live", state="accepted", provider="sendgrid", accepted_at=NOW)
    ledger(world, "k/planned")
    live = shown(world, "k/live")
    assert (live.kept, live.text) == ("nothing", "")
    assert live.text_why == "It went out by sendgrid, which alone keeps its text."
    assert shown(world, "k/planned").text_why.startswith("It has not been written yet")


def test_a_notice_has_no_customer_and_no_step(world: World) -> None:
    world.add(
        OutboxMessage(
            id="out-9",
            organisation_id=world.organisation,
            customer_id=None,
            key="notice/1",
            channel="email",
            recipient_name="Dana",
            address="dana@brightdesk.example",
            sender_name="Keepwell",
            sender_address="k@brightdesk.example",
            subject="An alert",
            text="Look.",
            accepted_at=NOW,
        )
    )
    one = shown(world, "out-9")
    assert (one.customer_id, one.customer, one.state, one.history) == ("", "", "accepted", ())


def test_another_organisations_message_is_unknown(world: World) -> None:
    sent(world)
    world.add(Organisation(id="other", key="other", name="Other Ltd", created_at=NOW))
    with world.store.read() as session:
        for key in ("k/executive_email", "out-1", "nothing"):
            with pytest.raises(NotFoundError):
                message_shown(session, "other", key)
