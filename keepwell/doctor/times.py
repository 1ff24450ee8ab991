"""The Schedules of the organisation."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from temporalio.client import WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from keepwell.doctor.findings import Note, ok, problem, warning
from keepwell.doctor.scene import Scene
from keepwell.keys import daily_schedule_id, sweep_schedule_id
from keepwell.moments import minute_words
from keepwell.temporal.schedules import SWEEP_EVERY, ScheduleState, schedule_state

APPLY = "keepwell schedules apply"
_FAILED = {
    WorkflowExecutionStatus.FAILED,
    WorkflowExecutionStatus.TIMED_OUT,
    WorkflowExecutionStatus.TERMINATED,
}


async def schedules(scene: Scene) -> Sequence[Note]:
    """Both are there, go, go at the organisation's time, and their last run did not fail."""
    daily, sweep = daily_schedule_id(scene.ours.id), sweep_schedule_id(scene.ours.id)
    notes: list[Note] = []
    for identifier in (daily, sweep):
        state = await schedule_state(scene.temporal, identifier)
        if state is None:
            notes.append(problem(f"there is no Schedule {identifier}", f"Make it: {APPLY}"))
            continue
        found = [*_wrong(scene, state, own_zone=identifier == daily), *await _last_run(scene, state)]
        if identifier == sweep:
            found += _late(scene, state)
        notes += found or [ok(_told(state))]
    return notes


def _told(state: ScheduleState) -> str:
    last = f"last {_minute(state, state.last_at)}" if state.last_at else "not yet run"
    return f"{state.id} ({state.time_zone}): {last}, next {_minute(state, state.next_at)}"


def _minute(state: ScheduleState, at: datetime | None) -> str:
    """A moment on the clock that the Schedule goes by."""
    return minute_words(at, state.time_zone, year=False) if at else "never"


def _wrong(scene: Scene, state: ScheduleState, *, own_zone: bool) -> list[Note]:
    notes = []
    if state.paused:
        why = f" ({state.note})" if state.note else ""
        notes.append(
            warning(
                f"{state.id} is paused{why}",
                f"Let it go on: temporal schedule toggle --unpause --schedule-id {state.id}",
            )
        )
    zone = scene.ours.time_zone
    if own_zone and state.time_zone != zone:
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
            "Its history in the Temporal UI says where it failed. To score everybody now: keepwell score",
        )
    ]


def _late(scene: Scene, state: ScheduleState) -> list[Note]:
    """The sweep of a Schedule that goes has run a short while ago."""
    since = state.last_at or state.created_at
    if state.paused or scene.now - since < 3 * SWEEP_EVERY:
        return []
    return [
        warning(
            f"{state.id} has not run since {_minute(state, since)}",
            "Look at it in the Temporal UI; a run of it that is still open holds up the next.",
        )
    ]
