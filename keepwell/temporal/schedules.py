"""The Temporal Schedules of an organisation: the daily run and the sweep."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

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

from keepwell.contracts.base import Frozen
from keepwell.contracts.scoring import ScoreRequest
from keepwell.keys import daily_schedule_id, daily_workflow_id, sweep_schedule_id

DAILY_AT = "0 2 * * *"
"""Two in the morning in the organisation's zone: yesterday's figures are in, nobody is at work yet."""

SWEEP_EVERY = timedelta(minutes=10)


def daily(organisation: str, time_zone: str, task_queue: str) -> Schedule:
    """Scores everybody once a day; a run that is missed is made up for within a day."""
    return Schedule(
        action=ScheduleActionStartWorkflow(
            "DailyScoring",
            ScoreRequest(organisation=organisation),
            id=daily_workflow_id(organisation, "scheduled"),
            task_queue=task_queue,
            static_summary="Score every customer and start what follows from it",
        ),
        spec=ScheduleSpec(cron_expressions=[DAILY_AT], time_zone_name=time_zone, jitter=timedelta(minutes=5)),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=timedelta(days=1)),
    )


def sweep(organisation: str, task_queue: str) -> Schedule:
    """Hands over again what was committed and never claimed."""
    return Schedule(
        action=ScheduleActionStartWorkflow(
            "SweepTransitions",
            organisation,
            id=sweep_schedule_id(organisation),
            task_queue=task_queue,
            static_summary="Hand over transitions that were committed and never claimed",
        ),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=SWEEP_EVERY)], jitter=timedelta(seconds=30)),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=timedelta(minutes=10)),
    )


async def ensure_schedules(client: Client, organisation: str, time_zone: str, task_queue: str) -> None:
    """Create both Schedules, or bring what they do up to date; whether they are paused stays as it is."""
    wanted = {
        daily_schedule_id(organisation): daily(organisation, time_zone, task_queue),
        sweep_schedule_id(organisation): sweep(organisation, task_queue),
    }
    for identifier, schedule in wanted.items():
        try:
            await client.create_schedule(identifier, schedule)
        except ScheduleAlreadyRunningError:
            await client.get_schedule_handle(identifier).update(_replacing(schedule))


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
