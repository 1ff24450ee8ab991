"""Brings transitions to their customers' runs: signal-with-start, or a signal where nothing may start."""

from __future__ import annotations

import asyncio
from datetime import datetime

from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.service import RPCError, RPCStatusCode

from keepwell.contracts.campaigns import UpgradeSeen, WaitingCustomer, held_words
from keepwell.contracts.events import left_open_words
from keepwell.contracts.intervention import (
    ENGINE_NOW,
    RECOVERED,
    Ending,
    InterventionInput,
    Outcome,
    Refusal,
    ScoreChange,
)
from keepwell.contracts.playbook import Playbook
from keepwell.contracts.scoring import Handed, PendingTransition
from keepwell.keys import new_id, risk_workflow_id
from keepwell.ports import EventAlerts, Interventions, Opportunities, Playbooks, Transitions
from keepwell.temporal.campaigns import Campaigns
from keepwell.temporal.events import Events

SIGNAL = "score_changed"


class TemporalHandOver:
    """Hands transitions, opportunities and alerts over through a Temporal client."""

    def __init__(
        self,
        client: Client,
        task_queue: str,
        transitions: Transitions,
        interventions: Interventions,
        playbooks: Playbooks,
        opportunities: Opportunities,
        alerts: EventAlerts,
    ) -> None:
        self._client = client
        self.task_queue = task_queue
        self._transitions = transitions
        self._interventions = interventions
        self._playbooks = playbooks
        self._campaigns = Campaigns(client, task_queue, opportunities, playbooks)
        self._events = Events(client, task_queue, alerts, interventions, playbooks)

    async def start_campaign(self, waiting: WaitingCustomer, now: datetime) -> bool:
        """Start the campaign for the customer's best opportunity that may begin; whether one was started."""
        return await self._campaigns.start(waiting, now)

    async def tell_upgraded(self, upgrade: UpgradeSeen) -> bool:
        """Tell the customer's campaign of an upgrade; False where no run is left to hear it."""
        return await self._campaigns.tell_upgraded(upgrade)

    async def release(self, organisation: str, customer: str) -> bool:
        """Let a held campaign go on; False where no run is left to hear it."""
        return await self._campaigns.release(organisation, customer)

    async def start_event(self, alert: str, now: datetime) -> bool:
        """Start the event playbook of an alert, or decide that none starts; whether it was started."""
        return await self._events.start(alert, now)

    async def end_events(self, organisation: str, now: datetime) -> int:
        """Tell event playbooks whose cause is gone to end; how many were told."""
        return await self._events.end(organisation, now)

    async def hand_over(self, transition: str, now: datetime) -> Handed:
        """Start or signal the customer's run, or refuse; the same transition again changes nothing."""
        pending = await asyncio.to_thread(self._transitions.get, transition)
        if pending.decision is not None:
            return await self._mark(pending, "started" if pending.decision == "started" else "refused", now)
        if pending.sequence < pending.newest:
            return await self._refuse(pending, "older", "A newer transition of this customer came first", now)
        playbook = await asyncio.to_thread(self._playbooks.for_level, pending.level)
        if playbook is not None:
            await self.signal_with_start(pending, playbook)
            return await self._mark(pending, "signalled" if pending.open else "started", now)
        if await self._signal(pending):
            return await self._mark(pending, "signalled", now)
        if pending.open is not None and pending.level in RECOVERED:
            return await self._close_left_open(pending, pending.open, now)
        level = pending.level.value
        if pending.level in RECOVERED:
            # No risk run is there that would tell a campaign which still waits.
            await self._campaigns.release_held(pending.organisation, pending.customer)
            code, reason = "not_needed", f"{level} needs no playbook, and none runs that it would end"
        else:
            # No risk run is there either that would tell a campaign to wait.
            why = held_words("", pending.level)
            await self._campaigns.hold(pending.organisation, pending.customer, why)
            code, reason = "no_playbook", f"There is no playbook for {level} yet, and none runs"
        return await self._refuse(pending, code, reason, now)

    async def signal_with_start(self, pending: PendingTransition, playbook: Playbook) -> None:
        change = change_of(pending)
        await self._client.start_workflow(
            playbook.workflow,
            InterventionInput(
                organisation=pending.organisation,
                customer=pending.customer,
                start=new_id(),
                change=change,
                playbook=playbook,
                engine=ENGINE_NOW,
            ),
            id=risk_workflow_id(pending.organisation, pending.customer),
            task_queue=self.task_queue,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            start_signal=SIGNAL,
            start_signal_args=[change],
            static_summary=f"{pending.customer_name}: {playbook.title}"[:180],
            static_details=playbook.purpose,
        )

    async def _signal(self, pending: PendingTransition) -> bool:
        """Tell a run, if there is one."""
        handle = self._client.get_workflow_handle(risk_workflow_id(pending.organisation, pending.customer))
        try:
            await handle.signal(SIGNAL, change_of(pending))
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return False
            raise
        return True

    async def _close_left_open(self, pending: PendingTransition, intervention: str, now: datetime) -> Handed:
        """The run is gone (terminated, or failed), and the customer has recovered: nobody else ends it."""
        ending = Ending(
            organisation=pending.organisation,
            customer=pending.customer,
            intervention=intervention,
            outcome=Outcome.RECOVERED,
            why=left_open_words(f"The level is {pending.level.value} again"),
            by="engine",
            now=now,
            transition=pending.id,
        )
        await asyncio.to_thread(self._interventions.end, ending, None)
        return await self._mark(pending, "refused", now)

    async def _refuse(self, pending: PendingTransition, code: str, reason: str, now: datetime) -> Handed:
        refusal = Refusal(
            organisation=pending.organisation, transition=pending.id, code=code, reason=reason, now=now
        )
        await asyncio.to_thread(self._interventions.refuse, refusal)
        return await self._mark(pending, "refused", now)

    async def _mark(self, pending: PendingTransition, handed: Handed, now: datetime) -> Handed:
        await asyncio.to_thread(self._transitions.mark, pending.id, handed, now)
        return handed


def change_of(pending: PendingTransition) -> ScoreChange:
    return ScoreChange(
        transition=pending.id,
        sequence=pending.sequence,
        level=pending.level,
        previous=pending.previous,
        score=pending.score,
        at=pending.at,
    )
