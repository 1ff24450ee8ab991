"""Webhooks and notices on a real server: retried by Temporal on the virtual clock, each event taken once."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from temporalio.api.enums.v1 import PendingActivityState
from temporalio.client import ScheduleActionStartWorkflow, WorkflowHandle
from temporalio.testing import ActivityEnvironment

from activities.webhooks import FIRST, JITTER, LONGEST, REST, WebhookActivities, rest_after
from keepwell.adapters.webhook import new_secret
from keepwell.contracts.webhooks import WebhookPass, WebhooksHanded
from keepwell.db.repositories import journal, webhook_desk
from keepwell.db.repositories.alert_channels import set_channel
from keepwell.db.repositories.webhooks import FRESH
from keepwell.db.tables import Notice, OutboxMessage, WebhookAttempt, WebhookDelivery, WebhookEndpoint
from keepwell.keys import new_id, webhook_workflow_id, webhooks_schedule_id
from keepwell.temporal.schedules import ensure_schedules
from tests.fakes.receiver import FakeReceiver
from tests.workflows.recording import record
from tests.workflows.scenarios_events import PAYMENT
from tests.workflows.stage import HOUR, PATIENCE, Stage
from tests.workflows.test_monitor import passes


@pytest.fixture(autouse=True)
def _private(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEEPWELL_WEBHOOK_PRIVATE", "127.0.0.0/8")


@pytest.fixture
def receiver() -> Iterator[FakeReceiver]:
    with FakeReceiver(secret=new_secret()) as fake:
        yield fake


def listen(stage: Stage, receiver: FakeReceiver, *kinds: str) -> str:
    with stage.store.write() as session:
        row = webhook_desk.add_endpoint(
            session,
            stage.world.organisation,
            url=receiver.url,
            kinds=kinds or ("test.",),
            secret=receiver.secret,
            description="",
            by="ops",
            now=datetime.now(UTC),
        )
        return row.id


def happen(stage: Stage, count: int = 1) -> None:
    with stage.store.write() as session:
        for number in range(count):
            journal.write(
                session,
                key=f"{new_id()}/{number}",
                organisation=stage.world.organisation,
                kind="test.happened",
                text="Something",
                at=datetime.now(UTC),
            )


async def hand_over(stage: Stage, seconds: float = 0) -> int:
    result: WebhooksHanded = await stage.skipper.client.execute_workflow(
        "HandOverWebhooks",
        WebhookPass(organisation=stage.world.organisation, seconds=seconds),
        id=f"test-webhooks/{stage.world.organisation}/{new_id()}",
        task_queue=stage.parts.hand_over.task_queue,
        result_type=WebhooksHanded,
    )
    return result.handed


def deliveries(stage: Stage) -> list[WebhookDelivery]:
    rows: list[WebhookDelivery] = stage.rows(WebhookDelivery, organisation_id=stage.world.organisation)
    return sorted(rows, key=lambda row: row.id)


def run_of(stage: Stage, row: WebhookDelivery) -> WorkflowHandle[None, str]:
    identifier = webhook_workflow_id(stage.world.organisation, row.id)
    return stage.skipper.client.get_workflow_handle(identifier)


async def attempts(stage: Stage, row: WebhookDelivery, count: int) -> list[WebhookAttempt]:
    found: list[WebhookAttempt] = await stage.eventually(
        lambda: stage.rows(WebhookAttempt, delivery_id=row.id), lambda rows: len(rows) >= count
    )
    return found


async def next_call(handle: WorkflowHandle[None, str]) -> datetime:
    """When the server makes the next call of a run that rests. Time must not pass before it knows."""
    while True:
        for one in (await handle.describe()).raw_description.pending_activities:
            if one.attempt > 1 and one.state == PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED:
                found: datetime = one.scheduled_time.ToDatetime(tzinfo=UTC)
                return found
        await asyncio.sleep(0.05)


async def test_an_event_is_taken_within_seconds(stage: Stage, receiver: FakeReceiver) -> None:
    """By the pass that looks on, and not by the one of the next minute."""
    listen(stage, receiver)
    listening = asyncio.create_task(hand_over(stage, seconds=15))
    await asyncio.sleep(1)
    await asyncio.to_thread(happen, stage)
    await stage.eventually(lambda: receiver.accepted, lambda found: len(found) == 1)
    assert await listening == 1
    assert REST <= 2, "seconds, on a machine that has time"
    [row] = await stage.eventually(lambda: deliveries(stage), lambda rows: rows[0].state == "delivered")
    assert receiver.counts() == Counter({row.event_id: 1})
    await record(stage, "webhook_taken")


async def test_it_is_tried_again_by_temporal_until_it_is_taken(stage: Stage, receiver: FakeReceiver) -> None:
    listen(stage, receiver)
    receiver.script(times=1, status=503, headers={"Retry-After": "600"})
    receiver.script(times=1, status=400)
    receiver.script(times=1, close="before")
    happen(stage)
    assert await hand_over(stage) == 1
    [row] = deliveries(stage)
    [first] = await attempts(stage, row, 1)
    handle = run_of(stage, row)
    assert await next_call(handle) >= first.at + timedelta(minutes=10), "not before the moment it has named"
    while len(await attempts(stage, row, 1)) < 3:
        await stage.clock.forward_to(handle, await stage.clock.now(handle) + timedelta(minutes=2))
    assert await stage.ended(handle) == "delivered"
    assert [one.status for one in await attempts(stage, row, 4)] == [503, 400, None, 204]
    [row] = deliveries(stage)
    assert (row.state, row.attempts) == ("delivered", 4)
    assert len({headers["webhook-id"] for headers in receiver.headers}) == 1
    assert await hand_over(stage) == 0


async def test_what_is_not_taken_for_a_day_has_failed_and_can_be_replayed(
    sqlite_stage: Stage, receiver: FakeReceiver
) -> None:
    stage = sqlite_stage
    listen(stage, receiver)
    receiver.script(status=500)
    happen(stage)
    await hand_over(stage)
    [row] = deliveries(stage)
    assert await stage.ended(run_of(stage, row)) == "failed"
    [row] = deliveries(stage)
    assert row.state == "failed"
    assert row.why.startswith("It was not taken within 24 hours: 500")
    assert 20 <= row.attempts <= 40, "six in the first hour, then one an hour"
    receiver.reset()
    with stage.store.write() as session:
        again = webhook_desk.replay(session, stage.world.organisation, row.id, datetime.now(UTC), by="ops")
    assert await hand_over(stage) == 1
    await stage.eventually(
        lambda: [one.state for one in deliveries(stage) if one.id == again],
        lambda found: found == ["delivered"],
    )
    assert receiver.counts() == Counter({row.event_id: 1})
    await record(stage, "webhook_given_up")


async def test_an_endpoint_that_is_gone_ends_its_runs(sqlite_stage: Stage, receiver: FakeReceiver) -> None:
    stage = sqlite_stage
    ours = listen(stage, receiver)
    receiver.script(status=410)
    happen(stage, 3)
    await hand_over(stage)
    for row in deliveries(stage):
        assert await stage.ended(run_of(stage, row)) in ("failed", "ended before")
    assert {row.state for row in deliveries(stage)} == {"failed"}
    [endpoint] = stage.rows(WebhookEndpoint, id=ours)
    assert not endpoint.active
    assert endpoint.stopped_why.startswith("it answered 410")


async def test_many_events_are_all_taken_once_and_a_pass_goes_on(
    stage: Stage, receiver: FakeReceiver
) -> None:
    listen(stage, receiver)
    happen(stage, 5 * FRESH)
    ends = time.monotonic() + 5 * PATIENCE
    while any(row.state == "waiting" for row in deliveries(stage)):
        assert time.monotonic() < ends, Counter(row.state for row in deliveries(stage))
        await asyncio.gather(*(hand_over(stage, seconds=1) for _ in range(2)))
    assert receiver.counts() == Counter({row.event_id: 1 for row in deliveries(stage)})


async def test_a_pass_ends_when_the_worker_stops() -> None:
    class Nothing:
        def waiting(self, *_: object) -> tuple[()]:
            return ()

    environment = ActivityEnvironment()
    held = WebhookActivities(Nothing(), None, None)  # type: ignore[arg-type]  # nothing waits
    running = asyncio.create_task(environment.run(held.hand_over_webhooks, WebhookPass(organisation="o")))
    await asyncio.sleep(0.1)
    environment.worker_shutdown()
    assert await asyncio.wait_for(running, PATIENCE) == WebhooksHanded(), "and not when its time is over"


def test_the_rests_grow_are_mixed_and_never_shorter_than_asked() -> None:
    for attempts, seconds in ((1, 10), (2, 30), (3, 90), (6, 2430), (7, 3600), (500, 3600)):
        found = {rest_after(attempts).total_seconds() for _ in range(50)}
        assert len(found) > 10
        assert all(seconds * (1 - JITTER) <= one <= seconds * (1 + JITTER) for one in found)
    assert rest_after(1, timedelta(hours=5)) == timedelta(hours=5)
    assert rest_after(7, timedelta(seconds=1)) >= LONGEST * (1 - JITTER) > FIRST


async def test_alerts_reach_people_and_programs(stage: Stage, receiver: FakeReceiver) -> None:
    """From the event that raises it to the owner's mail and the receiver, as the Schedules start it."""
    listen(stage, receiver, "alert.raised", "alert.told")
    with stage.store.write() as session:
        set_channel(
            session,
            stage.world.organisation,
            "email",
            enabled=True,
            severity=None,
            target=None,
            by="ops",
            now=datetime.now(UTC) - HOUR,
        )
    key = stage.customer("acme")
    stage.raised(key, PAYMENT)
    summary = await passes(stage)
    assert (summary.told, summary.failed) == (1, 0)
    assert (await passes(stage)).told == 0
    [notice] = stage.rows(Notice, organisation_id=stage.world.organisation)
    assert (notice.state, notice.channel, notice.provider) == ("accepted", "email", "outbox")
    [mail] = stage.rows(OutboxMessage, key=notice.message)
    assert mail.customer_id == key
    await hand_over(stage, seconds=3)
    await stage.eventually(
        lambda: {row.state for row in deliveries(stage)}, lambda states: states == {"delivered"}
    )
    assert sorted(one.content["type"] for one in receiver.accepted) == ["alert.raised", "alert.told"]
    assert {one.content["data"]["customer"]["id"] for one in receiver.accepted} == {key}


@pytest.fixture
async def scheduled(sqlite_stage: Stage) -> AsyncIterator[Stage]:
    yield sqlite_stage
    client, ours = sqlite_stage.skipper.client, sqlite_stage.world.organisation
    async for one in await client.list_schedules():
        if one.id.endswith(ours):
            await client.get_schedule_handle(one.id).delete()


async def test_the_schedule_starts_passes(scheduled: Stage) -> None:
    client, ours = scheduled.skipper.client, scheduled.world.organisation
    await ensure_schedules(client, ours, "Europe/Berlin", "nobody-works-here", "off")
    found = (await client.get_schedule_handle(webhooks_schedule_id(ours)).describe()).schedule
    assert [one.every for one in found.spec.intervals] == [timedelta(minutes=1)]
    assert isinstance(found.action, ScheduleActionStartWorkflow)
    assert found.action.workflow == "HandOverWebhooks"
