"""The outbox: deliveries with their states, what was written, and suppressed addresses."""

from __future__ import annotations

from typing import Any

import pytest

from keepwell.contracts.access import Role
from keepwell.contracts.people import SuppressionReason
from keepwell.db.repositories.suppressing import lift, suppress
from keepwell.db.tables import Delivery, Organisation, OutboxMessage
from tests.unit.api.desk_world import DAY, HOUR, Desk
from tests.unit.console.seen import NAMES, looked, page, tags, words
from tests.unit.console.signed import as_role


def delivery(desk: Desk, key: str, run: str, **values: Any) -> str:
    """A row of the send ledger."""
    row = {
        "customer_id": desk.named("acme"),
        "step": "executive_email",
        "channel": "email",
        "recipient_id": "c-1",
        "recipient_kind": "contact",
        "recipient_name": "Ann Contact",
        "address": "ann@acme.example",
        "subject": f"About {key}",
        "state": "accepted",
        "planned_at": desk.now - HOUR,
        "updated_at": desk.now,
        **values,
    }
    own = f"{run}/{key}"
    desk.world.add(Delivery(key=own, organisation_id=desk.world.organisation, intervention_id=run, **row))
    return own


def kept(desk: Desk, key: str, **values: Any) -> None:
    """A message that the outbox has taken."""
    row = {
        "customer_id": desk.named("acme"),
        "key": desk.named(key),
        "channel": "email",
        "recipient_name": "Ann Contact",
        "address": "ann@acme.example",
        "sender_name": "Brightdesk",
        "sender_address": "us@example.com",
        "subject": f"Written {key}",
        "text": f"Hello from {key}",
        "accepted_at": desk.now,
        **values,
    }
    desk.world.add(OutboxMessage(id=desk.named(key), organisation_id=desk.world.organisation, **row))


@pytest.fixture
def run(desk: Desk) -> str:
    """An intervention for Acme."""
    return desk.intervention("run", desk.named("acme"))


def listed(html: str) -> list[str]:
    """The keys of the rows of a list."""
    return [one["data-row"] or "" for one in tags(html, "tr") if "data-row" in one]


def test_an_empty_outbox_teaches(desk: Desk) -> None:
    assert "No message yet." in words(page(desk, "/console/outbox"))
    assert "Nothing is kept here." in words(page(desk, "/console/outbox/written"))
    assert "No address is suppressed." in words(page(desk, "/console/outbox/suppressions"))


def test_a_message_says_to_whom_of_what_and_how_it_stands(desk: Desk, run: str) -> None:
    key = delivery(desk, "one", run, state="bounced", reason="550 no such user")
    html = page(desk, "/console/outbox")
    said = words(html)
    for part in ("About one", "Ann Contact", "ann@ acme.example", "Bounced", "550 no such user", "Email"):
        assert part in said
    assert listed(html) == [key]
    panels = [one["data-panel"] or "" for one in tags(html, "button") if "data-panel" in one]
    assert "About one" in words(page(desk, panels[0]))


def test_a_reason_of_any_length_is_there_whole(desk: Desk, run: str) -> None:
    """A short one is a line; a long one shows its beginning and opens."""
    long = "550 " + "the mailbox is full, and has been for weeks; " * 5
    delivery(desk, "one", run, state="bounced", reason=long)
    delivery(desk, "two", run, state="bounced", reason="550 no such user")
    html = page(desk, "/console/outbox")
    assert long in html
    assert "550 no such user</p>" in html
    assert [one.get("class") for one in tags(html, "details")].count("long") == 1


def test_what_is_put_off_says_until_when_and_for_what(desk: Desk, run: str) -> None:
    delivery(desk, "later", run, state="deferred", waits_for="hours", deferred_until=desk.now + DAY)
    said = words(page(desk, "/console/outbox"))
    assert "Put off" in said
    assert "for a decent hour, tried" in said
    change = {"waits_for": "draft", "deferred_until": desk.now + DAY}
    desk.world.change(Delivery, delivery(desk, "draft", run, state="draft"), **change)
    assert "for approval, until" in words(page(desk, "/console/outbox"))


def test_filters_narrow_it_and_stay_in_the_address(desk: Desk, run: str) -> None:
    failed = delivery(desk, "bad", run, state="failed")
    slack = delivery(desk, "talk", run, channel="slack")
    assert listed(page(desk, "/console/outbox?state=failed")) == [failed]
    assert listed(page(desk, "/console/outbox?channel=slack")) == [slack]
    assert set(listed(page(desk, "/console/outbox?customer=Acme"))) == {failed, slack}
    assert listed(page(desk, f"/console/outbox?customer={desk.named('beta')}")) == []
    assert set(listed(page(desk, "/console/outbox?playbook=critical"))) == {failed, slack}
    assert listed(page(desk, "/console/outbox?playbook=high_risk")) == []
    html = page(desk, "/console/outbox?customer=Nobody+at+all")
    assert "no customer" in words(html)
    assert [one.get("aria-invalid") for one in tags(html, "input") if one.get("id") == "customer"] == ["true"]
    assert looked(desk, "/console/outbox?state=lost").status_code == 422
    assert looked(desk, "/console/outbox?customer=%00").status_code == 422


