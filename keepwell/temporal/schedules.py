"""The Temporal Schedules of an organisation: the daily run, the sweep, the monitor, and churn models."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Literal

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionExecutionStartWorkflow,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)
from temporalio.service import RPCError, RPCStatusCode

from keepwell.contracts.alerts import MonitorRequest
from keepwell.contracts.base import Frozen
from keepwell.contracts.churn import ChurnRequest
from keepwell.contracts.scoring import ScoreRequest
from keepwell.contracts.webhooks import WebhookPass
from keepwell.keys import (
    churn_nightly_schedule_id,
    churn_schedule_id,
    daily_schedule_id,
    daily_workflow_id,
    monitor_schedule_id,
    sweep_schedule_id,
    webhooks_schedule_id,
)

DAILY_AT = "0 2 * * *"
"""Two in the morning in the organisation's zone: yesterday's figures are in, nobody is at work yet."""

SWEEP_EVERY = timedelta(minutes=10)

MONITOR_EVERY = timedelta(seconds=60)
MONITOR_JITTER = timedelta(seconds=2)
MONITOR_CATCH_UP = timedelta(minutes=1)
"""A pass looks at all that is due by then, so that of those missed the last is enough."""

WEBHOOKS_EVERY = timedelta(minutes=1)
"""How soon a pass follows the last one; each goes on for ten minutes."""

Retrain = Literal["daily", "weekly", "monthly", "off"]
RETRAIN_AT = {"daily": "0 3 * * *", "weekly": "0 3 * * SUN", "monthly": "0 3 1 * *"}
"""After the daily run, so that its metrics are in; the long computation is then over by the morning."""
CHURN_AT = "30 3 * * *"
"""Every night, also after one that trained: whichever model is in use by then predicts."""


def _start(
    workflow: str, request: Frozen | str, workflow_id: str, task_queue: str, summary: str
) -> ScheduleActionStartWorkflow:
    return ScheduleActionStartWorkflow(
        workflow, request, id=workflow_id, task_queue=task_queue, static_summary=summary
    )


def _at(
    action: ScheduleActionStartWorkflow, when: str, time_zone: str, catch_up: timedelta = timedelta(days=1)
) -> Schedule:
    """Runs by a cron expression on the organisation's clock; one that is missed is made up for that long."""
    return Schedule(
        action=action,
        spec=ScheduleSpec(cron_expressions=[when], time_zone_name=time_zone, jitter=timedelta(minutes=5)),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=catch_up),
    )


def _every(
    action: ScheduleActionStartWorkflow, every: timedelta, jitter: timedelta, catch_up: timedelta
) -> Schedule:
    """Runs again and again; none while another runs."""
    return Schedule(
        action=action,
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=every)], jitter=jitter),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=catch_up),
    )


def daily(organisation: str, time_zone: str, task_queue: str) -> Schedule:
    """Scores everybody once a day; a run that is missed is made up for within a day."""
    run = daily_workflow_id(organisation, "scheduled")
    request, summary = (
        ScoreRequest(organisation=organisation),
        "Score every customer and start what follows from it",
    )
    return _at(_start("DailyScoring", request, run, task_queue, summary), DAILY_AT, time_zone)


def sweep(organisation: str, task_queue: str) -> Schedule:
    """Hands over again what was committed and never claimed."""
    run, summary = (
        sweep_schedule_id(organisation),
        "Hand over transitions that were committed and never claimed",
    )
    action = _start("SweepTransitions", organisation, run, task_queue, summary)
    return _every(action, SWEEP_EVERY, timedelta(seconds=30), SWEEP_EVERY)


def monitor(organisation: str, task_queue: str, every: timedelta) -> Schedule:
    """Looks for what has fallen silent, every few seconds or minutes; one pass makes up for all missed."""
    run, request = monitor_schedule_id(organisation), MonitorRequest(organisation=organisation)
    summary = "Find who has fallen silent, and start the playbooks of alerts"
    action = _start("MonitorRun", request, run, task_queue, summary)
    return _every(action, every, MONITOR_JITTER, MONITOR_CATCH_UP)


