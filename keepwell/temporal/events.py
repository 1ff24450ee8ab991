"""Brings alerts to their customers' event playbooks, and tells those whose cause is gone."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from keepwell.contracts.events import AdmittedAlert, CauseGone, ToldToEnd, left_open_words
from keepwell.contracts.intervention import ENGINE_NOW, Ending, InterventionInput, Outcome
from keepwell.contracts.playbook import Playbook
from keepwell.keys import event_workflow_id, new_id
from keepwell.ports import EventAlerts, Interventions, Playbooks

CAUSE_GONE = "cause_gone"
GRID = timedelta(minutes=5)
"""What is put off begins that much later at most."""


class Events:
    """Starts event playbooks through a Temporal client; of each playbook one at a time for a customer."""

    def __init__(
        self,
        client: Client,
        task_queue: str,
        alerts: EventAlerts,
        interventions: Interventions,
        playbooks: Playbooks,
    ) -> None:
        self._client = client
        self._task_queue = task_queue
        self._alerts = alerts
        self._interventions = interventions
        self._playbooks = playbooks

    async def start(self, alert: str, now: datetime) -> bool:
        """Start the playbook of an alert, or decide that none starts; whether one was started."""
        trigger = await asyncio.to_thread(self._alerts.trigger_of, alert)
        if trigger is None:
            return False
        playbook = await asyncio.to_thread(self._playbooks.for_trigger, trigger)
        admitted = await asyncio.to_thread(self._alerts.admit, alert, playbook, now)
        if admitted is None or playbook is None:
            return False
        try:
            await self._start(admitted, playbook, now)
        except WorkflowAlreadyStartedError:
            await asyncio.to_thread(self._alerts.runs_already, alert, playbook, now)
            return False
        return True

    async def end(self, organisation: str, now: datetime) -> int:
        """Tell the playbooks whose cause is gone to end; how many were told."""
        told = 0
        for one in await asyncio.to_thread(self._alerts.gone, organisation):
            try:
                handle = self._client.get_workflow_handle(one.workflow_id)
                await handle.signal(CAUSE_GONE, ToldToEnd(intervention=one.intervention, why=one.why))
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise
                await self._close_left_open(one, now)
            else:
                told += 1
        return told

    async def _close_left_open(self, gone: CauseGone, now: datetime) -> None:
        """No run is left to hear it (terminated, or failed). One that ended by itself has its outcome."""
        ending = Ending(
            organisation=gone.organisation,
            customer=gone.customer,
            intervention=gone.intervention,
            outcome=Outcome.RECOVERED,
            why=left_open_words(gone.why),
            by="engine",
            now=now,
        )
        await asyncio.to_thread(self._interventions.end, ending, None)

    async def _start(self, alert: AdmittedAlert, playbook: Playbook, now: datetime) -> None:
        await self._client.start_workflow(
            playbook.workflow,
            InterventionInput(
                organisation=alert.organisation,
                customer=alert.customer,
                start=new_id(),
                alert=alert.cause,
                playbook=when_due(playbook, alert.cause.due_at, now),
                engine=ENGINE_NOW,
            ),
            id=event_workflow_id(alert.organisation, alert.customer, playbook.name),
            task_queue=self._task_queue,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
            static_summary=f"{alert.customer_name}: {playbook.title}"[:180],
            static_details=f"{playbook.purpose}\n\n{alert.cause.words}",
        )


def when_due(playbook: Playbook, due: datetime, now: datetime) -> Playbook:
    """The playbook with its steps put off until the alert is due, where it waits for that; never earlier."""
    left = due - now
    if not playbook.when_due or left <= timedelta():
        return playbook
    return playbook.delayed(-(-left // GRID) * GRID)
