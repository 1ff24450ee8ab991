"""The monitor's workflow on a real server, as of moments to come; and its Schedule, as the server has it."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from temporalio.client import ScheduleActionStartWorkflow, ScheduleOverlapPolicy
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import ActivityEnvironment

from activities.monitor import MonitorActivities
from keepwell.contracts.alerts import MonitorCall, MonitorRequest, MonitorSummary
from keepwell.db.repositories import monitor, monitor_silence
from keepwell.db.repositories.organisations import use_scorecard
from keepwell.db.tables import Alert
from keepwell.ingest.importing import store_event
from keepwell.keys import monitor_schedule_id, new_id
from keepwell.temporal.schedules import ensure_schedules
from tests.unit.db.world import CARD
from tests.workflows.recording import record
from tests.workflows.scenarios_events import PAYMENT, SILENT, noticed
from tests.workflows.stage import DAY, HOUR, Stage


async def passes(stage: Stage, as_of: datetime | None = None) -> MonitorSummary:
    """One pass of the monitor, as its Schedule starts it."""
    client, queue = stage.skipper.client, stage.parts.hand_over.task_queue
    summary: MonitorSummary = await client.execute_workflow(
        "MonitorRun",
        MonitorRequest(organisation=stage.world.organisation, as_of=as_of),
        id=f"test-monitor/{stage.world.organisation}/{new_id()}",
        task_queue=queue,
        result_type=MonitorSummary,
    )
    return summary


async def happens(stage: Stage, key: str, kind: str, at: datetime, **data: object) -> None:
    world = stage.world
    await asyncio.to_thread(
        store_event,
        world.store,
        world.organisation,
        key,
        kind,
        data,
        now=at,
        scorecard=CARD,
        at=at.isoformat(),
    )


def decided(stage: Stage, alert: str) -> Alert:
    row: Alert = stage.rows(Alert, id=alert)[0]
    return row


def alerts(stage: Stage, key: str) -> list[Alert]:
    return sorted(stage.rows(Alert, customer_id=key), key=lambda row: (row.raised_at, row.id))


async def test_each_trigger_fires_once_and_goes_to_its_playbook(stage: Stage) -> None:
    now = datetime.now(UTC)
    for key, kind in (("silent", "login"), ("owes", "billing_failure"), ("stuck", "task_started")):
        stage.customer(key)
        await happens(stage, key, kind, now, task="audit")
    first = await passes(stage)
    assert (first.raised, first.handed_over, first.failed) == (0, 1, 0), "the payment failed as it came in"
    assert [row.trigger for row in alerts(stage, "owes")] == ["billing_failure"]
    assert alerts(stage, "owes")[0].due_at == alerts(stage, "owes")[0].raised_at + 2 * HOUR

    # The playbook of the failed payment has begun, and gives somebody a task that is due in two hours.
    await stage.eventually(partial(stage.tasks, "owes"), bool)
    later = now + 50 * HOUR
    second = await passes(stage, later)
    assert (second.raised, second.escalated, second.failed) == (3, 0, 0)
    assert [row.trigger for row in alerts(stage, "silent")] == ["inactivity"]
    assert [row.trigger for row in alerts(stage, "stuck")] == ["inactivity"]
    assert [row.trigger for row in alerts(stage, "owes")] == ["billing_failure", "deadline_missed"]
    third = await passes(stage, now + 73 * HOUR)
    # The stalled task.
    assert (third.raised, third.escalated, third.failed) == (1, 2, 0)
    assert len(alerts(stage, "owes")) == 2
    assert sorted(row.trigger for row in alerts(stage, "stuck")) == ["task_stalled", "zero_activity"]
    again = await passes(stage, now + 73 * HOUR)
    assert (again.raised, again.escalated, again.closed) == (0, 0, 0)
    for row in (*alerts(stage, "owes"), *alerts(stage, "silent"), *alerts(stage, "stuck")):
        found = await stage.eventually(partial(decided, stage, row.id), lambda one: one.decision is not None)
        assert found.decision in (("none",) if row.trigger == "deadline_missed" else ("started", "refused"))
        assert found.reason
    await record(stage, "monitored")


async def test_a_score_below_twenty_is_an_alert_at_once(stage: Stage) -> None:
    key = stage.customer("acme")
    await stage.score(key, 12)
    triggers = {row.trigger: row for row in alerts(stage, key)}
    assert {"critical_health", "score_drop"} <= set(triggers)
    assert triggers["critical_health"].due_at == triggers["critical_health"].raised_at + HOUR
    summary = await passes(stage)
    assert (summary.raised, summary.failed) == (0, 0)
    assert summary.handed_over >= 1


async def test_the_schedule_as_the_server_has_it(sqlite_stage: Stage) -> None:
    stage = sqlite_stage
    client, ours = stage.skipper.client, stage.world.organisation
    handle = client.get_schedule_handle(monitor_schedule_id(ours))
    try:
        for seconds in (60, 10):
            every = timedelta(seconds=seconds)
            await ensure_schedules(client, ours, "Europe/Berlin", "nobody-works-here", "off", every)
            found = (await handle.describe()).schedule
            assert [one.every for one in found.spec.intervals] == [every]
            assert found.spec.jitter == timedelta(seconds=2)
            assert found.policy.overlap is ScheduleOverlapPolicy.SKIP
            assert found.policy.catchup_window == timedelta(minutes=1)
            assert isinstance(found.action, ScheduleActionStartWorkflow)
            assert found.action.workflow == "MonitorRun"
            assert found.action.task_queue == "nobody-works-here"
            payload = found.action.args[0]
            request = (await client.data_converter.decode([payload], [MonitorRequest]))[0]
            assert request == MonitorRequest(organisation=ours, as_of=None)
    finally:
        for name in ("daily", "sweep", "monitor", "webhooks", "churn-nightly"):
            try:
                await client.get_schedule_handle(f"{name}/{ours}").delete()
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise


async def test_a_day_later_the_scheduled_pass_takes_its_own_time(sqlite_stage: Stage) -> None:
    stage = sqlite_stage
    stage.customer("acme")
    await happens(stage, "acme", "login", datetime.now(UTC) - 3 * DAY)
    summary = await passes(stage)
    assert summary.raised == 1
    assert alerts(stage, "acme")[0].severity == "critical"
    assert pytest.approx(alerts(stage, "acme")[0].evidence["hours"], abs=0.2) == 72.0


async def test_the_gravest_come_first_and_those_that_fail_keep_nobody_waiting(
    sqlite_stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = sqlite_stage
    monkeypatch.setattr(monitor, "HANDED_AT_ONCE", 2)
    key, now = stage.customer("acme"), datetime.now(UTC)
    small = stage.raised(key, noticed(SILENT))
    late, soon = stage.raised(key, PAYMENT), stage.raised(key, PAYMENT)
    for alert, due in ((small, 0 * HOUR), (late, 2 * HOUR), (soon, 1 * HOUR)):
        stage.world.change(Alert, alert, due_at=now + due)
    repository, ours = monitor.MonitorRepository(stage.store), stage.world.organisation
    call = MonitorCall(organisation=ours, as_of=now)
    assert repository.undecided(call) == (soon, late)
    assert repository.undecided(call, late) == (small,)
    assert repository.undecided(call, small) == ()
    assert repository.undecided_of(key) == (soon, late, small)

    sent = stage.parts.hand_over.start_event

    async def poisoned(alert: str, as_of: datetime) -> bool:
        if alert != small:
            raise RuntimeError("poisoned")
        return await sent(alert, as_of)

    async def unheard(organisation: str, as_of: datetime) -> int:
        raise RuntimeError("poisoned too")

    monkeypatch.setattr(stage.parts.hand_over, "start_event", poisoned)
    monkeypatch.setattr(stage.parts.hand_over, "end_events", unheard)
    activities = MonitorActivities(repository, stage.parts.hand_over)
    handed = await ActivityEnvironment().run(activities.hand_over_alerts, call)
    assert (handed.handed_over, handed.failed) == (1, 3)
    assert set(repository.undecided(call)) <= {small}, "those that failed rest; they block nobody"
    assert "The hand-over has failed once, last with RuntimeError: poisoned" in decided(stage, late).reason
    soon_again = call.model_copy(update={"as_of": now + timedelta(minutes=2)})
    assert repository.undecided(soon_again)[:2] == (soon, late), "and are tried again"
    row = await stage.eventually(partial(decided, stage, small), lambda one: one.decision is not None)
    assert row.decision == "started"


async def test_a_pass_with_much_to_do_takes_turns_until_all_is_done(
    sqlite_stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage, now = sqlite_stage, datetime.now(UTC)
    with stage.store.write() as session:
        use_scorecard(session, stage.world.organisation, "momentum")
    for key in ("acme", "bolt", "cara"):
        await happens(stage, stage.world.customer(key), "login", now)
    for module, name, size in (
        (monitor, "AT_A_TIME", 0),
        (monitor, "FIGURES", 1),
        (monitor_silence, "PAGE", 1),
    ):
        monkeypatch.setattr(module, name, size)
    turns: list[int] = []
    look = monitor_silence.look_for_silence

    def noted(*given: Any) -> tuple[Counter[str], bool]:
        found = look(*given)
        turns.append(found[0]["raised"])
        return found

    monkeypatch.setattr(monitor, "look_for_silence", noted)
    summary = await passes(stage, now + 50 * HOUR)
    # Beside the three there are missed deadlines of the playbooks that were started between the turns.
    assert (summary.figures, summary.failed) == (3, 0)
    assert len([row for row in stage.rows(Alert) if row.trigger == "inactivity"]) == 3
    assert turns == [1, 1, 1, 0], "between the customers there was a turn for everything else"
    again = await passes(stage, now + 50 * HOUR)
    assert (turns[4:], again.figures) == ([0], 0)
