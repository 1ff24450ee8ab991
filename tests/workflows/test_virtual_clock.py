"""The virtual clock stops where it is told to, on a real server, whatever runs are doing at that moment."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from temporalio import activity, workflow
from temporalio.api.enums.v1 import EventType
from temporalio.api.workflowservice.v1 import GetWorkflowExecutionHistoryReverseRequest as ReverseRequest
from temporalio.api.workflowservice.v1 import GetWorkflowExecutionHistoryReverseResponse as ReverseResponse
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError
from temporalio.testing import TimeSkipper, TimeSkippingConfig
from temporalio.worker import Worker

from keepwell.errors import KeepwellError
from keepwell.keys import new_id
from keepwell.temporal.connect import connect_to
from keepwell.temporal.virtual_clock import LEAST_SKIP, OVERSHOT, Run, VirtualClock

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
HELD = 15.0
"""Seconds at work for what a test ends by itself."""

tries: list[int] = []
let_go = threading.Event()
"""Ends the work that is done at this moment."""


@activity.defn
def works(seconds: float) -> None:
    """Be at work for a while; a length below zero fails as often, and is tried again an hour later."""
    if seconds < 0:
        tries.append(activity.info().attempt)
        if activity.info().attempt <= -seconds:
            raise ApplicationError("not yet", next_retry_delay=timedelta(hours=1))
        return
    let_go.wait(seconds)


@workflow.defn(name="Days")
class Days:
    """Works at the beginning of each of its days, and tells when each of them began."""

    @workflow.run
    async def run(self, days: int, seconds: float) -> list[str]:
        began, done = workflow.now(), []
        for day in range(1, days + 1):
            await workflow.sleep(max(began + day * DAY - workflow.now(), timedelta()))
            done.append(f"{(workflow.now() - began) / DAY:.2f}")
            await workflow.execute_activity(
                works, seconds, start_to_close_timeout=timedelta(seconds=20), retry_policy=RetryPolicy()
            )
        return done


class Playing:
    """A run of `Days` and its clock."""

    def __init__(self, clock: VirtualClock, run: Run) -> None:
        self.clock, self.run = clock, run

    async def now(self) -> datetime:
        return await self.clock.now(self.run)

    async def fired(self) -> int:
        """How many of its timers have fired."""
        events = [one.event_type async for one in self.run.fetch_history_events()]
        return events.count(EventType.EVENT_TYPE_TIMER_FIRED)

    async def first_due(self) -> datetime:
        """When its first timer is due."""
        started = [one async for one in self.run.fetch_history_events()]
        [event] = [one for one in started if one.event_type == EventType.EVENT_TYPE_TIMER_STARTED]
        length: timedelta = event.timer_started_event_attributes.start_to_fire_timeout.ToTimedelta()
        return event.event_time.ToDatetime(tzinfo=UTC) + length


@asynccontextmanager
async def playing(address: str, days: int, seconds: float = 0.0) -> AsyncIterator[Playing]:
    """A run under way, with a worker."""
    let_go.clear()
    clock = VirtualClock(await connect_to(address))
    queue = f"days-{new_id()}"
    with ThreadPoolExecutor(2) as executor:
        async with Worker(
            clock.client, task_queue=queue, workflows=[Days], activities=[works], activity_executor=executor
        ):
            run = await clock.client.start_workflow(
                "Days", args=[days, seconds], id=queue, task_queue=queue, result_type=list[str]
            )
            chain = clock.client.get_workflow_handle(run.id, result_type=list[str])
            await clock.settled(chain)
            yield Playing(clock, chain)


@pytest.mark.parametrize("seconds", [0.0, 0.3, 0.9, 1.1])
async def test_it_stops_in_the_middle_of_a_days_work(temporal_address: str, seconds: float) -> None:
    """A target just after a timer: real time passes it while the run is at work."""
    async with playing(temporal_address, 4, seconds) as play:
        began = await play.now()
        for day in (1, 2, 3):
            moment = began + day * DAY + SECOND
            assert await play.clock.forward_to(play.run, moment)
            assert timedelta() <= await play.now() - moment < OVERSHOT
        assert not await play.clock.forward_to(play.run, began + 5 * DAY)
        assert await play.run.result() == ["1.00", "2.00", "3.00", "4.00"]


async def test_a_very_short_time_passes_by_itself(temporal_address: str) -> None:
    """The server finds the target of such a skip passed, and goes on to the next timer instead."""
    short = timedelta(microseconds=1)
    async with playing(temporal_address, 2) as play:
        before = await play.now()
        for length in (short, LEAST_SKIP / 4, LEAST_SKIP - short):
            await play.clock.skip(play.run, length)
        assert LEAST_SKIP - short <= await play.now() - before < DAY / 2
        server = TimeSkipper(play.clock.client, config=TimeSkippingConfig(enabled=False))
        await server.fast_forward(play.run, short)
        assert await play.now() - before > DAY / 2, "the server is mended: is this still needed?"


async def test_a_skip_ends_at_what_is_due_first_which_has_begun_then(temporal_address: str) -> None:
    async with playing(temporal_address, 3) as play:
        before = await play.now()
        await play.clock.skip(play.run, 2.5 * DAY)
        assert await play.now() - before < 1.5 * DAY
        assert await play.fired() == 1


async def test_a_look_at_history_that_shows_nothing_is_repeated(
    temporal_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a server answers that was killed: its newest page may hold only what does not count."""
    clock, queue, asked = VirtualClock(await connect_to(temporal_address)), f"days-{new_id()}", []
    async with Worker(clock.client, task_queue=queue, workflows=[Days]):
        run = await clock.client.start_workflow("Days", args=[3, 0.0], id=queue, task_queue=queue)
        await clock.settled(run)
    # Without a worker only the history tells that the timer has fired.
    service = clock.client.workflow_service
    ask = service.get_workflow_execution_history_reverse

    async def empty_at_first(request: ReverseRequest, **given: Any) -> ReverseResponse:
        asked.append(request.maximum_page_size)
        return ReverseResponse() if len(asked) < 3 else await ask(request, **given)

    monkeypatch.setattr(service, "get_workflow_execution_history_reverse", empty_at_first)
    await clock.skip(run, 2.5 * DAY)
    assert len(asked) >= 3
    assert min(asked) > 1, "a page of what does not count alone is empty each time"
    assert await Playing(clock, run).fired() == 1
    await run.terminate()


