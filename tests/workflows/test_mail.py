"""Mail out and in around real runs: a mail server that hangs up, late reports, and a customer's reply."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from keepwell.adapters.in_app import InApp
from keepwell.adapters.outbox import Outbox
from keepwell.adapters.smtp import Server, Smtp
from keepwell.api.door import Door
from keepwell.contracts.arrivals import Report, ReportKind
from keepwell.contracts.playbook import Channel
from keepwell.db.engine import Store
from keepwell.db.repositories.pending import PendingRepository
from keepwell.db.repositories.provider_events import take
from keepwell.db.tables import Event, PendingCommand
from keepwell.links import Links
from keepwell.message_ids import message_id
from keepwell.ports import ChannelAdapter
from keepwell.settings import Settings
from keepwell.temporal.pending import Teller
from keepwell.web import create_app
from tests.fakes.smtp import FakeSmtp
from tests.unit.adapters.messages import email
from tests.workflows.providers import LEASE, PATIENT
from tests.workflows.stage import Stage, first_hours

MAIL = "executive_email"
TOKEN = "a-token-of-ours"


@pytest.fixture
def server() -> Iterator[FakeSmtp]:
    with FakeSmtp() as fake:
        yield fake


async def played(store: Store, address: str, server: FakeSmtp) -> tuple[Stage, str]:
    """The first hours of the critical playbook, its email by a mail server."""
    mail = Smtp(Server("127.0.0.1", server.port, "none"), deadline=PATIENT)
    adapters: dict[Channel, ChannelAdapter] = {
        Channel.EMAIL: mail,
        Channel.SLACK: Outbox(store),
        Channel.IN_APP: InApp(store),
    }
    return await first_hours(store, address, adapters, LEASE)


def stands(opened: Stage, key: str) -> tuple[str, str, list[str]]:
    """The message's state, its step's, and its tasks'."""
    [row] = [row for row in opened.deliveries(key) if row.step == MAIL]
    tasks = [task.state for task in opened.tasks(key) if task.step == MAIL]
    return row.state, opened.steps(opened.interventions(key)[0].id)[MAIL], tasks


async def test_a_mail_server_takes_each_message_once(
    sqlite_store: Store, temporal_address: str, server: FakeSmtp
) -> None:
    opened, key = await played(sqlite_store, temporal_address, server)
    to_customer = {"executive_email", "csm_outreach", "roadmap_email"}
    assert to_customer <= {one.key.split("/")[3] for one in server.accepted}
    assert max(server.counts().values()) == 1
    assert stands(opened, key) == ("accepted", "done", [])


async def test_what_is_lost_after_the_dot_is_held_and_a_late_report_puts_it_right(
    sqlite_store: Store, temporal_address: str, server: FakeSmtp
) -> None:
    server.upset("dot", close=True, accepts=True)
    opened, key = await played(sqlite_store, temporal_address, server)
    sent = [one for one in server.accepted if f"/{MAIL}/" in one.key]
    assert len(sent) == 1, "nobody sends on a guess"
    state, step, tasks = stands(opened, key)
    assert (state, step, len(tasks)) == ("unknown", "held", 1)
    now = datetime.now(UTC)
    report = Report(provider="sendgrid", event_id="1", kind=ReportKind.DELIVERED, key=sent[0].key, at=now)
    take(opened.store, [report], now)
    assert stands(opened, key) == ("delivered", "done", ["withdrawn"])


async def test_a_reply_ends_the_waiting_for_an_answer(sqlite_stage: Stage, tmp_path: Path) -> None:
    """From the letter as SendGrid posts it to the end of the run."""
    stage = sqlite_stage
    key = stage.customer("acme")
    await stage.score(key, 12)
    run = await stage.opened(key)
    await stage.eventually(
        lambda: [row for row in stage.deliveries(key) if row.state == "accepted" and row.step == MAIL],
        lambda rows: len(rows) == 1,
    )
    [row] = [row for row in stage.deliveries(key) if row.step == MAIL]
    settings = Settings(home=tmp_path, inbound_token=SecretStr(TOKEN), reply_domain="replies.example.com")
    door = Door(settings=settings, store=stage.store, links=Links(SecretStr("k" * 40), "https://x.example"))
    named = message_id(email(key=row.key))
    letter = {
        "headers": f"Message-ID: <1@acme.example>\nIn-Reply-To: {named}\n",
        "from": f"Pat <{row.address}>",
        "subject": "Re: your account",
        "text": "Yes, call me.",
        "envelope": json.dumps({"to": ["x@replies.example.com"], "from": row.address}),
    }
    with TestClient(create_app(door)) as client:
        for _ in range(2):
            answer = client.post(
                f"/webhooks/sendgrid/inbound/{TOKEN}",
                files={name: (None, value) for name, value in letter.items()},
            )
            assert answer.status_code == 204
    told = await Teller(stage.skipper.client, PendingRepository(stage.store)).tell(datetime.now(UTC))
    assert (told.told, told.refused) == (1, 0)
    await stage.until_end(key)
    [ended] = [one for one in stage.interventions(key) if one.id == run.id]
    assert (ended.outcome, ended.response) == ("responded", "Yes, call me.")
    assert [one.state for one in stage.rows(PendingCommand)] == ["told"]
    assert len([one for one in stage.rows(Event) if one.kind == "contact.replied"]) == 1
    assert [task.state for task in stage.tasks(key) if task.kind == "reply"] == ["open"]
