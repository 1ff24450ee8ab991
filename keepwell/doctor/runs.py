"""The store beside Temporal: what should run and does not, what waits and should not."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from sqlmodel import col, func, select
from temporalio.client import WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from keepwell.db.tables import Intervention, Transition
from keepwell.doctor.findings import Note, ok, problem
from keepwell.doctor.running import in_thread
from keepwell.doctor.scene import Scene
from keepwell.temporal.schedules import SWEEP_EVERY

NEWEST = 200
"""Open interventions that are looked up in Temporal: one question each."""

AT_ONCE = 20
WAITS_AFTER = 3 * SWEEP_EVERY
SHOWN = 5
OPEN = (WorkflowExecutionStatus.RUNNING, WorkflowExecutionStatus.CONTINUED_AS_NEW)


async def interventions(scene: Scene) -> Sequence[Note]:
    """Every open intervention, of the newest ones, has a run in Temporal that is open too."""
    before = await in_thread(lambda: _open(scene))
    room = asyncio.Semaphore(AT_ONCE)

    async def ask(workflow_id: str) -> str:
        async with room:
            return await _state(scene, workflow_id)

    states = await asyncio.gather(*(ask(workflow_id) for workflow_id in before.values()))
    gone = {
        identifier: f"{workflow_id} ({state})"
        for (identifier, workflow_id), state in zip(before.items(), states, strict=True)
        if state
    }
    if gone:
        # One that has ended while we asked was closed in the store before its run closed.
        still = await in_thread(lambda: _open(scene))
        gone = {identifier: told for identifier, told in gone.items() if identifier in still}
    if not before:
        return [ok("no intervention is open")]
    if not gone:
        return [ok(f"every open intervention has its run ({len(before)} looked up)")]
    shown = ", ".join(list(gone.values())[:SHOWN]) + (" …" if len(gone) > SHOWN else "")
    return [
        problem(
            f"{len(gone)} open in the database, but their run in Temporal is gone: {shown}",
            "Nothing more is sent for them. A run that was terminated goes on after "
            "temporal workflow reset --type LastWorkflowTask --reason … --workflow-id …; without that they "
            "end as failed at the customer's next change of level.",
        )
    ]


def _open(scene: Scene) -> dict[str, str]:
    """Intervention and workflow id, the newest first."""
    query = (
        select(Intervention.id, Intervention.workflow_id)
        .where(col(Intervention.organisation_id) == scene.ours.id, col(Intervention.outcome).is_(None))
        .order_by(col(Intervention.started_at).desc())
        .limit(NEWEST)
    )
    with scene.session() as session:
        return dict(session.exec(query).all())


async def _state(scene: Scene, workflow_id: str) -> str:
    """How the newest run of the id ended; empty while it is open."""
    try:
        status = (await scene.temporal.get_workflow_handle(workflow_id).describe()).status
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return "not found"
        raise
    if status is None or status in OPEN:
        return ""
    return status.name.lower().replace("_", " ")


def transitions(scene: Scene) -> Sequence[Note]:
    """No change of level waits longer than the sweep needs to hand it over."""
    where = (
        col(Transition.organisation_id) == scene.ours.id,
        col(Transition.decision).is_(None),
        col(Transition.at) < scene.now - WAITS_AFTER,
    )
    with scene.session() as session:
        count, oldest = session.exec(select(func.count(), func.min(col(Transition.at))).where(*where)).one()
    if not count:
        return [ok("every change of level was taken up, or is not due yet")]
    return [
        problem(
            f"changes of level that nobody took up for {WAITS_AFTER.total_seconds() / 60:.0f} minutes: "
            f"{count}, the oldest since {oldest:%d %b %H:%M} UTC",
            "The sweep hands them over: look whether a worker runs, and at the sweep's Schedule.",
        )
    ]
