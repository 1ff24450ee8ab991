"""Moves the virtual clocks of runs, one skip of the server at a time.

A fast-forward that the server carries out by itself skips from timer to timer until its target. Server 1.32
takes the next timer instead where real time has passed the target while a run was at work, and a run is at
work for about a second at every timer: a clock that should stop just after one sometimes went on for days
(temporalio/temporal pull request 11373). And one that is asked to skip while a timer is due that has not
fired yet jumps over that timer. So each skip here begins where nothing is under way, and ends the server's
permission to skip. Real time brings timers due as well, and the server fires them up to a second later: what
is due, or about to be, is waited for.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType, PendingActivityState
from temporalio.api.workflow.v1 import PendingActivityInfo
from temporalio.api.workflowservice.v1 import (
    DescribeWorkflowExecutionResponse,
    GetWorkflowExecutionHistoryReverseRequest,
)
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import TimeSkipper, TimeSkippingConfig

from keepwell.errors import KeepwellError

Run = WorkflowHandle[Any, Any]
REAL_SECONDS = 40.0
"""How long to wait, in real time, for what a run does at once; it needs parts of a second."""
OVERSHOT = timedelta(minutes=5)
"""Further than this from where it should have stopped, a clock has jumped: real time alone is less."""
POLL_SECONDS = 0.03
LEAST_SKIP = timedelta(seconds=1)
"""Below this real time does as well, and a skip might find its target passed. What is due within it is waited
for before a skip: it would be due, and jumped over, when the server begins to skip."""
SOON = timedelta(seconds=2)
"""What begins within this, in real time, is under way."""
_SKIPPED = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TIME_SKIPPING_TRANSITIONED
_PAGE = 16
"""Batches of events in a look at the newest. A server that is killed may leave one that does not count; it is
left out of its page only afterwards, and a page of that one alone is empty (server 1.32).
"""
_AGAIN = "Run it again; a machine with much else to do may need that."
_QUIET = 2
"""How often in a row nothing must be under way: between two steps there may be an instant of quiet."""
_FIRST_TASK = 4
"""Events of a run whose first workflow task is done: started, and the task scheduled, begun and completed."""


@dataclass(frozen=True)
class Standing:
    """Where the newest run of a chain stands. `tries` are its pending activities and their attempts."""

    now: datetime
    open: bool
    busy: bool
    tries: frozenset[tuple[str, int]]

    @classmethod
    def of(cls, raw: DescribeWorkflowExecutionResponse) -> Standing:
        """Read the server's answer."""
        extended = raw.workflow_extended_info
        now = datetime.now(UTC)
        if extended.HasField("time_skipping_info"):
            now = extended.time_skipping_info.current_time.ToDatetime(tzinfo=UTC)
        is_open = raw.workflow_execution_info.status == int(WorkflowExecutionStatus.RUNNING)
        tries = frozenset((one.activity_id, one.attempt) for one in raw.pending_activities)
        return cls(now, is_open, is_open and _busy(raw, now), tries)


def _busy(raw: DescribeWorkflowExecutionResponse, now: datetime) -> bool:
    """Whether anything is under way: work, or a skip. What waits for its time is not."""
    if raw.workflow_extended_info.time_skipping_info.effective_config.enabled:
        return True
    if raw.HasField("pending_workflow_task"):
        return True
    info = raw.workflow_execution_info
    if info.history_length < _FIRST_TASK and info.execution_time.ToDatetime(tzinfo=UTC) <= now + SOON:
        # After a take-over the server lets the next run wait for a second, with nothing that is pending.
        return True
    return not all(_waits(one, now) for one in raw.pending_activities)


def _waits(activity: PendingActivityInfo, now: datetime) -> bool:
    """Whether an activity waits for another attempt: the clock can be moved to that."""
    scheduled = activity.state == PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED
    return scheduled and activity.attempt > 1 and activity.scheduled_time.ToDatetime(tzinfo=UTC) > now + SOON