@pytest.mark.parametrize("later", [0.58, 0.65])
async def test_a_timer_that_is_due_and_has_not_fired_is_not_jumped_over(
    temporal_address: str, later: float
) -> None:
    """A skip ends just before it, and real time brings it due: the server takes its time to fire it."""
    async with playing(temporal_address, 4) as play:
        due = await play.first_due()
        stop = due - 0.6 * SECOND
        assert await play.clock.forward_to(play.run, stop)
        await asyncio.sleep((stop - await play.now()).total_seconds() + later)
        assert await play.clock.forward_to(play.run, due + DAY / 2)
        assert await play.fired() == 1
        assert not await play.clock.forward_to(play.run, due + 5 * DAY)
        assert await play.run.result() == ["1.00", "2.00", "3.00", "4.00"]


async def test_several_timers_on_the_way_each_fire_at_their_time(temporal_address: str) -> None:
    async with playing(temporal_address, 5) as play:
        began = await play.now()
        assert await play.clock.forward_to(play.run, began + 4.5 * DAY)
        assert not await play.clock.forward_to(play.run, began + 6 * DAY)
        assert await play.run.result() == ["1.00", "2.00", "3.00", "4.00", "5.00"]


async def test_waiting_for_another_attempt_is_skipped_too(temporal_address: str) -> None:
    """It fails twice, and is tried again an hour later each time; after any skip the server tries at once."""
    tries.clear()
    async with playing(temporal_address, 1, -2) as play:
        began = await play.now()
        assert await play.clock.forward_to(play.run, began + DAY)
        assert not await play.clock.forward_to(play.run, began + DAY + timedelta(hours=3))
        assert tries == [1, 2, 3]
        assert await play.run.result() == ["1.00"]


async def test_a_run_that_starts_late_begins_then(temporal_address: str) -> None:
    clock = VirtualClock(await connect_to(temporal_address))
    queue = f"days-{new_id()}"
    async with Worker(clock.client, task_queue=queue, workflows=[Days]):
        started = await clock.client.start_workflow(
            "Days", args=[0, 0.0], id=queue, task_queue=queue, start_delay=3 * DAY, result_type=list[str]
        )
        run = clock.client.get_workflow_handle(started.id, result_type=list[str])
        began = await clock.now(run)
        assert await clock.forward_to(run, began + 2 * DAY)
        assert not await clock.forward_to(run, began + 4 * DAY)
        assert await run.result() == []
        ended = await clock.now(run)
        assert 3 * DAY <= ended - began < 3.5 * DAY, "it began late, or the clock went on"


async def test_what_does_not_exist_has_no_time_to_pass(temporal_address: str) -> None:
    clock = VirtualClock(await connect_to(temporal_address))
    run = clock.client.get_workflow_handle("risk/nowhere/nobody")
    assert await clock.look(run) is None
    assert await clock.settled(run) == (None,)
    assert not await clock.forward_to(run, datetime.now().astimezone() + DAY)


async def test_a_run_that_does_not_come_to_rest_is_not_moved(
    temporal_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its clock stays: nothing may be jumped over."""
    async with playing(temporal_address, 2, HELD) as play:
        began = await play.now()
        await play.clock.skip(play.run, 2 * DAY)
        monkeypatch.setattr("keepwell.temporal.virtual_clock.REAL_SECONDS", 0.3)
        try:
            with pytest.raises(KeepwellError, match="still at work") as refused:
                await play.clock.forward_to(play.run, began + 3 * DAY, "Acme")
            assert await play.now() < began + 1.5 * DAY
        finally:
            let_go.set()
        assert refused.value.retryable
        assert refused.value.message.startswith("Acme")
