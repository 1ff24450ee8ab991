"""The shared run of an intervention: wait, run the step, read what arrived, until an end is reached."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import assert_never

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

from activities.interventions import InterventionActivities
from activities.steps import StepActivities
from keepwell.contracts.campaigns import held_words
from keepwell.contracts.intervention import (
    RECOVERED,
    Closed,
    InterventionInput,
    Miss,
    NotOpened,
    Outcome,
    ScoreChange,
    StepCall,
    StepResult,
    StepState,
)
from keepwell.contracts.offers import OfferState
from keepwell.contracts.playbook import REVIEW, Assign, Document, Escalate, Offer, Send, Step, Task
from workflows import policies
from workflows.chain import Chain
from workflows.details import cut, next_words
from workflows.show import show
from workflows.standing import ENGINE, Exit


class InterventionRun(Chain):
    """One intervention. A playbook's workflow type is a subclass that adds nothing but its name."""

    async def carry_out(self, entry: InterventionInput) -> Closed:
        """From the claim of the transition to the outcome."""
        state = self.state
        if entry.carry is None:
            answer = await self.open()
            if answer.holds:
                playbook = "" if isinstance(answer, NotOpened) else entry.playbook.label
                await self.tell_expansion(held_words(playbook, entry.cause.level))
            if isinstance(answer, NotOpened):
                return await self.leave(Closed(intervention=None, outcome="not_opened", why=answer.reason))
            state.begin(answer)
            await self.silence(answer, entry.playbook.label)
        ended = await self._play()
        await self.end(ended, self._review() if self._wants_review(ended) else None)
        assert state.opened is not None  # noqa: S101  (begin() has set it)
        return await self.leave(
            Closed(intervention=state.opened.intervention, outcome=ended.outcome, why=ended.why)
        )

    async def _play(self) -> Exit:
        """The playbook, step by step; returns why it ended."""
        state, playbook = self.state, self.state.entry.playbook
        while (step := state.next_step()) is not None and state.exit is None:
            await self._come_to(step)
        if state.exit is None and not state.answered:
            await self._until(playbook.closes_at, None)
            # An offer that was accepted meanwhile may have added steps.
            while state.exit is None and (step := state.next_step()) is not None:
                await self._come_to(step)
        return state.exit or state.ending()

    async def _come_to(self, step: Step) -> None:
        """Wait for a step and run it; come back where another one is first now."""
        await self._until(self.state.due(step), step)
        if self.state.exit is None and self._wanted(step):
            await self._perform(step)

    def _wanted(self, step: Step) -> bool:
        """Whether a step still has to run, and is the next to do so."""
        state = self.state
        return state.runs(step) and (state.entry.engine < 5 or state.next_step() is step)

    async def _until(self, at: timedelta, step: Step | None) -> None:
        """Let the playbook's clock reach `at`; come back at once when that is not needed any more."""
        state = self.state
        while True:
            await self._read()
            state.looks = False
            needless = state.answered if step is None else not self._wanted(step)
            if state.exit is not None or needless or state.clock is None:
                return
            now = workflow.now()
            if step is not None and state.entry.engine > 4:
                at = state.due(step)
            left = at - state.clock.elapsed(now)
            if not state.stands and left <= timedelta():
                return
            show(self.state, step, self.shown)
            await self._sleep(left, cut(f"next: {next_words(state, step, now)}"))

    async def _sleep(self, left: timedelta, summary: str) -> None:
        """Sleep while nothing arrives: `left` on the running clock, or until the pause is over."""
        clock = self.state.clock
        timeout: timedelta | None = left
        if clock is not None and clock.stopped_at is not None:
            timeout = None if clock.paused_until is None else clock.paused_until - workflow.now()
            if timeout is not None and timeout <= timedelta():
                self.state.resume(workflow.now(), ENGINE, str(workflow.uuid4()))
                return
        await self.pause_until(self._disturbed, timeout, summary)

    def _disturbed(self) -> bool:
        return bool(self.state.inbox or self.state.notes or self.state.exit or self.state.looks)

    async def _read(self) -> None:
        """Write what commands did, and look at the score changes that arrived."""
        while self.state.notes or (self.state.inbox and self.state.exit is None):
            await self.flush()
            if self.state.inbox and self.state.exit is None:
                await self._consider(self.state.inbox.pop(0))

    async def _consider(self, change: ScoreChange) -> None:
        """Recovery ends the run, a worse level takes it over, anything else is refused with a reason."""
        state = self.state
        running = state.entry.playbook
        if running.level is None:
            await self.refuse(change, "no_risk_playbook", f"{running.label} is no risk playbook")
            return
        if change.sequence < state.sequence or state.outdated(change):
            await self.refuse(change, "older", "A newer transition of this customer came first")
            return
        state.sequence = change.sequence
        if change.level in RECOVERED:
            why = f"The level is {change.level.value} again, score {change.score:.1f}"
            state.exit = Exit(Outcome.RECOVERED, why, ENGINE, change)
        elif change.level.severity <= running.level.severity:
            reason = f"{running.label} goes on: {change.level.value} is not a recovery"
            await self.refuse(change, "goes_on", reason)
        else:
            await self.take_over(change)

    async def _perform(self, step: Step) -> None:
        """Run one step; a deferral waits, a pause or an exit interrupts, a miss becomes a task."""
        state = self.state
        while state.exit is None and self._wanted(step):
            result = await self._attempt(step)
            if result is None:
                await self._until(state.due(step), step)
            elif result.state is StepState.DEFERRED and result.until is not None:
                assert state.clock is not None  # noqa: S101
                until = max(result.until, workflow.now() + policies.LEAST_DEFERRAL)
                if state.entry.engine > 4:
                    self._put_off(step, until, result.why)
                    break
                await self._until(state.clock.elapsed(until), step)
            else:
                self._take(step, result)

    def _take(self, step: Step, result: StepResult) -> None:
        """What an attempt has come to."""
        state = self.state
        if state.runs(step):
            state.steps[step.name] = result.state
        if result.owner_name is not None:
            state.owner = result.owner_name
        if result.offer is not None and state.offer.state is None:
            state.offer.state, state.offer.until = OfferState.OFFERED, result.offer.until
        state.sent.append(f"{workflow.now():%d %b %H:%M} {step.name}: {result.state.value}, {result.why}")

    def _put_off(self, step: Step, until: datetime, why: str) -> None:
        """Others go on meanwhile; unless what it waits for was over before we heard that it waits."""
        state, now = self.state, workflow.now()
        if state.runs(step):
            state.put_off(step, now if state.looks else until, why, now)
        state.looks = False

    async def _attempt(self, step: Step) -> StepResult | None:
        """Try a step until its window closes; None when something else has to be looked at first.

        What people do meanwhile is written at once. An attempt that is called off in between is not a
        miss, whatever became of it: the ledger knows, and the step is tried again or not needed.
        """
        call, window = self._call(step)
        attempt = asyncio.ensure_future(self._activity(step, call, window))
        called_off = False
        while not attempt.done() and not called_off:
            await self.pause_until(
                lambda: attempt.done() or self._interrupted(step) or bool(self.state.notes)
            )
            called_off = not attempt.done() and self._interrupted(step)
            if called_off:
                attempt.cancel()
            await self.flush()
        try:
            return await self.surely(attempt)
        except ActivityError as error:
            if called_off or is_cancelled_exception(error):
                return None
            return await self.store(
                InterventionActivities.miss_step, Miss(call=call, reason=str(error.cause or error))
            )

    def _interrupted(self, step: Step) -> bool:
        state = self.state
        return state.exit is not None or state.stands or bool(state.inbox) or not state.runs(step)

    def _call(self, step: Step) -> tuple[StepCall, timedelta]:
        """The step's call and how long it may be tried, on the playbook's clock."""
        state, entry, now = self.state, self.state.entry, workflow.now()
        assert state.opened is not None and state.clock is not None  # noqa: S101, PT018
        window = policies.STEP_WINDOW
        if step.within is not None:
            # Put off for a reason of ours, it has its whole time again: quiet hours are no miss.
            began = step.at if entry.engine < 5 else state.due(step)
            window = max(began + step.within - state.clock.elapsed(now), policies.LEAST_WINDOW)
        call = StepCall(
            organisation=entry.organisation,
            customer=entry.customer,
            intervention=state.opened.intervention,
            playbook=entry.playbook.label,
            step=step,
            templates=entry.playbook.templates,
            now=now,
        )
        return call, window

    async def _activity(self, step: Step, call: StepCall, window: timedelta) -> StepResult:
        match step:
            case Send():
                activity = StepActivities.send_message
            case Assign():
                activity = StepActivities.assign_owner
            case Task():
                activity = StepActivities.create_task
            case Document():
                activity = StepActivities.write_document
            case Escalate():
                activity = StepActivities.escalate
            case Offer():
                activity = StepActivities.make_offer
            case _:
                assert_never(step)
        if self.state.entry.engine > 1 and not isinstance(step, Send | Escalate):
            return await workflow.execute_local_activity_method(
                activity,
                call,
                schedule_to_close_timeout=window,
                start_to_close_timeout=policies.STEP_TIMEOUT,
                retry_policy=policies.STEP_RETRY,
                local_retry_threshold=policies.LOCAL_RETRY,
                cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
                summary=cut(f"{step.name}: {step.why}"),
            )
        return await workflow.execute_activity_method(
            activity,
            call,
            schedule_to_close_timeout=window,
            start_to_close_timeout=policies.STEP_TIMEOUT,
            heartbeat_timeout=policies.HEARTBEAT,
            retry_policy=policies.STEP_RETRY,
            # The attempt that runs is let finish: what it sent is then known, not guessed.
            cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
            summary=cut(f"{step.name}: {step.why}"),
        )

    def _wants_review(self, ended: Exit) -> bool:
        """Nobody answered and the customer is still at risk; a campaign that ends asks nobody."""
        return ended.outcome is Outcome.COMPLETED and self.state.entry.playbook.level is not None

    def _review(self) -> StepCall:
        step = Task(name="review", template=REVIEW, due=timedelta(days=2), why="The level has not changed")
        return self._call(step)[0]