def webhooks(organisation: str, task_queue: str) -> Schedule:
    """Hands webhooks over, always: a pass goes on for minutes, and the next follows it."""
    run, request = webhooks_schedule_id(organisation), WebhookPass(organisation=organisation)
    action = _start("HandOverWebhooks", request, run, task_queue, "Tell webhooks of what happens")
    return _every(action, WEBHOOKS_EVERY, timedelta(seconds=1), WEBHOOKS_EVERY)


def retrain_churn(organisation: str, time_zone: str, task_queue: str, when: str) -> Schedule:
    """Trains the churn model anew, `when` by a cron expression."""
    run, request = churn_schedule_id(organisation), ChurnRequest(organisation=organisation)
    summary = "Train the churn model anew, and take it into use if it is better"
    return _at(_start("RetrainChurn", request, run, task_queue, summary), when, time_zone)


def predict_churn(organisation: str, time_zone: str, task_queue: str) -> Schedule:
    """Predicts who leaves, every night."""
    run, request = churn_nightly_schedule_id(organisation), ChurnRequest(organisation=organisation)
    summary = "Predict for every customer how likely it leaves"
    action = _start("PredictChurn", request, run, task_queue, summary)
    return _at(action, CHURN_AT, time_zone, timedelta(hours=12))


async def ensure_schedules(
    client: Client,
    organisation: str,
    time_zone: str,
    task_queue: str,
    retrain: Retrain = "weekly",
    every: timedelta = MONITOR_EVERY,
) -> None:
    """Create the Schedules, or bring what they do up to date; whether they are paused stays as it is.

    Where `retrain` is off, the Schedule that trains is taken away. `every` is the monitor's interval.
    """
    wanted = {
        daily_schedule_id(organisation): daily(organisation, time_zone, task_queue),
        sweep_schedule_id(organisation): sweep(organisation, task_queue),
        monitor_schedule_id(organisation): monitor(organisation, task_queue, every),
        webhooks_schedule_id(organisation): webhooks(organisation, task_queue),
        churn_nightly_schedule_id(organisation): predict_churn(organisation, time_zone, task_queue),
    }
    training = churn_schedule_id(organisation)
    if retrain == "off":
        await _take_away(client, training)
    else:
        wanted[training] = retrain_churn(organisation, time_zone, task_queue, RETRAIN_AT[retrain])
    for identifier, schedule in wanted.items():
        try:
            await client.create_schedule(identifier, schedule)
        except ScheduleAlreadyRunningError:
            await client.get_schedule_handle(identifier).update(_replacing(schedule))


async def _take_away(client: Client, identifier: str) -> None:
    try:
        await client.get_schedule_handle(identifier).delete()
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise


def _replacing(schedule: Schedule) -> Callable[[ScheduleUpdateInput], ScheduleUpdate]:
    def update(found: ScheduleUpdateInput) -> ScheduleUpdate:
        schedule.state = found.description.schedule.state
        return ScheduleUpdate(schedule=schedule)

    return update


class ScheduleState(Frozen):
    """A Schedule as the server has it. `last` is the workflow id of the newest run it started."""

    id: str
    paused: bool
    note: str
    time_zone: str
    task_queue: str
    created_at: datetime
    last_at: datetime | None
    last: str
    next_at: datetime | None


async def schedule_state(client: Client, identifier: str) -> ScheduleState | None:
    """What the server says of a Schedule; None where there is none of this id."""
    try:
        found = await client.get_schedule_handle(identifier).describe()
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return None
        raise
    state, action = found.schedule.state, found.schedule.action
    recent = found.info.recent_actions[-1] if found.info.recent_actions else None
    started = recent.action if recent else None
    return ScheduleState(
        id=identifier,
        paused=state.paused,
        note=state.note or "",
        time_zone=found.schedule.spec.time_zone_name or "UTC",
        task_queue=action.task_queue if isinstance(action, ScheduleActionStartWorkflow) else "",
        created_at=found.info.created_at,
        last_at=recent.started_at if recent else None,
        last=started.workflow_id if isinstance(started, ScheduleActionExecutionStartWorkflow) else "",
        next_at=found.info.next_action_times[0] if found.info.next_action_times else None,
    )