class VirtualClock:
    """The clocks of the runs that are started by its `client`: each has its own.

    Between skips they go on with real time.
    """

    def __init__(self, client: Client) -> None:
        still = TimeSkippingConfig(enabled=False, max_session_skip_count=1)
        self._skipper = TimeSkipper(client, config=still)

    @property
    def client(self) -> Client:
        """The client that runs with a virtual clock are to be started with."""
        return self._skipper.client

    async def look(self, run: Run) -> Standing | None:
        """Where the newest run of a chain stands; None where there is none."""
        try:
            return Standing.of((await run.describe()).raw_description)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return None
            raise

    async def now(self, run: Run) -> datetime:
        """The time on a run's clock, which has to be there."""
        return await self._skipper.get_current_time(run)

    async def settled(self, *runs: Run) -> tuple[Standing | None, ...]:
        """Wait (in real time) until nothing of any of these runs is under way; where each stands then.

        After `REAL_SECONDS` it gives up: one of them is busy then.
        """
        loop = asyncio.get_running_loop()
        end = loop.time() + REAL_SECONDS
        quiet = 0
        while True:
            standings = tuple([await self.look(run) for run in runs])
            quiet = 0 if any(one is not None and one.busy for one in standings) else quiet + 1
            if quiet == _QUIET or loop.time() > end:
                return standings
            await asyncio.sleep(POLL_SECONDS)

    async def forward_to(self, run: Run, moment: datetime, whose: str = "") -> bool:
        """Let time pass until a moment; what was due before has begun then. Whether the chain goes on.

        `whose` clock it is is for people, if it goes wrong; the id of the chain if nothing is said.

        Raises:
            KeepwellError: the clock went further, or what is under way does not end. A repeat may help.
        """
        whose = whose or run.id
        while True:
            standing = await self.look(run)
            if standing is None or not standing.open:
                return False
            if standing.now >= moment:
                return True
            standing = await self._ready(run, moment)
            if standing is None or not standing.open:
                return False
            if standing.busy:
                raise KeepwellError(
                    f"{whose} is still at work after {REAL_SECONDS:.0f} s.", hint=_AGAIN, retryable=True
                )
            await self.skip(run, moment - standing.now, whose)
            _require(whose, moment, await self.look(run))

    async def _ready(self, run: Run, moment: datetime) -> Standing | None:
        """Wait as `settled` does, and where there is a skip to come, for each timer that is due."""
        loop = asyncio.get_running_loop()
        end = loop.time() + REAL_SECONDS
        while True:
            (standing,) = await self.settled(run)
            if standing is None or not standing.open or standing.busy:
                return standing
            if moment - standing.now < LEAST_SKIP:
                return standing
            if min(await self._timers(run), default=moment) > standing.now + LEAST_SKIP:
                return standing
            if loop.time() > end:
                return replace(standing, busy=True)
            await asyncio.sleep(POLL_SECONDS)

    async def _timers(self, run: Run) -> list[datetime]:
        """When each timer of the newest run is due that has neither fired nor been cancelled."""
        due: dict[int, datetime] = {}
        async for event in run.fetch_history_events():
            if event.event_type == EventType.EVENT_TYPE_TIMER_STARTED:
                length = event.timer_started_event_attributes.start_to_fire_timeout.ToTimedelta()
                due[event.event_id] = event.event_time.ToDatetime(tzinfo=UTC) + length
            elif event.event_type == EventType.EVENT_TYPE_TIMER_FIRED:
                due.pop(event.timer_fired_event_attributes.started_event_id, None)
            elif event.event_type == EventType.EVENT_TYPE_TIMER_CANCELED:
                due.pop(event.timer_canceled_event_attributes.started_event_id, None)
        return list(due.values())

    async def skip(self, run: Run, length: timedelta, whose: str = "") -> None:
        """One skip: by a length of time, or to what is due before, which has begun then.

        Nothing may be under way. Very short lengths pass in real time, and none where the chain has ended.
        `whose` clock it is is for people.

        Raises:
            KeepwellError: what is due does not begin.
        """
        if length < LEAST_SKIP:
            await asyncio.sleep(max(length.total_seconds(), 0))
            return
        before = await self.look(run)
        try:
            arrived = await self._skipper.fast_forward(run, length)
        except RPCError as error:
            # It came to its end between the question and the skip.
            if error.status is RPCStatusCode.NOT_FOUND:
                return
            raise
        if not arrived and before is not None:
            await self._begun(run, before.tries, whose or run.id)

    async def _begun(self, run: Run, tries: frozenset[tuple[str, int]], whose: str) -> None:
        """Wait (in real time) until what the clock was moved to has begun: the server may take a second."""
        loop = asyncio.get_running_loop()
        end = loop.time() + REAL_SECONDS
        while loop.time() < end:
            standing = await self.look(run)
            if standing is None or not standing.open or standing.tries != tries:
                return
            if await self._last_event(run) not in (_SKIPPED, None):
                return
            await asyncio.sleep(POLL_SECONDS)
        raise KeepwellError(
            f"What is due for {whose} had not begun after {REAL_SECONDS:.0f} s.", hint=_AGAIN, retryable=True
        )

    async def _last_event(self, run: Run) -> int | None:
        """The kind of the newest event; None where the server gives none."""
        request = GetWorkflowExecutionHistoryReverseRequest(
            namespace=self.client.namespace,
            execution=WorkflowExecution(workflow_id=run.id),
            maximum_page_size=_PAGE,
        )
        service = self.client.workflow_service
        answer = await service.get_workflow_execution_history_reverse(request, retry=True)
        return next((event.event_type for event in answer.history.events), None)


def _require(whose: str, moment: datetime, reached: Standing | None) -> None:
    """Never go on at another time than was asked for: what follows would be another story."""
    if reached is not None and reached.open and reached.now > moment + OVERSHOT:
        raise KeepwellError(
            f"The clock of {whose} should stop at {moment:%Y-%m-%d %H:%M} UTC and went on until "
            f"{reached.now:%Y-%m-%d %H:%M}.",
            hint=_AGAIN,
            retryable=True,
        )