def test_a_long_list_goes_on(desk: Desk, run: str) -> None:
    for number in range(52):
        delivery(desk, f"n{number:02}", run, state="failed", planned_at=desk.now - number * HOUR)
    html = page(desk, "/console/outbox?state=failed")
    assert len(listed(html)) == 50
    (more,) = [one["href"] or "" for one in tags(html, "a") if one.get("rel") == "next"]
    assert "state=failed" in more
    assert len(listed(page(desk, more))) == 2


def test_an_unknown_one_is_settled_by_who_may(desk: Desk, run: str) -> None:
    key = delivery(desk, "lost", run, state="unknown", reason="no answer in time")
    seen = page(desk, "/console/outbox")
    assert not [one for one in tags(seen, "button") if one.get("data-open") == "settle"]
    ops = as_role(desk, Role.OPS)
    html = page(ops, "/console/outbox?state=unknown")
    assert "Of 1 message nobody knows" in words(html)
    assert [one for one in tags(html, "button") if one.get("data-open") == "settle"]
    forms = [one.get("data-act-for") for one in tags(html, "form")]
    assert "POST /api/v1/deliveries/{ref}/settle" in forms
    answer = ops.client.post(
        f"/api/v1/deliveries/{key}/settle",
        json={"went_out": False, "note": "It is not there"},
        headers=ops.headers,
    )
    assert answer.status_code == 200, answer.text
    assert "It is not there" in words(page(ops, "/console/outbox?state=failed"))


def test_what_was_written_is_read_in_the_frame(desk: Desk) -> None:
    kept(desk, "note", customer_id=None, html="<p>Hello <b>there</b></p><script>alert(1)</script>")
    html = page(desk, "/console/outbox/written")
    assert "Written note" in words(html)
    assert "Keepwell itself" in words(html)
    framed = looked(desk, f"/console/messages/{desk.named('note')}")
    assert "sandbox" in framed.headers["content-security-policy"]


def test_suppressions_say_why_and_can_be_lifted(desk: Desk) -> None:
    with desk.store.write() as session:
        own = desk.world.organisation
        for address, reason in (
            ("a@x.example", SuppressionReason.BOUNCED),
            ("b@x.example", SuppressionReason.MANUAL),
        ):
            suppress(
                session, own, address, reason, detail="550", source="sendgrid", by="sendgrid", now=desk.now
            )
        lift(session, own, "b@x.example", by="Dana", why="They asked", now=desk.now)
    html = page(desk, "/console/outbox/suppressions")
    assert listed(html) == ["a@x.example"]
    assert "The mailbox bounced" in words(html)
    assert {"POST /api/v1/suppressions", "POST /api/v1/suppressions/lift"} <= {
        one.get("data-act") for one in tags(html, "form")
    }
    assert set(listed(page(desk, "/console/outbox/suppressions?lifted=true"))) == {
        "a@x.example",
        "b@x.example",
    }


def test_it_says_whether_anything_is_sent(desk: Desk) -> None:
    assert "Nothing is sent: messages are kept here" in words(page(desk, "/console/outbox"))
    desk.world.change(Organisation, desk.world.organisation, demo=True)
    assert "This is a demo: nothing is sent." in words(page(desk, "/console/outbox"))


@pytest.mark.parametrize("name", NAMES)
def test_whatever_was_written_is_text(desk: Desk, run: str, name: str) -> None:
    delivery(desk, "odd", run, subject=name, recipient_name=name, reason=name)
    kept(desk, "odd", subject=name)
    for path in ("/console/outbox", "/console/outbox/written"):
        html = page(desk, path)
        assert "<script>alert" not in html
        assert " ".join(name.split()) in words(html)


def test_nothing_of_another_organisation_is_shown(desk: Desk, other: Desk) -> None:
    run = other.intervention("run", other.named("acme"))
    delivery(other, "theirs", run)
    kept(other, "theirs")
    with other.store.write() as session:
        suppress(
            session,
            other.world.organisation,
            "theirs@x.example",
            SuppressionReason.MANUAL,
            detail="",
            source="",
            by="them",
            now=desk.now,
        )
    for path in ("/console/outbox", "/console/outbox/written", "/console/outbox/suppressions?lifted=true"):
        html = page(desk, path)
        assert listed(html) == []
        assert "theirs" not in html
    assert looked(desk, f"/console/message-panel/{run}/theirs").status_code == 404
