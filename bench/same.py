"""The second baseline of the playbook benchmark: the production activities, called by a plain workflow.

What somebody would write by hand with the SDK around the same activities, each an ordinary one: no command,
pause, take-over, search attribute or window. What a playbook costs beyond this is what its run adds.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any, assert_never

from temporalio import workflow

from keepwell.contracts.base import Frozen
from keepwell.contracts.intervention import Ending, InterventionInput, Opened, OpenRequest, Outcome, StepCall
from keepwell.contracts.playbook import Assign, Document, Escalate, Offer, Send, Step, Task

TIMEOUT = timedelta(seconds=90)


class SameInput(Frozen):
    """A playbook's run; `gap` seconds lie between two of its moments."""

    entry: InterventionInput
    gap: float


@workflow.defn(name="Same")
class Same:
    """Open, step, timer, step, …, end."""

    @workflow.run
    async def run(self, given: SameInput) -> int:
        """Returns the number of steps."""
        entry = given.entry
        opened: Opened = await self._do("open_intervention", _request(entry), Opened)
        at = timedelta()
        for step in entry.playbook.steps:
            if step.at != at:
                await asyncio.sleep(given.gap)
                at = step.at
            await self._do(_activity(step), _call(entry, opened, step))
        await asyncio.sleep(given.gap)
        await self._do("end_intervention", _ending(entry, opened))
        return len(entry.playbook.steps)

    async def _do(self, name: str, given: Frozen, result: type | None = None) -> Any:
        return await workflow.execute_activity(
            name, given, start_to_close_timeout=TIMEOUT, heartbeat_timeout=TIMEOUT, result_type=result
        )


def _activity(step: Step) -> str:
    match step:
        case Send():
            return "send_message"
        case Assign():
            return "assign_owner"
        case Task():
            return "create_task"
        case Document():
            return "write_document"
        case Escalate():
            return "escalate"
        case Offer():
            return "make_offer"
        case _:
            assert_never(step)


def _request(entry: InterventionInput) -> OpenRequest:
    return OpenRequest(
        organisation=entry.organisation,
        customer=entry.customer,
        start=entry.start,
        change=entry.change,
        playbook=entry.playbook,
        workflow_id=workflow.info().workflow_id,
        now=workflow.now(),
    )


def _call(entry: InterventionInput, opened: Opened, step: Step) -> StepCall:
    return StepCall(
        organisation=entry.organisation,
        customer=entry.customer,
        intervention=opened.intervention,
        playbook=entry.playbook.label,
        step=step,
        templates=entry.playbook.templates,
        now=workflow.now(),
    )


def _ending(entry: InterventionInput, opened: Opened) -> Ending:
    return Ending(
        organisation=entry.organisation,
        customer=entry.customer,
        intervention=opened.intervention,
        outcome=Outcome.COMPLETED,
        why="All is done",
        by="engine",
        now=workflow.now(),
    )
