"""As many runs under way as the machine can take, and no more: then what ends in a second is its capacity."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

from temporalio.client import WorkflowHandle

Start = Callable[[], Awaitable[WorkflowHandle[Any, Any]]]

LOOKED_AT = 20
"""Ends that say how late runs are at the moment."""

PATIENCE = 90.0
"""Seconds after which measuring begins even where the number of runs has not settled."""


@dataclass(frozen=True)
class Pace:
    """How long a run would take with nothing to wait for but its timers, and how late it may be.

    A run later than `late` seconds means that the machine is full. It is well below what would make a
    playbook overtake its own timers, which would then not be set: fewer events, and no fair comparison.
    """

    timers: float
    late: float


class ClosedLoop:
    """Keeps runs under way: each that ends is followed by another one.

    While `growing`, one more comes for each that ends in time; so their number doubles until they get late.
    How late they are is seen a run later, so there are too many then: while `shrinking`, every other one
    that is too late is the last of its lane.
    """

    def __init__(self, start: Start, pace: Pace, lanes: int) -> None:
        self._start, self._pace = start, pace
        self._ended = asyncio.Queue[WorkflowHandle[Any, Any]]()
        self._lateness: deque[float] = deque(maxlen=LOOKED_AT)
        self._lanes: set[asyncio.Task[None]] = set()
        self._first = lanes
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.growing, self.shrinking, self._over = True, False, False
        self._too_late = 0

    @property
    def lanes(self) -> int:
        """How many runs are under way."""
        return len(self._lanes)

    async def warm_up(self) -> None:
        """Begin, and wait until the number of runs has settled."""
        began = time.monotonic()
        for number in range(self._first):
            self._add(number * self._pace.timers / self._first)
        for _ in range(self._first):
            await self.next()
        while not self._full() and time.monotonic() < began + PATIENCE:
            await self.next()
        self.growing, self.shrinking = False, True
        self._lateness.clear()
        while not self._in_time() and time.monotonic() < began + 2 * PATIENCE:
            await self.next()
        self.shrinking = False
        for _ in range(LOOKED_AT):
            await self.next()

    async def next(self) -> WorkflowHandle[Any, Any]:
        """The next run that ends; raises what went wrong in a lane."""
        getting = asyncio.ensure_future(self._ended.get())
        either: set[asyncio.Future[Any]] = {getting, self._failed}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if self._failed.done():
            getting.cancel()
            self._failed.result()
        return await getting

    async def finish(self) -> None:
        """Start no more, and wait for those under way."""
        self._over = True
        await asyncio.gather(*self._lanes, return_exceptions=True)

    def cancel(self) -> None:
        """Wait for nothing any more."""
        self._over = True
        for lane in self._lanes:
            lane.cancel()
        if not self._failed.done():
            self._failed.cancel()

    def _full(self) -> bool:
        return len(self._lateness) == LOOKED_AT and median(self._lateness) > 0.7 * self._pace.late

    def _in_time(self) -> bool:
        return len(self._lateness) == LOOKED_AT and median(self._lateness) <= self._pace.late

    def _spare(self, late: float) -> bool:
        """Whether a run that was so late is the last of its lane."""
        if not self.shrinking or late <= self._pace.late or self.lanes < 3:
            return False
        self._too_late += 1
        return self._too_late % 2 == 0

    def _add(self, after: float) -> None:
        lane = asyncio.create_task(self._lane(after))
        self._lanes.add(lane)
        lane.add_done_callback(self._gone)

    def _gone(self, lane: asyncio.Task[None]) -> None:
        self._lanes.discard(lane)
        error = None if lane.cancelled() else lane.exception()
        if error is not None and not self._failed.done():
            self._failed.set_exception(error)

    async def _lane(self, after: float) -> None:
        await asyncio.sleep(after)
        while not self._over:
            began = time.monotonic()
            handle = await self._start()
            await handle.result()
            late = time.monotonic() - began - self._pace.timers
            self._lateness.append(late)
            self._ended.put_nowait(handle)
            if self.growing and late < self._pace.late / 2:
                self._add(0)
            if self._spare(late):
                return
