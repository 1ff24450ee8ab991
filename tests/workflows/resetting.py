"""`temporal workflow reset`, by the call that the Temporal UI and the command make."""

from __future__ import annotations

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import Client

from keepwell.keys import new_id


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
