"""A run's place in its customer's chain: the claim, the timeline, the end, and the next run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from activities.interventions import InterventionActivities
from keepwell.contracts.campaigns import held_words
from keepwell.contracts.commands import Stop
from keepwell.contracts.events import ToldToEnd, left_open_words, silent_words
from keepwell.contracts.intervention import (
    ENGINE_NOW,
    Carry,
    Closed,
    Ending,
    InterventionInput,
    NotOpened,
    Opened,
    OpenRequest,
    Outcome,
    Record,
    Refusal,
    ScoreChange,
    Silenced,
    StepCall,
    TakeOver,
)
from keepwell.keys import expansion_workflow_id, takeover_start
from workflows import policies
from workflows.details import cut
from workflows.handlers import Handlers
from workflows.show import show
from workflows.standing import ENGINE, Exit

LOCAL = (InterventionActivities.open_intervention, InterventionActivities.end_intervention)
"""What a run asks of the store at its borders, as local activities: a sixth of the events.

What people do in between is written by ordinary ones: while a local activity runs, the run takes no update,
and in a burst of commands for many customers (tried: 60 with 11 each) updates then timed out. From engine 5
on the end is an ordinary one, too: a local one that has written the outcome is forgotten when its workflow
task is tried again, and what arrived meanwhile could then talk the run out of the end that is written.
"""

CANCELLED = "The run was cancelled in Temporal"

In = TypeVar("In")
Out = TypeVar("Out")


class Chain(Handlers):
    """What a run asks of the store, and how it hands over to the next run."""

    def __init__(self, entry: InterventionInput) -> None:
        super().__init__(entry)
        self.shown: dict[str, object] = {}
        self.taken_over: TakeOver | None = None
        self.request: OpenRequest | None = None
        self.cancelled = self.cancelled_anew = False

    async def flush(self) -> None:
        state = self.state
        while state.notes:
            notes, state.notes = tuple(state.notes), []
            recorded = await self.store(
                InterventionActivities.record_notes,
                Record(
                    organisation=state.entry.organisation,
                    customer=state.entry.customer,
                    intervention=state.opened.intervention if state.opened else None,
                    notes=notes,
                ),
                cut("; ".join(f"{note.text} ({note.by})" for note in notes)),
            )
            if state.opened is not None:
                state.owner = recorded.owner_name
            if state.clock is not None and recorded.shift is not None and not state.notes:
                state.clock.adopt(recorded.shift, recorded.paused_at, recorded.held_at)

    async def open(self) -> Opened | NotOpened:
        return await self.store(InterventionActivities.open_intervention, self._request())

    async def tell_expansion(self, hold: str = "") -> None:
        """Hold the customer's expansion, saying why, or let it go on. One that has ended needs neither."""
        entry = self.state.entry
        campaign = workflow.get_external_workflow_handle(
            expansion_workflow_id(entry.organisation, entry.customer)
        )
        told = campaign.signal("hold", hold) if hold else campaign.signal("release")
        try:
            await self.surely(asyncio.ensure_future(told))
        except ApplicationError:
            workflow.logger.info("The expansion has ended meanwhile", extra={"customer": entry.customer})

    async def silence(self, opened: Opened, playbook: str) -> None:
        """Tell the customer's event playbooks that this one speaks now."""
        why = silent_words(playbook)
        for one in opened.silences:
            other = workflow.get_external_workflow_handle(one.workflow_id)
            told = ToldToEnd(intervention=one.intervention, why=why)
            try:
                await self.surely(asyncio.ensure_future(other.signal("give_way", told)))
            except ApplicationError:
                await self._close_left_open(one, why)

    async def _close_left_open(self, gone: Silenced, why: str) -> None:
        """No run is left to hear it (terminated, or failed). One that ended by itself has its outcome."""
        ending = Ending(
            organisation=self.state.entry.organisation,
            customer=self.state.entry.customer,
            intervention=gone.intervention,
            outcome=Outcome.SUPERSEDED,
            why=left_open_words(why),
            by=ENGINE,
            now=workflow.now(),
        )
        await self.store(InterventionActivities.end_intervention, ending)

    async def take_over(self, change: ScoreChange) -> TakeOver | NotOpened:
        """Claim a change for the next run of this chain; on success this intervention is superseded."""
        state, clock = self.state, self.state.clock
        number = (state.entry.carry.takeovers if state.entry.carry else 0) + 1
        alive = state.opened is not None and not state.closed
        request = self._request().model_copy(
            update={
                "start": takeover_start(state.entry.start.split(".")[0], number),
                "change": change,
                "playbook": None,
                "supersedes": state.opened.intervention if state.opened and alive else None,
                "paused": alive and state.paused,
                "paused_until": clock.paused_until if clock and alive else None,
                "pause_reason": state.pause_reason if alive else "",
            }
        )
        state.handing_over = True
        answer = await self.store(InterventionActivities.take_over, request)
        state.handing_over = False
        if isinstance(answer, TakeOver):
            self.taken_over, self.request = answer, request
            if alive:
                why = f"{answer.playbook.label} took over: the level is {change.level.value}"
                state.exit = Exit(Outcome.SUPERSEDED, why, ENGINE, change)
        elif alive:
            state.read_waiting(workflow.now())
        return answer

    def _request(self) -> OpenRequest:
        entry = self.state.entry
        return OpenRequest(
            organisation=entry.organisation,
            customer=entry.customer,
            start=entry.start,
            change=entry.change,
            opportunity=entry.opportunity,
            alert=entry.alert,
            playbook=entry.playbook,
            workflow_id=workflow.info().workflow_id,
            now=workflow.now(),
        )

    async def refuse(self, change: ScoreChange, code: str, reason: str) -> None:
        await self.store(
            InterventionActivities.refuse_transition,
            Refusal(
                organisation=self.state.entry.organisation,
                transition=change.transition,
                code=code,
                reason=reason,
                now=workflow.now(),
            ),
        )

    async def end(self, ended: Exit, review: StepCall | None = None) -> None:
        """Write the outcome. A take-over has written it already, with the claim of the next one."""
        state, entry = self.state, self.state.entry
        assert state.opened is not None  # noqa: S101
        state.exit = ended
        await self.flush()
        state.closed = True
        if ended.outcome is not Outcome.SUPERSEDED or self.taken_over is None:
            ending = Ending(
                organisation=entry.organisation,
                customer=entry.customer,
                intervention=state.opened.intervention,
                outcome=ended.outcome,
                why=ended.why,
                by=ended.by,
                now=workflow.now(),
                review=review,
                transition=ended.change.transition if ended.change else None,
            )
            written = await self.store(InterventionActivities.end_intervention, ending)
            if written is not None and written.releases:
                await self.tell_expansion()
        show(state, None, self.shown)

    async def leave(self, closed: Closed) -> Closed:
        """End the run, or go on as the next one, with nothing that arrived meanwhile lost."""
        state = self.state
        state.closed = True
        while True:
            if self.taken_over is None:
                state.refuse_waiting(closed.why, workflow.now())
            await self.flush()
            await self.pause_until(workflow.all_handlers_finished)
            if self.taken_over is not None:
                self._continue(self.taken_over)
            if state.notes or (state.waiting and self.taken_over is None):
                continue
            if not state.inbox and self.cancelled:
                raise asyncio.CancelledError
            if not state.inbox:
                return closed
            await self._begin_anew(state.inbox.pop(0))

    async def _begin_anew(self, change: ScoreChange) -> None:
        """A change that arrived when this intervention was over: it may hold the expansion, or let it go."""
        before = self.cancelled
        answer = await self.take_over(change)
        if self.cancelled and not before:
            self.cancelled_anew = True
        if isinstance(answer, NotOpened):
            holds, playbook = answer.holds, ""
        else:
            holds, playbook = answer.opened.holds, answer.playbook.label
        if holds and self.state.entry.engine > 2:
            await self.tell_expansion(held_words(playbook, change.level))
        if isinstance(answer, NotOpened) and answer.releases and self.state.entry.engine > 4:
            # Well again between the end in the store, when this still held it, and now.
            await self.tell_expansion()
        if isinstance(answer, TakeOver):
            await self.silence(answer.opened, playbook)

    def _continue(self, answer: TakeOver) -> None:
        state, entry = self.state, self.state.entry
        request = self.request
        assert request is not None  # noqa: S101  (set with the answer)
        earlier = [f"{line} ({entry.playbook.label})" for line in state.sent]
        superseded = state.exit is not None and state.exit.outcome is Outcome.SUPERSEDED
        if self.cancelled_anew or (self.cancelled and superseded):
            # Cancelled during the take-over. The server forgets it with this run: the next one stops.
            stop = Stop(id=f"cancelled/{request.start}", by="ops", reason=CANCELLED)
            state.waiting.append(stop)
        carry = Carry(
            opened=answer.opened,
            inbox=tuple(state.inbox),
            waiting=tuple(state.waiting),
            seen=tuple(state.seen),
            takeovers=(entry.carry.takeovers if entry.carry else 0) + 1,
            earlier=(*(entry.carry.earlier if entry.carry else ()), *earlier)[-30:],
            paused=request.paused,
            paused_until=request.paused_until,
            pause_reason=request.pause_reason,
        )
        next_entry = InterventionInput(
            organisation=entry.organisation,
            customer=entry.customer,
            start=request.start,
            change=request.change,
            playbook=answer.playbook,
            carry=carry,
            engine=ENGINE_NOW,
        )
        workflow.continue_as_new(args=[next_entry], workflow=answer.playbook.workflow)

    async def store(
        self, activity: Callable[[Any, In], Out], argument: In, summary: str | None = None
    ) -> Out:
        """An activity that keeps the store in step; it is always let finish."""
        if self._is_local(activity):
            local: workflow.ActivityHandle[Out] = workflow.start_local_activity(
                activity,
                args=[argument],
                start_to_close_timeout=policies.STORE_TIMEOUT,
                retry_policy=policies.STORE_RETRY,
                local_retry_threshold=policies.LOCAL_RETRY,
                summary=summary,
            )
            return await self.surely(local)
        handle = workflow.start_activity_method(
            activity,
            argument,
            start_to_close_timeout=policies.STORE_TIMEOUT,
            heartbeat_timeout=policies.HEARTBEAT,
            retry_policy=policies.STORE_RETRY,
            summary=summary,
        )
        return await self.surely(handle)

    def _is_local(self, activity: object) -> bool:
        engine = self.state.entry.engine
        if activity == InterventionActivities.end_intervention and engine > 4:
            return False
        return engine > 1 and activity in LOCAL

    async def surely(self, work: asyncio.Future[Out]) -> Out:
        """Wait for work to end also when the run is cancelled meanwhile: half done is worse than late."""
        while True:
            try:
                return await asyncio.shield(work)
            except asyncio.CancelledError:
                if work.cancelled():
                    raise
                self._cancelled_by_ops()

    async def pause_until(
        self, ready: Callable[[], bool], longest: timedelta | None = None, summary: str | None = None
    ) -> None:
        """Wait for a condition, a time-out, or the cancellation of the run."""
        try:
            await workflow.wait_condition(ready, timeout=longest, timeout_summary=summary)
        except TimeoutError:
            return
        except asyncio.CancelledError:
            self._cancelled_by_ops()

    def _cancelled_by_ops(self) -> None:
        """A cancellation in Temporal is a stop by ops: it ends the intervention like any other."""
        self.cancelled = True
        if self.state.exit is None:
            self.state.exit = Exit(Outcome.STOPPED, CANCELLED, "ops")
