"""Heartbeats of a worker: a long activity in a thread counts as alive, and the worker's loop goes on."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.common import RetryPolicy
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from keepwell.db.engine import Store
from keepwell.keys import new_id
from keepwell.settings import Settings
from keepwell.temporal import heartbeat
from keepwell.temporal.connect import connect_to
from worker import THREADS, compose, make_worker
from workflows import policies

LASTS = 9.0
EVERY = timedelta(seconds=0.3)
TIMEOUT = 20 * EVERY
"""On a busy machine a heartbeat may come seconds late."""


@activity.defn(no_thread_cancel_exception=True)
def long_in_a_thread() -> int:
    """Longer than its heartbeat time-out; tells which attempt it was."""
    time.sleep(LASTS)
    return activity.info().attempt


@activity.defn
async def long_on_the_loop() -> int:
    await asyncio.sleep(LASTS)
    return activity.info().attempt


@workflow.defn
class Long:
    @workflow.run
    async def run(self, name: str) -> int:
        attempt: int = await workflow.execute_activity(
            name,
            start_to_close_timeout=timedelta(seconds=60),
            heartbeat_timeout=TIMEOUT,
            retry_policy=RetryPolicy(maximum_attempts=3),
            result_type=int,
        )
        return attempt


async def _longest_gap() -> float:
    """How long the loop stood still at worst, until cancelled."""
    longest = 0.0
    try:
        while True:
            before = time.monotonic()
            await asyncio.sleep(0.05)
            longest = max(longest, time.monotonic() - before)
    except asyncio.CancelledError:
        return longest


@pytest.mark.parametrize("name", ["long_in_a_thread", "long_on_the_loop"])
async def test_a_long_activity_is_alive_and_stops_nobody(
    name: str, temporal_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "EVERY_SECONDS", EVERY.total_seconds())
    client, queue = await Client.connect(temporal_address), new_id()
    gap = asyncio.create_task(_longest_gap())
    await asyncio.sleep(0)
    with ThreadPoolExecutor(2) as executor:
        worker = Worker(
            client,
            task_queue=queue,
            workflows=[Long],
            activities=[long_in_a_thread, long_on_the_loop],
            activity_executor=executor,
            interceptors=[heartbeat.Heartbeats()],
            workflow_runner=UnsandboxedWorkflowRunner(),
            max_heartbeat_throttle_interval=EVERY,
        )
        async with worker:
            attempt = await client.execute_workflow(Long.run, name, id=new_id(), task_queue=queue)
    gap.cancel()
    assert attempt == 1, "without heartbeats the server gives the activity to another attempt"
    # A busy machine may hold the loop up for seconds; a blocked one stands still for the whole activity.
    assert await gap < LASTS, "the worker's loop stood still"


async def test_a_worker_passes_each_heartbeat_on(temporal_address: str, sqlite_store: Store) -> None:
    """Left to itself the SDK keeps them back for four fifths of the time-out: 12 of 15 s."""
    settings, client = Settings(task_queue=new_id()), await connect_to(temporal_address)
    with ThreadPoolExecutor(THREADS) as executor:
        async with make_worker(settings, client, compose(settings, sqlite_store, client), executor) as worker:
            throttle = worker.config()["max_heartbeat_throttle_interval"]
    assert throttle <= timedelta(seconds=heartbeat.EVERY_SECONDS) < policies.HEARTBEAT / 3
