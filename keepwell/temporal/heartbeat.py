"""Every activity tells Temporal that it is alive, so that a killed worker is noticed within seconds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from temporalio.worker import (
    ActivityInboundInterceptor,
    ActivityOutboundInterceptor,
    ExecuteActivityInput,
    Interceptor,
)

EVERY_SECONDS = 4.0
"""Several times within the shortest heartbeat time-out."""


class Heartbeats(Interceptor):
    """Worker interceptor: heartbeats for as long as an activity runs, in its thread or on the loop."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        """Put ourselves before the activity."""
        return _Beating(next)


class _Beating(ActivityInboundInterceptor):
    def init(self, outbound: ActivityOutboundInterceptor) -> None:
        # `activity.heartbeat()` will not do here: for an activity in a thread it waits for the event loop,
        # and called on the loop it would stop the whole worker for 10 s and then fail.
        self._heartbeat = outbound.heartbeat
        super().init(outbound)

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        beat = asyncio.create_task(_beat(self._heartbeat))
        try:
            return await self.next.execute_activity(input)
        finally:
            beat.cancel()


async def _beat(heartbeat: Callable[[], None]) -> None:
    while True:
        await asyncio.sleep(EVERY_SECONDS)
        heartbeat()
