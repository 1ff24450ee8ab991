"""Deliveries of webhooks: a few at once, what answers do to them, stopped endpoints, and replays."""

from __future__ import annotations

import pytest
from sqlmodel import select

from keepwell.contracts.webhooks import WebhookAnswer
from keepwell.db.engine import Store
from keepwell.db.repositories import webhook_desk
from keepwell.db.repositories.alert_channels import set_channel
from keepwell.db.repositories.webhooks import FRESH, LOST_AFTER, PROBES, STOP_AFTER, WebhookRepository
from keepwell.db.tables import Notice, WebhookEndpoint
from keepwell.errors import NotFoundError, RefusedError
from tests.unit.db.webhooks_world import (
    BAD,
    HOUR,
    OK,
    endpoint,
    hand_over,
    happened,
    happens,
    kinds,
    rows,
    waiting,
)
from tests.unit.db.world import NOW, World


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


def test_an_endpoint_gets_a_few_at_once_the_oldest_first(world: World) -> None:
    endpoint(world, "import.")
    happened(world, *(f"k{number:02}" for number in range(30)))
    all_of_them = [row.id for row in rows(world)]
    webhooks = WebhookRepository(world.store)
    assert hand_over(world) == all_of_them[:FRESH]
    assert hand_over(world) == [], "those are under way"
    webhooks.note(all_of_them[0], OK, NOW)
    webhooks.note(all_of_them[1], OK, NOW)
    assert hand_over(world) == all_of_them[FRESH : FRESH + 2]
    assert [row.state for row in rows(world)[:2]] == ["delivered", "delivered"]


def test_of_an_endpoint_that_fails_a_few_are_tried_until_one_is_taken(world: World) -> None:
    ours = endpoint(world, "import.")
    happened(world, *(f"k{number:02}" for number in range(40)))
    webhooks = WebhookRepository(world.store)
    for one in (first := hand_over(world)):
        assert webhooks.note(one, BAD, NOW) == "waiting"
    more = hand_over(world)
    assert len(first) + len(more) == PROBES
    for one in more:
        webhooks.note(one, BAD, NOW)
    assert hand_over(world) == []
    with world.store.read() as session:
        row = session.get_one(WebhookEndpoint, ours)
    assert (row.failures, row.failing_since) == (PROBES, NOW)
    assert webhooks.note(first[3], OK, NOW + HOUR) == "delivered"
    assert len(hand_over(world, NOW + HOUR)) == FRESH


def test_a_run_that_was_lost_is_made_up_for(world: World) -> None:
    endpoint(world, "import.")
    happened(world, "a")
    (one,) = hand_over(world)
    assert hand_over(world, NOW + 25 * HOUR) == []
    assert hand_over(world, NOW + LOST_AFTER + HOUR) == [one]


def test_each_call_is_a_row(world: World) -> None:
    endpoint(world, "import.")
    happened(world, "a")
    (one,) = hand_over(world)
    webhooks = WebhookRepository(world.store)
    webhooks.note(one, BAD, NOW)
    webhooks.note(one, WebhookAnswer(status=None, why="no connection", milliseconds=10_000), NOW + HOUR)
    webhooks.note(one, OK, NOW + 2 * HOUR)
    assert webhooks.begin(one, NOW) is None, "it is not called again"
    with world.store.read() as session:
        line = webhook_desk.delivery(session, world.organisation, one[-8:])
    assert [(call.status, call.why) for call in line.attempts] == [
        (500, "500 Odd"),
        (None, "no connection"),
        (200, ""),
    ]
    assert (line.state, line.why, line.calls, line.ended_at) == ("delivered", "", 3, NOW + 2 * HOUR)
    webhooks.give_up(one, "too late", NOW)
    assert rows(world)[0].state == "delivered"


def test_what_we_refuse_to_call_has_failed_at_once(world: World) -> None:
    ours = endpoint(world, "import.")
    happened(world, "a")
    (one,) = hand_over(world)
    refused = WebhookAnswer(status=None, why="it leads to 10.0.0.1", milliseconds=1, refused=True)
    assert WebhookRepository(world.store).note(one, refused, NOW) == "failed"
    assert rows(world)[0].why == "it leads to 10.0.0.1"
    with world.store.read() as session:
        assert session.get_one(WebhookEndpoint, ours).active


