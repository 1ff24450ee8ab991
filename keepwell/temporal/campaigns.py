"""Brings open opportunities to their customers' expansion runs, and tells running ones what is new."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.service import RPCError, RPCStatusCode

from keepwell.contracts.campaigns import OpenOpportunity, UpgradeSeen, WaitingCustomer
from keepwell.contracts.intervention import ENGINE_NOW, InterventionInput, Opportunity
from keepwell.contracts.playbook import Playbook
from keepwell.keys import expansion_workflow_id, new_id
from keepwell.ports import Opportunities, Playbooks

UPGRADED = "upgraded"
RELEASE = "release"
HOLD = "hold"


class Campaigns:
    """Starts expansion playbooks through a Temporal client, one at a time for each customer."""

    def __init__(
        self, client: Client, task_queue: str, opportunities: Opportunities, playbooks: Playbooks
    ) -> None:
        self._client = client
        self._task_queue = task_queue
        self._opportunities = opportunities
        self._playbooks = playbooks

    async def start(self, waiting: WaitingCustomer, now: datetime) -> bool:
        """Start the campaign for the customer's best opportunity that may begin; the others get a reason.

        Says whether one was started. Called again before its run has claimed the opportunity, it finds
        that run and changes nothing.
        """
        chosen, reasons = await asyncio.to_thread(self._choose, waiting, now)
        await asyncio.to_thread(self._opportunities.give_reasons, _news(waiting, reasons))
        if chosen is None:
            return False
        await self._start(waiting, *chosen)
        return True

    async def tell_upgraded(self, upgrade: UpgradeSeen) -> bool:
        """Tell the customer's campaign of an upgrade; False where no run is left to hear it."""
        body = {
            # The same upgrade told again counts once, and only for this campaign.
            "id": f"upgraded/{upgrade.opportunity}",
            "intervention": upgrade.intervention,
            "by": "engine",
            "plan": upgrade.plan[:100],
            "note": upgrade.note[:500],
        }
        return await self._tell(upgrade.organisation, upgrade.customer, UPGRADED, body)

    async def release(self, organisation: str, customer: str) -> bool:
        """Let a held campaign go on; False where no run is left to hear it."""
        return await self._tell(organisation, customer, RELEASE)

    async def hold(self, organisation: str, customer: str, why: str) -> bool:
        """Let a campaign wait; False where there is none. One that is held already is not held again."""
        return await self._tell(organisation, customer, HOLD, why)

    async def release_held(self, organisation: str, customer: str) -> None:
        """Let this customer's campaign go on if it is held and nothing holds it any more."""
        for one in await asyncio.to_thread(self._opportunities.held, organisation, customer):
            await self.release(organisation, one)

    def _choose(
        self, waiting: WaitingCustomer, now: datetime
    ) -> tuple[tuple[OpenOpportunity, Playbook] | None, dict[str, str]]:
        """The opportunity to start with its playbook, and why each of the others waits."""
        chosen: tuple[OpenOpportunity, Playbook] | None = None
        reasons: dict[str, str] = {}
        for one in waiting.opportunities:
            why = waiting.blocked(now)
            if not why and chosen is not None:
                why = f"{chosen[1].label} begins first, for {chosen[0].signal.value}"
            playbook = None if why else self._playbooks.for_signal(one.signal)
            why = why or waiting.waits(one, playbook, now)
            if why or playbook is None:
                reasons[one.id] = why
            else:
                chosen = one, playbook
        return chosen, reasons

    async def _start(self, waiting: WaitingCustomer, one: OpenOpportunity, playbook: Playbook) -> None:
        assert waiting.level is not None  # noqa: S101  (who has none is blocked)
        assert waiting.score is not None  # noqa: S101
        opportunity = Opportunity(
            id=one.id,
            signal=one.signal,
            urgency=one.urgency,
            value=one.value,
            currency=one.currency,
            words=one.words,
            level=waiting.level,
            score=waiting.score,
            at=one.at,
        )
        await self._client.start_workflow(
            playbook.workflow,
            InterventionInput(
                organisation=waiting.organisation,
                customer=waiting.customer,
                start=new_id(),
                opportunity=opportunity,
                playbook=playbook,
                engine=ENGINE_NOW,
            ),
            id=expansion_workflow_id(waiting.organisation, waiting.customer),
            task_queue=self._task_queue,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            static_summary=f"{waiting.customer_name}: {playbook.title}"[:180],
            static_details=playbook.purpose,
        )

    async def _tell(self, organisation: str, customer: str, name: str, *body: Any) -> bool:
        handle = self._client.get_workflow_handle(expansion_workflow_id(organisation, customer))
        try:
            await handle.signal(name, args=body)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return False
            raise
        return True


def _news(waiting: WaitingCustomer, reasons: dict[str, str]) -> dict[str, str]:
    """The reasons that the store does not have yet."""
    had = {one.id: one.reason for one in waiting.opportunities}
    return {one: why for one, why in reasons.items() if had[one] != why}
