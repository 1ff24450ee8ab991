"""As many runs under way as the machine can take, and no more: then what ends in a second is its capacity."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

from temporalio.client import WorkflowHandle

Start = Callable[[], Awaitable[WorkflowHandle[Any, Any]]]

ROUNDS = 10
"""Attempts to find the number of runs; after that measuring begins with the last one."""

NEAR = 0.07
"""Two numbers of runs that differ by less than this share are the same."""

GROWTH = 1.5
"""So many times the runs while the machine is not full: how late they are then does not say how many fit."""


@dataclass(frozen=True)
class Pace:
    """How long a run would take with nothing to wait for but its timers, and how late it should be.

    A run that is late by `late` seconds means that the machine is full. It is well below what would make
    a playbook overtake its own timers, which would then not be set: fewer events, and no fair comparison.
    """

    timers: float
    late: float


class ClosedLoop:
    """Keeps a number of runs under way: each that ends is followed by another one.

    How many is found by Little's law, N = rate × time. A full machine has a rate of its own, however many
    runs are under way; so when N of them take T, the number of those that take `timers + late` is
    N × (timers + late) / T. One whose runs are less than half as late as they should be is not full yet.
    """

    def __init__(self, start: Start, pace: Pace, lanes: int) -> None:
        self._start, self._pace = start, pace
        self._ended = asyncio.Queue[tuple[WorkflowHandle[Any, Any], float]]()
        self._lanes: set[asyncio.Task[None]] = set()
        self._wanted = lanes
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._over = False

    @property
    def lanes(self) -> int:
        """How many runs are under way."""
        return len(self._lanes)

    async def warm_up(self) -> None:
        """Begin, and wait until the number of runs has settled."""
        for _ in range(ROUNDS):
            self._fill()
            taken = await self._generation()
            full = taken - self._pace.timers >= self._pace.late / 2
            times = (self._pace.timers + self._pace.late) / taken if full else GROWTH
            fitting = max(2, round(self._wanted * times))
            if abs(fitting - self._wanted) <= max(1, NEAR * self._wanted):
                return
            self._wanted = fitting

    async def next(self) -> WorkflowHandle[Any, Any]:
        """The next run that ends; raises what went wrong in a lane."""
        return (await self._next())[0]

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

    async def _generation(self) -> float:
        """The seconds that runs take which began when as many as wanted were under way."""
        for _ in range(max(self.lanes, self._wanted)):
            await self._next()
        return median([(await self._next())[1] for _ in range(max(10, self._wanted // 2))])

    async def _next(self) -> tuple[WorkflowHandle[Any, Any], float]:
        getting = asyncio.ensure_future(self._ended.get())
        either: set[asyncio.Future[Any]] = {getting, self._failed}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if self._failed.done():
            getting.cancel()
            self._failed.result()
        return await getting

    def _fill(self) -> None:
        """More lanes where some are missing, spread over a run's time. Too many end with their runs."""
        missing = self._wanted - self.lanes
        for number in range(missing):
            lane = asyncio.create_task(self._lane(number * self._pace.timers / missing))
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
            self._ended.put_nowait((handle, time.monotonic() - began))
            if self.lanes > self._wanted:
                self._lanes.discard(_this())
                return


def _this() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    assert task is not None
    return task