def test_410_stops_the_endpoint_and_what_waits_for_it(world: World) -> None:
    ours = endpoint(world, "import.", url="https://example.com/gone")
    other = endpoint(world, "webhook.stopped", url="https://example.com/other")
    happened(world, "a", "b")
    one, two = hand_over(world)
    gone = WebhookAnswer(status=410, why="410 Gone", milliseconds=5)
    webhooks = WebhookRepository(world.store)
    assert webhooks.note(one, gone, NOW) == "failed"
    assert {row.state for row in rows(world, endpoint_id=ours)} == {"failed"}
    assert kinds(world, other) == ["webhook.stopped"]
    happened(world, "c")
    assert len(rows(world, endpoint_id=ours)) == 2
    assert webhooks.begin(two, NOW) is None
    with world.store.write() as session:
        with pytest.raises(RefusedError, match="is stopped"):
            webhook_desk.replay(session, world.organisation, one, NOW, by="ops")
        webhook_desk.restart_endpoint(session, world.organisation, ours, by="ops", now=NOW)
        webhook_desk.replay(session, world.organisation, one, NOW, by="ops")
    assert len(waiting(world)) == 2, "the replay, and the other's event"


def test_an_endpoint_that_takes_nothing_for_days_is_stopped_and_the_lead_is_told(world: World) -> None:
    ours = endpoint(world, "import.")
    world.staff("lena", role="lead")
    with world.store.write() as session:
        set_channel(
            session, world.organisation, "email", enabled=True, severity=None, target=None, by="o", now=NOW
        )
    happened(world, "a", "b")
    one, two = hand_over(world)
    webhooks = WebhookRepository(world.store)
    webhooks.note(one, BAD, NOW)
    assert webhooks.note(one, BAD, NOW + STOP_AFTER - HOUR) == "waiting"
    assert webhooks.note(two, BAD, NOW + STOP_AFTER) == "failed"
    with world.store.read() as session:
        row = session.get_one(WebhookEndpoint, ours)
        told = session.exec(select(Notice)).all()
    assert not row.active
    assert "taken nothing for 5 days (3 calls), last: 500 Odd" in row.stopped_why
    assert [(one.channel, one.address, one.alert_id, one.state) for one in told] == [
        ("email", "lena@brightdesk.example", None, "planned")
    ]
    assert {row.state for row in rows(world, endpoint_id=ours)} == {"failed"}


def test_a_delivery_that_came_in_while_its_endpoint_was_stopped_does_not_wait_for_ever(world: World) -> None:
    ours = endpoint(world, "import.")
    with world.store.write() as session:
        happens(session, world, "a")
    world.change(WebhookEndpoint, ours, active=False)
    assert waiting(world) == []
    assert [row.state for row in rows(world)] == ["failed"]


def test_a_replay_is_a_row_of_its_own_for_the_same_event(world: World) -> None:
    endpoint(world, "import.")
    happened(world, "a", "b", "c")
    webhooks = WebhookRepository(world.store)
    one, two, three = hand_over(world)
    webhooks.give_up(one, "not taken", NOW)
    webhooks.give_up(two, "not taken", NOW)
    webhooks.note(three, OK, NOW)
    with world.store.write() as session:
        with pytest.raises(NotFoundError):
            webhook_desk.replay(session, world.organisation, "01NOSUCH", NOW, by="ops")
        again = webhook_desk.replay(session, world.organisation, one, NOW, by="ops")
        with pytest.raises(RefusedError, match="on its way"):
            webhook_desk.replay(session, world.organisation, again, NOW, by="ops")
    with world.store.write() as session:
        count = webhook_desk.replay_failed(
            session, world.organisation, NOW - 10_000 * HOUR, None, NOW, by="ops"
        )
        assert count == 1, "the first is on its way already, the third was taken"
        assert webhook_desk.replay_failed(session, world.organisation, NOW, None, NOW, by="ops") == 0
    assert sorted((row.replay, row.state) for row in rows(world)) == [
        (0, "delivered"),
        (0, "failed"),
        (0, "failed"),
        (1, "waiting"),
        (1, "waiting"),
    ]
    assert {row.event_id for row in rows(world, replay=1)} == {
        row.event_id for row in rows(world, state="failed")
    }


def test_two_secrets_sign_for_a_day(world: World) -> None:
    ours = endpoint(world, "import.")
    happened(world, "a")
    (one,) = hand_over(world)
    with world.store.write() as session:
        until = webhook_desk.rotate_secret(session, world.organisation, ours, "whsec_bmV3", by="ops", now=NOW)
    webhooks = WebhookRepository(world.store)
    during, after = webhooks.begin(one, NOW), webhooks.begin(one, until)
    assert during is not None
    assert after is not None
    assert (during.secrets, after.secrets) == (("whsec_bmV3", "whsec_c2VjcmV0"), ("whsec_bmV3",))
