"""Who works on a task queue, as the server saw it last."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client

POLLED_WITHIN = timedelta(seconds=75)
"""A worker's poll ends after 60 s and the next one begins; a queue older than that has no worker."""

WORKFLOWS = TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW
ACTIVITIES = TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY


@dataclass(frozen=True)
class Poller:
    """One worker: its identity ("process id@host", as the SDK gives it) and the begin of its last poll."""

    identity: str
    polled_at: datetime

    @property
    def recent(self) -> bool:
        """Whether it polls still, as far as the server can know."""
        return self.polled_at > datetime.now(UTC) - POLLED_WITHIN


async def pollers(
    client: Client, task_queue: str, kind: TaskQueueType.ValueType = WORKFLOWS
) -> tuple[Poller, ...]:
    """Whom the server has seen poll the task queue within the last minutes, the newest first."""
    answer = await client.workflow_service.describe_task_queue(
        DescribeTaskQueueRequest(
            namespace=client.namespace, task_queue=TaskQueue(name=task_queue), task_queue_type=kind
        )
    )
    found = [Poller(one.identity, one.last_access_time.ToDatetime(tzinfo=UTC)) for one in answer.pollers]
    return tuple(sorted(found, key=lambda one: one.polled_at, reverse=True))
