"""Every trigger at a week-end, through the scheduled workflow: once, at its time, to its playbook's end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, time, timedelta

import pytest

from keepwell.contracts.commands import Stop
from keepwell.db.tables import Alert, Customer, Event, Intervention, Organisation
from scoring.signal import Trigger
from tests.workflows.stage import DAY, HOUR, Stage
from tests.workflows.test_monitor import happens, passes

Cause = Callable[[Stage, str, datetime], Awaitable[datetime]]
"""Makes it happen to a customer, so that a pass at the moment given finds it; when that was for the alert."""


def saturday() -> datetime:
    """Ten in the morning of the first Saturday that is four days ahead or more."""
    day = datetime.now(UTC).date() + timedelta(days=4)
    while day.weekday() != 5:
        day += timedelta(days=1)
    return datetime.combine(day, time(10), UTC)


async def silent(hours: float, stage: Stage, key: str, at: datetime) -> datetime:
    """The last event is so long ago."""
    await happens(stage, key, "login", at - hours * HOUR)
    return at


async def unused(stage: Stage, key: str, at: datetime) -> datetime:
    """A feature was used on three days, and then not for eight; the customer itself is there."""
    for day in (10, 9, 8):
        await happens(stage, key, "feature_used", at - day * DAY, feature="shared inbox")
    await happens(stage, key, "login", at - HOUR)
    return at


async def stalled(stage: Stage, key: str, at: datetime) -> datetime:
    """A task was begun 73 hours ago; the customer itself is there."""
    await happens(stage, key, "task_started", at - 73 * HOUR, task="Connect the mailbox")
    await happens(stage, key, "login", at - HOUR)
    return at


async def unpaid(stage: Stage, key: str, at: datetime) -> datetime:
    """A payment fails."""
    await happens(stage, key, "billing_failure", at - HOUR, amount=49, currency="EUR")
    return at - HOUR


async def less(stage: Stage, key: str, _at: datetime) -> datetime:
    """Usage is next to nothing with a new score; three days ago all was well."""
    world, now = stage.world, stage.clocks[key]
    await asyncio.to_thread(world.measure, key, {"daily_active_rate": 2.0}, now)
    await asyncio.to_thread(stage.parts.scores.score_customer, world.organisation, key, now)
    return now


async def critical(stage: Stage, key: str, _at: datetime) -> datetime:
    """The score falls to 12: the critical playbook begins, too."""
    now = stage.clocks[key]
    await stage.score(key, 12)
    return now


MONDAY = 2 * DAY - HOUR
"""From ten on a Saturday to nine on Monday."""

SOON = timedelta(minutes=2)

CASES: dict[Trigger, tuple[Cause, str, timedelta]] = {
    Trigger.CRITICAL_HEALTH: (critical, "executive_notification", 1 * HOUR),
    Trigger.USAGE_FALL: (less, "re_engagement", 0 * HOUR),
    Trigger.BILLING_FAILURE: (unpaid, "priority_support", 2 * HOUR),
    Trigger.FEATURE_UNUSED: (unused, "feature_tutorial", MONDAY),
    Trigger.INACTIVITY: (lambda stage, key, at: silent(50, stage, key, at), "momentum_nudge", MONDAY),
    Trigger.ZERO_ACTIVITY: (lambda stage, key, at: silent(73, stage, key, at), "zero_activity", MONDAY),
    Trigger.TASK_STALLED: (stalled, "momentum_nudge", MONDAY),
}


def of(stage: Stage, key: str, trigger: Trigger) -> list[Alert]:
    return list(stage.rows(Alert, customer_id=key, trigger=trigger.value))


def first_message(stage: Stage, intervention: str) -> datetime:
    """When the first message to the customer or the staff went out."""
    sent: list[datetime] = [
        row.at for row in stage.rows(Event, intervention_id=intervention) if row.kind == "delivery.accepted"
    ]
    return min(sent)


@pytest.mark.parametrize("trigger", CASES, ids=str)
async def test_it_fires_once_at_its_time_and_its_playbook_runs_to_its_end(
    sqlite_stage: Stage, trigger: Trigger
) -> None:
    stage, at = sqlite_stage, saturday()
    cause, playbook, due = CASES[trigger]
    stage.world.change(Organisation, stage.world.organisation, time_zone="Europe/Berlin")
    key = stage.customer("acme")
    stage.world.change(Customer, key, time_zone="UTC")
    happened = await cause(stage, key, at)
    first = await passes(stage, at)
    assert first.failed == 0
    (row,) = of(stage, key, trigger)
    assert row.due_at == happened + due
    opened = await stage.eventually(lambda: stage.rows(Intervention, customer_id=key, alert_id=row.id), bool)
    assert [one.playbook for one in opened] == [playbook]
    again = await passes(stage, at)
    early = len(of(stage, key, Trigger.DEADLINE_MISSED))
    assert (again.raised, again.handed_over, again.failed) == (early, 0, 0), "the same moment again"
    handle = stage.skipper.client.get_workflow_handle(opened[0].workflow_id)
    await stage.ended(handle)
    (ended,) = stage.rows(Intervention, id=opened[0].id)
    assert ended.outcome == "completed"
    # The run's clock is the real one's: what it waits is how far the alert's time is from the pass.
    # So its tasks are days overdue on the Saturday of the passes, and each of them is one alert more.
    waited = first_message(stage, ended.id) - ended.started_at
    assert waited < SOON if due != MONDAY else abs(waited - MONDAY) < SOON, (
        "not on Saturday: on Monday at nine"
    )
    moment = at + timedelta(minutes=1)
    overdue = {task.id for task in stage.tasks(key) if task.state == "open" and task.due_at < moment}
    later = await passes(stage, moment)
    assert {one.subject for one in of(stage, key, Trigger.DEADLINE_MISSED)} == overdue
    assert (later.raised, later.handed_over) == (len(overdue) - early, 0)
    assert len(of(stage, key, trigger)) == 1
    if trigger is Trigger.CRITICAL_HEALTH:
        await stage.command(key, Stop)
        await stage.handle(key).result()
