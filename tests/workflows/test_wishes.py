"""An opt-out in the middle of a playbook: what was still to come does not go, and the timeline says why."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from keepwell.api.door import Door
from keepwell.contracts.people import Purpose
from keepwell.db.engine import Store
from keepwell.db.repositories import switches
from keepwell.db.repositories.replies import delivery_of, unsubscribe_by_mail
from keepwell.db.repositories.wishes import unwanted
from keepwell.db.tables import Contact, OutboxMessage
from keepwell.links import make_links
from keepwell.settings import Settings
from keepwell.web import create_app
from tests.workflows.stage import HOUR, Stage
from tests.workflows.stage import stage as open_stage

PUBLIC = "https://keepwell.example"
REFUSED = "Acme-0 Person has unsubscribed from messages about the account"


@pytest.fixture
async def public(
    sqlite_store: Store, temporal_address: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> AsyncIterator[Stage]:
    """A stage whose emails say how to answer and to leave."""
    monkeypatch.setenv("KEEPWELL_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KEEPWELL_PUBLIC_URL", PUBLIC)
    monkeypatch.setenv("KEEPWELL_REPLY_DOMAIN", "in.example")
    async with open_stage(sqlite_store, temporal_address) as opened:
        yield opened


def letter(stage: Stage, step: str) -> OutboxMessage:
    """The email of a step."""
    (found,) = [row for row in stage.outbox("acme") if f"/{step}/" in row.key]
    return found


def leaving(row: OutboxMessage) -> tuple[str, str]:
    """The page and the address in the header of an email by which its reader leaves."""
    page, address = re.fullmatch(
        r"<(https://[^>]+)>, <mailto:([^>?]+)\?subject=unsubscribe>", row.headers["List-Unsubscribe"]
    ).groups()  # type: ignore[union-attr]  # no match fails the test
    return page, address


def click(stage: Stage, row: OutboxMessage) -> None:
    """What a mail program does when its reader clicks its own button."""
    settings = Settings()
    door = Door(settings=settings, store=stage.store, links=make_links(settings))
    with TestClient(create_app(door), base_url=PUBLIC, follow_redirects=False) as client:
        page, _ = leaving(row)
        assert page.startswith(f"{PUBLIC}/preferences/")
        answer = client.post(page.removeprefix(PUBLIC), data={"List-Unsubscribe": "One-Click"})
        assert answer.status_code == 200


async def test_emails_to_contacts_say_how_to_answer_and_to_leave(public: Stage) -> None:
    public.customer("acme")
    await public.score("acme", 12)
    await public.opened("acme")
    await public.forward("acme", 3 * HOUR)
    row = letter(public, "executive_email")
    page, address = leaving(row)
    assert row.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert re.fullmatch(r"r\+[0-9a-f]{32}@in\.example", row.headers["Reply-To"])
    assert page in row.text
    assert page in row.html
    assert "Choose your messages" in row.text
    with public.store.read() as session:
        for way in (row.headers["Reply-To"], address):
            found = delivery_of(session, way, "in.example")
            assert found is not None
            assert found.key == row.key
        assert delivery_of(session, address, "other.example") is None
    for other in public.outbox("acme"):
        if other.channel != "email":
            assert other.headers == {}


async def test_one_click_stops_what_waits_and_what_was_not_planned_yet(public: Stage) -> None:
    stage = public
    stage.customer("acme", contacts=1)
    await stage.score("acme", 12)
    opened = await stage.opened("acme")
    await stage.eventually(lambda: stage.outbox("acme"), lambda rows: any("executive" in r.key for r in rows))
    stop = switches.Stop(organisation=stage.world.organisation, scope="customer", subject="acme")
    with stage.store.write() as session:
        switches.throw(session, stop, reason="a try", by="Dana Reyes", now=datetime.now(UTC))
    await stage.forward("acme", 20 * HOUR)
    (waits,) = [row for row in stage.deliveries("acme") if row.step == "csm_outreach"]
    assert waits.state == "deferred"
    click(stage, letter(stage, "executive_email"))
    with stage.store.write() as session:
        switches.lift(session, stop, reason="", by="Dana Reyes", now=datetime.now(UTC))
    await stage.handle("acme").signal("look_again")
    await stage.forward("acme", 40 * HOUR)
    assert [row.key.split("/")[3] for row in stage.outbox("acme") if row.channel == "email"] == [
        "executive_email"
    ]
    told = "\n".join(stage.timeline(opened.id))
    for step in ("csm_outreach", "roadmap_email"):
        (skipped,) = [row for row in stage.deliveries("acme") if row.step == step]
        assert (skipped.state, skipped.reason) == ("skipped", REFUSED)
        assert f"delivery.skipped: {step}: email to Acme-0 Person was not sent" in told
    states = stage.steps(opened.id)
    assert states["alternative_contact"] == "skipped", "nobody is left who wants it"


async def test_a_letter_to_the_address_that_unsubscribes_does_the_same(public: Stage) -> None:
    public.customer("acme")
    await public.score("acme", 12)
    await public.opened("acme")
    await public.forward("acme", 3 * HOUR)
    _, address = leaving(letter(public, "executive_email"))
    with public.store.write() as session:
        row = delivery_of(session, address.upper(), "in.example")
        assert row is not None
        assert unsubscribe_by_mail(session, row, datetime.now(UTC))
        assert not unsubscribe_by_mail(session, row, datetime.now(UTC))
    with public.store.read() as session:
        contact = session.get_one(Contact, "acme-0")
        assert unwanted(session, [contact]) == {"acme-0": (Purpose.ACCOUNT,)}
