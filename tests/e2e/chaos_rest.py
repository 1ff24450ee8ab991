"""Whether all has come to rest: the books are read when nothing is under way any more.

What people wait for is in the store a moment before its run knows of it. Where a worker was killed in that
moment, the run hears of it half a minute later.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterator

from temporalio.client import (
    Client,
    WorkflowExecution,
    WorkflowExecutionDescription,
    WorkflowExecutionStatus,
)

from keepwell.db.tables import Delivery, Intervention, Transition
from tests.e2e.chaos_lives import Seen
from tests.workflows.stage import Stage

RUNNING = WorkflowExecutionStatus.RUNNING


async def every_run(client: Client, chains: Collection[str]) -> list[WorkflowExecution]:
    """All runs as they are. The server's list follows them a little later: it shows some that have ended as
    open, and may lack the newest of a chain, which is asked for by its id.
    """
    listed = [one async for one in client.list_workflows()]
    found = {one.run_id: one async for one in _described(client, listed)}
    for chain in sorted(chains):
        newest = await client.get_workflow_handle(chain).describe()
        found[newest.run_id] = newest
    return [*found.values()]


async def _described(
    client: Client, listed: Collection[WorkflowExecution]
) -> AsyncIterator[WorkflowExecution]:
    for one in listed:
        open_there = one.status is RUNNING
        yield await client.get_workflow_handle(one.id, run_id=one.run_id).describe() if open_there else one


async def under_way(stage: Stage) -> list[str]:
    """What is not at rest yet, in words."""
    interventions: list[Intervention] = stage.rows(Intervention)
    waiting = {one.workflow_id for one in interventions if one.outcome is None}
    runs = await every_run(stage.skipper.client, {one.workflow_id for one in interventions})
    sending = [one.key for one in stage.rows(Delivery, state="sending")]
    undecided = [one.id for one in stage.rows(Transition) if one.decision is None]
    return [
        *(f"{key} is sending" for key in sending),
        *(f"transition {one} is not decided" for one in undecided),
        *(line for one in runs if one.status is RUNNING for line in _restless(one, waiting)),
    ]


def _restless(run: WorkflowExecution, waiting: Collection[str]) -> Iterator[str]:
    if run.id not in waiting:
        yield f"{run.id} runs for no intervention"
    if isinstance(run, WorkflowExecutionDescription) and (seen := Seen.of(run)).may_skip is None:
        yield f"{run.id}: {seen.why}"
