"""`keepwell webhooks` and `keepwell alerts channels`, as people type them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlmodel import select

from keepwell.db.repositories import journal
from keepwell.db.repositories.webhooks import WebhookRepository
from keepwell.db.tables import Event, WebhookEndpoint
from keepwell.keys import new_id
from tests.fakes.receiver import FakeReceiver
from tests.unit.cli.conftest import Cli
from tests.unit.db.world import World

URL = "https://example.com/hooks"


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeReceiver]:
    monkeypatch.setenv("KEEPWELL_WEBHOOK_PRIVATE", "127.0.0.0/8")
    with FakeReceiver() as fake:
        yield fake


def happened(world: World, count: int = 1) -> None:
    with world.store.write() as session:
        for _ in range(count):
            journal.write(
                session,
                key=new_id(),
                organisation=world.organisation,
                kind="test.happened",
                text="x",
                at=datetime.now(UTC),
            )


def add(cli: Cli, receiver: FakeReceiver) -> str:
    made = cli("webhooks", "add", receiver.url, "--kinds", "test.", "--json").json
    receiver.secret = made["secret"]
    return str(made["id"])


def test_adding_shows_the_secret_once(cli: Cli, world: World) -> None:
    made = cli("webhooks", "add", URL, "--kinds", "alert., intervention.", "--by", "olga")
    assert made.code == 0
    secret = next(word for word in made.out.split() if word.startswith("whsec_"))
    for command in (("webhooks", "list"), ("webhooks", "list", "--json"), ("events", "--json")):
        shown = cli(*command)
        assert shown.code == 0
        assert secret not in shown.out
    (line,) = cli("webhooks", "list", "--json").json["endpoints"]
    assert (line["url"], line["kinds"], line["active"], line["created_by"]) == (
        URL,
        ["alert.", "intervention."],
        True,
        "olga",
    )
    with world.store.read() as session:
        (event,) = session.exec(select(Event).where(Event.kind == "webhook.added"))
        (row,) = session.exec(select(WebhookEndpoint))
    assert event.by == "olga"
    assert row.secret == secret


@pytest.mark.parametrize(
    ("url", "code"), [("http://example.com", 2), ("https://127.0.0.1", 2), ("https://10.0.0.1:9000/", 2)]
)
def test_what_leads_nowhere_good_is_not_added(cli: Cli, world: World, url: str, code: int) -> None:
    refused = cli("webhooks", "add", url)
    assert refused.code == code
    assert "KEEPWELL_WEBHOOK_PRIVATE" in refused.err
    assert cli("webhooks", "list", "--json").json == {"endpoints": []}


def test_a_test_event_is_posted_at_once(cli: Cli, world: World, receiver: FakeReceiver) -> None:
    own = add(cli, receiver)
    good = cli("webhooks", "test", own[-8:])
    assert "took it after" in good.out
    assert "(status 204)" in good.out
    assert receiver.accepted[0].content["type"] == "webhook.test"
    receiver.script(status=500, body="oh no")
    bad = cli("webhooks", "test", receiver.url, "--json").json
    assert bad["state"] == "failed"
    assert bad["why"].startswith("A test is not tried again: 500")
    assert [one["status"] for one in bad["attempts"]] == [500]
    now = datetime.now(UTC)
    assert WebhookRepository(world.store).waiting(world.organisation, now) == (), "no run takes a test"


def test_deliveries_and_replays(cli: Cli, world: World, receiver: FakeReceiver) -> None:
    add(cli, receiver)
    happened(world, 2)
    webhooks = WebhookRepository(world.store)
    for one in webhooks.waiting(world.organisation, datetime.now(UTC)):
        webhooks.give_up(one.id, "not taken within 24 hours", datetime.now(UTC))
    failed = cli("webhooks", "deliveries", "--state", "failed", "--json").json["deliveries"]
    assert [(one["kind"], one["why"]) for one in failed] == [
        ("test.happened", "not taken within 24 hours")
    ] * 2
    assert "not taken within 24 hours" in cli("webhooks", "deliveries", failed[0]["id"][-8:]).out
    again = cli("webhooks", "replay", failed[0]["id"], "--by", "olga")
    assert again.out.startswith("1 event on the way again")
    assert cli("webhooks", "replay", "--since", "1h", "--json").json == {"replayed": 1}
    assert cli("webhooks", "replay", "--since", "1h", "--json").json == {"replayed": 0}
    assert len(cli("webhooks", "deliveries", "--state", "waiting", "--json").json["deliveries"]) == 2
    with world.store.read() as session:
        lines = session.exec(select(Event).where(Event.kind == "webhook.replayed").order_by(Event.id)).all()
    assert len(lines) == 2, "where nothing was sent again nobody did anything"
    assert (lines[0].by, lines[0].text) == (
        "olga",
        f"1 event (test.happened) is sent to {receiver.url} again",
    )
    assert lines[1].text.startswith("What failed since ")
    assert lines[1].text.endswith(f" UTC is sent to {receiver.url} again: 1")
    assert cli("webhooks", "replay").code == 2
    assert cli("webhooks", "replay", "--since", "soon").code == 2
    assert cli("webhooks", "replay", "01NOTHING").code == 3


def test_rotating_stopping_and_removing(cli: Cli, world: World, receiver: FakeReceiver) -> None:
    own = add(cli, receiver)
    fresh = cli("webhooks", "rotate", own, "--json").json["secret"]
    assert fresh != receiver.secret
    assert cli("webhooks", "test", own, "--json").json["state"] == "delivered", "the old secret signs too"
    assert cli("webhooks", "start", own).code == 4
    receiver.script(times=1, status=410)
    cli("webhooks", "test", own)
    assert "stopped: it answered 410" in " ".join(cli("webhooks", "list").out.split())
    assert cli("webhooks", "start", own).code == 0
    happened(world)
    assert cli("webhooks", "remove", own).out.startswith(f"Removed {receiver.url}.")
    assert cli("webhooks", "list", "--json").json == {"endpoints": []}
    assert cli("webhooks", "test", own).code == 3
    assert {one["state"] for one in cli("webhooks", "deliveries", "--json").json["deliveries"]} <= {
        "failed",
        "delivered",
    }


def test_channels_of_alerts(cli: Cli, world: World) -> None:
    before = {one["channel"]: one for one in cli("alerts", "channels", "--json").json["channels"]}
    assert {name: (one["enabled"], one["severity"]) for name, one in before.items()} == {
        "email": (False, "warning"),
        "slack": (False, "warning"),
        "webhook": (True, "info"),
    }
    told = cli(
        "alerts", "channel", "slack", "on", "--severity", "critical", "--to", "#alerts", "--by", "olga"
    )
    assert told.out.strip() == "Alerts by slack are on, from critical on, to #alerts."
    assert cli("alerts", "channel", "slack", "off").code == 0
    on = cli("alerts", "channel", "slack", "on", "--json").json
    assert (on["severity"], on["target"]) == ("critical", "#alerts"), "what is not named stays"
    assert cli("alerts", "channel", "slack", "on", "--to", "", "--json").json["target"] == ""
    assert "#alerts" not in cli("alerts", "channels").out
    assert cli("alerts", "channel", "email", "on", "--to", "x").code == 2
    assert cli("alerts", "channel", "pigeon", "on").code == 2
    assert cli("alerts", "channel", "email", "maybe").code == 2
    with world.store.read() as session:
        lines = [row for row in session.exec(select(Event)) if row.kind == "alert.channel_changed"]
    assert lines[0].by == "olga"
