"""The Schedules of the organisation."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from temporalio.client import WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from keepwell.doctor.findings import Note, ok, problem, warning
from keepwell.doctor.scene import Scene
from keepwell.keys import (
    churn_nightly_schedule_id,
    churn_schedule_id,
    daily_schedule_id,
    monitor_schedule_id,
    schedule_ids,
    sweep_schedule_id,
    webhooks_schedule_id,
)
from keepwell.moments import minute_words
from keepwell.temporal.schedules import SWEEP_EVERY, WEBHOOKS_EVERY, ScheduleState, schedule_state

APPLY = "keepwell schedules apply"
PASS = timedelta(minutes=5)
"""As long as a pass of the monitor may well take: the first of a day writes everybody's figures."""
WEBHOOKS_PASS = timedelta(minutes=15)
"""As long as a pass of the webhooks may take: it goes on for ten."""
_FAILED = {
    WorkflowExecutionStatus.FAILED,
    WorkflowExecutionStatus.TIMED_OUT,
    WorkflowExecutionStatus.TERMINATED,
}


async def schedules(scene: Scene) -> Sequence[Note]:
    """All are there, go, go at the organisation's time, and their last run did not fail.

    The one that trains churn models is there unless KEEPWELL_CHURN_RETRAIN is off.
    """
    ours, trains = scene.ours.id, scene.settings.churn_retrain != "off"
    notes: list[Note] = []
    for identifier in schedule_ids(ours, trains=trains):
        state = await schedule_state(scene.temporal, identifier)
        if state is None:
            notes.append(problem(f"there is no Schedule {identifier}", f"Make it: {APPLY}"))
            continue
        found = [*_wrong(scene, state), *await _last_run(scene, state), *_late(scene, state)]
        notes += found or [ok(_told(state))]
    unwanted = churn_schedule_id(ours)
    if not trains and await schedule_state(scene.temporal, unwanted) is not None:
        notes.append(
            warning(
                f"there is a Schedule {unwanted}, and KEEPWELL_CHURN_RETRAIN is off",
                f"Take it away: {APPLY}",
            )
        )
    return notes


def _told(state: ScheduleState) -> str:
    last = f"last {_minute(state, state.last_at)}" if state.last_at else "not yet run"
    return f"{state.id} ({state.time_zone}): {last}, next {_minute(state, state.next_at)}"


def _minute(state: ScheduleState, at: datetime | None) -> str:
    """A moment on the clock that the Schedule goes by."""
    return minute_words(at, state.time_zone, year=False) if at else "never"


def _wrong(scene: Scene, state: ScheduleState) -> list[Note]:
    notes = []
    # The others go by an interval, which is the same in every zone.
    of_the_clock = (daily_schedule_id, churn_schedule_id, churn_nightly_schedule_id)
    if state.paused:
        why = f" ({state.note})" if state.note else ""
        notes.append(
            warning(
                f"{state.id} is paused{why}",
                f"Let it go on: temporal schedule toggle --unpause --schedule-id {state.id}",
            )
        )
    zone = scene.ours.time_zone
    if state.id in {name(scene.ours.id) for name in of_the_clock} and state.time_zone != zone:
        notes.append(
            warning(
                f"{state.id} goes by {state.time_zone}, and the organisation's time zone is {zone}",
                f"Bring it up to date: {APPLY}",
            )
        )
    if state.task_queue != scene.settings.task_queue:
        notes.append(
            problem(
                f"{state.id} gives its work to task queue {state.task_queue!r}, "
                f"not {scene.settings.task_queue!r}",
                f"Correct KEEPWELL_TASK_QUEUE, or bring it up to date: {APPLY}",
            )
        )
    return notes


async def _last_run(scene: Scene, state: ScheduleState) -> list[Note]:
    if not state.last:
        return []
    try:
        status = (await scene.temporal.get_workflow_handle(state.last).describe()).status
    except RPCError as error:
        # Gone after the namespace's retention.
        if error.status is RPCStatusCode.NOT_FOUND:
            return []
        raise
    if status not in _FAILED:
        return []
    name = status.name.lower().replace("_", " ") if status else "gone"
    return [
        problem(
            f"the last run of {state.id} is {name}: {state.last} ({_minute(state, state.last_at)})",
            f"Its history in the Temporal UI says where it failed.{_by_hand(scene, state)}",
        )
    ]


def _by_hand(scene: Scene, state: ScheduleState) -> str:
    """How a person does what a run should have done; the next run makes up for the sweep and the monitor."""
    ours = scene.ours.id
    ways = {
        daily_schedule_id(ours): "To score everybody now: keepwell score",
        churn_schedule_id(ours): "To train now: keepwell churn train",
        churn_nightly_schedule_id(ours): "To predict now: keepwell churn predict",
    }
    return f" {ways[state.id]}" if state.id in ways else ""


def _late(scene: Scene, state: ScheduleState) -> list[Note]:
    """The sweep, the monitor and the webhooks of a Schedule that goes have run a short while ago."""
    patience = {
        sweep_schedule_id(scene.ours.id): 3 * SWEEP_EVERY,
        monitor_schedule_id(scene.ours.id): 3 * timedelta(seconds=scene.settings.monitor_seconds) + PASS,
        webhooks_schedule_id(scene.ours.id): WEBHOOKS_PASS + 3 * WEBHOOKS_EVERY,
    }.get(state.id)
    since = state.last_at or state.created_at
    if patience is None or state.paused or scene.now - since < patience:
        return []
    return [
        warning(
            f"{state.id} has not run since {_minute(state, since)}",
            "Look at it in the Temporal UI; a run of it that is still open holds up the next.",
        )
    ]
