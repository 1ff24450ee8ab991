"""Starts the runs of webhooks."""

from __future__ import annotations

from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy

from keepwell.contracts.webhooks import WebhookCall
from keepwell.keys import webhook_workflow_id


class TemporalWebhookRuns:
    """Implements the port `WebhookRuns`."""

    def __init__(self, client: Client, task_queue: str) -> None:
        self._client = client
        self._task_queue = task_queue

    async def start(self, call: WebhookCall, kind: str) -> None:
        """Start the delivery's run; the same again finds the one under way."""
        await self._client.start_workflow(
            "DeliverWebhook",
            call,
            id=webhook_workflow_id(call.organisation, call.delivery),
            task_queue=self._task_queue,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            static_summary=f"Webhook: {kind}",
        )
