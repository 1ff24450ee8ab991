"""`temporal workflow reset`, by the call that the Temporal UI makes, and what it may not change."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import Client

from keepwell.contracts.playbook import Family
from keepwell.db.tables import Intervention, Offer
from keepwell.keys import new_id
from tests.e2e.chaos_lives import Seen
from tests.workflows.providers import Providers
from tests.workflows.stage import PATIENCE, Stage


async def finished_tasks(client: Client, workflow_id: str) -> list[int]:
    """The events of the newest run that it can be reset to: each finished workflow task."""
    history = client.get_workflow_handle(workflow_id).fetch_history_events()
    return [
        event.event_id
        async for event in history
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
    ]


async def reset(client: Client, workflow_id: str, number: int) -> None:
    """Reset the newest run to its n-th finished workflow task; what people told it is told again."""
    described = await client.get_workflow_handle(workflow_id).describe()
    events = await finished_tasks(client, workflow_id)
    await client.workflow_service.reset_workflow_execution(
        ResetWorkflowExecutionRequest(
            namespace=client.namespace,
            workflow_execution=WorkflowExecution(workflow_id=workflow_id, run_id=described.run_id),
            workflow_task_finish_event_id=events[number],
            reason="asked for in a test",
            request_id=new_id(),
        )
    )


async def quiet(stage: Stage, key: str, family: Family = "risk") -> datetime:
    """Wait until a customer's newest run waits for time or people, or is over; give the time on its clock."""
    ends = time.monotonic() + PATIENCE
    while True:
        seen = Seen.of(await stage.handle(key, family).describe())
        if seen.over or seen.may_skip is not None:
            return seen.now
        assert time.monotonic() < ends, f"{key}: {seen.why}"
        await asyncio.sleep(0.02)


@dataclass(frozen=True)
class Reset:
    """One customer's run, and what is known of it: store and providers."""

    stage: Stage
    providers: Providers
    key: str
    family: Family = "risk"

    @property
    def row(self) -> Intervention:
        """The newest intervention of the family."""
        return [row for row in self.stage.interventions(self.key) if row.family == self.family][-1]

    def taken(self) -> Counter[str]:
        """What the providers have accepted for this customer, by ledger key."""
        ours = {row.id for row in self.stage.interventions(self.key)}
        counts = self.providers.counts().items()
        return Counter({key: times for key, times in counts if key.split("/")[1] in ours})

    def offers(self) -> list[Offer]:
        """The customer's offers."""
        return self.stage.rows(Offer, customer_id=self.key)

    def facts(self) -> dict[str, object]:
        """What a reset may never change, also where a step is due meanwhile."""
        rows = self.stage.interventions(self.key)
        return {
            "interventions": [(row.id, row.playbook, row.outcome, row.started_at) for row in rows],
            "stands": [(row.paused, row.paused_until, row.pause_reason, row.held_why) for row in rows],
            "shift": [row.shift for row in rows],
            "offers": [(one.id, one.state, one.valid_until, one.terms) for one in self.offers()],
        }

    def written(self) -> dict[str, object]:
        """What a reset may not change where no step is due."""
        rows = self.stage.interventions(self.key)
        return {
            **self.facts(),
            "taken": self.taken(),
            "steps": [self.stage.steps(row.id) for row in rows],
            "tasks": [(task.key, task.state) for task in self.stage.tasks(self.key)],
        }

    async def now(self) -> datetime:
        """The time on the run's clock, when it is quiet."""
        return await quiet(self.stage, self.key, self.family)

    async def tasks(self) -> int:
        """How many workflow tasks the newest run has finished, when it is quiet."""
        await self.now()
        return len(
            await finished_tasks(self.stage.skipper.client, self.stage.handle(self.key, self.family).id)
        )

    async def to(self, number: int) -> None:
        """Reset the run to its n-th finished workflow task, and let its clock come to where it was.

        The server sets the virtual clock back with the run; a real one would not go back.
        """
        stage, moment = self.stage, await self.now()
        handle = stage.handle(self.key, self.family)
        earlier = (await handle.describe()).run_id
        await reset(stage.skipper.client, handle.id, number)
        assert (await handle.describe()).run_id != earlier
        await self.now()
        await stage.clock.forward_to(handle, moment)
