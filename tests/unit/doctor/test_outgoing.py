"""Channels of alerts that are on and cannot work, and webhooks that are stopped or failing."""

from __future__ import annotations

from datetime import timedelta

from keepwell.contracts.webhooks import WebhookAnswer
from keepwell.db.repositories import journal, webhook_desk
from keepwell.db.repositories.alert_channels import ChannelName, set_channel
from keepwell.db.repositories.notices_plan import tell_admins
from keepwell.db.repositories.webhooks import WebhookRepository
from keepwell.db.tables import Notice, Organisation
from keepwell.doctor import outgoing
from tests.unit.db.world import NOW, World
from tests.unit.doctor.conftest import MakeScene


def switch_on(world: World, channel: ChannelName, to: str | None = None) -> None:
    with world.store.write() as session:
        set_channel(
            session, world.organisation, channel, enabled=True, severity=None, target=to, by="o", now=NOW
        )


def found(world: World, make_scene: MakeScene, **settings: object) -> list[tuple[str, str]]:
    return [(one.kind, one.found) for one in outgoing.channels(make_scene(world=world, **settings))]


def test_channels_that_work(world: World, make_scene: MakeScene) -> None:
    assert found(world, make_scene) == [("ok", "channels of alerts that are on: webhook from info")]
    world.can_send()
    world.staff("dana")
    switch_on(world, "email")
    switch_on(world, "slack")
    assert found(world, make_scene) == [
        ("ok", "channels of alerts that are on: email from warning, slack from warning, webhook from info")
    ]


def test_channels_that_cannot(small: World, make_scene: MakeScene) -> None:
    for one in ("email", "slack", "webhook"):
        switch_on(small, one)
    assert [text for _, text in found(small, make_scene)] == [
        "alerts by email are on, and the organisation has no sender_address",
        "alerts by email are on, and there is nobody to tell",
        "alerts by slack are on, and there is nobody to tell",
        "alerts by webhook are on, and no endpoint wants them",
    ]
    live = found(small, make_scene, sending="live", sendgrid_api_key="SG.12345678")
    assert ("problem", "alerts by Slack are on, and no Slack token is set") in live
    small.can_send()
    small.change(Organisation, small.organisation, slack_channel="#success")
    switch_on(small, "email", to="team@brightdesk.example")
    with small.store.write() as session:
        webhook_desk.add_endpoint(
            session,
            small.organisation,
            url="https://x.example",
            kinds=["alert."],
            secret="s",
            description="",
            by="o",
            now=NOW,
        )
    assert [kind for kind, _ in found(small, make_scene)] == ["ok"]


def test_notices_that_failed_are_counted(world: World, make_scene: MakeScene) -> None:
    world.can_send()
    world.staff("lena", role="lead")
    switch_on(world, "email")
    with world.store.write() as session:
        tell_admins(session, world.organisation, "k", "words", NOW)
    world.change(Notice, f"{world.organisation}/k/email", state="failed", reason="no such address")
    (note,) = outgoing.channels(make_scene(world=world))
    assert (note.kind, note.found) == (
        "warning",
        "1 notices of alerts are failed in the last 7 days: no such address",
    )


def test_webhooks_that_fail_and_that_are_stopped(world: World, make_scene: MakeScene) -> None:
    assert outgoing.webhooks(make_scene(world=world))[0].kind == "ok"
    with world.store.write() as session:
        webhook_desk.add_endpoint(
            session,
            world.organisation,
            url="https://x.example",
            kinds=["test."],
            secret="s",
            description="",
            by="o",
            now=NOW,
        )
        for key in ("a", "b"):
            journal.write(session, key=key, organisation=world.organisation, kind="test.x", text="x", at=NOW)
    webhooks = WebhookRepository(world.store)
    one, two = (row.id for row in webhooks.waiting(world.organisation, NOW))
    bad = WebhookAnswer(status=500, why="500 Odd", milliseconds=1)
    webhooks.note(one, bad, NOW - timedelta(hours=2))
    (note,) = outgoing.webhooks(make_scene(world=world))
    assert note.kind == "warning"
    assert "has taken nothing since 2026-11-21 07:00 UTC (1 calls)" in note.found
    webhooks.note(two, WebhookAnswer(status=410, why="410 Gone", milliseconds=1), NOW)
    (note,) = outgoing.webhooks(make_scene(world=world))
    assert "is stopped: it answered 410" in note.found
